package collect

import (
	"context"
	"net/http"
	"sync/atomic"

	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/problem"
)

// Downloaded is a file fetched from a web server.
type Downloaded struct {
	URL    name.URL // after redirects
	Status int      // 200, or 304 where the request was conditional
	Header http.Header
	Body   []byte
}

// Download fetches a file that the centre itself needs, such as a bootstrap
// file: over a connection whose certificate verifies, with the header fields
// given (for conditional requests), following redirects but none from https to
// http, and each address checked by the guard. The file is whole, or it is an
// error: problem.TooLarge for one over limit octets, problem.Refused for an
// address that must not be reached, problem.Unavailable for the rest.
func (c *Collector) Download(ctx context.Context, u name.URL, header http.Header, limit int64) (Downloaded, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.FetchTime)
	defer cancel()
	var sent atomic.Int64 // nobody's count: this is not an investigation
	h := header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Accept-Encoding", "gzip")
	h.Set("User-Agent", c.userAgent)
	for at, hops := u, 0; ; hops++ {
		host := c.rdapAddresses(ctx, at)
		if host.failure != "" {
			return Downloaded{}, problem.New(problem.Unavailable, "%s does not resolve: %s", at.Host(), host.failure)
		}
		a, failure := c.doKept(ctx, get{url: at, addrs: host.addrs, limit: limit, count: &sent, header: h,
			wantBody: func(status int, _ http.Header) bool { return status == http.StatusOK }})
		switch {
		case failure == errBlocked:
			return Downloaded{}, problem.New(problem.Refused, "%s has no address that may be reached", at.Host())
		case failure != "":
			return Downloaded{}, problem.New(problem.Unavailable, "%s did not answer: %s", at.Host(), failure)
		case a.tooLong:
			return Downloaded{}, problem.New(problem.TooLarge, "%s is over %d octets", at, limit)
		case a.truncated:
			return Downloaded{}, problem.New(problem.Unavailable, "%s did not come whole: %s", at, a.fault)
		case a.status == http.StatusOK || a.status == http.StatusNotModified:
			return Downloaded{URL: at, Status: a.status, Header: a.header, Body: a.body}, nil
		case !is3xx(a.status):
			return Downloaded{}, problem.New(problem.Unavailable, "%s answered with HTTP status %d", at.Host(), a.status)
		}
		next, err := evidence.Resolve(at, a.header.Get("Location"))
		switch {
		case err != nil || a.header.Get("Location") == "":
			return Downloaded{}, problem.New(problem.Unavailable, "%s redirects to what is no web address", at.Host())
		case hops >= c.limits.RDAPHops:
			return Downloaded{}, problem.New(problem.Unavailable, "%s redirects too many times", u.Host())
		case at.Scheme == "https" && next.Scheme == "http":
			return Downloaded{}, problem.New(problem.Refused, "%s redirects from https to http", at.Host())
		}
		at = next
	}
}
