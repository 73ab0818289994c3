package evidence

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"
)

// The values of Page.Kind.
const (
	KindHTML       = "html"
	KindExecutable = "executable"
	KindArchive    = "archive"
	KindScript     = "script"
	KindDocument   = "document"
	KindImage      = "image"
	KindText       = "text"
	KindEmpty      = "empty"
	KindOther      = "other"
)

// sniffed is how many octets of a body are looked at to tell its kind.
const sniffed = 1024

// magic is what files of a kind begin with. The first match counts.
var magic = []struct {
	at    int
	bytes string
	kind  string
}{
	{0, "\x7fELF", KindExecutable},
	{0, "\xfe\xed\xfa\xce", KindExecutable},                 // Mach-O, 32 bit, big endian
	{0, "\xfe\xed\xfa\xcf", KindExecutable},                 // Mach-O, 64 bit, big endian
	{0, "\xce\xfa\xed\xfe", KindExecutable},                 // Mach-O, 32 bit, little endian
	{0, "\xcf\xfa\xed\xfe", KindExecutable},                 // Mach-O, 64 bit, little endian
	{0, "\xca\xfe\xba\xbe", KindExecutable},                 // Mach-O for several machines, or a Java class
	{0, "dex\n", KindExecutable},                            // Android byte code
	{0, "\x4c\x00\x00\x00\x01\x14\x02\x00", KindExecutable}, // Windows shortcut
	{0, "Rar!\x1a\x07", KindArchive},
	{0, "7z\xbc\xaf\x27\x1c", KindArchive},
	{0, "\x1f\x8b", KindArchive},
	{0, "BZh", KindArchive},
	{0, "\xfd7zXZ\x00", KindArchive},
	{0, "\x28\xb5\x2f\xfd", KindArchive},
	{0, "MSCF\x00\x00\x00\x00", KindArchive},
	{257, "ustar", KindArchive},
	{0, "%PDF-", KindDocument},
	{0, "{\\rtf", KindDocument},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", KindDocument},
	{0, "#!", KindScript},
	{0, "\x89PNG\r\n\x1a\n", KindImage},
	{0, "\xff\xd8\xff", KindImage},
	{0, "GIF87a", KindImage},
	{0, "GIF89a", KindImage},
	{0, "\x00\x00\x01\x00", KindImage}, // Windows icon
}

// eicarHead is how the EICAR test file begins: enough to know it by, and too
// little to set off a scanner that reads this program.
const eicarHead = `X5O!P%@AP[4\PZX54(P^)7CC)7}$`

// htmlMarks are what a page begins with, or has near its beginning
// (after the WHATWG MIME sniffing standard, section 7.1).
var htmlMarks = []string{"<!doctype html", "<html", "<head", "<body", "<script", "<title", "<form", "<meta",
	"<iframe", "<table", "<div", "<style", "<h1", "<font", "<br", "<p>", "<a href", "<center"}

// kindOf tells what body is: by its content, and by the declared type only
// where the content leaves it open.
func kindOf(body []byte, contentType string) string {
	if len(bytes.TrimSpace(body)) == 0 {
		return KindEmpty
	}
	head := body[:min(len(body), sniffed)]
	switch {
	case isPE(body), bytes.HasPrefix(head, []byte(eicarHead)):
		return KindExecutable
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return zipKind(body)
	case bytes.HasPrefix(head, []byte("RIFF")) && len(head) > 12 && string(head[8:12]) == "WEBP":
		return KindImage
	}
	for _, m := range magic {
		if len(head) > m.at && bytes.HasPrefix(head[m.at:], []byte(m.bytes)) {
			return m.kind
		}
	}
	declared, _, err := mime.ParseMediaType(contentType)
	if err != nil { // a broken parameter does not hide the type
		declared, _, _ = strings.Cut(contentType, ";")
		declared = strings.ToLower(strings.TrimSpace(declared))
	}
	wide := bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff"))
	binary := !wide && bytes.IndexByte(head, 0) >= 0
	if binary {
		return KindOther
	}
	lower := strings.ToLower(string(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")))
	if strings.HasPrefix(lower, "<svg") || strings.HasPrefix(lower, "<?xml") && strings.Contains(lower, "<svg") {
		return KindImage
	}
	switch declared {
	case "text/html", "application/xhtml+xml":
		return KindHTML
	case "text/javascript", "application/javascript", "application/x-javascript", "text/vbscript",
		"application/x-sh", "application/x-powershell", "application/hta", "application/x-bat":
		return KindScript
	}
	for _, m := range htmlMarks {
		if strings.Contains(lower, m) {
			return KindHTML
		}
	}
	if wide || mostlyText(head) {
		return KindText
	}
	return KindOther
}

// isPE says whether body is a DOS or Windows program. "MZ" alone also begins
// words, so the rest of the header must look binary.
func isPE(body []byte) bool {
	return len(body) >= 64 && body[0] == 'M' && body[1] == 'Z' && bytes.IndexByte(body[2:64], 0) >= 0
}

// zipKind tells programs and office documents from plain archives by the file
// names in the archive. The names are in clear at the start of each member.
func zipKind(body []byte) string {
	for _, n := range []string{"AndroidManifest.xml", "classes.dex", "META-INF/MANIFEST.MF"} {
		if bytes.Contains(body, []byte(n)) {
			return KindExecutable
		}
	}
	if bytes.Contains(body, []byte("[Content_Types].xml")) || bytes.Contains(body, []byte("mimetypeapplication/vnd.oasis")) {
		return KindDocument
	}
	return KindArchive
}

// mostlyText says whether b reads as text: no more than a few control
// characters, and valid UTF-8 or a single-byte character set.
func mostlyText(b []byte) bool {
	odd := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' || r == 0x7f {
			odd++
		}
		i += n
	}
	return odd*50 <= len(b)
}
