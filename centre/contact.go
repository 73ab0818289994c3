package centre

import (
	"context"
	"slices"
	"time"

	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
)

// health is what our own deliveries showed of the addresses that the parties
// of a case may be reached at.
func (c *Centre) health(ctx context.Context, q party.Query) (map[string]party.Health, error) {
	addrs := c.Directory.Addresses(q)
	out := map[string]party.Health{}
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		figures, err := tx.ContactFigures(ctx, addrs[:min(len(addrs), store.MaxContacts)])
		for a, f := range figures {
			out[a] = f.Health(c.Clock.Now())
		}
		return err
	})
	return out, err
}

// countDesk counts what went out to the desk of a notice since a time: one desk
// with hundreds of accreditations is one party to the caps.
func (c *Centre) countDesk(ctx context.Context, tx *store.Tx, n store.Notice, since time.Time) (int, error) {
	addrs, parties := c.Directory.Desk(n.Party, n.To)
	return tx.CountDesk(ctx, addrs, parties, since)
}

// Contact is a mail address, or a web form, that a party is reached by, and
// what we know of it.
type Contact struct {
	party.Figures
	Parties []string      `json:"parties,omitempty"` // that were written to at it
	Desk    string        `json:"desk,omitempty"`    // its group of the contact list
	Verdict party.Verdict `json:"verdict"`
	Words   string        `json:"words"` // the verdict in words
	Score   int           `json:"score"` // 0 to 100
	PGP     bool          `json:"pgp,omitempty"`
}

func (c *Centre) contact(f party.Figures, parties []string) Contact {
	now := c.Clock.Now()
	out := Contact{Figures: f, Parties: parties, Score: f.Score(now), PGP: c.Directory.PGPKey(f.Address) != ""}
	out.Verdict, out.Words = f.Verdict(now)
	if g, ok := c.Directory.Contacts().GroupOfMail(f.Address); ok {
		out.Desk = g.ID
	}
	return out
}

// Contacts lists the addresses that were written to, the one written to last
// first, at most limit (store.MaxContacts, which 0 stands for).
func (c *Centre) Contacts(ctx context.Context, limit int) ([]Contact, error) {
	var out []Contact
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Contacts(ctx, limit)
		if err != nil {
			return err
		}
		var addrs []string
		for _, r := range rows {
			addrs = append(addrs, r.Address)
		}
		figures, err := tx.ContactFigures(ctx, addrs)
		for _, r := range rows {
			out = append(out, c.contact(figures[r.Address], r.Parties))
		}
		return err
	})
	return out, err
}

// KnownParty is what the directory and our deliveries say of one party.
type KnownParty struct {
	ID       string              `json:"id"`
	Name     string              `json:"name,omitempty"`
	Sources  []party.Source      `json:"sources"`
	Listed   *party.Listed       `json:"listed,omitempty"`
	Desk     *party.Group        `json:"desk,omitempty"`
	Contacts []Contact           `json:"contacts,omitempty"`
	Verdict  party.Verdict       `json:"verdict"`
	Aside    []party.Quarantined `json:"quarantined,omitempty"`
}

// Party tells of a party by its identifier ("registrar:1861"), or of a mail
// address. What registration data would say today is not looked up.
func (c *Centre) Party(ctx context.Context, id string) (KnownParty, error) {
	out := KnownParty{ID: id, Verdict: party.Untried}
	list := c.Directory.Contacts()
	var addrs []string
	if a, ok := party.Mailbox(id); ok {
		out.ID, addrs = a, []string{party.MailboxKey(a)}
		if g, ok := list.GroupOfMail(a); ok {
			out.Desk = &g
		}
	} else {
		if l, ok := list.Listed(id); ok {
			out.Name, out.Listed = l.Name, &l
			if g, ok := list.Group(l.Group); ok {
				out.Desk = &g
			}
		}
		out.Sources = c.Directory.Sources(id)
		for _, s := range out.Sources {
			if s.Email != "" {
				addrs = append(addrs, party.MailboxKey(s.Email))
			}
			if out.Name == "" {
				out.Name = s.Name
			}
		}
		if list != nil {
			for _, q := range list.Quarantine {
				if q.ID == id {
					out.Aside = append(out.Aside, q)
				}
			}
		}
	}
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		used, err := tx.PartyContacts(ctx, id)
		if err != nil {
			return err
		}
		addrs = append(addrs, used...)
		slices.Sort(addrs)
		addrs = slices.Compact(addrs)
		figures, err := tx.ContactFigures(ctx, addrs[:min(len(addrs), store.MaxContacts)])
		for _, a := range addrs {
			out.Contacts = append(out.Contacts, c.contact(figures[a], nil))
		}
		return err
	})
	if err != nil {
		return out, err
	}
	if len(out.Contacts)+len(out.Sources) == 0 && out.Listed == nil {
		return out, problem.New(problem.NotFound, "nothing is known of %q: give an identifier such as registrar:1861, or a mail address", id)
	}
	best := -1
	for _, k := range out.Contacts {
		if k.Score > best {
			best, out.Verdict = k.Score, k.Verdict
		}
	}
	if len(out.Contacts) == 0 && slices.ContainsFunc(out.Sources, func(s party.Source) bool { return s.Form != "" }) {
		out.Verdict = party.OnlyForm
	}
	return out, nil
}
