package centre_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bailiwick/api"
	"bailiwick/app"
	"bailiwick/config"
	"bailiwick/job"
	"bailiwick/store"
	"bailiwick/store/pgtest"
	"bailiwick/web"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// engines are the databases that what depends on state is tested on.
var engines = []struct {
	name string
	// dsn gives a new, empty database; fsync makes its commits durable where
	// that can be chosen.
	dsn func(tb testing.TB, fsync bool) string
}{
	{"sqlite", func(tb testing.TB, _ bool) string { return "sqlite:" + filepath.Join(tb.TempDir(), "state.db") }},
	{"postgres", func(tb testing.TB, fsync bool) string {
		return pgtest.Copy(tb, "centre", schema, pgtest.Options{Fsync: fsync})
	}},
}

// schema makes the tables of a centre: most tests are about what comes after, and
// a copy of them takes less time.
func schema(dsn string) (err error) {
	ctx := context.Background()
	s, err := store.Open(ctx, dsn, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	_, err = job.Open(ctx, s.Writer(), s.Engine(), nil, job.Options{Worker: "w1"})
	return err
}

// each runs a test on both engines, each time with a new database. With -short
// (the race detector's run, which is after our own memory and not after the
// database's behaviour) it runs on SQLite alone.
func each(t *testing.T, f func(t *testing.T, dsn func() string)) {
	t.Helper()
	for _, e := range engines {
		if testing.Short() && e.name != "sqlite" {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			f(t, func() string { return e.dsn(t, false) })
		})
	}
}

// settings are those of a centre at dsn that sends and confirms nothing: as
// shipped.
func settings(tb testing.TB, dsn string) config.Config {
	tb.Helper()
	cfg, err := config.Load("", nil)
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Database, cfg.Blobs, cfg.Listen, cfg.Worker = dsn, filepath.Join(tb.TempDir(), "blobs"), "127.0.0.1:0", "w1"
	return cfg
}

// newApp makes a centre that does nothing by itself, since neither the queue
// nor the sweep is started, and that reaches nothing.
func newApp(tb testing.TB, cfg config.Config, w app.World) *app.App {
	tb.Helper()
	return newAppLog(tb, cfg, w, quiet)
}

// quiet is a log that nobody reads.
var quiet = slog.New(slog.DiscardHandler)

func newAppLog(tb testing.TB, cfg config.Config, w app.World, log *slog.Logger) *app.App {
	tb.Helper()
	w.ByHand = true
	if w.Dial == nil {
		w.Dial = func(_ context.Context, _ netip.Addr, network, address string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("there is no network here, so not " + address)}
		}
	}
	a, err := app.New(tb.Context(), cfg, w, log)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { stop(tb, a) })
	return a
}

func stop(tb testing.TB, a *app.App) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 20*time.Second)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		tb.Errorf("stop: %v", err)
	}
}

// serve serves the API and the pages of a centre and gives their address.
func serve(tb testing.TB, a *app.App) string {
	tb.Helper()
	mux := http.NewServeMux()
	api.New(a.Centre, a.Access).Register(mux)
	if err := web.Register(mux, a.Centre, web.Options{}); err != nil {
		tb.Fatal(err)
	}
	srv := httptest.NewServer(mux)
	tb.Cleanup(srv.Close)
	return srv.URL
}
