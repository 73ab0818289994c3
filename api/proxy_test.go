package api

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"bailiwick/problem"
)

func TestProxies(t *testing.T) {
	trusted, err := ParseProxies([]string{"192.0.2.0/28", " 2001:db8:1::/48", "::ffff:198.51.100.7/128"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name      string
		peer      string
		x         []string // X-Forwarded-For, line by line
		forwarded []string
		want      string // the address that counts
	}{
		{"no header", "192.0.2.1:1234", nil, nil, "192.0.2.1"},
		{"a stranger's word", "203.0.113.9:1", []string{"198.18.0.1"}, nil, "203.0.113.9"},
		{"a stranger's word, the other header", "203.0.113.9:1", nil, []string{"for=198.18.0.1"}, "203.0.113.9"},
		{"a stranger who names a proxy", "203.0.113.9:1", []string{"192.0.2.1"}, nil, "203.0.113.9"},
		{"one hop", "192.0.2.1:1", []string{"203.0.113.9"}, nil, "203.0.113.9"},
		{"what the client wrote before", "192.0.2.1:1", []string{"198.18.0.1, 203.0.113.9"}, nil, "203.0.113.9"},
		{"in a line of its own", "192.0.2.1:1", []string{"198.18.0.1", "203.0.113.9"}, nil, "203.0.113.9"},
		{"a line after it", "192.0.2.1:1", []string{"203.0.113.9", "198.18.0.1"}, nil, "198.18.0.1"},
		{"two proxies", "192.0.2.1:1", []string{"198.18.0.1, 203.0.113.9, 192.0.2.2"}, nil, "203.0.113.9"},
		{"a client who names a proxy first", "192.0.2.1:1", []string{"192.0.2.3, 203.0.113.9"}, nil, "203.0.113.9"},
		{"proxies all the way", "192.0.2.1:1", []string{"192.0.2.3, 192.0.2.2"}, nil, "192.0.2.3"},
		{"a mapped proxy", "[::ffff:192.0.2.1]:1", []string{"203.0.113.9"}, nil, "203.0.113.9"},
		{"a network in the mapped form", "198.51.100.7:1", []string{"203.0.113.9"}, nil, "203.0.113.9"},
		{"outside the network", "192.0.2.16:1", []string{"203.0.113.9"}, nil, "192.0.2.16"},
		{"with a port", "192.0.2.1:1", []string{"203.0.113.9:4711"}, nil, "203.0.113.9"},
		{"IPv6", "[2001:db8:1::1]:1", []string{"2001:db8:2::9"}, nil, "2001:db8:2::9"},
		{"IPv6 with a port", "192.0.2.1:1", []string{"[2001:db8:2::9]:4711"}, nil, "2001:db8:2::9"},
		{"IPv6 in brackets", "192.0.2.1:1", []string{"[2001:db8:2::9]"}, nil, "2001:db8:2::9"},
		{"IPv6 with a zone", "192.0.2.1:1", []string{"fe80::1%eth0"}, nil, "fe80::1"},
		{"mapped", "192.0.2.1:1", []string{"::ffff:203.0.113.9"}, nil, "203.0.113.9"},
		{"garbage at the end", "192.0.2.1:1", []string{"203.0.113.9, unknown"}, nil, "192.0.2.1"},
		{"garbage behind a proxy", "192.0.2.1:1", []string{"198.18.0.1, ?, 192.0.2.2"}, nil, "192.0.2.2"},
		{"garbage before the client", "192.0.2.1:1", []string{"<script>, , 203.0.113.9"}, nil, "203.0.113.9"},
		{"empty", "192.0.2.1:1", []string{""}, nil, "192.0.2.1"},
		{"IPv4 in brackets", "192.0.2.1:1", []string{"[203.0.113.9]"}, nil, "192.0.2.1"},
		{"leading zeros", "192.0.2.1:1", []string{"203.0.113.09"}, nil, "192.0.2.1"},
		{"Forwarded", "192.0.2.1:1", nil, []string{`for=198.18.0.1;proto=https, For="[2001:db8:2::9]:4711";by=192.0.2.1`}, "2001:db8:2::9"},
		{"Forwarded in two lines", "192.0.2.1:1", nil, []string{"for=198.18.0.1", "for=203.0.113.9"}, "203.0.113.9"},
		{"Forwarded, hidden", "192.0.2.1:1", nil, []string{"for=203.0.113.9, for=_hidden"}, "192.0.2.1"},
		{"Forwarded, unknown", "192.0.2.1:1", nil, []string{"for=unknown"}, "192.0.2.1"},
		{"Forwarded without for", "192.0.2.1:1", nil, []string{"for=203.0.113.9, by=192.0.2.1"}, "192.0.2.1"},
		{"Forwarded with two", "192.0.2.1:1", nil, []string{"for=198.18.0.1;for=203.0.113.9"}, "192.0.2.1"},
		{"Forwarded, a comma in quotes", "192.0.2.1:1", nil, []string{`for=203.0.113.9;host="a,for=198.18.0.1"`}, "203.0.113.9"},
		{"Forwarded, quotes that do not end", "192.0.2.1:1", nil, []string{`for=203.0.113.9;host="a, for=198.18.0.1`}, "203.0.113.9"},
		{"Forwarded, an escaped quote", "192.0.2.1:1", nil, []string{`host="\",for=198.18.0.1,";for=203.0.113.9`}, "203.0.113.9"},
		{"both, and they agree", "192.0.2.1:1", []string{"203.0.113.9"}, []string{"for=203.0.113.9"}, "203.0.113.9"},
		{"both, and one is the client's own", "192.0.2.1:1", []string{"203.0.113.9"}, []string{"for=198.18.0.1"}, "192.0.2.1"},
		{"a long list", "192.0.2.1:1", []string{strings.Repeat("198.18.0.1,", 5000) + "203.0.113.9"}, nil, "203.0.113.9"},
		{"more proxies than anybody has", "192.0.2.1:1", []string{"203.0.113.9" + strings.Repeat(",192.0.2.2", 100)}, nil, "192.0.2.2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tc.peer
			for _, v := range tc.x {
				r.Header.Add("x-forwarded-for", v)
			}
			for _, v := range tc.forwarded {
				r.Header.Add("forwarded", v)
			}
			got := ""
			trusted.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = address(r.RemoteAddr).String() })).ServeHTTP(nil, r)
			if got != tc.want {
				t.Errorf("%s counts, not %s", got, tc.want)
			}
			if r.RemoteAddr != tc.peer {
				t.Error("the request itself was changed")
			}
		})
	}
	// Without proxies nothing is believed.
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	Proxies(nil).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.RemoteAddr != "127.0.0.1:1" {
			t.Errorf("%s is believed", r.RemoteAddr)
		}
	})).ServeHTTP(nil, r)
	for _, bad := range []string{"", "192.0.2.1", "192.0.2.0/33", "everybody"} {
		if _, err := ParseProxies([]string{bad}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestScope: idempotency keys of senders without a key belong to an address,
// not to a port.
func TestScope(t *testing.T) {
	for _, tc := range [][2]string{{"192.0.2.1:5", "192.0.2.1:6"}, {"[2001:db8::1]:5", "[2001:db8::1]:0"}} {
		if scopeOf(tc[0]) != scopeOf(tc[1]) {
			t.Errorf("%q and %q differ", scopeOf(tc[0]), scopeOf(tc[1]))
		}
	}
	if scopeOf("192.0.2.1:5") == scopeOf("192.0.2.2:5") {
		t.Error("two addresses are one")
	}
}

// FuzzProxies: whatever a header holds, the address that counts is the peer's
// or one that the header names, and a stranger's header counts for nothing.
func FuzzProxies(f *testing.F) {
	f.Add("203.0.113.9, 192.0.2.2", `for="[2001:db8::9]:1";by=_x, for=unknown`)
	f.Add(",", `;,"\`)
	trusted, stranger := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("203.0.113.1")
	p := Proxies{netip.MustParsePrefix("192.0.2.0/24")}
	f.Fuzz(func(t *testing.T, x, standard string) {
		for _, h := range []http.Header{{"X-Forwarded-For": {x}}, {"Forwarded": {standard}}, {"X-Forwarded-For": {x}, "Forwarded": {standard}}, {"Forwarded": {standard, x}}} {
			if a := p.client(stranger, h); a != stranger {
				t.Errorf("a stranger is taken for %s", a)
			}
			if a := p.client(trusted, h); !a.IsValid() || a.Zone() != "" || a.Is4In6() {
				t.Errorf("%v is no address to count", a)
			}
		}
	})
}
