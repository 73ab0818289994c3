package frame

import (
	"fmt"
	"strings"
	"testing"

	"bailiwick/registration"
)

// TestRegions: every country is in one region, and no region has another.
func TestRegions(t *testing.T) {
	seen, named := map[string]string{}, map[string]bool{}
	for line := range strings.Lines(regionTable) {
		region, codes, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if line[0] == '#' {
			continue
		}
		if !ok {
			t.Errorf("%q", line)
		}
		named[region] = true
		for _, c := range strings.Fields(codes) {
			if seen[c] != "" {
				t.Errorf("%s is in %s and in %s", c, seen[c], region)
			}
			seen[c] = region
			if code, ok := registration.CountryCode(c); !ok || code != c {
				t.Errorf("%s is no country", c)
			}
		}
	}
	n := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if code, ok := registration.CountryCode(string(a) + string(b)); ok && code == string(a)+string(b) {
				if n++; seen[code] == "" {
					t.Errorf("%s is in no region", code)
				}
			}
		}
	}
	for _, r := range Regions() {
		if !named[r] {
			t.Errorf("%s has no country", r)
		}
	}
	if n != 249 || len(named) != 5 {
		t.Errorf("%d countries, %d regions", n, len(named))
	}
}

func TestStrata(t *testing.T) {
	if tlds() == nil {
		t.Fatal("the list of top-level domains does not read")
	}
	unit := func(id, country, registrar string) Unit {
		return Unit{ID: id, Registrar: registrar, Record: registration.Record{Contacts: map[string]registration.Contact{registration.Registrant: {Country: country}}}}
	}
	gtlds := Scheme{By: ForGTLDs, Agreements: map[string]string{"1": "2013", "2": "2009"}}
	registry := Scheme{By: ForRegistry, Sizes: map[string]Size{"1": Large}}
	for _, c := range []struct {
		u    Unit
		s    Scheme
		want string
	}{
		{unit("shop.com", "SE", "1"), gtlds, "europe/legacy/2013"},
		{unit("shop.app", "br", "2"), gtlds, "latin-america/new/2009"},
		{unit("shop.cn", "China", "3"), gtlds, "asia-pacific/country/unknown"},
		{unit("shop.example", "UK", "1"), gtlds, "europe/unknown/2013"},
		{unit("xn--mnchen-3ya.de", "", "1"), registry, "unknown/large"},
		{unit("C-1", "Atlantis", "9"), Scheme{By: []Key{ByRegion, ByClass, BySize, "colour"}}, "unknown/unknown/unknown/unknown"},
		{Unit{ID: "shop.com"}, Scheme{}, ""},
	} {
		if got := Strata(c.u, c.s); got != c.want {
			t.Errorf("%s is in %q, not %q", c.u.ID, got, c.want)
		}
	}
}

// TestSizes: the large have half of the names, and who has as many names has the
// same size.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		names []int
		want  string
	}{
		{[]int{50, 30, 15, 5}, "large medium medium small"},
		{[]int{40, 30, 20, 10}, "large large medium small"},
		{[]int{10, 10, 10, 10}, "large large large large"},
		{[]int{90, 5, 5}, "large small small"},
		{[]int{1}, "large"},
		{[]int{60, 10, 10, 10, 10}, "large medium medium medium medium"},
	} {
		var n Counts
		for i, k := range c.names {
			for range k {
				n.Add(fmt.Sprint(i))
			}
		}
		sizes := n.Sizes()
		var got []string
		for i, k := range c.names {
			got = append(got, string(sizes[fmt.Sprint(i)]))
			if n.Of(fmt.Sprint(i)) != k {
				t.Errorf("%d is counted as %d", k, n.Of(fmt.Sprint(i)))
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v are %v, not %s", c.names, got, c.want)
		}
	}
	var many Counts
	for i := range maxRegs + 10 {
		many.Add(fmt.Sprint(i))
	}
	if len(many.Sizes()) != maxRegs {
		t.Errorf("%d registrars are held", len(many.Sizes()))
	}
}
