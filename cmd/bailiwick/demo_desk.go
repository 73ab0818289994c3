package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"bailiwick/access"
	"bailiwick/accuracy"
	"bailiwick/accuracy/census"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/inaccuracy"
	"bailiwick/mail"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/store"
)

// deskProfile is what the names of a lab whose data are wrong are held against.
const deskProfile = "waps-raa-2013"

// Times of the scripted desk.
const (
	deskHour = 9 * time.Hour       // from midnight, when it works
	deskWait = 18 * 24 * time.Hour // for an answer to the latest ask: the centre's 15 days, and what a registrar takes that gave its customer 15
	deskAsks = 2                   // of one case
)

// scriptedDesk is a person's part in a demo of inaccuracy cases, scripted: nothing
// leaves a centre before somebody presses send. Once a day it opens a case for
// each name whose checks fail, sends, reads the mails, has the data looked at
// again, and closes. It knows what the centre knows, and nothing of the world's
// truth but one thing: it can read, so that what a mail *says* is taken from
// whoever wrote it. Whether that is so, the re-check shows.
type scriptedDesk struct {
	r       *run
	by      string
	due     time.Time
	read    map[string]bool         // mails
	mails   map[string][]store.Mail // of people, by case, since yesterday
	written map[string]string       // what was meant, by Message-ID
	more    map[string]bool         // cases whose party wants evidence first
	// looked says that the list of names was looked up, begun that cases were
	// opened of what was found.
	looked, begun bool
	opened        map[string]string // case by name
	// spared are the names that nobody is asked about.
	spared []string
	files  map[string]int // findings in the compliance file, by case
}

// correcting switches on what the demo of a world with wrong data needs.
func (r *run) correcting(cfg *config.Config) {
	if r.world.Flawed() {
		cfg.Accuracy.Profiles = []string{deskProfile}
	}
}

// sitDown lets the scripted desk work in a world whose data are wrong.
func (r *run) sitDown() error {
	if !r.world.Flawed() {
		return nil
	}
	p, err := r.app.Access.AddPerson(r.e.ctx, access.Console, access.NewPerson{Login: "scripted-desk", Name: "The demo's scripted desk", Roles: []access.Role{access.Analyst}})
	if err != nil {
		return err
	}
	r.desk = &scriptedDesk{r: r, by: "person:" + p.ID, read: map[string]bool{}, more: map[string]bool{}, opened: map[string]string{}, files: map[string]int{}}
	r.desk.next(r.begin)
	return nil
}

// next is the following morning.
func (d *scriptedDesk) next(now time.Time) {
	d.due = now.UTC().Truncate(24 * time.Hour).Add(deskHour)
	for !d.due.After(now) {
		d.due = d.due.Add(24 * time.Hour)
	}
}

// work is a day's work, if it is time for it.
func (d *scriptedDesk) work(ctx context.Context, now time.Time) error {
	if d == nil || now.Before(d.due) {
		return nil
	}
	d.next(now)
	if !d.looked {
		d.looked = true
		return d.look(ctx) // what fails is known once it has been assessed
	}
	if !d.begun {
		d.begun = true
		if err := d.open(ctx); err != nil {
			return err
		}
	}
	if err := d.fetch(ctx); err != nil {
		return err
	}
	open, err := d.r.app.Centre.Inaccuracies(ctx, store.InaccuracyFilter{OpenOnly: true, Limit: store.MaxInaccuracies})
	if err != nil {
		return err
	}
	for _, c := range slices.Backward(open) { // the oldest first
		if d.opened[c.Name] != c.ID { // somebody's who looks on
			continue
		}
		if err := d.handle(ctx, c, now); err != nil {
			return problem.Wrap(err, problem.CodeOf(err), "the scripted desk, inaccuracy case %s", c.ID)
		}
	}
	return nil
}

// look asks about every name on the registries' lists. The next morning the
// desk sees which of them fail.
func (d *scriptedDesk) look(ctx context.Context) error {
	for _, n := range d.r.world.Registered() {
		dom, err := name.Parse(n)
		if err != nil {
			return err
		}
		if _, err := d.r.app.Centre.Lookup(ctx, dom, time.Hour, ""); err != nil && ctx.Err() != nil {
			return err // what does not answer is not on the desk
		}
	}
	return nil
}

// open opens a case for each name that has a finding under the profile, and
// sends it: a person's decision, here a script's.
func (d *scriptedDesk) open(ctx context.Context) error {
	for _, n := range d.r.world.Registered() {
		if d.opened[n] != "" || slices.Contains(d.spared, n) {
			continue
		}
		dom, err := name.Parse(n)
		if err != nil {
			return err
		}
		found, err := d.r.app.Centre.AccuracyOf(ctx, dom)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(found, fails) {
			continue
		}
		c, err := d.r.app.Centre.OpenInaccuracy(ctx, centre.InaccuracyDraft{Name: n, Profile: deskProfile}, d.by)
		if err != nil {
			switch problem.CodeOf(err) {
			case problem.Refused:
				d.spared = append(d.spared, n)
				continue
			case problem.Conflict, problem.Unavailable: // somebody's who looks on; it passes now
				continue
			case problem.RateLimited: // enough for a day: the others are opened tomorrow
				d.begun = false
				return nil
			}
			return err
		}
		d.opened[n] = c.ID
		if _, err := d.r.app.Centre.SendInaccuracy(ctx, c.ID, c.Seq, d.by, ""); err != nil {
			return err
		}
	}
	return nil
}

func fails(n centre.NameAccuracy) bool {
	return n.Set.Frame.Name == centre.LookedUp && n.Set.Profile == deskProfile && !n.Gone &&
		slices.ContainsFunc(n.Outcome.Fields, func(f census.Field) bool { return f.Result == accuracy.Fail })
}

// handle does what a case asks of a person today.
func (d *scriptedDesk) handle(ctx context.Context, c inaccuracy.Case, now time.Time) error {
	ctr, id := d.r.app.Centre, c.ID
	c, err := d.answers(ctx, c)
	if err != nil {
		return err
	}
	end := func(o inaccuracy.Outcome) error {
		_, err := ctr.ActInaccuracy(ctx, id, 0, inaccuracy.Close{By: d.by, Outcome: o})
		return err
	}
	if c.State == inaccuracy.Corrected {
		return end(inaccuracy.WasCorrected)
	}
	latest, asks := c.Checked, 0
	if n := len(c.Orders); n > 0 {
		latest = time.Time{}
	}
	for _, o := range c.Orders {
		if !o.Copy {
			asks++
			latest = o.Taken // zero where it did not get there
		}
	}
	answered, over := c.AnswerAt.After(latest), now.Sub(latest) >= deskWait
	switch {
	case c.State == inaccuracy.Sent, c.Known.IsZero(): // on its way, or to be brought by hand, which no script does
		return nil
	case !c.RecheckAt.IsZero(): // the centre is to look by itself
		return nil
	case !answered && !over && !d.more[id], !now.After(c.AnswerAt): // what was noted down today is looked at tomorrow
		return nil
	}
	if c, err = ctr.RecheckInaccuracy(ctx, id, d.by); err != nil {
		if problem.CodeOf(err) == problem.Unavailable {
			return nil // another day
		}
		return err
	}
	switch {
	case c.State == inaccuracy.Corrected:
		return end(inaccuracy.WasCorrected)
	case c.Recheck.Result == inaccuracy.Gone:
		return end(inaccuracy.WasGone)
	case c.Recheck.Held: // the holder may come back, so a held name is followed for a while
		if now.Sub(c.AnswerAt) < deskWait {
			return nil
		}
		return end(inaccuracy.WasHeld)
	case c.Recheck.Result != inaccuracy.Fails:
		return nil
	case asks < deskAsks:
		d.more[id] = false
		_, err = ctr.SendInaccuracy(ctx, id, 0, d.by, "")
		return err
	}
	// Asked twice, and the same checks fail: the file is made, and a person takes
	// it to ICANN.
	f, err := ctr.InaccuracyFile(ctx, nil, id)
	if problem.CodeOf(err) == problem.Refused { // ICANN's agreements bind nobody there
		return end(inaccuracy.Unresolved)
	}
	if err != nil {
		return err
	}
	d.files[id] = len(f.Findings)
	return end(inaccuracy.Referred)
}

// means is what a person who reads a mail notes down as the answer.
var means = map[string]inaccuracy.Said{"received": inaccuracy.Received, "need_more": inaccuracy.Received, "corrected": inaccuracy.SaidCorrect, "verified": inaccuracy.SaidRight,
	"unreachable": inaccuracy.NotReached, "suspended": inaccuracy.SaidHeld, "refused": inaccuracy.SaidNo, "referred": inaccuracy.SaidNo, "no_authority": inaccuracy.NotTheirs}

// fetch sorts the mails of people that came to the addresses of cases, as far as
// their domains vouch for them, by the case.
func (d *scriptedDesk) fetch(ctx context.Context) error {
	ms, err := d.r.app.Centre.MailList(ctx, store.MailFiled, 100_000)
	if err != nil {
		return err
	}
	d.mails = map[string][]store.Mail{}
	for _, m := range slices.Backward(ms) { // the oldest first
		id, ok := strings.CutPrefix(m.Route, "inaccuracy:")
		var e mail.Envelope
		if !ok || m.Kind != string(mail.Person) || d.read[m.ID] || json.Unmarshal(m.Envelope, &e) != nil || !e.Auth.Authentic() {
			continue
		}
		d.mails[id] = append(d.mails[id], m)
	}
	d.written = map[string]string{}
	for _, m := range d.r.world.MailsSent() {
		d.written[m.MessageID] = m.Answer
	}
	return nil
}

// answers records what the mails about a case say.
func (d *scriptedDesk) answers(ctx context.Context, c inaccuracy.Case) (inaccuracy.Case, error) {
	for _, m := range d.mails[c.ID] {
		d.read[m.ID] = true
		word := d.written[strings.Trim(m.MessageID, "<>")]
		said, ok := means[word]
		if !ok || said == c.Answer && m.Received.Sub(c.AnswerAt).Abs() < time.Hour { // said by the link, too
			continue
		}
		d.more[c.ID] = d.more[c.ID] || word == "need_more"
		text := "By mail: " + cmp.Or(map[string]string{"need_more": "they want evidence first", "referred": "they name somebody else"}[word], inaccuracy.Answers().Means(string(said))) + "."
		var err error
		if c, err = d.r.app.Centre.ActInaccuracy(ctx, c.ID, 0, inaccuracy.Answer{By: d.by, Said: said, Text: text}); err != nil {
			return c, err
		}
	}
	return c, nil
}

// temperLine is what came of the notices to registrars of one temper. All of it is
// synthetic.
type temperLine struct {
	Temper     string `json:"temper"`
	Registrars int    `json:"registrars"`
	Cases      int    `json:"cases"`
	Notices    int    `json:"notices"` // that a receiving server took
	// Answered are cases with an answer, Receipts those with no more than one that
	// it was received.
	Answered int `json:"answered"`
	Receipts int `json:"receipts,omitempty"`
	// Corrected are those whose checks a re-check saw pass, MedianDays how long
	// that took from when the registrar knew.
	Corrected  int      `json:"corrected"`
	MedianDays *float64 `json:"median_days"`
	Held       int      `json:"held,omitempty"`
	Files      int      `json:"files"` // for ICANN Compliance
	Open       int      `json:"open,omitempty"`
	// The world's own account: how many of the cases' names have right data now,
	// and at how many the registrar's last word was that they have, or that they
	// were verified as right, and it is not so.
	Right  int `json:"truth_right"`
	Untrue int `json:"truth_untrue"`
}

// correctionsLine sums up a world whose data are wrong at first.
type correctionsLine struct {
	Tempers []temperLine `json:"tempers"`
	// Wrong are the names whose data are wrong at first, Found those of them that a
	// case was opened about, Unseen those that no check of ours fails for, Spared
	// those whose registrar is not asked.
	Wrong  int `json:"wrong"`
	Found  int `json:"found"`
	Unseen int `json:"unseen,omitempty"`
	Spared int `json:"spared,omitempty"`
	// Mistaken are cases about names whose data are right in the world.
	Mistaken int `json:"mistaken,omitempty"`
	// SeenRight are cases seen as corrected, of which SeenWrong are not in the
	// world; Missed are corrected in the world and not seen so.
	SeenRight int    `json:"seen_right"`
	SeenWrong int    `json:"seen_wrong"`
	Missed    int    `json:"missed"`
	ChainsOK  bool   `json:"chains_verified"`
	Synthetic string `json:"synthetic"`
}

// correctionsOf sums up the desk's cases, beside the world's truth.
func (r *run) correctionsOf() (*correctionsLine, error) {
	d := r.desk
	if d == nil {
		return nil, nil
	}
	out := &correctionsLine{ChainsOK: true, Spared: len(d.spared), Synthetic: "registrars, their tempers, holders and data are made by the lab; nothing here is about a real one"}
	lines := map[string]*temperLine{}
	registrars, days := map[string]map[string]bool{}, map[string][]float64{}
	for _, t := range r.world.Inaccuracies() {
		id := d.opened[t.Name]
		if len(t.Flaws) > 0 {
			out.Wrong++
		}
		if id == "" {
			if len(t.Flaws) > 0 && !slices.Contains(d.spared, t.Name) {
				out.Unseen++
			}
			continue
		}
		c, err := r.app.Centre.Inaccuracy(r.e.ctx, id)
		if err != nil {
			return nil, err
		}
		es, err := r.app.Centre.InaccuracyEvents(r.e.ctx, id)
		if err != nil {
			return nil, err
		}
		if again, err := inaccuracy.Replay(es); err != nil || casework.VerifyChain(es) != nil || again.Head != c.Head || again.State != c.State {
			out.ChainsOK = false
		}
		if len(t.Flaws) > 0 {
			out.Found++
		} else {
			out.Mistaken++
		}
		l := lines[t.Temper]
		if l == nil {
			l = &temperLine{Temper: t.Temper}
			lines[t.Temper], registrars[t.Temper] = l, map[string]bool{}
		}
		registrars[t.Temper][t.Registrar] = true
		l.Cases++
		for _, o := range c.Orders {
			if !o.Copy && !o.Taken.IsZero() {
				l.Notices++
			}
		}
		switch {
		case c.Answer != "":
			l.Answered++
		case !c.Acked.IsZero():
			l.Receipts++
		}
		seen := c.State == inaccuracy.Corrected || c.Outcome == inaccuracy.WasCorrected
		switch {
		case seen:
			l.Corrected++
			days[t.Temper] = append(days[t.Temper], c.Recheck.At.Sub(c.Known).Hours()/24)
		case c.Outcome == inaccuracy.WasHeld:
			l.Held++
		}
		if _, ok := d.files[id]; ok {
			l.Files++
		}
		if c.State.Open() {
			l.Open++
		}
		if t.Right() {
			l.Right++
		} else if n := len(t.Said); n > 0 && (t.Said[n-1].Says == "corrected" || t.Said[n-1].Says == "verified") {
			l.Untrue++
		}
		switch {
		case seen && !t.Right():
			out.SeenWrong++
		case !seen && t.Right():
			out.Missed++
		}
		if seen {
			out.SeenRight++
		}
	}
	for _, k := range slices.Sorted(maps.Keys(lines)) {
		l := lines[k]
		l.Registrars = len(registrars[k])
		if v := days[k]; len(v) > 0 {
			slices.Sort(v)
			m := math.Round(10*(v[(len(v)-1)/2]+v[len(v)/2])/2) / 10
			l.MedianDays = &m
		}
		out.Tempers = append(out.Tempers, *l)
	}
	return out, nil
}

// print writes the sums for people.
func (c *correctionsLine) print(w io.Writer) error {
	if c == nil {
		return nil
	}
	fmt.Fprintf(w, "\nWrong registration data (synthetic): %d names have them, %d were found by checks, %d show nothing that a check can see, %d are spared.\n", c.Wrong, c.Found, c.Unseen, c.Spared)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "REGISTRAR'S TEMPER\tCASES\tNOTICES\tANSWERED\tSEEN CORRECTED\tMEDIAN DAYS\tON HOLD\tFILES FOR ICANN\tRIGHT IN THE WORLD\tSAID SO, AND NOT")
	for _, l := range c.Tempers {
		days := "–"
		if l.MedianDays != nil {
			days = fmt.Sprintf("%.1f", *l.MedianDays)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t%d\t%d\t%d\t%d\n", strings.ReplaceAll(l.Temper, "_", " "), l.Cases, l.Notices, l.Answered, l.Corrected, days, l.Held, l.Files, l.Right, l.Untrue)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d cases were seen as corrected, of which %d are not so in the world; %d are corrected there and were not seen so. Their logs verify: %t.\n", c.SeenRight, c.SeenWrong, c.Missed, c.ChainsOK)
	return err
}
