package email

import (
	"net/mail"
	"strings"
	"time"

	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/text"

	"github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"
)

// VerifyRef stands where the address and the answer link of a case hold the
// obligation: what they name is a verification.
const VerifyRef = "verify"

// Verification is a message with a code, to an address that registration data
// names. Whoever reads it may be the holder of the registration, or somebody
// whose address another person gave.
type Verification struct {
	ID       string // of the verification
	NoticeID string // names this message among those about it
	To       string
	Domain   name.Domain
	Code     string // as people read it, in groups
	// URL is the page that takes the code; it holds no code itself.
	URL string
	// Number counts the messages about it, from 1.
	Number int
	// Until is when the code is over; Due is when the answer is due, zero if that
	// time is over already.
	Until, Due time.Time
	// Hold says that the name goes on hold without an answer, OnHold that it is.
	Hold, OnHold              bool
	Registrar                 string // "" if not known
	CentreName, CentreContact string
	PreviousMessageIDs        []string
	Date                      time.Time
}

// What stands in the copy that is kept, in place of the code and the address.
const (
	keptCode = "(not kept)"
	keptTo   = "not-kept@invalid"
)

// ComposeVerification writes a message with a code. The same gives the same bytes.
// Copy is the message without the code and the address it went to. Errors are
// *problem.Error with the field of the Verification (or "options…") that is wrong.
func ComposeVerification(v Verification, opt ComposeOptions) (Message, error) {
	var e *problem.Error
	for _, id := range []struct{ path, v string }{{"id", v.ID}, {"notice_id", v.NoticeID}} {
		if len(id.v) > 2*maxID || !token(id.v) {
			e = e.Add(id.path, "%q is not an identifier", text.Line(id.v, 40))
		}
	}
	to, ok := party.Mailbox(v.To)
	if !ok || !strings.EqualFold(to, strings.TrimSpace(v.To)) {
		e = e.Add("to", "is not one mail address")
	}
	if v.Domain.IsZero() {
		e = e.Add("domain", "is missing")
	}
	if len(v.Code) > 64 || strings.Trim(v.Code, "0123456789abcdefghijklmnopqrstuvwxyz-") != "" || v.Code == "" {
		e = e.Add("code", "is missing or is none")
	}
	if v.Date.IsZero() || v.Date.Year() < 1970 || v.Date.Year() > 9999 || !v.Until.After(v.Date) {
		e = e.Add("date", "is missing, out of range, or after the code is over")
	}
	if !link(v.URL) {
		e = e.Add("url", "%q is not an http or https address", text.Line(v.URL, maxShort))
	}
	if err := checkOptions(e, opt).OrNil(); err != nil {
		return Message{}, err
	}
	m := Message{ID: "notice." + v.NoticeID + "@" + domainOf(opt.ReplyTo), From: opt.ReplyTo, To: to}
	m.UTF8 = !ascii(m.To) || !ascii(opt.From) || !ascii(opt.ReplyTo)
	var err error
	if m.Raw, err = verification(v, opt, m.ID, to); err != nil {
		return Message{}, err
	}
	masked := v
	masked.Code = keptCode
	if m.Copy, err = verification(masked, opt, m.ID, keptTo); err != nil {
		return Message{}, err
	}
	return signed(m, opt, v.Date)
}

func verification(v Verification, opt ComposeOptions, id, to string) ([]byte, error) {
	var h gomail.Header
	h.Set("Auto-Submitted", "auto-generated") // machines must not answer it (RFC 3834 section 5)
	if ids := references(v.PreviousMessageIDs); len(ids) > 0 {
		h.SetMsgIDList("References", ids)
		h.SetMsgIDList("In-Reply-To", ids[len(ids)-1:])
	}
	h.SetMessageID(id)
	s := "Please confirm your mail address for "
	if v.Number > 1 {
		s = "Reminder: please confirm your mail address for "
	}
	h.SetSubject("[" + v.ID + "] " + s + name.Defang(v.Domain.String()))
	h.SetAddressList("Reply-To", []*mail.Address{{Address: opt.ReplyTo}})
	h.SetAddressList("To", []*mail.Address{{Address: to}})
	h.SetAddressList("From", []*mail.Address{{Name: display(opt.FromName), Address: opt.From}})
	h.SetDate(v.Date.UTC())
	words := verificationText(v)
	setText(&h.Header, words)
	return entity(h.Header, func(w *message.Writer) error {
		_, err := w.Write([]byte(strings.ReplaceAll(words, "\n", "\r\n")))
		return err
	})
}

// verificationText says nothing that the registration data says but the name: who
// reads it may be a stranger to it.
func verificationText(v Verification) string {
	p := &page{}
	d := name.Defang(v.Domain.String())
	who := text.Line(v.CentreName, maxShort)
	if who == "" {
		who = "A coordination centre"
	}
	p.prose("The domain name "+d+" is registered with this mail address as a contact. "+who+" asks you to confirm that messages to it reach you.", "")
	if r := safe(v.Registrar, maxShort); r != "" {
		p.prose("The name is registered with "+r+".", "")
	}
	p.blank()
	p.line("Code: " + v.Code)
	p.answer(v.URL)

	p.head("WHAT TO DO")
	p.prose("Open the page above and put in the code. Opening the page alone confirms nothing. You need no account, and we ask for no password, no payment and no document.", "")
	p.prose("Or reply to this message and write the code at the top of your reply.", "")
	p.prose("The code is good until "+stamp(v.Until)+".", "")

	p.head("IF YOU DO NOTHING")
	switch {
	case v.OnHold:
		p.prose("The name is on hold. It works again once you have confirmed.", "")
	case v.Hold && !v.Due.IsZero():
		p.prose("An answer is due by "+stamp(v.Due)+". Without one the name is put on hold: pages and mail under it stop working until you confirm.", "")
	case !v.Due.IsZero():
		p.prose("An answer is due by "+stamp(v.Due)+". Without one a person looks into it. Nothing happens to the name by itself.", "")
	default:
		p.prose("A person looks into it. Nothing happens to the name by itself.", "")
	}

	p.head("IF YOU KNOW NOTHING OF THIS NAME")
	p.prose("Somebody else may have given your address. Say so on the page above: we then send no more codes to it. Please do not confirm what is not yours.", "")

	p.blank()
	p.line("-- ")
	if c := text.Line(v.CentreContact, maxShort); c != "" {
		who += ", " + c
	}
	p.line(who)
	p.prose("Reference "+v.ID+". Names are written so that nothing can be clicked: [.] is a dot.", "")
	return p.b.String()
}
