package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/party"
)

// log makes a case's events of bodies, an hour apart.
func log(t *testing.T, bodies ...any) []casework.Entry {
	t.Helper()
	kinds := func(v any) (casework.Kind, string) {
		switch v.(type) {
		case casework.Looked:
			return casework.KindLooked, casework.Centre
		case casework.ReportAttached:
			return casework.KindReport, "report:r"
		case casework.Obliged:
			return casework.KindObliged, casework.Centre
		case casework.Delivered:
			return casework.KindDelivered, casework.Centre
		case casework.Note:
			return casework.KindNote, "person:1"
		case casework.Confirmed:
			return casework.KindConfirmed, "rule:x"
		}
		t.Fatalf("%T", v)
		return "", ""
	}
	var out []casework.Entry
	for i, v := range bodies {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		e := casework.Entry{Payload: &casework.Payload{Body: b}}
		e.Seq, e.At = i+1, time.Date(2026, 3, 4, i, 0, 0, 0, time.UTC)
		e.Kind, e.Actor = kinds(v)
		out = append(out, e)
	}
	return out
}

func look(f casework.Finding) casework.Looked { return casework.Looked{Finding: f} }

// TestTimeline holds what lines are made of events: runs are one, an ask and its
// delivery are one, and each outcome has its own words.
func TestTimeline(t *testing.T) {
	host := casework.Obligation{ID: "o1", Party: party.Party{Role: party.Host, Name: "Northbox"}, Action: casework.RemoveContent, Status: casework.Pending}
	c := casework.Case{Obligations: []casework.Obligation{host}}
	up := look(casework.Finding{Claimed: true, Live: true})
	moved := look(casework.Finding{Claimed: true, Live: true, Measured: &casework.Measured{Outcome: casework.Moved, MovedTo: "http://other.example/"}})
	events := log(t, casework.ReportAttached{Report: casework.ReportRef{ID: "a"}}, casework.ReportAttached{Report: casework.ReportRef{ID: "b"}}, up, up, up, casework.Confirmed{Class: casework.Malicious},
		casework.Obliged{Obligation: host}, casework.Delivered{Obligation: "o1", Notice: 1}, up, moved, look(casework.Finding{Measured: &casework.Measured{Inconclusive: true}}),
		look(casework.Finding{Live: true, Doubt: "a form of no brand"}), look(casework.Finding{Measured: &casework.Measured{Outcome: casework.Stopped}}), casework.Note{Text: "mine"})
	who := func(ref string) string { return ref }
	lines := func(personal bool) string {
		var out []string
		for _, m := range (story{c: c, personal: personal, who: who}).moments(events) {
			l := string(m.Tone) + "|" + m.What
			if m.Same != "" {
				l += "|" + m.Same
			}
			if len(m.Detail) > 0 {
				l += "|" + strings.Join(m.Detail, ";")
			}
			out = append(out, l)
		}
		return strings.Join(out, "\n")
	}
	want := `person|Note|mine
ok|Not there: stopped
|A page that no rule can judge|a form of no brand
|No clear answer
|Moved: it sends visitors elsewhere|to hxxp://other[.]example/
bad|Seen: it is up
|Asking Northbox: to remove the content
ok|Confirmed: maliciously registered
bad|Seen: it is up|2 looks before saw the same
|2 reports joined`
	if got := lines(true); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := lines(false); strings.Contains(got, "mine") || !strings.Contains(got, "Note (not shown to you)") {
		t.Errorf("without personal data:\n%s", got)
	}
}
