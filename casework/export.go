package casework

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"bailiwick/problem"
)

// An export is the chain of one case as JSON lines: a header, one line per
// event, and the signed head last, so that a file cut off anywhere shows it.
// The same chain can be given to several readers with different payloads
// disclosed; a withheld payload leaves only its commitment.
//
// There is one way to write an export. A line that is not, byte for byte, what
// WriteExport would write is refused, so that a file says the same to every
// program that reads it: no second value under a repeated key, no key that
// only some read.

// Limits on an export. WriteExport keeps to them too.
const (
	MaxExportLine   = 16 << 20  // octets of one line
	MaxExport       = 256 << 20 // octets of all
	MaxExportEvents = 1 << 20
)

const (
	exportWhat    = "bailiwick case export"
	exportVersion = 1
)

type exportHeader struct {
	What    string `json:"what"`
	Version int    `json:"version"`
	Case    string `json:"case"`
}

// exportEvent is one event. Payload holds the exact bytes committed to, as a
// JSON string, and Salt is base64; both are there or neither.
type exportEvent struct {
	Link
	Salt    []byte  `json:"salt,omitempty"`
	Payload *string `json:"payload,omitempty"`
}

type exportHead struct {
	Head Head `json:"head"`
}

// exportLine is v as one line. Marks like < and & stay readable.
func exportLine(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "the export cannot be written")
	}
	return b.Bytes(), nil
}

func exportOf(e Entry, disclosed bool) (exportEvent, error) {
	out := exportEvent{Link: e.Link}
	if disclosed && e.Payload != nil {
		if !utf8.Valid(e.Payload.Body) {
			return out, problem.New(problem.Invalid, "the payload of event %d is not UTF-8", e.Seq)
		}
		body := string(e.Payload.Body)
		out.Salt, out.Payload = e.Payload.Salt[:], &body
	}
	return out, nil
}

// WriteExport writes the chain of one case. It writes the payloads for which
// disclose says true and that are still kept; a nil disclose discloses none. A
// chain that does not verify, or that does not end at head, is an error and
// nothing is written (*ChainError inside a Corrupt problem).
func WriteExport(w io.Writer, entries []Entry, head Head, disclose func(Entry) bool) error {
	if err := verify(entries, head, nil); err != nil {
		return err
	}
	if len(entries) > MaxExportEvents {
		return problem.New(problem.TooLarge, "the chain has over %d events", MaxExportEvents)
	}
	out := bufio.NewWriter(w)
	total := 0
	line := func(v any) error {
		b, err := exportLine(v)
		if err != nil {
			return err
		}
		if total += len(b); len(b) > MaxExportLine || total > MaxExport {
			return problem.New(problem.TooLarge, "the export is over its limits")
		}
		_, err = out.Write(b)
		return err
	}
	if err := line(exportHeader{exportWhat, exportVersion, head.Case}); err != nil {
		return err
	}
	for _, e := range entries {
		ev, err := exportOf(e, disclose != nil && disclose(e))
		if err != nil {
			return err
		}
		if err := line(ev); err != nil {
			return err
		}
	}
	if err := line(exportHead{head}); err != nil {
		return err
	}
	return out.Flush()
}

// ReadExport reads what WriteExport wrote. It checks the form, not the chain:
// see VerifyExport. Errors name the line: Corrupt for a wrong or missing one,
// TooLarge over a limit, Unavailable when r fails.
func ReadExport(r io.Reader) (entries []Entry, head Head, err error) {
	lr := &io.LimitedReader{R: r, N: MaxExport + 1}
	sc := bufio.NewScanner(lr)
	sc.Buffer(make([]byte, 0, 64<<10), MaxExportLine+1)
	sc.Split(wholeLines)
	n := 0
	bad := func(format string, args ...any) ([]Entry, Head, error) {
		return nil, Head{}, problem.New(problem.Corrupt, "line %d: %s", n, fmt.Sprintf(format, args...))
	}
	var header exportHeader
	done := false
	for sc.Scan() {
		n++
		b := sc.Bytes()
		switch {
		case done:
			return bad("something follows the head")
		case n == 1:
			if err := readLine(b, &header); err != nil {
				return bad("it is not the header of an export: %v", err)
			}
			if header.What != exportWhat || header.Version != exportVersion {
				return bad("it is %q version %d, not %q version %d", header.What, header.Version, exportWhat, exportVersion)
			}
		case bytes.HasPrefix(b, []byte(`{"head":`)):
			var h exportHead
			if err := readLine(b, &h); err != nil {
				return bad("%v", err)
			}
			head, done = h.Head, true
			if head.Case != header.Case {
				return bad("the head is of case %q, the header of %q", head.Case, header.Case)
			}
		default:
			if len(entries) >= MaxExportEvents {
				return nil, Head{}, problem.New(problem.TooLarge, "the export has over %d events", MaxExportEvents)
			}
			var ev exportEvent
			if err := readLine(b, &ev); err != nil {
				return bad("%v", err)
			}
			e := Entry{Link: ev.Link}
			switch {
			case ev.At.Location() != time.UTC:
				return bad("its time is not UTC")
			case ev.Payload == nil && ev.Salt == nil:
			case ev.Payload == nil || len(ev.Salt) != 32:
				return bad("a payload and a salt of 32 octets come together")
			default:
				e.Payload = &Payload{Salt: [32]byte(ev.Salt), Body: []byte(*ev.Payload), Personal: ev.Kind.Personal()}
			}
			entries = append(entries, e)
		}
	}
	switch err := sc.Err(); {
	case lr.N == 0:
		return nil, Head{}, problem.New(problem.TooLarge, "the export is over %d octets", MaxExport)
	case errors.Is(err, bufio.ErrTooLong):
		return nil, Head{}, problem.New(problem.TooLarge, "line %d is over %d octets", n+1, MaxExportLine)
	case errors.Is(err, errCut):
		n++
		return bad("%v", err)
	case err != nil:
		return nil, Head{}, problem.Wrap(err, problem.Unavailable, "the export cannot be read")
	case !done:
		n++
		return bad("the head is missing: the export is cut off")
	}
	return entries, head, nil
}

var errCut = errors.New("the line is not finished: the export is cut off")

// wholeLines splits at line feeds and keeps them. Text without one at the end
// is an error.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, errCut
	}
	return 0, nil, nil
}

// readLine reads one line into v and holds it against the one way to write it.
func readLine(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return errors.New("it is not JSON of the expected form")
	}
	again, err := exportLine(v)
	if err != nil || !bytes.Equal(again, b) {
		return errors.New("it is not in the form that exports are written in")
	}
	return nil
}

// Report is what the verification of an export found.
type Report struct {
	Case      string `json:"case"`
	Events    int    `json:"events"`
	Disclosed int    `json:"disclosed"` // payloads that were there and held against their commitments
	Withheld  int    `json:"withheld"`  // payloads kept back or expired
	Signer    string `json:"signer"`    // the Ed25519 key that signed the head, in hex
	// KeyGiven says that the signer was checked against a key known from
	// elsewhere. Without, the signature proves only that one signer made all
	// of it.
	KeyGiven bool `json:"key_given"`
}

// VerifyExport reads an export and checks its chain, each payload it
// discloses, and its signed head, by key if one is given. A chain that fails
// is a Corrupt problem around a *ChainError that names the event.
func VerifyExport(r io.Reader, key ed25519.PublicKey) (Report, error) {
	if key != nil && len(key) != ed25519.PublicKeySize {
		return Report{}, problem.BadField("key", "an Ed25519 public key has %d octets, not %d", ed25519.PublicKeySize, len(key))
	}
	entries, head, err := ReadExport(r)
	if err != nil {
		return Report{}, err
	}
	if err := verify(entries, head, key); err != nil {
		return Report{}, err
	}
	out := Report{Case: head.Case, Events: len(entries), Signer: hex.EncodeToString(head.PublicKey), KeyGiven: key != nil}
	for _, e := range entries {
		if e.Payload != nil {
			out.Disclosed++
		} else {
			out.Withheld++
		}
	}
	return out, nil
}

func verify(entries []Entry, head Head, key ed25519.PublicKey) error {
	err := VerifyChain(entries)
	if err == nil {
		err = VerifyHead(head, key, entries)
	}
	if err != nil {
		return problem.Wrap(err, problem.Corrupt, "the chain does not verify")
	}
	return nil
}
