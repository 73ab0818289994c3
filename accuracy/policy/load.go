package policy

import (
	"bytes"
	"encoding"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"bailiwick/accuracy"
	"bailiwick/problem"
	"bailiwick/registration"

	"go.yaml.in/yaml/v3"
)

// Limits of a profile's file.
const (
	MaxBytes    = 1 << 20
	maxNodes    = 100_000
	maxDepth    = 16
	maxProblems = 50
	maxRules    = 500
	maxExtends  = 8 // how far and how wide
	maxExamples = 200
	maxText     = 4000 // characters
	maxFiles    = 500
)

// document is a file as read, with where things stand in it.
type document struct {
	file  string
	lines map[string]int
	err   *problem.Error
	nodes int
}

// at is how a place is named in an error: file, line, field.
func (d *document) at(path string) string {
	if path == "" { // the document as a whole
		return fmt.Sprintf("%s:%d", d.file, d.lines[""])
	}
	for p := path; ; {
		if n, ok := d.lines[p]; ok {
			return fmt.Sprintf("%s:%d: %s", d.file, n, path)
		}
		i := strings.LastIndexAny(p, ".[")
		if i < 0 {
			return d.file + ": " + path
		}
		p = p[:i]
	}
}

func (d *document) bad(path, format string, args ...any) {
	if d.err == nil || len(d.err.Fields) < maxProblems {
		d.err = d.err.Add(d.at(path), format, args...)
	}
}

// parse reads a file into a profile that is checked in itself, but not against
// other profiles.
func parse(file string, raw []byte, catalogue map[string]accuracy.Check) (*Profile, *document, error) {
	d := &document{file: file, lines: map[string]int{}}
	if len(raw) > MaxBytes {
		return nil, d, problem.New(problem.TooLarge, "%s is over %d octets", file, MaxBytes)
	}
	if !utf8.Valid(raw) { // half of a surrogate pair is none either
		return nil, d, problem.New(problem.Invalid, "%s:%d is not valid UTF-8", file, lineOfInvalid(raw))
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var root yaml.Node
	if err := dec.Decode(&root); err != nil {
		if err == io.EOF {
			return nil, d, problem.New(problem.Invalid, "%s is empty", file)
		}
		return nil, d, problem.New(problem.Invalid, "%s does not parse as YAML: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(new(yaml.Node)); err != io.EOF {
		return nil, d, problem.New(problem.Invalid, "%s holds more than one document", file)
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 {
		return nil, d, problem.New(problem.Invalid, "%s is empty", file)
	}
	var p Profile
	d.walk(root.Content[0], reflect.TypeOf(p), "", 0)
	if d.err != nil {
		return nil, d, d.err
	}
	if err := root.Decode(&p); err != nil {
		return nil, d, problem.New(problem.Invalid, "%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	d.validate(&p, catalogue)
	return &p, d, d.err.OrNil()
}

// walk holds a node against the type it will be read into, and notes the lines
// of fields.
func (d *document) walk(n *yaml.Node, t reflect.Type, at string, depth int) {
	if d.nodes++; d.nodes > maxNodes || depth > maxDepth {
		if d.nodes == maxNodes+1 || d.nodes <= maxNodes {
			d.bad(at, "is too large or nested too deep")
		}
		return
	}
	d.lines[at] = n.Line
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.bad(at, "anchors and aliases are not for profiles: write it out")
		return
	}
	if n.Style&yaml.TaggedStyle != 0 {
		d.bad(at, "a tag of YAML (%s) is not for profiles: leave it out", clip(n.Tag))
		return
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		d.bad(at, "is empty: leave it out")
		return
	}
	if _, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler); ok && t != reflect.TypeFor[time.Time]() {
		if n.Kind != yaml.ScalarNode {
			d.bad(at, "is not a single value")
		} else if err := reflect.New(t).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.Value)); err != nil {
			d.bad(at, "%s", problem.DocumentOf(err).Detail)
		}
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			if _, err := time.Parse(time.RFC3339, n.Value); n.Kind != yaml.ScalarNode || err != nil {
				d.bad(at, "is not a time such as 2026-01-31T12:00:00Z")
			}
			return
		}
		if n.Kind != yaml.MappingNode {
			d.bad(at, "is not a set of fields")
			return
		}
		known := map[string]reflect.Type{}
		for i := range t.NumField() {
			if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
				known[tag] = t.Field(i).Type
			}
		}
		d.pairs(n, at, func(k string) (reflect.Type, bool) { ft, ok := known[k]; return ft, ok }, depth)
	case reflect.Map:
		if n.Kind != yaml.MappingNode {
			d.bad(at, "is not a set of fields")
			return
		}
		d.pairs(n, at, func(string) (reflect.Type, bool) { return t.Elem(), true }, depth)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.bad(at, "is not a list")
			return
		}
		for i, c := range n.Content {
			d.walk(c, t.Elem(), fmt.Sprintf("%s[%d]", at, i), depth+1)
		}
	case reflect.Pointer:
		d.walk(n, t.Elem(), at, depth)
	case reflect.Bool:
		if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
			d.bad(at, "is neither true nor false")
		}
	default:
		switch {
		case n.Kind != yaml.ScalarNode:
			d.bad(at, "is not a single value")
		case n.Tag == "!!binary":
			d.bad(at, "is binary data")
		case utf8.RuneCountInString(n.Value) > maxText:
			d.bad(at, "is over %d characters", maxText)
		}
	}
}

// pairs walks a mapping.
func (d *document) pairs(n *yaml.Node, at string, typeOf func(string) (reflect.Type, bool), depth int) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		sub := clip(k.Value)
		if sub == "" {
			sub = "(no name)"
		}
		if at != "" {
			sub = at + "." + sub
		}
		d.lines[sub] = k.Line
		t, known := typeOf(k.Value)
		switch {
		case k.Kind != yaml.ScalarNode || k.Tag == "!!merge" || k.Style&yaml.TaggedStyle != 0 || k.Anchor != "":
			d.bad(sub, "is no field")
		case !known:
			d.bad(sub, "is not a field that is known here")
		case seen[k.Value]:
			d.bad(sub, "stands here twice")
		default:
			seen[k.Value] = true
			d.walk(n.Content[i+1], t, sub, depth+1)
		}
	}
}

// lineOfInvalid is the line of the first octets that are no UTF-8.
func lineOfInvalid(raw []byte) int {
	at := 0
	for at < len(raw) {
		r, n := utf8.DecodeRune(raw[at:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		at += n
	}
	return 1 + bytes.Count(raw[:at], []byte{'\n'})
}

// clip cuts and cleans a word of a file to what an error can show.
func clip(s string) string {
	if len(s) > 4*MaxBytes/1024 {
		s = strings.ToValidUTF8(s[:4*MaxBytes/1024], "")
	}
	s = registration.CleanText(s)
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func isID(s string) bool {
	if s == "" || len(s) > 60 || s[0] == '-' || s[0] == '.' {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_' {
			return false
		}
	}
	return true
}

func isDate(s string) bool {
	for _, layout := range []string{"2006", "2006-01", "2006-01-02"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

var (
	roles      = []string{registration.Registrant, registration.Admin, registration.Tech, registration.Billing}
	claims     = []string{"name", "organization", "address", "email", "phone", "org_id", "identity"}
	noticed    = []string{"registrant", "admin", "tech", "billing", "registrar", "registry", "account-holder"}
	statuses   = []Status{InForce, Guidance, Historical, Hints, Own}
	bases      = []Basis{Primary, Secondary, Ours}
	meanings   = []Meaning{MeansFail, MeansWarn, MeansPass, MeansIgnore}
	triggers   = []Trigger{OnFinding, OnRegistration, OnTransfer, OnHolderChange, OnContactChange, OnDoubt, OnComplaint, OnWilful, OnSilence, OnSuspicion, OnRequest, OnAge}
	actors     = []Actor{ByRegistrant, ByRegistrar, ByRegistry}
	actions    = []Action{Validate, Verify, VerifyHand, Investigate, Correct, Remind, Evidence, Reject, Answer, Keep, HoldOrHand, Delay, Hold, HoldLocked, Unlink, Quarantine, Withdraw, Delete}
	methods    = []Method{EmailCode, PhoneCode, CallBack, PostCode, ByPerson, EID, RegisterOf, Document, RiskCheck, Confirmation}
	conditions = []Condition{SkipVerified, SkipRenewal, SkipTransfer, SkipFormat, SkipLowRisk}
)

// oneOf complains about a value that is none of a list.
func oneOf[T ~string](d *document, at string, v T, list []T, empty bool) {
	if v == "" && empty {
		return
	}
	if !slices.Contains(list, v) {
		words := make([]string, len(list))
		for i, l := range list {
			words[i] = string(l)
		}
		if v == "" {
			d.bad(at, "is missing: one of %s", strings.Join(words, ", "))
			return
		}
		d.bad(at, "%q is none of %s", clip(string(v)), strings.Join(words, ", "))
	}
}

// allOf does it for a list, in which nothing stands twice.
func allOf[T ~string](d *document, at string, vs, list []T) {
	for i, v := range vs {
		oneOf(d, fmt.Sprintf("%s[%d]", at, i), v, list, false)
		if slices.Contains(vs[:i], v) {
			d.bad(fmt.Sprintf("%s[%d]", at, i), "%q stands here twice", clip(string(v)))
		}
	}
}

// validate reports what is wrong in a file by itself.
func (d *document) validate(p *Profile, catalogue map[string]accuracy.Check) {
	if !isID(p.ID) {
		d.bad("profile", "must be a short name of small letters, digits, dots and hyphens")
	}
	if p.Title == "" {
		d.bad("title", "is missing")
	}
	oneOf(d, "status", p.Status, statuses, false)
	for _, x := range []struct{ at, v string }{{"from", p.From}, {"until", p.Until}} {
		if x.v != "" && !isDate(x.v) {
			d.bad(x.at, "is not a date such as 2025-08-21")
		}
	}
	if len(p.Extends) > maxExtends {
		d.bad("extends", "names more than %d profiles", maxExtends)
	}
	for i, e := range p.Extends {
		if slices.Contains(p.Extends[:i], e) {
			d.bad(fmt.Sprintf("extends[%d]", i), "%q stands here twice", clip(e))
		}
	}
	allOf(d, "contacts", p.Contacts, roles)
	allOf(d, "optional", p.Optional, roles)
	for i, r := range p.Optional {
		if slices.Contains(p.Contacts, r) {
			d.bad(fmt.Sprintf("optional[%d]", i), "%q is among the contacts already", r)
		}
	}
	allOf(d, "uncollected", p.Uncollected, append(slices.Clone(roles), registration.ContactFields()...))
	if p.Published != "" && p.Published != "full" {
		d.bad("published", "is full, or left out")
	}
	if len(p.Rules) > maxRules {
		d.bad("rules", "are more than %d", maxRules)
		return
	}
	ids := map[string]bool{}
	duties := map[string]bool{}
	for i := range p.Rules {
		r := &p.Rules[i]
		at := fmt.Sprintf("rules[%d]", i)
		switch {
		case !isID(r.ID):
			d.bad(at+".id", "must be a short name of small letters, digits, dots and hyphens")
		case ids[r.ID]:
			d.bad(at+".id", "%q stands here twice", r.ID)
		}
		ids[r.ID] = true
		r.Of = p.ID
		if r.Clause == "" {
			d.bad(at+".clause", "is missing")
		}
		if r.Text == "" {
			d.bad(at+".text", "is missing")
		}
		oneOf(d, at+".basis", r.Basis, bases, false)
		if r.Basis == Primary || r.Basis == Secondary {
			if !isAddress(r.Address) && (r.Basis == Primary || r.Address != "" || r.Confirm == "") {
				d.bad(at+".address", "a rule that was read somewhere says where: a web address; one that was not confirmed says where it should be (confirm)")
			}
			if !isDate(r.Date) {
				d.bad(at+".date", "a rule that was read somewhere says of when: 2013, 2013-06 or 2013-06-27")
			}
		} else {
			if r.Address != "" && !isAddress(r.Address) {
				d.bad(at+".address", "is not a web address")
			}
			if r.Date != "" && !isDate(r.Date) {
				d.bad(at+".date", "is not a date such as 2013-06-27")
			}
		}
		if r.Confirm != "" && !isAddress(r.Confirm) {
			d.bad(at+".confirm", "is not a web address")
		}
		allOf(d, at+".contacts", r.Contacts, roles)
		allOf(d, at+".skip", r.Skip, conditions)
		used := map[string]bool{}
		for j := range r.Checks {
			d.validateUse(&r.Checks[j], fmt.Sprintf("%s.checks[%d]", at, j), catalogue, used)
		}
		for j := range r.Duties {
			d.validateDuty(r, &r.Duties[j], fmt.Sprintf("%s.duties[%d]", at, j), duties)
		}
	}
	if len(p.Examples) > maxExamples {
		d.bad("examples", "are more than %d", maxExamples)
		return
	}
	for i := range p.Examples {
		d.validateExample(&p.Examples[i], fmt.Sprintf("examples[%d]", i))
	}
}

func (d *document) validateUse(u *Use, at string, catalogue map[string]accuracy.Check, used map[string]bool) {
	c, known := catalogue[u.Check]
	switch {
	case u.Check == "":
		d.bad(at+".check", "is missing")
	case !known:
		d.bad(at+".check", "%q is not a check that is known", clip(u.Check))
	case used[u.Check]:
		d.bad(at+".check", "%q stands in this rule twice", u.Check)
	}
	used[u.Check] = true
	oneOf(d, at+".fail", u.Fail, meanings, true)
	oneOf(d, at+".warn", u.Warn, meanings, true)
	if u.Warn == MeansFail {
		d.bad(at+".warn", "a warning never becomes a failure")
	}
	for _, reason := range slices.Sorted(maps.Keys(u.Reasons)) {
		oneOf(d, at+".reasons."+clip(reason), u.Reasons[reason], meanings, false)
		if _, gives := c.Reasons[reason]; known && !gives {
			d.bad(at+".reasons."+clip(reason), "is not a reason that %s gives", u.Check)
		}
	}
}

func (d *document) validateDuty(r *Rule, u *Duty, at string, seen map[string]bool) {
	switch {
	case !isID(u.ID):
		d.bad(at+".id", "must be a short name of small letters, digits, dots and hyphens")
	case seen[u.ID]:
		d.bad(at+".id", "%q stands here twice", u.ID)
	}
	seen[u.ID] = true
	if len(u.Triggers) == 0 {
		d.bad(at+".triggers", "are missing")
	}
	allOf(d, at+".triggers", u.Triggers, triggers)
	if slices.Contains(u.Triggers, OnFinding) && len(r.Checks) == 0 {
		d.bad(at+".triggers", "a finding starts it, and the rule has no checks")
	}
	oneOf(d, at+".actor", u.Actor, actors, false)
	oneOf(d, at+".action", u.Action, actions, false)
	allOf(d, at+".claims", u.Claims, claims)
	allOf(d, at+".methods", u.Methods, methods)
	oneOf(d, at+".on_expiry", u.OnExpiry, actions, true)
	oneOf(d, at+".final", u.Final, actions, true)
	for j, t := range u.Remind {
		path := fmt.Sprintf("%s.remind[%d]", at, j)
		if u.Within.IsZero() {
			d.bad(path, "reminds of a time that is not stated (within)")
		} else if !t.After(dayZero).Before(u.Within.After(dayZero)) {
			d.bad(path, "is not before the time is over (within)")
		} else if j > 0 && !u.Remind[j-1].After(dayZero).Before(t.After(dayZero)) {
			d.bad(path, "is not later than the one before")
		}
	}
	if u.Quarantine.N != 0 && u.OnExpiry == "" {
		d.bad(at+".quarantine", "follows on nothing (on_expiry)")
	}
	for j, n := range u.Notices {
		allOf(d, fmt.Sprintf("%s.notices[%d].to", at, j), n.To, noticed)
		if len(n.To) == 0 || n.When == "" {
			d.bad(fmt.Sprintf("%s.notices[%d]", at, j), "needs to and when")
		}
	}
}

// dayZero is a Monday, at which terms are compared.
var dayZero = time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)

// Set is a number of profiles that know each other.
type Set struct {
	catalogue map[string]accuracy.Check
	parsed    map[string]*Profile // as in the files
	docs      map[string]*document
	whole     map[string]*Profile // with what they inherit
	order     []string
}

// Load reads the profiles of a file system, *.yaml at its top, whose checks are
// among those given. The error names every fault by file, line and field.
func Load(fsys fs.FS, checks []accuracy.Check) (*Set, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the profiles cannot be listed")
	}
	if len(names) > maxFiles {
		return nil, problem.New(problem.TooLarge, "more than %d profiles", maxFiles)
	}
	s := &Set{catalogue: map[string]accuracy.Check{}, parsed: map[string]*Profile{}, docs: map[string]*document{}}
	for _, c := range checks {
		s.catalogue[c.ID] = c
	}
	for _, n := range names {
		f, err := fsys.Open(n)
		if err != nil {
			return nil, problem.Wrap(err, problem.Unavailable, "%s cannot be opened", n)
		}
		raw, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
		f.Close()
		if err != nil {
			return nil, problem.Wrap(err, problem.Unavailable, "%s cannot be read", n)
		}
		if _, err := s.add(n, raw); err != nil {
			return nil, err
		}
	}
	return s, s.resolve()
}

// With is the set with one more profile, from a file, which may extend those of
// the set. Its id must be its own.
func (s *Set) With(file string, raw []byte) (*Set, Profile, error) {
	// Those of the set know nothing of the new one, and stay as they are.
	t := &Set{catalogue: s.catalogue, parsed: maps.Clone(s.parsed), docs: maps.Clone(s.docs), whole: maps.Clone(s.whole)}
	id, err := t.add(file, raw)
	if err == nil {
		_, err = t.flatten(id, nil)
	}
	if err != nil {
		return nil, Profile{}, err
	}
	t.order = slices.Sorted(maps.Keys(t.parsed))
	p, err := t.Get(id)
	return t, p, err
}

func (s *Set) add(file string, raw []byte) (string, error) {
	p, d, err := parse(path.Base(strings.ReplaceAll(file, `\`, "/")), raw, s.catalogue)
	if err != nil {
		return "", err
	}
	if _, twice := s.parsed[p.ID]; twice {
		return "", problem.BadField(d.at("profile"), "%q is another profile's name: %s", p.ID, s.docs[p.ID].file)
	}
	s.parsed[p.ID], s.docs[p.ID] = p, d
	return p.ID, nil
}

// Get finds a profile. The error is problem.NotFound, and names those there are.
func (s *Set) Get(id string) (Profile, error) {
	if p, ok := s.whole[id]; ok {
		return *p, nil
	}
	return Profile{}, problem.New(problem.NotFound, "there is no profile %q; there are %s", clip(id), strings.Join(s.order, ", "))
}

// All are the profiles in the order of their names.
func (s *Set) All() []Profile {
	out := make([]Profile, len(s.order))
	for i, id := range s.order {
		out[i] = *s.whole[id]
	}
	return out
}

// Known says whether a check is one that the set's profiles may name.
func (s *Set) Known(check string) (accuracy.Check, bool) { c, ok := s.catalogue[check]; return c, ok }

// resolve gives every profile the rules it inherits.
func (s *Set) resolve() error {
	s.whole, s.order = map[string]*Profile{}, slices.Sorted(maps.Keys(s.parsed))
	for _, id := range s.order {
		if _, err := s.flatten(id, nil); err != nil {
			return err
		}
	}
	return nil
}

// flatten gives a profile with its parents' rules after its own. A rule that
// is inherited on two ways is there once.
func (s *Set) flatten(id string, chain []string) (*Profile, error) {
	if p, done := s.whole[id]; done {
		return p, nil
	}
	own, d := s.parsed[id], s.docs[id]
	if len(chain) >= maxExtends {
		return nil, problem.BadField(d.at("extends"), "goes more than %d profiles deep: %s", maxExtends, strings.Join(append(chain, id), " → "))
	}
	chain = append(slices.Clip(chain), id)
	p := *own
	p.Rules = nil
	inherited := map[string]string{}
	for i, parent := range own.Extends {
		at := fmt.Sprintf("extends[%d]", i)
		if _, known := s.parsed[parent]; !known {
			return nil, problem.BadField(d.at(at), "%q is not a profile that is known", clip(parent))
		}
		if slices.Contains(chain, parent) {
			return nil, problem.BadField(d.at(at), "goes round in a circle: %s", strings.Join(append(chain, parent), " → "))
		}
		up, err := s.flatten(parent, chain)
		if err != nil {
			return nil, err
		}
		if len(own.Contacts) == 0 && len(p.Contacts) == 0 {
			p.Contacts = up.Contacts
		}
		if p.Published == "" {
			p.Published = up.Published
		}
		if len(own.Optional) == 0 {
			for _, r := range up.Optional {
				if !slices.Contains(p.Contacts, r) && !slices.Contains(p.Optional, r) {
					p.Optional = append(slices.Clip(p.Optional), r)
				}
			}
		}
		for _, r := range up.Rules {
			if of, has := inherited[r.ID]; has && of != r.Of {
				return nil, problem.BadField(d.at(at), "the rule %q is inherited from both %s and %s", r.ID, of, r.Of)
			} else if has {
				continue
			}
			inherited[r.ID] = r.Of
			if !slices.Contains(own.Without, r.ID) {
				p.Rules = append(p.Rules, r)
			}
		}
	}
	var e *problem.Error
	for i, id := range own.Without {
		if inherited[id] == "" {
			e = e.Add(d.at(fmt.Sprintf("without[%d]", i)), "%q is not a rule that is inherited", clip(id))
		}
	}
	for i, r := range own.Rules {
		if of := inherited[r.ID]; of != "" && !slices.Contains(own.Without, r.ID) {
			e = e.Add(d.at(fmt.Sprintf("rules[%d].id", i)), "%q is a rule of %s: name it in without to put another in its place", r.ID, of)
		}
	}
	if e != nil {
		return nil, e
	}
	p.Rules = append(slices.Clone(own.Rules), p.Rules...)
	if len(p.Contacts) == 0 {
		return nil, problem.BadField(d.at("contacts"), "are missing: whom is it about?")
	}
	if len(p.Rules) > maxRules {
		return nil, problem.BadField(d.at("rules"), "with those inherited they are more than %d", maxRules)
	}
	for i, r := range own.Rules {
		for _, role := range r.Contacts {
			if !slices.Contains(p.Contacts, role) && !slices.Contains(p.Optional, role) {
				return nil, problem.BadField(d.at(fmt.Sprintf("rules[%d].contacts", i)), "%q is not among the profile's contacts", role)
			}
		}
	}
	p.build(s.catalogue)
	s.whole[id] = &p
	return &p, nil
}
