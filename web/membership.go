package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
)

// The pages of a member: what the parties that its organisation answers for were
// told, and its answers; and the page on which an administrator says which parties
// these are.

// members adds the pages. own lets through who is signed in; each page asks
// access.Decide for itself.
func (s *site) members(own func(pattern string, h handler)) {
	own("GET /asks", s.asks)
	own("GET /asks/{id}", s.askPage)
	own("POST /asks/{id}/answer", s.answerAsk)
	own("GET /orgs/{id}", s.orgPage)
	own("POST /orgs/{id}/{action}", s.orgAction)
}

// shares asks whether somebody sees what the parties of their organisation were
// told.
func (s *site) shares(r *request, purpose access.Purpose, id string) access.Verdict {
	return access.Decide(r.person, purpose, access.Object{Kind: access.Share, ID: id, Org: r.person.Org})
}

type asksView struct {
	Tabs        []tab
	Rows        []shareRow
	Found       string
	Next, First string
	Now         time.Time
	Standing    bool
	Parties     bool // the organisation answers for any
}

// shareRow is a share in words.
type shareRow struct {
	centre.PartyShare
	Badge badge
	Word  string
	Said  string
	// What follows for the party, in a sentence.
	Means string
}

// shareBadges say how an ask stands, to the party that was asked.
var shareBadges = map[casework.Status]struct {
	badge badge
	means string
}{
	casework.Running:  {badge{"wait", "waits for you"}, "We look again by ourselves and see when it is gone."},
	casework.Missed:   {badge{"bad", "time is over"}, "It is still asked of you. We may have asked others besides."},
	casework.Acted:    {badge{"wait", "you say you acted"}, "Our next look decides."},
	casework.Referred: {badge{"quiet", "passed on"}, "You named another party."},
	casework.Refused:  {badge{"quiet", "you declined"}, "Your answer is on the case."},
	casework.Met:      {badge{"ok", "gone, by you"}, "We saw that it is gone, and the evidence credits you. Thank you."},
	casework.Moot:     {badge{"quiet", "ended"}, "Nothing is asked of you any more."},
	casework.Informed: {badge{"quiet", "told"}, "No answer is needed."},
}

func rowOfShare(x centre.PartyShare) shareRow {
	b, ok := shareBadges[x.Status]
	switch {
	case !ok:
		b.badge = badge{"quiet", string(x.Status)}
	case !x.Stands && (x.Status == casework.Running || x.Status == casework.Missed || x.Status == casework.Acted):
		b = shareBadges[casework.Moot] // of an earlier round, or of a case that is part of another
	}
	return shareRow{PartyShare: x, Badge: b.badge, Means: b.means, Word: actions[x.Action], Said: answers[x.Answer].theirs}
}

// noticeWord is the kind of a message to a party in words.
func noticeWord(kind string) string {
	switch kind {
	case "ask":
		return "First message"
	case "inform":
		return "Message for your information"
	case "reminder":
		return "Reminder"
	case "chase":
		return "Message after the time was over"
	}
	return visible(cut(kind, 40))
}

// asks lists what the parties of a member's organisation were told.
func (s *site) asks(w http.ResponseWriter, r *request) error {
	if err := s.shares(r, access.Read, "").Err(r.person); err != nil {
		return err
	}
	q := r.URL.Query()
	f := store.ShareFilter{Org: r.person.Org, Limit: queuePage}
	switch q.Get("show") {
	case "", "open":
		f.Standing = true
	case "all":
	default:
		return problem.BadField("show", "is not open or all")
	}
	here := map[bool]string{true: "/asks", false: "/asks?show=all"}[f.Standing]
	more := func(k, v string) string {
		if strings.Contains(here, "?") {
			return here + "&" + k + "=" + url.QueryEscape(v)
		}
		return here + "?" + k + "=" + url.QueryEscape(v)
	}
	if a := q.Get("after"); a != "" {
		at, id, ok := strings.Cut(a, ".")
		us, err := strconv.ParseInt(at, 10, 64)
		if !ok || err != nil || len(id) > 100 {
			return problem.BadField("after", "is not the place of a page")
		}
		f.After = &store.QueueMark{At: time.UnixMicro(us).UTC(), ID: id}
	}
	p, err := s.c.Shares(r.Context(), f)
	if err != nil {
		return err
	}
	next := ""
	if p.Next != nil {
		next = more("after", strconv.FormatInt(p.Next.At.UnixMicro(), 10)+"."+p.Next.ID)
	}
	if wantsJSON(r) {
		if next != "" {
			next += "&format=json"
		}
		return twin(w, struct {
			Found int                 `json:"found"`
			Asks  []centre.PartyShare `json:"asks"`
			Next  string              `json:"next,omitempty"`
		}{p.Found, append([]centre.PartyShare{}, p.Shares...), next})
	}
	links, err := s.opt.Access.PartyLinks(r.Context(), r.person.Org)
	if err != nil {
		return err
	}
	v := asksView{Next: next, Now: s.c.Clock.Now(), Standing: f.Standing, Found: count(p.Found, "ask", "asks"), Parties: len(links) > 0,
		Tabs: []tab{{Word: "Open", Link: "/asks", Here: f.Standing}, {Word: "All", Link: "/asks?show=all", Here: !f.Standing}}}
	if p.Found >= centre.MaxFound {
		v.Found = "over " + v.Found
	}
	if f.After != nil {
		v.First = here
	}
	for _, x := range p.Shares {
		v.Rows = append(v.Rows, rowOfShare(x))
	}
	return s.render(w, r, http.StatusOK, "asks", page{Title: "Asked of us", Here: "asks", Wide: true, Twin: more("format", "json"), Body: v})
}

type askView struct {
	Case, Key, Type string
	Rows            []shareRow
	Answers         []answerOption
	Now             time.Time
	CSRF            string
	Done            string
	// Of is the obligation whose form was sent and could not be done; Problem says
	// why, and Values holds what was written.
	Of      string
	Problem string
	Values  url.Values
}

// askPage is what a member sees of a case.
func (s *site) askPage(w http.ResponseWriter, r *request) error {
	return s.showAsk(w, r, http.StatusOK, "")
}

func (s *site) showAsk(w http.ResponseWriter, r *request, status int, trouble string) error {
	id := r.PathValue("id")
	if err := s.shares(r, access.Read, id).Err(r.person); err != nil {
		return err
	}
	xs, err := s.c.SharesOfCase(r.Context(), r.person.Org, id)
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		return twin(w, struct {
			Asks []centre.PartyShare `json:"asks"`
		}{xs})
	}
	v := askView{Case: id, Now: s.c.Clock.Now(), CSRF: r.csrf, Answers: theirAnswers(), Problem: trouble}
	if r.URL.Query().Get("done") == "answer" {
		v.Done = "Thank you. Your answer is on the case; we look again by ourselves."
	}
	if trouble != "" {
		v.Of, v.Values = r.PostForm.Get("obligation"), r.PostForm
	}
	// What still stands comes first.
	slices.SortStableFunc(xs, func(a, b centre.PartyShare) int {
		switch {
		case a.Stands == b.Stands:
			return a.Due.Compare(b.Due)
		case a.Stands:
			return -1
		}
		return 1
	})
	for _, x := range xs {
		v.Key, v.Type = x.Subject, x.Type
		for i := range x.Messages {
			x.Messages[i].Text = outside(x.Messages[i].Text, centre.MaxShareText)
		}
		v.Rows = append(v.Rows, rowOfShare(x))
	}
	return s.render(w, r, status, "ask", page{Title: "Asked about " + name.Defang(v.Key), Here: "asks", Wide: true, Twin: "/asks/" + segment(id) + "?format=json", Body: v})
}

// Seen is the time of the answer that a page shows, as its form carries it.
func (x shareRow) Seen() int64 {
	if x.AnswerAt.IsZero() {
		return 0
	}
	return x.AnswerAt.UnixMicro()
}

// answerAsk records a member's answer for its party.
func (s *site) answerAsk(w http.ResponseWriter, r *request) error {
	id := r.PathValue("id")
	if err := s.shares(r, access.Respond, id).Err(r.person); err != nil {
		return err
	}
	us, err := strconv.ParseInt(r.PostForm.Get("seen"), 10, 64)
	if err != nil || us < 0 {
		return problem.BadField("seen", "is missing: reload the page")
	}
	var seen time.Time
	if us > 0 {
		seen = time.UnixMicro(us).UTC()
	}
	if !s.answers.allow(r.person.ID) {
		err = problem.New(problem.RateLimited, "one answer every few seconds: wait a little")
	} else {
		err = s.c.AnswerShare(r.Context(), r.person.Org, r.person.Actor(), id, r.PostForm.Get("obligation"), seen, r.PostForm.Get("answer"), r.PostForm.Get("note"))
	}
	if err != nil {
		return again(err, func(status int, trouble string) error { return s.showAsk(w, r, status, trouble) })
	}
	return s.goTo(w, r, "/asks/"+segment(id)+"?done=answer")
}

type orgView struct {
	office
	ID, Name string
	Parties  []orgParty
	People   []personRow
	Most     int
}

type orgParty struct {
	ID     string    `json:"id"`
	Name   string    `json:"name,omitempty"`
	Linked time.Time `json:"linked"`
	// Told is how many asks and news of it the members see.
	Told int `json:"told"`
	// Known says that the directory or our deliveries know it.
	Known bool `json:"known"`
	Word  string
}

// orgPage says which parties an organisation answers for, and who belongs to it.
func (s *site) orgPage(w http.ResponseWriter, r *request) error {
	return s.showOrg(w, r, http.StatusOK, "")
}

func (s *site) showOrg(w http.ResponseWriter, r *request, status int, trouble string) error {
	if err := s.staff(r, ""); err != nil {
		return err
	}
	ctx, id := r.Context(), r.PathValue("id")
	o, err := s.opt.Access.Org(ctx, id)
	if err != nil {
		return err
	}
	links, err := s.opt.Access.PartyLinks(ctx, id)
	if err != nil {
		return err
	}
	people, err := s.opt.Access.People(ctx)
	if err != nil {
		return err
	}
	v := orgView{office: s.office(r), ID: o.ID, Name: o.Name, Most: access.MaxParties, Parties: []orgParty{}, People: []personRow{}}
	v.Problem, v.Values = trouble, r.PostForm
	for _, a := range people {
		if a.Org == id {
			v.People = append(v.People, rowOfPerson(a, map[string]string{id: o.Name}))
		}
	}
	told, err := s.c.CountShares(ctx, id)
	if err != nil {
		return err
	}
	for _, l := range links {
		role, _, _ := strings.Cut(l.Party, ":")
		p := orgParty{ID: l.Party, Linked: l.Linked, Told: told[l.Party], Word: roleWord(party.Role(role))}
		p.Name, p.Known = s.c.PartyName(l.Party)
		p.Known = p.Known || p.Told > 0
		v.Parties = append(v.Parties, p)
	}
	if wantsJSON(r) {
		return twin(w, struct {
			ID      string      `json:"id"`
			Name    string      `json:"name"`
			Parties []orgParty  `json:"parties"`
			People  []personRow `json:"people"`
		}{v.ID, v.Name, v.Parties, v.People})
	}
	return s.render(w, r, status, "org", page{Title: visible(o.Name), Here: "orgs", Wide: true, Twin: "/orgs/" + segment(id) + "?format=json", Body: v})
}

func (s *site) orgAction(w http.ResponseWriter, r *request) error {
	id, action := r.PathValue("id"), r.PathValue("action")
	if err := s.admin(r, ""); err != nil {
		return err
	}
	ctx, by, what := r.Context(), r.person.Actor(), r.PostForm.Get("party")
	var err error
	switch action {
	case "link":
		_, err = s.opt.Access.LinkParty(ctx, by, id, what)
	case "unlink":
		err = s.opt.Access.UnlinkParty(ctx, by, id, what)
	default:
		return problem.New(problem.NotFound, "there is no form %q", visible(cut(action, 40)))
	}
	if err != nil {
		return again(err, func(status int, trouble string) error { return s.showOrg(w, r, status, trouble) })
	}
	return s.goTo(w, r, "/orgs/"+segment(id)+"?done="+action)
}

// front is where somebody begins who was not on the way to somewhere: the desk,
// what is asked of them, the accounts they keep, or their own.
func (s *site) front(r *request) string {
	switch {
	case s.may(r, access.Case, "").Allowed:
		return "/desk"
	case s.shares(r, access.Read, "").Allowed:
		return "/asks"
	case s.keeps(r), s.audits(r):
		return "/people"
	}
	return "/me"
}

// readable finds the page on which a form stood: the path itself or the nearest
// above it that can be read. After signing in a path that only takes forms leads
// nowhere.
func (s *site) readable(path string) string {
	for p := path; strings.HasPrefix(p, "/"); {
		u := &url.URL{Path: p}
		if _, pattern := s.reads.Handler(&http.Request{Method: http.MethodGet, URL: u}); pattern != "" {
			return u.String()
		}
		i := strings.LastIndexByte(p, '/')
		if i <= 0 {
			break
		}
		p = p[:i]
	}
	return "/"
}
