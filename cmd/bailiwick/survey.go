package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"bailiwick/accuracy/frame"
	"bailiwick/accuracy/policy"
	"bailiwick/accuracy/survey"
	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/config"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/text"

	"golang.org/x/term"
)

type surveyCmd struct {
	New      surveyNewCmd      `cmd:"" help:"Plan a survey of a frame: the list of registrations that the sample is drawn from."`
	Run      surveyRunCmd      `cmd:"" help:"Run a survey, or go on with it where it was stopped."`
	Status   surveyStatusCmd   `cmd:"" help:"Say how far surveys are."`
	Show     surveyShowCmd     `cmd:"" help:"Print the report of a survey."`
	Report   surveyReportCmd   `cmd:"" help:"Write the report of a survey as one HTML file for printing, with its charts."`
	Export   surveyExportCmd   `cmd:"" help:"Write the results as CSV, or the report as it is digested with --json; with --units the sample, for a reason."`
	Compare  surveyCompareCmd  `cmd:"" help:"Say what changed between two surveys."`
	Target   surveyTargetCmd   `cmd:"" help:"Targets of a series of surveys, such as: half the failures in twelve months."`
	Findings surveyFindingsCmd `cmd:"" help:"Add what people found who looked for the registrants of the sample: the five groups of the study of 2010."`
	Publish  surveyPublishCmd  `cmd:"" help:"Show a survey's report to everybody, or no longer with --withdraw."`
}

// toolVersion is which program this is, as it stands in reports.
func toolVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value[:min(12, len(s.Value))]
		}
	}
	return cmp.Or(v, "unknown")
}

type surveyNewCmd struct {
	Name        string   `arg:"" help:"Name of the series: surveys of one name are its cycles." placeholder:"SERIES"`
	Frame       string   `help:"The frame: an escrow deposit (RFC 9022), EPP answers, a CSV table with --mapping, or a list of names for a public survey." required:"" placeholder:"FILE"`
	Format      string   `help:"Its format: escrow-xml, escrow-csv, epp, csv or names; told from the file if not given." placeholder:"FORMAT"`
	Mapping     string   `help:"Which columns of a CSV table hold what (see docs/accuracy.md)." placeholder:"FILE"`
	Policy      string   `help:"The policy profile: a name ('policy list'), or a file." required:"" placeholder:"PROFILE"`
	Total       int      `help:"How many registrations are tested." required:"" placeholder:"N"`
	First       int      `help:"How many are drawn first, to learn the sizes of the strata; ten times as many as are tested if not given." placeholder:"N"`
	By          []string `help:"What divides the frame into strata: region, class, agreement, size. A public frame has no sizes of registrars." placeholder:"KEY"`
	Agreements  string   `help:"For 'agreement': a file of lines REGISTRAR,2009 or REGISTRAR,2013." placeholder:"FILE"`
	Group       []string `help:"Subgroups to tell of: registrar, tld, region, stratum." default:"registrar,tld" placeholder:"DIVISION"`
	Floor       int      `help:"Tests in each stratum at least, where so many were drawn." default:"200" placeholder:"N"`
	Main        string   `help:"The test by whose expected share tests are divided among strata." default:"all.form" placeholder:"TEST"`
	Seed        string   `help:"A number from which everything is drawn: the same draws the same. One is made up if none is given. It is a secret: with it, who has the frame has the sample." placeholder:"N"`
	Salt        string   `help:"To do a survey again: its salt, in hex, by which the commitment to its seed was made. One is made up if none is given." placeholder:"HEX"`
	Date        string   `help:"The day that the frame stands for; today if not given." placeholder:"YYYY-MM-DD"`
	Facts       string   `help:"What is known of the registrations from elsewhere (answers, verifications, registers), as 'check --facts' reads it." placeholder:"FILE"`
	Observe     bool     `help:"Ask DNS whether the domains of mail addresses take mail, and registries whether those that are not delegated are registered. Nothing is sent to them."`
	Description string   `help:"What the frame is, in words for the report; the name of its file if not given." placeholder:"TEXT"`
	Synthetic   bool     `help:"The registrations are made up: the report says so."`
	Alone       bool     `help:"Compare with no earlier cycle."`
	Actor       string   `help:"For a public frame: who asks. It is noted in the access log." placeholder:"WHO"`
	Purpose     string   `help:"For a public frame: what for. Servers whose terms name purposes are asked for those only." placeholder:"WHY"`
	JSON        bool     `help:"As JSON."`
}

// source is where the frame lies and how it is read.
func (c *surveyNewCmd) source() (surveySource, error) {
	s := surveySource{Format: frame.Format(c.Format), Policy: c.Policy, Groups: c.Group, Actor: c.Actor, Purpose: c.Purpose}
	var err error
	if err = regular(c.Frame); err != nil {
		return s, err
	}
	if s.File, err = filepath.Abs(c.Frame); err != nil {
		return s, problem.Wrap(err, problem.Invalid, "--frame: the path cannot be used")
	}
	if c.Mapping != "" {
		if s.Mapping, err = filepath.Abs(c.Mapping); err != nil {
			return s, problem.Wrap(err, problem.Invalid, "--mapping: the path cannot be used")
		}
	}
	if c.Facts != "" {
		if s.Facts, err = filepath.Abs(c.Facts); err != nil {
			return s, problem.Wrap(err, problem.Invalid, "--facts: the path cannot be used")
		}
	}
	if s.Format == "" {
		if s.Format, err = sniff(s.File); err != nil {
			return s, err
		}
	}
	if !slices.Contains(frame.Formats(), s.Format) {
		return s, problem.BadField("--format", "%q is none of the formats", text.Line(c.Format, 40))
	}
	for _, k := range c.By {
		if !slices.Contains([]frame.Key{frame.ByRegion, frame.ByClass, frame.ByAgreement, frame.BySize}, frame.Key(k)) || slices.Contains(s.Scheme.By, frame.Key(k)) {
			return s, problem.BadField("--by", "%q is none of region, class, agreement, size, each once", text.Line(k, 40))
		}
		s.Scheme.By = append(s.Scheme.By, frame.Key(k))
	}
	switch {
	case s.Format == frame.Names && slices.Contains(s.Scheme.By, frame.BySize):
		return s, problem.BadField("--by", "size: a list of names does not say who their registrars are, and how large")
	case slices.Contains(s.Scheme.By, frame.ByAgreement) != (c.Agreements != ""):
		return s, problem.BadField("--agreements", "goes with --by agreement, and that with it")
	case s.Format == frame.Names && (strings.TrimSpace(c.Actor) == "" || strings.TrimSpace(c.Purpose) == ""):
		return s, problem.BadField("--actor", "and --purpose are missing: a public frame is looked up at servers of others; who asks, and what for?")
	}
	if c.Agreements != "" {
		in, err := os.Open(c.Agreements)
		if err != nil {
			return s, problem.Wrap(err, problem.Invalid, "--agreements: %s cannot be opened", c.Agreements)
		}
		defer in.Close()
		if s.Scheme.Agreements, err = readAgreements(in); err != nil {
			return s, err
		}
	}
	if _, err := os.Stat(c.Policy); err == nil { // a file may be named from another folder later
		if s.Policy, err = filepath.Abs(c.Policy); err != nil {
			return s, problem.Wrap(err, problem.Invalid, "--policy: the path cannot be used")
		}
	}
	return s, nil
}

// sniff tells the format of a file.
func sniff(path string) (frame.Format, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", problem.Wrap(err, problem.Invalid, "--frame: %s cannot be opened", path)
	}
	defer in.Close()
	head, err := io.ReadAll(io.LimitReader(in, frame.SniffSize))
	if err != nil {
		return "", problem.Wrap(err, problem.Invalid, "--frame: %s cannot be read", path)
	}
	if len(head) == 0 {
		return "", problem.BadField("--frame", "%s is empty", path)
	}
	f, ok := frame.Sniff(head, path)
	if !ok {
		return "", problem.BadField("--format", "is missing: what %s holds cannot be told", path)
	}
	return f, nil
}

// Run plans a survey.
func (c *surveyNewCmd) Run(e *env) error {
	src, err := c.source()
	if err != nil {
		return err
	}
	p := survey.Plan{Name: strings.TrimSpace(c.Name), Scheme: strings.Join(c.By, ","), Groups: c.Group, FirstPhase: c.First, Total: c.Total, Floor: c.Floor, Main: c.Main,
		Observed: c.Observe, Tool: toolVersion(), Frame: survey.Frame{Description: cmp.Or(text.Line(c.Description, 500), filepath.Base(src.File)), Format: string(src.Format), Synthetic: c.Synthetic}}
	if p.Name != text.Line(p.Name, survey.MaxName) {
		return problem.BadField("SERIES", "is one line of at most %d octets", survey.MaxName)
	}
	if p.Seed, err = seedOf(c.Seed); err != nil {
		return err
	}
	if p.Salt, err = saltOf(c.Salt); err != nil {
		return err
	}
	if p.At, err = dayOf("--date", c.Date, clock.Real{}.Now()); err != nil {
		return err
	}
	profile, err := surveyProfile(e, src.Policy)
	if err != nil {
		return err
	}
	p.Profile, p.Hash, p.Status = profile.ID, profile.Hash(), profile.Status
	return onSurveys(e, "", func(k *surveyDesk) error {
		f, err := src.open(k.suffixes)
		if err != nil {
			return err
		}
		p.Kind = f.kind()
		if src.Facts != "" {
			if p.Facts, err = fileDigest(src.Facts); err != nil {
				return err
			}
		}
		if slices.Contains(src.Scheme.By, frame.BySize) { // one reading more, for the sizes of registrars
			var counts frame.Counts
			for u, err := range f.units() {
				if surveyFatal(err) {
					return err
				}
				if err == nil {
					counts.Add(u.Registrar)
				}
				if e.ctx.Err() != nil {
					return e.ctx.Err()
				}
			}
			src.Scheme.Sizes = counts.Sizes()
			f.Scheme.Sizes = src.Scheme.Sizes
		}
		body, err := json.Marshal(src)
		if err != nil {
			return err
		}
		s, err := k.app.Centre.PlanSurvey(e.ctx, centre.SurveyDraft{Plan: p, Source: body, Alone: c.Alone}, f.centre())
		if err != nil {
			return err
		}
		return printSurvey(e, s, c.JSON)
	})
}

func surveyFatal(err error) bool {
	var gone errUnopened
	return frame.Fatal(err) || errors.As(err, &gone)
}

// seedOf reads a seed, or makes one up.
func seedOf(s string) (uint64, error) {
	if s == "" {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return 0, err
		}
		return strconv.ParseUint(hex.EncodeToString(b[:]), 16, 64)
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, problem.BadField("--seed", "is no number from 0 to 18446744073709551615")
	}
	return n, nil
}

// saltOf reads a salt, or makes one up.
func saltOf(s string) (string, error) {
	if s == "" {
		var b [16]byte
		if _, err := rand.Read(b[:]); err != nil {
			return "", err
		}
		return hex.EncodeToString(b[:]), nil
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) < 8 || len(b) > 32 {
		return "", problem.BadField("--salt", "is not 16 to 64 digits in hex")
	}
	return hex.EncodeToString(b), nil
}

// dayOf reads a day; the day of now where none is given.
func dayOf(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return now.UTC().Truncate(24 * time.Hour), nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, problem.BadField(flag, "is no day such as 2026-03-01")
	}
	return t, nil
}

func surveyProfile(e *env, arg string) (policy.Profile, error) {
	lists, err := accuracyLists(e)
	if err != nil {
		return policy.Profile{}, err
	}
	set, err := policy.ShippedWith(lists)
	if err != nil {
		return policy.Profile{}, err
	}
	return profileOf(set, arg)
}

// surveyDesk is what the subcommands work with.
type surveyDesk struct {
	app      *app.App
	cfg      config.Config
	world    app.World
	suffixes *name.Suffixes
}

// onSurveys runs f on the centre's state.
func onSurveys(e *env, lab string, f func(*surveyDesk) error) error {
	k := &surveyDesk{}
	var err error
	if k.cfg, err = config.Load(e.config, os.Environ()); err != nil {
		return err
	}
	if lab != "" {
		if k.world, err = remoteWorld(e.ctx, lab); err != nil {
			return err
		}
	}
	if k.suffixes, err = app.Suffixes(k.cfg, k.world); err != nil {
		return err
	}
	if k.app, err = app.New(e.ctx, k.cfg, k.world, e.log); err != nil {
		return problem.Wrap(err, problem.CodeOf(err), "the centre's state cannot be opened")
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), 10*time.Second)
		defer cancel()
		if err := k.app.Stop(ctx); err != nil {
			e.log.Warn("the centre's state was not closed cleanly", "err", err)
		}
	}()
	return f(k)
}

type surveyRunCmd struct {
	ID    string `arg:"" help:"The survey."`
	Frame string `help:"Where the frame lies today, if not where it lay when the survey was planned. It must be the same, octet by octet." placeholder:"FILE"`
	Lab   string `help:"Ask a lab's world instead of the Internet: the address that 'bailiwick lab' prints." placeholder:"ADDR"`
	JSON  bool   `help:"As JSON."`
}

// Run does what is left of a survey.
func (c *surveyRunCmd) Run(e *env) error {
	return onSurveys(e, c.Lab, func(k *surveyDesk) error {
		s, err := k.app.Centre.Survey(e.ctx, c.ID)
		if err != nil {
			return err
		}
		if s.State == centre.SurveyDone {
			return printSurvey(e, s, c.JSON)
		}
		body, err := k.app.Centre.SurveySource(e.ctx, c.ID)
		if err != nil {
			return err
		}
		var src surveySource
		if len(body) == 0 {
			return problem.New(problem.Conflict, "the names of the sample of survey %s have expired: begin another", c.ID)
		}
		if err := json.Unmarshal(body, &src); err != nil {
			return problem.Wrap(err, problem.Corrupt, "where the frame of survey %s lies does not parse", c.ID)
		}
		if c.Frame != "" {
			if src.File, err = filepath.Abs(c.Frame); err != nil {
				return problem.Wrap(err, problem.Invalid, "--frame: the path cannot be used")
			}
		}
		// A public frame is read no more once its sample is drawn.
		if s.Plan.Kind == survey.Internal || s.State == centre.SurveyPlanned {
			if err := regular(src.File); err != nil {
				return err
			}
		}
		f, err := src.open(k.suffixes)
		if err != nil {
			return err
		}
		run := centre.SurveyRun{ID: c.ID, Frame: f.centre(), Tool: toolVersion(), Suffixes: k.suffixes}
		if run.Profile, err = surveyProfile(e, src.Policy); err != nil {
			return err
		}
		if s.Plan.Kind == survey.Public || s.Plan.Observed {
			// It keeps no raw answers: what a survey keeps is results and reasons. Its
			// budgets are those of the centre, which may be asking beside it.
			col, err := app.NewCollector(k.cfg, k.world, e.log, app.Budgets(k.app.Store), &halfway{kept: map[string]collect.Kept{}})
			if err != nil {
				return err
			}
			defer col.Close()
			run.MailFact = col.MailFact
			if s.Plan.Kind == survey.Public {
				clk := k.world.Clock
				if clk == nil {
					clk = clock.Real{}
				}
				dir, err := os.MkdirTemp("", "bailiwick-survey-") // for this user alone
				if err != nil {
					return problem.Wrap(err, problem.Unavailable, "a folder for what is under way cannot be made")
				}
				defer os.RemoveAll(dir)
				limits := &bulkRun{l: &lookupCmd{Purpose: src.Purpose, Contacts: true}, e: e, col: col}
				run.Lookup = &centre.SurveyLookup{Begin: col.Begin, Ask: col.Ask, Side: limits.side, May: limits.may, Pace: func(server string) float64 { return col.Terms(server).Rate },
					Clock: clk, Dir: dir}
				if err := seenByConsole(e.ctx, k.app.Store, "survey "+c.ID, "for "+text.Line(src.Actor, 100)+": "+text.Line(src.Purpose, 200)); err != nil {
					return err
				}
			}
		}
		show := &surveyBar{e: e}
		run.Progress = show.tell
		s, err = k.app.Centre.RunSurvey(e.ctx, run)
		show.end()
		if err != nil {
			if e.ctx.Err() != nil {
				fmt.Fprintln(e.errs, "stopped; the same command goes on where it was")
			}
			return err
		}
		return printSurvey(e, s, c.JSON)
	})
}

// surveyBar shows progress: in place on a terminal, else a line now and then.
// It is called by one goroutine at a time.
type surveyBar struct {
	e    *env
	last time.Time
	step string
	open bool
}

func (b *surveyBar) tell(p centre.SurveyProgress) {
	now := clock.Real{}.Now()
	f, ok := b.e.errs.(*os.File)
	terminal := ok && term.IsTerminal(int(f.Fd()))
	every := 30 * time.Second
	if terminal {
		every = 200 * time.Millisecond
	}
	if p.Step == b.step && now.Sub(b.last) < every {
		return
	}
	b.step, b.last = p.Step, now
	line := surveyProgress(p)
	if terminal {
		if width := columns(f); width > 0 && len([]rune(line)) >= width {
			line = string([]rune(line)[:width-1])
		}
		fmt.Fprintf(f, "\r\x1b[K%s", line)
		b.open = true
		return
	}
	fmt.Fprintln(b.e.errs, line)
}

func (b *surveyBar) end() {
	if b.open {
		fmt.Fprintln(b.e.errs)
	}
}

// surveyProgress is progress in words. A time left is told only where it is
// known.
func surveyProgress(p centre.SurveyProgress) string {
	word := map[string]string{"reading": "reading the frame", centre.SurveyPlanned: "planned, nothing is drawn yet", centre.SurveyClassifying: "looking the first phase up",
		centre.SurveyTesting: "testing", centre.SurveyDone: "done", centre.SurveyFailed: "failed"}[p.Step]
	s := cmp.Or(word, p.Step)
	if p.All > 0 {
		s += fmt.Sprintf(": %d of %d", p.Done, p.All)
	}
	switch {
	case p.All == p.Done:
	case p.Left > 0:
		s += fmt.Sprintf(", about %s left", roughly(p.Left))
		if p.Why != "" {
			s += " (" + text.Line(p.Why, 80) + ")"
		}
	case p.Why != "":
		s += ", time left not known: " + text.Line(p.Why, 80)
	}
	return s
}

type surveyStatusCmd struct {
	ID     string `arg:"" optional:"" help:"One survey; all of them if not given."`
	Series string `help:"Only those of a series." placeholder:"SERIES"`
	JSON   bool   `help:"One JSON object per survey."`
}

// Run lists surveys.
func (c *surveyStatusCmd) Run(e *env) error {
	return onSurveys(e, "", func(k *surveyDesk) error {
		var list []centre.Survey
		if c.ID != "" {
			s, err := k.app.Centre.Survey(e.ctx, c.ID)
			if err != nil {
				return err
			}
			s.Report = nil
			list = append(list, s)
		} else {
			var err error
			if list, err = k.app.Centre.Surveys(e.ctx, store.SurveyFilter{Name: c.Series}); err != nil {
				return err
			}
		}
		w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
		for _, s := range list {
			if c.JSON {
				if err := writeJSON(e.out, s); err != nil {
					return err
				}
				continue
			}
			published := ""
			if s.Published {
				published = ", published"
			}
			fmt.Fprintf(w, "%s\t%s\tcycle %d\t%s\t%s%s\t%s\n", s.ID, text.Line(s.Plan.Name, 60), s.Plan.Cycle, s.Plan.Kind, surveyProgress(s.Progress), published, text.Line(s.Fault, 200))
		}
		if len(list) == 0 && !c.JSON {
			fmt.Fprintln(w, "no surveys yet: 'bailiwick survey new' plans one")
		}
		return w.Flush()
	})
}

type surveyShowCmd struct {
	ID   string `arg:"" help:"The survey."`
	JSON bool   `help:"As JSON."`
}

// Run prints a survey with its report.
func (c *surveyShowCmd) Run(e *env) error {
	return onSurveys(e, "", func(k *surveyDesk) error {
		s, err := k.app.Centre.Survey(e.ctx, c.ID)
		if err != nil {
			return err
		}
		return printSurvey(e, s, c.JSON)
	})
}

// percent is a share in percent.
func percent(x float64) string { return strconv.FormatFloat(100*x, 'f', 1, 64) }

func between(e survey.Estimate) string {
	return percent(e.Share) + " % (" + percent(e.Low) + "–" + percent(e.High) + ")"
}

// printSurvey prints a survey, with its report if there is one.
func printSurvey(e *env, s centre.Survey, asJSON bool) error {
	if asJSON {
		return writeJSON(e.out, s)
	}
	p := s.Plan
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	line := func(k, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", k, fmt.Sprintf(format, args...)) }
	line("survey", "%s: %s, cycle %d", s.ID, text.Line(p.Name, 100), p.Cycle)
	line("state", "%s", surveyProgress(s.Progress))
	if s.Fault != "" {
		line("failed", "%s", text.Line(s.Fault, 300))
	}
	line("frame", "%s, %s, of %s: %d units, %d rows could not be read", text.Line(p.Frame.Description, 200), p.Kind, p.At.Format(time.DateOnly), p.Frame.Rows, badRows(p))
	line("", "SHA-256 %s", p.Frame.Digest)
	line("profile", "%s (%s), %s", text.Line(p.Profile, 60), p.Status, p.Hash[:min(12, len(p.Hash))])
	line("sample", "%d drawn, %d tested, strata by %s, seed %d, with %s", p.FirstPhase, p.Total, cmp.Or(p.Scheme, "nothing"), p.Seed, text.Line(p.Tool, 60))
	if p.Salt != "" {
		line("", "commitment to the seed %s", p.Committed())
		line("", "with the salt %s; seed and salt are secret, the commitment is not", text.Line(p.Salt, 64))
	}
	if s.Digest != "" {
		line("report", "SHA-256 %s", s.Digest)
	}
	if err := w.Flush(); err != nil || s.Report == nil {
		return err
	}
	r := s.Report
	fmt.Fprintln(e.out)
	for _, n := range r.Notes {
		fmt.Fprintln(e.out, "note: "+text.Line(n, 1000))
	}
	fmt.Fprintln(e.out)
	w = tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "test\ttestable\tpass, of what is testable\tpass, of all: between\tchange\t")
	for _, t := range r.Tests {
		pass := "only bounds are said"
		if a := t.Result.Accurate; a != nil {
			pass = between(*a)
		}
		change := ""
		if t.Change != nil {
			change = fmt.Sprintf("%+.1f (%+.1f to %+.1f)", 100*t.Change.Diff, 100*t.Change.Low, 100*t.Change.High)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s and %s %%\t%s\t%s\n", t.Title, between(t.Result.Testable), pass, percent(t.Result.Lower.Low), percent(t.Result.Upper.High), change, unfit(t.Result.Unpublished))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, t := range r.Tests {
		if t.Test != p.Main || len(t.Subgroups) == 0 {
			continue
		}
		fmt.Fprintf(e.out, "\n%s, by part of the frame\n", t.Title)
		if t.NoRanking != "" {
			fmt.Fprintln(e.out, t.NoRanking)
		}
		for _, g := range t.Subgroups {
			switch {
			case g.Result == nil:
				fmt.Fprintf(w, "  %s\t%s\t%d\tnot published: %s\n", g.By, text.Line(g.Key, 60), g.Tested, g.Unpublished)
			case g.Result.Accurate == nil:
				fmt.Fprintf(w, "  %s\t%s\t%d\tbetween %s and %s %%\n", g.By, text.Line(g.Key, 60), g.Tested, percent(g.Result.Lower.Low), percent(g.Result.Upper.High))
			default:
				fmt.Fprintf(w, "  %s\t%s\t%d\t%s\n", g.By, text.Line(g.Key, 60), g.Tested, between(*g.Result.Accurate))
			}
		}
		if t.More > 0 {
			fmt.Fprintf(w, "  and %d more that are not fit to be published\n", t.More)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if r.NORC != nil {
		fmt.Fprintln(e.out, "\nthe five groups of 2010")
		for _, g := range r.NORC.Groups {
			if g.Result.Accurate != nil {
				fmt.Fprintf(w, "  %s\t%s\n", g.Group, between(*g.Result.Accurate))
			} else {
				fmt.Fprintf(w, "  %s\tbetween %s and %s %%\n", g.Group, percent(g.Result.Lower.Low), percent(g.Result.Upper.High))
			}
		}
	}
	for _, t := range r.Targets {
		fmt.Fprintf(w, "\ntarget\t%s\n", targetWords(t.Target))
		fmt.Fprintf(w, "\t%s%s\n", t.Test.Reached, map[bool]string{true: ", before it is due"}[t.Test.Early])
	}
	for i, x := range r.Excluded {
		if i == 0 {
			fmt.Fprintln(w, "\nleft out\t")
		}
		fmt.Fprintf(w, "  %s\t%d\t%s\n", x.Where, x.Units, text.Line(x.Reason, 100))
	}
	return w.Flush()
}

func badRows(p survey.Plan) (n int) {
	for _, x := range p.Frame.Bad {
		n += x.Units
	}
	return n
}

func unfit(why string) string {
	if why == "" {
		return ""
	}
	return "not fit to be published: " + why
}

func targetWords(t survey.Target) string {
	title, _ := survey.About(t.Metric)
	return fmt.Sprintf("%s: failures from %s on %s to %s %% by %s", title, between(t.Baseline), t.At.Format(time.DateOnly), percent(t.Factor*t.Baseline.Share), t.Due.Format(time.DateOnly))
}

type surveyExportCmd struct {
	ID    string `arg:"" help:"The survey."`
	JSON  bool   `help:"The report as it is digested, octet by octet, with its seed, which is a secret: what may be passed on is 'survey report' and CSV." xor:"what"`
	Units bool   `help:"The sample: which registrations they were, with what was found. This is personal data, and the look is logged." xor:"what"`
	Why   string `name:"reason" help:"With --units: what for." placeholder:"WHY"`
}

// Run exports a survey.
func (c *surveyExportCmd) Run(e *env) error {
	if c.Units != (strings.TrimSpace(c.Why) != "") {
		return problem.BadField("--reason", "goes with --units, and that with it: a name with its verdict is about a person")
	}
	return onSurveys(e, "", func(k *surveyDesk) error {
		s, err := k.app.Centre.Survey(e.ctx, c.ID)
		if err != nil {
			return err
		}
		if c.Units {
			if err := seenByConsole(e.ctx, k.app.Store, "survey "+c.ID, "the sample: "+text.Line(c.Why, 200)); err != nil {
				return err
			}
			return writeUnits(e, k.app.Centre, s)
		}
		raw, err := k.app.Centre.SurveyReport(e.ctx, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			_, err := e.out.Write(raw)
			return err
		}
		return survey.WriteCSV(e.out, *s.Report)
	})
}

// writeUnits writes the sample as CSV.
func writeUnits(e *env, c *centre.Centre, s centre.Survey) error {
	w := csv.NewWriter(e.out)
	head := []string{"unit", "stratum", "left_out", "nothing_learned"}
	if err := w.Write(append(append(head, survey.Tests()...), "reasons")); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the output cannot be written")
	}
	if err := c.SurveyUnits(e.ctx, s.ID, func(unit, stratum string, o survey.Outcome) error {
		row := []string{survey.Plain(unit), survey.Plain(stratum), o.Gone, o.Lost}
		var why []string
		for _, t := range survey.Tests() {
			a := o.Tests[t]
			row = append(row, string(a.Result))
			for _, r := range a.Reasons {
				if !slices.Contains(why, r) {
					why = append(why, r)
				}
			}
		}
		return w.Write(append(row, strings.Join(why, "; ")))
	}); err != nil {
		return err
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the output cannot be written")
	}
	return nil
}

type surveyCompareCmd struct {
	From string `arg:"" help:"The earlier survey."`
	To   string `arg:"" help:"The later one."`
	JSON bool   `help:"As JSON."`
}

// Run compares two surveys.
func (c *surveyCompareCmd) Run(e *env) error {
	return onSurveys(e, "", func(k *surveyDesk) error {
		var reports [2]survey.Report
		for i, id := range []string{c.From, c.To} {
			s, err := k.app.Centre.Survey(e.ctx, id)
			if err != nil {
				return err
			}
			if s.Report == nil {
				return problem.New(problem.Conflict, "survey %s has no report yet: it is %s", id, s.State)
			}
			reports[i] = *s.Report
		}
		ds, said, err := survey.Differences(reports[0], reports[1])
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(e.out, struct {
				From  string              `json:"from"`
				To    string              `json:"to"`
				Tests []survey.Difference `json:"tests"`
				Notes []string            `json:"notes"`
			}{c.From, c.To, ds, said})
		}
		for _, n := range said {
			fmt.Fprintln(e.out, "note: "+n)
		}
		w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "\ntest\tpass, of what is testable\tp\ttestable")
		points := func(c *survey.ChangeOf) string {
			return fmt.Sprintf("%+.1f (%+.1f to %+.1f)", 100*c.Diff, 100*c.Low, 100*c.High)
		}
		for _, d := range ds {
			change, p := d.Why, ""
			if d.Change != nil {
				if change = points(d.Change); d.Change.P != nil {
					p = strconv.FormatFloat(*d.Change.P, 'f', 4, 64)
				}
			}
			testable := ""
			if d.TestableChange != nil {
				testable = points(d.TestableChange)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", d.Title, change, p, testable)
		}
		return w.Flush()
	})
}

type surveyTargetCmd struct {
	Set  surveyTargetSetCmd  `cmd:"" help:"Set a target for the series of a finished survey, which is its baseline."`
	List surveyTargetListCmd `cmd:"" help:"List the targets of a series."`
}

type surveyTargetSetCmd struct {
	ID     string  `arg:"" help:"The survey that is the baseline."`
	Test   string  `help:"The test whose failures are to become fewer." default:"all.form" placeholder:"TEST"`
	Factor float64 `help:"What the share of failures is to be multiplied by." default:"0.5" placeholder:"F"`
	Months int     `help:"Months after the baseline in which it is to be reached." default:"12" placeholder:"N"`
	JSON   bool    `help:"As JSON."`
}

// Run sets a target.
func (c *surveyTargetSetCmd) Run(e *env) error {
	if c.Months < 1 || c.Months > 240 {
		return problem.BadField("--months", "is 1 to 240")
	}
	return onSurveys(e, "", func(k *surveyDesk) error {
		s, err := k.app.Centre.Survey(e.ctx, c.ID)
		if err != nil {
			return err
		}
		t, err := k.app.Centre.SetSurveyTarget(e.ctx, c.ID, c.Test, c.Factor, s.Plan.At.AddDate(0, c.Months, 0))
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(e.out, t)
		}
		fmt.Fprintf(e.out, "%s: %s\nEvery later cycle of the series tests it.\n", text.Line(s.Plan.Name, 100), targetWords(t))
		return nil
	})
}

type surveyTargetListCmd struct {
	Series string `arg:"" help:"The series."`
	JSON   bool   `help:"One JSON object per target."`
}

// Run lists targets.
func (c *surveyTargetListCmd) Run(e *env) error {
	return onSurveys(e, "", func(k *surveyDesk) error {
		list, err := k.app.Centre.SurveyTargets(e.ctx, c.Series)
		if err != nil {
			return err
		}
		for _, t := range list {
			if c.JSON {
				if err := writeJSON(e.out, t); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintln(e.out, targetWords(t))
		}
		if len(list) == 0 && !c.JSON {
			fmt.Fprintln(e.out, "the series has no targets: 'bailiwick survey target set' sets one")
		}
		return nil
	})
}

type surveyPublishCmd struct {
	ID       string `arg:"" help:"The survey."`
	Withdraw bool   `help:"Show it no longer."`
}

// Run publishes a survey or withdraws it.
func (c *surveyPublishCmd) Run(e *env) error {
	return onSurveys(e, "", func(k *surveyDesk) error {
		if err := k.app.Centre.PublishSurvey(e.ctx, c.ID, !c.Withdraw); err != nil {
			return err
		}
		fmt.Fprintln(e.out, map[bool]string{false: "everybody can read its report now", true: "only people who are signed in can read its report now"}[c.Withdraw])
		return nil
	})
}

type surveyFindingsCmd struct {
	ID   string `arg:"" help:"The survey, done."`
	File string `arg:"" help:"CSV with the columns unit, deliverable, linked, located, interviewed (yes or no) and faults (a number)."`
	JSON bool   `help:"As JSON."`
}

// findingColumns are the columns of a file of findings.
var findingColumns = []string{"unit", "deliverable", "linked", "located", "interviewed", "faults"}

// Run adds findings.
func (c *surveyFindingsCmd) Run(e *env) error {
	in, err := os.Open(c.File)
	if err != nil {
		return problem.Wrap(err, problem.Invalid, "%s cannot be opened", c.File)
	}
	defer in.Close()
	found, err := readFindings(io.LimitReader(bufio.NewReader(in), 64<<20))
	if err != nil {
		return err
	}
	return onSurveys(e, "", func(k *surveyDesk) error {
		s, err := k.app.Centre.SurveyFindings(e.ctx, c.ID, found)
		if err != nil {
			return err
		}
		return printSurvey(e, s, c.JSON)
	})
}

// readFindings reads a file of findings. The error names the line and the
// column.
func readFindings(in io.Reader) (map[string]survey.Findings, error) {
	r := csv.NewReader(in)
	r.FieldsPerRecord = len(findingColumns)
	head, err := r.Read()
	if err != nil || !slices.Equal(head, findingColumns) {
		return nil, problem.BadField("line 1", "the columns are not %s", strings.Join(findingColumns, ","))
	}
	out := map[string]survey.Findings{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			return nil, problem.BadField(fmt.Sprintf("line %d", wrong.StartLine), "has not %d values, in quotes that close where there are any", len(findingColumns))
		}
		if err != nil {
			return nil, problem.Wrap(err, problem.Unavailable, "the findings cannot be read to their end")
		}
		line, _ := r.FieldPos(0)
		var f survey.Findings
		for i, to := range []*bool{&f.Deliverable, &f.Linked, &f.Located, &f.Interviewed} {
			switch row[i+1] {
			case "yes":
				*to = true
			case "no":
			default:
				return nil, problem.BadField(fmt.Sprintf("line %d: %s", line, findingColumns[i+1]), "is neither yes nor no")
			}
		}
		if f.Faults, err = strconv.Atoi(row[5]); err != nil || f.Faults < 0 || f.Faults > 1000 {
			return nil, problem.BadField(fmt.Sprintf("line %d: faults", line), "is no number of details that were not confirmed")
		}
		unit := strings.TrimPrefix(row[0], "'")
		if _, twice := out[unit]; twice {
			return nil, problem.BadField(fmt.Sprintf("line %d: unit", line), "stands here twice")
		}
		if len(out) >= survey.MaxTested {
			return nil, problem.New(problem.TooLarge, "over %d findings", survey.MaxTested)
		}
		out[unit] = f
	}
}
