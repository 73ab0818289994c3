package email

import (
	"net/mail"
	"strconv"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/text"

	"github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"
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
	var e *problem.Error
	if len(r.ID) > maxID || !token(r.ID) {
		e = e.Add("id", "%q is not an identifier", text.Line(r.ID, 40))
	}
	to, ok := party.Mailbox(r.To)
	if !ok || !strings.EqualFold(to, strings.TrimSpace(r.To)) {
		e = e.Add("to", "%q is not one mail address", text.Line(r.To, maxShort))
	}
	if r.Date.IsZero() || r.Date.Year() < 1970 || r.Date.Year() > 9999 {
		e = e.Add("date", "is missing or out of range")
	}
	if r.StatusURL != "" && !link(r.StatusURL) {
		e = e.Add("status_url", "%q is not an http or https address", text.Line(r.StatusURL, maxShort))
	}
	if err := checkOptions(e, opt).OrNil(); err != nil {
		return Message{}, err
	}

	m := Message{ID: "receipt." + r.ID + "@" + domainOf(opt.ReplyTo), NullSender: true, To: to}
	m.UTF8 = !ascii(m.To) || !ascii(opt.From) || !ascii(opt.ReplyTo)
	var h gomail.Header
	h.Set("Auto-Submitted", "auto-replied")
	if ids := references([]string{r.MessageID}); len(ids) > 0 {
		h.SetMsgIDList("References", ids)
		h.SetMsgIDList("In-Reply-To", ids)
	}
	h.SetMessageID(m.ID)
	h.SetSubject("[" + r.ID + "] Your report has arrived")
	h.SetAddressList("Reply-To", []*mail.Address{{Address: opt.ReplyTo}})
	h.SetAddressList("To", []*mail.Address{{Address: m.To}})
	h.SetAddressList("From", []*mail.Address{{Name: display(opt.FromName), Address: opt.From}})
	h.SetDate(r.Date.UTC())
	words := receiptText(r)
	setText(&h.Header, words)
	var err error
	m.Raw, err = entity(h.Header, func(w *message.Writer) error {
		_, err := w.Write([]byte(strings.ReplaceAll(words, "\n", "\r\n")))
		return err
	})
	if err != nil {
		return Message{}, err
	}
	return signed(m, opt, r.Date)
}

func receiptText(r Receipt) string {
	p := &page{}
	who := text.Line(r.CentreName, maxShort)
	if who == "" {
		who = "An abuse coordination centre"
	}
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

	p.blank()
	p.line("-- ")
	if c := text.Line(r.CentreContact, maxShort); c != "" {
		who += ", " + c
	}
	p.line(who)
	p.prose("This was written by a machine. Addresses are written so that nothing can be clicked: hxxp is http, [.] is a dot.", "")
	return p.b.String()
}
