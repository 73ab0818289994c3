package web

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"

	"bailiwick/problem"
)

// answerView lets a party answer an ask by the link in the message, without an
// account: the link is the credential, and it binds the party's own obligation
// only. The page takes a form from a person and JSON from a machine.
type answerView struct {
	Done, Problem string
	Gone          bool // there is nothing to be answered
	Answers       []answerOption
}

type answerOption struct{ Value, Word string }

func theirAnswers() []answerOption {
	var out []answerOption
	for _, a := range answerOrder {
		out = append(out, answerOption{a, answers[a].theirs})
	}
	return out
}

func (s *site) answerForm(w http.ResponseWriter, r *request) error {
	if !s.c.Answerable(r.PathValue("token")) {
		return s.showAnswer(w, r, http.StatusNotFound, answerView{Gone: true, Problem: "This link is not one of ours, or part of it is missing. Please copy the whole of it from the message."})
	}
	return s.showAnswer(w, r, http.StatusOK, answerView{})
}

func (s *site) answer(w http.ResponseWriter, r *request) error {
	token := r.PathValue("token")
	if ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ct == "application/json" {
		var in struct {
			Answer string `json:"answer"`
			Note   string `json:"note"`
		}
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
		if err == nil {
			err = json.Unmarshal(b, &in)
		}
		if err != nil {
			problem.Write(w, problem.New(problem.Invalid, "the answer is not JSON of at most %d octets", maxForm))
			return nil
		}
		if err := s.c.AnswerLink(r.Context(), token, in.Answer, in.Note); err != nil {
			problem.Write(w, err)
			return nil
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if err := parseForm(w, r, maxForm, false); err != nil {
		return s.showAnswer(w, r, http.StatusBadRequest, answerView{Problem: "The form could not be read."})
	}
	if err := s.c.AnswerLink(r.Context(), token, r.PostForm.Get("answer"), r.PostForm.Get("note")); err != nil {
		d := problem.DocumentOf(err)
		return s.showAnswer(w, r, d.Status, answerView{Gone: d.Status == http.StatusNotFound, Problem: d.Title + ". " + d.Detail})
	}
	return s.showAnswer(w, r, http.StatusOK, answerView{Done: "Thank you. Your answer is on the case; we look again by ourselves."})
}

func (s *site) showAnswer(w http.ResponseWriter, r *request, status int, v answerView) error {
	v.Answers = theirAnswers()
	return s.render(w, r, status, "answer", page{Title: "Your answer", Here: "answer", Body: v})
}
