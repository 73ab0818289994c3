package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration/bootstrap"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// BootstrapSource is where IANA publishes the RDAP bootstrap files (RFC 9224
// section 3).
const BootstrapSource = "https://data.iana.org/rdap/"

// BootstrapFile says of one bootstrap file which is in use, and what an update
// did to it.
type BootstrapFile struct {
	Name      string    `json:"file"` // bootstrap.Names
	Source    string    `json:"source"`
	Path      string    `json:"path,omitempty"` // "" for the shipped one
	Published time.Time `json:"published,omitzero"`
	Entries   int       `json:"entries"`
	Fetched   time.Time `json:"fetched,omitzero"`
	// Was is when the one before was published, if it was replaced; Changed says
	// by what they differ.
	Was     time.Time         `json:"was,omitzero"`
	Changed *bootstrap.Change `json:"changed,omitempty"`
	// Kept says why the file in use was not replaced; "" if it was, or is the
	// newest.
	Kept string `json:"kept,omitempty"`
}

// stateName is where an update remembers what it fetched, for conditional
// requests.
const stateName = "update.json"

// fetched is what is remembered of one file.
type fetched struct {
	URL          string    `json:"url"`
	ETag         string    `json:"etag,omitempty"`
	LastModified string    `json:"last_modified,omitempty"`
	At           time.Time `json:"at"`
	SHA256       string    `json:"sha256"` // of the file: one changed by hand is fetched anew
}

// BootstrapInUse says which bootstrap files a centre with this folder uses.
func BootstrapInUse(folder string, log *slog.Logger) ([]BootstrapFile, error) {
	out, _, _, err := inUse(folder, readState(folder), log)
	return out, err
}

// inUse gives the files in use, and what is in them.
func inUse(folder string, state map[string]fetched, log *slog.Logger) (out []BootstrapFile, files bootstrap.Files, set *bootstrap.Set, err error) {
	files, own, err := BootstrapFiles(folder, log)
	if err != nil {
		return nil, files, nil, err
	}
	if set, err = bootstrap.New(files); err != nil {
		return nil, files, nil, err
	}
	for _, n := range bootstrap.Names() {
		f := BootstrapFile{Name: n, Source: BootstrapSource + n + ".json", Published: set.Published(n), Entries: len(set.Entries(n))}
		if own[n] {
			f.Path = BootstrapPath(folder, n)
			if s, ok := state[n]; ok && s.SHA256 == sum(*files.File(n)) {
				f.Source, f.Fetched = s.URL, s.At
			}
		}
		out = append(out, f)
	}
	return out, files, set, nil
}

// UpdateBootstrap fetches the bootstrap files from a folder of a web server and
// puts those that are new, whole and right into folder, one by one and each at
// once. What goes wrong with one is in its Kept, and the file in use stays. An
// address in from is the operator's own choice: it may be one that the guard
// refuses. The error is for what concerns all.
func UpdateBootstrap(ctx context.Context, folder, from string, w World, userAgent string, log *slog.Logger) ([]BootstrapFile, error) {
	if folder == "" {
		return nil, problem.BadField("files.rdap", "names no folder to keep the files in")
	}
	if from == "" {
		from = BootstrapSource
	}
	base, err := name.ParseURL(from)
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "--from is no web address")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "the folder %s cannot be made", folder)
	}
	if w.Clock == nil {
		w.Clock = clock.Real{}
	}
	guard := collect.Guard{AllowDocumentation: w.AllowDocumentation}
	if base.Addr.IsValid() {
		port := base.Port
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
		}
		if n, err := strconv.ParseUint(port, 10, 16); err == nil {
			guard.Trusted = netip.AddrPortFrom(base.Addr, uint16(n))
		}
	}
	c, err := collect.New(collect.Config{Dial: w.Dial, Clock: w.Clock, Guard: guard, Roots: w.Roots, TLSRoots: w.TLSRoots, TLSTime: w.TLSTime,
		UserAgent: userAgent, Limits: w.Limits, Logger: log})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	state := readState(folder)
	out, files, old, err := inUse(folder, state, log)
	if err != nil {
		return nil, err
	}
	for i := range out {
		u := base
		u.Path = joinPath(base.Path, out[i].Name+".json")
		if err := updateOne(ctx, c, folder, u, old, files, state, &out[i], w.Clock.Now()); err != nil {
			out[i].Kept = err.Error()
		}
	}
	return out, writeState(folder, state)
}

func joinPath(folder, file string) string {
	if folder == "" || folder[len(folder)-1] != '/' {
		folder += "/"
	}
	return folder + file
}

// updateOne fetches one file.
func updateOne(ctx context.Context, c *collect.Collector, folder string, u name.URL, old *bootstrap.Set, files bootstrap.Files, state map[string]fetched, f *BootstrapFile, now time.Time) error {
	header := http.Header{"Accept": {"application/json"}}
	last, ok := state[f.Name]
	if ok && last.URL == u.String() && f.Path != "" && last.SHA256 == sum(*files.File(f.Name)) {
		if last.ETag != "" {
			header.Set("If-None-Match", last.ETag)
		}
		if last.LastModified != "" {
			header.Set("If-Modified-Since", last.LastModified)
		}
	}
	got, err := c.Download(ctx, u, header, bootstrap.MaxBytes)
	if err != nil {
		return err
	}
	if got.Status == http.StatusNotModified {
		last.At = now
		state[f.Name], f.Fetched = last, now
		return nil
	}
	set, err := bootstrap.Replace(old, f.Name, got.Body)
	if err != nil {
		return err
	}
	path := BootstrapPath(folder, f.Name)
	if err := replaceFile(path, got.Body); err != nil {
		return problem.Wrap(err, problem.Unavailable, "%s cannot be written", path)
	}
	state[f.Name] = fetched{URL: u.String(), ETag: clean(got.Header.Get("ETag")), LastModified: clean(got.Header.Get("Last-Modified")), At: now, SHA256: sum(got.Body)}
	change := bootstrap.Diff(old, set, f.Name)
	f.Was, f.Changed = f.Published, &change
	f.Source, f.Path, f.Fetched, f.Published, f.Entries = u.String(), path, now, set.Published(f.Name), len(set.Entries(f.Name))
	return nil
}

// clean gives a header's value back as it may be sent: what is not plain is not
// kept.
func clean(v string) string {
	if len(v) > 200 {
		return ""
	}
	for i := range len(v) {
		if v[i] < ' ' || v[i] > '~' {
			return ""
		}
	}
	return v
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// readState reads what is remembered; nothing when there is none or it cannot
// be read: then all is fetched anew.
func readState(folder string) map[string]fetched {
	state := map[string]fetched{}
	if folder == "" {
		return state
	}
	b, err := readFile(filepath.Join(folder, stateName), 1<<20)
	if err != nil || json.Unmarshal(b, &state) != nil {
		return map[string]fetched{}
	}
	return state
}

func writeState(folder string, state map[string]fetched) error {
	b, err := json.Marshal(state, json.Deterministic(true), jsontext.WithIndent("  "))
	if err == nil {
		err = replaceFile(filepath.Join(folder, stateName), append(b, '\n'))
	}
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "what was fetched cannot be remembered")
	}
	return nil
}

// replaceFile puts data in the place of a file at once: who reads it sees the
// old or the new one whole, also after a power cut.
func replaceFile(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if rerr := os.Remove(f.Name()); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
