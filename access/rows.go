package access

import (
	"context"
	"time"
)

// Database runs transactions over the rows of this package. Package store
// implements it on its engines (store.Access); it stands here so that the rules
// know no database.
type Database interface {
	// UpdateAccess runs f in one writing transaction, again if another was in
	// the way, and commits if f returns nil.
	UpdateAccess(ctx context.Context, f func(Rows) error) error
	// ViewAccess runs f in one transaction that only reads.
	ViewAccess(ctx context.Context, f func(Rows) error) error
}

// Rows are the rows within one transaction. What is not there is NotFound,
// unless a method says otherwise.
type Rows interface {
	// AddOrg adds an organisation. A name that is taken is a Conflict.
	AddOrg(ctx context.Context, o Org) error
	Orgs(ctx context.Context) ([]Org, error) // by name

	// LinkParty says that an organisation answers for a party. One that is said
	// already is a Conflict.
	LinkParty(ctx context.Context, l PartyLink) error
	UnlinkParty(ctx context.Context, org, party string) error
	PartyLinks(ctx context.Context, org string) ([]PartyLink, error) // by party; "" is all organisations'

	// AddAccount adds a person. A login name that is taken is a Conflict.
	AddAccount(ctx context.Context, a Account) error
	// PutAccount writes name, organisation, roles, password and Disabled.
	PutAccount(ctx context.Context, a Account) error
	// Account reads a person. In a writing transaction nobody else changes the
	// row until it ends.
	Account(ctx context.Context, id string) (Account, error)
	// LockAccounts lets one transaction at a time go on from here: for what
	// depends on several accounts, such as that an administrator is left.
	LockAccounts(ctx context.Context) error
	AccountByLogin(ctx context.Context, login string) (Account, error)
	Accounts(ctx context.Context) ([]Account, error) // by login name
	// DeleteAccount deletes a person with sessions, keys and links. Logs keep
	// the reference.
	DeleteAccount(ctx context.Context, id string) error

	AddSession(ctx context.Context, s Session) error
	// Session reads a session and whose it is in one go.
	Session(ctx context.Context, d Digest) (Session, Account, error)
	Sessions(ctx context.Context, person string) ([]Session, error) // all of a person, by creation
	TouchSession(ctx context.Context, d Digest, seen time.Time) error
	DeleteSession(ctx context.Context, d Digest) error       // no error if it is gone
	DeleteSessions(ctx context.Context, person string) error // all of a person
	AddKey(ctx context.Context, k Key) error                 //
	KeyByDigest(ctx context.Context, d Digest) (Key, Account, error)
	Keys(ctx context.Context, owner string) ([]Key, error)        // by creation; "" is everybody's
	RevokeKey(ctx context.Context, id string, at time.Time) error // Conflict if it is revoked
	TouchKey(ctx context.Context, id string, used time.Time) error

	AddLink(ctx context.Context, l Link) error
	Link(ctx context.Context, d Digest) (Link, Account, error)
	// TakeLink deletes a link and says whether it was there: one of two who
	// redeem it at the same time.
	TakeLink(ctx context.Context, d Digest) (bool, error)
	DeleteLinks(ctx context.Context, person string) error // all of a person

	// Expire deletes what has ended, at most limit of each kind.
	Expire(ctx context.Context, e Ends, limit int) (Expired, error)

	AddEntry(ctx context.Context, e Entry) error
	Entries(ctx context.Context, f EntryFilter) ([]Entry, error) // the latest first
}
