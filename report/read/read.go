// Package read picks the decoder for a report by its content. The list of
// decoders is in this file and nowhere else: those of JSON texts below, and
// for mails the two of Mail.
package read

import (
	"bytes"
	"strings"

	"bailiwick/mail"
	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/arf"
	"bailiwick/report/internal/jsontree"
	"bailiwick/report/message"
	"bailiwick/report/native"
	"bailiwick/report/xarf"
)

// decoder is one format of JSON that is read.
type decoder struct {
	format string
	is     func(*jsontree.Document) bool
	read   func(*jsontree.Document) (report.Report, []report.Finding, error)
}

// decoders are asked in this order; the first that knows its format reads it.
var decoders = [...]decoder{
	{xarf.Format4, xarf.IsV4, xarf.V4},
	{xarf.Format3, xarf.IsV3, xarf.V3},
	{native.Format, native.Is, native.Tree},
}

// Report reads a report of any supported format. declared is a format name
// ("xarf4", "xarf3", "json", "arf", "mail") or the media type "message/rfc822"
// that overrules the content, or anything else, such as another media type, or
// nothing, which does not.
//
// The report is returned with an error too, as far as it was read: its Format
// says which format it was taken for, "" for none. An error is Invalid or
// TooLarge and names fields; findings are warnings to the reporter.
func Report(raw []byte, declared string) (report.Report, []report.Finding, error) {
	declared = strings.ToLower(strings.TrimSpace(declared))
	if isMail(raw, declared) {
		m, err := mail.Read(raw)
		if err != nil {
			return report.Report{Format: message.Format}, nil, err
		}
		return Mail(&m)
	}
	d, err := jsontree.Parse(raw)
	if err != nil {
		return report.Report{}, nil, err
	}
	for _, dec := range decoders {
		if dec.format == declared {
			return dec.read(d)
		}
	}
	for _, dec := range decoders {
		if dec.is(d) {
			return dec.read(d)
		}
	}
	return report.Report{}, nil, problem.New(problem.Invalid,
		"this is no report of a format that is known: XARF v4 has xarf_version, XARF v3 has ReporterInfo and Report, our own has type, a mail has a header")
}

// Mail reads a mail as a report: a feedback report (ARF), or one that a person
// wrote. The errors are those of arf.Read and message.Read.
func Mail(m *mail.Message) (report.Report, []report.Finding, error) {
	if arf.Is(m) {
		r, _, findings, err := arf.Read(m)
		return r, findings, err
	}
	return message.Read(m)
}

// isMail says whether raw is to be read as a mail: it is declared one, or its
// first lines are header fields of which mails have two.
func isMail(raw []byte, declared string) bool {
	switch declared {
	case arf.Format, message.Format, "message/rfc822", "message/global":
		return true
	case xarf.Format4, xarf.Format3, native.Format:
		return false
	}
	b := bytes.TrimLeft(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), "\r\n")
	if len(b) == 0 || b[0] == '{' || b[0] == '[' || b[0] == '<' || b[0] == '"' {
		return false
	}
	if len(b) > 16<<10 {
		b = b[:16<<10]
	}
	known := 0
	for n := 0; n < 200 && len(b) > 0; n++ {
		line := b
		if i := bytes.IndexAny(b, "\r\n"); i >= 0 {
			line, b = b[:i], b[i+1:]
			b = bytes.TrimPrefix(b, []byte("\n"))
		} else {
			b = nil
		}
		if len(line) == 0 {
			break
		}
		i := bytes.IndexByte(line, ':')
		switch {
		case line[0] == ' ' || line[0] == '\t':
		case i > 0 && i < 60 && mailFields[strings.ToLower(string(bytes.TrimSpace(line[:i])))]:
			if known++; known == 2 {
				return true
			}
		case i <= 0 && n > 0:
			return false
		}
	}
	return false
}

var mailFields = map[string]bool{"from": true, "to": true, "subject": true, "date": true, "message-id": true, "received": true, "return-path": true, "mime-version": true,
	"content-type": true, "delivered-to": true, "x-original-to": true, "reply-to": true, "sender": true, "dkim-signature": true, "content-transfer-encoding": true, "authentication-results": true,
	"x-apparently-to": true, "arc-seal": true, "envelope-to": true, "delivery-date": true, "cc": true, "auto-submitted": true}
