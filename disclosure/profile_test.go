package disclosure

import (
	"strings"
	"testing"

	"bailiwick/problem"
)

// TestShipped: each rule says what it rests on, where and when it was read, and
// says so when it is not for compliance use.
func TestShipped(t *testing.T) {
	ps, err := NewProfiles()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(ps.All()); n != 3 {
		t.Errorf("%d profiles", n)
	}
	for _, p := range ps.All() {
		for _, c := range p.Clocks {
			if (c.Caveat() == NotForCompliance) != (c.Basis != Primary) {
				t.Errorf("%s: %s has caveat %q", p.ID, c.Of, c.Caveat())
			}
			if c.Words() == "" {
				t.Errorf("%s: %s has no words", p.ID, c.Of)
			}
		}
	}
	if ps.For("gtld").ID != "gtld" || ps.For("cctld").ID != "courtesy" || ps.For("").ID != "courtesy" {
		t.Error("the defaults are others")
	}
}

const sample = `id: local
name: A law
tlds: cctld
clocks: [{of: answer, urgency: ordinary, within: 48h, from: receipt, basis: primary, source: "https://law.example/1", read: 2026-01-31}]
keep: 24h
keep_basis: ours
`

func TestLoadProfile(t *testing.T) {
	own, err := LoadProfile(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	if own.Clocks[0].Caveat() != "" || own.Clocks[0].Words() != "48 hours from receipt" {
		t.Errorf("%q %q", own.Clocks[0].Caveat(), own.Clocks[0].Words())
	}
	ps, err := NewProfiles(own)
	if err != nil || ps.For("cctld").ID != "local" {
		t.Errorf("%v", err)
	}
	if _, err := NewProfiles(own, own); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("twice the same: %v", err)
	}
	if own.Hash() == ps.For("gtld").Hash() {
		t.Error("two profiles, one hash")
	}
	for what, change := range map[string][2]string{
		"an unknown key":             {"keep: 24h", "keep: 24h\ncolour: red"},
		"a second document":          {"keep_basis: ours", "keep_basis: ours\n---\nid: x"},
		"no time to answer":          {"of: answer", "of: acknowledgement"},
		"a basis that is none":       {"basis: primary", "basis: hearsay"},
		"no source":                  {`source: "https://law.example/1", `, ""},
		"no day":                     {"2026-01-31", "lately"},
		"two times":                  {"within: 48h", "within: 48h, business_days: 2"},
		"no time":                    {"within: 48h, ", ""},
		"a time over a year":         {"48h", "9000h"},
		"kept for nothing":           {"keep: 24h", "keep: 0s"},
		"from nowhere":               {"from: receipt", "from: acknowledgement"},
		"urgent without a time":      {"keep: 24h", "urgent: [life]\nkeep: 24h"},
		"a condition that is none":   {"keep: 24h", "urgent: [hurry]\nkeep: 24h"},
		"a name that is no word":     {"id: local", "id: ../x"},
		"a duration that is none":    {"48h", "soon"},
		"an urgency that is none":    {"urgency: ordinary", "urgency: later"},
		"a kind of TLD that is none": {"tlds: cctld", "tlds: all"},
	} {
		if !strings.Contains(sample, change[0]) {
			t.Fatalf("%s: the sample has no %q", what, change[0])
		}
		if _, err := LoadProfile(strings.NewReader(strings.Replace(sample, change[0], change[1], 1))); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := LoadProfile(strings.NewReader(strings.Repeat("#", MaxProfile+1))); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("too large: %v", err)
	}
}

func FuzzLoadProfile(f *testing.F) {
	f.Add(sample)
	f.Add("id: [")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := LoadProfile(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, c := range p.Clocks {
			if due := c.Due(friday); !due.After(friday) {
				t.Errorf("%+v is due at %s", c, due)
			}
		}
	})
}
