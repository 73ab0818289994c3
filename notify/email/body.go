package email

import (
	"strconv"
	"strings"
	"time"

	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/text"
)

// body is the text of a notice. It is laid out for a desk that has a minute:
// is it ours, can I see it, which policy, what is asked by when, how do I
// answer. Everything else comes below.
func body(a Ask) string {
	p := &page{}
	p.prose(opening(a), "")

	p.head("WHAT AND WHERE")
	p.line(label(a.AbuseType))
	for i, u := range a.URLs {
		if i == maxURLs {
			p.line("and " + strconv.Itoa(len(a.URLs)-i) + " more in the attached copy's case")
			break
		}
		p.line(address(u))
	}
	if len(a.URLs) == 0 {
		p.line(where(a))
	}
	if u := a.Domain.Unicode(); u != a.Domain.String() {
		p.line("In letters: " + name.Defang(text.Line(u, 300)))
	}

	p.head("IS IT YOURS?")
	p.prose(yours(a), "")

	if a.Kind != KindWithdraw {
		p.head("WHAT WE SAW, AND HOW")
		seen(p, a)
		if s := Policy(a.Role, a.AbuseType, a.TLDKind); s != "" {
			p.head("WHICH POLICY")
			p.prose(s, "")
		}
	}

	p.head(askedHead(a))
	if s := safe(a.Asked, 4*maxLong); s != "" {
		p.prose(s, "")
	}
	if !a.Due.IsZero() && a.Kind != KindInform && a.Kind != KindWithdraw {
		p.line("By: " + stamp(a.Due))
	}
	if len(a.Collateral) > 0 {
		p.prose("Please note what else would go dark if the name itself were suspended:", "")
		for i, s := range a.Collateral {
			if i == maxHistory {
				p.point("and " + strconv.Itoa(len(a.Collateral)-i) + " more")
				break
			}
			p.point(safe(s, maxLong))
		}
	}

	if a.AnswerURL != "" {
		p.head("HOW TO ANSWER")
		p.answer(a.AnswerURL)
		p.prose("Or reply to this message: the address you reply to belongs to this case alone. \"Acted\", \"refused\", \"not ours\" and a question are all useful answers.", "")
	}

	history(p, a)
	evidence(p, a)
	if a.Reporter != "" && a.Disclose && a.Trusted {
		p.head("REPORTED BY")
		p.line(safe(a.Reporter, maxShort))
	}
	closing(p, a)
	return p.b.String()
}

func opening(a Ask) string {
	who := text.Line(a.CentreName, maxShort)
	if who == "" {
		who = "An abuse coordination centre"
	}
	s := "Case " + a.CaseID + ". "
	switch a.Kind {
	case KindReminder:
		s += "This is a reminder and repeats the whole notice. "
	case KindChase:
		s += "The time we asked for has passed and the abuse is still seen from here. This repeats the whole notice. "
	}
	what := strings.ToLower(label(a.AbuseType)) + " at " + where(a)
	switch a.Kind {
	case KindInform:
		return s + who + " tells you of " + what + "."
	case KindWithdraw:
		return s + who + " takes back its request about " + what + "."
	case KindBundle:
		return s + who + " sends you its file on " + what + "."
	}
	return s + who + " asks you to act on " + what + "."
}

// yours says why this party is written to.
func yours(a Ask) string {
	at := where(a)
	var s string
	switch a.Role {
	case party.Registrar:
		s = "The registration of " + at + " names you as its registrar"
		if r := safe(a.Registrar, maxShort); r != "" {
			s += ": " + r
		}
		if id := safe(a.IANAID, 12); id != "" {
			s += " (IANA ID " + id + ")"
		}
		s += "."
	case party.Registry:
		s = "You are the registry of the TLD of " + at + "."
		if r := safe(a.Registrar, maxShort); r != "" {
			s += " Its registrar is " + r
			if id := safe(a.IANAID, 12); id != "" {
				s += " (IANA ID " + id + ")"
			}
			s += "."
		}
	case party.Host:
		s = "It is served from an address in your network."
	case party.CDN:
		s = "It is served through an address of your delivery network. We do not know the host behind it."
	case party.Platform:
		s = "The name belongs to a customer of your platform, or is your own."
	case party.Constituent:
		s = "It imitates you, or it is in a name or network of yours."
	case party.BlockList:
		s = "You warn users of addresses like this one."
	case party.CERT:
		s = "It is in your field. The parties with authority are asked beside this; you are not asked in their place."
	case party.Compliance:
		s = "The name is in a gTLD, and the parties with authority have been asked."
	default:
		s = "You are known to us as " + safe(string(a.Role), 40) + "."
	}
	if b := safe(a.Basis, maxLong); b != "" {
		s += " How we know: " + b + "."
	}
	return s
}

func seen(p *page, a Ask) {
	for i, o := range a.Seen {
		if i == maxReasons {
			p.point("and " + strconv.Itoa(len(a.Seen)-i) + " more requests")
			break
		}
		s := stamp(o.At) + " GET " + address(o.URL)
		if o.Status > 0 {
			s += ", answer " + strconv.Itoa(o.Status)
		} else {
			s += ", no answer"
		}
		if r := safe(o.Result, maxLong); r != "" {
			s += ": " + r
		}
		p.line("- " + s)
		for _, f := range []struct{ what, v string }{{"User-Agent", o.UserAgent}, {"Accept-Language", o.Language}, {"From", o.From}} {
			if v := safe(f.v, maxLong); v != "" {
				p.line("  " + f.what + ": " + v)
			}
		}
	}
	for i, w := range a.Why {
		if i == maxReasons {
			p.point("and " + strconv.Itoa(len(a.Why)-i) + " more reasons")
			break
		}
		if w = safe(w, maxLong); w != "" {
			p.point(w)
		}
	}
	if len(a.Seen)+len(a.Why) == 0 {
		p.line("See the attached copy.")
	}
}

func askedHead(a Ask) string {
	switch a.Kind {
	case KindInform:
		return "WHAT YOU MAY DO"
	case KindWithdraw:
		return "WHAT WE TAKE BACK"
	}
	return "WHAT IS ASKED"
}

func history(p *page, a Ask) {
	if len(a.Earlier) == 0 {
		return
	}
	p.head("ASKED BEFORE")
	for i, t := range a.Earlier {
		if i == maxHistory {
			p.point("and " + strconv.Itoa(len(a.Earlier)-i) + " more times")
			break
		}
		p.point(stamp(t))
	}
}

func evidence(p *page, a Ask) {
	if len(a.Evidence) == 0 {
		return
	}
	p.head("EVIDENCE (SHA-256 as captured)")
	for i, e := range a.Evidence {
		if i == maxEvidence {
			p.point("and " + strconv.Itoa(len(a.Evidence)-i) + " more")
			break
		}
		s := safe(e.SHA256, 64) + " " + safe(e.MediaType, 80)
		if e.Bytes > 0 {
			s += ", " + strconv.FormatInt(e.Bytes, 10) + " octets"
		}
		if e.Text != "" {
			s += ", attached as a defanged copy: " + evidenceFile(i)
		}
		p.line("- " + s)
		if e.Link != "" {
			p.line("  " + e.Link)
		}
	}
}

func closing(p *page, a Ask) {
	p.blank()
	p.line("-- ")
	who := text.Line(a.CentreName, maxShort)
	if c := text.Line(a.CentreContact, maxShort); c != "" {
		if who != "" {
			who += ", "
		}
		who += c
	}
	if who != "" {
		p.line(who)
	}
	s := "Addresses above are written so that nothing can be clicked: hxxp is http, [.] is a dot. Parts that would name a victim are taken out."
	if len(a.XARF) > 0 {
		s += " A machine-readable copy is attached (XARF, xarf.json)."
	}
	p.prose(s, "")
}

// address is a URL as it may leave: without what would name a victim, defanged,
// and clean and without spaces, since a query is kept as it came.
func address(u name.URL) string {
	return strings.ReplaceAll(text.Line(name.Defang(name.StripTokens(u).String()), name.MaxURL), " ", "%20")
}

// safe is outside text for one line: clean, cut and defanged.
func safe(s string, max int) string { return name.DefangText(text.Line(s, max)) }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }
