package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/problem"
	"bailiwick/store"
)

// testMembership: an organisation lists what the parties it answers for were told,
// in both orders and page by page, and nothing of others.
func testMembership(t *testing.T, e *env) {
	s := e.open(t)
	people(t, s, func(ctx context.Context, r access.Rows) error {
		for _, id := range []string{"o1", "o2"} {
			if err := r.AddOrg(ctx, access.Org{ID: id, Name: id, Created: start}); err != nil {
				return err
			}
		}
		for _, l := range []access.PartyLink{{Org: "o1", Party: "registrar:1", Linked: start}, {Org: "o1", Party: "host:a", Linked: start}, {Org: "o2", Party: "registrar:2", Linked: start}} {
			if err := r.LinkParty(ctx, l); err != nil {
				return err
			}
		}
		return nil
	})
	peopleFail(t, s, problem.Conflict, func(ctx context.Context, r access.Rows) error {
		return r.LinkParty(ctx, access.PartyLink{Org: "o1", Party: "registrar:1", Linked: start})
	})
	peopleFail(t, s, problem.NotFound, func(ctx context.Context, r access.Rows) error { return r.UnlinkParty(ctx, "o2", "registrar:1") })
	seePeople(t, s, func(ctx context.Context, r access.Rows) error {
		got, err := r.PartyLinks(ctx, "o1")
		equal(t, got, []access.PartyLink{{Org: "o1", Party: "host:a", Linked: start.UTC()}, {Org: "o1", Party: "registrar:1", Linked: start.UTC()}})
		if all, err := r.PartyLinks(ctx, ""); err != nil || len(all) != 3 {
			t.Errorf("%v %v", all, err)
		}
		return err
	})

	// Twelve cases: each tells registrar 1 and registrar 2, every third host a.
	// Half of them wait for an answer; many were told at the same moment.
	var mine []store.Share
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for i := range 12 {
			id := fmt.Sprintf("c%02d", i)
			if err := tx.PutCase(ctx, newCase(id, fmt.Sprintf("n%d.example", i)), 0); err != nil {
				return err
			}
			for j, party := range []string{"registrar:1", "registrar:2", "host:a"} {
				if party == "host:a" && i%3 != 0 {
					continue
				}
				sh := store.Share{Obligation: fmt.Sprintf("%s-%d", id, j), Case: id, Party: party, Told: start.Add(time.Duration(i/4) * time.Hour).UTC()}
				if i%2 == 0 {
					sh.Due = start.Add(time.Duration(24-i/4) * time.Hour).UTC()
				}
				if err := tx.PutShares(ctx, []store.Share{sh}, nil); err != nil {
					return err
				}
				if party != "registrar:2" {
					mine = append(mine, sh)
				}
			}
		}
		return nil
	})
	pages := func(org string, standing bool) (out []store.Share) {
		f := store.ShareFilter{Org: org, Standing: standing, Limit: 3}
		for range 40 {
			var page []store.Share
			view(t, s, func(ctx context.Context, tx *store.Tx) (err error) { page, err = tx.Shares(ctx, f); return err })
			out = append(out, page...)
			if len(page) < 3 {
				var n int
				view(t, s, func(ctx context.Context, tx *store.Tx) (err error) { n, err = tx.CountShares(ctx, f, 1000); return err })
				f.After = nil
				if n != len(out) {
					t.Errorf("%d are counted, %d listed", n, len(out))
				}
				return out
			}
			m := page[2].Mark(standing)
			f.After = &m
		}
		t.Fatal("the pages do not end")
		return nil
	}
	want := slices.Clone(mine)
	slices.SortFunc(want, func(a, b store.Share) int { return -cmpShare(a.Told, b.Told, a, b) })
	equal(t, pages("o1", false), want)
	want = slices.DeleteFunc(want, func(s store.Share) bool { return s.Due.IsZero() })
	slices.SortFunc(want, func(a, b store.Share) int { return cmpShare(a.Due, b.Due, a, b) })
	equal(t, pages("o1", true), want)
	for _, x := range pages("o2", false) {
		if x.Party != "registrar:2" {
			t.Errorf("o2 is shown %+v", x)
		}
	}
	if got := pages("", false); got != nil {
		t.Errorf("no organisation is shown %v", got)
	}
	of := func(org, id string) (out []store.Share) {
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			out, err = tx.SharesOfCase(ctx, org, id)
			return err
		})
		return out
	}
	if a, b, c, d := of("o1", "c03"), of("o1", "c01"), of("o3", "c03"), of("", "c03"); len(a) != 2 || len(b) != 1 || len(c)+len(d) != 0 {
		t.Errorf("%v %v %v %v", a, b, c, d)
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.SharesByParty(ctx, "o1")
		equal(t, n, map[string]int{"registrar:1": 12, "host:a": 4})
		return err
	})

	// An organisation that answers for many parties, most of them busy at the same
	// few moments: each page is what sorting everything gives.
	var many []store.Share
	people(t, s, func(ctx context.Context, r access.Rows) error {
		err := r.AddOrg(ctx, access.Org{ID: "o4", Name: "o4", Created: start})
		for i := 0; i < 14 && err == nil; i++ {
			err = r.LinkParty(ctx, access.PartyLink{Org: "o4", Party: fmt.Sprintf("host:m%d", i), Linked: start})
		}
		return err
	})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for i := range 60 {
			sh := store.Share{Obligation: fmt.Sprintf("m%02d", i*37%60), Case: fmt.Sprintf("c%02d", i%12), Party: fmt.Sprintf("host:m%d", i*i%13), Told: start.Add(time.Duration(i*7%5) * time.Hour).UTC()}
			if i%3 > 0 {
				sh.Due = start.Add(time.Duration(i*11%4) * time.Hour).UTC()
			}
			many = append(many, sh)
		}
		return tx.PutShares(ctx, many, nil)
	})
	want = slices.Clone(many)
	slices.SortFunc(want, func(a, b store.Share) int { return -cmpShare(a.Told, b.Told, a, b) })
	equal(t, pages("o4", false), want)
	want = slices.DeleteFunc(want, func(s store.Share) bool { return s.Due.IsZero() })
	slices.SortFunc(want, func(a, b store.Share) int { return cmpShare(a.Due, b.Due, a, b) })
	equal(t, pages("o4", true), want)

	// What came back is gone, and what changed is as it is now.
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		x := of("o1", "c03")[0]
		x.Due = start.Add(time.Hour).UTC()
		return tx.PutShares(ctx, []store.Share{x}, []string{"c03-2"})
	})
	if got := of("o1", "c03"); len(got) != 1 || !got[0].Due.Equal(start.Add(time.Hour)) {
		t.Errorf("%+v", got)
	}
	people(t, s, func(ctx context.Context, r access.Rows) error { return r.UnlinkParty(ctx, "o1", "registrar:1") })
	if got := of("o1", "c01"); len(got) != 0 {
		t.Errorf("what was unlinked is shown: %v", got)
	}
}

func cmpShare(a, b time.Time, x, y store.Share) int {
	if n := a.Compare(b); n != 0 {
		return n
	}
	if x.Obligation < y.Obligation {
		return -1
	}
	return 1
}
