package casework

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/party"
	"bailiwick/problem"
)

var update = flag.Bool("update", false, "write the golden files of this package anew")

// golden holds got against testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; see what changed with -update and git diff:\n%s", name, got)
	}
}

// inState makes a case in a state. The clock stands an instant after the
// latest look.
func inState(t *testing.T, s State) *world {
	w := newWorld(shippedPhishing)
	switch s {
	case "":
	case New:
		w.open(t, abuse.Phishing)
	case Investigating:
		w.open(t, abuse.Phishing).do(t, Look{Finding: unseenYet(w.now)})
	case Unconfirmed:
		w.open(t, abuse.Phishing).do(t, Look{Finding: seen(w.now, Malicious)})
	case Coordinating:
		w.confirmed(t, abuse.Phishing, Malicious, everybody("gtld"))
	case Closed:
		w.confirmed(t, abuse.Phishing, Malicious, everybody("gtld")).do(t, Close{"person:1", "done"})
	case Merged:
		w.confirmed(t, abuse.Phishing, Malicious, everybody("gtld")).do(t, Merge{"person:1", "c2"})
	}
	if w.c.State != s {
		t.Fatalf("made a case that is %q, not %q", w.c.State, s)
	}
	w.wait(time.Minute)
	return w
}

// TestEveryCommandInEveryState says for each command, well formed, what comes
// of it in each state: ok, or the code of the error.
func TestEveryCommandInEveryState(t *testing.T) {
	states := append([]State{""}, allStates...)
	const ok = problem.Code("ok")
	c, n, r := problem.Conflict, problem.NotFound, problem.Refused
	for _, row := range []struct {
		name string
		cmd  func(w *world) Command
		//     none new investigating unconfirmed coordinating closed merged
		want [7]problem.Code
	}{
		{"open", func(w *world) Command { return Open{domain("bad.example"), abuse.Phishing} }, [7]problem.Code{ok, c, c, c, c, c, c}},
		{"report", func(w *world) Command { return AddReport{Report: ReportRef{ID: "r2", Received: w.now}} }, [7]problem.Code{n, ok, ok, ok, ok, ok, c}},
		{"withdraw", func(w *world) Command { return WithdrawReport{"r1"} }, [7]problem.Code{n, ok, ok, ok, ok, ok, ok}},
		{"withdraw another", func(w *world) Command { return WithdrawReport{"r9"} }, [7]problem.Code{n, n, n, n, n, n, n}},
		{"look: seen", func(w *world) Command { return Look{seen(w.now, Malicious), everybody("gtld")} }, [7]problem.Code{n, ok, ok, ok, ok, ok, c}},
		{"look: not seen", func(w *world) Command { return Look{Finding: unseenYet(w.now)} }, [7]problem.Code{n, ok, ok, ok, ok, ok, c}},
		{"look: gone", func(w *world) Command { return Look{Finding: went(w.now, Stopped, party.Party{})} }, [7]problem.Code{n, ok, ok, ok, ok, ok, c}},
		{"look: stale", func(w *world) Command { return Look{Finding: seen(w.now.Add(-2*time.Hour), Malicious)} }, [7]problem.Code{n, r, r, r, r, r, c}},
		{"look: from the future", func(w *world) Command { return Look{Finding: seen(w.now.Add(time.Second), Malicious)} },
			[7]problem.Code{n, problem.Invalid, problem.Invalid, problem.Invalid, problem.Invalid, problem.Invalid, c}},
		{"look: overtaken", func(w *world) Command { return Look{Finding: seen(t0.Add(-time.Second), Malicious)} }, [7]problem.Code{n, ok, c, c, c, c, c}},
		{"confirm by rule", func(w *world) Command { return Confirm{By: "rule:live", Plan: everybody("gtld")} }, [7]problem.Code{n, c, r, ok, c, c, c}},
		{"confirm by person", func(w *world) Command { return Confirm{By: "person:1", Plan: everybody("gtld")} }, [7]problem.Code{n, c, ok, ok, c, c, c}},
		{"reject", func(w *world) Command { return Reject{"person:1", "it is a bank"} }, [7]problem.Code{n, ok, ok, ok, c, c, c}},
		{"noticed", func(w *world) Command { return Noticed{"c1-1", 1, Accepted, "250"} }, [7]problem.Code{n, n, n, n, ok, ok, ok}},
		{"hand", func(w *world) Command { return Hand{"c1-1", "person:1", "by telephone", ""} }, [7]problem.Code{n, n, n, n, ok, ok, ok}},
		{"answer", func(w *world) Command { return Answer{"c1-1", "party:x", "acted", ""} }, [7]problem.Code{n, n, n, n, ok, ok, ok}},
		{"extend", func(w *world) Command { return Extend{"c1-4", "person:1", "they asked", w.now.Add(time.Hour)} }, [7]problem.Code{n, n, n, n, c, c, c}},
		{"close", func(w *world) Command { return Close{"person:1", "done"} }, [7]problem.Code{n, ok, ok, ok, ok, c, c}},
		{"reopen", func(w *world) Command { return Reopen{"person:1", "again"} }, [7]problem.Code{n, c, c, c, c, ok, c}},
		{"ask", func(w *world) Command { return Ask{"person:1", "registry", "", "it cannot wait", everybody("gtld")} }, [7]problem.Code{n, c, c, c, ok, c, c}},
		{"ask again", func(w *world) Command { return AskAgain{"person:1", "c1-4", "it cannot wait", everybody("gtld")} }, [7]problem.Code{n, n, n, n, c, c, c}},
		{"escalate", func(w *world) Command { return Escalate{"person:1", "c1-5", "it cannot wait", everybody("gtld")} }, [7]problem.Code{n, n, n, n, r, c, c}},
		{"assign", func(w *world) Command { return Assign{"person:1", "person:2"} }, [7]problem.Code{n, ok, ok, ok, ok, ok, ok}},
		{"note", func(w *world) Command { return AddNote{"person:1", "hm"} }, [7]problem.Code{n, ok, ok, ok, ok, ok, ok}},
		{"merge", func(w *world) Command { return Merge{"person:1", "c2"} }, [7]problem.Code{n, ok, ok, ok, ok, c, c}},
		{"absorb", func(w *world) Command { return Absorb{"person:1", Case{ID: "c2", State: New}} }, [7]problem.Code{n, ok, ok, ok, ok, c, c}},
		{"unmerge", func(w *world) Command { return Unmerge{"person:1"} }, [7]problem.Code{n, c, c, c, c, c, ok}},
		{"release", func(w *world) Command { return Release{"person:1", "c2"} }, [7]problem.Code{n, n, n, n, n, n, n}},
	} {
		for i, s := range states {
			w := inState(t, s)
			_, err := w.try(t, row.cmd(w))
			got := ok
			if err != nil {
				got = problem.CodeOf(err)
			}
			if got != row.want[i] {
				t.Errorf("%s in state %q: %s (%v), want %s", row.name, s, got, err, row.want[i])
			}
		}
	}
}

// TestBadCommands: what is wrong with a command wherever it is given.
func TestBadCommands(t *testing.T) {
	long := strings.Repeat("x", MaxNote+1)
	for _, row := range []struct {
		name  string
		state State
		cmd   func(w *world) Command
		code  problem.Code
		field string
	}{
		{"no subject", "", func(w *world) Command { return Open{party.Subject{}, abuse.Phishing} }, problem.Invalid, "subject"},
		{"name of no kind", "", func(w *world) Command { return Open{party.Subject{Name: mustName("a.example")}, abuse.Phishing} }, problem.Invalid, "subject"},
		{"child abuse opens no case", "", func(w *world) Command { return Open{domain("a.example"), abuse.CSAM} }, problem.Refused, ""},
		{"the wrong playbook", "", func(w *world) Command { return Open{domain("a.example"), abuse.Fraud} }, problem.Internal, ""},
		{"report without id", New, func(w *world) Command { return AddReport{} }, problem.Invalid, "report.id"},
		{"confirmed by nobody", Unconfirmed, func(w *world) Command { return Confirm{By: "someone"} }, problem.Invalid, "by"},
		{"confirmed by the centre", Unconfirmed, func(w *world) Command { return Confirm{By: Centre} }, problem.Invalid, "by"},
		{"a rule sets the class", Unconfirmed, func(w *world) Command { return Confirm{By: "rule:live", Class: Malicious} }, problem.Invalid, "class"},
		{"confirmed as innocent", Unconfirmed, func(w *world) Command { return Confirm{By: "person:1", Class: Innocent} }, problem.Invalid, "class"},
		{"rejected without reason", New, func(w *world) Command { return Reject{"person:1", " "} }, problem.Invalid, "reason"},
		{"rejected by no reference", New, func(w *world) Command { return Reject{"Ann", "no"} }, problem.Invalid, "by"},
		{"a notice never ordered", Coordinating, func(w *world) Command { return Noticed{"c1-1", 2, Accepted, ""} }, problem.NotFound, ""},
		{"notice 0 of what can be sent", Coordinating, func(w *world) Command { return Noticed{"c1-1", 0, Accepted, ""} }, problem.NotFound, ""},
		{"no result", Coordinating, func(w *world) Command { return Noticed{"c1-1", 1, "maybe", ""} }, problem.Internal, ""},
		{"handed over by no way", Coordinating, func(w *world) Command { return Hand{"c1-4", "person:1", " ", ""} }, problem.Invalid, "how"},
		{"handed over with a novel", Coordinating, func(w *world) Command { return Hand{"c1-4", "person:1", long, ""} }, problem.Invalid, "how"},
		{"handed over by nobody", Coordinating, func(w *world) Command { return Hand{"c1-4", "", "by form", ""} }, problem.Invalid, "by"},
		{"handed over with half a proof", Coordinating, func(w *world) Command { return Hand{"c1-4", "person:1", "by form", "abcd"} }, problem.Invalid, "proof"},
		{"nothing to hand over", Coordinating, func(w *world) Command { return Hand{"c1-99", "person:1", "by form", ""} }, problem.NotFound, ""},
		{"no answer", Coordinating, func(w *world) Command { return Answer{"c1-4", "party:x", "perhaps", ""} }, problem.Invalid, "answer"},
		{"long note", Coordinating, func(w *world) Command { return Answer{"c1-4", "party:x", "acted", long} }, problem.Invalid, "note"},
		{"answered by nobody", Coordinating, func(w *world) Command { return Answer{"c1-4", "", "acted", ""} }, problem.Invalid, "by"},
		{"closed without reason", New, func(w *world) Command { return Close{"person:1", ""} }, problem.Invalid, "reason"},
		{"closed with a novel", New, func(w *world) Command { return Close{"person:1", long} }, problem.Invalid, "reason"},
		{"reopened without reason", Closed, func(w *world) Command { return Reopen{"person:1", ""} }, problem.Invalid, "reason"},
		{"reopened by nobody", Closed, func(w *world) Command { return Reopen{"", "again"} }, problem.Invalid, "by"},
		{"an empty note", New, func(w *world) Command { return AddNote{"person:1", " \n"} }, problem.Invalid, "text"},
		{"a long note", New, func(w *world) Command { return AddNote{"person:1", long} }, problem.Invalid, "text"},
		{"a note by nobody", New, func(w *world) Command { return AddNote{":", "x"} }, problem.Invalid, "by"},
		{"merged into itself", New, func(w *world) Command { return Merge{"person:1", "c1"} }, problem.Invalid, "into"},
		{"merged into nothing", New, func(w *world) Command { return Merge{"person:1", ""} }, problem.Invalid, "into"},
		{"merged by nobody", New, func(w *world) Command { return Merge{"", "c2"} }, problem.Invalid, "by"},
		{"absorbs itself", New, func(w *world) Command { return Absorb{"person:1", Case{ID: "c1", State: New}} }, problem.Invalid, "from"},
		{"absorbs a closed case", New, func(w *world) Command { return Absorb{"person:1", Case{ID: "c2", State: Closed}} }, problem.Conflict, ""},
		{"asked by a rule", Coordinating, func(w *world) Command { return Ask{"rule:live", "registry", "", "now", everybody("gtld")} }, problem.Invalid, "by"},
		{"asked without reason", Coordinating, func(w *world) Command { return Ask{"person:1", "registry", "", " ", everybody("gtld")} }, problem.Invalid, "reason"},
		{"asked by no step", Coordinating, func(w *world) Command { return Ask{"person:1", "mayor", "", "now", everybody("gtld")} }, problem.Invalid, "step"},
		{"asked again by nobody", Coordinating, func(w *world) Command { return AskAgain{"", "c1-4", "now", everybody("gtld")} }, problem.Invalid, "by"},
		{"asked again of nobody", Coordinating, func(w *world) Command { return AskAgain{"person:1", "c1-99", "now", everybody("gtld")} }, problem.NotFound, ""},
		{"escalated without reason", Coordinating, func(w *world) Command { return Escalate{"person:1", "c1-5", "", everybody("gtld")} }, problem.Invalid, "reason"},
		{"escalated by a rule", Coordinating, func(w *world) Command { return Escalate{"rule:live", "c1-5", "now", everybody("gtld")} }, problem.Invalid, "by"},
		{"escalated nothing", Coordinating, func(w *world) Command { return Escalate{"person:1", "c1-99", "now", everybody("gtld")} }, problem.NotFound, ""},
		{"assigned to a rule", New, func(w *world) Command { return Assign{"person:1", "rule:live"} }, problem.Invalid, "to"},
		{"assigned to a key", New, func(w *world) Command { return Assign{"person:1", "person:2/key:3"} }, problem.Invalid, "to"},
		{"assigned by nobody", New, func(w *world) Command { return Assign{"", "person:1"} }, problem.Invalid, "by"},
		{"un-merged by nobody", Merged, func(w *world) Command { return Unmerge{} }, problem.Invalid, "by"},
	} {
		w := inState(t, row.state)
		_, err := w.try(t, row.cmd(w))
		if problem.CodeOf(err) != row.code {
			t.Errorf("%s: %v, want %s", row.name, err, row.code)
			continue
		}
		if pe, ok := err.(*problem.Error); row.field != "" && (!ok || len(pe.Fields) == 0 || pe.Fields[0].Path != row.field) {
			t.Errorf("%s: %v, want field %s", row.name, err, row.field)
		}
	}

	w := inState(t, New)
	w.do(t, Absorb{"person:1", Case{ID: "c2", State: New}})
	w.refuse(t, Absorb{"person:1", Case{ID: "c2", State: New}}, problem.Conflict)
	w.refuse(t, Absorb{"person:1", Case{ID: "c3", State: New, Absorbed: map[string][]ReportRef{"c4": nil}}}, problem.Conflict)
	w.refuse(t, Merge{"person:1", "c5"}, problem.Conflict)
	w.do(t, Release{"person:1", "c2"})
	w.do(t, Merge{"person:1", "c5"})

	w = inState(t, Coordinating)
	w.accept(t)
	host := w.obl(t, "host").ID
	for until, name := range map[time.Duration]string{0: "now", -time.Hour: "the past", MaxExtension + time.Second: "too far"} {
		if _, err := w.try(t, Extend{host, "person:1", "why", w.now.Add(until)}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("extend to %s: %v", name, err)
		}
	}
	w.refuse(t, Extend{host, "person:1", "", w.now.Add(time.Hour)}, problem.Invalid)
	w.pb.Name = "another"
	w.refuse(t, AddNote{"person:1", "x"}, problem.Internal)
}

func TestRepeatedCommandsChangeNothing(t *testing.T) {
	w := inState(t, Unconfirmed)
	for _, cmd := range []Command{AddReport{Report: ReportRef{ID: "r1", URLs: []string{"https://bad.example/other"}}}, WithdrawReport{"r1"}} {
		if _, first := cmd.(WithdrawReport); first {
			w.do(t, cmd)
		}
		before := w.c
		if evs := w.do(t, cmd); evs != nil {
			t.Errorf("%T gave %v", cmd, evs)
		}
		same(t, "changed", before, w.c, nil)
	}
	w = inState(t, New)
	for i := 2; i <= MaxReports; i++ {
		w.c.Reports = append(w.c.Reports, ReportRef{ID: fmt.Sprint("x", i)})
	}
	if _, err := Decide(w.pb, w.c, AddReport{Report: ReportRef{ID: "last"}}, w.now); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("report %d: %v", MaxReports+1, err)
	}
}

// TestNewURLsBringALook: but only those that will be looked at.
func TestNewURLsBringALook(t *testing.T) {
	w := inState(t, Unconfirmed)
	report := func(id string, urls ...string) time.Time {
		w.wait(time.Second).do(t, AddReport{Report: ReportRef{ID: id, Received: w.now, URLs: urls}})
		return w.c.NextLook
	}
	planned := w.c.NextLook
	if got := report("a", "https://bad.example/login"); !got.Equal(planned) {
		t.Errorf("a URL known already moved the look to %v", got)
	}
	for i := range MaxURLs - 1 {
		if got := report(fmt.Sprint("m", i), fmt.Sprintf("https://bad.example/m%02d", i)); !got.Equal(w.now) {
			t.Errorf("URL %d brings no look: %v", i+2, got)
		}
		w.do(t, Look{Finding: seen(w.now, Malicious)})
	}
	planned = w.c.NextLook
	if got := report("z", "https://bad.example/z"); !got.Equal(planned) {
		t.Errorf("a URL past the limit moved the look to %v", got)
	}
	if got := report("b", "https://bad.example/b"); !got.Equal(w.now) {
		t.Errorf("a URL that displaces another brings no look: %v", got)
	}
}

// ---- the ladder

func TestLadderAtHourZero(t *testing.T) {
	closedName := everybody("gtld")
	closedName.DNSAllowed = false
	host := everybody("gtld")
	host.Parties = append(host.Parties, pty(party.Host, "one"), pty(party.Host, "two"))
	for _, row := range []struct {
		name  string
		class Class
		plan  Plan
		typ   abuse.Type
		want  string
	}{
		{"malicious: all side by side", Malicious, everybody("gtld"), abuse.Phishing, "constituent blocklist cert host registrar"},
		{"malicious in a ccTLD", Malicious, everybody("cctld"), abuse.Phishing, "constituent blocklist cert host registrar"},
		{"compromised: no registrar", Compromised, everybody("gtld"), abuse.Phishing, "constituent blocklist cert host"},
		{"not known counts as compromised", Unknown, everybody("gtld"), abuse.Malware, "constituent blocklist cert host"},
		{"suspending would hit others", Malicious, closedName, abuse.Phishing, "constituent blocklist cert host"},
		{"out of contract scope", Malicious, everybody("gtld"), abuse.Fraud, "constituent cert host"},
		{"two hosts, one named twice", Compromised, host, abuse.Phishing, "constituent blocklist cert host host"},
		{"nobody is known", Malicious, Plan{TLD: "gtld", DNSAllowed: true}, abuse.Phishing, ""},
	} {
		w := newWorld(shippedFor(t, row.typ)).confirmed(t, row.typ, row.class, row.plan)
		if got := strings.Join(w.steps(), " "); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
		for _, o := range w.c.Obligations {
			if !o.Opened.Equal(t0) || o.Notices != 1 || o.Status != Pending || o.Escalates != "" {
				t.Errorf("%s: %+v", row.name, o)
			}
		}
	}
	// Subjects that are not a registered domain.
	for _, s := range []party.Subject{address("192.0.2.1"), {Kind: party.PlatformCustomer, Name: mustName("a.pages.example"), Platform: mustName("pages.example")}} {
		w := newWorld(shippedPhishing)
		w.do(t, Open{s, abuse.Phishing})
		w.do(t, Look{seen(w.now, Malicious), everybody("gtld")})
		w.do(t, Confirm{By: "person:1", Class: Malicious, Plan: everybody("gtld")})
		if slices.Contains(w.steps(), "registrar") {
			t.Errorf("the registrar is asked about a %s", s.Kind)
		}
	}
}

// watch looks and sees the claim, at every due time until end.
func (w *world) watch(t *testing.T, plan Plan, end time.Duration) {
	t.Helper()
	for stop := t0.Add(end); ; {
		due := w.c.Due()
		if due.IsZero() || due.After(stop) {
			w.now = stop
			return
		}
		if !due.After(w.c.Look.At) {
			t.Fatalf("due %v at the look of %v", due, w.c.Look.At)
		}
		w.now = due
		w.do(t, Look{seen(w.now, w.c.Class), plan})
		w.accept(t)
		if w.c.State != Coordinating {
			return
		}
	}
}

func TestEscalation(t *testing.T) {
	gtld, cctld := everybody("gtld"), everybody("cctld")
	start := func(plan Plan, class Class) *world {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, class, plan)
		w.accept(t)
		return w
	}

	t.Run("missed in a gTLD: registry, then bundle", func(t *testing.T) {
		w := start(gtld, Malicious)
		w.watch(t, gtld, 47*time.Hour)
		if o := w.obl(t, "registrar"); o.Status != Running || o.Notices != 2 {
			t.Fatalf("before its time the registrar is %s after %d notices", o.Status, o.Notices)
		}
		if o := w.obl(t, "host"); o.Status != Missed || o.Notices != 2 {
			t.Fatalf("the host is %s after %d notices", o.Status, o.Notices)
		}
		w.watch(t, gtld, 48*time.Hour)
		if o := w.obl(t, "registrar"); o.Status != Missed || !o.Due.Equal(t0.Add(48*time.Hour)) {
			t.Fatalf("the registrar is %s, due %v", o.Status, o.Due)
		}
		o := w.obl(t, "registry")
		if o.Escalates != w.obl(t, "registrar").ID || o.Action != SuspendName || !o.Opened.Equal(t0.Add(48*time.Hour)) {
			t.Fatalf("registry: %+v", o)
		}
		if slices.Contains(w.steps(), "compliance") || slices.Contains(w.steps(), "registry-procedure") {
			t.Fatalf("steps %v", w.steps())
		}
		w.watch(t, gtld, (48+72)*time.Hour)
		if o := w.obl(t, "compliance"); o.Status != HandOff || o.Notices != 0 || o.Action != Bundle || o.Escalates != w.obl(t, "registry").ID {
			t.Fatalf("compliance: %+v", o)
		}
		// The host is chased for as long as the abuse stands: missed at 24 h,
		// chased at 96 h.
		if o := w.obl(t, "host"); o.Notices != 3 || !o.NextNotice.Equal(t0.Add(168*time.Hour)) {
			t.Fatalf("the host: %+v", o)
		}
	})
	t.Run("a ccTLD has its own procedure and no ICANN", func(t *testing.T) {
		w := start(cctld, Malicious)
		w.watch(t, cctld, 200*time.Hour)
		if o := w.obl(t, "registry-procedure"); o.Action != RegistryProcedure || o.Status != Missed {
			t.Fatalf("%+v", o)
		}
		for _, step := range []string{"registry", "compliance"} {
			if slices.Contains(w.steps(), step) {
				t.Errorf("%s in a ccTLD", step)
			}
		}
	})
	t.Run("a TLD not known escalates nowhere", func(t *testing.T) {
		plan := everybody("unknown")
		w := start(plan, Malicious)
		w.watch(t, plan, 200*time.Hour)
		if len(w.steps()) != 5 {
			t.Errorf("steps %v", w.steps())
		}
	})
	for _, answer := range []string{"refused", "not_ours", "referred"} {
		t.Run("the registrar says "+answer, func(t *testing.T) {
			w := start(gtld, Malicious)
			w.do(t, Answer{w.obl(t, "registrar").ID, "party:one", answer, ""})
			if !w.c.Due().Equal(w.now) {
				t.Fatalf("no look follows the answer: due %v", w.c.Due())
			}
			w.do(t, Look{seen(w.now, Malicious), gtld})
			if !slices.Contains(w.steps(), "registry") {
				t.Errorf("steps %v", w.steps())
			}
		})
	}
	t.Run("the registry refers to the registrar: bundle", func(t *testing.T) {
		w := start(gtld, Malicious)
		w.watch(t, gtld, 49*time.Hour)
		w.do(t, Answer{w.obl(t, "registry").ID, "party:one", "referred", "ask the registrar"})
		w.do(t, Look{seen(w.now, Malicious), gtld})
		if o := w.obl(t, "compliance"); o.Status != HandOff {
			t.Fatalf("%+v", o)
		}
	})
	t.Run("the ccTLD registry refers: no bundle", func(t *testing.T) {
		w := start(cctld, Malicious)
		w.watch(t, cctld, 49*time.Hour)
		w.do(t, Answer{w.obl(t, "registry-procedure").ID, "party:one", "referred", ""})
		w.do(t, Look{seen(w.now, Malicious), cctld})
		if slices.Contains(w.steps(), "compliance") {
			t.Error("ICANN for a ccTLD")
		}
	})
	t.Run("nobody is missed or reminded without the claim being seen", func(t *testing.T) {
		w := start(gtld, Malicious)
		w.wait(100*time.Hour).do(t, Look{inconclusive(w.now), gtld})
		if got := w.events[len(w.events)-1].Kind; got != KindLooked {
			t.Fatalf("after an inconclusive look: %s", got)
		}
		if due := w.c.Due(); !due.After(w.now) {
			t.Fatalf("a busy loop: due %v", due)
		}
		w.do(t, Look{seen(w.now, Malicious), gtld})
		if w.obl(t, "registrar").Status != Missed {
			t.Fatal("the registrar is not missed when the claim is seen again")
		}
	})
	t.Run("the class changes: no more at the DNS level", func(t *testing.T) {
		w := start(gtld, Malicious)
		before := w.obl(t, "registrar")
		w.wait(100*time.Hour).do(t, Look{seen(w.now, Compromised), gtld})
		if after := w.obl(t, "registrar"); after != before {
			t.Fatalf("registrar of a compromised name: %+v", after)
		}
		if w.obl(t, "host").Status != Missed || slices.Contains(w.steps(), "registry") {
			t.Fatal(fmtStatuses(w.c))
		}
		if !w.c.Due().After(w.now) {
			t.Fatalf("a busy loop: due %v", w.c.Due())
		}
	})
	t.Run("the site moved: its old host is left alone", func(t *testing.T) {
		w := start(gtld, Compromised)
		moved := everybody("gtld")
		for i, p := range moved.Parties {
			if p.Role == party.Host {
				moved.Parties[i] = pty(party.Host, "two")
			}
		}
		w.wait(30*time.Hour).do(t, Look{seen(w.now, Compromised), moved})
		var hosts []string
		for _, o := range w.c.Obligations {
			if o.Step == "host" {
				hosts = append(hosts, o.Party.ID+" "+string(o.Status))
			}
		}
		if got := strings.Join(hosts, ", "); got != "host:one running, host:two pending" {
			t.Fatal(got)
		}
		moved.Parties = nil // not known today is not replaced
		w.do(t, Look{seen(w.now, Compromised), moved})
		if w.obl(t, "host").Status != Missed {
			t.Fatal(fmtStatuses(w.c))
		}
	})
}

// TestNothingRestsOnTheUndelivered: even if some event made a party that was
// never reached count as missed, nothing would start from it.
func TestNothingRestsOnTheUndelivered(t *testing.T) {
	plan := everybody("gtld")
	w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
	id := w.obl(t, "registrar").ID
	w.add(t, []Event{{Kind: KindMissed, Actor: Centre, Body: MissedTime{Obligation: id}}})
	if o := w.obl(t, "registrar"); o.Status != Missed || !o.Delivered.IsZero() {
		t.Fatalf("%+v", o)
	}
	w.wait(time.Hour).do(t, Look{seen(w.now, Malicious), plan})
	if slices.Contains(w.steps(), "registry") {
		t.Fatalf("steps %v", w.steps())
	}
	w.do(t, Noticed{id, 1, Accepted, "250"})
	w.wait(time.Hour).do(t, Look{seen(w.now, Malicious), plan})
	if !slices.Contains(w.steps(), "registry") {
		t.Fatalf("steps %v", w.steps())
	}
}

func TestNotices(t *testing.T) {
	plan := everybody("gtld")
	t.Run("unreachable: a person must hand it over", func(t *testing.T) {
		plan := everybody("gtld")
		for i, p := range plan.Parties {
			if p.Role == party.Registrar {
				plan.Parties[i].Reachable = false
			}
		}
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.accept(t)
		o := w.obl(t, "registrar")
		if o.Status != Unreachable || o.Notices != 0 {
			t.Fatalf("%+v", o)
		}
		w.watch(t, plan, 300*time.Hour)
		if slices.Contains(w.steps(), "registry") {
			t.Fatal("the registry is asked because of a registrar nobody reached")
		}
		w.do(t, Noticed{o.ID, 0, Accepted, "handed over by form"})
		if o = w.obl(t, "registrar"); o.Status != Running || !o.Due.Equal(w.now.Add(48*time.Hour)) {
			t.Fatalf("after the hand-over: %+v", o)
		}
		w.watch(t, plan, 350*time.Hour)
		if !slices.Contains(w.steps(), "registry") {
			t.Fatal("no escalation after the hand-over")
		}
	})
	t.Run("a form is the only way in: a task for a person", func(t *testing.T) {
		plan := everybody("gtld")
		for i, p := range plan.Parties {
			if p.Role == party.Registrar {
				plan.Parties[i].Email, plan.Parties[i].Form = "", "https://registrar.example/abuse"
			}
		}
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.accept(t)
		for _, e := range w.events {
			if o, ok := Orders(e); ok && o.Obligation == w.obl(t, "registrar").ID {
				t.Fatal("a notice is ordered that no machine can deliver")
			}
		}
		o := w.obl(t, "registrar")
		if o.Status != HandOff || o.Notices != 0 || !w.c.ForPerson(o) {
			t.Fatalf("%+v", o)
		}
		w.watch(t, plan, 300*time.Hour)
		if slices.Contains(w.steps(), "registry") {
			t.Fatal("the registry is asked because of a registrar nobody reached")
		}
		proof := strings.Repeat("ab", 32)
		w.do(t, Hand{o.ID, "person:1", "form, ticket 4711", proof})
		handed := w.now
		if o = w.obl(t, "registrar"); o.Status != Running || !o.Delivered.Equal(handed) || !o.Due.Equal(handed.Add(48*time.Hour)) || o.Proof != proof || w.c.ForPerson(o) {
			t.Fatalf("after the hand-over: %+v", o)
		}
		// A better proof does not start the clock again.
		w.wait(time.Hour).do(t, Hand{o.ID, "person:2", "their receipt", strings.Repeat("cd", 32)})
		if o = w.obl(t, "registrar"); !o.Delivered.Equal(handed) || o.Proof != strings.Repeat("cd", 32) {
			t.Fatalf("after another proof: %+v", o)
		}
		w.watch(t, plan, 700*time.Hour)
		if o = w.obl(t, "registrar"); o.Status != Missed || o.Notices != 0 {
			t.Fatalf("a form got a reminder by mail: %+v", o)
		}
		if !slices.Contains(w.steps(), "registry") {
			t.Fatal("no escalation after the hand-over")
		}
	})
	t.Run("a form is the only way in: the party answers before", func(t *testing.T) {
		plan := everybody("gtld")
		for i, p := range plan.Parties {
			if p.Role == party.Registrar {
				plan.Parties[i].Email, plan.Parties[i].Form = "", "https://registrar.example/abuse"
			}
		}
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		o := w.obl(t, "registrar")
		w.do(t, Answer{o.ID, "party:x", "received", ""})
		if o = w.obl(t, "registrar"); o.Status != Running || o.Due.IsZero() {
			t.Fatalf("%+v", o)
		}
	})
	t.Run("a bundle that is handed over stays one", func(t *testing.T) {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.accept(t)
		w.watch(t, plan, 300*time.Hour)
		o := w.obl(t, "compliance")
		if o.Status != HandOff || !w.c.ForPerson(o) {
			t.Fatalf("%+v", o)
		}
		w.do(t, Hand{o.ID, "person:1", "filed", ""})
		if o = w.obl(t, "compliance"); o.Status != HandOff || o.Delivered.IsZero() || !o.Due.IsZero() || w.c.ForPerson(o) {
			t.Fatalf("%+v", o)
		}
	})
	t.Run("failed: unreachable, no escalation", func(t *testing.T) {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		id := w.obl(t, "registrar").ID
		w.do(t, Noticed{id, 1, Undelivered, "550 no such user"})
		w.accept(t)
		w.watch(t, plan, 300*time.Hour)
		if o := w.obl(t, "registrar"); o.Status != Unreachable || o.Notices != 1 || slices.Contains(w.steps(), "registry") {
			t.Fatalf("%+v; steps %v", o, w.steps())
		}
	})
	t.Run("bounced later: its silence counts no more", func(t *testing.T) {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.accept(t)
		id := w.obl(t, "registrar").ID
		w.do(t, Noticed{id, 1, Bounced, "550 5.1.1 no such user"})
		if o := w.obl(t, "registrar"); o.Status != Unreachable || !o.Delivered.IsZero() || !o.Due.IsZero() || !o.NextNotice.IsZero() {
			t.Fatalf("%+v", o)
		}
		w.watch(t, plan, 300*time.Hour)
		if slices.Contains(w.steps(), "registry") {
			t.Fatal("the registry is asked because of a mail that came back")
		}
	})
	t.Run("bounced after an answer: it was received", func(t *testing.T) {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.accept(t)
		id := w.obl(t, "registrar").ID
		w.do(t, Answer{Obligation: id, By: "party:r", Answer: "received"})
		w.do(t, Noticed{id, 1, Bounced, "554 copy to archive failed"})
		if o := w.obl(t, "registrar"); o.Status != Running || o.Delivered.IsZero() {
			t.Fatalf("%+v", o)
		}
	})
	t.Run("another contact of the same party is tried", func(t *testing.T) {
		plan := everybody("gtld")
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.accept(t)
		id := w.obl(t, "registrar").ID
		w.do(t, Noticed{id, 1, Bounced, "550 5.1.1 no such user"})
		w.wait(time.Minute).do(t, Look{seen(w.now, Malicious), plan})
		if o := w.obl(t, "registrar"); o.Notices != 1 {
			t.Fatalf("the same address is tried again: %+v", o)
		}
		for i, p := range plan.Parties {
			if p.Role == party.Registrar {
				plan.Parties[i].Email = "other@registrar.example"
			}
		}
		w.wait(time.Minute).do(t, Look{seen(w.now, Malicious), plan})
		o := w.obl(t, "registrar")
		if o.Status != Pending || o.Notices != 2 || o.Party.Email != "other@registrar.example" {
			t.Fatalf("%+v", o)
		}
		w.do(t, Noticed{id, 2, Accepted, "250"})
		if o = w.obl(t, "registrar"); o.Status != Running || !o.Due.Equal(w.now.Add(48*time.Hour)) {
			t.Fatalf("%+v", o)
		}
	})
	t.Run("no result: no clock", func(t *testing.T) {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		for range 30 {
			w.now = w.c.Due()
			w.do(t, Look{seen(w.now, Malicious), plan})
		}
		for _, o := range w.c.Obligations {
			if o.Status != Pending || o.Notices != 1 {
				t.Fatalf("%+v", o)
			}
		}
	})
	t.Run("in doubt: the next reminder carries it again", func(t *testing.T) {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		id := w.obl(t, "registrar").ID
		w.do(t, Noticed{id, 1, Doubtful, "connection lost"})
		if o := w.obl(t, "registrar"); o.Status != Pending || o.Doubts != 1 || !o.NextNotice.Equal(t0.Add(24*time.Hour)) || !o.Due.IsZero() {
			t.Fatalf("%+v", o)
		}
		w.wait(25 * time.Hour)
		evs := w.do(t, Look{seen(w.now, Malicious), plan})
		ord, ok := Orders(evs[1])
		if !ok || ord != (Ordered{id, 2, "reminder"}) {
			t.Fatalf("%+v", evs)
		}
		w.do(t, Noticed{id, 2, Accepted, "250"})
		if o := w.obl(t, "registrar"); o.Status != Running || !o.Due.Equal(w.now.Add(48*time.Hour)) || !o.Delivered.Equal(w.now) {
			t.Fatalf("the clock starts with the first accepted notice: %+v", o)
		}
		// What was informed only is not told twice.
		w.do(t, Noticed{w.obl(t, "cert").ID, 1, Doubtful, ""})
		if o := w.obl(t, "cert"); !o.NextNotice.IsZero() {
			t.Fatalf("%+v", o)
		}
	})
	t.Run("a second acceptance changes nothing", func(t *testing.T) {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.accept(t)
		before := w.obl(t, "host")
		w.wait(time.Hour).do(t, Noticed{before.ID, 1, Accepted, "250"})
		if w.obl(t, "host") != before {
			t.Fatalf("%+v", w.obl(t, "host"))
		}
	})
	t.Run("a chase after each wait, never twice", func(t *testing.T) {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Compromised, plan)
		w.accept(t)
		w.watch(t, plan, 24*20*time.Hour)
		// asked, reminded at 12 h, missed at 24 h, chased every 72 h after.
		if o := w.obl(t, "host"); o.Notices != 2+6 {
			t.Fatalf("%d notices", o.Notices)
		}
		w.do(t, Extend{w.obl(t, "host").ID, "person:1", "they are moving offices", w.now.Add(240 * time.Hour)})
		if o := w.obl(t, "host"); o.Status != Running || !o.Due.Equal(w.now.Add(240*time.Hour)) {
			t.Fatalf("%+v", o)
		}
	})
}

func TestAnswers(t *testing.T) {
	plan := everybody("gtld")
	start := func() *world {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.accept(t)
		return w
	}
	t.Run("acted, and seen again: missed at its time", func(t *testing.T) {
		w := start()
		id := w.obl(t, "host").ID
		w.wait(time.Hour).do(t, Answer{id, "party:one", "acted", "removed"})
		if o := w.obl(t, "host"); o.Status != Acted || !w.c.Due().Equal(w.now) {
			t.Fatalf("%+v, due %v", o, w.c.Due())
		}
		w.do(t, Look{seen(w.now, Malicious), plan})
		if w.obl(t, "host").Status != Acted {
			t.Fatal("its time is not up")
		}
		w.watch(t, plan, 24*time.Hour)
		if w.obl(t, "host").Status != Missed {
			t.Fatal(fmtStatuses(w.c))
		}
		w.do(t, Answer{id, "party:one", "acted", "really"})
		w.do(t, Look{seen(w.now, Malicious), plan})
		if w.obl(t, "host").Status != Missed {
			t.Fatal("saying it again is no excuse: " + fmtStatuses(w.c))
		}
	})
	t.Run("an acknowledgement stops no clock", func(t *testing.T) {
		w := start()
		before := w.obl(t, "host")
		for _, a := range []string{"received", "need_more"} {
			w.wait(time.Minute).do(t, Answer{before.ID, "party:one", a, ""})
			o := w.obl(t, "host")
			if o.Answer != a || !o.AnswerAt.Equal(w.now) {
				t.Fatalf("%+v", o)
			}
			o.Answer, o.AnswerAt = before.Answer, before.AnswerAt
			if o != before {
				t.Fatalf("%s: %+v", a, o)
			}
		}
	})
	t.Run("who answers has received: the clock starts", func(t *testing.T) {
		for _, a := range []string{"received", "acted"} {
			w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
			id := w.obl(t, "registrar").ID
			w.do(t, Noticed{id, 1, Doubtful, ""})
			w.wait(time.Hour).do(t, Answer{id, "party:one", a, ""})
			o := w.obl(t, "registrar")
			if !o.Delivered.Equal(w.now) || !o.Due.Equal(w.now.Add(48*time.Hour)) || o.Status != map[string]Status{"received": Running, "acted": Acted}[a] {
				t.Fatalf("%s: %+v", a, o)
			}
			w.watch(t, plan, 50*time.Hour)
			if w.obl(t, "registrar").Status != Missed || !slices.Contains(w.steps(), "registry") {
				t.Fatalf("%s: %s", a, fmtStatuses(w.c))
			}
		}
	})
	t.Run("who was asked for nothing has nothing to refuse", func(t *testing.T) {
		w := start()
		w.do(t, Answer{w.obl(t, "cert").ID, "party:one", "refused", ""})
		if w.obl(t, "cert").Status != Informed {
			t.Fatal(fmtStatuses(w.c))
		}
		w = newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.do(t, Answer{w.obl(t, "cert").ID, "party:one", "refused", ""}) // before the mail server's answer
		if o := w.obl(t, "cert"); o.Status != Informed || !o.Delivered.Equal(w.now) || !o.Due.IsZero() {
			t.Fatalf("%+v", o)
		}
	})
	t.Run("late answers change nothing", func(t *testing.T) {
		w := start()
		id := w.obl(t, "host").ID
		w.do(t, Close{"person:1", "done"})
		for _, a := range []string{"received", "need_more", "acted", "referred", "refused", "not_ours"} {
			before := w.c
			w.wait(time.Hour).do(t, Answer{id, "party:one", a, "sorry"})
			same(t, a, before, w.c, func(c *Case) {
				seqOnly(c)
				c.Obligations = slices.Clone(c.Obligations)
				for i := range c.Obligations {
					c.Obligations[i].Answer, c.Obligations[i].AnswerAt = "", time.Time{}
				}
			})
		}
	})
}

// ---- outcomes

func TestGone(t *testing.T) {
	plan := everybody("gtld")
	apart := time.Duration(shippedPhishing.Gone.Apart) // a day
	registrar := pty(party.Registrar, "one")
	start := func(t *testing.T) *world {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.accept(t)
		return w.wait(time.Hour)
	}
	gone := func(w *world) Look { return Look{went(w.now, Stopped, registrar), plan} }
	wantOpen := func(t *testing.T, w *world) {
		t.Helper()
		if w.c.State != Coordinating {
			t.Fatalf("closed as %q after %d absent looks since %v, now %v", w.c.Outcome, w.c.GoneLooks, w.c.GoneSince, w.now)
		}
	}
	t.Run("two looks far enough apart", func(t *testing.T) {
		w := start(t)
		first := w.now
		w.do(t, gone(w))
		wantOpen(t, w)
		if due := w.c.Due(); !due.Equal(first.Add(apart / 4)) {
			t.Fatalf("the second look is due %v", due)
		}
		w.wait(apart-time.Microsecond).do(t, gone(w))
		wantOpen(t, w)
		w.wait(time.Microsecond).do(t, gone(w))
		if w.c.State != Closed || w.c.Outcome != Stopped || !w.c.GoneSince.Equal(first) || w.c.Actor.ActorID != registrar.ID {
			t.Fatalf("%s %s since %v by %q", w.c.State, w.c.Outcome, w.c.GoneSince, w.c.Actor.ActorID)
		}
		for step, want := range map[string]Status{"registrar": Met, "host": Moot, "cert": Informed} {
			if got := w.obl(t, step).Status; got != want {
				t.Errorf("%s is %s, want %s", step, got, want)
			}
		}
		if !w.c.Due().Equal(w.now.Add(24 * time.Hour)) {
			t.Errorf("not watched for a return: due %v", w.c.Due())
		}
	})
	t.Run("one look is never enough", func(t *testing.T) {
		w := start(t)
		w.wait(1000*time.Hour).do(t, gone(w))
		wantOpen(t, w)
	})
	t.Run("inconclusive looks neither end nor prolong", func(t *testing.T) {
		w := start(t)
		w.do(t, gone(w))
		since := w.c.GoneSince
		w.wait(apart+time.Hour).do(t, Look{inconclusive(w.now), plan})
		wantOpen(t, w)
		if w.c.GoneLooks != 1 || !w.c.GoneSince.Equal(since) {
			t.Fatalf("%d absent looks since %v", w.c.GoneLooks, w.c.GoneSince)
		}
		w.do(t, Look{Finding{At: w.now, Class: Unknown}, plan}) // no measurement at all
		if w.c.GoneLooks != 1 {
			t.Fatalf("%d absent looks", w.c.GoneLooks)
		}
		w.do(t, gone(w))
		if w.c.State != Closed {
			t.Fatal("the absence was not prolonged by the third look")
		}
	})
	t.Run("inconclusive looks alone never close", func(t *testing.T) {
		w := start(t)
		for range 50 {
			w.now = w.c.Due()
			w.do(t, Look{inconclusive(w.now), plan})
			wantOpen(t, w)
		}
	})
	t.Run("seen between: from the start", func(t *testing.T) {
		w := start(t)
		w.do(t, gone(w))
		w.wait(3*time.Hour).do(t, Look{seen(w.now, Malicious), plan})
		w.wait(apart-time.Hour).do(t, gone(w))
		wantOpen(t, w)
	})
	t.Run("cloaked is not gone", func(t *testing.T) {
		w := start(t)
		cloaked := func() Look { return Look{Finding{At: w.now, Measured: &Measured{Outcome: Cloaked}}, plan} }
		w.do(t, cloaked())
		w.wait(apart).do(t, cloaked())
		wantOpen(t, w)
		if w.c.Outcome != Cloaked {
			t.Fatalf("shows as %q", w.c.Outcome)
		}
		w.do(t, gone(w))
		wantOpen(t, w)
	})
	t.Run("gone says nothing against the claim seen", func(t *testing.T) {
		w := start(t)
		for range 3 {
			w.wait(apart)
			f := seen(w.now, Malicious)
			f.Measured = &Measured{Outcome: Stopped}
			w.do(t, Look{f, plan})
			wantOpen(t, w)
		}
	})
	t.Run("disrupted: three times as long", func(t *testing.T) {
		w := start(t)
		disrupted := func() Look { return Look{went(w.now, Disrupted, party.Party{}), plan} }
		w.do(t, disrupted())
		w.wait(3*apart-time.Microsecond).do(t, disrupted())
		wantOpen(t, w)
		w.wait(time.Microsecond).do(t, disrupted())
		if w.c.State != Closed || w.c.Outcome != Disrupted {
			t.Fatalf("%s %s", w.c.State, w.c.Outcome)
		}
	})
	t.Run("nobody reached: down before asked, nobody credited", func(t *testing.T) {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.do(t, gone(w))
		w.wait(apart).do(t, gone(w))
		if w.c.Outcome != DownBeforeAsked || w.c.Actor.ActorID != "" {
			t.Fatalf("%s by %q", w.c.Outcome, w.c.Actor.ActorID)
		}
	})
	t.Run("gone before it was confirmed", func(t *testing.T) {
		for _, row := range [][2]Outcome{{Stopped, DownBeforeAsked}, {Parked, Parked}, {Moved, Moved}, {Disrupted, DownBeforeAsked}} {
			w := inState(t, Unconfirmed)
			look := func() Look {
				f := went(w.now, row[0], party.Party{})
				if row[0] == Moved {
					f.Measured.MovedTo = "https://other.example/"
				}
				return Look{f, plan}
			}
			w.do(t, look())
			w.wait(apart).do(t, look())
			if row[0] == Disrupted { // may yet end where it is
				if w.c.State != Unconfirmed {
					t.Errorf("disrupted for %s: %s", apart, w.c.State)
				}
				w.wait(2*apart).do(t, look())
			}
			if w.c.State != Closed || w.c.Outcome != row[1] {
				t.Errorf("%s: %s as %s", row[0], w.c.State, w.c.Outcome)
			}
			if redirected := slices.ContainsFunc(w.events, func(e Event) bool { return e.Kind == KindRedirected }); redirected != (row[0] == Moved) {
				t.Errorf("%s: redirected %v", row[0], redirected)
			}
		}
	})
	t.Run("a person's confirmation begins the count anew", func(t *testing.T) {
		w := inState(t, Unconfirmed)
		f := went(w.now, Stopped, party.Party{})
		f.Live = true
		w.do(t, Look{f, plan})
		w.do(t, Confirm{By: "person:1", Class: Compromised, Plan: plan})
		w.wait(apart).do(t, gone(w))
		wantOpen(t, w)
	})
}

func TestInvestigation(t *testing.T) {
	t.Run("the schedule, then closed", func(t *testing.T) {
		w := newWorld(shippedPhishing).open(t, abuse.Phishing)
		var at []string
		for w.c.State.IsOpen() {
			w.now = w.c.Due()
			at = append(at, w.now.Sub(t0).String())
			w.do(t, Look{Finding: unseenYet(w.now)})
		}
		if got := strings.Join(at, " "); got != "0s 1h0m0s 4h0m0s 12h0m0s 24h0m0s" || w.c.Outcome != NotConfirmed {
			t.Fatalf("looked at %s; %s", got, w.c.Outcome)
		}
	})
	t.Run("a burst of reports does not use it up", func(t *testing.T) {
		w := newWorld(shippedPhishing).open(t, abuse.Phishing)
		for i := range 40 {
			w.do(t, Look{Finding: unseenYet(w.now)})
			w.wait(time.Minute).do(t, AddReport{Report: ReportRef{ID: fmt.Sprint("b", i), Received: w.now}})
			if !w.c.Due().Equal(w.now) || w.c.State != Investigating {
				t.Fatalf("after report %d: %s, due %v", i, w.c.State, w.c.Due())
			}
		}
		w.do(t, Look{Finding: unseenYet(w.now)})
		if !w.c.Due().Equal(t0.Add(time.Hour)) {
			t.Fatalf("due %v", w.c.Due())
		}
	})
	t.Run("looks that come late are made up for", func(t *testing.T) {
		w := newWorld(shippedPhishing).open(t, abuse.Phishing)
		n := 0
		for w.wait(100 * time.Hour); w.c.State.IsOpen(); n++ {
			w.do(t, Look{Finding: unseenYet(w.now)})
			w.wait(12 * time.Hour)
		}
		if n != 5 {
			t.Fatalf("closed after %d looks", n)
		}
	})
	t.Run("nothing there, certainly", func(t *testing.T) {
		w := newWorld(shippedPhishing).open(t, abuse.Phishing)
		down := func() Look { return Look{Finding: Finding{At: w.now, Class: Unknown, Idle: DownBeforeAsked}} }
		w.wait(10 * time.Hour)
		first := w.now
		w.do(t, down())
		w.wait(time.Minute).do(t, down())
		if w.c.State != Investigating {
			t.Fatal("two looks in a minute are no certainty")
		}
		w.wait(time.Duration(shippedPhishing.Gone.Apart)).do(t, down())
		if w.c.State != Closed || w.c.Outcome != DownBeforeAsked || !w.c.GoneSince.Equal(first) {
			t.Fatalf("%s %s since %v", w.c.State, w.c.Outcome, w.c.GoneSince)
		}
	})
	t.Run("nothing was said", func(t *testing.T) {
		w := newWorld(shippedPhishing).open(t, abuse.Phishing)
		for w.c.State.IsOpen() {
			w.now = w.c.Due()
			w.do(t, Look{Finding: Finding{At: w.now}})
		}
		if w.c.Outcome != NotSeen {
			t.Fatalf("%s", w.c.Outcome)
		}
	})
	t.Run("every report withdrawn", func(t *testing.T) {
		w := inState(t, Investigating)
		w.do(t, AddReport{Report: ReportRef{ID: "r2", Received: w.now}})
		w.do(t, WithdrawReport{"r1"})
		if w.c.State != Investigating {
			t.Fatal("one report stands")
		}
		w.do(t, WithdrawReport{"r2"})
		if w.c.State != Closed || w.c.Outcome != Withdrawn {
			t.Fatalf("%s %s", w.c.State, w.c.Outcome)
		}
		// What we have seen ourselves does not go with the reports.
		w = inState(t, Unconfirmed)
		w.do(t, WithdrawReport{"r1"})
		if w.c.State != Unconfirmed {
			t.Fatal(w.c.State)
		}
	})
}

func TestConfirmation(t *testing.T) {
	plan := everybody("gtld")
	t.Run("evidence grows old", func(t *testing.T) {
		w := newWorld(shippedPhishing).open(t, abuse.Phishing)
		w.do(t, Look{seen(w.now, Malicious), plan})
		w.wait(time.Hour + time.Microsecond)
		w.refuse(t, Confirm{By: "rule:live", Plan: plan}, problem.Refused)
		w.refuse(t, Confirm{By: "person:1", Plan: plan}, problem.Refused)
		w.wait(-time.Microsecond).do(t, Confirm{By: "rule:live", Plan: plan})
	})
	t.Run("no playbook makes it younger", func(t *testing.T) {
		pb := shippedPhishing
		pb.EvidenceAge = Duration(48 * time.Hour)
		w := newWorld(pb).open(t, abuse.Phishing)
		w.do(t, Look{seen(w.now, Malicious), plan})
		w.wait(2 * time.Hour)
		w.refuse(t, Confirm{By: "person:1", Plan: plan}, problem.Refused)
	})
	t.Run("nothing live", func(t *testing.T) {
		w := newWorld(shippedPhishing).open(t, abuse.Phishing)
		w.do(t, Look{Finding: Finding{At: w.now, Idle: DownBeforeAsked}})
		w.refuse(t, Confirm{By: "person:1", Plan: plan}, problem.Refused)
	})
	t.Run("a person sets the class, and looks leave it", func(t *testing.T) {
		w := newWorld(shippedPhishing).open(t, abuse.Phishing)
		w.do(t, Look{seen(w.now, Malicious), plan})
		w.do(t, Confirm{By: "person:1", Class: Compromised, Plan: plan})
		w.wait(time.Hour).do(t, Look{seen(w.now, Malicious), plan})
		if w.c.Class != Compromised || slices.Contains(w.steps(), "registrar") {
			t.Fatalf("%s %v", w.c.Class, w.steps())
		}
	})
	t.Run("judged innocent", func(t *testing.T) {
		w := newWorld(shippedPhishing).open(t, abuse.Phishing)
		w.do(t, Look{seen(w.now, Innocent), plan})
		w.refuse(t, Confirm{By: "rule:live", Plan: plan}, problem.Refused)
		w.refuse(t, Confirm{By: "person:1", Plan: plan}, problem.Refused)
		w.do(t, Confirm{By: "person:1", Class: Unknown, Plan: plan})
	})
	t.Run("rejected by a person: no rule overrules it", func(t *testing.T) {
		w := inState(t, Unconfirmed)
		w.do(t, Reject{"person:1", "it is the bank's own page"})
		if w.c.Outcome != NotConfirmed || !w.c.Due().IsZero() {
			t.Fatalf("%s, due %v", w.c.Outcome, w.c.Due())
		}
		w.do(t, AddReport{Report: ReportRef{ID: "r2", Received: w.now}})
		w.do(t, Look{seen(w.now, Malicious), plan})
		if w.c.State != Unconfirmed {
			t.Fatal(w.c.State)
		}
		w.refuse(t, Confirm{By: "rule:live", Plan: plan}, problem.Refused)
		w.do(t, Confirm{By: "person:2", Class: Malicious, Plan: plan})
	})
}

func TestReturn(t *testing.T) {
	plan := everybody("gtld")
	w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
	w.accept(t)
	w.wait(time.Hour).do(t, Look{went(w.now, Stopped, party.Party{}), plan})
	w.wait(time.Duration(shippedPhishing.Gone.Apart)).do(t, Look{went(w.now, Stopped, party.Party{}), plan})
	w.now = w.c.Due()
	w.do(t, Look{seen(w.now, Malicious), plan})
	if w.c.State != Unconfirmed || w.c.Round != 2 || w.c.Returns != 1 || w.c.Outcome != BackUp || w.c.Confirmation != nil || w.c.Base == nil {
		t.Fatalf("%s, round %d, returns %d, %s, %v", w.c.State, w.c.Round, w.c.Returns, w.c.Outcome, w.c.Confirmation)
	}
	if len(w.steps()) != 0 {
		t.Fatalf("asked without a fresh confirmation: %v", w.steps())
	}
	w.wait(2 * time.Hour)
	w.refuse(t, Confirm{By: "rule:live", Plan: plan}, problem.Refused)
	w.do(t, Look{seen(w.now, Malicious), plan})
	if len(w.steps()) != 0 {
		t.Fatalf("asked without a fresh confirmation: %v", w.steps())
	}
	w.do(t, Confirm{By: "rule:live", Plan: plan})
	if got := strings.Join(w.steps(), " "); got != "constituent blocklist cert host registrar" {
		t.Fatalf("the second round: %s", got)
	}
	ids := map[string]bool{}
	for _, o := range w.c.Obligations {
		if ids[o.ID] {
			t.Fatalf("two obligations %s", o.ID)
		}
		ids[o.ID] = true
	}

	t.Run("what is left of something moved is no return", func(t *testing.T) {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Malicious, plan)
		w.accept(t)
		moved := func() Look {
			f := seen(w.now, Malicious)
			f.Measured = &Measured{Outcome: Moved, MovedTo: "https://other.example/"}
			return Look{f, plan}
		}
		w.do(t, moved())
		w.wait(time.Duration(shippedPhishing.Gone.Apart)).do(t, moved())
		if w.c.State != Closed || w.c.Outcome != Moved {
			t.Fatalf("%s %s", w.c.State, w.c.Outcome)
		}
		w.now = w.c.Due()
		w.do(t, moved())
		if w.c.State != Closed {
			t.Fatal("reopened")
		}
		f := seen(w.now, Malicious)
		f.Measured = &Measured{}
		w.do(t, Look{f, plan})
		if w.c.State != Unconfirmed {
			t.Fatal("not reopened though it is back where it was")
		}
	})
	t.Run("watched for a return, then left", func(t *testing.T) {
		w := newWorld(shippedPhishing).open(t, abuse.Phishing)
		for w.c.State.IsOpen() {
			w.now = w.c.Due()
			w.do(t, Look{Finding: unseenYet(w.now)})
		}
		var after []string
		for !w.c.Due().IsZero() {
			w.now = w.c.Due()
			after = append(after, w.now.Sub(w.c.Closed).String())
			w.do(t, Look{Finding: unseenYet(w.now)})
		}
		if got := strings.Join(after, " "); got != "24h0m0s 48h0m0s 96h0m0s 168h0m0s 336h0m0s 672h0m0s" {
			t.Fatal(got)
		}
		w.do(t, AddReport{Report: ReportRef{ID: "r7", Received: w.now}})
		if !w.c.Due().Equal(w.now) {
			t.Fatalf("a report on a closed case brings no look: %v", w.c.Due())
		}
	})
	t.Run("an address that flaps can still be asked about", func(t *testing.T) {
		w := newWorld(shippedPhishing).confirmed(t, abuse.Phishing, Compromised, plan)
		for range MaxObligations { // far more rounds than one round's limit holds
			w.do(t, Close{"person:1", "again"})
			w.do(t, Reopen{"person:1", "again"})
			w.do(t, Look{seen(w.now, Compromised), plan})
			w.do(t, Confirm{By: "rule:live", Plan: plan})
			if len(w.steps()) != 4 {
				t.Fatalf("round %d: %v", w.c.Round, w.steps())
			}
		}
	})
}

// TestTimeline is one long story, kept as a golden file that people can read:
// everybody is silent, the registry refers, the abuse ends, returns, and ends
// again by the host's hand.
func TestTimeline(t *testing.T) {
	plan := everybody("gtld")
	w := newWorld(shippedPhishing)
	var out strings.Builder
	printed := 0
	tell := func() {
		for ; printed < len(w.events); printed++ {
			e, link := w.events[printed], w.entries[printed]
			what := describe(w.c, e)
			if what != "" {
				what = strings.Repeat(" ", 18-len(e.Kind)) + what
			}
			d := link.At.Sub(t0)
			fmt.Fprintf(&out, "day %2d %02d:%02d  %s%s\n", int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, e.Kind, what)
		}
	}
	site := func(at time.Duration) Finding { // what a look finds, by the hour
		now := t0.Add(at)
		switch h := at.Hours(); {
		case h < 2:
			return unseenYet(now) // cloaked from us at first
		case h < 140, h >= 170 && h < 202:
			return seen(now, Malicious)
		case h >= 202:
			return went(now, Stopped, pty(party.Host, "one"))
		}
		return went(now, Stopped, party.Party{})
	}
	w.open(t, abuse.Phishing)
	tell()
	for stop := t0.Add(60 * 24 * time.Hour); ; {
		due := w.c.Due()
		if due.IsZero() || due.After(stop) {
			break
		}
		if due.After(w.now) {
			w.now = due
		}
		w.do(t, Look{site(w.now.Sub(t0)), plan})
		if w.c.State == Unconfirmed {
			w.do(t, Confirm{By: "rule:live", Plan: plan})
		}
		tell()
		for _, o := range w.c.Obligations {
			if o.Status == Pending {
				w.do(t, Noticed{o.ID, o.Notices, Accepted, "250 ok"})
			}
			if o.Step == "registry" && o.Status == Running {
				w.do(t, Answer{o.ID, "party:" + o.Party.ID, "referred", "ask the registrar"})
			}
		}
		tell()
	}
	if err := VerifyChain(w.entries); err != nil {
		t.Fatal(err)
	}
	golden(t, "timeline.txt", out.String())
}

func describe(c Case, e Event) string {
	who := func(id string) string {
		o, _ := c.Obligation(id)
		return id + " (" + o.Step + ")"
	}
	switch b := e.Body.(type) {
	case Looked:
		s := "not seen"
		if b.Finding.Claimed {
			s = "seen"
		} else if b.Finding.Measured != nil {
			s = string(b.Finding.Measured.Outcome)
		}
		if b.NextLook.IsZero() {
			return s + ", no look follows"
		}
		return s + ", next in " + b.NextLook.Sub(b.Finding.At).String()
	case Confirmed:
		return "by " + e.Actor + ", " + string(b.Class)
	case Obliged:
		s := fmt.Sprintf("%s %s: %s, %s", b.Obligation.ID, b.Obligation.Step, b.Obligation.Action, b.Obligation.Status)
		if b.Obligation.Escalates != "" {
			s += ", because of " + who(b.Obligation.Escalates)
		}
		return s
	case Delivered:
		return fmt.Sprintf("%d of %s", b.Notice, who(b.Obligation))
	case Reminded:
		return fmt.Sprintf("%d of %s, %s", b.Notice, who(b.Obligation), b.Kind)
	case MissedTime:
		return who(b.Obligation)
	case Answered:
		return who(b.Obligation) + " says " + b.Answer
	case ClosedCase:
		return fmt.Sprintf("%s by %q", b.Outcome, b.Actor.ActorID)
	case ReopenedCase:
		return b.Reason
	}
	return ""
}
