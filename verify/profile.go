package verify

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

// Source is where a rule comes from.
type Source struct {
	Basis  Basis  `yaml:"basis" json:"basis"`
	Source string `yaml:"source" json:"source,omitempty"` // where it was read
	Read   string `yaml:"read" json:"read"`               // the day it was read
	Note   string `yaml:"note" json:"note,omitempty"`
}

// Caveat is NotForCompliance where the basis is not primary, else "".
func (s Source) Caveat() string { return s.Basis.Caveat() }

func (s Source) check(e *problem.Error, at string) *problem.Error {
	e = s.Basis.Check(e, at+".basis")
	if s.Basis != Ours && !strings.HasPrefix(s.Source, "https://") {
		e = e.Add(at+".source", "must be the address it was read at")
	}
	if len(s.Source) > 500 || len(s.Note) > 1000 {
		e = e.Add(at+".note", "or source is too long")
	}
	if _, err := time.Parse(time.DateOnly, s.Read); err != nil {
		e = e.Add(at+".read", "must be the day it was read, as 2026-01-31")
	}
	return e
}

// Limit is a time that a profile sets. Exactly one of Within and BusinessDays is
// set.
type Limit struct {
	Within casework.Duration `yaml:"within" json:"within,omitempty"`
	// BusinessDays are Monday to Friday in UTC. Holidays differ by country and
	// are not known here, so a time counted in them is the earliest that is due.
	BusinessDays int `yaml:"business_days" json:"business_days,omitempty"`
	Source       `yaml:",inline"`
}

// From is when the limit is over that began at a time.
func (l Limit) From(begin time.Time) time.Time {
	t := begin.UTC()
	if l.BusinessDays == 0 {
		return t.Add(time.Duration(l.Within))
	}
	switch t.Weekday() { // a weekend begins as the Friday before it does
	case time.Saturday:
		t = t.AddDate(0, 0, -1)
	case time.Sunday:
		t = t.AddDate(0, 0, -2)
	}
	t = t.AddDate(0, 0, l.BusinessDays/5*7)
	for n := 0; n < l.BusinessDays%5; {
		t = t.AddDate(0, 0, 1)
		if d := t.Weekday(); d != time.Saturday && d != time.Sunday {
			n++
		}
	}
	return t
}

// IsZero says whether the profile sets no such time.
func (l Limit) IsZero() bool { return l.Within == 0 && l.BusinessDays == 0 }

// Words say the time in a few words: "15 days".
func (l Limit) Words() string {
	switch d := time.Duration(l.Within); {
	case l.BusinessDays == 1:
		return "1 business day"
	case l.BusinessDays > 0:
		return fmt.Sprintf("%d business days", l.BusinessDays)
	case d > 72*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%d hours", d/time.Hour)
	default:
		return d.String()
	}
}

func (l Limit) bounded() bool { return l.Within <= MaxTerm && l.BusinessDays <= 260 }

func (l Limit) check(e *problem.Error, at string, must bool) *problem.Error {
	if l.IsZero() && !must {
		if l.Source != (Source{}) {
			e = e.Add(at, "has a source and no time")
		}
		return e
	}
	if l.Within < 0 || l.BusinessDays < 0 || (l.Within > 0) == (l.BusinessDays > 0) {
		e = e.Add(at+".within", "or business_days must be over 0, and one of them only")
	}
	if !l.bounded() {
		e = e.Add(at+".within", "is over %s", Limit{Within: MaxTerm}.Words())
	}
	return l.Source.check(e, at)
}

// Expiry is what follows when no affirmative answer came in time.
type Expiry string

// The two ways.
const (
	ByHold Expiry = "hold" // the registration goes on hold
	ByHand Expiry = "hand" // a person decides; nothing happens by itself
)

// Reminders are when a code is sent, counted from the beginning of the time to
// answer. The first is at once.
type Reminders struct {
	At     []casework.Duration `yaml:"at" json:"at"`
	Source `yaml:",inline"`
}

// Rule is what a profile asks for after some triggers.
type Rule struct {
	On []Trigger `yaml:"on" json:"on"`
	// Verify are the claims of which one, or each, needs an affirmative answer:
	// email, phone, or both.
	Verify []Claim `yaml:"verify" json:"verify"`
	Need   string  `yaml:"need" json:"need"` // "one" or "each"
	// Due is the time to answer. Hold is when the registration may go on hold,
	// from the same beginning and not before Due.
	Due       Limit     `yaml:"due" json:"due"`
	Reminders Reminders `yaml:"reminders" json:"reminders"`
	Hold      Limit     `yaml:"hold" json:"hold,omitzero"`
	// Registrant and AccountHolder say what follows for whom.
	Registrant    Expiry `yaml:"registrant" json:"registrant"`
	AccountHolder Expiry `yaml:"account_holder" json:"account_holder"`
}

// Codes is how long a code is good for, how often a wrong one may be tried, and
// how far apart those lie that are sent beside the schedule.
type Codes struct {
	Life     casework.Duration `yaml:"life" json:"life"`
	Attempts int               `yaml:"attempts" json:"attempts"`
	Apart    casework.Duration `yaml:"apart" json:"apart"`
	Source   `yaml:",inline"`
}

// Sanctions are what a person may do outside the clocks, as WAPS section 5 has it.
type Sanctions struct {
	Grounds   []Ground `yaml:"grounds" json:"grounds,omitempty"`
	Statuses  []string `yaml:"statuses" json:"statuses,omitempty"` // EPP, of a hold for such a ground
	Terminate bool     `yaml:"terminate" json:"terminate,omitempty"`
	Source    `yaml:",inline"`
}

// Profile is a set of limits with its source. A verification pins the profile it
// is under, so that a profile may be changed and rewrites nothing.
type Profile struct {
	ID    string `yaml:"id" json:"id"`
	Name  string `yaml:"name" json:"name"`
	About string `yaml:"about" json:"about,omitempty"`
	// TLDs says of which names it is the default: "gtld" or "".
	TLDs  string `yaml:"tlds" json:"tlds,omitempty"`
	Rules []Rule `yaml:"rules" json:"rules"` // one for each trigger
	Codes Codes  `yaml:"codes" json:"codes"`
	// Notice is the least time between the first code that reached the holder
	// and a hold by the clock.
	Notice Limit `yaml:"notice" json:"notice"`
	// Full is how far apart two messages found the mailbox full, without an answer
	// between them, before the address is in doubt. One alone says that it is full
	// today. Need not be set: then a full mailbox casts no doubt.
	Full Limit `yaml:"full" json:"full,omitzero"`
	// Statuses are the EPP statuses of a hold by the clock (RFC 5731 section 2.3).
	Statuses []string `yaml:"statuses" json:"statuses"`
	// Quarantine is how long a hold by the clock lasts before a person decides
	// what becomes of the registration. ValidFor is how long a verification is
	// good. Neither need be set.
	Quarantine Limit     `yaml:"quarantine" json:"quarantine,omitzero"`
	ValidFor   Limit     `yaml:"valid_for" json:"valid_for,omitzero"`
	Sanction   Sanctions `yaml:"sanction" json:"sanction,omitzero"`
}

// Limits on a profile.
const (
	MaxTerm      = casework.Duration(3 * 365 * 24 * time.Hour)
	MaxProfile   = 64 << 10 // octets of its file
	MaxReminders = 10
	MaxAttempts  = 20
)

// Rule finds the rule for a trigger.
func (p Profile) Rule(t Trigger) Rule {
	for _, r := range p.Rules {
		if slices.Contains(r.On, t) {
			return r
		}
	}
	return Rule{}
}

// Caveat is NotForCompliance unless all that the profile says of a trigger has a
// primary basis.
func (p Profile) Caveat(t Trigger) string {
	r := p.Rule(t)
	for _, s := range []Source{r.Due.Source, r.Hold.Source} {
		if s != (Source{}) && s.Caveat() != "" {
			return NotForCompliance
		}
	}
	return ""
}

// expiry is what follows for a role.
func (r Rule) expiry(role Role) Expiry {
	if role == AccountHolder {
		return r.AccountHolder
	}
	return r.Registrant
}

// next is when the next reminder after now is sent; zero if none is.
func (r Rule) next(began, now time.Time) time.Time {
	for _, d := range r.Reminders.At {
		if t := began.Add(time.Duration(d)); t.After(now) {
			return t
		}
	}
	return time.Time{}
}

// Binds says whether a hold under the profile rests on a primary source
// throughout: the times, the statuses' rule and the sanctions.
func (p Profile) Binds() bool {
	for _, r := range p.Rules {
		if (r.Registrant == ByHold || r.AccountHolder == ByHold) && (r.Due.Basis != Primary || r.Hold.Basis != Primary) {
			return false
		}
	}
	return len(p.Sanction.Grounds) == 0 || p.Sanction.Basis == Primary
}

// Advisory is the profile for who may not rely on it: the same times and codes,
// and nobody goes on hold or loses a registration under it, by a clock or by hand.
func (p Profile) Advisory() Profile {
	p.Rules = slices.Clone(p.Rules)
	for i := range p.Rules {
		r := &p.Rules[i]
		r.Registrant, r.AccountHolder, r.Hold = ByHand, ByHand, Limit{}
	}
	p.Statuses, p.Quarantine, p.Sanction = nil, Limit{}, Sanctions{}
	return p
}

// Hash identifies the profile's content.
func (p Profile) Hash() string {
	b, _ := json.Marshal(p)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// eppHolds are the statuses of RFC 5731 section 2.3 that a hold may set.
var eppHolds = []string{"clientHold", "clientTransferProhibited", "clientUpdateProhibited", "clientDeleteProhibited",
	"serverHold", "serverTransferProhibited", "serverUpdateProhibited", "serverDeleteProhibited"}

func statuses(e *problem.Error, at string, list []string) *problem.Error {
	for i, s := range list {
		if !slices.Contains(eppHolds, s) || slices.Contains(list[:i], s) {
			e = e.Add(fmt.Sprintf("%s[%d]", at, i), "%.40q is none of %s, or is there twice", s, strings.Join(eppHolds, ", "))
		}
	}
	return e
}

// Validate reports everything that cannot work, by field.
func (p Profile) Validate() error {
	var e *problem.Error
	if p.ID == "" || len(p.ID) > 32 || strings.Trim(p.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		e = e.Add("id", "must be a word of lower-case letters, digits and hyphens")
	}
	if p.Name == "" || len(p.Name) > 200 || len(p.About) > 2000 {
		e = e.Add("name", "is missing, or it or about is too long")
	}
	if p.TLDs != "" && p.TLDs != "gtld" {
		e = e.Add("tlds", "is not gtld")
	}
	if len(p.Rules) > len(triggers) {
		return e.Add("rules", "are over %d", len(triggers))
	}
	seen := map[Trigger]bool{}
	for i, r := range p.Rules {
		at := fmt.Sprintf("rules[%d]", i)
		if len(r.On) == 0 || len(r.On) > len(triggers) {
			e = e.Add(at+".on", "must name one trigger to %d", len(triggers))
			continue
		}
		for _, t := range r.On {
			if !slices.Contains(triggers, t) || seen[t] {
				e = e.Add(at+".on", "%.40q is no trigger, or has a rule already", t)
			}
			seen[t] = true
		}
		e = r.check(e, at)
	}
	for _, t := range triggers {
		if !seen[t] {
			e = e.Add("rules", "say not what follows when data is %s", t)
		}
	}
	c := p.Codes
	if c.Life < casework.Duration(time.Hour) || c.Life > MaxTerm {
		e = e.Add("codes.life", "must be an hour to %s", Limit{Within: MaxTerm}.Words())
	}
	if c.Attempts < 1 || c.Attempts > MaxAttempts {
		e = e.Add("codes.attempts", "must be 1 to %d", MaxAttempts)
	}
	if c.Apart < casework.Duration(time.Minute) || c.Apart > casework.Duration(7*24*time.Hour) {
		e = e.Add("codes.apart", "must be a minute to 7 days")
	}
	e = c.Source.check(e, "codes")
	e = p.Notice.check(e, "notice", true)
	e = p.Full.check(e, "full", false)
	e = p.Quarantine.check(e, "quarantine", false)
	e = p.ValidFor.check(e, "valid_for", false)
	e = statuses(e, "statuses", p.Statuses)
	if slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Registrant == ByHold || r.AccountHolder == ByHold }) && len(p.Statuses) == 0 {
		e = e.Add("statuses", "are missing for a hold")
	}
	s := p.Sanction
	for i, g := range s.Grounds {
		if !grounds.Has(string(g)) || g == AfterQuarantine || slices.Contains(s.Grounds[:i], g) {
			e = e.Add(fmt.Sprintf("sanction.grounds[%d]", i), "%.40q is no ground, or is there twice", g)
		}
	}
	e = statuses(e, "sanction.statuses", s.Statuses)
	switch {
	case len(s.Grounds) > 0:
		if len(s.Statuses) == 0 {
			e = e.Add("sanction.statuses", "are missing")
		}
		e = s.Source.check(e, "sanction")
	case len(s.Statuses) > 0 || s.Terminate:
		e = e.Add("sanction.grounds", "are missing")
	}
	return e.OrNil()
}

func (r Rule) check(e *problem.Error, at string) *problem.Error {
	if len(r.Verify) == 0 || len(r.Verify) > 2 || len(r.Verify) == 2 && r.Verify[0] == r.Verify[1] ||
		slices.ContainsFunc(r.Verify, func(c Claim) bool { return c != Email && c != Phone }) {
		e = e.Add(at+".verify", "must name email, phone or both: nothing else can answer")
	}
	if r.Need != "one" && r.Need != "each" {
		e = e.Add(at+".need", "is neither one nor each")
	}
	e = r.Due.check(e, at+".due", true)
	for _, x := range []struct {
		field string
		v     Expiry
	}{{"registrant", r.Registrant}, {"account_holder", r.AccountHolder}} {
		if x.v != ByHold && x.v != ByHand {
			e = e.Add(at+"."+x.field, "is neither hold nor hand")
		}
	}
	byHold := r.Registrant == ByHold || r.AccountHolder == ByHold
	e = r.Hold.check(e, at+".hold", byHold)
	if !byHold && !r.Hold.IsZero() {
		e = e.Add(at+".hold", "is set, and nobody is held")
	}
	// Days of two kinds differ by where the weekend falls: every day of a week is
	// tried as the first.
	monday := time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)
	for d := range 7 {
		if !r.Due.bounded() || !r.Hold.bounded() {
			break // said above
		}
		begin := monday.AddDate(0, 0, d)
		due := r.Due.From(begin)
		if byHold && r.Hold.From(begin).Before(due) {
			e = e.Add(at+".hold", "is before the answer is due")
			break
		}
		if n := len(r.Reminders.At); n > 0 && n <= MaxReminders && !begin.Add(time.Duration(r.Reminders.At[n-1])).Before(due) {
			e = e.Add(at+".reminders.at", "go on when the answer is due")
			break
		}
	}
	if n := len(r.Reminders.At); n == 0 || n > MaxReminders || r.Reminders.At[0] != 0 {
		e = e.Add(at+".reminders.at", "must be 1 to %d times, the first of them 0s", MaxReminders)
	}
	if len(r.Reminders.At) <= MaxReminders {
		for i := 1; i < len(r.Reminders.At); i++ {
			if r.Reminders.At[i]-r.Reminders.At[i-1] < casework.Duration(time.Hour) {
				e = e.Add(fmt.Sprintf("%s.reminders.at[%d]", at, i), "is not an hour or more after the one before")
			}
		}
	}
	return r.Reminders.Source.check(e, at+".reminders")
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
