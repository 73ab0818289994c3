package casework

import (
	"strings"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/party"
	"bailiwick/problem"
)

// asking is a confirmed case whose parties have the ask, with a look of now.
func asking(t *testing.T, class Class, plan Plan) *world {
	t.Helper()
	w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, class, plan)
	w.accept(t)
	w.wait(5*time.Hour).do(t, Look{seen(w.now, class), plan})
	return w
}

func without(p Plan, r party.Role) Plan {
	out := p
	out.Parties = nil
	for _, q := range p.Parties {
		if q.Role != r {
			out.Parties = append(out.Parties, q)
		}
	}
	return out
}

// TestMovedByHand says, for a case that has come to some point, what a person may
// do about whom is asked, and if not, why not.
func TestMovedByHand(t *testing.T) {
	full := everybody("gtld")
	dark := full
	dark.DNSAllowed, dark.Why = false, "a thousand shops are under it"
	escalate := func(step string, p Plan) func(*testing.T, *world) Command {
		return func(t *testing.T, w *world) Command {
			return Escalate{"person:1", w.obl(t, step).ID, "it cannot wait", p}
		}
	}
	ask := func(step, who string, p Plan) func(*testing.T, *world) Command {
		return func(*testing.T, *world) Command { return Ask{"person:1", step, who, "it cannot wait", p} }
	}
	again := func(step string, p Plan) func(*testing.T, *world) Command {
		return func(t *testing.T, w *world) Command {
			return AskAgain{"person:1", w.obl(t, step).ID, "it cannot wait", p}
		}
	}
	then := func(cmds ...func(*world) Command) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			for _, c := range cmds {
				w.do(t, c(w))
			}
		}
	}
	answer := func(step, a string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.do(t, Answer{w.obl(t, step).ID, "party:x", a, ""}) }
	}
	bounce := func(step string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.do(t, Noticed{w.obl(t, step).ID, 1, Bounced, "550"}) }
	}
	later := func(d time.Duration) func(*testing.T, *world) { return func(_ *testing.T, w *world) { w.wait(d) } }
	other := full
	other.Parties = append([]party.Party{}, full.Parties...)
	for i := range other.Parties {
		if other.Parties[i].Role == party.Host {
			other.Parties[i].Email = "noc@one.example"
		}
	}
	moved := without(full, party.Host)
	moved.Parties = append(moved.Parties, pty(party.Host, "two"))
	form := without(full, party.Host)
	formHost := pty(party.Host, "one")
	formHost.Email, formHost.Form = "", "https://one.example/abuse"
	form.Parties = append(form.Parties, formHost)

	for _, row := range []struct {
		name   string
		class  Class
		plan   Plan // of the confirmation
		before func(*testing.T, *world)
		cmd    func(*testing.T, *world) Command
		want   string // what is opened or ordered; "code: part of the reason" if refused
	}{
		{"the registry before the registrar's time is over", Malicious, full, nil, escalate("registrar", full), "registry=pending"},
		{"the registry, asked beside the registrar", Malicious, full, nil, ask("registry", "", full), "registry=pending"},
		{"by name", Malicious, full, nil, ask("registry", "registry:one", full), "registry=pending"},
		{"somebody else by name", Malicious, full, nil, ask("registry", "registry:two", full), "refused: registry:two is not the registry"},
		{"a step that was taken", Malicious, full, nil, ask("host", "", full), "conflict: asked by this step already"},
		{"a new host beside the old", Malicious, full, nil, ask("host", "", moved), "host=pending"},
		{"nobody in that role", Malicious, full, nil, ask("cdn", "", full), "refused: nobody is known today as the cdn"},
		{"a registry that is not known", Malicious, full, nil, escalate("registrar", without(full, party.Registry)), "refused: nobody is known today as the registry"},
		{"the registrar of a compromised name", Compromised, full, nil, ask("registrar", "", full), "refused: not judged maliciously registered"},
		{"the registry of a name of no known class", Unknown, full, nil, ask("registry", "", full), "refused: not judged maliciously registered"},
		{"a name that others use", Malicious, full, nil, escalate("registrar", dark), "refused: a thousand shops"},
		{"a step for ccTLDs in a gTLD", Malicious, full, nil, ask("registry-procedure", "", full), "refused: only where it is cctld"},
		{"a bundle in haste", Malicious, full, nil, ask("compliance", "", full), "refused: a bundle says what was not done"},
		{"a bundle by way of the registry", Malicious, full, then(func(w *world) Command { return Ask{"person:1", "registry", "", "now", full} },
			func(w *world) Command { return Noticed{"c1-6", 1, Accepted, "250"} }), escalate("registry", full), "refused: a bundle says what was not done"},
		{"what asks nothing", Malicious, full, nil, escalate("cert", full), "conflict: nothing follows"},
		{"the top of the ladder", Malicious, full, nil, escalate("host", full), "refused: no step of the playbook comes after host"},
		{"twice", Malicious, full, then(func(w *world) Command { return Escalate{"person:1", "c1-5", "now", full} }), escalate("registrar", full), "conflict: escalated already"},
		{"one that came back", Malicious, full, bounce("registrar"), escalate("registrar", full), "refused: has not reached"},
		{"one that says it acted", Malicious, full, answer("registrar", "acted"), escalate("registrar", full), "registry=pending"},
		{"on a look of two hours ago", Malicious, full, later(2 * time.Hour), escalate("registrar", full), "refused: at most 1h0m0s old"},
		{"after a look that did not see it", Malicious, full, func(t *testing.T, w *world) {
			w.wait(time.Minute).do(t, Look{went(w.now, Stopped, party.Party{}), full})
		},
			escalate("registrar", full), "refused: did not see the abuse"},
		{"after an unclear look", Malicious, full, func(t *testing.T, w *world) { w.wait(time.Minute).do(t, Look{inconclusive(w.now), full}) },
			ask("registry", "", full), "refused: did not see the abuse"},

		{"again", Malicious, full, nil, again("host", full), "host=running reminder 2"},
		{"again, and again at once", Malicious, full, then(func(w *world) Command { return AskAgain{"person:1", "c1-4", "now", full} }), again("host", full), "refused: under 4h0m0s old"},
		{"again of who says it acted", Malicious, full, answer("host", "acted"), again("host", full), "host=acted reminder 2"},
		{"again of who refused", Malicious, full, answer("host", "refused"), again("host", full), "conflict: that is refused"},
		{"again of who was told", Malicious, full, nil, again("cert", full), "conflict: asked for nothing"},
		{"again of a registrar, of a name that others use", Malicious, full, nil, again("registrar", dark), "refused: a thousand shops"},
		{"again of a host that was replaced", Malicious, full, nil, again("host", moved), "refused: is not the host any more"},
		{"again where it came back", Malicious, full, bounce("host"), again("host", full), "refused: no other way to write"},
		{"again at another contact", Malicious, full, bounce("host"), again("host", other), "host=pending ask 2"},
		{"again by form", Malicious, form, nil, again("host", form), "refused: by a form only"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := asking(t, row.class, row.plan)
			if row.before != nil {
				row.before(t, w)
			}
			cmd := row.cmd(t, w)
			before := w.c
			evs, err := w.try(t, cmd)
			if err != nil {
				code, why, _ := strings.Cut(row.want, ": ")
				if string(problem.CodeOf(err)) != code || !strings.Contains(err.Error(), why) {
					t.Fatalf("%v, want %s", err, row.want)
				}
				same(t, "beside an error", before, w.c, nil)
				return
			}
			last := evs[len(evs)-1]
			got := ""
			switch b := last.Body.(type) {
			case Obliged:
				got = b.Obligation.Step + "=" + string(b.Obligation.Status)
				if o, ok := Orders(last); !ok || o.Kind != "ask" {
					t.Errorf("orders %+v", o)
				}
			case Reminded:
				o, _ := w.c.Obligation(b.Obligation)
				got = o.Step + "=" + string(o.Status) + " " + b.Kind + " " + string(rune('0'+b.Notice))
				if b.Reason == "" || last.Actor != "person:1" {
					t.Errorf("%+v by %s", b, last.Actor)
				}
			}
			if got != row.want {
				t.Fatalf("%s, want %s", got, row.want)
			}
		})
	}
}

// TestEscalatedKeepsItsTime: who was escalated over has not missed anything by
// it, and the ladder goes on once.
func TestEscalatedKeepsItsTime(t *testing.T) {
	full := everybody("gtld")
	w := asking(t, Malicious, full)
	evs := w.do(t, Escalate{"person:1", "c1-5", "the bank is losing money", full})
	if len(evs) != 2 || evs[0].Kind != KindEscalated || evs[0].Actor != "person:1" || evs[1].Body.(Obliged).Obligation.Escalates != "c1-5" {
		t.Fatalf("%+v", evs)
	}
	o := w.obl(t, "registrar")
	if o.Status != Running || o.Due.IsZero() || !o.Escalated.Equal(w.now) {
		t.Fatalf("%+v", o)
	}
	w.accept(t)
	w.now = o.Due
	w.do(t, Look{seen(w.now, Malicious), full})
	if got := w.obl(t, "registrar").Status; got != Missed {
		t.Errorf("its time went by, and it is %s", got)
	}
	n := 0
	for _, s := range w.steps() {
		if s == "registry" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the registry was asked %d times", n)
	}
	// The registry missed it in fact: now a bundle follows.
	w.now = w.obl(t, "registry").Due
	w.do(t, Look{seen(w.now, Malicious), full})
	if got := w.obl(t, "compliance").Status; got != HandOff {
		t.Errorf("the bundle is %s", got)
	}

	// A registry that becomes known after the escalation is asked at the next look.
	w = asking(t, Malicious, full)
	w.do(t, Escalate{"person:1", "c1-5", "now", full})
	late := full
	late.Parties = append(append([]party.Party{}, full.Parties...), pty(party.Registry, "two"))
	w.wait(time.Hour).do(t, Look{seen(w.now, Malicious), late})
	if got := len(w.steps()); got != 7 {
		t.Errorf("steps %v", w.steps())
	}
}

// TestAgainInDoubt: nobody knows whether it came through, so it may go out again
// without waiting.
func TestAgainInDoubt(t *testing.T) {
	full := everybody("gtld")
	w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, full)
	w.refuse(t, AskAgain{"person:1", "c1-4", "now", full}, problem.Conflict) // under way
	w.do(t, Noticed{"c1-4", 1, Doubtful, "the line went dead"})
	w.do(t, AskAgain{"person:1", "c1-4", "nobody knows", full})
	w.refuse(t, AskAgain{"person:1", "c1-4", "now", full}, problem.Conflict)
	w.do(t, Noticed{"c1-4", 2, Accepted, "250"})
	if o := w.obl(t, "host"); o.Status != Running || o.Due.IsZero() {
		t.Errorf("%+v", o)
	}
}

func TestOffers(t *testing.T) {
	full := everybody("gtld")
	words := func(w *world, p Plan) string {
		o := OffersOf(w.pb, w.c, Plan{TLD: p.TLD, DNSAllowed: p.DNSAllowed}, w.now)
		var out []string
		for _, s := range o.Ask {
			out = append(out, "ask "+s.ID)
		}
		for _, x := range o.Again {
			out = append(out, "again "+x.Step)
		}
		for _, x := range o.Escalate {
			out = append(out, "over "+x.Step)
		}
		return strings.Join(out, ", ")
	}
	w := asking(t, Malicious, full)
	if got := words(w, full); got != "ask registry, again host, again registrar, over registrar" {
		t.Error(got)
	}
	if got := words(w, Plan{TLD: "cctld", DNSAllowed: true}); got != "ask registry-procedure, again host, again registrar, over registrar" {
		t.Error(got)
	}
	if got := words(w, Plan{TLD: "gtld"}); got != "again host" {
		t.Error(got)
	}
	w.do(t, Escalate{"person:1", "c1-5", "now", full})
	if got := words(w, full); got != "again host, again registrar" {
		t.Error(got)
	}
	if got := words(inState(t, Unconfirmed), full); got != "" {
		t.Error(got)
	}
	if got := words(asking(t, Compromised, full), full); got != "again host" {
		t.Error(got)
	}
}

func TestAssign(t *testing.T) {
	w := inState(t, Unconfirmed)
	before := w.c
	if evs := w.do(t, Assign{"person:1", ""}); evs != nil {
		t.Errorf("nobody to nobody: %v", evs)
	}
	w.do(t, Assign{"person:1/key:2", "person:1"})
	if w.c.Assignee != "person:1" {
		t.Errorf("assigned to %q", w.c.Assignee)
	}
	if evs := w.do(t, Assign{"person:3", "person:1"}); evs != nil {
		t.Errorf("to the same again: %v", evs)
	}
	w.do(t, Assign{"person:3", ""})
	same(t, "assigning changes more than that", before, w.c, seqOnly)
}
