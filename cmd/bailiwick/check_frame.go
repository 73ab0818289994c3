package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"bailiwick/accuracy"
	"bailiwick/accuracy/frame"
	"bailiwick/accuracy/policy"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/text"
)

// Limits of what a summary holds and shows.
const (
	maxSummed    = 100_000 // registrars; those beyond are one
	shownRows    = 30      // registrars that are printed for people
	shownErrors  = 20      // lost rows that are
	beyondSummed = "(others)"
)

// outcomes are how many records or fields have which result.
type outcomes struct {
	Pass       int `json:"pass"`
	Warn       int `json:"warn"`
	Fail       int `json:"fail"`
	Untestable int `json:"not_testable"`
}

func (c *outcomes) add(r accuracy.Result) {
	switch r {
	case accuracy.Pass:
		c.Pass++
	case accuracy.Warn:
		c.Warn++
	case accuracy.Fail:
		c.Fail++
	case accuracy.Untestable:
		c.Untestable++
	}
}

// checkSummary is what --json prints last of a frame. The counts are of what is
// in the file, and no estimate of anything else.
type checkSummary struct {
	File    string            `json:"file"`
	Format  frame.Format      `json:"format"`
	Profile string            `json:"profile"`
	Hash    string            `json:"profile_hash"`
	Status  policy.Status     `json:"profile_status"`
	Records int               `json:"records"`
	Results outcomes          `json:"results"`
	Lost    int               `json:"rows_lost"`        // could not be read
	Flawed  int               `json:"records_flawed"`   // with a value that could not be read as it stands
	Missing int               `json:"contacts_missing"` // named, and not in the file
	Cut     *problem.Document `json:"not_read_to_its_end,omitempty"`
	Checks  []checkCount      `json:"checks"`
	// Registrars are in the order of their number of records, which is no
	// ranking.
	Registrars []registrarCount `json:"registrars"`
}

// checkCount is how often a check came to which result, over all contacts.
type checkCount struct {
	Check string         `json:"check"`
	Level accuracy.Level `json:"level"`
	outcomes
}

// registrarCount is how many records of a registrar have which result.
type registrarCount struct {
	Registrar string `json:"registrar"`
	Name      string `json:"name,omitempty"`
	Records   int    `json:"records"`
	outcomes
}

// frame checks the records of a frame as they come.
func (k *checking) frame(path string, o *openedFrame) error {
	if o.src.Format == frame.Names {
		return k.failed(checkLine{File: path}, problem.New(problem.Invalid, "%s is a list of names and holds no registration data: 'bailiwick lookup --file' looks them up, and 'bailiwick survey' draws a sample", path))
	}
	s := checkSummary{File: path, Format: o.src.Format, Profile: k.profile.ID, Hash: k.profile.Hash(), Status: k.profile.Status}
	checks, registrars := map[string]*checkCount{}, map[string]*registrarCount{}
	var only checkLine // the first record, which is printed when it is the only one
	for u, err := range frame.Read(o.src, o.in) {
		if k.e.ctx.Err() != nil {
			return k.e.ctx.Err()
		}
		if err != nil {
			fatal := frame.Fatal(err)
			if !fatal {
				s.Lost++
			} else {
				doc := problem.DocumentOf(err)
				s.Cut = &doc
			}
			k.bad = true
			switch {
			case k.c.JSON:
				if err := k.failed(checkLine{File: path, Line: u.Line}, err); err != nil {
					return err
				}
			case fatal || s.Lost <= shownErrors: // it names its place itself
				fmt.Fprintln(k.e.errs, text.Line(err.Error(), 500))
			case s.Lost == shownErrors+1:
				fmt.Fprintf(k.e.errs, "%s: further rows could not be read; --json tells of each\n", text.Line(path, 300))
			}
			continue
		}
		line := checkLine{File: path, ID: u.ID, Line: u.Line, Registrar: u.Registrar, Missing: u.Missing}
		for _, f := range u.Flaws {
			line.Flaws = append(line.Flaws, f.Fields...)
		}
		a, err := k.assess(u.Record, u.ID)
		if err != nil {
			s.Lost++
			if err := k.failed(line, err); err != nil {
				return err
			}
			continue
		}
		line.Assessment = a
		s.Records++
		s.Results.add(a.Result)
		s.Missing += len(u.Missing)
		if len(u.Flaws) > 0 {
			s.Flawed++
		}
		k.bad = k.bad || a.Result == accuracy.Fail
		sumChecks(checks, a)
		sumRegistrar(registrars, u, a.Result)
		switch {
		case k.c.JSON:
			if err := writeJSON(k.e.out, line); err != nil {
				return err
			}
		case k.c.Each:
			if err := k.show(line); err != nil {
				return err
			}
		case s.Records == 1:
			only = line
		}
	}
	for _, c := range slices.Sorted(maps.Keys(checks)) {
		s.Checks = append(s.Checks, *checks[c])
	}
	for _, r := range registrars {
		s.Registrars = append(s.Registrars, *r)
	}
	slices.SortFunc(s.Registrars, func(a, b registrarCount) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Registrar, b.Registrar))
	})
	if k.c.JSON {
		return writeJSON(k.e.out, struct {
			Summary checkSummary `json:"summary"`
		}{s})
	}
	if s.Records == 1 && !k.c.Each {
		return k.show(only)
	}
	if k.printed {
		fmt.Fprintln(k.e.out)
	}
	k.printed = true
	return showSummary(k.e.out, s, k.c.All)
}

// assess checks one record with what is known beside it.
func (k *checking) assess(rec registration.Record, id string) (policy.Assessment, error) {
	facts := k.facts[cmp.Or(rec.Domain, id)]
	if k.c.Observe {
		seen, err := k.observe(rec)
		if err != nil {
			return policy.Assessment{}, err
		}
		facts = facts.And(seen)
	}
	if rec.Domain == "" && rec.State == registration.Registered {
		// A contact alone: whatever the profile examines, it is the only one.
		s := k.profile.Subject(rec, facts, k.now())
		s.Roles = []string{registration.Registrant}
		verdicts, err := accuracy.Examine(s, k.profile.Checks())
		if err != nil {
			return policy.Assessment{}, err
		}
		return k.profile.Assess(verdicts, rec), nil
	}
	a, _, err := k.profile.Examine(rec, facts, k.now())
	return a, err
}

// sumChecks counts the results under the profile: of a check that stands in
// several rules, the worst.
func sumChecks(checks map[string]*checkCount, a policy.Assessment) {
	type seen struct {
		check  string
		result accuracy.Result
	}
	rank := []accuracy.Result{accuracy.Untestable, accuracy.Pass, accuracy.Warn, accuracy.Fail}
	var here []seen
	for _, c := range a.Contacts {
		for _, f := range c.Fields {
			here = here[:0]
			for _, x := range f.Findings {
				i := slices.IndexFunc(here, func(s seen) bool { return s.check == x.Verdict.Check })
				switch {
				case i < 0:
					here = append(here, seen{x.Verdict.Check, x.Result})
				case slices.Index(rank, x.Result) > slices.Index(rank, here[i].result):
					here[i].result = x.Result
				}
				if checks[x.Verdict.Check] == nil {
					checks[x.Verdict.Check] = &checkCount{Check: x.Verdict.Check, Level: x.Verdict.Level}
				}
			}
			for _, s := range here {
				checks[s.check].add(s.result)
			}
		}
	}
}

func sumRegistrar(registrars map[string]*registrarCount, u frame.Unit, r accuracy.Result) {
	id, name := u.Registrar, u.Record.Registrar.Name
	if name == id {
		name = ""
	}
	if registrars[id] == nil {
		if len(registrars) >= maxSummed {
			id, name = beyondSummed, ""
		}
		if registrars[id] == nil {
			registrars[id] = &registrarCount{Registrar: id, Name: name}
		}
	}
	registrars[id].Records++
	registrars[id].add(r)
}

// showSummary prints a summary for people.
func showSummary(w io.Writer, s checkSummary, all bool) error {
	fmt.Fprintf(w, "%s: %d records under %s: %d pass, %d warn, %d fail, %d not testable\n", text.Line(s.File, 300), s.Records, s.Profile, s.Results.Pass, s.Results.Warn, s.Results.Fail, s.Results.Untestable)
	for _, x := range []struct {
		n    int
		what string
	}{{s.Lost, "rows could not be read, and are in no count"}, {s.Flawed, "records have a value that was cut or could not be read"}, {s.Missing, "contacts are named and not in the file: they are not testable"}} {
		if x.n > 0 {
			fmt.Fprintf(w, "  %d %s\n", x.n, x.what)
		}
	}
	if s.Cut != nil {
		fmt.Fprintln(w, "  The file was not read to its end: these are no counts of all of it.")
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if s.Records > 0 {
		fmt.Fprintln(w)
		fmt.Fprintln(t, "check, over all contacts\tlevel\tpass\twarn\tfail\tnot testable")
		good := 0
		for _, c := range s.Checks {
			if c.Warn+c.Fail == 0 && !all {
				good++
				continue
			}
			fmt.Fprintf(t, "  %s\t%s\t%d\t%d\t%d\t%d\n", c.Check, c.Level, c.Pass, c.Warn, c.Fail, c.Untestable)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if good > 0 {
			fmt.Fprintf(w, "  %d further checks found nothing (--all prints them)\n", good)
		}
		fmt.Fprintln(w)
		fmt.Fprintln(t, "registrar\trecords\tpass\twarn\tfail\tnot testable")
		for _, r := range s.Registrars[:min(len(s.Registrars), shownRows)] {
			id := cmp.Or(r.Registrar, "(none is named)")
			if r.Name != "" {
				id += " " + r.Name
			}
			fmt.Fprintf(t, "  %s\t%d\t%d\t%d\t%d\t%d\n", text.Line(id, 60), r.Records, r.Pass, r.Warn, r.Fail, r.Untestable)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if n := len(s.Registrars) - shownRows; n > 0 {
			fmt.Fprintf(w, "  %d more, with fewer records (--json prints them)\n", n)
		}
		fmt.Fprintln(w, "\nThese are counts of the file as it is. What they say of other names, 'bailiwick survey' tells.")
	}
	return nil
}

// show prints one record of a frame for people.
func (k *checking) show(line checkLine) error {
	if k.printed {
		fmt.Fprintln(k.e.out)
	}
	k.printed = true
	a := line.Assessment
	a.Domain = cmp.Or(a.Domain, line.ID)
	if err := showAssessment(k.e.out, line.File, 0, k.profile, a, k.c.All); err != nil {
		return err
	}
	for _, m := range line.Missing {
		fmt.Fprintf(k.e.out, "  the %s contact is named and not in the file\n", m)
	}
	for _, f := range line.Flaws {
		fmt.Fprintf(k.e.out, "  %s: %s\n", text.Line(f.Path, 300), text.Line(f.Reason, 300))
	}
	return nil
}

// readFacts reads the file of --facts.
func (k *checking) readFacts(path string) error {
	f, err := openInput(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if k.facts, err = accuracy.ReadFacts(f); err != nil {
		var e *problem.Error
		if errors.As(err, &e) {
			return &problem.Error{Code: e.Code, Detail: "--facts: " + text.Line(path, 200) + ": " + e.Detail, Err: e.Err}
		}
	}
	return err
}
