package centre

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strings"

	"bailiwick/notify/email"
	"bailiwick/store"
)

// spokenOf says which of the messages of one log, oldest first, a delivery report
// speaks of. One that names the Message-ID of one of them speaks of that one alone,
// however many came after it, and only while a server has it: what was said before
// is about no other message. One that names none of them does not say which it was:
// it is about the latest that a server has, where all went to one address. Where
// several addresses were written to, whoever read one message could take back what
// reached another, so a person reads it. why says so; it is "" with a notice.
func spokenOf(sent []store.Notice, messageID string) (n store.Notice, why string) {
	messageID = strings.Trim(messageID, "<> ")
	under := func(x store.Notice) bool { return x.State == store.NoticeAccepted || x.State == store.NoticeInDoubt }
	const none = "nothing is under way"
	to, several := "", false
	for _, x := range sent {
		if x.MessageID == "" { // no server has seen it
			continue
		}
		if x.MessageID == messageID {
			if !under(x) {
				return store.Notice{}, none
			}
			return x, ""
		}
		// Of codes the log holds a keyed digest in place of the address.
		at := x.Party + "\x00" + x.To
		several = several || to != "" && at != to
		if to = at; under(x) {
			n = x
		}
	}
	switch {
	case n.ID == "":
		return n, none
	case several:
		return store.Notice{}, "it names none of the messages, which went to several addresses: for a person to read"
	}
	return n, ""
}

// takeBack takes back that a server took the one of sent that a delivery report, or
// a message of ours that came back, speaks of (spokenOf). Otherwise the mail is kept,
// says why, and ok is false: nothing follows.
func (c *Centre) takeBack(ctx context.Context, tx *store.Tx, row *store.Mail, sent []store.Notice, messageID, response string) (n store.Notice, ok bool, err error) {
	n, why := spokenOf(sent, messageID)
	if why == "" {
		// A message of ours about something else came to this address by no way of ours.
		if x, ours, err := tx.NoticeByMessage(ctx, strings.Trim(messageID, "<> ")); err != nil {
			return n, false, err
		} else if ours && x.ID != n.ID {
			why = "it names a message about something else: for a person to read"
		}
	}
	if why != "" {
		ignore(row, strings.TrimPrefix(row.Detail+"; "+why, "; "))
		return n, false, nil
	}
	ok, err = tx.BounceNotice(ctx, n.ID, "bounced: "+response, c.Clock.Now())
	return n, ok, err
}

// sentOf are the notices of a log that wanted says, oldest first; nil is all of them.
func (k *keeping[T, C]) sentOf(ctx context.Context, tx *store.Tx, id string, wanted func(number int) bool) ([]store.Notice, error) {
	ns, err := tx.ObligationNotices(ctx, k.route+id)
	return slices.DeleteFunc(ns, func(n store.Notice) bool { return wanted != nil && !wanted(n.Number) }), err
}

// messageTag is what stands in the Message-ID of a notice so that nobody guesses it
// who did not see the message: whoever got the first of two could otherwise name
// the second in a delivery report.
func (c *Centre) messageTag(notice string) string {
	h := hmac.New(sha256.New, c.ReplyKey)
	h.Write([]byte("bailiwick message id 1\x00" + notice))
	return strings.ToLower(tokenWords.EncodeToString(h.Sum(nil)[:10]))
}

// composing are the options of a message of ours that is answered at replyTo.
func (c *Centre) composing(notice, from, replyTo string) email.ComposeOptions {
	return email.ComposeOptions{From: from, FromName: c.set.Name, ReplyTo: replyTo, Tag: c.messageTag(notice), DKIM: c.DKIM}
}
