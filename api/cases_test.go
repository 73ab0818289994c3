package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/api"
	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/store"
)

// office is a centre with people and their keys.
type office struct {
	t    *testing.T
	url  string
	desk *access.Desk
	keys map[string]string // by role
	id   map[string]string // of keys, by role
	who  string            // id of the person of all keys but the member's
	c    filer
	app  *app.App
}

// staffed serves the API with a key for every role.
func staffed(t *testing.T) *office {
	t.Helper()
	a, _ := serve(t)
	desk := access.New(a.Store.Access(), access.Options{Clock: a.Centre.Clock, NewID: a.Centre.NewID, Params: access.Params{Time: 1, Memory: 64, Threads: 1}})
	mux := http.NewServeMux()
	api.New(a.Centre, desk).Register(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	o := &office{t: t, url: srv.URL + "/api/v1", desk: desk, keys: map[string]string{}, id: map[string]string{}, c: filer{a.Store, a.Centre.Triage}, app: a}
	org, err := desk.AddOrg(t.Context(), access.Console, "Example Bank")
	if err != nil {
		t.Fatal(err)
	}
	p, err := desk.AddPerson(t.Context(), access.Console, access.NewPerson{Login: "all", Org: org.ID, Roles: access.Roles()})
	if err != nil {
		t.Fatal(err)
	}
	o.who = p.ID
	for _, r := range access.Roles() {
		secret, k, err := desk.NewKey(t.Context(), access.Console, p.ID, string(r), []access.Role{r}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		o.keys[string(r)], o.id[string(r)] = secret, k.ID
	}
	return o
}

// do sends a request with the key of a role, "" for none.
func (o *office) do(role, method, path, body string) (int, string) {
	o.t.Helper()
	header := []string{"Content-Type", "application/json"}
	if role != "" {
		header = append(header, "Authorization", "Bearer "+o.keys[role])
	}
	resp, got := send(o.t, method, o.url+path, body, header...)
	if resp.StatusCode == http.StatusUnauthorized && resp.Header.Get("WWW-Authenticate") == "" {
		o.t.Errorf("%s %s: 401 without a challenge", method, path)
	}
	return resp.StatusCode, got
}

// want is do with an expected status.
func (o *office) want(status int, role, method, path, body string) string {
	o.t.Helper()
	got, answer := o.do(role, method, path, body)
	if got != status {
		o.t.Fatalf("%s %s as %q: %d, not %d: %.300s", method, path, role, got, status, answer)
	}
	return answer
}

func read[T any](t *testing.T, s string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v in %.300s", err, s)
	}
	return v
}

type filer struct {
	s      *store.Store
	triage func(context.Context, []string) error
}

// Triage files reports and gives the cases they are on.
func (f filer) Triage(t *testing.T, receipts ...string) (cases []string) {
	t.Helper()
	var ids []string
	look := func(then func(store.Report)) {
		if err := f.s.View(t.Context(), func(tx *store.Tx) error {
			for _, rc := range receipts {
				r, err := tx.ReportByReceipt(t.Context(), rc)
				if err != nil {
					return err
				}
				then(r)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	look(func(r store.Report) { ids = append(ids, r.ID) })
	if err := f.triage(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	look(func(r store.Report) { cases = append(cases, r.Cases...) })
	return cases
}

// file reports a name, as nobody, and gives its case.
func (o *office) file(name string) string {
	o.t.Helper()
	rc := read[struct {
		Receipt string `json:"receipt"`
	}](o.t, o.want(http.StatusAccepted, "", "POST", "/reports", fmt.Sprintf(`{"type":"phishing","url":"https://%s/login","reporter":{"contact":"victim@mail.example","name":"V. Ictim"}}`, name)))
	cases := o.c.Triage(o.t, rc.Receipt)
	if len(cases) != 1 {
		o.t.Fatalf("%s is on %v", name, cases)
	}
	return cases[0]
}

type oneCase struct {
	ID, State, Outcome string
	Seq                int
	Subject            struct{ Key, Kind string }
	MergedInto         string `json:"merged_into"`
	URLs               []string
}

type page struct {
	Cases []oneCase
	Next  string
}

// TestKeysOnly: nothing of a case is seen or done without a key that may.
func TestKeysOnly(t *testing.T) {
	o := staffed(t)
	id := o.file("bad.example.com")
	routes := []struct {
		method, path, body string
		read               bool
	}{
		{"GET", "/cases", "", true}, {"GET", "/cases/" + id, "", true}, {"GET", "/cases/" + id + "/log", "", true},
		{"POST", "/cases/" + id + "/confirm", "{}", false}, {"POST", "/cases/" + id + "/reject", `{"reason":"r"}`, false}, {"POST", "/cases/" + id + "/note", `{"text":"n"}`, false},
		{"POST", "/cases/" + id + "/answer", `{"obligation":"o","answer":"acted"}`, false}, {"POST", "/cases/" + id + "/extend", `{"obligation":"o","until":"2030-01-01T00:00:00Z","reason":"r"}`, false},
		{"POST", "/cases/" + id + "/close", `{"reason":"r"}`, false}, {"POST", "/cases/" + id + "/reopen", `{"reason":"r"}`, false}, {"POST", "/cases/" + id + "/merge", `{"into":"x"}`, false},
		{"POST", "/cases/" + id + "/unmerge", "{}", false}, {"POST", "/cases/" + id + "/ask", `{"step":"registry","reason":"r"}`, false},
		{"POST", "/cases/" + id + "/escalate", `{"obligation":"o","reason":"r"}`, false}, {"POST", "/cases/" + id + "/assign", `{"to":"me"}`, false},
	}
	for _, r := range routes {
		if status, body := o.do("", r.method, r.path, r.body); status != http.StatusUnauthorized || !strings.Contains(body, "sign in, or send a key") {
			t.Errorf("%s %s without a key: %d %s", r.method, r.path, status, body)
		}
		for _, role := range access.Roles() {
			if role == access.Analyst || r.read && role == access.Viewer {
				continue
			}
			if status, body := o.do(string(role), r.method, r.path, r.body); status != http.StatusForbidden || strings.Contains(body, id) {
				t.Errorf("%s %s as %s: %d %s", r.method, r.path, role, status, body)
			}
		}
	}
	// A case that is not there is told from one that may not be seen only to
	// who may see cases.
	o.want(http.StatusForbidden, "member", "GET", "/cases/none", "")
	o.want(http.StatusNotFound, "viewer", "GET", "/cases/none", "")
	o.want(http.StatusNotFound, "viewer", "GET", "/cases/none/log", "")
	o.want(http.StatusForbidden, "viewer", "GET", "/cases/"+id+"/log?purpose=work", "")
	o.want(http.StatusOK, "auditor", "GET", "/cases/"+id+"/log?purpose=audit", "")

	// Keys that are none, everywhere, even where none is needed.
	for _, h := range []string{"Bearer bw_" + strings.Repeat("A", 43), "Bearer x", "Bearer", "Basic YTpi", "bw_x"} {
		for _, path := range []string{"/cases", "/reports/x"} {
			resp, body := send(t, "GET", o.url+path, "", "Authorization", h)
			if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("Content-Type") != "application/problem+json" || resp.Header.Get("WWW-Authenticate") == "" || strings.Contains(body, "AAA") {
				t.Errorf("%q at %s: %d %s", h, path, resp.StatusCode, body)
			}
		}
		resp, _ := send(t, "POST", o.url+"/reports/bulk", `{"type":"phishing","url":"https://b.example.com/"}`, "Authorization", h)
		if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q in bulk: %d", h, resp.StatusCode)
		}
	}
	if err := o.desk.RevokeKey(t.Context(), access.Console, o.id["viewer"]); err != nil {
		t.Fatal(err)
	}
	o.want(http.StatusUnauthorized, "viewer", "GET", "/cases", "")
	if err := o.desk.SetRoles(t.Context(), access.Console, o.who, []access.Role{access.Viewer}); err != nil {
		t.Fatal(err)
	}
	o.want(http.StatusForbidden, "analyst", "GET", "/cases", "") // the key has lost what its owner lost
}

// TestReportsByKey: idempotency keys belong to the API key, whatever the address.
func TestReportsByKey(t *testing.T) {
	o := staffed(t)
	body := `{"type":"phishing","url":"https://bad.example.com/"}`
	receipt := func(role, path, body string) string {
		header := []string{"Content-Type", "application/json", "Idempotency-Key", "k1"}
		if role != "" {
			header = append(header, "Authorization", "bearer "+o.keys[role])
		}
		resp, got := send(t, "POST", o.url+path, body, header...)
		if resp.StatusCode/100 != 2 {
			t.Fatalf("%d %s", resp.StatusCode, got)
		}
		return read[struct{ Receipt string }](t, strings.SplitN(got, "\n", 2)[0]).Receipt
	}
	api, viewer, nobody := receipt("api", "/reports", body), receipt("viewer", "/reports", body), receipt("", "/reports", body)
	if api == viewer || api == nobody || viewer == nobody || api == "" {
		t.Errorf("%s %s %s", api, viewer, nobody)
	}
	if again := receipt("api", "/reports", body); again != api {
		t.Errorf("sent again: %s, not %s", again, api)
	}
	bulk, other := receipt("api", "/reports/bulk", body+"\n"), receipt("", "/reports/bulk", body+"\n")
	if again := receipt("api", "/reports/bulk", body+"\n"); again != bulk || bulk == other {
		t.Errorf("in bulk: %s, again %s, without a key %s", bulk, again, other)
	}
}

func TestListCases(t *testing.T) {
	o := staffed(t)
	var ids []string
	for _, n := range []string{"a.example.com", "b.example.net", "c.example.org"} {
		ids = append([]string{o.file(n)}, ids...)
	}
	list := func(query string) page {
		return read[page](t, o.want(http.StatusOK, "viewer", "GET", "/cases"+query, ""))
	}
	var got []string
	pages := 0
	for after := ""; ; pages++ {
		p := list("?limit=2&after=" + after)
		for _, c := range p.Cases {
			got = append(got, c.ID)
		}
		if after = p.Next; after == "" {
			break
		}
	}
	if strings.Join(got, " ") != strings.Join(ids, " ") || pages != 1 {
		t.Errorf("%v in %d pages, want %v", got, pages+1, ids)
	}
	if p := list("?name=EXAMPLE.n"); len(p.Cases) != 1 || p.Cases[0].Subject.Key != "example.net" || p.Next != "" {
		t.Errorf("by name: %+v", p)
	}
	if p := list("?state=closed"); p.Cases == nil || len(p.Cases) != 0 {
		t.Errorf("by state: %+v", p)
	}
	if p := list("?type=phishing&state=new&limit=3"); len(p.Cases) != 3 || p.Next != "" {
		t.Errorf("by type: %+v", p)
	}
	for _, bad := range []string{"?limit=0", "?limit=1001", "?state=odd", "?limit=x", "?purpose=fun", "?name=" + strings.Repeat("x", 256)} {
		o.want(http.StatusUnprocessableEntity, "viewer", "GET", "/cases"+bad, "")
	}
	o.want(http.StatusNotFound, "viewer", "GET", "/cases?after=none", "")
}

// TestCaseLog: what is personal is shown for a purpose that needs it, and each
// such look is logged.
func TestCaseLog(t *testing.T) {
	o := staffed(t)
	id := o.file("bad.example.com")
	o.want(http.StatusOK, "analyst", "POST", "/cases/"+id+"/note", `{"text":"called the holder, +1 555 0100"}`)
	type event struct {
		Seq         int
		Kind, Actor string
		Hash        string
		Body        json.RawMessage
		Withheld    bool
		Erased      bool
	}
	events := func(role, query string) ([]event, int) {
		v := read[struct {
			Events []event
			Next   int
		}](t, o.want(http.StatusOK, role, "GET", "/cases/"+id+"/log"+query, ""))
		return v.Events, v.Next
	}
	const note, contact = "555 0100", "victim@mail.example"
	looks := func() (out []access.Entry) {
		all, err := o.desk.Entries(t.Context(), access.EntryFilter{Act: access.Looked})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	for _, c := range []struct {
		role, query   string
		note, contact bool
		logged        int
	}{
		{"viewer", "", false, false, 0},
		{"analyst", "", false, false, 0},
		{"auditor", "?purpose=audit", false, false, 0},
		{"analyst", "?purpose=work", true, false, 1},
		{"analyst", "?purpose=answer", true, true, 2},
	} {
		before := len(looks())
		es, _ := events(c.role, c.query)
		all, withheld := "", 0
		for i, e := range es {
			if e.Seq != i+1 || len(e.Hash) != 64 || e.Withheld == (len(e.Body) > 0) || e.Erased {
				t.Errorf("%s%s: %+v", c.role, c.query, e)
			}
			all += string(e.Body)
			if e.Withheld {
				withheld++
			}
		}
		hidden := 0
		for _, shown := range []bool{c.note, c.contact} {
			if !shown {
				hidden++
			}
		}
		if strings.Contains(all, note) != c.note || strings.Contains(all, contact) != c.contact || withheld != hidden {
			t.Errorf("%s%s: note %v, contact %v, %d withheld", c.role, c.query, strings.Contains(all, note), strings.Contains(all, contact), withheld)
		}
		if n := len(looks()) - before; n != c.logged {
			t.Errorf("%s%s: %d looks are logged", c.role, c.query, n)
		}
	}
	last := looks()[0]
	if last.Actor != "person:"+o.who+"/key:"+o.id["analyst"] || last.Purpose != access.Answer || last.Kind != access.Reporter || last.Object != id {
		t.Errorf("%+v", last)
	}
	first, next := events("viewer", "?limit=2")
	rest, end := events("viewer", fmt.Sprintf("?after=%d", next))
	if len(first) != 2 || next != 2 || len(rest) == 0 || rest[0].Seq != 3 || end != 0 {
		t.Errorf("%d events, next %d; %d events, next %d", len(first), next, len(rest), end)
	}
}

// TestWork walks a case through what an analyst can do to it.
func TestWork(t *testing.T) {
	o := staffed(t)
	id, other := o.file("bad.example.com"), o.file("worse.example.net")
	get := func() oneCase { return read[oneCase](t, o.want(http.StatusOK, "viewer", "GET", "/cases/"+id, "")) }
	act := func(what, body string) oneCase {
		return read[oneCase](t, o.want(http.StatusOK, "analyst", "POST", "/cases/"+id+"/"+what, body))
	}
	refused := func(status int, what, body string) string {
		return o.want(status, "analyst", "POST", "/cases/"+id+"/"+what, body)
	}
	was := get()
	if was.Subject.Key != "example.com" || was.State != "new" || len(was.URLs) != 1 {
		t.Errorf("%+v", was)
	}
	if c := act("note", `{"text":"n"}`); c.Seq != was.Seq+1 {
		t.Errorf("%+v", c)
	}
	// Two people: the second has not seen what the first did.
	refused(http.StatusConflict, "reject", fmt.Sprintf(`{"reason":"late","seq":%d}`, was.Seq-1))
	if c := act("merge", fmt.Sprintf(`{"into":%q}`, other)); c.State != "merged" || c.MergedInto != other {
		t.Errorf("%+v", c)
	}
	refused(http.StatusConflict, "close", `{"reason":"r"}`)
	if c := act("unmerge", "{}"); c.State != "new" {
		t.Errorf("%+v", c)
	}
	if c := act("close", `{"reason":"asked by the holder"}`); c.State != "closed" || c.Outcome != string(casework.ByHand) {
		t.Errorf("%+v", c)
	}
	refused(http.StatusConflict, "reject", `{"reason":"r"}`)
	if c := act("reopen", `{"reason":"back"}`); c.State != "investigating" {
		t.Errorf("%+v", c)
	}
	refused(http.StatusNotFound, "answer", `{"obligation":"none","answer":"acted"}`)
	refused(http.StatusNotFound, "extend", `{"obligation":"none","until":"2030-01-01T00:00:00Z","reason":"r"}`)
	if c := act("reject", fmt.Sprintf(`{"reason":"a test page","seq":%d}`, get().Seq)); c.State != "closed" {
		t.Errorf("%+v", c)
	}
	for what, body := range map[string]string{"reject": `{}`, "note": `{"text":""}`, "answer": `{"obligation":"o","answer":"maybe"}`, "extend": `{"obligation":"o","reason":"r"}`,
		"close": `{"reason":"r","more":1}`, "merge": `{"into":""}`, "confirm": `{"class":"innocent"}`, "reopen": `{"reason":"` + strings.Repeat("x", 4001) + `"}`} {
		refused(http.StatusUnprocessableEntity, what, body)
	}
	// A confirmation rests on a look, and there is no network here: this is a
	// refusal of the rules against harm, not of access.
	if got := o.want(http.StatusForbidden, "analyst", "POST", "/cases/"+other+"/confirm", `{"class":"malicious"}`); !strings.Contains(got, "nothing was live") {
		t.Error(got)
	}

	es := read[struct {
		Events []struct{ Actor, Kind string }
	}](t, o.want(http.StatusOK, "viewer", "GET", "/cases/"+id+"/log", ""))
	if last := es.Events[len(es.Events)-1]; last.Actor != "person:"+o.who+"/key:"+o.id["analyst"] || last.Kind != "rejected" {
		t.Errorf("%+v", last)
	}
}

// TestAssignAndAsk: a case is given to somebody; and what needs a confirmed case,
// or names neither a step nor an obligation, is refused with the reason.
func TestAssignAndAsk(t *testing.T) {
	o := staffed(t)
	id := o.file("bad.example.com")
	type got struct{ Assignee string }
	if g := read[got](t, o.want(http.StatusOK, "analyst", "POST", "/cases/"+id+"/assign", `{"to":"all"}`)); g.Assignee != "person:"+o.who {
		t.Errorf("assigned to %q", g.Assignee)
	}
	if g := read[struct{ Cases []got }](t, o.want(http.StatusOK, "viewer", "GET", "/cases", "")); len(g.Cases) != 1 || g.Cases[0].Assignee == "" {
		t.Errorf("%+v", g)
	}
	o.want(http.StatusUnprocessableEntity, "analyst", "POST", "/cases/"+id+"/assign", `{"to":"nobody-here"}`)
	if g := read[got](t, o.want(http.StatusOK, "analyst", "POST", "/cases/"+id+"/assign", `{"to":""}`)); g.Assignee != "" {
		t.Errorf("assigned to %q", g.Assignee)
	}
	o.want(http.StatusConflict, "analyst", "POST", "/cases/"+id+"/assign", `{"to":"me","seq":1}`)
	for path, body := range map[string]string{"/ask": `{"step":"registry","reason":"r"}`, "/escalate": `{"obligation":"o","reason":"r"}`} {
		if b := o.want(http.StatusConflict, "analyst", "POST", "/cases/"+id+path, body); !strings.Contains(b, "nobody is asked before it is confirmed") {
			t.Errorf("%s: %s", path, b)
		}
	}
	for _, body := range []string{`{"reason":"r"}`, `{"step":"registry","obligation":"o","reason":"r"}`, `{"step":"registry"}`, `{"step":"registry","reason":""}`} {
		o.want(http.StatusUnprocessableEntity, "analyst", "POST", "/cases/"+id+"/ask", body)
	}
}
