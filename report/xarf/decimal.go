package xarf

import (
	"bytes"
	"cmp"
)

// decimal is a JSON number kept exactly: 0.d1d2d3… times ten to the point, so
// that 1e400 and 65535.00000000000001 are compared as what they are, at no
// more cost than their length.
type decimal struct {
	neg    bool
	digits []byte // without leading and trailing zeros; empty is zero
	point  int64  // saturated for absurd exponents
}

// absurd is an exponent beyond which only the sign of it matters.
const absurd = 1 << 40

func parseDecimal(b []byte) decimal {
	var d decimal
	if b[0] == '-' {
		d.neg, b = true, b[1:]
	}
	var exp int64
	if i := bytes.IndexAny(b, "eE"); i >= 0 {
		e := b[i+1:]
		b = b[:i]
		neg := e[0] == '-'
		for _, c := range bytes.TrimLeft(e, "+-") {
			if exp < absurd {
				exp = exp*10 + int64(c-'0')
			}
		}
		if neg {
			exp = -exp
		}
	}
	whole, frac, hasFrac := bytes.Cut(b, []byte("."))
	d.point = int64(len(whole)) + exp
	if hasFrac {
		// A JSON number is short next to the document; the join is rare.
		d.digits = append(append(make([]byte, 0, len(whole)+len(frac)), whole...), frac...)
	} else {
		d.digits = whole
	}
	trimmed := bytes.TrimLeft(d.digits, "0")
	d.point -= int64(len(d.digits) - len(trimmed))
	d.digits = bytes.TrimRight(trimmed, "0")
	if len(d.digits) == 0 {
		return decimal{}
	}
	return d
}

// integer says whether the number has no fraction: 1.0 and 1e2 are integers.
func (d decimal) integer() bool { return int64(len(d.digits)) <= max(d.point, 0) }

// cmp compares d with n as -1, 0 or 1.
func (d decimal) cmp(n int64) int {
	var buf [20]byte
	i := len(buf)
	neg := n < 0
	u := uint64(n)
	if neg {
		u = -u
	}
	for ; u > 0; u /= 10 {
		i--
		buf[i] = byte('0' + u%10)
	}
	o := decimal{neg: neg, point: int64(len(buf) - i), digits: bytes.TrimRight(buf[i:], "0")}
	if len(o.digits) == 0 {
		o = decimal{}
	}
	switch {
	case d.sign() != o.sign():
		return cmp.Compare(d.sign(), o.sign())
	case d.neg:
		return -d.magnitude(o)
	}
	return d.magnitude(o)
}

func (d decimal) sign() int {
	switch {
	case len(d.digits) == 0:
		return 0
	case d.neg:
		return -1
	}
	return 1
}

func (d decimal) magnitude(o decimal) int {
	if d.point != o.point {
		return cmp.Compare(d.point, o.point)
	}
	return bytes.Compare(d.digits, o.digits)
}
