// Package frame reads sampling frames: a registry's own data as it is in
// escrow (RFC 9022, in XML and in CSV), as EPP answers (RFC 5731, RFC 5733) or
// as a table of whatever columns, and the public frame, a list of names. It
// gives one Unit for each name.
//
// Whatever is read was written by others: rows, objects, values and files have
// limits, and one bad row stops nothing. An error names the file, the line and
// the field. What is wrong with one value does not lose the unit, which would
// make the rest look better than the whole: the value is left out or cut, and
// the unit says so (Flaws).
//
// In escrow and EPP a name and its contacts stand apart, in any order. They
// are joined by sorting, with what is over a bound of memory laid down in files
// that the caller gives (Spill), so that the memory does not grow with the
// frame.
package frame

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"
	"strconv"
	"strings"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
)

// Format is how a frame is written.
type Format string

// The formats.
const (
	EscrowXML Format = "escrow-xml" // RFC 8909 and RFC 9022, the XML model
	EscrowCSV Format = "escrow-csv" // the CSV model: an XML part that names CSV files
	EPP       Format = "epp"        // answers to info commands, one or many
	CSV       Format = "csv"        // a table, with a Mapping
	Names     Format = "names"      // a public frame: one name a line
)

// Formats are all formats.
func Formats() []Format { return []Format{EscrowXML, EscrowCSV, EPP, CSV, Names} }

// Unit is one unit of a frame: a registered name, or a contact of a frame that
// has no names.
type Unit struct {
	// ID is the name in A-labels, or the contact's handle.
	ID string
	// Registrar is who sponsors the name, as the frame identifies them (clID of
	// EPP, the column of a table); Record.Registrar has the name where it is
	// known.
	Registrar string
	Created   time.Time
	// Record is the registration; zero for Names, and with the contact as
	// registrant in a frame without names.
	Record registration.Record
	Line   int // where it stands
	// Missing are the roles whose contact the frame names and does not have:
	// they are Unparsed in the record.
	Missing []string
	// Flaws are what was wrong with single values: those are left out and
	// Unparsed in the record, or cut. At most MaxFlaws are kept.
	Flaws []*problem.Error
}

// Limits.
const (
	MaxRow    = 1 << 20     // octets of a row of a table, and of an object
	MaxValue  = 2048        // octets of a value that are kept
	MaxRows   = 500_000_000 // rows and objects of a frame
	MaxFlaws  = 16          // of a unit
	maxLine   = 4096        // octets of a line of Names
	maxLines  = 16          // of a street
	maxList   = 128         // statuses, name servers
	maxField  = 64          // octets of a word of a mapping, and of a time
	maxHandle = 255         // octets of a handle or another identifier
	maxRegs   = 100_000     // registrars
	maxDepth  = 32          // of XML
	maxNodes  = 4096        // elements of an object
)

// Source says what is read and how.
type Source struct {
	Name    string // of the file, for errors
	Format  Format
	Mapping *Mapping // of CSV
	// Files holds the files that the XML part of EscrowCSV names.
	Files fs.FS
	// Memory is how many octets a join may hold, about; DefaultMemory when 0.
	Memory int
	// Spill makes a file for what is over Memory; without it a frame that does
	// not fit is refused.
	Spill Spill
	// MaxSpill bounds what is laid down, in octets; DefaultMaxSpill when 0.
	MaxSpill int64
}

// fatal is an error after which nothing more is read.
type fatal struct{ err *problem.Error }

func (f fatal) Error() string { return f.err.Error() }
func (f fatal) Unwrap() error { return f.err }

// Fatal says whether err ended the reading. Any other error of Read is about
// one row.
func Fatal(err error) bool {
	var f fatal
	return errors.As(err, &f)
}

// reader is a run of Read.
type reader struct {
	src   Source
	file  string // the file that is read now
	yield func(Unit, error) bool
	done  bool // yield wants no more
	rows  int
	given *seen // of a table
}

// at names a place.
func (r *reader) at(line int, field string) place { return place{r.file, line, field} }

// bad tells of a row.
func (r *reader) bad(line int, field, format string, args ...any) {
	if !r.done && !r.yield(Unit{Line: line}, problem.BadField(r.at(line, field).String(), format, args...)) {
		r.done = true
	}
}

// stop tells of what ends the reading.
func (r *reader) stop(err *problem.Error) {
	if !r.done {
		r.yield(Unit{}, fatal{err})
		r.done = true
	}
}

func (r *reader) stopAt(line int, format string, args ...any) {
	r.stop(problem.BadField(r.at(line, "").String(), format, args...))
}

func (r *reader) give(u Unit) {
	if !r.done && !r.yield(u, nil) {
		r.done = true
	}
}

// count counts a row; false when there are too many.
func (r *reader) count() bool {
	if r.rows++; r.rows > MaxRows {
		r.stop(problem.New(problem.TooLarge, "%s: over %d rows", r.file, MaxRows))
	}
	return !r.done
}

// ioError tells that reading failed.
func (r *reader) ioError(err error) {
	r.stop(problem.Wrap(err, problem.Unavailable, "%s cannot be read to its end", r.file))
}

// Read reads a frame. Of EscrowXML, EscrowCSV and EPP all is read before the
// first unit comes, and the units come in the order of their IDs; of the others
// they come as they stand. An error is about one row, and its Unit has the line
// alone; reading goes on, unless the error is Fatal. Two rows of one name are
// one unit and an error; in a list of Names they come as they stand, and in a table
// so do those beyond what Memory holds, which an error tells. A sequence is good
// for one use.
func Read(src Source, in io.Reader) iter.Seq2[Unit, error] {
	return func(yield func(Unit, error) bool) {
		r := &reader{src: src, file: src.Name, yield: yield}
		if r.file == "" {
			r.file = string(src.Format)
		}
		switch src.Format {
		case Names:
			r.names(in)
		case CSV:
			if src.Mapping == nil {
				r.stop(problem.BadField("mapping", "is needed to read a table"))
				return
			}
			r.table(in, src.Mapping)
		case EPP, EscrowXML, EscrowCSV:
			r.joined(in)
		default:
			r.stop(problem.BadField("format", "%q is none of %s", clip(string(src.Format)), words(Formats())))
		}
	}
}

// words is a list in one line.
func words[T ~string](in []T) string {
	var b strings.Builder
	for i, s := range in {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

// clip cuts and cleans what an error shows of a file.
func clip(s string) string {
	if len(s) > 256 {
		s = s[:256]
	}
	if s = registration.CleanText(s); len([]rune(s)) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return s
}

// names reads a public frame: one name a line; "#" begins a comment, and what
// follows white space is not read.
func (r *reader) names(in io.Reader) {
	br := bufio.NewReaderSize(in, maxLine)
	for line := 1; !r.done; line++ {
		raw, long, err := readLine(br)
		if err != nil && err != io.EOF {
			r.ioError(err)
			return
		}
		if line == 1 {
			raw = bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF"))
		}
		if i := bytes.IndexByte(raw, '#'); i >= 0 {
			raw = raw[:i]
		}
		word, _, _ := bytes.Cut(bytes.TrimLeft(raw, " \t\r\n"), []byte(" "))
		word, _, _ = bytes.Cut(word, []byte("\t"))
		switch word = bytes.TrimRight(word, "\r\n"); {
		case len(word) == 0:
		case !r.count():
		case long && len(word) > 1024:
			r.bad(line, "domain", "is over 1024 octets")
		default:
			if d, err := name.Parse(string(word)); err != nil {
				r.bad(line, "domain", "%s", reason(err))
			} else {
				r.give(Unit{ID: d.String(), Line: line})
			}
		}
		if err == io.EOF {
			return
		}
	}
}

// reason is what package name says of a value, without the value: where a
// mapping is wrong that may be anybody's data, and errors are kept in logs.
func reason(err error) string {
	var e *problem.Error
	if !errors.As(err, &e) {
		return "cannot be read"
	}
	if q, err := strconv.QuotedPrefix(e.Detail); err == nil {
		return strings.TrimSpace(strings.TrimPrefix(e.Detail[len(q):], "…"))
	}
	return e.Detail
}

// readLine reads a line of which at most the size of the buffer is kept.
func readLine(br *bufio.Reader) (line []byte, long bool, err error) {
	line, err = br.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return line, false, err
	}
	line = bytes.Clone(line)
	for err == bufio.ErrBufferFull {
		_, err = br.ReadSlice('\n')
	}
	return line, true, err
}

// SniffSize is how much of a file Sniff should be shown.
const SniffSize = 4096

// Sniff guesses the format from a file's first octets and its name. A file of
// records or of one server's answer, as other commands read them, is none.
func Sniff(head []byte, filename string) (Format, bool) {
	head = bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF"))
	text := bytes.TrimLeft(head, " \t\r\n")
	ext := strings.ToLower(path.Ext(filename))
	if len(text) == 0 {
		return "", false
	}
	has := func(s string) bool { return bytes.Contains(text, []byte(s)) }
	if text[0] == '<' {
		switch {
		case has("urn:ietf:params:xml:ns:rdeCsv-"), has("urn:ietf:params:xml:ns:csvDomain-"):
			return EscrowCSV, true
		case has("urn:ietf:params:xml:ns:rde-"):
			return EscrowXML, true
		case has("urn:ietf:params:xml:ns:epp-1.0"), has("urn:ietf:params:xml:ns:domain-1.0"), has("urn:ietf:params:xml:ns:contact-1.0"):
			return EPP, true
		}
		return "", false
	}
	if text[0] == '{' || text[0] == '[' {
		return "", false // records, or one answer
	}
	if ext == ".csv" || ext == ".tsv" {
		return CSV, true
	}
	// Names: the first is one, most of the first lines are, and none holds more.
	n, bad := 0, 0
	for line := range strings.Lines(string(text)) {
		whole := strings.HasSuffix(line, "\n")
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if !whole && n > 0 {
			break // cut off
		}
		line, _, _ = strings.Cut(line, "#")
		line, _, _ = strings.Cut(line, "\t")
		if line = strings.TrimSpace(line); strings.ContainsAny(line, " :;,\"") {
			return "", false
		}
		if _, err := name.Parse(line); err != nil {
			bad++
		} else {
			n++
		}
		if n+bad == 20 || bad > n {
			break
		}
	}
	if n <= bad {
		return "", false
	}
	return Names, true
}
