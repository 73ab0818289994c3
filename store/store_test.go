package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"bailiwick/store"
	"bailiwick/store/pgtest"
	"bailiwick/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func sqliteDSN(t testing.TB) string {
	// A name with what a URI would read as something else.
	return "sqlite:" + filepath.Join(t.TempDir(), "sub dir", "a%20b#c?d&e.db")
}

func TestSQLite(t *testing.T) { storetest.Run(t, sqliteDSN, sqliteDSN) }

func TestPostgreSQL(t *testing.T) {
	storetest.Run(t, func(t testing.TB) string { return pgtest.DSN(t) }, func(t testing.TB) string {
		return pgtest.Copy(t, "store", func(dsn string) error {
			s, err := store.Open(context.Background(), dsn, store.Options{})
			if err != nil {
				return err
			}
			return s.Close()
		})
	})
}
