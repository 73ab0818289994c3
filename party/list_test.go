package party

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"bailiwick/name"
	"bailiwick/problem"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write the golden files anew")

// listedRegistrars and listedRegistries are a small list with every kind of
// slip.
const listedRegistrars = `# a comment
iana_id,name,site,email,form,api,notes,as_of
10,Desk One,http://www.desk.example,abuse@desk.example,https://desk.example/abuse,"Yes, by post",Subject line needed,2025-01-02
11,Desk Two LLC,http://two.example,Abuse@desk.example,,,,2025-01-02
12,Desk Three LLC,,,https://desk.example/abuse,,,2025-01-02
13,Form Only,https://form.example,,https://form.example/report,,,2025-01-03
20,Unrelated A,a.example,supervise@office.example,,,,2025-01-02
21,Unrelated B,b.example,supervise@office.example,,,,2025-01-02
22,Web Mail,c.example,someone@qq.com,,,,2025-01-02
23,Web Mail Too,qq.com,someone@qq.com,,,,2025-01-02
30,Several,,"first@several.example
second@several.example",,,,2025-01-02
40,No Contact,,,,,Unable to locate,2025-01-02
41,Web In Mail,,https://forty-one.example/abuse,,,,2025-01-02
42,Sentence,,write to abuse@forty-two.example please,http://forty-two.example/form,,,not a date
43,Full Stop,,abuse@forty-three.example.,,,,2025-01-02
44,Two Ats,,abuse@x@forty-four.example,,,,2025-01-02
45,Address Literal,,abuse@192.0.2.1,,,,2025-01-02
46,Bad Forms,,abuse@forty-six.example,"(1) here: https://forty-six.example/a
javascript:alert(1)
https://192.0.2.1/x
https://localhost/x
https://user:pass@forty-six.example/
forty-six.example/abuse",,,2025-01-02
10,Desk One Again,,again@desk.example,,,,2025-01-02
9999,Registry itself,,nobody@x.example,,,,2025-01-02
x,No number,,nobody@x.example,,,,2025-01-02
`

const listedRegistries = `tld,operator,name,delegated,site,email,form,api,notes,as_of
.shop,Shop Operator,Shop as listed,yes,nic.shop,abuse@listed-shop.example,https://listed-shop.example/form,,,2025-01-04
dev,,Dev as listed,yes,nic.dev,abuse@desk.example,,,,2025-01-04
中国,,Idn,yes,,abuse@idn.example,,,,2025-01-04
gone,,Gone,no,,abuse@gone.example,,,,2025-01-04
a.b,,Two labels,yes,,abuse@ab.example,,,,2025-01-04
none,Operator of none,,yes,,,,,,
`

func contacts(t testing.TB) *Contacts {
	t.Helper()
	c, err := ReadContacts([]byte(listedRegistrars), []byte(listedRegistries), name.DefaultSuffixes())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestListed(t *testing.T) {
	c := contacts(t)
	for _, want := range []Listed{
		{ID: "registrar:10", Name: "Desk One", Emails: []string{"abuse@desk.example"}, Forms: []string{"https://desk.example/abuse"}, API: "Yes, by post", Note: "Subject line needed", AsOf: "2025-01-02", Group: "abuse@desk.example"},
		{ID: "registrar:12", Name: "Desk Three LLC", Forms: []string{"https://desk.example/abuse"}, AsOf: "2025-01-02", Group: "abuse@desk.example"},
		{ID: "registrar:30", Name: "Several", Emails: []string{"first@several.example", "second@several.example"}, AsOf: "2025-01-02", Group: "first@several.example"},
		{ID: "registrar:40", Name: "No Contact", Note: "Unable to locate", AsOf: "2025-01-02"},
		{ID: "registrar:41", Name: "Web In Mail", AsOf: "2025-01-02"},
		{ID: "registrar:42", Name: "Sentence", Forms: []string{"http://forty-two.example/form"}, Group: "http://forty-two.example/form"},
		{ID: "registrar:43", Name: "Full Stop", Emails: []string{"abuse@forty-three.example"}, AsOf: "2025-01-02", Group: "abuse@forty-three.example"},
		{ID: "registrar:46", Name: "Bad Forms", Emails: []string{"abuse@forty-six.example"}, AsOf: "2025-01-02", Group: "abuse@forty-six.example"},
		{ID: "registry:shop", Name: "Shop Operator", Emails: []string{"abuse@listed-shop.example"}, Forms: []string{"https://listed-shop.example/form"}, AsOf: "2025-01-04", Group: "abuse@listed-shop.example"},
		{ID: "registry:dev", Name: "Dev as listed", Emails: []string{"abuse@desk.example"}, AsOf: "2025-01-04", Group: "registry abuse@desk.example"},
		{ID: "registry:xn--fiqs8s", Name: "Idn", Emails: []string{"abuse@idn.example"}, AsOf: "2025-01-04", Group: "abuse@idn.example"},
	} {
		got, ok := c.Listed(want.ID)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Listed{})); !ok || diff != "" {
			t.Errorf("%s (-want +got)\n%s", want.ID, diff)
		}
	}
	for _, id := range []string{"registrar:9999", "registry:gone", "registry:a.b", "registrar:1", ""} {
		if l, ok := c.Listed(id); ok {
			t.Errorf("%s is listed: %+v", id, l)
		}
	}
}

// Whatever is no contact is kept, with the reason, and is not used.
func TestQuarantine(t *testing.T) {
	c := contacts(t)
	var got []string
	for _, q := range c.Quarantine {
		got = append(got, strings.Join([]string{q.Table, q.ID, q.Field, q.Value, q.Reason}, "|"))
	}
	want := []string{
		"registrars|registrar:40|||no contact is listed",
		"registrars|registrar:41|email|https://forty-one.example/abuse|a web address in the mail column",
		"registrars|registrar:42|email|write to abuse@forty-two.example please|not one mail address",
		"registrars|registrar:44|email|abuse@x@forty-four.example|not one mail address",
		"registrars|registrar:45|email|abuse@192.0.2.1|not one mail address",
		"registrars|registrar:46|form|(1) here: https://forty-six.example/a|not one web address",
		"registrars|registrar:46|form|javascript:alert(1)|not one web address",
		"registrars|registrar:46|form|https://192.0.2.1/x|not one web address",
		"registrars|registrar:46|form|https://localhost/x|not one web address",
		"registrars|registrar:46|form|https://user:pass@forty-six.example/|not one web address",
		"registrars|registrar:46|form|forty-six.example/abuse|not one web address",
		"registrars|registrar:10|key||listed twice",
		"registrars|9999|key|9999|the row names no registrar or TLD",
		"registrars|x|key|x|the row names no registrar or TLD",
		"registries|gone|key|gone|not a delegated TLD",
		"registries|a.b|key|a.b|the row names no registrar or TLD",
		"registries|registry:none|||no contact is listed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestGroups(t *testing.T) {
	c := contacts(t)
	var got []string
	for _, g := range c.Groups(2) {
		s := g.ID + " " + strings.Join(g.Members, ",")
		if g.Shared {
			s += " shared"
		}
		got = append(got, s+": "+g.Why)
	}
	want := []string{
		"abuse@desk.example registrar:10,registrar:11,registrar:12: a member's web site is at desk.example, as the contact is",
		"someone@qq.com registrar:22,registrar:23 shared: the mailbox is at the public mail provider qq.com",
		"supervise@office.example registrar:20,registrar:21 shared: nothing shows that the members are one organisation",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if g, ok := c.GroupOfMail("ABUSE@desk.example"); !ok || g.ID != "abuse@desk.example" {
		t.Errorf("%+v", g)
	}
	if _, ok := c.GroupOfMail("nobody@desk.example"); ok {
		t.Error("a mailbox that is not listed has a desk")
	}
}

func TestBadTables(t *testing.T) {
	for _, tc := range []struct {
		what, table string
		code        problem.Code
	}{
		{"nothing", "", problem.Invalid},
		{"rows of different length", "iana_id,name\n1,a,b\n", problem.Invalid},
		{"a quote that never ends", "iana_id,name\n1,\"a\n", problem.Invalid},
		{"too many rows", "iana_id,email\n" + strings.Repeat("1,\n", MaxListRows+1), problem.TooLarge},
		{"too long", strings.Repeat("#", MaxListBytes+1), problem.TooLarge},
	} {
		_, err := ReadContacts([]byte(tc.table), nil, name.DefaultSuffixes())
		if err == nil || !strings.Contains(err.Error(), "registrars") {
			t.Errorf("%s: %v", tc.what, err)
		}
	}
	c, err := ReadContacts(nil, nil, name.DefaultSuffixes())
	if err != nil || len(c.All()) != 0 {
		t.Errorf("no tables: %v", err)
	}
	var none *Contacts
	if _, ok := none.Listed("registrar:10"); ok || none.All() != nil || none.Groups(1) != nil {
		t.Error("no list has rows")
	}
}

// TestShippedSummary holds the counts of the shipped list: a change of them is
// to be seen.
func TestShippedSummary(t *testing.T) {
	c, err := ShippedContacts(name.DefaultSuffixes())
	if err != nil {
		t.Fatal(err)
	}
	got := c.Summary().String()
	const golden = "testdata/directory.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	rows := 0
	for _, s := range c.Sources {
		rows += s.Rows
	}
	consistent(t, c, rows)
}

// consistent holds a list to what is true of every list.
func consistent(t *testing.T, c *Contacts, rows int) {
	t.Helper()
	aside := map[string]bool{} // rows of which something is set aside
	whole := 0
	for _, q := range c.Quarantine {
		if q.Reason == "" || q.Table == "" {
			t.Fatalf("set aside for no reason: %+v", q)
		}
		aside[q.ID] = true
		if q.Field == "key" {
			whole++
		}
	}
	all := c.All()
	if len(all)+whole != rows {
		t.Fatalf("%d rows are kept, %d set aside as a whole, of %d", len(all), whole, rows)
	}
	for _, l := range all {
		for _, e := range l.Emails {
			if a, ok := Mailbox(e); !ok || a != e {
				t.Fatalf("%s: %q is no mail address", l.ID, e)
			}
		}
		for _, f := range l.Forms {
			if !strings.HasPrefix(f, "https://") && !strings.HasPrefix(f, "http://") {
				t.Fatalf("%s: %q is no web address", l.ID, f)
			}
		}
		if !l.Usable() && !aside[l.ID] {
			t.Fatalf("%s has no contact, and nothing says so", l.ID)
		}
		g, ok := c.Group(l.Group)
		if ok != l.Usable() || ok && !slices.Contains(g.Members, l.ID) {
			t.Fatalf("%s is in group %q: %+v", l.ID, l.Group, g)
		}
		for _, e := range l.Emails {
			if !slices.ContainsFunc(g.Emails, func(o string) bool { return sameMailbox(o, e) }) {
				t.Fatalf("%s: %s is not its desk's", l.ID, e)
			}
		}
	}
}

func FuzzReadContacts(f *testing.F) {
	f.Add([]byte(listedRegistrars), []byte(listedRegistries))
	f.Add([]byte("iana_id,email\n1,a@b.example\n"), []byte("tld,email\nshop,\"a@b.example\n,\"\n"))
	suffixes := name.DefaultSuffixes()
	f.Fuzz(func(t *testing.T, registrars, registries []byte) {
		c, err := ReadContacts(registrars, registries, suffixes)
		if err != nil {
			return
		}
		rows := 0
		for _, s := range c.Sources {
			rows += s.Rows
		}
		consistent(t, c, rows)
		again, err := ReadContacts(registrars, registries, suffixes)
		if err != nil || !cmp.Equal(c, again, cmp.AllowUnexported(Contacts{}, Listed{}), cmp.Comparer(func(a, b name.Domain) bool { return a == b })) {
			t.Fatal("read twice, the list differs")
		}
	})
}

func BenchmarkShippedContacts(b *testing.B) {
	s := name.DefaultSuffixes()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ShippedContacts(s); err != nil {
			b.Fatal(err)
		}
	}
}
