package inaccuracy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/casework"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/registration"
)

var monday = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// secret is a word that only personal payloads may hold.
const secret = "Zanzibar"

// rules has rules of every basis: a form, what works, and one read second hand.
const rules = `profile: test-rules
title: Rules of a test
status: STATUS
names: [example]
contacts: [registrant]
rules:
  - id: form
    clause: Test 1
    text: The form is right.
    basis: primary
    address: https://rules.example/1
    date: 2026-01-01
    checks: [{check: email.syntax}, {check: phone.length}]
    duties:
      - {id: see-form, triggers: [finding], actor: registrar, action: investigate, within: 15d, on_expiry: hold, final: delete}
      - {id: form-hold, triggers: [finding], actor: registrar, action: hold, within: 2d}
  - id: works
    clause: Test 2
    text: The address works.
    basis: primary
    address: https://rules.example/2
    date: 2026-01-01
    checks: [{check: email.mx}]
    duties:
      - id: see-works
        triggers: [finding]
        actor: registrar
        action: verify
        claims: [email]
        within: 7d
        on_expiry: hold-or-verify-hand
        notices: [{to: [registry], when: the finding}]
  - id: hearsay
    clause: Test 3
    text: As somebody says.
    basis: secondary
    address: https://blog.example/3
    date: 2026-01-01
    checks: [{check: name.present}]
    duties:
      - {id: see-name, triggers: [finding], actor: registrar, action: correct, within: 1d, on_expiry: hold}
`

// fatal is what both *testing.T and *rapid.T can do.
type fatal interface {
	Helper()
	Fatalf(string, ...any)
}

var sets = map[string]policy.Profile{}

func profile(t fatal, status string) policy.Profile {
	t.Helper()
	if p, ok := sets[status]; ok {
		return p
	}
	set, err := policy.Shipped()
	if err != nil {
		t.Fatalf("%v", err)
	}
	_, p, err := set.With("test-rules.yaml", []byte(strings.Replace(rules, "STATUS", status, 1)))
	if err != nil {
		t.Fatalf("%v", err)
	}
	sets[status] = p
	return p
}

func shipped(t fatal, id string) policy.Profile {
	t.Helper()
	set, err := policy.Shipped()
	if err != nil {
		t.Fatalf("%v", err)
	}
	p, err := set.Get(id)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return p
}

// person is a registrant's data and what is known of its mail.
type data struct {
	contact registration.Contact
	facts   accuracy.Facts
	state   registration.FieldState
}

var (
	good     = registration.Contact{Name: secret + " Quill", Email: "a@mail.example", Phone: "+44.2079460123", Street: []string{"1 Long Lane"}, City: "London", PostalCode: "SW1A 1AA", Country: "GB"}
	badForm  = func() registration.Contact { c := good; c.Email = "not-an-address"; return c }()
	noMail   = accuracy.Facts{Mail: map[string]accuracy.MailFact{"mail.example": {At: monday.Add(-time.Minute), NullMX: true}}}
	someMail = accuracy.Facts{Mail: map[string]accuracy.MailFact{"mail.example": {At: monday.Add(-time.Minute), MX: []string{"mx.mail.example"}}}}
)

// grounds assesses a contact under a profile.
func grounds(t fatal, p policy.Profile, d data, at time.Time) Grounds {
	t.Helper()
	rec := registration.Record{Domain: "shop.example", State: registration.Registered, Contacts: map[string]registration.Contact{"registrant": d.contact}}
	if d.state != "" {
		rec.Fields = map[string]registration.FieldState{"contacts.registrant.email": d.state}
	}
	a, _, err := p.Examine(rec, d.facts, at)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return Grounds{Profile: p, Assessment: a, Version: 1, Observed: at, Record: rec, Salt: [32]byte{1}}
}

func check(t fatal, p policy.Profile, d data, at time.Time) Check {
	t.Helper()
	g := grounds(t, p, d, at)
	return Check{By: "person:7", Assessment: g.Assessment, Version: 2, Observed: at}
}

// run is a case with its log, as whoever stores both has them.
type run struct {
	c       Case
	entries []casework.Entry
	now     time.Time
}

func (x *run) do(t fatal, cmd Command) error {
	t.Helper()
	evs, err := Decide(x.c, cmd, x.now)
	if err != nil {
		return err
	}
	for _, ev := range evs {
		e, err := Seal(x.c, "01CASE", ev, x.now, [32]byte{byte(len(x.entries) + 1)})
		if err != nil {
			t.Fatalf("seal: %v", err)
		}
		next, err := Apply(x.c, e)
		if err != nil {
			t.Fatalf("what %T decided does not apply: %v", cmd, err)
		}
		x.c, x.entries = next, append(x.entries, e)
	}
	return nil
}

func (x *run) must(t fatal, cmds ...Command) {
	t.Helper()
	for _, c := range cmds {
		if err := x.do(t, c); err != nil {
			t.Fatalf("%T: %v", c, err)
		}
	}
}

func (x *run) in(d time.Duration) *run { x.now = x.now.Add(d); return x }

const days = 24 * time.Hour

var (
	registrar = party.Party{ID: "registrar:9999", Role: party.Registrar, Name: "Example Registrar", Email: "desk@registrar.example", Reachable: true, Basis: "rdap registrar entity"}
	registry  = party.Party{ID: "registry:example", Role: party.Registry, Name: "Example Registry", Email: "desk@registry.example", Reachable: true}
)

func open(t fatal, p policy.Profile, d data) Open {
	t.Helper()
	n, err := name.Parse("shop.example")
	if err != nil {
		t.Fatalf("%v", err)
	}
	cmd := Open{By: "person:7", Name: n, Party: registrar, GTLD: true, Grounds: grounds(t, p, d, monday)}
	if CopyToRegistry(p) {
		cmd.Copy = &registry
	}
	return cmd
}

// opened is a case of bad data under the test's rules.
func opened(t fatal, d data) *run {
	x := &run{now: monday}
	x.must(t, open(t, profile(t, "own"), d))
	return x
}

// asked is one that the registrar's server took.
func asked(t fatal) *run {
	x := opened(t, data{contact: good, facts: noMail})
	x.must(t, Send{By: "person:7"}, Noticed{N: 1, Result: casework.Accepted, Response: "250 ok"})
	return x
}

func verifyChain(t fatal, es []casework.Entry) {
	t.Helper()
	if err := casework.VerifyChain(es); err != nil {
		t.Fatalf("%v", err)
	}
}

func keys(fs []Finding) (out []string) {
	for _, f := range fs {
		out = append(out, strings.TrimPrefix(f.Key(), "contacts.registrant."))
	}
	slices.Sort(out)
	return out
}

var _ fatal = (*testing.T)(nil)
