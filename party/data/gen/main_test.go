package main

import (
	"bytes"
	"os"
	"testing"
	"testing/fstest"
)

func TestGenerate(t *testing.T) {
	contacts := fstest.MapFS{
		"registrars.json": {Data: []byte(`[
			{"iana_id": 20, "name": "B, \"quoted\"", "link": ["http://b.example"], "email": ["a@b.example", "c@b.example"], "form": [], "api": null, "notes": "line\nbreak", "found": "TRUE", "as_of": "2025-01-02"},
			{"iana_id": 3, "name": "A", "link": [], "email": [], "form": ["https://a.example/x"], "api": "Yes", "notes": null, "found": "FALSE", "as_of": "2025-01-02"}]`)},
		"registries.json": {Data: []byte(`[
			{"tld": ".Shop", "name": ["Shop"], "link": ["nic.shop"], "email": ["a@nic.shop"], "form": [], "api": null, "notes": null, "as_of": "2025-01-02"},
			{"tld": "gone", "name": [], "link": [], "email": [], "form": [], "api": null, "notes": null, "as_of": "2025-01-02"}]`)},
	}
	iana := fstest.MapFS{
		"tlds-alpha-by-domain.txt": {Data: []byte("# Version 2026010200, Last Updated today\nSHOP\nNEW\nCC\n")},
		"icann-gtlds.json": {Data: []byte(`{"updatedOn": "2026-01-03T00:00:00Z", "gTLDs": [
			{"gTLD": "shop", "registryOperator": "Shop Operator", "contractTerminated": false},
			{"gTLD": "new", "registryOperator": "New Operator", "contractTerminated": false},
			{"gTLD": "planned", "registryOperator": "Not delegated", "contractTerminated": false},
			{"gTLD": "gone", "registryOperator": "Gone Operator", "contractTerminated": true}]}`)},
	}
	got, err := generate(contacts, iana)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"registrars.csv": `# Abuse contacts of registrars, from the digging-dns project; see README.md and LICENSE-digging-dns.
iana_id,name,site,email,form,api,notes,as_of
3,A,,,https://a.example/x,Yes,,2025-01-02
20,"B, ""quoted""",http://b.example,"a@b.example
c@b.example",,,"line
break",2025-01-02
`,
		"registries.csv": `# Abuse contacts of registries, from the digging-dns project; see README.md and LICENSE-digging-dns. Operators of gTLDs from ICANN's list of 2026-01-03; "delegated" by IANA's list 2026010200.
tld,operator,name,delegated,site,email,form,api,notes,as_of
gone,,,no,,,,,,2025-01-02
new,New Operator,,yes,,,,,,
shop,Shop Operator,Shop,yes,nic.shop,a@nic.shop,,,,2025-01-02
`,
	} {
		if string(got[name]) != want {
			t.Errorf("%s:\n%s", name, got[name])
		}
	}
	if _, err := generate(fstest.MapFS{}, iana); err == nil {
		t.Error("no tables, and no error")
	}
}

// TestShipped holds the shipped tables to what they were made of, where that
// is at hand.
func TestShipped(t *testing.T) {
	const shared = "../../../../shared/"
	if _, err := os.Stat(shared + "corpus/abuse/contacts/digging-dns"); err != nil {
		t.Skip("the shared corpus is not here")
	}
	got, err := generate(os.DirFS(shared+"corpus/abuse/contacts/digging-dns"), os.DirFS(shared+"data/iana"))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range got {
		shipped, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, shipped) {
			t.Errorf("%s is not what the generator makes", name)
		}
	}
}
