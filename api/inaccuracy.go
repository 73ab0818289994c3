package api

import (
	"context"
	"net/http"
	"time"

	"bailiwick/access"
	"bailiwick/centre"
	"bailiwick/inaccuracy"
	"bailiwick/store"

	"github.com/danielgtaylor/huma/v2"
)

// inaccuracies adds the routes of inaccuracy cases: to open and to read them, and
// for the party to answer. There is none that sends, closes or reopens: a person
// does, in person.
func (a *API) inaccuracies(h huma.API, failures func(...int) map[string]*huma.Response) {
	huma.Register(h, huma.Operation{OperationID: "inaccuracy-answer", Method: http.MethodPost, Path: "/api/v1/inaccuracy-answers/{token}", Summary: "Answer an ask about registration data",
		Description:   "The token is the last part of the answer link in the message.",
		DefaultStatus: http.StatusNoContent, MaxBodyBytes: 64 << 10, BodyReadTimeout: bodyTime, Security: maybeKey, Responses: failures(400, 401, 404, 409, 413, 422)}, a.answerInaccuracy)
	if a.desk == nil {
		return
	}
	huma.Register(h, huma.Operation{OperationID: "inaccuracies", Method: http.MethodGet, Path: "/api/v1/inaccuracies", Summary: "List inaccuracy cases", Description: "Newest first, without personal data.",
		Security: needsKey, Responses: failures(401, 403, 404, 422)}, a.listInaccuracies)
	huma.Register(h, huma.Operation{OperationID: "inaccuracy", Method: http.MethodGet, Path: "/api/v1/inaccuracies/{id}", Summary: "One inaccuracy case",
		Security: needsKey, Responses: failures(401, 403, 404)}, a.getInaccuracy)
	huma.Register(h, huma.Operation{OperationID: "inaccuracy-open", Method: http.MethodPost, Path: "/api/v1/inaccuracies", Summary: "Open an inaccuracy case",
		Description:   "Checks the registration of a name under a policy profile and opens a case of what fails. Asks nobody: a person sends it. 409 where there is an open case, and where nothing fails.",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: 16 << 10, BodyReadTimeout: bodyTime, Security: needsKey, Responses: failures(400, 401, 403, 404, 409, 413, 422, 429, 503)}, a.openInaccuracy)
}

// inaccuracyView is a case. It holds no personal data.
type inaccuracyView struct {
	ID       string                  `json:"id"`
	Name     string                  `json:"name"`
	Profile  string                  `json:"profile"`
	Party    string                  `json:"party" doc:"Who is asked."`
	State    string                  `json:"state" doc:"found, sent, asked, silent, answered, still failing, corrected or closed"`
	Outcome  string                  `json:"outcome,omitempty"`
	Round    int                     `json:"round"`
	Provider bool                    `json:"provider,omitempty" doc:"A privacy or proxy service is the holder on record."`
	Findings []inaccuracyFindingView `json:"findings"`
	More     int                     `json:"more,omitempty" doc:"Findings that are not listed."`
	Caveat   string                  `json:"caveat,omitempty" doc:"What it is not for."`
	Seq      int                     `json:"seq"`
	Opened   time.Time               `json:"opened"`
	Checked  time.Time               `json:"checked" doc:"When the data was last seen to fail."`
	Known    time.Time               `json:"known,omitzero" doc:"Since when it is documented that the party knows: clocks begin here."`
	Due      time.Time               `json:"due,omitzero" doc:"The earliest time of a rule that binds."`
	FollowUp time.Time               `json:"follow_up,omitzero" doc:"How long the centre waits where there is no such time: nobody's deadline."`
	Over     bool                    `json:"over,omitempty"`
	Answer   string                  `json:"answer,omitempty"`
	Recheck  string                  `json:"recheck,omitempty" doc:"What the last look said: pass, fail, not testable or gone."`
	ByHand   bool                    `json:"by_hand,omitempty"`
	Ended    time.Time               `json:"ended,omitzero"`
}

// inaccuracyFindingView is a finding, without the value.
type inaccuracyFindingView struct {
	Path     string    `json:"path"`
	Check    string    `json:"check"`
	Level    string    `json:"level"`
	Reason   string    `json:"reason,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Clauses  []string  `json:"clauses"`
	OfProxy  bool      `json:"of_proxy,omitempty"`
	Observed time.Time `json:"observed_at"`
}

func inaccuracyOf(c inaccuracy.Case) inaccuracyView {
	v := inaccuracyView{ID: c.ID, Name: c.Name, Profile: c.Terms.Profile, Party: c.Party.Name, State: string(c.State), Outcome: string(c.Outcome), Round: c.Round, Provider: c.Provider,
		Findings: []inaccuracyFindingView{}, More: c.More, Caveat: c.Caveat(), Seq: c.Seq, Opened: c.Opened, Checked: c.Checked, Known: c.Known, Due: c.Due, FollowUp: c.FollowUp, Over: c.Over,
		Answer: string(c.Answer), ByHand: c.ByHand, Ended: c.Ended}
	if c.Recheck != nil {
		v.Recheck = string(c.Recheck.Result)
	}
	for _, f := range c.Findings {
		x := inaccuracyFindingView{Path: f.Path, Check: f.Check, Level: f.Level.String(), Reason: f.Reason, Detail: f.Detail, OfProxy: f.OfProxy, Observed: f.Observed, Clauses: []string{}}
		for _, r := range f.Rules {
			x.Clauses = append(x.Clauses, r.Clause)
		}
		v.Findings = append(v.Findings, x)
	}
	return v
}

type inaccuracyOut struct{ Body inaccuracyView }

type inaccuraciesIn struct {
	State   string `query:"state" maxLength:"40"`
	Name    string `query:"name" maxLength:"255"`
	Profile string `query:"profile" maxLength:"60"`
	Open    bool   `query:"open" doc:"Only cases that are not closed."`
	After   string `query:"after" maxLength:"64" doc:"The next of the page before."`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

type inaccuraciesOut struct {
	Body struct {
		Cases []inaccuracyView `json:"cases"`
		Next  string           `json:"next,omitempty"`
	}
}

func (a *API) listInaccuracies(ctx context.Context, in *inaccuraciesIn) (*inaccuraciesOut, error) {
	if _, err := a.may(ctx, access.Read, access.Object{Kind: access.Registration, ID: in.Name}); err != nil {
		return nil, fail(err)
	}
	cs, err := a.c.Inaccuracies(ctx, store.InaccuracyFilter{State: in.State, Name: in.Name, Profile: in.Profile, OpenOnly: in.Open, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, fail(err)
	}
	out := &inaccuraciesOut{}
	out.Body.Cases = []inaccuracyView{}
	for _, c := range cs {
		out.Body.Cases = append(out.Body.Cases, inaccuracyOf(c))
	}
	if len(cs) == in.Limit {
		out.Body.Next = cs[len(cs)-1].ID
	}
	return out, nil
}

type inaccuracyIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) getInaccuracy(ctx context.Context, in *inaccuracyIn) (*inaccuracyOut, error) {
	if _, err := a.may(ctx, access.Read, access.Object{Kind: access.Registration}); err != nil {
		return nil, fail(err)
	}
	c, err := a.c.Inaccuracy(ctx, in.ID)
	if err != nil {
		return nil, fail(err)
	}
	return &inaccuracyOut{inaccuracyOf(c)}, nil
}

type openInaccuracyIn struct {
	Body struct {
		Name       string `json:"name" minLength:"1" maxLength:"255"`
		Profile    string `json:"profile" minLength:"1" maxLength:"60"`
		Party      string `json:"party,omitempty" maxLength:"300" doc:"Who is asked; the registrar of the registration if absent."`
		PartyEmail string `json:"party_email,omitempty" maxLength:"300"`
	}
}

func (a *API) openInaccuracy(ctx context.Context, in *openInaccuracyIn) (*inaccuracyOut, error) {
	if _, err := a.may(ctx, access.Work, access.Object{Kind: access.Registration, ID: in.Body.Name}); err != nil {
		return nil, fail(err)
	}
	c, err := a.c.OpenInaccuracy(ctx, centre.InaccuracyDraft{Name: in.Body.Name, Profile: in.Body.Profile, Party: in.Body.Party, PartyEmail: in.Body.PartyEmail}, person(ctx).Actor())
	if err != nil {
		return nil, fail(err)
	}
	return &inaccuracyOut{inaccuracyOf(c)}, nil
}

type answerInaccuracyIn struct {
	Token string `path:"token" maxLength:"256"`
	Body  struct {
		Answer string `json:"answer" enum:"received,corrected,verified,unreachable,suspended,refused,no_authority"`
		Text   string `json:"text,omitempty" maxLength:"8000" doc:"Words, without personal data; needed for refused."`
	}
}

func (a *API) answerInaccuracy(ctx context.Context, in *answerInaccuracyIn) (*struct{}, error) {
	if _, err := a.may(ctx, access.Follow, access.Object{Kind: access.AnswerLink}); err != nil {
		return nil, fail(err)
	}
	if _, err := a.c.AnswerInaccuracy(ctx, in.Token, centre.InaccuracyAnswer{Answer: inaccuracy.Said(in.Body.Answer), Text: in.Body.Text}); err != nil {
		return nil, fail(err)
	}
	return nil, nil
}
