package main

import (
	"io"
	"os"

	"bailiwick/accuracy"
	"bailiwick/config"
	"bailiwick/problem"
)

// accuracyLists reads the lists that the configuration names for the accuracy
// checks; what it does not name is nil, and then the built-in one is used.
func accuracyLists(e *env) (l accuracy.Lists, err error) {
	cfg, err := config.Load(e.config, os.Environ())
	if err != nil {
		return l, err
	}
	if l.Disposable, err = readList(cfg.Files.Disposable, "files.disposable", accuracy.ReadDomains); err != nil {
		return l, err
	}
	l.Proxies, err = readList(cfg.Files.Proxies, "files.proxies", accuracy.ReadProxies)
	return l, err
}

// readList reads the file at path, if there is one; errors name the key.
func readList[T any](path, key string, read func(io.Reader) (*T, error)) (*T, error) {
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
