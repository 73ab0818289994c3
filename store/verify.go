package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/verify"
)

// OwnerVerification is the kind of owner of the contact values of a
// verification; its id is the verification's. Such a blob is erased by
// SweepVerifications, and not by the retention of captures.
const OwnerVerification = "verification"

// Verification is the row of a verification: what it is found and listed by, and
// its projection. It holds no address and no number.
type Verification struct {
	ID, Name, Role string
	Org            string // id of the organisation whose it is; "" is the centre's own
	Registrar      string
	Ref            string // what the registrar's system calls it
	Profile, State string
	// Email and Phone are the revisions of what the contact says (hex), "" for
	// none.
	Email, Phone string
	Opened       time.Time
	Rest         time.Time // since when nothing moves; zero while something does
	Due          time.Time // zero: nothing is due
	// Doubted is when something last spoke against the contact; zero while nothing
	// does.
	Doubted time.Time
	// Prompts is how often PromptSame made it due. Who writes the row gives the
	// number that was read with it.
	Prompts int
	Seq     int
	Head    casework.Hash
	Data    string // SHA-256 (hex) of the blob with the values, "" once erased
	Body    []byte // JSON of verify.Holder
}

const selectVerification = `SELECT id, name, role, org, registrar, ref, profile, state, email, phone, opened, rest, due, doubted, prompts, seq, head, data, body FROM verifications `

func scanVerification(s scanner) (Verification, error) {
	var v Verification
	var opened int64
	var rest, due, doubted sql.NullInt64
	var email, phone, head, data []byte
	if err := s.Scan(&v.ID, &v.Name, &v.Role, &v.Org, &v.Registrar, &v.Ref, &v.Profile, &v.State, &email, &phone, &opened, &rest, &due, &doubted, &v.Prompts, &v.Seq, &head, &data, &v.Body); err != nil {
		return v, err
	}
	v.Opened, v.Rest, v.Due, v.Doubted = time.UnixMicro(opened).UTC(), fromMicros(rest), fromMicros(due), fromMicros(doubted)
	v.Email, v.Phone, v.Data = hex.EncodeToString(email), hex.EncodeToString(phone), hex.EncodeToString(data)
	if copy(v.Head[:], head) != len(v.Head) {
		return v, problem.New(problem.Corrupt, "the head of verification %s is not a hash", v.ID)
	}
	return v, nil
}

// PutVerification writes the projection of a verification whose log was at
// wasSeq before (0: a new one). If the log is elsewhere by now, somebody was
// first, and the error is a Conflict. One that was prompted since it was read stays
// due: what became known meanwhile was not seen.
func (tx *Tx) PutVerification(ctx context.Context, v Verification, wasSeq int) error {
	if v.ID == "" || v.State == "" || v.Opened.IsZero() || v.Seq <= wasSeq {
		return problem.New(problem.Internal, "a verification needs an id, a state, a time and a new event")
	}
	email, err := digest("email", v.Email)
	if err != nil {
		return err
	}
	phone, err := digest("phone", v.Phone)
	if err != nil {
		return err
	}
	data, err := digest("data", v.Data)
	if err != nil {
		return err
	}
	if v.Body == nil {
		v.Body = []byte{}
	}
	var n int64
	if wasSeq == 0 {
		n, err = tx.exec(ctx, `INSERT INTO verifications (id, name, role, org, registrar, ref, profile, state, doubted, email, phone, opened, rest, due, seq, head, data, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING`,
			clean(v.ID), strings.ToLower(clean(v.Name)), clean(v.Role), clean(v.Org), clean(v.Registrar), clean(v.Ref), clean(v.Profile), clean(v.State), micros(v.Doubted), email, phone,
			instant(v.Opened), micros(v.Rest), micros(v.Due), int64(v.Seq), v.Head[:], data, v.Body)
	} else {
		n, err = tx.exec(ctx, `UPDATE verifications SET registrar = $1, ref = $2, profile = $3, state = $4, doubted = $5, email = $6, phone = $7, rest = $8, due = CASE WHEN prompts = $9 THEN $10 ELSE due END, seq = $11, head = $12, data = $13, body = $14
WHERE id = $15 AND seq = $16`,
			clean(v.Registrar), clean(v.Ref), clean(v.Profile), clean(v.State), micros(v.Doubted), email, phone, micros(v.Rest), int64(v.Prompts), micros(v.Due), int64(v.Seq), v.Head[:], data, v.Body, clean(v.ID), int64(wasSeq))
	}
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "verification %s was changed by somebody else first", v.ID)
	}
	return err
}

// AppendVerificationEvents adds events to the logs of verifications: the links,
// and apart from them the payloads. The verification must be there
// (PutVerification first).
func (tx *Tx) AppendVerificationEvents(ctx context.Context, entries []casework.Entry) error {
	return verificationLog.appendTo(ctx, tx, entries)
}

// VerificationEvents reads the log of a verification in order. Payload is nil
// where it was erased.
func (tx *Tx) VerificationEvents(ctx context.Context, id string) ([]casework.Entry, error) {
	return verificationLog.read(ctx, tx, id)
}

var verificationLog = eventLog{"verification_events", "verification_payloads", "verification_id", "verification"}

// Verification reads one verification by its id.
func (tx *Tx) Verification(ctx context.Context, id string) (Verification, error) {
	v, err := scanVerification(tx.row(ctx, selectVerification+"WHERE id = $1", clean(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return Verification{}, problem.New(problem.NotFound, "there is no such verification")
	}
	return v, tx.s.wrap(err, "read a verification")
}

// The groups of a list of verifications.
const (
	VerificationsOpen  = "open"  // a time to answer runs, or ran out
	VerificationsDoubt = "doubt" // something speaks against the contact
	VerificationsHeld  = "hold"
	VerificationsDone  = "done" // verified, or ended
)

// VerificationFilter says which verifications to list. Empty fields do not
// filter.
type VerificationFilter struct {
	Group       string // one of the groups
	State, Name string
	// Own lists those of Org only, which may be "": the centre's own.
	Own bool
	Org string
	// Limit is at most MaxVerifications, which 0 stands for.
	Limit int
	// After is the id of the last verification of the page before.
	After string
}

// MaxVerifications is the longest page of verifications.
const MaxVerifications = 500

const (
	verificationRuns   = "state IN ('new', 'transferred', 'changed', 'doubted', 'malformed', 'pending', 'overdue')"
	verificationStands = "state IN ('verified', 'manual')"
	verificationDone   = "state IN ('verified', 'manual', 'terminated')"
)

// Verifications lists verifications, the one opened last first.
func (tx *Tx) Verifications(ctx context.Context, f VerificationFilter) ([]Verification, error) {
	if f.Limit <= 0 || f.Limit > MaxVerifications {
		f.Limit = MaxVerifications
	}
	where, args := []string{"1 = 1"}, []any{}
	add := func(cond string, v any) {
		args = append(args, v)
		where = append(where, cond+in(len(args), 1))
	}
	switch f.Group {
	case VerificationsOpen:
		where = append(where, verificationRuns)
	case VerificationsDoubt:
		where = append(where, "doubted IS NOT NULL")
	case VerificationsHeld:
		where = append(where, "state = 'hold'")
	case VerificationsDone:
		where = append(where, verificationDone)
	}
	if f.State != "" {
		add("state = ", clean(f.State))
	}
	if f.Name != "" {
		add("name = ", strings.ToLower(clean(f.Name)))
	}
	if f.Own {
		add("org = ", clean(f.Org))
	}
	if f.After != "" {
		last, err := tx.Verification(ctx, f.After)
		if err != nil {
			return nil, err
		}
		at := instant(last.Opened)
		args = append(args, at, at, last.ID)
		n := len(args)
		where = append(where, "(opened < "+in(n-2, 1)+" OR opened = "+in(n-1, 1)+" AND id < "+in(n, 1)+")")
	}
	args = append(args, f.Limit)
	return list(ctx, tx, scanVerification, selectVerification+"WHERE "+strings.Join(where, " AND ")+" ORDER BY opened DESC, id DESC LIMIT "+in(len(args), 1), args...)
}

// VerificationOf is the verification of a contact of a name that an
// organisation keeps and that was not ended; ok is false if there is none.
func (tx *Tx) VerificationOf(ctx context.Context, org, name, role string) (v Verification, ok bool, err error) {
	vs, err := list(ctx, tx, scanVerification, selectVerification+"WHERE name = $1 AND org = $2 AND role = $3 AND state <> 'terminated' ORDER BY opened DESC, id DESC LIMIT 1",
		strings.ToLower(clean(name)), clean(org), clean(role))
	if err != nil || len(vs) == 0 {
		return Verification{}, false, err
	}
	return vs[0], true, nil
}

// column is where the revision of a claim lies; ok is false for a claim without
// one.
func column(claim verify.Claim) (string, bool) {
	switch claim {
	case verify.Email, verify.Phone:
		return string(claim), true
	}
	return "", false
}

// VerifiedSame lists verifications of an organisation that stand and whose contact
// says the same of a claim, the one verified last first.
func (tx *Tx) VerifiedSame(ctx context.Context, org string, claim verify.Claim, rev verify.Revision, limit int) ([]Verification, error) {
	col, ok := column(claim)
	sum, err := digest("revision", string(rev))
	if !ok || err != nil || sum == nil {
		return nil, err
	}
	return list(ctx, tx, scanVerification, selectVerification+"WHERE "+col+" = $1 AND org = $2 AND "+verificationStands+" ORDER BY rest DESC, id DESC LIMIT $3", sum, clean(org), limit)
}

// VerifiedAfter is a page of them by id, after an id: for what concerns them all.
func (tx *Tx) VerifiedAfter(ctx context.Context, org string, claim verify.Claim, rev verify.Revision, after string, limit int) ([]Verification, error) {
	col, ok := column(claim)
	sum, err := digest("revision", string(rev))
	if !ok || err != nil || sum == nil {
		return nil, err
	}
	return list(ctx, tx, scanVerification, selectVerification+"WHERE "+col+" = $1 AND org = $2 AND id > $3 AND "+verificationStands+" ORDER BY id LIMIT $4", sum, clean(org), clean(after), limit)
}

// DoubtedSame is when something last spoke against the contact of another
// verification of an organisation that says the same of a claim and is in doubt;
// zero if none is.
func (tx *Tx) DoubtedSame(ctx context.Context, org string, claim verify.Claim, rev verify.Revision, except string) (time.Time, error) {
	col, ok := column(claim)
	sum, err := digest("revision", string(rev))
	if !ok || err != nil || sum == nil {
		return time.Time{}, err
	}
	var at sql.NullInt64
	err = tx.row(ctx, "SELECT max(doubted) FROM verifications WHERE "+col+" = $1 AND org = $2 AND doubted IS NOT NULL AND id <> $3", sum, clean(org), clean(except)).Scan(&at)
	return fromMicros(at), tx.s.wrap(err, "read what is in doubt")
}

// PromptSame makes the open verifications of an organisation due now whose
// contact says the same of a claim: what became known of one concerns all. It is
// counted where one is due already, too: who works on it may have read before.
func (tx *Tx) PromptSame(ctx context.Context, org string, claim verify.Claim, rev verify.Revision, except string, now time.Time) error {
	col, ok := column(claim)
	sum, err := digest("revision", string(rev))
	if !ok || err != nil || sum == nil {
		return err
	}
	_, err = tx.exec(ctx, "UPDATE verifications SET prompts = prompts + 1, due = CASE WHEN due <= $1 THEN due ELSE $1 END WHERE "+col+" = $2 AND org = $3 AND id <> $4 AND (state = 'hold' OR "+verificationRuns+")",
		instant(now), sum, clean(org), clean(except))
	return err
}

// DueVerifications gives the ids of verifications whose due time has come, the
// longest due first.
func (tx *Tx) DueVerifications(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return list(ctx, tx, scanString, "SELECT id FROM verifications WHERE due <= $1 ORDER BY due, id LIMIT $2", instant(now), limit)
}

// SettleVerification writes when a verification is next due, and nothing else:
// it was looked at, and no event came of it. seq and prompts are those it was
// looked at with; one that was prompted since stays due.
func (tx *Tx) SettleVerification(ctx context.Context, id string, due time.Time, seq, prompts int) error {
	_, err := tx.exec(ctx, "UPDATE verifications SET due = $1 WHERE id = $2 AND seq = $3 AND prompts = $4", micros(due), clean(id), int64(seq), int64(prompts))
	return err
}

// KeepContact writes the blob with the values of a contact, and nothing else: they
// were given again after they expired. seq is that of the log as it was read.
func (tx *Tx) KeepContact(ctx context.Context, id, data string, seq int) error {
	sum, err := digest("data", data)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, "UPDATE verifications SET data = $1 WHERE id = $2 AND seq = $3", sum, clean(id), int64(seq))
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "verification %s was changed by somebody else first", id)
	}
	return err
}

// CountVerifications counts the verifications that an organisation has opened since
// a time: what the cap is held against.
func (tx *Tx) CountVerifications(ctx context.Context, org string, since time.Time) (int, error) {
	var n int
	err := tx.row(ctx, "SELECT count(*) FROM verifications WHERE org = $1 AND opened >= $2", clean(org), instant(since)).Scan(&n)
	return n, tx.s.wrap(err, "count verifications")
}

// CountContactChanges counts how often the contact of a verification has changed
// since a time.
func (tx *Tx) CountContactChanges(ctx context.Context, id string, since time.Time) (int, error) {
	var n int
	err := tx.row(ctx, "SELECT count(*) FROM verification_events WHERE verification_id = $1 AND kind = $2 AND at >= $3", clean(id), string(verify.KindChanged), instant(since)).Scan(&n)
	return n, tx.s.wrap(err, "count changes")
}

// codeWent is the condition of CountNotices, for codes by mail: the index
// notices_codes is of it.
const codeWent = "n.kind = 'verification' AND n.state IN ('accepted', 'intended', 'in_doubt') AND coalesce(n.done, n.due, n.created) >= $1"

// CountCodes counts the codes by mail that went out, or may have, since a time: about
// a verification, and about all of the organisation whose it is.
func (tx *Tx) CountCodes(ctx context.Context, id string, since time.Time) (about, org int, err error) {
	if err = tx.row(ctx, "SELECT count(*) FROM notices n WHERE "+codeWent+" AND n.obligation = $2", instant(since), "verify:"+clean(id)).Scan(&about); err == nil {
		err = tx.row(ctx, "SELECT count(*) FROM notices n JOIN verifications v ON v.id = substr(n.obligation, 8) WHERE "+codeWent+" AND v.org = (SELECT org FROM verifications WHERE id = $2)", instant(since), clean(id)).Scan(&org)
	}
	return about, org, tx.s.wrap(err, "count codes")
}

// OrgName is what the operator calls an organisation; "" where there is none.
func (tx *Tx) OrgName(ctx context.Context, id string) (string, error) {
	var s string
	err := tx.row(ctx, "SELECT name FROM orgs WHERE id = $1", clean(id)).Scan(&s)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return s, tx.s.wrap(err, "read an organisation")
}

// CountVerificationGroups counts the verifications by group; one may be in two.
func (tx *Tx) CountVerificationGroups(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	for group, cond := range map[string]string{VerificationsOpen: verificationRuns, VerificationsDoubt: "doubted IS NOT NULL", VerificationsHeld: "state = 'hold'", VerificationsDone: verificationDone} {
		var n int
		if err := tx.row(ctx, "SELECT count(*) FROM verifications WHERE "+cond).Scan(&n); err != nil {
			return nil, tx.s.wrap(err, "count verifications")
		}
		out[group] = n
	}
	return out, nil
}

// LockVerifications lets one transaction at a time go on from here: a count that
// a cap is held against must still hold when the row is written.
func (tx *Tx) LockVerifications(ctx context.Context) error {
	if tx.s.engine == PostgreSQL {
		_, err := tx.exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(verificationLock))
		return err
	}
	return nil // SQLite has one writer
}

// verificationLock is any number of our own.
const verificationLock = 0x62777665726966

// ---- doubts that concern several

// Doubt is what puts in doubt whatever an organisation has verified of an address.
type Doubt struct {
	ID       string
	Org      string
	Revision verify.Revision // of the mail address
	Cause    verify.Cause
	Evidence string
	At       time.Time // when it became known
	Done     string    // the id of the last verification of the pages that are done
}

// AddDoubt adds a doubt, due now.
func (tx *Tx) AddDoubt(ctx context.Context, d Doubt) error {
	sum, err := digest("revision", string(d.Revision))
	if err == nil && (sum == nil || d.ID == "" || d.At.IsZero()) {
		err = problem.New(problem.Internal, "a doubt needs an id, a revision and a time")
	}
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "INSERT INTO verification_doubts (id, org, revision, cause, evidence, at, done, due) VALUES ($1, $2, $3, $4, $5, $6, $7, $6)",
		clean(d.ID), clean(d.Org), sum, clean(string(d.Cause)), clean(d.Evidence), instant(d.At), clean(d.Done))
	return err
}

// Doubt reads a doubt; ok is false once it has been followed everywhere.
func (tx *Tx) Doubt(ctx context.Context, id string) (d Doubt, ok bool, err error) {
	ds, err := list(ctx, tx, func(s scanner) (d Doubt, err error) {
		var at int64
		var rev []byte
		err = s.Scan(&d.ID, &d.Org, &rev, &d.Cause, &d.Evidence, &at, &d.Done)
		d.Revision, d.At = verify.Revision(hex.EncodeToString(rev)), time.UnixMicro(at).UTC()
		return d, err
	}, "SELECT id, org, revision, cause, evidence, at, done FROM verification_doubts WHERE id = $1", clean(id))
	if err != nil || len(ds) == 0 {
		return d, false, err
	}
	return ds[0], true, nil
}

// DoneDoubt says that the pages up to an id are done; "" that all are. If somebody
// else did a page first, the error is a Conflict.
func (tx *Tx) DoneDoubt(ctx context.Context, d Doubt, upTo string) error {
	query, args := "DELETE FROM verification_doubts WHERE id = $1 AND done = $2", []any{clean(d.ID), clean(d.Done)}
	if upTo != "" {
		query, args = "UPDATE verification_doubts SET done = $3 WHERE id = $1 AND done = $2", append(args, clean(upTo))
	}
	n, err := tx.exec(ctx, query, args...)
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "somebody else followed doubt %s first", d.ID)
	}
	return err
}

// DueDoubts gives the ids of doubts that are to be followed, the oldest first.
func (tx *Tx) DueDoubts(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return list(ctx, tx, scanString, "SELECT id FROM verification_doubts WHERE due <= $1 ORDER BY due, id LIMIT $2", instant(now), limit)
}

// ---- addresses that want no codes

// Refuse notes that an address wants no codes. The first time counts.
func (tx *Tx) Refuse(ctx context.Context, rev verify.Revision, id string, at time.Time) error {
	sum, err := digest("revision", string(rev))
	if err != nil || sum == nil {
		return err
	}
	_, err = tx.exec(ctx, "INSERT INTO verification_refusals (revision, at, verification_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", sum, instant(at), clean(id))
	return err
}

// Unrefuse takes that back.
func (tx *Tx) Unrefuse(ctx context.Context, rev verify.Revision) (bool, error) {
	sum, err := digest("revision", string(rev))
	if err != nil || sum == nil {
		return false, err
	}
	n, err := tx.exec(ctx, "DELETE FROM verification_refusals WHERE revision = $1", sum)
	return n > 0, err
}

// Refused says since when an address wants no codes; zero for one that does.
func (tx *Tx) Refused(ctx context.Context, rev verify.Revision) (time.Time, error) {
	sum, err := digest("revision", string(rev))
	if err != nil || sum == nil {
		return time.Time{}, err
	}
	var at int64
	err = tx.row(ctx, "SELECT at FROM verification_refusals WHERE revision = $1", sum).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return time.UnixMicro(at).UTC(), tx.s.wrap(err, "read who refused")
}

// ---- orders to the registrar's system

// OrderState says how far an order has come.
type OrderState string

// The states of an order.
const (
	OrderDue     OrderState = "due"     // to be sent at its due time
	OrderByHand  OrderState = "by_hand" // a person has to do it, or to let it go
	OrderDone    OrderState = "done"
	OrderDropped OrderState = "dropped" // no longer wanted
)

// VerificationOrder is what the registrar's system is to do about a name. Sending
// one twice does no harm: its id says that it is the same.
type VerificationOrder struct {
	ID           string
	Verification string
	Org          string // whose verification it is; "" is the centre's own
	Name         string
	Kind         string // "hold", "release", "terminate"
	State        OrderState
	Created      time.Time
	Due          time.Time
	Ended        time.Time
	Attempts     int
	Tried        time.Time // when the last attempt began; zero while there was none
	Response     string
	Body         []byte // what is sent
}

// Waits says whether an order is still to be carried out.
func (o VerificationOrder) Waits() bool { return o.State == OrderDue || o.State == OrderByHand }

const (
	orderColumns = "id, verification_id, org, name, kind, state, created, due, ended, attempts, tried, response, body"
	selectOrder  = "SELECT " + orderColumns + " FROM verification_orders "
)

func scanOrder(s scanner) (o VerificationOrder, err error) {
	var created int64
	var due, ended, tried sql.NullInt64
	err = s.Scan(&o.ID, &o.Verification, &o.Org, &o.Name, &o.Kind, &o.State, &created, &due, &ended, &o.Attempts, &tried, &o.Response, &o.Body)
	o.Created, o.Due, o.Ended, o.Tried = time.UnixMicro(created).UTC(), fromMicros(due), fromMicros(ended), fromMicros(tried)
	return o, err
}

// LockOrders lets one transaction at a time decide about the orders of a name: what
// one leaves there depends on the others.
func (tx *Tx) LockOrders(ctx context.Context, name string) error {
	if tx.s.engine == PostgreSQL {
		_, err := tx.exec(ctx, "SELECT pg_advisory_xact_lock($1, hashtext($2))", int32(orderLock), strings.ToLower(clean(name)))
		return err
	}
	return nil // SQLite has one writer
}

// orderLock is any number of our own.
const orderLock = 0x6f726472

// AddOrder adds an order.
func (tx *Tx) AddOrder(ctx context.Context, o VerificationOrder) error {
	if o.ID == "" || o.Created.IsZero() || (o.State == OrderDue) == o.Due.IsZero() {
		return problem.New(problem.Internal, "an order needs an id, a time, and a due time exactly while it is to be sent")
	}
	if o.Body == nil {
		o.Body = []byte{}
	}
	_, err := tx.exec(ctx, "INSERT INTO verification_orders ("+orderColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		clean(o.ID), clean(o.Verification), clean(o.Org), strings.ToLower(clean(o.Name)), clean(o.Kind), clean(string(o.State)), instant(o.Created), micros(o.Due), micros(o.Ended), int64(o.Attempts), micros(o.Tried), clean(o.Response), o.Body)
	return err
}

// Order reads one order.
func (tx *Tx) Order(ctx context.Context, id string) (VerificationOrder, error) {
	o, err := scanOrder(tx.row(ctx, selectOrder+"WHERE id = $1", clean(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return o, problem.New(problem.NotFound, "there is no such order")
	}
	return o, tx.s.wrap(err, "read an order")
}

// Orders lists the orders of a verification, the oldest first.
func (tx *Tx) Orders(ctx context.Context, verification string) ([]VerificationOrder, error) {
	return list(ctx, tx, scanOrder, selectOrder+"WHERE verification_id = $1 ORDER BY created, id", clean(verification))
}

// NameOrders lists the orders about a name, of whatever verification, the oldest
// first.
func (tx *Tx) NameOrders(ctx context.Context, name string) ([]VerificationOrder, error) {
	return list(ctx, tx, scanOrder, selectOrder+"WHERE name = $1 ORDER BY created, id", strings.ToLower(clean(name)))
}

// OrderPage says which of the orders that wait for a person to list.
type OrderPage struct {
	// Of lists those of one organisation only: Org, which may be "".
	Of  bool
	Org string
	// Skip is how many come before, Limit at most MaxVerifications, which 0 stands
	// for.
	Skip, Limit int
}

// OrdersByHand lists the orders that wait for a person: first the centre's own,
// then those of its members by turns, so that nobody's fill the list. Of one
// organisation's a release comes first, as it undoes harm, then the oldest.
func (tx *Tx) OrdersByHand(ctx context.Context, p OrderPage) ([]VerificationOrder, error) {
	if p.Limit <= 0 || p.Limit > MaxVerifications {
		p.Limit = MaxVerifications
	}
	where, args := "state = 'by_hand'", []any{p.Limit, max(p.Skip, 0)}
	if p.Of {
		where, args = where+" AND org = $3", append(args, clean(p.Org))
	}
	return list(ctx, tx, scanOrder, "SELECT "+orderColumns+" FROM (SELECT "+orderColumns+`,
row_number() OVER (PARTITION BY org ORDER BY CASE kind WHEN 'release' THEN 0 ELSE 1 END, created, id) AS turn
FROM verification_orders WHERE `+where+") AS waiting ORDER BY CASE org WHEN '' THEN 0 ELSE 1 END, turn, created, id LIMIT $1 OFFSET $2", args...)
}

// CountOrdersByHand counts the orders that wait for a person, by organisation.
func (tx *Tx) CountOrdersByHand(ctx context.Context) (map[string]int, error) {
	type count struct {
		org string
		n   int
	}
	all, err := list(ctx, tx, func(r scanner) (c count, err error) {
		err = r.Scan(&c.org, &c.n)
		return c, err
	}, "SELECT org, count(*) FROM verification_orders WHERE state = 'by_hand' GROUP BY org")
	out := map[string]int{}
	for _, c := range all {
		out[c.org] = c.n
	}
	return out, err
}

// DueOrders gives the ids of orders that are due, the longest due first.
func (tx *Tx) DueOrders(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return list(ctx, tx, scanString, "SELECT id FROM verification_orders WHERE due <= $1 ORDER BY due, id LIMIT $2", instant(now), limit)
}

// ClaimOrder counts an attempt at an order, which begins now with the Body it has,
// and puts it off to again, when it is tried once more should nothing be heard of
// this attempt. Of all who try, one gets true.
func (tx *Tx) ClaimOrder(ctx context.Context, o VerificationOrder, now, again time.Time) (bool, error) {
	n, err := tx.exec(ctx, "UPDATE verification_orders SET attempts = attempts + 1, tried = $1, due = $2, body = $3 WHERE id = $4 AND state = 'due' AND attempts = $5",
		instant(now), instant(again), o.Body, clean(o.ID), int64(o.Attempts))
	return n == 1, err
}

// FinishOrder writes the state, due and end times and response of an order that
// is in a state, after as many attempts as it says. If that is so no more, somebody
// was first, and the error is a Conflict.
func (tx *Tx) FinishOrder(ctx context.Context, o VerificationOrder, was OrderState) error {
	n, err := tx.exec(ctx, "UPDATE verification_orders SET state = $1, due = $2, ended = $3, response = $4 WHERE id = $5 AND state = $6 AND attempts = $7",
		clean(string(o.State)), micros(o.Due), micros(o.Ended), clean(o.Response), clean(o.ID), clean(string(was)), int64(o.Attempts))
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "order %s is not %s any more, or was tried again", o.ID, was)
	}
	return err
}

// ---- retention

// SweepVerifications erases what people wrote, of verifications that have been at
// rest for personal, and the values of contacts: those that a contact does not say
// any more, and those of verifications at rest for values. The chains still verify. Forever keeps. It says how many payloads and blobs
// went.
func (s *Store) SweepVerifications(ctx context.Context, now time.Time, personal, values time.Duration) (total int, err error) {
	if personal == 0 {
		personal = DefaultRetention().Personal
	}
	cut, ok := cutoff(now, personal)
	for n := sweepChunk; ok && n == sweepChunk; {
		var rows int64
		err = s.Update(ctx, func(tx *Tx) error {
			ids, err := list(ctx, tx, scanString, `SELECT id FROM verifications v WHERE v.rest <= $1 AND EXISTS
(SELECT 1 FROM verification_payloads p WHERE p.verification_id = v.id AND p.personal = 1) ORDER BY id LIMIT $2`, cut, sweepChunk)
			if n, rows = len(ids), 0; err != nil || n == 0 {
				return err
			}
			rows, err = tx.exec(ctx, "DELETE FROM verification_payloads WHERE personal = 1 AND verification_id IN (SELECT id FROM verifications WHERE rest <= $1 AND id IN ("+in(2, n)+"))", append([]any{cut}, anys(ids)...)...)
			return err
		})
		if err != nil {
			return total, err
		}
		total += int(rows)
	}
	if cut, ok = cutoff(now, values); ok {
		if err := s.Update(ctx, func(tx *Tx) error {
			_, err := tx.exec(ctx, "UPDATE verifications SET data = NULL WHERE data IS NOT NULL AND rest <= $1", cut)
			return err
		}); err != nil {
			return total, err
		}
	}
	// A blob that no row names any more: should this end in the middle, the next
	// sweep finds the rest.
	for n := sweepChunk; n == sweepChunk; {
		var shas []string
		if err := s.View(ctx, func(tx *Tx) (err error) {
			shas, err = list(ctx, tx, func(r scanner) (string, error) {
				var b []byte
				err := r.Scan(&b)
				return hex.EncodeToString(b), err
			}, `SELECT f.sha FROM blob_refs f JOIN blobs b ON b.sha = f.sha WHERE f.owner_kind = 'verification' AND b.erased IS NULL
AND NOT EXISTS (SELECT 1 FROM verifications v WHERE v.id = f.owner_id AND v.data = f.sha) LIMIT $1`, sweepChunk)
			return err
		}); err != nil {
			return total, err
		}
		n = len(shas)
		for _, sha := range shas {
			if err := s.EraseBlob(ctx, sha); err != nil && problem.CodeOf(err) != problem.NotFound {
				return total, err
			}
			total++
		}
	}
	if total > 0 {
		s.scour(ctx)
	}
	return total, nil
}
