package access_test

import (
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/problem"
)

// TestOwn: somebody sees and ends their own sessions and keys, and nobody else's.
func TestOwn(t *testing.T) {
	onBoth(t, func(w world) {
		add := func(login string, roles ...access.Role) access.Account {
			a, err := w.AddPerson(t.Context(), access.Console, access.NewPerson{Login: login, Roles: roles})
			if err == nil {
				err = w.SetPassword(t.Context(), access.Console, a.ID, pass)
			}
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		ada, bob := add("ada", access.Analyst), add("bob", access.Viewer)
		login := func(who string) (string, access.Person) {
			token, p, err := w.Login(t.Context(), who, pass, here)
			if err != nil {
				t.Fatal(err)
			}
			return token, p
		}
		one, p := login("ada")
		w.clock.Set(w.clock.Now().Add(time.Hour))
		two, _ := login("ada")
		w.clock.Set(w.clock.Now().Add(time.Hour))
		three, _ := login("ada")
		theirs, q := login("bob")
		got, err := w.Sessions(t.Context(), p, two)
		if err != nil || len(got) != 3 || got[0].This || !got[1].This || got[2].This || !got[2].Created.Equal(start) || !got[0].Created.Equal(start.Add(2*time.Hour)) {
			t.Fatalf("%+v %v", got, err)
		}
		// Bob cannot end Ada's.
		if err := w.EndSession(t.Context(), q, got[0].ID); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("another's session: %v", err)
		}
		if err := w.EndSession(t.Context(), p, got[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Lookup(t.Context(), three); !access.Unknown(err) {
			t.Errorf("a session that was ended: %v", err)
		}
		if n, err := w.EndOtherSessions(t.Context(), p, two); n != 1 || err != nil {
			t.Errorf("%d ended: %v", n, err)
		}
		for token, want := range map[string]bool{one: false, two: true, theirs: true} {
			if _, _, err := w.Lookup(t.Context(), token); (err == nil) != want {
				t.Errorf("%v", err)
			}
		}
		if _, err := w.EndOtherSessions(t.Context(), p, "nonsense"); problem.CodeOf(err) != problem.Refused {
			t.Errorf("without a session: %v", err)
		}
		w.clock.Set(w.clock.Now().Add(access.SessionIdle))
		if got, err := w.Sessions(t.Context(), p, two); err != nil || len(got) != 0 {
			t.Errorf("sessions that are over: %+v %v", got, err)
		}

		_, k, err := w.NewKey(t.Context(), access.Console, ada.ID, "feed", []access.Role{access.API}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.RevokeOwnKey(t.Context(), q, k.ID); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("another's key: %v", err)
		}
		if err := w.RevokeOwnKey(t.Context(), p, k.ID); err != nil {
			t.Error(err)
		}

		// Whom a case can be given to.
		if err := w.SetDisabled(t.Context(), access.Console, add("cal", access.Analyst).ID, true); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			p         access.Person
			to, want  string
			wantError bool
		}{
			{p, "", "", false}, {p, "me", "person:" + ada.ID, false}, {q, "ADA", "person:" + ada.ID, false},
			{p, "bob", "", true}, {q, "me", "", true}, {p, "cal", "", true}, {p, "nobody", "", true}, {access.Person{}, "me", "", true},
		} {
			got, err := w.Worker(t.Context(), c.p, c.to)
			if got != c.want || (err != nil) != c.wantError || err != nil && problem.CodeOf(err) != problem.Invalid {
				t.Errorf("%q asks for %q: %q %v", c.p.Login, c.to, got, err)
			}
		}
		_ = bob
	})
}
