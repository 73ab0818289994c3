// Command gen makes the contact list that the program ships of the two tables
// of the digging-dns project, ICANN's list of gTLD contracts and IANA's list of
// delegated TLDs. It drops columns and joins names; it judges nothing. What is
// no address is told apart by package party when the list is read, so that a
// newer copy is judged by the same rules.
//
//	go run ./party/data/gen -contacts DIR -iana DIR -out party/data
package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func main() {
	contacts := flag.String("contacts", "", "folder with registrars.json and registries.json")
	iana := flag.String("iana", "", "folder with icann-gtlds.json and tlds-alpha-by-domain.txt")
	out := flag.String("out", "party/data", "folder to write")
	flag.Parse()
	files, err := generate(os.DirFS(*contacts), os.DirFS(*iana))
	for name, b := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(*out, name), b, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// row is a row of either table: the columns that are kept.
type row struct {
	IANAID int    `json:"iana_id"`
	TLD    string `json:"tld"`
	Name   texts  `json:"name"`
	Link   texts  `json:"link"`
	Email  texts  `json:"email"`
	Form   texts  `json:"form"`
	API    texts  `json:"api"`
	Notes  texts  `json:"notes"`
	AsOf   string `json:"as_of"`
}

// texts is a text, several, or none.
type texts []string

// UnmarshalJSON reads a string, an array of strings or null.
func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		if one != "" { // null reads as ""
			*t = texts{one}
		}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

func (t texts) cell() string { return strings.Join(t, "\n") }

// generate gives the files to write by name.
func generate(contacts, iana fs.FS) (map[string][]byte, error) {
	registrars, err := rows(contacts, "registrars.json")
	if err != nil {
		return nil, err
	}
	registries, err := rows(contacts, "registries.json")
	if err != nil {
		return nil, err
	}
	delegated, version, err := tlds(iana)
	if err != nil {
		return nil, err
	}
	operators, updated, err := contracts(iana)
	if err != nil {
		return nil, err
	}

	var a table
	a.head("Abuse contacts of registrars, from the digging-dns project; see README.md and LICENSE-digging-dns.", "iana_id", "name", "site", "email", "form", "api", "notes", "as_of")
	slices.SortStableFunc(registrars, func(a, b row) int { return a.IANAID - b.IANAID })
	for _, r := range registrars {
		a.row(strconv.Itoa(r.IANAID), r.Name.cell(), r.Link.cell(), r.Email.cell(), r.Form.cell(), r.API.cell(), r.Notes.cell(), r.AsOf)
	}

	// The operator as ICANN names it stands where the table has none of its
	// own. A TLD that has a contract, is delegated and is not in the table gets
	// a row without a contact: that none is known is worth knowing.
	var b table
	b.head(fmt.Sprintf("Abuse contacts of registries, from the digging-dns project; see README.md and LICENSE-digging-dns. Operators of gTLDs from ICANN's list of %s; \"delegated\" by IANA's list %s.", updated, version),
		"tld", "operator", "name", "delegated", "site", "email", "form", "api", "notes", "as_of")
	listed := map[string]bool{}
	for i, r := range registries {
		r.TLD = strings.ToLower(strings.Trim(r.TLD, ". "))
		registries[i] = r
		listed[r.TLD] = true
	}
	for tld := range operators {
		if delegated[tld] && !listed[tld] {
			registries = append(registries, row{TLD: tld})
		}
	}
	slices.SortStableFunc(registries, func(a, b row) int { return strings.Compare(a.TLD, b.TLD) })
	for _, r := range registries {
		is := "no"
		if delegated[r.TLD] {
			is = "yes"
		}
		b.row(r.TLD, operators[r.TLD], r.Name.cell(), is, r.Link.cell(), r.Email.cell(), r.Form.cell(), r.API.cell(), r.Notes.cell(), r.AsOf)
	}
	return map[string][]byte{"registrars.csv": a.bytes(), "registries.csv": b.bytes()}, nil
}

func rows(in fs.FS, name string) ([]row, error) {
	b, err := fs.ReadFile(in, name)
	if err != nil {
		return nil, err
	}
	var out []row
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

// tlds are the delegated TLDs and the version of the list.
func tlds(in fs.FS) (map[string]bool, string, error) {
	b, err := fs.ReadFile(in, "tlds-alpha-by-domain.txt")
	if err != nil {
		return nil, "", err
	}
	out, version := map[string]bool{}, ""
	for l := range strings.Lines(string(b)) {
		l = strings.ToLower(strings.TrimSpace(l))
		if v, ok := strings.CutPrefix(l, "# version "); ok {
			version, _, _ = strings.Cut(v, ",")
		} else if l != "" && !strings.HasPrefix(l, "#") {
			out[l] = true
		}
	}
	return out, version, nil
}

// contracts are the operators of gTLDs whose contract stands, and the date of
// the list.
func contracts(in fs.FS) (map[string]string, string, error) {
	b, err := fs.ReadFile(in, "icann-gtlds.json")
	if err != nil {
		return nil, "", err
	}
	var list struct {
		GTLDs []struct {
			TLD        string `json:"gTLD"`
			Operator   string `json:"registryOperator"`
			Terminated bool   `json:"contractTerminated"`
		} `json:"gTLDs"`
		Updated string `json:"updatedOn"`
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, "", fmt.Errorf("icann-gtlds.json: %w", err)
	}
	out := map[string]string{}
	for _, g := range list.GTLDs {
		if !g.Terminated {
			out[strings.ToLower(g.TLD)] = strings.TrimSpace(g.Operator)
		}
	}
	updated, _, _ := strings.Cut(list.Updated, "T")
	return out, updated, nil
}

// table is a CSV file with a comment on top.
type table struct{ buf bytes.Buffer }

func (t *table) head(comment string, columns ...string) {
	t.buf.WriteString("# " + comment + "\n")
	t.row(columns...)
}

func (t *table) row(cells ...string) {
	w := csv.NewWriter(&t.buf)
	_ = w.Write(cells) // to memory
	w.Flush()
}

func (t *table) bytes() []byte { return t.buf.Bytes() }
