package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/disclosure"
	"bailiwick/problem"
	"bailiwick/store"
)

// asked is a request with a log of n events, of which every second payload is
// personal.
func asked(id, name string, opened time.Time, n int) (store.Disclosure, []casework.Entry) {
	var entries []casework.Entry
	var prev *casework.Link
	for i := range n {
		body, _ := json.Marshal(map[string]int{"n": i})
		kind := disclosure.KindReceived
		if i%2 == 1 {
			kind = disclosure.KindWords
		}
		e := casework.Seal(prev, id, opened.Add(time.Duration(i)*time.Second), kind, "person:7", casework.Payload{Salt: [32]byte{byte(i)}, Body: body, Personal: i%2 == 1})
		entries, prev = append(entries, e), &e.Link
	}
	return store.Disclosure{ID: id, Direction: "received", Name: name, Party: "registrar:9999", Profile: "nis2", State: "received", Opened: opened,
		Due: opened.Add(72 * time.Hour), Seq: n, Head: prev.Hash, Token: sha([]byte("token " + id)), Asker: sha([]byte("asker")), Pool: "form", Body: []byte("{}")}, entries
}

func testDisclosures(t *testing.T, e *env) {
	s := e.open(t)
	write := func(d store.Disclosure, es []casework.Entry, was int) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.LockDisclosures(ctx); err != nil {
				return err
			}
			if err := tx.PutDisclosure(ctx, d, was); err != nil {
				return err
			}
			return tx.AppendDisclosureEvents(ctx, es)
		})
	}
	one, log := asked("d1", "one.example", minutes(1), 4)
	write(one, log, 0)
	two, log2 := asked("d2", "two.example", minutes(2), 1)
	two.Direction, two.State, two.Token, two.Asker, two.Pool, two.Case, two.Due = "sent", "drafted", "", "", "", "c1", time.Time{}
	write(two, log2, 0)
	var got store.Disclosure
	view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		got, err = tx.Disclosure(ctx, "d1")
		return err
	})
	equal(t, got, one)
	var entries []casework.Entry
	read := func(id string) []casework.Entry {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			entries, err = tx.DisclosureEvents(ctx, id)
			return err
		})
		return entries
	}
	equal(t, read("d1"), log)

	// A log is only ever added to, and only at its end.
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.PutDisclosure(ctx, one, 0) })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error {
		late := one
		late.Seq = 9
		return tx.PutDisclosure(ctx, late, 3)
	})
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.AppendDisclosureEvents(ctx, log[:1]) })
	fails(t, s, problem.Internal, func(ctx context.Context, tx *store.Tx) error { return tx.PutDisclosure(ctx, one, 4) })
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Disclosure(ctx, "d9"); return err })

	// The token finds its request and no other; what is no digest finds none.
	view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		got, err = tx.DisclosureByToken(ctx, one.Token)
		return err
	})
	equal(t, got.ID, "d1")
	for _, bad := range []string{"", "x", sha([]byte("token d2"))} {
		fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error { _, err := tx.DisclosureByToken(ctx, bad); return err })
	}

	ids := func(f store.DisclosureFilter) string {
		t.Helper()
		var out []string
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			ds, err := tx.Disclosures(ctx, f)
			for _, d := range ds {
				out = append(out, d.ID)
			}
			return err
		})
		return strings.Join(out, " ")
	}
	for want, f := range map[string]store.DisclosureFilter{
		"d2 d1": {}, "d1": {Direction: "received"}, "d2": {State: "drafted"}, "": {Name: "one.example", Case: "c1"},
	} {
		equal(t, ids(f), want)
	}
	equal(t, ids(store.DisclosureFilter{Name: "ONE.example"}), "d1")
	equal(t, ids(store.DisclosureFilter{Case: "c1"}), "d2")
	equal(t, ids(store.DisclosureFilter{After: "d2"}), "d1")
	equal(t, ids(store.DisclosureFilter{Limit: 1}), "d2")

	due := func(at time.Time) string {
		t.Helper()
		var out []string
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			out, err = tx.DueDisclosures(ctx, at, 10)
			return err
		})
		return strings.Join(out, " ")
	}
	equal(t, due(one.Due.Add(-time.Second)), "")
	equal(t, due(one.Due), "d1")
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		next, ok, err := tx.NextDue(ctx)
		if !ok || !next.Equal(one.Due) {
			t.Errorf("next due %s", next)
		}
		return err
	})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.CountDisclosures(ctx, "received", "form, urgent", "", minutes(0))
		equal(t, n, 0)
		return err
	})
	count := func(direction, asker string, since time.Time) int {
		t.Helper()
		var n int
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = tx.CountDisclosures(ctx, direction, map[string]string{"received": "form"}[direction], asker, since)
			return err
		})
		return n
	}
	equal(t, []int{count("received", "", minutes(0)), count("received", one.Asker, minutes(0)), count("received", sha([]byte("another")), minutes(0)), count("received", "", minutes(2)), count("sent", "", minutes(2))},
		[]int{1, 1, 0, 0, 1})

	// What was disclosed stays until it is erased, whatever the retention of
	// captures says.
	data := []byte("salted, and personal")
	var blob string
	update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		if blob, err = tx.PutBlob(ctx, "application/json", data); err != nil {
			return err
		}
		return tx.RefBlob(ctx, blob, store.OwnerDisclosure, "d1")
	})
	ended := one
	more := casework.Seal(&log[3].Link, "d1", minutes(3), disclosure.KindDecided, "person:7", casework.Payload{Body: []byte("{}")})
	ended.State, ended.Ended, ended.Due, ended.Data, ended.Seq, ended.Head = "granted", minutes(3), minutes(60*24*90), blob, 5, more.Hash
	write(ended, []casework.Entry{more}, 4)
	equal(t, ids(store.DisclosureFilter{OpenOnly: true}), "d2")
	e.clock.Set(minutes(60 * 24 * 400))
	if _, err := s.Sweep(t.Context(), e.clock.Now(), store.Retention{Capture: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if b, _, err := s.Blob(t.Context(), blob); err != nil || string(b) != string(data) {
		t.Errorf("%q %v", b, err)
	}
	if err := s.EraseBlob(t.Context(), blob); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Blob(t.Context(), blob); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("erased, and read: %v", err)
	}

	// Personal payloads and the asker go with time, of what has ended only; the
	// chain verifies.
	n, err := s.SweepDisclosures(t.Context(), minutes(3).Add(time.Hour), 2*time.Hour)
	equal(t, fmt.Sprint(n, err), "0 <nil>")
	n, err = s.SweepDisclosures(t.Context(), minutes(3).Add(2*time.Hour), store.Forever)
	equal(t, fmt.Sprint(n, err), "0 <nil>")
	n, err = s.SweepDisclosures(t.Context(), minutes(3).Add(2*time.Hour), 2*time.Hour)
	equal(t, fmt.Sprint(n, err), "2 <nil>")
	es := read("d1")
	if err := casework.VerifyChain(es); err != nil || len(es) != 5 {
		t.Errorf("%d %v", len(es), err)
	}
	for i, x := range es {
		if (x.Payload == nil) != (i == 1 || i == 3) {
			t.Errorf("event %d: payload %v", i+1, x.Payload)
		}
	}
	equal(t, count("received", one.Asker, minutes(0)), 0)
}
