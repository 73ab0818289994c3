package mail

import (
	"bytes"
	"net/netip"
	"strings"
)

// Kind is what kind of mail it is.
type Kind string

// The kinds.
const (
	Person    Kind = "person"     // somebody wrote it
	AutoReply Kind = "auto-reply" // a vacation notice or other automatic answer (RFC 3834)
	Ticket    Kind = "ticket"     // a ticket system's automatic acknowledgement
	Generated Kind = "generated"  // made by a machine, and none of the others
	Failed    Kind = "failed"     // a delivery report (RFC 3464): not delivered
	Delayed   Kind = "delayed"    // a delivery report: not yet delivered
	Delivered Kind = "delivered"  // a delivery report: delivered, relayed or expanded
	Receipt   Kind = "read"       // a disposition notification (RFC 8098)
	Feedback  Kind = "feedback"   // an abuse feedback report (RFC 5965)
	List      Kind = "list"       // of a mailing list, or sent in bulk
	Calendar  Kind = "calendar"   // an invitation, or an answer to one (RFC 6047)
)

// DeliveryReport says whether k is one of the three kinds of delivery report.
func (k Kind) DeliveryReport() bool { return k == Failed || k == Delayed || k == Delivered }

// Class is the kind of a mail and how it is known.
type Class struct {
	Kind Kind `json:"kind"`
	// Reasons name the header fields or forms that say so.
	Reasons []string `json:"reasons"`
	// System is the ticket system that sent it ("RT", "Zendesk" …), also when
	// a person wrote through it; Ticket its number there.
	System string `json:"system,omitempty"`
	Ticket string `json:"ticket,omitempty"`
}

// Classify says what kind of mail m is. It goes by what mail programs write
// into the header, then by the forms that those which write nothing use. A
// person who answers through a ticket system stays a person.
func Classify(m *Message, env Envelope) Class {
	c := classifier{m: m, env: env}
	c.kind()
	return c.Class
}

// IsFeedback says whether m is an abuse feedback report: what Classify says,
// for less.
func IsFeedback(m *Message) bool {
	c := classifier{m: m, subject: strings.ToLower(strings.TrimSpace(m.Header.Get("Subject")))}
	return (c.report() || c.feedbackForm()) && c.Kind == Feedback
}

type classifier struct {
	Class
	m       *Message
	env     Envelope
	subject string // in lower case
	body    string // the beginning of the text, in lower case; read when needed
	haveBdy bool
}

func (c *classifier) is(k Kind, reason string) bool {
	c.Kind = k
	c.Reasons = append(c.Reasons, reason)
	return true
}

func (c *classifier) kind() {
	h := c.m.Header
	c.subject = strings.ToLower(strings.TrimSpace(h.Get("Subject")))
	if c.report() || c.feedbackForm() || c.bounceForm() {
		return
	}
	for i := range c.m.Parts {
		if p := &c.m.Parts[i]; p.Type == "text/calendar" && (p.Params["method"] != "" || c.m.Type == "text/calendar") {
			c.is(Calendar, "a part of type text/calendar")
			return
		}
	}
	c.ticketSystem()
	auto := c.automatic()
	switch {
	case auto == "" && c.list():
		return
	case auto == "":
		if c.acknowledges() || c.saysSo() {
			return
		}
		if r := autoSubject(c.subject); r != "" {
			c.is(AutoReply, `the subject says "`+r+`"`)
			return
		}
		c.is(Person, "nothing says that a machine sent it")
		if c.System != "" {
			c.Reasons = append(c.Reasons, "it came through "+c.System)
		}
	default:
		c.Reasons = append(c.Reasons, auto)
		subject := autoSubject(c.subject)
		switch {
		case c.System != "" || c.Ticket != "":
			c.is(Ticket, "it is of a ticket system: "+first(c.System, "number "+c.Ticket))
		case c.answersByForm():
			c.Kind = Ticket
		case subject != "":
			c.is(AutoReply, `the subject says "`+subject+`"`)
		case strings.Contains(auto, "auto-generated") && len(c.m.References()) == 0 && len(c.m.InReplyTo()) == 0:
			c.Kind = Generated
			c.list()
		default:
			c.Kind = AutoReply
		}
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// report knows the reports that have a format of their own.
func (c *classifier) report() bool {
	want := strings.ToLower(c.m.Params["report-type"])
	for i := range c.m.Parts {
		p := &c.m.Parts[i]
		switch p.Type {
		case "message/delivery-status", "message/global-delivery-status":
			return c.is(actionOf(p.Data), "a part of type "+p.Type)
		case "message/feedback-report":
			return c.is(Feedback, "a part of type message/feedback-report")
		case "message/disposition-notification", "message/global-disposition-notification":
			return c.is(Receipt, "a part of type "+p.Type)
		}
	}
	if c.m.Type != "multipart/report" {
		return false
	}
	switch want {
	case "feedback-report":
		return c.is(Feedback, "multipart/report with report-type=feedback-report")
	case "delivery-status":
		// The report itself may have lost its place among the parts.
		for i := range c.m.Parts {
			if k, ok := looseAction(c.m.Parts[i].Data); ok {
				return c.is(k, "multipart/report with report-type=delivery-status")
			}
		}
		if c.delaySaid() {
			return c.is(Delayed, "multipart/report with report-type=delivery-status")
		}
		return c.is(Failed, "multipart/report with report-type=delivery-status")
	case "disposition-notification":
		return c.is(Receipt, "multipart/report with report-type=disposition-notification")
	}
	return false
}

// actionOf is the kind that the actions of a delivery report make it: failed
// if any recipient failed, else delayed if any is, else delivered.
func actionOf(b []byte) Kind {
	k, ok := looseAction(b)
	if !ok {
		return Failed
	}
	return k
}

// looseAction looks for Action fields (RFC 3464 section 2.3.3) at line starts.
func looseAction(b []byte) (Kind, bool) {
	k, found := Delivered, false
	for line := range bytes.Lines(b) {
		if len(line) < 8 || line[0]|0x20 != 'a' || !strings.EqualFold(string(line[:7]), "action:") {
			continue
		}
		switch v := strings.ToLower(string(line[7:])); {
		case strings.Contains(v, "fail"):
			return Failed, true
		case strings.Contains(v, "delay"):
			k, found = Delayed, true
		case strings.Contains(v, "deliver"), strings.Contains(v, "relay"), strings.Contains(v, "expand"):
			found = true
		}
	}
	return k, found
}

// feedbackForm knows complaints that come without the format of RFC 5965: the
// mail complained about is attached, and the subject or its header says why.
func (c *classifier) feedbackForm() bool {
	for i := range c.m.Parts {
		in := c.m.Parts[i].Message
		if in == nil {
			continue
		}
		if in.Header.Has("X-HmXmrOriginalRecipient") {
			return c.is(Feedback, "the attached mail has the field X-HmXmrOriginalRecipient")
		}
		if strings.Contains(c.subject, "complaint about message from") {
			return c.is(Feedback, "the subject is that of a feedback loop")
		}
	}
	return false
}

var bounceSubjects = []string{"undeliver", "undelivered mail", "returned mail", "delivery status notification", "delivery failure", "delivery failed",
	"delivery has failed", "mail delivery failed", "failure notice", "mail system error", "delivery report", "delivery notification", "returned to sender", "non-delivery", "nondelivery", "delayed mail",
	"message delayed", "delivery delayed", "warning: could not send", "warning: message", "mail failure", "mail delivery", "message you sent blocked", "could not be delivered",
	"not delivered", "rejected mail", "message status - undeliverable", "user unknown", "dsn:", "error sending", "email rejected", "failed mail", "host unknown",
	"unzustellbar", "nicht zustellbar", "unzustellbarkeit", "zustellung fehlgeschlagen", "verzögert", "non remis", "échec de la remise", "remise impossible", "no se puede entregar", "no entregado", "devuelto", "não entregue", "falha na entrega", "impossibile recapitare", "mancata consegna",
	"onbestelbaar", "niet bezorgd", "недоставленное", "не доставлено", "недоставк", "配信不能", "配信できません", "配送できません", "エラーメール", "退信", "无法投递", "投递失败", "無法傳送", "반송", "전송 실패", "niedostarczona", "nie dostarczono", "nedoručiteln", "olevererbart", "ikke leveres", "teslim edilemedi"}

var bounceBodies = NewWords("could not be delivered", "couldn't be delivered", "wasn't delivered", "was not delivered", "delivery to the following", "undeliverable", "permanent fatal errors", "permanent error",
	"qmail-send program", "message was rejected", "has been rejected", "user unknown", "unknown user", "mailbox is full", "mailbox full", "over quota", "no such user", "recipient rejected", "does not exist",
	"delivery has failed", "delivery failed", "has not been delivered", "not yet been delivered", "will be retried", "unable to deliver", "unable to be delivered", "not able to deliver", "can't be delivered", "cannot be delivered", "returned to sender", "the following addresses had",
	"automatically rejected", "transient non-fatal errors", "transcript of session", "unrouteable", "konnte nicht zugestellt", "nicht zugestellt werden", "n'a pas pu être remis", "no se ha podido entregar", "no se pudo entregar", "não pôde ser entregue", "non è stato possibile recapitare", "не может быть доставлен", "не было доставлено", "配信できませんでした", "配送できません", "送信できません", "无法送达", "無法送達")

var daemons = []string{"mailer-daemon", "postmaster", "mail-daemon", "mdaemon", "mailerdaemon", "mailadmin", "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e", "mail.daemon", "bounce", "bounces", "no-reply-dsn", "listserv", "double-bounce", "mmdf"}

// bounceForm knows delivery reports without the format of RFC 3464. It takes
// two signs of three: the sender is a mail system, the subject says so, the
// text says so.
func (c *classifier) bounceForm() bool {
	h := c.m.Header
	who := ""
	for _, a := range c.m.From() {
		local, _, _ := strings.Cut(strings.ToLower(a.Addr), "@")
		name := strings.ToLower(a.Name)
		for _, d := range daemons {
			if local == d || strings.HasPrefix(local, "mailer-daemon") {
				who = "the sender is a mail system"
			}
		}
		if strings.Contains(name, "mail delivery") || strings.Contains(name, "mailer-daemon") || strings.Contains(name, "postmaster") || strings.Contains(name, "mail administrator") {
			who = "the sender is a mail system"
		}
	}
	if who == "" {
		// "From: MAILER-DAEMON" without a domain is no address.
		f := strings.ToLower(h.raw("From"))
		if strings.Contains(f, "mailer-daemon") || strings.Contains(f, "mail delivery subsystem") || strings.HasPrefix(f, "postmaster") {
			who = "the sender is a mail system"
		}
	}
	if who == "" && (c.nullSender() != "") {
		who = c.nullSender()
	}
	if h.Has("X-Failed-Recipients") {
		c.is(Failed, "the field X-Failed-Recipients")
		if c.delaySaid() {
			c.Kind = Delayed
		}
		return true
	}
	subject := ""
	// A subject counts where it begins, so that a person's "Re: failure
	// notice" stays a person's unless the sender is a mail system.
	for _, f := range bounceSubjects {
		if i := strings.Index(c.subject, f); i == 0 || i > 0 && who != "" {
			subject = `the subject says "` + f + `"`
			break
		}
	}
	if who == "" && subject == "" {
		return false
	}
	if autoSubject(c.subject) != "" {
		return false
	}
	body := ""
	if f := bounceBodies.In(c.text()); f != "" {
		body = `the text says "` + f + `"`
	}
	n := 0
	for _, s := range []string{who, subject, body} {
		if s != "" {
			n++
		}
	}
	if n < 2 || who == "" && len(c.m.InReplyTo()) > 0 && !strings.Contains(c.text(), "<") {
		return false
	}
	for _, s := range []string{who, subject, body} {
		if s != "" {
			c.Reasons = append(c.Reasons, s)
		}
	}
	c.Kind = Failed
	if c.delaySaid() {
		c.Kind = Delayed
	}
	return true
}

var delays = []string{"delay", "still being retried", "not yet been delivered", "not yet received", "warning only", "will be retried", "will continue trying", "will keep trying", "could not send message for past", "do not need to resend", "no need to resend", "transient non-fatal", "verzögert", "noch nicht zugestellt", "retardé", "retrasad", "задерж", "遅延", "延迟"}

func (c *classifier) delaySaid() bool {
	// "Delivery failed after 5 days of delay" has both: what failed, failed.
	for _, f := range []string{"giving up", "given up", "permanent fatal", "permanent error", "has failed permanently", "gave up", "will not be retried", "not be retried"} {
		if strings.Contains(c.text(), f) {
			return false
		}
	}
	for _, d := range delays {
		if strings.Contains(c.subject, d) || strings.Contains(c.text(), d) {
			return true
		}
	}
	return false
}

// text is the beginning of the readable text in lower case.
func (c *classifier) text() string {
	if !c.haveBdy {
		c.haveBdy = true
		c.body = strings.ToLower(c.m.Plain(6000))
	}
	return c.body
}

func (c *classifier) nullSender() string {
	if c.env.given() {
		if c.env.From == "" {
			return "the null sender"
		}
		return ""
	}
	if c.m.Header.Has("Return-Path") && strings.Trim(c.m.Header.raw("Return-Path"), " <>") == "" {
		return "the null sender (Return-Path)"
	}
	return ""
}

// given says whether there is an envelope: the zero value is none, and not a
// null sender.
func (e Envelope) given() bool { return len(e.To) > 0 || !e.At.IsZero() || e.Remote != (netip.Addr{}) }

// keyword is the first word of a field's value in lower case, without
// parameters and comments.
func keyword(v string) string {
	v = strings.ToLower(strings.TrimSpace(v))
	if i := strings.IndexAny(v, " ;(\t,"); i >= 0 {
		v = v[:i]
	}
	return v
}

// automatic is the field that says that a machine sent it, or "".
func (c *classifier) automatic() string {
	h := c.m.Header
	if v := keyword(h.raw("Auto-Submitted")); v != "" && v != "no" {
		return "Auto-Submitted: " + v
	}
	for _, f := range []string{"Precedence", "X-Precedence"} {
		if v := keyword(h.raw(f)); v == "auto_reply" || v == "auto-reply" || v == "autoreply" {
			return f + ": " + v
		}
	}
	for _, f := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Autoresponder", "X-Mail-Autoreply", "X-AutoReply-From", "X-Auto-Reply-From", "X-Autogenerated", "X-Auto-Replied", "X-FC-MachineGenerated", "X-MS-Exchange-Inbox-Rules-Loop", "X-Vacation", "X-Cron-Env", "X-Autoreply-Domain", "Delivered-By-The-Graces", "X-Kmail-Autoreply"} {
		if h.Has(f) && keyword(h.raw(f)) != "no" && keyword(h.raw(f)) != "false" {
			return "the field " + f
		}
	}
	if v := strings.ToLower(h.raw("X-Auto-Response-Suppress")); v != "" && v != "none" {
		if autoSubject(c.subject) != "" || c.System != "" || strings.Contains(v, "all") {
			return "X-Auto-Response-Suppress: " + keyword(v)
		}
	}
	if strings.Contains(strings.ToLower(h.raw("X-MS-Exchange-Generated-Message-Source")), "mailbox") {
		return "the field X-MS-Exchange-Generated-Message-Source"
	}
	if strings.Contains(h.raw("X-POST-MessageClass"), "Autoresponder") {
		return "X-POST-MessageClass: Autoresponder"
	}
	return ""
}

// list knows mailing lists and bulk mail.
func (c *classifier) list() bool {
	h := c.m.Header
	switch v := keyword(h.raw("Precedence")); {
	case h.Has("List-Id"):
		return c.is(List, "List-Id")
	case v == "list" || v == "bulk" || v == "junk":
		if c.System != "" && v == "bulk" { // ticket systems send what people write as bulk
			return false
		}
		return c.is(List, "Precedence: "+v)
	case h.Has("List-Unsubscribe") || h.Has("List-Post"):
		return c.is(List, "List-Unsubscribe")
	}
	return false
}

// autoForms are how automatic answers name themselves in the subject. Those of
// the first list count anywhere, those of the second where it begins.
var autoForms = [2][]string{
	{"out of office", "out of the office", "out-of-office", "automatic reply", "auto reply", "auto-reply", "autoreply", "automated reply", "automated response", "automatic response", "auto response", "auto-response", "autoresponse", "vacation notice", "vacation reply", "vacation message", "i am away", "i am on vacation", "on annual leave",
		"automatische antwort", "automatische rückantwort", "automatische rückmeldung", "abwesenheitsnotiz", "abwesenheitsmeldung", "abwesenheitsassistent", "nicht im büro", "nicht im haus",
		"réponse automatique", "reponse automatique", "absence du bureau", "absent du bureau", "message d'absence", "respuesta automática", "respuesta automatica", "fuera de la oficina", "resposta automática", "resposta automatica", "fora do escritório", "fora da empresa", "risposta automatica", "fuori ufficio", "fuori sede",
		"automatisch antwoord", "automatisch bericht", "niet aanwezig", "afwezigheidsmelding", "autosvar", "automatiskt svar", "automatisk svar", "frånvaromeddelande", "ikke til stede", "fraværsbesked", "fraværsmelding", "automaattinen vastaus", "poissaoloviesti", "automatyczna odpowiedź", "odpowiedź automatyczna", "autoodpowiedź", "poza biurem",
		"automatická odpověď", "automatická odpoveď", "mimo kancelář", "automatikus válasz", "házon kívül", "răspuns automat", "automatski odgovor", "samodejni odgovor", "автоматичен отговор", "otomatik yanıt", "otomatik cevap", "ofis dışında", "автоответ", "автоматический ответ", "вне офиса", "нет на рабочем месте", "автоматична відповідь", "αυτόματη απάντηση", "εκτός γραφείου",
		"自動応答", "自動返信", "自動送信", "不在通知", "不在のお知らせ", "自动回复", "自动答复", "自動回覆", "自動回复", "자동 회신", "자동회신", "자동 응답", "부재중", "رد تلقائي", "الرد التلقائي", "תשובה אוטומטית", "מענה אוטומטי", "trả lời tự động", "ตอบกลับอัตโนมัติ", "balasan otomatis", "स्वचालित उत्तर"},
	{"auto:", "ooo", "vacation", "away:", "away from", "abwesenheit", "abwesend", "absence", "absent", "ausencia", "ausente", "ausência", "assenza", "assente", "afwezig", "frånvaro", "fravær", "poissaolo", "nieobecność", "nepřítomnost", "szabadság", "не на месте", "отпуск", "отсутствие", "外出", "休暇", "休假", "automated:", "automatic:", "auto-antwort", "urlaub", "en vacances", "de vacaciones", "urlop", "dovolená"},
}

// autoSubject is the form in which a subject (in lower case) names itself an
// automatic answer, or "".
func autoSubject(s string) string {
	if s == "" {
		return ""
	}
	for _, f := range autoForms[0] {
		if strings.Contains(s, f) {
			return f
		}
	}
	for _, f := range autoForms[1] {
		if !strings.HasPrefix(s, f) {
			continue
		}
		if f[len(f)-1] == ':' {
			return f
		}
		// "Absence", "Abwesend bis …", "Vacation: Re: …", and not "Vacation
		// rental fraud".
		rest := strings.TrimLeft(s[len(f):], " ")
		if rest == "" || strings.ContainsAny(rest[:1], ":-(/[,.!") || len(rest) < len(s)-len(f) && begins(rest, until) {
			return f
		}
	}
	return ""
}

var until = []string{"from ", "until", "till ", "bis ", "vom ", "du ", "jusqu", "desde", "hasta", "dal ", "al ", "van ", "tot ", "re:", "aw:", "до ", "с ", "since"}

func begins(s string, with []string) bool {
	for _, w := range with {
		if strings.HasPrefix(s, w) {
			return true
		}
	}
	return false
}

// systems are the fields by which ticket systems are known.
var systems = []struct{ field, name string }{
	{"RT-Ticket", "RT"}, {"X-RT-Loop-Prevention", "RT"}, {"X-RT-Original-Encoding", "RT"}, {"X-OTRS-Loop", "OTRS"}, {"X-Znuny-Loop", "Znuny"}, {"X-OTRS-FollowUp", "OTRS"}, {"X-Powered-By-OTRS", "OTRS"}, {"X-Zendesk-From-Account-Id", "Zendesk"}, {"X-Zendesk-Email-Id", "Zendesk"}, {"X-Zendesk-Priority-Mail", "Zendesk"},
	{"X-Freshdesk-Ticket-Id", "Freshdesk"}, {"X-FD-Email-ID", "Freshdesk"}, {"X-Freshdesk", "Freshdesk"}, {"X-FW-Env", "Freshdesk"}, {"X-JIRA-FingerPrint", "Jira"}, {"X-Atlassian-Project", "Jira"}, {"X-osTicket", "osTicket"}, {"X-Zammad-Ticket-Id", "Zammad"}, {"X-Zammad-Loop", "Zammad"}, {"X-Zammad", "Zammad"},
	{"X-Kayako-Ticket-Id", "Kayako"}, {"X-Kayako", "Kayako"}, {"X-HelpScout-Message-Type", "Help Scout"}, {"X-HelpScout", "Help Scout"}, {"X-Helpscout-Event", "Help Scout"}, {"X-LiveAgent-Ticket", "LiveAgent"}, {"X-SFDC-LK", "Salesforce"}, {"X-SFDC-User", "Salesforce"}, {"X-Intercom-Bin", "Intercom"}, {"X-ServiceNow-Generated", "ServiceNow"}, {"X-ServiceNow-Source", "ServiceNow"},
	{"X-Redmine-Host", "Redmine"}, {"X-Mantis", "Mantis"}, {"X-WHMCS", "WHMCS"}, {"X-Gorgias", "Gorgias"}, {"X-HubSpot-Message-Source", "HubSpot"}, {"X-GitLab-Project", "GitLab"}, {"X-GitHub-Reason", "GitHub"}, {"X-Ticket-Id", "a ticket system"}, {"X-TicketID", "a ticket system"}, {"X-Ticket", "a ticket system"}, {"X-Case-Id", "a ticket system"}, {"X-ManageEngine", "ManageEngine"}, {"X-Spiceworks", "Spiceworks"}, {"X-Abusehq-Ticket", "AbuseHQ"},
}

// mailers are the ticket systems that name themselves in X-Mailer, User-Agent
// or Received.
var mailers = []struct{ word, name string }{{"otrs", "OTRS"}, {"znuny", "Znuny"}, {"zammad", "Zammad"}, {"osticket", "osTicket"}, {"kayako", "Kayako"}, {"zendesk", "Zendesk"}, {"freshdesk", "Freshdesk"}, {"freshemail", "Freshdesk"}, {"jira", "Jira"}, {"rt 4", "RT"}, {"rt 5", "RT"}, {"helpscout", "Help Scout"}, {"whmcs", "WHMCS"}, {"deskpro", "Deskpro"}, {"mantis", "Mantis"}, {"supportpal", "SupportPal"}, {"glpi", "GLPI"}, {"zoho desk", "Zoho Desk"}, {"helpdesk", "a help desk"}}

// ticketSystem looks for the system and the number of the ticket.
func (c *classifier) ticketSystem() {
	h := c.m.Header
	for i := range h.fields {
		n := h.fields[i].name
		if n[0] != 'x' && n[0] != 'r' {
			continue
		}
		for _, s := range systems {
			if strings.EqualFold(n, s.field) {
				c.System = s.name
				if strings.Contains(n, "ticket") || n == "x-case-id" {
					c.Ticket = lastWord(h.Get(n))
				}
				break
			}
		}
		if c.System != "" {
			break
		}
	}
	if c.System == "" {
		agent := strings.ToLower(h.raw("X-Mailer") + " " + h.raw("User-Agent") + " " + h.raw("X-Powered-By"))
		if id := c.m.MessageID(); strings.HasSuffix(id, "zendesk.com") || strings.HasSuffix(id, "freshdesk.com") || strings.HasSuffix(id, "atlassian.net") || strings.HasSuffix(id, "helpscout.net") || strings.HasPrefix(id, "JIRA.") || strings.HasPrefix(id, "rt-") {
			agent += " " + strings.Replace(strings.ToLower(id), "atlassian", "jira", 1)
			if strings.HasPrefix(id, "rt-") {
				agent += " rt 5"
			}
		}
		for _, s := range mailers {
			if strings.Contains(agent, s.word) {
				c.System = s.name
				break
			}
		}
	}
	if c.Ticket == "" {
		c.Ticket = TicketNumber(h.Get("Subject"))
	}
}

func lastWord(s string) string {
	if f := strings.Fields(s); len(f) > 0 {
		return strings.Trim(f[len(f)-1], "#[]()")
	}
	return ""
}

// TicketNumber is the number that a subject line carries in one of the forms
// ticket systems use ("[host.example #4711]", "[Ticket#2026110210000017]",
// "[#ABC-123-45678]", "Ticket ID: 4711", "(DESK-12)", "[## 4711 ##]"), or "".
func TicketNumber(subject string) string {
	low := strings.ToLower(subject)
	for i := 0; i < len(low); i++ {
		switch low[i] {
		case '[', '(':
			end := strings.IndexByte(low[i:], map[byte]byte{'[': ']', '(': ')'}[low[i]])
			if end < 3 || end > 60 {
				continue
			}
			in := subject[i+1 : i+end]
			if j := strings.LastIndexByte(in, '#'); j >= 0 {
				if n := number(strings.Trim(in, "# ")); n != "" {
					return n
				}
				if n := number(strings.TrimSpace(strings.Trim(in[j+1:], "# :"))); n != "" {
					return n
				}
			}
			if n := number(in); n != "" && strings.ContainsAny(n, "-") && strings.Trim(n[:1], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
				return n
			}
		case '#':
			if n := number(leading(subject[i+1:])); len(n) >= 4 {
				return n
			}
		}
	}
	for _, w := range []string{"ticket", "case", "incident", "request", "anfrage", "vorgang", "reference", "tracking", "ref"} {
		if i := strings.Index(low, w); i >= 0 {
			rest := strings.TrimLeft(subject[i+len(w):], " #:.-")
			for _, skip := range []string{"id", "no", "number", "nr", "nummer", "key"} {
				if len(rest) > len(skip) && strings.EqualFold(rest[:len(skip)], skip) {
					rest = strings.TrimLeft(rest[len(skip):], " #:.-")
				}
			}
			if n := number(leading(rest)); len(n) >= 3 {
				return n
			}
		}
	}
	return ""
}

// leading is s up to its first character that no ticket number has.
func leading(s string) string {
	i := 0
	for i < len(s) && i < 40 && (s[i] >= '0' && s[i] <= '9' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || s[i] == '-' || s[i] == '_') {
		i++
	}
	return strings.Trim(s[:i], "-_")
}

// number is s if it can be a ticket's number: letters, digits and hyphens,
// two digits at least, and ending in one.
func number(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || leading(s) != s || s[len(s)-1] < '0' || s[len(s)-1] > '9' {
		return ""
	}
	digits := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			digits++
		}
	}
	if digits < 2 {
		return ""
	}
	return s
}

// acks are the forms of acknowledgements, in lower case.
var acks = NewWords("has been received", "have received your", "received your request", "received your message", "received your email", "received your report", "received your complaint", "your request (", "your ticket", "ticket has been", "ticket was created", "ticket number", "ticket id", "case number", "case has been", "case was", "new ticket", "support request", "thank you for contacting", "thank you for your report", "thanks for contacting", "thank you for submitting",
	"automatically generated", "automated message", "automatic message", "automated response", "automatic reply", "auto-generated", "automatic acknowledgement", "acknowledge receipt", "do not reply", "don't reply", "please do not respond", "please type your reply above", "number in the subject", "keep the subject", "reply above this line", "will be processed", "as soon as possible",
	"wurde empfangen", "ist eingegangen", "ist bei uns eingegangen", "unter der nummer", "im betreff", "anfrage erhalten", "nachricht erhalten", "ticketnummer", "vorgangsnummer", "automatisch generiert", "automatisch erstellt", "eingangsbestätigung", "schnellstmöglich", "bien été reçu", "a été enregistrée", "a été enregistré", "dans l'objet", "numéro de dossier", "bien reçu votre", "généré automatiquement", "numéro de ticket", "ne pas répondre", "accusé de réception", "hemos recibido", "ha sido recibida", "ha sido registrada", "en el asunto", "número de caso", "número de ticket", "no responda", "generado automáticamente", "recebemos", "recebemos sua", "foi recebido", "foi registrado", "foi registado", "no assunto", "número do chamado", "não responda", "abbiamo ricevuto", "generato automaticamente", "non rispondere", "hebben uw", "automatisch gegenereerd", "otrzymaliśmy", "została przyjęta",
	"получили ваш", "ваше обращение", "номер заявки", "автоматически", "受け付けました", "受付番号", "自動配信", "自動送信", "已收到", "工单编号", "工单号", "请在主题中", "在主题中保留", "受理编号", "自动发送", "請勿回覆", "请勿回复", "접수되었습니다", "talebiniz alın")

// ackForms counts the forms of an acknowledgement in the subject and the text
// that is not quoted.
func (c *classifier) ackForms() (n int, first string) {
	t := c.text()
	if len(t) > 2500 {
		t = t[:2500]
	}
	t = unquoted(t)
	var seen [256]bool
	count := func(word, _ int) bool {
		if !seen[word] {
			seen[word] = true
			if n == 0 {
				first = acks.words[word]
			}
			n++
		}
		return n < 8
	}
	acks.Each(t, count)
	acks.Each(c.subject, count)
	return n, first
}

// unquoted drops lines that quote another mail.
func unquoted(t string) string {
	if !strings.Contains(t, "\n>") {
		return t
	}
	var b strings.Builder
	for line := range strings.Lines(t) {
		if !strings.HasPrefix(line, ">") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// answersByForm is for mails that are known to be automatic: one form is
// enough to take it for an acknowledgement.
func (c *classifier) answersByForm() bool {
	n, f := c.ackForms()
	if n == 0 || autoSubject(c.subject) != "" && n < 3 {
		return false
	}
	c.Reasons = append(c.Reasons, `the text says "`+f+`"`)
	return true
}

// acknowledges knows acknowledgements of systems that say nothing in the
// header. Two forms are needed, and a number or a sender that takes no mail,
// so that a person's "we have received your report and removed the page" stays
// a person's.
func (c *classifier) acknowledges() bool {
	rt := strings.HasPrefix(c.subject, "[") && strings.Contains(c.subject, "autoreply")
	noreply := false
	for _, a := range c.m.From() {
		l := strings.ToLower(a.Addr)
		noreply = noreply || strings.Contains(l, "noreply") || strings.Contains(l, "no-reply") || strings.Contains(l, "donotreply") || strings.Contains(l, "do-not-reply")
	}
	n, f := c.ackForms()
	if !rt && !(n >= 2 && (noreply || c.Ticket != "" || c.System != "") || n >= 4) {
		return false
	}
	if f == "" {
		f = "autoreply"
	}
	return c.is(Ticket, `the text says "`+f+`"`)
}

// automaticWords are how the text of an automatic answer speaks of itself, in
// lower case.
var automaticWords = NewWords("automatic confirmation", "automated confirmation", "automatic acknowledgement", "automated acknowledgement", "this is an automatic reply", "this is an automated reply", "this is an automatic response", "this is an automated response", "this is an auto-reply",
	"automatische bestätigung", "automatische eingangsbestätigung", "automatische antwort", "confirmation automatique", "accusé de réception automatique", "réponse automatique", "confirmación automática", "respuesta automática", "acuse de recibo automático", "confirmação automática", "resposta automática",
	"conferma automatica", "risposta automatica", "automatische bevestiging", "automatisch antwoord", "automatisk bekræftelse", "automatisk bekräftelse", "automatyczne potwierdzenie", "automatyczna odpowiedź", "автоматическое подтверждение", "автоматический ответ", "自动确认", "自动回复", "自動確認", "自動回覆", "自動返信", "자동 확인", "자동 회신", "otomatik yanıt")

// saysSo knows automatic answers of programs that say nothing in the header,
// by their own words. Only what answers something counts: an automatic report
// calls itself automatic, too.
func (c *classifier) saysSo() bool {
	answers := len(c.m.InReplyTo())+len(c.m.References()) > 0
	for _, p := range []string{"re:", "aw:", "sv:", "antw:", "rv:", "odp:", "回复", "答复", "回覆", "ответ:"} {
		answers = answers || strings.HasPrefix(c.subject, p)
	}
	if !answers {
		return false
	}
	t := c.text()
	found := ""
	automaticWords.Each(unquoted(t[:min(len(t), 1000)]), func(w, _ int) bool {
		found = automaticWords.words[w]
		return false
	})
	return found != "" && c.is(AutoReply, `the text says "`+found+`"`)
}

// NoAnswer says why a mail never opens a report and is never answered by a
// machine, in the order of the rule: the null sender, Auto-Submitted other
// than "no", Precedence, List-Id, or a reference to a message of ours (ours
// says of a Message-ID, without angle brackets, whether it is; nil for none).
// No such sign is no promise that a person wrote it; Classify says more.
func NoAnswer(m *Message, env Envelope, ours func(messageID string) bool) (why string, never bool) {
	c := classifier{m: m, env: env}
	if why = c.nullSender(); why != "" {
		return why, true
	}
	h := m.Header
	for _, v := range h.All("Auto-Submitted") {
		if k := keyword(v); k != "" && k != "no" {
			return "Auto-Submitted: " + oneWord(k), true
		}
	}
	for _, f := range []string{"Precedence", "X-Precedence"} {
		for _, v := range h.All(f) {
			switch k := keyword(v); k {
			case "", "normal", "first-class", "special-delivery", "high", "urgent":
			default:
				return f + ": " + oneWord(k), true
			}
		}
	}
	if h.Has("List-Id") {
		return "List-Id", true
	}
	if ours == nil {
		return "", false
	}
	if id := m.MessageID(); id != "" && ours(id) {
		return "it is a message of ours come back", true
	}
	for _, id := range append(m.InReplyTo(), m.References()...) {
		if ours(id) {
			return "it refers to a message of ours", true
		}
	}
	for i := range m.Parts {
		in := m.Parts[i].Message
		if in == nil {
			continue
		}
		if id := in.MessageID(); id != "" && ours(id) {
			return "it holds a message of ours", true
		}
	}
	return "", false
}

func oneWord(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
