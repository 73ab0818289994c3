// Package api is the JSON API of the centre, described as OpenAPI 3.1 at
// /api/v1/openapi.json. It holds no rules: it turns requests into calls of the
// centre, and the typed error into RFC 9457 answers.
package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/centre"
	"bailiwick/problem"
	"bailiwick/store"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// API serves /api/v1.
type API struct {
	c    *centre.Centre
	desk *access.Desk
}

// New makes an API whose senders a desk tells apart by their keys. Without a
// desk (nil) there are no keys, and only what needs none is served.
func New(c *centre.Centre, desk *access.Desk) *API { return &API{c: c, desk: desk} }

// Register adds the API's routes to mux.
func (a *API) Register(mux *http.ServeMux) {
	cfg := huma.DefaultConfig("Bailiwick", "1")
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "/api/v1/openapi", "", ""
	cfg.CreateHooks = nil // no $schema links in answers
	cfg.Info.Description = "Reports of domain-name abuse in, receipts and answers out; with a key, cases. " +
		"A key goes into the Authorization header (Bearer bw_…). Reports may come with or without one; with one, idempotency keys belong to it and not to the address."
	cfg.Transformers = append(cfg.Transformers, ours)
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{keyScheme: {Type: "http", Scheme: "bearer", BearerFormat: access.KeyPrefix + "…",
		Description: "An API key, as 'bailiwick user key' makes it."}}
	h := humago.New(mux, cfg)
	h.UseMiddleware(a.identify)
	failures := func(codes ...int) map[string]*huma.Response {
		out := map[string]*huma.Response{}
		schema := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[failure](), true, "Problem")
		for _, c := range codes {
			out[strconv.Itoa(c)] = &huma.Response{Description: http.StatusText(c), Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}}
		}
		return out
	}

	huma.Register(h, huma.Operation{OperationID: "report", Method: http.MethodPost, Path: "/api/v1/reports", Summary: "Report abuse",
		Description: "Takes one report: this API's own JSON form, XARF v4 or XARF v3, told apart by content. 202 with a receipt after it is stored. " +
			"A report that is not valid is stored too and answered 422, with its receipt. With an Idempotency-Key the same request may be sent again and meets the same receipt.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: centre.MaxReport + 1, Responses: failures(400, 401, 409, 413, 422, 503),
		Security: maybeKey, SkipValidateBody: true, BodyReadTimeout: bodyTime}, a.report)
	huma.Register(h, huma.Operation{OperationID: "report-state", Method: http.MethodGet, Path: "/api/v1/reports/{receipt}", Summary: "State of a report",
		Security: maybeKey, Responses: failures(401, 404)}, a.state)
	huma.Register(h, huma.Operation{OperationID: "withdraw", Method: http.MethodPost, Path: "/api/v1/reports/{receipt}/withdraw", Summary: "Take a report back",
		DefaultStatus: http.StatusNoContent, Security: maybeKey, Responses: failures(401, 404, 409)}, a.withdraw)
	huma.Register(h, huma.Operation{OperationID: "answer", Method: http.MethodPost, Path: "/api/v1/answers/{token}", Summary: "Answer an ask",
		Description:   "The token is the last part of the answer link in the message.",
		DefaultStatus: http.StatusNoContent, MaxBodyBytes: 64 << 10, Security: maybeKey, Responses: failures(400, 401, 404, 413, 422), BodyReadTimeout: bodyTime}, a.answer)

	if a.desk != nil {
		a.cases(h, failures)
	}
	a.disclosures(h, failures)
	a.inaccuracies(h, failures)
	a.verifications(h, failures)

	mux.HandleFunc("POST /api/v1/reports/bulk", a.bulk)
	lines := func(v reflect.Type, hint string) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"application/x-ndjson": {Schema: h.OpenAPI().Components.Schemas.Schema(v, true, hint)}}
	}
	op := &huma.Operation{OperationID: "bulk", Method: http.MethodPost, Path: "/api/v1/reports/bulk", Summary: "Report abuse in bulk",
		Description: "One report per line, in any of the forms that a single one may have. Answered with one result per line, in order, each after the report is stored. " +
			"A line that is not valid stops nothing. With an Idempotency-Key the whole may be sent again: line n meets its first receipt. " +
			"A result without a line number says why the rest was not read.",
		Parameters:  []*huma.Param{{Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString}}},
		RequestBody: &huma.RequestBody{Required: true, Content: lines(reflect.TypeFor[any](), "Report")}, Security: maybeKey, Responses: failures(401, 413, 422, 503)}
	op.Responses["200"] = &huma.Response{Description: "One result per line", Content: lines(reflect.TypeFor[centre.BulkResult](), "BulkResult")}
	h.OpenAPI().AddOperation(op)
}

// bodyTime is how long a body may take, and in bulk how long each piece of it.
const bodyTime = 30 * time.Second

// ours makes the errors that huma finds by itself documents like all others.
func ours(_ huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code := problem.Invalid
	switch {
	case e.Status == http.StatusNotFound:
		code = problem.NotFound
	case e.Status == http.StatusRequestEntityTooLarge:
		code = problem.TooLarge
	case e.Status == http.StatusRequestTimeout:
		code = problem.Unavailable
	case e.Status >= 500:
		code = problem.Internal
	}
	p := problem.New(code, "%s", e.Detail)
	for _, d := range e.Errors {
		path := d.Location
		for _, in := range []string{"header.", "path.", "query.", "body."} {
			path = strings.TrimPrefix(path, in)
		}
		p.Fields = append(p.Fields, problem.Field{Path: path, Reason: d.Message})
	}
	doc := problem.DocumentOf(p)
	doc.Status = e.Status // as sent
	return &failure{Document: doc}, nil
}

// failure is a problem as huma wants it.
type failure struct {
	problem.Document
	Receipt *centre.Receipt `json:"receipt,omitempty"`
}

// Error implements error.
func (f *failure) Error() string { return f.Title + ": " + f.Detail }

// GetStatus implements huma.StatusError.
func (f *failure) GetStatus() int { return f.Status }

// ContentType implements huma.ContentTypeFilter.
func (f *failure) ContentType(string) string { return "application/problem+json" }

type reportIn struct {
	Key     string `header:"Idempotency-Key" maxLength:"200" doc:"Chosen by the client; the same key and content meet the same receipt."`
	RawBody []byte `contentType:"application/json"`
	scope   string
}

// Resolve implements huma.Resolver: idempotency keys belong to who sends them.
func (r *reportIn) Resolve(ctx huma.Context) []error {
	r.scope = scope(person(ctx.Context()), ctx.RemoteAddr())
	return nil
}

func scopeOf(remote string) string {
	for i := len(remote) - 1; i >= 0; i-- {
		if remote[i] == ':' {
			return remote[:i]
		}
	}
	return remote
}

type receiptOut struct{ Body centre.Receipt }

func (a *API) report(ctx context.Context, in *reportIn) (*receiptOut, error) {
	if _, err := a.may(ctx, access.Report, access.Object{Kind: access.Reports}); err != nil {
		return nil, fail(err)
	}
	rc, err := a.c.Submit(ctx, centre.Submission{Source: "api", Scope: in.scope, Key: in.Key, Body: in.RawBody})
	if err != nil {
		return nil, fail(err)
	}
	if rc.State == store.ReportRejected {
		d := problem.DocumentOf(&problem.Error{Code: problem.Invalid, Detail: rc.Detail, Fields: rc.Errors})
		return nil, &failure{Document: d, Receipt: &rc}
	}
	return &receiptOut{Body: rc}, nil
}

type receiptIn struct {
	Receipt string `path:"receipt" maxLength:"64"`
}

func (a *API) state(ctx context.Context, in *receiptIn) (*receiptOut, error) {
	if _, err := a.may(ctx, access.Follow, access.Object{Kind: access.Receipt}); err != nil {
		return nil, fail(err)
	}
	rc, err := a.c.ReportState(ctx, in.Receipt)
	if err != nil {
		return nil, fail(err)
	}
	return &receiptOut{Body: rc}, nil
}

func (a *API) withdraw(ctx context.Context, in *receiptIn) (*struct{}, error) {
	if _, err := a.may(ctx, access.Follow, access.Object{Kind: access.Receipt}); err != nil {
		return nil, fail(err)
	}
	if err := a.c.Withdraw(ctx, in.Receipt); err != nil {
		return nil, fail(err)
	}
	return nil, nil
}

type answerIn struct {
	Token string `path:"token" maxLength:"256"`
	Body  struct {
		Answer string `json:"answer" enum:"received,need_more,acted,referred,refused,not_ours"`
		Note   string `json:"note,omitempty" maxLength:"4000"`
	}
}

func (a *API) answer(ctx context.Context, in *answerIn) (*struct{}, error) {
	if _, err := a.may(ctx, access.Follow, access.Object{Kind: access.AnswerLink}); err != nil {
		return nil, fail(err)
	}
	if err := a.c.AnswerLink(ctx, in.Token, in.Body.Answer, in.Body.Note); err != nil {
		return nil, fail(err)
	}
	return nil, nil
}

// bulk streams one result line per report line.
func (a *API) bulk(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	defer func() {
		// net/http panics at the next request of the connection if, in full
		// duplex, it is left to it to read what is left of this one.
		_ = rc.SetReadDeadline(time.Now().Add(bodyTime))
		_ = r.Body.Close()
		_ = rc.SetWriteDeadline(time.Time{})
	}()
	p, err := a.who(r.Context(), r.Header.Get("Authorization"))
	if err == nil {
		_, err = a.may(context.WithValue(r.Context(), personKey{}, p), access.Report, access.Object{Kind: access.Reports})
	}
	if err != nil {
		d := document(err)
		if d.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", challenge)
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(d.Status)
		_ = json.NewEncoder(w).Encode(d)
		return
	}
	_ = rc.EnableFullDuplex() // results go out while lines still come in; HTTP/2 does so anyhow
	started := false
	enc := json.NewEncoder(w)
	err = a.c.SubmitBulk(r.Context(), centre.Submission{Source: "bulk", Scope: scope(p, r.RemoteAddr), Key: r.Header.Get("Idempotency-Key")},
		&patient{r.Body, rc}, func(res centre.BulkResult) error {
			if !started {
				started = true
				w.Header().Set("Content-Type", "application/x-ndjson")
				w.WriteHeader(http.StatusOK)
			}
			_ = rc.SetWriteDeadline(time.Now().Add(bodyTime)) // who sends and does not read is not waited for
			return enc.Encode(res)
		})
	switch {
	case err != nil && !started:
		problem.Write(w, err)
	case err != nil:
		_ = enc.Encode(centre.BulkResult{Problem: ptr(problem.DocumentOf(err))}) // who has gone is not told
	case !started:
		problem.Write(w, problem.New(problem.Invalid, "the submission has no lines"))
	}
}

// patient reads a body that may take its time, but not for ever over any piece
// of it.
type patient struct {
	io.Reader
	rc *http.ResponseController
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	_ = p.rc.SetReadDeadline(time.Now().Add(bodyTime)) // a server that cannot has none
	n, err := p.Reader.Read(b)
	if err != nil { // what is written from here on takes the time it takes
		_ = p.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

func ptr[T any](v T) *T { return &v }
