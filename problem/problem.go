// Package problem is the one error type that crosses package borders, and the
// one place where an error becomes an HTTP answer (RFC 9457), JSON or an exit
// status. Packages return *Error where the caller can do something about it;
// anything else is an internal error, whose text never reaches an outsider.
package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Code says what kind of error it is; it decides the presentation.
type Code string

// The codes. Each maps to one HTTP status and one exit status.
const (
	Invalid     Code = "invalid"      // the input breaks a rule; Field names where
	TooLarge    Code = "too-large"    // over a limit on size, depth or count
	NotFound    Code = "not-found"    // no such thing
	Conflict    Code = "conflict"     // the state does not allow it, or somebody was first
	Refused     Code = "refused"      // a rule of the house forbids it (guard, stop switch, harm rules)
	RateLimited Code = "rate-limited" // ask again later
	Unavailable Code = "unavailable"  // something outside did not answer; may work later
	Corrupt     Code = "corrupt"      // stored or exported data fails its own checks
	Internal    Code = "internal"     // a fault of ours
)

// Field is one wrong value: where it is (a path such as "report.url" or
// "line 3: sender.contact") and why it is wrong.
type Field struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Error is the typed error. Detail is for people outside: it never holds
// internals. Err, if any, is for the log only.
type Error struct {
	Code   Code
	Detail string
	Fields []Field
	Err    error
}

// New returns an error with a formatted detail.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Wrap returns an error with a detail that keeps err for the log.
func Wrap(err error, code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...), Err: err}
}

// BadField returns an Invalid error about one field.
func BadField(path, format string, args ...any) *Error {
	reason := fmt.Sprintf(format, args...)
	return &Error{Code: Invalid, Detail: path + ": " + reason, Fields: []Field{{Path: path, Reason: reason}}}
}

// Add appends a wrong field to an Invalid error and returns it; on nil it
// makes one, so that a validator can collect.
func (e *Error) Add(path, format string, args ...any) *Error {
	f := Field{Path: path, Reason: fmt.Sprintf(format, args...)}
	if e == nil {
		return &Error{Code: Invalid, Detail: f.Path + ": " + f.Reason, Fields: []Field{f}}
	}
	e.Fields = append(e.Fields, f)
	return e
}

// OrNil returns e as an error, or nil when nothing was collected.
func (e *Error) OrNil() error {
	if e == nil {
		return nil
	}
	return e
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Detail)
	for i, f := range e.Fields {
		if i == 0 && strings.HasPrefix(e.Detail, f.Path+": ") {
			continue
		}
		b.WriteString("; " + f.Path + ": " + f.Reason)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf gives the code of err: Internal if it carries none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

var table = map[Code]struct {
	status, exit int
	title        string
}{
	Invalid:     {http.StatusUnprocessableEntity, 2, "The input is not valid"},
	TooLarge:    {http.StatusRequestEntityTooLarge, 2, "The input is over a limit"},
	NotFound:    {http.StatusNotFound, 1, "Not found"},
	Conflict:    {http.StatusConflict, 1, "The state does not allow this"},
	Refused:     {http.StatusForbidden, 1, "Refused by a rule"},
	RateLimited: {http.StatusTooManyRequests, 3, "Too many requests"},
	Unavailable: {http.StatusServiceUnavailable, 3, "Not available now"},
	Corrupt:     {http.StatusInternalServerError, 1, "Stored data fails its checks"},
	Internal:    {http.StatusInternalServerError, 3, "Internal error"},
}

// Status is the HTTP status of err.
func Status(err error) int { return table[CodeOf(err)].status }

// Exit is the exit status of err: 0 none, 1 the answer is negative, 2 usage or
// bad input, 3 failed.
func Exit(err error) int {
	if err == nil {
		return 0
	}
	return table[CodeOf(err)].exit
}

// Document is the RFC 9457 body of err.
type Document struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Errors []Field `json:"errors,omitempty"`
}

// DocumentOf makes the RFC 9457 body. The detail of an internal error is left
// out.
func DocumentOf(err error) Document {
	code := CodeOf(err)
	t := table[code]
	d := Document{Type: "urn:bailiwick:problem:" + string(code), Title: t.title, Status: t.status}
	var e *Error
	if errors.As(err, &e) && code != Internal {
		d.Detail, d.Errors = e.Detail, e.Fields
	}
	return d
}

// Write answers an HTTP request with err as application/problem+json.
func Write(w http.ResponseWriter, err error) {
	d := DocumentOf(err)
	w.Header().Set("Content-Type", "application/problem+json")
	if d.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "10")
	}
	w.WriteHeader(d.Status)
	_ = json.NewEncoder(w).Encode(d)
}
