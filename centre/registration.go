package centre

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/collect"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
)

// RegistrationVersion is what was known of a name over a time in which nothing
// changed. Its record is without contacts unless they were asked for
// (RegistrationContacts).
type RegistrationVersion struct {
	registration.Version
	Seen int `json:"seen"` // how many answers showed it
	// Contacts says whether contacts are kept: "kept", "none", "expired", or
	// "not asked" when the look-up left them out.
	Contacts string `json:"contacts"`
	// Answers are the raw answers it rests on; their bytes expire with the
	// contacts, the digests stay.
	Answers []RegistrationAnswer `json:"answers,omitempty"`
	// Changes are what changed from the version before, without values that are
	// a person's. Filled by RegistrationHistory.
	Changes []registration.Change `json:"changes,omitempty"`
}

// RegistrationAnswer is a raw answer: who gave it when, and its blob.
type RegistrationAnswer struct {
	registration.Source
	Gone bool `json:"gone,omitempty"` // the bytes have expired
}

// The values of RegistrationVersion.Contacts.
const (
	ContactsKept     = "kept"
	ContactsNone     = "none"
	ContactsExpired  = "expired"
	ContactsNotAsked = "not asked"
)

// private is what is stored apart from a record, as one blob. The salt makes
// it unlike any other's, so that it can be erased alone, and so that nobody can
// tell by its digest whether a guess at a person is right.
type private struct {
	Salt     string                          `json:"salt"`
	Contacts map[string]registration.Contact `json:"contacts,omitempty"`
	Unread   map[string]string               `json:"unread,omitempty"`
	Given    map[string]string               `json:"given,omitempty"`
}

// contactPath says whether a field path is one of a contact's.
func contactPath(p string) bool { return strings.HasPrefix(p, "contacts.") }

// bare gives a record without its contacts: what stays when they expire. That
// a field was withheld stays too.
func bare(r registration.Record) registration.Record {
	r.Contacts = nil
	for _, texts := range []*map[string]string{&r.Unread, &r.Given} {
		if len(*texts) == 0 {
			continue
		}
		kept := map[string]string{}
		for p, v := range *texts {
			if !contactPath(p) {
				kept[p] = v
			}
		}
		*texts = kept
	}
	return r
}

// anonymous is bare without what contacts leave in the states of fields, for
// comparing records of which one has no contacts.
func anonymous(r registration.Record) registration.Record {
	r = bare(r)
	if len(r.Fields) > 0 {
		kept := map[string]registration.FieldState{}
		for p, v := range r.Fields {
			if !contactPath(p) {
				kept[p] = v
			}
		}
		r.Fields = kept
	}
	return r
}

// personal gives what bare leaves out, sealed for storing; nil when there is
// nothing.
func personal(r registration.Record) ([]byte, error) {
	p := private{Contacts: r.Contacts}
	for _, texts := range []struct{ of, to *map[string]string }{{&r.Unread, &p.Unread}, {&r.Given, &p.Given}} {
		for path, v := range *texts.of {
			if contactPath(path) {
				if *texts.to == nil {
					*texts.to = map[string]string{}
				}
				(*texts.to)[path] = v
			}
		}
	}
	if len(p.Contacts)+len(p.Unread)+len(p.Given) == 0 {
		return nil, nil
	}
	var salt [16]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, err
	}
	p.Salt = hex.EncodeToString(salt[:])
	return json.Marshal(p)
}

// whole puts a record and its contacts together again.
func whole(r registration.Record, sealed []byte) (registration.Record, error) {
	if len(sealed) == 0 {
		return r, nil
	}
	var p private
	if err := json.Unmarshal(sealed, &p); err != nil {
		return r, problem.Wrap(err, problem.Corrupt, "the contacts of %s do not parse", r.Domain)
	}
	r.Contacts = p.Contacts
	for path, v := range p.Unread {
		if r.Unread == nil {
			r.Unread = map[string]string{}
		}
		r.Unread[path] = v
	}
	for path, v := range p.Given {
		if r.Given == nil {
			r.Given = map[string]string{}
		}
		r.Given[path] = v
	}
	return r, nil
}

// answersOf are the raw answers of a record, each once.
func answersOf(r registration.Record) []store.RegistrationAnswer {
	var out []store.RegistrationAnswer
	add := func(s registration.Source) {
		if s.Blob == "" || s.At.IsZero() || slices.ContainsFunc(out, func(a store.RegistrationAnswer) bool { return a.SHA == s.Blob && a.Server == s.Server }) {
			return
		}
		out = append(out, store.RegistrationAnswer{SHA: s.Blob, Protocol: s.Protocol, Server: s.Server, Role: s.Role, At: s.At})
	}
	for _, a := range r.Answers {
		add(a.Source)
	}
	add(r.Sources[""])
	var rest []string
	for p := range r.Sources {
		rest = append(rest, p)
	}
	slices.Sort(rest)
	for _, p := range rest {
		add(r.Sources[p])
	}
	return out
}

// Remember writes what was answered about a registered domain into its
// history, in tx: a new version when something changed, else the newest
// version was seen once more. It gives the number of the version the answer
// belongs to; 0 when the answer says nothing of the registration (it failed,
// or was throttled). With plain, the record was asked for without contacts, and
// none are stored.
//
// The answer's raw bytes must be stored before (Keep does).
func (c *Centre) Remember(ctx context.Context, tx *store.Tx, d name.Domain, rec registration.Record, plain bool) (int, error) {
	if plain {
		rec = bare(rec)
	}
	for try := 0; ; try++ {
		var version int
		err := tx.Savepoint(ctx, func() (err error) {
			version, err = c.remember1(ctx, tx, d.String(), rec, plain)
			return err
		})
		if problem.CodeOf(err) != problem.Conflict || try == 3 {
			return version, err
		}
		// Another worker wrote the same version first: this answer is held
		// against that one.
	}
}

func (c *Centre) remember1(ctx context.Context, tx *store.Tx, d string, rec registration.Record, plain bool) (int, error) {
	now := c.Clock.Now()
	row, known, err := tx.LastRegistration(ctx, d)
	if err != nil {
		return 0, err
	}
	var last registration.Version
	if known {
		if last, err = c.version(ctx, tx, row, true); err != nil {
			return 0, err
		}
		if now.Before(last.Last) {
			now = last.Last // two machines' clocks differ: history never runs backwards
		}
	}
	// What one side has no contacts of can be compared without them only.
	compare := rec
	if known && (row.Bare || plain) {
		last.Record, compare = anonymous(last.Record), anonymous(rec)
	}
	next, step := last.Next(compare, now)
	switch step {
	case registration.StepIgnored:
		return 0, nil
	case registration.StepSeen:
		if !plain && (row.Bare || stale(row.Last, now)) {
			if err := c.assessLater(ctx, tx, d); err != nil {
				return 0, err
			}
		}
		var sealed []byte
		var answers []store.RegistrationAnswer
		if row.Bare && !plain {
			if sealed, err = personal(rec); err != nil {
				return 0, err
			}
			answers = answersOf(rec)
		}
		return row.Version, tx.SeeRegistration(ctx, d, row.Version, now, sealed, answers)
	}
	if !plain {
		if err := c.assessLater(ctx, tx, d); err != nil {
			return 0, err
		}
	}
	full := next.Record
	if known && (row.Bare || plain) {
		full.Contacts, full.Fields, full.Unread = rec.Contacts, rec.Fields, rec.Unread
	}
	return next.Number, c.addVersion(ctx, tx, d, next, full, plain)
}

func (c *Centre) addVersion(ctx context.Context, tx *store.Tx, d string, v registration.Version, full registration.Record, plain bool) error {
	body, err := json.Marshal(bare(full))
	if err != nil {
		return err
	}
	var sealed []byte
	if !plain {
		if sealed, err = personal(full); err != nil {
			return err
		}
	}
	row := store.Registration{Name: d, Version: v.Number, First: v.First, Last: v.Last, State: string(full.State), Record: body, Bare: plain}
	if !plain { // a raw answer shows the contacts, too
		row.Answers = answersOf(full)
	}
	return tx.AddRegistration(ctx, row, sealed)
}

// version reads a stored version, with contacts where they are asked for and
// still there.
func (c *Centre) version(ctx context.Context, tx *store.Tx, row store.Registration, contacts bool) (registration.Version, error) {
	v := registration.Version{Number: row.Version, First: row.First, Last: row.Last}
	if err := json.Unmarshal(row.Record, &v.Record); err != nil {
		return v, problem.Wrap(err, problem.Corrupt, "version %d of the registration of %s does not parse", row.Version, row.Name)
	}
	if !contacts || row.Bare || row.Contacts == "" {
		return v, nil
	}
	sealed, err := tx.RegistrationContacts(ctx, row)
	if err != nil {
		return v, err
	}
	v.Record, err = whole(v.Record, sealed)
	return v, err
}

// show is a stored version as it is shown, without contacts.
func (c *Centre) show(ctx context.Context, tx *store.Tx, row store.Registration) (RegistrationVersion, error) {
	v, err := c.version(ctx, tx, row, false)
	out := RegistrationVersion{Version: v, Seen: row.Seen}
	switch {
	case !row.Expired.IsZero():
		out.Contacts = ContactsExpired
	case row.Bare:
		out.Contacts = ContactsNotAsked
	case row.Contacts == "":
		out.Contacts = ContactsNone
	default:
		out.Contacts = ContactsKept
	}
	for _, a := range row.Answers {
		out.Answers = append(out.Answers, RegistrationAnswer{Gone: !row.Expired.IsZero(),
			Source: registration.Source{Protocol: a.Protocol, Server: a.Server, Role: a.Role, At: a.At, Blob: a.SHA}})
	}
	return out, err
}

// Registration is what the centre knows of a registered domain today: the
// newest version, without contacts. It asks nobody. The error is
// problem.NotFound when nothing is known.
func (c *Centre) Registration(ctx context.Context, d name.Domain) (RegistrationVersion, error) {
	all, err := c.history(ctx, d, 1)
	if err != nil {
		return RegistrationVersion{}, err
	}
	return all[0], nil
}

// RegistrationHistory is what the centre knew of a registered domain over time,
// newest first, without contacts, with what changed from each version to the
// next. The values of contacts are left out of the changes; that they changed
// is told as long as both are kept. It gives at most store.MaxRegistrations
// versions. The error is problem.NotFound when nothing is known.
func (c *Centre) RegistrationHistory(ctx context.Context, d name.Domain) ([]RegistrationVersion, error) {
	return c.history(ctx, d, 0)
}

func (c *Centre) history(ctx context.Context, d name.Domain, limit int) (out []RegistrationVersion, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		out = nil
		rows, err := tx.Registrations(ctx, d.String(), limit)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return problem.New(problem.NotFound, "nothing is known of the registration of %s", d)
		}
		if limit == 1 {
			v, err := c.show(ctx, tx, rows[0])
			out = append(out, v)
			return err
		}
		out, err = c.versions(ctx, tx, rows)
		return err
	})
	return out, err
}

// RegistrationPage is a piece of RegistrationHistory: at most limit versions behind
// the skip newest, and how many there are in all. It reads no others.
func (c *Centre) RegistrationPage(ctx context.Context, d name.Domain, skip, limit int) (out []RegistrationVersion, all int, err error) {
	skip, limit = max(0, skip), min(max(1, limit), store.MaxRegistrations-1)
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		out, all = nil, 0
		last, ok, err := tx.LastRegistration(ctx, d.String())
		if err != nil {
			return err
		}
		if !ok {
			return problem.New(problem.NotFound, "nothing is known of the registration of %s", d)
		}
		all = last.Version // they are numbered from 1, and none is taken away
		// The one before the last of the piece says what changed to that.
		rows, err := tx.RegistrationsFrom(ctx, d.String(), all-skip, limit+1)
		if err != nil {
			return err
		}
		out, err = c.versions(ctx, tx, rows)
		out = out[:min(len(out), limit)]
		return err
	})
	return out, all, err
}

// versions is a run of versions, newest first, with what changed from each to the next.
func (c *Centre) versions(ctx context.Context, tx *store.Tx, rows []store.Registration) (out []RegistrationVersion, err error) {
	var newer registration.Record
	for i, row := range rows {
		v, err := c.show(ctx, tx, row)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		full, err := c.version(ctx, tx, row, true)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			older := full.Record
			if rows[i-1].Bare || row.Bare {
				older, newer = anonymous(older), anonymous(newer)
			}
			for _, ch := range registration.Diff(older, newer) {
				out[i-1].Changes = append(out[i-1].Changes, ch.Scrub())
			}
		}
		newer = full.Record
	}
	return out, nil
}

// Reader is who reads personal data, and what for. What it may see is decided,
// and what it sees is logged, by its desk.
type Reader struct {
	Desk    *access.Desk
	Person  access.Person
	Purpose access.Purpose
}

// RegistrationContacts is a version with its contacts (0: the newest): personal
// data. The reader must be allowed to see it, and the look is in the access log
// before anything is shown. The error is problem.Refused, or access.Unknown,
// when it is not, and problem.NotFound when the contacts have expired.
func (c *Centre) RegistrationContacts(ctx context.Context, r Reader, d name.Domain, version int) (RegistrationVersion, error) {
	verdict, err := r.Desk.Check(ctx, r.Person, r.Purpose, access.Object{Kind: access.Registration, ID: d.String(), Personal: true})
	if err != nil {
		return RegistrationVersion{}, err
	}
	if verdict.Redact {
		return RegistrationVersion{}, problem.New(problem.Refused, "contacts are shown for a purpose that needs them: %s", access.Work)
	}
	var out RegistrationVersion
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		var row store.Registration
		var err error
		if version == 0 {
			var ok bool
			if row, ok, err = tx.LastRegistration(ctx, d.String()); err == nil && !ok {
				return problem.New(problem.NotFound, "nothing is known of the registration of %s", d)
			}
			version = row.Version
		}
		if err != nil {
			return err
		}
		if row, err = tx.Registration(ctx, d.String(), version); err != nil {
			return err
		}
		if out, err = c.show(ctx, tx, row); err != nil {
			return err
		}
		if out.Contacts == ContactsExpired {
			return problem.New(problem.NotFound, "the contacts of %s in version %d have expired", d, version)
		}
		v, err := c.version(ctx, tx, row, true)
		out.Version = v
		return err
	})
	return out, err
}

// looked is what a look was told of a registration, to be remembered with it.
type looked struct {
	name name.Domain
	rec  *registration.Record
}

// file writes what a look captured, and what it was told of the registration,
// as evidence of a case, into tx. It gives the reference for the finding:
// "name#version", "" when nothing was learned of a registration.
func (c *Centre) file(ctx context.Context, tx *store.Tx, caseID string, took *capture) (string, error) {
	if err := took.write(ctx, tx, caseID); err != nil {
		return "", err
	}
	if took.told.rec == nil {
		return "", nil
	}
	v, err := c.Remember(ctx, tx, took.told.name, *took.told.rec, false)
	if err != nil || v == 0 {
		return "", err
	}
	return took.told.name.String() + "#" + strconv.Itoa(v), tx.HoldRegistration(ctx, took.told.name.String(), v, caseID)
}

// HoldRegistration says that whoever works a case rests it on what is known of its
// name now, as a look does: its contacts stay while the case is open. It does
// nothing where nothing is known; a case about another name is bad input.
func (c *Centre) HoldRegistration(ctx context.Context, d name.Domain, caseID string) error {
	return c.Store.Update(ctx, func(tx *store.Tx) error {
		cs, err := c.load(ctx, tx, caseID)
		if err != nil {
			return err
		}
		if cs.Subject.Kind != party.RegisteredDomain || cs.Subject.Name != d {
			return problem.BadField("case", "is not about %s", d)
		}
		row, ok, err := tx.LastRegistration(ctx, d.String())
		if err != nil || !ok {
			return err
		}
		return tx.HoldRegistration(ctx, d.String(), row.Version, caseID)
	})
}

// Lookup asks about a registered domain now and remembers the answer. An answer
// younger than fresh is given from the history without asking, if it has its
// contacts; a fresh of 0 always asks. only is "rdap" or "whois" where the other
// protocol is not to be asked, else "". The record has its contacts: the caller
// sees to it who may see them.
func (c *Centre) Lookup(ctx context.Context, d name.Domain, fresh time.Duration, only string) (registration.Record, error) {
	var rec registration.Record
	found := false
	if err := c.Store.View(ctx, func(tx *store.Tx) error {
		row, ok, err := tx.LastRegistration(ctx, d.String())
		if err != nil || !ok || row.Bare || c.Clock.Now().Sub(row.Last) >= fresh {
			return err
		}
		v, err := c.version(ctx, tx, row, true)
		rec, found = v.Record, err == nil
		return err
	}); err != nil || found {
		return rec, err
	}
	rec, err := AskBy(ctx, c.Collect, d, only)
	if err != nil {
		return rec, err
	}
	if err := c.Store.Update(ctx, func(tx *store.Tx) error {
		_, err := c.Remember(ctx, tx, d, rec, false)
		return err
	}); err != nil {
		return rec, err
	}
	// Who asks by hand wants to see what comes out; the sweep does it otherwise.
	if _, err := c.Assess(ctx, d.String()); err != nil && ctx.Err() == nil {
		c.Log.Error("a registration could not be assessed; the sweep tries again", "name", d.String(), "err", err)
	}
	return rec, nil
}

// AskBy looks a registered domain up, by one protocol only where only is
// "rdap" or "whois": it is then problem.NotFound when the next server to ask
// speaks the other one. Else the errors are those of collect's Registration.
func AskBy(ctx context.Context, col *collect.Collector, d name.Domain, only string) (registration.Record, error) {
	if only == "" {
		return col.Registration(ctx, d)
	}
	s, err := col.Begin(d)
	for err == nil {
		if s.Protocol != only {
			return registration.Record{}, problem.New(problem.NotFound, "no answer by %s: the next server for %s, %s, is asked by %s", only, d, s.Server, s.Protocol)
		}
		var o collect.Outcome
		if o, err = col.Ask(ctx, s); err == nil && o.Done {
			return o.Record, nil
		}
		s = o.Next
	}
	return registration.Record{}, err
}
