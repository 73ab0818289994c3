package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/accuracy/policy"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/inaccuracy"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/text"
)

// inaccuracies adds the pages of inaccuracy cases: the one a party answers at, and
// those of the desk.
func (s *site) inaccuracies(public, desk func(pattern string, h handler)) {
	public("GET /inaccuracy/answer/{token}", s.inaccuracyAnswerForm)
	public("POST /inaccuracy/answer/{token}", s.inaccuracyAnswer)
	if desk == nil {
		return
	}
	desk("GET /desk/inaccuracy", s.inaccuracyList)
	desk("POST /desk/inaccuracy", s.inaccuracyOpen)
	desk("GET /desk/inaccuracy/new", s.inaccuracyNew)
	desk("GET /desk/inaccuracy/{id}", s.inaccuracyPage)
	desk("POST /desk/inaccuracy/{id}/{action}", s.inaccuracyAct)
	desk("GET /desk/inaccuracy/{id}/chain.jsonl", s.inaccuracyChain)
	desk("GET /desk/inaccuracy/{id}/file", s.inaccuracyFile)
}

var inaccuracyBadges = map[inaccuracy.State]badge{
	inaccuracy.Found:     {"wait", "found, nobody asked"},
	inaccuracy.Sent:      {"quiet", "on its way"},
	inaccuracy.Asked:     {"wait", "asked"},
	inaccuracy.Silent:    {"bad", "no answer in time"},
	inaccuracy.Answered:  {"wait", "answered, to check"},
	inaccuracy.Failing:   {"bad", "answered, still failing"},
	inaccuracy.Corrected: {"ok", "corrected"},
	inaccuracy.Closed:    {"quiet", "closed"},
}

// ---- the page a party answers at

type inaccuracyAnswerView struct {
	Gone, Done, Over bool
	Problem          string
	C                inaccuracy.Case
	Asked            string // in words
	Findings         []inaccuracyFinding
	Answers          inaccuracy.Words
}

func (s *site) inaccuracyAnswerForm(w http.ResponseWriter, r *request) error {
	return s.showInaccuracyAnswer(w, r, http.StatusOK, inaccuracyAnswerView{})
}

func (s *site) showInaccuracyAnswer(w http.ResponseWriter, r *request, status int, v inaccuracyAnswerView) error {
	c, err := s.c.InaccuracyAnswerable(r.Context(), r.PathValue("token"))
	if err != nil {
		d := problem.DocumentOf(err)
		if d.Status >= 500 {
			return err
		}
		v = inaccuracyAnswerView{Gone: true, Problem: "This link is not one of ours, or part of it is missing. Please copy the whole of it from the message."}
		return s.render(w, r, d.Status, "inaccuracy-answer", page{Title: "Your answer", Body: v})
	}
	v.C, v.Over, v.Answers = c, !c.State.Open(), inaccuracy.Answers()
	v.Findings = inaccuracyFindings(c, nil)
	return s.render(w, r, status, "inaccuracy-answer", page{Title: "Your answer", Body: v})
}

func (s *site) inaccuracyAnswer(w http.ResponseWriter, r *request) error {
	token := r.PathValue("token")
	if ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ct == "application/json" {
		var in centre.InaccuracyAnswer
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm+inaccuracy.MaxText))
		if err == nil {
			err = json.Unmarshal(b, &in)
		}
		if err != nil {
			problem.Write(w, problem.New(problem.Invalid, "the answer is not JSON of at most %d octets", maxForm+inaccuracy.MaxText))
			return nil
		}
		if _, err := s.c.AnswerInaccuracy(r.Context(), token, in); err != nil {
			problem.Write(w, err)
			return nil
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if err := parseForm(w, r, maxForm+inaccuracy.MaxText*3, false); err != nil {
		return err
	}
	if _, err := s.c.AnswerInaccuracy(r.Context(), token, centre.InaccuracyAnswer{Answer: inaccuracy.Said(r.PostForm.Get("answer")), Text: r.PostForm.Get("text")}); err != nil {
		d := problem.DocumentOf(err)
		if d.Status >= 500 {
			return err
		}
		return s.showInaccuracyAnswer(w, r, d.Status, inaccuracyAnswerView{Problem: sentence(d)})
	}
	return s.showInaccuracyAnswer(w, r, http.StatusOK, inaccuracyAnswerView{Done: true})
}

// ---- the desk

// workInaccuracy says whether the person may work on the registration of a name.
func workInaccuracy(r *request, name string) access.Verdict {
	return access.Decide(r.person, access.Work, access.Object{Kind: access.Registration, ID: name, Personal: true})
}

type inaccuracyListView struct {
	Tabs                       []tab
	Rows                       []inaccuracyRow
	Next, Name, State, Profile string
	States                     []inaccuracy.State
	All                        bool
	Work                       bool
	Now                        time.Time
}

type inaccuracyRow struct {
	C       inaccuracy.Case
	Badge   badge
	Failing int
	// Next is who or what carries it on, and At when.
	Next string
	At   time.Time
	Over bool
}

func inaccuracyRowOf(c inaccuracy.Case) inaccuracyRow {
	row := inaccuracyRow{C: c, Badge: inaccuracyBadges[c.State], Failing: len(c.Findings) + c.More, At: c.NextDue(), Over: c.Over}
	switch {
	case c.State == inaccuracy.Closed:
		row.Next = string(c.Outcome)
	case c.Mailed > 0:
		row.Next = "a mail to read"
	case !c.RecheckAt.IsZero() && c.RecheckAt.Equal(row.At):
		row.Next = "another look"
	case c.State == inaccuracy.Asked && !c.Due.IsZero():
		row.Next = "an answer, by the rule"
	case c.State == inaccuracy.Asked:
		row.Next = "an answer, as we plan"
	case c.State == inaccuracy.Sent && !c.ByHand:
		row.Next = "a mail server"
	case c.State.Open():
		row.Next = "a person"
	}
	return row
}

func (s *site) inaccuracyList(w http.ResponseWriter, r *request) error {
	if v := s.may(r, access.Registration, ""); !v.Allowed {
		return v.Err(r.person)
	}
	q := r.URL.Query()
	f := store.InaccuracyFilter{State: q.Get("state"), Profile: text.Line(q.Get("profile"), 60), Party: text.Line(q.Get("party"), 120), Name: bare(text.Line(q.Get("name"), 300)),
		OpenOnly: !q.Has("all") && q.Get("state") == "", ByPerson: q.Has("person"), Limit: queuePage + 1, After: text.Line(q.Get("after"), 64)}
	if f.State != "" && !slices.Contains(inaccuracy.States(), inaccuracy.State(f.State)) {
		return problem.BadField("state", "%.40q is not a state of an inaccuracy case", f.State)
	}
	all, err := s.c.Inaccuracies(r.Context(), f)
	if err != nil {
		return err
	}
	link := func(change ...string) string {
		v := url.Values{}
		for _, k := range []string{"state", "name", "profile", "party", "all", "person"} {
			if q.Get(k) != "" {
				v.Set(k, q.Get(k))
			}
		}
		for i := 0; i+1 < len(change); i += 2 {
			if v.Del(change[i]); change[i+1] != "" {
				v.Set(change[i], change[i+1])
			}
		}
		return "/desk/inaccuracy?" + v.Encode()
	}
	v := inaccuracyListView{Now: s.c.Clock.Now(), Work: workInaccuracy(r, "").Allowed, Name: f.Name, State: f.State, Profile: f.Profile, States: inaccuracy.States(), All: q.Has("all")}
	if len(all) > queuePage {
		all = all[:queuePage]
		v.Next = link("after", all[queuePage-1].ID)
	}
	if wantsJSON(r) {
		return twin(w, all)
	}
	for _, x := range all {
		v.Rows = append(v.Rows, inaccuracyRowOf(x))
	}
	for _, t := range []struct{ word, person, all string }{{"Open", "", ""}, {"Waits for a person", "1", ""}, {"All", "", "1"}} {
		v.Tabs = append(v.Tabs, tab{Word: t.word, Link: link("person", t.person, "all", t.all, "state", "", "after", ""),
			Here: q.Has("person") == (t.person != "") && q.Has("all") == (t.all != "") && f.State == ""})
	}
	return s.render(w, r, http.StatusOK, "inaccuracies", page{Title: "Corrections", Here: "inaccuracy", Wide: true, Twin: link("format", "json"), Body: v})
}

type inaccuracyNewView struct {
	CSRF, Problem, Name, Profile string
	Party, PartyEmail            string
	Profiles                     []policy.Profile
}

func (s *site) inaccuracyNew(w http.ResponseWriter, r *request) error {
	if v := workInaccuracy(r, ""); !v.Allowed {
		return v.Err(r.person)
	}
	return s.showInaccuracyNew(w, r, http.StatusOK, inaccuracyNewView{Name: bare(text.Line(r.URL.Query().Get("name"), 300)), Profile: text.Line(r.URL.Query().Get("profile"), 60)})
}

func (s *site) showInaccuracyNew(w http.ResponseWriter, r *request, status int, v inaccuracyNewView) error {
	set := s.c.Settings().Accuracy
	if set.Policies != nil {
		v.Profiles = set.Policies.All()
	}
	if v.Profile == "" && len(set.Profiles) > 0 {
		v.Profile = set.Profiles[0]
	}
	v.CSRF = r.csrf
	return s.render(w, r, status, "inaccuracy-new", page{Title: "Ask for a correction", Here: "inaccuracy", Body: v})
}

// inaccuracyOpen opens a case, from the form or from the button beside findings;
// where there is an open one it leads there.
func (s *site) inaccuracyOpen(w http.ResponseWriter, r *request) error {
	f := r.PostForm
	d := centre.InaccuracyDraft{Name: text.Line(f.Get("name"), 300), Profile: text.Line(cmp.Or(f.Get("profile"), f.Get("policy")), 60),
		Party: text.Line(f.Get("party"), inaccuracy.MaxShort), PartyEmail: text.Line(f.Get("party_email"), inaccuracy.MaxShort)}
	if _, err := s.opt.Access.Check(r.Context(), r.person, access.Work, access.Object{Kind: access.Registration, ID: bare(d.Name), Personal: true}); err != nil {
		return err
	}
	c, err := s.c.OpenInaccuracy(r.Context(), d, r.person.Actor())
	done := "open"
	if problem.CodeOf(err) == problem.Conflict && c.ID != "" {
		done, err = "there", nil
	}
	if err != nil {
		doc := problem.DocumentOf(err)
		if doc.Status >= 500 && problem.CodeOf(err) != problem.Unavailable {
			return err
		}
		return s.showInaccuracyNew(w, r, doc.Status, inaccuracyNewView{Name: d.Name, Profile: d.Profile, Party: d.Party, PartyEmail: d.PartyEmail, Problem: sentence(doc)})
	}
	headers(w)
	http.Redirect(w, r.Request, "/desk/inaccuracy/"+segment(c.ID)+"?done="+done, http.StatusSeeOther)
	return nil
}

// inaccuracyFinding is a finding as a page shows it.
type inaccuracyFinding struct {
	inaccuracy.Finding
	Field, What string
	Value, Seen string // when they were asked for
	Now         string // what the last look says
}

func inaccuracyFindings(c inaccuracy.Case, told *inaccuracy.Values) (out []inaccuracyFinding) {
	for _, f := range c.Findings {
		x := inaccuracyFinding{Finding: f, Field: pathWord(f.Path), What: f.Detail}
		if x.What == "" {
			x.What = "The check fails: " + f.Reason + "."
		}
		if told != nil {
			x.Value, x.Seen = text.Line(told.Fields[f.Path], regValue), text.Line(told.Seen[f.Key()], regValue)
		}
		out = append(out, x)
	}
	return out
}

type inaccuracyDuty struct {
	inaccuracy.Duty
	Does string
	Over bool
}

type inaccuracyView struct {
	C                   inaccuracy.Case
	Badge               badge
	Findings            []inaccuracyFinding
	Duties              []inaccuracyDuty
	Past                []inaccuracyMoment
	Next                []inaccuracyMoment
	Notices             []store.Notice
	Answers, Outcomes   inaccuracy.Words
	Work, Personal      bool
	Told                *centre.InaccuracyTold // when it was asked for
	CSRF, Problem, Done string
	Seq                 int
	Now                 time.Time
	// What can be done now.
	Send, Again, Hand, Say, Look, Shut, Reopen bool
	Stale                                      bool // the look is too old to ask on
	Rechecked                                  string
	Means                                      string // of the answer
	Ended                                      string // the outcome in words
	Caveat                                     string
	HasPast                                    bool
}

// inaccuracyMoment is a line of the timeline.
type inaccuracyMoment struct {
	At         time.Time
	Tone, What string
	By, Detail string
}

var inaccuracyDone = map[string]string{"open": "The case is open. Nobody was asked yet.", "there": "There is an open case already: this one.", "send": "It is on its way.", "handed": "Recorded: it is documented that they know.",
	"answer": "The answer is recorded.", "recheck": "The registration was looked at again.", "close": "Closed.", "reopen": "Open again: nobody was asked in this round.", "note": "Noted."}

func (s *site) inaccuracyPage(w http.ResponseWriter, r *request) error {
	return s.showInaccuracy(w, r, http.StatusOK, inaccuracyView{Done: inaccuracyDone[r.URL.Query().Get("done")]})
}

func (s *site) showInaccuracy(w http.ResponseWriter, r *request, status int, v inaccuracyView) error {
	id := r.PathValue("id")
	c, err := s.c.Inaccuracy(r.Context(), id)
	if err != nil {
		return err
	}
	if may := s.may(r, access.Registration, c.Name); !may.Allowed {
		return may.Err(r.person)
	}
	if wantsJSON(r) {
		return twin(w, c)
	}
	es, err := s.c.InaccuracyEvents(r.Context(), id)
	if err != nil {
		return err
	}
	if v.Notices, err = s.c.InaccuracyNotices(r.Context(), c); err != nil {
		return err
	}
	v.C, v.Badge, v.Seq, v.CSRF, v.Now = c, inaccuracyBadges[c.State], c.Seq, r.csrf, s.c.Clock.Now()
	v.Answers, v.Outcomes, v.Work = inaccuracy.Answers(), inaccuracy.Outcomes(), workInaccuracy(r, c.Name).Allowed
	v.Means, v.Ended, v.Caveat = v.Answers.Means(string(c.Answer)), v.Outcomes.Means(string(c.Outcome)), c.Caveat()
	var values *inaccuracy.Values
	if v.Told != nil {
		values = v.Told.Values
	}
	v.Findings = inaccuracyFindings(c, values)
	for _, e := range es {
		v.Personal = v.Personal || e.Payload != nil && e.Payload.Personal
	}
	for _, d := range c.Duties {
		v.Duties = append(v.Duties, inaccuracyDuty{d, dutyWords(c, d), !d.Due.IsZero() && !d.Due.After(v.Now) && c.State.Open()})
	}
	if c.Recheck != nil {
		v.Rechecked = c.Recheck.Words()
	}
	for i := len(es) - 1; i >= 0; i-- {
		if inaccuracy.Personal(es[i].Kind) {
			continue
		}
		m, err := inaccuracyMomentOf(es[i])
		if err != nil {
			return err
		}
		v.Past = append(v.Past, m)
	}
	if at := c.NextDue(); !at.IsZero() {
		what := "We look at the registration again"
		if c.State == inaccuracy.Asked && !at.Equal(c.RecheckAt) {
			what = "Our own time for an answer is over (no deadline of theirs)"
			if !c.Due.IsZero() {
				what = "The time of a rule for an answer is over"
			}
		}
		v.Next = append(v.Next, inaccuracyMoment{At: at, Tone: "next", What: what})
	}
	failsNow := c.Recheck == nil || c.Recheck.Result == inaccuracy.Fails
	v.Stale = v.Now.Sub(c.Checked) > inaccuracy.Fresh
	asks := slices.Contains([]inaccuracy.State{inaccuracy.Found, inaccuracy.Asked, inaccuracy.Silent, inaccuracy.Failing}, c.State) || c.State == inaccuracy.Sent && c.ByHand
	v.Send, v.Again = v.Work && asks && failsNow, c.State != inaccuracy.Found
	v.Hand, v.Say = v.Work && c.State == inaccuracy.Sent, v.Work && c.State.Open() && c.State != inaccuracy.Found
	v.Look, v.Shut, v.Reopen = v.Work && c.State.Open(), v.Work && c.State.Open(), v.Work && c.State == inaccuracy.Closed
	return s.render(w, r, status, "inaccuracy", page{Title: "Correction " + c.Name, Here: "inaccuracy", Wide: true, Twin: "/desk/inaccuracy/" + segment(id) + "?format=json", Body: v})
}

// dutyWords says a duty in words, without what follows when it is not done.
func dutyWords(c inaccuracy.Case, d inaccuracy.Duty) string {
	s := "the " + string(d.Actor) + " to " + d.Action.Words()
	if len(d.Claims) > 0 {
		s += " " + strings.Join(d.Claims, ", ")
	}
	return s
}

// inaccuracyMomentOf says an event in words.
func inaccuracyMomentOf(e casework.Entry) (inaccuracyMoment, error) {
	m := inaccuracyMoment{At: e.At, What: string(e.Kind), By: e.Actor}
	if casework.InPerson(e.Actor) {
		m.Tone = "person"
	}
	if e.Payload == nil {
		return m, nil
	}
	var err error
	switch e.Kind {
	case inaccuracy.KindOpened:
		var b inaccuracy.Opening
		b, err = casework.Read[inaccuracy.Opening](e)
		m.What = fmt.Sprintf("Opened: %s of %s", count(len(b.Findings)+b.More, "check fails", "checks fail"), b.Terms.Profile)
		m.Detail = "On the data as it was at " + b.Checked.UTC().Format("2006-01-02 15:04 UTC") + "."
	case inaccuracy.KindReopened:
		var b inaccuracy.Reopening
		b, err = casework.Read[inaccuracy.Reopening](e)
		m.What = "Reopened: " + count(len(b.Findings)+b.More, "check fails", "checks fail")
	case inaccuracy.KindSent:
		var b inaccuracy.SentOut
		b, err = casework.Read[inaccuracy.SentOut](e)
		m.What = "Asked to be brought by hand: no mail address is known"
		var to []string
		for _, o := range b.Orders {
			w := o.To
			if o.Copy {
				w += " (copy to the registry)"
			}
			to = append(to, w)
		}
		if len(to) > 0 {
			m.What, m.Detail = "Ask ordered", strings.Join(to, ", ")
		}
	case inaccuracy.KindDelivered, inaccuracy.KindFailed, inaccuracy.KindDoubt:
		var b inaccuracy.Message
		b, err = casework.Read[inaccuracy.Message](e)
		switch {
		case b.N == 0:
			m.What, m.Detail = "Brought by hand: it is documented that they know", b.How
		case e.Kind == inaccuracy.KindDelivered && b.Clock != nil:
			m.Tone, m.What = "ok", "Taken by the receiving server: it is documented that they know"
		case e.Kind == inaccuracy.KindDelivered:
			m.Tone, m.What = "ok", "Taken by the receiving server"
		case e.Kind == inaccuracy.KindDoubt:
			m.What = "In doubt: it may have arrived. It is not repeated by itself"
		case b.Bounced && b.Clock != nil:
			m.Tone, m.What = "bad", "Came back: what documented that they know is gone"
		case b.Bounced:
			m.Tone, m.What = "bad", "Came back"
		default:
			m.Tone, m.What = "bad", "Not delivered"
		}
		if m.Detail == "" {
			m.Detail = b.Response
		}
	case inaccuracy.KindMailed:
		var b inaccuracy.Mailed
		b, err = casework.Read[inaccuracy.Mailed](e)
		m.What, m.Detail = "Answered by mail: a person reads it", b.Says
	case inaccuracy.KindAnswered:
		var b inaccuracy.Reply
		b, err = casework.Read[inaccuracy.Reply](e)
		m.Tone, m.What = "person", "Answered: "+inaccuracy.Answers().Means(string(b.Answer))
	case inaccuracy.KindChecked:
		var b inaccuracy.CheckedAgain
		b, err = casework.Read[inaccuracy.CheckedAgain](e)
		m.What = "Checked again: " + b.Words()
		switch b.Result {
		case inaccuracy.AllPass:
			m.Tone = "ok"
		case inaccuracy.Fails:
			m.Tone = "bad"
		}
	case inaccuracy.KindOver:
		var b inaccuracy.TimeOver
		b, err = casework.Read[inaccuracy.TimeOver](e)
		m.Tone, m.What = "bad", "No answer in the time we wait, which is no deadline of theirs"
		if b.Of == "duty" {
			m.What = "No answer in the time of the rule"
		}
	case inaccuracy.KindClosed:
		var b inaccuracy.Closing
		b, err = casework.Read[inaccuracy.Closing](e)
		m.What = "Closed: " + inaccuracy.Outcomes().Means(string(b.Outcome))
	}
	if err != nil {
		return m, problem.Wrap(err, problem.Corrupt, "event %d of inaccuracy case %s does not parse", e.Seq, e.Case)
	}
	return m, nil
}

func (s *site) inaccuracyAct(w http.ResponseWriter, r *request) error {
	id, action, f, by := r.PathValue("id"), r.PathValue("action"), r.PostForm, r.person.Actor()
	c, err := s.c.Inaccuracy(r.Context(), id)
	if err != nil {
		return err
	}
	if v := workInaccuracy(r, c.Name); !v.Allowed {
		return v.Err(r.person)
	}
	seq, err := strconv.Atoi(f.Get("seq"))
	if err != nil || seq < 1 {
		return problem.BadField("seq", "is missing: reload the page")
	}
	give := func(cmd inaccuracy.Command) error {
		_, err := s.c.ActInaccuracy(r.Context(), id, seq, cmd)
		return err
	}
	words := f.Get("text")
	switch action {
	case "send":
		_, err = s.c.SendInaccuracy(r.Context(), id, seq, by, strings.TrimSpace(f.Get("to")))
	case "handed":
		err = give(inaccuracy.Hand{By: by, How: words})
	case "answer":
		err = give(inaccuracy.Answer{By: by, Said: inaccuracy.Said(f.Get("answer")), Text: words})
	case "recheck":
		_, err = s.c.RecheckInaccuracy(r.Context(), id, by)
	case "close":
		err = give(inaccuracy.Close{By: by, Outcome: inaccuracy.Outcome(f.Get("outcome")), Text: words})
	case "reopen":
		_, err = s.c.ReopenInaccuracy(r.Context(), id, seq, by, words)
	case "note":
		err = give(inaccuracy.Note{By: by, Text: words})
	case "read":
		var told centre.InaccuracyTold
		if told, err = s.c.ReadInaccuracy(r.Context(), centre.Reader{Desk: s.opt.Access, Person: r.person, Purpose: access.Work}, id); err == nil {
			return s.showInaccuracy(w, r, http.StatusOK, inaccuracyView{Told: &told})
		}
	case "file":
		return s.giveInaccuracyFile(w, r, id, &centre.Reader{Desk: s.opt.Access, Person: r.person, Purpose: access.Work})
	default:
		return problem.New(problem.NotFound, "the page of an inaccuracy case has no form %q", visible(cut(action, 40)))
	}
	if err == nil {
		headers(w)
		http.Redirect(w, r.Request, "/desk/inaccuracy/"+segment(id)+"?done="+action, http.StatusSeeOther)
		return nil
	}
	d := problem.DocumentOf(err)
	if d.Status >= 500 && problem.CodeOf(err) != problem.Unavailable || d.Status == http.StatusNotFound {
		return err
	}
	return s.showInaccuracy(w, r, d.Status, inaccuracyView{Problem: sentence(d)})
}

// inaccuracyFile gives the compliance file without personal data; with it, it
// takes the form (and is logged).
func (s *site) inaccuracyFile(w http.ResponseWriter, r *request) error {
	c, err := s.c.Inaccuracy(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if v := s.may(r, access.Registration, c.Name); !v.Allowed {
		return v.Err(r.person)
	}
	return s.giveInaccuracyFile(w, r, c.ID, nil)
}

func (s *site) giveInaccuracyFile(w http.ResponseWriter, r *request, id string, reader *centre.Reader) error {
	f, err := s.c.InaccuracyFile(r.Context(), reader, id)
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		return twin(w, f)
	}
	headers(w)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="compliance-`+segment(id)+`.txt"`)
	_, _ = io.WriteString(w, f.Text())
	return nil
}

func (s *site) inaccuracyChain(w http.ResponseWriter, r *request) error {
	c, err := s.c.Inaccuracy(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if v := s.may(r, access.Registration, c.Name); !v.Allowed {
		return v.Err(r.person)
	}
	var b strings.Builder
	if err := s.c.ExportInaccuracy(r.Context(), &b, c.ID); err != nil {
		return err
	}
	headers(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	_, _ = io.WriteString(w, b.String())
	return nil
}
