// Package web serves the pages. They are server-rendered and work without
// script.
package web

import (
	"encoding/json"
	"html/template"
	"io"
	"mime"
	"net/http"
	"time"

	"bailiwick/centre"
	"bailiwick/problem"
)

// maxForm is the longest answer that is read, in octets, and formTime how long
// it may take to come in.
const (
	maxForm  = 16 << 10
	formTime = 30 * time.Second
)

// Register adds the pages to mux.
func Register(mux *http.ServeMux, c *centre.Centre) {
	p := &answerPage{c: c, centre: c.Settings().Name}
	mux.HandleFunc("GET /answer/{token}", p.show)
	mux.HandleFunc("POST /answer/{token}", p.take)
}

// answerPage lets a party answer an ask by the link in the message, without an
// account: the link is the credential, and it binds the party's own
// obligation only. It takes a form from a person and JSON from a machine.
type answerPage struct {
	c      *centre.Centre
	centre string
}

type answerView struct {
	Centre, Done, Problem string
	Gone                  bool // there is nothing to be answered
}

var answerTemplate = template.Must(template.New("answer").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>Your answer – {{.Centre}}</title></head>
<body><main><h1>Your answer</h1>
{{with .Problem}}<p role="alert">{{.}}</p>{{end}}
{{if .Done}}<p>{{.Done}}</p>{{else if not .Gone}}
<p>You were asked to look at a report by {{.Centre}}. What happened?</p>
<form method="post"><fieldset><legend>Answer</legend>
<p><label><input type="radio" name="answer" value="acted" required> We acted</label></p>
<p><label><input type="radio" name="answer" value="received"> We received it and are looking</label></p>
<p><label><input type="radio" name="answer" value="need_more"> We need more information</label></p>
<p><label><input type="radio" name="answer" value="referred"> We passed it on to another party</label></p>
<p><label><input type="radio" name="answer" value="refused"> We will not act</label></p>
<p><label><input type="radio" name="answer" value="not_ours"> It is not ours</label></p></fieldset>
<p><label>Note (optional)<br><textarea name="note" rows="5" cols="60" maxlength="4000"></textarea></label></p>
<p><button type="submit">Send the answer</button></p></form>{{end}}
</main></body></html>
`))

func (p *answerPage) show(w http.ResponseWriter, r *http.Request) {
	if !p.c.Answerable(r.PathValue("token")) {
		p.render(w, http.StatusNotFound, answerView{Gone: true, Problem: "This link is not one of ours, or part of it is missing. Please copy the whole of it from the message."})
		return
	}
	p.render(w, http.StatusOK, answerView{})
}

func (p *answerPage) take(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(formTime)) // a server that cannot has none
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	token := r.PathValue("token")
	if ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ct == "application/json" {
		var in struct {
			Answer string `json:"answer"`
			Note   string `json:"note"`
		}
		b, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(b, &in)
		}
		if err != nil {
			problem.Write(w, problem.New(problem.Invalid, "the answer is not JSON of at most %d octets", maxForm))
			return
		}
		if err := p.c.AnswerLink(r.Context(), token, in.Answer, in.Note); err != nil {
			problem.Write(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err := r.ParseForm(); err != nil {
		p.render(w, http.StatusBadRequest, answerView{Problem: "The form could not be read."})
		return
	}
	if err := p.c.AnswerLink(r.Context(), token, r.PostForm.Get("answer"), r.PostForm.Get("note")); err != nil {
		d := problem.DocumentOf(err)
		p.render(w, d.Status, answerView{Gone: d.Status == http.StatusNotFound, Problem: d.Title + ". " + d.Detail})
		return
	}
	p.render(w, http.StatusOK, answerView{Done: "Thank you. Your answer is on the case; we look again by ourselves."})
}

func (p *answerPage) render(w http.ResponseWriter, status int, v answerView) {
	v.Centre = p.centre
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = answerTemplate.Execute(w, v)
}
