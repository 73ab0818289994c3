package centre

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"bailiwick/abuse"
	"bailiwick/casework"
	"bailiwick/collect"
	"bailiwick/evidence"
	"bailiwick/judge"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
)

// lookers is how many cases one call of Work looks at side by side.
const lookers = 8

// Work does what is due on the given cases: a look of our own, and everything
// that follows from it. A case on which nothing is due is passed over.
func (c *Centre) Work(ctx context.Context, ids []string) error {
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	slots := make(chan struct{}, lookers)
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := c.work(ctx, id); err != nil && ctx.Err() == nil {
				c.Log.Error("a case could not be worked", "case", id, "err", err)
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

func (c *Centre) work(ctx context.Context, id string) error {
	if !c.begin(id) {
		return nil // a job and the sweep need not both ask the same servers
	}
	defer c.end(id)
	cs, err := c.Case(ctx, id)
	if err != nil {
		return err
	}
	if due := cs.Due(); due.IsZero() || due.After(c.Clock.Now()) {
		return nil
	}
	f, plan, took, err := c.look(ctx, cs, false)
	if err != nil {
		return err
	}
	err = c.Store.Update(ctx, func(tx *store.Tx) error {
		now, err := c.load(ctx, tx, id)
		if err != nil {
			return err
		}
		if now.Looks != cs.Looks || now.State != cs.State {
			return nil // another worker looked meanwhile
		}
		pb, err := c.playbook(ctx, tx, now.Playbook)
		if err != nil {
			return err
		}
		if f.Registration, err = c.file(ctx, tx, id, took); err != nil {
			return err
		}
		_, err = c.act(ctx, tx, now, pb, c.commands(now, f, plan)...)
		return err
	})
	if errors.Is(err, errRace) {
		return nil // still due: the sweep comes by again
	}
	if problem.CodeOf(err) == problem.Conflict && cs.State == casework.Closed {
		// The abuse is back, and a newer case of the same subject is open: the
		// look goes there.
		c.Log.Warn("a closed case could not be reopened", "case", id, "err", err)
	}
	return err
}

// begin says whether nobody in this process is looking at a case now, and that
// from now on somebody is.
func (c *Centre) begin(id string) bool {
	c.workMu.Lock()
	defer c.workMu.Unlock()
	if c.working[id] {
		return false
	}
	c.working[id] = true
	return true
}

func (c *Centre) end(id string) {
	c.workMu.Lock()
	defer c.workMu.Unlock()
	delete(c.working, id)
}

// commands are what a look leads to: its record, and a confirmation where a
// rule that is switched on gives one.
func (c *Centre) commands(cs casework.Case, f casework.Finding, plan casework.Plan) []casework.Command {
	cmds := []casework.Command{casework.Look{Finding: f, Plan: plan}}
	waits := cs.State == casework.New || cs.State == casework.Investigating || cs.State == casework.Unconfirmed || cs.State == casework.Closed && f.Claimed && cs.Outcome != casework.Moved
	if rule := c.rule(cs, f); rule != "" && waits {
		cmds = append(cmds, casework.Confirm{By: "rule:" + rule, Plan: plan})
	}
	return cmds
}

// The rules that may confirm. Each rests on the look it is given with.
const (
	RuleLivePhishing = "live-phishing"
	RuleLiveMalware  = "live-malware"
)

// rule names the rule, among those switched on, that confirms a finding; ""
// if none does.
func (c *Centre) rule(cs casework.Case, f casework.Finding) string {
	want := ""
	switch cs.Type {
	case abuse.Phishing:
		want = RuleLivePhishing
	case abuse.Malware:
		want = RuleLiveMalware
	}
	if want == "" || !f.Live || !f.Claimed || !slices.Contains(c.set.Rules, want) {
		return ""
	}
	return want
}

// look gathers what can be seen of a case now, from every vantage point, and
// judges it. Registration data and networks are asked for when something may
// rest on them: at the first look, when the claim was not seen, when the site
// has moved, when a clock is due, before a confirmation (fresh), and until the
// registration has been answered once.
func (c *Centre) look(ctx context.Context, cs casework.Case, fresh bool) (casework.Finding, casework.Plan, *capture, error) {
	took := &capture{}
	f, plan, err := c.gather(context.WithValue(ctx, captureKey{}, took), cs, fresh, took)
	f.Blobs = took.shas
	return f, plan, took, err
}

func (c *Centre) gather(ctx context.Context, cs casework.Case, fresh bool, took *capture) (casework.Finding, casework.Plan, error) {
	now := c.Clock.Now()
	claim := judge.Claim{Type: cs.Type, Brand: cs.Brand()}
	for _, s := range cs.URLs() {
		u, err := name.ParseURL(s)
		if err != nil {
			return casework.Finding{}, casework.Plan{}, problem.Wrap(err, problem.Corrupt, "case %s has a URL that does not parse", cs.ID)
		}
		claim.URLs = append(claim.URLs, u)
	}
	req := collect.LookRequest{URLs: claim.URLs, Registered: cs.Subject.Name, Host: cs.Subject.Name, Home: cs.Subject.Kind != party.Address}
	for _, u := range claim.URLs {
		if !u.Domain.IsZero() {
			req.Host = u.Domain
			break
		}
	}
	if cs.Subject.Kind == party.PlatformCustomer {
		req.Registered = name.Domain{} // the registered domain is the platform's, and not what is looked at
	}
	seen := c.Collect.Look(ctx, req)
	if err := ctx.Err(); err != nil {
		return casework.Finding{}, casework.Plan{}, err
	}
	if cs.Subject.Kind == party.Address {
		home := name.URL{Scheme: "http", Addr: cs.Subject.Addr, Path: "/"}
		for _, v := range c.Vantages {
			seen.Home = append(seen.Home, c.Collect.Fetch(ctx, home, v))
		}
	}
	sight := judge.See(claim, seen, c.set.Known)
	f := casework.Finding{At: now, Live: sight.Live, Claimed: sight.Claimed}
	if sight.Live && !sight.Claimed {
		f.Doubt = sight.Doubt
	}
	before, err := snapshot(cs.Look)
	if err != nil {
		return f, casework.Plan{}, err
	}
	addrs := addresses(seen)
	named := cs.Subject.Kind == party.RegisteredDomain
	known := cs.Look != nil && answered(cs.Look.Record) // at an earlier look
	needs := fresh || cs.Look == nil || !sight.Claimed || cs.State != casework.Coordinating || clockDue(cs, now) || before != nil && !sameHosts(before.Sight, sight) ||
		named && !known
	var rec *registration.Record
	if needs && named {
		r, err := c.Collect.Registration(ctx, cs.Subject.Name)
		if err == nil {
			took.told = looked{cs.Subject.Name, &r}
		}
		switch {
		case err == nil && (answered(string(r.State)) || !known):
			rec = &r
			f.Record = recordOf(r)
		case err == nil: // an error page: what was answered before still stands
		case problem.CodeOf(err) != problem.Unavailable && problem.CodeOf(err) != problem.NotFound:
			return f, casework.Plan{}, err
		default:
			f.Record = "unavailable: " + problem.DocumentOf(err).Detail
		}
	}
	if rec != nil {
		f.Registrar, f.IANAID, f.AbuseEmail, f.Created = rec.Registrar.Name, rec.Registrar.IANAID, rec.Registrar.AbuseEmail, rec.Created.String()
	} else if known {
		f.Record, f.Registrar, f.IANAID, f.AbuseEmail, f.Created = cs.Look.Record, cs.Look.Registrar, cs.Look.IANAID, cs.Look.AbuseEmail, cs.Look.Created
	}
	j := judge.Judge(judge.Input{Claim: claim, Subject: cs.Subject, Sight: sight, Look: seen, Record: rec, Now: now, Reported: cs.FirstReport(), Known: c.set.Known})
	f.Class = casework.Class(j.Class)
	for _, r := range j.Reasons {
		f.Reasons = append(f.Reasons, r.Text)
	}
	if !needs || named && rec == nil && known {
		f.Class, f.Reasons = cs.Class, cs.Reasons // judged with the registration data at an earlier look
	}
	snap := judge.Snapshot{Sight: sight, Filing: judge.FilingOf(rec, now)}
	if f.Snapshot, err = json.Marshal(snap); err != nil {
		return f, casework.Plan{}, err
	}
	if f.Measured, err = c.measure(ctx, cs, snap); err != nil {
		return f, casework.Plan{}, err
	}
	if f.Measured == nil && cs.State == casework.Coordinating && cs.Base != nil && !cs.Base.Claimed {
		f.Claimed = true // a person confirmed what no rule sees, and it stands unchanged
	}
	f.Idle = idle(sight, j)
	plan := casework.Plan{TLD: c.Directory.TLDKind(cs.Subject.Name.TLD())}
	plan.DNSAllowed, plan.Why = c.Directory.DNSLevelAllowed(cs.Subject)
	if needs && f.Claimed {
		plan.Parties, err = c.parties(ctx, cs, sight, seen, rec, addrs)
		if named && rec == nil && known {
			// Who the registrar is was not answered today: nobody is taken to have
			// replaced it, and the next step waits for an answer.
			plan.Parties = slices.DeleteFunc(plan.Parties, func(p party.Party) bool {
				return p.Role == party.Registrar || p.Role == party.Registry || p.Role == party.Compliance
			})
		}
	}
	return f, plan, err
}

// answered says whether a registration answer, as a finding keeps it, told
// anything about the name.
func answered(record string) bool {
	switch registration.State(record) {
	case registration.Registered, registration.Available, registration.Reserved:
		return true
	}
	return false
}

// recordOf is what a finding keeps of a registration answer: its state, and
// where it tells nothing about the name, why.
func recordOf(r registration.Record) string {
	if !answered(string(r.State)) {
		for _, f := range r.Findings {
			if f.Detail != "" {
				return string(r.State) + ": " + evidence.Clean(f.Detail, 300)
			}
		}
	}
	return string(r.State)
}

// parties are everybody with authority today, or to be informed.
func (c *Centre) parties(ctx context.Context, cs casework.Case, sight judge.Sight, seen evidence.Look, rec *registration.Record, addrs []netip.Addr) ([]party.Party, error) {
	q := party.Query{Subject: cs.Subject, Type: cs.Type, Record: rec, Brand: cs.Brand()}
	if sight.Brand != "" {
		q.Brand = sight.Brand
	}
	for _, a := range addrs {
		n, err := c.Collect.Network(ctx, a)
		if err != nil && problem.CodeOf(err) != problem.Unavailable && problem.CodeOf(err) != problem.NotFound {
			return nil, err
		}
		q.Networks = append(q.Networks, party.AddrNetwork{Addr: a, Network: n})
	}
	for _, f := range seen.Fetches {
		if p := f.Page; p != nil && (p.Password || p.Card || p.OTP) {
			q.Title, q.Text, q.AsksSecrets = p.Title, p.Text, true
			break
		}
	}
	health, err := c.health(ctx, q)
	if err != nil {
		return nil, err
	}
	q.Health = health
	return c.Directory.Who(q), nil
}

// addresses are where the abuse was seen to be served from, sorted; the
// addresses in DNS where nothing was fetched.
func addresses(l evidence.Look) []netip.Addr {
	set := map[netip.Addr]bool{}
	for _, f := range l.Fetches {
		if a := f.Addr(); a.IsValid() && f.Status != 0 {
			set[a] = true
		}
	}
	if len(set) == 0 && l.DNS != nil {
		for _, a := range l.DNS.Addresses() {
			set[a] = true
		}
	}
	out := make([]netip.Addr, 0, len(set))
	for a := range set {
		out = append(out, a)
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out[:min(len(out), 8)]
}

// sameHosts says whether two sights were served from the same addresses.
func sameHosts(a, b judge.Sight) bool {
	hosts := func(s judge.Sight) []netip.Addr {
		var out []netip.Addr
		for _, v := range s.Views {
			if v.Addr.IsValid() {
				out = append(out, v.Addr)
			}
		}
		slices.SortFunc(out, netip.Addr.Compare)
		return slices.Compact(out)
	}
	return slices.Equal(hosts(a), hosts(b))
}

// clockDue says whether an obligation's time is up, so that whom to ask next
// rests on today's data.
func clockDue(cs casework.Case, now time.Time) bool {
	for _, o := range cs.Obligations {
		if o.Round != cs.Round {
			continue
		}
		if o.Status == casework.Refused || o.Status == casework.Referred {
			return true
		}
		if o.Status == casework.Unreachable && !o.Failed.IsZero() && (cs.Look == nil || !o.Failed.Before(cs.Look.At)) {
			return true // failed since: there may be another contact
		}
		if !o.Due.IsZero() && !o.Due.After(now) || !o.NextNotice.IsZero() && !o.NextNotice.After(now) {
			return true
		}
	}
	return false
}

// snapshot reads a finding's snapshot back; nil where there is none.
func snapshot(f *casework.Finding) (*judge.Snapshot, error) {
	if f == nil || len(f.Snapshot) == 0 {
		return nil, nil
	}
	var s judge.Snapshot
	if err := json.Unmarshal(f.Snapshot, &s); err != nil {
		return nil, problem.Wrap(err, problem.Corrupt, "the snapshot of %s does not parse", f.At.Format(time.RFC3339))
	}
	return &s, nil
}

// idle is what a case would close with if the claim stays unseen: "not
// confirmed" where a live page is something else, "down before asked" where
// nothing of it is left, "not seen from here" where what we get looks like an
// answer made for us, or where we get none.
func idle(s judge.Sight, j judge.Judgement) casework.Outcome {
	if s.Claimed {
		return ""
	}
	if s.Doubt != "" && s.Live {
		return "" // a live page that no rule can judge waits for a person
	}
	hidden := slices.ContainsFunc(s.Views, func(v judge.View) bool {
		return v.Cause == judge.CauseBrandSends || v.Cause == judge.CauseEmpty
	})
	out := judge.Unasked([]judge.Sight{s})
	if hidden || out == judge.NotConfirmed && j.Class != judge.Innocent {
		out = judge.NotSeenFromHere
	}
	return casework.Outcome(out)
}

// steady is how long a state must have shown before it is called one: part of
// the vantage points blind, or nothing answering for four times as long. When
// an absence closes a case is the playbook's to say.
const steady = 6 * time.Hour

// measure says what became of an abuse that was seen before, by the course of
// looks in the case's log. A look that sees all that the first one saw needs
// no measuring.
func (c *Centre) measure(ctx context.Context, cs casework.Case, now judge.Snapshot) (*casework.Measured, error) {
	base, err := snapshot(cs.Base)
	if err != nil || base == nil {
		return nil, err
	}
	byPerson := cs.Confirmation != nil && !cs.Base.Claimed
	if !byPerson && cs.GoneLooks == 0 && (cs.Look == nil || cs.Look.Measured == nil) && slices.Equal(now.Sight.SeenFrom, base.Sight.SeenFrom) && now.Sight.MovedTo == base.Sight.MovedTo {
		return nil, nil
	}
	in := judge.MeasureInput{Subject: cs.Subject, Base: *base, Known: c.set.Known, ByPerson: byPerson, Rule: judge.Rule{Looks: 2, Apart: steady}}
	entries, err := c.Events(ctx, cs.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Kind != casework.KindLooked || !e.At.After(cs.Base.At) {
			continue
		}
		var b casework.Looked
		if err := json.Unmarshal(e.Payload.Body, &b); err != nil {
			return nil, problem.Wrap(err, problem.Corrupt, "event %d of case %s does not parse", e.Seq, cs.ID)
		}
		s, err := snapshot(&b.Finding)
		if err != nil {
			return nil, err
		}
		if s != nil {
			in.Later = append(in.Later, *s)
		}
	}
	in.Later = append(in.Later, now)
	for _, o := range cs.Obligations {
		if o.Round != cs.Round {
			continue
		}
		in.Roles = append(in.Roles, o.Party.Role)
		if o.Answer != "" {
			in.Answers = append(in.Answers, judge.Answer{Party: o.Party.ID, Role: o.Party.Role, Answer: o.Answer, At: o.AnswerAt})
		}
	}
	m := judge.Measure(in)
	out := &casework.Measured{Why: []string{m.Reason}}
	switch m.State {
	case judge.Alive, judge.BackUp:
		return nil, nil
	case judge.Unreachable, judge.Unclear:
		out.Inconclusive = true
		return out, nil
	}
	out.Outcome = casework.Outcome(m.State)
	if !m.MovedTo.IsZero() {
		out.MovedTo = m.MovedTo.String()
	}
	if m.Actor.Known() && m.Actor.Role != judge.DNSOperator { // nobody is asked in that role: it names no party
		out.ActorRole = m.Actor.Role
		out.ActorID, out.ActorName = actor(cs, m.Actor.Role, m.Actor.Party)
		if out.ActorID == string(party.Registrar) && cs.Look != nil && cs.Look.Registrar != "" {
			out.ActorName = cs.Look.Registrar // it acted without having been asked
		}
	}
	if m.Actor.Reason != "" {
		out.Why = append(out.Why, m.Actor.Reason)
	}
	return out, nil
}

// actor finds the party that acted in a role: the one asked in that role where
// there is exactly one, else the role alone.
func actor(cs casework.Case, role party.Role, id string) (string, string) {
	if role == "" {
		return "", ""
	}
	found := map[string]string{}
	for _, o := range cs.Obligations {
		if o.Party.Role == role && (id == "" || o.Party.ID == id) {
			found[o.Party.ID] = o.Party.Name
		}
	}
	if len(found) == 1 {
		for id, n := range found {
			return id, n
		}
	}
	return string(role), string(role) // the role is shown; which party in it is not
}
