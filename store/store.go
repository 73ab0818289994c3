// Package store is the database and the blobs: what arrived, the case logs and
// their projections, the delivery log, and raw bytes under their SHA-256. One
// SQL text runs on SQLite (modernc.org/sqlite) and PostgreSQL (pgx), and
// package storetest holds both to the same behaviour.
//
// The rules that make one text work: $n placeholders; times as integer
// microseconds; text collated by bytes; text from outside made valid UTF-8
// without NUL before it is written (the raw bytes stay in blobs); a Savepoint
// around each row of a batch that may fail; lower-cased columns for search.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"bailiwick/clock"
	"bailiwick/problem"
)

// Options say how a store is kept. The zero value works.
type Options struct {
	// BlobDir is the folder of large blobs. Every machine that works on one
	// database must see the same folder. Empty keeps all blobs in the database.
	BlobDir string
	// InlineLimit is the size in octets up to which a blob is kept in the
	// database; 0 is 64 KiB.
	InlineLimit int
	Clock       clock.Clock  // nil is the machine's
	Logger      *slog.Logger // nil logs nothing
}

// DefaultInlineLimit is the InlineLimit of the zero Options, in octets.
const DefaultInlineLimit = 64 << 10

// The engines.
const (
	SQLite     = "sqlite"
	PostgreSQL = "postgres"
)

// Store is an open database with its blobs. It is safe for concurrent use.
type Store struct {
	engine  string
	w, r    *sql.DB // one handle on PostgreSQL; on SQLite w has one connection and r only reads
	path    string  // of the SQLite file
	opts    Options
	clock   clock.Clock
	log     *slog.Logger
	hot     map[string]*sql.Stmt // SQLite: statements of bulk work, prepared once
	enq     atomic.Pointer[Enqueuer]
	retries int
	// trace, if not nil, is told of every step in which a blob file becomes
	// durable, and may fail it: for tests of the order of these steps.
	trace func(step, file string) error
}

// Enqueuer writes the jobs that an event causes into the transaction of the
// event. If it also has a method Wake(), that is called after each commit that
// enqueued something.
type Enqueuer interface {
	Enqueue(ctx context.Context, tx *sql.Tx, kind string, ids []string) error
}

// Open opens the database at dsn, "sqlite:PATH" or "postgres://…", makes it if
// need be (SQLite), and brings its schema up to date. Several processes may
// open one database at the same time: one of them migrates. A database newer
// than this program is refused.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	if o.InlineLimit == 0 {
		o.InlineLimit = DefaultInlineLimit
	}
	s := &Store{opts: o, clock: o.Clock, log: o.Logger, retries: 10}
	if s.clock == nil {
		s.clock = clock.Real{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	switch {
	case strings.HasPrefix(dsn, "sqlite:"):
		err = s.openSQLite(ctx, strings.TrimPrefix(dsn, "sqlite:"))
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		err = s.openPostgres(ctx, dsn)
	default:
		return nil, problem.BadField("database", "must be sqlite:PATH or postgres://…")
	}
	if err == nil {
		err = s.openBlobDir()
	}
	if err == nil {
		err = s.migrate(ctx)
	}
	if err == nil && s.engine == SQLite {
		err = s.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes the database. What was committed stays.
func (s *Store) Close() error {
	var errs []error
	for _, st := range s.hot {
		errs = append(errs, st.Close())
	}
	if s.r != nil && s.r != s.w {
		errs = append(errs, s.r.Close())
	}
	if s.w != nil {
		errs = append(errs, s.w.Close())
	}
	return errors.Join(errs...)
}

// Engine is SQLite or PostgreSQL.
func (s *Store) Engine() string { return s.engine }

// Writer is the handle that writes, for the job queue. On SQLite it has one
// connection: who holds a transaction on it must not ask it for another.
func (s *Store) Writer() *sql.DB { return s.w }

// SetEnqueuer says where Tx.Enqueue writes jobs; nil is nowhere.
func (s *Store) SetEnqueuer(e Enqueuer) {
	if e == nil {
		s.enq.Store(nil)
		return
	}
	s.enq.Store(&e)
}

// Tx is a transaction. It is not safe for concurrent use and is of no use
// after the function it was given to has returned. After any of its methods
// has failed, the whole transaction, or the Savepoint around the call, must be
// given up: PostgreSQL allows nothing else.
type Tx struct {
	s        *Store
	sql      *sql.Tx
	readOnly bool
	stmts    map[string]*sql.Stmt
	depth    int
	enqueued bool
	removed  []string // blob files to unlink after the commit
}

// Update runs fn in one writing transaction and commits it if fn returns nil.
// It runs again, a bounded number of times, when the database says that
// another transaction was in the way, so fn must have no effect but on the
// database and on variables that it sets anew. Methods of Store must not be
// called from within fn.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	for n := 0; ; n++ {
		err := s.once(ctx, s.w, nil, fn)
		if err == nil || !retryable(err) {
			return err
		}
		if n == s.retries {
			return problem.Wrap(err, problem.Unavailable, "the database is busy")
		}
		s.log.Debug("a transaction is run again", "attempt", n+1, "err", err)
		wait := time.NewTimer(time.Duration(1+rand.IntN(1<<min(n, 6))) * time.Millisecond)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return problem.Wrap(errors.Join(ctx.Err(), err), problem.Unavailable, "the database is busy")
		}
	}
}

// View runs fn in one transaction that only reads and sees one state of the
// database throughout.
func (s *Store) View(ctx context.Context, fn func(*Tx) error) error {
	o := &sql.TxOptions{ReadOnly: true}
	if s.engine == PostgreSQL {
		o.Isolation = sql.LevelRepeatableRead
	}
	return s.once(ctx, s.r, o, fn)
}

func (s *Store) once(ctx context.Context, db *sql.DB, o *sql.TxOptions, fn func(*Tx) error) (err error) {
	t, err := db.BeginTx(ctx, o)
	if err != nil {
		return s.wrap(err, "begin")
	}
	tx := &Tx{s: s, sql: t, readOnly: o != nil && o.ReadOnly}
	defer func() { _ = t.Rollback() }() // does nothing after a commit; runs also when fn panics
	if err := fn(tx); err != nil {
		return err
	}
	if tx.readOnly {
		return nil // nothing to keep, and a commit could only add a failure
	}
	if err := t.Commit(); err != nil {
		return s.wrap(err, "commit")
	}
	s.unlink(tx.removed)
	if tx.enqueued {
		if e := s.enq.Load(); e != nil {
			if w, ok := (*e).(interface{ Wake() }); ok {
				w.Wake()
			}
		}
	}
	return nil
}

// SQL is the transaction itself, for the job queue.
func (tx *Tx) SQL() *sql.Tx { return tx.sql }

// Enqueue writes one job of a kind for all ids, to be worked on after the
// commit. Without an Enqueuer or without ids it does nothing.
func (tx *Tx) Enqueue(ctx context.Context, kind string, ids ...string) error {
	e := tx.s.enq.Load()
	if e == nil || len(ids) == 0 {
		return nil
	}
	if tx.readOnly {
		return problem.New(problem.Internal, "a job cannot be enqueued while only reading")
	}
	if err := (*e).Enqueue(ctx, tx.sql, kind, ids); err != nil {
		return err
	}
	tx.enqueued = true
	return nil
}

// Savepoint runs fn so that its failure undoes what fn wrote and nothing else:
// one bad row of a batch does not cost the others. It returns fn's error.
// Savepoints may be nested.
func (tx *Tx) Savepoint(ctx context.Context, fn func() error) (err error) {
	removed := len(tx.removed)
	tx.depth++
	name := "sp" + string(rune('a'+tx.depth%26))
	defer func() { tx.depth-- }()
	if _, err := tx.sql.ExecContext(ctx, "SAVEPOINT "+name); err != nil {
		return tx.s.wrap(err, "savepoint")
	}
	if err := fn(); err != nil {
		tx.removed = tx.removed[:removed]
		if _, rerr := tx.sql.ExecContext(context.WithoutCancel(ctx), "ROLLBACK TO SAVEPOINT "+name); rerr != nil {
			return errors.Join(err, tx.s.wrap(rerr, "roll back to a savepoint"))
		}
		_, rerr := tx.sql.ExecContext(context.WithoutCancel(ctx), "RELEASE SAVEPOINT "+name)
		if rerr != nil {
			return errors.Join(err, tx.s.wrap(rerr, "release a savepoint"))
		}
		return err
	}
	_, err = tx.sql.ExecContext(ctx, "RELEASE SAVEPOINT "+name)
	return tx.s.wrap(err, "release a savepoint")
}

// exec runs a statement; statements of bulk work are prepared once on SQLite
// (pgx keeps its own).
func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	var res sql.Result
	var err error
	if st := tx.stmt(ctx, query); st != nil {
		res, err = st.ExecContext(ctx, args...)
	} else {
		res, err = tx.sql.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return 0, tx.s.wrap(err, "write")
	}
	return res.RowsAffected()
}

func (tx *Tx) stmt(ctx context.Context, query string) *sql.Stmt {
	if tx.readOnly || tx.s.hot[query] == nil {
		return nil
	}
	st := tx.stmts[query]
	if st == nil {
		st = tx.sql.StmtContext(ctx, tx.s.hot[query])
		if tx.stmts == nil {
			tx.stmts = map[string]*sql.Stmt{}
		}
		tx.stmts[query] = st
	}
	return st
}

func (tx *Tx) row(ctx context.Context, query string, args ...any) *sql.Row {
	if st := tx.stmt(ctx, query); st != nil {
		return st.QueryRowContext(ctx, args...)
	}
	return tx.sql.QueryRowContext(ctx, query, args...)
}

// list runs a query and scans every row.
func list[T any](ctx context.Context, tx *Tx, scan func(scanner) (T, error), query string, args ...any) (out []T, err error) {
	rows, err := tx.sql.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, tx.s.wrap(err, "read")
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, tx.s.wrap(err, "read a row")
		}
		out = append(out, v)
	}
	return out, tx.s.wrap(rows.Err(), "read")
}

type scanner interface{ Scan(dest ...any) error }

// scanString is the scan of a query for one text column.
func scanString(r scanner) (string, error) {
	var v string
	err := r.Scan(&v)
	return v, err
}
