package party

import (
	"bytes"
	"strings"
	"testing"

	"bailiwick/name"
	"bailiwick/problem"
)

func TestLoadErrors(t *testing.T) {
	for in, want := range map[string]string{
		"nonsense: 1":                           "nonsense",
		"platforms: 3":                          "parse",
		"platforms: [{suffix: a.example}]":      "platforms[0].name",
		"platforms: [{suffix: com, name: X}]":   "platforms[0].suffix",
		"platforms: [{suffix: 'a b', name: X}]": "parse",
		"platforms: [{suffix: a.example, name: X}, {suffix: A.example, name: Y}]":                 "platforms[1].suffix",
		"platforms: [{suffix: a.example, name: X}]\nshared_hosts: [{suffix: a.example, name: Y}]": "shared_hosts[0].suffix",
		"platforms: [{suffix: a.example, name: X, form: 'http://a.example/'}]":                    "platforms[0].form",
		"platforms: [{suffix: a.example, name: \"X\\r\\nBcc: y\"}]":                               "platforms[0].name",
		"cdns: [{name: X}]":                                            "cdns[0].prefixes",
		"cdns: [{name: X, prefixes: [192.0.2.1/24]}]":                  "192.0.2.0/24",
		"cdns: [{name: X, prefixes: [0.0.0.0/0]}]":                     "every address",
		"cdns: [{name: X, prefixes: ['::ffff:192.0.2.0/120']}]":        "cdns[0].prefixes[0]",
		"block_lists: [{name: X, types: [nonsense]}]":                  "block_lists[0].types[0]",
		"block_lists: [{name: X, email: \"a@b.example\\r\\nBcc: c\"}]": "block_lists[0].email",
		"certs: [{name: X}]":                                           "certs[0]",
		"certs: [{name: X, country: ax}]":                              "certs[0].country",
		"certs: [{name: X, tlds: [a.b]}]":                              "certs[0].tlds[0]",
		"constituents: [{name: X}]":                                    "constituents[0]",
		"constituents: [{name: X, brands: [ab]}]":                      "constituents[0].brands[0]",
		"registries: [{name: X}]":                                      "registries[0].tld",
		"registrars: [{iana_id: '9999', name: X}]":                     "registrars[0].iana_id",
		"trusted: [nobody]":                                            "trusted[0]",
		"trusted: ['nobody:1']":                                        "trusted[0]",
		"self: {ids: ['x']}":                                           "self.ids[0]",
		"self: {email: x}":                                             "self.email",
		"platforms: []\n---\nplatforms: []":                            "more than one document",
	} {
		_, err := Load(strings.NewReader(in))
		if problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n  gave %v, want Invalid with %q", in, err, want)
		}
	}
	if _, err := Load(bytes.NewReader(make([]byte, MaxData+1))); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("too large: %v", err)
	}
	if _, err := Load(strings.NewReader("")); err != nil {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := Load(strings.NewReader(`{"platforms":[{"suffix":"a.example","name":"JSON"}]}`)); err != nil {
		t.Errorf("JSON: %v", err)
	}
}

// The shipped platforms are what the public suffix list says, no more, and
// hold no invented contacts.
func TestDefault(t *testing.T) {
	d, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Platforms) < 50 {
		t.Fatalf("%d platforms", len(d.Platforms))
	}
	for _, p := range d.Platforms {
		customer, err := name.Parse("customer." + p.Suffix.String())
		if err != nil {
			t.Fatal(err)
		}
		if got := name.DefaultSuffixes().Split(customer).Platform; got != p.Suffix {
			t.Errorf("%s is not in the private section (%q)", p.Suffix, got)
		}
		if p.Email != "" || p.Form != "" {
			t.Errorf("%s has a contact", p.Suffix)
		}
	}
	d.Platforms = nil
	if len(d.CDNs)+len(d.BlockLists)+len(d.CERTs)+len(d.Constituents)+len(d.Registries)+len(d.Registrars) != 0 {
		t.Error("the shipped data holds more than platforms")
	}
}

func TestWith(t *testing.T) {
	base := load(t, "platforms: [{suffix: a.example, name: A}, {suffix: b.example, name: B}]\nself: {name: Old}")
	got := base.With(load(t, "platforms: [{suffix: a.example, name: Own, email: x@a.example}]\ntrusted: ['host:H']"))
	if len(got.Platforms) != 2 || got.Platforms[0].Name != "B" || got.Platforms[1].Email != "x@a.example" || got.Self.Name != "Old" || len(got.Trusted) != 1 {
		t.Errorf("%+v", got)
	}
	if len(base.Platforms) != 2 || base.Platforms[0].Name != "A" {
		t.Error("With changed its receiver")
	}
}

func TestMailbox(t *testing.T) {
	long := strings.Repeat("a", 64)
	for in, want := range map[string]string{
		"abuse@reg.example":                         "abuse@reg.example",
		"Abuse.Desk+x@REG.Example":                  "Abuse.Desk+x@reg.example",
		" <abuse@reg.example> ":                     "abuse@reg.example",
		"mailto:abuse@reg.example?subject=x":        "abuse@reg.example",
		"Desk <abuse@reg.example>":                  "abuse@reg.example",
		"first bad@, abuse@reg.example;c@d.example": "abuse@reg.example",
		"abuse@bücher.example":                      "abuse@xn--bcher-kva.example",
		"größe@reg.example":                         "größe@reg.example",
		long + "@reg.example":                       long + "@reg.example",
		long + "a@reg.example":                      "",
		"a@b\r\nc@d.example":                        "c@d.example",
		"":                                          "", "abuse": "", "@reg.example": "", "a@": "", "a@b": "", "a..b@reg.example": "", ".a@reg.example": "",
		"a.@reg.example": "", `"a b"@reg.example`: "", "a@[192.0.2.1]": "", "a@192.0.2.1": "", "a\x00b@reg.example": "", "a\u202eb@reg.example": "",
		"a@reg.example.": "a@reg.example", "(ie: a+1@reg.example).": "a+1@reg.example", "a@b@reg.example": "", "a(c)@reg.example": "", "a@reg_x.example": "", "\xff@reg.example": "",
		strings.Repeat("x", maxMailField) + " a@reg.example": "",
	} {
		got, ok := Mailbox(in)
		if got != want || ok != (want != "") {
			t.Errorf("%q gave %q %v, want %q", in, got, ok, want)
		}
	}
}

func FuzzMailbox(f *testing.F) {
	for _, s := range []string{"abuse@reg.example", "<mailto:a@b.example>", "a@b.example,c@d", "größe@bücher.example", "a@b\r\nBcc: c@d.example", "\"q\"@x.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := Mailbox(s)
		if !ok {
			if a != "" {
				t.Fatal("an address without ok")
			}
			return
		}
		if strings.ContainsAny(a, "\r\n\x00 <>,;\"\t") || strings.Count(a, "@") != 1 || len(a) > maxMailbox {
			t.Fatalf("%q gave %q", s, a)
		}
		if again, ok := Mailbox(a); !ok || again != a {
			t.Fatalf("%q is not stable: %q", a, again)
		}
		if domainOf(a).IsZero() {
			t.Fatalf("%q has no domain", a)
		}
	})
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(world))
	f.Add([]byte("platforms: [{suffix: a.example, name: X}]"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Load(bytes.NewReader(b))
		if err != nil {
			return
		}
		if err := d.Validate(); err != nil {
			t.Fatalf("what was loaded does not validate: %v", err)
		}
	})
}
