package whois

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"unicode"

	"bailiwick/registration"
)

const corpus = "../../../shared/corpus/registration"

// corpusFiles reads the WHOIS files of the shared corpus, or skips.
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
	root := filepath.Join(filepath.FromSlash(corpus), "whois")
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

// wrongGold are files whose gold values are not in the file: a scorer's answer
// from another day, or a page that turns the query away, judged by its name.
var wrongGold = map[string]bool{
	"whois/flipbit/whois.dns.lu__lu__not-found__u34jedzcq.lu.txt":    true, // "Maximum query rate reached"
	"whois/flipbit/whois.nic.cd__cd__not-found__google.cd.txt":       true, // a registration
	"whois/flipbit/whois.nic.uk__uk__reserved__reserved.txt":         true, // a registration, with its registrant
	"whois/flipbit/whois.dns.pt__pt__reserved__wiki-reserved.pt.txt": true, // "No Match"
	"whois/iodev/hk__free.txt":                                       true, // "maintain at least 10-second time before starting another enquiry"
	"whois/iodev/lu__free.txt":                                       true, // "Maximum query rate reached"
	"whois/iodev/ml__free.txt":                                       true, // "can temporarily not be answered"
	"whois/iodev/nz__free_progressbuilders.co.nz.nz.txt":             true, // "not managed by this register"
	"whois/iodev/qa__free.txt":                                       true, // "Reserved by QDR"
	"whois/likexian/notfound_name_science.name.txt":                  true, // "Not available for second level registration"
}

// TestCorpusGold compares with the gold values, where the corpus is here. The
// scorer beside the corpus is the measure; this holds what was reached.
func TestCorpusGold(t *testing.T) {
	files := corpusFiles(t)
	fh, err := os.Open(filepath.FromSlash(corpus + "/gold.jsonl"))
	if err != nil {
		t.Skip("no gold values here")
	}
	defer fh.Close()
	var r Reader
	records := map[string]registration.Record{}
	for f, raw := range files {
		rec, err := r.Domain(raw, registration.Source{})
		if (err != nil) != (rec.State == registration.Failed) {
			t.Errorf("%s: state %s with error %v", f, rec.State, err)
		}
		checkRecord(t, rec)
		records[f] = rec
	}
	paths := map[string]string{
		"domain": "domain", "registrar": "registrar.name", "registrar_iana_id": "registrar.iana_id", "created": "created", "updated": "updated",
		"expires": "expires", "registrant_name": "contacts.registrant.name", "registrant_org": "contacts.registrant.organization",
		"registrant_email": "contacts.registrant.email",
	}
	squash := func(s string) string {
		return strings.Map(func(r rune) rune {
			if !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '@' {
				return -1
			}
			return unicode.ToLower(r)
		}, s)
	}
	states := map[registration.State][2]int{}
	right, wrong, missing := 0, 0, 0
	listed := listedGold(t)
	met, excused := 0, 0
	sc := bufio.NewScanner(fh)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var g struct {
			File, Field string
			Value       any
		}
		if json.Unmarshal(sc.Bytes(), &g) != nil || !strings.HasPrefix(g.File, "whois/") {
			continue
		}
		why := listed[g.File+" "+g.Field]
		if why != "" {
			met++
		}
		rec := records[g.File]
		want, _ := g.Value.(string)
		if g.Field == "state" {
			s := registration.State(want)
			c := states[s]
			c[1]++
			if rec.State == s || wrongGold[g.File] {
				c[0]++
			}
			states[s] = c
			if s != registration.Registered && rec.State == registration.Registered && !wrongGold[g.File] {
				t.Errorf("%s is %s and read as a record", g.File, s)
			}
			continue
		}
		p, ok := paths[g.Field]
		if !ok || want == "" {
			continue
		}
		got := rec.Value(p)
		a, b := squash(want), squash(got)
		if len(want) >= 10 && (p == "created" || p == "updated" || p == "expires") {
			a, b = want[:10], got[:min(10, len(got))]
		}
		switch {
		case got == "":
			if why != "" {
				excused++
			}
			missing++
		case a == b:
			right++
		default:
			if why != "" {
				excused++
			}
			wrong++
		}
	}
	if met != len(listed) {
		t.Errorf("testdata/labels/gold.tsv lists %d expected values, and the corpus has %d of them", len(listed), met)
	}
	t.Logf("%d of the %d wrong and missing are in testdata/labels/gold.tsv", excused, wrong+missing)
	n := right + wrong + missing
	t.Logf("states %v; text and dates: %d, right %.1f %%, right of those given %.1f %%", states, n,
		100*float64(right)/float64(n), 100*float64(right)/float64(right+wrong))
	if c := states[registration.Available]; c[0]*100 < c[1]*99 {
		t.Errorf("available: %d of %d", c[0], c[1])
	}
	if c := states[registration.Throttled]; c[0]+1 < c[1] {
		t.Errorf("throttled: %d of %d", c[0], c[1])
	}
	if right*100 < n*91 || right*100 < (right+wrong)*96 {
		t.Errorf("%d right, %d wrong, %d missing", right, wrong, missing)
	}
}

// listedGold reads testdata/labels/gold.tsv: why an expected value is not borne
// out, by file and field.
func listedGold(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "labels", "gold.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	why := map[string]string{}
	for l := range strings.Lines(string(b)) {
		if l[0] == '#' {
			continue
		}
		c := strings.Split(strings.TrimSpace(l), "\t")
		if len(c) != 3 {
			t.Fatalf("%q", l)
		}
		switch c[2] {
		case "day", "tool", "words", "proxy", "zone", "form", "chain":
			why[c[0]+" "+c[1]] = c[2]
		default:
			t.Errorf("%q is no reason", c[2])
		}
	}
	return why
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// testdataAnswers are the hand-made answers.
func testdataAnswers(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "answers", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(p)] = b
	}
	return out
}

// TestLabelledValues holds the values that were judged by hand
// (testdata/labels/values.tsv), where the corpus is here: a value that is
// printed in their answers and was not judged, or is another, may be invented.
func TestLabelledValues(t *testing.T) {
	files := corpusFiles(t)
	b, err := os.ReadFile(filepath.Join("testdata", "labels", "values.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]map[string]string{}
	counts := map[string]int{}
	for l := range strings.Lines(string(b)) {
		if l[0] == '#' {
			continue
		}
		c := strings.Split(strings.TrimSpace(l), "\t")
		if len(c) != 5 {
			t.Fatalf("%q", l)
		}
		if labels[c[0]] == nil {
			labels[c[0]] = map[string]string{}
		}
		labels[c[0]][c[1]] = c[2]
		counts[c[3]]++
	}
	for f, want := range labels {
		rec, _ := Domain(files[f], registration.Source{})
		paths := []string{"domain", "registrar.name", "registrar.iana_id", "registrar.url", "registrar.abuse_email", "registrar.abuse_phone",
			"created", "updated", "expires", "statuses", "nameservers", "dnssec"}
		for role := range rec.Contacts {
			for _, field := range registration.ContactFields() {
				paths = append(paths, registration.ContactPath(role, field))
			}
		}
		for _, p := range paths {
			v := rec.Value(p)
			if v == "" {
				continue
			}
			if sum := sha256.Sum256([]byte(v)); hex.EncodeToString(sum[:8]) != want[p] {
				t.Errorf("%s: %s was not judged", f, p)
			}
		}
	}
	t.Logf("%v", counts)
	if n := counts["supported"] + counts["stand-in"] + counts["service"] + counts["wrong"]; n < 300 || counts["wrong"]*200 > n {
		t.Errorf("%v", counts)
	}
}

// TestAbsent holds what was judged by hand to be shown, withheld and absent
// (testdata/labels/absent.tsv), where the corpus is here: a value for a field that
// the answer does not have is invented, one that is not read is lost, and words
// that withhold a value are not one.
func TestAbsent(t *testing.T) {
	files := corpusFiles(t)
	b, err := os.ReadFile(filepath.Join("testdata", "labels", "absent.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	signs := map[byte]registration.FieldState{'~': registration.Redacted, '!': registration.Proxy, '?': registration.Unparsed}
	roles := [...]string{"", registration.Registrant, registration.Admin, registration.Tech, registration.Billing}
	var r Reader
	answers := 0
	counts := map[registration.FieldState]int{}
	for l := range strings.Lines(string(b)) {
		if l[0] == '#' {
			continue
		}
		cols := strings.Split(strings.TrimSuffix(l, "\n"), "\t")
		if len(cols) != 1+len(roles) || files[cols[0]] == nil {
			t.Fatalf("%q", l)
		}
		answers++
		rec, _ := r.Domain(files[cols[0]], registration.Source{})
		for i, role := range roles {
			want := map[string]registration.FieldState{}
			for f := range strings.FieldsSeq(cols[1+i]) {
				switch s, ok := signs[f[0]]; {
				case f == "-":
				case ok:
					want[f[1:]] = s
				default:
					want[f] = registration.Present
				}
			}
			fields := []string{"domain", "registrar.name", "registrar.iana_id", "registrar.url", "registrar.abuse_email", "registrar.abuse_phone",
				"created", "updated", "expires", "statuses", "nameservers", "dnssec"}
			if role != "" {
				fields = registration.ContactFields()
			}
			for _, f := range fields {
				path := f
				if role != "" {
					path = registration.ContactPath(role, f)
				}
				s := want[f]
				if s == "" {
					s = registration.Absent
				}
				counts[s]++
				if got := rec.FieldState(path); got != s {
					t.Errorf("%s: %s is %s, and was judged %s", cols[0], path, got, s)
				}
			}
		}
	}
	t.Logf("%d answers, %v", answers, counts)
	if answers < 200 {
		t.Errorf("only %d answers are judged", answers)
	}
}
