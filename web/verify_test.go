package web_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"html"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/store"
	"bailiwick/verify"
	"bailiwick/web"
)

// holdingProfile writes a profile of an operator's own, under which a person may
// put a name on hold at once.
func holdingProfile(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "profile.yaml")
	if err := os.WriteFile(path, []byte(`
id: lab
name: A registry that requires verification
rules:
  - on: [registered, transferred, changed, doubted]
    verify: [email, phone]
    need: each
    due: {within: 72h, basis: ours, read: 2026-11-26}
    reminders: {at: [0s, 24h], basis: ours, read: 2026-11-26}
    hold: {within: 96h, basis: ours, read: 2026-11-26}
    registrant: hold
    account_holder: hand
codes: {life: 360h, attempts: 3, apart: 1h, basis: ours, read: 2026-11-26}
notice: {within: 24h, basis: ours, read: 2026-11-26}
statuses: [clientHold]
sanction: {grounds: [no_reply_to_enquiry], statuses: [clientHold, clientTransferProhibited], terminate: true, basis: ours, read: 2026-11-26}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// verificationPages adds the pages of verification to those that are looked at: the
// public one in its states, the list, and one with all that can be done on it.
func verificationPages(t testing.TB, w *world, out map[string]string) {
	t.Helper()
	ctx := t.Context()
	open := func(name, mailbox, profile string) centre.Verification {
		v, err := w.Centre.OpenVerification(ctx, centre.VerificationDraft{Name: name, Email: mailbox, Phone: "+1.2025550123", Registrar: "Example Registrar", Ref: "order 7", Profile: profile}, "person:ann")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	waiting := open("first.com", "one@mail.example", "lab")
	held := open("second.com", "two@mail.example", "lab")
	if _, err := w.Centre.ActVerification(ctx, held.ID, 0, verify.Sanction{By: "person:ann", Ground: verify.NoReply, Text: "Nobody answered an enquiry."}, verify.Note{By: "person:ann", Text: "They may call."}); err != nil {
		t.Fatal(err)
	}
	strange := open("fourth.com", "four@mail.example", "lab")
	if _, err := w.Centre.NotMine(ctx, w.Centre.VerificationToken(strange)); err != nil {
		t.Fatal(err)
	}
	public := func(v centre.Verification) string { return "/verify/" + w.Centre.VerificationToken(v) }
	for name, path := range map[string]string{"verify": public(waiting), "verify-refused": public(strange), "verifications": "/desk/verifications", "verification": "/desk/verifications/" + waiting.ID,
		"verification-held": "/desk/verifications/" + held.ID} {
		out[name] = path
	}
}

// newVerifying is a desk that verifies, with no network around it.
func newVerifying(t testing.TB) *desk {
	t.Helper()
	cfg, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg.Database, cfg.Blobs, cfg.Centre.Name = "sqlite:"+filepath.Join(dir, "state.db"), filepath.Join(dir, "blobs"), "Registrar"
	cfg.Verify.Profiles = []string{holdingProfile(t, dir)}
	a, err := app.New(t.Context(), cfg, app.World{ByHand: true, Dial: func(context.Context, netip.Addr, string, string) (net.Conn, error) {
		return nil, errors.New("there is no network here")
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	mux := http.NewServeMux()
	if err := web.Register(mux, a.Centre, web.Options{Access: a.Access}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return &desk{App: a, t: t, url: srv.URL, c: visitor()}
}

// mailed makes the code of a message, as if it left now.
func mailed(t *testing.T, d *desk, id string, n int) string {
	t.Helper()
	code, err := verify.NewCode(rand.Reader)
	if err == nil {
		_, err = d.Centre.ActVerification(t.Context(), id, 0, verify.Make{By: casework.Centre, N: n, Code: code})
	}
	if err != nil {
		t.Fatal(err)
	}
	return code.Text()
}

// TestVerificationPages: the desk begins, the holder answers at the public page, and
// the desk sees it. Following the link changes nothing.
func TestVerificationPages(t *testing.T) {
	d := newVerifying(t)
	d.c = d.signIn("ana", access.Analyst)
	const holder = "holder@mail.example"
	list := d.get(d.c, "/desk/verifications")
	form := plus(acting(list), "name", "first.com", "email", holder, "phone", "+1.2025550123", "profile", "lab", "registrar", "<b>Reg</b>", "role", "registrant", "trigger", "registered")
	bad := plus(acting(list), "name", "www.first.com", "email", holder)
	if a := d.post(d.c, "/desk/verifications", bad); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, "The name is not a registered domain") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if a := d.post(d.c, "/desk/verifications", form); a.code != http.StatusOK && a.code != http.StatusSeeOther {
		t.Fatalf("%d %s", a.code, a.body)
	}
	vs, err := d.Centre.Verifications(t.Context(), store.VerificationFilter{})
	if err != nil || len(vs) != 1 {
		t.Fatalf("%+v %v", vs, err)
	}
	id, at := vs[0].ID, "/desk/verifications/"+vs[0].ID
	code := mailed(t, d, id, 1)
	page := d.get(d.c, at)
	if page.code != http.StatusOK || strings.Contains(page.body, holder) || strings.Contains(page.body, code) || strings.Contains(page.body, "<b>Reg</b>") || strings.Contains(page.body, "2025550123") {
		t.Errorf("%d %s", page.code, page.body)
	}

	// The public page: nothing of the contact, and a look is no answer.
	public, link := visitor(), "/verify/"+d.Centre.VerificationToken(vs[0])
	for range 3 {
		if a := d.get(public, link); a.code != http.StatusOK || strings.Contains(a.body, holder) || strings.Contains(a.body, code) || !strings.Contains(a.body, `>first<`) {
			t.Fatalf("%d %s", a.code, a.body)
		}
	}
	seq := func() (centre.Verification, int) {
		v, err := d.Centre.Verification(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return v, v.Seq
	}
	_, before := seq()
	if _, now := seq(); now != before {
		t.Errorf("looking at the page wrote %d events", now-before)
	}
	for _, tc := range []struct {
		form   url.Values
		status int
		says   string
	}{
		{url.Values{"code": {""}}, http.StatusUnprocessableEntity, "is missing"},
		{url.Values{"code": {"<script>alert(1)</script>"}}, http.StatusUnprocessableEntity, "not a verification code"},
		{url.Values{"do": {"erase"}}, http.StatusUnprocessableEntity, "none of code"},
		{url.Values{"do": {"again"}}, http.StatusTooManyRequests, "The last code was sent"},
		{url.Values{"code": {"3f7kq-00000-abcde-fghjk-mnpqr-stvwx-yz00"}}, http.StatusForbidden, "There is no such code here"},
		{url.Values{"code": {"Code: " + code}}, http.StatusOK, "The code is right"},
		{url.Values{"code": {code}}, http.StatusConflict, "was returned already"},
	} {
		a := d.post(public, link, tc.form)
		if a.code != tc.status || !strings.Contains(a.body, tc.says) || strings.Contains(a.body, "<script>alert") {
			t.Errorf("%v: %d, not %d with %q: %s", tc.form, a.code, tc.status, tc.says, a.body)
		}
	}
	if a := d.get(public, "/verify/none"); a.code != http.StatusNotFound {
		t.Errorf("%d", a.code)
	}
	v, _ := seq()
	if v.State != verify.Pending || v.Verified[verify.Email].Ref == "" { // each of mail and telephone
		t.Fatalf("%+v", v)
	}

	// A code by telephone is shown once, to the desk.
	page = d.get(d.c, at)
	a := d.post(d.c, at+"/take", plus(acting(page), "number", "2"))
	m := regexp.MustCompile(`<code>([0-9a-z-]{40})</code>`).FindStringSubmatch(a.body)
	if a.code != http.StatusOK || m == nil || !strings.Contains(html.UnescapeString(a.body), "+1.2025550123") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if a := d.post(d.c, at+"/take", plus(acting(page), "number", "2")); a.code != http.StatusNotFound || strings.Contains(a.body, m[1]) {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.post(d.c, at+"/sent", plus(acting(page), "number", "2", "out", "yes")); a.code >= 400 {
		t.Errorf("%d %s", a.code, a.body)
	}
	// Over JSON, as a registrar's page does it.
	resp, err := public.Post(d.url+link, "application/json", strings.NewReader(`{"code":"`+m[1]+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // nothing in it
	if v, _ := seq(); resp.StatusCode != http.StatusNoContent || v.State != verify.Verified {
		t.Errorf("%d %s", resp.StatusCode, v.State)
	}
	// The values are read for a reason, and shown to that look alone.
	page = d.get(d.c, at)
	if a := d.post(d.c, at+"/read", plus(acting(page), "reason", "x")); a.code != http.StatusUnprocessableEntity || strings.Contains(a.body, holder) {
		t.Errorf("%d", a.code)
	}
	if a := d.post(d.c, at+"/read", plus(acting(page), "reason", "the registrar asks about it")); a.code != http.StatusOK || !strings.Contains(a.body, holder) {
		t.Errorf("%d %s", a.code, a.body)
	}
	// A complaint that is upheld, and evidence of which only the digest stays.
	if a := d.post(d.c, at+"/doubt", plus(acting(page), "claim", "email", "evidence", "report:7")); a.code >= 400 {
		t.Fatalf("%d %s", a.code, a.body)
	}
	page = d.get(d.c, at)
	const secret = "zanzibar: the bytes of an identity card"
	var body bytes.Buffer
	mw := multipart.NewWriter(&body)
	for k, v := range plus(acting(page), "claim", "email", "result", "pass", "level", "V3", "method", "documents", "evidence", "identity_card", "held_by", "registrar:9999", "audit", "ticket-7") {
		for _, x := range v {
			if err := mw.WriteField(k, x); err != nil {
				t.Fatal(err)
			}
		}
	}
	fw, err := mw.CreateFormFile("document", "card.jpg")
	if err == nil {
		_, err = io.WriteString(fw, secret)
	}
	if err == nil {
		err = mw.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	resp, err = d.c.Post(d.url+at+"/evidence", mw.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // read
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(got, []byte("Salt")) || bytes.Contains(got, []byte("zanzibar")) {
		t.Fatalf("%d %v %s", resp.StatusCode, err, got)
	}
	if a := d.get(d.c, at+"/chain.jsonl"); a.code != http.StatusOK || strings.Contains(a.body, "zanzibar") || strings.Contains(a.body, holder) || !strings.Contains(a.body, "registrar:9999") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.get(visitor(), at); a.code == http.StatusOK && !strings.Contains(a.body, "Sign in") {
		t.Errorf("%d", a.code)
	}
}

// TestVerificationOrders: what no system does is a person's task until they say it
// is done.
func TestVerificationOrders(t *testing.T) {
	d := newVerifying(t)
	d.c = d.signIn("ana", access.Analyst)
	v, err := d.Centre.OpenVerification(t.Context(), centre.VerificationDraft{Name: "first.com", Email: "holder@mail.example", Phone: "+1.2025550123", Profile: "lab"}, "person:ann")
	if err != nil {
		t.Fatal(err)
	}
	at := "/desk/verifications/" + v.ID
	if a := d.post(d.c, at+"/sanction", plus(acting(d.get(d.c, at)), "ground", "no_reply_to_enquiry", "text", "silent")); a.code >= 400 {
		t.Fatalf("%d %s", a.code, a.body)
	}
	list := d.get(d.c, "/desk/verifications?group=hold")
	m := regexp.MustCompile(`action="(/desk/verifications/orders/[^"]+)"`).FindStringSubmatch(list.body)
	if m == nil || strings.Contains(list.body, `value="send"`) {
		t.Fatalf("%s", list.body)
	}
	if a := d.post(d.c, m[1], plus(acting(list), "do", "send")); a.code != http.StatusConflict {
		t.Errorf("%d", a.code)
	}
	if a := d.post(d.c, m[1], plus(acting(list), "do", "done", "to", "https://evil.example/")); a.code >= 400 {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.get(d.c, "/desk/verifications?group=hold"); strings.Contains(a.body, m[1]) || !strings.Contains(a.body, "on hold") {
		t.Errorf("%s", a.body)
	}
	// A member's wait behind the centre's own, and each can be looked at alone.
	for n, org := range map[string]string{"quokka.com": "", "wombat.com": "o1"} {
		x, err := d.Centre.OpenVerification(t.Context(), centre.VerificationDraft{Name: n, Email: "holder@mail.example", Phone: "+1.2025550123", Profile: "lab", Org: org}, "person:ann")
		if err == nil {
			err = d.Store.Update(t.Context(), func(tx *store.Tx) error {
				return tx.AddOrder(t.Context(), store.VerificationOrder{ID: "task-" + n, Verification: x.ID, Org: org, Name: n, Kind: "hold", State: store.OrderByHand, Created: d.Centre.Clock.Now(), Response: "a person lets it go"})
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{"": "own member", "?of=own": "own", "?of=o1": "member", "?of=o2": "", "?orders=1": "member", "?orders=7": "", "?orders=x": "own member"} {
		a := d.get(d.c, "/desk/verifications"+path)
		tasks, _, _ := strings.Cut(a.body, "aria-label=\"Verifications\"")
		got := []string{}
		own, member := strings.Index(tasks, "quokka"), strings.Index(tasks, "wombat")
		if own > 0 {
			got = append(got, "own")
		}
		if member > own {
			got = append(got, "member")
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s: %q\n%s", path, got, tasks)
		}
	}
	// To end a registration is not shown as anything less.
	if a := d.post(d.c, at+"/sanction", plus(acting(d.get(d.c, at)), "ground", "no_reply_to_enquiry", "end", "yes", "text", "silent")); a.code >= 400 {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if a := d.get(d.c, "/desk/verifications"); !strings.Contains(a.body, "End the registration of") || strings.Contains(a.body, "Take off hold") {
		t.Errorf("%s", a.body)
	}
}
