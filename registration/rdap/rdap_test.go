package rdap

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const (
	domainObject = `{"objectClassName":"domain","ldhName":"example.com","status":["active"]}`
	rdapJSON     = "application/rdap+json"
)

func ids(fs []registration.Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, f.ID)
	}
	return out
}

// TestAnswerStates: what the HTTP status, the content type and the body mean
// together.
func TestAnswerStates(t *testing.T) {
	for _, c := range []struct {
		what   string
		status int
		ctype  string
		body   string
		state  registration.State
		code   problem.Code // of the error; "" for none
		find   string       // a finding that must be there
	}{
		{"a domain", 200, rdapJSON, domainObject, registration.Registered, "", ""},
		{"content type with a parameter", 200, "application/rdap+json; charset=utf-8", domainObject, registration.Registered, "", ""},
		{"plain JSON type", 200, "application/json", domainObject, registration.Registered, "", "rdap.content-type"},
		{"no such name", 404, rdapJSON, `{"errorCode":404,"title":"Not Found"}`, registration.Available, "", ""},
		{"404 without a body", 404, "", "", registration.Available, "", ""},
		{"404 as a page", 404, "text/html", "<html>not found</html>", registration.Available, "", "rdap.html"},
		{"404 with notices about limits", 404, rdapJSON, `{"errorCode":404,"title":"Not Found","notices":[{"description":["Queries are limited."]}]}`, registration.Available, "", ""},
		{"404 for a reserved name", 404, rdapJSON, `{"errorCode":404,"description":["The name is reserved"]}`, registration.Reserved, "", ""},
		{"429", 429, "", "", registration.Throttled, "", ""},
		{"429 as a page", 429, "text/html", "<html>slow down</html>", registration.Throttled, "", "rdap.html"},
		{"429 with an object", 429, rdapJSON, `{"errorCode":429}`, registration.Throttled, "", ""},
		{"quota with 200", 200, rdapJSON, `{"notices":{"title":"Rate limit exceeded"}}`, registration.Throttled, "", "rdap.type"},
		{"quota in a description", 200, rdapJSON, `{"title":"Error","description":"You have exceeded your quota of queries"}`, registration.Throttled, "", ""},
		{"quota with 403", 403, "text/plain", "Too many requests from your address", registration.Throttled, "", "rdap.status-code"},
		{"quota with 503", 503, rdapJSON, `{"errorCode":503,"title":"Too Many Requests"}`, registration.Throttled, "", ""},
		{"error object with 200", 200, rdapJSON, `{"errorCode":404}`, registration.Available, "", "rdap.error-status"},
		{"429 object with 200", 200, rdapJSON, `{"errorCode":429}`, registration.Throttled, "", "rdap.error-status"},
		{"server error", 500, rdapJSON, `{"errorCode":500,"title":"Internal"}`, registration.Failed, problem.Unavailable, "rdap.status-code"},
		{"bad gateway page", 502, "text/html", "<html>502</html>", registration.Failed, problem.Unavailable, "rdap.html"},
		{"bad request", 400, rdapJSON, `{"errorCode":"400"}`, registration.Failed, problem.Unavailable, "rdap.type"},
		{"a redirect that was not followed", 302, "", "", registration.Failed, problem.Unavailable, "rdap.status-code"},
		{"error code that is no number", 200, rdapJSON, `{"errorCode":"none"}`, registration.Failed, problem.Unavailable, "rdap.type"},
		{"a domain with a code of success", 200, rdapJSON, `{"objectClassName":"domain","ldhName":"example.com","errorCode":200}`, registration.Registered, "", ""},
		{"a page with 200", 200, "text/html", "<!doctype html><p>hello", registration.Failed, problem.Invalid, "rdap.html"},
		{"a page about terms with 200", 200, "text/html", "<p>Do not exceed ten queries a second.", registration.Failed, problem.Invalid, "rdap.html"},
		{"an object that is called a page", 200, "text/html", domainObject, registration.Registered, "", "rdap.content-type"},
		{"nothing with 200", 200, rdapJSON, "", registration.Failed, problem.Invalid, "rdap.empty"},
		{"white space", 200, rdapJSON, " \r\n", registration.Failed, problem.Invalid, "rdap.empty"},
		{"cut", 200, rdapJSON, `{"objectClassName":"domain","ldhName":"exam`, registration.Failed, problem.Invalid, "rdap.json"},
		{"never ends", 200, rdapJSON, strings.Repeat("[", 100_000), registration.Failed, problem.Invalid, "rdap.json"},
		{"null", 200, rdapJSON, "null", registration.Failed, problem.Invalid, "rdap.json"},
		{"empty object", 200, rdapJSON, "{}", registration.Unknown, "", "rdap.class"},
		{"a search result", 200, rdapJSON, `{"domainSearchResults":[` + domainObject + `]}`, registration.Unknown, "", "rdap.class"},
		{"an entity", 200, rdapJSON, `{"objectClassName":"entity","handle":"X"}`, registration.Unknown, "", "rdap.class"},
		{"another class in capitals", 200, rdapJSON, `{"objectClassName":"Domain","ldhName":"example.com"}`, registration.Registered, "", "rdap.class"},
	} {
		t.Run(c.what, func(t *testing.T) {
			rec, err := Answer{Status: c.status, ContentType: c.ctype, Body: []byte(c.body)}.Domain(registration.Source{})
			if rec.State != c.state {
				t.Errorf("state %s, want %s (%v)", rec.State, c.state, rec.Findings)
			}
			if c.code == "" && err != nil || c.code != "" && (err == nil || problem.CodeOf(err) != c.code) {
				t.Errorf("error %v, want code %q", err, c.code)
			}
			if c.find != "" && !slices.Contains(ids(rec.Findings), c.find) {
				t.Errorf("no finding %s in %v", c.find, rec.Findings)
			}
			if rec.State != registration.Registered && rec.State != registration.Unknown && rec.Domain != "" {
				t.Error("a record without an object")
			}
			state, _, isError := ErrorAnswer(Answer{Status: c.status, ContentType: c.ctype, Body: []byte(c.body)})
			if isError != (c.state != registration.Registered && c.state != registration.Unknown) {
				t.Errorf("ErrorAnswer says %s, %v", state, isError)
			}
			if isError && state != c.state {
				t.Errorf("ErrorAnswer gives state %s, want %s", state, c.state)
			}
		})
	}
}

func TestAsked(t *testing.T) {
	asked, _ := name.Parse("example.com")
	for body, want := range map[string]registration.State{
		domainObject: registration.Registered,
		`{"objectClassName":"domain","ldhName":"EXAMPLE.COM."}`:    registration.Registered,
		`{"objectClassName":"domain","ldhName":"example.org"}`:     registration.Unknown,
		`{"objectClassName":"domain","unicodeName":"example.com"}`: registration.Registered,
	} {
		rec, err := Answer{Body: []byte(body), Asked: asked}.Domain(registration.Source{})
		if err != nil || rec.State != want {
			t.Errorf("%s: %s, %v", body, rec.State, err)
		}
		if got := slices.Contains(ids(rec.Findings), "rdap.not-asked"); got != (want == registration.Unknown) {
			t.Errorf("%s: not-asked %v", body, got)
		}
	}
	rec, _ := Answer{Body: []byte(`{"objectClassName":"domain","unicodeName":"example.com"}`), Asked: asked}.Domain(registration.Source{})
	if !slices.ContainsFunc(rec.Findings, func(f registration.Finding) bool { return f.ICANNCode == -46100 }) {
		t.Error("a missing ldhName is not found")
	}
}

func TestBounds(t *testing.T) {
	big := append([]byte(domainObject), bytes.Repeat([]byte(" "), MaxBytes)...)
	rec, err := Domain(big, registration.Source{})
	if rec.State != registration.Failed || problem.CodeOf(err) != problem.TooLarge || !slices.Contains(ids(rec.Findings), "rdap.size") {
		t.Errorf("over the size: %s %v %v", rec.State, err, rec.Findings)
	}
	if rec, err := (Answer{Status: 404, Body: big}).Domain(registration.Source{}); rec.State != registration.Available || err != nil {
		t.Errorf("over the size with 404: %s %v", rec.State, err)
	}
	if rec, _ := Domain([]byte(`{"objectClassName":"domain","x":[`+strings.Repeat("0,", maxNodes)+`0]}`), registration.Source{}); rec.State != registration.Failed {
		t.Errorf("too many values: %s", rec.State)
	}
	// Many findings of one kind, many name servers, statuses and entities.
	var b strings.Builder
	b.WriteString(`{"objectClassName":"domain","ldhName":"example.com","nameservers":[`)
	for i := range 3000 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"ldhName":"ns` + strings.Repeat("x", i%50) + `.example.net"},7,{"ldhName":null}`)
	}
	b.WriteString(`],"status":[` + strings.Repeat(`"some status",7,`, 2000) + `"x"],"entities":[` + strings.Repeat(`{"roles":["registrant"],"vcardArray":7},`, 2000) + `{}]}`)
	rec, err = Domain([]byte(b.String()), registration.Source{})
	if err != nil || rec.State != registration.Registered || len(rec.Findings) > registration.MaxFindings || len(rec.Nameservers) > maxNameservers || len(rec.Statuses) > 64 {
		t.Errorf("%s: %d findings, %d name servers, %d statuses, %v", rec.State, len(rec.Findings), len(rec.Nameservers), len(rec.Statuses), err)
	}
	// Depth: the bound itself is read, one more is not.
	for depth, want := range map[int]bool{MaxDepth - 1: false, MaxDepth: true, MaxDepth * 4: true} {
		raw := `{"objectClassName":"domain","ldhName":"example.com","x":` + strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth) + `,"handle":"A-B"}`
		rec, _ := Domain([]byte(raw), registration.Source{})
		if got := slices.Contains(ids(rec.Findings), "rdap.depth"); got != want || rec.Handle != "A-B" {
			t.Errorf("depth %d: finding %v, handle %q", depth, got, rec.Handle)
		}
	}
}

func TestDates(t *testing.T) {
	for in, want := range map[string]string{
		"2018-02-09T11:59:43Z": "2018-02-09T11:59:43Z", "2018-02-09T11:59:43.999Z": "2018-02-09T11:59:43Z", "2018-02-09t11:59:43z": "",
		"2018-02-09T11:59:43+02:00": "2018-02-09T09:59:43Z", "2018-02-09T11:59:60Z": "2018-02-09T11:59:59Z",
		"2018-02-09T11:59:43": "2018-02-09T11:59:43Z", "2018-02-09 11:59:43": "2018-02-09T11:59:43Z", "2018-02-09T11:59:43+0200": "2018-02-09T09:59:43Z",
		"2018-02-09": "2018-02-09", "20180209": "2018-02-09", "2018/02/09": "2018-02-09", "2018-02-09 11:59:43 UTC": "2018-02-09T11:59:43Z",
		"09/02/2018": "", "02-09-2018": "", "0000-00-00T00:00:00Z": "", "1970-01-01T00:00:00Z": "", "9999-12-31T00:00:00Z": "", "2018-13-01T00:00:00Z": "", "soon": "", "": "",
	} {
		d, exact, ok := parseDate(in)
		if ok != (want != "") || d.String() != want {
			t.Errorf("%q: %s, %v, want %q", in, d, ok, want)
		}
		if exact != (ok && len(in) >= 20 && in[10] == 'T' && in != "2018-02-09T11:59:43+0200") {
			t.Errorf("%q: exact %v", in, exact)
		}
	}
}

func TestEmails(t *testing.T) {
	for in, want := range map[string]string{
		"a@example.org": "a@example.org", "mailto:a@example.org?subject=x": "a@example.org", " <a@example.org> ": "a@example.org",
		"a@example.org, b@example.org": "a@example.org", "Abuse Desk a@example.org": "a@example.org", "ä@example.org": "ä@example.org",
		"@example.org": "", "a@": "", "none": "", "https://example.org/": "", "a@b@example.org": "", `"x"@example.org`: "",
	} {
		if got, _ := emailOf(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]registration.FieldState{"redacted@example.org": registration.Redacted, "x@domainsbyproxy.com": registration.Proxy, "nothing": registration.Unparsed} {
		if got, st := emailOf(in); got != "" || st != want {
			t.Errorf("%q: %q %s", in, got, st)
		}
	}
}

func TestRedactionNames(t *testing.T) {
	for in, want := range map[string]string{
		"Registry Domain ID": "handle", "Registry Registrant ID": "contacts.registrant.handle", "Registrant Name": "contacts.registrant.name",
		"Registrant Organization": "contacts.registrant.organization", "Registrant Street": "contacts.registrant.street", "Registrant City": "contacts.registrant.city",
		"Registrant State/Province": "contacts.registrant.region", "Registrant Postal Code": "contacts.registrant.postal_code", "Registrant Country": "contacts.registrant.country",
		"Registrant Phone": "contacts.registrant.phone", "Registrant Fax": "contacts.registrant.fax", "Registrant Email": "contacts.registrant.email",
		"Registry Admin ID": "contacts.admin.handle", "Admin Name": "contacts.admin.name", "Registry Tech ID": "contacts.tech.handle", "Tech Phone": "contacts.tech.phone",
		"Tech E-mail": "contacts.tech.email", "Billing Name": "contacts.billing.name", "Administrative Contact": "contacts.admin", "Technical Contact": "contacts.tech",
		"Registrant Contact": "contacts.registrant", "Registrar Abuse Contact Email": "registrar.abuse_email", "Registrar Name": "?", "Techno Club": "?", "": "?",
		"Registrant Phone Ext": "", "Registrant Favourite": "?", "Creation Date": "created",
	} {
		got, known := fieldsOfName(in)
		if s := strings.Join(got, " "); s != strings.Trim(want, "?") || known != (want != "?") {
			t.Errorf("%q: %q %v, want %q", in, s, known, want)
		}
	}
}

func TestRedactionPaths(t *testing.T) {
	d := domainReader{}
	if err := d.parse([]byte(`{"entities":[{"roles":["registrar"]},{"roles":["technical"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text",""]]]}]}`)); err != nil {
		t.Fatal(err)
	}
	const reg = "$.entities[?(@.roles[0]=='registrant')]"
	for in, want := range map[string]string{
		"$.handle": "handle", reg + ".handle": "contacts.registrant.handle", reg: "contacts.registrant",
		reg + ".vcardArray[1][?(@[0]=='fn')][3]":                   "contacts.registrant.name",
		reg + `.vcardArray[1][?(@[0]=="email")]`:                   "contacts.registrant.email",
		reg + ".vcardArray[1][?(@[0]=='tel' && @[1].type=='fax')]": "contacts.registrant.fax",
		reg + ".vcardArray[1][?(@[1].type=='voice')]":              "contacts.registrant.phone",
		reg + ".vcardArray[1][?(@[0]=='adr')][3][:3]":              "contacts.registrant.street",
		reg + ".vcardArray[1][?(@[0]=='adr')][3][3]":               "contacts.registrant.city",
		reg + ".vcardArray[1][?(@[0]=='adr')][3][4]":               "contacts.registrant.region",
		reg + ".vcardArray[1][?(@[0]=='adr')][3][5]":               "contacts.registrant.postal_code",
		reg + ".vcardArray[1][?(@[0]=='adr')][3][6]":               "contacts.registrant.country",
		reg + ".vcardArray[1][?(@[0]=='adr')]":                     "contacts.registrant.street contacts.registrant.city contacts.registrant.region contacts.registrant.postal_code contacts.registrant.country",
		"$.entities[?(@.roles[0]=='administrative')]":              "contacts.admin",
		"$.entities[1]":                              "contacts.tech",
		"$.entities[1].vcardArray[1][1][3]":          "contacts.tech.name",
		"$.entities[0]":                              "",
		"$.entities[7]":                              "",
		"$.entities[99999999999999999999]":           "",
		"$.events[?(@.eventAction=='registration')]": "created",
		"$.nameservers[*]":                           "nameservers",
		"$.secureDNS.dsData":                         "dnssec",
		"$.entities[?(@.roles[0]=='registrar')].entities[?(@.roles=='x')].name": "",
		"nonsense": "", "": "", "$.entities['": "",
	} {
		if got := strings.Join(d.fieldsOfPath(in, true), " "); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	if got := d.fieldsOfPath("$.entities[1]", false); got != nil {
		t.Errorf("an index before redaction was looked up after it: %v", got)
	}
}

// Names that need no IDNA take a short cut; it must agree with the long way.
func TestPlainNameAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.RuneFrom([]rune("abyz019-.X_")), 1, 20, -1).Draw(t, "name")
		if !plainName(s) {
			return
		}
		n, err := name.ParseAny(s)
		if err != nil || n.String() != s {
			t.Fatalf("%q is plain, and name.ParseAny gives %q, %v", s, n, err)
		}
	})
}

// A Reader gives what a fresh one gives.
func TestReaderKeepsNothing(t *testing.T) {
	inputs, _ := filepath.Glob(filepath.Join("testdata", "domain", "*"))
	var r Reader
	for range 2 {
		for _, in := range inputs {
			raw, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			a, aerr := r.Domain(Answer{Body: raw}, source)
			b, berr := Domain(raw, source)
			if d := cmp.Diff(b, a); d != "" || (aerr == nil) != (berr == nil) {
				t.Errorf("%s: %s", in, d)
			}
		}
	}
}

// checkRecord holds what is true of every record, whatever was read.
func checkRecord(t testing.TB, rec registration.Record, err error) {
	t.Helper()
	if (err != nil) != (rec.State == registration.Failed) {
		t.Fatalf("state %s with error %v", rec.State, err)
	}
	if err != nil && (problem.CodeOf(err) == problem.Internal || len(rec.Findings) == 0 && problem.CodeOf(err) == problem.Invalid) {
		t.Fatalf("%v, %v", err, rec.Findings)
	}
	switch rec.State {
	case registration.Registered, registration.Available, registration.Reserved, registration.Throttled, registration.Failed, registration.Unknown:
	default:
		t.Fatalf("state %q", rec.State)
	}
	if len(rec.Findings) > registration.MaxFindings {
		t.Fatal("too many findings")
	}
	if d := cmp.Diff(rec, rec.Clean()); d != "" {
		t.Fatalf("not clean: %s", d)
	}
	if !slices.IsSorted(rec.Nameservers) || !slices.IsSorted(rec.Statuses) {
		t.Fatal("not sorted")
	}
	for p, s := range rec.Fields {
		if rec.Value(p) != "" {
			t.Fatalf("%s is %s and has a value", p, s)
		}
	}
	for p := range rec.Unread {
		if rec.Fields[p] != registration.Unparsed {
			t.Fatalf("%s is unread and not said to be unparsed", p)
		}
	}
	one, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	var back registration.Record
	if err := json.Unmarshal(one, &back); err != nil {
		t.Fatal(err)
	}
	two, _ := json.Marshal(back)
	if !bytes.Equal(one, two) {
		t.Fatalf("JSON is not stable:\n%s\n%s", one, two)
	}
}

func FuzzDomain(f *testing.F) {
	inputs, _ := filepath.Glob(filepath.Join("testdata", "*", "*"))
	for _, in := range inputs {
		if raw, err := os.ReadFile(in); err == nil && !strings.HasSuffix(in, ".golden") {
			f.Add(0, "", raw)
		}
	}
	f.Add(404, "text/html", []byte("<html>"))
	f.Add(200, rdapJSON, []byte(domainObject))
	asked, _ := name.Parse("example.com")
	f.Fuzz(func(t *testing.T, status int, ctype string, raw []byte) {
		rec, err := Answer{Status: status, ContentType: ctype, Body: raw}.Domain(source)
		checkRecord(t, rec, err)
		rec, err = Answer{Status: status, ContentType: ctype, Body: raw, Asked: asked}.Domain(source)
		checkRecord(t, rec, err)
		again, _ := Answer{Status: status, ContentType: ctype, Body: raw, Asked: asked}.Domain(source)
		if d := cmp.Diff(rec, again); d != "" {
			t.Fatalf("not the same twice: %s", d)
		}
		var any map[string]jsonRaw
		if json.Unmarshal(raw, &any) == nil && string(any["objectClassName"]) == `"domain"` && any["errorCode"] == nil && (status == 0 || status == 200) && len(raw) < 1<<16 && rec.State == registration.Failed {
			t.Fatalf("a well-formed domain object failed: %v", rec.Findings)
		}
	})
}

type jsonRaw = json.RawMessage

func FuzzNetwork(f *testing.F) {
	inputs, _ := filepath.Glob(filepath.Join("testdata", "network", "*"))
	for _, in := range inputs {
		if raw, err := os.ReadFile(in); err == nil && !strings.HasSuffix(in, ".golden") {
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		net, err := Network(raw, source)
		if (err != nil) != (net.State == registration.Failed) {
			t.Fatalf("state %s with error %v", net.State, err)
		}
		for _, s := range []string{net.Handle, net.Name, net.Holder, net.AbuseEmail, net.AbusePhone, net.Country, net.Start, net.End} {
			if s != registration.CleanText(s) {
				t.Fatalf("%q is not clean", s)
			}
		}
	})
}
