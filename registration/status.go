package registration

import (
	"strings"
	"time"
)

// EPPStatus maps a status as RDAP or WHOIS writes it to the EPP name (RFC
// 5731 section 2.3, RFC 3915 section 3.1) by RFC 8056 section 2: "client
// hold", "clientHold" and "CLIENT_HOLD" are all clientHold; "active" is ok;
// "associated" is linked. ok is false for a status that EPP does not have,
// which is then kept as given.
func EPPStatus(s string) (epp string, ok bool) {
	if e := eppName(s); e != "" { // written exactly: the common case
		return e, true
	}
	var buf [48]byte
	n := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == ' ', c == '_', c == '-':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		if n == len(buf) {
			return s, false
		}
		buf[n] = c
		n++
	}
	if n != len("ok") && n < len("active") { // none is as short
		return s, false
	}
	if e := eppName(string(buf[:n])); e != "" {
		return e, true
	}
	return s, false
}

func eppName(s string) string {
	switch s {
	case "addperiod", "add period", "addPeriod":
		return "addPeriod"
	case "autorenewperiod", "auto renew period", "autoRenewPeriod":
		return "autoRenewPeriod"
	case "renewperiod", "renew period", "renewPeriod":
		return "renewPeriod"
	case "transferperiod", "transfer period", "transferPeriod":
		return "transferPeriod"
	case "redemptionperiod", "redemption period", "redemptionPeriod":
		return "redemptionPeriod"
	case "clientdeleteprohibited", "client delete prohibited", "clientDeleteProhibited":
		return "clientDeleteProhibited"
	case "clienthold", "client hold", "clientHold":
		return "clientHold"
	case "clientrenewprohibited", "client renew prohibited", "clientRenewProhibited":
		return "clientRenewProhibited"
	case "clienttransferprohibited", "client transfer prohibited", "clientTransferProhibited":
		return "clientTransferProhibited"
	case "clientupdateprohibited", "client update prohibited", "clientUpdateProhibited":
		return "clientUpdateProhibited"
	case "serverdeleteprohibited", "server delete prohibited", "serverDeleteProhibited":
		return "serverDeleteProhibited"
	case "serverhold", "server hold", "serverHold":
		return "serverHold"
	case "serverrenewprohibited", "server renew prohibited", "serverRenewProhibited":
		return "serverRenewProhibited"
	case "servertransferprohibited", "server transfer prohibited", "serverTransferProhibited":
		return "serverTransferProhibited"
	case "serverupdateprohibited", "server update prohibited", "serverUpdateProhibited":
		return "serverUpdateProhibited"
	case "pendingcreate", "pending create", "pendingCreate":
		return "pendingCreate"
	case "pendingdelete", "pending delete", "pendingDelete":
		return "pendingDelete"
	case "pendingrenew", "pending renew", "pendingRenew":
		return "pendingRenew"
	case "pendingrestore", "pending restore", "pendingRestore":
		return "pendingRestore"
	case "pendingtransfer", "pending transfer", "pendingTransfer":
		return "pendingTransfer"
	case "pendingupdate", "pending update", "pendingUpdate":
		return "pendingUpdate"
	case "active", "ok", "OK":
		return "ok"
	case "associated", "linked":
		return "linked"
	case "inactive":
		return "inactive"
	}
	return ""
}

// StatusMeaning says in plain words what an EPP status means for the name, and
// whose it is: "client…" is set by the registrar, "server…" by the registry
// (RFC 5731 section 2.3, RFC 3915 section 3.1). It is "" for a status that EPP
// does not have.
func StatusMeaning(status string) string {
	epp, ok := EPPStatus(status)
	if !ok {
		return ""
	}
	return statusMeanings[epp]
}

var statusMeanings = map[string]string{
	"addPeriod":                "newly registered; the registrar may delete it for a credit",
	"autoRenewPeriod":          "just renewed by itself; the registrar may delete it for a credit",
	"renewPeriod":              "just renewed; the registrar may delete it for a credit",
	"transferPeriod":           "just transferred; the new registrar may delete it for a credit",
	"redemptionPeriod":         "deleted; the registrar can still restore it",
	"pendingRestore":           "being restored after a deletion",
	"pendingCreate":            "asked for, not yet registered",
	"pendingDelete":            "about to be deleted",
	"pendingRenew":             "a renewal is being worked on",
	"pendingTransfer":          "a transfer to another registrar is being worked on",
	"pendingUpdate":            "a change is being worked on",
	"clientHold":               "taken out of the DNS by the registrar",
	"serverHold":               "taken out of the DNS by the registry",
	"clientDeleteProhibited":   "locked by the registrar against deletion",
	"serverDeleteProhibited":   "locked by the registry against deletion",
	"clientRenewProhibited":    "locked by the registrar against renewal",
	"serverRenewProhibited":    "locked by the registry against renewal",
	"clientTransferProhibited": "locked by the registrar against transfer to another registrar",
	"serverTransferProhibited": "locked by the registry against transfer to another registrar",
	"clientUpdateProhibited":   "locked by the registrar against changes",
	"serverUpdateProhibited":   "locked by the registry against changes",
	"inactive":                 "no name servers: it does not resolve",
	"linked":                   "other objects refer to it",
	"ok":                       "in order, nothing pending or prohibited",
}

// Status says whether the record shows the status, given in any writing that
// EPPStatus reads.
func (r Record) Status(status string) bool {
	want, _ := EPPStatus(status)
	for _, s := range r.Statuses {
		if strings.EqualFold(s, want) {
			return true
		}
	}
	return false
}

// Hold says who keeps a name out of the DNS by an EPP hold status (RFC 5731
// section 2.3).
type Hold struct {
	Registrar bool // clientHold
	Registry  bool // serverHold
}

// Any says whether somebody holds the name.
func (h Hold) Any() bool { return h.Registrar || h.Registry }

// Held says whether the name is on hold, and by whom.
func (r Record) Held() Hold {
	return Hold{Registrar: r.Status("clientHold"), Registry: r.Status("serverHold")}
}

// Age is how long the name has been registered at now; ok is false when the
// record has no creation date. A date in the future counts as age 0.
func (r Record) Age(now time.Time) (age time.Duration, ok bool) {
	if r.Created.IsZero() {
		return 0, false
	}
	return max(0, now.Sub(r.Created.Time)), true
}
