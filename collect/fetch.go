package collect

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"bailiwick/evidence"
	"bailiwick/name"
)

// Bounds of what a hop records, in octets.
const (
	maxLocation = 2048
	maxServer   = 200
)

// Fetch looks at u from one vantage point: as its browser, in its language,
// from its source address. It follows redirects (Location, the Refresh header,
// a meta refresh of up to five seconds, a script that does the same) with the
// cookies they set, and reads the page at the end. A page that asks for a
// password, a card or a code is the end: where it would send its visitor
// afterwards does not matter.
//
// There is no error: what goes wrong is in Err. A body that was cut off by the
// limit, the time or the server is kept as far as it came, with Truncated set.
func (c *Collector) Fetch(ctx context.Context, u name.URL, v evidence.Vantage) evidence.Fetch {
	return c.fetch(ctx, u, v, c.newHostNames(ctx), true)
}

func (c *Collector) fetch(ctx context.Context, u name.URL, v evidence.Vantage, names *hostNames, keep bool) evidence.Fetch {
	ctx, cancel := context.WithTimeout(ctx, c.limits.FetchTime)
	defer cancel()
	f := evidence.Fetch{URL: u, Vantage: v.ID, At: c.clock.Now()}
	cookies := cookieJar{}
	referer := v.Referer
	seen := map[name.URL]bool{}
	for at := u; ; {
		seen[at] = true
		host := names.of(at)
		hop := evidence.Hop{URL: at}
		if host.failure != "" {
			f.Hops = append(f.Hops, hop)
			f.Err = host.failure
			return f
		}
		answer, failure := c.do(ctx, get{
			url: at, header: browserHeader(v, referer, cookies.header(at)), addrs: host.addrs, source: v.Source,
			limit: c.limits.Body, count: &c.httpSent,
			wantBody: func(status int, h http.Header) bool {
				_, away := redirect(at, status, h)
				return !away
			},
		})
		hop.Addr, hop.TLSError, hop.Status = answer.addr, answer.tlsError, answer.status
		hop.Location = trimmed(answer.header, "Location", maxLocation)
		hop.Server = trimmed(answer.header, "Server", maxServer)
		f.Hops = append(f.Hops, hop)
		if failure != "" {
			// A header without a body is an answer all the same.
			f.Status, f.ContentType, f.Err = answer.status, trimmed(answer.header, "Content-Type", maxServer), failure
			return f
		}
		cookies.take(at, answer.header)
		if next, away := redirect(at, answer.status, answer.header); away {
			if len(f.Hops) > c.limits.Hops {
				f.Status, f.Err = answer.status, "redirects"
				return f
			}
			at = next
			continue
		}
		f.Status, f.ContentType = answer.status, trimmed(answer.header, "Content-Type", maxServer)
		f.Page = evidence.ReadPage(answer.body, answer.header.Get("Content-Type"), at)
		if next, away := refresh(at, answer, f.Page); away && !seen[next] {
			if len(f.Hops) <= c.limits.Hops {
				f.Hops[len(f.Hops)-1].Location = next.String()
				f.Status, f.ContentType, f.Page = 0, "", nil
				at, referer = next, refererFor(at, next)
				continue
			}
			f.Err = "redirects"
		}
		if is3xx(answer.status) && answer.header.Get("Location") != "" {
			f.Err = errMalformed // it points to what is no web address
		}
		f.Bytes, f.Truncated = int64(len(answer.body)), answer.truncated
		if keep {
			f.Body = c.keep(ctx, cmp.Or(f.ContentType, "application/octet-stream"), answer.body)
		}
		return f
	}
}

// is3xx says whether status sends the visitor to the Location (RFC 9110
// section 15.4).
func is3xx(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirect gives where an answer's Location leads, if it is a redirect to a
// web address.
func redirect(at name.URL, status int, h http.Header) (name.URL, bool) {
	if !is3xx(status) || h.Get("Location") == "" {
		return name.URL{}, false
	}
	u, err := evidence.Resolve(at, h.Get("Location"))
	return u, err == nil
}

// refresh gives where a page sends its visitor on, unless it asks for a secret
// first.
func refresh(at name.URL, a got, p *evidence.Page) (name.URL, bool) {
	if p.Password || p.Card || p.OTP {
		return name.URL{}, false
	}
	if u, ok := evidence.RefreshTarget(a.header.Get("Refresh"), at); ok {
		return u, true
	}
	if p.Refresh == "" {
		return name.URL{}, false
	}
	u, err := name.ParseURL(p.Refresh)
	return u, err == nil
}

// refererFor is the Referer a browser sends when a page at from leads to to:
// the whole address on one site, the site alone to another, and nothing from
// https to http (Referrer Policy, strict-origin-when-cross-origin).
func refererFor(from, to name.URL) string {
	if from.Scheme == "https" && to.Scheme == "http" {
		return ""
	}
	if from.Scheme != to.Scheme || from.Host() != to.Host() || from.Port != to.Port {
		from.Path, from.RawQuery = "/", ""
	}
	return from.String()
}

// browserHeader is what the vantage point's browser sends.
func browserHeader(v evidence.Vantage, referer, cookies string) http.Header {
	h := http.Header{
		"Accept":          {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		"Accept-Encoding": {"gzip, deflate"},
		"User-Agent":      {v.UserAgent},
	}
	if v.Language != "" {
		h.Set("Accept-Language", v.Language)
	}
	if referer != "" {
		h.Set("Referer", referer)
	}
	if cookies != "" {
		h.Set("Cookie", cookies)
	}
	return h
}

// hostNames resolves each host once for everything that looks at the same
// moment: the pages of one Look, or the hops of one Fetch.
type hostNames struct {
	c   *Collector
	ctx context.Context

	mu    sync.Mutex
	hosts map[name.Domain]func() resolved
}

func (c *Collector) newHostNames(ctx context.Context) *hostNames {
	return &hostNames{c: c, ctx: ctx, hosts: map[name.Domain]func() resolved{}}
}

func (n *hostNames) resolve(d name.Domain) resolved {
	n.mu.Lock()
	f, ok := n.hosts[d]
	if !ok {
		f = sync.OnceValue(func() resolved { return n.c.addresses(n.ctx, d) })
		n.hosts[d] = f
	}
	n.mu.Unlock()
	return f()
}

// of gives the addresses of a URL's host.
func (n *hostNames) of(u name.URL) resolved {
	if u.Addr.IsValid() {
		return resolved{addrs: []netip.Addr{u.Addr}}
	}
	return n.resolve(u.Domain)
}

// know puts in what is already resolved.
func (n *hostNames) know(d name.Domain, r resolved) {
	n.hosts[d] = func() resolved { return r }
}

// cookieJar holds the cookies of one fetch. Kits set one and redirect to see
// whether it comes back. Path, expiry and Secure are not kept: a fetch lasts
// seconds, and nothing in it is secret. Keys are the host, or the domain a
// cookie was set for.
type cookieJar map[string][]*http.Cookie

// Bounds of the jar.
const (
	maxCookies     = 50
	maxCookieBytes = 4096
)

func (j cookieJar) take(at name.URL, h http.Header) {
	for _, c := range (&http.Response{Header: h}).Cookies() {
		if len(c.Name)+len(c.Value) > maxCookieBytes {
			continue
		}
		key := "=" + at.Host()
		if d, err := name.Parse(strings.TrimPrefix(c.Domain, ".")); c.Domain != "" && err == nil && at.Domain.Under(d) {
			key = d.String()
		}
		j[key] = slices.DeleteFunc(j[key], func(old *http.Cookie) bool { return old.Name == c.Name })
		if c.MaxAge >= 0 && j.size() < maxCookies {
			j[key] = append(j[key], c)
		}
	}
}

func (j cookieJar) size() int {
	n := 0
	for _, l := range j {
		n += len(l)
	}
	return n
}

// header is the Cookie header for a request to u, "" for none.
func (j cookieJar) header(u name.URL) string {
	keys := []string{"=" + u.Host()}
	for d := u.Domain; !d.IsZero(); d = d.Parent() {
		keys = append(keys, d.String())
	}
	var pairs []string
	for _, k := range keys {
		for _, c := range j[k] {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}
