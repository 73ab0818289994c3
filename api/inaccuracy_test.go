package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"bailiwick/name"
	"bailiwick/notify/email"
	"bailiwick/registration"
	"bailiwick/store"
)

// TestInaccuracies: who may open and see cases by the API; nothing here sends,
// closes or shows a value.
func TestInaccuracies(t *testing.T) {
	o := staffed(t)
	d, err := name.Parse("example.com")
	if err != nil {
		t.Fatal(err)
	}
	rec := registration.Record{Domain: "example.com", State: registration.Registered, Registrar: registration.Registrar{Name: "Example Registrar", IANAID: "9999", AbuseEmail: "desk@registrar.example"},
		Contacts: map[string]registration.Contact{registration.Registrant: {Name: "Ann Odd", Email: "zanzibar", Phone: "+44.2079460123", Street: []string{"1 Long Lane"}, City: "London", PostalCode: "SW1A 1AA", Country: "GB"}}}
	if err := o.app.Store.Update(t.Context(), func(tx *store.Tx) error {
		_, err := o.app.Centre.Remember(t.Context(), tx, d, rec, false)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	const body = `{"name":"www.example.com","profile":"waps-raa-2013"}`
	for _, role := range []string{"", "viewer", "auditor", "admin", "member", "api"} {
		want := http.StatusForbidden
		if role == "" {
			want = http.StatusUnauthorized
		}
		o.want(want, role, "POST", "/inaccuracies", body)
	}
	var c struct {
		ID, State string
		Findings  []struct{ Check string }
	}
	got := o.want(http.StatusCreated, "analyst", "POST", "/inaccuracies", body)
	if err := json.Unmarshal([]byte(got), &c); err != nil || c.State != "found" || len(c.Findings) != 1 || strings.Contains(got, "zanzibar") {
		t.Fatalf("%v %s", err, got)
	}
	o.want(http.StatusConflict, "analyst", "POST", "/inaccuracies", body)
	o.want(http.StatusUnprocessableEntity, "analyst", "POST", "/inaccuracies", strings.Replace(body, "waps-raa-2013", "none", 1))
	at := "/inaccuracies/" + c.ID
	for _, path := range []string{at, "/inaccuracies?open=true", "/inaccuracies?name=example.com"} {
		if got := o.want(http.StatusOK, "viewer", "GET", path, ""); !strings.Contains(got, c.ID) || strings.Contains(got, "zanzibar") {
			t.Errorf("%s", got)
		}
		o.want(http.StatusForbidden, "member", "GET", path, "")
	}
	for _, act := range []string{"send", "close", "reopen", "read", "file"} {
		if status, _ := o.do("analyst", "POST", at+"/"+act, `{}`); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", act, status)
		}
	}
	token := email.AnswerToken(o.app.Centre.ReplyKey, c.ID, email.InaccuracyRef)
	o.want(http.StatusConflict, "", "POST", "/inaccuracy-answers/"+token, `{"answer":"corrected"}`) // nobody was asked
	o.want(http.StatusNotFound, "", "POST", "/inaccuracy-answers/none", `{"answer":"corrected"}`)
	o.want(http.StatusUnprocessableEntity, "", "POST", "/inaccuracy-answers/"+token, `{"answer":"breach"}`)
}
