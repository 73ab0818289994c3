package party

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"bailiwick/name"
	"bailiwick/problem"
)

// Roles are all roles, in the order in which they are shown.
func Roles() []Role {
	return []Role{Registrar, Registry, Host, CDN, Platform, Constituent, BlockList, CERT, Compliance}
}

// maxID is the longest identifier of a party, in octets.
const maxID = 200

// ParseID reads the identifier of a party as a person writes it, such as
// "registrar:1861" (an IANA ID), "registry:example", "host:NET-192-0-2-0" or
// "host:192.0.2.1", and gives it as Party.ID has it. An identifier that stands for
// no party in particular ("registrar:unknown", the IDs that IANA keeps for other
// uses) is none. What is wrong is named as the field "party".
func ParseID(s string) (string, Role, error) {
	s = strings.TrimSpace(s)
	bad := func(format string, args ...any) (string, Role, error) {
		return "", "", problem.BadField("party", format, args...)
	}
	if len(s) > maxID || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
		return bad("must be one word of at most %d octets", maxID)
	}
	kind, id, ok := strings.Cut(s, ":")
	role := Role(strings.ToLower(kind))
	if !ok || id == "" || !slices.Contains(Roles(), role) {
		return bad("is a role and an identifier, such as registrar:1861 or registry:example")
	}
	switch role {
	case Registrar:
		if strings.Trim(id, "0123456789") == "" {
			iana := ianaID(id)
			if iana == "" {
				return bad("%.40q is no registrar's IANA ID", id)
			}
			id = iana
		} else if id = strings.ToLower(id); id == "unknown" {
			return bad("stands for every registrar that is not known")
		}
	case Registry:
		d, err := name.ParseAny(id)
		if err != nil {
			return bad("%.80q is no top-level domain", id)
		}
		id = d.String()
	case Host:
		if a, err := netip.ParseAddr(id); err == nil {
			id = a.String()
		}
	case CDN, Constituent, BlockList, CERT, Compliance:
		id = strings.ToLower(id)
	}
	return string(role) + ":" + id, role, nil
}
