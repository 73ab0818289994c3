package census

import (
	"cmp"
	"slices"
	"strings"

	"bailiwick/stats"
)

// Source says where the records of a frame come from, and so what may be said
// of its sums.
type Source string

// The sources.
const (
	// LookedUp are names that this centre looked up for its own reasons, most
	// of them because they were reported: a sample of nothing else.
	LookedUp Source = "looked up"
	// Own is a registry's or registrar's own data, read completely.
	Own Source = "own"
	// Public is a frame of what RDAP or WHOIS show to anybody.
	Public Source = "public"
)

// Sources are all sources.
func Sources() []Source { return []Source{LookedUp, Own, Public} }

// Limits of what is said.
const (
	// MinTestable is the least testable share at which names whose data may be
	// withheld are compared with others: below it, those that can be tested do
	// not stand for the rest.
	MinTestable = 0.5
	// MinGroup is the least number of testable names of a group that is ranked,
	// or published: as a subgroup of a survey (survey.MinPublished).
	MinGroup = 50
)

// Share is a proportion of counts with its 95 % interval (Wilson, 1927).
type Share struct {
	K    int     `json:"numerator"`
	N    int     `json:"denominator"`
	Of   float64 `json:"share"`
	Low  float64 `json:"low95"`
	High float64 `json:"high95"`
}

// ShareOf is k of n; of nothing it may be anything.
func ShareOf(k, n int) Share {
	s := Share{K: k, N: n}
	if n > 0 {
		s.Of = float64(k) / float64(n)
	}
	s.Low, s.High = stats.Wilson(k, n)
	return s
}

// Figure is what the counts of one metric say.
type Figure struct {
	Count
	// Failing and Right are shares of the testable names; warnings count as
	// right. Zero where only bounds may be said.
	Failing Share `json:"failing,omitzero"`
	Right   Share `json:"right,omitzero"`
	// Tested is the testable share of the names asked about.
	Tested Share `json:"testable"`
	// Least and Most bound the share of all names that fail: none of the
	// untested ones, or all of them.
	Least float64 `json:"failing_at_least"`
	Most  float64 `json:"failing_at_most"`
}

// Figure sums up a count.
func (c Count) Figure() Figure {
	f := Figure{Count: c, Failing: ShareOf(c.Fail, c.Testable()), Right: ShareOf(c.Pass+c.Warn, c.Testable()), Tested: ShareOf(c.Testable(), c.Asked()), Most: 1}
	if n := c.Asked(); n > 0 {
		f.Least, f.Most = float64(c.Fail)/float64(n), float64(c.Fail+c.Untestable)/float64(n)
	}
	return f
}

// Bounds says whether only bounds may be said: the testable are too few of
// data that may be withheld.
func (f Figure) Bounds(of Source) bool {
	return of != Own && f.Asked() > 0 && f.Tested.Of < MinTestable
}

// Group is one of the groups that are compared: a registrar, or a TLD.
type Group struct {
	Key string
	Figure
	// Unranked says why the group has no rank; "" where it has one.
	Unranked string
	Rank     int // from 1; 0 where it has none
}

// The reasons for which nothing is ranked.
const (
	TooHidden   = "under half of the names could be tested, and the rest may be withheld: the ones that could do not stand for them"
	TooFew      = "fewer than 50 names could be tested"
	NotAsked    = "the profile does not ask this"
	NoneFails   = "none of those that could be tested fails"
	HiddenFrame = "No ranking: under half of all these names could be tested, and the rest may be withheld. A group that shows more of its data would look worse than one that shows none."
)

// Rank orders groups by how much fails: by the lower end of the interval, so
// that few names never lead. Groups that must not be compared come after them,
// the largest first, each with the reason. Where the frame as a whole hides
// too much, nothing is ranked, and the reason is given.
func Rank(of Source, frame Figure, groups []Group) (why string) {
	if frame.Bounds(of) {
		why = HiddenFrame
	}
	for i := range groups {
		g := &groups[i]
		switch {
		case g.Asked() == 0:
			g.Unranked = NotAsked
		case why != "" || g.Bounds(of):
			g.Unranked = TooHidden
		case g.Testable() < MinGroup:
			g.Unranked = TooFew
		case g.Fail == 0:
			g.Unranked = NoneFails // nobody leads with nothing
		}
	}
	slices.SortStableFunc(groups, func(a, b Group) int {
		if (a.Unranked == "") != (b.Unranked == "") {
			if a.Unranked == "" {
				return -1
			}
			return 1
		}
		if a.Unranked == "" {
			if c := cmp.Compare(b.Failing.Low, a.Failing.Low); c != 0 {
				return c
			}
		}
		return cmp.Or(cmp.Compare(b.Asked(), a.Asked()), strings.Compare(a.Key, b.Key))
	})
	for i := range groups {
		if groups[i].Unranked == "" {
			groups[i].Rank = i + 1
		}
	}
	return why
}
