package centre

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"bailiwick/access"
	"bailiwick/accuracy"
	"bailiwick/casework"
	"bailiwick/mail"
	"bailiwick/mail/dsn"
	"bailiwick/mail/reply"
	"bailiwick/name"
	"bailiwick/notify/email"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
	"bailiwick/text"
	"bailiwick/verify"
)

// VerificationSettings are what an operator decides about affirmative
// verification.
type VerificationSettings struct {
	Profiles *verify.Profiles
	// Own are the ids of the operator's own profiles: with those whose basis is
	// primary, the only ones under which anybody goes on hold.
	Own []string
	// Profile is the id of the profile where none is named; "" is that of the
	// name's kind of TLD.
	Profile string
	// From is the sender of code mails; "" is that of all mail.
	From string
	// Keep is how long a contact's values are kept once nothing moves any more.
	Keep time.Duration
	// The most verifications opened, and the most code mails to one address, in 24
	// hours.
	PerDay, PerAddressPerDay int
}

// JobVerify is the kind of job that works on verifications, by id, and
// JobVerifyOrder the one that gives orders to the registrar's system.
const (
	JobVerify      = "verify"
	JobVerifyOrder = "verify-order"
)

// The route, the kind of notice and the limits of verifications.
const (
	routeVerify = "verify:" // and the verification
	kindVerify  = "verification"
	// sameContacts is how many verifications of one contact are looked at together.
	sameContacts = 200
	// notedMails is how many mails a day are put on the log of one verification;
	// more are kept, and change nothing.
	notedMails = 5
)

// VerificationDraft says what a registration says of a contact: what is to be
// verified.
type VerificationDraft struct {
	Name    string         `json:"name"`
	Email   string         `json:"email,omitempty"`
	Phone   string         `json:"phone,omitempty"`
	Role    verify.Role    `json:"role,omitempty"`    // Registrant if empty
	Trigger verify.Trigger `json:"trigger,omitempty"` // Registered if empty
	// Registrar is its name, for people; Ref what the registrar's system calls it.
	Registrar string `json:"registrar,omitempty"`
	Ref       string `json:"ref,omitempty"`
	// Profile is the id of a profile; only the centre's own people and systems
	// choose one.
	Profile string `json:"profile,omitempty"`
	// Org is the organisation whose registration it is; "" is the centre's own.
	Org string `json:"org,omitempty"`
}

// Verification is a verification with what the centre knows beside its log. It
// holds no address and no number.
type Verification struct {
	verify.Holder
	Org       string `json:"org,omitempty"`
	Registrar string `json:"registrar,omitempty"`
	Ref       string `json:"ref,omitempty"`
	// InDoubt says that something speaks against the contact: a message came back,
	// or what was verified is doubted.
	InDoubt bool `json:"in_doubt,omitempty"`
	// Kept says that the contact's values are still here.
	Kept bool `json:"kept"`

	data string // blob with the values
}

// contactValues lie in a blob of their own. The salt keeps its digest from
// confirming a guess.
type contactValues struct {
	Salt  string `json:"salt"`
	ID    string `json:"verification"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// of gives the value of a claim.
func (v contactValues) of(c verify.Claim) string {
	switch c {
	case verify.Email:
		return v.Email
	case verify.Phone:
		return v.Phone
	}
	return ""
}

// revisionKey is the key of revisions: whoever has a log and not the centre's keys
// cannot try out whose address it is.
func (c *Centre) revisionKey() []byte {
	h := hmac.New(sha256.New, c.ReplyKey)
	h.Write([]byte("bailiwick contact revisions 1"))
	return h.Sum(nil)
}

// contactOf gives the revisions of what a draft says.
func (c *Centre) contactOf(d VerificationDraft) (verify.Contact, contactValues, error) {
	v := contactValues{Email: strings.TrimSpace(d.Email), Phone: strings.TrimSpace(d.Phone)}
	out := verify.Contact{}
	for _, k := range []verify.Claim{verify.Email, verify.Phone} {
		if v.of(k) == "" {
			continue
		}
		r, err := verify.Revise(c.revisionKey(), k, v.of(k))
		if err != nil {
			return nil, v, err
		}
		out[k] = r
	}
	if len(out) == 0 {
		return nil, v, problem.BadField("email", "is missing, and so is phone: there is nothing to verify")
	}
	return out, v, nil
}

// verifyChecks are those checks of accuracy that a value must pass before a code
// goes there. What registries want beyond that (the form of EPP, a postal
// address) is no reason not to ask, and whether a domain takes mail is shown by
// the mail.
var verifyChecks = sync.OnceValue(func() []accuracy.Check {
	return slices.DeleteFunc(accuracy.ContactChecks(), func(k accuracy.Check) bool {
		return !slices.Contains([]string{"email.syntax", "phone.characters", "phone.country-code", "phone.length", "phone.extension"}, k.ID)
	})
})

// failures are what is wrong with the form of a contact's values (V1).
func (c *Centre) failures(v contactValues) ([]verify.Failure, error) {
	const role = "registrant"
	found, err := accuracy.Examine(accuracy.Subject{Record: registration.Record{State: registration.Registered, Contacts: map[string]registration.Contact{role: {Email: v.Email, Phone: v.Phone}}},
		Roles: []string{role}, Now: c.Clock.Now()}, verifyChecks())
	if err != nil {
		return nil, err
	}
	var out []verify.Failure
	for _, f := range found {
		claim := verify.Email
		if strings.HasPrefix(f.Check, "phone.") {
			claim = verify.Phone
		}
		if f.Result == accuracy.Fail && v.of(claim) != "" {
			out = append(out, verify.Failure{Claim: claim, Reason: f.Reason})
		}
	}
	return out[:min(len(out), verify.MaxFailures)], nil
}

// verifyProfile is the profile that a verification is under. One that is neither
// the operator's own nor rests on a primary source is advice: its times and codes
// apply, and nobody goes on hold.
func (c *Centre) verifyProfile(id string, d name.Domain) (verify.Profile, error) {
	set := c.set.Verify
	if id == "" {
		id = set.Profile
	}
	if id == "" {
		if id = "plain"; c.Directory.TLDKind(d.TLD()) == party.GTLD {
			id = "waps"
		}
	}
	p, err := set.Profiles.Profile(id)
	if err != nil {
		return p, err
	}
	if !slices.Contains(set.Own, p.ID) && !p.Binds() {
		p = p.Advisory()
	}
	return p, nil
}

// OpenVerification begins to verify a contact of a registration, or takes what the
// contact says now where that is under way already: the same again changes
// nothing, so a caller that does not know whether it was heard asks again. What was
// verified already and is not in doubt is not verified again.
func (c *Centre) OpenVerification(ctx context.Context, d VerificationDraft, by string) (Verification, error) {
	n, err := name.ParseAny(strings.TrimSpace(name.Refang(d.Name)))
	if err != nil {
		return Verification{}, problem.BadField("name", "is not a domain name")
	}
	if reg := c.Suffixes.Split(n).Registered; reg.IsZero() || reg != n {
		return Verification{}, problem.BadField("name", "is not a registered domain: one label under a public suffix")
	}
	contact, values, err := c.contactOf(d)
	if err != nil {
		return Verification{}, err
	}
	if d.Role == "" {
		d.Role = verify.Registrant
	}
	if d.Trigger == "" {
		d.Trigger = verify.Registered
	}
	id := d.Profile
	if d.Org != "" {
		id = "" // whose registration it is does not choose our clocks
	}
	p, err := c.verifyProfile(id, n)
	if err != nil {
		return Verification{}, err
	}
	failures, err := c.failures(values)
	if err != nil {
		return Verification{}, err
	}
	open := verify.Open{By: by, Name: n, Role: d.Role, Trigger: d.Trigger, Contact: contact, Profile: p}
	if _, err := verify.Decide(verify.Holder{}, open, c.Clock.Now()); err != nil {
		return Verification{}, err
	}
	var out Verification
	err = retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			if err := tx.LockVerifications(ctx); err != nil {
				return err
			}
			v := Verification{Org: d.Org, Registrar: text.Line(d.Registrar, verify.MaxShort), Ref: text.Line(d.Ref, verify.MaxShort)}
			row, has, err := tx.VerificationOf(ctx, d.Org, n.String(), string(d.Role))
			if err != nil {
				return err
			}
			now := c.Clock.Now()
			var first verify.Command = open
			if has {
				was, err := unpackVerification(row)
				if err != nil {
					return err
				}
				if same := maps.Equal(was.Contact, contact); same && (was.Kept || was.State.Done()) {
					out = was
					return nil
				} else if same {
					if was.data, err = c.putValues(ctx, tx, was.ID, values); err != nil {
						return err
					}
					was.Kept = true
					var pr prompts
					if err := tx.KeepContact(ctx, was.ID, was.data, was.Seq); err != nil {
						return err
					}
					if out, err = c.advance(ctx, tx, &pr, was, &failures); err != nil {
						return err
					}
					return pr.enqueue(ctx, tx)
				}
				v.Holder, v.data, v.InDoubt = was.Holder, was.data, was.InDoubt
				first = verify.Change{By: by, Contact: contact, Profile: p}
			} else {
				n, err := tx.CountVerifications(ctx, now.Add(-24*time.Hour))
				if err != nil {
					return err
				}
				if n >= c.set.Verify.PerDay {
					return problem.New(problem.RateLimited, "%d verifications were opened in 24 hours, the most there may be", n)
				}
				v.ID = c.NewID()
			}
			if v.data, err = c.putValues(ctx, tx, v.ID, values); err != nil {
				return err
			}
			v.Kept = true
			var pr prompts
			if v, err = c.stepVerification(ctx, tx, &pr, v, first); err != nil {
				return err
			}
			if out, err = c.advance(ctx, tx, &pr, v, &failures); err != nil {
				return err
			}
			return pr.enqueue(ctx, tx)
		})
	})
	return out, err
}

// putValues keeps a contact's values apart from everything else.
func (c *Centre) putValues(ctx context.Context, tx *store.Tx, id string, v contactValues) (string, error) {
	var salt [32]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return "", err
	}
	v.Salt, v.ID = hex.EncodeToString(salt[:]), id
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	sha, err := tx.PutBlob(ctx, "application/json", b)
	if err != nil {
		return "", err
	}
	return sha, tx.RefBlob(ctx, sha, store.OwnerVerification, id)
}

// values reads a contact's values; NotFound once they are erased.
func (c *Centre) values(ctx context.Context, v Verification) (contactValues, error) {
	var out contactValues
	if v.data == "" {
		return out, problem.New(problem.NotFound, "the contact of verification %s is not kept any more: give it again", v.ID)
	}
	b, _, err := c.Store.Blob(ctx, v.data)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(b, &out); err != nil || out.ID != v.ID {
		return out, problem.Wrap(err, problem.Corrupt, "the contact of verification %s does not parse", v.ID)
	}
	return out, nil
}

// unchecked says whether the form of the contact has to be looked at.
func unchecked(h verify.Holder) bool {
	return !h.Valid && slices.Contains([]verify.State{verify.New, verify.Moved, verify.Changed, verify.Doubted}, h.State)
}

// advance does what can be done now: the checks of the form, what was verified
// elsewhere, the codes and times that are due. Failures are what the checks found,
// where the caller knows that already.
func (c *Centre) advance(ctx context.Context, tx *store.Tx, p *prompts, v Verification, failures *[]verify.Failure) (Verification, error) {
	if v.State == verify.Terminated {
		return v, nil
	}
	earlier, err := c.earlier(ctx, tx, v)
	if err != nil {
		return v, err
	}
	if unchecked(v.Holder) || failures != nil && !v.Valid && !v.State.Done() {
		if failures == nil {
			values, err := c.values(ctx, v)
			if problem.CodeOf(err) == problem.NotFound {
				// Its times run; the registrar, or a person, gives it again.
				v.Kept = false
				return c.tick(ctx, tx, p, v)
			}
			if err != nil {
				return v, err
			}
			found, err := c.failures(values)
			if err != nil {
				return v, err
			}
			failures = &found
		}
		if v, err = c.stepVerification(ctx, tx, p, v, verify.Validate{By: casework.Centre, Failures: *failures, Earlier: earlier[:min(len(earlier), verify.MaxEarlier)]}); err != nil {
			return v, err
		}
	} else if !v.State.Done() {
		for _, e := range earlier {
			next, err := c.stepVerification(ctx, tx, p, v, verify.Reuse{By: casework.Centre, Earlier: e})
			if code := problem.CodeOf(err); err != nil && (errors.Is(err, errRace) || code != problem.Refused && code != problem.Conflict) {
				return v, err
			}
			if err == nil {
				v = next
			}
		}
	}
	return c.tick(ctx, tx, p, v)
}

// tick lets time settle what it has settled.
func (c *Centre) tick(ctx context.Context, tx *store.Tx, p *prompts, v Verification) (Verification, error) {
	cmd := verify.Tick{}
	for range verify.MaxNotices {
		code, err := verify.NewCode(rand.Reader)
		if err != nil {
			return v, err
		}
		cmd.Codes = append(cmd.Codes, code)
	}
	return c.stepVerification(ctx, tx, p, v, cmd)
}

// earlier are the verifications of others of the same organisation with the same
// contact. Where one of those is in doubt, none counts: the same address came back
// there.
func (c *Centre) earlier(ctx context.Context, tx *store.Tx, v Verification) ([]verify.Earlier, error) {
	var out []verify.Earlier
	for _, claim := range []verify.Claim{verify.Email, verify.Phone} {
		rows, err := tx.SameContact(ctx, v.Org, claim, v.Contact[claim], sameContacts)
		if err != nil {
			return nil, err
		}
		doubted := false
		var mine []verify.Earlier
		for _, row := range rows {
			if row.ID == v.ID {
				continue
			}
			o, err := unpackVerification(row)
			if err != nil {
				return nil, err
			}
			doubted = doubted || o.InDoubt
			if r, has := o.Verified[claim]; has && o.State.Done() {
				mine = append(mine, verify.Earlier{Record: r})
			}
		}
		for i := range mine {
			mine[i].Doubted = doubted
		}
		out = append(out, mine...)
	}
	return out, nil
}

// inDoubt says whether something speaks against a holder's contact.
func inDoubt(h verify.Holder) bool {
	switch {
	case h.State == verify.Doubted:
		return true
	case h.State.Done(), h.State == verify.Terminated:
		return false
	}
	return h.Failed > 0 || h.Trigger == verify.DoubtedData || !h.Since.IsZero() && h.State != verify.OnHold
}

// resting is since when nothing moves any more, for what expires; zero while
// something does.
func resting(h verify.Holder) time.Time {
	switch {
	case h.State == verify.Terminated:
		return h.Ended
	case h.State.Done():
		return h.Settled
	case h.State == verify.OnHold:
		return h.Hold.At
	case h.State == verify.Overdue && h.ByPerson():
		return h.Due
	}
	return time.Time{}
}

// stepVerification gives commands to a verification, one after the other, and
// writes the events, the projection, the codes, notices and orders that they cause
// in tx. One without events is opened by an Open command.
func (c *Centre) stepVerification(ctx context.Context, tx *store.Tx, p *prompts, v Verification, cmds ...verify.Command) (Verification, error) {
	now, was, id := c.Clock.Now(), v.Seq, v.ID
	if now.Before(v.Last) {
		now = v.Last
	}
	var entries []casework.Entry
	var evs []verify.Event
	var codes []verify.Code
	for _, cmd := range cmds {
		switch k := cmd.(type) {
		case verify.Tick:
			codes = append(codes, k.Codes...)
		case verify.Issue:
			codes = append(codes, k.Code)
		}
		more, err := verify.Decide(v.Holder, cmd, now)
		if err != nil {
			return v, err
		}
		for _, ev := range more {
			var salt [32]byte
			if _, err := rand.Read(salt[:]); err != nil {
				return v, err
			}
			e, err := verify.Seal(v.Holder, id, ev, now, salt)
			if err != nil {
				return v, err
			}
			if v.Holder, err = verify.Apply(v.Holder, e); err != nil {
				return v, err
			}
			entries, evs = append(entries, e), append(evs, ev)
		}
	}
	v.InDoubt = inDoubt(v.Holder)
	due := v.NextDue()
	if v.Kept && unchecked(v.Holder) {
		due = now
	}
	if len(entries) == 0 {
		if was == 0 {
			return v, nil
		}
		return v, tx.SettleVerification(ctx, id, due, was)
	}
	body, err := json.Marshal(v.Holder)
	if err != nil {
		return v, err
	}
	row := store.Verification{ID: id, Name: v.Name, Role: string(v.Role), Org: v.Org, Registrar: v.Registrar, Ref: v.Ref, Profile: v.Terms.Profile.ID, State: string(v.State), Doubt: v.InDoubt,
		Email: string(v.Contact[verify.Email]), Phone: string(v.Contact[verify.Phone]), Opened: v.Opened, Rest: resting(v.Holder), Due: due, Seq: v.Seq, Head: v.Head, Data: v.data, Body: body}
	if err := tx.PutVerification(ctx, row, was); err != nil {
		if problem.CodeOf(err) == problem.Conflict {
			return v, problem.Wrap(errRace, problem.Conflict, "somebody else changed verification %s first", id)
		}
		return v, err
	}
	if err := tx.AppendVerificationEvents(ctx, entries); err != nil {
		return v, err
	}
	if err := c.follow(ctx, tx, p, v, evs, codes, now); err != nil {
		return v, err
	}
	if !due.IsZero() && !due.After(now) {
		p.verifications = append(p.verifications, id)
	}
	return v, nil
}

// follow writes what events cause.
func (c *Centre) follow(ctx context.Context, tx *store.Tx, p *prompts, v Verification, evs []verify.Event, codes []verify.Code, now time.Time) error {
	for _, ev := range evs {
		switch b := ev.Body.(type) {
		case verify.Issued:
			if len(codes) == 0 {
				return problem.New(problem.Internal, "a code of verification %s is not at hand", v.ID)
			}
			if err := tx.PutCode(ctx, store.WaitingCode{Verification: v.ID, Number: b.N, Method: b.Method, Code: codes[0].Text(), Made: now, Expires: b.Expires}); err != nil {
				return err
			}
			codes = codes[1:]
			if b.Method != verify.ByMail {
				break // the operator's own sender fetches it (TakeCode)
			}
			// The address is not in the delivery log: its keyed digest is, so that
			// the caps hold for all names together.
			n := store.Notice{ID: verifyNotice(v.ID, b.N), Obligation: routeVerify + v.ID, Number: b.N, Kind: kindVerify, Channel: "email",
				Party: holderParty(b.Revision), State: store.NoticeDue, Created: now, Due: now}
			added, err := tx.AddNotice(ctx, n)
			if err != nil {
				return err
			}
			if added {
				p.notices = append(p.notices, n.ID)
			}
		case verify.NewContact:
			// A code for what the contact said before goes nowhere any more.
			for _, w := range v.Codes {
				if !w.Void {
					continue
				}
				if _, err := tx.DropCode(ctx, v.ID, w.N); err != nil {
					return err
				}
			}
		case verify.Returned:
			if err := c.tellSame(ctx, tx, v, b.Record.Claims, now); err != nil {
				return err
			}
		case verify.Attested:
			if b.Record.Result == verify.Pass {
				if err := c.tellSame(ctx, tx, v, b.Record.Claims, now); err != nil {
					return err
				}
			}
		case verify.Held:
			if err := c.orderHold(ctx, tx, p, v, b, now); err != nil {
				return err
			}
		case verify.Released:
			if err := c.orderRelease(ctx, tx, p, v, b, now); err != nil {
				return err
			}
		}
	}
	if v.State.Done() || v.State == verify.Terminated {
		_, err := tx.DropCode(ctx, v.ID, 0)
		return err
	}
	return nil
}

// tellSame makes those due that have the same contact: one answer is enough for
// all names of a holder.
func (c *Centre) tellSame(ctx context.Context, tx *store.Tx, v Verification, claims []verify.Claim, now time.Time) error {
	for _, k := range claims {
		if err := tx.PromptSame(ctx, v.Org, k, v.Contact[k], v.ID, now); err != nil {
			return err
		}
	}
	return nil
}

func verifyNotice(id string, n int) string { return fmt.Sprintf("verify.%s.%d", id, n) }

// holderParty stands for an address in the delivery log.
func holderParty(r verify.Revision) string { return "holder:" + string(r)[:min(len(r), 32)] }

// ---- reading

func unpackVerification(row store.Verification) (Verification, error) {
	v := Verification{Org: row.Org, Registrar: row.Registrar, Ref: row.Ref, InDoubt: row.Doubt, Kept: row.Data != "", data: row.Data}
	if err := json.Unmarshal(row.Body, &v.Holder); err != nil {
		return v, problem.Wrap(err, problem.Corrupt, "the projection of verification %s does not parse", row.ID)
	}
	return v, nil
}

func (c *Centre) loadVerification(ctx context.Context, tx *store.Tx, id string) (Verification, error) {
	row, err := tx.Verification(ctx, id)
	if err != nil {
		return Verification{}, err
	}
	return unpackVerification(row)
}

// Verification reads one verification.
func (c *Centre) Verification(ctx context.Context, id string) (Verification, error) {
	return view(ctx, c, func(tx *store.Tx) (Verification, error) { return c.loadVerification(ctx, tx, id) })
}

// Verifications lists verifications, newest first.
func (c *Centre) Verifications(ctx context.Context, f store.VerificationFilter) ([]Verification, error) {
	return view(ctx, c, func(tx *store.Tx) ([]Verification, error) {
		rows, err := tx.Verifications(ctx, f)
		if err != nil {
			return nil, err
		}
		return unpackAll(rows, unpackVerification)
	})
}

// VerificationEvents reads a verification's log.
func (c *Centre) VerificationEvents(ctx context.Context, id string) ([]casework.Entry, error) {
	return view(ctx, c, func(tx *store.Tx) ([]casework.Entry, error) {
		if _, err := tx.Verification(ctx, id); err != nil {
			return nil, err
		}
		return tx.VerificationEvents(ctx, id)
	})
}

// VerificationWords are what people wrote, as far as it is kept: personal. Who
// shows them logs it.
func VerificationWords(es []casework.Entry) ([]Word, error) {
	var out []Word
	for _, e := range es {
		if e.Kind != verify.KindWords || e.Payload == nil {
			continue
		}
		var w verify.Wrote
		if err := json.Unmarshal(e.Payload.Body, &w); err != nil {
			return nil, problem.Wrap(err, problem.Corrupt, "event %d of verification %s does not parse", e.Seq, e.Case)
		}
		out = append(out, Word{At: e.At, By: e.Actor, With: w.With, Text: w.Text})
	}
	return out, nil
}

// ExportVerification writes a verification's chain with a signed head, as Export
// does a case's. Personal payloads are withheld unless personal is true. No export
// holds a contact's values or a code.
func (c *Centre) ExportVerification(ctx context.Context, w io.Writer, id string, personal bool) error {
	es, err := c.VerificationEvents(ctx, id)
	if err != nil {
		return err
	}
	return c.exportLog(w, "verification", id, es, personal)
}

// ReadVerifiedContact shows somebody of the desk the values of a contact, for a
// reason that they state. The look is in the access log before anything is read.
func (c *Centre) ReadVerifiedContact(ctx context.Context, p access.Person, id, reason string) (mailbox, phone string, err error) {
	v := access.Decide(p, access.Work, access.Object{Kind: access.VerifiedContact, ID: id, Personal: true})
	if err := v.Err(p); err != nil {
		return "", "", err
	}
	return c.readContact(ctx, p.Actor(), id, reason)
}

// ReadVerifiedContactAtConsole is ReadVerifiedContact for who runs a command on
// the machine.
func (c *Centre) ReadVerifiedContactAtConsole(ctx context.Context, id, reason string) (mailbox, phone string, err error) {
	return c.readContact(ctx, access.Console, id, reason)
}

func (c *Centre) readContact(ctx context.Context, actor, id, reason string) (string, string, error) {
	v, err := c.Verification(ctx, id)
	if err != nil {
		return "", "", err
	}
	if !v.Kept {
		return "", "", problem.New(problem.NotFound, "the contact of verification %s is not kept any more", id)
	}
	if err := c.looked(ctx, actor, id, reason); err != nil {
		return "", "", err
	}
	out, err := c.values(ctx, v)
	return out.Email, out.Phone, err
}

// LookedAtConsole writes into the access log that who runs a command on the machine
// reads what people wrote about a verification.
func (c *Centre) LookedAtConsole(ctx context.Context, id, reason string) error {
	if _, err := c.Verification(ctx, id); err != nil {
		return err
	}
	return c.looked(ctx, access.Console, id, reason)
}

// looked writes into the access log that somebody reads the contact of a
// verification, or a code.
func (c *Centre) looked(ctx context.Context, actor, id, reason string) error {
	reason = text.Line(reason, verify.MaxShort)
	if len(reason) < minReason {
		return problem.BadField("reason", "say in a few words why you read it; the access log keeps that")
	}
	return c.Store.Access().UpdateAccess(ctx, func(rows access.Rows) error {
		return rows.AddEntry(ctx, access.Entry{At: c.Clock.Now(), Actor: actor, Act: access.Looked, Purpose: access.Work, Kind: access.VerifiedContact, Object: id, Detail: reason})
	})
}

// ---- acting

// ActVerification gives commands to a verification for somebody who saw it up to
// the event numbered seq; 0 sets no such condition. What follows at once, follows.
func (c *Centre) ActVerification(ctx context.Context, id string, seq int, cmds ...verify.Command) (Verification, error) {
	return c.changeVerification(ctx, id, seq, func(context.Context, *store.Tx, Verification) ([]verify.Command, error) { return cmds, nil })
}

func (c *Centre) changeVerification(ctx context.Context, id string, seq int, make func(context.Context, *store.Tx, Verification) ([]verify.Command, error)) (Verification, error) {
	var out Verification
	err := retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			v, err := c.loadVerification(ctx, tx, id)
			if err != nil {
				return err
			}
			if seq > 0 && seq != v.Seq {
				return problem.New(problem.Conflict, "verification %s changed meanwhile: look at it again", id)
			}
			cmds, err := make(ctx, tx, v)
			if err != nil {
				return err
			}
			var p prompts
			if v, err = c.stepVerification(ctx, tx, &p, v, cmds...); err != nil {
				return err
			}
			if out, err = c.advance(ctx, tx, &p, v, nil); err != nil {
				return err
			}
			return p.enqueue(ctx, tx)
		})
	})
	return out, err
}

// AttestVerification records what a person found by hand. A document is digested
// as it is read and kept nowhere; the salt of its digest is given back once, for
// whoever holds it.
func (c *Centre) AttestVerification(ctx context.Context, id string, seq int, a verify.Attest, document io.Reader) (v Verification, salt string, err error) {
	if document != nil {
		var s [32]byte
		if _, err := rand.Read(s[:]); err != nil {
			return v, "", err
		}
		if a.Digest, err = verify.DigestOf(s, document); err != nil {
			return v, "", err
		}
		salt = hex.EncodeToString(s[:])
	}
	v, err = c.ActVerification(ctx, id, seq, a)
	return v, salt, err
}

// DoubtVerification records that a person upheld a complaint about a claim of a
// contact, as it is now.
func (c *Centre) DoubtVerification(ctx context.Context, id string, seq int, by string, claim verify.Claim, evidence, words string) (Verification, error) {
	return c.changeVerification(ctx, id, seq, func(_ context.Context, _ *store.Tx, v Verification) ([]verify.Command, error) {
		return []verify.Command{verify.Doubt{By: by, Cause: verify.Complaint, Claim: claim, Revision: v.Contact[claim], Evidence: evidence, Text: words}}, nil
	})
}

// SendCode sends another code, beside the schedule.
func (c *Centre) SendCode(ctx context.Context, id string, seq int, by string, m verify.Method) (Verification, error) {
	return c.changeVerification(ctx, id, seq, func(ctx context.Context, tx *store.Tx, v Verification) ([]verify.Command, error) {
		if !v.Kept {
			return nil, problem.New(problem.Conflict, "the contact is not kept any more: the registrar has to give it again")
		}
		if at, err := tx.Refused(ctx, v.Contact[verify.Email]); err != nil || m == verify.ByMail && !at.IsZero() {
			if err == nil {
				err = problem.New(problem.Refused, "whoever reads mail at this address said that they know nothing of the name: no more codes go there")
			}
			return nil, err
		}
		code, err := verify.NewCode(rand.Reader)
		if err != nil {
			return nil, err
		}
		return []verify.Command{verify.Issue{By: by, Method: m, Code: code}}, nil
	})
}

// WaitingCodes lists the codes that wait for the operator's own sender: those by
// telephone. The codes themselves are blanked.
func (c *Centre) WaitingCodes(ctx context.Context, id string) ([]store.WaitingCode, error) {
	var out []store.WaitingCode
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		all, err := tx.WaitingCodes(ctx, id)
		out = nil
		for _, k := range all {
			if k.Method != verify.ByMail {
				k.Code = ""
				out = append(out, k)
			}
		}
		return err
	})
	return out, err
}

// TakenCode is a code with the number it goes to.
type TakenCode struct {
	Number int    `json:"number"` // of the code
	Phone  string `json:"phone"`
	Code   string `json:"code"`
}

// TakeCode gives a code by telephone, and the number it goes to, to whoever sends
// it: once. The look is in the access log.
func (c *Centre) TakeCode(ctx context.Context, p access.Person, id string, number int) (TakenCode, error) {
	v := access.Decide(p, access.Work, access.Object{Kind: access.VerifiedContact, ID: id, Personal: true})
	if err := v.Err(p); err != nil {
		return TakenCode{}, err
	}
	return c.takeCode(ctx, p.Actor(), id, number)
}

// TakeCodeAtConsole is TakeCode for who runs a command on the machine.
func (c *Centre) TakeCodeAtConsole(ctx context.Context, id string, number int) (TakenCode, error) {
	return c.takeCode(ctx, access.Console, id, number)
}

func (c *Centre) takeCode(ctx context.Context, actor, id string, number int) (TakenCode, error) {
	v, err := c.Verification(ctx, id)
	if err != nil {
		return TakenCode{}, err
	}
	values, err := c.values(ctx, v)
	if err != nil {
		return TakenCode{}, err
	}
	if err := c.looked(ctx, actor, id, fmt.Sprintf("to send code %d by telephone", number)); err != nil {
		return TakenCode{}, err
	}
	var out TakenCode
	err = c.Store.Update(ctx, func(tx *store.Tx) error {
		k, ok, err := tx.WaitingCode(ctx, id, number)
		if err != nil {
			return err
		}
		if !ok || k.Method == verify.ByMail || !k.Expires.After(c.Clock.Now()) {
			return problem.New(problem.NotFound, "no such code waits: it was read, is over, or is not needed any more")
		}
		if n, err := tx.DropCode(ctx, id, number); err != nil || n == 0 {
			if err == nil {
				err = problem.New(problem.NotFound, "somebody else read it at this moment")
			}
			return err
		}
		out = TakenCode{number, values.Phone, k.Code}
		return nil
	})
	return out, err
}

// SentCode records what became of a code by telephone: the operator's sender says
// that it went out, or could not.
func (c *Centre) SentCode(ctx context.Context, id string, number int, out bool) (Verification, error) {
	return c.changeVerification(ctx, id, 0, func(_ context.Context, _ *store.Tx, v Verification) ([]verify.Command, error) {
		if !slices.ContainsFunc(v.Codes, func(w verify.Waiting) bool { return w.N == number && w.Method != verify.ByMail }) {
			return nil, problem.New(problem.NotFound, "there is no such code by telephone")
		}
		result := casework.Undelivered
		if out {
			result = casework.Accepted
		}
		return []verify.Command{verify.Noticed{N: number, Result: result}}, nil
	})
}

// ---- answers

// VerificationToken is the last part of the link in a code mail. It names the
// verification and is no code: opening the link confirms nothing.
func (c *Centre) VerificationToken(id string) string {
	return email.AnswerToken(c.ReplyKey, id, email.VerifyRef)
}

// VerificationAnswerable finds the verification that a link is about.
func (c *Centre) VerificationAnswerable(ctx context.Context, token string) (Verification, error) {
	id, ref, ok := email.ParseAnswerToken(c.ReplyKey, token)
	if !ok || ref != email.VerifyRef {
		return Verification{}, problem.New(problem.NotFound, "this link is not one of ours")
	}
	return c.Verification(ctx, id)
}

// AnswerVerification returns a code by the link. What was pasted around the code
// does not matter. A wrong one counts, and is Refused.
func (c *Centre) AnswerVerification(ctx context.Context, token, code string) (Verification, error) {
	v, err := c.VerificationAnswerable(ctx, token)
	if err != nil {
		return v, err
	}
	return c.ReturnCode(ctx, v.ID, "holder:"+v.ID, code)
}

// ReturnCode returns a code for a verification: by is whoever typed it.
func (c *Centre) ReturnCode(ctx context.Context, id, by, code string) (Verification, error) {
	if found := verify.FindCodes(code); len(found) == 1 {
		code = found[0]
	}
	out, err := c.ActVerification(ctx, id, 0, verify.Answer{By: by, Code: code})
	if err != nil {
		return out, err
	}
	return out, c.wrong(ctx, out, code)
}

// wrong says that the code just returned was a wrong one.
func (c *Centre) wrong(ctx context.Context, v Verification, code string) error {
	k, ok := verify.ParseCode(code)
	if !ok {
		return nil // refused before
	}
	if left, wrong := v.Tried(k); wrong {
		return problem.BadField("code", "is not the one that was sent: %d attempts are left. Copy it from the latest message.", left)
	}
	return nil
}

// AgainVerification sends the holder of a link another code.
func (c *Centre) AgainVerification(ctx context.Context, token string) (Verification, error) {
	v, err := c.VerificationAnswerable(ctx, token)
	if err != nil {
		return v, err
	}
	return c.SendCode(ctx, v.ID, 0, "holder:"+v.ID, verify.ByMail)
}

// NotMine takes the word of whoever reads mail at the address that they know
// nothing of the name: no more codes go there, whatever the name, and a person
// looks into it. The times run on: what is not confirmed is not confirmed.
func (c *Centre) NotMine(ctx context.Context, token string) (Verification, error) {
	v, err := c.VerificationAnswerable(ctx, token)
	if err != nil {
		return v, err
	}
	return c.changeVerification(ctx, v.ID, 0, func(ctx context.Context, tx *store.Tx, v Verification) ([]verify.Command, error) {
		rev := v.Contact[verify.Email]
		if rev == "" {
			return nil, problem.New(problem.Conflict, "no mail address is asked about")
		}
		if at, err := tx.Refused(ctx, rev); err != nil || !at.IsZero() {
			return nil, err
		}
		if err := tx.Refuse(ctx, rev, v.ID, c.Clock.Now()); err != nil {
			return nil, err
		}
		return []verify.Command{verify.Note{By: "holder:" + v.ID, Text: "Whoever reads mail at this address says that they know nothing of the name. No more codes go there."}}, nil
	})
}

// AllowCodes takes back that an address wants no codes: a person spoke with who
// reads it.
func (c *Centre) AllowCodes(ctx context.Context, id, by, why string) (Verification, error) {
	return c.changeVerification(ctx, id, 0, func(ctx context.Context, tx *store.Tx, v Verification) ([]verify.Command, error) {
		was, err := tx.Unrefuse(ctx, v.Contact[verify.Email])
		if err != nil {
			return nil, err
		}
		if !was {
			return nil, problem.New(problem.Conflict, "codes go to this address already")
		}
		return []verify.Command{verify.Note{By: by, Text: "Codes may go to the address again: " + why}}, nil
	})
}

// CodesRefused says since when the address of a verification wants no codes; zero
// for one that does.
func (c *Centre) CodesRefused(ctx context.Context, v Verification) (time.Time, error) {
	var at time.Time
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		at, err = tx.Refused(ctx, v.Contact[verify.Email])
		return err
	})
	return at, err
}

// ---- what is due

// WorkVerifications does what is due on verifications.
func (c *Centre) WorkVerifications(ctx context.Context, ids []string) error {
	var errs []error
	for _, id := range ids {
		err := retry(func() error {
			return c.Store.Update(ctx, func(tx *store.Tx) error {
				row, err := tx.Verification(ctx, id)
				if err != nil || row.Due.IsZero() || row.Due.After(c.Clock.Now()) {
					return err
				}
				v, err := unpackVerification(row)
				if err != nil {
					return err
				}
				var p prompts
				if _, err := c.advance(ctx, tx, &p, v, nil); err != nil {
					return err
				}
				return p.enqueue(ctx, tx)
			})
		})
		if err != nil && ctx.Err() == nil {
			c.Log.Error("a verification could not be worked", "verification", id, "err", err)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// ---- the message

// prepareVerification is prepare for a message with a code.
func (c *Centre) prepareVerification(ctx context.Context, tx *store.Tx, n store.Notice, now time.Time) (func() (email.Message, error), error) {
	id := strings.TrimPrefix(n.Obligation, routeVerify)
	v, err := c.loadVerification(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	stop := func(why string) (func() (email.Message, error), error) {
		n.State, n.Done, n.Response = store.NoticeStopped, now, "no longer wanted: "+why
		if _, err := tx.DropCode(ctx, id, n.Number); err != nil {
			return nil, err
		}
		return nil, tx.FinishNotice(ctx, n)
	}
	i := slices.IndexFunc(v.Codes, func(w verify.Waiting) bool { return w.N == n.Number })
	if v.State.Done() || v.State == verify.Terminated || i < 0 {
		return stop("the verification is " + string(v.State))
	}
	w := v.Codes[i]
	if w.Used || w.Void || !w.Expires.After(now) || w.Revision != v.Contact[verify.Email] {
		return stop("the code is not good any more")
	}
	code, ok, err := tx.WaitingCode(ctx, id, n.Number)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, c.failed(ctx, tx, n, "the code is not kept any more")
	}
	if at, err := tx.Refused(ctx, w.Revision); err != nil {
		return nil, err
	} else if !at.IsZero() {
		return nil, c.failed(ctx, tx, n, "the address wants no codes")
	}
	sent, err := tx.CountDesk(ctx, nil, []string{n.Party}, now.Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	if sent >= c.set.Verify.PerAddressPerDay {
		n.Due, n.Response = now.Add(time.Hour), fmt.Sprintf("held: %d codes went to this address in 24 hours", sent)
		return nil, tx.FinishNotice(ctx, n)
	}
	values, err := c.values(ctx, v)
	if problem.CodeOf(err) == problem.NotFound {
		return nil, c.failed(ctx, tx, n, "the address is not kept any more")
	}
	if err != nil {
		return nil, err
	}
	d, err := name.Parse(v.Name)
	if err != nil {
		return nil, problem.Wrap(err, problem.Corrupt, "verification %s has a name that does not parse", id)
	}
	m := email.Verification{ID: id, NoticeID: n.ID, To: values.Email, Domain: d, Code: code.Code, URL: c.set.BaseURL + "/verify/" + c.VerificationToken(id), Number: v.mailed(n.Number),
		Until: w.Expires, Hold: v.Holds(), OnHold: v.State == verify.OnHold, Registrar: v.Registrar, CentreName: c.set.Name, CentreContact: c.set.Contact, Date: now}
	if v.Due.After(now) {
		m.Due = v.Due
	}
	for k := 1; k < n.Number; k++ {
		if e, err := tx.Notice(ctx, verifyNotice(id, k)); err == nil && e.State == store.NoticeAccepted {
			m.PreviousMessageIDs = append(m.PreviousMessageIDs, e.MessageID)
		}
	}
	from, dkim := c.set.Verify.From, c.DKIM
	if from == "" {
		from = c.set.From
	}
	return func() (email.Message, error) {
		return email.ComposeVerification(m, email.ComposeOptions{From: from, FromName: c.set.Name,
			ReplyTo: email.ReplyAddress(c.ReplyKey, c.set.ReplyDomain, id, email.VerifyRef), DKIM: dkim})
	}, nil
}

// mailed counts the codes by mail of the time that runs, up to code n.
func (v Verification) mailed(n int) int {
	k := 0
	for _, w := range v.Codes {
		if w.N <= n && w.Method == verify.ByMail && !w.At.Before(v.Began) {
			k++
		}
	}
	return k
}

// toldVerification puts what became of a code's message on its verification. The
// code itself is forgotten: from now on its digest is all there is.
func (c *Centre) toldVerification(ctx context.Context, tx *store.Tx, n store.Notice, result casework.Result, response string) error {
	v, err := c.loadVerification(ctx, tx, strings.TrimPrefix(n.Obligation, routeVerify))
	if err != nil {
		return err
	}
	if _, err := tx.DropCode(ctx, v.ID, n.Number); err != nil {
		return err
	}
	var p prompts
	if _, err = c.stepVerification(ctx, tx, &p, v, verify.Noticed{N: n.Number, Result: result, Response: response}); err != nil {
		return err
	}
	return p.enqueue(ctx, tx)
}

// mailVerification reads what came to the address of a verification: a code, a
// person's words, a message come back. No machine's answer verifies anything, and
// neither does what is quoted of our own message.
func (c *Centre) mailVerification(ctx context.Context, tx *store.Tx, p *prompts, a arrived, row *store.Mail) error {
	v, err := c.loadVerification(ctx, tx, strings.TrimPrefix(row.Route, routeVerify))
	if problem.CodeOf(err) == problem.NotFound {
		ignore(row, "the verification is not here any more")
		return nil
	}
	if err != nil {
		return err
	}
	by := "holder:" + v.ID
	switch a.Kind {
	case mail.Person:
		if ours, err := c.sentByUs(ctx, tx, a.row.MessageID); err != nil || ours {
			ignore(row, "our own message came back")
			return err
		}
		row.State = store.MailFiled
		own := reply.Own(&a.msg)
		row.Detail = "a person wrote, and there is no code in it: read it"
		for _, code := range verify.FindCodes(a.msg.Subject() + "\n" + own) {
			next, err := c.stepVerification(ctx, tx, p, v, verify.Answer{By: by, Code: code})
			switch k := problem.CodeOf(err); {
			case err == nil && c.wrong(ctx, next, code) != nil:
				v, row.Detail = next, "a code that is not the one that was sent"
				continue
			case err == nil:
				row.Detail = "the code came back"
				_, err = c.advance(ctx, tx, p, next, nil)
				return err
			case errors.Is(err, errRace), k != problem.Conflict && k != problem.Refused:
				return err
			default:
				row.Detail = "a code that does not count: " + problem.DocumentOf(err).Detail
			}
		}
		if own = strings.TrimSpace(own); own == "" {
			return nil
		}
		n, err := tx.MailsSince(ctx, row.Route, c.Clock.Now().Add(-24*time.Hour))
		if err != nil || n > notedMails {
			return err
		}
		_, err = c.stepVerification(ctx, tx, p, v, verify.Note{By: by, Text: strings.ToValidUTF8(own[:min(len(own), verify.MaxText)], "")})
		return err
	case mail.Failed, mail.Delayed, mail.Delivered:
		rep, err := dsn.Read(&a.msg)
		if err != nil {
			ignore(row, "a delivery report that cannot be read: "+problem.DocumentOf(err).Detail)
			return nil
		}
		why, failed := bounced(rep)
		row.State, row.Detail = store.MailFiled, strings.TrimSpace(string(a.Kind)+": "+plainReply(why))
		if !failed {
			return nil
		}
		return c.returned(ctx, tx, p, v, row, rep.OriginalID, why)
	case mail.AutoReply, mail.Ticket, mail.Generated, mail.Receipt:
		ignore(row, "an automatic answer: it verifies nothing")
		return nil
	}
	ignore(row, "of kind "+string(a.Kind)+": not an answer")
	return nil
}

// returned is what follows when a code mail came back after a server had taken it:
// the address is in doubt, for all registrations of the organisation that name it
// (WAPS section 4).
func (c *Centre) returned(ctx context.Context, tx *store.Tx, p *prompts, v Verification, row *store.Mail, messageID, why string) error {
	var n store.Notice
	for _, w := range v.Codes {
		if w.Method != verify.ByMail {
			continue
		}
		x, err := tx.Notice(ctx, verifyNotice(v.ID, w.N))
		if problem.CodeOf(err) == problem.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		under := x.State == store.NoticeAccepted || x.State == store.NoticeInDoubt
		if x.MessageID != "" && x.MessageID == strings.Trim(messageID, "<>") {
			if n = x; !under {
				n = store.Notice{} // said before: a second report is about no other message
			}
			break
		}
		if under {
			n = x // the latest, where the report names none of ours
		}
	}
	if n.ID == "" {
		row.Detail += "; nothing is under way"
		return nil
	}
	was, err := tx.BounceNotice(ctx, n.ID, "bounced: "+plainReply(why), c.Clock.Now())
	if err != nil || !was {
		return err
	}
	i := slices.IndexFunc(v.Codes, func(w verify.Waiting) bool { return w.N == n.Number })
	rev, evidence := v.Codes[i].Revision, "mail:"+row.ID
	if v, err = c.stepVerification(ctx, tx, p, v, verify.Noticed{N: n.Number, Result: casework.Bounced, Response: why}); err != nil {
		return err
	}
	doubt := verify.Doubt{By: casework.Centre, Cause: verify.Bounce, Claim: verify.Email, Revision: rev, Evidence: evidence}
	if v.State != verify.Terminated {
		if _, err := c.stepVerification(ctx, tx, p, v, doubt); err != nil {
			return err
		}
	}
	rows, err := tx.SameContact(ctx, v.Org, verify.Email, rev, sameContacts)
	if err != nil {
		return err
	}
	for _, r := range rows {
		o, err := unpackVerification(r)
		if err != nil {
			return err
		}
		if o.ID == v.ID || !o.State.Done() {
			continue
		}
		if _, err := c.stepVerification(ctx, tx, p, o, doubt); err != nil {
			return err
		}
	}
	return nil
}

// plainReply is the numbers at the beginning of a server's reply (RFC 5321 section
// 4.2, RFC 3463): the rest may name the address.
func plainReply(s string) string {
	var out []string
	for i, f := range strings.Fields(s[:min(len(s), 64)]) {
		f, _, _ = strings.Cut(f, "-")
		if i > 1 || f == "" || len(f) > 11 || strings.Trim(f, "0123456789.") != "" {
			break
		}
		out = append(out, f)
	}
	return strings.Join(out, " ")
}
