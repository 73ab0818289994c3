// Package reply reads what a person answered by mail: their own words, without
// what they quote, and which of the answers an ask can have those words mean.
// It understands little on purpose. What it is not sure of stays "received",
// which changes nothing, and a person reads it.
package reply

import (
	"regexp"
	"strings"
	"sync"

	"bailiwick/mail"
)

// MaxText is how much of a reply is read, in octets.
const MaxText = 64 << 10

// Own is what the sender wrote themselves: quoted lines, the original below or
// above, and the signature are left out. It is cut at MaxText.
func Own(m *mail.Message) string { return own(m.Plain(MaxText)) }

// once compiles an expression when it is first used: most commands of the program
// read no mail, and these take longer than all else at their start.
func once(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// attribution is a line that introduces a quotation, in the languages and
// forms of common mail programs.
var attribution = once("(?i)^(?:" + begun + "|" + ended + `)\s*$`)

// wrapped is an attribution that may run over two lines: its beginning tells
// it from what stands before it.
var wrapped = once("(?i)^(?:" + begun + `)\s*$`)

const (
	begun = `on\b.{4,200}\bwrote\s*:` +
		`|am\b.{4,200}\bschrieb\b.{0,120}:` +
		`|le\b.{4,200}\ba [ée]crit\s*:` +
		`|el\b.{4,200}\bescribi[óo]\s*:` +
		`|il\b.{4,200}\bha scritto\s*:` +
		`|em\b.{4,200}\bescreveu\s*:` +
		`|op\b.{4,200}\bschreef\b.{0,120}:` +
		`|(?:den|p[åa])\b.{4,200}\bskrev\b.{0,120}:` +
		`|dnia\b.{4,200}\bnapisa[łl]\(?a?\)?\s*:`
	ended = `.{0,200}\bschrieb am\b.{0,120}:` +
		`|.{4,200}\bпишет\s*:` +
		`|.{4,200}\bнаписал\(?а?\)?\s*:` +
		`|.{2,200}写道\s*[:：]` +
		`|.{2,200}寫道\s*[:：]` +
		`|.{2,200}のメール\s*[:：]?` +
		`|.{2,200}(?:님이|님께서)\s*작성(?:함)?\s*[:：]?`
)

// divider is a line below which the original stands.
var divider = once(`(?i)^\s*(?:` +
	`-{2,}\s*(?:original (?:message|appointment)|forwarded message|urspr[üu]ngliche (?:nachricht|e-mail)|weitergeleitete nachricht|message d'origine|message original|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|originalmeddelande|oprindelig meddelelse|исходное сообщение|原始邮件|原始郵件|元のメッセージ|원본 메시지)\s*-*` +
	`|_{20,}` +
	`)\s*$`)

// above is the line that ticket systems put over what they send: all of theirs
// stands below it, unless something of the sender's stands above.
var above = once(`(?i)^\W*(?:please )?(?:reply|type your (?:reply|response)|antworten sie|répondez)\s+(?:above|oberhalb|au-dessus)\b.{0,80}$`)

// headerLine is a line of the block that Outlook puts above the original.
var headerLine = once(`(?i)^\s*\*?(?:from|sent|to|cc|subject|date|von|gesendet|an|betreff|datum|de|envoyé|à|objet|enviado|para|asunto|assunto|da|inviato|a|oggetto|van|verzonden|aan|onderwerp|от|отправлено|кому|тема|发件人|收件人|主题|发送时间|差出人|宛先|件名)\*?\s*[:：]\*?\s*\S`)

// ours are lines that only a message of a centre has: quoted without any mark,
// they end the sender's own words.
var ours = once(`^\s*(?:Case [0-9A-Z]{26}\.|Answer: https?://|WHAT AND WHERE\s*$|HOW TO ANSWER\s*$)`)

func own(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r", ""), "\n")
	var out []string
	skip := -1
	for i := 0; i < len(lines); i++ {
		l := strings.TrimRight(lines[i], " \t\u00a0")
		switch {
		case i <= skip:
			continue
		case strings.HasPrefix(strings.TrimSpace(l), ">"), strings.HasPrefix(strings.TrimSpace(l), "|"):
			continue
		case l == "--" || lines[i] == "-- ":
			// A signature; what follows a quotation below it is rare, and a
			// question for a person.
			return strings.TrimSpace(strings.Join(out, "\n"))
		case above().MatchString(l):
			if s := strings.TrimSpace(strings.Join(out, "\n")); s != "" {
				return s
			}
			continue
		case divider().MatchString(l), ours().MatchString(l):
			return strings.TrimSpace(strings.Join(out, "\n"))
		case headerLine().MatchString(l) && i+1 < len(lines) && headerLine().MatchString(next(lines, i)):
			return strings.TrimSpace(strings.Join(out, "\n"))
		}
		if n := introduces(lines, i); n > 0 {
			if !marked(lines, i+n) { // the quotation below has no marks: the rest is it
				return strings.TrimSpace(strings.Join(out, "\n"))
			}
			skip = i + n - 1
			continue
		}
		out = append(out, l)
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

// next is the next line that is not empty.
func next(lines []string, i int) string {
	for _, l := range lines[i+1:] {
		if strings.TrimSpace(l) != "" {
			return l
		}
	}
	return ""
}

// introduces says over how many lines from i an attribution runs; 0 for none.
func introduces(lines []string, i int) int {
	l := strings.TrimSpace(lines[i])
	if l == "" || len(l) > 400 {
		return 0
	}
	if attribution().MatchString(l) {
		return 1
	}
	if i+1 < len(lines) && len(lines[i+1]) < 200 && strings.TrimSpace(lines[i+1]) != "" && wrapped().MatchString(l+" "+strings.TrimSpace(lines[i+1])) {
		return 2
	}
	return 0
}

// marked says whether what follows is quoted with marks.
func marked(lines []string, from int) bool {
	for _, l := range lines[min(from, len(lines)):] {
		if l = strings.TrimSpace(l); l != "" {
			return strings.HasPrefix(l, ">") || strings.HasPrefix(l, "|")
		}
	}
	return true
}
