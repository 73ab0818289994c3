package lab

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// visitor is who asks.
type visitor struct {
	agent, language, referer string
	source                   netip.Addr
	anyone                   bool // sees whatever anybody could see
}

func (v Vantage) visitor() visitor {
	return visitor{agent: v.UserAgent, language: v.Language, referer: v.Referer, source: v.Source}
}

// kind is the kind of vantage point a request looks like: one of the four of
// StandardVantages, whatever their addresses.
func (v visitor) kind() string {
	switch {
	case !strings.Contains(v.agent, "Mozilla"):
		return "tool"
	case strings.HasPrefix(strings.ToLower(v.language), "zh"):
		return "zh"
	case containsFold(v.agent, "mobile") || containsFold(v.agent, "iphone") || containsFold(v.agent, "android"):
		return "mobile"
	}
	return "plain"
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// conditions gives which of c's conditions v meets.
func (c *Visitors) conditions(v visitor) []bool {
	var out []bool
	if len(c.Vantage) > 0 {
		out = append(out, slices.Contains(c.Vantage, v.kind()))
	}
	if len(c.Agent) > 0 {
		out = append(out, slices.ContainsFunc(c.Agent, func(s string) bool { return containsFold(v.agent, s) }))
	}
	if len(c.Language) > 0 {
		out = append(out, slices.ContainsFunc(c.Language, func(s string) bool {
			return strings.HasPrefix(strings.ToLower(strings.TrimSpace(v.language)), strings.ToLower(s))
		}))
	}
	if len(c.Source) > 0 {
		out = append(out, slices.ContainsFunc(c.Source, func(p netip.Prefix) bool { return p.Contains(v.source) }))
	}
	if len(c.Referer) > 0 {
		out = append(out, slices.ContainsFunc(c.Referer, func(s string) bool { return containsFold(v.referer, s) }))
	}
	return out
}

func (c *Visitors) all(v visitor) bool {
	return v.anyone || c.empty() || !slices.Contains(c.conditions(v), false)
}

func (c *Visitors) any(v visitor) bool {
	return !v.anyone && !c.empty() && slices.Contains(c.conditions(v), true)
}

// shows says whether the cloak lets v see.
func (c *Cloak) shows(v visitor) bool {
	return c == nil || c.ShowTo.all(v) && !c.HideFrom.any(v)
}

// pathMatches says whether path is covered by a pattern: exact, or a prefix
// ending in "*".
func pathMatches(pattern, path string) bool {
	if pattern == "" || pattern == "*" {
		return true
	}
	if p, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(path, p)
	}
	return path == pattern
}

// abuseAt says whether path is where the abuse is: at it, or below it.
func (n *Name) abuseAt(path string) bool {
	p := n.Site.Path
	if path == p || strings.TrimSuffix(path, "/") == strings.TrimSuffix(p, "/") {
		return true
	}
	if n.Site.Kind == "malware" {
		return false
	}
	return p == "/" || strings.HasPrefix(path, strings.TrimSuffix(p, "/")+"/")
}

// respond is what the server at dst answers for a path of h's site. The web
// listeners and the truth both use it.
func (w *World) respond(h *holding, dst netip.Addr, path string, v visitor, now time.Time) response {
	n := h.def
	st := n.Site
	notice := h.notice // bodies are written without the lock
	if h.dns.def.Kind != "normal" && dst == h.dns.addr {
		return n.named(pageOf(h.dns.def.Kind), "")
	}
	if h.cdn != nil && (dst == h.cdnAddr || dst == h.cdnAddr6) {
		front := h.cdn.name
		switch h.cdnState {
		case "interstitial":
			return page(403, looksInterstitial, func() []byte { return interstitialPage("Shown by " + front) })
		case "stopped":
			return page(409, looksOther, func() []byte {
				return doc("en", "Not served", tag("h1", "This site is not served here"), tag("p", front+" no longer serves this site, following a report of abuse."))
			})
		}
		if h.how == "refused" || h.how == "timeout" {
			return page(522, looksOther, func() []byte { return doc("en", "522", tag("h1", "The origin server does not answer")) })
		}
	}
	switch h.how {
	case "suspended":
		return page(403, looksOther, func() []byte {
			return doc("en", "Account suspended", tag("h1", "This account has been suspended"), tag("p", notice), tag("p", "If you are the owner, contact the provider."))
		})
	case "404":
		return page(404, looksOther, func() []byte {
			return doc("en", "404 Not Found", tag("h1", "Not Found"), tag("p", "The requested URL was not found on this server."), tag("p", notice))
		})
	case "410":
		return n.named("gone", "")
	case "blank":
		return n.named("blank", "")
	case "parked", "sinkhole":
		return n.named(h.how, "")
	case "refused":
		return response{drop: true}
	case "timeout":
		return response{timeout: true}
	}
	if h.movedTo != nil && (n.abuseAt(path) || path == "/") {
		return response{status: http.StatusFound, location: h.movedTo.def.URL(), body: func() []byte { return nil }}
	}
	brandURL := w.brandURL(st.Brand)
	for _, p := range st.Pages {
		at := now.Sub(w.start)
		if !pathMatches(p.Path, path) || p.From != nil && at < p.From.D() || p.Until != nil && at >= p.Until.D() {
			continue
		}
		if p.abuse() && (h.cleaned || !h.live) {
			continue
		}
		if v.anyone && !p.To.empty() && !p.abuse() || !p.To.all(v) {
			continue
		}
		return p.respond(n, brandURL)
	}
	switch st.Kind {
	case "phishing", "malware":
		if n.abuseAt(path) {
			switch {
			case !h.live:
				return n.named("not_found", "")
			case h.cleaned:
				return n.named("gone", "")
			case !h.cloak.shows(v):
				return n.named(h.cloak.Others, brandURL)
			}
			return n.named("kit", brandURL)
		}
		if path == "/" {
			return n.named(st.Front, brandURL)
		}
		if st.Front == "shop" && (strings.HasPrefix(path, "/product/") || path == "/shop" || path == "/about" || path == "/contact") {
			return n.named("shop", "")
		}
	case "custom", "none":
	default:
		if path == "/" || st.Kind != "parked" && path == st.Path {
			return n.named(st.Kind, brandURL)
		}
		if st.Kind == "parked" || st.Kind == "sinkhole" {
			return n.named(st.Kind, "")
		}
		if st.Kind == "shop" && strings.HasPrefix(path, "/product/") {
			return n.named("shop", "")
		}
	}
	return notFound()
}

// pageOf is the page that a parking or sinkhole operator serves.
func pageOf(kind string) string {
	if kind == "parking" {
		return "parked"
	}
	return kind
}

func (p Page) respond(n *Name, brandURL string) response {
	var r response
	if p.Show != "" {
		r = n.named(p.Show, brandURL)
	} else {
		r = response{status: p.Status, ctype: p.ContentType, location: p.Location}
		if r.status == 0 {
			r.status = 200
			if p.Location != "" {
				r.status = http.StatusFound
			}
		}
		if r.ctype == "" {
			r.ctype = "text/html; charset=utf-8"
		}
		title, body := p.Title, p.Body
		r.body = func() []byte {
			if title != "" {
				return doc(n.Site.Language, title, body)
			}
			return []byte(body)
		}
	}
	r.shows = looksOther
	if p.abuse() {
		r.shows = looksAbuse
	} else if p.Show == "interstitial" {
		r.shows = looksInterstitial
	} else if p.Show == "parked" || p.Show == "sinkhole" {
		r.shows = looksParked
	}
	return r
}

// brandURL is the imitated brand's own site.
func (w *World) brandURL(brand string) string {
	for _, c := range w.s.Constituents {
		if len(c.Domains) > 0 && (strings.EqualFold(c.Name, brand) || slices.ContainsFunc(c.Brands, func(b string) bool { return strings.EqualFold(b, brand) })) {
			return "https://" + c.Domains[0] + "/"
		}
	}
	return "https://www.rir.example/"
}

// serveWeb answers every HTTP and HTTPS request, RDAP included.
func (w *World) serveWeb(rw http.ResponseWriter, r *http.Request) {
	defer r.Body.Close()
	if rec, ok := w.infra[hostAsked(r)]; ok && rec.orders != nil {
		w.serveOrder(rw, r, rec.orders)
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
	host := hostAsked(r)
	dst := addrOf(r.Context().Value(http.LocalAddrContextKey))
	src, _ := netip.ParseAddrPort(r.RemoteAddr)
	// RDAP asked of a host that speaks none is an RDAP exchange all the same.
	asksRDAP := strings.Contains(r.Header.Get("Accept"), "application/rdap+json")
	if rec, ok := w.infra[host]; ok && rec.rdap != nil {
		w.counts.rdap.Add(1)
		w.serveRDAP(rw, r, rec.rdap)
		return
	}
	if asksRDAP {
		w.counts.rdap.Add(1)
	} else {
		w.counts.http.Add(1)
	}
	v := visitor{agent: r.UserAgent(), language: r.Header.Get("Accept-Language"), referer: r.Referer(), source: src.Addr()}
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	w.mu.RLock()
	res := w.siteAt(host, dst, path, v)
	w.mu.RUnlock()
	if res.drop || res.timeout {
		hangUp(rw)
		return
	}
	if r.Method == http.MethodPost && res.shows == looksAbuse {
		res = notFound() // what is typed into a kit goes nowhere
	}
	for k, val := range res.header {
		rw.Header().Set(k, val)
	}
	rw.Header().Set("Date", w.clock.Now().Format(http.TimeFormat))
	rw.Header().Set("Server", "lab")
	if res.location != "" {
		rw.Header().Set("Location", res.location)
	}
	if res.ctype != "" {
		rw.Header().Set("Content-Type", res.ctype)
	}
	rw.WriteHeader(res.status)
	if r.Method != http.MethodHead {
		_, _ = rw.Write(res.body()) // the visitor may have gone
	}
}

// hostAsked is the host that a request names.
func hostAsked(r *http.Request) string {
	host := strings.ToLower(r.Host)
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}

// hangUp closes the connection without an answer.
func hangUp(rw http.ResponseWriter) {
	hj, ok := rw.(http.Hijacker)
	if !ok {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if c, _, err := hj.Hijack(); err == nil {
		_ = c.Close()
	}
}

func addrOf(v any) netip.Addr {
	a, ok := v.(net.Addr)
	if !ok {
		return netip.Addr{}
	}
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap()
}

// siteAt is the answer for a host name at an address.
func (w *World) siteAt(host string, dst netip.Addr, path string, v visitor) response {
	now := w.clock.Now()
	if h := w.holdingFor(host); h != nil && !h.registered.IsZero() && h.serves(dst) {
		return w.respond(h, dst, path, v, now)
	}
	if rec, ok := w.infra[host]; ok && rec.site != nil && rec.addr == dst {
		switch path {
		case "/":
			return rec.site.named(rec.site.Site.Kind, "")
		case "/report-abuse":
			return page(200, looksOther, func() []byte {
				return doc("en", "Report abuse", tag("h1", "Report abuse to "+rec.site.Site.Brand),
					"<form method=\"post\"><p><label>Address of the page <input name=\"url\"></label></p><p><label>What happened <textarea name=\"text\"></textarea></label></p><p><button>Send</button></p></form>")
			})
		}
		return notFound()
	}
	for _, s := range []string{"parking", "sinkhole"} { // such pages answer for any name
		for _, o := range w.ops {
			if o.def.Kind == s && o.addr == dst {
				return (&Name{Name: host}).named(pageOf(s), "")
			}
		}
	}
	return notFound()
}

// serves says whether dst is an address of the site.
func (h *holding) serves(dst netip.Addr) bool {
	return dst.IsValid() && (dst == h.addr || dst == h.addr6 || dst == h.cdnAddr || dst == h.cdnAddr6 || h.dns.def.Kind != "normal" && dst == h.dns.addr)
}

// sight is what one visitor finds at one URL.
type sight int

// In the order in which they count when a subject has several URLs.
const (
	seesNothing sight = iota
	seesParked
	seesInterstitial
	seesMoved
	seesAbuse
)

// see follows a URL as a visitor would, without the network.
func (w *World) see(raw string, v visitor, now time.Time) sight {
	u, err := url.Parse(raw)
	if err != nil {
		return seesNothing
	}
	first := w.subjectKey(u.Hostname())
	for range 8 {
		host := strings.ToLower(u.Hostname())
		addrs := w.resolve(host)
		if len(addrs) == 0 {
			return seesNothing
		}
		path := u.EscapedPath()
		if path == "" {
			path = "/"
		}
		if w.webAt(addrs[0]) != nil {
			return seesNothing
		}
		r := w.siteAtTime(host, addrs[0], path, v, now)
		switch {
		case r.drop || r.timeout:
			return seesNothing
		case r.shows == looksAbuse:
			if w.subjectKey(host) != first {
				return seesMoved
			}
			return seesAbuse
		case r.shows == looksInterstitial:
			return seesInterstitial
		case r.shows == looksParked:
			return seesParked
		case r.location == "":
			return seesNothing
		}
		next, err := u.Parse(r.location)
		if err != nil {
			return seesNothing
		}
		u = next
	}
	return seesNothing
}

func (w *World) siteAtTime(host string, dst netip.Addr, path string, v visitor, now time.Time) response {
	if h := w.holdingFor(host); h != nil && !h.registered.IsZero() && h.serves(dst) {
		return w.respond(h, dst, path, v, now)
	}
	return notFound()
}
