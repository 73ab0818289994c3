package centre

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/disclosure"
	"bailiwick/mail"
	"bailiwick/name"
	"bailiwick/notify/email"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/stats"
	"bailiwick/store"
	"bailiwick/text"
)

// DisclosureSettings are what an operator decides about disclosure requests.
type DisclosureSettings struct {
	// Take says whether requests of others are taken: by a registry or registrar.
	Take bool
	// Profile is the id of the profile of requests that are taken; "" is that of
	// the name's kind of TLD.
	Profile  string
	Profiles *disclosure.Profiles
	// Keep is how long disclosed data is kept; 0 is what the profile says.
	Keep time.Duration
	// The most requests of ours in 24 hours, in all and by one person, and of
	// others', in all and by one who asks. 0 is none.
	PerDay, PerPersonPerDay        int
	TakenPerDay, TakenPerAskPerDay int
}

// The route, the kind of notice and the reference of disclosure requests.
const (
	routeDisclosure = "disclosure:" // and the request
	kindDisclosure  = "disclosure"
)

var disclosures = keeping[disclosure.Request, disclosure.Command]{
	what: "request", kind: kindDisclosure, notices: "disclosure", route: routeDisclosure,
	at:     func(r disclosure.Request) where { return where{r.ID, r.Seq, r.Last} },
	decide: disclosure.Decide, seal: disclosure.Seal, apply: disclosure.Apply,
	load:   loading((*store.Tx).Disclosure, unpackDisclosure),
	events: (*store.Tx).DisclosureEvents, append: (*store.Tx).AppendDisclosureEvents,
}

// DisclosureDraft is what a request says, from a form or a command.
type DisclosureDraft struct {
	Name string `json:"name"`
	Case string `json:"case,omitempty"`
	// Party is whoever holds the data, with PartyEmail their address; empty: who
	// the registration says. For requests of ours only.
	Party      string                `json:"party,omitempty"`
	PartyEmail string                `json:"party_email,omitempty"`
	Requestor  disclosure.Requestor  `json:"requestor"`
	Who        disclosure.Who        `json:"who"`
	Basis      disclosure.LegalBasis `json:"basis"`
	Purpose    disclosure.Purpose    `json:"purpose"`
	Fields     []string              `json:"fields"`
	Urgency    disclosure.Urgency    `json:"urgency"`
	Condition  disclosure.Condition  `json:"condition,omitempty"`
	Profile    string                `json:"profile,omitempty"`
}

// open makes the command of a draft.
func (c *Centre) openDisclosure(d DisclosureDraft, dir disclosure.Direction, by string) (disclosure.Open, error) {
	n, err := name.ParseAny(strings.TrimSpace(name.Refang(d.Name)))
	if err != nil {
		return disclosure.Open{}, problem.BadField("name", "is not a domain name")
	}
	if n = c.Suffixes.Split(n).Registered; n.IsZero() {
		return disclosure.Open{}, problem.BadField("name", "is not below a public suffix: nobody registered it")
	}
	id := d.Profile
	if dir == disclosure.Incoming {
		id = c.set.Disclosure.Profile // who asks does not choose our clock
	}
	p := c.set.Disclosure.Profiles.For(c.Directory.TLDKind(n.TLD()))
	if id != "" {
		if p, err = c.set.Disclosure.Profiles.Profile(id); err != nil {
			return disclosure.Open{}, err
		}
	}
	if keep := c.set.Disclosure.Keep; keep > 0 {
		p.Keep = casework.Duration(keep)
	}
	if d.Urgency == "" {
		d.Urgency = disclosure.Ordinary
	}
	return disclosure.Open{Direction: dir, By: by, Name: n, Case: d.Case, Requestor: d.Requestor, Who: d.Who, Basis: d.Basis, Purpose: d.Purpose,
		Fields: d.Fields, Urgency: d.Urgency, Condition: d.Condition, Profile: p}, nil
}

// DraftDisclosure drafts a request of ours to whoever holds the data of a name:
// its registrar by the registration as it is answered now, else its registry. A
// draft sends nothing (see SendDisclosure).
func (c *Centre) DraftDisclosure(ctx context.Context, d DisclosureDraft, by string) (disclosure.Request, error) {
	if d.Requestor == "" {
		d.Requestor = "cert"
	}
	if d.Who.Organisation == "" {
		d.Who.Organisation = c.set.Name
	}
	if d.Who.Contact == "" {
		d.Who.Contact = c.set.Contact
	}
	cmd, err := c.openDisclosure(d, disclosure.Outgoing, by)
	if err != nil {
		return disclosure.Request{}, err
	}
	// What is wrong with the draft is said before anybody is asked about it.
	cmd.Party = party.Party{ID: "party:named", Name: "named"}
	if _, err := disclosure.Decide(disclosure.Request{}, cmd, c.Clock.Now()); err != nil {
		return disclosure.Request{}, err
	}
	if cmd.Party, err = c.holder(ctx, cmd.Name, d.Party, d.PartyEmail); err != nil {
		return disclosure.Request{}, err
	}
	var out disclosure.Request
	err = c.Store.Update(ctx, func(tx *store.Tx) error {
		if d.Case != "" {
			if _, err := tx.Case(ctx, d.Case); err != nil {
				return err
			}
		}
		asker := c.asker(by)
		if err := c.capDisclosures(ctx, tx, disclosure.Outgoing, "", asker, c.set.Disclosure.PerDay, c.set.Disclosure.PerPersonPerDay); err != nil {
			return err
		}
		same, err := tx.Disclosures(ctx, store.DisclosureFilter{Direction: string(disclosure.Outgoing), Name: cmd.Name.String(), OpenOnly: true})
		if err != nil {
			return err
		}
		for _, s := range same {
			if s.Party == cmd.Party.ID {
				return problem.New(problem.Conflict, "request %s to the same party about %s is %s", s.ID, cmd.Name, s.State)
			}
		}
		var p prompts
		out, err = c.stepDisclosure(ctx, tx, &p, disclosure.Request{}, opening{asker: asker}, cmd)
		return err
	})
	return out, err
}

// holder is whoever can disclose the data of a name.
func (c *Centre) holder(ctx context.Context, n name.Domain, named, mailbox string) (party.Party, error) {
	if mailbox != "" {
		m, ok := party.Mailbox(mailbox)
		if !ok {
			return party.Party{}, problem.BadField("party_email", "is not a mail address")
		}
		mailbox = m
	}
	if named != "" {
		p := party.Party{ID: "holder:" + slugOf(named), Role: party.Registrar, Name: text.Line(named, disclosure.MaxShort), Email: mailbox, Basis: "a person", Reachable: mailbox != ""}
		return p, nil
	}
	s, err := c.Directory.SubjectOfDomain(n)
	if err != nil {
		return party.Party{}, err
	}
	q := party.Query{Subject: s, Type: abuse.Other}
	rec, err := c.Collect.Registration(ctx, n)
	switch problem.CodeOf(err) {
	case problem.Unavailable, problem.NotFound:
	default:
		if err != nil {
			return party.Party{}, err
		}
	}
	if err == nil {
		if rec.State == registration.Available {
			return party.Party{}, problem.New(problem.Conflict, "%s is not registered: nobody holds data of it", n)
		}
		q.Record = &rec
	}
	var found party.Party
	for _, p := range c.Directory.Who(q) {
		switch {
		case p.Role == party.Registrar && p.ID != "registrar:unknown":
			found = p
		case p.Role == party.Registry && found.ID == "":
			found = p
		}
	}
	if found.ID == "" {
		return found, problem.BadField("party", "is not known from the registration of %s: name who holds the data", n)
	}
	if mailbox != "" {
		found.Email, found.Reachable = mailbox, true
	}
	return found, nil
}

// slugOf is a name as part of an id.
func slugOf(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(s))
	return strings.Trim(s[:min(len(s), 60)], "-")
}

// asker is a keyed digest of who asks: enough to hold a cap against, and no name.
func (c *Centre) asker(who string) string {
	h := hmac.New(sha256.New, c.ReplyKey)
	h.Write([]byte("bailiwick disclosure asker 1\x00" + strings.ToLower(strings.TrimSpace(who))))
	return hex.EncodeToString(h.Sum(nil))
}

// The pools that requests are counted in. Anybody may fill a form, and say that it
// is urgent; so neither uses up what the other may have, and both leave to the people
// of the desk, and to systems with a key, what those write down.
const (
	poolForm   = "form"
	poolUrgent = "form, urgent"
	poolKnown  = "known"
)

// poolOf is the pool of a request that somebody else asks.
func poolOf(by string, u disclosure.Urgency) string {
	switch {
	case !strings.HasPrefix(by, "form:"):
		return poolKnown
	case u == disclosure.Urgent:
		return poolUrgent
	}
	return poolForm
}

// capDisclosures holds the caps against the requests of the last day.
func (c *Centre) capDisclosures(ctx context.Context, tx *store.Tx, dir disclosure.Direction, pool, asker string, all, each int) error {
	if err := tx.LockDisclosures(ctx); err != nil {
		return err
	}
	since := c.Clock.Now().Add(-24 * time.Hour)
	for _, k := range []struct {
		asker string
		most  int
		who   string
	}{{"", all, "in all"}, {asker, each, "by one who asks"}} {
		n, err := tx.CountDisclosures(ctx, string(dir), pool, k.asker, since)
		if err != nil {
			return err
		}
		if n >= k.most {
			why := ""
			if pool == poolForm || pool == poolUrgent {
				why = "; what cannot wait is taken by the people of the desk"
				if c.set.Contact != "" {
					why += " (" + c.set.Contact + ")"
				}
			}
			return problem.New(problem.RateLimited, "%d disclosure requests were %s in 24 hours %s, the most there may be%s", n, dir, k.who, why)
		}
	}
	return nil
}

// SendDisclosure sends a draft, or sends a request once more that did not get
// there; to, if not empty, is another address of the party.
func (c *Centre) SendDisclosure(ctx context.Context, id string, seq int, by, to string) (disclosure.Request, error) {
	return c.ActDisclosure(ctx, id, seq, disclosure.Send{By: by, To: to})
}

// opening is what is written with the first event alone.
type opening struct{ token, asker, pool string }

// stepDisclosure gives commands to a request, one after the other, and writes
// the events, the projection and the notices they cause in tx. The zero request
// is opened by an Open command.
func (c *Centre) stepDisclosure(ctx context.Context, tx *store.Tx, p *prompts, r disclosure.Request, o opening, cmds ...disclosure.Command) (disclosure.Request, error) {
	s, err := disclosures.take(c, r, cmds...)
	if r = s.after; err != nil || len(s.entries) == 0 {
		return r, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	row := store.Disclosure{ID: r.ID, Direction: string(r.Direction), Name: r.Name, Party: r.Party.ID, Profile: r.Terms.Profile, State: string(r.State), Case: r.Case,
		Opened: r.Opened, Ended: r.Ended, Due: r.Due(), Seq: r.Seq, Head: r.Head, Token: o.token, Asker: o.asker, Pool: o.pool, Body: body}
	if r.State == disclosure.Silent {
		row.Ended = r.AnswerDue // who asked is forgotten in time though nobody ever answers
	}
	if r.Data != nil {
		row.Data = r.Data.SHA256
	}
	var notices []store.Notice
	for _, ev := range s.events {
		if n, to, ok := disclosure.Ordered(ev); ok {
			notices = append(notices, disclosures.notice(s, n, r.Party.ID, to))
		}
	}
	return r, disclosures.write(ctx, tx, p, s, func(was int) error { return tx.PutDisclosure(ctx, row, was) }, notices...)
}

func unpackDisclosure(row store.Disclosure) (disclosure.Request, error) {
	var r disclosure.Request
	if err := json.Unmarshal(row.Body, &r); err != nil {
		return r, problem.Wrap(err, problem.Corrupt, "the projection of request %s does not parse", row.ID)
	}
	return r, nil
}

// ActDisclosure gives commands to a request for somebody who saw it up to the
// event numbered seq; 0 sets no such condition.
func (c *Centre) ActDisclosure(ctx context.Context, id string, seq int, cmds ...disclosure.Command) (disclosure.Request, error) {
	return c.changeDisclosure(ctx, id, seq, given[disclosure.Request](cmds))
}

// changeDisclosure is ActDisclosure with commands that are made in the
// transaction.
func (c *Centre) changeDisclosure(ctx context.Context, id string, seq int, make func(context.Context, *store.Tx, disclosure.Request) ([]disclosure.Command, error)) (disclosure.Request, error) {
	return disclosures.change(ctx, c, id, seq, make, func(ctx context.Context, tx *store.Tx, p *prompts, r disclosure.Request, cmds []disclosure.Command) (disclosure.Request, error) {
		return c.stepDisclosure(ctx, tx, p, r, opening{}, cmds...)
	})
}

// Disclosure reads one request.
func (c *Centre) Disclosure(ctx context.Context, id string) (disclosure.Request, error) {
	return disclosures.one(ctx, c, id)
}

// Disclosures lists requests, newest first.
func (c *Centre) Disclosures(ctx context.Context, f store.DisclosureFilter) ([]disclosure.Request, error) {
	return view(ctx, c, func(tx *store.Tx) ([]disclosure.Request, error) {
		rows, err := tx.Disclosures(ctx, f)
		if err != nil {
			return nil, err
		}
		return unpackAll(rows, unpackDisclosure)
	})
}

// DisclosureEvents reads a request's log.
func (c *Centre) DisclosureEvents(ctx context.Context, id string) ([]casework.Entry, error) {
	return disclosures.log(ctx, c, id)
}

// DisclosureNotices reads what was sent about a request, in order.
func (c *Centre) DisclosureNotices(ctx context.Context, r disclosure.Request) ([]store.Notice, error) {
	return disclosures.sent(ctx, c, r.ID, r.Notices)
}

// ExportDisclosure writes a request's chain with a signed head, as Export does a
// case's. Personal payloads are withheld unless personal is true. What was
// disclosed is in no export.
func (c *Centre) ExportDisclosure(ctx context.Context, w io.Writer, id string, personal bool) error {
	return disclosures.export(ctx, c, w, id, personal)
}

// AskedBy is who asks, and what people wrote, as far as it is kept: personal.
type AskedBy struct {
	Who   *disclosure.Who `json:"who,omitempty"`
	Words []Word          `json:"words,omitempty"`
}

// Word is one text that somebody wrote.
type Word struct {
	At   time.Time     `json:"at"`
	By   string        `json:"by"`
	With casework.Kind `json:"with,omitempty"` // the event it goes with; "" for a note of the desk
	Text string        `json:"text"`
}

// WhoAsked reads the personal payloads of a request. Who shows them logs it.
func (c *Centre) WhoAsked(ctx context.Context, id string) (AskedBy, error) {
	es, err := c.DisclosureEvents(ctx, id)
	if err != nil {
		return AskedBy{}, err
	}
	return whoAsked(es)
}

// WhoAskedAtConsole is WhoAsked for who runs a command on the machine; the look is
// in the access log first.
func (c *Centre) WhoAskedAtConsole(ctx context.Context, id string) (AskedBy, error) {
	if _, err := c.Disclosure(ctx, id); err != nil {
		return AskedBy{}, err
	}
	if err := c.logLook(ctx, access.Console, access.Work, access.Disclosure, id, ""); err != nil {
		return AskedBy{}, err
	}
	return c.WhoAsked(ctx, id)
}

func whoAsked(es []casework.Entry) (out AskedBy, err error) {
	for _, e := range es {
		if e.Kind != disclosure.KindRequestor || e.Payload == nil {
			continue
		}
		w, err := casework.Read[disclosure.Who](e)
		if err != nil {
			return out, unreadable(err, disclosures.what, e)
		}
		out.Who = &w
	}
	out.Words, err = words(es, disclosures.what, disclosure.KindWords)
	return out, err
}

// ---- requests that are taken

// TakeDisclosure takes a request of somebody else in. The token is theirs alone:
// with it they follow the request and get the answer. by says how it came:
// "form:…", or the person who typed it in.
func (c *Centre) TakeDisclosure(ctx context.Context, d DisclosureDraft, by string) (r disclosure.Request, token string, err error) {
	if !c.set.Disclosure.Take {
		return r, "", problem.New(problem.Refused, "this centre holds no registration data and takes no requests for it")
	}
	d.Case, d.Party, d.PartyEmail = "", "", ""
	cmd, err := c.openDisclosure(d, disclosure.Incoming, by)
	if err != nil {
		return r, "", err
	}
	cmd.Party = party.Party{ID: "centre", Name: c.set.Name, Basis: "configuration", Reachable: true}
	token, err = newToken()
	if err != nil {
		return r, "", err
	}
	pool := poolOf(by, cmd.Urgency)
	who := d.Who.Contact
	if who == "" {
		who = d.Who.Organisation + "\x00" + d.Who.Person
	}
	err = c.Store.Update(ctx, func(tx *store.Tx) error {
		asker := c.asker(who)
		if err := c.capDisclosures(ctx, tx, disclosure.Incoming, pool, asker, c.set.Disclosure.TakenPerDay, c.set.Disclosure.TakenPerAskPerDay); err != nil {
			return err
		}
		var p prompts
		r, err = c.stepDisclosure(ctx, tx, &p, disclosure.Request{}, opening{token: tokenDigest(token), asker: asker, pool: pool}, cmd)
		return err
	})
	return r, token, err
}

var tokenWords = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newToken is 160 random bits, in 32 letters and digits.
func newToken() (string, error) {
	var b [20]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return tokenWords.EncodeToString(b[:]), nil
}

// tokenDigest is all that is kept of a token.
func tokenDigest(token string) string {
	h := sha256.Sum256([]byte("bailiwick disclosure token 1\x00" + strings.ToLower(strings.TrimSpace(token))))
	return hex.EncodeToString(h[:])
}

// DisclosureByToken finds the request of whoever holds a token.
func (c *Centre) DisclosureByToken(ctx context.Context, token string) (disclosure.Request, error) {
	var r disclosure.Request
	if len(token) > 64 {
		return r, problem.New(problem.NotFound, "there is no such request")
	}
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		row, err := tx.DisclosureByToken(ctx, tokenDigest(token))
		if err != nil {
			return err
		}
		r, err = unpackDisclosure(row)
		return err
	})
	return r, err
}

// Following is what who asked may see of their request: its state, and what the
// desk wrote to them.
type Following struct {
	Request disclosure.Request
	Words   []Word // theirs and the desk's, without its notes
}

// FollowDisclosure shows who asked how their request stands.
func (c *Centre) FollowDisclosure(ctx context.Context, token string) (Following, error) {
	r, err := c.DisclosureByToken(ctx, token)
	if err != nil {
		return Following{}, err
	}
	a, err := c.WhoAsked(ctx, r.ID)
	if err != nil {
		return Following{}, err
	}
	a.Words = slices.DeleteFunc(a.Words, func(w Word) bool { return w.With == "" })
	return Following{Request: r, Words: a.Words}, nil
}

// AddToDisclosure is what who asked adds, by their token.
func (c *Centre) AddToDisclosure(ctx context.Context, token, words string) (disclosure.Request, error) {
	r, err := c.DisclosureByToken(ctx, token)
	if err != nil {
		return r, err
	}
	return c.ActDisclosure(ctx, r.ID, 0, disclosure.GiveMore{By: "requestor:" + r.ID, Text: words})
}

// WithdrawDisclosure takes a request back, by who asked.
func (c *Centre) WithdrawDisclosure(ctx context.Context, token string) (disclosure.Request, error) {
	r, err := c.DisclosureByToken(ctx, token)
	if err != nil {
		return r, err
	}
	return c.ActDisclosure(ctx, r.ID, 0, disclosure.Withdraw{By: "requestor:" + r.ID})
}

// ---- what is disclosed

// MaxDisclosedValue is the longest value of one field, in octets.
const MaxDisclosedValue = 2000

// disclosed is what lies in the blob. The salt keeps its digest, which is in the
// log, from confirming a guess of what somebody's address is.
type disclosed struct {
	Salt    string            `json:"salt"`
	Request string            `json:"request"`
	Fields  map[string]string `json:"fields"`
}

// DecideDisclosure records a decision: our own on a request that was taken, or
// the one that a party gave on ours. Values are what is disclosed, by field; a
// field without a value is not. They are kept apart from the log, encrypted, and
// until the request's terms say.
func (c *Centre) DecideDisclosure(ctx context.Context, id string, seq int, by string, values map[string]string, reasons []disclosure.Reason, words string) (disclosure.Request, error) {
	given := map[string]string{}
	var fields []string
	for f, v := range values {
		if v = strings.ToValidUTF8(strings.TrimSpace(v), ""); v == "" {
			continue
		}
		if len(v) > MaxDisclosedValue {
			return disclosure.Request{}, problem.BadField("given", "the value of %.60q is over %d octets", f, MaxDisclosedValue)
		}
		given[f] = v
		fields = append(fields, f)
	}
	if len(fields) > disclosure.MaxFields {
		return disclosure.Request{}, problem.BadField("given", "are over %d", disclosure.MaxFields)
	}
	slices.Sort(fields)
	return c.changeDisclosure(ctx, id, seq, func(ctx context.Context, tx *store.Tx, r disclosure.Request) ([]disclosure.Command, error) {
		rule := disclosure.Rule{By: by, Given: fields, Reasons: reasons, Text: words}
		if len(fields) == 0 {
			return []disclosure.Command{rule}, nil
		}
		var salt [32]byte
		if _, err := rand.Read(salt[:]); err != nil {
			return nil, err
		}
		b, err := json.Marshal(disclosed{hex.EncodeToString(salt[:]), r.ID, given})
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		rule.SHA256, rule.Bytes = hex.EncodeToString(sum[:]), int64(len(b))
		if _, err := disclosure.Decide(r, rule, c.Clock.Now()); err != nil {
			return nil, err // before a byte of it is kept
		}
		sha, err := tx.PutBlob(ctx, "application/json", b)
		if err != nil {
			return nil, err
		}
		if err := tx.RefBlob(ctx, sha, store.OwnerDisclosure, r.ID); err != nil {
			return nil, err
		}
		return []disclosure.Command{rule}, nil
	})
}

// minReason is the shortest reason for reading what was disclosed.
const minReason = 10

// ReadDisclosed shows somebody of the desk what was disclosed on a request, for a
// reason that they state. The look is in the access log before anything is read.
func (c *Centre) ReadDisclosed(ctx context.Context, p access.Person, id, reason string) (map[string]string, error) {
	v := access.Decide(p, access.Work, access.Object{Kind: access.Disclosed, ID: id, Personal: true})
	if err := v.Err(p); err != nil {
		return nil, err
	}
	return c.readDisclosed(ctx, p.Actor(), access.Work, id, reason)
}

// ReadDisclosedAtConsole is ReadDisclosed for who runs a command on the machine.
func (c *Centre) ReadDisclosedAtConsole(ctx context.Context, id, reason string) (map[string]string, error) {
	return c.readDisclosed(ctx, access.Console, access.Work, id, reason)
}

// ReadDisclosedByToken shows who asked what was disclosed to them. The token is
// the credential.
func (c *Centre) ReadDisclosedByToken(ctx context.Context, token string) (map[string]string, error) {
	r, err := c.DisclosureByToken(ctx, token)
	if err != nil {
		return nil, err
	}
	return c.readDisclosed(ctx, "requestor:"+r.ID, access.Follow, r.ID, "by the link of who asked")
}

func (c *Centre) readDisclosed(ctx context.Context, actor string, purpose access.Purpose, id, reason string) (map[string]string, error) {
	reason = text.Line(reason, disclosure.MaxShort)
	if len(reason) < minReason {
		return nil, problem.BadField("reason", "say in a few words why you read it; the access log keeps that")
	}
	r, err := c.Disclosure(ctx, id)
	if err != nil {
		return nil, err
	}
	now := c.Clock.Now()
	switch d := r.Data; {
	case d == nil:
		return nil, problem.New(problem.NotFound, "nothing was disclosed on request %s", id)
	case !d.Erased.IsZero() || !d.Expires.After(now):
		return nil, problem.New(problem.NotFound, "what was disclosed on request %s is over its time", id)
	}
	if err := c.logLook(ctx, actor, purpose, access.Disclosed, id, reason); err != nil {
		return nil, err
	}
	b, _, err := c.Store.Blob(ctx, r.Data.SHA256)
	if err != nil {
		return nil, err
	}
	var d disclosed
	if err := json.Unmarshal(b, &d); err != nil || d.Request != id {
		return nil, problem.Wrap(err, problem.Corrupt, "what was disclosed on request %s does not parse", id)
	}
	return d.Fields, nil
}

// EraseDisclosed erases what was disclosed on a request before its time is over.
func (c *Centre) EraseDisclosed(ctx context.Context, id, by string) (disclosure.Request, error) {
	r, err := c.Disclosure(ctx, id)
	if err != nil {
		return r, err
	}
	if r.Data == nil || !r.Data.Erased.IsZero() {
		return r, problem.New(problem.Conflict, "nothing that was disclosed is kept on request %s", id)
	}
	// The key first: should this end here, the sweep finds the request still due
	// and does it again.
	if err := c.Store.EraseBlob(ctx, r.Data.SHA256); err != nil && problem.CodeOf(err) != problem.NotFound {
		return r, err
	}
	return c.ActDisclosure(ctx, id, 0, disclosure.Forget{By: by})
}

// ---- what is due

// workDisclosures settles what time has settled on requests, and erases what is
// over its time.
func (c *Centre) workDisclosures(ctx context.Context, ids []string) error {
	return c.eachOf(ctx, ids, "request", "a disclosure request could not be worked", func(id string) error {
		r, err := c.ActDisclosure(ctx, id, 0, disclosure.Tick{})
		if err == nil && r.Data != nil && r.Data.Erased.IsZero() && !r.Data.Expires.After(c.Clock.Now()) {
			_, err = c.EraseDisclosed(ctx, id, casework.Centre)
		}
		return err
	})
}

// ---- notices

// prepareDisclosure is prepare for a request of ours.
func (c *Centre) prepareDisclosure(ctx context.Context, tx *store.Tx, n store.Notice, now time.Time) (func() (email.Message, error), error) {
	id := strings.TrimPrefix(n.Obligation, routeDisclosure)
	r, err := disclosures.load(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if r.State != disclosure.Sent || r.ByHand || n.Number != r.Notices {
		return nil, unwanted(ctx, tx, n, now, "the request is "+string(r.State))
	}
	es, err := tx.DisclosureEvents(ctx, id)
	if err != nil {
		return nil, err
	}
	a, err := whoAsked(es)
	if err != nil {
		return nil, err
	}
	if a.Who == nil {
		return nil, c.failed(ctx, tx, n, "who asks is not kept any more")
	}
	d, err := name.Parse(r.Name)
	if err != nil {
		return nil, problem.Wrap(err, problem.Corrupt, "request %s has a name that does not parse", id)
	}
	m := email.Disclosure{ID: id, NoticeID: n.ID, PartyName: r.Party.Name, To: n.To, Domain: d, Person: a.Who.Person, Role: a.Who.Role, Organisation: a.Who.Organisation,
		Contact: a.Who.Contact, Requestor: disclosure.Requestors().Means(string(r.Requestor)), Basis: disclosure.Bases().Means(string(r.Basis)),
		Purpose: disclosure.Purposes().Means(string(r.Purpose)), Statement: a.Who.Statement, Fields: r.Fields, Rule: r.Terms.Name, Answer: r.Terms.Answer.Words(),
		Caveat: r.Terms.Caveat(), AnswerURL: c.set.BaseURL + "/disclosure/answer/" + email.AnswerToken(c.ReplyKey, id, email.DisclosureRef),
		CentreName: c.set.Name, CentreContact: c.set.Contact, Date: now}
	if r.Terms.Ack.Of != "" {
		m.Ack = r.Terms.Ack.Words()
	}
	if r.Condition != "" {
		m.Urgent = disclosure.Conditions().Means(string(r.Condition))
	}
	for i := range n.Number - 1 {
		m.PreviousMessageIDs = append(m.PreviousMessageIDs, disclosures.accepted(ctx, tx, id, i+1)...)
	}
	return func() (email.Message, error) {
		return email.ComposeDisclosure(m, c.composing(n.ID, c.set.From, email.ReplyAddress(c.ReplyKey, c.set.ReplyDomain, id, email.DisclosureRef)))
	}, nil
}

// told puts what became of a notice on what it is about: a case, or a request. A
// receipt is about neither.
func (c *Centre) told(ctx context.Context, tx *store.Tx, n store.Notice, result casework.Result, response string) error {
	switch n.Kind {
	case kindReceipt:
		return nil
	case kindInaccuracy:
		return c.toldInaccuracy(ctx, tx, n, result, response)
	case kindVerify:
		return c.toldVerification(ctx, tx, n, result, response)
	case kindDisclosure:
		r, err := disclosures.load(ctx, tx, strings.TrimPrefix(n.Obligation, routeDisclosure))
		if err != nil {
			return err
		}
		var p prompts
		_, err = c.stepDisclosure(ctx, tx, &p, r, opening{}, disclosure.Noticed{Notice: n.Number, Result: result, Response: response})
		return err
	}
	return c.actOn(ctx, tx, n.Case, casework.Noticed{Obligation: n.Obligation, Notice: n.Number, Result: result, Response: response})
}

// ---- answers

// PartyAnswer is what a party says to a request of ours through its link.
type PartyAnswer struct {
	// Answer is "received", "need_more", or "decided" with Values and Reasons.
	Answer  string              `json:"answer"`
	Text    string              `json:"text,omitempty"`
	Values  map[string]string   `json:"values,omitempty"` // by field
	Reasons []disclosure.Reason `json:"reasons,omitempty"`
}

// DisclosureAnswerable finds the request that an answer link is about.
func (c *Centre) DisclosureAnswerable(ctx context.Context, token string) (disclosure.Request, error) {
	id, ref, ok := email.ParseAnswerToken(c.ReplyKey, token)
	if !ok || ref != email.DisclosureRef {
		return disclosure.Request{}, problem.New(problem.NotFound, "this link is not one of ours")
	}
	return c.Disclosure(ctx, id)
}

// AnswerDisclosure records what the holder of an answer link says. The link is
// the credential: it names one request and binds that alone.
func (c *Centre) AnswerDisclosure(ctx context.Context, token string, a PartyAnswer) (disclosure.Request, error) {
	r, err := c.DisclosureAnswerable(ctx, token)
	if err != nil {
		return r, err
	}
	by := "party:" + r.ID
	switch a.Answer {
	case "received":
		return c.ActDisclosure(ctx, r.ID, 0, disclosure.Acknowledge{By: by, Text: a.Text})
	case "need_more":
		return c.ActDisclosure(ctx, r.ID, 0, disclosure.AskMore{By: by, Text: a.Text})
	case "decided":
		return c.DecideDisclosure(ctx, r.ID, 0, by, a.Values, a.Reasons, a.Text)
	}
	return r, problem.BadField("answer", "is not received, need_more or decided")
}

// mailDisclosure reads what came to the address of a request. A person's words
// are for a person: no machine takes a disclosure, or a refusal, out of a mail.
func (c *Centre) mailDisclosure(ctx context.Context, tx *store.Tx, p *prompts, a arrived, row *store.Mail) error {
	r, err := disclosures.load(ctx, tx, strings.TrimPrefix(row.Route, routeDisclosure))
	if problem.CodeOf(err) == problem.NotFound {
		ignore(row, "the request is not here any more")
		return nil
	}
	if err != nil {
		return err
	}
	var cmd disclosure.Command
	switch a.Kind {
	case mail.Person:
		if ours, err := c.ours(ctx, tx, a, row); err != nil || ours {
			return err
		}
		row.Detail = meant(a)
		cmd = disclosure.Mail{ID: row.ID, Says: row.Detail}
	case mail.AutoReply, mail.Ticket, mail.Generated, mail.Receipt:
		row.Detail = "an automatic answer"
		if r.State != disclosure.Received || !r.Acked.IsZero() || a.Kind == mail.AutoReply {
			break // an absence is no acknowledgement
		}
		row.Detail = "a ticket system's answer: it arrived"
		cmd = disclosure.Acknowledge{By: "party:" + r.ID}
	case mail.Failed, mail.Delayed, mail.Delivered:
		rep, ok := deliveryReport(a, row)
		if !ok {
			return nil
		}
		why, failed := bounced(rep)
		row.Detail = strings.TrimSpace(string(a.Kind) + ": " + why)
		if !failed || r.Notices == 0 {
			break
		}
		sent, err := disclosures.sentOf(ctx, tx, r.ID, nil)
		if err != nil {
			return err
		}
		n, ok, err := c.takeBack(ctx, tx, row, sent, rep.OriginalID, why)
		if err != nil || !ok {
			return err
		}
		cmd = disclosure.Noticed{Notice: n.Number, Result: casework.Bounced, Response: why}
	default:
		ignore(row, "of kind "+string(a.Kind)+": not an answer")
		return nil
	}
	row.State = store.MailFiled
	if cmd == nil {
		return nil
	}
	_, err = c.stepDisclosure(ctx, tx, p, r, opening{}, cmd)
	if declined(err) {
		row.Detail += "; the request is " + string(r.State)
		return nil
	}
	return err
}

// ---- figures

// DisclosureFigures are counts by direction and profile with how long decisions
// take.
type DisclosureFigures struct {
	disclosure.Counts
	// MedianHours is the time by which half of those submitted had a decision;
	// null when that is not known. What has no decision yet, or was withdrawn, is
	// censored (Kaplan and Meier, 1958), not left out.
	MedianHours *float64     `json:"median_hours"`
	Followed    int          `json:"followed"`
	Censored    int          `json:"censored"`
	Within      []WithinTime `json:"within"`
}

// disclosureHours are the times that are quoted.
var disclosureHours = []int{24, 72, 360, 720}

// CountDisclosures counts requests by the definitions of RDRS in a period that
// ends before to; a zero from is the beginning. It names nobody.
func (c *Centre) CountDisclosures(ctx context.Context, from, to time.Time) ([]DisclosureFigures, error) {
	var all []disclosure.Request
	for after := ""; ; {
		var rows []store.Disclosure
		if err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.DisclosuresAfter(ctx, after, store.MaxDisclosures)
			return err
		}); err != nil {
			return nil, err
		}
		for _, row := range rows {
			r, err := unpackDisclosure(row)
			if err != nil {
				return nil, err
			}
			// Counting needs little of each.
			r.Fields, r.Party, r.Terms.Ack, r.Terms.Answer = nil, party.Party{}, disclosure.Clock{}, disclosure.Clock{}
			all = append(all, r)
			after = row.ID
		}
		if len(rows) < store.MaxDisclosures {
			break
		}
	}
	var out []DisclosureFigures
	for _, k := range disclosure.Count(all, from, to) {
		f := DisclosureFigures{Counts: k}
		var obs []stats.Observation
		for _, w := range k.Waits {
			obs = append(obs, stats.Observation{Time: w.Time, Ended: w.Ended})
		}
		curve := stats.Survival(obs)
		f.Followed, f.Censored = curve.N, curve.N-curve.Ended
		if m, ok := curve.Median(); ok {
			h := m.Hours()
			f.MedianHours = &h
		}
		for _, h := range disclosureHours {
			at := curve.At(time.Duration(h) * time.Hour)
			f.Within = append(f.Within, WithinTime{h, 1 - at.Share, 1 - at.High, 1 - at.Low})
		}
		out = append(out, f)
	}
	return out, nil
}
