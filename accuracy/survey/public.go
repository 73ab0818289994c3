package survey

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Cycle is a cycle of a series.
type Cycle struct {
	Cycle int
	At    time.Time // Plan.At
}

// Commitment is SHA-256 (hex) of "bailiwick survey seed", the seed in decimal and
// the salt in hex, each after a space but the first. Who is shown it, and later
// the seed with its salt, can see that the seed is the one that was fixed with
// the plan. It tells nothing of the seed as long as the salt is secret: without
// the salt, seeds that people choose could be tried one by one.
func Commitment(seed uint64, salt string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "bailiwick survey seed %d %s", seed, salt))
	return hex.EncodeToString(sum[:])
}

// Committed is the commitment to the plan's seed, "" where it has no salt: see
// Commitment.
func (p Plan) Committed() string {
	if p.Salt == "" {
		return p.Commitment
	}
	return Commitment(p.Seed, p.Salt)
}

// Public is the plan as anybody may see it. In the place of the seed stands the
// commitment to it, for ever: which registrations a sample was hangs on the seed
// and their names alone, so with the seed whoever has the frame has the sample.
// Of the earlier cycle it keeps no numbers, and nothing at all unless shown, the
// cycles of the series that everybody can read, has it; of a target no baseline
// of a cycle that is not shown.
func (p Plan) Public(shown []Cycle) Plan {
	p.Commitment = p.Committed()
	p.Seed, p.Salt = 0, ""
	if e := p.Earlier; e != nil {
		p.Earlier = nil
		if e.shown(shown) {
			p.Earlier = &Earlier{Name: e.Name, Cycle: e.Cycle, At: e.At, Kind: e.Kind, Frame: e.Frame, Profile: e.Profile, Hash: e.Hash, Observed: e.Observed, Facts: e.Facts}
		}
	}
	p.Targets = slices.Clone(p.Targets)
	for i := range p.Targets {
		if !p.Targets[i].shown(shown) {
			p.Targets[i].Baseline = Estimate{}
		}
	}
	return p
}

func (e *Earlier) shown(in []Cycle) bool {
	return slices.ContainsFunc(in, func(c Cycle) bool { return c.Cycle == e.Cycle && c.At.Equal(e.At) })
}

func (t Target) shown(in []Cycle) bool {
	return slices.ContainsFunc(in, func(c Cycle) bool { return c.At.Equal(t.At) })
}

// Public is the report as anybody may see it: see Plan.Public. What is not fit to
// be published has its reason and no number, wherever one could be read or
// reckoned from: neither a result, nor the counts it is made from, nor a change.
func (r Report) Public(shown []Cycle) Report {
	out := r
	out.Plan = r.Plan.Public(shown)
	out.Strata = slices.Clone(r.Strata)
	for i := range out.Strata {
		out.Strata[i].Guess = 0 // a share that the earlier cycle found
	}
	out.Tests = slices.Clone(r.Tests)
	for i := range out.Tests {
		out.Tests[i] = out.Tests[i].public(r.Plan.Kind, out.Plan.Earlier != nil)
	}
	if r.NORC != nil {
		n := *r.NORC
		n.Groups = slices.Clone(n.Groups)
		// They make up the whole: of all but one the last can be reckoned.
		if i := slices.IndexFunc(n.Groups, func(g GroupShare) bool { return g.Result.Unpublished != "" }); i >= 0 {
			why := n.Groups[i].Result.Unpublished
			for i := range n.Groups {
				n.Groups[i].Result.Unpublished = why
				n.Groups[i].Result = n.Groups[i].Result.fit()
			}
		}
		out.NORC = &n
	}
	out.Targets = slices.Clone(r.Targets)
	for i, t := range out.Targets {
		if !t.Target.shown(shown) {
			out.Targets[i].Target.Baseline = Estimate{}
			out.Targets[i].Test = Test{Reached: NotShown, Early: t.Test.Early}
		}
	}
	var hidden []string
	if r.Plan.Earlier != nil && out.Plan.Earlier == nil {
		hidden = comparing(r.Plan.Earlier, r.Plan)
	}
	record, _ := r.Test(TestRecord)
	out.Notes = slices.DeleteFunc(slices.Clone(r.Notes), func(n string) bool {
		return slices.Contains(hidden, n) || record.Result.Unpublished != "" && strings.HasPrefix(n, everyUnit)
	})
	return out
}

// fit is a result without its numbers where they are not fit to be published.
func (r Result) fit() Result {
	if r.Unpublished == "" {
		return r
	}
	return Result{Tested: r.Tested, BoundsOnly: r.BoundsOnly, Unpublished: r.Unpublished}
}

// public is a test's report as anybody may see it; compared says whether the
// earlier cycle can be read.
func (t TestReport) public(kind Kind, compared bool) TestReport {
	whole := t.Result.Unpublished == ""
	t.Result = t.Result.fit()
	if !whole {
		t.Failures, t.Withheld = nil, nil
	}
	if !whole || !compared {
		t.Change, t.TestableChange = nil, nil
	}
	// The counts of all strata but one tell those of the last, as the result is
	// made from them: so it is all or none.
	if !whole || slices.ContainsFunc(t.Tallies, func(y Tally) bool { return !y.fit(kind) }) {
		t.Tallies = nil
	}
	t.Subgroups = slices.Clone(t.Subgroups)
	least, silent := map[string]int{}, map[string]int{}
	for i := range t.Subgroups {
		g := &t.Subgroups[i]
		switch {
		case g.Result == nil:
			silent[g.By]++
		case !whole || g.Result.Unpublished != "":
			g.Result, g.Unpublished = nil, wholeUnfit
			silent[g.By]++
		default:
			if j, ok := least[g.By]; !ok || g.Tested < t.Subgroups[j].Tested {
				least[g.By] = i
			}
		}
	}
	for by, n := range silent {
		if i, ok := least[by]; ok && n == 1 {
			t.Subgroups[i].Result, t.Subgroups[i].Unpublished = nil, subtracted
		}
	}
	return t
}

// fit says whether a stratum by itself is fit to be published.
func (y Tally) fit(kind Kind) bool {
	r, err := Sum(kind, y.Frame, []Tally{y})
	return err == nil && r.Unpublished == ""
}

// Why the numbers of a part are left out that would be fit by themselves.
const (
	wholeUnfit = "the test as a whole is not fit to be published"
	subtracted = "another part could be reckoned by subtraction that is not fit to be published"
)
