package lab

import (
	"bytes"
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/name"
)

// Submission is one report handed to the centre and what it said. Of a report
// by mail, Key is its Message-ID and Status the reply of the centre's mail
// server; the receipt, if there is one, comes by mail.
type Submission struct {
	At       time.Time
	Reporter string
	Key      string // idempotency key of the request
	Line     int    // in a bulk request, from 1; 0 for a single one
	Format   string
	Subjects []string // keys
	Status   int      // HTTP status; of a bulk line 202 or 422
	Receipt  string
	Accepted bool
	Expected string // accepted or rejected
	Resend   bool
	Receipts int // by mail
}

// Submissions are all reports handed over so far, in order.
func (w *World) Submissions() []Submission {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return slices.Clone(w.sent)
}

func (w *World) pop() event { return heap.Pop(&w.queue).(event) }

// effective is the name that a report about n is about: another one if the
// registry refused n.
func (w *World) effective(n string) *holding {
	h := w.holdings[n]
	for range 8 {
		if h == nil || !h.refused {
			return h
		}
		h = w.holdings[h.def.Else]
	}
	return h
}

// urls are what a report is about.
func (r *Report) urls(w *World) []string {
	if len(r.URLs) > 0 {
		out := make([]string, 0, len(r.URLs))
		for _, u := range r.URLs {
			out = append(out, name.Refang(u))
		}
		return out
	}
	if h := w.effective(r.Name); h != nil {
		return []string{h.def.URL()}
	}
	return nil
}

// scheduleBulk groups the bulk reports by text, sender and time.
func (w *World) scheduleBulk() {
	type group struct {
		bulk, from string
		at         Span
	}
	groups := map[group][]int{}
	var order []group
	for i := range w.s.Reports {
		r := &w.s.Reports[i]
		switch {
		case r.AfterLive != nil:
			if h := w.holdings[r.Name]; h != nil {
				w.afterLive[h] = append(w.afterLive[h], i)
				for o := w.holdings[h.def.Else]; o != nil && len(w.afterLive[o]) < maxReports; o = w.holdings[o.def.Else] {
					w.afterLive[o] = append(w.afterLive[o], i)
				}
			}
		case r.Bulk != "":
			g := group{r.Bulk, r.From, *r.At}
			if groups[g] == nil {
				order = append(order, g)
			}
			groups[g] = append(groups[g], i)
		}
	}
	for _, g := range order {
		w.scheduleReport(w.start.Add(g.at.D()), groups[g])
	}
}

// scheduleReport schedules a request that carries the given reports.
func (w *World) scheduleReport(at time.Time, which []int) {
	w.schedule(at, fmt.Sprintf("report %09d", which[0]), func(at time.Time) func(context.Context) error {
		return w.submit(at, which, 0)
	})
}

// submit makes the request and what follows from it.
func (w *World) submit(at time.Time, which []int, try int) func(context.Context) error {
	if byMail(w.s.Reports[which[0]].Format) && w.centreMail != "" {
		return w.submitMail(at, which[0])
	}
	if w.centre == nil {
		return nil
	}
	var subs []Submission
	var lines [][]byte
	bulk := w.s.Reports[which[0]].Bulk != ""
	key := fmt.Sprintf("lab-%d-%d", w.s.Seed, which[0])
	ctype := w.s.Reports[which[0]].ContentType
	for n, i := range which {
		r := &w.s.Reports[i]
		if byMail(r.Format) && (r.Fault != "" || r.Raw != "") {
			continue // a fault of mails, which a centre without mail cannot meet
		}
		body, ok := w.reportBody(i, at)
		if !ok {
			continue
		}
		s := Submission{At: at, Reporter: r.From, Key: key, Format: r.Format, Expected: r.Expect}
		if bulk {
			s.Line = n + 1
		}
		for _, u := range r.urls(w) {
			k := w.keyOfURL(u)
			if k == "" || r.moot() {
				continue
			}
			s.Subjects = append(s.Subjects, k)
			if sub := w.subjects[k]; sub != nil && try == 0 {
				w.firstReport(sub, at)
			}
		}
		subs = append(subs, s)
		lines = append(lines, body)
	}
	if len(subs) == 0 {
		return nil
	}
	target, body := w.centre.String()+"/api/v1/reports", lines[0]
	if bulk {
		target, ctype = target+"/bulk", "application/x-ndjson"
		body = append(bytes.Join(lines, []byte("\n")), '\n')
	}
	resend := slices.ContainsFunc(which, func(i int) bool { return w.s.Reports[i].Resend })
	return func(ctx context.Context) error {
		status, answer, err := w.send(ctx, target, ctype, key, body)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || status >= 500 || status == http.StatusTooManyRequests {
			w.log.Warn("report not taken", "err", err, "status", status)
			if try < 20 { // the same key again, as a client does
				w.mu.Lock()
				w.schedule(at.Add(10*time.Minute), fmt.Sprintf("report %09d %d", which[0], try+1), func(at time.Time) func(context.Context) error {
					return w.submit(at, which, try+1)
				})
				w.mu.Unlock()
			}
			return nil
		}
		w.took(subs, status, answer, bulk)
		if resend {
			status, answer, err := w.send(ctx, target, ctype, key, body)
			if err == nil && status < 500 {
				w.mu.Lock()
				for _, s := range subs {
					s.Status, s.Resend = status, true
					s.Accepted = status < 300
					s.Receipt = receiptOf(answer)
					w.sent = append(w.sent, s)
				}
				w.mu.Unlock()
			}
		}
		return nil
	}
}

func receiptOf(b []byte) string {
	var v struct {
		Receipt string `json:"receipt"`
	}
	_ = json.Unmarshal(b, &v) // an answer without a receipt has none
	return v.Receipt
}

// refused says whether a line's result says that it is not worked on.
func refused(b []byte) bool {
	var v struct {
		State string `json:"state"`
	}
	_ = json.Unmarshal(b, &v) // a result without a state refuses nothing
	return v.State == "rejected" || v.State == "withheld"
}

// took notes what the centre said to each report.
func (w *World) took(subs []Submission, status int, answer []byte, bulk bool) {
	lines := bytes.Split(bytes.TrimSpace(answer), []byte("\n"))
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range subs {
		s.Status = status
		s.Accepted = status < 300
		if bulk && s.Accepted {
			s.Accepted = false
			if i < len(lines) {
				// A line that cannot be worked on is stored as well and has a
				// receipt; its state says so.
				s.Receipt = receiptOf(lines[i])
				s.Accepted = s.Receipt != "" && !refused(lines[i])
			}
			if !s.Accepted {
				s.Status = http.StatusUnprocessableEntity
			}
		} else if s.Accepted {
			s.Receipt = receiptOf(answer)
		}
		w.counts.reports.Add(1)
		if s.Accepted {
			w.counts.accepted.Add(1)
		} else {
			w.counts.rejected.Add(1)
		}
		if s.Accepted != (s.Expected == "accepted") {
			w.counts.unexpected.Add(1)
			w.log.Warn("report", "key", s.Key, "line", s.Line, "status", s.Status, "expected", s.Expected)
		}
		w.sent = append(w.sent, s)
	}
}

func (w *World) firstReport(s *subject, at time.Time) {
	if s.reported.IsZero() {
		s.reported = at
	}
	if s.h != nil && !s.h.reported {
		s.h.reported = true
		w.after(s.h, at, func(hp Happening) *Span { return hp.AfterReport })
	}
}

// reportBody writes one report in its format; false when it is about a name
// that was never registered.
func (w *World) reportBody(i int, at time.Time) ([]byte, bool) {
	format := w.s.Reports[i].Format
	if format == "xarf_mail" { // there is no mail to carry it
		format = "xarf4"
	}
	return w.bodyAs(format, i, at)
}

// bodyAs writes it in the given one; "json" for all that are no XARF.
func (w *World) bodyAs(format string, i int, at time.Time) ([]byte, bool) {
	r := &w.s.Reports[i]
	if r.Raw != "" {
		return []byte(r.Raw), true
	}
	urls := r.urls(w)
	source := ""
	if r.Name != "" {
		h := w.effective(r.Name)
		if h == nil || h.registered.IsZero() {
			return nil, false
		}
		source = h.def.Name
		if as := w.resolve(h.def.Site.Host); len(as) > 0 {
			source = as[0].String()
		}
	}
	switch r.Fault {
	case "private_address":
		urls = []string{"http://192.168.10.20/login/"}
	case "not_a_name":
		urls = []string{"http://-not a name-../login/"}
	}
	if len(urls) == 0 {
		urls = []string{"https://example.invalid-/"}
	}
	if source == "" {
		if u, err := url.Parse(urls[0]); err == nil {
			source = u.Hostname()
		}
	}
	shown := slices.Clone(urls)
	if r.Defang {
		for j := range shown {
			shown[j] = name.Defang(shown[j])
		}
	}
	var from *Reporter
	for j := range w.s.Reporters {
		if w.s.Reporters[j].Name == r.From {
			from = &w.s.Reporters[j]
		}
	}
	domain := from.Mail[strings.LastIndexByte(from.Mail, '@')+1:]
	org := map[string]any{"org": from.Name, "contact": from.Mail, "domain": domain}
	stamp := at.UTC().Format(time.RFC3339)
	var v map[string]any
	switch format {
	case "xarf4":
		category, typ := xarfType(r.Type)
		v = map[string]any{"xarf_version": "4.2.0", "report_id": uuid(w.s.Seed, fmt.Sprint("report ", i)), "timestamp": stamp, "reporter": org, "sender": org,
			"source_identifier": source, "category": category, "type": typ, "evidence_source": "automated_scan", "url": shown[0]}
		switch typ { // what the type's own schema asks for
		case "botnet":
			v["compromise_evidence"] = "Connections to this host follow the pattern of command and control."
		case "spam":
			v["evidence_source"] = "user_complaint"
			v["protocol"], v["smtp_from"], v["source_port"] = "smtp", "newsletter@"+domain, 25
		case "fraud":
			v["fraud_type"] = "shopping"
		}
		if r.Brand != "" {
			v["target_brand"] = r.Brand
		}
		if r.Description != "" {
			v["description"] = r.Description
		}
		if r.Fault == "missing_sender" {
			delete(v, "sender")
		}
		if r.Fault == "no_type" {
			delete(v, "type")
		}
	case "xarf3":
		_, typ := xarfType(r.Type)
		rep := map[string]any{"ReportClass": "Content", "ReportType": strings.ToUpper(typ[:1]) + typ[1:], "Date": stamp, "SourceUrl": shown[0],
			"Source": map[string]any{"Type": "uri", "URL": shown[0]}, "AdditionalInfo": map[string]any{"TargetBrand": r.Brand}}
		v = map[string]any{"Version": "3.0.0", "Disclosure": false, "Report": rep, "ReporterInfo": map[string]any{"ReporterOrg": from.Name,
			"ReporterOrgDomain": domain, "ReporterOrgEmail": from.Mail, "ReporterContactEmail": from.Mail, "ReporterContactName": "Reports"}}
		if r.Fault == "missing_sender" {
			delete(v, "ReporterInfo")
		}
		if r.Fault == "no_type" {
			delete(rep, "ReportType")
		}
	default:
		v = map[string]any{"type": r.Type, "urls": shown, "reported_at": stamp, "reporter": map[string]any{"org": from.Name, "contact": from.Mail}}
		if r.Description != "" {
			v["description"] = r.Description
		}
		if r.Brand != "" {
			v["target_brand"] = r.Brand
		}
		if r.Fault == "missing_sender" {
			delete(v, "reporter")
		}
		if r.Fault == "no_type" {
			delete(v, "type")
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	if r.Fault == "malformed_json" {
		b = b[:len(b)*3/4]
	}
	return b, true
}

// xarfType is the XARF category and type of an abuse type.
func xarfType(t abuse.Type) (category, typ string) {
	switch t {
	case abuse.Malware:
		return "content", "malware"
	case abuse.Botnet:
		return "infrastructure", "botnet"
	case abuse.Fraud:
		return "content", "fraud"
	case abuse.Spam:
		return "messaging", "spam"
	}
	return "content", "phishing"
}

// uuid is a version 4 UUID that depends on nothing but its purpose.
func uuid(seed uint64, purpose string) string {
	b := keyed(seed, "uuid", purpose)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
