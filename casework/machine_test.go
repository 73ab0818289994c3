package casework

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// arrow is one arrow of the drawing.
type arrow struct {
	from State
	kind Kind
	to   State
}

func readDoc(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../docs/state-machine.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tableRows are the rows of the table under a heading of the document, without
// its head, as cells.
func tableRows(t *testing.T, doc, heading string) (head []string, rows [][]string) {
	t.Helper()
	_, part, ok := strings.Cut(doc, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("the document has no %q", heading)
	}
	for line := range strings.Lines(part) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			return head, rows
		case !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|-"):
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		if head == nil {
			head = cells
			continue
		}
		rows = append(rows, cells)
	}
	return head, rows
}

// TestDrawing holds the diagram and the tables of docs/state-machine.md against
// the code, both ways.
func TestDrawing(t *testing.T) {
	doc := readDoc(t)
	_, diagram, ok := strings.Cut(doc, "```mermaid\nstateDiagram-v2\n")
	diagram, _, closed := strings.Cut(diagram, "```")
	if !ok || !closed {
		t.Fatal("the document has no state diagram")
	}
	line := regexp.MustCompile(`^(\[\*\]|[a-z]+) --> ([a-z]+): ([a-z-]+(?: [a-z-]+)*)$`)
	drawn := map[arrow]bool{}
	for l := range strings.Lines(diagram) {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		m := line.FindStringSubmatch(l)
		if m == nil {
			t.Fatalf("the diagram has a line this test cannot read: %q", l)
		}
		from := State(m[1])
		if from == "[*]" {
			from = ""
		}
		a := arrow{from, Kind(m[3]), State(m[2])}
		if drawn[a] {
			t.Errorf("drawn twice: %v", a)
		}
		drawn[a] = true
	}
	coded := map[arrow]bool{}
	for e, tos := range transitions {
		for _, to := range tos {
			coded[arrow{e.from, e.kind, to}] = true
		}
	}
	for a := range coded {
		if !drawn[a] {
			t.Errorf("in the code and not drawn: %s --> %s: %s", a.from, a.to, a.kind)
		}
	}
	for a := range drawn {
		if !coded[a] {
			t.Errorf("drawn and not in the code: %s --> %s: %s", a.from, a.to, a.kind)
		}
	}

	head, rows := tableRows(t, doc, "## What leaves the state as it is")
	if want := allStates; len(head) != len(want)+1 {
		t.Fatalf("the table of events has columns %v", head)
	}
	listed := map[Kind]bool{}
	for _, row := range rows {
		kind := Kind(row[0])
		allowed := inPlace[kind]
		if allowed == nil || listed[kind] {
			t.Errorf("%q is in the table, and not (or twice) in the code", kind)
			continue
		}
		listed[kind] = true
		for i, s := range head[1:] {
			if got := row[i+1] == "yes"; got != allowed(State(s)) || !slices.Contains([]string{"yes", ""}, row[i+1]) {
				t.Errorf("%q in state %q: the table says %q, the code %v", kind, s, row[i+1], allowed(State(s)))
			}
		}
		if allowed("") {
			t.Errorf("%q can happen before a case is opened", kind)
		}
	}
	for kind := range inPlace {
		if !listed[kind] {
			t.Errorf("%q is not in the table", kind)
		}
	}
	// Every kind is one or the other, and nothing else is.
	var machine []Kind
	for e := range transitions {
		machine = append(machine, e.kind)
	}
	for kind := range inPlace {
		if slices.Contains(machine, kind) {
			t.Errorf("%q both changes the state and leaves it", kind)
		}
		machine = append(machine, kind)
	}
	slices.Sort(machine)
	want := slices.Sorted(slices.Values(allKinds))
	if got := slices.Compact(machine); !slices.Equal(got, want) {
		t.Errorf("kinds of the machine %v, constants %v", got, want)
	}
}

// TestDrawingOfObligations holds the table of statuses against the code.
func TestDrawingOfObligations(t *testing.T) {
	_, rows := tableRows(t, readDoc(t), "## Obligations")
	want := []Status{Pending, Running, Informed, Missed, Acted, Referred, Refused, Unreachable, HandOff, Met, Moot}
	var got []Status
	for _, row := range rows {
		s := Status(row[0])
		got = append(got, s)
		if (row[2] == "yes") != s.live() {
			t.Errorf("%q: the table says a clock runs: %q, the code %v", s, row[2], s.live())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("statuses in the table %v, in the code %v", got, want)
	}
}

// bodies are well-formed payloads that would do no harm if they were applied.
func bodies(w *world) map[Kind]any {
	id := "none"
	if len(w.c.Obligations) > 0 {
		id = w.c.Obligations[0].ID
	}
	return map[Kind]any{
		KindOpened: Opened{Subject: domain("bad.example"), NextLook: t0}, KindReport: ReportAttached{Report: ReportRef{ID: "z"}},
		KindReporter: Reporter{}, KindWithdrawn: ReportWithdrawn{"r1"}, KindLooked: Looked{Finding: seen(w.now, Malicious)},
		KindConfirmed: Confirmed{Evidence: w.now, Class: Malicious}, KindRejected: Rejected{"no"},
		KindObliged:  Obliged{Obligation: Obligation{ID: "new", Round: w.c.Round}},
		KindReminded: Reminded{Obligation: id, Notice: 2}, KindDelivered: Delivered{Obligation: id, Notice: 1},
		KindFailed: Failed{Obligation: id, Notice: 1}, KindDoubt: InDoubt{Obligation: id, Notice: 1}, KindAnswered: Answered{Obligation: id},
		KindExtended: Extended{Obligation: id}, KindMissed: MissedTime{Obligation: id}, KindClosed: ClosedCase{Outcome: ByHand},
		KindReopened: ReopenedCase{}, KindNote: Note{"x"}, KindMerged: MergedInto{"c2"}, KindAbsorbed: AbsorbedCase{From: "c2"},
		KindUnmerged: UnmergedCase{From: "c2"}, KindReleased: ReleasedCase{"c2"}, KindRedirected: MovedOn{"https://other.example/"},
		KindEscalated: Escalated{Obligation: id}, KindAssigned: Assigned{"person:1"},
		"unheard of": struct{}{},
	}
}

// TestApplyHoldsTheMachine tries every kind of event in every state, leading to
// every state it can name: Apply takes exactly what the machine allows, and
// leaves the case it was given as it was.
func TestApplyHoldsTheMachine(t *testing.T) {
	hasState := map[Kind]func(any, State) any{
		KindLooked:   func(b any, s State) any { l := b.(Looked); l.State = s; return l },
		KindReopened: func(b any, s State) any { l := b.(ReopenedCase); l.State = s; return l },
	}
	ends := map[Kind]State{KindOpened: New, KindConfirmed: Coordinating, KindRejected: Closed, KindClosed: Closed, KindMerged: Merged, KindUnmerged: Coordinating}
	for _, s := range append([]State{""}, allStates...) {
		w := inState(t, s)
		for kind, body := range bodies(w) {
			for _, to := range append([]State{""}, allStates...) {
				b, end := body, ends[kind]
				if set := hasState[kind]; set != nil {
					b, end = set(body, to), to
				} else if to != "" {
					continue
				}
				before, err := json.Marshal(w.c)
				if err != nil {
					t.Fatal(err)
				}
				e, err := seal(w.c, w.id, w.now, Event{Kind: kind, Actor: "person:1", Body: b})
				if err != nil {
					t.Fatal(err)
				}
				next, err := Apply(w.c, e)
				after, _ := json.Marshal(w.c)
				if string(before) != string(after) {
					t.Fatalf("%q in %q changed the case it was given", kind, s)
				}
				want := inPlace[kind] != nil && inPlace[kind](s) || slices.Contains(transitions[edge{s, kind}], end)
				// What names an obligation needs one to be there.
				if needs := slices.Contains([]Kind{KindReminded, KindDelivered, KindFailed, KindDoubt, KindAnswered, KindExtended, KindEscalated, KindMissed}, kind); needs && len(w.c.Obligations) == 0 {
					want = false
				}
				if (err == nil) != want {
					t.Errorf("%q in state %q to %q: %v, want allowed %v", kind, s, end, err, want)
				}
				if err != nil {
					at(t, err, w.c.Seq+1)
					same(t, "beside an error", next, w.c, nil)
				} else if end != "" && next.State != end || end == "" && next.State != s {
					t.Errorf("%q in state %q led to %q", kind, s, next.State)
				}
			}
		}
	}
}

// TestApplyRefuses: entries that do not fit the case, and bodies that
// contradict it.
func TestApplyRefuses(t *testing.T) {
	w := inState(t, Coordinating)
	whole := func(kind Kind, body any) Entry {
		e, err := seal(w.c, w.id, w.now, Event{Kind: kind, Actor: "person:1", Body: body})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	note := whole(KindNote, Note{"x"})
	change := func(f func(*Entry)) Entry {
		e := note
		f(&e)
		return e
	}
	first := w.c.Obligations[0]
	for name, e := range map[string]Entry{
		"a gap":                     change(func(e *Entry) { e.Seq++ }),
		"again":                     change(func(e *Entry) { e.Seq-- }),
		"after another head":        change(func(e *Entry) { e.Prev[0]++ }),
		"another case":              change(func(e *Entry) { e.Case = "c2" }),
		"payload gone":              change(func(e *Entry) { e.Kind, e.Payload = KindWithdrawn, nil }),
		"payload no JSON":           change(func(e *Entry) { e.Kind, e.Payload = KindWithdrawn, &Payload{Body: []byte("{")} }),
		"an obligation twice":       whole(KindObliged, Obliged{Obligation: first}),
		"an obligation of round 7":  whole(KindObliged, Obliged{Obligation: Obligation{ID: "n", Round: 7}}),
		"a notice twice":            whole(KindReminded, Reminded{Obligation: first.ID, Notice: 1}),
		"a notice skipped":          whole(KindReminded, Reminded{Obligation: first.ID, Notice: 3}),
		"a reminder to nobody":      whole(KindReminded, Reminded{Obligation: "none", Notice: 1}),
		"an answer to nothing":      whole(KindAnswered, Answered{Obligation: "none"}),
		"a look that leads nowhere": whole(KindLooked, Looked{Finding: seen(w.now, Malicious), State: Closed}),
	} {
		c, err := Apply(w.c, e)
		if err == nil {
			t.Errorf("%s: applied", name)
		}
		same(t, name, c, w.c, nil)
	}
	if _, err := Apply(w.c, note); err != nil {
		t.Fatal(err)
	}
	if _, err := Replay(nil); err == nil {
		t.Error("an empty log replays")
	}
	cut := slices.Clone(w.entries)
	if _, err := Replay(slices.Delete(cut, 2, 3)); err == nil {
		t.Error("a log with a gap replays")
	}
}

// TestApplyBranches: two events applied to one case give two cases that share
// nothing either could change.
func TestApplyBranches(t *testing.T) {
	w := inState(t, New)
	for i := range 10 { // so that slices have room to grow into
		w.do(t, AddReport{Report: ReportRef{ID: "r1" + string(rune('a'+i)), Received: w.now}})
		branch := func(cmds ...Command) Case {
			v := *w
			for _, cmd := range cmds {
				v.do(t, cmd)
			}
			return v.c
		}
		one := branch(AddReport{Report: ReportRef{ID: "x", Received: w.now}})
		two := branch(AddReport{Report: ReportRef{ID: "y", Received: w.now}})
		if got := one.Reports[len(one.Reports)-1].ID + two.Reports[len(two.Reports)-1].ID; got != "xy" {
			t.Fatalf("the branches end in %s", got)
		}
		from := Case{ID: "c2", State: New}
		one = branch(Absorb{"person:1", from})
		two = branch(Absorb{"person:1", from}, Release{"person:1", "c2"})
		if len(one.Absorbed) != 1 || len(two.Absorbed) != 0 {
			t.Fatalf("the branches have absorbed %d and %d", len(one.Absorbed), len(two.Absorbed))
		}
	}
	w.do(t, Absorb{"person:1", Case{ID: "c2", State: New}})
	before := len(w.c.Absorbed)
	v := *w
	v.do(t, Release{"person:1", "c2"})
	if len(w.c.Absorbed) != before {
		t.Fatal("releasing in one branch released in the other")
	}
}

func TestActionsAndReadings(t *testing.T) {
	for a, want := range map[Action][2]bool{Inform: {false, false}, List: {false, false}, RemoveContent: {true, false}, SuspendCustomer: {true, false},
		SuspendName: {true, true}, RegistryProcedure: {true, true}, Bundle: {false, false}} {
		if a.Asks() != want[0] || a.DNSLevel() != want[1] {
			t.Errorf("%s asks %v, at the DNS level %v", a, a.Asks(), a.DNSLevel())
		}
	}
	c := Case{Opened: t0, Reports: []ReportRef{
		{ID: "b", Received: t0, Brand: "Post", URLs: []string{"u2", "u1"}}, {ID: "a", Received: t0, Brand: "bank", URLs: []string{"u1"}},
		{ID: "x", Received: t0.Add(-time.Hour), Brand: "gone", URLs: []string{"gone"}, Gone: true}},
		Absorbed: map[string][]ReportRef{"c2": {{ID: "c", Received: t0.Add(-time.Minute), Brand: "Bank", URLs: []string{"u0"}}}}}
	if got := strings.Join(c.URLs(), " "); got != "u0 u1 u2" {
		t.Error(got)
	}
	if c.Brand() != "bank" || !c.FirstReport().Equal(t0.Add(-time.Minute)) || !(Case{Opened: t0}).FirstReport().Equal(t0) {
		t.Error(c.Brand(), c.FirstReport())
	}
	c.Absorbed = nil
	if c.Brand() != "bank" {
		t.Errorf("even: %s, want the first in the alphabet", c.Brand())
	}
	var ids []string
	for _, r := range c.AllReports() {
		ids = append(ids, r.ID)
	}
	if strings.Join(ids, "") != "ab" {
		t.Errorf("order %v", ids)
	}
	for i := range 2 * MaxURLs {
		c.Reports[0].URLs = append(c.Reports[0].URLs, "v"+string(rune('a'+i)))
	}
	if len(c.URLs()) != MaxURLs {
		t.Errorf("%d URLs", len(c.URLs()))
	}
	// Even a case without a planned look is due.
	if due := (Case{State: Unconfirmed, Last: t0, Longest: Duration(time.Hour)}).Due(); !due.Equal(t0.Add(time.Hour)) {
		t.Errorf("due %v", due)
	}
	var h Hash
	for _, bad := range []string{"", "00", strings.Repeat("0", 63), strings.Repeat("0", 66), strings.Repeat("g", 64)} {
		if h.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is a hash", bad)
		}
	}
}
