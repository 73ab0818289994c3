package reply

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"
)

// The answers an ask can have.
const (
	Received = "received"
	NeedMore = "need_more"
	Acted    = "acted"
	Referred = "referred"
	Refused  = "refused"
	NotOurs  = "not_ours"
)

// phrases are what people write, by the answer they mean: lower case, without
// accents, one space between words. "~" stands for up to four words. A phrase
// is here if it can hardly be said by somebody who means another answer.
var phrases = map[string][]string{
	Acted: {
		"has been suspended", "have suspended", "was suspended", "is now suspended", "is suspended", "we suspended", "suspended the", "suspended this", "domain suspended", "account suspended",
		"has been ~ taken down", "have ~ taken down", "have taken ~ down", "was taken down", "has been removed", "have removed", "was removed", "we removed", "content removed", "have been removed",
		"has been disabled", "have disabled", "was disabled", "we disabled", "has been deactivated", "have deactivated", "has been blocked", "have blocked ~ domain", "have blocked ~ site", "have blocked ~ page",
		"has been terminated", "have terminated", "placed on hold", "put on hold", "on clienthold", "client hold", "clienthold has been", "set ~ clienthold", "serverhold", "have deleted", "has been deleted", "was deleted",
		"we have acted", "we acted", "action has been taken", "have taken action", "have taken appropriate action", "taken the necessary action", "has been cleaned", "have cleaned", "is no longer active", "no longer accessible",
		"wurde gesperrt", "haben ~ gesperrt", "wurde entfernt", "haben ~ entfernt", "wurde deaktiviert", "haben ~ deaktiviert", "wurde abgeschaltet", "haben ~ abgeschaltet", "wurde geloscht", "haben ~ geloscht", "massnahmen ergriffen", "ist gesperrt", "wurde bereinigt",
		"a ete suspendu", "avons suspendu", "a ete supprime", "avons supprime", "a ete desactive", "avons desactive", "a ete bloque", "avons bloque", "a ete retire",
		"ha sido suspendido", "hemos suspendido", "ha sido eliminado", "hemos eliminado", "ha sido desactivado", "hemos desactivado", "ha sido bloqueado", "hemos bloqueado", "fue suspendido", "fue eliminado", "ha sido retirado",
		"foi suspenso", "suspendemos", "foi removido", "removemos", "foi desativado", "foi bloqueado", "bloqueamos",
		"e stato sospeso", "abbiamo sospeso", "e stato rimosso", "abbiamo rimosso", "e stato disattivato",
		"is opgeschort", "hebben ~ verwijderd", "is verwijderd", "hebben ~ geblokkeerd", "is geblokkeerd",
		"zostala zawieszona", "zostala usunieta", "zawiesilismy", "usunelismy",
		"заблокирован", "мы заблокировали", "приостановлен", "удален", "удалили", "снят с делегирования",
		"已暂停", "暂停了该", "已被暂停", "关闭了", "删除了", "移除了", "已停止", "已关闭", "已删除", "已下线", "已封禁", "已处理", "已经处理", "已冻结", "已停用", "已移除",
		"停止しました", "削除しました", "停止いたしました", "削除いたしました", "対応しました", "対応いたしました", "정지했습니다", "삭제했습니다", "차단했습니다", "조치하였습니다", "조치했습니다",
	},
	Referred: {
		"please contact the registrar", "contact the registrar", "please contact the host", "contact the hosting provider", "contact the reseller", "contact the registry", "please report ~ to the registrar", "please report ~ to the host",
		"have forwarded", "has been forwarded", "we forwarded", "forwarded your", "forwarded this", "have passed", "passed your report", "passed it on", "passed on to", "referred to the registrar", "have referred", "has been referred", "relayed your", "we have notified the registrar", "we have notified our customer", "have notified the customer", "have informed our customer",
		"wenden sie sich ~ an den registrar", "wenden sie sich an den", "wenden sie sich bitte an", "weitergeleitet", "an den registrar weiter",
		"veuillez contacter le bureau d'enregistrement", "veuillez contacter", "avons transmis", "a ete transmis", "avons transfere",
		"contacte con el registrador", "pongase en contacto con", "hemos reenviado", "hemos remitido", "ha sido remitido", "hemos trasladado",
		"entre em contato com o registrador", "contacte o registrador", "contactar o registrador", "encaminhamos", "foi encaminhado",
		"contatti il registrar", "abbiamo inoltrato", "neem contact op met de", "doorgestuurd",
		"обратитесь к регистратору", "передали регистратору", "передано регистратору", "переслали",
		"请联系注册商", "請聯繫註冊商", "已转交", "已轉交", "已转发", "已轉發", "请联系", "レジストラに連絡", "転送しました", "转给", "등록기관에 문의", "전달했습니다",
	},
	Refused: {
		"we will not act", "will not take action", "will not be taking action", "unable to take action", "cannot take action", "can not take action", "not able to take action", "no action will be taken", "decline to", "we refuse", "we decline", "requires a court order", "require a court order", "need a court order", "without a court order", "does not violate", "do not consider ~ abuse", "no violation", "found no abuse", "no abuse was found", "not a violation",
		"werden nichts unternehmen", "sehen keinen verstoss", "verstoss sehen wir nicht", "werden nicht tatig", "weigern uns", "lehnen ~ ab", "kein verstoss", "nur mit gerichtsbeschluss", "konnen nicht tatig werden", "keine massnahmen",
		"ne prendrons aucune mesure", "refusons d'agir", "refusons d'intervenir", "aucune infraction", "nous refusons", "refusons de", "decision de justice", "ne pouvons pas intervenir",
		"no tomaremos medidas", "no vamos a actuar", "no vamos a tomar medidas", "no vemos ninguna infraccion", "no podemos tomar medidas", "orden judicial", "nos negamos", "rechazamos",
		"nao tomaremos", "recusamos", "nao vemos qualquer infracao", "ordem judicial", "ci rifiutiamo", "weigeren", "gerechtelijk bevel",
		"отказываем", "решения суда", "не будем", "нарушений не",
		"不予处理", "拒绝采取", "我们拒绝", "未发现违规", "拒绝处理", "无法处理", "需要法院", "不会采取", "対応いたしません", "対応できません", "조치하지 않", "조치할 수 없",
	},
	NotOurs: {
		"is not ours", "not hosted by us", "not hosted with us", "not hosted on our", "not registered with us", "not registered through us", "not our customer", "not a customer of ours", "not on our network", "not in our network", "not under our", "we do not host", "we are not the registrar", "we are not the host", "does not belong to us", "not managed by us", "not our domain", "not sponsored by us",
		"nicht bei uns gehostet", "nicht von uns verwaltet", "kunde ist nicht bei uns", "nicht bei uns registriert", "nicht unser kunde", "gehort nicht uns", "gehort nicht zu uns", "nicht in unserem netz",
		"n'est pas heberge chez nous", "pas heberge par", "pas enregistre chez nous", "n'est pas gere par nos", "pas d'un de nos clients", "n'est pas chez nous", "ne nous appartient pas",
		"no es nuestro", "no esta alojado con nosotros", "no esta registrado con nosotros", "no pertenece a", "nao e nosso", "nao esta registado connosco", "nao esta registrado conosco", "nao esta hospedado conosco", "non e nostro", "niet van ons", "niet bij ons",
		"не наш", "не принадлежит нам", "не является нашим",
		"不是我们的", "不属于我们", "并非我们", "不在我们", "不屬於我們", "弊社のものでは", "当社のものでは", "弊社管理外", "저희 소관이", "당사의 고객이 아닙",
	},
	NeedMore: {
		"please provide", "could you provide", "can you provide", "please send us", "could you send", "need more information", "need further information", "need more evidence", "require more information", "require further", "require additional", "more details", "additional information", "additional evidence", "please supply", "please attach", "provide a screenshot", "cannot reproduce", "unable to reproduce", "unable to verify",
		"weitere informationen", "bitte senden sie uns", "benotigen wir", "benotigen weitere", "nahere angaben", "konnen das nicht nachvollziehen",
		"merci de nous fournir", "veuillez nous fournir", "plus d'informations", "informations complementaires", "avons besoin de",
		"mas informacion", "necesitamos mas", "por favor envie", "facilitarnos", "mais informacoes", "precisamos de", "maggiori informazioni", "meer informatie",
		"дополнительную информацию", "предоставьте", "уточните",
		"请提供", "請提供", "更多信息", "更多资料", "补充材料", "详细情報", "追加情報", "お送りください", "추가 정보", "제공해 주",
	},
}

// plain are the phrases as fold writes texts.
var plain = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for a, ps := range phrases {
		for _, p := range ps {
			out[a] = append(out[a], strings.TrimSpace(fold(p)))
		}
	}
	return out
})

// negations turn what follows within a few words into something else: a phrase
// with one before it, in its sentence, is not counted.
var negations = []string{" not ", " cannot ", " can't ", "n't ", " no ", " nicht ", " kein ", " keine ", " ne ", " pas ", " sin ", " nao ", " non ", " niet ", " не ", "未", "没有", "沒有", "無法", "无法", "尚未", " if ", " unless ", " before ", " once ", " whether ", " wenn ", " falls ", " si ", " will be ", " may be ", " can be ", " could be ", " to be "}

// Meant says which answer the words mean, and whether that is sure: one
// meaning is found and no other that contradicts it. What is unsure, and what
// says nothing of the kind, is "received".
func Meant(text string) (answer string, sure bool) {
	if a, ok := stated(text); ok {
		return a, true
	}
	folded := fold(text)
	found := map[string]bool{}
	for answer, ps := range plain() {
		for _, p := range ps {
			if says(folded, p) {
				found[answer] = true
				break
			}
		}
	}
	switch len(found) {
	case 0:
		return Received, false
	case 1:
		for a := range found {
			return a, true
		}
	}
	// "Not ours, please contact the registrar": where it goes says more than
	// whose it is not. "We forwarded it to our customer, who removed it":
	// somebody acted.
	set := func(as ...string) bool {
		return len(found) == len(as) && !slices.ContainsFunc(as, func(a string) bool { return !found[a] })
	}
	switch {
	case set(NotOurs, Referred):
		return Referred, true
	case set(Refused, NotOurs):
		return NotOurs, true
	case set(Acted, Referred):
		return Acted, true
	}
	return Received, false
}

// stated finds an answer given in one of our own words alone on a line, as the
// message offers: "Acted", "refused", "not ours".
func stated(text string) (string, bool) {
	found := ""
	for line := range strings.Lines(text) {
		l := strings.Trim(strings.ToLower(strings.TrimSpace(line)), " .!*\"'")
		if rest, ok := strings.CutPrefix(l, "answer:"); ok {
			l = strings.TrimSpace(rest)
		}
		a := strings.ReplaceAll(strings.ReplaceAll(l, " ", "_"), "-", "_")
		switch a {
		case Received, NeedMore, Acted, Referred, Refused, NotOurs:
			if found != "" && found != a {
				return "", false
			}
			found = a
		}
	}
	return found, found != ""
}

// fold makes text comparable: lower case, no accents on Latin letters, words
// apart by one space, sentences ended by ". ".
func fold(s string) string {
	var b strings.Builder
	b.WriteByte(' ')
	space := true
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case r >= 0x300 && r < 0x370 && b.Len() > 0:
			continue
		case r == 'ß':
			b.WriteString("ss")
			space = false
		case r == '’':
			b.WriteByte('\'')
			space = false
		case r == '.' || r == '!' || r == '?' || r == ';' || r == '。' || r == '！' || r == '？':
			b.WriteString(" . ")
			space = true
		case r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == 0xA0 || r == ',' || r == ':' || r == '"' || r == '(' || r == ')' || r == '*':
			if !space {
				b.WriteByte(' ')
			}
			space = true
		default:
			b.WriteRune(r)
			space = false
		}
	}
	b.WriteByte(' ')
	// Marks that are letters of their own (kana, Cyrillic й) are put together
	// again, as the phrases are written.
	return norm.NFC.String(b.String())
}

// says looks for a phrase that no negation stands before.
func says(text, phrase string) bool {
	head, tail, gap := strings.Cut(phrase, " ~ ")
	for at := 0; ; {
		i := index(text[at:], head)
		if i < 0 {
			return false
		}
		start := at + i
		end := start + len(head)
		at = end
		if gap {
			rest := text[end:min(len(text), end+80)]
			j := strings.Index(rest, tail)
			if j < 0 || strings.Contains(rest[:j], " . ") || strings.Count(rest[:j], " ") > 6 || denied(rest[:j]+" ") {
				continue
			}
		}
		from := max(0, start-40)
		before := text[from:start]
		if k := strings.LastIndex(before, " . "); k >= 0 {
			before = before[k+2:]
		}
		if !denied(before+" ") || strings.HasPrefix(phrase, "not ") || strings.HasPrefix(phrase, "no ") {
			return true
		}
	}
}

// index finds a phrase that begins at a word; scripts without spaces have no
// words to begin at.
func index(text, phrase string) int {
	for at := 0; ; {
		i := strings.Index(text[at:], phrase)
		if i < 0 {
			return -1
		}
		i += at
		if i == 0 || text[i-1] == ' ' || phrase[0] >= 0x80 {
			return i
		}
		at = i + 1
	}
}

func denied(before string) bool {
	return slices.ContainsFunc(negations, func(n string) bool { return strings.Contains(" "+before, n) })
}
