package access_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/clock"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/store/pgtest"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	pass  = "correct horse battery"
	pass2 = "staple paper stone scissors"
	here  = "192.0.2.1"
)

var start = time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)

// world is a desk over a database, and a clock that moves when told to.
type world struct {
	*testing.T
	*access.Desk
	store *store.Store
	clock *clock.Virtual
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, f func(w world)) {
	for name, dsn := range map[string]func(testing.TB) string{
		store.SQLite: func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "s.db") },
		store.PostgreSQL: func(t testing.TB) string {
			return pgtest.Copy(t, "store", func(dsn string) error {
				s, err := store.Open(context.Background(), dsn, store.Options{})
				if err != nil {
					return err
				}
				return s.Close()
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clock.NewVirtual(start)
			s, err := store.Open(t.Context(), dsn(t), store.Options{Clock: c})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			f(world{T: t, Desk: access.New(s.Access(), options(c)), store: s, clock: c})
		})
	}
}

func options(c clock.Clock) access.Options {
	var n atomic.Int64
	return access.Options{Clock: c, NewID: func() string { return fmt.Sprintf("id%04d", n.Add(1)) }, Params: access.Params{Time: 1, Memory: 64, Threads: 1}}
}

func (w world) pass(d time.Duration) { w.clock.Set(w.clock.Now().Add(d)) }

// person adds somebody with a password.
func (w world) person(login string, roles ...access.Role) access.Account {
	w.Helper()
	a, err := w.AddPerson(w.Context(), access.Console, access.NewPerson{Login: login, Roles: roles})
	if err == nil {
		err = w.SetPassword(w.Context(), access.Console, a.ID, pass)
	}
	if err != nil {
		w.Fatal(err)
	}
	return a
}

func (w world) login(login string) string {
	w.Helper()
	token, _, err := w.Login(w.Context(), login, pass, here)
	if err != nil {
		w.Fatal(err)
	}
	return token
}

// want checks the code of an error; "" is none.
func want(t testing.TB, what string, err error, code problem.Code) {
	t.Helper()
	if code == "" && err != nil || code != "" && (err == nil || problem.CodeOf(err) != code) {
		t.Errorf("%s: %v, want %q", what, err, code)
	}
}

// wantUnknown checks that an error asks who it is.
func wantUnknown(t testing.TB, what string, err error) {
	t.Helper()
	if !access.Unknown(err) {
		t.Errorf("%s: %v", what, err)
	}
}

func TestLogin(t *testing.T) {
	onBoth(t, func(w world) {
		a := w.person("Ada@Desk.example", access.Analyst)
		token, p, err := w.Login(w.Context(), " ADA@desk.example ", pass, here)
		if err != nil {
			w.Fatal(err)
		}
		wantP := access.Person{ID: a.ID, Login: "ada@desk.example", Name: "ada@desk.example", Roles: []access.Role{access.Analyst}}
		if d := cmp.Diff(wantP, p); d != "" {
			w.Error(d)
		}
		got, csrf, err := w.Lookup(w.Context(), token)
		if err != nil || !cmp.Equal(got, wantP) || access.CheckCSRF(token, csrf) != nil {
			w.Errorf("%+v %v", got, err)
		}
		if again, _, _ := w.Login(w.Context(), a.Login, pass, here); again == token {
			w.Error("two sessions have one token")
		}
		var first error
		for name, c := range map[string][2]string{"password": {a.Login, pass + "."}, "nobody": {"eve", pass}, "no name": {"", pass}, "no password": {a.Login, ""},
			"too long": {a.Login, strings.Repeat("x", 5000)}, "an odd name": {"a\x00b' OR 1=1", pass}} {
			token, p, err := w.Login(w.Context(), c[0], c[1], "198.51.100."+fmt.Sprint(len(name)))
			wantUnknown(w, name, err)
			if token != "" || p.Known() {
				w.Errorf("%s: %q %+v", name, token, p)
			}
			if first == nil {
				first = err
			}
			if err.Error() != first.Error() {
				w.Errorf("%s: %q tells more than %q", name, err, first)
			}
		}
		for _, bad := range []string{"", token + "x", token[:len(token)-1], access.KeyPrefix + token, strings.Repeat("A", 43)} {
			_, _, err := w.Lookup(w.Context(), bad)
			wantUnknown(w, bad, err)
		}
		want(w, "log out", w.Logout(w.Context(), token), "")
		_, _, err = w.Lookup(w.Context(), token)
		wantUnknown(w, "after the end", err)
		want(w, "log out twice", w.Logout(w.Context(), token), "")
		want(w, "log out of nothing", w.Logout(w.Context(), "x"), "")
		// What is kept is no password and no token.
		for _, table := range []string{"people", "sessions", "access_log"} {
			if rows := dump(w, table); strings.Contains(rows, pass) || strings.Contains(rows, token) {
				w.Errorf("%s keeps a secret", table)
			}
		}
	})
}

// dump is all of a table.
func dump(w world, table string) string {
	w.Helper()
	rows, err := w.store.Writer().QueryContext(w.Context(), "SELECT * FROM "+table)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		w.Fatal(err)
	}
	var b strings.Builder
	for rows.Next() {
		vals := make([]any, len(cols))
		for i := range vals {
			vals[i] = new(any)
		}
		if err := rows.Scan(vals...); err != nil {
			w.Fatal(err)
		}
		for _, v := range vals {
			fmt.Fprintf(&b, "%s|", *v.(*any))
		}
	}
	if rows.Err() != nil {
		w.Fatal(rows.Err())
	}
	return b.String()
}

func TestSessionLimits(t *testing.T) {
	onBoth(t, func(w world) {
		w.person("ada", access.Analyst)
		ok := func(token string) bool {
			_, _, err := w.Lookup(w.Context(), token)
			if err != nil && !access.Unknown(err) {
				w.Error(err)
			}
			return err == nil
		}
		idle := w.login("ada")
		w.pass(access.SessionIdle - time.Microsecond)
		if !ok(idle) {
			w.Error("over before it is idle for 12 h")
		}
		w.pass(access.SessionIdle)
		if ok(idle) {
			w.Error("idle for 12 h, and good")
		}
		busy := w.login("ada")
		left := access.SessionLife
		for ; left > access.SessionIdle/2; left -= access.SessionIdle / 2 {
			w.pass(access.SessionIdle / 2)
			if !ok(busy) {
				w.Fatalf("over %s before its time", left)
			}
		}
		w.pass(left - time.Microsecond)
		if !ok(busy) {
			w.Error("over before 7 days")
		}
		w.pass(time.Microsecond)
		if ok(busy) {
			w.Error("good after 7 days")
		}
		if n, err := w.Expire(w.Context()); err != nil || n != (access.Expired{Sessions: 2}) {
			w.Errorf("%+v expired, %v", n, err)
		}
	})
}

// TestLogExpires: the access log goes after its time, in batches, and each says
// so; keys that are dead for as long go too; neither can be hurried.
func TestLogExpires(t *testing.T) {
	onBoth(t, func(w world) {
		ctx := w.Context()
		a := w.person("ada", access.Analyst)
		_, dead, err := w.NewKey(ctx, access.Console, a.ID, "old", []access.Role{access.API}, time.Time{})
		if err == nil {
			err = w.RevokeKey(ctx, access.Console, dead.ID)
		}
		if err != nil {
			w.Fatal(err)
		}
		const looks = 2100 // two batches, and a bit
		if err := w.store.Access().UpdateAccess(ctx, func(r access.Rows) error {
			for range looks {
				if err := r.AddEntry(ctx, access.Entry{At: w.clock.Now(), Actor: "person:x", Act: access.Looked, Purpose: access.Work, Kind: access.Case, Object: "c"}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			w.Fatal(err)
		}
		// A desk that is told to keep it for an hour keeps it for 90 days.
		hasty := access.New(w.store.Access(), access.Options{Clock: w.clock, NewID: func() string { return "x" }, KeepLog: time.Hour})
		ever := access.New(w.store.Access(), access.Options{Clock: w.clock, NewID: func() string { return "x" }, KeepLog: -1})
		w.pass(access.MinKeepLog - 24*time.Hour)
		for _, d := range []*access.Desk{hasty, ever, w.Desk} {
			if n, err := d.Expire(ctx); err != nil || n.Entries != 0 || n.Keys != 0 {
				w.Errorf("%+v went before its time, %v", n, err)
			}
		}
		w.pass(access.DefaultKeepLog)
		if n, err := ever.Expire(ctx); err != nil || n.Entries != 0 || n.Keys != 0 {
			w.Errorf("%+v of what is kept without end went, %v", n, err)
		}
		n, err := w.Expire(ctx)
		if err != nil || n.Entries < looks || n.Keys != 1 {
			w.Errorf("%+v %v", n, err)
		}
		es, err := w.Entries(ctx, access.EntryFilter{})
		if err != nil || len(es) != 3 {
			w.Fatalf("%+v %v", es, err)
		}
		for _, e := range es {
			if e.Act != access.Dropped || e.Actor != access.Sweep || e.Kind != access.AccessLog || !strings.Contains(e.Detail, " lines and ") || !e.At.Equal(w.clock.Now()) {
				w.Errorf("%+v", e)
			}
		}
		if ks, err := w.Keys(ctx, ""); err != nil || len(ks) != 0 {
			w.Errorf("%+v %v", ks, err)
		}
	})
}

// TestSeenStep: looking a session or a key up is no write each time.
func TestSeenStep(t *testing.T) {
	onBoth(t, func(w world) {
		a := w.person("ada", access.Analyst)
		token := w.login("ada")
		key, _, err := w.NewKey(w.Context(), access.Console, a.ID, "k", []access.Role{access.API}, time.Time{})
		if err != nil {
			w.Fatal(err)
		}
		state := func() string { return dump(w, "sessions") + dump(w, "api_keys") }
		use := func() {
			if _, _, err := w.Lookup(w.Context(), token); err != nil {
				w.Error(err)
			}
			if _, err := w.Identify(w.Context(), key); err != nil {
				w.Error(err)
			}
		}
		use()
		was := state()
		w.pass(access.SeenStep - time.Second)
		use()
		if state() != was {
			w.Error("written too often")
		}
		w.pass(time.Second)
		use()
		if state() == was {
			w.Error("never written")
		}
	})
}

func TestPasswordChange(t *testing.T) {
	onBoth(t, func(w world) {
		a := w.person("ada", access.Analyst)
		one, two := w.login("ada"), w.login("ada")
		link, err := w.Invite(w.Context(), access.Console, a.ID)
		if err != nil {
			w.Fatal(err)
		}
		_, err = w.ChangePassword(w.Context(), a.Person(), "not my old password", pass2, here)
		want(w, "a wrong old one", err, problem.Invalid)
		_, err = w.ChangePassword(w.Context(), a.Person(), pass, "short", here)
		want(w, "a short one", err, problem.Invalid)
		byKey := a.Person()
		byKey.Key = true
		_, err = w.ChangePassword(w.Context(), byKey, pass, pass2, here)
		want(w, "by a key", err, problem.Refused)
		if _, _, err := w.Lookup(w.Context(), one); err != nil {
			w.Errorf("a failed change ended a session: %v", err)
		}
		fresh, err := w.ChangePassword(w.Context(), a.Person(), pass, pass2, here)
		if err != nil {
			w.Fatal(err)
		}
		if _, _, err := w.Lookup(w.Context(), fresh); err != nil {
			w.Error(err)
		}
		for _, old := range []string{one, two} {
			_, _, err := w.Lookup(w.Context(), old)
			wantUnknown(w, "an old session", err)
		}
		_, _, err = w.Redeem(w.Context(), link, pass)
		wantUnknown(w, "an old link", err)
		_, _, err = w.Login(w.Context(), "ada", pass, here)
		wantUnknown(w, "the old password", err)
		if _, _, err := w.Login(w.Context(), "ada", pass2, here); err != nil {
			w.Error(err)
		}
		if n := strings.Count(dump(w, "sessions"), a.ID); n != 2 {
			w.Errorf("%d sessions", n)
		}
	})
}

// TestRehash: a hash with other costs is made anew at the next sign-in.
func TestRehash(t *testing.T) {
	onBoth(t, func(w world) {
		w.person("ada", access.Analyst)
		w.login("ada")
		before := dump(w, "people")
		o := options(w.clock)
		o.Params.Time = 2
		d := access.New(w.store.Access(), o)
		for range 2 {
			if _, _, err := d.Login(w.Context(), "ada", pass, here); err != nil {
				w.Fatal(err)
			}
		}
		if after := dump(w, "people"); !strings.Contains(before, "t=1,") || !strings.Contains(after, "t=2,") {
			w.Errorf("%s %s", before, after)
		}
	})
}

func TestFirstLink(t *testing.T) {
	onBoth(t, func(w world) {
		w.person("ada", access.Analyst)
		first, needed, err := w.FirstLink(w.Context())
		if err != nil || !needed || len(first) != 22 {
			w.Fatalf("%q %v %v", first, needed, err)
		}
		second, needed, err := w.FirstLink(w.Context()) // a restart before it was used
		if err != nil || !needed || second == first {
			w.Fatalf("%q %v %v", second, needed, err)
		}
		p, err := w.Invitation(w.Context(), first)
		if err != nil || p.Login != access.FirstLogin || !p.Has(access.Admin) {
			w.Errorf("%+v %v", p, err)
		}
		if strings.Contains(dump(w, "links"), first) {
			w.Error("the link is kept")
		}
		_, _, err = w.Redeem(w.Context(), first, "short")
		want(w, "a short password", err, problem.Invalid)
		token, p, err := w.Redeem(w.Context(), first, pass)
		if err != nil || p.Login != "admin" {
			w.Fatalf("%+v %v", p, err)
		}
		if _, _, err := w.Lookup(w.Context(), token); err != nil {
			w.Error(err)
		}
		for name, l := range map[string]string{"used": first, "the other": second, "none": strings.Repeat("A", 22), "empty": "", "long": first + "A"} {
			_, err := w.Invitation(w.Context(), l)
			wantUnknown(w, name, err)
			_, _, err = w.Redeem(w.Context(), l, pass2)
			wantUnknown(w, name, err)
		}
		if link, needed, err := w.FirstLink(w.Context()); link != "" || needed || err != nil {
			w.Errorf("there is an administrator, and a link: %q %v %v", link, needed, err)
		}
		w.login("admin")
	})
}

func TestLinkExpires(t *testing.T) {
	onBoth(t, func(w world) {
		link, _, err := w.FirstLink(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		w.pass(access.LinkLife - time.Microsecond)
		if _, err := w.Invitation(w.Context(), link); err != nil {
			w.Error(err)
		}
		w.pass(time.Microsecond)
		_, _, err = w.Redeem(w.Context(), link, pass)
		wantUnknown(w, "after a day", err)
		a, err := w.PersonByLogin(w.Context(), "admin")
		if err != nil || a.Password != "" {
			w.Errorf("%+v %v", a, err)
		}
		link, err = w.Invite(w.Context(), access.Console, a.ID)
		if err != nil {
			w.Fatal(err)
		}
		want(w, "disable", w.SetDisabled(w.Context(), access.Console, a.ID, true), "")
		_, _, err = w.Redeem(w.Context(), link, pass)
		wantUnknown(w, "of somebody disabled", err)
		_, err = w.Invite(w.Context(), access.Console, a.ID)
		want(w, "invite somebody disabled", err, problem.Conflict)
		if _, needed, err := w.FirstLink(w.Context()); !needed || err != nil {
			w.Errorf("no administrator can sign in: %v %v", needed, err)
		}
	})
}

// TestRedeemOnce: of many who redeem one link at the same time one does.
func TestRedeemOnce(t *testing.T) {
	onBoth(t, func(w world) {
		link, _, err := w.FirstLink(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				_, _, err := w.Redeem(w.Context(), link, fmt.Sprintf("%s %d", pass, i))
				switch {
				case err == nil:
					won.Add(1)
				case access.Unknown(err):
					lost.Add(1)
				default:
					w.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != 7 {
			w.Errorf("%d won, %d lost", won.Load(), lost.Load())
		}
	})
}

func TestThrottledLogin(t *testing.T) {
	onBoth(t, func(w world) {
		w.person("ada", access.Analyst)
		n := 0
		var err error
		for ; n < 50; n++ {
			if _, _, err = w.Login(w.Context(), "ada", "wrong", here); problem.CodeOf(err) == problem.RateLimited {
				break
			}
		}
		if n != 5 {
			w.Errorf("%d tries before a wait", n)
		}
		_, _, err = w.Login(w.Context(), "ada", pass, here)
		want(w, "the right one, too soon", err, problem.RateLimited)
		// A stranger bars nobody: from another address the account is open.
		if _, _, err := w.Login(w.Context(), "ada", pass, "198.51.100.9"); err != nil {
			w.Error(err)
		}
		w.pass(time.Minute)
		if _, _, err := w.Login(w.Context(), "ada", pass, here); err != nil {
			w.Errorf("after a wait: %v", err)
		}
	})
}

func TestKeys(t *testing.T) {
	onBoth(t, func(w world) {
		a := w.person("ada", access.Analyst, access.Viewer)
		make := func(expires time.Time, roles ...access.Role) (string, access.Key, error) {
			return w.NewKey(w.Context(), "person:x", a.ID, "feeder", roles, expires)
		}
		secret, k, err := make(start.Add(time.Hour), access.Analyst, access.API)
		if err != nil || !strings.HasPrefix(secret, "bw_") || len(secret) != 46 {
			w.Fatalf("%q %v", secret, err)
		}
		if strings.Contains(dump(w, "api_keys"), strings.TrimPrefix(secret, "bw_")) {
			w.Error("the key is kept")
		}
		for _, spelling := range []string{secret, "Bearer " + secret, "bearer  " + secret} {
			p, err := w.Identify(w.Context(), spelling)
			if err != nil || !p.Key || p.KeyID != k.ID || p.ID != a.ID || !slices.Equal(p.Roles, []access.Role{access.Analyst, access.API}) {
				w.Errorf("%+v %v", p, err)
			}
		}
		token := w.login("ada")
		for _, bad := range []string{"", "bw_", secret[3:], secret + "A", "bw_" + strings.Repeat("A", 43), token, "bw_" + token, "Basic " + secret} {
			_, err := w.Identify(w.Context(), bad)
			wantUnknown(w, bad, err)
		}
		_, _, err = w.Lookup(w.Context(), secret[3:])
		wantUnknown(w, "a key as a session", err)
		_, _, err = make(time.Time{}, access.Admin)
		want(w, "a role its owner has not", err, problem.Invalid)
		_, _, err = make(start, access.API)
		want(w, "over already", err, problem.Invalid)
		_, _, err = make(time.Time{})
		want(w, "no roles", err, problem.Invalid)
		_, _, err = w.NewKey(w.Context(), access.Console, a.ID, " ", []access.Role{access.API}, time.Time{})
		want(w, "no name", err, problem.Invalid)
		_, _, err = w.NewKey(w.Context(), access.Console, "none", "k", []access.Role{access.API}, time.Time{})
		want(w, "no owner", err, problem.NotFound)

		w.pass(time.Hour - time.Microsecond)
		if _, err := w.Identify(w.Context(), secret); err != nil {
			w.Error(err)
		}
		w.pass(time.Microsecond)
		_, err = w.Identify(w.Context(), secret)
		wantUnknown(w, "over", err)

		// The owner loses a role; the key loses it too. Then the owner goes.
		long, kl, err := make(time.Time{}, access.Analyst)
		if err != nil {
			w.Fatal(err)
		}
		want(w, "demote", w.SetRoles(w.Context(), access.Console, a.ID, []access.Role{access.Viewer}), "")
		if p, err := w.Identify(w.Context(), long); err != nil || len(p.Roles) != 0 {
			w.Errorf("%+v %v", p, err)
		}
		want(w, "disable", w.SetDisabled(w.Context(), access.Console, a.ID, true), "")
		_, err = w.Identify(w.Context(), long)
		wantUnknown(w, "of somebody disabled", err)
		_, _, err = make(time.Time{}, access.API)
		want(w, "for somebody disabled", err, problem.Conflict)
		want(w, "enable", w.SetDisabled(w.Context(), access.Console, a.ID, false), "")
		if _, err := w.Identify(w.Context(), long); err != nil {
			w.Error(err)
		}
		want(w, "revoke", w.RevokeKey(w.Context(), access.Console, kl.ID), "")
		want(w, "revoke twice", w.RevokeKey(w.Context(), access.Console, kl.ID), problem.Conflict)
		want(w, "revoke none", w.RevokeKey(w.Context(), access.Console, "none"), problem.NotFound)
		_, err = w.Identify(w.Context(), long)
		wantUnknown(w, "revoked", err)
		if all, err := w.Keys(w.Context(), a.ID); err != nil || len(all) != 2 || all[1].Revoked.IsZero() || all[0].Used.IsZero() {
			w.Errorf("%+v %v", all, err)
		}
	})
}

func TestPeople(t *testing.T) {
	onBoth(t, func(w world) {
		ctx := w.Context()
		admin := w.person("root", access.Admin)
		ada := w.person("ada", access.Analyst)
		token := w.login("ada")
		for name, n := range map[string]access.NewPerson{
			"no login": {Roles: []access.Role{access.Viewer}}, "no roles": {Login: "x"}, "no such role": {Login: "x", Roles: []access.Role{"root"}},
			"a member of nothing": {Login: "x", Roles: []access.Role{access.Member}}, "no such organisation": {Login: "x", Org: "none", Roles: []access.Role{access.Viewer}},
			"a name of lines": {Login: "x", Name: "a\nb", Roles: []access.Role{access.Viewer}}, "a look-alike": {Login: "\u0430da", Roles: []access.Role{access.Viewer}},
		} {
			_, err := w.AddPerson(ctx, access.Console, n)
			want(w, name, err, problem.Invalid)
		}
		_, err := w.AddPerson(ctx, access.Console, access.NewPerson{Login: "ADA", Roles: []access.Role{access.Viewer}})
		want(w, "taken", err, problem.Conflict)
		org, err := w.AddOrg(ctx, access.Console, " Example Bank ")
		want(w, "an organisation", err, "")
		_, err = w.AddOrg(ctx, access.Console, "example bank")
		want(w, "an organisation twice", err, problem.Conflict)
		_, err = w.AddOrg(ctx, access.Console, " ")
		want(w, "an organisation without a name", err, problem.Invalid)
		want(w, "a member without one", w.SetRoles(ctx, access.Console, ada.ID, []access.Role{access.Member}), problem.Invalid)
		want(w, "to an organisation", w.SetOrg(ctx, access.Console, ada.ID, org.ID), "")
		want(w, "to none", w.SetOrg(ctx, access.Console, ada.ID, "none"), problem.Invalid)
		want(w, "a member", w.SetRoles(ctx, access.Console, ada.ID, []access.Role{access.Member}), "")
		want(w, "a member out of its organisation", w.SetOrg(ctx, access.Console, ada.ID, ""), problem.Invalid)

		// Roles hold from the next request on.
		if p, _, err := w.Lookup(ctx, token); err != nil || p.Has(access.Analyst) || !p.Has(access.Member) || p.Org != org.ID {
			w.Errorf("%+v %v", p, err)
		}
		want(w, "disable", w.SetDisabled(ctx, access.Console, ada.ID, true), "")
		_, _, err = w.Lookup(ctx, token)
		wantUnknown(w, "a session of somebody disabled", err)
		_, _, err = w.Login(ctx, "ada", pass, here)
		wantUnknown(w, "somebody disabled", err)
		want(w, "enable", w.SetDisabled(ctx, access.Console, ada.ID, false), "")
		_, _, err = w.Lookup(ctx, token)
		wantUnknown(w, "the session of before", err)
		token = w.login("ada")
		// Even a session that was left over is of no use.
		if err := w.store.Access().UpdateAccess(ctx, func(r access.Rows) error {
			a, err := r.Account(ctx, ada.ID)
			if err != nil {
				return err
			}
			a.Disabled = w.clock.Now()
			return r.PutAccount(ctx, a)
		}); err != nil {
			w.Fatal(err)
		}
		_, _, err = w.Lookup(ctx, token)
		wantUnknown(w, "a session that was left over", err)

		want(w, "the last administrator disabled", w.SetDisabled(ctx, access.Console, admin.ID, true), problem.Conflict)
		want(w, "the last administrator demoted", w.SetRoles(ctx, access.Console, admin.ID, []access.Role{access.Viewer}), problem.Conflict)
		want(w, "the last administrator deleted", w.Delete(ctx, access.Console, admin.ID), problem.Conflict)
		want(w, "nobody", w.Delete(ctx, access.Console, "none"), problem.NotFound)
		want(w, "nobody", w.SetRoles(ctx, access.Console, "none", []access.Role{access.Viewer}), problem.NotFound)
		want(w, "nobody", w.SetPassword(ctx, access.Console, "none", pass), problem.NotFound)

		before, err := w.Entries(ctx, access.EntryFilter{Actor: "person:" + ada.ID})
		if err != nil || len(before) == 0 {
			w.Fatalf("%v %v", before, err)
		}
		want(w, "delete", w.Delete(ctx, "person:"+admin.ID, ada.ID), "")
		_, err = w.Person(ctx, ada.ID)
		want(w, "deleted", err, problem.NotFound)
		_, err = w.PersonByLogin(ctx, "ada")
		want(w, "deleted", err, problem.NotFound)
		after, err := w.Entries(ctx, access.EntryFilter{Actor: "person:" + ada.ID})
		if err != nil || !cmp.Equal(before, after) {
			w.Errorf("the log lost something: %v", err)
		}
		last, err := w.Entries(ctx, access.EntryFilter{Object: ada.ID, Limit: 1})
		if err != nil || len(last) != 1 || last[0].Actor != "person:"+admin.ID || last[0].Detail != "person deleted" || last[0].Act != access.Changed {
			w.Errorf("%+v %v", last, err)
		}
		all, err := w.People(ctx)
		if err != nil || len(all) != 1 || all[0].Login != "root" {
			w.Errorf("%+v %v", all, err)
		}
	})
}

// TestLastAdministrator: two administrators who disable each other at the same
// time are not both gone.
func TestLastAdministrator(t *testing.T) {
	onBoth(t, func(w world) {
		a, b := w.person("a", access.Admin), w.person("b", access.Admin)
		for range 5 {
			var wg sync.WaitGroup
			errs := make([]error, 2)
			for i, id := range []string{a.ID, b.ID} {
				wg.Go(func() { errs[i] = w.SetDisabled(w.Context(), access.Console, id, true) })
			}
			wg.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				w.Fatalf("%v", errs)
			}
			want(w, "one of them", errors.Join(errs...), problem.Conflict)
			for _, id := range []string{a.ID, b.ID} {
				want(w, "enable", w.SetDisabled(w.Context(), access.Console, id, false), "")
			}
		}
	})
}

// TestCheck: a look at personal data is in the log before it is shown, and one
// that cannot be logged is not allowed.
func TestCheck(t *testing.T) {
	onBoth(t, func(w world) {
		ctx := w.Context()
		p := access.Person{ID: "p1", Roles: []access.Role{access.Analyst}}
		o := access.Object{Kind: access.Case, ID: "c1", Personal: true}
		v, err := w.Check(ctx, p, access.Work, o)
		if err != nil || !v.Allowed || v.Redact {
			w.Errorf("%+v %v", v, err)
		}
		w.pass(time.Second)
		if v, err = w.Check(ctx, p, access.Read, o); err != nil || !v.Redact {
			w.Errorf("%+v %v", v, err)
		}
		if v, err = w.Check(ctx, access.Person{}, access.Work, o); v.Allowed || !access.Unknown(err) {
			w.Errorf("%+v %v", v, err)
		}
		v, err = w.Check(ctx, p, access.Administer, access.Object{Kind: access.User})
		want(w, "not one's business", err, problem.Refused)
		if v.Allowed || access.Unknown(err) {
			w.Errorf("%+v", v)
		}
		all, err := w.Entries(ctx, access.EntryFilter{})
		if err != nil {
			w.Fatal(err)
		}
		wantE := []access.Entry{{ID: all[0].ID, At: start, Actor: "person:p1", Act: access.Looked, Purpose: access.Work, Kind: access.Case, Object: "c1"}}
		if d := cmp.Diff(wantE, all); d != "" {
			w.Error(d)
		}
		if _, err := w.store.Writer().ExecContext(ctx, "DROP TABLE access_log"); err != nil {
			w.Fatal(err)
		}
		if v, err := w.Check(ctx, p, access.Work, o); err == nil || v.Allowed {
			w.Errorf("a look that is not logged is allowed: %+v", v)
		}
	})
}
