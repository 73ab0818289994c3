package web

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"mime/multipart"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/centre"
	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/read"
	"bailiwick/store"
	"bailiwick/text"
)

type homeView struct {
	Counted   bool
	F         centre.Figures
	Median    string
	Chart     template.HTML
	ChartSays string
}

func (s *site) home(w http.ResponseWriter, r *request) error {
	var v homeView
	f, err := s.figures.Figures(r.Context())
	if err == nil {
		v.Counted, v.F, v.Median = f.Reports.All > 0, f, "–"
		if len(f.Mitigate) > 0 && f.Mitigate[0].Curve.N >= fewest {
			v.Chart, v.ChartSays = survivalChart("home", f.Mitigate[:1], "all cases"), curveSays(f.Mitigate[0])
			v.Median = median(f.Mitigate[0])
		}
	}
	return s.render(w, r, http.StatusOK, "home", page{Title: "Report abuse of a name", Here: "home", Wide: true, Body: v})
}

// What a report by the form may hold.
const (
	maxFiles      = 5
	maxFilesTotal = 5_000_000
	maxReportForm = maxFilesTotal + 256<<10
)

type reportView struct {
	Key                                           string
	URLs, Type, Description, Brand, Name, Contact string
	Disclose                                      bool
	Kinds                                         any
	Hotline                                       string
	MaxFiles                                      int
	MaxTotal                                      string
	Problems                                      []string
}

func (s *site) reportForm(w http.ResponseWriter, r *request) error {
	return s.showReport(w, r, http.StatusOK, reportView{URLs: text.Line(r.URL.Query().Get("url"), 8192)})
}

func (s *site) showReport(w http.ResponseWriter, r *request, status int, v reportView) error {
	v.Kinds, v.Hotline, v.MaxFiles, v.MaxTotal = kinds, s.c.Settings().Hotline, maxFiles, size(maxFilesTotal)
	if v.Key == "" {
		v.Key = rand.Text()
	}
	return s.render(w, r, status, "report", page{Title: "Report abuse", Here: "report", Body: v})
}

// draft is a report in the centre's own format (package report/native).
type draft struct {
	Type        string          `json:"type"`
	URLs        []string        `json:"urls,omitempty"`
	Domains     []string        `json:"domains,omitempty"`
	IPs         []string        `json:"ips,omitempty"`
	Description string          `json:"description,omitempty"`
	Brand       string          `json:"target_brand,omitempty"`
	Reporter    *draftReporter  `json:"reporter,omitempty"`
	Evidence    []draftEvidence `json:"evidence,omitempty"`
}

type draftReporter struct {
	Name     string `json:"name,omitempty"`
	Contact  string `json:"contact,omitempty"`
	Disclose bool   `json:"disclose"`
}

type draftEvidence struct {
	MediaType   string `json:"media_type"`
	Description string `json:"description,omitempty"`
	Data        []byte `json:"data"`
}

// sort files what stands in the lines: addresses, names and whole URLs.
func (d *draft) sort(lines string) {
	for _, w := range strings.FieldsFunc(lines, func(r rune) bool {
		return r == '\n' || r == '\r' || r == ' ' || r == '\t' || r == ',' || r == ';' || r == '<' || r == '>' || r == '"'
	}) {
		switch _, err := netip.ParseAddr(w); {
		case err == nil:
			d.IPs = append(d.IPs, w)
		case strings.ContainsAny(w, "/?:@"):
			d.URLs = append(d.URLs, w)
		default:
			d.Domains = append(d.Domains, w)
		}
	}
}

// origin finds the words of a person's form for a path of the report.
func (d *draft) origin(path string) string {
	for _, l := range []struct {
		name string
		list []string
	}{{"urls", d.URLs}, {"domains", d.Domains}, {"ips", d.IPs}} {
		for i, v := range l.list {
			if path == fmt.Sprintf("%s[%d]", l.name, i) {
				return "“" + v + "”"
			}
		}
	}
	switch path {
	case "reporter.contact":
		return "Your mail address"
	case "target_brand":
		return "Whom it pretends to be"
	case "description":
		return "What you saw"
	case "type":
		return "What it is"
	}
	return path
}

func (s *site) report(w http.ResponseWriter, r *request) error {
	if !s.rates.allow(s.client(r)) {
		return problem.New(problem.RateLimited, "many reports came from your address just now: wait a minute, or send them in one form, one on a line")
	}
	if err := parseForm(w, r, maxReportForm, true); err != nil {
		return err
	}
	f := r.PostForm
	v := reportView{Key: f.Get("key"), URLs: f.Get("urls"), Type: f.Get("type"), Description: f.Get("description"), Brand: f.Get("brand"),
		Name: f.Get("name"), Contact: strings.TrimSpace(f.Get("contact")), Disclose: f.Get("disclose") == "yes"}
	d := draft{Type: v.Type, Description: strings.TrimSpace(v.Description), Brand: strings.TrimSpace(v.Brand)}
	d.sort(v.URLs)
	if f.Get("fax") != "" {
		v.Problems = append(v.Problems, "A field that people do not see was filled in, so this looks like a program. Programs report through the API.")
	}
	if v.Type == "" {
		v.Problems = append(v.Problems, "Say what it is.")
	}
	if len(d.URLs)+len(d.Domains)+len(d.IPs) == 0 {
		v.Problems = append(v.Problems, "Name at least one address or name.")
	}
	never := abuse.Type(v.Type).NeverKept()
	if !never {
		if v.Name != "" || v.Contact != "" {
			d.Reporter = &draftReporter{Name: strings.TrimSpace(v.Name), Contact: v.Contact, Disclose: v.Disclose}
		}
		var err error
		if d.Evidence, err = files(r.MultipartForm); err != nil {
			v.Problems = append(v.Problems, sentence(problem.DocumentOf(err)))
		}
	} else {
		d.Description, d.Brand = "", ""
	}
	body, err := json.Marshal(d)
	if err != nil {
		return problem.Wrap(err, problem.Internal, "the report")
	}
	if len(v.Problems) == 0 && !never {
		if _, _, err := read.Report(body, ""); err != nil {
			v.Problems = problems(err, d.origin)
		}
	}
	if len(v.Problems) > 0 {
		if never {
			v.Description, v.Brand = "", ""
		}
		return s.showReport(w, r, http.StatusUnprocessableEntity, v)
	}
	sub := centre.Submission{Source: "web", Scope: "form", Key: v.Key, Body: body}
	if len(sub.Key) > 64 {
		sub.Key = ""
	}
	rc, err := s.c.Submit(r.Context(), sub)
	if problem.CodeOf(err) == problem.Conflict { // the same form, changed: it is another report
		sub.Key = ""
		rc, err = s.c.Submit(r.Context(), sub)
	}
	if err != nil {
		return err
	}
	if rc.State == store.ReportRejected {
		v.Key = ""
		v.Problems = problems(&problem.Error{Code: problem.Invalid, Detail: rc.Detail, Fields: rc.Errors}, d.origin)
		return s.showReport(w, r, http.StatusUnprocessableEntity, v)
	}
	headers(w)
	http.Redirect(w, r.Request, "/report/"+segment(rc.Receipt)+"?new=1", http.StatusSeeOther)
	return nil
}

// problems says in sentences what is wrong, at most ten of them.
func problems(err error, origin func(path string) string) []string {
	var e *problem.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return []string{sentence(problem.DocumentOf(err))}
	}
	var out []string
	for _, f := range e.Fields {
		if out = append(out, origin(f.Path)+" "+f.Reason+"."); len(out) == 10 {
			break
		}
	}
	return out
}

// files reads what was sent along.
func files(form *multipart.Form) ([]draftEvidence, error) {
	if form == nil {
		return nil, nil
	}
	var out []draftEvidence
	left := int64(maxFilesTotal)
	for _, h := range form.File["evidence"] {
		if h.Size == 0 && h.Filename == "" {
			continue
		}
		if left -= h.Size; left < 0 || h.Size > report.MaxEvidenceBytes {
			return nil, problem.New(problem.TooLarge, "the files are over %s together", size(maxFilesTotal))
		}
		if len(out) == maxFiles {
			return nil, problem.New(problem.TooLarge, "there are over %d files", maxFiles)
		}
		f, err := h.Open()
		if err != nil {
			return nil, problem.Wrap(err, problem.Invalid, "a file could not be read")
		}
		b, err := io.ReadAll(io.LimitReader(f, maxFilesTotal))
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, problem.Wrap(err, problem.Invalid, "a file could not be read")
		}
		// What the sender calls it is a claim; its name stays as the description.
		out = append(out, draftEvidence{MediaType: http.DetectContentType(b), Description: report.Clean(h.Filename, 200), Data: b})
	}
	return out, nil
}

func (s *site) findReceipt(w http.ResponseWriter, r *request) error {
	receipt := strings.TrimSpace(r.URL.Query().Get("receipt"))
	if u, err := url.Parse(receipt); err == nil { // the whole link was pasted
		receipt = u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	}
	if receipt == "" || len(receipt) > 64 {
		return problem.New(problem.NotFound, "there is no such receipt")
	}
	headers(w)
	http.Redirect(w, r.Request, "/report/"+segment(receipt), http.StatusSeeOther)
	return nil
}

// statusView shows a reporter what became of a report, by the receipt alone,
// and lets them add to it or take it back.
type statusView struct {
	Problem, Done                string
	Receipt                      string
	Received                     time.Time
	State, Detail                string
	Fields                       []problem.Field
	Cases                        []statusCase
	Fresh, Withheld, CanWithdraw bool
	Gone                         bool
}

type statusCase struct {
	Subject, Type string
	Badge         badge
}

func (s *site) status(w http.ResponseWriter, r *request) error {
	if wantsJSON(r) {
		rc, progress, err := s.c.Progress(r.Context(), r.PathValue("receipt"))
		if err != nil {
			return err
		}
		return twin(w, struct {
			centre.Receipt
			Cases []centre.Progress `json:"cases"`
		}{rc, progress})
	}
	return s.showStatus(w, r, http.StatusOK, statusView{Fresh: r.URL.Query().Has("new")})
}

func (s *site) changeReport(w http.ResponseWriter, r *request) error {
	if err := parseForm(w, r, maxForm, false); err != nil {
		return s.showStatus(w, r, http.StatusBadRequest, statusView{Problem: "The form could not be read."})
	}
	receipt := r.PathValue("receipt")
	var err error
	v := statusView{}
	switch r.PostForm.Get("do") {
	case "withdraw":
		v.Done, err = "The report was withdrawn.", s.c.Withdraw(r.Context(), receipt)
	case "add":
		if !s.rates.allow(s.client(r)) {
			err = problem.New(problem.RateLimited, "much came from your address just now: wait a minute")
			break
		}
		var rc centre.Receipt
		if rc, err = s.c.AddTo(r.Context(), receipt, r.PostForm.Get("urls")); err == nil {
			v.Done = "Added, under the receipt " + rc.Receipt + "."
			if rc.State == store.ReportRejected {
				v.Done, v.Problem = "", "Nothing was added. "+rc.Detail
			}
		}
	default:
		err = problem.BadField("do", "is neither add nor withdraw")
	}
	status := http.StatusOK
	if err != nil {
		d := problem.DocumentOf(err)
		v.Done, v.Problem, status = "", d.Title+". "+d.Detail, d.Status
	}
	return s.showStatus(w, r, status, v)
}

func (s *site) showStatus(w http.ResponseWriter, r *request, status int, v statusView) error {
	rc, progress, err := s.c.Progress(r.Context(), r.PathValue("receipt"))
	if err != nil {
		d := problem.DocumentOf(err)
		status, v.Gone, v.Fresh = d.Status, true, false
		v.Problem = "There is no such receipt. Please copy the whole link."
		if d.Status != http.StatusNotFound {
			v.Problem = d.Title + ". " + d.Detail
		}
	} else {
		v.Receipt, v.Received, v.Fields = rc.Receipt, rc.Received, rc.Errors
		v.State, v.Detail, v.Withheld = told[rc.State], rc.Detail, rc.State == store.ReportWithheld
		for _, p := range progress {
			v.Cases = append(v.Cases, statusCase{p.Subject, p.Type, toldCase(p.State, p.Outcome)})
		}
		v.CanWithdraw = len(rc.Cases) > 0
	}
	return s.render(w, r, status, "status", page{Title: "Your report", Here: "status", Body: v})
}
