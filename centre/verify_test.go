package centre_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/mail"
	"bailiwick/notify/email"
	"bailiwick/notify/webhook"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/verify"

	"github.com/google/go-cmp/cmp"
)

// holding is a profile of an operator's own under which a clock holds.
const holding = `
id: lab
name: A registry that requires verification
rules:
  - on: [registered, transferred, changed, doubted]
    verify: [email]
    need: one
    due: {within: 72h, basis: ours, read: 2026-11-26}
    reminders: {at: [0s, 24h], basis: ours, read: 2026-11-26}
    hold: {within: 96h, basis: ours, read: 2026-11-26}
    registrant: hold
    account_holder: hand
codes: {life: 360h, attempts: 3, apart: 1h, basis: ours, read: 2026-11-26}
notice: {within: 24h, basis: ours, read: 2026-11-26}
full: {within: 20h, basis: ours, read: 2026-11-26}
statuses: [clientHold]
sanction: {grounds: [no_reply_to_enquiry], statuses: [clientHold], terminate: true, basis: ours, read: 2026-11-26}
`

const hookSecret = "a secret of at least thirty-two octets"

// system is a registrar's system that takes orders.
type system struct {
	mu     sync.Mutex
	fails  int // answers 500 so often
	orders []string
	ids    []string
	last   map[string]time.Time       // of each name, when what was carried out last was ordered
	on     map[string]map[string]bool // the statuses of each name
}

func newSystem() *system {
	return &system{last: map[string]time.Time{}, on: map[string]map[string]bool{}}
}

func (s *system) failing(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = n
}

// asked is how many orders came, heard or not.
func (s *system) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ids)
}

// statuses are those of a name, in order.
func (s *system) statuses(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(s.on[name])), ",")
}

func (s *system) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, _ := io.ReadAll(r.Body)
	var o centre.VerifyOrder
	if err := json.Unmarshal(b, &o); err != nil || r.Header.Get(webhook.SignatureHeader) != webhook.Sign([]byte(hookSecret), r.Header.Get(webhook.TimestampHeader), b) {
		s.orders = append(s.orders, "not signed")
		w.WriteHeader(http.StatusForbidden)
		return
	}
	s.ids = append(s.ids, o.ID)
	if s.fails > 0 {
		s.fails--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if !o.At.After(s.last[o.Name]) {
		s.orders = append(s.orders, "late "+o.Order+" "+o.Name)
		w.WriteHeader(http.StatusConflict)
		return
	}
	s.last[o.Name] = o.At
	if s.on[o.Name] == nil {
		s.on[o.Name] = map[string]bool{}
	}
	for _, k := range o.Statuses {
		if s.on[o.Name][k] = true; o.Order == "release" {
			delete(s.on[o.Name], k)
		}
	}
	s.orders = append(s.orders, o.Order+" "+o.Name+" "+o.Reason+" "+strings.Join(o.Statuses, ","))
	w.WriteHeader(http.StatusNoContent)
}

func (s *system) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.orders, "; ")
}

// newVerifier is a rig whose registrar has a system, with an address at which mail
// is read.
func newVerifier(t *testing.T, dsn string, change func(*config.Config), between ...func(*app.World)) (r *rig, sys *system, mailbox string) {
	t.Helper()
	sys = newSystem()
	srv := httptest.NewServer(sys)
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	r = newRig(t, dsn, askWorld, options{drive: swept, change: func(c *config.Config) {
		c.Verify.Profiles, c.Verify.Profile = []string{write("lab.yaml", holding)}, "lab"
		c.Verify.HookURL, c.Verify.HookSecretFile, c.Verify.HookPrivate = srv.URL, write("secret", hookSecret+"\n"), true
		if change != nil {
			change(c)
		}
	}, world: func(w *app.World) {
		inner := w.Dial
		w.Dial = func(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error) {
			if "http://"+address == srv.URL {
				var d net.Dialer
				return d.DialContext(ctx, network, address)
			}
			return inner(ctx, source, network, address)
		}
		for _, f := range between {
			f(w)
		}
	}})
	f, err := r.world.About()
	if err != nil {
		t.Fatal(err)
	}
	return r, sys, f.Parties.Constituents[0].Mail
}

func (r *rig) open(d centre.VerificationDraft) centre.Verification {
	r.t.Helper()
	v, err := r.Centre.OpenVerification(r.t.Context(), d, "person:ann")
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *rig) verification(id string) centre.Verification {
	r.t.Helper()
	v, err := r.Centre.Verification(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

// journal is a verification's log in words. The chain must verify, and the
// projection be what it says.
func (r *rig) journal(id string) string {
	r.t.Helper()
	es, err := r.Centre.VerificationEvents(r.t.Context(), id)
	if err == nil {
		err = casework.VerifyChain(es)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	h, err := verify.Replay(es)
	if err != nil {
		r.t.Fatal(err)
	}
	if d := cmp.Diff(r.verification(id).Holder, h); d != "" && !h.Unloaded {
		r.t.Errorf("the log and the projection differ: %s", d)
	}
	var out []string
	for _, e := range es {
		out = append(out, string(e.Kind))
	}
	return strings.Join(out, "; ")
}

var codeLine = regexp.MustCompile(`(?m)^Code: (\S+)\r?$`)

// codes are those that went to an address, the last one last.
func (r *rig) codes(to, id string) (out []string) {
	r.t.Helper()
	for _, m := range r.world.Mails() {
		if m.To == to && bytes.Contains(m.Raw, []byte("["+id+"]")) {
			if c := codeLine.FindSubmatch(m.Raw); c != nil {
				out = append(out, string(c[1]))
			}
		}
	}
	return out
}

// keptCode says whether a row of any table of an SQLite database holds a code, as it is
// written or as its letters alone.
func keptCode(t *testing.T, r *rig, code string) bool {
	t.Helper()
	tables, err := r.Store.Writer().QueryContext(t.Context(), "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'")
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	var queries []string
	for tables.Next() {
		var table, column string
		if err := tables.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		queries = append(queries, fmt.Sprintf("SELECT count(*) FROM %q WHERE instr(CAST(%q AS TEXT), $1) > 0 OR instr(CAST(%q AS TEXT), $2) > 0", table, column, column))
	}
	if err := tables.Err(); err != nil || len(queries) < 50 {
		t.Fatalf("%d columns: %v", len(queries), err)
	}
	for _, q := range queries {
		var n int
		if err := r.Store.Writer().QueryRowContext(t.Context(), q, code, strings.ReplaceAll(code, "-", "")).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return true
		}
	}
	return false
}

func (r *rig) replyTo(id string) string {
	return email.ReplyAddress(r.Centre.ReplyKey, "centre.example", id, email.VerifyRef)
}

// TestVerification follows a contact from its registration to a code that comes
// back, with what must not count on the way, and what is kept of it.
func TestVerification(t *testing.T) {
	r, _, to := newVerifier(t, engines[0].dsn(t, false), nil)
	ctx := t.Context()
	d := centre.VerificationDraft{Name: "aurora-b.shopx", Email: to, Registrar: "Mute Names", Ref: "order 7"}
	v := r.open(d)
	if again := r.open(d); again.ID != v.ID || again.Seq != v.Seq {
		t.Errorf("the same again: %+v", again)
	}
	r.until(hour)
	code := r.codes(to, v.ID)
	if v = r.verification(v.ID); len(code) != 1 || v.State != verify.Pending || v.Reached.IsZero() || v.Registrar != "Mute Names" {
		t.Fatalf("%q %+v", code, v)
	}
	// What is kept of the message holds neither the code nor the address, and the
	// delivery log names nobody.
	r.view(func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.Notice(ctx, "verify."+v.ID+".1")
		if err != nil {
			return err
		}
		b, _, err := r.Store.Blob(ctx, n.Blob)
		if n.To != "" || n.State != store.NoticeAccepted || bytes.Contains(b, []byte(code[0])) || bytes.Contains(b, []byte(to)) || !bytes.Contains(b, []byte("aurora-b[.]shopx")) {
			t.Errorf("%+v\n%s", n, b)
		}
		return err
	})
	if keptCode(t, r, code[0]) {
		t.Error("the database holds the code")
	}

	// Our words quoted, a machine's answer and a wrong code verify nothing.
	reply := r.replyTo(v.ID)
	r.receive(vouched(to, reply), mailOf("H <"+to+">", "Re: one", "What is this?\n\n> Code: "+code[0]+"\n"))
	r.receive(vouched(to, reply), mailOf("H <"+to+">", "Re: two "+code[0], "away", "Auto-Submitted: auto-replied\r\n"))
	wrong := code[0][:len(code[0])-6] + "00000"
	wrong = wrong[:len(code[0])-6] + code[0][len(code[0])-6:len(code[0])-4] + "0000"
	if _, err := r.Centre.AnswerVerification(ctx, r.Centre.VerificationToken(v), wrong); problem.CodeOf(err) != problem.Invalid && problem.CodeOf(err) != problem.Refused {
		t.Errorf("a wrong code: %v", err)
	}
	if v = r.verification(v.ID); v.State != verify.Pending || len(v.Verified) != 0 {
		t.Fatalf("%+v", v)
	}
	if m := r.lastMail(); m.State != store.MailIgnored {
		t.Errorf("%+v", m)
	}
	// A token of something else opens nothing.
	for _, token := range []string{"", "x", email.AnswerToken(r.Centre.ReplyKey, v.ID, email.DisclosureRef), email.AnswerToken([]byte("another key of some length"), v.ID, email.VerifyRef)} {
		if _, err := r.Centre.AnswerVerification(ctx, token, code[0]); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("%q: %v", token, err)
		}
	}

	// The code at the top of a reply does.
	r.receive(vouched(to, reply), mailOf("H <"+to+">", "Re: three", "Yes.\n"+strings.ToUpper(code[0])+"\n> quoted"))
	if v = r.verification(v.ID); v.State != verify.Verified || !v.NextDue().IsZero() {
		t.Fatalf("%+v", v)
	}
	if _, err := r.Centre.AnswerVerification(ctx, r.Centre.VerificationToken(v), code[0]); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("a code twice: %v", err)
	}
	// Another name with the same contact asks nobody again; one of an organisation
	// that is not the centre does not learn that somebody else verified it.
	two := r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: to})
	other := r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: to, Org: "o1"})
	if two.State != verify.Verified || two.Issued != 0 || other.State != verify.Pending {
		t.Errorf("%s %s", two.State, other.State)
	}
	if got, want := r.journal(v.ID), "verification opened; format passed; code issued; code made; code delivered; words; "; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "; code returned") {
		t.Errorf("%s", got)
	}
	var log bytes.Buffer
	if err := r.Centre.ExportVerification(ctx, &log, v.ID, true); err != nil || strings.Contains(log.String(), to) || strings.Contains(log.String(), code[0]) {
		t.Errorf("%v\n%s", err, log.String())
	}
	if _, err := casework.VerifyExport(&log, nil); err != nil {
		t.Error(err)
	}

	// Need to know: a role, a reason, a line in the access log.
	analyst := access.Person{ID: "a", Roles: []access.Role{access.Analyst}}
	for _, role := range []access.Role{access.Viewer, access.Auditor, access.Admin, access.Registrar, access.Member} {
		if _, _, err := r.Centre.ReadVerifiedContact(ctx, access.Person{ID: "v", Roles: []access.Role{role}}, v.ID, "because I want to"); problem.CodeOf(err) != problem.Refused {
			t.Errorf("%s: %v", role, err)
		}
	}
	if _, _, err := r.Centre.ReadVerifiedContact(ctx, analyst, v.ID, "why"); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("without a reason: %v", err)
	}
	got, _, err := r.Centre.ReadVerifiedContact(ctx, analyst, v.ID, "the registrar asks about it")
	es, err2 := r.Access.Entries(ctx, access.EntryFilter{Kind: access.VerifiedContact, Object: v.ID})
	if err != nil || err2 != nil || got != to || len(es) != 1 || es[0].Actor != "person:a" {
		t.Errorf("%q %v %v %+v", got, err, err2, es)
	}
	// In time the values go, and what people wrote; the chain verifies.
	r.clock.Set(begin.Add(200 * day))
	if err := r.Centre.Retain(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Centre.ReadVerifiedContact(ctx, analyst, v.ID, "the registrar asks about it"); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("after its time: %v", err)
	}
	r.journal(v.ID)
}

// TestVerificationHold: who was reached and stays silent goes on hold, by an order
// that is tried until it is heard; answering brings the name back. What was never
// reached is a person's.
func TestVerificationHold(t *testing.T) {
	r, sys, to := newVerifier(t, engines[0].dsn(t, false), nil)
	ctx := t.Context()
	sys.fails = 2
	silent := r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: to})
	never := r.open(centre.VerificationDraft{Name: "aurora-d.shopx", Email: "holder@no-such-host.shopx"})
	holder := r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: to, Role: verify.AccountHolder})
	r.until(97 * hour)
	if v := r.verification(silent.ID); v.State != verify.OnHold || v.Issued != 2 {
		t.Fatalf("%+v", v)
	}
	if got := sys.seen(); got != "hold aurora-b.shopx no_answer clientHold" || len(sys.ids) != 3 || sys.ids[0] != sys.ids[2] {
		t.Errorf("%q %q", got, sys.ids)
	}
	for _, id := range []string{never.ID, holder.ID} {
		if v := r.verification(id); v.State != verify.Overdue || !v.ByPerson() {
			t.Errorf("%+v", v)
		}
	}
	if v := r.verification(never.ID); !v.InDoubt {
		t.Error("what nobody takes is not in doubt")
	}
	// Late, and still heard.
	r.until(120 * hour)
	codes := r.codes(to, silent.ID)
	v, err := r.Centre.AnswerVerification(ctx, r.Centre.VerificationToken(silent), "The code is\n"+codes[len(codes)-1]+" I think")
	if err != nil || v.State != verify.Verified {
		t.Fatalf("%+v %v", v, err)
	}
	r.until(121 * hour)
	if got := sys.seen(); got != "hold aurora-b.shopx no_answer clientHold; release aurora-b.shopx verified clientHold" {
		t.Errorf("%q", got)
	}
	if got := r.journal(silent.ID); !strings.HasSuffix(got, "time to verify over; put on hold; order settled; code returned; hold released; order settled") {
		t.Errorf("%s", got)
	}
	// One answer is enough for all names of a holder.
	if v := r.verification(holder.ID); v.State != verify.Verified {
		t.Errorf("%+v", v)
	}
	if d, err := r.Centre.VerificationDesk(ctx); err != nil || len(d.Orders) != 0 || d.Counts[store.VerificationsHeld] != 0 {
		t.Errorf("%+v %v", d, err)
	}
}

// TestVerificationOvertakes: a hold that was not heard when the holder answers is
// not sent any more, and what undoes it comes after it.
func TestVerificationOvertakes(t *testing.T) {
	r, sys, to := newVerifier(t, engines[0].dsn(t, false), nil)
	ctx := t.Context()
	sys.fails = 1000
	v := r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: to})
	r.until(97 * hour)
	if v = r.verification(v.ID); v.State != verify.OnHold || sys.seen() != "" {
		t.Fatalf("%s %q", v.State, sys.seen())
	}
	codes := r.codes(to, v.ID)
	if _, err := r.Centre.AnswerVerification(ctx, r.Centre.VerificationToken(v), codes[0]); err != nil {
		t.Fatal(err)
	}
	sys.mu.Lock()
	sys.fails = 0
	sys.mu.Unlock()
	r.until(130 * hour)
	os, err := r.Centre.VerificationOrders(ctx, v.ID)
	if err != nil || len(os) != 2 || os[0].State != store.OrderDropped || os[1].State != store.OrderDone || sys.seen() != "release aurora-b.shopx verified clientHold" {
		t.Errorf("%+v %v %q", os, err, sys.seen())
	}
	// A system that is never heard is a person's task in the end.
	sys.mu.Lock()
	sys.fails = 1000
	sys.mu.Unlock()
	v = r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: to, Org: ""})
	if v.State != verify.Verified { // the same contact
		t.Fatalf("%s", v.State)
	}
	v, err = r.Centre.DoubtVerification(ctx, v.ID, 0, "person:ann", verify.Email, "report:7", "a reader wrote")
	if err != nil || v.State != verify.Pending || !v.InDoubt {
		t.Fatalf("%+v %v", v, err)
	}
	r.until(20 * day)
	d, err := r.Centre.VerificationDesk(ctx)
	if err != nil || len(d.Orders) != 1 || !strings.HasPrefix(d.Orders[0].Response, "tried too often") {
		t.Fatalf("%+v %v", d, err)
	}
	for _, by := range []string{"centre", "person:ann/key:k"} {
		if err := r.Centre.SettleOrder(ctx, d.Orders[0].ID, by, "done"); problem.CodeOf(err) != problem.Refused {
			t.Errorf("%s: %v", by, err)
		}
	}
	if err := r.Centre.SettleOrder(ctx, d.Orders[0].ID, "person:ann", "done"); err != nil {
		t.Fatal(err)
	}
	if got := r.journal(v.ID); !strings.HasSuffix(got, "put on hold; order settled; order settled") {
		t.Errorf("%s", got)
	}
}

// TestVerificationBounce: mail that comes back puts what was verified in doubt, for
// every name of the contact, and a code is sent again.
func TestVerificationBounce(t *testing.T) {
	r, _, to := newVerifier(t, engines[0].dsn(t, false), nil)
	ctx := t.Context()
	v := r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: to})
	r.until(hour)
	if _, err := r.Centre.AnswerVerification(ctx, r.Centre.VerificationToken(v), r.codes(to, v.ID)[0]); err != nil {
		t.Fatal(err)
	}
	two := r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: to})
	if two.State != verify.Verified {
		t.Fatalf("%+v", two)
	}
	env, report := mail.Envelope{At: begin, To: []string{r.replyTo(v.ID)}}, bounceOf("holder@mail.example", r.messageID("verify."+v.ID+".1"), "5.1.1", "failed")
	r.receive(env, report)
	for _, id := range []string{v.ID, two.ID} {
		if v := r.verification(id); v.State != verify.Pending || !v.InDoubt || v.Trigger != verify.DoubtedData || v.Issued == 0 {
			t.Errorf("%+v", v)
		}
	}
	if m := r.lastMail(); m.State != store.MailFiled || strings.Contains(m.Detail, "mail.example") {
		t.Errorf("%+v", m)
	}
	// While in doubt it stands for no other name.
	if three := r.open(centre.VerificationDraft{Name: "aurora-d.shopx", Email: to}); three.State != verify.Pending {
		t.Errorf("%+v", three)
	}
	// The same report again changes nothing.
	seq := r.verification(v.ID).Seq
	r.receive(env, append(report, "once more\r\n"...))
	if got := r.verification(v.ID); got.Seq != seq || got.Failed != 0 {
		t.Errorf("%d after %d: %s", got.Seq, seq, r.journal(v.ID))
	}
	r.until(2 * hour)
	if v = r.verification(v.ID); v.State != verify.Pending {
		t.Errorf("%+v", v)
	}
}

// TestVerificationFull: a mailbox that is full once casts no doubt, one that stays
// so does; and a doubt reaches every name of the address, however many there are,
// and goes on after a stop.
func TestVerificationFull(t *testing.T) {
	r, _, to := newVerifier(t, engines[0].dsn(t, false), nil)
	ctx := t.Context()
	seed := r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: to})
	r.until(hour)
	if _, err := r.Centre.AnswerVerification(ctx, r.Centre.VerificationToken(seed), r.codes(to, seed.ID)[0]); err != nil {
		t.Fatal(err)
	}
	// As many names of the holder as need three pages, one of which is verified after
	// the doubt arises.
	const names = 450
	late := ""
	r.update(func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.Verification(ctx, seed.ID)
		for i := range names {
			if err != nil {
				return err
			}
			x := row
			x.ID, x.Name = fmt.Sprintf("%s%03d", row.ID[:20], i), fmt.Sprintf("name-%d.shopx", i)
			var h verify.Holder
			if err := json.Unmarshal(row.Body, &h); err != nil {
				return err
			}
			h.ID, h.Name = x.ID, x.Name
			if i == names-1 {
				h.Settled, late = h.Settled.Add(20*day), x.ID
			}
			if x.Body, err = json.Marshal(h); err != nil {
				return err
			}
			err = tx.PutVerification(ctx, x, 0)
		}
		return err
	})
	doubted := func() int {
		t.Helper()
		d, err := r.Centre.VerificationDesk(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return d.Counts[store.VerificationsDoubt]
	}
	read := func(report []byte) {
		t.Helper()
		if err := r.Centre.Receive(ctx, mail.Envelope{At: begin, To: []string{r.replyTo(seed.ID)}}, report); err != nil {
			t.Fatal(err)
		}
		var ids []string
		r.view(func(ctx context.Context, tx *store.Tx) error {
			ms, err := tx.DueMails(ctx, r.clock.Now(), 10)
			for _, m := range ms {
				ids = append(ids, m.ID)
			}
			return err
		})
		if err := r.Centre.ReadMails(ctx, ids); err != nil {
			t.Fatal(err)
		}
	}
	full := func(n int) []byte {
		return bytes.Replace(bounceOf("holder@mail.example", r.messageID(fmt.Sprintf("verify.%s.%d", seed.ID, n)), "5.2.2", "failed"), []byte("no such user"), []byte("mailbox full"), 1)
	}
	// In doubt by a complaint, it is asked again; the message finds the box full.
	if _, err := r.Centre.DoubtVerification(ctx, seed.ID, 0, "person:ann", verify.Email, "report:7", ""); err != nil {
		t.Fatal(err)
	}
	deliver := func() {
		t.Helper()
		var due []string
		r.view(func(ctx context.Context, tx *store.Tx) error {
			ns, err := tx.DueNotices(ctx, r.clock.Now(), 10)
			for _, n := range ns {
				due = append(due, n.ID)
			}
			return err
		})
		if err := r.Centre.Deliver(ctx, due); err != nil {
			t.Fatal(err)
		}
	}
	deliver()
	read(full(2))
	if v := r.verification(seed.ID); v.FullFirst.IsZero() || v.Failed != 0 || doubted() != 1 { // itself, by the complaint
		t.Fatalf("%d in doubt, %+v", doubted(), v)
	}
	if m := r.lastMail(); m.State != store.MailFiled {
		t.Errorf("%+v", m)
	}
	r.clock.Set(r.clock.Now().Add(25 * hour))
	if err := r.Centre.WorkVerifications(ctx, []string{seed.ID}); err != nil { // another code
		t.Fatal(err)
	}
	deliver()
	read(full(3))
	ds := func() (ids []string) {
		r.view(func(ctx context.Context, tx *store.Tx) (err error) {
			ids, err = tx.DueDoubts(ctx, r.clock.Now(), 10)
			return err
		})
		return ids
	}
	if got := doubted(); got != 201 || len(ds()) != 1 {
		t.Fatalf("%d are in doubt after the first page, %d left: %s", got, len(ds()), r.journal(seed.ID))
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _ = r.Centre.FollowDoubts(stopped, ds()); len(ds()) != 1 {
		t.Error("a stop lost the doubt")
	}
	if err := r.Centre.FollowDoubts(ctx, append(ds(), ds()...)); err != nil || doubted() != names || len(ds()) != 0 {
		t.Errorf("%d of %d are in doubt, %v", doubted(), names, err)
	}
	if v := r.verification(late); v.InDoubt || v.State != verify.Verified {
		t.Errorf("what was verified later: %+v", v)
	}
	// Among so many, one that is in doubt is enough: nothing stands for another name.
	if v := r.open(centre.VerificationDraft{Name: "aurora-d.shopx", Email: to}); v.State != verify.Pending {
		t.Errorf("%+v", v)
	}
}

// TestVerificationLeaves: the code is on the log, as a digest, before a server hears
// of the message; and a message that is tried again carries a code that is good.
func TestVerificationLeaves(t *testing.T) {
	var r *rig
	var id string
	var selectors []string
	r, _, to := newVerifier(t, engines[0].dsn(t, false), nil, func(w *app.World) {
		inner := w.Dial
		w.Dial = func(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error) {
			if !strings.HasSuffix(address, ":25") || id == "" {
				return inner(ctx, source, network, address)
			}
			selectors = append(selectors, r.verification(id).Codes[0].Selector)
			if len(selectors) == 1 {
				return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("not now")}
			}
			return inner(ctx, source, network, address)
		}
	})
	v := r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: to})
	if id = v.ID; v.Codes[0].Selector != "" {
		t.Errorf("a code was made before its message: %+v", v.Codes)
	}
	r.until(2 * hour)
	codes := r.codes(to, v.ID)
	if len(codes) != 1 || len(selectors) < 2 || slices.Contains(selectors, "") || selectors[0] == selectors[1] {
		t.Fatalf("%d messages arrived; at the attempts the log had %q", len(codes), selectors)
	}
	if v, err := r.Centre.AnswerVerification(t.Context(), r.Centre.VerificationToken(v), codes[0]); err != nil || v.State != verify.Verified {
		t.Errorf("%v %s", err, v.State)
	}
}

// TestVerificationTwoWorkers: of several workers that take up one code's message one
// sends it, and the code that it carries is the one that is good.
func TestVerificationTwoWorkers(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r, _, to := newVerifier(t, dsn(), nil)
		ctx := t.Context()
		for i := range 4 {
			v := r.open(centre.VerificationDraft{Name: fmt.Sprintf("shop-%d.shopx", i), Email: to, Org: fmt.Sprintf("o%d", i)})
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					if err := r.Centre.Deliver(ctx, []string{"verify." + v.ID + ".1"}); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			codes := r.codes(to, v.ID)
			if len(codes) != 1 {
				t.Fatalf("%d messages left", len(codes))
			}
			if v, err := r.Centre.AnswerVerification(ctx, r.Centre.VerificationToken(v), codes[0]); err != nil || v.State != verify.Verified {
				t.Fatalf("the code that was sent: %v %s", err, v.State)
			}
		}
	})
}

// TestVerificationEnds: a person ends a registration for a ground of the profile,
// and the registrar's system is told, once, whatever was ordered before.
func TestVerificationEnds(t *testing.T) {
	r, sys, to := newVerifier(t, engines[0].dsn(t, false), nil)
	ctx := t.Context()
	end := func(by string, end bool) verify.Command {
		return verify.Sanction{By: by, Ground: verify.NoReply, End: end, Text: "Nobody answered."}
	}
	orders := func(id string) string {
		t.Helper()
		os, err := r.Centre.VerificationOrders(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, o := range os {
			out = append(out, o.Kind+" "+string(o.State))
		}
		slices.Sort(out) // those of one moment have no order
		return strings.Join(out, "; ")
	}
	v := r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: to})
	for _, by := range []string{"centre", "person:ann/key:k", "holder:" + v.ID} {
		if _, err := r.Centre.ActVerification(ctx, v.ID, 0, end(by, true)); problem.CodeOf(err) != problem.Refused {
			t.Errorf("ended by %s: %v", by, err)
		}
	}
	waps := r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: to, Profile: "waps"})
	if _, err := r.Centre.ActVerification(ctx, waps.ID, 0, end("person:ann", true)); problem.CodeOf(err) != problem.Refused {
		t.Errorf("under a profile that permits nothing here: %v", err)
	}
	// What does harm waits for the stop switch.
	stop := func(on string) {
		r.update(func(ctx context.Context, tx *store.Tx) error {
			return tx.PutSetting(ctx, centre.SettingStop, []byte(on))
		})
	}
	stop("on")
	// A hold that was not sent is not sent any more.
	for _, e := range []bool{false, true} {
		if _, err := r.Centre.ActVerification(ctx, v.ID, 0, end("person:ann", e)); err != nil {
			t.Fatal(err)
		}
	}
	r.settle()
	if got := orders(v.ID); got != "hold dropped; terminate due" || sys.seen() != "" {
		t.Errorf("%s: %s", got, sys.seen())
	}
	stop("")
	sys.mu.Lock()
	sys.fails = 1
	sys.mu.Unlock()
	r.until(3 * hour)
	if got := sys.seen(); got != "terminate aurora-b.shopx no_reply_to_enquiry " || len(sys.ids) != 2 || sys.ids[0] != sys.ids[1] {
		t.Errorf("%q %q", got, sys.ids)
	}
	if got := r.journal(v.ID); !strings.HasSuffix(got, "put on hold; words; registration ended; words; order settled") {
		t.Errorf("%s", got)
	}
	// A member's, and a name that others live by, wait for a person.
	for _, d := range []centre.VerificationDraft{{Name: "aurora-d.shopx", Email: to, Org: "o1"}, {Name: "aurora-bank.shopx", Email: to}} {
		x := r.open(d)
		if _, err := r.Centre.ActVerification(ctx, x.ID, 0, end("person:ann", true)); err != nil {
			t.Fatal(err)
		}
		r.settle()
		if got := orders(x.ID); got != "terminate by_hand" || strings.Contains(sys.seen(), d.Name) {
			t.Errorf("%s: %s: %s", d.Name, got, sys.seen())
		}
	}
	// A hold that may be on its way is waited for.
	x := r.open(centre.VerificationDraft{Name: "aurora-e.shopx", Email: to})
	sys.mu.Lock()
	sys.fails = 2
	sys.mu.Unlock()
	if _, err := r.Centre.ActVerification(ctx, x.ID, 0, end("person:ann", false)); err != nil {
		t.Fatal(err)
	}
	r.settle()
	if _, err := r.Centre.ActVerification(ctx, x.ID, 0, end("person:ann", true)); err != nil {
		t.Fatal(err)
	}
	r.settle()
	if got := orders(x.ID); got != "hold dropped; terminate due" || len(sys.ids) != 3 {
		t.Errorf("%s %q", got, sys.ids)
	}
	r.until(6 * hour)
	if got := sys.seen(); !strings.HasSuffix(got, "; terminate aurora-e.shopx no_reply_to_enquiry ") || strings.Contains(got, "hold") {
		t.Errorf("%q", got)
	}
}

// TestVerificationHarm: what a careless or hostile person can do with it is
// bounded.
func TestVerificationHarm(t *testing.T) {
	r, sys, to := newVerifier(t, engines[0].dsn(t, false), func(c *config.Config) { c.Verify.PerAddressPerDay, c.Verify.PerDay, c.Verify.PerMemberPerDay = 3, 8, 1 })
	ctx := t.Context()
	open := func(d centre.VerificationDraft) error {
		_, err := r.Centre.OpenVerification(ctx, d, "person:ann")
		return err
	}
	for _, tc := range []struct {
		code problem.Code
		d    centre.VerificationDraft
	}{
		{problem.Invalid, centre.VerificationDraft{Name: "aurora-b.shopx"}},
		{problem.Invalid, centre.VerificationDraft{Name: "shopx", Email: to}},
		{problem.Invalid, centre.VerificationDraft{Name: "www.aurora-b.shopx", Email: to}},
		{problem.Invalid, centre.VerificationDraft{Name: "aurora-b.shopx", Email: "no mail"}},
		{problem.Invalid, centre.VerificationDraft{Name: "aurora-b.shopx", Email: "a@b.example\r\nBcc: c@d.example"}},
		{problem.Invalid, centre.VerificationDraft{Name: "aurora-b.shopx", Email: to, Role: "king"}},
		{problem.Invalid, centre.VerificationDraft{Name: "aurora-b.shopx", Email: to, Trigger: "renewed"}},
		{problem.Invalid, centre.VerificationDraft{Name: "aurora-b.shopx", Email: to, Profile: "none"}},
		{problem.Invalid, centre.VerificationDraft{Name: "aurora-b.shopx", Phone: "12"}},
		{problem.Invalid, centre.VerificationDraft{Name: "aurora-b.shopx", Email: strings.Repeat("a", 1<<20) + "@b.example"}},
	} {
		if err := open(tc.d); problem.CodeOf(err) != tc.code {
			t.Errorf("%.200v: %v", tc.d, err)
		}
	}
	// A wrong format sends nothing.
	bad := r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: "a..b@host.shopx"})
	if bad.State != verify.Malformed || bad.Issued != 0 {
		t.Errorf("%+v", bad)
	}
	// A shipped profile that rests on no primary source holds nobody, not even by
	// hand.
	waps := r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: to, Profile: "waps"})
	// A member organisation does not choose its clocks, and its hold waits for a
	// person; so does one of a name that others live by.
	member := r.open(centre.VerificationDraft{Name: "aurora-d.shopx", Email: to, Org: "o1", Profile: "waps"})
	bank := r.open(centre.VerificationDraft{Name: "aurora-bank.shopx", Email: to})
	if member.Terms.Profile.ID != "lab" {
		t.Errorf("%s", member.Terms.Profile.ID)
	}
	r.until(hour) // these three have theirs, as far as a day's cap goes
	// The same victim's address for name after name: a few messages a day go there.
	for i := range 4 {
		r.open(centre.VerificationDraft{Name: fmt.Sprintf("victim-%d.shopx", i), Email: to})
	}
	r.until(20 * hour)
	n := 0
	for _, m := range r.world.Mails() {
		if m.To == to && bytes.Contains(m.Raw, []byte("Please confirm your mail address")) {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d messages went to one address", n)
	}
	r.open(centre.VerificationDraft{Name: "ninth.shopx", Email: to})
	if err := open(centre.VerificationDraft{Name: "tenth.shopx", Email: to}); problem.CodeOf(err) != problem.RateLimited {
		t.Errorf("over the cap: %v", err)
	}
	if err := open(centre.VerificationDraft{Name: "aurora-f.shopx", Email: to, Org: "o1"}); problem.CodeOf(err) != problem.RateLimited {
		t.Errorf("a member over the cap: %v", err)
	}
	if err := open(centre.VerificationDraft{Name: "aurora-f.shopx", Email: to, Org: "o2"}); err != nil {
		t.Errorf("one member uses up what is another's: %v", err)
	}
	r.until(30 * day)
	if v := r.verification(waps.ID); v.State != verify.Overdue || !v.ByPerson() {
		t.Errorf("%+v", v)
	}
	for _, cmd := range []verify.Command{verify.Suspend{By: "person:ann", Text: "silent"}, verify.Sanction{By: "person:ann", Ground: verify.NoReply, Text: "silent"}} {
		if _, err := r.Centre.ActVerification(ctx, waps.ID, 0, cmd); problem.CodeOf(err) != problem.Refused {
			t.Errorf("%T under a profile that binds nobody: %v", cmd, err)
		}
	}
	if strings.Contains(sys.seen(), "aurora-d") || strings.Contains(sys.seen(), "aurora-bank") {
		t.Errorf("ordered without a person: %s", sys.seen())
	}
	d, err := r.Centre.VerificationDesk(ctx)
	if err != nil {
		t.Fatal(err)
	}
	waiting := map[string]string{}
	for _, o := range d.Orders {
		waiting[o.Verification] = o.Response
	}
	if !strings.Contains(waiting[member.ID], "member") || !strings.Contains(waiting[bank.ID], "Aurora Bank") {
		t.Errorf("%v; %+v", waiting, r.verification(bank.ID).Holder)
	}
	for _, o := range d.Orders {
		if o.Verification == member.ID {
			if err := r.Centre.SettleOrder(ctx, o.ID, "person:ann", "send"); err != nil {
				t.Fatal(err)
			}
		}
		if o.Verification == bank.ID {
			if err := r.Centre.SettleOrder(ctx, o.ID, "person:ann", "send"); problem.CodeOf(err) != problem.Refused {
				t.Errorf("what others live by goes dark by a click: %v", err)
			}
		}
	}
	r.settle()
	if !strings.Contains(sys.seen(), "hold aurora-d.shopx no_answer") {
		t.Errorf("%s", sys.seen())
	}
}

// TestVerificationNotMine: whoever reads mail at an address that another gave says
// so, and nothing more goes there until a person takes that back.
func TestVerificationNotMine(t *testing.T) {
	r, sys, to := newVerifier(t, engines[0].dsn(t, false), nil)
	ctx := t.Context()
	v := r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: to})
	r.until(hour)
	token := r.Centre.VerificationToken(v)
	if _, err := r.Centre.AgainVerification(ctx, token); problem.CodeOf(err) != problem.RateLimited && err != nil {
		t.Errorf("%v", err)
	}
	for range 2 {
		if _, err := r.Centre.NotMine(ctx, token); err != nil {
			t.Fatal(err)
		}
	}
	before := len(r.world.Mails())
	if _, err := r.Centre.AgainVerification(ctx, token); problem.CodeOf(err) != problem.Refused {
		t.Errorf("%v", err)
	}
	other := r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: to})
	r.until(50 * hour)
	if len(r.world.Mails()) != before {
		t.Error("codes went on")
	}
	if v := r.verification(other.ID); !v.InDoubt || !v.Reached.IsZero() {
		t.Errorf("%+v", v)
	}
	at, err := r.Centre.CodesRefused(ctx, other)
	if err != nil || at.IsZero() {
		t.Errorf("%s %v", at, err)
	}
	if _, err := r.Centre.AllowCodes(ctx, v.ID, "person:ann", "they called"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Centre.SendCode(ctx, other.ID, 0, "person:ann", verify.ByMail); err != nil {
		t.Fatal(err)
	}
	r.until(51 * hour)
	if got := r.codes(to, other.ID); len(got) != 1 {
		t.Errorf("%q", got)
	}
	// The stop switch stops what does harm; what undoes it goes.
	r.update(func(ctx context.Context, tx *store.Tx) error {
		return tx.PutSetting(ctx, centre.SettingStop, []byte("on"))
	})
	r.until(10 * day)
	if v := r.verification(v.ID); v.State != verify.OnHold || sys.seen() != "" {
		t.Errorf("%s %q", v.State, sys.seen())
	}
}

// TestVerificationByHand: a code by telephone is read once by whoever sends it, and
// evidence is digested and not kept.
func TestVerificationByHand(t *testing.T) {
	r, _, to := newVerifier(t, engines[0].dsn(t, false), nil)
	ctx := t.Context()
	v := r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: to, Phone: "+1.2025550123", Profile: "plain"})
	waiting, err := r.Centre.WaitingCodes(ctx, v.ID)
	if err != nil || len(waiting) != 1 || waiting[0].Selector != "" || v.Issued != 2 {
		t.Fatalf("%+v %v %+v", waiting, err, v)
	}
	analyst := access.Person{ID: "a", Roles: []access.Role{access.Analyst}}
	// A code for a number that the contact does not say any more is not read out.
	moved := r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: to, Phone: "+1.2025550124", Profile: "plain"})
	moved = r.open(centre.VerificationDraft{Name: "aurora-c.shopx", Email: to, Phone: "+1.2025550125", Profile: "plain"})
	if left, err := r.Centre.WaitingCodes(ctx, moved.ID); err != nil || len(left) != 1 || left[0].N != 4 || moved.Issued != 4 {
		t.Errorf("%+v %v %d", left, err, moved.Issued)
	}
	if _, err := r.Centre.TakeCode(ctx, analyst, moved.ID, 2); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("%v", err)
	}
	if _, err := r.Centre.TakeCode(ctx, access.Person{ID: "s", Roles: []access.Role{access.Registrar}}, v.ID, waiting[0].N); problem.CodeOf(err) != problem.Refused {
		t.Errorf("%v", err)
	}
	k, err := r.Centre.TakeCode(ctx, analyst, v.ID, waiting[0].N)
	if err != nil || k.Phone != "+1.2025550123" {
		t.Fatalf("%+v %v", k, err)
	}
	if _, err := r.Centre.TakeCode(ctx, analyst, v.ID, k.Number); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("read twice: %v", err)
	}
	if es, err := r.Access.Entries(ctx, access.EntryFilter{Kind: access.VerifiedContact, Object: v.ID}); err != nil || len(es) == 0 {
		t.Errorf("%+v %v", es, err)
	}
	if v, err = r.Centre.SentCode(ctx, v.ID, k.Number, true); err != nil || v.Reached.IsZero() {
		t.Errorf("%+v %v", v, err)
	}
	if v, err = r.Centre.ReturnCode(ctx, v.ID, "person:ann", k.Code); err != nil || v.State != verify.Pending { // each of the two
		t.Fatalf("%+v %v", v, err)
	}
	// The mail address is shown by a document that a person saw.
	doc := "a letter with an address, held elsewhere"
	a := verify.Attest{By: "person:ann", Claims: []verify.Claim{verify.Email}, Level: verify.V2, Method: "documents", Evidence: "correspondence", HeldBy: "registrar:9999", Audit: "ticket-7", Result: verify.Pass}
	if _, _, err := r.Centre.AttestVerification(ctx, v.ID, 0, a, strings.NewReader("")); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("an empty document: %v", err)
	}
	robot := a
	robot.By = "person:ann/key:k"
	if _, _, err := r.Centre.AttestVerification(ctx, v.ID, 0, robot, strings.NewReader(doc)); problem.CodeOf(err) != problem.Refused {
		t.Errorf("a program attests: %v", err)
	}
	v, salt, err := r.Centre.AttestVerification(ctx, v.ID, 0, a, strings.NewReader(doc))
	if err != nil || len(salt) != 64 || !v.State.Done() || v.Verified[verify.Email].Digest == "" {
		t.Fatalf("%+v %q %v", v, salt, err)
	}
	var log bytes.Buffer
	if err := r.Centre.ExportVerification(ctx, &log, v.ID, true); err != nil || strings.Contains(log.String(), doc) || strings.Contains(log.String(), salt) {
		t.Errorf("%v\n%s", err, log.String())
	}
	// Given again after it expired, a contact in doubt is asked again.
	r.clock.Set(r.clock.Now().Add(200 * 24 * time.Hour))
	if err := r.Centre.Retain(ctx); err != nil {
		t.Fatal(err)
	}
	if v, err = r.Centre.DoubtVerification(ctx, v.ID, 0, "person:ann", verify.Email, "report:7", ""); err != nil || v.State != verify.Doubted {
		t.Fatalf("%+v %v", v, err)
	}
	r.settle()
	if v = r.open(centre.VerificationDraft{Name: "aurora-b.shopx", Email: to, Phone: "+1.2025550123", Profile: "plain"}); v.State != verify.Pending {
		t.Errorf("%+v", v)
	}
}
