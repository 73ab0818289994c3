package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"bailiwick/access"
	"bailiwick/config"
)

func TestDocumentIsAValidConfiguration(t *testing.T) {
	var doc bytes.Buffer
	if err := config.Document(&doc); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, doc.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	fromDoc, err := config.Load(path, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, doc.String())
	}
	plain, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	fromDoc.Confirm.Rules, fromDoc.Files.Playbooks, fromDoc.Network.Vantages, fromDoc.Inbox.Report, fromDoc.Inbox.FeedbackFrom = nil, nil, nil, nil, nil // [] and nothing are the same
	fromDoc.TrustedProxies, fromDoc.Disclosure.Profiles, fromDoc.Verify.Profiles, fromDoc.Accuracy.Profiles = nil, nil, nil, nil
	if !reflect.DeepEqual(fromDoc, plain) {
		t.Errorf("the documented configuration is not the default one:\n%+v\n%+v", fromDoc, plain)
	}
	if len(plain.TrustedProxies) != 0 || plain.Retention.Access != access.DefaultKeepLog {
		t.Errorf("trusts %v, keeps the log of looks for %s", plain.TrustedProxies, plain.Retention.Access)
	}
	if plain.Mail.Enabled || len(plain.Confirm.Rules) != 0 {
		t.Error("a fresh centre must send nothing and confirm nothing by itself")
	}
}

func TestLoad(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		env        []string
		wantErr    string
		check      func(config.Config) bool
	}{
		{"file", "listen: 127.0.0.1:1\nmail: {enabled: true}\nbase_url: https://c.example\ncentre: {contact: a@b.example}\n", nil, "",
			func(c config.Config) bool { return c.Listen == "127.0.0.1:1" && c.Mail.Enabled }},
		{"environment wins", "listen: 127.0.0.1:1\n", []string{"BAILIWICK_LISTEN=127.0.0.1:2", "BAILIWICK_CONFIRM_RULES=live-phishing, live-malware"}, "",
			func(c config.Config) bool { return c.Listen == "127.0.0.1:2" && len(c.Confirm.Rules) == 2 }},
		{"a hook without a secret", "verify: {hook_url: 'https://registrar.example/orders'}\n", nil, "verify.hook_secret_file", nil},
		{"a cap of none", "verify: {per_address_per_day: 0}\n", nil, "verify.per_day", nil},
		{"unknown key", "listn: x\n", nil, "listn", nil},
		{"unknown rule", "confirm: {rules: [all]}\n", nil, `"all" is not a rule`, nil},
		{"bad number", "", []string{"BAILIWICK_WORKERS=many"}, "BAILIWICK_WORKERS", nil},
		{"bad database", "database: mysql://x\n", nil, "database", nil},
		{"sending without a way to answer", "mail: {enabled: true}\ncentre: {contact: a@b.example}\n", nil, "base_url", nil},
		{"a log that is soon gone", "retention: {access: 24h}\n", nil, "retention.access", nil},
		{"a log at its shortest", "retention: {access: 2160h}\n", nil, "", func(c config.Config) bool { return c.Retention.Access == access.MinKeepLog }},
		{"a log that is kept", "retention: {access: -1h}\n", nil, "", nil},
		{"verdicts that go within a month", "retention: {accuracy: 743h}\n", nil, "retention.accuracy", nil},
		{"verdicts at their shortest", "retention: {accuracy: 744h}\n", nil, "", nil},
		{"verdicts that are kept", "retention: {accuracy: -1h}\n", nil, "", func(c config.Config) bool { return c.Retention.Accuracy < 0 }},
		{"proxies", "", []string{"BAILIWICK_TRUSTED_PROXIES=127.0.0.1/32, 2001:db8::/64"}, "", func(c config.Config) bool { return len(c.TrustedProxies) == 2 }},
		{"a proxy that is no network", "trusted_proxies: [127.0.0.1/32, localhost]\n", nil, "trusted_proxies[1]", nil},
		{"sending without a contact", "mail: {enabled: true}\n", nil, "centre.contact", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.yaml")
			if err := os.WriteFile(path, []byte(tc.file), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := config.Load(path, tc.env)
			switch {
			case tc.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tc.wantErr)):
				t.Fatalf("error %v, want one naming %q", err, tc.wantErr)
			case tc.wantErr == "" && err != nil:
				t.Fatal(err)
			case tc.check != nil && !tc.check(c):
				t.Errorf("%+v", c)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("listen: x\n"))
	f.Add([]byte("{a: &x [*x]}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c config.Config
		_ = config.Parse(b, &c)
	})
}
