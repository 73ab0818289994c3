package centre_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/collect"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
)

const hour, day = time.Hour, 24 * time.Hour

// around is what the scenarios below have in common. Only what a scenario is
// about acts in it: everybody else accepts mail and stays silent.
const around = `
seed: 7
days: 30
tlds:
  - {name: shopx, registry: Shopx Registry}
  - {name: qz, kind: cctld, registry: QZ Names, behaviour: {like: prompt, after: 6h}}
  - {name: htmlx, rdap: html}
  - {name: endlessx, rdap: endless}
  - {name: errorx, rdap: error}
registrars:
  - {name: Quickname, behaviour: {like: prompt, after: 3h}}
  - {name: Mute Names, behaviour: silent}
  - {name: Bounceway, behaviour: bouncing}
  - {name: Greyname, behaviour: {like: greylisting, after: 3h}}
  - {name: Formfirst, behaviour: form-only}
  - {name: Formonly, mail: none, form: "https://formonly.example/abuse"}
hosts:
  - {name: Quietrack, behaviour: silent}
  - {name: Northbox, behaviour: {like: prompt, after: 2h}}
cdns:
  - {name: Frontline, behaviour: {like: prompt, after: 4h}}
platforms:
  - {name: Pagebox, suffix: pagebox.shopx, host: Northbox, behaviour: {like: prompt, after: 2h}}
constituents:
  - {name: Aurora Bank, domains: [aurora-bank.qz], behaviour: silent}
names:
`

// life is one report's way to its end.
type life struct {
	name     string
	scenario string // appended to around
	subject  string
	after    time.Duration // how long it runs
	outcome  casework.Outcome
	actor    string
	class    casework.Class
	state    casework.State
	asked    []string // of the last round, all of them
	order    []string // of the timeline, in this order
	check    func(t *testing.T, r *rig, c casework.Case)
	differs  string // why the centre's outcome is not the lab's, if it is not
}

var lives = []life{
	{
		name:     "a prompt registrar",
		scenario: `  - {name: aurora-login.shopx, registrar: Quickname, reported: [1h]}`,
		subject:  "aurora-login.shopx", after: 3 * day, outcome: casework.Stopped, actor: "Quickname", class: casework.Malicious, state: casework.Closed,
		asked: []string{"constituent Aurora Bank inform: informed", "host Quietrack remove_content: moot", "registrar Quickname suspend_name: met"},
		order: []string{"opened", "report attached", "confirmed", "obligation opened registrar pending", "notice accepted registrar", "answered registrar received", "answered registrar acted", "closed stopped"},
	},
	{
		name:     "a silent registrar, a registry that refers back",
		scenario: `  - {name: aurora-login.shopx, registrar: Mute Names, reported: [1h]}`,
		subject:  "aurora-login.shopx", after: 8 * day, class: casework.Malicious, state: casework.Coordinating,
		asked: []string{"compliance ICANN Contractual Compliance bundle: hand-off", "constituent Aurora Bank inform: informed", "host Quietrack remove_content: missed",
			"registrar Mute Names suspend_name: missed", "registry Shopx Registry suspend_name: referred"},
		order: []string{"confirmed", "notice accepted registrar", "notice ordered registrar reminder", "missed registrar", "obligation opened registry pending",
			"notice accepted registry", "answered registry referred", "obligation opened compliance hand-off", "notice ordered registrar chase"},
	},
	{
		name:     "a ccTLD: the registry's own procedure, never ICANN",
		scenario: `  - {name: aurora-konto.qz, registrar: Mute Names, reported: [1h]}`,
		subject:  "aurora-konto.qz", after: 6 * day, outcome: casework.Stopped, actor: "QZ Names", class: casework.Malicious, state: casework.Closed,
		asked: []string{"constituent Aurora Bank inform: informed", "host Quietrack remove_content: moot", "registrar Mute Names suspend_name: moot", "registry QZ Names registry_procedure: met"},
		order: []string{"confirmed", "notice accepted registrar", "missed registrar", "obligation opened registry pending", "answered registry acted", "closed stopped"},
	},
	{
		name:     "a compromised shop: its host only",
		scenario: `  - {name: old-bakery.shopx, class: compromised, registrar: Quickname, host: Northbox, reported: [1h]}`,
		subject:  "old-bakery.shopx", after: 3 * day, outcome: casework.Stopped, actor: "Northbox", class: casework.Compromised, state: casework.Closed,
		asked: []string{"constituent Aurora Bank inform: informed", "host Northbox remove_content: met"},
	},
	{
		name:     "a platform's customer: the platform, never its registrar",
		scenario: `  - {name: aurora-help.pagebox.shopx, reported: [1h]}`,
		subject:  "aurora-help.pagebox.shopx", after: 3 * day, outcome: casework.Stopped, actor: "Pagebox", class: casework.Malicious, state: casework.Closed,
		asked: []string{"constituent Aurora Bank inform: informed", "platform Pagebox suspend_customer: met"},
	},
	{
		name:     "a CDN in front: it is asked, the host behind is not known",
		scenario: `  - {name: aurora-verify.shopx, registrar: Mute Names, cdn: Frontline, reported: [1h]}`,
		subject:  "aurora-verify.shopx", after: 6 * day, outcome: casework.Disrupted, actor: "Frontline", class: casework.Malicious, state: casework.Closed,
		asked: []string{"cdn Frontline remove_content: met", "constituent Aurora Bank inform: informed", "registrar Mute Names suspend_name: moot"},
	},
	{
		name:     "a contact that bounces: shown, and no escalation from it",
		scenario: `  - {name: aurora-login.shopx, registrar: Bounceway, reported: [1h]}`,
		subject:  "aurora-login.shopx", after: 8 * day, class: casework.Malicious, state: casework.Coordinating,
		asked: []string{"constituent Aurora Bank inform: informed", "host Quietrack remove_content: missed", "registrar Bounceway suspend_name: unreachable"},
		order: []string{"obligation opened registrar pending", "notice failed registrar"},
	},
	{
		name:     "greylisting: delivered later",
		scenario: `  - {name: aurora-login.shopx, registrar: Greyname, reported: [1h]}`,
		subject:  "aurora-login.shopx", after: 3 * day, outcome: casework.Stopped, actor: "Greyname", class: casework.Malicious, state: casework.Closed,
		asked: []string{"constituent Aurora Bank inform: informed", "host Quietrack remove_content: moot", "registrar Greyname suspend_name: met"},
		check: func(t *testing.T, r *rig, c casework.Case) {
			for _, o := range c.Obligations {
				if o.Step != "registrar" {
					continue
				}
				if late := o.Delivered.Sub(o.Opened); late != 30*time.Minute { // after ten minutes it is still greylisted
					t.Errorf("delivered %s after it was opened", late)
				}
				if o.Due.Sub(o.Delivered) != 48*hour {
					t.Errorf("due %s after it was delivered", o.Due.Sub(o.Delivered))
				}
			}
			for _, n := range r.notices(c) {
				if n.Obligation == c.ID+"-3" && n.Attempts != 3 {
					t.Errorf("notice %s took %d attempts", n.ID, n.Attempts)
				}
			}
		},
	},
	{
		name:     "a mailbox that names a form",
		scenario: `  - {name: aurora-login.shopx, registrar: Formfirst, reported: [1h]}`,
		subject:  "aurora-login.shopx", after: 4 * day, class: casework.Malicious, state: casework.Coordinating,
		asked: []string{"constituent Aurora Bank inform: informed", "host Quietrack remove_content: missed", "registrar Formfirst suspend_name: unreachable"},
		check: func(t *testing.T, r *rig, c casework.Case) {
			if !slices.ContainsFunc(r.notices(c), func(n store.Notice) bool {
				return n.State == store.NoticeFailed && strings.Contains(n.Response, "are taken at")
			}) {
				t.Error("the server's words about its form are not kept")
			}
		},
	},
	{
		name:     "no mail address at all: a person hands it over, and the clock starts",
		scenario: `  - {name: aurora-login.shopx, registrar: Formonly, reported: [1h]}`,
		subject:  "aurora-login.shopx", after: 2 * day, class: casework.Malicious, state: casework.Coordinating,
		asked: []string{"constituent Aurora Bank inform: informed", "host Quietrack remove_content: missed", "registrar Formonly suspend_name: unreachable"},
		check: func(t *testing.T, r *rig, c casework.Case) {
			i := slices.IndexFunc(c.Obligations, func(o casework.Obligation) bool { return o.Step == "registrar" })
			o := c.Obligations[i]
			if o.Notices != 0 {
				t.Errorf("%d notices were ordered", o.Notices)
			}
			if err := r.Centre.Handed(t.Context(), c.ID, o.ID, "person:1", ""); problem.CodeOf(err) != problem.Invalid {
				t.Errorf("handed over by no way: %v", err)
			}
			if err := r.Centre.Handed(t.Context(), c.ID, o.ID, "person:1", "web form, ticket 4711"); err != nil {
				t.Fatal(err)
			}
			r.until(2*day + 50*hour)
			got := r.timeline(r.only(c.Subject.Key()))
			if missing := inOrder(got, []string{"obligation opened registrar unreachable", "notice accepted registrar", "missed registrar", "obligation opened registry pending"}); missing != "" {
				t.Errorf("%q is not in its place in %q", missing, got)
			}
			r.check()
		},
	},
	faulty("htmlx", "error: a web page or XML instead of JSON"), faulty("endlessx", "error: the answer is over"), faulty("errorx", "error: the server answered with HTTP status 500"),
	{
		name: "cloaked once asked about",
		scenario: `  - name: aurora-login.shopx
    registrar: Mute Names
    reported: [1h]
    then: [{after_ask: 5h, do: cloak, cloak: {show_to: {vantage: mobile}}}]`,
		subject: "aurora-login.shopx", after: 3 * day, outcome: casework.Cloaked, class: casework.Malicious, state: casework.Coordinating,
		asked: []string{"compliance ICANN Contractual Compliance bundle: hand-off", "constituent Aurora Bank inform: informed", "host Quietrack remove_content: missed",
			"registrar Mute Names suspend_name: missed", "registry Shopx Registry suspend_name: referred"},
	},
	{
		name: "moved to another name",
		scenario: `  - name: aurora-login.shopx
    registrar: Mute Names
    reported: [1h]
    then: [{after_ask: 5h, do: move, to: aurora-next.shopx}]
  - {name: aurora-next.shopx, registrar: Mute Names, registered: when moved to}`,
		subject: "aurora-login.shopx", after: 3 * day, outcome: casework.Moved, class: casework.Malicious, state: casework.Closed,
		asked: []string{"constituent Aurora Bank inform: informed", "host Quietrack remove_content: moot", "registrar Mute Names suspend_name: moot"},
		order: []string{"confirmed", "moved on", "closed moved"},
	},
	{
		name: "back up: the case opens again",
		scenario: `  - name: aurora-login.shopx
    registrar: Mute Names
    host: Northbox
    reported: [1h]
    then: [{after_takedown: 3d, do: restore}]`,
		subject: "aurora-login.shopx", after: 6 * day, outcome: casework.Stopped, actor: "Northbox", class: casework.Malicious, state: casework.Closed,
		asked: []string{"constituent Aurora Bank inform: informed", "host Northbox remove_content: met", "registrar Mute Names suspend_name: moot"},
		order: []string{"confirmed", "closed stopped", "reopened", "confirmed", "obligation opened host pending", "notice accepted host", "closed stopped"},
		check: func(t *testing.T, r *rig, c casework.Case) {
			if c.Round != 2 || c.Returns != 1 {
				t.Errorf("round %d after %d returns", c.Round, c.Returns)
			}
		},
	},
	{
		name:     "innocent: nobody is asked",
		scenario: `  - {name: river-books.shopx, class: innocent, site: shop, registrar: Quickname, reported: [1h]}`,
		subject:  "river-books.shopx", after: 2 * day, outcome: casework.NotConfirmed, class: casework.Innocent, state: casework.Closed,
		order: []string{"opened", "closed not confirmed"},
	},
	{
		name:     "dead on arrival",
		scenario: `  - {name: aurora-login.shopx, registrar: Quickname, reported: [4h], then: [{at: 2h, do: remove}]}`,
		subject:  "aurora-login.shopx", after: 2 * day, outcome: casework.DownBeforeAsked, class: casework.Unknown, state: casework.Closed,
		order: []string{"opened", "closed down before asked"},
	},
}

// faulty is a registry whose RDAP cannot be read: the case goes on, with the
// reason. What it shows by itself may still be judged; who its registrar is
// stays open.
func faulty(tld, reason string) life {
	return life{
		name:     "RDAP that cannot be read: " + tld,
		scenario: `  - {name: aurora-login.` + tld + `, registrar: Quickname, host: Northbox, reported: [1h]}`,
		subject:  "aurora-login." + tld, after: 3 * day, outcome: casework.Stopped, actor: "Northbox", class: casework.Malicious, state: casework.Closed,
		asked: []string{"constituent Aurora Bank inform: informed", "host Northbox remove_content: met", "registrar registrar not known suspend_name: unreachable"},
		check: func(t *testing.T, r *rig, c casework.Case) {
			if !strings.Contains(c.Look.Record, reason) {
				t.Errorf("the look says of the registration %q", c.Look.Record)
			}
		},
	}
}

func TestLives(t *testing.T) {
	for i, l := range lives {
		if testing.Short() && i%2 == 1 {
			continue // half of them show what the race detector can see
		}
		t.Run(l.name, func(t *testing.T) {
			each(t, func(t *testing.T, dsn func() string) { l.run(t, dsn()) })
		})
	}
}

func (l life) run(t *testing.T, dsn string) {
	r := newRig(t, dsn, around+l.scenario, options{})
	r.until(l.after)
	r.check()
	c := r.only(l.subject)
	if c.Outcome != l.outcome || c.Actor.ActorName != l.actor || c.Class != l.class || c.State != l.state {
		t.Errorf("%s, %q by %q, judged %s; want %s, %q by %q, %s", c.State, c.Outcome, c.Actor.ActorName, c.Class, l.state, l.outcome, l.actor, l.class)
	}
	var last casework.Case
	for _, o := range c.Obligations {
		if o.Round == c.Round {
			last.Obligations = append(last.Obligations, o)
		}
	}
	if got := asked(last); !slices.Equal(got, l.asked) {
		t.Errorf("asked:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(l.asked, "\n  "))
	}
	got := r.timeline(c)
	if missing := inOrder(got, l.order); missing != "" {
		t.Errorf("%q is not in its place in\n  %s", missing, strings.Join(got, "\n  "))
	}
	want := string(l.outcome)
	if want == "" {
		want = "open"
	}
	if tr := r.truth(l.subject); tr.Outcome != want && l.differs == "" || tr.Actor != l.actor && l.actor != "" {
		t.Errorf("the lab wrote down %q by %q", tr.Outcome, tr.Actor)
	}
	if l.check != nil {
		l.check(t, r, c)
	}
	if t.Failed() {
		t.Logf("reasons: %s", strings.Join(c.Reasons, "; "))
	}
}

// outage is RDAP that knows no server while it is down.
type outage struct {
	collect.RDAPServers
	down atomic.Bool
}

func (o *outage) Domain(d name.Domain) []string {
	if o.down.Load() {
		return nil
	}
	return o.RDAPServers.Domain(d)
}

// TestRegistrationOutage has the registration data away when a case is new, so
// that its registrar is found later, and again when the registrar's time is up:
// the silence counts then, and nobody is taken to have replaced the registrar,
// but whom to ask next waits for an answer.
func TestRegistrationOutage(t *testing.T) {
	o := &outage{}
	r := newRig(t, engines[0].dsn(t, false), around+`  - {name: aurora-login.shopx, registrar: Mute Names, reported: [1h]}`, options{
		world: func(w *app.World) { o.RDAPServers, w.RDAP = w.RDAP, o }})
	role := func(c casework.Case, role party.Role) (out []string) {
		for _, o := range c.Obligations {
			if o.Party.Role == role {
				out = append(out, o.Party.Name+": "+string(o.Status))
			}
		}
		return out
	}
	o.down.Store(true)
	r.until(hour)
	c := r.only("aurora-login.shopx")
	if got := role(c, party.Registrar); !slices.Equal(got, []string{"registrar not known: unreachable"}) || !strings.HasPrefix(c.Look.Record, "unavailable: ") {
		t.Fatalf("with no registration data: %q, %q", got, c.Look.Record)
	}
	o.down.Store(false)
	r.until(3 * hour)
	c = r.only("aurora-login.shopx")
	if got := role(c, party.Registrar); !slices.Equal(got, []string{"registrar not known: unreachable", "Mute Names: running"}) || c.Look.Record != "registered" {
		t.Fatalf("with registration data again: %q, %q", got, c.Look.Record)
	}
	r.until(2 * day)
	o.down.Store(true)
	r.until(3 * day)
	c = r.only("aurora-login.shopx")
	if got := role(c, party.Registrar); !slices.Equal(got, []string{"registrar not known: unreachable", "Mute Names: missed"}) || c.Class != casework.Malicious || c.Look.Registrar != "Mute Names" {
		t.Fatalf("at the registrar's time: %q, judged %s, registrar %q", got, c.Class, c.Look.Registrar)
	}
	if got := role(c, party.Registry); len(got) != 0 {
		t.Fatalf("the registry was asked on old data: %q", got)
	}
	o.down.Store(false)
	r.until(3*day + 6*hour)
	if got := role(r.only("aurora-login.shopx"), party.Registry); len(got) != 1 {
		t.Fatalf("the registry was not asked: %q", got)
	}
	r.check()
}
