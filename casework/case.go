package casework

import (
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/party"
	"bailiwick/problem"
)

// State of a case. docs/state-machine.md draws the transitions; a test holds
// the drawing against this package.
type State string

// The states.
const (
	New           State = "new"           // opened; nothing looked at yet
	Investigating State = "investigating" // looked at; the claim was not seen so far
	Unconfirmed   State = "unconfirmed"   // seen by us; waits for a confirmation
	Coordinating  State = "coordinating"  // confirmed; parties are asked and watched
	Closed        State = "closed"        // closed on a measured outcome; may still be watched for a return
	Merged        State = "merged"        // part of another case until un-merged
)

// IsOpen says whether work is due in state s.
func (s State) IsOpen() bool { return s != Closed && s != Merged }

// Outcome is what was measured (DESIGN section 4).
type Outcome string

// The outcomes. Empty is "still alive".
const (
	Stopped         Outcome = "stopped"
	Disrupted       Outcome = "disrupted"
	Cloaked         Outcome = "cloaked"
	Moved           Outcome = "moved"
	BackUp          Outcome = "back up"
	NotConfirmed    Outcome = "not confirmed"
	DownBeforeAsked Outcome = "down before asked"
	Parked          Outcome = "parked or sinkholed"
	NotSeen         Outcome = "not seen from here"
	Withdrawn       Outcome = "withdrawn" // every reporter took the report back
	ByHand          Outcome = "closed by hand"
)

// Class is whose doing it is. Unknown counts as Compromised.
type Class string

// The classes.
const (
	Malicious   Class = "malicious"   // registered to be abused
	Compromised Class = "compromised" // an honest holder's name, broken into
	Innocent    Class = "innocent"    // live, and not what was claimed
	Unknown     Class = "unknown"
)

// Status of an obligation.
type Status string

// The statuses.
const (
	Pending     Status = "pending"     // its notice has not been accepted by a receiving server yet
	Running     Status = "running"     // accepted once; the clock runs
	Informed    Status = "informed"    // accepted; nothing was asked
	Missed      Status = "missed"      // not seen to act in time
	Acted       Status = "acted"       // the party says it acted; measured before it is believed
	Referred    Status = "referred"    // the party named another
	Refused     Status = "refused"     // the party will not act
	Unreachable Status = "unreachable" // no way in is known to work: a person must hand it over
	HandOff     Status = "hand-off"    // prepared for a person to file: a bundle, or an ask to a party that has a form only
	Met         Status = "met"         // the abuse was measured gone, and the evidence credits this party
	Moot        Status = "moot"        // the abuse is gone, or the case is closed, without this party's doing shown
)

// live says whether a party in status s can still act: its clocks run.
func (s Status) live() bool { return s == Pending || s == Running || s == Missed || s == Acted }

// Obligation is one party asked for one action by one time.
type Obligation struct {
	ID     string      `json:"id"`
	Step   string      `json:"step"`
	Round  int         `json:"round"` // 1, and one more after each return
	Party  party.Party `json:"party"`
	Action Action      `json:"action"`
	Status Status      `json:"status"`
	Opened time.Time   `json:"opened"`
	// Delivered is when a receiving server first accepted a notice; zero until
	// then. Silence counts from here only.
	Delivered time.Time `json:"delivered,omitzero"`
	Due       time.Time `json:"due,omitzero"`
	// NextNotice is when the next notice (reminder, chase) goes out.
	NextNotice time.Time `json:"next_notice,omitzero"`
	Notices    int       `json:"notices"` // ordered so far
	// LastNotice is when the latest notice after the first was ordered.
	LastNotice time.Time `json:"last_notice,omitzero"`
	Doubts     int       `json:"doubts,omitempty"`
	// Escalates names the obligation whose failure started this one.
	Escalates string `json:"escalates,omitempty"`
	// Escalated is when a person went to the next step before the time of this
	// one was over.
	Escalated time.Time `json:"escalated,omitzero"`
	// Failed is when it last turned out that no notice reaches the party: the
	// next look finds out whether there is another contact.
	Failed   time.Time `json:"failed,omitzero"`
	Answer   string    `json:"answer,omitempty"`
	AnswerAt time.Time `json:"answer_at,omitzero"`
	// Proof is the SHA-256 (hex) of what shows that a person handed it over: a
	// receipt, a picture of the form.
	Proof string `json:"proof,omitempty"`
}

// ReportRef is a report attached to a case.
type ReportRef struct {
	ID       string    `json:"id"`
	Received time.Time `json:"received"`
	Format   string    `json:"format,omitempty"`
	URLs     []string  `json:"urls,omitempty"`
	Brand    string    `json:"brand,omitempty"`
	Gone     bool      `json:"withdrawn,omitempty"`
}

// Finding is what one look amounted to: the judgement in the words of this
// package. Snapshot is the judging package's own summary, kept as it came.
type Finding struct {
	At      time.Time `json:"at"`
	Live    bool      `json:"live"`    // something answers
	Claimed bool      `json:"claimed"` // the claimed abuse was seen, from at least one vantage point
	Class   Class     `json:"class"`
	Reasons []string  `json:"reasons,omitempty"`
	// Idle says what it is when the claim is not seen: which outcome the case
	// would close with if this stays so.
	Idle Outcome `json:"idle,omitempty"`
	// Doubt says why a person has to look: a live page that no rule can judge.
	// Such a case does not close by itself.
	Doubt    string          `json:"doubt,omitempty"`
	Snapshot json.RawMessage `json:"snapshot,omitempty"`
	Blobs    []string        `json:"blobs,omitempty"`
	// Registrar and abuse contact as answered today.
	Registrar  string `json:"registrar,omitempty"`
	IANAID     string `json:"iana_id,omitempty"`
	AbuseEmail string `json:"abuse_email,omitempty"`
	Created    string `json:"created,omitempty"` // of the registration
	Record     string `json:"record,omitempty"`  // state of the registration answer
	// Registration is the version of the name's registration that was answered,
	// "name#number"; "" where nothing was learned of it.
	Registration string    `json:"registration,omitempty"`
	Measured     *Measured `json:"measured,omitempty"`
}

// absent says whether the look shows the abuse gone from where it was reported,
// for certain. Time-outs, and pages that only hide, show nothing.
func (f Finding) absent() bool {
	m := f.Measured
	if m == nil || m.Inconclusive {
		return false
	}
	switch m.Outcome {
	case "", Cloaked, BackUp:
		return false
	case Disrupted, Moved: // what is left of it may still be seen
		return true
	}
	return !f.Claimed
}

// Measured is the outcome side of a look at a confirmed case.
type Measured struct {
	// Outcome is empty while the abuse stands as it did.
	Outcome Outcome `json:"outcome,omitempty"`
	// Inconclusive looks (time-outs) neither end nor prolong an absence.
	Inconclusive bool `json:"inconclusive,omitempty"`
	// Actor is credited only on evidence; empty is "actor unknown".
	ActorRole party.Role `json:"actor_role,omitempty"`
	ActorID   string     `json:"actor_id,omitempty"`
	ActorName string     `json:"actor_name,omitempty"`
	Why       []string   `json:"why,omitempty"`
	MovedTo   string     `json:"moved_to,omitempty"`
}

// Confirmation is who or what confirmed, and on which look.
type Confirmation struct {
	By       string    `json:"by"` // "person:…" or "rule:…"
	At       time.Time `json:"at"`
	Evidence time.Time `json:"evidence"` // the time of the look it rests on
}

// Case is the projection of a log.
type Case struct {
	ID       string        `json:"id"`
	Subject  party.Subject `json:"subject"`
	Type     abuse.Type    `json:"type"`
	State    State         `json:"state"`
	Playbook string        `json:"playbook"` // its hash
	Longest  Duration      `json:"longest"`  // its longest step
	Seq      int           `json:"seq"`
	Head     Hash          `json:"head"`
	Opened   time.Time     `json:"opened"`
	Began    time.Time     `json:"began"` // this round: when it was opened, or reopened
	Closed   time.Time     `json:"closed,omitzero"`
	Last     time.Time     `json:"last"` // time of the last event
	// Reports are this case's own; Absorbed those of cases merged into it.
	Reports  []ReportRef            `json:"reports"`
	Absorbed map[string][]ReportRef `json:"absorbed,omitempty"`
	Class    Class                  `json:"class"`
	// ClassBy is set once a person has judged: looks no longer change Class.
	ClassBy      string        `json:"class_by,omitempty"`
	Reasons      []string      `json:"reasons,omitempty"`
	Confirmation *Confirmation `json:"confirmation,omitempty"`
	Round        int           `json:"round"`
	Looks        int           `json:"looks"`
	Quiet        int           `json:"quiet"` // looks since the claim was last seen
	// Base is the look that first showed the claim in this round; Look the
	// latest one.
	Base *Finding `json:"base,omitempty"`
	Look *Finding `json:"look,omitempty"`
	// SeenLast is the last time the claim was seen; GoneSince the first look of
	// the present absence.
	SeenLast    time.Time    `json:"seen_last,omitzero"`
	GoneSince   time.Time    `json:"gone_since,omitzero"`
	GoneLooks   int          `json:"gone_looks,omitempty"`
	NextLook    time.Time    `json:"next_look,omitzero"`
	Obligations []Obligation `json:"obligations,omitempty"`
	Outcome     Outcome      `json:"outcome,omitempty"`
	Actor       Measured     `json:"actor,omitzero"`
	Returns     int          `json:"returns,omitempty"`
	MergedInto  string       `json:"merged_into,omitempty"`
	// Assignee is who works it: "person:ID", "" for nobody.
	Assignee string `json:"assignee,omitempty"`
	Before   State  `json:"before,omitempty"`   // state before the merge
	Unloaded bool   `json:"unloaded,omitempty"` // an erased payload was skipped
}

// Due is when work on the case is next due; zero for none.
func (c Case) Due() time.Time {
	var due time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	switch {
	case c.State == Merged:
		return due
	case c.State == Closed:
		return c.NextLook
	}
	at(c.NextLook)
	for _, o := range c.Obligations {
		if o.Round != c.Round || !o.Status.live() {
			continue
		}
		// Clocks are settled by a look. What was due at the latest look and was
		// left (the abuse seemed gone, or the look was inconclusive) waits for
		// the next one.
		for _, t := range []time.Time{o.Due, o.NextNotice} {
			if o.Status == Missed && t.Equal(o.Due) || c.Look != nil && !t.After(c.Look.At) {
				continue
			}
			at(t)
		}
	}
	at(c.Last.Add(time.Duration(c.Longest)))
	return due
}

// AllReports are the case's own and the absorbed reports that stand, by time.
func (c Case) AllReports() []ReportRef {
	var out []ReportRef
	add := func(rs []ReportRef) {
		for _, r := range rs {
			if !r.Gone {
				out = append(out, r)
			}
		}
	}
	add(c.Reports)
	for _, rs := range c.Absorbed {
		add(rs)
	}
	sort.Slice(out, func(i, j int) bool { return lessRef(out[i], out[j]) })
	return out
}

// URLs are those reported, without repeats, sorted, at most MaxURLs: the first
// in the alphabet, in whatever order the reports came.
func (c Case) URLs() []string {
	var out []string
	add := func(rs []ReportRef) {
		for _, r := range rs {
			if r.Gone {
				continue
			}
			for _, u := range r.URLs {
				i, found := slices.BinarySearch(out, u)
				if found || i == MaxURLs {
					continue
				}
				if len(out) == MaxURLs {
					out = out[:MaxURLs-1]
				}
				out = slices.Insert(out, i, u)
			}
		}
	}
	add(c.Reports)
	for _, rs := range c.Absorbed {
		add(rs)
	}
	return out
}

// Brand is the brand named by most reports, the first in the alphabet where
// that is even.
func (c Case) Brand() string {
	n := map[string]int{}
	best := ""
	for _, r := range c.AllReports() {
		if r.Brand == "" {
			continue
		}
		b := strings.ToLower(r.Brand)
		n[b]++
		if best == "" || n[b] > n[best] || n[b] == n[best] && b < best {
			best = b
		}
	}
	return best
}

// Limits on what one case holds.
const (
	MaxURLs        = 20   // looked at, per case
	MaxReports     = 5000 // attached, per case
	MaxObligations = 200  // opened, per round of a case
)

// Obligation finds an obligation by its id.
func (c Case) Obligation(id string) (Obligation, bool) {
	for _, o := range c.Obligations {
		if o.ID == id {
			return o, true
		}
	}
	return Obligation{}, false
}

// waits says whether o is yet to reach its party in the present round. A merged
// case keeps its round: it may be restored. A bundle is filed, and nothing
// follows from it.
func (c Case) waits(o Obligation) bool {
	return o.Round == c.Round && (c.State == Coordinating || c.State == Merged) &&
		(o.Status == Pending || o.Status == Unreachable || o.Status == HandOff && o.Action != Bundle)
}

// ForPerson says whether a person has to hand o over now: nothing else brings
// it to its party, and nothing has yet.
func (c Case) ForPerson(o Obligation) bool {
	return c.State == Coordinating && o.Round == c.Round && o.Delivered.IsZero() && (o.Status == Unreachable || o.Status == HandOff)
}

// FirstReport is when the earliest standing report arrived.
func (c Case) FirstReport() time.Time {
	if rs := c.AllReports(); len(rs) > 0 {
		return rs[0].Received
	}
	return c.Opened
}

// Asked says whether a party that could act was reached in this round.
func (c Case) Asked() bool {
	for _, o := range c.Obligations {
		if o.Round == c.Round && o.Action.Asks() && !o.Delivered.IsZero() {
			return true
		}
	}
	return false
}

func lessRef(a, b ReportRef) bool {
	if !a.Received.Equal(b.Received) {
		return a.Received.Before(b.Received)
	}
	return a.ID < b.ID
}

// clone copies what an event of a kind changes in place. A case can hold
// thousands of reports, and most events touch none of them.
func (c Case) clone(k Kind) Case {
	switch k {
	case KindReport:
		c.Reports = append(make([]ReportRef, 0, len(c.Reports)+1), c.Reports...)
	case KindWithdrawn:
		c.Reports = slices.Clone(c.Reports)
	case KindAbsorbed, KindReleased:
		c.Absorbed = maps.Clone(c.Absorbed)
	case KindObliged, KindReminded, KindDelivered, KindFailed, KindDoubt, KindAnswered, KindExtended, KindEscalated, KindMissed, KindClosed, KindRejected:
		c.Obligations = slices.Clone(c.Obligations)
	}
	return c
}

// Replay rebuilds a case from its log. The chain must verify first
// (VerifyChain); payloads that were erased are skipped where the event is one
// whose payload may expire, and an error elsewhere.
func Replay(entries []Entry) (Case, error) {
	var c Case
	if len(entries) == 0 {
		return c, problem.New(problem.NotFound, "the log is empty")
	}
	for _, e := range entries {
		// Nobody else holds c, so nothing needs to be copied.
		if err := advance(&c, e); err != nil {
			return Case{}, err
		}
	}
	return c, nil
}
