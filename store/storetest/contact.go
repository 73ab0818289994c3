package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
)

// minutes is a time of these tests.
func minutes(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

// happened writes a case with events after its first, at the given minutes.
func happened(t *testing.T, s *store.Store, id string, at []int, bodies ...any) {
	t.Helper()
	put(t, s, 0, newCase(id, id+".example"))
	var entries []casework.Entry
	var prev *casework.Link
	for i, b := range bodies {
		kind := map[string]casework.Kind{"casework.Answered": casework.KindAnswered, "casework.MissedTime": casework.KindMissed,
			"casework.Failed": casework.KindFailed, "casework.ClosedCase": casework.KindClosed}[fmt.Sprintf("%T", b)]
		body, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		e := casework.Seal(prev, id, minutes(at[i]), kind, "party:x", casework.Payload{Body: body})
		entries, prev = append(entries, e), &e.Link
	}
	if len(entries) > 0 {
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AppendEvents(ctx, entries) })
	}
}

func testContacts(t *testing.T, e *env) {
	s := e.open(t)
	n := 0
	send := func(caseID, obligation, to, kind string, number, at int, state store.NoticeState, recoverable bool) {
		t.Helper()
		n++
		x := store.Notice{ID: fmt.Sprintf("n%03d", n), Case: caseID, Obligation: obligation, Number: number, Kind: kind, Channel: "email", Party: "registrar:" + caseID[1:], To: to,
			State: state, Created: minutes(at), Due: minutes(at), Done: minutes(at), Attempts: 1, Recoverable: recoverable}
		if state != store.NoticeAccepted {
			x.Response = "550 at " + fmt.Sprint(at)
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.AddNotice(ctx, x); return err })
	}
	figures := func(addrs ...string) map[string]party.Figures {
		t.Helper()
		var out map[string]party.Figures
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			out, err = tx.ContactFigures(ctx, addrs)
			return err
		})
		return out
	}

	// One desk under three accreditations, in two spellings: answered, then
	// silent three times, of which one came after a reminder, and one is open.
	happened(t, s, "c1", []int{5}, casework.Answered{Obligation: "c1-1", Answer: "received"})
	happened(t, s, "c2", []int{40}, casework.MissedTime{Obligation: "c2-1"})
	happened(t, s, "c3", []int{50}, casework.MissedTime{Obligation: "c3-1"})
	happened(t, s, "c4", nil)
	send("c1", "c1-1", "Abuse@Desk.example", "ask", 1, 1, store.NoticeAccepted, false)
	send("c2", "c2-1", "abuse@desk.example", "ask", 1, 10, store.NoticeAccepted, false)
	send("c2", "c2-1", "abuse@desk.example", "reminder", 2, 12, store.NoticeAccepted, false)
	send("c3", "c3-1", "ABUSE@desk.example", "ask", 1, 20, store.NoticeAccepted, false)
	send("c4", "c4-1", "abuse@desk.example", "ask", 1, 60, store.NoticeAccepted, false)
	send("c4", "c4-2", "abuse@desk.example", "inform", 1, 61, store.NoticeAccepted, false)
	equal(t, figures("abuse@desk.example"), map[string]party.Figures{"abuse@desk.example": {Address: "abuse@desk.example", FirstSeen: minutes(1), Accepted: 6, LastAccepted: minutes(61),
		Asks: 4, Answered: 1, Missed: 2, Silent: 2, SilentSince: minutes(10), LastPerson: minutes(5)}})

	// The same obligation by two contacts: the first came back after it had been
	// taken, the second was met with silence. Each has its own.
	happened(t, s, "c5", []int{102, 130}, casework.Failed{Obligation: "c5-1", Notice: 1, Response: "550 no such user", Bounced: true}, casework.MissedTime{Obligation: "c5-1"})
	send("c5", "c5-1", "first@two.example", "ask", 1, 100, store.NoticeAccepted, false)
	send("c5", "c5-1", "second@two.example", "ask", 2, 110, store.NoticeAccepted, false)
	equal(t, figures("first@two.example", "second@two.example"), map[string]party.Figures{
		"first@two.example":  {Address: "first@two.example", FirstSeen: minutes(100), Refused: 1, LastRefused: minutes(102), Refusal: "550 no such user"},
		"second@two.example": {Address: "second@two.example", FirstSeen: minutes(110), Accepted: 1, LastAccepted: minutes(110), Asks: 1, Missed: 1, Silent: 1, SilentSince: minutes(110)},
	})

	// Refused at the door, then repaired; given up; in doubt.
	happened(t, s, "c6", nil)
	send("c6", "c6-1", "door@x.example", "ask", 1, 200, store.NoticeFailed, false)
	send("c6", "c6-2", "door@x.example", "ask", 1, 210, store.NoticeFailed, false)
	send("c6", "c6-3", "door@x.example", "ask", 1, 205, store.NoticeAccepted, false)
	send("c6", "c6-4", "busy@x.example", "ask", 1, 201, store.NoticeFailed, true)
	send("c6", "c6-5", "busy@x.example", "ask", 1, 202, store.NoticeDue, true)
	send("c6", "c6-6", "busy@x.example", "ask", 1, 203, store.NoticeInDoubt, false)
	send("c6", "c6-7", "busy@x.example", "ask", 1, 204, store.NoticeStopped, false)
	send("c6", "c6-8", "someone@reporter.example", "receipt", 1, 205, store.NoticeAccepted, false)
	got := figures("door@x.example", "busy@x.example", "someone@reporter.example", "nobody@x.example", "")
	equal(t, got, map[string]party.Figures{
		"door@x.example":           {Address: "door@x.example", FirstSeen: minutes(200), Accepted: 1, LastAccepted: minutes(205), Refused: 2, LastRefused: minutes(210), Refusal: "550 at 210", Asks: 1},
		"busy@x.example":           {Address: "busy@x.example", FirstSeen: minutes(201), Temporary: 2, InDoubt: 1},
		"someone@reporter.example": {Address: "someone@reporter.example"}, "nobody@x.example": {Address: "nobody@x.example"},
	})

	// Who was measured to have acted has not been silent, though nothing was
	// answered; and what machines and people wrote back is told apart.
	happened(t, s, "c7", []int{310, 320}, casework.MissedTime{Obligation: "c7-1"}, casework.ClosedCase{Outcome: casework.Stopped, Actor: casework.Measured{ActorID: "registrar:7"}})
	send("c7", "c7-1", "quiet@x.example", "ask", 1, 300, store.NoticeAccepted, false)
	for i, m := range []struct {
		kind  string
		state store.MailState
		at    int
	}{{"ticket", store.MailFiled, 301}, {"auto-reply", store.MailFiled, 303}, {"person", store.MailFiled, 302}, {"failed", store.MailFiled, 304}, {"person", store.MailIgnored, 309}, {"person", store.MailFiled, 299}} {
		row := mailRow(i, fmt.Sprint("mail ", i))
		row.Kind, row.State, row.Obligation, row.Case, row.Received, row.Due = m.kind, m.state, "c7-1", "c7", minutes(m.at), time.Time{}
		update(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.AddMail(ctx, row); return err })
	}
	equal(t, figures("quiet@x.example"), map[string]party.Figures{"quiet@x.example": {Address: "quiet@x.example", FirstSeen: minutes(300), Accepted: 1, LastAccepted: minutes(300),
		Asks: 1, Acted: 1, LastPerson: minutes(302), LastMachine: minutes(303)}})

	// More asks than are looked back at: the latest count.
	for i := range party.RecentAsks + 5 {
		id := fmt.Sprint("d90", i)
		happened(t, s, id, []int{1000 + i}, casework.MissedTime{Obligation: id + "-1"})
		send(id, id+"-1", "many@x.example", "ask", 1, 500+i, store.NoticeAccepted, false)
	}
	if f := figures("many@x.example")["many@x.example"]; f.Accepted != party.RecentAsks+5 || f.Asks != party.RecentAsks || f.Silent != party.RecentAsks || !f.SilentSince.Equal(minutes(505)) {
		t.Errorf("%+v", f)
	}

	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		cs, err := tx.Contacts(ctx, 3)
		if err != nil {
			return err
		}
		var names []string
		for _, c := range cs {
			names = append(names, c.Address)
		}
		if !slices.Equal(names, []string{"many@x.example", "quiet@x.example", "door@x.example"}) || !cs[1].Last.Equal(minutes(300)) || !slices.Equal(cs[1].Parties, []string{"registrar:7"}) {
			t.Errorf("%+v", cs)
		}
		all, err := tx.Contacts(ctx, 0)
		if err != nil {
			return err
		}
		for _, c := range all {
			if c.Address == "someone@reporter.example" {
				t.Error("a reporter is listed as a contact")
			}
			if c.Address == "abuse@desk.example" && !slices.Equal(c.Parties, []string{"registrar:1", "registrar:2", "registrar:3", "registrar:4"}) {
				t.Errorf("%+v", c)
			}
		}
		of, err := tx.PartyContacts(ctx, "registrar:5")
		if err != nil {
			return err
		}
		equal(t, of, []string{"first@two.example", "second@two.example"})
		_, err = tx.ContactFigures(ctx, make([]string, store.MaxContacts+1))
		if problem.CodeOf(err) != problem.TooLarge {
			t.Errorf("too many addresses: %v", err)
		}
		return nil
	})
}

func testCountDesk(t *testing.T, e *env) {
	s := e.open(t)
	put(t, s, 0, newCase("c1", "a"))
	for i, n := range []struct {
		party, to string
		state     store.NoticeState
		at        int
	}{
		{"registrar:1", "abuse@desk.example", store.NoticeAccepted, 1},
		{"registrar:2", "ABUSE@desk.example", store.NoticeInDoubt, 2},
		{"registrar:3", "other@desk.example", store.NoticeAccepted, 3},
		{"registrar:4", "abuse@desk.example", store.NoticeFailed, 3},
		{"registrar:5", "abuse@elsewhere.example", store.NoticeAccepted, 4},
		{"registrar:6", "", store.NoticeAccepted, 5},
		{"registrar:7", "abuse@desk.example", store.NoticeDue, 5},
	} {
		x := notice(fmt.Sprint("n", i), "c1", i+1)
		x.Party, x.To, x.State, x.Created, x.Due, x.Done = n.party, n.to, n.state, minutes(n.at), minutes(n.at), minutes(n.at)
		update(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.AddNotice(ctx, x); return err })
	}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, tc := range []struct {
			addrs, parties []string
			since, want    int
		}{
			{nil, nil, 0, 0},
			{[]string{"abuse@desk.example"}, nil, 0, 2},
			{[]string{"abuse@desk.example"}, nil, 2, 1},
			{[]string{"abuse@desk.example"}, []string{"registrar:1"}, 0, 2},
			{[]string{"abuse@desk.example"}, []string{"registrar:3", "registrar:9"}, 0, 3},
			{[]string{"abuse@desk.example", "other@desk.example"}, []string{"registrar:5"}, 0, 4},
			{[]string{""}, nil, 0, 0},
		} {
			got, err := tx.CountDesk(ctx, tc.addrs, tc.parties, minutes(tc.since))
			if err != nil {
				return err
			}
			if got != tc.want {
				t.Errorf("%v %v since %d: %d, want %d", tc.addrs, tc.parties, tc.since, got, tc.want)
			}
		}
		return nil
	})
}
