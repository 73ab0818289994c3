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

func anInaccuracy(t *testing.T) (Inaccuracy, ComposeOptions) {
	t.Helper()
	d, err := name.Parse("shop.example")
	if err != nil {
		t.Fatal(err)
	}
	const id = "01HZX3V5K8Q2M4N6P7R9S0T1V2"
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	return Inaccuracy{ID: id, NoticeID: "inaccuracy." + id + ".1", PartyName: "Example Registrar", To: "desk@registrar.example", Domain: d, Checked: at.Add(-time.Hour),
			Findings: []InaccuracyFinding{{Field: "registrant: email", What: "The domain says that it takes no mail. See https://evil.example/", Check: "email mx, V2", Proxy: true}}, Provider: true,
			Asks:      []InaccuracyAsk{{What: "to investigate", Clause: "RAA 3.7.8"}, {What: "to verify email", Clause: "Test 2", Within: "15 days"}, {What: "to verify email", Clause: "WAPS 4", Caveat: "not for compliance use"}},
			Rule:      "WHOIS Accuracy Program Specification",
			AnswerURL: "https://centre.example/inaccuracy/answer/abc", CentreName: "Test Centre", CentreContact: "desk@centre.example", Date: at},
		ComposeOptions{From: "desk@centre.example", FromName: "Test Centre", ReplyTo: ReplyAddress([]byte("0123456789abcdef"), "centre.example", id, InaccuracyRef)}
}

func TestComposeInaccuracy(t *testing.T) {
	d, opt := anInaccuracy(t)
	c := d
	c.Copy, c.AskedName, c.AnswerURL, c.PartyName, c.To, c.NoticeID = true, d.PartyName, "", "Example Registry", "desk@registry.example", d.NoticeID+"c"
	for file, d := range map[string]Inaccuracy{"inaccuracy.eml": d, "inaccuracy-copy.eml": c} {
		m, err := ComposeInaccuracy(d, opt)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ComposeInaccuracy(d, opt); err != nil || !bytes.Equal(m.Raw, again.Raw) {
			t.Error("the same notice gives other bytes")
		}
		golden := filepath.Join("testdata", file)
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
		answers := 1
		if d.Copy {
			answers = 0
		}
		raw := string(m.Raw)
		if n := strings.Count(raw, "\r\nAnswer: "); n != answers {
			t.Errorf("%d lines say where to answer", n)
		}
		if strings.Contains(raw, "https://evil.example") || strings.Contains(raw, "breach") || strings.Contains(raw, "violat") {
			t.Errorf("%s", raw)
		}
	}
}

func TestComposeInaccuracyChecks(t *testing.T) {
	for field, change := range map[string]func(*Inaccuracy){
		"id": func(d *Inaccuracy) { d.ID = "a b" }, "to": func(d *Inaccuracy) { d.To = "x" }, "domain": func(d *Inaccuracy) { d.Domain = name.Domain{} },
		"findings": func(d *Inaccuracy) { d.Findings = nil }, "date": func(d *Inaccuracy) { d.Date = time.Time{} }, "answer_url": func(d *Inaccuracy) { d.AnswerURL = "javascript:x" },
	} {
		d, opt := anInaccuracy(t)
		change(&d)
		if _, err := ComposeInaccuracy(d, opt); !strings.HasPrefix(problem.DocumentOf(err).Detail, field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	d, opt := anInaccuracy(t)
	d.Copy = true
	if _, err := ComposeInaccuracy(d, opt); err == nil {
		t.Error("a copy with an answer link")
	}
	for range 300 {
		d.Findings = append(d.Findings, d.Findings[0])
	}
	d.Copy = false
	if m, err := ComposeInaccuracy(d, opt); err != nil || len(m.Raw) > 16<<10 {
		t.Errorf("%d octets, %v", len(m.Raw), err)
	}
}
