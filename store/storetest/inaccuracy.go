package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"
)

func inaccuracyRow(id, name string, at time.Time) store.Inaccuracy {
	return store.Inaccuracy{ID: id, Name: name, Profile: "p", Party: "registrar:9999", State: "found", Open: true, ByPerson: true, Opened: at, Touched: at, Seq: 1, Head: casework.Hash{1}, Body: []byte(`{"id":"` + id + `"}`)}
}

// testInaccuracies: one open case of a name and profile; the log apart from its
// payloads; what is due; and personal payloads that expire.
func testInaccuracies(t *testing.T, env *env) {
	s, ctx, at := env.open(t), t.Context(), minutes(1)
	ok := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	put := func(v store.Inaccuracy, was int) error {
		return s.Update(ctx, func(tx *store.Tx) error { return tx.PutInaccuracy(ctx, v, was) })
	}
	a := inaccuracyRow("01A", "Shop.example", at)
	ok(t, put(a, 0))
	if err := put(inaccuracyRow("01B", "shop.example", at), 0); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("a second open case of the name: %v", err)
	}
	other := inaccuracyRow("01C", "shop.example", at.Add(time.Second))
	other.Profile = "q"
	ok(t, put(other, 0))

	e := casework.Seal(nil, "01A", at, "inaccuracy opened", "person:7", casework.Payload{Body: []byte(`{}`)})
	v := casework.Seal(&e.Link, "01A", at, "inaccurate values", "person:7", casework.Payload{Salt: [32]byte{1}, Body: []byte(`{"fields":{}}`), Personal: true})
	ok(t, s.Update(ctx, func(tx *store.Tx) error { return tx.AppendInaccuracyEvents(ctx, []casework.Entry{e, v}) }))

	a.State, a.Seq, a.Due, a.ByPerson, a.Touched = "asked", 2, at.Add(time.Hour), false, at.Add(time.Minute)
	ok(t, put(a, 1))
	if err := put(a, 1); problem.CodeOf(err) != problem.Conflict && problem.CodeOf(err) != problem.Internal {
		t.Errorf("a stale write: %v", err)
	}
	ok(t, s.View(ctx, func(tx *store.Tx) error {
		got, err := tx.Inaccuracy(ctx, "01A")
		if err != nil || got.State != "asked" || got.Name != "shop.example" || !got.Due.Equal(a.Due) || !got.Open || got.ByPerson || !got.Touched.Equal(a.Touched) {
			t.Errorf("%+v %v", got, err)
		}
		es, err := tx.InaccuracyEvents(ctx, "01A")
		if err != nil || len(es) != 2 || casework.VerifyChain(es) != nil || !es[1].Payload.Personal {
			t.Errorf("%+v %v", es, err)
		}
		if _, found, err := tx.OpenInaccuracy(ctx, "shop.example", "p"); err != nil || !found {
			t.Errorf("the open case is not found: %v", err)
		}
		for _, f := range []struct {
			f    store.InaccuracyFilter
			want int
		}{{store.InaccuracyFilter{}, 2}, {store.InaccuracyFilter{Profile: "q"}, 1}, {store.InaccuracyFilter{ByPerson: true}, 1}, {store.InaccuracyFilter{State: "asked", OpenOnly: true}, 1},
			{store.InaccuracyFilter{Name: "SHOP.example", Party: "registrar:9999"}, 2}, {store.InaccuracyFilter{After: "01C"}, 1}, {store.InaccuracyFilter{Limit: 1}, 1}} {
			if rows, err := tx.Inaccuracies(ctx, f.f); err != nil || len(rows) != f.want {
				t.Errorf("%+v: %d rows, %v", f.f, len(rows), err)
			}
		}
		if n, err := tx.CountInaccuracies(ctx, at); err != nil || n != 2 {
			t.Errorf("%d %v", n, err)
		}
		for _, d := range []struct {
			after time.Duration
			want  int
		}{{0, 0}, {time.Hour, 1}} {
			if ids, err := tx.DueInaccuracies(ctx, at.Add(d.after), 10); err != nil || len(ids) != d.want {
				t.Errorf("due after %s: %v %v", d.after, ids, err)
			}
		}
		_, err = tx.Inaccuracy(ctx, "nothing")
		if problem.CodeOf(err) != problem.NotFound {
			t.Errorf("%v", err)
		}
		return nil
	}))

	// Closed, another may be open; then the first cannot be opened again.
	a.State, a.Open, a.Ended, a.Seq, a.Due = "closed", false, at.Add(2*time.Minute), 3, time.Time{}
	ok(t, put(a, 2))
	ok(t, put(inaccuracyRow("01D", "shop.example", at), 0))
	a.State, a.Open, a.Seq = "found", true, 4
	if err := put(a, 3); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("two open cases of one name: %v", err)
	}

	// Of several that are opened again at one time one is; the others are told that
	// somebody was first, whatever the database noticed it by.
	for round := range 3 {
		name, ids := fmt.Sprintf("race-%d.example", round), []string{"a", "b", "c"}
		for _, id := range ids {
			v := inaccuracyRow(name+id, name, at)
			v.State, v.Open, v.Ended = "closed", false, at
			ok(t, put(v, 0))
		}
		errs := make([]error, len(ids))
		var all sync.WaitGroup
		start := make(chan struct{})
		for i, id := range ids {
			all.Go(func() {
				v := inaccuracyRow(name+id, name, at)
				v.Seq = 2
				<-start
				errs[i] = put(v, 1)
			})
		}
		close(start)
		all.Wait()
		first := 0
		for _, err := range errs {
			switch {
			case err == nil:
				first++
			case problem.CodeOf(err) != problem.Conflict || !strings.Contains(problem.DocumentOf(err).Detail, name):
				t.Errorf("opened again at one time: %s: %v", problem.CodeOf(err), err)
			}
		}
		if first != 1 {
			t.Errorf("%d of %d are open: %v", first, len(ids), errs)
		}
	}

	n, err := s.SweepInaccuracies(ctx, at.Add(time.Minute+time.Hour-time.Second), time.Hour)
	if err != nil || n != 0 {
		t.Errorf("%d went before their time, %v", n, err)
	}
	if n, err = s.SweepInaccuracies(ctx, at.Add(time.Minute+time.Hour), time.Hour); err != nil || n != 1 {
		t.Errorf("%d went, %v", n, err)
	}
	ok(t, s.View(ctx, func(tx *store.Tx) error {
		es, err := tx.InaccuracyEvents(ctx, "01A")
		if err != nil || len(es) != 2 || es[0].Payload == nil || es[1].Payload != nil || casework.VerifyChain(es) != nil {
			t.Errorf("after the sweep: %+v %v", es, err)
		}
		return nil
	}))
}
