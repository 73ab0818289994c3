package lab

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/problem"
)

// checker collects what is wrong with a scenario.
type checker struct {
	s *Scenario
	e *problem.Error
	// what the other parts may refer to
	tlds, registrars, hosts, cdns, dns, reporters, constituents, domains map[string]bool
	// mailboxes of parties and of holders
	partyMail  map[string]bool
	holderMail map[string]*Verifies
}

func (c *checker) bad(path, format string, args ...any) { c.e = c.e.Add(path, format, args...) }

func (c *checker) oneOf(path, v string, allowed ...string) { c.e = oneOf(c.e, path, v, allowed...) }

// ref checks a reference.
func (c *checker) ref(path, kind, v string, known map[string]bool) {
	if v == "" || known[v] {
		return
	}
	names := make([]string, 0, len(known))
	for k := range known {
		names = append(names, k)
	}
	slices.Sort(names)
	c.bad(path, "no %s is called %q%s", kind, v, nearest(v, names))
}

// unique checks a name and notes it.
func (c *checker) unique(seen map[string]bool, path, v string) {
	switch {
	case strings.TrimSpace(v) == "":
		c.bad(path, "is missing")
	case seen[v]:
		c.bad(path, "%q is used twice", v)
	}
	seen[v] = true
}

func (c *checker) mail(path, v string) {
	if v == "none" || v == "" {
		return
	}
	a, err := mail.ParseAddress(v)
	if err != nil || a.Address != v {
		c.bad(path, "%q is not a mail address (or none)", v)
		return
	}
	if centreAddress(v) {
		c.bad(path, "%q is the centre's own domain", v)
	}
	if _, err := name.Parse(v[strings.LastIndexByte(v, '@')+1:]); err != nil {
		c.bad(path, "%s", err)
	}
}

func (c *checker) form(path, v string) {
	if v == "" {
		return
	}
	if u, err := url.Parse(v); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		c.bad(path, "%q is not the address of a web form", v)
	}
}

func (c *checker) limit(path string, l *Limit) {
	if l != nil && (!(l.Rate > 0) || l.Rate > 1e6 || l.Burst < 0 || l.Ban < 0) {
		c.bad(path, "needs a rate above 0, and a burst and a ban not below 0")
	}
}

func (c *checker) domain(path, v string) {
	if _, err := name.Parse(v); err != nil {
		c.bad(path, "%s", err)
	}
}

func (c *checker) country(path, v string) {
	if v != "" && (len(v) != 2 || strings.ToUpper(v) != v) {
		c.bad(path, "%q is not a country code of two capital letters", v)
	}
}

func (c *checker) nets(path string, nets []netip.Prefix, all map[string]netip.Prefix) {
	for i, p := range nets {
		at := fmt.Sprintf("%s.networks[%d]", path, i)
		if p != p.Masked() {
			c.bad(at, "%s has bits beyond its length: %s is meant", p, p.Masked())
			continue
		}
		if !slices.ContainsFunc(documentation, func(d netip.Prefix) bool { return d.Bits() <= p.Bits() && d.Contains(p.Addr()) }) {
			c.bad(at, "%s is not within the documentation addresses (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32)", p)
			continue
		}
		for _, own := range []netip.Prefix{ownNetwork, vantageNetwork, vantageNetwork2, ownNetwork6} {
			if own.Overlaps(p) {
				c.bad(at, "%s overlaps %s, which is the lab's own", p, own)
			}
		}
		for who, q := range all {
			if q.Overlaps(p) {
				c.bad(at, "%s overlaps %s of %s", p, q, who)
				break
			}
		}
		all[at] = p
	}
}

func (c *checker) parties() {
	s := c.s
	c.tlds, c.registrars, c.hosts, c.cdns = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	c.dns, c.reporters, c.constituents = map[string]bool{}, map[string]bool{}, map[string]bool{}
	rdap := []string{"ok", "none", "html", "broken", "endless", "error", "throttled"}
	whois := append(slices.Clone(rdap), "slow", "loop")
	for i, t := range s.TLDs {
		at := fmt.Sprintf("tlds[%d]", i)
		c.unique(c.tlds, at+".name", t.Name)
		c.oneOf(at+".kind", t.Kind, "gtld", "cctld")
		c.oneOf(at+".model", t.Model, "thick", "thin")
		c.oneOf(at+".rdap", string(t.RDAP), rdap...)
		c.oneOf(at+".whois", string(t.WHOIS), whois...)
		c.oneOf(at+".whois_form", t.WHOISForm, whoisForms...)
		c.limit(at+".limit", t.Limit)
		c.country(at+".country", t.Country)
		c.mail(at+".mail", t.Mail)
		c.form(at+".form", t.Form)
		if t.VerifiesFrom.MovedTo {
			c.bad(at+".verifies_from", "must be a time")
		}
		c.oneOf(at+".verification", t.Verification, "", "required")
		c.displacement(at+".displacement", t)
		c.e = s.checkBehaviour(c.e, at+".behaviour", t.Behaviour)
	}
	ids := map[int]bool{}
	for i, r := range s.Registrars {
		at := fmt.Sprintf("registrars[%d]", i)
		c.unique(c.registrars, at+".name", r.Name)
		c.limit(at+".limit", r.Limit)
		if ids[r.IANAID] || r.IANAID < 1 {
			c.bad(at+".iana_id", "%d is used twice or is not positive", r.IANAID)
		}
		ids[r.IANAID] = true
		c.domain(at+".domain", r.Domain)
		c.mail(at+".mail", r.Mail)
		c.form(at+".form", r.Form)
		c.oneOf(at+".rdap", string(r.RDAP), rdap...)
		c.oneOf(at+".whois", string(r.WHOIS), whois...)
		c.oneOf(at+".takedown", r.Takedown, "hold", "delete", "park", "sinkhole")
		c.oneOf(at+".provisioning", r.Provisioning, "", "ok", "flaky", "down")
		c.correction(at+".inaccuracy", r)
		c.e = s.checkBehaviour(c.e, at+".behaviour", r.Behaviour)
	}
	nets := map[string]netip.Prefix{}
	for i, h := range s.Hosts {
		at := fmt.Sprintf("hosts[%d]", i)
		c.unique(c.hosts, at+".name", h.Name)
		c.domain(at+".domain", h.Domain)
		c.mail(at+".mail", h.Mail)
		c.form(at+".form", h.Form)
		c.country(at+".country", h.Country)
		c.oneOf(at+".takedown", h.Takedown, "suspended", "404", "410", "refused", "timeout")
		c.oneOf(at+".on_compromise", h.OnCompromise, "clean", "owner", "suspend")
		c.nets(at, h.Networks, nets)
		c.e = s.checkBehaviour(c.e, at+".behaviour", h.Behaviour)
	}
	for i, d := range s.CDNs {
		at := fmt.Sprintf("cdns[%d]", i)
		c.unique(c.cdns, at+".name", d.Name)
		c.domain(at+".domain", d.Domain)
		c.mail(at+".mail", d.Mail)
		c.form(at+".form", d.Form)
		c.oneOf(at+".takedown", d.Takedown, "interstitial", "stop", "forward")
		c.nets(at, d.Networks, nets)
		c.e = s.checkBehaviour(c.e, at+".behaviour", d.Behaviour)
	}
	suffixes := map[string]bool{}
	for i, p := range s.Platforms {
		at := fmt.Sprintf("platforms[%d]", i)
		c.unique(suffixes, at+".suffix", p.Suffix)
		if p.Name == "" {
			c.bad(at+".name", "is missing")
		}
		c.ref(at+".host", "host", p.Host, c.hosts)
		c.ref(at+".registrar", "registrar", p.Registrar, c.registrars)
		c.mail(at+".mail", p.Mail)
		c.form(at+".form", p.Form)
		c.e = s.checkBehaviour(c.e, at+".behaviour", p.Behaviour)
	}
	for i, o := range s.DNSOperators {
		at := fmt.Sprintf("dns_operators[%d]", i)
		c.unique(c.dns, at+".name", o.Name)
		c.domain(at+".domain", o.Domain)
		c.oneOf(at+".kind", o.Kind, "normal", "parking", "sinkhole")
		c.oneOf(at+".fault", o.Fault, "", "servfail", "refused", "timeout")
	}
	for _, k := range s.contacts() {
		c.mail(k.path+".mail", *k.mail)
		if strings.TrimSpace(k.name) == "" {
			c.bad(k.path+".name", "is missing")
		}
		if k.behaviour != nil {
			c.e = s.checkBehaviour(c.e, k.path+".behaviour", *k.behaviour)
		}
	}
	for i, k := range s.Constituents {
		c.constituents[k.Name] = true
		for j, d := range k.Domains {
			c.domain(fmt.Sprintf("constituents[%d].domains[%d]", i, j), d)
		}
	}
	for i, r := range s.Reporters {
		c.unique(c.reporters, fmt.Sprintf("reporters[%d].name", i), r.Name)
		at := fmt.Sprintf("reporters[%d]", i)
		c.oneOf(at+".format", r.Format, formats...)
		c.oneOf(at+".auth", r.Auth, mailAuth...)
		if byMail(r.Format) && r.Mail == "none" {
			c.bad(at+".mail", "a reporter who reports by mail has an address")
		}
	}
}

var siteKinds = []string{"phishing", "malware", "shop", "corporate", "login", "blog", "blank", "parked", "sinkhole", "none", "custom"}

var pageKinds = []string{"kit", "not_found", "gone", "blank", "parked", "sinkhole", "shop", "corporate", "login", "blog", "brand",
	"suspended", "interstitial", "error", "refused"}

func (c *checker) names() {
	s := c.s
	c.domains = map[string]bool{}
	for _, n := range s.Names {
		c.domains[n.Name] = true
	}
	split := name.DefaultSuffixes()
	seen := map[string]bool{}
	for i := range s.Names {
		n := &s.Names[i]
		at := fmt.Sprintf("names[%d]", i)
		c.unique(seen, at+".name", n.Name)
		switch p := s.platformOf(n.Name); {
		case isAddr(n.Name):
			if c.s.hostAt(n.Name) == "" {
				c.bad(at+".name", "%s is in no host's network", n.Name)
			}
		case p != nil:
			if strings.Count(strings.TrimSuffix(n.Name, "."+p.Suffix), ".") != 0 {
				c.bad(at+".name", "%s is not one label under %s", n.Name, p.Suffix)
			}
		default:
			d, err := name.Parse(n.Name)
			if err != nil {
				break
			}
			if reg := split.Split(d).Registered; reg != d && !reg.IsZero() {
				c.bad(at+".name", "%s is not a registered domain: %s is. Give host names under site.host", n.Name, reg)
			}
			if !c.tlds[d.TLD()] {
				c.bad(at+".name", "no TLD is called %q%s", d.TLD(), nearest(d.TLD(), mapKeys(c.tlds)))
			}
		}
		c.oneOf(at+".class", n.Class, "malicious", "compromised", "platform", "innocent")
		if !n.Type.Known() || n.Type == abuse.CSAM {
			c.bad(at+".type", "%q is not a type of abuse the lab stages", n.Type)
		}
		c.ref(at+".registrar", "registrar", n.Registrar, c.registrars)
		c.ref(at+".host", "host", n.Host, c.hosts)
		c.ref(at+".cdn", "CDN", n.CDN, c.cdns)
		c.ref(at+".dns", "DNS operator", n.DNS, c.dns)
		c.ref(at+".owner", "constituent", n.Owner, c.constituents)
		c.ref(at+".else", "name", n.Else, c.domains)
		c.address(at+".address", n.Address)
		if own := s.hostAt(n.Address); n.Address != "" && own != "" && own != n.Host && c.hosts[n.Host] {
			c.bad(at+".address", "%s is in a network of %q, not of %q", n.Address, own, n.Host)
		}
		if n.IPv6 && isAddr(n.Name) {
			c.bad(at+".ipv6", "is for names, not for addresses")
		}
		c.oneOf(at+".registrant.kind", n.Registrant.Kind, "honest", "fabricated", "redacted")
		c.country(at+".registrant.country", n.Registrant.Country)
		c.verifies(at+".registrant", n)
		c.flaws(at+".registrant", n)
		if n.Registered.Set && n.Expires.Set && !n.Registered.MovedTo && !n.Expires.At(s.Start).After(n.Registered.At(s.Start)) {
			c.bad(at+".expires", "must be after registered")
		}
		c.site(at+".site", n)
		for j, h := range n.Then {
			c.happening(fmt.Sprintf("%s.then[%d]", at, j), n, h)
		}
		if t := n.Truth; t != nil {
			c.oneOf(at+".truth.class", t.Class, "", "malicious", "compromised", "platform", "innocent", "unknown")
			c.oneOf(at+".truth.outcome", t.Outcome, append([]string{""}, outcomes...)...)
		}
	}
}

func mapKeys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return sorted(out)
}

func (c *checker) address(path, v string) {
	if v == "" {
		return
	}
	a, err := netip.ParseAddr(v)
	if err != nil {
		c.bad(path, "%q is not an address", v)
		return
	}
	if c.s.hostAt(a.String()) == "" {
		c.bad(path, "%s is in no host's network", v)
	}
}

func (c *checker) site(at string, n *Name) {
	st := n.Site
	c.oneOf(at+".kind", st.Kind, siteKinds...)
	c.oneOf(at+".language", st.Language, languages...)
	c.oneOf(at+".scheme", st.Scheme, "http", "https")
	switch st.Kind {
	case "phishing":
		c.oneOf(at+".kit", st.Kit, "sign-in", "card", "parcel", "wallet")
	case "malware":
		c.oneOf(at+".kit", st.Kit, "exe", "elf", "zip")
	default:
		if st.Kit != "" {
			c.bad(at+".kit", "is for phishing and malware sites")
		}
	}
	if !strings.HasPrefix(st.Path, "/") {
		c.bad(at+".path", "%q does not begin with /", st.Path)
	}
	if st.Host != n.Name && !strings.HasSuffix(st.Host, "."+n.Name) {
		c.bad(at+".host", "%q is not %s or under it", st.Host, n.Name)
	}
	c.oneOf(at+".front", st.Front, "blank", "shop", "corporate", "parked", "not_found", "login", "blog")
	if st.Live.MovedTo {
		c.bad(at+".live", "must be a time")
	}
	c.cloak(at+".cloak", st.Cloak)
	for i, p := range st.Pages {
		pat := fmt.Sprintf("%s.pages[%d]", at, i)
		c.oneOf(pat+".show", p.Show, append([]string{""}, pageKinds...)...)
		if p.Show != "" && (p.Status != 0 || p.Body != "" || p.Location != "" || p.Title != "") {
			c.bad(pat+".show", "stands beside an answer of its own; give one of the two")
		}
		if p.Show == "" && p.Status == 0 && p.Body == "" && p.Location == "" && p.Title == "" {
			c.bad(pat, "shows nothing: give show, or status, title, body, location")
		}
		if p.Status != 0 && (p.Status < 200 || p.Status > 599) {
			c.bad(pat+".status", "%d is not 200 to 599", p.Status)
		}
		if p.Path != "" && p.Path != "*" && !strings.HasPrefix(p.Path, "/") {
			c.bad(pat+".path", "%q does not begin with /", p.Path)
		}
		if p.From != nil && p.Until != nil && *p.Until <= *p.From {
			c.bad(pat+".until", "must be after from")
		}
		if p.Show == "kit" && !abusive[st.Kind] {
			c.bad(pat+".show", "kit needs a site of kind phishing or malware")
		}
		c.visitors(pat+".to", p.To)
	}
}

func (c *checker) cloak(at string, k *Cloak) {
	if k == nil {
		return
	}
	if k.ShowTo.empty() && k.HideFrom.empty() {
		c.bad(at, "neither shows to nor hides from anybody")
	}
	c.oneOf(at+".others", k.Others, "not_found", "blank", "parked", "shop", "corporate", "brand")
	c.visitors(at+".show_to", k.ShowTo)
	c.visitors(at+".hide_from", k.HideFrom)
}

func (v *Visitors) empty() bool {
	return v == nil || len(v.Vantage)+len(v.Agent)+len(v.Language)+len(v.Source)+len(v.Referer) == 0
}

func (c *checker) visitors(at string, v *Visitors) {
	if v != nil && v.empty() {
		c.bad(at, "names no condition: vantage, agent, language, source or referer")
	}
	if v != nil {
		for i, k := range v.Vantage {
			c.oneOf(fmt.Sprintf("%s.vantage[%d]", at, i), k, "plain", "mobile", "zh", "tool")
		}
	}
}

func (c *checker) happening(at string, n *Name, h Happening) {
	given := 0
	for _, p := range []*Span{h.At, h.AfterReport, h.AfterAsk, h.AfterTip, h.AfterTakedown} {
		if p != nil {
			given++
			if *p < 0 {
				c.bad(at, "its time must not be negative")
			}
		}
	}
	if given != 1 {
		c.bad(at, "needs exactly one of at, after_report, after_ask, after_tip, after_takedown")
	}
	if h.Times < 1 || h.Times > 100 || h.Times > 1 && h.AfterTakedown == nil {
		c.bad(at+".times", "is 1 to 100, and over 1 only with after_takedown")
	}
	c.oneOf(at+".do", h.Do, "remove", "restore", "clean", "cloak", "uncloak", "move", "rehost", "expire", "abandon", "park", "sinkhole")
	switch h.Do {
	case "move":
		if h.To == "" || h.To == n.Name {
			c.bad(at+".to", "names no other name to move to")
		}
		c.ref(at+".to", "name", h.To, c.domains)
	case "rehost":
		if h.Host == "" && h.Address == "" {
			c.bad(at+".host", "is missing")
		}
		c.ref(at+".host", "host", h.Host, c.hosts)
		c.address(at+".address", h.Address)
	case "cloak":
		if h.Cloak == nil {
			c.bad(at+".cloak", "is missing")
		}
		c.cloak(at+".cloak", h.Cloak)
	case "remove":
		c.oneOf(at+".how", h.How, "404", "410", "suspended", "blank", "refused", "timeout")
	case "expire", "abandon":
		if c.s.platformOf(n.Name) != nil || isAddr(n.Name) {
			c.bad(at+".do", "only a registered domain can %s", h.Do)
		}
	}
}

func (c *checker) reports() {
	s := c.s
	for i, r := range s.Reports {
		at := fmt.Sprintf("reports[%d]", i)
		switch {
		case (r.At == nil) == (r.AfterLive == nil):
			c.bad(at, "needs exactly one of at and after_live")
		case r.At != nil && *r.At < 0, r.AfterLive != nil && *r.AfterLive < 0:
			c.bad(at, "its time must not be negative")
		case r.AfterLive != nil && r.Name == "":
			c.bad(at+".after_live", "needs a name")
		}
		c.ref(at+".from", "reporter", r.From, c.reporters)
		c.oneOf(at+".format", r.Format, formats...)
		c.ref(at+".name", "name", r.Name, c.domains)
		if r.Name == "" && len(r.URLs) == 0 && r.Raw == "" && r.Fault == "" {
			c.bad(at, "reports nothing: give name, urls or raw")
		}
		if !r.Type.Known() {
			c.bad(at+".type", "%q is not a type of abuse", r.Type)
		}
		faults := []string{"", "malformed_json", "missing_sender", "private_address", "not_a_name", "no_type"}
		if byMail(r.Format) {
			faults = []string{"", "private_address", "not_a_name", "broken_boundary", "too_large"}
			if r.Format == "xarf_mail" {
				faults = append(faults, "malformed_json", "missing_sender")
			}
			if r.Bulk != "" {
				c.bad(at+".bulk", "is for the formats json, xarf4 and xarf3")
			}
			for _, k := range s.Reporters {
				if k.Name == r.From && k.Mail == "none" {
					c.bad(at+".from", "%q has no mail address to report from", r.From)
				}
			}
		}
		c.oneOf(at+".fault", r.Fault, faults...)
		if r.Fault == "missing_sender" && r.Format == "json" {
			c.bad(at+".fault", "missing_sender is for the formats xarf4 and xarf3")
		}
		c.oneOf(at+".expect", r.Expect, "accepted", "rejected")
		if r.Raw != "" && r.Bulk != "" {
			c.bad(at+".raw", "cannot be part of a bulk request")
		}
		if r.Raw != "" && r.Fault != "" {
			c.bad(at+".raw", "stands beside fault; give one of the two")
		}
		if r.Bulk != "" && r.AfterLive != nil {
			c.bad(at+".bulk", "needs at, since all its lines go out together")
		}
	}
}
