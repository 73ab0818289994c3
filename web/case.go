package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/judge"
	"bailiwick/mail"
	"bailiwick/problem"
	"bailiwick/store"
)

// How much of a case one page shows: a case with thousands of events stays a
// page that loads at once.
const (
	caseEvents   = 120
	caseParties  = 10
	partiesPage  = 40
	caseBlobs    = 8
	caseMessages = 8
	maxCaseForm  = centre.MaxProof + 64<<10
)

type caseView struct {
	C        casework.Case
	Key      string
	Brand    string // as claimed
	Marked   string // what its names may imitate
	Badge    badge
	Class    badge
	Reports  int
	Due      string
	DueAt    time.Time
	Then     string
	Next     []moment
	NextMore int
	Past     []moment
	Earlier  int    // events before these
	Older    string // address of the page with them
	Newer    string
	Now      time.Time

	Parties     []partyRow
	PartiesAll  int
	PartiesLink string
	PartiesNext string
	URLs        []string
	Reg         regView
	JudgedBy    string
	Confirmed   string
	Views       []viewRow
	LookAt      time.Time
	Blobs       []store.CaseBlob
	BlobsAll    int
	Messages    []messageRow
	MessagesAll int
	Related     []string
	Head        string
	Personal    bool
	With        string // who works it; "" for nobody

	Work  bool
	Form  caseForm
	Done  string
	Meant *meanwhile
}

type partyRow struct {
	O       casework.Obligation
	Badge   badge
	Word    string
	When    time.Time
	Clock   template.HTML
	Hand    string
	Round   bool // of the present round
	Answer  string
	Waiting bool
}

type viewRow struct {
	Shows, Title, Reason, Body string
	Status                     int
	Tone                       tone
	vantages                   []string
}

// From names the places that saw the same.
func (r viewRow) From() string { return join(r.vantages) }

func (r viewRow) same(o viewRow) bool {
	return r.Shows == o.Shows && r.Title == o.Title && r.Reason == o.Reason && r.Body == o.Body && r.Status == o.Status
}

type messageRow struct {
	Out    bool
	Kind   string
	Party  string
	To     string
	At     time.Time
	State  badge
	Blob   string
	Detail string
}

// caseForm is what the forms of a case page hold: what a person wrote stays
// there when it could not be done.
type caseForm struct {
	Action  string // the form to be open
	Seq     int
	CSRF    string
	Problem string
	Values  map[string]string

	Confirm, Reject, Answer, Extend, Close, Reopen, Merge, Unmerge, Handed, Ask, Escalate bool
	Answers                                                                               []answerOption
	Answerable, Clocks, Hands                                                             []casework.Obligation
	// Steps are asked about before their turn, Again once more, and Overs are
	// not waited for any longer.
	Steps []stepOption
	Again []casework.Obligation
	Overs []casework.Obligation
	// Workers are whom the case can be given to; Mine says that it is one's own.
	Workers []worker
	Mine    bool
}

// stepOption is a step of the playbook in words.
type stepOption struct{ ID, Word string }

// worker is somebody who works cases.
type worker struct {
	Login, Name string
	Here        bool // works this one
}

// Value is what a field was sent with.
func (f caseForm) Value(name string) string { return f.Values[name] }

// meanwhile is what somebody else did after the form was shown.
type meanwhile struct {
	Moments []moment
	Acted   string // what the person wanted
}

func (s *site) casePage(w http.ResponseWriter, r *request) error {
	return s.showCase(w, r, http.StatusOK, caseForm{}, nil)
}

func (s *site) showCase(w http.ResponseWriter, r *request, status int, form caseForm, mean *meanwhile) error {
	id := r.PathValue("id")
	verdict, err := s.look(r, access.Case, id)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	before, _ := strconv.Atoi(q.Get("before")) // what is no number is the end
	d, err := s.c.Dossier(r.Context(), id, before, caseEvents, caseBlobs)
	if err != nil {
		return err
	}
	personal := !verdict.Redact
	reg, regJSON, err := s.regBeside(r, d)
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		return twin(w, dossierJSON(d, personal, regJSON))
	}
	v := s.caseView(r, d, personal)
	v.Reg = reg
	if q.Get("parties") != "" {
		from, _ := strconv.Atoi(q.Get("parties"))
		v.allParties(d.Case, max(0, from), v.Now)
	}
	if before > 0 {
		v.Next, v.Newer = nil, "/cases/"+segment(id)
	}
	form.CSRF, form.Seq = r.csrf, d.Case.Seq
	v.Meant, v.Work = mean, s.mayWork(r)
	if v.Work {
		if form.Workers, err = s.workers(r, d.Case.Assignee); err != nil {
			return err
		}
		form.Mine = d.Case.Assignee == "person:"+r.person.ID
		v.Form = s.offers(d.Case, d.Playbook, form)
	}
	v.Done = done[q.Get("done")]
	return s.render(w, r, status, "case", page{Title: "Case " + id, Here: "desk", Wide: true, Twin: "/cases/" + segment(id) + "?format=json", Body: v})
}

// done says what was done, after the redirect.
var done = map[string]string{
	"confirm": "Confirmed. Whoever has authority is being asked.", "reject": "Rejected. The reporter is told.", "note": "The note is on the case.",
	"ask": "Asked. The message goes out now.", "escalate": "Escalated. The next party is being asked.", "assign": "It is on the case who works it.",
	"answer": "The answer is on the case.", "extend": "The time was extended.", "close": "Closed.", "reopen": "Reopened; a look is due now.",
	"merge": "Merged.", "unmerge": "Un-merged: it is a case of its own again.", "handed": "Recorded: the clock runs.", "purge": "Everything kept for this case was erased.",
}

// names gives the names of people behind references, as far as they are kept.
func (s *site) names(r *request) func(ref string) string {
	known := map[string]string{}
	return func(ref string) string {
		if w, ok := known[ref]; ok {
			return w
		}
		w := ref
		switch kind, id, _ := strings.Cut(ref, ":"); kind {
		case casework.Centre, "report":
			w = ""
		case "rule":
			w = "the rule " + id
		case "party":
			w = "the party"
		case "person":
			id, key, byKey := strings.Cut(id, "/")
			switch {
			case id == r.person.ID:
				w = "you"
			case s.opt.Access != nil:
				if a, err := s.opt.Access.Person(r.Context(), id); err == nil {
					w = a.Name
				}
			}
			if byKey {
				w += ", by " + key
			}
		}
		known[ref] = w
		return w
	}
}

func (s *site) caseView(r *request, d centre.Dossier, personal bool) caseView {
	c, now := d.Case, s.c.Clock.Now()
	who := s.names(r)
	v := caseView{C: c, Key: c.Subject.Key(), Brand: c.Brand(), Marked: brandOf(c), Badge: standing(c), Class: classes[c.Class], Reports: len(c.AllReports()), Now: now,
		URLs: c.URLs(), BlobsAll: d.EvidenceAll, Blobs: d.Evidence, Head: c.Head.String(), Personal: personal, Earlier: d.Earlier}
	v.Next, v.NextMore = coming(c, d.Playbook, now)
	v.Past = story{c: c, personal: personal, who: who}.moments(d.Events)
	if d.Earlier > 0 {
		v.Older = fmt.Sprintf("/cases/%s?before=%d", segment(c.ID), d.Events[0].Seq)
	}
	v.due(c, d.Playbook)
	v.someParties(c, now)
	v.sight(c)
	v.messages(d, personal)
	if c.Assignee != "" {
		v.With = who(c.Assignee)
	}
	if c.ClassBy != "" {
		v.JudgedBy = who(c.ClassBy)
	}
	if c.Confirmation != nil {
		v.Confirmed = cmp.Or(who(c.Confirmation.By), c.Confirmation.By)
	}
	for from := range c.Absorbed {
		v.Related = append(v.Related, from)
	}
	slices.Sort(v.Related)
	v.Related = v.Related[:min(len(v.Related), 20)]
	return v
}

// due is the one line that says what the case waits for.
func (v *caseView) due(c casework.Case, pb casework.Playbook) {
	switch {
	case c.State == casework.Closed:
		v.Due, v.DueAt = "Closed", c.Closed
		return
	case c.State == casework.Merged:
		v.Due = "Merged into another case"
		return
	case c.State == casework.Unconfirmed:
		v.Due, v.Then = "Waits for a person", "to confirm or reject; nobody is asked before"
		return
	case c.Look != nil && c.Look.Doubt != "" && c.State == casework.Investigating:
		v.Due, v.Then = "Waits for a person", "no rule can judge what is there"
		return
	}
	var first *casework.Obligation
	for i, o := range c.Obligations {
		if o.Round != c.Round {
			continue
		}
		if c.ForPerson(o) {
			v.Due, v.Then = "Waits for a person", "to hand it over to "+o.Party.Name
			return
		}
		if (o.Status == casework.Running || o.Status == casework.Acted) && !o.Due.IsZero() && (first == nil || o.Due.Before(first.Due)) {
			first = &c.Obligations[i]
		}
	}
	switch {
	case !c.GoneSince.IsZero() && c.State == casework.Coordinating:
		v.DueAt, v.Then = c.NextLook, "a look of ours, to be sure that it is gone"
		if w := settling(c); w.Tone == "wait" {
			v.Then = "a look of ours, to be sure that it moved"
		}
	case first != nil:
		v.DueAt, v.Then = first.Due, "then the time of "+first.Party.Name+" is over"
		if then := after(c, pb, *first); then != "" {
			v.Then = "then the " + then + " is asked"
		}
	case !c.NextLook.IsZero():
		v.DueAt, v.Then = c.NextLook, "a look of ours"
	}
}

// weight orders parties: what needs somebody first, what is over last.
func weight(c casework.Case, o casework.Obligation) int {
	if o.Round != c.Round {
		return 9
	}
	if c.ForPerson(o) {
		return 0
	}
	switch o.Status {
	case casework.Running, casework.Acted:
		return 1
	case casework.Missed:
		return 2
	case casework.Pending:
		return 3
	case casework.Refused, casework.Referred, casework.Unreachable:
		return 4
	case casework.Met:
		return 5
	case casework.HandOff:
		return 6
	case casework.Informed:
		return 7
	}
	return 8
}

func sortedParties(c casework.Case) []casework.Obligation {
	os := slices.Clone(c.Obligations)
	slices.SortStableFunc(os, func(a, b casework.Obligation) int {
		return cmp.Or(weight(c, a)-weight(c, b), a.Due.Compare(b.Due))
	})
	return os
}

func (v *caseView) someParties(c casework.Case, now time.Time) {
	os := sortedParties(c)
	v.PartiesAll = len(os)
	for _, o := range os[:min(len(os), caseParties)] {
		v.Parties = append(v.Parties, partyOf(c, o, now))
	}
	if len(os) > caseParties {
		v.PartiesLink = "/cases/" + segment(c.ID) + "?parties=0#parties"
	}
}

func (v *caseView) allParties(c casework.Case, from int, now time.Time) {
	os := sortedParties(c)
	from = min(from, len(os))
	to := min(len(os), from+partiesPage)
	v.Parties = nil
	for _, o := range os[from:to] {
		v.Parties = append(v.Parties, partyOf(c, o, now))
	}
	v.PartiesLink, v.PartiesNext = "", ""
	if to < len(os) {
		v.PartiesNext = fmt.Sprintf("/cases/%s?parties=%d#parties", segment(c.ID), to)
	}
}

func partyOf(c casework.Case, o casework.Obligation, now time.Time) partyRow {
	p := partyRow{O: o, Badge: obligationBadge(o), Word: actions[o.Action], Round: o.Round == c.Round, Answer: answers[o.Answer].ours}
	if c.ForPerson(o) {
		p.Hand, p.Waiting = "/cases/"+segment(c.ID)+"/handoff/"+segment(o.ID), true
	}
	bar := func(class string, share float64) template.HTML {
		return template.HTML(fmt.Sprintf(`<svg class="clock" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="bg" width="100" height="4"/><rect class="%s" width="%.1f" height="4"/></svg>`, class, 100*min(1, max(0.02, share))))
	}
	switch {
	case o.Status == casework.Met:
		p.Clock = bar("ok", 1)
	case o.Status == casework.Missed:
		p.When, p.Clock = o.Due, bar("bad", 1)
	case (o.Status == casework.Running || o.Status == casework.Acted) && !o.Due.IsZero() && !o.Delivered.IsZero():
		p.When = o.Due
		p.Clock = bar("wait", float64(now.Sub(o.Delivered))/float64(max(1, o.Due.Sub(o.Delivered))))
	}
	return p
}

// sight is what each place saw at the latest look.
func (v *caseView) sight(c casework.Case) {
	if c.Look == nil {
		return
	}
	v.LookAt = c.Look.At
	var snap judge.Snapshot
	_ = json.Unmarshal(c.Look.Snapshot, &snap) // an older one may not read
	for _, x := range snap.Sight.Views {
		row := viewRow{Shows: string(x.Shows), Title: x.Title, Reason: x.Reason, Body: x.Body, Status: x.Status, Tone: "quiet", vantages: []string{x.Vantage}}
		switch x.Shows {
		case judge.ShowsAbuse:
			row.Tone = "bad"
		case judge.ShowsUnclear, judge.ShowsWarned:
			row.Tone = "wait"
		case judge.ShowsGone, judge.ShowsParked, judge.ShowsSinkholed:
			row.Tone = "ok"
		}
		if i := slices.IndexFunc(v.Views, row.same); i >= 0 {
			if !slices.Contains(v.Views[i].vantages, x.Vantage) {
				v.Views[i].vantages = append(v.Views[i].vantages, x.Vantage)
			}
		} else if len(v.Views) < 10 {
			v.Views = append(v.Views, row)
		}
	}
}

var noticeStates = map[store.NoticeState]badge{
	store.NoticeDue: {"wait", "to be sent"}, store.NoticeIntended: {"wait", "being sent"}, store.NoticeAccepted: {"ok", "taken"},
	store.NoticeFailed: {"bad", "not delivered"}, store.NoticeInDoubt: {"wait", "in doubt"}, store.NoticeStopped: {"quiet", "not wanted"},
}

func (v *caseView) messages(d centre.Dossier, personal bool) {
	var out []messageRow
	for _, n := range d.Notices {
		m := messageRow{Out: true, Kind: n.Kind, To: n.To, At: n.Created, State: noticeStates[n.State], Blob: n.Blob, Detail: n.Response}
		if !n.Done.IsZero() {
			m.At = n.Done
		}
		if strings.HasPrefix(n.Response, store.Held) {
			m.State = badge{"wait", "held"}
		}
		if o, ok := d.Case.Obligation(n.Obligation); ok {
			m.Party = o.Party.Name
		} else if !personal {
			m.To = "" // a receipt goes to a reporter
		}
		out = append(out, m)
	}
	for _, x := range d.Mails {
		m := messageRow{Kind: x.Kind, At: x.Received, Blob: x.Blob, Detail: x.Detail, State: badge{"quiet", string(x.State)}}
		if o, ok := d.Case.Obligation(x.Obligation); ok {
			m.Party = o.Party.Name
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b messageRow) int { return b.At.Compare(a.At) })
	v.MessagesAll = len(out)
	v.Messages = out[:min(len(out), caseMessages)]
}

// offers fills in what can be done with a case in its state.
func (s *site) offers(c casework.Case, pb casework.Playbook, f caseForm) caseForm {
	switch c.State {
	case casework.New:
		f.Reject = true
	case casework.Investigating, casework.Unconfirmed:
		f.Confirm, f.Reject = true, true
	case casework.Coordinating:
		for _, o := range sortedParties(c) {
			if o.Round != c.Round {
				continue
			}
			if len(f.Answerable) < partiesPage && o.Status != casework.Moot && o.Status != casework.Met {
				f.Answerable = append(f.Answerable, o)
			}
			if o.Status == casework.Running || o.Status == casework.Missed {
				f.Clocks = append(f.Clocks, o)
			}
			if c.ForPerson(o) {
				f.Hands = append(f.Hands, o)
			}
		}
		f.Answer, f.Extend, f.Handed = len(f.Answerable) > 0, len(f.Clocks) > 0, len(f.Hands) > 0
		may := s.c.Offers(c, pb)
		for _, st := range may.Ask {
			f.Steps = append(f.Steps, stepOption{st.ID, roleWord(st.Role) + ": " + strings.TrimPrefix(actions[st.Action], "asked ")})
		}
		f.Again, f.Overs = may.Again[:min(len(may.Again), partiesPage)], may.Escalate[:min(len(may.Escalate), partiesPage)]
		f.Ask, f.Escalate = len(f.Steps)+len(f.Again) > 0, len(f.Overs) > 0
	case casework.Closed:
		f.Reopen = true
	case casework.Merged:
		f.Unmerge = true
	}
	if c.State.IsOpen() {
		f.Close, f.Merge = true, len(c.Absorbed) == 0
	}
	for _, a := range answerOrder {
		f.Answers = append(f.Answers, answerOption{a, answers[a].ours})
	}
	return f
}

// workers are whom a case can be given to, by login name.
func (s *site) workers(r *request, assignee string) ([]worker, error) {
	all, err := s.opt.Access.People(r.Context())
	if err != nil {
		return nil, err
	}
	var out []worker
	for _, a := range all {
		if a.Works() && (a.ID != r.person.ID || a.Person().Actor() == assignee) {
			out = append(out, worker{a.Login, a.Name, a.Person().Actor() == assignee})
		}
	}
	return out, nil
}

// caseAction does what a form of the case page asks for. Each form carries the
// number of the last event its page showed: when somebody acted after that, it
// is not done; the page shows what they did, and asks again.
func (s *site) caseAction(w http.ResponseWriter, r *request) error {
	id, action := r.PathValue("id"), r.PathValue("action")
	if done[action] == "" {
		return problem.New(problem.NotFound, "a case page has no form %q", visible(cut(action, 40)))
	}
	if err := s.work(r, id); err != nil {
		return err
	}
	f := r.PostForm
	seq, err := strconv.Atoi(f.Get("seq"))
	if err != nil || seq < 1 {
		return problem.BadField("seq", "is missing: reload the page")
	}
	err = s.act(r, id, action, seq)
	if err == nil {
		headers(w)
		http.Redirect(w, r.Request, "/cases/"+segment(id)+"?done="+action, http.StatusSeeOther)
		return nil
	}
	form := caseForm{Action: action, Values: map[string]string{}}
	for k := range f {
		if k != "csrf" && k != "seq" {
			form.Values[k] = cut(f.Get(k), casework.MaxNote)
		}
	}
	var m *centre.Meanwhile
	if errors.As(err, &m) {
		cs, lerr := s.c.Case(r.Context(), id)
		if lerr != nil {
			return lerr
		}
		st := story{c: cs, personal: true, who: s.names(r)}
		return s.showCase(w, r, http.StatusConflict, form, &meanwhile{Moments: st.moments(m.Events), Acted: action})
	}
	d := problem.DocumentOf(err)
	if d.Status >= 500 || d.Status == http.StatusNotFound {
		return err
	}
	form.Problem = sentence(d)
	for _, x := range d.Errors {
		if !strings.Contains(form.Problem, x.Reason) {
			form.Problem += " " + x.Path + " " + x.Reason + "."
		}
	}
	return s.showCase(w, r, d.Status, form, nil)
}

func (s *site) act(r *request, id, action string, seq int) error {
	ctx, f, by := r.Context(), r.PostForm, r.person.Actor()
	give := func(cmd casework.Command) error {
		_, err := s.c.ActSince(ctx, id, seq, cmd)
		return err
	}
	switch action {
	case "reject":
		return give(casework.Reject{By: by, Reason: f.Get("reason")})
	case "note":
		// A remark takes nothing away from what others did.
		_, err := s.c.Act(ctx, id, casework.AddNote{By: by, Text: f.Get("text")})
		return err
	case "answer":
		return give(casework.Answer{Obligation: f.Get("obligation"), By: by, Answer: f.Get("answer"), Note: f.Get("note")})
	case "extend":
		hours, err := strconv.ParseFloat(f.Get("hours"), 64)
		if err != nil || hours <= 0 || hours > casework.MaxExtension.Hours() {
			return problem.BadField("hours", "must be a number of hours up to %.0f", casework.MaxExtension.Hours())
		}
		return give(casework.Extend{Obligation: f.Get("obligation"), By: by, Reason: f.Get("reason"), Until: s.c.Clock.Now().Add(time.Duration(hours * float64(time.Hour)))})
	case "close":
		return give(casework.Close{By: by, Reason: f.Get("reason")})
	case "reopen":
		return give(casework.Reopen{By: by, Reason: f.Get("reason")})
	}
	var err error
	switch action {
	case "ask":
		kind, what, _ := strings.Cut(f.Get("what"), ":")
		switch kind {
		case "step":
			_, err = s.c.Ask(ctx, id, seq, by, what, "", f.Get("reason"))
		case "again":
			_, err = s.c.AskAgain(ctx, id, seq, by, what, f.Get("reason"))
		default:
			err = problem.BadField("what", "say who is to be asked")
		}
	case "escalate":
		_, err = s.c.Escalate(ctx, id, seq, by, f.Get("obligation"), f.Get("reason"))
	case "assign":
		to, werr := s.opt.Access.Worker(ctx, r.person, f.Get("to"))
		if werr != nil {
			return werr
		}
		_, err = s.c.Assign(ctx, id, seq, by, to)
	case "confirm":
		_, err = s.c.ConfirmSince(ctx, id, seq, by, casework.Class(f.Get("class")))
	case "merge":
		into := strings.TrimSpace(f.Get("into"))
		into = into[strings.LastIndexByte(into, '/')+1:] // a case's address will do
		if into == "" {
			return problem.BadField("into", "name the other case")
		}
		_, err = s.c.MergeSince(ctx, id, seq, into, by)
	case "unmerge":
		_, err = s.c.UnmergeSince(ctx, id, seq, by)
	case "handed":
		proof, perr := proofOf(r)
		if perr != nil {
			return perr
		}
		err = s.c.HandedSince(ctx, id, seq, f.Get("obligation"), by, f.Get("how"), proof)
	case "purge":
		if f.Get("sure") != "yes" {
			return problem.BadField("sure", "tick that you are sure: this cannot be taken back")
		}
		_, err = s.c.PurgeSince(ctx, id, seq, by)
	}
	return err
}

// proofOf reads the file of a hand-over; nil for none.
func proofOf(r *request) ([]byte, error) {
	if r.MultipartForm == nil || len(r.MultipartForm.File["proof"]) == 0 {
		return nil, nil
	}
	h := r.MultipartForm.File["proof"][0]
	if h.Size == 0 {
		return nil, nil
	}
	f, err := h.Open()
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "the proof could not be read")
	}
	b, err := io.ReadAll(io.LimitReader(f, centre.MaxProof+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "the proof could not be read")
	}
	return b, nil
}

// dossierJSON is the twin of a case page.
func dossierJSON(d centre.Dossier, personal bool, reg *regTwin) any {
	type event struct {
		casework.Link
		Body json.RawMessage `json:"body,omitempty"`
	}
	c := d.Case
	c.Obligations = slices.Clone(c.Obligations)
	for i := range c.Obligations {
		c.Obligations[i].Party.PGPKey = ""
	}
	out := struct {
		Case     casework.Case    `json:"case"`
		Events   []event          `json:"events"`
		Earlier  int              `json:"earlier_events"`
		Evidence []store.CaseBlob `json:"evidence"`
		// Registration is what is known of the name today.
		Registration *regTwin `json:"registration,omitempty"`
	}{c, nil, d.Earlier, d.Evidence, reg}
	for _, e := range d.Events {
		x := event{Link: e.Link}
		if e.Payload != nil && (personal || !e.Payload.Personal) {
			x.Body = e.Payload.Body
		}
		out.Events = append(out.Events, x)
	}
	return out
}

// chain exports a case's log with a signed head.
func (s *site) chain(w http.ResponseWriter, r *request) error {
	id := r.PathValue("id")
	v, err := s.look(r, access.Case, id)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := s.c.Export(r.Context(), &b, id, !v.Redact && r.URL.Query().Get("personal") == "yes"); err != nil {
		return err
	}
	headers(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Content-Disposition", `attachment; filename="case-`+strings.Map(plainName, id)+`.jsonl"`)
	_, _ = w.Write(b.Bytes()) // who has gone is not told
	return nil
}

func plainName(r rune) rune {
	if r < utf8.RuneSelf && (r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
		return r
	}
	return '_'
}

type evidenceView struct {
	Case, SHA, Media string
	Size             int64
	Text             string
	Cut              bool
	Binary           bool
}

// shownBytes is how much of a file a page shows.
const shownBytes = 48 << 10

// evidence shows a file kept for a case as text: never rendered, never run,
// nothing in it to click.
func (s *site) evidence(w http.ResponseWriter, r *request) error {
	id, sha := r.PathValue("id"), strings.ToLower(r.PathValue("sha"))
	v, err := s.look(r, access.Case, id)
	if err != nil {
		return err
	}
	if v.Redact {
		return problem.New(problem.Refused, "what was captured may hold personal data: it is shown to those who work the case")
	}
	b, media, err := s.c.Evidence(r.Context(), id, sha)
	if err != nil {
		return err
	}
	e := evidenceView{Case: id, SHA: sha, Media: media, Size: int64(len(b))}
	if wantsJSON(r) {
		return twin(w, map[string]any{"case": id, "sha256": sha, "media_type": media, "bytes": e.Size})
	}
	shown := b[:min(len(b), shownBytes)]
	e.Cut = len(b) > len(shown)
	switch {
	case strings.HasPrefix(media, "message/") || looksMail(b):
		e.Text = mailText(b)
	case bytes.IndexByte(shown[:min(len(shown), 4096)], 0) >= 0:
		e.Binary = true
	default:
		e.Text = string(shown)
	}
	if e.Text != "" {
		e.Text = outside(e.Text, shownBytes)
	}
	return s.render(w, r, http.StatusOK, "evidence", page{Title: "Evidence " + short(sha), Here: "desk", Wide: true, Body: e})
}

func looksMail(b []byte) bool {
	head := b[:min(len(b), 2048)]
	return bytes.Contains(head, []byte("\nMIME-Version:")) || bytes.HasPrefix(head, []byte("MIME-Version:")) || bytes.HasPrefix(head, []byte("Received:")) || bytes.HasPrefix(head, []byte("Date:")) && bytes.Contains(head, []byte("\nFrom:"))
}

// mailText is a mail as text: the fields that matter, and its plain words.
func mailText(b []byte) string {
	m, err := mail.Read(b)
	if err != nil {
		return string(b[:min(len(b), shownBytes)])
	}
	var out strings.Builder
	for _, h := range []string{"Date", "From", "To", "Reply-To", "Subject", "Message-ID", "In-Reply-To", "Auto-Submitted"} {
		if v := m.Header.Get(h); v != "" {
			fmt.Fprintf(&out, "%s: %s\n", h, v)
		}
	}
	out.WriteString("\n")
	out.WriteString(m.Plain(shownBytes))
	return out.String()
}

type handoffView struct {
	H   centre.HandOffText
	How string
	Seq int
	Now time.Time
	// Word says what the party is asked for.
	Word string
	Work bool
}

// handoffText is what a person pastes into a form, or reads out.
func (s *site) handoffText(w http.ResponseWriter, r *request) error {
	id := r.PathValue("id")
	if err := s.work(r, id); err != nil {
		return err
	}
	h, err := s.c.HandOffText(r.Context(), id, r.PathValue("obligation"))
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		return twin(w, h)
	}
	cs, err := s.c.Case(r.Context(), id)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "handoff", page{Title: "Hand over", Here: "handoffs", Wide: true,
		Twin: "/cases/" + segment(id) + "/handoff/" + segment(h.Obligation) + "?format=json",
		Body: handoffView{H: h, Seq: cs.Seq, Now: s.c.Clock.Now(), Word: actions[h.Action], Work: true}})
}
