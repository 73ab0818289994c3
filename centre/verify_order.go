package centre

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/name"
	"bailiwick/notify/webhook"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/verify"
)

// The kinds of order.
const (
	orderHold    = "hold"
	orderRelease = "release"
)

// orderRetries are the waits after attempts at an order; after the last it is a
// person's.
var orderRetries = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour, 24 * time.Hour}

// VerifyOrder is what is sent to the registrar's system (docs/verification.md).
type VerifyOrder struct {
	Order    string    `json:"order"` // "hold" or "release"
	Name     string    `json:"name"`
	ID       string    `json:"id"`
	Reason   string    `json:"reason"` // "no_answer", a ground, or "verified"
	At       time.Time `json:"at"`
	Statuses []string  `json:"statuses"` // EPP
}

// addOrder writes an order and, if it is to be sent, prompts for it.
func (c *Centre) addOrder(ctx context.Context, tx *store.Tx, p *prompts, v Verification, o store.VerificationOrder, reason string, statuses []string) (store.VerificationOrder, error) {
	o.ID, o.Verification, o.Name = c.NewID(), v.ID, v.Name
	var err error
	if o.Body, err = json.Marshal(VerifyOrder{Order: o.Kind, Name: v.Name, ID: o.ID, Reason: reason, At: o.Created, Statuses: statuses}); err != nil {
		return o, err
	}
	if o.State == store.OrderDue && !o.Due.After(o.Created) {
		p.orders = append(p.orders, o.ID)
	}
	return o, tx.AddOrder(ctx, o)
}

// orderHold orders that a name goes on hold. It goes out by itself only where the
// registration is the centre's own and nobody else lives by the name; else a
// person lets it go, or does it.
func (c *Centre) orderHold(ctx context.Context, tx *store.Tx, p *prompts, v Verification, b verify.Held, now time.Time) error {
	o := store.VerificationOrder{Kind: orderHold, State: store.OrderDue, Created: now, Due: now}
	why := ""
	switch d, err := name.Parse(v.Name); {
	case err != nil:
		return problem.Wrap(err, problem.Corrupt, "verification %s has a name that does not parse", v.ID)
	case c.Hook == nil:
		why = "no system is configured"
	case v.Org != "":
		why = "the registration is a member's: a person lets the order go"
	default:
		s, err := c.Directory.SubjectOfDomain(d)
		if err != nil {
			return err
		}
		if ok, reason := c.Directory.DNSLevelAllowed(s); !ok {
			why = reason
		}
	}
	if why != "" {
		o.State, o.Due, o.Response = store.OrderByHand, time.Time{}, why
	}
	_, err := c.addOrder(ctx, tx, p, v, o, b.Cause, b.Statuses)
	return err
}

// orderRelease orders that a hold goes. It never overtakes the hold: one that was
// not sent yet is dropped, and one that may be on its way is waited for.
func (c *Centre) orderRelease(ctx context.Context, tx *store.Tx, p *prompts, v Verification, b verify.Released, now time.Time) error {
	all, err := tx.Orders(ctx, v.ID)
	if err != nil {
		return err
	}
	o := store.VerificationOrder{Kind: orderRelease, State: store.OrderDue, Created: now, Due: now}
	for _, h := range slices.Backward(all) {
		if h.Kind != orderHold {
			continue
		}
		was := h.State
		if was == store.OrderDue || was == store.OrderByHand {
			dropped := h
			dropped.State, dropped.Due, dropped.Ended, dropped.Response = store.OrderDropped, time.Time{}, now, "the holder answered"
			if err := tx.FinishOrder(ctx, dropped, was); err != nil {
				if problem.CodeOf(err) == problem.Conflict {
					return problem.Wrap(errRace, problem.Conflict, "an order was settled at this moment")
				}
				return err
			}
		}
		switch {
		case was == store.OrderDue && h.Attempts == 0:
			return nil // it never left
		case was == store.OrderDue:
			o.Due = later(now, h.Due)
		case was == store.OrderByHand && h.Attempts == 0:
			o.State, o.Due, o.Response = store.OrderByHand, time.Time{}, "only if the hold was carried out"
		}
		break
	}
	other, err := tx.HeldByOther(ctx, v.Name, v.ID)
	if err != nil {
		return err
	}
	switch {
	case other:
		o.State, o.Due, o.Ended, o.Response = store.OrderDropped, time.Time{}, now, "another verification holds the name"
	case c.Hook == nil && o.State == store.OrderDue:
		o.State, o.Due, o.Response = store.OrderByHand, time.Time{}, "no system is configured"
	}
	_, err = c.addOrder(ctx, tx, p, v, o, "verified", b.Statuses)
	return err
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// GiveOrders sends orders that are due to the registrar's system. Each may come
// twice and does no harm: the result counts once.
func (c *Centre) GiveOrders(ctx context.Context, ids []string) error {
	var errs []error
	for _, id := range ids {
		if err := c.giveOrder(ctx, id); err != nil && ctx.Err() == nil {
			c.Log.Error("an order could not be handled", "order", id, "err", err)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (c *Centre) giveOrder(ctx context.Context, id string) error {
	var o store.VerificationOrder
	claimed := false
	if err := retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) (err error) {
			claimed = false
			now := c.Clock.Now()
			if o, err = tx.Order(ctx, id); err != nil || o.State != store.OrderDue || o.Due.After(now) {
				return err
			}
			v, err := c.loadVerification(ctx, tx, o.Verification)
			if err != nil {
				return err
			}
			if o.Kind == orderHold {
				if v.State != verify.OnHold {
					return c.endOrder(ctx, tx, v, o, store.OrderDropped, verify.OrderDropped, casework.Centre, "no longer wanted: the verification is "+string(v.State))
				}
				// The stop switch stops what does harm. A release undoes it, and goes.
				if stop, has, err := tx.Setting(ctx, SettingStop); err != nil {
					return err
				} else if has && len(stop) > 0 {
					o.Due, o.Response = now.Add(time.Hour), "held: the stop switch is on"
					return tx.FinishOrder(ctx, o, store.OrderDue)
				}
			}
			if c.Hook == nil {
				return c.endOrder(ctx, tx, v, o, store.OrderByHand, verify.OrderByHand, casework.Centre, "no system is configured")
			}
			claimed, err = tx.ClaimOrder(ctx, o, now.Add(orderRetries[min(o.Attempts, len(orderRetries)-1)]))
			o.Attempts++
			return err
		})
	}); err != nil || !claimed {
		return err
	}
	posting, done := finishing(ctx)
	res := c.Hook.Post(posting, o.Body, c.Clock.Now())
	done()
	return c.orderAnswered(context.WithoutCancel(ctx), o, res)
}

// orderAnswered writes what became of an attempt.
func (c *Centre) orderAnswered(ctx context.Context, o store.VerificationOrder, res webhook.Result) error {
	return retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			now, err := tx.Order(ctx, o.ID)
			if err != nil || now.State != store.OrderDue {
				return err // dropped meanwhile: what undoes it waits its turn
			}
			v, err := c.loadVerification(ctx, tx, o.Verification)
			if err != nil {
				return err
			}
			switch {
			case res.Already:
				return c.endOrder(ctx, tx, v, now, store.OrderDone, verify.OrderAlready, casework.Centre, res.Response)
			case res.Done:
				return c.endOrder(ctx, tx, v, now, store.OrderDone, verify.OrderDone, casework.Centre, res.Response)
			case res.Final:
				return c.endOrder(ctx, tx, v, now, store.OrderByHand, verify.OrderByHand, casework.Centre, res.Response)
			case now.Attempts > len(orderRetries):
				return c.endOrder(ctx, tx, v, now, store.OrderByHand, verify.OrderByHand, casework.Centre, "tried too often: "+res.Response)
			}
			now.Response = res.Response
			return tx.FinishOrder(ctx, now, store.OrderDue)
		})
	})
}

// endOrder ends an order, here and on the log of its verification.
func (c *Centre) endOrder(ctx context.Context, tx *store.Tx, v Verification, o store.VerificationOrder, state store.OrderState, result verify.OrderResult, by, response string) error {
	was := o.State
	o.State, o.Due, o.Response = state, time.Time{}, response
	if state != store.OrderByHand {
		o.Ended = c.Clock.Now()
	}
	if err := tx.FinishOrder(ctx, o, was); err != nil {
		if problem.CodeOf(err) == problem.Conflict {
			return problem.Wrap(errRace, problem.Conflict, "an order was settled at this moment")
		}
		return err
	}
	var p prompts
	if _, err := c.stepVerification(ctx, tx, &p, v, verify.SettleOrder{By: by, Ref: o.ID, Order: o.Kind, Result: result}); err != nil {
		return err
	}
	return p.enqueue(ctx, tx)
}

// SettleOrder is what a person does with an order that waits for one: "done" says
// that they did it, "send" lets it go to the registrar's system, "drop" that it is
// not to be done.
func (c *Centre) SettleOrder(ctx context.Context, id, by, what string) error {
	if !strings.HasPrefix(by, "person:") || strings.Contains(by, "/") {
		return problem.New(problem.Refused, "a person settles an order, in person")
	}
	return retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			o, err := tx.Order(ctx, id)
			if err != nil {
				return err
			}
			v, err := c.loadVerification(ctx, tx, o.Verification)
			if err != nil {
				return err
			}
			if o.State != store.OrderByHand {
				return problem.New(problem.Conflict, "the order is %s: it waits for nobody", o.State)
			}
			switch what {
			case "done":
				return c.endOrder(ctx, tx, v, o, store.OrderDone, verify.OrderDone, by, "by hand")
			case "drop":
				return c.endOrder(ctx, tx, v, o, store.OrderDropped, verify.OrderDropped, by, "a person dropped it")
			case "send":
				if c.Hook == nil {
					return problem.New(problem.Conflict, "no system is configured that could be told (verify.hook_url)")
				}
				o.State, o.Due, o.Response = store.OrderDue, c.Clock.Now(), "let go by "+by
				if err := tx.FinishOrder(ctx, o, store.OrderByHand); err != nil {
					return err
				}
				return tx.Enqueue(ctx, JobVerifyOrder, o.ID)
			}
			return problem.BadField("what", "is none of done, send and drop")
		})
	})
}

// VerificationOrders lists the orders of a verification, the oldest first.
func (c *Centre) VerificationOrders(ctx context.Context, id string) ([]store.VerificationOrder, error) {
	var out []store.VerificationOrder
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) { out, err = tx.Orders(ctx, id); return err })
	return out, err
}

// maxTasks is how many orders are shown that wait for a person.
const maxTasks = 200

// VerificationDesk is what waits on the desk about verifications: counts by group,
// and the orders that a person has to do or to let go.
type VerificationDesk struct {
	Counts map[string]int
	Orders []store.VerificationOrder
	// Hook says that there is a system that orders can be sent to.
	Hook bool
}

// VerificationDesk gathers what waits.
func (c *Centre) VerificationDesk(ctx context.Context) (VerificationDesk, error) {
	out := VerificationDesk{Hook: c.Hook != nil}
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		if out.Counts, err = tx.CountVerificationGroups(ctx); err != nil {
			return err
		}
		out.Orders, err = tx.OrdersByHand(ctx, maxTasks)
		return err
	})
	return out, err
}
