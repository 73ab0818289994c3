package frame

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"

	"go.yaml.in/yaml/v3"
)

// Mapping says what the columns of a table hold.
type Mapping struct {
	// Separator is the character between values: a comma when 0.
	Separator byte
	// NoHeader says that the first row holds values; columns are then named by
	// their number, from "1".
	NoHeader bool
	// Columns are the fields by the name of the column. Several columns of a
	// street are its lines, in the order of the table.
	Columns map[string]string
	// Constants are the values of fields that are the same in every row; those
	// of a contact where the row has something of it.
	Constants map[string]string
	// Nothing are words that stand for no value, such as NULL.
	Nothing []string
	// Date is the form of times as Go writes it; "" that of RFC 3339, and dates.
	Date string
}

// MaxMapping bounds the file of a mapping, in octets.
const MaxMapping = 256 << 10

// The fields of a record beside those of contacts.
var recordFields = []string{"domain", "handle", "registrar", "registrar_name", "registrar_iana_id", "created", "updated", "expires", "statuses", "nameservers"}

// isField says whether a mapping may name a field.
func isField(f string) bool {
	if slices.Contains(recordFields, f) {
		return true
	}
	role, field, ok := strings.Cut(strings.TrimPrefix(f, "contacts."), ".")
	return ok && strings.HasPrefix(f, "contacts.") && slices.Contains(roles[:], role) && slices.Contains(registration.ContactFields(), field)
}

// LoadMapping reads the file of a mapping, in YAML:
//
//	separator: ";"
//	header: true
//	date: DD.MM.YYYY hh:mm:ss
//	nothing: ["NULL", "-"]
//	columns:
//	  Domain: domain
//	  Owner: contacts.registrant.name
//	constants:
//	  registrar: registrar-1
//
// The error names the line and the key.
func LoadMapping(in io.Reader) (Mapping, error) {
	m := Mapping{Separator: ',', Columns: map[string]string{}, Constants: map[string]string{}}
	raw, err := io.ReadAll(io.LimitReader(in, MaxMapping+1))
	if err != nil {
		return m, problem.Wrap(err, problem.Unavailable, "the mapping cannot be read")
	}
	if len(raw) > MaxMapping {
		return m, problem.New(problem.TooLarge, "the mapping is over %d octets", MaxMapping)
	}
	if !utf8.Valid(raw) {
		return m, problem.New(problem.Invalid, "the mapping is not valid UTF-8")
	}
	var root yaml.Node
	if err := yaml.Unmarshal(raw, &root); err != nil {
		return m, problem.New(problem.Invalid, "the mapping does not parse as YAML: %s", clip(strings.TrimPrefix(err.Error(), "yaml: ")))
	}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return m, problem.New(problem.Invalid, "the mapping is not a set of keys")
	}
	var e *problem.Error
	bad := func(n *yaml.Node, key, format string, args ...any) {
		if e == nil || len(e.Fields) < 20 {
			e = e.Add(fmt.Sprintf("line %d: %s", n.Line, clip(key)), format, args...)
		}
	}
	seen := map[string]bool{}
	for key, v := range pairsOf(root.Content[0]) {
		k := key.Value
		if seen[k] {
			bad(key, k, "stands here twice")
			continue
		}
		seen[k] = true
		word := v.Value
		if v.Kind != yaml.ScalarNode {
			word = ""
		}
		switch k {
		case "separator":
			if word == "tab" {
				word = "\t"
			}
			if len(word) != 1 || word[0] >= utf8.RuneSelf || strings.ContainsAny(word, "\"\r\n") {
				bad(v, k, "is one character such as , or ; or the word tab")
				continue
			}
			m.Separator = word[0]
		case "header":
			if word != "true" && word != "false" {
				bad(v, k, "is neither true nor false")
			}
			m.NoHeader = word == "false"
		case "date":
			layout, why := dateLayout(word)
			if m.Date = layout; why != "" {
				bad(v, k, "%s", why)
			}
		case "nothing":
			if v.Kind != yaml.SequenceNode || len(v.Content) > 50 {
				bad(v, k, "is not a list of up to 50 words")
				continue
			}
			for _, w := range v.Content {
				if w.Kind != yaml.ScalarNode || len(w.Value) > maxField {
					bad(w, k, "holds what is no word")
					continue
				}
				m.Nothing = append(m.Nothing, w.Value)
			}
		case "columns", "constants":
			to := m.Columns
			if k == "constants" {
				to = m.Constants
			}
			if v.Kind != yaml.MappingNode || len(v.Content) > 2*maxColumns {
				bad(v, k, "is not a set of up to %d pairs", maxColumns)
				continue
			}
			for a, b := range pairsOf(v) {
				field := b.Value
				if k == "constants" {
					field = a.Value
				}
				switch _, twice := to[a.Value]; {
				case a.Kind != yaml.ScalarNode || b.Kind != yaml.ScalarNode:
					bad(a, k, "holds what is no pair of words")
				case twice:
					bad(a, k+"."+a.Value, "stands here twice")
				case !isField(field):
					bad(b, k+"."+a.Value, "%q is no field: one of %s, or contacts.ROLE.FIELD", clip(field), strings.Join(recordFields, ", "))
				case len(b.Value) > MaxValue:
					bad(b, k+"."+a.Value, "is over %d octets", MaxValue)
				case k == "constants" && field == "domain":
					bad(b, k+"."+a.Value, "every row has its own")
				default:
					to[a.Value] = b.Value
				}
			}
		default:
			bad(key, k, "is not a key that is known here: separator, header, date, nothing, columns, constants")
		}
	}
	// One field once, but for the lines of a street.
	from := map[string]string{}
	id := false
	for _, c := range slices.Sorted(maps.Keys(m.Columns)) {
		f := m.Columns[c]
		id = id || f == "domain" || f == "contacts.registrant.handle"
		if _, both := m.Constants[f]; both {
			bad(root.Content[0], "constants."+f, "is a column, too")
		}
		if o, twice := from[f]; twice && !strings.HasSuffix(f, ".street") {
			bad(root.Content[0], "columns."+c, "%s is the column %q, too", f, clip(o))
		}
		from[f] = c
	}
	if e == nil && !id {
		bad(root.Content[0], "columns", "no column is the domain; in a table of contacts alone, none is contacts.registrant.handle")
	}
	return m, e.OrNil()
}

func pairsOf(n *yaml.Node) func(func(k, v *yaml.Node) bool) {
	return func(yield func(k, v *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// dateLayout makes a layout of Go from words such as DD.MM.YYYY hh:mm:ss.
func dateLayout(s string) (layout, why string) {
	if s == "" || len(s) > maxField {
		return "", "is not a form such as YYYY-MM-DD, DD.MM.YYYY hh:mm:ss, or MM/DD/YYYY"
	}
	tokens := []string{"YYYY", "2006", "MM", "01", "DD", "02", "hh", "15", "mm", "04", "ss", "05", "ZZ", "Z07:00"}
	rest := s
	for i := 0; i < len(tokens); i += 2 {
		rest = strings.ReplaceAll(rest, tokens[i], "")
	}
	layout = strings.NewReplacer(tokens...).Replace(s)
	switch {
	case strings.Trim(rest, " .-/:,T") != "":
		return "", "holds more than YYYY, MM, DD, hh, mm, ss, ZZ (a zone) and what stands between them"
	case !strings.Contains(layout, "2006") || !strings.Contains(layout, "01") || !strings.Contains(layout, "02"):
		return "", "has no YYYY, MM and DD"
	}
	probe := time.Date(2019, time.November, 23, 21, 47, 38, 0, time.UTC)
	if t, err := time.Parse(layout, probe.Format(layout)); err != nil || t.Format(time.DateOnly) != "2019-11-23" {
		return "", "is not a form such as YYYY-MM-DD, DD.MM.YYYY hh:mm:ss, or MM/DD/YYYY"
	}
	return layout, ""
}

// date reads a time of a table.
func (m *Mapping) date(s string) (registration.Date, bool) {
	if m.Date == "" {
		return readDate(s)
	}
	if len(s) > maxField {
		return registration.Date{}, false
	}
	t, err := time.Parse(m.Date, s)
	return registration.Date{Time: t.UTC(), DayOnly: !strings.Contains(m.Date, "15")}, err == nil && likely(t)
}

// table reads a table with a mapping, as it stands.
func (r *reader) table(in io.Reader, m *Mapping) {
	sep := m.Separator
	if sep == 0 {
		sep = ','
	}
	rows := &rows{br: bufio.NewReaderSize(in, 64<<10), sep: sep}
	memory := r.src.Memory
	if memory == 0 {
		memory = DefaultMemory
	}
	r.given = newSeen(memory)
	constants := slices.Sorted(maps.Keys(m.Constants))
	var fields, columns []string
	for first := true; !r.done; first = false {
		values, err := rows.next()
		var bad errRow
		switch {
		case err == io.EOF:
			if fields == nil {
				r.stopAt(0, "the table is empty")
			}
			return
		case errors.As(err, &bad):
			if bad.final || fields == nil && !m.NoHeader {
				r.stopAt(rows.line, "%s", bad.why)
				return
			}
			if r.count() {
				r.bad(rows.line, "", "%s", bad.why)
			}
			continue
		case err != nil:
			r.ioError(err)
			return
		}
		if first {
			values[0] = strings.TrimPrefix(values[0], "\ufeff")
			columns, fields = r.header(m, values, rows.line)
			if r.done {
				return
			}
			if !m.NoHeader {
				continue
			}
		}
		if !r.count() {
			return
		}
		if len(values) != len(fields) {
			r.bad(rows.line, "", "the row has %d values, and the table %d columns", len(values), len(fields))
			continue
		}
		r.row(m, constants, columns, fields, values, rows.line)
	}
}

// header finds the field of each column.
func (r *reader) header(m *Mapping, values []string, line int) (columns, fields []string) {
	fields, columns = make([]string, len(values)), make([]string, len(values))
	left := map[string]bool{}
	for c := range m.Columns {
		left[c] = true
	}
	for i, v := range values {
		c := strings.TrimSpace(v)
		if m.NoHeader {
			c = fmt.Sprint(i + 1)
		}
		f, known := m.Columns[c]
		if known && !left[c] {
			r.stopAt(line, "the column %q stands in the table twice", clip(c))
			return
		}
		delete(left, c)
		fields[i], columns[i] = f, c
	}
	if len(left) > 0 {
		var gone []string
		for c := range left {
			gone = append(gone, clip(c))
		}
		slices.Sort(gone)
		r.stopAt(line, "the table has no column %q", strings.Join(gone[:min(len(gone), 5)], ", "))
	}
	return columns, fields
}

// row reads a row of a table.
func (r *reader) row(m *Mapping, constants, columns, fields, values []string, line int) {
	u := Unit{Line: line, Record: registration.Record{State: registration.Registered}}
	var fl flaws
	people := map[string]*person{}
	set := func(field, column, v string) bool {
		v = strings.TrimSpace(v)
		if v == "" || field == "" || slices.Contains(m.Nothing, v) {
			return true
		}
		if rest, ok := strings.CutPrefix(field, "contacts."); ok {
			role, f, _ := strings.Cut(rest, ".")
			p := people[role]
			if p == nil {
				p = &person{}
				people[role] = p
			}
			p.file, p.line = r.file, line
			p.put(f, v, false)
			return true
		}
		rec := &u.Record
		switch at := r.at(line, column); field {
		case "domain":
			d, err := name.Parse(v)
			if err != nil {
				r.bad(line, column, "%s", reason(err))
				return false
			}
			u.ID, rec.Domain = d.String(), d.String()
		case "created", "updated", "expires":
			d, ok := m.date(v)
			if !ok {
				fl.add(at, "is no time of the form that the mapping says")
				setState(rec, field, registration.Unparsed)
				return true
			}
			switch field {
			case "created":
				rec.Created, u.Created = d, d.Time
			case "updated":
				rec.Updated = d
			default:
				rec.Expires = d
			}
		case "statuses", "nameservers":
			words := strings.FieldsFunc(v, func(c rune) bool { return c == ' ' || c == ',' || c == ';' || c == '|' })
			if len(words) > maxList {
				fl.add(at, "has over 128 words")
				words = words[:maxList]
			}
			for i, w := range words {
				words[i] = identifierLong(w)
			}
			if field == "statuses" {
				rec.Statuses = words
			} else {
				rec.Nameservers = words
			}
		default:
			v, _ = fl.clean(at, v, false)
			switch field {
			case "handle":
				rec.Handle = identifier(v)
			case "registrar":
				u.Registrar = identifier(v)
			case "registrar_name":
				rec.Registrar.Name = v
			case "registrar_iana_id":
				rec.Registrar.IANAID = identifier(v)
			}
		}
		return true
	}
	for i, f := range fields {
		if !set(f, columns[i], values[i]) {
			return
		}
	}
	for _, f := range constants {
		// What is said of every contact makes none where the row has none.
		if rest, ok := strings.CutPrefix(f, "contacts."); ok {
			if role, _, _ := strings.Cut(rest, "."); people[role] == nil {
				continue
			}
		}
		set(f, f, m.Constants[f])
	}
	for i, role := range roles {
		if p := people[role]; p != nil {
			p.into(&u.Record, role)
			fl.list = append(fl.list, p.list...)
			if i == 0 && u.ID == "" {
				u.ID = identifier(p.c.Handle)
			}
		}
	}
	if u.ID == "" {
		r.bad(line, "", "the row has neither a domain nor the handle of a contact")
		return
	}
	switch rec := &u.Record; {
	case u.Registrar == "":
		u.Registrar = rec.Registrar.Name
		if u.Registrar == "" {
			u.Registrar = rec.Registrar.IANAID
		}
	case rec.Registrar.Name == "":
		rec.Registrar.Name = u.Registrar
	}
	if told := r.given.full; r.given.add(u.ID) {
		r.bad(line, "", "%s stands here again: the first row counts", clip(u.ID))
		return
	} else if r.given.full && !told {
		r.bad(line, "", "over %d names: from here on one that stands here again is not noticed, and counts again", r.given.n)
	}
	u.Flaws = problems(fl.list)
	r.give(u)
}
