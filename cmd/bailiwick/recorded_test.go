package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// recordedWorld writes a small folder of recorded registration answers and one
// of reports, in documentation names, as a user of --recorded would have them.
func recordedWorld(tb testing.TB) (index, reports string) {
	tb.Helper()
	index, reports = tb.TempDir(), tb.TempDir()
	put := func(dir, name, text string) {
		tb.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	entity := func(role, name, iana, email string) string {
		return fmt.Sprintf(`{"objectClassName":"entity","roles":[%q],"publicIds":[{"type":"IANA Registrar ID","identifier":%q}],
			"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text",%q]]],
			"entities":[{"objectClassName":"entity","roles":["technical"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Desk"],["email",{},"text","tech@elsewhere.example"]]]},
				{"objectClassName":"entity","roles":["abuse"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Abuse"],["email",{"type":"work"},"text",%q]]]}]}`, role, iana, name, email)
	}
	domain := func(name, more string) string {
		return fmt.Sprintf(`{"rdapConformance":["rdap_level_0"],"objectClassName":"domain","ldhName":%q,"status":["active"],
			"events":[{"eventAction":"registration","eventDate":"2025-11-01T00:00:00Z"}],
			"nameservers":[{"objectClassName":"nameserver","ldhName":"ns1.dns.example"}]%s}`, name, more)
	}
	put(index, "one.json", domain("RECORDED-ONE.EXAMPLE", `,"entities":[`+entity("registrar", "Rosewood Registrations, Ltd.", "9971", "abuse@rosewood.example")+`]`))
	put(index, "two.json", domain("recorded-two.example", `,"entities":[`+entity("reseller", "Middle Seller", "9999", "sales@middle.example")+","+entity("registrar", "Ümlaut Namen GmbH", "9972", "missbrauch@umlaut.example")+`]`))
	put(index, "three.json", domain("recorded-three.example", "")) // no registrar
	put(index, "gone.json", `{"errorCode":404,"title":"Not Found"}`)
	// WHOIS: in a TLD that has RDAP as well, and in one that has WHOIS only.
	put(index, "old.txt", "Domain Name: OLD.EXAMPLE\r\nCreation Date: 2011-02-03T04:05:06Z\r\nRegistrar: Oldtown Names\r\nRegistrar IANA ID: 9973\r\n"+
		"Registrar Abuse Contact Email: abuse@oldtown.example\r\nDomain Status: ok https://icann.org/epp#ok\r\nRegistrant Country: DE\r\nName Server: NS1.DNS.EXAMPLE\r\n")
	put(index, "blocks.txt", "% The registry of test\n\ndomain:         recorded-five.test\nstatus:         clientTransferProhibited\nregistrar:      Fifth Street Names\n"+
		"created:        2012-03-04T05:06:07Z\nnserver:        ns1.dns.example\nsource:         TEST\n")
	put(index, "free.txt", "No match for domain \"FREE.TEST\".\r\n")
	put(index, "index.tsv", "name\tprotocol\tfile\nrecorded-one.example\trdap\tone.json\nrecorded-two.example\trdap\ttwo.json\n"+
		"recorded-three.example\trdap\tthree.json\nrecorded-one.example\trdap\ttwo.json\ngone.example\trdap\tgone.json\n"+
		"not a name\trdap\tone.json\nwww.recorded-one.example\trdap\tone.json\nold.example\twhois\told.txt\n"+
		"recorded-one.example\twhois\told.txt\nrecorded-five.test\twhois\tblocks.txt\nfree.test\twhois\tfree.txt\nother.test\twhois\tblocks.txt\nold.test\tfinger\told.txt\n")
	for _, f := range []string{"xarf4.json", "xarf3.json", "no-sender.json", "cut.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", "report", f))
		if err != nil {
			tb.Fatal(err)
		}
		put(reports, f, string(b))
	}
	put(reports, "readme.txt", "not a report")
	return index, reports
}

// Registration answers come from files: registrar, IANA ID and abuse contact
// on each line are the file's, and each report ends in a case or in a counted
// reason.
func TestRecorded(t *testing.T) {
	t.Parallel()
	index, reports := recordedWorld(t)
	b := readBatch(t, runs(t, "demo", "--batch", "--json", "--recorded", index, "--reports", reports).want(t, 0))
	s := b.sum
	if s.Recorded == nil || s.Recorded.Names != 5 || s.Recorded.WHOIS != 2 || s.Recorded.Templates != 4 || s.Recorded.Sent != 3*5+1 {
		t.Fatalf("recorded: %+v", s.Recorded)
	}
	for reason, n := range map[string]int{"a second answer for the same name": 2, "the answer is no registration": 2, "not a domain name": 1, "not a registered domain": 1,
		"the answer is about another name": 1, "protocol finger: no reader for it": 1} {
		if s.Recorded.Skipped[reason] != n {
			t.Errorf("%q counts %d lines of the index, not %d: %v", reason, s.Recorded.Skipped[reason], n, s.Recorded.Skipped)
		}
	}
	if s.Reports != 16 || s.Accepted != 5 || s.Duplicates != 5 || s.Rejected != 6 || s.Cases != 5 {
		t.Errorf("%d reports: %d accepted, %d duplicates, %d rejected; %d cases; reasons %v", s.Reports, s.Accepted, s.Duplicates, s.Rejected, s.Cases, s.Reasons)
	}
	for reason, n := range map[string]int{"sender: is required": 5} {
		if s.Reasons[reason] != n {
			t.Errorf("the reason %q counts %d reports, not %d: %v", reason, s.Reasons[reason], n, s.Reasons)
		}
	}
	if s.Centre.WHOIS == 0 || !s.CountsEqual {
		t.Errorf("the centre and the lab's servers counted %+v and %+v", s.Centre, s.Lab)
	}
	if s.Agreement != nil || s.Asks != 0 {
		t.Errorf("there is no truth about real names, and nothing to ask: %+v, %d asks", s.Agreement, s.Asks)
	}
	for subject, want := range map[string]*registrarLine{
		"recorded-one.example":   {"Rosewood Registrations, Ltd.", "9971", "abuse@rosewood.example"},
		"recorded-two.example":   {"Ümlaut Namen GmbH", "9972", "missbrauch@umlaut.example"},
		"recorded-three.example": nil,
		"old.example":            {"Oldtown Names", "9973", "abuse@oldtown.example"},
		"recorded-five.test":     {Name: "Fifth Street Names"},
	} {
		if got := b.about(t, subject).Registrar; (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: registrar %+v, not %+v", subject, got, want)
		}
	}
}

// A wrong index is a plain error.
func TestRecordedUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	runs(t, "demo", "--reports", dir).want(t, 2)
	runs(t, "demo", "--recorded", dir).want(t, 2)
	index := filepath.Join(dir, "index.tsv")
	for _, line := range []string{"a.example\trdap\n", "a.example\trdap\t../outside.json\n", "a.example\trdap\tmissing.json\n"} {
		if err := os.WriteFile(index, []byte("name\tprotocol\tfile\n"+line), 0o600); err != nil {
			t.Fatal(err)
		}
		r := runs(t, "demo", "--recorded", dir).want(t, 2)
		if !strings.Contains(r.err, "index.tsv") && !strings.Contains(r.err, "missing.json") {
			t.Errorf("%q: the error does not say where: %s", line, r.err)
		}
	}
}

// The shared corpus, whole: real registration answers, and XARF of all
// versions, valid, invalid and malformed.
func TestRecordedCorpus(t *testing.T) {
	dir, ok := shared("registration")
	reports, too := shared("abuse/xarf")
	if !ok || !too {
		t.Skip("the shared corpus is not beside the repository")
	}
	// Each recorded name in each of a few reports; docs/benchmarks.md has the
	// command for all of them.
	days := "1"
	reports = filepath.Join(reports, "parser-tests")
	b := readBatch(t, runs(t, "demo", "--batch", "--json", "--days", days, "--recorded", dir, "--reports", reports).want(t, 0))
	s := b.sum
	t.Logf("%d reports (%d accepted, %d duplicates, %d rejected, %d withheld) from %+v made %d cases in %s", s.Reports, s.Accepted, s.Duplicates, s.Rejected, s.Withheld, *s.Recorded, s.Cases, b.took)
	for _, reason := range sortedKeys(s.Reasons) {
		t.Logf("%6d  %s", s.Reasons[reason], reason)
	}
	if s.Reports != s.Recorded.Sent {
		t.Errorf("%d reports were sent, %d are counted", s.Recorded.Sent, s.Reports)
	}
	if s.Asks != 0 {
		t.Errorf("%d asks about real names in a world without abuse", s.Asks)
	}
	answers := independent(t, dir)
	checked, named, reachable := map[string]bool{}, 0, 0
	for _, c := range b.cases {
		want, ok := answers[c.Subject]
		if !ok { // an address, or the subject of a template
			continue
		}
		var got registrarLine
		if c.Registrar != nil {
			got = *c.Registrar
		}
		if got != want {
			t.Errorf("%s: registrar %+v, the file says %+v", c.Subject, got, want)
		}
		if !checked[c.Subject] && want.Name != "" {
			named++
		}
		if !checked[c.Subject] && want.AbuseEmail != "" {
			reachable++
		}
		checked[c.Subject] = true
	}
	t.Logf("%d names checked against their files; %d name a registrar, %d an abuse address", len(checked), named, reachable)
	if rdap := s.Recorded.Names - s.Recorded.WHOIS; len(checked) < rdap*2/3 || named == 0 || reachable == 0 {
		t.Errorf("only %d of %d names came to a case", len(checked), rdap)
	}
	ids, cases, right := whoisIDs(t, dir), map[string]bool{}, 0
	without := 0
	for _, c := range b.cases {
		want, ok := ids[c.Subject]
		if _, rdap := answers[c.Subject]; !ok || rdap || cases[c.Subject] {
			continue
		}
		cases[c.Subject] = true
		switch {
		case c.Registrar == nil && want != "": // a shared host's own name is not asked about
			without++
		case c.Registrar == nil:
		case want != "" && c.Registrar.IANAID != want:
			t.Errorf("%s: registrar %+v, the file says %s", c.Subject, c.Registrar, want)
		default:
			right++
		}
	}
	t.Logf("%d of %d names with WHOIS came to a case; %d have a registrar, %d should; WHOIS exchanges: %d", len(cases), s.Recorded.WHOIS, right, right+without, s.Centre.WHOIS)
	if without > len(cases)/50 {
		t.Errorf("%d of %d cases have no registrar where the file names one", without, len(cases))
	}
	if len(cases) < s.Recorded.WHOIS*2/3 || !s.CountsEqual {
		t.Errorf("only %d of %d names with WHOIS came to a case; counted %+v and %+v", len(cases), s.Recorded.WHOIS, s.Centre, s.Lab)
	}
}

// independent reads registrar, IANA ID and abuse address out of the recorded
// answers without the program's own reader: the entity whose roles hold
// "registrar", its publicIds, and the first "email" of the entity below it, else
// beside it, whose roles hold "abuse" (RFC 9083 sections 5.1 and 4.8, RFC 7095).
func independent(t *testing.T, dir string) map[string]registrarLine {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]registrarLine{}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		cols := strings.Split(sc.Text(), "\t")
		name := strings.ToLower(cols[0])
		if _, seen := out[name]; seen || len(cols) != 3 || cols[1] != "rdap" {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, cols[2]))
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Entities []rdapEntity `json:"entities"`
		}
		if json.Unmarshal(raw, &doc) != nil {
			continue
		}
		var line registrarLine
		for _, e := range doc.Entities {
			if !e.is("registrar") {
				continue
			}
			if line.Name = e.card("fn"); line.Name == "" {
				line.Name = e.card("org")
			}
			if _, err := strconv.Atoi(e.Handle); line.Name == "" && err != nil { // some give nothing but a handle
				line.Name = e.Handle
			}
			for _, id := range e.PublicIDs {
				if strings.EqualFold(id.Type, "IANA Registrar ID") {
					line.IANAID = fmt.Sprint(id.Identifier)
				}
			}
			for _, below := range e.Entities {
				if below.is("abuse") && line.AbuseEmail == "" {
					line.AbuseEmail = below.card("email")
				}
			}
			break
		}
		for _, e := range doc.Entities { // some put the desk beside the registrar
			if e.is("abuse") && line.AbuseEmail == "" {
				line.AbuseEmail = e.card("email")
			}
		}
		out[name] = line
	}
	return out
}

// whoisIDs are the names with recorded WHOIS answers, and the registrar's IANA
// ID of those that say it on one line, in the gTLDs' form.
func whoisIDs(t *testing.T, dir string) map[string]string {
	t.Helper()
	index, err := os.ReadFile(filepath.Join(dir, "index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(index)) {
		cols := strings.Split(strings.TrimSpace(line), "\t")
		if len(cols) != 3 || cols[1] != "whois" {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, cols[2]))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.ToLower(cols[0])
		if _, seen := out[name]; seen {
			continue
		}
		out[name] = ""
		const label = "Registrar IANA ID:"
		if text := string(raw); strings.Count(text, label) == 1 {
			_, after, _ := strings.Cut(text, label)
			id, _, _ := strings.Cut(after, "\n")
			if id = strings.TrimSpace(id); strings.Trim(id, "0123456789") == "" { // some say "not applicable"
				out[name] = id
			}
		}
	}
	return out
}

type rdapEntity struct {
	Handle    string   `json:"handle"`
	Roles     []string `json:"roles"`
	PublicIDs []struct {
		Type       string `json:"type"`
		Identifier any    `json:"identifier"`
	} `json:"publicIds"`
	VCard    []json.RawMessage `json:"vcardArray"`
	Entities []rdapEntity      `json:"entities"`
}

func (e rdapEntity) is(role string) bool {
	for _, r := range e.Roles {
		if strings.EqualFold(r, role) {
			return true
		}
	}
	return false
}

// card is the first text of a jCard property.
func (e rdapEntity) card(property string) string {
	if len(e.VCard) != 2 {
		return ""
	}
	var props [][]json.RawMessage
	if json.Unmarshal(e.VCard[1], &props) != nil {
		return ""
	}
	for _, p := range props {
		var name, value string
		if len(p) >= 4 && json.Unmarshal(p[0], &name) == nil && name == property && json.Unmarshal(p[3], &value) == nil && value != "" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
