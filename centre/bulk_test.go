package centre

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
)

// servers are made-up servers: each answers by a function of its own, and
// counts how many questions are under way.
type servers struct {
	mu      sync.Mutex
	answer  map[string]func(s collect.Step, n int) (collect.Outcome, error)
	takes   map[string]time.Duration
	asked   map[string]int
	perName map[string]int
	busy    map[string]int
	most    map[string]int
	done    map[string]time.Time
}

func newServers() *servers {
	return &servers{answer: map[string]func(collect.Step, int) (collect.Outcome, error){}, takes: map[string]time.Duration{}, asked: map[string]int{},
		perName: map[string]int{}, busy: map[string]int{}, most: map[string]int{}, done: map[string]time.Time{}}
}

func (s *servers) begin(d name.Domain) (collect.Step, error) {
	if d.TLD() == "nowhere" {
		return collect.Step{}, problem.New(problem.NotFound, "no server is known for %s", d)
	}
	return collect.Step{Domain: d, Protocol: "rdap", Role: "registry", Server: d.TLD() + ":443"}, nil
}

func (s *servers) ask(ctx context.Context, step collect.Step) (collect.Outcome, error) {
	s.mu.Lock()
	s.asked[step.Server]++
	n := s.asked[step.Server]
	s.perName[step.Server+" "+step.Domain.String()]++
	s.busy[step.Server]++
	s.most[step.Server] = max(s.most[step.Server], s.busy[step.Server])
	takes, answer := s.takes[step.Server], s.answer[step.Server]
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy[step.Server]--
		s.mu.Unlock()
	}()
	// Nobody waits for no time at all: several goroutines of a bubble that each read a
	// timer that is already due break Go's race detector, as of Go 1.26.
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return collect.Outcome{}, ctx.Err()
		}
	} else if err := ctx.Err(); err != nil {
		return collect.Outcome{}, err
	}
	if answer != nil {
		return answer(step, n)
	}
	return registered(step)
}

func registered(step collect.Step) (collect.Outcome, error) {
	return collect.Outcome{Done: true, Record: registration.Record{State: registration.Registered, Domain: step.Domain.String()}}, nil
}

// bulkRig is a run over names of top-level domains, so many of each.
func bulkRig(t *testing.T, s *servers, path string, names map[string]int) (*BulkLookup, *bytes.Buffer) {
	t.Helper()
	run, err := store.OpenRun(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	var add []store.RunName
	for tld, n := range names {
		for i := range n {
			add = append(add, store.RunName{Name: fmt.Sprintf("n%d.%s", i, tld), Lane: tld + ":443", Line: int64(len(add) + 1)})
		}
	}
	if _, err := run.Add(t.Context(), add, nil); err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	b := &BulkLookup{Run: run, Begin: s.begin, Ask: s.ask, Clock: clock.Real{}, Side: func(string) int { return 4 },
		Line: func(r LookupResult) ([]byte, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			tld := r.Name[strings.LastIndexByte(r.Name, '.')+1:]
			s.done[tld] = time.Now()
			return fmt.Appendf(nil, "%s %s %v\n", r.Name, r.Record.State, r.Err != nil), nil
		},
		Write: func(p []byte) (int64, error) { out.Write(p); return int64(out.Len()), nil }}
	return b, out
}

// each checks that every name has one line, and counts what the lines say.
func each(t *testing.T, out *bytes.Buffer, all int) map[string]int {
	t.Helper()
	seen, says := map[string]bool{}, map[string]int{}
	for line := range strings.Lines(out.String()) {
		f := strings.Fields(line)
		if len(f) < 2 || seen[f[0]] {
			t.Fatalf("a line twice, or broken: %q", line)
		}
		seen[f[0]] = true
		says[strings.Join(f[1:], " ")]++
	}
	if len(seen) != all {
		t.Errorf("%d names have a line, want %d", len(seen), all)
	}
	return says
}

// TestBulkLanes: a slow server holds up nobody, no server gets more questions
// at a time than it may, and every name is asked about once.
func TestBulkLanes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.run")
	synctest.Test(t, func(t *testing.T) {
		s := newServers()
		s.takes = map[string]time.Duration{"fast:443": 10 * time.Millisecond, "slow:443": 10 * time.Second}
		b, out := bulkRig(t, s, path, map[string]int{"fast": 1500, "slow": 40, "nowhere": 3})
		begin := time.Now()
		if err := b.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		each(t, out, 1543)
		if took := s.done["fast"].Sub(begin); took > 6*time.Second { // 1,500 of 10 ms by 4, and the rounds of the writer
			t.Errorf("the fast server's names took %v", took)
		}
		if took := s.done["slow"].Sub(begin); took < 100*time.Second || took > 105*time.Second {
			t.Errorf("the slow server's names took %v, want 100 s", took)
		}
		for server, n := range s.most {
			if n > 4 {
				t.Errorf("%d questions at a time at %s", n, server)
			}
		}
		for q, n := range s.perName {
			if n != 1 {
				t.Errorf("%s was asked %d times", q, n)
			}
		}
	})
}

// TestBulkThrottle: a server that wants to be left alone is, until the time it
// said; a name is put off so often and no more.
func TestBulkThrottle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.run")
	synctest.Test(t, func(t *testing.T) {
		s := newServers()
		s.takes = map[string]time.Duration{"strict:443": 100 * time.Millisecond, "deaf:443": 100 * time.Millisecond}
		var until time.Time
		early := 0
		s.answer["strict:443"] = func(step collect.Step, n int) (collect.Outcome, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			// Who was under way when it said so cannot have known.
			if !until.IsZero() && time.Now().Before(until) && time.Since(until.Add(-time.Minute)) > 100*time.Millisecond {
				early++
			}
			if n%10 == 0 {
				until = time.Now().Add(time.Minute)
				return collect.Outcome{Done: true, Throttled: true, RetryAt: until, Next: step, Record: registration.Record{State: registration.Throttled}}, nil
			}
			return registered(step)
		}
		s.answer["deaf:443"] = func(step collect.Step, n int) (collect.Outcome, error) { // never says for how long
			return collect.Outcome{Done: true, Throttled: true, Next: step, Record: registration.Record{State: registration.Throttled}}, nil
		}
		b, out := bulkRig(t, s, path, map[string]int{"strict": 50, "deaf": 2})
		b.Tries = 3
		if err := b.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		says := each(t, out, 52)
		if says["registered false"] != 50 || says["throttled false"] != 2 {
			t.Errorf("%v", says)
		}
		if early > 0 {
			t.Errorf("%d questions while the server wanted none", early)
		}
		for _, n := range []string{"n0.deaf", "n1.deaf"} {
			if k := s.perName["deaf:443 "+n]; k != 3 && k != 4 { // those under way together count one try for both
				t.Errorf("%s was asked about %d times", n, k)
			}
		}
		lanes, err := b.Run.Lanes(t.Context())
		for _, l := range lanes {
			if l.Asked != l.Answered+l.Throttled+l.Failed || l.Names != 0 {
				t.Errorf("the counts do not add up: %+v", l)
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// TestBulkDead: a server that gives no answer is tried by one question at a
// time, and given up after a while; its names get their lines.
func TestBulkDead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.run")
	synctest.Test(t, func(t *testing.T) {
		s := newServers()
		s.takes = map[string]time.Duration{"dead:443": 5 * time.Second}
		s.answer["dead:443"] = func(step collect.Step, n int) (collect.Outcome, error) {
			return collect.Outcome{Done: true, Failed: "timeout"}, problem.New(problem.Unavailable, "nobody answers")
		}
		// A server that is back after two minutes loses nothing.
		back := time.Now().Add(2 * time.Minute)
		s.answer["away:443"] = func(step collect.Step, n int) (collect.Outcome, error) {
			if time.Now().Before(back) {
				return collect.Outcome{Done: true, Failed: "refused"}, problem.New(problem.Unavailable, "nobody answers")
			}
			return registered(step)
		}
		b, out := bulkRig(t, s, path, map[string]int{"dead": 300, "away": 300})
		b.Tries, b.GiveUp = 5, 10*time.Minute
		begin := time.Now()
		if err := b.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		says := each(t, out, 600)
		if says["registered false"] != 300 || says["true"] != 300 {
			t.Errorf("%v", says)
		}
		if took := time.Since(begin); took > 30*time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

// TestBulkSpill: names whose second server is slow do not fill the memory, and
// hold up none of the others.
func TestBulkSpill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.run")
	synctest.Test(t, func(t *testing.T) {
		s := newServers()
		const all = maxInHand + 1500
		s.answer["thin:443"] = func(step collect.Step, n int) (collect.Outcome, error) {
			step.Server, step.Role = "registrar:443", "registrar"
			return collect.Outcome{Next: step}, nil
		}
		s.takes["registrar:443"] = 100 * time.Millisecond
		b, out := bulkRig(t, s, path, map[string]int{"thin": all, "fast": 10})
		if err := b.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		if says := each(t, out, all+10); says["registered false"] != all+10 {
			t.Errorf("%v", says)
		}
		if s.asked["registrar:443"] != all {
			t.Errorf("the registrar was asked %d times", s.asked["registrar:443"])
		}
		if b.inHand != 0 {
			t.Errorf("%d names are still in hand", b.inHand)
		}
	})
}

// TestBulkStops: a run that is stopped, and one whose output cannot be written,
// ends, and the next one does what is left.
func TestBulkStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.run")
	synctest.Test(t, func(t *testing.T) {
		s := newServers()
		s.takes["fast:443"] = 100 * time.Millisecond
		b, first := bulkRig(t, s, path, map[string]int{"fast": 400})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := b.Do(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		full := errors.New("the disk is full")
		again := &BulkLookup{Run: b.Run, Begin: b.Begin, Ask: b.Ask, Clock: b.Clock, Line: b.Line, Write: func([]byte) (int64, error) { return 0, full }}
		if err := again.Do(t.Context()); !errors.Is(err, full) {
			t.Fatalf("got %v", err)
		}
		rest := &BulkLookup{Run: b.Run, Begin: b.Begin, Ask: b.Ask, Clock: b.Clock, Line: b.Line, Write: b.Write}
		if err := rest.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		each(t, first, 400) // both wrote to it
	})
}

// TestBulkProgress: what time is left is told by the slowest server.
func TestBulkProgress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.run")
	synctest.Test(t, func(t *testing.T) {
		s := newServers()
		s.takes = map[string]time.Duration{"fast:443": 10 * time.Millisecond, "slow:443": 4 * time.Second}
		b, _ := bulkRig(t, s, path, map[string]int{"fast": 100, "slow": 400})
		done := make(chan error, 1)
		begin := time.Now()
		go func() { done <- b.Do(t.Context()) }()
		for n := 0; ; n++ {
			time.Sleep(time.Second)
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
				return
			default:
			}
			p := b.Progress()
			if n < 60 || n > 380 {
				continue
			}
			// 400 names of 4 s by 4: 400 s in all.
			want := 400*time.Second - time.Since(begin)
			if p.Slowest != "slow:443" || (p.Left-want).Abs() > 30*time.Second {
				t.Errorf("after %v: %v left (%s %s), want about %v", time.Since(begin), p.Left, p.Slowest, p.Why, want)
				return
			}
		}
	})
}
