package centre_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/collect"
	"bailiwick/config"
	"bailiwick/lab"
	"bailiwick/notify/email"
	"bailiwick/report/xarf"
	"bailiwick/store"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
)

// askWorld has parties that accept mail and do nothing, and names on which
// nothing happens.
const askWorld = `
days: 30
tlds: [{name: shopx}]
registrars:
  - {name: Mute Names, behaviour: silent}
  - {name: Fullbox, behaviour: {like: silent, mailbox: full}}
hosts: [{name: Quietrack, behaviour: silent}]
constituents: [{name: Aurora Bank, domains: [aurora-bank.shopx], behaviour: silent}]
names:
  - {name: aurora-login.shopx, site: {kind: phishing, path: /verify/}}
  - {name: aurora-b.shopx}
  - {name: aurora-c.shopx}
  - {name: aurora-d.shopx}
  - {name: aurora-full.shopx, registrar: Fullbox}
`

// ask files a report and has the case confirmed and its notices ordered.
func (r *rig) ask(subject string) casework.Case {
	r.t.Helper()
	path := "/"
	if subject == "aurora-login.shopx" {
		path = "/verify/"
	}
	r.filed(claimOf("phishing", "https://"+subject+path))
	c := r.only(subject)
	if c.State != casework.Coordinating {
		r.t.Fatalf("%s is %s", subject, c.State)
	}
	return c
}

// states counts a case's notices by state.
func (r *rig) states(c casework.Case) map[store.NoticeState]int {
	out := map[store.NoticeState]int{}
	for _, n := range r.notices(c) {
		out[n.State]++
	}
	return out
}

// TestSendingOff runs a centre as shipped, whose sending is not switched on:
// every notice waits, with the reason, and no silence counts. Switched on, they
// leave.
func TestSendingOff(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		at := dsn()
		r := newRig(t, at, askWorld, options{drive: swept, change: func(c *config.Config) { c.Mail.Enabled = false }})
		r.ask("aurora-login.shopx")
		r.until(4 * day)
		if n := len(r.world.Mails()); n != 0 {
			t.Fatalf("%d messages left", n)
		}
		c := r.only("aurora-login.shopx")
		for _, n := range r.notices(c) {
			if n.State != store.NoticeDue || n.Number != 1 || !strings.Contains(n.Response, "not switched on") || n.Due.Before(r.clock.Now()) || n.Due.Sub(r.clock.Now()) > hour {
				t.Errorf("%s is %s, due %s: %q", n.ID, n.State, stamp(n.Due), n.Response)
			}
		}
		for _, o := range c.Obligations {
			if o.Status != casework.Pending {
				t.Errorf("%s is %s", o.Party.Name, o.Status)
			}
		}
		r.check()
		stop(t, r.App)
		var err error
		r.cfg.Mail.Enabled = true
		if r.App, err = app.New(t.Context(), r.cfg, r.appWorld(), quiet); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stop(t, r.App) })
		r.url = serve(t, r.App)
		r.Centre.SetBaseURL(r.url)
		r.until(4*day + hour)
		if got := r.states(c); got[store.NoticeAccepted] != 3 || len(got) != 1 {
			t.Errorf("switched on: %v", got)
		}
	})
}

// TestStop turns the stop switch while notices wait, and back.
func TestStop(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		turn := func(v string) {
			r.update(func(ctx context.Context, tx *store.Tx) error {
				return tx.PutSetting(ctx, centre.SettingStop, []byte(v))
			})
		}
		turn("now")
		stopped, closed := r.ask("aurora-login.shopx"), r.ask("aurora-b.shopx")
		r.until(5 * hour)
		if n := len(r.world.Mails()); n != 0 {
			t.Fatalf("%d messages left", n)
		}
		for _, n := range r.notices(stopped) {
			if n.State != store.NoticeDue || !strings.Contains(n.Response, "stop switch") {
				t.Errorf("%s is %s: %q", n.ID, n.State, n.Response)
			}
		}
		// A notice whose case has ended before it left does not leave.
		if _, err := r.Centre.Act(t.Context(), closed.ID, casework.Close{By: "person:1", Reason: "a test"}); err != nil {
			t.Fatal(err)
		}
		turn("")
		r.until(6 * hour)
		if got := r.states(stopped); got[store.NoticeAccepted] != 3 || len(got) != 1 {
			t.Errorf("let go: %v", got)
		}
		for _, n := range r.notices(closed) {
			if n.State != store.NoticeStopped || n.Response == "" || n.Done.IsZero() {
				t.Errorf("%s of a closed case is %s: %q", n.ID, n.State, n.Response)
			}
		}
		if n := len(r.world.Mails()); n != 3 {
			t.Errorf("%d messages left", n)
		}
		r.check()
	})
}

// TestHeldWhileGone has the abuse away while a notice waits: nobody is asked
// about what is not seen, and the notice leaves when it is back.
func TestHeldWhileGone(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), strings.Replace(askWorld, "{name: aurora-b.shopx}", "{name: aurora-b.shopx, then: [{at: 2h, do: remove}, {at: 9h, do: restore}]}", 1), options{drive: swept})
		r.update(func(ctx context.Context, tx *store.Tx) error {
			return tx.PutSetting(ctx, centre.SettingStop, []byte("now"))
		})
		c := r.ask("aurora-b.shopx")
		r.until(3 * hour)
		r.update(func(ctx context.Context, tx *store.Tx) error { return tx.PutSetting(ctx, centre.SettingStop, nil) })
		r.until(8 * hour)
		for _, n := range r.notices(c) {
			if n.State != store.NoticeDue || !strings.Contains(n.Response, "not seen at the latest look") {
				t.Errorf("%s is %s: %q", n.ID, n.State, n.Response)
			}
		}
		r.until(20 * hour)
		if got := r.states(c); got[store.NoticeAccepted] != 3 {
			t.Errorf("back: %v", got)
		}
		r.check()
	})
}

// TestCaps asks about five names at once with room for two messages to a party,
// and then for four in all, in 24 hours.
func TestCaps(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		for _, c := range []struct {
			name       string
			party, all int
		}{{"per party", 2, 1000}, {"in all", 1000, 4}} {
			r := newRig(t, dsn(), askWorld, options{drive: queued, change: func(cfg *config.Config) { cfg.Mail.PerPartyPerDay, cfg.Mail.PerDay = c.party, c.all }})
			var held bool
			for _, n := range []string{"aurora-login.shopx", "aurora-b.shopx", "aurora-c.shopx", "aurora-d.shopx"} {
				for _, n := range r.notices(r.ask(n)) {
					held = held || n.State == store.NoticeDue && strings.Contains(n.Response, "24 hours, the cap is")
				}
			}
			if !held {
				t.Errorf("%s: no notice says that it waits for the cap", c.name)
			}
			r.until(5 * day)
			mails := r.world.Mails()
			if len(mails) < 8 {
				t.Errorf("%s: %d messages in five days", c.name, len(mails))
			}
			for i, m := range mails {
				all, to := 0, 0
				for _, o := range mails[i:] {
					if o.At.Sub(m.At) >= day {
						continue
					}
					if all++; o.To == m.To {
						to++
					}
				}
				if all > c.all || to > c.party {
					t.Fatalf("%s: %d messages in 24 hours from %s, %d to %s", c.name, all, stamp(m.At), to, m.To)
				}
			}
			r.check()
		}
	})
}

// TestFull has a mailbox that is full for good: it is tried again, at widening
// waits, and then nobody is taken to have been told.
func TestFull(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		c := r.ask("aurora-full.shopx")
		r.until(5 * day)
		c = r.only("aurora-full.shopx")
		i := slices.IndexFunc(c.Obligations, func(o casework.Obligation) bool { return o.Step == "registrar" })
		if o := c.Obligations[i]; o.Status != casework.Unreachable || !o.Delivered.IsZero() || !o.Due.IsZero() {
			t.Errorf("%+v", o)
		}
		for _, n := range r.notices(c) {
			if n.Obligation == c.Obligations[i].ID && (n.State != store.NoticeFailed || n.Attempts != 8 || !strings.Contains(n.Response, "Mailbox full") || n.Done.Sub(n.Created) < 12*hour) {
				t.Errorf("%s after %s: %d attempts, %q", n.State, n.Done.Sub(n.Created), n.Attempts, n.Response)
			}
		}
		r.check()
	})
}

// cutting is a dialer whose mail connections end between the final dot and the
// answer to it, for as long as cut is set.
type cutting struct {
	cut  atomic.Bool
	dial collect.Dial
}

func (c *cutting) Dial(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, source, network, address)
	if err != nil || !strings.HasSuffix(address, ":25") || !c.cut.Load() {
		return conn, err
	}
	return &cutConn{Conn: conn}, nil
}

type cutConn struct {
	net.Conn
	tail []byte
	over atomic.Bool
}

func (c *cutConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.tail = append(c.tail, b[:n]...)
	c.tail = c.tail[max(0, len(c.tail)-5):]
	if string(c.tail) == "\r\n.\r\n" {
		c.over.Store(true)
	}
	return n, err
}

func (c *cutConn) Read(b []byte) (int, error) {
	if c.over.Load() {
		return 0, io.ErrUnexpectedEOF
	}
	return c.Conn.Read(b)
}

// TestInDoubt cuts the connection after the final dot: the notice is in doubt,
// which the case shows, and is not repeated by itself. No clock runs. The
// reminder carries the whole of it.
func TestInDoubt(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		cut := &cutting{}
		r := newRig(t, dsn(), askWorld, options{drive: swept, loud: true, world: func(w *app.World) { cut.dial, w.Dial = w.Dial, cut.Dial }})
		cut.cut.Store(true)
		c := r.ask("aurora-login.shopx")
		cut.cut.Store(false)
		if got := r.states(c); got[store.NoticeInDoubt] != 3 || len(got) != 1 {
			t.Fatalf("%v", got)
		}
		for _, want := range []string{"constituent", "host", "registrar"} { // at once, so in any order
			if got := r.timeline(c); inOrder(got, []string{"notice in doubt " + want}) != "" {
				t.Errorf("%q", got)
			}
		}
		for _, o := range c.Obligations {
			if o.Status != casework.Pending || !o.Delivered.IsZero() || !o.Due.IsZero() || o.Doubts != 1 {
				t.Errorf("%+v", o)
			}
		}
		r.until(11 * hour)
		if got := r.states(c); got[store.NoticeInDoubt] != 3 || len(got) != 1 {
			t.Errorf("before any reminder: %v", got)
		}
		r.until(30 * hour)
		c = r.only("aurora-login.shopx")
		for _, o := range c.Obligations {
			if o.Action.Asks() && (o.Status != casework.Running && o.Status != casework.Missed || o.Delivered.Sub(begin) < 12*hour || o.Due.Sub(o.Delivered) < 24*hour) {
				t.Errorf("reminded: %+v", o)
			}
		}
		reminders := 0
		for _, m := range r.world.Mails() {
			got := readMail(t, m)
			if m.At.Equal(begin) {
				continue // the lab's server had it, though nobody told us
			}
			reminders++
			if got.xarf["url"] != "https://aurora-login.shopx/verify/" || !strings.Contains(strings.Join(strings.Fields(got.text), " "), "repeats the whole notice") || !strings.Contains(got.text, "aurora-login[.]shopx/verify/") || got.answer == "" {
				t.Errorf("the reminder does not carry the whole notice:\n%s", got.text)
			}
		}
		if reminders != 3 { // the host's clock began with its first, and runs to its second
			t.Errorf("%d reminders", reminders)
		}
	})
}

// TestDeadWorker leaves notices under way, as a worker does that dies between
// the intent and the result: at its next start they are in doubt, and nothing
// of anybody else's; those of a worker that never comes back when their lease
// is over.
func TestDeadWorker(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept, change: func(c *config.Config) { c.Mail.Enabled = false }})
		c := r.ask("aurora-login.shopx")
		ns := r.notices(c)
		if len(ns) != 3 {
			t.Fatalf("%d notices", len(ns))
		}
		real := time.Now()
		r.update(func(ctx context.Context, tx *store.Tx) error {
			for i, w := range []struct {
				worker string
				at     time.Time
			}{{"w1", real}, {"other", real}, {"gone", real.Add(-time.Hour)}} {
				if ok, err := tx.IntendNotice(ctx, ns[i].ID, w.worker, fmt.Sprintf("m%d@centre.example", i), "", w.at); !ok || err != nil {
					return fmt.Errorf("%t %w", ok, err)
				}
			}
			return nil
		})
		state := func() (out []store.NoticeState) {
			for _, n := range ns {
				r.view(func(ctx context.Context, tx *store.Tx) error {
					n, err := tx.Notice(ctx, n.ID)
					out = append(out, n.State)
					return err
				})
			}
			return out
		}
		if err := r.Centre.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := state(); !slices.Equal(got, []store.NoticeState{store.NoticeInDoubt, store.NoticeIntended, store.NoticeIntended}) {
			t.Errorf("at the start: %v", got)
		}
		for range 2 {
			if _, err := r.Centre.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := state(); !slices.Equal(got, []store.NoticeState{store.NoticeInDoubt, store.NoticeIntended, store.NoticeInDoubt}) {
			t.Errorf("after the sweep: %v", got)
		}
		c = r.only("aurora-login.shopx")
		doubts := 0
		for _, o := range c.Obligations {
			doubts += o.Doubts
		}
		if doubts != 2 {
			t.Errorf("%d doubts on the case", doubts)
		}
		if n := len(r.world.Mails()); n != 0 {
			t.Errorf("%d messages left", n)
		}
	})
}

// TestSentOnce has many workers deliver the same notices at the same time.
func TestSentOnce(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		r.update(func(ctx context.Context, tx *store.Tx) error {
			return tx.PutSetting(ctx, centre.SettingStop, []byte("now"))
		})
		c := r.ask("aurora-login.shopx")
		r.update(func(ctx context.Context, tx *store.Tx) error { return tx.PutSetting(ctx, centre.SettingStop, nil) })
		r.clock.Set(r.clock.Now().Add(hour))
		if err := r.world.Advance(t.Context(), r.clock.Now()); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, n := range r.notices(c) {
			ids = append(ids, n.ID)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := r.Centre.Deliver(t.Context(), ids); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(r.world.Mails()); n != len(ids) || n != 3 {
			t.Errorf("%d messages for %d notices", n, len(ids))
		}
		r.settle()
		r.check()
	})
}

// letter is a mail as a desk reads it.
type letter struct {
	header mail.Header
	text   string
	xarf   map[string]any
	raw    []byte // the XARF part
	all    string // every part, decoded
	answer string // the address after "Answer:"
}

func readMail(t *testing.T, m lab.Mail) letter {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		t.Fatal(err)
	}
	out := letter{header: msg.Header}
	e, err := message.Read(bytes.NewReader(m.Raw))
	if err != nil {
		t.Fatal(err)
	}
	mr := e.MultipartReader()
	if mr == nil {
		t.Fatalf("not multipart: %s", m.Raw)
	}
	for {
		p, err := mr.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p.Body)
		if err != nil {
			t.Fatal(err)
		}
		out.all += string(b) + "\n"
		switch kind, _, _ := p.Header.ContentType(); kind {
		case "text/plain":
			out.text += string(b)
		case "application/json":
			out.raw = b
			if err := json.Unmarshal(b, &out.xarf); err != nil {
				t.Fatal(err)
			}
		}
	}
	for line := range strings.Lines(out.text) {
		if a, ok := strings.CutPrefix(strings.TrimSpace(line), "Answer: "); ok {
			out.answer = a
		}
	}
	return out
}

// TestMessage reads the messages of an ask as the parties get them: nobody who
// was hit is named in them, nor who reported it, nothing can be clicked by
// accident, the machine-readable copy is valid, and the answers find their way
// back.
func TestMessage(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		r.filed(`{"type":"phishing","url":"https://aurora-login.shopx/verify/?e=victim.person%40mail.example&id=77&t=victim.person@mail.example#victim.person@mail.example",` +
			`"description":"sent to victim.person@mail.example","reporter":{"org":"Secret Reporter","contact":"secret@reporter.example","name":"Sam Secret"}}`)
		c := r.only("aurora-login.shopx")
		mails := r.world.Mails()
		if len(mails) != 3 {
			t.Fatalf("%d messages", len(mails))
		}
		key := r.Centre.ReplyKey
		for _, m := range mails {
			got := readMail(t, m)
			for _, no := range []string{"victim.person", "mail.example", "Secret", "secret@", "Sam Secret"} {
				if strings.Contains(got.all, no) || bytes.Contains(m.Raw, []byte(no)) {
					t.Errorf("to %s: %q is in\n%s", m.To, no, got.all)
				}
			}
			// In the text nothing of the abuse is a link.
			for _, no := range []string{"http://aurora", "https://aurora", "aurora-login.shopx"} {
				if strings.Contains(got.text, no) {
					t.Errorf("to %s: %q is in\n%s", m.To, no, got.text)
				}
			}
			if !strings.Contains(got.text, "hxxps://aurora-login[.]shopx/verify/") {
				t.Errorf("to %s: where it is is not said:\n%s", m.To, got.text)
			}
			if err := xarf.Validate(got.raw); err != nil {
				t.Errorf("to %s: the copy is not valid XARF: %v\n%s", m.To, err, got.raw)
			}
			ext, _ := got.xarf["x_bailiwick"].(map[string]any)
			if got.xarf["url"] != "https://aurora-login.shopx/verify/?id=77" && got.xarf["url"] != "https://aurora-login.shopx/verify/" || ext["case"] != c.ID {
				t.Errorf("to %s: the copy says %s", m.To, got.raw)
			}
			reply, err := got.header.AddressList("Reply-To")
			if err != nil || len(reply) != 1 {
				t.Fatalf("to %s: Reply-To %v, %v", m.To, reply, err)
			}
			id, obligation, ok := email.ParseReply(key, reply[0].Address)
			o, has := c.Obligation(obligation)
			if !ok || id != c.ID || !has || o.Party.Email != m.To || m.From != reply[0].Address {
				t.Errorf("to %s: the reply address %s (envelope %s) is for %s of %s, %t", m.To, reply[0].Address, m.From, obligation, id, ok)
			}
			if _, _, ok := email.ParseReply(key, "a"+reply[0].Address[1:]); ok && reply[0].Address[0] != 'a' {
				t.Error("a reply address can be made up")
			}
			if got.header.Get("Auto-Submitted") != "auto-generated" || !strings.Contains(got.header.Get("Subject"), c.ID) {
				t.Errorf("to %s: %v", m.To, got.header)
			}
			if (got.answer != "") != o.Action.Asks() {
				t.Errorf("to %s, asked for %s: the answer link is %q", m.To, o.Action, got.answer)
			}
			for _, u := range strings.Fields(got.text) {
				if strings.HasPrefix(u, "http") && strings.Contains(u, "://") && u != got.answer {
					t.Errorf("to %s: a link to %s", m.To, u)
				}
			}
		}
		r.answers(c, mails)
		r.check()
	})
}

// answers answers asks as the parties do: by JSON and by the form of the page.
func (r *rig) answers(c casework.Case, mails []lab.Mail) {
	t := r.t
	links := map[string]string{}
	for _, m := range mails {
		links[m.To] = readMail(t, m).answer
	}
	status := func(step string) string {
		c = r.only(c.Subject.Key())
		for _, o := range c.Obligations {
			if o.Step == step {
				return fmt.Sprintf("%s %q", o.Status, o.Answer)
			}
		}
		return "none"
	}
	host, registrar := links["abuse@quietrack.example"], links["abuse@mute-names.example"]
	if host == "" || registrar == "" {
		t.Fatalf("links: %v", links)
	}
	for range 2 { // twice is harmless
		if got := post(t, host, "", `{"answer":"received","note":"we are looking"}`); got.status != http.StatusNoContent {
			t.Errorf("JSON: %d %s", got.status, got.raw)
		}
	}
	if got := status("host"); got != `running "received"` {
		t.Errorf("the host is %s", got)
	}
	for range 2 {
		resp, err := http.PostForm(registrar, url.Values{"answer": {"refused"}, "note": {"<script>alert(1)</script>"}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(b), "Thank you") || bytes.Contains(b, []byte("alert")) {
			t.Errorf("form: %d %s %v", resp.StatusCode, b, err)
		}
	}
	if got := status("registrar"); got != `refused "refused"` {
		t.Errorf("the registrar is %s", got)
	}
	// The API takes the same token.
	token := host[strings.LastIndexByte(host, '/')+1:]
	if got := post(t, r.url+"/api/v1/answers/"+token, "", `{"answer":"acted"}`); got.status != http.StatusNoContent {
		t.Errorf("API: %d %s", got.status, got.raw)
	}
	if got := status("host"); got != `acted "acted"` {
		t.Errorf("the host is %s", got)
	}
	wrong := []byte(token)
	wrong[3] ^= 1
	for _, bad := range []string{string(wrong), "x", token + "A", token[:len(token)-2]} {
		for _, u := range []string{r.url + "/answer/", r.url + "/api/v1/answers/"} {
			if got := post(t, u+bad, "", `{"answer":"acted"}`); got.status != http.StatusNotFound || got.kind != "application/problem+json" {
				t.Errorf("%s%s: %d %s", u, bad, got.status, got.raw)
			}
		}
	}
	if got := post(t, host, "", `{"answer":"nonsense"}`); got.status != http.StatusUnprocessableEntity || len(got.Errors) != 1 || got.Errors[0].Path != "answer" {
		t.Errorf("no answer: %d %s", got.status, got.raw)
	}
	r.settle()
}
