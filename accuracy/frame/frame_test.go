package frame

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"bailiwick/problem"
	"bailiwick/registration"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func open(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mapping(t testing.TB, text string) *Mapping {
	t.Helper()
	m, err := LoadMapping(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return &m
}

// print puts what is read into lines that people can compare.
func print(t testing.TB, src Source, in []byte) string {
	t.Helper()
	var b strings.Builder
	for u, err := range Read(src, bytes.NewReader(in)) {
		if err != nil {
			var e *problem.Error
			if !errors.As(err, &e) {
				t.Fatalf("an error without a code: %v", err)
			}
			if Fatal(err) {
				b.WriteString("fatal ")
			}
			fmt.Fprintf(&b, "error %s\n", err)
			continue
		}
		rec, err := json.Marshal(u.Record)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s line %d registrar %q created %s\n  %s\n", u.ID, u.Line, u.Registrar, u.Created.Format("2006-01-02"), rec)
		if len(u.Missing) > 0 {
			fmt.Fprintf(&b, "  missing %s\n", strings.Join(u.Missing, " "))
		}
		for _, f := range u.Flaws {
			fmt.Fprintf(&b, "  flaw %s\n", f)
		}
	}
	return b.String()
}

// samples are one source of each format.
func samples(t testing.TB) map[string]struct {
	src Source
	in  []byte
} {
	type sample = struct {
		src Source
		in  []byte
	}
	return map[string]sample{
		"escrow.xml": {Source{Name: "escrow.xml", Format: EscrowXML}, open(t, "escrow.xml")},
		"deposit":    {Source{Name: "deposit.xml", Format: EscrowCSV, Files: os.DirFS("testdata/deposit")}, open(t, "deposit/deposit.xml")},
		"epp.xml":    {Source{Name: "epp.xml", Format: EPP}, open(t, "epp.xml")},
		"table.csv":  {Source{Name: "table.csv", Format: CSV, Mapping: mapping(t, string(open(t, "table.yaml")))}, open(t, "table.csv")},
		"names.txt":  {Source{Name: "names.txt", Format: Names}, open(t, "names.txt")},
	}
}

func TestGolden(t *testing.T) {
	for name, s := range samples(t) {
		got := print(t, s.src, s.in)
		file := filepath.Join("testdata", name+".golden.txt")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s reads as\n%s\nnot as in %s", name, got, file)
		}
		if f, ok := Sniff(s.in[:min(len(s.in), SniffSize)], s.src.Name); !ok || f != s.src.Format {
			t.Errorf("%s is taken for %q", name, f)
		}
	}
}

// memory is a file of a join in memory.
type memory struct {
	bytes.Reader
	b      []byte
	closed *int
}

func (m *memory) Write(p []byte) (int, error) { m.b = append(m.b, p...); return len(p), nil }
func (m *memory) Seek(off int64, whence int) (int64, error) {
	m.Reader.Reset(m.b)
	return m.Reader.Seek(off, whence)
}
func (m *memory) Close() error { *m.closed++; return nil }

// spills counts the files that were made and closed.
type spills struct{ made, closed int }

func (s *spills) spill() (File, error) {
	s.made++
	return &memory{closed: &s.closed}, nil
}

var _ io.ReadWriteSeeker = (*os.File)(nil)
var _ fs.FS = fstest.MapFS{}

// TestSpill: what is laid down reads as what stays in memory, and nothing is
// left.
func TestSpill(t *testing.T) {
	for _, name := range []string{"escrow.xml", "deposit", "epp.xml"} {
		s := samples(t)[name]
		want := print(t, s.src, s.in)
		var sp spills
		s.src.Memory, s.src.Spill = 128, sp.spill
		if got := print(t, s.src, s.in); got != want {
			t.Errorf("%s laid down reads as\n%s\nnot\n%s", name, got, want)
		}
		if sp.made < 5 || sp.made != sp.closed {
			t.Errorf("%s: %d files, %d closed", name, sp.made, sp.closed)
		}
		s.src.Spill = nil
		if got := print(t, s.src, s.in); !strings.Contains(got, "fatal error "+s.src.Name+": the frame is larger than the memory") {
			t.Errorf("%s without a place: %s", name, got)
		}
		s.src.Spill, s.src.MaxSpill = sp.spill, 300
		if got := print(t, s.src, s.in); !strings.Contains(got, "fatal error "+s.src.Name+": joining the frame lays down more than is allowed") {
			t.Errorf("%s over the bound: %s", name, got)
		}
		s.src.MaxSpill, s.src.Spill = 0, func() (File, error) { return nil, errors.New("disk full") }
		if got := print(t, s.src, s.in); !strings.Contains(got, "fatal error "+s.src.Name+": there is no place") {
			t.Errorf("%s without a disk: %s", name, got)
		}
		for range Read(s.src, bytes.NewReader(s.in)) {
			break
		}
	}
}

// deposit writes a deposit of names, in XML, with the contacts before, behind or
// between them.
func deposit(names int, handles []string, order []int) string {
	var parts []string
	for i := range names {
		h := handles[i%len(handles)]
		parts = append(parts, fmt.Sprintf("<d:domain><d:name>n%d.example</d:name><d:registrant>%s</d:registrant><d:contact type=\"tech\">%s</d:contact><d:clID>r%d</d:clID></d:domain>\n", i, h, handles[0], i%3))
	}
	for i, h := range handles {
		parts = append(parts, fmt.Sprintf("<c:contact><c:id>%s</c:id><c:postalInfo type=\"int\"><c:name>Person %d</c:name><c:addr><c:city>Lund</c:city><c:cc>SE</c:cc></c:addr></c:postalInfo><c:email>p%d@example.org</c:email></c:contact>\n", h, i, i))
	}
	var b strings.Builder
	b.WriteString(`<deposit xmlns="` + nsRDE + `" xmlns:d="` + nsRDEDomain + `" xmlns:c="` + nsRDEPerson + `" type="FULL"><contents>` + "\n")
	for _, i := range order {
		b.WriteString(parts[i])
	}
	b.WriteString("</contents></deposit>")
	return b.String()
}

// TestOrder: a deposit reads the same in whatever order its objects stand and
// however little memory there is: every name has its own contacts.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		names := rapid.IntRange(1, 40).Draw(r, "names")
		handles := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Z]{1,3}[0-9]{0,4}`), 1, 6, rapid.ID).Draw(r, "handles")
		var order []int
		for i := range names + len(handles) {
			order = append(order, i)
		}
		order = rapid.Permutation(order).Draw(r, "order")
		var sp spills
		src := Source{Name: "d.xml", Format: EscrowXML, Memory: rapid.IntRange(1, 4000).Draw(r, "memory"), Spill: sp.spill}
		seen, last := 0, ""
		for u, err := range Read(src, strings.NewReader(deposit(names, handles, order))) {
			if err != nil {
				r.Fatal(err)
			}
			var i int
			if _, err := fmt.Sscanf(u.ID, "n%d.example", &i); err != nil {
				r.Fatal(err)
			}
			h := handles[i%len(handles)]
			reg, tech := u.Record.Contacts[registration.Registrant], u.Record.Contacts[registration.Tech]
			if reg.Handle != h || reg.Name != fmt.Sprintf("Person %d", i%len(handles)) || tech.Handle != handles[0] || tech.Email != "p0@example.org" || u.Registrar != fmt.Sprintf("r%d", i%3) {
				r.Fatalf("%+v", u)
			}
			if u.ID <= last {
				r.Fatalf("%s comes after %s", u.ID, last)
			}
			seen, last = seen+1, u.ID
		}
		if seen != names || sp.made != sp.closed {
			r.Fatalf("%d of %d names, %d files of which %d are closed", seen, names, sp.made, sp.closed)
		}
	})
}

// TestManyRuns: with more files than are merged at once nothing is lost.
func TestManyRuns(t *testing.T) {
	var sp spills
	left := int64(1 << 30)
	s := sorter{budget: 64, spill: sp.spill, left: &left}
	const n = 2000
	for i := range n {
		if err := s.add(fmt.Sprintf("k%04d", i*7919%n), []byte(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	i := 0
	for p, err := range s.all() {
		if err != nil || string(p.key) != fmt.Sprintf("k%04d", i) {
			t.Fatalf("%d: %s %v", i, p.key, err)
		}
		i++
	}
	s.close()
	if i != n || sp.made <= maxRuns || sp.made != sp.closed {
		t.Errorf("%d pairs, %d files, %d closed", i, sp.made, sp.closed)
	}
}

// TestBad: what is wrong is told with file, line and field, and what can be read
// behind it is read.
func TestBad(t *testing.T) {
	const head = `<rde:deposit xmlns:rde="` + nsRDE + `" xmlns:d="` + nsRDEDomain + `" xmlns:c="` + nsRDEPerson + `" xmlns:h="` + nsHeader + `" type="FULL"><rde:contents>` + "\n"
	const tail = "<d:domain><d:name>good.example</d:name></d:domain></rde:contents></rde:deposit>"
	table := mapping(t, "columns: {d: domain, n: contacts.registrant.name, e: contacts.registrant.email}")
	big := strings.Repeat("x", MaxRow)
	for _, c := range []struct {
		name   string
		format Format
		in     string
		want   string
		good   int // units that are read
	}{
		{"nothing", EscrowXML, "", "fatal error f: holds no XML", 0},
		{"cut off", EscrowXML, head, "fatal error f:2: the file ends inside <rde:contents>", 0},
		{"cut off in an object", EscrowXML, head + "<d:domain><d:na", "fatal error f:2: the file ends inside <d:domain>, which begins on line 2", 0},
		{"a document type", EscrowXML, "<!DOCTYPE a [<!ENTITY b 'c'>]>" + head + tail, "fatal error f:1: a document type", 0},
		{"an entity", EscrowXML, head + "<d:domain><d:name>&boom;.example</d:name></d:domain>\n" + tail, "error f:2: d:name: a reference that XML does not have by itself", 1},
		{"another encoding", EscrowXML, `<?xml version="1.0" encoding="UTF-16"?>` + head + tail, "fatal error f:1: the encoding is not UTF-8", 0},
		{"differences only", EscrowXML, strings.Replace(head, "FULL", "DIFF", 1) + tail, `fatal error f:1: the deposit's type is "DIFF"`, 0},
		{"another count", EscrowXML, head + `<h:header><h:count uri="` + nsRDEDomain + `">3</h:count></h:header>` + tail, "fatal error f: the header says 3 names, and there are 1: the deposit is not whole", 1},
		{"a count of registrars, and of a part", EscrowXML, strings.Replace(head, "xmlns:h=", `xmlns:r="`+nsRDEReg+`" xmlns:h=`, 1) + `<h:header><h:count uri="` + nsRDEReg + `">1</h:count><h:count uri="` + nsRDEDomain + `">1</h:count><h:count uri="` + nsRDEDomain + `" registrarId="9991">0</h:count></h:header><r:registrar><r:id>r1</r:id><r:name>One</r:name></r:registrar>` + tail, `"domain":"good.example"`, 1},
		{"a name that does not end", EscrowXML, head + "<d:domain><d:name>a.example</d:name>\n" + tail, "error f:2: domain: does not end before the next begins", 1},
		{"tags that cross", EscrowXML, head + "<d:domain><d:name>a.example</d:clID></d:name></d:domain>\n" + tail, "error f:2: d:name: the end tag is not the one that is due", 1},
		{"an element's name that is no text", EscrowXML, head + "<d:domain><\xff\u202ed:x></y></d:domain>\n" + tail, "error f:2: �d:x: the end tag is not the one that is due", 1},
		{"a tag in a value", EscrowXML, head + "<d:domain><d:name>a <b</d:name></d:domain>\n" + tail, "error f:2: domain: a tag does not close before the next begins", 1},
		{"deep", EscrowXML, head + "<d:domain>" + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + "</d:domain>\n" + tail, "error f:2: a: has too many elements, or too deep ones", 1},
		{"many elements", EscrowXML, head + "<d:domain>" + strings.Repeat("<a/>", 5000) + "</d:domain>\n" + tail, "error f:2: d:domain: has too many elements", 1},
		{"nested without end", EscrowXML, strings.Repeat("<a>", 100), "fatal error f:1: elements are nested more than 32 deep", 0},
		{"a megabyte", EscrowXML, head + "<d:domain><d:name>" + big + "</d:name></d:domain>\n" + tail, "error f:2: domain: is over 1048576 octets", 1},
		{"a megabyte of CDATA", EscrowXML, head + "<d:domain><d:name><![CDATA[" + big + "]]></d:name></d:domain>\n" + tail, "error f:2: domain: ", 1},
		{"half a megabyte", EscrowXML, head + "<d:domain><d:name>a.example</d:name><d:registrant>x</d:registrant></d:domain><c:contact><c:id>x</c:id>\n<c:email>" + big[:1<<19] + "</c:email></c:contact>\n" + tail, "flaw f:3: email: has 524288 octets, of which 2048 are read", 2},
		{"a surrogate", EscrowXML, head + "<d:domain><d:name>a.example</d:name><d:registrant>x</d:registrant></d:domain><c:contact><c:id>x</c:id>\n<c:email>&#55357;</c:email></c:contact>\n" + tail, "flaw f:3: email: has octets or references that are no characters", 2},
		{"a thousand contacts", EscrowXML, head + "<d:domain><d:name>a.example</d:name>" + strings.Repeat(`<d:contact type="tech">x</d:contact>`, 1000) + "</d:domain>\n" + tail, "error f:2: contact: the name has over 128 contacts", 1},
		{"a contact that is not there, and one that is", EscrowXML, head + `<d:domain><d:name>a.example</d:name><d:contact type="tech">A</d:contact><d:contact type="tech">B</d:contact></d:domain><c:contact><c:id>B</c:id><c:email>b@example.org</c:email></c:contact>` + tail, `{"state":"registered","domain":"a.example","contacts":{"tech":{"handle":"B","email":"b@example.org"}}}`, 2},
		{"a handle without end", EscrowXML, head + "<c:contact><c:id>" + strings.Repeat("x", 300) + "</c:id></c:contact>\n" + tail, "error f:2: id: the contact has no handle, or one of over 255 octets", 1},
		{"a contact twice", EscrowXML, head + "<d:domain><d:name>a.example</d:name><d:registrant>x</d:registrant></d:domain><c:contact><c:id>x</c:id></c:contact>\n<c:contact><c:id>x</c:id></c:contact>" + tail, `error f:3: the contact stands here again`, 2},
		{"an end of nothing", EPP, "<a></b></a>", "fatal error f:1: </b> ends nothing that is open", 0},
		{"no separator", CSV, "d,n,e\na.example\nb.example,x,y\n", "error f:2: the row has 1 values, and the table 3 columns", 1},
		{"no column", CSV, "d,e\n", `fatal error f:1: the table has no column "n"`, 0},
		{"a column twice", CSV, "d,n,e,n\n", `fatal error f:1: the column "n" stands in the table twice`, 0},
		{"an empty table", CSV, "", "fatal error f: the table is empty", 0},
		{"a quote that does not close", CSV, "d,n,e\na.example,\"x,y\nb.example,x,y\nc.example,x,y\n", "error f:2: a quote does not close", 2},
		{"a quote in the wrong place", CSV, "d,n,e\na.example,\"x\ny\"z,y\nb.example,x,y\n", "error f:2: text follows on a closing quote", 1},
		{"a row of a megabyte", CSV, "d,n,e\na.example,x," + big + "\nb.example,x,y\n", "error f:2: is over 1048576 octets", 1},
		{"a quoted megabyte", CSV, "d,n,e\na.example,x,\"" + big + "\"\nb.example,x,y\n", "error f:2: is over 1048576 octets, or a quote does not close", 1},
		{"a surrogate in octets", CSV, "d,n,e\na.example,\xed\xa0\x80,y\n", "flaw f:2: name: has octets or references that are no characters", 1},
		{"many columns", CSV, strings.Repeat(",", 2000) + "\n", "fatal error f:1: has over 1024 values", 0},
		{"a long line", Names, strings.Repeat("x", 5000) + ".example\nb.example\n", "error f:1: domain: is over 1024 octets", 1},
		{"an address", Names, "192.0.2.1\nb.example", "error f:1: domain: is an address", 1},
		{"no format", "pdf", "a", `fatal error format: "pdf" is none of escrow-xml`, 0},
	} {
		got := print(t, Source{Name: "f", Format: c.format, Mapping: table}, []byte(c.in))
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %q is not told in\n%.2000s", c.name, c.want, got)
		}
		if !strings.Contains(c.want, "error") && !strings.Contains(c.want, "flaw") && strings.Contains(got, "error") {
			t.Errorf("%s: an error where there is none:\n%.2000s", c.name, got)
		}
		if n := strings.Count(got, "\n  {"); n != c.good {
			t.Errorf("%s: %d units are read, not %d:\n%.2000s", c.name, n, c.good, got)
		}
		if len(got) > 20_000 {
			t.Errorf("%s: the output has %d octets", c.name, len(got))
		}
	}
}

// TestParts: what the XML part of a deposit says of files.
func TestParts(t *testing.T) {
	part := func(file string) string {
		return `<rde:deposit xmlns:rde="` + nsRDE + `" xmlns:r="urn:ietf:params:xml:ns:rdeCsv-1.0" xmlns:d="` + nsCSVDomain + `" type="FULL"><d:contents><r:csv name="domain" sep="|"><r:fields><d:fName/><r:fClID/></r:fields><r:files>` + file + `</r:files></r:csv></d:contents></rde:deposit>`
	}
	var zipped bytes.Buffer
	zipped.WriteString("\x1f\x8b") // a beginning only
	files := fstest.MapFS{"a.csv": {Data: []byte("a.example|r1\n")}, "b.csv.gz": {Data: zipped.Bytes()}, "folder/c.csv": {}}
	for _, c := range []struct{ file, want string }{
		{"<r:file>a.csv</r:file>", `a.example line 1 registrar "r1"`},
		{"<r:file>../a.csv</r:file>", `fatal error f:1: file: "../a.csv" is no name of a file beside the XML part`},
		{"<r:file>/etc/passwd</r:file>", "is no name of a file beside the XML part"},
		{"<r:file>x/a.csv</r:file>", "is no name of a file beside the XML part"},
		{"<r:file>folder</r:file>", "folder is no file"},
		{"<r:file>gone.csv</r:file>", "fatal error f:1: file: gone.csv cannot be opened"},
		{`<r:file compression="rar">a.csv</r:file>`, `the compression "rar" is not read`},
		{`<r:file compression="gzip">b.csv.gz</r:file>`, "is not compressed as the XML part says"},
		{`<r:file encoding="UTF-16">a.csv</r:file>`, "the encoding of a.csv is not UTF-8"},
	} {
		if got := print(t, Source{Name: "f", Format: EscrowCSV, Files: files}, []byte(part(c.file))); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q is not told in %s", c.file, c.want, got)
		}
	}
	if got := print(t, Source{Name: "f", Format: EscrowCSV}, []byte(part("<r:file>a.csv</r:file>"))); !strings.Contains(got, "the files beside it are not given") {
		t.Error(got)
	}
}

// TestQuotes: however quotes go wrong, the reader is not kept busy, and what is
// a row by itself is read.
func TestQuotes(t *testing.T) {
	for _, c := range []struct {
		name, in   string
		again      int64
		good, lost int
		final      bool
	}{
		{"each line opens a quote", strings.Repeat("\"a\n", 1000), 0, 0, 1000, false},
		{"one that never closes", "\"b\n" + strings.Repeat("aaaaaaaaa\n", 200_000), 0, 200_000, 1, false},
		{"a long line before", "\"" + strings.Repeat("b", 200_000) + "\n\"c\"\na\n", 0, 2, 1, false},
		{"many that never close", strings.Repeat("\""+strings.Repeat(strings.Repeat("x", 8000)+"\n", 50)+"\"\"", 6), maxAgain - 1<<20, 0, 0, true},
	} {
		rows := &rows{br: bufio.NewReader(strings.NewReader(c.in)), sep: ',', again: c.again}
		good, lost, final := 0, 0, false
		for !final {
			_, err := rows.next()
			var bad errRow
			if err == io.EOF {
				break
			} else if errors.As(err, &bad) {
				lost++
				final = bad.final
			} else if good++; err != nil {
				t.Fatal(err)
			}
		}
		if final != c.final || !final && (good != c.good || lost != c.lost) {
			t.Errorf("%s: %d rows, %d lost, given up %v", c.name, good, lost, final)
		}
	}
}

func TestMappingErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "the mapping is not a set of keys"},
		{"- a", "the mapping is not a set of keys"},
		{"a: [", "the mapping does not parse as YAML"},
		{"\xff", "the mapping is not valid UTF-8"},
		{strings.Repeat("#", MaxMapping+1), "the mapping is over 262144 octets"},
		{"columns: {a: domain}\ncolour: red", "line 2: colour: is not a key that is known here"},
		{"columns: {a: domain}\ncolumns: {a: domain}", "line 2: columns: stands here twice"},
		{"columns: {a: domain, a: handle}", "line 1: columns.a: stands here twice"},
		{"columns: {a: contacts.owner.name}", `line 1: columns.a: "contacts.owner.name" is no field`},
		{"columns: {a: contacts.registrant.colour}", `"contacts.registrant.colour" is no field`},
		{"columns: {a: [b]}", "line 1: columns: holds what is no pair of words"},
		{"columns: {a: registrar}", "no column is the domain"},
		{"columns: {a: domain, b: domain}", `columns.b: domain is the column "a", too`},
		{"columns: {a: domain}\nconstants: {domain: a.example}", "line 2: constants.domain: every row has its own"},
		{"columns: {a: domain, b: registrar}\nconstants: {registrar: x}", "constants.registrar: is a column, too"},
		{"columns: {a: domain}\nseparator: ab", "line 2: separator: is one character"},
		{"columns: {a: domain}\nheader: maybe", "line 2: header: is neither true nor false"},
		{"columns: {a: domain}\ndate: YYYY", "line 2: date: has no YYYY, MM and DD"},
		{"columns: {a: domain}\ndate: YYYY MM DD 15", "line 2: date: holds more than YYYY, MM, DD"},
		{"columns: {a: domain}\nnothing: NULL", "line 2: nothing: is not a list"},
	} {
		_, err := LoadMapping(strings.NewReader(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: %v, not %q", c.in, err, c.want)
		}
	}
	if _, err := LoadMapping(strings.NewReader("header: false\nseparator: tab\ndate: MM/DD/YYYY hh:mm\ncolumns: {1: domain, 2: created}")); err != nil {
		t.Error(err)
	}
}

func TestSniff(t *testing.T) {
	for in, want := range map[string]Format{
		"":                                             "",
		"{\"state\":\"registered\"}":                   "",
		"[Domain Name] a.example":                      "",
		"<html><body>":                                 "",
		"Domain: a.example\nRegistrar: b":              "",
		"% a comment\ndomain: a.example":               "",
		"a.example\nb.example\n":                       Names,
		"# c\nmünchen.example":                         Names,
		"a.example,b\n":                                "",
		"a.example is not registered":                  "",
		"a.example\tNS\tns1.example\n":                 Names,
		"192.0.2.1\n":                                  "",
		"<epp xmlns='urn:ietf:params:xml:ns:epp-1.0'>": EPP,
	} {
		if got, ok := Sniff([]byte(in), "file"); got != want || ok != (want != "") {
			t.Errorf("%q is taken for %q", in, got)
		}
	}
	if f, _ := Sniff([]byte("a.example\n"), "x.CSV"); f != CSV {
		t.Errorf("a table is taken for %q", f)
	}
}

// TestModelsAgree: one name of the samples is the same in both models of a
// deposit and in EPP answers.
func TestModelsAgree(t *testing.T) {
	var first []byte
	for _, name := range []string{"escrow.xml", "deposit", "epp.xml"} {
		s := samples(t)[name]
		for u, err := range Read(s.src, bytes.NewReader(s.in)) {
			if err != nil || u.ID != "zebra.example" {
				continue
			}
			u.Record.Registrar, u.Line = registration.Registrar{}, 0
			b, err := json.Marshal(u)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = b
			} else if !bytes.Equal(first, b) {
				t.Errorf("%s has\n%s\nnot\n%s", name, b, first)
			}
		}
	}
	if first == nil {
		t.Error("the name is in none")
	}
}

// TestDocumented holds docs/accuracy.md against the formats, the fields, and the
// mapping that it shows.
func TestDocumented(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "accuracy.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, doc, ok := strings.Cut(string(raw), "\n## Frames: a registry's own data\n")
	if !ok {
		t.Fatal("docs/accuracy.md has no section on frames")
	}
	doc, _, _ = strings.Cut(doc, "\n## ")
	for _, f := range Formats() {
		if !strings.Contains(doc, "| `"+string(f)+"` | ") {
			t.Errorf("the format %s is not there", f)
		}
	}
	for _, f := range recordFields {
		if !strings.Contains(doc, "`"+f+"`") {
			t.Errorf("the field %s is not there", f)
		}
	}
	_, text, _ := strings.Cut(doc, "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	if m := mapping(t, text); len(m.Columns) != 7 || m.Separator != ';' {
		t.Errorf("%+v", m)
	}
}
