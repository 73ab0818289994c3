package lab

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// Each flaw changes the value that it is about, is seen as one, and is gone once
// the right value stands there.
func TestFlaws(t *testing.T) {
	right := Registrant{Name: "Anna Dahl", Email: "anna@letters.example", Phone: "+44.1134960123", PostalCode: "LS1 4DY", Country: "GB"}
	for _, f := range flawWords {
		n := Name{Name: "mill.shopx", Registrant: right}
		n.Registrant.Flaws = List{f}
		data := n.published()
		if data.Email == right.Email && data.Phone == right.Phone && data.PostalCode == right.PostalCode {
			t.Errorf("%s changes nothing", f)
		}
		if got := n.wrong(data); !slices.Equal(got, []string{f}) {
			t.Errorf("%s: %v is wrong", f, got)
		}
		if !data.read("Hello,\n\nit should be:\n" + right.lines()) {
			t.Errorf("%s: the right data change nothing", f)
		}
		if got := n.wrong(data); len(got) != 0 {
			t.Errorf("%s: %v is wrong still in %+v", f, got, data)
		}
	}
	data := right
	if data.read("The data are correct.\n\n> Email: evil@elsewhere.example\nEmail:\nEmail: "+strings.Repeat("x", 300)+"\nFax: 1\n") || data.Email != right.Email {
		t.Errorf("what is quoted, empty or endless was taken: %+v", data)
	}
}

func TestCorrectionWords(t *testing.T) {
	said := []string{"received", "corrected", "verified", "suspended", "unreachable", "need_more", "refused", "referred", "no_authority"}
	slices.Sort(said)
	for _, lang := range tongues {
		have := corrections()[lang]
		if got := slices.Sorted(maps.Keys(have)); !slices.Equal(got, said) {
			t.Errorf("%s: %v", lang, got)
		}
		for k, v := range have {
			if len(v) == 0 || slices.Contains(v, "") {
				t.Errorf("%s: %s has no words", lang, k)
			}
		}
	}
	for says, want := range map[string]string{"need_more": "received", "referred": "refused", "corrected": "corrected"} {
		if got := linkAnswer(says, "words"); got["answer"] != want || got["text"] != "words" {
			t.Errorf("%s: %v", says, got)
		}
	}
}

func TestCorrectionChecks(t *testing.T) {
	const good = "tlds: [{name: shopx}]\nregistrars: [{name: Quickname, inaccuracy: corrects}]\nnames: [{name: a.shopx, registrant: {flaws: [mail_form, phone_short], asked: never}}]\n"
	if s := load(t, good); s.Names[0].Registrant.Asked.Answers != "never" || s.Registrars[0].Inaccuracy.Does != "corrects" {
		t.Errorf("%+v", s.Names[0].Registrant)
	}
	for want, change := range map[string][2]string{
		"did you mean \"corrects\"":     {"inaccuracy: corrects", "inaccuracy: correct"},
		"inaccuracy.waits":              {"inaccuracy: corrects", "inaccuracy: {does: corrects, waits: -1d}"},
		"flaws[0]":                      {"mail_form", "mail_forms"},
		"one value is wrong in one way": {"mail_form", "phone_code"},
		"asked.answers":                 {"asked: never", "asked: sometimes"},
		"is for registered domains":     {"name: a.shopx,", "name: 192.0.2.9, address: 192.0.2.9,"},
		"is a name of the scenario":     {"names: [{name: a.shopx, registrant: {flaws: [mail_form,", "names: [{name: a-formerly.shopx}, {name: a.shopx, registrant: {flaws: [mail_domain,"},
		"needs an email that is right":  {"flaws: [mail_form", "email: none, flaws: [mail_form"},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%q is not in the scenario", change[0])
		}
		if _, err := Load(strings.NewReader(bad), "test.yaml"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("wanted %q: %v", want, err)
		}
	}
}

const wrongData = `
tlds: [{name: shopx, whois: ok}]
registrars:
  - {name: Careful, behaviour: {like: prompt, says_after: 5m, language: en}, inaccuracy: {does: corrects, after: 2h}}
  - {name: Strict, behaviour: {like: prompt, says: none}, inaccuracy: {does: suspends, after: 2h, waits: 10d}}
names:
  - {name: mill.shopx, registrar: Careful, registrant: {email: anna@letters.example, flaws: [mail_null], asked: {answers: corrects, after: 1d}}, site: shop}
  - {name: oak.shopx, registrar: Strict, registrant: {flaws: [phone_short], asked: {answers: corrects, after: 12d}}, site: shop}
`

// A registrar that is told of wrong data asks its customer, by mail; what they
// answer is published by RDAP and WHOIS; a name is held when they do not, and
// comes back when they do. A stranger's mail to either mailbox moves nothing.
func TestRegistrarCorrects(t *testing.T) {
	c := start(t, load(t, wrongData))
	k := c.centre()
	at := time.Minute
	c.advance(at)
	until := func(end time.Duration) { // in steps: what a mail brings about comes after it
		for ; at <= end; at += 6 * time.Hour {
			c.advance(at)
		}
	}
	notice := func(n, to string) {
		t.Helper()
		text := "From: desk@centre.example\r\nTo: <" + to + ">\r\nSubject: [X] registration data of " + n + " seems inaccurate\r\nMessage-ID: <" + n + "@centre.example>\r\n\r\nName: " + strings.ReplaceAll(n, ".", "[.]") +
			"\r\n\r\nWHAT WAS FOUND\r\n- registrant: email: It says that it takes no mail (email mx, V2)\r\nAnswer: " + k.URL + "/answer/" + n + "\r\n"
		if err := c.mail("notices@centre.example", to, text); err != nil {
			t.Fatal(err)
		}
	}
	stranger := func(from, to, n string) {
		t.Helper()
		if err := c.mail(from, to, "From: "+from+"\r\nTo: <"+to+">\r\nSubject: Re: "+n+"\r\n\r\nEmail: evil@elsewhere.example\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	notice("mill.shopx", "abuse@careful.example")
	notice("oak.shopx", "abuse@strict.example")
	stranger("mallory@elsewhere.example", account("mill.shopx"), "mill.shopx")
	stranger("mallory@elsewhere.example", "customer-care@careful.example", "mill.shopx")
	until(20 * time.Hour)
	if w := c.w.Inaccuracies(); len(w) != 2 || w[0].Right() || w[0].Asked.IsZero() || !w[0].Corrected.IsZero() || w[0].Temper != "corrects" || len(w[0].Notices) != 1 {
		t.Fatalf("%+v", w)
	}
	var asked string
	for _, m := range c.w.Mails() {
		if m.To == account("mill.shopx") && strings.HasPrefix(m.From, "customer-care@") {
			asked = string(m.Raw)
		}
	}
	if !strings.Contains(asked, "registrant: email") || !strings.Contains(asked, "mill.shopx") {
		t.Errorf("the customer was asked: %q", asked)
	}
	until(40 * time.Hour)
	w := c.w.Inaccuracies()
	if !w[0].Right() || w[0].Word.Says != "corrects" || w[0].Said[len(w[0].Said)-1].Says != "corrected" {
		t.Errorf("%+v", w[0])
	}
	for what, got := range map[string]string{"RDAP": c.mustGet("https://rdap.nic.shopx/domain/mill.shopx", plain()).body, "WHOIS": c.whois("whois.nic.shopx", "mill.shopx")} {
		if !strings.Contains(got, "anna@letters.example") || strings.Contains(got, nullMail) || strings.Contains(got, "evil@") {
			t.Errorf("%s: %s", what, got)
		}
	}
	held := func() bool { return strings.Contains(c.whois("whois.nic.shopx", "oak.shopx"), "clientHold") }
	until(11 * 24 * time.Hour)
	if !held() || len(c.lookup("oak.shopx")) != 0 {
		t.Error("the name is not held after ten days without an answer")
	}
	until(13 * 24 * time.Hour)
	if w := c.w.Inaccuracies()[1]; held() || len(w.Holds) != 1 || w.Holds[0].To.IsZero() || !w.Right() {
		t.Errorf("after the answer: held %t, %+v", held(), w)
	}
	if n := c.w.Counts(); n.SMTPInner != 4 || n.SMTPAccepted != 4 || n.AnswersFailed != 0 {
		t.Errorf("%+v", n)
	}
	// What a domain's DNS says where no mail is taken.
	if a := c.lookup(nullMail); len(a) == 0 || a[0] == (netip.Addr{}) {
		t.Errorf("%v", a)
	}
}

// What a registrar reads in a mail, and a holder's own words, come from outside.
func FuzzData(f *testing.F) {
	f.Add("registration data of a.shopx seems inaccurate", "Name: a[.]shopx\n- registrant: email: x\n")
	f.Add("Copy: Registration Data inaccurate", "Name: \xff\nEmail: a@b.example\nPhone: +1.2\n")
	w := &World{}
	f.Fuzz(func(t *testing.T, subject, text string) {
		n := notice{mail: incoming{subject: subject, text: text}}
		w.aboutData(&n)
		if len(n.fields) > maxFields || n.data != (n.subject != "") {
			t.Errorf("%+v", n)
		}
		var r Registrant
		if r.read(text) != (r.Email+r.Phone+r.Street+r.City+r.PostalCode+r.Country != "") {
			t.Errorf("%+v", r)
		}
	})
}
