package centre

import (
	"context"
	"encoding/json"
	"maps"
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
	orderHold      = "hold"
	orderRelease   = "release"
	orderTerminate = "terminate"
)

// orderRetries are the waits after attempts at an order; after the last it is a
// person's.
var orderRetries = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour, 24 * time.Hour}

// orderFlight is for how long what an attempt asks for may still be done after it
// began: an attempt lasts 15 seconds (package webhook), the rest is for what the
// other side does with it. Nothing that undoes it is sent before.
const orderFlight = time.Minute

// VerifyOrder is what is sent to the registrar's system (docs/verification.md).
type VerifyOrder struct {
	Order    string    `json:"order"` // "hold", "release" or "terminate"
	Name     string    `json:"name"`
	ID       string    `json:"id"`
	Reason   string    `json:"reason"`   // "no_answer", a ground, or "verified"
	At       time.Time `json:"at"`       // when it was first sent, or again after another about the name: the later one counts
	Statuses []string  `json:"statuses"` // EPP; none to terminate
}

// addOrder writes an order and, if it is to be sent, prompts for it.
func (c *Centre) addOrder(ctx context.Context, tx *store.Tx, p *prompts, v Verification, o store.VerificationOrder, reason string, statuses []string) (store.VerificationOrder, error) {
	o.ID, o.Verification, o.Org, o.Name = c.NewID(), v.ID, v.Org, v.Name
	var err error
	if o.Body, err = json.Marshal(VerifyOrder{Order: o.Kind, Name: v.Name, ID: o.ID, Reason: reason, At: o.Created, Statuses: statuses}); err != nil {
		return o, err
	}
	if o.State == store.OrderDue && !o.Due.After(o.Created) {
		p.orders = append(p.orders, o.ID)
	}
	return o, tx.AddOrder(ctx, o)
}

// orderHold orders that a name goes on hold.
func (c *Centre) orderHold(ctx context.Context, tx *store.Tx, p *prompts, v Verification, b verify.Held, now time.Time) error {
	o := store.VerificationOrder{Kind: orderHold, State: store.OrderDue, Created: now, Due: now}
	if err := c.mayOrder(v, &o); err != nil {
		return err
	}
	_, err := c.addOrder(ctx, tx, p, v, o, b.Cause, b.Statuses)
	return err
}

// mayOrder leaves an order that does harm to a person who lets it go, or does it,
// unless the registration is the centre's own and nobody else lives by the name.
func (c *Centre) mayOrder(v Verification, o *store.VerificationOrder) error {
	why := ""
	switch d, err := name.Parse(v.Name); {
	case err != nil:
		return problem.Wrap(err, problem.Corrupt, "verification %s has a name that does not parse", v.ID)
	case c.Hook == nil:
		why = noSystem
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
	return nil
}

const noSystem = "no system is configured"

// orderTermination orders that a registration is ended: a person decided that, for
// a ground of the profile or after its quarantine (verify.Sanction). What was
// ordered before and did not leave is dropped; what may be on its way is waited for.
func (c *Centre) orderTermination(ctx context.Context, tx *store.Tx, p *prompts, v Verification, b verify.Ending, now time.Time) error {
	if err := tx.LockOrders(ctx, v.Name); err != nil {
		return err
	}
	all, err := tx.Orders(ctx, v.ID)
	if err != nil {
		return err
	}
	for _, earlier := range all {
		if !earlier.Waits() {
			continue
		}
		if err := dropOrder(ctx, tx, earlier, now, "the registration is ended"); err != nil {
			return err
		}
	}
	o := store.VerificationOrder{Kind: orderTerminate, State: store.OrderDue, Created: now, Due: now}
	if err := c.mayOrder(v, &o); err != nil {
		return err
	}
	_, err = c.addOrder(ctx, tx, p, v, o, string(b.Ground), []string{})
	return err
}

// orderGone drops what was still to be done about a registration that is gone. Where
// the name goes on under somebody else, a person looks whether the hold is still on
// it: whoever has it now was not asked anything.
func (c *Centre) orderGone(ctx context.Context, tx *store.Tx, p *prompts, v Verification, b verify.Gone, now time.Time) error {
	if err := tx.LockOrders(ctx, v.Name); err != nil {
		return err
	}
	all, err := readOrders(ctx, tx, v.Name)
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.Verification != v.ID || !x.Waits() {
			continue
		}
		if err := dropOrder(ctx, tx, x.VerificationOrder, now, "the registration is gone"); err != nil {
			return err
		}
	}
	set := all.leave()
	kept, err := c.keptBy(ctx, tx, all, set, v.ID)
	if err != nil {
		return err
	}
	off := set[v.ID].but(kept)
	if b.How == verify.Deleted || len(off) == 0 {
		return nil
	}
	o := store.VerificationOrder{Kind: orderRelease, State: store.OrderByHand, Created: now, Response: "the name has another holder: only if our hold is still on it"}
	_, err = c.addOrder(ctx, tx, p, v, o, "gone", off)
	return err
}

// orderAnew leaves it to a person to end a registration of a name that somebody
// registers now, as the order may be about one that is gone.
func (c *Centre) orderAnew(ctx context.Context, tx *store.Tx, v Verification) error {
	if err := tx.LockOrders(ctx, v.Name); err != nil {
		return err
	}
	all, err := tx.NameOrders(ctx, v.Name)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.Kind != orderTerminate || o.State != store.OrderDue || o.Org != v.Org {
			continue
		}
		ended, err := verifications.load(ctx, tx, o.Verification)
		if err != nil {
			return err
		}
		if err := c.endOrder(ctx, tx, ended, o, store.OrderByHand, verify.OrderByHand, casework.Centre, "the name is registered anew: is it still the registration that was to be ended?"); err != nil {
			return err
		}
	}
	return nil
}

// dropOrder ends an order that is not wanted any more, without a word on the log of
// its verification: what undoes it is there.
func dropOrder(ctx context.Context, tx *store.Tx, o store.VerificationOrder, now time.Time, why string) error {
	was := o.State
	o.State, o.Due, o.Ended, o.Response = store.OrderDropped, time.Time{}, now, why
	return finishOrder(ctx, tx, o, was)
}

// finishOrder writes an order that is in a state; who finds it elsewhere tries
// again.
func finishOrder(ctx context.Context, tx *store.Tx, o store.VerificationOrder, was store.OrderState) error {
	err := tx.FinishOrder(ctx, o, was)
	if problem.CodeOf(err) == problem.Conflict {
		return problem.Wrap(errRace, problem.Conflict, "an order was settled at this moment")
	}
	return err
}

// orderRelease orders that what the holds of a verification may have set goes, as
// far as no other holds the name. What was not sent of them is dropped, and so is an
// earlier release that is still to be done, as this one does that too.
func (c *Centre) orderRelease(ctx context.Context, tx *store.Tx, p *prompts, v Verification, now time.Time) error {
	if err := tx.LockOrders(ctx, v.Name); err != nil {
		return err
	}
	all, err := readOrders(ctx, tx, v.Name)
	if err != nil {
		return err
	}
	var byHand statuses // what a person was asked to set, and may have without a word
	for _, x := range all {
		if x.Verification != v.ID || x.Kind == orderTerminate || !x.Waits() {
			continue
		}
		if x.State == store.OrderByHand && x.Attempts == 0 {
			byHand = byHand.and(x.Statuses)
		}
		why := "the holder answered"
		if x.Kind == orderRelease {
			why = "a later release takes its place"
		}
		if err := dropOrder(ctx, tx, x.VerificationOrder, now, why); err != nil {
			return err
		}
	}
	set := all.leave()
	kept, err := c.keptBy(ctx, tx, all, set, v.ID)
	if err != nil {
		return err
	}
	add := func(o store.VerificationOrder, off statuses) error {
		o.Kind, o.Created = orderRelease, now
		_, err := c.addOrder(ctx, tx, p, v, o, "verified", off)
		return err
	}
	mine := set[v.ID].but(kept)
	byHand = byHand.but(mine).but(kept)
	if len(mine) > 0 {
		o := store.VerificationOrder{State: store.OrderDue, Due: now}
		if c.Hook == nil {
			o.State, o.Due, o.Response = store.OrderByHand, time.Time{}, noSystem
		}
		if err := add(o, mine); err != nil {
			return err
		}
	}
	if len(byHand) > 0 {
		if err := add(store.VerificationOrder{State: store.OrderByHand, Response: "only if the hold was carried out"}, byHand); err != nil {
			return err
		}
	}
	if len(mine) == 0 && len(byHand) == 0 && len(set[v.ID]) > 0 {
		return add(store.VerificationOrder{State: store.OrderDropped, Ended: now, Response: "another verification holds the name"}, set[v.ID])
	}
	return nil
}

// statuses is a set of EPP statuses, in the order they were named.
type statuses []string

func (s statuses) and(more statuses) statuses {
	return append(slices.Clone(s), more.but(s)...)
}

func (s statuses) but(less statuses) statuses {
	return slices.DeleteFunc(slices.Clone(s), func(x string) bool { return slices.Contains(less, x) })
}

// nameOrder is an order with what it says.
type nameOrder struct {
	store.VerificationOrder
	At       time.Time
	Statuses statuses
}

// nameOrders are all orders about a name.
type nameOrders []nameOrder

func readOrders(ctx context.Context, tx *store.Tx, name string) (nameOrders, error) {
	rows, err := tx.NameOrders(ctx, name)
	if err != nil {
		return nil, err
	}
	return unpackAll(rows, func(o store.VerificationOrder) (nameOrder, error) {
		var b VerifyOrder
		if err := json.Unmarshal(o.Body, &b); err != nil {
			return nameOrder{}, problem.Wrap(err, problem.Corrupt, "order %s does not parse", o.ID)
		}
		return nameOrder{o, b.At, b.Statuses}, nil
	})
}

// leave says what the holds of each verification may have left on the name: what
// was sent, heard or not, or done by a person, and no release took away since.
func (all nameOrders) leave() map[string]statuses {
	out := map[string]statuses{}
	for _, h := range all {
		last := h.Tried
		if h.State == store.OrderDone {
			last = h.Ended
		}
		if h.Kind != orderHold || last.IsZero() {
			continue
		}
		left := h.Statuses
		for _, r := range all {
			if r.Kind == orderRelease && r.State == store.OrderDone && r.Ended.After(last) {
				left = left.but(r.Statuses)
			}
		}
		out[h.Verification] = out[h.Verification].and(left)
	}
	return out
}

// keptBy is what stays on a name for the sake of other verifications than one: of
// those on hold, and of those whose registration is being ended. A hold that never
// left, such as a member's that no person let go, keeps nothing.
func (c *Centre) keptBy(ctx context.Context, tx *store.Tx, all nameOrders, set map[string]statuses, except string) (kept statuses, err error) {
	for _, id := range slices.Sorted(maps.Keys(set)) {
		if id == except || len(set[id]) == 0 {
			continue
		}
		row, err := tx.Verification(ctx, id)
		if err != nil {
			return nil, err
		}
		ending := slices.ContainsFunc(all, func(o nameOrder) bool { return o.Verification == id && o.Kind == orderTerminate && o.Waits() })
		if row.State == string(verify.OnHold) || ending {
			kept = kept.and(set[id])
		}
	}
	return kept, nil
}

// supersede drops what is left to do of releases that a hold undoes: it leaves now,
// and a release that is tried again after it would take it away. What else they
// release goes on.
func (c *Centre) supersede(ctx context.Context, tx *store.Tx, p *prompts, all nameOrders, hold store.VerificationOrder, now time.Time) error {
	i := slices.IndexFunc(all, func(o nameOrder) bool { return o.ID == hold.ID })
	if hold.Kind != orderHold || i < 0 {
		return nil
	}
	for _, r := range all {
		rest := r.Statuses.but(all[i].Statuses)
		if r.Kind != orderRelease || !r.Waits() || len(rest) == len(r.Statuses) {
			continue
		}
		v, err := verifications.load(ctx, tx, r.Verification)
		if err != nil {
			return err
		}
		if err := c.endOrder(ctx, tx, v, r.VerificationOrder, store.OrderDropped, verify.OrderDropped, casework.Centre, "the name goes on hold again"); err != nil {
			return err
		}
		if len(rest) == 0 {
			continue
		}
		o := store.VerificationOrder{Kind: orderRelease, State: r.State, Created: now, Response: r.Response}
		if o.State == store.OrderDue {
			o.Due, o.Response = now, ""
		}
		if _, err := c.addOrder(ctx, tx, p, v, o, "verified", rest); err != nil {
			return err
		}
	}
	return nil
}

// waitsFor is until when an order waits for attempts at orders of another kind: it
// may not overtake them. Zero if for none.
func (all nameOrders) waitsFor(o store.VerificationOrder, now time.Time) (until time.Time) {
	for _, x := range all {
		if t := x.Tried.Add(orderFlight); x.Kind != o.Kind && x.State != store.OrderDone && t.After(now) && t.After(until) {
			until = t
		}
	}
	return until
}

// stamp dates an order that is about to be sent: after all that were sent before
// about the name, whatever the clocks of several machines say, and again where
// another was sent between two attempts. Else a system that goes by the dates would
// take it for one that was overtaken.
func (all nameOrders) stamp(o *store.VerificationOrder, now time.Time) error {
	var b VerifyOrder
	if err := json.Unmarshal(o.Body, &b); err != nil {
		return problem.Wrap(err, problem.Corrupt, "order %s does not parse", o.ID)
	}
	if o.Attempts == 0 {
		b.At = now
	}
	for _, x := range all {
		if x.ID != o.ID && x.Attempts > 0 && !b.At.After(x.At) {
			if b.At = now; !now.After(x.At) {
				b.At = x.At.Add(time.Microsecond)
			}
		}
	}
	var err error
	o.Body, err = json.Marshal(b)
	return err
}

// GiveOrders sends orders that are due to the registrar's system. Each may come
// twice and does no harm: the result counts once. All go to one system: where it
// cannot take one now, the rest are left for the next round, so that it holds up nothing
// else.
func (c *Centre) GiveOrders(ctx context.Context, ids []string) error {
	silent := false
	return c.eachOf(ctx, ids, "order", "an order could not be handled", func(id string) (err error) {
		if !silent {
			silent, err = c.giveOrder(ctx, id)
		}
		return err
	})
}

// giveOrder sends one order; unheard says that the system could not take it now.
func (c *Centre) giveOrder(ctx context.Context, id string) (unheard bool, err error) {
	var o store.VerificationOrder
	claimed := false
	if err := retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) (err error) {
			claimed = false
			now := c.Clock.Now()
			if o, err = tx.Order(ctx, id); err != nil {
				return err
			}
			if err := tx.LockOrders(ctx, o.Name); err != nil {
				return err
			}
			if o, err = tx.Order(ctx, id); err != nil || o.State != store.OrderDue || o.Due.After(now) {
				return err
			}
			v, err := verifications.load(ctx, tx, o.Verification)
			if err != nil {
				return err
			}
			if o.Kind != orderRelease {
				if o.Kind == orderHold && v.State != verify.OnHold {
					return c.endOrder(ctx, tx, v, o, store.OrderDropped, verify.OrderDropped, casework.Centre, "no longer wanted: the verification is "+string(v.State))
				}
				// The stop switch stops what does harm. A release undoes it, and goes.
				if stop, has, err := tx.Setting(ctx, SettingStop); err != nil {
					return err
				} else if has && len(stop) > 0 {
					o.Due, o.Response = now.Add(time.Hour), "held: the stop switch is on"
					return finishOrder(ctx, tx, o, store.OrderDue)
				}
			}
			if c.Hook == nil {
				return c.endOrder(ctx, tx, v, o, store.OrderByHand, verify.OrderByHand, casework.Centre, noSystem)
			}
			all, err := readOrders(ctx, tx, o.Name)
			if err != nil {
				return err
			}
			var p prompts
			if err := c.supersede(ctx, tx, &p, all, o, now); err != nil {
				return err
			}
			if until := all.waitsFor(o, now); !until.IsZero() {
				o.Due, o.Response = until, "an earlier order may still be on its way"
				err = finishOrder(ctx, tx, o, store.OrderDue)
			} else {
				if err := all.stamp(&o, now); err != nil {
					return err
				}
				claimed, err = tx.ClaimOrder(ctx, o, now, now.Add(orderRetries[min(o.Attempts, len(orderRetries)-1)]))
				o.Attempts++
			}
			if err != nil {
				return err
			}
			return p.enqueue(ctx, tx)
		})
	}); err != nil || !claimed {
		return false, err
	}
	posting, done := finishing(ctx)
	res := c.Hook.Post(posting, o.Body, c.Clock.Now())
	done()
	return !res.Done && !res.Final, c.orderAnswered(context.WithoutCancel(ctx), o, res)
}

// orderAnswered writes what became of an attempt.
func (c *Centre) orderAnswered(ctx context.Context, o store.VerificationOrder, res webhook.Result) error {
	return retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			now, err := tx.Order(ctx, o.ID)
			if err != nil || now.State != store.OrderDue {
				return err // dropped meanwhile: what undoes it waits its turn
			}
			v, err := verifications.load(ctx, tx, o.Verification)
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
			return finishOrder(ctx, tx, now, store.OrderDue)
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
	if err := finishOrder(ctx, tx, o, was); err != nil {
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
			if err := tx.LockOrders(ctx, o.Name); err != nil {
				return err
			}
			if o, err = tx.Order(ctx, id); err != nil {
				return err
			}
			if o.State != store.OrderByHand {
				return problem.New(problem.Conflict, "the order is %s: it waits for nobody", o.State)
			}
			var p prompts
			if what == "done" && o.Kind == orderHold {
				all, err := readOrders(ctx, tx, o.Name)
				if err != nil {
					return err
				}
				if err := c.supersede(ctx, tx, &p, all, o, c.Clock.Now()); err != nil {
					return err
				}
			}
			v, err := verifications.load(ctx, tx, o.Verification)
			if err != nil {
				return err
			}
			switch what {
			case "done":
				err = c.endOrder(ctx, tx, v, o, store.OrderDone, verify.OrderDone, by, "by hand")
			case "drop":
				err = c.endOrder(ctx, tx, v, o, store.OrderDropped, verify.OrderDropped, by, "a person dropped it")
			case "send":
				if c.Hook == nil {
					return problem.New(problem.Conflict, "no system is configured that could be told (verify.hook_url)")
				}
				if err = c.mayLetGo(o); err == nil {
					err = c.letGo(ctx, tx, &p, v, o, by)
				}
			default:
				return problem.BadField("what", "is none of done, send and drop")
			}
			if err != nil {
				return err
			}
			return p.enqueue(ctx, tx)
		})
	})
}

// mayLetGo says whether a person may have the registrar's system carry an order out.
// What others live by (a platform's, a constituent's, a protected name) goes dark by
// nobody's click: whoever decided that does it by hand.
func (c *Centre) mayLetGo(o store.VerificationOrder) error {
	if o.Kind == orderRelease {
		return nil
	}
	d, err := name.Parse(o.Name)
	if err != nil {
		return problem.Wrap(err, problem.Corrupt, "order %s has a name that does not parse", o.ID)
	}
	s, err := c.Directory.SubjectOfDomain(d)
	if err != nil {
		return err
	}
	if ok, why := c.Directory.DNSLevelAllowed(s); !ok {
		return problem.New(problem.Refused, "%s: no system is told to do this. Drop it, or do it by hand.", why)
	}
	return nil
}

// letGo sends an order that waited for a person. Who let it go is on the log, as
// they answer for what it does.
func (c *Centre) letGo(ctx context.Context, tx *store.Tx, p *prompts, v Verification, o store.VerificationOrder, by string) error {
	o.State, o.Due, o.Response = store.OrderDue, c.Clock.Now(), "let go by "+by
	if err := finishOrder(ctx, tx, o, store.OrderByHand); err != nil {
		return err
	}
	p.orders = append(p.orders, o.ID)
	_, err := c.stepVerification(ctx, tx, p, v, verify.SettleOrder{By: by, Ref: o.ID, Order: o.Kind, Result: verify.OrderLetGo})
	return err
}

// VerificationOrders lists the orders of a verification, the oldest first.
func (c *Centre) VerificationOrders(ctx context.Context, id string) ([]store.VerificationOrder, error) {
	var out []store.VerificationOrder
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) { out, err = tx.Orders(ctx, id); return err })
	return out, err
}

// maxTasks is how many orders that wait for a person are shown at a time.
const maxTasks = 200

// WaitingOrders is a page of the orders that a person has to do or to let go.
type WaitingOrders struct {
	Orders []store.VerificationOrder
	// Waiting counts all there are, by organisation; "" is the centre's own.
	Waiting map[string]int
	// Next is how many to skip for the next page; 0 where this is the last.
	Next int
}

// Of is how many orders wait that a page is one of.
func (w WaitingOrders) Of(page store.OrderPage) (n int) {
	if page.Of {
		return w.Waiting[page.Org]
	}
	for _, k := range w.Waiting {
		n += k
	}
	return n
}

// WaitingOrders lists orders that wait for a person: the centre's own first, then
// those of members by turns. A page has at most 200, which a limit of 0 stands for.
func (c *Centre) WaitingOrders(ctx context.Context, page store.OrderPage) (out WaitingOrders, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		out, err = waitingOrders(ctx, tx, page)
		return err
	})
	return out, err
}

func waitingOrders(ctx context.Context, tx *store.Tx, page store.OrderPage) (out WaitingOrders, err error) {
	if page.Limit <= 0 || page.Limit > maxTasks {
		page.Limit = maxTasks
	}
	if out.Waiting, err = tx.CountOrdersByHand(ctx); err != nil {
		return out, err
	}
	if out.Orders, err = tx.OrdersByHand(ctx, page); err != nil {
		return out, err
	}
	if end := page.Skip + len(out.Orders); len(out.Orders) > 0 && end < out.Of(page) {
		out.Next = end
	}
	return out, nil
}

// VerificationDesk is what waits on the desk about verifications: counts by group,
// and the first page of the orders that a person has to do or to let go.
type VerificationDesk struct {
	Counts map[string]int
	WaitingOrders
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
		out.WaitingOrders, err = waitingOrders(ctx, tx, store.OrderPage{})
		return err
	})
	return out, err
}
