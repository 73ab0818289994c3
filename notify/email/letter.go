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

// letter is what all messages of ours have in common; one that is text alone is
// written by text.
type letter struct {
	id       string   // the Message-ID
	auto     string   // "auto-generated" or "auto-replied": machines must not answer it (RFC 3834 section 5)
	previous []string // Message-IDs that it refers to
	subject  string
	name, to string // whom it is addressed to; the name may be ""
	date     time.Time
}

// notice is a letter about something under a number of ours.
func notice(id, noticeID, subject, name, to string, previous []string, date time.Time, opt ComposeOptions) letter {
	return letter{id: opt.messageID(noticeID), auto: "auto-generated", previous: previous, subject: "[" + id + "] " + subject, name: name, to: to, date: date}
}

// messageID is the Message-ID of a notice, without angle brackets.
func (opt ComposeOptions) messageID(noticeID string) string {
	if opt.Tag != "" {
		noticeID += "." + opt.Tag
	}
	return "notice." + noticeID + "@" + domainOf(opt.ReplyTo)
}

// message is the letter without its octets.
func (l letter) message(opt ComposeOptions) Message {
	return Message{ID: l.id, From: opt.ReplyTo, To: l.to, UTF8: !ascii(l.to) || !ascii(opt.From) || !ascii(opt.ReplyTo)}
}

// header writes the fields. They are set in reverse: each goes on top.
func (l letter) header(opt ComposeOptions) message.Header {
	var h gomail.Header
	h.Set("Auto-Submitted", l.auto)
	if ids := references(l.previous); len(ids) > 0 {
		h.SetMsgIDList("References", ids)
		h.SetMsgIDList("In-Reply-To", ids[len(ids)-1:])
	}
	h.SetMessageID(l.id)
	h.SetSubject(l.subject)
	h.SetAddressList("Reply-To", []*mail.Address{{Address: opt.ReplyTo}})
	h.SetAddressList("To", []*mail.Address{{Name: display(l.name), Address: l.to}})
	h.SetAddressList("From", []*mail.Address{{Name: display(opt.FromName), Address: opt.From}})
	h.SetDate(l.date.UTC())
	return h.Header
}

// text writes the letter with what it says.
func (l letter) text(opt ComposeOptions, words string) ([]byte, error) {
	h := l.header(opt)
	setText(&h, words)
	return entity(h, func(w *message.Writer) error {
		_, err := w.Write([]byte(strings.ReplaceAll(words, "\n", "\r\n")))
		return err
	})
}

// send is the message of a letter with what it says, signed.
func (l letter) send(opt ComposeOptions, words string) (Message, error) {
	m := l.message(opt)
	var err error
	if m.Raw, err = l.text(opt, words); err != nil {
		return Message{}, err
	}
	return signed(m, opt, l.date)
}

// checkIDs adds the identifiers that are none.
func checkIDs(e *problem.Error, most int, ids ...[2]string) *problem.Error {
	for _, id := range ids { // its field and itself
		if len(id[1]) > most || !token(id[1]) {
			e = e.Add(id[0], "%q is not an identifier", text.Line(id[1], 40))
		}
	}
	return e
}

// checkTo gives the one mail address that a message goes to, or adds that it is
// none.
func checkTo(e *problem.Error, given string) (string, *problem.Error) {
	to, ok := party.Mailbox(given)
	if !ok || !strings.EqualFold(to, strings.TrimSpace(given)) {
		e = e.Add("to", "%q is not one mail address", text.Line(given, maxShort))
	}
	return to, e
}

// checkAbout adds that a name or a time of writing is missing.
func checkAbout(e *problem.Error, d name.Domain, at time.Time) *problem.Error {
	if d.IsZero() {
		e = e.Add("domain", "is missing")
	}
	return checkDate(e, at)
}

func checkDate(e *problem.Error, at time.Time) *problem.Error {
	if at.IsZero() || at.Year() < 1970 || at.Year() > 9999 {
		e = e.Add("date", "is missing or out of range")
	}
	return e
}

// checkLink adds that an address of ours that people are to click is none.
func checkLink(e *problem.Error, field, url string) *problem.Error {
	if !link(url) {
		e = e.Add(field, "%q is not an http or https address", text.Line(url, maxShort))
	}
	return e
}

// whoWrites is the centre's name as its messages say it.
func whoWrites(centre, unnamed string) string {
	if s := text.Line(centre, maxShort); s != "" {
		return s
	}
	return unnamed
}

// sign ends a message: who wrote it, how they are reached, and what else to know.
func (p *page) sign(who, contact, last string) string {
	p.blank()
	p.line("-- ")
	if c := text.Line(contact, maxShort); c != "" {
		who += ", " + c
	}
	p.line(who)
	p.prose(last, "")
	return p.b.String()
}

// noClicks explains how names are written.
const noClicks = "Names are written so that nothing can be clicked: [.] is a dot."
