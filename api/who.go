package api

import (
	"context"
	"encoding/json"
	"net/http"

	"bailiwick/access"
	"bailiwick/problem"

	"github.com/danielgtaylor/huma/v2"
)

// keyScheme is the name of the API key in the OpenAPI description.
const keyScheme = "key"

var (
	needsKey  = []map[string][]string{{keyScheme: {}}}
	maybeKey  = []map[string][]string{{}, {keyScheme: {}}} // with or without
	challenge = `Bearer realm="bailiwick"`                 // RFC 6750 section 3
)

type personKey struct{}

// person is who sent a request: nobody in particular without a key.
func person(ctx context.Context) access.Person {
	p, _ := ctx.Value(personKey{}).(access.Person)
	return p
}

// who finds out who sends a key. No key is no error; one that is not good is,
// even where none is needed: its sender relies on it. Sessions of the pages are
// no way in here, so no other site can use one.
func (a *API) who(ctx context.Context, header string) (access.Person, error) {
	if header == "" || a.desk == nil {
		return access.Person{}, nil
	}
	return a.desk.Identify(ctx, header)
}

// identify is who as middleware.
func (a *API) identify(ctx huma.Context, next func(huma.Context)) {
	p, err := a.who(ctx.Context(), ctx.Header("Authorization"))
	if err != nil {
		d := document(err)
		if d.Status == http.StatusUnauthorized {
			ctx.SetHeader("WWW-Authenticate", challenge)
		}
		ctx.SetHeader("Content-Type", "application/problem+json")
		ctx.SetStatus(d.Status)
		_ = json.NewEncoder(ctx.BodyWriter()).Encode(d) // who has gone is not told
		return
	}
	next(huma.WithValue(ctx, personKey{}, p))
}

// may decides whether the sender may see or do something, and logs the look
// where it is one at personal data.
func (a *API) may(ctx context.Context, purpose access.Purpose, o access.Object) (access.Verdict, error) {
	p := person(ctx)
	if a.desk == nil {
		v := access.Decide(p, purpose, o)
		return v, v.Err(p)
	}
	return a.desk.Check(ctx, p, purpose, o)
}

// document is the problem document of an error: 401 where the question is who
// asks, and not whether they may.
func document(err error) problem.Document {
	d := problem.DocumentOf(err)
	if access.Unknown(err) {
		d.Status, d.Title = http.StatusUnauthorized, "A key is needed"
	}
	return d
}

func fail(err error) error {
	d := document(err)
	if d.Status == http.StatusUnauthorized {
		return huma.ErrorWithHeaders(&failure{Document: d}, http.Header{"WWW-Authenticate": {challenge}})
	}
	return &failure{Document: d}
}

// scope is whose an idempotency key is: the API key's, else the address's.
func scope(p access.Person, remote string) string {
	if p.Key {
		return "key:" + p.KeyID
	}
	return scopeOf(remote)
}
