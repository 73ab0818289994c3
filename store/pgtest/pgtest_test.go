package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// childEnv tells the test binary to start a cluster and be killed.
const childEnv = "BAILIWICK_PGTEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		c := get(Options{})
		if c.err != nil {
			fmt.Println("error:", c.err)
			os.Exit(1)
		}
		fmt.Println(c.dir)
		select {}
	}
	os.Exit(Main(m))
}

func TestFresh(t *testing.T) {
	a, b := DSN(t), DSN(t)
	if a == b {
		t.Fatal("two tests share a database")
	}
	for _, dsn := range []string{a, b, DSN(t, Options{Fsync: true})} {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		var tables int
		var fsync, enc string
		err = conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables)
		if err != nil || tables != 0 {
			t.Errorf("%d tables: %v", tables, err)
		}
		if err := conn.QueryRow(t.Context(), "SELECT current_setting('fsync'), current_setting('server_encoding')").Scan(&fsync, &enc); err != nil || enc != "UTF8" {
			t.Errorf("%s %v", enc, err)
		}
		if (fsync == "on") != (dsn != a && dsn != b) {
			t.Errorf("fsync is %s", fsync)
		}
		if _, err := conn.Exec(t.Context(), "CREATE TABLE t (a int)"); err != nil {
			t.Error(err)
		}
		_ = conn.Close(context.Background())
	}
}

// TestKilled: a cluster ends with its process, even one that had no time to
// say so, and takes its folder with it.
func TestKilled(t *testing.T) {
	DSN(t) // skips where there is no PostgreSQL
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := bufio.NewScanner(out)
	line.Scan()
	dir := line.Text()
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for deadline := time.Now().Add(30 * time.Second); ; {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the cluster outlives its process")
		}
		<-time.After(10 * time.Millisecond)
	}
}
