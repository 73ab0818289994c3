package xarf

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiwick/problem"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// corpus is where the shared corpus lies when it is there.
const corpus = "../../../shared/corpus/abuse/xarf"

func haveCorpus(t *testing.T) {
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("the shared corpus is not here; the other tests stand without it")
	}
}

// oracle compiles the published schemas with a generic validator.
func oracle(t testing.TB) *jsonschema.Schema {
	c := jsonschema.NewCompiler()
	root := "schema/v4"
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		return c.AddResource(doc.(map[string]any)["$id"].(string), doc)
	})
	if err != nil {
		t.Fatal(err)
	}
	// The schemas refer to one another by relative path, under their $id.
	s, err := c.Compile("https://xarf.org/schemas/v4/xarf-v4-master.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// agree fails unless Validate and the oracle say the same about raw. What our
// bounds and I-JSON refuse before any schema is left out.
func agree(t interface {
	Errorf(string, ...any)
}, s *jsonschema.Schema, label string, raw []byte) (valid bool) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	ours := Validate(raw)
	if err != nil {
		if ours == nil {
			t.Errorf("%s: accepted, but it is not JSON: %v", label, err)
		}
		return false
	}
	want := s.Validate(doc)
	if (want == nil) != (ours == nil) {
		t.Errorf("%s: ours %v\noracle %v\n%s", label, ours, want, raw)
	}
	return want == nil
}

func TestOracleOnCorpus(t *testing.T) {
	haveCorpus(t)
	s := oracle(t)
	files, valid := 0, 0
	err := filepath.WalkDir(corpus, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".json") || strings.Contains(path, "schemas") || e.Name() == "verdicts.json" {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if agree(t, s, path, raw) {
			valid++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d valid", files, valid)
	if valid == 0 || files < 300 {
		t.Errorf("only %d files, %d valid: the corpus is not what was expected", files, valid)
	}
}

// TestOracleOnVerdicts holds Validate against verdicts recorded by another
// validator in another language.
func TestOracleOnVerdicts(t *testing.T) {
	haveCorpus(t)
	raw, err := os.ReadFile(corpus + "/verdicts.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		File  string `json:"file"`
		Valid *bool  `json:"valid_no_format"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		b, err := os.ReadFile(filepath.Join(corpus, "..", v.File))
		if err != nil {
			t.Fatal(err)
		}
		if got := Validate(b) == nil; got != (v.Valid != nil && *v.Valid) {
			t.Errorf("%s: ours %v", v.File, Validate(b))
		}
	}
	f, err := os.ReadFile(corpus + "/mutations.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for l := range bytes.Lines(f) {
		var m struct {
			Base, Mutation string
			Valid          bool `json:"valid_no_format"`
			Report         json.RawMessage
		}
		if err := json.Unmarshal(l, &m); err != nil {
			t.Fatal(err)
		}
		n++
		if err := Validate(m.Report); (err == nil) != m.Valid {
			t.Errorf("%s %s: ours %v, recorded %v", m.Base, m.Mutation, err, m.Valid)
		}
	}
	t.Logf("%d files, %d mutations", len(list), n)
}

// sample draws a document that the tables accept, for one pair.
func sample(t *rapid.T, n *node, depth int) any {
	switch {
	case n.enum != nil:
		return rapid.SampledFrom(n.enum).Draw(t, "enum")
	case n.types&isString != 0 || n.types == 0 && depth == 0:
		return text(t, n)
	case n.types&isNumber != 0:
		lo, hi := int64(-10), int64(1000)
		if n.min.set {
			lo = n.min.n
			hi = lo + 1000
		}
		if n.max.set {
			hi = n.max.n
		}
		return rapid.Int64Range(lo, hi).Draw(t, "number")
	case n.types&isBoolean != 0:
		return rapid.Bool().Draw(t, "bool")
	case n.types&isArray != 0:
		lo, hi := 0, 3
		if n.minItems.set {
			lo = int(n.minItems.n)
		}
		out := []any{}
		seen := map[any]bool{}
		for range rapid.IntRange(lo, hi).Draw(t, "items") {
			v := sample(t, &nodes[n.items], depth+1)
			if s, ok := v.(string); ok && n.unique {
				if seen[s] {
					continue
				}
				seen[s] = true
			}
			out = append(out, v)
		}
		return out
	case n.types&isObject != 0:
		out := map[string]any{}
		for i, p := range n.props {
			must := n.required&(1<<i) != 0
			for _, w := range n.when {
				must = must || w.need&(1<<i) != 0
			}
			for _, c := range n.choice {
				must = must || c&(1<<i) != 0
			}
			if must || rapid.Bool().Draw(t, p.name) {
				out[p.name] = sample(t, &nodes[p.node], depth+1)
			}
		}
		return out
	}
	return "anything"
}

// text draws a string for a node; the patterns are few enough to answer by hand.
func text(t *rapid.T, n *node) string {
	candidates := []string{"plain text", "", "é\u0001\"\\ ", "4.2.0", "DE", "en-GB", "USD", "example.com", "a:b", "CVE-2024-12345",
		"CVSS:3.1/AV:N", "magnet:?xt=urn:btih:x", "sha256:ab", "https://bad.example/x", strings.Repeat("0a", 16), strings.Repeat("0a", 20), strings.Repeat("0a", 32)}
	var fit []string
	for _, c := range candidates {
		ok := true
		for _, p := range n.patterns {
			ok = ok && patterns[p].match([]byte(c))
		}
		if ok {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		t.Fatalf("no candidate matches %v", n.patterns)
	}
	return rapid.SampledFrom(fit).Draw(t, "text")
}

// mutate breaks, or tries to break, one place of a document.
func mutate(t *rapid.T, v any) any {
	odd := []any{nil, true, false, 0.0, 1.0, 1.5, -1.0, 65536.0, 1e300, json.Number("1.0"), json.Number("65535.00000000000000000001"),
		json.Number("1e2"), json.Number("-0"), json.Number("1e-400"), json.Number("9999999999999999999999"), "", "smtp", "x", "spam", "phishing", "content", strings.Repeat("é", 501),
		strings.Repeat("a", 1001), []any{}, []any{"a", "a"}, []any{1.0}, map[string]any{}, map[string]any{"org": "x", "contact": "y"}, make([]any, 51)}
	switch x := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		sortStrings(keys)
		switch op := rapid.IntRange(0, 3).Draw(t, "op"); {
		case op == 0 && len(keys) > 0:
			delete(x, rapid.SampledFrom(keys).Draw(t, "delete"))
		case op == 1:
			x[rapid.SampledFrom([]string{"extra", "protocol", "_internal", "swarm_info", "url", "tags", "evidence", "type", "size"}).Draw(t, "add")] = rapid.SampledFrom(odd).Draw(t, "odd")
		case op == 2 && len(keys) > 0:
			x[rapid.SampledFrom(keys).Draw(t, "set")] = rapid.SampledFrom(odd).Draw(t, "odd")
		case len(keys) > 0:
			k := rapid.SampledFrom(keys).Draw(t, "into")
			x[k] = mutate(t, x[k])
		}
		return x
	case []any:
		if len(x) > 0 && rapid.Bool().Draw(t, "item") {
			i := rapid.IntRange(0, len(x)-1).Draw(t, "i")
			x[i] = mutate(t, x[i])
			return x
		}
		return append(x, rapid.SampledFrom(odd).Draw(t, "odd"))
	}
	return rapid.SampledFrom(odd).Draw(t, "odd")
}

func sortStrings(s []string) {
	for i := range s {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
}

// TestOracleOnDrawn draws valid reports of every pair and mutates them; both
// validators must say the same each time, and the unmutated ones be valid.
func TestOracleOnDrawn(t *testing.T) {
	s := oracle(t)
	for i := range pairs {
		p := pairs[i]
		t.Run(p.category+"/"+p.typ, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				doc := sample(t, &nodes[p.node], 0).(map[string]any)
				raw, err := json.Marshal(doc)
				if err != nil {
					t.Fatal(err)
				}
				if !agree(t, s, "drawn", raw) {
					t.Fatalf("a drawn report is not valid: %v\n%s", Validate(raw), raw)
				}
				for range rapid.IntRange(1, 3).Draw(t, "mutations") {
					doc = mutate(t, doc).(map[string]any)
				}
				if raw, err = json.Marshal(doc); err != nil {
					t.Fatal(err)
				}
				agree(t, s, "mutated", raw)
			})
		})
	}
}

// FuzzValidate lets bytes be anything: no panic, and the oracle's verdict.
func FuzzValidate(f *testing.F) {
	s := oracle(f)
	f.Add([]byte(phishing))
	f.Add([]byte(`{"xarf_version":"4.2.0","category":"messaging","type":"spam"}`))
	f.Add([]byte(`[]`))
	f.Add([]byte(`{"xarf_version":"4.2.0","report_id":"x","timestamp":"x","reporter":{"org":"a","contact":"b","domain":"c"},"sender":{"org":"a","contact":"b","domain":"c"},"source_identifier":"","category":"copyright","type":"p2p","p2p_protocol":"other","swarm_info":{"info_hash":"0123456789012345678901234567890123456789"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ours := Validate(raw)
		var e *problem.Error
		if ours != nil && !errors.As(ours, &e) {
			t.Fatalf("untyped error %v", ours)
		}
		if problem.CodeOf(ours) == problem.TooLarge || e != nil && strings.HasPrefix(e.Detail, "not valid JSON") || bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
			return // jsontree has its own oracle
		}
		agree(t, s, "fuzzed", raw)
	})
}

// phishing is a report of our own, valid, with evidence whose digest is right.
const phishing = `{
 "xarf_version": "4.2.0",
 "report_id": "b0a3c2a4-7a52-4b35-9a54-5b1d1f0f6a11",
 "timestamp": "2026-11-02T08:15:30Z",
 "reporter": {"org": "Brand Desk", "contact": "desk@brand.example", "domain": "brand.example"},
 "sender": {"org": "Brand Desk", "contact": "desk@brand.example", "domain": "brand.example"},
 "source_identifier": "203.0.113.80",
 "source_port": 443,
 "category": "content",
 "type": "phishing",
 "evidence_source": "crawler",
 "url": "https://login.bank-secure.example/verify?id=3",
 "domain": "login.bank-secure.example",
 "target_brand": "Example Bank",
 "confidence": 0.93,
 "description": "Asks for the card number and the PIN.",
 "tags": ["target:banking", "technique:credential-harvesting"],
 "evidence": [
  {"content_type": "text/html", "description": "The page as served", "payload": "PGh0bWw+PHRpdGxlPkV4YW1wbGUgQmFuazwvdGl0bGU+PC9odG1sPg==",
   "hash": "sha256:89e5346157ab1b035d373826483b0b1e6cd595f8b945c8dd7dca1b8ac5127c84", "size": 40},
  {"content_type": "text/plain", "payload": "aGVsbG8=", "hash": "md5:5d41402abc4b2a76b9719d911017c592"}
 ],
 "_internal": {"ticket": "A-1"}
}`
