package centre_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/disclosure"
	"bailiwick/notify/email"
	"bailiwick/problem"
	"bailiwick/store"

	"github.com/google/go-cmp/cmp"
)

const (
	holderMail = "contacts.registrant.email"
	holderName = "contacts.registrant.name"
	// holder is what is disclosed in these tests: it may be in no log and no row.
	holder = "holder@zanzibar.example"
)

func draftOf(name string) centre.DisclosureDraft {
	return centre.DisclosureDraft{Name: name, Requestor: "cert", Who: disclosure.Who{Person: "Ann Analyst", Organisation: "Some Centre", Contact: "ann@some.example", Statement: "It imitates a bank."},
		Basis: "legitimate_interests", Purpose: "abuse", Fields: []string{holderMail, holderName}}
}

func (r *rig) disclosure(id string) disclosure.Request {
	r.t.Helper()
	d, err := r.Centre.Disclosure(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

// looks are the lines of the access log about what was disclosed on a request.
func (r *rig) looks(id string) []access.Entry {
	r.t.Helper()
	es, err := r.Access.Entries(r.t.Context(), access.EntryFilter{Kind: access.Disclosed, Object: id})
	if err != nil {
		r.t.Fatal(err)
	}
	return es
}

// TestDisclosureSent: a request of ours goes to the registrar of the record, with
// the caps and the stop switch of every notice; the answer comes by its link; what
// is disclosed is read for a reason, and erased in time.
func TestDisclosureSent(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept, change: func(c *config.Config) {
			c.Disclosure.PerPersonPerDay, c.Retention.Personal = 2, 30*day
		}})
		ctx := t.Context()
		d, err := r.Centre.DraftDisclosure(ctx, draftOf("www.aurora-login.shopx"), "person:ann")
		if err != nil {
			t.Fatal(err)
		}
		if d.Party.Name != "Mute Names" || d.Name != "aurora-login.shopx" || d.State != disclosure.Drafted || d.Party.Email == "" {
			t.Fatalf("%+v", d)
		}
		sent := len(r.world.Mails())
		r.until(hour)
		if len(r.world.Mails()) != sent {
			t.Fatal("a draft was sent")
		}
		if _, err := r.Centre.DraftDisclosure(ctx, draftOf("aurora-login.shopx"), "person:ann"); problem.CodeOf(err) != problem.Conflict {
			t.Errorf("asked twice: %v", err)
		}
		if _, err := r.Centre.DraftDisclosure(ctx, draftOf("aurora-b.shopx"), "person:ann"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Centre.DraftDisclosure(ctx, draftOf("aurora-c.shopx"), "person:ann"); problem.CodeOf(err) != problem.RateLimited {
			t.Errorf("over the cap: %v", err)
		}
		if _, err := r.Centre.SendDisclosure(ctx, d.ID, d.Seq+1, "person:ann", ""); problem.CodeOf(err) != problem.Conflict {
			t.Errorf("somebody acted meanwhile, and it is sent: %v", err)
		}
		// The stop switch holds it as it holds every notice.
		stopped := func(v string) {
			r.update(func(ctx context.Context, tx *store.Tx) error {
				return tx.PutSetting(ctx, centre.SettingStop, []byte(v))
			})
		}
		stopped("on")
		if _, err := r.Centre.SendDisclosure(ctx, d.ID, d.Seq, "person:ann", ""); err != nil {
			t.Fatal(err)
		}
		r.until(2 * hour)
		if d = r.disclosure(d.ID); len(r.world.Mails()) != sent || d.State != disclosure.Sent || !d.Due().IsZero() {
			t.Fatalf("stopped, and %+v", d)
		}
		stopped("")
		r.until(4 * hour)
		d = r.disclosure(d.ID)
		mails := r.world.Mails()
		if len(mails) != sent+1 || d.State != disclosure.Received || d.AnswerDue.IsZero() {
			t.Fatalf("%d mails, %+v", len(mails)-sent, d)
		}
		token := email.AnswerToken(r.Centre.ReplyKey, d.ID, email.DisclosureRef)
		ns, err := r.Centre.DisclosureNotices(ctx, d)
		if err != nil || len(ns) != 1 || ns[0].State != store.NoticeAccepted {
			t.Fatalf("%+v %v", ns, err)
		}
		b, _, err := r.Store.Blob(ctx, ns[0].Blob)
		if err != nil || !strings.Contains(string(b), "/disclosure/answer/") || !strings.Contains(string(b), "not for compliance") {
			t.Errorf("%v\n%s", err, b)
		}

		// A ticket system's answer is an acknowledgement, a person's mail is for a
		// person; no machine takes a decision out of one.
		to := email.ReplyAddress(r.Centre.ReplyKey, "centre.example", d.ID, email.DisclosureRef)
		r.receive(vouched("desk@mute.example", to), mailOf("Desk <desk@mute.example>", "no", "We refuse to disclose this."))
		if d = r.disclosure(d.ID); d.Mailed != 1 || d.State != disclosure.Received {
			t.Fatalf("after the mail: %+v", d)
		}
		// A token of a case's obligation opens no request.
		if _, err := r.Centre.AnswerDisclosure(ctx, email.AnswerToken(r.Centre.ReplyKey, d.ID, d.ID+"-1"), centre.PartyAnswer{Answer: "received"}); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("another token: %v", err)
		}
		if _, err := r.Centre.AnswerDisclosure(ctx, token, centre.PartyAnswer{Answer: "received"}); err != nil {
			t.Fatal(err)
		}
		d, err = r.Centre.AnswerDisclosure(ctx, token, centre.PartyAnswer{Answer: "decided", Values: map[string]string{holderMail: holder, holderName: " "}, Reasons: []disclosure.Reason{"balance"}, Text: "not the name"})
		if err != nil || d.State != disclosure.PartlyGranted || len(d.Given) != 1 {
			t.Fatalf("%+v %v", d, err)
		}

		// Need to know: a role, a reason, and a line in the access log.
		analyst := access.Person{ID: "a", Roles: []access.Role{access.Analyst}}
		if _, err := r.Centre.ReadDisclosed(ctx, access.Person{ID: "v", Roles: []access.Role{access.Viewer, access.Auditor, access.Admin}}, d.ID, "because I want to"); problem.CodeOf(err) != problem.Refused {
			t.Errorf("without the role: %v", err)
		}
		if _, err := r.Centre.ReadDisclosed(ctx, analyst, d.ID, "why"); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("without a reason: %v", err)
		}
		if n := len(r.looks(d.ID)); n != 0 {
			t.Errorf("%d looks logged that were refused", n)
		}
		got, err := r.Centre.ReadDisclosed(ctx, analyst, d.ID, "to find further names of the holder")
		if err != nil || got[holderMail] != holder || len(got) != 1 {
			t.Errorf("%v %v", got, err)
		}
		if es := r.looks(d.ID); len(es) != 1 || es[0].Actor != "person:a" || !strings.HasPrefix(es[0].Detail, "to find further") {
			t.Errorf("%+v", es)
		}
		// It is in no log and no projection.
		var log bytes.Buffer
		if err := r.Centre.ExportDisclosure(ctx, &log, d.ID, true); err != nil || strings.Contains(log.String(), holder) {
			t.Errorf("%v\n%s", err, log.String())
		}
		if rep, err := casework.VerifyExport(&log, nil); err != nil || rep.Withheld != 0 {
			t.Errorf("%+v %v", rep, err)
		}

		// Its time over, it is erased, and the chain verifies and says so.
		sha := d.Data.SHA256
		r.until(d.Data.Expires.Sub(begin) + hour)
		d = r.disclosure(d.ID)
		if d.Data.Erased.IsZero() {
			t.Fatalf("not erased: %+v", d.Data)
		}
		if _, _, err := r.Store.Blob(ctx, sha); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("the bytes are still there: %v", err)
		}
		if _, err := r.Centre.ReadDisclosed(ctx, analyst, d.ID, "to read it once more"); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("%v", err)
		}
		if err := r.Centre.Retain(ctx); err != nil {
			t.Fatal(err)
		}
		es, err := r.Centre.DisclosureEvents(ctx, d.ID)
		if err != nil || casework.VerifyChain(es) != nil || es[len(es)-1].Kind != disclosure.KindErased {
			t.Errorf("%v", err)
		}
		if a, err := r.Centre.WhoAsked(ctx, d.ID); err != nil || a.Who != nil || len(a.Words) != 0 {
			t.Errorf("who asked is still known: %+v %v", a, err)
		}
		again, err := disclosure.Replay(es)
		if err != nil || !again.Unloaded {
			t.Errorf("%v %+v", err, again)
		}
		again.Unloaded = false
		if diff := cmp.Diff(d, again); diff != "" {
			t.Error(diff)
		}
	})
}

// TestDisclosureUndelivered: a mailbox that does not take it starts no clock; a
// person brings it, and then silence counts.
func TestDisclosureUndelivered(t *testing.T) {
	r := newRig(t, engines[0].dsn(t, false), askWorld, options{drive: swept})
	ctx := t.Context()
	d, err := r.Centre.DraftDisclosure(ctx, draftOf("aurora-full.shopx"), "person:ann")
	if err == nil {
		d, err = r.Centre.SendDisclosure(ctx, d.ID, 0, "person:ann", "")
	}
	if err != nil {
		t.Fatal(err)
	}
	r.until(5 * day)
	if d = r.disclosure(d.ID); d.State != disclosure.Sent || !d.ByHand || !d.Reached.IsZero() {
		t.Fatalf("%+v", d)
	}
	if _, err := r.Centre.ActDisclosure(ctx, d.ID, 0, disclosure.Hand{By: "person:ann", How: "their form"}); err != nil {
		t.Fatal(err)
	}
	r.until(50 * day)
	if d = r.disclosure(d.ID); d.State != disclosure.Silent || !d.AckOver {
		t.Fatalf("%+v", d)
	}
	fs, err := r.Centre.CountDisclosures(ctx, time.Time{}, r.clock.Now())
	if err != nil || fs[0].Silent != 1 || fs[0].Open != 1 || fs[0].Closed != 0 || fs[0].Censored != 1 || fs[0].MedianHours != nil {
		t.Errorf("%+v %v", fs[0], err)
	}
}

// TestDisclosureTaken: a request of somebody else is taken where the centre is
// set to, within caps; a person decides; who asked gets the answer by their token
// alone, and each reading is logged.
func TestDisclosureTaken(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept, change: func(c *config.Config) {
			c.Disclosure.Take, c.Disclosure.Profile, c.Disclosure.TakenPerRequestor, c.Disclosure.TakenPerDay, c.Disclosure.Keep = true, "nis2", 2, 3, 10*day
		}})
		ctx := t.Context()
		take := func(contact string) (disclosure.Request, string, error) {
			d := draftOf("aurora-b.shopx")
			d.Who.Contact, d.Profile = contact, "courtesy"
			return r.Centre.TakeDisclosure(ctx, d, "form:public")
		}
		d, token, err := take("ann@some.example")
		if err != nil || d.State != disclosure.Received || d.Terms.Profile != "nis2" || !d.AnswerDue.Equal(r.clock.Now().Add(72*hour)) || len(token) != 32 {
			t.Fatalf("%+v %q %v", d, token, err)
		}
		other, otherToken, err := take("Ann@Some.example ")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := take("ann@some.example"); problem.CodeOf(err) != problem.RateLimited {
			t.Errorf("over one requestor's cap: %v", err)
		}
		if _, _, err := take("bob@some.example"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := take("cid@some.example"); problem.CodeOf(err) != problem.RateLimited {
			t.Errorf("over the cap: %v", err)
		}
		if _, err := r.Centre.ActDisclosure(ctx, d.ID, 0, disclosure.AskMore{By: "person:desk", Text: "Which bank?"}, disclosure.Note{By: "person:desk", Text: "looks sound"}); err != nil {
			t.Fatal(err)
		}
		f, err := r.Centre.FollowDisclosure(ctx, token)
		if err != nil || f.Request.State != disclosure.MoreAsked || len(f.Words) != 1 || f.Words[0].Text != "Which bank?" {
			t.Errorf("%+v %v", f, err)
		}
		if d, err = r.Centre.AddToDisclosure(ctx, token, "Aurora Bank"); err != nil || d.State != disclosure.Acknowledged {
			t.Errorf("%+v %v", d, err)
		}
		if _, err := r.Centre.DecideDisclosure(ctx, d.ID, 0, "person:desk/key:k", map[string]string{holderMail: holder, holderName: "H"}, nil, ""); problem.CodeOf(err) != problem.Refused {
			t.Errorf("a program grants: %v", err)
		}
		if _, err := r.Centre.ReadDisclosedByToken(ctx, token); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("before the decision: %v", err)
		}
		if d, err = r.Centre.DecideDisclosure(ctx, d.ID, 0, "person:desk", map[string]string{holderMail: holder, holderName: "H. Older"}, nil, "as asked"); err != nil || d.State != disclosure.Granted {
			t.Fatalf("%+v %v", d, err)
		}
		if !d.Data.Expires.Equal(r.clock.Now().Add(10 * day)) {
			t.Errorf("kept until %s", d.Data.Expires)
		}
		got, err := r.Centre.ReadDisclosedByToken(ctx, token)
		if err != nil || got[holderMail] != holder {
			t.Errorf("%v %v", got, err)
		}
		if es := r.looks(d.ID); len(es) != 1 || es[0].Actor != "requestor:"+d.ID {
			t.Errorf("%+v", es)
		}
		for _, wrong := range []string{"", otherToken[1:] + "a", d.ID, strings.Repeat("a", 100)} {
			if _, err := r.Centre.FollowDisclosure(ctx, wrong); problem.CodeOf(err) != problem.NotFound {
				t.Errorf("%q: %v", wrong, err)
			}
		}
		if other, err = r.Centre.WithdrawDisclosure(ctx, otherToken); err != nil || other.State != disclosure.Withdrawn {
			t.Errorf("%+v %v", other, err)
		}
		r.until(4 * day)
		fs, err := r.Centre.CountDisclosures(ctx, time.Time{}, r.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		var in centre.DisclosureFigures
		for _, f := range fs {
			if f.Direction == disclosure.Incoming && f.Profile == "all" {
				in = f
			}
		}
		if in.Submitted != 3 || in.Closed != 1 || in.Granted != 1 || in.Withdrawn != 1 || in.Open != 1 || in.Silent != 1 || in.Followed != 3 || in.Censored != 2 {
			t.Errorf("%+v", in)
		}
		r.until(12 * day)
		if _, err := r.Centre.ReadDisclosedByToken(ctx, token); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("after its time: %v", err)
		}
	})
}

// TestDisclosureNotTaken: a centre that holds no data takes no requests.
func TestDisclosureNotTaken(t *testing.T) {
	r := newRig(t, engines[0].dsn(t, false), askWorld, options{drive: swept})
	if _, _, err := r.Centre.TakeDisclosure(t.Context(), draftOf("aurora-b.shopx"), "form:public"); problem.CodeOf(err) != problem.Refused {
		t.Errorf("%v", err)
	}
}

// TestDisclosureUsedUp: whoever fills forms uses up neither what is urgent nor what
// the desk writes down, and whoever says it is urgent no more than that; and who was
// to ask in a draft that nobody sent is forgotten in time.
func TestDisclosureUsedUp(t *testing.T) {
	r := newRig(t, engines[0].dsn(t, false), askWorld, options{drive: swept, change: func(c *config.Config) {
		c.Disclosure.Take, c.Disclosure.TakenPerDay, c.Retention.Personal = true, 3, 30*day
	}})
	ctx := t.Context()
	n := 0
	take := func(by string, urgent bool) error {
		d := draftOf("aurora-login.shopx")
		n++
		if d.Who.Contact = fmt.Sprintf("x%d@mail.example", n); urgent {
			d.Urgency, d.Condition = disclosure.Urgent, "life"
		}
		_, _, err := r.Centre.TakeDisclosure(ctx, d, by)
		return err
	}
	for _, k := range []struct {
		by     string
		urgent bool
	}{{"form:api", false}, {"form:public", true}, {"person:ann", true}} {
		for range 3 {
			if err := take(k.by, k.urgent); err != nil {
				t.Fatalf("%+v: %v", k, err)
			}
		}
		if err := take(k.by, k.urgent); problem.CodeOf(err) != problem.RateLimited {
			t.Errorf("%+v: %v", k, err)
		}
	}
	draft, err := r.Centre.DraftDisclosure(ctx, draftOf("aurora-login.shopx"), "person:ann")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		after time.Duration
		kept  bool
	}{{29 * day, true}, {31 * day, false}} {
		r.clock.Set(begin.Add(k.after))
		if err := r.Centre.Retain(ctx); err != nil {
			t.Fatal(err)
		}
		if a, err := r.Centre.WhoAsked(ctx, draft.ID); err != nil || (a.Who != nil) != k.kept {
			t.Errorf("after %s: %+v %v", k.after, a.Who, err)
		}
	}
}
