package store

import (
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
)

// QueueFilter says which cases a desk wants to see. Empty fields do not filter.
type QueueFilter struct {
	// State is a state, or "open" for all in which work is due.
	State string
	Type  string // abuse.Type
	// Class and Outcome as judged and measured.
	Class, Outcome string
	// Assignee is who works it: "person:ID", or Unassigned.
	Assignee string
	// DueBefore lists what is due before a time; zero: whenever.
	DueBefore time.Time
	// Contains is a part of the subject's name or address, in any case.
	Contains string
	// Subject is the whole of it: party.Subject.Key.
	Subject string
	// Sort is "due" (the longest due first; what is never due is left out),
	// "opened" (the newest first, which "" stands for) or "closed" (the one
	// closed last first; open ones are left out).
	Sort string
	// After continues behind the last case of the page before.
	After *QueueMark
	// Limit is at most MaxCases, which 0 stands for.
	Limit int
}

// QueueMark is a place in a sorted queue: the value sorted by, and the id.
// Cases may change meanwhile; the place stays.
type QueueMark struct {
	At time.Time
	ID string
}

// Mark is the place of a case in a queue sorted by sort.
func (c Case) Mark(sort string) QueueMark {
	switch sort {
	case "due":
		return QueueMark{c.Due, c.ID}
	case "closed":
		return QueueMark{c.Closed, c.ID}
	}
	return QueueMark{c.Opened, c.ID}
}

// Unassigned, as an assignee, stands for cases that nobody works: nobody yet, or
// somebody who was deleted.
const Unassigned = "none"

// stateOpen stands for all states but closed and merged.
const stateOpen = "open"

// conditions builds a WHERE clause with numbered arguments.
type conditions struct {
	where []string
	args  []any
}

func (q *conditions) add(cond string, vs ...any) {
	for _, v := range vs {
		q.args = append(q.args, v)
		cond = strings.Replace(cond, "?", in(len(q.args), 1), 1)
	}
	q.where = append(q.where, cond)
}

func (q *conditions) String() string {
	if len(q.where) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(q.where, " AND ")
}

func (f QueueFilter) conditions() *conditions {
	q := &conditions{}
	switch f.State {
	case "":
	case stateOpen:
		q.add("state NOT IN ('closed', 'merged')")
	default:
		q.add("state = ?", clean(f.State))
	}
	for _, c := range []struct{ cond, v string }{{"type = ?", f.Type}, {"judgement = ?", f.Class}, {"outcome = ?", f.Outcome}, {"subject_key = ?", f.Subject}} {
		if c.v != "" {
			q.add(c.cond, clean(c.v))
		}
	}
	switch f.Assignee {
	case "":
	case Unassigned:
		// Who was deleted works nothing any more, and can be listed by no name.
		q.add("(assignee = '' OR NOT EXISTS (SELECT 1 FROM people p WHERE p.id = substr(cases.assignee, 8)))")
	default:
		q.add("assignee = ? AND assignee <> ''", clean(f.Assignee)) // the second names the index
	}
	if !f.DueBefore.IsZero() {
		q.add("due < ?", instant(f.DueBefore))
	}
	return q
}

// narrowed are the conditions of a filter, with those that take a look at the
// database first. direct says that they name the subjects, so that these and
// not the order are the way to the rows; none that nothing can fit.
func (tx *Tx) narrowed(ctx context.Context, f QueueFilter) (q *conditions, direct, none bool, err error) {
	q, direct = f.conditions(), f.Subject != ""
	if f.Contains == "" {
		return q, direct, false, nil
	}
	few, none, err := tx.contains(ctx, q, f.Contains)
	return q, direct || few, none, err
}

// Queue lists cases for a desk.
func (tx *Tx) Queue(ctx context.Context, f QueueFilter) ([]Case, error) {
	if f.Limit <= 0 || f.Limit > MaxCases {
		f.Limit = MaxCases
	}
	var by, dir, more, notNull string
	switch f.Sort {
	case "", "opened":
		by, dir, more = "opened", " DESC", "<"
	case "due":
		by, more, notNull = "due", ">", "due IS NOT NULL"
	case "closed":
		by, dir, more, notNull = "closed", " DESC", "<", "closed IS NOT NULL"
	default:
		return nil, problem.BadField("sort", "is not due, opened or closed")
	}
	q, direct, none, err := tx.narrowed(ctx, f)
	if err != nil || none {
		return nil, err
	}
	if notNull != "" {
		q.add(notNull)
	}
	if f.After != nil {
		at := instant(f.After.At)
		// The first is for the index: it begins there.
		q.add(by+" "+more+"= ? AND ("+by+" "+more+" ? OR id "+more+" ?)", at, at, clean(f.After.ID))
	}
	order := by + dir + ", id" + dir
	inner := order
	if direct {
		inner = "+" + order // a sum is in no index: the few rows are sorted
	}
	// The inner query reads indexes that hold all it needs, so that the rows,
	// with their bodies, are read only for what is shown. The limit is in the
	// text, since PostgreSQL plans for it.
	query := selectCase + "WHERE id IN (SELECT id FROM cases" + q.String() + " ORDER BY " + inner + " LIMIT " + strconv.Itoa(f.Limit) + ") ORDER BY " + order
	return list(ctx, tx, scanCase, query, q.args...)
}

// CountQueue counts the cases of a filter, whatever its sort, place and limit,
// up to most.
func (tx *Tx) CountQueue(ctx context.Context, f QueueFilter, most int) (int, error) {
	q, _, none, err := tx.narrowed(ctx, f)
	if err != nil || none {
		return 0, err
	}
	var n int
	err = tx.row(ctx, "SELECT count(*) FROM (SELECT 1 FROM cases"+q.String()+" LIMIT "+strconv.Itoa(most)+") found", q.args...).Scan(&n)
	return n, tx.s.wrap(err, "count cases")
}

// CasesAfter reads cases in the order of their ids, those after an id ("" for
// the beginning): all of them, piece by piece.
func (tx *Tx) CasesAfter(ctx context.Context, id string, limit int) ([]Case, error) {
	return list(ctx, tx, scanCase, selectCase+"WHERE id > $1 ORDER BY id LIMIT $2", clean(id), limit)
}

// EventsBefore reads the end of a case's log: at most limit events that come
// before the event numbered before (0: all), in order. Payload is nil where it
// was erased.
func (tx *Tx) EventsBefore(ctx context.Context, caseID string, before, limit int) ([]casework.Entry, error) {
	if before <= 0 {
		before = 1 << 40
	}
	es, err := list(ctx, tx, scanEvent, selectEvent+"WHERE e.case_id = $1 AND e.seq < $2 ORDER BY e.seq DESC LIMIT $3", clean(caseID), int64(before), limit)
	slices.Reverse(es)
	return es, err
}

// EventsSince reads the events of a case after the event numbered seq, in
// order, at most limit.
func (tx *Tx) EventsSince(ctx context.Context, caseID string, seq, limit int) ([]casework.Entry, error) {
	return list(ctx, tx, scanEvent, selectEvent+"WHERE e.case_id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3", clean(caseID), int64(seq), limit)
}

// CaseBlob is a file that is kept as evidence of a case.
type CaseBlob struct {
	SHA    string    `json:"sha256"`
	Media  string    `json:"media_type"`
	Size   int64     `json:"bytes"`
	Stored time.Time `json:"stored"`
	// Erased: its key is gone, and with it the content.
	Erased bool `json:"erased,omitempty"`
}

// CaseBlobs lists what is kept as evidence of a case, the newest first, and
// says how many there are in all.
func (tx *Tx) CaseBlobs(ctx context.Context, caseID string, limit int) (blobs []CaseBlob, total int, err error) {
	id := clean(caseID)
	if err = tx.row(ctx, "SELECT count(*) FROM blob_refs WHERE owner_kind = $1 AND owner_id = $2", OwnerCase, id).Scan(&total); err != nil {
		return nil, 0, tx.s.wrap(err, "count evidence")
	}
	blobs, err = list(ctx, tx, func(s scanner) (CaseBlob, error) {
		var b CaseBlob
		var sum []byte
		var added, erased int64
		err := s.Scan(&sum, &b.Media, &b.Size, &added, &erased)
		b.SHA, b.Stored, b.Erased = hex.EncodeToString(sum), time.UnixMicro(added).UTC(), erased == 1
		return b, err
	}, `SELECT b.sha, b.media, b.size, r.added, CASE WHEN b.erased IS NULL THEN 0 ELSE 1 END
FROM blob_refs r JOIN blobs b ON b.sha = r.sha WHERE r.owner_kind = $1 AND r.owner_id = $2 ORDER BY r.added DESC, b.sha LIMIT $3`, OwnerCase, id, limit)
	return blobs, total, err
}

// HasCaseBlob says whether a blob is kept as evidence of a case.
func (tx *Tx) HasCaseBlob(ctx context.Context, caseID, sha string) (bool, error) {
	sum, err := digest("sha256", sha)
	if err != nil || sum == nil {
		return false, err
	}
	var n int
	err = tx.row(ctx, "SELECT count(*) FROM blob_refs WHERE sha = $1 AND owner_kind = $2 AND owner_id = $3", sum, OwnerCase, clean(caseID)).Scan(&n)
	return n > 0, tx.s.wrap(err, "read evidence")
}

// PartyNotices reads the notices to a party, the newest first.
func (tx *Tx) PartyNotices(ctx context.Context, party string, limit int) ([]Notice, error) {
	return list(ctx, tx, scanNotice, selectNotice+"WHERE party = $1 ORDER BY created DESC, id DESC LIMIT $2", clean(party), limit)
}

// CountReportsSince counts the reports that came since a time.
func (tx *Tx) CountReportsSince(ctx context.Context, since time.Time) (int, error) {
	var n int
	err := tx.row(ctx, "SELECT count(*) FROM reports WHERE received >= $1", instant(since)).Scan(&n)
	return n, tx.s.wrap(err, "count reports")
}
