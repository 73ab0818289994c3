package inbox

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/mail"
	"bailiwick/problem"
)

func TestDialogue(t *testing.T) {
	b := &box{recipient: func(_, to string) error {
		switch {
		case strings.HasPrefix(to, "abuse@"), strings.HasPrefix(to, "second@"):
			return nil
		case strings.HasPrefix(to, "nobody@"):
			return problem.New(problem.NotFound, "nobody has this address\r\n250 but\u202e naïve")
		case strings.HasPrefix(to, "full@"):
			return problem.New(problem.TooLarge, "no room")
		case strings.HasPrefix(to, "fast@"):
			return problem.New(problem.RateLimited, "slowly")
		case strings.HasPrefix(to, "down@"):
			return problem.New(problem.Unavailable, "the store is away")
		case strings.HasPrefix(to, "bad@"):
			return problem.BadField("to", "is no address of ours")
		case strings.HasPrefix(to, "bug@"):
			return errors.New("row 7 of table mails")
		}
		return problem.New(problem.Refused, "no mail is relayed here")
	}}
	_, addr := serve(t, b)
	k := dial(t, addr)
	caps := k.say("EHLO [192.0.2.7]", "250")
	for _, c := range []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE 26214401", "LIMITS RCPTMAX=100"} {
		if !strings.Contains(caps, "\n"+c) {
			t.Errorf("%s is not offered: %s", c, caps)
		}
	}
	if strings.Contains(caps, "AUTH") || strings.Contains(caps, "STARTTLS") {
		t.Errorf("too much is offered: %s", caps)
	}
	// Nothing is told of who has an address here.
	if a, b := k.say("VRFY abuse", "252"), k.say("VRFY nobody", "252"); a != b {
		t.Errorf("VRFY tells: %q %q", a, b)
	}
	k.say("EXPN all", "502")
	k.say("AUTH PLAIN", "5")
	k.say("RCPT TO:<abuse@centre.example>", "502")
	k.say("DATA", "502")
	k.say("MAIL FROM:<>", "250")
	for to, want := range map[string]string{
		"nobody@centre.example": "550 5.1.1 nobody has this address 250 but na?ve", "full@centre.example": "452 4.2.2 no room", "fast@centre.example": "450 4.7.1 slowly",
		"down@centre.example": "451 4.3.0 the store is away", "bad@centre.example": "553 5.1.3", "bug@centre.example": "451 4.3.0 internal error", "someone@elsewhere.example": "550 5.7.1 no mail is relayed",
	} {
		if got := k.say("RCPT TO:<"+to+">", want); strings.Contains(got, "table") {
			t.Errorf("internals leak: %s", got)
		}
	}
	// One bad recipient does not stop the others, and one twice is one.
	k.say("RCPT TO:<abuse@centre.example>", "250")
	k.say("RCPT TO:<abuse@centre.example>", "250")
	k.say("RCPT TO:<second@centre.example>", "250")
	k.say("DATA", "354")
	k.send("Subject: x\r\n\r\n..dot\r\n.\r\n")
	k.want("250 2.0.0")
	k.say("QUIT", "221")
	got := b.letters()
	if len(got) != 1 {
		t.Fatalf("%d mails", len(got))
	}
	e := got[0].env
	if e.From != "" || strings.Join(e.To, " ") != "abuse@centre.example second@centre.example" || e.Hello != "[192.0.2.7]" || e.TLS || !e.Remote.IsLoopback() || !e.At.Equal(start) {
		t.Errorf("%+v", e)
	}
	if got[0].raw != "Subject: x\r\n\r\n.dot\r\n" {
		t.Errorf("%q", got[0].raw)
	}
}

// TestPipelining: everything at once, two mails, one address of them bad.
func TestPipelining(t *testing.T) {
	b := &box{recipient: func(_, to string) error {
		if strings.HasPrefix(to, "nobody") {
			return problem.New(problem.NotFound, "nobody")
		}
		return nil
	}}
	_, addr := serve(t, b)
	k := dial(t, addr)
	k.send("EHLO a.example\r\nMAIL FROM:<a@good.example>\r\nRCPT TO:<nobody@centre.example>\r\nRCPT TO:<x@centre.example>\r\nDATA\r\n" + plainMail + ".\r\n" +
		"MAIL FROM:<> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<größe@centre.example>\r\nDATA\r\nSubject: grün\r\n\r\n\xff\r\n.\r\nQUIT\r\n")
	for _, w := range []string{"250", "250", "550", "250", "354", "250", "250", "250", "354", "250", "221"} {
		k.want(w)
	}
	got := b.letters()
	if len(got) != 2 || got[0].raw != plainMail || got[1].raw != "Subject: grün\r\n\r\n\xff\r\n" || got[1].env.To[0] != "größe@centre.example" || got[1].env.From != "" {
		t.Errorf("%+v", got)
	}
}

func TestEnvelopeAddresses(t *testing.T) {
	b := &box{}
	_, addr := serve(t, b, func(c *Config) { c.MaxErrors = 100 })
	k := greet(t, addr)
	for _, from := range []string{"<a\x00b@good.example>", "<a\rb@good.example>", "<\"a\\\rBcc: x\"@good.example>", "<a@good.example\x01>", "<größe@good.example>", "<a\xff@good.example> SMTPUTF8",
		"<a@" + strings.Repeat("x", 400) + ".example>", "<a@good.example> SIZE=x", "<a@good.example> WHAT=1", "a b"} {
		k.send("MAIL FROM:" + from + "\r\n")
		k.want("5")
		if strings.HasPrefix(from, "<größe") {
			k.say("MAIL FROM:"+from+" SMTPUTF8", "250")
			k.say("RCPT TO:<größe@centre.example>", "250")
			k.say("RSET", "250")
			k.say("MAIL FROM:<a@good.example>", "250")
			k.say("RCPT TO:<größe@centre.example>", "553 5.6.7")
			k.say("RSET", "250")
		}
	}
	if len(b.letters()) != 0 {
		t.Error("something came")
	}
}

func TestSize(t *testing.T) {
	const most = 1 << 20
	b := &box{}
	s, addr := serve(t, b, func(c *Config) { c.MaxBytes, c.MaxHeld = most, most })
	k := greet(t, addr)
	k.say(fmt.Sprintf("MAIL FROM:<a@good.example> SIZE=%d", most+1), "552 5.3.4")
	head := "Subject: x\r\n\r\n"
	exact := head + strings.Repeat(strings.Repeat("x", 62)+"\r\n", (most-len(head))/64)
	exact += strings.Repeat("y", most-len(exact)-2) + "\r\n"
	k.mail("a@good.example", "b@centre.example", exact, "250")
	k.mail("a@good.example", "b@centre.example", head+"z"+exact[len(head):], "552 5.3.4")

	// 30 MB: refused, not held, and the conversation goes on.
	var most2 atomic.Int64
	k.say("MAIL FROM:<a@good.example>", "250")
	k.say("RCPT TO:<b@centre.example>", "250")
	k.say("DATA", "354")
	line := []byte(strings.Repeat("x", 998) + "\r\n")
	for range 30_000 {
		k.send(string(line))
		if h := s.held.Load(); h > most2.Load() {
			most2.Store(h)
		}
	}
	k.send(".\r\n")
	k.want("552 5.3.4")
	if most2.Load() > most {
		t.Errorf("%d octets were held", most2.Load())
	}
	k.mail("a@good.example", "b@centre.example", plainMail, "250")
	if n := len(b.letters()); n != 2 {
		t.Errorf("%d mails", n)
	}
	if c := s.Counts(); c.Accepted != 2 || c.Refused != 2 || c.Connections != 1 {
		t.Errorf("%+v", c)
	}

	// In chunks (BDAT).
	k.say("MAIL FROM:<a@good.example>", "250")
	k.say("RCPT TO:<b@centre.example>", "250")
	k.send(fmt.Sprintf("BDAT %d\r\n", most) + strings.Repeat("x", most))
	k.want("250")
	k.send("BDAT 3 LAST\r\nxxx")
	k.want("552 5.3.4")
	k.mail("a@good.example", "b@centre.example", plainMail, "250")
}

// TestMemory: mails beyond what may be held are deferred.
func TestMemory(t *testing.T) {
	const most = 64 << 10
	b := &box{}
	s, addr := serve(t, b, func(c *Config) { c.MaxBytes, c.MaxHeld = most, most })
	s.held.Add(most) // another mail
	k := greet(t, addr)
	k.mail("a@good.example", "b@centre.example", plainMail, "452 4.3.1")
	s.held.Add(-most)
	k.mail("a@good.example", "b@centre.example", plainMail, "250")
	if c := s.Counts(); c.Accepted != 1 || c.Deferred != 1 {
		t.Errorf("%+v", c)
	}
}

// TestSmuggling: what another server could take for the end of a mail is
// refused, and nothing behind it is read as commands.
func TestSmuggling(t *testing.T) {
	second := "MAIL FROM:<admin@centre.example>\r\nRCPT TO:<abuse@centre.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "x\r\r\n.\r\n", "\r\n\x00.\n", "a\nb\r\n.\r\n", "a\rb\r\n.\r\n", "\n"} {
		t.Run(fmt.Sprintf("%q", end), func(t *testing.T) {
			b := &box{}
			_, addr := serve(t, b)
			k := greet(t, addr)
			k.say("MAIL FROM:<a@good.example>", "250")
			k.say("RCPT TO:<b@centre.example>", "250")
			k.say("DATA", "354")
			k.send("Subject: x\r\n\r\nbody" + end + second)
			k.want("554 5.5.2")
			for {
				l, err := k.r.ReadLine()
				if err != nil {
					if ne, ok := err.(net.Error); ok && ne.Timeout() {
						t.Fatal("the connection stays open")
					}
					break
				}
				if !strings.HasPrefix(l, "421") && !strings.HasPrefix(l, "5") {
					t.Errorf("a command of the smuggled mail was answered %q", l)
				}
			}
			k.Close()
			if got := b.letters(); len(got) != 0 {
				t.Errorf("taken: %+v", got)
			}
		})
	}
	// Dots as they should be.
	b := &box{}
	_, addr := serve(t, b)
	k := greet(t, addr)
	k.mail("a@good.example", "b@centre.example", "Subject: x\r\n\r\n..\r\n...\r\nx.\r\n", "250")
	if got := b.letters()[0].raw; got != "Subject: x\r\n\r\n.\r\n..\r\nx.\r\n" {
		t.Errorf("%q", got)
	}
}

// TestChunks: BDAT, whole and broken off.
func TestChunks(t *testing.T) {
	b := &box{}
	_, addr := serve(t, b)
	k := greet(t, addr)
	k.say("MAIL FROM:<a@good.example>", "250")
	k.say("RCPT TO:<b@centre.example>", "250")
	k.send("BDAT 12\r\nSubject: x\r\n")
	k.want("250")
	k.send("BDAT 5 LAST\r\n\r\n.\r\n")
	k.want("250")
	if got := b.letters(); len(got) != 1 || got[0].raw != "Subject: x\r\n\r\n.\r\n" {
		t.Fatalf("%+v", got)
	}
	k.say("MAIL FROM:<a@good.example>", "250")
	k.say("RCPT TO:<b@centre.example>", "250")
	k.send("BDAT 10 LAST\r\nbare\nends\n")
	k.want("554 5.5.2")
	k.over()

	// A connection that ends inside the last chunk is no end of a mail.
	k = greet(t, addr)
	k.say("MAIL FROM:<a@good.example>", "250")
	k.say("RCPT TO:<b@centre.example>", "250")
	k.send("BDAT 1000 LAST\r\nSubject: half\r\n\r\nPay\r\n")
	if err := k.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	k.want("4")
	if n := len(b.letters()); n != 1 {
		t.Errorf("half a mail was taken")
	}
	// Nor is one inside DATA.
	k = greet(t, addr)
	k.say("MAIL FROM:<a@good.example>", "250")
	k.say("RCPT TO:<b@centre.example>", "250")
	k.say("DATA", "354")
	k.send("Subject: half\r\n\r\nPay\r\n")
	if err := k.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	k.want("451 4.4.2")
	if n := len(b.letters()); n != 1 {
		t.Errorf("half a mail was taken")
	}
}

func TestHeaderLimits(t *testing.T) {
	b := &box{}
	_, addr := serve(t, b)
	k := greet(t, addr)
	hop := "Received: from a.example by b.example;\r\n\tMon, 2 Mar 2026 10:00:00 +0000\r\n"
	for _, tc := range []struct{ what, head, want string }{
		{"50 servers", strings.Repeat(hop, 50), "250"},
		{"a loop", strings.Repeat(hop, 51), "554 5.4.6"},
		{"a loop with odd spelling", strings.Repeat(strings.Replace(hop, "Received:", "rEceived :", 1), 51), "554 5.4.6"},
		{"1000 fields", strings.Repeat("X-A: b\r\n", 999), "250"},
		{"1001 fields", strings.Repeat("X-A: b\r\n", 1001), "554 5.6.0"},
		{"6000 lines", "X-A: b\r\n" + strings.Repeat(" c\r\n", 6000), "554 5.6.0"},
		{"300 kB", strings.Repeat("X-A: "+strings.Repeat("b", 900)+"\r\n", 340), "554 5.6.0"},
		{"a long line", "X-A: " + strings.Repeat("b", 40_000) + "\r\n", "250"},
		{"Received in the body", "\r\n" + strings.Repeat(hop, 60), "250"},
		{"no header at all", "\r\n", "250"},
		{"nothing but junk", "junk\r\n junk\r\n:\r\n", "250"},
	} {
		k.mail("a@good.example", "b@centre.example", tc.head+"From: a@good.example\r\n\r\nx\r\n", tc.want)
	}
	k.mail("a@good.example", "b@centre.example", "", "250")
	k.say("MAIL FROM:<a@good.example>", "250")
	k.say("RCPT TO:<b@centre.example>", "250")
	k.say("DATA", "354")
	k.send("X-A: " + strings.Repeat("b", 100_000) + "\r\n\r\n.\r\n")
	k.want("554 5.6.0")
	k.want("500")
	k.over()
}

// TestReceiverFails: 250 is said only when the mail is stored, and a sender
// that tries again sends the same bytes.
func TestReceiverFails(t *testing.T) {
	var tries []string
	answers := []error{errors.New("disk"), problem.New(problem.Unavailable, "busy"), problem.New(problem.RateLimited, "slowly"), nil}
	b := &box{}
	b.receive = func(_ context.Context, _ mail.Envelope, raw []byte) error {
		tries = append(tries, string(raw))
		return answers[len(tries)-1]
	}
	s, addr := serve(t, b)
	for _, want := range []string{"451 4.3.0 internal error", "451 4.3.0 busy", "451 4.7.1 slowly", "250"} {
		k := greet(t, addr)
		k.mail("a@good.example", "b@centre.example", plainMail, want)
	}
	if got := b.letters(); len(got) != 1 || len(tries) != 4 || tries[0] != plainMail || tries[3] != plainMail {
		t.Errorf("%q", tries)
	}
	if c := s.Counts(); c.Accepted != 1 || c.Deferred != 3 {
		t.Errorf("%+v", c)
	}
	for code, want := range map[problem.Code]string{problem.Invalid: "554 5.6.0", problem.TooLarge: "552 5.3.4", problem.Refused: "554 5.7.1", problem.NotFound: "550 5.1.1",
		problem.Corrupt: "451 4.3.0", problem.Conflict: "451 4.3.0"} {
		e := receiveReply(problem.New(code, "why"))
		if got := fmt.Sprintf("%d %d.%d.%d", e.Code, e.EnhancedCode[0], e.EnhancedCode[1], e.EnhancedCode[2]); got != want {
			t.Errorf("%s: %s", code, got)
		}
	}
}

// TestReceiverPanics: a fault of ours costs one answer, not the server.
func TestReceiverPanics(t *testing.T) {
	b := &box{}
	bad := true
	b.receive = func(context.Context, mail.Envelope, []byte) error {
		if bad {
			bad = false
			panic("a fault of the test")
		}
		return nil
	}
	_, addr := serve(t, b)
	k := greet(t, addr)
	k.mail("a@good.example", "b@centre.example", plainMail, "421")
	k.over()
	greet(t, addr).mail("a@good.example", "b@centre.example", plainMail, "250")
}

func TestTooManyErrors(t *testing.T) {
	b := &box{recipient: func(string, string) error { return problem.New(problem.NotFound, "nobody") }}
	_, addr := serve(t, b, func(c *Config) { c.MaxErrors = 5 })
	k := greet(t, addr)
	k.say("MAIL FROM:<a@good.example>", "250")
	for range 4 {
		k.say("RCPT TO:<guess@centre.example>", "550")
	}
	k.say("RCPT TO:<guess@centre.example>", "421 4.7.0")
	k.over()
	// Nonsense is cut by go-smtp.
	k = greet(t, addr)
	k.send(strings.Repeat("NONSENSE\r\n", 4))
	for range 5 {
		k.want("50")
	}
	k.over()
	// And so is a connection that never ends.
	_, addr = serve(t, &box{}, func(c *Config) { c.MaxMails = 3 })
	k = greet(t, addr)
	for range 3 {
		k.mail("a@good.example", "b@centre.example", plainMail, "250")
	}
	k.say("MAIL FROM:<a@good.example>", "421 4.7.0")
	k.over()
}

// TestSlow: whoever takes too long is cut, at whatever point.
func TestSlow(t *testing.T) {
	short, long := 150*time.Millisecond, time.Minute
	for what, tc := range map[string]struct {
		t    Timeouts
		say  []string
		send string
		want string
	}{
		"no command":         {Timeouts{Command: short, Message: long, Session: long}, nil, "", "421 4.4"},
		"half a command":     {Timeouts{Command: short, Message: long, Session: long}, nil, "MAIL FR", ""},
		"no session end":     {Timeouts{Command: long, Message: long, Session: short}, nil, "", "421 4.4"},
		"no text":            {Timeouts{Command: short, Message: long, Session: long}, []string{"DATA"}, "Subject: x\r\n", "421 4.4.2"},
		"no end of the text": {Timeouts{Command: long, Message: short, Session: long}, []string{"DATA"}, "Subject: x\r\n\r\nx\r\n.", "421 4.4.2"},
		"no chunk":           {Timeouts{Command: short, Message: long, Session: long}, nil, "BDAT 100 LAST\r\nx", "421 4.4.2"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := &box{}
			_, addr := serve(t, b, func(c *Config) { c.Timeouts = tc.t })
			k := greet(t, addr)
			k.say("MAIL FROM:<a@good.example>", "250")
			k.say("RCPT TO:<b@centre.example>", "250")
			for _, l := range tc.say {
				k.say(l, "354")
			}
			k.send(tc.send)
			k.want(tc.want)
			for {
				if _, err := k.r.ReadLine(); err != nil {
					break
				}
			}
			if len(b.letters()) != 0 {
				t.Error("a mail that did not come whole was taken")
			}
		})
	}
}

func TestConnectionLimits(t *testing.T) {
	var from atomic.Value
	from.Store("192.0.2.1")
	b := &box{}
	s, addr := serve(t, b, func(c *Config) {
		c.MaxConns, c.MaxConnsPerAddr = 3, 2
		c.Remote = func(net.Conn) netip.Addr { return netip.MustParseAddr(from.Load().(string)) }
	})
	turned := func() {
		t.Helper()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(got), "421 4.7.0 ") {
			t.Errorf("%q", got)
		}
	}
	one, two := greet(t, addr), greet(t, addr)
	turned() // a third of one address
	from.Store("2001:db8::1")
	three := greet(t, addr)
	from.Store("192.0.2.9")
	turned() // a fourth in all
	two.say("QUIT", "221")
	two.over()
	four := greet(t, addr)
	four.mail("a@good.example", "b@centre.example", plainMail, "250")
	three.say("NOOP", "250")
	one.say("NOOP", "250")
	if c := s.Counts(); c.Connections != 4 || c.TurnedAway != 2 {
		t.Errorf("%+v", c)
	}
	if network(netip.MustParseAddr("2001:db8::1")) != network(netip.MustParseAddr("2001:db8::ffff:1")) || network(netip.MustParseAddr("192.0.2.1")) == network(netip.MustParseAddr("192.0.2.2")) {
		t.Error("one sender is an IPv4 address or an IPv6 /64")
	}
}

func TestRates(t *testing.T) {
	var now atomic.Int64
	now.Store(start.UnixNano())
	b := &box{}
	_, addr := serve(t, b, func(c *Config) {
		c.PerAddr, c.PerDomain = 4, 2
		c.Now = func() time.Time { return time.Unix(0, now.Load()) }
	})
	k := greet(t, addr)
	k.mail("a@good.example", "b@centre.example", plainMail, "250")
	k.mail("a@GOOD.example", "b@centre.example", plainMail, "250")
	k.mail("b@good.example", "b@centre.example", plainMail, "450 4.7.1")
	k.mail("", "b@centre.example", plainMail, "250") // bounces come from nobody's domain
	k.say("MAIL FROM:<a@other.example>", "450 4.7.1")
	now.Add(int64(15 * time.Second)) // a quarter of a minute's worth
	k.mail("a@other.example", "b@centre.example", plainMail, "250")
	k.say("MAIL FROM:<a@other.example>", "450 4.7.1")
	now.Add(int64(time.Hour))
	for range 2 {
		k.mail("a@good.example", "b@centre.example", plainMail, "250")
	}
}

func TestRatesForget(t *testing.T) {
	r := newRates(1, 100)
	for i := range 1000 {
		if !r.take(fmt.Sprint(i), start) {
			t.Fatal("a first one was refused")
		}
		if len(r.buckets) > 101 {
			t.Fatalf("%d are remembered", len(r.buckets))
		}
	}
	if r.take("999", start) {
		t.Error("the latest was forgotten")
	}
	if !r.take("998", start.Add(-time.Hour)) == r.take("998", start) {
		t.Log("time that runs backwards changes nothing")
	}
	if !r.take("999", start.Add(time.Minute)) {
		t.Error("after a minute there is room again")
	}
	if len(r.buckets) > 101 {
		t.Errorf("%d", len(r.buckets))
	}
}

// TestParallel: 200 senders at once, each mail whole and once.
func TestParallel(t *testing.T) {
	const n = 200
	b := &box{}
	s, addr := serve(t, b)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(60 * time.Second))
			text := fmt.Sprintf("Subject: %d\r\n\r\n%s", i, strings.Repeat(fmt.Sprintf("%d\r\n", i), 1000))
			if _, err := io.WriteString(c, fmt.Sprintf("EHLO a.example\r\nMAIL FROM:<%d@good.example>\r\nRCPT TO:<%d@centre.example>\r\nDATA\r\n%s.\r\nQUIT\r\n", i, i, text)); err != nil {
				t.Error(err)
			}
			if got, err := io.ReadAll(c); err != nil || !strings.Contains(string(got), "250 2.0.0 OK: queued") {
				t.Errorf("%v %q", err, got)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, l := range b.letters() {
		id, _, _ := strings.Cut(l.env.From, "@")
		if seen[id] || l.env.To[0] != id+"@centre.example" || l.raw != fmt.Sprintf("Subject: %s\r\n\r\n%s", id, strings.Repeat(id+"\r\n", 1000)) {
			t.Errorf("%s: twice, or not as it was sent", id)
		}
		seen[id] = true
	}
	if len(seen) != n || s.Counts().Accepted != n {
		t.Errorf("%d mails", len(seen))
	}
}

func certificate(t testing.TB) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mx.centre.example"}, DNSNames: []string{"mx.centre.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func TestStartTLS(t *testing.T) {
	b := &box{}
	_, addr := serve(t, b, func(c *Config) { c.TLS, c.MaxErrors = certificate(t), 3 })
	k := dial(t, addr)
	if caps := k.say("EHLO a.example", "250"); !strings.Contains(caps, "STARTTLS") {
		t.Error(caps)
	}
	// What was said before, and what was slipped in behind, counts for nothing.
	k.say("MAIL FROM:<a@good.example>", "250")
	k.send("STARTTLS\r\n")
	k.want("220")
	c := tls.Client(k.Conn, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	s := &talk{t, c, nil}
	s.r = dialReader(c)
	s.say("RCPT TO:<b@centre.example>", "502")
	if caps := s.say("EHLO b.example", "250"); strings.Contains(caps, "STARTTLS") {
		t.Error(caps)
	}
	s.mail("a@good.example", "b@centre.example", plainMail, "250")
	// A refusal that ends the connection is read over TLS too.
	s.say("MAIL FROM:<a@good.example>", "250")
	s.say("RCPT TO:<b@centre.example>", "250")
	s.say("DATA", "354")
	s.send("Subject: x\r\n\r\nbare\n.\r\n" + strings.Repeat("more\r\n", 1000))
	s.want("554 5.5.2")
	k.Close()
	got := b.letters()
	if len(got) != 1 || !got[0].env.TLS || got[0].env.Hello != "b.example" {
		t.Errorf("%+v", got)
	}

	k = dial(t, addr)
	k.say("EHLO a.example", "250")
	k.send("STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<evil@evil.example>\r\n")
	k.want("220")
	c = tls.Client(k.Conn, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err == nil {
		s = &talk{t, c, dialReader(c)}
		s.say("RCPT TO:<b@centre.example>", "502")
	}
}

// TestShutdown: a mail on its way is taken to its end, idle connections are
// told goodbye, new ones are not taken.
func TestShutdown(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	b := &box{receive: func(context.Context, mail.Envelope, []byte) error {
		close(started)
		<-finish
		return nil
	}}
	s, err := New(Config{Domain: "mx.centre.example"}, b)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	idle, busy := greet(t, l.Addr().String()), greet(t, l.Addr().String())
	busy.say("MAIL FROM:<a@good.example>", "250")
	busy.say("RCPT TO:<b@centre.example>", "250")
	busy.say("DATA", "354")
	busy.send(plainMail + ".\r\n")
	<-started
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	idle.want("421")
	idle.over()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Error("a new connection is taken")
	}
	close(finish)
	busy.want("250")
	busy.want("421")
	if err := <-down; err != nil {
		t.Error(err)
	}
	if len(b.letters()) != 1 {
		t.Error("the mail was lost")
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("twice: %v", err)
	}

	// A sender that does not come to an end is cut when time is up.
	s, addr := serve(t, &box{})
	slow := greet(t, addr)
	slow.say("MAIL FROM:<a@good.example>", "250")
	slow.say("RCPT TO:<b@centre.example>", "250")
	slow.say("DATA", "354")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	for {
		if _, err := slow.r.ReadLine(); err != nil {
			break
		}
	}
}

func TestNewErrors(t *testing.T) {
	for want, conf := range map[string]Config{
		"domain": {}, "max_bytes": {Domain: "a.example", MaxBytes: -1}, "max_held": {Domain: "a.example", MaxBytes: 100, MaxHeld: 99},
		"timeouts.check": {Domain: "a.example", Timeouts: Timeouts{Check: -1}}, "max_conns": {Domain: "a.example", MaxConns: -1},
	} {
		_, err := New(conf, &box{})
		var pe *problem.Error
		if !errors.As(err, &pe) || pe.Code != problem.Invalid || pe.Fields[0].Path != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := New(Config{Domain: "a.example"}, nil); err == nil {
		t.Error("no receiver")
	}
}
