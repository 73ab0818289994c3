package judge

// The words that the rules look for. They are folded once, the way pages are
// (see fold), so that accents, case and look-alike letters do not matter.
// Words say what a page asks its visitor to do; no rule weighs the language
// they are in.

func folded(in ...string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = fold(s)
	}
	return out
}

var (
	// demands are what a lure wants done with an account.
	demands = folded(
		// English
		"verify your account", "verify your identity", "verify your information", "verify your email", "verify your wallet", "verify your mailbox",
		"confirm your account", "confirm your identity", "confirm your information", "confirm your details", "confirm your payment", "confirm your password",
		"validate your account", "validate your mailbox", "validate your email", "validate your wallet", "update your payment", "update your billing", "update your account", "update your details",
		"update your information", "unlock your account", "restore your account", "restore access", "reactivate your account", "re-activate your account",
		"secure your account", "keep your account active", "upgrade your mailbox", "connect your wallet", "enter your recovery phrase", "enter your seed phrase",
		"claim your refund", "receive your refund", "pay the customs fee", "pay the delivery fee", "reschedule your delivery", "confirm your delivery",
		// French
		"vérifiez votre compte", "vérifier votre compte", "vérifiez votre identité", "confirmez votre identité", "confirmer votre identité", "confirmez votre compte",
		"mettez à jour vos informations", "mettre à jour vos informations", "mettez à jour votre compte", "réactivez votre compte", "débloquez votre compte", "régler les frais de livraison",
		// German
		"bestätigen sie ihr konto", "bestätigen sie ihre identität", "bestätigen sie ihre daten", "verifizieren sie ihr konto", "konto verifizieren", "konto bestätigen",
		"aktualisieren sie ihre daten", "aktualisieren sie ihre zahlungsdaten", "konto entsperren", "entsperren sie ihr konto", "reaktivieren sie ihr konto",
		// Spanish
		"verifique su cuenta", "verifica tu cuenta", "verifique su identidad", "confirme su identidad", "confirma tu identidad", "confirme su cuenta", "actualice sus datos", "actualiza tus datos",
		"desbloquee su cuenta", "reactive su cuenta",
		// Portuguese
		"verifique sua conta", "verifique a sua conta", "confirme sua identidade", "confirme a sua identidade", "confirme seus dados", "atualize seus dados", "atualize os seus dados", "desbloqueie sua conta",
		// Italian
		"verifica il tuo account", "verifichi il suo account", "conferma la tua identità", "confermi la sua identità", "aggiorna i tuoi dati", "aggiorni i suoi dati", "verifica il tuo conto", "sblocca il tuo conto",
		// Dutch
		"verifieer uw account", "verifieer uw rekening", "bevestig uw identiteit", "bevestig uw gegevens", "werk uw gegevens bij", "deblokkeer uw rekening",
		// Polish
		"zweryfikuj swoje konto", "potwierdź swoją tożsamość", "potwierdź swoje dane", "zaktualizuj swoje dane", "odblokuj konto", "dopłać do przesyłki",
		// Czech
		"ověřte svůj účet", "ověřte svou totožnost", "potvrďte své údaje", "aktualizujte své údaje",
		// Turkish
		"hesabınızı doğrulayın", "kimliğinizi doğrulayın", "bilgilerinizi güncelleyin",
		// Russian, Ukrainian
		"подтвердите свою учетную запись", "подтвердите ваш аккаунт", "подтвердите свой аккаунт", "подтвердите свои данные", "подтвердите вашу личность", "обновите свои данные", "разблокируйте",
		"підтвердіть свій обліковий запис", "підтвердіть свої дані",
		// Greek
		"επαληθεύστε τον λογαριασμό σας", "επιβεβαιώστε τα στοιχεία σας",
		// Arabic, Persian
		"تحقق من حسابك", "تأكيد حسابك", "تحديث بياناتك", "حساب خود را تایید کنید",
		// Chinese
		"验证您的账户", "验证您的帐户", "验证你的账户", "验证您的身份", "确认您的身份", "确认您的账户", "更新您的付款", "更新您的信息", "解锁您的账户",
		"驗證您的帳戶", "確認您的身份", "更新您的付款", "解鎖您的帳戶",
		// Japanese
		"アカウントを確認", "アカウントの確認", "本人確認", "お支払い方法を更新", "お支払い情報を更新", "アカウントのロックを解除",
		// Korean
		"계정을 확인", "계정 확인", "본인 확인", "결제 정보를 업데이트",
		// Indonesian, Malay, Vietnamese, Thai, Hindi
		"verifikasi akun anda", "konfirmasi identitas anda", "sahkan akaun anda", "xác minh tài khoản", "xác nhận tài khoản", "ยืนยันบัญชีของคุณ", "अपना खाता सत्यापित करें",
	)

	// pressures are why it must be done now.
	pressures = folded(
		"account has been suspended", "account has been limited", "account has been locked", "account has been restricted", "account has been blocked", "account is limited", "account is suspended",
		"account will be closed", "account will be suspended", "account will be deactivated", "account will be deleted", "access has been limited", "access will be blocked", "mailbox is full", "mailbox is almost full",
		"storage is full", "quota exceeded", "password expires", "password will expire", "unusual activity", "suspicious activity", "unusual sign-in", "unauthorized transaction", "unauthorised transaction",
		"unrecognized device", "security alert", "within 24 hours", "within 48 hours", "in 24 hours", "immediately to avoid", "avoid suspension", "final notice", "payment was declined", "payment failed", "package is on hold",
		"parcel is on hold", "delivery failed", "outstanding fee",
		"votre compte a été suspendu", "votre compte a été limité", "votre compte sera", "activité inhabituelle", "sous 24 heures", "dans les 24 heures", "colis est en attente",
		"ihr konto wurde", "ihr konto wird", "ungewöhnliche aktivität", "innerhalb von 24 stunden", "vorübergehend gesperrt", "ihr paket",
		"su cuenta ha sido", "tu cuenta ha sido", "actividad inusual", "en 24 horas", "suspendida temporalmente", "sua conta foi", "sua conta será", "atividade incomum", "em 24 horas",
		"il tuo account è stato", "il suo conto è stato", "attività insolita", "entro 24 ore", "uw account is", "uw rekening is", "binnen 24 uur", "ongebruikelijke activiteit",
		"twoje konto zostało", "w ciągu 24 godzin", "váš účet byl", "do 24 hodin", "hesabınız askıya", "24 saat içinde", "ваш аккаунт заблокирован", "ваша учетная запись", "в течение 24 часов", "ваш обліковий запис",
		"24 ساعة", "تم تعليق حسابك", "24小时内", "24小時內", "账户已被", "帐户已被", "帳戶已被", "异常活动", "異常活動", "アカウントが制限", "アカウントは停止", "24時間以内", "不審な", "계정이 정지", "24시간 이내",
		"akun anda telah", "dalam 24 jam", "tài khoản của bạn đã bị", "trong vòng 24 giờ", "ภายใน 24 ชั่วโมง",
	)

	// signins are the words beside a brand on a page where one signs in.
	signins = folded(
		"sign in", "sign-in", "signin", "log in", "login", "log-in", "log on", "logon", "your account", "password", "passcode", "online banking", "webmail", "customer area", "card number", "security code", "wallet",
		"connexion", "se connecter", "connectez-vous", "votre compte", "mot de passe", "espace client", "identifiant", "anmelden", "anmeldung", "einloggen", "ihr konto", "passwort", "kennwort",
		"iniciar sesión", "inicia sesión", "acceder", "su cuenta", "contraseña", "entrar", "sua conta", "senha", "iniciar sessão", "accedi", "il tuo account", "il tuo conto", "area clienti",
		"inloggen", "uw account", "wachtwoord", "zaloguj", "logowanie", "hasło", "přihlásit", "přihlášení", "heslo", "giriş", "şifre", "parola", "войти", "вход", "пароль", "личный кабинет", "увійти",
		"σύνδεση", "κωδικός", "تسجيل الدخول", "كلمة المرور", "ورود", "登录", "登入", "密码", "密碼", "账户", "帳戶", "ログイン", "サインイン", "パスワード", "로그인", "비밀번호", "masuk", "kata sandi", "đăng nhập", "mật khẩu", "เข้าสู่ระบบ", "लॉग इन",
	)

	// beside are the words before a brand that is offered as a service of a
	// page that is not the brand's: a sign-in button, a way to pay.
	beside = folded("with", "via", "using", "by", "through", "mit", "über", "avec", "par", "con", "com", "tramite", "met", "przez", "pomocou", "pomocí", "ile", "через")

	// lureWords are the parts of a host label that promise an account page.
	lureWords = folded("login", "logon", "signin", "sign", "secure", "security", "secured", "safe", "verify", "verification", "verified", "validate", "validation", "confirm", "confirmation", "account", "accounts", "acct", "auth",
		"authenticate", "update", "updates", "upgrade", "support", "help", "helpdesk", "service", "services", "customer", "client", "clients", "billing", "invoice", "payment", "payments", "pay", "wallet", "refund", "unlock", "recover",
		"recovery", "restore", "alert", "alerts", "notice", "id", "myaccount", "webmail", "mail", "portal", "access", "sso", "otp", "delivery", "parcel", "tracking", "track", "bonus", "gift", "claim", "reward", "rewards",
		"connexion", "compte", "espace", "konto", "anmelden", "kunden", "sicherheit", "cuenta", "seguro", "segura", "conta", "banca", "accesso", "cliente", "logowanie", "klient", "giris", "hesap", "kundenservice", "rekening")

	// plainWords are the other parts found beside a brand in a label.
	plainWords = folded("my", "the", "www", "web", "online", "app", "apps", "bank", "banking", "official", "home", "page", "site", "info", "center", "centre", "group", "global", "shop", "store", "net", "com", "org", "uk", "us", "eu", "de",
		"fr", "it", "es", "nl", "be", "pl", "in", "jp", "cn", "au", "ca", "br", "mobile", "m", "user", "users", "new", "pro", "team", "card", "cards", "credit", "direct", "e", "i", "your", "to", "and", "for")

	// generic words are no brand by themselves.
	generic = folded("bank", "online", "webmail", "email", "mail", "login", "unknown", "other", "none", "various", "generic", "service", "services", "group", "company", "shop", "store", "account", "security", "support", "the", "and",
		"credit", "union", "national", "first", "post", "postal", "telecom", "mobile", "energy", "insurance", "digital", "global", "international", "internet", "web", "n/a", "na", "government", "tax", "crypto", "wallet", "exchange",
		"banque", "banco", "banca", "sparkasse", "city", "royal", "united", "general", "limited", "ltd", "inc", "gmbh", "corp", "corporation", "holding", "holdings", "test", "example", "multiple", "phishing")
)

// The wordings of pages that stand where something else was. Each needs a
// short page that asks for nothing (see notice).
var (
	suspendedTitles = folded("account suspended", "site suspended", "website suspended", "hosting suspended", "this account has been suspended", "this site has been suspended", "suspended page",
		"contact support - suspended", "suspended", "suspended account", "compte suspendu", "site suspendu", "cuenta suspendida", "conta suspensa", "sito sospeso", "konto gesperrt", "аккаунт заблокирован", "сайт заблокирован", "サイト停止", "账户已暂停", "网站已关闭")
	// noticeActs, noticeThings and noticeCauses together make a notice.
	noticeActs = folded("suspended", "disabled", "removed", "taken down", "blocked", "deactivated", "terminated", "taken offline", "no longer available", "unavailable", "closed", "locked",
		"suspendu", "désactivé", "supprimé", "bloqué", "gesperrt", "deaktiviert", "entfernt", "suspendida", "suspendido", "eliminada", "eliminado", "bloqueado", "suspensa", "suspenso", "removido", "sospeso", "disattivato", "rimosso",
		"opgeschort", "geblokkeerd", "verwijderd", "zawieszone", "zawieszona", "zablokowana", "usunięta", "pozastaven", "askıya alındı", "заблокирован", "приостановлен", "удален", "призупинено", "停止", "已暂停", "已关闭", "已被删除", "已停用", "已停權", "정지", "차단", "ditangguhkan", "bị tạm ngưng", "تم تعليق", "موقوف")
	noticeThings = folded("account", "hosting account", "site", "website", "web site", "page", "content", "web page", "hosting", "project", "file", "compte", "site web", "konto", "webseite", "website", "seite", "cuenta", "sitio", "página", "conta", "sito", "pagina", "strona", "stránka", "účet", "hesap", "сайт", "аккаунт", "страница",
		"サイト", "アカウント", "网站", "账户", "页面", "網站", "사이트", "계정", "situs", "trang web", "الموقع", "الحساب", "domain", "url", "link")
	noticeCauses = folded("abuse", "violation", "violating", "violated", "violates", "terms of service", "terms of use", "acceptable use", "policy", "policies", "complaint", "phishing", "malware", "fraud", "hosting provider", "web host", "hosting company",
		"administrator", "abuse team", "abuse desk", "abuse report", "billing", "resource usage", "contact support", "contact your", "trust and safety", "trust & safety", "legal", "court order", "customer of",
		"conditions d'utilisation", "hébergeur", "nutzungsbedingungen", "missbrauch", "anbieter", "términos", "condiciones", "proveedor", "termos", "provedor", "condizioni", "provider", "voorwaarden", "regulamin", "dostawca", "podmínky", "poskytovatel",
		"правил", "хостинг", "провайдер", "規約", "利用規約", "违反", "違反", "服务条款", "위반", "pelanggaran", "vi phạm", "انتهاك")
	domainThings = folded("this domain has been suspended", "this domain name has been suspended", "domain name suspended", "domain suspended", "domain has been suspended", "domain is suspended", "the domain name is suspended",
		"domain on hold", "domain name has been disabled", "ce nom de domaine a été suspendu", "nom de domaine suspendu", "diese domain wurde gesperrt", "domain gesperrt", "dominio suspendido", "domínio suspenso", "dominio sospeso", "domein is opgeschort", "domena zawieszona",
		"домен заблокирован", "домен приостановлен", "делегирование домена приостановлено", "このドメインは停止", "域名已被暂停", "域名已被停用")
	warnActs   = folded("warning", "suspected", "reported", "deceptive", "dangerous", "caution", "unsafe", "blocked", "beware", "avertissement", "warnung", "advertencia", "aviso", "avviso", "waarschuwing", "ostrzeżenie", "varování", "uyarı", "внимание", "предупреждение", "попередження", "警告", "경고", "peringatan", "cảnh báo", "تحذير")
	warnCauses = folded("phishing", "malware", "deceptive", "harmful", "dangerous", "scam", "fraudulent", "hameçonnage", "betrügerisch", "schädlich", "suplantación", "fraudulento", "oszustwo", "wyłudzenia", "фишинг", "мошеннич", "фішинг", "钓鱼", "釣魚", "フィッシング", "피싱", "التصيد")
	warnThings = folded("this website", "this web site", "this site", "this page", "this web page", "this link", "this url", "site ahead", "website ahead", "the site you", "the website you", "the page you", "the link you", "you are about to visit", "proceed at your own risk",
		"ignore & proceed", "ignore and proceed", "continue anyway", "learn more about this warning", "ce site", "cette page", "diese website", "diese seite", "este sitio", "esta página", "este site", "questo sito", "deze website", "ta strona", "tato stránka", "bu site", "этот сайт", "сайт, который", "цей сайт", "此网站", "该网站", "此網站", "このサイト", "이 사이트", "situs ini", "trang web này", "هذا الموقع")
	takenAway     = []string{"removed", "taken down", "suspended", "terminated", "deactivated", "disabled"} // so it is no mere warning
	parkedPhrases = folded("this domain is for sale", "domain is for sale", "domain name is for sale", "buy this domain", "this domain may be for sale", "make an offer on this domain", "domain is parked", "parked domain", "domain parking", "parked free", "this domain is parked", "parked page",
		"this web page is parked", "domain has recently been registered", "this domain has expired", "domain has expired", "domain expired", "renew this domain", "sponsored listings", "related searches",
		"ce domaine est à vendre", "nom de domaine est à vendre", "domaine parqué", "diese domain steht zum verkauf", "domain steht zum verkauf", "domain geparkt", "este dominio está en venta", "dominio está a la venta", "dominio aparcado", "este domínio está à venda", "questo dominio è in vendita", "dominio in vendita",
		"deze domeinnaam is te koop", "domein is te koop", "domena na sprzedaż", "ta domena jest", "doména je na prodej", "bu alan adı satılık", "домен продается", "домен продаётся", "домен припаркован", "域名出售", "此域名可出售", "该域名出售", "网域出售", "このドメインは売り出し中", "このドメインは", "도메인 판매", "domain ini dijual", "tên miền này đang được bán", "هذا النطاق للبيع")
	defaultTitles = folded("welcome to nginx", "apache2 ubuntu default page", "apache2 debian default page", "apache http server test page", "test page for the apache", "test page for the nginx", "http server test page", "iis windows server", "it works", "index of /", "default web site page", "web server's default page",
		"default plesk page", "welcome to centos", "apache tomcat/", "welcome to openresty", "caddy works", "litespeed web server", "welcome to our server", "site en construction par défaut", "default page", "domain default page", "congratulations! your website", "hello world")
	placeholderPhrases = folded("coming soon", "under construction", "site is being built", "website is under", "launching soon", "just another wordpress site", "en construction", "bientôt disponible", "im aufbau", "demnächst", "próximamente", "em breve", "em construção", "in costruzione", "binnenkort", "w budowie", "již brzy", "yakında", "скоро открытие", "в разработке", "敬请期待", "建设中", "準備中", "준비 중", "segera hadir")
	// selfHosted are programs that ask for a password on their owner's own
	// server: by title word and the start of the path ("/" is only itself).
	selfHosted = []struct{ product, path string }{
		{"outlook", "/owa"}, {"exchange", "/owa"}, {"wordpress", "/wp-login.php"}, {"wordpress", "/wp-admin"}, {"roundcube", "/roundcube"}, {"webmail", "/webmail"}, {"roundcube", "/webmail"},
		{"roundcube", "/mail"}, {"zimbra", "/zimbra"}, {"zimbra", "/"}, {"nextcloud", "/login"}, {"nextcloud", "/index.php/login"}, {"owncloud", "/"}, {"gitlab", "/users/sign_in"}, {"grafana", "/login"}, {"jenkins", "/login"}, {"jira", "/login.jsp"},
		{"confluence", "/login.action"}, {"phpmyadmin", "/"}, {"cpanel", "/"}, {"plesk", "/login_up.php"}, {"joomla", "/administrator"}, {"drupal", "/user/login"}, {"magento", "/admin"}, {"prestashop", "/admin"}, {"moodle", "/login/index.php"},
		{"citrix", "/vpn"}, {"fortinet", "/remote/login"}, {"synology", "/"}, {"sogo", "/sogo"}, {"horde", "/horde"}, {"adfs", "/adfs/ls"}, {"microsoft", "/adfs/ls"}, {"microsoft", "/owa"}, {"microsoft", "/rdweb"},
	}
)
