package reply

import (
	"strings"
	"testing"
	"unicode/utf8"

	"bailiwick/mail"

	"pgregory.net/rapid"
)

func TestMeant(t *testing.T) {
	for _, tc := range []struct {
		text, want string
		sure       bool
	}{
		{"Hello,\n\nWe have suspended the domain. Thank you for the report.", Acted, true},
		{"The domain has been suspended.", Acted, true},
		{"The phishing page has now been taken down by our team.", Received, false}, // "now" stands between
		{"We have since taken down the page.", Acted, true},
		{"We have not suspended the domain.", Received, false},
		{"Once the customer answers, it will be suspended.", Received, false},
		{"If the domain has been suspended already, please close the case.", Received, false},
		{"Thank you for your report. Our team will look into it.", Received, false},
		{"This domain is not hosted by us. Please contact the registrar.", Referred, true},
		{"This IP address is not on our network.", NotOurs, true},
		{"We will not act without a court order.", Refused, true},
		{"Unfortunately we are unable to take action on this domain.", Refused, true},
		{"Could you provide a screenshot?", NeedMore, true},
		{"We have suspended the domain. Please provide more details for the others.", Received, false},
		{"acted", Acted, true},
		{"Answer: not ours", NotOurs, true},
		{"  *Refused.*", Refused, true},
		{"refused\nacted", Received, false},
		{"Die Domain wurde gesperrt.", Acted, true},
		{"Die Domain wurde noch nicht gesperrt.", Received, false},
		{"Wir haben die Seite entfernt.", Acted, true},
		{"Bitte wenden Sie sich an den Registrar.", Referred, true},
		{"Diese Adresse gehört nicht zu uns.", NotOurs, true},
		{"Le nom de domaine a été suspendu.", Acted, true},
		{"Veuillez contacter le bureau d'enregistrement.", Referred, true},
		{"El dominio ha sido suspendido.", Acted, true},
		{"Necesitamos más información.", NeedMore, true},
		{"O site foi removido.", Acted, true},
		{"Домен приостановлен.", Acted, true},
		{"Этот домен не принадлежит нам.", NotOurs, true},
		{"нарушений не обнаружено", Refused, true},
		{"您好，该域名已暂停解析。", Acted, true},
		{"请联系注册商处理。", Referred, true},
		{"该域名不属于我们。", NotOurs, true},
		{"該当ページを削除いたしました。", Acted, true},
		{"해당 도메인을 정지했습니다.", Acted, true},
		{"We forwarded it to our customer, and the page was removed.", Acted, true},
		{"Após análise, recusamos agir.", Refused, true},
		{"Wir werden nicht tätig.", Refused, true},
		{"Veuillez contacter le bureau d'enregistrement.", Referred, true},
		{"Ce domaine n'est pas géré par nos services.", NotOurs, true},
		{"我们已经暂停了该域名。", Acted, true},
		{"", Received, false},
	} {
		if got, sure := Meant(tc.text); got != tc.want || sure != tc.sure {
			t.Errorf("%q: %s %v, want %s %v", tc.text, got, sure, tc.want, tc.sure)
		}
	}
}

func TestOwn(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"top":           {"Done.\n\nOn Mon, 2 Mar 2026 at 10:00, Example CERT <soc@centre.example> wrote:\n> We ask you to act.\n> It has been suspended before.\n", "Done."},
		"bottom":        {"On Mon, 2 Mar 2026 at 10:00, Example CERT\n<soc@centre.example> wrote:\n> We ask you to act.\n\nDone.\n", "Done."},
		"between":       {"> Is it yours?\nNo.\n> Who is it?\nAsk the host.\n", "No.\nAsk the host."},
		"unmarked":      {"Done.\nAm 02.03.2026 um 10:00 schrieb Example CERT:\nWe ask you.\nThe domain was suspended.\n", "Done."},
		"outlook":       {"Done.\n\nFrom: Example CERT <soc@centre.example>\nSent: Monday, 2 March 2026 10:00\nTo: abuse@reg.example\nSubject: [X]\n\nThe domain was suspended.", "Done."},
		"original":      {"Done.\n\n-----Original Message-----\nFrom: x\n", "Done."},
		"signature":     {"Done.\n-- \nAbuse desk\nWe have suspended 1,000 names", "Done."},
		"our text bare": {"Done.\nCase 01KXA7Q0M4ZC9V5T3R8W2YH6NB. Example CERT asks you to act.\nrefused", "Done."},
		"chinese":       {"已处理。\n在 2026年3月2日，Example CERT 写道：\n> ...", "已处理。"},
		"no quotation":  {"From what we see it is gone.\nTo: be sure we look again.", "From what we see it is gone.\nTo: be sure we look again."},
		"ticket":        {"##- Please type your reply above this line -##\nWe got it.", "We got it."},
	} {
		if got := own(tc.text); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// Quoting any text below an attribution changes nothing about what was said.
func TestQuotedDoesNotCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		said := rapid.SampledFrom([]string{"We have suspended the domain.", "Not ours.", "Thank you.", "已处理。"}).Draw(t, "said")
		quoted := rapid.StringMatching(`[a-z .\n]{0,200}|acted|we have suspended the domain`).Draw(t, "quoted")
		text := said + "\n\nOn Mon, 2 Mar 2026 Example CERT <soc@centre.example> wrote:\n> " + strings.ReplaceAll(quoted, "\n", "\n> ")
		a, s := Meant(own(text))
		b, u := Meant(said)
		if a != b || s != u {
			t.Fatalf("%q: %s %v, alone %s %v", text, a, s, b, u)
		}
	})
}

func FuzzMeant(f *testing.F) {
	f.Add([]byte("From: a@b.example\r\nSubject: Re: x\r\n\r\nWe have suspended it.\r\n> quoted"))
	f.Add([]byte("Content-Type: text/html\r\n\r\n<p>acted</p><blockquote>refused</blockquote>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := mail.Read(raw)
		if err != nil {
			return
		}
		own := Own(&m)
		if !utf8.ValidString(own) || len(own) > MaxText {
			t.Fatalf("%q", own)
		}
		if a, _ := Meant(own); a == "" {
			t.Fatal("no answer")
		}
	})
}
