package lab

import (
	"time"

	"bailiwick/abuse"
)

// Scenario is a small Internet and what happens in it. Its YAML is documented
// in docs/scenarios.md; every key there is a field here. Load and Generate
// return scenarios whose defaults are filled in; one made in Go is completed
// by Complete, which Start also calls.
type Scenario struct {
	Name string `yaml:"name,omitempty"`
	// Seed decides everything the file leaves open. The same file and seed
	// give the same world.
	Seed uint64 `yaml:"seed,omitempty"`
	// Days is how long the scenario runs; 14 if not given.
	Days int `yaml:"days,omitempty"`
	// Start is the virtual time at which it starts; a Monday in January 2026
	// if not given. Options.Start overrides it.
	Start time.Time `yaml:"start,omitempty"`
	// MailIn says that the centre takes mail: parties whose behaviour does not
	// say how they answer then do so by link, by mail or both, by seed. It has
	// no effect before World.SetCentreMail.
	MailIn bool `yaml:"mail_in,omitempty"`

	TLDs         []TLD         `yaml:"tlds,omitempty"`
	Registrars   []Registrar   `yaml:"registrars,omitempty"`
	Hosts        []Host        `yaml:"hosts,omitempty"`
	CDNs         []CDN         `yaml:"cdns,omitempty"`
	Platforms    []Platform    `yaml:"platforms,omitempty"`
	DNSOperators []DNSOperator `yaml:"dns_operators,omitempty"`

	BlockLists   []Contact     `yaml:"blocklists,omitempty"`
	CERTs        []CERT        `yaml:"certs,omitempty"`
	Constituents []Constituent `yaml:"constituents,omitempty"`
	Hotline      *Contact      `yaml:"hotline,omitempty"`
	Reporters    []Reporter    `yaml:"reporters,omitempty"`

	// Behaviours are named by the scenario, beside the built-in ones.
	Behaviours map[string]Behaviour `yaml:"behaviours,omitempty"`

	Names   []Name   `yaml:"names,omitempty"`
	Reports []Report `yaml:"reports,omitempty"`

	completed bool
}

// TLD is a top-level domain and its registry.
type TLD struct {
	Name string `yaml:"name"`
	// Kind is "gtld" (default) or "cctld".
	Kind string `yaml:"kind,omitempty"`
	// Country of a ccTLD, two letters.
	Country  string `yaml:"country,omitempty"`
	Registry string `yaml:"registry,omitempty"` // its name; "Registry <tld>" if not given
	// Mail of the registry's abuse desk; "none" publishes none.
	Mail string `yaml:"mail,omitempty"`
	Form string `yaml:"form,omitempty"`
	// Model is "thick" (default: the registry's RDAP holds the contacts) or
	// "thin" (the registrar's does).
	Model string `yaml:"model,omitempty"`
	// RDAP is how the registry's server answers; see RDAPFault.
	RDAP RDAPFault `yaml:"rdap,omitempty"`
	// WHOIS is how its WHOIS server answers (see WHOISFault), and WHOISForm in
	// which form: "icann" (default), "block", "dotted" or "indented".
	WHOIS     WHOISFault `yaml:"whois,omitempty"`
	WHOISForm string     `yaml:"whois_form,omitempty"`
	// Limit is how often one client may ask its RDAP or its WHOIS server; no
	// limit if not given.
	Limit     *Limit    `yaml:"limit,omitempty"`
	Behaviour Behaviour `yaml:"behaviour,omitempty"`
	// VerifiesFrom is when the registry begins to verify its registrants: a
	// fabricated identity then registers nothing more.
	VerifiesFrom When `yaml:"verifies_from,omitempty"`
	// Verification is "required" where the holder of every new name must show
	// that mail reaches them, or loses it until they do: the registrars ask the
	// centre to verify (World.SetVerifier) and carry out its orders.
	Verification string `yaml:"verification,omitempty"`
	// Displacement is what becomes of the malicious names that this TLD refuses
	// or holds, where the scenario does not say so by Name.Else.
	Displacement *Displacement `yaml:"displacement,omitempty"`
}

// Displacement is where the hands behind malicious names go on.
type Displacement struct {
	// Share of the names, from 0 to 1, that are registered again elsewhere; each
	// is drawn by its name.
	Share float64 `yaml:"share"`
	To    List    `yaml:"to"` // TLDs
	// After is how long it takes, from a hold; [6h, 72h] if not given. What a
	// registry refuses is registered elsewhere at once.
	After *Range `yaml:"after,omitempty"`
}

// RDAPFault is how an RDAP server answers: "ok" (default), "none" (there is no
// server), "html" (a web page instead), "broken" (JSON that stops in the
// middle), "endless" (a body that never ends), "error" (500), "throttled"
// (429).
type RDAPFault string

// The ways an RDAP server answers.
const (
	RDAPOK        RDAPFault = "ok"
	RDAPNone      RDAPFault = "none"
	RDAPHTML      RDAPFault = "html"
	RDAPBroken    RDAPFault = "broken"
	RDAPEndless   RDAPFault = "endless"
	RDAPError     RDAPFault = "error"
	RDAPThrottled RDAPFault = "throttled"
)

// WHOISFault is how a WHOIS server answers: "none" (default: there is no
// server), "ok", "html" (a web page instead), "broken" (octets that are no
// text), "endless" (an answer that never ends), "error" (a fault of the
// server's own), "throttled" (asked too often), "slow" (drips, and never comes
// to an end), "loop" (refers to itself, a registrar's back to the registry's).
type WHOISFault string

// The ways a WHOIS server answers.
const (
	WHOISNone      WHOISFault = "none"
	WHOISOK        WHOISFault = "ok"
	WHOISHTML      WHOISFault = "html"
	WHOISBroken    WHOISFault = "broken"
	WHOISEndless   WHOISFault = "endless"
	WHOISError     WHOISFault = "error"
	WHOISThrottled WHOISFault = "throttled"
	WHOISSlow      WHOISFault = "slow"
	WHOISLoop      WHOISFault = "loop"
)

// Limit is how often one client may ask one server, by the machine's own time.
// Who asks more often is told so (429 with Retry-After, or the words of WHOIS),
// and who does not heed that is banned: no question of it is answered any more.
type Limit struct {
	Rate  float64 `yaml:"rate"`            // questions a second
	Burst int     `yaml:"burst,omitempty"` // questions at once after a rest; 1 if not given
	// Ban is after how many questions over the limit a client is banned; never
	// if not given.
	Ban int `yaml:"ban,omitempty"`
}

// Registrar sells names.
type Registrar struct {
	Name   string `yaml:"name"`
	IANAID int    `yaml:"iana_id,omitempty"` // 9001 and on if not given
	// Domain of its mail and RDAP server; "<name>.example" if not given.
	Domain string    `yaml:"domain,omitempty"`
	Mail   string    `yaml:"mail,omitempty"` // "none" publishes none
	Form   string    `yaml:"form,omitempty"`
	RDAP   RDAPFault `yaml:"rdap,omitempty"`
	// WHOIS is how its WHOIS server answers, always in the form "icann".
	WHOIS     WHOISFault `yaml:"whois,omitempty"`
	Limit     *Limit     `yaml:"limit,omitempty"` // as of a TLD
	Behaviour Behaviour  `yaml:"behaviour,omitempty"`
	// Takedown is what it does to a name when it acts: "hold" (default,
	// clientHold), "delete", "park" or "sinkhole".
	Takedown string `yaml:"takedown,omitempty"`
	// Provisioning is how its system takes the centre's orders to hold and
	// release: "ok" (default), "flaky" (503 to the first attempt at each order)
	// or "down" (503 always).
	Provisioning string `yaml:"provisioning,omitempty"`
	// Inaccuracy is what it does when somebody tells it that the data of one of
	// its names are wrong.
	Inaccuracy Correction `yaml:"inaccuracy,omitempty"`
}

// Correction is how a registrar treats notices of wrong registration data. In
// YAML the word Does alone is enough.
type Correction struct {
	// Does: "corrects" (asks the holder and corrects what they give), "verifies"
	// (asks the holder, says that it is verified and changes nothing), "suspends"
	// (asks, and puts the name on hold when no answer comes), "wants_evidence"
	// (asks for evidence first; as corrects from the second notice on), "refuses",
	// "refers" (to somebody else), "claims" (says corrected and does nothing),
	// "ticket" (its ticket system answers, and nobody else) or "silent". By its
	// behaviour if not given.
	Does string `yaml:"does,omitempty"`
	// After is how long it takes to ask the holder, and for what it does without
	// asking; [2h, 1d] if not given.
	After *Range `yaml:"after,omitempty"`
	// Waits is how long it waits for the holder; 15 days if not given.
	Waits Span `yaml:"waits,omitempty"`
}

// Host runs servers.
type Host struct {
	Name string `yaml:"name"`
	// Networks are documentation prefixes; one is allocated if none is given.
	Networks  Prefixes  `yaml:"networks,omitempty"`
	Country   string    `yaml:"country,omitempty"`
	Domain    string    `yaml:"domain,omitempty"`
	Mail      string    `yaml:"mail,omitempty"`
	Form      string    `yaml:"form,omitempty"`
	Behaviour Behaviour `yaml:"behaviour,omitempty"`
	// Takedown is what visitors then get: "suspended" (default, a page saying
	// so with status 403), "404", "410", "refused" (connections are) or
	// "timeout".
	Takedown string `yaml:"takedown,omitempty"`
	// OnCompromise is what it does about a broken-into customer: "clean"
	// (default: removes the page, the site stays), "owner" (passes it on to
	// the site's owner) or "suspend" (the whole site goes).
	OnCompromise string `yaml:"on_compromise,omitempty"`
}

// CDN stands in front of other hosts: its addresses, not theirs, are in the
// DNS.
type CDN struct {
	Name      string    `yaml:"name"`
	Networks  Prefixes  `yaml:"networks,omitempty"`
	Domain    string    `yaml:"domain,omitempty"`
	Mail      string    `yaml:"mail,omitempty"`
	Form      string    `yaml:"form,omitempty"`
	Behaviour Behaviour `yaml:"behaviour,omitempty"`
	// Takedown: "interstitial" (default: a warning before the page), "stop"
	// (no longer serves it) or "forward" (passes the notice to the host).
	Takedown string `yaml:"takedown,omitempty"`
	// Forwards also passes notices to the host when Takedown is not "forward".
	Forwards bool `yaml:"forwards,omitempty"`
}

// Platform hands out customers' names under a private suffix.
type Platform struct {
	Name      string    `yaml:"name"`
	Suffix    string    `yaml:"suffix"`
	Host      string    `yaml:"host,omitempty"` // the first host if not given
	Mail      string    `yaml:"mail,omitempty"`
	Form      string    `yaml:"form,omitempty"`
	Behaviour Behaviour `yaml:"behaviour,omitempty"`
	// Registrar of the suffix' own registered domain.
	Registrar string `yaml:"registrar,omitempty"`
}

// DNSOperator runs name servers.
type DNSOperator struct {
	Name string `yaml:"name"`
	// Domain under which its servers ns1 and ns2 are.
	Domain string `yaml:"domain,omitempty"`
	// Kind: "normal" (default), "parking" or "sinkhole".
	Kind string `yaml:"kind,omitempty"`
	// Fault: "" or "servfail", "refused", "timeout": how its servers answer.
	Fault string `yaml:"fault,omitempty"`
}

// Contact is an organisation with a mailbox.
type Contact struct {
	Name      string    `yaml:"name"`
	Mail      string    `yaml:"mail,omitempty"`
	Behaviour Behaviour `yaml:"behaviour,omitempty"`
}

// CERT is a national response team.
type CERT struct {
	Name      string    `yaml:"name"`
	Mail      string    `yaml:"mail,omitempty"`
	Country   string    `yaml:"country,omitempty"`
	Behaviour Behaviour `yaml:"behaviour,omitempty"`
}

// Constituent is an organisation that the centre protects.
type Constituent struct {
	Name string `yaml:"name"`
	Mail string `yaml:"mail,omitempty"`
	// Domains are its own; the first serves its web site unless Names says
	// otherwise.
	Domains []string `yaml:"domains,omitempty"`
	// Brands are the words it is known by.
	Brands    []string  `yaml:"brands,omitempty"`
	Behaviour Behaviour `yaml:"behaviour,omitempty"`
}

// Reporter sends reports.
type Reporter struct {
	Name   string `yaml:"name"`
	Mail   string `yaml:"mail,omitempty"`
	Format string `yaml:"format,omitempty"` // default of its reports; see Report.Format
	// Auth is how its domain vouches for its mail: "full" (default: SPF, DKIM
	// and DMARC), "spf", "dkim" (each with DMARC), "none", or "forged": its
	// domain has all three, and its mails are somebody else's, with its name in
	// From.
	Auth string `yaml:"auth,omitempty"`
	// Behaviour is what its mailbox does with receipts; silent if not given.
	Behaviour Behaviour `yaml:"behaviour,omitempty"`
}

// Behaviour is how a party treats what reaches it. In YAML it is a name of a
// built-in behaviour ("prompt") or of one under "behaviours", or a mapping
// that may start from one ("like") and change parts.
type Behaviour struct {
	Like string `yaml:"like,omitempty"`
	// Mailbox: "accept" (default), "greylist" (450 at first), "bounce" (550),
	// "form" (550 naming a web form) or "full" (452, always). The others accept
	// and answer by machine: "autoreply", "rude_autoreply", "vacation",
	// "ticket", "rude_ticket", "late_bounce", "delay", "loop"; docs/scenarios.md
	// says how.
	Mailbox     string `yaml:"mailbox,omitempty"`
	GreylistFor Span   `yaml:"greylist_for,omitempty"` // 15m if not given
	// Acts is the probability that it acts on a justified ask, decided once
	// per subject.
	Acts *float64 `yaml:"acts,omitempty"`
	// After is how long acting takes, from the notice.
	After *Range `yaml:"after,omitempty"`
	// Notices is which notice about a subject moves it: 2 acts on a reminder.
	Notices int `yaml:"notices,omitempty"`
	// Says is the answer it sends on reading: received, referred, refused,
	// need_more, not_ours, or none.
	Says      string `yaml:"says,omitempty"`
	SaysAfter *Range `yaml:"says_after,omitempty"`
	// Answers is how it answers: "link" (default; see Scenario.MailIn), "mail"
	// (to the notice's Reply-To, in words) or "both". Where the notice offers
	// one way only, it takes that.
	Answers string `yaml:"answers,omitempty"`
	// Language it writes in: en, de, fr, es, pt or zh; drawn if not given.
	Language string `yaml:"language,omitempty"`
	// Reports says whether it answers "acted" once it has.
	Reports *bool `yaml:"reports,omitempty"`
	// Careless parties act on any ask, also where the name is an honest
	// holder's.
	Careless *bool `yaml:"careless,omitempty"`
	// TipsOff passes notices to the operator of the site, who may react.
	TipsOff *bool `yaml:"tips_off,omitempty"`
	// Forged: whoever is behind the site learns of the notice, and answers it in
	// the party's name, from elsewhere, that this is not the party's.
	Forged *bool `yaml:"forged,omitempty"`
	// Lies answers "acted" without acting.
	Lies *bool `yaml:"lies,omitempty"`
}

// Name is a registered domain, a platform customer's name, or an address with
// a site of its own.
type Name struct {
	Name string `yaml:"name"`
	// Class is whose doing the abuse is: malicious, compromised, platform or
	// innocent. Default: platform under a private suffix, innocent without an
	// abusive site, else malicious.
	Class string `yaml:"class,omitempty"`
	// Type of abuse on it; phishing if not given.
	Type      abuse.Type `yaml:"type,omitempty"`
	Registrar string     `yaml:"registrar,omitempty"` // the first if not given
	// Registered is when the name came to be. Default: two days before the
	// start for malicious names, years before for the others.
	Registered When `yaml:"registered,omitempty"`
	Expires    When `yaml:"expires,omitempty"`
	// Transferred is when it last changed hands, if it did.
	Transferred When `yaml:"transferred,omitempty"`
	// Registrant: "honest", "fabricated", "redacted", or a mapping.
	Registrant Registrant `yaml:"registrant,omitempty"`
	// Operator is who is behind it, where several names are one hand's.
	Operator string `yaml:"operator,omitempty"`
	// Statuses are further EPP statuses, as RDAP writes them.
	Statuses List   `yaml:"statuses,omitempty"`
	DNS      string `yaml:"dns,omitempty"`  // a DNS operator
	Host     string `yaml:"host,omitempty"` // the first if not given
	// Address of the site; allocated from the host's network if not given.
	Address string `yaml:"address,omitempty"`
	// IPv6 gives it an address there too.
	IPv6 bool   `yaml:"ipv6,omitempty"`
	CDN  string `yaml:"cdn,omitempty"`
	// Owner is the constituent whose name it is: told when it is compromised,
	// and cleans it as its behaviour says.
	Owner string `yaml:"owner,omitempty"`
	// Else is the name registered instead when the registry refuses this one, or
	// when this one, malicious, is lost because nobody verified it.
	Else string `yaml:"else,omitempty"`
	// RDAPRaw is answered verbatim instead of a generated record, by the
	// registry and the registrar alike; RDAPRawFile names a file beside the
	// scenario that holds it.
	RDAPRaw     string `yaml:"rdap_raw,omitempty"`
	RDAPRawFile string `yaml:"rdap_raw_file,omitempty"`
	// WHOISRaw is the same of WHOIS. Beside a WHOISRaw without an RDAPRaw, RDAP
	// knows nothing of the name and says that it cannot answer.
	WHOISRaw     string `yaml:"whois_raw,omitempty"`
	WHOISRawFile string `yaml:"whois_raw_file,omitempty"`

	Site Site `yaml:"site,omitempty"`
	// Then is what happens to it later.
	Then []Happening `yaml:"then,omitempty"`
	// Reported are times at which it is reported; shorthand for Reports.
	Reported []Span `yaml:"reported,omitempty"`
	// Truth overrides what the lab would write down.
	Truth *Override `yaml:"truth,omitempty"`
}

// Registrant is who registered a name. Kind alone is enough; the rest is drawn
// then.
type Registrant struct {
	Kind         string `yaml:"kind,omitempty"` // honest, fabricated or redacted
	Name         string `yaml:"name,omitempty"`
	Organization string `yaml:"organization,omitempty"`
	Email        string `yaml:"email,omitempty"`
	Phone        string `yaml:"phone,omitempty"`
	Street       string `yaml:"street,omitempty"`
	City         string `yaml:"city,omitempty"`
	PostalCode   string `yaml:"postal_code,omitempty"`
	Country      string `yaml:"country,omitempty"`
	// Verifies is what they do with a mail that has a code in it: a real mailbox
	// is behind Email then. It is filled in where the TLD requires verification.
	Verifies *Verifies `yaml:"verifies,omitempty"`
	// Flaws are what is wrong with the data as they are published; the values
	// above are then the right ones. See docs/scenarios.md for the words.
	Flaws List `yaml:"flaws,omitempty"`
	// Asked is what they do when their registrar asks about their data. Their
	// account with it has a mailbox of its own, whatever the published address is.
	Asked *Asked `yaml:"asked,omitempty"`
}

// Asked is how a holder answers their registrar. In YAML the word Answers alone
// is enough.
type Asked struct {
	// Answers: "corrects" (gives the right data), "partly" (corrects the first
	// flaw only), "insists" (that the data are right) or "never". If not given,
	// never of a fabricated holder, corrects where there are flaws, else insists.
	Answers string `yaml:"answers,omitempty"`
	// After is how long it takes, from the mail; [3h, 4d] if not given.
	After *Range `yaml:"after,omitempty"`
	// Mailbox of their account, as in Behaviour: "accept" (default), "bounce" …
	Mailbox string `yaml:"mailbox,omitempty"`
}

// Verifies is how a holder answers codes. In YAML the word Answers alone is
// enough.
type Verifies struct {
	// Answers: "prompt" (default of honest and redacted holders), "late" (days
	// later, in time), "after_hold" (only once the name is gone), "never" or
	// "disown" (somebody else's address was given: they say so).
	Answers string `yaml:"answers,omitempty"`
	// After is how long it takes, from the mail or the hold.
	After *Range `yaml:"after,omitempty"`
	// By is "page" (the link is opened and its form sent) or "mail" (a reply with
	// the code in it); drawn if not given.
	By string `yaml:"by,omitempty"`
	// Mailbox is as in Behaviour: "accept" (default), "bounce" (one fabricated
	// holder in three), "late_bounce", "full", "greylist", "rude_ticket" …
	Mailbox string `yaml:"mailbox,omitempty"`
	// Scanner opens every link of every mail before anybody reads it, as mail
	// filters do.
	Scanner bool `yaml:"scanner,omitempty"`
}

// Site is what the web server of a name shows. In YAML the kind alone is
// enough.
type Site struct {
	// Kind: phishing, malware, shop, corporate, login, blog, blank, parked,
	// sinkhole, none (no web server) or custom (only Pages).
	Kind     string `yaml:"kind,omitempty"`
	Brand    string `yaml:"brand,omitempty"`    // imitated, or the site's own
	Language string `yaml:"language,omitempty"` // en, de, es, fr, zh
	Kit      string `yaml:"kit,omitempty"`      // sign-in, card, parcel, wallet; for malware exe, elf, zip
	Scheme   string `yaml:"scheme,omitempty"`   // https or http
	Host     string `yaml:"host,omitempty"`     // host name of the URL; the name itself if not given
	Path     string `yaml:"path,omitempty"`     // where the abuse is
	// Front is what stands at "/" when the abuse is deeper: a page kind.
	Front string `yaml:"front,omitempty"`
	// Live is when the abuse goes up; at registration, or the start, if not
	// given.
	Live When `yaml:"live,omitempty"`
	// Cloak shows the abuse to some and something else to others.
	Cloak *Cloak `yaml:"cloak,omitempty"`
	// Pages are explicit answers, tried in order before everything else.
	Pages []Page `yaml:"pages,omitempty"`
}

// Cloak says who sees the abuse. ShowTo: only those who meet every given
// condition. HideFrom: not those who meet any.
type Cloak struct {
	ShowTo   *Visitors `yaml:"show_to,omitempty"`
	HideFrom *Visitors `yaml:"hide_from,omitempty"`
	// Others is the page kind everybody else gets: not_found (default), blank,
	// parked, shop, corporate or brand (a redirect to the imitated brand).
	Others string `yaml:"others,omitempty"`
}

// Visitors are conditions on a request. Each list means any of its values.
type Visitors struct {
	// Vantage: plain, mobile, zh or tool, by what the request looks like.
	Vantage  List     `yaml:"vantage,omitempty"`
	Agent    List     `yaml:"agent,omitempty"`    // part of the User-Agent, in any case
	Language List     `yaml:"language,omitempty"` // start of the first Accept-Language tag
	Source   Prefixes `yaml:"source,omitempty"`
	Referer  List     `yaml:"referer,omitempty"` // part of the Referer, in any case
}

// Page is one explicit answer.
type Page struct {
	// Path is exact, or a prefix ending in "*"; "*" if not given.
	Path string `yaml:"path,omitempty"`
	// To limits it to some visitors; From and Until to a time from the start.
	To    *Visitors `yaml:"to,omitempty"`
	From  *Span     `yaml:"from,omitempty"`
	Until *Span     `yaml:"until,omitempty"`
	// Show is a page kind: kit (the site's abuse), not_found, gone, blank,
	// parked, sinkhole, shop, corporate, login, blog, brand, suspended,
	// interstitial, error, refused (the connection is closed); or leave it out
	// and give the answer itself below.
	Show        string `yaml:"show,omitempty"`
	Status      int    `yaml:"status,omitempty"`
	ContentType string `yaml:"content_type,omitempty"`
	Title       string `yaml:"title,omitempty"`
	Body        string `yaml:"body,omitempty"`
	Location    string `yaml:"location,omitempty"`
	// Abuse says that this answer is the abuse (for the truth). Default: true
	// for kit, false for the others.
	Abuse *bool `yaml:"abuse,omitempty"`
}

// Happening changes a name at a time or after something else happened to it.
// Exactly one of At, AfterReport, AfterAsk, AfterTip and AfterTakedown is
// given.
type Happening struct {
	At *Span `yaml:"at,omitempty"` // from the start
	// AfterReport counts from the first report about the name, AfterAsk from
	// the first notice about it that a party accepted, AfterTip from the first
	// that a party passed on, AfterTakedown from each time a party took it
	// down (at most Times times).
	AfterReport   *Span `yaml:"after_report,omitempty"`
	AfterAsk      *Span `yaml:"after_ask,omitempty"`
	AfterTip      *Span `yaml:"after_tip,omitempty"`
	AfterTakedown *Span `yaml:"after_takedown,omitempty"`
	Times         int   `yaml:"times,omitempty"` // 1 if not given
	// Do: remove, restore, clean, cloak, uncloak, move, rehost, expire,
	// abandon, park, sinkhole.
	Do string `yaml:"do"`
	// To is the name a site moves to.
	To string `yaml:"to,omitempty"`
	// Host and Address are where a site is re-hosted.
	Host    string `yaml:"host,omitempty"`
	Address string `yaml:"address,omitempty"`
	// How a removed site answers: 404 (default), 410, suspended, blank,
	// refused or timeout.
	How string `yaml:"how,omitempty"`
	// By is who did it, for the truth: a party's name; nobody known if empty.
	By    string `yaml:"by,omitempty"`
	Cloak *Cloak `yaml:"cloak,omitempty"`
}

// Report is one submission.
type Report struct {
	At *Span `yaml:"at,omitempty"`
	// AfterLive counts from when the abuse of Name goes up.
	AfterLive *Span  `yaml:"after_live,omitempty"`
	From      string `yaml:"from,omitempty"` // a reporter; the first if not given
	// Format: json, xarf4 or xarf3, by the API; mail (text), mail_html, forward
	// (the mail that brought the link, passed on), arf (RFC 5965) or xarf_mail
	// (XARF attached), by mail.
	Format string `yaml:"format,omitempty"`
	// Bulk reports with the same text here, sender and time go out in one
	// request of one line each.
	Bulk string `yaml:"bulk,omitempty"`
	// Name is the subject; its site's URL is reported unless URLs says more.
	Name        string     `yaml:"name,omitempty"`
	URLs        List       `yaml:"urls,omitempty"`
	Type        abuse.Type `yaml:"type,omitempty"` // of the name if not given
	Brand       string     `yaml:"brand,omitempty"`
	Description string     `yaml:"description,omitempty"`
	Defang      bool       `yaml:"defang,omitempty"`
	// Fault makes it a bad one: malformed_json, missing_sender,
	// private_address, not_a_name, no_type.
	Fault string `yaml:"fault,omitempty"`
	// Raw is sent as it is, as ContentType (application/json).
	Raw         string `yaml:"raw,omitempty"`
	ContentType string `yaml:"content_type,omitempty"`
	// Resend sends it a second time with the same idempotency key, as a client
	// does that missed the answer.
	Resend bool `yaml:"resend,omitempty"`
	// Expect is what the centre should say: accepted (default) or rejected
	// (default with Fault).
	Expect string `yaml:"expect,omitempty"`
}

// Override replaces what the lab would write down about a subject.
type Override struct {
	Class   string `yaml:"class,omitempty"`
	Outcome string `yaml:"outcome,omitempty"`
	Actor   string `yaml:"actor,omitempty"` // a party's name; "nobody" for none
}
