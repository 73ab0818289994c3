package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
)

// Inaccuracy is the row of an inaccuracy case: what it is found and listed by,
// and its projection. It holds no value of a contact.
type Inaccuracy struct {
	ID      string
	Name    string
	Profile string
	Party   string // id of who is asked
	State   string // inaccuracy.State
	Open    bool
	// ByPerson says that nothing moves unless a person acts.
	ByPerson bool
	Opened   time.Time
	Touched  time.Time // the last event
	Ended    time.Time // zero while open
	Due      time.Time // zero: nothing is due
	Seq      int
	Head     casework.Hash
	Body     []byte // JSON of inaccuracy.Case
}

const selectInaccuracy = `SELECT id, name, profile, party, state, is_open, by_person, opened, touched, ended, due, seq, head, body FROM inaccuracies `

func scanInaccuracy(s scanner) (Inaccuracy, error) {
	var v Inaccuracy
	var open, person, opened, touched int64
	var ended, due sql.NullInt64
	var head []byte
	if err := s.Scan(&v.ID, &v.Name, &v.Profile, &v.Party, &v.State, &open, &person, &opened, &touched, &ended, &due, &v.Seq, &head, &v.Body); err != nil {
		return v, err
	}
	v.Open, v.ByPerson = open == 1, person == 1
	v.Opened, v.Touched, v.Ended, v.Due = time.UnixMicro(opened).UTC(), time.UnixMicro(touched).UTC(), fromMicros(ended), fromMicros(due)
	if copy(v.Head[:], head) != len(v.Head) {
		return v, problem.New(problem.Corrupt, "the head of inaccuracy case %s is not a hash", v.ID)
	}
	return v, nil
}

// PutInaccuracy writes the projection of a case whose log was at wasSeq before
// (0: a new one). The error is a Conflict if the log is elsewhere by now, or if
// there is another open case of the same name and profile.
func (tx *Tx) PutInaccuracy(ctx context.Context, v Inaccuracy, wasSeq int) error {
	if v.ID == "" || v.State == "" || v.Opened.IsZero() || v.Touched.IsZero() || v.Seq <= wasSeq {
		return problem.New(problem.Internal, "an inaccuracy case needs an id, a state, its times and a new event")
	}
	if v.Body == nil {
		v.Body = []byte{}
	}
	dom, profile := strings.ToLower(clean(v.Name)), clean(v.Profile)
	open := problem.New(problem.Conflict, "there is an open inaccuracy case of %s under %s already", dom, profile)
	var n int64
	var err error
	if wasSeq == 0 {
		n, err = tx.exec(ctx, `INSERT INTO inaccuracies (id, name, profile, party, state, is_open, by_person, opened, touched, ended, due, seq, head, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING`,
			clean(v.ID), dom, profile, clean(v.Party), clean(v.State), boolInt(v.Open), boolInt(v.ByPerson), instant(v.Opened), instant(v.Touched), micros(v.Ended), micros(v.Due), int64(v.Seq), v.Head[:], v.Body)
		if err == nil && n == 0 {
			err = open
		}
		return err
	}
	if v.Open {
		other, found, err := tx.OpenInaccuracy(ctx, dom, profile)
		if err != nil {
			return err
		}
		if found && other.ID != v.ID {
			return problem.New(problem.Conflict, "inaccuracy case %s of %s under %s is open already", other.ID, dom, profile)
		}
	}
	n, err = tx.exec(ctx, `UPDATE inaccuracies SET party = $1, state = $2, is_open = $3, by_person = $4, touched = $5, ended = $6, due = $7, seq = $8, head = $9, body = $10 WHERE id = $11 AND seq = $12`,
		clean(v.Party), clean(v.State), boolInt(v.Open), boolInt(v.ByPerson), instant(v.Touched), micros(v.Ended), micros(v.Due), int64(v.Seq), v.Head[:], v.Body, clean(v.ID), int64(wasSeq))
	switch {
	case problem.CodeOf(err) == problem.Conflict:
		// Two may find no open one and go on: the index lets one of them.
		return problem.Wrap(err, problem.Conflict, "%s", open.Detail)
	case err == nil && n == 0:
		err = problem.New(problem.Conflict, "inaccuracy case %s was changed by somebody else first", v.ID)
	}
	return err
}

var inaccuracyLog = eventLog{"inaccuracy_events", "inaccuracy_payloads", "case_id", "inaccuracy case"}

// AppendInaccuracyEvents adds events to the logs of cases: the links, and apart
// from them the payloads. The case must be there (PutInaccuracy first).
func (tx *Tx) AppendInaccuracyEvents(ctx context.Context, entries []casework.Entry) error {
	return inaccuracyLog.appendTo(ctx, tx, entries)
}

// InaccuracyEvents reads the log of a case in order. Payload is nil where it was
// erased.
func (tx *Tx) InaccuracyEvents(ctx context.Context, id string) ([]casework.Entry, error) {
	return inaccuracyLog.read(ctx, tx, id)
}

// Inaccuracy reads one case by its id.
func (tx *Tx) Inaccuracy(ctx context.Context, id string) (Inaccuracy, error) {
	v, err := scanInaccuracy(tx.row(ctx, selectInaccuracy+"WHERE id = $1", clean(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return v, problem.New(problem.NotFound, "there is no such inaccuracy case")
	}
	return v, tx.s.wrap(err, "read an inaccuracy case")
}

// OpenInaccuracy finds the open case of a name under a profile.
func (tx *Tx) OpenInaccuracy(ctx context.Context, name, profile string) (v Inaccuracy, found bool, err error) {
	v, err = scanInaccuracy(tx.row(ctx, selectInaccuracy+"WHERE name = $1 AND profile = $2 AND is_open = 1", strings.ToLower(clean(name)), clean(profile)))
	if errors.Is(err, sql.ErrNoRows) {
		return v, false, nil
	}
	return v, err == nil, tx.s.wrap(err, "read an inaccuracy case")
}

// InaccuracyFilter says which cases to list. Empty fields do not filter.
type InaccuracyFilter struct {
	State, Name, Profile, Party string
	// OpenOnly leaves out what is closed.
	OpenOnly bool
	// ByPerson lists those that wait for a person only.
	ByPerson bool
	// Limit is at most MaxInaccuracies, which 0 stands for.
	Limit int
	// After is the id of the last case of the page before.
	After string
}

// MaxInaccuracies is the longest page of cases.
const MaxInaccuracies = 500

// Inaccuracies lists cases, the one opened last first.
func (tx *Tx) Inaccuracies(ctx context.Context, f InaccuracyFilter) ([]Inaccuracy, error) {
	if f.Limit <= 0 || f.Limit > MaxInaccuracies {
		f.Limit = MaxInaccuracies
	}
	where, args := []string{"1 = 1"}, []any{}
	for _, c := range []struct{ cond, v string }{{"state = ", f.State}, {"name = ", strings.ToLower(f.Name)}, {"profile = ", f.Profile}, {"party = ", f.Party}} {
		if c.v != "" {
			args = append(args, clean(c.v))
			where = append(where, c.cond+in(len(args), 1))
		}
	}
	if f.OpenOnly {
		where = append(where, "is_open = 1")
	}
	if f.ByPerson {
		where = append(where, "by_person = 1")
	}
	if f.After != "" {
		last, err := tx.Inaccuracy(ctx, f.After)
		if err != nil {
			return nil, err
		}
		at := instant(last.Opened)
		args = append(args, at, at, last.ID)
		n := len(args)
		where = append(where, "(opened < "+in(n-2, 1)+" OR opened = "+in(n-1, 1)+" AND id < "+in(n, 1)+")")
	}
	args = append(args, f.Limit)
	return list(ctx, tx, scanInaccuracy, selectInaccuracy+"WHERE "+strings.Join(where, " AND ")+" ORDER BY opened DESC, id DESC LIMIT "+in(len(args), 1), args...)
}

// CountInaccuracies counts the cases opened since a time: what the cap on opening
// is held against.
func (tx *Tx) CountInaccuracies(ctx context.Context, since time.Time) (int, error) {
	var n int
	err := tx.row(ctx, "SELECT count(*) FROM inaccuracies WHERE opened >= $1", instant(since)).Scan(&n)
	return n, tx.s.wrap(err, "count inaccuracy cases")
}

// DueInaccuracies gives the ids of cases whose due time has come, the longest due
// first.
func (tx *Tx) DueInaccuracies(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return list(ctx, tx, scanString, "SELECT id FROM inaccuracies WHERE due <= $1 ORDER BY due, id LIMIT $2", instant(now), limit)
}

// PostponeInaccuracy moves when a case is next worked, where what was due could
// not be done. The next event sets it anew.
func (tx *Tx) PostponeInaccuracy(ctx context.Context, id string, due time.Time) error {
	_, err := tx.exec(ctx, "UPDATE inaccuracies SET due = $1 WHERE id = $2 AND due IS NOT NULL", instant(due), clean(id))
	return err
}

// SweepInaccuracies erases the personal payloads of cases on which nothing
// happened for keep: what fields said, and what people wrote. An open case that
// nobody works does not keep them for ever. The chains still verify. Forever
// keeps them. It says how many payloads went.
func (s *Store) SweepInaccuracies(ctx context.Context, now time.Time, keep time.Duration) (total int, err error) {
	if keep == 0 {
		keep = DefaultRetention().Personal
	}
	cut, ok := cutoff(now, keep)
	for n := sweepChunk; ok && n == sweepChunk; {
		var rows int64
		err = s.Update(ctx, func(tx *Tx) error {
			ids, err := list(ctx, tx, scanString, `SELECT id FROM inaccuracies i WHERE i.touched <= $1 AND EXISTS
(SELECT 1 FROM inaccuracy_payloads p WHERE p.case_id = i.id AND p.personal = 1) ORDER BY id LIMIT $2`, cut, sweepChunk)
			if n, rows = len(ids), 0; err != nil || n == 0 {
				return err
			}
			// Said again in the statement that deletes: something may have happened on
			// the case since it was listed.
			args := append(anys(ids), any(cut))
			rows, err = tx.exec(ctx, "DELETE FROM inaccuracy_payloads WHERE personal = 1 AND case_id IN (SELECT id FROM inaccuracies WHERE id IN ("+in(1, n)+") AND touched <= "+in(len(args), 1)+")", args...)
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
