package app

import (
	"crypto/rand"
	"encoding/binary"

	"bailiwick/clock"
)

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// ULID makes identifiers of 26 letters and digits that sort by time: 48 bits
// of milliseconds and 80 random bits.
func ULID(c clock.Clock) func() string {
	return func() string {
		var b [16]byte
		// A failing system randomness source ends the program (crypto/rand).
		_, _ = rand.Read(b[:])
		ms := uint64(c.Now().UnixMilli())
		binary.BigEndian.PutUint16(b[0:], uint16(ms>>32))
		binary.BigEndian.PutUint32(b[2:], uint32(ms))
		return encode(b)
	}
}

// encode writes 128 bits as 26 digits of base 32, the first of 3 bits.
func encode(b [16]byte) string {
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	var out [26]byte
	for i := 25; i >= 0; i-- {
		out[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}
