package casework

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/party"
	"bailiwick/problem"

	"pgregory.net/rapid"
)

// ---- generators

// below draws one of 0 … n-1, each about as often: rapid's own ranges prefer
// small numbers, and most histories would then be one long series of looks.
func below(t *rapid.T, label string, n int) int {
	return rapid.Custom(func(t *rapid.T) int {
		v := 0
		for m := 1; m < 4*n; m *= 2 {
			v *= 2
			if rapid.Bool().Draw(t, "bit") {
				v++
			}
		}
		return v % n
	}).Draw(t, label)
}

func pick[T any](t *rapid.T, label string, of ...T) T { return of[below(t, label, len(of))] }

func oneIn(t *rapid.T, label string, n int) bool { return below(t, label, n) == n-1 }

func genDuration(t *rapid.T, label string, lo, hi time.Duration) time.Duration {
	return time.Duration(rapid.Int64Range(int64(lo/time.Minute), int64(hi/time.Minute)).Draw(t, label)) * time.Minute
}

var (
	allRoles   = []party.Role{party.Registrar, party.Registry, party.Host, party.CDN, party.Platform, party.Constituent, party.BlockList, party.CERT, party.Compliance}
	allActions = []Action{Inform, List, RemoveContent, SuspendCustomer, SuspendName, RegistryProcedure, Bundle}
	allClasses = []Class{Malicious, Compromised, Innocent, Unknown}
	allWhens   = []Condition{WhenMalicious, WhenGTLD, WhenCCTLD, WhenInScope}
	allTypes   = []abuse.Type{abuse.Phishing, abuse.Malware, abuse.Botnet, abuse.Pharming, abuse.Spam, abuse.Fraud, abuse.Copyright,
		abuse.Trademark, abuse.Compromised, abuse.Attack, abuse.Vulnerability, abuse.SuspiciousDomain, abuse.Other}
	allOutcomes = []Outcome{"", Stopped, Disrupted, Cloaked, Moved, BackUp, NotConfirmed, DownBeforeAsked, Parked, NotSeen}
	allKinds    = []Kind{KindOpened, KindReport, KindReporter, KindWithdrawn, KindLooked, KindConfirmed, KindRejected, KindObliged,
		KindReminded, KindDelivered, KindFailed, KindDoubt, KindAnswered, KindExtended, KindMissed, KindClosed, KindReopened,
		KindNote, KindMerged, KindAbsorbed, KindUnmerged, KindReleased, KindRedirected, KindEscalated, KindAssigned}
	allStates = []State{New, Investigating, Unconfirmed, Coordinating, Closed, Merged}
)

// genPlaybook makes a playbook for phishing. A tame one is valid; a wild one
// has roles, actions and conditions that Validate would refuse.
func genPlaybook(t *rapid.T, tame bool) Playbook {
	p := Playbook{Name: "random", Types: []abuse.Type{abuse.Phishing}}
	longest := genDuration(t, "longest", time.Hour, 168*time.Hour)
	wait := func(label string) Duration { return Duration(genDuration(t, label, time.Minute, longest)) }
	p.LongestStep = Duration(longest)
	p.EvidenceAge = Duration(genDuration(t, "evidence age", time.Minute, time.Hour))
	for range rapid.IntRange(1, 4).Draw(t, "investigations") {
		p.Investigate = append(p.Investigate, wait("investigate"))
	}
	var until Duration
	for range rapid.IntRange(0, 3).Draw(t, "stretches") {
		until += Duration(genDuration(t, "for", time.Hour, 200*time.Hour))
		p.Watch = append(p.Watch, Watch{For: until, Every: wait("every")})
	}
	p.Watch = append(p.Watch, Watch{Every: wait("every")})
	p.Gone = Gone{Looks: rapid.IntRange(2, 4).Draw(t, "gone looks"), Apart: wait("gone apart")}
	for range rapid.IntRange(0, 3).Draw(t, "afters") {
		p.After = append(p.After, Duration(genDuration(t, "after", time.Minute, 720*time.Hour)))
	}
	fits := map[party.Role][]Action{
		party.Registrar: {SuspendName, Inform}, party.Registry: {SuspendName, RegistryProcedure}, party.Host: {RemoveContent},
		party.CDN: {RemoveContent}, party.Platform: {SuspendCustomer}, party.Constituent: {Inform}, party.BlockList: {List},
		party.CERT: {Inform}, party.Compliance: {Bundle},
	}
	var asks []string
	for i := range rapid.IntRange(1, 9).Draw(t, "steps") {
		s := Step{ID: fmt.Sprintf("s%d", i), Role: pick(t, "role", allRoles...)}
		s.Action = pick(t, "action", fits[s.Role]...)
		if !tame && oneIn(t, "wild", 2) {
			s.Action = pick(t, "wild action", allActions...)
		}
		for _, w := range allWhens {
			if oneIn(t, "when", 5) {
				s.When = append(s.When, w)
			}
		}
		if tame && s.Action.DNSLevel() && !slices.Contains(s.When, WhenMalicious) {
			s.When = append(s.When, WhenMalicious)
		}
		if tame && s.Role == party.Compliance && !slices.Contains(s.When, WhenGTLD) {
			s.When = append(s.When, WhenGTLD)
		}
		if len(asks) > 0 && rapid.Bool().Draw(t, "after a step") {
			s.After = pick(t, "after", asks...)
			for _, on := range []Status{Missed, Refused, Referred} {
				if oneIn(t, "on", 2) {
					s.On = append(s.On, on)
				}
			}
		}
		if s.Action.Asks() {
			asks = append(asks, s.ID)
			s.Within = Duration(genDuration(t, "within", 10*time.Minute, 100*time.Hour))
			if rapid.Bool().Draw(t, "reminds") {
				s.Remind = []Duration{s.Within / 3, s.Within / 2}
			}
			if rapid.Bool().Draw(t, "chases") {
				s.Chase = Duration(genDuration(t, "chase", 10*time.Minute, 200*time.Hour))
			}
		}
		p.Steps = append(p.Steps, s)
	}
	if tame {
		if err := p.Validate(); err != nil {
			t.Fatalf("the generator made a playbook that is not valid: %v", err)
		}
	} else {
		p.EvidenceAge = Duration(genDuration(t, "wild evidence age", time.Minute, 9*time.Hour))
	}
	return p
}

func genPlan(t *rapid.T) Plan {
	p := Plan{TLD: pick(t, "tld", "gtld", "gtld", "cctld", "unknown"), DNSAllowed: !oneIn(t, "dns refused", 4)}
	if !oneIn(t, "few parties", 3) {
		for _, r := range allRoles {
			p.Parties = append(p.Parties, pty(r, "a"))
		}
		return p
	}
	for range rapid.IntRange(0, 8).Draw(t, "parties") {
		q := pty(pick(t, "party role", allRoles...), pick(t, "party", "a", "b", "c"))
		q.Reachable = !oneIn(t, "unreachable", 4)
		if oneIn(t, "a form only", 4) {
			q.Email, q.Form = "", "https://"+q.ID+".example/form"
		}
		p.Parties = append(p.Parties, q)
	}
	return p
}

func genFinding(t *rapid.T, w *world) Finding {
	f := Finding{At: w.now, Live: true, Claimed: true, Class: pick(t, "class", Malicious, Malicious, Compromised, Unknown)}
	switch below(t, "finding", 10) {
	case 0, 1, 2, 3: // the claim is seen
	case 4: // not seen
		f.Claimed, f.Live, f.Idle = false, rapid.Bool().Draw(t, "live"), pick(t, "idle", "", NotConfirmed, DownBeforeAsked, NotSeen)
	case 5, 6: // gone
		f = Finding{At: w.now, Measured: &Measured{Outcome: pick(t, "gone", Stopped, Disrupted, Moved, Parked)}}
		if f.Measured.Outcome == Moved {
			f.Measured.MovedTo = "https://other.example/"
		}
		if n := len(w.c.Obligations); n > 0 && rapid.Bool().Draw(t, "actor known") {
			p := w.c.Obligations[below(t, "actor", n)].Party
			f.Measured.ActorRole, f.Measured.ActorID, f.Measured.ActorName = p.Role, p.ID, p.Name
		}
	case 7:
		f = inconclusive(w.now)
	case 8:
		f.Claimed, f.Measured = rapid.Bool().Draw(t, "seen"), &Measured{Outcome: Cloaked}
	case 9: // anything at all, also what contradicts itself or comes at the wrong time
		f.Live, f.Claimed = rapid.Bool().Draw(t, "live"), rapid.Bool().Draw(t, "claimed")
		f.Class, f.Idle = pick(t, "any class", append(allClasses, "")...), pick(t, "any idle", allOutcomes...)
		if rapid.Bool().Draw(t, "measured") {
			f.Measured = &Measured{Outcome: pick(t, "any outcome", allOutcomes...), Inconclusive: oneIn(t, "inconclusive", 3)}
		}
		f.At = f.At.Add(-genDuration(t, "age", -10*time.Minute, 2*time.Hour))
	}
	return f
}

func genReport(t *rapid.T, w *world, id string) AddReport {
	cmd := AddReport{Report: ReportRef{ID: id, Received: w.now.Add(-genDuration(t, "received", 0, 48*time.Hour)), Brand: pick(t, "brand", "", "Bank", "bank", "Post")}}
	for range rapid.IntRange(0, 9).Draw(t, "urls") {
		cmd.Report.URLs = append(cmd.Report.URLs, fmt.Sprintf("https://bad.example/%02d", rapid.IntRange(0, 40).Draw(t, "url")))
	}
	if rapid.Bool().Draw(t, "reporter known") {
		cmd.Reporter = Reporter{Name: "Reporter of " + id, Contact: id + "@reporter.example"}
	}
	return cmd
}

var commandMix = strings.Fields(`look look look look look look confirm confirm noticed noticed noticed answer answer report report report
	withdraw withdraw reject hand extend extend close reopen note merge unmerge absorb release open ask ask again again escalate escalate assign`)

// genCommand draws any command: mostly one that carries the case on, sometimes
// whatever comes, nonsense among it.
func genCommand(t *rapid.T, w *world) Command {
	if !oneIn(t, "anything", 4) {
		full := Plan{TLD: pick(t, "its tld", "gtld", "cctld"), DNSAllowed: true}
		for _, r := range allRoles {
			full.Parties = append(full.Parties, pty(r, "a"))
		}
		sight := seen(w.now, pick(t, "its class", Malicious, Malicious, Malicious, Compromised))
		switch w.c.State {
		case Unconfirmed:
			if w.c.Look != nil && w.now.Sub(w.c.Look.At) <= time.Duration(w.pb.EvidenceAge) {
				return Confirm{By: "rule:live", Plan: full}
			}
			return Look{sight, full}
		case Coordinating:
			var news []Command
			for _, o := range w.c.Obligations {
				if o.Status == Pending {
					news = append(news, Noticed{o.ID, o.Notices, pick(t, "its result", Accepted, Accepted, Accepted, Undelivered, Doubtful, Bounced), "250"})
				}
				if o.Status == Running && oneIn(t, "answers", 6) {
					news = append(news, Answer{o.ID, "party:a", pick(t, "its answer", "received", "acted", "referred", "refused"), ""})
				}
			}
			if len(news) > 0 && !oneIn(t, "no news", 3) {
				return pick(t, "news", news...)
			}
			if w.c.GoneLooks > 0 && oneIn(t, "still gone", 2) {
				return Look{went(w.now, Stopped, pty(pick(t, "by", allRoles...), "a")), full}
			}
			if oneIn(t, "no sight", 4) {
				return Look{genFinding(t, w), full}
			}
			if n := len(w.c.Obligations); n > 0 && w.c.Look != nil && w.now.Sub(w.c.Look.At) < time.Duration(w.pb.EvidenceAge) && oneIn(t, "by hand", 3) {
				o := w.c.Obligations[below(t, "of", n)].ID
				return pick[Command](t, "moved by hand", Escalate{"person:1", o, "it cannot wait", full}, AskAgain{"person:1", o, "it cannot wait", full},
					Ask{"person:1", w.pb.Steps[below(t, "rung", len(w.pb.Steps))].ID, "", "it cannot wait", full})
			}
			return Look{sight, full}
		case Merged:
			return Unmerge{"person:1"}
		case New, Investigating:
			if oneIn(t, "nothing to see", 2) {
				return Look{genFinding(t, w), full}
			}
		}
		return Look{sight, full}
	}
	by := pick(t, "by", "person:1", "person:1", "person:1", "rule:live", Centre, "", "someone")
	obligation := "none"
	notice := rapid.IntRange(-1, 3).Draw(t, "notice")
	if n := len(w.c.Obligations); n > 0 && !oneIn(t, "no obligation", 20) {
		o := w.c.Obligations[below(t, "obligation", n)]
		obligation = o.ID
		if !oneIn(t, "wrong notice", 8) {
			notice = o.Notices
		}
	}
	because := pick(t, "reason", "it is so", "it is so", "it is so", " ")
	switch pick(t, "command", commandMix...) {
	case "report":
		return genReport(t, w, fmt.Sprintf("r%d", below(t, "report", 13)))
	case "withdraw":
		return WithdrawReport{fmt.Sprintf("r%d", below(t, "report", 13))}
	case "look":
		return Look{genFinding(t, w), genPlan(t)}
	case "confirm":
		return Confirm{By: pick(t, "confirmed by", "rule:live", "rule:live", "person:1", "centre"), Class: pick(t, "by hand", "", "", "", Malicious, Compromised, Innocent), Plan: genPlan(t)}
	case "reject":
		return Reject{by, because}
	case "noticed":
		return Noticed{obligation, notice, pick(t, "result", Accepted, Accepted, Accepted, Undelivered, Doubtful, Bounced, "lost"), "250 ok"}
	case "answer":
		return Answer{obligation, pick(t, "answered by", "party:a", "person:1"), pick(t, "answer", "received", "need_more", "acted", "acted", "referred", "refused", "not_ours", "maybe"), "a note"}
	case "hand":
		return Hand{obligation, by, pick(t, "how", "by form", "by form", " "), pick(t, "proof", "", strings.Repeat("ab", 32), "ab")}
	case "extend":
		return Extend{obligation, by, because, w.now.Add(genDuration(t, "until", -time.Hour, 200*24*time.Hour))}
	case "close":
		return Close{by, because}
	case "reopen":
		return Reopen{by, because}
	case "note":
		return AddNote{by, "a remark"}
	case "ask":
		step := "none"
		if n := len(w.pb.Steps); n > 0 {
			step = w.pb.Steps[below(t, "step", n)].ID
		}
		return Ask{By: by, Step: step, Party: pick(t, "whom", "", "", "registry:a", "host:b"), Reason: because, Plan: genPlan(t)}
	case "again":
		return AskAgain{By: by, Obligation: obligation, Reason: because, Plan: genPlan(t)}
	case "escalate":
		return Escalate{By: by, Obligation: obligation, Reason: because, Plan: genPlan(t)}
	case "assign":
		return Assign{by, pick(t, "assignee", "person:1", "person:2", "", "rule:live", "person:1/key:2")}
	case "merge":
		return Merge{by, pick(t, "into", "c2", "c1", "")}
	case "unmerge":
		return Unmerge{by}
	case "absorb":
		id := pick(t, "from", "c3", "c4", "c1", "")
		return Absorb{by, Case{ID: id, State: pick(t, "from state", New, Coordinating, Closed), Reports: []ReportRef{{ID: id + "-r", Received: w.now, URLs: []string{"https://bad.example/x"}}}}}
	case "release":
		return Release{by, pick(t, "released", "c3", "c4")}
	}
	return Open{domain("bad.example"), pick(t, "type", abuse.Phishing, abuse.CSAM)}
}

func genTime(t *rapid.T, w *world) {
	if w.c.State == Unconfirmed && rapid.Bool().Draw(t, "at once") {
		return // a rule confirms on what it has just seen
	}
	switch below(t, "time", 8) {
	case 7:
	case 0, 1, 2, 3, 6: // to when something is due
		if due := w.c.Due(); due.After(w.now) {
			w.now = due
		}
	case 4:
		w.wait(genDuration(t, "wait", 0, time.Hour))
	case 5:
		w.wait(genDuration(t, "long wait", 0, 60*time.Hour))
	}
}

// genWorld makes an open case with a history of up to n commands. Every command
// is checked against the rules that hold after any.
func genWorld(t *rapid.T, pb Playbook, n int) (*world, *watcher) {
	w := newWorld(pb)
	subject := pick(t, "subject", domain("bad.example"), domain("bad.example"), domain("bad.example"), address("192.0.2.7"),
		party.Subject{Kind: party.PlatformCustomer, Name: mustName("bad.pages.example"), Platform: mustName("pages.example")})
	w.do(t, Open{subject, pb.Types[0]})
	k := &watcher{ordered: map[string]bool{}, results: map[string]Result{}}
	for range n * (1 + below(t, "commands", 4)) / 4 {
		genTime(t, w)
		cmd := genCommand(t, w)
		before := w.c
		evs, err := w.try(t, cmd)
		if err != nil {
			if code := problem.CodeOf(err); code == problem.Internal && !strings.Contains(err.Error(), "is no result") {
				t.Fatalf("%T gave an internal error: %v", cmd, err)
			}
			if !reflect.DeepEqual(before, w.c) {
				t.Fatalf("%T failed and changed the case", cmd)
			}
		}
		k.check(t, w, before, cmd, evs)
	}
	return w, k
}

// ---- what holds after every command

type watcher struct {
	ordered map[string]bool   // notices, as "obligation/number"
	results map[string]Result // of notices, as "obligation/number"
	// absence: the conclusive absent looks since the claim was last there,
	// counted here by the words of the playbook and not by the code.
	absent []time.Time
	kinds  map[Kind]int
	counts struct{ escalated, secondRounds, reminded, measured, byHand int }
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// shows is the test's own reading of a finding: +1 gone, -1 there, 0 neither.
func shows(f Finding, confirmedEver bool) int {
	m := f.Measured
	switch {
	case m != nil && m.Inconclusive && !f.Claimed:
		return 0
	case m != nil && !m.Inconclusive && (m.Outcome == Moved || m.Outcome == Disrupted):
		return 1
	case f.Claimed:
		return -1
	case m != nil && (m.Outcome == "" || m.Outcome == Cloaked || m.Outcome == BackUp):
		return -1
	case m != nil:
		return 1
	case confirmedEver:
		return 0
	case f.Idle == DownBeforeAsked:
		return 1
	}
	return -1
}

func (k *watcher) check(t *rapid.T, w *world, before Case, cmd Command, evs []Event) {
	t.Helper()
	c := w.c
	look, looks := cmd.(Look)
	looks = looks && len(evs) > 0
	_, confirms := cmd.(Confirm)
	plan, byHand := look.Plan, true
	switch h := cmd.(type) {
	case Confirm:
		plan, byHand = h.Plan, false
	case Ask:
		plan = h.Plan
	case AskAgain:
		plan = h.Plan
	case Escalate:
		plan = h.Plan
	default:
		byHand = false
	}
	// What a person orders rests on a look that saw the claim, not long ago, and
	// that nothing has called into question since.
	if byHand && len(evs) > 0 {
		k.counts.byHand++
		if c.Look == nil || !c.Look.Claimed || w.now.Sub(c.Look.At) > min(time.Duration(w.pb.EvidenceAge), time.Hour) || !c.GoneSince.IsZero() || len(k.absent) > 0 {
			t.Fatalf("%T on the look %+v at %v", cmd, c.Look, w.now)
		}
		for _, ev := range evs {
			if ev.Actor == Centre && ev.Kind != KindObliged {
				t.Fatalf("%T: %q is by the centre", cmd, ev.Kind)
			}
		}
	}

	// An open case always has something due, and soon enough.
	if c.State.IsOpen() {
		due := c.Due()
		if due.IsZero() || due.After(c.Last.Add(time.Duration(w.pb.LongestStep))) {
			t.Fatalf("after %T an open case is due %v, its last event was at %v", cmd, due, c.Last)
		}
	}
	// A look settles what was due: no busy loop.
	if looks {
		if due := c.Due(); !due.IsZero() && !due.After(c.Look.At) {
			t.Fatalf("after the look at %v work is due at %v", c.Look.At, due)
		}
		if due := c.Due(); !due.IsZero() && c.Look.At.Equal(w.now) && !due.After(w.now) {
			t.Fatalf("after a look at %v work is due at %v", w.now, due)
		}
	}

	if looks {
		if look.Finding.At.After(w.now) || w.now.Sub(look.Finding.At) > time.Hour {
			t.Fatalf("a look of %v was taken at %v", look.Finding.At, w.now)
		}
		switch shows(look.Finding, before.Base != nil) {
		case 1:
			k.absent = append(k.absent, look.Finding.At)
		case -1:
			k.absent = nil
		}
	}
	if confirms && len(evs) > 0 {
		k.absent = nil
	}
	var obligations int
	for _, ev := range evs {
		if k.kinds == nil {
			k.kinds = map[Kind]int{}
		}
		k.kinds[ev.Kind]++
		if ord, ok := Orders(ev); ok {
			key := fmt.Sprintf("%s/%d", ord.Obligation, ord.Notice)
			if k.ordered[key] {
				t.Fatalf("notice %s is ordered twice", key)
			}
			k.ordered[key] = true
		}
		switch b := ev.Body.(type) {
		case Obliged:
			obligations++
			o := b.Obligation
			if o.Action.DNSLevel() && (c.Class != Malicious || c.Subject.Kind != party.RegisteredDomain || !plan.DNSAllowed) {
				t.Fatalf("%s asked of %s: class %s, subject %s, allowed %v", o.Action, o.Party.ID, c.Class, c.Subject.Kind, plan.DNSAllowed)
			}
			if o.Party.Role == party.Compliance && (plan.TLD != "gtld" || o.Action != Bundle) || o.Action == Bundle && o.Party.Role != party.Compliance {
				t.Fatalf("%s for %s in a %s", o.Action, o.Party.ID, plan.TLD)
			}
			if o.Party.Role == party.CERT && o.Action != Inform {
				t.Fatalf("%s asked of a CERT", o.Action)
			}
			// A bundle says what was not done, whoever is in haste.
			if from, ok := c.Obligation(o.Escalates); o.Action == Bundle && ok && from.Status != Missed && from.Status != Refused && from.Status != Referred {
				t.Fatalf("a bundle because of %s, which is %s", from.ID, from.Status)
			}
			if o.Escalates != "" {
				k.counts.escalated++
				from, ok := c.Obligation(o.Escalates)
				if !ok || from.Delivered.IsZero() || from.Round != c.Round {
					t.Fatalf("%s escalates %q, which was never delivered in this round", o.ID, o.Escalates)
				}
			}
			conf := c.Confirmation
			switch {
			case conf == nil || conf.At.Before(c.Began):
				t.Fatalf("%s is asked without a confirmation in round %d", o.ID, c.Round)
			case conf.At.Sub(conf.Evidence) > min(time.Duration(w.pb.EvidenceAge), time.Hour) || conf.Evidence.After(conf.At):
				t.Fatalf("the confirmation at %v rests on evidence of %v", conf.At, conf.Evidence)
			case !confirms && !byHand && (!looks || !look.Finding.Claimed || evs[0].Kind != KindLooked):
				t.Fatalf("%s is asked by %T, without seeing the claim", o.ID, cmd)
			case !o.Opened.Equal(w.now) || o.Round != c.Round || c.State != Coordinating:
				t.Fatalf("%s: opened %v in round %d, state %s", o.ID, o.Opened, o.Round, c.State)
			}
		case Reminded:
			k.counts.reminded++
			o, _ := c.Obligation(b.Obligation)
			if !byHand && (!looks || !look.Finding.Claimed) {
				t.Fatalf("%s is reminded by %T, without seeing the claim", o.ID, cmd)
			}
			if o.Action.DNSLevel() && (c.Class != Malicious || !plan.DNSAllowed) {
				t.Fatalf("%s is reminded at the DNS level: class %s, allowed %v", o.ID, c.Class, plan.DNSAllowed)
			}
			was, _ := before.Obligation(b.Obligation)
			if byHand && was.Status != Unreachable && was.Doubts < was.Notices && w.now.Sub(maxTime(was.Opened, was.LastNotice)) < AgainApart {
				t.Fatalf("%s is asked again %v after the last notice", o.ID, w.now.Sub(maxTime(was.Opened, was.LastNotice)))
			}
		case MissedTime:
			o, _ := c.Obligation(b.Obligation)
			if o.Delivered.IsZero() || o.Due.After(w.now) || !looks || !look.Finding.Claimed {
				t.Fatalf("%s is missed: delivered %v, due %v, at %v", o.ID, o.Delivered, o.Due, w.now)
			}
		case ClosedCase:
			if !looks {
				break
			}
			k.counts.measured++
			var all time.Duration
			for _, d := range w.pb.Investigate {
				all += time.Duration(d)
			}
			lookedEnough := c.Quiet > len(w.pb.Investigate) && !w.now.Before(c.Began.Add(all))
			if before.State == Coordinating || before.State == Unconfirmed || !lookedEnough {
				k.certainlyGone(t, w, look.Finding)
			}
			if b.Outcome == "" {
				t.Fatalf("closed without an outcome")
			}
		case ReopenedCase:
			k.counts.secondRounds++
			k.absent = nil
		}
	}
	if !looks && !confirms && !byHand && obligations > 0 {
		t.Fatalf("%T opened obligations", cmd)
	}

	type pair struct{ step, party string }
	once := map[pair]bool{}
	ids := map[string]bool{}
	for _, o := range c.Obligations {
		if ids[o.ID] {
			t.Fatalf("two obligations %s", o.ID)
		}
		ids[o.ID] = true
		if o.Status != Pending && o.Status != Unreachable && o.Status != HandOff && o.Status != Moot && o.Delivered.IsZero() {
			t.Fatalf("%s is %s and was never delivered", o.ID, o.Status)
		}
		if o.Round != c.Round {
			if o.Status.live() {
				t.Fatalf("%s of round %d is %s in round %d", o.ID, o.Round, o.Status, c.Round)
			}
			continue
		}
		if once[pair{o.Step, o.Party.ID}] {
			t.Fatalf("%s is asked twice by step %s", o.Party.ID, o.Step)
		}
		once[pair{o.Step, o.Party.ID}] = true
		if c.State == Closed && o.Status.live() {
			t.Fatalf("%s is %s on a closed case", o.ID, o.Status)
		}
		// No clock is lost: who was reached and can act has a time.
		if o.Action.Asks() && (o.Status == Running || o.Status == Acted || o.Status == Missed) && o.Due.IsZero() {
			t.Fatalf("%s is %s and has no due time", o.ID, o.Status)
		}
	}
	if n, ok := cmd.(Noticed); ok && len(evs) > 0 {
		k.results[fmt.Sprintf("%s/%d", n.Obligation, n.Notice)] = n.Result
	}
	// An ask whose last notice is in doubt goes out again.
	for _, o := range c.Obligations {
		if o.Round == c.Round && o.Action.Asks() && o.Status == Pending && o.NextNotice.IsZero() && k.results[fmt.Sprintf("%s/%d", o.ID, o.Notices)] == Doubtful {
			t.Fatalf("notice %d of %s is in doubt, and no other will follow", o.Notices, o.ID)
		}
	}
	// What a closed case is told changes nothing but the record of the answer.
	if a, ok := cmd.(Answer); ok && len(evs) > 0 && before.State != Coordinating {
		was, _ := before.Obligation(a.Obligation)
		is, _ := c.Obligation(a.Obligation)
		was.Answer, was.AnswerAt = is.Answer, is.AnswerAt
		if was != is || before.State != c.State || before.NextLook != c.NextLook {
			t.Fatalf("an answer in state %s changed %+v to %+v", before.State, was, is)
		}
	}
}

// certainlyGone holds a closing against the test's own count of absent looks.
// Something merely disrupted takes three times as long.
func (k *watcher) certainlyGone(t *rapid.T, w *world, f Finding) {
	t.Helper()
	n, apart := len(k.absent), time.Duration(w.pb.Gone.Apart)
	if f.Measured != nil && f.Measured.Outcome == Disrupted {
		apart *= 3
	}
	if n < w.pb.Gone.Looks || n < 2 || k.absent[n-1].Sub(k.absent[0]) < apart {
		t.Fatalf("closed as gone on absent looks at %v; the playbook wants %d over %s", k.absent, w.pb.Gone.Looks, apart)
	}
}

// same compares two projections apart from what the arguments blank out.
func same(t fataler, what string, a, b Case, blank func(*Case)) {
	t.Helper()
	if blank != nil {
		blank(&a)
		blank(&b)
	}
	if !reflect.DeepEqual(a, b) {
		x, _ := json.MarshalIndent(a, "", " ")
		y, _ := json.MarshalIndent(b, "", " ")
		t.Fatalf("%s:\n%s\n---\n%s", what, x, y)
	}
}

func seqOnly(c *Case) { c.Seq, c.Head, c.Last = 0, Hash{}, time.Time{} }

func seqAndLook(c *Case) {
	seqOnly(c)
	c.NextLook = time.Time{}
}

// ---- the properties

// worlds runs f on random histories: under the shipped playbooks, under random
// valid ones, and under ones that Validate refuses.
func worlds(t *testing.T, n int, f func(t *rapid.T, w *world)) {
	t.Helper()
	var total watcher
	total.kinds = map[Kind]int{}
	all, err := NewPlaybooks()
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string, pb func(*rapid.T) Playbook) {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			w, k := genWorld(t, pb(t), n)
			for kind, n := range k.kinds {
				total.kinds[kind] += n
			}
			total.counts.escalated += k.counts.escalated
			total.counts.reminded += k.counts.reminded
			total.counts.secondRounds += k.counts.secondRounds
			total.counts.measured += k.counts.measured
			total.counts.byHand += k.counts.byHand
			if f != nil {
				f(t, w)
			}
		}))
	}
	run("shipped", func(t *rapid.T) Playbook { return all.For(pick(t, "type", abuse.Phishing, abuse.Malware, abuse.Other)) })
	run("random", func(t *rapid.T) Playbook { return genPlaybook(t, true) })
	run("refused by Validate", func(t *rapid.T) Playbook { return genPlaybook(t, false) })
	t.Logf("%+v, kinds %v", total.counts, total.kinds)
}

// TestEveryHistory checks, after every command of random histories, what
// watcher.check lists; and at their end that the log replays to the projection
// and that the projection survives being stored.
func TestEveryHistory(t *testing.T) {
	worlds(t, 120, func(t *rapid.T, w *world) {
		if err := VerifyChain(w.entries); err != nil {
			t.Fatalf("%v", err)
		}
		again, err := Replay(w.entries)
		if err != nil {
			t.Fatalf("replay: %v", err)
		}
		same(t, "the replayed log is not the projection", again, w.c, nil)
		stored, err := json.Marshal(w.c)
		if err != nil {
			t.Fatalf("%v", err)
		}
		var loaded Case
		if err := json.Unmarshal(stored, &loaded); err != nil {
			t.Fatalf("%v", err)
		}
		same(t, "the stored projection is not the projection", loaded, w.c, nil)
	})
}

func TestOrderOfReportsDoesNotMatter(t *testing.T) {
	worlds(t, 25, func(t *rapid.T, w *world) {
		if w.c.State == Merged {
			return
		}
		var cmds []AddReport
		for i := range rapid.IntRange(2, 8).Draw(t, "more reports") {
			cmds = append(cmds, genReport(t, w, fmt.Sprintf("n%d", i)))
		}
		run := func(cmds []AddReport) Case {
			v := *w
			for _, cmd := range cmds {
				v.do(t, cmd)
			}
			return v.c
		}
		same(t, "the order of reports matters", run(cmds), run(rapid.Permutation(cmds).Draw(t, "order")), func(c *Case) { c.Seq, c.Head = 0, Hash{} })
	})
}

func TestUnmergeRestores(t *testing.T) {
	worlds(t, 40, func(t *rapid.T, w *world) {
		if !w.c.State.IsOpen() || len(w.c.Absorbed) > 0 {
			return
		}
		other := newWorld(shippedPhishing)
		other.id, other.now = "c9", w.now
		other.do(t, Open{domain("other.example"), abuse.Phishing})
		if oneIn(t, "absorbed before", 2) {
			other.do(t, Absorb{"person:1", Case{ID: "c8", State: New, Reports: []ReportRef{{ID: "x", Received: t0}}}})
		}
		before, otherBefore := w.c, other.c
		w.do(t, Merge{"person:1", "c9"})
		other.do(t, Absorb{"person:1", before})
		if got, want := len(other.c.AllReports()), len(before.AllReports())+len(otherBefore.AllReports()); got != want {
			t.Fatalf("after absorbing there are %d reports, want %d", got, want)
		}
		if !w.c.Due().IsZero() {
			t.Fatalf("a merged case is due")
		}
		w.wait(genDuration(t, "merged for", 0, 100*time.Hour))
		other.now = w.now
		w.do(t, Unmerge{"person:1"})
		other.do(t, Release{"person:1", w.id})
		same(t, "un-merge does not restore the case", before, w.c, seqAndLook)
		same(t, "release does not restore the absorbing case", otherBefore, other.c, seqAndLook)
		if due := w.c.Due(); due.IsZero() || w.c.NextLook.Before(w.now) {
			t.Fatalf("after un-merging the case is due %v, its next look at %v; it is %v", due, w.c.NextLook, w.now)
		}
	})
}

var shippedPhishing = func() Playbook {
	all, err := NewPlaybooks()
	if err != nil {
		panic(err)
	}
	return all.For(abuse.Phishing)
}()

func TestErasedPayloads(t *testing.T) {
	worlds(t, 25, func(t *rapid.T, w *world) {
		cut := slices.Clone(w.entries)
		erased := false
		for i, e := range cut {
			if e.Payload.Personal != e.Kind.Personal() {
				t.Fatalf("%q says personal %v", e.Kind, e.Payload.Personal)
			}
			if e.Payload.Personal && rapid.Bool().Draw(t, "expired") {
				cut[i].Payload, erased = nil, true
			}
		}
		if err := VerifyChain(cut); err != nil {
			t.Fatalf("without personal payloads: %v", err)
		}
		c, err := Replay(cut)
		if err != nil {
			t.Fatalf("without personal payloads: %v", err)
		}
		if c.Unloaded != erased {
			t.Fatalf("the case says unloaded %v", c.Unloaded)
		}
		same(t, "personal payloads are in the projection", c, w.c, func(c *Case) { c.Unloaded = false })

		// Any payload may be withheld and the chain verifies; the case cannot be
		// replayed then, and says from where on.
		i := rapid.IntRange(0, len(cut)-1).Draw(t, "withheld")
		cut[i].Payload = nil
		if err := VerifyChain(cut); err != nil {
			t.Fatalf("without payload %d: %v", i, err)
		}
		_, err = Replay(cut)
		if cut[i].Kind.Personal() != (err == nil) {
			t.Fatalf("replay without the payload of %q: %v", cut[i].Kind, err)
		}
		if err != nil {
			at(t, err, i+1)
		}
	})
}

// at checks that err is a ChainError at an event.
func at(t fataler, err error, seq int) {
	t.Helper()
	var ce *ChainError
	if !errors.As(err, &ce) {
		t.Fatalf("the damage at event %d is not found: %v", seq, err)
	}
	if ce.Seq != seq {
		t.Fatalf("the damage at event %d is found at %d: %v", seq, ce.Seq, err)
	}
}

func flipString(t *rapid.T, s string) string {
	b := []byte(s)
	b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
	return string(b)
}

func flipHash(t *rapid.T, h Hash) Hash {
	h[rapid.IntRange(0, 31).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
	return h
}

// The fields of an entry that the chain covers. Personal is a note to the
// store, not part of what was said.
var flips = map[string]func(*rapid.T, *Entry){
	"case": func(t *rapid.T, e *Entry) { e.Case = flipString(t, e.Case) },
	"seq":  func(t *rapid.T, e *Entry) { e.Seq ^= 1 << rapid.IntRange(0, 62).Draw(t, "bit") },
	"time": func(t *rapid.T, e *Entry) {
		e.At = time.UnixMicro(e.At.UnixMicro() ^ 1<<rapid.IntRange(0, 62).Draw(t, "bit")).UTC()
	},
	"part of a microsecond": func(t *rapid.T, e *Entry) {
		e.At = e.At.Add(time.Duration(rapid.IntRange(1, 999).Draw(t, "ns")))
	},
	"kind":       func(t *rapid.T, e *Entry) { e.Kind = Kind(flipString(t, string(e.Kind))) },
	"actor":      func(t *rapid.T, e *Entry) { e.Actor = flipString(t, e.Actor) },
	"prev":       func(t *rapid.T, e *Entry) { e.Prev = flipHash(t, e.Prev) },
	"commitment": func(t *rapid.T, e *Entry) { e.Commitment = flipHash(t, e.Commitment) },
	"hash":       func(t *rapid.T, e *Entry) { e.Hash = flipHash(t, e.Hash) },
	"salt": func(t *rapid.T, e *Entry) {
		e.Payload = &Payload{Salt: flipHash(t, e.Payload.Salt), Body: e.Payload.Body}
	},
	"payload": func(t *rapid.T, e *Entry) {
		e.Payload = &Payload{Salt: e.Payload.Salt, Body: []byte(flipString(t, string(e.Payload.Body)))}
	},
}

func TestBrokenChainIsFoundAtTheEvent(t *testing.T) {
	key := testKey("centre")
	names := []string{"rewrite the middle", "backwards", "drop", "duplicate", "swap", "insert", "cut", "rewrite the end", "grow", "foreign"}
	for name := range flips {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			w, _ := genWorld(t, shippedPhishing, 15)
			for len(w.entries) < 3 {
				w.do(t, AddNote{"person:1", "one more"})
			}
			head := SignHead(key, w.entries[len(w.entries)-1].Link, w.now)
			es := slices.Clone(w.entries)
			n := len(es)
			i := rapid.IntRange(0, n-1).Draw(t, "event")
			switch name {
			default:
				flips[name](t, &es[i])
				at(t, VerifyChain(es), i+1)
				return
			case "drop":
				i = rapid.IntRange(0, n-2).Draw(t, "dropped")
				at(t, VerifyChain(slices.Delete(es, i, i+1)), i+1)
			case "duplicate":
				at(t, VerifyChain(slices.Insert(es, i+1, es[i])), i+2)
			case "swap":
				j := rapid.IntRange(0, n-1).Draw(t, "with")
				if i == j {
					return
				}
				es[i], es[j] = es[j], es[i]
				at(t, VerifyChain(es), min(i, j)+1)
			case "insert": // sealed as if it followed, with the rest as it was
				var prev *Link
				if i > 0 {
					prev = &es[i-1].Link
				}
				made := Seal(prev, w.id, es[i].At, KindNote, "person:2", Payload{Body: []byte(`{"text":"slipped in"}`)})
				at(t, VerifyChain(slices.Insert(es, i, made)), i+2)
			case "foreign": // an event of another case, sealed to follow
				made := Seal(&es[n-1].Link, "c2", w.now, KindNote, "person:2", Payload{Body: []byte(`{}`)})
				at(t, VerifyChain(append(es, made)), n+1)
			case "cut":
				i = rapid.IntRange(0, n-1).Draw(t, "kept")
				if err := VerifyChain(es[:i]); err != nil {
					t.Fatalf("a chain without its tail is whole in itself: %v", err)
				}
				at(t, VerifyHead(head, key.Public().(ed25519.PublicKey), es[:i]), i+1)
			case "rewrite the middle": // whole in itself, and not what the next one follows
				i = rapid.IntRange(0, n-2).Draw(t, "rewritten")
				var prev *Link
				if i > 0 {
					prev = &es[i-1].Link
				}
				es[i] = Seal(prev, w.id, es[i].At, es[i].Kind, es[i].Actor, Payload{Body: []byte(`{"text":"something else"}`)})
				at(t, VerifyChain(es), i+2)
			case "backwards": // sealed by somebody who keeps all the rules but this
				l := Link{Case: w.id, Seq: n + 1, At: es[n-1].At.Add(-time.Microsecond), Kind: KindNote, Actor: "person:2", Prev: es[n-1].Hash}
				l.Hash = l.hash()
				at(t, VerifyChain(append(es, Entry{Link: l})), n+1)
			case "rewrite the end":
				es[n-1] = Seal(&es[n-2].Link, w.id, es[n-1].At, es[n-1].Kind, es[n-1].Actor, Payload{Body: []byte(`{"text":"something else"}`)})
				if err := VerifyChain(es); err != nil {
					t.Fatalf("%v", err)
				}
				at(t, VerifyHead(head, nil, es), n)
			case "grow": // an older head
				es = append(es, Seal(&es[n-1].Link, w.id, w.now, KindNote, "person:2", Payload{Body: []byte(`{}`)}))
				at(t, VerifyHead(head, nil, es), n+1)
			}
			if err := VerifyHead(head, key.Public().(ed25519.PublicKey), w.entries); err != nil {
				t.Fatalf("the chain itself: %v", err)
			}
		}))
	}
}

func TestSignedHead(t *testing.T) {
	w := newWorld(shippedPhishing).open(t, abuse.Phishing)
	key := testKey("centre")
	public := key.Public().(ed25519.PublicKey)
	last := w.entries[len(w.entries)-1].Link
	head := SignHead(key, last, w.now)
	if err := VerifyHead(head, public, w.entries); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Head){
		"case":       func(h *Head) { h.Case = "c2" },
		"seq":        func(h *Head) { h.Seq++ },
		"hash":       func(h *Head) { h.Hash[0]++ },
		"time":       func(h *Head) { h.At = h.At.Add(time.Microsecond) },
		"signature":  func(h *Head) { h.Signature = slices.Clone(h.Signature); h.Signature[3] ^= 1 },
		"no key":     func(h *Head) { h.PublicKey = nil },
		"short key":  func(h *Head) { h.PublicKey = h.PublicKey[:31] },
		"another's":  func(h *Head) { h.PublicKey = testKey("other").Public().(ed25519.PublicKey) },
		"by another": func(h *Head) { *h = SignHead(testKey("other"), last, w.now) },
	} {
		bad := head
		change(&bad)
		if err := VerifyHead(bad, public, w.entries); err == nil {
			t.Errorf("%s: a changed head verifies", name)
		}
		if err := VerifyHead(bad, nil, w.entries); err == nil && name != "by another" {
			t.Errorf("%s: a changed head verifies without a key", name)
		}
	}
	if err := VerifyHead(head, nil, nil); err == nil {
		t.Error("a head over nothing verifies")
	}
}

// TestSealNeverRunsBackwards: two machines' clocks differ.
func TestSealNeverRunsBackwards(t *testing.T) {
	w := newWorld(shippedPhishing).open(t, abuse.Phishing)
	w.now = w.now.Add(-time.Minute)
	w.do(t, AddNote{"person:1", "by a slow clock"})
	if err := VerifyChain(w.entries); err != nil {
		t.Fatal(err)
	}
	if !w.c.Last.Equal(t0) {
		t.Errorf("dated %v", w.c.Last)
	}
	// What another machine has just seen is not in the future.
	w.do(t, Look{Finding: seen(t0, Malicious)})
	if !w.c.NextLook.Equal(t0.Add(time.Hour)) {
		t.Errorf("the next look is %v", w.c.NextLook)
	}
}
