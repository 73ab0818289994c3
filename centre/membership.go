package centre

import (
	"context"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/mail"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
)

// PartyShare is what of a case one party was told: what a member of an organisation
// that answers for it sees. It is a type of its own, filled in field by field, so
// that nothing else of a case can come along: no reporter, no other party, no note
// of the desk, no look that no message told of.
type PartyShare struct {
	Case       string          `json:"case"`
	Obligation string          `json:"obligation"`
	Subject    string          `json:"subject"`
	Type       string          `json:"type"`
	Party      string          `json:"party"` // party.Party.ID
	Name       string          `json:"name"`  // of the party
	Role       party.Role      `json:"role"`
	Action     casework.Action `json:"action"`
	Status     casework.Status `json:"status"`
	Told       time.Time       `json:"told"`
	// Due is until when the party has time; zero where no time was given.
	Due time.Time `json:"due,omitzero"`
	// Stands says that what was asked is still asked.
	Stands   bool      `json:"stands"`
	Answer   string    `json:"answer,omitempty"`
	AnswerAt time.Time `json:"answer_at,omitzero"`
	// URLs are those that were reported when the party was last told, while the
	// ask stands; as messages have them, without what may name a victim.
	URLs []string `json:"urls,omitempty"`
	// Messages are the latest that reached the party, the newest first. Both are
	// on the page of a case alone.
	Messages []ShareMessage `json:"messages,omitempty"`
}

// ShareMessage is a message that reached a party.
type ShareMessage struct {
	Kind string    `json:"kind"` // "ask", "reminder", "chase" …
	At   time.Time `json:"at"`
	// Text is what it said; "" where it is not kept any more.
	Text string `json:"text,omitempty"`
	blob string
}

// shareMessages is how many messages of an obligation are shown.
const shareMessages = 3

// SharePage is one page of what an organisation's parties were told.
type SharePage struct {
	Shares []PartyShare
	Found  int              // in all, up to MaxFound
	Next   *store.QueueMark // where the next page begins; nil at the end
}

// shared says what parties know of a case now and did not before, and what they
// do not any more.
func shared(before, after casework.Case) (told []store.Share, gone []string) {
	was := map[string]store.Share{}
	for _, o := range before.Obligations {
		if s, ok := store.ShareOf(before, o); ok {
			was[o.ID] = s
		}
	}
	for _, o := range after.Obligations {
		old, had := was[o.ID]
		switch s, ok := store.ShareOf(after, o); {
		case ok && (!had || s != old):
			told = append(told, s)
		case !ok && had:
			gone = append(gone, o.ID)
		}
	}
	return told, gone
}

func shareOf(cs casework.Case, o casework.Obligation) PartyShare {
	return PartyShare{Case: cs.ID, Obligation: o.ID, Subject: cs.Subject.Key(), Type: string(cs.Type), Party: o.Party.ID, Name: o.Party.Name, Role: o.Party.Role,
		Action: o.Action, Status: o.Status, Told: o.Delivered, Due: o.Due, Stands: store.Stands(cs, o), Answer: o.Answer, AnswerAt: o.AnswerAt}
}

// Shares lists what the parties of an organisation were told. The caller has asked
// access.Decide; what is none of the organisation's, the database leaves out.
func (c *Centre) Shares(ctx context.Context, f store.ShareFilter) (SharePage, error) {
	var out SharePage
	limit := f.Limit
	if limit <= 0 || limit >= store.MaxCases {
		limit = store.MaxCases - 1
	}
	f.Limit = limit + 1
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		out = SharePage{}
		rows, err := tx.Shares(ctx, f)
		if err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			next := rows[limit-1].Mark(f.Standing)
			out.Next = &next
		}
		var ids []string
		for _, r := range rows {
			ids = append(ids, r.Case)
		}
		cases, err := tx.CasesByID(ctx, ids)
		if err != nil {
			return err
		}
		read := map[string]casework.Case{}
		for _, r := range rows {
			cs, ok := read[r.Case]
			if !ok {
				if cs, err = unpack(cases[r.Case]); err != nil {
					return err
				}
				read[r.Case] = cs
			}
			if o, ok := cs.Obligation(r.Obligation); ok {
				out.Shares = append(out.Shares, shareOf(cs, o))
			}
		}
		if f.After == nil && out.Next == nil {
			out.Found = len(rows)
			return nil
		}
		out.Found, err = tx.CountShares(ctx, f, MaxFound)
		return err
	})
	return out, err
}

// SharesOfCase reads what the parties of an organisation were told of one case.
// None is NotFound, in the words for a case that does not exist.
func (c *Centre) SharesOfCase(ctx context.Context, org, id string) ([]PartyShare, error) {
	var out []PartyShare
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		out = nil
		rows, err := tx.SharesOfCase(ctx, org, id)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return problem.New(problem.NotFound, "there is no case %s", id)
		}
		cs, err := c.load(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, r := range rows {
			o, ok := cs.Obligation(r.Obligation)
			if !ok {
				continue
			}
			s := shareOf(cs, o)
			notices, err := tx.AcceptedNotices(ctx, o.ID, shareMessages)
			if err != nil {
				return err
			}
			told := o.Delivered // by hand, if there is no message
			if len(notices) > 0 {
				told = notices[0].Intended
			}
			for _, n := range notices {
				s.Messages = append(s.Messages, ShareMessage{Kind: n.Kind, At: n.Done, blob: n.Blob})
			}
			if s.Stands {
				s.URLs = urlsUntil(cs, told)
			}
			out = append(out, s)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		for j := range out[i].Messages {
			m := &out[i].Messages[j]
			if m.blob == "" {
				continue
			}
			// What was erased or has expired is not shown; that it was sent is.
			if raw, _, err := c.Store.Blob(ctx, m.blob); err == nil {
				m.Text = plainText(raw)
			}
		}
	}
	return out, nil
}

// urlsUntil are the URLs that were reported until a time, as messages have them.
// Those of cases that were merged into it are left out: when that was, is not known.
func urlsUntil(cs casework.Case, until time.Time) []string {
	known := map[string]bool{}
	for _, r := range cs.Reports {
		if r.Gone || r.Received.After(until) {
			continue
		}
		for _, u := range r.URLs {
			known[u] = true
		}
	}
	var out []string
	for _, s := range cs.URLs() {
		if u, err := name.ParseURL(s); err == nil && known[s] {
			out = append(out, name.StripTokens(u).String())
		}
	}
	return out
}

// AnswerShare records what a member says for the party of an obligation. seen is
// the time of the party's answer as the member's page had it (zero: none): where
// somebody else has answered for the party since, it is a Conflict. That the
// member's organisation answers for the party is asked in the transaction that
// writes; where it does not, it is NotFound.
func (c *Centre) AnswerShare(ctx context.Context, org, person, id, obligation string, seen time.Time, answer, note string) error {
	may := func(tx *store.Tx, cs casework.Case) error {
		rows, err := tx.SharesOfCase(ctx, org, id)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.Obligation != obligation {
				continue
			}
			o, _ := cs.Obligation(obligation)
			switch {
			case !o.AnswerAt.Equal(seen):
				return problem.New(problem.Conflict, "somebody answered for %s meanwhile: what they said is below", o.Party.Name)
			case !store.Stands(cs, o):
				return problem.New(problem.Conflict, "nothing is asked of %s any more", o.Party.Name)
			}
			return nil
		}
		return problem.New(problem.NotFound, "there is no case %s", id)
	}
	_, err := c.actIf(ctx, id, may, casework.Answer{Obligation: obligation, By: "party:" + obligation + "/" + person, Answer: answer, Note: strings.TrimSpace(note)})
	return err
}

// plainText is the text of a message of ours; "" for one that does not read, as
// one that is encrypted to its party.
func plainText(raw []byte) string {
	m, err := mail.Read(raw)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(m.Plain(MaxShareText))
}

// MaxShareText is how much of a message is shown, in octets.
const MaxShareText = 8 << 10

// CountShares counts what the parties of an organisation were told, by party.
func (c *Centre) CountShares(ctx context.Context, org string) (map[string]int, error) {
	var out map[string]int
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) { out, err = tx.SharesByParty(ctx, org); return err })
	return out, err
}

// PartyName is what the directory calls a party, and whether it knows it. Nothing
// is looked up.
func (c *Centre) PartyName(id string) (name string, known bool) {
	if l, ok := c.Directory.Contacts().Listed(id); ok {
		return l.Name, true
	}
	for _, s := range c.Directory.Sources(id) {
		if known = true; s.Name != "" {
			return s.Name, true
		}
	}
	return "", known
}
