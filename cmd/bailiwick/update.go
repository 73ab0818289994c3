package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"bailiwick/app"
	"bailiwick/config"
	"bailiwick/problem"
	"bailiwick/registration/bootstrap"

	"github.com/go-json-experiment/json"
)

type updateCmd struct {
	Show bool   `help:"Print which files are in use, and their dates. Nothing is fetched."`
	From string `help:"Folder of a web server to fetch from: a mirror of IANA's. An address in it may be one in your own network." default:"https://data.iana.org/rdap/" placeholder:"URL"`
	Into string `help:"Folder to keep the files in; files.rdap of the configuration if empty." placeholder:"DIR"`
	JSON bool   `name:"json" help:"One JSON object per file."`
}

// Run refreshes IANA's RDAP bootstrap files, each only by one that is whole and
// right.
func (u *updateCmd) Run(e *env) error {
	cfg, err := config.Load(e.config, os.Environ())
	if err != nil {
		return err
	}
	folder := cfg.Files.RDAP
	if u.Into != "" {
		folder = u.Into
	}
	var files []app.BootstrapFile
	if u.Show {
		files, err = app.BootstrapInUse(folder, e.log)
	} else {
		files, err = app.UpdateBootstrap(e.ctx, folder, u.From, app.World{}, cfg.Network.UserAgent, e.log)
	}
	kept := 0
	for _, f := range files {
		if f.Kept != "" {
			kept++
		}
		if u.JSON {
			b, merr := json.Marshal(f)
			if merr != nil {
				return merr
			}
			fmt.Fprintf(e.out, "%s\n", b)
			continue
		}
		printBootstrapFile(e.out, f, u.Show)
	}
	if err == nil && kept > 0 {
		err = problem.New(problem.Unavailable, "%d of %d files were not updated; those in use stay", kept, len(files))
	}
	return err
}

// printBootstrapFile prints a file as a person reads it.
func printBootstrapFile(w io.Writer, f app.BootstrapFile, show bool) {
	day := func(t time.Time) string {
		if t.IsZero() {
			return "at a time it does not say"
		}
		return t.UTC().Format(time.DateOnly)
	}
	from := "shipped with the program"
	if f.Path != "" {
		from = f.Path
	}
	fmt.Fprintf(w, "%-12s published %s, %d entries, %s", f.Name, day(f.Published), f.Entries, from)
	switch {
	case f.Kept != "":
		fmt.Fprintf(w, "\n%-12s kept: %s\n", "", f.Kept)
	case show && f.Path == "":
		fmt.Fprintf(w, ", from %s\n", f.Source)
	case show && f.Fetched.IsZero():
		fmt.Fprint(w, ", put there by hand\n")
	case show:
		fmt.Fprintf(w, ", fetched %s from %s\n", day(f.Fetched), f.Source)
	case f.Changed == nil:
		fmt.Fprint(w, ", not changed\n")
	default:
		fmt.Fprintf(w, ", from %s\n%-12s in place of the one published %s: %s\n", f.Source, "", day(f.Was), changes(*f.Changed))
	}
}

// changes says what an update changed.
func changes(c bootstrap.Change) string {
	var parts []string
	for _, x := range []struct {
		what    string
		entries []string
	}{{"added", c.Added}, {"removed", c.Removed}, {"moved to other servers", c.Moved}} {
		if n := len(x.entries); n > 0 {
			const most = 10
			list := strings.Join(x.entries[:min(n, most)], " ")
			if n > most {
				list += " …"
			}
			parts = append(parts, fmt.Sprintf("%d %s (%s)", n, x.what, list))
		}
	}
	if parts == nil {
		return "the same entries"
	}
	return strings.Join(parts, "; ")
}
