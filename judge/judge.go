// Package judge says what the gathered facts mean: whether a reported page is
// there and is what was claimed (See), whether a name was registered for abuse
// or broken into (Judge), and what became of the abuse and who ended it
// (Measure). It is pure: the same facts give the same answer, and every answer
// carries its reasons. The rules, their weights and their sources are in
// docs/judgement.md.
//
// A wrong accusation takes a shop off the Internet. So every rule leans
// towards not known, which is treated as compromised.
package judge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/registration"
)

// Class says how a name came to show abuse.
type Class string

// The classes.
const (
	Malicious   Class = "malicious"   // registered for it
	Compromised Class = "compromised" // somebody else's, broken into
	Innocent    Class = "innocent"    // reported by mistake
	Unknown     Class = "unknown"     // not known: treated as compromised
)

// Input is what a judgement rests on.
type Input struct {
	Claim   Claim
	Subject party.Subject
	Sight   Sight
	Look    evidence.Look
	Record  *registration.Record // nil if none was had
	// Reported is when the first report came; zero is Now.
	Reported time.Time
	Now      time.Time
	Known    Known
	// Confirmed: a person confirmed the claim where no rule can see it.
	Confirmed bool
	// Campaign counts other confirmed names that share registrar and
	// registrant, or dedicated name servers, and were registered within days.
	// Shared hosts' and registrars' default name servers do not count.
	Campaign int
}

// Reason is one thing that weighed, in the rule's units: towards malicious
// when positive, towards compromised when negative; 0 is a remark.
type Reason struct {
	ID     string  `json:"id"`
	Weight float64 `json:"weight"`
	Text   string  `json:"text"`
}

// Judgement is the answer.
type Judgement struct {
	Class   Class    `json:"class"`
	Live    bool     `json:"live"`
	Claimed bool     `json:"claimed"`
	Score   float64  `json:"score"` // the sum of the weights
	Reasons []Reason `json:"reasons"`
	// Treat is how the case is to be treated: as compromised when not known.
	Treat Class `json:"treat"`
	// DNSLevel: an ask to suspend the name can rest on this judgement. Never
	// for a platform's customer or an address, and only for malicious.
	DNSLevel bool `json:"dns_level"`
	// Doubt is the sight's: a person should look.
	Doubt string `json:"doubt,omitempty"`
}

// The thresholds of the score. Between them nothing is known.
const (
	MaliciousFrom   = 3.0
	CompromisedUpTo = -1.0
)

// The weights, in the order of docs/judgement.md, which says where each comes
// from.
const (
	wAge30      = 2.5
	wAge90      = 2.0
	wAge365     = 1.0
	wAge3y      = -0.5
	wAge6y      = -1.0
	wAgeOld     = -2.0
	wOneYear    = 0.25
	wManyYears  = -0.5
	wChanged    = 0.5
	wLocked     = -1.5
	wBrandExact = 1.5
	wBrandPlain = 2.5
	wBrandLike  = 3.0
	wLureWord   = 0.75
	wSub        = 1.0
	wRandom     = 0.5
	wKit        = 2.5
	wSends      = 2.5
	wCustomer   = 0.75
	wFrontBrand = 1.5
	wNothing    = 1.0
	wParked     = 0.5
	wHolding    = 0.5
	wContent    = -3.0
	wThin       = -1.0
	wNamed      = -0.5
	wSystemPath = -1.5
	wHomePath   = -3.0
	wDeepPath   = -0.5
	wRootPath   = 0.5
	wMail       = -0.5
	wCampaign   = 1.0
	wCampaign3  = 2.0
)

// tally gathers reasons. intent says whether one of them shows that the name
// itself, or the whole site, exists for the abuse: circumstances alone never
// make a name malicious.
type tally struct {
	reasons []Reason
	intent  bool
	label   bool // an intent that lies in the name
}

func (t *tally) add(id string, w float64, format string, args ...any) {
	t.reasons = append(t.reasons, Reason{id, w, clean(fmt.Sprintf(format, args...), 240)})
}

func (t *tally) score() float64 {
	s := 0.0
	for _, r := range t.reasons {
		s += r.Weight
	}
	return math.Round(s*100) / 100
}

// Judge classifies. It is deterministic and order-free, as See is.
func Judge(in Input) Judgement {
	s := in.Sight
	j := Judgement{Live: s.Live, Claimed: s.Claimed, Doubt: s.Doubt}
	t := &tally{}
	like, as := unlike, ""
	if in.Subject.Kind != party.Address {
		like, as = likest(in)
	}
	reported := in.Reported
	if reported.IsZero() {
		reported = in.Now
	}
	if in.Subject.Kind == party.RegisteredDomain {
		t.registration(in, reported, like)
	}
	if in.Subject.Kind != party.Address {
		t.name(in, like, as)
	}
	t.front(in)
	t.path(in)
	if in.Subject.Kind == party.RegisteredDomain {
		t.mail(in, reported)
		t.campaign(in.Campaign)
	}
	j.Score = t.score()
	j.Class = t.class(in, j.Score)
	j.Reasons = t.reasons
	if j.Treat = j.Class; j.Class == Unknown {
		j.Treat = Compromised
	}
	j.DNSLevel = j.Class == Malicious && in.Subject.Kind == party.RegisteredDomain
	return j
}

// class applies the thresholds and the rules that stand above them.
func (t *tally) class(in Input, score float64) Class {
	s := in.Sight
	if !s.Claimed && !in.Confirmed {
		if t.innocent(in) {
			return Innocent
		}
		switch {
		case s.Doubt != "":
			t.add("doubt", 0, "a person has to look: %s", s.Doubt)
		case !s.Live:
			t.add("not-live", 0, "nothing is there to be judged")
		default:
			t.add("not-seen", 0, "the claimed thing was not seen")
		}
		return Unknown
	}
	switch {
	case in.Subject.Kind == party.Address && t.intent:
		t.add("address", 0, "an address has no registration; nothing but the abuse is served there")
		return Malicious
	case in.Subject.Kind == party.Address:
		t.add("address", 0, "an address has no registration to judge")
		return Unknown
	case !s.MovedTo.IsZero() && !t.label:
		// The reported name only sends visitors on, and does not look made
		// for it: what is known of the other place says nothing about it.
		t.add("elsewhere", 0, "the abuse itself is at another name; this one sends visitors there")
		if score <= CompromisedUpTo {
			return Compromised
		}
		return Unknown
	case score >= MaliciousFrom && !t.intent:
		t.add("no-intent", 0, "nothing in the name or the whole site shows that it exists for this: circumstances alone do not count as malicious")
		return Unknown
	case score >= MaliciousFrom && brandHolds(in):
		t.add("registrant-brand", 0, "the registrant goes by the imitated brand's name: it may be its own, a person has to look")
		return Unknown
	case score >= MaliciousFrom:
		return Malicious
	case score <= CompromisedUpTo:
		return Compromised
	}
	return Unknown
}

// innocent: live, not the claimed thing from any vantage point, nothing that
// a person has to settle, and no name that looks made for it.
func (t *tally) innocent(in Input) bool {
	s := in.Sight
	other, own := false, false
	for _, v := range s.Views {
		switch v.Shows {
		case ShowsOther:
			other = true
			own = own || v.Cause == CauseBrandOwn
		case ShowsAbuse, ShowsUnclear, ShowsWarned, ShowsSinkholed:
			return false
		}
	}
	switch {
	case !other || s.Doubt != "":
		return false
	case own:
		t.add("brand-own", 0, "it is the brand's own site")
		return true
	case t.label:
		return false
	}
	t.add("not-it", 0, "a live page from here that is not what was claimed, from any vantage point that got an answer")
	return true
}

// brandHolds says whether the registrant's organisation, where it is shown,
// is the imitated brand by name.
func brandHolds(in Input) bool {
	if in.Record == nil || in.Sight.Brand == "" {
		return false
	}
	org := fold(bounded(in.Record.Contacts["registrant"].Organization, 200))
	if org == "" || in.Record.Fields["contacts.registrant.organization"] != "" {
		return false
	}
	for _, b := range imitated(in) {
		for _, p := range b.phrases {
			if has(org, p) {
				return true
			}
		}
	}
	return false
}

// imitated are the brands that the abuse imitates, or is claimed to.
func imitated(in Input) []*brand {
	var out []*brand
	for _, b := range candidates(in.Claim, in.Known) {
		if b.claimed || b.name == in.Sight.Brand {
			out = append(out, b)
		}
	}
	return out
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

func (t *tally) registration(in Input, reported time.Time, like likeness) {
	r := in.Record
	if r == nil || r.State != registration.Registered {
		t.add("no-record", 0, "no registration data: age not known")
		return
	}
	age, known := ageAt(r, reported)
	switch {
	case !known && r.Created.IsZero():
		t.add("age-unknown", 0, "no date of registration")
	case !known:
		t.add("age-later", 0, "registered after the first report: it changed hands")
	case age <= 30:
		t.add("age", wAge30, "registered %d days before the first report", age)
	case age <= 90:
		t.add("age", wAge90, "registered %d days before the first report", age)
	case age <= 365:
		t.add("age", wAge365, "registered %d days before the first report", age)
	case like == similar:
		t.add("age", 0, "registered %d days before the first report, which says nothing of a look-alike: those are kept for years", age)
	case age <= 3*365:
		t.add("age", wAge3y, "registered %d days before the first report", age)
	case age <= 6*365:
		t.add("age", wAge6y, "registered %d days before the first report", age)
	default:
		t.add("age", wAgeOld, "registered %d years before the first report", age/365)
	}
	if known && age <= 365 && !r.Expires.IsZero() {
		switch term := days(r.Expires.Sub(r.Created.Time)); {
		case term <= 0:
		case term <= 370:
			t.add("term", wOneYear, "registered for one year only")
		case term >= 700:
			t.add("term", wManyYears, "registered for %d years at once", (term+5)/365)
		}
	}
	if known && age > 365 && !r.Updated.IsZero() && !r.Updated.After(reported) && days(reported.Sub(r.Updated.Time)) <= 30 && kitOnly(frontAt(in)) {
		t.add("changed", wChanged, "an old registration, changed %d days before the first report", days(reported.Sub(r.Updated.Time)))
	}
	locks := 0
	for _, st := range r.Statuses {
		switch st {
		case "serverDeleteProhibited", "serverTransferProhibited", "serverUpdateProhibited":
			locks++
		case "clientHold", "serverHold":
			t.add("held", 0, "the name is on %s", st)
		}
	}
	if locks == 3 {
		t.add("locked", wLocked, "a registry lock, which abusers do not buy")
	}
}

// ageAt is the age of the registration in days; not known when there is no
// date or it lies after the report.
func ageAt(r *registration.Record, reported time.Time) (int, bool) {
	if r == nil || r.Created.IsZero() {
		return 0, false
	}
	created := r.Created.Time
	if created.After(reported) {
		// A bare date is the start of its day, and clocks differ.
		if created.Sub(reported) > 24*time.Hour {
			return 0, false
		}
		return 0, true
	}
	return days(reported.Sub(created)), true
}

func kitOnly(f Front) bool {
	switch f {
	case FrontKit, FrontSends, FrontBrand, FrontDefault, FrontEmpty:
		return true
	}
	return false
}

// likest is how much the subject's own label resembles a brand that the abuse
// imitates, and which.
func likest(in Input) (likeness, string) {
	if in.Subject.Name.IsZero() {
		return unlike, ""
	}
	label := firstLabel(in.Subject.Name)
	best, as := unlike, ""
	for _, b := range imitated(in) {
		if owns(b.domains, in.Subject.Name) {
			continue
		}
		if l := resemble(label, b); l > best {
			best, as = l, b.name
		}
	}
	return best, as
}

// name weighs the name itself. The script and language of a label weigh
// nothing.
func (t *tally) name(in Input, best likeness, as string) {
	if in.Subject.Name.IsZero() {
		return
	}
	label := firstLabel(in.Subject.Name)
	switch best {
	case similar:
		t.add("brand", wBrandLike, "%q looks like %s", clean(label, 63), as)
		t.intent, t.label = true, true
	case plain:
		t.add("brand", wBrandPlain, "%q holds the name of %s", clean(label, 63), as)
		t.intent, t.label = true, true
	case exact:
		t.add("brand", wBrandExact, "%q is the name of %s, under an ending that is not known to be its own", clean(label, 63), as)
		t.label = true
	}
	if best != similar && lured(label) {
		t.add("lure-word", wLureWord, "%q holds a word of a lure", clean(label, 63))
	}
	if sub, ok := deceptive(in); ok {
		t.add("sub-label", wSub, "%q in front of the name deceives", sub)
	}
	if thrown(label) {
		t.add("random", wRandom, "%q mixes letters and digits at random", clean(label, 63))
	}
}

// deceptive finds a label in front of the subject's name, in the URLs where
// the abuse was seen, that is a brand's or a lure's.
func deceptive(in Input) (string, bool) {
	brands := imitated(in)
	for _, u := range abuseURLs(in) {
		rest, under := strings.CutSuffix(u.Domain.String(), "."+in.Subject.Name.String())
		if !under {
			continue
		}
		for _, l := range strings.Split(rest, ".") {
			if l == "www" || l == "mail" || l == "webmail" || l == "m" {
				continue
			}
			d, err := name.ParseAny(l)
			if err != nil {
				continue
			}
			if slices.ContainsFunc(brands, func(b *brand) bool { return resemble(d.Unicode(), b) != unlike }) {
				return clean(l, 63), true
			}
			if lured(d.Unicode()) && strings.Count(rest, ".") >= 1 {
				return clean(l, 63), true
			}
		}
	}
	return "", false
}

// thrown says whether a label changes between letters and digits at least
// three times, as generated ones do. Rows of consonants do not count: they are
// words in some languages and initials in others.
func thrown(label string) bool {
	f := fold(label)
	if len(f) < 7 || strings.HasPrefix(label, "xn--") {
		return false
	}
	changes, last := 0, byte(0)
	for i := range len(f) {
		kind := byte('a')
		if f[i] >= '0' && f[i] <= '9' {
			kind = '0'
		}
		if f[i] == '-' {
			last = 0
			continue
		}
		if last != 0 && kind != last {
			changes++
		}
		last = kind
	}
	return changes >= 3
}

// abuseURLs are the URLs at which the abuse was seen on the subject itself;
// the claimed ones when a person confirmed it.
func abuseURLs(in Input) []name.URL {
	var out []name.URL
	for _, v := range in.Sight.Views {
		if v.Shows == ShowsAbuse || in.Confirmed && v.Shows == ShowsUnclear {
			for _, u := range []name.URL{v.URL, v.final()} {
				own := u.Domain.Under(in.Subject.Name) || in.Subject.Addr.IsValid() && u.Addr == in.Subject.Addr
				if own && !slices.Contains(out, u) {
					out = append(out, u)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b name.URL) int { return cmp.Compare(a.String(), b.String()) })
	return out
}

// front weighs what else is at the name: the best single sign there is.
func (t *tally) front(in Input) {
	if !in.Sight.Claimed && !in.Confirmed {
		return
	}
	switch frontAt(in) {
	case FrontKit:
		t.add("front", wKit, "the front page is the abuse itself")
		t.intent = true
		if in.Subject.Kind == party.PlatformCustomer {
			t.add("customer", wCustomer, "a platform's customer that shows nothing else")
		}
	case FrontSends:
		t.add("front", wSends, "the front page sends every visitor to the abuse")
		t.intent = true
	case FrontBrand:
		t.add("front", wFrontBrand, "the front page sends visitors to the imitated brand's own site")
		t.intent = true
	case FrontDefault, FrontEmpty:
		t.add("front", wNothing, "nothing else is at the name")
		if u := abuseURLs(in); len(u) > 0 && !slices.ContainsFunc(u, func(u name.URL) bool { return depth(u) > 1 || systemPath(u, in.Sight.Front) != "" }) {
			t.intent = true
		}
	case FrontPlaceholder:
		t.add("front", wHolding, "the front page only holds a place")
	case FrontParked:
		t.add("front", wParked, "the front page is parked")
	case FrontContent:
		t.add("front", wContent, "a site of its own is at the front page")
	case FrontThin:
		t.add("front", wThin, "a small page of its own is at the front page")
	case FrontNotice, FrontUnknown:
		t.add("front", 0, "the front page says nothing")
	}
	if f := frontAt(in); in.Sight.FrontNamed && (f == FrontContent || f == FrontThin) {
		t.add("front-named", wNamed, "the front page goes by the domain's own name")
	}
}

// frontAt is the front page, which is the abuse itself when a person confirmed
// the very page that is there.
func frontAt(in Input) Front {
	if in.Confirmed && !in.Sight.Claimed && in.Sight.FrontSame {
		return FrontKit
	}
	return in.Sight.Front
}

// systemPaths are where content-management systems and servers keep files:
// where break-ins leave theirs.
var systemPaths = []string{"/wp-content/", "/wp-includes/", "/wp-admin/", "/.well-known/", "/components/", "/modules/", "/plugins/", "/themes/", "/templates/", "/sites/default/", "/administrator/", "/vendor/", "/node_modules/",
	"/includes/", "/cgi-bin/", "/skin/", "/typo3", "/fckeditor/", "/libraries/", "/.git/"}

// commonPaths are folders of any site. Where there is no site they say nothing.
var commonPaths = []string{"/uploads/", "/upload/", "/images/", "/img/", "/assets/", "/css/", "/js/", "/cache/", "/tmp/", "/media/", "/files/", "/backup/", "/old/"}

// systemPath is the telling part of a path; "" if there is none.
func systemPath(u name.URL, f Front) string {
	p := strings.ToLower(bounded(u.Path, 2048))
	paths := systemPaths
	if f != FrontEmpty {
		paths = append(slices.Clip(systemPaths), commonPaths...)
	}
	for _, s := range paths {
		if strings.Contains(p, s) {
			return s
		}
	}
	return ""
}

// depth counts the folders of a path.
func depth(u name.URL) int {
	n := 0
	for s := range strings.SplitSeq(bounded(u.Path, 2048), "/") {
		if s != "" {
			n++
		}
	}
	if n > 0 && !strings.HasSuffix(u.Path, "/") && strings.Contains(u.Path[strings.LastIndexByte(u.Path, '/'):], ".") {
		n-- // a file, not a folder
	}
	return n
}

func (t *tally) path(in Input) {
	urls := abuseURLs(in)
	if len(urls) == 0 || frontAt(in) == FrontKit {
		return // where the whole site is the abuse its paths say nothing
	}
	// The most innocent of the paths counts: one file among a system's own is
	// enough to doubt.
	var w float64
	var text string
	take := func(v float64, format string, args ...any) {
		if text == "" || v < w {
			w, text = v, fmt.Sprintf(format, args...)
		}
	}
	for _, u := range urls {
		switch s := systemPath(u, in.Sight.Front); {
		case strings.HasPrefix(u.Path, "/~"):
			take(wHomePath, "it is in one user's folder of a shared server")
		case s != "":
			take(wSystemPath, "it lies among a system's own files (%s)", s)
		case depth(u) >= 3:
			take(wDeepPath, "it lies %d folders deep", depth(u))
		case depth(u) == 0 && u.Domain == in.Subject.Name:
			take(wRootPath, "it lies at the top of the name")
		}
	}
	if text != "" {
		t.add("path", w, "%s", text)
	}
}

func (t *tally) mail(in Input, reported time.Time) {
	if in.Look.DNS == nil {
		return
	}
	age, known := ageAt(in.Record, reported)
	mx := slices.ContainsFunc(in.Look.DNS.MX.Values, func(v string) bool {
		_, host, _ := strings.Cut(v, " ")
		return host != "." && host != "" // "0 ." is no mail (RFC 7505)
	})
	if mx && known && age >= 365 {
		t.add("mail", wMail, "mail is set up, and the name is over a year old")
	}
}

func (t *tally) campaign(n int) {
	switch {
	case n >= 3:
		t.add("campaign", wCampaign3, "%d other confirmed names of the same registration burst", n)
		t.intent = true
	case n > 0:
		t.add("campaign", wCampaign, "%d other confirmed names of the same registration burst", n)
		t.intent = true
	}
}
