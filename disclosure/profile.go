package disclosure

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/rulebook"
)

//go:embed profiles/*.yaml
var shipped embed.FS

// Basis says what a rule rests on.
type Basis = rulebook.Basis

// The bases.
const (
	Primary   = rulebook.Primary
	Secondary = rulebook.Secondary
	Ours      = rulebook.Ours
)

// NotForCompliance stands beside every rule whose basis is not primary.
const NotForCompliance = rulebook.NotForCompliance

// Of is what a clock waits for.
type Of string

// The two things.
const (
	Acknowledgement Of = "acknowledgement"
	Answer          Of = "answer"
)

// Clock is one time that a profile sets for one kind of request. Exactly one of
// Within and BusinessDays is set.
type Clock struct {
	Of      Of                `yaml:"of" json:"of"`
	Urgency Urgency           `yaml:"urgency" json:"urgency"`
	Within  casework.Duration `yaml:"within" json:"within,omitempty"`
	// BusinessDays are Monday to Friday in UTC. Holidays differ by country and
	// are not known here, so a time counted in them is the earliest that is due.
	BusinessDays int `yaml:"business_days" json:"business_days,omitempty"`
	// From is when it begins: "receipt", or "acknowledgement", which is taken to
	// be at its own due time while there is none.
	From   string `yaml:"from" json:"from"`
	Note   string `yaml:"note" json:"note,omitempty"`
	Basis  Basis  `yaml:"basis" json:"basis"`
	Source string `yaml:"source" json:"source,omitempty"` // where it was read
	Read   string `yaml:"read" json:"read"`               // the day it was read
}

// Due is when the clock runs out that began at a time.
func (c Clock) Due(begin time.Time) time.Time {
	if c.BusinessDays == 0 {
		return begin.Add(time.Duration(c.Within))
	}
	t := begin.UTC()
	for n := 0; n < c.BusinessDays; {
		t = t.AddDate(0, 0, 1)
		if d := t.Weekday(); d != time.Saturday && d != time.Sunday {
			n++
		}
	}
	return t
}

// Caveat is NotForCompliance where the clock's basis is not primary, else "".
func (c Clock) Caveat() string { return c.Basis.Caveat() }

// Words say the time in a few words: "2 business days from receipt".
func (c Clock) Words() string {
	s := ""
	switch d := time.Duration(c.Within); {
	case c.BusinessDays == 1:
		s = "1 business day"
	case c.BusinessDays > 0:
		s = fmt.Sprintf("%d business days", c.BusinessDays)
	case d > 72*time.Hour && d%(24*time.Hour) == 0:
		s = fmt.Sprintf("%d calendar days", d/(24*time.Hour))
	default:
		s = fmt.Sprintf("%d hours", d/time.Hour)
	}
	return s + " from " + c.From
}

// Profile is a set of clocks and conditions with its source. A request pins
// the clocks it is under, so that a profile may be changed and rewrites nothing.
type Profile struct {
	ID    string `yaml:"id" json:"id"`
	Name  string `yaml:"name" json:"name"`
	About string `yaml:"about" json:"about,omitempty"`
	// TLDs says of which names it is the default: "gtld", "cctld" or "".
	TLDs   string  `yaml:"tlds" json:"tlds,omitempty"`
	Clocks []Clock `yaml:"clocks" json:"clocks"`
	// Urgent are the conditions of which an urgent request must name one.
	Urgent []Condition `yaml:"urgent" json:"urgent,omitempty"`
	// Keep is how long disclosed data is kept from when it came in or went out.
	Keep      casework.Duration `yaml:"keep" json:"keep"`
	KeepBasis Basis             `yaml:"keep_basis" json:"keep_basis"`
}

// Limits on a profile. None waits longer than MaxTerm.
const (
	MaxTerm    = casework.Duration(365 * 24 * time.Hour)
	MaxProfile = 64 << 10 // octets of its file
	maxClocks  = 8
)

// Clock finds the clock of a kind for an urgency; false if the profile sets no
// such time.
func (p Profile) Clock(of Of, u Urgency) (Clock, bool) {
	for _, c := range p.Clocks {
		if c.Of == of && c.Urgency == u {
			return c, true
		}
	}
	return Clock{}, false
}

// Hash identifies the profile's content.
func (p Profile) Hash() string {
	b, _ := json.Marshal(p)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Validate reports everything that cannot work, by field.
func (p Profile) Validate() error {
	var e *problem.Error
	if !word(p.ID) {
		e = e.Add("id", "must be a word of lower-case letters, digits and hyphens")
	}
	if p.Name == "" || len(p.Name) > 200 || len(p.About) > 2000 {
		e = e.Add("name", "is missing, or it or about is too long")
	}
	if p.TLDs != "" && p.TLDs != "gtld" && p.TLDs != "cctld" {
		e = e.Add("tlds", "is neither gtld nor cctld")
	}
	if p.Keep <= 0 || p.Keep > MaxTerm {
		e = e.Add("keep", "must be over 0 and at most %s", time.Duration(MaxTerm))
	}
	e = p.KeepBasis.Check(e, "keep_basis")
	for i, c := range p.Urgent {
		if !c.known() {
			e = e.Add(fmt.Sprintf("urgent[%d]", i), "%q is not a condition", c)
		}
	}
	if len(p.Clocks) > maxClocks {
		return e.Add("clocks", "are over %d", maxClocks)
	}
	for i, c := range p.Clocks {
		at := fmt.Sprintf("clocks[%d]", i)
		if c.Of != Acknowledgement && c.Of != Answer {
			e = e.Add(at+".of", "%q is neither acknowledgement nor answer", c.Of)
		}
		if c.Urgency != Ordinary && c.Urgency != Urgent {
			e = e.Add(at+".urgency", "%q is neither ordinary nor urgent", c.Urgency)
		}
		if slices.ContainsFunc(p.Clocks[:i], func(o Clock) bool { return o.Of == c.Of && o.Urgency == c.Urgency }) {
			e = e.Add(at, "says again when the %s of an %s request is due", c.Of, c.Urgency)
		}
		if (c.Within > 0) == (c.BusinessDays > 0) || c.Within < 0 || c.BusinessDays < 0 {
			e = e.Add(at+".within", "or business_days must be over 0, and one of them only")
		}
		if c.Within > MaxTerm || c.BusinessDays > 260 {
			e = e.Add(at+".within", "is over a year")
		}
		switch c.From {
		case "receipt":
		case "acknowledgement":
			if _, ok := p.Clock(Acknowledgement, c.Urgency); !ok || c.Of == Acknowledgement {
				e = e.Add(at+".from", "counts from an acknowledgement that is never due")
			}
		default:
			e = e.Add(at+".from", "%q is neither receipt nor acknowledgement", c.From)
		}
		e = c.Basis.Check(e, at+".basis")
		if c.Basis != Ours && !strings.HasPrefix(c.Source, "https://") {
			e = e.Add(at+".source", "must be the address it was read at")
		}
		if _, err := time.Parse(time.DateOnly, c.Read); err != nil {
			e = e.Add(at+".read", "must be the day it was read, as 2026-01-31")
		}
	}
	for _, u := range []Urgency{Ordinary, Urgent} {
		if _, ok := p.Clock(Answer, u); !ok && (u == Ordinary || len(p.Urgent) > 0) {
			e = e.Add("clocks", "say not when the answer to an %s request is due", u)
		}
	}
	return e.OrNil()
}

func word(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// LoadProfile reads and validates a profile (YAML; JSON is a subset). An
// unknown key is an error.
func LoadProfile(r io.Reader) (Profile, error) {
	return rulebook.Load[Profile](r, "profile", MaxProfile)
}

// Key is the profile's id.
func (p Profile) Key() string { return p.ID }

// Profiles are the profiles of a centre, by id.
type Profiles struct{ book *rulebook.Book[Profile] }

// NewProfiles are the shipped profiles with an operator's own beside them; one
// of the same id wins over the shipped one.
func NewProfiles(own ...Profile) (*Profiles, error) {
	b, err := rulebook.NewBook("profile", shipped, "profiles/*.yaml", LoadProfile, own...)
	return &Profiles{b}, err
}

// All are the profiles by id.
func (p *Profiles) All() []Profile { return p.book.All() }

// Profile finds one by its id.
func (p *Profiles) Profile(id string) (Profile, error) { return p.book.Get(id) }

// For is the default profile of names under a kind of TLD ("gtld" or "cctld"):
// that of the profile which says so, else "courtesy", else the first.
func (p *Profiles) For(kind string) Profile {
	for _, x := range p.All() {
		if x.TLDs == kind && kind != "" {
			return x
		}
	}
	if x, err := p.Profile("courtesy"); err == nil {
		return x
	}
	return p.All()[0]
}
