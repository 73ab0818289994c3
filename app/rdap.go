package app

import (
	"bytes"
	"io"
	"net/netip"
	"os"

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

// rdapServers are IANA's bootstrap files as shipped, with an operator's file
// of overrides before them.
func rdapServers(file string) (collect.RDAPServers, error) {
	set, err := bootstrap.Default()
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
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&own); err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "files.bootstrap does not parse")
	}
	set, err = set.With(bootstrap.Overrides{Domains: own.Domains, Networks: own.Networks})
	return servers{set}, err
}

// Servers makes RDAP servers of bootstrap files in IANA's form.
func Servers(f bootstrap.Files) (collect.RDAPServers, error) {
	set, err := bootstrap.New(f)
	return servers{set}, err
}
