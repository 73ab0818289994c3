package api

import (
	"context"
	"net/http"
	"time"

	"bailiwick/access"
	"bailiwick/centre"
	"bailiwick/disclosure"
	"bailiwick/store"

	"github.com/danielgtaylor/huma/v2"
)

// disclosures adds the routes of disclosure requests. What is disclosed is read
// at the desk or at the status page, by a person, and not here.
func (a *API) disclosures(h huma.API, failures func(...int) map[string]*huma.Response) {
	huma.Register(h, huma.Operation{OperationID: "disclosure-request", Method: http.MethodPost, Path: "/api/v1/disclosures", Summary: "Request registration data that is not public",
		Description:   "For a centre that is a registry or registrar and takes requests. A person decides. The token is shown once: with it the request is followed, and the answer is read at the status page.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: 64 << 10, BodyReadTimeout: bodyTime, Security: maybeKey, Responses: failures(400, 401, 403, 413, 422, 429)}, a.takeDisclosure)
	huma.Register(h, huma.Operation{OperationID: "disclosure-status", Method: http.MethodGet, Path: "/api/v1/disclosure-status/{token}", Summary: "State of a disclosure request",
		Security: maybeKey, Responses: failures(401, 404)}, a.followDisclosure)
	huma.Register(h, huma.Operation{OperationID: "disclosure-withdraw", Method: http.MethodPost, Path: "/api/v1/disclosure-status/{token}/withdraw", Summary: "Take a disclosure request back",
		DefaultStatus: http.StatusNoContent, Security: maybeKey, Responses: failures(401, 404, 409)}, a.withdrawDisclosure)
	huma.Register(h, huma.Operation{OperationID: "disclosure-answer", Method: http.MethodPost, Path: "/api/v1/disclosure-answers/{token}", Summary: "Answer a disclosure request of this centre",
		Description:   "The token is the last part of the answer link in the message. received acknowledges, need_more asks, decided discloses the given values and refuses the rest, for reasons.",
		DefaultStatus: http.StatusNoContent, MaxBodyBytes: 512 << 10, BodyReadTimeout: bodyTime, Security: maybeKey, Responses: failures(400, 401, 404, 409, 413, 422)}, a.answerDisclosure)
	if a.desk == nil {
		return
	}
	huma.Register(h, huma.Operation{OperationID: "disclosures", Method: http.MethodGet, Path: "/api/v1/disclosures", Summary: "List disclosure requests", Description: "Newest first, without personal data.",
		Security: needsKey, Responses: failures(401, 403, 404, 422)}, a.listDisclosures)
	huma.Register(h, huma.Operation{OperationID: "disclosure", Method: http.MethodGet, Path: "/api/v1/disclosures/{id}", Summary: "One disclosure request",
		Security: needsKey, Responses: failures(401, 403, 404)}, a.getDisclosure)
	huma.Register(h, huma.Operation{OperationID: "disclosure-draft", Method: http.MethodPost, Path: "/api/v1/disclosures/sent", Summary: "Request data from whoever holds it",
		Description:   "Drafts a request of this centre to the registrar or registry of a name and, with send, sends it. Within the caps of the settings.",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: 64 << 10, BodyReadTimeout: bodyTime, Security: needsKey, Responses: failures(400, 401, 403, 404, 409, 413, 422, 429, 503)}, a.draftDisclosure)
	act := func(id, summary, text string) huma.Operation {
		return huma.Operation{OperationID: "disclosure-act-" + id, Method: http.MethodPost, Path: "/api/v1/disclosures/{id}/" + id, Summary: summary, Description: text,
			Security: needsKey, MaxBodyBytes: 64 << 10, BodyReadTimeout: bodyTime, Responses: failures(400, 401, 403, 404, 409, 413, 422)}
	}
	huma.Register(h, act("send", "Send a draft", ""), a.disclosureDo(func(by string, _ disclosureActBody) disclosure.Command { return disclosure.Send{By: by} }))
	huma.Register(h, act("acknowledge", "Acknowledge a request", ""), a.disclosureDo(func(by string, b disclosureActBody) disclosure.Command {
		return disclosure.Acknowledge{By: by, Text: b.Text}
	}))
	huma.Register(h, act("ask", "Ask for more information", ""), a.disclosureDo(func(by string, b disclosureActBody) disclosure.Command {
		return disclosure.AskMore{By: by, Text: b.Text}
	}))
	huma.Register(h, act("add", "Record what was added", ""), a.disclosureDo(func(by string, b disclosureActBody) disclosure.Command {
		return disclosure.GiveMore{By: by, Text: b.Text}
	}))
	huma.Register(h, act("withdraw", "Withdraw a request", "There is no route that decides a request: a person does, in person."), a.disclosureDo(func(by string, b disclosureActBody) disclosure.Command {
		return disclosure.Withdraw{By: by, Text: b.Text}
	}))
}

// DisclosureWhat is what a request says. (What is embedded must be exported for
// huma to describe it.)
type DisclosureWhat struct {
	Name         string   `json:"name" minLength:"1" maxLength:"255"`
	Fields       []string `json:"fields" minItems:"1" maxItems:"40" doc:"Paths such as contacts.registrant.email."`
	Requestor    string   `json:"requestor" maxLength:"40" doc:"cert, law_enforcement, court, security, rights_holder, consumer_protection, holder or other"`
	Basis        string   `json:"basis" maxLength:"40" doc:"legitimate_interests, public_task, legal_obligation, vital_interests, consent, access_seeker, order or other_law"`
	Purpose      string   `json:"purpose" maxLength:"40" doc:"abuse, security, crime, intellectual_property, consumer_protection, legal_claim, accuracy or other"`
	Statement    string   `json:"statement" minLength:"1" maxLength:"8000" doc:"Why, in words."`
	Condition    string   `json:"urgent,omitempty" maxLength:"40" doc:"What makes it urgent: life, injury, infrastructure or child; absent for an ordinary request."`
	Person       string   `json:"person,omitempty" maxLength:"300"`
	Role         string   `json:"role,omitempty" maxLength:"300"`
	Organisation string   `json:"organisation,omitempty" maxLength:"300"`
	Contact      string   `json:"contact,omitempty" maxLength:"300" doc:"A mail address."`
}

func (w DisclosureWhat) draft() centre.DisclosureDraft {
	d := centre.DisclosureDraft{Name: w.Name, Fields: w.Fields, Requestor: disclosure.Requestor(w.Requestor), Basis: disclosure.LegalBasis(w.Basis), Purpose: disclosure.Purpose(w.Purpose),
		Who: disclosure.Who{Person: w.Person, Role: w.Role, Organisation: w.Organisation, Contact: w.Contact, Statement: w.Statement}}
	if w.Condition != "" {
		d.Urgency, d.Condition = disclosure.Urgent, disclosure.Condition(w.Condition)
	}
	return d
}

// disclosureView is a request. It holds no personal data.
type disclosureView struct {
	ID         string    `json:"id"`
	Direction  string    `json:"direction" enum:"sent,received"`
	Name       string    `json:"name"`
	Party      string    `json:"party" doc:"Who decides."`
	Case       string    `json:"case,omitempty"`
	State      string    `json:"state" doc:"drafted, sent, received, acknowledged, more asked, silent, granted, partly granted, refused or withdrawn"`
	Fields     []string  `json:"fields"`
	Requestor  string    `json:"requestor"`
	Basis      string    `json:"basis"`
	Purpose    string    `json:"purpose"`
	Urgency    string    `json:"urgency"`
	Profile    string    `json:"profile"`
	Caveat     string    `json:"caveat,omitempty" doc:"What its times are not for."`
	Seq        int       `json:"seq"`
	Opened     time.Time `json:"opened"`
	Reached    time.Time `json:"reached,omitzero" doc:"When whoever decides had it: its clocks begin here."`
	AckDue     time.Time `json:"ack_due,omitzero"`
	AnswerDue  time.Time `json:"answer_due,omitzero"`
	Acked      time.Time `json:"acknowledged,omitzero"`
	Decided    time.Time `json:"decided,omitzero"`
	Given      []string  `json:"given,omitempty"`
	Reasons    []string  `json:"reasons,omitempty"`
	ByHand     bool      `json:"by_hand,omitempty" doc:"A person has to bring it to the party."`
	KeptUntil  time.Time `json:"kept_until,omitzero" doc:"When what was disclosed is erased."`
	AnswerOver bool      `json:"answer_over,omitempty"`
}

func disclosureOf(r disclosure.Request) disclosureView {
	v := disclosureView{ID: r.ID, Direction: string(r.Direction), Name: r.Name, Party: r.Party.Name, Case: r.Case, State: string(r.State), Fields: r.Fields, Requestor: string(r.Requestor),
		Basis: string(r.Basis), Purpose: string(r.Purpose), Urgency: string(r.Urgency), Profile: r.Terms.Profile, Caveat: r.Terms.Caveat(), Seq: r.Seq, Opened: r.Opened, Reached: r.Reached,
		AckDue: r.AckDue, AnswerDue: r.AnswerDue, Acked: r.Acked, Decided: r.Decided, Given: r.Given, ByHand: r.ByHand, AnswerOver: r.AnswerOver}
	for _, x := range r.Reasons {
		v.Reasons = append(v.Reasons, string(x))
	}
	if r.Data != nil && r.Data.Erased.IsZero() {
		v.KeptUntil = r.Data.Expires
	}
	return v
}

type disclosureOut struct{ Body disclosureView }

func disclosed(r disclosure.Request, err error) (*disclosureOut, error) {
	if err != nil {
		return nil, fail(err)
	}
	return &disclosureOut{disclosureOf(r)}, nil
}

type takeDisclosureIn struct{ Body DisclosureWhat }

type takeDisclosureOut struct {
	Body struct {
		ID     string `json:"id"`
		Token  string `json:"token" doc:"Shown once, and kept by nobody but you."`
		Status string `json:"status" doc:"The page where the answer comes."`
	}
}

func (a *API) takeDisclosure(ctx context.Context, in *takeDisclosureIn) (*takeDisclosureOut, error) {
	if _, err := a.may(ctx, access.Request, access.Object{Kind: access.Disclosure}); err != nil {
		return nil, fail(err)
	}
	by := "form:api"
	if p := person(ctx); p.Known() {
		by = p.Actor()
	}
	r, token, err := a.c.TakeDisclosure(ctx, in.Body.draft(), by)
	if err != nil {
		return nil, fail(err)
	}
	out := &takeDisclosureOut{}
	out.Body.ID, out.Body.Token, out.Body.Status = r.ID, token, a.c.Settings().BaseURL+"/disclosure/status/"+token
	return out, nil
}

type disclosureTokenIn struct {
	Token string `path:"token" maxLength:"256"`
}

func (a *API) followDisclosure(ctx context.Context, in *disclosureTokenIn) (*disclosureOut, error) {
	if _, err := a.may(ctx, access.Follow, access.Object{Kind: access.DisclosureLink}); err != nil {
		return nil, fail(err)
	}
	return disclosed(a.c.DisclosureByToken(ctx, in.Token))
}

func (a *API) withdrawDisclosure(ctx context.Context, in *disclosureTokenIn) (*struct{}, error) {
	if _, err := a.may(ctx, access.Follow, access.Object{Kind: access.DisclosureLink}); err != nil {
		return nil, fail(err)
	}
	if _, err := a.c.WithdrawDisclosure(ctx, in.Token); err != nil {
		return nil, fail(err)
	}
	return nil, nil
}

type answerDisclosureIn struct {
	Token string `path:"token" maxLength:"256"`
	Body  struct {
		Answer  string            `json:"answer" enum:"received,need_more,decided"`
		Text    string            `json:"text,omitempty" maxLength:"8000"`
		Values  map[string]string `json:"values,omitempty" doc:"What is disclosed, by field path."`
		Reasons []string          `json:"reasons,omitempty" maxItems:"20" doc:"Why not all of it."`
	}
}

func (a *API) answerDisclosure(ctx context.Context, in *answerDisclosureIn) (*struct{}, error) {
	if _, err := a.may(ctx, access.Follow, access.Object{Kind: access.DisclosureLink}); err != nil {
		return nil, fail(err)
	}
	ans := centre.PartyAnswer{Answer: in.Body.Answer, Text: in.Body.Text, Values: in.Body.Values}
	for _, x := range in.Body.Reasons {
		ans.Reasons = append(ans.Reasons, disclosure.Reason(x))
	}
	if _, err := a.c.AnswerDisclosure(ctx, in.Token, ans); err != nil {
		return nil, fail(err)
	}
	return nil, nil
}

type disclosuresIn struct {
	Direction string `query:"direction" enum:"sent,received"`
	State     string `query:"state" maxLength:"40"`
	Name      string `query:"name" maxLength:"255"`
	Case      string `query:"case" maxLength:"64"`
	After     string `query:"after" maxLength:"64" doc:"The next of the page before."`
	Limit     int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

type disclosuresOut struct {
	Body struct {
		Requests []disclosureView `json:"requests"`
		Next     string           `json:"next,omitempty"`
	}
}

func (a *API) listDisclosures(ctx context.Context, in *disclosuresIn) (*disclosuresOut, error) {
	if _, err := a.may(ctx, access.Read, access.Object{Kind: access.Disclosure}); err != nil {
		return nil, fail(err)
	}
	rs, err := a.c.Disclosures(ctx, store.DisclosureFilter{Direction: in.Direction, State: in.State, Name: in.Name, Case: in.Case, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, fail(err)
	}
	out := &disclosuresOut{}
	out.Body.Requests = []disclosureView{}
	for _, r := range rs {
		out.Body.Requests = append(out.Body.Requests, disclosureOf(r))
	}
	if len(rs) == in.Limit {
		out.Body.Next = rs[len(rs)-1].ID
	}
	return out, nil
}

type disclosureIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) getDisclosure(ctx context.Context, in *disclosureIn) (*disclosureOut, error) {
	if _, err := a.may(ctx, access.Read, access.Object{Kind: access.Disclosure, ID: in.ID}); err != nil {
		return nil, fail(err)
	}
	return disclosed(a.c.Disclosure(ctx, in.ID))
}

type draftDisclosureIn struct {
	Body struct {
		DisclosureWhat
		Case       string `json:"case,omitempty" maxLength:"64"`
		Party      string `json:"party,omitempty" maxLength:"300" doc:"Who holds the data; the registrar of the registration as answered now if absent."`
		PartyEmail string `json:"party_email,omitempty" maxLength:"300"`
		Profile    string `json:"profile,omitempty" maxLength:"40"`
		Send       bool   `json:"send,omitempty" doc:"Send it at once."`
	}
}

func (a *API) draftDisclosure(ctx context.Context, in *draftDisclosureIn) (*disclosureOut, error) {
	if _, err := a.may(ctx, access.Work, access.Object{Kind: access.Disclosure}); err != nil {
		return nil, fail(err)
	}
	d, by := in.Body.draft(), person(ctx).Actor()
	d.Case, d.Party, d.PartyEmail, d.Profile = in.Body.Case, in.Body.Party, in.Body.PartyEmail, in.Body.Profile
	r, err := a.c.DraftDisclosure(ctx, d, by)
	if err == nil && in.Body.Send {
		r, err = a.c.SendDisclosure(ctx, r.ID, r.Seq, by, "")
	}
	return disclosed(r, err)
}

type disclosureActBody struct {
	Seen
	Text string `json:"text,omitempty" maxLength:"8000" doc:"Personal data: it expires."`
}

// disclosureDo is the handler of an act on a request that is one command.
func (a *API) disclosureDo(cmd func(by string, b disclosureActBody) disclosure.Command) func(context.Context, *actIn[disclosureActBody]) (*disclosureOut, error) {
	return func(ctx context.Context, in *actIn[disclosureActBody]) (*disclosureOut, error) {
		if _, err := a.may(ctx, access.Work, access.Object{Kind: access.Disclosure, ID: in.ID}); err != nil {
			return nil, fail(err)
		}
		return disclosed(a.c.ActDisclosure(ctx, in.ID, in.Body.since(), cmd(person(ctx).Actor(), in.Body)))
	}
}
