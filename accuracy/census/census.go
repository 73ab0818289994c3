// Package census turns what a policy profile says about single registrations
// into figures: what is kept of one name without personal data (Outcome), how
// outcomes add up (Counts, Detail), and what may be said of the sums (Figure,
// Rank, Fold).
//
// What is withheld is not testable, which is never a failure: beside each share
// among the testable stand the share that could be tested, and the bounds that
// hold for all names whatever the untested ones are.
package census

import (
	"slices"
	"strconv"
	"strings"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/problem"
	"bailiwick/registration"
)

// Metric is something that is counted of every name.
type Metric struct {
	ID    string `json:"metric"`
	Title string `json:"title"`
	// Asks is the definition: what passes, and what fails.
	Asks string `json:"asks"`
}

// The metrics' ids, in the order of Metrics.
const (
	Reach       = "reach"
	EmailWorks  = "email.works"
	EmailForm   = "email.form"
	PhoneWorks  = "phone.works"
	PhoneForm   = "phone.form"
	PostalWorks = "postal.works"
	PostalForm  = "postal.form"
	AllWorks    = "all.works"
	AllForm     = "all.form"
	Record      = "record"
)

// metrics are all metrics; their place is their place in what is stored.
var metrics = [...]Metric{
	{Reach, "The holder can be reached", "Passes if the registrant’s e-mail address or telephone number passes every test of form (V1) and of working (V2) that was made of it; fails if both fail one."},
	{EmailWorks, "E-mail works", "Passes if every contact’s e-mail address passes the tests of working (V2): its domain exists and takes mail, and nothing bounced."},
	{EmailForm, "E-mail is well formed", "Passes if every contact’s e-mail address passes the tests of form (V1)."},
	{PhoneWorks, "Telephone works", "Passes if every contact’s telephone number is known to answer (V2)."},
	{PhoneForm, "Telephone is well formed", "Passes if every contact’s telephone number passes the tests of form (V1)."},
	{PostalWorks, "Post arrives", "Passes if every contact’s postal address is known to be delivered to (V2)."},
	{PostalForm, "Postal address is well formed", "Passes if every contact’s postal address passes the tests of form (V1)."},
	{AllWorks, "All three work", "Passes if e-mail, telephone and post pass the tests of working (V2)."},
	{AllForm, "All three are well formed", "Passes if e-mail, telephone and post pass the tests of form (V1)."},
	{Record, "Nothing fails", "Passes if no check of the profile fails on any contact; warnings are counted apart, and are no failures. Of a record that shows little, little can fail."},
}

const nMetrics = len(metrics)

// Metrics are all metrics, in the order in which they are shown.
func Metrics() []Metric { return slices.Clone(metrics[:]) }

// MetricOf finds a metric by its id.
func MetricOf(id string) (Metric, bool) {
	if i := indexOf(id); i >= 0 {
		return metrics[i], true
	}
	return Metric{}, false
}

func indexOf(id string) int {
	return slices.IndexFunc(metrics[:], func(m Metric) bool { return m.ID == id })
}

// letters are the results as stored; ' ' is what the profile does not ask.
const letters = " pwfu"

var results = [...]accuracy.Result{"", accuracy.Pass, accuracy.Warn, accuracy.Fail, accuracy.Untestable}

// Outcome is what is kept of one name: results and codes, and never a value.
type Outcome struct {
	// Metrics holds a letter for each metric: p, w, f, u (not testable), or a
	// space for what the profile does not ask.
	Metrics string  `json:"m"`
	Fields  []Field `json:"f,omitempty"`
}

// Field is the outcome of one field of one contact.
type Field struct {
	Path   string          `json:"p"` // "registrant.email"
	Result accuracy.Result `json:"r"`
	Level  accuracy.Level  `json:"l"` // the deepest that was found right
	// Codes are the findings that are no passes, each once.
	Codes []Code `json:"c,omitempty"`
}

// Code is one finding.
type Code struct {
	Check  string          `json:"c"`
	Reason string          `json:"w,omitempty"`
	Result accuracy.Result `json:"r"`
	// Unmarked says that a public answer lacks the value without a word, so
	// that it counts as not testable (policy.Unmarked).
	Unmarked bool `json:"u,omitempty"`
}

// maxCodes bounds the codes of one field: a profile has fewer checks.
const maxCodes = 64

// Of is what is kept of an assessment. ok is false for a name that is not
// registered, of which nothing is counted.
func Of(a policy.Assessment) (o Outcome, ok bool) {
	if a.State != registration.Registered || a.Result == "" {
		return o, false
	}
	var m [nMetrics]accuracy.Result
	m[indexOf(Record)] = a.Result
	for _, x := range a.Modes {
		if i := indexOf(x.Mode + ".form"); i >= 0 {
			m[i] = x.Form
		}
		if i := indexOf(x.Mode + ".works"); i >= 0 {
			m[i] = x.Works
		}
	}
	m[indexOf(Reach)] = reach(a)
	b := make([]byte, nMetrics)
	for i, r := range m {
		b[i] = letters[max(0, slices.Index(results[:], r))]
	}
	o.Metrics = string(b)
	for _, c := range a.Contacts {
		for _, f := range c.Fields {
			x := Field{Path: strings.TrimPrefix(f.Path, "contacts."), Result: f.Result, Level: f.Reached}
			for _, g := range f.Findings {
				code := Code{g.Verdict.Check, g.Verdict.Reason, g.Result, g.Note == policy.Unmarked}
				if g.Result != accuracy.Pass && len(x.Codes) < maxCodes && !slices.Contains(x.Codes, code) {
					x.Codes = append(x.Codes, code)
				}
			}
			o.Fields = append(o.Fields, x)
		}
	}
	return o, true
}

// reach says whether the holder can be reached by e-mail or telephone, as far
// as that was tested: one way that stands is enough, and only two that fail are
// a failure.
func reach(a policy.Assessment) accuracy.Result {
	ways := map[string]accuracy.Result{}
	for _, c := range a.Contacts {
		if c.Role != registration.Registrant {
			continue
		}
		for _, f := range c.Fields {
			if f.Field == "email" || f.Field == "phone" {
				ways[f.Field] = way(f)
			}
		}
	}
	email, phone := ways["email"], ways["phone"]
	switch {
	case email == "" && phone == "":
		return ""
	case email == accuracy.Pass || phone == accuracy.Pass:
		return accuracy.Pass
	case email == accuracy.Fail && phone == accuracy.Fail:
		return accuracy.Fail
	}
	return accuracy.Untestable
}

// way is the result of one way to reach somebody: warnings take nothing from
// it, and of what was not tried nothing is held against it.
func way(f policy.Field) accuracy.Result {
	out := accuracy.Untestable
	for _, g := range f.Findings {
		if l := g.Verdict.Level; l < accuracy.V1 || l > accuracy.V2 {
			continue
		}
		switch g.Result {
		case accuracy.Fail:
			return accuracy.Fail
		case accuracy.Pass, accuracy.Warn:
			out = accuracy.Pass
		}
	}
	return out
}

// Result is the outcome of one metric; "" where the profile does not ask.
func (o Outcome) Result(metric string) accuracy.Result {
	i := indexOf(metric)
	if i < 0 || i >= len(o.Metrics) {
		return ""
	}
	return results[max(0, strings.IndexByte(letters, o.Metrics[i]))]
}

// Count counts names by the result of one metric.
type Count struct {
	Pass       int `json:"pass"`
	Warn       int `json:"warn,omitempty"`
	Fail       int `json:"fail"`
	Untestable int `json:"not_testable"`
}

// Asked is how many names were asked about.
func (c Count) Asked() int { return c.Pass + c.Warn + c.Fail + c.Untestable }

// Testable is how many of them could be tested.
func (c Count) Testable() int { return c.Pass + c.Warn + c.Fail }

func (c *Count) at(r accuracy.Result) *int {
	switch r {
	case accuracy.Pass:
		return &c.Pass
	case accuracy.Warn:
		return &c.Warn
	case accuracy.Fail:
		return &c.Fail
	case accuracy.Untestable:
		return &c.Untestable
	}
	return nil
}

// Counts are the sums of outcomes, by metric.
type Counts struct {
	N int // names
	m [nMetrics]Count
}

// Of is the count of one metric.
func (c Counts) Of(metric string) Count {
	if i := indexOf(metric); i >= 0 {
		return c.m[i]
	}
	return Count{}
}

// Add counts an outcome times times; −1 takes it out again.
func (c *Counts) Add(o Outcome, times int) {
	c.N += times
	for i := range min(len(o.Metrics), nMetrics) {
		if p := c.m[i].at(results[max(0, strings.IndexByte(letters, o.Metrics[i]))]); p != nil {
			*p += times
		}
	}
}

// Plus adds other counts.
func (c *Counts) Plus(o Counts) {
	c.N += o.N
	for i, x := range o.m {
		c.m[i].Pass += x.Pass
		c.m[i].Warn += x.Warn
		c.m[i].Fail += x.Fail
		c.m[i].Untestable += x.Untestable
	}
}

// Minus takes other counts out.
func (c *Counts) Minus(o Counts) {
	c.N -= o.N
	for i, x := range o.m {
		c.m[i].Pass -= x.Pass
		c.m[i].Warn -= x.Warn
		c.m[i].Fail -= x.Fail
		c.m[i].Untestable -= x.Untestable
	}
}

// MarshalText writes the counts as they are stored: the names, then four
// numbers for each metric.
func (c Counts) MarshalText() ([]byte, error) {
	b := strconv.AppendInt(nil, int64(c.N), 10)
	for _, x := range c.m {
		for _, n := range [...]int{x.Pass, x.Warn, x.Fail, x.Untestable} {
			b = strconv.AppendInt(append(b, ' '), int64(n), 10)
		}
	}
	return b, nil
}

// UnmarshalText reads what MarshalText wrote; metrics that were added since
// are zero.
func (c *Counts) UnmarshalText(b []byte) error {
	*c = Counts{}
	for i, s := 0, string(b); s != ""; i++ {
		var word string
		word, s, _ = strings.Cut(s, " ")
		n, err := strconv.Atoi(word)
		if err != nil || i > 4*nMetrics {
			return problem.New(problem.Corrupt, "the stored counts do not parse")
		}
		if i == 0 {
			c.N = n
			continue
		}
		x := &c.m[(i-1)/4]
		*[...]*int{&x.Pass, &x.Warn, &x.Fail, &x.Untestable}[(i-1)%4] = n
	}
	return nil
}

// Detail counts names by field and result ("registrant.email fail"), and by
// field, check, reason and result ("registrant.email email.mx null-mx fail").
type Detail map[string]int

// Add counts an outcome times times.
func (d Detail) Add(o Outcome, times int) {
	add := func(key string) {
		if d[key] += times; d[key] == 0 {
			delete(d, key)
		}
	}
	for _, f := range o.Fields {
		add(f.Path + "|" + string(f.Result))
		for _, c := range f.Codes {
			add(f.Path + "|" + c.Check + "|" + c.Reason + "|" + string(c.Result))
		}
	}
}

// Plus adds other counts.
func (d Detail) Plus(o Detail) {
	for k, n := range o {
		if d[k] += n; d[k] == 0 {
			delete(d, k)
		}
	}
}

// FieldCount is the count of one field.
type FieldCount struct {
	Path string `json:"field"`
	Count
}

// Fields are the counts by field, in the order of roles and fields.
func (d Detail) Fields() []FieldCount {
	var out []FieldCount
	for k, n := range d {
		path, result, _ := strings.Cut(k, "|")
		if strings.Contains(result, "|") {
			continue
		}
		i := slices.IndexFunc(out, func(f FieldCount) bool { return f.Path == path })
		if i < 0 {
			i, out = len(out), append(out, FieldCount{Path: path})
		}
		if p := out[i].at(accuracy.Result(result)); p != nil {
			*p += n
		}
	}
	slices.SortFunc(out, func(a, b FieldCount) int {
		return slices.Compare(order(a.Path), order(b.Path))
	})
	return out
}

var roles = []string{registration.Registrant, registration.Admin, registration.Tech, registration.Billing}

var fields = []string{"", "name", "organization", "email", "phone", "street", "city", "region", "postal_code", "country", "fax", "contact_uri"}

func order(path string) []int {
	role, field, _ := strings.Cut(path, ".")
	at := func(list []string, s string) int {
		if i := slices.Index(list, s); i >= 0 {
			return i
		}
		return len(list)
	}
	return []int{at(roles, role), at(fields, field)}
}

// ReasonCount is how often one reason was found at one field.
type ReasonCount struct {
	Path   string          `json:"field"`
	Check  string          `json:"check"`
	Reason string          `json:"reason,omitempty"`
	Result accuracy.Result `json:"result"`
	N      int             `json:"names"`
}

// Reasons are the counts by reason: failures first, then warnings, then what
// was not testable, each by how often.
func (d Detail) Reasons() []ReasonCount {
	var out []ReasonCount
	for k, n := range d {
		p := strings.Split(k, "|")
		if len(p) == 4 {
			out = append(out, ReasonCount{p[0], p[1], p[2], accuracy.Result(p[3]), n})
		}
	}
	rank := func(r accuracy.Result) int {
		return slices.Index([]accuracy.Result{accuracy.Fail, accuracy.Warn, accuracy.Untestable}, r)
	}
	slices.SortFunc(out, func(a, b ReasonCount) int {
		if x := rank(a.Result) - rank(b.Result); x != 0 {
			return x
		}
		if x := b.N - a.N; x != 0 {
			return x
		}
		return strings.Compare(a.Path+"|"+a.Check+"|"+a.Reason, b.Path+"|"+b.Check+"|"+b.Reason)
	})
	return out
}
