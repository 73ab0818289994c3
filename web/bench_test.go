package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/store"
	"bailiwick/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// many is how many cases the pages are measured with.
const many = 100_000

// fill writes many cases that look like one: one in ten open, the rest closed.
// change, if not nil, may change each before it is written.
func fill(b *testing.B, d *desk, like casework.Case, change func(i int, c *casework.Case)) {
	b.Helper()
	begin := d.Centre.Clock.Now().Add(-400 * 24 * time.Hour)
	states := []casework.State{casework.Coordinating, casework.Unconfirmed, casework.Investigating, casework.Coordinating}
	outcomes := []casework.Outcome{casework.Stopped, casework.Stopped, casework.Stopped, casework.NotConfirmed, casework.Moved, casework.DownBeforeAsked}
	for from := 0; from < many; from += 1000 {
		if err := d.Store.Update(b.Context(), func(tx *store.Tx) error {
			for i := from; i < from+1000; i++ {
				c := like
				c.ID, c.Opened = fmt.Sprintf("01BENCH%019d", i), begin.Add(time.Duration(i)*5*time.Minute)
				c.Began, c.Last = c.Opened, c.Opened.Add(3*time.Hour)
				c.Obligations = slices.Clone(c.Obligations)
				for j := range c.Obligations {
					c.Obligations[j].ID = fmt.Sprintf("%s-%d", c.ID, j+1)
				}
				c.Look = &casework.Finding{At: c.Opened.Add(2 * time.Hour), Claimed: true, Snapshot: like.Look.Snapshot, Reasons: like.Look.Reasons}
				if c.State = states[i/10%len(states)]; i%10 > 0 {
					c.State, c.Outcome = casework.Closed, outcomes[i%len(outcomes)]
					c.GoneSince, c.Closed = c.Opened.Add(time.Duration(1+i%97)*time.Hour/3), c.Opened.Add(40*time.Hour)
				}
				key := fmt.Sprintf("name-%d.example.com", i)
				switch { // what is rare, and long ago
				case i%20_000 == 500:
					c.Class = casework.Innocent
					if d, err := name.ParseAny(fmt.Sprintf("bücher-%d.example", i)); err == nil {
						key = d.String()
					}
				case i%10 > 6:
					c.Class = casework.Compromised
				}
				if i%100 == 51 && i < many/2 {
					c.Type = "malware"
				}
				if o := &c.Obligations[0]; c.State == casework.Coordinating && i%20 == 0 { // every other one
					o.Status, o.Opened, o.Delivered = casework.HandOff, c.Opened, time.Time{}
				}
				if change != nil {
					change(i, &c)
				}
				body, err := json.Marshal(c)
				if err != nil {
					return err
				}
				if err := tx.PutCase(b.Context(), store.Case{ID: c.ID, SubjectKey: key, SubjectKind: "domain", Type: string(c.Type), State: string(c.State),
					Opened: c.Opened, Closed: c.Closed, Due: c.Opened.Add(500 * 24 * time.Hour), Seq: c.Seq, Head: c.Head, Judgement: string(c.Class), Outcome: string(c.Outcome), Playbook: c.Playbook, Body: body}, 0); err != nil {
					return err
				}
				var told []store.Share
				for _, o := range c.Obligations {
					if x, ok := store.ShareOf(c, o); ok {
						told = append(told, x)
					}
				}
				if err := tx.PutShares(b.Context(), told, nil); err != nil {
					return err
				}
				if o := c.Obligations[0]; o.Status == casework.HandOff {
					if err := tx.PutHandOffs(b.Context(), c.ID, []casework.Obligation{o}, nil); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// onBoth runs a benchmark at a desk on each database.
func onBoth(b *testing.B, f func(b *testing.B, d *desk)) {
	for _, e := range []struct {
		name string
		dsn  func(b *testing.B) string
	}{
		{"sqlite", func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "state.db") }},
		{"postgres", func(b *testing.B) string { return pgtest.DSN(b) }},
	} {
		b.Run(e.name, func(b *testing.B) { f(b, newDeskOn(b, e.dsn(b))) })
	}
}

// BenchmarkPages measures the server's time of the pages with 100,000 cases, on
// both databases: p95-ms is the 95th percentile.
func BenchmarkPages(b *testing.B) {
	onBoth(b, func(b *testing.B, d *desk) {
		ana := d.signIn("ana", access.Analyst)
		like := d.ask(d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/"}), "Northbox", "registered 3 days before the first report", "registered for one year only")
		like.Obligations = append(like.Obligations, casework.Obligation{Round: 1, Party: party.Party{ID: "registrar:9001", Role: party.Registrar, Name: "Quickname"}, Action: casework.SuspendName,
			Status: casework.Running, Delivered: like.Opened, Due: like.Opened.Add(1000 * time.Hour)})
		id := like.ID
		like.Look.Snapshot, _ = json.Marshal(map[string]any{"sight": map[string]any{"text": fmt.Sprintf("%01800d", 1)}})
		fill(b, d, like, nil)
		if d.Store.Engine() == store.PostgreSQL { // which does so by itself within a minute
			if _, err := d.Store.Writer().ExecContext(b.Context(), "VACUUM ANALYZE"); err != nil {
				b.Fatal(err)
			}
		}
		begin := time.Now()
		a := d.get(ana, "/figures") // counted for the first time
		for a.code != 200 && time.Since(begin) < 5*time.Minute {
			a = d.get(ana, "/figures")
		}
		b.Logf("%d cases counted in %s", many, time.Since(begin))
		for _, p := range []struct{ name, path string }{
			{"queue", "/desk"}, {"to confirm", "/desk?state=unconfirmed"}, {"closed", "/desk?state=closed"}, {"all", "/desk?state=all"}, {"kind", "/desk?state=open&type=malware"},
			{"closed by due", "/desk?state=closed&sort=due"}, {"open by opened", "/desk?state=open&sort=opened"}, {"rare class", "/desk?state=all&class=innocent"},
			{"rare class by due", "/desk?state=all&class=innocent&sort=due"}, {"no such class", "/desk?state=closed&class=unknown&type=malware"}, {"over due", "/desk?state=all&due=over"},
			{"search", "/desk?state=all&q=name-77777"}, {"search none", "/desk?state=all&q=no-such-name"}, {"search all", "/desk?state=all&q=example"}, {"search many", "/desk?state=open&q=name-7"},
			{"search some", "/desk?state=all&q=-777"}, {"search all rare class", "/desk?state=all&q=example&class=innocent"}, {"search all no class", "/desk?state=closed&q=example&class=unknown"},
			{"search two letters", "/desk?state=all&q=na"}, {"search two letters none", "/desk?state=all&q=qx"}, {"search wild", "/desk?state=all&q=" + url.QueryEscape(`50%_\`)},
			{"search unicode", "/desk?state=all&q=" + url.QueryEscape("bücher")}, {"search unicode none", "/desk?state=all&q=" + url.QueryEscape("例え")},
			{"name", "/names/name-77777.example.com"}, {"hand over", "/desk/handoffs"}, {"case", "/cases/" + id}, {"figures", "/figures"}, {"home", "/"},
		} {
			b.Run(p.name, func(b *testing.B) { d.pace(b, ana, p.path) })
		}
	})
}

// pace measures a page: p95-ms is the 95th percentile.
func (d *desk) pace(b *testing.B, c *http.Client, path string) {
	took := make([]time.Duration, 0, 64)
	for b.Loop() {
		begin := time.Now()
		if a := d.get(c, path); a.code != 200 {
			b.Fatalf("%d %s", a.code, a.body)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}

// registrarsMany is how many registrars the cases of BenchmarkAsks are spread over:
// the first has a fifth of them, half of the rest are of the next 50.
const registrarsMany = 500

func registrarAt(i int) string {
	switch n := i / 10; {
	case n%5 == 0:
		return "registrar:1"
	case n%2 == 0:
		return fmt.Sprintf("registrar:%d", 2+n%50)
	default:
		return fmt.Sprintf("registrar:%d", 2+n%(registrarsMany-1))
	}
}

// BenchmarkAsks measures what members see, with 100,000 cases of 500 registrars
// and 200 hosts, on both databases: a small registrar, the largest, a group of
// fifty, and an organisation that answers for all of them.
func BenchmarkAsks(b *testing.B) {
	onBoth(b, func(b *testing.B, d *desk) {
		like := d.ask(d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/"}), "Northbox", "registered 3 days before the first report", "registered for one year only")
		like.Look.Snapshot, _ = json.Marshal(map[string]any{"sight": map[string]any{"text": fmt.Sprintf("%01800d", 1)}})
		like.Obligations = append(like.Obligations[:1:1], casework.Obligation{Round: like.Round, Party: party.Party{Role: party.Registrar, Name: "Quickname"}, Action: casework.SuspendName})
		last := ""
		fill(b, d, like, func(i int, c *casework.Case) {
			c.Obligations[0].Party.ID, c.Obligations[1].Party.ID = fmt.Sprintf("host:%d", i/10%200), registrarAt(i)
			c.Obligations[0].Status = casework.Running
			for j := range c.Obligations {
				o := &c.Obligations[j]
				o.Round, o.Opened, o.Delivered, o.Due = c.Round, c.Opened, c.Opened.Add(time.Hour), c.Opened.Add(48*time.Hour)
				if o.Status = casework.Running; c.State == casework.Closed {
					o.Status = casework.Met
				}
			}
			if c.Obligations[1].Party.ID == "registrar:1" {
				last = c.ID
			}
		})
		if d.Store.Engine() == store.PostgreSQL { // which does so by itself within a minute
			if _, err := d.Store.Writer().ExecContext(b.Context(), "VACUUM ANALYZE"); err != nil {
				b.Fatal(err)
			}
		}
		for _, o := range []struct {
			name     string
			from, to int // registrars
		}{{"small", 500, 500}, {"largest", 1, 1}, {"group of 50", 1, 50}, {"all 500", 1, registrarsMany}} {
			org, err := d.Access.AddOrg(b.Context(), access.Console, o.name)
			if err != nil {
				b.Fatal(err)
			}
			for i := o.from; i <= o.to; i++ {
				if _, err := d.Access.LinkParty(b.Context(), access.Console, org.ID, fmt.Sprintf("registrar:%d", i)); err != nil {
					b.Fatal(err)
				}
			}
			c := d.member("member-"+strconv.Itoa(o.to-o.from)+"-"+strconv.Itoa(o.from), org.ID)
			pages := []struct{ name, path string }{{"open", "/asks"}, {"all", "/asks?show=all"}}
			if a := d.get(c, "/asks?show=all&format=json"); a.code == 200 {
				var page struct{ Next string }
				if err := json.Unmarshal([]byte(a.body), &page); err != nil {
					b.Fatal(err)
				}
				if page.Next != "" {
					pages = append(pages, struct{ name, path string }{"all, next page", strings.TrimSuffix(page.Next, "&format=json")})
				}
			}
			if o.from == 1 {
				pages = append(pages, struct{ name, path string }{"one", "/asks/" + last})
			}
			for _, p := range pages {
				b.Run(o.name+"/"+p.name, func(b *testing.B) { d.pace(b, c, p.path) })
			}
		}
	})
}
