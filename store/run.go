package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"bailiwick/problem"
)

// Run is the work of one bulk run: the names still to be looked up, by the
// server that is asked first. It is a SQLite file of its own, beside what the
// run writes, so that a run needs no centre and millions of names are no load
// on one's database. One process at a time has it open.
type Run struct {
	db *sql.DB
}

// RunName is a name to be looked up.
type RunName struct {
	ID    int64
	Name  string // registered domain, A-labels
	Asked string // as it was written, when that is not the name; else ""
	Line  int64  // of the input, from 1
	Lane  string // whose turn it is: the server that is asked first
	Tries int    // how often it was put off
	// Due is when it was put back into its lane; zero for a name as it was added.
	Due time.Time
	// Half says that it was put back half-way: another server was asked before,
	// and its answer is not here.
	Half bool
}

// RunTally counts what became of the questions put to one server.
type RunTally struct {
	Asked, Answered, Throttled, Failed int64
}

// Add adds o.
func (t *RunTally) Add(o RunTally) {
	t.Asked, t.Answered, t.Throttled, t.Failed = t.Asked+o.Asked, t.Answered+o.Answered, t.Throttled+o.Throttled, t.Failed+o.Failed
}

// runSchema is the whole schema; a file of another version is refused.
const (
	runVersion = 1
	runSchema  = `
CREATE TABLE settings (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE lanes (id INTEGER PRIMARY KEY, server TEXT NOT NULL UNIQUE,
  asked INTEGER NOT NULL DEFAULT 0, answered INTEGER NOT NULL DEFAULT 0, throttled INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, asked TEXT NOT NULL, line INTEGER NOT NULL, lane INTEGER NOT NULL,
  due INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0, half INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX names_lane ON names (lane, due, id) WHERE done = 0;
`
)

// OpenRun opens the file of a run, and makes it if it is not there. The error
// is problem.Conflict when another process has it open, problem.Corrupt when it
// is something else.
func OpenRun(ctx context.Context, path string) (*Run, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "the path of the run file cannot be used")
	}
	// Exclusive: a second process must not work on the same names.
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: abs}).EscapedPath()+
		"?_txlock=exclusive&_pragma=busy_timeout(2000)&_pragma=locking_mode(EXCLUSIVE)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(4000)")
	if err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "the run file cannot be opened")
	}
	db.SetMaxOpenConns(1)
	r := &Run{db}
	if err := r.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return r, os.Chmod(abs, 0o600)
}

func (r *Run) prepare(ctx context.Context) error {
	return r.update(ctx, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		switch version {
		case runVersion:
			return nil
		case 0:
			_, err := tx.ExecContext(ctx, runSchema+"PRAGMA user_version = "+strconv.Itoa(runVersion))
			return err
		}
		return problem.New(problem.Corrupt, "the run file is of version %d, this program knows %d", version, runVersion)
	})
}

// Close closes the file.
func (r *Run) Close() error { return r.db.Close() }

func (r *Run) update(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return runErr(err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if err := fn(tx); err != nil {
		return runErr(err)
	}
	return runErr(tx.Commit())
}

func runErr(err error) error {
	var own *problem.Error
	switch {
	case err == nil, errors.As(err, &own):
		return err
	case retryable(err):
		return problem.Wrap(err, problem.Conflict, "another process works on this run")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return problem.Wrap(err, problem.Corrupt, "the run file cannot be used")
}

// Settings reads what was kept under keys; what is not there is "".
func (r *Run) Settings(ctx context.Context) (out map[string]string, err error) {
	out = map[string]string{}
	err = r.rows(ctx, "SELECT key, value FROM settings", func(s scanner) error {
		var k, v string
		err := s.Scan(&k, &v)
		out[k] = v
		return err
	})
	return out, err
}

func (r *Run) rows(ctx context.Context, query string, each func(scanner) error, args ...any) (err error) {
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return runErr(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := each(rows); err != nil {
			return runErr(err)
		}
	}
	return runErr(rows.Err())
}

func putSettings(ctx context.Context, tx *sql.Tx, set map[string]string) error {
	for k, v := range set {
		if _, err := tx.ExecContext(ctx, "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", k, v); err != nil {
			return err
		}
	}
	return nil
}

// Add writes names that are to be looked up, and settings, in one transaction.
// A name that is there already is passed over; twice says how many were.
func (r *Run) Add(ctx context.Context, names []RunName, set map[string]string) (twice int, err error) {
	err = r.update(ctx, func(tx *sql.Tx) error {
		lanes := lanes{tx: tx}
		add, err := tx.PrepareContext(ctx, "INSERT INTO names (name, asked, line, lane) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING")
		if err != nil {
			return err
		}
		defer func() { _ = add.Close() }() // the transaction's end closes it too
		for _, n := range names {
			lane, err := lanes.id(ctx, n.Lane)
			if err != nil {
				return err
			}
			res, err := add.ExecContext(ctx, n.Name, n.Asked, n.Line, lane)
			if err != nil {
				return err
			}
			if k, err := res.RowsAffected(); err != nil {
				return err
			} else if k == 0 {
				twice++
			}
		}
		return putSettings(ctx, tx, set)
	})
	return twice, err
}

// lanes finds the ids of servers.
type lanes struct {
	tx *sql.Tx
	of map[string]int64
}

func (l *lanes) id(ctx context.Context, server string) (int64, error) {
	if id, ok := l.of[server]; ok {
		return id, nil
	}
	var id int64
	err := l.tx.QueryRowContext(ctx, "INSERT INTO lanes (server) VALUES ($1) ON CONFLICT (server) DO UPDATE SET server = excluded.server RETURNING id", server).Scan(&id)
	if l.of == nil {
		l.of = map[string]int64{}
	}
	l.of[server] = id
	return id, err
}

// RunLane is a server's part of a run.
type RunLane struct {
	Server string
	Names  int64 // not done yet
	RunTally
}

// Lanes lists the servers that are asked first or were asked.
func (r *Run) Lanes(ctx context.Context) (out []RunLane, err error) {
	err = r.rows(ctx, `SELECT l.server, coalesce(n.n, 0), l.asked, l.answered, l.throttled, l.failed FROM lanes l
LEFT JOIN (SELECT lane, count(*) AS n FROM names WHERE done = 0 GROUP BY lane) n ON n.lane = l.id ORDER BY l.server`, func(s scanner) error {
		var l RunLane
		err := s.Scan(&l.Server, &l.Names, &l.Asked, &l.Answered, &l.Throttled, &l.Failed)
		out = append(out, l)
		return err
	})
	return out, err
}

// Count says how many names there are, and how many are done.
func (r *Run) Count(ctx context.Context) (all, done int64, err error) {
	err = r.rows(ctx, "SELECT count(*), coalesce(sum(done), 0) FROM names", func(s scanner) error { return s.Scan(&all, &done) })
	return all, done, err
}

// Pending reads names of a lane that are not done, in the order in which they
// are due, from the one after the last that was read (the zero RunName: from
// the first), due at until or before; at most limit.
func (r *Run) Pending(ctx context.Context, lane string, last RunName, until time.Time, limit int) (out []RunName, err error) {
	due := int64(-1)
	if last.ID != 0 {
		due = dueMicros(last.Due)
	}
	err = r.rows(ctx, `SELECT id, name, asked, line, tries, half, due FROM names WHERE done = 0 AND lane = (SELECT id FROM lanes WHERE server = $1)
AND (due, id) > ($2, $3) AND due <= $4 ORDER BY due, id LIMIT $5`, func(s scanner) error {
		n := RunName{Lane: lane}
		var due int64
		err := s.Scan(&n.ID, &n.Name, &n.Asked, &n.Line, &n.Tries, &n.Half, &due)
		if due > 0 {
			n.Due = time.UnixMicro(due).UTC()
		}
		out = append(out, n)
		return err
	}, lane, due, last.ID, dueMicros(until), limit)
	return out, err
}

func dueMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// RunStep is progress to be made durable: what is done, what is put off, what
// was counted by server.
type RunStep struct {
	Done  []int64   // ids
	Later []RunName // with their new Lane, Tries, Half and Due, which must be later than any before
	Tally map[string]RunTally
	Set   map[string]string
}

// Step writes progress in one transaction.
func (r *Run) Step(ctx context.Context, s RunStep) error {
	return r.update(ctx, func(tx *sql.Tx) error {
		done, err := tx.PrepareContext(ctx, "UPDATE names SET done = 1 WHERE id = $1")
		if err != nil {
			return err
		}
		defer func() { _ = done.Close() }()
		for _, id := range s.Done {
			if _, err := done.ExecContext(ctx, id); err != nil {
				return err
			}
		}
		lanes := lanes{tx: tx}
		for _, n := range s.Later {
			lane, err := lanes.id(ctx, n.Lane)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "UPDATE names SET lane = $1, due = $2, tries = $3, half = $4 WHERE id = $5", lane, dueMicros(n.Due), int64(n.Tries), boolInt(n.Half), n.ID); err != nil {
				return err
			}
		}
		for server, t := range s.Tally {
			lane, err := lanes.id(ctx, server)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "UPDATE lanes SET asked = asked + $1, answered = answered + $2, throttled = throttled + $3, failed = failed + $4 WHERE id = $5",
				t.Asked, t.Answered, t.Throttled, t.Failed, lane); err != nil {
				return err
			}
		}
		return putSettings(ctx, tx, s.Set)
	})
}

// FinishNames notes names as done whose results were found written though the
// run was stopped before it could note them. It says how many were not done.
func (r *Run) FinishNames(ctx context.Context, names []string, set map[string]string) (n int64, err error) {
	err = r.update(ctx, func(tx *sql.Tx) error {
		n = 0
		for _, d := range names {
			res, err := tx.ExecContext(ctx, "UPDATE names SET done = 1 WHERE name = $1 AND done = 0", d)
			if err != nil {
				return err
			}
			k, err := res.RowsAffected()
			if err != nil {
				return err
			}
			n += k
		}
		return putSettings(ctx, tx, set)
	})
	return n, err
}
