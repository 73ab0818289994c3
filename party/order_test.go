package party

import (
	"slices"
	"strings"
	"testing"

	"bailiwick/name"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// ordered is a directory over the invented list, with some registrars and a
// registry configured.
const ordered = `
registries:
  - {tld: shop, name: Shop Registry, email: abuse@nic.shop}
registrars:
  - {iana_id: "10", name: Desk One, email: desk@configured.example}
  - {iana_id: "20", name: Unrelated A, email: a@configured.example}
  - {iana_id: "50", name: Lender, email: lender@configured.example, form: "https://lender.example/form", also: ["51", "13"]}
self: {name: Our CERT, email: soc@centre.example, domains: [centre.example]}
`

func listDirectory(t testing.TB, data string) *Directory {
	t.Helper()
	d := load(t, data)
	d.Contacts = contacts(t)
	out, err := New(d, name.DefaultSuffixes(), tlds)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestContactOrder(t *testing.T) {
	d := listDirectory(t, ordered)
	bounced, silent := Health{Bounced: true, At: day("2026-05-20")}, Health{Silent: TooSilent}
	for _, tc := range []struct {
		what, iana, rdap string
		health           map[string]Health
		email, form      string
		basis, passed    string
		why, desk        string
	}{
		{what: "today's answer first", iana: "10", rdap: "today@rdap.example", email: "today@rdap.example", form: "https://desk.example/abuse", basis: "rdap registrar entity", desk: "abuse@desk.example"},
		{what: "then its own entry", iana: "10", email: "desk@configured.example", form: "https://desk.example/abuse", basis: "rdap registrar entity; configuration", desk: "abuse@desk.example"},
		{what: "then the entry of its desk", iana: "11", email: "desk@configured.example", form: "https://desk.example/abuse", basis: "rdap registrar entity; configuration of the same desk, IANA ID 10", desk: "abuse@desk.example"},
		{what: "what the operator joins comes before what the list does", iana: "51", email: "lender@configured.example", form: "https://lender.example/form", basis: "rdap registrar entity; configuration of the same desk, IANA ID 50"},
		{what: "an entry is lent to no unrelated one", iana: "21", email: "supervise@office.example", basis: "rdap registrar entity; contact list of 2025-01-02", desk: "supervise@office.example"},
		{what: "then the list", iana: "30", email: "first@several.example", basis: "rdap registrar entity; contact list of 2025-01-02", desk: "first@several.example"},
		{what: "a bounce passes over, with the reason", iana: "30", rdap: "today@rdap.example", health: map[string]Health{"today@rdap.example": bounced, "first@several.example": bounced},
			email: "second@several.example", basis: "rdap registrar entity; contact list of 2025-01-02", desk: "first@several.example",
			passed: "today@rdap.example bounced on 2026-05-20; first@several.example bounced on 2026-05-20"},
		{what: "silence passes over where there is another", iana: "30", rdap: "Today@rdap.example", health: map[string]Health{"today@rdap.example": silent},
			email: "first@several.example", basis: "rdap registrar entity; contact list of 2025-01-02", desk: "first@several.example", passed: "Today@rdap.example left 3 asks in a row unanswered"},
		{what: "a little silence does not", iana: "30", rdap: "today@rdap.example", health: map[string]Health{"today@rdap.example": {Silent: TooSilent - 1}},
			email: "today@rdap.example", basis: "rdap registrar entity", desk: "first@several.example"},
		{what: "all are silent: the first of them", iana: "30", rdap: "today@rdap.example", health: map[string]Health{"today@rdap.example": silent, "first@several.example": silent, "second@several.example": bounced},
			email: "today@rdap.example", basis: "rdap registrar entity", desk: "first@several.example",
			passed: "today@rdap.example left 3 asks in a row unanswered; first@several.example left 3 asks in a row unanswered; second@several.example bounced on 2026-05-20; there is no better mail address"},
		{what: "no form in the place of a mailbox that takes mail", iana: "42", rdap: "today@rdap.example", health: map[string]Health{"today@rdap.example": silent},
			email: "today@rdap.example", form: "http://forty-two.example/form", basis: "rdap registrar entity", passed: "today@rdap.example left 3 asks in a row unanswered; there is no better mail address", desk: "http://forty-two.example/form"},
		{what: "a form where mail bounces", iana: "42", rdap: "today@rdap.example", health: map[string]Health{"today@rdap.example": bounced},
			form: "http://forty-two.example/form", basis: "rdap registrar entity; contact list", why: "today@rdap.example bounced on 2026-05-20; only a web form is left", desk: "http://forty-two.example/form"},
		{what: "at last what others of the desk give", iana: "12", health: map[string]Health{"desk@configured.example": bounced}, email: "abuse@desk.example", form: "https://desk.example/abuse",
			basis: "rdap registrar entity; contact list of 2025-01-02, others of the same desk", passed: "desk@configured.example bounced on 2026-05-20", desk: "abuse@desk.example"},
		{what: "a form alone", iana: "12", health: map[string]Health{"desk@configured.example": bounced, "abuse@desk.example": bounced}, form: "https://desk.example/abuse", basis: "rdap registrar entity; contact list of 2025-01-02",
			why: "desk@configured.example bounced on 2026-05-20; abuse@desk.example bounced on 2026-05-20; only a web form is left", desk: "abuse@desk.example"},
		{what: "what is set aside is not used", iana: "41", why: "the registration answer gives no abuse address of the registrar", basis: "rdap registrar entity"},
		{what: "not ours, though today's answer says so", iana: "30", rdap: "soc@centre.example", email: "first@several.example", basis: "rdap registrar entity; contact list of 2025-01-02", desk: "first@several.example",
			passed: "the address in rdap registrar entity is the centre's own"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			q := phishing(subject(t, d, "bad.shop"))
			q.Record, q.Health = record("bad.shop", "Reg", tc.iana, tc.rdap), tc.health
			p := byRole(d.Who(q), Registrar)[0]
			want := Party{ID: "registrar:" + tc.iana, Role: Registrar, Name: "Reg", Email: tc.email, Form: tc.form, Basis: tc.basis, Reachable: tc.email+tc.form != "", Why: tc.why, Passed: tc.passed, Desk: tc.desk}
			if diff := cmp.Diff(want, p); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if p.FormOnly() != (tc.email == "" && tc.form != "") {
				t.Errorf("form only: %t", p.FormOnly())
			}
		})
	}
}

func TestRegistryOrder(t *testing.T) {
	d := listDirectory(t, ordered)
	bounced := Health{Bounced: true, At: day("2026-05-20")}
	for _, tc := range []struct {
		what, domain string
		health       map[string]Health
		want         Party
	}{
		{"configured first", "bad.shop", nil, Party{ID: "registry:shop", Name: "Shop Registry", Email: "abuse@nic.shop", Form: "https://listed-shop.example/form", Basis: "configuration", Reachable: true, Desk: "abuse@listed-shop.example"}},
		{"then the list", "bad.shop", map[string]Health{"abuse@nic.shop": bounced}, Party{ID: "registry:shop", Name: "Shop Registry", Email: "abuse@listed-shop.example", Form: "https://listed-shop.example/form",
			Basis: "configuration; contact list of 2025-01-04", Reachable: true, Passed: "abuse@nic.shop bounced on 2026-05-20", Desk: "abuse@listed-shop.example"}},
		{"the list alone", "bad.dev", nil, Party{ID: "registry:dev", Name: "Dev as listed", Email: "abuse@desk.example", Basis: "contact list of 2025-01-04", Reachable: true, Desk: "registry abuse@desk.example"}},
		{"listed without a contact", "bad.none", nil, Party{ID: "registry:none", Name: "Operator of none", Basis: "contact list", Why: "no contact of the registry is configured, and the contact list has none"}},
		{"not listed", "bad.com", nil, Party{ID: "registry:com", Name: "registry of com", Basis: "TLD com", Why: "no contact of the registry is configured"}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			q := phishing(subject(t, d, tc.domain))
			q.Health = tc.health
			tc.want.Role = Registry
			if diff := cmp.Diff([]Party{tc.want}, byRole(d.Who(q), Registry)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// One desk is counted as one, whatever of its accreditations is asked; a
// mailbox that unrelated parties share joins their mail only.
func TestDesk(t *testing.T) {
	d := listDirectory(t, ordered)
	for _, tc := range []struct {
		id, addr   string
		addrs, ids []string
	}{
		{"registrar:11", "ABUSE@desk.example", []string{"abuse@desk.example"}, []string{"registrar:10", "registrar:11", "registrar:12"}},
		{"registrar:11", "other@rdap.example", []string{"abuse@desk.example", "other@rdap.example"}, []string{"registrar:10", "registrar:11", "registrar:12"}},
		{"registrar:12", "", []string{"abuse@desk.example"}, []string{"registrar:10", "registrar:11", "registrar:12"}},
		{"registrar:20", "supervise@office.example", []string{"supervise@office.example"}, []string{"registrar:20"}},
		{"registrar:20", "own@rdap.example", []string{"own@rdap.example"}, []string{"registrar:20"}},
		{"host:H", "abuse@desk.example", []string{"abuse@desk.example"}, []string{"host:H", "registrar:10", "registrar:11", "registrar:12"}},
		{"host:H", "noc@host.example", []string{"noc@host.example"}, []string{"host:H"}},
	} {
		addrs, ids := d.Desk(tc.id, tc.addr)
		if !slices.Equal(addrs, tc.addrs) || !slices.Equal(ids, tc.ids) {
			t.Errorf("%s %s: %v %v", tc.id, tc.addr, addrs, ids)
		}
	}
}

func TestSources(t *testing.T) {
	d := listDirectory(t, ordered+`
platforms: [{suffix: pages.example.com, name: Pages, email: abuse@pages.example}]
certs: [{name: CERT Aland, email: cert@cert.example.org, country: AX}]
compliance: {form: "https://compliance.example/complaint"}
`)
	for id, want := range map[string][]Source{
		"registrar:10":               {{"configuration", "Desk One", "desk@configured.example", ""}, {"contact list of 2025-01-02", "Desk One", "abuse@desk.example", "https://desk.example/abuse"}},
		"registrar:11":               {{"configuration of the same desk, IANA ID 10", "Desk One", "desk@configured.example", ""}, {"contact list of 2025-01-02", "Desk Two LLC", "Abuse@desk.example", ""}},
		"registrar:30":               {{"contact list of 2025-01-02", "Several", "first@several.example", ""}, {"contact list of 2025-01-02", "Several", "second@several.example", ""}},
		"registry:shop":              {{"configuration", "Shop Registry", "abuse@nic.shop", ""}, {"contact list of 2025-01-04", "Shop Operator", "abuse@listed-shop.example", "https://listed-shop.example/form"}},
		"platform:pages.example.com": {{"configuration", "Pages", "abuse@pages.example", ""}},
		"cert:cert-aland":            {{"configuration", "CERT Aland", "cert@cert.example.org", ""}},
		"compliance:icann":           {{"configuration", "", "", "https://compliance.example/complaint"}},
		"registrar:41":               nil, "host:H": nil, "": nil,
	} {
		if diff := cmp.Diff(want, d.Sources(id)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", id, diff)
		}
	}
}

const armored = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEexample\n-----END PGP PUBLIC KEY BLOCK-----\n"

func TestKeys(t *testing.T) {
	d := listDirectory(t, ordered)
	data := d.data
	data.Keys = []KnownKey{{"TODAY@rdap.example", armored}}
	data.Registries[0].PGP = armored
	d, err := New(data, name.DefaultSuffixes(), tlds)
	if err != nil {
		t.Fatal(err)
	}
	q := phishing(subject(t, d, "bad.shop"))
	q.Record = record("bad.shop", "Reg", "30", "today@rdap.example")
	for _, p := range d.Who(q) {
		want := ""
		if p.Role == Registrar || p.Role == Registry {
			want = armored
		}
		if p.PGPKey != want {
			t.Errorf("%s has the key %q", p.ID, p.PGPKey)
		}
	}
	if d.PGPKey("Abuse@NIC.shop") != armored || d.PGPKey("first@several.example") != "" {
		t.Error("a key is not found by its address")
	}
	for _, tc := range []struct{ what, key, path string }{
		{"no key", "", "keys[0].pgp"},
		{"a private key", strings.ReplaceAll(armored, "PUBLIC", "PRIVATE"), "keys[0].pgp"},
		{"half a key", armored[:60], "keys[0].pgp"},
		{"a huge key", armored[:40] + strings.Repeat("x", maxKey) + armored[40:], "keys[0].pgp"},
	} {
		data.Keys = []KnownKey{{"a@b.example", tc.key}}
		if err := data.Validate(); err == nil || !strings.Contains(err.Error(), tc.path) {
			t.Errorf("%s: %v", tc.what, err)
		}
	}
	data.Keys = nil
	data.Registrars = []KnownRegistrar{{IANAID: "1", Name: "R", PGP: armored, Also: []string{"x"}}}
	if err := data.Validate(); err == nil || !strings.Contains(err.Error(), "registrars[0].pgp") || !strings.Contains(err.Error(), "registrars[0].also[0]") {
		t.Errorf("a key for no address: %v", err)
	}
}

// Whatever Who chooses was asked about before: its health is known.
func TestAddresses(t *testing.T) {
	d := directory(t, world)
	rapid.Check(t, func(t *rapid.T) {
		q := genQuery(t, d)
		addrs := d.Addresses(q)
		if !slices.IsSorted(addrs) {
			t.Fatalf("%v", addrs)
		}
		q.Health = map[string]Health{}
		for range 4 { // one after the other bounces
			for _, p := range d.Who(q) {
				if p.Email == "" {
					continue
				}
				if !slices.Contains(addrs, lower(p.Email)) {
					t.Fatalf("%s is not among %v", p.Email, addrs)
				}
				q.Health[lower(p.Email)] = Health{Bounced: true, At: day("2026-01-02")}
			}
		}
	})
}
