// Package job is the seam to the job queue: River, on the same database and in
// the same transactions as everything else. A job is always for now, has one
// attempt, and carries no truth: what is due, and when, is in the store's due
// columns (DESIGN section 5), so that a lost job loses nothing.
package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bailiwick/problem"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// Handler does the work of one job: on these ids, now. A handler that must not
// run twice calls complete in the transaction of its last write, which ends
// the job with that commit; one that may simply returns.
type Handler = func(ctx context.Context, ids []string, complete func(tx *sql.Tx) error) error

// Options of a queue.
type Options struct {
	Workers int           // jobs at a time; 4 if 0
	Poll    time.Duration // how often new jobs are looked for; 10 ms if 0
	Timeout time.Duration // of one job; 10 minutes if 0
	Owner   string        // names this process in the queue; a restart releases what it ran. Required.
	Logger  *slog.Logger
}

// args is the one kind of job that River knows.
type args struct {
	What string   `json:"what"`
	IDs  []string `json:"ids"`
}

// Kind implements river.JobArgs.
func (args) Kind() string { return "bailiwick" }

// maxIDs is how many ids one job carries; more become more jobs.
const maxIDs = 500

// Queue hands jobs to handlers.
type Queue struct {
	db     *sql.DB
	engine string
	owner  string
	client *river.Client[*sql.Tx]
}

// Open prepares the queue's tables in db and a client for them. engine is
// "sqlite" or "postgres".
func Open(ctx context.Context, db *sql.DB, engine string, handlers map[string]Handler, o Options) (*Queue, error) {
	var driver riverdriver.Driver[*sql.Tx]
	complete := func(ctx context.Context, tx *sql.Tx, j *river.Job[args]) error {
		_, err := river.JobCompleteTx[*riverdatabasesql.Driver](ctx, tx, j)
		return err
	}
	switch engine {
	case "postgres":
		driver = riverdatabasesql.New(db)
	case "sqlite":
		driver = riversqlite.New(db)
		complete = func(ctx context.Context, tx *sql.Tx, j *river.Job[args]) error {
			_, err := river.JobCompleteTx[*riversqlite.Driver](ctx, tx, j)
			return err
		}
	default:
		return nil, problem.New(problem.Internal, "there is no queue for the engine %q", engine)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.Poll == 0 {
		o.Poll = 10 * time.Millisecond
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Minute
	}
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet(o.Logger)})
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the queue's migrations")
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "the queue's tables cannot be made")
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{handlers: handlers, complete: complete})
	client, err := river.NewClient(driver, &river.Config{
		ID: o.Owner, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Workers}}, Workers: workers,
		FetchCooldown: min(o.Poll, 2*time.Millisecond), FetchPollInterval: o.Poll, PollOnly: true, MaxAttempts: 1, JobTimeout: o.Timeout,
		RescueStuckJobsAfter: o.Timeout + time.Hour, CompletedJobRetentionPeriod: time.Minute, DiscardedJobRetentionPeriod: time.Hour,
		Logger: quiet(o.Logger), ErrorHandler: &failures{o.Logger},
	})
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the queue's client")
	}
	return &Queue{db: db, engine: engine, owner: o.Owner, client: client}, nil
}

// quiet keeps River's running commentary out of the log.
func quiet(l *slog.Logger) *slog.Logger { return slog.New(levelled{l.Handler()}) }

type levelled struct{ slog.Handler }

// Enabled implements slog.Handler: warnings and errors only.
func (h levelled) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

type worker struct {
	river.WorkerDefaults[args]
	handlers map[string]Handler
	complete func(context.Context, *sql.Tx, *river.Job[args]) error
}

// Work implements river.Worker.
func (w *worker) Work(ctx context.Context, j *river.Job[args]) error {
	h, ok := w.handlers[j.Args.What]
	if !ok {
		return problem.New(problem.Internal, "there is no handler for jobs of kind %q", j.Args.What)
	}
	return h(ctx, j.Args.IDs, func(tx *sql.Tx) error { return w.complete(ctx, tx, j) })
}

// failures logs what a job did wrong. It is not tried again: what it was about
// is still due.
type failures struct{ log *slog.Logger }

// HandleError implements river.ErrorHandler.
func (f *failures) HandleError(ctx context.Context, j *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	if !errors.Is(err, context.Canceled) {
		f.log.Warn("a job failed; the sweep finds its work again", "job", j.ID, "err", err)
	}
	return nil
}

// HandlePanic implements river.ErrorHandler.
func (f *failures) HandlePanic(ctx context.Context, j *rivertype.JobRow, v any, trace string) *river.ErrorHandlerResult {
	f.log.Error("a job panicked", "job", j.ID, "panic", fmt.Sprint(v), "trace", trace)
	return nil
}

// Start begins to work. Jobs that an earlier process of this owner left
// running are dropped first: their work is still due.
func (q *Queue) Start(ctx context.Context) error {
	mine := "attempted_by[array_upper(attempted_by, 1)] = $1"
	if q.engine == "sqlite" { // one process, so every running job is a leftover
		mine = "$1 = $1"
	}
	if _, err := q.db.ExecContext(ctx, "DELETE FROM river_job WHERE state = 'running' AND "+mine, q.owner); err != nil {
		return problem.Wrap(err, problem.Unavailable, "leftover jobs cannot be released")
	}
	// River stops when its context ends; it is to be stopped by Stop, which
	// waits for the jobs under way.
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the queue does not start")
	}
	return nil
}

// Stop waits for the jobs under way, or until ctx ends and then interrupts
// them.
func (q *Queue) Stop(ctx context.Context) error {
	err := q.client.Stop(ctx)
	if ctx.Err() != nil {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return q.client.StopAndCancel(hard)
	}
	return err
}

// Enqueue adds jobs in tx; they exist if and when it commits. It satisfies
// store.Enqueuer.
func (q *Queue) Enqueue(ctx context.Context, tx *sql.Tx, kind string, ids []string) error {
	for len(ids) > 0 {
		n := min(len(ids), maxIDs)
		if _, err := q.client.InsertTx(ctx, tx, args{What: kind, IDs: ids[:n]}, nil); err != nil {
			return problem.Wrap(err, problem.Unavailable, "a job cannot be added")
		}
		ids = ids[n:]
	}
	return nil
}

// Idle says whether no job waits or runs.
func (q *Queue) Idle(ctx context.Context) (bool, error) {
	var n int
	err := q.db.QueryRowContext(ctx, "SELECT count(*) FROM river_job WHERE state IN ('available', 'running', 'pending', 'scheduled', 'retryable')").Scan(&n)
	if err != nil {
		return false, problem.Wrap(err, problem.Unavailable, "the queue cannot be read")
	}
	return n == 0, nil
}

// Wait returns when the queue is idle.
func (q *Queue) Wait(ctx context.Context) error {
	for {
		idle, err := q.Idle(ctx)
		if err != nil || idle {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// Empty drops every job. Nothing is lost by it: the sweep finds the work.
func (q *Queue) Empty(ctx context.Context) error {
	if _, err := q.db.ExecContext(ctx, "DELETE FROM river_job WHERE state <> 'running'"); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the queue cannot be emptied")
	}
	return nil
}
