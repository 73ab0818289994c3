package email

import (
	"strings"
	"time"

	"bailiwick/name"
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
	e := checkIDs(nil, 2*maxID, [2]string{"id", v.ID}, [2]string{"notice_id", v.NoticeID})
	to, bad := checkTo(nil, v.To)
	if bad != nil {
		e = e.Add("to", "is not one mail address") // an error is no place for it
	}
	e = checkAbout(e, v.Domain, v.Date)
	if len(v.Code) > 64 || strings.Trim(v.Code, "0123456789abcdefghijklmnopqrstuvwxyz-") != "" || v.Code == "" {
		e = e.Add("code", "is missing or is none")
	}
	if !v.Until.After(v.Date) {
		e = e.Add("date", "is after the code is over")
	}
	e = checkLink(e, "url", v.URL)
	if err := checkOptions(e, opt).OrNil(); err != nil {
		return Message{}, err
	}
	subject := "Please confirm your mail address for "
	if v.Number > 1 {
		subject = "Reminder: please confirm your mail address for "
	}
	l := notice(v.ID, v.NoticeID, subject+name.Defang(v.Domain.String()), "", to, v.PreviousMessageIDs, v.Date, opt)
	m, err := l.send(opt, verificationText(v))
	if err != nil {
		return Message{}, err
	}
	l.to, v.Code = keptTo, keptCode
	if m.Copy, err = l.text(opt, verificationText(v)); err != nil {
		return Message{}, err
	}
	return m, nil
}

// verificationText says nothing that the registration data says but the name: who
// reads it may be a stranger to it.
func verificationText(v Verification) string {
	p := &page{}
	d := name.Defang(v.Domain.String())
	who := whoWrites(v.CentreName, "A coordination centre")
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

	return p.sign(who, v.CentreContact, "Reference "+v.ID+". "+noClicks)
}
