package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"bailiwick/access"
)

// TestVerifications: a registrar's system opens verifications and follows its own;
// others see what their role is for, and no answer holds the contact.
func TestVerifications(t *testing.T) {
	o := staffed(t)
	const body = `{"name":"shop.example.com","email":"zanzibar@example.com","registrar":"A Registrar","ref":"order 7"}`
	registered := strings.Replace(body, "shop.example.com", "example.com", 1)
	for _, role := range []string{"", "viewer", "auditor", "admin", "member", "api"} {
		want := http.StatusForbidden
		if role == "" {
			want = http.StatusUnauthorized
		}
		o.want(want, role, "POST", "/verifications", registered)
	}
	var v struct {
		ID, State, Org, Profile, Caveat string
		Seq                             int
		Holds                           bool
	}
	read := func(s string) {
		t.Helper()
		v.Org = ""
		if err := json.Unmarshal([]byte(s), &v); err != nil || strings.Contains(s, "zanzibar") {
			t.Fatalf("%v %s", err, s)
		}
	}
	read(o.want(http.StatusCreated, "registrar", "POST", "/verifications", registered))
	id := v.ID
	if v.State != "pending" || v.Org == "" || v.Holds || v.Profile != "waps" || v.Caveat != "not for compliance use" {
		t.Errorf("%+v", v)
	}
	if read(o.want(http.StatusCreated, "registrar", "POST", "/verifications", registered)); v.ID != id {
		t.Errorf("the same again is another: %+v", v)
	}
	o.want(http.StatusUnprocessableEntity, "registrar", "POST", "/verifications", body) // not a registered domain
	o.want(http.StatusUnprocessableEntity, "registrar", "POST", "/verifications", strings.Replace(registered, "zanzibar@", "zanzibar", 1))
	o.want(http.StatusUnprocessableEntity, "registrar", "POST", "/verifications", strings.Replace(registered, "}", `,"role":"king"}`, 1))
	at := "/verifications/" + id
	for _, role := range []string{"registrar", "analyst", "viewer", "member"} {
		read(o.want(http.StatusOK, role, "GET", at, ""))
	}
	o.want(http.StatusForbidden, "api", "GET", at, "")
	o.want(http.StatusForbidden, "viewer", "POST", at+"/answer", `{"code":"x"}`)
	o.want(http.StatusUnprocessableEntity, "registrar", "POST", at+"/answer", `{"code":"x"}`)
	o.want(http.StatusForbidden, "registrar", "POST", at+"/answer", `{"code":"3f7kq-00000-abcde-fghjk-mnpqr-stvwx-yz00"}`) // no such code
	o.want(http.StatusTooManyRequests, "registrar", "POST", at+"/again", "")
	if got := o.want(http.StatusOK, "registrar", "GET", "/verifications?group=open", ""); !strings.Contains(got, id) || strings.Contains(got, "zanzibar") {
		t.Errorf("%s", got)
	}

	// Another organisation's system sees nothing of it, and neither does one of the
	// centre's own: each sees its own.
	p, err := o.desk.AddPerson(t.Context(), access.Console, access.NewPerson{Login: "system", Roles: []access.Role{access.Registrar}})
	if err != nil {
		t.Fatal(err)
	}
	if o.keys["home"], _, err = o.desk.NewKey(t.Context(), access.Console, p.ID, "home", []access.Role{access.Registrar}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{at, at + "/none"} {
		if status, _ := o.do("home", "GET", path, ""); status == http.StatusOK {
			t.Errorf("%s: another's", path)
		}
	}
	o.want(http.StatusForbidden, "home", "POST", at+"/again", "")
	o.want(http.StatusForbidden, "home", "GET", "/verifications?after="+id, "")
	if got := o.want(http.StatusOK, "home", "GET", "/verifications", ""); strings.Contains(got, id) {
		t.Errorf("%s", got)
	}
	read(o.want(http.StatusCreated, "home", "POST", "/verifications", registered))
	if v.ID == id || v.Org != "" {
		t.Errorf("%+v", v)
	}
	if got := o.want(http.StatusOK, "analyst", "GET", "/verifications?name=example.com", ""); !strings.Contains(got, id) || !strings.Contains(got, v.ID) {
		t.Errorf("%s", got)
	}
	// A registration that is gone, as its own system says; twice is once.
	o.want(http.StatusForbidden, "home", "POST", at+"/gone", `{"how":"deleted"}`)
	o.want(http.StatusUnprocessableEntity, "registrar", "POST", at+"/gone", `{"how":"replaced"}`)
	for range 2 {
		if read(o.want(http.StatusOK, "registrar", "POST", at+"/gone", `{"how":"deleted"}`)); v.ID != id || v.State != "terminated" {
			t.Errorf("%+v", v)
		}
	}
	if read(o.want(http.StatusCreated, "registrar", "POST", "/verifications", registered)); v.ID == id || v.State != "pending" {
		t.Errorf("the next registration: %+v", v)
	}
	for _, act := range []string{"hold", "release", "evidence", "contact"} {
		if status, _ := o.do("analyst", "POST", at+"/"+act, `{}`); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", act, status)
		}
	}
}
