package app

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"bailiwick/collect"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration/bootstrap"

	"go.yaml.in/yaml/v3"
)

// servers tells the collector which RDAP servers answer for what, by the
// bootstrap files.
type servers struct{ *bootstrap.Set }

// Domain implements collect.RDAPServers.
func (s servers) Domain(d name.Domain) []string { return s.Lookup(d) }

// Network implements collect.RDAPServers.
func (s servers) Network(a netip.Addr) []string { return s.LookupIP(a) }

// Autnum implements collect.RDAPServers.
func (s servers) Autnum(n uint32) []string { return s.LookupASN(n) }

// Entity implements collect.RDAPServers.
func (s servers) Entity(handle string) []string { return s.LookupEntity(handle) }

// RDAPServers are IANA's bootstrap files, those of folder (files.rdap) where it
// has them and as shipped else, with an operator's file of overrides
// (files.bootstrap) before them. Either may be "".
func RDAPServers(folder, file string, log *slog.Logger) (collect.RDAPServers, error) {
	files, _, err := BootstrapFiles(folder, log)
	if err != nil {
		return nil, err
	}
	set, err := bootstrap.New(files)
	if err != nil || file == "" {
		return servers{set}, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "files.bootstrap cannot be opened")
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, bootstrap.MaxBytes))
	if err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "files.bootstrap cannot be read")
	}
	var own struct {
		Domains  map[string][]string `yaml:"domains"`
		Networks map[string][]string `yaml:"networks"`
		ASNs     map[string][]string `yaml:"asns"`
		Tags     map[string][]string `yaml:"tags"`
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&own); err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "files.bootstrap does not parse")
	}
	set, err = set.With(bootstrap.Overrides{Domains: own.Domains, Networks: own.Networks, ASNs: own.ASNs, Tags: own.Tags})
	return servers{set}, err
}

// BootstrapPath is where folder has the bootstrap file of a name.
func BootstrapPath(folder, name string) string { return filepath.Join(folder, name+".json") }

// BootstrapFiles reads the bootstrap files to be used, and says which of them
// come from folder: those that are there and can be read whole. One that
// cannot is logged and the shipped one used, so that a bad file costs no more
// than its age.
func BootstrapFiles(folder string, log *slog.Logger) (files bootstrap.Files, own map[string]bool, err error) {
	files, own = bootstrap.DefaultFiles(), map[string]bool{}
	if folder == "" {
		return files, own, nil
	}
	shipped, err := bootstrap.Default()
	if err != nil {
		return files, own, err
	}
	for _, name := range bootstrap.Names() {
		path := BootstrapPath(folder, name)
		raw, err := readFile(path, bootstrap.MaxBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var one *bootstrap.Set
		if err == nil {
			var alone bootstrap.Files
			*alone.File(name) = raw
			one, err = bootstrap.New(alone)
		}
		switch {
		case err != nil:
			log.Error("a bootstrap file cannot be used; the shipped one is", "file", path, "error", err)
		case one.Published(name).Before(shipped.Published(name)): // the program is newer than the file
			log.Warn("a bootstrap file is older than the shipped one, which is used", "file", path)
		default:
			*files.File(name), own[name] = raw, true
		}
	}
	return files, own, nil
}

// readFile reads a file of at most max octets.
func readFile(path string, max int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max {
		err = problem.New(problem.TooLarge, "the file is over %d octets", max)
	}
	return b, err
}

// Servers makes RDAP servers of bootstrap files in IANA's form.
func Servers(f bootstrap.Files) (collect.RDAPServers, error) {
	set, err := bootstrap.New(f)
	return servers{set}, err
}
