package verify

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
)

var allKinds = []casework.Kind{KindOpened, KindChanged, KindFormatGood, KindFormatBad, KindIssued, KindDelivered, KindFailed, KindInDoubt, KindWrong,
	KindReturned, KindAttested, KindReused, KindDoubted, KindOver, KindHeld, KindReleased, KindTerminated, KindGone, KindDisowned, KindAllowed, KindWords, KindOrder}

// rows are the rows of the table under a heading, without its head, as cells.
func rows(t *testing.T, doc, heading string) (head []string, out [][]string) {
	t.Helper()
	_, part, ok := strings.Cut(doc, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("the document has no %q", heading)
	}
	for line := range strings.Lines(part) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			return head, out
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
		out = append(out, cells)
	}
	return head, out
}

// TestDrawing holds the drawing and the tables of docs/verification.md against
// the code, both ways.
func TestDrawing(t *testing.T) {
	b, err := os.ReadFile("../docs/verification.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	_, diagram, ok := strings.Cut(doc, "```mermaid\nstateDiagram-v2\n")
	diagram, _, closed := strings.Cut(diagram, "```")
	if !ok || !closed {
		t.Fatal("the document has no state diagram")
	}
	line := regexp.MustCompile(`^(\[\*\]|[a-z]+) --> ([a-z]+): ([a-z]+(?: [a-z]+)*)$`)
	drawn, coded := map[string]bool{}, map[string]bool{}
	for l := range strings.Lines(diagram) {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		m := line.FindStringSubmatch(l)
		if m == nil {
			t.Fatalf("the diagram has a line that this test cannot read: %q", l)
		}
		a := fmt.Sprintf("%s --> %s: %s", strings.TrimPrefix(m[1], "[*]"), m[2], m[3])
		if drawn[a] {
			t.Errorf("drawn twice: %s", a)
		}
		drawn[a] = true
	}
	_, stay := rows(t, doc, "## What leaves the state as it is")
	listed := map[string]bool{}
	for e, tos := range transitions {
		for _, to := range tos {
			if to == e.from { // in the table
				listed[fmt.Sprintf("%s in %s", e.kind, e.from)] = true
				continue
			}
			coded[fmt.Sprintf("%s --> %s: %s", e.from, to, e.kind)] = true
		}
	}
	for kind, in := range inPlace {
		for _, s := range States() {
			if in(s) {
				listed[fmt.Sprintf("%s in %s", kind, s)] = true
			}
		}
		if in(notBegun) {
			t.Errorf("%q can happen before the beginning", kind)
		}
	}
	diff(t, "drawn", drawn, coded)
	head, _ := rows(t, doc, "## What leaves the state as it is")
	if len(head) != len(States())+1 {
		t.Fatalf("the table has the columns %v", head)
	}
	table := map[string]bool{}
	for _, row := range stay {
		for i, s := range head[1:] {
			if !slices.Contains([]string{"yes", ""}, row[i+1]) {
				t.Errorf("%q says %q", row[0], row[i+1])
			}
			if row[i+1] == "yes" {
				table[row[0]+" in "+s] = true
			}
		}
	}
	diff(t, "in the table", table, listed)
	_, states := rows(t, doc, "## States")
	var names []State
	for _, r := range states {
		names = append(names, State(r[0]))
		if s := State(r[0]); (r[2] == "yes") != s.Active() {
			t.Errorf("%s is active: %q", s, r[2])
		}
	}
	if !slices.Equal(names, States()) {
		t.Errorf("the table of states has %v", names)
	}
	// Every kind is somewhere.
	for _, k := range allKinds {
		found := inPlace[k] != nil
		for e := range transitions {
			found = found || e.kind == k
		}
		if !found {
			t.Errorf("%q never happens", k)
		}
	}
	// The profiles that the document lists are those that are shipped.
	_, profiles := rows(t, doc, "## Profiles")
	ps, err := NewProfiles()
	if err != nil {
		t.Fatal(err)
	}
	var ids, shippedIDs []string
	for _, r := range profiles {
		ids = append(ids, r[0])
	}
	for _, p := range ps.All() {
		shippedIDs = append(shippedIDs, p.ID)
	}
	if !slices.Equal(ids, shippedIDs) {
		t.Errorf("profiles %v, shipped %v", ids, shippedIDs)
	}
}

func diff(t *testing.T, what string, doc, code map[string]bool) {
	t.Helper()
	for a := range code {
		if !doc[a] {
			t.Errorf("in the code and not %s: %s", what, a)
		}
	}
	for a := range doc {
		if !code[a] {
			t.Errorf("%s and not in the code: %s", what, a)
		}
	}
}

// in gives a holder in a state.
func in(t *testing.T, s State) *run {
	t.Helper()
	good := Validate{By: "centre"}
	x := start()
	if s == notBegun {
		return x
	}
	o := open(t, "waps")
	if s == Moved {
		o.Trigger = Transferred
	}
	x.must(t, o)
	if s == New || s == Moved {
		return x
	}
	if s == Malformed {
		x.must(t, Validate{By: "centre", Failures: []Failure{{Email, "syntax"}}})
		return x
	}
	x.must(t, good)
	x.tick(t)
	x.must(t, Noticed{N: 1, Result: casework.Accepted})
	switch s {
	case Changed:
		x.must(t, Change{By: "holder:1", Contact: contact(t, mailA, "", "Anna"), Profile: profile(t, "waps")})
	case Verified:
		x.must(t, answer(x.last()))
	case Doubted:
		x.must(t, answer(x.last()), Doubt{By: "centre", Cause: Bounce, Claim: Email, Revision: rev(t, Email, mailA), Evidence: "mail:7"})
	case Manual:
		x.must(t, evidenceOf(Email))
	case Overdue:
		x.to(t, 15*day)
	case OnHold:
		x.to(t, 15*day)
		x.to(t, 16*day)
	case Terminated:
		x.must(t, Sanction{By: "person:7", Ground: NoReply, End: true, Text: "x"})
	}
	if x.h.State != s {
		t.Fatalf("%s, want %s", x.h.State, s)
	}
	return x
}

// TestApplyHoldsTheMachine tries every kind of event in every state: Apply takes
// none that the machine does not allow, whatever its body says.
func TestApplyHoldsTheMachine(t *testing.T) {
	for _, s := range append([]State{notBegun}, States()...) {
		for _, kind := range append([]casework.Kind{"unheard of"}, allKinds...) {
			x := in(t, s)
			for _, body := range bodies(t, x, kind) {
				e, err := Seal(x.h, "01HOLDER", Event{Kind: kind, Actor: "person:7", Body: body}, x.now, [32]byte{})
				if err != nil {
					t.Fatal(err)
				}
				next, err := Apply(x.h, e)
				_, edge := transitions[edge{s, kind}]
				if may := edge || inPlace[kind] != nil && inPlace[kind](s); err == nil && !may {
					t.Errorf("%q happened in %q", kind, s)
				}
				if err != nil && mustJSON(t, next) != mustJSON(t, x.h) {
					t.Errorf("%q in %q failed and changed something", kind, s)
				}
			}
		}
	}
}

// bodies are well-formed bodies of a kind.
func bodies(t *testing.T, x *run, kind casework.Kind) []any {
	p := profile(t, "waps")
	r := x.h.record(x.now)
	r.Claims, r.Revisions, r.Level, r.Method, r.Result = []Claim{Email}, Contact{Email: x.h.Contact[Email]}, V2, "documents", Pass
	reused := r
	reused.Reuses = "01OTHER#1"
	n := round(p, DoubtedData, x.now)
	switch kind {
	case KindOpened:
		return []any{Opening{Name: "a.example", Role: Registrant, Contact: contact(t, mailB, "", ""), Round: *pinned(p, Registered, x.now)}}
	case KindChanged:
		return []any{NewContact{Contact: contact(t, mailB, "", "")}, NewContact{Contact: contact(t, mailB, "", ""), Round: pinned(p, ChangedData, x.now)}}
	case KindFormatGood, KindFormatBad:
		return []any{Format{}}
	case KindIssued:
		return []any{Issued{N: x.h.Issued + 1, Claim: Email, Revision: x.h.Contact[Email], Method: ByMail, Expires: x.now.Add(day)}}
	case KindDelivered, KindFailed, KindInDoubt:
		return []any{Message{N: 1}}
	case KindWrong:
		return []any{WrongCode{N: 1}}
	case KindReturned:
		m := r
		m.Method = ByMail
		return []any{Returned{N: 1, Record: m}}
	case KindAttested:
		return []any{Attested{r}}
	case KindReused:
		return []any{Reused{[]Record{reused}}}
	case KindDoubted:
		return []any{InDoubt{Cause: Complaint}, InDoubt{Cause: Complaint, Round: &n}}
	case KindOver:
		return []any{TimeOver{Of: "answer", Due: x.h.Due}, TimeOver{Of: "quarantine"}}
	case KindHeld:
		return []any{Held{Cause: NoAnswer, Statuses: []string{"clientHold"}}, Held{Cause: string(NoReply), Statuses: []string{"clientHold"}}}
	case KindReleased:
		return []any{Released{}}
	case KindTerminated:
		return []any{Ending{Ground: NoReply}}
	case KindGone:
		return []any{Gone{How: Deleted}}
	case KindDisowned, KindAllowed:
		return []any{Disowned{Revision: x.h.Contact[Email]}}
	}
	return []any{Wrote{Text: "x"}}
}

// TestApplyRefuses: a log that contradicts itself does not load, whoever wrote
// it.
func TestApplyRefuses(t *testing.T) {
	rec := func(x *run, f func(*Record)) Record {
		r := x.h.record(x.now)
		r.Claims, r.Revisions, r.Level, r.Method, r.Result = []Claim{Email}, Contact{Email: x.h.Contact[Email]}, V2, ByMail, Pass
		f(&r)
		return r
	}
	hand := func(r *Record) { r.Method = "documents" }
	for _, tc := range []struct {
		name  string
		state State
		actor string
		ev    func(*run) (casework.Kind, any)
	}{
		{"a code that was not issued", Pending, "holder:1", func(x *run) (casework.Kind, any) {
			return KindReturned, Returned{N: 2, Record: rec(x, func(*Record) {})}
		}},
		{"a code for another claim", Pending, "holder:1", func(x *run) (casework.Kind, any) {
			return KindReturned, Returned{N: 1, Record: rec(x, func(r *Record) { r.Claims, r.Revisions = []Claim{Phone}, x.h.Contact })}
		}},
		{"a code for another revision", Pending, "holder:1", func(x *run) (casework.Kind, any) {
			return KindReturned, Returned{N: 1, Record: rec(x, func(r *Record) { r.Revisions = contact(t, mailB, "", "") })}
		}},
		{"a record out of turn", Pending, "holder:1", func(x *run) (casework.Kind, any) {
			return KindReturned, Returned{N: 1, Record: rec(x, func(r *Record) { r.Ref = "01HOLDER#9" })}
		}},
		{"a record of the future", Pending, "holder:1", func(x *run) (casework.Kind, any) {
			return KindReturned, Returned{N: 1, Record: rec(x, func(r *Record) { r.PerformedAt = x.now.Add(day) })}
		}},
		{"a code that is too old", OnHold, "holder:1", func(x *run) (casework.Kind, any) {
			x.now = monday.Add(40 * day)
			return KindReturned, Returned{N: 1, Record: rec(x, func(*Record) {})}
		}},
		{"a hold that ends by itself", OnHold, "centre", func(*run) (casework.Kind, any) { return KindReleased, Released{} }},
		{"a hold that ends by an old verification", OnHold, "centre", func(x *run) (casework.Kind, any) {
			x.now = monday.Add(20 * day)
			return KindReused, Reused{[]Record{rec(x, func(r *Record) { r.Reuses, r.PerformedAt = "01OTHER#1", monday })}}
		}},
		{"evidence of a program", Pending, "centre", func(x *run) (casework.Kind, any) { return KindAttested, Attested{rec(x, hand)} }},
		{"a code that somebody attests", Pending, "person:7", func(x *run) (casework.Kind, any) { return KindAttested, Attested{rec(x, func(*Record) {})} }},
		{"nothing that is reused", Pending, "centre", func(x *run) (casework.Kind, any) { return KindReused, Reused{[]Record{rec(x, hand)}} }},
		{"a hold before the time is over", Pending, "centre", func(*run) (casework.Kind, any) {
			return KindHeld, Held{Cause: NoAnswer, Statuses: []string{"clientHold"}}
		}},
		{"a ground that no person gave", Pending, "centre", func(*run) (casework.Kind, any) {
			return KindHeld, Held{Cause: string(NoReply), Statuses: []string{"clientHold"}}
		}},
		{"a hold of nothing", Overdue, "centre", func(*run) (casework.Kind, any) { return KindHeld, Held{Cause: NoAnswer} }},
		{"an end by a program", OnHold, "centre", func(*run) (casework.Kind, any) { return KindTerminated, Ending{} }},
		{"a time over too soon", Pending, "centre", func(x *run) (casework.Kind, any) {
			return KindOver, TimeOver{Of: "answer", Due: x.h.Due}
		}},
		{"another time", Pending, "centre", func(x *run) (casework.Kind, any) { return KindOver, TimeOver{Of: "answer", Due: x.now} }},
		{"a quarantine that does not run", OnHold, "centre", func(x *run) (casework.Kind, any) { return KindOver, TimeOver{Of: "quarantine"} }},
		{"more time by a doubt", Pending, "centre", func(x *run) (casework.Kind, any) {
			r := round(profile(t, "waps"), DoubtedData, x.now)
			return KindDoubted, InDoubt{Cause: Bounce, Round: &r}
		}},
		{"more time by a change", Pending, "holder:1", func(x *run) (casework.Kind, any) {
			return KindChanged, NewContact{Contact: contact(t, mailB, "", ""), Round: pinned(profile(t, "waps"), ChangedData, x.now)}
		}},
		{"a doubt without a time", Verified, "centre", func(*run) (casework.Kind, any) { return KindDoubted, InDoubt{Cause: Bounce} }},
		{"a time that ends before it begins", Verified, "centre", func(x *run) (casework.Kind, any) {
			r := round(profile(t, "waps"), DoubtedData, x.now.Add(-30*day))
			return KindDoubted, InDoubt{Cause: Bounce, Round: &r}
		}},
		{"a code out of turn", Pending, "centre", func(x *run) (casework.Kind, any) {
			return KindIssued, Issued{N: 7, Claim: Email, Revision: x.h.Contact[Email], Method: ByMail, Expires: x.now.Add(day)}
		}},
		{"a code to somebody else", Pending, "centre", func(x *run) (casework.Kind, any) {
			return KindIssued, Issued{N: 2, Claim: Email, Revision: rev(t, Email, mailB), Method: ByMail, Expires: x.now.Add(day)}
		}},
		{"a code by another way", Pending, "centre", func(x *run) (casework.Kind, any) {
			return KindIssued, Issued{N: 2, Claim: Email, Revision: x.h.Contact[Email], Method: ByCall, Expires: x.now.Add(day)}
		}},
		{"a reminder that runs back", Pending, "centre", func(x *run) (casework.Kind, any) {
			return KindIssued, Issued{N: 2, Claim: Email, Revision: x.h.Contact[Email], Method: ByMail, Expires: x.now.Add(day), BySchedule: true, Remind: x.now}
		}},
		{"a message of no code", Pending, "centre", func(*run) (casework.Kind, any) { return KindDelivered, Message{N: 2} }},
		{"a beginning that is none", notBegun, "centre", func(x *run) (casework.Kind, any) {
			return KindOpened, Opening{Contact: contact(t, mailA, "", ""), Round: *pinned(profile(t, "waps"), ChangedData, x.now)}
		}},
		{"a beginning without terms", notBegun, "centre", func(x *run) (casework.Kind, any) {
			return KindOpened, Opening{Contact: contact(t, mailA, "", ""), Round: round(profile(t, "waps"), Registered, x.now)}
		}},
		{"no JSON", Pending, "centre", func(*run) (casework.Kind, any) { return KindIssued, "x" }},
	} {
		x := in(t, tc.state)
		kind, body := tc.ev(x)
		e, err := Seal(x.h, "01HOLDER", Event{Kind: kind, Actor: tc.actor, Body: body}, x.now, [32]byte{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Apply(x.h, e); err == nil {
			t.Errorf("%s: it applies", tc.name)
		}
	}

	x := in(t, Verified)
	first := x.entries[0]
	first.Payload = nil
	if _, err := Replay([]casework.Entry{first}); err == nil {
		t.Error("a payload that is never erased may be missing")
	}
	if _, err := Replay(x.entries[1:]); err == nil {
		t.Error("a log without its beginning loads")
	}
	if _, err := Replay(slices.Delete(slices.Clone(x.entries), 1, 2)); err == nil {
		t.Error("a log with a gap loads")
	}
	if _, err := Replay(nil); problem.CodeOf(err) != problem.NotFound {
		t.Error(err)
	}
}

// TestManyCodes: codes are forgotten in the end, and a late word about one does
// no harm.
func TestManyCodes(t *testing.T) {
	x := in(t, OnHold)
	for range 3 * maxWaiting {
		x.now = x.now.Add(3 * day)
		x.must(t, Issue{By: "holder:1", Method: ByMail})
	}
	if len(x.h.Codes) != maxWaiting {
		t.Errorf("%d codes are remembered", len(x.h.Codes))
	}
	x.must(t, Noticed{N: 1, Result: casework.Bounced})
	if err := x.do(t, answer(x.codes[1].Text())); problem.CodeOf(err) != problem.Refused {
		t.Error(err)
	}
	x.now = x.now.Add(time.Hour)
	x.must(t, answer(x.last()))
	if x.h.State != Verified {
		t.Errorf("%s", x.h.State)
	}
}
