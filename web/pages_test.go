package web_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/lab"
	"bailiwick/notify/email"
	"bailiwick/store"
)

// pagesOf are the addresses of every page of a world that is under way, by
// name.
func pagesOf(t testing.TB, w *world) map[string]string {
	t.Helper()
	out := map[string]string{"home": "/", "report": "/report", "figures": "/figures", "queue": "/desk", "closed": "/desk?state=closed", "handoffs": "/desk/handoffs",
		"parties": "/parties", "missing": "/report/none", "preferences": "/preferences", "me": "/me", "mine": "/desk?assignee=me",
		"people": "/people", "keys": "/keys", "orgs": "/orgs", "access-log": "/access-log", "search": "/search?q=no-such-name",
		"policies": "/policies", "policy": "/policies/waps-raa-2013", "policy-diff": "/policies/ars-2013?against=ars-2009"}
	cases, err := w.Centre.Cases(t.Context(), store.CaseFilter{})
	if err != nil {
		t.Fatal(err)
	}
	best := map[string]int{}
	put := func(name string, c casework.Case) {
		if best[name] < c.Seq {
			best[name] = c.Seq
			out[name] = "/cases/" + c.ID
		}
	}
	for _, c := range cases {
		switch c.State {
		case casework.Coordinating:
			put("case", c)
			d, err := w.Centre.Dossier(t.Context(), c.ID, 0, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			may := w.Centre.Offers(d.Case, d.Playbook)
			if len(may.Ask)+len(may.Again) > 0 {
				put("case-ask", c)
			}
			if len(may.Escalate) > 0 {
				put("case-escalate", c)
			}
			if c.Class == casework.Malicious && c.GoneSince.IsZero() && slices.ContainsFunc(c.Obligations, func(o casework.Obligation) bool { return o.Status == casework.Running }) {
				put("case-clock", c)
			}
			for _, o := range c.Obligations {
				if c.ForPerson(o) {
					out["handoff"] = "/cases/" + c.ID + "/handoff/" + o.ID
				}
			}
		case casework.Closed:
			put("case-closed", c)
			out["name"] = "/names/" + c.Subject.Key()
		case casework.Unconfirmed, casework.Investigating:
			put("case-"+string(c.State), c)
		}
		if c.Look != nil && len(c.Look.Blobs) > 0 {
			out["evidence"] = "/cases/" + c.ID + "/evidence/" + c.Look.Blobs[0]
		}
		for _, o := range c.Obligations {
			if !o.Delivered.IsZero() && o.Action.Asks() {
				out["party"] = "/parties/" + o.Party.ID
				out["answer"] = "/answer/" + email.AnswerToken(w.Centre.ReplyKey, c.ID, o.ID)
			}
		}
		if len(c.Reports) > 0 {
			if err := w.Store.View(t.Context(), func(tx *store.Tx) error {
				r, err := tx.Report(t.Context(), c.Reports[0].ID)
				out["status"] = "/report/" + r.Receipt
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	p, err := w.Access.AddPerson(t.Context(), access.Console, access.NewPerson{Login: "new-hand", Name: "New Hand", Roles: []access.Role{access.Viewer}})
	if err != nil {
		t.Fatal(err)
	}
	out["person"] = "/people/" + p.ID
	link, err := w.Access.Invite(t.Context(), access.Console, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	out["welcome"], out["welcome-over"] = access.WelcomePath+link, access.WelcomePath+"none"
	org, err := w.Access.AddOrg(t.Context(), access.Console, "Example Bank")
	if err != nil {
		t.Fatal(err)
	}
	me, err := w.Access.PersonByLogin(t.Context(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	memberPages(t, w, out, org, me)
	for _, name := range []string{"a feed of ours", "a script that is over"} {
		_, k, err := w.Access.NewKey(t.Context(), access.Console, me.ID, name, []access.Role{access.API}, time.Time{})
		if err == nil && name != "a feed of ours" {
			err = w.Access.RevokeKey(t.Context(), access.Console, k.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	disclosurePages(t, w, out)
	inaccuracyPages(t, w.App, out)
	verificationPages(t, w, out)
	registrationPages(t, w, out)
	accuracyPagesOf(t, w, out)
	return out
}

// notPages are GET routes that are no page of their own: files, exports, and
// what only leads elsewhere.
var notPages = map[string]bool{"GET /receipt": true, "GET /cases/{id}/chain.jsonl": true, "GET /desk/disclosures/{id}/chain.jsonl": true, "GET /desk/verifications/{id}/chain.jsonl": true,
	"GET /desk/inaccuracy/{id}/chain.jsonl": true, "GET /desk/inaccuracy/{id}/file": true, "GET /surveys/{id}/report.html": true}

// TestEveryPageIsLookedAt: each GET route of the pages is in pagesOf, so that it is
// held against axe and photographed. What only a demo serves has a test of its own.
func TestEveryPageIsLookedAt(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	mux, routes := http.NewServeMux(), []string{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || strings.HasPrefix(f, "demo") {
			continue
		}
		src, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(src, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			if p, err := strconv.Unquote(lit.Value); err == nil && strings.HasPrefix(p, "GET /") {
				mux.HandleFunc(p, func(http.ResponseWriter, *http.Request) {})
				routes = append(routes, p)
			}
			return true
		})
	}
	w := newWorld(t, lab.Generate(3, 12), "live-phishing")
	analyst(t, w.App)
	w.until(3 * 24 * time.Hour)
	seen := map[string]bool{"GET /login": true} // TestAccessibility goes there first
	for _, path := range pagesOf(t, w) {
		_, pattern := mux.Handler(httptest.NewRequest(http.MethodGet, path, nil))
		seen[pattern] = true
	}
	if len(routes) < 20 {
		t.Errorf("only these routes were found: %v", routes)
	}
	for _, r := range routes {
		if !seen[r] && !notPages[r] {
			t.Errorf("%q is registered, and pagesOf has no address of it", r)
		}
	}
}
