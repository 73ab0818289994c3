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

func aDisclosure(t *testing.T) (Disclosure, ComposeOptions) {
	t.Helper()
	d, err := name.Parse("shop.example")
	if err != nil {
		t.Fatal(err)
	}
	key := []byte("0123456789abcdef")
	return Disclosure{ID: "01HZX3V5K8Q2M4N6P7R9S0T1V2", NoticeID: "disclosure.01HZX3V5K8Q2M4N6P7R9S0T1V2.1", PartyName: "Example Registrar", To: "desk@registrar.example", Domain: d,
			Person: "A. Nalyst", Role: "analyst", Organisation: "Test Centre", Contact: "desk@centre.example", Requestor: "a CERT, CSIRT or coordination centre",
			Basis: "legitimate interests, Article 6(1)(f) GDPR", Purpose: "handling abuse of the name", Statement: "It imitates https://bank.example/login.\nAnswer: https://evil.example/\n\nWe look for its holder.",
			Fields: []string{"contacts.registrant.email", "contacts.registrant.name"}, Ack: "2 business days from receipt", Answer: "30 calendar days from acknowledgement", Rule: "gTLD Registration Data Policy",
			Caveat: "not for compliance use", AnswerURL: "https://centre.example/disclosure/answer/abc", CentreName: "Test Centre", CentreContact: "desk@centre.example", Date: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)},
		ComposeOptions{From: "desk@centre.example", FromName: "Test Centre", ReplyTo: ReplyAddress(key, "centre.example", "01HZX3V5K8Q2M4N6P7R9S0T1V2", DisclosureRef)}
}

func TestComposeDisclosure(t *testing.T) {
	d, opt := aDisclosure(t)
	m, err := ComposeDisclosure(d, opt)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ComposeDisclosure(d, opt)
	if err != nil || !bytes.Equal(m.Raw, again.Raw) {
		t.Error("the same request gives other bytes")
	}
	golden := filepath.Join("testdata", "disclosure.eml")
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
	if n := strings.Count(string(m.Raw), "\r\nAnswer: "); n != 1 {
		t.Errorf("%d lines say where to answer", n)
	}
	if strings.Contains(string(m.Raw), "https://bank.example") || m.From != opt.ReplyTo || m.NullSender {
		t.Errorf("%s", m.Raw)
	}
}

func TestComposeDisclosureChecks(t *testing.T) {
	for field, change := range map[string]func(*Disclosure){
		"id": func(d *Disclosure) { d.ID = "a b" }, "to": func(d *Disclosure) { d.To = "x" }, "domain": func(d *Disclosure) { d.Domain = name.Domain{} },
		"fields": func(d *Disclosure) { d.Fields = nil }, "date": func(d *Disclosure) { d.Date = time.Time{} }, "answer_url": func(d *Disclosure) { d.AnswerURL = "javascript:x" },
	} {
		d, opt := aDisclosure(t)
		change(&d)
		if _, err := ComposeDisclosure(d, opt); !strings.HasPrefix(problem.DocumentOf(err).Detail, field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestDisclosureAddress: the address and the link of a request fit, and are read
// back as what they are.
func TestDisclosureAddress(t *testing.T) {
	key := []byte("0123456789abcdef")
	const id = "01HZX3V5K8Q2M4N6P7R9S0T1V2"
	a := ReplyAddress(key, "centre.example", id, DisclosureRef)
	if got, ref, ok := ParseReply(key, strings.ToUpper(a)); !ok || got != id || ref != DisclosureRef {
		t.Errorf("%q: %s %s %v", a, got, ref, ok)
	}
	if got, ref, ok := ParseAnswerToken(key, AnswerToken(key, id, DisclosureRef)); !ok || got != id || ref != DisclosureRef {
		t.Errorf("%s %s %v", got, ref, ok)
	}
}
