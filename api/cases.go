package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"

	"github.com/danielgtaylor/huma/v2"
)

// cases adds the routes of cases. All need a key.
func (a *API) cases(h huma.API, failures func(...int) map[string]*huma.Response) {
	get := func(id, path, summary, text string, codes ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: "/api/v1/cases" + path, Summary: summary, Description: text,
			Security: needsKey, Responses: failures(append([]int{401, 403, 422}, codes...)...)}
	}
	huma.Register(h, get("cases", "", "List cases", "The one opened last first. next is what to send as after for the next page; without it this is the last one.", 404), a.listCases)
	huma.Register(h, get("case", "/{id}", "One case", "", 404), a.getCase)
	huma.Register(h, get("case-log", "/{id}/log", "The log of a case",
		"What happened, in order. Payloads with personal data are withheld unless the purpose needs them and a role of the key allows it; each such look is logged. "+
			"Who reported is shown for the purpose of answering only.", 404), a.caseLog)

	act := func(id, summary, text string) huma.Operation {
		return huma.Operation{OperationID: "case-" + id, Method: http.MethodPost, Path: "/api/v1/cases/{id}/" + id, Summary: summary, Description: text,
			Security: needsKey, MaxBodyBytes: 64 << 10, BodyReadTimeout: bodyTime, Responses: failures(400, 401, 403, 404, 409, 413, 422, 503)}
	}
	huma.Register(h, act("confirm", "Confirm a case", "Looks again, now, and confirms on that look; parties are then asked."), confirm(a))
	huma.Register(h, act("reject", "Reject a case: the claim is untrue", "The reporter is told the reason."), do(a, func(by string, b reasonBody) casework.Command {
		return casework.Reject{By: by, Reason: b.Reason}
	}))
	huma.Register(h, act("note", "Add a note", ""), do(a, func(by string, b noteBody) casework.Command { return casework.AddNote{By: by, Text: b.Text} }))
	huma.Register(h, act("answer", "Record what a party answered by another way", ""), do(a, func(by string, b answerBody) casework.Command {
		return casework.Answer{Obligation: b.Obligation, By: by, Answer: b.Answer, Note: b.Note}
	}))
	huma.Register(h, act("extend", "Give a party more time", ""), do(a, func(by string, b extendBody) casework.Command {
		return casework.Extend{Obligation: b.Obligation, By: by, Reason: b.Reason, Until: b.Until}
	}))
	huma.Register(h, act("ask", "Ask a party now", "Looks again, now. With step, whoever has authority in that step of the playbook is asked though its turn has not come; "+
		"with obligation, a party that has the ask gets another notice. The rules against harm hold: what they forbid is refused (403) with the reason."), ask(a))
	huma.Register(h, act("escalate", "Go to the next step before a party's time is over", "Looks again, now. The party keeps its time."), escalate(a))
	huma.Register(h, act("assign", "Say who works a case", ""), assign(a))
	huma.Register(h, act("close", "Close a case by hand", ""), do(a, func(by string, b reasonBody) casework.Command { return casework.Close{By: by, Reason: b.Reason} }))
	huma.Register(h, act("reopen", "Open a closed case again", ""), do(a, func(by string, b reasonBody) casework.Command {
		return casework.Reopen{By: by, Reason: b.Reason}
	}))
	huma.Register(h, act("merge", "Make a case part of another", ""), merge(a))
	huma.Register(h, act("unmerge", "Restore a merged case", ""), unmerge(a))
}

// subject is what a case is about.
type subject struct {
	Key  string `json:"key" doc:"A name as A-labels, or an address."`
	Kind string `json:"kind" doc:"domain, platform or address"`
}

// CaseItem is a case as a line of a list. (What is embedded must be exported for
// huma to describe it.)
type CaseItem struct {
	ID          string    `json:"id"`
	Subject     subject   `json:"subject"`
	Type        string    `json:"type"`
	State       string    `json:"state" enum:"new,investigating,unconfirmed,coordinating,closed,merged"`
	Class       string    `json:"class,omitempty" doc:"malicious, compromised, innocent or unknown; unknown counts as compromised"`
	Outcome     string    `json:"outcome,omitempty" doc:"What was measured; absent while the abuse stands."`
	Opened      time.Time `json:"opened"`
	Closed      time.Time `json:"closed,omitzero"`
	Due         time.Time `json:"due,omitzero" doc:"When work on it is next due."`
	Seq         int       `json:"seq" doc:"Number of its last event."`
	Reports     int       `json:"reports"`
	Obligations int       `json:"obligations"`
	Assignee    string    `json:"assignee,omitempty" doc:"Who works it, as a reference (person:ID)."`
}

// obligation is one party asked for one action by one time.
type obligation struct {
	ID        string    `json:"id"`
	Party     string    `json:"party"`
	PartyName string    `json:"party_name,omitempty"`
	Role      string    `json:"role"`
	Action    string    `json:"action"`
	Status    string    `json:"status"`
	Opened    time.Time `json:"opened"`
	Escalated time.Time `json:"escalated,omitzero" doc:"When a person went to the next step before its time was over."`
	Delivered time.Time `json:"delivered,omitzero" doc:"When a receiving server first accepted a notice; silence counts from here."`
	Due       time.Time `json:"due,omitzero"`
	Answer    string    `json:"answer,omitempty"`
	AnswerAt  time.Time `json:"answer_at,omitzero"`
}

type confirmation struct {
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Evidence time.Time `json:"evidence" doc:"The time of the look it rests on."`
}

// caseView is a case as a whole. It holds no personal payloads: the projection
// of a case never does.
type caseView struct {
	CaseItem
	URLs         []string      `json:"urls,omitempty" doc:"As reported. Not defanged: these are live addresses of abuse."`
	Reasons      []string      `json:"reasons,omitempty" doc:"Of the judgement."`
	Confirmation *confirmation `json:"confirmation,omitempty"`
	Asked        []obligation  `json:"asked,omitempty"`
	Round        int           `json:"round" doc:"1, and one more after each return."`
	SeenLast     time.Time     `json:"seen_last,omitzero" doc:"When the abuse was last seen."`
	GoneSince    time.Time     `json:"gone_since,omitzero"`
	Actor        string        `json:"actor,omitempty" doc:"Who is credited, on evidence; absent is not known."`
	MergedInto   string        `json:"merged_into,omitempty"`
}

func item(c casework.Case) CaseItem {
	return CaseItem{ID: c.ID, Subject: subject{Key: c.Subject.Key(), Kind: string(c.Subject.Kind)}, Type: string(c.Type), State: string(c.State), Class: string(c.Class),
		Outcome: string(c.Outcome), Opened: c.Opened, Closed: c.Closed, Due: c.Due(), Seq: c.Seq, Reports: len(c.AllReports()), Obligations: len(c.Obligations), Assignee: c.Assignee}
}

func view(c casework.Case) caseView {
	v := caseView{CaseItem: item(c), URLs: c.URLs(), Reasons: c.Reasons, Round: c.Round, SeenLast: c.SeenLast, GoneSince: c.GoneSince, Actor: c.Actor.ActorID, MergedInto: c.MergedInto}
	if k := c.Confirmation; k != nil {
		v.Confirmation = &confirmation{By: k.By, At: k.At, Evidence: k.Evidence}
	}
	for _, o := range c.Obligations {
		v.Asked = append(v.Asked, obligation{ID: o.ID, Party: o.Party.ID, PartyName: o.Party.Name, Role: string(o.Party.Role), Action: string(o.Action), Status: string(o.Status),
			Opened: o.Opened, Escalated: o.Escalated, Delivered: o.Delivered, Due: o.Due, Answer: o.Answer, AnswerAt: o.AnswerAt})
	}
	return v
}

// For is what a key reads for.
type For struct {
	Purpose string `query:"purpose" enum:"read,work,answer,audit" default:"read" doc:"What for: read; work the case; answer a reporter; audit. It decides what is shown and is logged."`
}

func (p For) purpose() access.Purpose {
	switch p.Purpose {
	case "work":
		return access.Work
	case "answer":
		return access.Answer
	case "audit":
		return access.Audit
	}
	return access.Read
}

type casesIn struct {
	For
	State string `query:"state" enum:"new,investigating,unconfirmed,coordinating,closed,merged" doc:"Only cases in this state."`
	Type  string `query:"type" maxLength:"40" doc:"Only this type of abuse."`
	Name  string `query:"name" maxLength:"255" doc:"Only subjects that begin with this."`
	After string `query:"after" maxLength:"64" doc:"The next of the page before."`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"50"`
}

type casesOut struct {
	Body struct {
		Cases []CaseItem `json:"cases"`
		Next  string     `json:"next,omitempty"`
	}
}

func (a *API) listCases(ctx context.Context, in *casesIn) (*casesOut, error) {
	if _, err := a.may(ctx, in.purpose(), access.Object{Kind: access.Case}); err != nil {
		return nil, fail(err)
	}
	// One more than asked for says whether there is a next page, but for the
	// longest page, where a full one may be followed by an empty one.
	all, err := a.c.Cases(ctx, store.CaseFilter{State: in.State, Type: in.Type, SubjectPrefix: in.Name, After: in.After, Limit: min(in.Limit+1, store.MaxCases)})
	if err != nil {
		return nil, fail(err)
	}
	out := &casesOut{}
	out.Body.Cases = []CaseItem{}
	for i, c := range all {
		if i == in.Limit {
			break
		}
		out.Body.Cases = append(out.Body.Cases, item(c))
	}
	if len(all) > in.Limit || len(all) == store.MaxCases {
		out.Body.Next = out.Body.Cases[len(out.Body.Cases)-1].ID
	}
	return out, nil
}

type caseIn struct {
	ID string `path:"id" maxLength:"64"`
	For
}

type caseOut struct{ Body caseView }

func (a *API) getCase(ctx context.Context, in *caseIn) (*caseOut, error) {
	if _, err := a.may(ctx, in.purpose(), access.Object{Kind: access.Case, ID: in.ID}); err != nil {
		return nil, fail(err)
	}
	return answered(a.c.Case(ctx, in.ID))
}

// answered is a case as an answer.
func answered(c casework.Case, err error) (*caseOut, error) {
	if err != nil {
		return nil, fail(err)
	}
	return &caseOut{Body: view(c)}, nil
}

// logEvent is one event of a case's log.
type logEvent struct {
	Seq      int       `json:"seq"`
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	Actor    string    `json:"actor" doc:"A reference, never a name."`
	Hash     string    `json:"hash" doc:"SHA-256 (hex) over the event before it and this one."`
	Body     any       `json:"body,omitempty"`
	Withheld bool      `json:"withheld,omitempty" doc:"It holds personal data, which is not shown for this purpose."`
	Erased   bool      `json:"erased,omitempty" doc:"The payload has expired."`
}

type logIn struct {
	ID string `path:"id" maxLength:"64"`
	For
	After int `query:"after" minimum:"0" doc:"Only events with a higher number."`
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"1000"`
}

type logOut struct {
	Body struct {
		Events []logEvent `json:"events"`
		Next   int        `json:"next,omitempty" doc:"What to send as after for the next page."`
	}
}

func (a *API) caseLog(ctx context.Context, in *logIn) (*logOut, error) {
	purpose := in.purpose()
	v, err := a.may(ctx, purpose, access.Object{Kind: access.Case, ID: in.ID, Personal: true})
	if err != nil {
		return nil, fail(err)
	}
	entries, err := a.c.Events(ctx, in.ID)
	if err != nil {
		return nil, fail(err)
	}
	reporter := false
	if access.Decide(person(ctx), purpose, access.Object{Kind: access.Reporter, ID: in.ID, Personal: true}).Allowed {
		if _, err := a.may(ctx, purpose, access.Object{Kind: access.Reporter, ID: in.ID, Personal: true}); err != nil {
			return nil, fail(err)
		}
		reporter = true
	}
	out := &logOut{}
	out.Body.Events = []logEvent{}
	for _, e := range entries {
		if e.Seq <= in.After {
			continue
		}
		if len(out.Body.Events) == in.Limit {
			out.Body.Next = out.Body.Events[in.Limit-1].Seq
			break
		}
		ev := logEvent{Seq: e.Seq, At: e.At, Kind: string(e.Kind), Actor: e.Actor, Hash: e.Hash.String()}
		switch {
		case e.Payload == nil:
			ev.Erased = true
		case e.Kind == casework.KindReporter && !reporter, e.Payload.Personal && v.Redact:
			ev.Withheld = true
		default:
			ev.Body = json.RawMessage(e.Payload.Body)
		}
		out.Body.Events = append(out.Body.Events, ev)
	}
	return out, nil
}

// Seen is what every act may carry.
type Seen struct {
	Seq int `json:"seq,omitempty" minimum:"1" doc:"The number of the last event you saw: if somebody else acted after it, nothing is done (409)."`
}

func (s Seen) since() int { return s.Seq }

type (
	reasonBody struct {
		Seen
		Reason string `json:"reason" minLength:"1" maxLength:"4000"`
	}
	noteBody struct {
		Seen
		Text string `json:"text" minLength:"1" maxLength:"4000" doc:"Personal data: it expires."`
	}
	answerBody struct {
		Seen
		Obligation string `json:"obligation" maxLength:"100"`
		Answer     string `json:"answer" enum:"received,need_more,acted,referred,refused,not_ours"`
		Note       string `json:"note,omitempty" maxLength:"4000"`
	}
	extendBody struct {
		Seen
		Obligation string    `json:"obligation" maxLength:"100"`
		Until      time.Time `json:"until"`
		Reason     string    `json:"reason" minLength:"1" maxLength:"4000"`
	}
	askBody struct {
		Seen
		Step       string `json:"step,omitempty" maxLength:"100" doc:"A step of the playbook, such as registry."`
		Party      string `json:"party,omitempty" maxLength:"300" doc:"With step: only this party."`
		Obligation string `json:"obligation,omitempty" maxLength:"100" doc:"Instead of step: what to ask again."`
		Reason     string `json:"reason" minLength:"1" maxLength:"4000"`
	}
	escalateBody struct {
		Seen
		Obligation string `json:"obligation" minLength:"1" maxLength:"100"`
		Reason     string `json:"reason" minLength:"1" maxLength:"4000"`
	}
	assignBody struct {
		Seen
		To string `json:"to" maxLength:"100" doc:"A login name, or 'me'; empty for nobody."`
	}
	confirmBody struct {
		Seen
		Class string `json:"class,omitempty" enum:"malicious,compromised,unknown" doc:"Your judgement, if it differs."`
	}
	mergeBody struct {
		Seen
		Into string `json:"into" minLength:"1" maxLength:"64" doc:"The case it becomes part of."`
	}
)

// actIn is an act on a case.
type actIn[B any] struct {
	ID   string `path:"id" maxLength:"64"`
	Body B
}

// work decides whether the sender may work a case, and gives the reference for
// its log.
func (a *API) work(ctx context.Context, id string) (by string, err error) {
	_, err = a.may(ctx, access.Work, access.Object{Kind: access.Case, ID: id})
	return person(ctx).Actor(), err
}

// do is the handler of an act that is one command.
func do[B interface{ since() int }](a *API, cmd func(by string, b B) casework.Command) func(context.Context, *actIn[B]) (*caseOut, error) {
	return func(ctx context.Context, in *actIn[B]) (*caseOut, error) {
		by, err := a.work(ctx, in.ID)
		if err != nil {
			return nil, fail(err)
		}
		if s := in.Body.since(); s > 0 {
			return answered(a.c.ActSince(ctx, in.ID, s, cmd(by, in.Body)))
		}
		return answered(a.c.Act(ctx, in.ID, cmd(by, in.Body)))
	}
}

// by is do for an act that is more than a command.
func by[B interface{ since() int }](a *API, f func(ctx context.Context, id, by string, b B) (casework.Case, error)) func(context.Context, *actIn[B]) (*caseOut, error) {
	return func(ctx context.Context, in *actIn[B]) (*caseOut, error) {
		who, err := a.work(ctx, in.ID)
		if s := in.Body.since(); err == nil && s > 0 {
			err = a.c.Unchanged(ctx, in.ID, s)
		}
		if err != nil {
			return nil, fail(err)
		}
		return answered(f(ctx, in.ID, who, in.Body))
	}
}

func confirm(a *API) func(context.Context, *actIn[confirmBody]) (*caseOut, error) {
	return by(a, func(ctx context.Context, id, who string, b confirmBody) (casework.Case, error) {
		return a.c.ConfirmSince(ctx, id, b.Seq, who, casework.Class(b.Class))
	})
}

func merge(a *API) func(context.Context, *actIn[mergeBody]) (*caseOut, error) {
	return by(a, func(ctx context.Context, id, who string, b mergeBody) (casework.Case, error) {
		if _, err := a.work(ctx, b.Into); err != nil {
			return casework.Case{}, err
		}
		return a.c.MergeSince(ctx, id, b.Seq, b.Into, who)
	})
}

func unmerge(a *API) func(context.Context, *actIn[Seen]) (*caseOut, error) {
	return by(a, func(ctx context.Context, id, who string, b Seen) (casework.Case, error) {
		return a.c.UnmergeSince(ctx, id, b.Seq, who)
	})
}

func ask(a *API) func(context.Context, *actIn[askBody]) (*caseOut, error) {
	return by(a, func(ctx context.Context, id, who string, b askBody) (casework.Case, error) {
		switch {
		case (b.Step == "") == (b.Obligation == ""):
			return casework.Case{}, problem.BadField("step", "name either a step or an obligation")
		case b.Obligation != "":
			return a.c.AskAgain(ctx, id, b.Seq, who, b.Obligation, b.Reason)
		}
		return a.c.Ask(ctx, id, b.Seq, who, b.Step, b.Party, b.Reason)
	})
}

func escalate(a *API) func(context.Context, *actIn[escalateBody]) (*caseOut, error) {
	return by(a, func(ctx context.Context, id, who string, b escalateBody) (casework.Case, error) {
		return a.c.Escalate(ctx, id, b.Seq, who, b.Obligation, b.Reason)
	})
}

func assign(a *API) func(context.Context, *actIn[assignBody]) (*caseOut, error) {
	return by(a, func(ctx context.Context, id, who string, b assignBody) (casework.Case, error) {
		to, err := a.desk.Worker(ctx, person(ctx), b.To)
		if err != nil {
			return casework.Case{}, err
		}
		return a.c.Assign(ctx, id, b.Seq, who, to)
	})
}
