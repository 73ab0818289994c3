// Package storetest is the one conformance suite of package store: every
// engine must pass all of it.
package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/clock"
	"bailiwick/problem"
	"bailiwick/store"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Run runs the suite. dsn gives the address of a new, empty database each time
// it is called; made that of one that may have the schema, for tests that are
// about something else.
func Run(t *testing.T, dsn, made func(t testing.TB) string) {
	for _, tc := range []struct {
		name string
		run  func(*testing.T, *env)
	}{
		{"reports", testReports},
		{"reports/idempotency", testIdempotency},
		{"reports/idempotency race", testIdempotencyRace},
		{"reports/due", testReportsDue},
		{"reports/finish", testFinishReport},
		{"reports/bad rows", testBadReports},
		{"text", testText},
		{"time", testTime},
		{"cases", testCases},
		{"cases/race", testCaseRace},
		{"cases/one open", testOneOpen},
		{"cases/order and paging", testCasePaging},
		{"events", testEvents},
		{"events/append only", testAppendOnly},
		{"playbooks and settings", testPlaybooks},
		{"next due", testNextDue},
		{"notices", testNotices},
		{"notices/one winner", testIntendRace},
		{"notices/states", testNoticeStates},
		{"notices/doubt", testDoubt},
		{"notices/caps", testCountNotices},
		{"mails", testMails},
		{"mails/retention", testMailRetention},
		{"notices/bounce", testBounce},
		{"disclosures", testDisclosures},
		{"verifications", testVerifications},
		{"inaccuracies", testInaccuracies},
		{"surveys", testSurveys},
		{"figures", testFigures},
		{"queue", testQueue},
		{"queue/search", testSearch},
		{"queue/search many", testSearchMany},
		{"queue/search property", testSearchProperty},
		{"queue/search race", testSearchRace},
		{"queue/hand-overs", testHandOffs},
		{"access/expire", testExpire},
		{"queue/assignee", testAssignee},
		{"queue/dossier", testDossier},
		{"contacts", testContacts},
		{"contacts/desk", testCountDesk},
		{"access/people", testPeople},
		{"access/secrets", testSecrets},
		{"access/log", testAccessLog},
		{"access/races", testAccessRaces},
		{"budgets", testBudgets},
		{"budgets/holds", testBudgetHolds},
		{"budgets/race", testBudgetRace},
		{"transactions", testTransactions},
		{"transactions/savepoints", testSavepoints},
		{"transactions/lost updates", testCounter},
		{"transactions/snapshot", testSnapshot},
		{"enqueue", testEnqueue},
		{"blobs", testBlobs},
		{"blobs/many", testPutBlobs},
		{"blobs/race", testBlobRace},
		{"blobs/named", testBlobNamed},
		{"blobs/erase", testEraseBlob},
		{"blobs/bar", testBarBlob},
		{"blobs/sweep", testSweepBlobs},
		{"access/membership", testMembership},
		{"registrations", testRegistrations},
		{"registrations/retention", testRegistrationRetention},
		{"accuracy", testAccuracy},
		{"accuracy/expiry", testAccuracyExpiry},
		{"accuracy/profiles", testAccuracyProfiles},
		{"accuracy/frames", testAccuracyFrames},
		{"retention", testRetention},
		{"retention/forever", testForever},
		{"open/twice", testReopen},
		{"open/together", testOpenTogether},
		{"open/newer", testNewer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.run(t, &env{dsn: dsn, made: made, clock: clock.NewVirtual(start)})
		})
	}
}

var start = time.Date(2026, 3, 1, 9, 30, 0, 123456000, time.UTC)

type env struct {
	dsn   func(testing.TB) string // of an empty database
	made  func(testing.TB) string // of one that may have the schema already
	clock *clock.Virtual
}

// open opens a new store, with a folder for blobs over 1 KiB.
func (e *env) open(t *testing.T) *store.Store {
	t.Helper()
	return e.openAt(t, e.made(t), store.Options{BlobDir: t.TempDir(), InlineLimit: 1024})
}

func (e *env) openAt(t *testing.T, dsn string, o store.Options) *store.Store {
	t.Helper()
	if o.Clock == nil {
		o.Clock = e.clock
	}
	s, err := store.Open(t.Context(), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func update(t *testing.T, s *store.Store, fn func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, s *store.Store, fn func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), func(tx *store.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// fails runs fn in a transaction of its own and checks the code of its error.
func fails(t *testing.T, s *store.Store, want problem.Code, fn func(context.Context, *store.Tx) error) {
	t.Helper()
	err := s.Update(t.Context(), func(tx *store.Tx) error { return fn(t.Context(), tx) })
	if err == nil || problem.CodeOf(err) != want {
		t.Errorf("got %v, want a %s", err, want)
	}
}

func equal(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(store.Report{})); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}

func sha(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func report(n int) store.Report {
	return store.Report{ID: fmt.Sprintf("r%04d", n), Receipt: fmt.Sprintf("c%04d", n), Digest: sha([]byte{byte(n)}), Source: "api", Received: start,
		Format: "xarf4", State: store.ReportReceived, Due: start}
}

func add(t *testing.T, s *store.Store, rows ...store.Report) []*store.Report {
	t.Helper()
	var existing []*store.Report
	update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		existing, err = tx.AddReports(ctx, rows)
		return err
	})
	return existing
}

func getReport(t *testing.T, s *store.Store, id string) store.Report {
	t.Helper()
	var r store.Report
	view(t, s, func(ctx context.Context, tx *store.Tx) (err error) { r, err = tx.Report(ctx, id); return err })
	return r
}

func testReports(t *testing.T, e *env) {
	s := e.open(t)
	blob := []byte("raw")
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PutBlob(ctx, "text/plain", blob)
		return err
	})
	full := report(1)
	full.Scope, full.Key, full.Blob, full.Offset, full.Length = "key:1", "k", sha(blob), 7, 11
	full.Detail, full.Fields = "d", []problem.Field{{Path: "a.b", Reason: "bad"}, {Path: "c", Reason: "worse"}}
	full.Cases, full.DuplicateOf, full.Attempts = []string{"z", "a", "m"}, "r0", 3
	bare := store.Report{ID: "bare", Receipt: "bare", Received: start, State: store.ReportRejected}
	for i, ex := range add(t, s, full, bare, report(2)) {
		if ex != nil {
			t.Errorf("row %d: %v", i, ex)
		}
	}
	equal(t, getReport(t, s, full.ID), full)
	equal(t, getReport(t, s, "bare"), bare)
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		r, err := tx.ReportByReceipt(ctx, full.Receipt)
		equal(t, r, full)
		if err != nil {
			return err
		}
		rs, err := tx.ReportsByID(ctx, []string{"r0002", "nobody", "bare", "r0001", "bare"})
		equal(t, rs, []store.Report{bare, full, report(2)})
		if err != nil {
			return err
		}
		n, err := tx.CountReports(ctx)
		equal(t, n, map[store.ReportState]int{store.ReportReceived: 2, store.ReportRejected: 1})
		return err
	})
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Report(ctx, "nobody"); return err })
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error { _, err := tx.ReportByReceipt(ctx, ""); return err })

	// More than one statement holds.
	var many []store.Report
	var ids []string
	for i := range 1200 {
		r := report(5000 + i)
		many, ids = append(many, r), append(ids, r.ID)
	}
	add(t, s, many...)
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		rs, err := tx.ReportsByID(ctx, ids)
		equal(t, rs, many)
		return err
	})
	if got := add(t, s); len(got) != 0 {
		t.Errorf("no rows gave %v", got)
	}
}

func testIdempotency(t *testing.T, e *env) {
	s := e.open(t)
	keyed := func(n int, scope, key string) store.Report {
		r := report(n)
		r.Scope, r.Key = scope, key
		return r
	}
	first := keyed(1, "a", "k")
	add(t, s, first)
	// Taken before; the same key of somebody else; no key twice; the same key
	// twice in one batch, in an order that sorting by key would change.
	batch := []store.Report{keyed(2, "z", "9"), keyed(3, "a", "k"), keyed(4, "b", "k"), keyed(5, "a", ""), keyed(6, "a", ""), keyed(7, "z", "9"), keyed(8, "a", "K")}
	got := add(t, s, batch...)
	for i, want := range []string{"", "r0001", "", "", "", "r0002", ""} {
		switch {
		case want == "" && got[i] != nil:
			t.Errorf("row %d was taken by %s", i, got[i].ID)
		case want != "" && (got[i] == nil || got[i].ID != want):
			t.Errorf("row %d: got %v, want %s", i, got[i], want)
		}
	}
	equal(t, *got[1], first)
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, id := range []string{"r0003", "r0007"} {
			if _, err := tx.Report(ctx, id); problem.CodeOf(err) != problem.NotFound {
				t.Errorf("%s was stored: %v", id, err)
			}
		}
		return nil
	})
}

func testIdempotencyRace(t *testing.T, e *env) {
	s := e.open(t)
	const workers, keys = 8, 20
	var wg sync.WaitGroup
	var mu sync.Mutex
	owner := map[string]map[string]bool{} // key -> ids that answers gave
	for w := range workers {
		wg.Go(func() {
			rows := make([]store.Report, keys)
			for i := range rows {
				k := i
				if w%2 == 1 {
					k = keys - 1 - i // the other way round, to lock crosswise
				}
				rows[i] = report(w*100 + i)
				rows[i].Scope, rows[i].Key = "s", fmt.Sprint("key", k)
			}
			var existing []*store.Report
			err := s.Update(t.Context(), func(tx *store.Tx) (err error) {
				existing, err = tx.AddReports(t.Context(), rows)
				return err
			})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for i, r := range rows {
				id := r.ID
				if existing[i] != nil {
					id = existing[i].ID
				}
				if owner[r.Key] == nil {
					owner[r.Key] = map[string]bool{}
				}
				owner[r.Key][id] = true
			}
		})
	}
	wg.Wait()
	for k, ids := range owner {
		if len(ids) != 1 {
			t.Errorf("%s has %d owners", k, len(ids))
		}
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.CountReports(ctx)
		if n[store.ReportReceived] != keys {
			t.Errorf("%d reports, want %d", n[store.ReportReceived], keys)
		}
		return err
	})
}

func testReportsDue(t *testing.T, e *env) {
	s := e.open(t)
	at := func(n int, d time.Duration) store.Report {
		r := report(n)
		r.Due = start.Add(d)
		return r
	}
	never := report(9)
	never.Due = time.Time{}
	add(t, s, at(1, time.Hour), at(2, 0), at(3, -time.Hour), at(4, time.Microsecond), at(5, 0), never)
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		due := func(limit int) (ids []string) {
			rs, err := tx.DueReports(ctx, start, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rs {
				ids = append(ids, r.ID)
			}
			return ids
		}
		equal(t, due(10), []string{"r0003", "r0002", "r0005"})
		equal(t, due(2), []string{"r0003", "r0002"})
		return nil
	})
}

func testFinishReport(t *testing.T, e *env) {
	s := e.open(t)
	add(t, s, report(1), report(2))
	r, stale := getReport(t, s, "r0001"), getReport(t, s, "r0001")
	r.State, r.Due, r.Detail, r.Format = store.ReportAccepted, time.Time{}, "filed", "xarf3"
	r.Cases, r.Attempts, r.DuplicateOf, r.Fields = []string{"c2", "c1"}, 1, "r0", []problem.Field{{Path: "p", Reason: "q"}}
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishReport(ctx, r) })
	equal(t, getReport(t, s, "r0001"), r)
	// Who read it before that is too late.
	stale.State = store.ReportRejected
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.FinishReport(ctx, stale) })
	equal(t, getReport(t, s, "r0001"), r)
	// Who never read it may overwrite.
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.FinishReport(ctx, store.Report{ID: "r0001", State: store.ReportWithheld})
	})
	if got := getReport(t, s, "r0001"); got.State != store.ReportWithheld || len(got.Cases) != 0 {
		t.Errorf("got %+v", got)
	}
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error {
		return tx.FinishReport(ctx, store.Report{ID: "nobody", State: store.ReportRejected})
	})

	// One of many who read the same state wins.
	var wins atomic.Int32
	var wg sync.WaitGroup
	var ready sync.WaitGroup
	ready.Add(6)
	for i := range 6 {
		wg.Go(func() {
			mine := getReport(t, s, "r0002")
			ready.Done()
			ready.Wait()
			mine.State, mine.Detail = store.ReportAccepted, fmt.Sprint(i)
			err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.FinishReport(t.Context(), mine) })
			if err == nil {
				wins.Add(1)
			} else if problem.CodeOf(err) != problem.Conflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d finished it", wins.Load())
	}
}

func testBadReports(t *testing.T, e *env) {
	s := e.open(t)
	add(t, s, report(1))
	try := func(want problem.Code, edit func(*store.Report)) {
		t.Helper()
		r := report(2)
		edit(&r)
		fails(t, s, want, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AddReports(ctx, []store.Report{report(3), r})
			return err
		})
	}
	try(problem.Invalid, func(r *store.Report) { r.Digest = "zz" })
	try(problem.Invalid, func(r *store.Report) { r.Blob = sha(nil)[:60] })
	try(problem.Conflict, func(r *store.Report) { r.Blob = sha([]byte("never stored")) })
	try(problem.Conflict, func(r *store.Report) { r.ID = "r0001" })
	try(problem.Conflict, func(r *store.Report) { r.Receipt = "c0001" })
	try(problem.Internal, func(r *store.Report) { r.ID = "" })
	try(problem.Internal, func(r *store.Report) { r.Received = time.Time{} })
	try(problem.Internal, func(r *store.Report) { r.Cases = []string{"a b"} })
	fails(t, s, problem.TooLarge, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AddReports(ctx, make([]store.Report, store.MaxReportBatch+1))
		return err
	})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.CountReports(ctx)
		equal(t, n, map[store.ReportState]int{store.ReportReceived: 1}) // all or nothing
		return err
	})
}

func testText(t *testing.T, e *env) {
	s := e.open(t)
	for i, tc := range []struct{ in, want string }{
		{"plain", "plain"},
		{"", ""},
		{"a\x00b\x00", "a\uFFFDb\uFFFD"},
		{"\xff\xfe bad", "\uFFFD bad"},
		{"caf\xc3", "caf\uFFFD"},
		{"\xed\xa0\x80", "\uFFFD"}, // a surrogate
		{"пример 例え مثال 🙂", "пример 例え مثال 🙂"},
		{"';--\"\\$1?", "';--\"\\$1?"},
		{"\u202e\ufeff\t\r\n", "\u202e\ufeff\t\r\n"},
		{strings.Repeat("é", 70000), strings.Repeat("é", 70000)},
	} {
		r := report(i)
		r.Detail, r.Source, r.Key = tc.in, tc.in, fmt.Sprint("k", i)
		r.Fields = []problem.Field{{Path: tc.in, Reason: tc.in}}
		// In a batch of two, and by itself, since they may be written apart.
		two := report(100 + i)
		two.Detail = tc.in
		add(t, s, r, two)
		got := getReport(t, s, r.ID)
		if got.Detail != tc.want || got.Source != tc.want || getReport(t, s, two.ID).Detail != tc.want {
			t.Errorf("%.20q came back as %.20q, %.20q", tc.in, got.Detail, got.Source)
		}
		if tc.in == tc.want && (got.Fields[0].Path != tc.want || got.Fields[0].Reason != tc.want) {
			t.Errorf("fields: %.20q came back as %.20q", tc.in, got.Fields[0].Path)
		}
		got.Detail = tc.in
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishReport(ctx, got) })
		if d := getReport(t, s, r.ID).Detail; d != tc.want {
			t.Errorf("%.20q was finished as %.20q", tc.in, d)
		}
	}
	// A key that has to be cleaned is still found again.
	r := report(500)
	r.Scope, r.Key = "s\x00", "k\xff"
	add(t, s, r)
	r.ID, r.Receipt = "r0501", "c0501"
	if got := add(t, s, r); got[0] == nil || got[0].ID != "r0500" {
		t.Errorf("got %v", got[0])
	}
}

func testTime(t *testing.T, e *env) {
	s := e.open(t)
	var rows []store.Report
	for i, at := range []time.Time{
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), // the epoch is not "none"
		time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(2026, 11, 23, 1, 2, 3, 4000, time.UTC),
		time.Date(2026, 11, 23, 1, 2, 3, 999999000, time.FixedZone("", 5*3600+1800)),
		time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		clock.Real{}.Now(),
	} {
		r := report(i)
		r.Received, r.Due = at, at
		rows = append(rows, r)
	}
	add(t, s, rows...)
	for _, r := range rows {
		got := getReport(t, s, r.ID)
		if !got.Received.Equal(r.Received) || !got.Due.Equal(r.Due) || got.Received.Location() != time.UTC || got.Due.Location() != time.UTC {
			t.Errorf("%v came back as %v, %v", r.Received, got.Received, got.Due)
		}
	}
	// Nanoseconds are cut off, as clock.Truncate does.
	r := report(50)
	r.Received = start.Add(999 * time.Nanosecond)
	add(t, s, r)
	if got := getReport(t, s, r.ID).Received; !got.Equal(clock.Truncate(r.Received)) {
		t.Errorf("%v came back as %v", r.Received, got)
	}
}

func newCase(id, subject string) store.Case {
	return store.Case{ID: id, SubjectKey: subject, SubjectKind: "domain", Type: "phishing", State: string(casework.New), Opened: start, Due: start.Add(time.Hour),
		Seq: 1, Head: casework.Hash(sha256.Sum256([]byte(id))), Judgement: "unknown", Playbook: "pb", Body: []byte(`{"id":"` + id + `"}`)}
}

func put(t *testing.T, s *store.Store, was int, cs ...store.Case) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, c := range cs {
			if err := tx.PutCase(ctx, c, was); err != nil {
				return err
			}
		}
		return nil
	})
}

func testCases(t *testing.T, e *env) {
	s := e.open(t)
	c := newCase("c1", "example.com")
	put(t, s, 0, c)
	find := func(latest bool, subject, typ string) (got store.Case, ok bool) {
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			if latest {
				got, ok, err = tx.LatestCase(ctx, subject, typ)
			} else {
				got, ok, err = tx.OpenCase(ctx, subject, typ)
			}
			return err
		})
		return got, ok
	}
	if got, ok := find(false, "example.com", "phishing"); !ok {
		t.Error("the open case was not found")
	} else {
		equal(t, got, c)
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		got, ok, err := tx.AnyOpenCase(ctx, "example.com")
		if err != nil || !ok {
			t.Errorf("the open case of the subject was not found: %v", err)
		}
		equal(t, got, c)
		_, ok, err = tx.AnyOpenCase(ctx, "example.org")
		if ok {
			t.Error("a case of another subject was found")
		}
		return err
	})
	for _, miss := range [][2]string{{"example.com", "malware"}, {"example.org", "phishing"}, {"Example.com", "phishing"}} {
		if _, ok := find(false, miss[0], miss[1]); ok {
			t.Errorf("%v was found", miss)
		}
		if _, ok := find(true, miss[0], miss[1]); ok {
			t.Errorf("%v was found", miss)
		}
	}
	c.State, c.Closed, c.Due, c.Seq, c.Outcome, c.Actor, c.Judgement = string(casework.Closed), start.Add(time.Hour), time.Time{}, 4, "stopped", "reg", "malicious"
	c.Head[0]++
	c.Body = []byte("{}")
	put(t, s, 1, c)
	if _, ok := find(false, "example.com", "phishing"); ok {
		t.Error("a closed case was found open")
	}
	got, ok := find(true, "example.com", "phishing")
	if !ok {
		t.Error("the latest case was not found")
	}
	equal(t, got, c)
	second := newCase("c2", "example.com")
	second.Opened = start.Add(2 * time.Hour)
	put(t, s, 0, second)
	if got, _ := find(true, "example.com", "phishing"); got.ID != "c2" {
		t.Errorf("the latest case is %s", got.ID)
	}
	merged := second
	merged.State, merged.Seq = string(casework.Merged), 2
	put(t, s, 1, merged)
	if _, ok := find(false, "example.com", "phishing"); ok {
		t.Error("a merged case was found open")
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Case(ctx, "c1")
		equal(t, got, c)
		if _, err := tx.Case(ctx, "nobody"); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("got %v", err)
		}
		n, err2 := tx.CountCases(ctx)
		equal(t, n, map[string]int{"closed": 1, "merged": 1})
		return errors.Join(err, err2)
	})
	for name, bad := range map[string]store.Case{"no id": {SubjectKey: "a", State: "new", Opened: start, Seq: 1}, "no subject": {ID: "x", State: "new", Opened: start, Seq: 1},
		"no event": {ID: "x", SubjectKey: "a", State: "new", Opened: start}} {
		t.Run(name, func(t *testing.T) {
			fails(t, s, problem.Internal, func(ctx context.Context, tx *store.Tx) error { return tx.PutCase(ctx, bad, 0) })
		})
	}
}

func testCaseRace(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a.example"))
	var wins atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := newCase("c1", "a.example")
			c.Seq, c.Actor = 2, fmt.Sprint("worker", i)
			err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.PutCase(t.Context(), c, 1) })
			switch {
			case err == nil:
				wins.Add(1)
			case problem.CodeOf(err) != problem.Conflict:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d wrote event 2", wins.Load())
	}
}

func testOneOpen(t *testing.T, e *env) {
	s := e.open(t)
	closed := newCase("c0", "a.example")
	closed.State, closed.Closed = string(casework.Closed), start
	put(t, s, 0, closed)
	var wins atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := newCase(fmt.Sprint("n", i), "a.example")
			err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.PutCase(t.Context(), c, 0) })
			switch {
			case err == nil:
				wins.Add(1)
			case problem.CodeOf(err) != problem.Conflict:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d open cases", wins.Load())
	}
	// A closed one cannot be opened again beside it.
	closed.State, closed.Closed, closed.Seq = string(casework.Coordinating), time.Time{}, 2
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.PutCase(ctx, closed, 1) })
	// Other types and subjects do not matter.
	other := newCase("m1", "a.example")
	other.Type = "malware"
	put(t, s, 0, other, newCase("m2", "b.example"))
}

func testCasePaging(t *testing.T, e *env) {
	s := e.open(t)
	var all []store.Case
	// Many opened at one time, and ids that collate differently by bytes than
	// by a language.
	ids := []string{"B", "a", "A", "b", "Z", "z", "é", "_", "~", "10", "9"}
	for i, id := range ids {
		c := newCase(id, fmt.Sprintf("Sub%d.Example", i))
		c.Opened = start.Add(time.Duration(i/4) * time.Second)
		all = append(all, c)
	}
	put(t, s, 0, all...)
	page := func(f store.CaseFilter) (out []string) {
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			cs, err := tx.Cases(ctx, f)
			for _, c := range cs {
				out = append(out, c.ID)
			}
			return err
		})
		return out
	}
	order := []string{"~", "9", "10", "é", "z", "_", "Z", "b", "a", "B", "A"}
	equal(t, page(store.CaseFilter{}), order)
	var walked []string
	for after := ""; ; {
		p := page(store.CaseFilter{Limit: 3, After: after})
		if len(p) == 0 {
			break
		}
		walked = append(walked, p...)
		after = p[len(p)-1]
	}
	equal(t, walked, order)
	equal(t, page(store.CaseFilter{SubjectPrefix: "SUB1"}), []string{"9", "a"}) // Sub1 and Sub10
	equal(t, page(store.CaseFilter{SubjectPrefix: "sub1."}), []string{"a"})
	equal(t, page(store.CaseFilter{SubjectPrefix: "ub1"}), []string(nil))
	equal(t, page(store.CaseFilter{SubjectPrefix: "sub%"}), []string(nil))
	equal(t, page(store.CaseFilter{State: "closed"}), []string(nil))
	equal(t, page(store.CaseFilter{State: "new", Type: "phishing", SubjectPrefix: "sub", Limit: 1}), []string{"~"})
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Cases(ctx, store.CaseFilter{After: "nobody"})
		return err
	})
	// Due cases: by time, then by the bytes of the id.
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		due, err := tx.DueCases(ctx, start.Add(time.Hour), 4)
		equal(t, due, []string{"10", "9", "A", "B"})
		if early, err := tx.DueCases(ctx, start, 4); err != nil || len(early) != 0 {
			t.Errorf("due early: %v %v", early, err)
		}
		return err
	})
}

// log makes a chain of n events; every third payload is personal.
func log(id string, n int) []casework.Entry {
	var out []casework.Entry
	var prev *casework.Link
	for i := range n {
		p := casework.Payload{Body: []byte(fmt.Sprintf(`{"n":%d}`, i)), Personal: i%3 == 2}
		p.Salt[0], p.Salt[31] = byte(i), 0xff
		e := casework.Seal(prev, id, start.Add(time.Duration(i)*time.Second), casework.KindNote, "person:7", p)
		out = append(out, e)
		prev = &out[i].Link
	}
	return out
}

func events(t *testing.T, s *store.Store, id string) []casework.Entry {
	t.Helper()
	var es []casework.Entry
	view(t, s, func(ctx context.Context, tx *store.Tx) (err error) { es, err = tx.Events(ctx, id); return err })
	return es
}

func testEvents(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a"), newCase("c2", "b"))
	want := log("c1", 75)
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AppendEvents(ctx, want[:2]); err != nil {
			return err
		}
		return tx.AppendEvents(ctx, append(append([]casework.Entry{}, want[2:]...), log("c2", 1)...))
	})
	got := events(t, s, "c1")
	equal(t, got, want)
	if err := casework.VerifyChain(got); err != nil {
		t.Error(err)
	}
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.ErasePayload(ctx, "c1", 2), tx.ErasePayload(ctx, "c1", 2), tx.AppendEvents(ctx, nil))
	})
	got = events(t, s, "c1")
	if got[1].Payload != nil || got[0].Payload == nil {
		t.Error("the wrong payload was erased")
	}
	if err := casework.VerifyChain(got); err != nil {
		t.Error(err)
	}
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error { return tx.ErasePayload(ctx, "c1", 76) })
	if got := events(t, s, "nobody"); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	// An event without a payload, and one with an empty one.
	put(t, s, 0, newCase("c3", "c"))
	odd := log("c3", 1)
	empty := casework.Seal(&odd[0].Link, "c3", start.Add(time.Hour), casework.KindNote, "centre", casework.Payload{})
	odd[0].Payload = nil
	odd = append(odd, empty)
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AppendEvents(ctx, odd) })
	got = events(t, s, "c3")
	equal(t, got, odd)
	if got[0].Payload != nil || got[1].Payload == nil {
		t.Error("no payload and an empty payload are not the same")
	}
}

func testAppendOnly(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a"))
	chain := log("c1", 2)
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AppendEvents(ctx, chain) })
	again := casework.Seal(&chain[0].Link, "c1", start, casework.KindNote, "person:8", casework.Payload{Body: []byte("{}")})
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.AppendEvents(ctx, []casework.Entry{again}) })
	equal(t, events(t, s, "c1"), chain)
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.AppendEvents(ctx, log("no case", 1)) })
	bad := casework.Seal(&chain[1].Link, "c1", start, casework.KindNote, "person\x00", casework.Payload{})
	fails(t, s, problem.Invalid, func(ctx context.Context, tx *store.Tx) error { return tx.AppendEvents(ctx, []casework.Entry{bad}) })
	late := chain[1]
	late.Seq, late.At = 3, start.Add(time.Nanosecond)
	fails(t, s, problem.Invalid, func(ctx context.Context, tx *store.Tx) error { return tx.AppendEvents(ctx, []casework.Entry{late}) })
}

func testPlaybooks(t *testing.T, e *env) {
	s := e.open(t)
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		err := errors.Join(tx.PutPlaybook(ctx, "h1", "phishing", []byte("one")), tx.PutPlaybook(ctx, "h1", "phishing", []byte("two")))
		b, err2 := tx.Playbook(ctx, "h1")
		equal(t, string(b), "one") // pinned by hash: the first stays
		return errors.Join(err, err2)
	})
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Playbook(ctx, "h2"); return err })
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if _, ok, err := tx.Setting(ctx, "k"); ok || err != nil {
			t.Errorf("%v %v", ok, err)
		}
		bin := []byte{0, 255, 1}
		err := errors.Join(tx.PutSetting(ctx, "k", []byte("v")), tx.PutSetting(ctx, "k", bin), tx.PutSetting(ctx, "nil", nil))
		got, ok, err2 := tx.Setting(ctx, "k")
		equal(t, got, bin)
		if _, has, err := tx.Setting(ctx, "nil"); !has || err != nil || !ok {
			t.Errorf("%v %v %v", has, ok, err)
		}
		return errors.Join(err, err2)
	})
}

func testNextDue(t *testing.T, e *env) {
	s := e.open(t)
	next := func() (at time.Time, ok bool) {
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) { at, ok, err = tx.NextDue(ctx); return err })
		return at, ok
	}
	if _, ok := next(); ok {
		t.Error("something is due in an empty store")
	}
	c := newCase("c1", "a")
	c.Due = start.Add(3 * time.Hour)
	put(t, s, 0, c)
	n := notice("n1", "c1", 1)
	n.Due = start.Add(2 * time.Hour)
	update(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.AddNotice(ctx, n); return err })
	if at, ok := next(); !ok || !at.Equal(n.Due) {
		t.Errorf("%v %v", at, ok)
	}
	r := report(1)
	r.Due = start.Add(time.Hour)
	add(t, s, r)
	if at, ok := next(); !ok || !at.Equal(r.Due) {
		t.Errorf("%v %v", at, ok)
	}
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		r.State, r.Due = store.ReportAccepted, time.Time{}
		_, err := tx.IntendNotice(ctx, "n1", "w", "m", "", start)
		return errors.Join(err, tx.FinishReport(ctx, r))
	})
	if at, ok := next(); !ok || !at.Equal(c.Due) {
		t.Errorf("%v %v", at, ok)
	}
}

func notice(id, caseID string, number int) store.Notice {
	return store.Notice{ID: id, Case: caseID, Obligation: "o-" + caseID, Number: number, Kind: "ask", Channel: "email", Party: "registrar:1", To: "abuse@registrar.example",
		State: store.NoticeDue, Created: start, Due: start}
}

func testNotices(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a"))
	first := notice("n1", "c1", 1)
	addN := func(n store.Notice) (added bool) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx *store.Tx) (err error) { added, err = tx.AddNotice(ctx, n); return err })
		return added
	}
	if !addN(first) {
		t.Error("the first was not added")
	}
	twin := notice("other id", "c1", 1)
	if addN(twin) || addN(first) {
		t.Error("a second of the same number was added")
	}
	second := notice("n2", "c1", 2)
	second.Kind, second.Created, second.Due = "reminder", start.Add(time.Second), start.Add(time.Hour)
	sameNumber := notice("n3", "c1", 1)
	sameNumber.Kind, sameNumber.Created = "inform", start.Add(2*time.Second)
	if !addN(second) || !addN(sameNumber) {
		t.Error("another number or kind was not added")
	}
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AddNotice(ctx, notice("n9", "no case", 1))
		return err
	})
	message := []byte("From: a\r\n")
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		blob, err := tx.PutBlob(ctx, "message/rfc822", message)
		if err != nil {
			return err
		}
		ok, err := tx.IntendNotice(ctx, "n1", "w1", "<1@x>", blob, start.Add(time.Minute))
		if !ok {
			t.Error("a due notice could not be intended")
		}
		return err
	})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		want := first
		want.State, want.Worker, want.MessageID, want.Blob, want.Intended, want.Attempts = store.NoticeIntended, "w1", "<1@x>", sha(message), start.Add(time.Minute), 1
		got, err := tx.Notice(ctx, "n1")
		equal(t, got, want)
		byID, ok, err2 := tx.NoticeByMessage(ctx, "<1@x>")
		equal(t, byID, want)
		if !ok {
			t.Error("not found by its Message-ID")
		}
		if _, ok, err := tx.NoticeByMessage(ctx, ""); ok || err != nil {
			t.Errorf("an empty Message-ID found something: %v", err)
		}
		all, err3 := tx.Notices(ctx, "c1")
		equal(t, all, []store.Notice{want, second, sameNumber})
		due, err4 := tx.DueNotices(ctx, start, 10)
		equal(t, due, []store.Notice{sameNumber})
		n, err5 := tx.CountNoticeStates(ctx)
		equal(t, n, map[store.NoticeState]int{store.NoticeDue: 2, store.NoticeIntended: 1})
		return errors.Join(err, err2, err3, err4, err5)
	})
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Notice(ctx, "nobody"); return err })
}

func testIntendRace(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a"))
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AddNotice(ctx, notice("n1", "c1", 1))
		return err
	})
	var wins atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			var ok bool
			err := s.Update(t.Context(), func(tx *store.Tx) (err error) {
				ok, err = tx.IntendNotice(t.Context(), "n1", fmt.Sprint("w", i), "m", "", start)
				return err
			})
			if err != nil {
				t.Error(err)
			} else if ok {
				wins.Add(1)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d workers would send it", wins.Load())
	}
}

func testNoticeStates(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a"))
	all := []store.NoticeState{store.NoticeDue, store.NoticeIntended, store.NoticeAccepted, store.NoticeFailed, store.NoticeInDoubt, store.NoticeStopped}
	// What FinishNotice allows: from a state, by worker w1, to these.
	allowed := map[store.NoticeState][]store.NoticeState{
		store.NoticeDue:      {store.NoticeDue, store.NoticeFailed, store.NoticeStopped},
		store.NoticeIntended: {store.NoticeDue, store.NoticeAccepted, store.NoticeFailed, store.NoticeInDoubt, store.NoticeStopped},
		store.NoticeInDoubt:  {store.NoticeDue, store.NoticeAccepted, store.NoticeFailed, store.NoticeInDoubt, store.NoticeStopped},
	}
	n := 0
	for _, from := range all {
		for _, to := range all {
			n++
			row := notice(fmt.Sprint("n", n), "c1", n)
			row.State, row.Worker = from, "w1"
			update(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.AddNotice(ctx, row); return err })
			done := row
			done.State, done.Due, done.Done, done.Response, done.Attempts, done.Recoverable = to, start.Add(time.Hour), start.Add(time.Minute), "250 ok", 4, true
			err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.FinishNotice(t.Context(), done) })
			want := false
			for _, a := range allowed[from] {
				want = want || a == to
			}
			if (err == nil) != want {
				t.Errorf("%s to %s: %v", from, to, err)
			}
			if err == nil {
				view(t, s, func(ctx context.Context, tx *store.Tx) error {
					got, err := tx.Notice(ctx, row.ID)
					equal(t, got, done)
					return err
				})
			}
		}
	}
	// Another worker's is not mine to finish.
	row := notice("mine", "c1", 99)
	row.State, row.Worker = store.NoticeIntended, "w1"
	update(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.AddNotice(ctx, row); return err })
	row.State, row.Worker = store.NoticeAccepted, "w2"
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.FinishNotice(ctx, row) })
	row.State, row.Due, row.Worker = store.NoticeDue, time.Time{}, "w1"
	fails(t, s, problem.Internal, func(ctx context.Context, tx *store.Tx) error { return tx.FinishNotice(ctx, row) })
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error {
		return tx.FinishNotice(ctx, store.Notice{ID: "nobody", State: store.NoticeAccepted})
	})
}

func testDoubt(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a"))
	for i, w := range []string{"w1", "w1", "w2", "w1"} {
		n := notice(fmt.Sprint("n", i), "c1", i+1)
		n.Created = start.Add(-time.Duration(i) * time.Second)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.AddNotice(ctx, n); err != nil || i == 3 {
				return err // n3 stays due
			}
			_, err := tx.IntendNotice(ctx, n.ID, w, "m", "", start.Add(time.Duration(i)*time.Minute))
			return err
		})
	}
	doubt := func(worker string, before time.Time) (ids []string) {
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			ids = nil
			ns, err := tx.DoubtNotices(ctx, worker, before)
			for _, n := range ns {
				if n.State != store.NoticeInDoubt {
					t.Errorf("%s is %s", n.ID, n.State)
				}
				ids = append(ids, n.ID)
			}
			return err
		})
		return ids
	}
	equal(t, doubt("w3", time.Time{}), []string(nil))
	equal(t, doubt("", start.Add(-time.Second)), []string(nil))
	equal(t, doubt("w1", start), []string{"n0"}) // the instant itself counts
	equal(t, doubt("w1", time.Time{}), []string{"n1"})
	equal(t, doubt("", time.Time{}), []string{"n2"})
	equal(t, doubt("", time.Time{}), []string(nil))
}

func testCountNotices(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a"))
	for i, tc := range []struct {
		party string
		state store.NoticeState
		done  time.Time
	}{
		{"p1", store.NoticeAccepted, start},
		{"p1", store.NoticeAccepted, start.Add(-time.Microsecond)}, // too old
		{"p1", store.NoticeFailed, start},
		{"p1", store.NoticeStopped, start},
		{"p1", store.NoticeDue, time.Time{}},
		{"p1", store.NoticeIntended, time.Time{}},
		{"p1", store.NoticeInDoubt, time.Time{}},
		{"p2", store.NoticeAccepted, start},
	} {
		n := notice(fmt.Sprint("n", i), "c1", i+1)
		n.Party, n.State, n.Done = tc.party, tc.state, tc.done
		update(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.AddNotice(ctx, n); return err })
	}
	for party, want := range map[string]int{"p1": 3, "p2": 1, "p3": 0, "": 4} {
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.CountNotices(ctx, party, start)
			if n != want {
				t.Errorf("%q: %d, want %d", party, n, want)
			}
			return err
		})
	}
}

func testFigures(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a"))
	for i, tc := range []struct {
		to          string
		state       store.NoticeState
		recoverable bool
		done        int // minutes
	}{
		{"gone@x", store.NoticeFailed, false, 1},
		{"gone@x", store.NoticeFailed, false, 3},
		{"back@x", store.NoticeFailed, false, 1},
		{"back@x", store.NoticeAccepted, false, 2},
		{"lost@x", store.NoticeAccepted, false, 1},
		{"lost@x", store.NoticeFailed, false, 2},
		{"busy@x", store.NoticeFailed, true, 1},
		{"", store.NoticeFailed, false, 1},
	} {
		n := notice(fmt.Sprint("n", i), "c1", i+1)
		n.To, n.State, n.Recoverable, n.Done = tc.to, tc.state, tc.recoverable, start.Add(time.Duration(tc.done)*time.Minute)
		update(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.AddNotice(ctx, n); return err })
	}
	for i, d := range []string{"bad", "bad", "worse"} {
		r := report(i)
		r.State, r.Detail = store.ReportRejected, d
		add(t, s, r)
	}
	waiting := report(9)
	waiting.Detail = "bad"
	add(t, s, waiting)
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		bounced, err := tx.BouncedAddresses(ctx)
		equal(t, bounced, map[string]time.Time{"gone@x": start.Add(3 * time.Minute), "lost@x": start.Add(2 * time.Minute)})
		reasons, err2 := tx.RejectReasons(ctx)
		equal(t, reasons, map[string]int{"bad": 2, "worse": 1})
		return errors.Join(err, err2)
	})
}

func testTransactions(t *testing.T, e *env) {
	s := e.open(t)
	boom := errors.New("boom")
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.PutSetting(t.Context(), "k", []byte("v")); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was lost")
			}
		}()
		_ = s.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.PutSetting(t.Context(), "k", []byte("v")); err != nil {
				return err
			}
			panic("in fn")
		})
	}()
	// Neither left anything behind, and the writer is free.
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if _, ok, err := tx.Setting(ctx, "k"); ok || err != nil {
			t.Errorf("%v %v", ok, err)
		}
		if tx.SQL() == nil {
			t.Error("no transaction")
		}
		return nil
	})
	if err := s.View(t.Context(), func(tx *store.Tx) error { return tx.PutSetting(t.Context(), "k", nil) }); err == nil {
		t.Error("a view wrote")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Update(ctx, func(*store.Tx) error { return nil }); err == nil {
		t.Error("ran although the context had ended")
	}
	var one int
	if err := s.Writer().QueryRowContext(t.Context(), "SELECT 1").Scan(&one); err != nil {
		t.Error(err)
	}
}

func testSavepoints(t *testing.T, e *env) {
	s := e.open(t)
	boom := errors.New("boom")
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for i := range 6 {
			err := tx.Savepoint(ctx, func() error {
				r := report(i)
				if i == 2 {
					r.Receipt = "c0001" // taken: the database refuses this row
				}
				if _, err := tx.AddReports(ctx, []store.Report{r}); err != nil {
					return err
				}
				if i == 4 {
					return boom
				}
				return tx.Savepoint(ctx, func() error { return tx.PutSetting(ctx, r.ID, nil) })
			})
			switch {
			case i == 2 && problem.CodeOf(err) != problem.Conflict:
				t.Errorf("row 2: %v", err)
			case i == 4 && !errors.Is(err, boom):
				t.Errorf("row 4: %v", err)
			case i != 2 && i != 4 && err != nil:
				return err
			}
		}
		return nil
	})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		rs, err := tx.DueReports(ctx, start, 10)
		var ids []string
		for _, r := range rs {
			ids = append(ids, r.ID)
			if _, ok, err := tx.Setting(ctx, r.ID); !ok || err != nil {
				t.Errorf("%s: %v %v", r.ID, ok, err)
			}
		}
		equal(t, ids, []string{"r0000", "r0001", "r0003", "r0005"})
		return err
	})
}

// testCounter adds to one number from many sides, under the lock that PutCase
// with its sequence is.
func testCounter(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a"))
	var wg sync.WaitGroup
	const workers, each = 4, 10
	for range workers {
		wg.Go(func() {
			for done := 0; done < each; {
				err := s.Update(t.Context(), func(tx *store.Tx) error {
					c, err := tx.Case(t.Context(), "c1")
					if err != nil {
						return err
					}
					c.Seq++
					return tx.PutCase(t.Context(), c, c.Seq-1)
				})
				switch {
				case err == nil:
					done++
				case problem.CodeOf(err) != problem.Conflict:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		c, err := tx.Case(ctx, "c1")
		if c.Seq != 1+workers*each {
			t.Errorf("at %d, want %d", c.Seq, 1+workers*each)
		}
		return err
	})
}

// testSnapshot reads twice in a view while somebody writes in between.
func testSnapshot(t *testing.T, e *env) {
	s := e.open(t)
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		if _, ok, err := tx.Setting(ctx, "k"); ok || err != nil {
			t.Errorf("%v %v", ok, err)
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.PutSetting(ctx, "k", nil) })
		_, ok, err := tx.Setting(ctx, "k")
		if ok {
			t.Error("a view saw two states of the database")
		}
		return err
	})
}

type recorder struct {
	jobs  []string
	wakes atomic.Int32
	fail  error
}

func (r *recorder) Enqueue(ctx context.Context, tx *sql.Tx, kind string, ids []string) error {
	if r.fail != nil {
		return r.fail
	}
	if tx == nil {
		return errors.New("no transaction")
	}
	r.jobs = append(r.jobs, kind+" "+strings.Join(ids, ","))
	return nil
}

func (r *recorder) Wake() { r.wakes.Add(1) }

func testEnqueue(t *testing.T, e *env) {
	s := e.open(t)
	enqueue := func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.Enqueue(ctx, "triage", "a", "b"), tx.Enqueue(ctx, "case"), tx.Enqueue(ctx, "deliver", "n"))
	}
	update(t, s, enqueue) // without an Enqueuer
	var r recorder
	s.SetEnqueuer(&r)
	update(t, s, enqueue)
	equal(t, r.jobs, []string{"triage a,b", "deliver n"})
	if r.wakes.Load() != 1 {
		t.Errorf("woken %d times", r.wakes.Load())
	}
	// No wake without a commit, nor without a job.
	boom := errors.New("boom")
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return errors.Join(enqueue(t.Context(), tx), boom) }); !errors.Is(err, boom) {
		t.Error(err)
	}
	update(t, s, func(context.Context, *store.Tx) error { return nil })
	if r.wakes.Load() != 1 {
		t.Errorf("woken %d times", r.wakes.Load())
	}
	r.fail = boom
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.Enqueue(t.Context(), "k", "i") }); !errors.Is(err, boom) {
		t.Error(err)
	}
	if err := s.View(t.Context(), func(tx *store.Tx) error { return tx.Enqueue(t.Context(), "k", "i") }); problem.CodeOf(err) != problem.Internal {
		t.Error(err)
	}
	s.SetEnqueuer(nil)
	update(t, s, enqueue)
}
