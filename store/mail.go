package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"bailiwick/problem"
)

// MailState says how far a mail has come.
type MailState string

// The states of a mail.
const (
	MailReceived MailState = "received" // stored, to be read; has a due time
	MailFiled    MailState = "filed"    // became a report, or is on a case
	MailIgnored  MailState = "ignored"  // kept, and nothing follows from it; Detail says why
	MailRejected MailState = "rejected" // cannot be read
	MailWithheld MailState = "withheld" // content that is never kept
)

// Mail is one mail as it arrived at one of our addresses and what became of it.
type Mail struct {
	ID       string
	Received time.Time
	Digest   string // SHA-256 (hex) of what arrived
	// Route is which of our addresses it was for: "report",
	// "reply:OBLIGATION", "receipt:RECEIPT" or "postmaster".
	Route      string
	Blob       string // SHA-256 (hex) of the blob that holds it, "" for none
	Length     int64
	Envelope   []byte // JSON of a mail.Envelope; empty once it has expired
	MessageID  string
	Kind       string // what it was taken for: a kind of package mail
	State      MailState
	Detail     string
	Case       string
	Obligation string
	Report     string    // id of the report it became
	Due        time.Time // zero: nothing is due
	Attempts   int
}

const selectMail = `SELECT id, received, digest, route, blob, length, envelope, message_id, kind, state, detail, case_id, obligation, report_id, due, attempts FROM mails `

func scanMail(s scanner) (Mail, error) {
	var m Mail
	var received int64
	var due sql.NullInt64
	var sum, blob []byte
	var envelope string
	err := s.Scan(&m.ID, &received, &sum, &m.Route, &blob, &m.Length, &envelope, &m.MessageID, &m.Kind, &m.State, &m.Detail, &m.Case, &m.Obligation, &m.Report, &due, &m.Attempts)
	m.Received, m.Due = time.UnixMicro(received).UTC(), fromMicros(due)
	m.Digest, m.Blob = hex.EncodeToString(sum), hex.EncodeToString(blob)
	if envelope != "" {
		m.Envelope = []byte(envelope)
	}
	return m, err
}

// AddMail adds a mail. If the same octets came by the same route before,
// nothing is written and added is false. Its blob must be stored before.
func (tx *Tx) AddMail(ctx context.Context, m Mail) (added bool, err error) {
	if m.ID == "" || m.State == "" || m.Route == "" || m.Received.IsZero() || m.Digest == "" {
		return false, problem.New(problem.Internal, "a mail needs an id, a digest, a route, a state and a time")
	}
	sum, err := digest("digest", m.Digest)
	if err != nil {
		return false, err
	}
	blob, err := digest("blob", m.Blob)
	if err != nil {
		return false, err
	}
	n, err := tx.exec(ctx, `INSERT INTO mails (id, received, digest, route, blob, length, envelope, message_id, kind, state, detail, case_id, obligation, report_id, due, attempts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING`,
		clean(m.ID), instant(m.Received), sum, clean(m.Route), blob, m.Length, clean(string(m.Envelope)), clean(m.MessageID), clean(m.Kind), string(m.State), clean(m.Detail),
		clean(m.Case), clean(m.Obligation), clean(m.Report), micros(m.Due), int64(m.Attempts))
	return n == 1, err
}

// Mail reads one mail by its id.
func (tx *Tx) Mail(ctx context.Context, id string) (Mail, error) {
	m, err := scanMail(tx.row(ctx, selectMail+"WHERE id = $1", clean(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return m, problem.New(problem.NotFound, "there is no mail %s", id)
	}
	return m, tx.s.wrap(err, "read a mail")
}

// MailOfReport reads the mail that became a report.
func (tx *Tx) MailOfReport(ctx context.Context, report string) (Mail, bool, error) {
	ms, err := list(ctx, tx, scanMail, selectMail+"WHERE report_id = $1 AND report_id <> '' ORDER BY received, id LIMIT 1", clean(report))
	if err != nil || len(ms) == 0 {
		return Mail{}, false, err
	}
	return ms[0], true, nil
}

// DueMails reads mails that wait to be read, the longest due first.
func (tx *Tx) DueMails(ctx context.Context, now time.Time, limit int) ([]Mail, error) {
	return list(ctx, tx, scanMail, selectMail+"WHERE due <= $1 ORDER BY due, id LIMIT $2", instant(now), limit)
}

// FinishMail writes what became of a mail: kind, Message-ID, state, detail,
// case, obligation, report, due time, attempts. Once it is not "received" any more,
// it does not change: somebody was first, and the error is a Conflict.
func (tx *Tx) FinishMail(ctx context.Context, m Mail) error {
	n, err := tx.exec(ctx, `UPDATE mails SET kind = $1, state = $2, detail = $3, case_id = $4, obligation = $5, report_id = $6, due = $7, attempts = $8, message_id = $9
WHERE id = $10 AND state = 'received'`, clean(m.Kind), string(m.State), clean(m.Detail), clean(m.Case), clean(m.Obligation), clean(m.Report), micros(m.Due), int64(m.Attempts), clean(m.MessageID), clean(m.ID))
	if err == nil && n == 0 {
		if _, err := tx.Mail(ctx, m.ID); err != nil {
			return err
		}
		return problem.New(problem.Conflict, "mail %s was read by somebody else first", m.ID)
	}
	return err
}

// Mails reads the mails on a case in the order they arrived.
func (tx *Tx) Mails(ctx context.Context, caseID string) ([]Mail, error) {
	return list(ctx, tx, scanMail, selectMail+"WHERE case_id = $1 AND case_id <> '' ORDER BY received, id", clean(caseID))
}

// RecentMails lists mails, the newest first; state "" is all.
func (tx *Tx) RecentMails(ctx context.Context, state MailState, limit int) ([]Mail, error) {
	if state == "" {
		return list(ctx, tx, scanMail, selectMail+"ORDER BY received DESC, id DESC LIMIT $1", limit)
	}
	return list(ctx, tx, scanMail, selectMail+"WHERE state = $1 ORDER BY received DESC, id DESC LIMIT $2", string(state), limit)
}

// CountMails counts the mails about an obligation that were taken for a kind
// and filed.
func (tx *Tx) CountMails(ctx context.Context, obligation, kind string) (int, error) {
	var n int
	err := tx.row(ctx, "SELECT count(*) FROM mails WHERE obligation = $1 AND kind = $2 AND state = 'filed'", clean(obligation), clean(kind)).Scan(&n)
	return n, tx.s.wrap(err, "count mails")
}

// MailsSince counts the mails by a route since a time.
func (tx *Tx) MailsSince(ctx context.Context, route string, since time.Time) (int, error) {
	var n int
	err := tx.row(ctx, "SELECT count(*) FROM mails WHERE route = $1 AND received >= $2", clean(route), instant(since)).Scan(&n)
	return n, tx.s.wrap(err, "count mails")
}

// CountMailKinds counts all mails by kind and state, as "kind state".
func (tx *Tx) CountMailKinds(ctx context.Context) (map[string]int, error) {
	type count struct {
		key string
		n   int
	}
	cs, err := list(ctx, tx, func(s scanner) (count, error) {
		var c count
		var kind, state string
		err := s.Scan(&kind, &state, &c.n)
		c.key = kind + " " + state
		return c, err
	}, "SELECT kind, state, count(*) FROM mails GROUP BY kind, state")
	out := map[string]int{}
	for _, c := range cs {
		out[c.key] = c.n
	}
	return out, err
}
