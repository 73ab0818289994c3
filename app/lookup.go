package app

import (
	"log/slog"

	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/config"
	"bailiwick/name"
	"bailiwick/registration/bootstrap"
)

// NewCollector gives a collector that asks as a centre of this configuration
// does, for a command that needs no centre: it keeps no raw answers, and its
// budgets and answers are those given (nil: of this process, and none).
func NewCollector(cfg config.Config, w World, log *slog.Logger, budgets collect.Budgets, answers collect.Answers) (*collect.Collector, error) {
	if w.Clock == nil {
		w.Clock = clock.Real{}
	}
	if w.RDAP == nil {
		var err error
		if w.RDAP, err = RDAPServers(cfg.Files.RDAP, cfg.Files.Bootstrap, log); err != nil {
			return nil, err
		}
	}
	ports, err := whoisServers(cfg.Files.WHOIS)
	if err != nil {
		return nil, err
	}
	terms, err := Terms(cfg.Files.Terms)
	if err != nil {
		return nil, err
	}
	return collect.New(collect.Config{Dial: w.Dial, Clock: w.Clock, Guard: collect.Guard{AllowDocumentation: w.AllowDocumentation}, Roots: w.Roots,
		TLSRoots: w.TLSRoots, TLSTime: w.TLSTime, RDAP: w.RDAP, WHOIS: ports, UserAgent: cfg.Network.UserAgent, Limits: w.Limits, Logger: log,
		Budgets: budgets, Terms: terms, Answers: answers, Jitter: w.Jitter})
}

// Suffixes gives the public suffixes by which a centre of this configuration
// tells registered domains.
func Suffixes(cfg config.Config, w World) (*name.Suffixes, error) {
	return suffixList(cfg.Files.Suffixes, w.Suffixes)
}

// NoRDAP knows no RDAP server: a collector with it asks WHOIS only.
func NoRDAP() (collect.RDAPServers, error) { return Servers(bootstrap.Files{}) }
