package access

import (
	"context"
	"encoding/hex"
	"slices"
	"time"

	"bailiwick/problem"
)

// What somebody does with their own account. The caller has asked Decide, for the
// purpose Own, before.

// OwnSession is a session as its person sees it.
type OwnSession struct {
	// ID names it to EndSession. It is no credential: it is half of the digest.
	ID            string
	Created, Seen time.Time
	This          bool // the one that asks
}

func sessionID(d Digest) string { return hex.EncodeToString(d[:16]) }

func (d *Desk) over(s Session, now time.Time) bool {
	return now.Sub(s.Seen) >= SessionIdle || now.Sub(s.Created) >= SessionLife
}

// Sessions lists a person's sessions that are not over, the latest used first.
// token is that of the one that asks.
func (d *Desk) Sessions(ctx context.Context, p Person, token string) ([]OwnSession, error) {
	this, _ := parseSecret(useSession, token, sessionSize)
	var all []Session
	if err := d.db.ViewAccess(ctx, func(r Rows) (err error) { all, err = r.Sessions(ctx, p.ID); return err }); err != nil {
		return nil, err
	}
	now := d.clock.Now()
	var out []OwnSession
	for _, s := range all {
		if !d.over(s, now) {
			out = append(out, OwnSession{ID: sessionID(s.Digest), Created: s.Created, Seen: s.Seen, This: s.Digest == this})
		}
	}
	slices.SortStableFunc(out, func(a, b OwnSession) int { return b.Seen.Compare(a.Seen) })
	return out, nil
}

// EndSession ends one of a person's own sessions.
func (d *Desk) EndSession(ctx context.Context, p Person, id string) error {
	n, err := d.endSessions(ctx, p, func(s Session) bool { return sessionID(s.Digest) == id })
	if err == nil && n == 0 {
		err = problem.New(problem.NotFound, "you have no such session: it may be over")
	}
	return err
}

// EndOtherSessions ends all of a person's sessions but the one that asks, and says
// how many there were.
func (d *Desk) EndOtherSessions(ctx context.Context, p Person, token string) (int, error) {
	this, ok := parseSecret(useSession, token, sessionSize)
	if !ok {
		return 0, problem.New(problem.Refused, "only a session can end the others")
	}
	return d.endSessions(ctx, p, func(s Session) bool { return s.Digest != this })
}

func (d *Desk) endSessions(ctx context.Context, p Person, which func(Session) bool) (n int, err error) {
	err = d.db.UpdateAccess(ctx, func(r Rows) error {
		n = 0
		all, err := r.Sessions(ctx, p.ID)
		if err != nil {
			return err
		}
		for _, s := range all {
			if !which(s) {
				continue
			}
			if err := r.DeleteSession(ctx, s.Digest); err != nil {
				return err
			}
			if err := r.AddEntry(ctx, Entry{At: d.clock.Now(), Actor: p.Actor(), Act: SignedOut, Kind: User, Object: p.ID}); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// RevokeOwnKey ends a key that acts for the person. Another's is NotFound.
func (d *Desk) RevokeOwnKey(ctx context.Context, p Person, id string) error {
	mine, err := d.Keys(ctx, p.ID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(mine, func(k Key) bool { return k.ID == id }) {
		return problem.New(problem.NotFound, "you have no key %.40q", id)
	}
	return d.RevokeKey(ctx, p.Actor(), id)
}
