package centre

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/name"
	"bailiwick/notify/email"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"

	"github.com/emersion/go-message"
)

// HandOff is a task for a person: something that no mail of ours brings to its
// party, because a form or nothing at all is the way in, or because it is a
// bundle.
type HandOff struct {
	Case       string          `json:"case"`
	Obligation string          `json:"obligation"`
	Subject    string          `json:"subject"`
	Type       string          `json:"type"`
	Party      party.Party     `json:"party"`
	Action     casework.Action `json:"action"`
	Status     casework.Status `json:"status"`
	Opened     time.Time       `json:"opened"`
	// Why a person has to do it.
	Why string `json:"why,omitempty"`
	// Note is what the contact list's author says of the desk.
	Note string `json:"note,omitempty"`
	// Wait, if not empty, says why nothing should be handed over now.
	Wait string `json:"wait,omitempty"`
}

// HandOffPage is one page of the tasks that are open.
type HandOffPage struct {
	Tasks []HandOff
	// Found is how many there are in all, up to MaxFound.
	Found int
	// Next is where the next page begins; nil at the end.
	Next *store.HandOff
}

// handOffPiece is how many tasks are read in one go.
const handOffPiece = 500

// HandOffs lists all tasks that are open, the oldest first.
func (c *Centre) HandOffs(ctx context.Context) ([]HandOff, error) {
	var out []HandOff
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		out = nil
		for after := (*store.HandOff)(nil); ; {
			tasks, next, err := c.handOffs(ctx, tx, after, handOffPiece)
			out = append(out, tasks...)
			if err != nil || next == nil {
				return err
			}
			after = next
		}
	})
	return out, err
}

// HandOffPage lists at most limit (1 to 500) of the tasks that are open, the
// oldest first, those after a place (nil: from the beginning). What it costs is
// bounded by limit, however many cases there are.
func (c *Centre) HandOffPage(ctx context.Context, after *store.HandOff, limit int) (HandOffPage, error) {
	var p HandOffPage
	limit = min(max(limit, 1), handOffPiece)
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		if p.Tasks, p.Next, err = c.handOffs(ctx, tx, after, limit); err != nil {
			return err
		}
		p.Found, err = tx.CountHandOffs(ctx, MaxFound)
		return err
	})
	return p, err
}

// handOffs reads a piece of the list, and where the next one begins.
func (c *Centre) handOffs(ctx context.Context, tx *store.Tx, after *store.HandOff, limit int) (out []HandOff, next *store.HandOff, err error) {
	rows, err := tx.HandOffs(ctx, after, limit+1)
	if err != nil {
		return nil, nil, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = &rows[limit-1]
	}
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.Case)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	stored, err := tx.CasesByID(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	failed, err := tx.FailedNotices(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	cases := map[string]casework.Case{}
	for _, r := range rows {
		cs, ok := cases[r.Case]
		if !ok {
			if cs, err = unpack(stored[r.Case]); err != nil {
				return nil, nil, err
			}
			cases[r.Case] = cs
		}
		if o, ok := cs.Obligation(r.Obligation); ok && cs.ForPerson(o) {
			out = append(out, c.handOff(cs, o, failed))
		}
	}
	return out, next, nil
}

// handOff is an obligation as a task. Of the notices, those of its own that could
// not be delivered count, in the order they were ordered.
func (c *Centre) handOff(cs casework.Case, o casework.Obligation, notices []store.Notice) HandOff {
	h := HandOff{Case: cs.ID, Obligation: o.ID, Subject: cs.Subject.Key(), Type: string(cs.Type), Party: o.Party, Action: o.Action, Status: o.Status,
		Opened: o.Opened, Why: o.Party.Why, Wait: notNow(cs, o)}
	h.Party.PGPKey = "" // of no use to whoever fills in a form
	l, _ := c.Directory.Contacts().Listed(o.Party.ID)
	h.Note = l.Note
	if o.Action == casework.Bundle {
		h.Why = "a person files the bundle"
	}
	if o.Status == casework.Unreachable {
		for _, n := range notices {
			if n.Obligation == o.ID && n.State == store.NoticeFailed {
				h.Why = "the mail to " + n.To + " was not delivered: " + n.Response
			}
		}
	}
	return h
}

// waiting says what of a case waits for a person after a step and did not
// before, and the ids of what did and does not any more.
func waiting(before, after casework.Case) (added []casework.Obligation, gone []string) {
	was := map[string]bool{}
	for _, o := range before.Obligations {
		if before.ForPerson(o) {
			was[o.ID] = true
		}
	}
	for _, o := range after.Obligations {
		switch now := after.ForPerson(o); {
		case now && !was[o.ID]:
			added = append(added, o)
		case !now && was[o.ID]:
			gone = append(gone, o.ID)
		}
	}
	return added, gone
}

// notNow says why an ask should wait; "" if it need not. The rules are those of
// a notice (intend).
func notNow(cs casework.Case, o casework.Obligation) string {
	switch {
	case !cs.GoneSince.IsZero():
		return "the abuse was not seen at the latest look"
	case o.Action.DNSLevel() && cs.Class != casework.Malicious:
		return "the name is not judged maliciously registered any more"
	}
	return ""
}

// HandOffText is what a person pastes into a form, or reads out: plain text,
// defanged, without what would name a victim.
type HandOffText struct {
	HandOff
	Title string `json:"title"`
	Text  string `json:"text"`
	// URLs are the addresses in question, defanged, for forms that ask for them
	// apart.
	URLs []string `json:"urls,omitempty"`
	// ReplyTo is the address of ours that belongs to this ask alone, AnswerURL
	// the page where it is answered.
	ReplyTo   string `json:"reply_to"`
	AnswerURL string `json:"answer_url,omitempty"`
}

// HandOffText fills in what is to be handed over for an obligation. Once it
// has been, it repeats it as a chase.
func (c *Centre) HandOffText(ctx context.Context, id, obligation string) (HandOffText, error) {
	var out HandOffText
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		cs, err := c.load(ctx, tx, id)
		if err != nil {
			return err
		}
		o, ok := cs.Obligation(obligation)
		if !ok {
			return problem.New(problem.NotFound, "there is no such obligation on case %s", id)
		}
		if cs.State != casework.Coordinating || o.Round != cs.Round {
			return problem.New(problem.Conflict, "case %s is %s: nothing is asked about it now", id, cs.State)
		}
		if o.Action.DNSLevel() && cs.Class != casework.Malicious {
			return problem.New(problem.Refused, "%s: nobody is asked to suspend it", notNow(cs, o))
		}
		pb, err := c.playbook(ctx, tx, cs.Playbook)
		if err != nil {
			return err
		}
		earlier, err := tx.Notices(ctx, id)
		if err != nil {
			return err
		}
		out.HandOff = c.handOff(cs, o, earlier)
		return c.fillIn(&out, cs, pb, o, earlier)
	})
	return out, err
}

// nobody stands in the To field of a message that is never sent (RFC 2606).
const nobody = "form@handoff.invalid"

// fillIn composes the notice as if it were mailed and takes its text.
func (c *Centre) fillIn(out *HandOffText, cs casework.Case, pb casework.Playbook, o casework.Obligation, earlier []store.Notice) error {
	kind := email.KindAsk
	switch {
	case o.Action == casework.Bundle:
		kind = email.KindBundle
	case !o.Action.Asks():
		kind = email.KindInform
	case o.Status == casework.Missed:
		kind = email.KindChase
	}
	n := store.Notice{ID: noticeID(o.ID, o.Notices+1), Kind: kind, To: nobody}
	a, err := c.draft(cs, pb, o, n, earlier, c.Clock.Now())
	if err != nil {
		return err
	}
	a.To, a.XARF = nobody, nil // a form takes no attachment
	reply := email.ReplyAddress(c.ReplyKey, c.set.ReplyDomain, cs.ID, o.ID)
	m, err := email.Compose(a, email.ComposeOptions{From: c.set.From, FromName: c.set.Name, ReplyTo: reply})
	if err != nil {
		return err
	}
	if out.Title, out.Text, err = textOf(m.Raw); err != nil {
		return err
	}
	out.Text = byForm(out.Text, reply)
	for _, u := range a.URLs {
		out.URLs = append(out.URLs, name.Defang(u.String()))
	}
	out.ReplyTo, out.AnswerURL = reply, a.AnswerURL
	return nil
}

// textOf gives the subject and the text of a message of ours.
func textOf(raw []byte) (subject, text string, err error) {
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		return "", "", problem.Wrap(err, problem.Internal, "the message does not read back")
	}
	if subject, err = e.Header.Text("Subject"); err != nil {
		return "", "", problem.Wrap(err, problem.Internal, "the message does not read back")
	}
	part := e
	if mr := e.MultipartReader(); mr != nil {
		if part, err = mr.NextPart(); err != nil {
			return "", "", problem.Wrap(err, problem.Internal, "the message does not read back")
		}
	}
	b, err := io.ReadAll(part.Body)
	if err != nil {
		return "", "", problem.Wrap(err, problem.Internal, "the message does not read back")
	}
	return subject, strings.ReplaceAll(string(b), "\r\n", "\n"), nil
}

// byForm replaces the paragraph that speaks of replying to the message: who
// reads a form has none.
func byForm(text, reply string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		j := strings.Index(p, "Or reply to this message")
		if j < 0 {
			continue
		}
		paragraphs[i] = p[:j] + "Or write to this address, which belongs to this case alone:\n" + reply
	}
	return strings.Join(paragraphs, "\n\n")
}

// MaxProof is the largest proof of a hand-over, in octets.
const MaxProof = 10 << 20

// Handed records that a person handed an ask or a bundle over by another way
// (a form, a telephone), which starts the clock like an accepted mail.
func (c *Centre) Handed(ctx context.Context, id, obligation, by, how string) error {
	return c.HandedSince(ctx, id, 0, obligation, by, how, nil)
}

// HandedWithProof is Handed with a file that shows it: a picture of the form, a
// receipt.
func (c *Centre) HandedWithProof(ctx context.Context, id, obligation, by, how string, proof []byte) error {
	return c.HandedSince(ctx, id, 0, obligation, by, how, proof)
}

// HandedSince is HandedWithProof for somebody who saw the case up to the event
// numbered seq (0: no condition). The proof (nil for none) is kept as evidence of
// the case, and the event names its digest. A better proof may be given later.
func (c *Centre) HandedSince(ctx context.Context, id string, seq int, obligation, by, how string, proof []byte) error {
	if len(proof) > MaxProof {
		return problem.New(problem.TooLarge, "a proof has at most %d octets, this one has %d", MaxProof, len(proof))
	}
	cs, err := c.Case(ctx, id)
	if err != nil {
		return err
	}
	o, ok := cs.Obligation(obligation)
	if !ok || o.Party.Role == party.Compliance && o.Status != casework.HandOff {
		return problem.New(problem.NotFound, "there is no such obligation on case %s", id)
	}
	cmd := casework.Hand{Obligation: obligation, By: by, How: how}
	if len(proof) > 0 {
		// On its own first: without the event that names it, it goes after a day.
		if cmd.Proof, err = c.Store.PutBlob(ctx, http.DetectContentType(proof), proof); err != nil {
			return err
		}
	}
	_, err = c.actIf(ctx, id, func(tx *store.Tx, cs casework.Case) error {
		if err := unchanged(ctx, tx, cs, seq); err != nil || cmd.Proof == "" {
			return err
		}
		return tx.RefBlob(ctx, cmd.Proof, store.OwnerCase, id)
	}, cmd)
	return err
}

// Proof gives the file that shows that an obligation was handed over, and its
// media type.
func (c *Centre) Proof(ctx context.Context, id, obligation string) ([]byte, string, error) {
	cs, err := c.Case(ctx, id)
	if err != nil {
		return nil, "", err
	}
	o, ok := cs.Obligation(obligation)
	if !ok || o.Proof == "" {
		return nil, "", problem.New(problem.NotFound, "there is no proof of that on case %s", id)
	}
	return c.Store.Blob(ctx, o.Proof)
}

// proofs are the digests of what was kept as proof in a case's log.
func proofs(entries []casework.Entry) ([]string, error) {
	var out []string
	var errs []error
	for _, e := range entries {
		if e.Kind != casework.KindDelivered || e.Payload == nil {
			continue
		}
		var b casework.Delivered
		if err := json.Unmarshal(e.Payload.Body, &b); err != nil {
			errs = append(errs, problem.Wrap(err, problem.Corrupt, "event %d of case %s does not parse", e.Seq, e.Case))
			continue
		}
		if b.Proof != "" {
			out = append(out, b.Proof)
		}
	}
	return out, errors.Join(errs...)
}
