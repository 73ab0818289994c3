package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"
)

// queueRow is a case to be listed.
func queueRow(n int, change func(*store.Case)) store.Case {
	c := store.Case{ID: fmt.Sprintf("q%03d", n), SubjectKey: fmt.Sprintf("name%d.example.com", n), SubjectKind: "domain", Type: "phishing", State: "coordinating",
		Opened: start.Add(time.Duration(n) * time.Hour), Due: start.Add(time.Duration(100-n) * time.Hour), Seq: 1, Judgement: "malicious", Playbook: "p", Body: []byte("{}")}
	if change != nil {
		change(&c)
	}
	return c
}

func testQueue(t *testing.T, e *env) {
	s := e.open(t)
	people(t, s, func(ctx context.Context, r access.Rows) error { return r.AddAccount(ctx, account(1)) }) // who works some of them
	rows := []store.Case{
		queueRow(1, nil),
		queueRow(2, func(c *store.Case) { c.State, c.Assignee = "unconfirmed", "person:p01" }),
		queueRow(3, func(c *store.Case) { c.Type, c.SubjectKey = "malware", "50%_off.example.net" }),
		queueRow(4, func(c *store.Case) {
			c.State, c.Due = "closed", time.Time{}
			c.Closed, c.Outcome = start.Add(50*time.Hour), "stopped"
		}),
		queueRow(5, func(c *store.Case) {
			c.State, c.Assignee = "closed", "person:p01"
			c.Closed, c.Outcome = start.Add(60*time.Hour), "moved"
		}),
		queueRow(6, func(c *store.Case) { c.State, c.Due, c.Assignee = "merged", time.Time{}, "person:2" }),
		queueRow(7, func(c *store.Case) { c.Judgement = "unknown"; c.Due = start.Add(99 * time.Hour) }), // due with 1
	}
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, c := range rows {
			if err := tx.PutCase(ctx, c, 0); err != nil {
				return err
			}
		}
		return nil
	})
	ids := func(f store.QueueFilter) (out []string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			cs, err := tx.Queue(ctx, f)
			for _, c := range cs {
				out = append(out, c.ID)
			}
			if err != nil {
				return err
			}
			f.Sort, f.After = "", nil
			if n, err := tx.CountQueue(ctx, f, 100); err != nil || n < len(cs) {
				t.Errorf("%+v: counted %d of %d: %v", f, n, len(cs), err)
			}
			if n, err := tx.CountQueue(ctx, f, 1); err != nil || n > 1 {
				t.Errorf("%+v: counted %d, over the most: %v", f, n, err)
			}
			return nil
		})
		return out
	}
	for _, c := range []struct {
		name string
		f    store.QueueFilter
		want []string
	}{
		{"all, newest first", store.QueueFilter{}, []string{"q007", "q006", "q005", "q004", "q003", "q002", "q001"}},
		{"open by due time", store.QueueFilter{State: "open", Sort: "due"}, []string{"q003", "q002", "q001", "q007"}},
		{"a state", store.QueueFilter{State: "unconfirmed"}, []string{"q002"}},
		{"closed last first", store.QueueFilter{State: "closed", Sort: "closed"}, []string{"q005", "q004"}},
		{"never due is left out", store.QueueFilter{State: "closed", Sort: "due"}, []string{"q005"}},
		{"a type", store.QueueFilter{Type: "malware"}, []string{"q003"}},
		{"a class", store.QueueFilter{Class: "unknown"}, []string{"q007"}},
		{"an outcome", store.QueueFilter{Outcome: "moved"}, []string{"q005"}},
		{"somebody's", store.QueueFilter{Assignee: "person:p01"}, []string{"q005", "q002"}},
		{"somebody's open ones by due time", store.QueueFilter{Assignee: "person:p01", State: "open", Sort: "due"}, []string{"q002"}},
		{"nobody's", store.QueueFilter{Assignee: store.Unassigned, State: "open"}, []string{"q007", "q003", "q001"}},
		{"somebody's who has none", store.QueueFilter{Assignee: "person:"}, nil},
		{"due before", store.QueueFilter{State: "open", DueBefore: start.Add(98 * time.Hour)}, []string{"q003"}},
		{"a part of the name", store.QueueFilter{Contains: "AME2.EX"}, []string{"q002"}},
		{"no wild cards", store.QueueFilter{Contains: "50%_off"}, []string{"q003"}},
		{"nor alone", store.QueueFilter{Contains: "%"}, []string{"q003"}},
		{"nor one letter", store.QueueFilter{Contains: "name_.example"}, nil},
		{"the whole name", store.QueueFilter{Subject: "name1.example.com"}, []string{"q001"}},
		{"together", store.QueueFilter{State: "open", Type: "phishing", Class: "malicious", Contains: "name", Sort: "due"}, []string{"q002", "q001"}},
		{"a limit", store.QueueFilter{Limit: 2}, []string{"q007", "q006"}},
	} {
		if got := ids(c.f); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, not %v", c.name, got, c.want)
		}
	}
	// Page by page is the whole, in each order, also where two are due at once.
	for _, sort := range []string{"", "opened", "due", "closed"} {
		whole := ids(store.QueueFilter{Sort: sort})
		var paged []string
		f := store.QueueFilter{Sort: sort, Limit: 1}
		for range 20 {
			var last *store.Case
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				cs, err := tx.Queue(ctx, f)
				if len(cs) > 0 {
					last = &cs[0]
				}
				return err
			})
			if last == nil {
				break
			}
			paged = append(paged, last.ID)
			m := last.Mark(sort)
			f.After = &m
		}
		if !slices.Equal(paged, whole) {
			t.Errorf("%q by pages: %v, not %v", sort, paged, whole)
		}
	}
	fails(t, s, problem.Invalid, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Queue(ctx, store.QueueFilter{Sort: "size"})
		return err
	})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		var got []string
		for after := ""; ; {
			cs, err := tx.CasesAfter(ctx, after, 3)
			if err != nil || len(cs) == 0 {
				if len(got) != len(rows) || !slices.IsSorted(got) {
					t.Errorf("piece by piece: %v", got)
				}
				return err
			}
			for _, c := range cs {
				got, after = append(got, c.ID), c.ID
			}
		}
	})
}

// testAssignee: who works a case can change like all else of it.
func testAssignee(t *testing.T, e *env) {
	s := e.open(t)
	people(t, s, func(ctx context.Context, r access.Rows) error { return r.AddAccount(ctx, account(1)) })
	c := queueRow(1, nil)
	const there, gone = "person:p01", "person:p02"
	for i, who := range []string{"", there, gone, there, ""} {
		c.Assignee, c.Seq = who, i+1
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.PutCase(ctx, c, i) })
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.Case(ctx, c.ID)
			if err == nil && got.Assignee != who {
				t.Errorf("assigned to %q, not %q", got.Assignee, who)
			}
			n, _ := tx.CountQueue(ctx, store.QueueFilter{Assignee: store.Unassigned}, 10)
			if (n == 1) != (who != there) {
				t.Errorf("%q: %d are nobody's", who, n)
			}
			return err
		})
	}
}

func testDossier(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a"))
	var entries []casework.Entry
	var prev *casework.Link
	for i := range 10 {
		en := casework.Seal(prev, "c1", start.Add(time.Duration(i)*time.Minute), casework.KindNote, "person:1", casework.Payload{Body: fmt.Appendf(nil, `{"text":"%d"}`, i), Personal: true})
		prev, entries = &en.Link, append(entries, en)
	}
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AppendEvents(ctx, entries) })
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.ErasePayload(ctx, "c1", 9) })
	entries[8].Payload = nil
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, c := range []struct {
			before, limit int
			want          []casework.Entry
		}{{0, 3, entries[7:]}, {8, 3, entries[4:7]}, {2, 3, entries[:1]}, {1, 3, nil}, {0, 100, entries}} {
			got, err := tx.EventsBefore(ctx, "c1", c.before, c.limit)
			if err != nil {
				return err
			}
			equal(t, got, c.want)
		}
		got, err := tx.EventsSince(ctx, "c1", 7, 2)
		if err != nil {
			return err
		}
		equal(t, got, entries[7:9])
		return nil
	})
	one, two := putBlob(t, s, []byte("one")), putBlob(t, s, []byte("twenty"))
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RefBlob(ctx, one, store.OwnerCase, "c1") })
	e.clock.Set(e.clock.Now().Add(time.Hour))
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RefBlob(ctx, two, store.OwnerCase, "c1") })
	check := func(erased bool) {
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			bs, n, err := tx.CaseBlobs(ctx, "c1", 1)
			if err != nil || n != 2 || len(bs) != 1 || bs[0].SHA != two || bs[0].Size != 6 || bs[0].Erased != erased || !bs[0].Stored.Equal(e.clock.Now()) {
				t.Errorf("%+v of %d: %v", bs, n, err)
			}
			for sha, want := range map[string]bool{one: true, two: true, sha([]byte("three")): false, "": false} {
				if ok, err := tx.HasCaseBlob(ctx, "c1", sha); err != nil || ok != want {
					t.Errorf("%q: %v %v", sha, ok, err)
				}
			}
			if ok, err := tx.HasCaseBlob(ctx, "c2", one); ok || err != nil {
				t.Errorf("of another case: %v %v", ok, err)
			}
			return nil
		})
	}
	check(false)
	if err := s.EraseBlob(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	check(true)
	fails(t, s, problem.Invalid, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.HasCaseBlob(ctx, "c1", "nonsense")
		return err
	})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for i := range 3 {
			n := store.Notice{ID: fmt.Sprint("n", i), Case: "c1", Obligation: fmt.Sprint("c1-", i), Number: 1, Kind: "ask", Party: "host:1", State: store.NoticeDue, Created: start.Add(time.Duration(i) * time.Minute), Due: start}
			if _, err := tx.AddNotice(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		ns, err := tx.PartyNotices(ctx, "host:1", 2)
		if err != nil || len(ns) != 2 || ns[0].ID != "n2" || ns[1].ID != "n1" {
			t.Errorf("%+v %v", ns, err)
		}
		return nil
	})
}
