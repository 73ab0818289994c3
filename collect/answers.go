package collect

import (
	"context"
	"time"

	"bailiwick/clock"
)

// Kept is an answer that a server gave before, and where it came from.
type Kept struct {
	Raw         []byte    // as it was read
	Blob        string    // SHA-256 in hex, where it is stored (Config.Keep)
	Server      string    // RDAP: the URL that answered, after redirects; WHOIS: the host
	Status      int       // RDAP: HTTP status
	ContentType string    // RDAP
	At          time.Time // when it was given
	Expires     time.Time // from then on the server is asked again
}

// Answers keep what servers answered: server is "host:port", question the URL
// (RDAP) or the line (WHOIS) that was put to it. Only answers that say
// something about a registration are put. Implementations are safe for
// concurrent use; what they get wrong costs a question, so that they return no
// errors.
type Answers interface {
	Get(ctx context.Context, server, question string) (Kept, bool)
	Put(ctx context.Context, server, question string, k Kept)
}

// NewAnswers keeps at most max answers in memory, those that expire last.
func NewAnswers(c clock.Clock, max int) Answers { return &answers{c, newCache[Kept](max)} }

type answers struct {
	clock clock.Clock
	kept  *cache[Kept]
}

func (a *answers) Get(_ context.Context, server, question string) (Kept, bool) {
	return a.kept.get(server+" "+question, a.clock.Now())
}

func (a *answers) Put(_ context.Context, server, question string, k Kept) {
	now := a.clock.Now()
	a.kept.put(server+" "+question, k, now, k.Expires.Sub(now))
}

// kept gives the answer to a question that was put before and still counts.
func (c *Collector) kept(ctx context.Context, server, question string) (Kept, bool) {
	if c.answers == nil {
		return Kept{}, false
	}
	k, ok := c.answers.Get(ctx, server, question)
	return k, ok && c.clock.Now().Before(k.Expires) && len(k.Raw) > 0
}

// remember keeps an answer that said something.
func (c *Collector) remember(ctx context.Context, server, question string, k Kept) {
	if c.answers == nil || len(k.Raw) == 0 {
		return
	}
	k.Expires = k.At.Add(c.limits.AnswerTime)
	c.answers.Put(ctx, server, question, k)
}
