package rdap

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"bailiwick/registration"
)

const corpus = "../../../shared/corpus/registration"

// corpusFiles reads the RDAP files of the shared corpus, or skips.
func corpusFiles(t testing.TB) map[string][]byte {
	files := corpusIfHere(t)
	if len(files) == 0 {
		t.Skip("the shared corpus is not here")
	}
	return files
}

func corpusIfHere(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	root := filepath.Join(filepath.FromSlash(corpus), "rdap")
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(filepath.Dir(root), p)
		files[filepath.ToSlash(rel)] = b
		return err
	})
	if err != nil {
		return nil
	}
	return files
}

// TestCorpus decodes every RDAP file of the corpus: no panic, and every
// well-formed object of class domain and ip network gives a record.
func TestCorpus(t *testing.T) {
	files := corpusFiles(t)
	states, networks, ids := map[registration.State]int{}, map[registration.State]int{}, map[string]int{}
	domains, filled := 0, map[string]int{}
	for _, f := range sortedKeys(files) {
		raw := files[f]
		var head struct {
			Class any `json:"objectClassName"`
		}
		valid := json.Unmarshal(bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF")), &head) == nil
		rec, err := Domain(raw, registration.Source{Protocol: "rdap"})
		states[rec.State]++
		if (err != nil) != (rec.State == registration.Failed) {
			t.Errorf("%s: state %s with error %v", f, rec.State, err)
		}
		if valid && head.Class == "domain" {
			domains++
			if rec.State != registration.Registered {
				t.Errorf("%s: a domain object gives state %s: %v", f, rec.State, rec.Findings)
			}
			for _, p := range []string{"domain", "handle", "registrar.name", "registrar.iana_id", "registrar.url", "registrar.abuse_email", "registrar.abuse_phone", "created", "updated", "expires", "statuses", "nameservers", "dnssec", "contacts.registrant", "contacts.admin", "contacts.tech"} {
				if rec.Value(p) != "" {
					filled[p]++
				}
			}
			for p, s := range rec.Fields {
				if s == registration.Unparsed {
					t.Logf("%s: %s is there and cannot be read", f, p)
				}
			}
			for _, x := range rec.Findings {
				ids[x.ID]++
			}
			checkRecord(t, rec, err)
		}
		net, _ := Network(raw, registration.Source{})
		networks[net.State]++
		if valid && head.Class == "ip network" && net.State != registration.Registered {
			t.Errorf("%s: a network object gives state %s: %v", f, net.State, net.Findings)
		}
	}
	t.Logf("%d files, %d domain objects; as domains %v; as networks %v", len(files), domains, states, networks)
	t.Logf("filled in domain objects: %v", filled)
	t.Logf("findings in domain objects: %v", ids)
}

// TestCorpusGold compares with the gold values, where the corpus has any for
// RDAP files.
func TestCorpusGold(t *testing.T) {
	files := corpusFiles(t)
	fh, err := os.Open(filepath.FromSlash(corpus + "/gold.jsonl"))
	if err != nil {
		t.Skip("no gold values here")
	}
	defer fh.Close()
	rows, right := 0, 0
	for sc := bufio.NewScanner(fh); sc.Scan(); {
		var g struct {
			File, Field string
			Value       any
		}
		if json.Unmarshal(sc.Bytes(), &g) != nil || !strings.HasPrefix(g.File, "rdap/") {
			continue
		}
		rec, _ := Domain(files[g.File], registration.Source{})
		want, _ := g.Value.(string)
		path := map[string]string{"registrar": "registrar.name", "registrar_iana_id": "registrar.iana_id", "abuse_email": "registrar.abuse_email"}[g.Field]
		if path == "" {
			path = g.Field
		}
		rows++
		if strings.EqualFold(rec.Value(path), want) || g.Field == "state" && string(rec.State) == want {
			right++
		}
	}
	t.Logf("gold rows for RDAP files: %d, equal: %d", rows, right)
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
