package accuracy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bailiwick/problem"
	"bailiwick/registration"

	"pgregory.net/rapid"
)

var day = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// held is a registrant whose data somebody has looked into.
var held = registration.Contact{Name: "Märta Lind", Organization: "Lind og Døtre ApS", Street: []string{"Havnegade 12", "2. sal"}, City: "Aarhus", PostalCode: "8000", Country: "DK", Email: "marta@lind.example"}

// judged are the verdicts of V3 on a record, by check; "–" where there is none.
func judged(t testing.TB, rec registration.Record, f Facts) map[string]string {
	t.Helper()
	vs, err := Examine(Subject{Record: rec, Roles: []string{registration.Registrant}, Facts: f, Now: day}, VerifiedChecks())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, v := range vs {
		if v.Level != V3 || v.Detail == "" && v.Reason != "" {
			t.Errorf("%+v", v)
		}
		out[v.Check] = strings.TrimSuffix(string(v.Result)+": "+v.Reason, ": ")
	}
	return out
}

func TestVerified(t *testing.T) {
	rec := registration.Record{State: registration.Registered, Domain: "shop.example", Contacts: map[string]registration.Contact{registration.Registrant: held}}
	all := map[string]string{"name": "Märta Lind", "organization": "Lind og Døtre ApS", "street": "Havnegade 12, 2. sal", "city": "Aarhus", "postal_code": "8000", "country": "DK"}
	verification := func(change func(v *Verification)) Facts {
		v := Verification{Path: "contacts.registrant", Claims: []string{"name"}, Values: all, Level: V3, Method: "eid", Verifier: "registrar:9999", Result: "pass", PerformedAt: day.AddDate(0, -1, 0)}
		change(&v)
		return Facts{Verifications: []Verification{v}}
	}
	entry := func(change func(e *RegisterEntry)) Facts {
		e := RegisterEntry{Path: "contacts.registrant", Register: "companies", Name: "Lind og Døtre ApS", Found: true, Listed: "LIND OG DØTRE APS", At: day}
		change(&e)
		return Facts{Register: []RegisterEntry{e}}
	}
	inquiry := func(question, answer string, change func(q *Inquiry)) Facts {
		q := Inquiry{Path: "contacts.registrant", Question: question, Answer: answer, Values: all, By: "an interviewer", At: day}
		change(&q)
		return Facts{Inquiries: []Inquiry{q}}
	}
	same := func(*Inquiry) {}
	for _, c := range []struct {
		name  string
		facts Facts
		check string
		want  string
	}{
		{"nothing is known", Facts{}, "name.verified", "not testable: not-observed"},
		{"nothing is known of the register", Facts{}, "register.entry", "not testable: not-observed"},
		{"confirmed", verification(func(*Verification) {}), "name.verified", "pass"},
		{"confirmed, of another claim", verification(func(*Verification) {}), "address.verified", "not testable: not-observed"},
		{"who it is", verification(func(v *Verification) { v.Claims = []string{"identity"} }), "identity.verified", "pass"},
		{"who it is, so the name, too", verification(func(v *Verification) { v.Claims = []string{"identity"} }), "name.verified", "pass"},
		{"the address", verification(func(v *Verification) { v.Claims = []string{"address"} }), "address.verified", "pass"},
		{"an address that has moved", verification(func(v *Verification) {
			v.Claims, v.Values = []string{"address"}, map[string]string{"street": "Havnegade 14"}
		}), "address.verified", "not testable: other-value"},
		{"a city alone is no address", verification(func(v *Verification) {
			v.Claims, v.Values = []string{"address"}, map[string]string{"city": "Aarhus"}
		}), "address.verified", "not testable: other-value"},
		{"written in another way", verification(func(v *Verification) { v.Values = map[string]string{"name": "MÄRTA  LIND"} }), "name.verified", "pass"},
		{"composed in another way", verification(func(v *Verification) { v.Values = map[string]string{"name": "Ma\u0308rta Lind"} }), "name.verified", "pass"},
		{"refuted", verification(func(v *Verification) { v.Result = "fail" }), "name.verified", "fail: refuted"},
		{"inconclusive", verification(func(v *Verification) { v.Result = "inconclusive" }), "name.verified", "not testable: inconclusive"},
		{"no result that there is", verification(func(v *Verification) { v.Result = "perhaps" }), "name.verified", "not testable: inconclusive"},
		{"lapsed", verification(func(v *Verification) { v.ValidUntil = day }), "name.verified", "not testable: lapsed"},
		{"still valid", verification(func(v *Verification) { v.ValidUntil = day.Add(time.Second) }), "name.verified", "pass"},
		{"a code by mail shows nobody", verification(func(v *Verification) { v.Method = "email-code" }), "name.verified", "not testable: weak-method"},
		{"of another level", verification(func(v *Verification) { v.Level = V2 }), "name.verified", "not testable: weak-method"},
		{"of another name", verification(func(v *Verification) { v.Values = map[string]string{"name": "Maria Lind"} }), "name.verified", "not testable: other-value"},
		{"a failure of another name", verification(func(v *Verification) { v.Result, v.Values = "fail", map[string]string{"name": "Maria Lind"} }), "name.verified", "not testable: other-value"},
		{"of no value", verification(func(v *Verification) { v.Values = nil }), "name.verified", "not testable: other-value"},
		{"of another contact", verification(func(v *Verification) { v.Path = "contacts.tech" }), "name.verified", "not testable: not-observed"},
		{"by nobody", verification(func(v *Verification) { v.Verifier = "" }), "name.verified", "not testable: not-observed"},
		{"at no time", verification(func(v *Verification) { v.PerformedAt = time.Time{} }), "name.verified", "not testable: not-observed"},
		{"tomorrow", verification(func(v *Verification) { v.PerformedAt = day.AddDate(0, 0, 1) }), "name.verified", "not testable: not-observed"},
		{"in the register", entry(func(*RegisterEntry) {}), "register.entry", "pass"},
		{"not in the register", entry(func(e *RegisterEntry) { e.Found = false }), "register.entry", "fail: not-in-register"},
		{"under another name", entry(func(e *RegisterEntry) { e.Listed = "Sund og Sønner ApS" }), "register.entry", "warn: name-differs"},
		{"no more", entry(func(e *RegisterEntry) { e.Inactive = true }), "register.entry", "warn: not-active"},
		{"no answer", entry(func(e *RegisterEntry) { e.Failure = "timed out" }), "register.entry", "not testable: no-answer"},
		{"asked about another", entry(func(e *RegisterEntry) { e.Name = "Sund ApS" }), "register.entry", "not testable: other-value"},
		{"an answer, and then none", Facts{Register: append(entry(func(*RegisterEntry) {}).Register, entry(func(e *RegisterEntry) { e.Failure = "timed out" }).Register...)}, "register.entry", "pass"},
		{"none, and then an answer", Facts{Register: append(entry(func(e *RegisterEntry) { e.Failure = "timed out" }).Register, entry(func(e *RegisterEntry) { e.At = day.AddDate(0, -1, 0) }).Register...)}, "register.entry", "pass"},
		{"linked", inquiry("linked", "yes", same), "holder.linked", "pass"},
		{"linked is not located", inquiry("linked", "yes", same), "holder.located", "not testable: not-observed"},
		{"not located", inquiry("located", "no", same), "holder.located", "fail: no"},
		{"confirmed with a fault", inquiry("confirmed", "yes", func(q *Inquiry) { q.Faults = 1 }), "holder.confirmed", "warn: faults"},
		{"unclear", inquiry("confirmed", "unclear", same), "holder.confirmed", "not testable: unclear"},
		{"of another person", inquiry("confirmed", "yes", func(q *Inquiry) { q.Values = map[string]string{"name": "Maria Lind"} }), "holder.confirmed", "not testable: other-value"},
	} {
		if got := judged(t, rec, c.facts)[c.check]; got != c.want {
			t.Errorf("%s: %s is %q, not %q", c.name, c.check, got, c.want)
		}
	}
	// The newest word counts.
	f := verification(func(*Verification) {})
	f.Verifications = append(f.Verifications, verification(func(v *Verification) { v.Result, v.PerformedAt = "fail", day }).Verifications...)
	if got := judged(t, rec, f)["name.verified"]; got != "fail: refuted" {
		t.Errorf("a later failure: %s", got)
	}
	f.Verifications[1].PerformedAt = day.AddDate(0, -2, 0)
	if got := judged(t, rec, f)["name.verified"]; got != "pass" {
		t.Errorf("an earlier failure: %s", got)
	}
	// What is withheld, a proxy, and nobody at all.
	withheld := registration.Record{State: registration.Registered, Fields: map[string]registration.FieldState{"contacts.registrant.name": registration.Redacted, "contacts.registrant.organization": registration.Proxy}, Contacts: map[string]registration.Contact{registration.Registrant: {Organization: "Elm Privacy", Country: "DK"}}}
	if got := judged(t, withheld, verification(func(*Verification) {})); got["name.verified"] != "not testable: redacted" || got["organization.verified"] != "not testable: proxy" || got["register.entry"] != "not testable: proxy" {
		t.Errorf("%v", got)
	}
	if got := judged(t, registration.Record{State: registration.Registered}, verification(func(*Verification) {})); len(got) != 0 {
		t.Errorf("nobody: %v", got)
	}
}

// TestVerifiedNeedsAFact: without a fact about the values that stand there now
// no check of V3 says more than that it is not testable.
func TestVerifiedNeedsAFact(t *testing.T) {
	text := rapid.StringMatching(`[A-Za-z]{1,8}`)
	rapid.Check(t, func(r *rapid.T) {
		c := registration.Contact{Name: "x" + text.Draw(r, "name"), Organization: "x" + text.Draw(r, "organization"), Street: []string{"x" + text.Draw(r, "street")}}
		rec := registration.Record{State: registration.Registered, Contacts: map[string]registration.Contact{registration.Registrant: c}}
		var f Facts
		for range rapid.IntRange(0, 4).Draw(r, "n") {
			other := map[string]string{"name": "y" + text.Draw(r, "other"), "organization": "y" + text.Draw(r, "other"), "street": "y" + text.Draw(r, "other")}
			f.Verifications = append(f.Verifications, Verification{Path: "contacts.registrant", Claims: []string{rapid.SampledFrom([]string{"name", "address", "identity", "org_id"}).Draw(r, "claim")}, Values: other, Level: V3,
				Method: rapid.SampledFrom(Methods()).Draw(r, "method"), Verifier: "v", Result: rapid.SampledFrom([]string{"pass", "fail"}).Draw(r, "result"), PerformedAt: day})
			f.Register = append(f.Register, RegisterEntry{Path: "contacts.registrant", Register: "r", Name: other["name"], Found: rapid.Bool().Draw(r, "found"), At: day})
			f.Inquiries = append(f.Inquiries, Inquiry{Path: "contacts.registrant", Question: rapid.SampledFrom([]string{"linked", "located", "confirmed"}).Draw(r, "question"), Answer: "no", Values: other, By: "b", At: day})
		}
		vs, err := Examine(Subject{Record: rec, Facts: f, Now: day}, VerifiedChecks())
		if err != nil || len(vs) != len(VerifiedChecks()) {
			r.Fatalf("%d verdicts, %v", len(vs), err)
		}
		for _, v := range vs {
			if v.Result != Untestable {
				r.Fatalf("%+v", v)
			}
		}
	})
}

func TestReadFacts(t *testing.T) {
	good := `{"id":"shop.example","verifications":[{"path":"contacts.registrant","claims":["name"],"values":{"name":"Marta Lind"},"level":"V3","method":"eid","verifier_id":"registrar:9999","result":"pass","performed_at":"2026-03-01T00:00:00Z"}]}
{"id":"C-1","answers":[{"path":"contacts.registrant.email","value":"a@example.org","method":"code","ok":true,"at":"2026-03-01T00:00:00Z"}]}

{"id":"shop.example","mail":{"example.org":{"at":"2026-03-01T00:00:00Z","mx":["mx.example.org"]}},"register":[{"path":"contacts.registrant","register":"LEI","name":"Lind","found":true,"at":"2026-03-01T00:00:00Z"}]}
`
	f, err := ReadFacts(strings.NewReader(good))
	if err != nil || len(f) != 2 || len(f["shop.example"].Verifications) != 1 || len(f["shop.example"].Register) != 1 || len(f["shop.example"].Mail) != 1 || len(f["C-1"].Answers) != 1 {
		t.Fatalf("%+v %v", f, err)
	}
	with := func(old, new string) string { return strings.Replace(strings.SplitN(good, "\n", 2)[0], old, new, 1) }
	many := `{"id":"a","uncollected":[` + strings.Repeat(`"fax",`, MaxFacts) + `"fax"]}`
	for _, c := range []struct{ in, want string }{
		{"{", "line 1: is no JSON object"},
		{"[]", "line 1: "},
		{"{}", "line 1: id: is missing"},
		{`{"id":"a"} {"id":"b"}`, "line 1: holds more than one object"},
		{"{\"id\":\"a\"}\n{\"id\":\"b\",\"colour\":1}", `line 2: the field "colour" is not known`},
		{`{"id":"a","answers":1}`, "line 1: answers is a number where another kind of value belongs"},
		{`{"id":"a","answers":[{"path":"contacts.registrant.email","value":"x","method":"guess","at":"2026-03-01T00:00:00Z"}]}`, "line 1: answers[0].method: is none of code, bounce, call, post"},
		{`{"id":"a","answers":[{"path":"contacts.registrant.email","value":"x","method":"code"}]}`, "line 1: answers[0].at: is missing"},
		{with("V3", "V7"), "line 1: "},
		{with("V3", "V0"), "line 1: verifications[0].level: is none of V1, V2, V3"},
		{with("eid", "guess"), "line 1: verifications[0].method: is none of eid, register"},
		{with(`["name"]`, `["shoe"]`), "line 1: verifications[0].claims: is none of name"},
		{with(`["name"]`, `[]`), "line 1: verifications[0].claims: are missing"},
		{with(`{"name":"Marta Lind"}`, `{}`), "line 1: verifications[0].values: are missing"},
		{with(`{"name":"Marta Lind"}`, `{"shoe":"x"}`), "line 1: verifications[0].values.shoe: is not a field of a contact"},
		{with(`"registrar:9999"`, `""`), "line 1: verifications[0].verifier_id: is missing"},
		{with(`"verifier_id"`, `"evidence_digest":"the document itself","verifier_id"`), "line 1: verifications[0].evidence_digest: is no digest"},
		{with(`"verifier_id"`, `"document":"data","verifier_id"`), `line 1: the field "document" is not known`},
		{with(`"verifier_id"`, `"valid_until":"2020-01-01T00:00:00Z","verifier_id"`), "line 1: verifications[0].valid_until: lies before performed_at"},
		{with("contacts.registrant", "contacts.registrant.name"), "line 1: verifications[0].path: is no contact"},
		{with("2026-03-01T00:00:00Z", "yesterday"), "line 1: is no JSON object of facts, or holds a time that is none"},
		{with("Marta Lind", strings.Repeat("x", 5000)), "line 1: verifications[0].values.name: is over 2048 octets"},
		{`{"id":"` + strings.Repeat("x", MaxFactsLine) + `"}`, "line 1: is longer than 262144 octets"},
		{many, "line 1: uncollected: are more than 1000"},
		{strings.Replace(many, `"fax",`, "", 1) + "\n" + `{"id":"a","uncollected":["fax"]}`, "line 2: uncollected: with the lines before: are more than 1000"},
	} {
		_, err := ReadFacts(strings.NewReader(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80q: %v, not %q", c.in, err, c.want)
		} else if code := problem.CodeOf(err); code != problem.Invalid || strings.Contains(err.Error(), "Marta") {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func FuzzReadFacts(f *testing.F) {
	f.Add([]byte(`{"id":"a","verifications":[{"path":"contacts.registrant","claims":["name"],"values":{"name":"x"},"level":"V3","method":"eid","verifier_id":"v","result":"pass","performed_at":"2026-03-01T00:00:00Z"}],"register":[{"path":"contacts.registrant","register":"r","name":"x","found":true,"at":"2026-03-01T00:00:00Z"}],"inquiries":[{"path":"contacts.registrant","question":"linked","answer":"yes","values":{"name":"x"},"by":"b","at":"2026-03-01T00:00:00Z"}]}`))
	f.Add([]byte("{\"id\":\"a\"}\n{\"id\":\"\\ud800\"}"))
	rec := registration.Record{State: registration.Registered, Contacts: map[string]registration.Contact{registration.Registrant: {Name: "x", Organization: "x"}}}
	f.Fuzz(func(t *testing.T, in []byte) {
		facts, err := ReadFacts(strings.NewReader(string(in)))
		if err != nil {
			if c := problem.CodeOf(err); c != problem.Invalid && c != problem.TooLarge {
				t.Fatalf("%s: %v", c, err)
			}
			return
		}
		for _, x := range facts {
			vs, err := Examine(Subject{Record: rec, Facts: x, Now: day}, VerifiedChecks())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := json.Marshal(vs); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestVerifiedDocumented holds the section of docs/accuracy.md against the
// checks.
func TestVerifiedDocumented(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "docs", "accuracy.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(raw), "\n## Checks of whose data it is\n")
	if !ok {
		t.Fatal("docs/accuracy.md has no section \"Checks of whose data it is\"")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	_, lines, _ := strings.Cut(section, "```json\n")
	lines, _, _ = strings.Cut(lines, "```")
	if f, err := ReadFacts(strings.NewReader(lines)); err != nil || len(f["shop.example"].Verifications) != 1 || len(f["shop.example"].Answers) != 1 {
		t.Errorf("the facts that it shows: %+v, %v", f, err)
	}
	for _, c := range VerifiedChecks() {
		if row := docRow(c); !strings.Contains(section, row) {
			t.Errorf("docs/accuracy.md lacks\n%s", row)
		}
	}
}
