package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"bailiwick/accuracy/census"
	"bailiwick/accuracy/frame"
	"bailiwick/centre"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/text"
	"bailiwick/web"
)

type accuracyCmd struct {
	Import  accuracyImportCmd  `cmd:"" help:"Hold every registration of a frame against a policy profile, and count what comes out; goes on where it was stopped."`
	List    accuracyListCmd    `cmd:"" help:"List what was counted."`
	Publish accuracyPublishCmd `cmd:"" help:"Show the sums of a frame to everybody, or no longer with --withdraw."`
	Drop    accuracyDropCmd    `cmd:"" help:"Delete a frame with everything that was counted in it."`
	Again   accuracyAgainCmd   `cmd:"" help:"Have everything that was looked up assessed again, as after a profile changed; the running centre does it."`
}

type accuracyImportCmd struct {
	File    string `arg:"" help:"A registry's or registrar's own data: an escrow deposit (RFC 9022), EPP answers, or a CSV table with --mapping." placeholder:"FILE"`
	Format  string `help:"Its format: escrow-xml, escrow-csv, epp or csv; told from the file if not given." placeholder:"FORMAT"`
	Mapping string `help:"Which columns of a CSV table hold what (see docs/accuracy.md)." placeholder:"FILE"`
	Policy  string `help:"The policy profile: a built-in one by its name ('policy list'), or a file of your own, which is kept with what is counted." default:"gtld-rdp-2025" placeholder:"PROFILE|FILE"`
	Frame   string `help:"What the frame is called; files of one name are counted together. The name of the file if not given." placeholder:"NAME"`
	TLD     string `help:"Take only names under this TLD; others are told as bad rows." placeholder:"TLD"`
	Public  bool   `help:"The data is what servers show to anybody: what is not there may be withheld, and is not testable."`
	Observe bool   `help:"Ask DNS whether the domains of mail addresses take mail, and registries whether those that are not delegated are registered. Nothing is sent to them."`
	Whole   bool   `help:"The file is all there is of the TLDs whose names are in it: names that were counted before and are not in it are gone. An escrow deposit is taken for whole without this." xor:"whole"`
	Part    bool   `help:"The file is a part of the frame: names that are not in it stay counted. A table and EPP answers are taken for parts without this." xor:"whole"`
	JSON    bool   `help:"As JSON."`
}

// maxTold is how many bad rows are told.
const maxTold = 20

// Run reads a frame. The status is 1 if no row could be read.
func (c *accuracyImportCmd) Run(e *env) error {
	if err := regular(c.File); err != nil {
		return problem.New(problem.CodeOf(err), "FILE: %s", problem.DocumentOf(err).Detail)
	}
	src := surveySource{Format: frame.Format(c.Format)}
	var err error
	if src.File, err = filepath.Abs(c.File); err != nil {
		return problem.Wrap(err, problem.Invalid, "the path cannot be used")
	}
	if c.Mapping != "" {
		if src.Mapping, err = filepath.Abs(c.Mapping); err != nil {
			return problem.Wrap(err, problem.Invalid, "--mapping: the path cannot be used")
		}
	}
	if src.Format == "" {
		if src.Format, err = sniff(src.File); err != nil {
			return err
		}
	}
	if src.Format == frame.Names {
		return problem.BadField("--format", "names: a list of names holds no registration data; 'lookup' asks for it, 'survey' draws from it")
	}
	return onSurveys(e, "", func(k *surveyDesk) error {
		f, err := src.open(k.suffixes)
		if err != nil {
			return err
		}
		sum, err := f.digest()
		if err != nil {
			return err
		}
		in := centre.AccuracyFrame{Name: cmp.Or(c.Frame, text.Line(filepath.Base(src.File), 80)), Source: census.Own, Profile: c.Policy, TLD: c.TLD, SHA: sum, Observe: c.Observe,
			Whole: c.Whole || !c.Part && (src.Format == frame.EscrowXML || src.Format == frame.EscrowCSV)}
		if c.Public {
			in.Source = census.Public
		}
		if _, err := k.app.Centre.Settings().Accuracy.Policies.Get(c.Policy); err != nil {
			if _, gone := os.Stat(c.Policy); gone != nil {
				return problem.New(problem.NotFound, "--policy: %s; nor is there a file of this name", problem.DocumentOf(err).Detail)
			}
			raw, err := file(c.Policy)
			if err != nil {
				return err
			}
			in.Own = &centre.OwnProfile{File: filepath.Base(c.Policy), Body: raw}
		}
		told := 0
		bad := func(err error) {
			if told++; told <= maxTold {
				fmt.Fprintln(e.errs, text.Line(err.Error(), 400))
			}
		}
		begin, from := time.Now(), -1
		var last time.Time
		read, err := k.app.Centre.ReadAccuracy(e.ctx, in, f.units(), bad, func(r centre.AccuracyRead) {
			if from < 0 {
				from = r.Skipped
			}
			if now := time.Now(); !c.JSON && now.Sub(last) > 2*time.Second && !r.Done {
				last = now
				fmt.Fprintf(e.errs, "%d rows, %.0f a second\n", r.Rows, float64(r.Rows-from)/now.Sub(begin).Seconds())
			}
		})
		if told > maxTold {
			fmt.Fprintf(e.errs, "and %d more bad rows\n", told-maxTold)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			err = writeJSON(e.out, read)
		} else {
			_, err = fmt.Fprintf(e.out, "%s: %d rows read, %d of them bad, %d earlier; %d names counted under %s\n", text.Line(read.Frame, 80), read.Rows, read.Bad, read.Skipped, read.Written, policyWord(read, in.Own != nil))
		}
		if err == nil && read.Gone > 0 && !c.JSON {
			_, err = fmt.Fprintf(e.out, "%d names that were counted before are not in it, and are gone\n", read.Gone)
		}
		if err == nil && read.Bad == read.Rows {
			err = errNegative
		}
		return err
	})
}

// policyWord is a profile, and of one's own its hash, by which it is kept.
func policyWord(r centre.AccuracyRead, own bool) string {
	if own {
		return fmt.Sprintf("your own %s (%.12s)", r.Profile, r.Hash)
	}
	return r.Profile
}

type accuracyListCmd struct {
	JSON bool `help:"One JSON object per line."`
}

// accuracySetLine is what --json prints of a set.
type accuracySetLine struct {
	ID        int64         `json:"id"`
	Frame     string        `json:"frame"`
	Source    census.Source `json:"source"`
	Published bool          `json:"published"`
	Profile   string        `json:"profile"`
	Hash      string        `json:"profile_hash"`
	Names     int           `json:"names"`
	First     time.Time     `json:"first"`
	Last      time.Time     `json:"last"`
}

// Run lists what was counted.
func (c *accuracyListCmd) Run(e *env) error {
	return onSurveys(e, "", func(k *surveyDesk) error {
		sets, err := k.app.Centre.AccuracySets(e.ctx)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
		if !c.JSON && len(sets) > 0 {
			fmt.Fprintln(t, "FRAME\tSOURCE\tPROFILE\tNAMES\tLAST\tSHOWN TO")
		}
		for _, s := range sets {
			sums, err := k.app.Centre.Accuracy(e.ctx, s.ID, "", "")
			if err != nil {
				return err
			}
			if c.JSON {
				if err := writeJSON(e.out, accuracySetLine{s.ID, s.Frame.Name, s.Frame.Source, s.Frame.Published, s.Profile, s.Hash, sums.All.Counts.N, s.First, s.Last}); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(t, "%s\t%s\t%s %.8s\t%d\t%s\t%s\n", text.Line(s.Frame.Name, 80), s.Frame.Source, s.Profile, s.Hash, sums.All.Counts.N, s.Last.Format(time.DateOnly), shownTo(s))
		}
		return t.Flush()
	})
}

func shownTo(s store.AccuracySet) string {
	if s.Frame.Published {
		return "everybody"
	}
	return "the desk"
}

type accuracyPublishCmd struct {
	Frame    string `arg:"" help:"The frame." placeholder:"NAME"`
	Withdraw bool   `help:"Show it to the desk alone."`
}

// Run publishes the sums of a frame.
func (c *accuracyPublishCmd) Run(e *env) error {
	return onSurveys(e, "", func(k *surveyDesk) error { return k.app.Centre.PublishAccuracy(e.ctx, c.Frame, !c.Withdraw) })
}

type accuracyDropCmd struct {
	Frame string `arg:"" help:"The frame." placeholder:"NAME"`
}

// Run deletes a frame.
func (c *accuracyDropCmd) Run(e *env) error {
	return onSurveys(e, "", func(k *surveyDesk) error { return k.app.Centre.DropAccuracy(e.ctx, c.Frame) })
}

type accuracyAgainCmd struct{}

// Run notes that everything is assessed again.
func (accuracyAgainCmd) Run(e *env) error {
	return onSurveys(e, "", func(k *surveyDesk) error {
		n, err := k.app.Centre.AssessAll(e.ctx)
		if err == nil {
			_, err = fmt.Fprintf(e.out, "%d names are to be assessed again\n", n)
		}
		return err
	})
}

type surveyReportCmd struct {
	ID   string `arg:"" help:"The survey."`
	HTML string `name:"html" help:"Where the file goes; - for standard output. It holds the charts and needs no other file." required:"" placeholder:"FILE"`
}

// Run writes the report of a survey as one file for keeping and printing.
func (c *surveyReportCmd) Run(e *env) error {
	return onSurveys(e, "", func(k *surveyDesk) error {
		s, err := k.app.Centre.Survey(e.ctx, c.ID)
		if err != nil {
			return err
		}
		if s.Report == nil {
			return problem.New(problem.Conflict, "survey %s has no results yet: it is %s", s.ID, s.State)
		}
		if s, err = k.app.Centre.PublicForm(e.ctx, s); err != nil { // such files are passed on
			return err
		}
		if c.HTML == "-" {
			return web.WriteSurvey(e.out, *s.Report, s.Digest)
		}
		f, err := os.OpenFile(c.HTML, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return problem.Wrap(err, problem.Invalid, "--html: %s cannot be written", c.HTML)
		}
		if err := web.WriteSurvey(f, *s.Report, s.Digest); err != nil {
			f.Close()
			return err
		}
		return f.Close()
	})
}
