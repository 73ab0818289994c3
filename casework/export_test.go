package casework

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/party"
	"bailiwick/problem"

	"pgregory.net/rapid"
)

// exported is a case with a payload of several kinds, and its signed head.
func exported(t fataler) (*world, Head) {
	t.Helper()
	pb, err := load(sound)
	if err != nil {
		t.Fatalf("%v", err)
	}
	w := newWorld(pb)
	w.do(t, Open{domain("bad.example"), abuse.Phishing})
	w.do(t, AddReport{Report: ReportRef{ID: "r1", Received: w.now, URLs: []string{"https://bad.example/<login>?a=1&b=\u2028é"}},
		Reporter: Reporter{Name: "A. Person", Contact: "a@person.example"}})
	w.do(t, Look{seen(w.now, Compromised), Plan{}})
	plan := Plan{Parties: []party.Party{pty(party.Host, "one")}, TLD: "gtld"}
	w.do(t, Confirm{By: "person:7", Plan: plan})
	w.wait(time.Hour).do(t, AddNote{"person:7", "they called back"})
	return w, SignHead(testKey("centre"), w.entries[len(w.entries)-1].Link, w.now)
}

func writeExport(t fataler, entries []Entry, head Head, disclose func(Entry) bool) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteExport(&b, entries, head, disclose); err != nil {
		t.Fatalf("%v", err)
	}
	return b.Bytes()
}

func everything(Entry) bool { return true }

func notPersonal(e Entry) bool { return !e.Kind.Personal() }

func TestExportGolden(t *testing.T) {
	w, head := exported(t)
	golden(t, "export.jsonl", string(writeExport(t, w.entries, head, notPersonal)))
}

// TestOneChainForAll: claimant, accused and auditor get the same chain with
// different payloads disclosed; it verifies for all, and none sees more.
func TestOneChainForAll(t *testing.T) {
	w, head := exported(t)
	public := testKey("centre").Public().(ed25519.PublicKey)
	kinds := func(kinds ...Kind) func(Entry) bool {
		return func(e Entry) bool { return slices.Contains(kinds, e.Kind) }
	}
	for _, row := range []struct {
		name      string
		disclose  func(Entry) bool
		disclosed int
	}{
		{"claimant", kinds(KindReport, KindReporter, KindConfirmed), 3},
		{"accused", kinds(KindReport, KindLooked), 2},
		{"auditor", everything, 7},
		{"without personal data", notPersonal, 5},
		{"the public", nil, 0},
	} {
		b := writeExport(t, w.entries, head, row.disclose)
		rep, err := VerifyExport(bytes.NewReader(b), public)
		want := Report{Case: "c1", Events: 7, Disclosed: row.disclosed, Withheld: 7 - row.disclosed, Signer: hex.EncodeToString(public), KeyGiven: true}
		if err != nil || rep != want {
			t.Errorf("%s: %+v, %v, want %+v", row.name, rep, err, want)
		}
		want.KeyGiven = false
		if rep, err := VerifyExport(bytes.NewReader(b), nil); err != nil || rep != want {
			t.Errorf("%s without a key: %+v, %v", row.name, rep, err)
		}
		for _, e := range w.entries {
			shown := row.disclose != nil && row.disclose(e)
			salt := base64.StdEncoding.EncodeToString(e.Payload.Salt[:])
			body, _ := exportLine(string(e.Payload.Body))
			for _, secret := range []string{salt, strings.TrimSpace(string(body))} {
				if strings.Contains(string(b), secret) != shown {
					t.Errorf("%s: the payload of %q is shown %v, want %v", row.name, e.Kind, !shown, shown)
				}
			}
		}
	}
	// The other way round: each reader's payloads put together are the whole.
	_, err := VerifyExport(bytes.NewReader(writeExport(t, w.entries, head, everything)), testKey("other").Public().(ed25519.PublicKey))
	if problem.CodeOf(err) != problem.Corrupt {
		t.Errorf("by another key: %v", err)
	}
	if _, err = VerifyExport(strings.NewReader(""), public[:5]); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a short key: %v", err)
	}
}

// TestExportComesBack: what is read is what was written.
func TestExportComesBack(t *testing.T) {
	worlds(t, 12, func(t *rapid.T, w *world) {
		head := SignHead(testKey("centre"), w.entries[len(w.entries)-1].Link, w.now)
		shown := map[int]bool{}
		for _, e := range w.entries {
			shown[e.Seq] = rapid.Bool().Draw(t, "shown")
		}
		b := writeExport(t, w.entries, head, func(e Entry) bool { return shown[e.Seq] })
		entries, gotHead, err := ReadExport(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%v", err)
		}
		if len(entries) != len(w.entries) || !bytes.Equal(gotHead.Signature, head.Signature) || gotHead.Hash != head.Hash {
			t.Fatalf("%d of %d events, head %+v", len(entries), len(w.entries), gotHead)
		}
		for i, e := range entries {
			was := w.entries[i]
			if e.Link != was.Link || (e.Payload != nil) != shown[e.Seq] {
				t.Fatalf("event %d: %+v, was %+v", e.Seq, e, was)
			}
			if e.Payload != nil && (e.Payload.Salt != was.Payload.Salt || !bytes.Equal(e.Payload.Body, was.Payload.Body) || e.Payload.Personal != was.Payload.Personal) {
				t.Fatalf("payload %d: %+v", e.Seq, e.Payload)
			}
		}
		// Whoever keeps an export and the rest of the payloads has the case.
		if again := writeExport(t, entries, gotHead, everything); !bytes.Equal(again, b) {
			t.Fatalf("written again it differs:\n%s\n%s", b, again)
		}
	})
}

// TestExportDamage flips, cuts, drops, doubles and swaps: nothing verifies.
func TestExportDamage(t *testing.T) {
	w, head := exported(t)
	public := testKey("centre").Public().(ed25519.PublicKey)
	whole := writeExport(t, w.entries, head, notPersonal)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	n := len(lines)
	bad := func(name string, b []byte) {
		t.Helper()
		rep, err := VerifyExport(bytes.NewReader(b), public)
		if err == nil {
			t.Errorf("%s: verifies", name)
		}
		if code := problem.CodeOf(err); code != problem.Corrupt {
			t.Errorf("%s: %s: %v", name, code, err)
		}
		if rep != (Report{}) {
			t.Errorf("%s: a report beside an error: %+v", name, rep)
		}
	}
	for i := range whole { // any one bit of any octet
		b := bytes.Clone(whole)
		b[i] ^= 1 << (i % 8)
		bad("flip of octet", b)
	}
	for i := range whole {
		bad("cut off", whole[:i])
	}
	join := func(ls ...[]byte) []byte { return slices.Concat(ls...) }
	for i := range lines {
		bad("line dropped", join(slices.Delete(slices.Clone(lines), i, i+1)...))
		bad("line doubled", join(slices.Insert(slices.Clone(lines), i, lines[i])...))
		if i > 0 {
			swapped := slices.Clone(lines)
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			bad("lines swapped", join(swapped...))
		}
		spaced := slices.Clone(lines)
		spaced[i] = append([]byte(" "), lines[i]...)
		bad("white space", join(spaced...))
		spaced[i] = append([]byte{}, "\n"...)
		spaced[i] = append(spaced[i], lines[i]...)
		bad("an empty line", join(spaced...))
	}
	bad("something after the head", append(bytes.Clone(whole), "{}\n"...))
	bad("nothing", nil)
	for from, to := range map[string]string{
		`"version":1`:           `"version":2`,
		`{"case":"c1","seq":3`:  `{"case":"c1","case":"c1","seq":3`,
		`{"case":"c1","seq":4`:  `{"Case":"c1","seq":4`,
		`"seq":5,`:              `"seq":5,"remark":"guilty",`,
		`"seq":6,`:              `"seq":6.0,`,
		`,"payload":"`:          `,"payload":null,"payload":"`,
		`"at":"2026-03-02T09:0`: `"at":"2026-03-02T10:0`,
	} {
		if !strings.Contains(string(whole), from) {
			t.Fatalf("%s is not in the export", from)
		}
		bad(to, []byte(strings.Replace(string(whole), from, to, 1)))
	}
	// The same instant in another zone is not what we write.
	bad("another zone", []byte(strings.Replace(string(whole), "09:00:00Z", "11:00:00+02:00", 1)))
	// A cut tail with a line for a head that fits in form: found at the event.
	cut := join(join(lines[:n-2]...), lines[n-1])
	_, err := VerifyExport(bytes.NewReader(cut), nil)
	at(t, err, 7)
	// An export of one case under the header of another.
	bad("another header", join([]byte(strings.Replace(string(lines[0]), "c1", "c2", 1)), join(lines[1:]...)))
	// Salt without payload, and the other way round.
	var ev map[string]any
	if err := json.Unmarshal(lines[1], &ev); err != nil {
		t.Fatal(err)
	}
	salt, _ := json.Marshal(ev["salt"])
	bad("payload without salt", []byte(strings.Replace(string(whole), `"salt":`+string(salt)+`,`, "", 1)))
	bad("short salt", []byte(strings.Replace(string(whole), string(salt), `"AAAA"`, 1)))
}

func TestExportLimits(t *testing.T) {
	w, head := exported(t)
	if err := WriteExport(io.Discard, w.entries[:3], head, nil); problem.CodeOf(err) != problem.Corrupt {
		t.Errorf("a cut chain is exported: %v", err)
	} else {
		at(t, err, 4)
	}
	broken := slices.Clone(w.entries)
	broken[2].Actor = "person:9"
	err := WriteExport(io.Discard, broken, head, nil)
	at(t, err, 3)

	odd := func(body []byte) ([]Entry, Head) {
		e := Seal(nil, "c1", t0, KindNote, "person:1", Payload{Body: body})
		return []Entry{e}, SignHead(testKey("centre"), e.Link, t0)
	}
	entries, h := odd([]byte{'"', 0xff, '"'})
	if err := WriteExport(io.Discard, entries, h, everything); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a payload that is not UTF-8: %v", err)
	}
	if err := WriteExport(io.Discard, entries, h, nil); err != nil {
		t.Errorf("withheld it is no matter: %v", err)
	}
	entries, h = odd(bytes.Repeat([]byte("x"), MaxExportLine))
	if err := WriteExport(io.Discard, entries, h, everything); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("a line over the limit: %v", err)
	}
	first := `{"what":"bailiwick case export","version":1,"case":"c1"}` + "\n"
	if _, _, err := ReadExport(io.MultiReader(strings.NewReader(first), &endless{n: MaxExportLine + 10})); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("an endless line: %v", err)
	}
	if _, _, err := ReadExport(failing{}); problem.CodeOf(err) != problem.Unavailable {
		t.Errorf("a file that cannot be read: %v", err)
	}
	if err := WriteExport(fullDisk{}, w.entries, head, everything); err == nil {
		t.Error("a full disk is not told")
	}
}

type endless struct{ n int }

func (e *endless) Read(b []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	n := min(len(b), e.n)
	e.n -= n
	for i := range b[:n] {
		b[i] = 'x'
	}
	return n, nil
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func FuzzReadExport(f *testing.F) {
	w, head := exported(f)
	for _, disclose := range []func(Entry) bool{everything, notPersonal, nil} {
		b := writeExport(f, w.entries, head, disclose)
		f.Add(b)
		f.Add(b[:len(b)/2])
		f.Add(bytes.ReplaceAll(b, []byte("c1"), []byte("c2")))
	}
	f.Add([]byte(`{"what":"bailiwick case export","version":1,"case":""}` + "\n" + `{"head":{}}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, head, err := ReadExport(bytes.NewReader(b))
		rep, verr := VerifyExport(bytes.NewReader(b), nil)
		if err != nil {
			if problem.CodeOf(err) != problem.Corrupt && problem.CodeOf(err) != problem.TooLarge || verr == nil {
				t.Fatalf("%v; verified: %v", err, verr)
			}
			return
		}
		if verr != nil {
			return
		}
		// What verifies is, octet for octet, what we would write.
		if rep.Events != len(entries) || rep.Disclosed+rep.Withheld != rep.Events {
			t.Fatalf("%+v of %d events", rep, len(entries))
		}
		if again := writeExport(t, entries, head, everything); !bytes.Equal(again, b) {
			t.Fatalf("written again it differs")
		}
	})
}
