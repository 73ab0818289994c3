package party

import (
	"fmt"
	"time"
)

// Figures are what the delivery log and the logs of the cases show of one mail
// address. Silence is counted from deliveries alone: an ask that no server
// accepted, or that came back, was not met with silence.
type Figures struct {
	Address   string    `json:"address"` // in lower case
	FirstSeen time.Time `json:"first_seen,omitzero"`
	// Notices by what became of them: taken by a server; refused for good, or
	// taken and returned as undeliverable later; given up, or still tried,
	// after temporary refusals; not known.
	Accepted  int `json:"accepted"`
	Refused   int `json:"refused"`
	Temporary int `json:"temporary"`
	InDoubt   int `json:"in_doubt"`
	// LastAccepted does not count what was returned later.
	LastAccepted time.Time `json:"last_accepted,omitzero"`
	LastRefused  time.Time `json:"last_refused,omitzero"`
	Refusal      string    `json:"refusal,omitempty"` // the latest, in the server's words
	// Of the latest asks that were delivered (at most RecentAsks): those
	// answered, those acted on as far as it was measured and credited, those
	// whose time passed with neither; the rest is open.
	Asks     int `json:"asks"`
	Answered int `json:"answered"`
	Acted    int `json:"acted"`
	Missed   int `json:"missed"`
	// Silent are the missed asks since the latest that was answered or acted on.
	Silent      int       `json:"silent"`
	SilentSince time.Time `json:"silent_since,omitzero"` // delivery of the first of them
	// LastPerson and LastMachine are when a person, and when a machine (an
	// acknowledgement, an automatic answer), last answered.
	LastPerson  time.Time `json:"last_person,omitzero"`
	LastMachine time.Time `json:"last_machine,omitzero"`
}

const (
	// RecentAsks is how many asks of one address are looked back at: more would
	// let an old habit outweigh what a desk does today.
	RecentAsks = 20
	// TooSilent is how many asks in a row, delivered and met with silence, make
	// Who pass an address over where there is another.
	TooSilent = 3
	// BounceMemory is how long a refusal for good is believed. Mailboxes are
	// repaired, and nobody tells us.
	BounceMemory = 30 * 24 * time.Hour
)

// Health is what our own deliveries showed of a mail address, as far as Who
// needs it.
type Health struct {
	// Bounced: the latest result is a refusal for good, at At, not long ago.
	Bounced bool      `json:"bounced"`
	At      time.Time `json:"at,omitzero"`
	// Silent is how many asks in a row were delivered and neither answered nor
	// acted on in time.
	Silent int `json:"silent,omitempty"`
}

// TooSilent says whether another contact is to be tried.
func (h Health) TooSilent() bool { return h.Silent >= TooSilent }

// passed says why an address was passed over; "" if it was not.
func (h Health) passed(addr string) string {
	switch {
	case h.Bounced:
		return addr + " bounced on " + h.At.UTC().Format(time.DateOnly)
	case h.TooSilent():
		return fmt.Sprintf("%s left %d asks in a row unanswered", addr, h.Silent)
	}
	return ""
}

// Health is how Who is to see the address at a time.
func (f Figures) Health(now time.Time) Health {
	h := Health{Silent: f.Silent}
	if f.bounces() && now.Sub(f.LastRefused) < BounceMemory {
		h.Bounced, h.At = true, f.LastRefused
	}
	return h
}

func (f Figures) bounces() bool {
	return f.Refused > 0 && !f.LastRefused.IsZero() && f.LastRefused.After(f.LastAccepted)
}

// Verdict is what to think of a contact.
type Verdict string

// The verdicts.
const (
	Works       Verdict = "works"        // answered or acted lately
	MachineOnly Verdict = "machine only" // only machines have answered
	Silent      Verdict = "silent"       // accepts, and has never, or not of late, answered
	Bounces     Verdict = "bounces"
	OnlyForm    Verdict = "form only"
	Untried     Verdict = "unknown"
)

// Verdict judges the address at a time, and says it in words.
func (f Figures) Verdict(now time.Time) (Verdict, string) {
	day := func(t time.Time) string { return t.UTC().Format(time.DateOnly) }
	switch {
	case f.bounces():
		if now.Sub(f.LastRefused) >= BounceMemory {
			return Untried, "bounced on " + day(f.LastRefused) + ", long ago: it is tried again"
		}
		return Bounces, "bounces since " + day(f.LastRefused)
	case f.Silent >= TooSilent:
		if f.Answered+f.Acted == 0 && f.LastPerson.IsZero() {
			return Silent, fmt.Sprintf("accepts, never answered: %d asks in a row, since %s", f.Silent, day(f.SilentSince))
		}
		return Silent, fmt.Sprintf("accepts, no answer to %d asks in a row, since %s", f.Silent, day(f.SilentSince))
	case !f.LastPerson.IsZero():
		return Works, "works: last answered by a person on " + day(f.LastPerson)
	case f.Answered+f.Acted > 0:
		return Works, fmt.Sprintf("works: %d of %d asks were acted on or answered", f.Answered+f.Acted, f.Asks)
	case !f.LastMachine.IsZero():
		return MachineOnly, "accepts, answered by a machine only, last on " + day(f.LastMachine)
	case f.Missed > 0:
		return Silent, fmt.Sprintf("accepts, never answered: %d of %d asks", f.Missed, f.Asks)
	case f.Accepted > 0:
		return Untried, "accepts; no ask has run its time yet"
	case f.Temporary > 0:
		return Untried, "refused for a time; nothing was accepted yet"
	}
	return Untried, "unknown: nothing was sent to it"
}

// Score is a figure to sort by, from 0 (never works) to 100 (always): the share
// of the latest asks that were answered or acted on, drawn towards a half while
// they are few; 0 while it bounces.
func (f Figures) Score(now time.Time) int {
	if f.Health(now).Bounced {
		return 0
	}
	good, settled := f.Answered+f.Acted, f.Answered+f.Acted+f.Missed
	return (200*good + 200) / (2*settled + 4)
}
