package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"bailiwick/casework"
	"bailiwick/name"
)

// Names are found by their parts. For each place in a name, table name_parts
// holds the octets from there on, at most partSize of them, as a number that
// sorts as they do. A part of a name is then one range of that table, whatever
// its length; what is longer than partSize is looked up by its rarest piece
// and compared. A part that very many names hold is not worth looking up: the
// queue is read in its order, which soon meets enough of them.

// FailedNotices reads the notices of some cases that could not be delivered, in
// the order they were ordered.
func (tx *Tx) FailedNotices(ctx context.Context, cases []string) ([]Notice, error) {
	var out []Notice
	for part := range slices.Chunk(cases, 500) {
		ns, err := list(ctx, tx, scanNotice, selectNotice+"WHERE case_id IN ("+in(1, len(part))+") AND state = 'failed' ORDER BY created, id", anys(part)...)
		if err != nil {
			return nil, err
		}
		out = append(out, ns...)
	}
	return out, nil
}

// searchVersion is the migration that this began with.
const searchVersion = 6

// partSize is how many octets of a name one number holds.
const partSize = 6

// fewNames is how many names a part may be found in to be looked up.
const fewNames = 4000

// part is the number of the first octets of s: all that begin with s are from
// part to last.
func part(s string) (first, last int64) {
	for i := range partSize {
		first, last = first<<8, last<<8|0xff
		if i < len(s) {
			first, last = first|int64(s[i]), last&^0xff|int64(s[i])
		}
	}
	return first, last
}

// parts are the numbers of all places in some forms of a name, sorted, each
// once.
func parts(forms ...string) []int64 {
	var out []int64
	for _, f := range forms {
		for i := range f { // the beginnings of characters: no other place can match
			p, _ := part(f[i:])
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unicodeForm is a name in its own script, lower case, or "" where that is no
// other one.
func unicodeForm(key string) string {
	if !strings.Contains(key, "xn--") {
		return ""
	}
	d, err := name.ParseAny(key)
	if err != nil {
		return ""
	}
	if u := strings.ToLower(d.Unicode()); u != key && clean(u) == u {
		return u
	}
	return ""
}

const (
	insertName = "INSERT INTO names (key, unicode) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id"
	// In one statement: a round trip costs more than the rows.
	insertNamePG  = "WITH n AS (INSERT INTO names (key, unicode) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id) INSERT INTO name_parts (part, name) SELECT unnest($3::bigint[]), id FROM n"
	insertPartsLT = "INSERT INTO name_parts (part, name) SELECT value, $2 FROM json_each($1)"
)

// indexName makes the parts of a name findable. It is called for each new case.
func (tx *Tx) indexName(ctx context.Context, key string) error {
	u := unicodeForm(key)
	var other *string
	if u != "" {
		other = &u
	}
	if tx.s.engine == PostgreSQL {
		_, err := tx.exec(ctx, insertNamePG, key, other, parts(key, u))
		return err
	}
	var id int64
	err := tx.row(ctx, insertName, key, other).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // known from another case
	}
	if err != nil {
		return tx.s.wrap(err, "index a name")
	}
	list, err := json.Marshal(parts(key, u))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, insertPartsLT, string(list), id)
	return err
}

// namesWith finds the names that hold a part. many says that they are too many
// to be looked up, and that keys are not given.
func (tx *Tx) namesWith(ctx context.Context, term string) (keys []string, many bool, err error) {
	least, from, to := fewNames+1, int64(0), int64(0)
	for _, piece := range pieces(term) {
		first, last := part(piece)
		var n int
		if err := tx.row(ctx, fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM name_parts WHERE part BETWEEN $1 AND $2 LIMIT %d) found", least), first, last).Scan(&n); err != nil {
			return nil, false, tx.s.wrap(err, "look for a part of a name")
		}
		if n < least {
			least, from, to = n, first, last
		}
		if n <= fewNames/100 {
			break // rare enough
		}
	}
	if least > fewNames {
		return nil, true, nil
	}
	if least == 0 {
		return nil, false, nil
	}
	_, err = list(ctx, tx, func(s scanner) (struct{}, error) {
		var key string
		var u sql.NullString
		err := s.Scan(&key, &u)
		if strings.Contains(key, term) || strings.Contains(u.String, term) {
			keys = append(keys, key)
		}
		return struct{}{}, err
	}, "SELECT key, unicode FROM names WHERE id IN (SELECT name FROM name_parts WHERE part BETWEEN $1 AND $2) ORDER BY id", from, to)
	return keys, false, err
}

// maxPieces is how many pieces of a long part are tried.
const maxPieces = 8

// pieces are what a part of a name is looked up by: it, or, where it is longer
// than a number holds, some pieces of it of that length, the last one first,
// since names differ at the front and people type from there.
func pieces(term string) []string {
	if len(term) <= partSize {
		return []string{term}
	}
	var starts []int
	for i := range term {
		if i+partSize <= len(term) {
			starts = append(starts, i)
		}
	}
	var out []string
	step := max(1, (len(starts)+maxPieces-1)/maxPieces)
	for i := len(starts) - 1; i >= 0; i -= step {
		out = append(out, term[starts[i]:])
	}
	return out
}

// contains adds the condition that the subject's name holds a part. few says
// that it names the names, so that it is the way to the rows; none that no name
// does.
func (tx *Tx) contains(ctx context.Context, q *conditions, part string) (few, none bool, err error) {
	lite := tx.s.engine == SQLite
	within := func(column string) string { return pick(lite, "instr(", "strpos(") + column + ", ?) > 0" }
	var or []string
	var args []any
	var keys []string
	few = true
	for _, term := range terms(part) {
		found, many, err := tx.namesWith(ctx, term)
		if err != nil {
			return false, false, err
		}
		keys = append(keys, found...)
		if !many {
			continue
		}
		few = false
		or, args = append(or, within("subject_key")), append(args, term)
		if !ascii(term) {
			or[len(or)-1] = "subject_key IN (SELECT key FROM names WHERE unicode IS NOT NULL AND " + within("unicode") + ")"
		}
	}
	if len(keys) > 0 {
		slices.Sort(keys)
		keys = slices.Compact(keys)
		or = append(or, pick(lite, "subject_key IN (SELECT value FROM json_each(?))", "subject_key = ANY(CAST(? AS text[]))"))
		if lite {
			b, err := json.Marshal(keys)
			if err != nil {
				return false, false, err
			}
			args = append(args, string(b))
		} else {
			args = append(args, keys)
		}
	}
	if len(or) == 0 {
		return true, true, nil
	}
	q.add("("+strings.Join(or, " OR ")+")", args...)
	return few, false, nil
}

// terms are what a part of a name is looked for as: lower case, and where it
// has A-labels also in its own script: what people type as a part of a label
// comes as the A-label of that part, which no name holds.
func terms(part string) []string {
	t := strings.ToLower(clean(part))
	out := []string{t}
	if u := unicodeForm(t); u != "" {
		out = append(out, u)
	} else if !ascii(t) {
		if d, err := name.ParseAny(t); err == nil && d.String() != t {
			out = append(out, d.String())
		}
	}
	return out
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// HandOff is an obligation that waits for a person.
type HandOff struct {
	Obligation, Case string
	Opened           int64 // microseconds since 1970, to page by
}

// PutHandOffs says which obligations of a case wait for a person now and did
// not, and which did and do not any more.
func (tx *Tx) PutHandOffs(ctx context.Context, caseID string, added []casework.Obligation, gone []string) error {
	for _, o := range added {
		if _, err := tx.exec(ctx, "INSERT INTO handoffs (obligation, case_id, opened) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", clean(o.ID), clean(caseID), instant(o.Opened)); err != nil {
			return err
		}
	}
	for _, id := range gone {
		if _, err := tx.exec(ctx, "DELETE FROM handoffs WHERE obligation = $1", clean(id)); err != nil {
			return err
		}
	}
	return nil
}

// HandOffs lists what waits for a person, the oldest first, at most limit after
// a place (nil: from the beginning).
func (tx *Tx) HandOffs(ctx context.Context, after *HandOff, limit int) ([]HandOff, error) {
	var a HandOff
	if after != nil {
		a = *after
	} else {
		a.Opened = -1 << 62
	}
	return list(ctx, tx, func(s scanner) (h HandOff, err error) { return h, s.Scan(&h.Obligation, &h.Case, &h.Opened) },
		"SELECT obligation, case_id, opened FROM handoffs WHERE (opened > $1 OR opened = $1 AND obligation > $2) ORDER BY opened, obligation LIMIT $3", a.Opened, clean(a.Obligation), limit)
}

// CountHandOffs counts what waits for a person, up to most.
func (tx *Tx) CountHandOffs(ctx context.Context, most int) (n int, err error) {
	err = tx.row(ctx, "SELECT count(*) FROM (SELECT 1 FROM handoffs LIMIT $1) found", most).Scan(&n)
	return n, tx.s.wrap(err, "count hand-overs")
}

// CasesByID reads cases by their ids, in any order; what is not there is left
// out.
func (tx *Tx) CasesByID(ctx context.Context, ids []string) (map[string]Case, error) {
	out := map[string]Case{}
	for part := range slices.Chunk(ids, 500) {
		cs, err := list(ctx, tx, scanCase, selectCase+"WHERE id IN ("+in(1, len(part))+")", anys(part)...)
		if err != nil {
			return nil, err
		}
		for _, c := range cs {
			out[c.ID] = c
		}
	}
	return out, nil
}

// fillSearch does for the cases of before what migration 6 keeps for new ones.
// It names its columns: others came later.
func (tx *Tx) fillSearch(ctx context.Context) error {
	type row struct {
		id, key, state string
		body           []byte
	}
	for after := ""; ; {
		rows, err := list(ctx, tx, func(s scanner) (r row, err error) { return r, s.Scan(&r.id, &r.key, &r.state, &r.body) },
			"SELECT id, subject_key, state, body FROM cases WHERE id > $1 ORDER BY id LIMIT $2", after, fillPiece)
		if err != nil {
			return err
		}
		for _, r := range rows {
			after = r.id
			if err := tx.indexName(ctx, r.key); err != nil {
				return err
			}
			if r.state != string(casework.Coordinating) {
				continue
			}
			var cs casework.Case
			if err := json.Unmarshal(r.body, &cs); err != nil {
				// What does not read cannot be handed over either; it must not
				// keep the centre from starting.
				tx.s.log.Warn("a case does not read", "case", r.id, "err", err)
				continue
			}
			var tasks []casework.Obligation
			for _, o := range cs.Obligations {
				if cs.ForPerson(o) {
					tasks = append(tasks, o)
				}
			}
			if err := tx.PutHandOffs(ctx, r.id, tasks, nil); err != nil {
				return err
			}
		}
		if len(rows) < fillPiece {
			return nil
		}
	}
}

const fillPiece = 500
