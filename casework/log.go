// Package casework is the functional core of the centre: a case is its log.
// Decide turns a command into events, Apply turns an event into the next state
// of the case, and nothing here reads a clock, a network or a database. This
// file is the log itself: an append-only hash chain whose payloads are kept
// apart, so that they can be disclosed or erased one by one.
package casework

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"bailiwick/problem"
)

// Hash is a SHA-256, printed in hex.
type Hash [32]byte

// String is the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText implements encoding.TextMarshaler.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hash) UnmarshalText(b []byte) error {
	if hex.DecodedLen(len(b)) != len(h) {
		return problem.New(problem.Invalid, "a hash is %d hex digits, not %d", 2*len(h), len(b))
	}
	_, err := hex.Decode(h[:], b)
	if err != nil {
		return problem.New(problem.Invalid, "a hash is hex digits")
	}
	return nil
}

// Link is the part of an event that the chain covers. It says what kind of
// thing happened, when and by whom, and commits to the payload without
// showing it.
type Link struct {
	Case       string    `json:"case"`
	Seq        int       `json:"seq"` // from 1
	At         time.Time `json:"at"`  // UTC, whole microseconds
	Kind       Kind      `json:"kind"`
	Actor      string    `json:"actor"` // a reference such as "person:7" or "centre", never a name
	Prev       Hash      `json:"prev"`  // zero for the first
	Commitment Hash      `json:"commitment"`
	Hash       Hash      `json:"hash"`
}

// Payload is what an event says, and the salt that makes its commitment
// reveal nothing. Body is the exact bytes committed to.
type Payload struct {
	Salt [32]byte
	Body []byte
	// Personal payloads expire by retention; no other event depends on them.
	Personal bool
}

// Entry is an event as stored: its link, and its payload while that is kept.
type Entry struct {
	Link
	Payload *Payload
}

// Commit is SHA-256(salt ‖ body).
func Commit(salt [32]byte, body []byte) Hash {
	h := sha256.New()
	h.Write(salt[:])
	h.Write(body)
	return Hash(h.Sum(nil))
}

// hash covers every field of the link but Hash itself. Strings carry their
// length, so that no two links share an encoding.
func (l Link) hash() Hash {
	b := make([]byte, 0, 256)
	b = append(b, "bailiwick case event v1\n"...)
	b = append(b, l.Prev[:]...)
	str := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	str(l.Case)
	b = binary.BigEndian.AppendUint64(b, uint64(l.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(l.At.UnixMicro()))
	str(string(l.Kind))
	str(l.Actor)
	b = append(b, l.Commitment[:]...)
	return sha256.Sum256(b)
}

// Seal makes the entry that follows prev (nil for the first event). An event
// is never dated before the one it follows: where the clocks of two machines
// differ, it gets the time of that one.
func Seal(prev *Link, caseID string, at time.Time, kind Kind, actor string, p Payload) Entry {
	l := Link{Case: caseID, Seq: 1, At: at.UTC().Truncate(time.Microsecond), Kind: kind, Actor: actor, Commitment: Commit(p.Salt, p.Body)}
	if prev != nil {
		l.Seq, l.Prev = prev.Seq+1, prev.Hash
		if l.At.Before(prev.At) {
			l.At = prev.At
		}
	}
	l.Hash = l.hash()
	return Entry{Link: l, Payload: &p}
}

// ChainError says at which event a chain fails, and how.
type ChainError struct {
	Case   string
	Seq    int // the event at which it shows
	Reason string
}

// Error implements error.
func (e *ChainError) Error() string {
	return fmt.Sprintf("case %s, event %d: %s", e.Case, e.Seq, e.Reason)
}

// VerifyChain checks that entries are one whole chain from the first event:
// sequence, links, hashes, and the commitment of every payload that is there.
// Payloads may be missing. A tail cut off is seen only against a Head.
func VerifyChain(entries []Entry) error {
	var prev Link
	for i, e := range entries {
		fail := func(format string, args ...any) error {
			return &ChainError{Case: e.Case, Seq: i + 1, Reason: fmt.Sprintf(format, args...)}
		}
		switch {
		case e.Seq != i+1:
			return fail("the sequence says %d: an event is missing, added or moved", e.Seq)
		case i > 0 && e.Case != prev.Case:
			return fail("it belongs to case %s", e.Case)
		case e.Prev != prev.Hash:
			return fail("it does not follow the event before it")
		case e.Hash != e.Link.hash():
			return fail("its hash does not cover its contents")
		case !e.At.Equal(e.At.Truncate(time.Microsecond)): // the hash covers no more than that
			return fail("its time is not in whole microseconds")
		case e.Payload != nil && Commit(e.Payload.Salt, e.Payload.Body) != e.Commitment:
			return fail("its payload is not the one it committed to")
		case i > 0 && e.At.Before(prev.At):
			return fail("it is dated before the event it follows")
		}
		prev = e.Link
	}
	return nil
}

// Head is the signed end of a chain at the time of an export.
type Head struct {
	Case      string    `json:"case"`
	Seq       int       `json:"seq"`
	Hash      Hash      `json:"hash"`
	At        time.Time `json:"at"`
	PublicKey []byte    `json:"public_key"` // Ed25519
	Signature []byte    `json:"signature"`
}

func (h Head) message() []byte {
	m, _ := json.Marshal(struct {
		What string    `json:"what"`
		Case string    `json:"case"`
		Seq  int       `json:"seq"`
		Hash Hash      `json:"hash"`
		At   time.Time `json:"at"`
	}{"bailiwick case head v1", h.Case, h.Seq, h.Hash, h.At})
	return m
}

// SignHead signs the end of a chain.
func SignHead(key ed25519.PrivateKey, last Link, at time.Time) Head {
	h := Head{Case: last.Case, Seq: last.Seq, Hash: last.Hash, At: at.UTC().Truncate(time.Microsecond),
		PublicKey: key.Public().(ed25519.PublicKey)}
	h.Signature = ed25519.Sign(key, h.message())
	return h
}

// VerifyHead checks the head's signature and that the entries end where it
// says. If key is nil the key in the head is used, which proves only that one
// signer made all of it; who that was must be known from elsewhere.
func VerifyHead(h Head, key ed25519.PublicKey, entries []Entry) error {
	if key == nil {
		key = h.PublicKey
	}
	if !bytes.Equal(key, h.PublicKey) {
		return &ChainError{Case: h.Case, Seq: h.Seq, Reason: "the head names another key than this one"}
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, h.message(), h.Signature) {
		return &ChainError{Case: h.Case, Seq: h.Seq, Reason: "the signature of the head is not by this key"}
	}
	if len(entries) == 0 {
		return &ChainError{Case: h.Case, Seq: 1, Reason: "there are no events, the head names some"}
	}
	last := entries[len(entries)-1]
	if last.Case != h.Case {
		return &ChainError{Case: last.Case, Seq: last.Seq, Reason: "the head is of case " + h.Case}
	}
	if last.Seq < h.Seq {
		return &ChainError{Case: h.Case, Seq: last.Seq + 1, Reason: fmt.Sprintf("the chain is cut off: the head says %d events", h.Seq)}
	}
	if last.Seq != h.Seq || last.Hash != h.Hash {
		return &ChainError{Case: h.Case, Seq: last.Seq, Reason: "the last event is not the one the head signed"}
	}
	return nil
}
