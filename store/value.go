package store

import (
	"database/sql"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"bailiwick/problem"
)

// clean makes text from outside storable: PostgreSQL takes neither NUL nor
// bytes that are not UTF-8, and SQLite must not keep what PostgreSQL would
// refuse. Each bad run becomes U+FFFD.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// micros is a time as stored: microseconds since 1970, NULL for the zero time.
func micros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := t.UnixMicro()
	return &us
}

// instant is a time that must be there.
func instant(t time.Time) int64 { return t.UnixMicro() }

// fromMicros is the way back.
func fromMicros(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return time.UnixMicro(v.Int64).UTC()
}

// digest reads 64 hex digits; "" is nil.
func digest(field, s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return nil, problem.BadField(field, "must be a SHA-256 in 64 hex digits")
	}
	return b, nil
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// values writes the placeholders of n rows of k columns, from $1.
func values(n, k int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for j := range k {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(i*k + j + 1))
		}
		b.WriteByte(')')
	}
	return b.String()
}

// in writes "$from,$from+1,…" for n values.
func in(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
	}
	return b.String()
}

// anys makes arguments of values.
func anys[T any](vs []T) []any {
	out := make([]any, len(vs))
	for i, v := range vs {
		out[i] = v
	}
	return out
}
