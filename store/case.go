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

// Case is the row of a case: what it is found and listed by, and its
// projection. Everything in it can be rebuilt from the log.
type Case struct {
	ID          string
	SubjectKey  string // party.Subject.Key
	SubjectKind string
	Type        string // abuse.Type
	State       string // casework.State
	Opened      time.Time
	Closed      time.Time // zero while open
	Due         time.Time // zero: nothing is due
	Seq         int       // of the last event
	Head        casework.Hash
	Judgement   string
	Outcome     string
	Actor       string
	Playbook    string // hash
	Assignee    string // "person:ID"; "" for nobody
	Body        []byte // JSON of casework.Case
}

const selectCase = `SELECT id, subject_key, subject_kind, type, state, opened, closed, due, seq, head, judgement, outcome, actor, playbook, assignee, body FROM cases `

func scanCase(s scanner) (Case, error) {
	var c Case
	var opened int64
	var closed, due sql.NullInt64
	var head []byte
	if err := s.Scan(&c.ID, &c.SubjectKey, &c.SubjectKind, &c.Type, &c.State, &opened, &closed, &due, &c.Seq, &head, &c.Judgement, &c.Outcome, &c.Actor,
		&c.Playbook, &c.Assignee, &c.Body); err != nil {
		return c, err
	}
	c.Opened, c.Closed, c.Due = time.UnixMicro(opened).UTC(), fromMicros(closed), fromMicros(due)
	if copy(c.Head[:], head) != len(c.Head) {
		return c, problem.New(problem.Corrupt, "the head of case %s is not a hash", c.ID)
	}
	return c, nil
}

func (tx *Tx) findCase(ctx context.Context, where string, args ...any) (Case, bool, error) {
	c, err := scanCase(tx.row(ctx, selectCase+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return Case{}, false, nil
	}
	return c, err == nil, tx.s.wrap(err, "read a case")
}

// AnyOpenCase reads the oldest open case of a subject, of whatever type.
func (tx *Tx) AnyOpenCase(ctx context.Context, subjectKey string) (Case, bool, error) {
	return tx.findCase(ctx, "WHERE subject_key = $1 AND state NOT IN ('closed', 'merged') ORDER BY opened, id LIMIT 1", clean(subjectKey))
}

// OpenCase finds the open case of a subject and a type of abuse; there is at
// most one.
func (tx *Tx) OpenCase(ctx context.Context, subjectKey, typ string) (Case, bool, error) {
	return tx.findCase(ctx, "WHERE subject_key = $1 AND type = $2 AND state NOT IN ('closed', 'merged')", clean(subjectKey), clean(typ))
}

// LatestCase finds the case of a subject and a type that was opened last,
// whatever its state.
func (tx *Tx) LatestCase(ctx context.Context, subjectKey, typ string) (Case, bool, error) {
	return tx.findCase(ctx, "WHERE subject_key = $1 AND type = $2 ORDER BY opened DESC, id DESC LIMIT 1", clean(subjectKey), clean(typ))
}

// Case reads one case by its id.
func (tx *Tx) Case(ctx context.Context, id string) (Case, error) {
	c, ok, err := tx.findCase(ctx, "WHERE id = $1", clean(id))
	if err == nil && !ok {
		err = problem.New(problem.NotFound, "there is no case %s", id)
	}
	return c, err
}

const (
	insertCase = `INSERT INTO cases (id, subject_key, subject_search, subject_kind, type, state, opened, closed, rest, due, seq, head, judgement, outcome, actor, playbook, assignee, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING`

	// A case that was at rest stays so from when it first was.
	updateCase = `UPDATE cases SET subject_key = $1, subject_search = $2, subject_kind = $3, type = $4, state = $5, opened = $6, closed = $7,
rest = CASE WHEN $8 = 1 THEN coalesce($7, rest, $9) END, due = $10, seq = $11, head = $12, judgement = $13, outcome = $14, actor = $15, playbook = $16, assignee = $17, body = $18
WHERE id = $19 AND seq = $20`
)

// PutCase writes the projection of a case whose log was at wasSeq before (0: a
// new case). If the log is elsewhere by now, or if the subject has another
// open case of this type, somebody was first, and the error is a Conflict.
func (tx *Tx) PutCase(ctx context.Context, c Case, wasSeq int) error {
	if c.ID == "" || c.SubjectKey == "" || c.State == "" || c.Opened.IsZero() || c.Seq <= wasSeq {
		return problem.New(problem.Internal, "a case needs an id, a subject, a state, a time and a new event")
	}
	if c.Body == nil {
		c.Body = []byte{}
	}
	key := clean(c.SubjectKey)
	search, now := strings.ToLower(key), instant(tx.s.clock.Now())
	resting := casework.State(c.State) == casework.Closed || casework.State(c.State) == casework.Merged
	var n int64
	var err error
	if wasSeq == 0 {
		rest := micros(c.Closed)
		if !resting {
			rest = nil
		} else if rest == nil {
			rest = &now
		}
		n, err = tx.exec(ctx, insertCase, clean(c.ID), key, search, clean(c.SubjectKind), clean(c.Type), clean(c.State), instant(c.Opened), micros(c.Closed), rest,
			micros(c.Due), int64(c.Seq), c.Head[:], clean(c.Judgement), clean(c.Outcome), clean(c.Actor), clean(c.Playbook), clean(c.Assignee), c.Body)
	} else {
		n, err = tx.exec(ctx, updateCase, key, search, clean(c.SubjectKind), clean(c.Type), clean(c.State), instant(c.Opened), micros(c.Closed), boolInt(resting), now,
			micros(c.Due), int64(c.Seq), c.Head[:], clean(c.Judgement), clean(c.Outcome), clean(c.Actor), clean(c.Playbook), clean(c.Assignee), c.Body, clean(c.ID), int64(wasSeq))
	}
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "case %s was changed, or another case of %s was opened, by somebody else first", c.ID, c.SubjectKey)
	}
	if err == nil && wasSeq == 0 {
		err = tx.indexName(ctx, key)
	}
	return err
}

// DueCases gives the ids of cases whose due time has come, open or closed and
// watched, the longest due first.
func (tx *Tx) DueCases(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return list(ctx, tx, scanString, "SELECT id FROM cases WHERE due <= $1 ORDER BY due, id LIMIT $2", instant(now), limit)
}

// NextDue is the earliest due time of all mails, reports, cases, notices,
// disclosure requests, verifications and their orders.
func (tx *Tx) NextDue(ctx context.Context) (time.Time, bool, error) {
	var first sql.NullInt64
	for _, q := range []string{"SELECT min(due) FROM reports WHERE due IS NOT NULL", "SELECT min(due) FROM cases WHERE due IS NOT NULL", "SELECT min(due) FROM notices WHERE state = 'due'", "SELECT min(due) FROM mails WHERE due IS NOT NULL", "SELECT min(due) FROM disclosures WHERE due IS NOT NULL",
		"SELECT min(due) FROM verifications WHERE due IS NOT NULL", "SELECT min(due) FROM verification_orders WHERE due IS NOT NULL", "SELECT min(due) FROM verification_doubts",
		"SELECT min(due) FROM inaccuracies WHERE due IS NOT NULL"} {
		var due sql.NullInt64
		if err := tx.row(ctx, q).Scan(&due); err != nil {
			return time.Time{}, false, tx.s.wrap(err, "read what is due next")
		}
		if due.Valid && (!first.Valid || due.Int64 < first.Int64) {
			first = due
		}
	}
	return fromMicros(first), first.Valid, nil
}

// CaseFilter says which cases to list. Empty fields do not filter.
type CaseFilter struct {
	State, Type   string
	SubjectPrefix string // upper or lower case
	// Limit is at most MaxCases, which 0 stands for.
	Limit int
	// After is the id of the last case of the page before.
	After string
}

// MaxCases is the longest page of cases.
const MaxCases = 1000

// Cases lists cases, the one opened last first; cases opened at the same time
// by descending id.
func (tx *Tx) Cases(ctx context.Context, f CaseFilter) ([]Case, error) {
	if f.Limit <= 0 || f.Limit > MaxCases {
		f.Limit = MaxCases
	}
	var where []string
	var args []any
	add := func(cond string, vs ...any) {
		for _, v := range vs {
			args = append(args, v)
			cond = strings.Replace(cond, "?", in(len(args), 1), 1)
		}
		where = append(where, cond)
	}
	if f.State != "" {
		add("state = ?", clean(f.State))
	}
	if f.Type != "" {
		add("type = ?", clean(f.Type))
	}
	if f.SubjectPrefix != "" {
		p := strings.ToLower(clean(f.SubjectPrefix))
		add("subject_search >= ? AND subject_search < ?", p, p+"\U0010FFFF")
	}
	if f.After != "" {
		last, err := tx.Case(ctx, f.After)
		if err != nil {
			return nil, err
		}
		add("(opened < ? OR opened = ? AND id < ?)", instant(last.Opened), instant(last.Opened), last.ID)
	}
	query := selectCase
	if len(where) > 0 {
		query += "WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, f.Limit)
	return list(ctx, tx, scanCase, query+" ORDER BY opened DESC, id DESC LIMIT "+in(len(args), 1), args...)
}

// CountCases counts all cases by state.
func (tx *Tx) CountCases(ctx context.Context) (map[string]int, error) {
	type count struct {
		state string
		n     int
	}
	cs, err := list(ctx, tx, func(s scanner) (count, error) {
		var c count
		err := s.Scan(&c.state, &c.n)
		return c, err
	}, "SELECT state, count(*) FROM cases GROUP BY state")
	out := map[string]int{}
	for _, c := range cs {
		out[c.state] = c.n
	}
	return out, err
}

const (
	insertEvents    = "INSERT INTO events (case_id, seq, at, kind, actor, prev, commitment, hash) VALUES "
	insertEvents1   = insertEvents + "($1, $2, $3, $4, $5, $6, $7, $8)"
	insertPayloads  = "INSERT INTO payloads (case_id, seq, personal, salt, body) VALUES "
	insertPayloads1 = insertPayloads + "($1, $2, $3, $4, $5)"
	eventChunk      = 32
)

// AppendEvents adds events to logs: the links, and apart from them the
// payloads. The case must be there (PutCase first). An event that is there
// already is a Conflict: a log is only ever added to. Kinds and actors must be
// storable as they are, because the chain's hashes cover them.
func (tx *Tx) AppendEvents(ctx context.Context, entries []casework.Entry) error {
	for i := range entries {
		e := &entries[i]
		if clean(string(e.Kind)) != string(e.Kind) || clean(e.Actor) != e.Actor || clean(e.Case) != e.Case {
			return problem.New(problem.Invalid, "event %d of case %q has text that cannot be stored", e.Seq, e.Case)
		}
		if !e.At.Equal(e.At.Truncate(time.Microsecond)) {
			return problem.New(problem.Invalid, "event %d of case %s is not dated in whole microseconds", e.Seq, e.Case)
		}
	}
	link := func(e *casework.Entry) []any {
		return []any{e.Case, int64(e.Seq), instant(e.At), string(e.Kind), e.Actor, e.Prev[:], e.Commitment[:], e.Hash[:]}
	}
	payload := func(e *casework.Entry) []any {
		body := e.Payload.Body
		if body == nil {
			body = []byte{}
		}
		return []any{e.Case, int64(e.Seq), boolInt(e.Payload.Personal), e.Payload.Salt[:], body}
	}
	if tx.s.engine == SQLite { // no round trips to save: prepared statements are faster
		for i := range entries {
			if _, err := tx.exec(ctx, insertEvents1, link(&entries[i])...); err != nil {
				return err
			}
			if entries[i].Payload == nil {
				continue
			}
			if _, err := tx.exec(ctx, insertPayloads1, payload(&entries[i])...); err != nil {
				return err
			}
		}
		return nil
	}
	for len(entries) > 0 {
		n := min(len(entries), eventChunk)
		var links, payloads []any
		var m int
		for i := range entries[:n] {
			links = append(links, link(&entries[i])...)
			if entries[i].Payload != nil {
				payloads = append(payloads, payload(&entries[i])...)
				m++
			}
		}
		if _, err := tx.exec(ctx, insertEvents+values(n, 8), links...); err != nil {
			return err
		}
		if m > 0 {
			if _, err := tx.exec(ctx, insertPayloads+values(m, 5), payloads...); err != nil {
				return err
			}
		}
		entries = entries[n:]
	}
	return nil
}

// Events reads the log of a case in order. Payload is nil where it was erased.
func (tx *Tx) Events(ctx context.Context, caseID string) ([]casework.Entry, error) {
	return list(ctx, tx, scanEvent, selectEvent+"WHERE e.case_id = $1 ORDER BY e.seq", clean(caseID))
}

const selectEvent = `SELECT e.case_id, e.seq, e.at, e.kind, e.actor, e.prev, e.commitment, e.hash, p.personal, p.salt, p.body
FROM events e LEFT JOIN payloads p ON p.case_id = e.case_id AND p.seq = e.seq `

func scanEvent(s scanner) (casework.Entry, error) {
	var e casework.Entry
	var at int64
	var prev, commitment, hash, salt, body []byte
	var personal sql.NullInt64
	if err := s.Scan(&e.Case, &e.Seq, &at, &e.Kind, &e.Actor, &prev, &commitment, &hash, &personal, &salt, &body); err != nil {
		return e, err
	}
	e.At = time.UnixMicro(at).UTC()
	whole := copy(e.Prev[:], prev) + copy(e.Commitment[:], commitment) + copy(e.Hash[:], hash)
	want := 3 * len(e.Hash)
	if personal.Valid {
		if body == nil {
			body = []byte{}
		}
		e.Payload = &casework.Payload{Body: body, Personal: personal.Int64 == 1}
		whole, want = whole+copy(e.Payload.Salt[:], salt), want+len(e.Payload.Salt)
	}
	if whole != want {
		return e, problem.New(problem.Corrupt, "event %d of case %s has a hash or salt of the wrong length", e.Seq, e.Case)
	}
	return e, nil
}

// ErasePayload deletes what an event says, and its salt. The chain still
// verifies. It is no error if it is gone already.
func (tx *Tx) ErasePayload(ctx context.Context, caseID string, seq int) error {
	n, err := tx.exec(ctx, "DELETE FROM payloads WHERE case_id = $1 AND seq = $2", clean(caseID), int64(seq))
	if err != nil || n > 0 {
		return err
	}
	var one int
	err = tx.row(ctx, "SELECT 1 FROM events WHERE case_id = $1 AND seq = $2", clean(caseID), int64(seq)).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return problem.New(problem.NotFound, "case %s has no event %d", caseID, seq)
	}
	return tx.s.wrap(err, "read an event")
}

// PutPlaybook keeps a playbook under its hash; one that is there stays as it
// is.
func (tx *Tx) PutPlaybook(ctx context.Context, hash, name string, body []byte) error {
	_, err := tx.exec(ctx, "INSERT INTO playbooks (hash, name, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", clean(hash), clean(name), body)
	return err
}

// Playbook reads the body of a playbook by its hash.
func (tx *Tx) Playbook(ctx context.Context, hash string) ([]byte, error) {
	var b []byte
	err := tx.row(ctx, "SELECT body FROM playbooks WHERE hash = $1", clean(hash)).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, problem.New(problem.NotFound, "there is no playbook %s", hash)
	}
	return b, tx.s.wrap(err, "read a playbook")
}

// Setting reads what is kept under a key; ok is false if nothing is.
func (tx *Tx) Setting(ctx context.Context, key string) (val []byte, ok bool, err error) {
	err = tx.row(ctx, "SELECT value FROM settings WHERE key = $1", clean(key)).Scan(&val)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return val, err == nil, tx.s.wrap(err, "read a setting")
}

// PutSetting keeps a value under a key.
func (tx *Tx) PutSetting(ctx context.Context, key string, val []byte) error {
	if val == nil {
		val = []byte{}
	}
	_, err := tx.exec(ctx, "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", clean(key), val)
	return err
}
