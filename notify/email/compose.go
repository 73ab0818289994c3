package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/text"

	"github.com/emersion/go-message"
)

// The kinds of notice.
const (
	KindAsk      = "ask"      // asks for an action
	KindReminder = "reminder" // repeats the whole ask before the due time
	KindChase    = "chase"    // repeats the whole ask after it
	KindInform   = "inform"   // tells, asks nothing
	KindBundle   = "bundle"   // carries a file for ICANN Contractual Compliance
	KindWithdraw = "withdraw" // takes an ask back
)

// Limits on what goes into one message. More is cut, and the message says so.
const (
	maxURLs      = 50
	maxReasons   = 40
	maxEvidence  = 50
	maxHistory   = 20
	maxShort     = 120 // runes of a name
	maxLong      = 600 // runes of a sentence
	maxXARF      = 4 << 20
	maxAttached  = 64 << 10
	maxReference = 20
)

// Ask is everything a notice says. Text from outside may be hostile: it is
// cleaned, cut and defanged here.
type Ask struct {
	CaseID, ObligationID string
	// NoticeID names this notice. The Message-ID is made of it, so that a
	// notice composed again is the same message.
	NoticeID string
	Kind     string // one of the kinds above
	Action   string // what is asked for, as the playbook names it
	Role     party.Role
	// PartyName and To are whom it goes to; Basis says how we know (Party.Basis).
	PartyName, To, Basis string
	// Subject is the case's subject where it is not a name: an address.
	Subject   string
	AbuseType abuse.Type
	// TLDKind, "gtld" or "cctld", decides which policy is named; see Policy.
	TLDKind string
	URLs    []name.URL
	Domain  name.Domain
	// Due is when the action is asked by; zero if no time is.
	Due time.Time
	// Asked says in plain words what is asked.
	Asked string
	// Why are the reasons of the judgement in plain words.
	Why []string
	// Seen are the requests we made ourselves.
	Seen     []Observation
	Evidence []Attachment
	// Registrar and IANAID are the registration's sponsor, for the record.
	Registrar, IANAID string
	// Collateral says what else would go dark (party.Directory.Collateral).
	Collateral []string
	// Reporter is named only if they agreed (Disclose) and the party is trusted
	// with it (Trusted).
	Reporter          string
	Disclose, Trusted bool
	// XARF is the machine-readable copy, attached as it is.
	XARF []byte
	// AnswerURL is where the party answers without an account; "" if nothing is
	// to be answered.
	AnswerURL                 string
	CentreName, CentreContact string
	// Earlier are the times of notices about the same obligation that a server
	// accepted, PreviousMessageIDs their Message-IDs, oldest first.
	Earlier            []time.Time
	PreviousMessageIDs []string
	// Date is the time of writing.
	Date time.Time
	// PGPKey is the recipient's OpenPGP public key, armored, if one is known: the
	// message is then encrypted to it (RFC 3156).
	PGPKey string
}

// Observation is one request of ours: what a desk needs to see the same.
type Observation struct {
	At        time.Time
	URL       name.URL
	UserAgent string
	Language  string // Accept-Language sent
	From      string // where the request came from, in words
	Status    int    // HTTP status; 0 when no answer came
	Result    string // what was seen, in words
}

// Attachment is a piece of evidence: named by digest, and linked or attached.
type Attachment struct {
	SHA256    string // hex, of the bytes as captured
	MediaType string
	Bytes     int64
	Link      string // https address where it can be fetched
	// Text is attached in a defanged copy, whose digest differs.
	Text string
}

// ComposeOptions are the centre's own addresses.
type ComposeOptions struct {
	From, FromName string
	// ReplyTo is a ReplyAddress. It is the envelope's sender too, so that a
	// bounce finds its obligation. For a receipt it is a ReceiptAddress, and the
	// envelope's sender is the null sender.
	ReplyTo string
	// Tag stands in the Message-ID, so that who did not see the message cannot
	// name it in a delivery report; "" for none.
	Tag string
	// DKIM signs every message (RFC 6376); nil: they go unsigned.
	DKIM *Signer
	// PGPFallback sends in the clear what cannot be encrypted because the key is
	// not usable; without it that is an error.
	PGPFallback bool
	// Random is what encryption draws from; nil: the machine's. Nothing else is
	// random here.
	Random io.Reader
}

// Message is a mail ready to be sent to one recipient.
type Message struct {
	ID   string // the Message-ID without angle brackets
	From string // the envelope's sender (RFC 5321 reverse-path)
	// NullSender says that From is empty on purpose: nothing comes back to
	// nobody (RFC 5321 section 4.5.5).
	NullSender bool
	To         string // the envelope's one recipient
	Encrypted  bool   // the text can be read with the recipient's OpenPGP key only
	// UTF8 is set when an address needs SMTPUTF8 (RFC 6531).
	UTF8 bool
	Raw  []byte // RFC 5322, lines ending in CRLF
	// Copy is what may be kept of the message in place of Raw, where that holds a
	// secret or an address that is not for keeping; nil: Raw.
	Copy []byte
}

// Policy names the clause that a desk of this role works under, or "" where we
// know none: ICANN's agreements oblige registrars and registries in gTLDs, for
// abuse in their scope, as amended with effect from 5 April 2024.
func Policy(role party.Role, t abuse.Type, tldKind string) string {
	if tldKind != party.GTLD || !t.InContractScope() {
		return ""
	}
	switch role {
	case party.Registrar:
		return "ICANN Registrar Accreditation Agreement, section 3.18.2 (as amended 2024)"
	case party.Registry:
		return "ICANN Registry Agreement, Specification 6, section 4 (as amended 2024)"
	}
	return ""
}

// Compose writes the message of a notice: plain text on top, the XARF copy and
// attached evidence below. The same ask gives the same bytes, signed or not, but
// for one that is encrypted. Errors are
// *problem.Error with the field of the Ask (or "options…") that is wrong; text
// that is only untidy is cleaned instead.
func Compose(a Ask, opt ComposeOptions) (Message, error) {
	if err := check(a, opt); err != nil {
		return Message{}, err
	}
	to, _ := party.Mailbox(a.To)
	m := letter{id: opt.messageID(a.NoticeID), to: to}.message(opt)

	var clear message.Header
	text := body(a)
	// The boundary depends on all of the content, so content cannot hold it.
	clear.SetContentType("multipart/mixed", map[string]string{"boundary": boundary(m.ID, text, string(a.XARF))})
	fill := func(w *message.Writer) error { return parts(w, a, text) }
	var err error
	if a.PGPKey != "" {
		m.Raw, err = encrypted(a, opt, m, clear, fill)
		m.Encrypted = err == nil
		if err != nil && (!opt.PGPFallback || problem.CodeOf(err) != problem.Invalid) { // a fault of ours opens nothing
			return Message{}, err
		}
	}
	if !m.Encrypted {
		h := header(a, opt, m, subject(a))
		h.Set("Content-Type", clear.Get("Content-Type"))
		if m.Raw, err = entity(h, fill); err != nil {
			return Message{}, err
		}
	}
	return signed(m, opt, a.Date)
}

// entity writes a header and, with fill, the parts below it.
func entity(h message.Header, fill func(*message.Writer) error) ([]byte, error) {
	var buf bytes.Buffer
	w, err := message.CreateWriter(&buf, h)
	if err == nil {
		err = fill(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the message cannot be written")
	}
	return buf.Bytes(), nil
}

// boundary is one that depends on all of content.
func boundary(content ...string) string {
	sum := sha256.New()
	for _, part := range content {
		fmt.Fprintf(sum, "%d %s", len(part), part)
	}
	return "=_" + hex.EncodeToString(sum.Sum(nil)[:18])
}

// signed adds the signature, if there is a key.
func signed(m Message, opt ComposeOptions, at time.Time) (Message, error) {
	if opt.DKIM == nil {
		return m, nil
	}
	sig, err := opt.DKIM.signature(m.Raw, at)
	if err != nil {
		return Message{}, err
	}
	m.Raw = append(sig, m.Raw...)
	return m, nil
}

func parts(w *message.Writer, a Ask, text string) error {
	var th message.Header
	setText(&th, text)
	if err := part(w, th, []byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		return err
	}
	if len(a.XARF) > 0 {
		if err := part(w, attached("application/json", "xarf.json"), a.XARF); err != nil {
			return err
		}
	}
	for i, e := range a.Evidence {
		if i == maxEvidence {
			break
		}
		if e.Text == "" {
			continue
		}
		h := attached("text/plain", evidenceFile(i))
		h.SetContentType("text/plain", map[string]string{"charset": "utf-8", "name": evidenceFile(i)})
		if err := part(w, h, []byte(copyOf(e.Text))); err != nil {
			return err
		}
	}
	return nil
}

// setText says how a text is written: as it is where it can be.
func setText(h *message.Header, text string) {
	charset, encoding := "utf-8", "quoted-printable"
	if sevenBit(text) {
		charset, encoding = "us-ascii", "7bit"
	}
	h.SetContentType("text/plain", map[string]string{"charset": charset})
	h.Set("Content-Transfer-Encoding", encoding)
}

func part(w *message.Writer, h message.Header, b []byte) error {
	p, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	if _, err := p.Write(b); err != nil {
		return err
	}
	return p.Close()
}

func attached(mediaType, file string) message.Header {
	var h message.Header
	h.Set("Content-Transfer-Encoding", "base64")
	h.SetContentDisposition("attachment", map[string]string{"filename": file})
	h.SetContentType(mediaType, map[string]string{"name": file})
	return h
}

func evidenceFile(i int) string { return "evidence-" + strconv.Itoa(i+1) + ".txt" }

// copyOf is the copy of captured text that may leave: defanged, one line per
// line, without control characters.
func copyOf(s string) string {
	if len(s) > maxAttached {
		s = strings.ToValidUTF8(s[:maxAttached], "")
	}
	var b strings.Builder
	for l := range strings.Lines(s) {
		b.WriteString(name.DefangText(text.Line(l, maxAttached)))
		b.WriteString("\r\n")
	}
	return b.String()
}

// header is the header of a notice about a case.
func header(a Ask, opt ComposeOptions, m Message, subject string) message.Header {
	return letter{id: m.ID, auto: "auto-generated", previous: a.PreviousMessageIDs, subject: subject, name: a.PartyName, to: m.To, date: a.Date}.header(opt)
}

// display is a display name. A backslash goes: net/mail writes it bare into an
// encoded word, where readers stumble over it (RFC 2047 section 5.3).
func display(s string) string { return text.Line(strings.ReplaceAll(s, `\`, "/"), maxShort) }

// references keeps what is shaped like a Message-ID, the latest few.
func references(ids []string) []string {
	var out []string
	for _, id := range ids {
		id = strings.Trim(strings.TrimSpace(id), "<>")
		if l, r, ok := strings.Cut(id, "@"); ok && len(id) <= 250 && token(l) && token(r) {
			out = append(out, id)
		}
	}
	if len(out) > maxReference {
		out = out[len(out)-maxReference:]
	}
	return out
}

// subject is the Subject field: the case number first, so that every answer
// carries it.
func subject(a Ask) string {
	s := "[" + a.CaseID + "] "
	switch a.Kind {
	case KindReminder:
		s += "Reminder: "
	case KindChase:
		s += "Still seen: "
	case KindWithdraw:
		s += "Withdrawn: "
	}
	s += label(a.AbuseType) + ": " + where(a)
	switch a.Kind {
	case KindAsk, KindReminder, KindChase:
		s += " - action asked"
	case KindInform:
		s += " - for your information"
	}
	return text.Line(s, 200)
}

// where is the subject of the case, defanged.
func where(a Ask) string {
	switch {
	case !a.Domain.IsZero():
		return name.Defang(a.Domain.String())
	case a.Subject != "":
		if ip, err := netip.ParseAddr(a.Subject); err == nil {
			return name.Defang(ip.String())
		}
		return name.DefangText(text.Line(a.Subject, maxShort))
	case len(a.URLs) > 0:
		return name.Defang(a.URLs[0].Host())
	}
	return "an address"
}

// label is an abuse type in words.
func label(t abuse.Type) string {
	switch t {
	case abuse.Botnet:
		return "Botnet command and control"
	case abuse.Compromised:
		return "Compromised site"
	case abuse.SuspiciousDomain:
		return "Suspicious domain"
	case abuse.Attack:
		return "Attack traffic"
	}
	s := name.DefangText(text.Line(string(t), 40))
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return "Abuse"
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// check refuses what cannot be cleaned: identifiers, addresses, times.
func check(a Ask, opt ComposeOptions) error {
	var e *problem.Error
	e = checkIDs(e, 2*maxID, [2]string{"case_id", a.CaseID}, [2]string{"obligation_id", a.ObligationID}, [2]string{"notice_id", a.NoticeID})
	switch a.Kind {
	case KindAsk, KindReminder, KindChase, KindInform, KindBundle, KindWithdraw:
	default:
		e = e.Add("kind", "%q is not a kind of notice", text.Line(a.Kind, 40))
	}
	_, e = checkTo(e, a.To)
	e = checkDate(checkOptions(e, opt), a.Date)
	if len(a.URLs) == 0 && a.Domain.IsZero() && a.Subject == "" {
		e = e.Add("urls", "a notice needs a URL, a name or an address to be about")
	}
	if a.AnswerURL != "" {
		e = checkLink(e, "answer_url", a.AnswerURL)
	}
	for i, ev := range a.Evidence {
		if ev.Link != "" {
			e = checkLink(e, fmt.Sprintf("evidence[%d].link", i), ev.Link)
		}
	}
	switch {
	case len(a.XARF) > maxXARF:
		e = e.Add("xarf", "is %d octets long, %d are allowed", len(a.XARF), maxXARF)
	case len(a.XARF) > 0 && !json.Valid(a.XARF):
		e = e.Add("xarf", "is not JSON")
	}
	return e.OrNil()
}

// checkOptions adds what is wrong with the centre's own addresses.
func checkOptions(e *problem.Error, opt ComposeOptions) *problem.Error {
	if !own(opt.From) {
		e = e.Add("options.from", "%q is not a mail address", text.Line(opt.From, maxShort))
	} else if opt.DKIM != nil && !opt.DKIM.speaksFor(domainOf(opt.From)) {
		// Such a signature would pass and vouch for nobody (RFC 7489 section 3.1.1).
		e = e.Add("options.dkim", "signs for %s, and mail comes from %s", opt.DKIM.domain, domainOf(opt.From))
	}
	if opt.Tag != "" && (len(opt.Tag) > maxID || !token(opt.Tag)) {
		e = e.Add("options.tag", "%q is not an identifier", text.Line(opt.Tag, 40))
	}
	if !own(opt.ReplyTo) {
		e = e.Add("options.reply_to", "%q is not a mail address: does the key have 16 octets, do the identifiers fit?", text.Line(opt.ReplyTo, maxShort))
	}
	return e
}

// link checks an address of ours that people are to click.
func link(s string) bool {
	if len(s) > 900 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// token says whether s is one atom-like word, safe in a header and an address.
func token(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.+=", c) >= 0:
		default:
			return false
		}
	}
	return !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".") && !strings.Contains(s, "..")
}

// own checks an address of ours: its domain may be a single label, as on a
// machine that talks only to itself.
func own(addr string) bool {
	if a, ok := party.Mailbox(addr); ok {
		return strings.EqualFold(a, addr)
	}
	local, domain, ok := strings.Cut(addr, "@")
	d, err := name.ParseAny(domain)
	return ok && err == nil && len(local) <= maxLocal && token(local) && strings.EqualFold(d.String(), domain)
}

func domainOf(addr string) string { return strings.ToLower(addr[strings.LastIndexByte(addr, '@')+1:]) }

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// sevenBit says whether text can go out as it is: ASCII, in lines that no
// server breaks (RFC 5322 section 2.1.1).
func sevenBit(text string) bool {
	for l := range strings.Lines(text) {
		if len(l) > 900 || !ascii(l) {
			return false
		}
	}
	return true
}
