package message

import (
	"strings"
	"unicode"

	"bailiwick/abuse"
	"bailiwick/mail"
)

// stated are the words by which reporters say what kind of abuse it is, in
// lower case; earlier types win where two are said as often.
var stated = []struct {
	t     abuse.Type
	words []string
}{
	{abuse.Phishing, []string{"phish", "fishing site", "credential harvest", "credential theft", "steal credentials", "steal login", "fake login", "spoofed login", "hameçonnage", "hameconnage", "filoutage", "suplantación", "suplantacion", "fraude bancario", "roubo de senha", "furto di credenziali", "oltalama", "фишинг", "фішинг", "wyłudz", "podvržen", "adathalász", "kalastelu", "nätfiske", "釣魚", "钓鱼", "網路釣魚", "フィッシング", "피싱", "التصيد", "דיוג", "lừa đảo"}},
	{abuse.Malware, []string{"malware", "trojan", "ransomware", "virus", "infostealer", "stealer", "payload", "dropper", "exploit kit", "malicious file", "malicious download", "malicious software", "drive-by", "schadsoftware", "schadcode", "logiciel malveillant", "maliciel", "programa maligno", "software malicioso", "código malicioso", "вредонос", "вирус", "złośliw", "マルウェア", "ウイルス", "恶意软件", "惡意程式", "恶意程序", "악성코드", "zararlı yazılım"}},
	{abuse.Botnet, []string{"botnet", "command and control", "command & control", "command-and-control", "c&c", "c2 server", "c2 domain", " c2", "bot network", "ботнет", "僵尸网络", "ボットネット"}},
	{abuse.Pharming, []string{"pharming", "dns hijack"}},
	{abuse.Fraud, []string{"scam", "fraud", "fake shop", "fake store", "fakeshop", "betrug", "betrüger", "escroquerie", "arnaque", "estafa", "fraude", "truffa", "golpe", "oplichting", "bedrägeri", "svindel", "huijaus", "oszust", "podvod", "мошенн", "шахрай", "dolandırıcı", "詐欺", "诈骗", "詐騙", "사기", "advance fee", "investment site", "crypto doubling"}},
	{abuse.Copyright, []string{"copyright", "dmca", "piracy", "pirated", "urheberrecht", "droit d'auteur", "derechos de autor", "direitos autorais", "著作権", "版权", "авторск"}},
	{abuse.Trademark, []string{"trademark", "trade mark", "counterfeit", "brand infring", "brand abuse", "markenrecht", "contrefaçon", "falsificac", "商标", "商標"}},
	{abuse.Attack, []string{"brute force", "brute-force", "bruteforce", "port scan", "portscan", "ddos", "denial of service", "ssh login", "login attempts", "sql injection", "attack from", "attacks from", "hacking attempt", "fail2ban", "scanning our"}},
	{abuse.Compromised, []string{"has been hacked", "was hacked", "is hacked", "compromised website", "compromised site", "defaced", "defacement", "web shell", "webshell", "gehackt", "piraté"}},
	{abuse.Spam, []string{"spam", "unsolicited", "junk mail", "bulk mail", "pourriel", "correo no deseado", "correo basura", "lixo eletrônico", "posta indesiderata", "unerwünschte", "спам", "nevyžádan", "niechcian", "迷惑メール", "垃圾邮件", "垃圾郵件", "스팸", "istenmeyen"}},
}

// never are the words of a subject line or a type that name what is never
// kept, with everything but letters left out; neverWords count as whole words
// only.
var (
	never      = []string{"childsex", "childabuse", "childporn", "childexploit", "childmolest", "sexualabuseofchild", "abuseofchildren", "kinderporno", "kindesmissbrauch", "pornographieenfantine", "pédoporno", "pedoporno", "pornografiainfantil", "abusoinfantil", "pedopornografia", "детскаяпорнография", "детскойпорнографи", "детскуюпорнографи", "児童ポルノ", "儿童色情", "兒童色情", "아동포르노", "아동음란물"}
	neverWords = []string{"csam", "csem", "csea", "csai"}
)

// statedWords finds them all, and statedTypes says which type each is of.
var statedWords, statedTypes = func() (*mail.Words, []int) {
	var words []string
	var types []int
	for i, s := range stated {
		for _, w := range s.words {
			words, types = append(words, w), append(types, i)
		}
	}
	return mail.NewWords(words...), types
}()

// kindOf guesses the type from the subject and the reporter's own words, the
// subject counting three times; Other if none is said.
func kindOf(subject, own string) abuse.Type {
	var n, said [32]int
	statedWords.Each(strings.ToLower(subject), func(w, _ int) bool {
		n[statedTypes[w]] += 3
		return true
	})
	statedWords.Each(strings.ToLower(own), func(w, _ int) bool {
		// Who says it again says it no more.
		if t := statedTypes[w]; said[t] < 6 {
			said[t]++
			n[t]++
		}
		return true
	})
	best, score := abuse.Other, 0
	for i, s := range stated {
		// "Fraud" and "spam" are said of everything; who says what is done with
		// it means that. What comes first in the list wins a tie.
		general := s.t == abuse.Spam || s.t == abuse.Fraud && (best == abuse.Phishing || best == abuse.Malware || best == abuse.Botnet)
		if n[i] > score && !(general && score > 0) {
			best, score = s.t, n[i]
		}
	}
	return best
}

// accuses says whether a text names a kind of abuse.
func accuses(text string) bool {
	return statedWords.In(strings.ToLower(text[:min(len(text), maxSaid)])) != ""
}

// DeclaresNever says whether a subject line or another text in the place of a
// type names child sexual abuse material.
func DeclaresNever(s string) bool {
	if len(s) < 4 {
		return false
	}
	low := strings.ToLower(s)
	var b strings.Builder
	for _, r := range low {
		switch {
		case r >= 'a' && r <= 'z', unicode.IsLetter(r):
			b.WriteRune(r)
		case r == ' ' || r == '-' || r == '_' || r == '.' || r == '/' || r >= 0x80:
			// What people put between the letters of one word.
		default:
			b.WriteByte('|')
		}
	}
	if containsAny(b.String(), never) {
		return true
	}
	for _, w := range strings.FieldsFunc(low, func(r rune) bool { return !unicode.IsLetter(r) && r != '.' && r != '-' && r != '_' }) {
		w = strings.NewReplacer(".", "", "-", "", "_", "").Replace(w)
		for _, n := range neverWords {
			if w == n {
				return true
			}
		}
	}
	for _, w := range strings.FieldsFunc(low, func(r rune) bool { return !unicode.IsLetter(r) }) {
		for _, n := range neverWords {
			if w == n {
				return true
			}
		}
	}
	return false
}

// references are services whose pages are proof or help, hardly ever the abuse;
// freemail are where people have mailboxes; famous are the front doors of
// organisations that phishing mails link to for looks. Names below a famous
// one are not meant: people host pages there.
var references = set("virustotal.com urlscan.io phishtank.com phishtank.org abuse.ch urlhaus.abuse.ch threatfox.abuse.ch bazaar.abuse.ch hybrid-analysis.com any.run app.any.run joesandbox.com triage.cc tria.ge spamcop.net spamhaus.org abuseipdb.com whois.com who.is whois.domaintools.com domaintools.com lookup.icann.org icann.org iana.org ripe.net arin.net apnic.net lacnic.net afrinic.net ietf.org rfc-editor.org datatracker.ietf.org tools.ietf.org wikipedia.org w3.org github.com archive.org web.archive.org archive.today archive.ph checkphish.ai openphish.com apwg.org antiphishing.org talosintelligence.com otx.alienvault.com shodan.io censys.io mxtoolbox.com safebrowsing.google.com transparencyreport.google.com netcraft.com report.netcraft.com x-arf.org xarf.org mxtoolbox.com dnslytics.com securitytrails.com cve.org nvd.nist.gov imgur.com prnt.sc postimg.cc schemas.microsoft.com blackhole.mx abusix.com abusix.org")

var freemail = set("gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com yahoo.co.jp yahoo.co.uk ymail.com aol.com icloud.com me.com mac.com gmx.de gmx.net gmx.com web.de t-online.de freenet.de proton.me protonmail.com mail.ru yandex.ru yandex.com qq.com 163.com 126.com naver.com daum.net orange.fr free.fr laposte.net libero.it wp.pl seznam.cz zoho.com fastmail.com")

var famous = set("google.com facebook.com twitter.com x.com linkedin.com instagram.com youtube.com apple.com microsoft.com amazon.com paypal.com netflix.com dhl.com ups.com fedex.com usps.com visa.com mastercard.com americanexpress.com whatsapp.com telegram.org tiktok.com pinterest.com adobe.com dropbox.com docusign.com support.google.com policies.google.com support.apple.com support.microsoft.com privacy.microsoft.com go.microsoft.com aka.ms account.microsoft.com login.microsoftonline.com office.com mozilla.org thunderbird.net avast.com avg.com norton.com mcafee.com play.google.com itunes.apple.com apps.apple.com store.google.com chase.com wellsfargo.com bankofamerica.com citi.com hsbc.com hsbc.co.uk barclays.co.uk lloydsbank.com natwest.com santander.com bbva.com ing.com rabobank.nl deutsche-bank.de sparkasse.de commerzbank.de postbank.de credit-agricole.fr bnpparibas.com societegenerale.fr labanquepostale.fr intesasanpaolo.com unicredit.it ubs.com sbc.com att.com rakuten.co.jp mufg.jp smbc.co.jp jcb.co.jp ebay.com walmart.com coinbase.com binance.com blockchain.com")

func set(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}
