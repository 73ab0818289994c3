package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/clock"
	"bailiwick/problem"
	"bailiwick/text"
)

type policyCmd struct {
	List policyListCmd `cmd:"" help:"List the policy profiles that are built in."`
	Show policyShowCmd `cmd:"" help:"Print a profile: every rule with where it was read, what is checked, what follows."`
	Diff policyDiffCmd `cmd:"" help:"Print what differs between two profiles."`
	Test policyTestCmd `cmd:"" help:"Run the examples that stand in profiles."`
}

// shippedPolicies are the built-in profiles, with the operator's lists behind
// their checks.
func shippedPolicies(e *env) (*policy.Set, error) {
	lists, err := accuracyLists(e)
	if err != nil {
		return nil, err
	}
	return policy.ShippedWith(lists)
}

// profileOf finds a profile by its name or, if there is none, reads a file.
func profileOf(set *policy.Set, arg string) (policy.Profile, error) {
	p, err := set.Get(arg)
	if err == nil {
		return p, nil
	}
	if _, gone := os.Stat(arg); gone != nil {
		return p, problem.New(problem.NotFound, "%s; nor is there a file of this name", problem.DocumentOf(err).Detail)
	}
	raw, err := file(arg)
	if err != nil {
		return p, err
	}
	_, p, err = set.With(arg, raw)
	return p, err
}

type policyListCmd struct {
	JSON bool `help:"One JSON object per profile."`
}

// policyLine is what 'policy list --json' prints of a profile.
type policyLine struct {
	Profile string        `json:"profile"`
	Title   string        `json:"title"`
	Status  policy.Status `json:"status"`
	Extends []string      `json:"extends,omitempty"`
	Rules   int           `json:"rules"`
	Primary int           `json:"primary_rules"`
	Hash    string        `json:"hash"`
}

// Run lists the profiles.
func (l *policyListCmd) Run(e *env) error {
	set, err := shippedPolicies(e)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	if !l.JSON {
		fmt.Fprintln(w, "profile\tstatus\trules\tprimary\ttitle")
	}
	for _, p := range set.All() {
		x := policyLine{Profile: p.ID, Title: p.Title, Status: p.Status, Extends: p.Extends, Rules: len(p.Rules), Hash: p.Hash()}
		for _, r := range p.Rules {
			if r.Basis == policy.Primary {
				x.Primary++
			}
		}
		if l.JSON {
			if err := writeJSON(e.out, x); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\n", x.Profile, x.Status, x.Rules, x.Primary, x.Title)
	}
	return w.Flush()
}

type policyShowCmd struct {
	Profile string `arg:"" help:"A profile's name, or a file."`
	JSON    bool   `help:"Print it as one JSON object."`
}

// Run prints a profile.
func (s *policyShowCmd) Run(e *env) error {
	set, err := shippedPolicies(e)
	if err != nil {
		return err
	}
	p, err := profileOf(set, s.Profile)
	if err != nil {
		return err
	}
	if s.JSON {
		return writeJSON(e.out, struct {
			policy.Profile
			Hash string `json:"hash"`
		}{p, p.Hash()})
	}
	showProfile(e.out, p)
	return nil
}

func showProfile(w io.Writer, p policy.Profile) {
	line := func(label, v string) {
		if v != "" {
			fmt.Fprintf(w, "%-12s%s\n", label, text.Line(v, 4000))
		}
	}
	fmt.Fprintf(w, "%s – %s\n", p.ID, text.Line(p.Title, 300))
	line("", p.About)
	line("status", string(p.Status))
	line("from", p.From)
	line("until", p.Until)
	line("for", strings.Join(p.Names, ", "))
	line("extends", strings.Join(p.Extends, ", "))
	line("without", strings.Join(p.Without, ", "))
	line("contacts", strings.Join(p.Contacts, ", "))
	line("if held", strings.Join(p.Optional, ", "))
	line("not kept", strings.Join(p.Uncollected, ", "))
	line("hash", p.Hash())
	for _, r := range p.Rules {
		fmt.Fprintf(w, "\n%s  %s\n", text.Line(r.Clause, 200), r.ID)
		in := func(label, v string) {
			if v != "" {
				fmt.Fprintf(w, "  %-10s%s\n", label, text.Line(v, 4000))
			}
		}
		in("", r.Text)
		basis := string(r.Basis)
		if c := r.Basis.Caveat(); c != "" {
			basis += " – " + c
		}
		in("basis", basis)
		if r.Address != "" {
			in("read at", r.Address+" ("+r.Date+")")
		}
		in("confirm", r.Confirm)
		in("note", r.Note)
		if r.Of != p.ID {
			in("from", r.Of)
		}
		in("contacts", strings.Join(r.Contacts, ", "))
		for _, u := range r.Checks {
			in("check", useWords(u))
		}
		for _, d := range r.Duties {
			in("duty", dutyWords(d))
			for _, n := range d.Notices {
				in("", "tells "+strings.Join(n.To, ", ")+": "+n.When)
			}
		}
		for _, c := range r.Skip {
			in("skip", strings.ReplaceAll(string(c), "-", " "))
		}
	}
}

// useWords says how a rule reads a check.
func useWords(u policy.Use) string {
	w := u.Check
	if u.Fail != "" {
		w += ", a failure means " + string(u.Fail)
	}
	if u.Warn != "" {
		w += ", a warning means " + string(u.Warn)
	}
	for _, r := range slices.Sorted(maps.Keys(u.Reasons)) {
		w += ", " + r + " means " + string(u.Reasons[r])
	}
	return w
}

// dutyWords is a duty in a sentence.
func dutyWords(d policy.Duty) string {
	var on []string
	for _, t := range d.Triggers {
		on = append(on, string(t))
	}
	w := "on " + strings.Join(on, ", ") + ": the " + string(d.Actor) + " is asked to " + d.Action.Words() + " (" + d.ID + "): " + d.Words()
	var by []string
	for _, m := range d.Methods {
		by = append(by, string(m))
	}
	if len(by) > 0 {
		w += "; by " + strings.Join(by, " or ")
	}
	return w
}

type policyDiffCmd struct {
	A    string `arg:"" help:"A profile's name, or a file."`
	B    string `arg:"" help:"Another."`
	JSON bool   `help:"One JSON object per difference."`
}

// Run prints what differs. The status is 1 if anything does.
func (d *policyDiffCmd) Run(e *env) error {
	set, err := shippedPolicies(e)
	if err != nil {
		return err
	}
	a, err := profileOf(set, d.A)
	if err != nil {
		return err
	}
	b, err := profileOf(set, d.B)
	if err != nil {
		return err
	}
	changes := policy.Diff(a, b)
	part := ""
	for _, c := range changes {
		if d.JSON {
			if err := writeJSON(e.out, c); err != nil {
				return err
			}
			continue
		}
		if c.Part != part {
			part = c.Part
			fmt.Fprintf(e.out, "%s\n", part)
		}
		fmt.Fprintf(e.out, "  %s\n    %s: %s\n    %s: %s\n", text.Line(c.What, 200), a.ID, orNothing(c.A), b.ID, orNothing(c.B))
	}
	if len(changes) > 0 {
		return errNegative
	}
	if !d.JSON {
		fmt.Fprintln(e.out, "They do not differ.")
	}
	return nil
}

func orNothing(s string) string {
	if s == "" {
		return "–"
	}
	return text.Line(s, 4000)
}

type policyTestCmd struct {
	Profiles []string `arg:"" help:"Names of profiles, or files."`
	JSON     bool     `help:"One JSON object per example."`
}

// Run runs examples. The status is 1 if one is not as expected, or a file is no
// profile, or has no example.
func (c *policyTestCmd) Run(e *env) error {
	set, err := shippedPolicies(e)
	if err != nil {
		return err
	}
	now := clock.Real{}.Now()
	bad := false
	for _, arg := range c.Profiles {
		p, err := profileOf(set, arg)
		if err != nil {
			if len(c.Profiles) == 1 {
				return err
			}
			bad = true
			fmt.Fprintf(e.errs, "%s: %v\n", text.Line(arg, 300), err)
			continue
		}
		if len(p.Examples) == 0 {
			bad = true
			fmt.Fprintf(e.errs, "%s: there is no example in it\n", p.ID)
		}
		good := 0
		for _, o := range p.Test(now) {
			bad = bad || !o.OK
			if c.JSON {
				if err := writeJSON(e.out, struct {
					Profile string `json:"profile"`
					policy.Outcome
				}{p.ID, o}); err != nil {
					return err
				}
				continue
			}
			if o.OK {
				good++
				continue
			}
			fmt.Fprintf(e.out, "%s: %s\n", p.ID, text.Line(o.Name, 300))
			for _, w := range o.Wrong {
				fmt.Fprintf(e.out, "  %s\n", text.Line(w, 2000))
			}
		}
		if !c.JSON {
			fmt.Fprintf(e.out, "%s: %d of %d examples are as expected\n", p.ID, good, len(p.Examples))
		}
	}
	if bad {
		return errNegative
	}
	return nil
}

// resultWord is a result in a table.
func resultWord(r accuracy.Result) string {
	if r == "" {
		return "–"
	}
	return string(r)
}
