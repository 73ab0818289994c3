package centre

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/mail/dsn"
	"bailiwick/mail/reply"
	"bailiwick/problem"
	"bailiwick/store"
)

// where says where a log stands: what a step goes on from.
type where struct {
	id   string
	seq  int
	last time.Time
}

// keeping is how the centre keeps one kind of log beside its cases (a
// casework.Machine): disclosure requests, inaccuracy cases, verifications. T is the
// projection, with what the centre knows beside it; C are its commands.
type keeping[T, C any] struct {
	what string // what errors call it: "request"
	// kind is of its notices, begins their ids, and route stands before its id in
	// the delivery log and where its mail is filed: "disclosure:".
	kind, notices, route string

	at     func(T) where
	decide func(T, C, time.Time) ([]casework.Event, error)
	seal   func(T, string, casework.Event, time.Time, [32]byte) (casework.Entry, error)
	apply  func(T, casework.Entry) (T, error)

	load   func(context.Context, *store.Tx, string) (T, error)
	events func(*store.Tx, context.Context, string) ([]casework.Entry, error)
	append func(*store.Tx, context.Context, []casework.Entry) error
	// final says that a Conflict when its row is written is no race: nobody is
	// asked to try again. nil: it always is one.
	final func(before T) bool
}

// taken is a step that was taken and is not written yet.
type taken[T any] struct {
	before, after T
	id            string
	now           time.Time
	events        []casework.Event
	entries       []casework.Entry
}

// take gives commands to a log, one after the other. A log without events is
// opened by the first of them, under its id, or a new one if it has none yet.
func (k *keeping[T, C]) take(c *Centre, t T, cmds ...C) (taken[T], error) {
	at := k.at(t)
	s := taken[T]{before: t, after: t, id: at.id, now: c.Clock.Now()}
	if s.id == "" {
		s.id = c.NewID()
	}
	if s.now.Before(at.last) {
		s.now = at.last // two machines' clocks differ: a log never runs backwards
	}
	for _, cmd := range cmds {
		evs, err := k.decide(s.after, cmd, s.now)
		if err != nil {
			return s, err
		}
		for _, ev := range evs {
			var salt [32]byte
			if _, err := rand.Read(salt[:]); err != nil {
				return s, err
			}
			e, err := k.seal(s.after, s.id, ev, s.now, salt)
			if err != nil {
				return s, err
			}
			if s.after, err = k.apply(s.after, e); err != nil {
				return s, err
			}
			s.events, s.entries = append(s.events, ev), append(s.entries, e)
		}
	}
	return s, nil
}

// write writes a step: the row, for which the log must stand where it did (was is
// how many events it had), its events, and the notices that they order.
func (k *keeping[T, C]) write(ctx context.Context, tx *store.Tx, p *prompts, s taken[T], row func(was int) error, notices ...store.Notice) error {
	if err := row(k.at(s.before).seq); err != nil {
		if problem.CodeOf(err) == problem.Conflict && (k.final == nil || !k.final(s.before)) {
			return problem.Wrap(errRace, problem.Conflict, "somebody else changed %s %s first", k.what, s.id)
		}
		return err
	}
	if err := k.append(tx, ctx, s.entries); err != nil {
		return err
	}
	for _, n := range notices {
		if err := p.order(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}

// notice is notice n of a log, by mail, due now.
func (k *keeping[T, C]) notice(s taken[T], n int, party, to string) store.Notice {
	return store.Notice{ID: k.noticeID(s.id, n), Obligation: k.route + s.id, Number: n, Kind: k.kind, Channel: "email", Party: party, To: to,
		State: store.NoticeDue, Created: s.now, Due: s.now}
}

func (k *keeping[T, C]) noticeID(id string, n int) string {
	return fmt.Sprintf("%s.%s.%d", k.notices, id, n)
}

// change loads a log, has commands made of it, and takes them by step, in one
// transaction, for somebody who saw it up to the event numbered seq; 0 sets no such
// condition. Where somebody else was first it does so again.
func (k *keeping[T, C]) change(ctx context.Context, c *Centre, id string, seq int, make func(context.Context, *store.Tx, T) ([]C, error),
	step func(context.Context, *store.Tx, *prompts, T, []C) (T, error)) (T, error) {
	var out T
	err := retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			t, err := k.load(ctx, tx, id)
			if err != nil {
				return err
			}
			if seq > 0 && seq != k.at(t).seq {
				return problem.New(problem.Conflict, "somebody acted on %s %s meanwhile: look at it again", k.what, id)
			}
			cmds, err := make(ctx, tx, t)
			if err != nil {
				return err
			}
			var p prompts
			if out, err = step(ctx, tx, &p, t, cmds); err != nil {
				return err
			}
			return p.enqueue(ctx, tx)
		})
	})
	return out, err
}

// given are commands that are known beforehand, for change.
func given[T, C any](cmds []C) func(context.Context, *store.Tx, T) ([]C, error) {
	return func(context.Context, *store.Tx, T) ([]C, error) { return cmds, nil }
}

// one reads a log's projection.
func (k *keeping[T, C]) one(ctx context.Context, c *Centre, id string) (T, error) {
	return view(ctx, c, func(tx *store.Tx) (T, error) { return k.load(ctx, tx, id) })
}

// log reads a log.
func (k *keeping[T, C]) log(ctx context.Context, c *Centre, id string) ([]casework.Entry, error) {
	return view(ctx, c, func(tx *store.Tx) ([]casework.Entry, error) {
		if _, err := k.load(ctx, tx, id); err != nil {
			return nil, err
		}
		return k.events(tx, ctx, id)
	})
}

// export writes a log's chain with a signed head. Personal payloads are withheld
// unless personal is true.
func (k *keeping[T, C]) export(ctx context.Context, c *Centre, w io.Writer, id string, personal bool) error {
	es, err := k.log(ctx, c, id)
	if err != nil {
		return err
	}
	return c.exportLog(w, k.what, id, es, personal)
}

// sent reads the first n notices of a log, in order.
func (k *keeping[T, C]) sent(ctx context.Context, c *Centre, id string, n int) ([]store.Notice, error) {
	return view(ctx, c, func(tx *store.Tx) (out []store.Notice, err error) {
		for i := range n {
			x, err := tx.Notice(ctx, k.noticeID(id, i+1))
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
		return out, nil
	})
}

// accepted are the Message-IDs of the notices of a log, of those numbered, that a
// server accepted: what the next message refers to.
func (k *keeping[T, C]) accepted(ctx context.Context, tx *store.Tx, id string, numbers ...int) (ids []string) {
	for _, n := range numbers {
		if e, err := tx.Notice(ctx, k.noticeID(id, n)); err == nil && e.State == store.NoticeAccepted {
			ids = append(ids, e.MessageID)
		}
	}
	return ids
}

// loading reads the projection of a row.
func loading[R, T any](row func(*store.Tx, context.Context, string) (R, error), unpack func(R) (T, error)) func(context.Context, *store.Tx, string) (T, error) {
	return func(ctx context.Context, tx *store.Tx, id string) (T, error) {
		r, err := row(tx, ctx, id)
		if err != nil {
			var none T
			return none, err
		}
		return unpack(r)
	}
}

// unwanted writes on a notice that it is not sent any more.
func unwanted(ctx context.Context, tx *store.Tx, n store.Notice, now time.Time, why string) error {
	n.State, n.Done, n.Response = store.NoticeStopped, now, "no longer wanted: "+why
	return tx.FinishNotice(ctx, n)
}

// declined says that a rule or a state did not allow a command, as against a
// failure, or somebody who was first.
func declined(err error) bool {
	code := problem.CodeOf(err)
	return err != nil && !errors.Is(err, errRace) && (code == problem.Conflict || code == problem.Refused)
}

// eachOf works on things one after the other: one that fails is logged, and keeps
// no other.
func (c *Centre) eachOf(ctx context.Context, ids []string, key, failed string, work func(id string) error) error {
	var errs []error
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		if err := work(id); err != nil && ctx.Err() == nil {
			c.Log.Error(failed, key, id, "err", err)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// logLook writes into the access log that somebody looks at personal data, before
// anything is read.
func (c *Centre) logLook(ctx context.Context, actor string, purpose access.Purpose, kind access.Kind, id, why string) error {
	return c.Store.Access().UpdateAccess(ctx, func(rows access.Rows) error {
		return rows.AddEntry(ctx, access.Entry{At: c.Clock.Now(), Actor: actor, Act: access.Looked, Purpose: purpose, Kind: kind, Object: id, Detail: why})
	})
}

// words reads what people wrote on a log, as far as it is kept: the payloads of a
// kind of event. They are personal: who shows them logs it.
func words(es []casework.Entry, what string, kind casework.Kind) ([]Word, error) {
	var out []Word
	for _, e := range es {
		if e.Kind != kind || e.Payload == nil {
			continue
		}
		// Packages disclosure, inaccuracy and verify write them in one form.
		var w struct {
			With casework.Kind `json:"with"`
			Text string        `json:"text"`
		}
		if err := json.Unmarshal(e.Payload.Body, &w); err != nil {
			return nil, unreadable(err, what, e)
		}
		out = append(out, Word{At: e.At, By: e.Actor, With: w.With, Text: w.Text})
	}
	return out, nil
}

// unreadable is the error of an event whose payload does not parse.
func unreadable(err error, what string, e casework.Entry) error {
	return problem.Wrap(err, problem.Corrupt, "event %d of %s %s does not parse", e.Seq, what, e.Case)
}

// ours says whether a person's mail is a message of ours that came back, and then
// ignores it.
func (c *Centre) ours(ctx context.Context, tx *store.Tx, a arrived, row *store.Mail) (bool, error) {
	yes, err := c.sentByUs(ctx, tx, a.row.MessageID)
	if yes || err != nil {
		ignore(row, "our own message came back")
	}
	return yes, err
}

// deliveryReport reads a mail that is a delivery report; ok is false for one that
// cannot be read, which is ignored.
func deliveryReport(a arrived, row *store.Mail) (rep dsn.Report, ok bool) {
	rep, err := dsn.Read(&a.msg)
	if err != nil {
		ignore(row, "a delivery report that cannot be read: "+problem.DocumentOf(err).Detail)
		return rep, false
	}
	return rep, true
}

// meant is what a person's own words in a mail seem to say, for whoever reads it.
func meant(a arrived) string {
	if answer, sure := reply.Meant(reply.Own(&a.msg)); sure {
		return "seems to say: " + answer
	}
	return "a person wrote: read it"
}
