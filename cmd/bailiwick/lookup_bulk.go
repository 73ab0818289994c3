package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/config"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/text"

	"golang.org/x/term"
)

// Bounds of a bulk run.
const (
	maxLine   = 4096 // octets of a line that are read: a name has 253
	loadBatch = 10_000
	showBad   = 20        // bad lines told one by one; the others are counted
	keptHalf  = 4096      // answers kept for names that are put back half-way
	keptAll   = 64 << 20  // octets of all of them
	keptOne   = 256 << 10 // octets of one: a registration has a few thousand
)

// The settings of a run.
const (
	runInput   = "input"   // what the names come from
	runOffset  = "offset"  // octets of it that were read
	runLine    = "line"    // lines of it that were read
	runLoaded  = "loaded"  // "yes" once all were
	runBad     = "bad"     // lines that are no names
	runTwice   = "twice"   // names that were there already
	runActor   = "actor"   // who asks
	runPurpose = "purpose" // what for
	runKeep    = "contacts"
)

// bulk looks every name of a file up. What is still to be done lies in a file
// beside the output (OUT.run, or NAME.run), so that a run that was stopped, or
// killed, goes on where it was.
func (l *lookupCmd) bulk(e *env) error {
	switch {
	case !l.JSON:
		return problem.BadField("--json", "is missing: a bulk run prints lines for machines")
	case strings.TrimSpace(l.Actor) == "":
		return problem.BadField("--actor", "is missing: who asks?")
	case strings.TrimSpace(l.Purpose) == "":
		return problem.BadField("--purpose", "is missing: what are the names looked up for?")
	case l.RDAP || l.WHOIS || l.Fresh:
		return problem.BadField("--file", "goes without --rdap, --whois and --fresh")
	case l.RunName != "" && (strings.ContainsAny(l.RunName, `/\`) || strings.HasPrefix(l.RunName, ".")):
		return problem.BadField("--run", "is a name, not a path")
	}
	cfg, err := config.Load(e.config, os.Environ())
	if err != nil {
		return err
	}
	var w app.World
	if l.Lab != "" {
		if w, err = remoteWorld(e.ctx, l.Lab); err != nil {
			return err
		}
	}
	return l.bulkIn(e, cfg, w)
}

func (l *lookupCmd) bulkIn(e *env, cfg config.Config, w app.World) error {
	suffixes, err := app.Suffixes(cfg, w)
	if err != nil {
		return err
	}
	// With a centre its budgets are shared: a run beside it must not ask twice
	// as fast as the servers permit.
	var budgets collect.Budgets
	if configured(e) {
		st, err := openStore(e)
		if err != nil {
			return err
		}
		defer st.Close()
		budgets = app.Budgets(st)
		if l.Contacts {
			if err := seenByConsole(e.ctx, st, "bulk run "+l.path(), "for "+text.Line(l.Actor, 100)+": "+text.Line(l.Purpose, 200)); err != nil {
				return err
			}
		}
	}
	if w.Clock == nil {
		w.Clock = clock.Real{}
	}
	col, err := app.NewCollector(cfg, w, e.log, budgets, &halfway{kept: map[string]collect.Kept{}})
	if err != nil {
		return err
	}
	defer col.Close()
	path := l.path()
	run, err := store.OpenRun(e.ctx, path)
	if err != nil {
		return err
	}
	b := &bulkRun{l: l, e: e, run: run, col: col, suffixes: suffixes}
	err = b.work(w.Clock)
	err = errors.Join(err, run.Close())
	if err == nil && l.RunName == "" && l.Out == "" {
		_ = os.Remove(path) // nothing is left to be taken up again
	}
	return err
}

// halfway keeps the latest answers, for names that are put back into the file
// between two servers: what the first one said is then not asked for again. It
// is bounded in octets, since servers decide how long their answers are.
type halfway struct {
	mu     sync.Mutex
	kept   map[string]collect.Kept
	ring   [keptHalf]string // keys, the oldest at next; "" where none is
	next   int
	octets int // of what is kept
}

// Get implements collect.Answers.
func (h *halfway) Get(_ context.Context, server, question string) (collect.Kept, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k, ok := h.kept[server+" "+question]
	return k, ok
}

// Put implements collect.Answers. An answer that is too long is not kept: to ask
// again costs its own server a question, and keeping it the answers of others.
func (h *halfway) Put(_ context.Context, server, question string, k collect.Kept) {
	key := server + " " + question
	h.mu.Lock()
	defer h.mu.Unlock()
	if was, ok := h.kept[key]; ok {
		h.octets -= keptOctets(key, was)
		delete(h.kept, key)
		h.ring[slices.Index(h.ring[:], key)] = ""
	}
	n := keptOctets(key, k)
	if n > keptOne {
		return
	}
	// The ring is gone round from the oldest on, until there is a place and room.
	for at := h.next; h.ring[h.next] != "" || h.octets+n > keptAll; at = (at + 1) % keptHalf {
		if old := h.ring[at]; old != "" {
			h.octets -= keptOctets(old, h.kept[old])
			delete(h.kept, old)
			h.ring[at] = ""
		}
	}
	h.kept[key], h.ring[h.next] = k, key
	h.octets += n
	h.next = (h.next + 1) % keptHalf
}

// keptOctets is about what keeping an answer takes.
func keptOctets(key string, k collect.Kept) int {
	return 2*len(key) + cap(k.Raw) + len(k.Blob) + len(k.Server) + len(k.ContentType) + 200
}

// path is where the run's file is.
func (l *lookupCmd) path() string {
	switch {
	case l.RunName != "" && l.Out != "":
		return filepath.Join(filepath.Dir(l.Out), l.RunName+".run")
	case l.RunName != "":
		return l.RunName + ".run"
	case l.Out != "":
		return l.Out + ".run"
	}
	return filepath.Join(os.TempDir(), "bailiwick-lookup-"+strconv.Itoa(os.Getpid())+".run")
}

type bulkRun struct {
	l        *lookupCmd
	e        *env
	run      *store.Run
	col      *collect.Collector
	suffixes *name.Suffixes
	out      *os.File // nil: standard output
	told     int      // bad lines that were printed
}

func (b *bulkRun) say(format string, args ...any) { fmt.Fprintf(b.e.errs, format+"\n", args...) }

func (b *bulkRun) work(clk clock.Clock) error {
	ctx := b.e.ctx
	set, err := b.run.Settings(ctx)
	if err != nil {
		return err
	}
	if set, err = b.identify(set); err != nil {
		return err
	}
	if err := b.output(ctx, set); err != nil {
		return err
	}
	if b.out != nil {
		defer b.out.Close()
	}
	if set[runLoaded] != "yes" {
		if err := b.load(ctx, set); err != nil {
			return err
		}
	}
	look := &centre.BulkLookup{Run: b.run, Begin: b.col.Begin, Ask: b.col.Ask, Side: b.side, May: b.may, Pace: func(server string) float64 { return b.col.Terms(server).Rate },
		Line: b.line, Write: b.write, Clock: clk}
	bars := b.bars(look)
	err = look.Do(ctx)
	bars()
	return errors.Join(err, b.table(context.WithoutCancel(ctx), err))
}

// identify holds a run that is taken up again against what it was begun with.
func (b *bulkRun) identify(set map[string]string) (map[string]string, error) {
	input, err := b.fingerprint()
	if err != nil {
		return nil, err
	}
	want := map[string]string{runInput: input, runActor: b.l.Actor, runPurpose: b.l.Purpose, runKeep: strconv.FormatBool(b.l.Contacts)}
	if len(set) == 0 {
		_, err := b.run.Add(b.e.ctx, nil, want)
		return want, err
	}
	for _, k := range []string{runInput, runActor, runPurpose, runKeep} {
		if set[k] == want[k] {
			continue
		}
		if k == runInput {
			return nil, problem.New(problem.Conflict, "the run %s was begun with another file of names: give --run another name, or remove it", b.l.path())
		}
		return nil, problem.New(problem.Conflict, "the run %s was begun with --%s %s", b.l.path(), k, set[k])
	}
	b.say("taking up the run %s again", b.l.path())
	return set, nil
}

// fingerprint tells files of names apart: size and beginning. Standard input
// has none.
func (b *bulkRun) fingerprint() (string, error) {
	if b.l.File == "-" {
		return "-", nil
	}
	f, err := os.Open(b.l.File)
	if err != nil {
		return "", problem.Wrap(err, problem.Invalid, "--file: %s cannot be opened", b.l.File)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", problem.Wrap(err, problem.Invalid, "--file: %s cannot be read", b.l.File)
	}
	h := sha256.New()
	if _, err := io.CopyN(h, f, 64<<10); err != nil && err != io.EOF {
		return "", problem.Wrap(err, problem.Invalid, "--file: %s cannot be read", b.l.File)
	}
	return strconv.FormatInt(st.Size(), 10) + "-" + hex.EncodeToString(h.Sum(nil)), nil
}

// output opens the output, and finds in it the results that were written and
// not noted before the run was killed.
func (b *bulkRun) output(ctx context.Context, set map[string]string) error {
	if b.l.Out == "" {
		return nil
	}
	var err error
	if b.out, err = os.OpenFile(b.l.Out, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return problem.Wrap(err, problem.Invalid, "--out: %s cannot be opened", b.l.Out)
	}
	size, _ := strconv.ParseInt(set[centre.BulkOut], 10, 64) // none is 0
	st, err := b.out.Stat()
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "--out: %s cannot be read", b.l.Out)
	}
	if size == 0 && set[runLoaded] != "yes" && st.Size() > 0 {
		return problem.New(problem.Conflict, "--out: %s is there already, and not of this run", b.l.Out)
	}
	if st.Size() < size {
		return problem.New(problem.Corrupt, "--out: %s is shorter than the run %s says", b.l.Out, b.l.path())
	}
	if _, err := b.out.Seek(size, io.SeekStart); err != nil {
		return problem.Wrap(err, problem.Unavailable, "--out: %s cannot be read", b.l.Out)
	}
	var found []string
	r := bufio.NewReaderSize(b.out, 1<<20)
	for {
		raw, err := r.ReadBytes('\n')
		if err != nil {
			break // the last line may be half of one
		}
		var line struct {
			Name string `json:"name"`
		}
		if json.Unmarshal(raw, &line) != nil || line.Name == "" {
			break
		}
		found = append(found, line.Name)
		size += int64(len(raw))
	}
	if err := b.out.Truncate(size); err != nil {
		return problem.Wrap(err, problem.Unavailable, "--out: %s cannot be written", b.l.Out)
	}
	if _, err := b.out.Seek(size, io.SeekStart); err != nil {
		return problem.Wrap(err, problem.Unavailable, "--out: %s cannot be written", b.l.Out)
	}
	if len(found) > 0 {
		set[centre.BulkOut] = strconv.FormatInt(size, 10)
		_, err = b.run.FinishNames(ctx, found, map[string]string{centre.BulkOut: set[centre.BulkOut]})
	}
	return err
}

// write appends lines to the output.
func (b *bulkRun) write(lines []byte) (int64, error) {
	if b.out == nil {
		if _, err := b.e.out.Write(lines); err != nil {
			return 0, problem.Wrap(err, problem.Unavailable, "the output cannot be written")
		}
		return 0, nil
	}
	_, err := b.out.Write(lines)
	if err == nil {
		err = b.out.Sync()
	}
	if err != nil {
		return 0, problem.Wrap(err, problem.Unavailable, "the output cannot be written")
	}
	return b.out.Seek(0, io.SeekCurrent)
}

// load reads the names, from where it was stopped.
func (b *bulkRun) load(ctx context.Context, set map[string]string) error {
	in := io.Reader(os.Stdin)
	number := func(k string) int64 { n, _ := strconv.ParseInt(set[k], 10, 64); return n } // none is 0
	at, line, bad, twice := number(runOffset), number(runLine), number(runBad), number(runTwice)
	if b.l.File == "-" {
		if at > 0 {
			return problem.New(problem.Conflict, "standard input was not read to its end before the run was stopped: begin another run")
		}
	} else {
		f, err := os.Open(b.l.File)
		if err != nil {
			return problem.Wrap(err, problem.Invalid, "--file: %s cannot be opened", b.l.File)
		}
		defer f.Close()
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			return problem.Wrap(err, problem.Invalid, "--file: %s cannot be read", b.l.File)
		}
		in = f
	}
	r := bufio.NewReaderSize(in, 1<<18)
	var batch []store.RunName
	var below int64
	keep := func(loaded bool) error {
		set := map[string]string{runOffset: strconv.FormatInt(at, 10), runLine: strconv.FormatInt(line, 10), runBad: strconv.FormatInt(bad, 10)}
		if loaded {
			set[runLoaded] = "yes"
		}
		again, err := b.run.Add(ctx, batch, set)
		if err != nil {
			return err
		}
		batch = batch[:0]
		if twice += int64(again); again > 0 {
			_, err = b.run.Add(ctx, nil, map[string]string{runTwice: strconv.FormatInt(twice, 10)})
		}
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		raw, n, whole, err := readLine(r)
		if err != nil && err != io.EOF {
			return problem.Wrap(err, problem.Unavailable, "the names cannot be read")
		}
		if n == 0 {
			break
		}
		at += int64(n)
		line++
		if line == 1 {
			raw = bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF"))
		}
		if s := strings.TrimSpace(string(raw)); s != "" && s[0] != '#' {
			switch item, fault := b.read(s, whole); {
			case fault != "":
				bad++
				b.complain(line, s, fault)
			default:
				item.Line = line
				if item.Asked != "" && item.Asked != item.Name {
					below++
				}
				batch = append(batch, item)
			}
		}
		if len(batch) == loadBatch {
			if err := keep(false); err != nil {
				return err
			}
		}
	}
	if err := keep(true); err != nil {
		return err
	}
	all, _, err := b.run.Count(ctx)
	if err != nil {
		return err
	}
	b.say("%d lines: %d names to look up, %d written otherwise or below one, %d again, %d no names", line, all, below, twice, bad)
	if b.told < int(bad) {
		b.say("(%d bad lines are not shown)", int(bad)-b.told)
	}
	return nil
}

// read reads one line. fault says what is wrong with it.
func (b *bulkRun) read(s string, whole bool) (item store.RunName, fault string) {
	if !whole {
		return item, fmt.Sprintf("is over %d octets", maxLine)
	}
	t, err := readThing(s, b.suffixes)
	switch {
	case err != nil:
		return item, problem.DocumentOf(err).Detail
	case t.name.IsZero():
		return item, "is an address or AS number: a bulk run is for names"
	}
	item = store.RunName{Name: t.name.String(), Lane: noServer}
	if t.asked != item.Name {
		item.Asked = t.asked
	}
	// Who answers for it is told without asking anybody. Where nobody does, the
	// name still gets its line.
	if step, err := b.col.Begin(t.name); err == nil {
		item.Lane = step.Server
	}
	return item, ""
}

// noServer is the lane of names that nobody answers for.
const noServer = "none"

func (b *bulkRun) complain(line int64, s, fault string) {
	if b.told++; b.told > showBad {
		b.told = showBad
		return
	}
	b.say("line %d: %q: %s", line, text.Line(s, 60), fault)
}

// readLine reads a line of any length and keeps its beginning. whole says that
// this is all of it, n how many octets were read.
func readLine(r *bufio.Reader) (line []byte, n int, whole bool, err error) {
	whole = true
	for {
		part, err := r.ReadSlice('\n')
		n += len(part)
		if room := maxLine - len(line); len(part) > room {
			part, whole = part[:max(room, 0)], false
		}
		line = append(line, part...)
		if err != bufio.ErrBufferFull {
			return line, n, whole, err
		}
	}
}

// side is how many questions may be under way at a server: enough to use its
// rate if an answer takes up to half a second, and no more than its terms say.
// Where there is no rate to speak of, more at a time than connections are kept
// would only cost handshakes.
func (b *bulkRun) side(server string) int {
	t := b.col.Terms(server)
	n := 8
	if t.Rate < 1000 {
		n = int(min(32, max(4, math.Ceil(t.Rate/2))))
	}
	if t.Concurrency > 0 {
		n = min(n, t.Concurrency)
	}
	return n
}

// may says whether the terms of use of a server allow this run.
func (b *bulkRun) may(server string) error {
	switch t := b.col.Terms(server); {
	case t.NoBulk:
		return problem.New(problem.Refused, "the terms of use of %s do not allow bulk look-ups", server)
	case !t.Allows(b.l.Purpose):
		return problem.New(problem.Refused, "the terms of use of %s allow only: %s", server, strings.Join(t.Purposes, ", "))
	case b.l.Contacts && t.NoContacts:
		return problem.New(problem.Refused, "the terms of use of %s do not allow asking for contacts: run it without --contacts", server)
	}
	return nil
}

// line is what is written of a name.
func (b *bulkRun) line(r centre.LookupResult) ([]byte, error) {
	d, err := name.Parse(r.Name)
	if err != nil {
		return nil, err
	}
	rec := r.Record
	if !b.l.Contacts {
		rec = centre.WithoutContacts(rec)
	}
	out := lookupLineOf(r.Asked, d, rec)
	if out.Asked == "" {
		out.Asked = r.Name
	}
	out.Number = r.RunName.Line
	if r.Err != nil {
		doc := problem.DocumentOf(r.Err)
		out.Error = &doc
		if out.State == "" {
			out.State = "unknown"
		}
	}
	var w bytes.Buffer
	err = writeJSON(&w, out)
	return w.Bytes(), err
}

// bars shows progress until the function it gives is called: a bar on a
// terminal, else a line now and then.
func (b *bulkRun) bars(look *centre.BulkLookup) (stop func()) {
	f, ok := b.e.errs.(*os.File)
	terminal := ok && term.IsTerminal(int(f.Fd()))
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-done:
				if terminal {
					fmt.Fprintf(f, "\r\x1b[K%s\n", progressText(look.Progress()))
				}
				return
			case <-tick.C:
				p := look.Progress()
				if terminal {
					width := columns(f)
					line := progressBar(p) + progressText(p)
					if width > 0 && len([]rune(line)) >= width {
						line = string([]rune(line)[:width-1])
					}
					fmt.Fprintf(f, "\r\x1b[K%s", line)
				} else if n == 5 || n%60 == 0 {
					b.say("%s", progressText(p))
				}
			}
		}
	}()
	return func() { close(done); <-over }
}

func progressBar(p centre.LookupProgress) string {
	const width = 20
	full := 0
	if p.All > 0 {
		full = int(width * p.Done / p.All)
	}
	return "[" + strings.Repeat("#", full) + strings.Repeat(" ", width-full) + "] "
}

func progressText(p centre.LookupProgress) string {
	s := fmt.Sprintf("%d of %d names, %.0f/s", p.Done, p.All, p.Rate)
	switch {
	case p.Done == p.All:
	case p.Left == 0:
		s += ", time left not known yet"
	default:
		s += fmt.Sprintf(", about %s left: %s %s", roughly(p.Left), text.Line(p.Slowest, 60), p.Why)
	}
	return s
}

// roughly is a duration as precise as it is known.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return d.Round(time.Second).String()
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Round(time.Minute)/time.Minute)) + " min"
	case d < 72*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// table prints what became of the questions, by server.
func (b *bulkRun) table(ctx context.Context, failed error) error {
	lanes, err := b.run.Lanes(ctx)
	if err != nil {
		return err
	}
	all, done, err := b.run.Count(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(b.e.errs, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "asked\tanswered\tthrottled\tfailed\tnames left\t server")
	var sum store.RunTally
	var left int64
	for _, l := range lanes {
		if l.RunTally == (store.RunTally{}) && l.Names == 0 {
			continue
		}
		sum.Add(l.RunTally)
		left += l.Names
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t %s\n", l.Asked, l.Answered, l.Throttled, l.Failed, l.Names, text.Line(l.Server, 100))
	}
	fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t all\n", sum.Asked, sum.Answered, sum.Throttled, sum.Failed, left)
	if err := w.Flush(); err != nil {
		return err
	}
	b.say("%d of %d names done", done, all)
	if failed != nil && (b.l.RunName != "" || b.l.Out != "") {
		b.say("the same command goes on where this run was stopped")
	}
	return nil
}
