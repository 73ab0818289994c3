package access

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"bailiwick/clock"
	"bailiwick/problem"
)

// How long things live, on the centre's clock.
const (
	SessionIdle = 12 * time.Hour     // without use
	SessionLife = 7 * 24 * time.Hour // in all
	LinkLife    = 24 * time.Hour
	// SeenStep is how exactly the last use of a session or key is known: a
	// page that is read must not be a write each time.
	SeenStep = 5 * time.Minute
)

// errUnknown marks errors that say "who are you", as against "you may not".
var errUnknown = errors.New("not signed in")

// Unknown says whether an error means that nobody in particular asked, or that
// the session, key or link is none of ours (any more): to be answered with a
// way to sign in (HTTP 401), not with a refusal (403).
func Unknown(err error) bool { return errors.Is(err, errUnknown) }

func unknown(format string, args ...any) error {
	return problem.Wrap(errUnknown, problem.Refused, format, args...)
}

// Options say how a desk works. Clock and NewID are needed.
type Options struct {
	Clock clock.Clock
	NewID func() string // unique; at most 26 letters and digits
	// Params are the costs of new password hashes; zero is DefaultParams.
	Params Params
	// KeepLog is how long a line of the access log is kept: at least MinKeepLog;
	// zero is DefaultKeepLog, below zero without end.
	KeepLog time.Duration
}

// How long the access log is kept. The least is there so that who looked at what
// they should not cannot have the log of it expire at once.
const (
	DefaultKeepLog = 400 * 24 * time.Hour
	MinKeepLog     = 90 * 24 * time.Hour
)

// Desk knows people, sessions, keys and links. It is safe for concurrent use.
type Desk struct {
	db       Database
	clock    clock.Clock
	newID    func() string
	params   Params
	slots    slots
	throttle *throttle
	keepLog  time.Duration // 0: without end
}

// New makes a desk over a database.
func New(db Database, o Options) *Desk {
	if o.Params == (Params{}) {
		o.Params = DefaultParams()
	}
	switch {
	case o.KeepLog == 0:
		o.KeepLog = DefaultKeepLog
	case o.KeepLog < 0:
		o.KeepLog = 0
	default:
		o.KeepLog = max(o.KeepLog, MinKeepLog)
	}
	return &Desk{db: db, clock: o.Clock, newID: o.NewID, params: o.Params, slots: newSlots(), throttle: newThrottle(), keepLog: o.KeepLog}
}

// Check decides, and where the verdict says so writes the look into the access
// log before anything is shown: a look that cannot be logged is refused. The
// error is that of Verdict.Err, or the database's.
func (d *Desk) Check(ctx context.Context, p Person, purpose Purpose, o Object) (Verdict, error) {
	v := Decide(p, purpose, o)
	if err := v.Err(p); err != nil {
		return v, err
	}
	if !v.Log {
		return v, nil
	}
	err := d.db.UpdateAccess(ctx, func(r Rows) error {
		return r.AddEntry(ctx, Entry{At: d.clock.Now(), Actor: p.Actor(), Act: Looked, Purpose: purpose, Kind: o.Kind, Object: o.ID})
	})
	if err != nil {
		return Verdict{}, err
	}
	return v, nil
}

// Login checks a password and starts a session. remote is the address it comes
// from, for the throttle. A wrong name and a wrong password are the same error
// (Unknown) after the same time; too many tries are RateLimited.
func (d *Desk) Login(ctx context.Context, login, password, remote string) (token string, p Person, err error) {
	login, ok := cleanLogin(login)
	now := d.clock.Now()
	if err := d.throttle.try(login, remote, now); err != nil {
		return "", p, err
	}
	var a Account
	if ok && len(password) <= MaxPassword {
		err = d.db.ViewAccess(ctx, func(r Rows) (err error) {
			a, err = r.AccountByLogin(ctx, login)
			return err
		})
		if err != nil && problem.CodeOf(err) != problem.NotFound {
			return "", p, err
		}
	}
	right, stale := false, false
	var herr error
	if err := d.slots.do(ctx, func() {
		if a.Password == "" {
			d.params.hash("who this is must not show in the time it takes")
			return
		}
		right, stale, herr = d.params.matches(a.Password, password)
	}); err != nil {
		return "", p, err
	}
	if herr != nil {
		return "", p, herr
	}
	if !right || !a.Disabled.IsZero() {
		return "", p, unknown("the name or the password is not right")
	}
	fresh := ""
	if stale {
		if err := d.slots.do(ctx, func() { fresh = d.params.hash(password) }); err != nil {
			fresh = "" // at another time
		}
	}
	was := a.Password
	err = d.db.UpdateAccess(ctx, func(r Rows) (err error) {
		// Read again: it may have been disabled, or the password changed, while
		// the old one was being checked.
		if a, err = r.Account(ctx, a.ID); err != nil {
			return err
		}
		if !a.Disabled.IsZero() || a.Password != was {
			return unknown("the name or the password is not right")
		}
		if fresh != "" {
			a.Password = fresh
			if err := r.PutAccount(ctx, a); err != nil {
				return err
			}
		}
		token, err = d.start(ctx, r, a.Person(), now)
		return err
	})
	if err != nil {
		return "", Person{}, err
	}
	d.throttle.succeeded(login, remote, now)
	return token, a.Person(), nil
}

// start adds a session.
func (d *Desk) start(ctx context.Context, r Rows, p Person, now time.Time) (string, error) {
	token, digest := newSecret(useSession, sessionSize)
	if err := r.AddSession(ctx, Session{Digest: digest, Person: p.ID, Created: now, Seen: now}); err != nil {
		return "", err
	}
	return token, r.AddEntry(ctx, Entry{At: now, Actor: p.Actor(), Act: SignedIn, Kind: User, Object: p.ID})
}

// Lookup tells whose session a token is, and what its forms carry. A session
// that is unknown, over, or of somebody disabled is an error that Unknown
// knows.
func (d *Desk) Lookup(ctx context.Context, token string) (p Person, csrf string, err error) {
	over := unknown("you are not signed in, or your session is over: sign in")
	digest, ok := parseSecret(useSession, token, sessionSize)
	if !ok {
		return p, "", over
	}
	var s Session
	var a Account
	err = d.db.ViewAccess(ctx, func(r Rows) (err error) {
		s, a, err = r.Session(ctx, digest)
		return err
	})
	now := d.clock.Now()
	switch {
	case problem.CodeOf(err) == problem.NotFound && err != nil:
		return p, "", over
	case err != nil:
		return p, "", err
	case !a.Disabled.IsZero(), now.Sub(s.Seen) >= SessionIdle, now.Sub(s.Created) >= SessionLife:
		return p, "", over
	}
	if now.Sub(s.Seen) >= SeenStep {
		if err := d.db.UpdateAccess(ctx, func(r Rows) error { return r.TouchSession(ctx, digest, now) }); err != nil {
			return p, "", err
		}
	}
	return a.Person(), CSRF(token), nil
}

// Logout ends a session. It is no error if there is none.
func (d *Desk) Logout(ctx context.Context, token string) error {
	digest, ok := parseSecret(useSession, token, sessionSize)
	if !ok {
		return nil
	}
	return d.db.UpdateAccess(ctx, func(r Rows) error {
		_, a, err := r.Session(ctx, digest)
		if err != nil {
			if problem.CodeOf(err) == problem.NotFound {
				return nil
			}
			return err
		}
		if err := r.DeleteSession(ctx, digest); err != nil {
			return err
		}
		return r.AddEntry(ctx, Entry{At: d.clock.Now(), Actor: a.Person().Actor(), Act: SignedOut, Kind: User, Object: a.ID})
	})
}

// Identify tells who sends an API key, with or without the "Bearer " before it.
// The roles are those that the key and its owner share, and "api" where the key
// has it: a key never outlives or outranks whom it acts for. A key that is not
// good is an error that Unknown knows.
func (d *Desk) Identify(ctx context.Context, key string) (Person, error) {
	bad := unknown("this key is not known, not good any more, or misspelt")
	if k, ok := Bearer(key); ok {
		key = k
	}
	digest, ok := parseKey(key)
	if !ok {
		return Person{}, bad
	}
	var k Key
	var a Account
	err := d.db.ViewAccess(ctx, func(r Rows) (err error) {
		k, a, err = r.KeyByDigest(ctx, digest)
		return err
	})
	now := d.clock.Now()
	switch {
	case err != nil && problem.CodeOf(err) == problem.NotFound:
		return Person{}, bad
	case err != nil:
		return Person{}, err
	case !k.Revoked.IsZero(), !k.Expires.IsZero() && !now.Before(k.Expires), !a.Disabled.IsZero():
		return Person{}, bad
	}
	if now.Sub(k.Used) >= SeenStep {
		if err := d.db.UpdateAccess(ctx, func(r Rows) error { return r.TouchKey(ctx, k.ID, now) }); err != nil {
			return Person{}, err
		}
	}
	p := a.Person()
	p.Key, p.KeyID, p.Roles = true, k.ID, shared(k.Roles, a.Roles)
	return p, nil
}

// shared are the roles of a key that count.
func shared(key, owner []Role) []Role {
	return slices.DeleteFunc(slices.Clone(key), func(r Role) bool { return r != API && !slices.Contains(owner, r) })
}

// Invitation tells whom a one-time link is for, without using it up.
func (d *Desk) Invitation(ctx context.Context, link string) (Person, error) {
	_, a, err := d.link(ctx, link)
	return a.Person(), err
}

func errLink() error {
	return problem.Wrap(errUnknown, problem.NotFound, "this link has been used, is over, or is none of ours: ask for a new one")
}

func (d *Desk) link(ctx context.Context, link string) (l Link, a Account, err error) {
	digest, ok := parseSecret(useLink, link, linkSize)
	if !ok {
		return l, a, errLink()
	}
	err = d.db.ViewAccess(ctx, func(r Rows) (err error) {
		l, a, err = r.Link(ctx, digest)
		return err
	})
	if err != nil && problem.CodeOf(err) == problem.NotFound ||
		err == nil && (!d.clock.Now().Before(l.Expires) || !a.Disabled.IsZero()) {
		return l, a, errLink()
	}
	return l, a, err
}

// Redeem uses up a one-time link: it sets the password of whom it is for, ends
// their sessions and other links, and signs them in.
func (d *Desk) Redeem(ctx context.Context, link, password string) (token string, p Person, err error) {
	l, a, err := d.link(ctx, link)
	if err != nil {
		return "", p, err
	}
	hash, err := d.newHash(ctx, a.Login, password)
	if err != nil {
		return "", p, err
	}
	err = d.db.UpdateAccess(ctx, func(r Rows) error {
		took, err := r.TakeLink(ctx, l.Digest)
		if err != nil {
			return err
		}
		if !took {
			return errLink()
		}
		if a, err = r.Account(ctx, a.ID); err != nil {
			return err
		}
		if !a.Disabled.IsZero() {
			return errLink()
		}
		if err := d.setHash(ctx, r, a.Person().Actor(), a, hash); err != nil {
			return err
		}
		token, err = d.start(ctx, r, a.Person(), d.clock.Now())
		return err
	})
	if err != nil {
		return "", p, err
	}
	return token, a.Person(), nil
}

// ChangePassword lets somebody change their own password, ends all their
// sessions and starts a new one. The old password is throttled as at sign-in.
func (d *Desk) ChangePassword(ctx context.Context, p Person, old, password, remote string) (token string, err error) {
	if p.Key {
		return "", problem.New(problem.Refused, "a key cannot change a password")
	}
	hash, err := d.newHash(ctx, p.Login, password)
	if err != nil {
		return "", err
	}
	token, who, err := d.Login(ctx, p.Login, old, remote)
	if err != nil || who.ID != p.ID {
		if Unknown(err) || err == nil {
			err = problem.BadField("old", "is not your password")
		}
		return "", err
	}
	err = d.db.UpdateAccess(ctx, func(r Rows) error {
		a, err := r.Account(ctx, p.ID)
		if err != nil {
			return err
		}
		if err := d.setHash(ctx, r, p.Actor(), a, hash); err != nil {
			return err
		}
		token, err = d.start(ctx, r, a.Person(), d.clock.Now())
		return err
	})
	return token, err
}

// newHash checks and hashes a new password.
func (d *Desk) newHash(ctx context.Context, login, password string) (hash string, err error) {
	if err := checkPassword(login, password); err != nil {
		return "", err
	}
	err = d.slots.do(ctx, func() { hash = d.params.hash(password) })
	return hash, err
}

// setHash writes a password and revokes what the old one opened.
func (d *Desk) setHash(ctx context.Context, r Rows, actor string, a Account, hash string) error {
	a.Password = hash
	if err := r.PutAccount(ctx, a); err != nil {
		return err
	}
	if err := errors.Join(r.DeleteSessions(ctx, a.ID), r.DeleteLinks(ctx, a.ID)); err != nil {
		return err
	}
	return d.changed(ctx, r, actor, a.ID, "password set")
}

// changed writes a line about a change of a person, a key or an organisation.
func (d *Desk) changed(ctx context.Context, r Rows, actor, object, what string) error {
	return r.AddEntry(ctx, Entry{At: d.clock.Now(), Actor: actor, Act: Changed, Purpose: Administer, Kind: User, Object: object, Detail: what})
}

// cleanLogin gives a login name in lower case, and whether it can be one.
func cleanLogin(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if len(s) == 0 || len(s) > 100 {
		return "", false
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._+@-", r)) {
			return "", false
		}
	}
	return s, true
}
