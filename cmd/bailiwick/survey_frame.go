package main

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bailiwick/accuracy"
	"bailiwick/accuracy/frame"
	"bailiwick/accuracy/survey"
	"bailiwick/centre"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/text"
)

// surveySource is how the frame of a survey is found again. It is kept with the
// survey until the names of its sample expire, and is in no report.
type surveySource struct {
	File    string       `json:"file"` // absolute
	Format  frame.Format `json:"format"`
	Mapping string       `json:"mapping,omitempty"` // absolute
	Facts   string       `json:"facts,omitempty"`   // absolute
	Policy  string       `json:"policy"`            // a profile's name, or an absolute path
	Scheme  frame.Scheme `json:"scheme"`
	Groups  []string     `json:"groups,omitempty"`
	Actor   string       `json:"actor,omitempty"`
	Purpose string       `json:"purpose,omitempty"`
}

// Bounds of what the digest of a frame of several files takes in.
const maxFrameFiles = 10_000

// surveyFrame is the frame of a source on disk.
type surveyFrame struct {
	surveySource
	suffixes *name.Suffixes
	mapping  *frame.Mapping
	facts    map[string]accuracy.Facts
}

// open reads the mapping, so that what is wrong with it is told first.
func (s surveySource) open(suffixes *name.Suffixes) (*surveyFrame, error) {
	f := &surveyFrame{surveySource: s, suffixes: suffixes}
	if s.Mapping != "" {
		in, err := os.Open(s.Mapping)
		if err != nil {
			return nil, problem.Wrap(err, problem.Invalid, "--mapping: %s cannot be opened", s.Mapping)
		}
		defer in.Close()
		m, err := frame.LoadMapping(in)
		if err != nil {
			return nil, problem.New(problem.CodeOf(err), "--mapping: %s: %s", s.Mapping, problem.DocumentOf(err).Detail)
		}
		f.mapping = &m
	}
	if s.Facts != "" {
		in, err := os.Open(s.Facts)
		if err != nil {
			return nil, problem.Wrap(err, problem.Invalid, "--facts: %s cannot be opened", s.Facts)
		}
		defer in.Close()
		if f.facts, err = accuracy.ReadFacts(in); err != nil {
			return nil, problem.New(problem.CodeOf(err), "--facts: %s: %s", s.Facts, problem.DocumentOf(err).Detail)
		}
	}
	if s.Format == frame.CSV && f.mapping == nil {
		return nil, problem.BadField("--mapping", "is missing: which columns of the table hold what?")
	}
	return f, nil
}

// kind is the kind of the frame.
func (f *surveyFrame) kind() survey.Kind {
	if f.Format == frame.Names {
		return survey.Public
	}
	return survey.Internal
}

// looked says whether the strata of a public frame are told by look-ups only.
func (f *surveyFrame) looked() bool {
	return f.kind() == survey.Public && slices.ContainsFunc(f.Scheme.By, func(k frame.Key) bool { return k != frame.ByClass })
}

// centre is the frame as the centre reads it.
func (f *surveyFrame) centre() centre.SurveyFrame {
	out := centre.SurveyFrame{Digest: f.digest, Read: f.read, Fatal: surveyFatal, Place: f.place, Looked: f.looked()}
	if f.facts != nil {
		out.Facts = func(id string) accuracy.Facts { return f.facts[id] }
	}
	return out
}

// digest is SHA-256 of the file, as sha256sum prints it. Of a frame of several
// files it is that of their digests, one a line, in hex: the frame's own, the
// mapping's, that of the facts, and those of the tables of a deposit by name.
func (f *surveyFrame) digest() (string, error) {
	files := []string{f.File}
	if f.Mapping != "" {
		files = append(files, f.Mapping)
	}
	if f.Facts != "" {
		files = append(files, f.Facts)
	}
	if f.Format == frame.EscrowCSV {
		dir := filepath.Dir(f.File)
		list, err := os.ReadDir(dir)
		if err != nil {
			return "", problem.Wrap(err, problem.Unavailable, "the folder of the frame cannot be read")
		}
		for _, e := range list {
			if p := filepath.Join(dir, e.Name()); e.Type().IsRegular() && !slices.Contains(files, p) {
				files = append(files, p)
			}
		}
		if len(files) > maxFrameFiles {
			return "", problem.New(problem.TooLarge, "the folder of the frame has over %d files", maxFrameFiles)
		}
	}
	var all strings.Builder
	for _, p := range files {
		sum, err := fileDigest(p)
		if err != nil {
			return "", err
		}
		if len(files) == 1 {
			return sum, nil
		}
		all.WriteString(sum + "\n")
	}
	sum := sha256.Sum256([]byte(all.String()))
	return hex.EncodeToString(sum[:]), nil
}

func fileDigest(path string) (string, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", problem.Wrap(err, problem.Invalid, "%s cannot be opened", path)
	}
	defer in.Close()
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return "", problem.Wrap(err, problem.Unavailable, "%s cannot be read to its end", path)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// units reads the frame as it stands in its files.
func (f *surveyFrame) units() iter.Seq2[frame.Unit, error] {
	return func(yield func(frame.Unit, error) bool) {
		in, err := os.Open(f.File)
		if err != nil {
			yield(frame.Unit{}, errUnopened{problem.Wrap(err, problem.Unavailable, "%s cannot be opened", f.File)})
			return
		}
		defer in.Close()
		src := frame.Source{Name: filepath.Base(f.File), Format: f.Format, Mapping: f.mapping, Spill: spillFile}
		if f.Format == frame.EscrowCSV {
			src.Files = os.DirFS(filepath.Dir(f.File))
		}
		for u, err := range frame.Read(src, bufio.NewReaderSize(in, 1<<20)) {
			if !yield(u, err) {
				return
			}
		}
	}
}

// errUnopened is that the frame's file is not there any more.
type errUnopened struct{ err *problem.Error }

func (e errUnopened) Error() string { return e.err.Error() }
func (e errUnopened) Unwrap() error { return e.err }

// read gives the units with what the frame says of their place.
func (f *surveyFrame) read() iter.Seq2[centre.SurveyUnit, error] {
	public, looked := f.kind() == survey.Public, f.looked()
	return func(yield func(centre.SurveyUnit, error) bool) {
		for u, err := range f.units() {
			out := centre.SurveyUnit{ID: u.ID, Record: u.Record}
			switch {
			case err != nil:
			case public:
				if d, bad := name.Parse(u.ID); bad != nil || f.suffixes.Split(d).Registered != d {
					err = problem.BadField(fmt.Sprintf("%s:%d: domain", filepath.Base(f.File), u.Line), "is no registered domain")
				} else if !looked {
					out.Stratum = f.stratum(u)
				}
			default:
				out.Stratum, out.Groups = f.stratum(u), f.groups(u)
			}
			if !yield(out, err) {
				return
			}
		}
	}
}

// place tells the place of a name that was looked up.
func (f *surveyFrame) place(id string, rec registration.Record) (string, map[string]string) {
	u := frame.Unit{ID: id, Registrar: cmp.Or(rec.Registrar.IANAID, rec.Registrar.Name), Record: rec}
	return f.stratum(u), f.groups(u)
}

func (f *surveyFrame) stratum(u frame.Unit) string {
	if len(f.Scheme.By) == 0 {
		return "all"
	}
	return frame.Strata(u, f.Scheme)
}

func (f *surveyFrame) groups(u frame.Unit) map[string]string {
	out := map[string]string{}
	for _, g := range f.Groups {
		switch g {
		case "registrar":
			if r := text.Line(cmp.Or(u.Record.Registrar.Name, u.Registrar), survey.MaxName); r != "" {
				out[g] = r
			}
		case "tld":
			if i := strings.LastIndexByte(u.ID, '.'); i >= 0 {
				out[g] = u.ID[i+1:]
			}
		case "region":
			out[g] = frame.Region(u.Record.Contacts[registration.Registrant].Country)
		}
	}
	return out
}

// readAgreements reads which agreement each registrar has: "ID,YEAR" a line.
func readAgreements(in io.Reader) (map[string]string, error) {
	out := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(in, 16<<20))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		id, year, ok := strings.Cut(line, ",")
		id, year = strings.TrimSpace(id), strings.TrimSpace(year)
		if !ok || id == "" || year != "2009" && year != "2013" {
			return nil, problem.BadField(fmt.Sprintf("--agreements: line %d", n), "is not a registrar and its agreement, such as 1861,2013")
		}
		out[id] = year
	}
	if err := lines.Err(); err != nil {
		return nil, problem.New(problem.Invalid, "--agreements: a line is too long, or the file cannot be read to its end")
	}
	return out, nil
}

// regular says why a path cannot be a frame, which is read several times.
func regular(path string) error {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return problem.BadField("--frame", "%s is not there", path)
	case err != nil:
		return problem.Wrap(err, problem.Invalid, "--frame: %s cannot be read", path)
	case !st.Mode().IsRegular():
		return problem.BadField("--frame", "%s is no file: a frame is read several times, and cannot come from a pipe", path)
	}
	return nil
}
