package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bailiwick/clock"
	"bailiwick/config"
	"bailiwick/lab"
	"bailiwick/name"
)

func TestReadThing(t *testing.T) {
	suffixes := name.DefaultSuffixes()
	for in, want := range map[string]string{
		"shop.co.uk": "shop.co.uk", "WWW.Shop.co.uk.": "shop.co.uk", "https://login.shop.co.uk:8443/a?b": "shop.co.uk", "hxxps://shop[.]co[.]uk/": "shop.co.uk",
		"müller.de": "xn--mller-kva.de", "xn--mller-kva.de": "xn--mller-kva.de", "AS64496": "AS64496", "as64496": "AS64496", "192.0.2.7": "192.0.2.7",
		"192.0.2.0/24": "192.0.2.0", "2001:db8::1": "2001:db8::1", "[2001:db8::1]": "2001:db8::1", "http://192.0.2.7/x": "192.0.2.7",
		"shop.co.uk/path": "shop.co.uk",
		// No names.
		"": "", "co.uk": "", "shop": "", "a..b": "", "AS99999999999": "", "bad\x00.example": "", strings.Repeat("a", 5000): "", "-x.example": "",
	} {
		got, err := readThing(in, suffixes)
		if err != nil && want == "" {
			continue
		}
		if err != nil || got.String() != want {
			t.Errorf("%.40q: got %s %v, want %q", in, got, err, want)
		}
	}
	if got, _ := readThing("www.shop.co.uk", suffixes); !got.below {
		t.Error("a name below a registered domain is not told from it")
	}
}

// bulkWorld is a scenario of names of whose registration servers only RDAP
// matters.
func bulkWorld(names int, tlds []lab.TLD) *lab.Scenario {
	sc := &lab.Scenario{Name: "bulk", Seed: 5, Days: 3, TLDs: tlds, Registrars: []lab.Registrar{{Name: "Quickname", RDAP: lab.RDAPNone}}, Hosts: []lab.Host{{Name: "Northbox"}}}
	for i := range names {
		sc.Names = append(sc.Names, lab.Name{Name: fmt.Sprintf("corner-books-%05d.%s", i, tlds[i%len(tlds)].Name), Class: "innocent", Site: lab.Site{Kind: "blank"}})
	}
	return sc
}

// linesOf reads the output of a bulk run: each name has one whole line.
func linesOf(tb testing.TB, path string) map[string]lookupLine {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	out := map[string]lookupLine{}
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var l lookupLine
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			tb.Fatalf("a line does not parse: %v: %.100q", err, sc.Text())
		}
		if _, twice := out[l.Name]; twice {
			tb.Fatalf("%s has two lines", l.Name)
		}
		out[l.Name] = l
	}
	return out
}

func writeFile(tb testing.TB, path, text string) string {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func namesOf(sc *lab.Scenario) string {
	var b strings.Builder
	for _, n := range sc.Names {
		b.WriteString(n.Name + "\n")
	}
	return b.String()
}

// TestLookupBulkKilled kills the real program in the middle of a run, again and
// again: each name gets one line, and no more is asked twice than was under
// way.
func TestLookupBulkKilled(t *testing.T) {
	sc := bulkWorld(3000, []lab.TLD{{Name: "shopx"}, {Name: "webb"}, {Name: "clubx"}}) // a second or so: long enough to be killed in
	w := newWorld(t, sc, "http://127.0.0.1:1", 0)
	dir := t.TempDir()
	in, out := writeFile(t, filepath.Join(dir, "names.txt"), namesOf(sc)), filepath.Join(dir, "out.jsonl")
	args := []string{"lookup", "--lab", w.gate, "--file", in, "--json", "--actor", "a test", "--purpose", "testing", "--out", out}
	var said bytes.Buffer
	kills := 0
	for n := 0; ; n++ {
		cmd := exec.Command(binary(t), args...)
		said.Reset()
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		over := make(chan error, 1)
		go func() { over <- cmd.Wait() }()
		size := func() int64 {
			st, err := os.Stat(out)
			if err != nil {
				return 0
			}
			return st.Size()
		}
		before, tick := size(), time.NewTicker(2*time.Millisecond)
		dead := false
		for !dead {
			select {
			case err := <-over:
				tick.Stop()
				if err != nil && cmd.ProcessState.ExitCode() >= 0 {
					t.Fatalf("run %d: %v\n%s", n, err, said.String())
				}
				dead = true
			case <-tick.C:
				if kills < 2 && size() > before+20_000 {
					kills++
					before = 1 << 60
					_ = cmd.Process.Kill()
				}
			}
		}
		if cmd.ProcessState.ExitCode() == 0 {
			break
		}
	}
	if kills == 0 {
		t.Fatal("the run was over before it could be killed: it needs more names")
	}
	got := linesOf(t, out)
	if len(got) != len(sc.Names) {
		t.Errorf("%d of %d names have a line after %d kills\n%s", len(got), len(sc.Names), kills, said.String())
	}
	for _, l := range got {
		if l.State != "registered" || l.Contacts != nil {
			t.Fatalf("%+v", l)
		}
	}
	// Three servers with 32 questions under way at each, and what their answers
	// were that the kill caught before they were written.
	asked := w.Counts().RDAP
	t.Logf("%d kills, %d questions for %d names", kills, asked, len(sc.Names))
	if most := int64(len(sc.Names) + kills*(3*32+1000)); asked > most || asked < int64(len(sc.Names)) {
		t.Errorf("%d questions, want %d to %d", asked, len(sc.Names), most)
	}
}

// TestLookupBulkInput: bad lines are told with their numbers, and stop nothing.
func TestLookupBulkInput(t *testing.T) {
	sc := bulkWorld(4, []lab.TLD{{Name: "shopx", Limit: &lab.Limit{Rate: 2, Burst: 2}}})
	w := newWorld(t, sc, "http://127.0.0.1:1", 0)
	dir := t.TempDir()
	in := writeFile(t, filepath.Join(dir, "names.txt"), "\xEF\xBB\xBFcorner-books-00000.shopx\r\n# a comment\r\n\r\nhttps://www.corner-books-00001.shopx/a\n"+
		strings.Repeat("x", 1<<20)+"\ncorner-books-00000.shopx\nbad\x00name\n192.0.2.7\nbüro.shopx\nxn--bro-hoa.shopx\nnobody.nowhere.invalid\nCORNER-BOOKS-00002.shopx.")
	out := filepath.Join(dir, "out.jsonl")
	cmd := exec.Command(binary(t), "lookup", "--lab", w.gate, "--file", in, "--json", "--actor", "a test", "--purpose", "testing", "--contacts", "--out", out)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{"line 5: ", "line 7: ", "line 8: ", "is over 4096 octets", "rdap.nic.shopx:443"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("%q is not told:\n%s", want, said)
		}
	}
	got := linesOf(t, out)
	if l := got["corner-books-00001.shopx"]; l.Asked != "https://www.corner-books-00001.shopx/a" || l.Number != 4 || l.State != "registered" || len(l.Contacts) == 0 {
		t.Errorf("%+v", l)
	}
	if l := got["xn--bro-hoa.shopx"]; l.State != "available" || l.Number != 9 {
		t.Errorf("%+v", l)
	}
	if l := got["corner-books-00002.shopx"]; l.State != "registered" { // throttled at first, and asked again
		t.Errorf("%+v", l)
	}
}

// BenchmarkLookupBulk looks names up end to end: from the file of names to the
// synced lines, over the lab's RDAP servers, which run on the same cores.
func BenchmarkLookupBulk(b *testing.B) {
	for _, bench := range []struct {
		name  string
		names int
		tlds  int
		limit *lab.Limit
	}{
		{"at-once", 20000, 8, nil},
		{"budget-100", 6000, 2, &lab.Limit{Rate: 100, Burst: 50, Ban: 3}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var tlds []lab.TLD
			var terms strings.Builder
			terms.WriteString("servers:\n")
			for i := range bench.tlds {
				tlds = append(tlds, lab.TLD{Name: fmt.Sprintf("tld%c", 'a'+i), Limit: bench.limit})
				if bench.limit != nil {
					fmt.Fprintf(&terms, "  - {server: rdap.nic.tld%c, rate: %g, burst: 10}\n", 'a'+i, bench.limit.Rate)
				}
			}
			sc := bulkWorld(bench.names, tlds)
			lw, err := lab.Start(b.Context(), sc, lab.Options{Start: time.Now().UTC()})
			if err != nil {
				b.Fatal(err)
			}
			defer lw.Close()
			world, err := labWorld(lw, clock.Real{})
			if err != nil {
				b.Fatal(err)
			}
			cfg, err := config.Load("", nil)
			if err != nil {
				b.Fatal(err)
			}
			dir := b.TempDir()
			if bench.limit != nil {
				cfg.Files.Terms = writeFile(b, filepath.Join(dir, "terms.yaml"), terms.String())
			}
			in := writeFile(b, filepath.Join(dir, "names.txt"), namesOf(sc))
			n := 0
			for b.Loop() {
				n++
				out := filepath.Join(dir, fmt.Sprintf("out%d.jsonl", n))
				l := &lookupCmd{File: in, JSON: true, Actor: "a benchmark", Purpose: "measuring", Out: out}
				e := &env{ctx: b.Context(), out: io.Discard, errs: io.Discard, log: slog.New(slog.DiscardHandler)}
				begin := time.Now()
				if err := l.bulkIn(e, cfg, world); err != nil {
					b.Fatal(err)
				}
				took := time.Since(begin)
				rate := float64(bench.names) / took.Seconds()
				b.ReportMetric(rate, "names/s")
				if bench.limit != nil {
					b.ReportMetric(100*rate/(bench.limit.Rate*float64(bench.tlds)), "%of-permitted")
				}
				if got := linesOf(b, out); len(got) != bench.names {
					b.Fatalf("%d lines", len(got))
				}
			}
			c := lw.Counts()
			b.ReportMetric(float64(c.Throttled), "throttled")
			b.ReportMetric(float64(c.Banned), "banned")
		})
	}
}
