package app

import (
	"bytes"
	"errors"
	"io"
	"os"

	"bailiwick/problem"

	"go.yaml.in/yaml/v3"
)

// maxWHOISFile is the longest file of WHOIS servers that is read, in octets.
const maxWHOISFile = 1 << 20

// whoisServers are an operator's own WHOIS servers, by top-level domain or
// longer suffix: collect.Config.WHOIS. "none" says that there is no server, and
// "." stands for every name that has no entry.
func whoisServers(file string) (map[string]string, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "files.whois cannot be opened")
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxWHOISFile+1))
	if err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "files.whois cannot be read")
	}
	if len(b) > maxWHOISFile {
		return nil, problem.New(problem.TooLarge, "files.whois is over %d octets", maxWHOISFile)
	}
	var own struct {
		Domains map[string]string `yaml:"domains"`
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&own); err != nil && !errors.Is(err, io.EOF) {
		return nil, problem.Wrap(err, problem.Invalid, "files.whois does not parse")
	}
	out := make(map[string]string, len(own.Domains))
	for suffix, server := range own.Domains {
		switch {
		case server == "": // an entry that was begun and not finished
			return nil, problem.BadField("files.whois", "%q has no server; \"none\" says that there is none", suffix)
		case server == "none":
			server = ""
		}
		if suffix == "." {
			suffix = ""
		}
		out[suffix] = server
	}
	return out, nil
}
