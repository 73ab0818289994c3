package disclosure

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// friday is a Friday, so that business days show.
var friday = time.Date(2026, time.March, 6, 15, 0, 0, 0, time.UTC)

// run is a request with its log, as whoever stores both has them.
type run struct {
	r       Request
	entries []casework.Entry
	now     time.Time
}

// tb is what both *testing.T and *rapid.T can do.
type tb interface {
	Helper()
	Fatalf(string, ...any)
}

// do gives a command and seals what follows; it returns the error.
func (x *run) do(t tb, cmd Command) error {
	t.Helper()
	evs, err := Decide(x.r, cmd, x.now)
	if err != nil {
		return err
	}
	for _, ev := range evs {
		salt := [32]byte{byte(len(x.entries) + 1)}
		e, err := Seal(x.r, "01REQUEST", ev, x.now, salt)
		if err != nil {
			t.Fatalf("seal: %v", err)
		}
		next, err := Apply(x.r, e)
		if err != nil {
			t.Fatalf("what was decided does not apply: %v", err)
		}
		x.r, x.entries = next, append(x.entries, e)
	}
	return nil
}

func (x *run) must(t tb, cmds ...Command) {
	t.Helper()
	for _, c := range cmds {
		if err := x.do(t, c); err != nil {
			t.Fatalf("%T: %v", c, err)
		}
	}
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

const (
	nameField = "contacts.registrant.name"
	mailField = "contacts.registrant.email"
	digest    = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
	// secret is a word that only personal payloads may hold.
	secret = "Zanzibar"
)

func open(t tb, d Direction, profileID string) Open {
	t.Helper()
	return Open{Direction: d, By: "person:7", Name: domain(t, "shop.example"), Party: party.Party{ID: "registrar:9999", Role: party.Registrar, Name: "Example Registrar", Email: "desk@registrar.example"},
		Requestor: "cert", Who: Who{Person: secret, Organisation: "Test Centre", Contact: "a@centre.example", Statement: "because of " + secret}, Basis: "legitimate_interests", Purpose: "abuse",
		Fields: []string{nameField, mailField}, Urgency: Ordinary, Profile: profile(t, profileID)}
}

func TestClocks(t *testing.T) {
	hour := func(n int) time.Time { return friday.Add(time.Duration(n) * time.Hour) }
	for _, tc := range []struct {
		name          string
		profile       string
		urgent        Condition
		ack, answer   time.Time
		ackedAt, then time.Time // an acknowledgement, and the answer's time after it
		caveat        string
	}{
		{"gtld: two business days over a weekend, then thirty days", "gtld", "", hour(4 * 24), hour(34 * 24), hour(24), hour(31 * 24), NotForCompliance},
		{"gtld: a late acknowledgement wins no time", "gtld", "", hour(4 * 24), hour(34 * 24), hour(10 * 24), hour(34 * 24), NotForCompliance},
		{"gtld, urgent", "gtld", Life, hour(24), hour(24), hour(1), hour(24), NotForCompliance},
		{"nis2: seventy-two hours, weekend or not", "nis2", "", time.Time{}, hour(72), hour(5), hour(72), NotForCompliance},
		{"courtesy", "courtesy", "", hour(7 * 24), hour(30 * 24), hour(1), hour(30 * 24), NotForCompliance},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := &run{now: friday}
			cmd := open(t, Incoming, tc.profile)
			if tc.urgent != "" {
				cmd.Urgency, cmd.Condition = Urgent, tc.urgent
			}
			x.must(t, cmd)
			if !x.r.AckDue.Equal(tc.ack) || !x.r.AnswerDue.Equal(tc.answer) {
				t.Errorf("due %s and %s, want %s and %s", x.r.AckDue, x.r.AnswerDue, tc.ack, tc.answer)
			}
			if got := x.r.Terms.Caveat(); got != tc.caveat {
				t.Errorf("caveat %q", got)
			}
			x.now = tc.ackedAt
			x.must(t, Acknowledge{By: "person:7"})
			if !x.r.AnswerDue.Equal(tc.then) {
				t.Errorf("after the acknowledgement %s, want %s", x.r.AnswerDue, tc.then)
			}
		})
	}
	for _, tc := range []struct {
		from time.Time
		days int
		want time.Time
	}{
		{friday, 1, hour(3 * 24)}, {hour(24), 1, hour(3 * 24)}, {hour(48), 2, hour(4 * 24)}, {friday, 5, hour(7 * 24)},
	} {
		if got := (Clock{BusinessDays: tc.days}).Due(tc.from); !got.Equal(tc.want) {
			t.Errorf("%d business days from %s: %s, want %s", tc.days, tc.from, got, tc.want)
		}
	}
}

// TestSent: the life of a request of ours. No clock runs before it arrived.
func TestSent(t *testing.T) {
	x := &run{now: friday}
	x.must(t, open(t, Outgoing, "nis2"))
	if x.r.State != Drafted || !x.r.Due().IsZero() {
		t.Fatalf("%s, due %s", x.r.State, x.r.Due())
	}
	x.must(t, Send{By: "person:7"})
	x.now = friday.Add(1000 * time.Hour)
	x.must(t, Tick{})
	if x.r.State != Sent || !x.r.Due().IsZero() || x.r.Notices != 1 {
		t.Fatalf("a clock ran before it arrived: %+v", x.r)
	}
	x.must(t, Noticed{Notice: 1, Result: casework.Undelivered, Response: "550"})
	if !x.r.ByHand {
		t.Fatal("nobody is told that it did not get there")
	}
	x.must(t, Send{By: "person:7", To: "other@registrar.example"}, Noticed{Notice: 2, Result: casework.Accepted})
	if x.r.State != Received || !x.r.AnswerDue.Equal(x.now.Add(72*time.Hour)) || x.r.ByHand || x.r.Party.Email != "other@registrar.example" {
		t.Fatalf("%+v", x.r)
	}
	// A bounce takes it back, and with it the clock.
	x.must(t, Noticed{Notice: 2, Result: casework.Bounced})
	if x.r.State != Sent || !x.r.Due().IsZero() {
		t.Fatalf("after the bounce: %+v", x.r)
	}
	x.must(t, Hand{By: "person:7", How: "their form"})
	x.now = x.now.Add(71 * time.Hour)
	x.must(t, Tick{})
	if x.r.State != Received {
		t.Fatalf("silent too early: %s", x.r.State)
	}
	x.now = x.now.Add(time.Hour)
	x.must(t, Tick{}, Tick{})
	if x.r.State != Silent || !x.r.AnswerOver || !x.r.Due().IsZero() {
		t.Fatalf("%+v", x.r)
	}
	// A late answer is an answer.
	x.must(t, Rule{By: "party:9999", Given: []string{mailField}, Reasons: []Reason{"balance"}, SHA256: digest, Bytes: 9})
	if x.r.State != PartlyGranted || !x.r.Due().Equal(x.now.Add(2160*time.Hour)) {
		t.Fatalf("%+v", x.r)
	}
	x.must(t, Forget{By: casework.Centre})
	if x.r.Data.Erased.IsZero() || !x.r.Due().IsZero() {
		t.Fatalf("%+v", x.r.Data)
	}
	verify(t, x.entries)
}

// TestRules: what no command may do.
func TestRules(t *testing.T) {
	type cmds = []Command
	in := open(t, Incoming, "gtld")
	out := open(t, Outgoing, "gtld")
	all := []string{nameField, mailField}
	for _, tc := range []struct {
		name  string
		first cmds
		cmd   Command
		code  problem.Code
		field string
	}{
		{"no command before the first", nil, Acknowledge{By: "person:7"}, problem.NotFound, ""},
		{"twice", cmds{in}, in, problem.Conflict, ""},
		{"a key grants nothing", cmds{in}, Rule{By: "person:7/key:k", Given: all, SHA256: digest}, problem.Refused, ""},
		{"a rule grants nothing", cmds{in}, Rule{By: "rule:all", Given: all, SHA256: digest}, problem.Refused, ""},
		{"the centre refuses nothing by itself", cmds{in}, Rule{By: "centre", Reasons: []Reason{"law"}}, problem.Refused, ""},
		{"no rule sends", cmds{out}, Send{By: "rule:all"}, problem.Refused, ""},
		{"more than was asked for", cmds{in}, Rule{By: "person:7", Given: append(all, "contacts.registrant.phone"), SHA256: digest}, problem.Invalid, "given"},
		{"in part without a reason", cmds{in}, Rule{By: "person:7", Given: all[:1], SHA256: digest}, problem.Invalid, "reasons"},
		{"refused without a reason", cmds{in}, Rule{By: "person:7"}, problem.Invalid, "reasons"},
		{"granted with a reason against it", cmds{in}, Rule{By: "person:7", Given: all, Reasons: []Reason{"law"}, SHA256: digest}, problem.Invalid, "reasons"},
		{"granted without data", cmds{in}, Rule{By: "person:7", Given: all}, problem.Invalid, "data"},
		{"refused with data", cmds{in}, Rule{By: "person:7", Reasons: []Reason{"law"}, SHA256: digest}, problem.Invalid, "data"},
		{"an unknown reason", cmds{in}, Rule{By: "person:7", Reasons: []Reason{"mood"}}, problem.Invalid, "reasons"},
		{"decided twice", cmds{in, Rule{By: "person:7", Reasons: []Reason{"law"}}}, Rule{By: "person:7", Reasons: []Reason{"law"}}, problem.Conflict, ""},
		{"withdrawn after the decision", cmds{in, Rule{By: "person:7", Reasons: []Reason{"law"}}}, Withdraw{By: "requestor:1"}, problem.Conflict, ""},
		{"decided after it was withdrawn", cmds{in, Withdraw{By: "requestor:1"}}, Rule{By: "person:7", Reasons: []Reason{"law"}}, problem.Conflict, ""},
		{"a draft is not decided", cmds{out}, Rule{By: "party:1", Reasons: []Reason{"law"}}, problem.Conflict, ""},
		{"a received one is not sent", cmds{in}, Send{By: "person:7"}, problem.Conflict, ""},
		{"sent twice", cmds{out, Send{By: "person:7"}}, Send{By: "person:7"}, problem.Conflict, ""},
		{"to no address", cmds{out}, Send{By: "person:7", To: "nobody"}, problem.Invalid, "to"},
		{"a notice that was not ordered", cmds{out, Send{By: "person:7"}}, Noticed{Notice: 2, Result: casework.Accepted}, problem.NotFound, ""},
		{"a question without words", cmds{in}, AskMore{By: "person:7"}, problem.Invalid, "text"},
		{"a name in place of a reference", cmds{in}, Acknowledge{By: "Anna"}, problem.Invalid, "by"},
		{"handed over, and not ours", cmds{in}, Hand{By: "person:7", How: "form"}, problem.Conflict, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := &run{now: friday}
			x.must(t, tc.first...)
			err := x.do(t, tc.cmd)
			if problem.CodeOf(err) != tc.code || err == nil {
				t.Fatalf("%v, want %s", err, tc.code)
			}
			if tc.field != "" && !strings.HasPrefix(problem.DocumentOf(err).Detail, tc.field+": ") {
				t.Errorf("%v names another field than %s", err, tc.field)
			}
		})
	}
}

func TestOpenChecks(t *testing.T) {
	for field, change := range map[string]func(*Open){
		"name":      func(o *Open) { o.Name = name.Domain{} },
		"party":     func(o *Open) { o.Party = party.Party{} },
		"requestor": func(o *Open) { o.Requestor = "king" },
		"basis":     func(o *Open) { o.Basis = "" },
		"purpose":   func(o *Open) { o.Purpose = "curiosity" },
		"statement": func(o *Open) { o.Who.Statement = " " },
		"person":    func(o *Open) { o.Who.Person, o.Who.Organisation = "", "" },
		"contact":   func(o *Open) { o.Who.Contact = "not an address" },
		"role":      func(o *Open) { o.Who.Role = "two\nlines" },
		"fields":    func(o *Open) { o.Fields = []string{"contacts.registrant.passport"} },
		"condition": func(o *Open) { o.Urgency = Urgent },
		"urgency":   func(o *Open) { o.Urgency = "now" },
		"direction": func(o *Open) { o.Direction = "sideways" },
		"by":        func(o *Open) { o.By = "" },
	} {
		cmd := open(t, Incoming, "gtld")
		change(&cmd)
		_, err := Decide(Request{}, cmd, friday)
		if problem.CodeOf(err) != problem.Invalid || !strings.HasPrefix(problem.DocumentOf(err).Detail, field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	cmd := open(t, Incoming, "gtld")
	cmd.Fields = nil
	if _, err := Decide(Request{}, cmd, friday); err == nil {
		t.Error("nothing is asked for")
	}
}

func verify(t tb, entries []casework.Entry) {
	t.Helper()
	if err := casework.VerifyChain(entries); err != nil {
		t.Fatalf("%v", err)
	}
}

// TestExport: a request's log goes out and is verified as a case's does, and
// without its personal payloads no word of it names anybody.
func TestExport(t *testing.T) {
	x := &run{now: friday}
	x.must(t, open(t, Incoming, "gtld"), AskMore{By: "person:7", Text: "who is " + secret + "?"}, GiveMore{By: "requestor:01REQUEST", Text: secret},
		Rule{By: "person:7", Given: []string{nameField, mailField}, SHA256: digest, Bytes: 40, Text: secret}, Note{By: "person:7", Text: secret})
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	head := casework.SignHead(key, x.entries[len(x.entries)-1].Link, x.now)
	var b bytes.Buffer
	if err := casework.WriteExport(&b, x.entries, head, func(e casework.Entry) bool { return !e.Payload.Personal }); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), secret) {
		t.Error("the export without personal payloads names somebody")
	}
	rep, err := casework.VerifyExport(bytes.NewReader(b.Bytes()), key.Public().(ed25519.PublicKey))
	if err != nil || rep.Withheld != 5 {
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
		t.Errorf("the log of a request is written in another way (UPDATE=1 if it should): want -, got +\n%s", d)
	}
	// One changed word, and it fails.
	changed := bytes.Replace(b.Bytes(), []byte("legitimate_interests"), []byte("legitimate_interesTs"), 1)
	if _, err := casework.VerifyExport(bytes.NewReader(changed), nil); problem.CodeOf(err) != problem.Corrupt {
		t.Errorf("a changed export verifies: %v", err)
	}
}

// TestMachine runs random commands: what is decided applies, the chain verifies,
// replaying gives the same, and the rules hold in every state.
func TestMachine(t *testing.T) {
	fields := []string{nameField, mailField, "contacts.registrant.phone"}
	profiles := []string{"gtld", "nis2", "courtesy"}
	seen := map[State]bool{}
	rapid.Check(t, func(t *rapid.T) {
		x := &run{now: friday}
		o := open(t, rapid.SampledFrom([]Direction{Outgoing, Incoming}).Draw(t, "direction"), rapid.SampledFrom(profiles).Draw(t, "profile"))
		o.Fields = fields[:rapid.IntRange(1, 3).Draw(t, "fields")]
		if rapid.Bool().Draw(t, "no mail") {
			o.Party.Email = ""
		}
		x.must(t, o)
		by := func() string {
			return rapid.SampledFrom([]string{"person:7", "person:7", "party:01REQUEST", "person:7/key:k", "requestor:01REQUEST", "centre"}).Draw(t, "by")
		}
		for range rapid.IntRange(1, 25).Draw(t, "n") {
			x.now = x.now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "hours")) * time.Hour)
			var cmd Command
			switch rapid.IntRange(0, 15).Draw(t, "command") {
			case 0, 1:
				cmd = Send{By: by(), To: rapid.SampledFrom([]string{"", "x@registrar.example"}).Draw(t, "to")}
			case 2, 3:
				cmd = Noticed{Notice: rapid.IntRange(1, 3).Draw(t, "notice"), Result: rapid.SampledFrom([]casework.Result{casework.Accepted, casework.Accepted, casework.Undelivered, casework.Bounced, casework.Doubtful}).Draw(t, "result")}
			case 4:
				cmd = Hand{By: by(), How: "form"}
			case 5:
				cmd = Acknowledge{By: by(), Text: secret}
			case 6:
				cmd = AskMore{By: by(), Text: secret}
			case 7:
				cmd = GiveMore{By: by(), Text: secret}
			case 8:
				cmd = Mail{ID: "m", Says: "received"}
			case 9, 13, 14, 15:
				// Mostly one that is in order: else few histories come to an end.
				r := Rule{By: by(), Given: fields[:min(rapid.IntRange(0, 3).Draw(t, "given"), len(o.Fields))], Text: secret}
				if len(r.Given) < len(o.Fields) == (rapid.IntRange(0, 5).Draw(t, "why") > 0) {
					r.Reasons = []Reason{"law", "balance"}
				}
				if rapid.IntRange(0, 9).Draw(t, "more") == 9 {
					r.Given = fields
				}
				if len(r.Given) > 0 {
					r.SHA256 = digest
				}
				cmd = r
			case 10:
				cmd = Withdraw{By: by()}
			case 11:
				cmd = Tick{}
			default:
				cmd = Forget{By: "centre"}
			}
			before := x.r
			n := len(x.entries)
			err := x.do(t, cmd)
			if err != nil && problem.CodeOf(err) == problem.Internal {
				t.Fatalf("%T: %v", cmd, err)
			}
			if err != nil && len(x.entries) != n {
				t.Fatalf("%T failed and wrote events", cmd)
			}
			seen[x.r.State] = true
			holds(t, before, x.r, cmd)
		}
		verify(t, x.entries)
		again, err := Replay(x.entries)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if d := cmp.Diff(x.r, again, cmp.AllowUnexported(name.Domain{})); d != "" {
			t.Fatalf("replayed: %s", d)
		}
		// Personal payloads may go: the chain verifies and nothing else changes.
		erased := slices.Clone(x.entries)
		for i := range erased {
			if erased[i].Payload.Personal {
				erased[i].Payload = nil
			}
		}
		verify(t, erased)
		bare, err := Replay(erased)
		if err != nil {
			t.Fatalf("%v", err)
		}
		bare.Unloaded = false
		if d := cmp.Diff(x.r, bare, cmp.AllowUnexported(name.Domain{})); d != "" {
			t.Fatalf("without personal payloads: %s", d)
		}
		for _, e := range erased {
			if e.Payload != nil && bytes.Contains(e.Payload.Body, []byte(secret)) {
				t.Fatalf("%q holds what somebody wrote, and does not expire", e.Kind)
			}
		}
		if b, _ := json.Marshal(x.r); bytes.Contains(b, []byte(secret)) {
			t.Fatalf("the projection is personal")
		}
	})
	// Rare ends are left to the tables above; that histories move at all is not.
	if !seen[Received] || !seen[Granted] && !seen[PartlyGranted] && !seen[Refused] {
		t.Errorf("histories came only to %v", seen)
	}
}

func holds(t *rapid.T, was, r Request, cmd Command) {
	for _, f := range r.Given {
		if !slices.Contains(r.Fields, f) {
			t.Fatalf("%s was given and not asked for", f)
		}
	}
	if r.State.Decided() != !r.Decided.IsZero() || (r.Data != nil) != (len(r.Given) > 0) {
		t.Fatalf("%+v", r)
	}
	if was.State.Open() && r.State.Decided() {
		c, ok := cmd.(Rule)
		if !ok || r.Direction == Incoming && !person(c.By) {
			t.Fatalf("%T decided", cmd)
		}
	}
	if (r.State == Silent) && (!r.AnswerOver || r.Reached.IsZero()) {
		t.Fatalf("silent without a clock that is over: %+v", r)
	}
	if r.State.waiting() && r.AnswerDue.IsZero() {
		t.Fatalf("nothing is ever due: %+v", r)
	}
	if r.State == Drafted && !r.Reached.IsZero() || r.Direction == Incoming && r.Notices > 0 {
		t.Fatalf("%+v", r)
	}
	if !was.State.Open() && was.State != "" && was.State != r.State {
		t.Fatalf("from %s to %s", was.State, r.State)
	}
	if _, ok := cmd.(Tick); ok && !r.Due().IsZero() && r.State.waiting() && !r.Due().After(was.Last) {
		t.Fatalf("due in the past after a tick: %s", r.Due())
	}
}

// TestApplyRefuses: a log that breaks the machine does not load.
func TestApplyRefuses(t *testing.T) {
	x := &run{now: friday}
	x.must(t, open(t, Incoming, "nis2"))
	for _, ev := range []Event{
		{Kind: KindErased, Actor: "centre", Body: DataErased{}},
		{Kind: KindDrafted, Actor: "centre", Body: Opened{}},
		{Kind: KindSent, Actor: "centre", Body: SentOut{Notice: 1}},
		{Kind: KindDecided, Actor: "centre", Body: Decision{State: Withdrawn}},
		{Kind: "something else", Actor: "centre", Body: struct{}{}},
	} {
		e, err := Seal(x.r, x.r.ID, ev, x.now, [32]byte{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Apply(x.r, e); err == nil {
			t.Errorf("%q applies", ev.Kind)
		}
	}
	first := x.entries[0]
	first.Payload = nil
	if _, err := Replay([]casework.Entry{first}); err == nil {
		t.Error("a payload that is never erased may be missing")
	}
	if _, err := Replay(x.entries[1:]); err == nil {
		t.Error("a log without its beginning loads")
	}
}

// TestCount holds the figures against RDRS's definitions: closed by the date of
// the decision, open without one, several reasons to a refusal.
func TestCount(t *testing.T) {
	day := func(n int) time.Time { return friday.AddDate(0, 0, n) }
	var rs []Request
	add := func(at time.Time, then func(*run)) {
		x := &run{now: at}
		x.must(t, open(t, Incoming, "nis2"))
		if then != nil {
			then(x)
		}
		rs = append(rs, x.r)
	}
	rule := func(after time.Duration, c Rule) func(*run) {
		return func(x *run) { x.now = x.now.Add(after); c.By = "person:7"; x.must(t, Tick{}, c) }
	}
	all := []string{nameField, mailField}
	add(day(-40), rule(36*24*time.Hour, Rule{Reasons: []Reason{"law", "balance"}}))                  // before the period, closed in it, late
	add(day(-9), rule(24*time.Hour, Rule{Given: all, SHA256: digest}))                               // in it
	add(day(-8), rule(48*time.Hour, Rule{Given: all[:1], Reasons: []Reason{"law"}, SHA256: digest})) // in it
	add(day(-7), nil)                                                                                // open, and over its time
	add(day(-1), nil)                                                                                // open
	add(day(-5), func(x *run) { x.now = x.now.Add(time.Hour); x.must(t, Withdraw{By: "requestor:1"}) })
	add(day(-2), rule(5*24*time.Hour, Rule{Given: all, SHA256: digest})) // decided after the period
	add(day(1), nil)                                                     // after it
	got := Count(rs, day(-10), friday)
	if len(got) != 3 || got[0].Direction != Outgoing || got[0].Profile != "all" || got[1].Profile != "all" || got[2].Profile != "nis2" {
		t.Fatalf("%+v", got)
	}
	want := Counts{Direction: Incoming, Profile: "nis2", From: day(-10), To: friday, Submitted: 6, Closed: 3, Granted: 1, PartlyGranted: 1, Refused: 1,
		Reasons: map[Reason]int{"law": 2, "balance": 1}, InTime: 2, Withdrawn: 1, Open: 3, Silent: 1,
		Waits: []Wait{{24 * time.Hour, true}, {48 * time.Hour, true}, {7 * 24 * time.Hour, false}, {24 * time.Hour, false}, {time.Hour, false}, {48 * time.Hour, false}}}
	if d := cmp.Diff(want, got[2]); d != "" {
		t.Errorf("want -, got +\n%s", d)
	}
	if b, _ := json.Marshal(got); strings.Contains(string(b), "example") || strings.Contains(string(b), secret) {
		t.Errorf("figures name somebody: %s", b)
	}
	since := Count(rs, time.Time{}, day(10))[2]
	if since.Submitted != 8 || since.Closed != 4 || since.Open+since.Closed+since.Withdrawn != since.Submitted {
		t.Errorf("since the beginning: %+v", since)
	}
}
