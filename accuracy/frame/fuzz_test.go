package frame

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"bailiwick/problem"
	"bailiwick/registration"
)

// hold reads a frame of hostile octets: nothing panics, what is given is fit to
// keep, and each error has a code that tells an outsider something.
func hold(t *testing.T, src Source, in []byte) {
	t.Helper()
	var sp spills
	src.Spill = sp.spill
	n, ended := 0, false
	for u, err := range Read(src, bytes.NewReader(in)) {
		if ended {
			t.Fatal("something comes behind what ended the reading")
		}
		if n++; n > 2*len(in)+10 {
			t.Fatal("more comes than was put in")
		}
		if err != nil {
			var e *problem.Error
			if !errors.As(err, &e) || e.Code == problem.Internal || e.Detail == "" || !utf8.ValidString(e.Detail) || len(e.Error()) > 1000 {
				t.Fatalf("%v", err)
			}
			ended = Fatal(err)
			continue
		}
		if u.ID == "" || len(u.Flaws) > MaxFlaws || u.Line < 0 {
			t.Fatalf("%+v", u)
		}
		for role, c := range u.Record.Contacts {
			for _, f := range registration.ContactFields() {
				if v := c.Field(f); !utf8.ValidString(v) || f != "street" && v != registration.CleanText(v) || len(v) > 16*(MaxValue+2) {
					t.Fatalf("%s.%s is %q", role, f, v)
				}
			}
		}
	}
	if sp.made != sp.closed {
		t.Fatalf("%d files are left", sp.made-sp.closed)
	}
}

func seed(f *testing.F, names ...string) {
	for _, n := range names {
		b, err := os.ReadFile("testdata/" + n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

func FuzzEscrowXML(f *testing.F) {
	seed(f, "escrow.xml")
	f.Add([]byte(deposit(3, []string{"A", "B"}, []int{4, 0, 1, 3, 2})))
	f.Fuzz(func(t *testing.T, in []byte) {
		hold(t, Source{Name: "f", Format: EscrowXML, Memory: 512}, in)
	})
}

// FuzzEscrowCSV reads hostile octets as a table of a sound XML part, and as the
// XML part.
func FuzzEscrowCSV(f *testing.F) {
	seed(f, "deposit/deposit.xml", "deposit/domains.csv", "deposit/links.csv", "deposit/contacts.csv", "deposit/addresses.csv")
	part, err := os.ReadFile("testdata/deposit/deposit.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		files := one(in)
		hold(t, Source{Name: "f", Format: EscrowCSV, Memory: 512, Files: files}, part)
		hold(t, Source{Name: "f", Format: EscrowCSV, Memory: 512, Files: files}, in)
	})
}

func FuzzEPP(f *testing.F) {
	seed(f, "epp.xml")
	f.Fuzz(func(t *testing.T, in []byte) { hold(t, Source{Name: "f", Format: EPP}, in) })
}

func FuzzTable(f *testing.F) {
	seed(f, "table.csv")
	m, err := os.ReadFile("testdata/table.yaml")
	if err != nil {
		f.Fatal(err)
	}
	table := mapping(f, string(m))
	bare := mapping(f, "header: false\ncolumns: {1: domain, 2: contacts.registrant.street, 3: contacts.registrant.street, 4: contacts.registrant.country, 5: created}")
	f.Fuzz(func(t *testing.T, in []byte) {
		hold(t, Source{Name: "f", Format: CSV, Mapping: table}, in)
		hold(t, Source{Name: "f", Format: CSV, Mapping: bare}, in)
	})
}

func FuzzNames(f *testing.F) {
	seed(f, "names.txt")
	f.Fuzz(func(t *testing.T, in []byte) {
		hold(t, Source{Name: "f", Format: Names}, in)
		Sniff(in, "f")
	})
}

// FuzzMapping: a mapping that is taken reads a table.
func FuzzMapping(f *testing.F) {
	seed(f, "table.yaml")
	f.Add([]byte("header: false\nseparator: tab\ndate: MM/DD/YYYY hh:mm\ncolumns: {1: domain, 2: created}"))
	f.Add([]byte("a: &a [*a]\n<<: b"))
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := LoadMapping(bytes.NewReader(in))
		if err != nil {
			if c := problem.CodeOf(err); c != problem.Invalid && c != problem.TooLarge {
				t.Fatalf("%s: %v", c, err)
			}
			return
		}
		hold(t, Source{Name: "f", Format: CSV, Mapping: &m}, []byte(strings.Join([]string{"a", "b", "c"}, string(m.Separator))+"\na.example\n"))
	})
}

// one is a file system in which every name is the same file.
type one []byte

func (o one) Open(string) (fs.File, error) { return &oneFile{Reader: *bytes.NewReader(o)}, nil }

type oneFile struct{ bytes.Reader }

func (*oneFile) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
func (*oneFile) Close() error               { return nil }
