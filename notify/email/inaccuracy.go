package email

import (
	"fmt"
	"time"

	"bailiwick/name"
	"bailiwick/text"
)

// InaccuracyRef stands where the address and the answer link of a case hold the
// obligation: what they name is an inaccuracy case. What comes back from the copy
// has an address of its own, so that the registry's ticket system never speaks for
// the registrar.
const (
	InaccuracyRef     = "inaccuracy"
	InaccuracyCopyRef = "inaccopy"
)

// Inaccuracy is the notice of an inaccuracy case: to the registrar of a name, or a
// copy of it to the registry. It repeats no value of the registration: whoever
// gets it has the data, and mail is read on the way.
type Inaccuracy struct {
	ID string // of the case
	// NoticeID names this message among those about the case.
	NoticeID      string
	PartyName, To string
	Domain        name.Domain
	// Copy says that the reader is only told. AskedName is who is asked then.
	Copy      bool
	AskedName string
	// Earlier are when the party was asked before.
	Earlier  []time.Time
	Findings []InaccuracyFinding
	More     int // findings that are not listed
	Asks     []InaccuracyAsk
	// Suspends says that a rule that binds has the name suspended. Else the message
	// says that this is not asked.
	Suspends bool
	// Rule is the profile in words, and RuleCaveat what is to be said about it: that
	// it is guidance, or in the past.
	Rule, RuleCaveat string
	// Provider says that a privacy or proxy service is the holder on record.
	Provider bool
	Checked  time.Time // when the data was last looked at
	// Wait says in words how long the centre waits where nobody has a time; "" where
	// somebody has.
	Wait string
	// AnswerURL is where the party answers without an account; "" for a copy.
	AnswerURL                 string
	CentreName, CentreContact string
	PreviousMessageIDs        []string
	Date                      time.Time
}

// InaccuracyFinding is one check that failed.
type InaccuracyFinding struct {
	Field string // "registrant: email"
	What  string // what is wrong, in a sentence
	Check string // "email mx, V2": a dot would make a link of it
	Proxy bool   // it is the data of a privacy or proxy service
}

// InaccuracyAsk is what is asked, and under which rule.
type InaccuracyAsk struct {
	What   string // "to investigate"
	Clause string
	// Within is the time a rule that binds sets, in words, from when they know; ""
	// for none. Caveat is said of every rule that does not bind.
	Within, Caveat string
}

// listedFindings is how many findings a message lists; more are counted.
const listedFindings = 40

// ComposeInaccuracy writes the message of an inaccuracy case. The same notice
// gives the same bytes. Errors are *problem.Error with the field of the
// Inaccuracy (or "options…") that is wrong; text that is only untidy is cleaned.
func ComposeInaccuracy(d Inaccuracy, opt ComposeOptions) (Message, error) {
	to, e := checkTo(checkIDs(nil, 2*maxID, [2]string{"id", d.ID}, [2]string{"notice_id", d.NoticeID}), d.To)
	e = checkAbout(e, d.Domain, d.Date)
	if len(d.Findings) == 0 {
		e = e.Add("findings", "are missing: nothing is asked without one")
	}
	if !d.Copy && !link(d.AnswerURL) || d.Copy && d.AnswerURL != "" {
		e = e.Add("answer_url", "%q is not an http or https address, or stands in a copy", text.Line(d.AnswerURL, maxShort))
	}
	if err := checkOptions(e, opt).OrNil(); err != nil {
		return Message{}, err
	}
	subject := "registration data of " + name.Defang(d.Domain.String()) + " seems inaccurate"
	switch {
	case d.Copy:
		subject = "Copy: " + subject
	case len(d.Earlier) > 0:
		subject = "Reminder: " + subject
	}
	return notice(d.ID, d.NoticeID, subject, d.PartyName, to, d.PreviousMessageIDs, d.Date, opt).send(opt, inaccuracyText(d))
}

func inaccuracyText(d Inaccuracy) string {
	p := &page{}
	who := whoWrites(d.CentreName, "A coordination centre")
	if d.Copy {
		p.prose("For your information, as the registry: "+who+" asked "+safe(d.AskedName, maxShort)+" about registration data that checks found inaccurate. Nothing is asked of you.", "")
	} else {
		p.prose(who+" checked registration data of a name that is with you. The checks below fail. Please look at it.", "")
	}
	p.blank()
	p.line("Name: " + name.Defang(d.Domain.String()))
	p.line("Our reference: " + d.ID)
	p.line("Last looked at: " + d.Checked.UTC().Format("2006-01-02 15:04 UTC"))
	for _, t := range d.Earlier {
		p.line("Asked before: " + t.UTC().Format("2006-01-02 15:04 UTC"))
	}

	p.head("WHAT WAS FOUND")
	for i, f := range d.Findings {
		if i == listedFindings {
			d.More += len(d.Findings) - i
			break
		}
		s := safe(f.Field, maxShort) + ": " + safe(f.What, maxShort) + " (" + safe(f.Check, maxShort) + ")"
		if f.Proxy {
			s += " [the service's own data]"
		}
		p.point(s)
	}
	if d.More > 0 {
		p.point(fmt.Sprintf("and %d more", d.More))
	}
	p.prose("We do not repeat the values here: you have them. What is withheld from the public was not tested.", "")
	if d.Provider {
		p.blank()
		p.prose("The holder on record is a privacy or proxy service. It is itself the holder, and was tested as one: this is about the service's own data and its relay address, and about nobody behind it.", "")
	}

	if !d.Copy {
		p.head("WHAT IS ASKED")
	} else {
		p.head("WHAT WAS ASKED")
	}
	if len(d.Asks) == 0 {
		p.point("to look at the data, and to have it corrected where it is wrong. No rule that we know of sets a time.")
	}
	for _, a := range d.Asks {
		s := safe(a.What, maxShort) + ": " + safe(a.Clause, maxShort)
		if a.Within != "" {
			s += "; within " + safe(a.Within, maxShort) + " of knowing, as we read it"
		} else {
			s += "; no time is set"
		}
		if a.Caveat != "" {
			s += " (" + safe(a.Caveat, maxShort) + ")"
		}
		p.point(s)
	}
	if d.Rule != "" {
		s := "Read under: " + safe(d.Rule, maxShort) + "."
		if d.RuleCaveat != "" {
			s += " " + safe(d.RuleCaveat, maxShort) + "."
		}
		p.prose(s, "")
	}
	if !d.Suspends {
		p.prose("We do not ask you to suspend the name. That a check fails says nothing about the holder: data goes out of date.", "")
	}
	if d.Copy {
		return p.sign(who, d.CentreContact, noClicks)
	}
	if d.Wait != "" {
		p.prose("Where no time is set we look again "+safe(d.Wait, maxShort)+" after this has reached you. That is how we plan, and no deadline of yours.", "")
	}

	p.head("HOW TO ANSWER")
	p.prose("Please say here, without an account, what you found: that it is corrected, that you verified it as right, that the holder cannot be reached, or why nothing will be done. Send no personal data; we look at the registration again ourselves.", "")
	p.answer(d.AnswerURL)
	p.prose("Or reply to this message: the address belongs to this matter alone. A person reads it.", "")
	return p.sign(who, d.CentreContact, noClicks)
}
