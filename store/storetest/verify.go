package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/verify"
)

// verified is a verification with a log of n events, of which every second
// payload is personal.
func verified(id, name, contact string, opened time.Time, n int) (store.Verification, []casework.Entry) {
	var entries []casework.Entry
	var prev *casework.Link
	for i := range n {
		body, _ := json.Marshal(map[string]int{"n": i})
		kind := verify.KindIssued
		if i%2 == 1 {
			kind = verify.KindWords
		}
		e := casework.Seal(prev, id, opened.Add(time.Duration(i)*time.Second), kind, "person:7", casework.Payload{Salt: [32]byte{byte(i)}, Body: body, Personal: i%2 == 1})
		entries, prev = append(entries, e), &e.Link
	}
	return store.Verification{ID: id, Name: name, Role: "registrant", Profile: "waps", State: "pending", Email: sha([]byte(contact)), Opened: opened, Due: opened.Add(120 * time.Hour),
		Seq: n, Head: prev.Hash, Body: []byte("{}")}, entries
}

func testVerifications(t *testing.T, e *env) {
	s := e.open(t)
	write := func(v store.Verification, es []casework.Entry, was int) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.LockVerifications(ctx); err != nil {
				return err
			}
			if err := tx.PutVerification(ctx, v, was); err != nil {
				return err
			}
			return tx.AppendVerificationEvents(ctx, es)
		})
	}
	one, log := verified("v1", "one.example", "a", minutes(1), 4)
	one.Registrar, one.Ref = "A Registrar", "r-1"
	write(one, log, 0)
	two, log2 := verified("v2", "two.example", "a", minutes(2), 1)
	two.State, two.Due = "hold", time.Time{}
	write(two, log2, 0)
	three, log3 := verified("v3", "one.example", "a", minutes(3), 1)
	three.Org, three.State, three.Doubt, three.Rest, three.Due, three.Phone = "o1", "verified", true, minutes(3), time.Time{}, sha([]byte("p"))
	write(three, log3, 0)
	get := func(id string) (v store.Verification) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) { v, err = tx.Verification(ctx, id); return err })
		return v
	}
	equal(t, get("v1"), one)
	equal(t, get("v3"), three)
	read := func(id string) (es []casework.Entry) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			es, err = tx.VerificationEvents(ctx, id)
			return err
		})
		return es
	}
	equal(t, read("v1"), log)

	// A log is only ever added to, and only at its end.
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.PutVerification(ctx, one, 0) })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error {
		late := one
		late.Seq = 9
		return tx.PutVerification(ctx, late, 3)
	})
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.AppendVerificationEvents(ctx, log[:1]) })
	fails(t, s, problem.Internal, func(ctx context.Context, tx *store.Tx) error { return tx.PutVerification(ctx, one, 4) })
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Verification(ctx, "v9")
		return err
	})
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.KeepContact(ctx, "v1", sha([]byte("x")), 3) })

	ids := func(f func(context.Context, *store.Tx) ([]store.Verification, error)) string {
		t.Helper()
		var out []string
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			vs, err := f(ctx, tx)
			for _, v := range vs {
				out = append(out, v.ID)
			}
			return err
		})
		return strings.Join(out, " ")
	}
	for want, fs := range map[string][]store.VerificationFilter{
		"v3 v2 v1": {{}}, "v1": {{Group: store.VerificationsOpen}, {State: "pending"}, {After: "v2"}, {Name: "ONE.example", Own: true}},
		"v3": {{Group: store.VerificationsDoubt}, {Group: store.VerificationsDone}, {Own: true, Org: "o1"}, {Limit: 1}}, "v2": {{Group: store.VerificationsHeld}},
		"v3 v1": {{Name: "one.example"}}, "v2 v1": {{Own: true}}, "": {{Name: "x.example"}},
	} {
		for _, f := range fs {
			if got := ids(func(ctx context.Context, tx *store.Tx) ([]store.Verification, error) { return tx.Verifications(ctx, f) }); got != want {
				t.Errorf("%+v: %q, not %q", f, got, want)
			}
		}
	}
	same := func(org string, claim verify.Claim, rev string) string {
		return ids(func(ctx context.Context, tx *store.Tx) ([]store.Verification, error) {
			return tx.SameContact(ctx, org, claim, verify.Revision(rev), 10)
		})
	}
	equal(t, []string{same("", verify.Email, one.Email), same("o1", verify.Email, one.Email), same("o1", verify.Phone, three.Phone), same("", verify.Email, ""), same("", verify.Name, one.Email)},
		[]string{"v2 v1", "v3", "v3", "", ""})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		v, ok, err := tx.VerificationOf(ctx, "o1", "one.example", "registrant")
		if !ok || v.ID != "v3" {
			t.Errorf("%+v %t", v, ok)
		}
		if _, ok, _ := tx.VerificationOf(ctx, "", "one.example", "account_holder"); ok {
			t.Error("another role's")
		}
		held, err2 := tx.HeldByOther(ctx, "two.example", "v1")
		mine, err3 := tx.HeldByOther(ctx, "two.example", "v2")
		if !held || mine {
			t.Errorf("held by another: %t, %t", held, mine)
		}
		counts, err4 := tx.CountVerificationGroups(ctx)
		n, err5 := tx.CountVerifications(ctx, minutes(2))
		equal(t, []int{counts[store.VerificationsOpen], counts[store.VerificationsDoubt], counts[store.VerificationsHeld], counts[store.VerificationsDone], n}, []int{1, 1, 1, 1, 2})
		for _, e := range []error{err2, err3, err4, err5} {
			if e != nil {
				return e
			}
		}
		return err
	})

	// What becomes known of one makes the others of the contact due, of the same
	// organisation and where something runs.
	due := func(at time.Time) (out []string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			out, err = tx.DueVerifications(ctx, at, 10)
			return err
		})
		return out
	}
	equal(t, len(due(minutes(10))), 0)
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.PromptSame(ctx, "", verify.Email, verify.Revision(one.Email), "v1", minutes(10))
	})
	equal(t, due(minutes(10)), []string{"v2"})
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SettleVerification(ctx, "v2", time.Time{}, 1) })
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SettleVerification(ctx, "v1", minutes(5), 3) }) // another log
	equal(t, len(due(minutes(10))), 0)
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		next, ok, err := tx.NextDue(ctx)
		if !ok || !next.Equal(one.Due) {
			t.Errorf("next due %s", next)
		}
		return err
	})

	// A code is there until its message's result, and is over in time.
	code := store.WaitingCode{Verification: "v1", Number: 1, Method: verify.ByMail, Code: "secret", Made: minutes(1), Expires: minutes(100)}
	second := code
	second.Number, second.Method, second.Expires = 2, verify.ByMessage, minutes(50)
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutCode(ctx, code); err != nil {
			return err
		}
		return tx.PutCode(ctx, second)
	})
	codes := func() (out []store.WaitingCode) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) { out, err = tx.WaitingCodes(ctx, "v1"); return err })
		return out
	}
	equal(t, codes(), []store.WaitingCode{code, second})
	if _, err := s.SweepVerifications(t.Context(), minutes(60), store.Forever, store.Forever); err != nil {
		t.Fatal(err)
	}
	equal(t, codes(), []store.WaitingCode{code})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		a, err := tx.DropCode(ctx, "v1", 1)
		b, err2 := tx.DropCode(ctx, "v1", 0)
		equal(t, fmt.Sprint(a, b, err, err2), "1 0 <nil> <nil>")
		_, ok, err := tx.WaitingCode(ctx, "v1", 1)
		equal(t, ok, false)
		return err
	})

	// An address that wants no codes.
	rev := verify.Revision(one.Email)
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.Refuse(ctx, rev, "v1", minutes(3)); err != nil {
			return err
		}
		return tx.Refuse(ctx, rev, "v2", minutes(9))
	})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		at, err := tx.Refused(ctx, rev)
		equal(t, at, minutes(3))
		was, err2 := tx.Unrefuse(ctx, rev)
		again, err3 := tx.Unrefuse(ctx, rev)
		none, err4 := tx.Refused(ctx, rev)
		equal(t, fmt.Sprint(was, again, none.IsZero(), err2, err3, err4), "true false true <nil> <nil> <nil>")
		return err
	})

	verificationOrders(t, s)
	verificationRetention(t, e, s, one, log)
}

func verificationOrders(t *testing.T, s *store.Store) {
	t.Helper()
	hold := store.VerificationOrder{ID: "o1", Verification: "v1", Name: "one.example", Kind: "hold", State: store.OrderDue, Created: minutes(4), Due: minutes(4), Body: []byte(`{"order":"hold"}`)}
	hand := store.VerificationOrder{ID: "o2", Verification: "v1", Name: "one.example", Kind: "release", State: store.OrderByHand, Created: minutes(5), Response: "no system", Body: []byte("{}")}
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddOrder(ctx, hold); err != nil {
			return err
		}
		return tx.AddOrder(ctx, hand)
	})
	fails(t, s, problem.Internal, func(ctx context.Context, tx *store.Tx) error {
		bad := hand
		bad.ID, bad.Due = "o3", minutes(6)
		return tx.AddOrder(ctx, bad)
	})
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Order(ctx, "o9"); return err })
	claim := func() (ok bool) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			ok, err = tx.ClaimOrder(ctx, hold, minutes(5))
			return err
		})
		return ok
	}
	equal(t, []bool{claim(), claim()}, []bool{true, false})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		all, err := tx.Orders(ctx, "v1")
		want := hold
		want.Attempts, want.Due = 1, minutes(5)
		equal(t, all, []store.VerificationOrder{want, hand})
		tasks, err2 := tx.OrdersByHand(ctx, 10)
		equal(t, tasks, []store.VerificationOrder{hand})
		early, err3 := tx.DueOrders(ctx, minutes(4), 10)
		late, err4 := tx.DueOrders(ctx, minutes(5), 10)
		equal(t, fmt.Sprint(early, late, err, err2, err3, err4), "[] [o1] <nil> <nil> <nil> <nil>")
		next, ok, err := tx.NextDue(ctx)
		if !ok || !next.Equal(minutes(5)) {
			t.Errorf("next due %s", next)
		}
		return err
	})
	done := hold
	done.State, done.Due, done.Ended, done.Response = store.OrderDone, time.Time{}, minutes(6), "HTTP 204"
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishOrder(ctx, done, store.OrderDue) })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.FinishOrder(ctx, done, store.OrderDue) })
	if got := claim(); got {
		t.Error("what is done is claimed")
	}
}

// verificationRetention: the values of a contact go when it says something else,
// and when nothing has moved for a time; what people wrote goes too, and the chain
// verifies.
func verificationRetention(t *testing.T, e *env, s *store.Store, one store.Verification, log []casework.Entry) {
	t.Helper()
	blob := func(text string) (out string) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			if out, err = tx.PutBlob(ctx, "application/json", []byte(text)); err != nil {
				return err
			}
			return tx.RefBlob(ctx, out, store.OwnerVerification, "v1")
		})
		return out
	}
	there := func(shas ...string) (out []bool) {
		t.Helper()
		for _, sha := range shas {
			_, _, err := s.Blob(t.Context(), sha)
			if err != nil && problem.CodeOf(err) != problem.NotFound {
				t.Fatal(err)
			}
			out = append(out, err == nil)
		}
		return out
	}
	old, now := blob("a first address"), blob("a second address")
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.KeepContact(ctx, "v1", now, one.Seq) })
	sweep := func(at time.Time, personal, values time.Duration) int {
		t.Helper()
		n, err := s.SweepVerifications(t.Context(), at, personal, values)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	equal(t, sweep(minutes(60), time.Minute, time.Minute), 1) // v1 moves: what it said before goes
	equal(t, there(old, now), []bool{false, true})
	e.clock.Set(minutes(60 * 24 * 400))
	if _, err := s.Sweep(t.Context(), e.clock.Now(), store.Retention{Capture: time.Hour}); err != nil {
		t.Fatal(err)
	}
	equal(t, there(now), []bool{true})
	more := casework.Seal(&log[3].Link, "v1", minutes(30), verify.KindReturned, "holder:v1", casework.Payload{Body: []byte("{}")})
	one.State, one.Rest, one.Due, one.Data, one.Seq, one.Head = "verified", minutes(30), time.Time{}, now, 5, more.Hash
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutVerification(ctx, one, 4); err != nil {
			return err
		}
		return tx.AppendVerificationEvents(ctx, []casework.Entry{more})
	})
	equal(t, []int{sweep(minutes(89), time.Hour, time.Hour), sweep(minutes(90), store.Forever, store.Forever)}, []int{0, 0})
	equal(t, sweep(minutes(90), time.Hour, 2*time.Hour), 2)
	equal(t, there(now), []bool{true})
	equal(t, sweep(minutes(150), time.Hour, 2*time.Hour), 1)
	equal(t, there(now), []bool{false})
	var es []casework.Entry
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		v, err := tx.Verification(ctx, "v1")
		equal(t, v.Data, "")
		if err == nil {
			es, err = tx.VerificationEvents(ctx, "v1")
		}
		return err
	})
	if err := casework.VerifyChain(es); err != nil || slices.ContainsFunc(es, func(x casework.Entry) bool { return (x.Payload == nil) != (x.Kind == verify.KindWords) }) {
		t.Errorf("%v %+v", err, es)
	}
}
