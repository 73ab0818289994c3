package rdap

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bailiwick/registration"
)

func TestLookup(t *testing.T) {
	var tr tree
	if err := tr.parse([]byte(`{"handle":"A","a b":{"c":1},"entities":[
		{"roles":["registrar"],"handle":"R"},
		{"roles":["registrant","technical"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text",""],["tel",{"type":"voice"},"uri","tel:+1.5555550100"],["adr",{},"text",["","","1 Test Street","Testville"]]]]}]}`)); err != nil {
		t.Fatal(err)
	}
	const reg = "$.entities[?(@.roles[0]=='registrant')]"
	for path, want := range map[string]pathResult{
		"$": pathFound, "$.handle": pathFound, "$['handle']": pathFound, `$["a b"].c`: pathFound, "$.nothing": pathEmpty, "$.handle.x": pathEmpty, "$.entities[7]": pathEmpty,
		"$.entities[0].handle": pathFound, "$.entities[1].handle": pathEmpty, "$.entities[*].handle": pathFound, "$.*": pathFound, "$.handle[0]": pathEmpty, "$.handle.*": pathEmpty,
		reg: pathFound, reg + ".handle": pathEmpty, "$.entities[?@.roles[0]=='registrar'].handle": pathFound,
		"$.entities[?(@.roles[*]=='technical')]":                                pathEmpty, // two values are not one
		"$.entities[?(@.roles[1])]":                                             pathFound,
		"$.entities[?(@.roles[2])]":                                             pathEmpty,
		"$.entities[?(@.handle!='R')]":                                          pathFound,
		reg + ".vcardArray[1][?(@[0]=='fn')][3]":                                pathFound,
		reg + ".vcardArray[1][?(@[0]=='email')]":                                pathEmpty,
		reg + ".vcardArray[1][?(@[0]=='adr')][3][3]":                            pathFound,
		reg + ".vcardArray[1][?(@[0]=='adr')][3][5]":                            pathEmpty,
		reg + ".vcardArray[1][?(@[0]=='adr')][3][:3]":                           pathFound,
		reg + ".vcardArray[1][?(@[0]=='tel' && @[1].type=='fax')]":              pathEmpty,
		reg + ".vcardArray[1][?(@[0]=='tel' && @[1].type=='voice')]":            pathFound,
		reg + ".vcardArray[1][?(@[0]=='x' || @[0]=='tel')]":                     pathFound,
		reg + ".vcardArray[1][?(@[0]=='x' || @[0]=='tel' && @[1].type=='fax')]": pathEmpty,
		"": pathInvalid, "handle": pathInvalid, "$handle": pathInvalid, "$.": pathInvalid, "$.entities[": pathInvalid, "$.entities['": pathInvalid, "$.entities[?(@.roles[0]=='x'": pathInvalid, "$.handle ": pathInvalid,
		"$..handle": pathUnknown, "$.entities[-1]": pathUnknown, "$.entities[?length(@.roles)==1]": pathUnknown, "$.entities[0,1]": pathUnknown, "$.entities[?(@.a=='b\\'c')]": pathUnknown,
		"$" + strings.Repeat(".a", 40): pathUnknown, "$." + strings.Repeat("a", 600): pathUnknown,
	} {
		if got := tr.lookup(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// answer2024 is an answer in which everything that the profile of 2024 asks
// for is there; where says what to replace in it.
func answer2024(t testing.TB, replace ...string) registration.Record {
	t.Helper()
	reg, tech := "$.entities[?(@.roles[0]=='registrant')]", "$.entities[?(@.roles[0]=='technical')]"
	card := func(r, prop string) string { return r + ".vcardArray[1][?(@[0]=='" + prop + "')]" }
	var red []string
	add := func(typ, member, path, method string) {
		red = append(red, fmt.Sprintf(`{"name":{"type":"%s"},"%s":"%s","method":"%s"}`, typ, member, path, method))
	}
	add("Registry Domain ID", "prePath", "$.handle", "removal")
	add("Registry Registrant ID", "prePath", reg+".handle", "removal")
	add("Registrant Name", "postPath", card(reg, "fn")+"[3]", "emptyValue")
	add("Registrant Organization", "prePath", card(reg, "org"), "removal")
	add("Registrant Street", "postPath", card(reg, "adr")+"[3][:3]", "emptyValue")
	add("Registrant City", "postPath", card(reg, "adr")+"[3][3]", "emptyValue")
	add("Registrant Postal Code", "postPath", card(reg, "adr")+"[3][5]", "emptyValue")
	add("Registrant Phone", "prePath", card(reg, "tel"), "removal")
	add("Registrant Fax", "prePath", card(reg, "fax"), "removal")
	add("Registrant Email", "postPath", card(reg, "email"), "replacementValue")
	add("Tech Name", "postPath", card(tech, "fn")+"[3]", "emptyValue")
	add("Tech Phone", "prePath", card(tech, "tel"), "removal")
	add("Tech Email", "replacementPath", card(tech, "contact-uri"), "replacementValue")
	add("Registry Tech ID", "prePath", tech+".handle", "removal")
	body := `{"objectClassName":"domain","ldhName":"shop.example","rdapConformance":["rdap_level_0","redacted","icann_rdap_response_profile_1","icann_rdap_technical_implementation_guide_1"],
"status":["active"],"secureDNS":{"delegationSigned":false},
"events":[{"eventAction":"registration","eventDate":"2018-02-09T11:59:43Z"},{"eventAction":"expiration","eventDate":"2027-02-09T11:59:43Z"},{"eventAction":"last update of RDAP database","eventDate":"2026-11-26T00:00:00Z"}],
"nameservers":[{"objectClassName":"nameserver","ldhName":"ns1.example.net","handle":"1_HOST-EXMPL","status":["active","associated"]}],
"notices":[{"title":"Status Codes","description":["For more information on domain status codes, please visit https://icann.org/epp"],"links":[{"rel":"glossary","href":"https://icann.org/epp"}]},
 {"title":"RDDS Inaccuracy Complaint Form","description":["URL of the ICANN RDDS Inaccuracy Complaint Form: https://icann.org/wicf"],"links":[{"rel":"help","href":"https://icann.org/wicf"}]},
 {"title":"Terms","description":["Terms of use"],"links":[{"rel":"terms-of-service","href":"https://rdap.registry.example/terms"}]}],
"entities":[{"objectClassName":"entity","roles":["registrar"],"handle":"9995","publicIds":[{"type":"IANA Registrar ID","identifier":"9995"}],"links":[{"rel":"about","href":"https://rdap.registrar.example/"}],
  "vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Example Registrar, Inc."]]],
  "entities":[{"objectClassName":"entity","roles":["abuse"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Abuse"],["tel",{"type":"voice"},"uri","tel:+1.5555550199"],["email",{},"text","abuse@registrar.example"]]]}]},
 {"objectClassName":"entity","roles":["registrant"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text",""],["adr",{"cc":"DE"},"text",["","","","","","",""]],["email",{},"text","forward@proxy.example"]]]},
 {"objectClassName":"entity","roles":["technical"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text",""],["contact-uri",{},"uri","https://www.registrar.example/contact"]]]},
 {"objectClassName":"entity","roles":["administrative"],"handle":"ADM1-EXMPL","vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Alice Example"]]]}],
"redacted":[` + strings.Join(red, ",\n") + `]}`
	for i := 0; i+1 < len(replace); i += 2 {
		if strings.Count(body, replace[i]) == 0 {
			t.Fatalf("%q is not in the answer", replace[i])
		}
		body = strings.Replace(body, replace[i], replace[i+1], 1)
	}
	rec, err := Domain([]byte(body), registration.Source{Protocol: "rdap", Role: "registry"})
	if err != nil || rec.State != registration.Registered {
		t.Fatalf("%s, %v, %v", rec.State, err, rec.Findings)
	}
	return rec
}

// TestProfile2024 breaks one rule of the 2024 profile after the other: the
// whole answer breaks none, and each change exactly those that are named.
func TestProfile2024(t *testing.T) {
	rec := answer2024(t)
	if len(rec.Findings) > 0 {
		t.Fatalf("an answer in order has findings: %+v", rec.Findings)
	}
	for path, want := range map[string]registration.FieldState{
		"handle": registration.Redacted, "contacts.registrant.name": registration.Redacted, "contacts.registrant.organization": registration.Redacted, "contacts.registrant.email": registration.Redacted,
		"contacts.tech.phone": registration.Redacted, "contacts.registrant.country": registration.Present, "contacts.admin.name": registration.Present, "contacts.admin.phone": registration.Absent,
	} {
		if got := rec.FieldState(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if rec.Contacts[registration.Registrant].ContactURI != "mailto:forward@proxy.example" || rec.Contacts[registration.Tech].ContactURI != "https://www.registrar.example/contact" {
		t.Errorf("the ways to reach them are lost: %+v", rec.Contacts)
	}
	red := func(typ string) string { return `{"name":{"type":"` + typ + `"}` }
	const none = "Registrant Favourite"
	for _, tc := range []struct {
		what    string
		replace []string
		codes   []int
	}{
		{"-61000", []string{`,"icann_rdap_technical_implementation_guide_1"`, ""}, []int{-61000}},
		{"old strings", []string{`"redacted","icann`, `"redacted","icann_rdap_response_profile_0","icann_rdap_technical_implementation_guide_0","icann`}, []int{-62006, -61001}},
		{"-62001", []string{`"redacted",`, ""}, []int{-62001}},
		{"-62002", []string{`"redacted":[`, `"redacted":[7,`}, []int{-62002}},
		{"-62003 no name", []string{`"redacted":[`, `"redacted":[{"prePath":"$.handle"},`}, []int{-62003}},
		{"-62003 both", []string{`{"type":"Registrant Fax"}`, `{"type":"Registrant Fax","description":"x"}`}, []int{-62003}},
		{"-62004", []string{red("Registrant Fax"), red("Registrant Fax") + `,"pathLang":["jsonpath"]`}, []int{-62004}},
		{"-62005", []string{red("Registrant Fax"), red("Registrant Fax") + `,"reason":{"text":"x"}`}, []int{-62005}},
		{"-43100", []string{"last update of RDAP database", "last changed"}, []int{-43100}},
		{"-61200", []string{"terms-of-service", "about"}, []int{-61200}},
		{"-61201", []string{"https://rdap.registry.example/terms", "terms"}, []int{-61201}},
		{"-40100", []string{"Terms of use", "<script>"}, []int{-40100}},
		{"-20900", []string{`["tel",{"type":"voice"}`, `["tel",{}`}, []int{-20900}},
		{"-47201", []string{"1_HOST-EXMPL", "1"}, []int{-47201}},
		{"-47205", []string{"1_HOST-EXMPL", "1-ICANNRST"}, []int{-47205}},
		{"-47204", []string{`["active","associated"]`, `["active","server hold"]`}, []int{-47204}},
		{"-47600", []string{"ADM1-EXMPL", "ADM1"}, []int{-47600}},
		{"-62100", []string{`["","","","","","",""]`, `["","","","","","","Germany"]`}, []int{-62100}},
		{"-62101", []string{`{"cc":"DE"}`, `{}`}, []int{-62101}},
		{"-63100, -63106", []string{`"roles":["registrant"]`, `"roles":["registrant"],"handle":"7"`}, []int{-63100, -63106}},
		{"-63102", []string{"Registry Registrant ID", none}, []int{-63102}},
		{"-63103", []string{"$.entities[?(@.roles[0]=='registrant')].handle", "handle"}, []int{-63103}},
		{"-63104", []string{"$.entities[?(@.roles[0]=='registrant')].handle", "$.ldhName"}, []int{-63104}},
		{"-63105", []string{`].handle","method":"removal"`, `].handle","method":"emptyValue"`}, []int{-63105}},
		{"-63200", []string{`["fn",{},"text",""],["adr"`, `["adr"`}, []int{-63200}},
		{"-63201", []string{"Registrant Name", none}, []int{-63201}},
		{"-63202", []string{red("Registrant Name") + `,"postPath"`, red("Registrant Name") + `,"prePath"`}, []int{-63202}},
		{"-63203", []string{"[?(@[0]=='fn')][3]", "[?(@[0]=='fn')][9]"}, []int{-63203}},
		{"-63204", []string{"[?(@[0]=='fn')][3]\",\"method\":\"emptyValue\"", "[?(@[0]=='fn')][3]\",\"method\":\"removal\""}, []int{-63204}},
		{"-63300", []string{"Registrant Organization", none}, []int{-63300}},
		{"-63401", []string{"Registrant Street", none}, []int{-63401}},
		{"-63501", []string{"Registrant City", none}, []int{-63501}},
		{"-63601", []string{"Registrant Postal Code", none}, []int{-63601}},
		{"no address", []string{`["adr",{"cc":"DE"},"text",["","","","","","",""]],`, ""}, []int{-63400, -63500, -63600}},
		{"-63700", []string{"Registrant Phone", none}, []int{-63700}},
		{"a shown value asks for no redaction", []string{"Registrant City", none, `["","","","","","",""]`, `["","","","Testville","","",""]`}, nil},
		{"-64100", []string{`["email",{},"text","forward@proxy.example"]`, `["email",{},"text","forward@proxy.example"],["contact-uri",{},"uri","https://www.registrar.example/c"]`}, []int{-64100}},
		{"-64101", []string{`,["email",{},"text","forward@proxy.example"]`, ""}, []int{-64101}},
		{"-64102", []string{"[?(@[0]=='email')]\",\"method\":\"replacementValue\"", "[?(@[0]=='email')]\",\"method\":\"partialValue\""}, []int{-64102}},
		{"-64104", []string{"[?(@[0]=='email')]", "[?(@[0]=='mail')]"}, []int{-64104}},
		{"-65001", []string{"Tech Name", none}, []int{-65001}},
		{"-65100", []string{"Tech Phone", none}, []int{-65100}},
		{"-65207", []string{"[?(@[0]=='contact-uri')]", "[?(@[0]=='uri')]"}, []int{-65207}},
		{"-65702", []string{"Registry Tech ID", none}, []int{-65702}},
		{"-63205", []string{`"roles":["registrant"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text",""]`, `"roles":["registrant"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Jo Sample"]`}, []int{-63205}},
		{"-65005", []string{`"roles":["technical"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text",""]`, `"roles":["technical"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Te Sample"]`}, []int{-65005}},
		{"-65807, and what is missing then", []string{red("Registrant Phone"), `{"name":{"description":"Registrant Phone"}`}, []int{-65807, -63700}},
		{"-65800 and what it was for", []string{red("Registry Domain ID"), `{"name":{"description":"Registry Domain ID"}`}, []int{-65800, -46202}},
		{"words that are no registered name", []string{red("Registrant Fax"), `{"name":{"description":"Fax of the registrant"}`}, nil},
		{"another language of paths", []string{red("Registrant Name"), red("Registrant Name") + `,"pathLang":"xpath"`, "[?(@[0]=='fn')][3]", "//fn"}, nil},
		{"a path we do not evaluate", []string{"[?(@[0]=='fn')][3]", "..fn"}, nil},
	} {
		rec := answer2024(t, tc.replace...)
		var got []int
		for _, f := range rec.Findings {
			if f.ICANNCode != 0 {
				got = append(got, f.ICANNCode)
			}
		}
		slices.Sort(got)
		slices.Sort(tc.codes)
		if !slices.Equal(got, tc.codes) {
			t.Errorf("%s: %v, want %v: %+v", tc.what, got, tc.codes, rec.Findings)
		}
	}
}

// TestProfile2024Registrar: what only a registrar's server must show.
func TestProfile2024Registrar(t *testing.T) {
	raw := []byte(`{"objectClassName":"domain","ldhName":"shop.example","rdapConformance":["icann_rdap_response_profile_1"]}`)
	for role, want := range map[string]bool{"registrar": true, "registry": false, "": false} {
		rec, err := Domain(raw, registration.Source{Protocol: "rdap", Role: role})
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range []int{-63000, -65500} {
			if got := slices.ContainsFunc(rec.Findings, func(f registration.Finding) bool { return f.ICANNCode == code }); got != want {
				t.Errorf("%s: code %d %v", role, code, got)
			}
		}
	}
}

// TestRedactionPathRules: the paths of redactions are judged by RFC 9537 in every
// answer, also of contacts that are JSContact cards.
func TestRedactionPathRules(t *testing.T) {
	const entity = `{"objectClassName":"entity","roles":["registrant"],"jscard":{"@type":"Card","version":"1.0","name":{"full":"Jo Sample"},"organizations":{"o":{"name":""}}}}`
	at := "$.entities[?(@.roles[0]=='registrant')].jscard"
	for redaction, want := range map[string]int{
		`{"name":{"type":"Registrant Phone"},"prePath":"` + at + `.phones","method":"removal"}`:                                               0,
		`{"name":{"type":"Registrant Organization"},"postPath":"` + at + `.organizations.o.name","method":"emptyValue"}`:                      0,
		`{"name":{"type":"Registrant Organization"},"postPath":"` + at + `.organizations.x.name","method":"emptyValue"}`:                      1,
		`{"name":{"type":"Registrant Organization"},"prePath":"` + at + `.organizations.o.name","method":"emptyValue"}`:                       1,
		`{"name":{"type":"Registrant Organization"},"prePath":"$.a","postPath":"` + at + `.organizations.o.name","method":"emptyValue"}`:      1,
		`{"name":{"type":"Registrant Phone"},"prePath":"entities.phones","method":"removal"}`:                                                 1,
		`{"name":{"type":"Registrant Phone"},"prePath":"//phones","pathLang":"xpath","method":"removal"}`:                                     0,
		`{"name":{"type":"Registrant Email"},"prePath":"` + at + `.emails","replacementPath":"` + at + `.links","method":"replacementValue"}`: 1,
		`{"name":{"type":"Registrant Phone"},"prePath":["$.a"],"method":"removal"}`:                                                           0,
	} {
		body := `{"objectClassName":"domain","ldhName":"shop.example","rdapConformance":["rdap_level_0","redacted","jscard"],"entities":[` + entity + `],"redacted":[` + redaction + `]}`
		rec, err := Domain([]byte(body), registration.Source{Protocol: "rdap"})
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, f := range rec.Findings {
			if f.ID == "rdap.redacted-path" {
				got++
			}
		}
		if got != want {
			t.Errorf("%s: %d findings about its paths, want %d: %+v", redaction, got, want, rec.Findings)
		}
	}
}

// TestDescribed: each registered name of the profile that is written as words has
// the code of ICANN's tool, and the three that could not be confirmed have none.
func TestDescribed(t *testing.T) {
	want := map[string]int{
		"Registry Domain ID": -65800, "Registry Registrant ID": -65801, "Registrant Name": -65802, "Registrant Organization": -65803,
		"Registrant Street": -65804, "Registrant City": -65805, "Registrant Postal Code": -65806, "Registrant Phone": -65807,
		"Registrant Phone Ext": -65808, "Registrant Fax": -65809, "Registrant Fax Ext": -65810, "Registrant Email": -65811,
		"Registry Tech ID": -65812, "Tech Phone Ext": -65815, "Tech Name": 0, "Tech Phone": 0, "Tech Email": 0,
		"Admin Name": 1, // no redaction of the profile: no finding
	}
	for name, code := range want {
		body := `{"objectClassName":"domain","ldhName":"shop.example","rdapConformance":["rdap_level_0","redacted","icann_rdap_response_profile_1"],"redacted":[{"name":{"description":"` + name + `"},"method":"removal"}]}`
		rec, err := Domain([]byte(body), registration.Source{Protocol: "rdap"})
		if err != nil {
			t.Fatal(err)
		}
		got := 1
		for _, f := range rec.Findings {
			if f.ID == "gtld.redaction-described" {
				got = f.ICANNCode
			}
		}
		if got != code {
			t.Errorf("%s: the code is %d, want %d", name, got, code)
		}
	}
}
