package name

import "net/netip"

// reservedNets are the blocks of the IANA special-purpose address registries
// that no outsider can act on, with what they are. The documentation blocks
// (RFC 5737, RFC 3849) are left out on purpose: they stand for real hosts in
// the lab and in published samples.
var reservedNets = []struct {
	net netip.Prefix
	why string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "an address of \"this network\" (RFC 791)"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address (RFC 1918)"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a shared address behind carrier NAT (RFC 6598)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address (RFC 1122)"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address (RFC 3927)"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address (RFC 1918)"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a protocol assignment (RFC 6890)"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a 6to4 relay address (RFC 7526)"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address (RFC 1918)"},
	{netip.MustParsePrefix("198.18.0.0/15"), "a benchmarking address (RFC 2544)"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address (RFC 5771)"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address (RFC 1112)"},
	{netip.MustParsePrefix("::/128"), "the unspecified address (RFC 4291)"},
	{netip.MustParsePrefix("::1/128"), "the loopback address (RFC 4291)"},
	{netip.MustParsePrefix("::ffff:0:0/96"), "an IPv4-mapped address (RFC 4291)"},
	{netip.MustParsePrefix("64:ff9b::/96"), "a NAT64 address (RFC 6052)"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a local NAT64 address (RFC 8215)"},
	{netip.MustParsePrefix("100::/64"), "a discard-only address (RFC 6666)"},
	{netip.MustParsePrefix("2001::/32"), "a Teredo address (RFC 4380)"},
	{netip.MustParsePrefix("2001:2::/48"), "a benchmarking address (RFC 5180)"},
	{netip.MustParsePrefix("2001:10::/28"), "an ORCHID, not an address (RFC 4843)"},
	{netip.MustParsePrefix("2001:20::/28"), "an ORCHID, not an address (RFC 7343)"},
	{netip.MustParsePrefix("2002::/16"), "a 6to4 address (RFC 3056)"},
	{netip.MustParsePrefix("5f00::/16"), "a segment routing identifier (RFC 9602)"},
	{netip.MustParsePrefix("fc00::/7"), "a private address (RFC 4193)"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address (RFC 4291)"},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address (RFC 3879)"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address (RFC 4291)"},
}

// Reserved says what a is when no outsider can act on it or should connect to
// it ("a private address (RFC 1918)"), or "" for an address of the public
// Internet. A mapped address is judged as the IPv4 address it holds. An address
// with a zone is link-local in meaning, whatever its bits.
func Reserved(a netip.Addr) string {
	if !a.IsValid() {
		return "no address"
	}
	if a.Zone() != "" {
		return "an address of one link only (RFC 4007)"
	}
	a = a.Unmap()
	for i := range reservedNets {
		if reservedNets[i].net.Contains(a) {
			return reservedNets[i].why
		}
	}
	return ""
}

// specialNames are names that the public DNS does not delegate to anybody (RFC
// 6761 and the registry it made). "example", "test" and "invalid" are not among
// them: samples and the lab use them.
var specialNames = []struct{ name, why string }{
	{"localhost", "a name of the machine itself (RFC 6761)"},
	{"local", "a multicast DNS name (RFC 6762)"},
	{"internal", "a name for private use"},
	{"onion", "a Tor service name (RFC 7686)"},
	{"alt", "a name outside the DNS (RFC 9476)"},
	{"home.arpa", "a home network name (RFC 8375)"},
	{"in-addr.arpa", "a reverse mapping name (RFC 1035)"},
	{"ip6.arpa", "a reverse mapping name (RFC 3596)"},
}

// SpecialUse says what d is when nobody in the public DNS has authority over
// it, or "".
func SpecialUse(d Domain) string {
	for i := range specialNames {
		if d.Under(Domain{specialNames[i].name}) {
			return specialNames[i].why
		}
	}
	return ""
}
