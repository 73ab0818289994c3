package message

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"bailiwick/mail"
)

// benchMails are mails of about 5,000 octets (mean), as a desk gets them: plain
// and HTML, with a forwarded mail, with one attached, with an attached list.
func benchMails() [][]byte {
	filler := strings.Repeat("This page copies the sign-in page of our bank and asks for the card number and the code.\r\n", 18)
	head := "Received: from mx.reporter.example (mx.reporter.example [192.0.2.3])\r\n\tby mx.registrar.example with ESMTPS id 4711;\r\n\tMon, 2 Nov 2026 08:15:31 +0000\r\n" +
		"DKIM-Signature: v=1; a=rsa-sha256; d=reporter.example; s=s1; h=from:to:subject;\r\n\tbh=" + strings.Repeat("A", 43) + "=;\r\n\tb=" + strings.Repeat("B", 340) + "\r\n" +
		"From: =?utf-8?Q?Rita_R=C3=A9porter?= <rita@reporter.example>\r\nTo: abuse@registrar.example\r\nDate: Mon, 2 Nov 2026 08:15:30 +0000\r\nMessage-ID: <%d@reporter.example>\r\nSubject: Phishing report %d\r\nMIME-Version: 1.0\r\n"
	var out [][]byte
	for i := range 60 {
		h := fmt.Sprintf(head, i, i)
		own := fmt.Sprintf("Hello,\r\n\r\nplease act on hxxps://login-%d[.]evil[.]example/a/b.php?id=%d which is phishing.\r\n\r\n", i, i)
		var b bytes.Buffer
		b.WriteString(h)
		switch i % 4 {
		case 0:
			b.WriteString("Content-Type: text/plain; charset=utf-8\r\n\r\n" + own + filler + filler + filler + "\r\n-- \r\nRita\r\nhttps://www.reporter.example/\r\n")
		case 1:
			b.WriteString("Content-Type: multipart/alternative; boundary=\"bb\"\r\n\r\n--bb\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + own + filler +
				"\r\n--bb\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<html><body><p>" + strings.ReplaceAll(own, "=", "=3D") + "</p>" +
				strings.Repeat("<div style=3D\"margin:0\"><a href=3D\"https://www.bank.example/x\">This page copies=\r\n the sign-in page</a></div>\r\n", 12) + "</body></html>\r\n--bb--\r\n")
		case 2:
			b.WriteString("Content-Type: multipart/mixed; boundary=\"bb\"\r\n\r\n--bb\r\nContent-Type: text/plain\r\n\r\nSee attached.\r\n--bb\r\nContent-Type: message/rfc822\r\n\r\n" +
				h + "Content-Type: text/html\r\n\r\n<p>Dear customer</p><a href=\"https://evil.example/x\">here</a>" + filler + filler + "\r\n--bb--\r\n")
		case 3:
			b.WriteString("Content-Type: multipart/mixed; boundary=\"bb\"\r\n\r\n--bb\r\nContent-Type: text/plain\r\n\r\n" + own + filler + "\r\n--bb\r\nContent-Type: text/plain; name=\"urls.txt\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
				strings.Repeat("aHR0cDovL2EuZXZpbC5leGFtcGxlL2EvYi9jLnBocD94PTEyMzQ1Njc4OTAK\r\n", 30) + "\r\n--bb--\r\n")
		}
		out = append(out, b.Bytes())
	}
	return out
}

// BenchmarkMail is the whole way from the bytes of a mail to the report.
func BenchmarkMail(b *testing.B) {
	mails := benchMails()
	total := 0
	for _, m := range mails {
		total += len(m)
	}
	b.SetBytes(int64(total / len(mails)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		m, err := mail.Read(mails[n%len(mails)])
		if err != nil {
			b.Fatal(err)
		}
		if r, _, err := Read(&m); err != nil || len(r.URLs) == 0 {
			b.Fatal(err, n%len(mails))
		}
		n++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	b.ReportMetric(float64(total)/float64(len(mails)), "octets/mail")
}

func BenchmarkRead(b *testing.B) {
	mails := benchMails()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if _, err := mail.Read(mails[n%len(mails)]); err != nil {
			b.Fatal(err)
		}
		n++
	}
}
