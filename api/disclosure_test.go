package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const disclosureBody = `{"name":"shop.example.com","fields":["contacts.registrant.email"],"requestor":"cert","basis":"legitimate_interests","purpose":"abuse","statement":"It imitates a bank.","person":"Ann Zanzibar"`

// TestDisclosures: who may draft, see and work requests by the API; nothing here
// decides one, and no answer names who asks.
func TestDisclosures(t *testing.T) {
	o := staffed(t)
	ours := disclosureBody + `,"party":"A Registrar","party_email":"desk@registrar.example"}`
	for _, role := range []string{"", "viewer", "auditor", "admin", "member", "api"} {
		want := http.StatusForbidden
		if role == "" {
			want = http.StatusUnauthorized
		}
		o.want(want, role, "POST", "/disclosures/sent", ours)
	}
	var d struct {
		ID, State, Caveat string
		Seq               int
	}
	read := func(s string) {
		t.Helper()
		if err := json.Unmarshal([]byte(s), &d); err != nil || strings.Contains(s, "Zanzibar") {
			t.Fatalf("%v %s", err, s)
		}
	}
	read(o.want(http.StatusCreated, "analyst", "POST", "/disclosures/sent", ours))
	if d.State != "drafted" || d.Caveat != "not for compliance use" {
		t.Errorf("%+v", d)
	}
	o.want(http.StatusConflict, "analyst", "POST", "/disclosures/sent", ours)
	o.want(http.StatusUnprocessableEntity, "analyst", "POST", "/disclosures/sent", strings.Replace(ours, "registrant.email", "registrant.passport", 1))
	at := "/disclosures/" + d.ID
	o.want(http.StatusForbidden, "viewer", "POST", at+"/send", `{}`)
	o.want(http.StatusConflict, "analyst", "POST", at+"/send", `{"seq":99}`)
	read(o.want(http.StatusOK, "analyst", "POST", at+"/send", `{"seq":2}`))
	read(o.want(http.StatusOK, "analyst", "POST", at+"/ask", `{"text":"They ask which bank."}`))
	if d.State != "more asked" {
		t.Errorf("%+v", d)
	}
	read(o.want(http.StatusOK, "viewer", "GET", at, ""))
	if got := o.want(http.StatusOK, "viewer", "GET", "/disclosures?direction=sent", ""); !strings.Contains(got, d.ID) || strings.Contains(got, "Zanzibar") {
		t.Errorf("%s", got)
	}
	for _, act := range []string{"grant", "refuse", "decide", "read"} {
		if status, _ := o.do("analyst", "POST", at+"/"+act, `{}`); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", act, status)
		}
	}
	// As shipped a centre takes no requests of others; what is no token finds none.
	o.want(http.StatusForbidden, "", "POST", "/disclosures", disclosureBody+"}")
	o.want(http.StatusNotFound, "", "GET", "/disclosure-status/none", "")
	o.want(http.StatusNotFound, "", "POST", "/disclosure-answers/none", `{"answer":"received"}`)
}
