package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"bailiwick/access"

	"golang.org/x/net/html"
)

// navigation are the links of a page's navigation by the label of the row, and
// which of them says that it is here.
func navigation(t testing.TB, body string) (rows map[string][]string, here map[string][]string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	attr := func(n *html.Node, key string) string {
		for _, a := range n.Attr {
			if a.Key == key {
				return a.Val
			}
		}
		return ""
	}
	rows, here = map[string][]string{}, map[string][]string{}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "nav" || attr(n, "class") != "" && attr(n, "class") != "area" {
			continue
		}
		label := attr(n, "aria-label")
		for a := range n.ChildNodes() {
			if a.Type != html.ElementNode {
				continue
			}
			rows[label] = append(rows[label], attr(a, "href"))
			if c := attr(a, "aria-current"); c != "" {
				here[label] = append(here[label], attr(a, "href")+" "+c)
			}
		}
	}
	return rows, here
}

// TestNavigation: everybody has a few areas, each entry leads to a page that they
// may see and that says where it is: one entry of the first row, and one of the
// second where the area has several pages. Nobody is shown an entry of others.
func TestNavigation(t *testing.T) {
	d := newDesk(t)
	org, err := d.Access.AddOrg(t.Context(), access.Console, "Quickname Ltd")
	if err != nil {
		t.Fatal(err)
	}
	office := []string{"/people", "/keys", "/orgs"}
	desk := []string{"/desk", "/desk/handoffs", "/parties", "/desk/inaccuracy", "/desk/verifications", "/desk/disclosures"}
	all := []string{"/report", "/figures", "/accuracy", "/surveys", "/policies"}
	for who, x := range map[string]struct {
		c    *http.Client
		want []string
	}{
		"nobody":  {visitor(), all},
		"analyst": {d.signIn("ana", access.Analyst), append(slices.Clone(desk), all...)},
		"member":  {d.member("quick", org.ID), append([]string{"/asks"}, all...)},
		"admin":   {d.signIn("adm", access.Admin), append(slices.Clone(office), all...)},
		"all": {d.signIn("all", access.Admin, access.Analyst, access.Auditor),
			slices.Concat(desk, office, []string{"/access-log"}, all)},
	} {
		t.Run(who, func(t *testing.T) {
			first, _ := navigation(t, d.get(x.c, "/preferences").body)
			if n := len(first["Main"]); n == 0 || n > 6 || len(first) != 1 {
				t.Errorf("on a page of no area: %v", first)
			}
			var seen []string
			for _, area := range first["Main"] {
				rows, _ := navigation(t, d.get(x.c, area).body)
				pages := []string{area}
				for label, r := range rows {
					if label != "Main" {
						pages = r
					}
				}
				if pages[0] != area {
					t.Errorf("%s does not begin where its area does: %v", area, pages)
				}
				for _, p := range pages {
					a := d.get(x.c, p)
					rows, here := navigation(t, a.body)
					if seen = append(seen, p); a.code != http.StatusOK || a.at != p || !slices.Equal(rows["Main"], first["Main"]) {
						t.Errorf("%s: %d at %s, %v", p, a.code, a.at, rows)
					}
					want := map[string][]string{"Main": {area + " page"}}
					if len(pages) > 1 {
						want["Main"] = []string{area + " true"}
					}
					for label := range rows {
						if label != "Main" {
							want[label] = []string{p + " page"}
						}
					}
					if len(here) != len(want) {
						t.Errorf("%s says it is at %v, want %v", p, here, want)
					}
					for label, w := range want {
						if !slices.Equal(here[label], w) {
							t.Errorf("%s says it is at %v, want %v", p, here, want)
						}
					}
				}
			}
			slices.Sort(seen)
			slices.Sort(x.want)
			if !slices.Equal(seen, x.want) {
				t.Errorf("leads to %v, want %v", seen, x.want)
			}
		})
	}
}
