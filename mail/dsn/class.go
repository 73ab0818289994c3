package dsn

import "strings"

// reasons are the words by which a class is known, in lower case. The first
// class with a word that occurs is it: what is said of the mailbox comes
// before what is said of the sender, and that before what is said of the
// systems between.
var reasons = []struct {
	class Class
	words []string
}{
	{Loop, []string{"too many hops", "mail loop", "loops back to myself", "routing loop", "hop count exceeded", "too many received"}},
	{TooBig, []string{"message size exceeds", "message too large", "too large for", "exceeds size limit", "exceeded maximum size", "message file too big", "exceeds the maximum", "size limit exceeded", "message is too big", "maximum message size", "larger than the current system limit", "5.3.4", "5.2.3"}},
	{MailboxFull, []string{"mailbox full", "mailbox is full", "mailbox for ", "over quota", "overquota", "quota exceeded", "quota is exceeded", "exceeded quota", "exceeds quota", "exceeded storage", "storage allocation", "insufficient storage", "disk quota", "not enough disk", "not enough storage", "inbox is full", "quota exceed", "out of storage space", "mailbox size limit", "exceeded its quota", "is full", "insufficient disk space", "exceeded the space quota", "user is overquota", "quota full", "quotaexceeded", "mailbox too large", "4.2.2", "5.2.2", "postfach voll", "postfach ist voll", "boîte pleine", "buzón lleno"}},
	{Auth, []string{"spf check failed", "spf fail", "fails spf", "failed spf", "spf validation", "dmarc", "dkim", "5.7.26", "5.7.23", "5.7.20", "5.7.21", "sender policy framework", "unauthenticated email", "not authorized to send on behalf", "authentication requirements", "spf record"}},
	{Inactive, []string{"mailbox disabled", "account disabled", "account is disabled", "mailbox is disabled", "account has been disabled", "account suspended", "is inactive", "inactive user", "account inactive", "mailbox is inactive", "mailbox unavailable or access denied", "account deactivated", "account expired", "no longer active", "no longer in use", "no longer monitored", "not monitored", "unmonitored", "account has been suspended", "user suspended", "mailbox temporarily disabled", "account that you tried to reach is disabled", "account is locked", "user disabled", "recipient not accepting", "is not accepting mail", "not accepting messages", "address no longer", "has been discontinued", "disabled recipient"}},
	{UnknownUser, []string{"user unknown", "unknown user", "no such user", "no such recipient", "no such address", "no such mailbox", "no mailbox here", "unknown recipient", "recipient unknown", "mailbox unavailable", "mailbox not found", "mailbox does not exist", "user not found", "user doesn't exist", "user does not exist", "does not exist", "doesn't exist", "invalid recipient", "invalid mailbox", "recipient not found", "address rejected", "unknown local part", "not a valid mailbox", "not a known user", "unrouteable address", "unknown address", "no account by that name", "no valid recipients", "recipientnotfound", "recipnotfound", "unknown or illegal alias", "undeliverable address", "not our customer", "doesn't have a", "isn't in our", "not listed in", "couldn't be found", "could not be found", "wasn't found at", "address not found", "bad destination mailbox", "recipient does not", "account does not exist", "user account is unavailable", "5.1.1", "5.1.10", "5.1.0 ", "is not a valid", "unbekannter empfänger", "empfänger unbekannt", "existiert nicht", "adresse inconnue", "destinataire inconnu", "usuario desconocido", "no existe", "не существует", "нет такого пользователя", "宛先不明", "存在しません", "不存在"}},
	{UnknownHost, []string{"host not found", "host or domain name not found", "domain not found", "unknown host", "host unknown", "name service error", "no such domain", "domain does not exist", "dns error", "nxdomain", "domain name not found", "unable to look up", "couldn't find any host", "no mx", "mx record", "null mx", "does not accept mail", "doesn't accept mail", "unroutable", "unrouteable mail domain", "bad destination system", "dns lookup fail", "no route to domain", "5.1.2", "5.4.4", "5.1.10", "5.4.310", "5.4.312"}},
	{Rate, []string{"rate limit", "rate limited", "ratelimit", "too many connections", "too many messages", "too many recipients", "too many errors", "throttl", "sending limit", "exceeded the limit", "try again later: too", "connection rate", "concurrent", "greylist", "graylist", "grey list", "deferred due to user complaints", "unusual rate", "unusually high", "receiving mail too quickly", "receiving mail at a rate"}},
	{Spam, []string{"spam", "ube", "unsolicited", "bulk email", "junk", "content rejected", "content denied", "virus", "malware", "message content", "phish", "suspicious", "infected", "blocked by our", "rejected due to content", "blocked because of its content", "5.7.512", "policy reasons: content", "looks like spam", "message blocked"}},
	{Policy, []string{"blacklist", "blocklist", "block list", "black list", "blocked using", "blocked by", "listed by", "listed at", "listed in", "spamhaus", "reputation", "policy", "access denied", "not authorized", "not permitted", "relay", "rejected your message", "sender rejected", "sender denied", "sender address rejected", "client host rejected", "permission", "denied", "banned", "not allowed", "5.7.1", "5.7.0", "5.7.133", "5.7.124", "rejected", "reverse dns", "ptr record", "bad helo", "tls required", "authentication required", "refused by", "restricted", "prohibited"}},
	{Expired, []string{"message expired", "retry timeout exceeded", "retry time not reached", "delivery time expired", "been in the queue too long", "could not send message for past", "giving up", "message timed out", "queue lifetime", "undelivered after", "has been queued for too long", "4.4.7", "5.4.7"}},
	{Network, []string{"connection timed out", "timed out", "timeout", "connection refused", "network is unreachable", "no route to host", "lost connection", "connection reset", "connection dropped", "couldn't connect", "could not connect", "unable to connect", "connect to ", "no answer from host", "not responding", "conversation with", "host unreachable", "network unreachable", "4.4.1", "4.4.2", "4.4.0"}},
	{System, []string{"system error", "service unavailable", "mailer error", "local error", "local problem", "internal error", "server error", "command died", "command output", "can't create", "couldn't create", "cannot open", "permission denied", "i/o error", "temporary failure", "temporarily unavailable", "configuration error", "mail system", "resources temporarily", "temporarily deferred", "temporary lookup", "out of memory", "no space left", "insufficient system", "system not accepting", "procmail", "maildir", "protocol error", "bad sequence", "syntax error", "command not", "unable to deliver"}},
}

// bySubject says what the second and third figures of a status mean (RFC 3463
// section 3, and the registry it made) where words say nothing.
func bySubject(status string) Class {
	_, rest, ok := strings.Cut(status, ".")
	if !ok {
		return ""
	}
	switch rest {
	case "1.1", "1.3", "1.6", "1.10":
		return UnknownUser
	case "1.2", "4.4", "4.6":
		if rest == "4.6" {
			return Loop
		}
		return UnknownHost
	case "2.1":
		return Inactive
	case "2.2":
		return MailboxFull
	case "2.3", "3.4":
		return TooBig
	case "4.1", "4.2":
		return Network
	case "4.7":
		return Expired
	case "4.0", "4.3":
		return Network
	case "3.1", "3.0", "3.2", "3.5", "5.0", "5.1", "5.2":
		return System
	case "7.20", "7.21", "7.22", "7.23", "7.26", "7.30":
		return Auth
	case "7.0", "7.1", "7.2":
		return Policy
	}
	return ""
}

// classOf is the class that words (in lower case) and status show, or "". A
// status that says more than "failed" in figures counts before words that name
// only a system.
func classOf(words, status string) Class {
	words = strings.Join(strings.Fields(words), " ")
	c := Class("")
	for _, r := range reasons {
		for _, w := range r.words {
			if i := strings.Index(words, w); i >= 0 && bounded(words, i, len(w)) {
				c = r.class
				break
			}
		}
		if c != "" {
			break
		}
	}
	s := bySubject(status)
	switch c {
	case "":
		return s
	case Policy, System, Network:
		// The words are weak: "rejected", "unable to deliver".
		switch s {
		case UnknownUser, MailboxFull, TooBig, UnknownHost, Loop, Expired:
			return s
		}
	case Inactive:
	}
	return c
}

// bounded says whether what was found does not lie inside a longer word or
// number: "5.1.1" is not in "15.1.10", nor "ube" in "tube".
func bounded(s string, at, n int) bool {
	first, last := s[at], s[at+n-1]
	if at > 0 && alnum(first) && alnum(s[at-1]) && !(n > 5 && !digit(first)) {
		return false
	}
	if at+n < len(s) && digit(last) && digit(s[at+n]) {
		return false
	}
	return n > 3 || at+n >= len(s) || !alnum(s[at+n])
}

func alnum(c byte) bool { return digit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' }

var formWords = []string{"web form", "webform", "online form", "abuse form", "reporting form", "report form", "contact form", "complaint form", "submit your complaint", "submit your report", "submit abuse", "submit a report", "through our form", "using our form", "use our form", "use the form", "via our form", "via the form", "fill out the form", "fill in the form", "report abuse at", "report abuse here", "reports at http", "submitted through", "submitted via", "only accept reports", "only accepts reports", "only accept abuse", "please visit http", "please go to http", "please use http", "abuse portal", "kontaktformular", "online-formular", "meldeformular", "webformular", "formulaire", "formulario", "formulário", "modulo online", "webformulier", "форму", "フォーム", "表单", "表單"}

// formSaid says whether the words send the reader to a form. What is said of
// the recipient counts, and the whole text.
func formSaid(about, text string) bool {
	for _, w := range formWords {
		if strings.Contains(about, w) || strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// formURL is the first URL of text near words that name a form, or "".
func formURL(text string) string {
	low := strings.ToLower(text)
	if len(low) != len(text) { // a character whose lower case is longer or shorter
		low = text
	}
	best, bestDist := "", 600
	for pos := 0; ; {
		i := strings.Index(low[pos:], "http")
		if i < 0 {
			break
		}
		i += pos
		pos = i + 4
		rest := text[i:]
		if !strings.HasPrefix(low[i:], "http://") && !strings.HasPrefix(low[i:], "https://") {
			continue
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return r <= ' ' || strings.ContainsRune("<>\"'()[]{}|", r) })
		if end < 0 {
			end = len(rest)
		}
		u := strings.TrimRight(rest[:end], ".,;:!?*")
		if len(u) > 2048 || len(u) < 11 {
			continue
		}
		for _, w := range formWords {
			w = strings.TrimSuffix(w, " http")
			from := max(0, i-500)
			if at := strings.LastIndex(low[from:i], w); at >= 0 && i-(from+at) < bestDist {
				best, bestDist = u, i-(from+at)
			}
			if at := strings.Index(low[i:min(len(low), i+len(u)+200)], w); at >= 0 && at < bestDist {
				best, bestDist = u, at
			}
		}
	}
	return best
}

// FormOf is the address of the web form that a mail points to ("please use our
// form https://…"), or "". Ticket systems and automatic answers say it too.
func FormOf(text string) string {
	if !formSaid("", strings.ToLower(text)) {
		return ""
	}
	return formURL(text)
}
