package accuracy

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy/ids"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/registration/read"

	"pgregory.net/rapid"
)

var lookedAt = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// identify gives the verdicts on one registrant, by check.
func identify(t testing.TB, c registration.Contact, more ...func(*registration.Record)) map[string]Verdict {
	t.Helper()
	rec := registration.Record{State: registration.Registered, Domain: "shop.example",
		Contacts: map[string]registration.Contact{registration.Registrant: c}}
	for _, f := range more {
		f(&rec)
	}
	vs, err := Examine(Subject{Record: rec, Now: lookedAt}, IdentityChecks())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Verdict{}
	for _, v := range vs {
		if strings.HasPrefix(v.Path, "contacts.registrant") {
			out[v.Check] = v
		}
	}
	return out
}

// warnings are the reasons of the checks that did not pass, sorted.
func warnings(vs map[string]Verdict) string {
	var out []string
	for _, v := range vs {
		if v.Result != Pass {
			out = append(out, strings.TrimPrefix(v.Check, "name.")+"="+v.Reason)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		// Names that are names: of one word, of two characters, with particles.
		{"Suharto", ""}, {"王伟", ""}, {"김민준", ""}, {"李 娜", ""}, {"U Nu", ""}, {"Ng Wu", ""}, {"Jan van der Velde", ""},
		{"María José de la Peña y Quintana", ""}, {"O'Dwyer", ""}, {"J. R. Hartley", ""}, {"สมชาย ใจดี", ""}, {"محمد", ""},
		{"Đỗ Thị Hạnh", ""}, {"JOHN HARTLEY III", ""}, {"Jean-Luc d’Aubigny", ""}, {"山田ハナコ", ""}, {"Zsazsa Gabor", ""}, {"Vlk", ""},
		{"ABC公司", ""}, {"株式会社NTT", ""}, {"3M Deutschland GmbH", ""}, {"IT-компания Ромашка", ""},
		// Short, or none.
		{"X", "length=short"}, {"Jo", "length=short"}, {"王", "length=short"}, {"---", "length=no-letters present=absent"}, {"12345", "content=digits length=no-letters"},
		{strings.Repeat("Anna ", 60), "length=long"},
		// Placeholders of many languages.
		{"N/A", "placeholder=none"}, {"none", "placeholder=none"}, {"Keine", "placeholder=none"}, {"нет", "placeholder=none"}, {"無し", "placeholder=none"},
		{"لا يوجد", "placeholder=none"}, {"없음", "placeholder=none"}, {"Không có", "placeholder=none"}, {"Test", "placeholder=test"},
		{"TEST USER", "placeholder=test"}, {"测试", "placeholder=test"}, {"тест тест", "placeholder=test"}, {"テスト", "placeholder=test"},
		{"Firstname Lastname", "placeholder=form"}, {"Vorname Nachname", "placeholder=form"}, {"Имя Фамилия", "placeholder=form"},
		{"Domain Administrator", "placeholder=role"}, {"Hostmaster", "placeholder=role"}, {"Max Mustermann", "placeholder=example"},
		{"张三", "placeholder=example"}, {"test123 test", ""}, {"Test 123", "content=digits placeholder=test"},
		// Typed at random.
		{"asdfgh", "generated=keyboard"}, {"qwertz", "generated=keyboard"}, {"Фыва Пролд", "generated=keyboard"}, {"йцукен", "generated=keyboard"},
		{"asdasd dasdas", "generated=keyboard"}, {"aaaa bbbb", "generated=repeated"}, {"Xxx Yyy", "generated=repeated"},
		{"Xkcqzv Wqjtrp", "generated=no-vowel"}, {"Oqxkuz Vuqjix", "generated=unlikely"}, {"ㅁㄴㅇㄹ", "generated=keyboard"}, {"김ㄹㅇ", "generated=fragments"},
		{"Ewert", ""}, {"Trewin", ""}, {"Wertheimer", ""},
		// Two alphabets in a word.
		{"Pаul Hartley", "mixed-script=mixed"}, {"Αnna Hartley", "mixed-script=mixed"}, {"Анна Hartley", ""},
		// What belongs elsewhere.
		{"harry@mail.example", "content=mail-address"}, {"https://shop.example/", "content=web-address"}, {"Harry 7 Elm Street", "content=postal"},
		{"Harry Hartley 42", "content=digits"}, {"王伟 中山路12号", "content=postal"},
	} {
		got := warnings(identify(t, registration.Contact{Name: c.name}))
		if c.name == "test123 test" {
			if got == "" {
				t.Errorf("%q says nothing", c.name)
			}
			continue
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestOrganisationNames(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"Private Bank AG", ""}, {"Privacy International", ""}, {"Proxy Networks Inc.", ""}, {"Test & Measurement Systems Ltd", ""}, {"HP", ""}, {"3M", ""},
		{"AAA", ""}, {"IBM", ""}, {"1&1", ""}, {"XYZ Ltd", ""}, {"Zxqv Holdings", ""}, {"Example Books GmbH", ""},
		{"n/a", "organization.placeholder=none"}, {"Individual", "organization.placeholder=none"}, {"Company Name", "organization.placeholder=form"},
		{"asdfghj", "organization.generated=keyboard"}, {"Acme", "organization.placeholder=example"}, {".", "organization.length=no-letters present=absent"},
	} {
		if got := warnings(identify(t, registration.Contact{Organization: c.name})); got != c.want {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNoName(t *testing.T) {
	if v := identify(t, registration.Contact{Country: "DE"})["name.present"]; v.Result != Fail || v.Reason != "absent" || v.Detail == "" {
		t.Errorf("%+v", v)
	}
	if v := identify(t, registration.Contact{Organization: "Elm Books Ltd"})["name.present"]; v.Result != Pass {
		t.Errorf("an organisation is a name: %+v", v)
	}
	redacted := func(r *registration.Record) {
		r.Fields = map[string]registration.FieldState{"contacts.registrant.name": registration.Redacted, "contacts.registrant.organization": registration.Redacted}
	}
	for id, v := range identify(t, registration.Contact{Country: "DE"}, redacted) {
		if v.Result == Fail || v.Result == Warn {
			t.Errorf("%s of withheld data: %+v", id, v)
		}
	}
}

// A function is enough of an organisation and of other contacts.
func TestRoleNames(t *testing.T) {
	if got := warnings(identify(t, registration.Contact{Name: "Domain Administrator", Organization: "Elm Books Ltd"})); got != "" {
		t.Error(got)
	}
	vs, err := Examine(Subject{Record: registration.Record{State: registration.Registered, Contacts: map[string]registration.Contact{
		registration.Tech: {Name: "Hostmaster", Email: "hostmaster@elm.example"}}}, Roles: []string{registration.Tech}}, IdentityChecks())
	for _, v := range vs {
		if v.Result != Pass {
			t.Errorf("%+v", v)
		}
	}
	if err != nil || len(vs) == 0 {
		t.Error(err, vs)
	}
}

func TestProxies(t *testing.T) {
	for what, c := range map[string]struct {
		in       registration.Contact
		provider string // "" when none stands in
	}{
		"name":             {registration.Contact{Name: "Domains By Proxy, LLC"}, "Domains By Proxy"},
		"organisation":     {registration.Contact{Name: "Registrant", Organization: "Privacy service provided by Withheld for Privacy ehf"}, "Withheld for Privacy"},
		"customer number":  {registration.Contact{Name: "Contact Privacy Inc. Customer 0123456789"}, "Contact Privacy"},
		"mail domain":      {registration.Contact{Name: "A. Person", Email: "x@shop.example.whoisguard.com"}, "WhoisGuard"},
		"telephone":        {registration.Contact{Name: "A. Person", Phone: "+1.4806242599"}, "Domains By Proxy"},
		"two signs":        {registration.Contact{Organization: "Elm Whois Shield", Email: "shop.example@relay.example"}, "Elm Whois Shield"},
		"on behalf":        {registration.Contact{Organization: "Elm Privacy", Name: "On behalf of shop.example owner"}, "Elm Privacy"},
		"street and words": {registration.Contact{Name: "Privacy Customer", Street: []string{"Box 1", "96 Mowat Ave"}}, "Contact Privacy"},
		// Companies with such words.
		"bank":             {registration.Contact{Organization: "Private Bank", Email: "info@private-bank.example"}, ""},
		"bank of the name": {registration.Contact{Organization: "Private Bank", Email: "info@shop.example"}, ""},
		"privacy charity":  {registration.Contact{Organization: "Privacy International", Email: "info@privacyinternational.example"}, ""},
		"privacy lawyers":  {registration.Contact{Name: "Anna Hartley", Organization: "Privacy Counsel LLP", Email: "a.hartley@privacycounsel.example"}, ""},
		"proxy maker":      {registration.Contact{Organization: "Proxy Networks Inc.", Email: "sales@proxynetworks.example"}, ""},
		"whois company":    {registration.Contact{Organization: "Whois Tools Ltd"}, ""},
		"street alone":     {registration.Contact{Name: "Anna Hartley", Street: []string{"10 Corporate Drive"}}, ""},
		"person":           {registration.Contact{Name: "Anna Hartley", Email: "anna@mail.example"}, ""},
	} {
		vs := identify(t, c.in)
		v := vs["contact.proxy"]
		if c.provider == "" {
			if v.Result != Pass {
				t.Errorf("%s: %+v", what, v)
			}
			continue
		}
		if v.Result != Untestable || v.Reason != Proxy || !strings.HasPrefix(v.Evidence, c.provider+" (by ") {
			t.Errorf("%s: %+v", what, v)
		}
		// Whose the name is cannot be told then: nothing about it warns.
		for id, v := range vs {
			if (strings.HasPrefix(id, "name.") || strings.HasPrefix(id, "organization.")) && v.Result != Untestable {
				t.Errorf("%s: %s is %s", what, id, v.Result)
			}
		}
	}
	rec := registration.Record{Contacts: map[string]registration.Contact{registration.Tech: {Name: "Domains By Proxy, LLC", Phone: "+1.4806242599"}}}
	if p, ok := FindProxy(rec, registration.Tech, nil); !ok || p.Name != "Domains By Proxy" || !slices.Equal(p.Signals, []string{"name", "telephone"}) {
		t.Errorf("%+v %t", p, ok)
	}
	if p, ok := FindProxy(rec, registration.Registrant, nil); ok {
		t.Errorf("a contact that is not there: %+v", p)
	}
	// The record's own word comes first.
	v := identify(t, registration.Contact{Email: "q1w2e3r4t5@contactprivacy.example"}, func(r *registration.Record) {
		r.Fields = map[string]registration.FieldState{"contacts.registrant.name": registration.Proxy}
	})["contact.proxy"]
	if v.Result != Untestable || v.Reason != Proxy {
		t.Errorf("%+v", v)
	}
}

func TestMailKinds(t *testing.T) {
	person := registration.Contact{Name: "Anna Hartley"}
	for mail, want := range map[string]string{
		"anna@mail.example":             "",
		"anna@mailinator.com":           "email.disposable=disposable",
		"anna@mx.b.mailinator.com":      "email.disposable=disposable",
		"anna@notmailinator.com":        "",
		"noreply@mail.example":          "email.role=no-reply",
		"No-Reply@mail.example":         "email.role=no-reply",
		"do_not_reply+shop@mail.exampl": "email.role=no-reply",
		"hostmaster@mail.example":       "email.role=role",
		"anna@shop.example":             "email.own-domain=own-domain",
		"anna@mx.shop.example":          "email.own-domain=own-domain",
		"anna@bookshop.example":         "",
		"not an address":                "",
	} {
		c := person
		c.Email = mail
		if got := warnings(identify(t, c)); got != want {
			t.Errorf("%s: %q, want %q", mail, got, want)
		}
	}
	person.Email, person.Organization = "info@mail.example", "Elm Books Ltd"
	if got := warnings(identify(t, person)); got != "" {
		t.Errorf("a company's desk: %s", got)
	}
}

func TestConsistency(t *testing.T) {
	for what, c := range map[string]struct {
		in   registration.Contact
		want string
	}{
		"all of one country":   {registration.Contact{Name: "Anna Hartley", Country: "DE", Phone: "+49.3012345678", Email: "anna@mail.de"}, ""},
		"moved, kept all":      {registration.Contact{Name: "Anna Hartley", Country: "US", Phone: "+49.3012345678", Email: "anna@mail.de"}, "consistency.country=others-agree"},
		"only mail elsewhere":  {registration.Contact{Name: "Anna Hartley", Country: "CH", Phone: "+41.442345678", Email: "anna@mail.de"}, ""},
		"three countries":      {registration.Contact{Name: "Anna Hartley", Country: "AT", Phone: "+41.442345678", Email: "anna@mail.de"}, ""},
		"a TLD for everybody":  {registration.Contact{Name: "Anna Hartley", Country: "US", Phone: "+354.5512345", Email: "anna@mail.io"}, ""},
		"name is organisation": {registration.Contact{Name: "ELM BOOKS LTD.", Organization: "Elm Books Ltd"}, ""},
		"all fields one value": {registration.Contact{Name: "Borka", Organization: "Borka", City: "Borka", Street: []string{"borka"}}, "consistency.repeated=repeated"},
	} {
		if got := warnings(identify(t, c.in)); got != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

func TestContactsCompared(t *testing.T) {
	anna := registration.Contact{Handle: "AH-1", Name: "Anna Hartley", Email: "anna@mail.example", Phone: "+49.3012345678", Country: "DE"}
	for what, c := range map[string]struct {
		change func(*registration.Contact)
		want   Result
		reason string
	}{
		"the same":            {func(*registration.Contact) {}, Pass, ""},
		"written otherwise":   {func(c *registration.Contact) { c.Name, c.Phone = "ANNA HARTLEY", "+49 30 12345678" }, Pass, ""},
		"handle, other name":  {func(c *registration.Contact) { c.Name = "Bertha Quimby" }, Warn, "handle-differs"},
		"person, other place": {func(c *registration.Contact) { c.Handle, c.Country = "AH-2", "FR" }, Warn, "person-differs"},
		"another person":      {func(c *registration.Contact) { *c = registration.Contact{Handle: "BQ-1", Name: "Bertha Quimby"} }, "", ""},
	} {
		other := anna
		c.change(&other)
		v := identify(t, anna, func(r *registration.Record) { r.Contacts[registration.Admin] = other })["consistency.contacts"]
		if v.Result != c.want || v.Reason != c.reason {
			t.Errorf("%s: %+v", what, v)
		}
	}
}

func TestNumbersInText(t *testing.T) {
	for text, want := range map[string]string{
		"Elm Books GmbH, USt-IdNr. DE136695976":     "pass",
		"Elm Books GmbH VAT: DE136695977":           "ask-register",
		"示例公司 91110000600037341L":                   "pass",
		"示例公司 91350100M0001TGQXM":                   "ask-register",
		"示例公司 统一社会信用代码：91110000600037341M":          "ask-register",
		"Anna 11010519491231002X":                   "personal",
		"LEI 213800KUD8LAJWSQ9D15":                  "pass",
		"LEI 213800KUD8LXJWSQ9D15":                  "ask-register",
		"Order 123456789012345678":                  "",
		"Elm Books Ltd":                             "",
		"VAT office of Elm":                         "",
		"D-U-N-S 123456789, VAT on request 9876543": "",
	} {
		v, ok := identify(t, registration.Contact{Organization: text})["identity.number"]
		got := v.Reason
		if ok && v.Result == Pass {
			got = "pass"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		for _, digits := range []string{"136695976", "9111", "9135", "1101", "2138"} {
			if strings.Contains(v.Evidence, digits) {
				t.Errorf("%q: the evidence holds the number", text)
			}
		}
	}
	for _, c := range []struct {
		kind  ids.Kind
		value string
		want  Result
		why   string
	}{
		{ids.SocialCredit, "91350211M0000XUF46", Warn, "ask-register"}, {ids.SocialCredit, "91110000600037341L", Pass, ""},
		{ids.ResidentID, "110105194913310021", Fail, "date"}, {ids.VAT, "XX1", Fail, "form"}, {"passport", "C01", Untestable, "unknown-kind"},
	} {
		v := CheckNumber(c.kind, c.value, "contacts.registrant.number", lookedAt)
		if v.Result != c.want || v.Reason != c.why || v.Level != V1 || v.Reason != "" && v.Detail == "" || strings.Contains(fmt.Sprint(v), c.value) && len(c.value) > 4 {
			t.Errorf("%s %s: %+v", c.kind, c.value, v)
		}
	}
}

func TestLists(t *testing.T) {
	if n := ShippedDisposable().Len(); n < 50 {
		t.Errorf("%d disposable domains ship", n)
	}
	if n := ShippedProxies().Len(); n < 60 {
		t.Errorf("%d lines on proxies ship", n)
	}
	l, err := ReadDomains(strings.NewReader("\ufeff# comment\n// another\nThrow.Example\r\n\nmünchen.example\tours\t2026-01-01\n"))
	if err != nil || l.Len() != 2 || !l.Has("a.b.throw.example") || !l.Has("xn--mnchen-3ya.example") || l.Has("example") || l.Has("row.example") {
		t.Errorf("%v %v", l, err)
	}
	for in, want := range map[string]string{
		"ok.example\nno domain\n": "line 2",
		"com\n":                   "line 1",
		"\n\n" + strings.Repeat("a", maxListLine+1) + "\n": "line 3",
	} {
		if _, err := ReadDomains(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", in, err, want)
		}
	}
	if _, err := ReadDomains(strings.NewReader(strings.Repeat("a.example\n", MaxListBytes/10+2))); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("a list too long: %v", err)
	}
	good := "name\tElm Privacy\tElm\tours\tgeneral knowledge\t2026-11-26\n"
	if p, err := ReadProxies(strings.NewReader(good + "mail\telm.example\tElm\tprimary\tits page\t2026-11-26\n")); err != nil || p.Len() != 2 {
		t.Error(err)
	}
	for in, want := range map[string]string{
		good + "name\tElm\n": "line 2",
		"name\tElm Privacy\tElm\thearsay\tx\t2026-11-26\n":     "basis",
		"name\tElm Privacy\tElm\tours\tx\tyesterday\n":         "date",
		"name\tElm\tElm\tours\tx\t2026-11-26\n":                "value",
		"start\tElm\tElm\tours\tx\t2026-11-26\n":               "value",
		"mail\tnot a domain\tElm\tours\tx\t2026-11-26\n":       "value",
		"phone\t123\tElm\tours\tx\t2026-11-26\n":               "value",
		"fax\t+49.301234567\tElm\tours\tx\t2026-11-26\n":       "kind",
		"phone\t+49.301234567\t\tours\tx\t2026-11-26\n":        "provider",
		"name\tElm Privacy\tElm\tours\tx\t2026-11-26\textra\n": "columns",
	} {
		if _, err := ReadProxies(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
	// An operator's list takes the place of the shipped one.
	vs, err := Examine(Subject{Record: registration.Record{State: registration.Registered, Contacts: map[string]registration.Contact{
		registration.Registrant: {Name: "Anna Hartley", Email: "a@x.throw.example"}}}}, IdentityChecksWith(Lists{Disposable: l}))
	if err != nil || !slices.ContainsFunc(vs, func(v Verdict) bool { return v.Reason == "disposable" && v.Evidence == "throw.example" }) {
		t.Errorf("%v %v", vs, err)
	}
}

// TestPlaceholderFile reads each line: a kind without a reason would say
// nothing.
func TestPlaceholderFile(t *testing.T) {
	reasons := map[string]string{}
	for _, c := range IdentityChecks() {
		if c.ID == "name.placeholder" {
			reasons = c.Reasons
		}
	}
	seen := map[string]string{}
	for line := range strings.Lines(placeholderFile) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		kind, phrases, ok := strings.Cut(line, "\t")
		if _, known := reasons[kind]; !ok || !known && kind != "person" && kind != "word" && kind != "beside" {
			t.Errorf("a line of kind %q", kind)
		}
		for p := range strings.SplitSeq(phrases, "|") {
			k := readName(p).key
			if k == "" {
				t.Errorf("%s: %q has no letter", kind, p)
			}
			if was := seen[k]; was != "" && was != kind && kind != "word" && kind != "beside" {
				t.Errorf("%q is %s and %s", p, was, kind)
			}
			if kind != "word" && kind != "beside" {
				seen[k] = kind
			}
		}
	}
	if len(seen) < 300 {
		t.Errorf("%d phrases", len(seen))
	}
}

// TestIdentityReasons holds each reason a check may give against its table, over
// many contacts; and names only warn.
func TestIdentityReasons(t *testing.T) {
	byID := map[string]Check{}
	for _, c := range IdentityChecks() {
		if byID[c.ID].ID != "" {
			t.Errorf("%s is there twice", c.ID)
		}
		if c.About == "" || c.Source == "" || c.Level != V1 || c.run == nil {
			t.Errorf("%+v lacks something", c.ID)
		}
		byID[c.ID] = c
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"test", "asdf", "王伟", "Иван", "n/a", "c/o shop.example", "Whois Privacy", "11010519491231002X",
			"VAT DE136695977", "Anna", "\xff\xfe", "a\u202eb", strings.Repeat("ж", 3000)}))
		text := func(label string) string {
			return strings.Join(rapid.SliceOfN(word, 0, 3).Draw(t, label), " ")
		}
		c := registration.Contact{Name: text("name"), Organization: text("org"), Email: text("local") + "@" + text("domain"), Phone: text("phone"),
			City: text("city"), Country: text("country"), Street: []string{text("street")}, Handle: text("handle")}
		rec := registration.Record{State: registration.Registered, Domain: "shop.example",
			Contacts: map[string]registration.Contact{registration.Registrant: c, registration.Admin: {Name: c.Name, Email: c.Email, Country: "DE"}}}
		vs, err := Examine(Subject{Record: rec, Now: lookedAt}, IdentityChecks())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vs {
			check := byID[v.Check]
			if v.Reason != "" && check.Reasons[v.Reason] == "" && common[v.Reason] == "" {
				t.Fatalf("%s gives the reason %q, which it does not explain", v.Check, v.Reason)
			}
			if v.Result == Fail && v.Check != "name.present" {
				t.Fatalf("%s fails: only warnings here", v.Check)
			}
			for _, secret := range []string{c.Name, c.Phone, c.Handle} {
				if len(secret) > 6 && strings.Contains(v.Detail, secret) {
					t.Fatalf("the detail of %s holds the value", v.Check)
				}
			}
			if len(v.Evidence) > 300 {
				t.Fatalf("%s: %d octets of evidence", v.Check, len(v.Evidence))
			}
		}
	})
}

// TestIdentityDocumented holds the section of docs/accuracy.md against the
// checks.
func TestIdentityDocumented(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "docs", "accuracy.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, doc, ok := strings.Cut(string(raw), "## Checks of identity-like data\n")
	if !ok {
		t.Fatal("docs/accuracy.md has no section \"Checks of identity-like data\"")
	}
	doc, _, _ = strings.Cut(doc, "\n## ")
	var want []string
	for _, c := range IdentityChecks() {
		want = append(want, docRow(c))
	}
	var got []string
	for l := range strings.Lines(doc) {
		if strings.HasPrefix(l, "| `") {
			got = append(got, l)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the table is to be\n%s", strings.Join(want, ""))
	}
}

func FuzzIdentity(f *testing.F) {
	f.Add("Anna Hartley", "Elm Books Ltd", "anna@mail.example", "+49.3012345678", "Elm Street 1")
	f.Add("ㅁㄴㅇㄹ\xff", "\u202eабв VAT DE1", "@", "+", "c/o shop.example")
	f.Add("Contact Privacy Inc. Customer 1", "", "q1w2e3r4t5y6@relay.example", "", "96 Mowat Ave")
	f.Fuzz(func(t *testing.T, name, org, mail, phone, street string) {
		rec := registration.Record{State: registration.Registered, Domain: "shop.example", Contacts: map[string]registration.Contact{
			registration.Registrant: {Name: name, Organization: org, Email: mail, Phone: phone, Street: []string{street}, Country: "DE"}}}
		vs, err := Examine(Subject{Record: rec, Now: lookedAt}, IdentityChecks())
		if err != nil || len(vs) == 0 {
			t.Fatal(vs, err)
		}
	})
}

func FuzzReadLists(f *testing.F) {
	f.Add([]byte("throw.example\n# x\n"))
	f.Add([]byte("name\tElm Privacy\tElm\tours\tx\t2026-11-26\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if l, err := ReadDomains(strings.NewReader(string(raw))); err == nil {
			l.Has("a.throw.example")
		}
		if l, err := ReadProxies(strings.NewReader(string(raw))); err == nil {
			l.mailProvider("a.elm.example")
		}
	})
}

// A megabyte in every field, and a thousand contacts, are no trouble.
func TestLargeFields(t *testing.T) {
	for _, s := range []string{strings.Repeat("a", 1<<20), strings.Repeat("\u202e", 1<<18), strings.Repeat("ж ", 1<<18), strings.Repeat("asd", 1<<18),
		strings.Repeat("\xed\xa0\x80", 1<<18), strings.Repeat("9", 1<<20), strings.Repeat("@", 1<<20), strings.Repeat("c/o ", 1<<18)} {
		c := registration.Contact{Name: s, Organization: s, Email: s, Phone: s, City: s, Handle: s, Street: []string{s, s}, Country: s}
		start := time.Now()
		identify(t, c)
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%.6q… took %s", s, d)
		}
	}
	contacts := map[string]registration.Contact{}
	for i := range 1000 {
		contacts[fmt.Sprint("role", i)] = registration.Contact{Name: "Anna"}
	}
	if _, err := Examine(Subject{Record: registration.Record{State: registration.Registered, Contacts: contacts}}, IdentityChecks()); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a thousand contacts: %v", err)
	}
}

// corpusDir is where the shared corpus lies when it is there.
const corpusDir = "../../shared/corpus/registration"

// TestIdentityOnCorpus counts what the checks say of real records, as recorded.
// Which of the warnings are right is not known.
func TestIdentityOnCorpus(t *testing.T) {
	if _, err := os.Stat(corpusDir); err != nil {
		t.Skip("the shared corpus is not here; the other tests stand without it")
	}
	counts, of := map[string]int{}, map[string]int{}
	examples := map[string][]string{}
	records := 0
	checks := IdentityChecks()
	byCountry, seen := map[string]*rate{}, map[string]bool{}
	err := filepath.WalkDir(corpusDir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		format := "whois"
		if strings.Contains(p, "/rdap/") {
			format = "rdap"
		} else if !strings.Contains(p, "/whois/") {
			return nil
		}
		raw, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rec, err := read.Record(format, raw, registration.Source{})
		if err != nil || rec.State != registration.Registered {
			return nil
		}
		records++
		vs, err := Examine(Subject{Record: rec, Now: lookedAt}, checks)
		if err != nil {
			return err
		}
		for _, role := range slices.Sorted(maps.Keys(rec.Contacts)) {
			// Each organisation once, with the country it gives.
			c := rec.Contacts[role]
			if c.Organization == "" || c.Country == "" || seen[c.Country+c.Organization] {
				continue
			}
			seen[c.Country+c.Organization] = true
			if byCountry[c.Country] == nil {
				byCountry[c.Country] = &rate{}
			}
			byCountry[c.Country].words++
			byCountry[c.Country].add(c.Organization, nameVerdicts(t, checks, registration.Contact{Organization: c.Organization}))
		}
		for _, v := range vs {
			of[v.Check]++
			if v.Result == Pass {
				continue
			}
			k := v.Check + " " + v.Reason
			counts[k]++
			if v.Result == Warn && len(examples[k]) < 12 {
				value, _ := json.Marshal(rec.Value(v.Path))
				examples[k] = append(examples[k], string(value)+" "+v.Evidence)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	t.Logf("%d records", records)
	few := &rate{}
	for c, r := range byCountry {
		if r.n < 10 {
			few.n, few.warned, few.words = few.n+r.n, few.warned+r.warned, few.words+r.words
			few.sample = append(few.sample, r.sample...)
			delete(byCountry, c)
		}
	}
	byCountry["countries with fewer than ten"] = few
	table(t, "Organisations of recorded registrations, by the country they give", byCountry)
	for c, r := range byCountry {
		for _, s := range r.sample {
			t.Logf("%s: %s", c, s)
		}
	}
	for _, k := range keys {
		id, _, _ := strings.Cut(k, " ")
		t.Logf("%s: %d of %d", k, counts[k], of[id])
		if os.Getenv("SHOW") != "" {
			for _, e := range examples[k] {
				t.Log("    ", e)
			}
		}
	}
	if records < 100 {
		t.Errorf("%d records were read", records)
	}
}
