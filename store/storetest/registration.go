package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"
)

// answered stores the raw bytes of an answer and says where they came from.
func answered(t *testing.T, s *store.Store, raw, server string) store.RegistrationAnswer {
	t.Helper()
	sha, err := s.PutBlob(t.Context(), "application/rdap+json", []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return store.RegistrationAnswer{SHA: sha, Protocol: "rdap", Server: server, Role: "registry", At: start}
}

func registration(version int, at time.Time, answers ...store.RegistrationAnswer) store.Registration {
	return store.Registration{Name: "shop.example", Version: version, First: at, Last: at, Seen: 1, State: "registered",
		Record: fmt.Appendf(nil, `{"state":"registered","handle":"H%d"}`, version), Answers: answers}
}

func testRegistrations(t *testing.T, e *env) {
	s := e.open(t)
	first := registration(1, start, answered(t, s, "one", "https://rdap.example/"))
	last := func(want store.Registration) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			got, ok, err := tx.LastRegistration(ctx, "shop.example")
			if !ok {
				t.Error("nothing is known")
			}
			got.Contacts, got.Answers = want.Contacts, want.Answers
			equal(t, got, want)
			return err
		})
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, ok, err := tx.LastRegistration(ctx, "shop.example")
		if ok {
			t.Error("something is known already")
		}
		if all, err := tx.Registrations(ctx, "shop.example", 0); len(all) != 0 || err != nil {
			t.Errorf("%v %v", all, err)
		}
		if _, err := tx.Registration(ctx, "shop.example", 1); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("got %v", err)
		}
		return err
	})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddRegistration(ctx, first, []byte(`{"salt":"a"}`))
	})
	last(first)

	// A version is written once; the transaction can go on within a savepoint.
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		err := tx.Savepoint(ctx, func() error { return tx.AddRegistration(ctx, first, []byte(`{"salt":"b"}`)) })
		if problem.CodeOf(err) != problem.Conflict {
			t.Errorf("a second version 1: %v", err)
		}
		return tx.SeeRegistration(ctx, "shop.example", 1, start.Add(time.Hour), nil, nil)
	})
	first.Last, first.Seen = start.Add(time.Hour), 2
	last(first)
	// A later answer that arrives earlier moves nothing back.
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.SeeRegistration(ctx, "shop.example", 1, start.Add(time.Minute), nil, nil)
	})
	first.Seen = 3
	last(first)
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error {
		return tx.SeeRegistration(ctx, "shop.example", 2, start, nil, nil)
	})
	fails(t, s, problem.Internal, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddRegistration(ctx, store.Registration{Name: "x.example", Version: 1, State: "registered"}, nil)
	})

	// Answers keep their order; one of which nothing was kept is none.
	two := answered(t, s, "two", "https://rdap.registrar.example/")
	second := registration(2, start.Add(2*time.Hour), answered(t, s, "one again", "https://rdap.example/"), two, store.RegistrationAnswer{Protocol: "whois", At: start})
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddRegistration(ctx, second, nil) })
	second.Answers = second.Answers[:2]
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		all, err := tx.Registrations(ctx, "shop.example", 0)
		if len(all) != 2 {
			t.Fatalf("%d versions", len(all))
		}
		equal(t, all[0], second)
		equal(t, all[1].Answers, first.Answers)
		newest, err2 := tx.Registrations(ctx, "shop.example", 1)
		if len(newest) != 1 || newest[0].Version != 2 || len(newest[0].Answers) != 2 {
			t.Errorf("%+v", newest)
		}
		one, err3 := tx.Registration(ctx, "shop.example", 1)
		if len(one.Answers) != 1 {
			t.Errorf("%+v", one)
		}
		got, err4 := tx.RegistrationContacts(ctx, one)
		equal(t, string(got), `{"salt":"a"}`)
		none, err5 := tx.RegistrationContacts(ctx, second)
		if none != nil {
			t.Errorf("contacts that were not given: %s", none)
		}
		return errors.Join(err, err2, err3, err4, err5)
	})
}

func testRegistrationRetention(t *testing.T, e *env) {
	const day = 24 * time.Hour
	s := e.open(t)
	r := store.Retention{Registration: 10 * day, Capture: 20 * day}
	c := newCase("c1", "shop.example")
	put(t, s, 0, c)
	// Version 1 is of a case, version 2 of none; both rest on one raw answer.
	shared, own := answered(t, s, "shared", "https://rdap.example/"), answered(t, s, "own", "https://rdap.example/")
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.AddRegistration(ctx, registration(1, start, shared), []byte(`{"salt":"1"}`)),
			tx.AddRegistration(ctx, registration(2, start, shared, own), []byte(`{"salt":"2"}`)),
			tx.HoldRegistration(ctx, "shop.example", 1, "c1"), tx.HoldRegistration(ctx, "shop.example", 1, "c1"))
	})
	contacts := func() (kept []int) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			all, err := tx.Registrations(ctx, "shop.example", 0)
			for _, v := range all {
				got, err := tx.RegistrationContacts(ctx, v)
				switch {
				case err == nil && len(got) > 0:
					kept = append(kept, v.Version)
				case problem.CodeOf(err) != problem.NotFound || v.Expired.IsZero() || !v.Bare || v.Contacts != "":
					t.Errorf("version %d: %v %+v", v.Version, err, v)
				case len(v.Record) == 0 || len(v.Answers) == 0:
					t.Errorf("version %d lost more than its contacts: %+v", v.Version, v)
				}
			}
			return err
		})
		slices.Sort(kept)
		return kept
	}
	sweep := func(at time.Duration, gone int, kept ...int) {
		t.Helper()
		e.clock.Set(start.Add(at))
		got, err := s.Sweep(t.Context(), e.clock.Now(), r)
		if err != nil || got.Contacts != gone {
			t.Errorf("after %v: %+v %v, want %d gone", at, got, err, gone)
		}
		if now := contacts(); !slices.Equal(now, kept) {
			t.Errorf("after %v: contacts of %v, want %v", at, now, kept)
		}
	}
	raw := func(a store.RegistrationAnswer, want bool) {
		t.Helper()
		if _, _, err := s.Blob(t.Context(), a.SHA); (err == nil) != want {
			t.Errorf("raw answer: %v, want it kept: %t", err, want)
		}
	}
	sweep(9*day, 0, 1, 2)
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.SeeRegistration(ctx, "shop.example", 2, e.clock.Now(), nil, nil)
	})
	sweep(18*day, 0, 1, 2) // version 2 was seen on day 9
	sweep(19*day, 1, 1)    // version 1 is held by an open case
	raw(shared, true)
	sweep(21*day, 0, 1) // a day of grace later
	raw(own, false)
	raw(shared, true)
	sweep(30*day, 0, 1) // raw answers do not go with captures while they are held

	// Answered again, it has its contacts again, and they expire again.
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.SeeRegistration(ctx, "shop.example", 2, e.clock.Now(), []byte(`{"salt":"3"}`), nil)
	})
	if got := contacts(); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("contacts of %v", got)
	}
	c.State, c.Closed, c.Seq = string(casework.Closed), e.clock.Now(), 2
	put(t, s, 1, c)
	sweep(39*day, 0, 1, 2)
	sweep(40*day, 2)
	sweep(42*day, 0)
	raw(shared, false)
	if got, err := s.Sweep(t.Context(), start.Add(1000*day), store.Retention{Registration: store.Forever}); err != nil || got.Contacts != 0 {
		t.Errorf("%+v %v", got, err)
	}
}
