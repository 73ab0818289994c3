package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/problem"
	"bailiwick/store"
)

func people(t *testing.T, s *store.Store, f func(context.Context, access.Rows) error) {
	t.Helper()
	if err := s.Access().UpdateAccess(t.Context(), func(r access.Rows) error { return f(t.Context(), r) }); err != nil {
		t.Fatal(err)
	}
}

func seePeople(t *testing.T, s *store.Store, f func(context.Context, access.Rows) error) {
	t.Helper()
	if err := s.Access().ViewAccess(t.Context(), func(r access.Rows) error { return f(t.Context(), r) }); err != nil {
		t.Fatal(err)
	}
}

// peopleFail runs f in a transaction of its own and checks the code of its
// error.
func peopleFail(t *testing.T, s *store.Store, want problem.Code, f func(context.Context, access.Rows) error) {
	t.Helper()
	err := s.Access().UpdateAccess(t.Context(), func(r access.Rows) error { return f(t.Context(), r) })
	if err == nil || problem.CodeOf(err) != want {
		t.Errorf("got %v, want a %s", err, want)
	}
}

func account(n int) access.Account {
	return access.Account{ID: fmt.Sprintf("p%02d", n), Login: fmt.Sprintf("desk%02d", n), Name: fmt.Sprintf("Desk %d", n), Roles: []access.Role{access.Analyst, access.Viewer},
		Password: "$argon2id$…", Created: start.Add(time.Duration(n) * time.Second)}
}

func mark(b byte) (d access.Digest) {
	for i := range d {
		d[i] = b
	}
	return d
}

func testPeople(t *testing.T, e *env) {
	s := e.open(t)
	org := access.Org{ID: "o1", Name: "Größe Bank", Created: start}
	a := account(1)
	a.Org, a.Disabled = "o1", start.Add(time.Hour)
	b := access.Account{ID: "p02", Login: "a@desk.example", Name: "x\x00y\xff", Created: start}
	people(t, s, func(ctx context.Context, r access.Rows) error {
		if err := r.AddOrg(ctx, org); err != nil {
			return err
		}
		if err := r.AddOrg(ctx, access.Org{ID: "o2", Name: "another", Created: start}); err != nil {
			return err
		}
		if err := r.AddAccount(ctx, a); err != nil {
			return err
		}
		return r.AddAccount(ctx, b)
	})
	b.Name = "x\uFFFDy\uFFFD"
	seePeople(t, s, func(ctx context.Context, r access.Rows) error {
		for _, want := range []access.Account{a, b} {
			got, err := r.Account(ctx, want.ID)
			if err != nil {
				return err
			}
			equal(t, got, want)
		}
		got, err := r.AccountByLogin(ctx, "DESK01")
		if err != nil {
			return err
		}
		equal(t, got, a)
		all, err := r.Accounts(ctx)
		if err != nil {
			return err
		}
		equal(t, all, []access.Account{b, a})
		orgs, err := r.Orgs(ctx)
		if err != nil {
			return err
		}
		equal(t, orgs, []access.Org{{ID: "o2", Name: "another", Created: start}, org})
		return nil
	})
	for _, c := range []struct {
		name string
		want problem.Code
		f    func(context.Context, access.Rows) error
	}{
		{"a login that is taken", problem.Conflict, func(ctx context.Context, r access.Rows) error {
			x := account(3)
			x.Login = a.Login
			return r.AddAccount(ctx, x)
		}},
		{"a login in upper case", problem.Internal, func(ctx context.Context, r access.Rows) error {
			x := account(3)
			x.Login = "Desk"
			return r.AddAccount(ctx, x)
		}},
		{"an organisation that is taken", problem.Conflict, func(ctx context.Context, r access.Rows) error {
			return r.AddOrg(ctx, access.Org{ID: "o3", Name: "GRÖßE bank", Created: start})
		}},
		{"an organisation that is not there", problem.Conflict, func(ctx context.Context, r access.Rows) error {
			x := account(3)
			x.Org = "o9"
			return r.AddAccount(ctx, x)
		}},
		{"nobody", problem.NotFound, func(ctx context.Context, r access.Rows) error { _, err := r.Account(ctx, "p9"); return err }},
		{"nobody by login", problem.NotFound, func(ctx context.Context, r access.Rows) error {
			_, err := r.AccountByLogin(ctx, "p9")
			return err
		}},
		{"nobody to change", problem.NotFound, func(ctx context.Context, r access.Rows) error { return r.PutAccount(ctx, account(9)) }},
		{"nobody to delete", problem.NotFound, func(ctx context.Context, r access.Rows) error { return r.DeleteAccount(ctx, "p9") }},
	} {
		t.Run(c.name, func(t *testing.T) { peopleFail(t, s, c.want, c.f) })
	}
	a.Name, a.Org, a.Roles, a.Password, a.Disabled = "New", "", []access.Role{access.Admin}, "", time.Time{}
	people(t, s, func(ctx context.Context, r access.Rows) error {
		changed := a
		changed.Login = "other" // a login name stays
		if err := r.PutAccount(ctx, changed); err != nil {
			return err
		}
		got, err := r.Account(ctx, a.ID)
		equal(t, got, a)
		return err
	})
}

func testSecrets(t *testing.T, e *env) {
	s := e.open(t)
	a, b := account(1), account(2)
	k := access.Key{ID: "k1", Digest: mark(1), Name: "feeder", Owner: a.ID, Roles: []access.Role{access.API}, Created: start, Expires: start.Add(time.Hour)}
	k2 := access.Key{ID: "k2", Digest: mark(2), Name: "other", Owner: b.ID, Roles: []access.Role{access.Viewer}, Created: start.Add(time.Second)}
	l := access.Link{Digest: mark(3), Person: a.ID, Created: start, Expires: start.Add(24 * time.Hour)}
	session := func(by byte, p string, created, seen time.Duration) access.Session {
		return access.Session{Digest: mark(by), Person: p, Created: start.Add(created), Seen: start.Add(seen)}
	}
	people(t, s, func(ctx context.Context, r access.Rows) error {
		for _, x := range []access.Account{a, b} {
			if err := r.AddAccount(ctx, x); err != nil {
				return err
			}
		}
		for _, x := range []access.Key{k, k2} {
			if err := r.AddKey(ctx, x); err != nil {
				return err
			}
		}
		for _, x := range []access.Session{session(10, a.ID, 0, 0), session(11, a.ID, 0, 5*time.Hour), session(12, b.ID, 2*time.Hour, 2*time.Hour)} {
			if err := r.AddSession(ctx, x); err != nil {
				return err
			}
		}
		return r.AddLink(ctx, l)
	})
	peopleFail(t, s, problem.Conflict, func(ctx context.Context, r access.Rows) error {
		return r.AddSession(ctx, session(13, "nobody", 0, 0))
	})
	seePeople(t, s, func(ctx context.Context, r access.Rows) error {
		gotS, gotA, err := r.Session(ctx, mark(11))
		if err != nil {
			return err
		}
		equal(t, gotS, session(11, a.ID, 0, 5*time.Hour))
		equal(t, gotA, a)
		gotK, gotA, err := r.KeyByDigest(ctx, mark(2))
		if err != nil {
			return err
		}
		equal(t, gotK, k2)
		equal(t, gotA, b)
		gotL, gotA, err := r.Link(ctx, mark(3))
		if err != nil {
			return err
		}
		equal(t, gotL, l)
		equal(t, gotA, a)
		all, err := r.Keys(ctx, "")
		equal(t, all, []access.Key{k, k2})
		if err != nil {
			return err
		}
		mine, err := r.Keys(ctx, b.ID)
		equal(t, mine, []access.Key{k2})
		return err
	})
	for name, f := range map[string]func(context.Context, access.Rows) error{
		"session": func(ctx context.Context, r access.Rows) error { _, _, err := r.Session(ctx, mark(99)); return err },
		"key":     func(ctx context.Context, r access.Rows) error { _, _, err := r.KeyByDigest(ctx, mark(99)); return err },
		"link":    func(ctx context.Context, r access.Rows) error { _, _, err := r.Link(ctx, mark(99)); return err },
		"revoke":  func(ctx context.Context, r access.Rows) error { return r.RevokeKey(ctx, "k9", start) },
	} {
		t.Run("no "+name, func(t *testing.T) { peopleFail(t, s, problem.NotFound, f) })
	}
	people(t, s, func(ctx context.Context, r access.Rows) error {
		if err := r.TouchKey(ctx, "k1", start.Add(time.Minute)); err != nil {
			return err
		}
		if err := r.TouchKey(ctx, "k1", start); err != nil { // another machine's clock is behind
			return err
		}
		if err := r.TouchSession(ctx, mark(10), start.Add(3*time.Hour)); err != nil {
			return err
		}
		if err := r.TouchSession(ctx, mark(10), start.Add(time.Hour)); err != nil {
			return err
		}
		return r.RevokeKey(ctx, "k1", start.Add(time.Hour))
	})
	peopleFail(t, s, problem.Conflict, func(ctx context.Context, r access.Rows) error { return r.RevokeKey(ctx, "k1", start) })
	k.Used, k.Revoked = start.Add(time.Minute), start.Add(time.Hour)
	people(t, s, func(ctx context.Context, r access.Rows) error {
		got, _, err := r.KeyByDigest(ctx, mark(1))
		equal(t, got, k)
		if err != nil {
			return err
		}
		// 10 was seen at 3 h, 11 at 5 h, 12 at 2 h.
		if n, err := r.Expire(ctx, access.Ends{}, 100); n != (access.Expired{}) || err != nil {
			t.Errorf("%+v ended at no time, %v", n, err)
		}
		if n, err := r.Expire(ctx, access.Ends{Idle: start.Add(2 * time.Hour), Oldest: start.Add(-time.Hour), Links: start}, 100); n != (access.Expired{Sessions: 1}) || err != nil {
			t.Errorf("idle sessions: %+v expired, %v", n, err)
		}
		if n, err := r.Expire(ctx, access.Ends{Oldest: start, Links: start.Add(24 * time.Hour)}, 100); n != (access.Expired{Sessions: 2, Links: 1}) || err != nil {
			t.Errorf("old sessions and links: %+v expired, %v", n, err)
		}
		if err := r.AddSession(ctx, session(14, a.ID, 0, 0)); err != nil {
			return err
		}
		if err := r.AddSession(ctx, session(15, b.ID, 0, 0)); err != nil {
			return err
		}
		if err := r.DeleteSession(ctx, mark(99)); err != nil {
			t.Errorf("a session that is gone: %v", err)
		}
		if err := r.AddLink(ctx, l); err != nil {
			return err
		}
		if took, err := r.TakeLink(ctx, mark(3)); !took || err != nil {
			t.Errorf("%v %v", took, err)
		}
		if took, err := r.TakeLink(ctx, mark(3)); took || err != nil {
			t.Errorf("a link is good twice: %v %v", took, err)
		}
		if err := r.AddLink(ctx, l); err != nil {
			return err
		}
		if err := r.DeleteSessions(ctx, a.ID); err != nil {
			return err
		}
		if _, _, err := r.Session(ctx, mark(14)); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("%v", err)
		}
		return r.DeleteAccount(ctx, a.ID)
	})
	seePeople(t, s, func(ctx context.Context, r access.Rows) error {
		for _, err := range []error{
			second(r.KeyByDigest(ctx, mark(1))), second(r.Link(ctx, mark(3))),
		} {
			if problem.CodeOf(err) != problem.NotFound {
				t.Errorf("something of a person who was deleted stays: %v", err)
			}
		}
		_, _, err := r.Session(ctx, mark(15))
		return err
	})
}

func second[A, B any](_ A, _ B, err error) error { return err }

func testAccessLog(t *testing.T, e *env) {
	s := e.open(t)
	entry := func(n int, actor string, kind access.Kind, object string) access.Entry {
		return access.Entry{At: start.Add(time.Duration(n) * time.Second), Actor: actor, Act: access.Looked, Purpose: access.Work, Kind: kind, Object: object}
	}
	in := []access.Entry{
		entry(0, "person:p1", access.Case, "c1"), entry(1, "person:p1/key:k1", access.Case, "c2"), entry(2, "person:p10", access.Case, "c1"),
		entry(3, "console", access.User, "p1"), entry(4, "person:p1", access.Mail, "m1"),
	}
	in[3].Act, in[3].Purpose, in[3].Detail = access.Changed, access.Administer, "disabled\x00"
	a := account(1)
	a.ID = "p1"
	people(t, s, func(ctx context.Context, r access.Rows) error {
		if err := r.AddAccount(ctx, a); err != nil {
			return err
		}
		for _, x := range in {
			if err := r.AddEntry(ctx, x); err != nil {
				return err
			}
		}
		return r.DeleteAccount(ctx, "p1")
	})
	in[3].Detail = "disabled\uFFFD"
	read := func(f access.EntryFilter) (times []int) {
		seePeople(t, s, func(ctx context.Context, r access.Rows) error {
			got, err := r.Entries(ctx, f)
			for _, x := range got {
				n := int(x.At.Sub(start).Seconds())
				times = append(times, n)
				x.ID = 0
				equal(t, x, in[n])
			}
			return err
		})
		return times
	}
	for _, c := range []struct {
		f    access.EntryFilter
		want []int
	}{
		{access.EntryFilter{}, []int{4, 3, 2, 1, 0}},
		{access.EntryFilter{Limit: 2}, []int{4, 3}},
		{access.EntryFilter{Actor: "person:p1"}, []int{4, 1, 0}}, // with what the person's keys did
		{access.EntryFilter{Actor: "person:p1/key:k1"}, []int{1}},
		{access.EntryFilter{Kind: access.Case, Object: "c1"}, []int{2, 0}},
		{access.EntryFilter{Act: access.Changed}, []int{3}},
		{access.EntryFilter{Actor: "person:p1", Kind: access.Mail}, []int{4}},
		{access.EntryFilter{Actor: "nobody"}, nil},
	} {
		equal(t, read(c.f), c.want)
	}
	var third int64
	seePeople(t, s, func(ctx context.Context, r access.Rows) error {
		all, err := r.Entries(ctx, access.EntryFilter{Limit: 3})
		third = all[2].ID
		return err
	})
	equal(t, read(access.EntryFilter{Before: third}), []int{1, 0})
}

// testAccessRaces: two transactions that each read an account and write it
// whole lose nothing of each other, and one at a time holds the lock.
func testAccessRaces(t *testing.T, e *env) {
	s := e.open(t)
	people(t, s, func(ctx context.Context, r access.Rows) error { return r.AddAccount(ctx, account(1)) })
	const n = 8
	var wg sync.WaitGroup
	errs := make(chan error, 2*n)
	for range n {
		wg.Go(func() {
			errs <- s.Access().UpdateAccess(t.Context(), func(r access.Rows) error {
				a, err := r.Account(t.Context(), "p01")
				if err != nil {
					return err
				}
				a.Name += "."
				return r.PutAccount(t.Context(), a)
			})
		})
		wg.Go(func() {
			errs <- s.Access().UpdateAccess(t.Context(), func(r access.Rows) error {
				if err := r.LockAccounts(t.Context()); err != nil {
					return err
				}
				all, err := r.Accounts(t.Context())
				if err != nil {
					return err
				}
				return r.AddAccount(t.Context(), account(len(all)+1)) // a number that is taken is a Conflict
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
	seePeople(t, s, func(ctx context.Context, r access.Rows) error {
		all, err := r.Accounts(ctx)
		if len(all) != n+1 || all[0].Name != "Desk 1........" {
			t.Errorf("%d accounts, %q", len(all), all[0].Name)
		}
		return err
	})
}
