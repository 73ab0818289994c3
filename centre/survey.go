package centre

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/accuracy/survey"
	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
)

// The states of a survey.
const (
	SurveyPlanned     = "planned"     // nothing is drawn yet
	SurveyClassifying = "classifying" // the first phase is looked up, to learn its strata
	SurveyTesting     = "testing"
	SurveyDone        = "done"
	SurveyFailed      = "failed" // it cannot be finished: begin another
)

// Survey is a survey with how far it is. It holds no name of its sample.
type Survey struct {
	ID        string         `json:"id"`
	State     string         `json:"state"`
	Published bool           `json:"published"`
	Plan      survey.Plan    `json:"plan"`
	Report    *survey.Report `json:"report,omitempty"` // left out of lists
	Digest    string         `json:"digest,omitempty"` // SHA-256 (hex) of the report
	Created   time.Time      `json:"created"`
	Changed   time.Time      `json:"changed"`
	Ended     time.Time      `json:"ended,omitzero"`
	// Expired is since when it is no longer known which registrations the sample
	// was.
	Expired  time.Time      `json:"expired,omitzero"`
	Fault    string         `json:"fault,omitempty"`
	Progress SurveyProgress `json:"progress"`
	// Figures are what its report says of each test, also in lists.
	Figures []SurveyFigure `json:"-"`
}

// SurveyFigure is what a report says of one test, as the row of a survey keeps
// it: a series is drawn without reading its reports.
type SurveyFigure struct {
	Test string `json:"test"`
	// Low and High bound the share of all that passes, whatever the untested
	// ones are.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Accurate is the share among the testable with its 95 % interval; nil where
	// only the bounds may be said.
	Accurate *SurveyShare `json:"accurate,omitempty"`
	// Unpublished says why none of this is shown to everybody; "" when it is.
	Unpublished string `json:"unpublished,omitempty"`
}

// SurveyShare is a share with its 95 % interval.
type SurveyShare struct {
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// figuresOf sums a report up.
func figuresOf(r survey.Report) (out []SurveyFigure) {
	for _, t := range r.Tests {
		f := SurveyFigure{Test: t.Test, Low: t.Result.Lower.Low, High: t.Result.Upper.High, Unpublished: t.Result.Unpublished}
		if a := t.Result.Accurate; a != nil && !t.Result.BoundsOnly {
			f.Accurate = &SurveyShare{a.Share, a.Low, a.High}
		}
		out = append(out, f)
	}
	return out
}

// SurveyProgress is how far a survey is.
type SurveyProgress struct {
	Step string `json:"step"` // what is done now: the state, or "reading"
	Done int    `json:"done"`
	All  int    `json:"all"`
	// Left is how long the step will take by what was seen lately; zero when that
	// cannot be told yet. Why says what decides.
	Left time.Duration `json:"left_ns,omitempty"`
	Why  string        `json:"why,omitempty"`
}

// surveyState is what the row of a survey keeps of its progress.
type surveyState struct {
	Counts   survey.Counts     `json:"counts"`
	Cells    []survey.Cell     `json:"cells,omitempty"`
	Excluded []survey.Excluded `json:"excluded,omitempty"`
	Figures  []SurveyFigure    `json:"figures,omitempty"` // of a finished one
}

// SurveyUnit is a unit of a frame as it is read.
type SurveyUnit struct {
	ID string // a registered domain in A-labels, or a contact's handle
	// Stratum and Groups are what the frame says of it: "" and nil where only a
	// look-up tells.
	Stratum string
	Groups  map[string]string
	Record  registration.Record // of a registry's own frame
}

// SurveyFrame is a frame that can be read as often as needed.
type SurveyFrame struct {
	// Digest is SHA-256 (hex) of the frame's bytes as they are now.
	Digest func() (string, error)
	// Read reads all units. An error is about one row; reading goes on unless
	// Fatal says that it ended.
	Read  func() iter.Seq2[SurveyUnit, error]
	Fatal func(error) bool
	// Place tells the stratum and the groups of a unit that was looked up.
	Place func(id string, rec registration.Record) (stratum string, groups map[string]string)
	// Facts, if not nil, are what is known of a unit from elsewhere: whether
	// somebody answered, what a register says.
	Facts func(id string) accuracy.Facts
	// Looked says that the strata need a look-up: those of a public frame that
	// are more than the name says.
	Looked bool
}

// SurveyLookup is how names of a public frame are looked up: as BulkLookup does
// it.
type SurveyLookup struct {
	Begin func(name.Domain) (collect.Step, error)
	Ask   func(context.Context, collect.Step) (collect.Outcome, error)
	Side  func(server string) int
	May   func(server string) error
	Pace  func(server string) float64
	Clock clock.Clock
	// Dir is where the file of what is under way lies; it is gone when a step is
	// done.
	Dir string
}

// SurveyRun is what a survey is run with.
type SurveyRun struct {
	ID      string
	Frame   SurveyFrame
	Profile policy.Profile
	Tool    string // version of this program
	Lookup  *SurveyLookup
	// MailFact sees whether a mail domain takes mail, where the plan says that
	// this is observed.
	MailFact func(ctx context.Context, domain, registered name.Domain) accuracy.MailFact
	Suffixes *name.Suffixes
	// Workers is how many units of a registry's own frame are tested at a time;
	// 0: 4.
	Workers int
	// Batch is how many results are made durable at once; 0: 500.
	Batch int
	// Progress, if not nil, is told how far it is, now and then.
	Progress func(SurveyProgress)
	// Before, if not nil, is called before each step that is made durable, and
	// may fail it: for tests of what a run that is killed leaves behind.
	Before func(step string) error
}

// SurveyDraft is what a new survey is planned from. What it leaves out is found
// by reading the frame, and from the cycle before.
type SurveyDraft struct {
	survey.Plan
	// Source is kept for whoever runs the survey: where the frame lies (JSON). It
	// goes when the names of the sample do.
	Source []byte
	// Alone compares with no earlier cycle.
	Alone bool
}

// maxSeries is how many cycles are counted of one series.
const maxSeries = 10_000

// PlanSurvey reads the frame once and writes a new survey, of which nothing is
// drawn yet. The cycle follows the last of its series; the newest one that is
// done is what it is compared with, and the targets of the series are tested.
// The error names what cannot be surveyed.
func (c *Centre) PlanSurvey(ctx context.Context, d SurveyDraft, f SurveyFrame) (Survey, error) {
	p := d.Plan
	digest, err := f.Digest()
	if err != nil {
		return Survey{}, err
	}
	if p.Frame.Rows, p.Frame.Bad, err = c.readFrame(ctx, f, p.Kind); err != nil {
		return Survey{}, err
	}
	if again, err := f.Digest(); err != nil {
		return Survey{}, err
	} else if again != digest {
		return Survey{}, problem.New(problem.Conflict, "the frame changed while it was being read")
	}
	p.Frame.Digest = digest
	if p.Frame.Rows == 0 {
		return Survey{}, problem.BadField("frame", "is empty: it holds no unit that could be read")
	}
	if p.Total < 1 { // before what hangs on it, which the error would blame, too
		return Survey{}, problem.BadField("total", "is %d; 1 to %d units are tested", p.Total, survey.MaxTested)
	}
	if p.FirstPhase == 0 {
		p.FirstPhase = min(p.Frame.Rows, 10*min(p.Total, survey.MaxTested), survey.MaxDrawn) // as ICANN's reporting system did
	}
	if p.FirstPhase < p.Total && p.Total <= p.Frame.Rows {
		return Survey{}, problem.BadField("total", "asks for %d tests of %d units drawn", p.Total, p.FirstPhase)
	}
	if p.Total > p.Frame.Rows {
		return Survey{}, problem.BadField("total", "asks for %d tests of a frame of %d units: larger than its population", p.Total, p.Frame.Rows)
	}
	row := store.Survey{ID: c.NewID(), Name: p.Name, State: SurveyPlanned, Created: c.Clock.Now(), Changed: c.Clock.Now(), Source: d.Source}
	err = c.Store.Update(ctx, func(tx *store.Tx) error {
		p.Cycle, p.Earlier, p.Targets = 1, nil, nil
		if err := planVerified(ctx, tx, &p); err != nil {
			return err
		}
		last, ok, err := tx.LastSurvey(ctx, p.Name, "")
		if err != nil {
			return err
		}
		if ok {
			if p.Cycle = last.Cycle + 1; p.Cycle > maxSeries {
				return problem.New(problem.TooLarge, "the series has %d cycles", last.Cycle)
			}
		}
		if !d.Alone {
			if p.Earlier, err = earlier(ctx, tx, p); err != nil {
				return err
			}
		}
		if p.Targets, err = targets(ctx, tx, p); err != nil {
			return err
		}
		if err := p.Check(); err != nil {
			return err
		}
		row.Cycle = p.Cycle
		if row.Plan, err = json.Marshal(p); err != nil {
			return err
		}
		if row.Progress, err = json.Marshal(surveyState{Counts: survey.Counts{Rows: p.Frame.Rows, Bad: bad(p.Frame.Bad)}}); err != nil {
			return err
		}
		return tx.AddSurvey(ctx, row)
	})
	if err != nil {
		return Survey{}, err
	}
	return shownSurvey(row, 0, 0)
}

func bad(in []survey.Excluded) (n int) {
	for _, e := range in {
		n += e.Units
	}
	return n
}

// earlier is what the newest finished cycle of the series says.
func earlier(ctx context.Context, tx *store.Tx, p survey.Plan) (*survey.Earlier, error) {
	row, ok, err := tx.LastSurvey(ctx, p.Name, SurveyDone)
	if err != nil || !ok {
		return nil, err
	}
	r, err := reportOf(row)
	if err != nil {
		return nil, err
	}
	e, err := r.AsEarlier(p.Main)
	return &e, err
}

// targets are those of the series whose baseline is before the plan.
func targets(ctx context.Context, tx *store.Tx, p survey.Plan) (out []survey.Target, err error) {
	bodies, err := tx.SurveyTargets(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	for _, b := range bodies {
		var t survey.Target
		if err := json.Unmarshal(b, &t); err != nil {
			return nil, problem.Wrap(err, problem.Corrupt, "a target of the series %q does not parse", p.Name)
		}
		if t.At.Before(p.At) {
			out = append(out, t)
		}
	}
	return out, nil
}

func reportOf(row store.Survey) (survey.Report, error) {
	var r survey.Report
	if err := json.Unmarshal(row.Report, &r); err != nil {
		return r, problem.Wrap(err, problem.Corrupt, "the report of survey %s does not parse", row.ID)
	}
	return r, nil
}

// readFrame counts the rows of a frame, and those that cannot be read by
// reason.
func (c *Centre) readFrame(ctx context.Context, f SurveyFrame, kind survey.Kind) (rows int, out []survey.Excluded, err error) {
	reasons := map[string]int{}
	for u, err := range f.Read() {
		if rows%1024 == 0 && ctx.Err() != nil {
			return rows, nil, ctx.Err()
		}
		if err == nil && kind == survey.Public {
			_, err = name.Parse(u.ID)
		}
		switch {
		case err == nil:
			rows++
		case f.Fatal(err):
			return rows, nil, err
		default:
			reasons[reasonOf(err)]++
		}
	}
	for _, r := range slices.Sorted(maps.Keys(reasons)) {
		out = append(out, survey.Excluded{Where: "frame", Reason: r, Units: reasons[r]})
	}
	return rows, out, nil
}

// reasonOf is why a row cannot be read, without anything of the row: its field.
func reasonOf(err error) string {
	d := problem.DocumentOf(err)
	if len(d.Errors) == 0 {
		return "cannot be read"
	}
	path := d.Errors[0].Path
	field := strings.TrimSpace(path[strings.LastIndexByte(path, ':')+1:])
	if field == "" || len(field) > 40 || strings.Trim(strings.ToLower(field), "abcdefghijklmnopqrstuvwxyz0123456789_-. ") != "" {
		return "cannot be read"
	}
	return "cannot be read: " + field
}

// Survey reads one survey, with its report when it is done.
func (c *Centre) Survey(ctx context.Context, id string) (Survey, error) {
	var out Survey
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		row, err := tx.Survey(ctx, id)
		if err != nil {
			return err
		}
		out, err = c.survey(ctx, tx, row)
		return err
	})
	return out, err
}

// SurveySource is what PlanSurvey was given to find the frame again; empty when
// the names of the sample have expired.
func (c *Centre) SurveySource(ctx context.Context, id string) ([]byte, error) {
	var out []byte
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		row, err := tx.Survey(ctx, id)
		out = row.Source
		return err
	})
	return out, err
}

// SurveyReport is the stored report of a survey, octet by octet as it was
// digested. The error is problem.NotFound when there is none yet.
func (c *Centre) SurveyReport(ctx context.Context, id string) ([]byte, error) {
	var out []byte
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		row, err := tx.Survey(ctx, id)
		if err == nil && row.Report == nil {
			err = problem.New(problem.NotFound, "survey %s has no report yet: it is %s", id, row.State)
		}
		out = row.Report
		return err
	})
	return out, err
}

// Surveys lists surveys, the newest first, without their reports.
func (c *Centre) Surveys(ctx context.Context, f store.SurveyFilter) ([]Survey, error) {
	var out []Survey
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		out = nil
		rows, err := tx.Surveys(ctx, f)
		if err != nil {
			return err
		}
		for _, row := range rows {
			s, err := c.survey(ctx, tx, row)
			if err != nil {
				return err
			}
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

func (c *Centre) survey(ctx context.Context, tx *store.Tx, row store.Survey) (Survey, error) {
	all, done := 0, 0
	if row.State == SurveyDone {
		// How many were tested stands in its row: its pages are public, and a
		// sample is too large to be counted for each reader.
		var st surveyState
		if err := json.Unmarshal(row.Progress, &st); err != nil {
			return Survey{}, problem.Wrap(err, problem.Corrupt, "the progress of survey %s does not parse", row.ID)
		}
		for _, cell := range st.Cells {
			all += cell.Tested
		}
		s, err := shownSurvey(row, all, all)
		s.Figures = st.Figures
		if len(s.Figures) == 0 && s.Report != nil { // finished before rows kept them
			s.Figures = figuresOf(*s.Report)
		}
		return s, err
	}
	phase := map[string]int{SurveyClassifying: 1, SurveyTesting: 2}[row.State]
	if phase > 0 {
		var err error
		if all, done, err = tx.CountSurveyUnits(ctx, row.ID, phase); err != nil {
			return Survey{}, err
		}
	}
	return shownSurvey(row, all, done)
}

func shownSurvey(row store.Survey, all, done int) (Survey, error) {
	s := Survey{ID: row.ID, State: row.State, Published: row.Published, Digest: row.Digest, Created: row.Created, Changed: row.Changed, Ended: row.Ended,
		Expired: row.Expired, Fault: row.Fault, Progress: SurveyProgress{Step: row.State, Done: done, All: all}}
	if err := json.Unmarshal(row.Plan, &s.Plan); err != nil {
		return s, problem.Wrap(err, problem.Corrupt, "the plan of survey %s does not parse", row.ID)
	}
	if row.Report != nil {
		r, err := reportOf(row)
		s.Report = &r
		return s, err
	}
	return s, nil
}

// PublishSurvey shows a survey's report to everybody, or no longer. The error is
// problem.Refused when no result of it is fit to be published.
func (c *Centre) PublishSurvey(ctx context.Context, id string, on bool) error {
	return c.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Survey(ctx, id); err != nil {
			return err
		}
		// First, as it holds the row: what is looked at then is what is published.
		if err := tx.PublishSurvey(ctx, id, on, c.Clock.Now()); err != nil || !on {
			return err
		}
		row, err := tx.Survey(ctx, id)
		if err != nil {
			return err
		}
		r, err := reportOf(row)
		if err == nil && len(r.Tests) > 0 && !slices.ContainsFunc(r.Tests, func(t survey.TestReport) bool { return t.Result.Unpublished == "" }) {
			err = problem.New(problem.Refused, "no result of survey %s is fit to be published: %s", id, r.Tests[0].Result.Unpublished)
		}
		return err
	})
}

// SetSurveyTarget gives a series a target, with a finished survey of it as the
// baseline: the share that fails a test is to be multiplied by factor before
// due. Later cycles test it. The error is problem.Refused when the survey can
// be no baseline.
func (c *Centre) SetSurveyTarget(ctx context.Context, id, test string, factor float64, due time.Time) (survey.Target, error) {
	s, err := c.Survey(ctx, id)
	if err != nil {
		return survey.Target{}, err
	}
	if s.Report == nil {
		return survey.Target{}, problem.New(problem.Conflict, "survey %s has no report yet: it is %s", id, s.State)
	}
	t, err := survey.TargetOf(*s.Report, test, factor, due)
	if err != nil {
		return t, err
	}
	b, err := json.Marshal(t)
	if err != nil {
		return t, err
	}
	return t, c.Store.Update(ctx, func(tx *store.Tx) error {
		have, err := tx.SurveyTargets(ctx, s.Plan.Name)
		if err != nil {
			return err
		}
		if len(have) >= survey.MaxTargets {
			return problem.New(problem.TooLarge, "the series has %d targets already", len(have))
		}
		return tx.AddSurveyTarget(ctx, s.Plan.Name, b)
	})
}

// SurveyTargets are the targets of a series.
func (c *Centre) SurveyTargets(ctx context.Context, series string) ([]survey.Target, error) {
	var out []survey.Target
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		out, err = targets(ctx, tx, survey.Plan{Name: series, At: time.Unix(1<<40, 0)})
		return err
	})
	return out, err
}

// surveying is a run of a survey.
type surveying struct {
	*SurveyRun
	c     *Centre
	row   store.Survey
	plan  survey.Plan
	state surveyState
	facts surveyFacts
	fresh map[int][]byte // outcomes that are to be written, by the units' numbers
	// answers are what this centre's verifications said of units when they were
	// drawn.
	answers map[string][]store.SurveyAnswer
	began   time.Time // the step, in this run
	from    int       // how much of it was done before
}

// RunSurvey does what is left of a survey, to its report. It can be stopped, or
// killed, at any time, and called again: what is durable is not done twice, and
// the report is the same. The error is a Conflict when the frame or the profile
// is no longer the planned one.
func (c *Centre) RunSurvey(ctx context.Context, r SurveyRun) (Survey, error) {
	s := &surveying{SurveyRun: &r, c: c}
	s.Workers, s.Batch = cmp.Or(r.Workers, 4), cmp.Or(r.Batch, 500)
	if err := s.load(ctx); err != nil {
		return Survey{}, err
	}
	for s.row.State != SurveyDone {
		if err := s.ready(); err != nil {
			return Survey{}, err
		}
		if v := s.Tool; v != s.plan.Tool && s.row.State != SurveyFailed && !slices.Contains(s.state.Counts.Tools, v) {
			s.state.Counts.Tools = append(s.state.Counts.Tools, v)
			if err := s.move(ctx, s.row.State, nil); err != nil {
				return Survey{}, err
			}
		}
		var err error
		switch s.row.State {
		case SurveyPlanned:
			err = s.draw(ctx)
		case SurveyClassifying:
			err = s.classify(ctx)
		case SurveyTesting:
			err = s.test(ctx)
		case SurveyFailed:
			err = problem.New(problem.Conflict, "survey %s failed: %s; begin another", s.row.ID, s.row.Fault)
		default:
			err = problem.New(problem.Corrupt, "survey %s is in no state known: %q", s.row.ID, s.row.State)
		}
		if err == nil {
			err = s.load(ctx)
		}
		if err != nil {
			return Survey{}, err
		}
	}
	return c.Survey(ctx, r.ID)
}

func (s *surveying) load(ctx context.Context) error {
	if err := s.c.Store.View(ctx, func(tx *store.Tx) (err error) {
		s.row, err = tx.Survey(ctx, s.ID)
		return err
	}); err != nil {
		return err
	}
	s.state = surveyState{}
	if err := errors.Join(json.Unmarshal(s.row.Plan, &s.plan), json.Unmarshal(s.row.Progress, &s.state)); err != nil {
		return problem.Wrap(err, problem.Corrupt, "the plan of survey %s does not parse", s.row.ID)
	}
	return nil
}

// ready says whether the survey may go on with what it was given.
func (s *surveying) ready() error {
	switch {
	case s.row.State == SurveyFailed:
		return nil // which says why
	case !s.row.Expired.IsZero():
		return problem.New(problem.Conflict, "the names of the sample of survey %s have expired: begin another", s.row.ID)
	case s.plan.Hash != s.Profile.Hash():
		return problem.New(problem.Conflict, "the profile %s is not what it was when the survey was planned: its hash is %s, planned was %s", s.plan.Profile, short(s.Profile.Hash()), short(s.plan.Hash))
	case s.plan.Kind == survey.Public && s.Lookup == nil:
		return problem.New(problem.Internal, "a public frame needs look-ups")
	case s.plan.Observed && (s.MailFact == nil || s.Suffixes == nil):
		return problem.New(problem.Internal, "the survey observes mail domains, and has nothing to do so with")
	}
	if s.plan.Kind == survey.Public && s.row.State != SurveyPlanned {
		return nil // the names are drawn: the frame is not read again
	}
	return s.same()
}

func short(hash string) string { return hash[:min(12, len(hash))] }

// same says whether the frame is still the planned one.
func (s *surveying) same() error {
	now, err := s.Frame.Digest()
	if err != nil {
		return err
	}
	if now != s.plan.Frame.Digest {
		return problem.New(problem.Conflict, "the frame is not what it was when the survey was planned: its digest is %s, planned was %s", short(now), short(s.plan.Frame.Digest))
	}
	return nil
}

func (s *surveying) before(step string) error {
	if s.Before == nil {
		return nil
	}
	return s.Before(step)
}

// move writes the next state with what else fn writes, in one transaction.
func (s *surveying) move(ctx context.Context, to string, fn func(*store.Tx) error) error {
	if err := s.before(to); err != nil {
		return err
	}
	body, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	row := s.row
	row.State, row.Progress, row.Changed = to, body, s.c.Clock.Now()
	if row.Ended.IsZero() && (to == SurveyDone || to == SurveyFailed) {
		row.Ended = row.Changed
	}
	return s.c.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.MoveSurvey(ctx, row, s.row.State); err != nil {
			return err
		}
		if fn == nil {
			return nil
		}
		return fn(tx)
	})
}

// tell tells how far the step is.
func (s *surveying) tell(step string, done, all int) {
	if s.Progress == nil {
		return
	}
	p := SurveyProgress{Step: step, Done: done, All: all}
	if took := s.c.Clock.Now().Sub(s.began); done > s.from && took > 2*time.Second && all > done {
		p.Left = time.Duration(float64(took) / float64(done-s.from) * float64(all-done))
		p.Why = "by its pace so far"
	}
	s.Progress(p)
}

// draw draws the first phase from the stream of the frame, in memory that
// depends on the size of the sample alone.
func (s *surveying) draw(ctx context.Context) error {
	d, err := survey.NewDrawer(s.plan.Seed, s.plan.FirstPhase)
	if err != nil {
		return err
	}
	s.began, s.from = s.c.Clock.Now(), 0
	sizes := map[string]int{}
	for u, err := range s.Frame.Read() {
		if err != nil {
			if s.Frame.Fatal(err) {
				return err
			}
			continue // counted when it was planned
		}
		if s.plan.Kind == survey.Public {
			if _, err := name.Parse(u.ID); err != nil {
				continue
			}
		}
		d.Offer(u.ID, u.Stratum)
		if sizes[u.Stratum]++; len(sizes) > survey.MaxStrata {
			return problem.New(problem.TooLarge, "the frame has over %d strata: divide it by less", survey.MaxStrata)
		}
		if d.Seen()%8192 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			s.tell("reading", d.Seen(), s.plan.Frame.Rows)
		}
	}
	if err := s.same(); err != nil {
		return err
	}
	drawn, err := d.Drawn()
	if err != nil && d.Repeats() == 0 {
		return err
	}
	if len(drawn) < s.plan.Total {
		return s.fail(ctx, problem.BadField("total", "asks for %d tests of a frame that holds %d different units", s.plan.Total, len(drawn)))
	}
	s.state.Counts.Repeats, s.state.Counts.Drawn = d.Repeats(), len(drawn)
	known := d.Repeats() == 0
	if known {
		s.state.Counts.Frame = d.Seen()
	}
	if s.Frame.Looked {
		units := make([]store.SurveyUnit, len(drawn))
		for i, u := range drawn {
			units[i] = store.SurveyUnit{N: i, Unit: u.ID, Phase: 1}
		}
		return s.move(ctx, SurveyClassifying, func(tx *store.Tx) error { return tx.AddSurveyUnits(ctx, s.ID, units) })
	}
	chosen, err := s.allot(drawn, sizes, known)
	if err != nil {
		return s.fail(ctx, err)
	}
	units := make([]store.SurveyUnit, len(chosen))
	for i, u := range chosen {
		units[i] = store.SurveyUnit{N: i, Unit: u.ID, Phase: 2, Stratum: u.Stratum}
	}
	answers, err := s.known(ctx, units)
	if err != nil {
		return err
	}
	return s.move(ctx, SurveyTesting, func(tx *store.Tx) error {
		if err := tx.AddSurveyUnits(ctx, s.ID, units); err != nil {
			return err
		}
		return tx.AddSurveyAnswers(ctx, s.ID, answers)
	})
}

// fail ends a survey that cannot be finished, and gives why.
func (s *surveying) fail(ctx context.Context, why error) error {
	s.row.Fault = problem.DocumentOf(why).Detail
	return errors.Join(why, s.move(ctx, SurveyFailed, nil))
}

// allot joins strata that are too small, divides the tests among them, and
// chooses whom to test. sizes are those of the frame's strata, if known.
func (s *surveying) allot(drawn []survey.Unit, sizes map[string]int, known bool) ([]survey.Unit, error) {
	counts := map[string]int{}
	for _, u := range drawn {
		counts[u.Stratum]++
	}
	var cells []survey.Cell
	if known {
		for k, n := range sizes {
			cells = append(cells, survey.Cell{Key: k, Frame: n, Drawn: counts[k]})
		}
	} else {
		for k, n := range counts {
			cells = append(cells, survey.Cell{Key: k, Drawn: n})
		}
	}
	cells, in := survey.Join(cells)
	for i := range drawn {
		drawn[i].Stratum = in[drawn[i].Stratum]
	}
	total := min(s.plan.Total, len(drawn))
	quotas := make([]survey.Quota, len(cells))
	for i, c := range cells {
		guess := 0.5
		if e := s.plan.Earlier; e != nil {
			if g, ok := e.Guess[c.Key]; ok {
				guess = g
			}
		}
		cells[i].Guess = guess
		quotas[i] = survey.Quota{Key: c.Key, Drawn: c.Drawn, Guess: guess}
	}
	s.state.Counts.Floor = survey.Floor(quotas, s.plan.Floor, total)
	for i := range quotas {
		quotas[i].Floor = s.state.Counts.Floor
	}
	quotas, err := survey.Allocate(quotas, total)
	if err != nil {
		return nil, err
	}
	for i := range cells {
		cells[i].Tested = quotas[i].Test
	}
	s.state.Cells = cells
	return survey.Second(s.plan.Seed, drawn, quotas)
}

// surveyPage is how many units are read from the database at once.
const surveyPage = 2000

// units reads all units of a phase.
func (s *surveying) units(ctx context.Context, phase int, open bool, take func(store.SurveyUnit) error) error {
	for after := -1; ; {
		var page []store.SurveyUnit
		if err := s.c.Store.View(ctx, func(tx *store.Tx) (err error) {
			page, err = tx.SurveyUnits(ctx, s.ID, phase, open, after, surveyPage)
			return err
		}); err != nil {
			return err
		}
		for _, u := range page {
			if err := take(u); err != nil {
				return err
			}
			after = u.N
		}
		if len(page) < surveyPage {
			return nil
		}
	}
}

// surveyDone is what became of a unit, to be made durable.
type surveyDone struct {
	Unit    string         `json:"unit"`
	Stratum string         `json:"stratum,omitempty"`
	Outcome survey.Outcome `json:"outcome"`
}

// keep makes results durable.
func (s *surveying) keep(ctx context.Context, step string, done []surveyDone) error {
	if len(done) == 0 {
		return nil
	}
	if err := s.before(step + " batch"); err != nil {
		return err
	}
	return s.c.Store.Update(ctx, func(tx *store.Tx) error {
		// The names of the sample are needed for as long as it is worked on, however
		// slow the servers are.
		if err := tx.TouchSurvey(ctx, s.ID, s.c.Clock.Now()); err != nil {
			return err
		}
		for _, d := range done {
			b, err := json.Marshal(d.Outcome)
			if err != nil {
				return err
			}
			if _, err := tx.DoneSurveyUnit(ctx, s.ID, d.Unit, d.Stratum, b); err != nil {
				return err
			}
		}
		return nil
	})
}

// unknownStratum is that of drawn names of which nothing was learned.
const unknownStratum = "(not answered for)"

// classify looks the first phase up, and then chooses the second. Who turns out
// to be no registration is not of the population.
func (s *surveying) classify(ctx context.Context) error {
	if err := s.ask(ctx, SurveyClassifying, 1, func(unit string, rec registration.Record, err error) surveyDone {
		d := surveyDone{Unit: unit, Stratum: unknownStratum}
		switch {
		case err != nil || !rec.State.Tells():
			d.Outcome.Lost = lostOf(rec, err)
		case rec.State != registration.Registered:
			d.Outcome.Gone = string(rec.State)
		default:
			d.Stratum, _ = s.Frame.Place(unit, rec)
			d.Stratum = cmp.Or(d.Stratum, "(no stratum)")
		}
		return d
	}); err != nil {
		return err
	}
	var drawn []survey.Unit
	number := map[string]int{}
	gone := map[string]int{}
	if err := s.units(ctx, 1, false, func(u store.SurveyUnit) error {
		var o survey.Outcome
		if err := json.Unmarshal(u.Outcome, &o); err != nil {
			return problem.Wrap(err, problem.Corrupt, "unit %d of survey %s does not parse", u.N, s.ID)
		}
		if o.Gone != "" {
			gone[o.Gone]++
			return nil
		}
		number[u.Unit] = u.N
		drawn = append(drawn, survey.Unit{ID: u.Unit, Stratum: u.Stratum})
		return nil
	}); err != nil {
		return err
	}
	for _, g := range slices.Sorted(maps.Keys(gone)) {
		s.state.Excluded = append(s.state.Excluded, survey.Excluded{Where: "first phase", Reason: "not registered: " + g, Units: gone[g]})
	}
	if len(drawn) == 0 {
		return s.fail(ctx, problem.New(problem.NotFound, "none of the %d names drawn is registered", s.state.Counts.Drawn))
	}
	if len(gone) > 0 {
		s.state.Counts.Frame = 0 // how many of the frame are registered is not known
	}
	chosen, err := s.allot(drawn, nil, false)
	if err != nil {
		return s.fail(ctx, err)
	}
	units := make([]store.SurveyUnit, len(chosen))
	for i, u := range chosen {
		units[i] = store.SurveyUnit{N: number[u.ID], Unit: u.ID, Stratum: u.Stratum}
	}
	answers, err := s.known(ctx, units)
	if err != nil {
		return err
	}
	return s.move(ctx, SurveyTesting, func(tx *store.Tx) error {
		if err := tx.ChooseSurveyUnits(ctx, s.ID, units); err != nil {
			return err
		}
		return tx.AddSurveyAnswers(ctx, s.ID, answers)
	})
}

// lostOf says why nothing was learned of a name.
func lostOf(rec registration.Record, err error) string {
	switch {
	case err == nil:
		return cmp.Or(string(rec.State), "unknown")
	case problem.CodeOf(err) == problem.NotFound:
		return "no server is known"
	case problem.CodeOf(err) == problem.Refused:
		return "not asked: the terms of its server do not allow it"
	}
	return "no answer"
}

// test examines what is open of the second phase, and makes the report when
// nothing is.
func (s *surveying) test(ctx context.Context) error {
	err := s.recall(ctx)
	if err != nil {
		return err
	}
	if s.plan.Kind == survey.Public {
		err = s.ask(ctx, SurveyTesting, 2, func(unit string, rec registration.Record, err error) surveyDone {
			d := surveyDone{Unit: unit}
			if err != nil || !rec.State.Tells() {
				d.Outcome.Lost = lostOf(rec, err)
				return d
			}
			d.Outcome = s.examine(ctx, unit, rec)
			if d.Outcome.Gone == "" {
				_, d.Outcome.Groups = s.Frame.Place(unit, rec)
			}
			return d
		})
	} else {
		err = s.read(ctx)
	}
	if err != nil {
		return err
	}
	return s.report(ctx)
}

// examine tests one record.
func (s *surveying) examine(ctx context.Context, id string, rec registration.Record) survey.Outcome {
	var facts accuracy.Facts
	if s.Frame.Facts != nil {
		facts = s.Frame.Facts(id)
	}
	if as := s.answered(id, rec); len(as) > 0 {
		facts = facts.And(accuracy.Facts{Answers: as})
	}
	if s.plan.Observed {
		facts = facts.And(s.facts.of(ctx, rec, s.MailFact, s.Suffixes))
	}
	a, _, err := s.Profile.Examine(rec, facts, s.plan.At)
	if err != nil { // over a limit of what is examined
		return survey.Outcome{Lost: "the record is over a limit"}
	}
	return survey.OutcomeOf(a)
}

// read reads a registry's own frame again and tests the units that are open.
func (s *surveying) read(ctx context.Context) error {
	open := map[string]bool{}
	all, done, err := s.counts(ctx, 2)
	if err != nil {
		return err
	}
	if err := s.units(ctx, 2, true, func(u store.SurveyUnit) error {
		open[u.Unit] = true
		return nil
	}); err != nil || len(open) == 0 {
		return err
	}
	s.began, s.from = s.c.Clock.Now(), done
	whole := ctx
	ctx, stop := context.WithCancel(whole)
	defer stop()
	untested, results := make(chan SurveyUnit), make(chan surveyDone)
	var work sync.WaitGroup
	for range s.Workers {
		work.Go(func() {
			for u := range untested {
				d := surveyDone{Unit: u.ID, Outcome: s.examine(ctx, u.ID, u.Record)}
				if d.Outcome.Gone == "" {
					d.Outcome.Groups = u.Groups
				}
				if ctx.Err() != nil {
					continue // what was observed may be cut short
				}
				select {
				case results <- d:
				case <-ctx.Done():
				}
			}
		})
	}
	kept := make(chan error, 1)
	go func() {
		var batch []surveyDone
		var err error
		n := 0
		for d := range results {
			if err != nil {
				continue // until the readers have seen that it stopped
			}
			n++
			if batch = append(batch, d); len(batch) >= s.Batch {
				if err = s.keep(ctx, SurveyTesting, batch); err != nil {
					stop()
				}
				batch = batch[:0]
				s.tell(SurveyTesting, done+n, all)
			}
		}
		if err == nil {
			err = s.keep(ctx, SurveyTesting, batch)
		}
		kept <- err
	}()
	rows := 0
	var fault error
	for u, err := range s.Frame.Read() {
		if rows++; rows%1024 == 0 && ctx.Err() != nil {
			break
		}
		if err != nil {
			if s.Frame.Fatal(err) {
				fault = err
				break
			}
			continue
		}
		if !open[u.ID] {
			continue
		}
		delete(open, u.ID)
		select {
		case untested <- u:
		case <-ctx.Done():
		}
		if len(open) == 0 {
			break
		}
	}
	close(untested)
	work.Wait()
	close(results)
	if err := errors.Join(fault, <-kept, whole.Err()); err != nil {
		return err
	}
	if err := s.same(); err != nil { // what was tested may be of another frame
		return s.fail(ctx, err)
	}
	if len(open) > 0 {
		return s.fail(ctx, problem.New(problem.Corrupt, "%d units that were drawn are not in the frame any more", len(open)))
	}
	return nil
}

func (s *surveying) counts(ctx context.Context, phase int) (all, done int, err error) {
	err = s.c.Store.View(ctx, func(tx *store.Tx) error {
		all, done, err = tx.CountSurveyUnits(ctx, s.ID, phase)
		return err
	})
	return all, done, err
}

// ask looks the open units of a phase up, each server at its own pace.
func (s *surveying) ask(ctx context.Context, step string, phase int, take func(string, registration.Record, error) surveyDone) (err error) {
	all, done, err := s.counts(ctx, phase)
	if err != nil || done == all {
		return err
	}
	// What is under way is no more than a list: it is made anew from the database
	// by each run.
	path := filepath.Join(s.Lookup.Dir, "survey-"+s.ID+".run")
	remove := func() error {
		var errs []error
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, problem.Wrap(err, problem.Unavailable, "the run's file cannot be removed"))
			}
		}
		return errors.Join(errs...)
	}
	if err := remove(); err != nil {
		return err
	}
	run, err := store.OpenRun(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close(), remove()) }()
	var names []store.RunName
	add := func() error {
		_, err := run.Add(ctx, names, nil)
		names = names[:0]
		return err
	}
	if err := s.units(ctx, phase, true, func(u store.SurveyUnit) error {
		n := store.RunName{Name: u.Unit, Line: int64(u.N), Lane: "none"}
		if d, err := name.Parse(u.Unit); err == nil {
			if first, err := s.Lookup.Begin(d); err == nil {
				n.Lane = first.Server
			}
		}
		if names = append(names, n); len(names) < surveyPage {
			return nil
		}
		return add()
	}); err != nil {
		return err
	}
	if err := add(); err != nil {
		return err
	}
	size := int64(0)
	look := &BulkLookup{Run: run, Begin: s.Lookup.Begin, Ask: s.Lookup.Ask, Side: s.Lookup.Side, May: s.Lookup.May, Pace: s.Lookup.Pace, Clock: s.Lookup.Clock,
		Line: func(r LookupResult) ([]byte, error) {
			d := take(r.Name, r.Record, r.Err)
			if err := ctx.Err(); err != nil {
				return nil, err // what was observed may be cut short: it stays open
			}
			b, err := json.Marshal(d)
			return append(b, '\n'), err
		},
		Write: func(lines []byte) (int64, error) {
			var batch []surveyDone
			for dec := json.NewDecoder(bytes.NewReader(lines)); dec.More(); {
				var d surveyDone
				if err := dec.Decode(&d); err != nil {
					return size, err
				}
				batch = append(batch, d)
			}
			size += int64(len(lines))
			return size, s.keep(context.WithoutCancel(ctx), step, batch)
		}}
	over := make(chan struct{})
	var told sync.WaitGroup
	if s.Progress != nil {
		told.Go(func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for {
				select {
				case <-over:
					return
				case <-tick.C:
					p := look.Progress()
					s.Progress(SurveyProgress{Step: step, Done: done + int(p.Done), All: all, Left: p.Left, Why: strings.TrimSpace(p.Slowest + " " + p.Why)})
				}
			}
		})
	}
	err = look.Do(ctx)
	close(over)
	told.Wait()
	return err
}

// report makes the report of what was tested.
func (s *surveying) report(ctx context.Context) error {
	err := s.compose(ctx)
	if problem.CodeOf(err) == problem.NotFound {
		return s.fail(ctx, err)
	}
	if err != nil {
		return err
	}
	return s.move(ctx, SurveyDone, nil)
}

// compose makes the report, and what the row keeps of it.
func (s *surveying) compose(ctx context.Context) error {
	r, err := s.make(ctx)
	if err != nil {
		return err
	}
	if s.row.Report, err = r.JSON(); err != nil {
		return err
	}
	s.state.Figures = figuresOf(r)
	s.row.Digest, err = r.Digest()
	return err
}

func (s *surveying) make(ctx context.Context) (survey.Report, error) {
	var fault error
	counts := s.state.Counts
	counts.Tested, counts.Gone, counts.Lost = 0, 0, 0
	r, err := survey.Make(s.plan, counts, s.state.Cells, s.state.Excluded, func(yield func(string, survey.Outcome) bool) {
		fault = s.units(ctx, 2, false, func(u store.SurveyUnit) error {
			var o survey.Outcome
			if !u.Done {
				return problem.New(problem.Conflict, "unit %d is not tested", u.N)
			}
			if b, ok := s.fresh[u.N]; ok {
				u.Outcome = b
			}
			if err := json.Unmarshal(u.Outcome, &o); err != nil {
				return problem.Wrap(err, problem.Corrupt, "unit %d of survey %s does not parse", u.N, s.ID)
			}
			if !yield(u.Stratum, o) {
				return errStop
			}
			return nil
		})
	})
	if fault != nil && !errors.Is(fault, errStop) {
		return r, fault
	}
	return r, err
}

// errStop ends a reading whose reader has had enough.
var errStop = errors.New("enough")

// SurveyUnits reads the units that a survey tested, with their names where
// these have not expired: a name with its verdict is about a person. The caller
// sees to it who may see them, and that the look is logged.
func (c *Centre) SurveyUnits(ctx context.Context, id string, take func(unit, stratum string, o survey.Outcome) error) error {
	s := &surveying{SurveyRun: &SurveyRun{ID: id}, c: c}
	if err := s.load(ctx); err != nil {
		return err
	}
	return s.units(ctx, 2, false, func(u store.SurveyUnit) error {
		var o survey.Outcome
		if !u.Done {
			return nil
		}
		if err := json.Unmarshal(u.Outcome, &o); err != nil {
			return problem.Wrap(err, problem.Corrupt, "unit %d of survey %s does not parse", u.N, id)
		}
		return take(u.Unit, u.Stratum, o)
	})
}

// SurveyFindings adds what people found who looked for the registrants of the
// sample, by unit, and makes the report anew. The error names a unit that is not
// of the sample; a published report is not changed.
func (c *Centre) SurveyFindings(ctx context.Context, id string, found map[string]survey.Findings) (Survey, error) {
	s := &surveying{SurveyRun: &SurveyRun{ID: id}, c: c}
	if err := s.load(ctx); err != nil {
		return Survey{}, err
	}
	switch {
	case s.row.State != SurveyDone:
		return Survey{}, problem.New(problem.Conflict, "survey %s is %s: findings are added when it is done", id, s.row.State)
	case s.row.Published:
		return Survey{}, problem.New(problem.Conflict, "survey %s is published: withdraw it first", id)
	case !s.row.Expired.IsZero():
		return Survey{}, problem.New(problem.Conflict, "the names of the sample of survey %s have expired", id)
	}
	left := maps.Clone(found)
	set := map[int][]byte{}
	if err := s.units(ctx, 2, false, func(u store.SurveyUnit) error {
		f, ok := left[u.Unit]
		if !ok {
			return nil
		}
		delete(left, u.Unit)
		var o survey.Outcome
		if err := json.Unmarshal(u.Outcome, &o); err != nil {
			return problem.Wrap(err, problem.Corrupt, "unit %d of survey %s does not parse", u.N, id)
		}
		o.Findings = &f
		b, err := json.Marshal(o)
		set[u.N] = b
		return err
	}); err != nil {
		return Survey{}, err
	}
	if len(left) > 0 {
		some := slices.Sorted(maps.Keys(left))
		return Survey{}, problem.BadField("findings", "has %d units that the survey did not test; the first is %q", len(left), some[0])
	}
	// Outcomes and report change together or not at all: neither may a report that
	// was published meanwhile change, nor may it say something else than the units.
	was := s.row.Digest
	s.fresh = set
	if err := s.compose(ctx); err != nil {
		return Survey{}, err
	}
	row := s.row
	row.Changed = c.Clock.Now()
	var err error
	if row.Progress, err = json.Marshal(s.state); err != nil {
		return Survey{}, err
	}
	if err := c.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.ReportSurvey(ctx, row, was); err != nil {
			return err
		}
		for n, b := range set {
			if err := tx.SetSurveyOutcome(ctx, id, n, b); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return Survey{}, err
	}
	return c.Survey(ctx, id)
}

// surveyFacts keeps what was seen of mail domains: many registrations share one.
type surveyFacts struct {
	mu    sync.Mutex
	known map[string]accuracy.MailFact
}

// maxSurveyFacts bounds what is kept; beyond it domains are asked for again.
const maxSurveyFacts = 200_000

// of asks once for each domain of the record's mail addresses.
func (m *surveyFacts) of(ctx context.Context, rec registration.Record, ask func(context.Context, name.Domain, name.Domain) accuracy.MailFact, suffixes *name.Suffixes) accuracy.Facts {
	f := accuracy.Facts{Mail: map[string]accuracy.MailFact{}}
	for _, role := range slices.Sorted(maps.Keys(rec.Contacts)) {
		at := strings.LastIndexByte(rec.Contacts[role].Email, '@')
		if at < 0 || len(f.Mail) >= accuracy.MaxRoles {
			continue
		}
		d, err := name.ParseAny(strings.TrimSpace(rec.Contacts[role].Email[at+1:]))
		if err != nil {
			continue // the checks of the form say so
		}
		m.mu.Lock()
		fact, known := m.known[d.String()]
		m.mu.Unlock()
		if !known {
			fact = ask(ctx, d, suffixes.Split(d).Registered)
			m.mu.Lock()
			if m.known == nil {
				m.known = map[string]accuracy.MailFact{}
			}
			if len(m.known) < maxSurveyFacts && fact.Failure == "" && ctx.Err() == nil {
				m.known[d.String()] = fact
			}
			m.mu.Unlock()
		}
		f.Mail[d.String()] = fact
	}
	return f
}
