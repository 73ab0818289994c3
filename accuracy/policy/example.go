package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bailiwick/accuracy"
	"bailiwick/registration"
)

// Example is a set of contacts with what the profile is expected to say about
// it: a test that stands in the profile's own file.
type Example struct {
	Name     string                             `yaml:"name"`
	Domain   string                             `yaml:"domain"`
	Contacts map[string]map[string]string       `yaml:"contacts"` // role, field, value; lines of a street are parted by " / "
	Fields   map[string]registration.FieldState `yaml:"fields"`   // what is withheld, by path
	Mail     map[string]Mail                    `yaml:"mail"`     // what was seen of mail domains
	Answers  []Reply                            `yaml:"answers"`
	// What was found of whose data it is: of the values of this example.
	Verifications []Verified `yaml:"verifications"`
	Register      []Listed   `yaml:"register"`
	Inquiries     []Asked    `yaml:"inquiries"`
	Expect        Expect     `yaml:"expect"`
}

// Mail is what was seen of a mail domain, for an example.
type Mail struct {
	Registered *bool    `yaml:"registered"`
	MX         []string `yaml:"mx"`
	NullMX     bool     `yaml:"null_mx"`
	Address    bool     `yaml:"address"`
}

// Reply is an answer of a contact, or its lack, for an example.
type Reply struct {
	Path   string `yaml:"path"`
	Method string `yaml:"method"` // code, bounce, call, post
	OK     bool   `yaml:"ok"`
}

// Verified is a verification of a contact, for an example.
type Verified struct {
	Path   string   `yaml:"path"` // of the contact
	Claims []string `yaml:"claims"`
	Method string   `yaml:"method"`
	Result string   `yaml:"result"` // pass, fail, inconclusive
}

// Listed is what a register said of a contact, for an example.
type Listed struct {
	Path     string `yaml:"path"`
	Found    bool   `yaml:"found"`
	Name     string `yaml:"name"` // that the register has
	Inactive bool   `yaml:"inactive"`
}

// Asked is what a person found out about a contact, for an example.
type Asked struct {
	Path     string `yaml:"path"`
	Question string `yaml:"question"` // linked, located, confirmed
	Answer   string `yaml:"answer"`   // yes, no, unclear
}

// Expect is what an example expects. What is left out is not looked at, but for
// the duties, which are always compared.
type Expect struct {
	Result accuracy.Result            `yaml:"result"`
	Fields map[string]accuracy.Result `yaml:"fields"`
	// Fail are the paths of the fields that fail: all of them, and no other.
	Fail []string `yaml:"fail"`
	// Checks are results under the profile of single checks, by path and check
	// ("contacts.registrant.email email.syntax").
	Checks   map[string]accuracy.Result `yaml:"checks"`
	Form     map[string]accuracy.Result `yaml:"form"` // of modes
	Works    map[string]accuracy.Result `yaml:"works"`
	Duties   []string                   `yaml:"duties"` // ids of the duties proposed
	Withheld []string                   `yaml:"withheld"`
}

var results = []accuracy.Result{accuracy.Pass, accuracy.Fail, accuracy.Warn, accuracy.Untestable}

func (d *document) validateExample(e *Example, at string) {
	if e.Name == "" {
		d.bad(at+".name", "is missing")
	}
	for _, role := range slices.Sorted(maps.Keys(e.Contacts)) {
		oneOf(d, at+".contacts."+clip(role), role, roles, false)
		for _, f := range slices.Sorted(maps.Keys(e.Contacts[role])) {
			if !slices.Contains(registration.ContactFields(), f) {
				d.bad(at+".contacts."+clip(role)+"."+clip(f), "is not a field of a contact")
			}
		}
	}
	for _, p := range slices.Sorted(maps.Keys(e.Fields)) {
		if s := e.Fields[p]; s != registration.Redacted && s != registration.Proxy && s != registration.Absent && s != registration.Unparsed {
			d.bad(at+".fields."+clip(p), "is none of redacted, proxy, absent, unparsed")
		}
	}
	for i, r := range e.Answers {
		oneOf(d, fmt.Sprintf("%s.answers[%d].method", at, i), r.Method, []string{"code", "bounce", "call", "post"}, false)
	}
	for i, v := range e.Verifications {
		at := fmt.Sprintf("%s.verifications[%d]", at, i)
		oneOf(d, at+".path", v.Path, contactPaths(), false)
		allOf(d, at+".claims", v.Claims, claims)
		oneOf(d, at+".method", v.Method, accuracy.Methods(), false)
		oneOf(d, at+".result", v.Result, []string{"pass", "fail", "inconclusive"}, false)
	}
	for i, r := range e.Register {
		oneOf(d, fmt.Sprintf("%s.register[%d].path", at, i), r.Path, contactPaths(), false)
	}
	for i, q := range e.Inquiries {
		at := fmt.Sprintf("%s.inquiries[%d]", at, i)
		oneOf(d, at+".path", q.Path, contactPaths(), false)
		oneOf(d, at+".question", q.Question, []string{"linked", "located", "confirmed"}, false)
		oneOf(d, at+".answer", q.Answer, []string{"yes", "no", "unclear"}, false)
	}
	oneOf(d, at+".expect.result", e.Expect.Result, results, true)
	if e.Expect.Result == "" && e.Expect.Fail == nil && e.Expect.Checks == nil && e.Expect.Fields == nil {
		d.bad(at+".expect", "expects nothing")
	}
	for _, x := range []struct {
		key string
		in  map[string]accuracy.Result
	}{{"fields", e.Expect.Fields}, {"checks", e.Expect.Checks}, {"form", e.Expect.Form}, {"works", e.Expect.Works}} {
		for _, k := range slices.Sorted(maps.Keys(x.in)) {
			oneOf(d, at+".expect."+x.key+"."+clip(k), x.in[k], results, true)
		}
	}
}

// contactPaths are the paths of contacts.
func contactPaths() []string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = registration.ContactPath(r, "")
	}
	return out
}

// Record is the example's record.
func (e Example) Record() registration.Record {
	r := registration.Record{State: registration.Registered, Domain: e.Domain, Fields: maps.Clone(e.Fields), Contacts: map[string]registration.Contact{}}
	if r.Domain == "" {
		r.Domain = "shop.example"
	}
	for role, fields := range e.Contacts {
		var c registration.Contact
		for f, v := range fields {
			if f == "street" {
				c.Street = strings.Split(v, " / ")
				continue
			}
			c.SetField(f, v)
		}
		r.Contacts[role] = c
	}
	return r
}

// facts are the example's facts, seen at now.
func (e Example) facts(rec registration.Record, now time.Time) accuracy.Facts {
	f := accuracy.Facts{Mail: map[string]accuracy.MailFact{}}
	for d, m := range e.Mail {
		f.Mail[d] = accuracy.MailFact{At: now, Registered: m.Registered, MX: m.MX, NullMX: m.NullMX, Address: m.Address}
	}
	for _, a := range e.Answers {
		f.Answers = append(f.Answers, accuracy.Answer{Path: a.Path, Value: rec.Value(a.Path), Method: a.Method, OK: a.OK, At: now})
	}
	values := func(path string) map[string]string {
		role, _ := place(path)
		out := map[string]string{}
		for _, field := range registration.ContactFields() {
			if v := rec.Contacts[role].Field(field); v != "" {
				out[field] = v
			}
		}
		return out
	}
	for _, v := range e.Verifications {
		f.Verifications = append(f.Verifications, accuracy.Verification{Path: v.Path, Claims: v.Claims, Values: values(v.Path), Level: accuracy.V3, Method: v.Method, Verifier: "example", Result: v.Result, PerformedAt: now})
	}
	for _, r := range e.Register {
		role, _ := place(r.Path)
		c := rec.Contacts[role]
		f.Register = append(f.Register, accuracy.RegisterEntry{Path: r.Path, Register: "example", Name: cmp.Or(c.Organization, c.Name), Found: r.Found, Listed: r.Name, Inactive: r.Inactive, At: now})
	}
	for _, q := range e.Inquiries {
		f.Inquiries = append(f.Inquiries, accuracy.Inquiry{Path: q.Path, Question: q.Question, Answer: q.Answer, Values: values(q.Path), By: "example", At: now})
	}
	return f
}

// Outcome is how an example went: Wrong is empty when all was as expected.
type Outcome struct {
	Name  string   `json:"name"`
	OK    bool     `json:"ok"`
	Wrong []string `json:"wrong,omitempty"`
}

// Test runs the profile's examples at a time.
func (p Profile) Test(now time.Time) []Outcome {
	out := make([]Outcome, 0, len(p.Examples))
	for _, e := range p.Examples {
		o := Outcome{Name: e.Name}
		rec := e.Record()
		a, _, err := p.Examine(rec, e.facts(rec, now), now)
		if err != nil {
			o.Wrong = []string{err.Error()}
		} else {
			o.Wrong = e.compare(a)
		}
		o.OK = len(o.Wrong) == 0
		out = append(out, o)
	}
	return out
}

// compare lists what is not as expected.
func (e Example) compare(a Assessment) (wrong []string) {
	say := func(what string, got, want any) {
		wrong = append(wrong, fmt.Sprintf("%s is %q, expected %q", what, got, want))
	}
	if e.Expect.Result != "" && a.Result != e.Expect.Result {
		say("the result", a.Result, e.Expect.Result)
		for _, f := range a.Worst() {
			if f.Result == a.Result && f.Result != accuracy.Pass {
				wrong = append(wrong, fmt.Sprintf("  %s: %s says %s: %s", f.Verdict.Path, f.Verdict.Check, f.Result, f.Verdict.Reason))
			}
		}
	}
	fields, checks := map[string]accuracy.Result{}, map[string]accuracy.Result{}
	var failed []string
	for _, c := range a.Contacts {
		for _, f := range c.Fields {
			fields[f.Path] = f.Result
			if f.Result == accuracy.Fail {
				failed = append(failed, f.Path)
			}
			for _, x := range f.Findings {
				k := f.Path + " " + x.Verdict.Check
				checks[k] = worse(checks[k], x.Result)
			}
		}
	}
	form, works := map[string]accuracy.Result{}, map[string]accuracy.Result{}
	for _, m := range a.Modes {
		form[m.Mode], works[m.Mode] = m.Form, m.Works
	}
	for _, x := range []struct {
		what      string
		got, want map[string]accuracy.Result
	}{{"", fields, e.Expect.Fields}, {"", checks, e.Expect.Checks}, {"the form of ", form, e.Expect.Form}, {"what works of ", works, e.Expect.Works}} {
		for _, k := range slices.Sorted(maps.Keys(x.want)) {
			if x.got[k] != x.want[k] {
				say(x.what+k, x.got[k], x.want[k])
			}
		}
	}
	ids := func(ps []Proposal) (out []string) {
		for _, p := range ps {
			out = append(out, p.Duty)
		}
		return out
	}
	for _, x := range []struct {
		what      string
		got, want []string
		always    bool
	}{{"what fails", failed, e.Expect.Fail, e.Expect.Fail != nil}, {"the duties proposed", ids(a.Duties), e.Expect.Duties, true}, {"the duties withheld", ids(a.Withheld), e.Expect.Withheld, e.Expect.Withheld != nil}} {
		got, want := slices.Sorted(slices.Values(x.got)), slices.Sorted(slices.Values(x.want))
		if x.always && !slices.Equal(got, want) {
			say(x.what, strings.Join(got, " "), strings.Join(want, " "))
		}
	}
	return wrong
}
