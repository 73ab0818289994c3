package store

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"
)

// Retention says how long things are kept. A case is at rest from when it was
// closed, or merged into another, until it is opened again; each duration
// counts from when the last case that a thing belongs to came to rest, and
// never before the thing's own age has reached it. What belongs to an open
// case is kept. Zero stands for the default, Forever for no end.
type Retention struct {
	// Raw is for reports as they arrived. Those that no case came of count
	// from their arrival. Default 180 days.
	Raw time.Duration
	// Personal is for payloads of the case log that are personal data (who
	// reported, free notes) and, counted from their arrival, for the
	// idempotency scope and key of reports, which may be a sender's address,
	// and for the envelopes of mails.
	// Default 90 days: long enough to tell the reporter and to answer a
	// complaint.
	Personal time.Duration
	// Capture is for what was captured and asked for a case: pages,
	// registration data. Default 180 days.
	Capture time.Duration
	// Registration is for the contacts in the history of a registration, and
	// for the raw answers it rests on, counted from when they were last
	// answered, and from when the last case that rests on them came to rest.
	// The rest of the record stays. Default 180 days.
	Registration time.Duration
	// Accuracy is for verdicts on single names (SweepAccuracy), counted from when
	// the name was last held against a profile; at least MinKeepAccuracy. Default
	// 180 days, as Registration: a verdict is about contacts, and when these are
	// gone nobody can check it or have it corrected.
	Accuracy time.Duration
	// Messages is for notices as sent. Default 365 days: a party's duties can
	// be looked into long after.
	Messages time.Duration
}

// Forever, as a duration of Retention, keeps without end.
const Forever time.Duration = -1

// DefaultRetention is what the zero Retention stands for.
func DefaultRetention() Retention {
	const day = 24 * time.Hour
	return Retention{Raw: 180 * day, Personal: 90 * day, Capture: 180 * day, Registration: 180 * day, Accuracy: 180 * day, Messages: 365 * day}
}

func (r Retention) withDefaults() Retention {
	d := DefaultRetention()
	for _, p := range []struct{ v, def *time.Duration }{{&r.Raw, &d.Raw}, {&r.Personal, &d.Personal}, {&r.Capture, &d.Capture}, {&r.Registration, &d.Registration}, {&r.Messages, &d.Messages}} {
		if *p.v == 0 {
			*p.v = *p.def
		}
	}
	return r
}

// SweepResult counts what a retention sweep did.
type SweepResult struct {
	Payloads int // personal payloads erased
	Senders  int // reports whose idempotency scope and key, and mails whose envelope, were blanked
	Blobs    int // blobs erased
	Contacts int // versions of registrations whose contacts were erased
	BlobSweep
}

// Sweep erases what is kept longer than r allows, and does SweepBlobs. It
// works in small transactions and can be stopped and run again at any time.
// A blob that several things refer to goes when the last of them lets go.
func (s *Store) Sweep(ctx context.Context, now time.Time, r Retention) (SweepResult, error) {
	var out SweepResult
	r = r.withDefaults()
	var err error
	if out.Payloads, err = s.sweepPayloads(ctx, now, r.Personal); err != nil {
		return out, err
	}
	if out.Senders, err = s.sweepSenders(ctx, now, r.Personal); err != nil {
		return out, err
	}
	if out.Contacts, err = s.sweepRegistrations(ctx, now, r.Registration); err != nil {
		return out, err
	}
	if out.Blobs, err = s.sweepOld(ctx, now, r); err != nil {
		return out, err
	}
	if out.Payloads+out.Blobs+out.Contacts > 0 {
		s.scour(ctx)
	}
	out.BlobSweep, err = s.SweepBlobs(ctx, now)
	return out, err
}

// cutoff is the time before which things go; ok is false for Forever.
func cutoff(now time.Time, keep time.Duration) (at int64, ok bool) {
	return instant(now.Add(-keep)), keep >= 0
}

func (s *Store) sweepPayloads(ctx context.Context, now time.Time, keep time.Duration) (total int, err error) {
	cut, ok := cutoff(now, keep)
	for n := sweepChunk; ok && n == sweepChunk; {
		var rows int64
		err = s.Update(ctx, func(tx *Tx) error {
			cases, err := list(ctx, tx, scanString, `SELECT id FROM cases c WHERE c.rest <= $1 AND EXISTS
(SELECT 1 FROM payloads p JOIN events e ON e.case_id = p.case_id AND e.seq = p.seq WHERE p.case_id = c.id AND p.personal = 1 AND e.at <= $1) ORDER BY id LIMIT $2`, cut, sweepChunk)
			if n, rows = len(cases), 0; err != nil || n == 0 {
				return err
			}
			// Said again in the statement that deletes: the case may have been
			// opened again since it was listed.
			args := append(anys(cases), any(cut))
			last := in(len(args), 1)
			rows, err = tx.exec(ctx, `DELETE FROM payloads WHERE personal = 1 AND case_id IN (SELECT id FROM cases WHERE id IN (`+in(1, n)+`) AND rest <= `+last+`)
AND EXISTS (SELECT 1 FROM events e WHERE e.case_id = payloads.case_id AND e.seq = payloads.seq AND e.at <= `+last+`)`, args...)
			return err
		})
		if err != nil {
			return total, err
		}
		total += int(rows)
	}
	return total, nil
}

func (s *Store) sweepSenders(ctx context.Context, now time.Time, keep time.Duration) (total int, err error) {
	cut, ok := cutoff(now, keep)
	for n := int64(sweepChunk); ok && n == sweepChunk; total += int(n) {
		if err = s.Update(ctx, func(tx *Tx) error {
			n, err = tx.exec(ctx, `UPDATE reports SET scope = '', idem = '' WHERE id IN
(SELECT id FROM reports WHERE received <= $1 AND (scope <> '' OR idem <> '') AND state <> 'received' ORDER BY received LIMIT $2)`, cut, sweepChunk)
			return err
		}); err != nil {
			return total, err
		}
	}
	for n := int64(sweepChunk); ok && n == sweepChunk; total += int(n) {
		if err = s.Update(ctx, func(tx *Tx) error {
			n, err = tx.exec(ctx, `UPDATE mails SET envelope = '' WHERE id IN
(SELECT id FROM mails WHERE received <= $1 AND envelope <> '' AND state <> 'received' ORDER BY received LIMIT $2)`, cut, sweepChunk)
			return err
		}); err != nil {
			return total, err
		}
	}
	return total, nil
}

// sweepOld erases blobs that something refers to, when all that does has let
// go of them.
func (s *Store) sweepOld(ctx context.Context, now time.Time, r Retention) (total int, err error) {
	// Forever is a cut at the beginning of time: nothing is older.
	cut := func(keep time.Duration) int64 {
		if at, ok := cutoff(now, keep); ok {
			return at
		}
		return math.MinInt64
	}
	raw, capture, messages := cut(r.Raw), cut(r.Capture), cut(r.Messages)
	newest := max(raw, capture, messages)
	// $1 raw, $2 capture, $3 messages.
	held := strings.Join([]string{
		`EXISTS (SELECT 1 FROM reports r WHERE r.blob = b.sha AND (r.state = 'received' OR r.received > $1 OR EXISTS
(SELECT 1 FROM report_cases rc JOIN cases c ON c.id = rc.case_id WHERE rc.report_id = r.id AND (c.rest IS NULL OR c.rest > $1))))`,
		`EXISTS (SELECT 1 FROM blob_refs f LEFT JOIN cases c ON f.owner_kind = 'case' AND c.id = f.owner_id WHERE f.sha = b.sha AND
(f.added > $2 OR f.owner_kind IN ('registration', 'disclosure', 'verification') OR c.id IS NOT NULL AND (c.rest IS NULL OR c.rest > $2)))`,
		`EXISTS (SELECT 1 FROM notices n LEFT JOIN cases c ON c.id = n.case_id WHERE n.blob = b.sha AND
(n.state IN ('due', 'intended') OR n.created > $3 OR c.id IS NOT NULL AND (c.rest IS NULL OR c.rest > $3)))`,
		// A mail that reports is a raw report, and its row of reports holds it
		// too; one that answers is a message.
		`EXISTS (SELECT 1 FROM mails m LEFT JOIN cases c ON c.id = m.case_id AND m.case_id <> '' WHERE m.blob = b.sha AND
(m.state = 'received' OR m.received > CASE WHEN m.route = 'report' THEN CAST($1 AS BIGINT) ELSE $3 END OR m.route <> 'report' AND c.id IS NOT NULL AND (c.rest IS NULL OR c.rest > $3)))`,
	}, " OR ")
	query := "SELECT b.id, b.file, " + referred + " FROM blobs b WHERE b.erased IS NULL AND b.stored <= $4 AND (b.orphaned IS NULL OR b.orphaned <= $7) AND b.id > $5 AND NOT (" + held + ") ORDER BY b.id LIMIT $6"
	for after, n := int64(0), sweepChunk; n == sweepChunk; {
		var erased int
		var last int64
		if err = s.Update(ctx, func(tx *Tx) error {
			old, err := list(ctx, tx, scanOldBlob, query, raw, capture, messages, newest, after, sweepChunk, instant(now.Add(-Grace)))
			if n, erased, last = len(old), 0, after; err != nil {
				return err
			}
			for _, b := range old {
				last = b.id
				if !b.referred {
					continue // SweepBlobs removes it after its grace
				}
				done, err := tx.eraseBlob(ctx, b.id, b.file, instant(now), instant(now.Add(-Grace)))
				if err != nil {
					return err
				}
				erased += int(boolInt(done))
			}
			return nil
		}); err != nil {
			return total, err
		}
		after = last
		total += erased
	}
	return total, nil
}

func sortNotices(ns []Notice) {
	slices.SortFunc(ns, func(a, b Notice) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}
