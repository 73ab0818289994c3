package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"
)

func readBlob(t *testing.T, s *store.Store, sum string) []byte {
	t.Helper()
	b, _, err := s.Blob(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func missing(t *testing.T, s *store.Store, sum string) {
	t.Helper()
	if _, _, err := s.Blob(t.Context(), sum); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("blob %.8s: got %v", sum, err)
	}
}

func putBlob(t *testing.T, s *store.Store, data []byte) string {
	t.Helper()
	sum, err := s.PutBlob(t.Context(), "text/plain", data)
	if err != nil {
		t.Fatal(err)
	}
	if sum != sha(data) {
		t.Fatalf("the hash is %s, want %s", sum, sha(data))
	}
	return sum
}

func info(t *testing.T, s *store.Store, sum string) store.BlobInfo {
	t.Helper()
	i, err := s.BlobInfo(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// files lists what is in the folder of blobs.
func files(t *testing.T, dir string) (out []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, err := filepath.Rel(dir, p)
			out = append(out, filepath.ToSlash(rel))
			return err
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func (e *env) openDir(t *testing.T) (*store.Store, string) {
	dir := filepath.Join(t.TempDir(), "blobs")
	return e.openAt(t, e.made(t), store.Options{BlobDir: dir, InlineLimit: 1024}), dir
}

var large = bytes.Repeat([]byte("large "), 1000)

func testBlobs(t *testing.T, e *env) {
	s, dir := e.openDir(t)
	for _, data := range [][]byte{{}, {0}, []byte("small"), bytes.Repeat([]byte{0xff}, 1024), large} {
		sum := putBlob(t, s, data)
		if got := readBlob(t, s, sum); !bytes.Equal(got, data) {
			t.Errorf("%d octets came back as %d", len(data), len(got))
		}
		i := info(t, s, sum)
		if i.Size != int64(len(data)) || i.Media != "text/plain" || !i.Stored.Equal(start) || (i.File != "") != (len(data) > 1024) {
			t.Errorf("%d octets: %+v", len(data), i)
		}
		putBlob(t, s, data) // again
	}
	// Within a transaction they are read by its own connection: there may be no other.
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		sum, err := tx.PutBlob(ctx, "text/plain", []byte("not committed"))
		if err != nil {
			return err
		}
		for want, sum := range map[string]string{"not committed": sum, string(large): sha(large)} {
			if b, media, err := tx.Blob(ctx, sum); err != nil || string(b) != want || media != "text/plain" {
				t.Errorf("%d octets for %d, %q, %v", len(b), len(want), media, err)
			}
		}
		if _, _, err := tx.Blob(ctx, sha([]byte("none"))); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("%v", err)
		}
		return nil
	})
	fs := files(t, dir)
	if len(fs) != 1 {
		t.Fatalf("files: %v", fs)
	}
	// What is on disk is not the plain bytes.
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(fs[0])))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("large")) {
		t.Error("the file holds plain bytes")
	}
	// A file that was tampered with, and one that was lost, are found out.
	b[10] ^= 1
	if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(fs[0])), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Blob(t.Context(), sha(large)); problem.CodeOf(err) != problem.Corrupt {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(filepath.Join(dir, filepath.FromSlash(fs[0]))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Blob(t.Context(), sha(large)); problem.CodeOf(err) != problem.Corrupt {
		t.Errorf("got %v", err)
	}
	missing(t, s, sha([]byte("never")))
	missing(t, s, "")
	if _, _, err := s.Blob(t.Context(), "../../x"); err == nil {
		t.Error("a path was taken for a hash")
	}
	if _, err := s.PutBlob(t.Context(), "", make([]byte, store.MaxBlob+1)); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("got %v", err)
	}
	// Without a folder all is in the database.
	plain := e.openAt(t, e.made(t), store.Options{})
	sum := putBlob(t, plain, bytes.Repeat(large, 50))
	if i := info(t, plain, sum); i.File != "" || len(readBlob(t, plain, sum)) != 50*len(large) {
		t.Errorf("%+v", i)
	}
}

func testPutBlobs(t *testing.T, e *env) {
	s, _ := e.openDir(t)
	putBlob(t, s, []byte("old"))
	erased := putBlob(t, s, []byte("erased"))
	if err := s.EraseBlob(t.Context(), erased); err != nil {
		t.Fatal(err)
	}
	var many []store.NewBlob
	for i := range 50 {
		d := []byte(fmt.Sprint("blob ", i%40)) // some twice
		many = append(many, store.NewBlob{Media: "text/plain\x00", Data: d, SHA: sha(d)})
	}
	many = append(many, store.NewBlob{Data: []byte("old")}, store.NewBlob{Data: []byte("erased")}, store.NewBlob{Data: large})
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.PutBlobs(ctx, many) })
	for _, b := range many {
		if got := readBlob(t, s, sha(b.Data)); !bytes.Equal(got, b.Data) {
			t.Errorf("%.20q came back as %.20q", b.Data, got)
		}
	}
	fails(t, s, problem.Corrupt, func(ctx context.Context, tx *store.Tx) error {
		return tx.PutBlobs(ctx, []store.NewBlob{{Data: []byte("x"), SHA: sha([]byte("x"))}, {Data: []byte("y"), SHA: sha([]byte("x"))}})
	})
	missing(t, s, sha([]byte("x")))
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.PutBlobs(ctx, nil) })
}

func testBlobRace(t *testing.T, e *env) {
	s, dir := e.openDir(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for _, d := range [][]byte{[]byte("small"), large} {
				if _, err := s.PutBlob(t.Context(), fmt.Sprint("text/", i), d); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	readBlob(t, s, sha([]byte("small")))
	readBlob(t, s, sha(large))
	if fs := files(t, dir); len(fs) != 1 {
		t.Errorf("files: %v", fs)
	}
}

// testBlobNamed: no row can name a blob that is not stored, in any table.
func testBlobNamed(t *testing.T, e *env) {
	s, _ := e.openDir(t)
	put(t, s, 0, newCase("c1", "a"))
	absent := sha([]byte("absent"))
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error {
		r := report(1)
		r.Blob = absent
		_, err := tx.AddReports(ctx, []store.Report{r})
		return err
	})
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error {
		return tx.RefBlob(ctx, absent, store.OwnerCase, "c1")
	})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AddNotice(ctx, notice("n1", "c1", 1))
		return err
	})
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.IntendNotice(ctx, "n1", "w", "m", absent, start)
		return err
	})
	// A blob and the row that names it come in one transaction, or not at all.
	boom := errors.New("boom")
	row := report(2)
	row.Blob = sha([]byte("both"))
	both := func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.PutBlob(ctx, "", []byte("both")); err != nil {
			return err
		}
		_, err := tx.AddReports(ctx, []store.Report{row})
		return err
	}
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return errors.Join(both(t.Context(), tx), boom) }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	missing(t, s, row.Blob)
	update(t, s, both)
	readBlob(t, s, row.Blob)
}

func testEraseBlob(t *testing.T, e *env) {
	s, dir := e.openDir(t)
	for _, data := range [][]byte{[]byte("small"), large} {
		sum := putBlob(t, s, data)
		r := report(len(data))
		r.Blob = sum
		add(t, s, r)
		e.clock.Set(e.clock.Now().Add(time.Hour))
		if err := s.EraseBlob(t.Context(), sum); err != nil {
			t.Fatal(err)
		}
		missing(t, s, sum)
		i := info(t, s, sum)
		if !i.Erased.Equal(e.clock.Now()) || i.Size != int64(len(data)) || i.File != "" {
			t.Errorf("the tombstone is %+v", i)
		}
		if got := getReport(t, s, r.ID); got.Blob != sum {
			t.Error("the report does not say any more what it was")
		}
		if err := s.EraseBlob(t.Context(), sum); err != nil {
			t.Errorf("again: %v", err)
		}
		if fs := files(t, dir); len(fs) != 0 {
			t.Errorf("files: %v", fs)
		}
		var keys int
		if err := s.Writer().QueryRowContext(t.Context(), "SELECT count(*) FROM blob_keys").Scan(&keys); err != nil || keys != 0 {
			t.Errorf("%d keys left: %v", keys, err)
		}
		// The same bytes may arrive again.
		putBlob(t, s, data)
		readBlob(t, s, sum)
		if i := info(t, s, sum); !i.Erased.IsZero() {
			t.Errorf("%+v", i)
		}
		if err := s.EraseBlob(t.Context(), sum); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.EraseBlob(t.Context(), sha([]byte("never"))); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("got %v", err)
	}
}

func testBarBlob(t *testing.T, e *env) {
	s, dir := e.openDir(t)
	never := []byte("never stored")
	for _, data := range [][]byte{[]byte("small"), large, never} {
		if !bytes.Equal(data, never) {
			putBlob(t, s, data)
		}
		sum := sha(data)
		if err := s.BarBlob(t.Context(), sum); err != nil {
			t.Fatal(err)
		}
		missing(t, s, sum)
		if i := info(t, s, sum); !i.Barred || i.Erased.IsZero() {
			t.Errorf("%+v", i)
		}
		if _, err := s.PutBlob(t.Context(), "", data); problem.CodeOf(err) != problem.Refused {
			t.Errorf("barred bytes were taken: %v", err)
		}
		fails(t, s, problem.Refused, func(ctx context.Context, tx *store.Tx) error { _, err := tx.PutBlob(ctx, "", data); return err })
		fails(t, s, problem.Refused, func(ctx context.Context, tx *store.Tx) error {
			return tx.PutBlobs(ctx, []store.NewBlob{{Data: []byte("other")}, {Data: data}})
		})
	}
	if fs := files(t, dir); len(fs) != 0 {
		t.Errorf("files: %v", fs)
	}
}

func testSweepBlobs(t *testing.T, e *env) {
	s, dir := e.openDir(t)
	day := 24 * time.Hour
	put(t, s, 0, newCase("c1", "a"))
	loose, looseBig := putBlob(t, s, []byte("loose")), putBlob(t, s, append([]byte("loose"), large...))
	reported, noticed, held := putBlob(t, s, []byte("reported")), putBlob(t, s, []byte("noticed")), putBlob(t, s, append([]byte("held"), large...))
	r := report(1)
	r.Blob = reported
	add(t, s, r)
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		n := notice("n1", "c1", 1)
		n.Blob = noticed
		_, err := tx.AddNotice(ctx, n)
		return errors.Join(err, tx.RefBlob(ctx, held, store.OwnerCase, "c1"), tx.RefBlobs(ctx, []string{held, held}, store.OwnerCase, "c1"), tx.RefBlobs(ctx, nil, "x", "y"))
	})
	// Files that no row names: one old, one new, and one that is not ours.
	orphan, fresh, alien := filepath.Join(dir, "aa", "orphan"), filepath.Join(dir, "aa", "fresh"), filepath.Join(dir, "README")
	if err := os.MkdirAll(filepath.Dir(orphan), 0o700); err != nil {
		t.Fatal(err)
	}
	for f, at := range map[string]time.Time{orphan: start, fresh: start.Add(time.Hour), alien: start} {
		if err := errors.Join(os.WriteFile(f, nil, 0o600), os.Chtimes(f, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func(want store.BlobSweep) {
		t.Helper()
		got, err := s.SweepBlobs(t.Context(), e.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, want)
	}
	e.clock.Set(start.Add(day - time.Microsecond))
	sweep(store.BlobSweep{})
	e.clock.Set(start.Add(day))
	sweep(store.BlobSweep{Removed: 2, Orphans: 1})
	missing(t, s, loose)
	missing(t, s, looseBig)
	for _, keep := range []string{reported, noticed, held} {
		readBlob(t, s, keep)
	}
	if got := files(t, dir); len(got) != 3 || !slices.Contains(got, "README") || !slices.Contains(got, "aa/fresh") {
		t.Errorf("files: %v", got)
	}
	// A day from the last reference, not from the first storing.
	e.clock.Set(start.Add(10 * day))
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.UnrefBlob(ctx, held, store.OwnerCase, "c1"), tx.UnrefBlob(ctx, held, "nobody", "x"))
	})
	sweep(store.BlobSweep{Orphans: 1}) // fresh, by now
	readBlob(t, s, held)
	e.clock.Set(start.Add(10*day + day/2))
	putBlob(t, s, append([]byte("held"), large...)) // wanted again: a new day
	e.clock.Set(start.Add(11 * day))
	sweep(store.BlobSweep{})
	e.clock.Set(start.Add(11*day + day/2))
	sweep(store.BlobSweep{Removed: 1})
	missing(t, s, held)
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files: %v", got)
	}
	// Asked for again and again, it stays.
	for range 50 {
		e.clock.Set(e.clock.Now().Add(59 * time.Minute))
		putBlob(t, s, append([]byte("held"), large...))
		sweep(store.BlobSweep{})
	}
	readBlob(t, s, held)
}

func testRetention(t *testing.T, e *env) {
	s, dir := e.openDir(t)
	day := 24 * time.Hour
	keep := store.Retention{Raw: 10 * day, Personal: 5 * day, Capture: 20 * day, Messages: 30 * day}

	// Case c1 closes at day 2, c2 stays open, c3 is merged at day 2. Each has a
	// report, a capture, a message and a log.
	blob := func(what, id string) []byte { return []byte(what + " of " + id) }
	big := func(what, id string) []byte { return append(blob(what, id), large...) }
	for i, id := range []string{"c1", "c2", "c3"} {
		put(t, s, 0, newCase(id, id+".example"))
		raw, shot := putBlob(t, s, blob("raw", id)), putBlob(t, s, big("capture", id))
		r := report(i)
		r.Blob, r.Cases, r.State, r.Due, r.Scope, r.Key = raw, []string{id}, store.ReportAccepted, time.Time{}, "192.0.2.1", "k"+id
		add(t, s, r)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			n := notice("n"+id, id, 1)
			if _, err := tx.AddNotice(ctx, n); err != nil {
				return err
			}
			msg, err := tx.PutBlob(ctx, "message/rfc822", blob("message", id))
			if err != nil {
				return err
			}
			if _, err := tx.IntendNotice(ctx, n.ID, "w", "m", msg, start); err != nil {
				return err
			}
			n.State, n.Done, n.Worker = store.NoticeAccepted, start, "w"
			return errors.Join(tx.FinishNotice(ctx, n), tx.RefBlob(ctx, shot, store.OwnerCase, id), tx.AppendEvents(ctx, log(id, 6)))
		})
	}
	// A report that no case came of; one that still waits; one blob shared by
	// a closed and an open case.
	none, waiting, shared := report(10), report(11), report(12)
	none.Blob, none.State, none.Due, none.Scope = putBlob(t, s, []byte("no case")), store.ReportRejected, time.Time{}, "192.0.2.2"
	waiting.Blob, waiting.Scope = putBlob(t, s, []byte("waiting")), "192.0.2.3"
	shared.Blob, shared.State, shared.Due, shared.Cases = putBlob(t, s, []byte("shared")), store.ReportAccepted, time.Time{}, []string{"c1", "c2"}
	add(t, s, none, waiting, shared)

	move := func(days int) { e.clock.Set(start.Add(time.Duration(days) * day)) }
	sweep := func(want store.SweepResult) {
		t.Helper()
		got, err := s.Sweep(t.Context(), e.clock.Now(), keep)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, want)
	}
	personal := func(id string) (n int) {
		es := events(t, s, id)
		if err := casework.VerifyChain(es); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		for _, e := range es {
			if e.Payload != nil && e.Payload.Personal {
				n++
			}
			if e.Payload == nil && (e.Seq%3 != 0) {
				t.Errorf("%s: payload %d, which is not personal, is gone", id, e.Seq)
			}
		}
		return n
	}
	move(2)
	for _, id := range []string{"c1", "c3"} {
		c := newCase(id, id+".example")
		c.Seq, c.State, c.Due = 6, string(casework.Merged), time.Time{}
		if id == "c1" {
			c.State, c.Closed = string(casework.Closed), e.clock.Now()
		}
		put(t, s, 1, c)
	}
	move(6)
	sweep(store.SweepResult{Senders: 4}) // of day 0, but for the one that waits
	if r := getReport(t, s, "r0000"); r.Scope != "" || r.Key != "" {
		t.Errorf("%+v", r)
	}
	if r := getReport(t, s, waiting.ID); r.Scope == "" {
		t.Error("a report that waits lost its key")
	}
	if personal("c1") != 2 {
		t.Error("personal payloads went early")
	}
	move(7)
	sweep(store.SweepResult{Payloads: 4}) // of c1 and c3, five days at rest
	for id, want := range map[string]int{"c1": 0, "c2": 2, "c3": 0} {
		if got := personal(id); got != want {
			t.Errorf("%s: %d personal payloads, want %d", id, got, want)
		}
	}
	// The report without a case lets go of its bytes at day 10, but they are
	// asked for again shortly before.
	e.clock.Set(start.Add(9*day + day/2))
	putBlob(t, s, []byte("no case"))
	move(10)
	sweep(store.SweepResult{})
	e.clock.Set(start.Add(10*day + day/2))
	sweep(store.SweepResult{Blobs: 1})
	missing(t, s, none.Blob)
	readBlob(t, s, sha(blob("raw", "c1")))
	move(12)
	sweep(store.SweepResult{Blobs: 2}) // raw of c1 and c3
	missing(t, s, sha(blob("raw", "c1")))
	missing(t, s, sha(blob("raw", "c3")))
	readBlob(t, s, waiting.Blob)
	readBlob(t, s, shared.Blob)
	readBlob(t, s, sha(big("capture", "c1")))
	move(22)
	sweep(store.SweepResult{Blobs: 2}) // captures of c1 and c3
	missing(t, s, sha(big("capture", "c1")))
	readBlob(t, s, sha(blob("message", "c1")))
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files: %v", got)
	}
	move(32)
	sweep(store.SweepResult{Blobs: 2}) // messages
	missing(t, s, sha(blob("message", "c3")))

	// c1 is opened again: what is left of it is kept, from its next rest on.
	c1 := newCase("c1", "c1.example")
	c1.Seq, c1.State = 7, string(casework.Coordinating)
	put(t, s, 6, c1)
	c2 := newCase("c2", "c2.example")
	c2.Seq, c2.State, c2.Closed = 6, string(casework.Closed), e.clock.Now()
	put(t, s, 1, c2)
	move(36)
	sweep(store.SweepResult{})
	move(37)
	sweep(store.SweepResult{Payloads: 2})
	move(42)
	sweep(store.SweepResult{Blobs: 1}) // raw of c2; shared is held by c1
	readBlob(t, s, shared.Blob)
	c1.Seq, c1.State, c1.Closed = 8, string(casework.Closed), e.clock.Now()
	put(t, s, 7, c1)
	move(51)
	sweep(store.SweepResult{})
	move(52)
	sweep(store.SweepResult{Blobs: 2}) // shared, and the capture of c2
	move(400)
	sweep(store.SweepResult{Blobs: 1}) // the last message
	readBlob(t, s, waiting.Blob)

	// A blob that a report long past named, and that is now wanted again, is
	// not erased before the new report can name it.
	putBlob(t, s, []byte("shared"))
	sweep(store.SweepResult{})
	readBlob(t, s, shared.Blob)
	move(409)
	sweep(store.SweepResult{})
	move(410) // ten days from when it was stored again
	sweep(store.SweepResult{Blobs: 1})
}

func testForever(t *testing.T, e *env) {
	s, _ := e.openDir(t)
	r := report(1)
	r.Blob, r.State, r.Due, r.Scope = putBlob(t, s, []byte("x")), store.ReportRejected, time.Time{}, "s"
	add(t, s, r)
	c := newCase("c1", "a")
	c.State, c.Closed = string(casework.Closed), start
	put(t, s, 0, c)
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AppendEvents(ctx, log("c1", 3)) })
	far := start.Add(200 * 365 * 24 * time.Hour)
	all := store.Retention{Raw: store.Forever, Personal: store.Forever, Capture: store.Forever, Messages: store.Forever}
	if got, err := s.Sweep(t.Context(), far, all); err != nil || got != (store.SweepResult{}) {
		t.Errorf("%+v %v", got, err)
	}
	// The zero Retention is the default, not "at once".
	if got, err := s.Sweep(t.Context(), start.Add(store.DefaultRetention().Personal-time.Second), store.Retention{}); err != nil || got != (store.SweepResult{}) {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := s.Sweep(t.Context(), far, store.Retention{}); err != nil || got.Blobs != 1 || got.Payloads != 1 || got.Senders != 1 {
		t.Errorf("%+v %v", got, err)
	}
}

func testReopen(t *testing.T, e *env) {
	dsn, dir := e.made(t), t.TempDir()
	for i := range 3 {
		s, err := store.Open(t.Context(), dsn, store.Options{Clock: e.clock, BlobDir: dir, InlineLimit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			add(t, s, report(1))
			putBlob(t, s, large)
		}
		equal(t, getReport(t, s, "r0001"), report(1))
		readBlob(t, s, sha(large))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"", "mysql://x", "sqlite:", "sqlite::memory:", "postgres://nobody@127.0.0.1:1/none?connect_timeout=1", "postgres://%zz"} {
		if s, err := store.Open(t.Context(), bad, store.Options{}); err == nil {
			t.Errorf("%q was opened", bad)
			_ = s.Close()
		} else if c := problem.CodeOf(err); c != problem.Invalid && c != problem.Unavailable {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func testOpenTogether(t *testing.T, e *env) {
	dsn := e.dsn(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var all []*store.Store
	for range 6 {
		wg.Go(func() {
			s, err := store.Open(t.Context(), dsn, store.Options{Clock: e.clock})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, s)
		})
	}
	wg.Wait()
	for i, s := range all { // and all of them write
		wg.Go(func() {
			for j := range 10 {
				if err := s.Update(t.Context(), func(tx *store.Tx) error {
					_, err := tx.AddReports(t.Context(), []store.Report{report(100*i + j)})
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(all) > 0 {
		view(t, all[0], func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.CountReports(ctx)
			if n[store.ReportReceived] != 60 {
				t.Errorf("%d reports, want 60", n[store.ReportReceived])
			}
			return err
		})
	}
	for _, s := range all {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// testNewer: a database that a newer program wrote is left alone.
func testNewer(t *testing.T, e *env) {
	dsn := e.made(t)
	s := e.openAt(t, dsn, store.Options{})
	exec := func(q string) {
		t.Helper()
		if _, err := s.Writer().ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	exec("INSERT INTO migrations (version, name, sum, applied) VALUES (1000, 'future', '', 0)")
	if _, err := store.Open(t.Context(), dsn, store.Options{}); problem.CodeOf(err) != problem.Refused {
		t.Errorf("got %v", err)
	}
	exec("DELETE FROM migrations WHERE version = 1000")
	exec("UPDATE migrations SET sum = 'other' WHERE version = 1")
	if _, err := store.Open(t.Context(), dsn, store.Options{}); problem.CodeOf(err) != problem.Corrupt || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("got %v", err)
	}
}
