package job

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"bailiwick/problem"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"
)

// driver is River's driver of an engine, with another ear: River's own
// listeners poll the database (SQLite) or need a pgx pool beside database/sql
// (PostgreSQL). This one hears, in process, that a commit wrote jobs, so that
// they start at once on both engines; other processes' jobs are found by
// polling. River says that its driver interface is not stable: what is used of
// it here is checked by the compiler, and TestWake fails if it is not heard.
type driver struct {
	riverdriver.Driver[*sql.Tx]
	bell *bell
}

// GetListener implements riverdriver.Driver.
func (d *driver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return &ear{bell: d.bell}
}

// SupportsListener implements riverdriver.Driver.
func (d *driver) SupportsListener() bool { return true }

// SupportsListenNotify implements riverdriver.Driver: nothing is written to
// the database for listeners.
func (d *driver) SupportsListenNotify() bool { return false }

// bell is rung after a commit. Rings that nobody has heard yet are one.
type bell struct{ rung chan struct{} }

func newBell() *bell { return &bell{make(chan struct{}, 1)} }

func (b *bell) ring() {
	select {
	case b.rung <- struct{}{}:
	default:
	}
}

// ear is a riverdriver.Listener that hears the bell as River's notice of an
// insert.
type ear struct{ bell *bell }

var inserted = riverdriver.Notification{Topic: "river_insert", Payload: `{"queue":"` + river.QueueDefault + `"}`}

// WaitForNotification implements riverdriver.Listener.
func (e *ear) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case <-e.bell.rung:
		n := inserted
		return &n, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// The rest of riverdriver.Listener has nothing to do.

func (e *ear) Close(context.Context) error            { return nil }
func (e *ear) Connect(context.Context) error          { return nil }
func (e *ear) Listen(context.Context, string) error   { return nil }
func (e *ear) Ping(context.Context) error             { return nil }
func (e *ear) Schema() string                         { return "" }
func (e *ear) SetAfterConnectExec(string)             {}
func (e *ear) Unlisten(context.Context, string) error { return nil }

// advisory is the number of the lock that one migration at a time holds on
// PostgreSQL: the first octets of SHA-256("bailiwick jobs").
const advisory = 0x34fbec5a14c77776

// migrate runs River's own migrations. Some of them cannot share a
// transaction on PostgreSQL, so there a lock keeps other processes out; on
// SQLite each step is a transaction, and who comes second to one tries again
// from where the first has got to.
func (q *Queue) migrate(ctx context.Context, d riverdriver.Driver[*sql.Tx], log *slog.Logger) (err error) {
	fail := func(err error) error {
		return problem.Wrap(err, problem.Unavailable, "the tables of the queue cannot be brought up to date")
	}
	m, err := rivermigrate.New(d, &rivermigrate.Config{Logger: log})
	if err != nil {
		return fail(err)
	}
	if v, err := m.Validate(ctx, nil); err == nil && v.OK {
		return nil
	}
	tries := 1
	if q.engine == "postgres" {
		conn, err := q.db.Conn(ctx)
		if err != nil {
			return fail(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(advisory)); err != nil {
			return fail(err)
		}
		defer func() {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(advisory)) // else at the end of the connection
		}()
	} else {
		tries = 50
	}
	for n := range tries {
		if _, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil); err == nil {
			return nil
		}
		select {
		case <-time.After(time.Duration(n+1) * time.Millisecond):
		case <-ctx.Done():
			return fail(ctx.Err())
		}
	}
	return fail(err)
}
