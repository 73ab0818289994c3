package access

import (
	"context"
	"slices"
	"time"

	"bailiwick/party"
	"bailiwick/problem"
)

// PartyLink says that an organisation answers for a party: its members see what
// that party was told of cases, and answer as that party. An organisation may
// answer for several, and several for one.
type PartyLink struct {
	Org    string // id of the organisation
	Party  string // party.Party.ID: "registrar:1861"
	Linked time.Time
}

// MaxParties is how many parties one organisation answers for at most.
const MaxParties = 500

// Org finds an organisation by its id.
func (d *Desk) Org(ctx context.Context, id string) (o Org, err error) {
	err = d.db.ViewAccess(ctx, func(r Rows) (err error) { o, err = orgOf(ctx, r, id); return err })
	return o, err
}

func orgOf(ctx context.Context, r Rows, id string) (Org, error) {
	all, err := r.Orgs(ctx)
	if err != nil {
		return Org{}, err
	}
	if i := slices.IndexFunc(all, func(o Org) bool { return o.ID == id }); i >= 0 {
		return all[i], nil
	}
	return Org{}, problem.New(problem.NotFound, "there is no organisation %.40q", id)
}

// LinkParty says that an organisation answers for a party (party.ParseID). It
// opens to its members, at once, what that party was and will be told.
func (d *Desk) LinkParty(ctx context.Context, by, org, id string) (l PartyLink, err error) {
	id, _, err = party.ParseID(id)
	if err != nil {
		return l, err
	}
	err = d.db.UpdateAccess(ctx, func(r Rows) error {
		if _, err := orgOf(ctx, r, org); err != nil {
			return err
		}
		have, err := r.PartyLinks(ctx, org)
		if err != nil {
			return err
		}
		if len(have) >= MaxParties {
			return problem.New(problem.TooLarge, "an organisation answers for %d parties at most", MaxParties)
		}
		l = PartyLink{Org: org, Party: id, Linked: d.clock.Now()}
		if err := r.LinkParty(ctx, l); err != nil {
			return err
		}
		return d.changed(ctx, r, by, org, "answers for "+id)
	})
	return l, err
}

// UnlinkParty takes that back, at once.
func (d *Desk) UnlinkParty(ctx context.Context, by, org, id string) error {
	return d.db.UpdateAccess(ctx, func(r Rows) error {
		if err := r.UnlinkParty(ctx, org, id); err != nil {
			return err
		}
		return d.changed(ctx, r, by, org, "answers no more for "+id)
	})
}

// PartyLinks lists the parties an organisation answers for, or with "" those of
// all organisations.
func (d *Desk) PartyLinks(ctx context.Context, org string) (all []PartyLink, err error) {
	err = d.db.ViewAccess(ctx, func(r Rows) (err error) { all, err = r.PartyLinks(ctx, org); return err })
	return all, err
}
