package lab

import (
	"strings"
)

// What a scenario says of verification: defaults and checks.

// drawVerifies fills in how a name's holder answers codes, where its TLD
// requires verification or the scenario speaks of it.
func (s *Scenario) drawVerifies(n *Name) {
	r := &n.Registrant
	if r.Verifies == nil {
		if isAddr(n.Name) || s.platformOf(n.Name) != nil || !s.requires(lastLabel(n.Name)) {
			return
		}
		r.Verifies = &Verifies{}
	}
	v := r.Verifies
	rnd := draw(s.Seed, "verifies", n.Name)
	way, made := pick(rnd, []string{"page", "page", "mail"}), pick(rnd, []string{"accept", "accept", "bounce"})
	if r.Kind == "fabricated" {
		if v.Answers == "" { // an address of nobody, or one that was made in bulk and left
			set(&v.Mailbox, made)
		}
		set(&v.Answers, "never")
	}
	set(&v.Answers, "prompt")
	set(&v.Mailbox, "accept")
	set(&v.By, way)
}

// requires says whether a TLD requires verification.
func (s *Scenario) requires(tld string) bool {
	for i := range s.TLDs {
		if s.TLDs[i].Name == tld {
			return s.TLDs[i].Verification != ""
		}
	}
	return false
}

// displace adds the names that are registered instead of malicious ones which
// their TLD refuses or holds, as its displacement says.
func (s *Scenario) displace() {
	taken := map[string]bool{}
	for _, n := range s.Names {
		taken[n.Name] = true
	}
	for i := range s.TLDs {
		t := &s.TLDs[i]
		d := t.Displacement
		if d == nil || len(d.To) == 0 {
			continue
		}
		for j := range len(s.Names) {
			n := &s.Names[j]
			if lastLabel(n.Name) != t.Name || n.Else != "" || isAddr(n.Name) || s.platformOf(n.Name) != nil || !n.malicious() || n.answersInTime() {
				continue
			}
			rnd := draw(s.Seed, "displacement", n.Name)
			moves, to := rnd.Float64() < d.Share, pick(rnd, d.To)
			other := *n
			other.Name = strings.TrimSuffix(n.Name, "."+t.Name) + "." + to
			if !moves || taken[other.Name] {
				continue
			}
			taken[other.Name] = true
			n.Else = other.Name
			if v := n.Registrant.Verifies; v != nil {
				other.Registrant.Verifies = ptr(*v)
			}
			other.Registered, other.Expires, other.Transferred = When{Set: true, MovedTo: true}, When{}, When{}
			other.Site.Host, other.Site.Live = "", When{}
			other.Then, other.Reported, other.Truth, other.Address, other.Else = nil, nil, nil, "", ""
			s.Names = append(s.Names, other)
			if len(n.Reported) > 0 { // found again, about as fast as before
				s.Reports = append(s.Reports, Report{AfterLive: ptr(Span(within(rnd, *hours(1, 12)))), Name: other.Name})
			}
		}
	}
}

// malicious says whether a name is, before its defaults are filled in.
func (n *Name) malicious() bool {
	switch n.Class {
	case "malicious":
		return true
	case "":
		return n.isAbusive() || n.Site.Kind == "" && len(n.Site.Pages) == 0 && n.RDAPRaw+n.WHOISRaw == ""
	}
	return false
}

// answersInTime says that a name's holder answers, so that it is never lost.
func (n *Name) answersInTime() bool {
	v := n.Registrant.Verifies
	return v != nil && (v.Answers == "prompt" || v.Answers == "late")
}

func (c *checker) displacement(at string, t TLD) {
	d := t.Displacement
	if d == nil {
		return
	}
	if t.Verification == "" && !t.VerifiesFrom.Set {
		c.bad(at, "needs verification or verifies_from beside it: nothing is lost here else")
	}
	if !(d.Share >= 0 && d.Share <= 1) {
		c.bad(at+".share", "%g is not from 0 to 1", d.Share)
	}
	if len(d.To) == 0 {
		c.bad(at+".to", "names no TLD")
	}
	known := map[string]bool{}
	for _, o := range c.s.TLDs {
		known[o.Name] = true
	}
	for _, to := range d.To {
		c.ref(at+".to", "TLD", to, known)
		if to == t.Name {
			c.bad(at+".to", "is the TLD that they leave")
		}
	}
	c.span(at+".after", d.After)
}

func (c *checker) span(at string, r *Range) {
	if r != nil && (r.Min < 0 || r.Max < r.Min) {
		c.bad(at, "the range must not be negative nor run backwards")
	}
}

func (c *checker) verifies(at string, n *Name) {
	v := n.Registrant.Verifies
	if v == nil {
		return
	}
	if isAddr(n.Name) || c.s.platformOf(n.Name) != nil {
		c.bad(at+".verifies", "is for registered domains")
	}
	c.oneOf(at+".verifies.answers", v.Answers, "prompt", "late", "after_hold", "never", "disown")
	c.oneOf(at+".verifies.by", v.By, "page", "mail")
	c.oneOf(at+".verifies.mailbox", v.Mailbox, append([]string{"accept", "greylist", "bounce", "full"}, machines...)...)
	c.span(at+".verifies.after", v.After)
	c.mail(at+".email", n.Registrant.Email)
	addr := strings.ToLower(n.Registrant.Email)
	if addr == "none" {
		c.bad(at+".email", "is needed: codes go there")
	}
	if c.partyMail == nil {
		c.partyMail = map[string]bool{}
		for _, m := range c.s.mailboxes() {
			c.partyMail[strings.ToLower(m)] = true
		}
		c.holderMail = map[string]*Verifies{}
	}
	if c.partyMail[addr] {
		c.bad(at+".email", "%s is a party's mailbox", addr)
	}
	if o := c.holderMail[addr]; o != nil && (o.Mailbox != v.Mailbox) {
		c.bad(at+".verifies.mailbox", "%s is a mailbox of another name's holder, and is %q there", addr, o.Mailbox)
	}
	c.holderMail[addr] = v
}

// mailboxes are the addresses of all parties.
func (s *Scenario) mailboxes() []string {
	var out []string
	for _, t := range s.TLDs {
		out = append(out, t.Mail)
	}
	for _, r := range s.Registrars {
		out = append(out, r.Mail)
	}
	for _, h := range s.Hosts {
		out = append(out, h.Mail)
	}
	for _, d := range s.CDNs {
		out = append(out, d.Mail)
	}
	for _, p := range s.Platforms {
		out = append(out, p.Mail)
	}
	for _, c := range s.contacts() {
		out = append(out, *c.mail)
	}
	return out
}
