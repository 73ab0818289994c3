package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/lab"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/registration/read"
)

// recording is one line of an index of recorded registration answers.
type recording struct {
	name     name.Domain
	protocol string // "rdap" or "whois"
	raw      []byte
}

// Limits of a recorded world.
const (
	maxIndex     = 16 << 20
	maxTemplates = 2000
	maxReports   = 10_000
)

// recorded runs a world whose registration answers are recorded real ones.
// Everything else in it is synthetic, and nothing leaves loopback.
func (d *demoCmd) recorded(e *env) error {
	recs, skipped, err := readIndex(d.Recorded)
	if err != nil {
		return err
	}
	sc := &lab.Scenario{Name: "recorded registration answers", Days: 2}
	if d.Days > 0 {
		sc.Days = d.Days
	}
	// A registry has the servers that its names were recorded from.
	at := map[string]int{}
	for _, r := range recs {
		t := r.name.TLD()
		if _, ok := at[t]; !ok {
			at[t] = len(sc.TLDs)
			kind := "gtld"
			if len(t) == 2 {
				kind = "cctld"
			}
			sc.TLDs = append(sc.TLDs, lab.TLD{Name: t, Kind: kind, RDAP: lab.RDAPNone, WHOIS: lab.WHOISNone})
		}
		n := lab.Name{Name: r.name.String(), Class: "innocent", Type: abuse.Phishing, Site: lab.Site{Kind: "blank"}}
		if r.protocol == "rdap" {
			n.RDAPRaw, sc.TLDs[at[t]].RDAP = string(r.raw), lab.RDAPOK
		} else {
			n.WHOISRaw, sc.TLDs[at[t]].WHOIS = string(r.raw), lab.WHOISOK
		}
		sc.Names = append(sc.Names, n)
	}
	sort.Slice(sc.TLDs, func(i, j int) bool { return sc.TLDs[i].Name < sc.TLDs[j].Name })
	sc.Registrars = []lab.Registrar{{Name: "Registrar of the Recorded"}}
	sc.Hosts = []lab.Host{{Name: "Host of the Recorded"}}
	r, err := newRun(e, d, sc, start, nil)
	if err != nil {
		return err
	}
	defer r.close()
	templates, err := readTemplates(d.Reports)
	if err != nil {
		return err
	}
	sent, err := r.submit(recs, templates)
	if err != nil {
		return err
	}
	end := start.Add(time.Duration(sc.Days) * 24 * time.Hour)
	if err := r.until(end, r.drawn(e.errs, end)); err != nil {
		return err
	}
	sum, err := r.summary(end)
	if err != nil {
		return err
	}
	sum.Agreement, sum.Days = nil, sc.Days // there is no truth about real names
	sum.Synthetic = "registration answers and report templates are recorded; sites, hosts and time are synthetic"
	sum.Recorded = &recordedLine{Names: len(recs), Templates: len(templates), Sent: sent, Skipped: skipped}
	for _, r := range recs {
		if r.protocol == "whois" {
			sum.Recorded.WHOIS++
		}
	}
	return r.print(sum)
}

type recordedLine struct {
	Names     int            `json:"names"`
	WHOIS     int            `json:"whois"` // of the names, those whose answer is one of WHOIS
	Templates int            `json:"templates"`
	Sent      int            `json:"sent"`
	Skipped   map[string]int `json:"skipped"` // lines of the index that are not used, by reason
}

// readIndex reads DIR/index.tsv: name, protocol, file, with a header. Of
// several answers for one name the first counts.
func readIndex(dir string) ([]recording, map[string]int, error) {
	f, err := os.Open(filepath.Join(dir, "index.tsv"))
	if err != nil {
		return nil, nil, problem.Wrap(err, problem.Invalid, "--recorded: there is no index.tsv")
	}
	defer f.Close()
	skipped := map[string]int{}
	suffixes := name.DefaultSuffixes()
	var out []recording
	seen := map[name.Domain]bool{}
	sc := bufio.NewScanner(io.LimitReader(f, maxIndex))
	for n := 1; sc.Scan(); n++ {
		cols := strings.Split(sc.Text(), "\t")
		if len(cols) != 3 {
			return nil, nil, problem.BadField(fmt.Sprintf("index.tsv line %d", n), "has %d columns, not name, protocol and file", len(cols))
		}
		if n == 1 && cols[0] == "name" {
			continue
		}
		if cols[1] != "rdap" && cols[1] != "whois" {
			skipped["protocol "+cols[1]+": no reader for it"]++
			continue
		}
		d, err := name.Parse(cols[0])
		if err != nil {
			skipped["not a domain name"]++
			continue
		}
		if suffixes.Split(d).Registered != d {
			skipped["not a registered domain"]++
			continue
		}
		if seen[d] {
			skipped["a second answer for the same name"]++
			continue
		}
		if !filepath.IsLocal(cols[2]) {
			return nil, nil, problem.BadField(fmt.Sprintf("index.tsv line %d", n), "%q leaves the folder", cols[2])
		}
		raw, err := file(filepath.Join(dir, cols[2]))
		if err != nil {
			return nil, nil, err
		}
		rec, err := read.Record(cols[1], raw, registration.Source{Protocol: cols[1]})
		if err != nil || rec.State != registration.Registered {
			skipped["the answer is no registration"]++
			continue
		}
		if cols[1] == "whois" && rec.Domain != "" && rec.Domain != d.String() {
			skipped["the answer is about another name"]++
			continue
		}
		seen[d] = true
		out = append(out, recording{d, cols[1], raw})
	}
	if err := sc.Err(); err != nil {
		return nil, nil, problem.Wrap(err, problem.Invalid, "index.tsv cannot be read")
	}
	return out, skipped, nil
}

// template is a report whose subject is replaced.
type template struct {
	path string
	doc  map[string]any
	raw  []byte // what does not parse is sent as it is, once
}

func readTemplates(dir string) ([]template, error) {
	if dir == "" {
		return nil, nil
	}
	var out []template
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(p) != ".json" {
			return err
		}
		if len(out) == maxTemplates {
			return problem.New(problem.TooLarge, "--reports: over %d files", maxTemplates)
		}
		b, err := file(p)
		if err != nil {
			return err
		}
		t := template{path: p, raw: b}
		if json.Unmarshal(b, &t.doc) != nil {
			t.doc = nil
		}
		out = append(out, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// with puts a name into a report: into the URL it is about where it has one,
// else in the place of its source. Only the host is replaced.
func (t template) with(d name.Domain) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(t.raw, &doc); err != nil {
		return nil, err
	}
	host := func(v any) (string, bool) {
		s, ok := v.(string)
		if !ok {
			return "", false
		}
		u, err := name.ParseURL(s)
		if err != nil {
			return "", false
		}
		return u.Scheme + "://" + d.String() + u.Path, true
	}
	put := func(m map[string]any, key string) bool {
		if s, ok := host(m[key]); ok {
			m[key] = s
			return true
		}
		return false
	}
	if rep, ok := doc["Report"].(map[string]any); ok { // XARF v3
		src, _ := rep["Source"].(map[string]any)
		if src != nil && !put(src, "URL") && !put(src, "Url") {
			rep["Source"] = map[string]any{"URL": "http://" + d.String() + "/", "Type": "uri"}
		}
		put(rep, "SourceUrl")
		return json.Marshal(doc)
	}
	if !put(doc, "url") {
		doc["source_identifier"] = d.String()
	}
	return json.Marshal(doc)
}

// submit hands every template, with every name, to the centre in bulk, and
// what does not parse once as it is. Where that would be more than one run
// takes, each template goes out with as many names as fit, the next one with
// the names after those.
func (r *run) submit(recs []recording, templates []template) (int, error) {
	each, next := len(recs), 0
	if len(templates) > 0 {
		each = min(each, max(1, maxReports/len(templates)))
	}
	var body bytes.Buffer
	n := 0
	for _, t := range templates {
		if t.doc == nil {
			body.Write(bytes.ReplaceAll(bytes.ReplaceAll(t.raw, []byte("\n"), []byte(" ")), []byte("\r"), []byte(" ")))
			body.WriteByte('\n')
			n++
			continue
		}
		for range each {
			rec := recs[next%len(recs)]
			next++
			b, err := t.with(rec.name)
			if err != nil {
				return n, err
			}
			body.Write(b)
			body.WriteByte('\n')
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	req, err := http.NewRequestWithContext(r.e.ctx, http.MethodPost, r.app.URL+"/api/v1/reports/bulk", &body)
	if err != nil {
		return n, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return n, problem.Wrap(err, problem.Unavailable, "the centre did not take the reports")
	}
	defer resp.Body.Close()
	lines := 0
	sc := bufio.NewScanner(resp.Body)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		lines++
	}
	if lines != n {
		return n, problem.New(problem.Internal, "%d reports were sent, %d were answered", n, lines)
	}
	return n, sc.Err()
}
