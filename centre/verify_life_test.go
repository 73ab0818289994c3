package centre_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/verify"
)

// TestVerificationLife: what begins, changes and ends with a registration does so
// for that registration and that address only.
func TestVerificationLife(t *testing.T) {
	r, sys, to := newVerifier(t, engines[0].dsn(t, false), func(c *config.Config) { c.Verify.PerAddressPerDay = 20 })
	ctx := t.Context()
	const other = "abuse@mute-names.example"
	_, host, _ := strings.Cut(to, "@")
	answer := func(v centre.Verification) {
		t.Helper()
		codes := r.codes(to, v.ID)
		if len(codes) == 0 {
			t.Fatalf("%s got no code", v.Name)
		}
		if _, err := r.Centre.AnswerVerification(ctx, r.Centre.VerificationToken(r.verification(v.ID)), codes[len(codes)-1]); err != nil {
			t.Fatal(err)
		}
	}
	member := r.open(centre.VerificationDraft{Name: "aurora-w.shopx", Email: other, Org: "o1", Registrar: "Your account is locked: call us"})
	first := r.open(centre.VerificationDraft{Name: "aurora-a.shopx", Email: other, Ref: "order 1"})
	held := r.open(centre.VerificationDraft{Name: "aurora-h.shopx", Email: other, Registrar: "Mute Names"})
	customer := r.open(centre.VerificationDraft{Name: "aurora-h.shopx", Email: other, Registrar: "Mute Names", Role: verify.AccountHolder})
	moved := r.open(centre.VerificationDraft{Name: "aurora-x.shopx", Email: other, Registrar: "Mute Names", Ref: "order 7"})
	r.until(hour)

	// A member's own words are not sent as ours.
	if len(r.codes(other, member.ID)) != 1 {
		t.Error("the member's holder got no code")
	}
	for _, m := range r.world.Mails() {
		if bytes.Contains(m.Raw, []byte("account is locked")) {
			t.Errorf("%s", m.Raw)
		}
	}

	// Who read mail at the address before speaks for that one only, and has nothing
	// sent to the next. What a change leaves out stays.
	token := r.Centre.VerificationToken(moved)
	now := r.open(centre.VerificationDraft{Name: "aurora-x.shopx", Email: to})
	if now.ID != moved.ID || now.Registrar != "Mute Names" || now.Ref != "order 7" {
		t.Errorf("%+v", now)
	}
	if _, current, err := r.Centre.VerificationAnswerable(ctx, token); err != nil || current {
		t.Errorf("%t %v", current, err)
	}
	if _, err := r.Centre.AgainVerification(ctx, token); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("another code by an earlier link: %v", err)
	}
	if _, err := r.Centre.NotMine(ctx, token); err != nil {
		t.Fatal(err)
	}
	at, err := r.Centre.CodesRefused(ctx, now)
	before, err2 := r.Centre.CodesRefused(ctx, first)
	if now = r.verification(now.ID); err != nil || err2 != nil || !at.IsZero() || before.IsZero() || now.InDoubt {
		t.Errorf("%s %s %v %v %t", at, before, err, err2, now.InDoubt)
	}

	// One answer is enough for all names of a holder, after a doubt of all of them, too.
	names := []centre.Verification{now}
	for i := range 2 {
		names = append(names, r.open(centre.VerificationDraft{Name: fmt.Sprintf("aurora-%d.shopx", i), Email: to}))
	}
	r.until(2 * hour)
	all := func(want verify.State, when string) {
		t.Helper()
		for _, v := range names {
			if got := r.verification(v.ID); got.State != want || got.InDoubt != (want != verify.Verified) {
				t.Errorf("%s: %s is %s, in doubt: %t", when, v.Name, got.State, got.InDoubt)
			}
		}
	}
	answer(names[0])
	r.until(3 * hour)
	all(verify.Verified, "answered")
	for _, v := range names {
		if _, err := r.Centre.DoubtVerification(ctx, v.ID, 0, "person:ann", verify.Email, "report:7", ""); err != nil {
			t.Fatal(err)
		}
	}
	r.until(4 * hour)
	all(verify.Pending, "doubted")
	answer(names[1])
	r.until(5 * hour)
	all(verify.Verified, "answered again")

	// So it is where the codes of the others leave after it, and before they are looked
	// at again.
	late := []centre.Verification{}
	for i := range 3 {
		late = append(late, r.open(centre.VerificationDraft{Name: fmt.Sprintf("late-%d.shopx", i), Email: to, Org: "o2"}))
	}
	if _, _, err := r.Centre.AttestVerification(ctx, late[0].ID, 0, verify.Attest{By: "person:ann", Claims: []verify.Claim{verify.Email}, Level: verify.V2, Method: "call", Evidence: "none", Audit: "t-1", Result: verify.Pass}, nil); err != nil {
		t.Fatal(err)
	}
	for _, v := range late[1:] {
		if err := r.Centre.Deliver(ctx, []string{"verify." + v.ID + ".1"}); err != nil {
			t.Fatal(err)
		}
	}
	r.until(6 * hour)
	for _, v := range late {
		if got := r.verification(v.ID); !got.State.Done() {
			t.Errorf("%s is %s: what was found of another name never reached it", got.Name, got.State)
		}
	}

	// "I know nothing of this name" shows as a doubt, of what is verified, too; the
	// state stays, and a person takes it back.
	if v, err := r.Centre.NotMine(ctx, r.Centre.VerificationToken(names[0])); err != nil || v.State != verify.Verified || !v.InDoubt {
		t.Errorf("%s %t %v", v.State, v.InDoubt, err)
	}
	if vs, err := r.Centre.Verifications(ctx, store.VerificationFilter{Group: store.VerificationsDoubt, Name: "aurora-x.shopx"}); err != nil || len(vs) != 1 {
		t.Errorf("%+v %v", vs, err)
	}
	if v := r.open(centre.VerificationDraft{Name: "aurora-2.shopx", Email: to}); v.State != verify.Pending {
		t.Errorf("what its reader disowned was reused: %s", v.State)
	}
	if v, err := r.Centre.AllowCodes(ctx, names[0].ID, "person:ann", "they called"); err != nil || v.InDoubt {
		t.Errorf("%t %v", v.InDoubt, err)
	}

	// Another registration of the name begins anew; a change of the same goes on under
	// the clock that runs, whatever it says of why.
	r.until(70 * hour)
	draft := centre.VerificationDraft{Name: "aurora-a.shopx", Email: "one@" + host, Trigger: verify.Registered, Ref: "order 2"}
	next := r.open(draft)
	if next.ID == first.ID || next.Due.Sub(r.clock.Now()) != 72*hour || next.Ref != "order 2" || r.verification(first.ID).State != verify.Terminated {
		t.Errorf("%+v; the one before is %s", next, r.verification(first.ID).State)
	}
	if again := r.open(draft); again.ID != next.ID || again.Seq != next.Seq {
		t.Errorf("the same again: %+v", again)
	}
	draft.Email = "two@" + host
	if changed := r.open(draft); changed.ID != next.ID || !changed.Due.Equal(next.Due) {
		t.Errorf("a change with the same reference: %+v", changed)
	}
	draft.Email, draft.Trigger, draft.Ref = "three@"+host, "", "order 3"
	if changed := r.open(draft); changed.ID != next.ID || !changed.Due.Equal(next.Due) {
		t.Errorf("a change: %+v", changed)
	}
	r.until(97 * hour)
	if held = r.verification(held.ID); held.State != verify.OnHold || !strings.Contains(sys.seen(), "hold aurora-h.shopx") {
		t.Fatalf("%s %s", held.State, sys.seen())
	}
	fresh := r.open(centre.VerificationDraft{Name: "aurora-h.shopx", Email: "four@" + host, Trigger: verify.Transferred, Registrar: "Other"})
	if fresh.State != verify.Pending || fresh.Trigger != verify.Transferred || r.verification(held.ID).State != verify.Terminated || r.verification(customer.ID).State != verify.Terminated {
		t.Errorf("%s %s; before %s, %s", fresh.State, fresh.Trigger, r.verification(held.ID).State, r.verification(customer.ID).State)
	}
	if got := r.journal(held.ID); !strings.Contains(got, "put on hold; order settled; registration gone") {
		t.Errorf("%s", got)
	}
	// What was verified of the very same contact stands.
	if v := r.open(centre.VerificationDraft{Name: "aurora-1.shopx", Email: to, Trigger: verify.Registered, Ref: "order 9"}); v.ID != names[2].ID || v.State != verify.Verified {
		t.Errorf("%+v", v)
	}
	// One that is gone is asked, reminded and held no more.
	for range 2 {
		if v, err := r.Centre.LeaveVerification(ctx, next.ID, 0, "person:ann/key:k", verify.Deleted); err != nil || v.State != verify.Terminated {
			t.Errorf("%s %v", v.State, err)
		}
	}
	seq := r.verification(next.ID).Seq
	r.until(12 * day)
	if v := r.verification(next.ID); v.Seq > seq+1 || strings.Contains(sys.seen(), "aurora-a.shopx") { // news of a message may be late
		t.Errorf("%+v %s", v, sys.seen())
	}
}

// TestVerificationCodeCaps: codes have caps of their own, for each organisation, and
// use up nothing of what asks may send.
func TestVerificationCodeCaps(t *testing.T) {
	r, _, to := newVerifier(t, engines[0].dsn(t, false), func(c *config.Config) {
		c.Verify.PerAddressPerDay, c.Verify.CodesPerDay, c.Mail.PerDay = 2, 2, 1
	})
	ctx := t.Context()
	both := []string{to, "abuse@mute-names.example"}
	// One registration whose address changes again and again.
	var evil centre.Verification
	for i := range 11 {
		evil = r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: both[i%2], Org: "o1"})
		r.settle()
	}
	if _, err := r.Centre.OpenVerification(ctx, centre.VerificationDraft{Name: "aurora-b.shopx", Email: both[1], Org: "o1"}, "person:eve"); problem.CodeOf(err) != problem.RateLimited {
		t.Errorf("changed for the eleventh time: %v", err)
	}
	more := r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: both[0], Org: "o1"})
	own := r.open(centre.VerificationDraft{Name: "aurora-d.shopx", Email: both[0]})
	own2 := r.open(centre.VerificationDraft{Name: "aurora-e.shopx", Email: both[1]})
	r.settle()
	r.view(func(ctx context.Context, tx *store.Tx) error {
		for _, tc := range []struct {
			v          centre.Verification
			about, org int
		}{{evil, 2, 2}, {more, 0, 2}, {own, 1, 2}, {own2, 1, 2}} {
			about, org, err := tx.CountCodes(ctx, tc.v.ID, r.clock.Now().Add(-24*time.Hour))
			if err != nil || about != tc.about || org != tc.org {
				t.Errorf("%s of %q: %d codes, %d of the organisation: %v", tc.v.Name, tc.v.Org, about, org, err)
			}
		}
		n, err := tx.CountNotices(ctx, "", r.clock.Now().Add(-24*time.Hour))
		if err != nil || n != 0 {
			t.Errorf("%d of the day's messages are used up: %v", n, err)
		}
		x, err := tx.Notice(ctx, "verify."+evil.ID+".11")
		if err != nil || !strings.Contains(x.Response, "about this registration") {
			t.Errorf("%+v %v", x, err)
		}
		return nil
	})
}
