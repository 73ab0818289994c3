package email

import (
	"strings"
	"time"

	"bailiwick/name"
	"bailiwick/text"
)

// DisclosureRef stands where the address and the answer link of a case hold the
// obligation: what they name is a disclosure request.
const DisclosureRef = "disclosure"

// Disclosure is a request for registration data that is not public, to whoever
// holds it.
type Disclosure struct {
	ID string // of the request
	// NoticeID names this message among those about the request.
	NoticeID      string
	PartyName, To string
	Domain        name.Domain
	// Who asks, in words: person, role, organisation.
	Person, Role, Organisation, Contact string
	// Requestor, Basis and Purpose say what they are in words; Statement is why,
	// as it was written.
	Requestor, Basis, Purpose, Statement string
	Fields                               []string // paths, such as contacts.registrant.email
	// Urgent says, in words, what makes it urgent; "" for an ordinary request.
	Urgent string
	// Ack and Answer say in words which times we understand to apply, "" for none,
	// and Rule under which rule. Caveat says what they are not for.
	Ack, Answer, Rule, Caveat string
	// AnswerURL is where the party answers without an account.
	AnswerURL                 string
	CentreName, CentreContact string
	PreviousMessageIDs        []string
	Date                      time.Time
}

// ComposeDisclosure writes the message of a disclosure request. The same request
// gives the same bytes. Errors are *problem.Error with the field of the
// Disclosure (or "options…") that is wrong; text that is only untidy is cleaned.
func ComposeDisclosure(d Disclosure, opt ComposeOptions) (Message, error) {
	to, e := checkTo(checkIDs(nil, 2*maxID, [2]string{"id", d.ID}, [2]string{"notice_id", d.NoticeID}), d.To)
	e = checkAbout(e, d.Domain, d.Date)
	if len(d.Fields) == 0 {
		e = e.Add("fields", "are missing")
	}
	e = checkLink(e, "answer_url", d.AnswerURL)
	if err := checkOptions(e, opt).OrNil(); err != nil {
		return Message{}, err
	}
	subject := "request for registration data of " + name.Defang(d.Domain.String())
	if d.Urgent != "" {
		subject = "Urgent: " + subject
	}
	return notice(d.ID, d.NoticeID, subject, d.PartyName, to, d.PreviousMessageIDs, d.Date, opt).send(opt, disclosureText(d))
}

// maxStatement is how much of a statement is sent, in runes of one paragraph.
const maxStatement = 4000

func disclosureText(d Disclosure) string {
	p := &page{}
	who := whoWrites(d.CentreName, "An abuse coordination centre")
	p.prose(who+" asks you for registration data of a name that is with you and that is not public.", "")
	p.blank()
	p.line("Name: " + name.Defang(d.Domain.String()))
	p.line("Our reference: " + d.ID)
	if d.Urgent != "" {
		p.prose("Urgent: "+safe(d.Urgent, maxShort), "  ")
	}

	p.head("WHAT IS ASKED FOR")
	for _, f := range d.Fields {
		p.point(safe(strings.ReplaceAll(strings.TrimPrefix(f, "contacts."), ".", ": "), maxShort))
	}
	p.prose("Please give no more than that. If you can give a part of it, please do, and say why not the rest.", "")

	p.head("WHO ASKS")
	for _, l := range []string{d.Person, d.Role, d.Organisation, d.Requestor, d.Contact} {
		if l = text.Line(l, maxShort); l != "" {
			p.line(l)
		}
	}

	p.head("WHY")
	p.prose("Purpose: "+safe(d.Purpose, maxShort)+".", "")
	p.prose("Legal basis: "+safe(d.Basis, maxShort)+".", "")
	p.blank()
	for l := range strings.Lines(d.Statement) {
		if l = safe(l, maxStatement); l == "" {
			p.blank()
		} else {
			p.prose(l, "")
		}
	}

	p.head("WHEN")
	if d.Rule != "" {
		p.prose("We understand these times to apply ("+safe(d.Rule, maxShort)+"):", "")
	}
	if d.Ack != "" {
		p.point("an acknowledgement within " + d.Ack)
	}
	if d.Answer != "" {
		p.point("an answer within " + d.Answer)
	}
	if d.Caveat != "" {
		p.prose("They are how we plan, and "+d.Caveat+".", "")
	}

	p.head("HOW TO ANSWER")
	p.prose("Please answer here, without an account. What you give is kept encrypted, is read only by those who work on this and who say why, and is erased after a time.", "")
	p.answer(d.AnswerURL)
	p.prose("Or reply to this message: the address belongs to this request alone. A person reads it.", "")

	return p.sign(who, d.CentreContact, noClicks)
}
