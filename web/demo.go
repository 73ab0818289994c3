package web

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
)

// Demo is the control of a demo: a centre in a made world whose clock somebody
// moves. Where Options have none, the pages know nothing of demos. All fields
// are needed; all are called concurrently.
type Demo struct {
	// State tells how the world stands.
	State func() DemoState
	// Pause, GoOn, Faster and Slower do what they say. An error is a Conflict
	// where the world cannot do that now: it is being prepared, or over.
	Pause, GoOn, Faster, Slower func(context.Context) error
	// Step moves the world by a virtual time and then lets it stand. It returns
	// when it is there, or ctx is done; the world goes on to there all the same.
	Step func(ctx context.Context, by time.Duration) error
	// SignIn opens a session for the made-up analyst; remote is the address that
	// asks for it.
	SignIn func(ctx context.Context, remote string) (token string, p access.Person, err error)
	// LinkUnused says whether the one-time link of the first administrator still
	// works.
	LinkUnused func(context.Context) bool
}

// DemoState is how a demo's world stands.
type DemoState struct {
	Now time.Time // virtual
	// Begin and End bound what was made up; Ready is where the demo begins to
	// be shown: what lies before it is prepared.
	Begin, Ready, End time.Time
	Preparing         bool
	Running           bool
	To                time.Time     // where a step under way leads; zero if none is
	Day               time.Duration // the real time that a virtual day takes
	Fastest, Slowest  bool
	Trouble           string // why it stands still for good, if something broke
}

// Over says whether everything that was made up has happened.
func (d DemoState) Over() bool { return !d.Preparing && !d.Now.Before(d.End) }

// May says whether the world can be moved.
func (d DemoState) May() bool { return !d.Preparing && !d.Over() && d.Trouble == "" }

// Moving says whether its date changes by itself.
func (d DemoState) Moving() bool { return d.Preparing || d.Running || !d.To.IsZero() }

// ReadyDays is how many days were prepared.
func (d DemoState) ReadyDays() int { return int(d.Ready.Sub(d.Begin) / (24 * time.Hour)) }

// Word says how it stands.
func (d DemoState) Word() string {
	day := 24 * time.Hour
	switch {
	case d.Trouble != "":
		return "stands still: " + d.Trouble
	case d.Preparing:
		return fmt.Sprintf("being prepared, day %d of %d", min(d.Now.Sub(d.Begin)/day+1, d.Ready.Sub(d.Begin)/day), d.Ready.Sub(d.Begin)/day)
	case d.Over():
		return fmt.Sprintf("all %d days that were made up are over", d.End.Sub(d.Begin)/day)
	case !d.To.IsZero():
		return "going on to " + d.To.UTC().Format("2 Jan, 15:04")
	case d.Running:
		return "running, a day in " + strconv.FormatFloat(d.Day.Seconds(), 'f', -1, 64) + " s"
	}
	return "paused"
}

// stopCookie remembers at which stop of the guided path somebody is, so that the
// strip leads back there. It is no credential.
const stopCookie = "stop"

// demoStrip is what the strip on every page of a demo shows.
type demoStrip struct {
	DemoState
	Stop int // of the guided path; 0 if it was not begun
	Last int
}

func (s *site) demoStrip(r *request) *demoStrip {
	if s.opt.Demo == nil {
		return nil
	}
	at, here := strings.CutPrefix(r.URL.Path, "/demo/")
	if !here {
		at = cookie(r.Request, stopCookie)
	}
	n, err := strconv.Atoi(at)
	if err != nil || n < 0 || n > len(demoStops) {
		n = 0
	}
	return &demoStrip{s.opt.Demo.State(), n, len(demoStops)}
}

// demoWait is the most that a form waits for a step; the world goes on to its
// end all the same.
const demoWait = 20 * time.Second

// registerDemo adds the pages of a demo.
func (s *site) registerDemo(public func(string, handler)) {
	public("GET /demo", s.demoPage)
	public("GET /demo/{stop}", s.demoStop)
	public("GET /demo/state", s.demoState)
	public("POST /demo/control", s.demoControl)
	public("POST /demo/sign-in", s.demoSignIn)
}

// demoPolicy lets the strip's script ask this site how the world stands; pages
// outside a demo ask nothing.
func demoPolicy(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", w.Header().Get("Content-Security-Policy")+"; connect-src 'self'")
}

// demoTwin is the state for the script of the strip.
type demoTwin struct {
	Now     time.Time `json:"now"`
	Date    string    `json:"date"` // as the strip shows it
	Word    string    `json:"word"`
	Running bool      `json:"running"`
	Moving  bool      `json:"moving"` // the date changes by itself
	May     bool      `json:"may"`
	Fastest bool      `json:"fastest"`
	Slowest bool      `json:"slowest"`
}

func (s *site) demoState(w http.ResponseWriter, _ *request) error {
	d := s.opt.Demo.State()
	return twin(w, demoTwin{d.Now, demoDate(d.Now), d.Word(), d.Running, d.Moving(), d.May(), d.Fastest, d.Slowest})
}

func demoDate(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006, 15:04 UTC") }

// ownForm lets only forms of this site through, and those of a session only with
// its token. Who is not signed in has no token; that the form is of this site
// was checked before (site.serve).
func ownForm(w http.ResponseWriter, r *request) error {
	if err := parseForm(w, r, maxForm, false); err != nil {
		return err
	}
	if r.person.Known() {
		return access.CheckCSRF(r.token, r.PostForm.Get("csrf"))
	}
	return nil
}

// demoControl moves the world. It needs no account: there is one visitor, who
// started the program, and nothing but a made world to move.
func (s *site) demoControl(w http.ResponseWriter, r *request) error {
	if err := ownForm(w, r); err != nil {
		return err
	}
	if err := onLoopback(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), demoWait)
	defer cancel()
	d := s.opt.Demo
	var err error
	switch do := r.PostForm.Get("do"); do {
	case "pause":
		err = d.Pause(ctx)
	case "go":
		err = d.GoOn(ctx)
	case "hour":
		err = d.Step(ctx, time.Hour)
	case "day":
		err = d.Step(ctx, 24*time.Hour)
	case "faster":
		err = d.Faster(ctx)
	case "slower":
		err = d.Slower(ctx)
	default:
		err = problem.BadField("do", "%.20q is not one of pause, go, hour, day, faster, slower", do)
	}
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		return s.demoState(w, r)
	}
	headers(w)
	http.Redirect(w, r.Request, local(r.PostForm.Get("to"), "/demo"), http.StatusSeeOther)
	return nil
}

// onLoopback lets only requests through that come from this machine and were
// meant for it: a page elsewhere whose name resolves to loopback sends its own
// name.
func onLoopback(r *request) error {
	from, err := netip.ParseAddr(remote(r))
	if err == nil && from.Unmap().IsLoopback() {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if a, err := netip.ParseAddr(host); err == nil && a.IsLoopback() || host == "localhost" {
			return nil
		}
	}
	return problem.New(problem.Refused, "the demo can be moved, and signed in to, from this machine only")
}

// demoSignIn signs a visitor in without a password, as a made-up analyst. That
// is safe here and nowhere else: it exists only where a Demo is set, which only
// the demo command does; it answers only on loopback; and all there is to see
// is a made world that is thrown away with the program. The session is one like
// any other, and what it looks at is logged.
func (s *site) demoSignIn(w http.ResponseWriter, r *request) error {
	if err := ownForm(w, r); err != nil {
		return err
	}
	if err := onLoopback(r); err != nil {
		return err
	}
	to := local(r.PostForm.Get("to"), "/demo/1")
	if s.demoMay(r) { // twice pressed
		headers(w)
		http.Redirect(w, r.Request, to, http.StatusSeeOther)
		return nil
	}
	token, p, err := s.opt.Demo.SignIn(r.Context(), s.client(r).String())
	if err != nil {
		return err
	}
	s.start(w, r, token, p, to)
	return nil
}

// demoMay says whether the visitor can open the desk's pages.
func (s *site) demoMay(r *request) bool { return s.may(r, access.Case, "").Allowed }

// demoStopText is a stop of the guided path: what happens, and why.
type demoStopText struct {
	Title, Short string
	Text         string
	// Look is what to look at on the page that the stop leads to.
	Look []string
	// None says what is missing while there is no such case.
	None string
	Open string // words of the link
}

// demoStops are the stops of the guided path, in order.
var demoStops = []demoStopText{
	{Title: "A report comes in", Short: "Report",
		Text: "Somebody saw a page that cheats people and reports it: by the form, by mail, from a filter or a feed. What was sent is kept as it came before anything rests on it, and the sender gets a receipt. Reports of the same name and the same kind of abuse become one case, so that nobody is asked twice.",
		Look: []string{"The timeline has the newest on top: go to its end for the report.", "“Reported” lists the addresses. They cannot be clicked: what comes from outside is shown, never loaded."},
		None: "No report was taken in yet.", Open: "Open the case"},
	{Title: "Verify and confirm", Short: "Verify",
		Text: "A report is a claim, and a wrong accusation takes a shop off the Internet. So the centre looks itself, from several places and as several kinds of visitor, keeps what it saw, and judges with reasons: is the abuse there, and was the name registered for it or broken into? Nothing leaves before a person, or a rule the operator switched on, has confirmed it on a look less than an hour old.",
		Look: []string{"“Judgement” says how the name is judged, why, and who confirmed.", "“What each place saw” shows that some pages hide from some visitors; “Evidence” keeps what was seen."},
		None: "No case has been looked at and confirmed yet.", Open: "Open the case"},
	{Title: "Ask", Short: "Ask",
		Text: "The centre finds who has authority – the host, the platform, the registrar, the registry – and asks each for one thing by one time, with the evidence. An answer comes back by a link, by mail, or by hand. “We acted” is an answer too, and it is measured before it is believed.",
		Look: []string{"“Who has authority” shows each party with its clock and what it answered.", "“Messages” holds what was sent and what came back, to be read."},
		None: "No party has answered an ask yet.", Open: "Open the case"},
	{Title: "A silent registrar, and the next step", Short: "Escalate",
		Text: "Silence counts only once a receiving server has taken the message. When the time is over and the abuse is still there, the party is chased and the next one with authority is asked beside it. The record says “not seen to act”: what was observed, not who was in breach.",
		Look: []string{"The timeline shows the time that passed, and the ask that followed from it.", "“Who has authority” shows both parties; whoever ends the abuse is credited, on evidence."},
		None: "Nobody let their time pass so far.", Open: "Open the case"},
	{Title: "The figures", Short: "Figures",
		Text: "Everything is counted, and nothing is left out: cases still open count as open, and do not make the times look shorter. Each figure says what it counts, has its data beside it, and can be recomputed. They are public, so that registries, registrars and policy makers can see what helps.",
		Look: []string{"The first curve shows how long confirmed abuse stays up, with its uncertainty.", "“Who was asked” sets the roles side by side: who answered, and who ended it."},
		None: "There are no cases to count yet.", Open: "Open the figures"},
}

type demoView struct {
	State      DemoState
	Stops      []demoStopText
	May        bool // the desk's pages open
	LinkUnused bool
	N          int // the stop, from 1
	Stop       demoStopText
	Prev, Next int
	Shown      *exhibit
	Waits      int // cases that wait for a person's confirmation
}

// demoPage is the beginning of the guided path.
func (s *site) demoPage(w http.ResponseWriter, r *request) error {
	v := demoView{State: s.opt.Demo.State(), Stops: demoStops, May: s.demoMay(r), LinkUnused: s.opt.Demo.LinkUnused(r.Context())}
	return s.render(w, r, http.StatusOK, "demo", page{Title: "What a coordination centre does", Here: "demo", Body: v})
}

// demoStop is one stop, with what shows it in this world at this moment.
func (s *site) demoStop(w http.ResponseWriter, r *request) error {
	n, err := strconv.Atoi(r.PathValue("stop"))
	if err != nil || n < 1 || n > len(demoStops) {
		return problem.New(problem.NotFound, "the guided path has stops 1 to %d", len(demoStops))
	}
	v := demoView{State: s.opt.Demo.State(), Stops: demoStops, May: s.demoMay(r), N: n, Stop: demoStops[n-1], Prev: n - 1}
	if n < len(demoStops) {
		v.Next = n + 1
	}
	cases, err := s.c.Cases(r.Context(), store.CaseFilter{})
	if err != nil {
		return err
	}
	if n == len(demoStops) {
		v.Shown = s.demoFigures(r, cases)
	} else {
		v.Shown = demoExhibit(n, cases, s.names(r))
	}
	if v.Shown != nil && n == 1 && v.Shown.Report != "" {
		if err := s.c.Store.View(r.Context(), func(tx *store.Tx) error {
			rep, err := tx.Report(r.Context(), v.Shown.Report)
			v.Shown.Receipt = rep.Receipt
			return err
		}); err != nil && problem.CodeOf(err) != problem.NotFound {
			return err
		}
	}
	for _, c := range cases {
		if c.State == casework.Unconfirmed {
			v.Waits++
		}
	}
	http.SetCookie(w, &http.Cookie{Name: stopCookie, Value: strconv.Itoa(n), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure(r)})
	return s.render(w, r, http.StatusOK, "demo", page{Title: fmt.Sprintf("%d of %d: %s", n, len(demoStops), v.Stop.Title), Here: "demo", Body: v})
}

// exhibit is what shows a stop: a case of the running world, or the figures.
type exhibit struct {
	Key, Brand string // the subject; "" for the figures
	Badge      badge
	Facts      []fact
	Link       string
	Report     string // id of the first report
	Receipt    string
}

type fact struct{ Word, Text string }

// demoExhibit finds the case that shows a stop best: the newest of those that
// show the most.
func demoExhibit(stop int, cases []casework.Case, who func(ref string) string) *exhibit {
	var best casework.Case
	most := 0
	for _, c := range cases { // newest first
		if c.State == casework.Merged {
			continue
		}
		if n := demoWorth(stop, c); n > most {
			best, most = c, n
		}
	}
	if most == 0 {
		return nil
	}
	x := &exhibit{Key: best.Subject.Key(), Brand: brandOf(best), Badge: standing(best), Link: "/cases/" + segment(best.ID)}
	add := func(word, format string, args ...any) {
		x.Facts = append(x.Facts, fact{word, fmt.Sprintf(format, args...)})
	}
	switch stop {
	case 1:
		reports := best.AllReports()
		first := reports[0]
		x.Report = first.ID
		add("first report", "%s", demoDate(first.Received))
		add("so far", "%s of %s", count(len(reports), "report", "reports"), typeWord(string(best.Type)))
		if len(reports) > 1 {
			add("came as", "%s", demoFormats(reports))
		}
	case 2:
		add("judged", "%s", classes[best.Class].Word)
		if len(best.Reasons) > 0 {
			add("because", "%s", outside(best.Reasons[0], 200))
		}
		add("confirmed", "%s after the first report, by %s, on a look %s old", span(best.Confirmation.At.Sub(best.FirstReport())),
			cmp.Or(who(best.Confirmation.By), best.Confirmation.By), span(best.Confirmation.At.Sub(best.Confirmation.Evidence)))
	case 3:
		o := answered(best)
		add("asked", "%s, the %s: %s", partyName(o.Party), roleWord(o.Party.Role), actions[o.Action])
		add("answered", "after %s: %s", span(o.AnswerAt.Sub(o.Delivered)), answers[o.Answer].theirs)
		add("since", "%s", obligationBadge(o).Word)
	case 4:
		missed, next := escalation(best)
		add("asked first", "%s, the %s, at %s", partyName(missed.Party), roleWord(missed.Party.Role), demoDate(missed.Delivered))
		add("had until", "%s, and was not seen to act", demoDate(missed.Due))
		add("asked next", "%s, the %s, at %s", partyName(next.Party), roleWord(next.Party.Role), demoDate(next.Opened))
	}
	return x
}

// demoWorth says how well a case shows a stop; 0 if it does not.
func demoWorth(stop int, c casework.Case) int {
	n := 0
	grade := func(good bool) {
		if n <<= 1; good {
			n++
		}
	}
	switch stop {
	case 1:
		reports := c.AllReports()
		if len(reports) == 0 {
			return 0
		}
		n = 1
		grade(slices.ContainsFunc(reports, func(r casework.ReportRef) bool { return r.Format != reports[0].Format }))
	case 2:
		if c.Confirmation == nil || c.Look == nil || len(c.Look.Blobs) == 0 {
			return 0
		}
		n = 1
		grade(len(c.Reasons) > 0)
		grade(c.Class == casework.Malicious)
	case 3:
		o := answered(c)
		if o.ID == "" {
			return 0
		}
		n = 1
		grade(o.Status == casework.Met)
		grade(o.Answer == "acted")
	case 4:
		missed, next := escalation(c)
		if next.ID == "" {
			return 0
		}
		n = 1
		grade(missed.Party.Role == party.Registrar)
		grade(!next.Delivered.IsZero())
		grade(missed.Answer == "")
	}
	return n
}

// answered is the ask of a case that was answered best: the party acted.
func answered(c casework.Case) casework.Obligation {
	var best casework.Obligation
	for _, o := range c.Obligations {
		if !o.Action.Asks() || o.Delivered.IsZero() || o.Answer == "" {
			continue
		}
		if best.ID == "" || o.Status == casework.Met && best.Status != casework.Met {
			best = o
		}
	}
	return best
}

// escalation finds an ask whose time passed, and the one that followed from it.
func escalation(c casework.Case) (missed, next casework.Obligation) {
	for _, o := range c.Obligations {
		from, ok := c.Obligation(o.Escalates)
		if !ok || o.Escalates == "" || from.Delivered.IsZero() || from.Due.IsZero() || o.Opened.Before(from.Due) {
			continue
		}
		if next.ID == "" || from.Party.Role == party.Registrar && missed.Party.Role != party.Registrar {
			missed, next = from, o
		}
	}
	return missed, next
}

func partyName(p party.Party) string { return outside(p.Name, 120) }

// formats are what reports can come in, in words.
var formats = map[string]string{"xarf4": "XARF v4", "xarf3": "XARF v3", "arf": "ARF", "mail": "a person’s mail", "json": "the form, a feed or the API"}

// demoFormats are the formats that reports came in.
func demoFormats(reports []casework.ReportRef) string {
	var all []string
	for _, r := range reports {
		if w := formats[r.Format]; w != "" && !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return strings.Join(all, "; ")
}

// demoFigures are the figures at a glance. While they are being counted there
// is a link without them.
func (s *site) demoFigures(r *request, cases []casework.Case) *exhibit {
	if len(cases) == 0 {
		return nil
	}
	x := &exhibit{Link: "/figures"}
	f, err := s.figures.Figures(r.Context())
	if err != nil {
		return x
	}
	x.Facts = []fact{{"so far", fmt.Sprintf("%s became %s", count(f.Reports.All, "report", "reports"), count(f.Cases.All, "case", "cases"))},
		{"open now", count(f.Cases.Open, "case", "cases")}}
	if len(f.Mitigate) > 0 && f.Mitigate[0].Curve.N >= fewest {
		x.Facts = append(x.Facts, fact{"report to gone", "median " + median(f.Mitigate[0])})
	}
	x.Facts = append(x.Facts, fact{"ended by", demoCredited(f)})
	return x
}

// demoCredited says which roles were credited with an end, most first.
func demoCredited(f centre.Figures) string {
	rows := slices.Clone(f.Asked)
	slices.SortStableFunc(rows, func(a, b centre.Asked) int { return b.Credited - a.Credited })
	var out []string
	for _, a := range rows {
		if a.Credited > 0 {
			out = append(out, roleWord(a.Role)+" "+thousands(a.Credited))
		}
	}
	return cmp.Or(strings.Join(out, ", "), "nobody so far")
}
