package centre

import (
	"context"
	"strings"
	"sync"
	"time"

	"bailiwick/notify/email"
	"bailiwick/problem"
	"bailiwick/store"
)

// Limits of sending, in real time. Whoever runs a mail server decides how long it
// takes to answer; none of that may hold up what is for others, or the desk.
const (
	// sendingAsks and sendingCodes are how many messages are on their way at once:
	// anybody can have a code sent to a server of theirs, so codes have workers of
	// their own.
	sendingAsks, sendingCodes = 8, 4
	// askTotal and codeTotal are how long one message may take, with all servers of
	// its domain. The first is shorter than the lease (Settings.Lease).
	askTotal, codeTotal = 9 * time.Minute, time.Minute
	// sendPatience is how long Deliver waits while no server answers, and
	// sendRound how long it waits in all: what is under way then goes on by itself.
	sendPatience, sendRound = 10 * time.Second, time.Minute
)

// lanes are the mail domains that something is being sent to: one message at a time
// each, and so many at once.
type lanes struct {
	mu   sync.Mutex
	busy map[mailLane]bool
}

// mailLane is a mail domain, and whether what goes there is a code.
type mailLane struct {
	domain string
	code   bool
}

func (l *lanes) take(k mailLane) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, most := 0, sendingAsks
	if k.code {
		most = sendingCodes
	}
	for b := range l.busy {
		if b.domain == k.domain {
			return false
		}
		if b.code == k.code {
			n++
		}
	}
	if n >= most {
		return false
	}
	if l.busy == nil {
		l.busy = map[mailLane]bool{}
	}
	l.busy[k] = true
	return true
}

func (l *lanes) leave(k mailLane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, k)
}

// Deliver sends the given notices that are due. Each is one message to one
// party: the intent is committed before the first SMTP byte, the result after
// the last, and a result that is never written is in doubt, not repeated. Nothing is
// intended that does not leave at once: what waits for a domain that is busy, or
// for a worker, is still due when Deliver returns, and the sweep finds it.
func (c *Centre) Deliver(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	// What is sent outlives a caller that will not wait for it, and not the centre.
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	attached := context.AfterFunc(ctx, stop)
	ended := context.AfterFunc(c.life, stop)
	var under sync.WaitGroup
	defer func() {
		c.done.Go(func() { under.Wait(); ended(); attached(); stop() })
	}()

	var first error
	note := func(id string, err error) {
		if err != nil {
			c.Log.Error("a notice could not be handled", "notice", id, "err", err)
			if first == nil {
				first = err
			}
		}
	}
	type result struct {
		id  string
		err error
	}
	back := make(chan result, len(ids))
	left, running := ids, 0
	to := map[string]mailLane{}
	round := time.NewTimer(sendRound)
	defer round.Stop()
	for {
		var waits []string
		for _, id := range left {
			if ctx.Err() != nil {
				break
			}
			k, known := to[id]
			if !known {
				var due bool
				var err error
				if k, due, err = c.laneOf(ctx, id); err != nil || !due {
					note(id, err)
					continue
				}
				to[id] = k
			}
			if !c.lanes.take(k) {
				waits = append(waits, id)
				continue
			}
			msg, n, ok, err := c.intend(ctx, id)
			if err != nil || !ok {
				c.lanes.leave(k)
				note(id, err)
				continue
			}
			running++
			under.Go(func() {
				err := c.send(sending, k, msg, n)
				c.lanes.leave(k) // before anybody hears of it and looks for what may leave next
				back <- result{id, err}
			})
		}
		if left = waits; running == 0 {
			break
		}
		patience := time.NewTimer(sendPatience)
		select {
		case r := <-back:
			patience.Stop()
			running--
			note(r.id, r.err)
			continue
		case <-patience.C:
		case <-round.C:
		}
		patience.Stop()
		if ctx.Err() == nil {
			attached() // what is under way goes on
			return first
		}
		return ctx.Err()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return first
}

// send sends a message that is intended, and writes what became of it.
func (c *Centre) send(ctx context.Context, k mailLane, msg email.Message, n store.Notice) error {
	total := askTotal
	if k.code {
		total = codeTotal
	}
	sending, done := finishing(ctx)
	sending, cancel := context.WithTimeout(sending, total)
	res := c.Mail.Send(sending, msg)
	cancel()
	done()
	// The result is written even when ctx has ended meanwhile: the message is
	// out, and forgetting that would leave it in doubt.
	return c.sent(context.WithoutCancel(ctx), n, res)
}

// laneOf says where a notice goes, if it is due. The address of a code is in no
// notice.
func (c *Centre) laneOf(ctx context.Context, id string) (k mailLane, due bool, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		n, err := tx.Notice(ctx, id)
		if err != nil {
			return err
		}
		due = n.State == store.NoticeDue && !n.Due.After(c.Clock.Now())
		if k.code = n.Kind == kindVerify; k.code && due {
			v, err := verifications.load(ctx, tx, strings.TrimPrefix(n.Obligation, routeVerify))
			if err != nil {
				return err
			}
			values, err := readValues(ctx, tx, v)
			if err != nil && problem.CodeOf(err) != problem.NotFound { // intend says so
				return err
			}
			n.To = values.Email
		}
		_, domain, _ := strings.Cut(n.To, "@")
		k.domain = strings.ToLower(domain)
		return nil
	})
	return k, due, err
}
