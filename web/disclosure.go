package web

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/disclosure"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/text"
)

// disclosures adds the pages of disclosure requests: the public form and its
// status page, the page a party answers at, and those of the desk.
func (s *site) disclosures(public, desk func(pattern string, h handler)) {
	public("GET /disclosure", s.disclosureForm)
	public("POST /disclosure", s.disclosureTake)
	public("GET /disclosure/status/{token}", s.disclosureStatus)
	public("POST /disclosure/status/{token}", s.disclosureFollow)
	public("GET /disclosure/answer/{token}", s.disclosureAnswerForm)
	public("POST /disclosure/answer/{token}", s.disclosureAnswer)
	if desk == nil {
		return
	}
	desk("GET /desk/disclosures", s.disclosureList)
	desk("GET /desk/disclosures/new", s.disclosureNew)
	desk("POST /desk/disclosures/new", s.disclosureDraft)
	desk("GET /desk/disclosures/{id}", s.disclosurePage)
	desk("POST /desk/disclosures/{id}/{action}", s.disclosureAct)
	desk("GET /desk/disclosures/{id}/chain.jsonl", s.disclosureChain)
}

var disclosureBadges = map[disclosure.State]badge{
	disclosure.Drafted:       {"quiet", "drafted"},
	disclosure.Sent:          {"quiet", "sent"},
	disclosure.Received:      {"wait", "received"},
	disclosure.Acknowledged:  {"wait", "acknowledged"},
	disclosure.MoreAsked:     {"wait", "more information asked"},
	disclosure.Silent:        {"bad", "not answered in time"},
	disclosure.Granted:       {"ok", "granted"},
	disclosure.PartlyGranted: {"ok", "partly granted"},
	disclosure.Refused:       {"quiet", "refused"},
	disclosure.Withdrawn:     {"quiet", "withdrawn"},
}

// fieldOption is a contact field as a form shows it.
type fieldOption struct {
	Path, Word    string
	Checked, Main bool // Main: offered at once
	Value         string
}

func fieldWord(path string) string {
	role, f, _ := strings.Cut(strings.TrimPrefix(path, "contacts."), ".")
	return role + "’s " + strings.ReplaceAll(f, "_", " ")
}

func fieldOptions(checked []string) (out []fieldOption) {
	for _, p := range disclosure.Fields() {
		out = append(out, fieldOption{Path: p, Word: fieldWord(p), Checked: slices.Contains(checked, p), Main: strings.HasPrefix(p, "contacts.registrant.")})
	}
	return out
}

// disclosureFormView is what the form of a request shows, the public's or the
// desk's.
type disclosureFormView struct {
	Closed                                  bool // requests are not taken here
	Desk                                    bool
	D                                       centre.DisclosureDraft
	Fields                                  []fieldOption
	Requestors, Bases, Purposes, Conditions disclosure.Words
	Profiles                                []disclosure.Profile
	Problems                                []string
	CSRF                                    string
	Urgent                                  bool
	Times                                   []timeRow
	Rule                                    string
}

// timeRow is one time that a request is under.
type timeRow struct{ Of, Urgency, Words, Caveat, Note string }

func timesOf(p disclosure.Profile) (out []timeRow) {
	for _, c := range p.Clocks {
		out = append(out, timeRow{string(c.Of), string(c.Urgency), c.Words(), c.Caveat(), c.Note})
	}
	return out
}

// mainFields are those that most requests ask for.
var mainFields = []string{"contacts.registrant.name", "contacts.registrant.organization", "contacts.registrant.email", "contacts.registrant.phone"}

func (s *site) disclosureFormView(d centre.DisclosureDraft) disclosureFormView {
	v := disclosureFormView{D: d, Fields: fieldOptions(d.Fields), Requestors: disclosure.Requestors(), Bases: disclosure.Bases(), Purposes: disclosure.Purposes(),
		Conditions: disclosure.Conditions(), Profiles: s.c.Settings().Disclosure.Profiles.All(), Urgent: d.Urgency == disclosure.Urgent}
	return v
}

// readDraft reads the form of a request.
func readDraft(f url.Values) centre.DisclosureDraft {
	line := func(k string) string { return text.Line(f.Get(k), disclosure.MaxShort) }
	d := centre.DisclosureDraft{Name: line("name"), Requestor: disclosure.Requestor(f.Get("requestor")), Basis: disclosure.LegalBasis(f.Get("basis")), Purpose: disclosure.Purpose(f.Get("purpose")),
		Who:    disclosure.Who{Person: line("person"), Organisation: line("organisation"), Role: line("role"), Contact: line("contact"), Statement: strings.TrimSpace(f.Get("statement"))},
		Fields: f["field"], Urgency: disclosure.Ordinary, Case: line("case"), Party: line("party"), PartyEmail: line("party_email"), Profile: f.Get("profile")}
	if f.Get("urgent") != "" {
		d.Urgency, d.Condition = disclosure.Urgent, disclosure.Condition(f.Get("urgent"))
	}
	return d
}

// disclosureOrigin names a field of a request as its form does.
func disclosureOrigin(path string) string {
	if w, ok := map[string]string{"name": "The name", "requestor": "What you are", "basis": "The legal basis", "purpose": "The purpose", "statement": "The reason in your words",
		"fields": "The data asked for", "person": "Your name", "contact": "Your mail address", "condition": "The urgency", "party": "Who holds the data", "party_email": "Their mail address"}[path]; ok {
		return w
	}
	return path
}

func (s *site) disclosureForm(w http.ResponseWriter, r *request) error {
	v := s.disclosureFormView(centre.DisclosureDraft{Fields: mainFields})
	return s.showDisclosureForm(w, r, http.StatusOK, v)
}

func (s *site) showDisclosureForm(w http.ResponseWriter, r *request, status int, v disclosureFormView) error {
	set := s.c.Settings().Disclosure
	v.Closed = !set.Take
	if p, err := set.Profiles.Profile(set.Profile); err == nil {
		v.Times, v.Rule = timesOf(p), p.Name
	}
	return s.render(w, r, status, "disclosure-form", page{Title: "Request registration data", Here: "disclosure", Body: v})
}

func (s *site) disclosureTake(w http.ResponseWriter, r *request) error {
	if err := parseForm(w, r, maxForm+disclosure.MaxText*3, false); err != nil {
		return err
	}
	f := r.PostForm
	d := readDraft(f)
	again := func(status int, problems ...string) error {
		v := s.disclosureFormView(d)
		v.Problems = problems
		return s.showDisclosureForm(w, r, status, v)
	}
	if f.Get("fax") != "" { // a field that no person sees
		return again(http.StatusUnprocessableEntity, "This looks like a machine's. Please leave the last field empty.")
	}
	if !s.rates.allow(s.client(r)) {
		return again(http.StatusTooManyRequests, "Much came from your address just now: wait a minute.")
	}
	_, token, err := s.c.TakeDisclosure(r.Context(), d, "form:public")
	if err != nil {
		doc := problem.DocumentOf(err)
		if doc.Status >= 500 {
			return err
		}
		return again(doc.Status, problems(err, disclosureOrigin)...)
	}
	headers(w)
	http.Redirect(w, r.Request, "/disclosure/status/"+segment(token)+"?new", http.StatusSeeOther)
	return nil
}

// followView is what who asked sees.
type followView struct {
	Fresh, Gone   bool
	Problem, Done string
	R             disclosure.Request
	Badge         badge
	Words         []centre.Word
	Given         []string
	Reasons       []string
	Data          []fieldOption // what was disclosed, when asked for
	HasData       bool
	Open, Waiting bool
	Caveat        string
	Now           time.Time
}

func (s *site) disclosureStatus(w http.ResponseWriter, r *request) error {
	if wantsJSON(r) {
		f, err := s.c.FollowDisclosure(r.Context(), r.PathValue("token"))
		if err != nil {
			return err
		}
		return twin(w, followed(f))
	}
	return s.showFollowed(w, r, http.StatusOK, followView{Fresh: r.URL.Query().Has("new")})
}

// Followed is what who asked gets as JSON: nothing of the desk's.
type Followed struct {
	ID           string              `json:"id"`
	Name         string              `json:"name"`
	State        disclosure.State    `json:"state"`
	Fields       []string            `json:"fields"`
	Received     time.Time           `json:"received"`
	Acknowledged time.Time           `json:"acknowledged,omitzero"`
	AnswerDue    time.Time           `json:"answer_due,omitzero"`
	Decided      time.Time           `json:"decided,omitzero"`
	Given        []string            `json:"given,omitempty"`
	Reasons      []disclosure.Reason `json:"reasons,omitempty"`
	KeptUntil    time.Time           `json:"kept_until,omitzero"`
}

func followed(f centre.Following) Followed {
	q := f.Request
	out := Followed{ID: q.ID, Name: q.Name, State: q.State, Fields: q.Fields, Received: q.Reached, Acknowledged: q.Acked, AnswerDue: q.AnswerDue, Decided: q.Decided, Given: q.Given, Reasons: q.Reasons}
	if q.Data != nil && q.Data.Erased.IsZero() {
		out.KeptUntil = q.Data.Expires
	}
	return out
}

func (s *site) disclosureFollow(w http.ResponseWriter, r *request) error {
	if err := parseForm(w, r, maxForm+disclosure.MaxText*3, false); err != nil {
		return err
	}
	token, v := r.PathValue("token"), followView{}
	var err error
	switch r.PostForm.Get("do") {
	case "add":
		_, err = s.c.AddToDisclosure(r.Context(), token, r.PostForm.Get("text"))
		v.Done = "Added."
	case "withdraw":
		_, err = s.c.WithdrawDisclosure(r.Context(), token)
		v.Done = "The request was withdrawn."
	case "read":
		var data map[string]string
		if data, err = s.c.ReadDisclosedByToken(r.Context(), token); err == nil {
			v.Data = values(data)
		}
	default:
		err = problem.BadField("do", "is none of add, withdraw and read")
	}
	status := http.StatusOK
	if err != nil {
		d := problem.DocumentOf(err)
		v.Done, v.Problem, status = "", sentence(d), d.Status
	}
	return s.showFollowed(w, r, status, v)
}

// values are disclosed values in the order of the fields. They are shown as they
// are, not defanged: they are what was asked for.
func values(data map[string]string) (out []fieldOption) {
	for _, p := range disclosure.Fields() {
		if v, ok := data[p]; ok {
			out = append(out, fieldOption{Path: p, Word: fieldWord(p), Value: text.Line(v, centre.MaxDisclosedValue)})
		}
	}
	return out
}

func (s *site) showFollowed(w http.ResponseWriter, r *request, status int, v followView) error {
	f, err := s.c.FollowDisclosure(r.Context(), r.PathValue("token"))
	if err != nil {
		d := problem.DocumentOf(err)
		if d.Status >= 500 {
			return err
		}
		v = followView{Gone: true, Problem: "There is no such request. Please copy the whole link."}
		return s.render(w, r, d.Status, "disclosure-status", page{Title: "Your request", Here: "disclosure", Body: v})
	}
	v.R, v.Words, v.Now = f.Request, f.Words, s.c.Clock.Now()
	v.Badge, v.Caveat = disclosureBadges[v.R.State], v.R.Terms.Caveat()
	v.Open = v.R.State.Open()
	v.Waiting = v.Open
	for _, g := range v.R.Given {
		v.Given = append(v.Given, fieldWord(g))
	}
	for _, x := range v.R.Reasons {
		v.Reasons = append(v.Reasons, disclosure.Reasons().Means(string(x)))
	}
	v.HasData = v.R.Data != nil && v.R.Data.Erased.IsZero() && v.R.Data.Expires.After(v.Now)
	return s.render(w, r, status, "disclosure-status", page{Title: "Your request", Here: "disclosure", Body: v})
}

// partyView is the page a party answers a request of ours at.
type partyAnswerView struct {
	Gone, Done, Over bool
	Problem          string
	R                disclosure.Request
	Fields           []fieldOption
	Reasons          disclosure.Words
	Basis, Purpose   string
}

func (s *site) disclosureAnswerForm(w http.ResponseWriter, r *request) error {
	return s.showPartyAnswer(w, r, http.StatusOK, partyAnswerView{})
}

func (s *site) showPartyAnswer(w http.ResponseWriter, r *request, status int, v partyAnswerView) error {
	q, err := s.c.DisclosureAnswerable(r.Context(), r.PathValue("token"))
	if err != nil {
		d := problem.DocumentOf(err)
		if d.Status >= 500 {
			return err
		}
		v = partyAnswerView{Gone: true, Problem: "This link is not one of ours, or part of it is missing. Please copy the whole of it from the message."}
		return s.render(w, r, d.Status, "disclosure-answer", page{Title: "Your answer", Body: v})
	}
	v.R, v.Reasons, v.Over = q, disclosure.Reasons(), !q.State.Open()
	v.Basis, v.Purpose = disclosure.Bases().Means(string(q.Basis)), disclosure.Purposes().Means(string(q.Purpose))
	for _, f := range q.Fields {
		v.Fields = append(v.Fields, fieldOption{Path: f, Word: fieldWord(f)})
	}
	return s.render(w, r, status, "disclosure-answer", page{Title: "Your answer", Body: v})
}

// maxDecision is the longest form of a decision, in octets.
const maxDecision = 512 << 10

func (s *site) disclosureAnswer(w http.ResponseWriter, r *request) error {
	token := r.PathValue("token")
	if ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ct == "application/json" {
		var in centre.PartyAnswer
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDecision))
		if err == nil {
			err = json.Unmarshal(b, &in)
		}
		if err != nil {
			problem.Write(w, problem.New(problem.Invalid, "the answer is not JSON of at most %d octets", maxDecision))
			return nil
		}
		if _, err := s.c.AnswerDisclosure(r.Context(), token, in); err != nil {
			problem.Write(w, err)
			return nil
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if err := parseForm(w, r, maxDecision, false); err != nil {
		return err
	}
	a := centre.PartyAnswer{Answer: r.PostForm.Get("answer"), Text: r.PostForm.Get("text")}
	if a.Answer == "decided" {
		a.Values, a.Reasons = readDecision(r.PostForm)
	}
	if _, err := s.c.AnswerDisclosure(r.Context(), token, a); err != nil {
		d := problem.DocumentOf(err)
		return s.showPartyAnswer(w, r, d.Status, partyAnswerView{Problem: sentence(d)})
	}
	return s.showPartyAnswer(w, r, http.StatusOK, partyAnswerView{Done: true})
}

func readDecision(f url.Values) (map[string]string, []disclosure.Reason) {
	values := map[string]string{}
	for _, p := range disclosure.Fields() {
		if v := f.Get("v." + p); v != "" {
			values[p] = v
		}
	}
	var reasons []disclosure.Reason
	for _, x := range f["reason"] {
		reasons = append(reasons, disclosure.Reason(x))
	}
	return values, reasons
}

// ---- the desk

func (s *site) mayDisclose(r *request) bool {
	return access.Decide(r.person, access.Work, access.Object{Kind: access.Disclosure}).Allowed
}

type disclosureListView struct {
	Tabs       []tab
	Rows       []disclosureRow
	Next, Name string
	Work       bool
	Now        time.Time
}

type disclosureRow struct {
	R     disclosure.Request
	Badge badge
	Next  string
	At    time.Time
}

func disclosureRowOf(q disclosure.Request) disclosureRow {
	row := disclosureRow{R: q, Badge: disclosureBadges[q.State], At: q.Due()}
	switch {
	case q.State.Open() && (q.ByHand || q.Mailed > 0 || q.State == disclosure.Drafted || q.Direction == disclosure.Incoming):
		row.Next = "a person"
	case q.State == disclosure.Sent:
		row.Next = "on its way"
	case q.State.Open() && !row.At.IsZero():
		row.Next = "the party"
	case q.Data != nil && q.Data.Erased.IsZero():
		row.Next = "erased"
	}
	return row
}

func (s *site) disclosureList(w http.ResponseWriter, r *request) error {
	if v := s.may(r, access.Disclosure, ""); !v.Allowed {
		return v.Err(r.person)
	}
	q := r.URL.Query()
	f := store.DisclosureFilter{Direction: q.Get("direction"), State: q.Get("state"), Name: bare(text.Line(q.Get("name"), 300)), OpenOnly: !q.Has("all") && q.Get("state") == "", Limit: queuePage + 1, After: text.Line(q.Get("after"), 64)}
	if f.Direction != "" && f.Direction != string(disclosure.Outgoing) && f.Direction != string(disclosure.Incoming) {
		return problem.BadField("direction", "is neither sent nor received")
	}
	if f.State != "" && !slices.Contains(disclosure.States(), disclosure.State(f.State)) {
		return problem.BadField("state", "%.40q is not a state of a request", f.State)
	}
	all, err := s.c.Disclosures(r.Context(), f)
	if err != nil {
		return err
	}
	link := func(change ...string) string {
		v := url.Values{}
		for _, k := range []string{"direction", "state", "name", "all"} {
			if q.Has(k) {
				v.Set(k, q.Get(k))
			}
		}
		for i := 0; i+1 < len(change); i += 2 {
			if v.Del(change[i]); change[i+1] != "" {
				v.Set(change[i], change[i+1])
			}
		}
		return "/desk/disclosures?" + v.Encode()
	}
	v := disclosureListView{Now: s.c.Clock.Now(), Work: s.mayDisclose(r), Name: f.Name}
	if len(all) > queuePage {
		all = all[:queuePage]
		v.Next = link("after", all[queuePage-1].ID)
	}
	if wantsJSON(r) {
		return twin(w, all)
	}
	for _, x := range all {
		v.Rows = append(v.Rows, disclosureRowOf(x))
	}
	for _, t := range []struct{ word, direction, all string }{{"Open", "", ""}, {"Sent", "sent", ""}, {"Received", "received", ""}, {"All", "", "1"}} {
		v.Tabs = append(v.Tabs, tab{Word: t.word, Link: link("direction", t.direction, "all", t.all, "state", "", "after", ""),
			Here: f.Direction == t.direction && q.Has("all") == (t.all != "") && f.State == ""})
	}
	return s.render(w, r, http.StatusOK, "disclosures", page{Title: "Disclosure requests", Here: "disclosures", Wide: true, Twin: link("format", "json"), Body: v})
}

func (s *site) disclosureNew(w http.ResponseWriter, r *request) error {
	if !s.mayDisclose(r) {
		return access.Decide(r.person, access.Work, access.Object{Kind: access.Disclosure}).Err(r.person)
	}
	q := r.URL.Query()
	set := s.c.Settings()
	d := centre.DisclosureDraft{Name: text.Line(q.Get("name"), 300), Case: text.Line(q.Get("case"), 64), Requestor: "cert", Basis: "legitimate_interests", Purpose: "abuse", Fields: mainFields,
		Who: disclosure.Who{Person: r.person.Name, Organisation: set.Name, Contact: set.Contact}}
	return s.showDisclosureNew(w, r, http.StatusOK, d)
}

func (s *site) showDisclosureNew(w http.ResponseWriter, r *request, status int, d centre.DisclosureDraft, problems ...string) error {
	v := s.disclosureFormView(d)
	v.Desk, v.CSRF, v.Problems = true, r.csrf, problems
	return s.render(w, r, status, "disclosure-form", page{Title: "Request registration data", Here: "disclosures", Body: v})
}

func (s *site) disclosureDraft(w http.ResponseWriter, r *request) error {
	if _, err := s.opt.Access.Check(r.Context(), r.person, access.Work, access.Object{Kind: access.Disclosure}); err != nil {
		return err
	}
	d := readDraft(r.PostForm)
	q, err := s.c.DraftDisclosure(r.Context(), d, r.person.Actor())
	if err != nil {
		doc := problem.DocumentOf(err)
		if doc.Status >= 500 && problem.CodeOf(err) != problem.Unavailable {
			return err
		}
		return s.showDisclosureNew(w, r, doc.Status, d, problems(err, disclosureOrigin)...)
	}
	headers(w)
	http.Redirect(w, r.Request, "/desk/disclosures/"+segment(q.ID), http.StatusSeeOther)
	return nil
}

type disclosureView struct {
	R                       disclosure.Request
	Badge                   badge
	Requestor, Basis        string
	Purpose, Condition      string
	Fields                  []fieldOption
	Given, Reasons          []string
	Times                   []timeRow
	AllReasons              disclosure.Words
	Who                     *disclosure.Who
	Words                   []centre.Word
	Personal                bool
	Log                     []disclosureLogRow
	Notices                 []store.Notice
	Work                    bool
	Seq                     int
	CSRF, Problem, Done     string
	Data                    []fieldOption
	HasData                 bool
	Ours                    bool
	Now                     time.Time
	Send, Hand, Wait, Draft bool
}

type disclosureLogRow struct {
	At   time.Time
	What string
	By   string
}

func (s *site) disclosurePage(w http.ResponseWriter, r *request) error {
	done := map[string]string{"send": "It is on its way.", "handed": "Recorded: its clock runs.", "ack": "Acknowledged.", "ask": "The question is recorded.", "more": "Added.", "decide": "The decision is recorded.",
		"withdraw": "Withdrawn.", "note": "Noted.", "erase": "Erased."}[r.URL.Query().Get("done")]
	return s.showDisclosure(w, r, http.StatusOK, disclosureView{Done: done})
}

func (s *site) showDisclosure(w http.ResponseWriter, r *request, status int, v disclosureView) error {
	id := r.PathValue("id")
	q, err := s.c.Disclosure(r.Context(), id)
	if err != nil {
		return err
	}
	seen, err := s.look(r, access.Disclosure, id)
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		return twin(w, q)
	}
	es, err := s.c.DisclosureEvents(r.Context(), id)
	if err != nil {
		return err
	}
	if v.Notices, err = s.c.DisclosureNotices(r.Context(), q); err != nil {
		return err
	}
	v.R, v.Badge, v.Seq, v.CSRF, v.Now, v.Ours = q, disclosureBadges[q.State], q.Seq, r.csrf, s.c.Clock.Now(), q.Direction == disclosure.Outgoing
	v.Requestor, v.Basis, v.Purpose = disclosure.Requestors().Means(string(q.Requestor)), disclosure.Bases().Means(string(q.Basis)), disclosure.Purposes().Means(string(q.Purpose))
	v.Condition, v.AllReasons = disclosure.Conditions().Means(string(q.Condition)), disclosure.Reasons()
	for _, f := range q.Fields {
		v.Fields = append(v.Fields, fieldOption{Path: f, Word: fieldWord(f), Checked: slices.Contains(q.Given, f)})
	}
	for _, f := range q.Given {
		v.Given = append(v.Given, fieldWord(f))
	}
	for _, x := range q.Reasons {
		v.Reasons = append(v.Reasons, disclosure.Reasons().Means(string(x)))
	}
	for _, c := range []disclosure.Clock{q.Terms.Ack, q.Terms.Answer} {
		if c.Of != "" {
			v.Times = append(v.Times, timeRow{string(c.Of), string(c.Urgency), c.Words(), c.Caveat(), c.Note})
		}
	}
	if v.Personal = !seen.Redact; v.Personal {
		a, err := s.c.WhoAsked(r.Context(), id)
		if err != nil {
			return err
		}
		v.Who, v.Words = a.Who, a.Words
	}
	for _, e := range es {
		if !disclosure.Personal(e.Kind) {
			v.Log = append(v.Log, disclosureLogRow{e.At, logWord(e), e.Actor})
		}
	}
	v.Work = s.mayDisclose(r)
	v.Draft = q.State == disclosure.Drafted
	v.Send = v.Draft || q.State == disclosure.Sent && q.ByHand
	v.Hand = q.State == disclosure.Sent
	v.Wait = q.State.Open() && q.State != disclosure.Drafted
	v.HasData = q.Data != nil && q.Data.Erased.IsZero() && q.Data.Expires.After(v.Now)
	return s.render(w, r, status, "disclosure", page{Title: "Disclosure request " + q.Name, Here: "disclosures", Wide: true, Twin: "/desk/disclosures/" + segment(id) + "?format=json", Body: v})
}

// logWord says an event in words.
func logWord(e casework.Entry) string {
	if e.Payload == nil {
		return string(e.Kind)
	}
	var b struct {
		Of       string           `json:"of"`
		State    disclosure.State `json:"state"`
		How      string           `json:"how"`
		Response string           `json:"response"`
		Says     string           `json:"says"`
		To       string           `json:"to"`
	}
	_ = json.Unmarshal(e.Payload.Body, &b) // an opening has other keys: the kind alone says it
	out := string(e.Kind)
	switch e.Kind {
	case disclosure.KindOver:
		out = "the time for the " + b.Of + " is over"
	case disclosure.KindDecided:
		out = "decided: " + string(b.State)
	}
	for _, more := range []string{b.To, b.How, b.Response, b.Says} {
		if more != "" {
			out += ": " + more
		}
	}
	return out
}

func (s *site) disclosureAct(w http.ResponseWriter, r *request) error {
	id, action, f, by := r.PathValue("id"), r.PathValue("action"), r.PostForm, r.person.Actor()
	if _, err := s.opt.Access.Check(r.Context(), r.person, access.Work, access.Object{Kind: access.Disclosure, ID: id, Personal: true}); err != nil {
		return err
	}
	seq, err := strconv.Atoi(f.Get("seq"))
	if err != nil || seq < 1 {
		return problem.BadField("seq", "is missing: reload the page")
	}
	give := func(cmd disclosure.Command) error {
		_, err := s.c.ActDisclosure(r.Context(), id, seq, cmd)
		return err
	}
	words := f.Get("text")
	switch action {
	case "send":
		err = give(disclosure.Send{By: by, To: strings.TrimSpace(f.Get("to"))})
	case "handed":
		err = give(disclosure.Hand{By: by, How: words})
	case "ack":
		err = give(disclosure.Acknowledge{By: by})
	case "ask":
		err = give(disclosure.AskMore{By: by, Text: words})
	case "more":
		err = give(disclosure.GiveMore{By: by, Text: words})
	case "withdraw":
		err = give(disclosure.Withdraw{By: by})
	case "note":
		err = give(disclosure.Note{By: by, Text: words})
	case "decide":
		given, reasons := readDecision(f)
		_, err = s.c.DecideDisclosure(r.Context(), id, seq, by, given, reasons, words)
	case "erase":
		_, err = s.c.EraseDisclosed(r.Context(), id, by)
	case "read":
		var data map[string]string
		if data, err = s.c.ReadDisclosed(r.Context(), r.person, id, f.Get("reason")); err == nil {
			return s.showDisclosure(w, r, http.StatusOK, disclosureView{Data: values(data)})
		}
	default:
		return problem.New(problem.NotFound, "the page of a request has no form %q", visible(cut(action, 40)))
	}
	if err == nil {
		headers(w)
		http.Redirect(w, r.Request, "/desk/disclosures/"+segment(id)+"?done="+action, http.StatusSeeOther)
		return nil
	}
	d := problem.DocumentOf(err)
	if d.Status >= 500 || d.Status == http.StatusNotFound && action != "read" {
		return err
	}
	said := sentence(d)
	var e *problem.Error
	if errors.As(err, &e) && len(e.Fields) > 1 {
		said = strings.Join(problems(err, disclosureOrigin), " ")
	}
	return s.showDisclosure(w, r, d.Status, disclosureView{Problem: said})
}

func (s *site) disclosureChain(w http.ResponseWriter, r *request) error {
	if v := s.may(r, access.Disclosure, r.PathValue("id")); !v.Allowed {
		return v.Err(r.person)
	}
	var b strings.Builder
	if err := s.c.ExportDisclosure(r.Context(), &b, r.PathValue("id"), false); err != nil {
		return err
	}
	headers(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	_, _ = io.WriteString(w, b.String())
	return nil
}

// disclosureFigureRow is a row of the figures.
type disclosureFigureRow struct {
	centre.DisclosureFigures
	MedianWord string
}

func disclosureFigure(d centre.DisclosureFigures) disclosureFigureRow {
	row := disclosureFigureRow{d, "–"}
	switch {
	case d.Followed < fewest:
		row.MedianWord = "too few to say"
	case d.MedianHours != nil:
		row.MedianWord = span(time.Duration(*d.MedianHours * float64(time.Hour)))
	}
	return row
}
