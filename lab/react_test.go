package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"bailiwick/abuse"

	"github.com/miekg/dns"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const reactions = `
behaviours:
  now: {like: prompt, after: 1h, says_after: 1m}
  reckless: {like: careless, after: 1h, says_after: 1m}
tlds:
  - {name: shopx, behaviour: now}
  - {name: clubx}
  - {name: webb, verifies_from: 0}
registrars:
  - {name: Quickname, behaviour: now}
  - {name: Careless, behaviour: reckless}
  - {name: Deleter, behaviour: now, takedown: delete}
  - {name: Parker, behaviour: now, takedown: park}
  - {name: Liar, behaviour: {like: lying, says_after: 1m}}
  - {name: Later, behaviour: {like: reminded, after: 1h}}
hosts:
  - {name: Pagehost, behaviour: now}
  - {name: Refuser, behaviour: now, takedown: refused}
  - {name: Timer, behaviour: now, takedown: timeout}
  - {name: Goner, behaviour: now, takedown: "410"}
  - {name: Teller, behaviour: now, on_compromise: owner}
  - {name: Suspender, behaviour: now, on_compromise: suspend}
cdns:
  - {name: Warner, behaviour: now}
  - {name: Stopper, behaviour: now, takedown: stop}
  - {name: Forwarder, behaviour: now, takedown: forward}
platforms: [{name: Pagebox, suffix: pagebox.shopx, behaviour: now, host: Pagehost, registrar: Careless}]
constituents: [{name: Shops, domains: [shops.clubx], behaviour: now}]
names:
  - {name: hold.shopx, registrar: Quickname}
  - {name: registry.shopx}
  - {name: refers.clubx}
  - {name: deleted.shopx, registrar: Deleter}
  - {name: parks.shopx, registrar: Parker}
  - {name: lied.shopx, registrar: Liar}
  - {name: later.shopx, registrar: Later}
  - {name: page.shopx, host: Pagehost}
  - {name: refused.shopx, host: Refuser}
  - {name: timed.shopx, host: Timer}
  - {name: goner.shopx, host: Goner}
  - {name: shop.shopx, host: Pagehost, class: compromised, registrar: Quickname}
  - {name: shop-careless.shopx, host: Pagehost, class: compromised, registrar: Careless}
  - {name: shop-told.shopx, host: Teller, class: compromised}
  - {name: shop-gone.shopx, host: Suspender, class: compromised}
  - {name: shop-owned.shopx, class: compromised, owner: Shops}
  - {name: warned.shopx, cdn: Warner}
  - {name: stops.shopx, cdn: Stopper}
  - {name: forwarded.shopx, cdn: Forwarder, host: Goner}
  - {name: cust.pagebox.shopx}
  - {name: cust2.pagebox.shopx}
  - {name: good.shopx, class: innocent, site: shop, host: Pagehost}
  - {name: refusedby.webb, registered: 1h, else: elsewhere.shopx}
  - {name: elsewhere.shopx, registered: when moved to}
`

func TestReactions(t *testing.T) {
	for _, tt := range []struct {
		name, to, role, action, subject string
		outcome, actor                  string
		act                             string // written down
		answers                         string // words the centre got
		after                           string // what a visitor gets then: status, "nxdomain", "closed"
		wrongAsks, wrongDNS             int
		wrongful                        bool
	}{
		{name: "registrar", to: "abuse@quickname.example", role: "registrar", action: "suspend_name", subject: "hold.shopx",
			outcome: "stopped", actor: "Quickname", act: "client hold", answers: "received acted", after: "nxdomain"},
		{name: "registry", to: "abuse@nic.shopx", role: "registry", action: "suspend_name", subject: "registry.shopx",
			outcome: "stopped", actor: "Registry shopx", act: "server hold", answers: "received acted", after: "nxdomain"},
		{name: "registry that refers", to: "abuse@nic.clubx", role: "registry", action: "suspend_name", subject: "refers.clubx",
			outcome: "open", answers: "referred", after: "200"},
		{name: "registrar that deletes", to: "abuse@deleter.example", role: "registrar", action: "suspend_name", subject: "deleted.shopx",
			outcome: "stopped", actor: "Deleter", act: "deleted the name", answers: "received acted", after: "nxdomain"},
		{name: "registrar that parks", to: "abuse@parker.example", role: "registrar", action: "suspend_name", subject: "parks.shopx",
			outcome: "parked or sinkholed", actor: "Parker", act: "parked the name", answers: "received acted", after: "200"},
		{name: "registrar that lies", to: "abuse@liar.example", role: "registrar", action: "suspend_name", subject: "lied.shopx",
			outcome: "open", answers: "acted", after: "200"},
		{name: "registrar not asked twice", to: "abuse@later.example", role: "registrar", action: "suspend_name", subject: "later.shopx",
			outcome: "open", after: "200"},
		{name: "somebody else's name", to: "abuse@quickname.example", role: "registrar", action: "suspend_name", subject: "lied.shopx",
			outcome: "open", answers: "not_ours", after: "200"},
		{name: "host with a page", to: "abuse@pagehost.example", role: "host", action: "remove_content", subject: "page.shopx",
			outcome: "stopped", actor: "Pagehost", act: "suspended the site", answers: "received acted", after: "403"},
		{name: "host that refuses connections", to: "abuse@refuser.example", role: "host", action: "remove_content", subject: "refused.shopx",
			outcome: "stopped", actor: "Refuser", act: "suspended the site", answers: "received acted", after: "closed"},
		{name: "host that drops", to: "abuse@timer.example", role: "host", action: "remove_content", subject: "timed.shopx",
			outcome: "stopped", actor: "Timer", act: "suspended the site", answers: "received acted", after: "closed"},
		{name: "host with 410", to: "abuse@goner.example", role: "host", action: "remove_content", subject: "goner.shopx",
			outcome: "stopped", actor: "Goner", act: "suspended the site", answers: "received acted", after: "410"},
		{name: "host only informed", to: "abuse@pagehost.example", role: "host", action: "inform", subject: "page.shopx",
			outcome: "open", answers: "received", after: "200"},
		{name: "host of a shop", to: "abuse@pagehost.example", role: "host", action: "remove_content", subject: "shop.shopx",
			outcome: "stopped", actor: "Pagehost", act: "removed the page", answers: "received acted", after: "410"},
		{name: "careful registrar of a shop", to: "abuse@quickname.example", role: "registrar", action: "suspend_name", subject: "shop.shopx",
			outcome: "open", answers: "refused", after: "200", wrongAsks: 1, wrongDNS: 1},
		{name: "careless registrar of a shop", to: "abuse@careless.example", role: "registrar", action: "suspend_name", subject: "shop-careless.shopx",
			outcome: "stopped", actor: "Careless", act: "client hold", answers: "received acted", after: "nxdomain", wrongAsks: 1, wrongDNS: 1, wrongful: true},
		{name: "host that tells the owner", to: "abuse@teller.example", role: "host", action: "remove_content", subject: "shop-told.shopx",
			outcome: "stopped", actor: "owner", act: "cleaned its site", answers: "received", after: "410"},
		{name: "host that suspends a shop", to: "abuse@suspender.example", role: "host", action: "remove_content", subject: "shop-gone.shopx",
			outcome: "stopped", actor: "Suspender", act: "suspended the site", answers: "received acted", after: "403"},
		{name: "owner", to: "security@shops.example", role: "constituent", action: "inform", subject: "shop-owned.shopx",
			outcome: "down before asked", actor: "Shops", act: "cleaned its site", answers: "received acted", after: "410"},
		{name: "CDN that warns", to: "abuse@warner.example", role: "cdn", action: "remove_content", subject: "warned.shopx",
			outcome: "disrupted", actor: "Warner", act: "put a warning before the site", answers: "received acted", after: "403"},
		{name: "CDN that stops", to: "abuse@stopper.example", role: "cdn", action: "remove_content", subject: "stops.shopx",
			outcome: "stopped", actor: "Stopper", act: "stopped serving the site", answers: "received acted", after: "409"},
		{name: "CDN that forwards", to: "abuse@forwarder.example", role: "cdn", action: "remove_content", subject: "forwarded.shopx",
			outcome: "stopped", actor: "Goner", act: "suspended the site", answers: "received acted", after: "410"},
		{name: "platform", to: "abuse@pagebox.shopx", role: "platform", action: "suspend_customer", subject: "cust.pagebox.shopx",
			outcome: "stopped", actor: "Pagebox", act: "removed the customer", answers: "received acted", after: "404"},
		{name: "registrar of the platform's name", to: "abuse@careless.example", role: "registrar", action: "suspend_name", subject: "cust2.pagebox.shopx",
			outcome: "down before asked", actor: "Careless", answers: "received acted", after: "nxdomain", wrongAsks: 1, wrongDNS: 1},
		{name: "host of an innocent", to: "abuse@pagehost.example", role: "host", action: "remove_content", subject: "good.shopx",
			outcome: "not confirmed", answers: "refused", after: "200", wrongAsks: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := load(t, reactions)
			s.Reports = append(s.Reports, Report{At: ptr(Span(0)), From: "Lab Reporter", Name: tt.subject, Format: "json", Expect: "accepted", Type: "phishing", ContentType: "application/json"})
			c := start(t, s)
			k := c.centre()
			c.advance(0)
			u := s.find(tt.subject).URL()
			if err := c.mail("n@cert.example", tt.to, noticeMail(tt.to, u, tt.role, tt.action, k.URL+"/api/v1/answers/tok")); err != nil {
				t.Fatal(err)
			}
			c.advance(3 * Day)
			tr := truthOf(t, c.w, tt.subject)
			actor := tt.actor
			if actor == "owner" {
				actor = s.find(tt.subject).Registrant.Organization
			}
			if tr.Outcome != tt.outcome || tr.Actor != actor || tr.WrongfulAsks != tt.wrongAsks || tr.WrongfulDNSAsks != tt.wrongDNS || tr.WrongfulDNS != tt.wrongful {
				t.Errorf("truth: %+v", tr)
			}
			if tt.act != "" && !strings.Contains(fmt.Sprintf("%+v", tr.Acts), tt.act) {
				t.Errorf("acts: %+v", tr.Acts)
			}
			var words []string
			for _, a := range k.answers {
				path, body, _ := strings.Cut(a, " ")
				var v struct{ Answer, Note string }
				if err := json.Unmarshal([]byte(body), &v); err != nil || path != "/api/v1/answers/tok" {
					t.Errorf("answer %s", a)
				}
				words = append(words, v.Answer)
			}
			if got := strings.Join(words, " "); got != tt.answers {
				t.Errorf("answers %q, want %q", got, tt.answers)
			}
			got := "closed"
			if len(c.lookup(s.find(tt.subject).Site.Host)) == 0 {
				got = "nxdomain"
			} else if a, err := c.get(u, plain()); err == nil {
				got = fmt.Sprint(a.status)
			}
			if got != tt.after {
				t.Errorf("a visitor gets %s, want %s", got, tt.after)
			}
			if s.find(tt.subject).Class == "compromised" && tt.after == "410" {
				if a := c.mustGet("https://"+tt.subject+"/", plain()); a.status != 200 || !strings.Contains(a.body, "online shop") {
					t.Errorf("the shop is gone with the kit: %d", a.status)
				}
			}
		})
	}
}

func TestRemindersMoveSome(t *testing.T) {
	s := load(t, reactions)
	c := start(t, s)
	k := c.centre()
	ask := func() {
		t.Helper()
		if err := c.mail("n@cert.example", "abuse@later.example", noticeMail("abuse@later.example", "https://later.shopx/", "registrar", "suspend_name", k.URL+"/a/1")); err != nil {
			t.Fatal(err)
		}
	}
	c.advance(0)
	ask()
	c.advance(Day)
	if m := c.resolve("later.shopx", dns.TypeA); m.Rcode != dns.RcodeSuccess {
		t.Fatal("moved by one notice")
	}
	ask()
	c.advance(2 * Day)
	if m := c.resolve("later.shopx", dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Error("not moved by the second")
	}
}

func TestVerifyingRegistry(t *testing.T) {
	c := start(t, load(t, reactions))
	c.advance(2 * time.Hour)
	if m := c.resolve("refusedby.webb", dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Error("a fabricated identity registered a name where it is verified")
	}
	if m := c.resolve("elsewhere.shopx", dns.TypeA); len(m.Answer) == 0 {
		t.Error("the operator did not go elsewhere")
	}
	for _, tr := range c.w.Truth() {
		if tr.Subject == "refusedby.webb" {
			t.Errorf("a truth about a name that never was: %+v", tr)
		}
	}
}

// A notice is also understood by its text alone, and an answer goes nowhere
// but to the centre.
func TestNotices(t *testing.T) {
	c := start(t, load(t, reactions))
	k := c.centre()
	for _, tt := range []struct {
		name, raw string
		want      notice
		ok        bool
	}{
		{name: "attachment", raw: noticeMail("a@b.example", "https://www.hold.shopx/x?e=1", "registrar", "suspend_name", k.URL+"/a"), ok: true,
			want: notice{subject: "hold.shopx", role: "registrar", action: "suspend_name", answer: k.URL + "/a"}},
		{name: "text", raw: "Subject: x\r\n\r\nPlease look at hxxps://cust[.]pagebox[.]shopx/verify today.\r\nAnswer: http://elsewhere.example/\r\n", ok: true,
			want: notice{subject: "cust.pagebox.shopx", answer: "http://elsewhere.example/"}},
		{name: "quoted-printable", raw: "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nhxxps://hold[.]sho=\r\npx/ =C3=A4\r\n", ok: true,
			want: notice{subject: "hold.shopx"}},
		{name: "address", raw: "Content-Type: application/json\r\n\r\n{\"source_identifier\":\"192.0.2.9\"}", ok: true, want: notice{subject: "192.0.2.9"}},
		{name: "nothing", raw: "Subject: x\r\n\r\nHello\r\n"},
		{name: "garbage", raw: "\x00\xff"},
	} {
		got, ok := c.w.parseNotice(Mail{Raw: []byte(tt.raw)})
		if ok != tt.ok || ok && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v %v", tt.name, got, ok)
		}
	}
	if err := c.mail("n@cert.example", "abuse@quickname.example", noticeMail("abuse@quickname.example", "https://hold.shopx/", "registrar", "suspend_name", "http://127.0.0.1:1/steal")); err != nil {
		t.Fatal(err)
	}
	c.advance(Day)
	if n := c.w.Counts(); len(k.answers) != 0 || n.AnswersFailed == 0 || n.AnswersSent != 0 {
		t.Errorf("%v %+v", k.answers, n)
	}
}

func TestReports(t *testing.T) {
	s := load(t, `
tlds: [{name: shopx}]
reporters:
  - {name: Watchers}
  - {name: Desk, format: xarf4, mail: desk@desk.example}
names:
  - {name: a.shopx, site: {kind: phishing, path: /x/, brand: Aurora Bank}}
  - {name: b.shopx, site: malware}
  - {name: c.shopx, registered: 3h}
reports:
  - {at: 1h, name: a.shopx, defang: true, description: seen}
  - {at: 1h1m, name: a.shopx, from: Desk}
  - {at: 1h2m, name: b.shopx, format: xarf3}
  - {at: 1h3m, name: b.shopx, format: xarf4, resend: true}
  - {at: 2h, fault: private_address}
  - {at: 2h, fault: malformed_json, from: Desk}
  - {at: 2h, fault: missing_sender, from: Desk, expect: accepted}
  - {at: 4h, bulk: x, name: a.shopx}
  - {at: 4h, bulk: x, fault: malformed_json}
  - {at: 4h, bulk: x, name: b.shopx}
  - {after_live: 1h, name: c.shopx}
  - {at: 5h, raw: "free text", expect: rejected}
  - {at: 6h, urls: ["https://unknown.shopx/a", "hxxps://a[.]shopx/b"]}
`)
	c := start(t, s)
	k := c.centre()
	c.advance(7 * time.Hour)
	find := func(part string) map[string]any {
		t.Helper()
		for _, r := range k.reports {
			if strings.Contains(r, part) {
				var v map[string]any
				if err := json.Unmarshal([]byte(r), &v); err != nil {
					t.Fatal(err)
				}
				return v
			}
		}
		t.Fatalf("no report with %s in %q", part, k.reports)
		return nil
	}
	if v := find("hxxps://a[.]shopx/x/"); v["type"] != "phishing" || v["target_brand"] != "Aurora Bank" || v["description"] != "seen" || at(v, "reporter", "org") != "Watchers" || v["reported_at"] != "2026-01-05T01:00:00Z" {
		t.Errorf("%v", v)
	}
	if v := find("xarf_version"); v["url"] != "https://a.shopx/x/" || v["category"] != "content" || at(v, "sender", "contact") != "desk@desk.example" || !strings.HasPrefix(fmt.Sprint(v["source_identifier"]), "192.0.2.") {
		t.Errorf("%v", v)
	}
	if v := find("ReporterInfo"); at(v, "Report", "ReportType") != "Malware" || !strings.Contains(fmt.Sprint(at(v, "Report", "SourceUrl")), "https://b.shopx/files/") {
		t.Errorf("%v", v)
	}
	find("https://c.shopx/")
	n := c.w.Counts()
	if n.ReportsSent != 13 || n.ReportsRejected != 4 || n.ReportsUnexpected != 0 {
		t.Errorf("%+v", n)
	}
	keys, again := map[string]int{}, 0
	for _, x := range k.keys {
		if keys[x]++; keys[x] > 1 {
			again++
		}
	}
	if again != 1 || keys[""] != 0 {
		t.Errorf("keys: %v", k.keys)
	}
	lines := 0
	for _, s := range c.w.Submissions() {
		if s.Line > 0 {
			lines++
			if s.Accepted != (s.Line != 2) || s.Accepted != (s.Receipt != "") {
				t.Errorf("bulk: %+v", s)
			}
		}
	}
	if lines != 3 {
		t.Errorf("%d bulk lines", lines)
	}
	if tr := truthOf(t, c.w, "unknown.shopx"); tr.Class != "unknown" || tr.Outcome != "down before asked" {
		t.Errorf("%+v", tr)
	}
}

// A centre that is busy gets the same report again, under the same key.
func TestReportsAreRepeated(t *testing.T) {
	c := start(t, load(t, "tlds: [{name: shopx}]\nnames: [{name: a.shopx, reported: [1h]}]\n"))
	var keys []string
	var times []time.Time
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		keys, times = append(keys, r.Header.Get("Idempotency-Key")), append(times, c.w.Now())
		if len(keys) < 3 {
			rw.WriteHeader(503)
			return
		}
		rw.WriteHeader(202)
		fmt.Fprint(rw, `{"receipt":"R1","state":"queued"}`)
	}))
	defer srv.Close()
	if err := c.w.SetCentre(srv.URL); err != nil {
		t.Fatal(err)
	}
	c.advance(Day)
	if len(keys) != 3 || keys[0] != keys[2] || times[2].Sub(times[0]) != 20*time.Minute {
		t.Errorf("%v %v", keys, times)
	}
	if n := c.w.Counts(); n.ReportsSent != 1 || n.ReportsAccepted != 1 {
		t.Errorf("%+v", n)
	}
}

func TestOutcomes(t *testing.T) {
	day := func(n float64) time.Time { return standardStart.Add(time.Duration(n * float64(Day))) }
	host := &Act{Party: "Host", Role: "host"}
	at := func(d float64, act *Act, sees ...sight) snapshot {
		return snapshot{at: day(d), act: act, sees: sees, anyone: seesAbuse}
	}
	gone := func(d float64, act *Act) snapshot { return snapshot{at: day(d), act: act, sees: []sight{0, 0}} }
	for _, tt := range []struct {
		name     string
		class    string
		reported float64
		asked    float64 // 0: never
		history  []snapshot
		want     string
		actor    bool
	}{
		{"still there", "malicious", 1, 2, []snapshot{at(0, nil, 4, 4)}, "open", false},
		{"stopped", "malicious", 1, 2, []snapshot{at(0, nil, 4, 4), gone(3, host)}, "stopped", true},
		{"gone before the ask", "malicious", 1, 3, []snapshot{at(0, nil, 4, 4), gone(2, nil)}, "down before asked", false},
		{"gone, nobody asked", "malicious", 1, 0, []snapshot{at(0, nil, 4, 4), gone(2, nil)}, "down before asked", false},
		{"gone before the report", "malicious", 2, 0, []snapshot{at(0, nil, 4, 4), gone(1, nil)}, "down before asked", false},
		{"cloaked after the ask", "malicious", 1, 2, []snapshot{at(0, nil, 4, 4), at(3, nil, 0, 4)}, "cloaked", false},
		{"cloaked from the start", "malicious", 1, 2, []snapshot{at(0, nil, 0, 4)}, "open", false},
		{"never seen from here", "malicious", 1, 2, []snapshot{at(0, nil, 0, 0)}, "not seen from here", false},
		{"warned", "malicious", 1, 2, []snapshot{at(0, nil, 4, 4), at(3, host, 2, 2)}, "disrupted", true},
		{"moved", "malicious", 1, 2, []snapshot{at(0, nil, 4, 4), at(3, nil, 3, 3)}, "moved", false},
		{"parked", "malicious", 1, 2, []snapshot{at(0, nil, 4, 4), at(3, host, 1, 1)}, "parked or sinkholed", true},
		{"back after two days", "malicious", 1, 2, []snapshot{at(0, nil, 4, 4), gone(3, host), at(5, nil, 4, 4)}, "back up", false},
		{"back after hours", "malicious", 1, 2, []snapshot{at(0, nil, 4, 4), gone(3, host), at(3.5, nil, 4, 4)}, "open", false},
		{"back and stopped again", "malicious", 1, 2, []snapshot{at(0, nil, 4, 4), gone(3, nil), at(5, nil, 4, 4), gone(6, host)}, "stopped", true},
		{"in two steps", "malicious", 1, 2, []snapshot{at(0, nil, 4, 4), at(3, nil, 0, 4), gone(4, host)}, "stopped", true},
		{"innocent", "innocent", 1, 0, []snapshot{gone(0, nil)}, "not confirmed", false},
		{"innocent and parked", "innocent", 1, 0, []snapshot{at(0, nil, 1, 1)}, "parked or sinkholed", false},
	} {
		s := subject{reported: day(tt.reported), history: tt.history}
		if tt.asked > 0 {
			s.asked = day(tt.asked)
		}
		got := s.result(tt.class, false)
		if got.outcome != tt.want || (got.act != nil && got.act.Party != "") != tt.actor {
			t.Errorf("%s: %+v, want %s", tt.name, got, tt.want)
		}
	}
	s := subject{reported: day(1), history: []snapshot{at(0, nil, 4, 4)}}
	if got := s.result("malicious", true); got.outcome != "not confirmed" {
		t.Errorf("another type: %+v", got)
	}
}

// The XARF the lab's reporters write is valid by the specification's own
// schemas, where those are at hand.
func TestXARFIsValid(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "corpus", "abuse", "xarf", "spec", "schemas", "v4")
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	types, _ := filepath.Glob(filepath.Join(dir, "types", "*.json"))
	if len(files) == 0 || len(types) == 0 {
		t.Skip("the XARF schemas are not at hand")
	}
	schemas, master := jsonschema.NewCompiler(), ""
	for _, f := range append(files, types...) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(at(v, "$id"))
		if strings.HasSuffix(f, "xarf-v4-master.json") {
			master = id
		}
		if err := schemas.AddResource(id, v); err != nil {
			t.Fatal(err)
		}
	}
	compiled, err := schemas.Compile(master)
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, "tlds: [{name: shopx}]\nnames: [{name: a.shopx}]\n")
	for i, typ := range []abuse.Type{abuse.Phishing, abuse.Malware, abuse.Botnet, abuse.Spam, abuse.Fraud} {
		s.Reports = append(s.Reports, Report{At: ptr(Span(time.Duration(i) * time.Hour)), From: "Lab Reporter", Name: "a.shopx", Format: "xarf4", Type: typ, Expect: "accepted", ContentType: "application/json"})
	}
	c := start(t, s)
	k := c.centre()
	c.advance(Day)
	if len(k.reports) != 5 {
		t.Fatalf("%d reports", len(k.reports))
	}
	for _, r := range k.reports {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(r))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(v); err != nil {
			t.Errorf("%v\n%s", err, r)
		}
		delete(v.(map[string]any), "sender")
		if compiled.Validate(v) == nil {
			t.Error("the schema takes a report without a sender")
		}
	}
}
