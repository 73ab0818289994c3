package dsn

import (
	"strings"

	"bailiwick/mail"
)

// forms reads reports that have no fields: the recipients stand in the text,
// each with what is said about it.
func (r *reader) forms(kind mail.Kind) {
	act := Failed
	if kind == mail.Delayed {
		act = Delayed
	}
	add := func(addr, about string) {
		addr = address(addr)
		if strings.IndexByte(addr, '@') < 1 || len(r.out.Recipients) >= maxRecipients || r.ownAddress(addr) {
			return
		}
		for i := range r.out.Recipients {
			if strings.EqualFold(r.out.Recipients[i].Final, addr) {
				// Named again further down, mostly with the server's own words.
				p := &r.out.Recipients[i]
				about = strings.Join(strings.Fields(about), " ")
				if p.Diagnostic == "" || replyCode(p.Diagnostic) == "" && replyCode(about) != "" {
					p.Diagnostic = clip(strings.TrimSpace(about+" "+p.Diagnostic), maxDiagnostic)
				}
				return
			}
		}
		about = strings.Join(strings.Fields(about), " ")
		r.out.Recipients = append(r.out.Recipients, Recipient{Final: addr, Action: act, Diagnostic: clip(about, maxDiagnostic)})
	}
	for _, v := range r.m.Header.All("X-Failed-Recipients") {
		for _, a := range strings.Split(v, ",") {
			add(a, "")
		}
	}
	text := r.words()
	// What comes after the mark of the returned mail is not about it.
	for _, mark := range returned {
		if i := strings.Index(text, mark); i > 0 {
			text = text[:i]
		}
	}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		addr, rest, ok := opens(lines[i])
		if !ok {
			continue
		}
		about := []string{rest}
		for j := i + 1; j < len(lines) && j < i+12; j++ {
			l := strings.TrimSpace(lines[j])
			if a, _, next := opens(lines[j]); next && !strings.EqualFold(a, addr) {
				break
			}
			if l == "" {
				// One empty line right after the address is usual.
				if j == i+1 && rest == "" {
					continue
				}
				break
			}
			about = append(about, l)
		}
		add(addr, strings.Join(about, " "))
	}
	if len(r.out.Recipients) > 0 {
		r.drop()
		return
	}
	// Nothing stands where an address usually does: the first address beside
	// words of failure, else the one the returned mail went to.
	low := strings.ToLower(text)
	for _, w := range beside {
		for pos := 0; ; {
			i := strings.Index(low[pos:], w)
			if i < 0 {
				break
			}
			i += pos
			pos = i + len(w)
			if len(low) != len(text) {
				break
			}
			if a := firstAddress(text[i:min(len(text), i+300)]); a != "" {
				add(a, text[i:min(len(text), i+500)])
			} else if a := lastAddress(text[max(0, i-200):i]); a != "" {
				add(a, text[max(0, i-200):min(len(text), i+400)])
			}
		}
		if len(r.out.Recipients) > 0 {
			return
		}
	}
	if r.out.Original != nil {
		for _, f := range []string{"X-Original-To", "Delivered-To", "To"} {
			for _, a := range r.out.Original.Header.Addresses(f) {
				add(a.Addr, text[:min(len(text), 1500)])
			}
			if len(r.out.Recipients) > 0 {
				return
			}
		}
	}
	if a := firstAddress(text); a != "" {
		add(a, text[:min(len(text), 1500)])
	}
}

// drop takes out addresses that are only named ("write to <help@…>"), where
// the mail that came back shows which was meant.
func (r *reader) drop() {
	if r.out.Original == nil {
		return
	}
	to := map[string]bool{}
	for _, f := range []string{"To", "Cc", "Delivered-To", "X-Original-To"} {
		for _, a := range r.out.Original.Header.Addresses(f) {
			to[strings.ToLower(a.Addr)] = true
		}
	}
	var kept []Recipient
	meant := false
	for _, p := range r.out.Recipients {
		known := to[strings.ToLower(p.Final)]
		meant = meant || known
		if known || replyCode(p.Diagnostic) != "" || statusCode(p.Diagnostic) != "" {
			kept = append(kept, p)
		}
	}
	if meant {
		r.out.Recipients = kept
	}
}

var returned = []string{"--- Below this line is a copy of the message", "------ This is a copy of", "--- This is a copy", "----- Original message", "----- Unsent message", "--- Enclosed is a copy", "--- The header of the original", "----- Message header follows", "------- Original Message", "--- The message cannot be delivered", "Original message headers:", "Original Message Headers", "----- Original Message", "----- Message headers", "--- Original message follows", "Message header follows", "Received: from ", "Return-Path: <"}

var beside = []string{"could not be delivered", "couldn't be delivered", "wasn't delivered", "was not delivered", "undeliverable", "delivery failed", "delivery has failed", "failed recipient", "failed address", "recipient", "rejected", "user unknown", "unknown user", "does not exist", "not delivered", "delayed", "unable to deliver", "not found"}

// opens says whether a line begins what is said about one recipient, as the
// mail systems write it:
//
//	<user@host.example>: reason            qmail, Postfix
//	<user@host.example> (expanded from …   Postfix
//	  user@host.example                    Exim, Courier
//	  user@host.example on 11/2/2026 8:15  Exchange
//	550 5.1.1 <user@host.example>... why   sendmail
//	To: user@host.example                  others
func opens(line string) (addr, rest string, ok bool) {
	l := strings.TrimSpace(line)
	if len(l) < 5 || len(l) > 600 || strings.IndexByte(l, '@') < 0 {
		return "", "", false
	}
	if l[0] == '<' {
		end := strings.IndexByte(l, '>')
		if end > 2 && isAddress(l[1:end]) && (end+1 == len(l) || strings.IndexByte(" :(.-,;", l[end+1]) >= 0) {
			return l[1:end], strings.TrimLeft(l[end+1:], " :."), true
		}
		return "", "", false
	}
	if digit(l[0]) && len(l) > 8 && replyCode(l[:4]) != "" {
		open, end := strings.IndexByte(l, '<'), strings.IndexByte(l, '>')
		if open > 0 && end > open && open < 16 && isAddress(l[open+1:end]) {
			return l[open+1 : end], l, true
		}
		return "", "", false
	}
	for _, p := range []string{"to:", "recipient:", "recipient address:", "failed recipient:", "address:", "addressee:", "user:", "-", "*", "•"} {
		if len(l) > len(p) && strings.EqualFold(l[:len(p)], p) {
			l = strings.TrimSpace(l[len(p):])
			break
		}
	}
	// The address is the line, or its beginning.
	word, tail, _ := strings.Cut(l, " ")
	bare := strings.Trim(word, "<>\"'():;,.")
	if open := strings.IndexByte(word, '<'); open > 0 && strings.HasSuffix(word, ">") { // user@host<user@host>
		bare = word[open+1 : len(word)-1]
	}
	bare = strings.TrimPrefix(bare, "mailto:")
	if !isAddress(bare) {
		return "", "", false
	}
	tail = strings.TrimSpace(tail)
	// "user@host wrote:" and sentences that begin with an address are none.
	switch {
	case tail == "", strings.HasSuffix(word, ":"), strings.HasSuffix(word, ";"), strings.HasPrefix(tail, "("), strings.HasPrefix(tail, "<"), strings.HasPrefix(tail, ":"), strings.HasPrefix(tail, "on "), strings.HasPrefix(tail, "-"):
		return bare, strings.TrimLeft(tail, " :-"), true
	}
	return "", "", false
}

func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at >= len(s)-1 || len(s) > 320 || strings.ContainsAny(s, " <>(),;:\"\t/[]=") {
		return false
	}
	return strings.IndexByte(s[at:], '.') > 1 || s[at+1:] == "localhost"
}

func firstAddress(s string) string {
	for _, w := range strings.FieldsFunc(s, cuts) {
		if w = strings.TrimRight(w, ".:"); isAddress(w) {
			return w
		}
	}
	return ""
}

func lastAddress(s string) string {
	f := strings.FieldsFunc(s, cuts)
	for i := len(f) - 1; i >= 0; i-- {
		if w := strings.TrimRight(f[i], ".:"); isAddress(w) {
			return w
		}
	}
	return ""
}

func cuts(r rune) bool { return r <= ' ' || strings.ContainsRune("<>()\"',;[]", r) }

// ownAddress says whether addr is the mail system's own or the one this report
// was sent to.
func (r *reader) ownAddress(addr string) bool {
	local, _, _ := strings.Cut(strings.ToLower(addr), "@")
	if local == "postmaster" || strings.HasPrefix(local, "mailer-daemon") {
		return true
	}
	for _, a := range r.m.From() {
		if strings.EqualFold(a.Addr, addr) {
			return true
		}
	}
	// Who mails himself finds himself in his own report: only if nobody else
	// is named. To is whom the failure is told.
	for _, a := range r.m.To() {
		if strings.EqualFold(a.Addr, addr) {
			return !strings.Contains(strings.ToLower(r.words()), "<"+strings.ToLower(addr)+">:")
		}
	}
	return false
}
