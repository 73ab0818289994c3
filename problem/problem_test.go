package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

var codes = []Code{Invalid, TooLarge, NotFound, Conflict, Refused, RateLimited, Unavailable, Corrupt, Internal}

// TestEveryCode: each code is in the table once, with a sensible status and an
// exit status of the contract.
func TestEveryCode(t *testing.T) {
	if len(table) != len(codes) {
		t.Errorf("%d codes, %d rows", len(codes), len(table))
	}
	seen := map[Code]bool{}
	for _, c := range codes {
		row, ok := table[c]
		if !ok || seen[c] {
			t.Errorf("%s: in the table %v, twice %v", c, ok, seen[c])
		}
		seen[c] = true
		if http.StatusText(row.status) == "" || row.status < 400 || row.exit < 1 || row.exit > 3 || row.title == "" {
			t.Errorf("%s: %+v", c, row)
		}
		err := fmt.Errorf("while reading: %w", New(c, "detail"))
		if CodeOf(err) != c || Status(err) != row.status || Exit(err) != row.exit {
			t.Errorf("%s: %s %d %d", c, CodeOf(err), Status(err), Exit(err))
		}
	}
	if Exit(nil) != 0 || CodeOf(errors.New("x")) != Internal || Exit(errors.New("x")) != 3 || Status(errors.New("x")) != 500 {
		t.Error("an error without a code is not internal")
	}
}

// TestDocument holds the bodies people outside see.
func TestDocument(t *testing.T) {
	secret := errors.New("dial tcp 10.0.0.5:5432: password=hunter2")
	for _, c := range []struct {
		err  error
		want string
	}{
		{BadField("urls[2]", "%s is a private address", "10.0.0.1"), `{"type":"urn:bailiwick:problem:invalid","title":"The input is not valid","status":422,"detail":"urls[2]: 10.0.0.1 is a private address","errors":[{"path":"urls[2]","reason":"10.0.0.1 is a private address"}]}`},
		{Wrap(secret, Unavailable, "the registry did not answer"), `{"type":"urn:bailiwick:problem:unavailable","title":"Not available now","status":503,"detail":"the registry did not answer"}`},
		{Wrap(secret, Internal, "row 7 of table cases"), `{"type":"urn:bailiwick:problem:internal","title":"Internal error","status":500}`},
		{fmt.Errorf("handler: %w", secret), `{"type":"urn:bailiwick:problem:internal","title":"Internal error","status":500}`},
		{New(RateLimited, "10 a minute"), `{"type":"urn:bailiwick:problem:rate-limited","title":"Too many requests","status":429,"detail":"10 a minute"}`},
	} {
		got, err := json.Marshal(DocumentOf(c.err))
		if err != nil || string(got) != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		if strings.Contains(string(got), "hunter2") || strings.Contains(string(got), "table cases") {
			t.Errorf("internals leak: %s", got)
		}
		w := httptest.NewRecorder()
		Write(w, c.err)
		if w.Code != Status(c.err) || w.Header().Get("Content-Type") != "application/problem+json" || strings.TrimSpace(w.Body.String()) != c.want {
			t.Errorf("Write: %d %s %s", w.Code, w.Header(), w.Body)
		}
		if (w.Header().Get("Retry-After") != "") != (w.Code == http.StatusTooManyRequests) {
			t.Errorf("Retry-After of %d: %q", w.Code, w.Header().Get("Retry-After"))
		}
	}
}

func TestCollect(t *testing.T) {
	var e *Error
	if e.OrNil() != nil {
		t.Error("nothing collected is an error")
	}
	e = e.Add("a", "is %d", 1).Add("b", "is 2")
	if e.Error() != "a: is 1; b: is 2" || len(e.Fields) != 2 || e.Code != Invalid || e.OrNil() == nil {
		t.Errorf("%v %+v", e, e)
	}
	cause := errors.New("cause")
	w := Wrap(cause, NotFound, "no case")
	if !errors.Is(w, cause) || w.Error() != "no case: cause" {
		t.Errorf("%v", w)
	}
}
