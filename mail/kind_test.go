package mail

import (
	"strings"
	"testing"
	"time"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		name, header, body string
		kind               Kind
		system, ticket     string
	}{
		{"person", "Subject: your report", "We have removed the page and closed the account. Thanks for telling us.", Person, "", ""},
		{"person who received it", "Subject: Re: your report\nIn-Reply-To: <1@c.example>", "Hi, I received your report and removed the page this morning.\nAnna", Person, "", ""},
		{"person on vacation rental", "Subject: Phishing on vacation-rental.example", "Please look at it.", Person, "", ""},
		{"person about holidays", "Subject: Urlaubsbetrug auf evil.example", "Bitte ansehen.", Person, "", ""},
		{"person about absence", "Subject: Vacation rental fraud", "x", Person, "", ""},
		{"prefix", "Subject: Abwesend bis Montag", "x", AutoReply, "", ""},
		{"ooo", "Subject: OOO: Re: case", "x", AutoReply, "", ""},
		{"person about a bounce", "Subject: Re: failure notice\nIn-Reply-To: <1@c.example>", "Your mail could not be delivered yesterday, use this address.", Person, "", ""},
		{"auto-submitted no", "Subject: x\nAuto-Submitted: no", "text", Person, "", ""},
		{"person through RT", "Subject: [host.example #4711] abuse\nRT-Ticket: host.example #4711\nPrecedence: bulk\nX-RT-Loop-Prevention: host.example", "The customer was suspended.\nAnna", Person, "RT", "4711"},
		{"vacation", "Subject: Re: case\nAuto-Submitted: auto-replied (vacation)", "I will be back on Monday.", AutoReply, "", ""},
		{"outlook", "Subject: Automatic reply: case\nX-Auto-Response-Suppress: All\nAuto-Submitted: auto-generated", "I am out of the office.", AutoReply, "", ""},
		{"precedence", "Subject: away\nPrecedence: auto_reply", "gone", AutoReply, "", ""},
		{"x-autoreply", "Subject: case\nX-Autoreply: yes", "gone", AutoReply, "", ""},
		{"german", "Subject: Automatische Antwort: Fall", "Ich bin nicht da.", AutoReply, "", ""},
		{"german abwesenheit", "Subject: =?utf-8?Q?Abwesenheitsnotiz?=", "Ich bin nicht da.", AutoReply, "", ""},
		{"french", "Subject: =?utf-8?Q?R=C3=A9ponse_automatique?= : cas", "Absent.", AutoReply, "", ""},
		{"japanese", "Subject: =?utf-8?B?6Ieq5YuV5b+c562U?=", "x", AutoReply, "", ""},
		{"russian", "Subject: =?utf-8?B?0JDQstGC0L7QvtGC0LLQtdGC?=: x", "x", AutoReply, "", ""},
		{"generated", "Subject: nightly\nAuto-Submitted: auto-generated", "All is well.", Generated, "", ""},
		{"rt ack", "Subject: [host.example #4711] AutoReply: abuse\nRT-Ticket: host.example #4711\nAuto-Submitted: auto-replied", "Your ticket has been created.", Ticket, "RT", "4711"},
		{"otrs ack", "Subject: [Ticket#2026110210000017] RE: abuse\nX-OTRS-Loop: yes\nAuto-Submitted: auto-replied\nPrecedence: bulk", "Thank you for contacting us.", Ticket, "OTRS", "2026110210000017"},
		{"zammad ack", "Subject: [Ticket#12345] abuse\nX-Mailer: Zammad Mail Service\nAuto-Submitted: auto-replied", "We have received your request.", Ticket, "Zammad", "12345"},
		{"zendesk ack", "Subject: [Request received] abuse\nMessage-ID: <ABC_sprut@zendesk.com>\nAuto-Submitted: auto-generated", "##- Please type your reply above this line -##\nYour request (4711) has been received.", Ticket, "Zendesk", ""},
		{"freshdesk ack", "Subject: Ticket Received - abuse\nX-Freshdesk-Ticket-Id: 99887", "We would like to acknowledge that we have received your request and a ticket has been created.", Ticket, "Freshdesk", "99887"},
		{"osticket ack by form", "Subject: Support ticket opened [#123456]\nFrom: support@host.example", "A request for support has been created and assigned ticket number 123456. Your ticket has been received. Do not reply.", Ticket, "", "123456"},
		{"ack from noreply", "Subject: We have received your report\nFrom: noreply@host.example", "Thank you for your report. This is an automated message.", Ticket, "", ""},
		{"jira ack", "Subject: ABUSE-1234 your request\nX-JIRA-FingerPrint: abc\nAuto-Submitted: auto-generated", "Reply above this line.", Ticket, "Jira", ""},
		{"german ack", "Subject: Ihre Anfrage [#998877]", "Wir haben Ihre Anfrage erhalten. Ticketnummer 998877. Diese Nachricht wurde automatisch generiert.", Ticket, "", "998877"},
		{"list", "Subject: x\nList-Id: <a.list.example>", "x", List, "", ""},
		{"bulk", "Subject: x\nPrecedence: bulk", "x", List, "", ""},
		{"calendar", "Subject: Accepted: meeting\nContent-Type: text/calendar; method=REPLY", "BEGIN:VCALENDAR", Calendar, "", ""},
		{"read receipt", "Subject: Read: x\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b", "--b\nContent-Type: message/disposition-notification\n\nDisposition: x\n--b--", Receipt, "", ""},
		{"feedback", "Subject: x\nContent-Type: multipart/report; report-type=feedback-report; boundary=b", "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--b--", Feedback, "", ""},
		{"bounce", "Subject: x\nContent-Type: multipart/report; report-type=delivery-status; boundary=b", "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n--b--", Failed, "", ""},
		{"delay", "Subject: x\nContent-Type: multipart/report; report-type=delivery-status; boundary=b", "--b\nContent-Type: message/delivery-status\n\nAction: Delayed\n--b--", Delayed, "", ""},
		{"delivered", "Subject: x\nContent-Type: multipart/report; report-type=delivery-status; boundary=b", "--b\nContent-Type: message/delivery-status\n\nAction: relayed\n--b--", Delivered, "", ""},
		{"loose bounce", "From: MAILER-DAEMON@mx.example\nSubject: Undeliverable: case", "a@b.example: no", Failed, "", ""},
		{"loose delay", "From: MAILER-DAEMON@mx.example\nSubject: Warning: could not send message for past 4 hours", "Will be retried. You do not need to resend.", Delayed, "", ""},
		{"null sender's auto-reply", "Return-Path: <>\nSubject: Out of Office: undeliverable", "x", AutoReply, "", ""},
	} {
		h := c.header
		if !strings.Contains(h, "From:") {
			h = "From: anna@host.example\n" + h
		}
		m := read(t, h+"\n\n"+c.body)
		got := Classify(&m, Envelope{})
		if got.Kind != c.kind || got.System != c.system || got.Ticket != c.ticket || len(got.Reasons) == 0 {
			t.Errorf("%s: %+v, want %s %q %q", c.name, got, c.kind, c.system, c.ticket)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	from := Envelope{At: at, From: "a@b.example", To: []string{"c@d.example"}}
	ours := func(id string) bool { return strings.HasSuffix(id, "@centre.example") }
	for _, c := range []struct {
		header string
		env    Envelope
		want   string
	}{
		{"Subject: hello", from, ""},
		{"Subject: hello", Envelope{At: at, To: []string{"c@d.example"}}, "the null sender"},
		{"Return-Path: <>", Envelope{}, "the null sender (Return-Path)"},
		{"Return-Path: <>", from, ""},
		{"Auto-Submitted: auto-replied", from, "Auto-Submitted: auto-replied"},
		{"Auto-Submitted: no\nAuto-Submitted: auto-notified; x=y", from, "Auto-Submitted: auto-notified"},
		{"Auto-Submitted: no", from, ""},
		{"Auto-Submitted: No (really)", from, ""},
		{"Precedence: bulk", from, "Precedence: bulk"},
		{"Precedence: list", from, "Precedence: list"},
		{"Precedence: auto_reply", from, "Precedence: auto_reply"},
		{"Precedence: normal", from, ""},
		{"List-Id: x", from, "List-Id"},
		{"In-Reply-To: <1@centre.example>", from, "it refers to a message of ours"},
		{"References: <1@x.example>\n <2@centre.example>", from, "it refers to a message of ours"},
		{"References: <1@x.example>", from, ""},
		{"Message-ID: <1@centre.example>", from, "it is a message of ours come back"},
		{"Content-Type: message/rfc822\n\nFrom: x@centre.example\nMessage-ID: <1@centre.example>", from, "it holds a message of ours"},
	} {
		m := read(t, "From: a@b.example\n"+c.header+"\n\ntext")
		got, never := NoAnswer(&m, c.env, ours)
		if got != c.want || never != (c.want != "") {
			t.Errorf("%q: %q %v, want %q", c.header, got, never, c.want)
		}
	}
	m := read(t, "From: a@b.example\nIn-Reply-To: <1@centre.example>\n\ntext")
	if why, never := NoAnswer(&m, from, nil); never {
		t.Error(why)
	}
}

func TestTicketNumber(t *testing.T) {
	for subject, want := range map[string]string{
		"[host.example #4711] abuse":          "4711",
		"Re: [Ticket#2026110210000017] abuse": "2026110210000017",
		"[#ABC-123-45678]: your report":       "ABC-123-45678",
		"Ticket ID: 4711 received":            "4711",
		"(DESK-12) answer":                    "DESK-12",
		"[## 99123 ##] report":                "99123",
		"Case 00123456: abuse":                "00123456",
		"#88123 closed":                       "88123",
		"Your report about evil.example":      "",
		"Phishing [urgent] on site":           "",
		"In any case, 3 pages":                "",
		"":                                    "",
		"Windows (R) 10 (2026)":               "",
		"Anfrage Nr. 55512":                   "55512",
	} {
		if got := TicketNumber(subject); got != want {
			t.Errorf("%q: %q, want %q", subject, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	w := NewWords("abc", "abcd", "bcd", "xyz", "ab")
	n := map[string]int{}
	w.Each("abcd abc xyzxyz ab", func(word, at int) bool {
		n[w.words[word]]++
		return true
	})
	if n["abc"] != 2 || n["abcd"] != 1 || n["bcd"] != 1 || n["xyz"] != 2 || n["ab"] != 0 {
		t.Error(n)
	}
	if w.In("..xyz abc") != "xyz" || w.In("none") != "" || w.In("") != "" {
		t.Error("In")
	}
}
