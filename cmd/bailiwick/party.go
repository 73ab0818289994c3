package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"bailiwick/centre"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
)

type partyCmd struct {
	List      partyListCmd      `cmd:"" help:"List the mail addresses that parties were written to, and how well each works."`
	Show      partyShowCmd      `cmd:"" help:"Show what is known of one party or mail address."`
	Directory partyDirectoryCmd `cmd:"" help:"Show the shipped contact list: its source and date, what is used, what is set aside and why, and the desks."`
}

type partyListCmd struct {
	Verdict string `help:"Only these: works, machine, silent, bounces or unknown." enum:",works,machine,silent,bounces,unknown" default:""`
	Role    string `help:"Only addresses of parties in this role, such as registrar or host."`
	Desk    string `help:"Only addresses of this desk."`
	Limit   int    `help:"How many of the addresses written to last are looked at." default:"200"`
	JSON    bool   `help:"One JSON object per line."`
}

// Run lists contacts.
func (l *partyListCmd) Run(e *env) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	all, err := a.Centre.Contacts(e.ctx, l.Limit)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(c centre.Contact) bool {
		return l.Verdict != "" && !strings.HasPrefix(string(c.Verdict), l.Verdict) || l.Desk != "" && c.Desk != l.Desk ||
			l.Role != "" && !slices.ContainsFunc(c.Parties, func(id string) bool { return strings.HasPrefix(id, l.Role+":") })
	})
	if l.JSON {
		return jsonLines(e.out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(e.out, "There are no such contacts.")
		return nil
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ADDRESS\tSCORE\tVERDICT\tACCEPTED\tREFUSED\tASKS\tLAST ANSWER\tPARTIES")
	for _, c := range all {
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%d\t%d\t%s\t%s\n", c.Address, c.Score, c.Words, c.Accepted, c.Refused, c.Asks, stamp(c.LastPerson), few(c.Parties))
	}
	return w.Flush()
}

// jsonLines prints one object per line.
func jsonLines[T any](out io.Writer, all []T) error {
	enc := json.NewEncoder(out)
	for _, v := range all {
		if err := enc.Encode(v); err != nil {
			return err
		}
	}
	return nil
}

// few is a list cut to what a line of a table holds.
func few(all []string) string {
	const most = 3
	if len(all) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return strings.Join(all, ", ")
}

type partyShowCmd struct {
	ID   string `arg:"" help:"A party's identifier (registrar:1861, registry:shop), or a mail address."`
	JSON bool   `help:"As JSON."`
}

// Run shows a party.
func (s *partyShowCmd) Run(e *env) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	p, err := a.Centre.Party(e.ctx, s.ID)
	if err != nil {
		return err
	}
	if s.JSON {
		return json.NewEncoder(e.out).Encode(p)
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "party\t%s\n", p.ID)
	if p.Name != "" {
		fmt.Fprintf(w, "name\t%s\n", p.Name)
	}
	fmt.Fprintf(w, "verdict\t%s\n", p.Verdict)
	for _, src := range p.Sources {
		fmt.Fprintf(w, "%s\t%s\n", src.From, strings.TrimSpace(src.Email+" "+src.Form))
	}
	if l := p.Listed; l != nil {
		if l.API != "" {
			fmt.Fprintf(w, "API\t%s\n", l.API)
		}
		if l.Note != "" {
			fmt.Fprintf(w, "note of the list\t%s\n", l.Note)
		}
	}
	for _, q := range p.Aside {
		fmt.Fprintf(w, "set aside\t%s\n", strings.TrimSpace(q.Field+" "+q.Value+": "+q.Reason))
	}
	if d := p.Desk; d != nil {
		fmt.Fprintf(w, "desk\t%s, %s (%s)\n", d.ID, members(*d), d.Why)
	}
	for _, c := range p.Contacts {
		fmt.Fprintf(w, "\t\naddress\t%s\n", c.Address)
		fmt.Fprintf(w, "verdict\t%s (score %d)\n", c.Words, c.Score)
		fmt.Fprintf(w, "first seen\t%s\n", stamp(c.FirstSeen))
		fmt.Fprintf(w, "notices\t%d accepted (last %s), %d refused for good (last %s), %d refused for a time, %d in doubt\n",
			c.Accepted, stamp(c.LastAccepted), c.Refused, stamp(c.LastRefused), c.Temporary, c.InDoubt)
		if c.Refusal != "" {
			fmt.Fprintf(w, "last refusal\t%s\n", oneLine(c.Refusal))
		}
		fmt.Fprintf(w, "latest asks\t%d: %d answered, %d acted on, %d missed, %d silent in a row\n", c.Asks, c.Answered, c.Acted, c.Missed, c.Silent)
		fmt.Fprintf(w, "last answer\tby a person %s, by a machine %s\n", stamp(c.LastPerson), stamp(c.LastMachine))
		if c.PGP {
			fmt.Fprintln(w, "OpenPGP\ta key is configured")
		}
	}
	return w.Flush()
}

func members(g party.Group) string {
	if len(g.Members) == 1 {
		return "one party"
	}
	kind := "one organisation"
	if g.Shared {
		kind = "shared by unrelated parties"
	}
	return fmt.Sprintf("%d parties, %s", len(g.Members), kind)
}

type partyDirectoryCmd struct {
	Quarantine bool   `help:"List what is set aside, with the reason."`
	Reason     string `help:"With --quarantine: only what is set aside for a reason that holds these words."`
	Groups     bool   `help:"List the desks that answer for several parties, the largest first."`
	Members    string `help:"List the members of one desk." placeholder:"DESK"`
	Rows       bool   `help:"List every row that can be used."`
	JSON       bool   `help:"One JSON object per line."`
}

// Run shows the contact list. It needs no state of a centre.
func (d *partyDirectoryCmd) Run(e *env) error {
	list, err := party.ShippedContacts(name.DefaultSuffixes())
	if err != nil {
		return err
	}
	switch {
	case d.Quarantine:
		return d.quarantine(e, list)
	case d.Groups:
		return d.groups(e, list)
	case d.Members != "":
		g, ok := list.Group(d.Members)
		if !ok {
			return problem.New(problem.NotFound, "the contact list has no desk %q", d.Members)
		}
		var rows []party.Listed
		for _, id := range g.Members {
			l, _ := list.Listed(id)
			rows = append(rows, l)
		}
		return d.rows(e, rows)
	case d.Rows:
		return d.rows(e, slices.DeleteFunc(list.All(), func(l party.Listed) bool { return !l.Usable() }))
	}
	sum := list.Summary()
	if d.JSON {
		return json.NewEncoder(e.out).Encode(sum)
	}
	_, err = io.WriteString(e.out, sum.String())
	return err
}

func (d *partyDirectoryCmd) quarantine(e *env, list *party.Contacts) error {
	all := slices.DeleteFunc(slices.Clone(list.Quarantine), func(q party.Quarantined) bool { return !strings.Contains(q.Reason, d.Reason) })
	if d.JSON {
		return jsonLines(e.out, all)
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "PARTY\tNAME\tREASON\tFIELD\tVALUE")
	for _, q := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", q.ID, q.Name, q.Reason, dash(q.Field), dash(q.Value))
	}
	return w.Flush()
}

func (d *partyDirectoryCmd) groups(e *env, list *party.Contacts) error {
	all := list.Groups(2)
	if d.JSON {
		return jsonLines(e.out, all)
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "MEMBERS\tDESK\tFIRST\tSHARED\tWHY")
	for _, g := range all {
		shared := "no"
		if g.Shared {
			shared = "yes"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", len(g.Members), g.ID, g.Members[0], shared, g.Why)
	}
	return w.Flush()
}

func (d *partyDirectoryCmd) rows(e *env, rows []party.Listed) error {
	if d.JSON {
		return jsonLines(e.out, rows)
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "PARTY\tNAME\tMAIL\tFORM\tAS OF")
	for _, l := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.ID, l.Name, dash(strings.Join(l.Emails, ", ")), dash(strings.Join(l.Forms, ", ")), dash(l.AsOf))
	}
	return w.Flush()
}

// oneLine makes a server's words fit for a line of a table.
func oneLine(s string) string { return strings.Join(strings.Fields(name.DefangText(s)), " ") }
