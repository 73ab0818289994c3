package accuracy

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"bailiwick/registration"
	"bailiwick/stats"

	"golang.org/x/text/unicode/norm"
)

// cultureName is a name made of the lists of testdata/names.tsv.
type cultureName struct{ culture, country, name string }

// cultureNames combines the lists: every given name with every family name.
func cultureNames(t testing.TB) (names []cultureName, words map[string]int) {
	raw, err := os.ReadFile("testdata/names.tsv")
	if err != nil {
		t.Fatal(err)
	}
	words = map[string]int{}
	split := func(s string) []string {
		if strings.Contains(s, "|") {
			return strings.Split(s, "|")
		}
		return strings.Fields(s)
	}
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		c := strings.Split(line, "\t")
		if len(c) < 4 || len(c) > 5 {
			t.Fatalf("%q has %d columns", line, len(c))
		}
		how, particle, _ := strings.Cut(c[2], " ")
		given, family := split(c[3]), []string{""}
		if len(c) == 5 && how != "g" {
			family = split(c[4])
		}
		words[c[0]] = len(given) + len(family)
		if how == "g" {
			words[c[0]] = len(given)
		}
		for i, g := range given {
			for j, f := range family {
				n := g
				switch how {
				case "gf":
					n = g + " " + f
				case "fg":
					n = f + " " + g
				case "fgj":
					n = f + g
				case "gp":
					n = g + " " + particle + " " + f
				case "gff":
					n = g + " " + f + " " + family[(i+j+1)%len(family)]
				case "g":
				default:
					t.Fatalf("%q combines as %q", line, how)
				}
				names = append(names, cultureName{c[0], c[1], n})
			}
		}
	}
	return names, words
}

// nameVerdicts are the warnings on a contact with a name or an organisation.
func nameVerdicts(t testing.TB, checks []Check, c registration.Contact) (warnings []string) {
	t.Helper()
	vs, err := Examine(Subject{Record: registration.Record{State: registration.Registered,
		Contacts: map[string]registration.Contact{registration.Registrant: c}}}, checks)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		if v.Result != Pass {
			warnings = append(warnings, v.Check+":"+v.Reason)
		}
	}
	return warnings
}

// rate counts warnings in a group.
type rate struct {
	n, warned int
	words     int // independent words; n when the names are whole
	reasons   map[string]int
	sample    []string
}

// bound is the 95 % interval. Names made of the same words are no independent
// trials, so the size of the sample is the number of words.
func (r *rate) bound() (low, high float64) {
	return stats.WilsonShare(float64(r.warned)/float64(r.n), float64(min(r.n, r.words)))
}

func (r *rate) add(name string, warnings []string) {
	r.n++
	if len(warnings) == 0 {
		return
	}
	r.warned++
	if r.reasons == nil {
		r.reasons = map[string]int{}
	}
	for _, w := range warnings {
		r.reasons[w]++
	}
	if len(r.sample) < 400 {
		r.sample = append(r.sample, name+" "+strings.Join(warnings, ","))
	}
}

func table(t testing.TB, title string, groups map[string]*rate) (all rate) {
	keys := make([]string, 0, len(groups))
	for k, r := range groups {
		keys = append(keys, k)
		all.n, all.warned, all.words = all.n+r.n, all.warned+r.warned, all.words+r.words
	}
	slices.Sort(keys)
	var b strings.Builder
	row := func(k string, r *rate) {
		low, high := r.bound()
		fmt.Fprintf(&b, "| %s | %d | %d | %.1f %% | %.1f–%.1f %% |\n", k, r.n, r.warned, 100*float64(r.warned)/float64(r.n), 100*low, 100*high)
	}
	for _, k := range keys {
		row(k, groups[k])
	}
	row("all", &all)
	t.Logf("%s\n\n| group | names | warned | share | 95 %% |\n|---|---|---|---|---|\n%s", title, b.String())
	return all
}

// TestFalseWarningsOnNames measures how often a name that is one is warned
// about, by script and by country. No name here was trained on.
func TestFalseWarningsOnNames(t *testing.T) {
	names, words := cultureNames(t)
	checks := IdentityChecks()
	byCulture, byScript, byCountry, later := map[string]*rate{}, map[string]*rate{}, map[string]*rate{}, map[string]*rate{}
	counted := map[string]bool{}
	get := func(m map[string]*rate, k string) *rate {
		if m[k] == nil {
			m[k] = &rate{}
		}
		return m[k]
	}
	for _, n := range names {
		w := nameVerdicts(t, checks, registration.Contact{Name: n.name})
		script := readNameOf(n.name).main.String()
		groups := []*rate{get(byCulture, n.culture), get(byScript, script), get(byCountry, n.country)}
		if strings.HasSuffix(n.culture, "-2") {
			groups = append(groups, get(later, script))
		}
		for _, r := range groups {
			r.add(n.name, w)
			if k := fmt.Sprintf("%p %s", r, n.culture); !counted[k] {
				counted[k] = true
				r.words += words[n.culture]
			}
		}
	}
	all := table(t, "Names by script", byScript)
	table(t, "Names written after the limits were set, by script", later)
	table(t, "Names by culture", byCulture)
	table(t, "Names by country", byCountry)
	if testing.Verbose() {
		for c, r := range byCulture {
			for _, s := range r.sample[:min(len(r.sample), 6)] {
				t.Logf("%s: %s", c, s)
			}
		}
	}
	if share := float64(all.warned) / float64(all.n); share > 0.01 {
		t.Errorf("%.1f %% of names are warned about, more than 1 %%", 100*share)
	}
	for s, r := range byScript {
		if share := float64(r.warned) / float64(r.n); share > 0.05 {
			t.Errorf("%s: %.1f %% of names are warned about, more than 5 %%", s, 100*share)
		}
	}
	for c, r := range byCulture {
		if share := float64(r.warned) / float64(r.n); share > 0.15 {
			t.Errorf("%s: %.1f %% of names are warned about, more than 15 %%", c, 100*share)
		}
	}
}

// A name in parts (NFD), as some systems send it, reads as the name itself.
func TestDecomposedNames(t *testing.T) {
	names, _ := cultureNames(t)
	for _, n := range names {
		a, b := readName(n.name), readName(norm.NFD.String(n.name))
		if a.main != hangul && a.main != kana && (a.key != b.key || a.main != b.main || a.mixed != b.mixed) {
			t.Fatalf("%s: %q is %q in parts", n.name, a.key, b.key)
		}
	}
}

func readNameOf(s string) *nameText { t := readName(s); return &t }

// organisations are the names in the shipped directory of registrars and
// registries, by the country whose TLD their site has: real ones. Families of
// shells that differ by a number count once.
func organisations(t testing.TB) map[string][]string {
	out := map[string][]string{}
	seen := map[string]bool{}
	for _, f := range []string{"registrars", "registries"} {
		raw, err := os.ReadFile("../party/data/" + f + ".csv")
		if err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(strings.NewReader(string(raw)))
		r.Comment = '#'
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		cell := func(row []string, column string) string {
			if at := slices.Index(rows[0], column); at >= 0 {
				return strings.TrimSpace(row[at])
			}
			return ""
		}
		for _, row := range rows[1:] {
			n := cell(row, "operator")
			if n == "" {
				n = cell(row, "name")
			}
			key := strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' {
					return -1
				}
				return r
			}, strings.ToLower(n))
			if n == "" || seen[key] {
				continue
			}
			seen[key] = true
			host := cell(row, "site")
			if u, err := url.Parse(host); err == nil {
				host = u.Hostname()
			}
			country := countryOfTLD(host)
			if country == "" {
				country = "site not under a country's TLD"
			}
			out[country] = append(out[country], n)
		}
	}
	few := []string{}
	for c, names := range out {
		if len(names) < 10 {
			few = append(few, names...)
			delete(out, c)
		}
	}
	slices.Sort(few)
	out["countries with fewer than ten"] = few
	return out
}

// TestFalseWarningsOnOrganisations measures the same on real organisations, as
// the organisation and, since many records have them there, as the name.
func TestFalseWarningsOnOrganisations(t *testing.T) {
	checks := IdentityChecks()
	asOrg, asName := map[string]*rate{}, map[string]*rate{}
	for g, names := range organisations(t) {
		asOrg[g], asName[g] = &rate{words: len(names)}, &rate{words: len(names)}
		for _, n := range names {
			asOrg[g].add(n, nameVerdicts(t, checks, registration.Contact{Organization: n}))
			asName[g].add(n, nameVerdicts(t, checks, registration.Contact{Name: n}))
		}
	}
	for _, c := range []struct {
		title  string
		groups map[string]*rate
		limit  float64
	}{{"Organisations in the field of organisations", asOrg, 0.01}, {"Organisations in the field of names", asName, 0.02}} {
		all := table(t, c.title, c.groups)
		for _, r := range c.groups {
			for _, s := range r.sample {
				t.Log(s)
			}
		}
		if share := float64(all.warned) / float64(all.n); share > c.limit || all.n < 1000 {
			t.Errorf("%s: %.1f %% of %d are warned about, more than %.0f %%", c.title, 100*share, all.n, 100*c.limit)
		}
	}
}

// fakes are names as people and programs make them up, by kind. They are
// synthetic: what the recall on them says of real fakes is not known.
func fakes(n int) map[string][]string {
	r := rand.New(rand.NewPCG(1, 2))
	letters := func(alphabet string, min, max int) string {
		a := []rune(alphabet)
		b := make([]rune, min+r.IntN(max-min+1))
		for i := range b {
			b[i] = a[r.IntN(len(a))]
		}
		return strings.ToUpper(string(b[0])) + string(b[1:])
	}
	const small, rows = "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm"
	out := map[string][]string{}
	add := func(kind string, make func() string) {
		for range n {
			out[kind] = append(out[kind], make())
		}
	}
	add("random letters, two words", func() string { return letters(small, 4, 9) + " " + letters(small, 5, 9) })
	add("random letters, one word", func() string { return letters(small, 6, 12) })
	add("one random word beside a name", func() string {
		return []string{"Beatrice", "Harry", "Hugo", "Poppy"}[r.IntN(4)] + " " + letters(small, 7, 10)
	})
	add("random Cyrillic", func() string {
		return letters("абвгдежзийклмнопрстуфхцчшщыьэюя", 5, 9) + " " + letters("абвгдежзийклмнопрстуфхцчшщыьэюя", 5, 9)
	})
	add("keys rolled", func() string {
		i := r.IntN(3)
		row := []string{rows[:10], rows[10:19], rows[19:]}[i]
		at, k := r.IntN(len(row)-4), 5
		return row[at:at+k] + " " + letters("asdfghjkl", 3, 6)
	})
	add("hands on the home row", func() string { return letters("asdfghjkl", 5, 9) + " " + letters("asdfghjkl", 5, 9) })
	add("placeholders", func() string {
		a := []string{"test", "Test", "TEST", "asdf", "foo", "First", "User", "dummy", "sample"}
		b := []string{"test", "user", "name", "bar", "last", "company", "123", "one"}
		return a[r.IntN(len(a))] + " " + b[r.IntN(len(b))]
	})
	add("pronounceable, made of syllables", func() string {
		syl := func() string { return letters("bdfgklmnprstvz", 1, 1) + letters("aeiou", 1, 1) }
		return letters("bdfgklmnprstvz", 1, 1) + strings.ToLower(letters("aeiou", 1, 1)+syl()+syl()) + " " + letters("bdfgklmnprstvz", 1, 1) + strings.ToLower(letters("aeiou", 1, 1)+syl()+syl())
	})
	return out
}

// TestRecallOnSyntheticFakes measures how many made-up names are warned about.
func TestRecallOnSyntheticFakes(t *testing.T) {
	checks := IdentityChecks()
	groups, asOrg := map[string]*rate{}, map[string]*rate{}
	for kind, names := range fakes(500) {
		groups[kind], asOrg[kind] = &rate{words: len(names)}, &rate{words: len(names)}
		for _, n := range names {
			groups[kind].add(n, nameVerdicts(t, checks, registration.Contact{Name: n}))
			asOrg[kind].add(n, nameVerdicts(t, checks, registration.Contact{Name: "Beatrice Hartley", Organization: n}))
		}
	}
	table(t, "Synthetic fakes in the field of names (recall)", groups)
	table(t, "Synthetic fakes in the field of organisations (recall)", asOrg)
	for kind, least := range map[string]float64{"random letters, two words": 0.85, "random letters, one word": 0.75, "keys rolled": 0.95,
		"hands on the home row": 0.9, "placeholders": 0.7, "random Cyrillic": 0.6} {
		if g := groups[kind]; float64(g.warned)/float64(g.n) < least {
			t.Errorf("%s: %d of %d", kind, g.warned, g.n)
		}
	}
}

// TestTrainingIsApart holds the names measured on apart from those trained on.
func TestTrainingIsApart(t *testing.T) {
	trained := map[string]bool{}
	for _, m := range models() {
		for _, w := range m.words {
			trained[w] = true
		}
	}
	if len(trained) < 1500 {
		t.Fatalf("trained on %d words", len(trained))
	}
	raw, err := os.ReadFile("testdata/names.tsv")
	if err != nil {
		t.Fatal(err)
	}
	both := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		c := strings.Split(strings.TrimSpace(line), "\t")
		if len(c) < 4 || line[0] == '#' {
			continue
		}
		for _, w := range strings.FieldsFunc(strings.Join(c[3:], " "), func(r rune) bool { return r == ' ' || r == '|' || r == '-' || r == '.' }) {
			if k := readName(w).key; len(k) > 3 && trained[k] {
				both[w] = true
			}
		}
	}
	for w := range both {
		t.Errorf("%s is in both lists", w)
	}
	for s, m := range models() {
		if m.n > 0 {
			t.Logf("%s: %d words, %d letters, limits %.2f", script(s), len(m.words), m.n-1, m.limit)
		}
	}
}
