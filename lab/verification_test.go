package lab

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const testSecret = "a secret of thirty-two octets, or more"

// verifying is a small centre that verifies: it mails a code to whoever it is
// asked to verify, and holds the names of those who did not return it in 96
// hours.
type verifying struct {
	client
	*httptest.Server
	post *post

	mu    sync.Mutex
	asked []map[string]string // as opened
	state map[string]string   // by name: "", verified, disowned
	log   []string            // every request at /verify/
	sent  map[string]time.Time
	held  map[string]bool
	n     int
}

func code(n string) string { return fmt.Sprintf("CODE-%x", keyedShort(n)) }

func (c client) verifying() *verifying {
	v := &verifying{client: c, state: map[string]string{}, sent: map[string]time.Time{}, held: map[string]bool{}}
	v.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		defer v.mu.Unlock()
		n := strings.TrimPrefix(r.URL.Path, "/verify/")
		if n != r.URL.Path {
			v.log = append(v.log, r.Method+" "+n)
		}
		switch {
		case r.URL.Path == "/api/v1/verifications" && r.Header.Get("Authorization") == "Bearer lab-key":
			var m map[string]string
			if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
				c.t.Error(err)
			}
			v.asked = append(v.asked, m)
			rw.WriteHeader(http.StatusCreated)
		case n == r.URL.Path:
			rw.WriteHeader(http.StatusAccepted)
		case r.Method == http.MethodGet:
			fmt.Fprintf(rw, `<!doctype html><a href="/verify/%[1]s?why">Why</a><form method="post" action="/verify/%[1]s"><input type="hidden" name="t" value="x&amp;y">
				<label>Code <input name="code"></label><button>Confirm</button></form>
				<form method="post" action=""><button name="do" value="not_mine">Not mine</button></form>`, n)
		case r.FormValue("do") == "not_mine":
			v.state[n] = "disowned"
		case r.FormValue("code") == code(n) && r.FormValue("t") == "x&y":
			v.state[n] = "verified"
		default:
			c.t.Errorf("%s: %v", r.URL, r.Form)
			rw.WriteHeader(http.StatusUnprocessableEntity)
		}
	}))
	c.t.Cleanup(v.Close)
	v.post = c.postOffice()
	if err := c.w.SetCentre(v.URL); err != nil {
		c.t.Fatal(err)
	}
	if err := c.w.SetVerifier(Verifier{Secret: []byte(testSecret), Key: "lab-key", Profile: "lab"}); err != nil {
		c.t.Fatal(err)
	}
	return v
}

// mails sends the codes that are due, and reads the answers by mail.
func (v *verifying) mails(at time.Time) {
	v.t.Helper()
	v.mu.Lock()
	asked := v.asked
	v.mu.Unlock()
	for _, m := range asked {
		n := m["name"]
		if !v.sent[n].IsZero() {
			continue
		}
		v.sent[n] = at
		text := fmt.Sprintf("From: desk@centre.example\r\nTo: <%s>\r\nReply-To: <v.%s@centre.example>\r\nSubject: [V1] Please confirm your mail address for %s\r\nMessage-ID: <%s@centre.example>\r\nAuto-Submitted: auto-generated\r\n\r\nSomebody gave your address for a name.\r\nCode: %s\r\nAnswer: %s/verify/%s\r\n",
			m["email"], n, strings.ReplaceAll(n, ".", "[.]"), n, code(n), v.URL, n)
		if err := v.mail("v."+n+"@centre.example", m["email"], text); err != nil {
			v.mu.Lock()
			v.state[n] = "bounced: " + err.Error()
			v.mu.Unlock()
		}
	}
	for _, a := range v.post.take() {
		n, ok := strings.CutPrefix(strings.TrimSuffix(a.to, "@centre.example"), "v.")
		if !ok {
			continue
		}
		own, _, _ := strings.Cut(string(a.raw), "wrote:") // below it our own mail is quoted
		v.mu.Lock()
		switch {
		case a.from == "":
			v.state[n] = "came back"
		case strings.Contains(own, code(n)) && !strings.Contains(own, "> Code"):
			v.state[n] = "verified"
		case v.state[n] == "":
			v.log = append(v.log, "MAIL "+n)
		}
		v.mu.Unlock()
	}
}

// order sends one and gives the status.
func (v *verifying) order(host, secret, body string) int {
	v.t.Helper()
	stamp := strconv.FormatInt(v.w.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "." + body))
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, "https://"+host+"/orders", strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Bailiwick-Timestamp", stamp)
	req.Header.Set("Bailiwick-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	res, err := v.http(plain()).Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func (v *verifying) tell(order, n string) int {
	v.n++
	return v.order("provision.registrars.example", testSecret, fmt.Sprintf(`{"order":%q,"name":%q,"id":"o%d","reason":"no_answer","at":%q,"statuses":["clientHold"]}`, order, n, v.n, v.w.Now().Add(time.Duration(v.n)*time.Millisecond).Format(time.RFC3339Nano)))
}

// orders holds and releases as the states say.
func (v *verifying) orders(at time.Time) {
	v.t.Helper()
	for _, n := range slices.Sorted(maps.Keys(v.sent)) {
		v.mu.Lock()
		state := v.state[n]
		v.mu.Unlock()
		want := state != "verified" && at.Sub(v.sent[n]) >= 96*time.Hour
		if want == v.held[n] {
			continue
		}
		order := map[bool]string{true: "hold", false: "release"}[want]
		status := v.tell(order, n)
		if status == http.StatusServiceUnavailable { // flaky: the same again
			v.n--
			status = v.tell(order, n)
		}
		if status != http.StatusOK {
			v.t.Errorf("%s %s: %d", order, n, status)
		}
		v.held[n] = want
	}
}

func (v *verifying) days(n int) {
	for h := 0; h <= n*24; h++ {
		v.advance(time.Duration(h) * time.Hour)
		v.mails(v.w.Now())
		v.orders(v.w.Now())
	}
}

func verificationScenario(t *testing.T) *Scenario {
	t.Helper()
	const file = "../docs/scenarios/verification.yaml"
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := Load(f, file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Holders do with codes what the scenario says, over real mail and HTTP; a
// scanner that opens every link has confirmed nothing; and the truth tells the
// TLD that asks from the one that does not.
func TestVerification(t *testing.T) {
	s := verificationScenario(t)
	v := start(t, s).verifying()
	v.days(s.Days)
	by := map[string]Verification{}
	for _, x := range v.w.Verifications() {
		by[x.Name] = x
	}
	for n, want := range map[string]struct {
		state string // what the centre came to know
		by    string
		holds int
		lost  bool
	}{
		"river-books.safex":   {state: "verified"},
		"mill-cycles.safex":   {state: "verified", by: "mail"},
		"oak-lamps.safex":     {state: "verified", by: "page", holds: 1},
		"harbour-tea.safex":   {holds: 1, lost: true},
		"wool-market.safex":   {holds: 1, lost: true},
		"linen-club.safex":    {holds: 1, lost: true},
		"garden-fair.safex":   {state: "came back", holds: 1, lost: true},
		"copper-prints.safex": {state: "disowned", by: "page", holds: 1, lost: true},
		"aurora-login.safex":  {holds: 1, lost: true},
		"aurora-secure.safex": {state: "bounced", holds: 1, lost: true},
		"aurora-help.safex":   {state: "verified"},
		"aurora-card.openx":   {},
		"corner-bakery.openx": {},
	} {
		x := by[n]
		if got := v.state[n]; !strings.HasPrefix(got, want.state) || want.state == "" && got != "" {
			t.Errorf("%s: the centre knows %q, not %q", n, got, want.state)
		}
		if len(x.Holds) != want.holds || x.Lost() != want.lost || x.Required != strings.HasSuffix(n, ".safex") {
			t.Errorf("%s: %+v", n, x)
		}
		if want.by != "" && (len(x.Answers) != 1 || x.Answers[0].By != want.by || !x.Answers[0].Accepted()) {
			t.Errorf("%s: answered %+v, not by %s", n, x.Answers, want.by)
		}
	}
	if x := by["oak-lamps.safex"]; len(x.Answers) == 1 && x.Answers[0].At.Before(x.Holds[0].From) {
		t.Errorf("answered before the hold: %+v", x)
	}
	if x := by["mill-cycles.safex"]; len(x.Answers) == 1 && x.Answers[0].At.Sub(x.Asked) < 40*time.Hour {
		t.Errorf("answered at once: %+v", x)
	}
	if x := by["wool-market.safex"]; x.Scans < 2 || len(x.Answers) != 0 || slices.Contains(v.log, "POST wool-market.safex") || !slices.Contains(v.log, "GET wool-market.safex") {
		t.Errorf("the scanner: %+v, %v", x, v.log)
	}
	if !slices.Contains(v.log, "MAIL linen-club.safex") {
		t.Errorf("the ticket system sent nothing back: %v", v.log)
	}
	if len(by["corner-bakery.openx"].Answers)+by["corner-bakery.openx"].Mails != 0 {
		t.Error("a holder was verified where nobody asks")
	}
	safe, open := v.w.ByTLD()[0], v.w.ByTLD()[1]
	t.Logf("%+v\n%+v\n%+v", safe, open, v.w.Counts())
	if safe.Malicious != 6 || safe.Held != 5 || safe.Released != 1 || safe.HeldHonest != 5 || safe.Left == 0 || safe.Left != open.Came || safe.Left == safe.Held ||
		open.Malicious != 6+open.Came || open.Held != 0 || safe.AbuseHours/float64(safe.Malicious) > 0.8*open.AbuseHours/float64(open.Malicious) {
		t.Errorf("the truth does not tell them apart:\n%+v\n%+v", safe, open)
	}
	if n := v.w.Counts(); n.Verifications != 14 || n.CodesRefused != 0 || n.Orders == 0 || n.Refused != 0 || n.VerificationsRefused != 0 {
		t.Errorf("%+v", n)
	}
	for _, m := range v.asked {
		if m["profile"] != "lab" || m["registrar"] != "Quickname" || m["email"] == "" {
			t.Errorf("asked for %v", m)
		}
	}
}

const heldWorld = `
tlds: [{name: safex, whois: ok, verification: required}, {name: openx}]
registrars: [{name: Quickname, whois: ok}, {name: Other, provisioning: flaky}, {name: Broken, provisioning: down}]
names:
  - {name: river-books.safex, registered: -90d, site: shop}
  - {name: other-books.safex, registered: -90d, site: shop, registrar: Other}
  - {name: broken-books.safex, registered: -90d, site: shop, registrar: Broken}
  - {name: later-books.safex, registered: 5d, site: shop}
  - {name: open-books.openx, registered: -90d, site: shop}
`

// An order is carried out once, by whoever is in charge of the name and on the
// centre's signature alone; a hold shows in RDAP and WHOIS and takes the name
// out of the DNS, and a release gives it back.
func TestOrders(t *testing.T) {
	v := start(t, load(t, heldWorld)).verifying()
	v.advance(0)
	const n = "river-books.safex"
	at := func(m int) string { return v.w.StartsAt().Add(time.Duration(m) * time.Minute).Format(time.RFC3339) }
	body := func(order, n, id string, minute int) string {
		return fmt.Sprintf(`{"order":%q,"name":%q,"id":%q,"reason":"no_answer","at":%q}`, order, n, id, at(minute))
	}
	own, gate := "provision.quickname.example", "provision.registrars.example"
	shows := func(held bool) {
		t.Helper()
		_, rec := v.rdap("https://rdap.nic.safex/domain/" + n)
		statuses := fmt.Sprint(rec["status"])
		who := v.whois("whois.nic.safex", n)
		gone := v.resolve(n, dns.TypeA).Rcode == dns.RcodeNameError
		if strings.Contains(statuses, "client hold") != held || strings.Contains(who, "clientHold") != held || gone != held {
			t.Errorf("held %t: RDAP %s, gone from the DNS %t, WHOIS:\n%s", held, statuses, gone, who)
		}
	}
	shows(false)
	for _, c := range []struct {
		about, host, secret, body string
		want                      int
		held                      bool
	}{
		{"a wrong secret", own, "another secret of thirty-two octets", body("hold", n, "1", 1), 401, false},
		{"no JSON", own, testSecret, `{"order":`, 400, false},
		{"no such order", own, testSecret, body("delete", n, "1", 1), 400, false},
		{"no id", own, testSecret, body("hold", n, "", 1), 400, false},
		{"no time", own, testSecret, `{"order":"hold","name":"` + n + `","id":"1"}`, 400, false},
		{"too long", own, testSecret, body("hold", n, strings.Repeat("x", maxOrder), 1), 413, false},
		{"no such name", own, testSecret, body("hold", "nobody.safex", "1", 1), 404, false},
		{"not registered yet", own, testSecret, body("hold", "later-books.safex", "1", 1), 404, false},
		{"another registrar's", own, testSecret, body("hold", "other-books.safex", "1", 1), 404, false},
		{"another registrar's, through its own", "provision.other.example", testSecret, body("hold", n, "1", 1), 404, false},
		{"release of what is not held", own, testSecret, body("release", n, "0", 1), 409, false},
		{"hold", own, testSecret, body("hold", n, "1", 2), 200, true},
		{"the same again", own, testSecret, body("hold", n, "1", 2), 200, true},
		{"hold of what is held", gate, testSecret, body("hold", n, "2", 3), 409, true},
		{"the id of another order", own, testSecret, body("release", n, "1", 4), 400, true},
		{"an older release", own, testSecret, body("release", n, "3", 1), 409, true},
		{"release", gate, testSecret, body("release", n, "4", 5), 200, false},
		{"the hold once more, late", own, testSecret, body("hold", n, "1", 2), 200, false},
		{"an older hold", own, testSecret, body("hold", n, "5", 4), 409, false},
		{"a flaky system", gate, testSecret, body("hold", "other-books.safex", "6", 6), 503, false},
		{"a flaky system, again", gate, testSecret, body("hold", "other-books.safex", "6", 6), 200, false},
		{"a system that is down", gate, testSecret, body("hold", "broken-books.safex", "7", 6), 503, false},
	} {
		if got := v.order(c.host, c.secret, c.body); got != c.want {
			t.Errorf("%s: %d, not %d", c.about, got, c.want)
		}
		shows(c.held)
	}
	if a := v.mustGet("https://"+own+"/orders", plain()); a.status != http.StatusMethodNotAllowed {
		t.Errorf("a GET: %d", a.status)
	}
	// A hold for abuse is another's: no release lifts it.
	v.w.mu.Lock()
	v.w.holdings[n].clientHold = true
	v.w.mu.Unlock()
	if got := v.order(own, testSecret, body("hold", n, "8", 8)); got != 200 {
		t.Errorf("a second reason to hold: %d", got)
	}
	if got := v.order(own, testSecret, body("release", n, "9", 9)); got != 200 {
		t.Errorf("release of one reason: %d", got)
	}
	shows(true)
	if v.w.ProvisioningURL("Quickname") != "https://"+own+"/orders" || v.w.ProvisioningURL("") != "https://"+gate+"/orders" || v.w.ProvisioningURL("Nobody") != "" {
		t.Error("the address of the orders")
	}
	// A world that asks nobody has no such system.
	c := start(t, load(t, "tlds: [{name: openx}]\nnames: [{name: open-books.openx, site: shop}]"))
	if as := c.resolve("provision.lab-registrar.example", dns.TypeA); as.Rcode != dns.RcodeNameError || c.w.Verifications() != nil {
		t.Errorf("%v", as)
	}
	if err := c.w.SetVerifier(Verifier{Secret: []byte("short")}); err == nil {
		t.Error("a short secret is taken")
	}
}

// The registrar asks for every new name of the TLD once, and again while the
// centre cannot take it; names up to 15 days old are new.
func TestOpening(t *testing.T) {
	c := start(t, load(t, `
tlds: [{name: safex, verification: required}, {name: openx}]
names:
  - {name: old-books.safex, registered: -16d, site: shop}
  - {name: young-books.safex, registered: -14d, site: shop}
  - {name: new-books.safex, registered: 1h, site: shop}
  - {name: new-books.openx, registered: 1h, site: shop}
`))
	var mu sync.Mutex
	var names []string
	busy := 2
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var m map[string]string
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		if busy > 0 {
			busy--
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		names = append(names, m["name"])
		if m["name"] == "new-books.safex" {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		rw.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(srv.Close)
	if err := c.w.SetCentre(srv.URL); err != nil {
		t.Fatal(err)
	}
	if err := c.w.SetVerifier(Verifier{Secret: []byte(testSecret), Key: "k"}); err != nil {
		t.Fatal(err)
	}
	for h := range 30 {
		c.advance(time.Duration(h) * time.Hour)
	}
	if want := []string{"young-books.safex", "new-books.safex"}; !reflect.DeepEqual(names, want) {
		t.Errorf("asked about %v, not %v", names, want)
	}
	if n := c.w.Counts(); n.Verifications != 1 || n.VerificationsRefused != 1 {
		t.Errorf("%+v", n)
	}
}

func TestVerificationScenarioErrors(t *testing.T) {
	const head = "tlds: [{name: safex, verification: required}, {name: openx}]\n"
	for about, c := range map[string]struct{ yaml, want string }{
		"verification": {"tlds: [{name: safex, verification: always}]", "tlds[0].verification"},
		"nothing lost": {"tlds: [{name: safex, displacement: {share: 1, to: openx}}, {name: openx}]", "tlds[0].displacement"},
		"share":        {"tlds: [{name: safex, verification: required, displacement: {share: 1.5, to: openx}}, {name: openx}]", "displacement.share"},
		"to itself":    {"tlds: [{name: safex, verification: required, displacement: {share: 1, to: safex}}]", "displacement.to"},
		"to nowhere":   {"tlds: [{name: safex, verification: required, displacement: {share: 1, to: opnx}}, {name: openx}]", `did you mean "openx"?`},
		"answers":      {head + "names: [{name: a.safex, site: shop, registrant: {verifies: promptly}}]", "names[0].registrant.verifies.answers"},
		"by":           {head + "names: [{name: a.safex, site: shop, registrant: {verifies: {by: fax}}}]", "verifies.by"},
		"mailbox":      {head + "names: [{name: a.safex, site: shop, registrant: {verifies: {mailbox: none}}}]", "verifies.mailbox"},
		"after":        {head + "names: [{name: a.safex, site: shop, registrant: {verifies: {after: [3h, 1h]}}}]", "verifies.after"},
		"a party's":    {head + "names: [{name: a.safex, site: shop, registrant: {email: abuse@nic.safex}}]", "names[0].registrant.email"},
		"no address":   {head + "names: [{name: a.safex, site: shop, registrant: {email: none}}]", "names[0].registrant.email"},
		"two boxes": {head + "names:\n  - {name: a.safex, site: shop, registrant: {email: x@y.example, verifies: {mailbox: full}}}\n  - {name: b.safex, site: shop, registrant: {email: x@y.example}}",
			"names[1].registrant.verifies.mailbox"},
		"provisioning": {head + "registrars: [{name: A, provisioning: maybe}]", "registrars[0].provisioning"},
	} {
		t.Run(about, func(t *testing.T) {
			if _, err := Load(strings.NewReader(c.yaml), "x.yaml"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v names no %s", err, c.want)
			}
		})
	}
}

// Displacement moves the share that it says, and the same names each time.
func TestDisplacementShare(t *testing.T) {
	var b strings.Builder
	b.WriteString("tlds: [{name: safex, verification: required, displacement: {share: 0.3, to: [openx, webb]}}, {name: openx}, {name: webb}]\nnames:\n")
	const n = 400
	for i := range n {
		fmt.Fprintf(&b, "  - {name: aurora-%d.safex, registered: 1h, site: phishing}\n", i)
	}
	one, two := load(t, b.String()), load(t, b.String())
	moved, to := 0, map[string]int{}
	for i, x := range one.Names {
		if x.Else != "" {
			moved++
			to[lastLabel(x.Else)]++
		}
		if two.Names[i].Else != x.Else {
			t.Fatalf("%s: %q, then %q", x.Name, x.Else, two.Names[i].Else)
		}
	}
	if moved < n*3/10-46 || moved > n*3/10+46 || to["openx"] < moved/4 || to["webb"] < moved/4 { // 5 standard errors
		t.Errorf("%d of %d moved, to %v", moved, n, to)
	}
	if len(one.Names) != n+moved {
		t.Errorf("%d names", len(one.Names))
	}
}

func FuzzOrder(f *testing.F) {
	s, err := Load(strings.NewReader(heldWorld), "held.yaml")
	if err != nil {
		f.Fatal(err)
	}
	w, err := Start(f.Context(), s, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = w.Close() })
	if err := w.SetVerifier(Verifier{Secret: []byte(testSecret)}); err != nil {
		f.Fatal(err)
	}
	f.Add("1767571200", []byte(`{"order":"hold","name":"river-books.safex","id":"1","at":"2026-01-05T00:00:00Z"}`), true)
	f.Add("x", []byte(`{}`), true)
	f.Add("1", []byte(`{"order":"hold","name":"river-books.safex","id":"1","at":"2026-01-05T00:00:00Z"}`), false)
	p := &provisioner{registrar: &w.s.Registrars[0]}
	f.Fuzz(func(t *testing.T, stamp string, body []byte, sign bool) {
		signature := "sha256=00"
		if sign {
			mac := hmac.New(sha256.New, []byte(testSecret))
			mac.Write([]byte(stamp + "."))
			mac.Write(body)
			signature = "sha256=" + hex.EncodeToString(mac.Sum(nil))
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		before := len(w.orders)
		status, _ := w.carryOut(p, stamp, signature, body)
		if !sign && (status != http.StatusUnauthorized || len(w.orders) != before) {
			t.Errorf("an unsigned order: %d", status)
		}
	})
}

func FuzzForms(f *testing.F) {
	f.Add([]byte(`<form method=post action=x><input name=code><button name=do value=y></form><a href=z>`))
	f.Fuzz(func(t *testing.T, page []byte) {
		for _, x := range formsOf(page) {
			if x.hidden == nil {
				t.Error("a form without fields to fill in")
			}
		}
		if len(linksOf(page)) > maxLinks {
			t.Error("too many links")
		}
	})
}
