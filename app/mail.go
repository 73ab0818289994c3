package app

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"strings"

	"bailiwick/collect"
	"bailiwick/config"
	"bailiwick/inbox"
	"bailiwick/notify/email"
	"bailiwick/problem"
)

// takeMail starts the SMTP server.
func (a *App) takeMail(cfg config.Config, w World) error {
	set := a.Centre.Settings()
	conf := inbox.Config{Domain: cfg.Inbox.Hello, MaxBytes: int64(cfg.Inbox.MaxBytes),
		PerAddr: cfg.Inbox.PerAddress, PerDomain: cfg.Inbox.PerDomain, MaxConnsPerAddr: cfg.Inbox.Connections, Resolver: collect.NewResolver(a.Collect),
		RejectFailing: cfg.Inbox.RejectFailing, Remote: w.MailFrom, Clock: w.Clock, Logger: a.log}
	if conf.Domain == "" {
		conf.Domain = set.Inbox.Domain
	}
	if w.Clock != nil {
		conf.Now = w.Clock.Now // rates go by the world's time
	}
	if cfg.Inbox.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(cfg.Inbox.Certificate, cfg.Inbox.Key)
		if err != nil {
			return problem.Wrap(err, problem.Invalid, "inbox.certificate and inbox.key cannot be used")
		}
		conf.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	s, err := inbox.New(conf, a.Centre)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", cfg.Inbox.Listen)
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "cannot take mail at %s", cfg.Inbox.Listen)
	}
	a.Inbox = l.Addr().String()
	go func() {
		if err := s.Serve(l); err != nil {
			a.log.Error("the SMTP server stopped", "err", err)
		}
	}()
	a.undo = append(a.undo, func(ctx context.Context) error { return s.Shutdown(ctx) })
	return nil
}

// signer makes what signs our mail, nil where no key is configured.
func signer(cfg config.Config, from string) (*email.Signer, error) {
	if cfg.Mail.DKIMKey == "" {
		return nil, nil
	}
	domain := cfg.Mail.DKIMDomain
	if domain == "" {
		_, domain, _ = strings.Cut(from, "@")
	}
	key, err := os.ReadFile(cfg.Mail.DKIMKey)
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "mail.dkim_key cannot be read")
	}
	s, err := email.NewSigner(domain, cfg.Mail.DKIMSelector, key)
	if err != nil {
		return nil, problem.Wrap(err, problem.CodeOf(err), "mail.dkim_key")
	}
	return s, nil
}
