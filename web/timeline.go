package web

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/judge"
	"bailiwick/name"
	"bailiwick/party"
)

// moment is one line of the timeline: what happened, who did it; or what is
// due.
type moment struct {
	Tone   string // "", ok, bad, next, person, now
	What   string
	At     time.Time
	From   time.Time // with Folded: the first of those folded into it
	Who    string
	Meta   []string
	Detail []string
	Link   string // of what can be done about it
	Words  string // of the link
	Seq    int
	Folded int // how many more of the same are in it
	Same   string
}

// Spans says whether the folded ones took time.
func (m moment) Spans() bool { return m.Folded > 0 && m.At.Sub(m.From) >= time.Minute }

// story makes lines of events, the newest first. Runs of looks that saw the
// same, and of reports, are one line.
type story struct {
	c        casework.Case
	personal bool
	who      func(ref string) string
}

func (t story) moments(events []casework.Entry) []moment {
	var out []moment
	taken := map[string]casework.Entry{}     // deliveries by obligation and notice
	reporters := map[string]casework.Entry{} // by report
	for _, e := range events {
		switch e.Kind {
		case casework.KindDelivered:
			if b, ok := payload[casework.Delivered](e); ok && e.Actor == casework.Centre {
				taken[fmt.Sprintf("%s#%d", b.Obligation, b.Notice)] = e
			}
		case casework.KindReporter:
			if b, ok := payload[casework.Reporter](e); ok && t.personal {
				reporters[b.Report] = e
			}
		}
	}
	// In the order they happened: what an ask led to is said with the ask.
	var prevKey string
	said := ""
	merged := map[int]bool{}
	for _, e := range events {
		if merged[e.Seq] {
			continue
		}
		m, key := t.moment(e)
		if key == "" {
			continue // said with another event
		}
		m.At, m.Seq = e.At, e.Seq
		switch e.Kind {
		case casework.KindObliged, casework.KindReminded:
			if d, ok := taken[orderOf(e)]; ok {
				b, _ := payload[casework.Delivered](d)
				m.Meta = append(m.Meta, "taken "+stampUTC(d.At))
				if !b.Due.IsZero() {
					m.Meta = append(m.Meta, "has until "+stampUTC(b.Due))
				}
				merged[d.Seq] = true
			}
		case casework.KindReport:
			b, _ := payload[casework.ReportAttached](e)
			if r, ok := reporters[b.Report.ID]; ok {
				w, _ := t.moment(r)
				if len(w.Meta) > 0 {
					m.Meta = append(m.Meta, "by "+strings.Join(w.Meta, ", "))
				}
				merged[r.Seq] = true
			}
		}
		if n := len(out); n > 0 && key == prevKey && strings.HasPrefix(key, "fold:") {
			last := &out[n-1]
			m.Folded, m.From = last.Folded+1, cmpTime(last.From, last.At)
			if strings.HasPrefix(key, "fold:report") {
				m.What, m.Meta = fmt.Sprintf("%d reports joined", m.Folded+1), foldMeta(last.Meta, m.Meta)
			} else {
				m.Detail, m.Same = last.Detail, count(m.Folded, "look", "looks")+" before saw the same"
			}
			*last = m
			continue
		}
		if e.Kind == casework.KindLooked { // what each look repeats is said once
			if d := strings.Join(m.Detail, "\n"); d == said {
				m.Detail = nil
			} else {
				said = d
			}
		}
		out = append(out, m)
		prevKey = key
	}
	slices.Reverse(out)
	return out
}

// orderOf names the notice an event orders.
func orderOf(e casework.Entry) string {
	if e.Kind == casework.KindObliged {
		b, _ := payload[casework.Obliged](e)
		return b.Obligation.ID + "#1"
	}
	b, _ := payload[casework.Reminded](e)
	return fmt.Sprintf("%s#%d", b.Obligation, b.Notice)
}

func cmpTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

// foldMeta joins what is said of several reports, without repeats, to a bound.
func foldMeta(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) && len(out) < 6 {
			out = append(out, s)
		}
	}
	return out
}

// payload reads the body of an event; a payload that expired leaves it zero.
func payload[T any](e casework.Entry) (T, bool) {
	var v T
	if e.Payload == nil || json.Unmarshal(e.Payload.Body, &v) != nil {
		return v, false
	}
	return v, true
}

// moment says one event in words. Events with the same key that begins with
// "fold:" and follow each other are one line; "" is not shown.
func (t story) moment(e casework.Entry) (moment, string) {
	m := moment{Who: t.who(e.Actor)}
	if strings.HasPrefix(e.Actor, "person:") {
		m.Tone = "person"
	}
	key := string(e.Kind)
	detail := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			m.Detail = append(m.Detail, s)
		}
	}
	who := func(id string) string {
		if o, ok := t.c.Obligation(id); ok {
			return o.Party.Name
		}
		return "a party"
	}
	switch e.Kind {
	case casework.KindOpened:
		m.What = "Case opened"
		if b, ok := payload[casework.Opened](e); ok {
			m.Meta = append(m.Meta, "playbook "+b.Name)
		}
	case casework.KindReport:
		b, _ := payload[casework.ReportAttached](e)
		m.What, key, m.Who = "Reported", "fold:report", ""
		if e.Seq > 2 {
			m.What = "Another report joined"
		}
		if b.Report.Format != "" {
			m.Meta = append(m.Meta, "as "+b.Report.Format)
		}
		if b.Report.Brand != "" {
			m.Meta = append(m.Meta, "said to imitate "+b.Report.Brand)
		}
	case casework.KindReporter:
		if !t.personal || e.Payload == nil {
			return m, ""
		}
		b, _ := payload[casework.Reporter](e)
		m.Who, m.What = "", "Reporter"
		for _, s := range []string{b.Name, b.Org, b.Contact} {
			if s != "" {
				m.Meta = append(m.Meta, s)
			}
		}
		if len(m.Meta) == 0 {
			return m, ""
		}
		if b.Disclose {
			m.Meta = append(m.Meta, "may be named")
		} else {
			m.Meta = append(m.Meta, "is not to be named")
		}
	case casework.KindWithdrawn:
		m.What, m.Who = "A reporter took the report back", ""
	case casework.KindLooked:
		b, _ := payload[casework.Looked](e)
		key = "fold:" + t.looked(&m, b.Finding)
	case casework.KindConfirmed:
		b, _ := payload[casework.Confirmed](e)
		m.Tone, m.What = "ok", "Confirmed: "+classes[b.Class].Word
	case casework.KindRejected:
		b, _ := payload[casework.Rejected](e)
		m.What = "Rejected: the claim is not true"
		detail(b.Reason)
	case casework.KindObliged:
		b, _ := payload[casework.Obliged](e)
		o := b.Obligation
		switch {
		case o.Status == casework.HandOff || o.Status == casework.Unreachable:
			m.What = o.Party.Name + " is to be " + actions[o.Action] + ", by hand"
			if o.Action == casework.Bundle {
				m.What = "A bundle for " + o.Party.Name + " is to be filed, by hand"
			}
			detail(o.Party.Why)
		case o.Action == casework.Inform:
			m.What = "Telling " + o.Party.Name
		default:
			m.What = "Asking " + o.Party.Name + ": " + strings.TrimPrefix(actions[o.Action], "asked ")
		}
		m.Meta = append(m.Meta, roleWord(o.Party.Role))
		if b.Why != "" {
			m.Meta = append(m.Meta, "known by "+b.Why)
		}
		if from, ok := t.c.Obligation(o.Escalates); ok && from.Escalated.Equal(e.At) {
			m.Meta = append(m.Meta, who(o.Escalates)+" was not waited for")
		} else if o.Escalates != "" {
			m.Meta = append(m.Meta, "because "+who(o.Escalates)+" was not seen to act")
		}
		detail(b.Reason)
	case casework.KindReminded:
		b, _ := payload[casework.Reminded](e)
		switch {
		case b.Party != nil:
			m.What = "Asking " + who(b.Obligation) + " again, at another contact"
		case b.Kind == "chase":
			m.What = "Asking " + who(b.Obligation) + " again, after its time"
		default:
			m.What = "Reminding " + who(b.Obligation)
		}
		detail(b.Reason)
	case casework.KindDelivered:
		b, _ := payload[casework.Delivered](e)
		m.What = who(b.Obligation) + " has it"
		if m.Tone == "person" {
			m.What = "Handed over to " + who(b.Obligation)
			detail(strings.TrimPrefix(b.Response, e.Actor+": "))
		} else if b.Response != "" {
			m.Meta = append(m.Meta, "its server said: "+cut(b.Response, 120))
		}
		if !b.Due.IsZero() {
			m.Meta = append(m.Meta, "has until "+stampUTC(b.Due))
		}
		if b.Proof != "" {
			m.Meta = append(m.Meta, "proof "+short(b.Proof))
		}
	case casework.KindFailed:
		b, _ := payload[casework.Failed](e)
		m.Tone, m.What = "bad", "Not delivered to "+who(b.Obligation)
		if b.Bounced {
			m.What = "Came back from " + who(b.Obligation)
		}
		detail(b.Response)
	case casework.KindDoubt:
		b, _ := payload[casework.InDoubt](e)
		m.What = "Not known whether " + who(b.Obligation) + " has it"
		detail(b.Response)
	case casework.KindAnswered:
		b, _ := payload[casework.Answered](e)
		if strings.HasPrefix(e.Actor, "party:") {
			m.Who = ""
		}
		m.What = who(b.Obligation) + " answered: " + answers[b.Answer].ours
		detail(b.Note)
	case casework.KindExtended:
		b, _ := payload[casework.Extended](e)
		m.What = who(b.Obligation) + " has more time"
		m.Meta = append(m.Meta, "until "+stampUTC(b.Due))
		detail(b.Reason)
	case casework.KindEscalated:
		b, _ := payload[casework.Escalated](e)
		m.What = "Escalated: " + who(b.Obligation) + " is not waited for"
		m.Meta = append(m.Meta, "it keeps its time")
		detail(b.Reason)
	case casework.KindAssigned:
		b, _ := payload[casework.Assigned](e)
		switch to := t.who(b.To); {
		case b.To == "":
			m.What = "Nobody works it any more"
		case b.To == strings.SplitN(e.Actor, "/", 2)[0]:
			m.What = "Taken"
		default:
			m.What = "Given to " + to
		}
	case casework.KindMissed:
		b, _ := payload[casework.MissedTime](e)
		m.Tone, m.What = "bad", who(b.Obligation)+" was not seen to act in time"
	case casework.KindClosed:
		b, _ := payload[casework.ClosedCase](e)
		m.What = "Closed: " + string(b.Outcome)
		if outcomeTones[b.Outcome] == "ok" {
			m.Tone = "ok"
		}
		switch {
		case b.Actor.ActorName != "":
			m.Meta = append(m.Meta, "credited: "+b.Actor.ActorName+", "+roleWord(b.Actor.ActorRole))
		case outcomeTones[b.Outcome] == "ok":
			m.Meta = append(m.Meta, "actor unknown")
		}
		if !b.Since.IsZero() {
			m.Meta = append(m.Meta, "gone since "+stampUTC(b.Since))
		}
		detail(b.Reason)
	case casework.KindReopened:
		b, _ := payload[casework.ReopenedCase](e)
		m.What = "Reopened"
		if b.Returned {
			m.Tone, m.What = "bad", "It is back: reopened"
		}
		detail(b.Reason)
	case casework.KindNote:
		b, ok := payload[casework.Note](e)
		m.What = "Note"
		switch {
		case e.Payload == nil:
			m.What = "Note (expired)"
		case !t.personal:
			m.What = "Note (not shown to you)"
		case ok:
			detail(b.Text)
		}
	case casework.KindMerged:
		b, _ := payload[casework.MergedInto](e)
		m.What, m.Link, m.Words = "Merged into another case", "/cases/"+segment(b.Into), "case "+b.Into
	case casework.KindAbsorbed:
		b, _ := payload[casework.AbsorbedCase](e)
		m.What, m.Link, m.Words = fmt.Sprintf("Another case and %s merged into this one", count(len(b.Reports), "report", "reports")), "/cases/"+segment(b.From), "case "+b.From
	case casework.KindUnmerged:
		m.What = "Un-merged: a case of its own again"
	case casework.KindReleased:
		b, _ := payload[casework.ReleasedCase](e)
		m.What, m.Link, m.Words = "A merged case left again", "/cases/"+segment(b.Case), "case "+b.Case
	case casework.KindRedirected:
		b, _ := payload[casework.MovedOn](e)
		m.What = "It sends visitors on"
		detail("to " + name.Defang(b.URL))
	default:
		m.What = string(e.Kind)
	}
	return m, key
}

// looked says what one look showed, and gives a key that looks which showed the
// same share.
func (t story) looked(m *moment, f casework.Finding) string {
	var snap judge.Snapshot
	_ = json.Unmarshal(f.Snapshot, &snap) // an older one may not read; the finding says enough
	sight := snap.Sight
	switch out := measuredOutcome(f); {
	case f.Claimed && out == casework.Cloaked:
		m.Tone, m.What = "bad", "Still up, hidden from some places"
	case out == casework.Moved:
		m.What = "Moved: it sends visitors elsewhere"
		if f.Measured.MovedTo != "" {
			m.Detail = append(m.Detail, "to "+name.Defang(f.Measured.MovedTo))
		}
	case f.Claimed && out == casework.Disrupted:
		m.Tone, m.What = "ok", "Disrupted: there, behind a warning"
	case f.Claimed:
		m.Tone, m.What = "bad", "Seen: it is up"
	case f.Measured != nil && f.Measured.Inconclusive:
		m.What = "No clear answer"
	case out != "":
		m.Tone, m.What = "ok", "Not there: "+string(out)
	case f.Doubt != "":
		m.What = "A page that no rule can judge"
		m.Detail = append(m.Detail, f.Doubt)
	case f.Live:
		m.What = "Something answers; the abuse was not seen"
	default:
		m.What = "Nothing answered"
		if f.Idle == casework.NotSeen {
			m.What = "Not seen from here"
		}
	}
	if n := len(sight.SeenFrom); n > 0 {
		m.Meta = append(m.Meta, "seen from "+join(sight.SeenFrom))
	}
	if n := len(sight.NotSeenFrom); n > 0 && f.Claimed {
		m.Meta = append(m.Meta, "not from "+join(sight.NotSeenFrom))
	}
	var why []string
	for _, v := range sight.Views {
		if v.Reason != "" && !slices.Contains(why, v.Reason) {
			why = append(why, v.Reason)
		}
	}
	m.Detail = append(m.Detail, why[:min(len(why), 3)]...)
	return m.What + strings.Join(sight.SeenFrom, ",") + f.Doubt
}

func measuredOutcome(f casework.Finding) casework.Outcome {
	if f.Measured == nil {
		return ""
	}
	return f.Measured.Outcome
}

func join(s []string) string {
	if len(s) > 4 {
		return strings.Join(s[:3], ", ") + fmt.Sprintf(" and %d more", len(s)-3)
	}
	return strings.Join(s, ", ")
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

func stampUTC(t time.Time) string { return t.UTC().Format("2 Jan, 15:04 UTC") }

// maxNext is how many coming things are shown.
const maxNext = 6

// coming is what is due on a case, what comes last on top: the timeline goes on
// from there into the past.
func coming(c casework.Case, pb casework.Playbook, now time.Time) (next []moment, more int) {
	add := func(at time.Time, m moment) {
		m.Tone, m.At = "next", at
		next = append(next, m)
	}
	if c.State == casework.Unconfirmed || c.State == casework.Investigating && c.Look != nil && c.Look.Doubt != "" {
		add(time.Time{}, moment{What: "Confirm or reject", Meta: []string{"waits for a person; nobody is asked before"}})
	}
	for _, o := range c.Obligations {
		if o.Round != c.Round || c.State != casework.Coordinating {
			continue
		}
		switch {
		case c.ForPerson(o):
			add(time.Time{}, moment{What: "Hand over to " + o.Party.Name, Meta: []string{"waits for a person"}, Link: "/cases/" + segment(c.ID) + "/handoff/" + segment(o.ID), Words: "what to hand over"})
		case o.Status == casework.Running || o.Status == casework.Acted:
			if !o.NextNotice.IsZero() && (o.Due.IsZero() || o.NextNotice.Before(o.Due)) {
				add(o.NextNotice, moment{What: "Remind " + o.Party.Name, Meta: []string{"if it is still up"}})
			}
			if !o.Due.IsZero() {
				m := moment{What: "The time of " + o.Party.Name + " is over", Meta: []string{"unless it is gone before"}}
				if then := after(c, pb, o); then != "" {
					m.What = "Ask the " + then
					m.Meta = []string{"unless " + o.Party.Name + " acts"}
				}
				add(o.Due, m)
			}
		case o.Status == casework.Missed && !o.NextNotice.IsZero():
			add(o.NextNotice, moment{What: "Ask " + o.Party.Name + " again", Meta: []string{"if it is still up"}})
		case o.Status == casework.Pending:
			add(now, moment{What: "A message to " + o.Party.Name + " is under way"})
		}
	}
	if !c.NextLook.IsZero() && c.State != casework.Merged {
		m := moment{What: "Look again", Meta: []string{"from every place"}}
		if c.State == casework.Closed {
			m.What = "Look whether it came back"
		}
		add(c.NextLook, m)
	}
	slices.SortStableFunc(next, func(a, b moment) int { return a.At.Compare(b.At) })
	if len(next) > maxNext {
		more = len(next) - maxNext
		next = next[:maxNext]
	}
	slices.Reverse(next)
	return next, more
}

// after is the role that the playbook asks when an obligation's time passes.
func after(c casework.Case, pb casework.Playbook, o casework.Obligation) string {
	for _, s := range pb.Steps {
		if slices.ContainsFunc(c.Obligations, func(x casework.Obligation) bool { return x.Round == c.Round && x.Step == s.ID }) {
			continue // a person did not wait for it
		}
		if s.After != o.Step || len(s.On) > 0 && !slices.Contains(s.On, casework.Missed) || s.Action.DNSLevel() && c.Class != casework.Malicious {
			continue
		}
		if s.Role == party.Compliance {
			return "person at the desk to file a bundle"
		}
		return roleWord(s.Role)
	}
	return ""
}
