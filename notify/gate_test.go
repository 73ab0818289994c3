package notify

import (
	"strings"
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	on := Policy{Enabled: map[string]bool{"email": true, "form": false}, PerPartyPerDay: 3, PerDay: 10}
	with := func(f func(*Policy)) Policy { p := on; f(&p); return p }
	for _, tc := range []struct {
		what   string
		p      Policy
		c      Counts
		reason string
		retry  time.Time
	}{
		{"allowed", on, Counts{Channel: "email", Party: 2, All: 9}, "", time.Time{}},
		{"nothing is on by default", Policy{}, Counts{Channel: "email"}, "not switched on", time.Time{}},
		{"a channel that is off", on, Counts{Channel: "form"}, "not switched on", time.Time{}},
		{"a channel that nobody named", on, Counts{}, "not switched on", time.Time{}},
		{"stop comes first", with(func(p *Policy) { p.Stop = true }), Counts{Channel: "email"}, "stop switch", time.Time{}},
		{"no cap per party is no sending", with(func(p *Policy) { p.PerPartyPerDay = 0 }), Counts{Channel: "email"}, "party and day is 0", time.Time{}},
		{"no cap per day is no sending", with(func(p *Policy) { p.PerDay = -1 }), Counts{Channel: "email"}, "per day is 0", time.Time{}},
		{"the party's cap", on, Counts{Channel: "email", Party: 3, All: 3}, "3 notices to this party", now.Add(time.Hour)},
		{"the party's cap, oldest known", on, Counts{Channel: "email", Party: 3, PartyOldest: now.Add(-20 * time.Hour)}, "3 notices to this party", now.Add(4 * time.Hour)},
		{"an oldest outside the window is not believed", on, Counts{Channel: "email", Party: 4, PartyOldest: now.Add(-25 * time.Hour)}, "4 notices", now.Add(time.Hour)},
		{"the day's cap", on, Counts{Channel: "email", All: 10, AllOldest: now.Add(-23 * time.Hour)}, "10 notices in 24 hours", now.Add(time.Hour)},
		{"over the cap already", on, Counts{Channel: "email", All: 11}, "11 notices", now.Add(time.Hour)},
	} {
		t.Run(tc.what, func(t *testing.T) {
			d := Gate(tc.p, tc.c, now)
			if d.Allowed != (tc.reason == "") || !strings.Contains(d.Reason, tc.reason) || d.Allowed && d.Reason != "" {
				t.Errorf("%+v", d)
			}
			if !d.Retry.Equal(tc.retry) {
				t.Errorf("retry %s, want %s", d.Retry, tc.retry)
			}
			if !d.Retry.IsZero() && !d.Retry.After(now) {
				t.Error("a retry that is not after now")
			}
		})
	}
}
