package judge

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/registration"
)

// The little world of the tests: pages as hosts and kits write them, and looks
// at them. All of it is made up.

var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func u(s string) name.URL    { return must(name.ParseURL(s)) }
func d(s string) name.Domain { return must(name.Parse(s)) }

// acme is a brand the centre knows; Umbra Credit Union is known from reports
// only.
var world = sync.OnceValue(func() Known {
	return Known{
		Brands: []Brand{
			{Name: "Acme Bank", Words: []string{"acmebank", "Акме Банк", "アクメ銀行"}, Domains: []name.Domain{d("acmebank.example"), d("acme-group.example")}},
			{Name: "Parcelo", Domains: []name.Domain{d("parcelo.example")}},
			{Name: "Zimbra", Domains: []name.Domain{d("zimbra-mail.example")}},
		},
		Sinkholes:       []netip.Prefix{netip.MustParsePrefix("203.0.113.192/28")},
		SinkholeServers: []name.Domain{d("sinkhole.example")},
		ParkingServers:  []name.Domain{d("parking.example")},
		Notices:         []Notice{{Kind: Suspended, Phrase: "This bungalow has been evicted", Role: party.Platform, Party: "platform:bungalow"}},
		Suffixes:        must(name.WithPrivate([]name.Domain{d("pages.example")})),
	}
})

func claim(typ abuse.Type, brand string, urls ...string) Claim {
	c := Claim{Type: typ, Brand: brand}
	for _, s := range urls {
		c.URLs = append(c.URLs, u(s))
	}
	return c
}

// got is one fetch that got an HTML page.
func got(url, vantage string, status int, body string) evidence.Fetch {
	return sent(url, url, vantage, status, "text/html; charset=utf-8", body)
}

// sent is one fetch that ended at another URL.
func sent(url, final, vantage string, status int, contentType, body string) evidence.Fetch {
	f := evidence.Fetch{URL: u(url), Vantage: vantage, At: t0, Status: status, ContentType: contentType, Bytes: int64(len(body))}
	addr := netip.MustParseAddr("192.0.2.10")
	if url != final {
		f.Hops = append(f.Hops, evidence.Hop{URL: u(url), Addr: addr, Status: 302, Location: final})
	}
	f.Hops = append(f.Hops, evidence.Hop{URL: u(final), Addr: addr, Status: status})
	sum := sha256.Sum256([]byte(body))
	f.Body = hex.EncodeToString(sum[:])
	f.Page = evidence.ReadPage([]byte(body), contentType, u(final))
	return f
}

// failed is one fetch without an answer.
func failed(url, vantage, err string) evidence.Fetch {
	return evidence.Fetch{URL: u(url), Vantage: vantage, At: t0, Err: err, Hops: []evidence.Hop{{URL: u(url)}}}
}

// zone is the DNS of a name that resolves.
func zone(domain string) *evidence.DNS {
	return &evidence.DNS{Name: d(domain), At: t0,
		Delegation: evidence.Answer{RCode: "NOERROR", Values: []string{"ns1.dns-one.example", "ns2.dns-one.example"}},
		A:          evidence.Answer{RCode: "NOERROR", Values: []string{"192.0.2.10"}}, SOA: evidence.Answer{RCode: "NOERROR", Values: []string{"ns1.dns-one.example"}},
		MX: evidence.Answer{RCode: "NOERROR"}}
}

func html(title, body string) string {
	return "<!doctype html><html><head><title>" + title + "</title></head><body>" + body + "</body></html>"
}

const password = `<form method=post action="login.php"><label>User</label><input name=user><label>%s</label><input type=password name=p><button>%s</button></form>`

// kit is a phishing page in one of several languages.
func kit(lang, brand string) string {
	form := func(pw, ok string) string { return fmt.Sprintf(password, pw, ok) }
	switch lang {
	case "fr":
		return html(brand+" - Connexion", "<h1>"+brand+"</h1><p>Votre compte a été limité. Vérifiez votre identité sous 24 heures.</p>"+form("Mot de passe", "Se connecter"))
	case "de":
		return html(brand+" | Anmelden", "<h1>"+brand+"</h1><p>Ihr Konto wurde vorübergehend gesperrt. Bestätigen Sie Ihre Identität.</p>"+form("Passwort", "Anmelden"))
	case "es":
		return html(brand+" - Iniciar sesión", "<p>Actividad inusual. Verifique su cuenta de "+brand+" para continuar.</p>"+form("Contraseña", "Entrar"))
	case "pt":
		return html(brand, "<p>Sua conta foi bloqueada. Confirme sua identidade para entrar em "+brand+".</p>"+form("Senha", "Entrar"))
	case "zh":
		return html(brand+" 登录", "<p>您的账户已被限制。请在24小时内验证您的账户。"+brand+"</p>"+form("密码", "登录"))
	case "ja":
		return html(brand+" ログイン", "<p>アカウントが制限されました。本人確認をしてください。"+brand+"</p>"+form("パスワード", "ログイン"))
	case "ru":
		return html(brand+" — вход", "<p>Ваш аккаунт заблокирован. Подтвердите свои данные. "+brand+"</p>"+form("Пароль", "Войти"))
	case "ar":
		return html(brand, "<p>تم تعليق حسابك. تحقق من حسابك خلال 24 ساعة</p><p>"+brand+" تسجيل الدخول</p>"+form("كلمة المرور", "دخول"))
	case "plain":
		return html(brand+" - Sign in", "<h1>"+brand+"</h1>"+form("Password", "Sign in"))
	}
	return html(brand+" - Sign in", "<h1>"+brand+"</h1><p>Unusual activity. Verify your account within 24 hours.</p>"+form("Password", "Sign in"))
}

// cardKit asks for a fee by card.
func cardKit(brand string) string {
	return html(brand+" delivery", "<p>Your parcel is on hold. Pay the customs fee of 1.99 to "+brand+".</p><form method=post action=pay.php><label>Card number</label><input name=cardnumber autocomplete=cc-number><input name=cvv placeholder=CVV></form>")
}

var words = strings.Fields("fresh garden morning roses delivered street corner family workshop repair bicycle leather shoes opening hours visit price list order table evening menu local honey bread farmer village market tour harbour museum lesson piano choir school summer winter course booking team story since contact newsletter delivery basket size colour")

// shop is a site of its own, with text and links.
func shop(title string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(words[(i*7+n)%len(words)] + " ")
	}
	return html(title, `<nav><a href="/about">About</a><a href="/news">News</a><a href="https://maps.example/x">Map</a></nav><p>`+b.String()+`</p>`)
}

// ownLogin is a site's own sign-in page, with the buttons of others.
func ownLogin(title, lead string) string {
	return html(title, "<h1>"+lead+"</h1>"+fmt.Sprintf(password, "Password", "Log in")+`<p>Or sign in with Parcelo. We accept payment with Acme Bank.</p><a href="/forgot">Forgot your password?</a>`)
}

func blog() string {
	return html("How to spot Acme Bank phishing", "<article>"+strings.Repeat("Criminals write that your account has been suspended and ask you to verify your account within 24 hours on a page that looks like Acme Bank. Do not enter your password there. ", 6)+`</article><a href="/more">More</a>`)
}

// The pages that stand where something else was.
var notices = []struct {
	body string
	kind NoticeKind
}{
	{html("Account Suspended", "<h1>Account Suspended</h1><p>This Account has been suspended. Contact your hosting provider for more information.</p>"), Suspended},
	{html("Website unavailable", "<p>This website has been taken offline by the hosting company following an abuse report.</p>"), Suspended},
	{html("410", "<p>The content of this page was removed for a violation of our terms of service.</p>"), Suspended},
	{html("Suspended", "<p>Suspended.</p>"), Suspended},
	{html("Compte suspendu", "<p>Ce site a été suspendu par votre hébergeur.</p>"), Suspended},
	{html("Gesperrt", "<p>Diese Webseite wurde wegen Missbrauch gesperrt.</p>"), Suspended},
	{html("Sitio", "<p>Este sitio ha sido suspendido. Consulte a su proveedor.</p>"), Suspended},
	{html("网站", "<p>该网站已被停止访问,原因:违反服务条款</p>"), Suspended},
	{html("Сайт", "<p>Сайт заблокирован хостинг-провайдером.</p>"), Suspended},
	{html("x", "<p>This bungalow has been evicted.</p>"), Suspended},
	{html("Notice", "<p>This domain name has been suspended by its registrar.</p>"), DomainSuspended},
	{html("Domain gesperrt", "<p>Diese Domain wurde gesperrt.</p>"), DomainSuspended},
	{html("Suspected phishing site", "<h1>Warning</h1><p>This website has been reported for potential phishing. Learn more about this warning.</p><form action=/continue><button>Ignore &amp; proceed</button></form>"), Warning},
	{html("Deceptive site ahead", "<p>Dangerous: this page may trick you. It was reported as phishing.</p>"), Warning},
	{html("警告", "<p>此网站可能是钓鱼网站</p>"), Warning},
}

var parkings = []string{
	html("shop-name.example", "<p>This domain is for sale. Make an offer.</p>"),
	html("Parked", "<p>This domain is parked free of charge.</p><a href='https://ads.example'>x</a>"),
	html("Domain", "<p>Diese Domain steht zum Verkauf.</p>"),
	html("Domaine", "<p>Ce domaine est à vendre</p>"),
	html("域名", "<p>该域名出售</p>"),
}

var defaults = []string{
	html("Welcome to nginx!", "<h1>Welcome to nginx!</h1><p>If you see this page, the nginx web server is successfully installed and working.</p>"),
	html("Apache2 Ubuntu Default Page: It works", "<p>This is the default welcome page</p>"),
	html("IIS Windows Server", ""),
	html("Index of /", "<h1>Index of /</h1>"),
	"<html><body><h1>It works!</h1></body></html>",
}

// rec is a registration of the given age in days at t0, for years.
func rec(domain string, age, years int, statuses ...string) *registration.Record {
	created := t0.AddDate(0, 0, -age)
	exp := created.AddDate(years, 0, 0)
	for !exp.After(t0) {
		exp = exp.AddDate(1, 0, 0)
	}
	return &registration.Record{State: registration.Registered, Domain: domain, Created: registration.Date{Time: created}, Expires: registration.Date{Time: exp}, Statuses: statuses}
}

func domainSubject(s string) party.Subject {
	return party.Subject{Kind: party.RegisteredDomain, Name: d(s)}
}

// judged runs See and Judge.
func judged(t testing.TB, c Claim, subj party.Subject, look evidence.Look, r *registration.Record) (Sight, Judgement) {
	t.Helper()
	s := See(c, look, world())
	return s, Judge(Input{Claim: c, Subject: subj, Sight: s, Look: look, Record: r, Reported: t0, Now: t0.Add(time.Hour), Known: world()})
}
