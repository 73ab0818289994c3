package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bailiwick/problem"
)

// The methods here keep people, organisations and keys. by is who does it, as
// Person.Actor gives it, or Console; the caller has asked Check before.

// Console is the actor of whoever has a shell on the centre's machine.
const Console = "console"

// FirstLogin is the login name of the account that the first administrator's
// link is for.
const FirstLogin = "admin"

// NewPerson is what an account begins with.
type NewPerson struct {
	Login string // letters, digits and . _ + @ -; kept in lower case
	Name  string // "" is the login name
	Org   string // id; "" for none
	Roles []Role
}

// FirstLink gives a one-time link for the first administrator while nobody can
// sign in as one; needed is false once somebody can. The account is made if it
// is not there.
func (d *Desk) FirstLink(ctx context.Context) (link string, needed bool, err error) {
	err = d.db.UpdateAccess(ctx, func(r Rows) error {
		link, needed = "", false
		if err := r.LockAccounts(ctx); err != nil {
			return err
		}
		all, err := r.Accounts(ctx)
		if err != nil || slices.ContainsFunc(all, Account.administers) {
			return err
		}
		needed = true
		waiting := slices.IndexFunc(all, func(a Account) bool { return a.Disabled.IsZero() && slices.Contains(a.Roles, Admin) })
		if waiting >= 0 {
			link, err = d.invite(ctx, r, Console, all[waiting].ID)
			return err
		}
		login := FirstLogin
		for slices.ContainsFunc(all, func(a Account) bool { return a.Login == login }) {
			login = FirstLogin + "-" + strings.ToLower(d.newID())
		}
		a, err := d.addPerson(ctx, r, Console, NewPerson{Login: login, Name: "First administrator", Roles: []Role{Admin, Analyst}})
		if err != nil {
			return err
		}
		link, err = d.invite(ctx, r, Console, a.ID)
		return err
	})
	return link, needed, err
}

// AddPerson adds an account without a password; Invite gives the link to set
// one. A login name that is taken is a Conflict.
func (d *Desk) AddPerson(ctx context.Context, by string, n NewPerson) (a Account, err error) {
	err = d.db.UpdateAccess(ctx, func(r Rows) (err error) {
		a, err = d.addPerson(ctx, r, by, n)
		return err
	})
	return a, err
}

func (d *Desk) addPerson(ctx context.Context, r Rows, by string, n NewPerson) (Account, error) {
	login, ok := cleanLogin(n.Login)
	if !ok {
		return Account{}, problem.BadField("login", "%.40q is no login name: letters, digits and . _ + @ -, at most 100", n.Login)
	}
	name, err := cleanName("name", n.Name)
	if err != nil {
		return Account{}, err
	}
	if name == "" {
		name = login
	}
	roles, err := ParseRoles(joinRoles(n.Roles, " "))
	if err != nil {
		return Account{}, err
	}
	if err := d.hasOrg(ctx, r, n.Org, roles); err != nil {
		return Account{}, err
	}
	a := Account{ID: d.newID(), Login: login, Name: name, Org: n.Org, Roles: roles, Created: d.clock.Now()}
	if err := r.AddAccount(ctx, a); err != nil {
		return Account{}, err
	}
	return a, d.changed(ctx, r, by, a.ID, "person added: "+joinRoles(roles, " "))
}

// hasOrg checks that an organisation is there, and that a member has one.
func (d *Desk) hasOrg(ctx context.Context, r Rows, org string, roles []Role) error {
	if org == "" {
		if slices.Contains(roles, Member) {
			return problem.BadField("org", "is missing: a member sees what belongs to an organisation")
		}
		return nil
	}
	all, err := r.Orgs(ctx)
	if err == nil && !slices.ContainsFunc(all, func(o Org) bool { return o.ID == org }) {
		err = problem.BadField("org", "there is no organisation %.40q", org)
	}
	return err
}

// cleanName checks a name that is shown.
func cleanName(field, s string) (string, error) {
	s = strings.TrimSpace(s)
	if len(s) > 200 || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", problem.BadField(field, "must be one line of at most 200 octets")
	}
	return s, nil
}

// People lists accounts by login name.
func (d *Desk) People(ctx context.Context) (all []Account, err error) {
	err = d.db.ViewAccess(ctx, func(r Rows) (err error) { all, err = r.Accounts(ctx); return err })
	return all, err
}

// PersonByLogin finds an account, whatever the case of the letters.
func (d *Desk) PersonByLogin(ctx context.Context, login string) (a Account, err error) {
	clean, ok := cleanLogin(login)
	if !ok {
		return a, problem.New(problem.NotFound, "there is nobody with the login name %.40q", login)
	}
	err = d.db.ViewAccess(ctx, func(r Rows) (err error) { a, err = r.AccountByLogin(ctx, clean); return err })
	return a, err
}

// Person finds an account by its id.
func (d *Desk) Person(ctx context.Context, id string) (a Account, err error) {
	err = d.db.ViewAccess(ctx, func(r Rows) (err error) { a, err = r.Account(ctx, id); return err })
	return a, err
}

// Invite makes a one-time link with which a person sets a password. Earlier
// links stay good until one is used.
func (d *Desk) Invite(ctx context.Context, by, id string) (link string, err error) {
	err = d.db.UpdateAccess(ctx, func(r Rows) (err error) {
		link, err = d.invite(ctx, r, by, id)
		return err
	})
	return link, err
}

func (d *Desk) invite(ctx context.Context, r Rows, by, id string) (string, error) {
	a, err := r.Account(ctx, id)
	if err != nil {
		return "", err
	}
	if !a.Disabled.IsZero() {
		return "", problem.New(problem.Conflict, "%s is disabled", a.Login)
	}
	link, digest := newSecret(useLink, linkSize)
	now := d.clock.Now()
	if err := r.AddLink(ctx, Link{Digest: digest, Person: id, Created: now, Expires: now.Add(LinkLife)}); err != nil {
		return "", err
	}
	return link, d.changed(ctx, r, by, id, "link made")
}

// SetPassword sets somebody's password and ends their sessions and links.
func (d *Desk) SetPassword(ctx context.Context, by, id, password string) error {
	a, err := d.Person(ctx, id)
	if err != nil {
		return err
	}
	hash, err := d.newHash(ctx, a.Login, password)
	if err != nil {
		return err
	}
	return d.db.UpdateAccess(ctx, func(r Rows) error {
		a, err := r.Account(ctx, id)
		if err != nil {
			return err
		}
		return d.setHash(ctx, r, by, a, hash)
	})
}

// SetDisabled bars somebody, at once: sessions and links end, keys stop; or lets
// them in again. The last administrator cannot be barred.
func (d *Desk) SetDisabled(ctx context.Context, by, id string, disabled bool) error {
	return d.change(ctx, by, id, map[bool]string{true: "disabled", false: "enabled"}[disabled], func(r Rows, a *Account) error {
		if !disabled {
			a.Disabled = time.Time{}
			return nil
		}
		if a.Disabled.IsZero() {
			a.Disabled = d.clock.Now()
		}
		if err := r.DeleteSessions(ctx, id); err != nil {
			return err
		}
		return r.DeleteLinks(ctx, id)
	})
}

// SetRoles gives somebody other roles. They hold from the next request on.
func (d *Desk) SetRoles(ctx context.Context, by, id string, roles []Role) error {
	roles, err := ParseRoles(joinRoles(roles, " "))
	if err != nil {
		return err
	}
	return d.change(ctx, by, id, "roles: "+joinRoles(roles, " "), func(r Rows, a *Account) error {
		a.Roles = roles
		return d.hasOrg(ctx, r, a.Org, roles)
	})
}

// SetOrg moves somebody to another organisation, "" for none.
func (d *Desk) SetOrg(ctx context.Context, by, id, org string) error {
	return d.change(ctx, by, id, "organisation: "+org, func(r Rows, a *Account) error {
		a.Org = org
		return d.hasOrg(ctx, r, org, a.Roles)
	})
}

// Delete deletes a person with sessions, keys and links. Logs keep the
// reference to them, which then names nobody.
func (d *Desk) Delete(ctx context.Context, by, id string) error {
	return d.db.UpdateAccess(ctx, func(r Rows) error {
		if err := r.LockAccounts(ctx); err != nil {
			return err
		}
		if err := stays(ctx, r, id); err != nil {
			return err
		}
		if err := r.DeleteAccount(ctx, id); err != nil {
			return err
		}
		return d.changed(ctx, r, by, id, "person deleted")
	})
}

// change reads, changes and writes an account.
func (d *Desk) change(ctx context.Context, by, id, what string, f func(Rows, *Account) error) error {
	return d.db.UpdateAccess(ctx, func(r Rows) error {
		if err := r.LockAccounts(ctx); err != nil {
			return err
		}
		a, err := r.Account(ctx, id)
		if err != nil {
			return err
		}
		was := a.administers()
		if err := f(r, &a); err != nil {
			return err
		}
		if was && !a.administers() {
			if err := stays(ctx, r, id); err != nil {
				return err
			}
		}
		if err := r.PutAccount(ctx, a); err != nil {
			return err
		}
		return d.changed(ctx, r, by, id, what)
	})
}

// stays refuses to let the last administrator go.
func stays(ctx context.Context, r Rows, id string) error {
	all, err := r.Accounts(ctx)
	if err != nil {
		return err
	}
	mine, others := false, false
	for _, a := range all {
		if a.administers() {
			mine, others = mine || a.ID == id, others || a.ID != id
		}
	}
	if mine && !others {
		return problem.New(problem.Conflict, "this is the only administrator: make another one first")
	}
	return nil
}

// AddOrg adds an organisation. A name that is taken is a Conflict.
func (d *Desk) AddOrg(ctx context.Context, by, name string) (o Org, err error) {
	name, err = cleanName("name", name)
	if err == nil && name == "" {
		err = problem.BadField("name", "is missing")
	}
	if err != nil {
		return o, err
	}
	err = d.db.UpdateAccess(ctx, func(r Rows) error {
		o = Org{ID: d.newID(), Name: name, Created: d.clock.Now()}
		if err := r.AddOrg(ctx, o); err != nil {
			return err
		}
		return d.changed(ctx, r, by, o.ID, "organisation added")
	})
	return o, err
}

// Orgs lists organisations by name.
func (d *Desk) Orgs(ctx context.Context) (all []Org, err error) {
	err = d.db.ViewAccess(ctx, func(r Rows) (err error) { all, err = r.Orgs(ctx); return err })
	return all, err
}

// NewKey makes an API key that acts for a person, with some of their roles or
// "api", until a time (zero: without end). The secret is given once and not
// kept.
func (d *Desk) NewKey(ctx context.Context, by, owner, name string, roles []Role, expires time.Time) (secret string, k Key, err error) {
	name, err = cleanName("name", name)
	if err == nil && name == "" {
		err = problem.BadField("name", "is missing: say what the key is for")
	}
	if err != nil {
		return "", k, err
	}
	if roles, err = ParseRoles(joinRoles(roles, " ")); err != nil {
		return "", k, err
	}
	now := d.clock.Now()
	if !expires.IsZero() && !expires.After(now) {
		return "", k, problem.BadField("expires", "is over already")
	}
	err = d.db.UpdateAccess(ctx, func(r Rows) error {
		a, err := r.Account(ctx, owner)
		if err != nil {
			return err
		}
		if got := shared(roles, a.Roles); len(got) != len(roles) {
			return problem.BadField("roles", "a key of %s may have some of: %s", a.Login, joinRoles(tidy(append(slices.Clone(a.Roles), API)), ", "))
		}
		if !a.Disabled.IsZero() {
			return problem.New(problem.Conflict, "%s is disabled", a.Login)
		}
		plain, digest := newSecret(useKey, keySize)
		secret = KeyPrefix + plain
		k = Key{ID: d.newID(), Digest: digest, Name: name, Owner: owner, Roles: roles, Created: now, Expires: expires}
		if err := r.AddKey(ctx, k); err != nil {
			return err
		}
		return d.changed(ctx, r, by, k.ID, "key made: "+joinRoles(roles, " "))
	})
	if err != nil {
		return "", Key{}, err
	}
	return secret, k, nil
}

// Keys lists the keys of a person, or with "" all.
func (d *Desk) Keys(ctx context.Context, owner string) (all []Key, err error) {
	err = d.db.ViewAccess(ctx, func(r Rows) (err error) { all, err = r.Keys(ctx, owner); return err })
	return all, err
}

// RevokeKey ends a key, for good. One that is revoked is a Conflict.
func (d *Desk) RevokeKey(ctx context.Context, by, id string) error {
	return d.db.UpdateAccess(ctx, func(r Rows) error {
		if err := r.RevokeKey(ctx, id, d.clock.Now()); err != nil {
			return err
		}
		return d.changed(ctx, r, by, id, "key revoked")
	})
}

// Entries reads the access log, the latest first.
func (d *Desk) Entries(ctx context.Context, f EntryFilter) (all []Entry, err error) {
	err = d.db.ViewAccess(ctx, func(r Rows) (err error) { all, err = r.Entries(ctx, f); return err })
	return all, err
}

// Sweep is the actor of what the centre does to the access log by itself.
const Sweep = "centre"

// expireBatch is how much of each kind one transaction deletes.
const expireBatch = 1000

// Expire deletes sessions and links whose time is over, lines of the access log
// that are older than KeepLog, and keys that have been revoked or over for as
// long: until then a line that names a key can be told whose it is. It works in
// small transactions. Each that deletes lines or keys says so in the log, so
// that nothing disappears from it without a trace.
func (d *Desk) Expire(ctx context.Context) (total Expired, err error) {
	now := d.clock.Now()
	e := Ends{Idle: now.Add(-SessionIdle), Oldest: now.Add(-SessionLife), Links: now}
	if d.keepLog > 0 {
		// By whole days, so that the log of today is not one of deletions.
		e.Log = now.Add(-d.keepLog).UTC().Truncate(24 * time.Hour)
		e.Keys = e.Log
	}
	for {
		var n Expired
		err := d.db.UpdateAccess(ctx, func(r Rows) (err error) {
			if n, err = r.Expire(ctx, e, expireBatch); err != nil || n.Entries+n.Keys == 0 {
				return err
			}
			return r.AddEntry(ctx, Entry{At: now, Actor: Sweep, Act: Dropped, Purpose: Administer, Kind: AccessLog,
				Detail: fmt.Sprintf("%d lines and %d dead keys from before %s", n.Entries, n.Keys, e.Log.Format(time.DateOnly))})
		})
		if err != nil {
			return total, err
		}
		total.Sessions, total.Links, total.Keys, total.Entries = total.Sessions+n.Sessions, total.Links+n.Links, total.Keys+n.Keys, total.Entries+n.Entries
		if n.most() < expireBatch {
			return total, nil
		}
	}
}

// WelcomePath is where the pages take a one-time link: it follows the path.
const WelcomePath = "/welcome/"
