package centre_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/party"
	"bailiwick/store"
)

// claimOf is a report in the centre's own form.
func claimOf(typ string, urls ...string) string {
	return fmt.Sprintf(`{"type":%q,"urls":["%s"],"reporter":{"org":"Desk","contact":"desk@desk.example"}}`, typ, strings.Join(urls, `","`))
}

// filed sends a report and gives its state when it has been filed.
func (r *rig) filed(body string) answer {
	r.t.Helper()
	got := post(r.t, r.url+"/api/v1/reports", "", body)
	if got.status != http.StatusAccepted {
		r.t.Fatalf("%s: %d %s", body, got.status, got.raw)
	}
	r.settle()
	return get(r.t, r.url+"/api/v1/reports/"+got.Receipt.Receipt)
}

// quietWorld has names on which nobody acts.
const quietWorld = `
days: 90
tlds: [{name: shopx}]
registrars: [{name: Mute Names, behaviour: silent}]
hosts: [{name: Quietrack, networks: 203.0.113.0/27, behaviour: silent}]
platforms: [{name: Pagebox, suffix: pagebox.shopx, host: Quietrack, behaviour: silent}]
constituents: [{name: Aurora Bank, domains: [aurora-bank.shopx], behaviour: silent}]
names:
  - {name: aurora-login.shopx, site: {kind: phishing, path: /verify/}}
  - {name: aurora-help.pagebox.shopx}
  - {name: aurora-more.pagebox.shopx}
  - {name: 203.0.113.7, site: {kind: phishing, scheme: http}}
`

// TestAttach files reports: those about one subject and type share a case, and
// others do not.
func TestAttach(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), quietWorld, options{drive: swept})
		const url = "https://aurora-login.shopx/verify/"
		first := r.filed(claimOf("phishing", url))
		if first.State != store.ReportAccepted || len(first.Cases) != 1 {
			t.Fatalf("the first: %s", first.raw)
		}
		same := r.filed(claimOf("phishing", url))
		if same.State != store.ReportDuplicate || !slices.Equal(same.Cases, first.Cases) || same.Detail == "" {
			t.Errorf("the same again: %s", same.raw)
		}
		more := r.filed(claimOf("phishing", "https://www.aurora-login.shopx/verify/more"))
		if more.State != store.ReportAccepted || !slices.Equal(more.Cases, first.Cases) {
			t.Errorf("another URL below the same registered domain: %s", more.raw)
		}
		other := r.filed(claimOf("malware", url))
		if other.State != store.ReportAccepted || len(other.Cases) != 1 || other.Cases[0] == first.Cases[0] {
			t.Errorf("another type: %s", other.raw)
		}
		two := r.filed(claimOf("phishing", "https://aurora-help.pagebox.shopx/", "https://aurora-more.pagebox.shopx/a", "https://aurora-more.pagebox.shopx/b"))
		if two.State != store.ReportAccepted || len(two.Cases) != 2 {
			t.Errorf("two customers of a platform: %s", two.raw)
		}
		addr := r.filed(claimOf("phishing", "http://203.0.113.7/"))
		if addr.State != store.ReportAccepted || len(addr.Cases) != 1 {
			t.Errorf("an address: %s", addr.raw)
		}
		byName := r.filed(`{"type":"phishing","domains":["aurora-login.shopx"]}`)
		if !slices.Equal(byName.Cases, first.Cases) {
			t.Errorf("by the name alone: %s", byName.raw)
		}
		want := map[string]party.Kind{"aurora-login.shopx phishing": party.RegisteredDomain, "aurora-login.shopx malware": party.RegisteredDomain,
			"aurora-help.pagebox.shopx phishing": party.PlatformCustomer, "aurora-more.pagebox.shopx phishing": party.PlatformCustomer, "203.0.113.7 phishing": party.Address}
		for _, c := range r.cases() {
			key := c.Subject.Key() + " " + string(c.Type)
			if want[key] != c.Subject.Kind {
				t.Errorf("%s is a %s", key, c.Subject.Kind)
			}
			delete(want, key)
			for _, o := range c.Obligations {
				if o.Party.Role == party.Registrar && c.Subject.Kind != party.RegisteredDomain {
					t.Errorf("%s: its registrar was asked", key)
				}
			}
		}
		if len(want) > 0 {
			t.Errorf("no cases: %v", want)
		}
		c, err := r.Centre.Case(t.Context(), first.Cases[0])
		if err != nil || len(c.Reports) != 4 || len(c.URLs()) != 3 {
			t.Errorf("%d reports, URLs %q, %v", len(c.Reports), c.URLs(), err)
		}
		r.check()
	})
}

// TestReturnIsReported has a closed case, on which nobody would look for hours,
// get a report: it is looked at again at once, and opens again, the abuse being
// back. A case that is no longer watched stays closed, and another is opened.
func TestReturnIsReported(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), strings.Replace(quietWorld, "path: /verify/}}", "path: /verify/}, reported: [1h], then: [{at: 5h, do: remove}, {at: 100h, do: restore}]}", 1), options{drive: swept})
		r.until(99 * hour)
		c := r.only("aurora-login.shopx")
		if c.State != casework.Closed || c.NextLook.IsZero() {
			t.Fatalf("%s, next look %s", c.State, stamp(c.NextLook))
		}
		gone := r.filed(claimOf("phishing", "https://aurora-login.shopx/verify/"))
		if c = r.only("aurora-login.shopx"); !slices.Equal(gone.Cases, []string{c.ID}) || c.State != casework.Closed || !c.Look.At.Equal(begin.Add(99*hour)) {
			t.Errorf("reported while it is gone: %s, %s, looked at %s", gone.raw, c.State, stamp(c.Look.At))
		}
		for c.NextLook.Sub(r.clock.Now()) < 2*hour || r.clock.Now().Before(begin.Add(101*hour)) {
			r.until(r.clock.Now().Add(hour).Sub(begin))
			if c = r.only("aurora-login.shopx"); c.State != casework.Closed {
				t.Fatal("it opened again by itself: the test needs another hour")
			}
		}
		back := r.filed(claimOf("phishing", "https://aurora-login.shopx/verify/"))
		if c = r.only("aurora-login.shopx"); !slices.Equal(back.Cases, []string{c.ID}) || c.State != casework.Coordinating || c.Round != 2 || c.Outcome != casework.BackUp {
			t.Errorf("reported when it is back: %s, %s, round %d, %q", back.raw, c.State, c.Round, c.Outcome)
		}
		if got := len(r.world.Mails()); got == 0 {
			t.Error("nobody was asked again")
		}
		if _, err := r.Centre.Act(t.Context(), c.ID, casework.Close{By: "person:1", Reason: "a test"}); err != nil {
			t.Fatal(err)
		}
		again := r.filed(claimOf("phishing", "https://aurora-login.shopx/verify/"))
		if len(again.Cases) != 1 || again.Cases[0] == c.ID {
			t.Errorf("reported when it is not watched any more: %s", again.raw)
		}
		r.check()
	})
}

// TestMerged has a report follow its subject's case into the one it was merged
// into, and back again.
func TestMerged(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), quietWorld, options{drive: swept})
		a := r.filed(claimOf("phishing", "https://aurora-help.pagebox.shopx/")).Cases[0]
		b := r.filed(claimOf("phishing", "https://aurora-more.pagebox.shopx/")).Cases[0]
		if _, err := r.Centre.Merge(t.Context(), a, b, "person:1"); err != nil {
			t.Fatal(err)
		}
		if got := r.filed(claimOf("phishing", "https://aurora-help.pagebox.shopx/new")); !slices.Equal(got.Cases, []string{b}) {
			t.Errorf("after the merge: %s", got.raw)
		}
		into, err := r.Centre.Case(t.Context(), b)
		if err != nil || !slices.Contains(into.URLs(), "https://aurora-help.pagebox.shopx/") || !slices.Contains(into.URLs(), "https://aurora-help.pagebox.shopx/new") {
			t.Errorf("its URLs are %q, %v", into.URLs(), err)
		}
		if _, err := r.Centre.Unmerge(t.Context(), a, "person:1"); err != nil {
			t.Fatal(err)
		}
		if got := r.filed(claimOf("phishing", "https://aurora-help.pagebox.shopx/newer")); !slices.Equal(got.Cases, []string{a}) {
			t.Errorf("after it was restored: %s", got.raw)
		}
		r.settle()
		if c, err := r.Centre.Case(t.Context(), a); err != nil || c.State != casework.Coordinating {
			t.Errorf("restored as %s, %v", c.State, err)
		}
		r.check()
	})
}

// TestWithdraw takes reports back.
func TestWithdraw(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), quietWorld, options{drive: swept, change: noRules})
		at := func(receipt string) string { return r.url + "/api/v1/reports/" + receipt + "/withdraw" }
		waiting := post(t, r.url+"/api/v1/reports", "", claimOf("phishing", "https://gone.shopx/"))
		if got := post(t, at(waiting.Receipt.Receipt), "", ""); got.status != http.StatusConflict || got.kind != "application/problem+json" {
			t.Errorf("before it is filed: %d %s", got.status, got.raw)
		}
		if got := post(t, at("nosuch"), "", ""); got.status != http.StatusNotFound {
			t.Errorf("no such receipt: %d %s", got.status, got.raw)
		}
		r.settle()
		second := r.filed(claimOf("phishing", "https://www.gone.shopx/"))
		state := func() casework.Case { t.Helper(); return r.only("gone.shopx") }
		if got := post(t, at(waiting.Receipt.Receipt), "", ""); got.status != http.StatusNoContent || got.raw != "" {
			t.Errorf("one of two: %d %s", got.status, got.raw)
		}
		if c := state(); c.State != casework.Investigating || len(c.URLs()) != 1 {
			t.Errorf("with one report left: %s, %q", c.State, c.URLs())
		}
		for range 2 { // twice is harmless
			if got := post(t, at(second.Receipt.Receipt), "", ""); got.status != http.StatusNoContent {
				t.Errorf("the last: %d %s", got.status, got.raw)
			}
		}
		if c := state(); c.State != casework.Closed || c.Outcome != casework.Withdrawn || len(c.URLs()) != 0 {
			t.Errorf("with none left: %s, %q, %q", c.State, c.Outcome, c.URLs())
		}
		r.until(3 * day)
		if c := state(); c.Outcome != casework.Withdrawn {
			t.Errorf("later: %q", c.Outcome)
		}
		r.check()
	})
}

// TestOneBadRecord has a report among others whose bytes have gone: it is
// turned down with the reason, and the others are filed.
func TestOneBadRecord(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		srv := serve(t, a) + "/api/v1/reports"
		var receipts []string
		for i := range 30 {
			receipts = append(receipts, post(t, srv, "", claimOf("phishing", fmt.Sprintf("https://www.bad%d-names.com/", i))).Receipt.Receipt)
		}
		bad, _ := kept(t, a, receipts[11])
		if err := a.Store.EraseBlob(t.Context(), bad.Blob); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, r := range rows(t, a) {
			ids = append(ids, r.ID)
		}
		if err := a.Centre.Triage(t.Context(), append(ids, ids...)); err != nil { // and twice is once
			t.Fatal(err)
		}
		for i, receipt := range receipts {
			row, err := a.Centre.ReportState(t.Context(), receipt)
			want := store.ReportAccepted
			if i == 11 {
				want = store.ReportRejected
			}
			if err != nil || row.State != want || want == store.ReportRejected && row.Detail == "" {
				t.Errorf("report %d is %s (%s), %v", i, row.State, row.Detail, err)
			}
		}
		var n int
		if err := a.Store.View(t.Context(), func(tx *store.Tx) error {
			c, err := tx.CountCases(t.Context())
			for _, v := range c {
				n += v
			}
			return err
		}); err != nil || n != 29 {
			t.Errorf("%d cases, %v", n, err)
		}
	})
}

// TestPostponed has a report that cannot be filed for a reason of the machine:
// it is tried again, and given up on after eight times, with its bytes kept.
func TestPostponed(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		ids := 0
		r := newRig(t, dsn(), quietWorld, options{drive: swept, loud: true, world: func(w *app.World) {
			w.NewID = func() string { // a case gets an id that cannot be written
				if ids++; ids <= 2 {
					return fmt.Sprint("id", ids)
				}
				return ""
			}
		}})
		got := post(t, r.url+"/api/v1/reports", "", claimOf("phishing", "https://gone.shopx/"))
		for range 7 {
			if _, err := r.Centre.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if state := get(t, r.url+"/api/v1/reports/"+got.Receipt.Receipt); state.State != store.ReportReceived {
				t.Fatalf("%s", state.raw)
			}
			r.view(func(ctx context.Context, tx *store.Tx) error {
				at, ok, err := tx.NextDue(ctx)
				if !ok || !at.After(r.clock.Now()) {
					t.Fatalf("due at %s, %t", at, ok)
				}
				r.clock.Set(at)
				return err
			})
		}
		if _, err := r.Centre.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if row, raw := kept(t, r.App, got.Receipt.Receipt); row.State != store.ReportRejected || row.Detail == "" || !row.Due.IsZero() || raw == "" {
			t.Errorf("%+v %q", row, raw)
		}
		if r.clock.Now().Sub(begin) < 2*time.Hour {
			t.Errorf("given up on after %s", r.clock.Now().Sub(begin))
		}
	})
}
