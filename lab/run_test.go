package lab

import (
	"encoding/json"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"
)

// naive is a centre that asks everybody about every report at once and never
// thinks: it is enough to set the world in motion.
func (c client) naive(k *centre, s *Scenario, seen *int, n *sync.WaitGroup) {
	k.mu.Lock()
	reports := append([]string(nil), k.reports[*seen:]...)
	*seen = len(k.reports)
	k.mu.Unlock()
	for i, raw := range reports {
		var r struct {
			URL    string   `json:"url"`
			URLs   []string `json:"urls"`
			Report struct {
				SourceURL string `json:"SourceUrl"`
			} `json:"Report"`
		}
		if err := json.Unmarshal([]byte(raw), &r); err != nil {
			continue
		}
		u := r.URL + r.Report.SourceURL
		if len(r.URLs) > 0 {
			u = r.URLs[0]
		}
		parsed, err := url.Parse(refangForTest(u))
		if err != nil {
			continue
		}
		def := s.find(c.w.subjectKey(parsed.Hostname()))
		if def == nil {
			continue
		}
		for _, p := range c.w.parties {
			if !c.w.holdsLocked(p, def.Name) || published(p.mail) == "" {
				continue
			}
			action := map[string]string{"registrar": "suspend_name", "registry": "suspend_name", "host": "remove_content", "cdn": "remove_content",
				"platform": "suspend_customer", "constituent": "inform"}[p.role]
			if def.Class != "malicious" && action == "suspend_name" {
				continue
			}
			n.Go(func() { // at once, in no order
				err := c.mail(fmt.Sprintf("n%d@cert.example", i), p.mail, noticeMail(p.mail, parsed.String(), p.role, action, k.URL+"/api/v1/answers/"+p.role))
				_ = err // a bounce is an answer too
			})
		}
	}
}

func (w *World) holdsLocked(p *party, key string) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.holds(p, key)
}

func (c client) run(s *Scenario, step time.Duration) *centre {
	c.t.Helper()
	k := c.centre()
	seen := 0
	for d := time.Duration(0); d <= time.Duration(s.Days)*Day; d += step {
		c.advance(d)
		var wg sync.WaitGroup
		c.naive(k, s, &seen, &wg)
		wg.Wait()
	}
	return k
}

func TestRunsAreTheSame(t *testing.T) {
	var runs [2]string
	for i := range runs {
		s := Generate(3, 12)
		c := start(t, s)
		c.run(s, 2*time.Hour)
		truth := c.w.Truth()
		b, err := json.MarshalIndent(truth, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		runs[i] = string(b)
		if i == 0 {
			out := map[string]int{}
			for _, tr := range truth {
				out[tr.Outcome]++
				if tr.WrongfulDNSAsks > 0 || tr.WrongfulDNS {
					t.Errorf("%s: an ask at the DNS level that was not made", tr.Subject)
				}
			}
			t.Logf("%d subjects: %v; %+v", len(truth), out, c.w.Counts())
		}
		n := c.w.Counts()
		if n.ReportsSent == 0 || n.ReportsUnexpected > n.ReportsRejected || n.SMTPAccepted == 0 || n.AnswersSent == 0 || n.AnswersFailed != 0 || n.Refused != 0 {
			t.Errorf("counts: %+v", n)
		}
	}
	if runs[0] != runs[1] {
		t.Error("the same inputs gave two truths")
	}
}
