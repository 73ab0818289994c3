package app

import (
	"io"
	"os"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/problem"
)

// DefaultYardstick is the profile that names are held against where the
// configuration names none: what is asked of generic TLDs.
const DefaultYardstick = "gtld-rdp-2025"

// accuracySettings are what registration data is held against.
func accuracySettings(cfg config.Config, w World) (centre.AccuracySettings, error) {
	out := centre.AccuracySettings{Profiles: cfg.Accuracy.Profiles, Observe: cfg.Accuracy.Observe}
	if len(out.Profiles) == 0 {
		out.Profiles = []string{DefaultYardstick}
	}
	lists, err := AccuracyLists(cfg)
	if err != nil {
		return out, err
	}
	lists.TLDs = w.TLDs
	if out.Policies, err = policy.ShippedWith(lists); err != nil {
		return out, err
	}
	for _, id := range out.Profiles {
		if _, err := out.Policies.Get(id); err != nil {
			return out, problem.BadField("accuracy.profiles", "%.40q is not a profile", id)
		}
	}
	return out, nil
}

// AccuracyLists reads the lists that a configuration names for the accuracy
// checks; what it does not name is nil, and then the built-in one is used.
func AccuracyLists(cfg config.Config) (l accuracy.Lists, err error) {
	if l.Disposable, err = accuracyList(cfg.Files.Disposable, "files.disposable", accuracy.ReadDomains); err != nil {
		return l, err
	}
	l.Proxies, err = accuracyList(cfg.Files.Proxies, "files.proxies", accuracy.ReadProxies)
	return l, err
}

// accuracyList reads the file at path, if there is one; errors name the key.
func accuracyList[T any](path, key string, read func(io.Reader) (*T, error)) (*T, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "%s: %s cannot be opened", key, path)
	}
	defer f.Close()
	l, err := read(f)
	if err != nil {
		return nil, problem.New(problem.CodeOf(err), "%s: %s: %s", key, path, problem.DocumentOf(err).Detail)
	}
	return l, nil
}
