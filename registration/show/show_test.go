package show_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"bailiwick/registration"
	"bailiwick/registration/show"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files")

var now = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)

// TestGolden writes each record of testdata, which is JSON, as on a terminal of
// 80 columns, on a narrow one, and into a pipe.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(inputs) < 8 {
		t.Fatalf("%d records, %v", len(inputs), err)
	}
	for _, in := range inputs {
		t.Run(filepath.Base(in), func(t *testing.T) {
			raw, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			var rec registration.Record
			if err := json.Unmarshal(raw, &rec); err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, o := range []show.Options{{Width: 80}, {Width: 44}, {AllFindings: true}} {
				if o.Width == 44 && !strings.Contains(in, "merged") && !strings.Contains(in, "scripts") {
					continue
				}
				b, _ := json.Marshal(o)
				got.WriteString("== " + string(b) + "\n")
				if err := show.Text(&got, rec, now, o); err != nil {
					t.Fatal(err)
				}
			}
			golden := strings.TrimSuffix(in, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRelative(t *testing.T) {
	for _, tc := range []struct{ date, want string }{
		{"2018-02-09T11:59:43Z", "8 years ago"},
		{"2024-11-26T10:00:00Z", "2 years ago"},
		{"2024-11-26T10:00:01Z", "23 months ago"},
		{"2026-11-26T10:00:00Z", "just now"},
		{"2026-11-26T09:59:01Z", "just now"},
		{"2026-11-26T09:59:00Z", "1 minute ago"},
		{"2026-11-26T08:00:01Z", "119 minutes ago"},
		{"2026-11-26T08:00:00Z", "2 hours ago"},
		{"2026-11-24T10:00:00Z", "2 days ago"},
		{"2026-09-26T10:00:00Z", "2 months ago"},
		{"2026-09-27T10:00:00Z", "60 days ago"},
		{"2026-12-01T10:00:00Z", "in 5 days"},
		{"2028-12-01T10:00:00Z", "in 2 years"},
		{"2026-11-26", "today"},
		{"2026-11-25", "yesterday"},
		{"2026-11-27", "tomorrow"},
		{"2026-11-23", "3 days ago"},
		{"2027-02-09", "in 2 months"},
	} {
		var d registration.Date
		if err := d.UnmarshalJSON([]byte(`"` + tc.date + `"`)); err != nil {
			t.Fatal(err)
		}
		if got := show.Relative(d, now); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.date, got, tc.want)
		}
	}
	if show.When(registration.Date{}, now) != "" {
		t.Error("no date has words")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestWriterFails(t *testing.T) {
	if err := show.Text(broken{}, registration.Record{State: registration.Available}, now, show.Options{}); err == nil {
		t.Error("the writer's error is lost")
	}
}

// TestStatuses: every status of EPP has its plain words.
func TestStatuses(t *testing.T) {
	for _, s := range []string{"addPeriod", "autoRenewPeriod", "renewPeriod", "transferPeriod", "redemptionPeriod", "pendingRestore", "pendingCreate", "pendingDelete", "pendingRenew",
		"pendingTransfer", "pendingUpdate", "clientHold", "serverHold", "clientDeleteProhibited", "serverDeleteProhibited", "clientRenewProhibited", "serverRenewProhibited",
		"clientTransferProhibited", "serverTransferProhibited", "clientUpdateProhibited", "serverUpdateProhibited", "inactive", "linked", "ok"} {
		if registration.StatusMeaning(s) == "" {
			t.Errorf("%s has no plain words", s)
		}
	}
	if registration.StatusMeaning("paid and in zone") != "" {
		t.Error("a registry's own status has a meaning")
	}
}

// labels are what a line that does not begin with a space may begin with.
var labels = []string{"Domain", "State", "Registrar", "Created", "Updated", "Expires", "Status", "Name servers", "DNSSEC", "Registry ID", "Registrant", "Admin", "Tech", "Billing", "Contact", "Source", "Sources"}

// holds says what is true of every text that is written.
func holds(t interface{ Fatalf(string, ...any) }, out string, o show.Options) {
	if !utf8.ValidString(out) {
		t.Fatalf("not UTF-8: %q", out)
	}
	for l := range strings.Lines(out) {
		if at, _ := utf8.DecodeRuneInString(l); at != ' ' && at != '\n' && !strings.HasPrefix(l, "Findings\n") {
			label := strings.TrimRight(l[:min(15, len(l))], " \n")
			if !slices.Contains(labels, label) {
				t.Fatalf("no label of ours: %q", l)
			}
		}
		l, ok := strings.CutSuffix(l, "\n")
		if !ok {
			t.Fatalf("a line without an end: %q", l)
		}
		depth, n := 0, 0
		for _, r := range l {
			switch {
			case r == 0x2068:
				depth++
			case r == 0x2069:
				depth--
			case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
				t.Fatalf("%U in %q", r, l)
			case r < 0x300:
				n++
			}
			if depth < 0 || depth > 1 {
				t.Fatalf("isolates do not pair in %q", l)
			}
		}
		if depth != 0 {
			t.Fatalf("isolates do not pair in %q", l)
		}
		if o.Width > 0 && n > max(o.Width, show.MinWidth) {
			t.Fatalf("%d columns: %q", n, l)
		}
	}
}

// TestHostile: whatever is in a record, the text is one that holds, and no line
// that begins at the left is of the outside.
func TestHostile(t *testing.T) {
	nasty := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"x\r\nRegistrar      Good Inc", "\x1b[2J\x1b[31mred", "pay\u202egnp.exe", "\u2067\u2068", "שלום", "مثال", "銀行" + strings.Repeat("行", 90),
		strings.Repeat("\u2800", 60) + "Expires        never", strings.Repeat("x", 500), strings.Repeat("\u3164", 70) + "y", "a\u00a0b\u3000c", "", "\xff\xfe",
	}))
	rapid.Check(t, func(t *rapid.T) {
		s := func(l string) string { return nasty.Draw(t, l) }
		rec := registration.Record{
			State: registration.State(s("state")), Domain: s("domain"), Unicode: s("unicode"), Handle: s("handle"), DNSSEC: s("dnssec"),
			Registrar: registration.Registrar{Name: s("rn"), IANAID: s("id"), URL: s("url"), AbuseEmail: s("ae"), AbusePhone: s("ap")},
			Statuses:  []string{s("st"), "clientHold"}, Nameservers: []string{s("ns")},
			Contacts: map[string]registration.Contact{s("role"): {Name: s("name")}, registration.Registrant: {Street: []string{s("l1"), s("l2")}, Email: s("mail")}},
			Fields:   map[string]registration.FieldState{"contacts." + s("r2"): registration.FieldState(s("fs")), "contacts.tech.name": registration.Unparsed},
			Unread:   map[string]string{"contacts.tech.name": s("unread")},
			Findings: []registration.Finding{{ID: s("fid"), Severity: registration.Severity(s("sev")), Path: s("fp"), Detail: s("fd"), Source: s("fsrc")}, {ID: "merge.conflict", Path: "registrar.name", Detail: s("cd")}},
			Sources:  map[string]registration.Source{"": {Protocol: s("pr"), Server: s("sv"), Role: s("ro")}, "dnssec": {Server: s("sv2")}},
			Answers:  []registration.Answer{{Source: registration.Source{Protocol: s("pr3")}, State: registration.State(s("as"))}},
		}
		o := show.Options{Width: rapid.IntRange(0, 120).Draw(t, "width"), AllFindings: rapid.Bool().Draw(t, "all")}
		var b bytes.Buffer
		if err := show.Text(&b, rec, now, o); err != nil {
			t.Fatal(err)
		}
		holds(t, b.String(), o)
		if again := new(bytes.Buffer); show.Text(again, rec, now, o) != nil || again.String() != b.String() {
			t.Fatal("not the same twice")
		}
	})
}

func BenchmarkText(b *testing.B) {
	raw, err := os.ReadFile(filepath.Join("testdata", "merged.json"))
	if err != nil {
		b.Fatal(err)
	}
	var rec registration.Record
	if err := json.Unmarshal(raw, &rec); err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := show.Text(&out, rec, now, show.Options{Width: 80}); err != nil {
			b.Fatal(err)
		}
	}
}
