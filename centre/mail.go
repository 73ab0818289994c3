package centre

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/mail"
	"bailiwick/mail/dsn"
	"bailiwick/mail/reply"
	"bailiwick/notify/email"
	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/read"
	"bailiwick/store"
)

// JobMail is the kind of job that reads mails, by id.
const JobMail = "mail"

// The routes of mails: which of our addresses they came to.
const (
	routeReport     = "report"
	routeReply      = "reply:"   // and the obligation
	routeReceipt    = "receipt:" // and the receipt
	routePostmaster = "postmaster"
)

// Limits of mail.
const (
	// mailsPerDay is how many mails one of our generated addresses takes in a
	// day: two machines that answer each other would fill a disk.
	mailsPerDay = 200
	// machineAnswers is how many automatic answers about one obligation are put
	// on its case; more are kept, and change nothing.
	machineAnswers = 3
	// ownWords is how much of what a person wrote is put on the case, in octets.
	ownWords = casework.MaxNote
)

// route says which of our addresses an address is.
func (c *Centre) route(addr string) (route, caseID string, err error) {
	addr = strings.ToLower(strings.Trim(strings.TrimSpace(addr), "<>"))
	local, domain, ok := strings.Cut(addr, "@")
	if strings.EqualFold(local, "postmaster") && (!ok || c.ourMail(domain)) { // RFC 5321 section 4.5.1
		return routePostmaster, "", nil
	}
	if !ok || !c.ourMail(domain) {
		return "", "", problem.New(problem.NotFound, "no mail is taken for %s", clip(addr))
	}
	if slices.Contains(c.set.Inbox.Report, local) {
		return routeReport, "", nil
	}
	if id, obligation, ok := email.ParseReply(c.ReplyKey, addr); ok && obligation == email.DisclosureRef {
		return routeDisclosure + id, "", nil
	} else if ok && obligation == email.InaccuracyRef {
		return routeInaccuracy + id, "", nil
	} else if ok && obligation == email.InaccuracyCopyRef {
		return routeInaccuracyCopy + id, "", nil
	} else if ok && obligation == email.VerifyRef {
		return routeVerify + id, "", nil
	} else if ok {
		return routeReply + obligation, id, nil
	}
	if receipt, ok := email.ParseReceiptAddress(c.ReplyKey, addr); ok {
		return routeReceipt + receipt, "", nil
	}
	return "", "", problem.New(problem.NotFound, "there is no such address")
}

func (c *Centre) ourMail(domain string) bool {
	return slices.ContainsFunc([]string{c.set.Inbox.Domain, c.set.ReplyDomain}, func(d string) bool { return d != "" && strings.EqualFold(d, domain) })
}

func clip(s string) string { return s[:min(len(s), 100)] }

// Recipient says whether mail is taken for an address (inbox.Receiver).
func (c *Centre) Recipient(ctx context.Context, _, to string) error {
	route, _, err := c.route(to)
	if err != nil || route == routeReport || route == routePostmaster {
		return err
	}
	return c.Store.View(ctx, func(tx *store.Tx) error {
		n, err := tx.MailsSince(ctx, route, c.Clock.Now().Add(-24*time.Hour))
		if err == nil && n >= mailsPerDay {
			return problem.New(problem.RateLimited, "this address has had %d mails in a day", n)
		}
		return err
	})
}

// Receive stores a mail for each of our addresses it is for, and returns after
// the commit (inbox.Receiver). The same bytes to the same address are stored
// once. A mail that declares what must never be kept is refused, and leaves its
// digest and time.
func (c *Centre) Receive(ctx context.Context, env mail.Envelope, raw []byte) error {
	now := c.Clock.Now()
	if env.At.IsZero() {
		env.At = now
	}
	sum := sha256.Sum256(raw)
	base := store.Mail{Received: now, Digest: hex.EncodeToString(sum[:]), Length: int64(len(raw)), State: store.MailReceived, Due: now}
	rows := map[string]store.Mail{}
	var routes []string
	for _, to := range env.To {
		route, id, err := c.route(to)
		if err != nil {
			return err
		}
		if _, has := rows[route]; has {
			continue
		}
		m := base
		m.ID, m.Route, m.Case, m.Obligation = c.NewID(), route, id, strings.TrimPrefix(route, routeReply)
		if !strings.HasPrefix(route, routeReply) {
			m.Obligation = ""
		}
		rows[route] = m
		routes = append(routes, route)
	}
	if len(routes) == 0 {
		return problem.New(problem.Invalid, "the mail is for nobody")
	}
	t, declared := read.Declared(raw)
	never := declared && t.NeverKept()
	var kept []byte
	if !never {
		var err error
		if kept, err = json.Marshal(envelope{Envelope: env, Author: author(raw)}); err != nil {
			return err
		}
	}
	stored := ""
	if !never && len(raw) > inlineBlob {
		var err error
		switch stored, err = c.Store.PutBlob(ctx, "message/rfc822", raw); problem.CodeOf(err) {
		case problem.Refused: // a person marked these bytes as never to be kept
			never = true
		default:
			if err != nil {
				return err
			}
		}
	}
	err := c.Store.Update(ctx, func(tx *store.Tx) error {
		var ids []string
		if !never && stored == "" {
			if err := tx.PutBlobs(ctx, []store.NewBlob{{Media: "message/rfc822", Data: raw, SHA: base.Digest}}); err != nil {
				return err
			}
		}
		for _, r := range routes {
			m := rows[r]
			if never {
				m.State, m.Due, m.Length, m.Detail = store.MailWithheld, time.Time{}, 0, "declared to be what is never kept"
			} else {
				m.Blob, m.Envelope = base.Digest, kept
			}
			added, err := tx.AddMail(ctx, m)
			if err != nil {
				return err
			}
			if added && !never {
				ids = append(ids, m.ID)
			}
		}
		return tx.Enqueue(ctx, JobMail, ids...)
	})
	if problem.CodeOf(err) == problem.Refused || err == nil && never {
		return problem.New(problem.Refused, "%s", c.withhold(store.Report{}).Detail)
	}
	return err
}

// envelope is what is kept of how a mail came, apart from the mail: personal
// data, which expires.
type envelope struct {
	mail.Envelope
	// Author is the one address of the From field, "" if there is not exactly
	// one.
	Author string `json:"author,omitempty"`
}

func author(raw []byte) string {
	m, err := mail.Read(raw)
	if err != nil {
		return ""
	}
	if from := m.From(); len(from) == 1 {
		return from[0].Addr
	}
	return ""
}

// vouched is the author's address, if the author's domain vouches for the mail;
// else "".
func (e envelope) vouched() string {
	if _, domain, _ := strings.Cut(e.Author, "@"); !e.Auth.Authentic() || !strings.EqualFold(domain, e.Auth.From) {
		return ""
	}
	return strings.ToLower(e.Author)
}

// ReadMails does what the given mails call for. One that was read already is
// passed over.
func (c *Centre) ReadMails(ctx context.Context, ids []string) error {
	var first error
	for _, id := range ids {
		if err := c.readMail(ctx, id); err != nil && ctx.Err() == nil {
			c.Log.Error("a mail could not be read", "mail", id, "err", err)
			if err := c.deferMail(ctx, id, err); err != nil && first == nil {
				first = err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return first
}

// deferMail puts a mail off that could not be worked on, and leaves it to a
// person after some tries.
func (c *Centre) deferMail(ctx context.Context, id string, cause error) error {
	return c.Store.Update(ctx, func(tx *store.Tx) error {
		m, err := tx.Mail(ctx, id)
		if err != nil || m.State != store.MailReceived {
			return err
		}
		m.Attempts++
		m.Due = c.Clock.Now().Add(time.Duration(m.Attempts) * 10 * time.Minute)
		if m.Attempts >= 8 {
			m.State, m.Due, m.Detail = store.MailIgnored, time.Time{}, "could not be worked on: "+problem.DocumentOf(cause).Detail
		}
		return tx.FinishMail(ctx, m)
	})
}

// arrived is a mail read again from what was kept.
type arrived struct {
	row store.Mail
	raw []byte
	env envelope
	msg mail.Message
	mail.Class
}

func (c *Centre) readMail(ctx context.Context, id string) error {
	var a arrived
	if err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		a.row, err = tx.Mail(ctx, id)
		return err
	}); err != nil || a.row.State != store.MailReceived || a.row.Due.After(c.Clock.Now()) {
		return err
	}
	var err error
	if a.raw, _, err = c.Store.Blob(ctx, a.row.Blob); err != nil {
		return err
	}
	if err := json.Unmarshal(a.row.Envelope, &a.env); err != nil {
		return problem.Wrap(err, problem.Corrupt, "the envelope of mail %s does not parse", id)
	}
	if a.msg, err = mail.Read(a.raw); err != nil {
		a.row.State, a.row.Due, a.row.Detail = store.MailRejected, time.Time{}, problem.DocumentOf(err).Detail
		return c.Store.Update(ctx, func(tx *store.Tx) error { return settle(tx.FinishMail(ctx, a.row)) })
	}
	a.Class = mail.Classify(&a.msg, a.env.Envelope)
	a.row.Kind, a.row.MessageID, a.row.Due = string(a.Kind), a.msg.MessageID(), time.Time{}
	return retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			row := a.row // a try that lost a race leaves nothing
			var p prompts
			var err error
			switch {
			case row.Route == routeReport:
				err = c.mailReport(ctx, tx, &p, a, &row)
			case strings.HasPrefix(row.Route, routeReply):
				err = c.mailReply(ctx, tx, &p, a, &row)
			case strings.HasPrefix(row.Route, routeReceipt):
				err = c.mailReceipt(ctx, tx, &p, a, &row)
			case strings.HasPrefix(row.Route, routeDisclosure):
				err = c.mailDisclosure(ctx, tx, &p, a, &row)
			case strings.HasPrefix(row.Route, routeInaccuracy), strings.HasPrefix(row.Route, routeInaccuracyCopy):
				err = c.mailInaccuracy(ctx, tx, &p, a, &row)
			case strings.HasPrefix(row.Route, routeVerify):
				err = c.mailVerification(ctx, tx, &p, a, &row)
			default:
				ignore(&row, "to the postmaster: for a person to read")
			}
			if err != nil {
				return err
			}
			if err := settle(tx.FinishMail(ctx, row)); err != nil {
				return err
			}
			return p.enqueue(ctx, tx)
		})
	})
}

// settle says that a mail somebody else read first is done.
func settle(err error) error {
	if problem.CodeOf(err) == problem.Conflict {
		return problem.Wrap(errRace, problem.Conflict, "somebody else read the mail first")
	}
	return err
}

func ignore(m *store.Mail, why string) { m.State, m.Detail = store.MailIgnored, why }

// mailReport makes a report of a mail to one of the report addresses, unless a
// machine sent it: that never opens a report (DESIGN section 8).
func (c *Centre) mailReport(ctx context.Context, tx *store.Tx, p *prompts, a arrived, row *store.Mail) error {
	why, err := c.byMachine(ctx, tx, a)
	if err != nil {
		return err
	}
	if why != "" && !c.feedbackLoop(a) {
		ignore(row, why)
		return nil
	}
	return c.reportOf(ctx, tx, p, a, row)
}

// feedbackLoop says whether a mail is a complaint (RFC 5965) of a feedback loop
// that the operator joined: its domain is configured and vouches for the mail,
// and it answers nothing.
func (c *Centre) feedbackLoop(a arrived) bool {
	return a.Kind == mail.Feedback && a.env.vouched() != "" && slices.Contains(c.set.Inbox.FeedbackFrom, c.organisation(a.env.Auth.From)) &&
		len(a.msg.InReplyTo())+len(a.msg.References()) == 0
}

// byMachine says why a mail never opens a report and is never answered by a
// machine; "" if it may.
func (c *Centre) byMachine(ctx context.Context, tx *store.Tx, a arrived) (string, error) {
	var failed error
	why, _ := mail.NoAnswer(&a.msg, a.env.Envelope, func(messageID string) bool {
		ours, err := c.sentByUs(ctx, tx, messageID)
		if err != nil {
			failed = err
		}
		return ours
	})
	return why, failed
}

// sentByUs says whether a Message-ID is of a message of ours.
func (c *Centre) sentByUs(ctx context.Context, tx *store.Tx, messageID string) (bool, error) {
	messageID = strings.Trim(messageID, "<> ")
	if _, domain, ok := strings.Cut(messageID, "@"); !ok || !c.ourMail(domain) {
		return false, nil
	}
	_, ours, err := tx.NoticeByMessage(ctx, messageID)
	return ours, err
}

// reportOf files a mail as a report, with the same bytes.
func (c *Centre) reportOf(ctx context.Context, tx *store.Tx, p *prompts, a arrived, row *store.Mail) error {
	r, _ := c.read(Submission{Source: "mail", Scope: "mail", Key: row.Digest, Declared: "message/rfc822", Body: a.raw})
	r.Received = row.Received
	if r.State == store.ReportWithheld {
		row.State, row.Detail = store.MailWithheld, r.Detail
	} else {
		r.Blob = row.Blob
		row.State = store.MailFiled
	}
	existing, err := tx.AddReports(ctx, []store.Report{r})
	if err != nil {
		return err
	}
	if row.Report = r.ID; existing[0] != nil { // the same mail to another of our addresses
		row.Report = existing[0].ID
		return nil
	}
	switch r.State {
	case store.ReportReceived:
		return tx.Enqueue(ctx, JobTriage, r.ID)
	case store.ReportRejected:
		row.Detail = r.Detail
		return c.owe(ctx, tx, p, r, *row)
	}
	return nil
}

// owe orders the receipt for a report that came by mail: once per case and
// reporter, only to an author whose domain vouches for the mail, and never to a
// machine. What answers a receipt gets none: a machine that does not say it is
// one would be answered without end.
func (c *Centre) owe(ctx context.Context, tx *store.Tx, p *prompts, r store.Report, m store.Mail) error {
	var env envelope
	if !c.set.Inbox.Receipts || m.Route != routeReport || m.Kind != string(mail.Person) || len(m.Envelope) == 0 || json.Unmarshal(m.Envelope, &env) != nil {
		return nil
	}
	to := env.vouched()
	if to == "" || env.From == "" {
		return nil
	}
	now := c.Clock.Now()
	about := r.ID
	if len(r.Cases) > 0 {
		about = r.Cases[0]
	}
	who := sha256.Sum256([]byte(to))
	reporter := "reporter:" + hex.EncodeToString(who[:8])
	n := store.Notice{ID: "receipt." + about + "." + hex.EncodeToString(who[:8]), Obligation: routeReceipt + r.Receipt + "/" + r.ID, Number: 1, Kind: kindReceipt, Channel: "email",
		Party: reporter, To: to, State: store.NoticeDue, Created: now, Due: now}
	if len(r.Cases) > 0 {
		n.Case = about
	}
	return p.order(ctx, tx, n)
}

// kindReceipt is the kind of notice that a reporter gets.
const kindReceipt = "receipt"

// mailReply reads what came to the address of an obligation: a person's answer,
// a machine's, a delivery report.
func (c *Centre) mailReply(ctx context.Context, tx *store.Tx, p *prompts, a arrived, row *store.Mail) error {
	cs, err := c.load(ctx, tx, row.Case)
	if problem.CodeOf(err) == problem.NotFound {
		ignore(row, "the case is not here any more")
		return nil
	}
	if err != nil {
		return err
	}
	o, ok := cs.Obligation(row.Obligation)
	if !ok {
		ignore(row, "the case has no such obligation")
		return nil
	}
	pb, err := c.playbook(ctx, tx, cs.Playbook)
	if err != nil {
		return err
	}
	row.State = store.MailFiled
	by := "party:" + o.ID
	if ours, err := c.sentByUs(ctx, tx, a.row.MessageID); err != nil || ours {
		if err != nil {
			return err
		}
		// Our own message come back: a mailbox that loops is read by nobody.
		row.Detail = "our own message came back"
		return c.bounce(ctx, tx, p, row, cs, pb, o, a.row.MessageID, "our own message came back")
	}
	switch a.Kind {
	case mail.Person:
		own := reply.Own(&a.msg)
		answer, sure := reply.Meant(own)
		detail := "read as: " + answer
		if !sure {
			detail = "a person wrote; what it means for the clock is not plain: read it"
		}
		if binds := answer == reply.Refused || answer == reply.Referred || answer == reply.NotOurs; binds && !c.isParty(a.env.Auth, o) {
			answer, detail = reply.Received, "says "+answer+", but the sender is not shown to be the party: for a person to read"
		}
		row.Detail = detail
		cmds := []casework.Command{casework.Answer{Obligation: o.ID, By: by, Answer: answer, Note: "by mail; " + detail}}
		if own = strings.TrimSpace(own); own != "" {
			cmds = append(cmds, casework.AddNote{By: by, Text: strings.ToValidUTF8(own[:min(len(own), ownWords)], "")})
		}
		_, err = c.step(ctx, tx, p, cs, pb, cmds...)
		return err
	case mail.AutoReply, mail.Ticket, mail.Generated, mail.Receipt:
		n := 0
		for _, k := range []mail.Kind{mail.AutoReply, mail.Ticket, mail.Generated, mail.Receipt} {
			m, err := tx.CountMails(ctx, o.ID, string(k))
			if err != nil {
				return err
			}
			n += m
		}
		if n >= machineAnswers {
			ignore(row, "one more automatic answer")
			return nil
		}
		row.Detail = "an automatic answer"
		if a.System != "" || a.Ticket != "" {
			row.Detail = strings.TrimSpace("a ticket system's answer: " + a.System + " " + a.Ticket)
		}
		_, err = c.step(ctx, tx, p, cs, pb, casework.Answer{Obligation: o.ID, By: by, Answer: reply.Received, Note: "by mail; " + row.Detail})
		return err
	case mail.Failed, mail.Delayed, mail.Delivered:
		return c.mailBounce(ctx, tx, p, a, row, cs, pb, o)
	}
	ignore(row, "of kind "+string(a.Kind)+": not an answer")
	return nil
}

// isParty says whether the domain of an obligation's party vouches for a mail.
func (c *Centre) isParty(auth mail.Auth, o casework.Obligation) bool {
	if !auth.Authentic() {
		return false
	}
	_, domain, _ := strings.Cut(o.Party.Email, "@")
	a, b := c.organisation(auth.From), c.organisation(domain)
	return a != "" && a == b
}

// mailBounce reads a delivery report about a notice. A failure takes back what
// a server had accepted; a delay changes nothing.
func (c *Centre) mailBounce(ctx context.Context, tx *store.Tx, p *prompts, a arrived, row *store.Mail, cs casework.Case, pb casework.Playbook, o casework.Obligation) error {
	rep, err := dsn.Read(&a.msg)
	if err != nil {
		ignore(row, "a delivery report that cannot be read: "+problem.DocumentOf(err).Detail)
		return nil
	}
	r, failed := bounced(rep)
	row.Detail = strings.TrimSpace(string(a.Kind) + ": " + r)
	if rep.Form != "" {
		row.Detail += "; it points to the form " + rep.Form
	}
	if !failed {
		return nil
	}
	return c.bounce(ctx, tx, p, row, cs, pb, o, rep.OriginalID, r)
}

// bounce takes back that a notice of an obligation was accepted.
func (c *Centre) bounce(ctx context.Context, tx *store.Tx, p *prompts, row *store.Mail, cs casework.Case, pb casework.Playbook, o casework.Obligation, messageID, why string) error {
	notices, err := tx.Notices(ctx, cs.ID)
	if err != nil {
		return err
	}
	notices = slices.DeleteFunc(notices, func(x store.Notice) bool { return x.Obligation != o.ID })
	n, ok, err := c.takeBack(ctx, tx, row, notices, messageID, why)
	if err != nil || !ok {
		return err
	}
	_, err = c.step(ctx, tx, p, cs, pb, casework.Noticed{Obligation: o.ID, Notice: n.Number, Result: casework.Bounced, Response: why})
	return err
}

// bounced says what a delivery report says of its first recipient that failed
// for good, or else of its first one, and which of the two.
func bounced(rep dsn.Report) (string, bool) {
	say := func(r dsn.Recipient) string {
		return strings.TrimSpace(strings.Join([]string{r.Status, string(r.Class), r.Diagnostic}, " "))
	}
	for _, r := range rep.Recipients {
		if r.Permanent && r.Action == dsn.Failed {
			return say(r), true
		}
	}
	return say(rep.Recipients[0]), false
}

// mailReceipt reads what a reporter answers to a receipt: more to report, or
// one word to take it back. Only the author of the report is heard.
func (c *Centre) mailReceipt(ctx context.Context, tx *store.Tx, p *prompts, a arrived, row *store.Mail) error {
	// A reference to a message of ours is expected here: the receipt.
	if why, never := mail.NoAnswer(&a.msg, a.env.Envelope, func(string) bool { return false }); never {
		ignore(row, why)
		return nil
	}
	if a.Kind != mail.Person {
		ignore(row, "of kind "+string(a.Kind)+": not an answer of the reporter")
		return nil
	}
	r, err := tx.ReportByReceipt(ctx, strings.TrimPrefix(row.Route, routeReceipt))
	if problem.CodeOf(err) == problem.NotFound {
		ignore(row, "the report is not here any more")
		return nil
	}
	if err != nil {
		return err
	}
	first, ok, err := tx.MailOfReport(ctx, r.ID)
	if err != nil {
		return err
	}
	var was envelope
	if !ok || len(first.Envelope) == 0 || json.Unmarshal(first.Envelope, &was) != nil || was.vouched() == "" || a.env.vouched() != was.vouched() {
		ignore(row, "not shown to come from whoever reported: for a person to read")
		return nil
	}
	if withdraws(reply.Own(&a.msg)) {
		row.State, row.Detail, row.Report = store.MailFiled, "the report was withdrawn", r.ID
		for _, id := range r.Cases {
			if err := c.actIn(ctx, tx, p, id, casework.WithdrawReport{Report: r.ID}); err != nil && problem.CodeOf(err) != problem.NotFound {
				return err
			}
		}
		return nil
	}
	if rep, _, err := read.Report(a.raw, "message/rfc822"); err != nil || !slices.ContainsFunc(rep.Candidates, ownCandidate) {
		ignore(row, "names nothing to add: for a person to read")
		return nil
	}
	return c.reportOf(ctx, tx, p, a, row)
}

// ownCandidate says whether a candidate stands in what the sender wrote or
// attached, not in what is quoted of ours.
func ownCandidate(k report.Candidate) bool {
	return k.Unlikely == "" && (k.Where == report.InOwn || k.Where == report.InList || k.Where == report.InAttached || k.Where == report.InForwarded)
}

// withdraws says whether a text is the one word that takes a report back.
func withdraws(own string) bool {
	switch strings.ToLower(strings.Trim(strings.TrimSpace(own), ".!\"'* ")) {
	case "withdraw", "withdrawn", "zurückziehen", "retirer", "retirar", "ritirare", "intrekken", "отозвать", "撤回":
		return true
	}
	return false
}

// MailOf reads one mail for a person, with its bytes.
func (c *Centre) MailOf(ctx context.Context, id string) (store.Mail, []byte, error) {
	var m store.Mail
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		m, err = tx.Mail(ctx, id)
		return err
	})
	if err != nil || m.Blob == "" {
		return m, nil, err
	}
	raw, _, err := c.Store.Blob(ctx, m.Blob)
	return m, raw, err
}

// MailList lists the latest mails, of one state or of all.
func (c *Centre) MailList(ctx context.Context, state store.MailState, limit int) ([]store.Mail, error) {
	var ms []store.Mail
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		ms, err = tx.RecentMails(ctx, state, limit)
		return err
	})
	return ms, err
}
