package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"bailiwick/centre"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/text"
	"bailiwick/verify"
)

type contactCmd struct {
	Verify   contactVerifyCmd   `cmd:"" help:"Begin to verify a contact of a registration, or say what it says now."`
	List     contactListCmd     `cmd:"" help:"List verifications, newest first."`
	Status   contactStatusCmd   `cmd:"" help:"Show one verification; with --contact its values, for a reason."`
	Log      contactLogCmd      `cmd:"" help:"Print a verification's log, or export its chain with --export (see 'verify')."`
	Code     contactCodeCmd     `cmd:"" help:"Return a code that the holder read to you."`
	Send     contactSendCmd     `cmd:"" help:"Send another code."`
	Take     contactTakeCmd     `cmd:"" help:"Read a code by telephone, and the number it goes to, once: to send it."`
	Sent     contactSentCmd     `cmd:"" help:"Say whether a code by telephone went out."`
	Evidence contactEvidenceCmd `cmd:"" help:"Record what you saw: never a document, only its digest, its type and who holds it."`
	Doubt    contactDoubtCmd    `cmd:"" help:"Uphold a complaint: what was verified counts no more."`
	Hold     contactHoldCmd     `cmd:"" help:"Put a name on hold whose time to answer is over, or for a ground of its profile."`
	Release  contactReleaseCmd  `cmd:"" help:"Release a hold that a person put on, once something was verified."`
	Gone     contactGoneCmd     `cmd:"" help:"Say that a registration is gone: deleted, expired or transferred away."`
	Allow    contactAllowCmd    `cmd:"" help:"Let codes go again to an address whose reader had said that they know nothing of the name."`
	Note     contactNoteCmd     `cmd:"" help:"Add a note."`
	Orders   contactOrdersCmd   `cmd:"" help:"List the holds, releases and terminations that wait for a person."`
	Order    contactOrderCmd    `cmd:"" help:"Settle one of them: done, send or drop."`
	Profiles contactProfilesCmd `cmd:"" help:"Print the profiles, what each rests on, and whether anybody goes on hold under it here."`
}

type contactVerifyCmd struct {
	by
	Name      string `arg:"" help:"The registered domain."`
	Email     string `help:"Mail address of the contact; - reads it from standard input, which no list of processes shows." placeholder:"MAIL"`
	Phone     string `help:"Telephone number, with + and the country code; - reads it from standard input." placeholder:"NUMBER"`
	Role      string `help:"Whose contact: registrant or account_holder." enum:"registrant,account_holder" default:"registrant"`
	Trigger   string `help:"Whether it was registered or transferred: under another --ref or --registrar than before it is another registration of the name, and the one before is gone. Without it other values are a change, and the clock runs on." enum:",registered,transferred" default:""`
	Registrar string `help:"Name of the registrar." placeholder:"NAME"`
	Ref       string `help:"What the registrar's system calls it." placeholder:"TEXT"`
	Profile   string `help:"Profile (see 'contact profiles'); as configured, or by the TLD, if none is given." placeholder:"ID"`
	JSON      bool   `help:"As JSON."`
}

// Run begins a verification.
func (c *contactVerifyCmd) Run(e *env) error {
	in := bufio.NewReader(io.LimitReader(os.Stdin, 4<<10))
	for _, v := range []*string{&c.Email, &c.Phone} {
		if *v != "-" {
			continue
		}
		line, err := in.ReadString('\n')
		if err != nil && err != io.EOF {
			return problem.Wrap(err, problem.Invalid, "standard input cannot be read")
		}
		*v = strings.TrimSpace(line)
	}
	return onCentre(e, func(ctr *centre.Centre) error {
		v, err := ctr.OpenVerification(e.ctx, centre.VerificationDraft{Name: c.Name, Email: c.Email, Phone: c.Phone, Role: verify.Role(c.Role), Trigger: verify.Trigger(c.Trigger),
			Registrar: c.Registrar, Ref: c.Ref, Profile: c.Profile}, c.actor())
		if err != nil {
			return err
		}
		return printVerification(e, v, nil, c.JSON)
	})
}

type contactListCmd struct {
	Group string `help:"Only those where something waits (open), that are in doubt, on hold, or verified or over (done)." enum:",open,doubt,hold,done" default:""`
	Name  string `help:"Only those of this name."`
	Limit int    `help:"How many." default:"50"`
	JSON  bool   `help:"One JSON object per line."`
}

// Run lists verifications.
func (c *contactListCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		vs, err := ctr.Verifications(e.ctx, store.VerificationFilter{Group: c.Group, Name: c.Name, Limit: c.Limit})
		if err != nil {
			return err
		}
		return table(e, c.JSON, vs, "There are no such verifications.", "VERIFICATION|NAME|ROLE|STATE|IN DOUBT|OPENED|ANSWER DUE|NEXT", func(v centre.Verification) []any {
			next := stamp(v.NextDue())
			if v.ByPerson() {
				next = "a person"
			}
			return []any{v.ID, name.Defang(v.Name), v.Role, v.State, yes(v.InDoubt), stamp(v.Opened), stamp(v.Due), next}
		})
	})
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

type contactStatusCmd struct {
	ID      string `arg:"" help:"The verification."`
	Contact bool   `help:"The contact's values: personal data, for a reason that the access log keeps."`
	Reason  string `help:"Why you read them." placeholder:"TEXT"`
	JSON    bool   `help:"As JSON."`
}

// Run shows a verification.
func (c *contactStatusCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		v, err := ctr.Verification(e.ctx, c.ID)
		if err != nil {
			return err
		}
		var values []string
		if c.Contact {
			mailbox, phone, err := ctr.ReadVerifiedContactAtConsole(e.ctx, c.ID, c.Reason)
			if err != nil {
				return err
			}
			values = nonEmpty(mailbox, phone)
		}
		if err := printVerification(e, v, values, c.JSON); err != nil || c.JSON {
			return err
		}
		waiting, err := ctr.WaitingCodes(e.ctx, c.ID)
		if err != nil {
			return err
		}
		for _, k := range waiting {
			fmt.Fprintf(e.out, "code %d by telephone waits to be sent, until %s (see 'contact take')\n", k.N, stamp(k.Expires))
		}
		orders, err := ctr.VerificationOrders(e.ctx, c.ID)
		for _, o := range orders {
			fmt.Fprintf(e.out, "order %s: %s, %s  %s\n", o.ID, o.Kind, o.State, text.Line(o.Response, 200))
		}
		return err
	})
}

func printVerification(e *env, v centre.Verification, values []string, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(e.out).Encode(struct {
			centre.Verification
			Contact []string `json:"contact_values,omitempty"`
		}{v, values})
	}
	w := newSheet(e)
	line := w.line
	line("verification", v.ID)
	line("name", name.Defang(v.Name))
	line("contact", string(v.Role))
	for _, x := range values {
		line("", text.Line(x, 400))
	}
	line("state", string(v.State))
	if v.InDoubt {
		line("", "in doubt: something speaks against the contact")
	}
	if v.ByPerson() {
		line("", "nothing moves any more unless a person acts")
	}
	line("registrar", text.Line(v.Registrar, 200))
	line("reference", text.Line(v.Ref, 200))
	rule := v.Terms.Profile.Name
	if k := v.Caveat(); k != "" {
		rule += "  (" + k + ")"
	}
	line("rule", rule)
	if !v.Holds() {
		line("", "no clock puts the name on hold")
	}
	line("answer due", stamp(v.Due))
	if !v.Reached.IsZero() {
		line("reached", stamp(v.Reached))
	}
	for _, c := range slices.Sorted(maps.Keys(v.Verified)) {
		r := v.Verified[c]
		line("verified", fmt.Sprintf("%s  %s  %s  %s", c, r.Level, r.Method, stamp(r.PerformedAt)))
	}
	if v.Hold != nil {
		line("on hold", stamp(v.Hold.At)+"  "+v.Hold.Cause+"  "+strings.Join(v.Hold.Statuses, " "))
	}
	return w.Flush()
}

type contactLogCmd struct {
	ID       string `arg:"" help:"The verification."`
	Export   bool   `help:"Write the chain with a signed head, for 'verify'."`
	Personal bool   `help:"With what people wrote, for a reason that the access log keeps."`
	Reason   string `help:"Why you read it." placeholder:"TEXT"`
}

// Run prints or exports a log.
func (c *contactLogCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		if c.Personal {
			if err := ctr.LookedAtConsole(e.ctx, c.ID, c.Reason); err != nil {
				return err
			}
		}
		if c.Export {
			return ctr.ExportVerification(e.ctx, e.out, c.ID, c.Personal)
		}
		return logged(e, c.ID, ctr.VerificationEvents, c.Personal)
	})
}

// contactAct is an act on a verification.
type contactAct struct {
	by
	ID string `arg:"" help:"The verification."`
}

func (c contactAct) do(e *env, f func(*centre.Centre) (centre.Verification, error)) error {
	return acted(e, f, func(v centre.Verification) string { return fmt.Sprintf("verification %s is %s", v.ID, v.State) })
}

func (c contactAct) give(e *env, cmd verify.Command) error {
	return c.do(e, func(ctr *centre.Centre) (centre.Verification, error) { return ctr.ActVerification(e.ctx, c.ID, 0, cmd) })
}

type contactCodeCmd struct {
	contactAct
	Code string `arg:"" help:"The code."`
}

// Run returns a code.
func (c *contactCodeCmd) Run(e *env) error {
	return c.do(e, func(ctr *centre.Centre) (centre.Verification, error) {
		return ctr.ReturnCode(e.ctx, c.ID, c.actor(), c.Code)
	})
}

type contactSendCmd struct {
	contactAct
	Phone bool `help:"By telephone: your own sender reads it with 'contact take'."`
}

// Run sends a code.
func (c *contactSendCmd) Run(e *env) error {
	m := verify.ByMail
	if c.Phone {
		m = verify.ByMessage
	}
	return c.do(e, func(ctr *centre.Centre) (centre.Verification, error) {
		return ctr.SendCode(e.ctx, c.ID, 0, c.actor(), m)
	})
}

type contactTakeCmd struct {
	ID     string `arg:"" help:"The verification."`
	Number int    `arg:"" help:"Number of the code (see 'contact status')."`
	JSON   bool   `help:"As JSON."`
}

// Run prints a code, once.
func (c *contactTakeCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		k, err := ctr.TakeCodeAtConsole(e.ctx, c.ID, c.Number)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(e.out).Encode(k)
		}
		fmt.Fprintf(e.out, "to    %s\ncode  %s\n\nIt is not kept: send it now, and say with 'contact sent' whether it went out.\n", text.Line(k.Phone, 100), k.Code)
		return nil
	})
}

type contactSentCmd struct {
	contactAct
	Number int  `arg:"" help:"Number of the code."`
	Failed bool `help:"It could not be sent."`
}

// Run records what became of a code by telephone.
func (c *contactSentCmd) Run(e *env) error {
	return c.do(e, func(ctr *centre.Centre) (centre.Verification, error) {
		return ctr.SentCode(e.ctx, c.ID, c.Number, !c.Failed)
	})
}

type contactEvidenceCmd struct {
	contactAct
	Claim     []string `help:"What it shows: email, phone; may be repeated." required:"" placeholder:"CLAIM"`
	Method    string   `help:"How (documents, register, electronic_id, in_person, call, post, transfer_form, other)." required:"" placeholder:"CODE"`
	Type      string   `help:"Kind of evidence (none, business_licence, register_extract, identity_card, passport, other_identity, electronic_id, bill, record_of_call, correspondence, other_document)." default:"none" placeholder:"CODE"`
	Document  string   `help:"File to digest. It is read once and not kept; the salt of its digest is printed once." type:"existingfile" xor:"doc" placeholder:"FILE"`
	Digest    string   `help:"Salted SHA-256 of the document, in hex, where somebody else digested it." xor:"doc" placeholder:"HEX"`
	HeldBy    string   `help:"Who holds the document, such as registrar:9999." placeholder:"REF"`
	Audit     string   `help:"Ticket: no names, no numbers of documents." required:"" placeholder:"TOKEN"`
	Framework string   `help:"Trust framework, such as eidas-high." placeholder:"TOKEN"`
	Level     string   `help:"V1 the form, V2 that it works, V3 whose it is." enum:"V1,V2,V3" default:"V2"`
	Result    string   `help:"pass, fail or inconclusive." enum:"pass,fail,inconclusive" default:"pass"`
	Text      string   `help:"Words: personal, and they expire." placeholder:"TEXT"`
}

// Run records evidence.
func (c *contactEvidenceCmd) Run(e *env) error {
	a := verify.Attest{By: c.actor(), Level: verify.Level(c.Level), Method: verify.Method(c.Method), Evidence: verify.Evidence(c.Type), Digest: c.Digest, HeldBy: c.HeldBy, Framework: c.Framework,
		Audit: c.Audit, Result: verify.Result(c.Result), Text: c.Text}
	for _, k := range c.Claim {
		a.Claims = append(a.Claims, verify.Claim(k))
	}
	var doc io.Reader
	if c.Document != "" {
		f, err := os.Open(c.Document)
		if err != nil {
			return problem.Wrap(err, problem.Invalid, "the document cannot be opened")
		}
		defer f.Close()
		doc = f
	}
	return onCentre(e, func(ctr *centre.Centre) error {
		v, salt, err := ctr.AttestVerification(e.ctx, c.ID, 0, a, doc)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "verification %s is %s\n", v.ID, v.State)
		if salt != "" {
			fmt.Fprintf(e.out, "\nGive this salt to whoever holds the document; it is not kept:\n%s\n", salt)
		}
		return nil
	})
}

type contactDoubtCmd struct {
	contactAct
	Claim string `help:"About email or phone." enum:"email,phone" default:"email"`
	Ref   string `help:"What shows it: a reference, such as report:7." required:"" placeholder:"REF"`
	Text  string `help:"Words: personal, and they expire." placeholder:"TEXT"`
}

// Run upholds a complaint.
func (c *contactDoubtCmd) Run(e *env) error {
	return c.do(e, func(ctr *centre.Centre) (centre.Verification, error) {
		return ctr.DoubtVerification(e.ctx, c.ID, 0, c.actor(), verify.Claim(c.Claim), c.Ref, c.Text)
	})
}

type contactHoldCmd struct {
	contactAct
	Why    string `help:"Why." required:"" placeholder:"TEXT"`
	Ground string `help:"A ground of the profile, in any state: wilful_inaccuracy, wilful_failure_to_update, no_reply_to_enquiry." placeholder:"CODE"`
	End    bool   `help:"The registration is ended, not held."`
}

// Run puts on hold.
func (c *contactHoldCmd) Run(e *env) error {
	if c.Ground != "" || c.End {
		return c.give(e, verify.Sanction{By: c.actor(), Ground: verify.Ground(c.Ground), End: c.End, Text: c.Why})
	}
	return c.give(e, verify.Suspend{By: c.actor(), Text: c.Why})
}

type contactReleaseCmd struct {
	contactAct
	Why string `help:"Why." required:"" placeholder:"TEXT"`
}

// Run releases a hold.
func (c *contactReleaseCmd) Run(e *env) error {
	return c.give(e, verify.Release{By: c.actor(), Text: c.Why})
}

type contactAllowCmd struct {
	contactAct
	Why string `help:"Why." required:"" placeholder:"TEXT"`
}

// Run lets codes go to an address again.
func (c *contactAllowCmd) Run(e *env) error {
	return c.do(e, func(ctr *centre.Centre) (centre.Verification, error) {
		return ctr.AllowCodes(e.ctx, c.ID, c.actor(), c.Why)
	})
}

type contactGoneCmd struct {
	contactAct
	How string `help:"deleted (or expired), or transferred (to another registrar or holder)." enum:"deleted,transferred" default:"deleted"`
}

// Run says that a registration is gone.
func (c *contactGoneCmd) Run(e *env) error {
	return c.do(e, func(ctr *centre.Centre) (centre.Verification, error) {
		return ctr.LeaveVerification(e.ctx, c.ID, 0, c.actor(), verify.Departure(c.How))
	})
}

type contactNoteCmd struct {
	contactAct
	Text string `arg:"" help:"The note."`
}

// Run adds a note.
func (c *contactNoteCmd) Run(e *env) error {
	return c.give(e, verify.Note{By: c.actor(), Text: c.Text})
}

type contactOrdersCmd struct {
	Org   string `help:"Only those of one organisation; own is the centre itself." placeholder:"ID"`
	Skip  int    `help:"How many to leave out at the beginning." placeholder:"N"`
	Limit int    `help:"How many at most, up to 200." default:"200"`
	JSON  bool   `help:"One JSON object per line."`
}

// Run lists the orders that wait for a person.
func (c *contactOrdersCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		page := store.OrderPage{Of: c.Org != "", Skip: max(c.Skip, 0), Limit: c.Limit}
		if c.Org != "own" {
			page.Org = c.Org
		}
		d, err := ctr.WaitingOrders(e.ctx, page)
		if err != nil {
			return err
		}
		type order struct {
			ID           string    `json:"id"`
			Order        string    `json:"order"`
			Name         string    `json:"name"`
			Verification string    `json:"verification"`
			Org          string    `json:"org,omitempty"`
			Since        time.Time `json:"since"`
			Why          string    `json:"why"`
		}
		var out []order
		for _, o := range d.Orders {
			out = append(out, order{o.ID, o.Kind, o.Name, o.Verification, o.Org, o.Created, o.Response})
		}
		if err := table(e, c.JSON, out, "No order waits for a person.", "ORDER|WHAT|NAME|ORG|SINCE|WHY IT WAITS", func(o order) []any {
			return []any{o.ID, o.Order, name.Defang(o.Name), o.Org, stamp(o.Since), text.Line(o.Why, 200)}
		}); err != nil {
			return err
		}
		if d.Next > 0 {
			fmt.Fprintf(e.errs, "%d orders wait; go on with --skip %d\n", d.Of(page), d.Next)
		}
		return nil
	})
}

type contactOrderCmd struct {
	by
	ID   string `arg:"" help:"The order."`
	What string `arg:"" help:"done: you did it; send: let it go to the registrar's system; drop: it is not to be done." enum:"done,send,drop"`
}

// Run settles an order.
func (c *contactOrderCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		if err := ctr.SettleOrder(e.ctx, c.ID, c.actor(), c.What); err != nil {
			return err
		}
		fmt.Fprintln(e.out, "recorded")
		return nil
	})
}

type contactProfilesCmd struct {
	JSON bool `help:"One JSON object per line."`
}

// Run prints the profiles.
func (c *contactProfilesCmd) Run(e *env) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		set := ctr.Settings().Verify
		ps := set.Profiles.All()
		if c.JSON {
			return jsonLines(e.out, ps)
		}
		for i, p := range ps {
			if i > 0 {
				fmt.Fprintln(e.out)
			}
			fmt.Fprintf(e.out, "%s  %s\n", p.ID, p.Name)
			if !slices.Contains(set.Own, p.ID) && !p.Binds() {
				fmt.Fprintln(e.out, "  nobody goes on hold under it here: it rests on no primary source, and is not one of yours")
			}
			for _, r := range p.Rules {
				fmt.Fprintf(e.out, "  %v: %v, %s of them, within %s", r.On, r.Verify, r.Need, r.Due.Words())
				if !r.Hold.IsZero() {
					fmt.Fprintf(e.out, "; hold after %s", r.Hold.Words())
				}
				fmt.Fprintf(e.out, "; basis %s", r.Due.Basis)
				if v := r.Due.Caveat(); v != "" {
					fmt.Fprintf(e.out, ", %s", v)
				}
				fmt.Fprintf(e.out, "; read %s %s\n", r.Due.Read, r.Due.Source.Source)
			}
		}
		return nil
	})
}
