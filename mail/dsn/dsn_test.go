package dsn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiwick/mail"
	"bailiwick/problem"
)

// standard is a report with fields; %s is the fields of the recipients.
const standard = `From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: desk@centre.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Original-Envelope-Id: env-1
Arrival-Date: Mon, 2 Nov 2026 08:15:30 +0000

%s
--b
Content-Type: message/rfc822

From: desk@centre.example
To: abuse@host.example
Message-ID: <ask-1@centre.example>
Subject: a case

text
--b--
`

func fields(action, status, diagnostic string) string {
	return fmt.Sprintf("Final-Recipient: rfc822; abuse@host.example\nAction: %s\nStatus: %s\nRemote-MTA: dns; in.host.example\nDiagnostic-Code: smtp; %s\n", action, status, diagnostic)
}

// loose is a report without fields.
func loose(from, subject, body string) string {
	return "Return-Path: <>\nFrom: " + from + "\nTo: desk@centre.example\nSubject: " + subject + "\nDate: Mon, 2 Nov 2026 08:15:30 +0000\n\n" + body
}

const copyBelow = "\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <desk@centre.example>\nFrom: desk@centre.example\nTo: abuse@host.example\nMessage-ID: <ask-1@centre.example>\nSubject: a case\n\ntext\n"

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		action    Action
		status    string
		class     Class
		permanent bool
	}{
		{"unknown user", fmt.Sprintf(standard, fields("failed", "5.1.1", "550 5.1.1 <abuse@host.example>: Recipient address rejected: User unknown")), Failed, "5.1.1", UnknownUser, true},
		{"vague status, telling text", fmt.Sprintf(standard, fields("failed", "5.0.0", "550 5.2.2 mailbox full")), Failed, "5.2.2", MailboxFull, false},
		{"full", fmt.Sprintf(standard, fields("failed", "5.2.2", "552 5.2.2 Over quota")), Failed, "5.2.2", MailboxFull, false},
		{"delayed", fmt.Sprintf(standard, fields("delayed", "4.4.1", "connect to in.host.example[192.0.2.9]:25: Connection timed out")), Delayed, "4.4.1", Network, false},
		{"spam", fmt.Sprintf(standard, fields("failed", "5.7.1", "550 5.7.1 Message rejected as spam by content filter")), Failed, "5.7.1", Spam, true},
		{"blocklist", fmt.Sprintf(standard, fields("failed", "5.7.1", "554 5.7.1 Service unavailable; client [192.0.2.1] blocked using list.example")), Failed, "5.7.1", Policy, true},
		{"dmarc", fmt.Sprintf(standard, fields("failed", "5.7.26", "550-5.7.26 This mail is unauthenticated, DMARC failed")), Failed, "5.7.26", Auth, true},
		{"host", fmt.Sprintf(standard, fields("failed", "5.4.4", "Host or domain name not found. Name service error for name=host.example")), Failed, "5.4.4", UnknownHost, true},
		{"null MX", fmt.Sprintf(standard, fields("failed", "5.1.0", "Domain host.example does not accept mail (nullMX)")), Failed, "5.1.0", UnknownHost, true},
		{"rate", fmt.Sprintf(standard, fields("failed", "4.7.0", "421 4.7.0 Too many connections, try again later")), Failed, "4.7.0", Rate, false},
		{"disabled", fmt.Sprintf(standard, fields("failed", "5.2.1", "550 5.2.1 The email account that you tried to reach is disabled")), Failed, "5.2.1", Inactive, true},
		{"too big", fmt.Sprintf(standard, fields("failed", "5.3.4", "552 5.3.4 Message size exceeds fixed limit")), Failed, "5.3.4", TooBig, true},
		{"loop", fmt.Sprintf(standard, fields("failed", "5.4.6", "554 5.4.6 Too many hops")), Failed, "5.4.6", Loop, true},
		{"form", fmt.Sprintf(standard, fields("failed", "5.7.1", "550 5.7.1 We only accept reports through our form: https://host.example/report-abuse")), Failed, "5.7.1", FormOnly, true},
		{"delivered", fmt.Sprintf(standard, fields("delivered", "2.0.0", "250 2.0.0 OK")), Delivered, "2.0.0", Other, false},
		{"relayed", fmt.Sprintf(standard, fields("relayed", "2.6.0", "250 OK")), Relayed, "2.6.0", Other, false},
		{"comment after status", fmt.Sprintf(standard, fields("Failed (gave up)", "5.1.1 (bad destination)", "550 no")), Failed, "5.1.1", UnknownUser, true},
		{"qmail", loose("MAILER-DAEMON@mx.example", "failure notice", "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<abuse@host.example>:\n192.0.2.9 does not like recipient.\nRemote host said: 550 5.1.1 <abuse@host.example>: no such user\nGiving up on 192.0.2.9."+copyBelow), Failed, "5.1.1", UnknownUser, true},
		{"exim", loose("Mail Delivery System <Mailer-Daemon@mx.example>", "Mail delivery failed: returning message to sender", "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  abuse@host.example\n    SMTP error from remote mail server after RCPT TO:<abuse@host.example>:\n    host in.host.example [192.0.2.9]: 550 5.1.1 unknown user\n\n------ This is a copy of the message, including all the headers. ------\n\nFrom: desk@centre.example\nTo: abuse@host.example\nMessage-ID: <ask-1@centre.example>\n\ntext\n"), Failed, "5.1.1", UnknownUser, true},
		{"exim delay", loose("Mail Delivery System <Mailer-Daemon@mx.example>", "Warning: message 1abc-2 delayed 24 hours", "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue.\n\nThe address to which the message has not yet been delivered is:\n\n  abuse@host.example\n    Delay reason: Connection timed out\n\nNo action is required on your part.\n"), Delayed, "4.0.0", Network, false},
		{"sendmail", loose("Mail Delivery Subsystem <MAILER-DAEMON@mx.example>", "Returned mail: User unknown", "   ----- The following addresses had permanent fatal errors -----\n<abuse@host.example>\n\n   ----- Transcript of session follows -----\n... while talking to in.host.example.:\n>>> RCPT To:<abuse@host.example>\n<<< 550 5.1.1 <abuse@host.example>... User unknown\n550 <abuse@host.example>... User unknown\n"), Failed, "5.1.1", UnknownUser, true},
		{"exchange", loose("Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@corp.example>", "Undeliverable: a case", "Delivery has failed to these recipients or groups:\n\nabuse@host.example<mailto:abuse@host.example>\nThe email address you entered couldn't be found. Please check the recipient's email address and try to resend the message.\n\nDiagnostic information for administrators:\n\nGenerating server: corp.example\n\nabuse@host.example\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n\nOriginal message headers:\n\nFrom: desk@centre.example\nTo: abuse@host.example\nMessage-ID: <ask-1@centre.example>\n"), Failed, "5.1.1", UnknownUser, true},
		{"gmail", loose("Mail Delivery Subsystem <mailer-daemon@provider.example>", "Delivery Status Notification (Failure)", "** Address not found **\n\nYour message wasn't delivered to abuse@host.example because the address couldn't be found, or is unable to receive mail.\n\nThe response from the remote server was:\n550 5.1.1 The email account that you tried to reach does not exist.\n"), Failed, "5.1.1", UnknownUser, true},
		{"courier", loose("Courier mail server <MAILER-DAEMON@mx.example>", "NOTICE: mail delivery status.", "This is a delivery status notification from mx.example,\nthe original message was undeliverable.\n\nYOUR MESSAGE COULD NOT BE DELIVERED TO:\n\n<abuse@host.example>:\n     in.host.example [192.0.2.9]:\n <<< 552 Mailbox full\n"), Failed, "5.0.0", MailboxFull, false},
		{"failed recipients header", "X-Failed-Recipients: abuse@host.example\n" + loose("Mailer-Daemon@mx.example", "Mail delivery failed", "retry timeout exceeded\n"), Failed, "", Expired, false},
	} {
		m, err := mail.Read([]byte(c.raw))
		if err != nil {
			t.Fatal(c.name, err)
		}
		r, err := Read(&m)
		if err != nil || len(r.Recipients) != 1 {
			t.Errorf("%s: %v, %+v", c.name, err, r.Recipients)
			continue
		}
		p := r.Recipients[0]
		if p.Address() != "abuse@host.example" || p.Action != c.action || p.Status != c.status || p.Class != c.class || p.Permanent != c.permanent {
			t.Errorf("%s: got %s %s %q %s permanent %v (%s)", c.name, p.Address(), p.Action, p.Status, p.Class, p.Permanent, p.Diagnostic)
		}
		if (r.Form != "") != (c.class == FormOnly) {
			t.Errorf("%s: form %q", c.name, r.Form)
		}
		if r.Standard && (r.Reporter != "mx.example" || r.EnvelopeID != "env-1" || r.OriginalID != "ask-1@centre.example" || p.Remote != "in.host.example" || r.Arrived.IsZero()) {
			t.Errorf("%s: %+v", c.name, r)
		}
		if !r.Standard && strings.Contains(c.raw, "ask-1@") && r.OriginalID != "ask-1@centre.example" {
			t.Errorf("%s: original %q", c.name, r.OriginalID)
		}
	}
}

func TestSeveral(t *testing.T) {
	m, err := mail.Read(fmt.Appendf(nil, standard, "Final-Recipient: rfc822; a@host.example\nOriginal-Recipient: rfc822;first@host.example\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; b@host.example\nAction: delayed\nStatus: 4.2.2\nWill-Retry-Until: Tue, 3 Nov 2026 08:15:30 +0000\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Read(&m)
	if err != nil || len(r.Recipients) != 2 || r.Action() != Failed || r.Recipients[0].Address() != "first@host.example" || r.Recipients[0].Final != "a@host.example" ||
		r.Recipients[1].Class != MailboxFull || r.Recipients[1].RetryUntil.IsZero() {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestRefused(t *testing.T) {
	for raw, want := range map[string]string{
		"From: a@b.example\nSubject: Hello\n\nHow are you?\n":                                                      "no delivery report",
		loose("MAILER-DAEMON@mx.example", "failure notice", "It could not be delivered, and that is all I say.\n"): "names no recipient",
	} {
		m, err := mail.Read([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		var e *problem.Error
		if _, err := Read(&m); !errors.As(err, &e) || e.Code != problem.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", raw, err, want)
		}
	}
}

func TestFormOf(t *testing.T) {
	for text, want := range map[string]string{
		"Thank you. We only accept abuse reports submitted through our web form at https://host.example/abuse/form. Mail is not read.": "https://host.example/abuse/form",
		"Please use our online form:\nhttps://host.example/report?x=1\n\nOur site is https://host.example/":                            "https://host.example/report?x=1",
		"Bitte nutzen Sie unser Kontaktformular: https://host.example/kontakt":                                                         "https://host.example/kontakt",
		"We removed the page. See https://host.example/":                                                                               "",
		"": "",
	} {
		if got := FormOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestCodes(t *testing.T) {
	for in, want := range map[string]string{"5.1.1": "5.1.1", "smtp; 550 5.7.26 x": "5.7.26", "192.5.1.1": "", "4.4.0 (other)": "4.4.0", "version 15.1.1": "", "5.1": "", "": "", "10.5.1.1": ""} {
		if got := statusCode(in); got != want {
			t.Errorf("statusCode(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"550 no": "550", "said: 421-x": "421", "#550": "550", "1550 x": "", "5503": "", "at 450ms": ""} {
		if got := replyCode(in); got != want {
			t.Errorf("replyCode(%q) = %q, want %q", in, got, want)
		}
	}
}

// corpus is where the shared corpus lies when it is there.
const corpus = "../../../shared/corpus/abuse/bounces"

func TestCorpus(t *testing.T) {
	files, _ := filepath.Glob(corpus + "/*/*.eml")
	if len(files) == 0 {
		t.Skip("the shared corpus is not here; the other tests stand without it")
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.Read(raw)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if k := mail.Classify(&m, mail.Envelope{}).Kind; !k.DeliveryReport() {
			t.Errorf("%s is taken for %s", f, k)
		}
		r, err := Read(&m)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		for _, p := range r.Recipients {
			if !strings.Contains(p.Address(), "@") || p.Status == "" || p.Class == Other {
				t.Errorf("%s: %+v", f, p)
			}
		}
	}
}

// FuzzRead: no panic, typed errors, bounds kept.
func FuzzRead(f *testing.F) {
	f.Add(fmt.Appendf(nil, standard, fields("failed", "5.1.1", "550 5.1.1 no")))
	f.Add([]byte(loose("MAILER-DAEMON@mx.example", "failure notice", "<a@b.example>:\n550 no\n"+copyBelow)))
	f.Add([]byte(loose("MAILER-DAEMON@mx.example", "Undeliverable: x", "web form https://a.example/ ") + "\nFinal-Recipient: rfc822;\nAction: x"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := mail.Read(raw)
		if err != nil {
			return
		}
		r, err := Read(&m)
		var e *problem.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("untyped error %v", err)
		}
		if err == nil && len(r.Recipients) == 0 || len(r.Recipients) > maxRecipients {
			t.Fatalf("%d recipients", len(r.Recipients))
		}
		for _, p := range r.Recipients {
			if p.Action == "" && err == nil || len(p.Diagnostic) > maxDiagnostic || len(p.Final) > 320 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
