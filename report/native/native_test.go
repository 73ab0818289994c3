package native

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"bailiwick/abuse"
	"bailiwick/problem"
	"bailiwick/report"
)

const full = `{"id":"R-1","type":"phishing","url":"hxxps://login[.]bank.example/a","urls":["http://192.0.2.7/x"],"domains":["Other.Example"],
 "ips":["2001:db8::1"],"description":"asks for a PIN","target_brand":"Bank","reported_at":"2026-11-02T09:15:30+01:00","tags":["a"],
 "reporter":{"org":"Org","contact":"me@org.example","name":"Me","disclose":true},
 "evidence":[{"media_type":"image/png","description":"shot","data":"aGVsbG8"},{"data":"aGk="}]}`

func TestRead(t *testing.T) {
	r, findings, err := Read([]byte(full))
	if err != nil || len(findings) != 0 {
		t.Fatal(err, findings)
	}
	got, _ := json.Marshal(r)
	want := `{"id":"R-1","category":"content","type":"phishing","abuse":"phishing","urls":["https://login.bank.example/a","http://192.0.2.7/x"],` +
		`"domains":["other.example","login.bank.example"],"ips":["2001:db8::1","192.0.2.7"],"reported_at":"2026-11-02T08:15:30Z",` +
		`"reporter":{"org":"Org","contact":"me@org.example","name":"Me","disclose":true},"target_brand":"Bank","description":"asks for a PIN",` +
		`"evidence":[{"sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","media_type":"image/png","bytes":5,"description":"shot"},` +
		`{"sha256":"8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4","media_type":"application/octet-stream","bytes":2}],"tags":["a"]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if string(r.Evidence[0].Data) != "hello" || r.Format != Format {
		t.Errorf("%+v", r)
	}
}

func TestReadRefuses(t *testing.T) {
	big := base64.StdEncoding.EncodeToString(make([]byte, report.MaxEvidenceBytes+1))
	list := func(s string, n int) string { return "[" + strings.TrimSuffix(strings.Repeat(s+",", n), ",") + "]" }
	for _, c := range []struct {
		doc, path, reason string
		code              problem.Code
	}{
		{`{"url":"http://a.example/"}`, "type", "is required", problem.Invalid},
		{`{"type":"weather","url":"http://a.example/"}`, "type", "not an abuse type", problem.Invalid},
		{`{"type":7,"url":"http://a.example/"}`, "type", "must be a string", problem.Invalid},
		{`{"type":"phishing"}`, "urls", "names no URL", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","urll":"x"}`, "urll", "is not a field", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","reporter":{"mail":"x"}}`, "reporter.mail", "is not a field", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","reporter":{"contact":"Me <a@b.example>"}}`, "reporter.contact", "mail address", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","reporter":{"disclose":"yes"}}`, "reporter.disclose", "true or false", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","reporter":"me"}`, "reporter", "must be an object", problem.Invalid},
		{`{"type":"phishing","url":"http://127.0.0.1/"}`, "url", "loopback", problem.Invalid},
		{`{"type":"phishing","urls":["http://a.example/","not a url"]}`, "urls[1]", "neither a domain name", problem.Invalid},
		{`{"type":"phishing","urls":"http://a.example/"}`, "urls", "must be an array", problem.Invalid},
		{`{"type":"phishing","domains":["a.example","-"]}`, "domains[1]", "hyphen", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","urll":null}`, "urll", "is not a field", problem.Invalid},
		{`{"type":"phishing","urls":[null]}`, "urls[0]", "is null", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","evidence":[{"data":null}]}`, "evidence[0].data", "is required", problem.Invalid},
		{`{"type":"phishing","domains":[7]}`, "domains[0]", "must be a string", problem.Invalid},
		{`{"type":"phishing","ips":["192.168.1.1"]}`, "ips[0]", "private", problem.Invalid},
		{`{"type":"phishing","ips":` + list(`"192.0.2.1"`, 201) + `}`, "ips", "201 entries", problem.TooLarge},
		{`{"type":"phishing","url":"http://a.example/","reported_at":"2026-11-02"}`, "reported_at", "RFC 3339", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","evidence":{}}`, "evidence", "must be an array", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","evidence":[{}]}`, "evidence[0].data", "is required", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","evidence":[{"data":"aGk="},{"data":"%%"}]}`, "evidence[1].data", "base64", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","evidence":[{"data":"aGk=","hash":"x"}]}`, "evidence[0].hash", "is not a field", problem.Invalid},
		{`{"type":"phishing","url":"http://a.example/","evidence":` + list(`{"data":""}`, 51) + `}`, "evidence", "51 items", problem.TooLarge},
		{`{"type":"phishing","url":"http://a.example/","evidence":[{"data":"` + big + `"}]}`, "evidence[0].data", "larger", problem.TooLarge},
	} {
		_, _, err := Read([]byte(c.doc))
		var e *problem.Error
		if !errors.As(err, &e) || len(e.Fields) == 0 || e.Fields[0].Path != c.path || !strings.Contains(e.Fields[0].Reason, c.reason) || e.Code != c.code {
			t.Errorf("%.120s: %v, want %s: %s (%s)", c.doc, err, c.path, c.reason, c.code)
		}
	}
	if _, _, err := Read([]byte(`[]`)); err == nil {
		t.Error("an array is read")
	}
}

// TestNullIsAbsent: a form that sends null for what is not filled in is read.
func TestNullIsAbsent(t *testing.T) {
	r, _, err := Read([]byte(`{"type":"malware","url":"http://a.example/","ips":null,"reporter":null,"evidence":null,"reported_at":null}`))
	if err != nil || fmt.Sprint(r.Domains) != "[a.example]" {
		t.Errorf("%v %+v", err, r)
	}
}

func TestNeverKept(t *testing.T) {
	for _, doc := range []string{
		`{"type":"csam","url":"http://a.example/","description":"x","evidence":[{"data":"aGk=","description":"y"}]}`,
		`{"evidence":[{"data":"aGk=","description":"y"}],"url":"http://a.example/","type":" CSAM "}`,
	} {
		r, _, err := Read([]byte(doc))
		if err != nil || r.Abuse != abuse.CSAM || len(r.Evidence) != 0 || r.Description != "" {
			t.Errorf("%s: %v %+v", doc, err, r)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(`{"type":"spam","ips":["192.0.2.1"]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, _, err := Read(raw)
		var e *problem.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("untyped error %v", err)
		}
		if err == nil && (len(r.URLs)+len(r.Domains)+len(r.IPs) == 0 || !r.Abuse.Known()) {
			t.Fatalf("%+v", r)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	b.SetBytes(int64(len(full)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Read([]byte(full)); err != nil {
			b.Fatal(err)
		}
	}
}
