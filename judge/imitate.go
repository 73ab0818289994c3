package judge

import (
	"slices"
	"strings"
	"unicode/utf8"

	"bailiwick/name"
)

// brand is a Brand made ready for matching.
type brand struct {
	name    string
	claimed bool // the report names it
	listed  bool // the operator knows it, and its domains
	domains []name.Domain
	phrases []string // as they stand in text, folded
	labels  []word   // as they stand in a label: phrases without blanks
	weak    []string // distinctive first words, which count in a label beside a lure word only
}

// word is one spelling of a brand in a label.
type word struct{ plain, skeleton string }

// maxBrands bounds the brands that a look is compared with.
const maxBrands = 10_000

// Ready returns k with its brands made ready for matching, which See otherwise
// does anew for each look. Brands changed afterwards are not seen.
func (k Known) Ready() Known {
	k.ready = k.prepared()
	return k
}

func (k Known) prepared() []*brand {
	if k.ready != nil {
		return k.ready
	}
	out := make([]*brand, 0, len(k.Brands))
	for _, b := range k.Brands[:min(len(k.Brands), maxBrands)] {
		if r := prepare(b); len(r.phrases) > 0 {
			r.listed = true
			out = append(out, &r)
		}
	}
	return out
}

// candidates are the brands a page may imitate: the claimed one first.
func candidates(c Claim, k Known) []*brand {
	claimed := fold(bounded(c.Brand, 160))
	all := k.prepared()
	if claimed == "" {
		return all
	}
	short := compact(claimed)
	var first []*brand
	rest := make([]*brand, 0, len(all)+1)
	for _, b := range all {
		if slices.ContainsFunc(b.phrases, func(p string) bool { return has(claimed, p) }) || slices.ContainsFunc(b.labels, func(w word) bool { return w.plain == short }) {
			named := *b
			named.claimed = true
			first = append(first, &named)
		} else {
			rest = append(rest, b)
		}
	}
	if len(first) == 0 && len(claimed) >= 3 && !allGeneric(claimed) {
		if r := prepare(Brand{Name: bounded(c.Brand, 160)}); len(r.phrases) > 0 {
			r.claimed = true
			first = append(first, &r)
		}
	}
	return append(first, rest...)
}

func allGeneric(s string) bool {
	for w := range strings.FieldsSeq(s) {
		if !slices.Contains(generic, w) {
			return false
		}
	}
	return true
}

func prepare(b Brand) brand {
	r := brand{name: clean(b.Name, 80), domains: b.Domains}
	for _, w := range append([]string{b.Name}, b.Words...) {
		p := fold(bounded(w, 160))
		if len(p) < 3 && utf8.RuneCountInString(p) < 2 || allGeneric(p) || slices.Contains(r.phrases, p) {
			continue
		}
		r.phrases = append(r.phrases, p)
		if l := compact(p); len(l) >= 3 && len(l) <= 60 {
			if w := (word{l, skeleton(l)}); !slices.Contains(r.labels, w) {
				r.labels = append(r.labels, w)
			}
		}
		if w, _, more := strings.Cut(p, " "); more && len(w) >= 4 && !slices.Contains(generic, w) && !slices.Contains(lureWords, w) && !slices.Contains(r.weak, w) {
			r.weak = append(r.weak, compact(w))
		}
	}
	return r
}

// likeness says how a label resembles a brand.
type likeness int

const (
	unlike  likeness = iota
	exact            // it is the brand's name and nothing else
	plain            // the brand's name with everyday words
	similar          // a look-alike, a typing error, or the name with words of a lure
)

// spelling is a label made ready for matching.
type spelling struct {
	raw      string // in Unicode, lower case
	compact  string // folded, without hyphens
	skeleton string
	parts    []word // between the hyphens
}

func spell(label string) spelling {
	f := fold(label)
	s := spelling{raw: strings.ToLower(label), compact: compact(f)}
	s.skeleton = skeleton(s.compact)
	for t := range strings.FieldsFuncSeq(f, func(r rune) bool { return r == '-' }) {
		s.parts = append(s.parts, word{t, skeleton(t)})
	}
	return s
}

// resemble compares one label, in Unicode, with a brand.
func resemble(label string, b *brand) likeness { return spell(label).like(b) }

func (s spelling) like(b *brand) likeness {
	if len(s.compact) < 3 || len(s.compact) > 63 {
		return unlike
	}
	best := unlike
	for _, w := range b.labels {
		best = max(best, s.likeWord(w, b.phrases))
	}
	if best == unlike {
		for _, w := range b.weak {
			if left, right, ok := strings.Cut(s.compact, w); ok {
				l, lure1 := parts(left, false)
				r, lure2 := parts(right, false)
				if l && r && (lure1 || lure2) {
					best = similar
				}
			}
		}
	}
	return best
}

func (s spelling) likeWord(b word, phrases []string) likeness {
	c, w := s.compact, b.plain
	if c == w {
		if s.raw == w || slices.ContainsFunc(phrases, func(p string) bool { return strings.ReplaceAll(p, " ", "-") == s.raw }) {
			return exact
		}
		return similar
	}
	if len(w) >= 4 && s.skeleton == b.skeleton {
		return similar
	}
	best := unlike
	if left, right, ok := strings.Cut(c, w); ok {
		l, lure1 := parts(left, false)
		r, lure2 := parts(right, false)
		switch {
		case l && r && (lure1 || lure2):
			return similar
		case l && r && len(w) >= 4, len(w) >= 8:
			best = plain
		}
	} else if left, right, ok := strings.Cut(s.skeleton, b.skeleton); ok && len(w) >= 5 {
		l, _ := parts(left, true)
		if r, _ := parts(right, true); l && r {
			return similar
		}
	}
	for _, t := range s.parts {
		switch {
		case t.plain == w:
			best = max(best, plain)
		case len(w) >= 5 && t.skeleton == b.skeleton, len(w) >= 6 && near(t.plain, w, 1):
			return similar
		}
	}
	if len(w) >= 5 && near(c, w, 1) || len(w) >= 9 && near(c, w, 2) {
		return similar
	}
	return best
}

// wordSet are the words found beside a brand in a label, true for those of a
// lure; wordSkeletons the same by skeleton.
var wordSet, wordSkeletons = func() (map[string]bool, map[string]bool) {
	a, b := map[string]bool{}, map[string]bool{}
	for _, w := range plainWords {
		a[w], b[skeleton(w)] = false, false
	}
	for _, w := range lureWords {
		a[w], b[skeleton(w)] = true, true
	}
	return a, b
}()

// parts says whether s is made of such words and digits only, and whether one
// of them is of a lure.
func parts(s string, skeletal bool) (ok, lure bool) {
	set := wordSet
	if skeletal {
		set = wordSkeletons
	}
	if len(s) > 40 {
		return false, false
	}
	// reach[i]: 1 when s[:i] divides into words, 2 when one is of a lure.
	reach := make([]uint8, len(s)+1)
	reach[0] = 1
	for i := range len(s) {
		if reach[i] == 0 {
			continue
		}
		if s[i] >= '0' && s[i] <= '9' {
			reach[i+1] = max(reach[i+1], reach[i])
		}
		for j := i + 1; j <= min(len(s), i+14); j++ {
			if l, is := set[s[i:j]]; is {
				w := reach[i]
				if l {
					w = 2
				}
				reach[j] = max(reach[j], w)
			}
		}
	}
	return reach[len(s)] > 0, reach[len(s)] == 2
}

// lured says whether a label holds a word of a lure as a part of its own.
func lured(label string) bool {
	f := fold(label)
	for t := range strings.FieldsFuncSeq(f, func(r rune) bool { return r == '-' || '0' <= r && r <= '9' }) {
		if wordSet[t] {
			return true
		}
	}
	_, lure := parts(compact(f), false)
	return lure
}

// hits are a page's signs of imitating one brand, and their points.
type hits struct {
	host   likeness // the label of the registered domain or customer
	sub    bool     // a label in front of it
	title  bool
	path   bool
	near   bool // in the text, beside words of signing in
	text   bool
	points int
}

// brandHits weighs the signs; see docs/judgement.md, "Imitation".
func (e eye) brandHits(p page, at int) hits {
	var h hits
	b := e.brands[at]
	if !p.holder.IsZero() {
		h.host = e.likeness(p.first)[at]
		for _, l := range p.subs {
			h.sub = h.sub || e.likeness(l)[at] != unlike
		}
	}
	for _, w := range b.phrases {
		if !p.grams.may(w) {
			continue
		}
		h.title = h.title || titleHas(p.title, w)
		if n, t := textHas(p.text, w); t {
			h.text, h.near = true, h.near || n
		}
	}
	for _, w := range b.labels {
		h.path = h.path || len(w.plain) >= 4 && strings.Contains(p.path, w.plain)
	}
	switch {
	case h.host == exact:
		h.points += 2
	case h.host != unlike, h.sub:
		h.points += 3
	}
	if h.title {
		h.points += 3
	}
	if h.path {
		h.points += 2
	}
	switch {
	case h.near:
		h.points += 2
	case h.text:
		h.points++
	}
	return h
}

// likeness is how much a label resembles each of the brands, in their order:
// found once for a look, since its pages share their hosts.
func (e eye) likeness(label string) []likeness {
	if l, ok := e.labels[label]; ok {
		return l
	}
	s := spell(label)
	out := make([]likeness, len(e.brands))
	for i, b := range e.brands {
		out[i] = s.like(b)
	}
	e.labels[label] = out
	return out
}

// marked says whether the brand is there at all.
func (h hits) marked() bool { return h.points > 0 }

// strong says whether the brand stands where a page says whose it is.
func (h hits) strong() bool { return h.title || h.path || h.sub || h.host != unlike || h.near }

// titleHas: the brand is in the title as the page's own, not as a service
// beside ("pay with"), nor as the matter of a text about phishing.
func titleHas(title, w string) bool {
	i := indexWord(title, w, 0)
	if i < 0 || besideBefore(title, i) {
		return false
	}
	return !contains(title, warnCauses)
}

// textHas says whether text holds the brand beside words of signing in, and
// whether it holds it at all.
func textHas(text, w string) (near, any bool) {
	const window = 48
	from := 0
	for range 32 {
		i := indexWord(text, w, from)
		if i < 0 {
			return false, any
		}
		from = i + len(w)
		if besideBefore(text, i) {
			continue
		}
		any = true
		lo, hi := max(0, i-window), min(len(text), from+window)
		if contains(text[lo:hi], signins) {
			return true, true
		}
	}
	return false, any
}

// besideBefore: the word before position i makes the brand a service beside.
func besideBefore(text string, i int) bool {
	t := strings.TrimRight(text[:i], " ")
	return slices.Contains(beside, t[strings.LastIndexByte(t, ' ')+1:])
}

// Points at which a page that asks for secrets counts as imitating: a brand
// whose domains the operator knows, and one that only the report names.
const (
	pointsListed   = 4
	pointsUnlisted = 5
	pointsLure     = 4
)

// imitation is the best candidate and what speaks for it.
type imitation struct {
	brand  *brand
	hits   hits
	points int
	demand bool // words that want something done with an account
	press  bool // words that hurry
	away   bool // what is typed goes to somebody else
	named  bool // the page goes by its own name
	own    *brand
	done   bool
}

// imitation weighs a page once.
func (p page) imitation(e eye) *imitation {
	if !p.weighed.done {
		*p.weighed = e.imitates(p)
		p.weighed.done = true
	}
	return p.weighed
}

func (e eye) imitates(p page) imitation {
	var m imitation
	m.demand = p.begins(demands)
	m.press = p.begins(pressures)
	m.away = p.postsAway(e.known)
	m.named = p.named()
	for i, b := range e.brands {
		if owns(b.domains, p.url.Domain) {
			if m.own == nil {
				m.own = b
			}
			continue
		}
		h := e.brandHits(p, i)
		if h.marked() && (m.brand == nil || h.points > m.hits.points) {
			m.brand, m.hits = b, h
		}
	}
	m.points = m.hits.points
	if m.demand {
		m.points += 2
	}
	if m.press {
		m.points++
	}
	if m.away {
		m.points += 2
	}
	if p.url.Addr.IsValid() {
		m.points++
	}
	if m.named && m.hits.host == unlike {
		m.points -= 3
	}
	return m
}

// phishing judges whether the page asks for secrets in somebody else's name.
// It fills v and says true for that, and for a doubt that only a person can
// settle.
func (e eye) phishing(p page, v *View) bool {
	if p.Kind != "html" && p.Kind != "text" {
		return false
	}
	forms := len(p.Forms) > 0
	if !p.asks() && !forms {
		return false
	}
	m := *p.imitation(e)
	if m.own != nil && !m.brokenInto(p) {
		return false // its own site; what else it names are partners
	}
	switch {
	case m.brand != nil && m.hits.strong():
		return e.imitating(p, v, m)
	case p.asks() && m.demand && m.press && !m.named && m.own == nil && lurePoints(p, m) >= pointsLure:
		v.is(ShowsAbuse, CauseLure, "asks for secrets under a pretext (to verify an account, at once) and goes by no name of its own")
		return true
	}
	return false
}

// brokenInto says whether a page on a known organisation's own site imitates
// somebody else beyond what partners' names explain: it is the claimed brand,
// or the page's title goes by a listed one and the page demands something, a
// card or a code.
func (m imitation) brokenInto(p page) bool {
	switch {
	case m.brand == nil:
		return false
	case m.brand.claimed && m.points >= pointsListed+2:
		return true
	}
	return m.brand.listed && m.hits.title && m.points >= pointsListed && (m.demand || p.Card || p.OTP)
}

func lurePoints(p page, m imitation) int {
	n := 0
	if m.demand {
		n += 2
	}
	if m.press {
		n += 2
	}
	if m.away {
		n += 2
	}
	if p.url.Addr.IsValid() {
		n++
	}
	if m.named {
		n -= 3
	}
	return n
}

func (e eye) imitating(p page, v *View, m imitation) bool {
	b := m.brand
	need := pointsListed
	if !b.listed {
		need = pointsUnlisted
	}
	extra := m.demand || m.press || m.away || p.Card || p.OTP
	if !p.asks() {
		// A first step, or a form without a password: the name itself and the
		// words of a lure have to say it.
		host := m.hits.host > exact || m.hits.sub
		if !(m.demand && (m.hits.title || m.hits.near) && (host || m.away)) || m.points < need+1 {
			return false
		}
	}
	if m.points < need {
		return false
	}
	v.Brand = b.name
	switch {
	case m.hits.host == exact && !m.hits.path && !extra:
		v.doubt(CauseWeak, "asks for secrets as %s under exactly its name: it may be its own site", b.name)
	case !b.listed && (m.hits.host == exact || m.hits.host == plain) && !(m.demand && (m.press || m.away)):
		v.doubt(CauseWeak, "asks for secrets as %s under its name: whose site it is, is not known here", b.name)
	case !b.listed && e.ownName(b) && m.hits.host != similar:
		v.doubt(CauseWeak, "asks for secrets as %s, and the front page goes by that name too: it may be its own site", b.name)
	case product(p, m):
		v.doubt(CauseWeak, "looks like an own installation of %s", b.name)
	default:
		v.is(ShowsAbuse, CauseImitates, "%s as %s, which does not own this name (%s)", asking(p), b.name, m.say())
	}
	return true
}

func asking(p page) string {
	switch {
	case p.Password && p.Card:
		return "asks for a password and a card"
	case p.Card:
		return "asks for a card"
	case p.Password:
		return "asks for a password"
	case p.OTP:
		return "asks for a one-time code"
	}
	return "collects data"
}

// say names the signs in words.
func (m imitation) say() string {
	var s []string
	for _, x := range []struct {
		is   bool
		text string
	}{
		{m.hits.host != unlike, "its name in the domain"}, {m.hits.sub, "its name in front of the domain"}, {m.hits.title, "its name in the title"}, {m.hits.path, "its name in the path"},
		{m.hits.near, "its name beside the sign-in"}, {m.demand, "words of a lure"}, {m.press, "words that hurry"}, {m.away, "a form that posts to somebody else"},
	} {
		if x.is {
			s = append(s, x.text)
		}
	}
	return strings.Join(s, ", ")
}

// ownName says whether a front page of the site, which asks for nothing, goes
// by the brand's name.
func (e eye) ownName(b *brand) bool {
	for _, t := range e.homes {
		for _, w := range b.phrases {
			if titleHas(t, w) {
				return true
			}
		}
	}
	return false
}

// product says whether the page is where a program's own sign-in page is
// found, with nothing more against it.
func product(p page, m imitation) bool {
	if m.hits.host != unlike || m.hits.sub || m.demand || m.away {
		return false
	}
	path := strings.ToLower(p.url.Path)
	for _, s := range selfHosted {
		if strings.Contains(p.title, s.product) && (path == s.path || s.path != "/" && strings.HasPrefix(path, s.path)) {
			return true
		}
	}
	return false
}

// notPhishing judges a live page in which no phishing was seen.
func (e eye) notPhishing(p page, v *View) {
	sent := e.known.holderOf(v.final()) != e.known.holderOf(v.URL)
	for _, b := range e.brands {
		if !owns(b.domains, p.url.Domain) {
			continue
		}
		if sent && !owns(b.domains, v.URL.Domain) {
			v.is(ShowsOther, CauseBrandSends, "sends visitors on to the own site of %s", b.name)
			v.Doubt = v.Reason + ", as hidden kits do"
			return
		}
		if m := *p.imitation(e); p.asks() && m.brand != nil && m.brand.listed && m.hits.title {
			// A partner's sign-in, or a break-in: the page goes by the name of
			// somebody else who is known.
			v.Brand = m.brand.name
			v.doubt(CauseWeak, "on the own site of %s, %s as %s", b.name, asking(p), m.brand.name)
			return
		}
		v.is(ShowsOther, CauseBrandOwn, "the own site of %s", b.name)
		return
	}
	m := *p.imitation(e)
	switch {
	case p.asks() && m.named && !m.hits.strong() && !m.away && !(m.demand && m.press):
		v.is(ShowsOther, CauseOwnName, "%s under its own name", asking(p))
	case p.asks() && m.brand != nil && m.hits.strong():
		v.Brand = m.brand.name
		v.doubt(CauseWeak, "%s, and shows some signs of %s (%s)", asking(p), m.brand.name, m.say())
	case p.asks():
		v.doubt(CauseNobody, "%s and imitates nobody that this rule can name", asking(p))
	case m.brand != nil && (m.hits.host == similar || m.hits.sub) && (m.hits.title || m.hits.near):
		v.Brand = m.brand.name
		v.doubt(CauseWeak, "looks like %s (%s), but asks for nothing that this rule can see", m.brand.name, m.say())
	default:
		v.is(ShowsOther, CauseNoMark, "a live page that asks for no secret in anybody's name")
	}
}
