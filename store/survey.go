package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"bailiwick/problem"
)

// Survey is a survey of the accuracy of registration data.
type Survey struct {
	ID        string
	Name      string // of the series
	Cycle     int    // from 1
	State     string
	Published bool
	Created   time.Time
	Changed   time.Time
	Ended     time.Time // zero while it is not done
	// Expired is since when the names of the sample are gone; zero while they are
	// there.
	Expired  time.Time
	Plan     []byte // JSON of survey.Plan
	Source   []byte // JSON: where the frame is; empty once the names have expired
	Progress []byte // JSON: counts and strata
	Report   []byte // JSON of survey.Report; nil until it is made
	Digest   string // SHA-256 (hex) of Report
	Fault    string // why it failed; "" if it did not
}

const selectSurvey = `SELECT id, name, cycle, state, published, created, changed, ended, expired, plan, source, progress, report, digest, fault FROM surveys `

// selectSurveys leaves out what a list does not show.
const selectSurveys = `SELECT id, name, cycle, state, published, created, changed, ended, expired, plan, source, progress, NULL, digest, fault FROM surveys `

func scanSurvey(s scanner) (Survey, error) {
	var v Survey
	var published, created, changed int64
	var ended, expired sql.NullInt64
	var sum []byte
	err := s.Scan(&v.ID, &v.Name, &v.Cycle, &v.State, &published, &created, &changed, &ended, &expired, &v.Plan, &v.Source, &v.Progress, &v.Report, &sum, &v.Fault)
	v.Published, v.Created, v.Changed = published == 1, time.UnixMicro(created).UTC(), time.UnixMicro(changed).UTC()
	v.Ended, v.Expired, v.Digest = fromMicros(ended), fromMicros(expired), hex.EncodeToString(sum)
	return v, err
}

func full(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// AddSurvey writes a new survey. The error is a Conflict when the series has
// this cycle already.
func (tx *Tx) AddSurvey(ctx context.Context, s Survey) error {
	if s.ID == "" || s.Name == "" || s.Cycle < 1 || s.State == "" || s.Created.IsZero() || len(s.Plan) == 0 {
		return problem.New(problem.Internal, "a survey needs an id, a name, a cycle, a state, a time and a plan")
	}
	n, err := tx.exec(ctx, `INSERT INTO surveys (id, name, cycle, state, published, created, changed, plan, source, progress, fault)
VALUES ($1, $2, $3, $4, 0, $5, $5, $6, $7, $8, '') ON CONFLICT DO NOTHING`,
		clean(s.ID), clean(s.Name), int64(s.Cycle), clean(s.State), instant(s.Created), s.Plan, full(s.Source), full(s.Progress))
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "cycle %d of the survey %q is there already", s.Cycle, s.Name)
	}
	return err
}

// MoveSurvey writes how far a survey is: its state, progress, report, digest,
// end and fault. If it is not in the state from, somebody was first, and the
// error is a Conflict; so it is when the survey is published, as what is read
// by others does not change under them. Where the frame lies is not written: it
// may have expired since the survey was read.
func (tx *Tx) MoveSurvey(ctx context.Context, s Survey, from string) error {
	sum, err := digest("digest", s.Digest)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `UPDATE surveys SET state = $1, changed = $2, ended = $3, progress = $4, report = $5, digest = $6, fault = $7 WHERE id = $8 AND state = $9 AND published = 0`,
		clean(s.State), instant(s.Changed), micros(s.Ended), full(s.Progress), s.Report, sum, clean(s.Fault), clean(s.ID), clean(from))
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "the survey %s is no longer %s, or it is published by now: somebody else works on it", s.ID, from)
	}
	return err
}

// ReportSurvey writes the report of a finished survey anew, with its progress,
// and holds the survey until the transaction ends. The error is a Conflict when
// the report is no longer the one whose digest was, when it is published, or
// when the names of the sample have expired.
func (tx *Tx) ReportSurvey(ctx context.Context, s Survey, was string) error {
	sum, err := digest("digest", s.Digest)
	if err != nil {
		return err
	}
	old, err := digest("digest", was)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, "UPDATE surveys SET changed = $1, progress = $2, report = $3, digest = $4 WHERE id = $5 AND state = $6 AND published = 0 AND expired IS NULL AND digest = $7",
		instant(s.Changed), full(s.Progress), s.Report, sum, clean(s.ID), clean(s.State), old)
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "the report of survey %s was published, or changed by somebody else, or its names expired meanwhile", s.ID)
	}
	return err
}

// TouchSurvey notes that a survey is worked on, so that the names of its sample
// stay for as long as they are needed. The error is a Conflict when they have
// expired.
func (tx *Tx) TouchSurvey(ctx context.Context, id string, now time.Time) error {
	n, err := tx.exec(ctx, "UPDATE surveys SET changed = $1 WHERE id = $2 AND expired IS NULL", instant(now), clean(id))
	if err == nil && n == 0 {
		err = problem.New(problem.Conflict, "the names of the sample of survey %s have expired: begin another", id)
	}
	return err
}

// Survey reads one survey.
func (tx *Tx) Survey(ctx context.Context, id string) (Survey, error) {
	s, err := scanSurvey(tx.row(ctx, selectSurvey+"WHERE id = $1", clean(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return s, problem.New(problem.NotFound, "there is no such survey")
	}
	return s, tx.s.wrap(err, "read a survey")
}

// SurveyFilter says which surveys to list. Empty fields do not filter.
type SurveyFilter struct {
	Name, State   string
	PublishedOnly bool
	// Limit is at most MaxSurveys, which 0 stands for.
	Limit int
	// After is the id of the last survey of the page before.
	After string
}

// MaxSurveys is the longest page of surveys.
const MaxSurveys = 500

// Surveys lists surveys, the newest first, without their reports.
func (tx *Tx) Surveys(ctx context.Context, f SurveyFilter) ([]Survey, error) {
	if f.Limit <= 0 || f.Limit > MaxSurveys {
		f.Limit = MaxSurveys
	}
	where, args := []string{"1 = 1"}, []any{}
	for _, c := range []struct{ cond, v string }{{"name = ", f.Name}, {"state = ", f.State}} {
		if c.v != "" {
			args = append(args, clean(c.v))
			where = append(where, c.cond+in(len(args), 1))
		}
	}
	if f.PublishedOnly {
		where = append(where, "published = 1")
	}
	if f.After != "" {
		last, err := tx.Survey(ctx, f.After)
		if err != nil {
			return nil, err
		}
		args = append(args, instant(last.Created), instant(last.Created), last.ID)
		n := len(args)
		where = append(where, "(created < "+in(n-2, 1)+" OR created = "+in(n-1, 1)+" AND id < "+in(n, 1)+")")
	}
	args = append(args, f.Limit)
	return list(ctx, tx, scanSurvey, selectSurveys+"WHERE "+strings.Join(where, " AND ")+" ORDER BY created DESC, id DESC LIMIT "+in(len(args), 1), args...)
}

// LastSurvey is the newest cycle of a series in a state ("" for any); ok is
// false when there is none.
func (tx *Tx) LastSurvey(ctx context.Context, name, state string) (s Survey, ok bool, err error) {
	query, args := "WHERE name = $1", []any{clean(name)}
	if state != "" {
		query, args = query+" AND state = $2", append(args, clean(state))
	}
	s, err = scanSurvey(tx.row(ctx, selectSurvey+query+" ORDER BY cycle DESC LIMIT 1", args...))
	if errors.Is(err, sql.ErrNoRows) {
		return Survey{}, false, nil
	}
	return s, err == nil, tx.s.wrap(err, "read a survey")
}

// PublishSurvey shows the report of a survey to everybody, or no longer. Only
// one that has a report is published.
func (tx *Tx) PublishSurvey(ctx context.Context, id string, on bool, now time.Time) error {
	n, err := tx.exec(ctx, "UPDATE surveys SET published = $1, changed = $2 WHERE id = $3 AND report IS NOT NULL", boolInt(on), instant(now), clean(id))
	if err == nil && n == 0 {
		err = problem.New(problem.NotFound, "there is no such survey with a report")
	}
	return err
}

// SurveyUnit is a unit of a sample.
type SurveyUnit struct {
	N       int
	Unit    string // registered domain, or a contact's handle; "" once expired
	Phase   int    // 1 drawn, 2 to be tested
	Done    bool   // of phase 1: classified; of phase 2: tested
	Stratum string
	Outcome []byte // JSON of survey.Outcome; nil while there is none
}

// unitRows is how many units one statement writes.
const unitRows = 500

// AddSurveyUnits writes units that were drawn. One that is there already is an
// error: units are drawn once. So is a survey whose names have expired: those
// that come later would stay for ever.
func (tx *Tx) AddSurveyUnits(ctx context.Context, id string, units []SurveyUnit) error {
	var expired sql.NullInt64
	if err := tx.row(ctx, "SELECT expired FROM surveys WHERE id = $1", clean(id)).Scan(&expired); err != nil {
		return tx.s.wrap(err, "read a survey")
	}
	if expired.Valid {
		return problem.New(problem.Conflict, "the survey %s was not worked on for so long that it has expired: begin another", id)
	}
	for len(units) > 0 {
		part := units[:min(unitRows, len(units))]
		units = units[len(part):]
		rows, names := make([]any, 0, 6*len(part)), make([]any, 0, 3*len(part))
		for _, u := range part {
			if u.Unit == "" || clean(u.Unit) != u.Unit {
				return problem.New(problem.Invalid, "unit %d of a survey has no name that can be stored", u.N)
			}
			rows = append(rows, clean(id), int64(u.N), int64(u.Phase), boolInt(u.Done), clean(u.Stratum), u.Outcome)
			names = append(names, clean(id), int64(u.N), u.Unit)
		}
		if _, err := tx.exec(ctx, "INSERT INTO survey_units (survey_id, n, phase, done, stratum, outcome) VALUES "+values(len(part), 6), rows...); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "INSERT INTO survey_names (survey_id, n, unit) VALUES "+values(len(part), 3), names...); err != nil {
			return err
		}
	}
	return nil
}

// DoneSurveyUnit notes what became of a unit, by its name: its stratum, where
// that is not "", and its outcome. A unit that is done already stays as it is:
// a run that was taken up twice counts nothing twice. It says whether it was
// open.
func (tx *Tx) DoneSurveyUnit(ctx context.Context, id, unit, stratum string, outcome []byte) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE survey_units SET done = 1, stratum = CASE WHEN $1 = '' THEN stratum ELSE $1 END, outcome = $2
WHERE survey_id = $3 AND done = 0 AND n = (SELECT n FROM survey_names WHERE survey_id = $3 AND unit = $4)`, clean(stratum), outcome, clean(id), clean(unit))
	return n > 0, err
}

// SetSurveyOutcome writes the outcome of a tested unit anew, by its number.
func (tx *Tx) SetSurveyOutcome(ctx context.Context, id string, n int, outcome []byte) error {
	_, err := tx.exec(ctx, "UPDATE survey_units SET outcome = $1 WHERE survey_id = $2 AND n = $3 AND phase = 2 AND done = 1", outcome, clean(id), int64(n))
	return err
}

// ChooseSurveyUnits makes drawn units units to be tested, with their final
// strata.
func (tx *Tx) ChooseSurveyUnits(ctx context.Context, id string, units []SurveyUnit) error {
	for _, u := range units {
		if _, err := tx.exec(ctx, "UPDATE survey_units SET phase = 2, done = 0, outcome = NULL, stratum = $1 WHERE survey_id = $2 AND n = $3", clean(u.Stratum), clean(id), int64(u.N)); err != nil {
			return err
		}
	}
	return nil
}

// SurveyUnits reads units of a phase in the order of their numbers, after one
// (-1: from the first). With open only those that are not done.
func (tx *Tx) SurveyUnits(ctx context.Context, id string, phase int, open bool, after, limit int) ([]SurveyUnit, error) {
	query := `SELECT u.n, coalesce(s.unit, ''), u.phase, u.done, u.stratum, u.outcome FROM survey_units u
LEFT JOIN survey_names s ON s.survey_id = u.survey_id AND s.n = u.n WHERE u.survey_id = $1 AND u.phase = $2 AND u.n > $3`
	if open {
		query += " AND u.done = 0"
	}
	return list(ctx, tx, func(r scanner) (SurveyUnit, error) {
		var u SurveyUnit
		var done int64
		err := r.Scan(&u.N, &u.Unit, &u.Phase, &done, &u.Stratum, &u.Outcome)
		u.Done = done == 1
		return u, err
	}, query+" ORDER BY u.n LIMIT $4", clean(id), int64(phase), int64(after), limit)
}

// VerifiedNames are those of the names given (of nil: any) of which this centre
// has a verification of the registrant of its own, in order; limit bounds them.
func (tx *Tx) VerifiedNames(ctx context.Context, names []string, limit int) ([]string, error) {
	query, args := "SELECT DISTINCT name FROM verifications WHERE org = '' AND role = 'registrant'", []any{}
	if names != nil {
		query += " AND name IN (" + in(1, len(names)) + ")"
		args = anys(names)
	}
	return list(ctx, tx, scanString, query+" ORDER BY name LIMIT "+strconv.Itoa(limit), args...)
}

// SurveyAnswer is what this centre's own verifications said of a unit of a sample
// when it was drawn: that a value with this digest was confirmed.
type SurveyAnswer struct {
	N        int
	Path     string // of the contact field
	Revision []byte // keyed digest of the value (verify.Revise)
	At       time.Time
}

// AddSurveyAnswers keeps answers of units that were drawn in this transaction.
func (tx *Tx) AddSurveyAnswers(ctx context.Context, id string, as []SurveyAnswer) error {
	for _, a := range as {
		if a.Path == "" || len(a.Revision) == 0 || a.At.IsZero() {
			return problem.New(problem.Internal, "an answer needs a path, a digest and a time")
		}
		if _, err := tx.exec(ctx, "INSERT INTO survey_answers (survey_id, n, path, revision, at) VALUES ($1, $2, $3, $4, $5)", clean(id), int64(a.N), clean(a.Path), a.Revision, instant(a.At)); err != nil {
			return err
		}
	}
	return nil
}

// SurveyAnswers reads the answers of units of a sample by unit, in one order for
// all: by number and path.
func (tx *Tx) SurveyAnswers(ctx context.Context, id string) (units []string, as []SurveyAnswer, err error) {
	type row struct {
		unit string
		a    SurveyAnswer
	}
	rows, err := list(ctx, tx, func(s scanner) (r row, err error) {
		var at int64
		err = s.Scan(&r.unit, &r.a.N, &r.a.Path, &r.a.Revision, &at)
		r.a.At = time.UnixMicro(at).UTC()
		return r, err
	}, `SELECT s.unit, a.n, a.path, a.revision, a.at FROM survey_answers a JOIN survey_names s ON s.survey_id = a.survey_id AND s.n = a.n
WHERE a.survey_id = $1 ORDER BY a.n, a.path`, clean(id))
	for _, r := range rows {
		units, as = append(units, r.unit), append(as, r.a)
	}
	return units, as, err
}

// CountSurveyUnits counts the units of a phase, and those that are done.
func (tx *Tx) CountSurveyUnits(ctx context.Context, id string, phase int) (all, done int, err error) {
	err = tx.row(ctx, "SELECT count(*), coalesce(sum(done), 0) FROM survey_units WHERE survey_id = $1 AND phase = $2", clean(id), int64(phase)).Scan(&all, &done)
	return all, done, tx.s.wrap(err, "count the units of a survey")
}

// AddSurveyTarget adds a target (JSON) to a series.
func (tx *Tx) AddSurveyTarget(ctx context.Context, name string, body []byte) error {
	var n int64
	if err := tx.row(ctx, "SELECT coalesce(max(n), 0) + 1 FROM survey_targets WHERE name = $1", clean(name)).Scan(&n); err != nil {
		return tx.s.wrap(err, "count targets")
	}
	_, err := tx.exec(ctx, "INSERT INTO survey_targets (name, n, body) VALUES ($1, $2, $3)", clean(name), n, full(body))
	return err
}

// SurveyTargets are the targets of a series, in the order they were set.
func (tx *Tx) SurveyTargets(ctx context.Context, name string) ([][]byte, error) {
	return list(ctx, tx, func(r scanner) ([]byte, error) {
		var b []byte
		err := r.Scan(&b)
		return b, err
	}, "SELECT body FROM survey_targets WHERE name = $1 ORDER BY n", clean(name))
}

// SweepSurveys erases the names of the samples of surveys that nobody worked on
// for keep: which registrations they were, and where the frame lay. Plans,
// counts, outcomes and reports stay. Forever keeps them. It says how many
// surveys it was.
func (s *Store) SweepSurveys(ctx context.Context, now time.Time, keep time.Duration) (total int, err error) {
	if keep == 0 {
		keep = DefaultRetention().Registration
	}
	cut, ok := cutoff(now, keep)
	for ok {
		found, gone := false, false
		err = s.Update(ctx, func(tx *Tx) error {
			found, gone = false, false
			// changed moves when it is published, long after: what counts is the end.
			ids, err := list(ctx, tx, scanString, "SELECT id FROM surveys WHERE expired IS NULL AND coalesce(ended, changed) <= $1 ORDER BY id LIMIT 1", cut)
			if err != nil || len(ids) == 0 {
				return err
			}
			found = true
			// Said again in the statement that marks it, which also holds the row:
			// somebody may have worked on it since it was listed.
			n, err := tx.exec(ctx, "UPDATE surveys SET expired = $1, source = $2 WHERE id = $3 AND expired IS NULL AND coalesce(ended, changed) <= $4", instant(now), []byte{}, ids[0], cut)
			if gone = n > 0; err != nil || !gone {
				return err
			}
			for _, q := range []string{"DELETE FROM survey_answers WHERE survey_id = $1", "DELETE FROM survey_names WHERE survey_id = $1"} {
				if _, err := tx.exec(ctx, q, ids[0]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || !found {
			break
		}
		if gone {
			total++
		}
	}
	if total > 0 {
		s.scour(ctx)
	}
	return total, err
}
