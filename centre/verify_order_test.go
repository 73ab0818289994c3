package centre_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/verify"
)

// ordering is a rig with a registrar's system under a profile whose holds by a
// person set other statuses than those for want of an answer. Nobody can be mailed,
// so that a person does what is done.
type ordering struct {
	*rig
	sys *system
	n   int
}

func newOrdering(t *testing.T) *ordering {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own.yaml")
	own := strings.Replace(holding, "statuses: [clientHold], terminate", "statuses: [clientHold, clientTransferProhibited], terminate", 1)
	if own == holding {
		t.Fatal("the profile has changed")
	}
	if err := os.WriteFile(path, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	r, sys, _ := newVerifier(t, engines[0].dsn(t, false), func(c *config.Config) {
		c.Verify.Profiles = []string{path}
		c.Mail.Enabled = false
	})
	return &ordering{rig: r, sys: sys}
}

// contact opens a verification of somebody nobody else is.
func (o *ordering) contact(name, org string, role verify.Role) string {
	o.t.Helper()
	o.n++
	return o.open(centre.VerificationDraft{Name: name, Email: fmt.Sprintf("holder-%d@mail.example", o.n), Org: org, Role: role}).ID
}

// due are the verifications, and the orders, that are due by a time.
func (o *ordering) due(by time.Time) (vs, os []string) {
	o.t.Helper()
	o.view(func(ctx context.Context, tx *store.Tx) (err error) {
		if vs, err = tx.DueVerifications(ctx, by, 100); err == nil {
			os, err = tx.DueOrders(ctx, by, 100)
		}
		return err
	})
	return vs, os
}

// settle does what is due now, about verifications and their orders.
func (o *ordering) settle() {
	o.t.Helper()
	for range 50 {
		vs, os := o.due(o.clock.Now())
		if len(vs)+len(os) == 0 {
			return
		}
		if err := errors.Join(o.Centre.WorkVerifications(o.t.Context(), vs), o.Centre.GiveOrders(o.t.Context(), os)); err != nil {
			o.t.Fatal(err)
		}
	}
	o.t.Fatal("something is due again and again")
}

// pass lets time go by, and orders be given when they are due.
func (o *ordering) pass(d time.Duration) {
	o.t.Helper()
	end := o.clock.Now().Add(d)
	for {
		o.settle()
		_, os := o.due(end)
		if len(os) == 0 {
			o.clock.Set(end)
			o.settle()
			return
		}
		o.view(func(ctx context.Context, tx *store.Tx) error {
			first, err := tx.Order(ctx, os[0]) // the longest due
			if err == nil {
				o.clock.Set(first.Due)
			}
			return err
		})
	}
}

// act has something done, a moment after what was done before.
func (o *ordering) act(id string, cmd verify.Command) {
	o.t.Helper()
	o.clock.Set(o.clock.Now().Add(time.Second))
	if _, err := o.Centre.ActVerification(o.t.Context(), id, 0, cmd); err != nil {
		o.t.Fatalf("%T: %v", cmd, err)
	}
}

func (o *ordering) suspend(id string) {
	o.t.Helper()
	o.act(id, verify.Suspend{By: "person:ann", Text: "silent"})
	o.settle()
}

func (o *ordering) sanction(id string) {
	o.t.Helper()
	o.act(id, verify.Sanction{By: "person:ann", Ground: verify.NoReply, Text: "silent"})
	o.settle()
}

// verify has a person see evidence, and lets go what a person has to.
func (o *ordering) verify(id string) {
	o.t.Helper()
	o.act(id, verify.Attest{By: "person:ann", Claims: []verify.Claim{verify.Email}, Level: verify.V2, Method: "call", Evidence: "record_of_call", Digest: strings.Repeat("ab", 32), HeldBy: "registrar:9999", Audit: "ticket-7", Result: verify.Pass})
	if o.verification(id).State == verify.OnHold {
		o.act(id, verify.Release{By: "person:ann", Text: "they answered"})
	}
	o.settle()
}

func (o *ordering) stop(on string) {
	o.t.Helper()
	o.update(func(ctx context.Context, tx *store.Tx) error {
		return tx.PutSetting(ctx, centre.SettingStop, []byte(on))
	})
}

func (o *ordering) orders(id string) []store.VerificationOrder {
	o.t.Helper()
	os, err := o.Centre.VerificationOrders(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return os
}

func (o *ordering) states(id string) string {
	o.t.Helper()
	var out []string
	for _, x := range o.orders(id) {
		out = append(out, x.Kind+" "+string(x.State))
	}
	return strings.Join(out, "; ")
}

func (o *ordering) want(name, statuses string) {
	o.t.Helper()
	if got := o.sys.statuses(name); got != statuses {
		o.t.Errorf("%s has %q, not %q: %s", name, got, statuses, o.sys.seen())
	}
}

// TestOrders: what a hold set goes when its holder answers, whatever else was
// ordered about the name and by whom, and a release is neither lost, nor late, nor
// undone by what came before it.
func TestOrders(t *testing.T) {
	o := newOrdering(t)
	const both = "clientHold,clientTransferProhibited"
	names := []string{"twice", "roles", "wider", "narrower", "member", "stale", "slow", "ends", "let-go", "gone", "anew"}
	id := map[string]string{}
	for i, n := range names {
		names[i] = n + ".shopx"
		id[n] = o.contact(names[i], "", "")
	}
	for _, n := range []string{"roles", "wider", "narrower"} {
		id[n+" 2"] = o.contact(n+".shopx", "", verify.AccountHolder)
	}
	id["evil"], id["let-go"] = o.contact("member.shopx", "evil", ""), o.contact("let-go.shopx", "o1", "")
	o.pass(73 * hour) // nobody answered in time

	// A second hold that was not sent does not hide the first.
	o.suspend(id["twice"])
	o.want("twice.shopx", "clientHold")
	o.stop("on")
	o.sanction(id["twice"])
	o.verify(id["twice"])
	o.want("twice.shopx", "")
	if got := o.states(id["twice"]); got != "hold done; hold dropped; release done" {
		t.Errorf("%s", got)
	}
	// Neither does one of another contact of the name.
	o.stop("")
	o.suspend(id["roles"])
	o.stop("on")
	o.sanction(id["roles 2"])
	o.verify(id["roles"])
	o.want("roles.shopx", "")
	o.verify(id["roles 2"])
	o.stop("")
	o.pass(2 * hour)
	o.want("roles.shopx", "")
	if got := o.states(id["roles 2"]); got != "hold dropped" {
		t.Errorf("%s", got)
	}
	// What another contact's hold set too, stays until that goes.
	for _, n := range []string{"wider", "narrower"} {
		o.suspend(id[n])
		o.sanction(id[n+" 2"])
		o.want(n+".shopx", both)
	}
	o.verify(id["narrower"])
	o.want("narrower.shopx", both)
	o.verify(id["wider 2"])
	o.want("wider.shopx", "clientHold")
	o.verify(id["narrower 2"])
	o.verify(id["wider"])
	o.want("narrower.shopx", "")
	o.want("wider.shopx", "")

	// A member that says it has the name too holds no release up, and releases
	// nothing.
	o.suspend(id["member"])
	o.suspend(id["evil"])
	o.verify(id["evil"])
	o.want("member.shopx", "clientHold")
	o.sanction(id["evil"])
	o.verify(id["member"])
	o.want("member.shopx", "")

	// A release that was not heard does not come after a hold decided later.
	o.suspend(id["stale"])
	o.sys.failing(1)
	o.verify(id["stale"])
	asked := o.sys.asked()
	o.sanction(id["stale"])
	if o.sys.asked() != asked {
		t.Error("the hold did not wait for the release that may be on its way")
	}
	o.pass(day)
	o.want("stale.shopx", both)
	if got := o.states(id["stale"]); got != "hold done; release dropped; hold done" || o.sys.asked() != asked+1 {
		t.Errorf("%s, %d orders after it", got, o.sys.asked()-asked)
	}
	if got := o.journal(id["stale"]); !strings.HasSuffix(got, "hold released; put on hold; words; order settled; order settled") {
		t.Errorf("%s", got)
	}

	// A release, and an end, wait for an attempt that may be on its way, and not for
	// when it would be tried again.
	o.sys.failing(1000)
	o.suspend(id["slow"])
	o.suspend(id["ends"])
	o.pass(9 * hour)
	if n := o.orders(id["slow"])[0].Attempts; n < 5 {
		t.Fatalf("%d attempts", n)
	}
	o.sys.failing(0)
	o.verify(id["slow"])
	o.act(id["ends"], verify.Sanction{By: "person:ann", Ground: verify.NoReply, End: true, Text: "silent"})
	o.pass(2 * time.Minute)
	if got := o.sys.seen(); !strings.Contains(got, "; release slow.shopx verified clientHold") || !strings.Contains(got, "; terminate ends.shopx no_reply_to_enquiry ") || strings.Contains(got, "hold slow.shopx") {
		t.Errorf("%s", got)
	}

	// Who let a hold of a member's go is on the log. It is dated when it left, so that
	// it is not taken for one that was overtaken.
	o.suspend(id["let-go"])
	task := o.orders(id["let-go"])[0]
	if task.State != store.OrderByHand || task.Org != "o1" {
		t.Fatalf("%+v", task)
	}
	o.pass(day)
	if err := o.Centre.SettleOrder(t.Context(), task.ID, "person:bea", "send"); err != nil {
		t.Fatal(err)
	}
	o.settle()
	o.want("let-go.shopx", "clientHold")
	if last := o.sys.last["let-go.shopx"]; last.Before(task.Created.Add(day)) {
		t.Errorf("dated %s", last)
	}
	es, err := o.Centre.VerificationEvents(t.Context(), id["let-go"])
	if err != nil || !slices.ContainsFunc(es, func(e casework.Entry) bool {
		return e.Actor == "person:bea" && e.Kind == verify.KindOrder && strings.Contains(string(e.Payload.Body), `"result":"let_go"`)
	}) {
		t.Errorf("%v: who let it go stands nowhere: %s", err, o.journal(id["let-go"]))
	}
	if err := o.Centre.SettleOrder(t.Context(), task.ID, "person:bea", "send"); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("twice: %v", err)
	}

	// Whoever has a name now is not held for who had it, and not ended.
	o.suspend(id["gone"])
	o.act(id["gone"], verify.Leave{By: "person:ann", How: verify.MovedOut})
	o.stop("on")
	o.act(id["anew"], verify.Sanction{By: "person:ann", Ground: verify.NoReply, End: true, Text: "silent"})
	o.contact("anew.shopx", "", "")
	o.stop("")
	o.pass(2 * hour)
	if a, b := o.states(id["gone"]), o.states(id["anew"]); a != "hold done; release by_hand" || b != "terminate by_hand" || strings.Contains(o.sys.seen(), "anew.shopx") {
		t.Errorf("%s and %s: %s", a, b, o.sys.seen())
	}
	if strings.Contains(o.sys.seen(), "late") {
		t.Errorf("%s", o.sys.seen())
	}

	// What waits for a person is counted, and paged.
	d, err := o.Centre.VerificationDesk(t.Context())
	first, err2 := o.Centre.WaitingOrders(t.Context(), store.OrderPage{Limit: 1})
	last, err3 := o.Centre.WaitingOrders(t.Context(), store.OrderPage{Limit: 2, Skip: 1})
	evil, err4 := o.Centre.WaitingOrders(t.Context(), store.OrderPage{Of: true, Org: "evil"})
	if err != nil || err2 != nil || err3 != nil || err4 != nil || len(d.Orders) != 3 || d.Waiting[""] != 2 || d.Orders[2].Org != "evil" || first.Next != 1 || first.Orders[0].Kind != "release" ||
		last.Next != 0 || len(last.Orders) != 2 || len(evil.Orders) != 1 || evil.Of(store.OrderPage{Of: true, Org: "evil"}) != 1 {
		t.Errorf("%v %v %v %v %+v %+v %+v %+v", err, err2, err3, err4, d.WaitingOrders, first, last, evil)
	}
	ordersInAnyOrder(t, o)
}

// ordersInAnyOrder: whatever happens in whatever order, in the end a name has the
// statuses of its holds, and none if there is none.
func ordersInAnyOrder(t *testing.T, o *ordering) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	of := map[string][]string{}
	var ids []string
	for _, n := range []string{"a.shopx", "b.shopx"} {
		for _, org := range []string{"", "o1"} {
			for _, role := range []verify.Role{verify.Registrant, verify.AccountHolder} {
				id := o.contact(n, org, role)
				of[n], ids = append(of[n], id), append(ids, id)
			}
		}
	}
	o.pass(73 * hour)
	sends := func() {
		t.Helper()
		d, err := o.Centre.VerificationDesk(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range d.Orders {
			if err := o.Centre.SettleOrder(t.Context(), x.ID, "person:ann", "send"); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(step int) {
		t.Helper()
		o.sys.failing(0)
		o.stop("")
		o.pass(25 * hour)
		sends()
		o.pass(25 * hour)
		for n, vs := range of {
			var want, may []string
			for _, id := range vs {
				if v := o.verification(id); v.State == verify.OnHold {
					want = append(want, v.Hold.Statuses...)
					for _, x := range o.orders(id) { // an earlier hold of the same
						may = append(may, "clientHold", x.Kind)
					}
				}
			}
			got := strings.Split(o.sys.statuses(n), ",")
			for _, k := range want {
				if !slices.Contains(got, k) {
					t.Fatalf("step %d: %s lacks %s", step, n, k)
				}
			}
			for _, k := range got {
				if k != "" && !slices.Contains(want, k) && !slices.Contains(may, k) {
					t.Fatalf("step %d: %s still has %s", step, n, k)
				}
			}
		}
		if strings.Contains(o.sys.seen(), "late") {
			t.Fatalf("step %d: %s", step, o.sys.seen())
		}
	}
	for step := range 160 {
		id := ids[rnd.IntN(len(ids))]
		switch v := o.verification(id); rnd.IntN(9) {
		case 0, 1:
			o.act(id, verify.Sanction{By: "person:ann", Ground: verify.NoReply, Text: "silent"})
		case 2, 3, 4:
			if v.State == verify.OnHold || v.State == verify.Overdue {
				o.verify(id)
			}
		case 5:
			o.sys.failing(rnd.IntN(4))
		case 6:
			o.stop([]string{"", "on"}[rnd.IntN(2)])
		case 7:
			sends()
		case 8:
			if v.State == verify.Overdue {
				o.suspend(id)
			}
		}
		o.pass([]time.Duration{0, time.Second, time.Minute, hour}[rnd.IntN(4)])
		if step%20 == 19 {
			check(step)
		}
	}
}
