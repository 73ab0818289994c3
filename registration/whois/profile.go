package whois

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed profiles.yaml
var profilesYAML []byte

// profile is what is one registry's own.
type profile struct {
	zone    zone
	order   dateOrder
	charset string
	labels  map[string]meaning // by folded label; goes before the vocabulary
	block   []what             // the lines of a contact that has no labels
}

// none is the profile of a registry that needs none.
var none = &profile{}

// profileSet finds profiles.
type profileSet struct {
	tlds, servers map[string]*profile
}

// profiles are the built-in ones. The file is part of the program and a test
// reads it, so an error cannot get out.
var profiles = sync.OnceValue(func() *profileSet {
	p, err := readProfiles(profilesYAML)
	if err != nil {
		return &profileSet{}
	}
	return p
})

func (s *profileSet) tld(tld string) *profile {
	if p := s.tlds[tld]; p != nil {
		return p
	}
	return none
}

// server gives the profile of a WHOIS server, by "host" or "host:port".
func (s *profileSet) server(host string) *profile {
	if host == "" {
		return none
	}
	h, _, _ := strings.Cut(strings.ToLower(host), ":")
	if p := s.servers[h]; p != nil {
		return p
	}
	return none
}

func readProfiles(b []byte) (*profileSet, error) {
	var list []struct {
		TLDs    []string            `yaml:"tlds"`
		Servers []string            `yaml:"servers"`
		Zone    string              `yaml:"zone"`
		Dates   string              `yaml:"dates"`
		Charset string              `yaml:"charset"`
		Labels  map[string][]string `yaml:"labels"`
		Block   []string            `yaml:"block"`
	}
	if err := yaml.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	set := &profileSet{tlds: map[string]*profile{}, servers: map[string]*profile{}}
	for _, e := range list {
		p := &profile{charset: e.Charset}
		who := strings.Join(append(e.TLDs, e.Servers...), " ")
		if e.Charset != "" && charsets[e.Charset] == nil {
			return nil, fmt.Errorf("%s: %q is no character set that is known", who, e.Charset)
		}
		switch e.Dates {
		case "", "day first":
		case "month first":
			p.order = monthFirst
		default:
			return nil, fmt.Errorf("%s: dates are \"day first\" or \"month first\", not %q", who, e.Dates)
		}
		if e.Zone != "" {
			offset, summer := strings.CutSuffix(e.Zone, " eu")
			m, n, ok := offsetOf(offset)
			if !ok || n != len(offset) {
				return nil, fmt.Errorf("%s: %q is no zone", who, e.Zone)
			}
			p.zone = zone{minutes: m, summer: summer}
		}
		if len(e.Labels) > 0 {
			p.labels = map[string]meaning{}
		}
		for key, labels := range e.Labels {
			m, ok := meaningNamed(key)
			if !ok {
				return nil, fmt.Errorf("%s: %q names nothing that a label can mean", who, key)
			}
			for _, l := range labels {
				p.labels[foldLabel(l)] = m
			}
		}
		for _, f := range e.Block {
			w, ok := fieldWhat[f]
			if !ok {
				return nil, fmt.Errorf("%s: %q is no field of a contact", who, f)
			}
			p.block = append(p.block, w)
		}
		for _, t := range e.TLDs {
			if set.tlds[t] != nil {
				return nil, fmt.Errorf("%s has two profiles", t)
			}
			set.tlds[t] = p
		}
		for _, s := range e.Servers {
			if set.servers[s] != nil {
				return nil, fmt.Errorf("%s has two profiles", s)
			}
			set.servers[s] = p
		}
	}
	return set, nil
}

// meaningNamed reads a key of "labels" in a profile: a meaning of
// vocabulary.yaml, "contact.FIELD" for a field of the contact at hand, "ROLE"
// or "ROLE.FIELD".
func meaningNamed(key string) (meaning, bool) {
	if w, ok := labelWhat[key]; ok {
		return meaning{what: w}, true
	}
	role, field, has := strings.Cut(key, ".")
	if role == "contact" && has {
		w, ok := fieldWhat[field]
		return meaning{what: w}, ok
	}
	r, ok := roleBits[role]
	if !ok {
		return meaning{}, false
	}
	if !has {
		return meaning{contactRole, r}, true
	}
	w, ok := fieldWhat[field]
	return meaning{w, r}, ok
}
