package rdap

import (
	"bytes"
	"slices"
	"strings"

	"bailiwick/registration"
)

// profile is the set of gTLD response profiles that an answer claims.
type profile uint8

const (
	profile2019 profile = 1 << iota
	profile2024
)

// rules judges the object by the gTLD RDAP response profiles of 2019 and 2024,
// as far as one answer can show it. The numbers are the codes of ICANN's
// conformance tool.
func (d *domainReader) rules(a Answer) {
	if d.claims == 0 && !gtldShape(d.rec.Domain) {
		return
	}
	must := func(id string, code int, path, detail string) {
		d.find(registration.Finding{ID: id, Severity: registration.Must, ICANNCode: code, Path: path, Detail: detail})
	}
	// Section 2.1: the name in the form that was asked for, always an A-label
	// here.
	if !a.Asked.IsZero() && d.get(d.root, "ldhName") == none {
		must("gtld.ldh-name", -46100, "$", "asked by A-label, and ldhName is missing")
	}
	d.ruleHandle(must)
	d.ruleEvents(must)
	d.ruleNotices(must)
	d.ruleSecureDNS(must)
	d.ruleStatuses(must)
	d.ruleNameservers(must)
	d.ruleRegistrar(must)
	d.ruleText(must)
	if d.claims&profile2024 != 0 {
		d.ruleConformance(must)
		d.ruleTerms(must)
		d.ruleContacts(must)
		d.ruleRedactions(must)
	}
}

type report = func(id string, code int, path, detail string)

// ruleHandle: section 2.2, the registry's domain ID.
func (d *domainReader) ruleHandle(must report) {
	id := slices.IndexFunc(d.redactions, func(r redacted) bool { return r.typ == "Registry Domain ID" })
	n := d.get(d.root, "handle")
	if n != none {
		if !roid(d.rawText(n)) {
			must("gtld.handle", -46200, "$.handle", "the handle is not of the form of RFC 5730, ID-REPOSITORY")
		}
		if strings.HasSuffix(d.rawText(n), "-ICANNRST") {
			must("gtld.handle-test", -46205, "$.handle", "the handle ends with the identifier that is kept for tests")
		}
		if id >= 0 && d.claims&profile2024 != 0 {
			must("gtld.handle-redacted", -46206, "$.redacted", "the domain's handle is said to be redacted and is there")
		}
		return
	}
	if d.claims&profile2024 == 0 {
		return
	}
	if id < 0 {
		must("gtld.handle-missing", -46202, "$.redacted", "the handle is missing and not said to be redacted")
		return
	}
	r := d.redactions[id].node
	if lang := d.textOf(r, "pathLang"); lang == "" || lang == "jsonpath" {
		if p := d.member(r, "prePath"); p != none && d.rawText(p) != "$.handle" {
			must("gtld.handle-path", -46203, d.path(p), "the path of the handle's redaction is not $.handle")
		}
	}
	if m := d.member(r, "method"); m != none && d.rawText(m) != "removal" {
		must("gtld.handle-method", -46204, d.path(m), "the handle's redaction is not by removal")
	}
}

// roid says whether s has the form of a repository object identifier in the
// profile: (\w|_){1,80}-\w{1,8}.
func roid(s string) bool {
	i := strings.IndexByte(s, '-')
	if i < 1 || i > 80 || len(s)-i-1 < 1 || len(s)-i-1 > 8 {
		return false
	}
	for j := 0; j < len(s); j++ {
		c := s[j]
		if j != i && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// ruleConformance: the profile and the guide of 2024 are claimed together, and
// those of 2019 not beside them.
func (d *domainReader) ruleConformance(must report) {
	if d.guides&profile2024 == 0 {
		must("gtld.conformance", -61000, "$.rdapConformance", "the response profile of 2024 is claimed, and its implementation guide is not")
	}
	if d.guides&profile2019 != 0 {
		must("gtld.conformance-old", -61001, "$.rdapConformance", "the implementation guide of 2019 is claimed beside that of 2024")
	}
	if d.claims&profile2019 != 0 {
		must("gtld.conformance-old", -62006, "$.rdapConformance", "the response profile of 2019 is claimed beside that of 2024")
	}
}

// ruleTerms: section 3.3 of the implementation guide of 2024. That the link
// names the query cannot be told from the answer.
func (d *domainReader) ruleTerms(must report) {
	s := d.items(d.get(d.root, "notices"))
	for c := s.from; c < s.to; c = d.nodes[c].next {
		ls := d.items(d.member(c, "links"))
		for l := ls.from; l < ls.to; l = d.nodes[l].next {
			if d.hasRel(d.member(l, "rel"), "terms-of-service") {
				if _, ok := webURL(d.rawText(d.member(l, "href"))); !ok {
					must("gtld.terms", -61201, d.path(l), "the link to the terms of service has no http or https address")
				}
				return
			}
		}
	}
	must("gtld.terms", -61200, "$.notices", "no notice links to the terms of service")
}

// ruleContacts: the addresses and handles of the contacts at the top (sections
// 1.4 and 2.7.3), and what only a registrar's server must show (2.3 and 2.7.2).
func (d *domainReader) ruleContacts(must report) {
	for _, t := range d.tops {
		if t.card == nil || t.card.has&hasAdr == 0 || d.member(t.node, "vcardArray") == none {
			continue
		}
		if t.card.country != "" {
			must("gtld.country-name", -62100, d.path(t.node), "the name of a country is to be left empty")
		}
		if t.card.cc == "" {
			must("gtld.country-code", -62101, d.path(t.node), "an address without the parameter cc (RFC 8605)")
		}
	}
	d.each(d.root, func(e int32, r roles) {
		// Who is only a reseller, or of a role we do not know, is left out.
		if r&(isRegistrar|isRegistrant|isTech|isOther) != 0 || r == 0 {
			return
		}
		if h := d.member(e, "handle"); h != none && d.kindOf(h) == kString && !roid(d.rawText(h)) {
			must("gtld.contact-handle", -47600, d.path(h), "the handle is not of the form of RFC 5730, ID-REPOSITORY")
		}
	})
	if d.rec.Sources[""].Role != "registrar" {
		return
	}
	if d.seen&isRegistrant == 0 {
		must("gtld.no-registrant", -63000, "$.entities", "a registrar's answer without an entity of the role registrant")
	}
	s := d.items(d.get(d.root, "events"))
	for c := s.from; c < s.to; c = d.nodes[c].next {
		if d.rawText(d.member(c, "eventAction")) == "registrar expiration" {
			return
		}
	}
	must("gtld.no-registrar-expiration", -65500, "$.events", "a registrar's answer without an event of type registrar expiration")
}

// ruleText: what no answer may hold anywhere.
func (d *domainReader) ruleText(must report) {
	for _, tag := range [...]string{"<script", "<SCRIPT", "<Script"} {
		if bytes.Contains(d.raw, []byte(tag)) {
			must("gtld.script", -40100, "$", "the answer holds program code")
			return
		}
	}
}

// ruleEvents: sections 2.3.1.1 to 2.3.1.3.
func (d *domainReader) ruleEvents(must report) {
	registered, expires, database := false, false, false
	s := d.items(d.get(d.root, "events"))
	for c := s.from; c < s.to; c = d.nodes[c].next {
		if n := d.member(c, "eventAction"); d.kindOf(n) == kString {
			switch string(d.bytes(n)) {
			case "registration":
				registered = true
			case "expiration":
				expires = true
			case "last update of RDAP database":
				database = true
			}
		}
	}
	if !registered {
		must("gtld.no-registration", -46300, "$.events", "no event of type registration")
	}
	if !expires {
		must("gtld.no-expiration", -46400, "$.events", "no event of type expiration")
	}
	if !database {
		must("gtld.no-database-update", -43100, "$.events", "no event of type last update of RDAP database")
	}
}

// ruleNotices: the two notices that every gTLD answer carries, by the wording
// of the profile that is claimed.
func (d *domainReader) ruleNotices(must report) {
	n := d.get(d.root, "notices")
	if n == none {
		must("gtld.no-notices", -46500, "$", "no notices")
		return
	}
	for _, w := range [...]struct {
		id, title, text, href, rel string
		old, first                 int // code of 2019; the first of five of 2024
	}{
		{"gtld.status-notice", "Status Codes", "For more information on domain status codes, please visit https://icann.org/epp", "https://icann.org/epp", "glossary", -46600, -46601},
		{"gtld.complaint-notice", "RDDS Inaccuracy Complaint Form", "URL of the ICANN RDDS Inaccuracy Complaint Form: https://icann.org/wicf", "https://icann.org/wicf", "help", -46700, -46701},
	} {
		titled, described, linked, href, rel := d.notice(n, w.title, w.text, w.href, w.rel)
		if d.claims&profile2024 != 0 {
			switch {
			case !titled:
				must(w.id, w.first, "$.notices", "no notice titled "+w.title)
			case !described:
				must(w.id, w.first-1, "$.notices", "the notice "+w.title+" does not have its text")
			case !linked:
				must(w.id, w.first-2, "$.notices", "the notice "+w.title+" has no links")
			case !href:
				must(w.id, w.first-3, "$.notices", "the notice "+w.title+" does not link to "+w.href)
			case !rel:
				must(w.id, w.first-4, "$.notices", "the link of the notice "+w.title+" is not of relation "+w.rel)
			}
		} else if d.claims&profile2019 != 0 && !(titled && described && href) {
			must(w.id, w.old, "$.notices", "the notice for "+w.href+" was not found")
		}
	}
}

// notice looks for a notice by its title and says which parts it has.
func (d *domainReader) notice(notices int32, title, text, href, rel string) (titled, described, linked, linksTo, related bool) {
	s := d.items(notices)
	for c := s.from; c < s.to; c = d.nodes[c].next {
		if t := d.member(c, "title"); d.kindOf(t) != kString || string(d.bytes(t)) != title {
			continue
		}
		titled = true
		ds := d.items(d.member(c, "description"))
		for x := ds.from; x < ds.to; x = d.nodes[x].next {
			if d.kindOf(x) != kString {
				continue
			}
			if b := string(d.bytes(x)); b == text || strings.TrimRight(strings.Join(strings.Fields(b), " "), ".,;:! ") == text {
				described = true
			}
		}
		linked = linked || d.kindOf(d.member(c, "links")) == kArray
		ls := d.items(d.member(c, "links"))
		for x := ls.from; x < ls.to; x = d.nodes[x].next {
			if h := d.member(x, "href"); d.kindOf(h) == kString && string(d.bytes(h)) == href {
				linksTo = true
				r := d.member(x, "rel")
				related = related || d.kindOf(r) == kString && string(d.bytes(r)) == rel
			}
		}
	}
	return titled, described, linked, linksTo, related
}

// ruleSecureDNS: section 2.10.
func (d *domainReader) ruleSecureDNS(must report) {
	n := d.get(d.root, "secureDNS")
	if n == none {
		must("gtld.no-secure-dns", -46800, "$", "secureDNS is missing")
		return
	}
	signed := d.member(n, "delegationSigned")
	if signed == none {
		must("gtld.delegation-signed", -46801, "$.secureDNS", "delegationSigned is missing")
		return
	}
	if d.kindOf(signed) == kTrue && d.member(n, "dsData") == none && d.member(n, "keyData") == none {
		must("gtld.no-keys", -46802, "$.secureDNS", "delegationSigned is true, and neither dsData nor keyData is there")
	}
}

// ruleStatuses: section 2.6.1, RFC 5731 section 2.3 and RFC 3915.
func (d *domainReader) ruleStatuses(must report) {
	st := d.rec.Statuses
	if len(st) == 0 {
		must("gtld.no-status", -47100, "$.status", "no status")
		return
	}
	is := func(s string) bool { return slices.Contains(st, s) }
	bad := is("ok") && len(st) > 1
	pending := 0
	for _, p := range [...]struct{ pending, client, server string }{
		{"pendingCreate", "", ""},
		{"pendingDelete", "clientDeleteProhibited", "serverDeleteProhibited"},
		{"pendingRenew", "clientRenewProhibited", "serverRenewProhibited"},
		{"pendingTransfer", "clientTransferProhibited", "serverTransferProhibited"},
		{"pendingUpdate", "clientUpdateProhibited", "serverUpdateProhibited"},
	} {
		if is(p.pending) {
			pending++
			bad = bad || p.client != "" && (is(p.client) || is(p.server))
		}
	}
	if bad || pending > 1 {
		must("gtld.status-combination", -46900, "$.status", "statuses that RFC 5731 does not let stand together")
	}
	if is("redemptionPeriod") && !is("pendingDelete") {
		must("gtld.redemption", -47001, "$.status", "redemption period without pending delete (RFC 3915)")
	}
	if is("pendingRestore") && !is("pendingDelete") {
		must("gtld.restore", -47002, "$.status", "pending restore without pending delete (RFC 3915)")
	}
}

// ruleNameservers: sections 2.9.1 and 2.9.2, and RFC 5732 section 2.3. Of each
// kind the first name server that breaks a rule is named.
func (d *domainReader) ruleNameservers(must report) {
	s := d.items(d.get(d.root, "nameservers"))
	said := [4]bool{}
	once := func(i int, id string, code int, node int32, detail string) {
		if !said[i] {
			said[i] = true
			must(id, code, d.path(node), detail)
		}
	}
	for c := s.from; c < s.to; c = d.nodes[c].next {
		if d.kindOf(c) != kObject {
			continue
		}
		if d.member(c, "ldhName") == none {
			once(0, "gtld.nameserver-name", -47200, c, "a name server without ldhName")
		}
		if h := d.member(c, "handle"); h != none {
			switch v := d.rawText(h); {
			case !roid(v):
				once(1, "gtld.nameserver-handle", -47201, h, "the handle is not of the form of RFC 5730, ID-REPOSITORY")
			case strings.HasSuffix(v, "-ICANNRST"):
				once(2, "gtld.nameserver-handle-test", -47205, h, "the handle ends with the identifier that is kept for tests")
			}
		}
		if st := d.member(c, "status"); st != none && !d.hostStatuses(st) {
			once(3, "gtld.nameserver-status", -47204, st, "statuses that RFC 5732 does not let stand together")
		}
	}
}

// hostStatuses says whether the statuses of a name server can stand together
// (RFC 5732 section 2.3).
func (d *domainReader) hostStatuses(st int32) bool {
	var few [8]string
	list := few[:0]
	s := d.items(st)
	for c := s.from; c < s.to && len(list) < 64; c = d.nodes[c].next {
		e, _ := registration.EPPStatus(d.rawText(c))
		list = append(list, e)
	}
	is := func(v string) bool { return slices.Contains(list, v) }
	pending := 0
	for _, v := range list {
		switch v {
		case "pendingCreate", "pendingDelete", "pendingRenew", "pendingTransfer", "pendingUpdate":
			pending++
		case "ok", "linked":
		default:
			if is("ok") {
				return false
			}
		}
	}
	return pending < 2 && (!is("ok") || pending == 0) &&
		!(is("pendingDelete") && (is("clientDeleteProhibited") || is("serverDeleteProhibited"))) &&
		!(is("pendingUpdate") && (is("clientUpdateProhibited") || is("serverUpdateProhibited")))
}

// ruleRegistrar: sections 2.4.1 to 2.4.6.
func (d *domainReader) ruleRegistrar(must report) {
	switch {
	case d.registrars == 0:
		must("gtld.no-registrar", -47300, "$.entities", "no entity with the role registrar")
		return
	case d.registrars > 1:
		must("gtld.registrars", -47301, "$.entities", "more than one entity with the role registrar")
	}
	at := func() string { return d.path(d.registrar) } // worked out only for a finding
	if d.registrarHas&hasFN == 0 {
		must("gtld.registrar-name", -47302, at(), "the registrar's card has no fn")
	}
	handle := d.rawText(d.member(d.registrar, "handle"))
	ids := d.member(d.registrar, "publicIds")
	if ids == none {
		must("gtld.registrar-id", -47400, at(), "the registrar has no publicIds")
	} else {
		s := d.items(ids)
		for p := s.from; p < s.to; p = d.nodes[p].next {
			id := d.rawText(d.member(p, "identifier"))
			if !positive(id) {
				must("gtld.registrar-id", -47401, d.path(p), "the identifier is not a positive integer")
			}
			if id != handle {
				must("gtld.registrar-handle", -47403, at(), "the registrar's handle is not its public identifier")
			}
		}
	}
	if !positive(handle) {
		must("gtld.registrar-handle", -47402, at(), "the registrar's handle is not a positive integer")
	}
	if d.abuseHas&hasEmail == 0 || d.abuseHas&hasVoice == 0 {
		must("gtld.abuse-contact", -47500, at(), "the registrar has no abuse contact with tel and email")
	}
	if (d.registrarHas|d.abuseHas)&hasBareTel != 0 {
		must("gtld.tel-type", -20900, at(), "a telephone number of the registrar is said to be neither voice nor fax")
	}
	if d.claims&profile2024 == 0 {
		return
	}
	s := d.items(d.get(d.registrar, "links"))
	about := false
	for l := s.from; l < s.to; l = d.nodes[l].next {
		if !d.hasRel(d.member(l, "rel"), "about") {
			continue
		}
		about = true
		if !strings.HasPrefix(d.rawText(d.member(l, "href")), "https://") {
			must("gtld.registrar-base", -47702, d.path(l), "the registrar's RDAP base URL is not https")
		}
	}
	if !about {
		must("gtld.registrar-base", -47700, at(), "the registrar has no link of relation about")
	}
}

func positive(s string) bool { return digits([]byte(s)) && strings.Trim(s, "0") != "" }
