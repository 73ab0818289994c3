package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/lab"
	"bailiwick/store"
)

// The size of the crash test (issue 2 says 2,000 submissions).
const (
	crashReports = 2000
	crashClients = 16
	crashKills   = 10
	crashWorkers = 3
	crashSubmit  = 15 * time.Second     // how long the submissions take on a quiet machine
	crashLatency = 8 * time.Millisecond // of each answer of the mail server
	crashSeed    = 20260105
)

// hastyPlaybook is the shipped ladder with seconds for hours, so that
// reminders, missed times and escalations fall between the kills, too. After
// half a minute it is as slow as the shipped one, so that there is an end.
const hastyPlaybook = `
name: hasty phishing
types: [phishing, pharming]
longest_step: 24h
evidence_age: 1h
investigate: [2s, 4s]
watch:
  - {for: 12s, every: 6s}
  - {every: 24h}
gone: {looks: 2, apart: 4s}
after: [24h]
steps:
  - {id: constituent, role: constituent, action: inform}
  - {id: blocklist, role: blocklist, action: list}
  - {id: cert, role: cert, action: inform}
  - {id: host, role: host, action: remove_content, within: 6s, remind: [3s], chase: 24h}
  - {id: registrar, role: registrar, action: suspend_name, when: [malicious], within: 6s, remind: [3s], chase: 24h}
  - {id: registry, role: registry, action: suspend_name, when: [malicious, gtld, in_scope], after: registrar, on: [missed, refused, referred], within: 24h}
  - {id: registry-procedure, role: registry, action: registry_procedure, when: [malicious, cctld], after: registrar, on: [missed, refused, referred], within: 24h}
  - {id: compliance, role: compliance, action: bundle, when: [malicious, gtld, in_scope], after: registry, on: [missed, refused, referred]}
`

func span(d time.Duration) *lab.Range { return &lab.Range{Min: lab.Span(d), Max: lab.Span(d * 3)} }

// smallWorld has names of every kind that the centre works on differently,
// with parties that act, refuse, refer, stay silent, bounce and greylist.
func smallWorld(phishing, shops, innocent int) *lab.Scenario {
	sc := &lab.Scenario{Name: "crash", Seed: 7, Days: 2,
		Behaviours: map[string]lab.Behaviour{
			"quick":    {Like: "prompt", After: span(5 * time.Second), SaysAfter: span(time.Second)},
			"refuser":  {Like: "refusing", SaysAfter: span(time.Second)},
			"referrer": {Like: "referring", SaysAfter: span(time.Second)},
		},
		TLDs: []lab.TLD{{Name: "shopx", Behaviour: lab.Behaviour{Like: "referrer"}}, {Name: "webb", Model: "thin", Behaviour: lab.Behaviour{Like: "quick"}},
			{Name: "qz", Kind: "cctld", Country: "QZ", Behaviour: lab.Behaviour{Like: "silent"}}},
		Registrars: []lab.Registrar{{Name: "Quickname", Behaviour: lab.Behaviour{Like: "quick"}}, {Name: "Refusal Names", Behaviour: lab.Behaviour{Like: "refuser"}},
			{Name: "Muted Registrations", Behaviour: lab.Behaviour{Like: "silent"}}, {Name: "Referral Names", Behaviour: lab.Behaviour{Like: "referrer"}},
			{Name: "Bounceway", Behaviour: lab.Behaviour{Like: "bouncing"}}, {Name: "Greygate", Behaviour: lab.Behaviour{Like: "greylisting"}}},
		Hosts: []lab.Host{{Name: "Northbox", Country: "DE", Behaviour: lab.Behaviour{Like: "quick"}}, {Name: "Quietrack", Behaviour: lab.Behaviour{Like: "silent"}},
			{Name: "Slowgarden", Behaviour: lab.Behaviour{Like: "slow"}}, {Name: "Bouncefarm", Behaviour: lab.Behaviour{Like: "bouncing"}}, {Name: "Webgarden", Behaviour: lab.Behaviour{Like: "silent"}}},
		BlockLists:   []lab.Contact{{Name: "Safe Lists"}, {Name: "Warn Lists"}},
		CERTs:        []lab.CERT{{Name: "CERT-DE-LAB", Country: "DE"}},
		Constituents: []lab.Constituent{{Name: "Aurora Bank", Domains: []string{"aurora-bank.example"}, Brands: []string{"Aurora Bank", "Aurora"}}},
	}
	add := func(n lab.Name, i int) {
		n.Registrar, n.Host = sc.Registrars[i%len(sc.Registrars)].Name, sc.Hosts[i%len(sc.Hosts)].Name
		sc.Names = append(sc.Names, n)
	}
	for i := range phishing {
		add(lab.Name{Name: fmt.Sprintf("aurora-secure-%02d.%s", i, sc.TLDs[i%7%3].Name), Site: lab.Site{Kind: "phishing", Brand: "Aurora Bank", Path: "/verify/"}}, i)
	}
	for i := range shops {
		add(lab.Name{Name: fmt.Sprintf("river-bakery-%02d.%s", i, sc.TLDs[i%3].Name), Class: "compromised", Site: lab.Site{Kind: "phishing", Brand: "Aurora Bank"}}, i)
	}
	for i := range innocent {
		add(lab.Name{Name: fmt.Sprintf("corner-books-%02d.%s", i, sc.TLDs[i%3].Name), Class: "innocent", Site: lab.Site{Kind: "shop"}}, i)
	}
	return sc
}

// submission is one of the crash test's reports.
type submission struct {
	key  string
	body []byte
	bad  bool // names a private address: stored, and rejected
	mail bool // comes by SMTP
}

// submissions are reports about a scenario's names in every format, again and
// again with other URLs of the same site; later names come in later, so that
// there is new work until the end. Some are too large to be kept in the
// database, some are rejected. With mails each fifth comes by SMTP. As few as
// there are names report each once.
func submissions(tb testing.TB, sc *lab.Scenario, rng *rand.Rand, n int, mails bool) []submission {
	tb.Helper()
	if err := sc.Complete(); err != nil {
		tb.Fatal(err)
	}
	var urls []string
	for i := range sc.Names {
		if n := &sc.Names[i]; !strings.HasSuffix(n.Name, ".example") {
			urls = append(urls, n.URL())
		}
	}
	rng.Shuffle(len(urls), func(i, j int) { urls[i], urls[j] = urls[j], urls[i] })
	out := make([]submission, n)
	for i := range out {
		known := min(len(urls), 6+i*len(urls)*3/2/n) // the last names come after two thirds
		u := urls[rng.IntN(known)]
		if i < len(urls) && i < known {
			u = urls[i]
		}
		if rng.IntN(2) > 0 && strings.HasSuffix(u, "/") {
			u += "sign-in"
		}
		out[i] = submission{key: fmt.Sprintf("key-%04d-%08x", i, rng.Uint32()), bad: i >= len(urls) && rng.IntN(50) == 0}
		if out[i].bad {
			u = "http://192.168.10.20/login/"
		}
		if mails && i%5 == 4 {
			out[i].mail = true
			out[i].body = fmt.Appendf(nil, "From: Phish Watchers <desk@watchers.example>\r\nTo: report@centre.example\r\nSubject: phishing %d\r\nMessage-ID: <%s@watchers.example>\r\n"+
				"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nThis is phishing, imitating Aurora Bank:\r\n\r\n%s\r\n\r\nreport %d\r\n", i, out[i].key, u, i)
			if rng.IntN(20) == 0 {
				out[i].body = append(out[i].body, strings.Repeat("What else was in it, in words that say nothing.\r\n", 1500)...)
			}
			continue
		}
		var v map[string]any
		org := map[string]any{"org": "Phish Watchers", "contact": "desk@watchers.example", "domain": "watchers.example"}
		stamp := time.Now().UTC().Format(time.RFC3339)
		switch kind := rng.IntN(4); {
		case kind == 0 && !out[i].bad:
			v = map[string]any{"xarf_version": "4.2.0", "report_id": fmt.Sprintf("1a5ec293-0849-40a4-9eba-%012x", i), "timestamp": stamp, "reporter": org, "sender": org,
				"source_identifier": u, "category": "content", "type": "phishing", "evidence_source": "automated_scan", "url": u, "target_brand": "Aurora Bank"}
		case kind == 1 && !out[i].bad:
			v = map[string]any{"Version": "3.0.0", "Disclosure": false, "Report": map[string]any{"ReportClass": "Content", "ReportType": "Phishing", "Date": stamp, "SourceUrl": u,
				"Source": map[string]any{"Type": "uri", "URL": u}, "AdditionalInfo": map[string]any{"TargetBrand": "Aurora Bank", "Note": i}},
				"ReporterInfo": map[string]any{"ReporterOrg": "Phish Watchers", "ReporterOrgDomain": "watchers.example", "ReporterOrgEmail": "desk@watchers.example",
					"ReporterContactEmail": "desk@watchers.example", "ReporterContactName": "Reports"}}
		default:
			v = map[string]any{"type": "phishing", "url": u, "target_brand": "Aurora Bank", "description": fmt.Sprintf("report %d", i), "reporter": map[string]any{"org": "Phish Watchers", "contact": "desk@watchers.example"}}
			if rng.IntN(40) == 0 {
				big := make([]byte, 60<<10)
				for j := range big {
					big[j] = byte(rng.Uint32())
				}
				v["evidence"] = []map[string]any{{"media_type": "image/png", "description": "screen", "data": base64.StdEncoding.EncodeToString(big)}}
			}
		}
		var err error
		if out[i].body, err = json.Marshal(v); err != nil {
			tb.Fatal(err)
		}
	}
	return out
}

// TestCrash kills the real server at random moments while reports come in,
// parties are asked and time runs out on them, and then holds the state
// against the clients, the mailboxes of the world, and itself.
func TestCrash(t *testing.T) {
	for _, e := range engines {
		dsn := e.dsn(t)
		t.Run(e.name, func(t *testing.T) { // beside each other: much of it is waiting
			t.Parallel()
			crash(t, dsn)
		})
	}
}

func crash(t *testing.T, dsn string) {
	begun := time.Now()
	rng := rand.New(rand.NewPCG(crashSeed, 1))
	sc := smallWorld(60, 8, 4)
	subs := submissions(t, sc, rng, crashReports, true)
	addr := freeAddr(t)
	w := newWorld(t, sc, "http://"+addr, crashLatency)
	inbox := freeAddr(t)
	s := newSite(t, dsn, w.gate, addr, operator{mail: true, rules: true, playbook: hastyPlaybook, workers: crashWorkers, inbox: inbox})
	first := s.serving()

	k := &killer{t: t, site: s, world: w, rng: rand.New(rand.NewPCG(crashSeed, 2)), server: first}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { k.run(ctx) })

	answers := submitAll(ctx, t, s.url, inbox, subs, k)
	running.Wait()
	if t.Failed() {
		t.FailNow()
	}
	submitted := time.Since(begun)

	st := s.store()
	what := ""
	if err := until(ctx, func() (ok bool, err error) {
		// What a greylisting server or a held notice waits for is 10 minutes
		// away and more.
		ok, what, err = resting(ctx, st, time.Now().Add(5*time.Minute))
		return ok, err
	}); err != nil {
		t.Fatalf("the server does not come to rest: %v: %s\n%s", err, what, k.server.log)
	}
	// Every client asks once more, as one does that never saw its answer.
	client := &http.Client{}
	for i, sub := range subs {
		if sub.mail { // the same bytes once more
			if err := send(ctx, inbox, sub.body); err != nil {
				t.Fatalf("%s: %v", sub.key, err)
			}
			continue
		}
		a, err := post(ctx, client, s.url, sub.key, sub.body)
		if err != nil {
			t.Fatalf("%s: %v", sub.key, err)
		}
		if a.receipt != answers[i].receipt || a.status != answers[i].status || !a.repeat {
			t.Errorf("%s: the first answer was %+v, the later one is %+v", sub.key, answers[i], a)
		}
	}
	k.server.stop(t)
	if log := k.server.log.String(); strings.Contains(log, "panic") {
		t.Errorf("the server panicked: %s", log)
	}

	c := checker{t: t, st: st, world: w, kills: k.killed()}
	c.load()
	c.receipts(subs, answers)
	c.cases()
	c.delivery()
	c.escalations()
	c.blobs()
	t.Logf("%d reports, %d cases, %d kills (%d at an intent, %d at a mail just taken, %d while starting), %d retries: %d notices %v, %d mails, %d in doubt of which %d had arrived, %d escalated; submitted in %.1f s, %.1f s in all",
		len(subs), len(c.all), k.killed(), k.count[atMail], k.count[atDot], k.count["start"], k.retries.Load(), len(c.notices), c.states, len(w.Mails()), c.states[store.NoticeInDoubt], c.arrived, c.escalated,
		submitted.Seconds(), time.Since(begun).Seconds())
}

// killer kills the server and starts it again.
type killer struct {
	t       *testing.T
	site    *site
	world   *world
	rng     *rand.Rand
	server  *server
	count   map[string]int // kills by kind
	done    atomic.Int64   // kills so far
	retries atomic.Int64
}

func (k *killer) killed() int { return int(k.done.Load()) }

// run kills at moments that the random numbers give: while the server starts,
// at any time after, just after an intent was committed, and just before the
// server learns that its mail was taken.
func (k *killer) run(ctx context.Context) {
	k.count = map[string]int{}
	kinds := []string{"any", atDot, "any", atMail, "start", atDot, "any", atMail, atDot, "any"}
	k.rng.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	for n := range crashKills {
		kind := kinds[n%len(kinds)]
		wait := time.Duration(50+k.rng.IntN(2000)) * time.Millisecond
		if kind == "start" {
			wait = time.Duration(k.rng.IntN(150)) * time.Millisecond // from here, the server being only just started
			k.server.kill()
			k.server = k.site.serve()
		} else if err := k.server.wait(); err != nil {
			k.t.Error(err)
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		kill := func() {
			k.t.Logf("kill %d: %s, %v after it began", n+1, kind, wait)
			k.server.kill()
		}
		if kind == atMail || kind == atDot {
			tr := k.world.tap.set(kind)
			select {
			case <-tr.sprung:
			case <-time.After(10 * time.Second): // nothing is being sent: kill it all the same
				kind = "any"
			case <-ctx.Done():
			}
			kill()
			k.world.tap.unset(tr)
		} else {
			kill()
		}
		k.count[kind]++
		k.done.Add(1)
		k.server = k.site.serve()
	}
	if err := k.server.wait(); err != nil {
		k.t.Error(err)
	}
}

// submitAll posts every submission from a number of clients, each again and
// again until it is answered. They are spread over the time of the kills: after
// each kill another part of them is let out.
func submitAll(ctx context.Context, t *testing.T, base, inbox string, subs []submission, k *killer) []answer {
	answers := make([]answer, len(subs))
	next := make(chan int)
	go func() {
		defer close(next)
		tick := time.NewTicker(crashSubmit / time.Duration(len(subs)))
		defer tick.Stop()
		for i := range subs {
			for int64(i) >= (k.done.Load()+1)*int64(len(subs))/(crashKills+1) && ctx.Err() == nil {
				<-tick.C
			}
			select {
			case <-tick.C:
				next <- i
			case <-ctx.Done():
				return
			}
		}
	}()
	var clients sync.WaitGroup
	for range crashClients {
		clients.Go(func() {
			client := &http.Client{Timeout: 30 * time.Second}
			defer client.CloseIdleConnections()
			for i := range next {
				err := until(ctx, func() (bool, error) {
					if subs[i].mail {
						err := send(ctx, inbox, subs[i].body)
						if err != nil {
							k.retries.Add(1)
						}
						return err == nil, nil
					}
					a, err := post(ctx, client, base, subs[i].key, subs[i].body)
					answers[i] = a
					if err != nil {
						k.retries.Add(1)
					}
					return err == nil, nil
				})
				want := http.StatusAccepted
				if subs[i].bad {
					want = http.StatusUnprocessableEntity
				}
				if err != nil || !subs[i].mail && answers[i].status != want {
					t.Errorf("%s was never answered as it should: %v, %+v", subs[i].key, err, answers[i])
				}
			}
		})
	}
	clients.Wait()
	return answers
}

// checker holds the state after the crashes against what must be true of it.
type checker struct {
	t     *testing.T
	st    *store.Store
	world *world
	kills int

	reports   []store.Report
	all       []casework.Case
	rows      map[string]store.Case
	logs      map[string][]casework.Entry
	notices   []store.Notice
	states    map[store.NoticeState]int
	arrived   int // of those in doubt
	escalated int
}

// load reads everything.
func (c *checker) load() {
	c.rows, c.logs, c.states = map[string]store.Case{}, map[string][]casework.Entry{}, map[store.NoticeState]int{}
	ctx := c.t.Context()
	err := c.st.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.SQL().QueryContext(ctx, "SELECT id FROM reports")
		if err != nil {
			return err
		}
		var ids []string
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if c.reports, err = tx.ReportsByID(ctx, ids); err != nil {
			return err
		}
		for after := ""; ; {
			page, err := tx.Cases(ctx, store.CaseFilter{After: after})
			if err != nil {
				return err
			}
			if len(page) == 0 {
				return nil
			}
			for _, row := range page {
				var cs casework.Case
				if err := json.Unmarshal(row.Body, &cs); err != nil {
					return err
				}
				c.rows[row.ID], c.all, after = row, append(c.all, cs), row.ID
				if c.logs[row.ID], err = tx.Events(ctx, row.ID); err != nil {
					return err
				}
				ns, err := tx.Notices(ctx, row.ID)
				if err != nil {
					return err
				}
				c.notices = append(c.notices, ns...)
			}
		}
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, n := range c.notices {
		c.states[n.State]++
	}
}

// receipts: every client has one, each of one report, and there is no other
// report; each that was not rejected is on its cases, once.
func (c *checker) receipts(subs []submission, answers []answer) {
	t := c.t
	byReceipt := map[string]store.Report{}
	byDigest := map[string]store.Report{}
	keys := map[string]int{}
	for _, r := range c.reports {
		byReceipt[r.Receipt] = r
		byDigest[r.Digest] = r
		keys[r.Key]++
	}
	if len(c.reports) != len(subs) || len(byReceipt) != len(subs) || len(keys) != len(subs) {
		t.Errorf("%d submissions became %d reports with %d receipts and %d keys", len(subs), len(c.reports), len(byReceipt), len(keys))
	}
	on := map[string][]string{} // cases by report, as the cases have it
	for _, cs := range c.all {
		for _, r := range cs.Reports {
			on[r.ID] = append(on[r.ID], cs.ID)
		}
	}
	for i, sub := range subs {
		r, ok := byReceipt[answers[i].receipt]
		sum := sha256.Sum256(sub.body)
		if sub.mail { // its sender knows no receipt
			r, ok = byDigest[hex.EncodeToString(sum[:])]
			sub.key = r.Key
		}
		switch {
		case !ok || r.Key != sub.key || r.Digest != hex.EncodeToString(sum[:]):
			t.Errorf("%s: the receipt %s is of %+v", sub.key, answers[i].receipt, r)
		case sub.bad:
			if r.State != store.ReportRejected || len(on[r.ID]) > 0 {
				t.Errorf("%s is %s on %v and should be rejected", sub.key, r.State, on[r.ID])
			}
		case r.State != store.ReportAccepted && r.State != store.ReportDuplicate:
			t.Errorf("%s is left %s: %s", sub.key, r.State, r.Detail)
		default:
			slices.Sort(r.Cases)
			slices.Sort(on[r.ID])
			if len(r.Cases) != 1 || !slices.Equal(r.Cases, on[r.ID]) {
				t.Errorf("%s is on the cases %v, by the cases on %v", sub.key, r.Cases, on[r.ID])
			}
		}
		delete(on, r.ID)
	}
	if len(on) > 0 {
		t.Errorf("reports that nobody has a receipt of are on cases: %v", on)
	}
}

// cases: each log is whole and gives the projection, and no open case waits for
// nothing.
func (c *checker) cases() {
	t := c.t
	open := map[string]string{}
	for _, cs := range c.all {
		row, log := c.rows[cs.ID], c.logs[cs.ID]
		if err := casework.VerifyChain(log); err != nil {
			t.Errorf("case %s: %v", cs.ID, err)
			continue
		}
		again, err := casework.Replay(log)
		if err != nil {
			t.Errorf("case %s: %v", cs.ID, err)
			continue
		}
		if b, err := json.Marshal(again); err != nil || !bytes.Equal(b, row.Body) {
			t.Errorf("case %s: its log gives another projection:\n%s\n%s", cs.ID, b, row.Body)
		}
		due := cs.Due()
		if row.Head != cs.Head || row.Seq != cs.Seq || row.State != string(cs.State) || !row.Due.Equal(due) {
			t.Errorf("case %s: the row says %s at %d, due %s; the case %s at %d, due %s", cs.ID, row.State, row.Seq, row.Due, cs.State, cs.Seq, due)
		}
		if !cs.State.IsOpen() {
			continue
		}
		if latest := cs.Last.Add(time.Duration(cs.Longest)); due.IsZero() || due.After(latest) {
			t.Errorf("the open case %s is due %s, and the longest step ends %s", cs.ID, due, latest)
		}
		key := cs.Subject.Key() + " " + string(cs.Type)
		if open[key] != "" {
			t.Errorf("%s has two open cases, %s and %s", key, open[key], cs.ID)
		}
		open[key] = cs.ID
	}
	if len(c.all) < 60 {
		t.Errorf("there are only %d cases", len(c.all))
	}
}

// delivery: what the log says was taken lies in a mailbox, once; what lies
// there and is not said to be taken is in doubt; and there is no more doubt
// than the kills can explain.
func (c *checker) delivery() {
	t := c.t
	boxes := c.world.messageIDs(t)
	for id, n := range boxes {
		if n != 1 {
			t.Errorf("the mail %s arrived %d times", id, n)
		}
	}
	// What the cases' own logs say of each notice.
	said := map[string][]casework.Kind{}
	for id, log := range c.logs {
		for _, e := range log {
			var b struct {
				Obligation string `json:"obligation"`
				Notice     int    `json:"notice"`
			}
			switch e.Kind {
			case casework.KindDelivered, casework.KindFailed, casework.KindDoubt:
				if err := json.Unmarshal(e.Payload.Body, &b); err != nil {
					t.Fatalf("case %s, event %d: %v", id, e.Seq, err)
				}
				key := fmt.Sprintf("%s.%d", b.Obligation, b.Notice)
				said[key] = append(said[key], e.Kind)
			}
		}
	}
	want := map[store.NoticeState][]casework.Kind{store.NoticeAccepted: {casework.KindDelivered}, store.NoticeFailed: {casework.KindFailed}, store.NoticeInDoubt: {casework.KindDoubt}}
	byObligation := map[string][]store.Notice{}
	for _, n := range c.notices {
		byObligation[n.Obligation] = append(byObligation[n.Obligation], n)
		arrived := boxes[n.MessageID]
		delete(boxes, n.MessageID)
		bounces := strings.Contains(n.To, "bounce")
		switch n.State {
		case store.NoticeAccepted:
			if arrived != 1 {
				t.Errorf("notice %s is accepted, and its mail arrived %d times", n.ID, arrived)
			}
		case store.NoticeInDoubt:
			c.arrived += arrived
		case store.NoticeFailed:
			if arrived != 0 || !bounces {
				t.Errorf("notice %s to %s failed (%s); arrived: %d", n.ID, n.To, n.Response, arrived)
			}
		case store.NoticeDue:
			if arrived != 0 || !strings.HasPrefix(n.Response, "held:") && !strings.Contains(n.To, "greygate") {
				t.Errorf("notice %s to %s is left due (%s, %d attempts); arrived: %d", n.ID, n.To, n.Response, n.Attempts, arrived)
			}
		case store.NoticeStopped:
			if arrived != 0 {
				t.Errorf("notice %s was stopped and arrived", n.ID)
			}
		default:
			t.Errorf("notice %s is left %s", n.ID, n.State)
		}
		if !slices.Equal(said[n.ID], want[n.State]) {
			t.Errorf("notice %s is %s, and its case's log says %v", n.ID, n.State, said[n.ID])
		}
	}
	for id := range boxes {
		t.Errorf("the mail %s arrived, and no notice was sent under this Message-ID", id)
	}
	if max := c.kills * crashWorkers; c.states[store.NoticeInDoubt] > max {
		t.Errorf("%d notices are in doubt, and %d kills of %d workers explain %d", c.states[store.NoticeInDoubt], c.kills, crashWorkers, max)
	}
	for _, cs := range c.all {
		for _, o := range cs.Obligations {
			numbers := map[int]int{}
			doubts := 0
			for _, n := range byObligation[o.ID] {
				numbers[n.Number]++
				if n.State == store.NoticeInDoubt {
					doubts++
				}
				if n.Case != cs.ID || n.Party != o.Party.ID {
					t.Errorf("notice %s is to %s about %s, its obligation is %s's in case %s", n.ID, n.Party, n.Case, o.Party.ID, cs.ID)
				}
			}
			for n := 1; n <= o.Notices; n++ {
				if numbers[n] != 1 {
					t.Errorf("notice %d of obligation %s is there %d times", n, o.ID, numbers[n])
				}
				delete(numbers, n)
			}
			if len(numbers) > 0 || o.Doubts != doubts {
				t.Errorf("obligation %s ordered %d notices, %d in doubt; the delivery log has %d in doubt, and %v beside", o.ID, o.Notices, o.Doubts, doubts, numbers)
			}
			delete(byObligation, o.ID)
		}
	}
	for id := range maps.Keys(byObligation) {
		t.Errorf("there are notices of %s, which is no obligation", id)
	}
	// So that this cannot pass by nothing happening.
	if c.states[store.NoticeAccepted] < 100 || c.arrived == 0 || c.states[store.NoticeInDoubt] == c.arrived {
		t.Errorf("too little happened: %v, %d in doubt had arrived", c.states, c.arrived)
	}
}

// escalations: each rests on an ask that its party is known to have got.
func (c *checker) escalations() {
	t := c.t
	boxes := c.world.messageIDs(t)
	reached := map[string]bool{}
	for _, n := range c.notices {
		if boxes[n.MessageID] > 0 {
			reached[n.Obligation] = true
		}
	}
	for _, cs := range c.all {
		for _, o := range cs.Obligations {
			if o.Escalates == "" {
				continue
			}
			c.escalated++
			from, ok := cs.Obligation(o.Escalates)
			if !ok || from.Delivered.IsZero() || from.Delivered.After(o.Opened) || !reached[from.ID] {
				t.Errorf("obligation %s (%s) rests on %s, delivered %s, of which a mail arrived: %t", o.ID, o.Step, o.Escalates, from.Delivered, reached[from.ID])
			}
		}
	}
	if c.escalated < 5 {
		t.Errorf("only %d obligations are escalations", c.escalated)
	}
}

// blobs: what rows and looks name is there, whole, and stays.
func (c *checker) blobs() {
	t := c.t
	named := map[string]string{}
	for _, r := range c.reports {
		if r.Blob != "" {
			named[r.Blob] = "report " + r.ID
		}
	}
	for _, n := range c.notices {
		if n.Blob != "" {
			named[n.Blob] = "notice " + n.ID
		}
	}
	captures := 0
	for id, log := range c.logs {
		for _, e := range log {
			if e.Kind != casework.KindLooked {
				continue
			}
			var b casework.Looked
			if err := json.Unmarshal(e.Payload.Body, &b); err != nil {
				t.Fatalf("case %s, event %d: %v", id, e.Seq, err)
			}
			for _, sha := range b.Finding.Blobs {
				named[sha] = fmt.Sprintf("look %d of case %s", e.Seq, id)
				captures++
			}
		}
	}
	files := 0
	look := func(when string) {
		for sha, by := range named {
			data, _, err := c.st.Blob(t.Context(), sha)
			if sum := sha256.Sum256(data); err != nil || hex.EncodeToString(sum[:]) != sha {
				t.Errorf("%s, the blob of %s: %v", when, by, err)
			}
			if len(data) > store.DefaultInlineLimit {
				files++
			}
		}
	}
	look("after the crashes")
	if captures == 0 || files == 0 {
		t.Errorf("%d captures, %d large blobs: too few to show anything", captures, files)
	}
	// Two days on nothing of it has gone, and what a kill left behind has.
	swept, err := c.st.SweepBlobs(t.Context(), time.Now().Add(48*time.Hour))
	if err != nil {
		t.Error(err)
	}
	t.Logf("the sweep removed %d blobs and %d files that nothing names", swept.Removed, swept.Orphans)
	look("after the sweep")
}
