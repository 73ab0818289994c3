package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"bailiwick/centre"
	"bailiwick/disclosure"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/text"
)

type disclosureCmd struct {
	Request  disclosureRequestCmd  `cmd:"" help:"Request registration data that is not public, from whoever holds it."`
	Receive  disclosureReceiveCmd  `cmd:"" help:"Record a request of somebody else that came in another way (for a registry or registrar)."`
	List     disclosureListCmd     `cmd:"" help:"List requests, newest first."`
	Show     disclosureShowCmd     `cmd:"" help:"Show one request; with --data what was disclosed, for a reason."`
	Log      disclosureLogCmd      `cmd:"" help:"Print a request's log, or export its chain with --export (see 'verify')."`
	Send     disclosureSendCmd     `cmd:"" help:"Send a draft, or send a request again that did not get there."`
	Handed   disclosureHandedCmd   `cmd:"" help:"Record that you brought a request to its party by a form or telephone: its clock starts."`
	Ack      disclosureAckCmd      `cmd:"" help:"Record an acknowledgement."`
	Ask      disclosureAskCmd      `cmd:"" help:"Record that more information is asked for."`
	More     disclosureMoreCmd     `cmd:"" help:"Record what who asks adds."`
	Grant    disclosureGrantCmd    `cmd:"" help:"Decide: disclose what is given with --set or in a file; with --reason for what is not."`
	Refuse   disclosureRefuseCmd   `cmd:"" help:"Decide: disclose nothing, for reasons."`
	Withdraw disclosureWithdrawCmd `cmd:"" help:"Take a request back."`
	Note     disclosureNoteCmd     `cmd:"" help:"Add a note."`
	Erase    disclosureEraseCmd    `cmd:"" help:"Erase what was disclosed before its time is over."`
	Stats    disclosureStatsCmd    `cmd:"" help:"Figures by the definitions of RDRS."`
	Profiles disclosureProfilesCmd `cmd:"" help:"Print the profiles: which times apply, and what each rests on."`
	Words    disclosureWordsCmd    `cmd:"" help:"Print the codes for who asks, bases, purposes, fields, conditions and reasons."`
}

// disclosureWhat is what a request says.
type disclosureWhat struct {
	Name         string   `arg:"" help:"The domain name."`
	Field        []string `help:"A contact field, such as contacts.registrant.email or registrant.email; may be repeated. Name, organization, email and phone of the registrant if none is given." placeholder:"PATH"`
	Basis        string   `help:"Legal basis (see 'disclosure words')." required:"" placeholder:"CODE"`
	Purpose      string   `help:"Purpose (see 'disclosure words')." required:"" placeholder:"CODE"`
	Statement    string   `help:"Why, in your words; - reads it from standard input." required:"" placeholder:"TEXT"`
	Urgent       string   `help:"Make it urgent, for one of life, injury, infrastructure, child." placeholder:"CONDITION"`
	Requestor    string   `help:"What who asks is (see 'disclosure words')." default:"cert" placeholder:"CODE"`
	Person       string   `help:"Name of the person who asks." placeholder:"NAME"`
	Role         string   `help:"Role of that person." placeholder:"ROLE"`
	Organisation string   `help:"Organisation that asks." placeholder:"NAME"`
	Contact      string   `help:"Mail address of who asks." placeholder:"MAIL"`
}

func (w disclosureWhat) draft() (centre.DisclosureDraft, error) {
	d := centre.DisclosureDraft{Name: w.Name, Requestor: disclosure.Requestor(w.Requestor), Basis: disclosure.LegalBasis(w.Basis), Purpose: disclosure.Purpose(w.Purpose),
		Who: disclosure.Who{Person: w.Person, Role: w.Role, Organisation: w.Organisation, Contact: w.Contact, Statement: w.Statement}}
	if w.Statement == "-" {
		b, err := io.ReadAll(io.LimitReader(os.Stdin, disclosure.MaxText+1))
		if err != nil {
			return d, problem.Wrap(err, problem.Invalid, "the statement cannot be read")
		}
		d.Who.Statement = string(b)
	}
	if w.Urgent != "" {
		d.Urgency, d.Condition = disclosure.Urgent, disclosure.Condition(w.Urgent)
	}
	if len(w.Field) == 0 {
		w.Field = []string{"registrant.name", "registrant.organization", "registrant.email", "registrant.phone"}
	}
	for _, f := range w.Field {
		d.Fields = append(d.Fields, fieldPath(f))
	}
	return d, nil
}

func fieldPath(f string) string {
	if strings.HasPrefix(f, "contacts.") {
		return f
	}
	return "contacts." + f
}

type disclosureRequestCmd struct {
	disclosureWhat
	by
	Case       string `help:"The case it is for." placeholder:"CASE"`
	Profile    string `help:"Profile of its times (see 'disclosure profiles'); that of the name's kind of TLD if none is given." placeholder:"ID"`
	Party      string `help:"Who holds the data; the registrar of the registration, as answered now, if not given." placeholder:"NAME"`
	PartyEmail string `help:"Mail address to send it to." placeholder:"MAIL"`
	Hold       bool   `help:"Leave it a draft."`
	JSON       bool   `help:"As JSON."`
}

// Run drafts a request and, unless it is held, sends it.
func (c *disclosureRequestCmd) Run(e *env) error {
	d, err := c.draft()
	if err != nil {
		return err
	}
	d.Case, d.Profile, d.Party, d.PartyEmail = c.Case, c.Profile, c.Party, c.PartyEmail
	return onCentre(e, func(ctr *centre.Centre) error {
		r, err := ctr.DraftDisclosure(e.ctx, d, c.actor())
		if err == nil && !c.Hold {
			r, err = ctr.SendDisclosure(e.ctx, r.ID, r.Seq, c.actor(), "")
		}
		if err != nil {
			return err
		}
		return printDisclosure(e, r, c.JSON)
	})
}

type disclosureReceiveCmd struct {
	disclosureWhat
	by
	JSON bool `help:"As JSON."`
}

// Run takes a request in.
func (c *disclosureReceiveCmd) Run(e *env) error {
	d, err := c.draft()
	if err != nil {
		return err
	}
	return onCentre(e, func(ctr *centre.Centre) error {
		r, token, err := ctr.TakeDisclosure(e.ctx, d, c.actor())
		if err != nil {
			return err
		}
		link := ctr.Settings().BaseURL + "/disclosure/status/" + token
		if c.JSON {
			return json.NewEncoder(e.out).Encode(struct {
				disclosure.Request
				Link string `json:"link"`
			}{r, link})
		}
		if err := printDisclosure(e, r, false); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "\nGive this link to who asks, and to nobody else; it is not kept:\n%s\n", link)
		return nil
	})
}

func printDisclosure(e *env, r disclosure.Request, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(e.out).Encode(r)
	}
	w := newSheet(e)
	line := w.line
	line("request", r.ID+" ("+string(r.Direction)+")")
	line("name", name.Defang(r.Name))
	line("decided by", text.Line(r.Party.Name, 200))
	line("state", string(r.State))
	if r.ByHand {
		line("", "a person has to bring it: no mail does (see 'disclosure handed')")
	}
	line("case", r.Case)
	line("requestor", disclosure.Requestors().Means(string(r.Requestor)))
	line("basis", disclosure.Bases().Means(string(r.Basis)))
	line("purpose", disclosure.Purposes().Means(string(r.Purpose)))
	if r.Condition != "" {
		line("urgent", disclosure.Conditions().Means(string(r.Condition)))
	}
	line("fields", strings.Join(r.Fields, " "))
	line("rule", strings.TrimSpace(r.Terms.Name+"  "+caveat(r.Terms)))
	if !r.Reached.IsZero() {
		line("reached", stamp(r.Reached))
	}
	for _, d := range []struct {
		what string
		due  time.Time
		over bool
	}{{"acknowledgement due", r.AckDue, r.AckOver}, {"answer due", r.AnswerDue, r.AnswerOver}} {
		if !d.due.IsZero() {
			s := stamp(d.due)
			if d.over {
				s += ", over"
			}
			line(d.what, s)
		}
	}
	if !r.Acked.IsZero() {
		line("acknowledged", stamp(r.Acked))
	}
	if r.Mailed > 0 && r.State.Open() {
		line("mails", fmt.Sprintf("%d to read (see 'mail list')", r.Mailed))
	}
	if !r.Decided.IsZero() {
		line("decided", stamp(r.Decided))
	}
	line("given", strings.Join(r.Given, " "))
	for _, x := range r.Reasons {
		line("reason", disclosure.Reasons().Means(string(x)))
	}
	if d := r.Data; d != nil {
		if d.Erased.IsZero() {
			line("data", "kept until "+stamp(d.Expires)+" (see 'disclosure show --data --reason')")
		} else {
			line("data", "erased "+stamp(d.Erased))
		}
	}
	return w.Flush()
}

func caveat(t disclosure.Terms) string {
	if c := t.Caveat(); c != "" {
		return "(" + c + ")"
	}
	return ""
}

type disclosureListCmd struct {
	Direction string `help:"Only requests that were sent or received." enum:",sent,received" default:""`
	State     string `help:"Only requests in this state."`
	Open      bool   `help:"Only those without a decision."`
	Name      string `help:"Only requests about this name."`
	Case      string `help:"Only requests for this case."`
	Limit     int    `help:"How many." default:"50"`
	JSON      bool   `help:"One JSON object per line."`
}

// Run lists requests.
func (c *disclosureListCmd) Run(e *env) error {
	if c.State != "" && !slices.Contains(disclosure.States(), disclosure.State(c.State)) {
		return problem.BadField("state", "%.40q is not a state of a request", c.State)
	}
	return onCentre(e, func(ctr *centre.Centre) error {
		rs, err := ctr.Disclosures(e.ctx, store.DisclosureFilter{Direction: c.Direction, State: c.State, OpenOnly: c.Open, Name: c.Name, Case: c.Case, Limit: c.Limit})
		if err != nil {
			return err
		}
		return table(e, c.JSON, rs, "There are no such requests.", "REQUEST|DIRECTION|NAME|DECIDED BY|STATE|URGENCY|OPENED|DUE", func(r disclosure.Request) []any {
			return []any{r.ID, r.Direction, name.Defang(r.Name), text.Line(r.Party.Name, 60), r.State, r.Urgency, stamp(r.Opened), stamp(r.Due())}
		})
	})
}

type disclosureShowCmd struct {
	ID     string `arg:"" help:"The request."`
	Who    bool   `help:"Who asks, and what people wrote: personal data."`
	Data   bool   `help:"What was disclosed: personal data, for a reason that the access log keeps."`
	Reason string `help:"Why you read what was disclosed." placeholder:"TEXT"`
	JSON   bool   `help:"As JSON."`
}

// Run shows a request.
func (c *disclosureShowCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		r, err := ctr.Disclosure(e.ctx, c.ID)
		if err != nil {
			return err
		}
		out := struct {
			disclosure.Request
			centre.AskedBy
			Disclosed map[string]string `json:"disclosed,omitempty"`
		}{Request: r}
		if c.Who {
			if out.AskedBy, err = ctr.WhoAskedAtConsole(e.ctx, c.ID); err != nil {
				return err
			}
		}
		if c.Data {
			if out.Disclosed, err = ctr.ReadDisclosedAtConsole(e.ctx, c.ID, c.Reason); err != nil {
				return err
			}
		}
		if c.JSON {
			return json.NewEncoder(e.out).Encode(out)
		}
		if err := printDisclosure(e, r, false); err != nil {
			return err
		}
		if a := out.Who; a != nil {
			fmt.Fprintf(e.out, "\nasked by  %s\n", text.Line(strings.Join(nonEmpty(a.Person, a.Role, a.Organisation, a.Contact), ", "), 1000))
			fmt.Fprintf(e.out, "\n%s\n", indented(a.Statement))
		}
		printWords(e, out.Words)
		if c.Data {
			fmt.Fprintln(e.out)
			for _, f := range r.Given {
				fmt.Fprintf(e.out, "%s  %s\n", f, text.Line(out.Disclosed[f], centre.MaxDisclosedValue))
			}
		}
		return nil
	})
}

func nonEmpty(in ...string) (out []string) {
	for _, s := range in {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// indented is a text that somebody wrote, fit for a terminal.
func indented(s string) string {
	var b strings.Builder
	for l := range strings.Lines(s) {
		b.WriteString("    " + name.DefangText(text.Line(l, disclosure.MaxText)) + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

type disclosureLogCmd struct {
	ID       string `arg:"" help:"The request."`
	Export   bool   `help:"Write the chain with a signed head, for 'verify'."`
	Personal bool   `help:"With the personal payloads: who asks, what people wrote."`
}

// Run prints or exports a log.
func (c *disclosureLogCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		if c.Personal {
			if _, err := ctr.WhoAskedAtConsole(e.ctx, c.ID); err != nil { // the look is logged
				return err
			}
		}
		if c.Export {
			return ctr.ExportDisclosure(e.ctx, e.out, c.ID, c.Personal)
		}
		return logged(e, c.ID, ctr.DisclosureEvents, c.Personal)
	})
}

// disclosureAct is an act on a request.
type disclosureAct struct {
	ID string `arg:"" help:"The request."`
	by
}

func (c disclosureAct) do(e *env, f func(*centre.Centre) (disclosure.Request, error)) error {
	return acted(e, f, func(r disclosure.Request) string { return fmt.Sprintf("request %s is %s", r.ID, r.State) })
}

func (c disclosureAct) give(e *env, cmd disclosure.Command) error {
	return c.do(e, func(ctr *centre.Centre) (disclosure.Request, error) { return ctr.ActDisclosure(e.ctx, c.ID, 0, cmd) })
}

type disclosureSendCmd struct {
	disclosureAct
	To string `help:"Another mail address of the party." placeholder:"MAIL"`
}

// Run sends.
func (c *disclosureSendCmd) Run(e *env) error {
	return c.give(e, disclosure.Send{By: c.actor(), To: c.To})
}

type disclosureHandedCmd struct {
	disclosureAct
	How string `help:"In which way." required:"" placeholder:"TEXT"`
}

// Run records a hand-over.
func (c *disclosureHandedCmd) Run(e *env) error {
	return c.give(e, disclosure.Hand{By: c.actor(), How: c.How})
}

type disclosureAckCmd struct{ disclosureAct }

// Run records an acknowledgement.
func (c *disclosureAckCmd) Run(e *env) error {
	return c.give(e, disclosure.Acknowledge{By: c.actor()})
}

type disclosureAskCmd struct {
	disclosureAct
	Text string `arg:"" help:"What is asked."`
}

// Run asks for more.
func (c *disclosureAskCmd) Run(e *env) error {
	return c.give(e, disclosure.AskMore{By: c.actor(), Text: c.Text})
}

type disclosureMoreCmd struct {
	disclosureAct
	Text string `arg:"" help:"What is added."`
}

// Run adds.
func (c *disclosureMoreCmd) Run(e *env) error {
	return c.give(e, disclosure.GiveMore{By: c.actor(), Text: c.Text})
}

type disclosureGrantCmd struct {
	disclosureAct
	Set    map[string]string `help:"A field and its value, such as registrant.email=a@b.example; may be repeated. Other people on this machine may see it: --values is better." placeholder:"FIELD=VALUE"`
	Values string            `help:"JSON object of fields and values: a file, or - for standard input." placeholder:"FILE"`
	Reason []string          `help:"Why something that was asked for is not given (see 'disclosure words')." placeholder:"CODE"`
	Text   string            `help:"What to say with it." placeholder:"TEXT"`
}

// Run decides.
func (c *disclosureGrantCmd) Run(e *env) error {
	values := map[string]string{}
	if c.Values != "" {
		in := io.Reader(os.Stdin)
		if c.Values != "-" {
			f, err := os.Open(c.Values)
			if err != nil {
				return problem.Wrap(err, problem.Invalid, "the values cannot be read")
			}
			defer f.Close()
			in = f
		}
		if err := json.NewDecoder(io.LimitReader(in, 1<<20)).Decode(&values); err != nil {
			return problem.BadField("values", "are not a JSON object of texts")
		}
	}
	for f, v := range c.Set {
		values[f] = v
	}
	paths := map[string]string{}
	for f, v := range values {
		paths[fieldPath(f)] = v
	}
	if len(paths) == 0 {
		return problem.BadField("set", "or --values is needed; to give nothing, refuse")
	}
	return c.do(e, func(ctr *centre.Centre) (disclosure.Request, error) {
		return ctr.DecideDisclosure(e.ctx, c.ID, 0, c.actor(), paths, reasonsOf(c.Reason), c.Text)
	})
}

func reasonsOf(in []string) (out []disclosure.Reason) {
	for _, r := range in {
		out = append(out, disclosure.Reason(r))
	}
	return out
}

type disclosureRefuseCmd struct {
	disclosureAct
	Reason []string `help:"Why (see 'disclosure words'); may be repeated." required:"" placeholder:"CODE"`
	Text   string   `help:"What to say with it." placeholder:"TEXT"`
}

// Run refuses.
func (c *disclosureRefuseCmd) Run(e *env) error {
	return c.do(e, func(ctr *centre.Centre) (disclosure.Request, error) {
		return ctr.DecideDisclosure(e.ctx, c.ID, 0, c.actor(), nil, reasonsOf(c.Reason), c.Text)
	})
}

type disclosureWithdrawCmd struct{ disclosureAct }

// Run withdraws.
func (c *disclosureWithdrawCmd) Run(e *env) error {
	return c.give(e, disclosure.Withdraw{By: c.actor()})
}

type disclosureNoteCmd struct {
	disclosureAct
	Text string `arg:"" help:"The note."`
}

// Run notes.
func (c *disclosureNoteCmd) Run(e *env) error {
	return c.give(e, disclosure.Note{By: c.actor(), Text: c.Text})
}

type disclosureEraseCmd struct{ disclosureAct }

// Run erases.
func (c *disclosureEraseCmd) Run(e *env) error {
	return c.do(e, func(ctr *centre.Centre) (disclosure.Request, error) {
		return ctr.EraseDisclosed(e.ctx, c.ID, c.actor())
	})
}

type disclosureStatsCmd struct {
	Since string `help:"First day of the period, as 2026-01-31; all records if not given." placeholder:"DAY"`
	Until string `help:"Day the period ends before; now if not given." placeholder:"DAY"`
	JSON  bool   `help:"One JSON object per line."`
}

// Run counts.
func (c *disclosureStatsCmd) Run(e *env) error {
	day := func(field, s string) (time.Time, error) {
		if s == "" {
			return time.Time{}, nil
		}
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return t, problem.BadField(field, "%.40q is not a day such as 2026-01-31", s)
		}
		return t, nil
	}
	from, err := day("since", c.Since)
	if err != nil {
		return err
	}
	to, err := day("until", c.Until)
	if err != nil {
		return err
	}
	return onCentre(e, func(ctr *centre.Centre) error {
		if to.IsZero() {
			to = ctr.Clock.Now()
		}
		fs, err := ctr.CountDisclosures(e.ctx, from, to)
		if err != nil {
			return err
		}
		return table(e, c.JSON, fs, "", "DIRECTION|PROFILE|SUBMITTED|CLOSED|GRANTED|PARTLY|REFUSED|IN TIME|WITHDRAWN|OPEN|SILENT|MEDIAN", func(f centre.DisclosureFigures) []any {
			median := "–"
			if f.MedianHours != nil {
				median = fmt.Sprintf("%.1f h", *f.MedianHours)
			}
			return []any{f.Direction, f.Profile, f.Submitted, f.Closed, f.Granted, f.PartlyGranted, f.Refused, f.InTime, f.Withdrawn, f.Open, f.Silent, median}
		})
	})
}

type disclosureProfilesCmd struct {
	JSON bool `help:"One JSON object per line."`
}

// Run prints the profiles.
func (c *disclosureProfilesCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		ps := ctr.Settings().Disclosure.Profiles.All()
		if c.JSON {
			return jsonLines(e.out, ps)
		}
		for i, p := range ps {
			if i > 0 {
				fmt.Fprintln(e.out)
			}
			fmt.Fprintf(e.out, "%s  %s\n", p.ID, p.Name)
			for _, k := range p.Clocks {
				fmt.Fprintf(e.out, "  %s %s: %s; basis %s", k.Urgency, k.Of, k.Words(), k.Basis)
				if v := k.Caveat(); v != "" {
					fmt.Fprintf(e.out, ", %s", v)
				}
				fmt.Fprintf(e.out, "; read %s %s\n", k.Read, k.Source)
			}
		}
		return nil
	})
}

type disclosureWordsCmd struct{}

// Run prints the codes.
func (disclosureWordsCmd) Run(e *env) error {
	for _, l := range []struct {
		title string
		words disclosure.Words
	}{{"requestor", disclosure.Requestors()}, {"basis", disclosure.Bases()}, {"purpose", disclosure.Purposes()}, {"urgent", disclosure.Conditions()}, {"reason", disclosure.Reasons()}} {
		fmt.Fprintf(e.out, "%s:\n", l.title)
		for _, w := range l.words {
			fmt.Fprintf(e.out, "  %-22s %s\n", w.Code, w.Means)
		}
	}
	fmt.Fprintln(e.out, "field:")
	for _, f := range disclosure.Fields() {
		fmt.Fprintf(e.out, "  %s\n", f)
	}
	return nil
}
