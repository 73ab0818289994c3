package xarf

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/report"

	"pgregory.net/rapid"
)

func outgoing(t testing.TB) Outgoing {
	u, err := name.ParseURL("https://login.bank-secure.example/verify?id=3")
	if err != nil {
		t.Fatal(err)
	}
	centre := Contact{"National CERT", "abuse@cert.example", "cert.example"}
	return Outgoing{
		ID: "0f7f3f80-6a55-4d5c-8d0c-0a6a2f9d3b11", Abuse: abuse.Phishing, URL: u, Source: "203.0.113.80",
		At: time.Date(2026, 11, 3, 9, 0, 0, 0, time.FixedZone("", 3600)), Reporter: centre, Sender: centre,
		TargetBrand: "Example Bank", Description: "Imitates Example Bank and asks for card numbers.",
		Evidence:  []Attachment{{"text/html", "Page as served to a phone", []byte("<title>Example Bank</title>")}},
		Tags:      []string{"case:phishing", "Not A Tag"},
		Bailiwick: Extension{Case: "C-1", Obligation: "O-2", Role: "host", Action: "take the page down"},
	}
}

func TestWrite(t *testing.T) {
	raw, err := Write(outgoing(t))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "outgoing.golden.json", append(bytes.TrimSpace(raw), '\n'))
	if !agree(t, oracle(t), "written", raw) {
		t.Error("what is written is not valid")
	}
	r, findings, err := Read4(raw)
	if err != nil || len(findings) != 0 {
		t.Fatalf("read back: %v %v", findings, err)
	}
	if r.URLs[0] != outgoing(t).URL || string(r.Evidence[0].Data) != "<title>Example Bank</title>" || !r.ReportedAt.Equal(outgoing(t).At) {
		t.Errorf("read back: %+v", r)
	}
}

// TestWriteEveryType: whatever is known and is not, both validators accept what
// is written.
func TestWriteEveryType(t *testing.T) {
	s := oracle(t)
	base := outgoing(t)
	rapid.Check(t, func(t *rapid.T) {
		o := base
		o.Abuse = rapid.SampledFrom(everyType).Draw(t, "type")
		o.Description = rapid.String().Draw(t, "description")
		o.TargetBrand = rapid.String().Draw(t, "brand")
		o.Tags = rapid.SliceOf(rapid.StringMatching(`[a-zA-Z:+-]{0,8}`)).Draw(t, "tags")
		if rapid.Bool().Draw(t, "no URL") {
			o.URL = name.URL{}
		}
		if rapid.Bool().Draw(t, "registered") {
			o.Registered = o.At
		}
		if rapid.Bool().Draw(t, "legitimate") {
			o.LegitimateSite = base.URL
		}
		o.SourcePort = rapid.SampledFrom([]int{0, 25, 65535}).Draw(t, "port")
		raw, err := Write(o)
		if o.Abuse == abuse.CSAM {
			if problem.CodeOf(err) != problem.Refused {
				t.Fatalf("csam is written: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !agree(t, s, "written", raw) {
			t.Fatalf("not valid: %s", raw)
		}
		if _, _, err := Read4(raw); err != nil {
			t.Fatalf("not readable: %v\n%s", err, raw)
		}
	})
}

func TestWritePairs(t *testing.T) {
	for _, c := range []struct {
		typ  abuse.Type
		edit func(*Outgoing)
		want string
	}{
		{abuse.Phishing, func(*Outgoing) {}, "content/phishing"},
		{abuse.Phishing, func(o *Outgoing) { o.URL = name.URL{} }, "reputation/threat_intelligence"},
		{abuse.Trademark, func(*Outgoing) {}, "reputation/threat_intelligence"},
		{abuse.Trademark, func(o *Outgoing) { o.LegitimateSite = o.URL }, "content/brand_infringement"},
		{abuse.SuspiciousDomain, func(*Outgoing) {}, "reputation/threat_intelligence"},
		{abuse.SuspiciousDomain, func(o *Outgoing) { o.Registered = o.At }, "content/suspicious_registration"},
		{abuse.Copyright, func(*Outgoing) {}, "copyright/copyright"},
		{abuse.Botnet, func(*Outgoing) {}, "infrastructure/botnet"},
		{abuse.Spam, func(*Outgoing) {}, "messaging/spam"},
	} {
		o := outgoing(t)
		o.Abuse = c.typ
		c.edit(&o)
		raw, err := Write(o)
		if err != nil {
			t.Errorf("%s: %v", c.typ, err)
			continue
		}
		var doc struct{ Category, Type string }
		if err := json.Unmarshal(raw, &doc); err != nil || doc.Category+"/"+doc.Type != c.want {
			t.Errorf("%s: %s/%s, want %s (%v)", c.typ, doc.Category, doc.Type, c.want, err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	for path, edit := range map[string]func(*Outgoing){
		"report_id":         func(o *Outgoing) { o.ID = "7" },
		"timestamp":         func(o *Outgoing) { o.At = time.Time{} },
		"source_identifier": func(o *Outgoing) { o.Source = "" },
		"source_port":       func(o *Outgoing) { o.SourcePort = 70000 },
		"sender.contact":    func(o *Outgoing) { o.Sender.Contact = "" },
		"reporter.contact":  func(o *Outgoing) { o.Reporter.Contact = "nobody" },
		"evidence":          func(o *Outgoing) { o.Evidence = make([]Attachment, report.MaxEvidence+1) },
		"evidence[0].size": func(o *Outgoing) {
			o.Evidence = []Attachment{{"a/b", "", make([]byte, report.MaxEvidenceBytes+1)}}
		},
	} {
		o := outgoing(t)
		edit(&o)
		_, err := Write(o)
		var e *problem.Error
		if !errors.As(err, &e) || len(e.Fields) == 0 || e.Fields[0].Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
	o := outgoing(t)
	o.Evidence = []Attachment{{"a/b", "", make([]byte, 5<<20)}, {"a/b", "", make([]byte, 5<<20)}}
	if _, err := Write(o); problem.CodeOf(err) != problem.TooLarge || !strings.Contains(err.Error(), "octets") {
		t.Errorf("too large a whole: %v", err)
	}
}
