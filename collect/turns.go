package collect

import (
	"context"
	"sync"

	"golang.org/x/time/rate"
)

// turns keeps one rate limit per server, on real time.
type turns struct {
	rate  rate.Limit
	burst int

	mu      sync.Mutex
	servers map[string]*rate.Limiter
}

// maxTurns is how many servers are remembered.
const maxTurns = 4096

func newTurns(perSecond float64, burst int) *turns {
	return &turns{rate: rate.Limit(perSecond), burst: burst, servers: map[string]*rate.Limiter{}}
}

// wait returns when server may be asked, or with an error when ctx would end
// before that.
func (t *turns) wait(ctx context.Context, server string) error {
	t.mu.Lock()
	l, ok := t.servers[server]
	if !ok {
		if len(t.servers) >= maxTurns {
			for s, old := range t.servers { // one that has all its tokens again is as good as new
				if old.Tokens() >= float64(t.burst) {
					delete(t.servers, s)
				}
			}
			if len(t.servers) >= maxTurns { // as many at work as there never are: all begin anew
				clear(t.servers)
			}
		}
		l = rate.NewLimiter(t.rate, t.burst)
		t.servers[server] = l
	}
	t.mu.Unlock()
	return l.Wait(ctx)
}
