package main

import (
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"bailiwick/notify/email"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/text"
)

type mailCmd struct {
	List mailListCmd `cmd:"" help:"List mails that came in, newest first, and what became of them."`
	Show mailShowCmd `cmd:"" help:"Show one mail: how it came, what it was taken for, and with --raw its bytes."`
	DKIM mailDKIMCmd `cmd:"" name:"dkim" help:"Make a key that signs mail, or print the DNS record to publish for one."`
}

type mailListCmd struct {
	State string `help:"Only mails in this state: received, filed, ignored, rejected or withheld." enum:",received,filed,ignored,rejected,withheld" default:""`
	Limit int    `help:"How many." default:"50"`
	JSON  bool   `help:"One JSON object per line."`
}

// mailLine is a mail as it is printed: the envelope holds personal data and is
// left to mail show.
type mailLine struct {
	ID         string          `json:"id"`
	Received   time.Time       `json:"received"`
	Route      string          `json:"route"`
	Kind       string          `json:"kind,omitempty"`
	State      store.MailState `json:"state"`
	Detail     string          `json:"detail,omitempty"`
	Case       string          `json:"case,omitempty"`
	Obligation string          `json:"obligation,omitempty"`
	Report     string          `json:"report,omitempty"`
	SHA256     string          `json:"sha256"`
	Bytes      int64           `json:"bytes"`
	MessageID  string          `json:"message_id,omitempty"`
	Envelope   json.RawMessage `json:"envelope,omitempty"`
}

func lineOf(m store.Mail) mailLine {
	return mailLine{ID: m.ID, Received: m.Received, Route: m.Route, Kind: m.Kind, State: m.State, Detail: m.Detail, Case: m.Case, Obligation: m.Obligation, Report: m.Report,
		SHA256: m.Digest, Bytes: m.Length, MessageID: m.MessageID}
}

// Run lists mails.
func (l *mailListCmd) Run(e *env) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	ms, err := a.Centre.MailList(e.ctx, store.MailState(l.State), max(1, min(l.Limit, 10_000)))
	if err != nil {
		return err
	}
	if l.JSON {
		enc := json.NewEncoder(e.out)
		for _, m := range ms {
			if err := enc.Encode(lineOf(m)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(ms) == 0 {
		fmt.Fprintln(e.out, "There are no such mails.")
		return nil
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "MAIL\tRECEIVED\tTO\tKIND\tSTATE\tDETAIL")
	for _, m := range ms {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", m.ID, stamp(m.Received), m.Route, dash(m.Kind), m.State, text.Line(m.Detail, 100))
	}
	return w.Flush()
}

type mailShowCmd struct {
	ID  string `arg:"" help:"The mail."`
	Raw bool   `help:"Print its bytes as they came and nothing else. They are hostile."`
}

// Run shows a mail.
func (s *mailShowCmd) Run(e *env) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	m, raw, err := a.Centre.MailOf(e.ctx, s.ID)
	if err != nil {
		return err
	}
	if s.Raw {
		if raw == nil {
			return problem.New(problem.NotFound, "the bytes of mail %s are not kept", s.ID)
		}
		_, err := e.out.Write(raw)
		return err
	}
	l := lineOf(m)
	l.Envelope = m.Envelope
	enc := json.NewEncoder(e.out)
	enc.SetIndent("", "  ")
	return enc.Encode(l)
}

type mailDKIMCmd struct {
	Domain   string `required:"" help:"The domain that signs: the sender's." placeholder:"DOMAIN"`
	Selector string `help:"Under which name the key is published." default:"bailiwick"`
	Key      string `help:"The key's PEM file; it is made if it is not there." default:"dkim.pem" placeholder:"FILE"`
	Kind     string `help:"The kind of key to make: rsa, which every receiver reads, or ed25519." enum:"rsa,ed25519" default:"rsa"`
}

// Run makes a key if there is none and prints its record.
func (d *mailDKIMCmd) Run(e *env) error {
	key, err := os.ReadFile(d.Key)
	if os.IsNotExist(err) {
		if key, err = email.NewDKIMKey(d.Kind); err != nil {
			return err
		}
		if err = os.WriteFile(d.Key, key, 0o600); err == nil {
			fmt.Fprintf(e.errs, "a new key is in %s\n", d.Key)
		}
	}
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "the key file cannot be used")
	}
	s, err := email.NewSigner(d.Domain, d.Selector, key)
	if err != nil {
		return err
	}
	owner, value := s.Record()
	_, err = fmt.Fprintf(e.out, "%s. IN TXT ", owner)
	for len(value) > 0 && err == nil { // a string of a TXT record has at most 255 octets
		n := min(len(value), 255)
		_, err = fmt.Fprintf(e.out, "%q ", value[:n])
		value = value[n:]
	}
	fmt.Fprintln(e.out)
	return err
}
