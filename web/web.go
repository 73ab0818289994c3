// Package web serves the pages: the public's report form, receipts and figures,
// and the desk's console. They are server-rendered and work without script.
// Everything that came from outside is shown as text, made fit to show (show.go);
// nothing is loaded from anywhere else.
package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/accuracy/policy"
	"bailiwick/centre"
	"bailiwick/name"
	"bailiwick/problem"
)

// Options say how the pages are served.
type Options struct {
	// Access knows who signs in. Without it there is no console.
	Access *access.Desk
	// Synthetic, if not empty, is shown on every page: what in this centre is
	// made up.
	Synthetic string
	// Demo, if set, is the control of a demo's world: a strip on every page and
	// the guided path. Only the demo command sets it.
	Demo *Demo
}

// The most that is read of a form, in octets, and how long it may take to come
// in. Files have limits of their own.
const (
	maxForm  = 16 << 10
	formTime = 30 * time.Second
)

//go:embed templates
var templateFiles embed.FS

// site is what all pages share.
type site struct {
	c       *centre.Centre
	opt     Options
	assets  assets
	pages   map[string]*template.Template
	figures *centre.FiguresDesk
	origin  *http.CrossOriginProtection
	rates   *rates
	lookups turns
	answers turns          // of members
	reads   *http.ServeMux // the pages that can be read, by pattern
	// profiles are the built-in policy profiles.
	profiles *policy.Set
	known    []brand       // what the centre protects
	own      []name.Domain // whose names imitate nobody
}

// Register adds the pages to mux.
func Register(mux *http.ServeMux, c *centre.Centre, o Options) error {
	s := &site{reads: http.NewServeMux(), c: c, opt: o, figures: centre.NewFiguresDesk(c), origin: http.NewCrossOriginProtection(), rates: newRates()}
	s.protect()
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return problem.Wrap(err, problem.Internal, "the pages' files")
	}
	if s.pages, err = s.templates(); err != nil {
		return problem.Wrap(err, problem.Internal, "the pages' templates")
	}
	mux.Handle("GET "+assetPath+"{file}", s.assets)
	add := func(pattern string, h handler) {
		mux.Handle(pattern, s.serve(h))
		if strings.HasPrefix(pattern, http.MethodGet+" ") {
			s.reads.Handle(pattern, http.NotFoundHandler())
		}
	}
	public := add
	public("GET /{$}", s.home)
	public("GET /report", s.reportForm)
	public("POST /report", s.report)
	public("GET /report/{receipt}", s.status)
	public("POST /report/{receipt}", s.changeReport)
	public("GET /receipt", s.findReceipt)
	public("GET /answer/{token}", s.answerForm)
	public("POST /answer/{token}", s.answer)
	public("GET /figures", s.figuresPage)
	public("GET /preferences", s.preferences)
	public("POST /preferences", s.setPreferences)
	s.surveyPages(public)
	if err := s.policies(public); err != nil {
		return problem.Wrap(err, problem.Internal, "the policy profiles")
	}
	if o.Demo != nil && o.Access != nil {
		s.registerDemo(public)
	}
	if o.Access == nil {
		s.disclosures(public, nil)
		s.verifications(public, nil)
		s.inaccuracies(public, nil)
		return s.accuracyPages(public, nil)
	}
	public("GET /login", s.loginForm)
	public("POST /login", s.login)
	public("POST /logout", s.logout)
	public("GET /welcome/{link}", s.welcomeForm)
	public("POST /welcome/{link}", s.welcome)
	own := func(pattern string, h handler) { add(pattern, s.account(h)) }
	own("GET /me", s.me)
	own("POST /me/{action}", s.meAction)
	own("GET /people", s.people)
	own("POST /people", s.addPerson)
	own("GET /people/{id}", s.personPage)
	own("POST /people/{id}/{action}", s.personAction)
	own("GET /keys", s.keys)
	own("POST /keys/{id}/revoke", s.revokeKey)
	own("GET /orgs", s.orgs)
	own("POST /orgs", s.addOrg)
	own("GET /access-log", s.accessLog)
	s.members(own)
	desk := func(pattern string, h handler) { add(pattern, s.signedIn(h)) }
	s.disclosures(public, desk)
	s.verifications(public, desk)
	s.inaccuracies(public, desk)
	if err := s.accuracyPages(public, desk); err != nil {
		return problem.Wrap(err, problem.Internal, "the policy profiles")
	}
	desk("GET /desk", s.queue)
	desk("GET /desk/handoffs", s.handoffs)
	desk("GET /search", s.search)
	desk("GET /cases/{id}", s.casePage)
	desk("POST /cases/{id}/{action}", s.caseAction)
	desk("GET /cases/{id}/chain.jsonl", s.chain)
	desk("GET /cases/{id}/evidence/{sha}", s.evidence)
	desk("GET /cases/{id}/handoff/{obligation}", s.handoffText)
	desk("GET /names/{name}", s.namePage)
	desk("POST /names/{name}/lookup", s.lookup)
	desk("GET /parties", s.parties)
	desk("GET /parties/{id}", s.partyPage)
	return nil
}

// handler answers a request. An error becomes an error page, in one place.
type handler func(w http.ResponseWriter, r *request) error

// request is a request with who sent it.
type request struct {
	*http.Request
	token  string // of the session
	csrf   string
	person access.Person
}

// serve runs a handler: who it is, the bounds on what is read, and the page of
// an error.
func (s *site) serve(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := &request{Request: r}
		err := s.origin.Check(r)
		if err != nil {
			err = problem.Wrap(err, problem.Refused, "this form was sent from another site")
		}
		if err == nil && r.Method == http.MethodPost {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(formTime)) // a server that cannot has none
		}
		if err == nil {
			err = s.identify(req)
		}
		if err == nil {
			err = h(w, req)
		}
		if err != nil {
			s.fail(w, req, err)
		}
	})
}

// page is what the layout shows around every page's own content.
type page struct {
	Title     string
	Centre    string
	Contact   string
	Synthetic string
	Here      string // which entry of the navigation
	Theme     string
	KeysOff   bool
	Self      string // path and query, to come back to
	Signed    bool
	Person    string
	Staff     bool // may see the desk
	Nav       []navArea
	Area      *navArea // the one with the page, if it has several
	CSRF      string
	Search    string
	Wide      bool
	Now       time.Time
	Twin      string // address of the machine-readable twin
	Demo      *demoStrip
	Body      any
}

// render writes a page. It is composed as a whole first: a page that breaks in
// the middle is an error page.
func (s *site) render(w http.ResponseWriter, r *request, status int, name string, p page) error {
	set := s.c.Settings()
	p.Centre, p.Contact, p.Synthetic, p.Now = set.Name, set.Contact, s.opt.Synthetic, s.c.Clock.Now()
	p.Theme, p.KeysOff = theme(r.Request), cookie(r.Request, keysCookie) == "off"
	p.Self = r.URL.RequestURI()
	if r.Method != http.MethodGet {
		p.Self = r.URL.Path
	}
	p.Signed, p.Person, p.CSRF = r.person.Known(), r.person.Name, r.csrf
	p.Staff = p.Signed && s.may(r, access.Case, "").Allowed
	p.Nav, p.Area = s.nav(r, p.Here)
	p.Demo = s.demoStrip(r)
	var b bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&b, "layout", p); err != nil {
		return problem.Wrap(err, problem.Internal, "the page %s", name)
	}
	headers(w)
	if p.Demo != nil {
		demoPolicy(w)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // who has gone is not told
	return nil
}

// headers are those of every page. What one person sees is kept by nobody.
func headers(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; font-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
}

// twin writes the machine-readable twin of a page.
func twin(w http.ResponseWriter, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return problem.Wrap(err, problem.Internal, "the page's data")
	}
	headers(w)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n'))
	return nil
}

// wantsJSON says whether the twin is asked for.
func wantsJSON(r *request) bool { return r.URL.Query().Get("format") == "json" }

// failure is the content of an error page.
type failure struct {
	Status int
	Title  string
	Detail string
	Fields []problem.Field
	Login  string // where to sign in
}

// fail answers with an error page, or with a problem document where the twin
// was asked for. Who is not signed in is sent to do so; what a form held is not
// lost: the browser keeps it one step back, and the page says so.
func (s *site) fail(w http.ResponseWriter, r *request, err error) {
	d := problem.DocumentOf(err)
	if access.Unknown(err) {
		d.Status = http.StatusUnauthorized
	}
	if d.Status >= 500 {
		s.c.Log.Error("a page could not be shown", "path", r.URL.Path, "err", err)
	}
	if wantsJSON(r) {
		headers(w)
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(d.Status)
		_ = json.NewEncoder(w).Encode(d)
		return
	}
	f := failure{Status: d.Status, Title: errorTitle(d.Status), Detail: d.Detail, Fields: d.Errors}
	if d.Status == http.StatusUnauthorized && s.opt.Access != nil {
		to := r.URL.RequestURI()
		if r.Method != http.MethodGet {
			to = s.readable(r.URL.Path)
		}
		f.Login = "/login?to=" + url.QueryEscape(to)
		if r.Method == http.MethodGet {
			headers(w)
			http.Redirect(w, r.Request, f.Login, http.StatusSeeOther)
			return
		}
	}
	if err := s.render(w, r, d.Status, "error", page{Title: f.Title, Body: f}); err != nil {
		problem.Write(w, err)
	}
}

// parseForm reads a form of at most limit octets. With multipart set, it may
// hold files, which stay in memory.
func parseForm(w http.ResponseWriter, r *request, limit int64, multipart bool) error {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	var err error
	if multipart && strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "multipart/form-data") {
		err = r.ParseMultipartForm(limit)
	} else {
		err = r.ParseForm()
	}
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return problem.Wrap(err, problem.TooLarge, "the form is over %d octets", tooBig.Limit)
	case err != nil:
		return problem.Wrap(err, problem.Invalid, "the form could not be read")
	}
	return nil
}

// Cookies that are no credentials.
const (
	themeCookie = "theme"
	keysCookie  = "keys"
)

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

func theme(r *http.Request) string {
	switch t := cookie(r, themeCookie); t {
	case "light", "dark":
		return t
	}
	return ""
}

// setPreferences keeps how somebody wants to see the pages, and goes back.
func (s *site) setPreferences(w http.ResponseWriter, r *request) error {
	if err := parseForm(w, r, maxForm, false); err != nil {
		return err
	}
	set := func(name, v string) {
		c := &http.Cookie{Name: name, Value: v, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure(r)}
		if v == "" {
			c.MaxAge = -1
		}
		http.SetCookie(w, c)
	}
	switch t := r.PostForm.Get("theme"); t {
	case "light", "dark":
		set(themeCookie, t)
	case "system":
		set(themeCookie, "")
	}
	switch k := r.PostForm.Get("keys"); k {
	case "off":
		set(keysCookie, k)
	case "on":
		set(keysCookie, "")
	}
	headers(w)
	http.Redirect(w, r.Request, local(r.PostForm.Get("to"), "/"), http.StatusSeeOther)
	return nil
}

// preferences is the page of the switches, for who comes by its address.
func (s *site) preferences(w http.ResponseWriter, r *request) error {
	return s.render(w, r, http.StatusOK, "preferences", page{Title: "Preferences"})
}

// local gives a path of this site, or a default: a form never sends anybody
// elsewhere.
func local(to, or string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return or
	}
	return to
}

// secure says whether the site is reached by TLS, here or at a proxy.
func (s *site) secure(r *request) bool {
	return r.TLS != nil || strings.HasPrefix(s.c.Settings().BaseURL, "https://")
}
