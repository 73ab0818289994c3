package survey

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/problem"
)

// Limits of a survey.
const (
	MaxName      = 100     // octets of a survey's name and of texts like it
	MaxTested    = 200_000 // units tested
	MaxSubgroups = 200     // subgroups named in a report, for each test and division
	MaxTargets   = 20      // targets tested in a report
	MinJoin      = 2       // drawn units below which a stratum is joined with others
	maxKeys      = 20_000  // subgroups of one division that are counted at all
	maxCodes     = 500     // reasons counted for each test
	DefaultFloor = 200     // tests in each stratum, where that many can be had
	digits       = 1_000_000_000
)

// The tests of a survey: a record as a whole, and the ways to reach a holder,
// each in its form (V1) and in whether it works (V2), as ICANN's accuracy
// reporting system counted them. A way is right only if it is for all contacts.
const (
	TestRecord = "record"
	formOf     = ".form"
	worksOf    = ".works"
)

// Tests are the ids of the tests, in the order of reports.
func Tests() []string {
	return []string{TestRecord, "email" + formOf, "phone" + formOf, "postal" + formOf, "all" + formOf, "email" + worksOf, "phone" + worksOf, "postal" + worksOf, "all" + worksOf}
}

// About says in words what a test asks: a title, and a definition with what is
// counted and of what. It is "" for what is no test.
func About(test string) (title, definition string) {
	if test == TestRecord {
		return "Record as a whole", "Registrations of which no check of the profile fails, of those of which something could be tested. A warning is no failure. A registration of which little could be tested counts by that little."
	}
	way, level, _ := strings.Cut(test, ".")
	name, known := map[string]string{"email": "E-mail", "phone": "Telephone", "postal": "Postal address", "all": "All three"}[way]
	switch {
	case known && level == "form":
		title = name + ", form"
		definition = "Registrations whose contacts all have it in the right form, of those for which that could be tested. A right form does not say that it works, or whose it is."
	case known && level == "works":
		title = name + ", works"
		definition = "Registrations whose contacts all have one that was seen to work, of those for which that could be tested. It does not say whose it is."
	}
	return title, definition
}

// Frame says what a survey is about: the list of registrations the sample was
// drawn from.
type Frame struct {
	Description string `json:"description"`
	Format      string `json:"format,omitempty"`
	Digest      string `json:"digest"` // SHA-256 (hex) of its bytes
	Rows        int    `json:"rows"`   // that could be read
	// Bad are the rows that could not be read, by reason.
	Bad []Excluded `json:"bad,omitempty"`
	// Synthetic says that the registrations are made up.
	Synthetic bool `json:"synthetic,omitempty"`
}

// Plan is what a survey sets out to do. It is fixed before the first unit is
// drawn: the same plan on the same frame gives the same report.
type Plan struct {
	// Name is that of the series: surveys of one name are cycles of it.
	Name  string `json:"name"`
	Cycle int    `json:"cycle"` // from 1
	Kind  Kind   `json:"kind"`
	// At is the day that the frame stands for.
	At    time.Time `json:"at"`
	Frame Frame     `json:"frame"`
	// Scheme names what the frame is divided by before units are tested, such as
	// "region,class,agreement"; "" for no strata.
	Scheme string `json:"scheme,omitempty"`
	// Groups are the divisions that subgroups are estimated of: "registrar",
	// "tld", "region", "stratum".
	Groups []string `json:"groups,omitempty"`
	// Seed and Salt are secret: see Public. Salt, in hex, makes the commitment to
	// the seed tell nothing of it; "" where none is published.
	Seed uint64 `json:"seed,string,omitempty"`
	Salt string `json:"salt,omitempty"`
	// Commitment stands in the place of the seed in what is public.
	Commitment string `json:"seed_commitment,omitempty"`
	FirstPhase int    `json:"first_phase"` // units drawn
	Total      int    `json:"total"`       // units tested
	Floor      int    `json:"floor"`       // tests in each stratum at least, where so many were drawn
	// Main is the test by whose expected share tests are divided among strata.
	Main    string        `json:"main"`
	Profile string        `json:"profile"`
	Hash    string        `json:"profile_hash"`
	Status  policy.Status `json:"profile_status"`
	// Observed says that DNS was asked whether mail domains take mail.
	Observed bool `json:"observed,omitempty"`
	// Facts is SHA-256 (hex) of a file of facts that were gathered elsewhere
	// (accuracy.ReadFacts); "" for none.
	Facts string `json:"facts_digest,omitempty"`
	// Verified says that what the centre itself verified counts as answers.
	Verified bool     `json:"verified,omitempty"`
	Tool     string   `json:"tool"` // version of this program
	Earlier  *Earlier `json:"earlier,omitempty"`
	Targets  []Target `json:"targets,omitempty"`
}

// Earlier is what a plan keeps of the cycle before: enough to tell what
// changed.
type Earlier struct {
	Name    string    `json:"name"`
	Cycle   int       `json:"cycle"`
	At      time.Time `json:"at"`
	Digest  string    `json:"report_digest,omitempty"`
	Kind    Kind      `json:"kind"`
	Frame   string    `json:"frame_digest"`
	Seed    uint64    `json:"seed,string,omitempty"`
	Profile string    `json:"profile"`
	Hash    string    `json:"profile_hash"`
	// Observed and Facts say what was tried: see Plan.
	Observed bool `json:"observed,omitempty"`
	Facts    bool `json:"facts,omitempty"`
	Verified bool `json:"verified,omitempty"`
	// Tests are those whose results were fit to be published.
	Tests []EarlierTest `json:"tests,omitempty"`
	// Guess is the share that passed, by stratum, of the plan's main test.
	Guess map[string]float64 `json:"guess,omitempty"`
}

// EarlierTest is a test's result in the earlier cycle.
type EarlierTest struct {
	Test     string    `json:"test"`
	Testable Estimate  `json:"testable"`
	Accurate *Estimate `json:"accurate,omitempty"` // nil where only bounds were said
}

// Check says what is wrong with a plan, naming the field.
func (p Plan) Check() error {
	var e *problem.Error
	if p.Name == "" || len(p.Name) > MaxName {
		e = e.Add("name", "has 1 to %d octets", MaxName)
	}
	if p.Cycle < 1 {
		e = e.Add("cycle", "is counted from 1")
	}
	if p.Kind != Internal && p.Kind != Public {
		e = e.Add("kind", "is %q; it is %q or %q", p.Kind, Internal, Public)
	}
	if p.At.IsZero() {
		e = e.Add("at", "is missing: the day that the frame stands for")
	}
	if len(p.Frame.Digest) != 64 {
		e = e.Add("frame.digest", "is no SHA-256 in hex")
	}
	if p.Frame.Rows < 1 {
		e = e.Add("frame", "holds no unit that could be read")
	}
	if len(p.Frame.Description) > 500 {
		e = e.Add("frame.description", "has at most 500 octets")
	}
	switch {
	case p.FirstPhase < 1 || p.FirstPhase > MaxDrawn:
		e = e.Add("first_phase", "is %d; 1 to %d units are drawn", p.FirstPhase, MaxDrawn)
	case p.FirstPhase > p.Frame.Rows && p.Frame.Rows > 0:
		e = e.Add("first_phase", "asks for %d units of a frame of %d: larger than its population", p.FirstPhase, p.Frame.Rows)
	}
	switch {
	case p.Total < 1 || p.Total > MaxTested:
		e = e.Add("total", "is %d; 1 to %d units are tested", p.Total, MaxTested)
	case p.Total > p.FirstPhase:
		e = e.Add("total", "asks for %d tests of %d units drawn", p.Total, p.FirstPhase)
	}
	if len(p.Salt) > 64 || strings.Trim(p.Salt, "0123456789abcdef") != "" {
		e = e.Add("salt", "is at most 64 digits in hex")
	}
	if p.Floor < 0 {
		e = e.Add("floor", "is %d", p.Floor)
	}
	if !slices.Contains(Tests(), p.Main) {
		e = e.Add("main", "%q is none of the tests: %s", p.Main, strings.Join(Tests(), ", "))
	}
	for i, g := range p.Groups {
		if !slices.Contains(Divisions(), g) || slices.Index(p.Groups, g) < i {
			e = e.Add(fmt.Sprintf("groups[%d]", i), "%q is none of %s, each once", g, strings.Join(Divisions(), ", "))
		}
	}
	if p.Profile == "" || p.Hash == "" {
		e = e.Add("profile", "is missing")
	}
	if len(p.Targets) > MaxTargets {
		e = e.Add("targets", "holds %d targets; at most %d are tested", len(p.Targets), MaxTargets)
	}
	for i, t := range p.Targets {
		if err := t.check(); err != nil {
			e = e.Add(fmt.Sprintf("targets[%d]", i), "%s", problem.DocumentOf(err).Detail)
		}
	}
	if b := p.Earlier; b != nil && b.Kind != p.Kind {
		e = e.Add("earlier", "is of a %s frame, and this one of a %s: their shares cannot be compared", b.Kind, p.Kind)
	}
	return e.OrNil()
}

// Divisions are what subgroups may be made by.
func Divisions() []string { return []string{"stratum", "registrar", "tld", "region"} }

// check says what is wrong with a target by itself.
func (t Target) check() error {
	switch {
	case !slices.Contains(Tests(), t.Metric):
		return problem.BadField("metric", "%q is none of the tests: %s", t.Metric, strings.Join(Tests(), ", "))
	case !(t.Factor > 0 && t.Factor < 1):
		return problem.BadField("factor", "is %g; a target lowers a share: 0 to 1", t.Factor)
	case t.At.IsZero() || !t.Due.After(t.At):
		return problem.BadField("due", "is not after the baseline")
	}
	return nil
}

// Cell is one stratum of a survey.
type Cell struct {
	Key string `json:"key"`
	// Frame is how many units of the frame lie in it; 0 where only the first
	// phase tells its weight.
	Frame  int `json:"frame,omitempty"`
	Drawn  int `json:"drawn"`
	Tested int `json:"tested"`
	// Guess is the share by which its tests were allotted.
	Guess float64 `json:"guess,omitempty"`
	// Joined are the strata that were put together in it, as too few of their
	// units were drawn.
	Joined []string `json:"joined,omitempty"`
}

// JoinedKey is the key of the stratum of those that were too small to stand
// alone.
const JoinedKey = "(joined)"

// Join puts strata of which fewer than MinJoin units were drawn together into
// one, and another with them if it is still too small. The cells come with
// Frame and Drawn; with known says that Frame is known of all. It gives the
// cells in the order of their keys, and which cell each stratum is in.
func Join(cells []Cell) (out []Cell, in map[string]string) {
	in = map[string]string{}
	rest := slices.SortedFunc(slices.Values(cells), func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Drawn, b.Drawn), cmp.Compare(a.Frame, b.Frame), cmp.Compare(a.Key, b.Key))
	})
	var j Cell
	for len(rest) > 0 && (rest[0].Drawn < MinJoin || len(j.Joined) > 0 && j.Drawn < MinJoin) {
		if len(j.Joined) == 0 && len(rest) == 1 {
			break // nothing to join it with
		}
		c := rest[0]
		rest = rest[1:]
		j.Frame, j.Drawn = j.Frame+c.Frame, j.Drawn+c.Drawn
		j.Joined = append(j.Joined, c.Key)
	}
	out = rest
	for _, c := range rest {
		in[c.Key] = c.Key
	}
	if len(j.Joined) > 0 {
		j.Key = JoinedKey
		slices.Sort(j.Joined)
		for _, k := range j.Joined {
			in[k] = JoinedKey
		}
		out = append(out, j)
	}
	slices.SortFunc(out, func(a, b Cell) int { return cmp.Compare(a.Key, b.Key) })
	return out, in
}

// Answer is what one test says of one unit.
type Answer struct {
	Result accuracy.Result `json:"result"` // pass, fail or not testable
	// Reasons are "check: reason" of what failed or could not be tested.
	Reasons []string `json:"reasons,omitempty"`
}

// Outcome is what became of a unit that was to be tested. It holds no value of
// a contact.
type Outcome struct {
	Groups map[string]string `json:"groups,omitempty"` // division to subgroup
	// Gone says why the unit is no registration after all ("available",
	// "reserved"): it is then not of the population.
	Gone string `json:"gone,omitempty"`
	// Lost says why nothing was learned of it: every test of it is then not
	// testable.
	Lost  string            `json:"lost,omitempty"`
	Tests map[string]Answer `json:"tests,omitempty"`
	// Findings are those of a person who looked for the registrant, by which the
	// unit has its group of the five of 2010.
	Findings *Findings `json:"findings,omitempty"`
}

// maxReasons is how many reasons are kept of one answer.
const maxReasons = 16

// OutcomeOf takes from an assessment what a survey counts: results and reasons,
// no values.
func OutcomeOf(a policy.Assessment) Outcome {
	var o Outcome
	if !registered(a) {
		o.Gone = cmp.Or(string(a.State), "unknown")
		return o
	}
	o.Tests = map[string]Answer{TestRecord: answer(a.Result)}
	for _, m := range a.Modes {
		if m.Form != "" {
			o.Tests[m.Mode+formOf] = answer(m.Form)
		}
		if m.Works != "" {
			o.Tests[m.Mode+worksOf] = answer(m.Works)
		}
	}
	for _, c := range a.Contacts {
		for _, f := range c.Fields {
			for _, x := range f.Findings {
				if x.Result != accuracy.Fail && x.Result != accuracy.Untestable {
					continue
				}
				code := x.Verdict.Check + ": " + cmp.Or(x.Verdict.Reason, "no reason given")
				if x.Note != "" {
					code = x.Verdict.Check + ": maybe withheld"
				}
				tests := []string{TestRecord}
				if way, level := wayOf(f.Field), levelOf(x.Verdict.Level); way != "" && level != "" {
					tests = append(tests, way+level, "all"+level)
				}
				for _, t := range tests {
					if ans, ok := o.Tests[t]; ok && ans.Result == x.Result && len(ans.Reasons) < maxReasons && !slices.Contains(ans.Reasons, code) {
						ans.Reasons = append(ans.Reasons, code)
						o.Tests[t] = ans
					}
				}
			}
		}
	}
	return o
}

func registered(a policy.Assessment) bool { return a.State == "registered" }

// answer is a result as a survey counts it: a warning is no failure.
func answer(r accuracy.Result) Answer {
	if r == accuracy.Warn {
		r = accuracy.Pass
	}
	return Answer{Result: r}
}

// wayOf is the way to reach somebody that a field belongs to.
func wayOf(field string) string {
	switch field {
	case "email", "phone":
		return field
	case "street", "city", "region", "postal_code", "country":
		return "postal"
	}
	return ""
}

func levelOf(l accuracy.Level) string {
	switch l {
	case accuracy.V1:
		return formOf
	case accuracy.V2:
		return worksOf
	}
	return ""
}

// Excluded are units that a result does not rest on, with the reason.
type Excluded struct {
	// Where they fell out: "frame", "first phase" or "sample".
	Where  string `json:"where"`
	Reason string `json:"reason"`
	Units  int    `json:"units"`
}

// Counts are the sizes of a survey.
type Counts struct {
	// Rows of the frame that could be read; Bad that could not; Repeats that were
	// noticed to be of a unit met before.
	Rows    int `json:"rows"`
	Bad     int `json:"bad"`
	Repeats int `json:"repeats"`
	// Frame is how many units the frame holds; 0 when that is not known exactly.
	Frame  int `json:"frame,omitempty"`
	Drawn  int `json:"drawn"`  // in the first phase
	Tested int `json:"tested"` // in the second
	// Floor is how many tests each stratum had at least, where so many were
	// drawn: less than planned where there are too many strata for the total.
	Floor int `json:"floor"`
	// Gone are tested units that are no registrations; Lost those of which
	// nothing was learned. The results count the lost as not testable.
	Gone int `json:"gone"`
	Lost int `json:"lost"`
	// Answers are values of the sample that holders had confirmed to the centre
	// when it was drawn; AnswersDigest is SHA-256 (hex) of what was known, by the
	// units' numbers.
	Answers       int    `json:"answers,omitempty"`
	AnswersDigest string `json:"answers_digest,omitempty"`
	// Tools are versions of this program beside the plan's that worked on it.
	Tools []string `json:"tools,omitempty"`
}

// Code counts a reason. It counts units of the sample, which is no share of the
// frame.
type Code struct {
	Reason string `json:"reason"` // "check: reason"
	Units  int    `json:"units"`
}

// Subgroup is a test's result among a part of the frame. A subgroup that is not
// fit to be published has no result, and says why.
type Subgroup struct {
	By          string  `json:"by"` // the division
	Key         string  `json:"key"`
	Tested      int     `json:"tested"`
	Result      *Result `json:"result,omitempty"`
	Unpublished string  `json:"unpublished,omitempty"`
}

// ChangeOf is the change of a share since the earlier cycle.
type ChangeOf struct {
	Diff float64 `json:"diff"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Z and P are those of the test that nothing changed; nil where both cycles
	// counted everything, so that no chance is in it.
	Z *float64 `json:"z,omitempty"`
	P *float64 `json:"p,omitempty"`
}

// TestReport is what a survey says about one test.
type TestReport struct {
	Test       string `json:"test"`
	Title      string `json:"title"`
	Definition string `json:"definition"`
	Result     Result `json:"result"`
	// NoRanking says why the subgroups of this test must not be compared or put
	// in an order; "" when they may be.
	NoRanking string `json:"no_ranking,omitempty"`
	// Tallies are the counts that the result is computed from, by stratum.
	Tallies []Tally `json:"tallies,omitempty"`
	// Failures and Withheld are why units failed and could not be tested.
	Failures []Code `json:"failures,omitempty"`
	Withheld []Code `json:"withheld,omitempty"`
	// Change and TestableChange are those of the accurate share and of the
	// testable share since the earlier cycle; nil where they cannot be said.
	Change         *ChangeOf  `json:"change,omitempty"`
	TestableChange *ChangeOf  `json:"testable_change,omitempty"`
	Subgroups      []Subgroup `json:"subgroups,omitempty"`
	// More is how many subgroups that are not fit to be published are not named.
	More int `json:"more,omitempty"`
}

// GroupShare is the share of one of the five groups of the study of 2010.
type GroupShare struct {
	Group  Group  `json:"group"`
	Result Result `json:"result"`
}

// NORCReport is what a survey says in the words of the study of 2010, where
// people looked for the registrants.
type NORCReport struct {
	Units  int          `json:"units"` // with findings
	Groups []GroupShare `json:"groups"`
	// Open is how many units have a combination of findings that the definitions
	// do not settle.
	Open int `json:"open"`
}

// TargetReport is a target with what the survey says about it.
type TargetReport struct {
	Target Target `json:"target"`
	Test   Test   `json:"test"`
}

// Report is what a survey says. It holds nothing that hangs on when, where or
// how often it was run.
type Report struct {
	Plan     Plan           `json:"plan"`
	Counts   Counts         `json:"counts"`
	Strata   []Cell         `json:"strata"`
	Tests    []TestReport   `json:"tests"`
	NORC     *NORCReport    `json:"norc,omitempty"`
	Targets  []TargetReport `json:"targets,omitempty"`
	Excluded []Excluded     `json:"excluded,omitempty"`
	Notes    []string       `json:"notes"`
}

// JSON is the report as it is stored and compared: the same for the same plan
// and frame, octet by octet.
func (r Report) JSON() ([]byte, error) { return json.Marshal(r) }

// Digest is SHA-256 (hex) of JSON.
func (r Report) Digest() (string, error) {
	b, err := r.JSON()
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}

// Test finds a test's report.
func (r Report) Test(id string) (TestReport, bool) {
	i := slices.IndexFunc(r.Tests, func(t TestReport) bool { return t.Test == id })
	if i < 0 {
		return TestReport{}, false
	}
	return r.Tests[i], true
}

// AsEarlier is what a plan of the next cycle keeps of the report, with guesses
// for its main test.
func (r Report) AsEarlier(main string) (Earlier, error) {
	d, err := r.Digest()
	e := Earlier{Name: r.Plan.Name, Cycle: r.Plan.Cycle, At: r.Plan.At, Digest: d, Kind: r.Plan.Kind, Frame: r.Plan.Frame.Digest,
		Seed: r.Plan.Seed, Profile: r.Plan.Profile, Hash: r.Plan.Hash, Observed: r.Plan.Observed, Facts: r.Plan.Facts != "", Verified: r.Plan.Verified}
	for _, t := range r.Tests {
		if t.Result.Unpublished == "" { // no change is told of a share that is not
			e.Tests = append(e.Tests, EarlierTest{Test: t.Test, Testable: t.Result.Testable, Accurate: t.Result.Accurate})
		}
		if t.Test != main {
			continue
		}
		e.Guess = map[string]float64{}
		for _, y := range t.Tallies {
			if n := y.Passed + y.Failed; n >= 20 { // fewer say too little to be relied on
				e.Guess[y.Key] = round(float64(y.Passed) / float64(n))
			}
		}
	}
	return e, err
}

// round cuts a share to nine digits, so that a report is the same on machines
// that add in another order of operations.
func round(x float64) float64 { return math.Round(x*digits) / digits }

func (e Estimate) rounded() Estimate {
	e.Share, e.SE, e.Low, e.High, e.Effective = round(e.Share), round(e.SE), round(e.Low), round(e.High), math.Round(e.Effective*100)/100
	return e
}

func (r Result) rounded() Result {
	r.Testable, r.Lower, r.Upper = r.Testable.rounded(), r.Lower.rounded(), r.Upper.rounded()
	if r.Accurate != nil {
		a := r.Accurate.rounded()
		r.Accurate = &a
	}
	return r
}

// count is the counts of one test or subgroup in one stratum.
type count struct{ passed, failed, withheld int }

func (c *count) add(r accuracy.Result) {
	switch r {
	case accuracy.Pass:
		c.passed++
	case accuracy.Fail:
		c.failed++
	default:
		c.withheld++
	}
}

// counter collects outcomes.
type counter struct {
	p       Plan
	cells   []Cell
	at      map[string]int
	tested  []int // by cell
	present []int // tested and of the population, by cell
	tests   map[string][]count
	applies map[string]bool
	untold  map[string]int          // units of which a test said nothing because it was not tried
	groups  map[[2]string]*subcount // division, key
	keys    map[string]int          // subgroups by division
	fails   map[string]map[string]int
	holds   map[string]map[string]int
	gone    map[string]int
	lost    map[string]int
	norc    map[Group][]count
	found   int
	open    int
}

// subcount is the counts of one subgroup.
type subcount struct {
	tested int
	in     []int // by cell
	tests  map[string][]count
}

// Make makes the report of a survey from its outcomes: each with the stratum
// (a key of cells) it was drawn in. excluded are those that fell out before the
// second phase. The error names what does not fit.
func Make(p Plan, c Counts, cells []Cell, excluded []Excluded, outcomes iter.Seq2[string, Outcome]) (Report, error) {
	if err := p.Check(); err != nil {
		return Report{}, err
	}
	n := len(cells)
	k := &counter{p: p, cells: slices.Clone(cells), at: map[string]int{}, tested: make([]int, n), present: make([]int, n), tests: map[string][]count{}, applies: map[string]bool{}, untold: map[string]int{},
		groups: map[[2]string]*subcount{}, keys: map[string]int{}, fails: map[string]map[string]int{}, holds: map[string]map[string]int{}, gone: map[string]int{}, lost: map[string]int{}, norc: map[Group][]count{}}
	slices.SortFunc(k.cells, func(a, b Cell) int { return cmp.Compare(a.Key, b.Key) })
	for i, c := range k.cells {
		if _, twice := k.at[c.Key]; twice {
			return Report{}, problem.BadField("strata["+c.Key+"]", "occurs twice")
		}
		k.at[c.Key] = i
	}
	// Which tests the profile has is known only when all are seen, and a unit
	// that lacks one was not testable by it: so it is counted as the rest.
	for stratum, o := range outcomes {
		if err := k.take(stratum, o); err != nil {
			return Report{}, err
		}
	}
	for i := range k.cells {
		if k.cells[i].Tested == 0 {
			k.cells[i].Tested = k.tested[i]
		}
		c.Tested += k.tested[i]
	}
	for _, v := range k.gone {
		c.Gone += v
	}
	for _, v := range k.lost {
		c.Lost += v
	}
	r := Report{Plan: p, Counts: c, Strata: k.cells}
	r.Excluded = append(slices.Clone(p.Frame.Bad), excluded...)
	for _, g := range slices.Sorted(maps.Keys(k.gone)) {
		r.Excluded = append(r.Excluded, Excluded{"sample", "not registered: " + g, k.gone[g]})
	}
	for _, l := range slices.Sorted(maps.Keys(k.lost)) {
		r.Excluded = append(r.Excluded, Excluded{"sample", "nothing learned, counted as not testable: " + l, k.lost[l]})
	}
	var untried []string
	for _, id := range Tests() {
		if !k.applies[id] {
			continue
		}
		if k.untried(id) {
			title, _ := About(id)
			untried = append(untried, title)
			continue
		}
		t, err := k.test(id, c.Frame)
		if err != nil {
			return r, err
		}
		r.Tests = append(r.Tests, t)
	}
	if len(r.Tests) == 0 {
		return r, problem.New(problem.NotFound, "no unit of the sample could be tested: %d tested, %d of them not registered, %d not answered for", c.Tested, c.Gone, c.Lost)
	}
	var err error
	if r.NORC, err = k.five(c.Frame); err != nil {
		return r, err
	}
	for _, t := range p.Targets {
		x, err := against(t, r)
		if err != nil {
			return r, err
		}
		r.Targets = append(r.Targets, x)
	}
	r.Notes = notes(r, untried)
	return r, nil
}

// untried says that a test said nothing of any unit because nothing was tried:
// that is no result, and not a matter of what is withheld.
func (k *counter) untried(id string) bool {
	for _, c := range k.tests[id] {
		if c.passed+c.failed > 0 {
			return false
		}
	}
	for r := range k.holds[id] {
		if !notTried(r) {
			return false
		}
	}
	return true
}

// notTried says whether a reason ("check: reason") is that nothing was tried.
func notTried(reason string) bool { return strings.HasSuffix(reason, ": "+accuracy.NoFact) }

func (k *counter) take(stratum string, o Outcome) error {
	i, known := k.at[stratum]
	if !known {
		return problem.BadField("strata["+stratum+"]", "has a tested unit and is no stratum of the survey")
	}
	k.tested[i]++
	if o.Gone != "" {
		k.gone[o.Gone]++
		return nil
	}
	k.present[i]++
	if o.Lost != "" {
		k.lost[o.Lost]++
	}
	var subs []*subcount
	for _, by := range k.p.Groups {
		key := cmp.Or(o.Groups[by], "(not known)")
		if by == "stratum" {
			key = stratum
		}
		at := [2]string{by, key}
		s := k.groups[at]
		if s == nil {
			if k.keys[by] >= maxKeys {
				continue
			}
			k.keys[by]++
			s = &subcount{in: make([]int, len(k.cells)), tests: map[string][]count{}}
			k.groups[at] = s
		}
		s.tested++
		s.in[i]++
		subs = append(subs, s)
	}
	for id, a := range o.Tests {
		if a.Result == "" || o.Lost != "" {
			continue
		}
		k.applies[id] = true
		add(k.tests, id, len(k.cells), i, a.Result)
		for _, s := range subs {
			add(s.tests, id, len(k.cells), i, a.Result)
		}
		if a.Result == accuracy.Untestable && slices.ContainsFunc(a.Reasons, notTried) {
			k.untold[id]++
		}
		codes := k.fails
		if a.Result == accuracy.Untestable {
			codes = k.holds
		}
		if codes[id] == nil {
			codes[id] = map[string]int{}
		}
		for _, r := range a.Reasons {
			if _, has := codes[id][r]; has || len(codes[id]) < maxCodes {
				codes[id][r]++
			}
		}
	}
	if f := o.Findings; f != nil {
		k.found++
		g := NORC(*f)
		if slices.ContainsFunc(Combinations(), func(c Combination) bool { return c.Open != "" && c.same(*f) }) {
			k.open++
		}
		for _, x := range Groups() {
			r := accuracy.Fail
			if x == g {
				r = accuracy.Pass
			}
			add(k.norc, x, len(k.cells), i, r)
		}
	}
	return nil
}

func (c Combination) same(f Findings) bool {
	return c.Deliverable == f.Deliverable && c.Linked == f.Linked && c.Located == f.Located && c.Interviewed == f.Interviewed
}

// Groups are the five groups, from good to bad.
func Groups() []Group {
	return []Group{NoFailure, MinimalFailure, LimitedFailure, SubstantialFailure, FullFailure}
}

func add[K comparable](to map[K][]count, id K, n, i int, r accuracy.Result) {
	if to[id] == nil {
		to[id] = make([]count, n)
	}
	to[id][i].add(r)
}

// tallies are the counts of a test among in units of each cell.
func (k *counter) tallies(counts []count, in []int) []Tally {
	out := make([]Tally, len(k.cells))
	for i, c := range k.cells {
		var x count
		if counts != nil {
			x = counts[i]
		}
		// What the test gave no answer for is as little tested as what it could
		// not test.
		x.withheld = in[i] - x.passed - x.failed
		out[i] = Tally{Key: c.Key, Frame: c.Frame, Drawn: c.Drawn, Tested: k.tested[i], Passed: x.passed, Failed: x.failed, Withheld: x.withheld}
	}
	return out
}

func (k *counter) test(id string, frame int) (TestReport, error) {
	title, definition := About(id)
	t := TestReport{Test: id, Title: title, Definition: definition, Tallies: k.tallies(k.tests[id], k.present), Failures: codes(k.fails[id]), Withheld: codes(k.holds[id])}
	var err error
	if t.Result, err = Sum(k.p.Kind, frame, t.Tallies); err != nil {
		return t, err
	}
	present := 0
	for _, n := range k.present {
		present += n
	}
	switch {
	case t.Result.BoundsOnly:
		t.NoRanking = BoundsReason
	case float64(k.untold[id]) > maxOpen*float64(present):
		t.NoRanking = OpenReason
		t.Result.BoundsOnly, t.Result.Accurate = true, nil
		t.Result.Unpublished = unfit(t.Result)
	}
	t.Result = t.Result.rounded()
	if e := k.p.Earlier; e != nil && t.Result.Unpublished == "" {
		for _, was := range e.Tests {
			if was.Test != id {
				continue
			}
			t.TestableChange = changeOf(was.Testable, t.Result.Testable)
			if was.Accurate != nil && t.Result.Accurate != nil {
				t.Change = changeOf(*was.Accurate, *t.Result.Accurate)
			}
		}
	}
	keys := slices.SortedFunc(maps.Keys(k.groups), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(slices.Index(k.p.Groups, a[0]), slices.Index(k.p.Groups, b[0])), cmp.Compare(a[1], b[1]))
	})
	named := map[string]int{}
	for _, key := range keys {
		s := k.groups[key]
		g := Subgroup{By: key[0], Key: key[1], Tested: s.tested}
		if s.tested < MinPublished {
			g.Unpublished = tooFew
		} else {
			res, err := Sum(k.p.Kind, frame, k.tallies(s.tests[id], s.in))
			if err != nil {
				return t, err
			}
			if t.Result.BoundsOnly {
				res.BoundsOnly, res.Accurate = true, nil
				res.Unpublished = unfit(res)
			}
			if g.Unpublished = res.Unpublished; g.Unpublished == "" {
				res = res.rounded()
				g.Result = &res
			}
		}
		if g.Result == nil {
			if named[g.By] == MaxSubgroups {
				t.More++
				continue
			}
			named[g.By]++
		}
		t.Subgroups = append(t.Subgroups, g)
	}
	return t, nil
}

// BoundsReason is why a test of a public frame says only bounds.
const BoundsReason = "Fewer than half of the registrations could be tested, and those that withhold nothing need not be like the rest: only bounds are said, nothing is put in an order, and no target is tested."

// OpenReason is why a test says only bounds of units that were mostly tried in
// the ways that can only fail: that a domain takes no mail is known without
// asking anybody, and that somebody answers is not.
const OpenReason = "That it does not work was found out for some, and for more than one in twenty of the others it was not tried whether it does: what could be tested is not like the rest. Only bounds are said, nothing is put in an order, and no target is tested."

// maxOpen is the share of units not tried that a share of the others may be
// told beside.
const maxOpen = 0.05

// tooFew speaks of MinPublished.
const tooFew = "fewer than 50 units were tested"

// codes are counted reasons, the most frequent first.
func codes(in map[string]int) []Code {
	out := make([]Code, 0, len(in))
	for r, n := range in {
		out = append(out, Code{r, n})
	}
	slices.SortFunc(out, func(a, b Code) int { return cmp.Or(cmp.Compare(b.Units, a.Units), cmp.Compare(a.Reason, b.Reason)) })
	if len(out) > 50 {
		out = out[:50]
	}
	return out
}

func changeOf(was, is Estimate) *ChangeOf {
	c := Compare(was, is)
	out := &ChangeOf{Diff: round(c.Diff), Low: round(c.Low), High: round(c.High)}
	if c.Low < c.High {
		z, p := round(c.Z), round(c.P)
		out.Z, out.P = &z, &p
	}
	return out
}

// five is the shares of the five groups, where findings were given: only bounds
// of them where that was for fewer than half of the units.
func (k *counter) five(frame int) (*NORCReport, error) {
	if k.found == 0 {
		return nil, nil
	}
	out := &NORCReport{Units: k.found, Open: k.open}
	for _, g := range Groups() {
		res, err := Sum(k.p.Kind, frame, k.tallies(k.norc[g], k.present))
		if err != nil {
			return nil, err
		}
		if res.Testable.Share < MinTestable { // who was not looked for need not be like who was
			res.BoundsOnly, res.Accurate = true, nil
			res.Unpublished = unfit(res)
		}
		out.Groups = append(out.Groups, GroupShare{g, res.rounded()})
	}
	return out, nil
}

// Failing is the share that fails among the testable: the complement of what
// passes.
func Failing(accurate Estimate) Estimate {
	e := accurate
	e.Share, e.Low, e.High = round(1-accurate.Share), round(1-accurate.High), round(1-accurate.Low)
	return e
}

// against tests a target against a report.
func against(t Target, r Report) (TargetReport, error) {
	out := TargetReport{Target: t}
	x, ok := r.Test(t.Metric)
	if !ok { // known only now: no reason to lose the rest of the report
		out.Test.Reached = NotHad
		return out, nil
	}
	res := x.Result
	if res.Accurate == nil {
		res.BoundsOnly = true // nothing could be tested at all
		var err error
		out.Test, err = t.Check(res, Estimate{}, r.Plan.At)
		return out, err
	}
	var err error
	out.Test, err = t.Check(res, Failing(*res.Accurate), r.Plan.At)
	out.Test.Gap, out.Test.Low, out.Test.High = round(out.Test.Gap), round(out.Test.Low), round(out.Test.High)
	return out, err
}

// TargetOf is a target on the share that fails a test, with a report as its
// baseline.
func TargetOf(r Report, test string, factor float64, due time.Time) (Target, error) {
	x, ok := r.Test(test)
	switch {
	case !ok:
		return Target{}, problem.BadField("test", "%q is none that the survey has", test)
	case x.Result.BoundsOnly || x.Result.Accurate == nil:
		return Target{}, problem.New(problem.Refused, "%s: %s", x.Title, cmp.Or(x.NoRanking, "nothing could be tested"))
	case x.Result.Unpublished != "":
		return Target{}, problem.New(problem.Refused, "%s is no baseline: %s", x.Title, x.Result.Unpublished)
	}
	t := Target{Metric: test, Baseline: Failing(*x.Result.Accurate), At: r.Plan.At, Factor: factor, Due: due}
	return t, t.check()
}

// Difference is how one test's shares differ between two reports.
type Difference struct {
	Test           string    `json:"test"`
	Title          string    `json:"title"`
	Change         *ChangeOf `json:"change,omitempty"`
	TestableChange *ChangeOf `json:"testable_change,omitempty"`
	// Why says why no change of the accurate share is told. Where it is because a
	// result is not fit to be published none is told of the testable one.
	Why string `json:"why,omitempty"`
}

// Differences compares two reports, from a to b, with what a reader has to know
// of the comparison. The error is problem.Refused where their shares are not of
// the same kind.
func Differences(a, b Report) (out []Difference, notes []string, err error) {
	e, err := a.AsEarlier(b.Plan.Main)
	if err != nil {
		return nil, nil, err
	}
	if e.Kind != b.Plan.Kind {
		return nil, nil, problem.New(problem.Refused, "one is of a %s frame and the other of a %s: their shares cannot be compared", e.Kind, b.Plan.Kind)
	}
	for _, is := range b.Tests {
		was, ok := a.Test(is.Test)
		if !ok {
			continue
		}
		d := Difference{Test: is.Test, Title: is.Title, Why: cmp.Or(is.Result.Unpublished, was.Result.Unpublished)}
		if d.Why == "" {
			d.TestableChange = changeOf(was.Result.Testable, is.Result.Testable)
		}
		switch {
		case d.Why != "":
		case was.Result.Accurate == nil || is.Result.Accurate == nil:
			d.Why = "only bounds are known of one of them"
		default:
			d.Change = changeOf(*was.Result.Accurate, *is.Result.Accurate)
		}
		out = append(out, d)
	}
	return out, append(comparing(&e, b.Plan), "The change is of the share that passes among what could be tested: where the testable share changes, too, part of it may be that others are tested."), nil
}

// comparing is what a reader has to know of a comparison with an earlier cycle.
func comparing(e *Earlier, p Plan) (out []string) {
	if e.Hash != p.Hash {
		out = append(out, "The earlier cycle was tested under another profile or another state of it: part of a change may be the rules'.")
	}
	if e.Observed != p.Observed || e.Facts != (p.Facts != "") || e.Verified != p.Verified {
		out = append(out, "In one of the cycles more was tried than in the other (DNS, facts from elsewhere, answers to this centre): part of a change may come of that.")
	}
	if e.Seed == p.Seed {
		out = append(out, "Both cycles were drawn with the same seed: the samples overlap where the frames do, and a change is told with less certainty than there is.")
	}
	if e.Frame == p.Frame.Digest {
		out = append(out, "Both cycles have the same frame.")
	}
	return out
}

// everyUnit begins the note on what every unit lacks.
const everyUnit = "Every unit that could be tested fails "

// notes are what a reader has to know before the numbers.
func notes(r Report, untried []string) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	p := r.Plan
	if p.Frame.Synthetic {
		say("The registrations are synthetic: nothing here says anything about a real registry, registrar or person.")
	}
	if p.Kind == Public {
		say("The frame is public: what is withheld from the public could not be tested. That is no failure, and nothing is concluded from it.")
	}
	if len(r.Strata) > 0 && r.Strata[0].Frame > 0 {
		say("The sizes of the strata are known from the frame itself.")
	} else {
		say("The sizes of the strata are estimated from the first phase, which widens the intervals.")
	}
	for _, c := range r.Strata {
		if len(c.Joined) > 0 {
			some := c.Joined
			if len(some) > 20 {
				some = append(slices.Clone(some[:20]), fmt.Sprintf("and %d more", len(c.Joined)-20))
			}
			say("Strata of which fewer than %d units were drawn were joined: %s.", MinJoin, strings.Join(some, "; "))
		}
	}
	switch p.Status {
	case policy.InForce:
	case policy.Own:
		say("The profile %s is the operator's own.", p.Profile)
	default:
		say("The profile %s is marked %q: it binds nobody.", p.Profile, p.Status)
	}
	if p.Observed {
		say("Whether mail addresses work was asked of DNS only: that a domain takes mail does not say that the address does. No mail was sent.")
	}
	if p.Facts != "" {
		say("What was tried elsewhere (answers of contacts, verifications, registers) is from a file of facts that was given with the frame.")
	}
	if p.Verified {
		say("Confirmed to this centre by a code that came back: %d contact values of the sample, each counted where the record shows that very value (digest of what was known when the sample was drawn: %s). Nobody else was asked: who confirmed nothing here was not tried, and has not failed.", r.Counts.Answers, cmp.Or(r.Counts.AnswersDigest, "none"))
	}
	if len(untried) > 0 {
		say("Not tried, and so not reported: %s.", strings.Join(untried, "; "))
	}
	// What every single one lacks was hardly lost by its holder.
	for _, t := range r.Tests {
		all := 0
		for _, y := range t.Tallies {
			all += y.Passed + y.Failed
		}
		for _, c := range t.Failures {
			if t.Test == TestRecord && c.Units == all && all >= 2 && (strings.HasSuffix(c.Reason, ": missing") || strings.HasSuffix(c.Reason, ": absent")) {
				say(everyUnit+"%q: either the frame, or its mapping, does not have the field, or the profile %s asks for a contact that these registrations do not have. Such a failure says nothing of the holders.", c.Reason, p.Profile)
			}
		}
	}
	if r.Counts.Lost > 0 {
		say("Nothing was learned of %d of %d tested units: they count as not testable.", r.Counts.Lost, r.Counts.Tested)
	}
	if r.Counts.Floor < p.Floor && len(r.Strata) > 1 {
		say("At least %d tests in each stratum were asked for; %d are what %d tests and %d strata allow.", p.Floor, r.Counts.Floor, r.Counts.Tested, len(r.Strata))
	}
	if r.Counts.Tested < p.Total {
		say("%d tests were asked for; only %d registrations were drawn.", p.Total, r.Counts.Tested)
	}
	if len(r.Counts.Tools) > 0 {
		say("More than one version of this program worked on it: %s, %s.", p.Tool, strings.Join(r.Counts.Tools, ", "))
	}
	if r.Counts.Repeats > 0 {
		say("Units occur repeatedly in the frame (%d times were noticed). Each is drawn at most once; the number of units is then not known exactly, and no correction for a finite population is made.", r.Counts.Repeats)
	}
	if p.Earlier != nil {
		out = append(out, comparing(p.Earlier, p)...)
	}
	if n := r.NORC; n != nil {
		say("People looked for the registrants of %d units; the others count as not testable in the five groups. %d have findings that the definitions of 2010 do not settle, and are read as the documentation says.", n.Units, n.Open)
	}
	say("Accuracy is of data, under one profile. It is no judgement of a person or an organisation, and a share is none of any single registration.")
	return out
}
