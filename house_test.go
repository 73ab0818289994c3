// Package house holds the import table of ARCHITECTURE.md against the code.
package house

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floors are the floors of the house, from the ground up. A package may import
// packages of lower floors and those that its own entry allows; nothing else.
var floors = [][]string{
	{"abuse", "clock", "name", "problem", "rulebook", "stats", "text", "tlp"}, // leaves
	{"mail"},                               // a protocol, read: what formats on the next floor come in
	{"evidence", "registration", "report"}, // facts and claims, with their readers below them
	{"party", "judge", "casework", "accuracy", "verify", "trace", "detect", "predict", "effect", "exchange", "publish", "disclosure", "inaccuracy"},
	{"collect", "notify", "store", "job", "access"}, // adapters
	{"centre"},
	{"api", "web", "inbox"},
	{"config", "app"},
	{"cmd"},
}

// impure are the imports that no pure package has: clocks, networks, databases
// and logs of its own.
var impure = []string{"net", "net/http", "database/sql", "os", "log", "log/slog", "os/exec"}

// within are imports between packages of one floor, each with its reason.
var within = map[string][]string{
	"rulebook":   {"problem"},                       // errors
	"name":       {"problem"},                       // errors
	"report":     {"evidence"},                      // none today; a report's attachments are evidence of the reporter
	"judge":      {"party"},                         // a notice names the role that put it up
	"casework":   {"party"},                         // a subject and whom an obligation binds
	"disclosure": {"casework", "party"},             // the hashed log of a case; whom a request binds
	"verify":     {"casework"},                      // the hashed log of a case
	"inaccuracy": {"casework", "party", "accuracy"}, // the hashed log of a case; whom it asks; the findings and duties it rests on
	"notify":     {"collect"},                       // mail leaves through the address guard
	"app":        {"config"},
	"store":      {"access"}, // stores what access defines, as it does for the pure packages; access knows no database
}

func room(pkg string) string {
	p := strings.TrimPrefix(pkg, "bailiwick/")
	return strings.SplitN(p, "/", 2)[0]
}

func floor(room string) int {
	for i, f := range floors {
		if slices.Contains(f, room) {
			return i
		}
	}
	return -1
}

func TestImportsRunDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}|{{join .Imports ","}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), "|")
		if pkg == "bailiwick" || imports == "" {
			continue
		}
		from := room(pkg)
		seen++
		if from != "lab" && floor(from) < 0 {
			t.Errorf("%s is in no room of the house: give it one here and in ARCHITECTURE.md", pkg)
			continue
		}
		for imp := range strings.SplitSeq(imports, ",") {
			if !strings.HasPrefix(imp, "bailiwick/") {
				if floor(from) <= 3 && from != "lab" && slices.Contains(impure, imp) && !allowedImpure(pkg, imp) {
					t.Errorf("%s is pure, and imports %s", pkg, imp)
				}
				continue
			}
			to := room(imp)
			switch {
			case to == from:
			case from == "lab":
				// The world and the centre share no rules. A population streams
				// records as such; their form is no rule.
				if pkg == "bailiwick/lab/population" && to == "registration" {
					continue
				}
				if !slices.Contains([]string{"clock", "name", "abuse", "problem", "tlp"}, to) {
					t.Errorf("%s imports %s: the lab shares only the leaves with the centre", pkg, imp)
				}
			case to == "lab":
				if from != "cmd" {
					t.Errorf("%s imports the lab: only cmd does", pkg)
				}
			case to == "app" && from != "cmd":
				t.Errorf("%s imports app: only cmd does", pkg)
			case floor(to) < floor(from), slices.Contains(within[from], to):
			default:
				t.Errorf("%s imports %s, which is not below it", pkg, imp)
			}
		}
	}
	if seen < 10 {
		t.Fatalf("only %d packages were seen", seen)
	}
}

// allowedImpure lists the exceptions among the pure packages.
func allowedImpure(pkg, imp string) bool {
	switch pkg + " " + imp {
	case "bailiwick/problem net/http": // the one place where an error becomes an HTTP status
		return true
	}
	// Generators of tables are programs, not part of the product.
	return strings.HasSuffix(pkg, "/gen") || strings.Contains(pkg, "/internal/gen")
}
