package xarf

import (
	"bailiwick/abuse"
	"bailiwick/report"
)

// filed says what the centre files each XARF v4 pair under.
var filed = map[[2]string]abuse.Type{
	{"messaging", "spam"}:                    abuse.Spam,
	{"messaging", "bulk_messaging"}:          abuse.Spam,
	{"content", "phishing"}:                  abuse.Phishing,
	{"content", "malware"}:                   abuse.Malware,
	{"content", "csam"}:                      abuse.CSAM,
	{"content", "csem"}:                      abuse.CSAM,
	{"content", "fraud"}:                     abuse.Fraud,
	{"content", "brand_infringement"}:        abuse.Trademark,
	{"content", "exposed_data"}:              abuse.Other,
	{"content", "remote_compromise"}:         abuse.Compromised,
	{"content", "suspicious_registration"}:   abuse.SuspiciousDomain,
	{"copyright", "copyright"}:               abuse.Copyright,
	{"copyright", "p2p"}:                     abuse.Copyright,
	{"copyright", "cyberlocker"}:             abuse.Copyright,
	{"copyright", "ugc_platform"}:            abuse.Copyright,
	{"copyright", "link_site"}:               abuse.Copyright,
	{"copyright", "usenet"}:                  abuse.Copyright,
	{"connection", "ddos"}:                   abuse.Attack,
	{"connection", "infected_host"}:          abuse.Attack,
	{"connection", "login_attack"}:           abuse.Attack,
	{"connection", "port_scan"}:              abuse.Attack,
	{"connection", "reconnaissance"}:         abuse.Attack,
	{"connection", "scraping"}:               abuse.Attack,
	{"connection", "sql_injection"}:          abuse.Attack,
	{"connection", "vulnerability_scan"}:     abuse.Attack,
	{"vulnerability", "cve"}:                 abuse.Vulnerability,
	{"vulnerability", "misconfiguration"}:    abuse.Vulnerability,
	{"vulnerability", "open_service"}:        abuse.Vulnerability,
	{"infrastructure", "botnet"}:             abuse.Botnet,
	{"infrastructure", "compromised_server"}: abuse.Compromised,
	{"reputation", "blocklist"}:              abuse.Other,
	{"reputation", "threat_intelligence"}:    abuse.Other,
}

// AbuseType is the type the centre files the XARF v4 pair under; Other for a
// pair XARF does not know.
func AbuseType(category, typ string) abuse.Type {
	if t, ok := filed[[2]string{category, typ}]; ok {
		return t
	}
	return abuse.Other
}

// PairOf is the XARF v4 pair that says t best, among those whose required
// fields the centre can fill from what it knows: what outgoing asks are written
// as. Pharming and attacks have no pair of their own that could be filled; the
// nearest is taken.
func PairOf(t abuse.Type) (category, typ string) {
	switch t {
	case abuse.Phishing, abuse.Pharming:
		return "content", "phishing"
	case abuse.Malware:
		return "content", "malware"
	case abuse.Botnet:
		return "infrastructure", "botnet"
	case abuse.Spam:
		return "messaging", "spam"
	case abuse.Fraud:
		return "content", "fraud"
	case abuse.Copyright:
		return "copyright", "copyright"
	case abuse.Trademark:
		return "content", "brand_infringement"
	case abuse.Compromised:
		return "content", "remote_compromise"
	case abuse.Vulnerability:
		return "vulnerability", "misconfiguration"
	case abuse.SuspiciousDomain:
		return "content", "suspicious_registration"
	case abuse.CSAM:
		return "content", "csam"
	}
	return "reputation", "threat_intelligence"
}

// file sets the centre's type of a report from its pair.
func file(r *report.Report, category, typ string) {
	r.Category, r.Type, r.Abuse = category, typ, AbuseType(category, typ)
}
