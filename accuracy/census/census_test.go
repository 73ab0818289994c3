package census

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/registration"

	"pgregory.net/rapid"
)

func finding(level accuracy.Level, r accuracy.Result) policy.Finding {
	return policy.Finding{Result: r, Verdict: accuracy.Verdict{Check: "x", Reason: "y", Level: level, Result: r, Evidence: "secret"}}
}

// assessed is an assessment of a registrant's e-mail and phone.
func assessed(email, phone []policy.Finding) policy.Assessment {
	return policy.Assessment{State: registration.Registered, Result: accuracy.Warn, Modes: []policy.Mode{{Mode: "email", Form: accuracy.Pass, Works: accuracy.Untestable}},
		Contacts: []policy.Contact{{Role: "admin", Fields: []policy.Field{{Path: "contacts.admin.email", Field: "email", Findings: []policy.Finding{finding(accuracy.V1, accuracy.Fail)}}}},
			{Role: "registrant", Fields: []policy.Field{{Path: "contacts.registrant.email", Field: "email", Result: accuracy.Fail, Findings: email}, {Path: "contacts.registrant.phone", Field: "phone", Findings: phone}}}}}
}

// TestReach: one way that stands is enough; only two that fail are a failure;
// what is withheld or not tried is none; warnings and whose it is take nothing.
func TestReach(t *testing.T) {
	p, w, f, u := accuracy.Pass, accuracy.Warn, accuracy.Fail, accuracy.Untestable
	v := func(l accuracy.Level, rs ...accuracy.Result) (out []policy.Finding) {
		for _, r := range rs {
			out = append(out, finding(l, r))
		}
		return out
	}
	for i, c := range []struct {
		email, phone []policy.Finding
		want         accuracy.Result
	}{
		{v(1, p), v(1, f), p}, {v(1, f), v(1, p), p}, {v(1, f), v(1, f), f}, {v(1, f), v(1, u), u}, {v(1, u), v(1, u), u}, {v(1, u), v(1, p), p},
		{v(1, p, w), v(1, f), p}, {v(1, p, f), v(1, f), f}, {append(v(1, p), v(2, f)...), v(1, f), f}, {append(v(1, p), v(2, u)...), v(1, f), p}, {append(v(1, p), v(3, f)...), v(1, f), p},
	} {
		o, ok := Of(assessed(c.email, c.phone))
		if got := o.Result(Reach); !ok || got != c.want {
			t.Errorf("%d: %q, want %q", i, got, c.want)
		}
	}
	o, _ := Of(assessed(v(1, f, f), v(1, p)))
	if o.Result(Record) != w || o.Result(EmailForm) != p || o.Result(EmailWorks) != u || o.Result(PostalForm) != "" || o.Result("none") != "" {
		t.Errorf("%+v", o)
	}
	if len(o.Fields) != 3 || o.Fields[1].Path != "registrant.email" || len(o.Fields[1].Codes) != 1 || strings.Contains(fmt.Sprint(o), "secret") {
		t.Errorf("%+v: codes once each, and no evidence", o.Fields)
	}
	if _, ok := Of(policy.Assessment{State: registration.Available}); ok {
		t.Error("a name that is not registered is counted")
	}
	if o, _ := Of(policy.Assessment{State: registration.Registered, Result: u}); o.Result(Reach) != "" {
		t.Error("a profile that asks for no way to reach somebody says something of reaching")
	}
}

func anyOutcome(t *rapid.T) Outcome {
	b := make([]byte, nMetrics)
	for i := range b {
		b[i] = letters[rapid.IntRange(0, len(letters)-1).Draw(t, "letter")]
	}
	o := Outcome{Metrics: string(b)}
	for range rapid.IntRange(0, 3).Draw(t, "fields") {
		f := Field{Path: "registrant." + rapid.SampledFrom([]string{"email", "phone", "name"}).Draw(t, "field"), Result: rapid.SampledFrom([]accuracy.Result{accuracy.Pass, accuracy.Fail}).Draw(t, "result")}
		if f.Result == accuracy.Fail {
			f.Codes = []Code{{Check: "email.mx", Reason: rapid.SampledFrom([]string{"", "null-mx"}).Draw(t, "reason"), Result: accuracy.Fail}}
		}
		o.Fields = append(o.Fields, f)
	}
	return o
}

// TestCounts: what is added and taken out again leaves nothing; sums of parts are
// the sum; what is stored is read back.
func TestCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(anyOutcome), 0, 12).Draw(t, "outcomes")
		var sum, a, b Counts
		detail, da, db := Detail{}, Detail{}, Detail{}
		for i, o := range all {
			sum.Add(o, 1)
			detail.Add(o, 1)
			if i%2 == 0 {
				a.Add(o, 1)
				da.Add(o, 1)
			} else {
				b.Add(o, 1)
				db.Add(o, 1)
			}
		}
		a.Plus(b)
		da.Plus(db)
		if a != sum || fmt.Sprint(da) != fmt.Sprint(detail) {
			t.Fatalf("the sum of parts: %v, %v", a, sum)
		}
		text, _ := sum.MarshalText()
		var back Counts
		if err := back.UnmarshalText(text); err != nil || back != sum {
			t.Fatalf("%s: %v", text, err)
		}
		for _, m := range Metrics() {
			f := sum.Of(m.ID).Figure()
			if f.Asked() > sum.N || f.Testable() > f.Asked() || f.Least > f.Most || f.Failing.K+f.Right.K != f.Testable() {
				t.Fatalf("%s: %+v", m.ID, f)
			}
			if n := f.Asked(); n > 0 && f.Testable() > 0 {
				if share := float64(f.Fail) / float64(f.Testable()); share < f.Failing.Low-1e-9 || share > f.Failing.High+1e-9 {
					t.Fatalf("%s: %f outside of %f–%f", m.ID, share, f.Failing.Low, f.Failing.High)
				}
			}
		}
		for _, o := range all {
			sum.Add(o, -1)
			detail.Add(o, -1)
		}
		if sum != (Counts{}) || len(detail) != 0 {
			t.Fatalf("left: %v %v", sum, detail)
		}
	})
	var c Counts
	for _, bad := range []string{"x", "1 2 x", strings.Repeat("1 ", 4*nMetrics+2)} {
		if c.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is read", bad)
		}
	}
	if err := c.UnmarshalText([]byte("3 1 0 2 0")); err != nil || c.Of(Reach) != (Count{Pass: 1, Fail: 2}) || c.Of(Record).Asked() != 0 {
		t.Errorf("counts from before a metric was added: %+v %v", c, err)
	}
}

// TestRank: groups that hide too much, or are too few, are never ranked; where
// the whole hides too much nothing is; a few names never lead.
func TestRank(t *testing.T) {
	group := func(key string, pass, fail, hidden int) Group {
		return Group{Key: key, Figure: Count{Pass: pass, Fail: fail, Untestable: hidden}.Figure()}
	}
	groups := func() []Group {
		return []Group{group("good", 900, 10, 0), group("bad", 500, 500, 0), group("tiny", 0, 9, 0), group("worse, less certain", 48, 52, 0), group("hides", 10, 90, 400), group("not asked", 0, 0, 0), group("flawless", 300, 0, 0)}
	}
	keys := func(gs []Group) (out []string) {
		for _, g := range gs {
			out = append(out, fmt.Sprintf("%s %d", g.Key, g.Rank))
		}
		return out
	}
	frame := Count{Pass: 1000, Fail: 600, Untestable: 400}.Figure()
	gs := groups()
	if why := Rank(Public, frame, gs); why != "" || !slices.Equal(keys(gs), []string{"bad 1", "worse, less certain 2", "good 3", "hides 0", "flawless 0", "tiny 0", "not asked 0"}) {
		t.Errorf("%s %v", why, keys(gs))
	}
	if gs[3].Unranked != TooHidden || gs[4].Unranked != NoneFails || gs[5].Unranked != TooFew || gs[6].Unranked != NotAsked {
		t.Errorf("%+v", gs)
	}
	gs = groups() // one's own data hides nothing: what is missing is missing
	if Rank(Own, frame, gs); gs[0].Key != "hides" && gs[1].Key != "hides" && gs[2].Key != "hides" {
		t.Errorf("%v", keys(gs))
	}
	hidden := Count{Pass: 10, Fail: 10, Untestable: 100}.Figure()
	for _, of := range []Source{Public, LookedUp} {
		gs = groups()
		if why := Rank(of, hidden, gs); why == "" || slices.ContainsFunc(gs, func(g Group) bool { return g.Rank > 0 }) {
			t.Errorf("%s: ranked though the whole hides too much: %v", of, keys(gs))
		}
	}
}

// TestReasons: failures first, by how often.
func TestReasons(t *testing.T) {
	d := Detail{"registrant.email|fail": 3, "registrant.email|pass": 1, "tech.email|pass": 2, "registrant.name|warn": 1, "registrant.email|email.mx|null-mx|fail": 1, "registrant.email|email.syntax|no-at|fail": 2, "registrant.name|name.length|short|warn": 9}
	var got []string
	for _, r := range d.Reasons() {
		got = append(got, fmt.Sprintf("%s %s %d", r.Check, r.Reason, r.N))
	}
	if !slices.Equal(got, []string{"email.syntax no-at 2", "email.mx null-mx 1", "name.length short 9"}) {
		t.Errorf("%v", got)
	}
	f := d.Fields()
	if len(f) != 3 || f[0].Path != "registrant.name" || f[1].Path != "registrant.email" || f[1].Count != (Count{Pass: 1, Fail: 3}) || f[2].Path != "tech.email" {
		t.Errorf("%+v", f)
	}
}
