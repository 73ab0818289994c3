package inaccuracy

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/registration"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var allKinds = []casework.Kind{KindOpened, KindValues, KindSent, KindDelivered, KindFailed, KindDoubt, KindMailed, KindAnswered, KindChecked, KindOver, KindClosed, KindReopened, KindWords}

// TestDrawing holds the drawing and the table of docs/inaccuracy.md against the
// code, both ways.
func TestDrawing(t *testing.T) {
	b, err := os.ReadFile("../docs/inaccuracy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "```mermaid\nstateDiagram-v2\n")
	diagram, rest, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("the document has no state diagram")
	}
	id := func(s State) string { return strings.ReplaceAll(string(s), " ", "_") }
	coded, drawn := map[string]bool{}, map[string]bool{}
	stays := map[string]bool{}
	for e, tos := range transitions {
		for _, to := range tos {
			switch {
			case to == e.from:
				stays[fmt.Sprintf("%s in %s", e.kind, e.from)] = true
			case e.from == notBegun:
				coded[fmt.Sprintf("[*] --> %s: %s", id(to), e.kind)] = true
			default:
				coded[fmt.Sprintf("%s --> %s: %s", id(e.from), id(to), e.kind)] = true
			}
		}
	}
	for k, in := range inPlace {
		for _, s := range States() {
			if in(s) {
				stays[fmt.Sprintf("%s in %s", k, s)] = true
			}
		}
	}
	for l := range strings.Lines(diagram) {
		drawn[strings.TrimSpace(l)] = true
	}
	same(t, "drawn", coded, drawn)
	_, part, ok := strings.Cut(rest, "\n## What leaves the state as it is\n")
	if !ok {
		t.Fatal("the document does not say what leaves the state as it is")
	}
	part, _, _ = strings.Cut(part, "\n## ")
	row := regexp.MustCompile(`(?m)^\| ([a-z ]+) \| (.+) \|$`)
	listed := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(part, -1) {
		for s := range strings.SplitSeq(m[2], ", ") {
			listed[m[1]+" in "+s] = true
		}
	}
	same(t, "listed", stays, listed)
	for _, s := range States() {
		if !strings.Contains(string(b), "| `"+string(s)+"` |") {
			t.Errorf("the document does not say what %q is", s)
		}
	}
}

func same(t *testing.T, what string, coded, said map[string]bool) {
	t.Helper()
	for _, k := range slices.Sorted(maps.Keys(coded)) {
		if !said[k] {
			t.Errorf("not %s: %s", what, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(said)) {
		if !coded[k] {
			t.Errorf("%s and not in the code: %s", what, k)
		}
	}
}

// TestKinds: every kind of event can happen somewhere, and nothing but a
// reopening happens to a closed case.
func TestKinds(t *testing.T) {
	for _, k := range allKinds {
		found := inPlace[k] != nil
		for e := range transitions {
			found = found || e.kind == k
		}
		if !found {
			t.Errorf("%q can never happen", k)
		}
		if k != KindReopened && (transitions[edge{Closed, k}] != nil || inPlace[k] != nil && inPlace[k](Closed)) {
			t.Errorf("%q happens to a closed case", k)
		}
	}
}

// TestMachine runs random commands: what is decided applies, the chain verifies,
// replaying gives the same, and the rules against harm hold in every state.
func TestMachine(t *testing.T) {
	statuses := []string{"own", "guidance", "historical"}
	empty, formless := good, badForm
	empty.Email, formless.Name = "", ""
	pool := []data{{contact: good, facts: noMail}, {contact: good, facts: someMail}, {contact: good}, {contact: badForm}, {contact: formless}, {contact: empty, state: registration.Redacted},
		{contact: good, facts: noMail, state: registration.Proxy}}
	for _, s := range statuses {
		profile(t, s) // read once
	}
	rapid.Check(t, func(t *rapid.T) {
		x := &run{now: monday}
		p := profile(t, rapid.SampledFrom(statuses).Draw(t, "profile"))
		any := func() data { return rapid.SampledFrom(pool).Draw(t, "data") }
		by := func() string {
			return rapid.SampledFrom([]string{"person:7", "person:7", "person:7", "person:7/key:k", "party:01CASE", "centre"}).Draw(t, "by")
		}
		first := open(t, p, rapid.SampledFrom([]data{pool[0], pool[3], pool[4], pool[6]}).Draw(t, "first"))
		if rapid.IntRange(0, 4).Draw(t, "no mail") == 0 {
			first.Party.Email = ""
		}
		x.must(t, first)
		for range rapid.IntRange(1, 25).Draw(t, "n") {
			x.in(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 5, 20, 200, 500}).Draw(t, "hours")) * time.Hour)
			var cmd Command
			switch rapid.IntRange(0, 13).Draw(t, "command") {
			case 0, 1:
				cmd = Send{By: by(), To: rapid.SampledFrom([]string{"", "", "x@registrar.example"}).Draw(t, "to")}
			case 2, 3, 4:
				cmd = Noticed{N: rapid.IntRange(max(1, x.c.Notices()-2), x.c.Notices()+1).Draw(t, "notice"), Result: rapid.SampledFrom([]casework.Result{casework.Accepted, casework.Accepted, casework.Undelivered, casework.Bounced, casework.Doubtful}).Draw(t, "result"), Response: "250"}
			case 5:
				cmd = Hand{By: by(), How: "their form"}
			case 6, 7:
				cmd = Answer{By: by(), Said: Said(rapid.SampledFrom(answers.Codes()).Draw(t, "said")), Text: rapid.SampledFrom([]string{"", secret}).Draw(t, "text")}
			case 8, 9:
				k := check(t, p, any(), x.now)
				if rapid.IntRange(0, 9).Draw(t, "gone") == 0 {
					k.Assessment = policy.Assessment{State: registration.Available}
				}
				k.Held = rapid.IntRange(0, 4).Draw(t, "held") == 0
				cmd = k
			case 10:
				cmd = Close{By: by(), Outcome: Outcome(rapid.SampledFrom(outcomes.Codes()).Draw(t, "outcome")), Text: secret}
			case 11:
				x.in(500 * time.Hour)
				cmd = Tick{}
			case 12:
				cmd = Mail{ID: "m", Says: "seems to say: acted"}
			default:
				cmd = Reopen{By: by(), Text: secret, Grounds: grounds(t, p, any(), x.now)}
				if x.c.State != Closed {
					cmd = Note{By: by(), Text: secret}
				}
			}
			was, n := x.c, len(x.entries)
			err := x.do(t, cmd)
			if err != nil && problem.CodeOf(err) == problem.Internal {
				t.Fatalf("%T: %v", cmd, err)
			}
			if err != nil && len(x.entries) != n {
				t.Fatalf("%T failed and wrote events", cmd)
			}
			holds(t, p, was, x, n, cmd)
		}
		verifyChain(t, x.entries)
		again, err := Replay(x.entries)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if d := cmp.Diff(x.c, again); d != "" {
			t.Fatalf("replayed: %s", d)
		}
		// Personal payloads may go: the chain verifies and nothing else changes.
		erased := slices.Clone(x.entries)
		for i := range erased {
			if erased[i].Payload.Personal {
				erased[i].Payload = nil
			}
		}
		verifyChain(t, erased)
		bare, err := Replay(erased)
		if err != nil {
			t.Fatalf("%v", err)
		}
		bare.Unloaded = false
		if d := cmp.Diff(x.c, bare); d != "" {
			t.Fatalf("without personal payloads: %s", d)
		}
		if _, err := File(erased, nil, x.now); err != nil {
			t.Fatalf("the file: %v", err)
		}
	})
}

// holds are the rules against harm.
func holds(t *rapid.T, p policy.Profile, was Case, x *run, n int, cmd Command) {
	c := x.c
	fatal := func(format string, args ...any) { t.Fatalf("%T: %s", cmd, fmt.Sprintf(format, args...)) }
	added := x.entries[n:]
	for i, e := range added {
		if i > 0 && e.At.Before(added[i-1].At) || e.At.Before(was.Last) {
			fatal("the log runs backwards")
		}
		if was.State == Closed && e.Kind != KindReopened && was.Round == c.Round {
			fatal("%q on a closed case", e.Kind)
		}
		if (e.Kind == KindSent || e.Kind == KindClosed || e.Kind == KindReopened) && !casework.InPerson(e.Actor) {
			fatal("%q by %s", e.Kind, e.Actor)
		}
	}
	if len(c.Orders) > len(was.Orders) && was.Round == c.Round {
		if _, ok := cmd.(Send); !ok {
			fatal("a notice was ordered")
		}
		if x.now.Sub(was.Checked) > Fresh {
			fatal("asked on a look of %s", was.Checked)
		}
	}
	deepest := accuracy.V0
	for _, f := range c.Findings {
		if f.Result != accuracy.Fail {
			fatal("%s is a ground", f.Key())
		}
		deepest = max(deepest, f.Level)
	}
	binds := p.Status == policy.InForce || p.Status == policy.Own
	for _, d := range c.Duties {
		if d.Binding && (d.Basis != policy.Primary || !binds) {
			fatal("%s binds", d.Duty)
		}
		if !d.Due.IsZero() && (!d.Binding || c.Known.IsZero() || d.Due.Before(c.Known)) {
			fatal("%s is due %s, known %s", d.Duty, d.Due, c.Known)
		}
		if deepest < accuracy.V2 && d.suspends() {
			fatal("the form of a value proposes to suspend")
		}
	}
	if c.Known.IsZero() && (!c.Due.IsZero() || !c.FollowUp.IsZero() || c.Over) {
		fatal("a clock runs, and nobody is known to know")
	}
	if !c.Known.IsZero() && c.KnownHow == byServer && !slices.ContainsFunc(c.Orders, func(o Order) bool { return !o.Copy && o.Taken.Equal(c.Known) }) && c.Acked.IsZero() && c.Answer == "" {
		fatal("known by a notice that nobody took")
	}
	if !c.Known.IsZero() && c.Known.Equal(was.Known) && !was.Due.IsZero() && !c.Due.Equal(was.Due) {
		fatal("a clock moved from %s to %s", was.Due, c.Due)
	}
	if c.State == Corrected && (c.Recheck.Passed != len(c.Findings) || c.Recheck.Untested+c.Recheck.Failing > 0) {
		fatal("corrected with %+v", *c.Recheck)
	}
	if c.Outcome == WasCorrected && was.Outcome == "" && was.State != Corrected {
		fatal("closed as corrected from %s", was.State)
	}
}
