package centre

import (
	"cmp"
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
	// The most verifications opened in 24 hours: of the centre's own registrations,
	// and of those of each organisation.
	PerDay, PerMemberPerDay int
	// CodesPerDay is the most code mails in 24 hours about the registrations of one
	// organisation, the centre's own being one; PerAddressPerDay the most to one
	// address, and about one registration.
	CodesPerDay, PerAddressPerDay int
}

// perDay is how many verifications an organisation may open in 24 hours.
func (s VerificationSettings) perDay(org string) int {
	if org == "" {
		return s.PerDay
	}
	return s.PerMemberPerDay
}

// JobVerify is the kind of job that works on verifications, by id, JobVerifyOrder
// the one that gives orders to the registrar's system, and JobVerifyDoubt the one
// that follows doubts to all names of an address.
const (
	JobVerify      = "verify"
	JobVerifyOrder = "verify-order"
	JobVerifyDoubt = "verify-doubt"
)

// The route, the kind of notice and the limits of verifications.
const (
	routeVerify = "verify:" // and the verification
	kindVerify  = "verification"
	// sameContacts is how many verifications of one contact are looked at, and put
	// in doubt, together.
	sameContacts = 200
	// notedMails is how many mails a day are put on the log of one verification;
	// more are kept, and change nothing.
	notedMails = 5
	// changesPerDay is how often a day the contact of one registration may change:
	// each change writes to somebody else, and no holder needs more.
	changesPerDay = 10
)

var verifications = keeping[Verification, verify.Command]{
	what: "verification", kind: kindVerify, notices: "verify", route: routeVerify,
	at: func(v Verification) where { return where{v.ID, v.Seq, v.Last} },
	decide: func(v Verification, cmd verify.Command, now time.Time) ([]verify.Event, error) {
		return verify.Decide(v.Holder, cmd, now)
	},
	seal: func(v Verification, id string, ev verify.Event, now time.Time, salt [32]byte) (casework.Entry, error) {
		return verify.Seal(v.Holder, id, ev, now, salt)
	},
	apply: func(v Verification, e casework.Entry) (_ Verification, err error) {
		v.Holder, err = verify.Apply(v.Holder, e)
		return v, err
	},
	load:   loading((*store.Tx).Verification, unpackVerification),
	events: (*store.Tx).VerificationEvents, append: (*store.Tx).AppendVerificationEvents,
}

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

	data    string    // blob with the values
	due     time.Time // as it was read: perhaps because of what became known elsewhere
	prompts int       // how often that made it due, as it was read
	looked  bool      // what became known elsewhere was looked at since
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
//
// A draft that says why it begins, and under another reference or registrar, is of
// another registration of the name: the one before is gone, and nobody inherits its
// clock or its hold. Without a Trigger it is a change.
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
	begins := d.Trigger != ""
	if !begins {
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
			var pr prompts
			if begins {
				if has, err = c.replaced(ctx, tx, &pr, row, has, v, contact, d.Role, by); err != nil {
					return err
				}
			}
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
					if err := tx.KeepContact(ctx, was.ID, was.data, was.Seq); err != nil {
						return err
					}
					if out, err = c.advance(ctx, tx, &pr, was, &failures); err != nil {
						return err
					}
					return pr.enqueue(ctx, tx)
				}
				n, err := tx.CountContactChanges(ctx, was.ID, now.Add(-24*time.Hour))
				if err != nil {
					return err
				}
				if n >= changesPerDay {
					return problem.New(problem.RateLimited, "the contact was changed %d times in 24 hours, the most there may be", n)
				}
				v.Holder, v.data, v.InDoubt, v.due, v.prompts = was.Holder, was.data, was.InDoubt, was.due, was.prompts
				v.Registrar, v.Ref = cmp.Or(v.Registrar, was.Registrar), cmp.Or(v.Ref, was.Ref)
				first = verify.Change{By: by, Contact: contact, Profile: p}
			} else {
				n, err := tx.CountVerifications(ctx, d.Org, now.Add(-24*time.Hour))
				if err != nil {
					return err
				}
				if n >= c.set.Verify.perDay(d.Org) {
					return problem.New(problem.RateLimited, "%d verifications were opened in 24 hours, the most there may be", n)
				}
				v.ID = c.NewID()
			}
			if v.data, err = c.putValues(ctx, tx, v.ID, values); err != nil {
				return err
			}
			v.Kept = true
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

// replaced ends what is under way about a name whose registration is another now:
// next says so by its reference, or else by its registrar. It says whether there is
// still one of the role to go on with. What was verified of the very same contact,
// and is not in doubt, stands for the new registration, too.
func (c *Centre) replaced(ctx context.Context, tx *store.Tx, p *prompts, row store.Verification, has bool, next Verification, contact verify.Contact, role verify.Role, by string) (bool, error) {
	another := func(v Verification) bool {
		return next.Ref != "" && next.Ref != v.Ref || next.Registrar != "" && next.Registrar != v.Registrar
	}
	if !has {
		return false, nil
	}
	was, err := unpackVerification(row)
	if err != nil || !another(was) || was.State.Done() && !was.InDoubt && maps.Equal(was.Contact, contact) {
		return true, err
	}
	gone := []Verification{was}
	for _, r := range []verify.Role{verify.Registrant, verify.AccountHolder} {
		other, has, err := tx.VerificationOf(ctx, row.Org, row.Name, string(r))
		if err != nil {
			return true, err
		}
		if !has || r == role {
			continue
		}
		o, err := unpackVerification(other)
		if err != nil {
			return true, err
		}
		if another(o) {
			gone = append(gone, o)
		}
	}
	for _, v := range gone {
		if _, err := c.stepVerification(ctx, tx, p, v, verify.Leave{By: by, How: verify.Replaced}); err != nil {
			return true, err
		}
	}
	return false, nil
}

// LeaveVerification records that a registration is gone, as whoever keeps the
// registrations says: nothing more is asked, reminded or held under it. One that has
// ended already stays as it is.
func (c *Centre) LeaveVerification(ctx context.Context, id string, seq int, by string, how verify.Departure) (Verification, error) {
	return c.changeVerification(ctx, id, seq, func(_ context.Context, _ *store.Tx, v Verification) ([]verify.Command, error) {
		if v.State == verify.Terminated {
			return nil, nil
		}
		return []verify.Command{verify.Leave{By: by, How: how}}, nil
	})
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
	return readValues(ctx, c.Store, v)
}

// readValues is values by a store, or within a transaction.
func readValues(ctx context.Context, from interface {
	Blob(ctx context.Context, sha string) ([]byte, string, error)
}, v Verification) (contactValues, error) {
	var out contactValues
	if v.data == "" {
		return out, problem.New(problem.NotFound, "the contact of verification %s is not kept any more: give it again", v.ID)
	}
	b, _, err := from.Blob(ctx, v.data)
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
	v.looked = true
	if unchecked(v.Holder) || failures != nil && !v.Valid && !v.State.Done() {
		if failures == nil {
			values, err := readValues(ctx, tx, v)
			if problem.CodeOf(err) == problem.NotFound {
				// Its times run; the registrar, or a person, gives it again.
				v.Kept = false
				return c.stepVerification(ctx, tx, p, v, verify.Tick{})
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
			if err != nil && !declined(err) {
				return v, err
			}
			if err == nil {
				v = next
			}
		}
	}
	return c.stepVerification(ctx, tx, p, v, verify.Tick{})
}

// earlier are the verifications of others of the same organisation with the same
// contact. Where one of those is in doubt, what was verified before that does not
// count: the same address came back there. What was verified after it does, or one
// answer would never again be enough for all names of a holder.
func (c *Centre) earlier(ctx context.Context, tx *store.Tx, v Verification) ([]verify.Earlier, error) {
	var out []verify.Earlier
	for _, claim := range []verify.Claim{verify.Email, verify.Phone} {
		rows, err := tx.VerifiedSame(ctx, v.Org, claim, v.Contact[claim], sameContacts)
		if err != nil {
			return nil, err
		}
		doubted, err := tx.DoubtedSame(ctx, v.Org, claim, v.Contact[claim], v.ID)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			o, err := unpackVerification(row)
			if err != nil {
				return nil, err
			}
			if r, has := o.Verified[claim]; has && o.ID != v.ID {
				out = append(out, verify.Earlier{Record: r, Doubted: !doubted.IsZero() && !r.PerformedAt.After(doubted)})
			}
		}
	}
	return out, nil
}

// against is when something last spoke against a holder's contact; zero while
// nothing does.
func against(h verify.Holder) time.Time {
	if h.State == verify.Terminated {
		return time.Time{}
	}
	at := h.Disowned
	if h.State.Done() {
		return at
	}
	times := []time.Time{at}
	if h.Failed > 0 {
		times = append(times, h.FailedAt)
	}
	if h.Trigger == verify.DoubtedData {
		times = append(times, h.Began)
	}
	if h.State != verify.OnHold {
		times = append(times, h.Since)
	}
	return slices.MaxFunc(times, time.Time.Compare)
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
// writes the events, the projection, the notices and orders that they cause in tx.
// One without events is opened by an Open command.
func (c *Centre) stepVerification(ctx context.Context, tx *store.Tx, p *prompts, v Verification, cmds ...verify.Command) (Verification, error) {
	s, err := verifications.take(c, v, cmds...)
	if v = s.after; err != nil {
		return v, err
	}
	v.InDoubt = !against(v.Holder).IsZero()
	due := v.NextDue()
	if v.Kept && unchecked(v.Holder) {
		due = s.now
	}
	// It may be due because of what became known elsewhere. A step that is about
	// something else leaves that to be looked at.
	if !v.looked && v.State != verify.Terminated && !v.due.IsZero() && (due.IsZero() || v.due.Before(due)) {
		due = v.due
	}
	if len(s.entries) == 0 {
		if v.Seq == 0 {
			return v, nil
		}
		return v, tx.SettleVerification(ctx, v.ID, due, v.Seq, v.prompts)
	}
	body, err := json.Marshal(v.Holder)
	if err != nil {
		return v, err
	}
	row := store.Verification{ID: v.ID, Name: v.Name, Role: string(v.Role), Org: v.Org, Registrar: v.Registrar, Ref: v.Ref, Profile: v.Terms.Profile.ID, State: string(v.State), Doubted: against(v.Holder), Prompts: v.prompts,
		Email: string(v.Contact[verify.Email]), Phone: string(v.Contact[verify.Phone]), Opened: v.Opened, Rest: resting(v.Holder), Due: due, Seq: v.Seq, Head: v.Head, Data: v.data, Body: body}
	var notices []store.Notice
	for _, ev := range s.events {
		// A code by telephone is fetched by the operator's own sender (TakeCode). The
		// address is not in the delivery log: its keyed digest is, so that the caps
		// hold for all names together.
		if b, ok := ev.Body.(verify.Issued); ok && b.Method == verify.ByMail {
			notices = append(notices, verifications.notice(s, b.N, holderParty(b.Revision), ""))
		}
	}
	if err := verifications.write(ctx, tx, p, s, func(was int) error { return tx.PutVerification(ctx, row, was) }, notices...); err != nil {
		return v, err
	}
	if err := c.follow(ctx, tx, p, v, s.events, s.now); err != nil {
		return v, err
	}
	if !due.IsZero() && !due.After(s.now) {
		p.verifications = append(p.verifications, v.ID)
	}
	return v, nil
}

// follow writes what events cause elsewhere.
func (c *Centre) follow(ctx context.Context, tx *store.Tx, p *prompts, v Verification, evs []verify.Event, now time.Time) error {
	for _, ev := range evs {
		var err error
		switch b := ev.Body.(type) {
		case verify.Returned:
			err = c.tellSame(ctx, tx, v, b.Record.Claims, now)
		case verify.Attested:
			if b.Record.Result == verify.Pass {
				err = c.tellSame(ctx, tx, v, b.Record.Claims, now)
			}
		case verify.Held:
			err = c.orderHold(ctx, tx, p, v, b, now)
		case verify.Released:
			err = c.orderRelease(ctx, tx, p, v, now)
		case verify.Ending:
			err = c.orderTermination(ctx, tx, p, v, b, now)
		case verify.Gone:
			err = c.orderGone(ctx, tx, p, v, b, now)
		case verify.Opening:
			err = c.orderAnew(ctx, tx, v)
		}
		if err != nil {
			return err
		}
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

// holderParty stands for an address in the delivery log.
func holderParty(r verify.Revision) string { return "holder:" + string(r)[:min(len(r), 32)] }

// ---- reading

func unpackVerification(row store.Verification) (Verification, error) {
	v := Verification{Org: row.Org, Registrar: row.Registrar, Ref: row.Ref, InDoubt: !row.Doubted.IsZero(), Kept: row.Data != "", data: row.Data, due: row.Due, prompts: row.Prompts}
	if err := json.Unmarshal(row.Body, &v.Holder); err != nil {
		return v, problem.Wrap(err, problem.Corrupt, "the projection of verification %s does not parse", row.ID)
	}
	return v, nil
}

// Verification reads one verification.
func (c *Centre) Verification(ctx context.Context, id string) (Verification, error) {
	return verifications.one(ctx, c, id)
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
	return verifications.log(ctx, c, id)
}

// VerificationWords are what people wrote, as far as it is kept: personal. Who
// shows them logs it.
func VerificationWords(es []casework.Entry) ([]Word, error) {
	return words(es, verifications.what, verify.KindWords)
}

// ExportVerification writes a verification's chain with a signed head, as Export
// does a case's. Personal payloads are withheld unless personal is true. No export
// holds a contact's values or a code.
func (c *Centre) ExportVerification(ctx context.Context, w io.Writer, id string, personal bool) error {
	return verifications.export(ctx, c, w, id, personal)
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
	return c.logLook(ctx, actor, access.Work, access.VerifiedContact, id, reason)
}

// ---- acting

// ActVerification gives commands to a verification for somebody who saw it up to
// the event numbered seq; 0 sets no such condition. What follows at once, follows.
func (c *Centre) ActVerification(ctx context.Context, id string, seq int, cmds ...verify.Command) (Verification, error) {
	return c.changeVerification(ctx, id, seq, given[Verification](cmds))
}

func (c *Centre) changeVerification(ctx context.Context, id string, seq int, make func(context.Context, *store.Tx, Verification) ([]verify.Command, error)) (Verification, error) {
	return verifications.change(ctx, c, id, seq, make, func(ctx context.Context, tx *store.Tx, p *prompts, v Verification, cmds []verify.Command) (Verification, error) {
		v, err := c.stepVerification(ctx, tx, p, v, cmds...)
		if err != nil {
			return v, err
		}
		return c.advance(ctx, tx, p, v, nil)
	})
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
		return []verify.Command{verify.Issue{By: by, Method: m}}, nil
	})
}

// WaitingCodes lists the codes that wait for the operator's own sender: those by
// telephone, which are made when they are fetched.
func (c *Centre) WaitingCodes(ctx context.Context, id string) ([]verify.Waiting, error) {
	v, err := c.Verification(ctx, id)
	return v.Unsent(c.Clock.Now()), err
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
	code, err := verify.NewCode(rand.Reader)
	if err != nil {
		return TakenCode{}, err
	}
	if actor == access.Console {
		actor = "person:console"
	}
	_, err = c.changeVerification(ctx, id, 0, func(_ context.Context, _ *store.Tx, now Verification) ([]verify.Command, error) {
		if now.data != v.data || !slices.ContainsFunc(now.Unsent(c.Clock.Now()), func(w verify.Waiting) bool { return w.N == number }) {
			return nil, problem.New(problem.NotFound, "no such code waits: it was read, is over, or is not needed any more")
		}
		return []verify.Command{verify.Make{By: actor, N: number, Code: code}}, nil
	})
	if err != nil {
		return TakenCode{}, err
	}
	return TakenCode{number, values.Phone, code.Text()}, nil
}

// SentCode records what became of a code by telephone: the operator's sender says
// that it went out, or could not.
func (c *Centre) SentCode(ctx context.Context, id string, number int, out bool) (Verification, error) {
	return c.changeVerification(ctx, id, 0, func(_ context.Context, _ *store.Tx, v Verification) ([]verify.Command, error) {
		if !slices.ContainsFunc(v.Codes, func(w verify.Waiting) bool { return w.N == number && w.Method != verify.ByMail && w.Selector != "" }) {
			return nil, problem.New(problem.NotFound, "there is no such code by telephone, or nobody has fetched it")
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
// verification and the address that the mail goes to, and is no code: opening the
// link confirms nothing.
func (c *Centre) VerificationToken(v Verification) string {
	ref := email.VerifyRef
	if a := v.Contact[verify.Email]; a != "" {
		ref += "." + linkAddress(a)
	}
	return email.AnswerToken(c.ReplyKey, v.ID, ref)
}

// linkAddress is as much of an address's revision as a link needs.
func linkAddress(r verify.Revision) string { return string(r)[:min(len(r), 32)] }

// VerificationAnswerable finds the verification that a link is about. Current says
// that the link went to the address that the contact names now: whoever has one that
// went elsewhere speaks for that address only.
func (c *Centre) VerificationAnswerable(ctx context.Context, token string) (v Verification, current bool, err error) {
	id, ref, ok := email.ParseAnswerToken(c.ReplyKey, token)
	kind, _, _ := strings.Cut(ref, ".")
	if !ok || kind != email.VerifyRef {
		return v, false, problem.New(problem.NotFound, "this link is not one of ours")
	}
	if v, err = c.Verification(ctx, id); err != nil {
		return v, false, err
	}
	return v, c.VerificationToken(v) == token, nil
}

// linked is the address that a link went to, as far as the verification remembers
// it; "" if it does not.
func linked(v Verification, ref string) verify.Revision {
	_, part, _ := strings.Cut(ref, ".")
	known := []verify.Revision{v.Contact[verify.Email]}
	for _, w := range v.Codes {
		if w.Claim == verify.Email {
			known = append(known, w.Revision)
		}
	}
	for _, r := range known {
		if r != "" && linkAddress(r) == part {
			return r
		}
	}
	return ""
}

// AnswerVerification returns a code by the link. What was pasted around the code
// does not matter. A wrong one counts, and is Refused.
func (c *Centre) AnswerVerification(ctx context.Context, token, code string) (Verification, error) {
	v, _, err := c.VerificationAnswerable(ctx, token)
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
	v, current, err := c.VerificationAnswerable(ctx, token)
	if err != nil {
		return v, err
	}
	if !current {
		return v, errEarlierLink
	}
	return c.SendCode(ctx, v.ID, 0, "holder:"+v.ID, verify.ByMail)
}

// errEarlierLink is for who wants something sent by a link that went to another
// address than it would be sent to.
var errEarlierLink = problem.New(problem.Conflict, "this link is from a message to an address that the registration does not name any more")

// NotMine takes the word of whoever reads mail at the address that a link went to
// that they know nothing of the name: no more codes go there, whatever the name, and
// a person looks into it. The times run on: what is not confirmed is not confirmed.
// Of another address than theirs nobody can say so.
func (c *Centre) NotMine(ctx context.Context, token string) (Verification, error) {
	v, _, err := c.VerificationAnswerable(ctx, token)
	if err != nil {
		return v, err
	}
	_, ref, _ := email.ParseAnswerToken(c.ReplyKey, token)
	return c.changeVerification(ctx, v.ID, 0, func(ctx context.Context, tx *store.Tx, v Verification) ([]verify.Command, error) {
		rev := linked(v, ref)
		if rev == "" {
			return nil, errEarlierLink
		}
		at, err := tx.Refused(ctx, rev)
		if err == nil && at.IsZero() {
			err = tx.Refuse(ctx, rev, v.ID, c.Clock.Now())
		}
		if err != nil || v.State == verify.Terminated {
			return nil, err
		}
		return []verify.Command{verify.Disown{By: "holder:" + v.ID, Revision: rev}}, nil
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
		if !was && v.Disowned.IsZero() {
			return nil, problem.New(problem.Conflict, "codes go to this address already")
		}
		return []verify.Command{verify.Allow{By: by, Text: why}}, nil
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
	return c.eachOf(ctx, ids, "verification", "a verification could not be worked", func(id string) error {
		return retry(func() error {
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
	})
}

// ---- the message

// prepareVerification is prepare for a message with a code.
func (c *Centre) prepareVerification(ctx context.Context, tx *store.Tx, n store.Notice, now time.Time) (func() (email.Message, error), error) {
	id := strings.TrimPrefix(n.Obligation, routeVerify)
	v, err := verifications.load(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(v.Codes, func(w verify.Waiting) bool { return w.N == n.Number })
	if v.State.Done() || v.State == verify.Terminated || i < 0 {
		return nil, unwanted(ctx, tx, n, now, "the verification is "+string(v.State))
	}
	w := v.Codes[i]
	if !v.Sends(w, now) {
		return nil, unwanted(ctx, tx, n, now, "the code is not good any more")
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
	about, org, err := tx.CountCodes(ctx, id, now.Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	held := ""
	switch set := c.set.Verify; {
	case sent >= set.PerAddressPerDay:
		held = fmt.Sprintf("held: %d codes went to this address in 24 hours", sent)
	case about >= set.PerAddressPerDay: // whose addresses change writes to strangers
		held = fmt.Sprintf("held: %d codes about this registration went out in 24 hours", about)
	case org >= set.CodesPerDay:
		held = fmt.Sprintf("held: %d codes about registrations of the same organisation went out in 24 hours", org)
	}
	if held != "" {
		n.Due, n.Response = now.Add(time.Hour), held
		return nil, tx.FinishNotice(ctx, n)
	}
	registrar, err := namedRegistrar(ctx, tx, v)
	if err != nil {
		return nil, err
	}
	values, err := readValues(ctx, tx, v)
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
	m := email.Verification{ID: id, NoticeID: n.ID, To: values.Email, Domain: d, URL: c.set.BaseURL + "/verify/" + c.VerificationToken(v), Number: v.mailed(n.Number),
		Until: w.Expires, Hold: v.Holds(), OnHold: v.State == verify.OnHold, Registrar: registrar, CentreName: c.set.Name, CentreContact: c.set.Contact, Date: now}
	if v.Due.After(now) {
		m.Due = v.Due
	}
	for k := range n.Number - 1 {
		m.PreviousMessageIDs = append(m.PreviousMessageIDs, verifications.accepted(ctx, tx, id, k+1)...)
	}
	from := cmp.Or(c.set.Verify.From, c.set.From)
	return func() (email.Message, error) {
		// The code is made now. Its digest is committed with the intent to send it,
		// before the first octet of the message: nothing that could verify waits
		// anywhere, and what was sent can be returned whatever happens next.
		code, err := verify.NewCode(rand.Reader)
		if err != nil {
			return email.Message{}, err
		}
		var p prompts
		if _, err = c.stepVerification(ctx, tx, &p, v, verify.Make{By: casework.Centre, N: n.Number, Code: code}); err == nil {
			err = p.enqueue(ctx, tx)
		}
		if err != nil {
			return email.Message{}, errors.Join(errNotWritten, err)
		}
		m.Code = code.Text()
		return email.ComposeVerification(m, c.composing(n.ID, from, email.ReplyAddress(c.ReplyKey, c.set.ReplyDomain, id, email.VerifyRef)))
	}, nil
}

// namedRegistrar is what strangers are told of whose the registration is. A member's own
// words are not ours to send or to show: what the operator calls the member is.
func namedRegistrar(ctx context.Context, tx *store.Tx, v Verification) (string, error) {
	if v.Org == "" {
		return v.Registrar, nil
	}
	return tx.OrgName(ctx, v.Org)
}

// RegistrarOf is what the holder of a link is told of whose the registration is.
func (c *Centre) RegistrarOf(ctx context.Context, v Verification) (string, error) {
	return view(ctx, c, func(tx *store.Tx) (string, error) { return namedRegistrar(ctx, tx, v) })
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

// toldVerification puts what became of a code's message on its verification.
func (c *Centre) toldVerification(ctx context.Context, tx *store.Tx, n store.Notice, result casework.Result, response string) error {
	v, err := verifications.load(ctx, tx, strings.TrimPrefix(n.Obligation, routeVerify))
	if err != nil {
		return err
	}
	var p prompts
	if err := c.undelivered(ctx, tx, &p, v, verify.Noticed{N: n.Number, Result: result, Response: response, Full: fullReply(response)}, "", "notice:"+n.ID); err != nil {
		return err
	}
	return p.enqueue(ctx, tx)
}

// mailVerification reads what came to the address of a verification: a code, a
// person's words, a message come back. No machine's answer verifies anything, and
// neither does what is quoted of our own message.
func (c *Centre) mailVerification(ctx context.Context, tx *store.Tx, p *prompts, a arrived, row *store.Mail) error {
	v, err := verifications.load(ctx, tx, strings.TrimPrefix(row.Route, routeVerify))
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
		if ours, err := c.ours(ctx, tx, a, row); err != nil || ours {
			return err
		}
		row.State = store.MailFiled
		own := reply.Own(&a.msg)
		row.Detail = "a person wrote, and there is no code in it: read it"
		for _, code := range verify.FindCodes(a.msg.Subject() + "\n" + own) {
			next, err := c.stepVerification(ctx, tx, p, v, verify.Answer{By: by, Code: code})
			switch {
			case err == nil && c.wrong(ctx, next, code) != nil:
				v, row.Detail = next, "a code that is not the one that was sent"
				continue
			case err == nil:
				row.Detail = "the code came back"
				_, err = c.advance(ctx, tx, p, next, nil)
				return err
			case !declined(err):
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
		rep, ok := deliveryReport(a, row)
		if !ok {
			return nil
		}
		why, failed := bounced(rep)
		row.State, row.Detail = store.MailFiled, strings.TrimSpace(string(a.Kind)+": "+plainReply(why))
		full := !failed && slices.ContainsFunc(rep.Recipients, func(r dsn.Recipient) bool { return r.Action == dsn.Failed && r.Class == dsn.MailboxFull })
		if !failed && !full {
			return nil
		}
		return c.returned(ctx, tx, p, v, row, rep.OriginalID, why, full)
	case mail.AutoReply, mail.Ticket, mail.Generated, mail.Receipt:
		ignore(row, "an automatic answer: it verifies nothing")
		return nil
	}
	ignore(row, "of kind "+string(a.Kind)+": not an answer")
	return nil
}

// returned is what follows when a code mail came back after a server had taken it.
func (c *Centre) returned(ctx context.Context, tx *store.Tx, p *prompts, v Verification, row *store.Mail, messageID, why string, full bool) error {
	sent, err := verifications.sentOf(ctx, tx, v.ID, nil)
	if err != nil {
		return err
	}
	n, ok, err := c.takeBack(ctx, tx, row, sent, messageID, plainReply(why))
	if err != nil || !ok {
		return err
	}
	return c.undelivered(ctx, tx, p, v, verify.Noticed{N: n.Number, Result: casework.Bounced, Response: why, Full: full}, verify.Bounce, "mail:"+row.ID)
}

// undelivered records what became of a code's message, and puts the address in
// doubt where that shows it: by cause, or because the mailbox stays full ("" is no
// other). It is then in doubt for all registrations of the organisation that name
// it (WAPS section 4).
func (c *Centre) undelivered(ctx context.Context, tx *store.Tx, p *prompts, v Verification, told verify.Noticed, cause verify.Cause, evidence string) error {
	i := slices.IndexFunc(v.Codes, func(w verify.Waiting) bool { return w.N == told.N })
	v, err := c.stepVerification(ctx, tx, p, v, told)
	if told.Full {
		if cause = ""; v.StaysFull() {
			cause = verify.Full
		}
	}
	if err != nil || cause == "" || i < 0 {
		return err
	}
	d := store.Doubt{ID: c.NewID(), Org: v.Org, Revision: v.Codes[i].Revision, Cause: cause, Evidence: evidence, At: c.Clock.Now()}
	if v.State != verify.Terminated {
		if _, err := c.stepVerification(ctx, tx, p, v, doubtOf(d)); err != nil {
			return err
		}
	}
	// The first page at once; a job takes those that come after it.
	if d.Done, err = c.doubtPage(ctx, tx, p, d); err != nil || d.Done == "" {
		return err
	}
	p.doubts = append(p.doubts, d.ID)
	return tx.AddDoubt(ctx, d)
}

func doubtOf(d store.Doubt) verify.Doubt {
	return verify.Doubt{By: casework.Centre, Cause: d.Cause, Claim: verify.Email, Revision: d.Revision, Evidence: d.Evidence}
}

// doubtPage puts the next page of what was verified of an address in doubt, and
// says up to where that was; "" where nothing is left. What was verified after the
// doubt arose stands.
func (c *Centre) doubtPage(ctx context.Context, tx *store.Tx, p *prompts, d store.Doubt) (upTo string, err error) {
	rows, err := tx.VerifiedAfter(ctx, d.Org, verify.Email, d.Revision, d.Done, sameContacts)
	if err != nil {
		return "", err
	}
	for _, row := range rows {
		o, err := unpackVerification(row)
		if err != nil {
			return "", err
		}
		if o.Settled.After(d.At) {
			continue
		}
		if _, err := c.stepVerification(ctx, tx, p, o, doubtOf(d)); err != nil {
			return "", err
		}
	}
	if len(rows) == sameContacts {
		upTo = rows[len(rows)-1].ID
	}
	return upTo, nil
}

// FollowDoubts does the pages that are left of doubts, each in a transaction of its
// own: after a stop it goes on where it was.
func (c *Centre) FollowDoubts(ctx context.Context, ids []string) error {
	return c.eachOf(ctx, ids, "doubt", "a doubt could not be followed", func(id string) error {
		for more := true; more && ctx.Err() == nil; {
			if err := retry(func() error {
				return c.Store.Update(ctx, func(tx *store.Tx) error {
					d, ok, err := tx.Doubt(ctx, id)
					if more = ok; err != nil || !ok {
						return err
					}
					var p prompts
					upTo, err := c.doubtPage(ctx, tx, &p, d)
					if err != nil {
						return err
					}
					if err := tx.DoneDoubt(ctx, d, upTo); problem.CodeOf(err) == problem.Conflict {
						return problem.Wrap(errRace, problem.Conflict, "somebody else followed doubt %s first", id)
					} else if err != nil {
						return err
					}
					return p.enqueue(ctx, tx)
				})
			}); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// fullReply says whether a server's reply says that the mailbox is full: X.2.2 (RFC
// 3463), or 552 alone (RFC 5321 section 4.2.3: exceeded storage allocation).
func fullReply(s string) bool {
	_, enhanced, has := strings.Cut(plainReply(s), " ")
	if !has {
		return plainReply(s) == "552"
	}
	return enhanced == "5.2.2" || enhanced == "4.2.2"
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
