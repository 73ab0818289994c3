package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/disclosure"
	"bailiwick/problem"
)

// OwnerDisclosure is the kind of owner of what was disclosed on a request; its
// id is the request's. Such a blob is erased by EraseDisclosed, at the time the
// request says, and not by the retention of captures.
const OwnerDisclosure = "disclosure"

// Disclosure is the row of a disclosure request: what it is found and listed by,
// and its projection.
type Disclosure struct {
	ID        string
	Direction string
	Name      string
	Party     string // its id
	Profile   string
	State     string // disclosure.State
	Case      string // "" for none
	Opened    time.Time
	Ended     time.Time // zero while open
	Due       time.Time // zero: nothing is due
	Seq       int
	Head      casework.Hash
	// Token is the SHA-256 (hex) of the token of who asked, "" for none; Asker a
	// keyed digest (hex) of who that is, "" once it expired. Both are written
	// with the first event only.
	Token, Asker string
	// Pool is what it is counted with (CountDisclosures); written with the first
	// event only.
	Pool string
	Data string // SHA-256 (hex) of what was disclosed, "" for none
	Body []byte // JSON of disclosure.Request
}

const selectDisclosure = `SELECT id, direction, name, party, profile, state, case_id, opened, ended, due, seq, head, token, asker, pool, data, body FROM disclosures `

func scanDisclosure(s scanner) (Disclosure, error) {
	var d Disclosure
	var opened int64
	var ended, due sql.NullInt64
	var head, token, asker, data []byte
	if err := s.Scan(&d.ID, &d.Direction, &d.Name, &d.Party, &d.Profile, &d.State, &d.Case, &opened, &ended, &due, &d.Seq, &head, &token, &asker, &d.Pool, &data, &d.Body); err != nil {
		return d, err
	}
	d.Opened, d.Ended, d.Due = time.UnixMicro(opened).UTC(), fromMicros(ended), fromMicros(due)
	d.Token, d.Asker, d.Data = hex.EncodeToString(token), hex.EncodeToString(asker), hex.EncodeToString(data)
	if copy(d.Head[:], head) != len(d.Head) {
		return d, problem.New(problem.Corrupt, "the head of request %s is not a hash", d.ID)
	}
	return d, nil
}

// PutDisclosure writes the projection of a request whose log was at wasSeq
// before (0: a new one). If the log is elsewhere by now, somebody was first, and
// the error is a Conflict.
func (tx *Tx) PutDisclosure(ctx context.Context, d Disclosure, wasSeq int) error {
	if d.ID == "" || d.State == "" || d.Opened.IsZero() || d.Seq <= wasSeq {
		return problem.New(problem.Internal, "a request needs an id, a state, a time and a new event")
	}
	token, err := digest("token", d.Token)
	if err != nil {
		return err
	}
	asker, err := digest("asker", d.Asker)
	if err != nil {
		return err
	}
	data, err := digest("data", d.Data)
	if err != nil {
		return err
	}
	if d.Body == nil {
		d.Body = []byte{}
	}
	open := boolInt(disclosure.State(d.State).Open())
	var n int64
	if wasSeq == 0 {
		n, err = tx.exec(ctx, `INSERT INTO disclosures (id, direction, name, party, profile, state, is_open, case_id, opened, ended, due, seq, head, token, asker, data, body, pool)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING`,
			clean(d.ID), clean(d.Direction), strings.ToLower(clean(d.Name)), clean(d.Party), clean(d.Profile), clean(d.State), open, clean(d.Case),
			instant(d.Opened), micros(d.Ended), micros(d.Due), int64(d.Seq), d.Head[:], token, asker, data, d.Body, clean(d.Pool))
	} else {
		n, err = tx.exec(ctx, `UPDATE disclosures SET state = $1, is_open = $2, ended = $3, due = $4, seq = $5, head = $6, data = $7, body = $8, party = $9 WHERE id = $10 AND seq = $11`,
			clean(d.State), open, micros(d.Ended), micros(d.Due), int64(d.Seq), d.Head[:], data, d.Body, clean(d.Party), clean(d.ID), int64(wasSeq))
	}
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "request %s was changed by somebody else first", d.ID)
	}
	return err
}

// AppendDisclosureEvents adds events to the logs of requests: the links, and
// apart from them the payloads. The request must be there (PutDisclosure first).
func (tx *Tx) AppendDisclosureEvents(ctx context.Context, entries []casework.Entry) error {
	return disclosureLog.appendTo(ctx, tx, entries)
}

// DisclosureEvents reads the log of a request in order. Payload is nil where it
// was erased.
func (tx *Tx) DisclosureEvents(ctx context.Context, id string) ([]casework.Entry, error) {
	return disclosureLog.read(ctx, tx, id)
}

var disclosureLog = eventLog{"disclosure_events", "disclosure_payloads", "request_id", "request"}

func (tx *Tx) findDisclosure(ctx context.Context, what, where string, args ...any) (Disclosure, error) {
	d, err := scanDisclosure(tx.row(ctx, selectDisclosure+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return Disclosure{}, problem.New(problem.NotFound, "there is no such %s", what)
	}
	return d, tx.s.wrap(err, "read a request")
}

// Disclosure reads one request by its id.
func (tx *Tx) Disclosure(ctx context.Context, id string) (Disclosure, error) {
	return tx.findDisclosure(ctx, "request", "WHERE id = $1", clean(id))
}

// DisclosureByToken reads one request by the SHA-256 (hex) of the token that who
// asked holds.
func (tx *Tx) DisclosureByToken(ctx context.Context, token string) (Disclosure, error) {
	sum, err := digest("token", token)
	if err != nil || sum == nil {
		return Disclosure{}, problem.New(problem.NotFound, "there is no such request")
	}
	return tx.findDisclosure(ctx, "request", "WHERE token = $1", sum)
}

// DisclosureFilter says which requests to list. Empty fields do not filter.
type DisclosureFilter struct {
	Direction, State, Name, Case string
	// OpenOnly leaves out what was decided or withdrawn.
	OpenOnly bool
	// Limit is at most MaxDisclosures, which 0 stands for.
	Limit int
	// After is the id of the last request of the page before.
	After string
}

// MaxDisclosures is the longest page of requests.
const MaxDisclosures = 500

// Disclosures lists requests, the one opened last first.
func (tx *Tx) Disclosures(ctx context.Context, f DisclosureFilter) ([]Disclosure, error) {
	if f.Limit <= 0 || f.Limit > MaxDisclosures {
		f.Limit = MaxDisclosures
	}
	where, args := []string{"1 = 1"}, []any{}
	add := func(cond string, v any) {
		args = append(args, v)
		where = append(where, cond+in(len(args), 1))
	}
	for _, c := range []struct{ cond, v string }{{"direction = ", f.Direction}, {"state = ", f.State}, {"name = ", strings.ToLower(f.Name)}, {"case_id = ", f.Case}} {
		if c.v != "" {
			add(c.cond, clean(c.v))
		}
	}
	if f.OpenOnly {
		where = append(where, "is_open = 1")
	}
	if f.After != "" {
		last, err := tx.Disclosure(ctx, f.After)
		if err != nil {
			return nil, err
		}
		at := instant(last.Opened)
		args = append(args, at, at, last.ID)
		n := len(args)
		where = append(where, "(opened < "+in(n-2, 1)+" OR opened = "+in(n-1, 1)+" AND id < "+in(n, 1)+")")
	}
	args = append(args, f.Limit)
	return list(ctx, tx, scanDisclosure, selectDisclosure+"WHERE "+strings.Join(where, " AND ")+" ORDER BY opened DESC, id DESC LIMIT "+in(len(args), 1), args...)
}

// DisclosuresAfter reads requests by id, for what reads them all: those after
// an id ("" for the first).
func (tx *Tx) DisclosuresAfter(ctx context.Context, id string, limit int) ([]Disclosure, error) {
	return list(ctx, tx, scanDisclosure, selectDisclosure+"WHERE id > $1 ORDER BY id LIMIT $2", clean(id), limit)
}

// DueDisclosures gives the ids of requests whose due time has come, the longest
// due first.
func (tx *Tx) DueDisclosures(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return list(ctx, tx, scanString, "SELECT id FROM disclosures WHERE due <= $1 ORDER BY due, id LIMIT $2", instant(now), limit)
}

// CountDisclosures counts the requests of a direction and pool that were opened
// since a time, by one asker (hex of the keyed digest) or, with "", by all: what the
// caps are held against.
func (tx *Tx) CountDisclosures(ctx context.Context, direction, pool, asker string, since time.Time) (int, error) {
	query, args := "SELECT count(*) FROM disclosures WHERE direction = $1 AND opened >= $2 AND pool = $3", []any{clean(direction), instant(since), clean(pool)}
	if asker != "" {
		sum, err := digest("asker", asker)
		if err != nil {
			return 0, err
		}
		query, args = query+" AND asker = $4", append(args, sum)
	}
	var n int
	err := tx.row(ctx, query, args...).Scan(&n)
	return n, tx.s.wrap(err, "count requests")
}

// LockDisclosures lets one transaction at a time go on from here: a count that a
// cap is held against must still hold when the row is written.
func (tx *Tx) LockDisclosures(ctx context.Context) error {
	if tx.s.engine == PostgreSQL {
		_, err := tx.exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(disclosureLock))
		return err
	}
	return nil // SQLite has one writer
}

// disclosureLock is the first octets of SHA-256("bailiwick disclosures").
const disclosureLock = 0x1fda30639118e4ae

// SweepDisclosures erases the personal payloads and the askers of requests that
// ended keep ago, and of drafts, and of those sent that reached nobody, at which
// nothing happened for so long: no clock of theirs runs, and they would be kept for
// ever. That is who asked, and what people wrote. The chains still verify. Forever
// keeps them. It says how many payloads went.
func (s *Store) SweepDisclosures(ctx context.Context, now time.Time, keep time.Duration) (total int, err error) {
	if keep == 0 {
		keep = DefaultRetention().Personal
	}
	cut, ok := cutoff(now, keep)
	for n := sweepChunk; ok && n == sweepChunk; {
		var rows int64
		err = s.Update(ctx, func(tx *Tx) error {
			ids, err := list(ctx, tx, scanString, `SELECT id FROM disclosures d WHERE (d.ended <= $1 OR d.ended IS NULL AND d.due IS NULL AND d.is_open = 1
AND NOT EXISTS (SELECT 1 FROM disclosure_events e WHERE e.request_id = d.id AND e.at > $2)) AND (d.asker IS NOT NULL OR EXISTS
(SELECT 1 FROM disclosure_payloads p WHERE p.request_id = d.id AND p.personal = 1)) ORDER BY id LIMIT $3`, cut, cut, sweepChunk)
			if n, rows = len(ids), 0; err != nil || n == 0 {
				return err
			}
			if rows, err = tx.exec(ctx, "DELETE FROM disclosure_payloads WHERE personal = 1 AND request_id IN ("+in(1, n)+")", anys(ids)...); err != nil {
				return err
			}
			_, err = tx.exec(ctx, "UPDATE disclosures SET asker = NULL WHERE id IN ("+in(1, n)+")", anys(ids)...)
			return err
		})
		if err != nil {
			return total, err
		}
		total += int(rows)
	}
	if total > 0 {
		s.scour(ctx)
	}
	return total, nil
}
