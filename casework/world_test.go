package casework

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
)

// t0 is when every test begins.
var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// fataler is testing.TB or rapid.T.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world runs one case as the centre would: commands are decided, sealed and
// applied, one after the other, on a clock that only the test moves.
type world struct {
	pb      Playbook
	id      string
	now     time.Time
	c       Case
	entries []Entry
	events  []Event // as decided, one per entry
}

func newWorld(pb Playbook) *world { return &world{pb: pb, id: "c1", now: t0} }

// seal makes the entry of an event as a store would, with a salt that depends
// on case and sequence only.
func seal(c Case, id string, at time.Time, e Event) (Entry, error) {
	body, err := json.Marshal(e.Body)
	if err != nil {
		return Entry{}, err
	}
	salt := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(id), uint64(c.Seq)))
	var prev *Link
	if c.Seq > 0 {
		prev = &Link{Seq: c.Seq, Hash: c.Head, At: c.Last}
	}
	return Seal(prev, id, at, e.Kind, e.Actor, Payload{Salt: salt, Body: body, Personal: e.Personal}), nil
}

// try decides a command and applies what comes of it. The error is Decide's: an
// event that cannot be sealed or applied ends the test.
func (w *world) try(t fataler, cmd Command) ([]Event, error) {
	t.Helper()
	evs, err := Decide(w.pb, w.c, cmd, w.now)
	if err != nil {
		if evs != nil {
			t.Fatalf("%T: events beside an error: %v", cmd, err)
		}
		return nil, err
	}
	w.add(t, evs)
	return evs, nil
}

func (w *world) add(t fataler, evs []Event) {
	t.Helper()
	for _, ev := range evs {
		e, err := seal(w.c, w.id, w.now, ev)
		if err != nil {
			t.Fatalf("seal %q: %v", ev.Kind, err)
		}
		next, err := Apply(w.c, e)
		if err != nil {
			t.Fatalf("Decide gave an event that Apply refuses: %v", err)
		}
		w.c = next
		w.entries, w.events = append(w.entries, e), append(w.events, ev)
	}
}

// do is try for commands that must succeed.
func (w *world) do(t fataler, cmd Command) []Event {
	t.Helper()
	evs, err := w.try(t, cmd)
	if err != nil {
		t.Fatalf("%s %T: %v", w.now.Sub(t0), cmd, err)
	}
	return evs
}

// refuse is try for commands that must fail with a code.
func (w *world) refuse(t fataler, cmd Command, code problem.Code) {
	t.Helper()
	_, err := w.try(t, cmd)
	if err == nil || problem.CodeOf(err) != code {
		t.Fatalf("%s %T: %v, want %s", w.now.Sub(t0), cmd, err, code)
	}
}

func (w *world) wait(d time.Duration) *world {
	w.now = w.now.Add(d)
	return w
}

// obl is the obligation of a step in the present round.
func (w *world) obl(t fataler, step string) Obligation {
	t.Helper()
	for _, o := range w.c.Obligations {
		if o.Step == step && o.Round == w.c.Round {
			return o
		}
	}
	t.Fatalf("no obligation of step %q in round %d", step, w.c.Round)
	return Obligation{}
}

// steps are the steps with an obligation in the present round.
func (w *world) steps() []string {
	var out []string
	for _, o := range w.c.Obligations {
		if o.Round == w.c.Round {
			out = append(out, o.Step)
		}
	}
	return out
}

// accept delivers the latest notice of every pending obligation.
func (w *world) accept(t fataler) {
	t.Helper()
	for _, o := range w.c.Obligations {
		if o.Status == Pending {
			w.do(t, Noticed{Obligation: o.ID, Notice: o.Notices, Result: Accepted, Response: "250 ok"})
		}
	}
}

func mustName(s string) name.Domain {
	d, err := name.ParseAny(s)
	if err != nil {
		panic(err)
	}
	return d
}

func domain(s string) party.Subject {
	return party.Subject{Kind: party.RegisteredDomain, Name: mustName(s)}
}

func address(s string) party.Subject {
	return party.Subject{Kind: party.Address, Addr: netip.MustParseAddr(s)}
}

// seen is a look that saw the claim.
func seen(at time.Time, class Class) Finding {
	return Finding{At: at, Live: true, Claimed: true, Class: class, Reasons: []string{"a login form of the bank"}}
}

// unseenYet is a look at a live page without the claim.
func unseenYet(at time.Time) Finding {
	return Finding{At: at, Live: true, Class: Unknown, Idle: NotConfirmed}
}

// went is a look at a confirmed case that measured an outcome.
func went(at time.Time, o Outcome, by party.Party) Finding {
	return Finding{At: at, Class: Unknown, Measured: &Measured{Outcome: o, ActorRole: by.Role, ActorID: by.ID, ActorName: by.Name}}
}

func inconclusive(at time.Time) Finding {
	return Finding{At: at, Measured: &Measured{Inconclusive: true}}
}

func pty(role party.Role, id string) party.Party {
	return party.Party{ID: string(role) + ":" + id, Role: role, Name: "The " + string(role) + " " + id, Email: "abuse@" + id + ".example",
		Basis: "configuration", Reachable: true}
}

// everybody is a plan with one party in every role.
func everybody(tld string) Plan {
	p := Plan{TLD: tld, DNSAllowed: true}
	for _, r := range []party.Role{party.Constituent, party.BlockList, party.CERT, party.Host, party.Registrar, party.Registry, party.Compliance} {
		p.Parties = append(p.Parties, pty(r, "one"))
	}
	return p
}

// shippedFor is the shipped playbook of a type.
func shippedFor(t testing.TB, typ abuse.Type) Playbook {
	t.Helper()
	all, err := NewPlaybooks()
	if err != nil {
		t.Fatal(err)
	}
	return all.For(typ)
}

// open opens a case with one report.
func (w *world) open(t fataler, typ abuse.Type) *world {
	t.Helper()
	w.do(t, Open{Subject: domain("bad.example"), Type: typ})
	w.do(t, AddReport{Report: ReportRef{ID: "r1", Received: w.now, URLs: []string{"https://bad.example/login"}, Brand: "Bank"},
		Reporter: Reporter{Name: "A. Person", Contact: "a@person.example"}})
	return w
}

// confirmed opens a case, sees the claim and confirms it by a rule.
func (w *world) confirmed(t fataler, typ abuse.Type, class Class, plan Plan) *world {
	t.Helper()
	w.open(t, typ)
	w.do(t, Look{Finding: seen(w.now, class), Plan: plan})
	w.do(t, Confirm{By: "rule:live", Plan: plan})
	return w
}

func fmtStatuses(c Case) string {
	s := ""
	for _, o := range c.Obligations {
		s += fmt.Sprintf(" %s=%s", o.Step, o.Status)
	}
	return s
}
