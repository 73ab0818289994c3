package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"bailiwick/problem"
)

// NoticeState says how far a notice has come.
type NoticeState string

// The states of a notice. Only the intent is between due and the rest: it is
// committed before the first octet goes out, so that a crash can lose the
// outcome but never the knowledge that there may be one.
const (
	NoticeDue      NoticeState = "due"      // to be sent at its due time
	NoticeIntended NoticeState = "intended" // a worker is sending it, or died doing so
	NoticeAccepted NoticeState = "accepted" // a receiving server took it
	NoticeFailed   NoticeState = "failed"   // it will not be delivered
	NoticeInDoubt  NoticeState = "in_doubt" // it may or may not have been delivered; not repeated by itself
	NoticeStopped  NoticeState = "stopped"  // no longer wanted
)

// Notice is one line of the delivery log: one message to one party, apart from
// any queue.
type Notice struct {
	ID         string
	Case       string // "" for a receipt of a report that no case came of
	Obligation string // or, for a receipt, what it is the only one of
	Number     int    // of the obligation's notices, from 1
	Kind       string // "ask", "inform", "reminder", "chase", "receipt"
	Channel    string // "email"
	Party      string // its id
	To         string // the address
	MessageID  string
	State      NoticeState
	Created    time.Time
	Due        time.Time
	Intended   time.Time
	Done       time.Time
	Attempts   int
	Worker     string // that sends or sent it
	Blob       string // SHA-256 (hex) of the message as sent
	Response   string // of the receiving server, or why it was not sent
	// Recoverable says whether another attempt may succeed.
	Recoverable bool
}

const selectNotice = `SELECT id, coalesce(case_id, ''), obligation, number, kind, channel, party, recipient, message_id, state, created, due, intended, done, attempts, worker, blob, response, recoverable FROM notices `

func scanNotice(s scanner) (Notice, error) {
	var n Notice
	var created, recoverable int64
	var due, intended, done sql.NullInt64
	var blob []byte
	err := s.Scan(&n.ID, &n.Case, &n.Obligation, &n.Number, &n.Kind, &n.Channel, &n.Party, &n.To, &n.MessageID, &n.State, &created, &due, &intended, &done,
		&n.Attempts, &n.Worker, &blob, &n.Response, &recoverable)
	n.Created, n.Due, n.Intended, n.Done = time.UnixMicro(created).UTC(), fromMicros(due), fromMicros(intended), fromMicros(done)
	n.Blob, n.Recoverable = hex.EncodeToString(blob), recoverable == 1
	return n, err
}

// AddNotice adds a notice. If the obligation has this notice (same number and
// kind) already, nothing is written and added is false.
func (tx *Tx) AddNotice(ctx context.Context, n Notice) (added bool, err error) {
	if n.ID == "" || n.State == "" || n.Created.IsZero() {
		return false, problem.New(problem.Internal, "a notice needs an id, a state and a time")
	}
	blob, err := digest("blob", n.Blob)
	if err != nil {
		return false, err
	}
	c, err := tx.exec(ctx, `INSERT INTO notices (id, case_id, obligation, number, kind, channel, party, recipient, message_id, state, created, due, intended, done, attempts, worker, blob, response, recoverable)
VALUES ($1, nullif($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT DO NOTHING`,
		clean(n.ID), clean(n.Case), clean(n.Obligation), int64(n.Number), clean(n.Kind), clean(n.Channel), clean(n.Party), clean(n.To), clean(n.MessageID), clean(string(n.State)),
		instant(n.Created), micros(n.Due), micros(n.Intended), micros(n.Done), int64(n.Attempts), clean(n.Worker), blob, clean(n.Response), boolInt(n.Recoverable))
	return c == 1, err
}

// Notice reads one notice by its id.
func (tx *Tx) Notice(ctx context.Context, id string) (Notice, error) {
	n, err := scanNotice(tx.row(ctx, selectNotice+"WHERE id = $1", clean(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return n, problem.New(problem.NotFound, "there is no notice %s", id)
	}
	return n, tx.s.wrap(err, "read a notice")
}

// NoticeByMessage reads the notice that was sent under a Message-ID: what an
// answer or a bounce refers to.
func (tx *Tx) NoticeByMessage(ctx context.Context, messageID string) (Notice, bool, error) {
	ns, err := list(ctx, tx, scanNotice, selectNotice+"WHERE message_id = $1 AND message_id <> '' ORDER BY created DESC, id DESC LIMIT 1", clean(messageID))
	if err != nil || len(ns) == 0 {
		return Notice{}, false, err
	}
	return ns[0], true, nil
}

// DueNotices reads notices that are due, the longest due first.
func (tx *Tx) DueNotices(ctx context.Context, now time.Time, limit int) ([]Notice, error) {
	return list(ctx, tx, scanNotice, selectNotice+"WHERE state = 'due' AND due <= $1 ORDER BY due, id LIMIT $2", instant(now), limit)
}

// IntendNotice claims a due notice for a worker, counts the attempt, and notes
// the message it is about to send. Of all who try, one gets true.
func (tx *Tx) IntendNotice(ctx context.Context, id, worker, messageID, blob string, now time.Time) (bool, error) {
	sum, err := digest("blob", blob)
	if err != nil {
		return false, err
	}
	n, err := tx.exec(ctx, `UPDATE notices SET state = 'intended', worker = $1, message_id = $2, blob = $3, intended = $4, done = NULL, attempts = attempts + 1
WHERE id = $5 AND state = 'due'`, clean(worker), clean(messageID), sum, instant(now), clean(id))
	return n == 1, err
}

// FinishNotice writes what became of a notice: state, due and done times,
// attempts, response, recoverable. It may go from intended, by the worker that
// intended it, to anything but intended; from in doubt to anything but
// intended, since the outcome may become known, or a person may decide; and
// from due to due (put off), stopped or failed. Everything else is a Conflict.
func (tx *Tx) FinishNotice(ctx context.Context, n Notice) error {
	before := "(state = 'intended' AND worker = $8 OR state = 'in_doubt')"
	switch n.State {
	case NoticeDue:
		if n.Due.IsZero() {
			return problem.New(problem.Internal, "notice %s is due at no time", n.ID)
		}
		fallthrough
	case NoticeStopped, NoticeFailed:
		before = "(state = 'intended' AND worker = $8 OR state IN ('in_doubt', 'due'))"
	case NoticeAccepted, NoticeInDoubt:
	default:
		return problem.New(problem.Internal, "notice %s cannot end as %q", n.ID, n.State)
	}
	c, err := tx.exec(ctx, "UPDATE notices SET state = $1, due = $2, done = $3, attempts = $4, response = $5, recoverable = $6 WHERE id = $7 AND "+before,
		string(n.State), micros(n.Due), micros(n.Done), int64(n.Attempts), clean(n.Response), boolInt(n.Recoverable), clean(n.ID), clean(n.Worker))
	if err == nil && c == 0 {
		now, err := tx.Notice(ctx, n.ID)
		if err != nil {
			return err
		}
		return problem.New(problem.Conflict, "notice %s is %s and cannot become %s here", n.ID, now.State, n.State)
	}
	return err
}

// BounceNotice marks a notice that a server had accepted as failed: a delivery
// report (RFC 3464) said so later. It says whether the notice was accepted
// before.
func (tx *Tx) BounceNotice(ctx context.Context, id, response string, at time.Time) (bool, error) {
	n, err := tx.exec(ctx, "UPDATE notices SET state = 'failed', recoverable = 0, response = $1, done = $2 WHERE id = $3 AND state IN ('accepted', 'in_doubt')", clean(response), instant(at), clean(id))
	return n == 1, err
}

// Held is how the response of a notice begins that is put off because
// something forbids it for now: the stop switch, a channel that is off, a cap.
const Held = "held:"

// ReleaseNotices makes notices that are held due at now, and says how many:
// what held them may have been lifted. Whoever takes them up asks again.
func (tx *Tx) ReleaseNotices(ctx context.Context, now time.Time) (int, error) {
	n, err := tx.exec(ctx, "UPDATE notices SET due = $1 WHERE state = 'due' AND due > $1 AND response LIKE '"+Held+"%'", instant(now))
	return int(n), err
}

// DoubtNotices puts notices whose outcome was never written in doubt and
// returns them: those of one worker ("" for all workers) intended not after
// before (the zero time for any time). A worker calls it when it starts, for
// itself; a sweep calls it for all, a lease ago.
func (tx *Tx) DoubtNotices(ctx context.Context, worker string, before time.Time) ([]Notice, error) {
	where, args := "state = 'intended'", []any{}
	if worker != "" {
		args = append(args, clean(worker))
		where += " AND worker = " + in(len(args), 1)
	}
	if !before.IsZero() {
		args = append(args, instant(before))
		where += " AND intended <= " + in(len(args), 1)
	}
	ids, err := list(ctx, tx, scanString, "UPDATE notices SET state = 'in_doubt' WHERE "+where+" RETURNING id", args...)
	if err != nil {
		return nil, err
	}
	var out []Notice
	for _, id := range ids {
		n, err := tx.Notice(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	sortNotices(out)
	return out, nil
}

// Notices reads the notices of a case in the order they were ordered.
func (tx *Tx) Notices(ctx context.Context, caseID string) ([]Notice, error) {
	return list(ctx, tx, scanNotice, selectNotice+"WHERE case_id = $1 ORDER BY created, id", clean(caseID))
}

// ObligationNotices reads the notices of an obligation, or of what stands in its
// place, in the order of their numbers.
func (tx *Tx) ObligationNotices(ctx context.Context, obligation string) ([]Notice, error) {
	return list(ctx, tx, scanNotice, selectNotice+"WHERE obligation = $1 ORDER BY number, id", clean(obligation))
}

// CountNotices counts the notices to a party ("" for all parties) that went
// out, or may have, since a time: what the caps are held against. One under
// way or in doubt counts by its due time. Codes of verifications, which are as many
// as registrations, have a cap of their own (CountCodes) and use up no other.
func (tx *Tx) CountNotices(ctx context.Context, party string, since time.Time) (int, error) {
	query := "SELECT count(*) FROM notices WHERE state IN ('accepted', 'intended', 'in_doubt') AND coalesce(done, due, created) >= $1 AND kind <> 'verification'"
	args := []any{instant(since)}
	if party != "" {
		query += " AND party = $2"
		args = append(args, clean(party))
	}
	var n int
	err := tx.row(ctx, query, args...).Scan(&n)
	return n, tx.s.wrap(err, "count notices")
}

// CountNoticeStates counts all notices by state.
func (tx *Tx) CountNoticeStates(ctx context.Context) (map[NoticeState]int, error) {
	type count struct {
		state NoticeState
		n     int
	}
	cs, err := list(ctx, tx, func(s scanner) (count, error) {
		var c count
		err := s.Scan(&c.state, &c.n)
		return c, err
	}, "SELECT state, count(*) FROM notices GROUP BY state")
	out := map[NoticeState]int{}
	for _, c := range cs {
		out[c.state] = c.n
	}
	return out, err
}
