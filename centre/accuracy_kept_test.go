package centre

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy/census"
	"bailiwick/accuracy/frame"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
)

// madeUp are units of a frame under one TLD, each with a registrant.
func madeUp(tld string, from, to int) (out []frame.Unit) {
	for i := from; i < to; i++ {
		d := fmt.Sprintf("n%04d.%s", i, tld)
		out = append(out, frame.Unit{ID: d, Registrar: "R1", Record: registration.Record{State: registration.Registered, Domain: d,
			Contacts: map[string]registration.Contact{"registrant": {Name: "Ada Example", Email: "ada@example.org"}}}})
	}
	return out
}

// unitsOf is a sequence of units that calls stop before one of them.
func unitsOf(us []frame.Unit, at int, stop func()) iter.Seq2[frame.Unit, error] {
	return func(yield func(frame.Unit, error) bool) {
		for i, u := range us {
			if at > 0 && i == at {
				stop()
			}
			if !yield(u, nil) {
				return
			}
		}
	}
}

// TestAccuracyPoison: a record, or what is kept of one, that cannot be read holds
// up nobody else, and is assessed again with the next answer.
func TestAccuracyPoison(t *testing.T) {
	c, clk := accuracyRig(t)
	ctx := t.Context()
	hear := func(d, mail string) {
		t.Helper()
		n, err := name.Parse(d)
		if err != nil {
			t.Fatal(err)
		}
		rec := registration.Record{State: registration.Registered, Domain: d, Contacts: map[string]registration.Contact{"registrant": {Email: mail}}}
		if err := c.Store.Update(ctx, func(tx *store.Tx) error {
			_, err := c.Remember(ctx, tx, n, rec, false)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	spoil := func(q string) {
		t.Helper()
		if err := c.Store.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.SQL().ExecContext(ctx, q, "{")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	counted := func() int {
		t.Helper()
		sets, err := c.AccuracySets(ctx)
		if err != nil || len(sets) == 0 {
			return 0
		}
		sum, err := c.AccuracyWhole(ctx, sets[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		return sum.Counts.N
	}
	for i := range 3 {
		hear(fmt.Sprintf("shop%d.example", i), "a@example.org")
	}
	spoil("UPDATE registrations SET record = CAST($1 AS BLOB) WHERE name = 'shop0.example'")
	if n, err := c.Assess(ctx); n != 3 || err != nil || counted() != 2 {
		t.Fatalf("%d assessed, %v, %d counted", n, err, counted())
	}
	if n, err := c.Assess(ctx); n != 0 || err != nil {
		t.Errorf("%d are still due, %v", n, err)
	}
	// An outcome of before that cannot be read.
	spoil("UPDATE accuracy_names SET outcome = $1 WHERE name = 'shop1.example'")
	clk.Set(clk.Now().Add(48 * time.Hour))
	hear("shop1.example", "b@example.org")
	hear("shop3.example", "b@example.org")
	if n, err := c.Assess(ctx); n != 2 || err != nil || counted() != 3 {
		t.Errorf("%d assessed, %v, %d counted", n, err, counted())
	}
	if n, err := c.Assess(ctx); n != 0 || err != nil {
		t.Errorf("%d are still due, %v", n, err)
	}
}

// TestAccuracyImportKnows: a reading that stopped goes on under its own profile
// and TLD alone; under another it is another, which begins anew and counts all.
func TestAccuracyImportKnows(t *testing.T) {
	c, _ := accuracyRig(t)
	us := slices.Concat(madeUp("example", 0, 250), madeUp("test", 0, 10))
	f := AccuracyFrame{Name: "registry", Source: census.Own, Profile: "gtld-rdp-2025", SHA: strings.Repeat("a", 64), Batch: 100}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := c.ReadAccuracy(ctx, f, unitsOf(us, 220, cancel), nil, nil); err == nil {
		t.Fatal("not stopped")
	}
	read := func(f AccuracyFrame) AccuracyRead {
		t.Helper()
		r, err := c.ReadAccuracy(t.Context(), f, unitsOf(us, 0, nil), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	other, one := f, f
	other.Profile, one.TLD = "waps-raa-2013", "test"
	if r := read(other); r.Skipped != 0 || r.Written != 260 {
		t.Errorf("under another profile: %+v", r)
	}
	if r := read(one); r.Skipped != 0 || r.Written != 10 {
		t.Errorf("for another TLD: %+v", r)
	}
	if r := read(f); r.Skipped != 200 || r.Written != 60 {
		t.Errorf("taken up: %+v", r)
	}
	sets, err := c.AccuracySets(t.Context())
	if err != nil || len(sets) != 2 {
		t.Fatalf("%+v %v", sets, err)
	}
	for _, s := range sets {
		if sum, err := c.AccuracyWhole(t.Context(), s.ID); err != nil || sum.Counts.N != 260 {
			t.Errorf("under %s %d of 260 names are counted, %v", s.Profile, sum.Counts.N, err)
		}
	}
	for _, f := range []AccuracyFrame{f, other, one} {
		if _, err := c.ReadAccuracy(t.Context(), f, unitsOf(us, 0, nil), nil, nil); problem.CodeOf(err) != problem.Conflict {
			t.Errorf("%+v is read twice: %v", f, err)
		}
	}
}

// TestAccuracyWholeDeposit: names that are not in the next whole deposit of their
// TLD are no longer counted as of now; the month they were seen in stays, and so
// do other TLDs. A part takes nobody away, nor does a reading that stopped before
// its end.
func TestAccuracyWholeDeposit(t *testing.T) {
	c, clk := accuracyRig(t)
	sums := func() (now int, months []int) {
		t.Helper()
		sets, err := c.AccuracySets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Accuracy(t.Context(), sets[0].ID, "", "")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range s.Months {
			months = append(months, m.Counts.N)
		}
		return s.All.Counts.N, months
	}
	sha := 0
	f := AccuracyFrame{Name: "registry", Source: census.Own, Profile: "gtld-rdp-2025", Batch: 200}
	read := func(whole bool, us []frame.Unit, now, gone int, months ...int) {
		t.Helper()
		sha++
		f.SHA, f.Whole = fmt.Sprintf("%064x", sha), whole
		r, err := c.ReadAccuracy(t.Context(), f, unitsOf(us, 0, nil), nil, nil)
		if err != nil || r.Gone != gone || !r.Done {
			t.Errorf("%+v %v; want %d gone", r, err, gone)
		}
		if n, m := sums(); n != now || !slices.Equal(m, months) {
			t.Errorf("%d now, %v by month; want %d, %v", n, m, now, months)
		}
		clk.Set(clk.Now().AddDate(0, 1, 0))
	}
	read(true, slices.Concat(madeUp("example", 0, 600), madeUp("test", 0, 5)), 605, 0, 605)
	read(false, madeUp("example", 600, 610), 615, 0, 605, 10)
	read(true, madeUp("example", 0, 40), 45, 570, 605, 10, 40)

	// One that stops before its end says nothing of who is gone, and then goes on.
	sha++
	f.SHA, f.Whole = fmt.Sprintf("%064x", sha), true
	us := madeUp("example", 20, 700)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := c.ReadAccuracy(ctx, f, unitsOf(us, 630, cancel), nil, nil); err == nil {
		t.Fatal("not stopped")
	}
	if n, _ := sums(); n != 45+580 {
		t.Errorf("%d now", n)
	}
	clk.Set(clk.Now().Add(time.Hour))
	r, err := c.ReadAccuracy(t.Context(), f, unitsOf(us, 0, nil), nil, nil)
	if n, _ := sums(); err != nil || r.Gone != 20 || r.Skipped != 600 || n != 680+5 {
		t.Errorf("%+v %v: %d now", r, err, n)
	}
	// A file of one TLD takes nobody of another, whatever bad rows it holds.
	f.TLD = "test"
	read(true, slices.Concat(madeUp("example", 0, 1), madeUp("test", 0, 3)), 680+3, 2, 605, 10, 40, 683)
}

// TestAccuracyMonthsShown: the months that pages show are the last 24, also from
// the last day of a month that others do not have.
func TestAccuracyMonthsShown(t *testing.T) {
	c, clk := accuracyRig(t)
	for _, at := range []time.Time{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)} {
		clk.Set(at)
		f := AccuracyFrame{Name: "registry", Source: census.Own, Profile: "gtld-rdp-2025", SHA: fmt.Sprintf("%064x", at.Unix())}
		if _, err := c.ReadAccuracy(t.Context(), f, unitsOf(madeUp("example", 0, 3), 0, nil), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	sets, err := c.AccuracySets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range []time.Time{time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2028, 3, 31, 0, 0, 0, 0, time.UTC), time.Date(2028, 4, 1, 0, 0, 0, 0, time.UTC)} {
		clk.Set(at)
		if s, err := c.Accuracy(t.Context(), sets[0].ID, "", ""); err != nil || len(s.Months) != []int{2, 1, 0}[i] {
			t.Errorf("on %s: %d months, want %d", at.Format(time.DateOnly), len(s.Months), []int{2, 1, 0}[i])
		}
	}
}

// TestPublicMonths: what is published of a month gives none of few names by
// subtraction: neither from the months beside it nor from the TLDs of its month.
func TestPublicMonths(t *testing.T) {
	c, clk := accuracyRig(t)
	sha := 0
	read := func(us ...[]frame.Unit) {
		t.Helper()
		sha++
		f := AccuracyFrame{Name: "registry", Source: census.Own, Profile: "gtld-rdp-2025", SHA: fmt.Sprintf("%064x", sha)}
		if _, err := c.ReadAccuracy(t.Context(), f, unitsOf(slices.Concat(us...), 0, nil), nil, nil); err != nil {
			t.Fatal(err)
		}
		clk.Set(clk.Now().AddDate(0, 1, 0))
	}
	shown := func(tld, registrar string) (out []int) {
		t.Helper()
		sets, err := c.AccuracySets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Accuracy(t.Context(), sets[0].ID, tld, registrar)
		if err != nil {
			t.Fatal(err)
		}
		months, err := c.PublicMonths(t.Context(), sets[0].ID, tld, registrar, s.Months)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range months {
			out = append(out, m.Counts.N)
		}
		return out
	}
	check := func(tld, registrar string, want ...int) {
		t.Helper()
		if got := shown(tld, registrar); !slices.Equal(got, want) {
			t.Errorf("%q %q: %v are shown, want %v", tld, registrar, got, want)
		}
	}
	read(madeUp("bigx", 0, 300), madeUp("midx", 0, 60), madeUp("tinyx", 0, 5))
	check("", "", 365)
	check("bigx", "", 300)
	check("midx", "") // goes with the five of .tinyx
	check("tinyx", "")
	check("", "name:r1", 365)
	check("bigx", "name:r1") // of a registrar in a TLD there are none
	read(madeUp("bigx", 0, 310))
	check("", "", 365, 310)
	check("bigx", "", 300, 310)
	// Three names in the third month: the second goes with it, or else they were
	// what is counted today less the second.
	read(madeUp("bigx", 310, 313))
	check("", "", 365)
	check("bigx", "", 300)
	// Sixty more, and nothing is to be found any longer: 63 are hidden, or none.
	read(madeUp("bigx", 313, 360))
	check("bigx", "", 300, 310)
}
