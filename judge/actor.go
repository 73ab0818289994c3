package judge

import (
	"net/netip"
	"slices"
	"time"

	"bailiwick/party"
	"bailiwick/registration"
)

// The actor is credited by the layer at which the abuse ended, as the first
// look of the final state shows it: the registration, the name servers, the
// address, the content. A party's own word counts only where its layer is the
// one that changed. Everything else is "actor unknown". The rules are the
// table in docs/judgement.md; Actor.Basis names the row.

// contradicted is how long after a party said it acted the abuse may still be
// seen without making that answer untrue: zone changes and caches take time.
const contradicted = 24 * time.Hour

func nobody(basis, reason string) Actor { return Actor{Basis: basis, Reason: reason} }

// inquiry is the evidence about who ended it.
type inquiry struct {
	in     MeasureInput
	m      Measured
	base   Snapshot
	run    []Snapshot // from the first look of the state to the last
	first  Sight
	looked []look
}

func credit(in MeasureInput, m Measured, run []Snapshot, looked []look) Actor {
	q := inquiry{in: in, m: m, base: in.Base, run: run, first: run[0].Sight, looked: looked}
	for i, l := range looked { // the state's own first look, past any without a conclusion
		if l.state != Unreachable {
			q.first = run[i].Sight
			break
		}
	}
	return q.decide()
}

func (q inquiry) decide() Actor {
	platform := q.in.Subject.Kind == party.PlatformCustomer
	was, now := q.base.Sight.Zone, q.first.Zone
	switch {
	case q.undelegated() && !platform:
		return q.registration()
	case now != nil && dnsRefuses(now.Answer) && len(now.Servers) > 0:
		if a, ok := q.said(party.Registrar, party.Host, party.Platform); ok {
			return a
		}
		if was == nil || len(was.Servers) == 0 || !overlap(was.Servers, now.Servers) {
			return nobody("name-servers-changed", "the name was delegated to other servers, which do not answer for it; nothing says who did that")
		}
		return Actor{Role: DNSOperator, Basis: "dns-refuses", Reason: "the delegation stands and its servers do not answer for the name any more (" + now.Answer + ")"}
	}
	if a, ok := q.notice(platform); ok {
		return a
	}
	if a, ok := q.lapsed(); ok {
		return a
	}
	switch {
	case was != nil && now != nil && len(was.Servers) > 0 && len(now.Servers) > 0 && !overlap(was.Servers, now.Servers):
		if a, ok := q.said(party.Registrar, party.Registry); ok {
			return a
		}
		return nobody("name-servers-changed", "the name was delegated to other servers; nothing says who did that")
	case now != nil && len(now.Addresses) == 0 && (now.Answer == "NXDOMAIN" || now.Answer == "none"):
		if a, ok := q.said(party.Registrar, party.Host, party.Platform); ok {
			return a
		}
		return nobody("records-removed", "the zone stands and the name's address was taken out of it: its holder or whoever runs its DNS did that")
	case was != nil && now != nil && len(was.Addresses) > 0 && len(now.Addresses) > 0 && !sameAddress(was.Addresses, now.Addresses):
		if a, ok := q.said(party.Registrar, party.Host); ok && q.m.State == ParkedSinkholed {
			return a
		}
		return nobody("address-changed", "the name leads to another address; whoever runs its DNS did that")
	}
	return q.content(platform)
}

// undelegated: the registry's servers do not delegate the name any more.
func (q inquiry) undelegated() bool {
	if z := q.first.Zone; z != nil {
		return z.Delegation == "NXDOMAIN" || z.Delegation == "none"
	}
	return false
}

func dnsRefuses(answer string) bool {
	return answer == "REFUSED" || answer == "SERVFAIL" || answer == "lame" || answer == "refused"
}

// registration: the name left the zone. The registration says by whose hand.
func (q inquiry) registration() Actor {
	client, server := q.appeared("clientHold"), q.appeared("serverHold")
	switch {
	case client && server:
		if a, ok := q.said(party.Registrar, party.Registry); ok {
			return a
		}
		return nobody("two-holds", "registrar and registry both hold the name, and nothing says who was first")
	case server:
		return q.signed(Actor{Role: party.Registry, Basis: "server-hold", Reason: "serverHold appeared in the registration and the name left the zone"})
	case client:
		return q.signed(Actor{Role: party.Registrar, Basis: "client-hold", Reason: "clientHold appeared in the registration and the name left the zone"})
	}
	if a, ok := q.lapsed(); ok {
		return a
	}
	if a, ok := q.said(party.Registrar, party.Registry); ok {
		return a
	}
	if q.dropped() {
		return nobody("deleted", "the registration was deleted before it ran out; its holder or its registrar did that")
	}
	return nobody("undelegated", "the name left the zone and the registration does not say by whose hand")
}

// appeared: the status is there in the final state and was not before.
func (q inquiry) appeared(status string) bool {
	return !q.base.Filing.has(status) && slices.ContainsFunc(q.run, func(s Snapshot) bool { return s.Filing.has(status) })
}

// dropped: the registration is being deleted, or is not there any more.
func (q inquiry) dropped() bool {
	return q.appeared("redemptionPeriod") || q.appeared("pendingDelete") || slices.ContainsFunc(q.run, func(s Snapshot) bool {
		return s.Filing != nil && s.Filing.State == registration.Available
	})
}

// lapsed: the registration ran out, which is nobody's act.
func (q inquiry) lapsed() (Actor, bool) {
	var expires time.Time
	if q.base.Filing != nil {
		expires = q.base.Filing.Expires.Time
	}
	out := !expires.IsZero() && !expires.After(q.m.Since)
	if out && (q.dropped() || q.appeared("autoRenewPeriod") || q.appeared("expired") || q.undelegated()) && !q.renewed(expires) {
		return nobody("lapsed", "the registration lapsed: it ran out before the abuse ended, and no hold was set"), true
	}
	if q.appeared("autoRenewPeriod") && (q.undelegated() || q.m.State == ParkedSinkholed) {
		return nobody("lapsed", "the registration lapsed: it ran out and was renewed by the registry only, and no hold was set"), true
	}
	return Actor{}, false
}

// renewed: the registration runs longer than it did, by its holder's act and
// not by the registry's grace.
func (q inquiry) renewed(expires time.Time) bool {
	return slices.ContainsFunc(q.run, func(s Snapshot) bool {
		return s.Filing != nil && s.Filing.Expires.After(expires) && !s.Filing.has("autoRenewPeriod") && !s.Filing.has("redemptionPeriod") && !s.Filing.has("pendingDelete")
	})
}

// notice: a page stands in its place and says who speaks.
func (q inquiry) notice(platform bool) (Actor, bool) {
	var a Actor
	for _, v := range q.first.Views {
		if v.Notice == "" {
			continue
		}
		role := v.By
		if role == "" {
			role = by(v.Notice, platform)
			if role == party.CDN && len(q.in.Roles) > 0 && !slices.Contains(q.in.Roles, party.CDN) {
				if role = party.Host; platform {
					role = party.Platform
				}
			}
		}
		if role == party.Registrar && v.By == "" && !q.led() {
			return nobody("notice-unsigned", "a page says that the domain name is suspended, but the name leads where it led: anybody with the server can write that"), true
		}
		switch {
		case a.Role == "":
			a = Actor{Role: role, Party: v.Party, Basis: "notice", Reason: noticeSays(v.Notice, role)}
		case a.Role != role:
			return nobody("two-notices", "notices of more than one party stand in its place"), true
		}
	}
	if a.Role == "" {
		return a, false
	}
	return q.signed(a), true
}

// led: the name leads to other servers or addresses than before, or its
// registrar says that it acted.
func (q inquiry) led() bool {
	if _, ok := q.answer(party.Registrar); ok {
		return true
	}
	was, now := q.base.Sight.Zone, q.first.Zone
	if was == nil || now == nil {
		return false
	}
	return len(was.Servers) > 0 && len(now.Servers) > 0 && !overlap(was.Servers, now.Servers) ||
		len(was.Addresses) > 0 && len(now.Addresses) > 0 && !sameAddress(was.Addresses, now.Addresses)
}

func noticeSays(n NoticeKind, role party.Role) string {
	switch n {
	case Warning:
		return "a warning by the " + string(role) + " stands in front of the page"
	case DomainSuspended:
		return "a page in its place says that the domain name is suspended"
	}
	return "a notice of the " + string(role) + " stands in its place"
}

// content: the name leads where it led, and the page is not there.
func (q inquiry) content(platform bool) Actor {
	if platform {
		if a, ok := q.said(party.Platform, party.CDN); ok {
			return a
		}
		return nobody("customer-gone", "the customer's page is gone without a notice; the platform or the customer did that")
	}
	alive := q.first.Front == FrontContent || q.first.Front == FrontThin
	says := []party.Role{party.Host, party.Platform}
	if !alive { // a CDN that acts shows at its edge; where the site goes on behind it, it only passed the ask on
		says = append(says, party.CDN)
	}
	if a, ok := q.said(says...); ok {
		return a
	}
	refused, silent := true, true
	for _, v := range q.first.Views {
		refused = refused && v.Cause == CauseRefused
		silent = silent && v.Shows == ShowsNothing
	}
	switch {
	case len(q.first.Views) == 0:
		return nobody("no-view", "nothing was looked at")
	case silent:
		return nobody("silent", "the address stopped answering; nothing says why")
	case refused:
		return nobody("refused", "the address refuses connections; nothing says who stopped the server")
	case alive:
		return nobody("cleaned", "the site is alive and only the abuse is gone: it was cleaned, and nothing says by whom")
	}
	return nobody("content-gone", "the content is gone and DNS is as it was; nothing says who removed it")
}

// said credits the one party among the roles that says it acted, if the looks
// do not contradict it.
func (q inquiry) said(roles ...party.Role) (Actor, bool) {
	var found *Answer
	for _, r := range roles {
		a, ok := q.answer(r)
		if !ok {
			continue
		}
		if found != nil {
			return nobody("two-answers", "the "+string(found.Role)+" and the "+string(a.Role)+" both say they acted"), true
		}
		found = &a
	}
	if found == nil {
		return Actor{}, false
	}
	return Actor{Role: found.Role, Party: found.Party, Basis: "answered", Reason: "the " + string(found.Role) + " says it acted, and what changed is in its hands"}, true
}

// answer is the earliest answer "acted" of a role that the looks bear out.
func (q inquiry) answer(r party.Role) (Answer, bool) {
	var out Answer
	ok := false
	for _, a := range q.in.Answers {
		if a.Role != r || a.Answer != Acted || a.At.Before(q.base.Sight.At) || a.At.Add(contradicted).Before(q.m.LastSeen) {
			continue
		}
		if !ok || a.At.Before(out.At) || a.At.Equal(out.At) && a.Party < out.Party {
			out, ok = a, true
		}
	}
	return out, ok
}

// signed names the party in a role where it answered.
func (q inquiry) signed(a Actor) Actor {
	if b, ok := q.answer(a.Role); ok && a.Party == "" {
		a.Party = b.Party
	}
	return a
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool {
		return slices.ContainsFunc(b, func(y string) bool { return host(x) == host(y) })
	})
}

func sameAddress(a, b []netip.Addr) bool {
	return slices.ContainsFunc(a, func(x netip.Addr) bool { return slices.Contains(b, x) })
}
