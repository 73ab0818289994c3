package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/text"
)

// queuePage is how many cases one page of the queue holds.
const queuePage = 50

// filter is a queue as its address says it: every list can be saved as a link.
type filter struct {
	State, Type, Class, Due, Q, Sort string
	After                            string // "micros.id": where the page begins
	Assignee                         string // "me", "none", or a login name
}

func readFilter(q url.Values) (filter, error) {
	f := filter{State: q.Get("state"), Type: q.Get("type"), Class: q.Get("class"), Due: q.Get("due"), Q: text.Line(q.Get("q"), 300), Sort: q.Get("sort"), After: q.Get("after"), Assignee: text.Line(q.Get("assignee"), 100)}
	if !q.Has("state") {
		f.State = "open"
	}
	one := func(field, v string, of ...string) error {
		if v != "" && !slices.Contains(of, v) {
			return problem.BadField(field, "%.40q is not one of %s", v, strings.Join(of, ", "))
		}
		return nil
	}
	for _, err := range []error{
		one("state", f.State, "open", "all", "new", "investigating", "unconfirmed", "coordinating", "closed", "merged"),
		one("due", f.Due, "over", "day"), one("sort", f.Sort, "due", "opened", "closed"),
		one("class", f.Class, "malicious", "compromised", "innocent", "unknown"),
	} {
		if err != nil {
			return f, err
		}
	}
	if f.Type != "" && !abuse.Type(f.Type).Known() {
		return f, problem.BadField("type", "%.40q is not a kind of abuse", f.Type)
	}
	if f.Sort == "" {
		switch f.State {
		case "closed":
			f.Sort = "closed"
		case "open", "coordinating":
			f.Sort = "due"
		default:
			f.Sort = "opened"
		}
	}
	return f, nil
}

// store makes the query of it.
func (f filter) store(now time.Time) (store.QueueFilter, error) {
	q := store.QueueFilter{State: f.State, Type: f.Type, Class: f.Class, Sort: f.Sort, Contains: bare(f.Q), Limit: queuePage}
	if f.State == "all" {
		q.State = ""
	}
	switch f.Due {
	case "over":
		q.DueBefore = now
	case "day":
		q.DueBefore = now.Add(24 * time.Hour)
	}
	if f.After != "" {
		at, id, ok := strings.Cut(f.After, ".")
		us, err := strconv.ParseInt(at, 10, 64)
		if !ok || err != nil || len(id) > 64 {
			return q, problem.BadField("after", "is not the place of a page")
		}
		q.After = &store.QueueMark{At: time.UnixMicro(us).UTC(), ID: id}
	}
	return q, nil
}

// bare makes of what people paste the part of a name to look for.
func bare(q string) string {
	q = name.Refang(q)
	if strings.Contains(q, "/") {
		if u, err := name.ParseURL(q); err == nil {
			return u.Host()
		}
	}
	if d, err := name.ParseAny(q); err == nil {
		return d.String() // A-labels, as kept
	}
	return strings.ToLower(q)
}

// link is the address of a filter, with some of it changed.
func (f filter) link(change ...string) string {
	v := url.Values{}
	for k, x := range map[string]string{"state": f.State, "type": f.Type, "class": f.Class, "due": f.Due, "q": f.Q, "sort": f.Sort, "after": f.After, "assignee": f.Assignee} {
		if x != "" {
			v.Set(k, x)
		}
	}
	for i := 0; i+1 < len(change); i += 2 {
		if v.Del(change[i]); change[i+1] != "" {
			v.Set(change[i], change[i+1])
		}
	}
	return "/desk?" + v.Encode()
}

type queueView struct {
	Filter      filter
	Tabs        []tab
	Types       []string
	Rows        []queueRow
	Found       string
	Next, First string
	Now         time.Time
	// Mine is the address of the same list of one's own cases, or back.
	Mine string
	// Other is the login name of somebody else whose list it is.
	Other string
}

type tab struct {
	Word, Link string
	N          string
	Here       bool
}

type queueRow struct {
	ID, Key, Brand, Type string
	Badge, Class         badge
	Reports              int
	Opened               time.Time
	Next                 string
	NextAt               time.Time
	Waits                bool // for a person
	Returned             bool
	With                 string // who works it
}

// tabs are the views of the queue that most work begins with.
var tabs = []struct {
	word string
	f    filter
}{
	{"Open", filter{State: "open", Sort: "due"}},
	{"To confirm", filter{State: "unconfirmed", Sort: "opened"}},
	{"Being checked", filter{State: "investigating", Sort: "opened"}},
	{"Asked", filter{State: "coordinating", Sort: "due"}},
	{"Closed", filter{State: "closed", Sort: "closed"}},
	{"All", filter{State: "all", Sort: "opened"}},
}

// queueItem is a row of the twin.
type queueItem struct {
	ID       string           `json:"id"`
	Subject  string           `json:"subject"`
	Type     string           `json:"type"`
	State    casework.State   `json:"state"`
	Class    casework.Class   `json:"class"`
	Outcome  casework.Outcome `json:"outcome,omitempty"`
	Reports  int              `json:"reports"`
	Opened   time.Time        `json:"opened"`
	Closed   time.Time        `json:"closed,omitzero"`
	Due      time.Time        `json:"due,omitzero"`
	Sequence int              `json:"sequence"`
	Assignee string           `json:"assignee,omitempty"`
}

func (s *site) queue(w http.ResponseWriter, r *request) error {
	f, err := readFilter(r.URL.Query())
	if err != nil {
		return err
	}
	now := s.c.Clock.Now()
	q, err := f.store(now)
	if err == nil {
		q.Assignee, err = s.assignee(r, f.Assignee)
	}
	if err != nil {
		return err
	}
	p, err := s.c.Queue(r.Context(), q)
	if err != nil {
		return err
	}
	next := ""
	if p.Next != nil {
		next = f.link("after", strconv.FormatInt(p.Next.At.UnixMicro(), 10)+"."+p.Next.ID)
	}
	if wantsJSON(r) {
		items := make([]queueItem, 0, len(p.Cases))
		for _, c := range p.Cases {
			items = append(items, itemOf(c))
		}
		if next != "" {
			next += "&format=json"
		}
		return twin(w, struct {
			Found int         `json:"found"`
			Cases []queueItem `json:"cases"`
			Next  string      `json:"next,omitempty"`
		}{p.Found, items, next})
	}
	v := queueView{Filter: f, Next: next, Now: now, Found: count(p.Found, "case", "cases")}
	if p.Found >= centre.MaxFound {
		v.Found = "over " + v.Found
	}
	if f.After != "" {
		v.First = f.link("after", "")
	}
	var qs []store.QueueFilter
	for _, t := range tabs[:4] {
		tq, err := t.f.store(now)
		if err != nil {
			return err
		}
		tq.Assignee = q.Assignee
		qs = append(qs, tq)
	}
	ns, err := s.c.CountQueues(r.Context(), qs...)
	if err != nil {
		return err
	}
	for i, t := range tabs {
		x := tab{Word: t.word, Link: t.f.link("assignee", f.Assignee), Here: t.f.State == f.State}
		if i < len(ns) {
			if x.N = thousands(ns[i]); ns[i] >= centre.MaxFound {
				x.N += "+"
			}
		}
		v.Tabs = append(v.Tabs, x)
	}
	for _, k := range kinds {
		v.Types = append(v.Types, string(k.Type))
	}
	who := s.names(r)
	for _, c := range p.Cases {
		row := rowOf(c)
		if c.Assignee != "" {
			row.With = who(c.Assignee)
		}
		v.Rows = append(v.Rows, row)
	}
	switch f.Assignee {
	case "me":
		v.Mine = f.link("assignee", "", "after", "")
	case "", store.Unassigned:
		v.Mine = f.link("assignee", "me", "after", "")
	default:
		v.Mine, v.Other = f.link("assignee", "me", "after", ""), f.Assignee
	}
	return s.render(w, r, http.StatusOK, "queue", page{Title: "Queue", Here: "desk", Wide: true, Search: f.Q, Twin: f.link("format", "json"), Body: v})
}

// assignee makes of what an address says the reference that cases are listed by.
func (s *site) assignee(r *request, who string) (string, error) {
	switch who {
	case "", store.Unassigned:
		return who, nil
	case "me":
		return "person:" + r.person.ID, nil
	}
	a, err := s.opt.Access.PersonByLogin(r.Context(), who)
	if err != nil {
		if problem.CodeOf(err) == problem.NotFound {
			err = problem.BadField("assignee", "there is nobody with the login name %.40q", who)
		}
		return "", err
	}
	return a.Person().Actor(), nil
}

func itemOf(c casework.Case) queueItem {
	return queueItem{ID: c.ID, Subject: c.Subject.Key(), Type: string(c.Type), State: c.State, Class: c.Class, Outcome: c.Outcome,
		Reports: len(c.AllReports()), Opened: c.Opened, Closed: c.Closed, Due: c.Due(), Sequence: c.Seq, Assignee: c.Assignee}
}

func rowOf(c casework.Case) queueRow {
	row := queueRow{ID: c.ID, Key: c.Subject.Key(), Brand: brandOf(c), Type: string(c.Type), Badge: standing(c), Class: classes[c.Class],
		Reports: len(c.AllReports()), Opened: c.Opened, Returned: c.Returns > 0}
	switch {
	case c.State == casework.Closed:
		row.Next, row.NextAt = "closed", c.Closed
		return row
	case c.State == casework.Merged:
		row.Next = "in " + c.MergedInto
		return row
	case c.State == casework.Unconfirmed, c.Look != nil && c.Look.Doubt != "" && c.State == casework.Investigating:
		row.Next, row.Waits = "a person", true
		return row
	}
	for _, o := range c.Obligations {
		if o.Round != c.Round {
			continue
		}
		if c.ForPerson(o) {
			row.Next, row.NextAt, row.Waits = "a person", time.Time{}, true
			return row
		}
		if (o.Status == casework.Running || o.Status == casework.Acted) && !o.Due.IsZero() && (row.NextAt.IsZero() || o.Due.Before(row.NextAt)) {
			row.Next, row.NextAt = roleWord(o.Party.Role), o.Due
		}
	}
	if row.NextAt.IsZero() && !c.NextLook.IsZero() {
		row.Next, row.NextAt = "a look", c.NextLook
	}
	return row
}

type handoffsView struct {
	Rows        []handoffRow
	Found       string
	Next, First string
	Now         time.Time
}

type handoffRow struct {
	centre.HandOff
	Word string
}

// maxHandoffs is how many tasks one page shows.
const maxHandoffs = 100

func (s *site) handoffs(w http.ResponseWriter, r *request) error {
	var after *store.HandOff
	if a := r.URL.Query().Get("after"); a != "" {
		at, id, ok := strings.Cut(a, ".")
		us, err := strconv.ParseInt(at, 10, 64)
		if !ok || err != nil || len(id) > 100 {
			return problem.BadField("after", "is not the place of a page")
		}
		after = &store.HandOff{Opened: us, Obligation: id}
	}
	p, err := s.c.HandOffPage(r.Context(), after, maxHandoffs)
	if err != nil {
		return err
	}
	next := ""
	if p.Next != nil {
		next = "/desk/handoffs?after=" + url.QueryEscape(strconv.FormatInt(p.Next.Opened, 10)+"."+p.Next.Obligation)
	}
	if wantsJSON(r) {
		if next != "" {
			next += "&format=json"
		}
		return twin(w, struct {
			Found int              `json:"found"`
			Tasks []centre.HandOff `json:"tasks"`
			Next  string           `json:"next,omitempty"`
		}{p.Found, append([]centre.HandOff{}, p.Tasks...), next})
	}
	v := handoffsView{Found: count(p.Found, "task", "tasks"), Next: next, Now: s.c.Clock.Now()}
	if p.Found >= centre.MaxFound {
		v.Found = "over " + v.Found
	}
	if after != nil {
		v.First = "/desk/handoffs"
	}
	for _, h := range p.Tasks {
		v.Rows = append(v.Rows, handoffRow{h, actions[h.Action]})
	}
	return s.render(w, r, http.StatusOK, "handoffs", page{Title: "Hand over", Here: "handoffs", Wide: true, Twin: "/desk/handoffs?format=json", Body: v})
}

// search leads to what was meant: a case, a party, a receipt, or a queue.
func (s *site) search(w http.ResponseWriter, r *request) error {
	q := text.Line(r.URL.Query().Get("q"), 300)
	to := func(path string) error {
		headers(w)
		http.Redirect(w, r.Request, path, http.StatusSeeOther)
		return nil
	}
	if q == "" {
		return to("/desk")
	}
	if len(q) <= 64 && !strings.ContainsAny(q, "./ ") {
		if _, err := s.c.Case(r.Context(), strings.ToUpper(q)); err == nil {
			return to("/cases/" + segment(strings.ToUpper(q)))
		}
		if _, err := s.c.Case(r.Context(), q); err == nil {
			return to("/cases/" + segment(q))
		}
		if rc, err := s.c.ReportState(r.Context(), q); err == nil && len(rc.Cases) > 0 {
			return to("/cases/" + segment(rc.Cases[0]))
		}
	}
	_, mail := party.Mailbox(q)
	role, _, ok := strings.Cut(q, ":")
	if _, known := roles[party.Role(role)]; mail || ok && known {
		return to("/parties/" + segment(q))
	}
	key := bare(q)
	if _, err := netip.ParseAddr(key); err != nil {
		if d, err := name.ParseAny(key); err == nil {
			if p := s.c.Suffixes.Split(d); !p.Customer.IsZero() {
				key = p.Customer.String()
			} else if !p.Registered.IsZero() {
				key = p.Registered.String()
			}
		}
	}
	cases, err := s.c.CasesOfName(r.Context(), key)
	if err != nil {
		return err
	}
	switch len(cases) {
	case 0:
		return to(filter{State: "all", Sort: "opened", Q: q}.link())
	case 1:
		return to("/cases/" + segment(cases[0].ID))
	}
	return to("/names/" + segment(key))
}

type nameView struct {
	Key, Brand string
	Address    bool
	Rows       []queueRow
	Now        time.Time
	Facts      nameFacts
	Reg        regView
}

type nameFacts struct{ Suffix, Registered, Platform string }

func (s *site) namePage(w http.ResponseWriter, r *request) error {
	key := strings.ToLower(r.PathValue("name"))
	if a, err := netip.ParseAddr(key); err == nil {
		key = a.String()
	} else if d, err := name.ParseAny(key); err == nil {
		key = d.String()
	} else {
		return problem.New(problem.NotFound, "%q is neither a name nor an address", visible(key[:min(len(key), 80)]))
	}
	cases, err := s.c.CasesOfName(r.Context(), key)
	if err != nil {
		return err
	}
	reg, regJSON, err := s.regOfName(r, key)
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		items := make([]queueItem, 0, len(cases))
		for _, c := range cases {
			items = append(items, itemOf(c))
		}
		return twin(w, struct {
			Name  string      `json:"name"`
			Cases []queueItem `json:"cases"`
			// Registration is of the registered name that it is or is below.
			Registration *regTwin `json:"registration,omitempty"`
		}{key, items, regJSON})
	}
	v := nameView{Key: key, Now: s.c.Clock.Now(), Reg: reg}
	if d, err := name.ParseAny(key); err == nil {
		p := s.c.Suffixes.Split(d)
		v.Facts = nameFacts{p.Suffix.String(), p.Registered.String(), p.Platform.String()}
	} else {
		v.Address = true
	}
	for _, c := range cases {
		if v.Brand == "" {
			v.Brand = brandOf(c)
		}
		v.Rows = append(v.Rows, rowOf(c))
	}
	return s.render(w, r, http.StatusOK, "name", page{Title: "Name " + name.Defang(key), Wide: true, Twin: "/names/" + segment(key) + "?format=json", Body: v})
}

type partiesView struct {
	Rows []centre.Contact
	Now  time.Time
}

func (s *site) parties(w http.ResponseWriter, r *request) error {
	cs, err := s.c.Contacts(r.Context(), 200)
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		return twin(w, cs)
	}
	return s.render(w, r, http.StatusOK, "parties", page{Title: "Parties", Here: "parties", Wide: true, Twin: "/parties?format=json", Body: partiesView{cs, s.c.Clock.Now()}})
}

type partyView struct {
	P       centre.KnownParty
	Name    string
	Verdict badge
	Asks    []askRow
	Counts  partyCounts
	Now     time.Time
}

type askRow struct {
	centre.PartyAsk
	Badge badge
	Word  string
	Said  string
	Took  string // from the ask to its answer
}

type partyCounts struct{ Asked, Answered, Credited, Missed int }

// partyAsks is how many notices back a party page looks.
const partyAsks = 200

var verdicts = map[party.Verdict]tone{party.Works: "ok", party.MachineOnly: "wait", party.Silent: "bad", party.Bounces: "bad", party.OnlyForm: "wait"}

func (s *site) partyPage(w http.ResponseWriter, r *request) error {
	id := r.PathValue("id")
	asks, err := s.c.PartyAsks(r.Context(), id, partyAsks)
	if err != nil {
		return err
	}
	p, err := s.c.Party(r.Context(), id)
	if err != nil && (problem.CodeOf(err) != problem.NotFound || len(asks) == 0) {
		return err
	}
	p.ID = id
	if wantsJSON(r) {
		return twin(w, struct {
			centre.KnownParty
			Asks []centre.PartyAsk `json:"asks"`
		}{p, asks})
	}
	v := partyView{P: p, Name: p.Name, Now: s.c.Clock.Now()}
	t := verdicts[p.Verdict]
	if t == "" {
		t = "quiet"
	}
	v.Verdict = badge{t, string(p.Verdict)}
	for _, a := range asks {
		o := a.Obligation
		if v.Name == "" {
			v.Name = o.Party.Name
		}
		row := askRow{PartyAsk: a, Badge: obligationBadge(o), Word: actions[o.Action], Said: answers[o.Answer].short}
		if !o.AnswerAt.IsZero() && !o.Delivered.IsZero() {
			row.Took = span(o.AnswerAt.Sub(o.Delivered))
		}
		if o.Action.Asks() && !o.Delivered.IsZero() {
			v.Counts.Asked++
			if o.Answer != "" {
				v.Counts.Answered++
			}
			switch o.Status {
			case casework.Met:
				v.Counts.Credited++
			case casework.Missed:
				v.Counts.Missed++
			}
		}
		v.Asks = append(v.Asks, row)
	}
	if v.Name == "" {
		v.Name = id
	}
	return s.render(w, r, http.StatusOK, "party", page{Title: visible(v.Name), Here: "parties", Wide: true, Twin: "/parties/" + segment(id) + "?format=json", Body: v})
}

// mayWork says whether the desk's forms are shown.
func (s *site) mayWork(r *request) bool {
	return access.Decide(r.person, access.Work, access.Object{Kind: access.Case}).Allowed
}
