package collect

import (
	"context"
	"slices"
	"sync"

	"bailiwick/evidence"
	"bailiwick/name"
)

// LookRequest says what to look at.
type LookRequest struct {
	// URLs are fetched each from every vantage point.
	URLs []name.URL
	// Host is the name whose DNS is measured, Registered its registered domain.
	// With a zero Host (the subject is an address) there is no DNS.
	Host       name.Domain
	Registered name.Domain
	// Home also fetches the front page of Registered (of Host, if there is
	// none), by http, and by https where http gives no answer at all.
	Home bool
	// NoKeep keeps no body: for content that must not be stored. The page is
	// read all the same.
	NoKeep bool
}

// Look measures the DNS of the host and fetches each URL, and the home page
// where wanted, from every vantage point. Results come in the order of the
// URLs and, for each, of the vantage points. Every host is resolved once for
// the whole Look.
func (c *Collector) Look(ctx context.Context, r LookRequest) evidence.Look {
	look := evidence.Look{At: c.clock.Now()}
	names := c.newHostNames(ctx)
	if !r.Host.IsZero() {
		d, addrs := c.measure(ctx, r.Host, r.Registered)
		look.DNS = &d
		names.know(r.Host, addrs)
	}
	front := r.Registered
	if front.IsZero() {
		front = r.Host
	}
	n := len(r.URLs) * len(c.vantages)
	look.Fetches = make([]evidence.Fetch, n)
	if r.Home && !front.IsZero() {
		look.Home = make([]evidence.Fetch, len(c.vantages))
	}
	work := make(chan int)
	var done sync.WaitGroup
	for range min(c.limits.Parallel, n+len(look.Home)) {
		done.Go(func() {
			for i := range work {
				if i < n {
					look.Fetches[i] = c.fetch(ctx, r.URLs[i/len(c.vantages)], c.vantages[i%len(c.vantages)], names, !r.NoKeep)
				} else {
					look.Home[i-n] = c.home(ctx, front, c.vantages[i-n], names, !r.NoKeep)
				}
			}
		})
	}
	for i := range n + len(look.Home) {
		work <- i
	}
	close(work)
	done.Wait()
	for _, f := range slices.Concat(look.Fetches, look.Home) {
		if f.Body != "" && !slices.Contains(look.Blobs, f.Body) {
			look.Blobs = append(look.Blobs, f.Body)
		}
	}
	return look
}

// home fetches a front page as somebody who types the name.
func (c *Collector) home(ctx context.Context, d name.Domain, v evidence.Vantage, names *hostNames, keep bool) evidence.Fetch {
	u := name.URL{Scheme: "http", Domain: d, Path: "/"}
	f := c.fetch(ctx, u, v, names, keep)
	if len(f.Hops) == 1 && f.Status == 0 && (f.Err == errRefused || f.Err == errReset || f.Err == errUnreachable || f.Err == errTimeout) &&
		ctx.Err() == nil && names.of(u).failure == "" {
		u.Scheme = "https"
		if g := c.fetch(ctx, u, v, names, keep); g.Status != 0 {
			return g
		}
	}
	return f
}
