package centre

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"
)

// QueuePage is one page of a desk's queue.
type QueuePage struct {
	Cases []casework.Case
	// Found is how many there are in all, up to MaxFound.
	Found int
	// Next is where the next page begins; nil at the end.
	Next *store.QueueMark
}

// MaxFound is how far a queue is counted: beyond it nobody pages.
const MaxFound = 2000

// Queue lists the cases a desk wants to see.
func (c *Centre) Queue(ctx context.Context, f store.QueueFilter) (QueuePage, error) {
	var out QueuePage
	limit := f.Limit
	if limit <= 0 || limit >= store.MaxCases {
		limit = store.MaxCases - 1
	}
	f.Limit = limit + 1
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Queue(ctx, f)
		if err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			next := rows[limit-1].Mark(f.Sort)
			out.Next = &next
		}
		for _, r := range rows {
			cs, err := unpack(r)
			if err != nil {
				return err
			}
			out.Cases = append(out.Cases, cs)
		}
		if f.After == nil && out.Next == nil {
			out.Found = len(rows)
			return nil
		}
		out.Found, err = tx.CountQueue(ctx, f, MaxFound)
		return err
	})
	return out, err
}

// CountQueues counts several filters at one moment, each up to MaxFound.
func (c *Centre) CountQueues(ctx context.Context, fs ...store.QueueFilter) ([]int, error) {
	out := make([]int, len(fs))
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		for i, f := range fs {
			var err error
			if out[i], err = tx.CountQueue(ctx, f, MaxFound); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Dossier is what a case page shows: the case, the end of its log, and what
// lies beside the log.
type Dossier struct {
	Case casework.Case
	// Playbook is the one the case pins: what follows if nothing happens.
	Playbook casework.Playbook
	// Events are at most as many as were asked for, in order; Earlier are those
	// before them.
	Events  []casework.Entry
	Earlier int
	Notices []store.Notice // in the order they were ordered
	Mails   []store.Mail   // in the order they arrived
	// Evidence is the newest of what is kept, of EvidenceAll in all.
	Evidence    []store.CaseBlob
	EvidenceAll int
}

// Dossier reads a case for its page: at most events of its log, those before
// the event numbered before (0: the last ones), and at most blobs of what is
// kept for it. It reads one moment of the database.
func (c *Centre) Dossier(ctx context.Context, id string, before, events, blobs int) (Dossier, error) {
	var d Dossier
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		if d.Case, err = c.load(ctx, tx, id); err != nil {
			return err
		}
		if d.Playbook, err = c.playbook(ctx, tx, d.Case.Playbook); err != nil {
			return err
		}
		if d.Events, err = tx.EventsBefore(ctx, id, before, events); err != nil {
			return err
		}
		if len(d.Events) > 0 {
			d.Earlier = d.Events[0].Seq - 1
		}
		if d.Notices, err = tx.Notices(ctx, id); err != nil {
			return err
		}
		if d.Mails, err = tx.Mails(ctx, id); err != nil {
			return err
		}
		d.Evidence, d.EvidenceAll, err = tx.CaseBlobs(ctx, id, blobs)
		return err
	})
	return d, err
}

// Evidence reads a file that is kept for a case, by its SHA-256 (hex), and its
// media type.
func (c *Centre) Evidence(ctx context.Context, id, sha string) ([]byte, string, error) {
	ours := false
	if err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		if ours, err = tx.HasCaseBlob(ctx, id, sha); err != nil || ours {
			return err
		}
		// What was sent and received is kept under the case's notices and mails.
		ns, err := tx.Notices(ctx, id)
		if err != nil {
			return err
		}
		ms, err := tx.Mails(ctx, id)
		ours = sha != "" && (slices.ContainsFunc(ns, func(n store.Notice) bool { return n.Blob == sha }) ||
			slices.ContainsFunc(ms, func(m store.Mail) bool { return m.Blob == sha }))
		return err
	}); err != nil {
		return nil, "", err
	}
	if !ours {
		return nil, "", problem.New(problem.NotFound, "there is no such file on case %s", id)
	}
	return c.Store.Blob(ctx, sha)
}

// Meanwhile is the error of a command that was given on a case as it stood
// before somebody else acted: nothing was done.
type Meanwhile struct {
	// Events are what happened since, in order; where that is more than
	// maxMeanwhile, so many of those that a person should see.
	Events []casework.Entry
}

const maxMeanwhile = 50

// Error implements error.
func (m *Meanwhile) Error() string { return "somebody acted on the case meanwhile" }

// Unwrap makes it a Conflict.
func (m *Meanwhile) Unwrap() error {
	return problem.New(problem.Conflict, "%s", m.Error())
}

// unchanged fails with Meanwhile if, after the event numbered seq, anything
// happened that a person at the desk should see before acting: what another
// person or a party did, and what changed the state. Looks, deliveries and
// further reports do not count: they happen all the time. A seq of 0 is no
// condition.
//
// It takes the case as it was loaded, in the same transaction and before: what
// comes between loading and here is seen here, and what comes after fails where
// the next event is written, since its number is taken. The other way round,
// somebody could act between the check and the loading, and both would be first.
func unchanged(ctx context.Context, tx *store.Tx, cs casework.Case, seq int) error {
	if seq <= 0 {
		return nil
	}
	id := cs.ID
	// Piece by piece: behind many looks somebody may have acted.
	var all, acted []casework.Entry
	for {
		es, err := tx.EventsSince(ctx, id, seq, maxMeanwhile)
		if err != nil {
			return err
		}
		for _, e := range es {
			seq = e.Seq
			if all = append(all, e); matters(e) {
				acted = append(acted, e)
			}
		}
		if len(es) == maxMeanwhile && len(acted) < maxMeanwhile {
			continue
		}
		switch {
		case len(acted) == 0:
			return nil
		case len(all) > maxMeanwhile:
			all = acted[:min(len(acted), maxMeanwhile)]
		}
		return &Meanwhile{Events: all}
	}
}

func matters(e casework.Entry) bool {
	if strings.HasPrefix(e.Actor, "person:") || strings.HasPrefix(e.Actor, "party:") {
		return true
	}
	switch e.Kind {
	case casework.KindConfirmed, casework.KindRejected, casework.KindClosed, casework.KindReopened, casework.KindMerged, casework.KindUnmerged, casework.KindAnswered:
		return true
	}
	return false
}

// Unchanged fails with Meanwhile if somebody acted on a case after the event
// numbered seq.
func (c *Centre) Unchanged(ctx context.Context, id string, seq int) error {
	return c.Store.View(ctx, func(tx *store.Tx) error {
		cs, err := c.load(ctx, tx, id)
		if err != nil {
			return err
		}
		return unchanged(ctx, tx, cs, seq)
	})
}

// ActSince is Act for somebody who saw the case up to the event numbered seq:
// it fails with Meanwhile if somebody else acted after that.
func (c *Centre) ActSince(ctx context.Context, id string, seq int, cmds ...casework.Command) (casework.Case, error) {
	return c.actIf(ctx, id, func(tx *store.Tx, cs casework.Case) error { return unchanged(ctx, tx, cs, seq) }, cmds...)
}

// CasesOfName lists the cases of a subject (party.Subject.Key), the newest
// first.
func (c *Centre) CasesOfName(ctx context.Context, key string) ([]casework.Case, error) {
	p, err := c.Queue(ctx, store.QueueFilter{Subject: strings.ToLower(key), Limit: 200})
	return p.Cases, err
}

// PartyAsk is one thing a party was asked or told.
type PartyAsk struct {
	Case       string              `json:"case"`
	Subject    string              `json:"subject"`
	Type       string              `json:"type"`
	State      casework.State      `json:"state"`
	Outcome    casework.Outcome    `json:"outcome,omitempty"`
	Obligation casework.Obligation `json:"obligation"`
}

// PartyAsks lists what a party was asked and told lately, the newest first, by
// at most limit notices. What never got a notice is not among it.
func (c *Centre) PartyAsks(ctx context.Context, id string, limit int) ([]PartyAsk, error) {
	var out []PartyAsk
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		out = nil
		ns, err := tx.PartyNotices(ctx, id, limit)
		if err != nil {
			return err
		}
		cases := map[string]casework.Case{}
		seen := map[string]bool{}
		for _, n := range ns {
			if n.Case == "" || seen[n.Obligation] {
				continue
			}
			seen[n.Obligation] = true
			cs, ok := cases[n.Case]
			if !ok {
				if cs, err = c.load(ctx, tx, n.Case); err != nil {
					return err
				}
				cases[n.Case] = cs
			}
			if o, ok := cs.Obligation(n.Obligation); ok {
				o.Party.PGPKey = ""
				out = append(out, PartyAsk{Case: cs.ID, Subject: cs.Subject.Key(), Type: string(cs.Type), State: cs.State, Outcome: cs.Outcome, Obligation: o})
			}
		}
		return nil
	})
	return out, err
}

// figuresCache keeps counted figures: counting reads every case.
type figuresCache struct {
	mu      sync.Mutex
	now     *Figures
	at      time.Time // real time of the count
	took    time.Duration
	running chan struct{} // closed when the count under way has ended; nil: none is
}

// A count of figures may take a twentieth of the time, and none is used longer
// than it takes for that, at least figuresFresh.
const (
	figuresShare = 20
	figuresFresh = 2 * time.Second
	figuresWait  = 3 * time.Second
)

// FiguresDesk counts published figures, and keeps the last count for a while.
type FiguresDesk struct {
	c     *Centre
	cache figuresCache
}

// NewFiguresDesk makes one; a process needs one.
func NewFiguresDesk(c *Centre) *FiguresDesk { return &FiguresDesk{c: c} }

// Figures gives the figures as of their At. In a large centre they are some
// minutes old. Unavailable means that they are being counted for the first
// time.
func (d *FiguresDesk) Figures(ctx context.Context) (Figures, error) {
	k := &d.cache
	k.mu.Lock()
	stale := k.now == nil || time.Since(k.at) > max(figuresFresh, figuresShare*k.took)
	if stale && k.running == nil {
		done := make(chan struct{})
		k.running = done
		go d.count(context.WithoutCancel(ctx), done)
	}
	wait := k.running
	if k.now != nil && k.took > figuresFresh/4 {
		wait = nil // better a little old than late
	}
	k.mu.Unlock()
	if wait != nil {
		t := time.NewTimer(figuresWait)
		defer t.Stop()
		select {
		case <-wait:
		case <-t.C:
		case <-ctx.Done():
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now == nil {
		return Figures{}, problem.New(problem.Unavailable, "the figures are being counted: come back in a minute")
	}
	return *k.now, nil
}

func (d *FiguresDesk) count(ctx context.Context, done chan struct{}) {
	begin := time.Now()
	f, err := d.c.countFigures(ctx)
	d.cache.mu.Lock()
	defer d.cache.mu.Unlock()
	d.cache.took, d.cache.at = time.Since(begin), time.Now()
	if err == nil {
		d.cache.now = &f
	} else {
		d.c.Log.Error("the figures could not be counted", "err", err)
	}
	d.cache.running = nil
	close(done)
}

// figuresPiece is how many cases are read in one transaction.
const figuresPiece = 500

func (c *Centre) countFigures(ctx context.Context) (Figures, error) {
	now := c.Clock.Now()
	t := newTallies(now)
	for after := ""; ; {
		var rows []store.Case
		if err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.CasesAfter(ctx, after, figuresPiece)
			return err
		}); err != nil {
			return Figures{}, err
		}
		for _, r := range rows {
			cs, err := unpack(r)
			if err != nil {
				return Figures{}, err
			}
			t.add(cs)
			after = r.ID
		}
		if len(rows) < figuresPiece {
			break
		}
	}
	f := t.figures()
	asked, err := c.CountDisclosures(ctx, time.Time{}, now)
	if err != nil {
		return f, err
	}
	f.Disclosure = slices.DeleteFunc(asked, func(d DisclosureFigures) bool { return d.Submitted+d.Unreached+d.Withdrawn == 0 })
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		states, err := tx.CountReports(ctx)
		for s, n := range states {
			f.Reports.All += n
			switch s {
			case store.ReportAccepted:
				f.Reports.Accepted = n
			case store.ReportDuplicate:
				f.Reports.Duplicate = n
			case store.ReportRejected:
				f.Reports.Rejected = n
			case store.ReportWithheld:
				f.Reports.Withheld = n
			}
		}
		return err
	})
	return f, err
}
