package frame

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
)

// csvTable is a table that the XML part of a deposit describes (RFC 9022
// section 4.6.2).
type csvTable struct {
	ns    string
	name  string // "domain", "contactPostal" …
	sep   byte
	cols  []string // what the columns hold; "" what is not read
	lines []string // of the columns of a street: which line each is
	order []int    // the columns, those of a street by their lines
	files []csvFile
}

type csvFile struct {
	name, compression string
	sum, algorithm    string // its checksum, and how that is made
	line              int    // of the XML part
}

// Limits of the XML part of a deposit.
const (
	maxTables = 64
	maxParts  = 10_000 // files of a table
	// maxUnpacked bounds what a compressed file may become, in octets: some ten
	// times the largest zone's.
	maxUnpacked = 256 << 30
)

// contents reads the description of tables.
func (j *joiner) contents(ns string, nodes []node, open scopes) (out []*csvTable) {
	// Prefixes are mostly declared at the top of the file; here they may be, too.
	var own []attr
	for _, n := range nodes {
		for _, a := range n.attrs {
			if strings.HasPrefix(a.name, "xmlns") {
				own = append(own, a)
			}
		}
	}
	var t *csvTable
	for i := range nodes {
		n := &nodes[i]
		switch {
		case n.local == "csv":
			if len(out) == maxTables {
				j.stopAt(n.line, "over %d tables", maxTables)
				return nil
			}
			t = &csvTable{ns: ns, name: n.attr("name"), sep: ','}
			if s := n.attr("sep"); len(s) == 1 && s != `"` && s != "\n" && s != "\r" {
				t.sep = s[0]
			} else if s != "" {
				j.stopAt(n.line, "the separator %q is not one character", clip(s))
				return nil
			}
			out = append(out, t)
		case t == nil:
		case n.local == "file":
			if len(t.files) == maxParts {
				j.stopAt(n.line, "over %d files of one table", maxParts)
				return nil
			}
			if e := strings.ToLower(n.attr("encoding")); e != "" && e != "utf-8" && e != "us-ascii" {
				j.stopAt(n.line, "the encoding of %s is not UTF-8: convert it first", clip(n.text))
				return nil
			}
			t.files = append(t.files, csvFile{name: strings.TrimSpace(n.text), compression: strings.ToLower(n.attr("compression")), line: n.line,
				sum: strings.ToLower(strings.TrimSpace(n.attr("cksum"))), algorithm: cmp.Or(strings.ToUpper(strings.TrimSpace(n.attr("cksumAlg"))), "CRC32")})
		case n.parent > 0 && nodes[n.parent].local == "fields":
			if len(t.cols) == maxColumns {
				j.stopAt(n.line, "over %d columns", maxColumns)
				return nil
			}
			fieldNS, local := open.of(n.name, own)
			t.cols, t.lines = append(t.cols, column(fieldNS, local)), append(t.lines, n.attr("index"))
		}
	}
	for _, t := range out {
		t.arrange()
	}
	return out
}

// arrange puts the lines of a street in their order, which is that of the
// attribute "index" and not of the columns (RFC 9022 section 5.3.2.1.3).
func (t *csvTable) arrange() {
	t.order = make([]int, len(t.cols))
	for i := range t.order {
		t.order[i] = i
	}
	line := func(i int) string {
		if t.cols[i] == "fStreet" {
			return "line " + t.lines[i]
		}
		return ""
	}
	slices.SortStableFunc(t.order, func(a, b int) int { return cmp.Compare(line(a), line(b)) })
}

// column is what a column holds, by the name of its field; a name or handle is
// told apart by whose it is.
func column(ns, local string) string {
	switch local {
	case "fName":
		switch ns {
		case nsCSVDomain:
			return "domain"
		case nsCSVPerson:
			return "name"
		case nsCSVReg:
			return "registrar"
		case nsCSVHost:
			return "server"
		}
	case "fId":
		switch ns {
		case nsCSVPerson:
			return "handle"
		case nsCSVReg:
			return "id"
		}
	case "fStatus":
		return "status"
	case "fRgpStatus": // RFC 3915
		return "rgp"
	case "fRoid", "fRegistrant", "fClID", "fCrDate", "fUpDate", "fExDate", "fContactType", "fPostalType", "fVoice", "fVoiceExt", "fFax", "fFaxExt", "fEmail",
		"fOrg", "fStreet", "fCity", "fSp", "fPc", "fCc", "fGurid", "fUrl":
		return local
	}
	return ""
}

// tableFile reads a file of a table.
func (j *joiner) tableFile(t *csvTable, f csvFile) {
	if j.done || !t.needed() {
		return
	}
	refuse := func(format string, args ...any) {
		j.file = j.src.Name
		j.stop(problem.BadField(j.at(f.line, "file").String(), format, args...))
	}
	switch {
	case j.src.Files == nil:
		refuse("the XML part names %s, and the files beside it are not given", clip(f.name))
		return
	case !fs.ValidPath(f.name) || f.name == "." || path.Base(f.name) != f.name:
		refuse("%q is no name of a file beside the XML part", clip(f.name))
		return
	case f.compression != "" && f.compression != "gzip":
		refuse("the compression %q is not read: unpack %s first", clip(f.compression), clip(f.name))
		return
	}
	if st, err := fs.Stat(j.src.Files, f.name); err == nil && !st.Mode().IsRegular() {
		refuse("%s is no file", clip(f.name))
		return
	}
	in, err := j.src.Files.Open(f.name)
	if err != nil {
		refuse("%s cannot be opened", clip(f.name))
		return
	}
	defer in.Close()
	unpacked := io.LimitedReader{N: 1}
	j.file = clip(f.name)
	sum := checksum{want: f.sum, algorithm: f.algorithm}
	r := sum.over(in, 0)
	if f.compression == "gzip" {
		z, err := gzip.NewReader(r)
		if err != nil {
			j.stopAt(0, "is not compressed as the XML part says")
			return
		}
		unpacked = io.LimitedReader{R: z, N: maxUnpacked + 1}
		r = sum.over(&unpacked, 1)
	}
	rows := &rows{br: bufio.NewReaderSize(r, 64<<10), sep: t.sep}
	for !j.done {
		values, err := rows.next()
		var bad errRow
		switch {
		case err == io.EOF:
			if unpacked.N <= 0 {
				j.stopAt(rows.line, "the file unpacks to over %d octets", int64(maxUnpacked))
			} else if why := sum.wrong(); why != "" {
				j.bad(0, "", "%s", why)
			}
			return
		case errors.As(err, &bad) && bad.final:
			j.stopAt(rows.line, "%s", bad.why)
			return
		case errors.As(err, &bad):
			j.lostRow(t, rows.line, bad.why)
			continue
		case err != nil:
			j.ioError(err)
			return
		}
		if rows.line == 1 {
			values[0] = strings.TrimPrefix(values[0], "\ufeff")
		}
		if len(values) != len(t.cols) {
			j.lostRow(t, rows.line, "the row has another number of values than the XML part has fields")
			continue
		}
		if j.count() {
			j.ends[t.ns] = true
			t.row(j, values, rows.line)
		}
	}
}

// checksum follows the reading of a file whose checksum the XML part gives (RFC
// 9022 section 4.4).
type checksum struct {
	want, algorithm string
	// made are those of the file as it lies there and, where it is compressed,
	// of what it unpacks to: the RFC does not say which of the two is meant.
	made [2]hash.Hash
}

// over gives r, of which the i-th sum is made.
func (c *checksum) over(r io.Reader, i int) io.Reader {
	if c.want == "" {
		return r
	}
	switch c.algorithm {
	case "CRC32": // of V.42, which is that of Ethernet and zip
		c.made[i] = crc32.NewIEEE()
	case "SHA256", "SHA-256":
		c.made[i] = sha256.New()
	default:
		return r
	}
	return io.TeeReader(r, c.made[i])
}

// wrong says at the end of the file what is wrong; "" when nothing is.
func (c *checksum) wrong() string {
	if c.want == "" {
		return ""
	}
	if c.made[0] == nil {
		return "the XML part gives a checksum of a kind that is not known here (" + clip(c.algorithm) + "): the file was not held against it"
	}
	want := c.want
	if n := 2 * c.made[0].Size(); len(want) < n { // a number may be written without the zeros before it
		want = strings.Repeat("0", n-len(want)) + want
	}
	for _, h := range c.made {
		if h != nil && hex.EncodeToString(h.Sum(nil)) == want {
			return ""
		}
	}
	return "the file's checksum (" + c.algorithm + ") is not the one that the XML part gives: it may have been changed, cut off or mixed up since"
}

// needed says whether anything of the table is read.
func (t *csvTable) needed() bool {
	switch strings.ToLower(t.name) {
	case "domain", "domaincontacts", "domainstatuses", "domainnameservers", "domainnameserversaddresses", "contact", "contactpostal", "registrar":
		return true
	}
	return false
}

// lostRow tells of a row, which still counts against the header.
func (j *joiner) lostRow(t *csvTable, line int, why string) {
	switch strings.ToLower(t.name) {
	case "domain":
		j.names++
	case "contact":
		j.persons++
	}
	j.bad(line, t.name, "%s", why)
}

// row reads a row of a table.
func (t *csvTable) row(j *joiner, values []string, line int) {
	get := func(col string) string {
		for i, c := range t.cols {
			if c == col {
				return values[i]
			}
		}
		return ""
	}
	switch strings.ToLower(t.name) {
	case "registrar":
		j.know(identifier(get("id")), registration.Registrar{Name: registration.CleanText(get("registrar")), IANAID: identifier(get("fGurid")), URL: registration.CleanText(get("fUrl"))}, line)
	case "domain":
		j.names++
		h := holding{file: j.file, line: line, handle: identifier(get("fRoid")), registrar: identifier(get("fClID")), gurid: identifier(get("fGurid"))}
		h.created = h.date(get("fCrDate"), j.at(line, "fCrDate"))
		h.updated = h.date(get("fUpDate"), j.at(line, "fUpDate"))
		h.expires = h.date(get("fExDate"), j.at(line, "fExDate"))
		if d, ok := j.addName(get("domain"), &h, line); ok {
			j.addRef(d, identifier(get("fRegistrant")), 1)
		}
	case "domaincontacts", "domainstatuses", "domainnameservers", "domainnameserversaddresses":
		d, err := name.Parse(get("domain"))
		if err != nil {
			j.bad(line, "fName", "%s", reason(err))
			return
		}
		switch strings.ToLower(t.name) {
		case "domaincontacts":
			bit := roleBit(get("fContactType"))
			if bit == 0 {
				j.bad(line, "fContactType", "is none of admin, tech, billing")
				return
			}
			j.addRef(d.String(), identifier(get("handle")), bit)
		case "domainstatuses":
			j.addWord(d.String(), kStatus, get("status"))
			j.addWord(d.String(), kStatus, get("rgp"))
		default:
			j.addWord(d.String(), kServer, get("server"))
		}
	case "contact", "contactpostal":
		kind := byte(kPerson)
		p := person{file: j.file, line: line}
		if t.name = strings.ToLower(t.name); t.name == "contact" {
			j.persons++
		} else if kind = kLocal; strings.EqualFold(get("fPostalType"), "int") {
			kind = kIntl
		}
		handle := identifier(get("handle"))
		if handle == "" {
			j.bad(line, "fId", "the contact has no handle, or one of over %d octets", maxHandle)
			return
		}
		for _, i := range t.order {
			switch c := t.cols[i]; c {
			case "name", "fOrg", "fStreet", "fCity", "fSp", "fPc", "fCc":
				p.put(postalColumn(c), values[i], false)
			case "fVoice":
				p.put("phone", withExtension(values[i], get("fVoiceExt"), "phone"), false)
			case "fFax":
				p.put("fax", withExtension(values[i], get("fFaxExt"), "fax"), false)
			case "fEmail":
				p.put("email", values[i], false)
			}
		}
		p.c.Handle = handle
		j.addPerson(handle, kind, &p)
	}
}

func postalColumn(c string) string {
	switch c {
	case "name":
		return "name"
	case "fOrg":
		return "organization"
	case "fStreet":
		return "street"
	case "fCity":
		return "city"
	case "fSp":
		return "region"
	case "fPc":
		return "postal_code"
	}
	return "country"
}

// addWord takes a status or a name server of a name.
func (j *joiner) addWord(domain string, kind byte, word string) {
	if word = identifierLong(word); word == "" {
		return
	}
	j.value = putText(append(j.value[:0], kind), word)
	if err := j.byName.add(domain+partRest, j.value); err != nil {
		j.failed(err)
	}
}
