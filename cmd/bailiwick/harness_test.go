package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bailiwick/lab"
	"bailiwick/lab/gateway"
	"bailiwick/store"
	"bailiwick/store/pgtest"

	"github.com/emersion/go-smtp"
)

// patience bounds everything that is waited for, on a machine that may be busy.
const patience = 3 * time.Minute

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// built is the program as a user runs it, made once for all tests.
var built struct {
	sync.Once
	dir, exe string
	err      error
}

// binary builds bailiwick, without cgo and without the race detector, and
// gives the path of the binary.
func binary(tb testing.TB) string {
	tb.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "bailiwick-bin-"); built.err != nil {
			return
		}
		built.exe = filepath.Join(built.dir, "bailiwick")
		cmd := exec.Command("go", "build", "-o", built.exe, ".")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w: %s", err, out)
		}
	})
	if built.err != nil {
		tb.Fatal(built.err)
	}
	return built.exe
}

// engines are the databases that tests of the whole program run on. The DSNs
// are new and durable.
var engines = []struct {
	name string
	dsn  func(tb testing.TB) string
}{
	{"sqlite", func(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "state.db") }},
	{"postgres", func(tb testing.TB) string { return pgtest.DSN(tb, pgtest.Options{Fsync: true}) }},
}

// freeAddr finds a loopback address that stays the same over restarts. Its
// port lies below those that the kernel hands out, so that nobody takes it
// while the server is down, and no client meets itself on it.
func freeAddr(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	tb.Fatal("no port is free")
	return ""
}

// site is one centre as an operator has it: a folder with a configuration, an
// address, and the program.
type site struct {
	tb     testing.TB
	addr   string // "127.0.0.1:port"
	url    string
	dsn    string
	blobs  string
	config string
	gate   string // of the lab
}

// operator is what differs between the operators of the tests.
type operator struct {
	mail     bool
	rules    bool
	playbook string
	workers  int
	inbox    string // where mail is taken; "" for nowhere
}

// newSite makes the folder and the configuration of a centre that will look at
// a lab.
func newSite(tb testing.TB, dsn, gate, addr string, o operator) *site {
	tb.Helper()
	dir := tb.TempDir()
	s := &site{tb: tb, addr: addr, url: "http://" + addr, dsn: dsn, blobs: filepath.Join(dir, "blobs"), config: filepath.Join(dir, "bailiwick.yaml"), gate: gate}
	s.configure(tb, o)
	return s
}

// configure writes the configuration; a server reads it when it starts.
func (s *site) configure(tb testing.TB, o operator) {
	tb.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "database: %q\nblobs: %q\nlisten: %q\nbase_url: %q\nworkers: %d\nworker: w1\n", s.dsn, s.blobs, s.addr, s.url, o.workers)
	fmt.Fprintf(&b, "centre:\n  name: Lab Coordination Centre\n  contact: desk@centre.example\nmail:\n  enabled: %t\n", o.mail)
	if o.rules {
		b.WriteString("confirm:\n  rules: [live-phishing, live-malware]\n")
	}
	if o.inbox != "" {
		fmt.Fprintf(&b, "inbox:\n  listen: %q\n  domain: centre.example\n  per_address: -1\n  per_domain: -1\n  connections_per_address: 100\n", o.inbox)
	}
	if o.playbook != "" {
		file := filepath.Join(filepath.Dir(s.config), "playbook.yaml")
		if err := os.WriteFile(file, []byte(o.playbook), 0o600); err != nil {
			tb.Fatal(err)
		}
		fmt.Fprintf(&b, "files:\n  playbooks: [%q]\n", file)
	}
	if err := os.WriteFile(s.config, []byte(b.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// command is the program with arguments, in this site's environment and no
// other.
func (s *site) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary(s.tb), append([]string{"--config", s.config}, args...)...)
	cmd.Dir = filepath.Dir(s.config)
	for _, v := range []string{"PATH", "HOME", "TMPDIR", "USER"} {
		cmd.Env = append(cmd.Env, v+"="+os.Getenv(v))
	}
	return cmd
}

// run runs a command to its end and gives what it printed.
func (s *site) run(args ...string) string {
	s.tb.Helper()
	cmd := s.command(args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		s.tb.Fatalf("bailiwick %s: %v: %s", strings.Join(args, " "), err, errs.Bytes())
	}
	return string(out)
}

// store opens the site's state, beside a server or after it.
func (s *site) store() *store.Store {
	s.tb.Helper()
	st, err := store.Open(s.tb.Context(), s.dsn, store.Options{BlobDir: s.blobs})
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(func() { st.Close() })
	return st
}

// server is a running `bailiwick serve`.
type server struct {
	cmd   *exec.Cmd
	log   *record
	ready chan struct{} // closed when it serves
	ended chan struct{} // closed when the process is gone
	err   error         // how it ended; read after ended
}

// record keeps what a process writes and tells of a line that begins with
// some words.
type record struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	words  string
	seen   chan struct{}
	closed bool
}

// Write implements io.Writer.
func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.buf.Write(b)
	if !r.closed && r.words != "" && bytes.Contains(r.buf.Bytes(), []byte(r.words)) {
		r.closed = true
		close(r.seen)
	}
	return len(b), nil
}

// String is all that was written.
func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// serve starts the server; wait for ready before counting on it.
func (s *site) serve() *server {
	s.tb.Helper()
	cmd := s.command("serve", "--lab", s.gate)
	out := &record{words: "serving at ", seen: make(chan struct{})}
	p := &server{cmd: cmd, log: &record{}, ready: out.seen, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = out, p.log
	if err := cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	s.tb.Cleanup(p.kill)
	return p
}

// serving starts the server and waits until it serves.
func (s *site) serving() *server {
	s.tb.Helper()
	p := s.serve()
	if err := p.wait(); err != nil {
		s.tb.Fatal(err)
	}
	return p
}

// wait waits until the server serves.
func (p *server) wait() error {
	select {
	case <-p.ready:
		return nil
	case <-p.ended:
		return fmt.Errorf("the server ended by itself: %w: %s", p.err, p.log)
	case <-time.After(patience):
		return fmt.Errorf("the server does not come up: %s", p.log)
	}
}

// kill ends the process at once, whatever it is doing.
func (p *server) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.ended
}

// stop asks the server to end and waits for it.
func (p *server) stop(tb testing.TB) {
	tb.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		tb.Fatalf("the server had ended before it was asked to: %v: %s", err, p.log)
	}
	select {
	case <-p.ended:
		if p.err != nil {
			tb.Errorf("the server did not end well: %v: %s", p.err, p.log)
		}
	case <-time.After(patience):
		tb.Fatal("the server does not end when asked to")
	}
}

// world is a lab in this process, at the machine's time, behind a gateway.
type world struct {
	*lab.World
	gate string
	tap  *tap
}

// newWorld starts a scenario and moves it along with the machine's clock.
// Parties answer to a centre at base; each answer of the lab's mail server
// takes as long as latency.
func newWorld(tb testing.TB, sc *lab.Scenario, base string, latency time.Duration) *world {
	tb.Helper()
	w, err := lab.Start(tb.Context(), sc, lab.Options{Start: time.Now().UTC()})
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.SetCentre(base); err != nil {
		tb.Fatal(err)
	}
	about, err := w.About()
	if err != nil {
		tb.Fatal(err)
	}
	b, err := json.Marshal(about)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	out := &world{World: w, gate: l.Addr().String(), tap: &tap{dial: w.Dial, latency: latency}}
	ctx, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := gateway.Serve(l, out.tap.Dial, b); err != nil {
			tb.Errorf("the gateway stopped: %v", err)
		}
	})
	running.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := w.Advance(ctx, time.Now().UTC()); err != nil && ctx.Err() == nil {
					tb.Errorf("the world stopped: %v", err)
					return
				}
			}
		}
	})
	tb.Cleanup(func() {
		stop()
		l.Close()
		running.Wait()
		if err := w.Close(); err != nil {
			tb.Errorf("the world does not end: %v", err)
		}
	})
	return out
}

// The points of an SMTP session at which a trap can spring.
const (
	atMail = "mail" // the server wants to send: the intent is committed, nothing was handed over
	atDot  = "dot"  // the mail is in the mailbox, and the answer is on its way back
)

// tap stands between the centre and the lab's mail server: it slows its
// answers down, counts sessions, and can stop one at a certain point for
// somebody who waits for it.
type tap struct {
	dial    gateway.Dial
	latency time.Duration

	mu   sync.Mutex
	trap *trap
}

// trap waits for a session to come to a point.
type trap struct {
	at     string
	sprung chan struct{} // closed when a session is there
	let    chan struct{} // closed to let the session go on
}

// set sets a trap. The caller closes let, also when it did not spring.
func (t *tap) set(at string) *trap {
	tr := &trap{at: at, sprung: make(chan struct{}), let: make(chan struct{})}
	t.mu.Lock()
	t.trap = tr
	t.mu.Unlock()
	return tr
}

// reached springs the trap if one is set for this point, and holds the session
// until it is let go.
func (t *tap) reached(at string) {
	t.mu.Lock()
	tr := t.trap
	if tr == nil || tr.at != at {
		t.mu.Unlock()
		return
	}
	t.trap = nil
	t.mu.Unlock()
	close(tr.sprung)
	<-tr.let
}

// unset takes a trap away and lets go what it may hold.
func (t *tap) unset(tr *trap) {
	t.mu.Lock()
	if t.trap == tr {
		t.trap = nil
	}
	t.mu.Unlock()
	close(tr.let)
}

// Dial is the world's, with mail sessions watched.
func (t *tap) Dial(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error) {
	c, err := t.dial(ctx, source, network, address)
	if err != nil || !strings.HasSuffix(address, ":25") {
		return c, err
	}
	return &session{Conn: c, tap: t}, nil
}

// session is one mail session, seen from the lab's side of the gateway.
type session struct {
	net.Conn
	tap *tap

	mu     sync.Mutex
	data   bool   // between DATA and the final dot
	dotted bool   // the final dot is out, its answer is not
	tail   []byte // the last octets of the data
}

// Write implements net.Conn: what the centre says.
func (s *session) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("MAIL FROM:")) {
		s.tap.reached(atMail)
	}
	s.mu.Lock()
	if s.data {
		s.tail = append(s.tail, b...)
		s.tail = s.tail[max(0, len(s.tail)-5):]
		if string(s.tail) == "\r\n.\r\n" {
			s.data, s.dotted = false, true
		}
	} else if bytes.HasPrefix(b, []byte("DATA\r\n")) {
		s.data, s.tail = true, nil
	}
	s.mu.Unlock()
	return s.Conn.Write(b)
}

// Read implements net.Conn: what the lab's server answers.
func (s *session) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if err != nil {
		return n, err
	}
	if s.tap.latency > 0 {
		<-time.After(s.tap.latency)
	}
	s.mu.Lock()
	taken := s.dotted
	s.dotted = false
	s.mu.Unlock()
	if taken && bytes.HasPrefix(b[:n], []byte("250")) {
		s.tap.reached(atDot)
	}
	return n, err
}

// messageIDs counts the accepted mails by Message-ID.
func (w *world) messageIDs(tb testing.TB) map[string]int {
	tb.Helper()
	out := map[string]int{}
	for _, m := range w.Mails() {
		id := ""
		sc := bufio.NewScanner(bytes.NewReader(m.Raw))
		for sc.Scan() && sc.Text() != "" {
			if k, v, ok := strings.Cut(sc.Text(), ":"); ok && strings.EqualFold(k, "Message-Id") {
				id = strings.Trim(strings.TrimSpace(v), "<>")
			}
		}
		if id == "" {
			tb.Errorf("a mail to %s has no Message-ID", m.To)
		}
		out[id]++
	}
	return out
}

// answer is what the API says to a report.
type answer struct {
	status  int
	receipt string
	repeat  bool
}

// send submits a report by mail once. An error says that the server has not
// taken it, or that nobody knows.
func send(ctx context.Context, addr string, raw []byte) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	c := smtp.NewClient(conn)
	return c.SendMail("desk@watchers.example", []string{"report@centre.example"}, bytes.NewReader(raw))
}

// post submits a report once.
func post(ctx context.Context, client *http.Client, base, key string, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v1/reports", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return answer{}, err
	}
	a := answer{status: resp.StatusCode}
	if a.status >= 500 {
		return a, fmt.Errorf("status %d: %s", a.status, b)
	}
	// A rejected report's receipt is inside a problem document.
	var doc struct {
		Receipt  json.RawMessage `json:"receipt"`
		Repeated bool            `json:"repeated"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return a, fmt.Errorf("status %d: %w: %s", a.status, err, b)
	}
	if a.repeat = doc.Repeated; json.Unmarshal(doc.Receipt, &a.receipt) == nil {
		return a, nil
	}
	var inner struct {
		Receipt  string `json:"receipt"`
		Repeated bool   `json:"repeated"`
	}
	if err := json.Unmarshal(doc.Receipt, &inner); err != nil || inner.Receipt == "" {
		return a, fmt.Errorf("status %d without a receipt: %s", a.status, b)
	}
	a.receipt, a.repeat = inner.Receipt, inner.Repeated
	return a, nil
}

// errWait says what was waited for in vain.
var errWait = errors.New("waited in vain")

// until asks again and again, a few times a second, until ok says so.
func until(ctx context.Context, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := ok()
		if err != nil || done {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errWait
		}
	}
}

// resting says whether nothing happens on a site's state before a time: no
// report waits, no notice is under way, no case is due. The second value says
// what does.
func resting(ctx context.Context, st *store.Store, horizon time.Time) (bool, string, error) {
	var next time.Time
	var some bool
	var notices map[store.NoticeState]int
	var reports map[store.ReportState]int
	err := st.View(ctx, func(tx *store.Tx) (err error) {
		if next, some, err = tx.NextDue(ctx); err != nil {
			return err
		}
		if notices, err = tx.CountNoticeStates(ctx); err != nil {
			return err
		}
		reports, err = tx.CountReports(ctx)
		return err
	})
	what := fmt.Sprintf("next due %s (now %s), notices %v, reports %v", next.Format(time.RFC3339Nano), time.Now().UTC().Format(time.RFC3339Nano), notices, reports)
	return err == nil && reports[store.ReportReceived] == 0 && notices[store.NoticeIntended] == 0 && (!some || next.After(horizon)), what, err
}
