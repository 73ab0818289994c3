package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/casework"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
)

// The words of the pages that stand for values, in one place. Texts that stand
// by themselves are in the templates.

// tone is the colour and shape of a state: "ok", "wait", "bad" or "quiet".
type tone string

// badge is a state to show: never its colour alone.
type badge struct {
	Tone tone
	Word string
}

var caseTones = map[casework.State]badge{
	casework.New:           {"quiet", "new"},
	casework.Investigating: {"wait", "being checked"},
	casework.Unconfirmed:   {"wait", "waits for confirmation"},
	casework.Coordinating:  {"wait", "parties are asked"},
	casework.Closed:        {"quiet", "closed"},
	casework.Merged:        {"quiet", "merged"},
}

var outcomeTones = map[casework.Outcome]tone{
	casework.Stopped: "ok", casework.Disrupted: "ok", casework.Parked: "ok", casework.DownBeforeAsked: "ok",
	casework.Cloaked: "bad", casework.BackUp: "bad", casework.Moved: "wait",
}

// standing says in one badge how a case stands.
func standing(c casework.Case) badge {
	switch c.State {
	case casework.Closed:
		t := outcomeTones[c.Outcome]
		if t == "" {
			t = "quiet"
		}
		return badge{t, string(c.Outcome)}
	case casework.Investigating:
		if c.Look != nil && c.Look.Doubt != "" {
			return badge{"wait", "needs a person"}
		}
	case casework.Coordinating:
		if !c.GoneSince.IsZero() {
			return settling(c)
		}
		if c.Outcome == casework.Cloaked {
			return badge{"bad", "cloaked"}
		}
		waiting, missed, hand := "", false, false
		for _, o := range c.Obligations {
			if o.Round != c.Round {
				continue
			}
			hand = hand || c.ForPerson(o)
			switch {
			case !o.Action.Asks():
			case o.Status == casework.Running || o.Status == casework.Acted || o.Status == casework.Pending:
				waiting = roleWord(o.Party.Role) // the last one opened
			case o.Status == casework.Missed:
				missed = true
			}
		}
		switch {
		case waiting != "":
			return badge{"wait", "waiting for the " + waiting}
		case hand:
			return badge{"wait", "to hand over"}
		case missed:
			return badge{"bad", "nobody seen to act"}
		}
	}
	return caseTones[c.State]
}

// settling says what is still to be made sure of: that it is gone, or what became
// of it.
func settling(c casework.Case) badge {
	if c.Look != nil {
		switch measuredOutcome(*c.Look) {
		case casework.Moved:
			return badge{"wait", "moved, to be sure of"}
		case casework.Disrupted:
			return badge{"ok", "behind a warning, to be sure of"}
		}
	}
	return badge{"ok", "gone, to be sure of"}
}

var classes = map[casework.Class]badge{
	casework.Malicious:   {"bad", "maliciously registered"},
	casework.Compromised: {"wait", "compromised"},
	casework.Innocent:    {"ok", "innocent"},
	casework.Unknown:     {"quiet", "class not known"},
}

var statuses = map[casework.Status]badge{
	casework.Pending:     {"quiet", "being told"},
	casework.Running:     {"wait", "asked"},
	casework.Informed:    {"quiet", "told"},
	casework.Missed:      {"bad", "not seen to act"},
	casework.Acted:       {"wait", "says it acted"},
	casework.Referred:    {"quiet", "named another"},
	casework.Refused:     {"bad", "will not act"},
	casework.Unreachable: {"bad", "not reached"},
	casework.HandOff:     {"wait", "to hand over"},
	casework.Met:         {"ok", "acted"},
	casework.Moot:        {"quiet", "settled"},
}

// obligationBadge says how one party stands.
func obligationBadge(o casework.Obligation) badge {
	b := statuses[o.Status]
	switch {
	case o.Status == casework.HandOff && !o.Delivered.IsZero():
		return badge{"ok", "handed over"}
	case o.Status == casework.Running && o.Answer != "":
		b.Word = answers[o.Answer].short
	}
	return b
}

// answers are what a party can say, in the order of the form.
var answerOrder = []string{"acted", "received", "need_more", "referred", "refused", "not_ours"}

var answers = map[string]struct{ ours, theirs, short string }{
	"acted":     {"they acted", "We acted", "says it acted"},
	"received":  {"they received it and are looking", "We received it and are looking", "acknowledged"},
	"need_more": {"they need more information", "We need more information", "needs more"},
	"referred":  {"they passed it on to another party", "We passed it on to another party", "named another"},
	"refused":   {"they will not act", "We will not act", "will not act"},
	"not_ours":  {"it is not theirs", "It is not ours", "not theirs"},
}

var actions = map[casework.Action]string{
	casework.Inform: "told", casework.List: "asked to warn its users", casework.RemoveContent: "asked to remove the content",
	casework.SuspendCustomer: "asked to suspend the customer", casework.SuspendName: "asked to suspend the name",
	casework.RegistryProcedure: "asked by the registry's procedure", casework.Bundle: "bundle to file",
}

var roles = map[party.Role]string{
	party.Registrar: "registrar", party.Registry: "registry", party.Host: "host", party.CDN: "CDN", party.Platform: "platform",
	party.Constituent: "constituent", party.BlockList: "block list", party.CERT: "CERT", party.Compliance: "ICANN compliance",
}

func roleWord(r party.Role) string {
	if w := roles[r]; w != "" {
		return w
	}
	return visible(string(r))
}

// kinds are the kinds of abuse, in the order of the report form.
var kinds = []struct {
	Type  abuse.Type
	Word  string
	About string
}{
	{abuse.Phishing, "phishing", "a page that pretends to be somebody else's, to get passwords, cards or codes"},
	{abuse.Malware, "malware", "a page or file that harms a computer or telephone"},
	{abuse.Fraud, "fraud", "a shop, investment or job that does not exist"},
	{abuse.Spam, "spam", "unwanted mail that leads to one of these"},
	{abuse.Botnet, "botnet", "a name or address that controls infected machines"},
	{abuse.Pharming, "pharming", "a name that is sent to the wrong place"},
	{abuse.Compromised, "broken into", "an honest site or machine in somebody else's hands"},
	{abuse.Attack, "attack", "scans, floods, attempts to sign in from an address"},
	{abuse.Vulnerability, "vulnerability", "an open or outdated service"},
	{abuse.SuspiciousDomain, "suspicious name", "a name that looks made for abuse and is not used yet"},
	{abuse.Trademark, "trademark", "a name or page that uses a mark that is not its own"},
	{abuse.Copyright, "copyright", "a copy without permission"},
	{abuse.CSAM, "sexual abuse of children", "goes to the hotline; nothing of it is kept here"},
	{abuse.Other, "something else", "say what it is below"},
}

func typeWord(t string) string {
	for _, k := range kinds {
		if string(k.Type) == t {
			if k.Type == abuse.Other {
				return "other"
			}
			return k.Word
		}
	}
	return visible(t)
}

// told says in words what a report's state means for whoever sent it.
var told = map[store.ReportState]string{
	store.ReportReceived:  "It is stored and waits to be looked at.",
	store.ReportAccepted:  "It is being worked on.",
	store.ReportDuplicate: "We knew of it already; your report was added.",
	store.ReportRejected:  "It could not be worked on.",
	store.ReportWithheld:  "Its content is not kept.",
}

// toldCase says what a case's state means for a reporter.
func toldCase(state, outcome string) badge {
	s := casework.State(state)
	if s == casework.Closed {
		t := outcomeTones[casework.Outcome(outcome)]
		if t == "" {
			t = "quiet"
		}
		return badge{t, outcome}
	}
	return caseTones[s]
}

func errorTitle(status int) string {
	switch status {
	case http.StatusNotFound:
		return "There is nothing here"
	case http.StatusUnauthorized:
		return "Please sign in"
	case http.StatusForbidden:
		return "This is not for you to see"
	case http.StatusConflict:
		return "That cannot be done now"
	case http.StatusTooManyRequests:
		return "Too many at once"
	case http.StatusRequestEntityTooLarge:
		return "That is too large"
	case http.StatusServiceUnavailable:
		return "Not at this moment"
	}
	if status >= 500 {
		return "Something went wrong here"
	}
	return "That is not right"
}

// sentence makes one of a problem.
func sentence(d problem.Document) string {
	s := strings.TrimSuffix(d.Detail, ".")
	if s == "" {
		s = d.Title
	}
	if s != "" {
		s = strings.ToUpper(s[:1]) + s[1:] + "."
	}
	return s
}

// span says a time in the two units that matter.
func span(d time.Duration) string {
	d = max(d, -d)
	switch {
	case d < time.Minute:
		return "under a minute"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		if m := int(d.Minutes()) % 60; m > 0 {
			return fmt.Sprintf("%d h %02d min", int(d.Hours()), m)
		}
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	days := int(d.Hours()) / 24
	if h := int(d.Hours()) % 24; h > 0 && days < 10 {
		return fmt.Sprintf("%d d %d h", days, h)
	}
	return fmt.Sprintf("%d d", days)
}

// count says how many there are of a thing.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands writes a number with a thin gap between groups of three digits.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}
