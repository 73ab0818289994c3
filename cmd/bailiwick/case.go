package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/store"
)

type caseCmd struct {
	List     caseListCmd     `cmd:"" help:"List cases, newest first."`
	Show     caseShowCmd     `cmd:"" help:"Show one case: how it stands, who was asked, what is due."`
	Log      caseLogCmd      `cmd:"" help:"Print a case's log, or export its chain with --export."`
	Confirm  caseConfirmCmd  `cmd:"" help:"Confirm a case, as a person: parties are then asked."`
	Reject   caseRejectCmd   `cmd:"" help:"Reject a case: the claim is untrue."`
	Note     caseNoteCmd     `cmd:"" help:"Add a note."`
	Answer   caseAnswerCmd   `cmd:"" help:"Record what a party answered by another way."`
	Extend   caseExtendCmd   `cmd:"" help:"Give a party more time."`
	Ask      caseAskCmd      `cmd:"" help:"Ask a party now, whose turn has not come, or ask one again."`
	Escalate caseEscalateCmd `cmd:"" help:"Go to the next step before a party's time is over."`
	Assign   caseAssignCmd   `cmd:"" help:"Say who works a case."`
	Handoffs caseHandoffsCmd `cmd:"" help:"List what waits for a person to hand over: asks to parties that only a form, or nothing, reaches, and bundles."`
	Handoff  caseHandoffCmd  `cmd:"" help:"Print what to paste into the form."`
	Handed   caseHandedCmd   `cmd:"" help:"Record that you handed an ask over by a form or telephone: its clock starts."`
	Proof    caseProofCmd    `cmd:"" help:"Print the kept proof of a hand-over."`
	Merge    caseMergeCmd    `cmd:"" help:"Merge a case into another."`
	Unmerge  caseUnmergeCmd  `cmd:"" help:"Restore a merged case."`
	Purge    casePurgeCmd    `cmd:"" help:"Erase everything kept of a case that is about child sexual abuse material, for good, and close it."`
	Close    caseCloseCmd    `cmd:"" help:"Close a case by hand."`
	Reopen   caseReopenCmd   `cmd:"" help:"Reopen a closed case."`
}

// by is the person behind a command, for the log.
type by struct {
	By string `help:"Who you are, for the log." env:"USER" placeholder:"NAME"`
}

func (b by) actor() string {
	if b.By == "" {
		return "person:console"
	}
	return "person:" + b.By
}

type caseListCmd struct {
	State string `help:"Only cases in this state: new, investigating, unconfirmed, coordinating, closed or merged." enum:",new,investigating,unconfirmed,coordinating,closed,merged" default:""`
	Type  string `help:"Only this type of abuse."`
	Name  string `help:"Only subjects that begin with this."`
	Limit int    `help:"How many." default:"50"`
	JSON  bool   `help:"One JSON object per line."`
}

// Run lists cases.
func (l *caseListCmd) Run(e *env) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	cases, err := a.Centre.Cases(e.ctx, store.CaseFilter{State: l.State, Type: l.Type, SubjectPrefix: strings.ToLower(l.Name), Limit: l.Limit})
	if err != nil {
		return err
	}
	if l.JSON {
		enc := json.NewEncoder(e.out)
		for _, c := range cases {
			if err := enc.Encode(c); err != nil {
				return err
			}
		}
		return nil
	}
	if len(cases) == 0 {
		fmt.Fprintln(e.out, "There are no such cases.")
		return nil
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "CASE\tSUBJECT\tTYPE\tSTATE\tCLASS\tOUTCOME\tOPENED\tDUE")
	for _, c := range cases {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, name.Defang(c.Subject.Key()), c.Type, c.State, c.Class, dash(string(c.Outcome)), stamp(c.Opened), stamp(c.Due()))
	}
	return w.Flush()
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

type caseShowCmd struct {
	ID   string `arg:"" help:"The case."`
	JSON bool   `help:"As JSON."`
}

// Run shows a case.
func (s *caseShowCmd) Run(e *env) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	c, err := a.Centre.Case(e.ctx, s.ID)
	if err != nil {
		return err
	}
	if s.JSON {
		return json.NewEncoder(e.out).Encode(c)
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "case\t%s\n", c.ID)
	fmt.Fprintf(w, "subject\t%s (%s)\n", name.Defang(c.Subject.Key()), c.Subject.Kind)
	fmt.Fprintf(w, "type\t%s\n", c.Type)
	fmt.Fprintf(w, "state\t%s\n", c.State)
	fmt.Fprintf(w, "judgement\t%s\n", c.Class)
	for _, r := range c.Reasons {
		fmt.Fprintf(w, "\t· %s\n", name.DefangText(r))
	}
	if c.Confirmation != nil {
		fmt.Fprintf(w, "confirmed\t%s by %s, on a look of %s\n", stamp(c.Confirmation.At), c.Confirmation.By, stamp(c.Confirmation.Evidence))
	}
	fmt.Fprintf(w, "outcome\t%s\n", dash(string(c.Outcome)))
	if c.State == casework.Closed {
		actor := c.Actor.ActorName
		if actor == "" {
			actor = "actor unknown"
		}
		fmt.Fprintf(w, "by\t%s\n", actor)
	}
	fmt.Fprintf(w, "worked by\t%s\n", dash(c.Assignee))
	fmt.Fprintf(w, "opened\t%s\n", stamp(c.Opened))
	fmt.Fprintf(w, "closed\t%s\n", stamp(c.Closed))
	fmt.Fprintf(w, "next due\t%s\n", stamp(c.Due()))
	for _, u := range c.URLs() {
		fmt.Fprintf(w, "reported\t%s\n", name.Defang(u))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(c.Obligations) == 0 {
		return nil
	}
	fmt.Fprintln(e.out)
	fmt.Fprintln(w, "OBLIGATION\tPARTY\tROLE\tACTION\tSTATUS\tASKED\tDUE")
	for _, o := range c.Obligations {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", o.ID, o.Party.Name, o.Party.Role, o.Action, o.Status, stamp(o.Delivered), stamp(o.Due))
	}
	return w.Flush()
}

type caseLogCmd struct {
	ID       string `arg:"" help:"The case."`
	JSON     bool   `help:"One JSON object per event."`
	Export   bool   `help:"Write the chain with a signed head, for 'bailiwick verify'."`
	Personal bool   `help:"Include personal payloads (who reported, notes) in an export."`
}

// Run prints or exports a log.
func (l *caseLogCmd) Run(e *env) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	if l.Export {
		return a.Centre.Export(e.ctx, e.out, l.ID, l.Personal)
	}
	es, err := a.Centre.Events(e.ctx, l.ID)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(e.out)
	for _, ev := range es {
		body := ""
		if ev.Payload != nil {
			body = string(ev.Payload.Body)
		}
		if l.JSON {
			line := struct {
				casework.Link
				Body json.RawMessage `json:"body,omitempty"`
			}{ev.Link, json.RawMessage(body)}
			if err := enc.Encode(line); err != nil {
				return err
			}
			continue
		}
		if len(body) > 160 {
			body = body[:160] + "…"
		}
		fmt.Fprintf(e.out, "%3d  %s  %-18s %-24s %s\n", ev.Seq, stamp(ev.At), ev.Kind, ev.Actor, name.DefangText(body))
	}
	return nil
}

// act gives commands to a case and says how it stands after.
func act(e *env, id string, cmd func(*app.App) (casework.Case, error)) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	c, err := cmd(a)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "case %s is %s; next due %s\n", id, c.State, stamp(c.Due()))
	return nil
}

type caseConfirmCmd struct {
	by
	ID    string `arg:"" help:"The case."`
	Class string `help:"Your judgement, if it differs: malicious, compromised or unknown." enum:",malicious,compromised,unknown" default:""`
}

// Run looks again and confirms on that look.
func (c *caseConfirmCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) {
		return a.Centre.Confirm(e.ctx, c.ID, c.actor(), casework.Class(c.Class))
	})
}

type caseRejectCmd struct {
	by
	ID     string `arg:"" help:"The case."`
	Reason string `required:"" help:"Why; the reporter is told."`
}

// Run rejects.
func (c *caseRejectCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) {
		return a.Centre.Act(e.ctx, c.ID, casework.Reject{By: c.actor(), Reason: c.Reason})
	})
}

type caseNoteCmd struct {
	by
	ID   string `arg:"" help:"The case."`
	Text string `arg:"" help:"The note."`
}

// Run adds a note.
func (c *caseNoteCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) {
		return a.Centre.Act(e.ctx, c.ID, casework.AddNote{By: c.actor(), Text: c.Text})
	})
}

type caseAnswerCmd struct {
	by
	ID         string `arg:"" help:"The case."`
	Obligation string `arg:"" help:"The obligation."`
	Answer     string `arg:"" enum:"received,need_more,acted,referred,refused,not_ours" help:"received, need_more, acted, referred, refused or not_ours."`
	Note       string `help:"What they said."`
}

// Run records an answer.
func (c *caseAnswerCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) {
		return a.Centre.Act(e.ctx, c.ID, casework.Answer{Obligation: c.Obligation, By: c.actor(), Answer: c.Answer, Note: c.Note})
	})
}

type caseExtendCmd struct {
	by
	ID         string        `arg:"" help:"The case."`
	Obligation string        `arg:"" help:"The obligation."`
	For        time.Duration `required:"" help:"How long from now."`
	Reason     string        `required:"" help:"Why."`
}

// Run extends a due time.
func (c *caseExtendCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) {
		return a.Centre.Act(e.ctx, c.ID, casework.Extend{Obligation: c.Obligation, By: c.actor(), Reason: c.Reason, Until: a.Centre.Clock.Now().Add(c.For)})
	})
}

type caseAskCmd struct {
	by
	ID     string `arg:"" help:"The case."`
	Step   string `help:"A step of the playbook, such as registry." xor:"what" required:""`
	Party  string `help:"With --step: only this party, by its id."`
	Again  string `help:"An obligation: its party gets another notice." xor:"what" required:"" placeholder:"OBLIGATION"`
	Reason string `required:"" help:"Why it does not wait for its turn; kept in the log."`
}

// Run looks again and asks.
func (c *caseAskCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) {
		if c.Again != "" {
			return a.Centre.AskAgain(e.ctx, c.ID, 0, c.actor(), c.Again, c.Reason)
		}
		return a.Centre.Ask(e.ctx, c.ID, 0, c.actor(), c.Step, c.Party, c.Reason)
	})
}

type caseEscalateCmd struct {
	by
	ID         string `arg:"" help:"The case."`
	Obligation string `arg:"" help:"The obligation that is not waited for."`
	Reason     string `required:"" help:"Why; kept in the log."`
}

// Run looks again and escalates.
func (c *caseEscalateCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) {
		return a.Centre.Escalate(e.ctx, c.ID, 0, c.actor(), c.Obligation, c.Reason)
	})
}

type caseAssignCmd struct {
	by
	ID     string `arg:"" help:"The case."`
	Login  string `arg:"" optional:"" help:"Login name of who works it."`
	Nobody bool   `help:"Nobody works it any more."`
}

// Run assigns.
func (c *caseAssignCmd) Run(e *env) error {
	if c.Nobody == (c.Login != "") {
		return problem.BadField("login", "name somebody, or --nobody")
	}
	return act(e, c.ID, func(a *app.App) (casework.Case, error) {
		to, err := a.Access.Worker(e.ctx, access.Person{}, c.Login)
		if err != nil {
			return casework.Case{}, err
		}
		return a.Centre.Assign(e.ctx, c.ID, 0, c.actor(), to)
	})
}

type caseHandedCmd struct {
	by
	ID         string `arg:"" help:"The case."`
	Obligation string `arg:"" help:"The obligation."`
	How        string `required:"" help:"By which way, and the proof (a ticket number, a name and time)."`
	Proof      string `help:"A file that shows it, such as a picture of the form or a receipt; kept with the case." type:"existingfile"`
}

// Run records a hand-over.
func (c *caseHandedCmd) Run(e *env) error {
	var proof []byte
	if c.Proof != "" {
		f, err := os.Open(c.Proof)
		if err != nil {
			return problem.Wrap(err, problem.Invalid, "the proof cannot be opened")
		}
		proof, err = io.ReadAll(io.LimitReader(f, centre.MaxProof+1))
		f.Close()
		if err != nil {
			return problem.Wrap(err, problem.Invalid, "the proof cannot be read")
		}
		if len(proof) == 0 {
			return problem.BadField("proof", "is an empty file")
		}
	}
	return act(e, c.ID, func(a *app.App) (casework.Case, error) {
		if err := a.Centre.HandedWithProof(e.ctx, c.ID, c.Obligation, c.actor(), c.How, proof); err != nil {
			return casework.Case{}, err
		}
		return a.Centre.Case(e.ctx, c.ID)
	})
}

type caseHandoffsCmd struct {
	Case string `help:"Only this case."`
	Role string `help:"Only parties in this role, such as registrar or compliance."`
	JSON bool   `help:"One JSON object per line."`
}

// Run lists open hand-offs.
func (h *caseHandoffsCmd) Run(e *env) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	all, err := a.Centre.HandOffs(e.ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(x centre.HandOff) bool {
		return h.Case != "" && x.Case != h.Case || h.Role != "" && string(x.Party.Role) != h.Role
	})
	if h.JSON {
		return jsonLines(e.out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(e.out, "Nothing waits for a person to hand over.")
		return nil
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "CASE\tOBLIGATION\tSUBJECT\tPARTY\tROLE\tACTION\tSINCE\tWHERE\tWHY")
	for _, x := range all {
		why := x.Why
		if x.Wait != "" {
			why = "wait: " + x.Wait
		}
		where := x.Party.Form
		if where == "" {
			where = x.Party.Procedure
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.Case, x.Obligation, name.Defang(x.Subject), x.Party.Name, x.Party.Role, x.Action, stamp(x.Opened), dash(where), oneLine(why))
	}
	return w.Flush()
}

type caseHandoffCmd struct {
	ID         string `arg:"" help:"The case."`
	Obligation string `arg:"" help:"The obligation."`
	JSON       bool   `help:"As JSON, with the addresses in question apart."`
}

// Run prints the text of a hand-off.
func (h *caseHandoffCmd) Run(e *env) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	x, err := a.Centre.HandOffText(e.ctx, h.ID, h.Obligation)
	if err != nil {
		return err
	}
	if h.JSON {
		return json.NewEncoder(e.out).Encode(x)
	}
	// What is for the person goes to standard error, what is for the form to
	// standard output.
	fmt.Fprintf(e.errs, "to     %s\n", x.Party.Name)
	for _, l := range []struct{ what, v string }{{"form", x.Party.Form}, {"how", x.Party.Procedure}, {"note", x.Note}, {"why", oneLine(x.Why)}, {"WAIT", x.Wait}} {
		if l.v != "" {
			fmt.Fprintf(e.errs, "%-6s %s\n", l.what, l.v)
		}
	}
	fmt.Fprintf(e.errs, "then   bailiwick case handed %s %s --how \"…\" --proof FILE\n\n", x.Case, x.Obligation)
	_, err = fmt.Fprintf(e.out, "%s\n\n%s", x.Title, x.Text)
	return err
}

type caseProofCmd struct {
	ID         string `arg:"" help:"The case."`
	Obligation string `arg:"" help:"The obligation."`
}

// Run writes the proof to standard output.
func (p *caseProofCmd) Run(e *env) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	b, media, err := a.Centre.Proof(e.ctx, p.ID, p.Obligation)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.errs, "%s, %d octets\n", media, len(b))
	_, err = e.out.Write(b)
	return err
}

type caseMergeCmd struct {
	by
	ID   string `arg:"" help:"The case that becomes part of the other."`
	Into string `arg:"" help:"The other."`
}

// Run merges.
func (c *caseMergeCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) { return a.Centre.Merge(e.ctx, c.ID, c.Into, c.actor()) })
}

type caseUnmergeCmd struct {
	by
	ID string `arg:"" help:"The merged case."`
}

// Run un-merges.
func (c *caseUnmergeCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) { return a.Centre.Unmerge(e.ctx, c.ID, c.actor()) })
}

type casePurgeCmd struct {
	by
	ID string `arg:"" help:"The case."`
}

// Run purges.
func (c *casePurgeCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) { return a.Centre.Purge(e.ctx, c.ID, c.actor()) })
}

type caseCloseCmd struct {
	by
	ID     string `arg:"" help:"The case."`
	Reason string `required:"" help:"Why."`
}

// Run closes.
func (c *caseCloseCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) {
		return a.Centre.Act(e.ctx, c.ID, casework.Close{By: c.actor(), Reason: c.Reason})
	})
}

type caseReopenCmd struct {
	by
	ID     string `arg:"" help:"The case."`
	Reason string `required:"" help:"Why."`
}

// Run reopens.
func (c *caseReopenCmd) Run(e *env) error {
	return act(e, c.ID, func(a *app.App) (casework.Case, error) {
		return a.Centre.Act(e.ctx, c.ID, casework.Reopen{By: c.actor(), Reason: c.Reason})
	})
}

type verifyCmd struct {
	File string `arg:"" help:"An exported case log (bailiwick case log ID --export)." type:"existingfile"`
	Key  string `help:"The centre's public key (hex). Without it the key inside the export is used, which proves only that one signer made all of it."`
	JSON bool   `help:"As JSON."`
}

// Run verifies an export: status 0 if it holds, 1 if not.
func (v *verifyCmd) Run(e *env) error {
	f, err := os.Open(v.File)
	if err != nil {
		return problem.Wrap(err, problem.Invalid, "the export cannot be opened")
	}
	defer f.Close()
	key, err := publicKey(v.Key)
	if err != nil {
		return err
	}
	rep, err := casework.VerifyExport(f, key)
	if err != nil {
		if v.JSON {
			_ = json.NewEncoder(e.out).Encode(map[string]any{"file": v.File, "ok": false, "error": err.Error()})
		} else {
			fmt.Fprintf(e.out, "does not verify: %v\n", err)
		}
		return errNegative
	}
	if v.JSON {
		return json.NewEncoder(e.out).Encode(map[string]any{"file": v.File, "ok": true, "case": rep.Case, "events": rep.Events,
			"disclosed": rep.Disclosed, "withheld": rep.Withheld, "signer": rep.Signer, "key_given": rep.KeyGiven})
	}
	fmt.Fprintf(e.out, "verifies: case %s, %d events, %d payloads disclosed, %d withheld; signed by %s\n", rep.Case, rep.Events, rep.Disclosed, rep.Withheld, rep.Signer)
	if !rep.KeyGiven {
		fmt.Fprintln(e.out, "the key was taken from the export itself: compare it with the centre's published one")
	}
	return nil
}
