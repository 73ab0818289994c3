package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/config"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/registration/read"
	"bailiwick/registration/show"
	"bailiwick/store"
	"bailiwick/text"

	"golang.org/x/term"
)

type lookupCmd struct {
	Names []string `arg:"" optional:"" help:"Domain names, addresses, or AS numbers (AS64496). Of a name below a registered domain, that one is looked up." placeholder:"NAME"`
	JSON  bool     `help:"One JSON object per name."`
	RDAP  bool     `name:"rdap" help:"Ask RDAP only." xor:"protocol"`
	WHOIS bool     `name:"whois" help:"Ask WHOIS only." xor:"protocol"`
	Fresh bool     `help:"Ask even where the centre's history has an answer younger than an hour."`
	All   bool     `help:"Print every finding, and not only the first of each severity."`

	File     string `help:"Look up every name in FILE, one a line; - for standard input." placeholder:"FILE"`
	Actor    string `help:"With --file: who asks. It is noted with the run." placeholder:"WHO"`
	Purpose  string `help:"With --file: what for. Servers whose terms name purposes are asked for those only." placeholder:"WHY"`
	Contacts bool   `help:"With --file: keep personal contact fields, which are left out otherwise."`
	RunName  string `name:"run" help:"With --file: name of the run, by which it can be taken up again." placeholder:"NAME"`
	Out      string `help:"With --file: where the lines go; standard output if empty." placeholder:"FILE"`

	Lab string `help:"Ask a lab's world instead of the Internet: the address that 'bailiwick lab' prints." placeholder:"ADDR"`
}

// youngEnough is how old an answer of the history may be that is printed
// without asking again.
const youngEnough = time.Hour

// maxNames is how many names one command line may have: more are for --file.
const maxNames = 1000

// Run looks names up. The status is 1 if one is not registered.
func (l *lookupCmd) Run(e *env) error {
	switch {
	case l.File != "" && len(l.Names) > 0:
		return problem.BadField("--file", "goes without names")
	case l.File != "":
		return l.bulk(e)
	case len(l.Names) == 0:
		return problem.BadField("NAME", "is missing: give names, or --file")
	case len(l.Names) > maxNames:
		return problem.New(problem.TooLarge, "over %d names: put them into a file, and give --file", maxNames)
	case l.Actor+l.Purpose+l.RunName+l.Out != "" || l.Contacts:
		return problem.BadField("--file", "is missing: --actor, --purpose, --contacts, --run and --out are for it")
	}
	var things []thing
	d, err := l.open(e)
	if err != nil {
		return err
	}
	defer d.close()
	for _, s := range l.Names {
		t, err := readThing(s, d.suffixes)
		if err != nil {
			return err
		}
		things = append(things, t)
	}
	negative := false
	for i, t := range things {
		if i > 0 && !l.JSON {
			fmt.Fprintln(e.out)
		}
		ok, err := l.one(e, d, t)
		if err != nil && len(things) == 1 {
			return err
		}
		if err != nil {
			fmt.Fprintf(e.errs, "%s: %v\n", t, err)
		}
		negative = negative || !ok
	}
	if negative {
		return errNegative
	}
	return nil
}

// thing is what is looked up: one of a registered domain, an address and an
// AS number.
type thing struct {
	asked string // as it was written, cleaned
	name  name.Domain
	below bool // asked is below name
	addr  netip.Addr
	as    uint32
}

// String is the thing as it is asked for.
func (t thing) String() string {
	switch {
	case t.addr.IsValid():
		return t.addr.String()
	case t.name.IsZero():
		return "AS" + strconv.FormatUint(uint64(t.as), 10)
	}
	return t.name.String()
}

// readThing reads what a person writes for a name: a domain name in either
// form, a URL, an address or network, an AS number.
func readThing(s string, suffixes *name.Suffixes) (thing, error) {
	s = strings.TrimSpace(s)
	t := thing{asked: text.Line(s, 300)}
	if n, ok := strings.CutPrefix(strings.ToUpper(s), "AS"); ok && n != "" && strings.Trim(n, "0123456789") == "" {
		v, err := strconv.ParseUint(n, 10, 32)
		if err != nil {
			return t, problem.BadField("NAME", "%q is no AS number: they go to 4294967295", t.asked)
		}
		t.as = uint32(v)
		return t, nil
	}
	s = name.Refang(s)
	if p, err := netip.ParsePrefix(s); err == nil {
		t.addr = p.Addr()
		return t, nil
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil && a.Zone() == "" {
		t.addr = a.Unmap()
		return t, nil
	}
	var d name.Domain
	if u, err := name.ParseURL(s); err == nil && (strings.Contains(s, "://") || strings.ContainsAny(s, "/?#:")) {
		if u.Addr.IsValid() {
			t.addr = u.Addr
			return t, nil
		}
		d = u.Domain
	} else if d, err = name.ParseAny(strings.TrimSuffix(s, ".")); err != nil {
		return t, problem.Wrap(err, problem.Invalid, "%q is not a name", t.asked)
	}
	t.name = suffixes.Split(d).Registered
	if t.name.IsZero() {
		return t, problem.BadField("NAME", "%q is no registered domain, nor below one", t.asked)
	}
	t.below = t.name != d
	return t, nil
}

// lookups is what a lookup works with: a centre where one is configured.
type lookups struct {
	cfg      config.Config
	collect  *collect.Collector
	centre   *centre.Centre
	app      *app.App
	suffixes *name.Suffixes
	clock    clock.Clock
	close    func()
}

// open finds the configured centre, if there is one: a configuration file or a
// database was named. Without one nothing is stored.
func (l *lookupCmd) open(e *env) (*lookups, error) {
	cfg, err := config.Load(e.config, os.Environ())
	if err != nil {
		return nil, err
	}
	var w app.World
	if l.Lab != "" {
		if w, err = remoteWorld(e.ctx, l.Lab); err != nil {
			return nil, err
		}
	}
	if l.WHOIS { // who knows no RDAP server asks WHOIS
		if w.RDAP, err = app.NoRDAP(); err != nil {
			return nil, err
		}
	}
	return openLookups(e, cfg, w, configured(e), nil)
}

func configured(e *env) bool {
	return e.config != "" || os.Getenv("BAILIWICK_DATABASE") != ""
}

func openLookups(e *env, cfg config.Config, w app.World, withCentre bool, answers collect.Answers) (*lookups, error) {
	d := &lookups{cfg: cfg, clock: w.Clock, close: func() {}}
	if d.clock == nil {
		d.clock = clock.Real{}
	}
	var err error
	if d.suffixes, err = app.Suffixes(cfg, w); err != nil {
		return nil, err
	}
	if !withCentre {
		if d.collect, err = app.NewCollector(cfg, w, e.log, nil, answers); err != nil {
			return nil, err
		}
		d.close = d.collect.Close
		return d, nil
	}
	a, err := app.New(e.ctx, cfg, w, e.log)
	if err != nil {
		return nil, problem.Wrap(err, problem.CodeOf(err), "the centre's state cannot be opened")
	}
	d.app, d.collect, d.centre = a, a.Collect, a.Centre
	d.close = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), 10*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			e.log.Warn("the centre's state was not closed cleanly", "err", err)
		}
	}
	return d, nil
}

// seen notes in the access log that the console looks at the contacts of a
// name, before they are shown.
func (d *lookups) seen(ctx context.Context, object, detail string) error {
	if d.app == nil {
		return nil
	}
	return seenByConsole(ctx, d.app.Store, object, detail)
}

func seenByConsole(ctx context.Context, st *store.Store, object, detail string) error {
	return st.Access().UpdateAccess(ctx, func(r access.Rows) error {
		return r.AddEntry(ctx, access.Entry{At: clock.Real{}.Now(), Actor: access.Console, Act: access.Looked, Purpose: access.Work,
			Kind: access.Registration, Object: object, Detail: detail})
	})
}

// one looks one thing up and prints it. It says whether the answer is a yes.
func (l *lookupCmd) one(e *env, d *lookups, t thing) (bool, error) {
	if t.addr.IsValid() || t.name.IsZero() {
		return l.number(e, d, t)
	}
	only := ""
	if l.RDAP {
		only = "rdap"
	} else if l.WHOIS {
		only = "whois"
	}
	var rec registration.Record
	var err error
	if d.centre == nil {
		rec, err = centre.AskBy(e.ctx, d.collect, t.name, only)
	} else {
		fresh := youngEnough
		if l.Fresh || only != "" {
			fresh = 0
		}
		rec, err = d.centre.Lookup(e.ctx, t.name, fresh, only)
	}
	if err != nil {
		return false, err
	}
	if len(rec.Contacts) > 0 {
		if err := d.seen(e.ctx, t.name.String(), "looked up at the console"); err != nil {
			return false, err
		}
	}
	if l.JSON {
		return rec.State == registration.Registered, writeJSON(e.out, lookupLineOf(t.asked, t.name, rec))
	}
	if t.below {
		fmt.Fprintf(e.out, "%s is below %s, which is looked up.\n\n", name.Defang(t.asked), name.Defang(t.name.String()))
	}
	return rec.State == registration.Registered, show.Text(e.out, rec, d.clock.Now(), show.Options{Width: columns(e.out), AllFindings: l.All})
}

// lookupLine is what --json prints of a name: the contract of 'parse' with what
// was asked and who answered instead of the file.
type lookupLine struct {
	Asked  string `json:"asked"`
	Number int64  `json:"line,omitempty"` // of --file
	Name   string `json:"name"`           // the registered domain that was looked up
	read.Line
	File    string                `json:"file,omitempty"` // never; it hides the one of read.Line
	Error   *problem.Document     `json:"error,omitempty"`
	Unicode string                `json:"unicode,omitempty"`
	Sources []registration.Source `json:"sources,omitempty"`
}

func lookupLineOf(asked string, d name.Domain, rec registration.Record) lookupLine {
	return lookupLine{Asked: asked, Name: d.String(), Line: read.LineOf("", rec), Unicode: rec.Unicode, Sources: sourcesOf(rec)}
}

// sourcesOf are the servers that answered, each once.
func sourcesOf(rec registration.Record) []registration.Source {
	var out []registration.Source
	add := func(s registration.Source) {
		if s.Server == "" {
			return
		}
		for _, o := range out {
			if o.Server == s.Server && o.Protocol == s.Protocol {
				return
			}
		}
		out = append(out, s)
	}
	for _, a := range rec.Answers {
		add(a.Source)
	}
	add(rec.Sources[""])
	for _, p := range slices.Sorted(maps.Keys(rec.Sources)) {
		add(rec.Sources[p])
	}
	return out
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// columns is how wide a terminal is; 0 for anything else.
func columns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// number looks up an address or an AS number, of which no history is kept.
func (l *lookupCmd) number(e *env, d *lookups, t thing) (bool, error) {
	if l.WHOIS {
		return false, problem.BadField("--whois", "%s is looked up by RDAP only", t)
	}
	if t.addr.IsValid() {
		n, err := d.collect.Network(e.ctx, t.addr)
		if err != nil {
			return false, err
		}
		span := ""
		if n.Start != "" {
			span = n.Start + " – " + n.End
		}
		return n.State == registration.Registered, l.printNumber(e, t, struct {
			Asked string `json:"asked"`
			registration.Network
		}{t.asked, n}, n.Source, n.Findings, "State", string(n.State), "Network", n.Name, "Handle", n.Handle, "Range", span, "Prefixes", strings.Join(n.CIDRs, ", "),
			"Holder", n.Holder, "Country", n.Country, "Abuse", n.AbuseEmail, "", n.AbusePhone)
	}
	n, err := d.collect.Autnum(e.ctx, t.as)
	if err != nil {
		return false, err
	}
	return n.State == registration.Registered, l.printNumber(e, t, struct {
		Asked string `json:"asked"`
		registration.Autnum
	}{t.asked, n}, n.Source, n.Findings, "State", string(n.State), "AS", n.Name, "Handle", n.Handle,
		"Holder", n.Holder, "Country", n.Country, "Abuse", n.AbuseEmail, "", n.AbusePhone)
}

// printNumber prints labels and values, or the JSON of line.
func (l *lookupCmd) printNumber(e *env, t thing, line any, src registration.Source, findings []registration.Finding, rows ...string) error {
	if l.JSON {
		return writeJSON(e.out, line)
	}
	row := func(label, value string) {
		if value = text.Line(value, 400); value != "" {
			fmt.Fprintf(e.out, "%-14s %s\n", label, value)
		}
	}
	row("Asked for", t.String())
	for i := 0; i+1 < len(rows); i += 2 {
		row(rows[i], rows[i+1])
	}
	for _, f := range findings {
		row("Finding", string(f.Severity)+": "+f.Detail)
	}
	if src.Server != "" {
		row("Source", fmt.Sprintf("%s %s, %s", src.Protocol, src.Server, src.At.UTC().Format(time.RFC3339)))
	}
	return nil
}
