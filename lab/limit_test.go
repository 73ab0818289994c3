package lab

import (
	"net/netip"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	a, b := netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("203.0.113.2")
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	l := newLimiter(&Limit{Rate: 2, Burst: 3, Ban: 2})
	for i, s := range []struct {
		from   netip.Addr
		after  time.Duration
		wait   time.Duration
		banned bool
	}{
		{a, 0, 0, false}, {a, 0, 0, false}, {a, 0, 0, false}, // the burst
		{a, 0, 500 * time.Millisecond, false},
		{b, 0, 0, false}, // another client has its own
		{a, 500 * time.Millisecond, 0, false},
		{a, 0, 500 * time.Millisecond, false},
		{a, time.Hour, 0, true}, // the second offence was one too many
		{b, 0, 0, false},
	} {
		at = at.Add(s.after)
		if wait, banned := l.ask(s.from, at); wait != s.wait || banned != s.banned {
			t.Errorf("question %d: wait %v banned %t, want %v %t", i+1, wait, banned, s.wait, s.banned)
		}
	}
	if wait, banned := (*limiter)(nil).ask(a, at); wait != 0 || banned {
		t.Error("no limit is one")
	}
}
