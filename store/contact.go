package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/party"
	"bailiwick/problem"
)

// CountDesk counts the notices that went out, or may have, since a time to any
// of some mail addresses (in lower case) or parties: what the cap of a desk is
// held against. It counts as CountNotices does. No address and no party is 0.
func (tx *Tx) CountDesk(ctx context.Context, addresses, parties []string, since time.Time) (int, error) {
	args := []any{instant(since)}
	var or []string
	add := func(column string, vs []string) {
		if len(vs) == 0 {
			return
		}
		or = append(or, column+" IN ("+in(len(args)+1, len(vs))+")")
		for _, v := range vs {
			args = append(args, clean(v))
		}
	}
	add("recipient <> '' AND lower(recipient)", addresses)
	add("party", parties)
	if len(or) == 0 {
		return 0, nil
	}
	var n int
	err := tx.row(ctx, "SELECT count(*) FROM notices WHERE state IN ('accepted', 'intended', 'in_doubt') AND coalesce(done, due, created) >= $1 AND ("+strings.Join(or, " OR ")+")", args...).Scan(&n)
	return n, tx.s.wrap(err, "count notices")
}

// MaxContacts is the longest page of addresses, and the most addresses whose
// figures are read at once.
const MaxContacts = 500

// Contact is an address that notices were ordered to.
type Contact struct {
	Address string // in lower case
	Parties []string
	Last    time.Time // order of the latest notice
}

// Contacts lists the addresses that notices to parties were ordered to, the
// one ordered to last first; limit is at most MaxContacts.
func (tx *Tx) Contacts(ctx context.Context, limit int) ([]Contact, error) {
	if limit <= 0 || limit > MaxContacts {
		limit = MaxContacts
	}
	out, err := list(ctx, tx, func(s scanner) (Contact, error) {
		var c Contact
		var last int64
		err := s.Scan(&c.Address, &last)
		c.Last = time.UnixMicro(last).UTC()
		return c, err
	}, `SELECT lower(recipient), max(created) FROM notices WHERE recipient <> '' AND kind <> 'receipt'
GROUP BY lower(recipient) ORDER BY max(created) DESC, lower(recipient) LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	var args []any
	for i, c := range out {
		at[c.Address] = i
		args = append(args, c.Address)
	}
	if len(args) == 0 {
		return nil, nil
	}
	type pair struct{ address, party string }
	pairs, err := list(ctx, tx, func(s scanner) (p pair, err error) { return p, s.Scan(&p.address, &p.party) },
		`SELECT DISTINCT lower(recipient), party FROM notices WHERE recipient <> '' AND kind <> 'receipt' AND lower(recipient) IN (`+in(1, len(args))+`) ORDER BY 1, 2`, args...)
	for _, p := range pairs {
		c := &out[at[p.address]]
		c.Parties = append(c.Parties, p.party)
	}
	return out, err
}

// PartyContacts are the addresses (in lower case, sorted) that notices to a
// party were ordered to, at most MaxContacts.
func (tx *Tx) PartyContacts(ctx context.Context, id string) ([]string, error) {
	return list(ctx, tx, scanString, `SELECT DISTINCT lower(recipient) FROM notices WHERE party = $1 AND party <> '' AND recipient <> '' AND kind <> 'receipt' ORDER BY 1 LIMIT $2`, clean(id), MaxContacts)
}

// ContactFigures gives what the delivery log, the logs of the cases and the
// mail that came in show of some addresses (in lower case; at most
// MaxContacts). An address that nothing was ordered to has figures of zero.
//
// Nothing is kept beside those logs, so that the figures cannot differ from
// them. Asks, answers and silence are those of the latest party.RecentAsks
// obligations per address.
func (tx *Tx) ContactFigures(ctx context.Context, addresses []string) (map[string]party.Figures, error) {
	out := map[string]party.Figures{}
	if len(addresses) > MaxContacts {
		return nil, problem.New(problem.TooLarge, "figures of %d addresses were asked for, %d is the most", len(addresses), MaxContacts)
	}
	var args []any
	for _, a := range addresses {
		if a != "" {
			out[a] = party.Figures{Address: a}
			args = append(args, clean(a))
		}
	}
	if len(args) == 0 {
		return out, nil
	}
	if err := tx.deliveries(ctx, out, args); err != nil {
		return nil, err
	}
	asks, err := tx.recentAsks(ctx, out)
	if err != nil || len(asks) == 0 {
		return out, err
	}
	if err := tx.settleAsks(ctx, out, asks); err != nil {
		return nil, err
	}
	return out, tx.answersByMail(ctx, out, asks)
}

// deliveries fills in what the delivery log alone shows.
func (tx *Tx) deliveries(ctx context.Context, out map[string]party.Figures, args []any) error {
	type row struct {
		address     string
		state       NoticeState
		n           int
		tried       int
		recoverable int
		first       int64
		last        sql.NullInt64
	}
	rows, err := list(ctx, tx, func(s scanner) (r row, err error) {
		return r, s.Scan(&r.address, &r.state, &r.recoverable, &r.n, &r.tried, &r.first, &r.last)
	}, `SELECT lower(recipient), state, recoverable, count(*), sum(CASE WHEN attempts > 0 AND recoverable = 1 THEN 1 ELSE 0 END), min(created), max(done) FROM notices
WHERE recipient <> '' AND kind <> 'receipt' AND lower(recipient) IN (`+in(1, len(args))+`) GROUP BY lower(recipient), state, recoverable`, args...)
	if err != nil {
		return err
	}
	for _, r := range rows {
		f := out[r.address]
		if first := time.UnixMicro(r.first).UTC(); f.FirstSeen.IsZero() || first.Before(f.FirstSeen) {
			f.FirstSeen = first
		}
		last := fromMicros(r.last)
		switch {
		case r.state == NoticeAccepted:
			f.Accepted += r.n
			f.LastAccepted = later(f.LastAccepted, last)
		case r.state == NoticeFailed && r.recoverable == 0:
			f.Refused += r.n
			f.LastRefused = later(f.LastRefused, last)
		case r.state == NoticeFailed:
			f.Temporary += r.n
		case r.state == NoticeDue:
			f.Temporary += r.tried
		case r.state == NoticeInDoubt:
			f.InDoubt += r.n
		}
		out[r.address] = f
	}
	for a, f := range out {
		if f.LastRefused.IsZero() {
			continue
		}
		// In the server's words: of the latest refusal.
		words, err := list(ctx, tx, scanString, `SELECT response FROM notices WHERE recipient <> '' AND lower(recipient) = $1 AND state = 'failed' AND recoverable = 0 ORDER BY done DESC, id DESC LIMIT 1`, clean(a))
		if err != nil {
			return err
		}
		if len(words) > 0 {
			f.Refusal = words[0]
			out[a] = f
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// delivery is one notice that a server accepted.
type delivery struct {
	caseID, obligation, address, party string
	number                             int
	kind                               string
	at                                 time.Time
}

// ask is an obligation that an address is asked to meet.
type ask struct {
	address    string
	obligation string
	delivered  time.Time
	asks       bool // and does not only inform
	answered   bool
	acted      bool
	missed     bool
	bounced    bool
}

// recentAsks finds the notices accepted about the latest obligations of each
// address, by obligation, each with all its deliveries, whoever they went to.
func (tx *Tx) recentAsks(ctx context.Context, out map[string]party.Figures) (map[string][]delivery, error) {
	var cases []any
	wanted := map[string]bool{}
	for _, a := range slices.Sorted(maps.Keys(out)) {
		if out[a].Accepted == 0 {
			continue
		}
		rows, err := list(ctx, tx, func(s scanner) (p [2]string, err error) {
			var last sql.NullInt64
			return p, s.Scan(&p[0], &p[1], &last)
		}, `SELECT case_id, obligation, max(done) FROM notices WHERE recipient <> '' AND lower(recipient) = $1 AND state = 'accepted' AND kind <> 'receipt'
AND case_id IS NOT NULL GROUP BY case_id, obligation ORDER BY max(done) DESC, obligation DESC LIMIT $2`, clean(a), party.RecentAsks)
		if err != nil {
			return nil, err
		}
		for _, p := range rows {
			if !wanted[p[1]] {
				wanted[p[1]] = true
				cases = append(cases, p[0])
			}
		}
	}
	asks := map[string][]delivery{}
	for part := range slices.Chunk(cases, 500) {
		ds, err := list(ctx, tx, func(s scanner) (d delivery, err error) {
			var at sql.NullInt64
			err = s.Scan(&d.caseID, &d.obligation, &d.address, &d.party, &d.number, &d.kind, &at)
			d.at = fromMicros(at)
			return d, err
		}, `SELECT case_id, obligation, lower(recipient), party, number, kind, done FROM notices
WHERE case_id IN (`+in(1, len(part))+`) AND state = 'accepted' ORDER BY done, number`, part...)
		if err != nil {
			return nil, err
		}
		for _, d := range ds {
			if wanted[d.obligation] && !slices.Contains(asks[d.obligation], d) {
				asks[d.obligation] = append(asks[d.obligation], d)
			}
		}
	}
	return asks, nil
}

// settleAsks reads from the logs of the cases what came of the asks.
func (tx *Tx) settleAsks(ctx context.Context, out map[string]party.Figures, asks map[string][]delivery) error {
	byCase := map[string][]string{}
	results := map[string]*ask{} // by obligation and address
	key := func(d delivery) string { return d.obligation + " " + d.address }
	for o, ds := range asks {
		byCase[ds[0].caseID] = append(byCase[ds[0].caseID], o)
		for _, d := range ds {
			if r := results[key(d)]; r == nil {
				results[key(d)] = &ask{address: d.address, obligation: d.obligation, delivered: d.at, asks: d.kind != "inform"}
			}
		}
	}
	var cases []any
	for _, c := range slices.Sorted(maps.Keys(byCase)) {
		cases = append(cases, c)
	}
	type event struct {
		caseID string
		kind   casework.Kind
		at     int64
		body   []byte
	}
	for part := range slices.Chunk(cases, 500) {
		evs, err := list(ctx, tx, func(s scanner) (e event, err error) { return e, s.Scan(&e.caseID, &e.kind, &e.at, &e.body) },
			`SELECT e.case_id, e.kind, e.at, p.body FROM events e JOIN payloads p ON p.case_id = e.case_id AND p.seq = e.seq
WHERE e.case_id IN (`+in(1, len(part))+`) AND e.kind IN ('`+strings.Join([]string{string(casework.KindAnswered), string(casework.KindMissed), string(casework.KindFailed), string(casework.KindClosed)}, "', '")+`') ORDER BY e.case_id, e.seq`, part...)
		if err != nil {
			return err
		}
		for _, e := range evs {
			var b struct {
				Obligation string            `json:"obligation"`
				Notice     int               `json:"notice"`
				Bounced    bool              `json:"bounced"`
				Response   string            `json:"response"`
				Actor      casework.Measured `json:"actor"`
			}
			if err := json.Unmarshal(e.body, &b); err != nil {
				return problem.Wrap(err, problem.Corrupt, "an event of case %s does not parse", e.caseID)
			}
			at := time.UnixMicro(e.at).UTC()
			if e.kind == casework.KindClosed { // who acted is known at the end
				for _, o := range byCase[e.caseID] {
					if d, ok := reached(asks[o], at); ok && b.Actor.ActorID != "" && d.party == b.Actor.ActorID {
						results[key(d)].acted = true
					}
				}
				continue
			}
			ds := asks[b.Obligation]
			if e.kind == casework.KindFailed {
				// Taken by a server, and returned later.
				for _, d := range ds {
					if b.Bounced && d.number == b.Notice {
						results[key(d)].bounced = true
						if f, ok := out[d.address]; ok {
							f.Accepted--
							f.Refused++
							if at.After(f.LastRefused) {
								f.LastRefused, f.Refusal = at, b.Response
							}
							out[d.address] = f
						}
					}
				}
				continue
			}
			d, ok := reached(ds, at)
			if !ok {
				continue
			}
			switch r := results[key(d)]; e.kind {
			case casework.KindAnswered:
				r.answered = true
				if f, ok := out[d.address]; ok {
					f.LastPerson = later(f.LastPerson, at)
					out[d.address] = f
				}
			case casework.KindMissed:
				r.missed = true
			}
		}
	}
	tally(out, slices.Collect(maps.Values(results)))
	keepLast(out, results, asks)
	return nil
}

// reached is the delivery that an event at a time follows: the latest before it.
func reached(ds []delivery, at time.Time) (delivery, bool) {
	for _, d := range slices.Backward(ds) {
		if !d.at.After(at) {
			return d, true
		}
	}
	return delivery{}, false
}

// tally counts the asks of each address, the latest first.
func tally(out map[string]party.Figures, asks []*ask) {
	slices.SortFunc(asks, func(a, b *ask) int {
		return cmp.Or(strings.Compare(a.address, b.address), b.delivered.Compare(a.delivered), strings.Compare(b.obligation, a.obligation))
	})
	settled := map[string]bool{} // the run of silence has ended
	for _, a := range asks {
		f, ok := out[a.address]
		if !ok || a.bounced || !a.asks || f.Asks == party.RecentAsks {
			continue
		}
		f.Asks++
		switch {
		case a.answered:
			f.Answered++
			settled[a.address] = true
		case a.acted:
			f.Acted++
			settled[a.address] = true
		case a.missed:
			f.Missed++
			if !settled[a.address] {
				f.Silent++
				f.SilentSince = a.delivered
			}
		}
		out[a.address] = f
	}
}

// keepLast takes acceptances that were returned later out of LastAccepted.
func keepLast(out map[string]party.Figures, results map[string]*ask, asks map[string][]delivery) {
	last, returned := map[string]time.Time{}, map[string]bool{}
	for _, ds := range asks {
		for _, d := range ds {
			if results[d.obligation+" "+d.address].bounced {
				returned[d.address] = true
			} else {
				last[d.address] = later(last[d.address], d.at)
			}
		}
	}
	for a := range returned {
		if f, ok := out[a]; ok {
			f.LastAccepted = last[a]
			out[a] = f
		}
	}
}

// mailKinds says of the kinds of mail (package mail) who wrote it. What is not
// here is no answer: delivery reports, lists, feedback.
var mailKinds = map[string]writer{"person": byPerson, "auto-reply": byMachine, "ticket": byMachine, "generated": byMachine, "read": byMachine}

type writer int

const (
	byNobody writer = iota
	byPerson
	byMachine
)

// answersByMail adds when mail about the asks last came back, by what it was
// taken for. A delivery report is no answer.
func (tx *Tx) answersByMail(ctx context.Context, out map[string]party.Figures, asks map[string][]delivery) error {
	var obligations []any
	for _, o := range slices.Sorted(maps.Keys(asks)) {
		obligations = append(obligations, o)
	}
	type mail struct {
		obligation, kind string
		at               int64
	}
	for part := range slices.Chunk(obligations, 500) {
		ms, err := list(ctx, tx, func(s scanner) (m mail, err error) { return m, s.Scan(&m.obligation, &m.kind, &m.at) },
			`SELECT obligation, kind, max(received) FROM mails WHERE obligation <> '' AND obligation IN (`+in(1, len(part))+`) AND state = 'filed' GROUP BY obligation, kind`, part...)
		if err != nil {
			return err
		}
		for _, m := range ms {
			at := time.UnixMicro(m.at).UTC()
			d, ok := reached(asks[m.obligation], at)
			f, wanted := out[d.address]
			if !ok || !wanted {
				continue
			}
			switch mailKinds[m.kind] {
			case byPerson:
				f.LastPerson = later(f.LastPerson, at)
			case byMachine:
				f.LastMachine = later(f.LastMachine, at)
			}
			out[d.address] = f
		}
	}
	return nil
}
