package centre_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/store"
)

// TestTarpit: a mail server that takes a connection and says nothing holds up its
// own domain, and nobody else's.
func TestTarpit(t *testing.T) {
	var hang atomic.Bool
	hung := make(chan net.Conn, 10)
	r, _, to := newVerifier(t, engines[0].dsn(t, false), nil, func(w *app.World) {
		inner := w.Dial
		w.Dial = func(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error) {
			if strings.HasSuffix(address, ":25") && hang.Load() {
				near, far := net.Pipe()
				hung <- far
				return near, nil
			}
			return inner(ctx, source, network, address)
		}
	})
	ctx := t.Context()
	open := func(name, to string) string {
		return "verify." + r.open(centre.VerificationDraft{Name: name, Email: to}).ID + ".1"
	}
	slow, same, other := open("aurora-b.shopx", to), open("aurora-c.shopx", to), open("aurora-d.shopx", "abuse@mute-names.example")
	hang.Store(true)
	over := make(chan error)
	go func() { over <- r.Centre.Deliver(ctx, []string{slow}) }()
	far := <-hung
	hang.Store(false)
	if err := r.Centre.Deliver(ctx, []string{same, other}); err != nil {
		t.Fatal(err)
	}
	if a, b, c := r.notice(slow).State, r.notice(same).State, r.notice(other).State; a != store.NoticeIntended || b != store.NoticeDue || c != store.NoticeAccepted {
		t.Errorf("while its domain says nothing: %s, the next to it %s, another's %s", a, b, c)
	}
	hang.Store(true) // and the domain's other servers, if it has any
	far.Close()
	go func() {
		for c := range hung {
			c.Close()
		}
	}()
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	hang.Store(false)
	close(hung)
	if n := r.notice(slow); n.State != store.NoticeDue || !n.Due.After(r.clock.Now()) {
		t.Errorf("afterwards: %s, due %s", n.State, n.Due)
	}
	if err := r.Centre.Deliver(ctx, []string{same}); err != nil || r.notice(same).State != store.NoticeAccepted {
		t.Errorf("the next: %s %v", r.notice(same).State, err)
	}
}
