// Package pgtest gives tests a PostgreSQL of their own: one temporary cluster
// per test process, made with the machine's initdb, and a fresh database per
// test. Nothing outside its temporary folder is touched, and nothing is left
// running when the process ends, however it ends.
package pgtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Options say what kind of cluster a test needs.
type Options struct {
	// Fsync makes commits durable, for benchmarks and crash tests. Without it
	// tests run several times faster.
	Fsync bool
}

// clusters are those of this process: state that a test process has once,
// because starting a cluster takes seconds.
var clusters struct {
	sync.Mutex
	byOptions map[Options]*cluster
}

type cluster struct {
	dir   string // of the socket and the data
	owner string // database user
	alive io.Closer
	done  chan error
	err   error
	made  atomic.Int64 // databases of tests that have ended

	mu      sync.Mutex
	masters map[string]*master
}

// Main runs the tests of a package and stops the clusters they used before it
// returns the exit code: func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }.
// Without it they stop a moment after the process has ended.
func Main(m *testing.M) int {
	code := m.Run()
	Stop()
	return code
}

// Stop ends the clusters of this process and waits for them.
func Stop() {
	clusters.Lock()
	defer clusters.Unlock()
	for o, c := range clusters.byOptions {
		if c.alive != nil {
			_ = c.alive.Close()
			<-c.done
		}
		delete(clusters.byOptions, o)
	}
}

// DSN gives the address of a new, empty database, which goes with its cluster or
// before. Where PostgreSQL cannot be had the test is skipped, or fails if
// the environment says CI=true.
func DSN(t testing.TB, options ...Options) string {
	t.Helper()
	return fresh(t, need(t, options), "template1")
}

// Copy gives the address of a new database that is a copy of one that fill has
// filled, once for each name and cluster of a test process: such as a schema that
// takes longer to make than to copy. fill must have closed its connections when it
// returns, and leave nothing in the database that two tests must not share.
func Copy(t testing.TB, name string, fill func(dsn string) error, options ...Options) string {
	t.Helper()
	c := need(t, options)
	c.mu.Lock()
	m := c.masters[name]
	if m == nil {
		if c.masters == nil {
			c.masters = map[string]*master{}
		}
		m = &master{}
		c.masters[name] = m
	}
	c.mu.Unlock()
	m.once.Do(func() {
		m.db = newName(t)
		if m.err = c.create(m.db, "template1"); m.err == nil {
			m.err = fill(c.dsn(m.db))
		}
	})
	if m.err != nil {
		t.Fatalf("PostgreSQL, %s: %v", name, m.err)
	}
	return fresh(t, c, m.db)
}

// master is a database that others are copies of.
type master struct {
	once sync.Once
	db   string
	err  error
}

func need(t testing.TB, options []Options) *cluster {
	t.Helper()
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	c := get(o)
	if c.err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("PostgreSQL is needed: %v", c.err)
		}
		t.Skipf("needs PostgreSQL (Debian: apt-get install postgresql): %v", c.err)
	}
	return c
}

func newName(t testing.TB) string {
	t.Helper()
	var tag [6]byte
	if _, err := rand.Read(tag[:]); err != nil {
		t.Fatal(err)
	}
	return "t" + hex.EncodeToString(tag[:])
}

// undropped is how many databases a cluster may leave behind: they go with its
// folder, and to drop one takes as long as to make it.
const undropped = 150

func fresh(t testing.TB, c *cluster, from string) string {
	t.Helper()
	name := newName(t)
	if err := c.create(name, from); err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if c.made.Add(1) <= undropped {
			return
		}
		if err := c.do("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("PostgreSQL: %v", err)
		}
	})
	return c.dsn(name)
}

// create copies a database file by file, which takes the server a third of the
// time of copying it through the log. A master whose last connection is about to
// end is waited for.
func (c *cluster) create(name, from string) error {
	byFile := " STRATEGY FILE_COPY"
	for deadline := time.Now().Add(time.Minute); ; {
		err := c.do("CREATE DATABASE " + name + " TEMPLATE " + from + byFile)
		var pg *pgconn.PgError
		switch {
		case errors.As(err, &pg) && pg.Code == "42601" && byFile != "": // before PostgreSQL 15 it was the only way
			byFile = ""
		case errors.As(err, &pg) && pg.Code == "55006" && time.Now().Before(deadline): // object_in_use
		default:
			return err
		}
	}
}

func (c *cluster) dsn(db string) string {
	return "postgres:///" + db + "?" + url.Values{"host": {c.dir}, "user": {c.owner}, "sslmode": {"disable"}}.Encode()
}

func (c *cluster) do(query string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, query)
	return errors.Join(err, conn.Close(ctx))
}

func get(o Options) *cluster {
	clusters.Lock()
	defer clusters.Unlock()
	if clusters.byOptions == nil {
		clusters.byOptions = map[Options]*cluster{}
	}
	c := clusters.byOptions[o]
	if c == nil {
		c = &cluster{owner: "bailiwick"}
		c.err = c.start(o)
		clusters.byOptions[o] = c
	}
	return c
}

// programs finds the folder of initdb and postgres.
func programs() (string, error) {
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	dirs = append(dirs, found...)
	if p, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	for _, d := range dirs {
		if _, err := os.Stat(filepath.Join(d, "initdb")); err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(d, "postgres")); err == nil {
			return d, nil
		}
	}
	return "", errors.New("initdb and postgres were not found")
}

func version(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return n
}

// credential is whom to run as: PostgreSQL refuses to run as root.
func credential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("it does not run as root, and there is no user postgres")
}

// keeper runs postgres until its standard input closes, which the kernel sees
// to when the test process ends, then stops it and removes the folder.
const keeper = `trap '' INT TERM HUP
dir=$1; shift
"$@" </dev/null &
pid=$!
read -r _
kill -QUIT $pid
wait $pid
rm -rf "$dir"`

// maxTemp is the longest temporary folder that leaves room for the name of a
// socket, whose address holds 107 octets in all.
const maxTemp = 60

func (c *cluster) start(o Options) error {
	bin, err := programs()
	if err != nil {
		return err
	}
	cred, err := credential()
	if err != nil {
		return err
	}
	if len(os.TempDir()) > maxTemp {
		return errors.New("the path of the temporary folder is too long for a socket; set TMPDIR")
	}
	if c.dir, err = os.MkdirTemp("", "pgtest-"); err != nil {
		return err
	}
	fail := func(err error) error {
		_ = os.RemoveAll(c.dir)
		return err
	}
	if cred != nil {
		if err := os.Chown(c.dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return fail(err)
		}
	}
	data := filepath.Join(c.dir, "data")
	run := func(args ...string) *exec.Cmd {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = c.dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred, Setpgid: true}
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
		return cmd
	}
	initdb := []string{filepath.Join(bin, "initdb"), "-D", data, "-U", c.owner, "-E", "UTF8", "--auth=trust", "--no-sync", "--no-instructions"}
	// A locale that does not collate by bytes, so that what relies on the
	// database's own collation shows.
	out, err := run(append(initdb, "--locale-provider=icu", "--icu-locale=en-US")...).CombinedOutput()
	if err != nil {
		_ = os.RemoveAll(data)
		out, err = run(append(initdb, "--locale=C.UTF-8")...).CombinedOutput()
	}
	if err != nil {
		return fail(fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out)))
	}
	onOff := map[bool]string{true: "on", false: "off"}[o.Fsync]
	cmd := run("sh", "-c", keeper, "sh", c.dir, filepath.Join(bin, "postgres"), "-D", data, "-k", c.dir, "-c", "listen_addresses=", "-c", "fsync="+onOff,
		"-c", "full_page_writes="+onOff, "-c", "max_connections=300", "-c", "shared_buffers=64MB", "-c", "log_min_messages=error", "-c", "log_min_error_statement=panic",
		"-c", "unix_socket_permissions=0700", "-c", "max_wal_size=1GB")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fail(err)
	}
	// Not this process's outputs: whoever waits for their end must not wait
	// for the cluster's.
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return fail(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	err = cmd.Start()
	_ = log.Close()
	if err != nil {
		return fail(err)
	}
	c.alive, c.done = stdin, make(chan error, 1)
	go func() { c.done <- cmd.Wait(); close(c.done) }()
	deadline := time.Now().Add(time.Minute)
	for {
		if err = c.do("SELECT 1"); err == nil {
			return nil
		}
		select {
		case <-c.done:
		case <-time.After(20 * time.Millisecond):
			if time.Now().Before(deadline) {
				continue
			}
			_ = stdin.Close()
			<-c.done
		}
		text, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		c.alive = nil
		return fail(fmt.Errorf("postgres did not start: %w: %s", err, bytes.TrimSpace(text)))
	}
}
