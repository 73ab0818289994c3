// Package notify decides whether a notice may leave now. The channels, one
// folder each, carry it out. What is decided here is pure; the counts come
// from the delivery log.
package notify

import (
	"fmt"
	"time"
)

// Policy is the operator's: which channels send at all, and how much. The zero
// Policy lets nothing leave.
type Policy struct {
	// Enabled by channel, such as "email". What is not named is off.
	Enabled map[string]bool `json:"enabled"`
	// Stop holds everything, on every channel, until it is lifted.
	Stop bool `json:"stop"`
	// PerPartyPerDay and PerDay are the most notices that leave in any 24
	// hours, to one party and in all. There is no "without limit": 0 is none.
	PerPartyPerDay int `json:"per_party_per_day"`
	PerDay         int `json:"per_day"`
}

// Counts are what the delivery log says about one notice that is about to
// leave. A notice in doubt counts like one that left.
type Counts struct {
	Channel string
	// Party and All are the notices of the last 24 hours, to the same party and
	// in all.
	Party, All int
	// PartyOldest and AllOldest are the times of the oldest of those, if known:
	// with them Retry is exact.
	PartyOldest, AllOldest time.Time
}

// Decision says whether a notice may leave now.
type Decision struct {
	Allowed bool
	// Reason, in words, if not.
	Reason string
	// Retry is when to ask again. It is zero when only the operator can change
	// the answer.
	Retry time.Time
}

// day is the window of the caps, and again is when to ask again where the log
// does not say when the window moves.
const (
	day   = 24 * time.Hour
	again = time.Hour
)

// Gate decides, at now. The stop switch comes first, then the channel, then
// the cap of the party, then that of the day.
func Gate(p Policy, c Counts, now time.Time) Decision {
	switch {
	case p.Stop:
		return Decision{Reason: "held: the stop switch is on"}
	case !p.Enabled[c.Channel]:
		return Decision{Reason: fmt.Sprintf("held: sending by %q is not switched on", c.Channel)}
	case p.PerPartyPerDay <= 0:
		return Decision{Reason: "held: the cap per party and day is 0"}
	case p.PerDay <= 0:
		return Decision{Reason: "held: the cap per day is 0"}
	case c.Party >= p.PerPartyPerDay:
		return Decision{Reason: fmt.Sprintf("held: %d notices to this party in 24 hours, the cap is %d", c.Party, p.PerPartyPerDay), Retry: retry(c.PartyOldest, now)}
	case c.All >= p.PerDay:
		return Decision{Reason: fmt.Sprintf("held: %d notices in 24 hours, the cap is %d", c.All, p.PerDay), Retry: retry(c.AllOldest, now)}
	}
	return Decision{Allowed: true}
}

// retry is when the oldest notice leaves the window, always after now.
func retry(oldest, now time.Time) time.Time {
	if t := oldest.Add(day); !oldest.IsZero() && t.After(now) {
		return t
	}
	return now.Add(again)
}
