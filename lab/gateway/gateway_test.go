package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"testing"
)

func TestSourceOf(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	known := netip.MustParseAddrPort("127.0.0.1:2525")
	go func() {
		_ = ServeMail(l, func(context.Context, netip.Addr, string, string) (net.Conn, error) { return nil, errors.New("no") },
			func(a netip.AddrPort) (netip.Addr, bool) {
				return netip.MustParseAddr("192.0.2.7"), a == known
			}, json.RawMessage(`{}`))
	}()
	c, _, err := Connect(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := c.SourceOf(t.Context(), known); !ok || a.String() != "192.0.2.7" {
		t.Errorf("%v %v", a, ok)
	}
	if a, ok := c.SourceOf(t.Context(), netip.MustParseAddrPort("127.0.0.1:2526")); ok {
		t.Errorf("%v", a)
	}
}
