package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"bailiwick/problem"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// openSQLite opens the one connection that writes and the pool that reads.
// Every transaction on the writer begins IMMEDIATE, so that none has to be
// upgraded half-way. synchronous=FULL syncs the log at every commit;
// secure_delete overwrites what is deleted, so that erased keys and personal
// payloads do not linger in free pages.
func (s *Store) openSQLite(ctx context.Context, path string) error {
	s.engine = SQLite
	if path == "" || strings.HasPrefix(path, ":") || strings.ContainsRune(path, 0) {
		return problem.BadField("database", "sqlite: needs the path of a file")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return problem.Wrap(err, problem.Invalid, "database: the path %q cannot be used", path)
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o700); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the folder of the database cannot be made")
	}
	s.path = abs
	base := "file:" + (&url.URL{Path: abs}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=cache_size(-32768)"
	if s.w, err = sql.Open("sqlite", base+"&_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+
		"&_pragma=secure_delete(1)&_pragma=wal_autocheckpoint(4000)&_pragma=journal_size_limit(67108864)"); err != nil {
		return s.wrap(err, "open")
	}
	s.w.SetMaxOpenConns(1)
	if s.r, err = sql.Open("sqlite", base+"&_query_only=1"); err != nil {
		return s.wrap(err, "open")
	}
	readers := max(4, 2*runtime.GOMAXPROCS(0))
	s.r.SetMaxOpenConns(readers)
	s.r.SetMaxIdleConns(readers)
	// The change to WAL of a new file can meet another process doing the same,
	// which no busy timeout covers.
	for n := 0; ; n++ {
		err = s.w.PingContext(ctx)
		if err == nil || !retryable(err) || n == s.retries {
			break
		}
		select {
		case <-time.After(time.Duration(n+1) * 20 * time.Millisecond):
		case <-ctx.Done():
			return problem.Wrap(ctx.Err(), problem.Unavailable, "the database cannot be opened")
		}
	}
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "the database %s cannot be opened", path)
	}
	return os.Chmod(abs, 0o600)
}

// openPostgres opens one pool for all. A commit waits for its sync whatever
// the server's default is.
func (s *Store) openPostgres(ctx context.Context, dsn string) error {
	s.engine = PostgreSQL
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return problem.BadField("database", "is not a PostgreSQL address") // err may show the password
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "bailiwick"
	}
	cfg.RuntimeParams["synchronous_commit"] = "on"
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["client_encoding"] = "UTF8"
	s.w = stdlib.OpenDB(*cfg)
	s.w.SetMaxOpenConns(32)
	s.w.SetMaxIdleConns(32)
	s.w.SetConnMaxIdleTime(5 * time.Minute)
	s.r = s.w
	var enc string
	if err := s.w.QueryRowContext(ctx, "SHOW server_encoding").Scan(&enc); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the database cannot be reached")
	}
	if enc != "UTF8" {
		return problem.BadField("database", "has the encoding %s; UTF8 is needed", enc)
	}
	return nil
}

// prepare readies the statements of bulk work on SQLite's writer.
func (s *Store) prepare(ctx context.Context) error {
	s.hot = map[string]*sql.Stmt{}
	for _, q := range []string{insertReport, insertBlob, insertKey, knownBlob, insertEvents1, insertPayloads1, updateCase} {
		st, err := s.w.PrepareContext(ctx, q)
		if err != nil {
			return s.wrap(err, "prepare")
		}
		s.hot[q] = st
	}
	return nil
}

// wrap says what was being done when the database failed, and gives the
// failures that a caller can act on their code. It keeps err for retryable.
func (s *Store) wrap(err error, what string) error {
	if err == nil {
		return nil
	}
	var own *problem.Error
	switch {
	case errors.As(err, &own):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return problem.Wrap(err, problem.NotFound, "no such thing is stored")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return problem.Wrap(err, problem.Unavailable, "the database did not answer in time")
	case unique(err):
		return problem.Wrap(err, problem.Conflict, "it is there already, or somebody was first")
	case foreign(err):
		return problem.Wrap(err, problem.Conflict, "it refers to something that is not stored")
	}
	return fmt.Errorf("store: %s: %w", what, err)
}

func codes(err error) (lite int, pg string) {
	var le *sqlite.Error
	if errors.As(err, &le) {
		return le.Code(), ""
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return 0, pe.Code
	}
	return 0, ""
}

// retryable says that the transaction lost against another and may be run
// again as a whole.
func retryable(err error) bool {
	lite, pg := codes(err)
	switch lite & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return true
	}
	return pg == "40001" || pg == "40P01" // serialization_failure, deadlock_detected
}

func unique(err error) bool {
	lite, pg := codes(err)
	return lite == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || pg == "23505"
}

func foreign(err error) bool {
	lite, pg := codes(err)
	return lite == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY || pg == "23503"
}
