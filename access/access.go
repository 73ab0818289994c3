// Package access says who somebody is and what they may do: people,
// organisations, roles, sessions, API keys, one-time links, and the log of who
// looked at personal data.
//
// Decide is the one place where the rules are, and it is pure: a table over
// roles, purposes and kinds of thing. Desk is what the pages, the API and the
// command line call: it knows passwords, tokens and keys, keeps only digests of
// them, and writes through Database, which package store implements.
package access

import (
	"slices"
	"strings"
	"time"

	"bailiwick/problem"
)

// Role is what somebody is in the centre. A person may have several.
type Role string

// The roles.
const (
	Admin   Role = "admin"   // keeps people, keys and settings; sees no cases by that
	Analyst Role = "analyst" // works cases
	Viewer  Role = "viewer"  // reads, without personal data
	Auditor Role = "auditor" // reads logs, and looks at who looked
	Member  Role = "member"  // an outside organisation: sees its own
	API     Role = "api"     // a program that sends reports for its organisation
	// Registrar is a registrar's system, or who keeps it: opens verifications of
	// its registrations and follows them.
	Registrar Role = "registrar"
)

// Roles are all roles, in the order of the table of rules.
func Roles() []Role { return []Role{Admin, Analyst, Viewer, Auditor, Member, API, Registrar} }

// ParseRoles reads roles that stand apart by commas or blanks: sorted, without
// repeats.
func ParseRoles(s string) ([]Role, error) {
	var out []Role
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || r == ' ' }) {
		if !slices.Contains(Roles(), Role(w)) {
			return nil, problem.BadField("roles", "%.40q is none of %s", w, joinRoles(Roles(), ", "))
		}
		out = append(out, Role(w))
	}
	if len(out) == 0 {
		return nil, problem.BadField("roles", "name at least one of %s", joinRoles(Roles(), ", "))
	}
	return tidy(out), nil
}

func tidy(roles []Role) []Role {
	out := slices.Clone(roles)
	slices.Sort(out)
	return slices.Compact(out)
}

func joinRoles(roles []Role, sep string) string {
	var words []string
	for _, r := range roles {
		words = append(words, string(r))
	}
	return strings.Join(words, sep)
}

// Person is who asks, as a session or a key told it. The zero Person is nobody
// in particular: what anybody may do, they may.
type Person struct {
	ID    string // "" for nobody in particular
	Login string
	Name  string
	Org   string // id of the organisation, "" for none
	Roles []Role
	// Key says that a program asks, with an API key; KeyID names the key. It
	// acts for the person, with the roles that the key and the person share.
	Key   bool
	KeyID string
}

// Known says whether it is somebody in particular.
func (p Person) Known() bool { return p.ID != "" }

// Has says whether the person has a role.
func (p Person) Has(r Role) bool { return p.Known() && slices.Contains(p.Roles, r) }

// Actor is the reference that goes into logs that outlive people: "person:ID",
// with "/key:ID" after it where a program acted for the person. It holds no
// name. Nobody in particular is "anybody:".
func (p Person) Actor() string {
	switch {
	case !p.Known():
		return "anybody:"
	case p.Key:
		return "person:" + p.ID + "/key:" + p.KeyID
	}
	return "person:" + p.ID
}

// Org is an organisation that people belong to.
type Org struct {
	ID, Name string
	Created  time.Time
}

// Account is a person's row.
type Account struct {
	ID       string
	Login    string // lower case
	Name     string
	Org      string
	Roles    []Role
	Password string    // as HashPassword gives it; "" for none yet: the account waits for its link
	Created  time.Time //
	Disabled time.Time // zero: may sign in
}

// Person is the account as who asks.
func (a Account) Person() Person {
	return Person{ID: a.ID, Login: a.Login, Name: a.Name, Org: a.Org, Roles: a.Roles}
}

// administers says whether the account can sign in as an administrator.
func (a Account) administers() bool {
	return a.Disabled.IsZero() && a.Password != "" && slices.Contains(a.Roles, Admin)
}

// Digest is the SHA-256 of a secret, which is all that is kept of it.
type Digest [32]byte

// Session is a session's row.
type Session struct {
	Digest  Digest
	Person  string
	Created time.Time
	Seen    time.Time // last use, to SeenStep
}

// Key is an API key's row. The key itself is shown once and not kept.
type Key struct {
	ID      string
	Digest  Digest
	Name    string
	Owner   string // id of the person it acts for
	Roles   []Role
	Created time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero: not
	Used    time.Time // last use, to SeenStep; zero: never
}

// Link is the row of a one-time link, with which a person sets a password.
type Link struct {
	Digest  Digest
	Person  string
	Created time.Time
	Expires time.Time
}

// Entry is one line of the access log: who did what with which thing, and what
// for. It names people by reference only, and stays when they go.
type Entry struct {
	ID      int64 // rises with time; given by the database
	At      time.Time
	Actor   string // Person.Actor, or "console"
	Act     Act
	Purpose Purpose
	Kind    Kind
	Object  string // id of the thing
	Detail  string
}

// Act is what somebody did that the access log keeps.
type Act string

// The acts.
const (
	Looked    Act = "looked" // at personal data
	SignedIn  Act = "signed in"
	SignedOut Act = "signed out"
	Changed   Act = "changed" // a person, a key, an organisation; Detail says what
	Dropped   Act = "dropped" // lines of the access log and dead keys that were over their time; Detail says how many
)

// Ends say what has ended: what lies at or before these times. The zero time ends
// nothing.
type Ends struct {
	Idle   time.Time // sessions not seen since
	Oldest time.Time // sessions begun before
	Links  time.Time // links that were good until
	Keys   time.Time // keys revoked or over since
	Log    time.Time // lines of the access log
}

// Expired counts what was deleted because it had ended.
type Expired struct{ Sessions, Links, Keys, Entries int }

// most is the largest count: whether a batch was full.
func (e Expired) most() int { return max(e.Sessions, e.Links, e.Keys, e.Entries) }

// EntryFilter says which lines of the access log to read. Empty fields do not
// filter.
type EntryFilter struct {
	Actor  string // the reference, or the part of it before "/key:"
	Act    Act
	Kind   Kind
	Object string
	Before int64 // only lines with a lower ID: the next page
	Limit  int   // at most MaxEntries, which 0 stands for
}

// MaxEntries is the longest page of the access log.
const MaxEntries = 1000
