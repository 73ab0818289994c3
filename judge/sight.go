package judge

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/party"
)

// Claim is what a report, or a case that gathers several, says.
type Claim struct {
	Type abuse.Type `json:"type"`
	// URLs claimed; a claim without one is about the front page.
	URLs        []name.URL `json:"urls,omitempty"`
	Brand       string     `json:"brand,omitempty"` // the organisation imitated, as claimed
	Description string     `json:"description,omitempty"`
}

// Known is what the operator of the centre knows beforehand. The zero value
// knows nothing and is usable.
type Known struct {
	Brands []Brand `json:"brands,omitempty"`
	// Sinkholes are networks, SinkholeServers name servers (or domains above
	// them), to which names are moved to take them from their abusers.
	Sinkholes       []netip.Prefix `json:"sinkholes,omitempty"`
	SinkholeServers []name.Domain  `json:"sinkhole_servers,omitempty"`
	// ParkingServers are name servers (or domains above them) of parking
	// services.
	ParkingServers []name.Domain `json:"parking_servers,omitempty"`
	// Notices are the pages that hosts, platforms and CDNs are known to put
	// in place of a customer's; they come before the general wordings.
	Notices []Notice `json:"notices,omitempty"`
	// Suffixes tells registered domains apart; nil is the built-in list.
	Suffixes *name.Suffixes `json:"-"`

	ready []*brand // see Ready
}

// Brand is an organisation that may be imitated.
type Brand struct {
	Name string `json:"name"`
	// Words are what people know it by, in any script ("Acme Bank", "acme").
	Words []string `json:"words,omitempty"`
	// Domains are its own; names below them are its own too.
	Domains []name.Domain `json:"domains,omitempty"`
}

// Notice is a known wording of a page that stands in place of another.
type Notice struct {
	Kind   NoticeKind `json:"kind"`
	Phrase string     `json:"phrase"` // found in the title or the text
	// Role and Party say who puts it up.
	Role  party.Role `json:"role,omitempty"`
	Party string     `json:"party,omitempty"`
}

// NoticeKind says what a notice tells its reader.
type NoticeKind string

// The kinds of notice.
const (
	Suspended       NoticeKind = "suspended"        // the content or the account was taken away
	DomainSuspended NoticeKind = "domain-suspended" // the domain name was
	Warning         NoticeKind = "warning"          // an interstitial: the page is still behind it
)

func (k Known) suffixes() *name.Suffixes {
	if k.Suffixes != nil {
		return k.Suffixes
	}
	return name.DefaultSuffixes()
}

// holder is the name under one authority that d belongs to: the platform
// customer's name, or the registered domain, or d itself.
func (k Known) holder(d name.Domain) name.Domain {
	p := k.suffixes().Split(d)
	switch {
	case !p.Customer.IsZero():
		return p.Customer
	case !p.Registered.IsZero():
		return p.Registered
	}
	return d
}

// holderOf is the holder of a URL's host in one string.
func (k Known) holderOf(u name.URL) string {
	if u.Addr.IsValid() {
		return u.Addr.String()
	}
	return k.holder(u.Domain).String()
}

// Shows is what one fetch shows.
type Shows string

// What a fetch can show.
const (
	ShowsAbuse     Shows = "abuse"       // the claimed thing
	ShowsOther     Shows = "other"       // a live page that is not it
	ShowsUnclear   Shows = "unclear"     // a live page that a rule cannot judge: a person has to look
	ShowsWarned    Shows = "warned"      // an interstitial warning stands in front
	ShowsGone      Shows = "gone"        // nothing of it is there any more
	ShowsParked    Shows = "parked"      // a parking page
	ShowsSinkholed Shows = "sinkholed"   // the name leads to a sinkhole
	ShowsNothing   Shows = "unreachable" // no conclusion: a time-out or a fault on the way, which is not the same as gone
)

// conclusive says whether s tells that the claimed thing was not shown.
func (s Shows) away() bool {
	return s == ShowsOther || s == ShowsGone || s == ShowsParked || s == ShowsSinkholed
}

// Cause is the stable word for why a fetch shows what it shows.
type Cause string

// The causes.
const (
	CauseImitates    Cause = "imitates"     // asks for secrets in a brand's name
	CauseLure        Cause = "lure"         // asks for secrets under a general pretext
	CauseProgram     Cause = "program"      // delivers a program, script or archive
	CauseNoMark      Cause = "no-mark"      // shows nothing of the claimed kind
	CauseOwnName     Cause = "own-name"     // asks for secrets under its own name
	CauseBrandOwn    Cause = "brand-own"    // the imitated brand's own site
	CauseBrandSends  Cause = "brand-sends"  // sends visitors on to the brand's own site
	CauseNobody      Cause = "nobody"       // asks for secrets, imitates nobody we can name
	CauseWeak        Cause = "weak"         // imitates a little
	CauseByPerson    Cause = "by-person"    // this kind of abuse has no rule
	CauseStatus      Cause = "status"       // an HTTP status that says no
	CauseForbidden   Cause = "forbidden"    // 401, 403, 451: refuses us
	CauseServerFault Cause = "server-fault" // 429 or 5xx
	CauseEmpty       Cause = "empty"        // an empty body
	CauseDefault     Cause = "default"      // the server's default page
	CauseNotice      Cause = "notice"       // a notice stands in its place
	CauseParking     Cause = "parking"
	CauseSinkhole    Cause = "sinkhole"
	CauseNoName      Cause = "no-name"     // the name does not exist in DNS
	CauseNoAddress   Cause = "no-address"  // the name exists and leads nowhere
	CauseDNSRefuses  Cause = "dns-refuses" // its name servers do not answer for it
	CauseRefused     Cause = "refused"     // the address refuses connections
	CauseTimeout     Cause = "timeout"
	CauseFault       Cause = "fault" // TLS, reset, loop, malformed
)

// View is one fetch, judged. A Sight keeps these in place of the bodies.
type View struct {
	URL     name.URL `json:"url"`
	Vantage string   `json:"vantage"`
	Shows   Shows    `json:"shows"`
	Cause   Cause    `json:"cause"`
	Reason  string   `json:"reason"`
	Status  int      `json:"status,omitempty"`
	// Final is the last URL when it is not the one asked for.
	Final name.URL   `json:"final,omitzero"`
	Addr  netip.Addr `json:"addr,omitzero"` // the address the answer came from
	Kind  string     `json:"kind,omitempty"`
	Title string     `json:"title,omitempty"` // at most 80 octets
	Body  string     `json:"body,omitempty"`  // SHA-256 (hex) of the body
	// Sketch is the beginning of the page's sketch, at most 24 hashes: enough
	// to tell a changed page from the same one.
	Sketch []uint32 `json:"sketch,omitempty"`
	// Notice, By and Party: what a notice says and, when configured, who puts
	// it up.
	Notice NoticeKind `json:"notice,omitempty"`
	By     party.Role `json:"by,omitempty"`
	Party  string     `json:"party,omitempty"`
	// Brand imitated.
	Brand string `json:"brand,omitempty"`
	// Doubt says why a person should look at it.
	Doubt string `json:"doubt,omitempty"`
}

func (v View) final() name.URL {
	if v.Final.IsZero() {
		return v.URL
	}
	return v.Final
}

// Zone is what DNS said, in short.
type Zone struct {
	// Delegation is the registry's answer: "NOERROR", "NXDOMAIN", "none" for
	// NOERROR without name servers, or an error such as "timeout".
	Delegation string   `json:"delegation"`
	Servers    []string `json:"servers,omitempty"`
	// Answer is the name's own servers' answer about addresses, in the same
	// words; "none" is NOERROR without an address.
	Answer    string       `json:"answer,omitempty"`
	Addresses []netip.Addr `json:"addresses,omitempty"`
	SOA       string       `json:"soa,omitempty"` // answer code for the SOA: NOERROR says the zone is there
}

// Front is what the front page of the registered domain shows.
type Front string

// What a front page can be.
const (
	FrontKit         Front = "kit"         // the abuse itself, or the page that shows it
	FrontSends       Front = "sends"       // sends every visitor to the abuse
	FrontBrand       Front = "brand"       // sends every visitor to the imitated brand's own site
	FrontContent     Front = "content"     // a site of its own, with text and links
	FrontThin        Front = "thin"        // a page of its own, with little on it
	FrontPlaceholder Front = "placeholder" // "coming soon"
	FrontDefault     Front = "default"     // the server's default page
	FrontEmpty       Front = "empty"       // nothing, or a status such as 404
	FrontParked      Front = "parked"
	FrontNotice      Front = "notice" // a suspended or warning page
	FrontUnknown     Front = ""       // not looked at, or not reachable
)

// Sight is a look, judged: what was there, from where, and what was not. It
// is plain data with stable JSON, small enough for a case event, and it is
// all that Measure needs.
type Sight struct {
	At    time.Time  `json:"at"`
	Type  abuse.Type `json:"type"`
	Views []View     `json:"views,omitempty"` // by URL, then vantage
	// Live: some page or file is served at a claimed URL, whatever it is.
	Live bool `json:"live"`
	// Claimed: the claimed thing was seen, by rule.
	Claimed bool `json:"claimed"`
	// SeenFrom are the vantage points that saw it, NotSeenFrom those that got
	// a conclusive answer and did not; those that got none are in neither.
	SeenFrom    []string `json:"seen_from,omitempty"`
	NotSeenFrom []string `json:"not_seen_from,omitempty"`
	// MovedTo is where the claimed URL sent visitors when the abuse was seen
	// under another registered domain only.
	MovedTo name.URL `json:"moved_to,omitzero"`
	// Brand imitated, by the name it is known under or the claimed one.
	Brand string `json:"brand,omitempty"`
	// Doubt says why a person should look before anything rests on this.
	Doubt string `json:"doubt,omitempty"`
	Zone  *Zone  `json:"zone,omitempty"`
	Front Front  `json:"front,omitempty"`
	// FrontNamed: the front page goes by the registered domain's own name.
	FrontNamed bool `json:"front_named,omitempty"`
	// FrontSame: the front page is a claimed page that a rule cannot judge;
	// when a person confirms that page, the front page is the abuse.
	FrontSame bool `json:"front_same,omitempty"`
}

// Limits on what one look may cost. Fetches over the limit are not judged;
// the first ones in order are.
const (
	maxFetches = 256
	maxText    = 8 << 10
	maxTitle   = 512
	sketchKept = 24
)

// See judges one look against a claim. It is deterministic, and the order of
// the fetches does not matter. It reads the page's summary only, never runs
// anything, and its cost is bounded whatever the page says.
func See(claim Claim, look evidence.Look, known Known) Sight {
	s := Sight{At: look.At, Type: claim.Type, Zone: zoneOf(look.DNS)}
	if claim.Type.NeverKept() {
		s.Doubt = "this type is never looked at; a person hands it to the hotline"
		return s
	}
	fetches := look.Fetches
	if len(fetches) == 0 && len(claim.URLs) == 0 {
		fetches = look.Home
	}
	e := eye{claim: claim, known: known, dns: look.DNS, brands: candidates(claim, known), labels: map[string][]likeness{}, seen: map[string]View{}}
	for _, f := range sorted(look.Home) {
		if p := f.Page; p != nil && f.Status < 300 && !p.Password && !p.Card && !p.OTP && known.holderOf(f.Final()) == known.holderOf(f.URL) {
			e.homes = append(e.homes, fold(bounded(p.Title, maxTitle)))
		}
	}
	for _, f := range sorted(fetches) {
		s.Views = append(s.Views, e.view(f))
	}
	s.front(e, look, sorted(fetches))
	s.sum(known, e)
	return s
}

// sorted gives the fetches in one order, at most maxFetches.
func sorted(in []evidence.Fetch) []evidence.Fetch {
	type keyed struct {
		key string
		f   evidence.Fetch
	}
	all := make([]keyed, len(in))
	for i, f := range in {
		all[i] = keyed{f.URL.String() + "\x00" + f.Vantage + "\x00" + f.At.UTC().Format(time.RFC3339Nano) + "\x00" + f.Body + "\x00" + f.Final().String() + "\x00" + f.Err + fmt.Sprint("\x00", f.Status), f}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	out := make([]evidence.Fetch, 0, min(len(all), maxFetches))
	for _, k := range all[:min(len(all), maxFetches)] {
		out = append(out, k.f)
	}
	return out
}

// sum fills what follows from the views.
func (s *Sight) sum(known Known, e eye) {
	seen, away := map[string]bool{}, map[string]bool{}
	var elsewhere name.URL
	own := false
	for _, v := range s.Views {
		switch v.Shows {
		case ShowsAbuse:
			s.Live, s.Claimed = true, true
			seen[v.Vantage] = true
			if s.Brand == "" {
				s.Brand = v.Brand
			}
			if known.holderOf(v.final()) == known.holderOf(v.URL) {
				own = true
			} else if elsewhere.IsZero() {
				elsewhere = v.Final
			}
		case ShowsOther, ShowsUnclear, ShowsWarned:
			s.Live = true
		}
		if v.Shows.away() || v.Shows == ShowsWarned {
			away[v.Vantage] = true
		}
		if v.Doubt != "" && s.Doubt == "" {
			s.Doubt = v.Doubt
		}
	}
	if s.Claimed && !own {
		s.MovedTo = elsewhere
	}
	if s.Brand == "" && len(e.brands) > 0 && e.brands[0].claimed {
		s.Brand = e.brands[0].name
	}
	for v := range seen {
		delete(away, v)
		s.SeenFrom = append(s.SeenFrom, v)
	}
	for v := range away {
		s.NotSeenFrom = append(s.NotSeenFrom, v)
	}
	slices.Sort(s.SeenFrom)
	slices.Sort(s.NotSeenFrom)
}

func zoneOf(d *evidence.DNS) *Zone {
	if d == nil {
		return nil
	}
	z := &Zone{Delegation: inWord(d.Delegation), Answer: inWord(d.A), Addresses: d.Addresses(), SOA: d.SOA.RCode}
	if z.Answer == "none" && len(d.AAAA.Values) > 0 {
		z.Answer = "NOERROR"
	}
	if d.Exists() {
		z.Servers = slices.Clone(d.Delegation.Values[:min(len(d.Delegation.Values), 16)])
		slices.Sort(z.Servers)
	}
	slices.SortFunc(z.Addresses, netip.Addr.Compare)
	if len(z.Addresses) > 16 {
		z.Addresses = z.Addresses[:16]
	}
	return z
}

func inWord(a evidence.Answer) string {
	switch {
	case a.RCode == "NOERROR" && len(a.Values) == 0:
		return "none"
	case a.RCode != "":
		return a.RCode
	}
	return a.Err
}

// eye judges the fetches of one look.
type eye struct {
	claim  Claim
	known  Known
	dns    *evidence.DNS
	brands []*brand
	labels map[string][]likeness // of the labels met so far, with each brand
	homes  []string              // the titles of front pages that ask for nothing, folded
	seen   map[string]View       // by body and place: many vantage points get the same page
}

func (e eye) view(f evidence.Fetch) View {
	v := View{URL: f.URL, Vantage: clean(f.Vantage, 80), Status: f.Status}
	if last := f.Final(); last != f.URL {
		v.Final = last
	}
	v.Addr = f.Addr()
	if f.Page != nil {
		v.Kind, v.Title, v.Body = clean(f.Page.Kind, 16), clean(f.Page.Title, 80), clean(f.Body, 64)
		v.Sketch = shorten(f.Page.Sketch)
	}
	switch {
	case f.Err != "" || f.Status == 0:
		e.noAnswer(f, &v)
	case e.sinkhole(v.Addr, v.final()):
		v.is(ShowsSinkholed, CauseSinkhole, "the name leads to a known sinkhole")
	default:
		key := ""
		if f.Body != "" {
			key = fmt.Sprint(f.Body, " ", f.Status, " ", f.URL, " ", f.Final())
			if w, ok := e.seen[key]; ok {
				w.URL, w.Vantage, w.Addr = v.URL, v.Vantage, v.Addr
				return w
			}
		}
		e.answer(f, &v)
		if key != "" {
			e.seen[key] = v
		}
	}
	return v
}

func (v *View) is(s Shows, c Cause, format string, args ...any) {
	v.Shows, v.Cause, v.Reason = s, c, clean(fmt.Sprintf(format, args...), 240)
}

func (v *View) doubt(c Cause, format string, args ...any) {
	v.is(ShowsUnclear, c, format, args...)
	v.Doubt = v.Reason
}

// sinkhole says whether the address, or the name servers when the host
// belongs to the name that was asked about, are a sinkhole's.
func (e eye) sinkhole(a netip.Addr, u name.URL) bool {
	for _, p := range e.known.Sinkholes {
		if a.IsValid() && p.Contains(a.Unmap()) {
			return true
		}
	}
	return e.served(u, e.known.SinkholeServers)
}

// served says whether all the name servers of u's registered domain are under
// the given names: one is not enough, so that a stray entry accuses nobody.
func (e eye) served(u name.URL, by []name.Domain) bool {
	if e.dns == nil || len(by) == 0 || !e.dns.Exists() || u.Domain.IsZero() || !u.Domain.Under(e.registered(e.dns.Name)) {
		return false
	}
	for _, s := range e.dns.Delegation.Values {
		d, err := name.ParseAny(s)
		if err != nil || !slices.ContainsFunc(by, d.Under) {
			return false
		}
	}
	return true
}

func (e eye) registered(d name.Domain) name.Domain {
	if r := e.known.suffixes().Split(d).Registered; !r.IsZero() {
		return r
	}
	return d
}

// noAnswer judges a fetch that got no HTTP answer.
func (e eye) noAnswer(f evidence.Fetch, v *View) {
	if e.sinkhole(v.Addr, v.final()) {
		v.is(ShowsSinkholed, CauseSinkhole, "the name leads to a known sinkhole")
		return
	}
	switch f.Err {
	case "nxdomain":
		v.is(ShowsGone, CauseNoName, "the name does not exist in DNS")
	case "dns":
		e.noDNS(f, v)
	case "refused":
		v.is(ShowsGone, CauseRefused, "the address refuses the connection")
	case "blocked":
		if len(f.Hops) <= 1 {
			v.is(ShowsGone, CauseNoAddress, "the name leads to an address that is not on the public Internet")
			return
		}
		v.is(ShowsNothing, CauseFault, "it sends visitors to an address that is not on the public Internet")
	case "timeout", "unreachable":
		v.is(ShowsNothing, CauseTimeout, "no answer came in time")
	case "redirects":
		v.is(ShowsNothing, CauseFault, "it redirects too often")
	default:
		v.is(ShowsNothing, CauseFault, "the connection failed (%s)", cmp.Or(clean(f.Err, 40), "no status"))
	}
}

// noDNS tells a name that is gone from name servers that could not be asked.
func (e eye) noDNS(f evidence.Fetch, v *View) {
	host := f.Final().Domain
	d := e.dns
	if d == nil || host.IsZero() || !host.Under(e.registered(d.Name)) {
		v.is(ShowsNothing, CauseTimeout, "the name could not be resolved, and nothing says why")
		return
	}
	a := inWord(d.A)
	switch del := inWord(d.Delegation); {
	case del == "NXDOMAIN":
		v.is(ShowsGone, CauseNoName, "the name does not exist in DNS")
	case del == "none":
		v.is(ShowsGone, CauseNoName, "the registry delegates the name to nobody")
	case a == "NXDOMAIN":
		v.is(ShowsGone, CauseNoName, "its own name servers say the name does not exist")
	case a == "REFUSED" || a == "SERVFAIL" || a == "lame" || a == "refused":
		v.is(ShowsGone, CauseDNSRefuses, "its name servers do not answer for it (%s)", a)
	case a == "none" && len(d.AAAA.Values) == 0:
		v.is(ShowsGone, CauseNoAddress, "the name has no address")
	case a == "NOERROR" && d.Name != host:
		v.is(ShowsGone, CauseNoAddress, "the host name has no address")
	default:
		v.is(ShowsNothing, CauseTimeout, "its name servers could not be asked")
	}
}

// answer judges a fetch that got an HTTP answer: first whether it is the
// claimed thing, whatever the status says, since a kit may hide behind a 404
// or quote a suspension notice.
func (e eye) answer(f evidence.Fetch, v *View) {
	p := f.Page
	if p == nil {
		p = &evidence.Page{Kind: "empty"}
	}
	pg := e.read(f, p)
	if e.abuse(pg, v) {
		return
	}
	if !pg.asks() {
		if n, ok := pg.notice(e.known.Notices); ok {
			v.Notice, v.By, v.Party = n.Kind, n.Role, n.Party
			switch n.Kind {
			case Warning:
				v.is(ShowsWarned, CauseNotice, "a warning stands in front of the page")
			case DomainSuspended:
				v.is(ShowsGone, CauseNotice, "a notice says that the domain name is suspended")
			default:
				v.is(ShowsGone, CauseNotice, "a notice says that the content or the account was taken away")
			}
			return
		}
		if e.served(v.final(), e.known.ParkingServers) || pg.parked() {
			v.is(ShowsParked, CauseParking, "a parking page")
			return
		}
	}
	switch st := f.Status; {
	case st == 401 || st == 403 || st == 451:
		v.is(ShowsGone, CauseForbidden, "the server refuses the page (%d)", st)
	case st == 429 || st >= 500:
		v.is(ShowsNothing, CauseServerFault, "the server fails (%d)", st)
	case st >= 400:
		v.is(ShowsGone, CauseStatus, "the server says that the page is not there (%d)", st)
	case st >= 300 || st < 200:
		v.is(ShowsNothing, CauseFault, "an answer without a page (%d)", st)
	case p.Kind == "empty":
		v.is(ShowsGone, CauseEmpty, "the page is empty")
	case !pg.asks() && pg.serverDefault():
		v.is(ShowsGone, CauseDefault, "only the server's default page is there")
	default:
		e.live(pg, v)
	}
}

// shorten keeps the first hashes of a sketch: each position stands for a hash
// function of its own, so a shorter sketch still compares, only less exactly.
func shorten(s []uint32) []uint32 {
	if len(s) < sketchKept {
		return slices.Clone(s)
	}
	return slices.Clone(s[:sketchKept])
}

// alike is evidence.Similar on shortened sketches; the standard error is at
// most 0.11.
func alike(a, b []uint32) float64 { return evidence.Similar(a, b) }

// front judges the front page of the registered domain. Of several looks at
// it the one that tells most about intent counts: the kit before all, then a
// site of its own.
func (s *Sight) front(e eye, look evidence.Look, claimed []evidence.Fetch) {
	kits := map[string]bool{}
	var kit []View
	for _, v := range s.Views {
		if v.Shows == ShowsAbuse {
			kit = append(kit, v)
			if v.Body != "" {
				kits[v.Body] = true
			}
		}
	}
	rank := func(f Front) int {
		return slices.Index([]Front{FrontUnknown, FrontNotice, FrontEmpty, FrontDefault, FrontParked, FrontPlaceholder, FrontThin, FrontContent, FrontBrand, FrontSends, FrontKit}, f)
	}
	take := func(f Front, named bool) {
		if rank(f) > rank(s.Front) {
			s.Front = f
		}
		s.FrontNamed = s.FrontNamed || named
	}
	for _, f := range sorted(look.Home) {
		take(e.frontOf(f, kit, kits))
		for _, v := range s.Views {
			if v.Shows == ShowsUnclear && f.Page != nil && (v.Body != "" && v.Body == f.Body || alike(v.Sketch, shorten(f.Page.Sketch)) >= 0.8) {
				s.FrontSame = true
			}
		}
	}
	if len(look.Home) > 0 {
		return
	}
	for _, f := range claimed { // no look at the front page of its own: a claimed URL may be it
		if u := f.URL; u.Path == "/" && u.RawQuery == "" && !u.Domain.IsZero() {
			if h := e.known.holder(u.Domain); u.Domain == h || u.Domain.String() == "www."+h.String() {
				take(e.frontOf(f, kit, kits))
			}
		}
	}
}

func (e eye) frontOf(f evidence.Fetch, kit []View, kits map[string]bool) (Front, bool) {
	v := e.view(f)
	away := e.known.holderOf(v.final()) != e.known.holderOf(v.URL)
	for _, k := range kit {
		if v.Shows == ShowsAbuse || kits[v.Body] || alike(v.Sketch, k.Sketch) >= 0.8 {
			if away || v.final() == k.final() && v.final().Path != "/" {
				return FrontSends, false
			}
			return FrontKit, false
		}
	}
	switch {
	case v.Shows == ShowsAbuse:
		return FrontKit, false
	case v.Cause == CauseBrandSends:
		return FrontBrand, false
	case v.Shows == ShowsNothing:
		return FrontUnknown, false
	case v.Shows == ShowsParked || v.Shows == ShowsSinkholed:
		return FrontParked, false
	case v.Cause == CauseDefault:
		return FrontDefault, false
	case v.Notice != "":
		return FrontNotice, false
	case v.Shows == ShowsGone:
		return FrontEmpty, false
	case away || f.Page == nil:
		return FrontThin, false
	}
	pg := e.read(f, f.Page)
	named := pg.named()
	switch {
	case strings.TrimSpace(pg.text) == "" && len(f.Page.Links) == 0:
		return FrontEmpty, false
	case pg.placeholder():
		return FrontPlaceholder, named
	case len(pg.text) >= 200 || len(pg.text) >= 60 && (named || len(f.Page.Links) > 0):
		return FrontContent, named
	}
	return FrontThin, named
}
