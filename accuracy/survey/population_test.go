package survey_test

import (
	"flag"
	"math"
	"testing"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/accuracy/survey"
	people "bailiwick/lab/population"
	"bailiwick/registration"
)

// member is a unit of a made-up frame, with its truth and with what the checks
// say of it.
type member struct {
	name, registrar string
	truth           map[string]bool // test to whether it is right
	outcome         survey.Outcome
}

// members makes a frame up; public as anybody sees it. What the checks find is
// found once: the surveys differ in whom they draw.
func members(t *testing.T, n int, public bool) []member {
	t.Helper()
	set, err := policy.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	p, err := set.Get("ars-2013")
	if err != nil {
		t.Fatal(err)
	}
	all, err := people.Of(11, n, people.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out []member
	for r := range all {
		rec := r.Record()
		if public {
			rec = r.Public()
		}
		seen := r.Seen()
		var facts accuracy.Facts
		if seen.MailDomain != "" {
			facts.Mail = map[string]accuracy.MailFact{seen.MailDomain: {At: day, Registered: &seen.Registered, MX: seen.MX, NullMX: seen.NullMX}}
		}
		for role, c := range rec.Contacts {
			for _, a := range []struct {
				field, method string
				ok            bool
			}{{"email", "code", seen.Answered}, {"phone", "call", seen.Connected}, {"street", "post", seen.Delivered}} {
				facts.Answers = append(facts.Answers, accuracy.Answer{Path: registration.ContactPath(role, a.field), Value: c.Field(a.field), Method: a.method, OK: a.ok, At: day})
			}
		}
		a, _, err := p.Examine(rec, facts, day)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, member{name: r.Name, registrar: r.Registrar, outcome: survey.OutcomeOf(a), truth: map[string]bool{
			"email.form": r.Truth.Email.WellFormed(), "phone.form": r.Truth.Phone.WellFormed(), "postal.form": r.Truth.Postal.WellFormed(), "all.form": r.Truth.WellFormed(),
			"email.works": r.Truth.Email.Works(), "phone.works": r.Truth.Phone.Works(), "postal.works": r.Truth.Postal.Works(), "all.works": r.Truth.Works()}})
	}
	return out
}

// surveyed is the report of one survey of a frame, the whole way from the draw.
func surveyed(t *testing.T, frame []member, seed uint64, first, total int, known bool, kind survey.Kind) survey.Report {
	t.Helper()
	d, err := survey.NewDrawer(seed, first)
	if err != nil {
		t.Fatal(err)
	}
	at, sizes := map[string]int{}, map[string]int{}
	for i, m := range frame {
		d.Offer(m.name, m.registrar)
		at[m.name] = i
		sizes[m.registrar]++
	}
	drawn, err := d.Drawn()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, u := range drawn {
		counts[u.Stratum]++
	}
	var cells []survey.Cell
	for k, n := range sizes {
		switch {
		case known:
			cells = append(cells, survey.Cell{Key: k, Frame: n, Drawn: counts[k]})
		case counts[k] > 0:
			cells = append(cells, survey.Cell{Key: k, Drawn: counts[k]})
		}
	}
	cells, in := survey.Join(cells)
	for i := range drawn {
		drawn[i].Stratum = in[drawn[i].Stratum]
	}
	quotas := make([]survey.Quota, len(cells))
	for i, c := range cells {
		quotas[i] = survey.Quota{Key: c.Key, Drawn: c.Drawn, Guess: 0.5, Floor: 15}
	}
	if quotas, err = survey.Allocate(quotas, total); err != nil {
		t.Fatal(err)
	}
	chosen, err := survey.Second(seed, drawn, quotas)
	if err != nil {
		t.Fatal(err)
	}
	p := plan()
	p.Kind, p.Earlier, p.Targets, p.Groups, p.Seed, p.FirstPhase, p.Total, p.Frame.Rows = kind, nil, nil, nil, seed, first, total, len(frame)
	r, err := survey.Make(p, survey.Counts{Rows: len(frame), Frame: len(frame), Drawn: first}, cells, nil, func(yield func(string, survey.Outcome) bool) {
		for _, u := range chosen {
			if !yield(u.Stratum, frame[at[u.ID]].outcome) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var seeds = flag.Int("seeds", 100, "how many surveys TestSurveyHoldsTheTruth makes of each frame")

// TestSurveyHoldsTheTruth: surveys of a population whose truth is known hold it
// in their 95 % intervals at the rate they state.
func TestSurveyHoldsTheTruth(t *testing.T) {
	const size, first, total = 2000, 1200, 300
	seeds := *seeds
	for _, v := range []struct {
		name  string
		kind  survey.Kind
		known bool // the sizes of the strata
	}{{"a registry's own frame", survey.Internal, true}, {"a public frame in two phases", survey.Public, false}} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			frame := members(t, size, v.kind == survey.Public)
			// The truth among those that can be tested at all.
			right, testable := map[string]float64{}, map[string]float64{}
			for _, m := range frame {
				for id, ok := range m.truth {
					if r := m.outcome.Tests[id].Result; r != accuracy.Pass && r != accuracy.Fail {
						continue
					}
					testable[id]++
					if ok {
						right[id]++
					}
				}
			}
			held, stated, bounded := map[string]int{}, 0, 0
			for seed := range seeds {
				r := surveyed(t, frame, uint64(seed), first, total, v.known, v.kind)
				for _, x := range r.Tests {
					if x.Test == survey.TestRecord {
						continue
					}
					truth := testable[x.Test] / size
					e := x.Result.Testable
					if x.Result.Accurate != nil && !x.Result.BoundsOnly {
						truth, e = right[x.Test]/testable[x.Test], *x.Result.Accurate
					}
					stated++
					if e.Low <= truth+1e-9 && truth <= e.High+1e-9 {
						held[x.Test]++
					}
					// What all of the frame would say lies between the bounds.
					if whole := right[x.Test] / size; x.Result.Lower.Low <= whole && whole+1-testable[x.Test]/size <= x.Result.Upper.High {
						bounded++
					}
				}
			}
			// Of 100 intervals at 95 %, 88 to 100 hold the truth with 99.9 %.
			n := float64(seeds)
			spread := 3.29 * math.Sqrt(n*0.95*0.05)
			all := 0
			low, high := 1.0, 0.0
			for id, k := range held {
				all += k
				low, high = min(low, float64(k)/n), max(high, float64(k)/n)
				// Beyond chance it may be a little too wide, and never too narrow.
				if off := float64(k) - 0.95*n; off < -spread || off > max(spread, 0.03*n) {
					t.Errorf("%s: %d of %d intervals hold the truth %.3f", id, k, seeds, right[id]/testable[id])
				}
			}
			if len(held) != 8 {
				t.Errorf("only %d tests were reported", len(held))
			}
			// The eight tests of one seed hang together: no narrower bound holds for
			// all of them than for one.
			if rate := float64(all) / float64(stated); math.Abs(rate-0.95) > max(spread/n, 0.01) {
				t.Errorf("%.1f %% of %d intervals hold the truth", 100*rate, stated)
			}
			if bounded < stated*9/10 {
				t.Errorf("%d of %d bounds hold what all of the frame would say", bounded, stated)
			}
			t.Logf("%.1f %% of %d intervals hold the truth, of single tests %.1f to %.1f %% (%d surveys of %d among %d)", 100*float64(all)/float64(stated), stated, 100*low, 100*high, seeds, total, size)
		})
	}
}
