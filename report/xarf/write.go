package xarf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/report"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Version is the XARF version that Write writes.
const Version = "4.2.0"

// Contact is who generated or sent a report.
type Contact struct {
	Org     string `json:"org"`
	Contact string `json:"contact"` // a mail address
	Domain  string `json:"domain"`
}

// Attachment is one piece of the centre's evidence.
type Attachment struct {
	MediaType   string
	Description string
	Data        []byte // at most report.MaxEvidenceBytes
}

// Extension is what Bailiwick adds to a report, as x_bailiwick: enough for the
// party's answer to find its way back.
type Extension struct {
	Case       string `json:"case"`
	Obligation string `json:"obligation"`
	Role       string `json:"role"`   // the role the party is asked in (party.Role)
	Action     string `json:"action"` // what is asked
}

// Outgoing is an ask to a party, to be written as XARF v4.
type Outgoing struct {
	ID    string     // a UUID, the same at every repeat of the same ask
	Abuse abuse.Type // decides category and type, see PairOf
	// URL of the abuse as machines read it, not defanged, with what identifies
	// victims already taken out (name.StripTokens). Zero if there is none.
	URL name.URL
	// Source is the address, or else the domain name, that the party is
	// responsible for.
	Source string
	// SourcePort is left out when 0.
	SourcePort int
	At         time.Time // when the centre saw it
	// Reporter is the centre, or the original reporter if they let themselves
	// be named; Sender is the centre.
	Reporter, Sender Contact
	TargetBrand      string
	Description      string // cut to 1000 characters
	Evidence         []Attachment
	Tags             []string // "namespace:predicate"; what is not of that form is left out
	// LegitimateSite is what a trademark report compares with; Registered is
	// when a suspicious domain was registered. Without them such a report is
	// written as threat intelligence.
	LegitimateSite name.URL
	Registered     time.Time
	Bailiwick      Extension
}

// Write makes a report that the XARF v4 schema accepts. What a type requires
// and the centre does not know is written as "other" or "unknown" where the
// schema lets it, and the report otherwise becomes reputation/
// threat_intelligence with the abuse type as its threat_type. An error is
// Invalid or TooLarge and names the field.
func Write(o Outgoing) ([]byte, error) {
	if o.Abuse.NeverKept() {
		return nil, problem.New(problem.Refused, "reports of type %s are handed to the hotline and written to nobody else", o.Abuse)
	}
	w := writer{}
	w.enc = jsontext.NewEncoder(&w.buf, jsontext.WithIndent("  "))
	w.token(jsontext.BeginObject)
	category, typ, details := o.pair()
	w.field("xarf_version", Version)
	w.field("report_id", o.ID)
	w.field("timestamp", o.At.UTC().Format(time.RFC3339))
	w.field("reporter", o.Reporter.clean())
	w.field("sender", o.Sender.clean())
	w.field("source_identifier", o.Source)
	if o.SourcePort != 0 {
		w.field("source_port", o.SourcePort)
	}
	w.field("category", category)
	w.field("type", typ)
	source := "researcher_analysis"
	if typ == "spam" { // has a list of its own
		source = "content_analysis"
	}
	w.field("evidence_source", source)
	if !o.URL.IsZero() {
		key := "url"
		if category == "copyright" {
			key = "infringing_url"
		}
		w.field(key, o.URL.String())
	}
	for _, d := range details {
		w.field(d.name, d.value)
	}
	if o.TargetBrand != "" {
		w.field("target_brand", report.Clean(o.TargetBrand, 200))
	}
	if o.Description != "" {
		w.field("description", report.Clean(o.Description, 1000))
	}
	w.evidence(o.Evidence)
	w.tags(o.Tags)
	if o.Bailiwick != (Extension{}) {
		w.field("x_bailiwick", o.Bailiwick)
	}
	w.token(jsontext.EndObject)
	if w.err != nil {
		return nil, problem.Wrap(w.err, problem.Internal, "the XARF report could not be written")
	}
	out := w.buf.Bytes()
	if err := o.check(out); err != nil {
		return nil, err
	}
	return out, nil
}

// check is the schema's verdict on what was written, and what an outgoing
// report needs on top.
func (o Outgoing) check(out []byte) error {
	if err := Validate(out); err != nil {
		return err
	}
	var errs *problem.Error
	if !isUUID([]byte(o.ID)) {
		errs = errs.Add("report_id", "is not a UUID")
	}
	if o.At.IsZero() {
		errs = errs.Add("timestamp", "is not set")
	}
	if o.Source == "" {
		errs = errs.Add("source_identifier", "is empty")
	}
	for _, c := range []struct {
		path string
		c    Contact
	}{{"reporter", o.Reporter}, {"sender", o.Sender}} {
		if !isMail([]byte(c.c.Contact)) {
			errs = errs.Add(c.path+".contact", "is not a mail address")
		}
	}
	return errs.OrNil()
}

func (c Contact) clean() Contact {
	return Contact{Org: report.Clean(c.Org, 200), Contact: report.Clean(c.Contact, 320), Domain: report.Clean(c.Domain, 253)}
}

type detail struct {
	name  string
	value any
}

// pair picks category and type, and the fields that type requires.
func (o Outgoing) pair() (category, typ string, details []detail) {
	category, typ = PairOf(o.Abuse)
	needsURL := category == "content" || category == "copyright"
	switch {
	case needsURL && o.URL.IsZero(),
		typ == "brand_infringement" && o.LegitimateSite.IsZero(),
		typ == "suspicious_registration" && o.Registered.IsZero():
		category, typ = "reputation", "threat_intelligence"
	}
	evidence := "see description and evidence"
	if o.Description != "" {
		evidence = report.Clean(o.Description, 1000)
	}
	switch typ {
	case "threat_intelligence":
		details = []detail{{"threat_type", string(o.Abuse)}}
	case "botnet":
		details = []detail{{"compromise_evidence", evidence}}
	case "fraud":
		details = []detail{{"fraud_type", "other"}}
	case "remote_compromise":
		details = []detail{{"compromise_type", "other"}}
	case "misconfiguration":
		details = []detail{{"service", "unknown"}}
	case "spam":
		details = []detail{{"protocol", "other"}}
	case "brand_infringement":
		details = []detail{{"infringement_type", "other"}, {"legitimate_site", o.LegitimateSite.String()}}
	case "suspicious_registration":
		details = []detail{{"registration_date", o.Registered.UTC().Format(time.RFC3339)}, {"suspicious_indicators", []string{"other"}}}
	}
	return category, typ, details
}

type writer struct {
	buf bytes.Buffer
	enc *jsontext.Encoder
	err error
}

func (w *writer) token(t jsontext.Token) {
	if w.err == nil {
		w.err = w.enc.WriteToken(t)
	}
}

func (w *writer) field(name string, v any) {
	w.token(jsontext.String(name))
	if w.err == nil {
		w.err = json.MarshalEncode(w.enc, v)
	}
}

func (w *writer) evidence(list []Attachment) {
	if len(list) == 0 {
		return
	}
	type item struct {
		ContentType string `json:"content_type"`
		Description string `json:"description,omitempty"`
		Payload     []byte `json:"payload"`
		Hash        string `json:"hash"`
		Size        int    `json:"size"`
	}
	items := make([]item, 0, len(list))
	for _, a := range list {
		sum := sha256.Sum256(a.Data)
		items = append(items, item{report.Clean(a.MediaType, 127), report.Clean(a.Description, 500), append([]byte{}, a.Data...),
			"sha256:" + hex.EncodeToString(sum[:]), len(a.Data)})
	}
	w.field("evidence", items)
}

func (w *writer) tags(tags []string) {
	n := &nodes[coreNode]
	i, ok := n.find([]byte("tags"))
	if !ok {
		return
	}
	list := &nodes[n.props[i].node]
	var kept []string
	for _, t := range tags {
		fits := true
		for _, p := range nodes[list.items].patterns {
			fits = fits && patterns[p].match([]byte(t))
		}
		if fits && (!list.maxItems.set || int64(len(kept)) < list.maxItems.n) {
			kept = append(kept, t)
		}
	}
	if kept != nil {
		w.field("tags", kept)
	}
}
