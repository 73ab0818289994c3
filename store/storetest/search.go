package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/store"

	"pgregory.net/rapid"
)

// named is a case with a name and nothing else of note.
func named(n int, key string) store.Case {
	return store.Case{ID: fmt.Sprintf("s%05d", n), SubjectKey: key, SubjectKind: "domain", Type: "phishing", State: "investigating", Opened: start.Add(time.Duration(n) * time.Minute), Seq: 1, Playbook: "p"}
}

// found are the subjects that a part of a name finds, sorted, with what is
// counted held against them.
func found(t *testing.T, s *store.Store, f store.QueueFilter) (out []string) {
	t.Helper()
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		cs, err := tx.Queue(ctx, f)
		for _, c := range cs {
			out = append(out, c.SubjectKey)
		}
		if err != nil {
			return err
		}
		if n, err := tx.CountQueue(ctx, f, store.MaxCases); err != nil || n != len(out) {
			t.Errorf("%+v: %d counted, %d listed: %v", f, n, len(out), err)
		}
		return nil
	})
	slices.Sort(out)
	return out
}

// testSearch: a part of a name finds the names that hold it, and no others.
func testSearch(t *testing.T, e *env) {
	s := e.open(t)
	keys := []string{
		"paypal-login.example", "login.example.net", "www.example.org", "a.example", "xn--bcher-kva.example", "xn--r8jz45g.example", // bücher, 例え
		"192.0.2.7", "2001:db8::7", "50%_off.example.net", `back\slash.example`, strings.Repeat("a23456789.", 24) + "example", "aaaaaaaaaaaab.example",
	}
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for i, k := range keys {
			if err := tx.PutCase(ctx, named(i, k), 0); err != nil {
				return err
			}
		}
		// The second case of a name is found with the first.
		c := named(100, keys[0])
		c.Type = "malware"
		return tx.PutCase(ctx, c, 0)
	})
	for _, tc := range []struct {
		part string
		want []string
	}{
		{"paypal-login.example", []string{keys[0], keys[0]}}, {"login", []string{keys[1], keys[0], keys[0]}}, {"LOGIN.Example.Net", []string{keys[1]}},
		{"l", []string{keys[8], keys[9], keys[1], keys[0], keys[0], keys[2], keys[3], keys[4], keys[5], keys[10], keys[11]}},
		{"pa", []string{keys[0], keys[0]}}, {"zz", nil}, {"no-such-name-anywhere", nil}, {"login.example.org", nil},
		{"e", []string{keys[8], keys[9], keys[1], keys[0], keys[0], keys[2], keys[3], keys[4], keys[5], keys[10], keys[11]}},
		{"%", []string{keys[8]}}, {"_", []string{keys[8]}}, {`\`, []string{keys[9]}}, {"50%_", []string{keys[8]}}, {`%example%`, nil}, {"'", nil}, {"\x00", nil}, {"\xff", nil},
		{"0.2.7", []string{keys[6]}}, {"2001:db8", []string{keys[7]}}, {"789.a23456789.", []string{keys[10]}}, {strings.Repeat("a23456789.", 24) + "example", []string{keys[10]}},
		{strings.Repeat("x", 300), nil}, {"aaaaaaab", []string{keys[11]}}, {"aaaaaaaaaaaaab", nil},
		{"bücher", []string{keys[4]}}, {"BÜCHER.example", []string{keys[4]}}, {"ücher", []string{keys[4]}}, {"xn--bcher-kva", []string{keys[4]}}, {"bcher", []string{keys[4]}},
		{"xn--bch-hoa", []string{keys[4]}}, // büch, as whoever types a part of a label sends it
		{"例", []string{keys[5]}}, {"え", []string{keys[5]}}, {"例え.ex", []string{keys[5]}}, {"え例", nil},
	} {
		slices.Sort(tc.want)
		if got := found(t, s, store.QueueFilter{Contains: tc.part}); !slices.Equal(got, tc.want) {
			t.Errorf("%.40q finds %q, not %q", tc.part, got, tc.want)
		}
	}
	// With other conditions, and with each order.
	for _, sort := range []string{"", "opened"} {
		if got := found(t, s, store.QueueFilter{Contains: "paypal", Type: "malware", State: "open", Sort: sort}); !slices.Equal(got, keys[:1]) {
			t.Errorf("%q: %q", sort, got)
		}
	}
	if got := found(t, s, store.QueueFilter{Contains: "paypal", Subject: keys[1]}); len(got) != 0 {
		t.Errorf("another subject: %q", got)
	}
}

// testSearchMany: a part that more names hold than are looked up finds the same
// as one that is looked up.
func testSearchMany(t *testing.T, e *env) {
	s := e.open(t)
	const n = 4_400
	for from := 0; from < n; from += 1100 {
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i := from; i < from+1100; i++ {
				key := fmt.Sprintf("n%d.xn--bcher-kva.example", i)
				if err := tx.PutCase(ctx, named(i, key), 0); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for _, part := range []string{"example", "ex", "er-kva.exam", "bücher.ex", "ü"} {
		var got []store.Case
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			got, err = tx.Queue(ctx, store.QueueFilter{Contains: part, Limit: 3})
			if n2, err := tx.CountQueue(ctx, store.QueueFilter{Contains: part}, 2*n); err != nil || n2 != n {
				t.Errorf("%q: %d counted of %d: %v", part, n2, n, err)
			}
			return err
		})
		if len(got) != 3 || got[0].SubjectKey != "n4399.xn--bcher-kva.example" || got[2].SubjectKey != "n4397.xn--bcher-kva.example" {
			t.Errorf("%q: %+v", part, got)
		}
	}
	if got := found(t, s, store.QueueFilter{Contains: "n439"}); len(got) != 11 {
		t.Errorf("%q", got)
	}
}

// testSearchProperty holds the search against strings.Contains.
func testSearchProperty(t *testing.T, e *env) {
	s := e.open(t)
	name := rapid.StringMatching(`[ab1.\-%_üé例]{1,14}`)
	have := map[string]bool{}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		key, part := name.Draw(rt, "name"), rapid.StringMatching(`[ab1.\-%_üé例]{1,9}`).Draw(rt, "part")
		if !have[key] {
			have[key] = true
			n++
			if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.PutCase(t.Context(), named(n, key), 0) }); err != nil {
				rt.Fatal(err)
			}
		}
		var want []string
		for k := range have {
			if strings.Contains(k, part) {
				want = append(want, k)
			}
		}
		slices.Sort(want)
		if got := found(t, s, store.QueueFilter{Contains: part}); !slices.Equal(got, want) {
			rt.Fatalf("%q finds %q, not %q", part, got, want)
		}
	})
}

// testSearchRace: cases of one name that are opened at one time are all found.
func testSearchRace(t *testing.T, e *env) {
	s := e.open(t)
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for i := range 8 {
		wg.Go(func() {
			errs <- s.Update(t.Context(), func(tx *store.Tx) error {
				c := named(i, "same.example")
				c.Type = fmt.Sprint("type", i)
				return tx.PutCase(t.Context(), c, 0)
			})
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if got := found(t, s, store.QueueFilter{Contains: "same"}); len(got) != 8 {
		t.Errorf("%q", got)
	}
}

func testHandOffs(t *testing.T, e *env) {
	s := e.open(t)
	for _, id := range []string{"c1", "c2"} {
		put(t, s, 0, newCase(id, id))
	}
	o := func(id string, hours int) casework.Obligation {
		return casework.Obligation{ID: id, Opened: start.Add(time.Duration(hours) * time.Hour)}
	}
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutHandOffs(ctx, "c1", []casework.Obligation{o("c1-1", 5), o("c1-2", 1), o("c1-3", 1)}, nil); err != nil {
			return err
		}
		if err := tx.PutHandOffs(ctx, "c2", []casework.Obligation{o("c2-1", 3)}, []string{"none"}); err != nil {
			return err
		}
		return tx.PutHandOffs(ctx, "c2", []casework.Obligation{o("c2-1", 3)}, nil) // once more is no error
	})
	ids := func(piece int) (out []string) {
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			for after := (*store.HandOff)(nil); ; {
				hs, err := tx.HandOffs(ctx, after, piece)
				if err != nil || len(hs) == 0 {
					return err
				}
				for _, h := range hs {
					out = append(out, h.Obligation)
				}
				after = &hs[len(hs)-1]
			}
		})
		return out
	}
	for piece := 1; piece < 6; piece++ {
		equal(t, ids(piece), []string{"c1-2", "c1-3", "c2-1", "c1-1"})
	}
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.PutHandOffs(ctx, "c1", nil, []string{"c1-2", "c1-1"})
	})
	equal(t, ids(2), []string{"c1-3", "c2-1"})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		for most, want := range map[int]int{1: 1, 5: 2} {
			if n, err := tx.CountHandOffs(ctx, most); n != want || err != nil {
				t.Errorf("%d counted, %v", n, err)
			}
		}
		cs, err := tx.CasesByID(ctx, []string{"c1", "none", "c2"})
		if len(cs) != 2 || cs["c2"].ID != "c2" {
			t.Errorf("%+v", cs)
		}
		return err
	})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for i, state := range []store.NoticeState{store.NoticeFailed, store.NoticeDue, store.NoticeFailed} {
			n := store.Notice{ID: fmt.Sprint("n", i), Case: "c1", Obligation: "c1-3", Number: i, Kind: "ask", State: state, Created: start.Add(time.Duration(10-i) * time.Minute), Due: start}
			if _, err := tx.AddNotice(ctx, n); err != nil {
				return err
			}
		}
		ns, err := tx.FailedNotices(ctx, []string{"c2", "c1"})
		if len(ns) != 2 || ns[0].ID != "n2" || ns[1].ID != "n0" {
			t.Errorf("%+v", ns)
		}
		return err
	})
}

// testExpire deletes what has ended, in batches, and nothing else.
func testExpire(t *testing.T, e *env) {
	s := e.open(t)
	a := account(1)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	people(t, s, func(ctx context.Context, r access.Rows) error {
		if err := r.AddAccount(ctx, a); err != nil {
			return err
		}
		for i := range 5 {
			if err := r.AddEntry(ctx, access.Entry{At: at(i), Actor: "person:p01", Act: access.Looked, Kind: access.Case, Object: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		for i, k := range []access.Key{{Revoked: at(1)}, {Expires: at(2)}, {}, {Expires: at(9)}, {Revoked: at(1), Expires: at(9)}} {
			k.ID, k.Digest, k.Owner, k.Created = fmt.Sprint("k", i), mark(byte(i+1)), a.ID, start
			if err := r.AddKey(ctx, k); err != nil {
				return err
			}
		}
		return nil
	})
	for i, want := range []access.Expired{{Keys: 2, Entries: 2}, {Keys: 1, Entries: 1}, {}} {
		people(t, s, func(ctx context.Context, r access.Rows) error {
			got, err := r.Expire(ctx, access.Ends{Keys: at(2), Log: at(2)}, 2)
			if got != want {
				t.Errorf("batch %d: %+v, not %+v", i, got, want)
			}
			return err
		})
	}
	seePeople(t, s, func(ctx context.Context, r access.Rows) error {
		ks, err := r.Keys(ctx, "")
		if len(ks) != 2 || ks[0].ID != "k2" || ks[1].ID != "k3" {
			t.Errorf("%+v", ks)
		}
		if err != nil {
			return err
		}
		es, err := r.Entries(ctx, access.EntryFilter{})
		if len(es) != 2 || es[0].Object != "4" || es[1].Object != "3" {
			t.Errorf("%+v", es)
		}
		return err
	})
}
