package centre_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/mail"
	"bailiwick/notify/email"
	"bailiwick/problem"
	"bailiwick/store"
)

// mailOf is a mail as it might come in.
func mailOf(from, subject, text string, more ...string) []byte {
	return []byte("From: " + from + "\r\nTo: report@centre.example\r\nSubject: " + subject + "\r\nDate: Mon, 05 Jan 2026 01:00:00 +0000\r\n" +
		"Message-ID: <" + strings.ReplaceAll(subject, " ", ".") + "@" + from[strings.IndexByte(from, '@')+1:] + ">\r\n" + strings.Join(more, "") +
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + strings.ReplaceAll(text, "\n", "\r\n") + "\r\n")
}

// vouched is an envelope whose author's domain vouches for the mail.
func vouched(from string, to ...string) mail.Envelope {
	domain := from[strings.IndexByte(from, '@')+1:]
	return mail.Envelope{At: begin, From: from, To: to, Auth: mail.Auth{SPF: mail.Pass, SPFDomain: domain, DMARC: mail.Pass, From: domain}}
}

func (r *rig) receive(env mail.Envelope, raw []byte) {
	r.t.Helper()
	r.clock.Set(r.clock.Now().Add(time.Second)) // mails have an order
	if err := r.Centre.Receive(r.t.Context(), env, raw); err != nil {
		r.t.Fatal(err)
	}
	r.settle()
}

// mails are all mails that came in, the newest first.
func (r *rig) mails() []store.Mail {
	r.t.Helper()
	ms, err := r.Centre.MailList(r.t.Context(), "", 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	return ms
}

func (r *rig) lastMail() store.Mail {
	r.t.Helper()
	ms := r.mails()
	if len(ms) == 0 {
		r.t.Fatal("no mail is there")
	}
	return ms[0]
}

// to is the address at which the first obligation in a role is answered.
func (r *rig) to(c casework.Case, role string) (string, casework.Obligation) {
	r.t.Helper()
	for _, o := range c.Obligations {
		if string(o.Party.Role) == role {
			return email.ReplyAddress(r.Centre.ReplyKey, "centre.example", c.ID, o.ID), o
		}
	}
	r.t.Fatalf("%s has no %s", c.Subject.Key(), role)
	return "", casework.Obligation{}
}

// TestReportByMail has a report by mail become a case, once, however often the
// same bytes come, and its author get one receipt for it.
func TestReportByMail(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		raw := mailOf("Ann <ann@reporter.example>", "phishing", "Hello,\nthis is phishing: hxxps://aurora-login[.]shopx/verify/\nAnn")
		env := vouched("ann@reporter.example", "report@centre.example", "abuse@centre.example")
		for range 3 {
			r.receive(env, raw)
		}
		if n := len(r.mails()); n != 1 {
			t.Fatalf("%d mails", n)
		}
		m := r.lastMail()
		if m.State != store.MailFiled || m.Kind != "person" || m.Report == "" || m.Route != "report" {
			t.Fatalf("%+v", m)
		}
		r.view(func(ctx context.Context, tx *store.Tx) error {
			row, err := tx.Report(ctx, m.Report)
			if err != nil || row.State != store.ReportAccepted || row.Format != "mail" {
				t.Errorf("%+v %v", row, err)
			}
			return err
		})
		c := r.only("aurora-login.shopx")
		if len(c.Reports) != 1 || c.State != casework.Coordinating {
			t.Errorf("%d reports, %s", len(c.Reports), c.State)
		}
		receipts := func() (out []store.Notice) {
			for _, n := range r.notices(c) {
				if n.Kind == "receipt" {
					out = append(out, n)
				}
			}
			return out
		}
		got := receipts()
		if len(got) != 1 || got[0].To != "ann@reporter.example" {
			t.Fatalf("receipts %+v", got)
		}
		// The lab has no such mailbox: what matters here is what was sent.
		b, _, err := r.Store.Blob(t.Context(), got[0].Blob)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Auto-Submitted: auto-replied", "aurora-login[.]shopx", r.url + "/report/", "In-Reply-To: <phishing@reporter.example>"} {
			if !strings.Contains(string(b), want) {
				t.Errorf("the receipt lacks %q:\n%s", want, b)
			}
		}
		// More from the same author on the same case: no second receipt.
		r.receive(env, mailOf("Ann <ann@reporter.example>", "again", "https://aurora-login.shopx/verify/ is still phishing"))
		if c = r.only("aurora-login.shopx"); len(c.Reports) != 2 || len(receipts()) != 1 {
			t.Errorf("%d reports, %d receipts", len(c.Reports), len(receipts()))
		}
		// An answer to a receipt that says nothing, as of a ticket system that
		// does not say it is one: kept, and not answered.
		mine := email.ReceiptAddress(r.Centre.ReplyKey, "centre.example", receiptOf(r, c.Reports[0].ID))
		for i := range 5 {
			r.receive(vouched("ann@reporter.example", mine), mailOf("ann@reporter.example", fmt.Sprintf("Re: your report %d", i), "We will look into it."))
		}
		r.view(func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.CountNotices(ctx, got[0].Party, begin)
			if err != nil || n > 1 {
				t.Errorf("%d receipts to one reporter, %v", n, err)
			}
			return err
		})
		// A mail that does not say what it is means what is known there.
		r.receive(env, mailOf("Ann <ann@reporter.example>", "this one", "please look: https://aurora-login.shopx/verify/"))
		if c = r.only("aurora-login.shopx"); len(c.Reports) != 3 {
			t.Errorf("%d reports", len(c.Reports))
		}
		// Nobody vouches for the author: no receipt.
		r.receive(mail.Envelope{At: begin, From: "bob@reporter.example", To: []string{"report@centre.example"}}, mailOf("bob@reporter.example", "me too", "phishing at https://aurora-login.shopx/verify/"))
		if c = r.only("aurora-login.shopx"); len(c.Reports) != 4 || len(receipts()) != 1 {
			t.Errorf("%d reports, %d receipts", len(c.Reports), len(receipts()))
		}
		// The author takes it back by one word, and nobody else can.
		row, _ := kept(t, r.App, receiptOf(r, c.Reports[0].ID))
		addr := email.ReceiptAddress(r.Centre.ReplyKey, "centre.example", row.Receipt)
		r.receive(vouched("eve@other.example", addr), mailOf("eve@other.example", "Re: [x] Your report has arrived", "withdraw"))
		if m := r.lastMail(); m.State != store.MailIgnored {
			t.Errorf("somebody else's: %+v", m)
		}
		r.receive(vouched("ann@reporter.example", addr), mailOf("ann@reporter.example", "Re: [y] Your report has arrived", "Withdraw.\n\n> Thank you."))
		gone := 0
		for _, x := range r.only("aurora-login.shopx").Reports {
			if x.Gone {
				gone++
			}
		}
		if m := r.lastMail(); gone != 1 || m.State != store.MailFiled {
			t.Errorf("%d reports were withdrawn: %+v", gone, m)
		}
		r.until(2 * hour)
		r.check()
	})
}

func receiptOf(r *rig, report string) (receipt string) {
	r.view(func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.Report(ctx, report)
		receipt = row.Receipt
		return err
	})
	return receipt
}

// TestMachinesReportNothing has mail that a machine sent never open a report.
func TestMachinesReportNothing(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		c := r.ask("aurora-b.shopx")
		ours := ""
		for _, n := range r.notices(c) {
			ours = n.MessageID
		}
		null := vouched("", "report@centre.example")
		null.From = ""
		text := "phishing: https://aurora-login.shopx/verify/"
		for name, tc := range map[string]struct {
			env mail.Envelope
			raw []byte
		}{
			"null sender":    {null, mailOf("a@reporter.example", "null sender", text)},
			"auto-submitted": {vouched("a@reporter.example", "report@centre.example"), mailOf("a@reporter.example", "auto", text, "Auto-Submitted: auto-replied\r\n")},
			"precedence":     {vouched("a@reporter.example", "report@centre.example"), mailOf("a@reporter.example", "bulk", text, "Precedence: bulk\r\n")},
			"list":           {vouched("a@reporter.example", "report@centre.example"), mailOf("a@reporter.example", "list", text, "List-Id: <x.reporter.example>\r\n")},
			"about ours":     {vouched("a@reporter.example", "report@centre.example"), mailOf("a@reporter.example", "ours", text, "References: <"+ours+">\r\n")},
		} {
			r.receive(tc.env, tc.raw)
			if m := r.lastMail(); m.State != store.MailIgnored || m.Detail == "" || m.Report != "" {
				t.Errorf("%s: %+v", name, m)
			}
		}
		if n := len(r.cases()); n != 1 {
			t.Errorf("%d cases", n)
		}
		for _, n := range r.notices(c) {
			if n.Kind == "receipt" {
				t.Errorf("a machine got a receipt: %+v", n)
			}
		}
	})
}

// TestAnswersByMail reads what parties and their machines write back.
func TestAnswersByMail(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		c := r.ask("aurora-login.shopx")
		addr, o := r.to(c, "registrar")
		at := o.Party.Email
		answered := func() (string, casework.Status) {
			o, _ := r.only("aurora-login.shopx").Obligation(o.ID)
			return o.Answer, o.Status
		}
		// Forged: the address is not ours.
		bad := addr[:10] + "aaaa" + addr[14:]
		if err := r.Centre.Recipient(t.Context(), "x@y.example", bad); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("a forged address: %v", err)
		}
		if err := r.Centre.Recipient(t.Context(), "x@y.example", strings.ToUpper(addr)); err != nil {
			t.Errorf("our address in capitals: %v", err)
		}
		// A ticket system answers each mail; three of it are on the case.
		for i := range 6 {
			r.receive(vouched(at, addr), mailOf(at, fmt.Sprintf("[Ticket#%d] We have received your request", 1000+i), "Your request has been received. Ticket 1000.\n\n> we suspended it", "Auto-Submitted: auto-generated\r\nIn-Reply-To: <notice.x@centre.example>\r\n"))
		}
		n := 0
		for _, e := range r.timeline(r.only("aurora-login.shopx")) {
			if strings.HasPrefix(e, "answered") {
				n++
			}
		}
		if a, s := answered(); a != "received" || s != casework.Running || n != 3 {
			t.Errorf("after a ticket system's answers: %q, %s, %d on the case", a, s, n)
		}
		// Somebody who is not shown to be the party cannot refuse for it.
		r.receive(mail.Envelope{At: begin, From: at, To: []string{addr}}, mailOf(at, "forged", "We will not act without a court order."))
		if a, s := answered(); a != "received" || s != casework.Running {
			t.Errorf("an unproven refusal: %q, %s", a, s)
		}
		if m := r.lastMail(); m.State != store.MailFiled || !strings.Contains(m.Detail, "refused") {
			t.Errorf("%+v", m)
		}
		// The party itself says it acted: a look at once decides.
		before := r.only("aurora-login.shopx").Looks
		r.receive(vouched(at, addr), mailOf(at, "Re: acted", "Hello,\n\nwe have suspended the domain.\n\nOn Mon, 5 Jan 2026, Test Centre wrote:\n> Please act. \"Refused\" is useful, too.", "In-Reply-To: <notice.x@centre.example>\r\n"))
		if a, s := answered(); a != "acted" || s != casework.Acted || r.only("aurora-login.shopx").Looks <= before {
			t.Errorf("the party acted: %q, %s", a, s)
		}
		// An acknowledgement does not take that back.
		r.receive(vouched(at, addr), mailOf(at, "Re: thanks", "Thank you."))
		if a, s := answered(); a != "acted" || s != casework.Acted {
			t.Errorf("after thanks: %q, %s", a, s)
		}
		// Then it refuses.
		r.receive(vouched(at, addr), mailOf(at, "Re: refuse", "We will not act without a court order."))
		if a, s := answered(); a != "refused" || s != casework.Refused {
			t.Errorf("the party refuses: %q, %s", a, s)
		}
		// What a person wrote is on the case as a personal note.
		es, err := r.Centre.Events(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		notes := 0
		for _, e := range es {
			if e.Kind == casework.KindNote {
				notes++
				if !e.Payload.Personal || strings.Contains(string(e.Payload.Body), "useful, too") {
					t.Errorf("note %s", e.Payload.Body)
				}
			}
		}
		if notes != 4 {
			t.Errorf("%d notes", notes)
		}
		r.check()
	})
}

func bounceOf(to, id, status string, action string) []byte {
	return []byte("From: MAILER-DAEMON@mx.elsewhere.example\r\nSubject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n" +
		"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.elsewhere.example\r\n\r\nFinal-Recipient: rfc822; " + to + "\r\nAction: " + action + "\r\nStatus: " + status +
		"\r\nDiagnostic-Code: smtp; 550 " + status + " no such user\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <" + id + ">\r\n\r\n--b--\r\n")
}

// TestBounces has delivery reports come after a server had accepted a notice: a
// delay changes nothing, a failure takes the acceptance back, and ten thousand
// of them no more than one.
func TestBounces(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		c := r.ask("aurora-b.shopx")
		addr, o := r.to(c, "registrar")
		var n store.Notice
		for _, x := range r.notices(c) {
			if x.Obligation == o.ID {
				n = x
			}
		}
		env := mail.Envelope{At: begin, To: []string{addr}}
		r.receive(env, bounceOf(o.Party.Email, n.MessageID, "4.4.1", "delayed"))
		if got, _ := r.only("aurora-b.shopx").Obligation(o.ID); got.Status != casework.Running {
			t.Errorf("after a delay: %s", got.Status)
		}
		for i := range 50 {
			r.receive(env, append(bounceOf(o.Party.Email, n.MessageID, "5.1.1", "failed"), fmt.Sprintf("%d\r\n", i)...))
		}
		c = r.only("aurora-b.shopx")
		if got, _ := c.Obligation(o.ID); got.Status != casework.Unreachable || !got.Delivered.IsZero() {
			t.Errorf("after a bounce: %+v", got)
		}
		bounces := 0
		for _, e := range r.timeline(c) {
			if strings.HasPrefix(e, "notice failed") {
				bounces++
			}
		}
		if bounces != 1 {
			t.Errorf("%d bounces on the case", bounces)
		}
		r.until(6 * day)
		for _, x := range asked(r.only("aurora-b.shopx")) {
			if strings.HasPrefix(x, "registry") {
				t.Errorf("asked because of a mail that came back: %s", x)
			}
		}
		r.check()
	})
}

// TestFlood: two machines that answer each other do not fill the disk.
func TestFlood(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		addr, o := r.to(r.ask("aurora-b.shopx"), "registrar")
		taken := 0
		for i := range 1000 {
			if err := r.Centre.Recipient(t.Context(), "", addr); problem.CodeOf(err) == problem.RateLimited {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if err := r.Centre.Receive(t.Context(), mail.Envelope{At: begin, From: o.Party.Email, To: []string{addr}}, mailOf(o.Party.Email, fmt.Sprintf("Re: Re: %d", i), "We got it.", "Auto-Submitted: auto-replied\r\n")); err != nil {
				t.Fatal(err)
			}
			taken++
		}
		if taken != 200 {
			t.Errorf("%d were taken", taken)
		}
		r.settle()
		r.clock.Set(begin.Add(25 * time.Hour))
		if err := r.Centre.Recipient(t.Context(), "", addr); err != nil {
			t.Errorf("a day later: %v", err)
		}
		if n := len(r.world.Mails()); n > 10 {
			t.Errorf("%d messages left", n)
		}
	})
}

// TestMailNeverKept: a mail that declares what is never kept leaves its digest.
func TestMailNeverKept(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		raw := []byte("From: a@reporter.example\r\nTo: report@centre.example\r\nSubject: report\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n" +
			"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\nCategory: csam\r\n\r\n--b--\r\n")
		err := r.Centre.Receive(t.Context(), vouched("a@reporter.example", "report@centre.example"), raw)
		if problem.CodeOf(err) != problem.Refused || !strings.Contains(err.Error(), "hotline") {
			t.Errorf("%v", err)
		}
		m := r.lastMail()
		if m.State != store.MailWithheld || m.Blob != "" || len(m.Envelope) != 0 || m.Length != 0 || m.Digest == "" {
			t.Errorf("%+v", m)
		}
		if _, _, err := r.Store.Blob(t.Context(), m.Digest); err == nil {
			t.Error("its bytes are there")
		}
	})
}

// TestUnreadableReport: who is shown to have written it is told what is missing.
func TestUnreadableReport(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		r.receive(vouched("ann@reporter.example", "report@centre.example"), mailOf("ann@reporter.example", "help", "There is a bad page, please do something."))
		m := r.lastMail()
		if m.State != store.MailFiled || m.Report == "" || m.Detail == "" {
			t.Fatalf("%+v", m)
		}
		who := sha256.Sum256([]byte("ann@reporter.example"))
		r.view(func(ctx context.Context, tx *store.Tx) error {
			row, err := tx.Report(ctx, m.Report)
			if err != nil || row.State != store.ReportRejected {
				t.Errorf("%+v %v", row, err)
			}
			n, err := tx.Notice(ctx, "receipt."+m.Report+"."+hex.EncodeToString(who[:8]))
			if n.Kind != "receipt" || n.Case != "" || n.To != "ann@reporter.example" || n.Blob == "" {
				t.Errorf("the receipt is %+v", n)
			}
			return err
		})
		var env struct{ Author string }
		if json.Unmarshal(m.Envelope, &env) != nil || env.Author != "ann@reporter.example" {
			t.Errorf("envelope %s", m.Envelope)
		}
	})
}
