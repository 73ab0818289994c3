package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/problem"
)

// Access gives the rows of people, sessions, keys, links and the access log, as
// package access wants them.
func (s *Store) Access() access.Database { return accessDB{s} }

type accessDB struct{ s *Store }

// UpdateAccess implements access.Database.
func (d accessDB) UpdateAccess(ctx context.Context, f func(access.Rows) error) error {
	return d.s.Update(ctx, func(tx *Tx) error { return f(accessRows{tx}) })
}

// ViewAccess implements access.Database.
func (d accessDB) ViewAccess(ctx context.Context, f func(access.Rows) error) error {
	return d.s.View(ctx, func(tx *Tx) error { return f(accessRows{tx}) })
}

// accessRows implements access.Rows.
type accessRows struct{ tx *Tx }

// change runs a statement and gives the error for when it changed no row.
func (r accessRows) change(ctx context.Context, none *problem.Error, query string, args ...any) error {
	n, err := r.tx.exec(ctx, query, args...)
	if err == nil && n == 0 && none != nil {
		return none
	}
	return err
}

// found turns a missing row into NotFound.
func (r accessRows) found(err error, what, name string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return problem.New(problem.NotFound, "there is no %s %s", what, name)
	}
	return r.tx.s.wrap(err, "read a "+what)
}

func (r accessRows) AddOrg(ctx context.Context, o access.Org) error {
	return r.change(ctx, problem.New(problem.Conflict, "there is an organisation %s already", o.Name),
		"INSERT INTO orgs (id, name, folded, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		clean(o.ID), clean(o.Name), strings.ToLower(clean(o.Name)), instant(o.Created))
}

func (r accessRows) Orgs(ctx context.Context) ([]access.Org, error) {
	return list(ctx, r.tx, func(s scanner) (access.Org, error) {
		var o access.Org
		var created int64
		err := s.Scan(&o.ID, &o.Name, &created)
		o.Created = time.UnixMicro(created).UTC()
		return o, err
	}, "SELECT id, name, created FROM orgs ORDER BY folded, id")
}

const accountColumns = "p.id, p.login, p.name, p.org, p.roles, p.password, p.created, p.disabled"

// accountRow is where the columns of an account are scanned to.
type accountRow struct {
	a        access.Account
	org      sql.NullString
	roles    string
	created  int64
	disabled sql.NullInt64
}

func (r *accountRow) into() []any {
	return []any{&r.a.ID, &r.a.Login, &r.a.Name, &r.org, &r.roles, &r.a.Password, &r.created, &r.disabled}
}

func (r *accountRow) account() access.Account {
	r.a.Org, r.a.Roles = r.org.String, rolesOf(r.roles)
	r.a.Created, r.a.Disabled = time.UnixMicro(r.created).UTC(), fromMicros(r.disabled)
	return r.a
}

func scanAccount(s scanner) (access.Account, error) {
	var row accountRow
	if err := s.Scan(row.into()...); err != nil {
		return access.Account{}, err
	}
	return row.account(), nil
}

// roleWords is how roles are kept; rolesOf is the way back.
func roleWords(roles []access.Role) string {
	var words []string
	for _, r := range roles {
		words = append(words, string(r))
	}
	return clean(strings.Join(words, " "))
}

func rolesOf(words string) []access.Role {
	var out []access.Role
	for w := range strings.FieldsSeq(words) {
		out = append(out, access.Role(w))
	}
	return out
}

// orNull is text, NULL for "".
func orNull(s string) *string {
	if s = clean(s); s == "" {
		return nil
	}
	return &s
}

func (r accessRows) AddAccount(ctx context.Context, a access.Account) error {
	if a.ID == "" || a.Login == "" || a.Login != strings.ToLower(a.Login) || a.Created.IsZero() {
		return problem.New(problem.Internal, "a person needs an id, a lower-case login name and a time")
	}
	return r.change(ctx, problem.New(problem.Conflict, "the login name %s is taken", a.Login),
		"INSERT INTO people (id, login, name, org, roles, password, created, disabled) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
		clean(a.ID), clean(a.Login), clean(a.Name), orNull(a.Org), roleWords(a.Roles), clean(a.Password), instant(a.Created), micros(a.Disabled))
}

func (r accessRows) PutAccount(ctx context.Context, a access.Account) error {
	return r.change(ctx, problem.New(problem.NotFound, "there is no person %s", a.ID),
		"UPDATE people SET name = $1, org = $2, roles = $3, password = $4, disabled = $5 WHERE id = $6",
		clean(a.Name), orNull(a.Org), roleWords(a.Roles), clean(a.Password), micros(a.Disabled), clean(a.ID))
}

func (r accessRows) Account(ctx context.Context, id string) (access.Account, error) {
	query := "SELECT " + accountColumns + " FROM people p WHERE p.id = $1"
	if r.tx.s.engine == PostgreSQL && !r.tx.readOnly { // SQLite has one writer
		query += " FOR UPDATE"
	}
	a, err := scanAccount(r.tx.row(ctx, query, clean(id)))
	return a, r.found(err, "person", id)
}

// accountLock is the number of the lock of LockAccounts on PostgreSQL: the first
// 63 bits of SHA-256("bailiwick accounts").
const accountLock = 0x1f63a0800e40f754

func (r accessRows) LockAccounts(ctx context.Context) error {
	if r.tx.s.engine != PostgreSQL {
		return nil
	}
	return r.change(ctx, nil, "SELECT pg_advisory_xact_lock($1)", int64(accountLock))
}

func (r accessRows) AccountByLogin(ctx context.Context, login string) (access.Account, error) {
	a, err := scanAccount(r.tx.row(ctx, "SELECT "+accountColumns+" FROM people p WHERE p.login = $1", strings.ToLower(clean(login))))
	return a, r.found(err, "person", login)
}

func (r accessRows) Accounts(ctx context.Context) ([]access.Account, error) {
	return list(ctx, r.tx, scanAccount, "SELECT "+accountColumns+" FROM people p ORDER BY p.login")
}

func (r accessRows) DeleteAccount(ctx context.Context, id string) error {
	for _, q := range []string{"DELETE FROM sessions WHERE person = $1", "DELETE FROM api_keys WHERE owner = $1", "DELETE FROM links WHERE person = $1"} {
		if err := r.change(ctx, nil, q, clean(id)); err != nil {
			return err
		}
	}
	return r.change(ctx, problem.New(problem.NotFound, "there is no person %s", id), "DELETE FROM people WHERE id = $1", clean(id))
}

func (r accessRows) AddSession(ctx context.Context, s access.Session) error {
	return r.change(ctx, nil, "INSERT INTO sessions (digest, person, created, seen) VALUES ($1, $2, $3, $4)", s.Digest[:], clean(s.Person), instant(s.Created), instant(s.Seen))
}

func (r accessRows) Session(ctx context.Context, d access.Digest) (access.Session, access.Account, error) {
	var row accountRow
	var created, seen int64
	err := r.tx.row(ctx, "SELECT s.created, s.seen, "+accountColumns+" FROM sessions s JOIN people p ON p.id = s.person WHERE s.digest = $1", d[:]).
		Scan(append([]any{&created, &seen}, row.into()...)...)
	if err != nil {
		return access.Session{}, access.Account{}, r.found(err, "session", "like that")
	}
	a := row.account()
	return access.Session{Digest: d, Person: a.ID, Created: time.UnixMicro(created).UTC(), Seen: time.UnixMicro(seen).UTC()}, a, nil
}

func (r accessRows) Sessions(ctx context.Context, person string) ([]access.Session, error) {
	return list(ctx, r.tx, func(s scanner) (access.Session, error) {
		var x access.Session
		var digest []byte
		var created, seen int64
		err := s.Scan(&digest, &x.Person, &created, &seen)
		if err == nil && copy(x.Digest[:], digest) != len(x.Digest) {
			err = problem.New(problem.Corrupt, "the digest of a session is none")
		}
		x.Created, x.Seen = time.UnixMicro(created).UTC(), time.UnixMicro(seen).UTC()
		return x, err
	}, "SELECT digest, person, created, seen FROM sessions WHERE person = $1 ORDER BY created, digest", clean(person))
}

func (r accessRows) TouchSession(ctx context.Context, d access.Digest, seen time.Time) error {
	return r.change(ctx, nil, "UPDATE sessions SET seen = $1 WHERE digest = $2 AND seen < $1", instant(seen), d[:])
}

func (r accessRows) DeleteSession(ctx context.Context, d access.Digest) error {
	return r.change(ctx, nil, "DELETE FROM sessions WHERE digest = $1", d[:])
}

func (r accessRows) DeleteSessions(ctx context.Context, person string) error {
	return r.change(ctx, nil, "DELETE FROM sessions WHERE person = $1", clean(person))
}

const keyColumns = "k.id, k.digest, k.name, k.owner, k.roles, k.created, k.expires, k.revoked, k.used"

type keyRow struct {
	k                      access.Key
	digest                 []byte
	roles                  string
	created                int64
	expires, revoked, used sql.NullInt64
}

func (r *keyRow) into() []any {
	return []any{&r.k.ID, &r.digest, &r.k.Name, &r.k.Owner, &r.roles, &r.created, &r.expires, &r.revoked, &r.used}
}

func (r *keyRow) key() (access.Key, error) {
	if copy(r.k.Digest[:], r.digest) != len(r.k.Digest) {
		return r.k, problem.New(problem.Corrupt, "the digest of key %s is none", r.k.ID)
	}
	r.k.Roles, r.k.Created = rolesOf(r.roles), time.UnixMicro(r.created).UTC()
	r.k.Expires, r.k.Revoked, r.k.Used = fromMicros(r.expires), fromMicros(r.revoked), fromMicros(r.used)
	return r.k, nil
}

func (r accessRows) AddKey(ctx context.Context, k access.Key) error {
	return r.change(ctx, nil, "INSERT INTO api_keys (id, digest, name, owner, roles, created, expires, revoked, used) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		clean(k.ID), k.Digest[:], clean(k.Name), clean(k.Owner), roleWords(k.Roles), instant(k.Created), micros(k.Expires), micros(k.Revoked), micros(k.Used))
}

func (r accessRows) KeyByDigest(ctx context.Context, d access.Digest) (access.Key, access.Account, error) {
	var key keyRow
	var acc accountRow
	err := r.tx.row(ctx, "SELECT "+keyColumns+", "+accountColumns+" FROM api_keys k JOIN people p ON p.id = k.owner WHERE k.digest = $1", d[:]).
		Scan(append(key.into(), acc.into()...)...)
	if err != nil {
		return access.Key{}, access.Account{}, r.found(err, "key", "like that")
	}
	k, err := key.key()
	return k, acc.account(), err
}

func (r accessRows) Keys(ctx context.Context, owner string) ([]access.Key, error) {
	query, args := "SELECT "+keyColumns+" FROM api_keys k ", []any{}
	if owner != "" {
		query, args = query+"WHERE k.owner = $1 ", []any{clean(owner)}
	}
	return list(ctx, r.tx, func(s scanner) (access.Key, error) {
		var row keyRow
		if err := s.Scan(row.into()...); err != nil {
			return access.Key{}, err
		}
		return row.key()
	}, query+"ORDER BY k.created, k.id", args...)
}

func (r accessRows) RevokeKey(ctx context.Context, id string, at time.Time) error {
	n, err := r.tx.exec(ctx, "UPDATE api_keys SET revoked = $1 WHERE id = $2 AND revoked IS NULL", instant(at), clean(id))
	if err != nil || n > 0 {
		return err
	}
	var one int
	if err := r.tx.row(ctx, "SELECT 1 FROM api_keys WHERE id = $1", clean(id)).Scan(&one); err != nil {
		return r.found(err, "key", id)
	}
	return problem.New(problem.Conflict, "key %s is revoked already", id)
}

func (r accessRows) TouchKey(ctx context.Context, id string, used time.Time) error {
	return r.change(ctx, nil, "UPDATE api_keys SET used = $1 WHERE id = $2 AND (used IS NULL OR used < $1)", instant(used), clean(id))
}

func (r accessRows) AddLink(ctx context.Context, l access.Link) error {
	return r.change(ctx, nil, "INSERT INTO links (digest, person, created, expires) VALUES ($1, $2, $3, $4)", l.Digest[:], clean(l.Person), instant(l.Created), instant(l.Expires))
}

func (r accessRows) Link(ctx context.Context, d access.Digest) (access.Link, access.Account, error) {
	var row accountRow
	var created, expires int64
	err := r.tx.row(ctx, "SELECT l.created, l.expires, "+accountColumns+" FROM links l JOIN people p ON p.id = l.person WHERE l.digest = $1", d[:]).
		Scan(append([]any{&created, &expires}, row.into()...)...)
	if err != nil {
		return access.Link{}, access.Account{}, r.found(err, "link", "like that")
	}
	a := row.account()
	return access.Link{Digest: d, Person: a.ID, Created: time.UnixMicro(created).UTC(), Expires: time.UnixMicro(expires).UTC()}, a, nil
}

func (r accessRows) TakeLink(ctx context.Context, d access.Digest) (bool, error) {
	n, err := r.tx.exec(ctx, "DELETE FROM links WHERE digest = $1", d[:])
	return n == 1, err
}

func (r accessRows) DeleteLinks(ctx context.Context, person string) error {
	return r.change(ctx, nil, "DELETE FROM links WHERE person = $1", clean(person))
}

func (r accessRows) Expire(ctx context.Context, e access.Ends, limit int) (access.Expired, error) {
	var out access.Expired
	for _, x := range []struct {
		n           *int
		table, id   string
		where       string
		first, last time.Time // of the two arguments; the second may be the first
	}{
		{&out.Sessions, "sessions", "digest", "seen <= $1 OR created <= $2", e.Idle, e.Oldest},
		{&out.Links, "links", "digest", "expires <= $1 AND expires <= $2", e.Links, e.Links},
		{&out.Keys, "api_keys", "id", "revoked <= $1 OR expires <= $2", e.Keys, e.Keys},
		{&out.Entries, "access_log", "id", "at <= $1 AND at <= $2 ORDER BY at, id", e.Log, e.Log},
	} {
		n, err := r.tx.exec(ctx, "DELETE FROM "+x.table+" WHERE "+x.id+" IN (SELECT "+x.id+" FROM "+x.table+" WHERE "+x.where+" LIMIT $3)", end(x.first), end(x.last), limit)
		if err != nil {
			return out, err
		}
		*x.n = int(n)
	}
	return out, nil
}

// end is a time up to which things end; nothing does up to the zero time.
func end(t time.Time) int64 {
	if t.IsZero() {
		return math.MinInt64
	}
	return instant(t)
}

func (r accessRows) AddEntry(ctx context.Context, e access.Entry) error {
	return r.change(ctx, nil, "INSERT INTO access_log (at, actor, act, purpose, kind, object, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		instant(e.At), clean(e.Actor), string(e.Act), string(e.Purpose), string(e.Kind), clean(e.Object), clean(e.Detail))
}

func (r accessRows) Entries(ctx context.Context, f access.EntryFilter) ([]access.Entry, error) {
	if f.Limit <= 0 || f.Limit > access.MaxEntries {
		f.Limit = access.MaxEntries
	}
	var where []string
	var args []any
	add := func(cond string, v any) {
		args = append(args, v)
		where = append(where, cond+in(len(args), 1))
	}
	if a := clean(f.Actor); a != "" {
		// A person's keys are "person:ID/key:…", which sorts between these.
		args = append(args, a, a+"/", a+"0")
		where = append(where, "(actor = $1 OR actor > $2 AND actor < $3)")
	}
	if f.Act != "" {
		add("act = ", string(f.Act))
	}
	if f.Kind != "" {
		add("kind = ", string(f.Kind))
	}
	if f.Object != "" {
		add("object = ", clean(f.Object))
	}
	if f.Before > 0 {
		add("id < ", f.Before)
	}
	query := "SELECT id, at, actor, act, purpose, kind, object, detail FROM access_log "
	if len(where) > 0 {
		query += "WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, f.Limit)
	return list(ctx, r.tx, func(s scanner) (access.Entry, error) {
		var e access.Entry
		var at int64
		err := s.Scan(&e.ID, &at, &e.Actor, &e.Act, &e.Purpose, &e.Kind, &e.Object, &e.Detail)
		e.At = time.UnixMicro(at).UTC()
		return e, err
	}, query+" ORDER BY id DESC LIMIT "+in(len(args), 1), args...)
}
