package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/text"
)

// The pages of people and keys, for administrators; of the access log, for
// auditors; and of one's own account, for everybody who is signed in. Each asks
// access.Decide for itself: none of this comes with the desk.

// account lets through who is signed in, and only forms that belong to their
// session. What they may do there, each page asks.
func (s *site) account(h handler) handler {
	return func(w http.ResponseWriter, r *request) error {
		if v := access.Decide(r.person, access.Own, access.Object{Kind: access.OwnAccount}); !v.Allowed {
			return v.Err(r.person)
		}
		if r.Method == http.MethodPost {
			if err := parseForm(w, r, maxForm, false); err != nil {
				return err
			}
			if err := access.CheckCSRF(r.token, r.PostForm.Get("csrf")); err != nil {
				return err
			}
		}
		return h(w, r)
	}
}

// admin asks whether people may be kept by who asks, and logs the look: names and
// logins are personal data.
func (s *site) admin(r *request, id string) error {
	_, err := s.opt.Access.Check(r.Context(), r.person, access.Administer, access.Object{Kind: access.User, ID: id, Personal: true})
	return err
}

// staff asks whether people may be seen: by who keeps them, or by who audits.
func (s *site) staff(r *request, id string) error {
	if s.keeps(r) {
		return s.admin(r, id)
	}
	_, err := s.opt.Access.Check(r.Context(), r.person, access.Audit, access.Object{Kind: access.User, ID: id, Personal: true})
	return err
}

// keeps says whether somebody keeps people and keys; audits, whether they read the
// access log. Nothing is shown by that, so nothing is logged.
func (s *site) keeps(r *request) bool {
	return access.Decide(r.person, access.Administer, access.Object{Kind: access.User, Personal: true}).Allowed
}

func (s *site) audits(r *request) bool {
	return access.Decide(r.person, access.Audit, access.Object{Kind: access.AccessLog, Personal: true}).Allowed
}

// office is what the pages of people share.
type office struct {
	Keeps    bool // may change what is shown
	CSRF     string
	Problem  string
	Done     string
	Now      time.Time
	Roles    []roleOption
	Values   url.Values // what a form was sent with
	LinkLife int        // hours
}

type roleOption struct {
	Role    access.Role
	About   string
	Checked bool
}

// abouts say what a role is for. docs/operate.md has more.
var abouts = map[access.Role]string{
	access.Admin: "keeps people, keys and settings", access.Analyst: "works cases", access.Viewer: "reads, without personal data",
	access.Auditor: "reads logs, and who looked at what", access.Member: "an outside organisation", access.API: "a program that sends reports", access.Registrar: "a registrar’s system, or who keeps it: opens verifications and follows them",
}

func (s *site) office(r *request) office {
	o := office{Keeps: s.keeps(r), CSRF: r.csrf, Now: s.c.Clock.Now(), LinkLife: int(access.LinkLife / time.Hour), Done: doneOffice[r.URL.Query().Get("done")]}
	return o
}

// options are the roles with those checked that somebody has.
func options(have []access.Role, of ...access.Role) (out []roleOption) {
	for _, role := range of {
		out = append(out, roleOption{role, abouts[role], slices.Contains(have, role)})
	}
	return out
}

var doneOffice = map[string]string{
	"roles": "The roles are kept. They hold from the next request on.", "disable": "Barred: sessions and links are over, keys stop.", "enable": "May sign in again.",
	"delete": "Deleted. Logs keep the reference, which names nobody now.", "revoke": "The key is revoked, for good.", "org": "The organisation is added.", "link": "The organisation answers for it. Its members see what it was told.", "unlink": "The organisation does not answer for it any more.",
	"password": "Your password is set. Your other sessions are over.", "end": "That session is over.", "others": "Your other sessions are over.",
}

// again shows a form's trouble on its own page; what no form can mend stays an
// error.
func again(err error, show func(status int, trouble string) error) error {
	d := problem.DocumentOf(err)
	if d.Status >= 500 || d.Status == http.StatusNotFound || access.Unknown(err) {
		return err
	}
	trouble := sentence(d)
	for _, f := range d.Errors {
		if !strings.Contains(trouble, f.Reason) {
			trouble += " " + f.Path + " " + f.Reason + "."
		}
	}
	return show(d.Status, trouble)
}

func (s *site) goTo(w http.ResponseWriter, r *request, path string) error {
	headers(w)
	http.Redirect(w, r.Request, path, http.StatusSeeOther)
	return nil
}

// onceView is what is shown once and kept nowhere.
type onceView struct {
	Title, For, Secret, Note, Back string
	Link                           bool
}

func (s *site) once(w http.ResponseWriter, r *request, v onceView) error {
	return s.render(w, r, http.StatusOK, "once", page{Title: v.Title, Here: "people", Body: v})
}

// linkOnce shows a one-time link.
func (s *site) linkOnce(w http.ResponseWriter, r *request, a access.Account, link string) error {
	return s.once(w, r, onceView{Title: "A link for " + visible(a.Name), For: a.Login, Secret: s.c.Settings().BaseURL + access.WelcomePath + link, Link: true, Back: "/people/" + segment(a.ID),
		Note: "It is good once, for " + count(int(access.LinkLife/time.Hour), "hour", "hours") + ", and sets the password. Whoever has it becomes this person: give it to them alone."})
}

// keyOnce shows an API key.
func (s *site) keyOnce(w http.ResponseWriter, r *request, a access.Account, k access.Key, secret, back string) error {
	return s.once(w, r, onceView{Title: "A key for " + visible(a.Name), For: k.Name, Secret: secret, Back: back,
		Note: "It is not shown again, and only its digest is kept. Programs send it as “Authorization: Bearer …”."})
}

// personRow is a person as a page shows them, and as its twin does.
type personRow struct {
	ID       string        `json:"id"`
	Login    string        `json:"login"`
	Name     string        `json:"name"`
	Org      string        `json:"org,omitempty"`
	Roles    []access.Role `json:"roles"`
	Created  time.Time     `json:"created"`
	Waiting  bool          `json:"waiting,omitempty"`
	Disabled time.Time     `json:"disabled,omitzero"`
}

func (p personRow) State() badge {
	switch {
	case !p.Disabled.IsZero():
		return badge{"bad", "barred"}
	case p.Waiting:
		return badge{"wait", "has no password yet"}
	}
	return badge{"ok", "may sign in"}
}

func (s *site) orgNames(r *request) ([]access.Org, map[string]string, error) {
	orgs, err := s.opt.Access.Orgs(r.Context())
	names := map[string]string{}
	for _, o := range orgs {
		names[o.ID] = o.Name
	}
	return orgs, names, err
}

func rowOfPerson(a access.Account, orgs map[string]string) personRow {
	return personRow{ID: a.ID, Login: a.Login, Name: a.Name, Org: orgs[a.Org], Roles: a.Roles, Created: a.Created, Waiting: a.Password == "", Disabled: a.Disabled}
}

type peopleView struct {
	office
	Rows []personRow
	Orgs []access.Org
}

func (s *site) people(w http.ResponseWriter, r *request) error {
	return s.showPeople(w, r, http.StatusOK, "")
}

func (s *site) showPeople(w http.ResponseWriter, r *request, status int, trouble string) error {
	if err := s.staff(r, ""); err != nil {
		return err
	}
	all, err := s.opt.Access.People(r.Context())
	if err != nil {
		return err
	}
	orgs, names, err := s.orgNames(r)
	if err != nil {
		return err
	}
	v := peopleView{office: s.office(r), Orgs: orgs, Rows: []personRow{}}
	v.Problem, v.Values = trouble, r.PostForm
	for _, a := range all {
		v.Rows = append(v.Rows, rowOfPerson(a, names))
	}
	if wantsJSON(r) {
		return twin(w, v.Rows)
	}
	v.Roles = options([]access.Role{access.Analyst}, access.Roles()...)
	return s.render(w, r, status, "people", page{Title: "People", Here: "people", Wide: true, Twin: "/people?format=json", Body: v})
}

// roles are those a form ticked.
func formRoles(r *request) ([]access.Role, error) {
	return access.ParseRoles(strings.Join(r.PostForm["role"], ","))
}

func (s *site) addPerson(w http.ResponseWriter, r *request) error {
	if err := s.admin(r, ""); err != nil {
		return err
	}
	var a access.Account
	var link string
	roles, err := formRoles(r)
	if err == nil {
		a, err = s.opt.Access.AddPerson(r.Context(), r.person.Actor(), access.NewPerson{Login: r.PostForm.Get("login"), Name: r.PostForm.Get("name"), Org: r.PostForm.Get("org"), Roles: roles})
	}
	if err == nil {
		link, err = s.opt.Access.Invite(r.Context(), r.person.Actor(), a.ID)
	}
	if err != nil {
		return again(err, func(status int, trouble string) error { return s.showPeople(w, r, status, trouble) })
	}
	return s.linkOnce(w, r, a, link)
}

type personView struct {
	office
	P    personRow
	Org  string // id
	Orgs []access.Org
	Keys []keyRow
	// KeyRoles are those a key of this person may have.
	KeyRoles []roleOption
	Self     bool
}

func (s *site) personPage(w http.ResponseWriter, r *request) error {
	return s.showPerson(w, r, http.StatusOK, "")
}

func (s *site) showPerson(w http.ResponseWriter, r *request, status int, trouble string) error {
	id := r.PathValue("id")
	if err := s.staff(r, id); err != nil {
		return err
	}
	a, err := s.opt.Access.Person(r.Context(), id)
	if err != nil {
		return err
	}
	orgs, names, err := s.orgNames(r)
	if err != nil {
		return err
	}
	keys, err := s.opt.Access.Keys(r.Context(), id)
	if err != nil {
		return err
	}
	v := personView{office: s.office(r), P: rowOfPerson(a, names), Org: a.Org, Orgs: orgs, Self: id == r.person.ID, KeyRoles: keyRoles(a)}
	v.Problem, v.Values, v.Roles = trouble, r.PostForm, options(a.Roles, access.Roles()...)
	for _, k := range keys {
		v.Keys = append(v.Keys, rowOfKey(k, a.Login, v.Now))
	}
	if wantsJSON(r) {
		return twin(w, struct {
			personRow
			Keys []keyRow `json:"keys"`
		}{v.P, v.Keys})
	}
	return s.render(w, r, status, "person", page{Title: visible(a.Name), Here: "people", Wide: true, Twin: "/people/" + segment(id) + "?format=json", Body: v})
}

// keyRoles are the roles a key may have: its owner's, and "api".
func keyRoles(a access.Account) []roleOption {
	of := slices.Clone(a.Roles)
	if !slices.Contains(of, access.API) {
		of = append(of, access.API)
	}
	return options([]access.Role{access.API}, of...)
}

func (s *site) personAction(w http.ResponseWriter, r *request) error {
	id, action := r.PathValue("id"), r.PathValue("action")
	if err := s.admin(r, id); err != nil {
		return err
	}
	a, err := s.opt.Access.Person(r.Context(), id)
	if err != nil {
		return err
	}
	ctx, by, back := r.Context(), r.person.Actor(), "/people/"+segment(id)
	trouble := func(err error) error {
		return again(err, func(status int, trouble string) error { return s.showPerson(w, r, status, trouble) })
	}
	switch action {
	case "link":
		link, err := s.opt.Access.Invite(ctx, by, id)
		if err != nil {
			return trouble(err)
		}
		return s.linkOnce(w, r, a, link)
	case "key":
		secret, k, err := s.newKey(r, id)
		if err != nil {
			return trouble(err)
		}
		return s.keyOnce(w, r, a, k, secret, back)
	case "roles":
		var roles []access.Role
		if roles, err = formRoles(r); err == nil {
			err = s.setRoles(r, a, roles, r.PostForm.Get("org"))
		}
	case "disable", "enable":
		err = s.opt.Access.SetDisabled(ctx, by, id, action == "disable")
	case "delete":
		if r.PostForm.Get("sure") != "yes" {
			return trouble(problem.BadField("sure", "tick that you are sure: this cannot be taken back"))
		}
		if err = s.opt.Access.Delete(ctx, by, id); err == nil {
			back = "/people"
		}
	default:
		return problem.New(problem.NotFound, "there is no form %q", visible(cut(action, 40)))
	}
	if err != nil {
		return trouble(err)
	}
	return s.goTo(w, r, back+"?done="+action)
}

// setRoles changes roles and organisation. A member needs an organisation, so it is
// given one before it becomes a member, and loses it after.
func (s *site) setRoles(r *request, a access.Account, roles []access.Role, org string) error {
	ctx, by := r.Context(), r.person.Actor()
	if org != "" && org != a.Org {
		if err := s.opt.Access.SetOrg(ctx, by, a.ID, org); err != nil {
			return err
		}
	}
	if !slices.Equal(roles, a.Roles) {
		if err := s.opt.Access.SetRoles(ctx, by, a.ID, roles); err != nil {
			return err
		}
	}
	if org == "" && a.Org != "" {
		return s.opt.Access.SetOrg(ctx, by, a.ID, "")
	}
	return nil
}

// newKey makes a key of what a form says, for somebody.
func (s *site) newKey(r *request, owner string) (string, access.Key, error) {
	roles, err := formRoles(r)
	if err != nil {
		return "", access.Key{}, err
	}
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil || days < 0 || days > 36500 {
		return "", access.Key{}, problem.BadField("days", "must be a number from 0, which is without end, to 36500")
	}
	var expires time.Time
	if days > 0 {
		expires = s.c.Clock.Now().AddDate(0, 0, days)
	}
	return s.opt.Access.NewKey(r.Context(), r.person.Actor(), owner, r.PostForm.Get("name"), roles, expires)
}

// keyRow is a key as shown. Of the key itself nothing is kept.
type keyRow struct {
	ID      string        `json:"id"`
	Name    string        `json:"name"`
	Owner   string        `json:"owner"` // login name
	OwnerID string        `json:"owner_id"`
	Roles   []access.Role `json:"roles"`
	Created time.Time     `json:"created"`
	Expires time.Time     `json:"expires,omitzero"`
	Revoked time.Time     `json:"revoked,omitzero"`
	Used    time.Time     `json:"used,omitzero"`
	State   badge         `json:"-"`
	Good    bool          `json:"good"`
}

func rowOfKey(k access.Key, owner string, now time.Time) keyRow {
	row := keyRow{ID: k.ID, Name: k.Name, Owner: owner, OwnerID: k.Owner, Roles: k.Roles, Created: k.Created, Expires: k.Expires, Revoked: k.Revoked, Used: k.Used}
	switch {
	case !k.Revoked.IsZero():
		row.State = badge{"quiet", "revoked"}
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		row.State = badge{"quiet", "over"}
	default:
		row.State, row.Good = badge{"ok", "good"}, true
	}
	return row
}

type keysView struct {
	office
	Rows []keyRow
}

func (s *site) keys(w http.ResponseWriter, r *request) error {
	return s.showKeys(w, r, http.StatusOK, "")
}

func (s *site) showKeys(w http.ResponseWriter, r *request, status int, trouble string) error {
	if err := s.staff(r, ""); err != nil {
		return err
	}
	all, err := s.opt.Access.Keys(r.Context(), "")
	if err != nil {
		return err
	}
	people, err := s.opt.Access.People(r.Context())
	if err != nil {
		return err
	}
	logins := map[string]string{}
	for _, a := range people {
		logins[a.ID] = a.Login
	}
	v := keysView{office: s.office(r), Rows: []keyRow{}}
	v.Problem = trouble
	for _, k := range all {
		v.Rows = append(v.Rows, rowOfKey(k, logins[k.Owner], v.Now))
	}
	if wantsJSON(r) {
		return twin(w, v.Rows)
	}
	return s.render(w, r, status, "keys", page{Title: "Keys", Here: "keys", Wide: true, Twin: "/keys?format=json", Body: v})
}

func (s *site) revokeKey(w http.ResponseWriter, r *request) error {
	id := r.PathValue("id")
	if err := s.admin(r, id); err != nil {
		return err
	}
	if err := s.opt.Access.RevokeKey(r.Context(), r.person.Actor(), id); err != nil {
		return again(err, func(status int, trouble string) error { return s.showKeys(w, r, status, trouble) })
	}
	return s.goTo(w, r, "/keys?done=revoke")
}

type orgsView struct {
	office
	Rows []orgRow
}

type orgRow struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	People  int       `json:"people"`
	Parties int       `json:"parties"` // it answers for
	Created time.Time `json:"created"`
}

func (s *site) orgs(w http.ResponseWriter, r *request) error {
	return s.showOrgs(w, r, http.StatusOK, "")
}

func (s *site) showOrgs(w http.ResponseWriter, r *request, status int, trouble string) error {
	if err := s.staff(r, ""); err != nil {
		return err
	}
	orgs, _, err := s.orgNames(r)
	if err != nil {
		return err
	}
	people, err := s.opt.Access.People(r.Context())
	if err != nil {
		return err
	}
	links, err := s.opt.Access.PartyLinks(r.Context(), "")
	if err != nil {
		return err
	}
	v := orgsView{office: s.office(r), Rows: []orgRow{}}
	v.Problem, v.Values = trouble, r.PostForm
	for _, o := range orgs {
		row := orgRow{ID: o.ID, Name: o.Name, Created: o.Created}
		for _, a := range people {
			if a.Org == o.ID {
				row.People++
			}
		}
		for _, l := range links {
			if l.Org == o.ID {
				row.Parties++
			}
		}
		v.Rows = append(v.Rows, row)
	}
	if wantsJSON(r) {
		return twin(w, v.Rows)
	}
	return s.render(w, r, status, "orgs", page{Title: "Organisations", Here: "orgs", Wide: true, Twin: "/orgs?format=json", Body: v})
}

func (s *site) addOrg(w http.ResponseWriter, r *request) error {
	if err := s.admin(r, ""); err != nil {
		return err
	}
	if _, err := s.opt.Access.AddOrg(r.Context(), r.person.Actor(), r.PostForm.Get("name")); err != nil {
		return again(err, func(status int, trouble string) error { return s.showOrgs(w, r, status, trouble) })
	}
	return s.goTo(w, r, "/orgs?done=org")
}

// logPage is how many lines of the access log one page holds.
const logPage = 100

// logFilter is a page of the access log as its address says it.
type logFilter struct {
	Who, Act, Kind, Object string
	Before                 int64
}

func (f logFilter) link(change ...string) string {
	v := url.Values{}
	set := func(k, x string) {
		if v.Del(k); x != "" {
			v.Set(k, x)
		}
	}
	set("who", f.Who)
	set("act", f.Act)
	set("kind", f.Kind)
	set("object", f.Object)
	for i := 0; i+1 < len(change); i += 2 {
		set(change[i], change[i+1])
	}
	return "/access-log?" + v.Encode()
}

type logView struct {
	office
	Filter      logFilter
	Rows        []logRow
	Acts        []access.Act
	Kinds       []access.Kind
	Next, First string
}

type logRow struct {
	ID      int64          `json:"id"`
	At      time.Time      `json:"at"`
	Actor   string         `json:"actor"`
	Act     access.Act     `json:"act"`
	Purpose access.Purpose `json:"purpose,omitempty"`
	Kind    access.Kind    `json:"kind"`
	Object  string         `json:"object,omitempty"`
	Detail  string         `json:"detail,omitempty"`
	Name    string         `json:"-"`
	Person  string         `json:"-"` // reference of the person alone, to filter by
	// Thing is whom or what it was done with, in words, and its address.
	Thing, Link string `json:"-"`
}

// acts are what the access log keeps.
var acts = []access.Act{access.Looked, access.SignedIn, access.SignedOut, access.Changed, access.Dropped}

func (s *site) accessLog(w http.ResponseWriter, r *request) error {
	if _, err := s.opt.Access.Check(r.Context(), r.person, access.Audit, access.Object{Kind: access.AccessLog, Personal: true}); err != nil {
		return err
	}
	q := r.URL.Query()
	f := logFilter{Who: text.Line(q.Get("who"), 120), Act: q.Get("act"), Kind: q.Get("kind"), Object: text.Line(q.Get("object"), 120)}
	if b := q.Get("before"); b != "" {
		n, err := strconv.ParseInt(b, 10, 64)
		if err != nil || n < 1 {
			return problem.BadField("before", "is not the place of a page")
		}
		f.Before = n
	}
	if f.Act != "" && !slices.Contains(acts, access.Act(f.Act)) {
		return problem.BadField("act", "%.40q is no act that is kept", f.Act)
	}
	if f.Kind != "" && !slices.Contains(access.Kinds(), access.Kind(f.Kind)) {
		return problem.BadField("kind", "%.40q is no kind of thing", f.Kind)
	}
	ef := access.EntryFilter{Actor: f.Who, Act: access.Act(f.Act), Kind: access.Kind(f.Kind), Object: f.Object, Before: f.Before, Limit: logPage + 1}
	if f.Who != "" && !slices.Contains([]string{access.Console, access.Sweep, (access.Person{}).Actor()}, f.Who) && !strings.HasPrefix(f.Who, "person:") {
		a, err := s.opt.Access.PersonByLogin(r.Context(), f.Who)
		if err != nil {
			if problem.CodeOf(err) == problem.NotFound {
				err = problem.BadField("who", "there is nobody with the login name %.40q; who was deleted has a reference (person:…)", f.Who)
			}
			return err
		}
		ef.Actor = a.Person().Actor()
	}
	es, err := s.opt.Access.Entries(r.Context(), ef)
	if err != nil {
		return err
	}
	v := logView{office: s.office(r), Filter: f, Acts: acts, Kinds: access.Kinds(), Rows: []logRow{}}
	if len(es) > logPage {
		es = es[:logPage]
		v.Next = f.link("before", strconv.FormatInt(es[logPage-1].ID, 10))
	}
	if f.Before > 0 {
		v.First = f.link()
	}
	who := s.names(r)
	_, orgs, err := s.orgNames(r)
	if err != nil {
		return err
	}
	for _, e := range es {
		row := logRow{ID: e.ID, At: e.At, Actor: e.Actor, Act: e.Act, Purpose: e.Purpose, Kind: e.Kind, Object: e.Object, Detail: e.Detail, Name: who(e.Actor), Thing: e.Object}
		row.Person, _, _ = strings.Cut(e.Actor, "/")
		switch e.Kind {
		case access.Case:
			if e.Object != "" {
				row.Link = "/cases/" + segment(e.Object)
			}
		case access.User:
			if e.Object != "" {
				if n := who("person:" + e.Object); n != "person:"+e.Object {
					row.Thing, row.Link = n, "/people/"+segment(e.Object)
				} else if n, ok := orgs[e.Object]; ok {
					row.Thing, row.Link = n, "/orgs/"+segment(e.Object)
				}
			}
		case access.Registration:
			if _, err := name.Parse(e.Object); err == nil {
				row.Link = "/names/" + segment(e.Object)
			}
		case access.Disclosure, access.Disclosed:
			if e.Object != "" {
				row.Link = "/desk/disclosures/" + segment(e.Object)
			}
		}
		v.Rows = append(v.Rows, row)
	}
	if wantsJSON(r) {
		if v.Next != "" {
			v.Next += "&format=json"
		}
		return twin(w, struct {
			Entries []logRow `json:"entries"`
			Next    string   `json:"next,omitempty"`
		}{v.Rows, v.Next})
	}
	return s.render(w, r, http.StatusOK, "accesslog", page{Title: "Access log", Here: "access-log", Wide: true, Twin: f.link("format", "json"), Body: v})
}

type meView struct {
	office
	P        personRow
	Keys     []keyRow
	KeyRoles []roleOption
	Sessions []access.OwnSession
	Others   bool
	Least    int
}

// me is somebody's own account.
func (s *site) me(w http.ResponseWriter, r *request) error {
	return s.showMe(w, r, http.StatusOK, "")
}

func (s *site) showMe(w http.ResponseWriter, r *request, status int, trouble string) error {
	ctx := r.Context()
	a, err := s.opt.Access.Person(ctx, r.person.ID)
	if err != nil {
		return err
	}
	_, names, err := s.orgNames(r)
	if err != nil {
		return err
	}
	keys, err := s.opt.Access.Keys(ctx, a.ID)
	if err != nil {
		return err
	}
	v := meView{office: s.office(r), P: rowOfPerson(a, names), KeyRoles: keyRoles(a), Least: access.MinPassword}
	v.Problem, v.Values = trouble, r.PostForm
	for _, k := range keys {
		v.Keys = append(v.Keys, rowOfKey(k, a.Login, v.Now))
	}
	if v.Sessions, err = s.opt.Access.Sessions(ctx, r.person, r.token); err != nil {
		return err
	}
	v.Others = len(v.Sessions) > 1
	if wantsJSON(r) {
		return twin(w, struct {
			personRow
			Keys []keyRow `json:"keys"`
		}{v.P, v.Keys})
	}
	return s.render(w, r, status, "me", page{Title: "Your account", Here: "me", Wide: true, Twin: "/me?format=json", Body: v})
}

func (s *site) meAction(w http.ResponseWriter, r *request) error {
	ctx, action := r.Context(), r.PathValue("action")
	trouble := func(err error) error {
		return again(err, func(status int, trouble string) error { return s.showMe(w, r, status, trouble) })
	}
	var err error
	switch action {
	case "password":
		password := r.PostForm.Get("password")
		if password != r.PostForm.Get("again") {
			return trouble(problem.New(problem.Invalid, "the two new passwords are not the same"))
		}
		token, err := s.opt.Access.ChangePassword(ctx, r.person, r.PostForm.Get("old"), password, s.client(r).String())
		if err != nil {
			return trouble(err)
		}
		s.start(w, r, token, r.person, "/me?done=password")
		return nil
	case "key":
		secret, k, err := s.newKey(r, r.person.ID)
		if err != nil {
			return trouble(err)
		}
		a, err := s.opt.Access.Person(ctx, r.person.ID)
		if err != nil {
			return err
		}
		return s.keyOnce(w, r, a, k, secret, "/me")
	case "revoke":
		err = s.opt.Access.RevokeOwnKey(ctx, r.person, r.PostForm.Get("key"))
	case "end":
		err = s.opt.Access.EndSession(ctx, r.person, r.PostForm.Get("session"))
	case "others":
		_, err = s.opt.Access.EndOtherSessions(ctx, r.person, r.token)
	default:
		return problem.New(problem.NotFound, "there is no form %q", visible(cut(action, 40)))
	}
	if err != nil {
		return trouble(err)
	}
	return s.goTo(w, r, "/me?done="+action)
}
