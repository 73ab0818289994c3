package arf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bailiwick/abuse"
	"bailiwick/mail"
	"bailiwick/problem"
	"bailiwick/report"
)

const frame = `From: feedback@provider.example
To: abuse@registrar.example
Subject: FW: offer
Date: Mon, 2 Nov 2026 08:15:30 +0000
Message-ID: <fbl-1@provider.example>
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is a report about a mail received from IP 198.51.100.7.
See http://provider.example/fbl for help.
--b
Content-Type: message/feedback-report

%s
--b
%s
--b--
`

const original = `Content-Type: message/rfc822

Received: from [10.1.1.1] (mail.sender.example [203.0.113.9])
	by mx.provider.example with ESMTP; Mon, 2 Nov 2026 08:00:00 +0000
From: Shop <shop@sender.example>
To: victim@provider.example
Subject: offer

Buy at http://evil.example/buy?x=1 now, or https://www.paypal.com/.`

const required = "Feedback-Type: abuse\nUser-Agent: Provider/1.0\nVersion: 1\n"

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, fields, message string
		kind                  abuse.Type
		subjects              string // what is to be worked on
		findings              string // and what is odd
	}{
		{"all fields", required + "Source-IP: 192.0.2.44\nReported-Domain: bad.example\nReported-URI: http://bad.example/x\nReported-URI: mailto:a@bad.example\nOriginal-Mail-From: <a@bad.example>\nOriginal-Rcpt-To: v@provider.example\nArrival-Date: Mon, 2 Nov 2026 07:00:00 +0000\nIncidents: 3\n", original, abuse.Spam, "http://bad.example/x bad.example 192.0.2.44", "is a mail address"},
		{"fewest fields", required, original, abuse.Spam, "198.51.100.7", "read from the text"},
		{"defanged URI", required + "Reported-URI: hxxp://bad[.]example/x\n", original, abuse.Spam, "http://bad.example/x bad.example 198.51.100.7", ""},
		{"IPv6", required + "Source-IP: 2001:db8::5\n", original, abuse.Spam, "2001:db8::5", ""},
		{"folded and odd case", "feedback-TYPE:\n abuse\nUSER-agent: x\nversion: 0.1\nSource-IP: 192.0.2.9\n", original, abuse.Spam, "192.0.2.9", ""},
		{"private source", required + "Source-IP: 10.0.0.1\nReported-Domain: bad.example\n", original, abuse.Spam, "bad.example", "private address"},
		{"fraud", strings.Replace(required, "abuse", "fraud", 1) + "Source-IP: 192.0.2.9\n", original, abuse.Fraud, "192.0.2.9", ""},
		{"virus", strings.Replace(required, "abuse", "virus", 1) + "Source-IP: 192.0.2.9\n", original, abuse.Malware, "192.0.2.9", ""},
		{"opt-out", strings.Replace(required, "abuse", "opt-out", 1) + "Source-IP: 192.0.2.9\nRemoval-Recipient: v@provider.example\n", original, abuse.Spam, "192.0.2.9", ""},
		{"other", strings.Replace(required, "abuse", "other", 1) + "Source-IP: 192.0.2.9\n", original, abuse.Other, "192.0.2.9", ""},
		{"unknown type", strings.Replace(required, "abuse", "x-odd", 1) + "Source-IP: 192.0.2.9\n", original, abuse.Other, "192.0.2.9", "not a registered type"},
		{"auth failure", strings.Replace(required, "abuse", "auth-failure", 1) + "Source-IP: 192.0.2.9\nReported-Domain: victim.example\nAuth-Failure: dmarc\n", original, abuse.Other, "192.0.2.9", ""},
		{"no user agent", "Feedback-Type: abuse\nVersion: 1\nSource-IP: 192.0.2.9\n", original, abuse.Spam, "192.0.2.9", "user-agent: is required"},
		{"twice", required + "Source-IP: 192.0.2.9\nSource-IP: 192.0.2.10\n", original, abuse.Spam, "192.0.2.9", "occurs more than once"},
		{"headers only", required + "Source-IP: 192.0.2.9\n", "Content-Type: text/rfc822-headers\n\nFrom: a@sender.example\nSubject: x\n", abuse.Spam, "192.0.2.9", ""},
		{"no third part", required + "Source-IP: 192.0.2.9\n", "Content-Type: text/plain\n\nREDACTED", abuse.Spam, "192.0.2.9", "did not come along"},
		{"type that is never kept", strings.Replace(required, "abuse", "csam", 1) + "Source-IP: 192.0.2.9\n", original, abuse.CSAM, "192.0.2.9", ""},
		{"field that is never kept", required + "Report-Category: child sexual abuse\nSource-IP: 192.0.2.9\n", original, abuse.CSAM, "192.0.2.9", ""},
	} {
		m, err := mail.Read(fmt.Appendf(nil, frame, c.fields, c.message))
		if err != nil {
			t.Fatal(err)
		}
		r, f, findings, err := Read(&m)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, u := range r.URLs {
			got = append(got, u.String())
		}
		for _, d := range r.Domains {
			got = append(got, d.String())
		}
		got = append(got, r.IPs...)
		if strings.Join(got, " ") != c.subjects || r.Abuse != c.kind || r.Format != Format || !f.Standard || r.ID != "fbl-1@provider.example" || r.Reporter.Contact != "feedback@provider.example" {
			t.Errorf("%s: %q %s %+v, want %q %s", c.name, got, r.Abuse, r, c.subjects, c.kind)
		}
		var odd []string
		for _, x := range findings {
			odd = append(odd, x.Path+": "+x.Reason)
		}
		if s := strings.Join(odd, "; "); !strings.Contains(s, c.findings) || c.findings == "" && c.name != "defanged URI" && s != "" {
			t.Errorf("%s: findings %q, want %q", c.name, s, c.findings)
		}
		if c.kind.NeverKept() && (len(r.Candidates) > 0 || r.Description != "" || len(r.Evidence) > 0) {
			t.Errorf("%s: something is kept: %+v", c.name, r)
		}
	}
}

// TestCandidates: links of the mail complained about are candidates, and no
// more; so is the domain that was imitated, and the provider's own help page.
func TestCandidates(t *testing.T) {
	m, err := mail.Read(fmt.Appendf(nil, frame, strings.Replace(required, "abuse", "auth-failure", 1)+"Source-IP: 192.0.2.9\nReported-Domain: victim.example\nAuth-Failure: spf\n", original))
	if err != nil {
		t.Fatal(err)
	}
	r, f, _, err := Read(&m)
	if err != nil || len(r.URLs) != 0 || len(r.Domains) != 0 {
		t.Fatalf("%+v %v", r, err)
	}
	var got []string
	for _, c := range r.Candidates {
		got = append(got, fmt.Sprintf("%s%s%s %s %v", c.URL, c.Domain, c.IP, c.Where, c.Unlikely != ""))
	}
	for _, want := range []string{"victim.example field true", "192.0.2.9 field false", "http://evil.example/buy?x=1 attached false", "https://www.paypal.com/ attached true", "http://provider.example/fbl footer true"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q among %q", want, got)
		}
	}
	if f.Failure != "spf" || !slices.Equal(f.Domains, []string{"victim.example"}) || f.Original == nil {
		t.Errorf("%+v", f)
	}
	if len(r.Evidence) != 1 || r.Evidence[0].MediaType != "message/rfc822" {
		t.Errorf("evidence %+v", r.Evidence)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ raw, path, want string }{
		{fmt.Sprintf(frame, "User-Agent: x\nVersion: 1\nSource-IP: 192.0.2.9\n", original), "Feedback-Type", "is required"},
		{fmt.Sprintf(frame, strings.Replace(required, "abuse", "not-spam", 1), original), "Feedback-Type", "reports no abuse"},
		{"From: a@b.example\nSubject: x\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\ntext\n--b--\n", "feedback", "no message/feedback-report part"},
		{strings.Replace(fmt.Sprintf(frame, required, "Content-Type: text/plain\n\nREDACTED"), "from IP 198.51.100.7", "once", 1), "urls", "names no URL"},
		{"From: a@b.example\nSubject: x\n\nhello\n", "", "no feedback report"},
	} {
		m, err := mail.Read([]byte(c.raw))
		if err != nil {
			t.Fatal(err)
		}
		_, _, _, err = Read(&m)
		var e *problem.Error
		if !errors.As(err, &e) || e.Code != problem.Invalid || !strings.Contains(err.Error(), c.want) || c.path != "" && e.Fields[0].Path != c.path {
			t.Errorf("%v, want %s %q", err, c.path, c.want)
		}
	}
}

// TestForm: complaints without the format.
func TestForm(t *testing.T) {
	m, err := mail.Read([]byte("From: staff@provider.example\nSubject: complaint about message from 192.0.2.222\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nFrom: a@sender.example\nSubject: x\n\ntext\n--b--\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, f, findings, err := Read(&m)
	if err != nil || f.Standard || f.Type != "abuse" || !slices.Equal(r.IPs, []string{"192.0.2.222"}) || len(findings) == 0 {
		t.Fatalf("%+v %+v %v %v", r, f, findings, err)
	}
}

// corpus is where the shared corpus lies when it is there.
const corpus = "../../../shared/corpus/abuse/arf"

func TestCorpus(t *testing.T) {
	files, _ := filepath.Glob(corpus + "/*/*.eml")
	if len(files) == 0 {
		t.Skip("the shared corpus is not here; the other tests stand without it")
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.Read(raw)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		r, fb, _, err := Read(&m)
		if k := mail.Classify(&m, mail.Envelope{}).Kind; k != mail.Feedback {
			// A request to leave a list, made by a machine: no report.
			if err == nil || k != mail.AutoReply {
				t.Errorf("%s: %s, %v", f, k, err)
			}
			continue
		}
		if err != nil || fb.Type == "" || len(r.Domains)+len(r.IPs) == 0 || r.ReportedAt.IsZero() || r.Reporter.Contact == "" {
			t.Errorf("%s: %v %+v", f, err, r)
		}
	}
}

// FuzzRead: no panic, typed errors, nothing kept of what is never kept.
func FuzzRead(f *testing.F) {
	f.Add(fmt.Appendf(nil, frame, required+"Source-IP: 192.0.2.9\nReported-URI: http://a.example/\n", original))
	f.Add(fmt.Appendf(nil, frame, "Feedback-Type: csam\nReported-Domain: [", original))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := mail.Read(raw)
		if err != nil {
			return
		}
		r, _, _, err := Read(&m)
		var e *problem.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("untyped error %v", err)
		}
		if err == nil && len(r.URLs)+len(r.Domains)+len(r.IPs) == 0 {
			t.Fatal("a report without a subject")
		}
		if err == nil && r.Abuse.NeverKept() && (r.Description != "" || r.Candidates != nil || slices.ContainsFunc(r.Evidence, func(e report.Evidence) bool { return e.Data != nil })) {
			t.Fatalf("kept: %+v", r)
		}
	})
}
