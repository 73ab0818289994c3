package disclosure

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"

	"go.yaml.in/yaml/v3"
)

//go:embed profiles/*.yaml
var shipped embed.FS

// Basis says what a rule rests on.
type Basis string

// The bases.
const (
	Primary   Basis = "primary"   // the rule's own text was read at the source
	Secondary Basis = "secondary" // somebody else's account of it
	Ours      Basis = "ours"      // nobody's rule: our choice
)

// NotForCompliance stands beside every rule whose basis is not primary: what is
// read second hand accuses nobody.
const NotForCompliance = "not for compliance use"

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
func (c Clock) Caveat() string {
	if c.Basis == Primary {
		return ""
	}
	return NotForCompliance
}

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
	if !slices.Contains([]Basis{Primary, Secondary, Ours}, p.KeepBasis) {
		e = e.Add("keep_basis", "is not primary, secondary or ours")
	}
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
		if !slices.Contains([]Basis{Primary, Secondary, Ours}, c.Basis) {
			e = e.Add(at+".basis", "%q is not primary, secondary or ours", c.Basis)
		}
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
	var p Profile
	b, err := io.ReadAll(io.LimitReader(r, MaxProfile+1))
	if err != nil {
		return p, problem.Wrap(err, problem.Unavailable, "the profile cannot be read")
	}
	if len(b) > MaxProfile {
		return p, problem.New(problem.TooLarge, "the profile is over %d octets", MaxProfile)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		return p, problem.Wrap(err, problem.Invalid, "the profile does not parse")
	}
	if err := d.Decode(new(yaml.Node)); err != io.EOF {
		return p, problem.New(problem.Invalid, "the profile is followed by something else: one document per file")
	}
	return p, p.Validate()
}

// Profiles are the profiles of a centre, by id.
type Profiles struct{ all []Profile }

// NewProfiles are the shipped profiles with an operator's own beside them; one
// of the same id wins over the shipped one.
func NewProfiles(own ...Profile) (*Profiles, error) {
	out := &Profiles{}
	has := func(id string) bool {
		return slices.ContainsFunc(out.all, func(p Profile) bool { return p.ID == id })
	}
	for _, p := range own {
		if err := p.Validate(); err != nil {
			return nil, err
		}
		if has(p.ID) {
			return nil, problem.BadField("profiles", "%q is given twice", p.ID)
		}
		out.all = append(out.all, p)
	}
	files, err := fs.Glob(shipped, "profiles/*.yaml")
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the shipped profiles")
	}
	for _, f := range files {
		b, err := shipped.ReadFile(f)
		if err != nil {
			return nil, problem.Wrap(err, problem.Internal, "the shipped profile %s", f)
		}
		p, err := LoadProfile(bytes.NewReader(b))
		if err != nil {
			return nil, problem.Wrap(err, problem.Internal, "the shipped profile %s", f)
		}
		if !has(p.ID) {
			out.all = append(out.all, p)
		}
	}
	slices.SortFunc(out.all, func(a, b Profile) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// All are the profiles by id.
func (p *Profiles) All() []Profile { return slices.Clone(p.all) }

// Profile finds one by its id.
func (p *Profiles) Profile(id string) (Profile, error) {
	for _, x := range p.all {
		if x.ID == id {
			return x, nil
		}
	}
	return Profile{}, problem.BadField("profile", "%.40q is not a profile", id)
}

// For is the default profile of names under a kind of TLD ("gtld" or "cctld"):
// that of the profile which says so, else "courtesy", else the first.
func (p *Profiles) For(kind string) Profile {
	for _, x := range p.all {
		if x.TLDs == kind && kind != "" {
			return x
		}
	}
	if x, err := p.Profile("courtesy"); err == nil {
		return x
	}
	return p.all[0]
}
