package inaccuracy

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
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
)

// TestOpen holds what a case is opened from, and what it proposes.
func TestOpen(t *testing.T) {
	for _, tc := range []struct {
		name, status string
		d            data
		findings     []string
		binding      string // ids of the duties that bind
		asks         string // and of those that do not
		suspends     string // those that may end with the name out of the DNS
		provider     bool
	}{
		{"the form alone suspends nothing", "own", data{contact: badForm}, []string{"email: email.syntax"}, "see-form", "", "", false},
		{"what does not work", "own", data{contact: good, facts: noMail}, []string{"email: email.mx"}, "see-works", "", "see-works", false},
		{"second hand, and of the form", "own", data{contact: func() registration.Contact { c := badForm; c.Name = ""; return c }()}, []string{"email: email.syntax", "name: name.present"}, "see-form", "see-name", "", false},
		{"guidance binds nobody", "guidance", data{contact: good, facts: noMail}, []string{"email: email.mx"}, "", "see-works", "see-works", false},
		{"what is past binds nobody", "historical", data{contact: badForm}, []string{"email: email.syntax"}, "", "see-form", "", false},
		{"a relay address of a proxy is tested at V2", "own", data{contact: good, facts: noMail, state: registration.Proxy}, []string{"email: email.mx"}, "see-works", "", "see-works", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := &run{now: monday}
			x.must(t, open(t, profile(t, tc.status), tc.d))
			if got := keys(x.c.Findings); !slices.Equal(got, tc.findings) {
				t.Errorf("findings %v, want %v", got, tc.findings)
			}
			var binding, asks, suspends []string
			for _, d := range x.c.Duties {
				if d.Binding {
					binding = append(binding, d.Duty)
				} else {
					asks = append(asks, d.Duty)
					if d.Caveat != policy.NotForCompliance {
						t.Errorf("%s does not bind and does not say so", d.Duty)
					}
				}
				if d.suspends() {
					suspends = append(suspends, d.Duty)
				}
			}
			if strings.Join(binding, " ") != tc.binding || strings.Join(asks, " ") != tc.asks || strings.Join(suspends, " ") != tc.suspends {
				t.Errorf("binding %v, asked about %v, suspending %v", binding, asks, suspends)
			}
			if x.c.Provider != tc.provider {
				t.Errorf("held by a provider: %v", x.c.Provider)
			}
			if x.c.State != Found || len(x.c.Orders) > 0 || !x.c.Known.IsZero() || !x.c.NextDue().IsZero() {
				t.Errorf("an opened case asks nobody: %+v", x.c)
			}
			if x.c.Copy == nil {
				t.Error("the profile has the registry told")
			}
		})
	}
}

// TestNoGround: what warns, passes or cannot be tested opens nothing.
func TestNoGround(t *testing.T) {
	for _, tc := range []struct {
		name string
		d    data
	}{
		{"all pass", data{contact: good, facts: someMail}},
		{"not observed", data{contact: good}},
		{"withheld", data{contact: good, facts: noMail, state: registration.Redacted}},
		{"words that warn", data{contact: func() registration.Contact { c := good; c.Name = "test"; return c }(), facts: someMail}},
	} {
		x := &run{now: monday}
		p := profile(t, "own")
		cmd := open(t, p, tc.d)
		if tc.name == "withheld" {
			// The record says withheld and leaves the value out.
			c := good
			c.Email = ""
			cmd.Grounds = grounds(t, p, data{contact: c, facts: noMail, state: registration.Redacted}, monday)
		}
		if err := x.do(t, cmd); problem.CodeOf(err) != problem.Conflict || len(x.entries) > 0 {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestWarningsAreNoGround forges assessments whose results are warnings or
// failures made of warnings.
func TestWarningsAreNoGround(t *testing.T) {
	p := profile(t, "own")
	cmd := open(t, p, data{contact: badForm})
	for i := range cmd.Assessment.Contacts[0].Fields {
		for j := range cmd.Assessment.Contacts[0].Fields[i].Findings {
			cmd.Assessment.Contacts[0].Fields[i].Findings[j].Verdict.Result = accuracy.Warn
		}
	}
	if err := (&run{now: monday}).do(t, cmd); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("a warning opened a case: %v", err)
	}
}

// TestClock: it starts at documented knowledge and at nothing else.
func TestClock(t *testing.T) {
	send := Send{By: "person:7"}
	for _, tc := range []struct {
		name       string
		cmds       []Command
		state      State
		known, due time.Time
	}{
		{"ordered", []Command{send}, Sent, time.Time{}, time.Time{}},
		{"in doubt", []Command{send, Noticed{N: 1, Result: casework.Doubtful}}, Sent, time.Time{}, time.Time{}},
		{"refused by the server", []Command{send, Noticed{N: 1, Result: casework.Undelivered}}, Sent, time.Time{}, time.Time{}},
		{"only the copy got there", []Command{send, Noticed{N: 2, Result: casework.Accepted}}, Sent, time.Time{}, time.Time{}},
		{"accepted", []Command{send, Noticed{N: 1, Result: casework.Accepted}}, Asked, monday, monday.Add(7 * days)},
		{"bounced", []Command{send, Noticed{N: 1, Result: casework.Accepted}, Noticed{N: 1, Result: casework.Bounced}}, Sent, time.Time{}, time.Time{}},
		{"answered, whatever the server said", []Command{send, Noticed{N: 1, Result: casework.Undelivered}, Answer{By: "party:01CASE", Said: Received}}, Asked, monday, monday.Add(7 * days)},
		{"bounced after they answered", []Command{send, Noticed{N: 1, Result: casework.Accepted}, Answer{By: "party:01CASE", Said: Received}, Noticed{N: 1, Result: casework.Bounced}}, Asked, monday, monday.Add(7 * days)},
		{"by hand", []Command{send, Noticed{N: 1, Result: casework.Undelivered}, Hand{By: "person:7", How: "their form"}}, Asked, monday, monday.Add(7 * days)},
		{"the second was taken", []Command{send, Noticed{N: 1, Result: casework.Accepted}, send, Noticed{N: 3, Result: casework.Accepted}, Noticed{N: 1, Result: casework.Bounced}}, Asked, monday, monday.Add(7 * days)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := opened(t, data{contact: good, facts: noMail})
			x.must(t, tc.cmds...)
			if x.c.State != tc.state || !x.c.Known.Equal(tc.known) || !x.c.Due.Equal(tc.due) {
				t.Errorf("%s, known %s, due %s", x.c.State, x.c.Known, x.c.Due)
			}
		})
	}
}

// TestNoDeadline: a rule that was read second hand is asked about without a time;
// what we wait is ours.
func TestNoDeadline(t *testing.T) {
	x := &run{now: monday}
	x.must(t, open(t, shipped(t, "waps-raa-2013"), data{contact: good, facts: noMail}))
	if x.c.Caveat() == "" {
		t.Error("most of WAPS was read second hand, and nothing says so")
	}
	x.must(t, Send{By: "person:7"}, Noticed{N: 1, Result: casework.Accepted})
	if !x.c.Due.IsZero() || !x.c.FollowUp.Equal(monday.Add(15*days)) {
		t.Errorf("due %s, followed up %s", x.c.Due, x.c.FollowUp)
	}
	for _, d := range x.c.Duties {
		if !d.Due.IsZero() {
			t.Errorf("%s has a time", d.Duty)
		}
	}
	x.in(15*days).must(t, Tick{})
	if x.c.State != Silent {
		t.Errorf("%s after the time we wait", x.c.State)
	}
}

// TestSend: a person sends, on a fresh look, and not what is settled.
func TestSend(t *testing.T) {
	p := profile(t, "own")
	bad, fixed := data{contact: good, facts: noMail}, data{contact: good, facts: someMail}
	for _, tc := range []struct {
		name string
		x    *run
		cmd  Send
		want problem.Code
	}{
		{"by a key", opened(t, bad), Send{By: "person:7/key:1"}, problem.Refused},
		{"by the centre", opened(t, bad), Send{By: casework.Centre}, problem.Refused},
		{"by a party", opened(t, bad), Send{By: "party:01CASE"}, problem.Refused},
		{"to no address", opened(t, bad), Send{By: "person:7", To: "desk at registrar"}, problem.Invalid},
		{"on an old look", opened(t, bad).in(25 * time.Hour), Send{By: "person:7"}, problem.Refused},
		{"twice at once", func() *run { x := opened(t, bad); x.must(t, Send{By: "person:7"}); return x }(), Send{By: "person:7"}, problem.Conflict},
		{"what passes now", func() *run { x := opened(t, bad); x.must(t, check(t, p, fixed, monday)); return x }(), Send{By: "person:7"}, problem.Conflict},
		{"what cannot be tested now", func() *run { x := opened(t, bad); x.must(t, check(t, p, data{contact: good}, monday)); return x }(), Send{By: "person:7"}, problem.Conflict},
		{"what they answered", func() *run { x := asked(t); x.must(t, Answer{By: "party:1", Said: SaidCorrect}); return x }(), Send{By: "person:7"}, problem.Conflict},
	} {
		if err := tc.x.do(t, tc.cmd); problem.CodeOf(err) != tc.want {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	x := opened(t, bad).in(30 * time.Hour)
	x.must(t, check(t, p, bad, x.now), Send{By: "person:7", To: "Other@registrar.example"})
	if x.c.State != Sent || len(x.c.Orders) != 2 || !x.c.Orders[1].Copy || x.c.Party.Email != "Other@registrar.example" {
		t.Errorf("after another look: %+v", x.c.Orders)
	}
}

// TestRecheck: corrected only when the same checks pass.
func TestRecheck(t *testing.T) {
	p := profile(t, "own")
	at := monday.Add(2 * time.Hour)
	gone := check(t, p, data{contact: good, facts: noMail}, at)
	gone.Assessment = policy.Assessment{State: registration.Available}
	unanswered := check(t, p, data{contact: good, facts: noMail}, at)
	unanswered.Assessment = policy.Assessment{State: registration.Throttled}
	other := check(t, profile(t, "own"), data{contact: good, facts: someMail}, at)
	other.Assessment.Profile = "another"
	emptied := good
	emptied.Email = ""
	for _, tc := range []struct {
		name  string
		said  Said
		cmd   Check
		state State
		want  CheckResult
		code  problem.Code
	}{
		{"corrected", SaidCorrect, check(t, p, data{contact: good, facts: someMail}, at), Corrected, AllPass, ""},
		{"corrected without a word", "", check(t, p, data{contact: good, facts: someMail}, at), Corrected, AllPass, ""},
		{"they say so, and it fails still", SaidCorrect, check(t, p, data{contact: good, facts: noMail}, at), Failing, Fails, ""},
		{"it fails still, and they said nothing", "", check(t, p, data{contact: good, facts: noMail}, at), Asked, Fails, ""},
		{"withheld now", SaidCorrect, check(t, p, data{contact: emptied, state: registration.Redacted}, at), Answered, CantSay, ""},
		{"not tried this time", SaidCorrect, check(t, p, data{contact: good}, at), Answered, CantSay, ""},
		{"emptied", SaidCorrect, check(t, p, data{contact: emptied}, at), Answered, CantSay, ""},
		{"not registered any more", "", gone, Asked, Gone, ""},
		{"not answered", "", unanswered, Asked, "", problem.Unavailable},
		{"under another profile", "", other, Asked, "", problem.Invalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := asked(t)
			if tc.said != "" {
				x.in(time.Hour).must(t, Answer{By: "party:1", Said: tc.said})
				x.now = monday
			}
			x.in(2 * time.Hour)
			if err := x.do(t, tc.cmd); tc.code != "" || err != nil {
				if tc.code == "" || problem.CodeOf(err) != tc.code {
					t.Fatalf("%v", err)
				}
				return
			}
			if x.c.State != tc.state || x.c.Recheck.Result != tc.want {
				t.Errorf("%s, %s", x.c.State, x.c.Recheck.Result)
			}
			if err := x.do(t, Close{By: "person:7", Outcome: WasCorrected}); (err == nil) != (tc.want == AllPass) {
				t.Errorf("closing it as corrected: %v", err)
			}
		})
	}
}

// TestClose: an outcome needs what it says, and a person.
func TestClose(t *testing.T) {
	said := func(s Said) *run {
		x := asked(t)
		x.must(t, Answer{By: "party:1", Said: s, Text: "because"})
		return x
	}
	for _, tc := range []struct {
		x    *run
		cmd  Close
		want problem.Code
	}{
		{asked(t), Close{By: "person:7", Outcome: WasCorrected}, problem.Refused},
		{asked(t), Close{By: "person:7", Outcome: WasRight, Text: "seen"}, problem.Refused},
		{said(SaidRight), Close{By: "person:7", Outcome: WasRight, Text: "seen"}, ""},
		{said(SaidRight), Close{By: "person:7", Outcome: WasRight}, problem.Invalid},
		{said(SaidCorrect), Close{By: "person:7", Outcome: WasHeld}, problem.Refused},
		{said(SaidHeld), Close{By: "person:7", Outcome: WasHeld}, ""},
		{asked(t), Close{By: "person:7", Outcome: WasGone}, problem.Refused},
		{asked(t), Close{By: "person:7", Outcome: Unresolved}, ""},
		{opened(t, data{contact: badForm}), Close{By: "person:7", Outcome: Unresolved}, problem.Refused},
		{opened(t, data{contact: badForm}), Close{By: "person:7", Outcome: Mistaken, Text: "a test"}, ""},
		{asked(t), Close{By: "person:7/key:1", Outcome: Unresolved}, problem.Refused},
		{asked(t), Close{By: casework.Centre, Outcome: Unresolved}, problem.Refused},
		{asked(t), Close{By: "person:7", Outcome: "breach"}, problem.Invalid},
	} {
		if err := tc.x.do(t, tc.cmd); (tc.want == "") != (err == nil) || err != nil && problem.CodeOf(err) != tc.want {
			t.Errorf("%s in %s: %v", tc.cmd.Outcome, tc.x.c.State, err)
		}
	}
}

// TestReopen: another round begins with nothing known, and numbers go on.
func TestReopen(t *testing.T) {
	p := profile(t, "own")
	x := asked(t)
	x.must(t, Answer{By: "party:1", Said: SaidCorrect}, Close{By: "person:7", Outcome: Unresolved})
	for _, late := range []Command{Noticed{N: 1, Result: casework.Bounced}, Mail{ID: "m"}, Tick{}} {
		n := len(x.entries)
		if err := x.do(t, late); err != nil || len(x.entries) != n {
			t.Errorf("%T on a closed case: %v", late, err)
		}
	}
	for _, cmd := range []Command{Send{By: "person:7"}, Answer{By: "party:1", Said: SaidNo, Text: "no"}, Note{By: "person:7", Text: "x"}, Hand{By: "person:7", How: "x"}, check(t, p, data{contact: good, facts: noMail}, monday)} {
		if err := x.do(t, cmd); problem.CodeOf(err) != problem.Conflict {
			t.Errorf("%T on a closed case: %v", cmd, err)
		}
	}
	x.in(days)
	g := grounds(t, p, data{contact: badForm}, x.now)
	x.must(t, Reopen{By: "person:7", Text: "it fails again", Grounds: g})
	if x.c.State != Found || x.c.Round != 2 || !x.c.Known.IsZero() || x.c.Answer != "" || x.c.Outcome != "" || x.c.Earlier != 2 {
		t.Errorf("%+v", x.c)
	}
	x.must(t, Send{By: "person:7"})
	if x.c.Orders[0].N != 3 {
		t.Errorf("notice %d", x.c.Orders[0].N)
	}
	n := len(x.entries)
	x.must(t, Noticed{N: 1, Result: casework.Accepted}) // news of the first round
	if len(x.entries) != n || x.c.State != Sent {
		t.Error("an earlier notice documents this round")
	}
	// The profile was changed meanwhile: the duties of another round are of the new
	// one, and so are the terms that the compliance file names.
	x.must(t, Close{By: "person:7", Outcome: Mistaken, Text: "x"})
	follow := x.c.Terms.FollowUp
	p.Title += ", changed"
	g = grounds(t, p, data{contact: badForm}, x.now)
	x.must(t, Reopen{By: "person:7", Text: "once more", Grounds: g})
	if x.c.Terms.Hash != g.Assessment.Hash || x.c.Terms.Title != p.Title || x.c.Terms.Status != p.Status || x.c.Terms.FollowUp != follow {
		t.Errorf("%+v", x.c.Terms)
	}
}

// TestLog holds how a log is written, and that nothing personal is outside the
// payloads that expire.
func TestLog(t *testing.T) {
	p := profile(t, "own")
	x := &run{now: monday}
	cmd := open(t, p, data{contact: good, facts: noMail})
	cmd.Record.Contacts["registrant"] = func() registration.Contact { c := good; c.Email = secret + "@mail.example"; return c }()
	x.must(t, cmd, Send{By: "person:7"}, Noticed{N: 1, Result: casework.Accepted, Response: "250 ok"}, Noticed{N: 2, Result: casework.Accepted})
	x.in(days).must(t, Answer{By: "party:01CASE", Said: SaidCorrect, Text: secret})
	x.in(time.Hour).must(t, check(t, p, data{contact: good, facts: noMail}, x.now))
	x.in(days).must(t, check(t, p, data{contact: good, facts: someMail}, x.now), Close{By: "person:7", Outcome: WasCorrected, Text: secret})
	verifyChain(t, x.entries)
	if b, _ := json.Marshal(x.c); strings.Contains(string(b), secret) {
		t.Errorf("the projection holds personal data: %s", b)
	}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	head := casework.SignHead(key, x.entries[len(x.entries)-1].Link, x.now)
	var b bytes.Buffer
	if err := casework.WriteExport(&b, x.entries, head, func(e casework.Entry) bool { return !e.Payload.Personal }); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), secret) {
		t.Error("the export without personal payloads names somebody")
	}
	golden(t, "testdata/export.jsonl", b.Bytes())

	// The centre's own verification messages are what ICANN asks for too.
	own := []Verification{
		{At: monday, Message: true, Way: "a code by mail", To: secret + "@mail.example", Of: "registrant", Result: "taken by the receiving server", ResultAt: monday, Response: "250 2.0.0", Affirmed: monday.Add(days)},
		{At: monday.Add(time.Hour), Way: "a person compared documents", Of: "registrant", Result: "pass"},
	}
	f, err := File(x.entries, own, x.now)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/file.txt", []byte(f.Text()))
	for _, word := range []string{"in breach", "violat", "fail to comply"} {
		if strings.Contains(strings.ToLower(f.Text()), word) {
			t.Errorf("the file says %q", word)
		}
	}
	bare := slices.Clone(x.entries)
	for i := range bare {
		if bare[i].Payload.Personal {
			bare[i].Payload = nil
		}
	}
	own[0].To = ""
	f, err = File(bare, own, x.now)
	if err != nil || strings.Contains(f.Text(), secret) || !strings.Contains(f.Text(), "values of the fields: withheld") || !strings.Contains(f.Text(), "where verification messages went: withheld") {
		t.Errorf("without personal payloads: %v\n%s", err, f.Text())
	}
}

// TestFileOnlyForGTLD: nobody else is bound by ICANN's agreements.
func TestFileOnlyForGTLD(t *testing.T) {
	x := &run{now: monday}
	cmd := open(t, profile(t, "own"), data{contact: badForm})
	cmd.GTLD = false
	x.must(t, cmd)
	if _, err := File(x.entries, nil, x.now); problem.CodeOf(err) != problem.Refused {
		t.Errorf("%v", err)
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (UPDATE=1 if it should): want -, got +\n%s", path, d)
	}
}

// TestForged: logs that break the rules against harm do not load.
func TestForged(t *testing.T) {
	forge := func(x *run, kind casework.Kind, by string, body any) error {
		e, err := Seal(x.c, "01CASE", Event{Kind: kind, Actor: by, Body: body}, x.now, [32]byte{9})
		if err != nil {
			t.Fatal(err)
		}
		_, err = Apply(x.c, e)
		return err
	}
	bad := opened(t, data{contact: badForm})
	b := Basis{Findings: bad.c.Findings, Duties: slices.Clone(bad.c.Duties), Checked: monday}
	with := func(change func(*Basis)) Opening {
		o := Opening{Name: "shop.example", Party: registrar, Basis: b}
		o.Findings, o.Duties = slices.Clone(b.Findings), slices.Clone(b.Duties)
		change(&o.Basis)
		return o
	}
	for _, tc := range []struct {
		name string
		x    *run
		kind casework.Kind
		by   string
		body any
	}{
		{"a duty of a second-hand rule", &run{now: monday}, KindOpened, "person:7", with(func(b *Basis) { b.Duties[0].Basis = policy.Secondary })},
		{"a suspension for a form", &run{now: monday}, KindOpened, "person:7", with(func(b *Basis) { b.Duties[0].OnExpiry = policy.Hold })},
		{"a time before anybody knows", &run{now: monday}, KindOpened, "person:7", with(func(b *Basis) { b.Duties[0].Due = monday })},
		{"a warning", &run{now: monday}, KindOpened, "person:7", with(func(b *Basis) { b.Findings[0].Result = accuracy.Warn })},
		{"sent by a machine", opened(t, data{contact: badForm}), KindSent, "person:7/key:1", SentOut{ByHand: true}},
		{"a clock without knowledge", func() *run { x := opened(t, data{contact: badForm}); x.must(t, Send{By: "person:7"}); return x }(), KindDelivered, casework.Centre, Message{N: 1, Clock: &Clock{Due: monday}}},
		{"corrected, and one was not tested", asked(t), KindChecked, casework.Centre, CheckedAgain{Recheck: Recheck{At: monday, Result: AllPass, Untested: 1}}},
		{"over before it is", asked(t), KindOver, casework.Centre, TimeOver{Of: "duty", Due: monday.Add(7 * days)}},
		{"closed by a machine", asked(t), KindClosed, casework.Centre, Closing{Outcome: Unresolved}},
		{"a copy that documents", func() *run { x := opened(t, data{contact: badForm}); x.must(t, Send{By: "person:7"}); return x }(), KindDelivered, casework.Centre, Message{N: 2, Clock: &Clock{Known: monday, FollowUp: monday}}},
	} {
		if err := forge(tc.x, tc.kind, tc.by, tc.body); err == nil {
			t.Errorf("%s: it loads", tc.name)
		}
	}
}
