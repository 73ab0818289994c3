package web

import (
	"net"
	"net/http"
	"time"

	"bailiwick/access"
	"bailiwick/problem"
)

// sessionCookie holds the session's token. Behind TLS its name forbids other
// hosts to set it (RFC 6265bis section 4.1.3.2).
func (s *site) sessionCookie(r *request) string {
	if s.secure(r) {
		return "__Host-session"
	}
	return "session"
}

// identify finds out whose session a request belongs to. None is no error; nor
// is one that is over.
func (s *site) identify(r *request) error {
	if s.opt.Access == nil {
		return nil
	}
	token := cookie(r.Request, s.sessionCookie(r))
	if token == "" {
		return nil
	}
	p, csrf, err := s.opt.Access.Lookup(r.Context(), token)
	switch {
	case err == nil:
		r.token, r.person, r.csrf = token, p, csrf
	case !access.Unknown(err):
		return err
	}
	return nil
}

// signedIn lets only people through who may see the desk at all, and only forms
// that belong to their session.
func (s *site) signedIn(h handler) handler {
	return func(w http.ResponseWriter, r *request) error {
		v := s.may(r, access.Case, "")
		if err := v.Err(r.person); err != nil {
			return err
		}
		if r.Method == http.MethodPost {
			if err := parseForm(w, r, maxCaseForm, true); err != nil {
				return err
			}
			if err := access.CheckCSRF(r.token, r.PostFormValue("csrf")); err != nil {
				return err
			}
		}
		return h(w, r)
	}
}

// purposes are what staff see a thing for, the one that shows most first.
var purposes = []access.Purpose{access.Work, access.Read, access.Audit}

// may decides, without a look being logged: for lists and navigation.
func (s *site) may(r *request, kind access.Kind, id string) access.Verdict {
	var v access.Verdict
	for _, p := range purposes {
		if v = access.Decide(r.person, p, access.Object{Kind: kind, ID: id}); v.Allowed {
			return v
		}
	}
	return v
}

// look decides about one thing, with what is personal in it as far as the
// person's work needs it, and logs the look where that is so.
func (s *site) look(r *request, kind access.Kind, id string) (access.Verdict, error) {
	var v access.Verdict
	var err error
	for _, p := range purposes {
		if v, err = s.opt.Access.Check(r.Context(), r.person, p, access.Object{Kind: kind, ID: id, Personal: p == access.Work}); err == nil {
			return v, nil
		}
		if problem.CodeOf(err) != problem.Refused {
			return v, err
		}
	}
	return v, err
}

// work decides whether the person may work a case, and logs it.
func (s *site) work(r *request, id string) error {
	_, err := s.opt.Access.Check(r.Context(), r.person, access.Work, access.Object{Kind: access.Case, ID: id, Personal: true})
	return err
}

type loginView struct {
	To, Login, Problem string
}

func (s *site) loginForm(w http.ResponseWriter, r *request) error {
	to := local(r.URL.Query().Get("to"), "/desk")
	if r.person.Known() {
		if to == "/desk" {
			to = s.front(r)
		}
		headers(w)
		http.Redirect(w, r.Request, to, http.StatusSeeOther)
		return nil
	}
	return s.render(w, r, http.StatusOK, "login", page{Title: "Sign in", Here: "login", Body: loginView{To: to}})
}

func (s *site) login(w http.ResponseWriter, r *request) error {
	if err := parseForm(w, r, maxForm, false); err != nil {
		return err
	}
	v := loginView{To: local(r.PostForm.Get("to"), "/desk"), Login: r.PostForm.Get("login")}
	token, p, err := s.opt.Access.Login(r.Context(), v.Login, r.PostForm.Get("password"), s.client(r).String())
	if err != nil {
		d := problem.DocumentOf(err)
		if d.Status >= 500 {
			return err
		}
		if access.Unknown(err) {
			d.Status = http.StatusUnauthorized
		}
		v.Problem = d.Detail
		return s.render(w, r, d.Status, "login", page{Title: "Sign in", Here: "login", Body: v})
	}
	s.start(w, r, token, p, v.To)
	return nil
}

// start gives the browser its session and sends it on.
func (s *site) start(w http.ResponseWriter, r *request, token string, p access.Person, to string) {
	if r.person = p; to == "/desk" {
		to = s.front(r)
	}
	http.SetCookie(w, &http.Cookie{Name: s.sessionCookie(r), Value: token, Path: "/", HttpOnly: true, Secure: s.secure(r), SameSite: http.SameSiteLaxMode,
		MaxAge: int(access.SessionLife / time.Second)})
	headers(w)
	http.Redirect(w, r.Request, to, http.StatusSeeOther)
}

func (s *site) logout(w http.ResponseWriter, r *request) error {
	if err := parseForm(w, r, maxForm, false); err != nil {
		return err
	}
	if r.person.Known() {
		if err := access.CheckCSRF(r.token, r.PostForm.Get("csrf")); err != nil {
			return err
		}
		if err := s.opt.Access.Logout(r.Context(), r.token); err != nil && !access.Unknown(err) {
			return err
		}
	}
	http.SetCookie(w, &http.Cookie{Name: s.sessionCookie(r), Path: "/", MaxAge: -1, HttpOnly: true, Secure: s.secure(r), SameSite: http.SameSiteLaxMode})
	headers(w)
	http.Redirect(w, r.Request, "/", http.StatusSeeOther)
	return nil
}

type welcomeView struct {
	Login, Name, Problem string
	Gone                 bool
	Least                int
}

// welcomeForm is where a one-time link leads: the first administrator's, or an
// invitation. Showing it does not use it up: mail programs look at links.
func (s *site) welcomeForm(w http.ResponseWriter, r *request) error {
	return s.showWelcome(w, r, http.StatusOK, "")
}

func (s *site) showWelcome(w http.ResponseWriter, r *request, status int, trouble string) error {
	v := welcomeView{Problem: trouble, Least: access.MinPassword}
	p, err := s.opt.Access.Invitation(r.Context(), r.PathValue("link"))
	switch {
	case err == nil:
		v.Login, v.Name = p.Login, p.Name
	case access.Unknown(err):
		v.Gone, status = true, http.StatusNotFound
	default:
		return err
	}
	return s.render(w, r, status, "welcome", page{Title: "Set your password", Body: v})
}

func (s *site) welcome(w http.ResponseWriter, r *request) error {
	if err := parseForm(w, r, maxForm, false); err != nil {
		return err
	}
	password := r.PostForm.Get("password")
	if password != r.PostForm.Get("again") {
		return s.showWelcome(w, r, http.StatusUnprocessableEntity, "The two passwords are not the same.")
	}
	token, p, err := s.opt.Access.Redeem(r.Context(), r.PathValue("link"), password)
	if err != nil {
		d := problem.DocumentOf(err)
		if d.Status >= 500 {
			return err
		}
		return s.showWelcome(w, r, d.Status, sentence(d))
	}
	s.start(w, r, token, p, "/desk")
	return nil
}

// remote is the address a request comes from, without its port.
func remote(r *request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
