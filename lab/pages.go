package lab

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// look is what a response shows, for the truth.
type look string

const (
	looksAbuse        look = "abuse"
	looksInterstitial look = "interstitial"
	looksParked       look = "parked"
	looksOther        look = ""
)

// response is one answer of a site.
type response struct {
	status   int
	ctype    string
	location string
	header   map[string]string
	body     func() []byte
	shows    look
	drop     bool // the connection is closed without an answer
	timeout  bool // nothing answers at all
}

func page(status int, shows look, body func() []byte) response {
	return response{status: status, ctype: "text/html; charset=utf-8", shows: shows, body: body}
}

// doc makes an HTML document. title and the parts are text; parts are already
// HTML.
func doc(lang, title string, parts ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=%q>\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>%s</title>\n</head>\n<body>\n",
		lang, html.EscapeString(title))
	for _, p := range parts {
		b.WriteString(p)
		b.WriteByte('\n')
	}
	b.WriteString("</body>\n</html>\n")
	return b.Bytes()
}

func tag(name, text string) string {
	return "<" + name + ">" + html.EscapeString(text) + "</" + name + ">"
}

var languages = []string{"en", "de", "es", "fr", "zh"}

// words are the texts of the kits in one language.
type words struct {
	signIn, welcome, user, password, next, card, expiry, code, parcel, fee, wallet, phrase, urgent, help string
}

func wordsIn(lang string) words {
	switch lang {
	case "de":
		return words{"Anmelden", "Willkommen bei", "Benutzername oder E-Mail", "Passwort", "Weiter", "Kartennummer", "Gültig bis", "Prüfziffer",
			"Ihr Paket wartet auf die Zustellung", "Bitte zahlen Sie die Gebühr von 1,95 EUR", "Wallet verbinden", "Wiederherstellungsphrase",
			"Ihr Konto wurde vorübergehend gesperrt. Bestätigen Sie Ihre Angaben innerhalb von 24 Stunden.", "Hilfe und Sicherheit"}
	case "es":
		return words{"Iniciar sesión", "Bienvenido a", "Usuario o correo", "Contraseña", "Continuar", "Número de tarjeta", "Caducidad", "Código de seguridad",
			"Su paquete está pendiente de entrega", "Pague la tasa de 1,95 EUR", "Conectar monedero", "Frase de recuperación",
			"Su cuenta ha sido limitada. Confirme sus datos en un plazo de 24 horas.", "Ayuda y seguridad"}
	case "fr":
		return words{"Se connecter", "Bienvenue chez", "Identifiant ou e-mail", "Mot de passe", "Continuer", "Numéro de carte", "Date d'expiration", "Cryptogramme",
			"Votre colis est en attente de livraison", "Veuillez régler les frais de 1,95 EUR", "Connecter le portefeuille", "Phrase de récupération",
			"Votre compte a été suspendu. Confirmez vos informations sous 24 heures.", "Aide et sécurité"}
	case "zh":
		return words{"登录", "欢迎使用", "用户名或邮箱", "密码", "继续", "银行卡号", "有效期", "安全码",
			"您的包裹正在等待派送", "请支付派送费 12 元", "连接钱包", "助记词",
			"您的账户已被暂时限制，请在24小时内确认您的信息。", "帮助与安全"}
	}
	return words{"Sign in", "Welcome to", "User name or e-mail", "Password", "Continue", "Card number", "Expiry date", "Security code",
		"Your parcel is waiting for delivery", "Please pay the fee of 1.95 EUR", "Connect wallet", "Recovery phrase",
		"Your account has been limited. Confirm your details within 24 hours.", "Help and security"}
}

func field(label, kind, name, auto string) string {
	return fmt.Sprintf("<p><label>%s <input type=%q name=%q autocomplete=%q required></label></p>", html.EscapeString(label), kind, name, auto)
}

// kitPage is a phishing page: it imitates a brand and asks for a secret. What
// is typed goes nowhere: the form's target answers with a blank page.
func kitPage(kit, lang, brand string) []byte {
	w := wordsIn(lang)
	top := "<header><strong>" + html.EscapeString(brand) + "</strong></header>"
	foot := "<footer><small>" + html.EscapeString("© "+brand+" · "+w.help) + "</small></footer>"
	form := func(fields ...string) string {
		return "<form method=\"post\" action=\"next\">\n" + strings.Join(fields, "\n") + "\n<p><button type=\"submit\">" + html.EscapeString(w.next) + "</button></p>\n</form>"
	}
	switch kit {
	case "card":
		return doc(lang, brand+" – "+w.card, top, tag("h1", w.welcome+" "+brand), tag("p", w.urgent),
			form(field(w.card, "text", "cardnumber", "cc-number"), field(w.expiry, "text", "exp", "cc-exp"), field(w.code, "password", "cvv", "cc-csc")), foot)
	case "parcel":
		return doc(lang, brand+" – "+w.parcel, top, tag("h1", w.parcel), tag("p", brand+": "+w.fee),
			form(field(w.card, "text", "cardnumber", "cc-number"), field(w.expiry, "text", "exp", "cc-exp"), field(w.code, "text", "cvv", "cc-csc")), foot)
	case "wallet":
		return doc(lang, brand+" – "+w.wallet, top, tag("h1", w.wallet), tag("p", w.urgent),
			form("<p><label>"+html.EscapeString(w.phrase)+" <textarea name=\"phrase\" rows=\"3\" required></textarea></label></p>",
				field(w.password, "password", "password", "current-password")), foot)
	}
	return doc(lang, brand+" – "+w.signIn, top, tag("h1", w.welcome+" "+brand), tag("p", w.urgent),
		form(field(w.user, "text", "login", "username"), field(w.password, "password", "password", "current-password")), foot)
}

// malwareBytes are harmless: the two to four octets by which such files are
// known, and text.
func malwareBytes(kit string) []byte {
	magic := map[string]string{"exe": "MZ\x90\x00", "elf": "\x7fELF", "zip": "PK\x03\x04"}[kit]
	text := "\x00This file is part of the Bailiwick lab. It begins like a program so that it is taken for one; it holds no code.\n"
	return []byte(magic + strings.Repeat(text, 40))
}

// named gives the response of a page kind that needs nothing but the site.
func (n *Name) named(kind, brandURL string) response {
	st := n.Site
	brand := st.Brand
	if brand == "" {
		brand = n.Registrant.Organization
	}
	if brand == "" {
		brand = n.Name
	}
	switch kind {
	case "kit":
		if st.Kind == "malware" {
			return response{status: 200, ctype: "application/octet-stream", shows: looksAbuse,
				header: map[string]string{"Content-Disposition": "attachment"}, body: func() []byte { return malwareBytes(st.Kit) }}
		}
		return page(200, looksAbuse, func() []byte { return kitPage(st.Kit, st.Language, brand) })
	case "shop":
		return page(200, looksOther, func() []byte { return shopPage(n, n.Registrant.Organization) })
	case "corporate":
		return page(200, looksOther, func() []byte { return corporatePage(brand) })
	case "login":
		return page(200, looksOther, func() []byte { return loginPage(brand) })
	case "blog":
		return page(200, looksOther, func() []byte { return blogPage(brand) })
	case "parked":
		return page(200, looksParked, func() []byte {
			return doc("en", n.Name+" is for sale", tag("h1", n.Name), tag("p", "This domain is parked. The domain name may be for sale by its owner."),
				tag("p", "Related searches: insurance, travel, credit cards, web hosting"), "<p><a href=\"/inquire\">Inquire about this domain</a></p>")
		})
	case "sinkhole":
		return page(200, looksParked, func() []byte {
			return doc("en", "Sinkhole", tag("h1", "This domain has been sinkholed"), tag("p", "The traffic of this domain name is received by a sinkhole operator, because it was used for abuse."))
		})
	case "blank":
		return page(200, looksOther, func() []byte {
			return []byte("<!doctype html>\n<html><head><title></title></head><body></body></html>\n")
		})
	case "gone":
		return page(410, looksOther, func() []byte {
			return doc("en", "410 Gone", tag("h1", "Gone"), tag("p", "The requested resource is no longer available on this server."))
		})
	case "suspended":
		return page(403, looksOther, func() []byte {
			return doc("en", "Account suspended", tag("h1", "This account has been suspended"), tag("p", "Contact your hosting provider for more information."))
		})
	case "interstitial":
		return page(403, looksInterstitial, func() []byte { return interstitialPage("") })
	case "error":
		return page(500, looksOther, func() []byte { return doc("en", "500 Internal Server Error", tag("h1", "Internal Server Error")) })
	case "refused":
		return response{drop: true}
	case "brand":
		return response{status: http.StatusFound, location: brandURL, body: func() []byte { return nil }}
	}
	return notFound()
}

func notFound() response {
	return page(404, looksOther, func() []byte {
		return doc("en", "404 Not Found", tag("h1", "Not Found"), tag("p", "The requested URL was not found on this server."))
	})
}

func interstitialPage(by string) []byte {
	return doc("en", "Warning: suspected phishing", tag("h1", "Warning: suspected phishing"),
		tag("p", "This website has been reported for potential phishing. Phishing is when a site attempts to steal sensitive information by falsely presenting as a safe source."),
		"<p><a href=\"/learn-more\">Learn more</a> <button type=\"button\">Ignore and proceed</button></p>", tag("p", by))
}

func shopPage(n *Name, org string) []byte {
	rnd := draw(0, "shop", n.Name)
	if org == "" {
		org = n.Name
	}
	goods := []string{"Oak chair", "Wool blanket", "Bicycle lamp", "Garden shears", "Tea set", "Leather satchel", "Desk lamp", "Herb seeds", "Atlas of rivers", "Rain coat"}
	var items strings.Builder
	for range 6 {
		fmt.Fprintf(&items, "<li><a href=\"/product/%d\">%s</a> <span>%d.%02d EUR</span> <button>Add to basket</button></li>\n", 100+rnd.IntN(900), pick(rnd, goods), 5+rnd.IntN(200), rnd.IntN(100))
	}
	return doc("en", org+" – online shop", "<nav><a href=\"/\">Home</a> <a href=\"/shop\">Shop</a> <a href=\"/about\">About us</a> <a href=\"/contact\">Contact</a></nav>",
		tag("h1", org), tag("p", "A family business since 1987. We ship within three working days."), "<ul>\n"+items.String()+"</ul>",
		tag("p", "Opening hours: Monday to Saturday, 9 to 18. Terms of sale, returns and imprint below."))
}

func corporatePage(brand string) []byte {
	return doc("en", brand, "<nav><a href=\"/\">Home</a> <a href=\"/about\">About</a> <a href=\"/news\">News</a> <a href=\"/contact\">Contact</a></nav>",
		tag("h1", brand), tag("p", "What we do, who we are and how to reach us. Our annual report is out now."), tag("p", "Imprint · Privacy · Accessibility"))
}

// loginPage is an organisation's own page: it asks for a password by right.
func loginPage(brand string) []byte {
	w := wordsIn("en")
	return doc("en", brand+" – "+w.signIn, "<header><strong>"+html.EscapeString(brand)+"</strong></header>", tag("h1", "Sign in to "+brand),
		"<form method=\"post\" action=\"/session\">", field(w.user, "text", "login", "username"), field(w.password, "password", "password", "current-password"),
		"<p><button type=\"submit\">Sign in</button></p></form>", tag("p", "We never ask for your password by mail. Report a suspicious message to our security team."))
}

func blogPage(brand string) []byte {
	return doc("en", "How a phishing campaign against "+brand+" worked", tag("h1", "How a phishing campaign against "+brand+" worked"),
		tag("p", "Last week we saw messages that told customers of "+brand+" that their account had been limited. This article shows how the pages looked and how to recognise them."),
		tag("p", "The addresses below are defanged. Do not visit them."), "<pre>hxxps://secure-login[.]example/verify</pre>",
		tag("p", "If you typed your password on such a page, change it and call your bank."), "<p><a href=\"/archive\">More articles</a></p>")
}
