package email

import (
	"strconv"
	"time"

	"bailiwick/abuse"
	"bailiwick/name"
)

// forReceipt keeps a receipt's address apart from the addresses and links that
// the same key makes.
const forReceipt = "bailiwick receipt address 1"

// receiptOnly stands where the address of an obligation holds the obligation.
const receiptOnly = "receipt"

// ReceiptAddress is the address at domain that a reporter answers to, to add to
// a report or to withdraw it. It is made like a ReplyAddress, for another
// purpose: neither reads as the other. "" if the key is shorter than 16 octets
// or the receipt's identifier is empty or too long: a ULID, or any 21
// characters, fits.
func ReceiptAddress(key []byte, domain, receiptID string) string {
	body, ok := pack(receiptID, receiptOnly)
	if !ok || len(key) < minKey {
		return ""
	}
	local := base32lower.EncodeToString(append(body, mac(key, forReceipt, body)[:replyMAC]...))
	if len(local) > maxLocal {
		return ""
	}
	return local + "@" + domain
}

// ParseReceiptAddress reads an address made by ReceiptAddress with the same
// key, whatever became of its letters' case. The domain is not looked at.
func ParseReceiptAddress(key []byte, addr string) (receiptID string, ok bool) {
	b, ok := localPart(key, addr)
	if !ok {
		return "", false
	}
	id, what, ok := open(key, forReceipt, replyMAC, b)
	if !ok || what != receiptOnly {
		return "", false
	}
	return id, true
}

// Receipt is what somebody who reported by mail gets back.
type Receipt struct {
	ID string // of the receipt
	To string // whom it goes to: one mail address, whose domain vouched for the report
	// Kind says in a few words what the mail was read as, such as "a complaint
	// (ARF)"; "" if nothing is to be said of it.
	Kind string
	Type abuse.Type // what is reported; "" if that is not known
	// URLs are the addresses found. They are candidates: a mail's own signature
	// holds addresses too.
	URLs []name.URL
	// StatusURL is where the reporter sees what became of it; "" if nowhere.
	StatusURL string
	// MessageID is the report's own, as it came; one that is none is left out.
	MessageID                 string
	CentreName, CentreContact string
	Received                  time.Time
	// Date is the time of writing.
	Date time.Time
}

// maxReceiptURLs are named in a receipt: enough to see that it was understood.
const maxReceiptURLs = 10

// ComposeReceipt writes a receipt. It comes from the null sender and says that
// a machine wrote it, so that no machine answers (RFC 3834); it quotes nothing
// and carries nothing of the report, so that it is of no use to those who
// report in another's name. The same receipt gives the same bytes. Errors are
// *problem.Error with the field of the Receipt (or "options…") that is wrong.
func ComposeReceipt(r Receipt, opt ComposeOptions) (Message, error) {
	to, e := checkTo(checkIDs(nil, maxID, [2]string{"id", r.ID}), r.To)
	e = checkDate(e, r.Date)
	if r.StatusURL != "" {
		e = checkLink(e, "status_url", r.StatusURL)
	}
	if err := checkOptions(e, opt).OrNil(); err != nil {
		return Message{}, err
	}
	l := letter{id: "receipt." + r.ID + "@" + domainOf(opt.ReplyTo), auto: "auto-replied", previous: []string{r.MessageID}, subject: "[" + r.ID + "] Your report has arrived", to: to, date: r.Date}
	m := l.message(opt)
	m.From, m.NullSender = "", true
	var err error
	if m.Raw, err = l.text(opt, receiptText(r)); err != nil {
		return Message{}, err
	}
	return signed(m, opt, r.Date)
}

func receiptText(r Receipt) string {
	p := &page{}
	who := whoWrites(r.CentreName, "An abuse coordination centre")
	s := who + " has your report"
	if !r.Received.IsZero() {
		s += " of " + stamp(r.Received)
	}
	p.prose(s+". Thank you.", "")
	p.blank()
	p.line("Receipt: " + r.ID)
	if r.StatusURL != "" {
		p.line("Status: " + r.StatusURL)
	}

	p.head("WHAT WE READ IN IT")
	if k := safe(r.Kind, maxShort); k != "" {
		p.line("It was read as " + k + ".")
	}
	if r.Type != "" {
		p.line(label(r.Type))
	}
	for i, u := range r.URLs {
		if i == maxReceiptURLs {
			p.line("and " + strconv.Itoa(len(r.URLs)-i) + " more")
			break
		}
		p.line(address(u))
	}
	if len(r.URLs) == 0 {
		p.prose("No address of a page was found. If there is one, please reply with it.", "")
	} else {
		p.prose("These are what will be looked at. Nobody is asked to act before we have seen the abuse ourselves.", "")
	}

	p.head("TO ADD SOMETHING, OR TO TAKE IT BACK")
	p.prose("Reply to this message: the address belongs to your report alone. To take the report back, reply with the one word withdraw.", "")

	return p.sign(who, r.CentreContact, "This was written by a machine. Addresses are written so that nothing can be clicked: hxxp is http, [.] is a dot.")
}
