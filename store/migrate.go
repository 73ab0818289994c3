package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"

	"bailiwick/problem"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migration is one numbered step of the schema, in the text of one engine.
type migration struct {
	version int
	name    string
	sum     string // SHA-256 of the file
	text    string
}

// dialect turns the one text into an engine's.
func dialect(engine, text string) string {
	lite := engine == SQLite
	words := strings.NewReplacer(
		"@text", pick(lite, "TEXT", `TEXT COLLATE "C"`),
		"@int", pick(lite, "INTEGER", "BIGINT"),
		"@bytes", pick(lite, "BLOB", "BYTEA"),
		"@serial", pick(lite, "INTEGER PRIMARY KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
		" @strict", pick(lite, " STRICT", ""))
	var b strings.Builder
	for line := range strings.Lines(text) {
		rest, mine := line, true
		if r, ok := strings.CutPrefix(line, "@sqlite "); ok {
			rest, mine = r, lite
		} else if r, ok := strings.CutPrefix(line, "@postgres "); ok {
			rest, mine = r, !lite
		}
		if mine && !strings.HasPrefix(rest, "--") {
			b.WriteString(words.Replace(rest))
		}
	}
	return b.String()
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// readMigrations reads files named NNNN_words.sql, numbered from 1 without a
// gap.
func readMigrations(fsys fs.FS, engine string) ([]migration, error) {
	files, err := fs.Glob(fsys, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var out []migration
	for i, f := range files {
		text, err := fs.ReadFile(fsys, f)
		if err != nil {
			return nil, err
		}
		number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(f), ".sql"), "_")
		v, err := strconv.Atoi(number)
		if err != nil || v != i+1 {
			return nil, problem.New(problem.Internal, "the migration %s should be number %d", f, i+1)
		}
		sum := sha256.Sum256(text)
		out = append(out, migration{v, name, hex.EncodeToString(sum[:]), dialect(engine, string(text))})
	}
	return out, nil
}

// advisory is the number of the lock that only one migration at a time holds
// on PostgreSQL: the first octets of SHA-256("bailiwick migrations").
const advisory = 0x41845b3fecfab858

// migrate brings the schema up to date, all steps in one transaction: on both
// engines the definition of tables is transactional, so that one runner at a
// time works and no half is ever seen. (Goose cannot do that on SQLite: it
// commits each step by itself and has no lock there.)
func (s *Store) migrate(ctx context.Context) error {
	steps, err := readMigrations(migrations, s.engine)
	if err != nil {
		return err
	}
	if s.current(ctx, steps) {
		return nil // without waiting for whoever is writing
	}
	return s.Update(ctx, func(tx *Tx) error { return tx.migrate(ctx, steps) })
}

// current says whether nothing has to be migrated; a failure to read, such as
// of a new database, is a no.
func (s *Store) current(ctx context.Context, steps []migration) bool {
	same := false
	_ = s.View(ctx, func(tx *Tx) error {
		done, err := tx.applied(ctx)
		same = err == nil && len(done) == len(steps)
		for i := 0; same && i < len(done); i++ {
			same = done[i].version == steps[i].version && done[i].sum == steps[i].sum
		}
		return err
	})
	return same
}

// applied are the steps that the database has, without their texts.
func (tx *Tx) applied(ctx context.Context) ([]migration, error) {
	return list(ctx, tx, func(r scanner) (migration, error) {
		var m migration
		err := r.Scan(&m.version, &m.name, &m.sum)
		return m, err
	}, "SELECT version, name, sum FROM migrations ORDER BY version")
}

func (tx *Tx) migrate(ctx context.Context, steps []migration) error {
	if tx.s.engine == PostgreSQL {
		if _, err := tx.exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(advisory)); err != nil {
			return err
		}
	}
	if _, err := tx.exec(ctx, dialect(tx.s.engine,
		"CREATE TABLE IF NOT EXISTS migrations (version @int NOT NULL PRIMARY KEY, name @text NOT NULL, sum @text NOT NULL, applied @int NOT NULL) @strict")); err != nil {
		return err
	}
	done, err := tx.applied(ctx)
	if err != nil {
		return err
	}
	if len(done) > len(steps) {
		return problem.New(problem.Refused, "the database is at schema version %d, this program knows %d: a newer program wrote it", len(done), len(steps))
	}
	for i, d := range done {
		if d.version != i+1 || d.sum != steps[i].sum {
			return problem.New(problem.Corrupt, "schema version %d of the database (%s) is not the one this program knows", d.version, d.name)
		}
	}
	for _, m := range steps[len(done):] {
		// Without arguments both drivers run all statements of a text.
		if _, err := tx.sql.ExecContext(ctx, m.text); err != nil {
			return fmt.Errorf("store: migration %d (%s): %w", m.version, m.name, err)
		}
		if m.version == searchVersion { // what SQL alone cannot fill in
			if err := tx.fillSearch(ctx); err != nil {
				return fmt.Errorf("store: migration %d (%s): %w", m.version, m.name, err)
			}
		}
		if m.version == shareVersion {
			if err := tx.fillShares(ctx); err != nil {
				return fmt.Errorf("store: migration %d (%s): %w", m.version, m.name, err)
			}
		}
		if _, err := tx.exec(ctx, "INSERT INTO migrations (version, name, sum, applied) VALUES ($1, $2, $3, $4)",
			m.version, m.name, m.sum, instant(tx.s.clock.Now())); err != nil {
			return err
		}
		tx.s.log.Info("the schema of the database was brought up to date", "version", m.version, "name", m.name)
	}
	return nil
}
