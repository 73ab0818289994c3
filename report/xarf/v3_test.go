package xarf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiwick/abuse"
	"bailiwick/problem"
)

// netcraftStyle has the fields and spellings of version 3 reports as they
// arrive in practice, with made-up values.
const netcraftStyle = `{"Version":"3","Disclosure":true,
 "ReporterInfo":{"ReporterOrg":"Takedown Desk","ReporterOrgDomain":"desk.example","ReporterOrgEmail":"reports@desk.example","ReporterContactEmail":"case+870@desk.example","ReporterContactName":"Desk"},
 "Report":{"ReportClass":"Content","ReportType":"Phishing","Date":"2026-06-23T06:55:10Z","SourceIp":"203.0.113.66","ReporterCaseID":"870",
  "ReporterNotes":"Imitates a bank.",
  "Samples":[{"ContentType":"text/plain","Base64Encoded":false,"Description":"Log","Payload":"GET /login"},{"ContentType":"text/html","Base64Encoded":true,"Payload":"PGgxPmhpPC9oMT4"}],
  "SourceUrl":"https://shop.example/wp-content/x.php/","FileSize":0}}`

func TestRead3(t *testing.T) {
	r, findings, err := Read3([]byte(netcraftStyle))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "v3-phishing.golden.json", printed(t, r, findings))
	if string(r.Evidence[1].Data) != "<h1>hi</h1>" || r.Reporter.Disclose {
		t.Errorf("%+v", r)
	}
}

// v3 is a minimal report around the members of Report.
func v3(members string) []byte {
	return []byte(`{"Version":"3","ReporterInfo":{"ReporterOrg":"Org","ReporterOrgEmail":"a@b.example"},"Report":{` + members + `}}`)
}

func TestDialects(t *testing.T) {
	const date = `"Date":"2026-01-02T03:04:05Z"`
	for _, c := range []struct {
		label, doc, pair, subjects string
		abuse                      abuse.Type
	}{
		{"DOS", string(v3(`"ReportClass":"Activity","ReportType":"DOS","SourceIp":"192.0.2.5",` + date)), "connection/ddos", "[] [] [192.0.2.5]", abuse.Attack},
		{"PortScan", string(v3(`"ReportType":"PortScan","SourceIp":"192.0.2.5",` + date)), "connection/port_scan", "[] [] [192.0.2.5]", abuse.Attack},
		{"Port-Scan", string(v3(`"ReportType":"Port-Scan","SourceIP":"192.0.2.5",` + date)), "connection/port_scan", "[] [] [192.0.2.5]", abuse.Attack},
		{"login_attack", string(v3(`"ReportType":"login_attack","source_ip":"192.0.2.5",` + date)), "connection/login_attack", "[] [] [192.0.2.5]", abuse.Attack},
		{"Source object", string(v3(`"ReportType":"phishing","Source":{"URL":"https://x.example/a","Type":"uri"},` + date)), "content/phishing", "[https://x.example/a] [x.example] []", abuse.Phishing},
		{"Source.IP", string(v3(`"ReportType":"botnet","Source":{"IP":"192.0.2.5","Port":25,"Type":"ip"},` + date)), "infrastructure/botnet", "[] [] [192.0.2.5]", abuse.Botnet},
		{"Source string", string(v3(`"ReportType":"Spam","Source":"192.0.2.5",` + date)), "messaging/spam", "[] [] [192.0.2.5]", abuse.Spam},
		{"Url", string(v3(`"ReportType":"Malware","Url":"x.example/a.exe",` + date)), "content/malware", "[http://x.example/a.exe] [x.example] []", abuse.Malware},
		{"RPZ", string(v3(`"ReportType":"Malware","ReportSubType":"RPZ-Rewrite","SourceIp":"2001:db8::5","RpzDomain":"bad.example",` + date)), "content/malware", "[] [bad.example] [2001:db8::5]", abuse.Malware},
		{"account", string(v3(`"ReportType":"PotentiallyCompromisedAccount","DestinationIp":"198.51.100.3",` + date)), "infrastructure/compromised_server", "[] [] [198.51.100.3]", abuse.Compromised},
		{"ChildAbuse", string(v3(`"ReportType":"ChildAbuse","SourceUrl":"http://x.example/",` + date)), "content/csam", "[http://x.example/] [x.example] []", abuse.CSAM},
		{"ChildSexualAbuseMaterial", string(v3(`"ReportType":"ChildSexualAbuseMaterial","SourceUrl":"http://x.example/",` + date)), "content/csam", "[http://x.example/] [x.example] []", abuse.CSAM},
		{"trademark", string(v3(`"ReportType":"Trademark","InfringingUrl":"http://x.example/",` + date)), "content/brand_infringement", "[http://x.example/] [x.example] []", abuse.Trademark},
		{"list of URLs", string(v3(`"ReportType":"Phishing","Urls":["hxxp://x[.]example/","https://y.example/"],` + date)), "content/phishing", "[http://x.example/ https://y.example/] [x.example y.example] []", abuse.Phishing},
		{"lower case throughout", `{"version":3,"reporterinfo":{"reporterorg":"Org"},"report":{"reporttype":"spam","date":"2026-01-02 03:04:05","sourceip":"192.0.2.5"}}`, "messaging/spam", "[] [] [192.0.2.5]", abuse.Spam},
		{"no version", `{"ReporterInfo":{"ReporterContactEmail":"me@b.example"},"Report":{"ReportType":"Spam","SourceIp":"192.0.2.5",` + date + `}}`, "messaging/spam", "[] [] [192.0.2.5]", abuse.Spam},
		{"harassment", string(v3(`"ReportType":"Harassment","SourceUrl":"https://x.example/c/1",` + date)), "reputation/threat_intelligence", "[https://x.example/c/1] [x.example] []", abuse.Other},
	} {
		r, _, err := Read3([]byte(c.doc))
		if err != nil {
			t.Errorf("%s: %v", c.label, err)
			continue
		}
		if got := r.Category + "/" + r.Type; got != c.pair || r.Abuse != c.abuse {
			t.Errorf("%s: %s (%s), want %s (%s)", c.label, got, r.Abuse, c.pair, c.abuse)
		}
		if got := fmt.Sprint(r.URLs, r.Domains, r.IPs); got != c.subjects {
			t.Errorf("%s: %s, want %s", c.label, got, c.subjects)
		}
		if r.ReportedAt.Format("2006-01-02T15:04:05") != "2026-01-02T03:04:05" {
			t.Errorf("%s: %v", c.label, r.ReportedAt)
		}
	}
}

func TestRead3Refuses(t *testing.T) {
	const date = `"Date":"2026-01-02T03:04:05Z"`
	for _, c := range []struct{ doc, path string }{
		{string(v3(`"SourceIp":"192.0.2.5",` + date)), "Report.ReportType"},
		{string(v3(`"ReportType":"Weather","SourceIp":"192.0.2.5",` + date)), "Report.ReportType"},
		{string(v3(`"ReportType":["Spam"],"SourceIp":"192.0.2.5",` + date)), "Report.ReportType"},
		{string(v3(`"ReportType":"Spam","SourceIp":"192.0.2.5"`)), "Report.Date"},
		{string(v3(`"ReportType":"Spam","SourceIp":"192.0.2.5","Date":"yesterday"`)), "Report.Date"},
		{string(v3(`"ReportType":"Spam",` + date)), "Report"},
		{string(v3(`"ReportType":"Spam","SourceIp":"10.0.0.1",` + date)), "Report.SourceIp"},
		{string(v3(`"ReportType":"Spam","SourceIp":"1.2.3.4.5",` + date)), "Report.SourceIp"},
		{string(v3(`"ReportType":"Phishing","SourceUrl":"http://127.0.0.1/",` + date)), "Report.SourceUrl"},
		{string(v3(`"ReportType":"Phishing","Urls":["http://a.example/",7],` + date)), "Report.Urls[1]"},
		{string(v3(`"ReportType":"Phishing","Source":{"URL":"no url"},` + date)), "Report.Source.URL"},
		{string(v3(`"ReportType":"Spam","reporttype":"Phishing","SourceIp":"192.0.2.5",` + date)), "Report.reporttype"},
		{`{"Version":"3","ReporterInfo":{"ReporterOrgDomain":"b.example"},"Report":{"ReportType":"Spam","SourceIp":"192.0.2.5",` + date + `}}`, "ReporterInfo"},
		{`{"Version":"3","ReporterInfo":{"ReporterOrgEmail":"nobody"},"Report":{"ReportType":"Spam","SourceIp":"192.0.2.5",` + date + `}}`, "ReporterInfo"},
		{`{"Version":"3","Report":{"ReportType":"Spam","SourceIp":"192.0.2.5",` + date + `}}`, "ReporterInfo"},
		{`{"Version":"3","ReporterInfo":{"ReporterOrg":"x"},"Report":[]}`, "Report"},
		{`{"Version":"3","ReporterInfo":{"ReporterOrg":"x"}}`, "Report"},
		{`{"Version":"9","ReporterInfo":{"ReporterOrg":"x"},"Report":{"ReportType":"Spam","SourceIp":"192.0.2.5",` + date + `}}`, "Version"},
	} {
		_, _, err := Read3([]byte(c.doc))
		var e *problem.Error
		if !errors.As(err, &e) || len(e.Fields) == 0 || e.Fields[0].Path != c.path {
			t.Errorf("%s:\n%v, want an error at %s", c.doc, err, c.path)
		}
	}
}

func TestV3Positives(t *testing.T) {
	haveCorpus(t)
	files, _ := filepath.Glob(corpus + "/abusix-samples/positive/*/*.json")
	if len(files) == 0 {
		t.Fatal("no samples")
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Read3(raw); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
	t.Logf("%d samples of versions 1, 2, 3, alpha and development are read", len(files))
}

// accepted3 are the samples that the version 3 schemas refuse and Read3
// accepts, with why: each breaks a rule that is not needed to act.
var accepted3 = map[string]string{
	"invalid_additional_fields": "a field nobody defined is ignored",
	"invalid_b64_flag":          "Base64Encoded is no boolean: a finding; the payload is looked at",
	"invalid_byte_count":        "counters of the wrong type: a finding",
	"invalid_destination":       "the victim's side is wrong: a finding",
	"invalid_destination2":      "the victim's side is wrong: a finding",
	"invalid_email_as_identifier_potentially_compromised_account": "the account is spelled in the wrong field; the service's address is there",
	"invalid_emails":                                      "the mail addresses of the spam are wrong: a finding; its source is there",
	"invalid_empty_account":                               "no account named; the service's address is there",
	"invalid_exploit_wrong_cve":                           "the CVE is written wrongly; the attacking address is there",
	"invalid_exploit_wrong_vector":                        "the CVSS vector is written wrongly",
	"invalid_exploit_wrong_version":                       "the CVSS version is written wrongly",
	"invalid_file_hash":                                   "the hash of the copied file is written wrongly",
	"invalid_file_info":                                   "the size of the copied file is negative: a finding",
	"invalid_first_seen":                                  "FirstSeen is no date: a finding; Date is one",
	"invalid_internal_processing_wrong_data_type":         "InternalProcessing is ignored, whatever it holds",
	"invalid_missing_account":                             "no account named; the service's address is there",
	"invalid_missing_reporter_props5":                     "no mail address, but an organisation stands behind it",
	"invalid_missing_url":                                 "no URL, but an address to act on",
	"invalid_on_behalf_of":                                "the complainant's contacts are wrong: a finding; the reporter's are right",
	"invalid_openservice":                                 "details of the service are wrong; its address is there",
	"invalid_openservice2":                                "details of the service are wrong; its address is there",
	"invalid_openservice3":                                "details of the service are wrong; its address is there",
	"invalid_openservice4":                                "details of the service are wrong; its address is there",
	"invalid_openservice_missing_service":                 "the service is not named; its address is there",
	"invalid_ports":                                       "ports out of range: a finding",
	"invalid_reporter_metadata":                           "a number for an identifier is read; an unknown severity is ignored",
	"invalid_reporter_metadata2":                          "an identifier of the wrong type: a finding",
	"invalid_sample":                                      "Samples is no list: a finding, no evidence",
	"invalid_sample_2":                                    "items without a payload: a finding, dropped",
	"invalid_used_ip_in_potentially_compromised_account":  "the attacker is spelled as the source; an address to act on is there",
	"invalid_used_url_in_potentially_compromised_account": "a URL where none is expected; something to act on is there",
}

func TestV3Negatives(t *testing.T) {
	haveCorpus(t)
	files, _ := filepath.Glob(corpus + "/abusix-samples/negative/*/*.json")
	refused, current, currentRefused := 0, 0, 0
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = Read3(raw)
		isCurrent := filepath.Base(filepath.Dir(f)) == "3"
		if isCurrent {
			current++
		}
		if err != nil {
			refused++
			if isCurrent {
				currentRefused++
			}
		} else if accepted3[strings.TrimSuffix(filepath.Base(f), ".json")] == "" {
			t.Errorf("%s is accepted, and no reason is listed", f)
		}
	}
	t.Logf("of %d samples the schemas refuse, %d are refused (version 3: %d of %d); the rest is accepted for the reasons listed", len(files), refused, currentRefused, current)
}
