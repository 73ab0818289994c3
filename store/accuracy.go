package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"bailiwick/accuracy/census"
	"bailiwick/problem"
)

// AccuracyFrame is where records come from whose accuracy is counted.
type AccuracyFrame struct {
	Name      string
	Source    census.Source
	Published bool // the public sees its sums
	Created   time.Time
}

// AccuracySet is a frame under one version of one profile.
type AccuracySet struct {
	ID            int64
	Frame         AccuracyFrame
	Profile, Hash string
	First, Last   time.Time // assessments
}

// AccuracyName is the latest outcome of a name in a set.
type AccuracyName struct {
	Name      string // A-labels
	TLD       string
	Registrar string // key: an IANA ID, or a name in lower case; AccuracyNobody where none is said
	At        time.Time
	// Gone says that the name was not registered when it was last seen: it is
	// in no sum of today.
	Gone    bool
	Outcome census.Outcome
}

// AccuracyNobody is the key of names whose registrar is not said.
const AccuracyNobody = "-"

// AccuracyMonth is the month of a time as it is stored: 202611.
func AccuracyMonth(t time.Time) int {
	t = t.UTC()
	return t.Year()*100 + int(t.Month())
}

// AccuracyNow is the month of the sums of today.
const AccuracyNow = 0

// AccuracyCount is a sum: of a month, a TLD ("" for all) and a registrar ("" for
// all). Detail is filled in where it was asked for.
type AccuracyCount struct {
	Month          int
	TLD, Registrar string
	Counts         census.Counts
	Detail         census.Detail
}

// PutAccuracyFrame makes a frame if there is none of that name. One of another
// source is a Conflict: what may be said of its sums would change.
func (tx *Tx) PutAccuracyFrame(ctx context.Context, f AccuracyFrame) error {
	if f.Name == "" || !slices.Contains(census.Sources(), f.Source) || f.Created.IsZero() {
		return problem.New(problem.Internal, "a frame needs a name, a source and a time")
	}
	if _, err := tx.exec(ctx, "INSERT INTO accuracy_frames (name, source, published, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		clean(f.Name), string(f.Source), boolInt(f.Published), instant(f.Created)); err != nil {
		return err
	}
	have, err := tx.accuracyFrame(ctx, f.Name)
	if err == nil && have.Source != f.Source {
		err = problem.New(problem.Conflict, "the frame %q is of another kind: %s, not %s", f.Name, have.Source, f.Source)
	}
	return err
}

func scanFrame(s scanner) (AccuracyFrame, error) {
	var f AccuracyFrame
	var published, created int64
	err := s.Scan(&f.Name, &f.Source, &published, &created)
	f.Published, f.Created = published == 1, time.UnixMicro(created).UTC()
	return f, err
}

func (tx *Tx) accuracyFrame(ctx context.Context, name string) (AccuracyFrame, error) {
	f, err := scanFrame(tx.row(ctx, "SELECT name, source, published, created FROM accuracy_frames WHERE name = $1", clean(name)))
	if errors.Is(err, sql.ErrNoRows) {
		return f, problem.New(problem.NotFound, "there is no such frame")
	}
	return f, tx.s.wrap(err, "read a frame")
}

// AccuracyFrames lists the frames by name.
func (tx *Tx) AccuracyFrames(ctx context.Context) ([]AccuracyFrame, error) {
	return list(ctx, tx, scanFrame, "SELECT name, source, published, created FROM accuracy_frames ORDER BY name")
}

// PublishAccuracy says whether the public sees the sums of a frame. What was
// looked up is never published: which names those are is the centre's work, and
// a sample of nothing.
func (tx *Tx) PublishAccuracy(ctx context.Context, frame string, on bool) error {
	f, err := tx.accuracyFrame(ctx, frame)
	if err != nil {
		return err
	}
	if on && f.Source == census.LookedUp {
		return problem.New(problem.Refused, "what this centre looked up is not published: most of it was looked up because it was reported, so that it says nothing about other names")
	}
	_, err = tx.exec(ctx, "UPDATE accuracy_frames SET published = $1 WHERE name = $2", boolInt(on), f.Name)
	return err
}

// DropAccuracy deletes a frame with everything that was counted in it.
func (tx *Tx) DropAccuracy(ctx context.Context, frame string) error {
	f, err := tx.accuracyFrame(ctx, frame)
	if err != nil {
		return err
	}
	for _, q := range []string{
		"DELETE FROM accuracy_counts WHERE set_id IN (SELECT id FROM accuracy_sets WHERE frame = $1)",
		"DELETE FROM accuracy_names WHERE set_id IN (SELECT id FROM accuracy_sets WHERE frame = $1)",
		"DELETE FROM accuracy_sets WHERE frame = $1", "DELETE FROM accuracy_imports WHERE frame = $1", "DELETE FROM accuracy_frames WHERE name = $1",
	} {
		if _, err := tx.exec(ctx, q, f.Name); err != nil {
			return err
		}
	}
	// A profile of one's own is kept for the sets that were held against it.
	_, err = tx.exec(ctx, "DELETE FROM accuracy_profiles WHERE hash NOT IN (SELECT hash FROM accuracy_sets)")
	return err
}

const selectAccuracySet = `SELECT s.id, s.profile, s.hash, s.first, s.last, f.name, f.source, f.published, f.created FROM accuracy_sets s JOIN accuracy_frames f ON f.name = s.frame `

func scanSet(s scanner) (AccuracySet, error) {
	var x AccuracySet
	var first, last, published, created int64
	err := s.Scan(&x.ID, &x.Profile, &x.Hash, &first, &last, &x.Frame.Name, &x.Frame.Source, &published, &created)
	x.First, x.Last = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
	x.Frame.Published, x.Frame.Created = published == 1, time.UnixMicro(created).UTC()
	return x, err
}

// AccuracySets lists all sets, the one that was written last first.
func (tx *Tx) AccuracySets(ctx context.Context) ([]AccuracySet, error) {
	return list(ctx, tx, scanSet, selectAccuracySet+"ORDER BY s.last DESC, s.id DESC")
}

// TakeAccuracySet gives the id of a set, which is made if need be, and holds it
// until the transaction ends: its sums are changed by one at a time.
func (tx *Tx) TakeAccuracySet(ctx context.Context, frame, profile, hash string, at time.Time) (id int64, err error) {
	err = tx.row(ctx, `INSERT INTO accuracy_sets (frame, profile, hash, first, last) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (frame, profile, hash) DO UPDATE SET last = CASE WHEN accuracy_sets.last < excluded.last THEN excluded.last ELSE accuracy_sets.last END RETURNING id`,
		clean(frame), clean(profile), clean(hash), instant(at)).Scan(&id)
	return id, tx.s.wrap(err, "write a set")
}

// accuracyKey is what a sum is of.
type accuracyKey struct {
	month          int
	tld, registrar string
}

// accuracyDelta is what is added to sums.
type accuracyDelta map[accuracyKey]*AccuracyCount

func (d accuracyDelta) add(month int, n AccuracyName, times int) {
	for _, tld := range [2]string{"", n.TLD} {
		for _, reg := range [2]string{"", n.Registrar} {
			k := accuracyKey{month, tld, reg}
			c := d[k]
			if c == nil {
				c = &AccuracyCount{Detail: census.Detail{}}
				d[k] = c
			}
			c.Counts.Add(n.Outcome, times)
			c.Detail.Add(n.Outcome, times)
		}
	}
}

// accuracyChunk is how many names are read in one query.
const accuracyChunk = 400

// AddAccuracy writes outcomes of names into a set that was taken in this
// transaction, and brings its sums up to date. An outcome that is older than the
// one there, or than what is kept, is left out. It says how many were written.
func (tx *Tx) AddAccuracy(ctx context.Context, set int64, names []AccuracyName) (int, error) {
	for _, n := range names {
		if n.Name == "" || n.TLD == "" || n.Registrar == "" || n.At.IsZero() {
			return 0, problem.New(problem.Internal, "an outcome needs a name, a TLD, a registrar and a time")
		}
	}
	have := map[string]AccuracyName{}
	for chunk := range slices.Chunk(names, accuracyChunk) {
		args := []any{set}
		for _, n := range chunk {
			args = append(args, clean(n.Name))
		}
		rows, err := list(ctx, tx, scanAccuracyName, "SELECT name, tld, registrar, at, gone, outcome FROM accuracy_names WHERE set_id = $1 AND name IN ("+in(2, len(chunk))+")", args...)
		if err != nil {
			return 0, err
		}
		for _, r := range rows {
			have[r.Name] = r
		}
	}
	// What expired was counted in its month: an older outcome of a name that is
	// not there any more would be counted in it again.
	var floor int64
	if err := tx.row(ctx, "SELECT expired FROM accuracy_sets WHERE id = $1", set).Scan(&floor); err != nil {
		return 0, tx.s.wrap(err, "read until when a set has expired")
	}
	sums, written := accuracyDelta{}, map[string]bool{}
	var order []string
	for _, n := range names {
		n.Name, n.TLD, n.Registrar = clean(n.Name), clean(n.TLD), clean(n.Registrar)
		old, known := have[n.Name]
		if !known && (n.Gone || instant(n.At) <= floor) || known && n.At.Before(old.At) {
			continue
		}
		month := AccuracyMonth(n.At)
		if known && !old.Gone {
			sums.add(AccuracyNow, old, -1)
			if AccuracyMonth(old.At) == month {
				sums.add(month, old, -1)
			}
		}
		if !n.Gone {
			sums.add(AccuracyNow, n, 1)
			sums.add(month, n, 1)
		}
		if have[n.Name] = n; !written[n.Name] {
			written[n.Name], order = true, append(order, n.Name)
		}
	}
	slices.Sort(order)
	const columns = 9
	for chunk := range slices.Chunk(order, 100) {
		var args []any
		for _, name := range chunk {
			n := have[name]
			body, err := json.Marshal(n.Outcome)
			if err != nil {
				return 0, err
			}
			args = append(args, set, n.Name, n.TLD, n.Registrar, instant(n.At), int64(AccuracyMonth(n.At)), boolInt(n.Gone), string(n.Outcome.Result(census.Reach)), string(body))
		}
		if _, err := tx.exec(ctx, "INSERT INTO accuracy_names (set_id, name, tld, registrar, at, month, gone, reach, outcome) VALUES "+values(len(chunk), columns)+
			` ON CONFLICT (set_id, name) DO UPDATE SET tld = excluded.tld, registrar = excluded.registrar, at = excluded.at, month = excluded.month,
gone = excluded.gone, reach = excluded.reach, outcome = excluded.outcome`, args...); err != nil {
			return 0, err
		}
	}
	return len(order), tx.addSums(ctx, set, sums)
}

// addSums brings the sums of a set up to date, many in one statement.
func (tx *Tx) addSums(ctx context.Context, set int64, sums accuracyDelta) error {
	keys := make([]accuracyKey, 0, len(sums))
	for k, d := range sums {
		if d.Counts != (census.Counts{}) || len(d.Detail) > 0 { // not taken out and put in again
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b accuracyKey) int {
		return cmp.Or(cmp.Compare(a.month, b.month), cmp.Compare(a.tld, b.tld), cmp.Compare(a.registrar, b.registrar))
	})
	for len(keys) > 0 {
		n := 1 // of one month and TLD
		for n < len(keys) && n < accuracySums && keys[n].month == keys[0].month && keys[n].tld == keys[0].tld {
			n++
		}
		if err := tx.addSumsOf(ctx, set, keys[:n], sums); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// accuracySums is how many sums are written in one statement.
const accuracySums = 100

// addSumsOf brings sums of one month and TLD up to date.
func (tx *Tx) addSumsOf(ctx context.Context, set int64, keys []accuracyKey, sums accuracyDelta) error {
	month, tld := int64(keys[0].month), keys[0].tld
	args := []any{set, month, tld}
	for _, k := range keys {
		args = append(args, k.registrar)
	}
	rows, err := list(ctx, tx, scanAccuracyCount, selectAccuracyDetail+"WHERE set_id = $1 AND month = $2 AND tld = $3 AND registrar IN ("+in(4, len(keys))+")", args...)
	if err != nil {
		return err
	}
	have := make(map[string]AccuracyCount, len(rows))
	for _, r := range rows {
		have[r.Registrar] = r
	}
	const columns = 7
	args = args[:0]
	for _, k := range keys {
		d, c := sums[k], have[k.registrar]
		if c.Detail == nil {
			c.Detail = census.Detail{}
		}
		c.Counts.Plus(d.Counts)
		c.Detail.Plus(d.Detail)
		if c.Counts.N == 0 {
			if _, err := tx.exec(ctx, "DELETE FROM accuracy_counts WHERE set_id = $1 AND month = $2 AND tld = $3 AND registrar = $4", set, month, tld, k.registrar); err != nil {
				return err
			}
			continue
		}
		counts, err := c.Counts.MarshalText()
		if err != nil {
			return err
		}
		detail, err := json.Marshal(c.Detail)
		if err != nil {
			return err
		}
		args = append(args, set, month, tld, k.registrar, int64(c.Counts.N), string(counts), string(detail))
	}
	if len(args) == 0 {
		return nil
	}
	_, err = tx.exec(ctx, "INSERT INTO accuracy_counts (set_id, month, tld, registrar, n, counts, detail) VALUES "+values(len(args)/columns, columns)+
		" ON CONFLICT (set_id, month, tld, registrar) DO UPDATE SET n = excluded.n, counts = excluded.counts, detail = excluded.detail", args...)
	return err
}

func scanAccuracyName(s scanner) (AccuracyName, error) {
	var n AccuracyName
	var at, gone int64
	var body string
	if err := s.Scan(&n.Name, &n.TLD, &n.Registrar, &at, &gone, &body); err != nil {
		return n, err
	}
	n.At, n.Gone = time.UnixMicro(at).UTC(), gone == 1
	if err := json.Unmarshal([]byte(body), &n.Outcome); err != nil {
		return n, problem.Wrap(err, problem.Corrupt, "the outcome of %s does not parse", n.Name)
	}
	return n, nil
}

// AccuracyOf is the latest outcome of a name in a set; ok is false when it has
// none.
func (tx *Tx) AccuracyOf(ctx context.Context, set int64, name string) (n AccuracyName, ok bool, err error) {
	n, err = scanAccuracyName(tx.row(ctx, "SELECT name, tld, registrar, at, gone, outcome FROM accuracy_names WHERE set_id = $1 AND name = $2", set, clean(name)))
	if errors.Is(err, sql.ErrNoRows) {
		return n, false, nil
	}
	return n, err == nil, tx.s.wrap(err, "read an outcome")
}

// AccuracySetsOf lists the ids of the sets that hold a name.
func (tx *Tx) AccuracySetsOf(ctx context.Context, name string) ([]int64, error) {
	return list(ctx, tx, func(s scanner) (int64, error) {
		var id int64
		err := s.Scan(&id)
		return id, err
	}, "SELECT set_id FROM accuracy_names WHERE name = $1 ORDER BY set_id", clean(name))
}

// AccuracyBefore lists names of a set under some TLDs that were last seen before
// a time and are not gone, in order, after one; at most 500.
func (tx *Tx) AccuracyBefore(ctx context.Context, set int64, tlds []string, before time.Time, after string) ([]AccuracyName, error) {
	args := []any{set, instant(before), clean(after)}
	for _, t := range tlds {
		args = append(args, clean(t))
	}
	return list(ctx, tx, scanAccuracyName, `SELECT name, tld, registrar, at, gone, outcome FROM accuracy_names
WHERE set_id = $1 AND gone = 0 AND at < $2 AND name > $3 AND tld IN (`+in(4, len(tlds))+`) ORDER BY name LIMIT 500`, args...)
}

// AccuracySize is how many names a cell of a set counts today: a registrar in a
// TLD.
type AccuracySize struct {
	TLD, Registrar string
	N              int
}

// MaxAccuracySizes is how many cells are read.
const MaxAccuracySizes = 200_000

// AccuracySizes are the sizes of all cells of a set. The error is
// problem.TooLarge when there are too many to be looked through.
func (tx *Tx) AccuracySizes(ctx context.Context, set int64) ([]AccuracySize, error) {
	out, err := list(ctx, tx, func(s scanner) (c AccuracySize, err error) {
		err = s.Scan(&c.TLD, &c.Registrar, &c.N)
		return c, err
	}, "SELECT tld, registrar, n FROM accuracy_counts WHERE set_id = $1 AND month = 0 AND tld <> '' AND registrar <> '' LIMIT $2", set, MaxAccuracySizes+1)
	if err == nil && len(out) > MaxAccuracySizes {
		err = problem.New(problem.TooLarge, "over %d registrars in TLDs are counted", MaxAccuracySizes)
	}
	return out, err
}

// AccuracyFold is what of one month is too small to be shown to everybody.
type AccuracyFold struct {
	Month int
	Small int // names in groups of fewer than the least
	Next  int // size of the smallest other group; 0 where there is none
}

// AccuracyFolds says for each of some months how much is in groups of fewer than
// least names: in TLDs, or with registrars in registrars.
func (tx *Tx) AccuracyFolds(ctx context.Context, set int64, registrars bool, months []int, least int) ([]AccuracyFold, error) {
	args := []any{set, int64(least)}
	for _, m := range months {
		args = append(args, int64(m))
	}
	of := "registrar = '' AND tld <> ''"
	if registrars {
		of = "tld = '' AND registrar <> ''"
	}
	return list(ctx, tx, func(s scanner) (f AccuracyFold, err error) {
		err = s.Scan(&f.Month, &f.Small, &f.Next)
		return f, err
	}, "SELECT month, coalesce(sum(CASE WHEN n < $2 THEN n ELSE 0 END), 0), coalesce(min(CASE WHEN n >= $2 THEN n END), 0) FROM accuracy_counts WHERE set_id = $1 AND month IN ("+
		in(3, len(months))+") AND "+of+" GROUP BY month ORDER BY month", args...)
}

// AccuracyFilter picks names of a set.
type AccuracyFilter struct {
	TLD, Registrar string // both must be given
	Reach          string // result of census.Reach
	After          string // names after this one
	Limit          int    // at most 500, which is the default
}

// AccuracyNames lists names of a set in order.
func (tx *Tx) AccuracyNames(ctx context.Context, set int64, f AccuracyFilter) ([]AccuracyName, error) {
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 500
	}
	return list(ctx, tx, scanAccuracyName, `SELECT name, tld, registrar, at, gone, outcome FROM accuracy_names
WHERE set_id = $1 AND gone = 0 AND tld = $2 AND registrar = $3 AND reach = $4 AND name > $5 ORDER BY name LIMIT $6`,
		set, clean(f.TLD), clean(f.Registrar), f.Reach, clean(f.After), f.Limit)
}

const (
	selectAccuracyDetail = "SELECT month, tld, registrar, counts, detail FROM accuracy_counts "
	selectAccuracyCount  = "SELECT month, tld, registrar, counts, '' FROM accuracy_counts "
)

func scanAccuracyCount(s scanner) (AccuracyCount, error) {
	var c AccuracyCount
	var counts, detail string
	err := s.Scan(&c.Month, &c.TLD, &c.Registrar, &counts, &detail)
	if err == nil {
		err = c.Counts.UnmarshalText([]byte(counts))
	}
	if err == nil && detail != "" {
		if err = json.Unmarshal([]byte(detail), &c.Detail); err != nil {
			err = problem.Wrap(err, problem.Corrupt, "the sums of accuracy do not parse")
		}
	}
	return c, err
}

// AccuracyCount is one sum with its detail; that of nothing is empty.
func (tx *Tx) AccuracyCount(ctx context.Context, set int64, month int, tld, registrar string) (AccuracyCount, error) {
	c, err := scanAccuracyCount(tx.row(ctx, selectAccuracyDetail+"WHERE set_id = $1 AND month = $2 AND tld = $3 AND registrar = $4", set, int64(month), clean(tld), clean(registrar)))
	if errors.Is(err, sql.ErrNoRows) {
		return AccuracyCount{Month: month, TLD: tld, Registrar: registrar}, nil
	}
	return c, tx.s.wrap(err, "read sums of accuracy")
}

// MaxAccuracyCounts is how many sums are read at once.
const MaxAccuracyCounts = 5000

// AccuracyTLDs are the sums of today of each TLD, of one registrar or ("") of
// all, the largest first, without detail.
func (tx *Tx) AccuracyTLDs(ctx context.Context, set int64, registrar string) ([]AccuracyCount, error) {
	return list(ctx, tx, scanAccuracyCount, selectAccuracyCount+"WHERE set_id = $1 AND registrar = $2 AND month = 0 AND tld <> '' ORDER BY n DESC, tld LIMIT $3",
		set, clean(registrar), MaxAccuracyCounts)
}

// AccuracyRegistrars are the sums of today of each registrar, in one TLD or ("")
// in all, the largest first, without detail.
func (tx *Tx) AccuracyRegistrars(ctx context.Context, set int64, tld string) ([]AccuracyCount, error) {
	return list(ctx, tx, scanAccuracyCount, selectAccuracyCount+"WHERE set_id = $1 AND month = 0 AND tld = $2 AND registrar <> '' ORDER BY n DESC, registrar LIMIT $3",
		set, clean(tld), MaxAccuracyCounts)
}

// AccuracyMonths are the sums of each month from one on, oldest first, without
// detail.
func (tx *Tx) AccuracyMonths(ctx context.Context, set int64, tld, registrar string, from int) ([]AccuracyCount, error) {
	return list(ctx, tx, scanAccuracyCount, selectAccuracyCount+"WHERE set_id = $1 AND registrar = $2 AND month >= $3 AND month > 0 AND tld = $4 ORDER BY month LIMIT $5",
		set, clean(registrar), int64(from), clean(tld), MaxAccuracyCounts)
}

// NameRegistrars notes what registrars are called, by their keys.
func (tx *Tx) NameRegistrars(ctx context.Context, names map[string]string, at time.Time) error {
	keys := make([]string, 0, len(names))
	for k := range names {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if _, err := tx.exec(ctx, `INSERT INTO accuracy_registrars (key, name, at) VALUES ($1, $2, $3)
ON CONFLICT (key) DO UPDATE SET name = excluded.name, at = excluded.at WHERE accuracy_registrars.at < excluded.at AND accuracy_registrars.name <> excluded.name`,
			clean(k), clean(names[k]), instant(at)); err != nil {
			return err
		}
	}
	return nil
}

// RegistrarNames are what registrars are called, for those keys that are known.
func (tx *Tx) RegistrarNames(ctx context.Context, keys []string) (map[string]string, error) {
	out := map[string]string{}
	for chunk := range slices.Chunk(keys, accuracyChunk) {
		args := make([]any, len(chunk))
		for i, k := range chunk {
			args[i] = clean(k)
		}
		rows, err := list(ctx, tx, func(s scanner) (kv [2]string, err error) {
			err = s.Scan(&kv[0], &kv[1])
			return kv, err
		}, "SELECT key, name FROM accuracy_registrars WHERE key IN ("+in(1, len(chunk))+")", args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r[0]] = r[1]
		}
	}
	return out, nil
}

// AccuracyDue is a name whose newest answer is yet to be assessed.
type AccuracyDue struct {
	Name string
	N    int // answers since the last assessment
}

// MarkAccuracy notes that a name has an answer to be assessed.
func (tx *Tx) MarkAccuracy(ctx context.Context, name string, at time.Time) error {
	_, err := tx.exec(ctx, "INSERT INTO accuracy_due (name, at, n) VALUES ($1, $2, 1) ON CONFLICT (name) DO UPDATE SET n = accuracy_due.n + 1", clean(name), instant(at))
	return err
}

// MarkAllAccuracy notes every name of which a registration is known, for
// assessing all again.
func (tx *Tx) MarkAllAccuracy(ctx context.Context, at time.Time) (int64, error) {
	return tx.exec(ctx, "INSERT INTO accuracy_due (name, at, n) SELECT DISTINCT name, $1, 1 FROM registrations WHERE true ON CONFLICT DO NOTHING", instant(at))
}

// DueAccuracy lists names to assess: any, or those of the given ones that are
// due.
func (tx *Tx) DueAccuracy(ctx context.Context, limit int, only ...string) ([]AccuracyDue, error) {
	scan := func(s scanner) (d AccuracyDue, err error) {
		err = s.Scan(&d.Name, &d.N)
		return d, err
	}
	if len(only) > 0 {
		args := anys(only)
		return list(ctx, tx, scan, "SELECT name, n FROM accuracy_due WHERE name IN ("+in(1, len(only))+") ORDER BY name", args...)
	}
	return list(ctx, tx, scan, "SELECT name, n FROM accuracy_due ORDER BY at, name LIMIT $1", limit)
}

// DoneAccuracy notes that a name was assessed; it stays due if another answer
// came since.
func (tx *Tx) DoneAccuracy(ctx context.Context, d AccuracyDue) error {
	_, err := tx.exec(ctx, "DELETE FROM accuracy_due WHERE name = $1 AND n = $2", clean(d.Name), int64(d.N))
	return err
}

// AccuracyImport is how far a file was read into a frame, under one version of
// one profile: under another it is another reading.
type AccuracyImport struct {
	Frame         string
	SHA           string // of the file
	Profile, Hash string // as in AccuracySet
	TLD           string // the only one whose names were taken; "" for all
	// At is when reading it began: the time of all its outcomes, also where it
	// is taken up again later.
	At    time.Time
	Units int // rows read, those that could not be among them
	Bad   int // rows that could not
	Done  bool
}

// AccuracyImport gives how far the reading is that i names by its frame, file,
// profile and TLD; ok is false when it was not begun.
func (tx *Tx) AccuracyImport(ctx context.Context, of AccuracyImport) (i AccuracyImport, ok bool, err error) {
	sum, err := digest("sha", of.SHA)
	if err != nil {
		return i, false, err
	}
	i = AccuracyImport{Frame: of.Frame, SHA: of.SHA, Profile: of.Profile, Hash: of.Hash, TLD: of.TLD}
	var begun int64
	var done sql.NullInt64
	err = tx.row(ctx, "SELECT begun, units, bad, done FROM accuracy_imports WHERE frame = $1 AND sha = $2 AND profile = $3 AND hash = $4 AND tld = $5",
		clean(of.Frame), sum, clean(of.Profile), clean(of.Hash), clean(of.TLD)).Scan(&begun, &i.Units, &i.Bad, &done)
	if errors.Is(err, sql.ErrNoRows) {
		return i, false, nil
	}
	i.At, i.Done = time.UnixMicro(begun).UTC(), done.Valid
	return i, err == nil, tx.s.wrap(err, "read an import")
}

// PutAccuracyImport notes how far a file was read. was is the count before; a
// Conflict says that somebody else reads the same file.
func (tx *Tx) PutAccuracyImport(ctx context.Context, i AccuracyImport, was int, fresh bool, now time.Time) error {
	sum, err := digest("sha", i.SHA)
	if err != nil {
		return err
	}
	done := sql.NullInt64{Int64: instant(now), Valid: i.Done}
	var n int64
	if fresh {
		n, err = tx.exec(ctx, "INSERT INTO accuracy_imports (frame, sha, profile, hash, tld, month, units, bad, begun, done) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
			clean(i.Frame), sum, clean(i.Profile), clean(i.Hash), clean(i.TLD), int64(AccuracyMonth(i.At)), int64(i.Units), int64(i.Bad), instant(i.At), done)
	} else {
		n, err = tx.exec(ctx, "UPDATE accuracy_imports SET units = $1, bad = $2, done = $3 WHERE frame = $4 AND sha = $5 AND units = $6 AND done IS NULL AND profile = $7 AND hash = $8 AND tld = $9",
			int64(i.Units), int64(i.Bad), done, clean(i.Frame), sum, int64(was), clean(i.Profile), clean(i.Hash), clean(i.TLD))
	}
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "somebody else is reading this file into %q", i.Frame)
	}
	return err
}

// MinKeepAccuracy is the shortest time that verdicts on names are kept for. A
// month counts a name once: while it lasts, the name must be known.
const MinKeepAccuracy = 31 * 24 * time.Hour

// accuracyExpire is how many verdicts one transaction removes.
const accuracyExpire = 500

// SweepAccuracy removes verdicts on single names that are older than keep: the
// name, its registrar and what was found. They leave the sums of today, as a name
// does that is gone; the sums of their months stay. Zero is the default of
// Retention, Forever keeps them. It works in small transactions, can be stopped
// and run again, and says how many it removed.
func (s *Store) SweepAccuracy(ctx context.Context, now time.Time, keep time.Duration) (total int, err error) {
	if keep == 0 {
		keep = DefaultRetention().Accuracy
	}
	cut, ok := cutoff(now, keep)
	if !ok {
		return 0, nil
	}
	if keep < MinKeepAccuracy {
		return 0, problem.New(problem.Invalid, "verdicts on names are kept for %.0f hours at least", MinKeepAccuracy.Hours())
	}
	var sets []int64
	if err := s.View(ctx, func(tx *Tx) error {
		sets, err = list(ctx, tx, scanInt, "SELECT id FROM accuracy_sets s WHERE EXISTS (SELECT 1 FROM accuracy_names n WHERE n.set_id = s.id AND n.at <= $1) ORDER BY id", cut)
		return err
	}); err != nil {
		return 0, err
	}
	for _, set := range sets {
		for n := accuracyExpire; n == accuracyExpire; total += n {
			if err = s.Update(ctx, func(tx *Tx) error {
				n, err = tx.expireAccuracy(ctx, set, cut)
				return err
			}); err != nil {
				return total, err
			}
		}
	}
	if total > 0 {
		s.scour(ctx)
	}
	return total, nil
}

func scanInt(s scanner) (n int64, err error) { return n, s.Scan(&n) }

// expireAccuracy removes some verdicts of a set that are from cut or before, and
// says how many. It holds the set first, as who writes its sums does.
func (tx *Tx) expireAccuracy(ctx context.Context, set, cut int64) (int, error) {
	if _, err := tx.exec(ctx, "UPDATE accuracy_sets SET expired = $1 WHERE id = $2 AND expired < $1", cut, set); err != nil {
		return 0, err
	}
	if _, err := tx.exec(ctx, "UPDATE accuracy_sets SET expired = expired WHERE id = $1", set); err != nil {
		return 0, err
	}
	old, err := list(ctx, tx, scanAccuracyName, "SELECT name, tld, registrar, at, gone, outcome FROM accuracy_names WHERE set_id = $1 AND at <= $2 ORDER BY at, name LIMIT $3", set, cut, accuracyExpire)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	sums, args := accuracyDelta{}, []any{set}
	for _, n := range old {
		if args = append(args, n.Name); !n.Gone {
			sums.add(AccuracyNow, n, -1)
		}
	}
	if _, err := tx.exec(ctx, "DELETE FROM accuracy_names WHERE set_id = $1 AND name IN ("+in(2, len(old))+")", args...); err != nil {
		return 0, err
	}
	return len(old), tx.addSums(ctx, set, sums)
}

// AccuracyProfile is a profile of the operator's own that a set was held against.
type AccuracyProfile struct {
	Hash    string // as AccuracySet.Hash
	Profile string // its name
	Version int    // of the profiles of this name, from 1; PutAccuracyProfile counts
	File    string // what the file was called
	SHA     string // SHA-256 of the file, in hex
	Body    []byte // the file
	Added   time.Time
}

// PutAccuracyProfile keeps a profile, and gives it with its version; one that is
// there stays as it was.
func (tx *Tx) PutAccuracyProfile(ctx context.Context, p AccuracyProfile) (AccuracyProfile, error) {
	sum, err := digest("sha", p.SHA)
	if err != nil {
		return p, err
	}
	if p.Hash == "" || p.Profile == "" || len(sum) == 0 || len(p.Body) == 0 || p.Added.IsZero() {
		return p, problem.New(problem.Internal, "a profile needs a hash, a name, a digest, a file and a time")
	}
	if _, err := tx.exec(ctx, `INSERT INTO accuracy_profiles (hash, profile, version, file, sha, body, added)
VALUES ($1, $2, (SELECT coalesce(max(version), 0) + 1 FROM accuracy_profiles WHERE profile = $2), $3, $4, $5, $6) ON CONFLICT (hash) DO NOTHING`,
		clean(p.Hash), clean(p.Profile), clean(p.File), sum, p.Body, instant(p.Added)); err != nil {
		return p, err
	}
	return tx.AccuracyProfile(ctx, p.Hash)
}

const selectAccuracyProfile = "SELECT hash, profile, version, file, sha, body, added FROM accuracy_profiles "

func scanAccuracyProfile(s scanner) (AccuracyProfile, error) {
	var p AccuracyProfile
	var added int64
	var sum []byte
	err := s.Scan(&p.Hash, &p.Profile, &p.Version, &p.File, &sum, &p.Body, &added)
	p.SHA, p.Added = hex.EncodeToString(sum), time.UnixMicro(added).UTC()
	return p, err
}

// AccuracyProfile reads a profile of the operator's own by its hash.
func (tx *Tx) AccuracyProfile(ctx context.Context, hash string) (AccuracyProfile, error) {
	p, err := scanAccuracyProfile(tx.row(ctx, selectAccuracyProfile+"WHERE hash = $1", clean(hash)))
	if errors.Is(err, sql.ErrNoRows) {
		return p, problem.New(problem.NotFound, "there is no such profile of this centre's own")
	}
	return p, tx.s.wrap(err, "read a profile")
}

// AccuracyProfiles lists the profiles of the operator's own by name and version,
// without their files.
func (tx *Tx) AccuracyProfiles(ctx context.Context) ([]AccuracyProfile, error) {
	return list(ctx, tx, scanAccuracyProfile, "SELECT hash, profile, version, file, sha, NULL, added FROM accuracy_profiles ORDER BY profile, version LIMIT 1000")
}
