package verify

import (
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
)

// TestShipped: each rule says what it rests on, where and when it was read, and
// says so when it is not for compliance use.
func TestShipped(t *testing.T) {
	ps, err := NewProfiles()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range ps.All() {
		ids = append(ids, p.ID)
		for _, r := range p.Rules {
			for _, s := range []Source{r.Due.Source, r.Reminders.Source, r.Hold.Source, p.Codes.Source, p.Notice.Source, p.Quarantine.Source, p.Sanction.Source} {
				if (s.Caveat() == NotForCompliance) != (s.Basis != Primary) {
					t.Errorf("%s: caveat %q of basis %q", p.ID, s.Caveat(), s.Basis)
				}
			}
		}
		if p.Codes.Life != casework.Duration(15*day) {
			t.Errorf("%s: a code lives %s", p.ID, time.Duration(p.Codes.Life))
		}
	}
	if !slices.Equal(ids, []string{"de", "nl", "plain", "waps"}) {
		t.Errorf("%v", ids)
	}
	for id, want := range map[string]string{"waps": NotForCompliance, "de": NotForCompliance, "plain": NotForCompliance, "nl": ""} {
		if got := profile(t, id).Caveat(DoubtedData); got != want {
			t.Errorf("%s: caveat %q", id, got)
		}
	}
	// WAPS, clause by clause.
	p := profile(t, "waps")
	for _, tr := range []Trigger{Registered, Transferred, ChangedData, DoubtedData} {
		r := p.Rule(tr)
		if r.Due.Words() != "15 days" || r.Hold.Words() != "16 days" || r.Need != "one" || r.expiry(Registrant) != ByHold || r.expiry(AccountHolder) != ByHand {
			t.Errorf("%s: %+v", tr, r)
		}
		want := []Claim{Email, Phone}
		if tr == DoubtedData { // section 4: whatever is in doubt
			want = []Claim{Email}
		}
		if !slices.Equal(r.Verify, want) {
			t.Errorf("%s: verifies %v", tr, r.Verify)
		}
	}
	if !slices.Equal(p.Statuses, []string{"clientHold"}) || !slices.Equal(p.Sanction.Statuses, []string{"clientHold", "clientTransferProhibited"}) || len(p.Sanction.Grounds) != 3 {
		t.Errorf("%+v", p.Sanction)
	}
}

func TestLimit(t *testing.T) {
	friday := time.Date(2026, time.March, 6, 15, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		l     Limit
		after time.Duration
		words string
	}{
		{Limit{BusinessDays: 1}, 3 * day, "1 business day"},
		{Limit{BusinessDays: 3}, 5 * day, "3 business days"},
		{Limit{BusinessDays: 5}, 7 * day, "5 business days"},
		{Limit{BusinessDays: 11}, 17 * day, "11 business days"},
		{Limit{Within: casework.Duration(72 * time.Hour)}, 3 * day, "72 hours"},
		{Limit{Within: casework.Duration(15 * day)}, 15 * day, "15 days"},
		{Limit{Within: casework.Duration(90 * time.Minute)}, 90 * time.Minute, "1h30m0s"},
	} {
		if got := tc.l.From(friday); !got.Equal(friday.Add(tc.after)) || tc.l.Words() != tc.words {
			t.Errorf("%s: %s", tc.l.Words(), got)
		}
	}
	// Counted one by one it is the same, from any day of the week.
	for first := range 7 {
		begin, at := friday.AddDate(0, 0, first), friday.AddDate(0, 0, first)
		for n := 1; n < 30; n++ {
			for at = at.AddDate(0, 0, 1); at.Weekday() == time.Saturday || at.Weekday() == time.Sunday; {
				at = at.AddDate(0, 0, 1)
			}
			if got := (Limit{BusinessDays: n}).From(begin); !got.Equal(at) {
				t.Fatalf("%d business days from %s: %s, want %s", n, begin, got, at)
			}
		}
	}
}

const sample = `id: local
name: A law
rules:
  - on: [registered, transferred, changed, doubted]
    verify: [email]
    need: one
    due: {within: 240h, basis: primary, source: "https://law.example/1", read: 2026-01-31}
    reminders: {at: [0s, 72h], basis: ours, read: 2026-01-31}
    hold: {within: 264h, basis: primary, source: "https://law.example/2", read: 2026-01-31}
    registrant: hold
    account_holder: hand
codes: {life: 360h, attempts: 5, apart: 1h, basis: ours, read: 2026-01-31}
notice: {within: 48h, basis: ours, read: 2026-01-31}
statuses: [clientHold]
sanction: {grounds: [no_reply_to_enquiry], statuses: [clientHold], basis: ours, read: 2026-01-31}
`

func TestLoadProfile(t *testing.T) {
	own, err := LoadProfile(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	if own.Caveat(Registered) != "" {
		t.Error("a primary rule carries a caveat")
	}
	if _, err := NewProfiles(own, own); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("twice the same: %v", err)
	}
	mine := own
	mine.ID = "waps"
	ps, err := NewProfiles(mine)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := ps.Profile("waps"); err != nil || p.Name != "A law" || len(ps.All()) != 4 {
		t.Errorf("an operator's own does not win: %v %v", p.Name, err)
	}
	if _, err := ps.Profile("other"); problem.CodeOf(err) != problem.Invalid {
		t.Error(err)
	}
	if own.Hash() == mine.Hash() {
		t.Error("two profiles, one hash")
	}
	for what, change := range map[string][2]string{
		"an unknown key":                  {"name: A law", "name: A law\ncolour: red"},
		"a second document":               {"name: A law", "name: A law\n---\nid: x"},
		"a trigger without a rule":        {", doubted]", "]"},
		"a trigger twice":                 {", doubted]", ", doubted, doubted]"},
		"a trigger that is none":          {", doubted]", ", renewed]"},
		"what cannot answer":              {"verify: [email]", "verify: [address]"},
		"nothing to verify":               {"verify: [email]", "verify: []"},
		"the same to verify twice":        {"verify: [email]", "verify: [email, email]"},
		"a need that is none":             {"need: one", "need: some"},
		"a basis that is none":            {"basis: primary", "basis: hearsay"},
		"no source":                       {`source: "https://law.example/1", `, ""},
		"no day":                          {"2026-01-31", "lately"},
		"two times":                       {"within: 240h", "within: 240h, business_days: 2"},
		"no time":                         {"within: 240h, ", ""},
		"a negative time":                 {"within: 240h", "within: -240h"},
		"a time over the longest":         {"within: 240h", "within: 90000h"},
		"a hold before the answer":        {"within: 264h", "within: 239h"},
		"no time of the hold":             {"within: 264h, ", ""},
		"a hold that nobody gets":         {"registrant: hold", "registrant: hand"},
		"an expiry that is none":          {"registrant: hold", "registrant: jail"},
		"reminders after the answer":      {"[0s, 72h]", "[0s, 240h]"},
		"reminders too close":             {"[0s, 72h]", "[0s, 1m]"},
		"reminders that run back":         {"[0s, 72h]", "[0s, 72h, 48h]"},
		"no first message":                {"[0s, 72h]", "[72h]"},
		"no reminders":                    {"[0s, 72h]", "[]"},
		"too many reminders":              {"[0s, 72h]", "[0s, 2h, 4h, 6h, 8h, 10h, 12h, 14h, 16h, 18h, 20h]"},
		"a code for a minute":             {"life: 360h", "life: 1m"},
		"no attempts":                     {"attempts: 5", "attempts: 0"},
		"attempts without end":            {"attempts: 5", "attempts: 1000"},
		"codes in a rush":                 {"apart: 1h", "apart: 1s"},
		"no notice":                       {"within: 48h, ", ""},
		"no status":                       {"statuses: [clientHold]\nsanction", "statuses: []\nsanction"},
		"a status that is none":           {"statuses: [clientHold]\nsanction", "statuses: [inactive]\nsanction"},
		"a status twice":                  {"statuses: [clientHold]\nsanction", "statuses: [clientHold, clientHold]\nsanction"},
		"a ground that is none":           {"[no_reply_to_enquiry]", "[dislike]"},
		"a ground that is a clock's":      {"[no_reply_to_enquiry]", "[quarantine]"},
		"a sanction without grounds":      {"grounds: [no_reply_to_enquiry], ", ""},
		"a name that is no word":          {"id: local", "id: ../x"},
		"no name":                         {"name: A law", "name: \"\""},
		"a kind of TLD that is none":      {"name: A law", "name: A law\ntlds: all"},
		"a duration that is none":         {"240h", "soon"},
		"a quarantine of no length":       {"name: A law", "name: A law\nquarantine: {basis: ours, read: 2026-01-31}"},
		"a good time that is too long":    {"name: A law", "name: A law\nvalid_for: {within: 90000h, basis: ours, read: 2026-01-31}"},
		"business days without end":       {"within: 264h", "business_days: 1000000000"},
		"a list in place of a word":       {"id: local", "id: [local]"},
		"an alias of itself":              {"name: A law", "name: &a [*a]"},
		"more rules than triggers":        {"rules:\n", "rules:\n  - {}\n  - {}\n  - {}\n  - {}\n"},
		"a rule of nothing":               {"rules:\n", "rules:\n  - {}\n"},
		"a sanction without its statuses": {"statuses: [clientHold], basis: ours", "basis: ours"},
	} {
		if !strings.Contains(sample, change[0]) {
			t.Fatalf("%s: the sample has no %q", what, change[0])
		}
		if _, err := LoadProfile(strings.NewReader(strings.Replace(sample, change[0], change[1], 1))); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := LoadProfile(strings.NewReader(strings.Repeat("#", MaxProfile+1))); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("too large: %v", err)
	}
}

// FuzzLoadProfile: a profile that loads is one that the machine can run: times
// end, holds come after them, and reminders do too.
func FuzzLoadProfile(f *testing.F) {
	f.Add(sample)
	f.Add("id: [")
	f.Add("a: &a [*a]")
	ids, _ := shipped.ReadDir("profiles")
	for _, e := range ids {
		b, _ := shipped.ReadFile("profiles/" + e.Name())
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := LoadProfile(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, tr := range triggers {
			r := round(p, tr, monday)
			if !r.Due.After(monday) || !r.HoldAt.IsZero() && r.HoldAt.Before(r.Due) {
				t.Fatalf("%+v", r)
			}
		}
		x := start()
		o := open(t, "waps")
		o.Profile = p
		x.must(t, o, Validate{By: "centre"})
		for range 12 {
			if x.h.NextDue().IsZero() {
				break
			}
			x.now = x.h.NextDue()
			x.tick(t)
			x.must(t, Noticed{N: 1, Result: casework.Accepted})
		}
		if due := x.h.NextDue(); x.h.State == Pending && len(p.Rule(Registered).Reminders.At) < 10 && !due.IsZero() {
			t.Fatalf("after twelve ticks %s, due %s", x.h.State, due)
		}
	})
}
