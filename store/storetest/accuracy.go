package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/census"
	"bailiwick/problem"
	"bailiwick/store"
)

// outcome is one whose first metric (reach) has a result.
func outcome(reach byte, field accuracy.Result) census.Outcome {
	o := census.Outcome{Metrics: string(reach) + "pf u", Fields: []census.Field{{Path: "registrant.email", Result: field}}}
	if field == accuracy.Fail {
		o.Fields[0].Codes = []census.Code{{Check: "email.mx", Reason: "null-mx", Result: field}}
	}
	return o
}

func accuracySet(t *testing.T, s *store.Store, frame string, at time.Time) (id int64) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		if err := tx.PutAccuracyFrame(ctx, store.AccuracyFrame{Name: frame, Source: census.Own, Created: start}); err != nil {
			return err
		}
		id, err = tx.TakeAccuracySet(ctx, frame, "a-profile", "h1", at)
		return err
	})
	return id
}

// testAccuracy: the sums are at every time what counting all outcomes again
// gives, whatever names came and went, moved to another registrar, were seen
// again in the same or another month, or came late.
func testAccuracy(t *testing.T, e *env) {
	s := e.open(t)
	set := accuracySet(t, s, "own", start)
	rnd := rand.New(rand.NewPCG(1, 2))
	type key struct {
		month    int
		tld, reg string
	}
	last := map[string]store.AccuracyName{}
	monthly := map[int]map[string]store.AccuracyName{} // by month, the last outcome in it
	for step := range 30 {
		var batch []store.AccuracyName
		for range 1 + rnd.IntN(8) {
			n := store.AccuracyName{Name: fmt.Sprintf("n%d.%s", rnd.IntN(12), []string{"example", "test"}[rnd.IntN(2)]), Registrar: []string{"1", "name:b", store.AccuracyNobody}[rnd.IntN(3)],
				At: start.Add(time.Duration(step)*5*24*time.Hour - time.Duration(rnd.IntN(3))*20*24*time.Hour), Gone: rnd.IntN(5) == 0}
			n.TLD = n.Name[len(n.Name)-len("test"):]
			if n.TLD != "test" {
				n.TLD = "example"
			}
			if !n.Gone {
				n.Outcome = outcome("pfu"[rnd.IntN(3)], []accuracy.Result{accuracy.Pass, accuracy.Fail}[rnd.IntN(2)])
			}
			batch = append(batch, n)
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AddAccuracy(ctx, set, batch)
			return err
		})
		for _, n := range batch {
			old, known := last[n.Name]
			if !known && n.Gone || known && n.At.Before(old.At) {
				continue
			}
			last[n.Name] = n
			m := store.AccuracyMonth(n.At)
			if monthly[m] == nil {
				monthly[m] = map[string]store.AccuracyName{}
			}
			monthly[m][n.Name] = n
		}
	}
	want := map[key]*store.AccuracyCount{}
	count := func(month int, names map[string]store.AccuracyName) {
		for _, n := range names {
			if n.Gone {
				continue
			}
			for _, tld := range []string{"", n.TLD} {
				for _, reg := range []string{"", n.Registrar} {
					k := key{month, tld, reg}
					if want[k] == nil {
						want[k] = &store.AccuracyCount{Month: month, TLD: tld, Registrar: reg, Detail: census.Detail{}}
					}
					want[k].Counts.Add(n.Outcome, 1)
					want[k].Detail.Add(n.Outcome, 1)
				}
			}
		}
	}
	count(store.AccuracyNow, last)
	for m, names := range monthly {
		count(m, names)
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		seen := 0
		for k, w := range want {
			got, err := tx.AccuracyCount(ctx, set, k.month, k.tld, k.reg)
			if err != nil {
				return err
			}
			if got.Counts != w.Counts || fmt.Sprint(got.Detail) != fmt.Sprint(w.Detail) {
				t.Errorf("%+v: %+v %v, want %+v %v", k, got.Counts, got.Detail, w.Counts, w.Detail)
			}
			seen++
		}
		if seen < 40 {
			t.Errorf("only %d sums", seen)
		}
		var of, rows int
		tlds, err := tx.AccuracyTLDs(ctx, set, "")
		for _, c := range tlds {
			of += c.Counts.N
		}
		all, err2 := tx.AccuracyCount(ctx, set, store.AccuracyNow, "", "")
		if of != all.Counts.N || len(tlds) != 2 {
			t.Errorf("%d in %d TLDs, %d in all", of, len(tlds), all.Counts.N)
		}
		regs, err3 := tx.AccuracyRegistrars(ctx, set, "test")
		of = 0
		for _, c := range regs {
			of += c.Counts.N
			if c.Detail != nil {
				t.Error("a list with details")
			}
		}
		for _, c := range tlds {
			if c.TLD == "test" && c.Counts.N != of {
				t.Errorf("%d names of registrars, %d in the TLD", of, c.Counts.N)
			}
		}
		months, err4 := tx.AccuracyMonths(ctx, set, "", "", 0)
		for _, c := range months {
			if c.Month == 0 || rows > 0 && c.Month <= months[rows-1].Month {
				t.Errorf("months: %d", c.Month)
			}
			rows++
		}
		if rows != len(monthly) && rows < 3 {
			t.Errorf("%d months", rows)
		}
		for _, e := range []error{err, err2, err3, err4} {
			if e != nil {
				return e
			}
		}
		for name, n := range last {
			got, ok, err := tx.AccuracyOf(ctx, set, name)
			if err != nil || !ok || got.Registrar != n.Registrar || got.Outcome.Metrics != n.Outcome.Metrics || got.Gone != n.Gone {
				t.Errorf("%s: %+v %v %v", name, got, ok, err)
			}
		}
		return nil
	})
}

// testAccuracyFrames: what a frame is stays; what was looked up is never
// published; dropping one takes nothing from another; names wait to be assessed
// until they were, and a file is read once.
func testAccuracyFrames(t *testing.T, e *env) {
	s := e.open(t)
	set := accuracySet(t, s, "own", start)
	other := accuracySet(t, s, "another", start.Add(time.Hour))
	n := store.AccuracyName{Name: "shop.example", TLD: "example", Registrar: "1", At: start, Outcome: outcome('f', accuracy.Fail)}
	m := store.AccuracyName{Name: "café.example", TLD: "example", Registrar: "name:a\x00b\xff", At: start, Outcome: outcome('p', accuracy.Pass)}
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.AddAccuracy(ctx, other, []store.AccuracyName{n, m}); err != nil {
			return err
		}
		if _, err := tx.AddAccuracy(ctx, set, []store.AccuracyName{n}); err != nil {
			return err
		}
		if err := tx.PutAccuracyFrame(ctx, store.AccuracyFrame{Name: "looked", Source: census.LookedUp, Created: start}); err != nil {
			return err
		}
		return tx.NameRegistrars(ctx, map[string]string{"1": "One", "name:x": "X"}, start)
	})
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error {
		return tx.PutAccuracyFrame(ctx, store.AccuracyFrame{Name: "own", Source: census.Public, Created: start})
	})
	fails(t, s, problem.Refused, func(ctx context.Context, tx *store.Tx) error { return tx.PublishAccuracy(ctx, "looked", true) })
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error { return tx.PublishAccuracy(ctx, "none", true) })
	fails(t, s, problem.Internal, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AddAccuracy(ctx, set, []store.AccuracyName{{Name: "x.example"}})
		return err
	})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PublishAccuracy(ctx, "another", true); err != nil {
			return err
		}
		return tx.DropAccuracy(ctx, "own")
	})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		sets, err := tx.AccuracySets(ctx)
		if err != nil {
			return err
		}
		if len(sets) != 1 || sets[0].ID != other || !sets[0].Frame.Published || sets[0].Frame.Source != census.Own || sets[0].Profile != "a-profile" {
			t.Errorf("%+v", sets)
		}
		ids, err := tx.AccuracySetsOf(ctx, n.Name)
		if err != nil || len(ids) != 1 || ids[0] != other {
			t.Errorf("%v %v", ids, err)
		}
		names, err := tx.AccuracyNames(ctx, other, store.AccuracyFilter{TLD: "example", Registrar: "1", Reach: "fail"})
		if err != nil || len(names) != 1 || names[0].Name != n.Name {
			t.Errorf("%v %v", names, err)
		}
		if names, err := tx.AccuracyNames(ctx, other, store.AccuracyFilter{TLD: "example", Registrar: "1", Reach: "fail", After: n.Name}); err != nil || len(names) != 0 {
			t.Errorf("%v %v", names, err)
		}
		called, err := tx.RegistrarNames(ctx, []string{"1", "2"})
		if err != nil || len(called) != 1 || called["1"] != "One" {
			t.Errorf("%v %v", called, err)
		}
		return nil
	})

	// A name stays due when another answer comes while the first is looked at.
	var due []store.AccuracyDue
	update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		if err := tx.MarkAccuracy(ctx, "b.example", start); err != nil {
			return err
		}
		if err := tx.MarkAccuracy(ctx, "a.example", start.Add(time.Hour)); err != nil {
			return err
		}
		due, err = tx.DueAccuracy(ctx, 10)
		return err
	})
	if len(due) != 2 || due[0].Name != "b.example" {
		t.Fatalf("%+v", due)
	}
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.MarkAccuracy(ctx, "b.example", start); err != nil {
			return err
		}
		for _, d := range due {
			if err := tx.DoneAccuracy(ctx, d); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		left, err := tx.DueAccuracy(ctx, 10)
		if len(left) != 1 || left[0].Name != "b.example" || left[0].N != 2 {
			t.Errorf("%+v", left)
		}
		if one, err := tx.DueAccuracy(ctx, 10, "a.example"); err != nil || len(one) != 0 {
			t.Errorf("%+v %v", one, err)
		}
		return err
	})

	// A file is read once, by one at a time.
	im := store.AccuracyImport{Frame: "another", Profile: "a-profile", Hash: "h1", TLD: "example", SHA: "aa00000000000000000000000000000000000000000000000000000000000000", At: start, Units: 10}
	put := func(i store.AccuracyImport, was int, fresh bool) error {
		return s.Update(t.Context(), func(tx *store.Tx) error { return tx.PutAccuracyImport(t.Context(), i, was, fresh, start) })
	}
	if err := put(im, 0, true); err != nil {
		t.Fatal(err)
	}
	if err := put(im, 0, true); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("begun twice: %v", err)
	}
	im.Units, im.Bad, im.Done = 30, 2, true
	if err := put(im, 20, false); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("another was elsewhere: %v", err)
	}
	if err := put(im, 10, false); err != nil {
		t.Error(err)
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		got, ok, err := tx.AccuracyImport(ctx, store.AccuracyImport{Frame: "another", SHA: im.SHA, Profile: "a-profile", Hash: "h1", TLD: "example"})
		if !ok || got != im {
			t.Errorf("%+v %v", got, ok)
		}
		return err
	})
	// Under another state of the profile, or for another TLD, it is another reading.
	for _, change := range []func(*store.AccuracyImport){func(i *store.AccuracyImport) { i.Hash = "h2" }, func(i *store.AccuracyImport) { i.Profile = "b" }, func(i *store.AccuracyImport) { i.TLD = "" }} {
		other := im
		change(&other)
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			_, ok, err := tx.AccuracyImport(ctx, other)
			if ok {
				t.Errorf("%+v is known", other)
			}
			return err
		})
		if other.Units, other.Done = 0, false; put(other, 0, true) != nil {
			t.Errorf("%+v cannot be begun", other)
		}
		if other.Units = 4; put(other, 0, false) != nil {
			t.Errorf("%+v cannot go on", other)
		}
	}

	// The names of a set that were last seen before a time; sizes and folds.
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, c := range []struct {
			tld, after string
			before     time.Time
			want       int
		}{{"example", "", start.Add(time.Hour), 2}, {"example", n.Name, start.Add(time.Hour), 0}, {"example", "", start, 0}, {"test", "", start.Add(time.Hour), 0}} {
			got, err := tx.AccuracyBefore(ctx, other, []string{c.tld}, c.before, c.after)
			if err != nil || len(got) != c.want {
				t.Errorf("%+v: %+v %v", c, got, err)
			}
		}
		sizes, err := tx.AccuracySizes(ctx, other)
		if len(sizes) != 2 || sizes[0].TLD != "example" || sizes[0].N != 1 {
			t.Errorf("%+v", sizes)
		}
		month := store.AccuracyMonth(start)
		for _, c := range []struct {
			registrars bool
			least      int
			want       store.AccuracyFold
		}{{false, 2, store.AccuracyFold{Month: month, Next: 2}}, {true, 2, store.AccuracyFold{Month: month, Small: 2}}, {true, 1, store.AccuracyFold{Month: month, Next: 1}}} {
			folds, err := tx.AccuracyFolds(ctx, other, c.registrars, []int{month, month + 1}, c.least)
			if err != nil || len(folds) != 1 || folds[0] != c.want {
				t.Errorf("%+v: %+v %v", c, folds, err)
			}
		}
		return err
	})

	// Two writers of one set wait for each other: nothing is counted twice.
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if err := s.Update(t.Context(), func(tx *store.Tx) error {
				id, err := tx.TakeAccuracySet(t.Context(), "another", "a-profile", "h1", start)
				if err != nil {
					return err
				}
				n := n
				n.Outcome = outcome("pf"[i%2], accuracy.Pass)
				_, err = tx.AddAccuracy(t.Context(), id, []store.AccuracyName{n})
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		c, err := tx.AccuracyCount(ctx, other, store.AccuracyNow, "example", "1")
		if r := c.Counts.Of(census.Reach); c.Counts.N != 1 || r.Asked() != 1 {
			t.Errorf("%+v", c)
		}
		return err
	})
}

// testAccuracyExpiry: verdicts on names that are old enough go in pages, and with
// them what they add to the sums of today; the sums of their months stay as they
// were, and an outcome that is older than what is kept is counted nowhere again.
func testAccuracyExpiry(t *testing.T, e *env) {
	s := e.open(t)
	ctx := t.Context()
	old, fresh := start, start.Add(100*24*time.Hour)
	set := accuracySet(t, s, "own", start)
	name := func(i int, at time.Time, gone bool) store.AccuracyName {
		n := store.AccuracyName{Name: fmt.Sprintf("e%d.example", i), TLD: "example", Registrar: "1", At: at, Gone: gone}
		if !gone {
			n.Outcome = outcome("pf"[i%2], accuracy.Pass)
		}
		return n
	}
	put := func(ns ...store.AccuracyName) (written int) {
		update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			written, err = tx.AddAccuracy(ctx, set, ns)
			return err
		})
		return written
	}
	const all, stay = 1100, 100 // more than two pages go
	var ns []store.AccuracyName
	for i := range all {
		ns = append(ns, name(i, old, false))
	}
	put(ns...)
	put(name(1, old.Add(time.Hour), true)) // no longer registered: in no sum
	ns = nil
	for i := range stay {
		ns = append(ns, name(2+i, fresh, false))
	}
	put(ns...)
	sums := func(month int) (n int) {
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			c, err := tx.AccuracyCount(ctx, set, month, "example", "1")
			n = c.Counts.N
			return err
		})
		return n
	}
	month := store.AccuracyMonth(old)
	before := sums(month)
	if before != all-1 || sums(store.AccuracyNow) != all-1 {
		t.Fatalf("%d in the month, %d now", before, sums(store.AccuracyNow))
	}
	now := fresh.Add(time.Hour)
	if _, err := s.SweepAccuracy(ctx, now, 24*time.Hour); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a month that is not over: %v", err)
	}
	if n, err := s.SweepAccuracy(ctx, now, store.Forever); n != 0 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	const keep = 60 * 24 * time.Hour
	if n, err := s.SweepAccuracy(ctx, now, keep); n != all-stay || err != nil {
		t.Errorf("%d are removed: %v", n, err)
	}
	if n, err := s.SweepAccuracy(ctx, now, keep); n != 0 || err != nil {
		t.Errorf("%d are removed again: %v", n, err)
	}
	if sums(month) != before || sums(store.AccuracyNow) != stay || sums(store.AccuracyMonth(fresh)) != stay {
		t.Errorf("%d in the month, %d now, %d in the last", sums(month), sums(store.AccuracyNow), sums(store.AccuracyMonth(fresh)))
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		if _, ok, err := tx.AccuracyOf(ctx, set, "e500.example"); ok || err != nil {
			t.Errorf("a verdict that expired is there: %v", err)
		}
		_, ok, err := tx.AccuracyOf(ctx, set, "e2.example")
		if !ok {
			t.Error("a fresh verdict is gone")
		}
		return err
	})
	if n := put(name(500, old.Add(2*time.Hour), false)); n != 0 || sums(month) != before {
		t.Errorf("an outcome of a month that was counted is written (%d), and the month has %d", n, sums(month))
	}
	if n := put(name(500, fresh, false)); n != 1 || sums(store.AccuracyNow) != stay+1 {
		t.Errorf("%d written, %d now", n, sums(store.AccuracyNow))
	}
}

// testAccuracyProfiles: a profile of the operator's own is kept under its hash,
// with its version, for as long as something was held against it.
func testAccuracyProfiles(t *testing.T, e *env) {
	s := e.open(t)
	put := func(hash, body string) (p store.AccuracyProfile) {
		update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			if err := tx.PutAccuracyFrame(ctx, store.AccuracyFrame{Name: "f", Source: census.Own, Created: start}); err != nil {
				return err
			}
			if _, err := tx.TakeAccuracySet(ctx, "f", "ours", hash, start); err != nil {
				return err
			}
			p, err = tx.PutAccuracyProfile(ctx, store.AccuracyProfile{Hash: hash, Profile: "ours", File: "ours.yaml", SHA: sha([]byte(body)), Body: []byte(body), Added: start})
			return err
		})
		return p
	}
	one, again, two := put("h1", "a"), put("h1", "a"), put("h2", "b")
	equal(t, again, one)
	if one.Version != 1 || two.Version != 2 || string(two.Body) != "b" || two.SHA != sha([]byte("b")) {
		t.Errorf("%+v %+v", one, two)
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		ps, err := tx.AccuracyProfiles(ctx)
		if len(ps) != 2 || ps[0].Body != nil {
			t.Errorf("%+v", ps)
		}
		return err
	})
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DropAccuracy(ctx, "f") })
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AccuracyProfile(ctx, "h1")
		return err
	})
}
