package centre_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/store"
)

// busy is a world with something of everything: side by side, so that much is
// under way when the jobs are thrown away.
const busy = `
seed: 11
days: 8
tlds:
  - {name: shopx, registry: Shopx Registry, behaviour: {like: prompt, after: 6h}}
  - {name: qz, kind: cctld, registry: QZ Names, behaviour: {like: prompt, after: 6h}}
  - {name: htmlx, rdap: html}
registrars:
  - {name: Quickname, behaviour: {like: prompt, after: 3h}}
  - {name: Mute Names, behaviour: silent}
  - {name: Bounceway, behaviour: bouncing}
  - {name: Greyname, behaviour: {like: greylisting, after: 3h}}
  - {name: Refuser, behaviour: refusing}
hosts:
  - {name: Quietrack, behaviour: silent}
  - {name: Northbox, behaviour: {like: prompt, after: 2h}}
  - {name: Laterhost, behaviour: {like: reminded, after: 2h}}
cdns: [{name: Frontline, behaviour: {like: prompt, after: 4h}}]
platforms: [{name: Pagebox, suffix: pagebox.shopx, host: Northbox, behaviour: {like: prompt, after: 2h}}]
blocklists: [{name: Safe Lists}]
constituents: [{name: Aurora Bank, domains: [aurora-bank.qz], behaviour: silent}]
names:
  - {name: aurora-a.shopx, registrar: Quickname, reported: [1h, 2h, 30h]}
  - {name: aurora-b.shopx, registrar: Mute Names, reported: [1h]}
  - {name: aurora-c.qz, registrar: Refuser, reported: [1h]}
  - {name: aurora-d.shopx, registrar: Bounceway, host: Laterhost, reported: [1h]}
  - {name: aurora-e.shopx, registrar: Greyname, reported: [1h10m]}
  - {name: aurora-f.htmlx, host: Northbox, reported: [2h]}
  - {name: aurora-g.pagebox.shopx, reported: [2h]}
  - {name: aurora-h.shopx, registrar: Mute Names, cdn: Frontline, reported: [2h]}
  - {name: old-bakery.shopx, class: compromised, host: Northbox, reported: [3h]}
  - {name: river-books.shopx, class: innocent, site: shop, reported: [3h]}
  - {name: aurora-i.shopx, registrar: Mute Names, host: Northbox, reported: [1h], then: [{after_takedown: 2d, do: restore}]}
reports:
  - {at: 4h, fault: malformed_json}
  - {at: 4h, name: aurora-a.shopx, bulk: mixed, format: xarf4}
  - {at: 4h, fault: private_address, bulk: mixed}
  - {at: 4h, name: aurora-b.shopx, bulk: mixed, format: xarf3}
`

// TestWithoutJobs runs the same world three times: worked by jobs, with the job
// tables emptied again and again while it runs, and with no queue at all. The
// sweep over due times does all the work: the cases end in the same lines.
func TestWithoutJobs(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		// The whole of it runs on one database; four days hold every kind of
		// prompt, and half of the lines.
		days, least := 8, 40
		if testing.Short() || strings.HasSuffix(t.Name(), "/postgres") {
			days, least = 4, 20
		}
		lines := map[drive]string{}
		for _, how := range []drive{queued, emptied, swept} {
			r := newRig(t, dsn(), busy, options{drive: how})
			r.until(time.Duration(days) * day)
			r.check()
			var all strings.Builder
			for _, c := range r.cases() {
				all.WriteString(line(c))
			}
			lines[how] = all.String()
			if how == emptied && r.lost < int64(least) {
				t.Errorf("only %d prompts were thrown away: the test shows little", r.lost)
			}
		}
		if lines[emptied] != lines[queued] {
			t.Errorf("with the job tables emptied:\n%s\nwith jobs:\n%s", lines[emptied], lines[queued])
		}
		if lines[swept] != lines[queued] {
			t.Errorf("without a queue:\n%s\nwith jobs:\n%s", lines[swept], lines[queued])
		}
		if strings.Count(lines[queued], "\n") < least {
			t.Errorf("little happened:\n%s", lines[queued])
		}
	})
}

// TestLookedAtOnce has a job and sweeps come to the same case at the same time:
// its servers are asked once.
func TestLookedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		once := func(subject string, f func(id string)) (dns, http int64) {
			got := post(t, r.url+"/api/v1/reports", "", claimOf("phishing", "https://"+subject+"/"))
			if _, err := r.Centre.Sweep(t.Context()); err != nil { // files it
				t.Fatal(err)
			}
			before := r.world.Counts()
			f(get(t, r.url+"/api/v1/reports/"+got.Receipt.Receipt).Cases[0])
			after := r.world.Counts()
			if c := r.only(subject); c.Looks != 1 {
				t.Errorf("%s: %d looks", subject, c.Looks)
			}
			return after.DNS - before.DNS, after.HTTP - before.HTTP
		}
		work := func(id string) {
			if err := r.Centre.Work(t.Context(), []string{id}); err != nil {
				t.Error(err)
			}
		}
		_, one := once("aurora-b.shopx", work)
		_, many := once("aurora-c.shopx", func(id string) {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { work(id) })
			}
			wg.Wait()
		})
		if one == 0 || many != one {
			t.Errorf("%d requests by eight at a time, %d by one", many, one)
		}
	})
}

// TestJobsInBatches files many reports: the looks at their cases are one job a
// batch, not one a case.
func TestJobsInBatches(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		var body strings.Builder
		for i := range 100 {
			fmt.Fprintf(&body, `{"type":"phishing","url":"https://www.bad%d-names.com/"}`+"\n", i)
		}
		if err := a.Centre.SubmitBulk(t.Context(), centre.Submission{Source: "t"}, strings.NewReader(body.String()), func(centre.BulkResult) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Centre.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		var jobs, due int
		if err := a.Store.Writer().QueryRowContext(t.Context(), "SELECT count(*) FROM river_job WHERE kind = 'case'").Scan(&jobs); err != nil {
			t.Fatal(err)
		}
		if err := a.Store.View(t.Context(), func(tx *store.Tx) error {
			ids, err := tx.DueCases(t.Context(), a.Centre.Clock.Now(), 1000)
			due = len(ids)
			return err
		}); err != nil || due != 100 || jobs != 2 {
			t.Errorf("%d jobs for %d cases, %v", jobs, due, err)
		}
	})
}
