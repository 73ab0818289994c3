package inbox

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"bailiwick/mail"
	"bailiwick/name"
	"bailiwick/notify/email"
)

// TestOurOwnMail: what we sign and send passes every check at another inbox,
// and a receipt has the null sender.
func TestOurOwnMail(t *testing.T) {
	for _, kind := range []string{email.KeyEd25519, email.KeyRSA} {
		t.Run(kind, func(t *testing.T) {
			key, err := email.NewDKIMKey(kind)
			if err != nil {
				t.Fatal(err)
			}
			signer, err := email.NewSigner("centre.example", "s2026", key)
			if err != nil {
				t.Fatal(err)
			}
			z := newZone()
			owner, value := signer.Record()
			z.txt(t, owner, value)
			z.txt(t, "centre.example", "v=spf1 -all")
			z.txt(t, "_dmarc.centre.example", "v=DMARC1; p=reject; adkim=s")
			b := &box{}
			_, addr := serve(t, b, func(c *Config) {
				c.Resolver, c.TLS = z.resolver(t), certificate(t)
				c.Remote = func(net.Conn) netip.Addr { return netip.MustParseAddr("192.0.2.10") }
			})
			out, err := email.New(email.SenderConfig{Hello: "mail.centre.example",
				MX: func(context.Context, name.Domain) ([]netip.AddrPort, error) {
					return []netip.AddrPort{netip.MustParseAddrPort("192.0.2.25:25")}, nil
				},
				Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
					var d net.Dialer
					return d.DialContext(ctx, network, addr)
				}})
			if err != nil {
				t.Fatal(err)
			}
			secret := []byte("0123456789abcdef")
			m, err := email.ComposeReceipt(email.Receipt{ID: "01KXA7Q0M4ZC9V5T3R8W2YH6NB", To: "desk@good.example", MessageID: "<1@good.example>", Date: start,
				URLs: []name.URL{must(name.ParseURL("https://bad.example/ä"))}, CentreName: "Größte CERT"},
				email.ComposeOptions{From: "soc@centre.example", FromName: "Größte CERT", ReplyTo: email.ReceiptAddress(secret, "reply.centre.example", "01KXA7Q0M4ZC9V5T3R8W2YH6NB"), DKIM: signer})
			if err != nil {
				t.Fatal(err)
			}
			if r := out.Send(t.Context(), m); !r.Accepted {
				t.Fatalf("%+v", r)
			}
			got := b.letters()
			if len(got) != 1 || got[0].raw != string(m.Raw) || got[0].env.From != "" || !got[0].env.TLS {
				t.Fatalf("%+v", got)
			}
			if g, want := brief(got[0].env.Auth), "spf=none mail.centre.example dkim=pass centre.example dmarc=pass from=centre.example wants=reject"; g != want {
				t.Errorf("%s\n%+v", g, got[0].env.Auth)
			}
		})
	}
}

// BenchmarkAccept is mails of 5 kB taken over loopback, several on each of 4
// connections, by a receiver that does nothing.
func BenchmarkAccept(b *testing.B) {
	_, addr := serve(b, nothing{})
	text := "From: Desk <desk@good.example>\r\nTo: abuse@centre.example\r\nSubject: a report\r\n\r\n" + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 68)
	mail := []byte("MAIL FROM:<desk@good.example>\r\nRCPT TO:<abuse@centre.example>\r\nDATA\r\n" + text + ".\r\n")
	b.SetParallelism(2)
	b.SetBytes(int64(len(text)))
	b.RunParallel(func(p *testing.PB) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		line := func(want string) {
			for {
				l, err := r.ReadString('\n')
				if err != nil || !strings.HasPrefix(l, want) {
					b.Errorf("%q %v", l, err)
					return
				}
				if l[3] == ' ' {
					return
				}
			}
		}
		line("220")
		fmt.Fprintf(c, "EHLO a.example\r\n")
		line("250")
		for p.Next() {
			if _, err := c.Write(mail); err != nil {
				b.Error(err)
				return
			}
			for _, w := range []string{"250", "250", "354", "250"} {
				line(w)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

type nothing struct{}

func (nothing) Recipient(context.Context, string, string) error      { return nil }
func (nothing) Receive(context.Context, mail.Envelope, []byte) error { return nil }

// BenchmarkCheck is one mail's sender checks with a DNS that answers at once.
func BenchmarkCheck(b *testing.B) {
	z := newZone()
	k := edKey(b)
	z.txt(b, "good.example", "v=spf1 ip4:192.0.2.10 -all")
	z.txt(b, "ed._domainkey.good.example", k.record)
	z.txt(b, "_dmarc.good.example", "v=DMARC1; p=reject")
	s, err := New(Config{Domain: "mx.centre.example", Resolver: z.resolver(b)}, nothing{})
	if err != nil {
		b.Fatal(err)
	}
	msg := []byte(sign(b, "From: a@good.example\r\nTo: b@centre.example\r\nSubject: x\r\n\r\n"+strings.Repeat(strings.Repeat("x", 70)+"\r\n", 68), k, "good.example", "ed"))
	env := mail.Envelope{Remote: netip.MustParseAddr("192.0.2.10"), Hello: "good.example", From: "a@good.example", At: time.Now()}
	for b.Loop() {
		if a := s.check(b.Context(), env, scan(msg), msg); !a.Authentic() {
			b.Fatalf("%+v", a)
		}
	}
}
