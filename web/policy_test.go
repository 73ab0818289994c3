package web_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"bailiwick/lab"
)

// TestPolicyPages: anybody may read the profiles; what is not primary says so;
// two can be laid side by side; each page has its twin.
func TestPolicyPages(t *testing.T) {
	w := newWorld(t, lab.Generate(1, 1))
	get := func(path string) (int, string) {
		t.Helper()
		r, err := http.Get(w.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(b)
	}
	for _, c := range []struct {
		path   string
		status int
		wants  []string
	}{
		{"/policies", 200, []string{`<a href="/policies/nl"><code>nl</code></a>`, `<span class="state wait">guidance</span>`, `<span class="state quiet">historical</span>`}},
		{"/policies/waps-raa-2013", 200, []string{`id="waps.1f"`, `<span class="state wait">secondary</span> <span class="small dim">not for compliance use</span>`, `<span class="state ok">primary</span>`,
			`rel="noreferrer nofollow"`, "within 15 days", `href="/policies/hints"`}},
		{"/policies/nl", 200, []string{"within 3 working days, then unlink the name servers", "From nis2-art28"}},
		{"/policies/ars-2013?against=ars-2009", 200, []string{"What differs from ars-2009", "registrant ars.postal.5", "a failure: pass; a warning: warn (primary)"}},
		{"/policies/nobody", 404, nil},
		{"/policies/uk?against=%3Cscript%3E", 404, nil},
	} {
		status, body := get(c.path)
		if status != c.status {
			t.Errorf("%s: %d", c.path, status)
		}
		for _, want := range c.wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %s", c.path, want)
			}
		}
		if strings.Contains(body, "<script>") {
			t.Errorf("%s gives back what was asked as it was", c.path)
		}
	}
	var list, changes []map[string]any
	var one map[string]any
	for path, v := range map[string]any{"/policies?format=json": &list, "/policies/uk?format=json": &one, "/policies/ars-2013?against=ars-2009&format=json": &changes} {
		if _, body := get(path); json.Unmarshal([]byte(body), v) != nil {
			t.Errorf("%s is no JSON: %.200s", path, body)
		}
	}
	if len(list) < 14 || one["profile"] != "uk" || one["hash"] == nil || len(changes) == 0 {
		t.Errorf("%d profiles, %v, %d changes", len(list), one["profile"], len(changes))
	}
}
