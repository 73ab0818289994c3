package centre

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
)

// BulkLookup looks all names of a run up. Each server has a queue and workers of its
// own, a lane: how many questions are under way at it is bounded whatever the
// others do, and one that is slow, or wants to be left alone, holds up nobody
// else. What is in memory is bounded: the rest of each lane is in the run's
// file, and so is what the lanes have too much of half-way.
type BulkLookup struct {
	Run *store.Run
	// Begin and Ask are the collector's.
	Begin func(name.Domain) (collect.Step, error)
	Ask   func(context.Context, collect.Step) (collect.Outcome, error)
	// Side is how many questions may be under way at a server ("host:port") at
	// one time; nil or 0: DefaultSide.
	Side func(server string) int
	// May says why a server must not be asked for this run, by its terms of use;
	// nil: all may be asked.
	May func(server string) error
	// Pace is how many questions a second a server permits: what time is left is
	// told by it until more is known. nil: not known.
	Pace func(server string) float64
	// Line makes what is written of a result, with its line's end. It is called
	// by several goroutines at once.
	Line func(LookupResult) ([]byte, error)
	// Write appends lines to the output, durably, and gives its size.
	Write func([]byte) (int64, error)
	Clock clock.Clock // the collector's
	// Tries is how often a name is asked about at one server that throttles or
	// does not answer; 0: DefaultTries.
	Tries int
	// GiveUp is how long a server may give no answer at all before the names
	// that wait for it are given up; 0: DefaultGiveUp.
	GiveUp time.Duration

	mu      sync.Mutex
	lanes   map[string]*lane
	dirty   map[*lane]bool // to be filled or to get workers
	held    map[*lane]bool // with a time before which nothing is asked
	inHand  int            // names in follow queues
	left    int64
	all     int64
	tally   map[string]store.RunTally // not durable yet
	later   []store.RunName           // to be put back into the file
	wake    chan struct{}
	results chan bulkDone
	workers sync.WaitGroup
	samples []sample
}

// The defaults of BulkLookup.
const (
	DefaultSide   = 4
	DefaultTries  = 5
	DefaultGiveUp = 15 * time.Minute
)

// BulkOut is the setting of a run under which the size of its output is kept.
const BulkOut = "out"

// Bounds of a bulk run that have no setting.
const (
	laneBuffer = 512  // names of one lane read ahead
	maxInHand  = 4096 // names half-way, of all lanes
	bulkBatch  = 1000 // results made durable at once
	bulkEvery  = 200 * time.Millisecond

	// A server that throttles without saying for how long, or gives no answer
	// several times in a row, is left alone for a time that doubles.
	firstPause = 5 * time.Second
	lastPause  = 5 * time.Minute
	failsRow   = 3
)

// LookupResult is what became of one name.
type LookupResult struct {
	store.RunName
	Record registration.Record
	// Err says why there is no record; nil when there is one, whatever its
	// state.
	Err error
}

type bulkDone struct {
	id   int64
	line []byte
}

// item is a name on its way.
type item struct {
	store.RunName
	step  collect.Step
	begun bool
}

// lane is one server.
type lane struct {
	server string
	follow []item // half-way: before those that were not begun
	buffer []item // read from the file
	stored int64  // in the file, not read
	last   store.RunName
	active int
	until  time.Time // asked no question before
	pause  time.Duration
	fails  int       // in a row
	since  time.Time // of the first of them
	gone   bool      // it has given no answer for so long that nobody waits for it
	// refused says that the last answer was that it was asked too often.
	refused bool
	tally   store.RunTally
	next    map[string]int64 // whom its answers led to, and how often
	rates   []mark
}

// mark is how many questions a lane had put at a time.
type mark struct {
	at time.Time
	n  int64
}

type sample struct {
	at   time.Time
	done int64
}

// waiting is how many names wait in a lane or are under way.
func (l *lane) waiting() int64 {
	return l.stored + int64(len(l.follow)+len(l.buffer)+l.active)
}

// cautious says that only one question at a time is put: to see whether the
// server answers again.
func (l *lane) cautious() bool { return !l.gone && (l.refused || l.fails >= failsRow) }

func (b *BulkLookup) lane(server string) *lane {
	l, ok := b.lanes[server]
	if !ok {
		l = &lane{server: server, next: map[string]int64{}}
		b.lanes[server] = l
	}
	return l
}

// Do works until every name is done, or ctx ends: what was done is then in the
// file and in the output, and Do can be called again on the same run. It is
// called once for a BulkLookup.
func (b *BulkLookup) Do(ctx context.Context) error {
	if err := b.begin(ctx); err != nil {
		return err
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1)
	go func() {
		err := b.write(context.WithoutCancel(ctx))
		if err != nil {
			stop()
			for d := range b.results { // nobody is to wait for a writer that is gone
				_ = d
			}
		}
		failed <- err
	}()
	err := b.dispatch(asking)
	stop()
	b.workers.Wait()
	close(b.results)
	return errors.Join(<-failed, cmp.Or(ctx.Err(), err))
}

func (b *BulkLookup) begin(ctx context.Context) error {
	b.Tries, b.GiveUp = cmp.Or(b.Tries, DefaultTries), cmp.Or(b.GiveUp, DefaultGiveUp)
	b.lanes, b.dirty, b.held, b.tally = map[string]*lane{}, map[*lane]bool{}, map[*lane]bool{}, map[string]store.RunTally{}
	b.wake, b.results = make(chan struct{}, 1), make(chan bulkDone, bulkBatch)
	all, done, err := b.Run.Count(ctx)
	if err != nil {
		return err
	}
	stored, err := b.Run.Lanes(ctx)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all, b.left = all, all-done
	for _, s := range stored {
		l := b.lane(s.Server)
		l.stored, l.tally = s.Names, s.RunTally
		if l.stored > 0 {
			b.dirty[l] = true
		}
	}
	return nil
}

// poke says that the dispatcher has something to do.
func (b *BulkLookup) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// dispatch fills lanes from the file and gives them workers until nothing is
// left.
func (b *BulkLookup) dispatch(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		b.mu.Lock()
		if b.left == 0 {
			b.mu.Unlock()
			return nil
		}
		now := b.Clock.Now()
		next := now.Add(time.Minute)
		for l := range b.held {
			if !l.until.After(now) {
				delete(b.held, l)
				b.dirty[l] = true
			} else if l.until.Before(next) {
				next = l.until
			}
		}
		todo := slices.SortedFunc(maps.Keys(b.dirty), func(x, y *lane) int { return cmp.Compare(x.server, y.server) })
		clear(b.dirty)
		b.mu.Unlock()
		for _, l := range todo {
			if err := b.tend(ctx, l, now); err != nil {
				return err
			}
		}
		timer.Reset(max(time.Millisecond, next.Sub(b.Clock.Now())))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.wake:
		case <-timer.C:
		}
	}
}

// tend reads a lane's next names and starts its workers.
func (b *BulkLookup) tend(ctx context.Context, l *lane, now time.Time) error {
	b.mu.Lock()
	fill := l.stored > 0 && len(l.buffer) < laneBuffer/2
	last := l.last
	b.mu.Unlock()
	if fill {
		names, err := b.Run.Pending(ctx, l.server, last, now, laneBuffer)
		if err != nil {
			return err
		}
		b.mu.Lock()
		for _, n := range names {
			l.buffer = append(l.buffer, item{RunName: n})
			l.last = n
		}
		l.stored -= int64(len(names))
		if len(names) == 0 && l.stored > 0 { // put back a moment ago, and due in the next
			l.until = maxTime(l.until, now.Add(time.Millisecond))
			b.held[l] = true
		}
		b.mu.Unlock()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.until.After(now) && len(l.follow)+len(l.buffer) > 0 {
		b.held[l] = true
		return nil
	}
	side := DefaultSide
	if b.Side != nil {
		side = cmp.Or(b.Side(l.server), side)
	}
	if l.cautious() {
		side = 1
	}
	for n := min(side, len(l.follow)+len(l.buffer)) - l.active; n > 0; n-- {
		l.active++
		b.workers.Go(func() { b.work(ctx, l) })
	}
	return nil
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// work asks a lane's questions one after the other, as long as there are any
// that may be asked.
func (b *BulkLookup) work(ctx context.Context, l *lane) {
	for {
		it, ok := b.take(ctx, l)
		if !ok {
			return
		}
		b.ask(ctx, l, it)
	}
}

func (b *BulkLookup) take(ctx context.Context, l *lane) (it item, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	quit := func() (item, bool) {
		l.active--
		b.dirty[l] = true
		b.poke()
		return item{}, false
	}
	if ctx.Err() != nil || l.until.After(b.Clock.Now()) || l.cautious() && l.active > 1 {
		return quit()
	}
	switch {
	case len(l.follow) > 0:
		it, l.follow = l.follow[0], l.follow[1:]
		b.inHand--
	case len(l.buffer) > 0:
		it, l.buffer = l.buffer[0], l.buffer[1:]
		if l.stored > 0 && len(l.buffer) < laneBuffer/2 && !b.dirty[l] {
			b.dirty[l] = true
			b.poke()
		}
	default:
		return quit()
	}
	return it, true
}

// ask puts one question of a name, and those before it where the name was put
// back half-way.
func (b *BulkLookup) ask(ctx context.Context, l *lane, it item) {
	d, err := name.Parse(it.Name)
	if err == nil && !it.begun {
		it.step, err = b.Begin(d)
	}
	if err != nil {
		b.finish(it, registration.Record{}, err)
		return
	}
	if !it.begun && it.step.Server != l.server && !it.Half {
		// Since it was read, it was learned who answers for its top-level domain.
		it.begun = true
		b.pass(it, false)
		return
	}
	it.begun = true
	for {
		if b.May != nil {
			if err := b.May(it.step.Server); err != nil {
				rec, ok := it.step.Before()
				if ok { // the registry's part stands
					rec.Findings = append(rec.Findings, registration.Finding{ID: "lookup.not-asked", Severity: registration.Advice,
						Source: it.step.Role, Detail: problem.DocumentOf(err).Detail})
					err = nil
				}
				b.finish(it, rec, err)
				return
			}
		}
		begun := b.Clock.Now()
		o, err := b.Ask(ctx, it.step)
		if ctx.Err() != nil || !b.note(l, &it, o, err, begun) {
			return // when the run is stopped, the name stays in the file
		}
	}
}

// note counts what became of a question and sees to what follows. It says
// whether this worker goes on with the name at once.
func (b *BulkLookup) note(l *lane, it *item, o collect.Outcome, err error, begun time.Time) (again bool) {
	b.mu.Lock()
	at := b.lane(it.step.Server)
	now := b.Clock.Now()
	known := at.until.After(begun) // that it wants no question
	failed := !o.Throttled && (o.Failed != "" || problem.CodeOf(err) == problem.Unavailable)
	unasked := o.FromCache || o.Throttled && known || failed && !o.RetryAt.IsZero() || err != nil && !o.Throttled && !failed
	var count store.RunTally
	switch {
	case unasked:
	case o.Throttled:
		count = store.RunTally{Asked: 1, Throttled: 1}
	case failed:
		count = store.RunTally{Asked: 1, Failed: 1}
	default:
		count = store.RunTally{Asked: 1, Answered: 1}
	}
	t := b.tally[at.server]
	t.Add(count)
	b.tally[at.server] = t
	at.tally.Add(count)
	switch {
	case o.Throttled:
		at.pauseUntil(o.RetryAt, now, known)
		at.refused = true
	case failed:
		if at.fails++; at.fails == 1 {
			at.since = now
		}
		if at.gone = now.Sub(at.since) > b.GiveUp; at.gone {
			at.until = time.Time{} // who waits for it goes on without it
			b.dirty[at] = true
			b.poke()
		} else if !o.RetryAt.IsZero() || at.fails >= failsRow {
			at.pauseUntil(o.RetryAt, now, known)
		}
	case count.Answered > 0:
		if at.cautious() {
			b.dirty[at] = true // it may have all its workers again
			b.poke()
		}
		at.fails, at.pause, at.gone, at.refused = 0, 0, false, false
	}
	if at.until.After(now) {
		b.held[at] = true
	}
	// That nobody is there is not the name's fault: GiveUp bounds it.
	if (o.Throttled || failed && at.fails < failsRow) && !unasked {
		it.Tries++
	}
	most := b.Tries
	if failed && err == nil && !o.Done { // another server can be asked instead
		most = min(most, 2)
	}
	switch {
	case (o.Throttled || failed && !at.gone) && it.Tries < most:
		b.mu.Unlock()
		b.pass(*it, true) // the same step, later
		return false
	case err != nil || o.Done:
		b.mu.Unlock()
		b.finish(*it, o.Record, err)
		return false
	}
	if o.Next.Server != at.server {
		at.next[o.Next.Server]++
	}
	it.step, it.Tries = o.Next, 0
	// A name that was put back half-way goes through all its servers here.
	again = it.Half || it.step.Server == l.server
	b.mu.Unlock()
	if !again {
		b.pass(*it, true)
	}
	return again
}

// pauseUntil leaves a server alone until a time, or for a while that doubles
// when it did not say.
func (l *lane) pauseUntil(t, now time.Time, known bool) {
	if !t.After(now) {
		if known { // one pause for all who met the same refusal
			return
		}
		l.pause = min(max(2*l.pause, firstPause), lastPause)
		t = now.Add(l.pause)
	}
	l.until = maxTime(l.until, t)
}

// pass hands a name to the lane of its step: in memory while there is room,
// else through the file. half says that something was asked of it already.
func (b *BulkLookup) pass(it item, half bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to := b.lane(it.step.Server)
	if b.inHand < maxInHand {
		it.Half = false
		to.follow = append(to.follow, it)
		b.inHand++
		b.dirty[to] = true
	} else {
		it.Lane, it.Half = to.server, half && it.step.Role == "registrar"
		b.later = append(b.later, it.RunName)
	}
	b.poke()
}

// finish hands a result to the writer.
func (b *BulkLookup) finish(it item, rec registration.Record, err error) {
	line, lineErr := b.Line(LookupResult{RunName: it.RunName, Record: rec, Err: err})
	if lineErr != nil {
		line, lineErr = b.Line(LookupResult{RunName: it.RunName, Err: lineErr})
	}
	if lineErr != nil {
		line = nil
	}
	b.results <- bulkDone{it.ID, line}
}

// write makes results durable, many at a time: the lines first, then the note
// that they are written. A run that is killed in between finds them in the
// output.
func (b *BulkLookup) write(ctx context.Context) error {
	var lines bytes.Buffer
	var ids []int64
	tick := time.NewTicker(bulkEvery)
	defer tick.Stop()
	last := time.Time{}
	flush := func() error {
		b.mu.Lock()
		step := store.RunStep{Done: ids, Later: b.later, Tally: b.tally}
		b.later, b.tally = nil, map[string]store.RunTally{}
		b.mu.Unlock()
		if len(step.Done)+len(step.Later)+len(step.Tally) == 0 {
			return nil
		}
		if last = maxTime(b.Clock.Now(), last.Add(time.Microsecond)); len(step.Later) > 0 {
			for i := range step.Later {
				step.Later[i].Due = last
			}
		}
		if lines.Len() > 0 {
			size, err := b.Write(lines.Bytes())
			if err != nil {
				return err
			}
			step.Set = map[string]string{BulkOut: formatInt(size)}
		}
		if err := b.Run.Step(ctx, step); err != nil {
			return err
		}
		b.mu.Lock()
		b.left -= int64(len(ids))
		for _, n := range step.Later {
			l := b.lane(n.Lane)
			l.stored++
			b.dirty[l] = true
		}
		b.mu.Unlock()
		b.poke()
		ids = ids[:0]
		lines.Reset()
		return nil
	}
	for {
		select {
		case d, ok := <-b.results:
			if !ok {
				return flush()
			}
			lines.Write(d.line)
			if ids = append(ids, d.id); len(ids) < bulkBatch {
				continue
			}
		case <-tick.C:
		}
		if err := flush(); err != nil {
			return err
		}
	}
}

// LookupProgress is how far a run is.
type LookupProgress struct {
	All, Done int64
	// Rate is how many names a second were done lately.
	Rate float64
	// Left is how long it will take by what each server does today: the slowest
	// one decides. Zero while too little was seen to tell.
	Left time.Duration
	// Slowest is the server that decides, and Why what it is doing.
	Slowest string
	Why     string
}

// lately is how far back rates are counted.
const lately = 30 * time.Second

// Progress says how far the run is. To know rates it must be called regularly,
// about once a second.
func (b *BulkLookup) Progress() LookupProgress {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.Clock.Now()
	p := LookupProgress{All: b.all, Done: b.all - b.left}
	b.samples = append(b.samples, sample{now, p.Done})
	for len(b.samples) > 2 && now.Sub(b.samples[1].at) >= lately {
		b.samples = b.samples[1:]
	}
	if s := b.samples[0]; now.After(s.at) {
		p.Rate = float64(p.Done-s.done) / now.Sub(s.at).Seconds()
	}
	// What waits in a lane today, and what will come to it by where the answers
	// of the others led so far.
	load := map[*lane]float64{}
	for _, l := range b.lanes {
		n := float64(l.waiting())
		load[l] += n
		if l.tally.Answered == 0 || n == 0 {
			continue
		}
		for server, k := range l.next {
			if to, ok := b.lanes[server]; ok {
				load[to] += n * min(1, float64(k)/float64(l.tally.Answered))
			}
		}
	}
	for l, n := range load {
		asked := l.tally.Asked
		l.rates = append(l.rates, mark{now, asked})
		for len(l.rates) > 2 && now.Sub(l.rates[1].at) >= lately {
			l.rates = l.rates[1:]
		}
		if n < 1 {
			continue
		}
		rate := 0.0
		if m := l.rates[0]; now.After(m.at) {
			rate = float64(asked-m.n) / now.Sub(m.at).Seconds()
		}
		if rate == 0 && b.Pace != nil {
			rate = b.Pace(l.server)
		}
		wait := max(0, l.until.Sub(now))
		why := "asked as fast as it may be"
		switch {
		case wait > 0 && l.fails >= failsRow:
			why = "gives no answer"
		case wait > 0:
			why = "wants no question"
		}
		left := wait
		if rate > 0 {
			left += time.Duration(n / rate * float64(time.Second))
		} else if wait == 0 {
			continue // not known yet
		}
		if left > p.Left || left == p.Left && l.server < p.Slowest {
			p.Left, p.Slowest, p.Why = left, l.server, why
		}
	}
	return p
}

// WithoutContacts is a record without contacts, and without what was unreadable
// of them; that a field is withheld stays.
func WithoutContacts(r registration.Record) registration.Record { return bare(r) }

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }
