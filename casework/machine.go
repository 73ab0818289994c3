package casework

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bailiwick/problem"
)

// Tip points at where a log stands in its projection.
type Tip[S ~string] struct {
	ID       *string
	State    *S
	Seq      *int
	Head     *Hash
	Last     *time.Time
	Unloaded *bool // an erased payload was skipped
}

// Machine is what every log on this chain has in common, for a projection T with
// states S: what may follow what, how an event is sealed, and how the projection
// is rebuilt. Package disclosure, verify and inaccuracy are each one. A case has
// its own (Apply), which copies only what a kind of event changes, because cases
// have logs of thousands of events.
type Machine[T any, S ~string] struct {
	What string // what errors call it: "request"
	Tip  func(*T) Tip[S]
	// Clone copies what Apply changes in place; nil where it changes nothing so.
	Clone func(T) T
	// Leads are the states that an event may lead to, nil where it may not
	// happen or leaves the state as it is: that is for Stays to say.
	Leads func(S, Kind) []S
	Stays func(S, Kind) bool
	// Personal says whether payloads of a kind hold personal data, which expires.
	Personal func(Kind) bool
	// Apply changes the projection by an event whose payload is there.
	Apply func(*T, Entry) error
}

// Begin is the beginning of every decision: a log is opened once and first. The
// time is what the log keeps, and never before its last event: clocks differ.
func (m *Machine[T, S]) Begin(t T, opens bool, now time.Time) (time.Time, error) {
	tip := m.Tip(&t)
	now = now.Round(0).UTC().Truncate(time.Microsecond)
	if opens == (*tip.State != "") {
		if opens {
			return now, problem.New(problem.Conflict, "%s %s is there already", m.What, *tip.ID)
		}
		return now, problem.New(problem.NotFound, "there is no such %s", m.What)
	}
	if now.Before(*tip.Last) {
		now = *tip.Last
	}
	return now, nil
}

// Next is the projection after an event. It fails on an event that the machine
// does not allow, that does not follow the head or that contradicts what the log
// says before it, and on a missing payload of a kind that is never erased
// (*ChainError).
func (m *Machine[T, S]) Next(t T, e Entry) (T, error) {
	next := t
	if m.Clone != nil {
		next = m.Clone(t)
	}
	if err := m.advance(&next, e); err != nil {
		return t, err
	}
	return next, nil
}

// advance is Next in place. After an error t is of no use.
func (m *Machine[T, S]) advance(t *T, e Entry) error {
	fail := func(format string, args ...any) error {
		return &ChainError{Case: e.Case, Seq: e.Seq, Reason: fmt.Sprintf(format, args...)}
	}
	tip := m.Tip(t)
	if e.Seq != *tip.Seq+1 || e.Prev != *tip.Head || *tip.Seq > 0 && e.Case != *tip.ID {
		return fail("it does not follow event %d of %s %s", *tip.Seq, m.What, *tip.ID)
	}
	before := *tip.State
	allowed := m.Leads(before, e.Kind)
	if allowed == nil && !m.Stays(before, e.Kind) {
		return fail("%q cannot happen in state %q", e.Kind, before)
	}
	*tip.Seq, *tip.Head, *tip.Last = e.Seq, e.Hash, e.At
	if e.Payload == nil {
		if !m.Personal(e.Kind) {
			return fail("the payload of %q is missing", e.Kind)
		}
		*tip.Unloaded = true
		return nil
	}
	if err := m.Apply(t, e); err != nil {
		return fail("%v", err)
	}
	switch after := *tip.State; {
	case allowed != nil && !slices.Contains(allowed, after):
		return fail("%q in state %q cannot lead to %q", e.Kind, before, after)
	case allowed == nil && after != before:
		return fail("%q does not change the state", e.Kind)
	}
	return nil
}

// Replay rebuilds a projection from its log. The chain must verify first
// (VerifyChain); erased personal payloads are skipped.
func (m *Machine[T, S]) Replay(entries []Entry) (T, error) {
	var t, none T
	if len(entries) == 0 {
		return t, problem.New(problem.NotFound, "the log is empty")
	}
	for _, e := range entries {
		// Nobody else holds t, so nothing needs to be copied.
		if err := m.advance(&t, e); err != nil {
			return none, err
		}
	}
	return t, nil
}

// Seal makes the entry of an event that follows a projection: the next link of
// its chain. The salt must be random.
func (m *Machine[T, S]) Seal(t T, id string, ev Event, now time.Time, salt [32]byte) (Entry, error) {
	body, err := json.Marshal(ev.Body)
	if err != nil {
		return Entry{}, problem.Wrap(err, problem.Internal, "an event cannot be written")
	}
	var prev *Link
	if tip := m.Tip(&t); *tip.Seq > 0 {
		prev = &Link{Seq: *tip.Seq, Hash: *tip.Head, At: *tip.Last}
	}
	return Seal(prev, id, now, ev.Kind, ev.Actor, Payload{Salt: salt, Body: body, Personal: m.Personal(ev.Kind)}), nil
}

// Read is the body of an event whose payload is there.
func Read[B any](e Entry) (B, error) { return read[B](e) }

// maxReference bounds a reference, in octets.
const maxReference = 200

// Reference says whether s is a kind and an id, such as "person:7": whoever does
// something is never named in a log that outlives them.
func Reference(s string) bool {
	kind, id, ok := strings.Cut(s, ":")
	return ok && kind != "" && id != "" && len(s) <= maxReference && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '@' })
}

// InPerson says whether a reference is to a person who acts in person, not to a
// program that acts for one.
func InPerson(by string) bool {
	return Reference(by) && strings.HasPrefix(by, "person:") && !strings.Contains(by, "/")
}
