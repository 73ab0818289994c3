package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"bailiwick/centre"
	"bailiwick/inaccuracy"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/text"
)

type inaccuracyCmd struct {
	Open           inaccuracyOpenCmd    `cmd:"" help:"Check a name's registration under a policy profile and open a case of what fails. Asks nobody."`
	List           inaccuracyListCmd    `cmd:"" help:"List cases, newest first."`
	Show           inaccuracyShowCmd    `cmd:"" help:"Show one case; with --values what the fields said, and what was written."`
	Log            inaccuracyLogCmd     `cmd:"" help:"Print a case's log, or export its chain with --export (see 'verify')."`
	Send           inaccuracySendCmd    `cmd:"" help:"Ask: send the notice, or send it once more."`
	Handed         inaccuracyHandedCmd  `cmd:"" help:"Record that you brought it to the party in another way: it is documented that they know."`
	Answer         inaccuracyAnswerCmd  `cmd:"" help:"Record what they answered."`
	Recheck        inaccuracyRecheckCmd `cmd:"" help:"Ask for the registration now, and see whether the same checks pass."`
	Close          inaccuracyCloseCmd   `cmd:"" help:"Close a case, with how it ended."`
	Reopen         inaccuracyReopenCmd  `cmd:"" help:"Open a closed case again, on what fails now."`
	Note           inaccuracyNoteCmd    `cmd:"" help:"Add a note."`
	ComplianceFile inaccuracyFileCmd    `cmd:"" help:"Print what ICANN Contractual Compliance asks for, for names under generic TLDs. Nothing submits it."`
}

type inaccuracyOpenCmd struct {
	Name string `arg:"" help:"The domain name."`
	by
	Policy     string `help:"The policy profile ('policy list')." required:"" placeholder:"PROFILE"`
	Party      string `help:"Who is asked; the registrar of the registration if not given." placeholder:"NAME"`
	PartyEmail string `help:"Their mail address." placeholder:"MAIL"`
	JSON       bool   `help:"As JSON."`
}

// Run opens a case. Where there is an open one, the status is 1 and that is shown.
func (c *inaccuracyOpenCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		cs, err := ctr.OpenInaccuracy(e.ctx, centre.InaccuracyDraft{Name: c.Name, Profile: c.Policy, Party: c.Party, PartyEmail: c.PartyEmail}, c.actor())
		there := problem.CodeOf(err) == problem.Conflict && cs.ID != ""
		if err != nil && !there {
			return err
		}
		if err := printInaccuracy(e, cs, nil, c.JSON); err != nil {
			return err
		}
		if there {
			fmt.Fprintln(e.errs, "bailiwick: this case was open already")
			return errNegative
		}
		return nil
	})
}

func printInaccuracy(e *env, c inaccuracy.Case, told *centre.InaccuracyTold, asJSON bool) error {
	if asJSON {
		out := struct {
			inaccuracy.Case
			*centre.InaccuracyTold
		}{c, told}
		return json.NewEncoder(e.out).Encode(out)
	}
	w := newSheet(e)
	line := w.line
	line("case", c.ID)
	line("name", name.Defang(c.Name))
	line("state", string(c.State))
	line("outcome", inaccuracy.Outcomes().Means(string(c.Outcome)))
	line("profile", c.Terms.Profile+", "+string(c.Terms.Status))
	line("asked", text.Line(c.Party.Name, 200)+" ("+string(c.Party.Role)+")")
	if c.Provider {
		line("holder", "a privacy or proxy service, which is tested as the holder")
	}
	if c.ByHand {
		line("", "a person has to bring it: no mail does (see 'inaccuracy handed')")
	}
	line("looked at", stamp(c.Checked))
	if c.Known.IsZero() {
		line("they know", "not documented: no clock runs")
	} else {
		line("they know", stamp(c.Known)+", "+text.Line(c.KnownHow, 300))
	}
	over := ""
	if c.Over {
		over = ", over"
	}
	if !c.Due.IsZero() {
		line("answer due", stamp(c.Due)+over)
	} else if !c.FollowUp.IsZero() {
		line("we wait until", stamp(c.FollowUp)+over+" (our planning, no deadline)")
	}
	line("answer", inaccuracy.Answers().Means(string(c.Answer)))
	if c.Mailed > 0 {
		line("mails", fmt.Sprintf("%d to read (see 'mail list')", c.Mailed))
	}
	if c.Recheck != nil {
		line("last look", stamp(c.Recheck.At)+", "+c.Recheck.Words())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(e.out)
	for _, f := range c.Findings {
		fmt.Fprintf(e.out, "%s\n    %s (%s, %s)\n", f.Path, text.Line(f.Detail, 300), f.Check, f.Level)
		for _, r := range f.Rules {
			fmt.Fprintf(e.out, "    %s, basis %s %s\n", text.Line(r.Clause, 200), r.Basis, r.Caveat)
		}
		if told != nil && told.Values != nil && told.Values.Fields[f.Path] != "" {
			fmt.Fprintf(e.out, "    it said: %s\n", name.DefangText(text.Line(told.Values.Fields[f.Path], 300)))
		}
	}
	if c.More > 0 {
		fmt.Fprintf(e.out, "and %d more\n", c.More)
	}
	for _, d := range c.Duties {
		how := "asked without a time"
		if d.Binding {
			how = d.Within.Words()
		}
		fmt.Fprintf(e.out, "%s: the %s to %s, %s %s\n", text.Line(d.Clause, 200), d.Actor, d.Action.Words(), how, d.Caveat)
	}
	if told != nil {
		printWords(e, told.Words)
	}
	return nil
}

type inaccuracyListCmd struct {
	State  string `help:"Only cases in this state." placeholder:"STATE"`
	Open   bool   `help:"Only those that are not closed."`
	Person bool   `help:"Only those that wait for a person."`
	Name   string `help:"Only cases of this name."`
	Policy string `help:"Only cases under this profile." placeholder:"PROFILE"`
	Limit  int    `help:"How many." default:"50"`
	JSON   bool   `help:"One JSON object per line."`
}

// Run lists cases.
func (c *inaccuracyListCmd) Run(e *env) error {
	if c.State != "" && !slices.Contains(inaccuracy.States(), inaccuracy.State(c.State)) {
		return problem.BadField("state", "%.40q is not a state of an inaccuracy case", c.State)
	}
	return onCentre(e, func(ctr *centre.Centre) error {
		cs, err := ctr.Inaccuracies(e.ctx, store.InaccuracyFilter{State: c.State, OpenOnly: c.Open, ByPerson: c.Person, Name: c.Name, Profile: c.Policy, Limit: c.Limit})
		if err != nil {
			return err
		}
		return table(e, c.JSON, cs, "There are no such cases.", "CASE|NAME|PROFILE|ASKED|STATE|FAILING|OPENED|NEXT", func(x inaccuracy.Case) []any {
			return []any{x.ID, name.Defang(x.Name), x.Terms.Profile, text.Line(x.Party.Name, 60), x.State, len(x.Findings) + x.More, stamp(x.Opened), stamp(x.NextDue())}
		})
	})
}

type inaccuracyShowCmd struct {
	ID     string `arg:"" help:"The case."`
	Values bool   `help:"With what the fields said and what was written: personal data; the access log keeps it."`
	JSON   bool   `help:"As JSON."`
}

// Run shows a case.
func (c *inaccuracyShowCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		cs, err := ctr.Inaccuracy(e.ctx, c.ID)
		if err != nil {
			return err
		}
		var told *centre.InaccuracyTold
		if c.Values {
			t, err := ctr.ReadInaccuracy(e.ctx, centre.Reader{}, c.ID)
			if err != nil {
				return err
			}
			told = &t
		}
		return printInaccuracy(e, cs, told, c.JSON)
	})
}

type inaccuracyLogCmd struct {
	ID     string `arg:"" help:"The case."`
	Export bool   `help:"Write the chain with a signed head, for 'verify'. Personal payloads are left out."`
}

// Run prints or exports a log.
func (c *inaccuracyLogCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		if c.Export {
			return ctr.ExportInaccuracy(e.ctx, e.out, c.ID)
		}
		return logged(e, c.ID, ctr.InaccuracyEvents, false)
	})
}

// inaccuracyAct is an act on a case.
type inaccuracyAct struct {
	ID string `arg:"" help:"The case."`
	by
}

func (c inaccuracyAct) do(e *env, f func(*centre.Centre) (inaccuracy.Case, error)) error {
	return acted(e, f, func(cs inaccuracy.Case) string { return fmt.Sprintf("inaccuracy case %s is %s", cs.ID, cs.State) })
}

func (c inaccuracyAct) give(e *env, cmd inaccuracy.Command) error {
	return c.do(e, func(ctr *centre.Centre) (inaccuracy.Case, error) { return ctr.ActInaccuracy(e.ctx, c.ID, 0, cmd) })
}

type inaccuracySendCmd struct {
	inaccuracyAct
	To string `help:"Another mail address of the party." placeholder:"MAIL"`
}

// Run sends.
func (c *inaccuracySendCmd) Run(e *env) error {
	return c.give(e, inaccuracy.Send{By: c.actor(), To: c.To})
}

type inaccuracyHandedCmd struct {
	inaccuracyAct
	How string `help:"In which way." required:"" placeholder:"TEXT"`
}

// Run records a hand-over.
func (c *inaccuracyHandedCmd) Run(e *env) error {
	return c.give(e, inaccuracy.Hand{By: c.actor(), How: c.How})
}

type inaccuracyAnswerCmd struct {
	inaccuracyAct
	Said string `arg:"" help:"received, corrected, verified, unreachable, suspended, refused or no_authority."`
	Text string `help:"Their words; needed for refused." placeholder:"TEXT"`
}

// Run records an answer.
func (c *inaccuracyAnswerCmd) Run(e *env) error {
	return c.give(e, inaccuracy.Answer{By: c.actor(), Said: inaccuracy.Said(c.Said), Text: c.Text})
}

type inaccuracyRecheckCmd struct{ inaccuracyAct }

// Run looks again. The status is 1 unless the same checks pass.
func (c *inaccuracyRecheckCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		cs, err := ctr.RecheckInaccuracy(e.ctx, c.ID, c.actor())
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "inaccuracy case %s is %s: %s\n", cs.ID, cs.State, cs.Recheck.Words())
		if cs.Recheck.Result != inaccuracy.AllPass {
			return errNegative
		}
		return nil
	})
}

type inaccuracyCloseCmd struct {
	inaccuracyAct
	Outcome string `arg:"" help:"corrected, verified, suspended, gone, mistaken, referred or unresolved."`
	Text    string `help:"Words; needed for verified and mistaken." placeholder:"TEXT"`
}

// Run closes.
func (c *inaccuracyCloseCmd) Run(e *env) error {
	return c.give(e, inaccuracy.Close{By: c.actor(), Outcome: inaccuracy.Outcome(c.Outcome), Text: c.Text})
}

type inaccuracyReopenCmd struct {
	inaccuracyAct
	Text string `arg:"" help:"Why."`
}

// Run reopens.
func (c *inaccuracyReopenCmd) Run(e *env) error {
	return c.do(e, func(ctr *centre.Centre) (inaccuracy.Case, error) {
		return ctr.ReopenInaccuracy(e.ctx, c.ID, 0, c.actor(), c.Text)
	})
}

type inaccuracyNoteCmd struct {
	inaccuracyAct
	Text string `arg:"" help:"The note."`
}

// Run adds a note.
func (c *inaccuracyNoteCmd) Run(e *env) error {
	return c.give(e, inaccuracy.Note{By: c.actor(), Text: c.Text})
}

type inaccuracyFileCmd struct {
	ID       string `arg:"" help:"The case."`
	Personal bool   `help:"With what the fields said and what was written; the access log keeps it."`
	JSON     bool   `help:"As JSON."`
}

// Run prints the file.
func (c *inaccuracyFileCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		var r *centre.Reader
		if c.Personal {
			r = &centre.Reader{}
		}
		f, err := ctr.InaccuracyFile(e.ctx, r, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(e.out).Encode(f)
		}
		_, err = fmt.Fprint(e.out, f.Text())
		return err
	})
}
