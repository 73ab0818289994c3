package email

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"net"
	"net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/problem"

	"github.com/emersion/go-message"
	"pgregory.net/rapid"
)

const (
	receiptID     = "01KXA7Q0M4ZC9V5T3R8W2YH6NB"
	goldenReceipt = "aeaz6vd3qkcpwe5s5b4eobpitkvxezldmvuxa5agrk6qmtls5is4joi@r.example"
)

// golden holds what is written against a file.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; -update writes it. Got:\n%s", file, got)
	}
}

func receipt() Receipt {
	return Receipt{ID: receiptID, To: "desk@bank.example", Kind: "a complaint (ARF)", Type: abuse.Phishing,
		URLs:      []name.URL{must(name.ParseURL("https://login.examplebank-secure.shop/verify?e=victim@mail.example&step=2")), must(name.ParseURL("http://192.0.2.10/kit/"))},
		StatusURL: "https://centre.example/reports/" + receiptID, MessageID: "<20260304101500.7@bank.example>",
		CentreName: "Example CERT", CentreContact: "soc@centre.example", Received: written.Add(-2 * time.Minute), Date: written}
}

func receiptOptions() ComposeOptions {
	return ComposeOptions{From: "soc@centre.example", FromName: "Example CERT", ReplyTo: ReceiptAddress(key, "reply.centre.example", receiptID)}
}

func TestReceiptGolden(t *testing.T) {
	empty := receipt()
	empty.URLs, empty.Type, empty.Kind, empty.StatusURL, empty.MessageID, empty.Received, empty.CentreName = nil, "", "", "", "no id", time.Time{}, "Größtes CERT"
	for file, r := range map[string]Receipt{"receipt.eml": receipt(), "receipt-nothing-found.eml": empty} {
		m, err := ComposeReceipt(r, receiptOptions())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, file, m.Raw)
		if again := must(ComposeReceipt(r, receiptOptions())); !bytes.Equal(again.Raw, m.Raw) {
			t.Error("not the same bytes twice")
		}
	}
}

func TestReceipt(t *testing.T) {
	s := edSigner(t)
	o := receiptOptions()
	o.DKIM = s
	m := must(ComposeReceipt(receipt(), o))
	if !m.NullSender || m.From != "" || m.To != "desk@bank.example" || m.ID != "receipt."+receiptID+"@reply.centre.example" || m.UTF8 {
		t.Errorf("%+v", m)
	}
	if err := passes(m.Raw, s); err != nil {
		t.Error(err)
	}
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]string{
		"Auto-Submitted": "auto-replied", "In-Reply-To": "<20260304101500.7@bank.example>", "References": "<20260304101500.7@bank.example>",
		"Reply-To": "<" + o.ReplyTo + ">", "To": "<desk@bank.example>", "Subject": "[" + receiptID + "] Your report has arrived", "Precedence": "", "Content-Type": "text/plain; charset=us-ascii",
	} {
		if got := msg.Header.Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	if id, ok := ParseReceiptAddress(key, msg.Header.Get("Reply-To")); !ok || id != receiptID {
		t.Errorf("%q %v", id, ok)
	}
}

// TestNullSender: an empty sender is sent only where it is meant.
func TestNullSender(t *testing.T) {
	b := &mailbox{}
	addr := b.serve(t, nil)
	s := must(New(SenderConfig{Hello: "centre.example",
		MX: func(context.Context, name.Domain) ([]netip.AddrPort, error) { return []netip.AddrPort{addr}, nil },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		}}))
	m := must(ComposeReceipt(receipt(), receiptOptions()))
	if r := s.Send(t.Context(), m); !r.Accepted || len(b.from) != 1 || b.from[0] != "" || b.got[0] != string(m.Raw) {
		t.Errorf("%+v %q", r, b.from)
	}
	m.NullSender = false
	if r := s.Send(t.Context(), m); r.Accepted || r.Recoverable || r.InDoubt {
		t.Errorf("sent from nobody by accident: %+v", r)
	}
	m.NullSender, m.From = true, "soc@centre.example"
	if r := s.Send(t.Context(), m); r.Accepted || r.Recoverable || r.InDoubt {
		t.Errorf("sent from somebody and nobody: %+v", r)
	}
	if len(b.from) != 1 {
		t.Errorf("%q", b.from)
	}
}

func TestReceiptErrors(t *testing.T) {
	for want, set := range map[string]func(*Receipt, *ComposeOptions){
		"id":               func(r *Receipt, _ *ComposeOptions) { r.ID = "x\r\nBcc: y" },
		"to":               func(r *Receipt, _ *ComposeOptions) { r.To = "a@b.example, c@d.example" },
		"date":             func(r *Receipt, _ *ComposeOptions) { r.Date = time.Time{} },
		"status_url":       func(r *Receipt, _ *ComposeOptions) { r.StatusURL = "javascript:x" },
		"options.from":     func(_ *Receipt, o *ComposeOptions) { o.From = "x" },
		"options.reply_to": func(_ *Receipt, o *ComposeOptions) { o.ReplyTo = "" },
	} {
		r, o := receipt(), receiptOptions()
		set(&r, &o)
		_, err := ComposeReceipt(r, o)
		var pe *problem.Error
		if !errors.As(err, &pe) || pe.Code != problem.Invalid || len(pe.Fields) != 1 || pe.Fields[0].Path != want {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestReceiptHostile: a receipt may go to somebody who never wrote to us, so it
// must be of no use to those who did in their name.
func TestReceiptHostile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := hostile()
		r := receipt()
		r.Kind, r.Type, r.MessageID = h.Draw(t, "kind"), abuse.Type(h.Draw(t, "type")), h.Draw(t, "id")
		r.URLs = nil
		for range rapid.IntRange(0, 40).Draw(t, "urls") {
			r.URLs = append(r.URLs, name.URL{Scheme: "https", Domain: must(name.Parse("evil.example")), Path: "/", RawQuery: h.Draw(t, "query")})
		}
		o := receiptOptions()
		o.FromName = h.Draw(t, "from name")
		m, err := ComposeReceipt(r, o)
		if err != nil {
			t.Fatal(err)
		}
		msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range msg.Header {
			switch k {
			case "Date", "From", "To", "Reply-To", "Subject", "Message-Id", "In-Reply-To", "References", "Auto-Submitted", "Mime-Version", "Content-Type", "Content-Transfer-Encoding":
			default:
				t.Fatalf("the header has %s", k)
			}
			if len(v) != 1 {
				t.Fatalf("the header has %s %d times", k, len(v))
			}
		}
		if mt, _, err := mime.ParseMediaType(msg.Header.Get("Content-Type")); err != nil || mt != "text/plain" {
			t.Fatalf("%s %v", mt, err)
		}
		e, err := message.Read(bytes.NewReader(m.Raw))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(e.Body); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "evil[.]example"); n > maxReceiptURLs+2 {
			t.Fatalf("%d addresses", n)
		}
		for line := range strings.SplitSeq(b.String(), "\n") {
			if strings.Contains(line, "https://") && !strings.HasPrefix(line, "Status: https://centre.example/") {
				t.Fatalf("can be clicked: %s", line)
			}
		}
		for line := range bytes.Lines(m.Raw) {
			if len(line) > 1000 || !bytes.HasSuffix(line, []byte("\r\n")) || bytes.ContainsAny(line[:len(line)-2], "\r\n\x00") {
				t.Fatalf("a line that mail does not allow: %.80q", line)
			}
		}
	})
}

func TestReceiptAddress(t *testing.T) {
	a := ReceiptAddress(key, "r.example", receiptID)
	if a != goldenReceipt {
		t.Errorf("receipt address %q, was %q", a, goldenReceipt)
	}
	for _, as := range []string{a, strings.ToUpper(a), "<" + a + ">"} {
		if id, ok := ParseReceiptAddress(key, as); !ok || id != receiptID {
			t.Errorf("%q gave %q %v", as, id, ok)
		}
	}
	// Not the address of an obligation, nor the other way round.
	if _, _, ok := ParseReply(key, a); ok {
		t.Error("a receipt's address answers for an obligation")
	}
	if _, ok := ParseReceiptAddress(key, ReplyAddress(key, "r.example", receiptID, receiptOnly)); ok {
		t.Error("an obligation's address answers for a receipt")
	}
	if _, ok := ParseReceiptAddress([]byte("another key of 16"), a); ok {
		t.Error("another key opens")
	}
	for _, id := range []string{"", strings.Repeat("x", 40)} {
		if a := ReceiptAddress(key, "r.example", id); a != "" {
			t.Errorf("%q: %q", id, a)
		}
	}
	if a := ReceiptAddress(key[:15], "r.example", receiptID); a != "" {
		t.Error("a short key")
	}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.StringMatching(`[0-7][0-9A-HJKMNP-TV-Z]{25}`), rapid.StringMatching(`[a-zA-Z0-9-]{1,21}`)).Draw(t, "id")
		a := ReceiptAddress(key, "r.example", id)
		got, ok := ParseReceiptAddress(key, a)
		if !ok || got != id || len(a)-len("@r.example") > 64 {
			t.Fatalf("%q: %q became %q", id, a, got)
		}
		i := rapid.IntRange(0, strings.IndexByte(a, '@')-1).Draw(t, "place")
		if a[i] != 'q' {
			if _, ok := ParseReceiptAddress(key, a[:i]+"q"+a[i+1:]); ok {
				t.Fatalf("a changed address opens (place %d)", i)
			}
		}
	})
}

func FuzzParseReceiptAddress(f *testing.F) {
	f.Add(ReceiptAddress(key, "r.example", receiptID))
	f.Add(ReplyAddress(key, "r.example", "c", receiptOnly))
	f.Add("@")
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := ParseReceiptAddress(key, s)
		if ok != (id != "") {
			t.Fatal("the identifier and ok disagree")
		}
		if ok {
			local, _, _ := strings.Cut(strings.Trim(strings.TrimSpace(s), "<>"), "@")
			if want, _, _ := strings.Cut(ReceiptAddress(key, "x.example", id), "@"); strings.ToLower(local) != want {
				t.Fatalf("%q opens as %q, whose address is %q", s, id, want)
			}
		}
	})
}
