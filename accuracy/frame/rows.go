package frame

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
)

// rows reads the rows of a table (RFC 4180, with any separator). A quote opens
// a value only at its start; elsewhere it is a letter like others. Where quotes
// go wrong, the row is lost and reading goes on with the next line.
type rows struct {
	br     *bufio.Reader
	sep    byte
	line   int    // of the row that is read
	after  int    // lines that are read
	back   []byte // lines that were taken for a part of a row, to be read again
	again  int64  // octets that were read again
	row    []byte
	ends   []int // of the values in vals
	vals   []byte
	fields []string
}

// maxAgain bounds what is read again, so that a file of open quotes cannot keep
// the reader busy.
const maxAgain = 64 << 20

// maxColumns bounds a row, and maxTableLines a table: empty lines are no rows.
const (
	maxColumns    = 1024
	maxTableLines = 2 * MaxRows
)

// errRow is a lost row.
type errRow struct {
	why   string
	final bool
}

func (e errRow) Error() string { return e.why }

// piece gives the next line or a part of one.
func (t *rows) piece() ([]byte, error) {
	if len(t.back) > 0 {
		b := t.back
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			b = b[:i+1]
		}
		t.back = t.back[len(b):]
		return b, nil
	}
	b, err := t.br.ReadSlice('\n')
	if err == bufio.ErrBufferFull || err == io.EOF && len(b) > 0 {
		err = nil
	}
	return b, err
}

// The states of reading a value.
const (
	atStart = iota
	inText
	inQuotes
	afterQuote
)

// next reads a row. The values are good until the next. Empty rows are passed
// over. The error is io.EOF, errRow, or of reading.
func (t *rows) next() (values []string, err error) {
	for {
		t.row, t.vals, t.ends = t.row[:0], t.vals[:0], t.ends[:0]
		t.line = t.after + 1
		state, long := atStart, false
	read:
		for {
			b, err := t.piece()
			switch {
			case err == io.EOF && len(t.row) == 0 && !long:
				return nil, io.EOF
			case err == io.EOF:
				break read
			case err != nil:
				return nil, err
			}
			if b[len(b)-1] == '\n' {
				if t.after++; t.after > maxTableLines {
					return nil, errRow{"the table has over " + strconv.Itoa(maxTableLines) + " lines", true}
				}
			}
			if len(t.row)+len(b) > MaxRow {
				long = true
			}
			if long {
				// In quotes the row may have no end: its first line is lost.
				// Else the line is read to its end.
				if state == inQuotes {
					return nil, t.lose("is over "+strconv.Itoa(MaxRow)+" octets, or a quote does not close", b)
				}
				if b[len(b)-1] == '\n' {
					break
				}
				continue
			}
			t.row = append(t.row, b...)
			var why string
			if state, why = t.take(b, state); why != "" {
				return nil, t.lose(why, nil)
			}
			if b[len(b)-1] == '\n' && state != inQuotes {
				break
			}
		}
		if long {
			return nil, errRow{why: "is over " + strconv.Itoa(MaxRow) + " octets"}
		}
		if state == inQuotes {
			return nil, t.lose("a quote does not close", nil)
		}
		if len(bytes.TrimRight(t.row, "\r\n")) == 0 {
			continue
		}
		t.end()
		if len(t.ends) > maxColumns {
			return nil, errRow{why: "has over " + strconv.Itoa(maxColumns) + " values"}
		}
		t.fields = t.fields[:0]
		from := 0
		for _, e := range t.ends {
			t.fields = append(t.fields, string(t.vals[from:e]))
			from = e
		}
		return t.fields, nil
	}
}

// end ends a value.
func (t *rows) end() {
	if len(t.ends) <= maxColumns {
		t.ends = append(t.ends, len(t.vals))
	}
}

// take reads a part of a row.
func (t *rows) take(b []byte, state int) (int, string) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if (c == '\n' || c == '\r' && i+1 < len(b) && b[i+1] == '\n') && state != inQuotes {
			continue
		}
		switch state {
		case atStart:
			switch c {
			case '"':
				state = inQuotes
			case t.sep:
				t.end()
			default:
				t.vals = append(t.vals, c)
				state = inText
			}
		case inText:
			if c == t.sep {
				t.end()
				state = atStart
				continue
			}
			t.vals = append(t.vals, c)
		case inQuotes:
			// The rest of a quoted value by the piece.
			n := bytes.IndexByte(b[i:], '"')
			if n < 0 {
				t.vals = append(t.vals, b[i:]...)
				return state, ""
			}
			t.vals = append(t.vals, b[i:i+n]...)
			i += n
			state = afterQuote
		case afterQuote:
			switch c {
			case '"':
				t.vals = append(t.vals, c)
				state = inQuotes
			case t.sep:
				t.end()
				state = atStart
			default:
				return state, "text follows on a closing quote"
			}
		}
	}
	return state, ""
}

// lose gives up the row: its first line is lost, and those behind are read
// again. more was read and is not in row.
func (t *rows) lose(why string, more []byte) error {
	first := bytes.IndexByte(t.row, '\n') + 1
	if first == 0 { // no line ends in it: the rest of the line goes, too
		first = len(t.row)
	}
	rest := make([]byte, 0, len(t.row)-first+len(more)+len(t.back))
	rest = append(append(append(rest, t.row[first:]...), more...), t.back...)
	t.back = rest
	t.after = t.line
	if t.again += int64(len(rest)); t.again > maxAgain {
		return errRow{"quotes go wrong in so many rows that the file is not read on", true}
	}
	if len(t.row) > 0 && t.row[max(first-1, 0)] != '\n' { // skip to the end of its line
		for {
			b, err := t.piece()
			if err != nil || b[len(b)-1] == '\n' {
				break
			}
		}
	}
	return errRow{why: why}
}
