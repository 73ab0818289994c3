package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/clock"
	"bailiwick/config"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	rdapread "bailiwick/registration/read"
	"bailiwick/text"
)

type checkCmd struct {
	What    []string `arg:"" help:"Names, which are looked up; or files: of RDAP or WHOIS answers; of records as 'lookup --json' and 'parse' print them; a registry's own data as a table, as EPP answers, or as the XML part of an escrow deposit. - for standard input." placeholder:"NAME|FILE"`
	Policy  string   `help:"The policy profile: a name ('policy list'), or a file." required:"" placeholder:"PROFILE"`
	JSON    bool     `help:"One JSON object per record."`
	All     bool     `help:"Print what passes, too."`
	Own     bool     `help:"The files hold a registry's or registrar's own data: what is not there is missing. In public answers it may be withheld without a word, and is not testable."`
	Format  string   `help:"How the files are written, where that is not to be guessed: escrow-xml, escrow-csv, epp, csv." enum:",escrow-xml,escrow-csv,epp,csv" default:"" placeholder:"FORMAT"`
	Mapping string   `help:"Of a table (csv): the file that says which column is which field." placeholder:"FILE"`
	Each    bool     `help:"Of a table, answers or a deposit: print the verdict of each record, too, and not the summary alone."`
	Facts   string   `help:"What was found elsewhere, one JSON object a line: answers, verifications, what registers said (docs/accuracy.md)." placeholder:"FILE"`
	Observe bool     `help:"Ask DNS whether the domains of mail addresses take mail, and registries whether those that are not delegated are registered. Nothing is sent to them."`
	Lab     string   `help:"Ask a lab's world instead of the Internet: the address that 'bailiwick lab' prints." placeholder:"ADDR"`
}

// maxRecords is how many records a file may hold, and maxMail how many mail
// domains are remembered.
const (
	maxRecords = 1_000_000
	maxMail    = 100_000
)

// checkLine is what --json prints of a record.
type checkLine struct {
	File  string `json:"file,omitempty"`
	Asked string `json:"asked,omitempty"`
	// Number is the record's place in a file of several, from 1.
	Number int `json:"record,omitempty"`
	// What a frame says of the record: its name or handle, the line it stands
	// on, its registrar, contacts that are named and not there, and what was
	// wrong with single values.
	ID        string          `json:"id,omitempty"`
	Line      int             `json:"line,omitempty"`
	Registrar string          `json:"registrar,omitempty"`
	Missing   []string        `json:"missing_contacts,omitempty"`
	Flaws     []problem.Field `json:"flaws,omitempty"`
	policy.Assessment
	Error *problem.Document `json:"error,omitempty"`
}

// checking is a run of the command.
type checking struct {
	e       *env
	c       *checkCmd
	profile policy.Profile
	now     func() time.Time
	lookups *lookups // opened when it is needed
	mail    map[string]accuracy.MailFact
	facts   map[string]accuracy.Facts // by name or handle
	bad     bool
	printed bool
}

// Run checks records. The status is 1 if one fails, or cannot be read.
func (c *checkCmd) Run(e *env) error {
	set, err := shippedPolicies(e)
	if err != nil {
		return err
	}
	k := &checking{e: e, c: c, now: clock.Real{}.Now, mail: map[string]accuracy.MailFact{}}
	if k.profile, err = profileOf(set, c.Policy); err != nil {
		return err
	}
	if c.Facts != "" {
		if err := k.readFacts(c.Facts); err != nil {
			return err
		}
	}
	if len(c.What) > maxNames {
		return problem.New(problem.TooLarge, "over %d names and files", maxNames)
	}
	defer func() {
		if k.lookups != nil {
			k.lookups.close()
		}
	}()
	for _, w := range c.What {
		if _, err := os.Stat(w); err == nil || w == "-" || strings.ContainsAny(w, `/\`) && !strings.Contains(w, "://") {
			err = k.file(w)
			if err != nil {
				return err
			}
			continue
		}
		if err := k.name(w); err != nil {
			return err
		}
	}
	if k.bad {
		return errNegative
	}
	return nil
}

// open makes what asks the world.
func (k *checking) open() (*lookups, error) {
	if k.lookups != nil {
		return k.lookups, nil
	}
	cfg, err := config.Load(k.e.config, os.Environ())
	if err != nil {
		return nil, err
	}
	var w app.World
	if k.c.Lab != "" {
		if w, err = remoteWorld(k.e.ctx, k.c.Lab); err != nil {
			return nil, err
		}
	}
	if k.lookups, err = openLookups(k.e, cfg, w, configured(k.e), nil); err == nil {
		k.now = k.lookups.clock.Now
	}
	return k.lookups, err
}

// name looks a name up and checks its record.
func (k *checking) name(asked string) error {
	line := checkLine{Asked: text.Line(asked, 300)}
	d, err := k.open()
	if err != nil {
		return err
	}
	t, err := readThing(asked, d.suffixes)
	if err == nil && t.name.IsZero() {
		err = problem.BadField("NAME", "%q is an address or AS number: only names have registration data to check", t.asked)
	}
	var rec registration.Record
	if err == nil {
		if d.centre == nil {
			rec, err = centre.AskBy(k.e.ctx, d.collect, t.name, "")
		} else {
			rec, err = d.centre.Lookup(k.e.ctx, t.name, youngEnough, "")
		}
	}
	if err != nil {
		return k.failed(line, err)
	}
	if len(rec.Contacts) > 0 {
		if err := d.seen(k.e.ctx, t.name.String(), "checked at the console"); err != nil {
			return err
		}
	}
	return k.record(line, rec)
}

// file checks the records of a file. What is wrong with one is told, and stops
// nothing.
func (k *checking) file(path string) error {
	line := checkLine{File: path}
	o, err := openFrame(path, k.c.Format, k.c.Mapping)
	if err != nil {
		return k.failed(line, err)
	}
	defer o.close()
	if o.is {
		return k.frame(path, o)
	}
	raw, err := whole(path, o.in)
	if err != nil {
		return k.failed(line, err)
	}
	if !isRecords(raw) {
		rec, err := answerOf(raw, k.c.Own)
		if err != nil {
			return k.failed(line, err)
		}
		return k.record(line, rec)
	}
	// One value after another, or an array of them.
	dec := json.NewDecoder(bytes.NewReader(raw))
	list := bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF")), " \t\r\n"), []byte("["))
	if list {
		if _, err := dec.Token(); err != nil {
			return k.failed(line, problem.Wrap(err, problem.Invalid, "the file is no JSON"))
		}
	}
	for n := 1; ; n++ {
		if list && !dec.More() {
			break
		}
		line.Number = n
		if n > maxRecords {
			return k.failed(line, problem.New(problem.TooLarge, "the file has over %d records", maxRecords))
		}
		var one json.RawMessage
		if err := dec.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil { // nothing behind it can be read either
			return k.failed(line, problem.New(problem.Invalid, "record %d is not JSON, at octet %d", n, dec.InputOffset()))
		}
		rec, err := recordOf(one, k.c.Own)
		if err != nil {
			if err := k.failed(line, err); err != nil {
				return err
			}
			continue
		}
		if err := k.record(line, rec); err != nil {
			return err
		}
	}
	return nil
}

// kind is what tells a record of ours from an RDAP answer.
type kind struct {
	Class       json.RawMessage `json:"objectClassName"`
	Conformance json.RawMessage `json:"rdapConformance"`
	Code        json.RawMessage `json:"errorCode"`
	State       json.RawMessage `json:"state"`
	// What 'lookup' and 'parse' say of where a record comes from.
	File    json.RawMessage `json:"file"`
	Asked   json.RawMessage `json:"asked"`
	Sources json.RawMessage `json:"sources"`
}

func (k kind) rdap() bool { return k.Class != nil || k.Conformance != nil || k.Code != nil }

// isRecords says whether raw holds records as this program prints them, one or
// more, and not one answer of a server.
func isRecords(raw []byte) bool {
	raw = bytes.TrimLeft(bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF")), " \t\r\n")
	if len(raw) == 0 || raw[0] != '{' && raw[0] != '[' {
		return false
	}
	if raw[0] == '[' { // a list; or a WHOIS answer that begins with "[Domain Name]"
		rest := bytes.TrimLeft(raw[1:], " \t\r\n")
		return len(rest) > 0 && (rest[0] == '{' || rest[0] == ']')
	}
	var k kind
	err := json.NewDecoder(bytes.NewReader(raw)).Decode(&k)
	return err == nil && !k.rdap() && k.State != nil
}

// recordOf reads one record, or one RDAP answer among records. own says that
// it is of a registry or registrar, wherever it seems to come from.
func recordOf(raw json.RawMessage, own bool) (registration.Record, error) {
	var k kind
	if err := json.Unmarshal(raw, &k); err != nil {
		return registration.Record{}, problem.New(problem.Invalid, "the record is not a JSON object of the fields that 'lookup --json' prints")
	}
	if k.rdap() {
		return answerOf(raw, own)
	}
	if k.State == nil {
		return registration.Record{}, problem.BadField("state", "is missing: this is no record")
	}
	// The lines of 'lookup' list their sources, which is another shape than the
	// record's own.
	var line struct {
		registration.Record
		Sources json.RawMessage `json:"sources"`
	}
	if err := json.Unmarshal(raw, &line); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return line.Record, problem.BadField(cmp.Or(strings.TrimPrefix(wrong.Field, "Record."), "record"), "is a %s where another kind of value belongs", wrong.Value)
		}
		return line.Record, problem.New(problem.Invalid, "the record cannot be read: %s", text.Line(err.Error(), 200))
	}
	rec := line.Record
	rec.Answers = nil
	if !own && (k.Sources != nil || k.File != nil || k.Asked != nil) {
		src := registration.Source{Protocol: "unknown"} // but a server's
		var list []registration.Source
		if json.Unmarshal(k.Sources, &list) == nil && len(list) > 0 && list[0].Protocol != "" {
			src = list[0]
		}
		rec.Sources = map[string]registration.Source{"": src}
	}
	return rec, nil
}

// answerOf reads what a server answered; own says that it answered its own
// registry or registrar, and withheld nothing.
func answerOf(raw []byte, own bool) (registration.Record, error) {
	format := ""
	if bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("[")) { // no RDAP answer begins so
		format = "whois"
	}
	d, err := rdapread.Pick(format, raw)
	if err != nil {
		return registration.Record{}, err
	}
	src := registration.Source{Protocol: d.Format}
	if own {
		src = registration.Source{}
	}
	return d.Decode(raw, src)
}

// record checks one record and prints the verdict.
func (k *checking) record(line checkLine, rec registration.Record) error {
	a, err := k.assess(rec, "")
	if err != nil {
		return k.failed(line, err)
	}
	k.bad = k.bad || a.Result == accuracy.Fail
	if k.c.JSON {
		line.Assessment = a
		return writeJSON(k.e.out, line)
	}
	if k.printed {
		fmt.Fprintln(k.e.out)
	}
	k.printed = true
	return showAssessment(k.e.out, cmp.Or(line.Asked, line.File), line.Number, k.profile, a, k.c.All)
}

// failed tells that something could not be checked.
func (k *checking) failed(line checkLine, err error) error {
	k.bad = true
	if k.e.ctx.Err() != nil {
		return k.e.ctx.Err()
	}
	if k.c.JSON {
		doc := problem.DocumentOf(err)
		line.Error, line.Profile, line.Hash, line.Status, line.State = &doc, k.profile.ID, k.profile.Hash(), k.profile.Status, registration.Failed
		return writeJSON(k.e.out, line)
	}
	at := cmp.Or(line.Asked, line.File)
	if line.Number > 0 {
		at += fmt.Sprintf(" record %d", line.Number)
	}
	fmt.Fprintf(k.e.errs, "%s: %s\n", text.Line(at, 300), text.Line(err.Error(), 500))
	return nil
}

// observe asks once for each domain of the record's mail addresses.
func (k *checking) observe(rec registration.Record) (accuracy.Facts, error) {
	d, err := k.open()
	if err != nil {
		return accuracy.Facts{}, err
	}
	f := accuracy.Facts{Mail: map[string]accuracy.MailFact{}}
	for _, role := range slices.Sorted(maps.Keys(rec.Contacts)) {
		at := strings.LastIndexByte(rec.Contacts[role].Email, '@')
		if at < 0 || len(f.Mail) >= accuracy.MaxRoles {
			continue
		}
		dom, err := name.ParseAny(strings.TrimSpace(rec.Contacts[role].Email[at+1:]))
		if err != nil {
			continue
		}
		fact, known := k.mail[dom.String()]
		if !known {
			if len(k.mail) >= maxMail {
				clear(k.mail)
			}
			fact = d.collect.MailFact(k.e.ctx, dom, d.suffixes.Split(dom).Registered)
			k.mail[dom.String()] = fact
		}
		f.Mail[dom.String()] = fact
	}
	return f, k.e.ctx.Err()
}

// showAssessment prints an assessment for people.
func showAssessment(w io.Writer, asked string, number int, p policy.Profile, a policy.Assessment, all bool) error {
	head := text.Line(cmp.Or(a.Domain, asked), 300)
	if number > 0 {
		head += fmt.Sprintf(" (record %d)", number)
	}
	word := resultWord(a.Result)
	if a.State != registration.Registered {
		word = "not registered: the answer says " + string(a.State)
		if a.State == "" {
			word = "not registered"
		}
	}
	if a.State != registration.Registered {
		_, err := fmt.Fprintf(w, "%s: %s\n", head, word)
		return err
	}
	fmt.Fprintf(w, "%s: %s under %s, %d of %d fields could be tested", head, word, p.ID, a.Tested, a.Fields)
	if p.Status != policy.InForce && p.Status != policy.Own {
		fmt.Fprintf(w, " (%s)", p.Status)
	}
	fmt.Fprintln(w)
	for _, c := range a.Contacts {
		fmt.Fprintf(w, "\n%s: %s\n", c.Role, c.Result)
		for _, f := range c.Fields {
			shown := map[string]bool{}
			if f.Result == accuracy.Pass && !all && !slices.ContainsFunc(f.Findings, func(x policy.Finding) bool { return x.Result == accuracy.Untestable }) {
				fmt.Fprintf(w, "  %-13s pass (%s)\n", cmp.Or(f.Field, "as a whole"), f.Reached)
				continue
			}
			fmt.Fprintf(w, "  %-13s %s (%s)\n", cmp.Or(f.Field, "as a whole"), f.Result, f.Reached)
			for _, x := range f.Findings {
				if x.Result == accuracy.Pass && !all {
					continue
				}
				key := x.Rule + " " + x.Verdict.Check
				if x.Result == accuracy.Untestable { // one reason for many checks is told once
					key = x.Verdict.Reason + " " + x.Note
				}
				if shown[key] {
					continue
				}
				shown[key] = true
				if x.Result == accuracy.Untestable && !all {
					fmt.Fprintf(w, "    %s\n", cmp.Or(x.Note, x.Verdict.Detail, x.Verdict.Reason))
					continue
				}
				fmt.Fprintf(w, "    %s %s", x.Result, x.Verdict.Check)
				if x.Verdict.Reason != "" {
					fmt.Fprintf(w, ": %s", x.Verdict.Reason)
				}
				if x.Verdict.Evidence != "" && x.Result != accuracy.Pass {
					fmt.Fprintf(w, " (%s)", text.Line(x.Verdict.Evidence, 120))
				}
				fmt.Fprintln(w)
				if x.Note != "" {
					fmt.Fprintf(w, "      %s\n", x.Note)
				} else if x.Verdict.Detail != "" && x.Result != accuracy.Pass {
					fmt.Fprintf(w, "      %s\n", x.Verdict.Detail)
				}
				fmt.Fprintf(w, "      %s, %s", text.Line(x.Clause, 200), x.Basis)
				if x.Caveat != "" {
					fmt.Fprintf(w, ": %s", x.Caveat)
				}
				fmt.Fprintln(w)
			}
		}
	}
	if len(a.Modes) > 0 {
		fmt.Fprintln(w)
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		fmt.Fprintln(t, "over all contacts\tform\tworks")
		for _, m := range a.Modes {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", map[string]string{"email": "e-mail", "phone": "phone", "postal": "postal", "all": "all three"}[m.Mode], resultWord(m.Form), resultWord(m.Works))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, x := range []struct {
		title string
		in    []policy.Proposal
	}{{"To ask", a.Duties}, {"Would follow, " + policy.NotForCompliance, a.Withheld}} {
		if len(x.in) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", x.title)
		for _, d := range x.in {
			fmt.Fprintf(w, "  the %s to %s", d.Actor, d.Action.Words())
			if len(d.Claims) > 0 {
				fmt.Fprintf(w, " %s", strings.Join(d.Claims, ", "))
			}
			if !d.Within.IsZero() {
				fmt.Fprintf(w, ", within %s of knowing", d.Within.Words())
			}
			if d.OnlyForm {
				fmt.Fprint(w, "; only the form was found wrong, so no suspension is proposed")
			} else if d.OnExpiry != "" {
				fmt.Fprintf(w, "; then %s", d.OnExpiry.Words())
			}
			fmt.Fprintf(w, " (%s)\n", text.Line(d.Clause, 200))
			for _, b := range d.Because {
				fmt.Fprintf(w, "    because of %s\n", b)
			}
		}
	}
	return nil
}
