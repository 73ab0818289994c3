package centre_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"

	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
)

// askedByForm is a case whose host takes asks by a form only.
func askedByForm(t *testing.T, a *app.App, url string) casework.Case {
	t.Helper()
	c := submitted(t, a, url)
	plan := casework.Plan{TLD: "gtld", Parties: []party.Party{{ID: "host:1", Role: party.Host, Name: "Northbox", Form: "https://northbox.example/abuse"}}}
	c, err := a.Centre.Act(t.Context(), c.ID, casework.Look{Finding: casework.Finding{At: a.Centre.Clock.Now(), Live: true, Claimed: true, Class: casework.Compromised}, Plan: plan}, casework.Confirm{By: "person:0", Plan: plan})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTwoAtOnce has two people act on what both saw, at one time: one is first,
// and the other is told, sees what the first did, and has done nothing.
func TestTwoAtOnce(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		n := 0
		fresh := func(t *testing.T) string { n++; return fmt.Sprintf("http://bad-%d.example/", n) }
		for _, tc := range []struct {
			name  string
			begin func(t *testing.T) casework.Case
			// acts are what the two do, each as a person of their own.
			acts [2]func(ctx context.Context, c casework.Case, by string) error
		}{
			{"merge into two", func(t *testing.T) casework.Case { return submitted(t, a, fresh(t)) }, func() (out [2]func(context.Context, casework.Case, string) error) {
				for i := range out {
					other := submitted(t, a, fresh(t))
					out[i] = func(ctx context.Context, c casework.Case, by string) error {
						_, err := a.Centre.MergeSince(ctx, c.ID, c.Seq, other.ID, by)
						return err
					}
				}
				return out
			}()},
			{"merge and close", func(t *testing.T) casework.Case { return submitted(t, a, fresh(t)) }, func() (out [2]func(context.Context, casework.Case, string) error) {
				other := submitted(t, a, fresh(t))
				out[0] = func(ctx context.Context, c casework.Case, by string) error {
					_, err := a.Centre.MergeSince(ctx, c.ID, c.Seq, other.ID, by)
					return err
				}
				out[1] = func(ctx context.Context, c casework.Case, by string) error {
					_, err := a.Centre.ActSince(ctx, c.ID, c.Seq, casework.Close{By: by, Reason: "a shop of ours"})
					return err
				}
				return out
			}()},
			{"un-merge twice", func(t *testing.T) casework.Case {
				c, into := submitted(t, a, fresh(t)), submitted(t, a, fresh(t))
				c, err := a.Centre.Merge(t.Context(), c.ID, into.ID, "person:0")
				if err != nil {
					t.Fatal(err)
				}
				return c
			}, both(func(ctx context.Context, c casework.Case, by string) error {
				_, err := a.Centre.UnmergeSince(ctx, c.ID, c.Seq, by)
				return err
			})},
			{"hand over twice", func(t *testing.T) casework.Case { return askedByForm(t, a, fresh(t)) }, both(func(ctx context.Context, c casework.Case, by string) error {
				return a.Centre.HandedSince(ctx, c.ID, c.Seq, c.Obligations[0].ID, by, "web form", []byte("a receipt of "+by))
			})},
			{"erase an open case", func(t *testing.T) casework.Case { return submitted(t, a, fresh(t)) }, both(func(ctx context.Context, c casework.Case, by string) error {
				_, err := a.Centre.PurgeSince(ctx, c.ID, c.Seq, by)
				return err
			})},
			{"erase and reopen", func(t *testing.T) casework.Case {
				c := submitted(t, a, fresh(t))
				c, err := a.Centre.Act(t.Context(), c.ID, casework.Close{By: "person:0", Reason: "over"})
				if err != nil {
					t.Fatal(err)
				}
				return c
			}, [2]func(context.Context, casework.Case, string) error{
				func(ctx context.Context, c casework.Case, by string) error {
					_, err := a.Centre.PurgeSince(ctx, c.ID, c.Seq, by)
					return err
				},
				func(ctx context.Context, c casework.Case, by string) error {
					_, err := a.Centre.ActSince(ctx, c.ID, c.Seq, casework.Reopen{By: by, Reason: "it is back"})
					return err
				},
			}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				c := tc.begin(t)
				var errs [2]error
				var wg sync.WaitGroup
				for i, act := range tc.acts {
					wg.Go(func() { errs[i] = act(t.Context(), c, fmt.Sprint("person:", i+1)) })
				}
				wg.Wait()
				first := 0
				if errs[0] != nil {
					first = 1
				}
				oneFirst(t, a, c, errs, first)
			})
		}
	})
}

func both(f func(context.Context, casework.Case, string) error) [2]func(context.Context, casework.Case, string) error {
	return [2]func(context.Context, casework.Case, string) error{f, f}
}

// oneFirst checks that the one who was first has acted, and the other not.
func oneFirst(t *testing.T, a *app.App, c casework.Case, errs [2]error, first int) {
	t.Helper()
	winner, loser := fmt.Sprint("person:", first+1), fmt.Sprint("person:", 2-first)
	var m *centre.Meanwhile
	if errs[first] != nil || !errors.As(errs[1-first], &m) || problem.CodeOf(errs[1-first]) != problem.Conflict {
		t.Fatalf("%v, %v: not one of two was first", errs[0], errs[1])
	}
	saw := false
	for _, e := range m.Events {
		saw = saw || e.Actor == winner
	}
	if !saw {
		t.Errorf("the second is not shown what the first did: %+v", m.Events)
	}
	es, err := a.Centre.Events(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		if e.Actor == loser {
			t.Errorf("who was second has done something: %s", e.Kind)
		}
	}
}

// TestMergeCrosswise merges two cases into each other at one time: one merge is
// done, in whatever order the database lets them.
func TestMergeCrosswise(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		one, two := submitted(t, a, "http://bad.example/"), submitted(t, a, "http://worse.example/")
		var errs [2]error
		var wg sync.WaitGroup
		wg.Go(func() { _, errs[0] = a.Centre.MergeSince(t.Context(), one.ID, one.Seq, two.ID, "person:1") })
		wg.Go(func() { _, errs[1] = a.Centre.MergeSince(t.Context(), two.ID, two.Seq, one.ID, "person:2") })
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("%v, %v", errs[0], errs[1])
		}
		lost := errs[0]
		if lost == nil {
			lost = errs[1]
		}
		var m *centre.Meanwhile
		if !errors.As(lost, &m) || len(m.Events) == 0 {
			t.Errorf("the second is told %v", lost)
		}
	})
}

// TestConfirmAfterALook: who acts while somebody's confirmation looks again is
// first, and what was looked at confirms nothing.
func TestConfirmAfterALook(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		// The look reaches nothing, and while it tries somebody rejects the case.
		var once sync.Once
		var act func()
		a := newApp(t, settings(t, dsn()), app.World{Dial: func(_ context.Context, _ netip.Addr, network, _ string) (net.Conn, error) {
			once.Do(func() { act() })
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("there is no network here")}
		}, Roots: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}, AllowDocumentation: true})
		c := submitted(t, a, "http://bad.example.com/")
		acted := false
		act = func() {
			_, err := a.Centre.Act(t.Context(), c.ID, casework.Reject{By: "person:2", Reason: "a shop of ours"})
			if acted = err == nil; !acted {
				t.Error(err)
			}
		}
		_, err := a.Centre.Confirm(t.Context(), c.ID, "person:1", casework.Malicious)
		var m *centre.Meanwhile
		if !acted || !errors.As(err, &m) || m.Events[len(m.Events)-1].Actor != "person:2" {
			t.Fatalf("acted %v: %v", acted, err)
		}
		now, err := a.Centre.Case(t.Context(), c.ID)
		if err != nil || now.State != casework.Closed || now.Confirmation != nil {
			t.Errorf("%s %+v %v", now.State, now.Confirmation, err)
		}
		// Who comes later does not even look.
		if _, err := a.Centre.ConfirmSince(t.Context(), c.ID, c.Seq, "person:1", casework.Malicious); !errors.As(err, &m) {
			t.Errorf("%v", err)
		}
	})
}

// TestMeanwhileBehindMany: somebody who acted is seen behind however many
// events that do not count.
func TestMeanwhileBehindMany(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		c := submitted(t, a, "http://bad.example.com/")
		var looks []casework.Command
		for range 120 {
			looks = append(looks, casework.Look{Finding: casework.Finding{At: a.Centre.Clock.Now(), Live: true, Claimed: true, Class: casework.Compromised}})
		}
		if _, err := a.Centre.Act(t.Context(), c.ID, looks...); err != nil {
			t.Fatal(err)
		}
		if err := a.Centre.Unchanged(t.Context(), c.ID, c.Seq); err != nil {
			t.Fatalf("looks stop a person: %v", err)
		}
		if _, err := a.Centre.Act(t.Context(), c.ID, casework.AddNote{By: "person:2", Text: "mine"}); err != nil {
			t.Fatal(err)
		}
		var m *centre.Meanwhile
		if err := a.Centre.Unchanged(t.Context(), c.ID, c.Seq); !errors.As(err, &m) || len(m.Events) != 1 || m.Events[0].Actor != "person:2" {
			t.Errorf("%v %+v", err, m)
		}
	})
}

// TestHandOffPages reads the tasks page by page, and none that is done.
func TestHandOffPages(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		var want []string
		for i := range 5 {
			c := askedByForm(t, a, fmt.Sprintf("http://bad-%d.example/", i))
			want = append(want, c.Obligations[0].ID)
			switch i {
			case 1:
				if err := a.Centre.Handed(t.Context(), c.ID, c.Obligations[0].ID, "person:1", "web form"); err != nil {
					t.Fatal(err)
				}
			case 3:
				if _, err := a.Centre.Act(t.Context(), c.ID, casework.Close{By: "person:1", Reason: "over"}); err != nil {
					t.Fatal(err)
				}
			}
		}
		want = []string{want[0], want[2], want[4]}
		all, err := a.Centre.HandOffs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got, paged []string
		for _, h := range all {
			got = append(got, h.Obligation)
		}
		for after := (*store.HandOff)(nil); ; {
			p, err := a.Centre.HandOffPage(t.Context(), after, 1)
			if err != nil || p.Found != 3 || len(p.Tasks) != 1 {
				t.Fatalf("%+v %v", p, err)
			}
			paged = append(paged, p.Tasks[0].Obligation)
			if after = p.Next; after == nil {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(paged) != fmt.Sprint(want) {
			t.Errorf("%v, by pages %v, not %v", got, paged, want)
		}
	})
}
