package web

import (
	"slices"

	"bailiwick/access"
)

// The navigation: a few areas, and under the bar the pages of the one somebody is
// in. Two rows of plain links need no script, hide nothing behind a click, and
// wrap where a screen is narrow.

// navArea is a part of the site. Its first page is where it begins.
type navArea struct {
	Word, Link string
	Here       bool
	Pages      []navPage // none where the area is one page
}

// navPage is a page of an area. Its key is what pages say in page.Here.
type navPage struct {
	key, Word, Link string
	Here            bool
}

// navOf says which area and page somebody is at, of the areas they may see. A
// page that stands in no area is in none; also are the keys of pages that belong
// to an area and are no entry of it.
func navOf(here string, areas []navArea, also map[string]string) (out []navArea, at *navArea) {
	for _, a := range areas {
		if len(a.Pages) == 0 {
			continue
		}
		a.Link = a.Pages[0].Link
		for i := range a.Pages {
			p := &a.Pages[i]
			p.Here = p.key == here
			a.Here = a.Here || p.Here || p.key == also[here]
		}
		out = append(out, a)
	}
	for i := range out {
		if a := &out[i]; a.Here && len(a.Pages) > 1 {
			at = a
		}
	}
	return out, at
}

// navAlso are the pages that are no entry, each with an entry of its area.
var navAlso = map[string]string{"status": "report", "home": "report"}

// nav is the navigation of who asks.
func (s *site) nav(r *request, here string) ([]navArea, *navArea) {
	var areas []navArea
	if r.person.Known() && s.may(r, access.Case, "").Allowed {
		areas = append(areas,
			navArea{Word: "Cases", Pages: []navPage{{key: "desk", Word: "Queue", Link: "/desk"}, {key: "handoffs", Word: "Hand over", Link: "/desk/handoffs"}, {key: "parties", Word: "Parties", Link: "/parties"}}},
			navArea{Word: "Registration data", Pages: []navPage{{key: "inaccuracy", Word: "Corrections", Link: "/desk/inaccuracy"}, {key: "verifications", Word: "Verification", Link: "/desk/verifications"}, {key: "disclosures", Word: "Disclosure", Link: "/desk/disclosures"}}})
	}
	if r.person.Known() && s.shares(r, access.Read, "").Allowed {
		areas = append(areas, navArea{Word: "Asked of us", Pages: []navPage{{key: "asks", Word: "Asked of us", Link: "/asks"}}})
	}
	ask := []navPage{{key: "report", Word: "Report abuse", Link: "/report"}}
	if s.c.Settings().Disclosure.Take {
		ask = append(ask, navPage{key: "disclosure", Word: "Request registration data", Link: "/disclosure"})
	}
	// The public comes to report; the desk has other ways in.
	all := []navArea{{Word: "Report", Pages: ask}, {Word: "Figures", Pages: []navPage{{key: "figures", Word: "Figures", Link: "/figures"}}},
		{Word: "Accuracy", Pages: []navPage{{key: "accuracy", Word: "Overview", Link: "/accuracy"}, {key: "surveys", Word: "Surveys", Link: "/surveys"}, {key: "policies", Word: "Policies", Link: "/policies"}}}}
	if len(areas) > 0 {
		slices.Reverse(all)
	}
	areas = append(areas, all...)
	if s.keeps(r) || s.audits(r) {
		office := []navPage{{key: "people", Word: "People", Link: "/people"}, {key: "keys", Word: "Keys", Link: "/keys"}, {key: "orgs", Word: "Organisations", Link: "/orgs"}}
		if s.audits(r) {
			office = append(office, navPage{key: "access-log", Word: "Access log", Link: "/access-log"})
		}
		areas = append(areas, navArea{Word: "People", Pages: office})
	}
	return navOf(here, areas, navAlso)
}
