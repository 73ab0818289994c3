package rdap

import (
	"strings"
	"testing"

	"bailiwick/registration"
)

func TestAutnum(t *testing.T) {
	const who = `,"entities":[{"objectClassName":"entity","roles":["registrant"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Hosting Example"]]],
"entities":[{"objectClassName":"entity","roles":["abuse"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Abuse"],["email",{},"text","abuse@hoster.example"]]]}]}]`
	for _, x := range []struct {
		name, body string
		status     int
		want       registration.Autnum
		findings   string
	}{
		{"whole", `{"objectClassName":"autnum","handle":"AS64496","startAutnum":64496,"endAutnum":64511,"name":"EXAMPLE","country":"NL","rdapConformance":["rdap_level_0"]` + who + `}`, 200,
			registration.Autnum{State: "registered", Handle: "AS64496", Name: "EXAMPLE", Start: 64496, End: 64511, Country: "NL", Holder: "Hosting Example", AbuseEmail: "abuse@hoster.example"}, ""},
		{"texts, no class, one number", `{"startAutnum":"AS64496"` + who + `}`, 200,
			registration.Autnum{State: "registered", Start: 64496, End: 64496, Holder: "Hosting Example", AbuseEmail: "abuse@hoster.example"}, "rdap.class"},
		{"backwards", `{"objectClassName":"autnum","startAutnum":7,"endAutnum":5,"country":"EU"` + who + `}`, 200,
			registration.Autnum{State: "registered", Start: 7, End: 5, Country: "EU", Holder: "Hosting Example", AbuseEmail: "abuse@hoster.example"}, "rdap.range"},
		{"no number", `{"objectClassName":"autnum","startAutnum":-1,"endAutnum":4294967296}`, 200, registration.Autnum{State: "unknown"}, "rdap.autnum rdap.autnum rdap.no-abuse-contact rdap.no-content"},
		{"another class", `{"objectClassName":"ip network","handle":"X"}`, 200, registration.Autnum{State: "unknown"}, "rdap.class"},
		{"an object of nothing", `{"handle":"X"}`, 200, registration.Autnum{State: "unknown"}, "rdap.class"},
		{"unknown", `{"errorCode":404}`, 404, registration.Autnum{State: "available"}, ""},
		{"too often", `{"errorCode":429}`, 429, registration.Autnum{State: "throttled"}, ""},
		{"a page", `<html>`, 200, registration.Autnum{State: "error"}, "rdap.html"},
	} {
		got, err := Answer{Status: x.status, Body: []byte(x.body)}.Autnum(registration.Source{Server: "s"})
		if (err != nil) != (x.want.State == "error") || got.Source.Server != "s" || !strings.HasPrefix(strings.Join(ids(got.Findings), " "), x.findings) {
			t.Errorf("%s: %+v, %v", x.name, got, err)
		}
		got.Findings, got.Source = nil, registration.Source{}
		if got.State != x.want.State || got.Handle != x.want.Handle || got.Name != x.want.Name || got.Start != x.want.Start || got.End != x.want.End ||
			got.Country != x.want.Country || got.Holder != x.want.Holder || got.AbuseEmail != x.want.AbuseEmail {
			t.Errorf("%s: %+v, not %+v", x.name, got, x.want)
		}
	}
}

func TestEntity(t *testing.T) {
	got, err := Answer{Status: 200, Body: []byte(`{"objectClassName":"entity","handle":"ABC1-EXAMPLE","roles":["registrant"],
"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Anna Example"],["org",{},"text","REDACTED FOR PRIVACY"],["email",{},"text","anna@shop.example"]]]}`)}.Entity(registration.Source{})
	if err != nil || got.State != registration.Registered || got.Handle != "ABC1-EXAMPLE" || got.Contact.Name != "Anna Example" || got.Contact.Email != "anna@shop.example" ||
		got.Contact.Handle != "" || got.Contact.Organization != "" || got.Fields["organization"] != registration.Redacted {
		t.Errorf("%+v, %v", got, err)
	}
	for body, state := range map[string]registration.State{
		`{"objectClassName":"domain","handle":"X"}`: "unknown", `{"objectClassName":"entity"}`: "unknown", `{"objectClassName":"entity","handle":"X"}`: "registered",
		`{"vcardArray":["vcard",[["fn",{},"text","Anna Example"]]]}`: "registered", `[]`: "error",
	} {
		if got, _ := (Answer{Status: 200, Body: []byte(body)}).Entity(registration.Source{}); got.State != state {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

func FuzzNumber(f *testing.F) {
	f.Add([]byte(`{"objectClassName":"autnum","startAutnum":1,"endAutnum":"AS2","entities":[{"roles":["abuse"]}]}`))
	f.Add([]byte(`{"objectClassName":"entity","handle":"X","vcardArray":["vcard",[["fn",{},"text","A"]]]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := (Answer{Body: b}).Autnum(registration.Source{}); err == nil && a.State == registration.Failed {
			t.Fatalf("%+v", a)
		}
		if e, err := (Answer{Body: b}).Entity(registration.Source{}); err == nil && e.State == registration.Failed {
			t.Fatalf("%+v", e)
		}
	})
}
