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
	Doubt          bool // something speaks against the contact
	// Email and Phone are the revisions of what the contact says (hex), "" for
	// none.
	Email, Phone string
	Opened       time.Time
	Rest         time.Time // since when nothing moves; zero while something does
	Due          time.Time // zero: nothing is due
	Seq          int
	Head         casework.Hash
	Data         string // SHA-256 (hex) of the blob with the values, "" once erased
	Body         []byte // JSON of verify.Holder
}

const selectVerification = `SELECT id, name, role, org, registrar, ref, profile, state, doubt, email, phone, opened, rest, due, seq, head, data, body FROM verifications `

func scanVerification(s scanner) (Verification, error) {
	var v Verification
	var doubt, opened int64
	var rest, due sql.NullInt64
	var email, phone, head, data []byte
	if err := s.Scan(&v.ID, &v.Name, &v.Role, &v.Org, &v.Registrar, &v.Ref, &v.Profile, &v.State, &doubt, &email, &phone, &opened, &rest, &due, &v.Seq, &head, &data, &v.Body); err != nil {
		return v, err
	}
	v.Doubt, v.Opened, v.Rest, v.Due = doubt == 1, time.UnixMicro(opened).UTC(), fromMicros(rest), fromMicros(due)
	v.Email, v.Phone, v.Data = hex.EncodeToString(email), hex.EncodeToString(phone), hex.EncodeToString(data)
	if copy(v.Head[:], head) != len(v.Head) {
		return v, problem.New(problem.Corrupt, "the head of verification %s is not a hash", v.ID)
	}
	return v, nil
}

// PutVerification writes the projection of a verification whose log was at
// wasSeq before (0: a new one). If the log is elsewhere by now, somebody was
// first, and the error is a Conflict.
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
		n, err = tx.exec(ctx, `INSERT INTO verifications (id, name, role, org, registrar, ref, profile, state, doubt, email, phone, opened, rest, due, seq, head, data, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING`,
			clean(v.ID), strings.ToLower(clean(v.Name)), clean(v.Role), clean(v.Org), clean(v.Registrar), clean(v.Ref), clean(v.Profile), clean(v.State), boolInt(v.Doubt), email, phone,
			instant(v.Opened), micros(v.Rest), micros(v.Due), int64(v.Seq), v.Head[:], data, v.Body)
	} else {
		n, err = tx.exec(ctx, `UPDATE verifications SET registrar = $1, ref = $2, profile = $3, state = $4, doubt = $5, email = $6, phone = $7, rest = $8, due = $9, seq = $10, head = $11, data = $12, body = $13
WHERE id = $14 AND seq = $15`,
			clean(v.Registrar), clean(v.Ref), clean(v.Profile), clean(v.State), boolInt(v.Doubt), email, phone, micros(v.Rest), micros(v.Due), int64(v.Seq), v.Head[:], data, v.Body, clean(v.ID), int64(wasSeq))
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
	for _, e := range entries {
		if clean(string(e.Kind)) != string(e.Kind) || clean(e.Actor) != e.Actor || clean(e.Case) != e.Case {
			return problem.New(problem.Invalid, "event %d of verification %q has text that cannot be stored", e.Seq, e.Case)
		}
		if !e.At.Equal(e.At.Truncate(time.Microsecond)) {
			return problem.New(problem.Invalid, "event %d of verification %s is not dated in whole microseconds", e.Seq, e.Case)
		}
		if _, err := tx.exec(ctx, "INSERT INTO verification_events (verification_id, seq, at, kind, actor, prev, commitment, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			e.Case, int64(e.Seq), instant(e.At), string(e.Kind), e.Actor, e.Prev[:], e.Commitment[:], e.Hash[:]); err != nil {
			return err
		}
		if p := e.Payload; p != nil {
			body := p.Body
			if body == nil {
				body = []byte{}
			}
			if _, err := tx.exec(ctx, "INSERT INTO verification_payloads (verification_id, seq, personal, salt, body) VALUES ($1, $2, $3, $4, $5)",
				e.Case, int64(e.Seq), boolInt(p.Personal), p.Salt[:], body); err != nil {
				return err
			}
		}
	}
	return nil
}

// VerificationEvents reads the log of a verification in order. Payload is nil
// where it was erased.
func (tx *Tx) VerificationEvents(ctx context.Context, id string) ([]casework.Entry, error) {
	return list(ctx, tx, scanEvent, `SELECT e.verification_id, e.seq, e.at, e.kind, e.actor, e.prev, e.commitment, e.hash, p.personal, p.salt, p.body
FROM verification_events e LEFT JOIN verification_payloads p ON p.verification_id = e.verification_id AND p.seq = e.seq WHERE e.verification_id = $1 ORDER BY e.seq`, clean(id))
}

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
	verificationRuns = "state IN ('new', 'transferred', 'changed', 'doubted', 'malformed', 'pending', 'overdue')"
	verificationDone = "state IN ('verified', 'manual', 'terminated')"
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
		where = append(where, "doubt = 1")
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

// SameContact lists verifications of an organisation whose contact says the
// same of a claim, the one opened last first.
func (tx *Tx) SameContact(ctx context.Context, org string, claim verify.Claim, rev verify.Revision, limit int) ([]Verification, error) {
	col, ok := column(claim)
	sum, err := digest("revision", string(rev))
	if !ok || err != nil || sum == nil {
		return nil, err
	}
	return list(ctx, tx, scanVerification, selectVerification+"WHERE "+col+" = $1 AND org = $2 ORDER BY opened DESC, id DESC LIMIT $3", sum, clean(org), limit)
}

// PromptSame makes the open verifications of an organisation due now whose
// contact says the same of a claim: what became known of one concerns all.
func (tx *Tx) PromptSame(ctx context.Context, org string, claim verify.Claim, rev verify.Revision, except string, now time.Time) error {
	col, ok := column(claim)
	sum, err := digest("revision", string(rev))
	if !ok || err != nil || sum == nil {
		return err
	}
	_, err = tx.exec(ctx, "UPDATE verifications SET due = $1 WHERE "+col+" = $2 AND org = $3 AND id <> $4 AND (state = 'hold' OR "+verificationRuns+") AND (due IS NULL OR due > $1)",
		instant(now), sum, clean(org), clean(except))
	return err
}

// HeldByOther says whether another verification holds a name too.
func (tx *Tx) HeldByOther(ctx context.Context, name, except string) (bool, error) {
	var n int
	err := tx.row(ctx, "SELECT count(*) FROM verifications WHERE name = $1 AND id <> $2 AND state = 'hold'", strings.ToLower(clean(name)), clean(except)).Scan(&n)
	return n > 0, tx.s.wrap(err, "count holds")
}

// DueVerifications gives the ids of verifications whose due time has come, the
// longest due first.
func (tx *Tx) DueVerifications(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return list(ctx, tx, scanString, "SELECT id FROM verifications WHERE due <= $1 ORDER BY due, id LIMIT $2", instant(now), limit)
}

// SettleVerification writes when a verification is next due, and nothing else:
// it was looked at, and no event came of it. seq is that of the log it was
// looked at with.
func (tx *Tx) SettleVerification(ctx context.Context, id string, due time.Time, seq int) error {
	_, err := tx.exec(ctx, "UPDATE verifications SET due = $1 WHERE id = $2 AND seq = $3", micros(due), clean(id), int64(seq))
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

// CountVerifications counts the verifications that were opened since a time: what
// the cap is held against.
func (tx *Tx) CountVerifications(ctx context.Context, since time.Time) (int, error) {
	var n int
	err := tx.row(ctx, "SELECT count(*) FROM verifications WHERE opened >= $1", instant(since)).Scan(&n)
	return n, tx.s.wrap(err, "count verifications")
}

// CountVerificationGroups counts the verifications by group; one may be in two.
func (tx *Tx) CountVerificationGroups(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	for group, cond := range map[string]string{VerificationsOpen: verificationRuns, VerificationsDoubt: "doubt = 1", VerificationsHeld: "state = 'hold'", VerificationsDone: verificationDone} {
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

// ---- codes on their way

// WaitingCode is a code between its issue and the result of its message.
type WaitingCode struct {
	Verification string
	Number       int
	Method       verify.Method
	Code         string
	Made         time.Time
	Expires      time.Time
}

// PutCode keeps a code until its message has left.
func (tx *Tx) PutCode(ctx context.Context, c WaitingCode) error {
	_, err := tx.exec(ctx, "INSERT INTO verification_codes (verification_id, number, method, code, made, expires) VALUES ($1, $2, $3, $4, $5, $6)",
		clean(c.Verification), int64(c.Number), clean(string(c.Method)), clean(c.Code), instant(c.Made), instant(c.Expires))
	return err
}

const selectCode = "SELECT verification_id, number, method, code, made, expires FROM verification_codes "

func scanCode(s scanner) (c WaitingCode, err error) {
	var made, expires int64
	err = s.Scan(&c.Verification, &c.Number, &c.Method, &c.Code, &made, &expires)
	c.Made, c.Expires = time.UnixMicro(made).UTC(), time.UnixMicro(expires).UTC()
	return c, err
}

// WaitingCode reads a code that is on its way; ok is false if it is not any more.
func (tx *Tx) WaitingCode(ctx context.Context, id string, number int) (c WaitingCode, ok bool, err error) {
	cs, err := list(ctx, tx, scanCode, selectCode+"WHERE verification_id = $1 AND number = $2", clean(id), int64(number))
	if err != nil || len(cs) == 0 {
		return c, false, err
	}
	return cs[0], true, nil
}

// WaitingCodes lists the codes of a verification that are on their way.
func (tx *Tx) WaitingCodes(ctx context.Context, id string) ([]WaitingCode, error) {
	return list(ctx, tx, scanCode, selectCode+"WHERE verification_id = $1 ORDER BY number", clean(id))
}

// DropCode forgets a code; number 0 is all of the verification. It says how many
// there were.
func (tx *Tx) DropCode(ctx context.Context, id string, number int) (int, error) {
	n, err := tx.exec(ctx, "DELETE FROM verification_codes WHERE verification_id = $1 AND ($2 = 0 OR number = $2)", clean(id), int64(number))
	return int(n), err
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
	Name         string
	Kind         string // "hold", "release"
	State        OrderState
	Created      time.Time
	Due          time.Time
	Ended        time.Time
	Attempts     int
	Response     string
	Body         []byte // what is sent
}

const selectOrder = "SELECT id, verification_id, name, kind, state, created, due, ended, attempts, response, body FROM verification_orders "

func scanOrder(s scanner) (o VerificationOrder, err error) {
	var created int64
	var due, ended sql.NullInt64
	err = s.Scan(&o.ID, &o.Verification, &o.Name, &o.Kind, &o.State, &created, &due, &ended, &o.Attempts, &o.Response, &o.Body)
	o.Created, o.Due, o.Ended = time.UnixMicro(created).UTC(), fromMicros(due), fromMicros(ended)
	return o, err
}

// AddOrder adds an order.
func (tx *Tx) AddOrder(ctx context.Context, o VerificationOrder) error {
	if o.ID == "" || o.Created.IsZero() || (o.State == OrderDue) == o.Due.IsZero() {
		return problem.New(problem.Internal, "an order needs an id, a time, and a due time exactly while it is to be sent")
	}
	if o.Body == nil {
		o.Body = []byte{}
	}
	_, err := tx.exec(ctx, "INSERT INTO verification_orders (id, verification_id, name, kind, state, created, due, ended, attempts, response, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		clean(o.ID), clean(o.Verification), strings.ToLower(clean(o.Name)), clean(o.Kind), clean(string(o.State)), instant(o.Created), micros(o.Due), micros(o.Ended), int64(o.Attempts), clean(o.Response), o.Body)
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

// OrdersByHand lists the orders that wait for a person, the oldest first.
func (tx *Tx) OrdersByHand(ctx context.Context, limit int) ([]VerificationOrder, error) {
	return list(ctx, tx, scanOrder, selectOrder+"WHERE state = 'by_hand' ORDER BY created, id LIMIT $1", limit)
}

// DueOrders gives the ids of orders that are due, the longest due first.
func (tx *Tx) DueOrders(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return list(ctx, tx, scanString, "SELECT id FROM verification_orders WHERE due <= $1 ORDER BY due, id LIMIT $2", instant(now), limit)
}

// ClaimOrder counts an attempt at an order and puts it off to again, when it is
// tried once more should nothing be heard of this attempt. Of all who try, one
// gets true.
func (tx *Tx) ClaimOrder(ctx context.Context, o VerificationOrder, again time.Time) (bool, error) {
	n, err := tx.exec(ctx, "UPDATE verification_orders SET attempts = attempts + 1, due = $1 WHERE id = $2 AND state = 'due' AND attempts = $3", instant(again), clean(o.ID), int64(o.Attempts))
	return n == 1, err
}

// FinishOrder writes the state, due and end times and response of an order that
// is in a state. If it is not any more, somebody was first, and the error is a
// Conflict.
func (tx *Tx) FinishOrder(ctx context.Context, o VerificationOrder, was OrderState) error {
	n, err := tx.exec(ctx, "UPDATE verification_orders SET state = $1, due = $2, ended = $3, response = $4 WHERE id = $5 AND state = $6",
		clean(string(o.State)), micros(o.Due), micros(o.Ended), clean(o.Response), clean(o.ID), clean(string(was)))
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "order %s is not %s any more", o.ID, was)
	}
	return err
}

// ---- retention

// SweepVerifications erases what people wrote, of verifications that have been at
// rest for personal, and the values of contacts: those that a contact does not say
// any more, and those of verifications at rest for values. Codes that are over go
// too. The chains still verify. Forever keeps. It says how many payloads and blobs
// went.
func (s *Store) SweepVerifications(ctx context.Context, now time.Time, personal, values time.Duration) (total int, err error) {
	if personal == 0 {
		personal = DefaultRetention().Personal
	}
	if err := s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, "DELETE FROM verification_codes WHERE expires <= $1", instant(now))
		return err
	}); err != nil {
		return 0, err
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
