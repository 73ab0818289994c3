// Package job is the seam to the job queue, River, on the same database as the
// rest. A job says "look at these now" and nothing else: what is due, and
// when, is in due columns, and a sweep finds it without any job. So a job has
// one attempt, is always for now, and may be lost; it makes work prompt.
package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"bailiwick/problem"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
)

// Handler works on ids of one kind. It calls complete in the transaction of
// its last write, so that the job is done exactly when that is; without that
// the queue marks the job as done some moments later, and a crash in between
// runs it again. An error or a panic is logged and ends the job: what is left
// to do is found by its due time. After Stop's patience has run out, or after
// Options.Timeout, ctx ends.
type Handler func(ctx context.Context, ids []string, complete func(tx *sql.Tx) error) error

// Options say how a queue works. The zero value works.
type Options struct {
	// Workers is how many jobs run at once; 0 is 4.
	Workers int
	// Poll is how often to look for jobs that another process wrote, 4 to 50
	// ms; 0 is 50 ms. A job that this process wrote through store.Tx.Enqueue
	// starts without waiting for it, so a short one only costs: at 20 ms an
	// idle queue took 8 % of a core on SQLite.
	Poll time.Duration
	// Timeout is how long one job may run; 0 is 15 minutes.
	Timeout time.Duration
	// Worker names this process, the same after a restart, and on PostgreSQL
	// different from every other process on the database: Start releases what
	// that name had under way. Empty on PostgreSQL, Start releases nothing.
	Worker string
	// Others are kinds that other processes handle and this one may enqueue.
	Others []string
	Logger *slog.Logger // nil logs nothing
}

// Bounds of a queue.
const (
	// MaxIDs is how many ids one job may have.
	MaxIDs = 10_000
	// MaxReleases is how often a job may be released that was running when its
	// process died: after that it is deleted, since it may be what kills it.
	MaxReleases = 3

	maxPoll      = 50 * time.Millisecond
	doneKept     = time.Minute // finished jobs
	failedKept   = time.Hour   // failed ones, with their error
	rescueMargin = 5 * time.Minute
)

// Queue is an open queue. It is safe for concurrent use.
type Queue struct {
	db       *sql.DB
	engine   string
	handlers map[string]Handler
	kinds    map[string]bool
	o        Options
	log      *slog.Logger
	bell     *bell
	client   *river.Client[*sql.Tx]
	drained  sync.WaitGroup
	unsub    func()

	mu      sync.Mutex
	active  int                // handlers that are running
	ending  map[int64]struct{} // handlers that have returned, until the database says so
	changed chan struct{}      // closed, and made anew, when a handler returns
}

// Open readies the queue on db, which is the store's writer ("sqlite" or
// "postgres"), and brings its tables up to date. A process without handlers
// only enqueues.
func Open(ctx context.Context, db *sql.DB, engine string, handlers map[string]Handler, o Options) (*Queue, error) {
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.Poll == 0 {
		o.Poll = maxPoll
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Minute
	}
	switch {
	case o.Workers < 0 || o.Workers > river.QueueNumWorkersMax:
		return nil, problem.BadField("workers", "must be 1 to %d", river.QueueNumWorkersMax)
	case o.Poll < 2*cooldown || o.Poll > maxPoll:
		return nil, problem.BadField("poll", "must be %v to %v", 2*cooldown, maxPoll)
	case o.Timeout < 0:
		return nil, problem.BadField("timeout", "must be over 0")
	case len(o.Worker) > 100:
		return nil, problem.BadField("worker", "is over 100 octets")
	}
	return open(ctx, db, engine, handlers, o)
}

// cooldown is the shortest time between two looks into the queue.
const cooldown = 2 * time.Millisecond

func open(ctx context.Context, db *sql.DB, engine string, handlers map[string]Handler, o Options) (*Queue, error) {
	q := &Queue{db: db, engine: engine, handlers: handlers, kinds: map[string]bool{}, o: o, log: o.Logger, bell: newBell(),
		ending: map[int64]struct{}{}, changed: make(chan struct{})}
	if q.log == nil {
		q.log = slog.New(slog.DiscardHandler)
	}
	var base riverdriver.Driver[*sql.Tx]
	switch engine {
	case "sqlite":
		base = riversqlite.New(db)
	case "postgres":
		base = riverdatabasesql.New(db)
	default:
		return nil, problem.New(problem.Internal, "there is no engine %q", engine)
	}
	quiet := slog.New(atLeast{slog.LevelWarn, q.log.Handler()})
	if err := q.migrate(ctx, base, quiet); err != nil {
		return nil, err
	}
	cfg := &river.Config{
		ID:                          o.Worker,
		MaxAttempts:                 1,
		JobTimeout:                  o.Timeout,
		RescueStuckJobsAfter:        o.Timeout + rescueMargin,
		FetchCooldown:               min(cooldown, o.Poll),
		FetchPollInterval:           o.Poll,
		CompletedJobRetentionPeriod: doneKept,
		CancelledJobRetentionPeriod: doneKept,
		DiscardedJobRetentionPeriod: failedKept,
		ErrorHandler:                failures{q.log},
		Logger:                      quiet,
		SkipUnknownJobCheck:         true, // checked in Enqueue
		FetchOnlyKnownKinds:         true,
	}
	for _, k := range o.Others {
		q.kinds[k] = true
	}
	if len(handlers) > 0 {
		cfg.Workers = river.NewWorkers()
		cfg.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Workers}}
		for kind := range handlers {
			q.kinds[kind] = true
			river.AddWorkerArgs(cfg.Workers, batch{kind: kind}, &worker{q: q})
		}
	}
	var err error
	q.client, err = river.NewClient(&driver{base, q.bell}, cfg)
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the queue cannot be set up")
	}
	return q, nil
}

// batch is what a job carries. Its kind is the job's own.
type batch struct {
	kind string
	IDs  []string `json:"ids"`
}

// Kind implements river.JobArgs.
func (b batch) Kind() string { return b.kind }

// Start releases what was left running and begins to work, until Stop. The
// end of ctx after Start has returned does not matter.
func (q *Queue) Start(ctx context.Context) error {
	if len(q.handlers) == 0 {
		return nil
	}
	if err := q.release(ctx); err != nil {
		return err
	}
	// From here on the client says which jobs the database knows to be over.
	over, unsub := q.client.Subscribe(river.EventKindJobCompleted, river.EventKindJobFailed, river.EventKindJobCancelled)
	q.unsub = unsub
	q.drained.Go(func() {
		for e := range over {
			q.mu.Lock()
			delete(q.ending, e.Job.ID)
			q.mu.Unlock()
		}
	})
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		unsub()
		q.drained.Wait()
		return problem.Wrap(err, problem.Unavailable, "the queue cannot be started")
	}
	return nil
}

// release makes jobs available again that were running when this process
// died. They may have had effects: those in the database went with the
// completion or not at all, and what is done outside is logged there first.
func (q *Queue) release(ctx context.Context) error {
	var mine string
	var args []any
	switch {
	case q.engine == "sqlite": // one process works on one file
	case q.o.Worker != "":
		mine, args = " AND attempted_by[array_upper(attempted_by, 1)] = $1", []any{q.o.Worker}
	default:
		return nil
	}
	for _, query := range []string{
		fmt.Sprintf("DELETE FROM river_job WHERE state = 'running' AND attempt >= %d", MaxReleases),
		"UPDATE river_job SET state = 'available' WHERE state = 'running'",
	} {
		res, err := q.db.ExecContext(ctx, query+mine, args...)
		if err != nil {
			return problem.Wrap(err, problem.Unavailable, "the queue cannot be read")
		}
		if n, err := res.RowsAffected(); err == nil && n > 0 {
			q.log.Info("jobs were left running by a process that died", "jobs", n, "deleted", query[0] == 'D')
		}
	}
	return nil
}

// Stop takes no more jobs and waits for those that run; when ctx ends first,
// theirs end too. What was not begun, or was cut short, stays in the queue.
func (q *Queue) Stop(ctx context.Context) error {
	if q.unsub == nil {
		return nil
	}
	err := q.client.Stop(ctx)
	if err != nil && ctx.Err() != nil {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = q.client.StopAndCancel(hard)
	}
	q.unsub()
	q.drained.Wait()
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "the queue did not stop in time")
	}
	return nil
}

// Enqueue writes one job for all ids in tx. It implements store.Enqueuer.
func (q *Queue) Enqueue(ctx context.Context, tx *sql.Tx, kind string, ids []string) error {
	switch {
	case len(ids) == 0:
		return nil
	case len(ids) > MaxIDs:
		return problem.New(problem.TooLarge, "a job has over %d ids", MaxIDs)
	case !q.kinds[kind]:
		return problem.New(problem.Internal, "nobody handles jobs of kind %q", kind)
	}
	if _, err := q.client.InsertManyFastTx(ctx, tx, []river.InsertManyParams{{Args: batch{kind, ids}}}); err != nil {
		return fmt.Errorf("job: enqueue %s: %w", kind, err)
	}
	return nil
}

// Wake has the queue look for jobs now. The store calls it after a commit that
// enqueued some.
func (q *Queue) Wake() { q.bell.ring() }

// Idle says whether no job waits or runs, in this process or, as far as the
// database knows, in any other. It must not be called within a transaction on
// the queue's database.
func (q *Queue) Idle(ctx context.Context) (bool, error) {
	q.mu.Lock()
	active := q.active
	ending := make(map[int64]bool, len(q.ending))
	for id := range q.ending { // before the database is asked: see below
		ending[id] = true
	}
	q.mu.Unlock()
	if active > 0 {
		return false, nil
	}
	// A job whose handler has returned may still be "running" here; what it
	// enqueued was committed before it returned, so it shows.
	rows, err := q.db.QueryContext(ctx, "SELECT id, state = 'running' FROM river_job WHERE state IN ('available', 'running') LIMIT 10000")
	if err != nil {
		return false, problem.Wrap(err, problem.Unavailable, "the queue cannot be read")
	}
	idle := true
	for idle && rows.Next() {
		var id int64
		var running bool
		if err := rows.Scan(&id, &running); err != nil {
			return false, errors.Join(err, rows.Close())
		}
		idle = running && ending[id]
	}
	return idle, errors.Join(rows.Err(), rows.Close())
}

// Wait returns when the queue is idle, or with an error when ctx ends first.
func (q *Queue) Wait(ctx context.Context) error {
	pause := time.Millisecond
	for {
		q.mu.Lock()
		changed := q.changed
		q.mu.Unlock()
		idle, err := q.Idle(ctx)
		if err != nil || idle {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-changed:
		case <-t.C:
			pause = min(2*pause, 16*time.Millisecond)
		case <-ctx.Done():
			t.Stop()
			return problem.Wrap(ctx.Err(), problem.Unavailable, "the queue is still at work")
		}
		t.Stop()
	}
}

// Empty deletes all jobs, also those that run, whose handlers go on and end
// well: for the test that no job is needed.
func (q *Queue) Empty(ctx context.Context) error {
	if _, err := q.db.ExecContext(ctx, "DELETE FROM river_job"); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the queue cannot be emptied")
	}
	return nil
}

// worker hands River's jobs to the handlers.
type worker struct {
	river.WorkerDefaults[batch]
	q *Queue
}

// Work implements river.Worker.
func (w *worker) Work(ctx context.Context, j *river.Job[batch]) error {
	q := w.q
	q.mu.Lock()
	q.active++
	q.mu.Unlock()
	defer func() { // also when the handler panics, which River contains
		q.mu.Lock()
		q.active--
		q.ending[j.ID] = struct{}{}
		close(q.changed)
		q.changed = make(chan struct{})
		q.mu.Unlock()
	}()
	complete := func(tx *sql.Tx) error {
		// The transaction has a context of its own; that the job's has ended
		// is no reason to do finished work twice.
		done, err := river.JobCompleteTx[*driver](context.WithoutCancel(ctx), tx, j)
		switch {
		case errors.Is(err, rivertype.ErrNotFound):
			return nil // the queue was emptied; the work counts
		case err != nil:
			return fmt.Errorf("job: complete: %w", err)
		case done.State != rivertype.JobStateCompleted:
			return problem.New(problem.Conflict, "the job was taken away from this worker")
		}
		return nil
	}
	return q.handlers[j.Kind](ctx, slices.Clone(j.Args.IDs), complete)
}

// failures logs what handlers return and panic with.
type failures struct{ log *slog.Logger }

// HandleError implements river.ErrorHandler.
func (f failures) HandleError(ctx context.Context, j *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "a job failed; what is left is found by its due time", "kind", j.Kind, "job", j.ID, "err", err)
	return nil
}

// HandlePanic implements river.ErrorHandler.
func (f failures) HandlePanic(ctx context.Context, j *rivertype.JobRow, v any, trace string) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "a job panicked; what is left is found by its due time", "kind", j.Kind, "job", j.ID, "panic", fmt.Sprint(v), "trace", trace)
	return nil
}

// atLeast is a log handler that leaves out what is below a level: River tells
// at each level what an operator of this program wants one level further down.
type atLeast struct {
	level slog.Level
	slog.Handler
}

// Enabled implements slog.Handler.
func (h atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.level && h.Handler.Enabled(ctx, l)
}

// WithAttrs implements slog.Handler.
func (h atLeast) WithAttrs(as []slog.Attr) slog.Handler {
	return atLeast{h.level, h.Handler.WithAttrs(as)}
}

// WithGroup implements slog.Handler.
func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.level, h.Handler.WithGroup(name)}
}
