package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/problem"
)

// LinkParty implements access.Rows.
func (r accessRows) LinkParty(ctx context.Context, l access.PartyLink) error {
	return r.change(ctx, problem.New(problem.Conflict, "the organisation answers for %s already", l.Party),
		"INSERT INTO org_parties (org, party, linked) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", clean(l.Org), clean(l.Party), instant(l.Linked))
}

// UnlinkParty implements access.Rows.
func (r accessRows) UnlinkParty(ctx context.Context, org, party string) error {
	return r.change(ctx, problem.New(problem.NotFound, "the organisation does not answer for %s", party),
		"DELETE FROM org_parties WHERE org = $1 AND party = $2", clean(org), clean(party))
}

// PartyLinks implements access.Rows.
func (r accessRows) PartyLinks(ctx context.Context, org string) ([]access.PartyLink, error) {
	query, args := "SELECT org, party, linked FROM org_parties ", []any{}
	if org != "" {
		query, args = query+"WHERE org = $1 ", []any{clean(org)}
	}
	return list(ctx, r.tx, func(s scanner) (access.PartyLink, error) {
		var l access.PartyLink
		var linked int64
		err := s.Scan(&l.Org, &l.Party, &linked)
		l.Linked = time.UnixMicro(linked).UTC()
		return l, err
	}, query+"ORDER BY org, party", args...)
}

// Share is an obligation that reached its party: what of a case that party was
// told.
type Share struct {
	Obligation string
	Case       string
	Party      string // party.Party.ID
	Told       time.Time
	Due        time.Time // zero: the party is not waited for
}

// ShareOf is what of an obligation the party knows; ok is false for one that has
// not reached it. Until then there is nothing to be shown: that nobody was asked
// yet may be what the operator wants (the stop switch, the caps).
func ShareOf(cs casework.Case, o casework.Obligation) (s Share, ok bool) {
	if o.Delivered.IsZero() || o.Party.ID == "" {
		return s, false
	}
	s = Share{Obligation: o.ID, Case: cs.ID, Party: o.Party.ID, Told: o.Delivered}
	if Stands(cs, o) {
		if s.Due = o.Due; s.Due.IsZero() {
			s.Due = o.Delivered
		}
	}
	return s, true
}

// Stands says whether something is still asked of the party of an obligation.
func Stands(cs casework.Case, o casework.Obligation) bool {
	return cs.State == casework.Coordinating && o.Round == cs.Round && o.Action.Asks() &&
		(o.Status == casework.Running || o.Status == casework.Missed || o.Status == casework.Acted)
}

// PutShares keeps what of cases parties were told, and forgets the obligations
// that are gone: those whose notice came back.
func (tx *Tx) PutShares(ctx context.Context, shares []Share, gone []string) error {
	for _, s := range shares {
		if _, err := tx.exec(ctx, `INSERT INTO shares (obligation, case_id, party, told, due) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (obligation) DO UPDATE SET party = excluded.party, told = excluded.told, due = excluded.due`,
			clean(s.Obligation), clean(s.Case), clean(s.Party), instant(s.Told), micros(s.Due)); err != nil {
			return err
		}
	}
	for _, id := range gone {
		if _, err := tx.exec(ctx, "DELETE FROM shares WHERE obligation = $1", clean(id)); err != nil {
			return err
		}
	}
	return nil
}

// ShareFilter says which shares to list.
type ShareFilter struct {
	// Org is the organisation whose parties they are of. "" lists nothing.
	Org string
	// Standing lists those whose party is waited for, the longest due first;
	// without it all are listed, the one told last first.
	Standing bool
	After    *QueueMark // behind the last of the page before; ID is its obligation
	Limit    int        // at most MaxCases, which 0 stands for
}

// Mark is the place of a share in a list.
func (s Share) Mark(standing bool) QueueMark {
	if standing {
		return QueueMark{s.Due, s.Obligation}
	}
	return QueueMark{s.Told, s.Obligation}
}

func scanShare(r scanner) (Share, error) {
	var s Share
	var told int64
	var due sql.NullInt64
	err := r.Scan(&s.Obligation, &s.Case, &s.Party, &told, &due)
	s.Told, s.Due = time.UnixMicro(told).UTC(), fromMicros(due)
	return s, err
}

// shares are the conditions of a filter.
func (f ShareFilter) conditions() *conditions {
	q := &conditions{}
	q.add("party IN (SELECT party FROM org_parties WHERE org = ?)", clean(f.Org))
	if f.Standing {
		q.add("due IS NOT NULL")
	}
	return q
}

// Shares lists what the parties of an organisation were told. An organisation may
// answer for hundreds of parties with thousands of rows each, and a page shows a
// few: so it first asks for the first row of each party, and then reads only
// from those parties whose first row can be on the page.
func (tx *Tx) Shares(ctx context.Context, f ShareFilter) ([]Share, error) {
	if f.Org == "" {
		return nil, nil
	}
	if f.Limit <= 0 || f.Limit > MaxCases {
		f.Limit = MaxCases
	}
	by, dir, more, only := "told", " DESC", "<", ""
	if f.Standing {
		by, dir, more, only = "due", "", ">", " AND due IS NOT NULL"
	}
	order := " ORDER BY " + by + dir + ", obligation" + dir + " LIMIT "
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return in(len(args), 1)
	}
	behind := func() string {
		if f.After == nil {
			return only
		}
		at := arg(instant(f.After.At))
		return only + " AND " + by + " " + more + "= " + at + " AND (" + by + " " + more + " " + at + " OR obligation " + more + " " + arg(clean(f.After.ID)) + ")"
	}
	type first struct {
		party string
		at    sql.NullInt64
	}
	query := "SELECT party, (SELECT " + by + " FROM shares s WHERE s.party = o.party" + behind() + order + "1) FROM org_parties o WHERE o.org = " + arg(clean(f.Org))
	firsts, err := list(ctx, tx, func(s scanner) (x first, err error) { return x, s.Scan(&x.party, &x.at) }, query, args...)
	if err != nil {
		return nil, err
	}
	firsts = slices.DeleteFunc(firsts, func(x first) bool { return !x.at.Valid })
	slices.SortFunc(firsts, func(a, b first) int {
		c := cmp.Compare(a.at.Int64, b.at.Int64)
		if !f.Standing {
			c = -c
		}
		return cmp.Or(c, strings.Compare(a.party, b.party))
	})
	// Beyond the last place of the page nobody comes, but who has the same time.
	n := min(f.Limit, len(firsts))
	for n > 0 && n < len(firsts) && firsts[n].at == firsts[n-1].at {
		n++
	}
	var out []Share
	for part := range slices.Chunk(firsts[:n], shareParties) {
		args = nil
		var of []string
		for _, x := range part {
			of = append(of, "SELECT * FROM (SELECT obligation, case_id, party, told, due FROM shares WHERE party = "+arg(x.party)+behind()+order+strconv.Itoa(f.Limit)+") x")
		}
		rows, err := list(ctx, tx, scanShare, "SELECT obligation, case_id, party, told, due FROM ("+strings.Join(of, " UNION ALL ")+") y"+order+strconv.Itoa(f.Limit), args...)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	slices.SortFunc(out, func(a, b Share) int {
		x, y := a.Mark(f.Standing), b.Mark(f.Standing)
		c := cmp.Or(x.At.Compare(y.At), strings.Compare(x.ID, y.ID))
		if !f.Standing {
			c = -c
		}
		return c
	})
	return out[:min(len(out), f.Limit)], nil
}

// shareParties is how many parties one query reads from.
const shareParties = 100

// CountShares counts what a filter lists, up to most.
func (tx *Tx) CountShares(ctx context.Context, f ShareFilter, most int) (n int, err error) {
	if f.Org == "" {
		return 0, nil
	}
	q := f.conditions()
	err = tx.row(ctx, "SELECT count(*) FROM (SELECT 1 FROM shares"+q.String()+" LIMIT "+strconv.Itoa(most)+") found", q.args...).Scan(&n)
	return n, tx.s.wrap(err, "count what parties were told")
}

// SharesByParty counts what the parties of an organisation were told, by party.
func (tx *Tx) SharesByParty(ctx context.Context, org string) (map[string]int, error) {
	type count struct {
		party string
		n     int
	}
	cs, err := list(ctx, tx, func(s scanner) (c count, err error) { return c, s.Scan(&c.party, &c.n) },
		"SELECT party, count(*) FROM shares WHERE party IN (SELECT party FROM org_parties WHERE org = $1) GROUP BY party", clean(org))
	out := map[string]int{}
	for _, c := range cs {
		out[c.party] = c.n
	}
	return out, err
}

// SharesOfCase reads what the parties of an organisation were told of one case,
// in the order they were told.
func (tx *Tx) SharesOfCase(ctx context.Context, org, caseID string) ([]Share, error) {
	if org == "" {
		return nil, nil
	}
	return list(ctx, tx, scanShare, "SELECT obligation, case_id, party, told, due FROM shares WHERE case_id = $1 AND party IN (SELECT party FROM org_parties WHERE org = $2) ORDER BY told, obligation",
		clean(caseID), clean(org))
}

// AcceptedNotices reads the latest notices about an obligation that a receiving
// server took, the newest first.
func (tx *Tx) AcceptedNotices(ctx context.Context, obligation string, limit int) ([]Notice, error) {
	return list(ctx, tx, scanNotice, selectNotice+"WHERE obligation = $1 AND state = 'accepted' ORDER BY number DESC, id DESC LIMIT $2", clean(obligation), limit)
}

// shareVersion is the migration after which fillShares runs.
const shareVersion = 15

// fillShares fills in the shares of the cases there are.
func (tx *Tx) fillShares(ctx context.Context) error {
	type row struct {
		id   string
		body []byte
	}
	for after := ""; ; {
		rows, err := list(ctx, tx, func(s scanner) (r row, err error) { return r, s.Scan(&r.id, &r.body) },
			"SELECT id, body FROM cases WHERE id > $1 ORDER BY id LIMIT $2", after, fillPiece)
		if err != nil {
			return err
		}
		for _, r := range rows {
			after = r.id
			var cs casework.Case
			if err := json.Unmarshal(r.body, &cs); err != nil {
				tx.s.log.Warn("a case does not read", "case", r.id, "err", err) // it must not keep the centre from starting
				continue
			}
			var shares []Share
			for _, o := range cs.Obligations {
				if s, ok := ShareOf(cs, o); ok {
					shares = append(shares, s)
				}
			}
			if err := tx.PutShares(ctx, shares, nil); err != nil {
				return err
			}
		}
		if len(rows) < fillPiece {
			return nil
		}
	}
}
