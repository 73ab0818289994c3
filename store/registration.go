package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"bailiwick/problem"
)

// OwnerRegistration is the kind of owner of a version's contacts and raw
// answers. Retention.Registration, and nothing else, says when it lets go.
const OwnerRegistration = "registration"

// Registration is a version of what was known of a name, as stored: what it is
// found by, and the record without personal data.
type Registration struct {
	Name    string // registered domain, A-labels
	Version int    // from 1
	First   time.Time
	Last    time.Time
	Seen    int    // how many answers showed it
	State   string // registration.State
	Record  []byte // JSON of registration.Record without contacts
	// Contacts is the blob of the contacts, "" when there are none.
	Contacts string
	// Bare says that the contacts are not here though there may be some: they
	// were not asked for, or have expired.
	Bare    bool
	Expired time.Time // zero while contacts and raw answers are kept
	// Answers are the raw answers it rests on; their bytes go with the contacts.
	Answers []RegistrationAnswer
}

// RegistrationAnswer is one raw answer and where it came from.
type RegistrationAnswer struct {
	SHA      string // of the blob
	Protocol string // "rdap" or "whois"
	Server   string
	Role     string // "registry" or "registrar"
	At       time.Time
}

const selectRegistration = "SELECT name, version, first, last, seen, state, record, contacts, bare, expired FROM registrations "

func scanRegistration(s scanner) (Registration, error) {
	var r Registration
	var first, last, bare int64
	var contacts []byte
	var expired sql.NullInt64
	err := s.Scan(&r.Name, &r.Version, &first, &last, &r.Seen, &r.State, &r.Record, &contacts, &bare, &expired)
	r.First, r.Last, r.Expired = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC(), fromMicros(expired)
	r.Contacts, r.Bare = hex.EncodeToString(contacts), bare == 1
	return r, err
}

// LastRegistration reads the newest version of a name, without its answers; ok
// is false when nothing is known of the name.
func (tx *Tx) LastRegistration(ctx context.Context, name string) (r Registration, ok bool, err error) {
	r, err = scanRegistration(tx.row(ctx, selectRegistration+"WHERE name = $1 ORDER BY version DESC LIMIT 1", clean(name)))
	if errors.Is(err, sql.ErrNoRows) {
		return Registration{}, false, nil
	}
	return r, err == nil, tx.s.wrap(err, "read a registration")
}

// Registration reads one version of a name, with its answers.
func (tx *Tx) Registration(ctx context.Context, name string, version int) (Registration, error) {
	r, err := scanRegistration(tx.row(ctx, selectRegistration+"WHERE name = $1 AND version = $2", clean(name), int64(version)))
	if errors.Is(err, sql.ErrNoRows) {
		return r, problem.New(problem.NotFound, "there is no version %d of the registration of %s", version, name)
	}
	if err != nil {
		return r, tx.s.wrap(err, "read a registration")
	}
	return r, tx.answers(ctx, []*Registration{&r})
}

// MaxRegistrations is how many versions of one name are read at once.
const MaxRegistrations = 1000

// Registrations lists the versions of a name, newest first, with their
// answers: at most limit, which is MaxRegistrations when it is 0 or more than
// that.
func (tx *Tx) Registrations(ctx context.Context, name string, limit int) ([]Registration, error) {
	if limit <= 0 || limit > MaxRegistrations {
		limit = MaxRegistrations
	}
	return tx.RegistrationsFrom(ctx, name, 1<<40, limit)
}

// RegistrationsFrom is Registrations from a version downwards.
func (tx *Tx) RegistrationsFrom(ctx context.Context, name string, version, limit int) ([]Registration, error) {
	if limit <= 0 || limit > MaxRegistrations {
		limit = MaxRegistrations
	}
	out, err := list(ctx, tx, scanRegistration, selectRegistration+"WHERE name = $1 AND version <= $2 ORDER BY version DESC LIMIT $3", clean(name), int64(version), limit)
	if err != nil {
		return nil, err
	}
	refs := make([]*Registration, len(out))
	for i := range out {
		refs[i] = &out[i]
	}
	return out, tx.answers(ctx, refs)
}

// answers reads the answers of versions of one name, newest version first.
func (tx *Tx) answers(ctx context.Context, rs []*Registration) error {
	if len(rs) == 0 {
		return nil
	}
	type row struct {
		version int
		a       RegistrationAnswer
	}
	rows, err := list(ctx, tx, func(s scanner) (row, error) {
		var x row
		var sha []byte
		var at int64
		err := s.Scan(&x.version, &sha, &x.a.Protocol, &x.a.Server, &x.a.Role, &at)
		x.a.SHA, x.a.At = hex.EncodeToString(sha), time.UnixMicro(at).UTC()
		return x, err
	}, "SELECT version, sha, protocol, server, role, at FROM registration_answers WHERE name = $1 AND version >= $2 AND version <= $3 ORDER BY version, n",
		clean(rs[0].Name), int64(rs[len(rs)-1].Version), int64(rs[0].Version))
	if err != nil {
		return err
	}
	of := map[int]*Registration{}
	for _, r := range rs {
		of[r.Version] = r
	}
	for _, x := range rows {
		if r := of[x.version]; r != nil {
			r.Answers = append(r.Answers, x.a)
		}
	}
	return nil
}

// AddRegistration writes a version: the first, or the one after the newest. If
// it is there already, somebody was first, and the error is a Conflict; give
// the call a Savepoint if the transaction is to go on. contacts, if not empty,
// becomes a blob of its own and must be unlike any other's, so that erasing it
// takes nothing from another name. The answers' blobs must be stored.
func (tx *Tx) AddRegistration(ctx context.Context, r Registration, contacts []byte) error {
	if r.Name == "" || r.Version < 1 || r.First.IsZero() || r.Last.Before(r.First) || r.State == "" {
		return problem.New(problem.Internal, "a registration needs a name, a version, a state and times")
	}
	var sha []byte
	if len(contacts) > 0 {
		hexed, err := tx.PutBlob(ctx, "application/json", contacts)
		if err != nil {
			return err
		}
		if sha, err = digest("contacts", hexed); err != nil {
			return err
		}
		if err := tx.RefBlob(ctx, hexed, OwnerRegistration, r.Name); err != nil {
			return err
		}
	}
	if r.Record == nil {
		r.Record = []byte{}
	}
	n, err := tx.exec(ctx, `INSERT INTO registrations (name, version, first, last, seen, state, record, contacts, bare)
VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8) ON CONFLICT DO NOTHING`, clean(r.Name), int64(r.Version), instant(r.First), instant(r.Last), clean(r.State), r.Record, sha, boolInt(r.Bare))
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "version %d of the registration of %s was written by somebody else first", r.Version, r.Name)
	}
	if err != nil {
		return err
	}
	return tx.addAnswers(ctx, r.Name, r.Version, 0, r.Answers)
}

// addAnswers notes raw answers from number n on. The digest of one whose bytes
// are gone by now is noted all the same.
func (tx *Tx) addAnswers(ctx context.Context, name string, version, n int, as []RegistrationAnswer) error {
	for _, a := range as {
		sha, err := digest("answers", a.SHA)
		if err != nil {
			return err
		}
		if sha == nil {
			continue // nothing of it was kept
		}
		if _, err := tx.exec(ctx, "INSERT INTO registration_answers (name, version, n, sha, protocol, server, role, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			clean(name), int64(version), int64(n), sha, clean(a.Protocol), clean(a.Server), clean(a.Role), instant(a.At)); err != nil {
			return err
		}
		n++
		kept, err := tx.exec(ctx, "UPDATE blobs SET orphaned = $1 WHERE sha = $2 AND erased IS NULL", instant(tx.s.clock.Now()), sha)
		if err != nil {
			return err
		}
		if kept == 0 {
			continue
		}
		if err := tx.RefBlob(ctx, a.SHA, OwnerRegistration, clean(name)); err != nil {
			return err
		}
	}
	return nil
}

// SeeRegistration notes that a version was answered again. One that had lost
// its contacts gets those of contacts back, if there are any; the answers are
// then noted with them.
func (tx *Tx) SeeRegistration(ctx context.Context, name string, version int, at time.Time, contacts []byte, answers []RegistrationAnswer) error {
	n, err := tx.exec(ctx, "UPDATE registrations SET last = CASE WHEN last < $1 THEN $1 ELSE last END, seen = seen + 1 WHERE name = $2 AND version = $3",
		instant(at), clean(name), int64(version))
	if err != nil {
		return err
	}
	if n == 0 {
		return problem.New(problem.NotFound, "there is no version %d of the registration of %s", version, name)
	}
	if contacts == nil {
		return nil
	}
	sha, err := tx.PutBlob(ctx, "application/json", contacts)
	if err != nil {
		return err
	}
	sum, err := digest("contacts", sha)
	if err != nil {
		return err
	}
	if n, err = tx.exec(ctx, "UPDATE registrations SET contacts = $1, bare = 0, expired = NULL WHERE name = $2 AND version = $3 AND contacts IS NULL", sum, clean(name), int64(version)); err != nil || n == 0 {
		return err
	}
	if err := tx.RefBlob(ctx, sha, OwnerRegistration, clean(name)); err != nil {
		return err
	}
	var last sql.NullInt64
	if err := tx.row(ctx, "SELECT max(n) FROM registration_answers WHERE name = $1 AND version = $2", clean(name), int64(version)).Scan(&last); err != nil {
		return tx.s.wrap(err, "read the answers of a registration")
	}
	next := 0
	if last.Valid {
		next = int(last.Int64) + 1
	}
	return tx.addAnswers(ctx, name, version, next, answers)
}

// HoldRegistration notes that a case needs a version: it keeps its contacts
// while the case is open, and as long after as they are kept without one.
func (tx *Tx) HoldRegistration(ctx context.Context, name string, version int, caseID string) error {
	_, err := tx.exec(ctx, "INSERT INTO registration_cases (name, version, case_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", clean(name), int64(version), clean(caseID))
	return err
}

// RegistrationContacts reads the contacts of a version: personal data, for
// which the caller has asked who may see it. It is NotFound when they have
// expired, and nil when there are none.
func (tx *Tx) RegistrationContacts(ctx context.Context, r Registration) ([]byte, error) {
	if !r.Expired.IsZero() {
		return nil, problem.New(problem.NotFound, "the contacts in version %d of the registration of %s have expired", r.Version, r.Name)
	}
	if r.Contacts == "" {
		return nil, nil
	}
	sum, err := digest("contacts", r.Contacts)
	if err != nil {
		return nil, err
	}
	var sealed, key []byte
	err = tx.row(ctx, "SELECT b.data, k.key FROM blobs b JOIN blob_keys k ON k.blob_id = b.id WHERE b.sha = $1", sum).Scan(&sealed, &key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, problem.New(problem.NotFound, "the contacts in version %d of the registration of %s were erased", r.Version, r.Name)
	}
	if err != nil {
		return nil, tx.s.wrap(err, "read contacts")
	}
	data, err := unseal(key, sealed, sum)
	if err != nil {
		return nil, problem.Wrap(err, problem.Corrupt, "the contacts in version %d of the registration of %s fail their check", r.Version, r.Name)
	}
	return data, nil
}

// sweepRegistrations lets contacts and raw answers go that were last answered
// before the cut, unless a case needs them.
func (s *Store) sweepRegistrations(ctx context.Context, now time.Time, keep time.Duration) (total int, err error) {
	cut, ok := cutoff(now, keep)
	const held = `EXISTS (SELECT 1 FROM registration_cases h JOIN cases c ON c.id = h.case_id WHERE h.name = r.name AND h.version = r.version AND (c.rest IS NULL OR c.rest > $1))`
	type key struct {
		name          string
		version, last int64
	}
	after := key{last: -1 << 62}
	for n := sweepChunk; ok && n == sweepChunk; {
		var gone int
		var at key
		if err = s.Update(ctx, func(tx *Tx) error {
			gone, at = 0, after
			old, err := list(ctx, tx, func(s scanner) (key, error) {
				var k key
				err := s.Scan(&k.last, &k.name, &k.version)
				return k, err
			}, `SELECT r.last, r.name, r.version FROM registrations r WHERE r.expired IS NULL AND r.last <= $1 AND (r.last, r.name, r.version) > ($2, $3, $4)
AND NOT `+held+` ORDER BY r.last, r.name, r.version LIMIT $5`, cut, after.last, after.name, after.version, sweepChunk)
			if n = len(old); err != nil {
				return err
			}
			for _, k := range old {
				at = k
				if err := tx.expireRegistration(ctx, k.name, k.version, now); err != nil {
					return err
				}
				gone++
			}
			return nil
		}); err != nil {
			return total, err
		}
		after = at
		total += gone
	}
	return total, nil
}

// expireRegistration erases the contacts of a version and lets go of its raw
// answers.
func (tx *Tx) expireRegistration(ctx context.Context, name string, version int64, now time.Time) error {
	var sum []byte
	if err := tx.row(ctx, "SELECT contacts FROM registrations WHERE name = $1 AND version = $2", name, version).Scan(&sum); err != nil {
		return tx.s.wrap(err, "read a registration")
	}
	if _, err := tx.exec(ctx, "UPDATE registrations SET contacts = NULL, bare = 1, expired = $1 WHERE name = $2 AND version = $3", instant(now), name, version); err != nil {
		return err
	}
	if sum != nil {
		if err := tx.UnrefBlob(ctx, hex.EncodeToString(sum), OwnerRegistration, name); err != nil {
			return err
		}
		var id int64
		var file sql.NullString
		if err := tx.row(ctx, "SELECT id, file FROM blobs WHERE sha = $1", sum).Scan(&id, &file); err != nil {
			return tx.s.wrap(err, "read a blob")
		}
		// The bytes are this version's alone: they go now, not after a day.
		if _, err := tx.eraseBlob(ctx, id, file, instant(now), 1<<62); err != nil {
			return err
		}
	}
	// A raw answer that another version rests on stays with that one.
	shas, err := list(ctx, tx, func(s scanner) ([]byte, error) {
		var b []byte
		err := s.Scan(&b)
		return b, err
	}, `SELECT DISTINCT a.sha FROM registration_answers a WHERE a.name = $1 AND a.version = $2 AND NOT EXISTS
(SELECT 1 FROM registration_answers o JOIN registrations r ON r.name = o.name AND r.version = o.version
WHERE o.sha = a.sha AND o.name = a.name AND o.version <> a.version AND r.expired IS NULL)`, name, version)
	if err != nil {
		return err
	}
	for _, sha := range shas {
		if err := tx.UnrefBlob(ctx, hex.EncodeToString(sha), OwnerRegistration, name); err != nil {
			return err
		}
	}
	return nil
}
