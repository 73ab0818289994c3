package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/clock"
	"bailiwick/config"
	"bailiwick/problem"

	"golang.org/x/term"
)

type userCmd struct {
	Add      userAddCmd      `cmd:"" help:"Add a person, and print a one-time link to set a password."`
	List     userListCmd     `cmd:"" help:"List people."`
	Link     userLinkCmd     `cmd:"" help:"Print a one-time link with which a person sets a new password."`
	Password userPasswordCmd `cmd:"" help:"Set a person's password, read from standard input; their sessions end."`
	Roles    userRolesCmd    `cmd:"" help:"Give a person other roles."`
	Disable  userDisableCmd  `cmd:"" help:"Bar a person at once: sessions and links end, keys stop."`
	Enable   userEnableCmd   `cmd:"" help:"Let a person in again."`
	Delete   userDeleteCmd   `cmd:"" help:"Delete a person, with keys; logs keep the reference."`
	Key      userKeyCmd      `cmd:"" help:"Make an API key that acts for a person; it is shown once."`
	Keys     userKeysCmd     `cmd:"" help:"List API keys."`
	Revoke   userRevokeCmd   `cmd:"" help:"Revoke an API key, for good."`
	Org      userOrgCmd      `cmd:"" help:"Add an organisation, or list them."`
	Log      userLogCmd      `cmd:"" help:"Print the access log: who looked at personal data, signed in, changed people."`
}

// people opens the configured state's people; shut closes it.
func people(e *env) (d *access.Desk, shut func(), err error) {
	st, err := openStore(e)
	if err != nil {
		return nil, nil, err
	}
	return access.New(st.Access(), access.Options{Clock: clock.Real{}, NewID: app.ULID(clock.Real{})}), func() { _ = st.Close() }, nil
}

// withPeople runs f over the configured state's people.
func withPeople(e *env, f func(*access.Desk) error) error {
	d, shut, err := people(e)
	if err != nil {
		return err
	}
	defer shut()
	return f(d)
}

// withPerson runs f for a person by login name.
func withPerson(e *env, login string, f func(*access.Desk, access.Account) error) error {
	return withPeople(e, func(d *access.Desk) error {
		a, err := d.PersonByLogin(e.ctx, login)
		if err != nil {
			return err
		}
		return f(d, a)
	})
}

// printLink prints where a one-time link leads.
func printLink(e *env, link string) error {
	cfg, err := config.Load(e.config, os.Environ())
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(cfg.BaseURL, "/")
	if base == "" {
		base = "http://" + cfg.Listen
	}
	fmt.Fprintf(e.out, "%s%s%s\n", base, access.WelcomePath, link)
	fmt.Fprintf(e.errs, "good once, for %d hours; whoever has it becomes this person\n", int(access.LinkLife/time.Hour))
	return nil
}

type userAddCmd struct {
	Login string   `arg:"" help:"Login name: letters, digits and . _ + @ -."`
	Name  string   `help:"Name, as shown."`
	Org   string   `help:"Organisation, by name (see 'user org')."`
	Role  []string `required:"" help:"Roles: admin, analyst, viewer, auditor, member, api, registrar."`
}

// Run adds a person.
func (u *userAddCmd) Run(e *env) error {
	return withPeople(e, func(d *access.Desk) error {
		roles, err := access.ParseRoles(strings.Join(u.Role, ","))
		if err != nil {
			return err
		}
		org, err := orgByName(e, d, u.Org)
		if err != nil {
			return err
		}
		a, err := d.AddPerson(e.ctx, access.Console, access.NewPerson{Login: u.Login, Name: u.Name, Org: org, Roles: roles})
		if err != nil {
			return err
		}
		link, err := d.Invite(e.ctx, access.Console, a.ID)
		if err != nil {
			return err
		}
		return printLink(e, link)
	})
}

// orgByName gives the id of an organisation.
func orgByName(e *env, d *access.Desk, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	all, err := d.Orgs(e.ctx)
	if err != nil {
		return "", err
	}
	for _, o := range all {
		if strings.EqualFold(o.Name, name) || o.ID == name {
			return o.ID, nil
		}
	}
	return "", problem.BadField("org", "there is no organisation %q: 'bailiwick user org NAME' adds it", name)
}

// personLine is a person as printed. The password's hash is not.
type personLine struct {
	ID       string        `json:"id"`
	Login    string        `json:"login"`
	Name     string        `json:"name"`
	Org      string        `json:"org,omitempty"`
	Roles    []access.Role `json:"roles"`
	Created  time.Time     `json:"created"`
	Waiting  bool          `json:"waiting,omitempty"` // has no password yet
	Disabled time.Time     `json:"disabled,omitzero"`
}

type userListCmd struct {
	JSON bool `help:"One JSON object per line."`
}

// Run lists people.
func (u *userListCmd) Run(e *env) error {
	return withPeople(e, func(d *access.Desk) error {
		all, err := d.People(e.ctx)
		if err != nil {
			return err
		}
		orgs, err := d.Orgs(e.ctx)
		if err != nil {
			return err
		}
		names := map[string]string{}
		for _, o := range orgs {
			names[o.ID] = o.Name
		}
		var lines []personLine
		for _, a := range all {
			lines = append(lines, personLine{ID: a.ID, Login: a.Login, Name: a.Name, Org: names[a.Org], Roles: a.Roles, Created: a.Created, Waiting: a.Password == "", Disabled: a.Disabled})
		}
		if u.JSON {
			return jsonLines(e.out, lines)
		}
		if len(lines) == 0 {
			fmt.Fprintln(e.out, "There is nobody yet: 'bailiwick serve' prints a link for the first administrator.")
			return nil
		}
		w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "LOGIN\tNAME\tROLES\tORGANISATION\tSTATE\tSINCE\tID")
		for _, l := range lines {
			state, since := "may sign in", l.Created
			switch {
			case !l.Disabled.IsZero():
				state, since = "disabled", l.Disabled
			case l.Waiting:
				state = "has no password yet"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Login, l.Name, words(l.Roles), dash(l.Org), state, stamp(since), l.ID)
		}
		return w.Flush()
	})
}

func words(roles []access.Role) string {
	var out []string
	for _, r := range roles {
		out = append(out, string(r))
	}
	return dash(strings.Join(out, " "))
}

type userLinkCmd struct {
	Login string `arg:"" help:"Login name."`
}

// Run prints a link.
func (u *userLinkCmd) Run(e *env) error {
	return withPerson(e, u.Login, func(d *access.Desk, a access.Account) error {
		link, err := d.Invite(e.ctx, access.Console, a.ID)
		if err != nil {
			return err
		}
		return printLink(e, link)
	})
}

type userPasswordCmd struct {
	Login string `arg:"" help:"Login name."`
}

// Run sets a password.
func (u *userPasswordCmd) Run(e *env) error {
	return withPerson(e, u.Login, func(d *access.Desk, a access.Account) error {
		password, err := readPassword(e, os.Stdin)
		if err != nil {
			return err
		}
		if err := d.SetPassword(e.ctx, access.Console, a.ID, password); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "the password of %s is set; sessions and links of before are over\n", a.Login)
		return nil
	})
}

// readPassword reads one line, unseen where it is typed. It is no argument: those
// are seen by every process of the machine and kept by shells.
func readPassword(e *env, in *os.File) (string, error) {
	if term.IsTerminal(int(in.Fd())) {
		fmt.Fprint(e.errs, "new password: ")
		b, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(e.errs)
		if err != nil {
			return "", problem.Wrap(err, problem.Invalid, "the password cannot be read")
		}
		return string(b), nil
	}
	line, err := bufio.NewReader(io.LimitReader(in, access.MaxPassword+2)).ReadString('\n')
	if err != nil && line == "" {
		return "", problem.BadField("password", "is expected on standard input")
	}
	return strings.TrimRight(line, "\r\n"), nil
}

type userRolesCmd struct {
	Login string   `arg:"" help:"Login name."`
	Role  []string `required:"" help:"All roles the person is to have."`
	Org   string   `help:"Move to this organisation too, by name."`
}

// Run sets roles.
func (u *userRolesCmd) Run(e *env) error {
	return withPerson(e, u.Login, func(d *access.Desk, a access.Account) error {
		roles, err := access.ParseRoles(strings.Join(u.Role, ","))
		if err != nil {
			return err
		}
		if u.Org != "" {
			org, err := orgByName(e, d, u.Org)
			if err != nil {
				return err
			}
			if err := d.SetOrg(e.ctx, access.Console, a.ID, org); err != nil {
				return err
			}
		}
		if err := d.SetRoles(e.ctx, access.Console, a.ID, roles); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s is now: %s\n", a.Login, words(roles))
		return nil
	})
}

type userDisableCmd struct {
	Login string `arg:"" help:"Login name."`
}

// Run disables.
func (u *userDisableCmd) Run(e *env) error {
	return withPerson(e, u.Login, func(d *access.Desk, a access.Account) error {
		if err := d.SetDisabled(e.ctx, access.Console, a.ID, true); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s is disabled\n", a.Login)
		return nil
	})
}

type userEnableCmd struct {
	Login string `arg:"" help:"Login name."`
}

// Run enables.
func (u *userEnableCmd) Run(e *env) error {
	return withPerson(e, u.Login, func(d *access.Desk, a access.Account) error {
		if err := d.SetDisabled(e.ctx, access.Console, a.ID, false); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s may sign in\n", a.Login)
		return nil
	})
}

type userDeleteCmd struct {
	Login string `arg:"" help:"Login name."`
}

// Run deletes.
func (u *userDeleteCmd) Run(e *env) error {
	return withPerson(e, u.Login, func(d *access.Desk, a access.Account) error {
		if err := d.Delete(e.ctx, access.Console, a.ID); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s is deleted; logs keep the reference person:%s\n", a.Login, a.ID)
		return nil
	})
}

type userKeyCmd struct {
	Login string   `arg:"" help:"Login name of the person it acts for."`
	Name  string   `required:"" help:"What it is for."`
	Role  []string `default:"api" help:"Roles of the key: some of the person's, or api."`
	Days  int      `default:"365" help:"How many days it is good for; 0: without end."`
}

// Run makes a key.
func (u *userKeyCmd) Run(e *env) error {
	return withPerson(e, u.Login, func(d *access.Desk, a access.Account) error {
		roles, err := access.ParseRoles(strings.Join(u.Role, ","))
		if err != nil {
			return err
		}
		if u.Days < 0 || u.Days > 36500 {
			return problem.BadField("days", "must be 0 to 36500")
		}
		var expires time.Time
		if u.Days > 0 {
			expires = clock.Real{}.Now().AddDate(0, 0, u.Days)
		}
		secret, k, err := d.NewKey(e.ctx, access.Console, a.ID, u.Name, roles, expires)
		if err != nil {
			return err
		}
		// The key alone on standard output, for scripts.
		fmt.Fprintln(e.out, secret)
		fmt.Fprintf(e.errs, "key %s for %s, roles %s, good until %s; it is not shown again\n", k.ID, a.Login, words(k.Roles), stamp(k.Expires))
		return nil
	})
}

// keyLine is a key as printed.
type keyLine struct {
	ID      string        `json:"id"`
	Name    string        `json:"name"`
	Owner   string        `json:"owner"` // login name
	Roles   []access.Role `json:"roles"`
	Created time.Time     `json:"created"`
	Expires time.Time     `json:"expires,omitzero"`
	Revoked time.Time     `json:"revoked,omitzero"`
	Used    time.Time     `json:"used,omitzero"`
}

type userKeysCmd struct {
	Login string `arg:"" optional:"" help:"Only keys that act for this person."`
	JSON  bool   `help:"One JSON object per line."`
}

// Run lists keys.
func (u *userKeysCmd) Run(e *env) error {
	return withPeople(e, func(d *access.Desk) error {
		owner := ""
		if u.Login != "" {
			a, err := d.PersonByLogin(e.ctx, u.Login)
			if err != nil {
				return err
			}
			owner = a.ID
		}
		all, err := d.Keys(e.ctx, owner)
		if err != nil {
			return err
		}
		everybody, err := d.People(e.ctx)
		if err != nil {
			return err
		}
		logins := map[string]string{}
		for _, a := range everybody {
			logins[a.ID] = a.Login
		}
		var lines []keyLine
		for _, k := range all {
			lines = append(lines, keyLine{ID: k.ID, Name: k.Name, Owner: logins[k.Owner], Roles: k.Roles, Created: k.Created, Expires: k.Expires, Revoked: k.Revoked, Used: k.Used})
		}
		if u.JSON {
			return jsonLines(e.out, lines)
		}
		if len(lines) == 0 {
			fmt.Fprintln(e.out, "There are no keys.")
			return nil
		}
		w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "KEY\tNAME\tFOR\tROLES\tMADE\tEXPIRES\tREVOKED\tLAST USED")
		for _, l := range lines {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.ID, l.Name, l.Owner, words(l.Roles), stamp(l.Created), stamp(l.Expires), stamp(l.Revoked), stamp(l.Used))
		}
		return w.Flush()
	})
}

type userRevokeCmd struct {
	Key string `arg:"" help:"The key's id (see 'user keys')."`
}

// Run revokes.
func (u *userRevokeCmd) Run(e *env) error {
	return withPeople(e, func(d *access.Desk) error {
		if err := d.RevokeKey(e.ctx, access.Console, u.Key); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "key %s is revoked\n", u.Key)
		return nil
	})
}

type userOrgCmd struct {
	Name string `arg:"" optional:"" help:"Name of an organisation to add; without it they are listed."`
}

// Run adds or lists organisations.
func (u *userOrgCmd) Run(e *env) error {
	return withPeople(e, func(d *access.Desk) error {
		if u.Name != "" {
			o, err := d.AddOrg(e.ctx, access.Console, u.Name)
			if err != nil {
				return err
			}
			fmt.Fprintf(e.out, "%s is added\n", o.Name)
			return nil
		}
		all, err := d.Orgs(e.ctx)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			fmt.Fprintln(e.out, "There are no organisations.")
		}
		for _, o := range all {
			fmt.Fprintf(e.out, "%s  %s\n", o.ID, o.Name)
		}
		return nil
	})
}

// entryLine is a line of the access log as printed.
type entryLine struct {
	ID      int64          `json:"id"`
	At      time.Time      `json:"at"`
	Actor   string         `json:"actor"`
	Act     access.Act     `json:"act"`
	Purpose access.Purpose `json:"purpose,omitempty"`
	Kind    access.Kind    `json:"kind"`
	Object  string         `json:"object,omitempty"`
	Detail  string         `json:"detail,omitempty"`
}

type userLogCmd struct {
	Who    string `help:"Only what this person did, by login name, or by reference (person:ID) for one who was deleted."`
	Object string `help:"Only what was done with this thing, by id."`
	Limit  int    `help:"How many lines, the latest first." default:"50"`
	JSON   bool   `help:"One JSON object per line."`
}

// Run prints the access log.
func (u *userLogCmd) Run(e *env) error {
	return withPeople(e, func(d *access.Desk) error {
		f := access.EntryFilter{Actor: u.Who, Object: u.Object, Limit: u.Limit}
		if u.Who != "" && u.Who != access.Console && !strings.HasPrefix(u.Who, "person:") {
			a, err := d.PersonByLogin(e.ctx, u.Who)
			if err != nil {
				return err
			}
			f.Actor = a.Person().Actor()
		}
		all, err := d.Entries(e.ctx, f)
		if err != nil {
			return err
		}
		enc := json.NewEncoder(e.out)
		for _, x := range all {
			if !u.JSON {
				fmt.Fprintf(e.out, "%s  %-32s %-10s %-14s %-12s %s  %s\n", stamp(x.At), x.Actor, x.Act, x.Purpose, x.Kind, x.Object, x.Detail)
				continue
			}
			if err := enc.Encode(entryLine(x)); err != nil {
				return err
			}
		}
		return nil
	})
}
