package collect

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// This is the one file that knows the DNS library: questions are written and
// answers read here, into the small types below.

// rrtype is a DNS record type.
type rrtype uint16

const (
	typeA     = rrtype(dns.TypeA)
	typeNS    = rrtype(dns.TypeNS)
	typeCNAME = rrtype(dns.TypeCNAME)
	typeSOA   = rrtype(dns.TypeSOA)
	typeMX    = rrtype(dns.TypeMX)
	typeAAAA  = rrtype(dns.TypeAAAA)
)

// The response codes that are told apart; others stay in words.
const (
	rcodeOK       = "NOERROR"
	rcodeNXDomain = "NXDOMAIN"
)

// The ways a question stays without an answer, as evidence.Answer.Err says
// them.
const (
	errTimeout     = "timeout"
	errRefused     = "refused"
	errUnreachable = "unreachable"
	errLoop        = "loop"
	errLimit       = "limit"
	errLame        = "lame"
	errMalformed   = "malformed"
	errBlocked     = "blocked"
)

// question asks for one type at one name (lower case, with trailing dot).
type question struct {
	name string
	typ  rrtype
}

// record is one resource record of a type that is read.
type record struct {
	owner string // lower case, with trailing dot
	typ   rrtype
	ttl   time.Duration
	value string     // what Answer.Values shows
	host  string     // the name in NS, CNAME and MX data, as owner is written
	addr  netip.Addr // the address in A and AAAA data
	pref  uint16     // MX preference
}

// reply is what one server answered.
type reply struct {
	rcode         string
	authoritative bool
	answer        []record
	authority     []record
	additional    []record
}

// maxRecords is how many records of one section are read.
const maxRecords = 200

// exchange asks server q: by UDP with EDNS (RFC 6891), again without EDNS if
// the server does not know it, and by TCP when the answer was cut or did not
// repeat the letter case of the question (the 0x20 check: draft-vixie-dnsext-
// dns0x20). The second result is "" or the reason there is no answer. spend is
// called before every query and says whether it may be sent.
func (c *Collector) exchange(ctx context.Context, server netip.AddrPort, q question, spend func() bool) (*reply, string) {
	edns, network := true, "udp"
	for range 4 { // UDP, UDP without EDNS, TCP, TCP without EDNS
		if !spend() {
			return nil, errLimit
		}
		m, exact, failure := c.ask(ctx, server, network, q, edns)
		switch {
		case failure != "":
			return nil, failure
		case edns && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented || m.Rcode == dns.RcodeBadVers):
			edns = false
		case network == "udp" && (m.Truncated || !exact):
			network = "tcp"
		default:
			return replyOf(m), ""
		}
	}
	return nil, errMalformed
}

// ask makes one exchange. exact says that the answer repeated the question
// letter by letter.
func (c *Collector) ask(ctx context.Context, server netip.AddrPort, network string, q question, edns bool) (m *dns.Msg, exact bool, failure string) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.QueryTime)
	defer cancel()
	msg := new(dns.Msg)
	msg.SetQuestion(q.name, uint16(q.typ)) // with a random ID
	msg.RecursionDesired = false
	if network == "udp" {
		msg.Question[0].Name = mixCase(q.name)
	}
	if edns {
		msg.SetEdns0(ednsSize, false)
	}
	out, err := msg.Pack()
	if err != nil {
		return nil, false, errMalformed
	}
	conn, err := c.dial(ctx, UseDNS, netip.Addr{}, network, server)
	if err != nil {
		return nil, false, failureOf(err)
	}
	defer func() { _ = conn.Close() }() // nothing is left to lose
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, false, errUnreachable
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if network == "tcp" {
		out = append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)
	}
	if _, err := conn.Write(out); err != nil {
		return nil, false, failureOf(err)
	}
	c.dnsSent.Add(1)
	buf := make([]byte, 4096) // by UDP no more than ednsSize is asked for
	// An answer that does not fit the question is not from this server: it is
	// passed over, and the time goes on running (RFC 5452 section 9.1).
	for range 16 {
		n := 0
		if network == "tcp" {
			if _, err = io.ReadFull(conn, buf[:2]); err == nil {
				n = int(binary.BigEndian.Uint16(buf))
				buf = slices.Grow(buf[:0], n)[:n]
				n, err = io.ReadFull(conn, buf)
			}
		} else {
			n, err = conn.Read(buf)
		}
		if err != nil {
			return nil, false, failureOf(err)
		}
		in := new(dns.Msg)
		if err := in.Unpack(buf[:n]); err != nil {
			if n >= 2 && binary.BigEndian.Uint16(buf) == msg.Id {
				return nil, false, errMalformed
			}
			continue
		}
		if in.Id != msg.Id || !in.Response || in.Opcode != dns.OpcodeQuery {
			continue
		}
		if len(in.Question) == 0 && in.Rcode != dns.RcodeSuccess && in.Rcode != dns.RcodeNameError {
			return in, true, "" // an error answer may leave the question out
		}
		if len(in.Question) != 1 || in.Question[0].Qtype != uint16(q.typ) || in.Question[0].Qclass != dns.ClassINET ||
			!strings.EqualFold(in.Question[0].Name, q.name) {
			continue
		}
		return in, in.Question[0].Name == msg.Question[0].Name, ""
	}
	return nil, false, errMalformed
}

// ednsSize is the UDP answer size asked for: what passes without fragments
// (DNS flag day 2020).
const ednsSize = 1232

// mixCase sets the letter case of a name at random: bits that somebody who
// cannot see the question must guess.
func mixCase(s string) string {
	b := []byte(s)
	coins := make([]byte, len(b))
	if _, err := rand.Read(coins); err != nil {
		return s
	}
	for i, x := range b {
		if x >= 'a' && x <= 'z' && coins[i]&1 == 1 {
			b[i] = x - 'a' + 'A'
		}
	}
	return string(b)
}

// failureOf sorts an error of the network into the words of
// evidence.Answer.Err.
func failureOf(err error) string {
	var ne net.Error
	switch {
	case isRefusal(err):
		return errBlocked
	case errors.Is(err, syscall.ECONNREFUSED):
		return errRefused
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &ne) && ne.Timeout():
		return errTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return errRefused
	}
	return errUnreachable
}

func replyOf(m *dns.Msg) *reply {
	r := &reply{rcode: dns.RcodeToString[m.Rcode], authoritative: m.Authoritative}
	if r.rcode == "" {
		r.rcode = "RCODE" + itoa(m.Rcode)
	}
	r.answer, r.authority, r.additional = records(m.Answer), records(m.Ns), records(m.Extra)
	return r
}

func records(in []dns.RR) []record {
	var out []record
	for _, rr := range in {
		if len(out) >= maxRecords {
			break
		}
		h := rr.Header()
		if h.Class != dns.ClassINET {
			continue
		}
		rec := record{owner: dns.CanonicalName(h.Name), typ: rrtype(h.Rrtype), ttl: time.Duration(h.Ttl) * time.Second}
		switch v := rr.(type) {
		case *dns.A:
			a, ok := netip.AddrFromSlice(v.A.To4())
			if !ok {
				continue
			}
			rec.addr, rec.value = a, a.String()
		case *dns.AAAA:
			a, ok := netip.AddrFromSlice(v.AAAA.To16())
			if !ok {
				continue
			}
			rec.addr, rec.value = a, a.String()
		case *dns.NS:
			rec.host = dns.CanonicalName(v.Ns)
			rec.value = strings.TrimSuffix(rec.host, ".")
		case *dns.CNAME:
			rec.host = dns.CanonicalName(v.Target)
			rec.value = strings.TrimSuffix(rec.host, ".")
		case *dns.MX:
			rec.host, rec.pref = dns.CanonicalName(v.Mx), v.Preference
			rec.value = itoa(int(v.Preference)) + " " + rec.host
		case *dns.TXT:
			for _, s := range v.Txt { // one text, whatever pieces it came in
				rec.value += plain(s)
			}
		case *dns.PTR:
			rec.value = dns.CanonicalName(v.Ptr)
		case *dns.SOA:
			rec.value = strings.Join([]string{dns.CanonicalName(v.Ns), dns.CanonicalName(v.Mbox), utoa(v.Serial),
				utoa(v.Refresh), utoa(v.Retry), utoa(v.Expire), utoa(v.Minttl)}, " ")
		default:
			continue
		}
		out = append(out, rec)
	}
	return out
}

// within says whether name is zone or below it; both lower case with trailing
// dot.
func within(name, zone string) bool { return dns.IsSubDomain(zone, name) }

// below says whether name is below zone and not zone itself.
func below(name, zone string) bool { return name != zone && within(name, zone) }

// labels is how many labels a name has; the root has none.
func labels(name string) int { return dns.CountLabel(name) }

// afterFirst is a name of two or more labels without the first.
func afterFirst(name string) string {
	i, _ := dns.NextLabel(name, 0)
	return name[i:]
}

// topLevel is the last label of name, with trailing dot; "" for the root.
func topLevel(name string) string {
	i := dns.Split(name)
	if len(i) == 0 {
		return ""
	}
	return name[i[len(i)-1]:]
}
