package centre

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/access"
	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/casework"
	"bailiwick/inaccuracy"
	"bailiwick/mail"
	"bailiwick/name"
	"bailiwick/notify/email"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
	"bailiwick/text"
)

// InaccuracySettings are what an operator decides about inaccuracy cases.
type InaccuracySettings struct {
	// PerDay is the most cases opened in 24 hours; 0 is none.
	PerDay int
	// FollowUp is how long an answer is waited for where no duty has a time; 0 is
	// inaccuracy.DefaultFollowUp.
	FollowUp time.Duration
}

// The routes and kinds of notice of inaccuracy cases.
const (
	routeInaccuracy     = "inaccuracy:" // and the case
	routeInaccuracyCopy = "inaccuracy copy:"
	kindInaccuracy      = "inaccuracy"
)

var inaccuracies = keeping[inaccuracy.Case, inaccuracy.Command]{
	what: "inaccuracy case", kind: kindInaccuracy, notices: "inaccuracy", route: routeInaccuracy,
	at:     func(cs inaccuracy.Case) where { return where{cs.ID, cs.Seq, cs.Last} },
	decide: inaccuracy.Decide, seal: inaccuracy.Seal, apply: inaccuracy.Apply,
	load:   loading((*store.Tx).Inaccuracy, unpackInaccuracy),
	events: (*store.Tx).InaccuracyEvents, append: (*store.Tx).AppendInaccuracyEvents,
	// Of what is opened, or opened again, there may be another open one.
	final: func(before inaccuracy.Case) bool { return before.Seq == 0 || before.State == inaccuracy.Closed },
}

// Times of ours.
const (
	// heldTooLong is how long a notice may be held after the data was looked at: what
	// has been corrected meanwhile is not asked for.
	heldTooLong = 7 * 24 * time.Hour
	// A re-check that got no answer, and one that cannot be made, are tried again
	// after these.
	recheckLater, recheckMuchLater = time.Hour, 24 * time.Hour
)

// recheckBatch is how many re-checks one pass of the sweep makes: each may wait
// for a server, and the others stay due.
const recheckBatch = 20

// InaccuracyDraft says what a case is opened about.
type InaccuracyDraft struct {
	Name    string `json:"name"`
	Profile string `json:"profile"`
	// Party is who is asked, with PartyEmail their address; empty: who the
	// registration says.
	Party      string `json:"party,omitempty"`
	PartyEmail string `json:"party_email,omitempty"`
}

// heard is what was answered about the registration of a name.
type heard struct {
	rec     registration.Record
	version int
	at      time.Time
}

// lookAt gives the registration of a name, asking unless an answer younger than
// fresh is known.
func (c *Centre) lookAt(ctx context.Context, n name.Domain, fresh time.Duration) (heard, error) {
	asked := c.Clock.Now()
	rec, err := c.Lookup(ctx, n, fresh, "")
	if err != nil {
		return heard{}, err
	}
	out := heard{rec: rec, at: asked}
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		row, ok, err := tx.LastRegistration(ctx, n.String())
		if err == nil && ok && row.State == string(rec.State) {
			out.version, out.at = row.Version, row.Last
		}
		return err
	})
	return out, err
}

// examine assesses a registration under a profile, with what its registrant
// answered to this centre and what DNS says of the mail domains. Nothing is sent
// to anybody.
func (c *Centre) examine(ctx context.Context, p policy.Profile, rec registration.Record) (policy.Assessment, error) {
	var facts accuracy.Facts
	if err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		facts.Answers, err = c.affirmed(ctx, tx, rec)
		return err
	}); err != nil {
		return policy.Assessment{}, err
	}
	if c.set.Accuracy.Observe && rec.State == registration.Registered {
		ctx, cancel := context.WithTimeout(ctx, observeAll)
		facts.Mail = c.mailFacts(ctx, mailDomains(rec))
		cancel()
	}
	a, _, err := p.Examine(rec, facts, c.Clock.Now())
	return a, err
}

func (c *Centre) policyProfile(id string) (policy.Profile, error) {
	if c.set.Accuracy.Policies == nil {
		return policy.Profile{}, problem.New(problem.Refused, "this centre has no policy profiles")
	}
	p, err := c.set.Accuracy.Policies.Get(id)
	if problem.CodeOf(err) == problem.NotFound {
		return p, problem.BadField("profile", "%.60q is not a policy profile", id)
	}
	return p, err
}

// grounds are what a case rests on: a look, and what the profile says of it.
func (c *Centre) grounds(ctx context.Context, p policy.Profile, l heard) (inaccuracy.Grounds, error) {
	g := inaccuracy.Grounds{Profile: p, Version: l.version, Observed: l.at, Record: l.rec}
	if _, err := rand.Read(g.Salt[:]); err != nil {
		return g, err
	}
	var err error
	g.Assessment, err = c.examine(ctx, p, l.rec)
	return g, err
}

// OpenInaccuracy opens a case of a name under a profile, on its registration as
// it was answered in the last day, or is now. It asks nobody (see
// SendInaccuracy). Where there is an open one already, that is given with a
// Conflict.
func (c *Centre) OpenInaccuracy(ctx context.Context, d InaccuracyDraft, by string) (inaccuracy.Case, error) {
	var none inaccuracy.Case
	n, err := name.ParseAny(strings.TrimSpace(name.Refang(d.Name)))
	if err != nil {
		return none, problem.BadField("name", "is not a domain name")
	}
	if n = c.Suffixes.Split(n).Registered; n.IsZero() {
		return none, problem.BadField("name", "is not below a public suffix: nobody registered it")
	}
	p, err := c.policyProfile(d.Profile)
	if err != nil {
		return none, err
	}
	if err := c.spared(n); err != nil {
		return none, err
	}
	mailbox := ""
	if d.PartyEmail != "" {
		var ok bool
		if mailbox, ok = party.Mailbox(d.PartyEmail); !ok {
			return none, problem.BadField("party_email", "is not a mail address")
		}
	}
	// What stands in the way is said before anybody is asked about the name.
	var open inaccuracy.Case
	err = c.Store.View(ctx, func(tx *store.Tx) (err error) {
		open, err = c.mayOpen(ctx, tx, n, p)
		return err
	})
	if err != nil {
		return open, err
	}
	l, err := c.lookAt(ctx, n, inaccuracy.Fresh)
	if err != nil {
		return none, err
	}
	if l.rec.State != registration.Registered {
		return none, problem.New(problem.Conflict, "%s is not registered, as far as the answer says: %s", n, l.rec.State)
	}
	cmd := inaccuracy.Open{By: by, Name: n, GTLD: c.Directory.TLDKind(n.TLD()) == party.GTLD, FollowUp: casework.Duration(c.set.Inaccuracy.FollowUp)}
	if cmd.Grounds, err = c.grounds(ctx, p, l); err != nil {
		return none, err
	}
	registrar, registry, err := c.authorities(n, &l.rec)
	if err != nil {
		return none, err
	}
	switch {
	case d.Party != "":
		cmd.Party = party.Party{ID: "holder:" + slugOf(d.Party), Role: party.Registrar, Name: text.Line(d.Party, inaccuracy.MaxShort), Basis: "a person"}
	case registrar.ID != "":
		cmd.Party = registrar
	case registry.ID != "":
		cmd.Party = registry
	default:
		return none, problem.BadField("party", "is not known from the registration of %s: name who is asked", n)
	}
	if mailbox != "" {
		cmd.Party.Email, cmd.Party.Reachable = mailbox, true
	}
	if inaccuracy.CopyToRegistry(p) && registry.ID != "" && registry.Email != "" {
		cmd.Copy = &registry
	}
	var out inaccuracy.Case
	err = c.Store.Update(ctx, func(tx *store.Tx) error {
		if open, err := c.mayOpen(ctx, tx, n, p); err != nil {
			out = open
			return err
		}
		var pr prompts
		var err error
		out, err = c.stepInaccuracy(ctx, tx, &pr, none, cmd)
		return err
	})
	return out, err
}

// spared says why nobody is asked about the data of a name: a registrar that gets
// no answer from the holder may suspend it, and others live by it.
func (c *Centre) spared(n name.Domain) error {
	s, err := c.Directory.SubjectOfDomain(n)
	if err != nil {
		return err
	}
	if ok, why := c.Directory.DNSLevelAllowed(s); !ok {
		return problem.New(problem.Refused, "its registrar is not asked: %s", why)
	}
	return nil
}

// mayOpen says why a case of a name may not be opened now.
func (c *Centre) mayOpen(ctx context.Context, tx *store.Tx, n name.Domain, p policy.Profile) (inaccuracy.Case, error) {
	row, found, err := tx.OpenInaccuracy(ctx, n.String(), p.ID)
	if err != nil {
		return inaccuracy.Case{}, err
	}
	if found {
		open, err := unpackInaccuracy(row)
		if err != nil {
			return open, err
		}
		return open, problem.New(problem.Conflict, "inaccuracy case %s of %s under %s is open already", row.ID, n, p.ID)
	}
	count, err := tx.CountInaccuracies(ctx, c.Clock.Now().Add(-24*time.Hour))
	if err == nil && count >= c.set.Inaccuracy.PerDay {
		err = problem.New(problem.RateLimited, "%d inaccuracy cases were opened in 24 hours, the most there may be", count)
	}
	return inaccuracy.Case{}, err
}

// authorities are the registrar and the registry of a name, by its registration;
// the zero party where one is not known.
func (c *Centre) authorities(n name.Domain, rec *registration.Record) (registrar, registry party.Party, err error) {
	s, err := c.Directory.SubjectOfDomain(n)
	if err != nil {
		return registrar, registry, err
	}
	for _, p := range c.Directory.Who(party.Query{Subject: s, Type: abuse.Other, Record: rec}) {
		switch {
		case p.Role == party.Registrar && p.ID != "registrar:unknown" && registrar.ID == "":
			registrar = p
		case p.Role == party.Registry && registry.ID == "":
			registry = p
		}
	}
	return registrar, registry, nil
}

// stepInaccuracy gives commands to a case, one after the other, and writes the
// events, the projection and the notices they cause in tx. The zero case is
// opened by an Open command.
func (c *Centre) stepInaccuracy(ctx context.Context, tx *store.Tx, p *prompts, cs inaccuracy.Case, cmds ...inaccuracy.Command) (inaccuracy.Case, error) {
	s, err := inaccuracies.take(c, cs, cmds...)
	if cs = s.after; err != nil || len(s.entries) == 0 {
		return cs, err
	}
	body, err := json.Marshal(cs)
	if err != nil {
		return cs, err
	}
	row := store.Inaccuracy{ID: cs.ID, Name: cs.Name, Profile: cs.Terms.Profile, Party: cs.Party.ID, State: string(cs.State), Open: cs.State.Open(), ByPerson: cs.ByPerson(),
		Opened: cs.Opened, Touched: cs.Last, Ended: cs.Ended, Due: cs.NextDue(), Seq: cs.Seq, Head: cs.Head, Body: body}
	var notices []store.Notice
	for _, ev := range s.events {
		for _, o := range inaccuracy.Ordered(ev) {
			to := cs.Party.ID
			if o.Copy {
				to = cs.Copy.ID
			}
			notices = append(notices, inaccuracies.notice(s, o.N, to, o.To))
		}
	}
	return cs, inaccuracies.write(ctx, tx, p, s, func(was int) error { return tx.PutInaccuracy(ctx, row, was) }, notices...)
}

func unpackInaccuracy(row store.Inaccuracy) (inaccuracy.Case, error) {
	var cs inaccuracy.Case
	if err := json.Unmarshal(row.Body, &cs); err != nil {
		return cs, problem.Wrap(err, problem.Corrupt, "the projection of inaccuracy case %s does not parse", row.ID)
	}
	return cs, nil
}

// ActInaccuracy gives commands to a case for somebody who saw it up to the event
// numbered seq; 0 sets no such condition.
func (c *Centre) ActInaccuracy(ctx context.Context, id string, seq int, cmds ...inaccuracy.Command) (inaccuracy.Case, error) {
	return c.actInaccuracy(ctx, id, seq, nil, cmds...)
}

// actInaccuracy is ActInaccuracy with what else is to be done in the same
// transaction; nil is nothing.
func (c *Centre) actInaccuracy(ctx context.Context, id string, seq int, also func(*store.Tx, *prompts, inaccuracy.Case) error, cmds ...inaccuracy.Command) (inaccuracy.Case, error) {
	return inaccuracies.change(ctx, c, id, seq, given[inaccuracy.Case](cmds), func(ctx context.Context, tx *store.Tx, p *prompts, cs inaccuracy.Case, cmds []inaccuracy.Command) (inaccuracy.Case, error) {
		cs, err := c.stepInaccuracy(ctx, tx, p, cs, cmds...)
		if err == nil && also != nil {
			err = also(tx, p, cs)
		}
		return cs, err
	})
}

// SendInaccuracy has the party asked: the confirmation of a person who saw the
// case up to seq. to, if not empty, is another address of the party. What this
// centre itself had verified of the same value is in doubt from then on.
func (c *Centre) SendInaccuracy(ctx context.Context, id string, seq int, by, to string) (inaccuracy.Case, error) {
	return c.actInaccuracy(ctx, id, seq, func(tx *store.Tx, p *prompts, cs inaccuracy.Case) error {
		row, ok, err := tx.LastRegistration(ctx, cs.Name)
		if err != nil || !ok || row.Version != cs.Version {
			return err
		}
		v, err := c.version(ctx, tx, row, true)
		if problem.CodeOf(err) == problem.NotFound { // the contacts expired
			return nil
		} else if err != nil {
			return err
		}
		return c.upheld(ctx, tx, p, cs, v.Record, by)
	}, inaccuracy.Send{By: by, To: to})
}

// RecheckInaccuracy asks for the registration now and looks whether the same
// checks pass.
func (c *Centre) RecheckInaccuracy(ctx context.Context, id, by string) (inaccuracy.Case, error) {
	cs, err := c.Inaccuracy(ctx, id)
	if err != nil {
		return cs, err
	}
	if !cs.State.Open() {
		return cs, problem.New(problem.Conflict, "inaccuracy case %s is %s", id, cs.State)
	}
	_, l, p, err := c.again(ctx, cs)
	if err != nil {
		return cs, err
	}
	cmd := inaccuracy.Check{By: by, Version: l.version, Observed: l.at, Held: held(l.rec)}
	if cmd.Assessment, err = c.examine(ctx, p, l.rec); err != nil {
		return cs, err
	}
	return c.ActInaccuracy(ctx, id, 0, cmd)
}

// again looks at the name of a case now.
func (c *Centre) again(ctx context.Context, cs inaccuracy.Case) (n name.Domain, l heard, p policy.Profile, err error) {
	if p, err = c.policyProfile(cs.Terms.Profile); err != nil {
		return n, l, p, err
	}
	if n, err = name.Parse(cs.Name); err != nil {
		return n, l, p, problem.Wrap(err, problem.Corrupt, "inaccuracy case %s has a name that does not parse", cs.ID)
	}
	l, err = c.lookAt(ctx, n, lookedJustNow)
	return n, l, p, err
}

// lookedJustNow is how old an answer may be that is taken for one of now: whoever
// presses a button twice asks once.
const lookedJustNow = time.Minute

// held says whether a registration is on hold (RFC 5731, section 2.3).
func held(rec registration.Record) bool {
	return slices.ContainsFunc(rec.Statuses, func(s string) bool {
		return strings.EqualFold(s, "clientHold") || strings.EqualFold(s, "serverHold")
	})
}

// ReopenInaccuracy begins another round of a closed case, on what fails now.
func (c *Centre) ReopenInaccuracy(ctx context.Context, id string, seq int, by, words string) (inaccuracy.Case, error) {
	cs, err := c.Inaccuracy(ctx, id)
	if err != nil {
		return cs, err
	}
	n, l, p, err := c.again(ctx, cs)
	if err != nil {
		return cs, err
	}
	if err := c.spared(n); err != nil {
		return cs, err
	}
	g, err := c.grounds(ctx, p, l)
	if err != nil {
		return cs, err
	}
	return c.ActInaccuracy(ctx, id, seq, inaccuracy.Reopen{By: by, Text: words, Grounds: g})
}

// Inaccuracy reads one case.
func (c *Centre) Inaccuracy(ctx context.Context, id string) (inaccuracy.Case, error) {
	return inaccuracies.one(ctx, c, id)
}

// Inaccuracies lists cases, newest first.
func (c *Centre) Inaccuracies(ctx context.Context, f store.InaccuracyFilter) ([]inaccuracy.Case, error) {
	return view(ctx, c, func(tx *store.Tx) ([]inaccuracy.Case, error) {
		rows, err := tx.Inaccuracies(ctx, f)
		if err != nil {
			return nil, err
		}
		return unpackAll(rows, unpackInaccuracy)
	})
}

// InaccuracyEvents reads a case's log.
func (c *Centre) InaccuracyEvents(ctx context.Context, id string) ([]casework.Entry, error) {
	return inaccuracies.log(ctx, c, id)
}

// InaccuracyNotices reads what was sent about a case, in order.
func (c *Centre) InaccuracyNotices(ctx context.Context, cs inaccuracy.Case) ([]store.Notice, error) {
	return inaccuracies.sent(ctx, c, cs.ID, cs.Notices())
}

// withoutPersonal leaves the personal payloads out of a log.
func withoutPersonal(es []casework.Entry) []casework.Entry {
	out := slices.Clone(es)
	for i := range out {
		if out[i].Payload != nil && out[i].Payload.Personal {
			out[i].Payload = nil
		}
	}
	return out
}

// ExportInaccuracy writes a case's chain with a signed head, as Export does.
// Personal payloads are withheld.
func (c *Centre) ExportInaccuracy(ctx context.Context, w io.Writer, id string) error {
	return inaccuracies.export(ctx, c, w, id, false)
}

// InaccuracyTold is what the fields of a case said, and what people wrote, as far
// as it is kept: personal.
type InaccuracyTold struct {
	Values *inaccuracy.Values `json:"values,omitempty"` // of the latest round
	Words  []Word             `json:"words,omitempty"`
}

func inaccuracyTold(es []casework.Entry) (out InaccuracyTold, err error) {
	for _, e := range es {
		switch {
		case e.Kind == inaccuracy.KindReopened:
			out.Values = nil
		case e.Kind == inaccuracy.KindValues && e.Payload != nil:
			v, err := casework.Read[inaccuracy.Values](e)
			if err != nil {
				return out, unreadable(err, inaccuracies.what, e)
			}
			out.Values = &v
		}
	}
	out.Words, err = words(es, inaccuracies.what, inaccuracy.KindWords)
	return out, err
}

// InaccuracyWords reads what people wrote on a case. Who shows it logs it.
func (c *Centre) InaccuracyWords(ctx context.Context, id string) ([]Word, error) {
	es, err := c.InaccuracyEvents(ctx, id)
	if err != nil {
		return nil, err
	}
	t, err := inaccuracyTold(es)
	return t.Words, err
}

// ReadInaccuracy reads the personal part of a case for somebody who needs it for
// their work. The look is in the access log, under the name, before anything is
// read.
func (c *Centre) ReadInaccuracy(ctx context.Context, r Reader, id string) (InaccuracyTold, error) {
	es, err := c.inaccuracyLook(ctx, r, id, "what failed checks say, inaccuracy case "+id)
	if err != nil {
		return InaccuracyTold{}, err
	}
	return inaccuracyTold(es)
}

// InaccuracyFile makes the compliance file of a case under a generic TLD. With a
// reader it holds what the fields said and what was written, and the look is in
// the access log; without one these are left out.
func (c *Centre) InaccuracyFile(ctx context.Context, r *Reader, id string) (inaccuracy.ComplianceFile, error) {
	var es []casework.Entry
	var err error
	if r != nil {
		es, err = c.inaccuracyLook(ctx, *r, id, "compliance file of inaccuracy case "+id)
	} else if es, err = c.InaccuracyEvents(ctx, id); err == nil {
		es = withoutPersonal(es)
	}
	if err != nil {
		return inaccuracy.ComplianceFile{}, err
	}
	cs, err := inaccuracy.Replay(es)
	if err != nil {
		return inaccuracy.ComplianceFile{}, err
	}
	own, err := c.verifiedHere(ctx, r, cs.Name)
	if err != nil {
		return inaccuracy.ComplianceFile{}, err
	}
	return inaccuracy.File(es, own, c.Clock.Now())
}

// inaccuracyLook reads a whole log, having logged that. A zero person is the
// console.
func (c *Centre) inaccuracyLook(ctx context.Context, r Reader, id, why string) ([]casework.Entry, error) {
	cs, err := c.Inaccuracy(ctx, id)
	if err != nil {
		return nil, err
	}
	actor := access.Console
	if r.Desk != nil {
		if v := access.Decide(r.Person, access.Work, access.Object{Kind: access.Registration, ID: cs.Name, Personal: true}); !v.Log {
			return nil, v.Err(r.Person)
		}
		actor = r.Person.Actor()
	}
	if err := c.logLook(ctx, actor, access.Work, access.Registration, cs.Name, why); err != nil {
		return nil, err
	}
	return c.InaccuracyEvents(ctx, id)
}

// ---- what is due

// workInaccuracies settles what time has settled on cases, and looks again where
// that is due.
func (c *Centre) workInaccuracies(ctx context.Context, ids []string) error {
	rechecks := 0
	return c.eachOf(ctx, ids, "case", "an inaccuracy case could not be worked", func(id string) error {
		cs, err := c.ActInaccuracy(ctx, id, 0, inaccuracy.Tick{})
		if err != nil || rechecks == recheckBatch || cs.RecheckAt.IsZero() || cs.RecheckAt.After(c.Clock.Now()) {
			return err
		}
		rechecks++
		if _, err = c.RecheckInaccuracy(ctx, id, casework.Centre); err == nil || ctx.Err() != nil {
			return err
		}
		later := recheckMuchLater
		if code := problem.CodeOf(err); code == problem.Unavailable || code == problem.RateLimited {
			later = recheckLater
		}
		c.Log.Warn("an inaccuracy case could not be checked again; later", "case", id, "err", err)
		return c.Store.Update(ctx, func(tx *store.Tx) error { return tx.PostponeInaccuracy(ctx, id, c.Clock.Now().Add(later)) })
	})
}

// ---- notices

// prepareInaccuracy is prepare for a notice of an inaccuracy case.
func (c *Centre) prepareInaccuracy(ctx context.Context, tx *store.Tx, n store.Notice, now time.Time) (func() (email.Message, error), error) {
	id := strings.TrimPrefix(n.Obligation, routeInaccuracy)
	cs, err := inaccuracies.load(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(cs.Orders, func(o inaccuracy.Order) bool { return o.N == n.Number })
	if i < 0 || !slices.Contains([]inaccuracy.State{inaccuracy.Sent, inaccuracy.Asked, inaccuracy.Silent, inaccuracy.Failing}, cs.State) {
		return nil, unwanted(ctx, tx, n, now, "the case is "+string(cs.State))
	}
	if now.Sub(cs.Checked) > heldTooLong {
		return nil, c.failed(ctx, tx, n, "held too long: the data was last looked at "+cs.Checked.Format("2006-01-02 15:04 UTC")+"; check it again, and send it again")
	}
	d, err := name.Parse(cs.Name)
	if err != nil {
		return nil, problem.Wrap(err, problem.Corrupt, "inaccuracy case %s has a name that does not parse", id)
	}
	if err := c.spared(d); err != nil { // what is spared may have become so since
		return nil, c.failed(ctx, tx, n, problem.DocumentOf(err).Detail)
	}
	o := cs.Orders[i]
	m := email.Inaccuracy{ID: id, NoticeID: n.ID, PartyName: cs.Party.Name, To: n.To, Domain: d, Copy: o.Copy, AskedName: cs.Party.Name, More: cs.More, Rule: cs.Terms.Title,
		Provider: cs.Provider, Checked: cs.Checked, CentreName: c.set.Name, CentreContact: c.set.Contact, Date: now}
	ref := email.InaccuracyRef
	if o.Copy {
		m.PartyName, ref = cs.Copy.Name, email.InaccuracyCopyRef
	} else {
		m.AnswerURL = c.set.BaseURL + "/inaccuracy/answer/" + email.AnswerToken(c.ReplyKey, id, email.InaccuracyRef)
	}
	if cs.Terms.Status != policy.InForce && cs.Terms.Status != policy.Own {
		m.RuleCaveat = "It is " + string(cs.Terms.Status) + " and binds nobody: " + policy.NotForCompliance
	}
	for _, f := range cs.Findings {
		m.Findings = append(m.Findings, email.InaccuracyFinding{Field: fieldOf(f.Path), What: orElse(f.Detail, "the check fails: "+f.Reason), Check: strings.ReplaceAll(f.Check, ".", " ") + ", " + f.Level.String(), Proxy: f.OfProxy})
	}
	timed := false
	for _, x := range cs.Duties {
		a := email.InaccuracyAsk{What: askWords(cs, x), Clause: x.Clause, Caveat: x.Caveat}
		switch {
		case x.Action.Suspends() && !x.Binding:
			continue // what was read second hand proposes nothing of the kind
		case x.Action.Suspends():
			m.Suspends = true
		}
		if x.Binding && mine(cs, x) && !x.Within.IsZero() {
			a.Within, timed = x.Within.Words(), true
		}
		m.Asks = append(m.Asks, a)
	}
	if !timed {
		m.Wait = fmt.Sprintf("%d days", max(1, int(time.Duration(cs.Terms.FollowUp).Hours()/24)))
	}
	for _, e := range cs.Orders[:i] {
		if e.Copy || o.Copy {
			continue
		}
		if !e.Taken.IsZero() {
			m.Earlier = append(m.Earlier, e.Taken)
		}
		m.PreviousMessageIDs = append(m.PreviousMessageIDs, inaccuracies.accepted(ctx, tx, id, e.N)...)
	}
	return func() (email.Message, error) {
		return email.ComposeInaccuracy(m, c.composing(n.ID, c.set.From, email.ReplyAddress(c.ReplyKey, c.set.ReplyDomain, id, ref)))
	}, nil
}

// fieldOf is a path in words: "registrant: email".
func fieldOf(path string) string {
	return strings.ReplaceAll(strings.Replace(strings.TrimPrefix(path, "contacts."), ".", ": ", 1), "_", " ")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// mine says whether a duty is of whoever is asked.
func mine(cs inaccuracy.Case, d inaccuracy.Duty) bool {
	if cs.Party.Role == party.Registry {
		return d.Actor == policy.ByRegistry
	}
	return d.Actor == policy.ByRegistrar
}

// askWords says what a duty asks of whoever is asked.
func askWords(cs inaccuracy.Case, d inaccuracy.Duty) string {
	s := "to " + d.Action.Words()
	if len(d.Claims) > 0 {
		s += " " + strings.Join(d.Claims, ", ")
	}
	if !mine(cs, d) {
		s = "to have the " + string(d.Actor) + " " + strings.TrimPrefix(s, "to ")
	}
	return s
}

// toldInaccuracy puts what became of a notice on its case.
func (c *Centre) toldInaccuracy(ctx context.Context, tx *store.Tx, n store.Notice, result casework.Result, response string) error {
	cs, err := inaccuracies.load(ctx, tx, strings.TrimPrefix(n.Obligation, routeInaccuracy))
	if err != nil {
		return err
	}
	var p prompts
	_, err = c.stepInaccuracy(ctx, tx, &p, cs, inaccuracy.Noticed{N: n.Number, Result: result, Response: response})
	return err
}

// ---- answers

// InaccuracyAnswer is what a party says through its link.
type InaccuracyAnswer struct {
	Answer inaccuracy.Said `json:"answer"`
	Text   string          `json:"text,omitempty"`
}

// InaccuracyAnswerable finds the case that an answer link is about.
func (c *Centre) InaccuracyAnswerable(ctx context.Context, token string) (inaccuracy.Case, error) {
	id, ref, ok := email.ParseAnswerToken(c.ReplyKey, token)
	if !ok || ref != email.InaccuracyRef {
		return inaccuracy.Case{}, problem.New(problem.NotFound, "this link is not one of ours")
	}
	return c.Inaccuracy(ctx, id)
}

// AnswerInaccuracy records what the holder of an answer link says. The link is the
// credential: it names one case and binds that alone.
func (c *Centre) AnswerInaccuracy(ctx context.Context, token string, a InaccuracyAnswer) (inaccuracy.Case, error) {
	cs, err := c.InaccuracyAnswerable(ctx, token)
	if err != nil {
		return cs, err
	}
	return c.ActInaccuracy(ctx, cs.ID, 0, inaccuracy.Answer{By: "party:" + cs.ID, Said: a.Answer, Text: a.Text})
}

// mailInaccuracy reads what came to the address of a case, or to that of the copy
// to the registry. A person's words are for a person: no machine takes an answer
// out of a mail.
func (c *Centre) mailInaccuracy(ctx context.Context, tx *store.Tx, p *prompts, a arrived, row *store.Mail) error {
	id, asked := strings.CutPrefix(row.Route, routeInaccuracy)
	if !asked {
		id = strings.TrimPrefix(row.Route, routeInaccuracyCopy)
	}
	cs, err := inaccuracies.load(ctx, tx, id)
	if problem.CodeOf(err) == problem.NotFound {
		ignore(row, "the inaccuracy case is not here any more")
		return nil
	}
	if err != nil {
		return err
	}
	var cmd inaccuracy.Command
	switch a.Kind {
	case mail.Person:
		if ours, err := c.ours(ctx, tx, a, row); err != nil || ours {
			return err
		}
		row.Detail = meant(a)
		if !asked {
			row.Detail = "the registry wrote: read it"
		}
		cmd = inaccuracy.Mail{ID: row.ID, Says: row.Detail}
	case mail.AutoReply, mail.Ticket, mail.Generated, mail.Receipt:
		row.Detail = "an automatic answer"
		if !asked || a.Kind == mail.AutoReply || !cs.Acked.IsZero() || cs.State != inaccuracy.Sent && cs.State != inaccuracy.Asked {
			break // an absence documents nothing, and the registry does not speak for who is asked
		}
		row.Detail = "a ticket system's answer: it arrived"
		cmd = inaccuracy.Answer{By: "party:" + cs.ID, Said: inaccuracy.Received}
	case mail.Failed, mail.Delayed, mail.Delivered:
		rep, ok := deliveryReport(a, row)
		if !ok {
			return nil
		}
		why, failed := bounced(rep)
		row.Detail = strings.TrimSpace(string(a.Kind) + ": " + why)
		if !failed {
			break
		}
		// Those of this round, to whom this address was given: the copy has another.
		sent, err := inaccuracies.sentOf(ctx, tx, cs.ID, func(number int) bool {
			return slices.ContainsFunc(cs.Orders, func(o inaccuracy.Order) bool { return o.N == number && o.Copy != asked })
		})
		if err != nil {
			return err
		}
		n, ok, err := c.takeBack(ctx, tx, row, sent, rep.OriginalID, why)
		if err != nil || !ok {
			return err
		}
		cmd = inaccuracy.Noticed{N: n.Number, Result: casework.Bounced, Response: why}
	default:
		ignore(row, "of kind "+string(a.Kind)+": not an answer")
		return nil
	}
	row.State = store.MailFiled
	if cmd == nil {
		return nil
	}
	_, err = c.stepInaccuracy(ctx, tx, p, cs, cmd)
	if declined(err) {
		row.Detail += "; the case is " + string(cs.State)
		return nil
	}
	return err
}
