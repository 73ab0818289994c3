package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// corpus is the shared corpus beside the repository; the tests do more where
// it is there.
const corpus = "../../../shared/corpus"

// shared gives a path in the shared corpus, and whether it is there.
func shared(path string) (string, bool) {
	p := filepath.Join(corpus, path)
	_, err := os.Stat(p)
	return p, err == nil
}

// ran is how a run of the program ended.
type ran struct {
	args     []string
	out, err string
	status   int
	took     time.Duration
}

// environment is that of a fresh account, with more variables where given.
func environment(more ...string) []string {
	var env []string
	for _, v := range []string{"PATH", "HOME", "TMPDIR"} {
		env = append(env, v+"="+os.Getenv(v))
	}
	return append(env, more...)
}

// runs runs the program to its end, whatever its status.
func runs(tb testing.TB, args ...string) ran {
	tb.Helper()
	return runsWith(tb, nil, "", args...)
}

// runsWith is runs with more of an environment and a standard input.
func runsWith(tb testing.TB, env []string, in string, args ...string) ran {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(tb), args...)
	cmd.Env, cmd.Stdin = environment(env...), strings.NewReader(in)
	return finish(tb, cmd, args)
}

// finish runs a command of the program.
func finish(tb testing.TB, cmd *exec.Cmd, args []string) ran {
	tb.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Errorf("bailiwick %s: %v: %s", strings.Join(args, " "), err, errs.Bytes())
	}
	r := ran{args: args, out: out.String(), err: errs.String(), status: -1, took: time.Since(began)}
	if cmd.ProcessState != nil {
		r.status = cmd.ProcessState.ExitCode()
	}
	return r
}

// want checks the exit status.
func (r ran) want(tb testing.TB, status int) ran {
	tb.Helper()
	if r.status != status {
		tb.Fatalf("bailiwick %s: status %d, not %d\n%s%s", strings.Join(r.args, " "), r.status, status, short(r.out), short(r.err))
	}
	return r
}

func short(s string) string {
	if len(s) > 2000 {
		return s[:2000] + "…\n"
	}
	return s
}

// objects are the lines of an output, each of which has to be one JSON object.
func objects(tb testing.TB, out string) []map[string]json.RawMessage {
	tb.Helper()
	var all []map[string]json.RawMessage
	sc := bufio.NewScanner(strings.NewReader(out))
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		var o map[string]json.RawMessage
		if err := json.Unmarshal(sc.Bytes(), &o); err != nil {
			tb.Fatalf("line %d is no JSON object: %v: %s", len(all)+1, err, short(sc.Text()))
		}
		all = append(all, o)
	}
	return all
}

// has checks that an object has every key.
func has(tb testing.TB, where string, o map[string]json.RawMessage, keys ...string) {
	tb.Helper()
	for _, k := range keys {
		if _, ok := o[k]; !ok {
			tb.Errorf("%s has no %q: %s", where, k, short(fmt.Sprintf("%s", o)))
		}
	}
}

// batch is what a batch demo printed, read back.
type batch struct {
	ran
	cases []caseLine
	sum   summary
	truth map[string]truthLine // by subject and type, where it was written
}

// truthLine is a line of --truth.
type truthLine struct {
	Subject, Type, Class, Outcome, Actor string
	WrongfulDNSAsks                      int  `json:"wrongful_dns_asks"`
	WrongfulDNS                          bool `json:"wrongful_dns"`
}

// The keys that issue and docs/integrate.md promise.
var (
	caseKeys    = []string{"subject", "type", "judgement", "confirmed_by", "asked", "outcome", "actor", "opened", "closed", "hours"}
	askKeys     = []string{"party", "role", "action", "at", "delivered", "status"}
	summaryKeys = []string{"seed", "days", "reports", "accepted", "duplicates", "rejected", "withheld", "cases", "asks", "escalated", "outcomes",
		"mitigated_hours", "report_to_ask_hours", "confusion", "wrongful_asks", "lab", "centre", "chain_verified"}
)

// demo runs a batch demo with the truth written down, and checks what holds of
// every one of them.
func demo(tb testing.TB, env []string, args ...string) batch {
	tb.Helper()
	truth := filepath.Join(tb.TempDir(), "truth.jsonl")
	all := append([]string{"demo", "--batch", "--json", "--truth", truth}, args...)
	b := readBatch(tb, runsWith(tb, env, "", all...).want(tb, 0))
	text, err := os.ReadFile(truth)
	if err != nil {
		tb.Fatal(err)
	}
	b.truth = map[string]truthLine{}
	for _, o := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var t truthLine
		if err := json.Unmarshal([]byte(o), &t); err != nil {
			tb.Fatalf("--truth: %v: %s", err, o)
		}
		b.truth[t.Subject+" "+t.Type] = t
		if _, ok := b.truth[t.Subject]; !ok {
			b.truth[t.Subject] = t
		}
	}
	return b
}

func readBatch(tb testing.TB, r ran) batch {
	tb.Helper()
	b := batch{ran: r}
	lines := objects(tb, r.out)
	if len(lines) == 0 {
		tb.Fatal("the demo printed nothing")
	}
	last := lines[len(lines)-1]
	has(tb, "the summary", last, summaryKeys...)
	for key, keys := range map[string][]string{"mitigated_hours": {"median", "p90", "censored"}, "lab": {"dns", "rdap", "http", "smtp_accepted"}} {
		var o map[string]json.RawMessage
		if err := json.Unmarshal(last[key], &o); err != nil {
			tb.Errorf("summary: %s: %v", key, err)
		}
		has(tb, key, o, keys...)
	}
	texts := strings.Split(strings.TrimSpace(r.out), "\n")
	if err := json.Unmarshal([]byte(texts[len(texts)-1]), &b.sum); err != nil {
		tb.Fatal(err)
	}
	for i, o := range lines[:len(lines)-1] {
		where := fmt.Sprintf("line %d", i+1)
		has(tb, where, o, caseKeys...)
		if len(o) > len(caseKeys)+1 || len(o) > len(caseKeys) && o["registrar"] == nil {
			tb.Errorf("%s has keys that are not documented: %s", where, texts[i])
		}
		var asks []map[string]json.RawMessage
		if err := json.Unmarshal(o["asked"], &asks); err != nil {
			tb.Errorf("%s: asked: %v", where, err)
		}
		for _, a := range asks {
			has(tb, where+": asked", a, askKeys...)
			if len(a) != len(askKeys) {
				tb.Errorf("%s: an ask has keys that are not documented: %s", where, texts[i])
			}
		}
		var c caseLine
		if err := json.Unmarshal([]byte(texts[i]), &c); err != nil {
			tb.Fatal(err)
		}
		b.cases = append(b.cases, c)
	}
	b.consistent(tb)
	return b
}

// consistent checks what holds of every batch, whatever the world.
func (b batch) consistent(tb testing.TB) {
	tb.Helper()
	s := b.sum
	if n := s.Accepted + s.Duplicates + s.Rejected + s.Withheld; n != s.Reports {
		tb.Errorf("%d accepted + %d duplicates + %d rejected + %d withheld are not the %d reports", s.Accepted, s.Duplicates, s.Rejected, s.Withheld, s.Reports)
	}
	reasons := 0
	for _, n := range s.Reasons {
		reasons += n
	}
	if reasons != s.Rejected {
		tb.Errorf("the reasons speak of %d reports, %d were rejected", reasons, s.Rejected)
	}
	if s.Cases != len(b.cases) {
		tb.Errorf("the summary counts %d cases, %d were printed", s.Cases, len(b.cases))
	}
	if s.Lab != s.Centre || !s.CountsEqual {
		tb.Errorf("the lab counted %+v, the centre %+v", s.Lab, s.Centre)
	}
	if !s.ChainVerified {
		tb.Error("a chain does not verify")
	}
	if s.Wrongful != 0 {
		tb.Errorf("%d wrongful asks", s.Wrongful)
	}
	outcomes, asks := map[string]int{}, 0
	for _, c := range b.cases {
		outcomes[c.Outcome]++
		for _, a := range c.Asked {
			if a.Delivered != (a.At != nil) {
				tb.Errorf("%s: an ask of %s is delivered (%t) at %v", c.Subject, a.Party, a.Delivered, a.At)
			}
			switch a.Action {
			case "inform", "list":
			default:
				if a.Delivered {
					asks++
				}
				if c.ConfirmedBy == "" {
					tb.Errorf("%s: %s was asked though nobody confirmed it", c.Subject, a.Party)
				}
			}
			if dnsLevel(a) && c.Judgement != "malicious" {
				tb.Errorf("%s is %s, and %s was asked for %s", c.Subject, c.Judgement, a.Party, a.Action)
			}
		}
	}
	for o, n := range s.Outcomes {
		if outcomes[o] != n {
			tb.Errorf("the summary counts %d of outcome %q, the lines %d", n, o, outcomes[o])
		}
	}
	if len(outcomes) != len(s.Outcomes) {
		tb.Errorf("outcomes of the lines %v, of the summary %v", outcomes, s.Outcomes)
	}
	if asks != s.Asks {
		tb.Errorf("the summary counts %d asks, the lines %d", s.Asks, asks)
	}
}

func dnsLevel(a askLine) bool { return a.Action == "suspend_name" || a.Action == "registry_procedure" }

// disagreement is a line that is not what the world's parties wrote down.
type disagreement struct{ subject, what, truth, got string }

func (d disagreement) String() string {
	return fmt.Sprintf("%s: %s is %q, the truth %q", d.subject, d.what, d.got, d.truth)
}

// agreed is how many lines of each kind were compared.
type agreed struct{ outcomes, judgements, actors int }

// against holds the lines against the truth: the outcome of all, the class of
// those that were confirmed or found innocent, the actor where one is claimed,
// and that nobody was asked at the DNS level about what is not malicious. It
// shares no code with the program's own account.
func (b batch) against(tb testing.TB) (n agreed, all []disagreement) {
	tb.Helper()
	for _, c := range b.cases {
		t, ok := b.truth[c.Subject+" "+c.Type]
		if !ok {
			if t, ok = b.truth[c.Subject]; !ok {
				all = append(all, disagreement{c.Subject, "subject", "", "a case"})
				continue
			}
		}
		n.outcomes++
		if c.Outcome != t.Outcome {
			all = append(all, disagreement{c.Subject, "outcome", t.Outcome, c.Outcome})
		}
		if c.ConfirmedBy != "" || c.Judgement == "innocent" {
			n.judgements++
			got, want := c.Judgement, t.Class
			if got == "unknown" { // is treated as
				got = "compromised"
			}
			if want == "unknown" {
				want = "compromised"
			}
			if got != want && want != "platform" {
				all = append(all, disagreement{c.Subject, "judgement", t.Class, c.Judgement})
			}
		}
		if c.Actor != "" && c.Actor != "actor unknown" {
			n.actors++
			if !strings.EqualFold(c.Actor, t.Actor) {
				all = append(all, disagreement{c.Subject, "actor", t.Actor, c.Actor})
			}
		}
		for _, a := range c.Asked {
			if dnsLevel(a) && t.Class != "malicious" {
				tb.Errorf("%s is %s in truth, and %s was asked for %s", c.Subject, t.Class, a.Party, a.Action)
			}
		}
	}
	for _, t := range b.truth {
		if t.WrongfulDNS || t.WrongfulDNSAsks > 0 {
			tb.Errorf("%s (%s): %d wrongful asks at the DNS level", t.Subject, t.Class, t.WrongfulDNSAsks)
		}
	}
	return n, all
}
