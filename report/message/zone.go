package message

import (
	"strings"

	"bailiwick/mail"
	"bailiwick/report"
)

// zoner follows a text line by line and says whose words a line is.
type zoner struct {
	zone   report.Where // of the text as it goes on
	base   report.Where // what the text begins as: own, or attached
	header bool         // inside header fields that were quoted
}

func newZoner(base report.Where) zoner { return zoner{zone: base, base: base} }

// step is the zone of a line, and the line without its marks of quotation.
func (z *zoner) step(line string) (report.Where, string) {
	t := strings.TrimSpace(line)
	if t == "" {
		z.header = false
		return z.zone, t
	}
	if t[0] == '>' || strings.HasPrefix(t, "|>") {
		t = strings.TrimLeft(t, ">| \t")
		if z.zone == report.InOwn || z.zone == report.InSignature {
			if isHeaderLine(t) {
				return report.InHeader, t
			}
			return report.InQuoted, t
		}
		if t == "" {
			z.header = false
			return z.zone, t
		}
	}
	if forwards(t) {
		z.header = true
		z.zone = report.InForwarded
		if z.base == report.InAttached {
			z.zone = report.InAttached
		}
		return report.InHeader, t
	}
	if isHeaderLine(t) {
		// "From: … / Sent: … / Subject: …" begins a forwarded mail in the style
		// of Outlook, with no line above it.
		if !z.header && z.zone != report.InForwarded && z.zone != report.InAttached && forwardHeader(t) {
			z.zone, z.header = report.InForwarded, true
			return report.InHeader, t
		}
		if z.header || rawHeader(t) {
			z.header = true
			return report.InHeader, t
		}
	} else if z.header && (line[0] == ' ' || line[0] == '\t') {
		return report.InHeader, t
	} else if z.header {
		z.header = false
	}
	if z.zone == report.InOwn {
		switch {
		case t == "--" || t == "—" || line == "-- " || strings.HasPrefix(t, "-- ") && len(t) < 40 || t == "__":
			z.zone = report.InSignature
			return z.zone, t
		case mobileSignature(t):
			z.zone = report.InSignature
			return z.zone, t
		case len(t) <= 48 && farewell(t):
			z.zone = report.InSignature
			return z.zone, t
		}
	}
	return z.zone, t
}

// forwards says whether a line announces a forwarded or quoted mail.
func forwards(t string) bool {
	switch t[0] {
	case '-', '_', '=', '*', '#':
		core := strings.ToLower(strings.Trim(t, "-_=*# "))
		if core == "" {
			return t[0] == '_' && len(t) >= 20 // the rule that Outlook draws
		}
		return len(core) < 60 && strings.HasPrefix(t, "--") && containsAny(core, forwardWords)
	}
	if t[len(t)-1] == ':' && len(t) < 60 {
		return containsAny(strings.ToLower(t), forwardLines)
	}
	return false
}

var forwardWords = []string{"original message", "forwarded message", "forwarded by", "original mail", "forwarded mail", "begin forwarded", "weitergeleitete nachricht", "ursprüngliche nachricht", "originalnachricht", "original-nachricht", "message transféré", "message transmis", "message d'origine", "message original", "courriel original", "mensaje reenviado", "mensaje original", "mensagem encaminhada", "mensagem original", "messaggio inoltrato", "messaggio originale", "doorgestuurd bericht", "oorspronkelijk bericht", "vidarebefordrat", "ursprungligt meddelande", "videresendt", "oprindelig meddelelse", "opprinnelig melding", "wiadomość przekazana", "przekazana wiadomość", "wiadomość oryginalna", "původní zpráva", "přeposlaná zpráva", "пересылаемое сообщение", "исходное сообщение", "пересланное сообщение", "転送", "元のメッセージ", "オリジナルメッセージ", "转发", "原始邮件", "轉寄", "전달된 메시지", "원본 메시지", "iletilen", "orijinal ileti", "spam mail", "phishing mail", "phishing email", "spam message", "message source", "full headers", "email headers", "begin message", "start of message", "alkuperäinen viesti"}

var forwardLines = []string{"begin forwarded message", "forwarded message", "anfang der weitergeleiteten", "début du message", "debut du message", "inicio del mensaje reenviado", "início da mensagem", "inizio messaggio inoltrato", "begin doorgestuurd bericht", "vidarebefordrat brev", "начало переадресованного", "転送されたメッセージ", "开始转发", "email headers", "full headers", "raw message", "message source", "the message is below", "original email", "original message", "headers below", "full header"}

// isHeaderLine says whether a line is a header field with a name that mails
// have, also in the languages of mail programs.
func isHeaderLine(t string) bool {
	i := strings.IndexByte(t, ':')
	if i < 2 || i > 40 {
		return false
	}
	return headerNames[strings.ToLower(strings.Trim(t[:i], "* "))]
}

// forwardHeader says whether a line can be the first of a forwarded mail.
func forwardHeader(t string) bool {
	i := strings.IndexByte(t, ':')
	switch strings.ToLower(strings.Trim(t[:i], "* ")) {
	case "from", "von", "de", "da", "van", "från", "fra", "od", "от", "від", "差出人", "发件人", "寄件者", "보낸 사람", "kimden", "lähettäjä", "return-path", "received", "delivered-to":
		return strings.Contains(t[i:], "@") || strings.Contains(t[i:], "<") || t[0] == '*' || t[0] == 'R' || t[0] == 'D'
	}
	return false
}

// rawHeader says whether a line is a field that only a mail's source shows.
func rawHeader(t string) bool {
	i := strings.IndexByte(t, ':')
	n := strings.ToLower(t[:i])
	return strings.HasPrefix(n, "x-") || strings.HasPrefix(n, "arc-") || n == "received" || n == "return-path" || n == "dkim-signature" || n == "message-id" || n == "authentication-results" || n == "mime-version" || n == "content-type" || strings.HasPrefix(n, "list-") || n == "received-spf" || n == "delivered-to"
}

var headerNames = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Split("from,sent,to,cc,bcc,subject,date,reply-to,sender,return-path,received,message-id,delivered-to,dkim-signature,authentication-results,arc-seal,arc-message-signature,arc-authentication-results,received-spf,mime-version,content-type,content-transfer-encoding,content-disposition,list-unsubscribe,list-id,list-help,list-unsubscribe-post,feedback-id,x-mailer,user-agent,in-reply-to,references,x-originating-ip,x-spam-status,x-received,x-google-dkim-signature,x-google-smtp-source,x-gm-message-state,envelope-to,thread-topic,thread-index,importance,"+
		"von,gesendet,an,betreff,datum,kopie,antwort an,de,envoyé,à,objet,répondre à,enviado,enviado el,para,asunto,fecha,data,assunto,da,inviato,a,oggetto,cc,van,verzonden,aan,onderwerp,från,skickat,till,ämne,fra,sendt,til,emne,od,wysłano,do,temat,odesláno,komu,předmět,předm.,от,отправлено,кому,тема,дата,від,差出人,送信日時,宛先,件名,日付,发件人,发送时间,收件人,主题,日期,抄送,寄件者,收件者,主旨,보낸 사람,보낸 날짜,받는 사람,제목,kimden,gönderilme,tarih,kime,konu,lähettäjä,lähetetty,vastaanottaja,aihe", ",") {
		m[n] = true
	}
	return m
}()

func mobileSignature(t string) bool {
	if len(t) > 120 {
		return false
	}
	switch t[0] | 0x20 {
	case 's', 'g', 'v', 'd', 'e', 'i', 'l', 'w', 'o', 'f':
	default:
		if t[0] < 0x80 {
			return false
		}
	}
	l := strings.ToLower(t)
	for _, p := range mobileSignatures {
		if strings.HasPrefix(l, p) {
			return true
		}
	}
	return false
}

var mobileSignatures = []string{"sent from my ", "sent from mail for", "sent from outlook", "sent with proton", "sent from proton", "sent via ", "sent from yahoo", "sent from samsung", "get outlook for", "von meinem ", "gesendet von ", "gesendet mit ", "diese nachricht wurde von meinem", "envoyé de mon ", "envoyé depuis ", "envoyé à partir", "enviado desde mi", "enviado do meu", "enviado desde ", "inviato da ", "verzonden vanaf", "verstuurd vanaf", "skickat från min", "sendt fra min", "lähetetty ", "wysłane z ", "odesláno z ", "отправлено с ", "iphoneから送信", "发自我的", "從我的", "나의 iphone", "iphone'umdan"}

// farewell says whether a line is nothing but words of farewell.
func farewell(t string) bool {
	l := strings.ToLower(strings.Trim(t, " ,.!-–—"))
	for _, f := range farewells {
		if l == f || strings.HasPrefix(l, f) && (len(l)-len(f) < 24 && (l[len(f)] == ',' || l[len(f)] == ' ' && strings.Count(l[len(f):], " ") <= 3 && len(f) > 7)) {
			return true
		}
	}
	return false
}

var farewells = []string{"regards", "best regards", "kind regards", "warm regards", "with regards", "best wishes", "sincerely", "yours sincerely", "yours faithfully", "yours truly", "sincerely yours", "respectfully", "cheers", "thanks", "thank you", "many thanks", "thanks in advance", "thank you in advance", "thanks and regards", "thanks & regards", "best", "br", "mit freundlichen grüßen", "mit freundlichen gruessen", "freundliche grüße", "viele grüße", "beste grüße", "mfg", "liebe grüße", "cordialement", "bien cordialement", "salutations", "bien à vous", "sincères salutations", "saludos", "un saludo", "atentamente", "saludos cordiales", "atenciosamente", "cumprimentos", "com os melhores cumprimentos", "cordiali saluti", "distinti saluti", "saluti", "met vriendelijke groet", "vriendelijke groet", "med vänlig hälsning", "vänliga hälsningar", "med venlig hilsen", "med vennlig hilsen", "ystävällisin terveisin", "z poważaniem", "pozdrawiam", "s pozdravem", "с уважением", "з повагою", "με εκτίμηση", "saygılarımla", "よろしくお願いいたします", "よろしくお願いします", "以上", "敬具", "此致", "谢谢", "謝謝", "감사합니다"}

// footer says whether a paragraph is what organisations, mail programs and filters
// append.
func footer(t string) bool {
	return footers.In(strings.ToLower(t[:min(len(t), maxSaid)])) != ""
}

// maxSaid is how much of a line, in octets, is asked what it speaks of.
const maxSaid = 1000

var footers = mail.NewWords("unsubscribe", "privacy policy", "confidentiality", "this email and any", "this e-mail and any", "this message and any", "is confidential", "are confidential", "intended recipient", "intended only for", "virus-free", "scanned by", "consider the environment", "before printing", "registered office", "registered in england", "company number", "vertraulich", "datenschutz", "abbestellen", "confidentiel", "confidencial", "riservato", "se désabonner", "désinscri", "darse de baja", "cancelar suscripción", "mailing list", "mailman/listinfo", "manage your preferences", "view in browser", "view this email in your browser", "update your preferences", "terms of use", "terms and conditions", "for more information about this format", "all rights reserved", "отписаться", "配信停止", "退订")

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
