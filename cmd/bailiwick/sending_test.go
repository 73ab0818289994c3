package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/store"
)

// submitSome reports every name of a small world once.
func submitSome(t *testing.T, base string, subs []submission) {
	t.Helper()
	client := &http.Client{Timeout: time.Minute}
	defer client.CloseIdleConnections()
	for _, sub := range subs {
		if _, err := post(t.Context(), client, base, sub.key, sub.body); err != nil {
			t.Fatal(err)
		}
	}
}

// standing is how a site's cases and notices stand.
type standing struct {
	confirmed, cases int
	notices          []store.Notice
	states           map[store.NoticeState]int
}

func stand(ctx context.Context, st *store.Store) (standing, error) {
	s := standing{states: map[store.NoticeState]int{}}
	err := st.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Cases(ctx, store.CaseFilter{})
		if err != nil {
			return err
		}
		s.cases = len(rows)
		for _, row := range rows {
			var cs casework.Case
			if err := json.Unmarshal(row.Body, &cs); err != nil {
				return err
			}
			if cs.Confirmation != nil {
				s.confirmed++
			}
			ns, err := tx.Notices(ctx, row.ID)
			if err != nil {
				return err
			}
			s.notices = append(s.notices, ns...)
		}
		return nil
	})
	for _, n := range s.notices {
		s.states[n.State]++
	}
	return s, err
}

// held waits until n cases are confirmed and every notice about them has been
// looked at and held, and checks that the reason holds some words.
func held(t *testing.T, st *store.Store, n int, words string) {
	t.Helper()
	var s standing
	if err := until(t.Context(), func() (ok bool, err error) {
		s, err = stand(t.Context(), st)
		looked := len(s.notices) > n
		for _, n := range s.notices {
			looked = looked && n.Response != ""
		}
		return looked && s.confirmed == n, err
	}); err != nil {
		t.Fatalf("%v: %d of %d cases are confirmed, notices %v", err, s.confirmed, s.cases, s.states)
	}
	for _, n := range s.notices {
		if n.State != store.NoticeDue || !strings.Contains(n.Response, words) || n.Attempts != 0 || n.Due.IsZero() {
			t.Errorf("notice %s is %s, due %s after %d attempts: %q", n.ID, n.State, n.Due, n.Attempts, n.Response)
		}
	}
}

// taken waits until every notice was taken by a server, and holds them against
// the mailboxes.
func taken(t *testing.T, st *store.Store, w *world) {
	t.Helper()
	var s standing
	if err := until(t.Context(), func() (ok bool, err error) {
		s, err = stand(t.Context(), st)
		return s.states[store.NoticeAccepted] == len(s.notices), err
	}); err != nil {
		t.Fatalf("%v: notices %v", err, s.states)
	}
	boxes := w.messageIDs(t)
	for _, n := range s.notices {
		if boxes[n.MessageID] != 1 {
			t.Errorf("the mail of notice %s arrived %d times", n.ID, boxes[n.MessageID])
		}
	}
	if len(s.notices) == 0 || len(boxes) != len(s.notices) {
		t.Errorf("%d notices, %d mails", len(s.notices), len(boxes))
	}
}

// quietWorld is a small world whose parties all take mail, and a report about
// each of its names.
func quietWorld(t *testing.T, base string, latency time.Duration) (*world, []submission) {
	t.Helper()
	sc := smallWorld(4, 2, 0)
	sc.Hosts, sc.Registrars = sc.Hosts[:2], sc.Registrars[:4]
	for i := range sc.Names {
		sc.Names[i].Host, sc.Names[i].Registrar = sc.Hosts[i%2].Name, sc.Registrars[i%4].Name
	}
	subs := submissions(t, sc, rand.New(rand.NewPCG(crashSeed, 3)), len(sc.Names), false)
	return newWorld(t, sc, base, latency), subs
}

// TestServeSendsNothingUnlessEnabled: a centre whose operator has not switched
// mail on confirms (its rule is on), writes its notices, and sends none of
// them; once it is switched on they leave.
func TestServeSendsNothingUnlessEnabled(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			addr := freeAddr(t)
			w, subs := quietWorld(t, "http://"+addr, 0)
			s := newSite(t, e.dsn(t), w.gate, addr, operator{rules: true, workers: 3})
			p := s.serving()
			submitSome(t, s.url, subs)
			st := s.store()
			held(t, st, 6, "not switched on")
			if n := len(w.Mails()); n != 0 || w.Counts().SMTPAccepted != 0 {
				t.Errorf("%d mails have left", n)
			}
			if out := s.run("sending", "show"); !strings.Contains(out, "not stopped") {
				t.Errorf("sending show: %q", out)
			}
			p.stop(t)
			s.configure(t, operator{rules: true, mail: true, workers: 3})
			p = s.serving()
			taken(t, st, w)
			p.stop(t)
		})
	}
}

// TestStopSwitch: a command on any machine holds all mail of a running server,
// and lets it out again, at once.
func TestStopSwitch(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			addr := freeAddr(t)
			w, subs := quietWorld(t, "http://"+addr, 0)
			s := newSite(t, e.dsn(t), w.gate, addr, operator{rules: true, mail: true, workers: 3})
			p := s.serving()
			s.run("sending", "stop")
			if out := s.run("sending", "show"); !strings.HasPrefix(out, "stopped since 2") {
				t.Errorf("sending show: %q", out)
			}
			submitSome(t, s.url, subs)
			st := s.store()
			held(t, st, 6, "the stop switch is on")
			if n := len(w.Mails()); n != 0 {
				t.Errorf("%d mails have left", n)
			}
			s.run("sending", "go")
			if out := s.run("sending", "show"); !strings.Contains(out, "not stopped") {
				t.Errorf("sending show: %q", out)
			}
			taken(t, st, w)
			p.stop(t)
		})
	}
}

// TestStopFinishesMail: a server that is asked to end finishes the mails it is
// sending: a restart leaves nothing in doubt.
func TestStopFinishesMail(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			addr := freeAddr(t)
			w, subs := quietWorld(t, "http://"+addr, 20*time.Millisecond)
			s := newSite(t, e.dsn(t), w.gate, addr, operator{rules: true, mail: true, workers: 3})
			st := s.store()
			for round, at := range []string{atMail, atDot, atDot} {
				p := s.serving()
				tr := w.tap.set(at)
				if round == 0 {
					submitSome(t, s.url, subs)
				}
				select {
				case <-tr.sprung:
				case <-time.After(patience):
					t.Fatal("no mail is sent")
				}
				// It has a mail on its way when it is asked to end, and the other
				// side takes a while.
				ended := make(chan struct{})
				go func() { p.stop(t); close(ended) }()
				select {
				case <-ended:
					t.Error("it did not wait for its mail")
				case <-time.After(500 * time.Millisecond):
				}
				w.tap.unset(tr)
				<-ended
				got, err := stand(t.Context(), st)
				if err != nil {
					t.Fatal(err)
				}
				if got.states[store.NoticeInDoubt]+got.states[store.NoticeIntended] > 0 || got.states[store.NoticeAccepted] <= round {
					t.Errorf("after stop %d: notices %v", round+1, got.states)
				}
			}
			p := s.serving()
			taken(t, st, w)
			p.stop(t)
			if log := fmt.Sprint(p.log); strings.Contains(log, "ERROR") {
				t.Error(log)
			}
		})
	}
}
