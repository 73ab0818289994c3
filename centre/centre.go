// Package centre is what the centre does, one file per verb: intake, triage,
// look (investigate and watch), confirm, deliver, answer, sweep. It decides
// nothing about a case by itself: it gathers facts, gives commands to
// casework, and writes the events and the work they cause in one transaction.
package centre

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"bailiwick/abuse"
	"bailiwick/casework"
	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/evidence"
	"bailiwick/judge"
	"bailiwick/name"
	"bailiwick/notify"
	"bailiwick/notify/email"
	"bailiwick/notify/webhook"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
)

// The kinds of job. Each says "look at these now"; what is due, and when, is
// in the database (DESIGN section 5).
const (
	JobTriage  = "triage"  // ids of reports
	JobCase    = "case"    // ids of cases
	JobDeliver = "deliver" // ids of notices
)

// Settings are what an operator decides.
type Settings struct {
	Name    string // of the centre, as it signs
	Contact string // a mail address people answer at
	From    string // the address mail is sent from
	// ReplyDomain is the domain of the addresses answers come back to.
	ReplyDomain string
	// BaseURL is where the centre is reached, without a trailing slash.
	BaseURL string
	Inbox   Inbox
	// PGPFallback sends an ask in clear where the party's key cannot be used;
	// else the notice fails.
	PGPFallback bool
	// Rules are the confirmation rules that are switched on, by id.
	Rules []string
	// Hotline is where child sexual abuse material is reported; shown to who
	// reports it here.
	Hotline string
	// Policy holds the channels that may send, the caps and the stop switch.
	Policy notify.Policy
	// Worker names this process in the delivery log; it must be the same after
	// a restart and different on every machine.
	Worker string
	// Brands known beside the constituents' own, and where parked names lie.
	Known judge.Known
	// Retention says how long things are kept.
	Retention store.Retention
	// Lease is how long a notice may be under way before the sweep of another
	// worker calls it in doubt; in real time.
	Lease time.Duration
	// Disclosure is about requests for registration data.
	Disclosure DisclosureSettings
	// Verify is about affirmative verification of contacts.
	Verify VerificationSettings
	// Accuracy is what registration data is held against.
	Accuracy AccuracySettings
	// Inaccuracy is about asking for corrections of registration data.
	Inaccuracy InaccuracySettings
}

// Inbox says which mail is taken.
type Inbox struct {
	// Domain is the mail domain of the report addresses; answers come back to
	// ReplyDomain, which may be the same.
	Domain string
	// Report are the local parts that reports come to, in lower case.
	Report []string
	// FeedbackFrom are the registered domains whose feedback reports (RFC 5965)
	// are taken though a machine sends them.
	FeedbackFrom []string
	// Receipts says whether reporters by mail get a receipt.
	Receipts bool
}

// Parts are what a centre is made of.
type Parts struct {
	Store     *store.Store
	Collect   *collect.Collector
	Mail      *email.Sender
	Clock     clock.Clock
	Directory *party.Directory
	Suffixes  *name.Suffixes
	Vantages  []evidence.Vantage // as the collector has them, for quoting
	Playbooks *casework.Playbooks
	Key       ed25519.PrivateKey // signs exports
	ReplyKey  []byte             // authenticates reply addresses and answer links
	DKIM      *email.Signer      // signs mail; nil: it goes unsigned
	Hook      *webhook.Hook      // the registrar's system that holds and releases; nil: a person does
	NewID     func() string      // a ULID, or the like: unique, at most 26 letters and digits
	Log       *slog.Logger
}

// Centre does the work. It is safe for concurrent use.
type Centre struct {
	Parts
	set     Settings
	adds    chan add
	stop    context.CancelFunc
	done    sync.WaitGroup
	booksMu sync.Mutex
	books   map[string]casework.Playbook // by hash, as pinned
	workMu  sync.Mutex
	life    context.Context // ends with Stop
	lanes   lanes
	working map[string]bool // cases that are looked at now, by id
}

// New starts a centre's committer. Stop ends it.
func New(p Parts, s Settings) *Centre {
	if s.Lease == 0 {
		s.Lease = 10 * time.Minute
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Centre{Parts: p, set: s, life: ctx, adds: make(chan add, 1024), stop: cancel, books: map[string]casework.Playbook{}, working: map[string]bool{}}
	c.done.Go(func() { c.committer(ctx) })
	return c
}

// Stop waits for what was accepted to be committed.
func (c *Centre) Stop() {
	c.stop()
	c.done.Wait()
}

// Settings gives the settings the centre runs with.
func (c *Centre) Settings() Settings { return c.set }

// vantage finds a vantage point by its id.
func (c *Centre) vantage(id string) evidence.Vantage {
	for _, v := range c.Vantages {
		if v.ID == id {
			return v
		}
	}
	return evidence.Vantage{}
}

// retry runs f again when another worker was first, a few times.
func retry(f func() error) error {
	var err error
	for range 6 {
		if err = f(); problem.CodeOf(err) != problem.Conflict || !errors.Is(err, errRace) {
			return err
		}
	}
	return err
}

// errRace marks a Conflict of the store's compare-and-set, to be tried again,
// as against a Conflict that casework decided.
var errRace = errors.New("somebody was first")

// load reads a case's projection.
func (c *Centre) load(ctx context.Context, tx *store.Tx, id string) (casework.Case, error) {
	row, err := tx.Case(ctx, id)
	if err != nil {
		return casework.Case{}, err
	}
	return unpack(row)
}

func unpack(row store.Case) (casework.Case, error) {
	var cs casework.Case
	if err := json.Unmarshal(row.Body, &cs); err != nil {
		return cs, problem.Wrap(err, problem.Corrupt, "the projection of case %s does not parse", row.ID)
	}
	return cs, nil
}

// playbook gives the playbook a case pins.
func (c *Centre) playbook(ctx context.Context, tx *store.Tx, hash string) (casework.Playbook, error) {
	c.booksMu.Lock()
	pb, ok := c.books[hash]
	c.booksMu.Unlock()
	if ok {
		return pb, nil
	}
	b, err := tx.Playbook(ctx, hash)
	if err != nil {
		return pb, err
	}
	if err := json.Unmarshal(b, &pb); err != nil {
		return pb, problem.Wrap(err, problem.Corrupt, "playbook %s does not parse", hash)
	}
	if pb.Hash() != hash {
		return pb, problem.New(problem.Corrupt, "playbook %s is not the one that was pinned", hash)
	}
	c.remember(hash, pb)
	return pb, nil
}

func (c *Centre) remember(hash string, pb casework.Playbook) {
	c.booksMu.Lock()
	c.books[hash] = pb
	c.booksMu.Unlock()
}

// prompts are the jobs that a transaction causes: one of each kind, however much
// it causes.
type prompts struct{ cases, notices, verifications, orders, doubts []string }

// order adds a notice and its prompt; one that is there already is left alone.
func (p *prompts) order(ctx context.Context, tx *store.Tx, n store.Notice) error {
	added, err := tx.AddNotice(ctx, n)
	if added {
		p.notices = append(p.notices, n.ID)
	}
	return err
}

func (p *prompts) enqueue(ctx context.Context, tx *store.Tx) error {
	for _, j := range []struct {
		kind string
		ids  []string
	}{{JobCase, p.cases}, {JobDeliver, p.notices}, {JobVerify, p.verifications}, {JobVerifyOrder, p.orders}, {JobVerifyDoubt, p.doubts}} {
		slices.Sort(j.ids)
		if err := tx.Enqueue(ctx, j.kind, slices.Compact(j.ids)...); err != nil {
			return err
		}
	}
	return nil
}

// act gives commands to a case, one after the other, and writes the events,
// the projection, the notices and the jobs they cause in tx. The zero case is
// opened by an Open command, which is given first.
func (c *Centre) act(ctx context.Context, tx *store.Tx, cs casework.Case, pb casework.Playbook, cmds ...casework.Command) (casework.Case, error) {
	var p prompts
	cs, err := c.step(ctx, tx, &p, cs, pb, cmds...)
	if err != nil {
		return cs, err
	}
	return cs, p.enqueue(ctx, tx)
}

// step is act without the jobs, which it adds to p.
func (c *Centre) step(ctx context.Context, tx *store.Tx, p *prompts, cs casework.Case, pb casework.Playbook, cmds ...casework.Command) (casework.Case, error) {
	now := c.Clock.Now()
	before, was := cs, cs.Seq
	id := cs.ID
	if was == 0 {
		id = c.NewID()
		b, err := json.Marshal(pb)
		if err != nil {
			return cs, err
		}
		if err := tx.PutPlaybook(ctx, pb.Hash(), pb.Name, b); err != nil {
			return cs, err
		}
	}
	if now.Before(cs.Last) {
		now = cs.Last // two machines' clocks differ: a log never runs backwards
	}
	var entries []casework.Entry
	var orders []ordered
	for _, cmd := range cmds {
		evs, err := casework.Decide(pb, cs, cmd, now)
		if err != nil {
			return cs, err
		}
		for _, ev := range evs {
			body, err := json.Marshal(ev.Body)
			if err != nil {
				return cs, err
			}
			payload := casework.Payload{Body: body, Personal: ev.Personal}
			if _, err := rand.Read(payload.Salt[:]); err != nil {
				return cs, err
			}
			var prev *casework.Link
			if cs.Seq > 0 {
				prev = &casework.Link{Seq: cs.Seq, Hash: cs.Head}
			}
			e := casework.Seal(prev, id, now, ev.Kind, ev.Actor, payload)
			if cs, err = casework.Apply(cs, e); err != nil {
				return cs, err
			}
			entries = append(entries, e)
			if o, ok := casework.Orders(ev); ok {
				orders = append(orders, ordered{o, now})
			}
		}
	}
	if len(entries) == 0 {
		return cs, nil
	}
	row, err := pack(cs)
	if err != nil {
		return cs, err
	}
	if err := tx.PutCase(ctx, row, was); err != nil {
		if problem.CodeOf(err) == problem.Conflict {
			return cs, problem.Wrap(errRace, problem.Conflict, "somebody else changed case %s first", id)
		}
		return cs, err
	}
	if err := tx.AppendEvents(ctx, entries); err != nil {
		return cs, err
	}
	if added, gone := waiting(before, cs); len(added)+len(gone) > 0 {
		if err := tx.PutHandOffs(ctx, id, added, gone); err != nil {
			return cs, err
		}
	}
	if told, gone := shared(before, cs); len(told)+len(gone) > 0 {
		if err := tx.PutShares(ctx, told, gone); err != nil {
			return cs, err
		}
	}
	if due := cs.Due(); !due.IsZero() && !due.After(now) {
		p.cases = append(p.cases, id)
	}
	return cs, c.order(ctx, tx, p, cs, orders)
}

type ordered struct {
	casework.Ordered
	at time.Time
}

// order writes the notices that events ordered, due now.
func (c *Centre) order(ctx context.Context, tx *store.Tx, p *prompts, cs casework.Case, orders []ordered) error {
	for _, o := range orders {
		ob, _ := cs.Obligation(o.Obligation)
		n := store.Notice{ID: noticeID(o.Obligation, o.Notice), Case: cs.ID, Obligation: o.Obligation, Number: o.Notice, Kind: o.Kind, Channel: "email",
			Party: ob.Party.ID, To: ob.Party.Email, State: store.NoticeDue, Created: o.at, Due: o.at}
		if err := p.order(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}

func pack(cs casework.Case) (store.Case, error) {
	body, err := json.Marshal(cs)
	if err != nil {
		return store.Case{}, err
	}
	return store.Case{ID: cs.ID, SubjectKey: cs.Subject.Key(), SubjectKind: string(cs.Subject.Kind), Type: string(cs.Type), State: string(cs.State),
		Opened: cs.Opened, Closed: cs.Closed, Due: cs.Due(), Seq: cs.Seq, Head: cs.Head, Judgement: string(cs.Class),
		Outcome: string(cs.Outcome), Actor: cs.Actor.ActorID, Playbook: cs.Playbook, Assignee: cs.Assignee, Body: body}, nil
}

// Act gives commands to a case in a transaction of its own: what a person at
// the desk, or a party's answer, causes.
func (c *Centre) Act(ctx context.Context, id string, cmds ...casework.Command) (casework.Case, error) {
	return c.actIf(ctx, id, nil, cmds...)
}

// actIf is Act where may, if it is not nil, does not forbid it in the same
// transaction.
func (c *Centre) actIf(ctx context.Context, id string, may func(*store.Tx, casework.Case) error, cmds ...casework.Command) (casework.Case, error) {
	var out casework.Case
	err := retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			cs, err := c.load(ctx, tx, id)
			if err != nil {
				return err
			}
			if may != nil {
				if err := may(tx, cs); err != nil {
					return err
				}
			}
			pb, err := c.playbook(ctx, tx, cs.Playbook)
			if err != nil {
				return err
			}
			out, err = c.act(ctx, tx, cs, pb, cmds...)
			return err
		})
	})
	return out, err
}

// Case reads one case.
func (c *Centre) Case(ctx context.Context, id string) (casework.Case, error) {
	var cs casework.Case
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		cs, err = c.load(ctx, tx, id)
		return err
	})
	return cs, err
}

// Cases lists cases, newest first.
func (c *Centre) Cases(ctx context.Context, f store.CaseFilter) ([]casework.Case, error) {
	var out []casework.Case
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Cases(ctx, f)
		if err != nil {
			return err
		}
		for _, r := range rows {
			cs, err := unpack(r)
			if err != nil {
				return err
			}
			out = append(out, cs)
		}
		return nil
	})
	return out, err
}

// Events reads a case's events.
func (c *Centre) Events(ctx context.Context, id string) ([]casework.Entry, error) {
	var es []casework.Entry
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		if _, err := tx.Case(ctx, id); err != nil {
			return err
		}
		var err error
		es, err = tx.Events(ctx, id)
		return err
	})
	return es, err
}

// Export writes a case's chain with a signed head. Personal payloads are
// withheld unless personal is true.
func (c *Centre) Export(ctx context.Context, w io.Writer, id string, personal bool) error {
	es, err := c.Events(ctx, id)
	if err != nil {
		return err
	}
	return c.exportLog(w, "case", id, es, personal)
}

// subjects are the subjects a report is about: of its URLs if it names any,
// else of its domains, else of its addresses. At most MaxSubjects.
func (c *Centre) subjects(urls []name.URL, domains []name.Domain, ips []string) (map[string][]name.URL, []party.Subject, error) {
	byKey := map[string][]name.URL{}
	var out []party.Subject
	var firstErr error
	put := func(s party.Subject, err error, u ...name.URL) {
		if err != nil {
			if firstErr == nil {
				firstErr = err
			}
			return
		}
		k := s.Key()
		if _, has := byKey[k]; !has {
			if len(out) == MaxSubjects {
				return
			}
			out = append(out, s)
			byKey[k] = nil
		}
		byKey[k] = append(byKey[k], u...)
	}
	for _, u := range urls {
		s, err := c.Directory.Subject(u)
		put(s, err, u)
	}
	if len(urls) == 0 {
		for _, d := range domains {
			s, err := c.Directory.SubjectOfDomain(d)
			put(s, err, name.URL{Scheme: "http", Domain: d, Path: "/"})
		}
	}
	if len(urls) == 0 && len(domains) == 0 {
		for _, ip := range ips {
			a, err := netip.ParseAddr(ip)
			if err != nil {
				put(party.Subject{}, problem.BadField("ips", "%q is not an address", ip))
				continue
			}
			s, err := c.Directory.SubjectOfAddr(a)
			put(s, err)
		}
	}
	if len(out) == 0 && firstErr == nil {
		firstErr = problem.New(problem.Invalid, "the report names nothing that can be acted on")
	}
	if len(out) > 0 {
		firstErr = nil
	}
	return byKey, out, firstErr
}

// MaxSubjects is how many subjects one report may open cases for.
const MaxSubjects = 20

// organisation is the registered domain at or above a mail domain, "" if it is
// none.
func (c *Centre) organisation(domain string) string {
	d, err := name.Parse(domain)
	if err != nil {
		return ""
	}
	return c.Suffixes.Split(d).Registered.String()
}

// typeOr gives the type, or Other.
func typeOr(t abuse.Type) abuse.Type {
	if t.Known() {
		return t
	}
	return abuse.Other
}
