package centre

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy/census"
	"bailiwick/accuracy/frame"
	"bailiwick/accuracy/policy"
	"bailiwick/clock"
	"bailiwick/lab/population"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
)

// accuracyRig is a centre that assesses, without a network.
func accuracyRig(t *testing.T) (*Centre, *clock.Virtual) {
	t.Helper()
	clk := clock.NewVirtual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	st, err := store.Open(t.Context(), "sqlite:"+t.TempDir()+"/a.db", store.Options{Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	set, err := policy.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return &Centre{Parts: Parts{Store: st, Clock: clk, Suffixes: name.DefaultSuffixes(), Log: slog.New(slog.DiscardHandler)},
		set: Settings{Accuracy: AccuracySettings{Policies: set, Profiles: []string{"gtld-rdp-2025"}}}}, clk
}

// TestAccuracyOfLookups: what is answered about a name is assessed once, without
// a value of a person's, under the yardstick and the profile of its own TLD; a
// change is counted instead of what was before, another month beside it, and a
// name that is gone is in no figure of today.
func TestAccuracyOfLookups(t *testing.T) {
	c, clk := accuracyRig(t)
	ctx := t.Context()
	sha, err := c.Store.PutBlob(ctx, "application/rdap+json", []byte("raw"))
	if err != nil {
		t.Fatal(err)
	}
	rec := func(mail, phone string) registration.Record {
		return registration.Record{State: registration.Registered, Domain: "shop.nl", Registrar: registration.Registrar{Name: "Quickname  BV", IANAID: "9001"},
			Contacts: map[string]registration.Contact{"registrant": {Name: "Secret Person", Email: mail, Phone: phone, Country: "NL", City: "Delft", Street: []string{"Secret 1"}, PostalCode: "2611 AB"}},
			Sources:  map[string]registration.Source{"": {Protocol: "rdap", Server: "https://rdap.example/", Role: "registry", At: clk.Now(), Blob: sha}}}
	}
	d, err := name.Parse("shop.nl")
	if err != nil {
		t.Fatal(err)
	}
	hear := func(r registration.Record, plain bool, assessed int) {
		t.Helper()
		if err := c.Store.Update(ctx, func(tx *store.Tx) error {
			_, err := c.Remember(ctx, tx, d, r, plain)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Assess(ctx); err != nil || n != assessed {
			t.Errorf("%d assessed, %v; want %d", n, err, assessed)
		}
	}
	reach := func(profile string, month int) census.Count {
		t.Helper()
		sets, err := c.AccuracySets(ctx)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(sets, func(s store.AccuracySet) bool { return s.Profile == profile })
		if i < 0 || sets[i].Frame.Name != LookedUp || sets[i].Frame.Source != census.LookedUp {
			t.Fatalf("%s: %+v", profile, sets)
		}
		var got store.AccuracyCount
		if err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
			got, err = tx.AccuracyCount(ctx, sets[i].ID, month, "nl", "9001")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return got.Counts.Of(census.Reach)
	}
	hear(rec("no address", "12"), true, 0) // without contacts there is nothing to say
	hear(rec("no address", "12"), false, 1)
	if got := reach("gtld-rdp-2025", store.AccuracyNow); got != (census.Count{Fail: 1}) {
		t.Errorf("%+v", got)
	}
	if got := reach("nl", store.AccuracyNow); got.Asked() != 1 { // the profile of the name's own TLD
		t.Errorf("%+v", got)
	}
	clk.Set(clk.Now().Add(time.Hour))
	hear(rec("no address", "12"), false, 0) // nothing new within a day
	hear(rec("ada@example.org", "12"), false, 1)
	if got := reach("gtld-rdp-2025", store.AccuracyNow); got != (census.Count{Pass: 1}) {
		t.Errorf("corrected: %+v", got)
	}
	clk.Set(time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC))
	hear(rec("ada@example.org", "12"), false, 1) // the same, in another month
	for _, m := range []int{202603, 202604} {
		if got := reach("gtld-rdp-2025", m); got != (census.Count{Pass: 1}) {
			t.Errorf("%d: %+v", m, got)
		}
	}
	hear(registration.Record{State: registration.Available, Domain: "shop.nl"}, false, 1)
	if got := reach("gtld-rdp-2025", store.AccuracyNow); got != (census.Count{}) {
		t.Errorf("gone: %+v", got)
	}
	if got := reach("gtld-rdp-2025", 202603); got != (census.Count{Pass: 1}) {
		t.Errorf("gone takes the past with it: %+v", got)
	}
	of, err := c.AccuracyOf(ctx, d)
	if err != nil || len(of) != 2 || !of[0].Gone || of[0].Set.Profile != "gtld-rdp-2025" {
		t.Errorf("%+v %v", of, err)
	}

	// Nothing of a person is in what is kept.
	hear(rec("ada@secret.example", "+31.201234567"), false, 1)
	for _, q := range []string{"SELECT outcome FROM accuracy_names", "SELECT detail FROM accuracy_counts", "SELECT name FROM accuracy_registrars"} {
		rows, err := c.Store.Writer().QueryContext(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"ecret", "201234567", "Delft", "2611"} {
				if strings.Contains(s, secret) {
					t.Errorf("%s holds %q: %s", q, secret, s)
				}
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	// All again gives the same.
	before := reach("gtld-rdp-2025", store.AccuracyNow)
	if n, err := c.AssessAll(ctx); err != nil || n != 1 {
		t.Errorf("%d %v", n, err)
	}
	if n, err := c.Assess(ctx); err != nil || n != 1 || reach("gtld-rdp-2025", store.AccuracyNow) != before {
		t.Errorf("%d %v %+v", n, err, reach("gtld-rdp-2025", store.AccuracyNow))
	}
}

// TestReadAccuracy: a frame that is read in parts, with a stop in the middle of a
// batch, gives the sums of one that is read at once; bad rows are told and stop
// nothing; what is no such frame is refused by name.
func TestReadAccuracy(t *testing.T) {
	c, _ := accuracyRig(t)
	seq, err := population.Of(3, 260, population.Options{})
	if err != nil {
		t.Fatal(err)
	}
	errRow := problem.New(problem.Invalid, "frame.csv:7: domain: is no name")
	boom := errors.New("the power went")
	units := func(stop int) iter.Seq2[frame.Unit, error] {
		return func(yield func(frame.Unit, error) bool) {
			n := 0
			for r := range seq {
				if n++; n == 7 && !yield(frame.Unit{}, errRow) {
					return
				}
				if stop > 0 && n > stop {
					panic(boom)
				}
				if !yield(frame.Unit{ID: r.Name, Registrar: r.Registrar, Record: r.Record()}, nil) {
					return
				}
			}
		}
	}
	read := func(name string, stop int) (out AccuracyRead, bad int, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = boom
			}
		}()
		out, err = c.ReadAccuracy(t.Context(), AccuracyFrame{Name: name, Source: census.Own, Profile: "gtld-rdp-2025", SHA: strings.Repeat("a", 64), Batch: 200}, units(stop), func(error) { bad++ }, nil)
		return out, bad, err
	}
	sums := func(name string) string {
		sets, err := c.AccuracySets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(sets, func(s store.AccuracySet) bool { return s.Frame.Name == name })
		s, err := c.Accuracy(t.Context(), sets[i].ID, "", "")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(s.All.Counts, s.All.Detail, s.Registrars, s.Months)
	}
	whole, bad, err := read("whole", 0)
	if err != nil || whole.Rows != 261 || whole.Bad != 1 || bad != 1 || !whole.Done || whole.Written != 260 {
		t.Fatalf("%+v %d %v", whole, bad, err)
	}
	if _, _, err := read("parts", 230); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	rest, _, err := read("parts", 0)
	if err != nil || rest.Skipped != 200 || rest.Written != 61 || !rest.Done || rest.Bad != 1 || rest.Rows != 261 {
		t.Errorf("%+v %v", rest, err)
	}
	if a, b := sums("whole"), sums("parts"); a != b {
		t.Errorf("in parts %.400s\nat once %.400s", b, a)
	}
	if _, _, err := read("parts", 0); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("read twice: %v", err)
	}
	if n := strings.Count(sums("whole"), "registrant.email|fail"); n != 1 {
		t.Errorf("no failing mail address in %.300s", sums("whole"))
	}

	none := func(yield func(frame.Unit, error) bool) {}
	one := func(u frame.Unit) iter.Seq2[frame.Unit, error] {
		return func(yield func(frame.Unit, error) bool) { yield(u, nil) }
	}
	reg := registration.Record{State: registration.Registered, Domain: "a.example"}
	for _, f := range []struct {
		f    AccuracyFrame
		in   iter.Seq2[frame.Unit, error]
		want problem.Code
		bad  int
	}{
		{AccuracyFrame{Name: "", Source: census.Own, Profile: "nl"}, none, problem.Invalid, 0},
		{AccuracyFrame{Name: "two\nlines", Source: census.Own, Profile: "nl"}, none, problem.Invalid, 0},
		{AccuracyFrame{Name: strings.Repeat("x", 81), Source: census.Own, Profile: "nl"}, none, problem.Invalid, 0},
		{AccuracyFrame{Name: LookedUp, Source: census.Own, Profile: "nl"}, none, problem.Invalid, 0},
		{AccuracyFrame{Name: "x", Source: census.LookedUp, Profile: "nl"}, none, problem.Invalid, 0},
		{AccuracyFrame{Name: "x", Source: census.Own, Profile: "nobody"}, none, problem.NotFound, 0},
		{AccuracyFrame{Name: "parts", Source: census.Public, Profile: "nl", SHA: strings.Repeat("b", 64)}, one(frame.Unit{ID: "a.example", Record: reg}), problem.Conflict, 0},
		{AccuracyFrame{Name: "names", Source: census.Own, Profile: "nl", SHA: strings.Repeat("b", 64)}, one(frame.Unit{ID: "a.example"}), "", 1},
		{AccuracyFrame{Name: "handles", Source: census.Own, Profile: "nl", SHA: strings.Repeat("b", 64)}, one(frame.Unit{ID: "C-1", Record: reg}), "", 1},
		{AccuracyFrame{Name: "other", Source: census.Own, Profile: "nl", TLD: ".test", SHA: strings.Repeat("b", 64)}, one(frame.Unit{ID: "a.example", Record: reg}), "", 1},
	} {
		bad := 0
		_, err := c.ReadAccuracy(t.Context(), f.f, f.in, func(error) { bad++ }, nil)
		if got := problem.CodeOf(err); err != nil && got != f.want || err == nil && f.want != "" || bad != f.bad {
			t.Errorf("%+v: %v, %d bad; want %s", f.f, err, bad, f.want)
		}
	}

	// A run that ends finds another file under the same digest.
	if err := c.Store.Update(t.Context(), func(tx *store.Tx) error {
		nl, err := c.set.Accuracy.Policies.Get("nl")
		if err != nil {
			return err
		}
		return tx.PutAccuracyImport(t.Context(), store.AccuracyImport{Frame: "whole", Profile: nl.ID, Hash: nl.Hash(), SHA: strings.Repeat("d", 64), At: c.Clock.Now(), Units: 10}, 0, true, c.Clock.Now())
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReadAccuracy(t.Context(), AccuracyFrame{Name: "whole", Source: census.Own, Profile: "nl", SHA: strings.Repeat("d", 64)}, none, nil, nil); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("shorter than before: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.ReadAccuracy(ctx, AccuracyFrame{Name: "whole", Source: census.Own, Profile: "nl", SHA: strings.Repeat("e", 64)}, one(frame.Unit{ID: "a.example", Record: reg}), nil, nil); err == nil {
		t.Error("a run that was stopped is done")
	}
}
