package whois

import (
	"strconv"
	"strings"

	"bailiwick/name"
)

// maxReferralLines bounds the search for a referral: servers print it near the
// top, and an endless answer is not read through for it.
const maxReferralLines = 4096

// Referral gives the WHOIS server that an answer says to ask next, as a host
// name in A-labels, or as "host:port" when a port other than 43 is named; ""
// when none is. It knows "refer:" and, of a TLD's own record, "whois:" (the
// IANA server), "Registrar WHOIS Server:" and the older "Whois Server:"
// (registries of generic TLDs), and "ReferralServer: whois://…" or "rwhois://…"
// (number registries). Only MaxBytes octets are looked at, and an address
// instead of a name is no referral, because a guard must be able to say whom
// was asked. An answer may refer to its own server: a loop is for the caller
// to see.
func Referral(raw []byte) string {
	if len(raw) > MaxBytes {
		raw = raw[:MaxBytes]
	}
	var refer, tld, registrar, number string
	iana := false
	n := 0
	for l := range strings.Lines(string(raw)) {
		if n++; n > maxReferralLines {
			break
		}
		l = strings.TrimSpace(l)
		label, value, ok := strings.Cut(l, ":")
		if !ok || len(label) > 40 {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimRight(label, " .\t")) {
		case "refer":
			first(&refer, value)
		case "whois":
			first(&tld, value)
		case "domain":
			// Only a TLD's own record names the TLD's server.
			iana = iana || !strings.Contains(strings.Trim(value, "."), ".")
		case "registrar whois server", "whois server", "registrar whois", "whoisserver":
			first(&registrar, value)
		case "referralserver", "referral server":
			first(&number, value)
		}
	}
	switch {
	case refer != "":
		return refer
	case iana && tld != "":
		return tld
	case registrar != "":
		return registrar
	}
	return number
}

// first keeps the first value that names a server.
func first(dst *string, value string) {
	if *dst == "" {
		*dst = serverName(value)
	}
}

// serverName reads "whois.example.net", "whois.example.net:4343",
// "rwhois://rwhois.example.net:4321/" and "http://whois.example.net/".
func serverName(s string) string {
	if i := strings.Index(s, "://"); i >= 0 {
		scheme := strings.ToLower(s[:i])
		s = s[i+3:]
		// A web address instead of a server: its port is not WHOIS's.
		if scheme == "http" || scheme == "https" {
			s, _, _ = strings.Cut(s, "/")
			s, _, _ = strings.Cut(s, ":")
		}
	}
	if i := strings.IndexAny(s, "/ \t?#,;("); i >= 0 {
		s = s[:i]
	}
	host, port, has := strings.Cut(s, ":")
	d, err := name.ParseAny(strings.TrimSuffix(host, "."))
	if err != nil || !strings.Contains(d.String(), ".") {
		return ""
	}
	if !has || port == "43" || port == "" {
		return d.String()
	}
	if p, err := strconv.ParseUint(port, 10, 16); err != nil || p == 0 {
		return ""
	}
	return d.String() + ":" + port
}
