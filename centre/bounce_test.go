package centre_test

import (
	"context"
	"strings"
	"testing"

	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/disclosure"
	"bailiwick/mail"
	"bailiwick/notify/email"
	"bailiwick/store"
	"bailiwick/verify"
)

func (r *rig) notice(id string) (n store.Notice) {
	r.t.Helper()
	r.view(func(ctx context.Context, tx *store.Tx) (err error) {
		n, err = tx.Notice(ctx, id)
		return err
	})
	return n
}

// messageID is that of a notice, which nobody can guess who has not seen it.
func (r *rig) messageID(id string) string {
	r.t.Helper()
	n := r.notice(id)
	if !strings.HasPrefix(n.MessageID, "notice."+id+".") {
		r.t.Errorf("the Message-ID of %s is %q", id, n.MessageID)
	}
	return n.MessageID
}

// TestWhichBounced: a delivery report speaks of the message it names, whatever came
// after it, and only once; who was written to under one address takes back nothing
// that went to another. The four kinds of notice are alike in this.
func TestWhichBounced(t *testing.T) {
	r, _, to := newVerifier(t, engines[0].dsn(t, false), func(c *config.Config) { c.Accuracy.Observe = false })
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	report := func(at, id string) {
		n++ // the same octets come once
		r.receive(mail.Envelope{At: begin, To: []string{at}}, append(bounceOf("x@mail.example", id, "5.1.1", "failed"), strings.Repeat("x", n)+"\r\n"...))
	}
	const other = "abuse@mute-names.example"
	evil := r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: other})
	var victims []string
	for _, s := range []string{"victim-0.shopx", "victim-1.shopx"} {
		victims = append(victims, r.open(centre.VerificationDraft{Name: s, Email: to}).ID)
	}
	d, err := r.Centre.DraftDisclosure(ctx, draftOf("aurora-login.shopx"), "person:ann")
	must(err)
	_, err = r.Centre.SendDisclosure(ctx, d.ID, 0, "person:ann", "")
	must(err)
	in, err := r.Centre.OpenInaccuracy(ctx, centre.InaccuracyDraft{Name: "aurora-login.shopx", Profile: "waps-raa-2013"}, "person:ann")
	must(err)
	_, err = r.Centre.SendInaccuracy(ctx, in.ID, 0, "person:ann", "")
	must(err)
	c := r.ask("aurora-c.shopx")
	asks, o := r.to(c, "registrar")
	r.until(2 * hour)

	requests := email.ReplyAddress(r.Centre.ReplyKey, "centre.example", d.ID, email.DisclosureRef)
	first := r.messageID("disclosure." + d.ID + ".1")
	report(requests, first)
	_, err = r.Centre.SendDisclosure(ctx, d.ID, 0, "person:ann", "security@aurora-bank.example")
	must(err)
	_, err = r.Centre.SendInaccuracy(ctx, in.ID, 0, "person:ann", "")
	must(err)
	r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: to}) // is the victim's now
	r.until(4 * hour)
	codes := r.codes(to, victims[0])
	_, err = r.Centre.AnswerVerification(ctx, r.Centre.VerificationToken(r.verification(victims[0])), codes[len(codes)-1])
	must(err)
	r.until(5 * hour)

	// The request that went to a second address was there, whatever is said of the first.
	for _, id := range []string{first, ""} {
		report(requests, id)
		if got := r.disclosure(d.ID); got.State != disclosure.Received || got.Reached.IsZero() {
			t.Errorf("a second report about message 1, or one that names none (%q): the request is %s", id, got.State)
		}
	}
	if m := r.lastMail(); m.State != store.MailIgnored || !strings.HasSuffix(m.Detail, "for a person to read") {
		t.Errorf("%s %q", m.State, m.Detail)
	}
	// The first ask about the data bounced late: the second documents the knowledge.
	report(email.ReplyAddress(r.Centre.ReplyKey, "centre.example", in.ID, email.InaccuracyRef), r.messageID("inaccuracy."+in.ID+".1"))
	if in = r.inaccuracy(in.ID); len(in.Orders) != 2 || !in.Orders[0].Failed || in.Orders[1].Failed || !in.Known.Equal(in.Orders[1].Taken) {
		t.Errorf("orders %+v, known since %s", in.Orders, in.Known)
	}
	// Who got a code of the name before reports about what went to the address after.
	second := r.messageID("verify." + evil.ID + ".2")
	for _, id := range []string{"", "notice.verify." + evil.ID + ".2@centre.example", r.messageID("verify." + victims[1] + ".1"), r.messageID("verify." + evil.ID + ".1")} {
		report(r.replyTo(evil.ID), id)
		for _, x := range victims {
			if v := r.verification(x); v.State != verify.Verified || v.InDoubt {
				t.Errorf("a report that names %q: %s is %s", id, v.Name, v.State)
			}
		}
	}
	// Who has the message may: so the test would see it.
	report(r.replyTo(evil.ID), second)
	if v := r.verification(victims[0]); v.State == verify.Verified {
		t.Errorf("after a true bounce %s is %s", v.Name, v.State)
	}

	r.until(2 * day)
	sent := 0
	for _, x := range r.notices(c) {
		if x.Obligation == o.ID && x.State == store.NoticeAccepted {
			sent++
		}
	}
	if sent < 2 {
		t.Fatalf("%d notices", sent)
	}
	for range 2 {
		report(asks, r.messageID(o.ID+".1"))
	}
	for _, x := range r.notices(c) {
		if failed := x.State == store.NoticeFailed; x.Obligation == o.ID && failed != (x.Number == 1) {
			t.Errorf("two reports name notice 1, and notice %d is %s", x.Number, x.State)
		}
	}
}
