package lab

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"bailiwick/name"
)

// object is a JSON object of an RDAP answer (RFC 9083).
type object = map[string]any

var conformance = []string{"rdap_level_0", "icann_rdap_response_profile_1", "icann_rdap_technical_implementation_guide_1", "redacted"}

// Bootstrap says where RDAP is asked: base URLs ending in a slash.
type Bootstrap struct {
	DNS map[string][]string       // by TLD
	IP  map[netip.Prefix][]string // by prefix
}

// RDAPBootstrap is the lab's counterpart of IANA's bootstrap registries
// (RFC 9224). A TLD whose registry has no RDAP server is not in it.
func (w *World) RDAPBootstrap() Bootstrap {
	b := Bootstrap{DNS: map[string][]string{}, IP: map[netip.Prefix][]string{}}
	for _, t := range w.s.TLDs {
		if t.RDAP != RDAPNone {
			b.DNS[t.Name] = []string{"https://rdap.nic." + t.Name + "/", "http://rdap.nic." + t.Name + "/"}
		}
	}
	for _, p := range documentation {
		b.IP[p] = []string{"https://" + rirHost + "/", "http://" + rirHost + "/"}
	}
	return b
}

// BootstrapFiles are the three bootstrap files (RFC 9224) for domains, IPv4
// and IPv6.
func (w *World) BootstrapFiles() (dns, ipv4, ipv6 []byte, err error) {
	file := func(desc string, services [][2][]string) ([]byte, error) {
		return json.Marshal(object{"version": "1.0", "publication": w.start.Format(time.RFC3339), "description": desc, "services": services})
	}
	var d [][2][]string
	for _, t := range w.s.TLDs {
		if t.RDAP != RDAPNone {
			d = append(d, [2][]string{{t.Name}, {"https://rdap.nic." + t.Name + "/", "http://rdap.nic." + t.Name + "/"}})
		}
	}
	rir := []string{"https://" + rirHost + "/", "http://" + rirHost + "/"}
	if dns, err = file("the lab's TLDs", d); err != nil {
		return
	}
	if ipv4, err = file("the documentation addresses", [][2][]string{{{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"}, rir}}); err != nil {
		return
	}
	ipv6, err = file("the documentation addresses", [][2][]string{{{"2001:db8::/32"}, rir}})
	return
}

// serveRDAP answers for a registry, a registrar or the network registry.
func (w *World) serveRDAP(rw http.ResponseWriter, r *http.Request, s *rdapServer) {
	rw.Header().Set("Date", w.clock.Now().Format(http.TimeFormat))
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		switch wait, banned := s.limit.ask(from.Addr(), time.Now()); {
		case banned:
			w.counts.banned.Add(1)
			writeRDAP(rw, http.StatusForbidden, fault(403, "Forbidden", "This client asked too often and is not answered any more."))
			return
		case wait > 0:
			w.counts.throttled.Add(1)
			rw.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			writeRDAP(rw, http.StatusTooManyRequests, fault(429, "Too Many Requests", "Ask again later."))
			return
		}
	}
	switch s.fault {
	case RDAPHTML:
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = rw.Write(doc("en", "Welcome", tag("h1", "Welcome to our web server"), tag("p", "The service you asked for is being moved.")))
		return
	case RDAPError:
		rw.WriteHeader(http.StatusInternalServerError)
		return
	case RDAPThrottled:
		rw.Header().Set("Retry-After", "3600")
		writeRDAP(rw, http.StatusTooManyRequests, fault(429, "Too Many Requests", "Ask again later."))
		return
	case RDAPEndless:
		rw.Header().Set("Content-Type", "application/rdap+json")
		junk := []byte(`{"objectClassName":"domain","remarks":[` + strings.Repeat(`{"title":"again","description":["and again"]},`, 500))
		for r.Context().Err() == nil {
			if _, err := rw.Write(junk); err != nil {
				return
			}
		}
		return
	}
	kind, key, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	key, err := url.PathUnescape(key)
	if err != nil {
		writeRDAP(rw, http.StatusBadRequest, fault(400, "Bad Request", "The path does not decode."))
		return
	}
	w.mu.RLock()
	status, body, raw := w.rdapAnswer(s, kind, strings.TrimSuffix(strings.ToLower(key), "."), "https://"+r.Host+r.URL.Path)
	w.mu.RUnlock()
	if raw != "" {
		rw.Header().Set("Content-Type", "application/rdap+json")
		_, _ = rw.Write([]byte(raw))
		return
	}
	if s.fault == RDAPBroken {
		b, err := json.Marshal(body)
		if err == nil {
			rw.Header().Set("Content-Type", "application/rdap+json")
			_, _ = rw.Write(b[:len(b)*2/3])
		}
		return
	}
	writeRDAP(rw, status, body)
}

func writeRDAP(rw http.ResponseWriter, status int, body object) {
	rw.Header().Set("Content-Type", "application/rdap+json")
	rw.Header().Set("Access-Control-Allow-Origin", "*")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(body) // the client may have gone
}

func fault(code int, title, detail string) object {
	return object{"rdapConformance": conformance, "errorCode": code, "title": title, "description": []string{detail}}
}

// rdapAnswer gives status and body, or a raw body that the scenario wants sent
// as it is.
func (w *World) rdapAnswer(s *rdapServer, kind, key, self string) (int, object, string) {
	missing := fault(404, "Not Found", "There is no such object here.")
	switch kind {
	case "help":
		return 200, object{"rdapConformance": conformance, "notices": []object{{"title": "Help", "description": []string{"domain/<name>, ip/<address>"}}}}, ""
	case "domain":
		if d, err := name.Parse(key); err == nil {
			key = d.String()
		}
		h := w.holdings[key]
		if h == nil || h.platform != nil || isAddr(key) {
			return 404, missing, ""
		}
		if s.tld == nil && s.registrar == nil || s.tld != nil && w.tldOf(key) != s.tld || s.registrar != nil && h.registrar != s.registrar {
			return 404, missing, ""
		}
		if h.def.RDAPRaw != "" {
			return 200, nil, h.def.RDAPRaw
		}
		if h.def.WHOISRaw != "" { // what is known about it is in WHOIS alone
			return http.StatusNotImplemented, fault(http.StatusNotImplemented, "Not Implemented", "Ask the WHOIS server."), ""
		}
		now := w.clock.Now()
		if gone := h.purge(); h.registered.IsZero() || !gone.IsZero() && !now.Before(gone) {
			return 404, missing, ""
		}
		return 200, w.domainObject(s, h, self, now), ""
	case "ip":
		if s.tld != nil || s.registrar != nil {
			return 404, missing, ""
		}
		addr, _, _ := strings.Cut(key, "/")
		a, err := netip.ParseAddr(addr)
		if err != nil {
			return 400, fault(400, "Bad Request", "The path names no address."), ""
		}
		var best *network
		for i := range w.networks {
			if n := &w.networks[i]; n.prefix.Contains(a.Unmap()) && (best == nil || n.prefix.Bits() > best.prefix.Bits()) {
				best = n
			}
		}
		if best == nil {
			return 404, missing, ""
		}
		return 200, best.object(self), ""
	case "entity":
		for _, p := range w.parties {
			if p.registrar != nil && strconv.Itoa(p.registrar.IANAID) == key && (s.tld != nil || s.registrar == p) {
				o := w.registrarEntity(p)
				o["rdapConformance"] = conformance
				return 200, o, ""
			}
		}
		return 404, missing, ""
	}
	return 400, fault(400, "Bad Request", "The path names no object class that is served here."), ""
}

// vcard makes a jCard (RFC 7095) of property, parameters, type, value rows.
func vcard(rows ...[]any) []any {
	props := []any{[]any{"version", object{}, "text", "4.0"}}
	for _, r := range rows {
		if v, ok := r[3].(string); ok && v == "" {
			continue
		}
		props = append(props, r)
	}
	return []any{"vcard", props}
}

func text(name, value string) []any { return []any{name, object{}, "text", value} }

func tel(number string) []any {
	if number == "" {
		return []any{"tel", object{}, "text", ""}
	}
	if strings.Trim(number, "+.0123456789") != "" { // no tel URI is made of it (RFC 3966): as it was typed
		return []any{"tel", object{"type": "voice"}, "text", number}
	}
	return []any{"tel", object{"type": "voice"}, "uri", "tel:" + strings.ReplaceAll(number, ".", "-")}
}

// abuseEntity is the contact for abuse; nil when neither mail nor form is
// published.
func (p *party) abuseEntity() object {
	rows := [][]any{text("fn", "Abuse desk of "+p.name), {"kind", object{}, "text", "group"}}
	if m := published(p.mail); m != "" {
		rows = append(rows, text("email", m))
	}
	if p.form != "" {
		rows = append(rows, []any{"contact-uri", object{}, "uri", p.form})
	}
	if len(rows) == 2 {
		return nil
	}
	rows = append(rows, tel("+1.5555550100"))
	return object{"objectClassName": "entity", "handle": "ABUSE-" + slug(p.name), "roles": []string{"abuse"}, "vcardArray": vcard(rows...)}
}

func (w *World) registrarEntity(p *party) object {
	id := strconv.Itoa(p.registrar.IANAID)
	e := object{"objectClassName": "entity", "handle": id, "roles": []string{"registrar"},
		"publicIds":  []object{{"type": "IANA Registrar ID", "identifier": id}},
		"vcardArray": vcard(text("fn", p.name), []any{"kind", object{}, "text", "org"}, []any{"url", object{}, "uri", "https://www." + p.domain + "/"})}
	if a := p.abuseEntity(); a != nil {
		e["entities"] = []object{a}
	}
	return e
}

// statusOf gives the statuses in RDAP's words (RFC 8056).
func (h *holding) statusOf(now time.Time) []string {
	var out []string
	if h.clientHold || h.verifyHold || h.dataHold {
		out = append(out, "client hold")
	}
	if h.serverHold {
		out = append(out, "server hold")
	}
	switch {
	case h.expired.IsZero():
	case now.Before(h.expired.Add(2 * Day)):
		out = append(out, "auto renew period")
	case now.Before(h.expired.Add(30 * Day)):
		out = append(out, "redemption period", "pending delete")
	default:
		out = append(out, "pending delete")
	}
	if h.expired.IsZero() && now.Before(h.registered.Add(5*Day)) {
		out = append(out, "add period")
	}
	out = append(out, h.def.Statuses...)
	if h.def.Class != "malicious" && h.expired.IsZero() {
		out = append(out, "client transfer prohibited")
	}
	if len(out) == 0 {
		out = append(out, "active")
	}
	return out
}

func (w *World) domainObject(s *rdapServer, h *holding, self string, now time.Time) object {
	n := h.def
	stamp := func(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
	var servers []object
	if !h.zoneGone {
		for _, x := range []string{"ns1.", "ns2."} {
			servers = append(servers, object{"objectClassName": "nameserver", "ldhName": x + h.dns.def.Domain})
		}
	}
	entities := []object{w.registrarEntity(h.registrar)}
	expires := h.expires
	for !n.Expires.Set && !expires.After(now) { // renewed each year
		expires = expires.AddDate(1, 0, 0)
	}
	out := object{"rdapConformance": conformance, "objectClassName": "domain", "ldhName": n.Name, "handle": fmt.Sprintf("D%x-LAB", keyedShort(n.Name)),
		"status": h.statusOf(now), "nameservers": servers, "secureDNS": object{"delegationSigned": false},
		"events": []object{{"eventAction": "registration", "eventDate": stamp(h.registered)}, {"eventAction": "expiration", "eventDate": stamp(expires)},
			{"eventAction": "last changed", "eventDate": stamp(h.changed)}, {"eventAction": "last update of RDAP database", "eventDate": stamp(now)}},
		"notices": []object{{"title": "Status Codes", "description": []string{"For more information on domain status codes, please visit https://icann.org/epp"},
			"links": []object{{"value": self, "rel": "glossary", "href": "https://icann.org/epp", "type": "text/html"}}}}}
	if t := n.Transferred; t.Set && !t.At(w.start).After(now) {
		events, _ := out["events"].([]object)
		out["events"] = append(events, object{"eventAction": "transfer", "eventDate": stamp(t.At(w.start))})
	}
	links := []object{{"value": self, "rel": "self", "href": self, "type": "application/rdap+json"}}
	if s.tld != nil && h.registrar.registrar.RDAP != RDAPNone {
		links = append(links, object{"value": self, "rel": "related", "href": "https://rdap." + h.registrar.domain + "/domain/" + n.Name, "type": "application/rdap+json"})
	}
	out["links"] = links
	if s.tld == nil || s.tld.def.Model == "thick" {
		e, redacted := h.data.entity(n.Name)
		entities = append(entities, e)
		if len(redacted) > 0 {
			out["redacted"] = redacted
		}
	}
	out["entities"] = entities
	return out
}

func keyedShort(s string) []byte {
	h := keyed(0, "handle", s)
	return h[:4]
}

// entity is the registrant's, and what of it is redacted (RFC 9537).
func (r Registrant) entity(n string) (object, []object) {
	e := object{"objectClassName": "entity", "handle": fmt.Sprintf("C%x-LAB", keyedShort("registrant "+n)), "roles": []string{"registrant"}}
	adr := []any{"adr", object{"cc": r.Country}, "text", []any{"", "", r.Street, r.City, "", r.PostalCode, ""}}
	if r.Kind == "redacted" {
		adr = []any{"adr", object{"cc": r.Country}, "text", []any{"", "", "", "", "", "", ""}}
		e["vcardArray"] = vcard([]any{"fn", object{}, "text", ""}, text("org", r.Organization), adr,
			[]any{"contact-uri", object{}, "uri", "https://www.rir.example/contact/" + n})
		path := "$.entities[?(@.roles[0]=='registrant')].vcardArray[1][?(@[0]=='%s')]"
		var red []object
		for _, f := range [][2]string{{"Registrant Name", "fn"}, {"Registrant Street", "adr"}, {"Registrant City", "adr"}, {"Registrant Postal Code", "adr"},
			{"Registrant Phone", "tel"}, {"Registrant Email", "email"}} {
			o := object{"name": object{"type": f[0]}, "method": "removal", "prePath": fmt.Sprintf(path, f[1]), "reason": object{"description": "Server policy"}}
			if f[1] == "adr" {
				o["method"] = "emptyValue"
				o["postPath"] = o["prePath"]
				delete(o, "prePath")
			}
			red = append(red, o)
		}
		return e, red
	}
	e["vcardArray"] = vcard(text("fn", r.Name), text("org", r.Organization), adr, tel(r.Phone), text("email", r.Email))
	return e, nil
}

// object is the RDAP of a network.
func (n *network) object(self string) object {
	last := lastOf(n.prefix)
	label, handle := "LAB-NET", "NET-"+strings.NewReplacer(".", "-", ":", "-", "/", "-").Replace(n.prefix.String())
	version := "v4"
	if n.prefix.Addr().Is6() {
		version = "v6"
	}
	cidr := object{version + "prefix": n.prefix.Addr().String(), "length": n.prefix.Bits()}
	out := object{"rdapConformance": []string{"rdap_level_0", "cidr0", "nro_rdap_profile_0"}, "objectClassName": "ip network", "handle": handle,
		"startAddress": n.prefix.Addr().String(), "endAddress": last.String(), "ipVersion": version, "type": "ALLOCATED", "status": []string{"active"},
		"cidr0_cidrs": []object{cidr}, "links": []object{{"value": self, "rel": "self", "href": self, "type": "application/rdap+json"}}}
	if n.owner != nil {
		label = strings.ToUpper(slug(n.owner.name))
		e := object{"objectClassName": "entity", "handle": "ORG-" + slug(n.owner.name), "roles": []string{"registrant"},
			"vcardArray": vcard(text("fn", n.owner.name), []any{"kind", object{}, "text", "org"})}
		if a := n.owner.abuseEntity(); a != nil {
			e["entities"] = []object{a}
		}
		out["entities"] = []object{e}
	}
	if n.country != "" {
		out["country"] = n.country
	}
	out["name"] = label
	return out
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
