package email

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
)

func aVerification(t *testing.T) (Verification, ComposeOptions) {
	t.Helper()
	d, err := name.Parse("shop.example")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	const id = "01HZX3V5K8Q2M4N6P7R9S0T1V2"
	return Verification{ID: id, NoticeID: "verify." + id + ".1", To: "holder@mail.example", Domain: d, Code: "3f7kq-00000-abcde-fghjk-mnpqr-stvwx-yz01", URL: "https://centre.example/verify/abc",
			Number: 1, Until: at.AddDate(0, 0, 15), Due: at.AddDate(0, 0, 15), Hold: true, Registrar: "Example Registrar", CentreName: "Test Centre", CentreContact: "desk@centre.example", Date: at},
		ComposeOptions{From: "verify@centre.example", FromName: "Test Centre", ReplyTo: ReplyAddress([]byte("0123456789abcdef"), "centre.example", id, VerifyRef)}
}

func TestComposeVerification(t *testing.T) {
	v, opt := aVerification(t)
	m, err := ComposeVerification(v, opt)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ComposeVerification(v, opt)
	if err != nil || !bytes.Equal(m.Raw, again.Raw) {
		t.Error("the same gives other bytes")
	}
	golden := filepath.Join("testdata", "verification.eml")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, m.Raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, m.Raw) {
		t.Errorf("the message changed (UPDATE=1 if it should):\n%s", m.Raw)
	}
	for _, line := range []string{"\r\nCode: " + v.Code + "\r\n", "\r\nAnswer: " + v.URL + "\r\n", "Auto-Submitted: auto-generated\r\n"} {
		if strings.Count(string(m.Raw), line) != 1 {
			t.Errorf("not once there: %q", line)
		}
	}
	// Neither the code nor the address is in what is kept, and the rest is.
	if s := string(m.Copy); strings.Contains(s, v.Code) || strings.Contains(s, "mail.example") || !strings.Contains(s, v.URL) || m.To != v.To || m.From != opt.ReplyTo {
		t.Errorf("%s", s)
	}
	// What the name's holder wrote cannot be clicked.
	if strings.Contains(string(m.Raw), "shop.example") {
		t.Error("the name is not defanged")
	}
	for what, change := range map[string]func(*Verification){
		"hold: pages and mail": func(*Verification) {},
		"is on hold":           func(v *Verification) { v.OnHold = true },
		"Without one a person": func(v *Verification) { v.Hold = false },
		"Reminder: ":           func(v *Verification) { v.Number = 2 },
	} {
		x := v
		change(&x)
		if m, err := ComposeVerification(x, opt); err != nil || !strings.Contains(string(m.Raw), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestComposeVerificationBad(t *testing.T) {
	for field, change := range map[string]func(*Verification){
		"id":        func(v *Verification) { v.ID = "a b" },
		"notice_id": func(v *Verification) { v.NoticeID = "" },
		"to":        func(v *Verification) { v.To = "a@b.example, c@d.example" },
		"domain":    func(v *Verification) { v.Domain = name.Domain{} },
		"code":      func(v *Verification) { v.Code = "abc\r\nBcc: x@y.example" },
		"date":      func(v *Verification) { v.Until = v.Date },
		"url":       func(v *Verification) { v.URL = "javascript:alert(1)" },
	} {
		v, opt := aVerification(t)
		change(&v)
		_, err := ComposeVerification(v, opt)
		if problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	v, opt := aVerification(t)
	opt.ReplyTo = ""
	if _, err := ComposeVerification(v, opt); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("%v", err)
	}
}
