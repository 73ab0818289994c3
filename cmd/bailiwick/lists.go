package main

import (
	"os"

	"bailiwick/accuracy"
	"bailiwick/app"
	"bailiwick/config"
)

// accuracyLists reads the lists that the configuration names for the accuracy
// checks.
func accuracyLists(e *env) (l accuracy.Lists, err error) {
	cfg, err := config.Load(e.config, os.Environ())
	if err != nil {
		return l, err
	}
	return app.AccuracyLists(cfg)
}
