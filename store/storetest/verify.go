package storetest

import (
	"context"
	"encoding/json"
	"errors"
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
	three.Org, three.State, three.Doubted, three.Rest, three.Due, three.Phone = "o1", "verified", minutes(4), minutes(3), time.Time{}, sha([]byte("p"))
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
			return tx.VerifiedSame(ctx, org, claim, verify.Revision(rev), 2)
		})
	}
	equal(t, []string{same("", verify.Email, one.Email), same("o1", verify.Email, one.Email), same("o1", verify.Phone, three.Phone), same("", verify.Email, ""), same("", verify.Name, one.Email)},
		[]string{"", "v3", "v3", "", ""})
	doubted := func(org string, claim verify.Claim, rev, except string) (out time.Time) {
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			out, err = tx.DoubtedSame(ctx, org, claim, verify.Revision(rev), except)
			return err
		})
		return out
	}
	equal(t, []time.Time{doubted("o1", verify.Email, one.Email, "v1"), doubted("o1", verify.Phone, three.Phone, ""), doubted("o1", verify.Email, one.Email, "v3"), doubted("", verify.Email, one.Email, ""), doubted("o1", verify.Name, one.Email, "")},
		[]time.Time{minutes(4), minutes(4), {}, {}, {}})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		v, ok, err := tx.VerificationOf(ctx, "o1", "one.example", "registrant")
		if !ok || v.ID != "v3" {
			t.Errorf("%+v %t", v, ok)
		}
		if _, ok, _ := tx.VerificationOf(ctx, "", "one.example", "account_holder"); ok {
			t.Error("another role's")
		}
		counts, err2 := tx.CountVerificationGroups(ctx)
		n, err3 := tx.CountVerifications(ctx, "", minutes(2))
		equal(t, []int{counts[store.VerificationsOpen], counts[store.VerificationsDoubt], counts[store.VerificationsHeld], counts[store.VerificationsDone], n}, []int{1, 1, 1, 1, 1})
		for _, e := range []error{err2, err3} {
			if e != nil {
				return e
			}
		}
		return err
	})

	// Codes are counted by registration and by organisation, apart from all other mail.
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for i, id := range []string{"v1", "v1", "v2", "v3"} {
			n := store.Notice{ID: fmt.Sprintf("code%d", i), Obligation: "verify:" + id, Number: i, Kind: "verification", Channel: "email", Party: "holder:x", State: store.NoticeDue, Created: minutes(1), Due: minutes(1)}
			if _, err := tx.AddNotice(ctx, n); err != nil {
				return err
			}
			n.State, n.Done, n.Due, n.Worker = store.NoticeAccepted, minutes(5), time.Time{}, "w"
			if i == 1 {
				n.State = store.NoticeStopped // never sent
			} else if _, err := tx.IntendNotice(ctx, n.ID, "w", n.ID, "", minutes(5)); err != nil {
				return err
			}
			if err := tx.FinishNotice(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		about, org, err := tx.CountCodes(ctx, "v1", minutes(5))
		_, none, err2 := tx.CountCodes(ctx, "v3", minutes(6))
		all, err3 := tx.CountNotices(ctx, "", minutes(0))
		changes, err4 := tx.CountContactChanges(ctx, "v1", minutes(0))
		equal(t, []int{about, org, none, all, changes}, []int{1, 2, 0, 0, 0})
		return errors.Join(err, err2, err3, err4)
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
	// Whoever read it before that takes it for nothing that is due: it stays due,
	// whether an event came of it or not, and whether it was due before or not.
	seen := get("v2")
	prompt := func() {
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.PromptSame(ctx, "", verify.Email, verify.Revision(one.Email), "v1", minutes(10))
		})
	}
	settle := func(id string, due time.Time, seq, prompts int) {
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.SettleVerification(ctx, id, due, seq, prompts)
		})
	}
	prompt()
	settle("v2", time.Time{}, 1, seen.Prompts)
	equal(t, due(minutes(10)), []string{"v2"})
	seen = get("v2")
	prompt()
	seen.Seq, seen.Due = 2, minutes(90)
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.PutVerification(ctx, seen, 1) })
	equal(t, due(minutes(10)), []string{"v2"})
	settle("v2", time.Time{}, 2, get("v2").Prompts)
	settle("v1", minutes(5), 3, 0) // another log
	equal(t, len(due(minutes(10))), 0)
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		next, ok, err := tx.NextDue(ctx)
		if !ok || !next.Equal(one.Due) {
			t.Errorf("next due %s", next)
		}
		return err
	})

	// A doubt is followed in pages, each by one.
	d := store.Doubt{ID: "d1", Org: "o1", Revision: verify.Revision(one.Email), Cause: verify.Bounce, Evidence: "mail:1", At: minutes(2)}
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddDoubt(ctx, d) })
	fails(t, s, problem.Internal, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddDoubt(ctx, store.Doubt{ID: "d2", At: minutes(1)})
	})
	pages := func(after string) string {
		return ids(func(ctx context.Context, tx *store.Tx) ([]store.Verification, error) {
			return tx.VerifiedAfter(ctx, "o1", verify.Email, d.Revision, after, 5)
		})
	}
	equal(t, []string{pages(""), pages("v2"), pages("v3")}, []string{"v3", "v3", ""})
	read1 := func() (out store.Doubt, ok bool) {
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			ids, err := tx.DueDoubts(ctx, minutes(2), 10)
			next, _, err2 := tx.NextDue(ctx)
			if out, ok, _ = tx.Doubt(ctx, "d1"); ok != slices.Equal(ids, []string{"d1"}) || ok != next.Equal(minutes(2)) || err2 != nil {
				t.Errorf("%v %s %v", ids, next, err2)
			}
			return err
		})
		return out, ok
	}
	got, ok := read1()
	equal(t, got, d)
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DoneDoubt(ctx, d, "v2") })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.DoneDoubt(ctx, d, "v9") })
	got, ok2 := read1()
	equal(t, got.Done, "v2")
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DoneDoubt(ctx, got, "") })
	_, ok3 := read1()
	equal(t, []bool{ok, ok2, ok3}, []bool{true, true, false})

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
		if err := tx.LockOrders(ctx, "one.example"); err != nil {
			return err
		}
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
			stamped := hold
			stamped.Body = []byte(`{"at":1}`)
			ok, err = tx.ClaimOrder(ctx, stamped, minutes(4), minutes(5))
			return err
		})
		return ok
	}
	equal(t, []bool{claim(), claim()}, []bool{true, false})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		all, err := tx.Orders(ctx, "v1")
		want := hold
		want.Attempts, want.Tried, want.Due, want.Body = 1, minutes(4), minutes(5), []byte(`{"at":1}`)
		equal(t, all, []store.VerificationOrder{want, hand})
		named, err5 := tx.NameOrders(ctx, "ONE.example")
		equal(t, named, all)
		other, err2 := tx.NameOrders(ctx, "two.example")
		equal(t, len(other), 0)
		early, err3 := tx.DueOrders(ctx, minutes(4), 10)
		late, err4 := tx.DueOrders(ctx, minutes(5), 10)
		equal(t, fmt.Sprint(early, late, err, err2, err3, err4, err5), "[] [o1] <nil> <nil> <nil> <nil> <nil>")
		next, ok, err := tx.NextDue(ctx)
		if !ok || !next.Equal(minutes(5)) {
			t.Errorf("next due %s", next)
		}
		return err
	})
	done := hold
	done.State, done.Due, done.Ended, done.Response = store.OrderDone, time.Time{}, minutes(6), "HTTP 204"
	// What was sent meanwhile is not settled as if it had not been.
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.FinishOrder(ctx, done, store.OrderDue) })
	done.Attempts = 1
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishOrder(ctx, done, store.OrderDue) })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.FinishOrder(ctx, done, store.OrderDue) })
	if got := claim(); got {
		t.Error("what is done is claimed")
	}
	verificationTasks(t, s, hand)
}

// verificationTasks: what waits for a person is listed the centre's own first, and
// no organisation's hide another's.
func verificationTasks(t *testing.T, s *store.Store, hand store.VerificationOrder) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for i, x := range []struct{ id, org, kind string }{{"p1", "many", "hold"}, {"p2", "many", "hold"}, {"p3", "many", "release"}, {"p4", "few", "hold"}, {"p5", "", "hold"}} {
			o := hand
			o.ID, o.Org, o.Kind, o.Created = x.id, x.org, x.kind, minutes(6+i)
			if err := tx.AddOrder(ctx, o); err != nil {
				return err
			}
		}
		return nil
	})
	for _, tc := range []struct {
		page store.OrderPage
		want string
	}{
		{store.OrderPage{}, "o2 p5 p3 p4 p1 p2"},
		{store.OrderPage{Limit: 2, Skip: 1}, "p5 p3"},
		{store.OrderPage{Skip: -1, Limit: 1}, "o2"},
		{store.OrderPage{Skip: 9}, ""},
		{store.OrderPage{Of: true}, "o2 p5"},
		{store.OrderPage{Of: true, Org: "many", Skip: 1}, "p1 p2"},
	} {
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			os, err := tx.OrdersByHand(ctx, tc.page)
			var got []string
			for _, o := range os {
				got = append(got, o.ID)
			}
			equal(t, strings.Join(got, " "), tc.want)
			return err
		})
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.CountOrdersByHand(ctx)
		equal(t, n, map[string]int{"": 2, "many": 3, "few": 1})
		return err
	})
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
