package centre_test

import (
	"strings"
	"testing"
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
		lines := map[drive]string{}
		for _, how := range []drive{queued, emptied, swept} {
			r := newRig(t, dsn(), busy, options{drive: how})
			r.until(8 * day)
			r.check()
			var all strings.Builder
			for _, c := range r.cases() {
				all.WriteString(line(c))
			}
			lines[how] = all.String()
			if how == emptied && r.lost < 50 {
				t.Errorf("only %d jobs were thrown away: the test shows little", r.lost)
			}
		}
		if lines[emptied] != lines[queued] {
			t.Errorf("with the job tables emptied:\n%s\nwith jobs:\n%s", lines[emptied], lines[queued])
		}
		if lines[swept] != lines[queued] {
			t.Errorf("without a queue:\n%s\nwith jobs:\n%s", lines[swept], lines[queued])
		}
		if strings.Count(lines[queued], "\n") < 40 {
			t.Errorf("little happened:\n%s", lines[queued])
		}
	})
}
