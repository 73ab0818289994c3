package verify

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/name"
	"bailiwick/problem"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// monday is a Monday.
var monday = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// dice is a source of octets that are the same in every run.
type dice struct{ n uint64 }

func (d *dice) Read(p []byte) (int, error) {
	for i := range p {
		d.n++
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, d.n))
		p[i] = sum[0]
	}
	return len(p), nil
}

// tb is what both *testing.T and *rapid.T can do.
type tb interface {
	Helper()
	Fatalf(string, ...any)
}

// run is a holder with its log, as whoever stores both has them.
type run struct {
	h       Holder
	entries []casework.Entry
	now     time.Time
	dice    *dice
	codes   []Code // by number, from 1
}

func start() *run { return &run{now: monday, dice: &dice{}, codes: make([]Code, 1)} }

func (x *run) code(t tb) Code {
	t.Helper()
	c, err := NewCode(x.dice)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return c
}

// do gives a command and seals what follows; it returns the error.
func (x *run) do(t tb, cmd Command) error {
	t.Helper()
	evs, err := Decide(x.h, cmd, x.now)
	if err != nil {
		return err
	}
	for _, ev := range evs {
		x.seal(t, ev)
	}
	for _, ev := range evs { // the messages leave at once
		if n, _, ok := Sent(ev); ok {
			if n != len(x.codes) {
				t.Fatalf("code %d follows %d", n, len(x.codes)-1)
			}
			x.codes = append(x.codes, x.code(t))
			x.must(t, Make{By: "centre", N: n, Code: x.codes[n]})
		}
	}
	return nil
}

func (x *run) seal(t tb, ev Event) {
	t.Helper()
	e, err := Seal(x.h, "01HOLDER", ev, x.now, [32]byte{byte(len(x.entries) + 1)})
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	next, err := Apply(x.h, e)
	if err != nil {
		t.Fatalf("what was decided does not apply: %v", err)
	}
	x.h, x.entries = next, append(x.entries, e)
}

func (x *run) must(t tb, cmds ...Command) {
	t.Helper()
	for _, c := range cmds {
		if err := x.do(t, c); err != nil {
			t.Fatalf("%T: %v", c, err)
		}
	}
}

// to moves the clock to some time after the beginning and ticks.
func (x *run) to(t tb, d time.Duration) {
	t.Helper()
	x.now = monday.Add(d)
	x.tick(t)
}

func (x *run) tick(t tb) {
	t.Helper()
	x.must(t, Tick{})
}

// last is the text of the code that was sent last.
func (x *run) last() string { return x.codes[len(x.codes)-1].Text() }

func (x *run) kinds() string {
	var out []string
	for _, e := range x.entries {
		if e.Kind != KindMade { // follows each that is issued
			out = append(out, string(e.Kind))
		}
	}
	return strings.Join(out, ", ")
}

func profile(t tb, id string) Profile {
	t.Helper()
	ps, err := NewProfiles()
	if err != nil {
		t.Fatalf("the shipped profiles: %v", err)
	}
	p, err := ps.Profile(id)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return p
}

func domain(t tb, s string) name.Domain {
	t.Helper()
	d, err := name.Parse(s)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return d
}

var key = bytes.Repeat([]byte{7}, MinKey)

const (
	mailA  = "anna@mail.example"
	mailB  = "berta@mail.example"
	phoneA = "+44.7700900123"
	secret = "Zanzibar" // a word that only personal payloads may hold
	digest = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
)

func rev(t tb, c Claim, v string) Revision {
	t.Helper()
	r, err := Revise(key, c, v)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return r
}

// contact is a contact of mail, telephone and name; "" leaves one out.
func contact(t tb, mail, phone, name string) Contact {
	t.Helper()
	out := Contact{}
	for c, v := range map[Claim]string{Email: mail, Phone: phone, Name: name} {
		if v != "" {
			out[c] = rev(t, c, v)
		}
	}
	return out
}

func open(t tb, profileID string) Open {
	t.Helper()
	return Open{By: "centre", Name: domain(t, "shop.example"), Role: Registrant, Trigger: Registered, Contact: contact(t, mailA, phoneA, "Anna"), Profile: profile(t, profileID)}
}

// pending is a registration whose first code arrived.
func pending(t tb, profileID string) *run {
	t.Helper()
	x := start()
	x.must(t, open(t, profileID), Validate{By: "centre"})
	x.tick(t)
	x.must(t, Noticed{N: 1, Result: casework.Accepted, Response: "250 2.0.0 ok"})
	return x
}

func answer(text string) Answer { return Answer{By: "holder:01HOLDER", Code: text} }

// evidenceOf is evidence for a claim that is in order.
func evidenceOf(claims ...Claim) Attest {
	return Attest{By: "person:7", Claims: claims, Level: V2, Method: "documents", Evidence: "register_extract", Digest: digest, HeldBy: "registrar:9999",
		Framework: "none", Audit: "ticket-42", Result: Pass}
}

// TestWAPS is the course of a registrant who is silent under WAPS: codes on the
// days 0, 5, 10 and 13, the time over after 15, on hold on the sixteenth, and
// back with an answer.
func TestWAPS(t *testing.T) {
	x := start()
	x.must(t, open(t, "waps"), Validate{By: "centre"})
	if !x.h.Due.Equal(monday.Add(15*day)) || !x.h.HoldAt.Equal(monday.Add(16*day)) || x.h.State != Pending {
		t.Fatalf("due %s, hold %s, %s", x.h.Due, x.h.HoldAt, x.h.State)
	}
	if x.h.Caveat() != NotForCompliance {
		t.Error("it passes for the rule itself")
	}
	var sent []int
	for hour := 0; hour <= 16*24; hour++ {
		n := x.h.Issued
		x.to(t, time.Duration(hour)*time.Hour)
		if x.h.Issued > n {
			sent = append(sent, hour)
			x.must(t, Noticed{N: x.h.Issued, Result: casework.Accepted})
		}
		want := Pending
		switch {
		case hour >= 16*24:
			want = OnHold
		case hour >= 15*24:
			want = Overdue
		}
		if x.h.State != want {
			t.Fatalf("in hour %d: %s, want %s", hour, x.h.State, want)
		}
	}
	if !slices.Equal(sent, []int{0, 5 * 24, 10 * 24, 13 * 24}) {
		t.Errorf("codes were sent in the hours %v", sent)
	}
	if !slices.Equal(x.h.Hold.Statuses, []string{"clientHold"}) || x.h.Hold.Cause != NoAnswer || x.h.State.Active() {
		t.Errorf("%+v", x.h.Hold)
	}
	// The code of day 13 lives for 15 days, and an answer takes the hold away.
	x.now = monday.Add(20 * day)
	x.must(t, answer(x.last()))
	if x.h.State != Verified || x.h.Hold != nil || !x.h.State.Active() || !x.h.NextDue().IsZero() {
		t.Fatalf("%+v", x.h)
	}
	r := x.h.Verified[Email]
	want := Record{Ref: "01HOLDER#1", Subject: "01HOLDER", Claims: []Claim{Email}, Revisions: Contact{Email: rev(t, Email, mailA)}, Level: V2, Method: ByMail,
		Verifier: "holder:01HOLDER", Result: Pass, PerformedAt: x.now, Policy: "waps"}
	if d := cmp.Diff(want, r); d != "" {
		t.Errorf("want -, got +\n%s", d)
	}
	if err := casework.VerifyChain(x.entries); err != nil {
		t.Error(err)
	}
}

// TestCourses: what state some commands lead to, and what is next due.
func TestCourses(t *testing.T) {
	mail := rev(t, Email, mailA)
	bounce := Doubt{By: "centre", Cause: Bounce, Claim: Email, Revision: mail, Evidence: "mail:7"}
	complaint := Doubt{By: "person:7", Cause: Complaint, Claim: Name, Revision: rev(t, Name, "Anna"), Evidence: "case:7"}
	good := Validate{By: "centre"}
	changed := func(mail, phone, name string) Change {
		return Change{By: "holder:1", Contact: contact(t, mail, phone, name), Profile: profile(t, "waps")}
	}
	at := func(d time.Duration) func(*run) { return func(x *run) { x.to(t, d) } }
	do := func(c ...Command) func(*run) { return func(x *run) { x.must(t, c...) } }
	back := func(x *run) { x.must(t, answer(x.last())) }
	reached := func(x *run) { x.must(t, Noticed{N: x.h.Issued, Result: casework.Accepted}) }
	wilful := Sanction{By: "person:7", Ground: WilfulInaccuracy, Text: secret}
	for _, tc := range []struct {
		name    string
		profile string
		role    Role
		steps   []func(*run)
		state   State
		due     time.Duration // from monday; -1 for nothing
		person  bool
	}{
		{"answered", "waps", Registrant, []func(*run){back}, Verified, -1, false},
		{"by hand", "waps", Registrant, []func(*run){do(evidenceOf(Email))}, Manual, -1, false},
		{"evidence of the form alone", "waps", Registrant, []func(*run){do(func() Command { a := evidenceOf(Email); a.Level = V1; return a }())}, Pending, 5 * day, false},
		{"evidence of something else", "waps", Registrant, []func(*run){do(evidenceOf(Name))}, Pending, 5 * day, false},
		{"an account holder is never held", "waps", AccountHolder, []func(*run){at(15 * day), at(40 * day)}, Overdue, -1, true},
		{"a person holds them", "waps", AccountHolder, []func(*run){at(15 * day), do(Suspend{By: "person:7", Text: secret})}, OnHold, -1, false},
		{"both are needed", "plain", Registrant, []func(*run){func(x *run) { x.must(t, answer(x.codes[1].Text())) }}, Pending, 7 * day, false},
		{"both were given", "plain", Registrant, []func(*run){func(x *run) { x.must(t, answer(x.codes[1].Text()), answer(x.codes[2].Text())) }}, Verified, -1, false},
		{"one by code and one by hand", "plain", Registrant, []func(*run){func(x *run) { x.must(t, answer(x.codes[1].Text()), evidenceOf(Phone)) }}, Manual, -1, false},
		{"business days", "nl", Registrant, []func(*run){at(3*day - time.Hour)}, Pending, 3 * day, false},
		{"business days over", "nl", Registrant, []func(*run){at(3 * day)}, Overdue, -1, true},
		{"a quarantine that is over", "de", Registrant, []func(*run){at(30 * day), at(121 * day)}, OnHold, -1, true},
		{"a quarantine that runs", "de", Registrant, []func(*run){at(30 * day)}, OnHold, 120 * day, false},
		{"back from a quarantine that is over", "de", Registrant, []func(*run){at(30 * day), at(121 * day), do(evidenceOf(Email))}, Manual, -1, false},
		{"ended after it, by a person", "de", Registrant, []func(*run){at(30 * day), at(121 * day), do(Sanction{By: "person:7", Ground: AfterQuarantine, End: true, Text: secret})}, Terminated, -1, false},
		{"a bounce after it was verified", "waps", Registrant, []func(*run){back, at(100 * day), do(bounce)}, Doubted, 115 * day, false},
		{"a bounce of another address", "waps", Registrant, []func(*run){back, do(Doubt{By: "centre", Cause: Bounce, Claim: Email, Revision: rev(t, Email, mailB), Evidence: "mail:7"})}, Verified, -1, false},
		{"a doubt wins no time", "waps", Registrant, []func(*run){at(10 * day), do(bounce)}, Pending, 13 * day, false},
		{"a doubt about the name: the mail address is verified", "waps", Registrant, []func(*run){back, do(complaint, good), at(0), back}, Verified, -1, false},
		{"the telephone is not enough then", "waps", Registrant, []func(*run){back, do(complaint, good), at(0), do(evidenceOf(Phone))}, Pending, 5 * day, false},
		{"a finding against it", "waps", Registrant, []func(*run){back, do(func() Command { a := evidenceOf(Name); a.Result = Fail; return a }())}, Doubted, 15 * day, false},
		{"nothing found", "waps", Registrant, []func(*run){back, do(func() Command { a := evidenceOf(Name); a.Result = Inconclusive; return a }())}, Verified, -1, false},
		{"an address that moved: the rest is skipped", "waps", Registrant, []func(*run){back, do(changed(mailA, phoneA, "Anne"), good)}, Verified, -1, false},
		{"not after a doubt", "waps", Registrant, []func(*run){back, do(complaint, changed(mailA, phoneA, "Anne"), good)}, Pending, 0, false},
		{"new mail, new answer", "waps", Registrant, []func(*run){back, do(changed(mailB, "", "Anna"), good)}, Pending, 0, false},
		{"the same data again is no change", "waps", Registrant, []func(*run){back, do(changed(mailA, phoneA, "Anna"))}, Verified, -1, false},
		{"a wrong format is no hold", "waps", Registrant, []func(*run){do(changed(mailB, phoneA, "Anna"), Validate{By: "centre", Failures: []Failure{{Name, "placeholder"}}}), at(30 * day)}, Overdue, -1, true},
		{"what is put right is sent for at once", "waps", Registrant, []func(*run){do(changed(mailB, phoneA, "Anna"), Validate{By: "centre", Failures: []Failure{{Name, "placeholder"}}}, changed(mailB, phoneA, "Anne"), good)}, Pending, 0, false},
		{"no mail address, no telephone", "waps", Registrant, []func(*run){do(changed("", "", "Anna"), good)}, Malformed, 15 * day, false},
		{"a change wins no time", "waps", Registrant, []func(*run){at(14 * day), do(changed(mailB, phoneA, "Anna"), good), at(14 * day)}, Pending, 15 * day, false},
		{"but five days of notice", "waps", Registrant, []func(*run){at(14 * day), do(changed(mailB, phoneA, "Anna"), good), at(14 * day), reached, at(16 * day)}, Overdue, 19 * day, false},
		{"after them the hold", "waps", Registrant, []func(*run){at(14 * day), do(changed(mailB, phoneA, "Anna"), good), at(14 * day), reached, at(19 * day)}, OnHold, -1, false},
		{"changed too late for a clock: a person decides", "waps", Registrant, []func(*run){at(15 * day), do(changed(mailB, phoneA, "Anna"), good), at(17 * day), reached, at(60 * day)}, Overdue, -1, true},
		{"held for a ground", "waps", Registrant, []func(*run){back, do(wilful)}, OnHold, -1, true},
		{"an answer alone does not end that", "waps", Registrant, []func(*run){back, do(wilful, evidenceOf(Email, Name))}, OnHold, -1, true},
		{"a person does", "waps", Registrant, []func(*run){back, do(wilful, evidenceOf(Email, Name), Release{By: "person:7", Text: secret})}, Manual, -1, false},
		{"ended for a ground", "waps", Registrant, []func(*run){do(Sanction{By: "person:7", Ground: NoReply, End: true, Text: secret})}, Terminated, -1, false},
		{"evidence from before the hold", "waps", Registrant, []func(*run){at(15 * day), at(16 * day), do(func() Command { a := evidenceOf(Email); a.At = monday.Add(day); return a }())}, OnHold, -1, false},
		{"evidence on hold", "waps", Registrant, []func(*run){at(15 * day), at(16 * day), do(evidenceOf(Email))}, Manual, -1, false},
		{"good until a day", "waps", Registrant, []func(*run){do(func() Command { a := evidenceOf(Email); a.ValidUntil = monday.Add(50 * day); return a }())}, Manual, 50 * day, false},
		{"old news of a verification takes none away", "waps", Registrant, []func(*run){back, do(complaint, good), at(day), back, do(func() Command { a := evidenceOf(Email); a.At = monday; return a }())}, Verified, -1, false},
		{"nor does a shorter one", "waps", Registrant, []func(*run){back, do(func() Command { a := evidenceOf(Email); a.ValidUntil = monday.Add(50 * day); return a }())}, Verified, -1, false},
		{"good no longer", "waps", Registrant, []func(*run){do(func() Command { a := evidenceOf(Email); a.ValidUntil = monday.Add(50 * day); return a }()), at(50 * day)}, Doubted, 65 * day, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := start()
			o := open(t, tc.profile)
			o.Role = tc.role
			x.must(t, o, good)
			x.tick(t)
			x.must(t, Noticed{N: 1, Result: casework.Accepted})
			for _, s := range tc.steps {
				s(x)
			}
			due := x.h.NextDue()
			want := time.Time{}
			if tc.due >= 0 {
				want = monday.Add(tc.due)
			}
			if x.h.State != tc.state || !due.Equal(want) || x.h.ByPerson() != tc.person {
				t.Errorf("%s, due %s, by a person %v; want %s, %s, %v\n%s", x.h.State, due, x.h.ByPerson(), tc.state, want, tc.person, x.kinds())
			}
			if again, err := Replay(x.entries); err != nil || !reflect.DeepEqual(again, x.h) {
				t.Errorf("replayed: %v %s", err, cmp.Diff(x.h, again))
			}
		})
	}
}

// TestUnreached: a clock holds nobody whom no code has reached, whatever the
// reason; a person may.
func TestUnreached(t *testing.T) {
	for _, tc := range []struct {
		name   string
		result casework.Result
		holds  bool
	}{
		{"nobody knows", "", false},
		{"in doubt", casework.Doubtful, false},
		{"no server took it", casework.Undelivered, false},
		{"sent back", casework.Bounced, true},
		{"accepted", casework.Accepted, true},
	} {
		x := start()
		x.must(t, open(t, "waps"), Validate{By: "centre"})
		x.tick(t)
		if tc.result != "" {
			x.must(t, Noticed{N: 1, Result: tc.result, Response: "550 5.1.1 <" + mailA + "> unknown"})
		}
		x.to(t, 16*day)
		if (x.h.State == OnHold) != tc.holds || x.h.ByPerson() == tc.holds {
			t.Errorf("%s: %s", tc.name, x.h.State)
		}
		for _, e := range x.entries {
			if bytes.Contains(e.Payload.Body, []byte("anna")) {
				t.Errorf("%s: %q holds the address", tc.name, e.Kind)
			}
		}
	}
	if got := replyCode("550 5.1.1 <a@mail.example> 7"); got != "550 5.1.1" {
		t.Errorf("%q", got)
	}
	if got := replyCode("no such user 550"); got != "" {
		t.Errorf("%q", got)
	}
}

// TestSkip: identical data that is verified and not in doubt is not verified
// again, and nothing else is skipped.
func TestSkip(t *testing.T) {
	from := pending(t, "waps")
	from.must(t, answer(from.last()))
	first := from.h.Verified[Email]
	with := func(f func(*Earlier)) Earlier {
		r := first
		r.Ref, r.Revisions = "01OTHER#4", maps.Clone(first.Revisions)
		x := Earlier{Record: r}
		f(&x)
		return x
	}
	for _, tc := range []struct {
		name string
		x    Earlier
		skip bool
	}{
		{"the same", with(func(*Earlier) {}), true},
		{"in doubt", with(func(x *Earlier) { x.Doubted = true }), false},
		{"another address", with(func(x *Earlier) { x.Record.Revisions[Email] = rev(t, Email, mailB) }), false},
		{"the form alone", with(func(x *Earlier) { x.Record.Level = V1 }), false},
		{"failed", with(func(x *Earlier) { x.Record.Result = Fail }), false},
		{"inconclusive", with(func(x *Earlier) { x.Record.Result = Inconclusive }), false},
		{"good no longer", with(func(x *Earlier) { x.Record.ValidUntil = monday.Add(day) }), false},
		{"in the future", with(func(x *Earlier) { x.Record.PerformedAt = monday.Add(300 * day) }), false},
		{"of something else", with(func(x *Earlier) { x.Record.Claims = []Claim{Name} }), false},
		{"without a reference", with(func(x *Earlier) { x.Record.Ref = "" }), false},
	} {
		x := start()
		x.now = monday.Add(200 * day)
		x.must(t, open(t, "waps"), Validate{By: "centre", Earlier: []Earlier{tc.x}})
		if (x.h.State == Verified) != tc.skip || (x.h.Issued > 0) || x.h.NextDue().IsZero() != tc.skip {
			t.Errorf("%s: %s", tc.name, x.h.State)
		}
		if tc.skip {
			if r := x.h.Verified[Email]; r.Reuses != "01OTHER#4" || r.Subject != x.h.ID || !r.PerformedAt.Equal(first.PerformedAt) {
				t.Errorf("%s: %+v", tc.name, r)
			}
			continue
		}
		// Nor does it stand in later.
		if err := x.do(t, Reuse{By: "centre", Earlier: tc.x}); problem.CodeOf(err) != problem.Refused {
			t.Errorf("%s, later: %v", tc.name, err)
		}
	}

	// One answer for all names of a holder, also from a hold, if it is younger.
	x := pending(t, "waps")
	x.to(t, 15*day)
	x.to(t, 16*day)
	old := with(func(*Earlier) {})
	if err := x.do(t, Reuse{By: "centre", Earlier: old}); problem.CodeOf(err) != problem.Refused || x.h.State != OnHold {
		t.Fatalf("an answer from before the hold: %v", err)
	}
	same := with(func(x *Earlier) { x.Record.PerformedAt = monday.Add(16 * day) })
	if err := x.do(t, Reuse{By: "centre", Earlier: same}); problem.CodeOf(err) != problem.Refused {
		t.Fatalf("an answer of the same moment as the hold: %v", err)
	}
	x.now = monday.Add(18 * day)
	young := with(func(x *Earlier) { x.Record.PerformedAt = monday.Add(17 * day) })
	x.must(t, Reuse{By: "centre", Earlier: young})
	if x.h.State != Verified || x.h.Hold != nil {
		t.Fatalf("%s", x.h.State)
	}
}

// TestCodes: what a code can do, and what not.
func TestCodes(t *testing.T) {
	text := func(x *run) string { return x.codes[1].Text() }
	changed := func(c Contact) Change { return Change{By: "holder:1", Contact: c, Profile: profile(t, "waps")} }
	other := start()
	other.dice.n = 1 << 20
	stranger := other.code(t)
	for _, tc := range []struct {
		name  string
		given func(*run)
		code  func(*run) string
		want  problem.Code // "" for a wrong secret
	}{
		{"no code", func(*run) {}, func(*run) string { return "hello" }, problem.Invalid},
		{"nobody's code", func(*run) {}, func(*run) string { return stranger.Text() }, problem.Refused},
		{"a wrong letter in the secret", func(*run) {}, func(x *run) string { return flip(text(x), 30) }, ""},
		{"a wrong letter in the selector", func(*run) {}, func(x *run) string { return flip(text(x), 2) }, problem.Refused},
		{"twice", func(x *run) { x.must(t, answer(text(x))) }, text, problem.Conflict},
		{"too old", func(x *run) { x.now = monday.Add(15 * day) }, text, problem.Conflict},
		{"tried too often", func(x *run) {
			for range 5 {
				x.must(t, answer(flip(text(x), 30)))
			}
		}, text, problem.Refused},
		{"for data that changed", func(x *run) { x.must(t, changed(contact(t, mailB, phoneA, "Anna")), Validate{By: "centre"}) }, text, problem.Conflict},
		{"for data that changed and changed back", func(x *run) {
			x.must(t, changed(contact(t, mailB, phoneA, "Anna")), changed(contact(t, mailA, phoneA, "Anna")), Validate{By: "centre"})
		}, text, problem.Conflict},
		{"verified by hand meanwhile", func(x *run) { x.must(t, evidenceOf(Email)) }, text, problem.Conflict},
		{"the registration was ended", func(x *run) {
			x.must(t, Sanction{By: "person:7", Ground: NoReply, End: true, Text: secret})
		}, text, problem.Conflict},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := pending(t, "waps")
			tc.given(x)
			was := x.h
			evs, err := Decide(x.h, answer(tc.code(x)), x.now)
			if tc.want == "" {
				if ok, left := Right(evs); err != nil || ok || left != 4 || len(evs) != 1 || evs[0].Kind != KindWrong {
					t.Fatalf("%v %v, %d left", evs, err, left)
				}
				return
			}
			if problem.CodeOf(err) != tc.want || err == nil || len(evs) != 0 {
				t.Fatalf("%v %v, want %s", evs, err, tc.want)
			}
			if strings.Contains(err.Error(), text(x)) {
				t.Error("the error says the code")
			}
			// Who typed it is told why.
			for name, why := range map[string]string{"twice": "returned already", "for data that changed": "data that has changed", "too old": "too old", "verified by hand meanwhile": "not needed"} {
				if tc.name == name && !strings.Contains(err.Error(), why) {
					t.Errorf("%v, want %q", err, why)
				}
			}
			if d := cmp.Diff(was, x.h); d != "" {
				t.Error(d)
			}
		})
	}

	x := pending(t, "waps")
	x.to(t, 5*day)
	// Any code that lives does, in any spelling, up to the last moment.
	x.now = monday.Add(15*day - time.Microsecond)
	spelt := strings.ToUpper(strings.NewReplacer("-", " ", "0", "O", "1", "l").Replace(text(x)))
	evs, err := Decide(x.h, answer(spelt), x.now)
	if ok, _ := Right(evs); !ok || err != nil {
		t.Fatalf("%v %v", evs, err)
	}

	// More codes: not at once again, not without end, and only for what counts.
	x = pending(t, "waps")
	if err := x.do(t, Issue{By: "holder:1", Method: ByMail}); problem.CodeOf(err) != problem.RateLimited {
		t.Errorf("at once again: %v", err)
	}
	if err := x.do(t, Issue{By: "holder:1", Method: ByMessage}); err != nil {
		t.Errorf("by telephone: %v", err)
	}
	for i := 0; x.h.Issued < MaxLive; i++ {
		x.now = x.now.Add(time.Hour)
		x.must(t, Issue{By: "holder:1", Method: ByMail})
	}
	x.now = x.now.Add(time.Hour)
	if err := x.do(t, Issue{By: "holder:1", Method: ByMail}); problem.CodeOf(err) != problem.RateLimited {
		t.Errorf("without end: %v", err)
	}
	for what, cmd := range map[string]Issue{
		"no such method": {By: "holder:1", Method: "pigeon"},
		"by documents":   {By: "holder:1", Method: "documents"},
		"nobody":         {By: "Anna", Method: ByCall},
	} {
		y := pending(t, "waps")
		if err := y.do(t, cmd); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	y := pending(t, "de")
	if err := y.do(t, Issue{By: "holder:1", Method: ByCall}); problem.CodeOf(err) != problem.Refused {
		t.Errorf("a telephone where the mail address counts: %v", err)
	}
	if err := start().do(t, Tick{}); problem.CodeOf(err) != problem.NotFound {
		t.Error(err)
	}
}

// TestMake: a code is there from when its message leaves, and a message that is
// tried again carries another.
func TestMake(t *testing.T) {
	x := start()
	x.must(t, open(t, "plain"), Validate{By: "centre"})
	evs, err := Decide(x.h, Tick{}, x.now)
	if err != nil || len(evs) != 2 { // mail and telephone, each
		t.Fatalf("%v %v", evs, err)
	}
	for _, ev := range evs {
		x.seal(t, ev)
	}
	if left := x.h.Unsent(x.now); len(left) != 1 || left[0].N != 2 || len(x.h.Unsent(x.now.Add(15*day))) != 0 {
		t.Errorf("%+v", left)
	}
	first, again, other := x.code(t), x.code(t), x.code(t)
	if err := x.do(t, answer(first.Text())); problem.CodeOf(err) != problem.Refused {
		t.Errorf("a code that nobody was sent: %v", err)
	}
	for what, cmd := range map[string]Make{"no code": {By: "centre", N: 1}, "nobody": {By: "Anna", N: 1, Code: first}} {
		if err := x.do(t, cmd); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := x.do(t, Make{By: "centre", N: 3, Code: first}); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("of no message: %v", err)
	}
	x.must(t, Make{By: "centre", N: 1, Code: first})
	if err := x.do(t, Make{By: "centre", N: 2, Code: first}); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("one code twice: %v", err)
	}
	x.must(t, Make{By: "centre", N: 1, Code: again}, Make{By: "person:7", N: 2, Code: other})
	if len(x.h.Unsent(x.now)) != 0 {
		t.Error("a code that was fetched waits")
	}
	if err := x.do(t, answer(first.Text())); problem.CodeOf(err) != problem.Refused {
		t.Errorf("the code of the message before: %v", err)
	}
	x.must(t, answer(again.Text()), answer(other.Text()))
	if x.h.State != Verified {
		t.Errorf("%s", x.h.State)
	}
	if err := x.do(t, Make{By: "centre", N: 1, Code: x.code(t)}); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("a code that is not needed any more: %v", err)
	}
	// What the log says of a code is held against what it said before.
	y := pending(t, "waps")
	for what, b := range map[string]Made{"none": {N: 1}, "used before": {N: 1, Selector: y.h.Codes[0].Selector}, "no such code": {N: 2, Selector: "abcdefgh"}} {
		e, err := Seal(y.h, "01HOLDER", Event{Kind: KindMade, Actor: "centre", Body: b}, y.now, [32]byte{1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Apply(y.h, e); err == nil {
			t.Errorf("%s: it applies", what)
		}
	}
	// A log from before codes were made late has them where they were issued.
	old := Issued{N: 2, Selector: other.selector(), Digest: other.digest("01HOLDER", 2, Email, y.h.Contact[Email]), Claim: Email, Revision: y.h.Contact[Email], Method: ByMail, Expires: y.now.Add(day)}
	y.seal(t, Event{Kind: KindIssued, Actor: "centre", Body: old})
	y.must(t, answer(other.Text()))
	if y.h.State != Verified {
		t.Errorf("%s", y.h.State)
	}
}

// TestFull: a mailbox that is full today casts no doubt, and one that stays so does.
func TestFull(t *testing.T) {
	full := func(n int) Noticed {
		return Noticed{N: n, Result: casework.Bounced, Response: "552 5.2.2 full", Full: true}
	}
	x := pending(t, "waps")
	x.must(t, full(1))
	if x.h.Failed != 0 || x.h.StaysFull() || x.h.FullFirst.IsZero() {
		t.Errorf("once: %+v", x.h)
	}
	x.to(t, 3*day)
	x.must(t, full(1)) // another report, of the same week
	if x.h.StaysFull() {
		t.Error("after three days")
	}
	x.to(t, 5*day)
	x.must(t, full(2))
	if !x.h.StaysFull() {
		t.Errorf("after five days: %+v", x.h)
	}
	x.must(t, Doubt{By: "centre", Cause: Full, Claim: Email, Revision: x.h.Contact[Email], Evidence: "mail:7"})
	if x.h.Round != 1 || x.h.Since.IsZero() {
		t.Errorf("%+v", x.h)
	}
	for what, cmd := range map[string]Command{
		"an answer":        answer(x.last()),
		"another mail":     Change{By: "holder:1", Contact: contact(t, mailB, phoneA, "Anna"), Profile: profile(t, "waps")},
		"by telephone":     Doubt{By: "centre", Cause: Full, Claim: Phone, Revision: x.h.Contact[Phone], Evidence: "mail:7"},
		"an old profile":   nil,
		"of what was left": full(1),
	} {
		y := *x
		switch what {
		case "by telephone":
			if err := y.do(t, cmd); problem.CodeOf(err) != problem.Invalid {
				t.Errorf("%s: %v", what, err)
			}
			continue
		case "an old profile":
			y.h.Terms.Profile.Full = Limit{}
		case "of what was left":
			y.must(t, Change{By: "holder:1", Contact: contact(t, mailB, phoneA, "Anna"), Profile: profile(t, "waps")}, cmd)
		default:
			y.must(t, cmd)
		}
		if y.h.StaysFull() {
			t.Errorf("%s, and it stays full", what)
		}
	}
}

// flip changes the letter of a code at a place.
func flip(s string, i int) string {
	if s[i] == '-' {
		i++
	}
	c := byte('2')
	if s[i] == c {
		c = '3'
	}
	return s[:i] + string(c) + s[i+1:]
}

// TestRules: what no command may do.
func TestRules(t *testing.T) {
	hold := func(t *testing.T) *run {
		x := pending(t, "waps")
		x.to(t, 15*day)
		x.to(t, 16*day)
		return x
	}
	wait := func(t *testing.T) *run { return pending(t, "waps") }
	late := func(t *testing.T) *run { x := wait(t); x.to(t, 15*day); return x }
	att := func(f func(*Attest)) Attest { a := evidenceOf(Email); f(&a); return a }
	for _, tc := range []struct {
		name  string
		x     func(*testing.T) *run
		cmd   Command
		code  problem.Code
		field string
	}{
		{"opened twice", wait, open(t, "waps"), problem.Conflict, ""},
		{"the format is checked once", wait, Validate{By: "centre"}, problem.Conflict, ""},
		{"no program attests", wait, att(func(a *Attest) { a.By = "centre" }), problem.Refused, ""},
		{"no key attests", wait, att(func(a *Attest) { a.By = "person:7/key:k" }), problem.Refused, ""},
		{"no holder attests", wait, att(func(a *Attest) { a.By = "holder:01HOLDER" }), problem.Refused, ""},
		{"nothing attested", wait, att(func(a *Attest) { a.Claims = nil }), problem.Invalid, "claims"},
		{"what the contact does not say", wait, att(func(a *Attest) { a.Claims = []Claim{OrgID} }), problem.Invalid, "claims"},
		{"no level", wait, att(func(a *Attest) { a.Level = "V4" }), problem.Invalid, "level"},
		{"a code that nobody returned", wait, att(func(a *Attest) { a.Method = ByMail }), problem.Invalid, "method"},
		{"a document without its digest", wait, att(func(a *Attest) { a.Digest = "" }), problem.Invalid, "digest"},
		{"a document in place of its digest", wait, att(func(a *Attest) { a.Digest = strings.Repeat("J", 64) }), problem.Invalid, "digest"},
		{"a document that nobody holds", wait, att(func(a *Attest) { a.HeldBy = "" }), problem.Invalid, "held_by"},
		{"held by a name", wait, att(func(a *Attest) { a.HeldBy = "Anna Example" }), problem.Invalid, "held_by"},
		{"a digest of nothing", wait, att(func(a *Attest) { a.Evidence = "none" }), problem.Invalid, "evidence"},
		{"an unknown evidence", wait, att(func(a *Attest) { a.Evidence = "rumour" }), problem.Invalid, "evidence"},
		{"no ticket", wait, att(func(a *Attest) { a.Audit = "" }), problem.Invalid, "audit"},
		{"words in place of a ticket", wait, att(func(a *Attest) { a.Audit = "passport of Anna" }), problem.Invalid, "audit"},
		{"words in place of a framework", wait, att(func(a *Attest) { a.Framework = "she said so" }), problem.Invalid, "framework"},
		{"no result", wait, att(func(a *Attest) { a.Result = "maybe" }), problem.Invalid, "result"},
		{"in the future", wait, att(func(a *Attest) { a.At = monday.Add(day) }), problem.Invalid, "at"},
		{"good until yesterday", wait, att(func(a *Attest) { a.ValidUntil = monday.Add(-day) }), problem.Invalid, "valid_until"},
		{"another way without words", wait, att(func(a *Attest) { a.Method = "other" }), problem.Invalid, "text"},
		{"held before the time is over", wait, Suspend{By: "person:7", Text: "x"}, problem.Conflict, ""},
		{"held by a program", late, Suspend{By: "centre", Text: "x"}, problem.Refused, ""},
		{"held without a reason", late, Suspend{By: "person:7"}, problem.Invalid, "text"},
		{"no program finds it wilful", wait, Sanction{By: "rule:all", Ground: WilfulInaccuracy, Text: "x"}, problem.Refused, ""},
		{"no key ends a registration", wait, Sanction{By: "person:7/key:k", Ground: NoReply, End: true, Text: "x"}, problem.Refused, ""},
		{"without a reason", wait, Sanction{By: "person:7", Ground: NoReply}, problem.Invalid, "text"},
		{"for no ground", wait, Sanction{By: "person:7", Ground: "dislike", Text: "x"}, problem.Invalid, "ground"},
		{"a ground that the profile does not know", func(t *testing.T) *run { return pending(t, "plain") }, Sanction{By: "person:7", Ground: NoReply, Text: "x"}, problem.Refused, ""},
		{"ended with no quarantine over", hold, Sanction{By: "person:7", Ground: AfterQuarantine, End: true, Text: "x"}, problem.Conflict, ""},
		{"held after a quarantine", hold, Sanction{By: "person:7", Ground: AfterQuarantine, Text: "x"}, problem.Refused, ""},
		{"released with nothing verified", hold, Release{By: "person:7", Text: "x"}, problem.Refused, ""},
		{"released by a program", hold, Release{By: "centre", Text: "x"}, problem.Refused, ""},
		{"nothing to release", wait, Release{By: "person:7", Text: "x"}, problem.Conflict, ""},
		{"no program upholds a complaint", wait, Doubt{By: "centre", Cause: Complaint, Claim: Email, Revision: rev(t, Email, mailA), Evidence: "case:1"}, problem.Refused, ""},
		{"a doubt without evidence", wait, Doubt{By: "centre", Cause: Bounce, Claim: Email, Revision: rev(t, Email, mailA)}, problem.Invalid, "evidence"},
		{"a doubt about nothing", wait, Doubt{By: "centre", Cause: Bounce, Claim: Email, Evidence: "mail:1"}, problem.Invalid, "revision"},
		{"a telephone that bounced", wait, Doubt{By: "centre", Cause: Bounce, Claim: Phone, Revision: rev(t, Phone, phoneA), Evidence: "mail:1"}, problem.Invalid, "claim"},
		{"only time says it expired", wait, Doubt{By: "person:7", Cause: Expired, Claim: Email, Revision: rev(t, Email, mailA), Evidence: "mail:1"}, problem.Invalid, "cause"},
		{"a message that was not sent", wait, Noticed{N: 2, Result: casework.Accepted}, problem.NotFound, ""},
		{"an empty contact", wait, Change{By: "holder:1", Profile: profile(t, "waps")}, problem.Invalid, "contact"},
		{"an address in place of its revision", wait, Change{By: "holder:1", Contact: Contact{Email: mailA}, Profile: profile(t, "waps")}, problem.Invalid, "contact"},
		{"a name in place of a reference", wait, Note{By: "Anna", Text: "x"}, problem.Invalid, "by"},
		{"an address in place of a reference", wait, Note{By: "holder:a@mail.example", Text: "x"}, problem.Invalid, "by"},
		{"a note without words", wait, Note{By: "person:7"}, problem.Invalid, "text"},
		{"broken text", wait, Note{By: "person:7", Text: "\xff"}, problem.Invalid, "text"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := tc.x(t)
			err := x.do(t, tc.cmd)
			if problem.CodeOf(err) != tc.code || err == nil {
				t.Fatalf("%v, want %s", err, tc.code)
			}
			if tc.field != "" && !strings.HasPrefix(problem.DocumentOf(err).Detail, tc.field+": ") {
				t.Errorf("%v names another field than %s", err, tc.field)
			}
		})
	}
	for field, change := range map[string]func(*Open){
		"name":    func(o *Open) { o.Name = name.Domain{} },
		"role":    func(o *Open) { o.Role = "friend" },
		"trigger": func(o *Open) { o.Trigger = "renewed" },
		"contact": func(o *Open) { o.Contact = Contact{"shoe": rev(t, Email, mailA)} },
		"by":      func(o *Open) { o.By = "" },
		"id":      func(o *Open) { o.Profile = Profile{} },
	} {
		cmd := open(t, "waps")
		change(&cmd)
		_, err := Decide(Holder{}, cmd, monday)
		if problem.CodeOf(err) != problem.Invalid || !strings.HasPrefix(problem.DocumentOf(err).Detail, field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	x := start()
	x.must(t, open(t, "waps"))
	for field, v := range map[string]Validate{
		"failures[0]": {By: "centre", Failures: []Failure{{Email, "is anna@mail.example"}}},
		"failures":    {By: "centre", Failures: slices.Repeat([]Failure{{Email, "syntax"}}, MaxFailures+1)},
		"earlier":     {By: "centre", Earlier: make([]Earlier, MaxEarlier+1)},
	} {
		err := x.do(t, v)
		if problem.CodeOf(err) != problem.Invalid || !strings.HasPrefix(problem.DocumentOf(err).Detail, field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestWords: every code that a person can choose has words, and the lists are
// copies.
func TestWords(t *testing.T) {
	for name, list := range map[string]Words{"claims": Claims(), "methods": Methods(), "evidence": EvidenceTypes(), "grounds": Grounds()} {
		if len(list) < 4 {
			t.Errorf("%s: %v", name, list)
		}
		for _, w := range list {
			if w.Code == "" || w.Means == "" || list.Means(w.Code) != w.Means {
				t.Errorf("%s: %+v", name, w)
			}
		}
		list[0].Means = "changed"
	}
	if Claims()[0].Means == "changed" || Grounds().Means("dislike") != "dislike" {
		t.Error("the lists can be changed, or explain what is not in them")
	}
	for _, m := range []Method{ByMail, ByMessage, ByCall, ByAsking} {
		if _, ok := m.code(); !ok || !methods.Has(string(m)) {
			t.Errorf("%s", m)
		}
	}
}

// TestNoDocument: the log has no place for a document, and none for an address.
func TestNoDocument(t *testing.T) {
	passport := []byte("P<UTOEXAMPLE<<ANNA<<<<<<<<<<<<<<<<<<<<<<<<<<")
	salt := [32]byte{1}
	d, err := DigestOf(salt, bytes.NewReader(passport))
	if err != nil {
		t.Fatal(err)
	}
	if want := sha256.Sum256(append(salt[:], passport...)); d != casework.Hash(want).String() {
		t.Errorf("%s", d)
	}
	if other, _ := DigestOf([32]byte{2}, bytes.NewReader(passport)); other == d {
		t.Error("the salt changes nothing")
	}
	if _, err := DigestOf(salt, bytes.NewReader(nil)); problem.CodeOf(err) != problem.Invalid {
		t.Error(err)
	}
	if _, err := DigestOf(salt, endless{}); problem.CodeOf(err) != problem.TooLarge {
		t.Error(err)
	}
	for _, body := range []any{Opening{}, NewContact{}, Format{}, Issued{}, Message{}, WrongCode{}, Returned{}, Attested{}, Reused{}, InDoubt{}, TimeOver{}, Held{}, Released{}, Ending{}} {
		raw(t, reflect.TypeOf(body), 0)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// raw fails on a field that could hold octets of a document.
func raw(t *testing.T, ty reflect.Type, depth int) {
	switch {
	case depth > 6:
	case ty.Kind() == reflect.Slice && ty.Elem().Kind() == reflect.Uint8:
		t.Errorf("%s holds octets", ty)
	case ty.Kind() == reflect.Slice, ty.Kind() == reflect.Pointer, ty.Kind() == reflect.Map:
		raw(t, ty.Elem(), depth+1)
	case ty.Kind() == reflect.Struct && ty != reflect.TypeFor[time.Time]():
		for i := range ty.NumField() {
			raw(t, ty.Field(i).Type, depth+1)
		}
	}
}

// TestExport: a log goes out and is verified as a case's does.
func TestExport(t *testing.T) {
	x := pending(t, "waps")
	x.must(t, answer(flip(x.last(), 30)))
	x.to(t, 15*day)
	x.to(t, 16*day)
	x.must(t, Note{By: "person:7", Text: "called " + secret})
	x.must(t, evidenceOf(Email, Name))
	priv := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	head := casework.SignHead(priv, x.entries[len(x.entries)-1].Link, x.now)
	var b bytes.Buffer
	if err := casework.WriteExport(&b, x.entries, head, func(e casework.Entry) bool { return !e.Payload.Personal }); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), secret) {
		t.Error("the export without personal payloads names somebody")
	}
	rep, err := casework.VerifyExport(bytes.NewReader(b.Bytes()), priv.Public().(ed25519.PublicKey))
	if err != nil || rep.Withheld != 1 {
		t.Errorf("%+v %v", rep, err)
	}
	const golden = "testdata/export.jsonl"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("the log is written in another way (UPDATE=1 if it should): want -, got +\n%s", d)
	}
}

// TestMachine runs random commands: what is decided applies, the chain verifies,
// replaying gives the same, and the promises hold in every state.
func TestMachine(t *testing.T) {
	profiles := []string{"waps", "waps", "de", "nl", "plain"}
	mails, phones, names := []string{mailA, mailB, ""}, []string{phoneA, "+1.2025550100", ""}, []string{"Anna", "Berta"}
	seen := map[State]int{}
	rapid.Check(t, func(t *rapid.T) {
		x := start()
		draw := func(list []string, label string) string { return rapid.SampledFrom(list).Draw(t, label) }
		who := func() Contact { return contact(t, draw(mails, "mail"), draw(phones, "phone"), draw(names, "name")) }
		by := func() string {
			return draw([]string{"person:7", "person:7", "person:7", "person:7/key:k", "centre", "holder:01HOLDER"}, "by")
		}
		o := open(t, draw(profiles, "profile"))
		o.Role = rapid.SampledFrom([]Role{Registrant, Registrant, AccountHolder}).Draw(t, "role")
		o.Trigger = rapid.SampledFrom([]Trigger{Registered, Transferred}).Draw(t, "trigger")
		x.must(t, o)
		// Half of the histories begin where chance seldom leads: with an
		// attestation, and with a doubt after it.
		if begins := rapid.IntRange(0, 3).Draw(t, "begins"); begins > 1 {
			a := evidenceOf(Email)
			a.At = x.now
			first := []Command{Validate{By: "centre"}, a}
			if begins == 3 {
				first = append(first, Doubt{By: "person:7", Cause: Complaint, Claim: Email, Revision: x.h.Contact[Email], Evidence: "case:1", Text: secret})
			}
			for _, cmd := range first {
				if err := x.do(t, cmd); err != nil && problem.CodeOf(err) == problem.Internal {
					t.Fatalf("%T: %v", cmd, err)
				}
				seen[x.h.State]++
			}
		}
		used := map[int]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "n") {
			x.now = x.now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 20, 100, 400}).Draw(t, "hours")) * time.Hour)
			if rapid.IntRange(0, 9).Draw(t, "back") == 9 {
				x.now = x.now.Add(-200 * time.Hour) // another machine's clock
			}
			var cmd Command
			switch rapid.IntRange(0, 20).Draw(t, "command") {
			case 0:
				cmd = Change{By: by(), Contact: who(), Profile: profile(t, draw(profiles, "profile"))}
			case 1, 2, 3:
				v := Validate{By: "centre"}
				if rapid.IntRange(0, 4).Draw(t, "bad") == 0 {
					v.Failures = []Failure{{Name, "placeholder"}}
				}
				if rapid.Bool().Draw(t, "earlier") {
					v.Earlier = []Earlier{earlier(t, x)}
				}
				cmd = v
			case 4:
				cmd = Reuse{By: "centre", Earlier: earlier(t, x)}
			case 5, 6:
				cmd = Issue{By: by(), Method: rapid.SampledFrom([]Method{ByMail, ByMessage, ByCall}).Draw(t, "method")}
			case 7, 8:
				cmd = Noticed{N: rapid.IntRange(1, 1+x.h.Issued).Draw(t, "notice"), Result: rapid.SampledFrom([]casework.Result{casework.Accepted, casework.Accepted, casework.Undelivered, casework.Bounced, casework.Doubtful}).Draw(t, "result"), Response: "250 " + secret}
			case 9, 10, 11:
				n := rapid.IntRange(0, len(x.codes)-1).Draw(t, "which")
				text := x.codes[n].Text()
				if rapid.IntRange(0, 3).Draw(t, "wrong") == 0 {
					text = flip(text, 30)
				}
				cmd = answer(text)
			case 12:
				a := evidenceOf(rapid.SampledFrom([][]Claim{{Email}, {Phone}, {Email, Name}, {Name}}).Draw(t, "claims")...)
				a.By, a.Text = by(), secret
				a.Level = rapid.SampledFrom([]Level{V1, V2, V3}).Draw(t, "level")
				a.Result = rapid.SampledFrom([]Result{Pass, Pass, Fail, Inconclusive}).Draw(t, "result")
				a.At = x.now.Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 500}).Draw(t, "ago")) * time.Hour)
				if rapid.Bool().Draw(t, "until") {
					a.ValidUntil = x.now.Add(300 * time.Hour)
				}
				cmd = a
			case 13:
				c := rapid.SampledFrom([]Claim{Email, Name}).Draw(t, "claim")
				cmd = Doubt{By: by(), Cause: rapid.SampledFrom([]Cause{Bounce, Complaint}).Draw(t, "cause"), Claim: c, Revision: x.h.Contact[c], Evidence: "mail:1", Text: secret}
			case 14:
				cmd = Suspend{By: by(), Text: secret}
			case 15:
				if rapid.IntRange(0, 2).Draw(t, "really") == 0 {
					cmd = Sanction{By: by(), Ground: rapid.SampledFrom([]Ground{WilfulInaccuracy, NoReply, AfterQuarantine}).Draw(t, "ground"), End: rapid.IntRange(0, 3).Draw(t, "end") == 0, Text: secret}
					break
				}
				fallthrough
			case 16:
				cmd = Release{By: by(), Text: secret}
			case 17:
				switch rapid.IntRange(0, 8).Draw(t, "news") {
				case 0:
					cmd = Leave{By: by(), How: rapid.SampledFrom([]Departure{Deleted, MovedOut, Replaced}).Draw(t, "how")}
				case 1, 2, 3:
					cmd = Allow{By: by(), Text: secret}
				default:
					cmd = Disown{By: by(), Revision: x.h.Contact[Email]}
				}
			default:
				cmd = Tick{}
			}
			before, was, n := x.h, mustJSON(t, x.h), len(x.entries)
			err := x.do(t, cmd)
			if err != nil && (problem.CodeOf(err) == problem.Internal || len(x.entries) != n) {
				t.Fatalf("%T: %v", cmd, err)
			}
			if mustJSON(t, before) != was {
				t.Fatalf("%T changed the holder it was given", cmd)
			}
			seen[x.h.State]++
			holds(t, before, x, n, cmd, used)
		}
		promises(t, x)
	})
	t.Logf("came to: %v", seen)
	for _, s := range []State{New, Changed, Pending, Overdue, Verified, Manual, OnHold, Doubted} {
		if seen[s] == 0 && !testing.Short() { // few histories are drawn then
			t.Errorf("no history came to %s", s)
		}
	}
}

// earlier is a verification of another holder, of some value and time.
func earlier(t *rapid.T, x *run) Earlier {
	c := rapid.SampledFrom([]Claim{Email, Phone}).Draw(t, "of")
	r := Record{Ref: "01OTHER#1", Subject: "01OTHER", Claims: []Claim{c}, Revisions: Contact{c: x.h.Contact[c]}, Level: V2, Method: ByMail, Result: Pass, Policy: "waps", Verifier: "holder:01OTHER"}
	if c == Phone {
		r.Method = ByMessage
	}
	if rapid.IntRange(0, 3).Draw(t, "other") == 0 {
		r.Revisions[c] = rev(t, c, map[Claim]string{Email: "zora@mail.example", Phone: "+33.123456789"}[c])
	}
	r.PerformedAt = x.now.Add(-time.Duration(rapid.SampledFrom([]int{0, 1, 50, 1000}).Draw(t, "age")) * time.Hour)
	return Earlier{Record: r, Doubted: rapid.IntRange(0, 3).Draw(t, "doubted") == 0}
}

func mustJSON(t tb, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(b)
}

// holds checks one step.
func holds(t *rapid.T, was Holder, x *run, n int, cmd Command, used map[int]bool) {
	h := x.h
	for _, e := range x.entries[n:] {
		switch e.Kind {
		case KindReturned:
			b, err := casework.Read[Returned](e)
			if err != nil {
				t.Fatalf("%v", err)
			}
			i := slices.IndexFunc(was.Codes, func(w Waiting) bool { return w.N == b.N })
			w := was.Codes[i]
			switch {
			case used[b.N]:
				t.Fatalf("code %d verified twice", b.N)
			case w.Revision != was.Contact[w.Claim], b.Record.Revisions[w.Claim] != w.Revision:
				t.Fatalf("code %d verified another revision", b.N)
			case !e.At.Before(w.Expires), w.Wrong >= was.attempts():
				t.Fatalf("code %d verified after its time, or after too many attempts", b.N)
			}
			if a := cmd.(Answer); x.codes[b.N].Text() != a.Code {
				t.Fatalf("%s was taken for code %d", a.Code, b.N)
			}
			used[b.N] = true
		case KindHeld:
			b, err := casework.Read[Held](e)
			if err != nil {
				t.Fatalf("%v", err)
			}
			if e.Actor == casework.Centre {
				switch {
				case b.Cause != NoAnswer || was.Role != Registrant || !was.Valid || was.Reached.IsZero():
					t.Fatalf("a clock held %+v", was)
				case e.At.Before(was.HoldAt) || e.At.Before(was.Due) || e.At.Before(was.Terms.Profile.Notice.From(was.Reached)):
					t.Fatalf("held too early: %+v", was)
				}
			} else if !casework.InPerson(e.Actor) {
				t.Fatalf("%s held", e.Actor)
			}
		case KindTerminated, KindAttested, KindAllowed:
			if !casework.InPerson(e.Actor) {
				t.Fatalf("%s: %s", e.Actor, e.Kind)
			}
		}
	}
	// The clock of a round stands as it began.
	if was.Round == h.Round && (!was.Due.Equal(h.Due) || !was.HoldAt.Equal(h.HoldAt) || !was.Began.Equal(h.Began) || was.Late && !h.Late) || h.Round < was.Round {
		t.Fatalf("the clock moved: %+v, then %+v", was, h)
	}
	if h.Round > was.Round && was.State.running() {
		t.Fatalf("a new time began while one ran: %T", cmd)
	}
	if h.Due.Before(h.Began) || !h.HoldAt.IsZero() && h.HoldAt.Before(h.Due) {
		t.Fatalf("%+v", h)
	}
	if h.State.Done() && (!h.Valid || h.Settled.IsZero() || h.Hold != nil || !h.Answered(h.Settled)) {
		t.Fatalf("verified by nothing: %+v", h)
	}
	if (h.State == OnHold) != (h.Hold != nil) && h.State != Terminated {
		t.Fatalf("%+v", h)
	}
	if h.State.running() && !h.Late && h.NextDue().IsZero() {
		t.Fatalf("nothing is ever due: %+v", h)
	}
	if _, ok := cmd.(Tick); ok && !h.NextDue().IsZero() && !h.NextDue().After(later(x.now, was.Last)) {
		t.Fatalf("due in the past after a tick: %s, now %s, %+v", h.NextDue(), x.now, h)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// promises checks a whole log, on its own terms.
func promises(t *rapid.T, x *run) {
	if err := casework.VerifyChain(x.entries); err != nil {
		t.Fatalf("%v", err)
	}
	again, err := Replay(x.entries)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if a, b := mustJSON(t, x.h), mustJSON(t, again); a != b {
		t.Fatalf("replayed: %s", cmp.Diff(a, b))
	}
	// Nobody is active again without a verification after the hold.
	var held time.Time
	on, since := false, false
	for i, e := range x.entries {
		if i > 0 && e.At.Before(x.entries[i-1].At) {
			t.Fatalf("event %d is before the one before", e.Seq)
		}
		var r []Record
		switch e.Kind {
		case KindHeld:
			on, since, held = true, false, e.At
		case KindReturned:
			b, _ := casework.Read[Returned](e)
			r = append(r, b.Record)
		case KindAttested:
			b, _ := casework.Read[Attested](e)
			r = append(r, b.Record)
		case KindReused:
			b, _ := casework.Read[Reused](e)
			r = append(r, b.Records...)
		case KindReleased:
			if !on || !since {
				t.Fatalf("released at event %d with nothing verified since %s", e.Seq, held)
			}
			on = false
		}
		for _, r := range r {
			since = since || on && r.Result == Pass && r.Level != V1 && !r.PerformedAt.Before(held)
		}
	}
	if x.h.State.Active() && on {
		t.Fatalf("active in spite of a hold: %s", x.kinds())
	}
	// Personal payloads may go: the chain verifies and nothing else changes.
	erased := slices.Clone(x.entries)
	for i := range erased {
		if erased[i].Payload.Personal {
			erased[i].Payload = nil
		}
	}
	if err := casework.VerifyChain(erased); err != nil {
		t.Fatalf("%v", err)
	}
	bare, err := Replay(erased)
	if err != nil {
		t.Fatalf("%v", err)
	}
	bare.Unloaded = false
	if a, b := mustJSON(t, x.h), mustJSON(t, bare); a != b {
		t.Fatalf("without personal payloads: %s", cmp.Diff(a, b))
	}
	kept := mustJSON(t, x.h)
	for _, e := range erased {
		if e.Payload != nil {
			kept += string(e.Payload.Body)
		}
	}
	for _, s := range []string{secret, "anna", "Anna", "berta", "7700900123"} {
		if strings.Contains(kept, s) {
			t.Fatalf("%q is in what does not expire", s)
		}
	}
	for _, c := range x.codes[1:] {
		if s := c.Text(); strings.Contains(kept, s[12:]) || strings.Contains(kept, strings.ReplaceAll(s, "-", "")[10:]) {
			t.Fatalf("a code is in the log")
		}
	}
}

// TestLeave: a registration that is gone has nothing left to wait for, whatever was
// on its way; it is news and no decision, so a system says it. Another end is none.
func TestLeave(t *testing.T) {
	for _, s := range States() {
		x := in(t, s)
		err := x.do(t, Leave{By: "person:7/key:k", How: Deleted})
		if s == Terminated {
			if problem.CodeOf(err) != problem.Conflict {
				t.Errorf("gone twice: %v", err)
			}
			continue
		}
		if err != nil || x.h.State != Terminated || !x.h.NextDue().IsZero() || !x.h.Ended.Equal(x.now) {
			t.Errorf("%s: %v %+v", s, err, x.h)
		}
		for _, w := range x.h.Codes {
			if w.live(monday, x.h.attempts()) {
				t.Errorf("%s: code %d counts", s, w.N)
			}
		}
		if err := x.do(t, Change{By: "person:7", Contact: contact(t, mailB, "", ""), Profile: profile(t, "waps")}); problem.CodeOf(err) != problem.Conflict {
			t.Errorf("%s: it goes on: %v", s, err)
		}
	}
	x := in(t, Pending)
	if err := x.do(t, Leave{By: "person:7", How: "evaporated"}); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("%v", err)
	}
}

// TestDisown: a stranger's word is kept beside the state, which it does not change,
// until a person has looked into it; of an address that the contact has no more
// nothing follows.
func TestDisown(t *testing.T) {
	for _, s := range []State{Pending, Overdue, Verified, OnHold} {
		x := in(t, s)
		due := x.h.NextDue()
		x.must(t, Disown{By: "holder:01HOLDER", Revision: x.h.Contact[Email]})
		n := len(x.entries)
		x.must(t, Disown{By: "holder:01HOLDER", Revision: x.h.Contact[Email]}, Disown{By: "holder:01HOLDER", Revision: rev(t, Email, mailB)})
		if x.h.State != s || !x.h.Disowned.Equal(x.now) || !x.h.NextDue().Equal(due) || len(x.entries) != n {
			t.Errorf("%s: %+v", s, x.h)
		}
		if err := x.do(t, Allow{By: "person:7/key:k", Text: "x"}); problem.CodeOf(err) != problem.Refused {
			t.Errorf("a key looked into it: %v", err)
		}
		x.must(t, Allow{By: "person:7", Text: "I spoke with them"})
		if x.h.State != s || !x.h.Disowned.IsZero() {
			t.Errorf("%s: %+v", s, x.h)
		}
	}
	x := in(t, Pending)
	x.must(t, Disown{By: "holder:01HOLDER", Revision: x.h.Contact[Email]}, Noticed{N: 1, Result: casework.Undelivered})
	if x.h.Failed != 1 || !x.h.FailedAt.Equal(x.now) {
		t.Errorf("%+v", x.h)
	}
	x.must(t, Change{By: "person:7", Contact: contact(t, mailB, "", ""), Profile: profile(t, "waps")}, Noticed{N: 1, Result: casework.Bounced})
	if !x.h.Disowned.IsZero() || x.h.Failed != 0 || !x.h.FailedAt.IsZero() {
		t.Errorf("what was said of the address before is held against the one after it: %+v", x.h)
	}
}
