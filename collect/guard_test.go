package collect

import (
	"context"
	"net/netip"
	"testing"

	"bailiwick/problem"

	"pgregory.net/rapid"
)

func TestGuardAddresses(t *testing.T) {
	for _, c := range []struct {
		addr string
		ok   bool // through the strict guard
		docs bool // through one that allows documentation
	}{
		{"1.1.1.1", true, true}, {"8.8.8.8", true, true}, {"198.41.0.4", true, true}, {"100.63.255.255", true, true},
		{"100.128.0.0", true, true}, {"172.15.255.255", true, true}, {"172.32.0.0", true, true}, {"223.255.255.255", true, true},
		{"192.0.1.0", true, true}, {"198.17.255.255", true, true}, {"198.20.0.0", true, true}, {"11.0.0.1", true, true},
		{"2606:4700:4700::1111", true, true}, {"2a00:1450:4001::1", true, true}, {"2001:500:2::c", true, true}, {"2001:200::1", true, true},

		{"192.0.2.1", false, true}, {"198.51.100.255", false, true}, {"203.0.113.9", false, true}, {"2001:db8::1", false, true}, {"3fff::1", false, true},

		{"0.0.0.0", false, false}, {"0.1.2.3", false, false}, {"10.0.0.1", false, false}, {"10.255.255.255", false, false},
		{"100.64.0.1", false, false}, {"100.127.255.255", false, false}, {"100.100.100.200", false, false},
		{"127.0.0.1", false, false}, {"127.255.0.1", false, false}, {"169.254.0.1", false, false}, {"169.254.169.254", false, false},
		{"168.63.129.16", false, false}, {"172.16.0.1", false, false}, {"172.31.255.255", false, false}, {"192.0.0.1", false, false},
		{"192.0.0.192", false, false}, {"192.88.99.1", false, false}, {"192.168.1.1", false, false}, {"198.18.0.1", false, false},
		{"198.19.255.255", false, false}, {"224.0.0.1", false, false}, {"239.255.255.255", false, false}, {"240.0.0.1", false, false},
		{"255.255.255.255", false, false},

		{"::", false, false}, {"::1", false, false}, {"::8.8.8.8", false, false}, {"::ffff:8.8.8.8", false, false},
		{"::ffff:127.0.0.1", false, false}, {"::ffff:192.0.2.1", false, false}, {"::ffff:0:8.8.8.8", false, false},
		{"64:ff9b::8.8.8.8", false, false}, {"64:ff9b::10.0.0.1", false, false}, {"64:ff9b:1::1", false, false},
		{"100::1", false, false}, {"100:0:0:1::1", false, false}, {"2001::1", false, false}, {"2001:0:4136:e378::1", false, false},
		{"2001:2::1", false, false}, {"2001:10::1", false, false}, {"2001:20::1", false, false}, {"2002:7f00:1::", false, false},
		{"2002:808:808::1", false, false}, {"4000::1", false, false}, {"5f00::1", false, false}, {"fc00::1", false, false},
		{"fd00:ec2::254", false, false}, {"fdff::1", false, false}, {"fe80::1", false, false}, {"fe80::1%eth0", false, false},
		{"2606:4700:4700::1111%eth0", false, false}, {"fec0::1", false, false}, {"ff02::1", false, false},
	} {
		a := netip.MustParseAddr(c.addr)
		if err := (Guard{}).Check(a); (err == nil) != c.ok {
			t.Errorf("strict, %s: %v", c.addr, err)
		} else if err != nil && problem.CodeOf(err) != problem.Refused {
			t.Errorf("%s: code %q", c.addr, problem.CodeOf(err))
		}
		if err := (Guard{AllowDocumentation: true}).Check(a); (err == nil) != c.docs {
			t.Errorf("with documentation, %s: %v", c.addr, err)
		}
	}
	if (Guard{}).Check(netip.Addr{}) == nil {
		t.Error("no address passes")
	}
}

// TestGuardRanges draws addresses inside every refused block, and IPv4 ones in
// every IPv6 form that can hold one.
func TestGuardRanges(t *testing.T) {
	carriers := []string{"::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "2002::", "2001::"}
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom(refusedRanges).Draw(t, "range")
		b := r.prefix.Addr().AsSlice()
		fill := rapid.SliceOfN(rapid.Byte(), len(b), len(b)).Draw(t, "host")
		for i := range b {
			mask := byte(0xff)
			switch bits := r.prefix.Bits() - 8*i; {
			case bits >= 8:
				mask = 0
			case bits > 0:
				mask = 0xff >> bits
			}
			b[i] |= fill[i] & mask
		}
		a, _ := netip.AddrFromSlice(b)
		if !r.prefix.Contains(a) {
			t.Fatalf("%s is not in %s", a, r.prefix)
		}
		if (Guard{}).Check(a) == nil {
			t.Fatalf("%s of %s passes the strict guard", a, r.prefix)
		}
		if !r.documentation && (Guard{AllowDocumentation: true}).Check(a) == nil {
			t.Fatalf("%s of %s passes", a, r.prefix)
		}
		v4 := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4")
		carrier := rapid.SampledFrom(carriers).Draw(t, "carrier")
		w := netip.MustParseAddr(carrier).As16()
		if carrier == "2002::" {
			copy(w[2:], v4)
		} else {
			copy(w[12:], v4)
		}
		if (Guard{AllowDocumentation: true}).Check(netip.AddrFrom16(w)) == nil {
			t.Fatalf("%s passes", netip.AddrFrom16(w))
		}
	})
}

func TestGuardPorts(t *testing.T) {
	for _, c := range []struct {
		use  Use
		port uint16
		ok   bool
	}{
		{UseDNS, 53, true}, {UseDNS, 80, false}, {UseDNS, 5353, false},
		{UseWeb, 80, true}, {UseWeb, 443, true}, {UseWeb, 8080, true}, {UseWeb, 8443, true}, {UseWeb, 49152, true}, {UseWeb, 81, true},
		{UseWeb, 0, false}, {UseWeb, 22, false}, {UseWeb, 25, false}, {UseWeb, 53, false}, {UseWeb, 587, false}, {UseWeb, 6379, false}, {UseWeb, 11211, false},
		{UseMail, 25, true}, {UseMail, 465, true}, {UseMail, 587, true}, {UseMail, 2525, true}, {UseMail, 80, false}, {UseMail, 22, false},
		{UseWHOIS, 43, true}, {UseWHOIS, 53, false}, {UseWHOIS, 80, false}, {UseWHOIS, 4343, false}, {UseWeb, 43, false}, {UseDNS, 43, false}, {UseMail, 43, false},
	} {
		if err := (Guard{}).CheckPort(c.use, c.port); (err == nil) != c.ok {
			t.Errorf("use %d, port %d: %v", c.use, c.port, err)
		}
	}
}

func TestDialGuarded(t *testing.T) {
	w := newWorld(t)
	w.internet("evil.test. 60 IN NS ns.evil.test.", "ns.evil.test. 60 IN A 203.0.113.3")
	w.dns("203.0.113.3", zoneOf(t, "evil.test.", "mx.evil.test. 60 IN A 127.0.0.1"))
	w.raw("192.0.2.25:25", nothing)
	c := w.collector()
	for _, c2 := range []struct {
		network, address string
		code             problem.Code
	}{
		{"tcp", "192.0.2.25:25", ""},
		{"tcp", "mx1.shop.test:25", ""},
		{"tcp", "mx.evil.test:25", problem.Refused},
		{"tcp", "127.0.0.1:25", problem.Refused},
		{"tcp", "[::ffff:192.0.2.25]:25", problem.Refused},
		{"tcp", "192.0.2.25:22", problem.Refused},
		{"tcp", "192.0.2.26:25", problem.Unavailable},
		{"tcp", "nobody.shop.test:25", problem.Unavailable},
		{"udp", "192.0.2.25:25", problem.Invalid},
		{"tcp", "192.0.2.25", problem.Invalid},
		{"tcp", "192.0.2.25:smtp", problem.Invalid},
	} {
		conn, err := c.DialGuarded(context.Background(), c2.network, c2.address)
		if c2.code == "" {
			if err != nil {
				t.Errorf("%s: %v", c2.address, err)
			} else {
				conn.Close()
			}
		} else if err == nil || problem.CodeOf(err) != c2.code {
			t.Errorf("%s: %v, want %s", c2.address, err, c2.code)
		}
	}
	for _, d := range w.dialled {
		a := netip.MustParseAddrPort(d.address)
		if (Guard{AllowDocumentation: true}).Check(a.Addr()) != nil {
			t.Errorf("%s was dialled", d.address)
		}
	}
}

func BenchmarkGuard(b *testing.B) {
	a := netip.MustParseAddr("2606:4700:4700::1111")
	b.ReportAllocs()
	for b.Loop() {
		if (Guard{}).Check(a) != nil {
			b.Fatal("refused")
		}
	}
}
