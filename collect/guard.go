package collect

import (
	"net/netip"

	"bailiwick/problem"
)

// Guard says which addresses and ports the centre may reach. Addresses come
// from adversaries (a URL in a report, an A record, a redirect, a glue
// record), so anything that is not an ordinary public unicast address is
// refused. The zero value is the strict guard.
//
// The ranges are those of the IANA special-purpose address registries
// (RFC 6890, as updated) that are not globally reachable or stand for another
// address, and a cloud provider's metadata service on a public address.
type Guard struct {
	// AllowDocumentation lets 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24
	// (RFC 5737), 2001:db8::/32 (RFC 3849) and 3fff::/20 (RFC 9637) through.
	// The lab's hosts live there, behind a dialer that maps them to loopback;
	// on the Internet nothing does.
	AllowDocumentation bool
	// Trusted is one address and port that the operator named by hand, such as a
	// mirror in the own network: it is dialled whatever it is. Check refuses it
	// all the same.
	Trusted netip.AddrPort
}

// refusedRange is a block and why nothing in it is reached.
type refusedRange struct {
	prefix        netip.Prefix
	why           string
	documentation bool
}

// refusedRanges is read-only. The first match gives the reason.
var refusedRanges = []refusedRange{
	{netip.MustParsePrefix("169.254.169.254/32"), "cloud metadata", false},
	{netip.MustParsePrefix("168.63.129.16/32"), "cloud metadata", false}, // Azure's platform address, public by number only
	{netip.MustParsePrefix("100.100.100.200/32"), "cloud metadata", false},
	{netip.MustParsePrefix("fd00:ec2::254/128"), "cloud metadata", false},

	{netip.MustParsePrefix("0.0.0.0/8"), "this network (RFC 791)", false},
	{netip.MustParsePrefix("10.0.0.0/8"), "private (RFC 1918)", false},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared, carrier-grade NAT (RFC 6598)", false},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback", false},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local (RFC 3927)", false},
	{netip.MustParsePrefix("172.16.0.0/12"), "private (RFC 1918)", false},
	{netip.MustParsePrefix("192.0.0.0/24"), "IETF protocol assignments (RFC 6890)", false},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation (RFC 5737)", true},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay (RFC 7526)", false},
	{netip.MustParsePrefix("192.168.0.0/16"), "private (RFC 1918)", false},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking (RFC 2544)", false},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation (RFC 5737)", true},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation (RFC 5737)", true},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast", false},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast", false},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved (RFC 1112)", false},

	{netip.MustParsePrefix("::/128"), "unspecified", false},
	{netip.MustParsePrefix("::1/128"), "loopback", false},
	{netip.MustParsePrefix("::/96"), "IPv4-compatible (RFC 4291)", false},
	{netip.MustParsePrefix("::ffff:0:0/96"), "IPv4-mapped (RFC 4291)", false},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "IPv4-translated (RFC 2765)", false},
	{netip.MustParsePrefix("64:ff9b::/96"), "NAT64 (RFC 6052)", false},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "NAT64 (RFC 8215)", false},
	{netip.MustParsePrefix("100::/64"), "discard (RFC 6666)", false},
	{netip.MustParsePrefix("2001::/32"), "Teredo (RFC 4380)", false},
	{netip.MustParsePrefix("2001:2::/48"), "benchmarking (RFC 5180)", false},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation (RFC 3849)", true},
	{netip.MustParsePrefix("2001::/23"), "IETF protocol assignments (RFC 2928)", false},
	{netip.MustParsePrefix("2002::/16"), "6to4 (RFC 3056)", false},
	{netip.MustParsePrefix("3fff::/20"), "documentation (RFC 9637)", true},
	{netip.MustParsePrefix("5f00::/16"), "segment routing (RFC 9602)", false},
	{netip.MustParsePrefix("fc00::/7"), "unique local (RFC 4193)", false},
	{netip.MustParsePrefix("fe80::/10"), "link-local (RFC 4291)", false},
	{netip.MustParsePrefix("fec0::/10"), "site-local (RFC 3879)", false},
	{netip.MustParsePrefix("ff00::/8"), "multicast", false},
}

// globalUnicast is all IPv6 space IANA gives out as such. What lies outside
// is not reached, listed above or not.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// Check says why a must not be reached, as a problem.Refused error, or nil.
// An IPv4 address inside an IPv6 one is never unwrapped: every such form is
// refused.
func (g Guard) Check(a netip.Addr) error {
	if !a.IsValid() {
		return problem.New(problem.Refused, "there is no address")
	}
	if a.Zone() != "" {
		return problem.New(problem.Refused, "%s has a zone, so it is not a public address", a)
	}
	for _, r := range refusedRanges {
		if r.prefix.Contains(a) {
			if r.documentation && g.AllowDocumentation {
				return nil
			}
			return problem.New(problem.Refused, "%s is not a public address: %s", a, r.why)
		}
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return problem.New(problem.Refused, "%s is outside the IPv6 global unicast space", a)
	}
	return nil
}

// Use is what a connection is for. It decides the ports.
type Use int

// The uses.
const (
	UseDNS   Use = iota // port 53, and those of the configured root servers
	UseWeb              // any port but those of other protocols
	UseMail             // 25, 465, 587 and 2525
	UseWHOIS            // 43
)

// notWeb are ports on which a web request would speak to something else: the
// bad ports of the Fetch standard (section 2.9), and those of data bases,
// caches and remote control, so that no page can make the centre write to a
// stranger's service.
var notWeb = map[uint16]bool{
	0: true, 1: true, 7: true, 9: true, 11: true, 13: true, 15: true, 17: true, 19: true, 20: true, 21: true, 22: true,
	23: true, 25: true, 37: true, 42: true, 43: true, 53: true, 69: true, 77: true, 79: true, 87: true, 95: true,
	101: true, 102: true, 103: true, 104: true, 109: true, 110: true, 111: true, 113: true, 115: true, 117: true,
	119: true, 123: true, 135: true, 137: true, 139: true, 143: true, 161: true, 179: true, 389: true, 427: true,
	445: true, 465: true, 512: true, 513: true, 514: true, 515: true, 526: true, 530: true, 531: true, 532: true,
	540: true, 548: true, 554: true, 556: true, 563: true, 587: true, 601: true, 636: true, 873: true, 989: true,
	990: true, 993: true, 995: true, 1433: true, 1521: true, 1719: true, 1720: true, 1723: true, 2049: true,
	2375: true, 3306: true, 3389: true, 3659: true, 4045: true, 4190: true, 5060: true, 5061: true, 5432: true,
	5900: true, 6000: true, 6379: true, 6566: true, 6665: true, 6666: true, 6667: true, 6668: true, 6669: true,
	6679: true, 6697: true, 10080: true, 11211: true, 27017: true,
}

// CheckPort says why port must not be used for use, as a problem.Refused
// error, or nil.
func (g Guard) CheckPort(use Use, port uint16) error {
	ok := false
	switch use {
	case UseDNS:
		ok = port == 53
	case UseWeb:
		ok = !notWeb[port]
	case UseMail:
		ok = port == 25 || port == 465 || port == 587 || port == 2525
	case UseWHOIS:
		ok = port == 43
	}
	if !ok {
		return problem.New(problem.Refused, "port %d is not used for this", port)
	}
	return nil
}
