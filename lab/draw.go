package lab

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// draw is the randomness for one purpose: keyed by the seed and what it is
// for, so that no draw depends on how many came before it.
func draw(seed uint64, key ...string) *rand.Rand {
	h := keyed(seed, key...)
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(h[:8]), binary.BigEndian.Uint64(h[8:16])))
}

// keyed is a digest of the seed and a purpose.
func keyed(seed uint64, key ...string) [32]byte {
	b := binary.BigEndian.AppendUint64(nil, seed)
	for _, k := range key {
		b = binary.BigEndian.AppendUint32(b, uint32(len(k)))
		b = append(b, k...)
	}
	return sha256.Sum256(b)
}

// within draws from r evenly, in whole seconds.
func within(rnd *rand.Rand, r Range) time.Duration {
	lo, hi := r.Min.D(), r.Max.D()
	if hi <= lo {
		return lo
	}
	return lo + (time.Duration(rnd.Int64N(int64(hi-lo) + 1))).Truncate(time.Second)
}

// pick draws one of s.
func pick[T any](rnd *rand.Rand, s []T) T { return s[rnd.IntN(len(s))] }
