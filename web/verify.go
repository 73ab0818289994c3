package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
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
	"bailiwick/problem"
	"bailiwick/rulebook"
	"bailiwick/store"
	"bailiwick/text"
	"bailiwick/verify"
)

// verifications adds the pages of affirmative verification: the public one that
// takes a code, and those of the desk.
func (s *site) verifications(public, desk func(pattern string, h handler)) {
	public("GET /verify/{token}", s.verifyForm)
	public("POST /verify/{token}", s.verifyAnswer)
	if desk == nil {
		return
	}
	desk("GET /desk/verifications", s.verificationList)
	desk("POST /desk/verifications", s.verificationOpen)
	desk("POST /desk/verifications/orders/{order}", s.verificationOrder)
	desk("GET /desk/verifications/{id}", s.verificationPage)
	desk("POST /desk/verifications/{id}/{action}", s.verificationAct)
	desk("GET /desk/verifications/{id}/chain.jsonl", s.verificationChain)
}

var verificationBadges = map[verify.State]badge{
	verify.New:        {"quiet", "new"},
	verify.Moved:      {"quiet", "transferred"},
	verify.Changed:    {"quiet", "changed"},
	verify.Doubted:    {"bad", "doubted"},
	verify.Malformed:  {"bad", "wrong format"},
	verify.Pending:    {"wait", "waits for an answer"},
	verify.Overdue:    {"bad", "not answered in time"},
	verify.Verified:   {"ok", "verified by a code"},
	verify.Manual:     {"ok", "verified by hand"},
	verify.OnHold:     {"bad", "on hold"},
	verify.Terminated: {"quiet", "ended"},
}

// ---- the public page

// verifyView is the page that takes a code. It shows nothing of what the
// registration says but the name: whoever holds the link may be a stranger to it.
type verifyView struct {
	Gone, Done, Over, Held, Refused bool
	Earlier                         bool // the link is of a message to an address that the contact does not name any more
	Problem, Said                   string
	Name, Registrar                 string
	Due                             time.Time
	Hold                            bool
	Typed                           string
	Rest                            bool // of what is asked, something else is still to be answered
}

// A mail server that follows the links of a message, or a reader's preview, asks
// for this page: it changes nothing.
func (s *site) verifyForm(w http.ResponseWriter, r *request) error {
	return s.showVerify(w, r, http.StatusOK, verifyView{})
}

func (s *site) showVerify(w http.ResponseWriter, r *request, status int, v verifyView) error {
	p := page{Title: "Confirm an address", Here: "verify"}
	q, current, err := s.c.VerificationAnswerable(r.Context(), r.PathValue("token"))
	if err != nil {
		d := problem.DocumentOf(err)
		if d.Status >= 500 {
			return err
		}
		p.Body = verifyView{Gone: true, Problem: "This link is not one of ours, or part of it is missing. Please copy the whole of it from the message."}
		return s.render(w, r, d.Status, "verify", p)
	}
	refused, err := s.c.CodesRefused(r.Context(), q)
	if err != nil {
		return err
	}
	registrar, err := s.c.RegistrarOf(r.Context(), q)
	if err != nil {
		return err
	}
	now := s.c.Clock.Now()
	v.Name, v.Registrar, v.Hold, v.Refused = q.Name, registrar, q.Holds(), !refused.IsZero()
	if !current { // what became of it is not for who had the address before
		v.Earlier = true
		p.Body = v
		return s.render(w, r, status, "verify", p)
	}
	v.Done, v.Over, v.Held = q.State.Done(), q.State == verify.Terminated, q.State == verify.OnHold
	v.Rest = v.Said != "" && !v.Done && len(q.Verified) > 0
	if q.Due.After(now) {
		v.Due = q.Due
	}
	p.Body = v
	return s.render(w, r, status, "verify", p)
}

func (s *site) verifyAnswer(w http.ResponseWriter, r *request) error {
	token := r.PathValue("token")
	machine := false
	var code, do string
	if ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ct == "application/json" {
		machine = true
		var in struct {
			Code string `json:"code"`
		}
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
		if err == nil {
			err = json.Unmarshal(b, &in)
		}
		if err != nil {
			problem.Write(w, problem.New(problem.Invalid, "the answer is not JSON of at most %d octets", maxForm))
			return nil
		}
		code = in.Code
	} else {
		if err := parseForm(w, r, maxForm, false); err != nil {
			return err
		}
		code, do = r.PostForm.Get("code"), r.PostForm.Get("do")
	}
	var err error
	said := ""
	switch {
	case !s.rates.allow(s.client(r)):
		err = problem.New(problem.RateLimited, "much came from your address just now: wait a minute")
	case do == "again":
		said = "Another code is on its way. It may take some minutes."
		_, err = s.c.AgainVerification(r.Context(), token)
	case do == "not_mine":
		said = "Thank you. No more codes go to this address, and a person looks into it."
		_, err = s.c.NotMine(r.Context(), token)
	case do == "" || do == "code":
		said = "Thank you. The code is right."
		if strings.TrimSpace(code) == "" {
			err = problem.BadField("code", "is missing: copy it from the message")
			break
		}
		_, err = s.c.AnswerVerification(r.Context(), token, code)
	default:
		err = problem.BadField("do", "is none of code, again and not_mine")
	}
	if machine {
		if err != nil {
			problem.Write(w, err)
		} else {
			w.WriteHeader(http.StatusNoContent)
		}
		return nil
	}
	if err == nil {
		return s.showVerify(w, r, http.StatusOK, verifyView{Said: said})
	}
	d := problem.DocumentOf(err)
	if d.Status >= 500 {
		return err
	}
	v := verifyView{Problem: sentence(d)}
	if len(d.Errors) > 0 && d.Errors[0].Path == "code" {
		v.Problem, v.Typed = "The code "+d.Errors[0].Reason+".", text.Line(code, 200)
	}
	return s.showVerify(w, r, d.Status, v)
}

// ---- the desk

func (s *site) mayVerify(r *request) bool {
	return access.Decide(r.person, access.Work, access.Object{Kind: access.Verification}).Allowed
}

type verificationListView struct {
	Tabs       []tab
	Rows       []verificationRow
	Orders     []orderRow
	Waiting    []waitingRow // the orders that wait, by organisation, where there are several
	MoreOrders string       // the next page of orders
	Shown      string       // which orders are shown, where that is not all of them
	Hook       bool
	Next, Name string
	Work       bool
	CSRF       string
	Problem    string
	D          centre.VerificationDraft
	Profiles   []verify.Profile
	Now        time.Time
}

type verificationRow struct {
	V     centre.Verification
	Badge badge
	Next  string
	At    time.Time
}

type orderRow struct {
	O        store.VerificationOrder
	Whose    string
	May      bool // it can be sent to the registrar's system
	Pending  string
	CSRF, To string // of its form
}

// waitingRow is whose orders wait for a person, and how many.
type waitingRow struct {
	Word, Link string
	N          int
	Here       bool
}

// ordersOf is the page of waiting orders that an address asks for: "of" is an
// organisation, "own" the centre itself.
func ordersOf(q url.Values) (p store.OrderPage, of string) {
	if of = text.Line(q.Get("of"), 64); of != "" {
		p.Of = true
		if of != "own" {
			p.Org = of
		}
	}
	if n, err := strconv.Atoi(q.Get("orders")); err == nil && n > 0 {
		p.Skip = n
	}
	return p, of
}

// waitingRows are nothing where one organisation's orders wait only, and all of them
// are shown.
func waitingRows(waiting map[string]int, of string, names map[string]string) []waitingRow {
	if len(waiting) < 2 && of == "" {
		return nil
	}
	at := func(of string) string {
		if of == "" {
			return "/desk/verifications"
		}
		return "/desk/verifications?" + url.Values{"of": {of}}.Encode()
	}
	out := []waitingRow{{Word: "Everybody’s", Link: at(""), Here: of == ""}}
	for _, org := range slices.Sorted(maps.Keys(waiting)) {
		row := waitingRow{Word: whose(org, names), Link: at(org), N: waiting[org], Here: of == org}
		if org == "" {
			row.Link, row.Here = at("own"), of == "own"
		}
		out[0].N += row.N
		out = append(out, row)
	}
	return out
}

// whose is an organisation in words.
func whose(org string, names map[string]string) string {
	switch n := names[org]; {
	case org == "":
		return "The centre’s own"
	case n != "":
		return n
	}
	return org
}

func orderRowOf(o store.VerificationOrder, hook bool, csrf, to string) orderRow {
	row := orderRow{O: o, May: hook, CSRF: csrf, To: to}
	row.Pending = map[store.OrderState]string{store.OrderDue: "on its way", store.OrderByHand: "waits for a person", store.OrderDone: "done", store.OrderDropped: "not wanted any more"}[o.State]
	return row
}

func verificationRowOf(v centre.Verification) verificationRow {
	row := verificationRow{V: v, Badge: verificationBadges[v.State], At: v.NextDue()}
	switch {
	case v.ByPerson() || v.State == verify.Malformed || v.State == verify.Doubted && !v.Kept:
		row.Next, row.At = "a person", time.Time{}
	case v.State.Done() && !row.At.IsZero():
		row.Next = "over"
	case v.State == verify.Pending && row.At.Equal(v.Remind) && row.At.Before(v.Due):
		row.Next = "a reminder"
	case v.State == verify.Pending:
		row.Next = "the answer"
	case v.State == verify.Overdue:
		row.Next = "the hold"
	}
	return row
}

func (s *site) verificationList(w http.ResponseWriter, r *request) error {
	return s.showVerifications(w, r, http.StatusOK, verificationListView{})
}

func (s *site) showVerifications(w http.ResponseWriter, r *request, status int, v verificationListView) error {
	if v := s.may(r, access.Verification, ""); !v.Allowed {
		return v.Err(r.person)
	}
	q := r.URL.Query()
	f := store.VerificationFilter{Group: store.VerificationsOpen, Name: bare(text.Line(q.Get("name"), 300)), Limit: queuePage + 1, After: text.Line(q.Get("after"), 64)}
	if q.Has("group") {
		f.Group = q.Get("group")
	}
	if f.Name != "" {
		f.Group = ""
	}
	groups := []struct{ word, group string }{{"Waiting", store.VerificationsOpen}, {"In doubt", store.VerificationsDoubt}, {"On hold", store.VerificationsHeld}, {"Verified or over", store.VerificationsDone}, {"All", ""}}
	if !slices.ContainsFunc(groups, func(g struct{ word, group string }) bool { return g.group == f.Group }) {
		return problem.BadField("group", "is none of open, doubt, hold and done")
	}
	all, err := s.c.Verifications(r.Context(), f)
	if err != nil {
		return err
	}
	d, err := s.c.VerificationDesk(r.Context())
	if err != nil {
		return err
	}
	orders, of := ordersOf(q)
	if orders != (store.OrderPage{}) {
		if d.WaitingOrders, err = s.c.WaitingOrders(r.Context(), orders); err != nil {
			return err
		}
	}
	_, orgs, err := s.orgNames(r)
	if err != nil {
		return err
	}
	link := func(group, after string) string {
		u := url.Values{}
		if f.Name != "" && after != "" {
			u.Set("name", f.Name)
		}
		u.Set("group", group)
		if after != "" {
			u.Set("after", after)
		}
		return "/desk/verifications?" + u.Encode()
	}
	v.Now, v.Work, v.Name, v.CSRF, v.Hook = s.c.Clock.Now(), s.mayVerify(r), f.Name, r.csrf, d.Hook
	v.Profiles = s.c.Settings().Verify.Profiles.All()
	if len(all) > queuePage {
		all = all[:queuePage]
		v.Next = link(f.Group, all[queuePage-1].ID)
	}
	if wantsJSON(r) {
		return twin(w, all)
	}
	for _, x := range all {
		v.Rows = append(v.Rows, verificationRowOf(x))
	}
	// What was looked at is what is shown again after an order is settled.
	here := url.Values{}
	if of != "" {
		here.Set("of", of)
	}
	if d.Next > 0 {
		here.Set("orders", strconv.Itoa(d.Next))
		v.MoreOrders = "/desk/verifications?" + here.Encode()
	}
	if here.Del("orders"); orders.Skip > 0 {
		here.Set("orders", strconv.Itoa(orders.Skip))
	}
	to := strings.TrimSuffix("/desk/verifications?"+here.Encode(), "?")
	for _, o := range d.Orders {
		row := orderRowOf(o, d.Hook, r.csrf, to)
		row.Whose = whose(o.Org, orgs)
		v.Orders = append(v.Orders, row)
	}
	v.Waiting = waitingRows(d.Waiting, of, orgs)
	if n := len(d.Orders); n > 0 && (orders.Skip > 0 || d.Next > 0) {
		v.Shown = fmt.Sprintf("Orders %d to %d of %d", orders.Skip+1, orders.Skip+n, d.Of(orders))
	}
	for _, g := range groups {
		t := tab{Word: g.word, Link: link(g.group, ""), Here: f.Name == "" && f.Group == g.group}
		if g.group != "" && g.group != store.VerificationsDone {
			t.N = strconv.Itoa(d.Counts[g.group])
		}
		v.Tabs = append(v.Tabs, t)
	}
	return s.render(w, r, status, "verifications", page{Title: "Verification of contacts", Here: "verifications", Wide: true, Twin: link(f.Group, f.After) + "&format=json", Body: v})
}

func (s *site) verificationOpen(w http.ResponseWriter, r *request) error {
	if _, err := s.opt.Access.Check(r.Context(), r.person, access.Work, access.Object{Kind: access.Verification}); err != nil {
		return err
	}
	f := r.PostForm
	d := centre.VerificationDraft{Name: text.Line(f.Get("name"), 300), Email: text.Line(f.Get("email"), 320), Phone: text.Line(f.Get("phone"), 40), Role: verify.Role(f.Get("role")), Trigger: verify.Trigger(f.Get("trigger")),
		Registrar: text.Line(f.Get("registrar"), 200), Profile: text.Line(f.Get("profile"), 32)}
	v, err := s.c.OpenVerification(r.Context(), d, r.person.Actor())
	if err != nil {
		doc := problem.DocumentOf(err)
		if doc.Status >= 500 {
			return err
		}
		return s.showVerifications(w, r, doc.Status, verificationListView{D: d, Problem: strings.Join(problems(err, verificationOrigin), " ")})
	}
	headers(w)
	http.Redirect(w, r.Request, "/desk/verifications/"+segment(v.ID), http.StatusSeeOther)
	return nil
}

// verificationOrigin names a field as its form does.
func verificationOrigin(path string) string {
	if w, ok := map[string]string{"name": "The name", "email": "The mail address", "phone": "The telephone number", "role": "Whose contact it is", "profile": "The profile", "text": "The words", "evidence": "The evidence",
		"digest": "The document or its digest", "document": "The document", "held_by": "Who holds the document", "audit": "The ticket", "claims": "What it shows", "code": "The code"}[path]; ok {
		return w
	}
	return path
}

func (s *site) verificationOrder(w http.ResponseWriter, r *request) error {
	if _, err := s.opt.Access.Check(r.Context(), r.person, access.Work, access.Object{Kind: access.Verification}); err != nil {
		return err
	}
	err := s.c.SettleOrder(r.Context(), r.PathValue("order"), r.person.Actor(), r.PostForm.Get("do"))
	if err != nil {
		doc := problem.DocumentOf(err)
		if doc.Status >= 500 || doc.Status == http.StatusNotFound {
			return err
		}
		return s.showVerifications(w, r, doc.Status, verificationListView{Problem: sentence(doc)})
	}
	headers(w)
	http.Redirect(w, r.Request, local(r.PostForm.Get("to"), "/desk/verifications"), http.StatusSeeOther)
	return nil
}

type verificationView struct {
	V                                 centre.Verification
	Badge                             badge
	Next                              verificationRow
	Rule, Times                       string
	Caveat                            string
	Claims                            []claimRow
	Log                               []moment
	Words                             []centre.Word
	Personal, Work                    bool
	Seq                               int
	CSRF, Problem, Done               string
	Mailbox, Phone                    string // the contact, when asked for
	Read                              bool
	Code                              *centre.TakenCode
	Salt, Digest                      string
	Waiting                           []verify.Waiting
	Orders                            []orderRow
	Refused                           time.Time
	Methods, Evidence, Grounds        verify.Words
	MaySend, MayCode, MaySuspend, Any bool
	Now                               time.Time
}

type claimRow struct {
	Claim, Word string
	Asked       bool
	R           *verify.Record
	How         string
}

func (s *site) verificationPage(w http.ResponseWriter, r *request) error {
	done := map[string]string{"send": "A code is on its way.", "code": "The code is right.", "evidence": "Recorded.", "doubt": "Recorded: what was verified counts no more.", "suspend": "Put on hold.", "release": "Released.", "sanction": "Recorded.",
		"note": "Noted.", "sent": "Recorded.", "allow": "Codes may go there again.", "gone": "Recorded."}[r.URL.Query().Get("done")]
	return s.showVerification(w, r, http.StatusOK, verificationView{Done: done})
}

func (s *site) showVerification(w http.ResponseWriter, r *request, status int, v verificationView) error {
	id := r.PathValue("id")
	q, err := s.c.Verification(r.Context(), id)
	if err != nil {
		return err
	}
	seen, err := s.look(r, access.Verification, id)
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		return twin(w, q)
	}
	es, err := s.c.VerificationEvents(r.Context(), id)
	if err != nil {
		return err
	}
	if v.Waiting, err = s.c.WaitingCodes(r.Context(), id); err != nil {
		return err
	}
	if v.Refused, err = s.c.CodesRefused(r.Context(), q); err != nil {
		return err
	}
	orders, err := s.c.VerificationOrders(r.Context(), id)
	if err != nil {
		return err
	}
	for _, o := range orders {
		v.Orders = append(v.Orders, orderRowOf(o, s.c.Hook != nil, r.csrf, "/desk/verifications/"+segment(id)))
	}
	v.V, v.Badge, v.Next, v.Seq, v.CSRF, v.Now = q, verificationBadges[q.State], verificationRowOf(q), q.Seq, r.csrf, s.c.Clock.Now()
	v.Rule, v.Caveat = q.Terms.Profile.Name, q.Caveat()
	rule := q.Terms.Profile.Rule(q.Trigger)
	v.Times = "an answer within " + rule.Due.Words()
	if q.Holds() {
		v.Times += ", a hold after " + rule.Hold.Words()
	} else {
		v.Times += "; no clock puts the name on hold"
	}
	for _, c := range verify.Claims() {
		k := verify.Claim(c.Code)
		if q.Contact[k] == "" && !slices.Contains(rule.Verify, k) {
			continue
		}
		row := claimRow{Claim: c.Code, Word: c.Means, Asked: slices.Contains(rule.Verify, k)}
		if x, ok := q.Verified[k]; ok {
			row.R, row.How = &x, verify.Methods().Means(string(x.Method))
		}
		v.Claims = append(v.Claims, row)
	}
	if v.Personal = !seen.Redact; v.Personal {
		if v.Words, err = centre.VerificationWords(es); err != nil {
			return err
		}
	}
	for _, e := range slices.Backward(es) {
		if e.Kind != verify.KindWords {
			v.Log = append(v.Log, verificationMoment(e))
		}
	}
	v.Work = s.mayVerify(r)
	v.Methods, v.Evidence, v.Grounds = verify.Methods(), verify.EvidenceTypes(), nil
	v.Methods = slices.DeleteFunc(v.Methods, func(w rulebook.Word) bool { return strings.HasSuffix(w.Code, "_code") })
	for _, g := range q.Terms.Profile.Sanction.Grounds {
		v.Grounds = append(v.Grounds, rulebook.Word{Code: string(g), Means: verify.Grounds().Means(string(g))})
	}
	open := q.State != verify.Terminated
	v.Any = open
	v.MaySend = open && !q.State.Done() && q.Valid && q.Kept && v.Refused.IsZero()
	v.MayCode = open && !q.State.Done() && len(q.Codes) > 0
	v.MaySuspend = q.State == verify.Overdue && len(q.Terms.Profile.Statuses) > 0
	return s.render(w, r, status, "verification", page{Title: "Verification " + q.Name, Here: "verifications", Wide: true, Twin: "/desk/verifications/" + segment(id) + "?format=json", Body: v})
}

func day(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// verificationMoment says an event in words.
func verificationMoment(e casework.Entry) moment {
	m := moment{What: string(e.Kind), At: e.At, Who: e.Actor, Seq: e.Seq}
	switch m.Who {
	case casework.Centre:
		m.Who = "the centre"
	case "holder:" + e.Case:
		m.Who = "the holder"
	}
	if e.Payload == nil {
		return m
	}
	switch e.Kind {
	case verify.KindOpened:
		if b, ok := payload[verify.Opening](e); ok {
			m.What = "opened: " + string(b.Round.Trigger)
			m.Meta = append(m.Meta, "answer due "+day(b.Round.Due))
		}
	case verify.KindChanged:
		m.What = "the contact says something else now"
	case verify.KindFormatGood:
		m.What = "the format is right"
	case verify.KindFormatBad:
		m.Tone, m.What = "bad", "the format is wrong: no code is sent"
		if b, ok := payload[verify.Format](e); ok {
			for _, f := range b.Failures {
				m.Meta = append(m.Meta, string(f.Claim)+": "+f.Reason)
			}
		}
	case verify.KindIssued:
		if b, ok := payload[verify.Issued](e); ok {
			m.What = fmt.Sprintf("code %d to be sent, %s", b.N, map[bool]string{true: "by mail", false: "by telephone"}[b.Method == verify.ByMail])
			m.Meta = append(m.Meta, "good until "+day(b.Expires))
		}
	case verify.KindDisowned:
		m.What, m.Tone = "whoever reads mail at the address says that they know nothing of the name: no more codes go there", "bad"
	case verify.KindAllowed:
		m.What = "codes may go to the address again"
	case verify.KindGone:
		if b, ok := payload[verify.Gone](e); ok {
			m.What = "the registration is gone: " + verify.Departures().Means(string(b.How))
		}
	case verify.KindMade:
		if b, ok := payload[verify.Made](e); ok {
			m.What = fmt.Sprintf("code %d made, as it leaves", b.N)
		}
	case verify.KindDelivered, verify.KindFailed, verify.KindInDoubt:
		if b, ok := payload[verify.Message](e); ok {
			m.What = fmt.Sprintf("code %d %s", b.N, map[casework.Kind]string{verify.KindDelivered: "was taken by the receiving side", verify.KindFailed: "was not delivered", verify.KindInDoubt: "may have been delivered, or not"}[e.Kind])
			if b.Bounced {
				m.What = fmt.Sprintf("code %d came back", b.N)
			}
			if e.Kind == verify.KindFailed {
				m.Tone = "bad"
			}
			if b.Full {
				m.Meta = append(m.Meta, "the mailbox was full")
			}
			if b.Response != "" {
				m.Meta = append(m.Meta, b.Response)
			}
		}
	case verify.KindWrong:
		if b, ok := payload[verify.WrongCode](e); ok {
			m.Tone, m.What = "bad", fmt.Sprintf("a wrong code for message %d; %d attempts are left", b.N, b.Left)
		}
	case verify.KindReturned:
		m.Tone, m.What = "ok", "the code came back"
	case verify.KindAttested:
		if b, ok := payload[verify.Attested](e); ok {
			m.What = "a person saw evidence: " + string(b.Record.Result)
			m.Meta = append(m.Meta, verify.Methods().Means(string(b.Record.Method)), "ticket "+b.Record.Audit)
			if b.Record.Digest != "" {
				m.Meta = append(m.Meta, verify.EvidenceTypes().Means(string(b.Record.Evidence))+", held by "+b.Record.HeldBy)
			}
			if m.Tone = "ok"; b.Record.Result != verify.Pass {
				m.Tone = "bad"
			}
		}
	case verify.KindReused:
		m.Tone, m.What = "ok", "the same contact was verified before"
	case verify.KindDoubted:
		m.Tone = "bad"
		if b, ok := payload[verify.InDoubt](e); ok {
			m.What = "in doubt: " + map[verify.Cause]string{verify.Bounce: "mail came back", verify.Full: "the mailbox stays full", verify.Complaint: "a complaint was upheld", verify.Contrary: "evidence speaks against it", verify.Expired: "its time is over"}[b.Cause]
			if b.Evidence != "" {
				m.Meta = append(m.Meta, b.Evidence)
			}
		}
	case verify.KindOver:
		if b, ok := payload[verify.TimeOver](e); ok {
			m.Tone, m.What = "bad", "the time for the "+b.Of+" is over"
		}
	case verify.KindHeld:
		if b, ok := payload[verify.Held](e); ok {
			m.Tone, m.What = "bad", "put on hold: "+strings.ReplaceAll(b.Cause, "_", " ")
			m.Meta = append(m.Meta, b.Statuses...)
		}
	case verify.KindReleased:
		m.Tone, m.What = "ok", "the hold is released"
	case verify.KindOrder:
		if b, ok := payload[verify.Settled](e); ok {
			m.What = "the order to " + b.Order + ": " + map[verify.OrderResult]string{verify.OrderDone: "done", verify.OrderAlready: "it was so already", verify.OrderByHand: "a person has to", verify.OrderDropped: "not wanted any more",
				verify.OrderLetGo: "let go to the registrar’s system"}[b.Result]
		}
	}
	return m
}

func (s *site) verificationAct(w http.ResponseWriter, r *request) error {
	ctx, id, action, f, by := r.Context(), r.PathValue("id"), r.PathValue("action"), r.PostForm, r.person.Actor()
	if _, err := s.opt.Access.Check(ctx, r.person, access.Work, access.Object{Kind: access.Verification, ID: id}); err != nil {
		return err
	}
	seq, err := strconv.Atoi(f.Get("seq"))
	if err != nil || seq < 1 {
		return problem.BadField("seq", "is missing: reload the page")
	}
	give := func(cmd verify.Command) error {
		_, err := s.c.ActVerification(ctx, id, seq, cmd)
		return err
	}
	words := f.Get("text")
	number, _ := strconv.Atoi(f.Get("number")) // 0 is no code
	var v verificationView
	switch action {
	case "send":
		m := verify.ByMail
		if f.Get("way") == "phone" {
			m = verify.ByMessage
		}
		_, err = s.c.SendCode(ctx, id, seq, by, m)
	case "code":
		_, err = s.c.ReturnCode(ctx, id, by, f.Get("code"))
	case "take":
		var k centre.TakenCode
		if k, err = s.c.TakeCode(ctx, r.person, id, number); err == nil {
			return s.showVerification(w, r, http.StatusOK, verificationView{Code: &k})
		}
	case "sent":
		_, err = s.c.SentCode(ctx, id, number, f.Get("out") == "yes")
	case "evidence":
		if v, err = s.attest(r, id, seq); err == nil && v.Salt != "" {
			return s.showVerification(w, r, http.StatusOK, v)
		}
	case "doubt":
		_, err = s.c.DoubtVerification(ctx, id, seq, by, verify.Claim(f.Get("claim")), strings.TrimSpace(f.Get("evidence")), words)
	case "suspend":
		err = give(verify.Suspend{By: by, Text: words})
	case "release":
		err = give(verify.Release{By: by, Text: words})
	case "sanction":
		err = give(verify.Sanction{By: by, Ground: verify.Ground(f.Get("ground")), End: f.Get("end") == "yes", Text: words})
	case "note":
		err = give(verify.Note{By: by, Text: words})
	case "allow":
		_, err = s.c.AllowCodes(ctx, id, by, words)
	case "gone":
		how := verify.Departure(f.Get("how"))
		if how == verify.Replaced {
			how = "" // whoever has the name now is opened, which says so
		}
		_, err = s.c.LeaveVerification(ctx, id, seq, by, how)
	case "read":
		v.Read = true
		if v.Mailbox, v.Phone, err = s.c.ReadVerifiedContact(ctx, r.person, id, f.Get("reason")); err == nil {
			return s.showVerification(w, r, http.StatusOK, v)
		}
	default:
		return problem.New(problem.NotFound, "the page of a verification has no form %q", visible(cut(action, 40)))
	}
	if err == nil {
		headers(w)
		http.Redirect(w, r.Request, "/desk/verifications/"+segment(id)+"?done="+action, http.StatusSeeOther)
		return nil
	}
	d := problem.DocumentOf(err)
	if d.Status >= 500 || d.Status == http.StatusNotFound && action != "read" && action != "take" {
		return err
	}
	said := sentence(d)
	var e *problem.Error
	if errors.As(err, &e) && len(e.Fields) > 0 {
		said = strings.Join(problems(err, verificationOrigin), " ")
	}
	return s.showVerification(w, r, d.Status, verificationView{Problem: said})
}

// attest records what a person saw. A file is digested here and kept nowhere.
func (s *site) attest(r *request, id string, seq int) (verificationView, error) {
	f := r.PostForm
	a := verify.Attest{By: r.person.Actor(), Level: verify.Level(f.Get("level")), Method: verify.Method(f.Get("method")), Evidence: verify.Evidence(f.Get("evidence")), Digest: strings.ToLower(strings.TrimSpace(f.Get("digest"))),
		HeldBy: strings.TrimSpace(f.Get("held_by")), Audit: strings.TrimSpace(f.Get("audit")), Framework: strings.TrimSpace(f.Get("framework")), Result: verify.Result(f.Get("result")), Text: f.Get("text")}
	for _, c := range f["claim"] {
		a.Claims = append(a.Claims, verify.Claim(c))
	}
	var document io.Reader
	if r.MultipartForm != nil {
		if files := r.MultipartForm.File["document"]; len(files) > 0 && files[0].Size > 0 {
			file, err := files[0].Open()
			if err != nil {
				return verificationView{}, problem.Wrap(err, problem.Invalid, "the file could not be read")
			}
			defer file.Close()
			document = file
		}
	}
	v, salt, err := s.c.AttestVerification(r.Context(), id, seq, a, document)
	if err != nil {
		return verificationView{}, err
	}
	out := verificationView{Done: "Recorded.", Salt: salt}
	for _, r := range v.Verified {
		if salt != "" && r.Digest != "" && r.Verifier == a.By {
			out.Digest = r.Digest
		}
	}
	return out, nil
}

func (s *site) verificationChain(w http.ResponseWriter, r *request) error {
	if v := s.may(r, access.Verification, r.PathValue("id")); !v.Allowed {
		return v.Err(r.person)
	}
	var b strings.Builder
	if err := s.c.ExportVerification(r.Context(), &b, r.PathValue("id"), false); err != nil {
		return err
	}
	headers(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	_, _ = io.WriteString(w, b.String())
	return nil
}
