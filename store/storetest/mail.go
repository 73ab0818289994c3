package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"bailiwick/problem"
	"bailiwick/store"
)

func mailRow(n int, raw string) store.Mail {
	return store.Mail{ID: fmt.Sprintf("m%02d", n), Received: start.Add(time.Duration(n) * time.Minute), Digest: sha([]byte(raw)), Route: "report", Length: int64(len(raw)),
		Envelope: []byte(`{"from":"a@desk.example"}`), State: store.MailReceived, Due: start.Add(time.Duration(n) * time.Minute)}
}

func testMails(t *testing.T, e *env) {
	s := e.open(t)
	raw := "From: a@desk.example\r\n\r\nhello"
	sum := putBlob(t, s, []byte(raw))
	m := mailRow(1, raw)
	m.Blob, m.MessageID = sum, "1@desk.example"
	add := func(m store.Mail) (added bool) {
		update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			added, err = tx.AddMail(ctx, m)
			return err
		})
		return added
	}
	if !add(m) {
		t.Fatal("not added")
	}
	again := m
	again.ID = "m99"
	if add(again) {
		t.Error("the same octets by the same route are two rows")
	}
	other := m
	other.ID, other.Route, other.Received = "m02", "reply:c1-1", start.Add(2*time.Minute)
	if other.Due = other.Received; !add(other) {
		t.Error("the same octets by another route were not added")
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Mail(ctx, "m01")
		if err != nil {
			return err
		}
		equal(t, got, m)
		due, err := tx.DueMails(ctx, start.Add(90*time.Second), 10)
		if err != nil || len(due) != 1 || due[0].ID != "m01" {
			t.Errorf("due %v %v", due, err)
		}
		recent, err := tx.RecentMails(ctx, "", 10)
		if err != nil || len(recent) != 2 || recent[0].ID != "m02" {
			t.Errorf("recent %v %v", recent, err)
		}
		return nil
	})
	done := other
	done.MessageID, done.Kind, done.State, done.Case, done.Obligation, done.Due, done.Attempts = "2@desk.example", "person", store.MailFiled, "c1", "c1-1", time.Time{}, 1
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishMail(ctx, done) })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.FinishMail(ctx, done) })
	filed := m
	filed.State, filed.Report, filed.Due, filed.Kind = store.MailFiled, "r1", time.Time{}, "person"
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishMail(ctx, filed) })
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		on, err := tx.Mails(ctx, "c1")
		if err != nil || len(on) != 1 {
			t.Fatalf("%v %v", on, err)
		}
		equal(t, on[0], done)
		of, ok, err := tx.MailOfReport(ctx, "r1")
		if err != nil || !ok || of.ID != "m01" {
			t.Errorf("%v %v %v", of, ok, err)
		}
		if _, ok, err := tx.MailOfReport(ctx, ""); ok || err != nil {
			t.Errorf("a mail of no report: %v %v", ok, err)
		}
		n, err := tx.CountMails(ctx, "c1-1", "person")
		if err != nil || n != 1 {
			t.Errorf("%d %v", n, err)
		}
		if n, err := tx.MailsSince(ctx, "reply:c1-1", start.Add(time.Minute)); err != nil || n != 1 {
			t.Errorf("%d %v", n, err)
		}
		if n, err := tx.MailsSince(ctx, "reply:c1-1", start.Add(time.Hour)); err != nil || n != 0 {
			t.Errorf("%d %v", n, err)
		}
		kinds, err := tx.CountMailKinds(ctx)
		if err != nil || kinds["person filed"] != 2 {
			t.Errorf("%v %v", kinds, err)
		}
		return nil
	})
}

// testMailRetention: a mail's envelope goes with personal data; its bytes stay
// as long as what it is about needs them, and not longer.
func testMailRetention(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "open.example"))
	raws := map[string]string{"m01": "a report", "m02": "an answer on an open case", "m03": "an answer on no case"}
	for n, id := range []string{"m01", "m02", "m03"} {
		m := mailRow(n+1, raws[id])
		m.Blob = putBlob(t, s, []byte(raws[id]))
		m.State, m.Due = store.MailFiled, time.Time{}
		if id != "m01" {
			m.Route = "reply:" + id
		}
		if id == "m02" {
			m.Case = "c1"
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AddMail(ctx, m)
			return err
		})
	}
	day := 24 * time.Hour
	keep := store.Retention{Raw: 10 * day, Personal: 5 * day, Capture: 10 * day, Messages: 20 * day}
	sweep := func(after time.Duration) store.SweepResult {
		r, err := s.Sweep(t.Context(), start.Add(after), keep)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := sweep(4 * day); r.Senders != 0 || r.Blobs != 0 {
		t.Errorf("after 4 days: %+v", r)
	}
	if r := sweep(6 * day); r.Senders != 3 || r.Blobs != 0 {
		t.Errorf("after 6 days: %+v", r)
	}
	sweep(15 * day)
	missing(t, s, sha([]byte(raws["m01"])))
	readBlob(t, s, sha([]byte(raws["m03"])))
	sweep(30 * day)
	missing(t, s, sha([]byte(raws["m03"])))
	readBlob(t, s, sha([]byte(raws["m02"])))
}

func testBounce(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a.example"))
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		n := notice("n1", "c1", 1)
		n.To = "abuse@reg.example"
		if _, err := tx.AddNotice(ctx, n); err != nil {
			return err
		}
		if done, err := tx.BounceNotice(ctx, "n1", "550", start); err != nil || done {
			t.Errorf("a notice that was not sent bounced: %v %v", done, err)
		}
		if _, err := tx.IntendNotice(ctx, "n1", "w", "m", "", start); err != nil {
			return err
		}
		n.State, n.Done, n.Worker = store.NoticeAccepted, start, "w"
		return tx.FinishNotice(ctx, n)
	})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if done, err := tx.BounceNotice(ctx, "n1", "550 5.1.1", start.Add(time.Hour)); err != nil || !done {
			t.Errorf("%v %v", done, err)
		}
		if done, err := tx.BounceNotice(ctx, "n1", "550 5.1.1", start.Add(2*time.Hour)); err != nil || done {
			t.Errorf("it bounced twice: %v %v", done, err)
		}
		b, err := tx.BouncedAddresses(ctx)
		if at, ok := b["abuse@reg.example"]; err != nil || !ok || !at.Equal(start.Add(time.Hour)) {
			t.Errorf("%v %v", b, err)
		}
		// A receipt is about no case.
		r := notice("r1", "", 1)
		r.Kind, r.Obligation = "receipt", "receipt:x"
		if added, err := tx.AddNotice(ctx, r); err != nil || !added {
			t.Errorf("%v %v", added, err)
		}
		got, err := tx.Notice(ctx, "r1")
		if err != nil || got.Case != "" {
			t.Errorf("%+v %v", got, err)
		}
		return err
	})
}
