// Package config is everything an operator can set, as one documented struct:
// read from a YAML file, then from the environment. An unknown key is an
// error. The documentation of each key is in its tags, and nowhere else.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/name"
	"bailiwick/problem"

	"go.yaml.in/yaml/v3"
)

// Config is the configuration of one centre.
type Config struct {
	Database string `yaml:"database" default:"sqlite:bailiwick.db" help:"Where the state is: sqlite:PATH, or postgres://user:password@host/name."`
	Blobs    string `yaml:"blobs" default:"bailiwick-blobs" help:"Folder for large raw bytes (captures, mails, bulk reports)."`
	Listen   string `yaml:"listen" default:"127.0.0.1:8053" help:"Address the pages and the API are served at."`
	BaseURL  string `yaml:"base_url" default:"" help:"How parties reach this centre from outside, for links in mails; http://LISTEN if empty."`
	// TrustedProxies are networks, such as those of a TLS proxy.
	TrustedProxies []string `yaml:"trusted_proxies" help:"Networks of proxies whose word (X-Forwarded-For, Forwarded) for who connects is taken, such as 127.0.0.1/32. None by default: the address that connects counts."`
	Workers        int      `yaml:"workers" default:"4" help:"How many things are done at a time; the sweep is one of them."`
	Worker         string   `yaml:"worker" default:"" help:"Name of this process in the delivery log: the same after a restart, different on every machine; the host name if empty."`

	Centre     Centre     `yaml:"centre"`
	Mail       Mail       `yaml:"mail"`
	Inbox      Inbox      `yaml:"inbox"`
	Confirm    Confirm    `yaml:"confirm"`
	Files      Files      `yaml:"files"`
	Network    Network    `yaml:"network"`
	Disclosure Disclosure `yaml:"disclosure"`
	Verify     Verify     `yaml:"verify"`
	Accuracy   Accuracy   `yaml:"accuracy"`
	Inaccuracy Inaccuracy `yaml:"inaccuracy"`
	Retention  Retention  `yaml:"retention"`
}

// Centre says who this centre is.
type Centre struct {
	Name        string `yaml:"name" default:"Bailiwick" help:"Name of the centre, as it signs."`
	Contact     string `yaml:"contact" default:"" help:"Mail address at which people answer."`
	Country     string `yaml:"country" default:"" help:"ISO 3166 code of the country it serves, if one."`
	ReplyDomain string `yaml:"reply_domain" default:"" help:"Domain of the addresses that answers come back to; the contact's domain if empty."`
	Hotline     string `yaml:"hotline" default:"" help:"Where child sexual abuse material is to be reported: an address or URL shown to whoever reports it here."`
}

// Mail is sending. A fresh centre sends nothing.
type Mail struct {
	Enabled        bool   `yaml:"enabled" default:"false" help:"Send mail at all. Off until you switch it on."`
	Smarthost      string `yaml:"smarthost" default:"" help:"host:port of the mail server to send through; empty delivers to each domain's own servers."`
	User           string `yaml:"user" default:"" help:"User name at the smart host."`
	Password       string `yaml:"password" default:"" help:"Password at the smart host."`
	From           string `yaml:"from" default:"" help:"Sender address; the centre's contact if empty."`
	DKIMDomain     string `yaml:"dkim_domain" default:"" help:"Domain that signs mail (DKIM); the sender's if empty."`
	DKIMSelector   string `yaml:"dkim_selector" default:"bailiwick" help:"Selector under which the public key is published; see bailiwick mail dkim."`
	DKIMKey        string `yaml:"dkim_key" default:"" help:"PEM file with the private key that signs. Empty sends unsigned."`
	PGPFallback    bool   `yaml:"pgp_fallback" default:"true" help:"Send in clear to a party whose OpenPGP key cannot be used; else that notice fails and waits for a person."`
	PerPartyPerDay int    `yaml:"per_party_per_day" default:"200" help:"Most messages to one party in 24 hours."`
	PerDay         int    `yaml:"per_day" default:"5000" help:"Most messages in 24 hours."`
}

// Inbox is mail that comes in.
type Inbox struct {
	Listen        string   `yaml:"listen" default:"" help:"Address the SMTP server takes mail at, such as 0.0.0.0:25. Empty takes none."`
	Hello         string   `yaml:"hello" default:"" help:"Name the SMTP server greets with, which its address should resolve to; the domain if empty."`
	Domain        string   `yaml:"domain" default:"" help:"Mail domain of the report addresses; the domain of answers (centre.reply_domain) if empty. The MX of both must lead here."`
	Report        []string `yaml:"report" help:"Local parts that reports are taken at; abuse, report and phishing if none is given."`
	FeedbackFrom  []string `yaml:"feedback_from" help:"Domains of feedback loops you joined: their complaints (ARF) are taken though a machine sends them, if the domain vouches for the mail (DMARC)."`
	Receipts      bool     `yaml:"receipts" default:"true" help:"Send a receipt to reporters whose domain vouches for their mail (DMARC). Nothing leaves unless mail.enabled."`
	MaxBytes      int      `yaml:"max_bytes" default:"26214400" help:"Longest mail that is taken, in octets."`
	PerAddress    int      `yaml:"per_address" default:"120" help:"Mails a minute that one address may begin; below zero for no limit, as behind a mail server of your own."`
	PerDomain     int      `yaml:"per_domain" default:"300" help:"Mails a minute that are taken from one sender domain; below zero for no limit."`
	Connections   int      `yaml:"connections_per_address" default:"20" help:"Connections at one time from one address."`
	Certificate   string   `yaml:"certificate" default:"" help:"PEM file with the certificate chain offered with STARTTLS."`
	Key           string   `yaml:"key" default:"" help:"PEM file with its private key."`
	RejectFailing bool     `yaml:"reject_failing" default:"false" help:"Refuse mail that fails DMARC where the author's domain asks for that. Reporters forward mail, which often breaks it."`
}

// Confirm says what counts as confirmed without a person.
type Confirm struct {
	Rules []string `yaml:"rules" help:"Rules that may confirm a case on our own capture (live-phishing, live-malware). None by default: a person confirms."`
}

// Files are data that an operator keeps.
type Files struct {
	Parties   string   `yaml:"parties" default:"" help:"YAML file of platforms, CDNs, block lists, CERTs, constituents and registries."`
	Playbooks []string `yaml:"playbooks" help:"YAML files of playbooks that replace the shipped ones for their abuse types."`
	Suffixes  string   `yaml:"suffixes" default:"" help:"Public suffix list to use instead of the built-in one."`
	Bootstrap string   `yaml:"bootstrap" default:"" help:"YAML file of RDAP servers by TLD or network, which win over the built-in IANA files."`
	RDAP      string   `yaml:"rdap" default:"" help:"Folder that 'bailiwick update' keeps IANA's RDAP bootstrap files in; used in place of the built-in ones."`
	Terms     string   `yaml:"terms" default:"" help:"YAML file of the terms of use of RDAP and WHOIS servers (rate, hours, purposes), which win over the shipped ones."`
	WHOIS     string   `yaml:"whois" default:"" help:"YAML file of WHOIS servers by TLD, which win over what whois.iana.org says."`
	// The lists of the accuracy checks.
	Disposable string `yaml:"disposable" default:"" help:"List of domains of disposable mail addresses, one a line, in place of the short one built in."`
	Proxies    string `yaml:"proxies" default:"" help:"List of privacy and proxy services in place of the one built in: docs/accuracy.md has its columns."`
}

// Network is how the centre looks at the world.
type Network struct {
	UserAgent string    `yaml:"user_agent" default:"Bailiwick (abuse coordination)" help:"User-Agent for RDAP."`
	Vantages  []Vantage `yaml:"vantages" help:"Vantage points for looking at reported pages; four shipped ones if empty."`
}

// Vantage is one way of looking at a page.
type Vantage struct {
	ID        string `yaml:"id" help:"Short name."`
	UserAgent string `yaml:"user_agent" help:"User-Agent header."`
	Language  string `yaml:"language" help:"Accept-Language header."`
	Referer   string `yaml:"referer" help:"Referer header."`
	Source    string `yaml:"source" help:"Local address to connect from."`
	Country   string `yaml:"country" help:"Where that is."`
}

// Disclosure is about requests for registration data that is not public: those
// the centre sends, and those of others that it takes as a registry or registrar.
type Disclosure struct {
	Take              bool          `yaml:"take" default:"false" help:"Take requests of others, at /disclosure and by the API: for a centre that is a registry or registrar."`
	Profile           string        `yaml:"profile" default:"" help:"Profile whose times requests of others are under: gtld, nis2, courtesy or one of yours; that of the name's kind of TLD if empty."`
	Profiles          []string      `yaml:"profiles" help:"YAML files of profiles, beside the shipped ones or, with the same id, in their place."`
	Keep              time.Duration `yaml:"keep" default:"0s" help:"How long disclosed data is kept before it is erased; what the profile says if 0."`
	PerDay            int           `yaml:"per_day" default:"20" help:"Most requests of yours in 24 hours."`
	PerPersonPerDay   int           `yaml:"per_person_per_day" default:"10" help:"Most of them by one person."`
	TakenPerDay       int           `yaml:"taken_per_day" default:"200" help:"Most requests of others that are taken in 24 hours: by forms, by forms as urgent, and by the desk and keys, each."`
	TakenPerRequestor int           `yaml:"taken_per_requestor" default:"10" help:"Most of them by one mail address, or by one person and organisation where no address is given."`
}

// Accuracy is about the accuracy of registration data.
type Accuracy struct {
	Profiles []string `yaml:"profiles" help:"Policy profiles that every name looked up is held against, as yardsticks ('policy list'); gtld-rdp-2025 if none is given. A profile that is for a name's own TLD is used beside them."`
	Observe  bool     `yaml:"observe" default:"true" help:"Ask DNS whether the domains of mail addresses in registration data take mail. Nothing is sent to them."`
}

// Inaccuracy is about asking registrars to correct registration data
// (docs/inaccuracy.md). Nothing is asked until a person sends it.
type Inaccuracy struct {
	PerDay   int           `yaml:"per_day" default:"200" help:"Most inaccuracy cases opened in 24 hours."`
	FollowUp time.Duration `yaml:"follow_up" default:"360h" help:"How long an answer is waited for where no rule that binds sets a time: your planning, and nobody's deadline."`
}

// Verify is about affirmative verification of registration contacts
// (docs/verification.md). Codes leave as mail does: not before mail.enabled.
type Verify struct {
	From             string        `yaml:"from" default:"" help:"Sender of code mails; mail.from if empty. Where mail is signed (DKIM), of the same domain."`
	Profile          string        `yaml:"profile" default:"" help:"Profile that verifications are under where none is named: waps, de, nl, plain or one of yours; by the kind of TLD if empty."`
	Profiles         []string      `yaml:"profiles" help:"YAML files of profiles, beside the shipped ones or, with the same id, in their place. Only one of yours, or one whose basis is primary, puts anybody on hold."`
	HookURL          string        `yaml:"hook_url" default:"" help:"https address of your registrar's system that holds and releases names; without it these are tasks for a person."`
	HookSecretFile   string        `yaml:"hook_secret_file" default:"" help:"File with the secret that orders are signed with, at least 32 octets."`
	HookPrivate      bool          `yaml:"hook_private" default:"false" help:"hook_url is in your own network: it may be http, and a private address."`
	Keep             time.Duration `yaml:"keep" default:"2160h" help:"How long the mail address and number are kept once nothing moves any more; below zero keeps them without end."`
	PerDay           int           `yaml:"per_day" default:"1000" help:"Most verifications of your own registrations opened in 24 hours."`
	PerMemberPerDay  int           `yaml:"per_member_per_day" default:"200" help:"Most of each member organisation: none uses up what is yours or another's."`
	CodesPerDay      int           `yaml:"codes_per_day" default:"2000" help:"Most code mails in 24 hours about your own registrations, and as many about those of each member organisation. They do not count against mail.per_day."`
	PerAddressPerDay int           `yaml:"per_address_per_day" default:"5" help:"Most code mails to one address in 24 hours, for all names together, and about one registration, to all addresses together."`
}

// Retention is how long things are kept.
type Retention struct {
	Raw      time.Duration `yaml:"raw" default:"4320h" help:"Raw reports, counted from arrival."`
	Personal time.Duration `yaml:"personal" default:"4320h" help:"Personal payloads of the case log (reporters, notes)."`
	Capture  time.Duration `yaml:"capture" default:"8760h" help:"Page captures and registration answers."`
	// Registration is of the contacts in the history of registrations.
	Registration time.Duration `yaml:"registration" default:"4320h" help:"Contacts in the history of registrations, and the raw answers it rests on, counted from when they were last answered, unless a case needs them. The rest of a record stays."`
	// Accuracy is of what was found of single names.
	Accuracy time.Duration `yaml:"accuracy" default:"4320h" help:"What was found of the accuracy of single names, counted from when a name was last held against a profile: as long as the contacts it is about, since nobody can check a verdict on values that are gone. Totals by month stay. At least 744h, so that no month counts a name twice; below zero keeps it without end."`
	Messages time.Duration `yaml:"messages" default:"8760h" help:"Messages sent and received."`
	Access   time.Duration `yaml:"access" default:"9600h" help:"Lines of the access log, and dead API keys: at least 2160h, so that nobody hides soon what they looked at; below zero keeps them without end."`
}

// minKeepAccuracy is the longest month: while it lasts, a name that it has counted
// must be known (store.MinKeepAccuracy).
const minKeepAccuracy = 31 * 24 * time.Hour

// MaxFile is the longest configuration file that is read, in octets.
const MaxFile = 1 << 20

// Load gives the defaults, changed by the file at path (if not empty) and then
// by the environment: BAILIWICK_DATABASE, BAILIWICK_MAIL_ENABLED and so on.
func Load(path string, env []string) (Config, error) {
	var c Config
	if err := defaults(reflect.ValueOf(&c).Elem()); err != nil {
		return c, err
	}
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return c, problem.Wrap(err, problem.Invalid, "the configuration file cannot be opened")
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
		if err != nil {
			return c, problem.Wrap(err, problem.Unavailable, "the configuration file cannot be read")
		}
		if len(b) > MaxFile {
			return c, problem.New(problem.TooLarge, "the configuration file is over %d octets", MaxFile)
		}
		if err := Parse(b, &c); err != nil {
			return c, err
		}
	}
	vars := map[string]string{}
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(k, "BAILIWICK_") {
			vars[k] = v
		}
	}
	if err := overlay(reflect.ValueOf(&c).Elem(), "BAILIWICK", vars); err != nil {
		return c, err
	}
	return c, c.Validate()
}

// Parse reads YAML over c; an unknown key is an error.
func Parse(b []byte, c *Config) error {
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return problem.Wrap(err, problem.Invalid, "the configuration does not parse")
	}
	return nil
}

// Validate reports every value that cannot work.
func (c Config) Validate() error {
	var e *problem.Error
	if !strings.HasPrefix(c.Database, "sqlite:") && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		e = e.Add("database", "must begin with sqlite: or postgres://")
	}
	if c.Workers < 1 || c.Workers > 256 {
		e = e.Add("workers", "must be 1 to 256")
	}
	if c.Mail.Enabled && c.Centre.Contact == "" {
		e = e.Add("centre.contact", "is needed before mail can be sent: people must be able to answer")
	}
	if c.Mail.Enabled && c.BaseURL == "" {
		e = e.Add("base_url", "is needed before mail can be sent: messages carry a link to answer by")
	}
	if c.Mail.PerPartyPerDay < 1 || c.Mail.PerDay < 1 {
		e = e.Add("mail.per_day", "caps must be at least 1; the stop switch is a command")
	}
	if c.Inbox.Listen != "" && c.Inbox.Domain == "" && c.Centre.ReplyDomain == "" && c.Centre.Contact == "" {
		e = e.Add("inbox.domain", "is needed before mail can be taken: which addresses are ours?")
	}
	if (c.Inbox.Certificate == "") != (c.Inbox.Key == "") {
		e = e.Add("inbox.key", "certificate and key go together")
	}
	if c.Inbox.MaxBytes < 64<<10 || c.Inbox.MaxBytes > 30<<20 {
		e = e.Add("inbox.max_bytes", "must be 65536 to 31457280")
	}
	if c.Inbox.PerAddress == 0 || c.Inbox.PerDomain == 0 || c.Inbox.Connections < 1 {
		e = e.Add("inbox.per_address", "and per_domain must not be 0, connections_per_address at least 1: an empty inbox.listen takes no mail")
	}
	for i, d := range c.Inbox.FeedbackFrom {
		if _, err := name.Parse(d); err != nil {
			e = e.Add(fmt.Sprintf("inbox.feedback_from[%d]", i), "is not a domain name")
		}
	}
	for i, l := range c.Inbox.Report {
		if l == "" || strings.ContainsAny(l, "@ <>\"") || len(l) > 64 {
			e = e.Add(fmt.Sprintf("inbox.report[%d]", i), "is not the local part of a mail address")
		}
	}
	if c.Retention.Access >= 0 && c.Retention.Access < access.MinKeepLog {
		e = e.Add("retention.access", "must be at least %.0fh, or below zero for no end", access.MinKeepLog.Hours())
	}
	if c.Retention.Accuracy >= 0 && c.Retention.Accuracy < minKeepAccuracy {
		e = e.Add("retention.accuracy", "must be at least %.0fh, or below zero for no end", minKeepAccuracy.Hours())
	}
	for i, p := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			e = e.Add(fmt.Sprintf("trusted_proxies[%d]", i), "%.60q is not a network such as 192.0.2.0/24 or 2001:db8::1/128", p)
		}
	}
	for i, r := range c.Confirm.Rules {
		if r != "live-phishing" && r != "live-malware" {
			e = e.Add(fmt.Sprintf("confirm.rules[%d]", i), "%q is not a rule: live-phishing, live-malware", r)
		}
	}
	if d := c.Disclosure; d.PerDay < 0 || d.PerPersonPerDay < 0 || d.TakenPerDay < 0 || d.TakenPerRequestor < 0 || d.Keep < 0 || d.Keep > 365*24*time.Hour {
		e = e.Add("disclosure", "caps must not be under 0, and keep must be 0 to 8760h")
	}
	if v := c.Verify; (v.HookURL == "") != (v.HookSecretFile == "") {
		e = e.Add("verify.hook_secret_file", "and hook_url go together: an order that is not signed is one that anybody gives")
	} else if v.PerDay < 0 || v.PerMemberPerDay < 0 || v.CodesPerDay < 1 || v.PerAddressPerDay < 1 {
		e = e.Add("verify.per_day", "and per_member_per_day must not be under 0, codes_per_day and per_address_per_day not under 1")
	}
	if i := c.Inaccuracy; i.PerDay < 0 || i.FollowUp < 0 || i.FollowUp > 365*24*time.Hour {
		e = e.Add("inaccuracy", "per_day must not be under 0, and follow_up 0 to 8760h")
	}
	for i, v := range c.Network.Vantages {
		if v.ID == "" || v.UserAgent == "" {
			e = e.Add(fmt.Sprintf("network.vantages[%d]", i), "needs an id and a user_agent")
		}
	}
	return e.OrNil()
}

func defaults(v reflect.Value) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Type.Kind() == reflect.Struct {
			if err := defaults(v.Field(i)); err != nil {
				return err
			}
			continue
		}
		if d, ok := f.Tag.Lookup("default"); ok && d != "" {
			if err := set(v.Field(i), d); err != nil {
				return problem.Wrap(err, problem.Internal, "the default of %s", f.Name)
			}
		}
	}
	return nil
}

func overlay(v reflect.Value, prefix string, vars map[string]string) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := prefix + "_" + strings.ToUpper(f.Tag.Get("yaml"))
		if f.Type.Kind() == reflect.Struct {
			if err := overlay(v.Field(i), key, vars); err != nil {
				return err
			}
			continue
		}
		if s, ok := vars[key]; ok {
			if err := set(v.Field(i), s); err != nil {
				return problem.BadField(key, "%v", err)
			}
		}
	}
	return nil
}

func set(v reflect.Value, s string) error {
	switch p := v.Addr().Interface().(type) {
	case *string:
		*p = s
	case *int:
		n, err := strconv.Atoi(s)
		if err != nil {
			return fmt.Errorf("%q is not a number", s)
		}
		*p = n
	case *bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return fmt.Errorf("%q is not true or false", s)
		}
		*p = b
	case *time.Duration:
		d, err := time.ParseDuration(s)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 36h", s)
		}
		*p = d
	case *[]string:
		*p = nil
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*p = append(*p, part)
			}
		}
	default:
		return fmt.Errorf("a list of %s can be set in the file only", v.Type().Elem())
	}
	return nil
}

// Document writes every key with its default, its variable and its meaning, as
// a YAML file that is itself a valid configuration.
func Document(w io.Writer) error {
	var b bytes.Buffer
	document(&b, reflect.TypeFor[Config](), "", "BAILIWICK")
	_, err := w.Write(b.Bytes())
	return err
}

func document(b *bytes.Buffer, t reflect.Type, indent, prefix string) {
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		env := prefix + "_" + strings.ToUpper(key)
		if f.Type.Kind() == reflect.Struct {
			fmt.Fprintf(b, "\n%s%s:\n", indent, key)
			document(b, f.Type, indent+"  ", env)
			continue
		}
		fmt.Fprintf(b, "%s# %s\n", indent, f.Tag.Get("help"))
		switch f.Type.Kind() {
		case reflect.Slice:
			if f.Type.Elem().Kind() == reflect.Struct {
				fmt.Fprintf(b, "%s# Each has:", indent)
				for j := range f.Type.Elem().NumField() {
					ef := f.Type.Elem().Field(j)
					fmt.Fprintf(b, " %s (%s)", ef.Tag.Get("yaml"), strings.TrimSuffix(ef.Tag.Get("help"), "."))
				}
				fmt.Fprintf(b, "\n%s%s: []\n", indent, key)
				continue
			}
			fmt.Fprintf(b, "%s# %s, comma-separated\n%s%s: []\n", indent, env, indent, key)
		case reflect.String:
			fmt.Fprintf(b, "%s# %s\n%s%s: %q\n", indent, env, indent, key, f.Tag.Get("default"))
		default:
			fmt.Fprintf(b, "%s# %s\n%s%s: %s\n", indent, env, indent, key, f.Tag.Get("default"))
		}
	}
}
