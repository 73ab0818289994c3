package judge

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/evidence"
	"bailiwick/party"
	"bailiwick/registration"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const kitURL = "https://acmebank-login.shop/en/"

var rule = Rule{Looks: 2, Apart: 6 * time.Hour}

// step is one later look: hours after the confirmation, what each vantage
// point gets, and what DNS and the registration say.
type step struct {
	hours  int
	plain  evidence.Fetch
	mobile evidence.Fetch
	zone   func(*evidence.DNS)
	rec    *registration.Record
	front  evidence.Fetch
}

func (s step) snapshot(c Claim) Snapshot {
	at := t0.Add(time.Duration(s.hours) * time.Hour)
	z := zone("acmebank-login.shop")
	if s.zone != nil {
		s.zone(z)
	}
	l := evidence.Look{At: at, DNS: z}
	for v, f := range map[string]evidence.Fetch{"plain": s.plain, "mobile": s.mobile} {
		if !f.URL.IsZero() {
			f.Vantage = v
			l.Fetches = append(l.Fetches, f)
		}
	}
	if !s.front.URL.IsZero() {
		l.Home = []evidence.Fetch{s.front}
	}
	return Snapshot{Sight: See(c, l, world()), Filing: FilingOf(s.rec, at)}
}

func both(hours int, f evidence.Fetch) step { return step{hours: hours, plain: f, mobile: f} }

func with(s step, zone func(*evidence.DNS), r *registration.Record) step {
	s.zone, s.rec = zone, r
	return s
}

var (
	there    = func() evidence.Fetch { return got(kitURL, "", 200, kit("en", "Acme Bank")) }
	notFound = func() evidence.Fetch { return got(kitURL, "", 404, "") }
	noName   = func() evidence.Fetch { return failed(kitURL, "", "nxdomain") }
	silent   = func() evidence.Fetch { return failed(kitURL, "", "timeout") }
	showing  = func(body string) evidence.Fetch { return got(kitURL, "", 200, body) }
)

func undelegate(z *evidence.DNS) {
	z.Delegation, z.A, z.SOA = evidence.Answer{RCode: "NXDOMAIN"}, evidence.Answer{}, evidence.Answer{}
}

func registered(statuses ...string) *registration.Record {
	return rec("acmebank-login.shop", 20, 1, statuses...)
}

func lapsedRecord(statuses ...string) *registration.Record {
	r := registered(statuses...)
	r.Expires = registration.Date{Time: t0.Add(12 * time.Hour)}
	return r
}

func acted(role party.Role, hours int) Answer {
	return Answer{Party: string(role) + ":1", Role: role, Answer: Acted, At: t0.Add(time.Duration(hours) * time.Hour)}
}

func TestMeasure(t *testing.T) {
	still := both(6, there())
	for _, c := range []struct {
		name    string
		base    step
		later   []step
		answers []Answer
		subject party.Subject
		roles   []party.Role
		ended   bool
		state   State
		certain bool
		actor   party.Role
		basis   string
	}{
		{name: "no look since", state: Alive, certain: true, basis: "not-over"},
		{name: "still there", later: []step{still, both(12, there())}, state: Alive, certain: true},
		{name: "gone once", later: []step{still, both(12, notFound())}, state: Stopped, basis: "content-gone"},
		{name: "gone twice, too close", later: []step{both(12, notFound()), both(15, notFound())}, state: Stopped, basis: "content-gone"},
		{name: "gone twice", later: []step{both(12, notFound()), both(18, notFound())}, state: Stopped, certain: true, basis: "content-gone"},
		{name: "gone, a look without a conclusion between", later: []step{both(12, notFound()), both(15, silent()), both(18, notFound())}, state: Stopped, certain: true, basis: "content-gone"},
		{name: "gone for one vantage point only, once", later: []step{{hours: 12, plain: notFound(), mobile: there()}}, state: Alive, certain: true},
		{name: "gone for one vantage point only", later: []step{{hours: 12, plain: notFound(), mobile: there()}, {hours: 18, plain: notFound(), mobile: there()}}, state: Cloaked, certain: true},
		{name: "one vantage point has no answer", later: []step{{hours: 12, plain: notFound(), mobile: silent()}, {hours: 18, plain: notFound(), mobile: silent()}}, state: Unreachable},
		{name: "one vantage point was not tried", later: []step{{hours: 12, plain: notFound()}, {hours: 18, plain: notFound()}}, state: Unreachable},
		{name: "it hid from one from the start", base: step{plain: notFound(), mobile: there()}, later: []step{{hours: 12, plain: notFound(), mobile: there()}, {hours: 18, plain: notFound(), mobile: there()}}, state: Alive, certain: true},
		{name: "it hid from one and is gone from the other", base: step{plain: notFound(), mobile: there()}, later: []step{both(12, notFound()), both(18, notFound())}, state: Stopped, certain: true, basis: "content-gone"},
		{name: "another page now", later: []step{both(12, showing(shop("Rosa Flowers", 60))), both(18, showing(shop("Rosa Flowers", 60)))}, state: Stopped, certain: true},
		{name: "a page that a person has to judge", later: []step{both(12, showing(html("Sign in", fmtPassword())))}, state: Unclear},
		{name: "silent for hours", later: []step{both(12, silent()), both(18, silent())}, state: Unreachable},
		{name: "silent for a day and more", later: []step{both(12, silent()), both(20, silent()), both(30, silent()), both(40, silent())}, state: Stopped, certain: true, basis: "silent"},
		{name: "silent for a day, the host acted", later: []step{both(12, silent()), both(20, silent()), both(30, silent()), both(40, silent())}, answers: []Answer{acted(party.Host, 11)}, state: Stopped, certain: true, actor: party.Host, basis: "answered"},

		{name: "registrar's hold", later: []step{with(both(12, noName()), undelegate, registered("clientHold")), with(both(18, noName()), undelegate, registered("clientHold"))}, state: Stopped, certain: true, actor: party.Registrar, basis: "client-hold"},
		{name: "registrar's hold, seen in the registration later", later: []step{with(both(12, noName()), undelegate, registered()), with(both(18, noName()), undelegate, registered("clientHold"))}, state: Stopped, certain: true, actor: party.Registrar, basis: "client-hold"},
		{name: "registry's hold", later: []step{with(both(12, noName()), undelegate, registered("serverHold")), with(both(18, noName()), undelegate, nil)}, state: Stopped, certain: true, actor: party.Registry, basis: "server-hold"},
		{name: "both hold", later: []step{with(both(12, noName()), undelegate, registered("serverHold", "clientHold"))}, state: Stopped, basis: "two-holds"},
		{name: "both hold, the registry says so", later: []step{with(both(12, noName()), undelegate, registered("serverHold", "clientHold"))}, answers: []Answer{acted(party.Registry, 11)}, state: Stopped, actor: party.Registry, basis: "answered"},
		{name: "a hold that was there before", base: with(both(0, there()), nil, registered("clientHold")), later: []step{with(both(12, noName()), undelegate, registered("clientHold"))}, state: Stopped, basis: "undelegated"},
		{name: "hold after the content was gone", later: []step{both(12, notFound()), with(both(18, noName()), undelegate, registered("clientHold"))}, state: Stopped, certain: true, basis: "content-gone"},
		{name: "out of the zone, nobody said so", later: []step{with(both(12, noName()), undelegate, registered())}, state: Stopped, basis: "undelegated"},
		{name: "out of the zone, the registrar says so", later: []step{with(both(12, noName()), undelegate, registered())}, answers: []Answer{acted(party.Registrar, 11)}, state: Stopped, actor: party.Registrar, basis: "answered"},
		{name: "out of the zone, the host says so: not in its hands", later: []step{with(both(12, noName()), undelegate, registered())}, answers: []Answer{acted(party.Host, 11)}, state: Stopped, basis: "undelegated"},
		{name: "lapsed", base: with(both(0, there()), nil, lapsedRecord()), later: []step{with(both(18, noName()), undelegate, lapsedRecord("redemptionPeriod"))}, state: Stopped, basis: "lapsed"},
		{name: "lapsed into parking", base: with(both(0, there()), nil, lapsedRecord()), later: []step{with(both(18, showing(parkings[0])), nil, lapsedRecord("autoRenewPeriod"))}, state: ParkedSinkholed, basis: "lapsed"},
		{name: "deleted before its time", later: []step{with(both(12, noName()), undelegate, registered("redemptionPeriod"))}, state: Stopped, basis: "deleted"},
		{name: "deleted, and the registrar says so", later: []step{with(both(12, noName()), undelegate, &registration.Record{State: registration.Available})}, answers: []Answer{acted(party.Registrar, 10)}, state: Stopped, actor: party.Registrar, basis: "answered"},

		{name: "the servers refuse", later: []step{with(both(12, failed(kitURL, "", "dns")), func(z *evidence.DNS) { z.A = evidence.Answer{RCode: "REFUSED"}; z.SOA = z.A }, nil)}, state: Stopped, actor: DNSOperator, basis: "dns-refuses"},
		{name: "the address was taken out", later: []step{with(both(12, failed(kitURL, "", "dns")), func(z *evidence.DNS) { z.A.Values = nil }, nil)}, state: Stopped, basis: "records-removed"},
		{name: "other name servers", later: []step{with(both(12, notFound()), func(z *evidence.DNS) { z.Delegation.Values = []string{"ns1.other.example"} }, nil)}, state: Stopped, basis: "name-servers-changed"},
		{name: "other name servers and a notice about the domain", later: []step{with(both(12, showing(notices[10].body)), func(z *evidence.DNS) { z.Delegation.Values = []string{"ns1.other.example"} }, nil)}, state: Stopped, actor: party.Registrar, basis: "notice"},
		{name: "a notice about the domain, and nothing changed", later: []step{both(12, showing(notices[10].body))}, state: Stopped, basis: "notice-unsigned"},
		{name: "another address", later: []step{with(both(12, notFound()), func(z *evidence.DNS) { z.A.Values = []string{"198.51.100.7"} }, nil)}, state: Stopped, basis: "address-changed"},
		{name: "a sinkhole's servers", later: []step{with(both(12, failed(kitURL, "", "refused")), func(z *evidence.DNS) { z.Delegation.Values = []string{"a.sinkhole.example"} }, nil)}, answers: []Answer{acted(party.Registry, 10)}, state: ParkedSinkholed, actor: party.Registry, basis: "answered"},

		{name: "host's notice", later: []step{both(12, showing(notices[0].body)), both(18, showing(notices[0].body))}, state: Stopped, certain: true, actor: party.Host, basis: "notice"},
		{name: "host says so", later: []step{both(12, notFound())}, answers: []Answer{acted(party.Host, 11)}, state: Stopped, actor: party.Host, basis: "answered"},
		{name: "host said so a week before it was gone", later: []step{both(12, there()), both(170, there()), both(180, notFound())}, answers: []Answer{acted(party.Host, 11)}, state: Stopped, basis: "content-gone"},
		{name: "host and CDN both say so", later: []step{both(12, notFound())}, answers: []Answer{acted(party.Host, 11), acted(party.CDN, 11)}, state: Stopped, basis: "two-answers"},
		{name: "the registrar says so: content is not in its hands", later: []step{both(12, notFound())}, answers: []Answer{acted(party.Registrar, 11)}, state: Stopped, basis: "content-gone"},
		{name: "a party that referred is not credited", later: []step{both(12, notFound())}, answers: []Answer{{Party: "host:1", Role: party.Host, Answer: "referred", At: t0.Add(time.Hour)}}, state: Stopped, basis: "content-gone"},
		{name: "the server refuses", later: []step{both(12, failed(kitURL, "", "refused"))}, state: Stopped, basis: "refused"},
		{name: "cleaned", later: []step{{hours: 12, plain: notFound(), mobile: notFound(), front: got("https://acmebank-login.shop/", "plain", 200, shop("Rosa", 60))}}, state: Stopped, basis: "cleaned"},
		{name: "a platform's notice", subject: party.Subject{Kind: party.PlatformCustomer}, later: []step{both(12, showing(notices[2].body))}, state: Stopped, actor: party.Platform, basis: "notice"},
		{name: "a platform's customer is gone", subject: party.Subject{Kind: party.PlatformCustomer}, later: []step{both(12, noName())}, state: Stopped, basis: "customer-gone"},
		{name: "a platform says so", subject: party.Subject{Kind: party.PlatformCustomer}, later: []step{both(12, noName())}, answers: []Answer{acted(party.Platform, 11)}, state: Stopped, actor: party.Platform, basis: "answered"},
		{name: "a warning in front", later: []step{both(12, showing(notices[12].body)), both(18, showing(notices[12].body))}, state: Disrupted, certain: true, actor: party.CDN, basis: "notice"},
		{name: "a warning where there is no CDN", later: []step{both(12, showing(notices[12].body))}, roles: []party.Role{party.Host, party.Registrar}, state: Disrupted, actor: party.Host, basis: "notice"},
		{name: "a warning before some only", later: []step{{hours: 12, plain: showing(notices[12].body), mobile: there()}}, state: Alive, certain: true},
		{name: "moved", later: []step{both(12, sent(kitURL, "https://acmebank-sso.top/", "", 200, "text/html", kit("en", "Acme Bank"))), both(18, sent(kitURL, "https://acmebank-sso.top/", "", 200, "text/html", kit("en", "Acme Bank")))}, state: Moved, certain: true, basis: "moved"},
		{name: "it sent visitors there from the start", base: both(0, sent(kitURL, "https://acmebank-sso.top/", "", 200, "text/html", kit("en", "Acme Bank"))), later: []step{both(12, sent(kitURL, "https://acmebank-sso.top/", "", 200, "text/html", kit("en", "Acme Bank")))}, state: Alive, certain: true},
		{name: "back up", later: []step{both(12, notFound()), both(18, notFound()), both(30, there())}, state: BackUp, certain: true},
		{name: "back up is not said after one empty look", later: []step{both(12, notFound()), both(30, there())}, state: Alive, certain: true},
		{name: "back after the case had closed", ended: true, later: []step{both(30, there())}, state: BackUp, certain: true},
		{name: "gone again", later: []step{both(12, notFound()), both(18, notFound()), both(30, there()), both(36, notFound()), both(42, notFound())}, state: Stopped, certain: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := claim(abuse.Phishing, "Acme Bank", kitURL)
			if c.base.plain.URL.IsZero() {
				c.base = with(both(0, there()), nil, registered())
			}
			in := MeasureInput{Subject: c.subject, Base: c.base.snapshot(cl), Rule: rule, Answers: c.answers, Roles: c.roles, Known: world(), Ended: c.ended}
			if in.Subject.Kind == "" {
				in.Subject = domainSubject("acmebank-login.shop")
			}
			for _, s := range c.later {
				in.Later = append(in.Later, s.snapshot(cl))
			}
			m := Measure(in)
			if m.State != c.state || m.Certain != c.certain {
				t.Errorf("%s, certain %v (%s), want %s, %v: %+v", m.State, m.Certain, m.Reason, c.state, c.certain, m)
			}
			if m.Actor.Role != c.actor || c.basis != "" && m.Actor.Basis != c.basis {
				t.Errorf("actor %s (%s: %s), want %q (%s)", m.Actor, m.Actor.Basis, m.Actor.Reason, c.actor, c.basis)
			}
			if m.Reason == "" || m.Ended() && !m.Certain {
				t.Errorf("%+v", m)
			}
			// The looks may come in any order, and from storage.
			slices.Reverse(in.Later)
			b, err := json.Marshal(in.Later)
			if err != nil {
				t.Fatal(err)
			}
			in.Later = nil
			if err := json.Unmarshal(b, &in.Later); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m.State, Measure(in).State); diff != "" || Measure(in).Actor != m.Actor {
				t.Errorf("from storage: %+v, want %+v", Measure(in), m)
			}
		})
	}
}

func TestMeasurePartAndTimes(t *testing.T) {
	const second = "https://acmebank-login.shop/fr/"
	cl := claim(abuse.Phishing, "Acme Bank", kitURL, second)
	look := func(hours int, a, b evidence.Fetch) Snapshot {
		a.Vantage, b.Vantage = "plain", "plain"
		l := evidence.Look{At: t0.Add(time.Duration(hours) * time.Hour), DNS: zone("acmebank-login.shop"), Fetches: []evidence.Fetch{a, b}}
		return Snapshot{Sight: See(cl, l, world())}
	}
	fr := func() evidence.Fetch { return got(second, "", 200, kit("fr", "Acme Bank")) }
	in := MeasureInput{Subject: domainSubject("acmebank-login.shop"), Base: look(0, there(), fr()), Rule: rule, Known: world(),
		Later: []Snapshot{look(6, there(), fr()), look(12, notFound(), fr()), look(18, notFound(), fr())}}
	m := Measure(in)
	if m.State != Disrupted || !m.Certain || !m.Since.Equal(t0.Add(12*time.Hour)) || m.Span != 6*time.Hour || m.Looks != 2 {
		t.Errorf("a part is gone: %+v", m)
	}
	gone := got(second, "", 410, "")
	in.Later = append(in.Later, look(24, notFound(), gone), look(30, notFound(), gone))
	m = Measure(in)
	if m.State != Stopped || !m.Certain || !m.Since.Equal(t0.Add(24*time.Hour)) || !m.LastSeen.Equal(t0.Add(18*time.Hour)) {
		t.Errorf("all is gone: %+v", m)
	}
}

func TestMeasureConfirmedByPerson(t *testing.T) {
	cl := claim(abuse.Fraud, "", kitURL)
	look := func(hours int, f evidence.Fetch) Snapshot {
		f.Vantage = "plain"
		return Snapshot{Sight: See(cl, evidence.Look{At: t0.Add(time.Duration(hours) * time.Hour), DNS: zone("acmebank-login.shop"), Fetches: []evidence.Fetch{f}}, world())}
	}
	fraud := showing(shop("Wonder watches", 120))
	in := MeasureInput{Subject: domainSubject("acmebank-login.shop"), Base: look(0, fraud), Rule: rule, Known: world(), ByPerson: true, Later: []Snapshot{look(6, fraud)}}
	if m := Measure(in); m.State != Alive || m.Doubt != "" {
		t.Errorf("the same page: %+v", m)
	}
	in.Later = []Snapshot{look(6, showing(html("New owner", strings.Repeat("a harbour museum with piano lessons and choir ", 10))))}
	if m := Measure(in); m.State != Alive || m.Doubt == "" {
		t.Errorf("another page: %+v", m)
	}
	in.Later = []Snapshot{look(6, notFound()), look(12, notFound())}
	if m := Measure(in); m.State != Stopped || !m.Certain {
		t.Errorf("gone: %+v", m)
	}
}

func TestUnasked(t *testing.T) {
	see := func(hours int, f evidence.Fetch) Sight {
		f.Vantage = "plain"
		return See(claim(abuse.Phishing, "Acme Bank", kitURL), evidence.Look{At: t0.Add(time.Duration(hours) * time.Hour), Fetches: []evidence.Fetch{f}}, world())
	}
	forbidden := got(kitURL, "", 403, "")
	for _, c := range []struct {
		name   string
		sights []Sight
		want   Outcome
	}{
		{"no look", nil, NotSeenFromHere},
		{"time-outs only", []Sight{see(0, silent()), see(1, silent())}, NotSeenFromHere},
		{"refused to us", []Sight{see(0, forbidden)}, NotSeenFromHere},
		{"gone at the first look", []Sight{see(0, noName()), see(1, silent())}, DownBeforeAsked},
		{"seen, then gone", []Sight{see(0, there()), see(1, notFound())}, DownBeforeAsked},
		{"in any order", []Sight{see(1, notFound()), see(0, there())}, DownBeforeAsked},
		{"a live page that is not it", []Sight{see(0, showing(shop("Rosa", 60)))}, NotConfirmed},
		{"a page nobody judged", []Sight{see(0, showing(html("Sign in", fmtPassword())))}, NotConfirmed},
		{"parked", []Sight{see(0, showing(parkings[0]))}, ParkedSinkholed},
	} {
		if got := Unasked(c.sights); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestFilingOf(t *testing.T) {
	if FilingOf(nil, t0) != nil {
		t.Error("a filing of nothing")
	}
	r := registered("ok", "addPeriod")
	r.Nameservers = []string{"NS2.DNS-ONE.EXAMPLE.", "ns1.dns-one.example"}
	r.Registrar = registration.Registrar{Name: "One", IANAID: "9999"}
	f := FilingOf(r, t0)
	if !slices.Equal(f.Statuses, []string{"addPeriod", "ok"}) || !slices.Equal(f.Nameservers, []string{"ns1.dns-one.example", "ns2.dns-one.example"}) || f.Registrar != "9999" || !f.has("OK") {
		t.Errorf("%+v", f)
	}
}

// Whatever the course, an end is certain only when the last conclusive looks
// show no abuse, at least two of them, far enough apart; and nobody is
// credited while it is there.
func TestMeasureProperties(t *testing.T) {
	cl := claim(abuse.Phishing, "Acme Bank", kitURL)
	kinds := map[string]func() evidence.Fetch{"there": there, "404": notFound, "nxdomain": noName, "silent": silent,
		"notice": func() evidence.Fetch { return showing(notices[0].body) }, "warning": func() evidence.Fetch { return showing(notices[12].body) }, "parked": func() evidence.Fetch { return showing(parkings[0]) }, "other": func() evidence.Fetch { return showing(shop("Rosa", 60)) }}
	names := []string{"404", "notice", "nxdomain", "other", "parked", "silent", "there", "warning"}
	roles := []party.Role{party.Registrar, party.Registry, party.Host, party.CDN, party.Platform}
	rapid.Check(t, func(t *rapid.T) {
		in := MeasureInput{Subject: domainSubject("acmebank-login.shop"), Base: both(0, there()).snapshot(cl), Rule: rule, Known: world()}
		hours := 0
		seen := false
		for range rapid.IntRange(1, 8).Draw(t, "looks") {
			hours += rapid.IntRange(1, 9).Draw(t, "hours")
			a, b := rapid.SampledFrom(names).Draw(t, "plain"), rapid.SampledFrom(names).Draw(t, "mobile")
			if rapid.Bool().Draw(t, "same") {
				b = a
			}
			s := step{hours: hours, plain: kinds[a](), mobile: kinds[b]()}
			if rapid.IntRange(0, 3).Draw(t, "hold") == 0 {
				s = with(s, nil, registered(rapid.SampledFrom([]string{"clientHold", "serverHold", "ok"}).Draw(t, "status")))
			}
			in.Later = append(in.Later, s.snapshot(cl))
			seen = a == "there" || b == "there"
		}
		for range rapid.IntRange(0, 2).Draw(t, "answers") {
			in.Answers = append(in.Answers, acted(rapid.SampledFrom(roles).Draw(t, "role"), rapid.IntRange(0, 60).Draw(t, "at")))
		}
		m := Measure(in)
		if seen && (m.State == Stopped || m.State == ParkedSinkholed || m.Actor.Known() && m.State != Disrupted) {
			t.Fatalf("seen at the last look, and %s by %s", m.State, m.Actor)
		}
		if m.Ended() && (m.Looks < 2 || m.Span < rule.Apart) {
			t.Fatalf("an end after %d looks over %s", m.Looks, m.Span)
		}
		if m.Actor.Known() == (m.Actor.String() == "actor unknown") || m.Actor.Basis == "" && (m.State == Stopped || m.State == Disrupted) {
			t.Fatalf("actor %+v", m.Actor)
		}
		if m.Actor.Role == party.Registrar && !slices.ContainsFunc(in.Answers, func(a Answer) bool { return a.Role == party.Registrar }) && m.Actor.Basis != "client-hold" {
			t.Fatalf("the registrar credited on %q", m.Actor.Basis)
		}
		shuffled := in
		shuffled.Later = slices.Clone(in.Later)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 3)).Shuffle(len(shuffled.Later), func(a, b int) {
			shuffled.Later[a], shuffled.Later[b] = shuffled.Later[b], shuffled.Later[a]
		})
		if diff := cmp.Diff(encode(t, m), encode(t, Measure(shuffled))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkMeasure(b *testing.B) {
	cl := claim(abuse.Phishing, "Acme Bank", kitURL)
	in := MeasureInput{Subject: domainSubject("acmebank-login.shop"), Base: both(0, there()).snapshot(cl), Rule: rule, Known: world()}
	for i := range 40 {
		s := both(i+1, there())
		if i > 30 {
			s = both(i+1, notFound())
		}
		in.Later = append(in.Later, s.snapshot(cl))
	}
	b.ReportAllocs()
	for b.Loop() {
		if !Measure(in).Certain {
			b.Fatal("not certain")
		}
	}
}
