package collect

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Bounds of one lookup that have no setting.
const (
	maxReferrals  = 16 // steps down from the root for one name
	maxAliases    = 8  // CNAMEs followed
	maxDepth      = 4  // name servers' names resolved inside name servers' names
	maxNameServer = 13 // name servers of one zone that are used
	maxTries      = 8  // servers of one zone asked one question
	maxPerServer  = 4  // addresses of one name server
	maxValues     = 100
)

// zone is a cut in the tree and who serves what is below it.
type zone struct {
	name    string // with trailing dot; "." for the root
	servers []nameServer
}

// nameServer is one server of a zone. addrs is empty when the referral brought
// no address for it that may be believed.
type nameServer struct {
	name  string
	addrs []netip.AddrPort
}

// lookup is the work on one name. It remembers what it learns, so that its
// questions do not ask the same way down again, and forgets it at the end: the
// next measurement is a fresh one. It is used by one goroutine.
type lookup struct {
	c         *Collector
	ctx       context.Context
	left      int                   // queries that may still be sent
	zones     map[string]zone       // cuts seen, by name
	hosts     map[string]hostResult // addresses of names resolved on the way
	resolving map[string]bool       // names being resolved: a loop guard
}

type hostResult struct {
	addrs   []netip.Addr
	failure string
}

func (c *Collector) newLookup(ctx context.Context) *lookup {
	return &lookup{c: c, ctx: ctx, left: c.limits.Queries, zones: map[string]zone{}, hosts: map[string]hostResult{},
		resolving: map[string]bool{}}
}

func (l *lookup) spend() bool {
	if l.left <= 0 || l.ctx.Err() != nil {
		return false
	}
	l.left--
	return true
}

// outcome is the end of one question.
type outcome struct {
	rcode   string
	failure string // "" when rcode is set by a server that answers for the name
	server  string // "name (address)" of who answered
	records []record
	soa     []record // of a negative answer (RFC 2308)
	aliases []string // CNAME targets followed, in order
}

// resolve asks q iteratively, following aliases across zones.
func (l *lookup) resolve(q question, depth int) outcome {
	var aliases []string
	seen := map[string]bool{q.name: true}
	for {
		o := l.walk(q, depth)
		next := ""
		for _, r := range o.aliases {
			aliases = append(aliases, r)
			if seen[r] {
				return outcome{failure: errLoop, server: o.server, aliases: aliases}
			}
			seen[r] = true
			next = r
		}
		o.aliases = aliases
		if next == "" || len(o.records) > 0 || o.failure != "" {
			return o
		}
		if len(aliases) > maxAliases {
			return outcome{failure: errLimit, server: o.server, aliases: aliases}
		}
		q.name = next
	}
}

// walk asks q from the deepest cut known down to the servers that answer for
// it. Aliases in the answer are reported, and followed only inside it.
func (l *lookup) walk(q question, depth int) outcome {
	z, release := l.start(q.name, q.name)
	defer release()
	for range maxReferrals {
		step := l.askZone(z, q, depth)
		if step.referral == nil {
			return step.outcome
		}
		z = l.learn(z, *step.referral, step.ttl)
		release()
	}
	return outcome{failure: errLimit}
}

// delegation asks the servers above registered what they say about it: the
// registry's word. registered has a trailing dot.
func (l *lookup) delegation(registered string) outcome {
	z, release := l.start(registered, parent(registered))
	defer release()
	for range maxReferrals {
		step := l.askZone(z, question{registered, typeNS}, 0)
		if step.referral == nil {
			return step.outcome
		}
		z = l.learn(z, *step.referral, step.ttl)
		release()
		if z.name == registered {
			return outcome{rcode: rcodeOK, server: step.outcome.server, records: step.outcome.records}
		}
	}
	return outcome{failure: errLimit}
}

// start gives the deepest zone known that holds name at or above limit. When
// that is the root, other lookups that need the same top-level domain wait
// until this one has it or calls release: so the root is asked once per
// time-to-live however many names are looked up together.
func (l *lookup) start(name, limit string) (zone, func()) {
	for n := limit; n != "."; n = parent(n) {
		if z, ok := l.zones[n]; ok {
			return z, func() {}
		}
	}
	root := l.c.root
	tld := topLevel(name)
	if tld == "" || !within(limit, tld) { // the question is about the root or the top-level domain itself
		return root, func() {}
	}
	z, ok, release := l.c.tlds.begin(l.ctx, tld, l.c.clock.Now())
	if ok {
		l.zones[tld] = z
		return z, func() {}
	}
	return root, release
}

// learn takes a referral from the servers of from. Only top-level domains are
// kept beyond this lookup, for their time-to-live.
func (l *lookup) learn(from, to zone, ttl time.Duration) zone {
	l.zones[to.name] = to
	if from.name == "." && labels(to.name) == 1 {
		l.c.tlds.put(to.name, to, l.c.clock.Now(), ttl)
	}
	return to
}

// step is what the servers of one zone gave for a question: an outcome, or a
// referral further down (with the outcome of the server that gave it).
type step struct {
	outcome  outcome
	referral *zone
	ttl      time.Duration
}

// askZone asks the servers of z in order until one gives an answer that may be
// believed. Those with known addresses come first.
func (l *lookup) askZone(z zone, q question, depth int) step {
	var worst outcome // the most telling failure so far
	tries := 0
	note := func(o outcome) {
		if rank(o) > rank(worst) {
			worst = o
		}
	}
	for _, glued := range []bool{true, false} {
		for _, s := range z.servers {
			if (len(s.addrs) > 0) != glued {
				continue
			}
			addrs := s.addrs
			if !glued {
				h := l.host(s.name, depth+1)
				if h.failure != "" {
					note(outcome{failure: h.failure, server: display(s.name)})
				}
				for _, a := range h.addrs {
					addrs = append(addrs, netip.AddrPortFrom(a, 53))
				}
			}
			for _, a := range addrs[:min(len(addrs), maxPerServer)] {
				if tries++; tries > maxTries {
					return step{outcome: worst}
				}
				r, failure := l.c.exchange(l.ctx, a, q, l.spend)
				who := display(s.name) + " (" + a.Addr().String() + ")"
				if failure != "" {
					note(outcome{failure: failure, server: who})
					if failure == errLimit {
						if l.ctx.Err() != nil {
							worst = outcome{failure: errTimeout, server: who}
						} else {
							worst = outcome{failure: errLimit, server: who}
						}
						return step{outcome: worst}
					}
					continue
				}
				st, ok := judge(z, q, r)
				st.outcome.server = who
				if ok {
					return st
				}
				note(st.outcome)
			}
		}
	}
	if rank(worst) == 0 {
		worst.failure = errUnreachable
	}
	if worst.rcode == "" && labels(z.name) == 1 { // perhaps it has moved: ask the root next time
		l.c.tlds.drop(z.name)
	}
	return step{outcome: worst}
}

// rank orders failures by how much they tell: a code that a server sent says
// more than its silence.
func rank(o outcome) int {
	switch o.failure {
	case "":
		if o.rcode == "" {
			return 0
		}
		return 9
	case errLame:
		return 8
	case errMalformed:
		return 7
	case errTimeout:
		return 6
	case errRefused:
		return 5
	case errBlocked:
		return 4
	case errLoop:
		return 3
	case errLimit:
		return 2
	}
	return 1
}

// judge reads a reply of a server of z to q: as an answer, a denial or a
// referral. It says false when the reply settles nothing and another server
// should be asked. Only what lies in z is believed.
func judge(z zone, q question, r *reply) (step, bool) {
	o := outcome{rcode: r.rcode}
	if r.rcode != rcodeOK && r.rcode != rcodeNXDomain {
		return step{outcome: o}, false
	}
	lame := step{outcome: outcome{failure: errLame}}
	at := q.name
	for len(o.aliases) <= maxAliases && within(at, z.name) {
		if o.records = matching(r.answer, at, q.typ); len(o.records) > 0 {
			break
		}
		alias := matching(r.answer, at, typeCNAME)
		if len(alias) == 0 || slices.Contains(o.aliases, alias[0].host) {
			break
		}
		at = alias[0].host
		o.aliases = append(o.aliases, at)
	}
	if len(o.records) > 0 || len(o.aliases) > 0 {
		if !r.authoritative {
			return lame, false
		}
		o.rcode = rcodeOK
		return step{outcome: o}, true
	}
	for _, s := range r.authority {
		if s.typ == typeSOA && within(q.name, s.owner) && within(s.owner, z.name) {
			o.soa = append(o.soa, s)
		}
	}
	if r.rcode == rcodeNXDomain || r.authoritative && len(o.soa) > 0 {
		if !r.authoritative {
			return lame, false
		}
		return step{outcome: o}, true
	}
	if to, ttl, ns := referral(z, q, r); to != nil {
		return step{outcome: outcome{rcode: rcodeOK, records: ns}, referral: to, ttl: ttl}, true
	}
	if r.authoritative {
		return step{outcome: o}, true
	}
	return lame, false // no answer, no denial, and no way further down
}

// referral reads a referral: name server records for a zone below z that holds
// the name asked for. A referral upwards or sideways is none. Addresses are
// taken from it only for those servers' names and only where they lie in z,
// the zone the answering server is responsible for: others may be anything,
// and are resolved on their own.
func referral(z zone, q question, r *reply) (*zone, time.Duration, []record) {
	var to zone
	var ns []record
	ttl := maxTTL
	for _, rec := range r.authority {
		if rec.typ != typeNS || !below(rec.owner, z.name) || !within(q.name, rec.owner) {
			continue
		}
		if to.name == "" {
			to.name = rec.owner
		}
		if rec.owner == to.name {
			ns = append(ns, rec)
			ttl = min(ttl, rec.ttl)
		}
	}
	if len(ns) == 0 {
		return nil, 0, nil
	}
	slices.SortFunc(ns, func(a, b record) int { return cmp.Compare(a.host, b.host) })
	ns = slices.CompactFunc(ns, func(a, b record) bool { return a.host == b.host })
	for _, rec := range ns[:min(len(ns), maxNameServer)] {
		s := nameServer{name: rec.host}
		for _, glue := range r.additional {
			if glue.addr.IsValid() && glue.owner == s.name && within(glue.owner, z.name) {
				s.addrs = append(s.addrs, netip.AddrPortFrom(glue.addr, 53))
			}
		}
		slices.SortFunc(s.addrs, netip.AddrPort.Compare) // IPv4 first
		s.addrs = slices.Compact(s.addrs)
		to.servers = append(to.servers, s)
	}
	return &to, ttl, ns
}

// matching are the records of one type at one name.
func matching(in []record, owner string, typ rrtype) []record {
	var out []record
	for _, r := range in {
		if r.owner == owner && r.typ == typ {
			out = append(out, r)
		}
	}
	return out
}

// host resolves the name of a name server: its IPv4 addresses, or its IPv6
// ones if it has none.
func (l *lookup) host(n string, depth int) hostResult {
	if h, ok := l.hosts[n]; ok {
		return h
	}
	if depth > maxDepth {
		return hostResult{failure: errLimit}
	}
	if l.resolving[n] {
		return hostResult{failure: errLoop}
	}
	l.resolving[n] = true
	defer delete(l.resolving, n)
	var h hostResult
	for _, t := range []rrtype{typeA, typeAAAA} {
		o := l.resolve(question{n, t}, depth)
		for _, r := range o.records {
			h.addrs = append(h.addrs, r.addr)
		}
		if len(h.addrs) > 0 {
			slices.SortFunc(h.addrs, netip.Addr.Compare)
			h.failure = ""
			break
		}
		if h.failure = o.failure; h.failure == errLoop || h.failure == errLimit {
			return h // what stands in the way here need not stand there
		}
		if h.failure == "" || h.failure == errLame {
			h.failure = errUnreachable
		}
	}
	l.hosts[n] = h
	return h
}

// parent is name without its first label; "." for a top-level domain.
func parent(name string) string {
	if labels(name) <= 1 {
		return "."
	}
	return afterFirst(name)
}

// display is a name as it is shown: without the trailing dot.
func display(n string) string {
	if len(n) > 1 {
		return n[:len(n)-1]
	}
	return n
}

func itoa(n int) string { return strconv.Itoa(n) }

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
