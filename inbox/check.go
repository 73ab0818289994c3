package inbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"bailiwick/mail"
	"bailiwick/name"
	"bailiwick/text"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-msgauth/dmarc"
)

// Limits on what one mail's sender checks may cost.
const (
	maxLookups    = 60   // DNS questions; SPF's own limits are inside (RFC 7208 section 4.6.4)
	maxSignatures = 5    // DKIM signatures verified
	maxKeyRecord  = 3000 // octets of a DKIM key record: room for RSA with 16384 bits
	maxTXT        = 50   // TXT records at one name
)

// check finds out what can be said of a mail's sender. It never fails: what
// goes wrong is a result too.
func (s *Server) check(ctx context.Context, env mail.Envelope, h header, raw []byte) mail.Auth {
	author, one := h.author()
	a := mail.Auth{From: author.String()}
	if s.conf.Resolver == nil {
		return a
	}
	r := &resolver{r: s.conf.Resolver}
	var both sync.WaitGroup
	both.Go(func() {
		defer s.survive("SPF", func() { a.SPF = mail.TempError })
		a.SPF, a.SPFDomain = checkSPF(ctx, r, env)
	})
	both.Go(func() {
		defer s.survive("DKIM", func() { a.DKIM = []mail.Signature{{Result: mail.TempError, Why: "internal error"}} })
		a.DKIM = s.checkDKIM(ctx, r, h, raw)
	})
	both.Wait()
	a.DMARC, a.Wants = s.checkDMARC(ctx, r, a, author, one)
	return a
}

// survive is for libraries that read what an adversary wrote: a fault in one
// costs a result, not the server.
func (s *Server) survive(what string, otherwise func()) {
	if p := recover(); p != nil {
		s.conf.Logger.Error("panic in a sender check", "check", what, "panic", p, "stack", string(debug.Stack()))
		otherwise()
	}
}

// checkSPF checks the return path's domain or, for the null sender, the name
// that the server greeted with (RFC 7208 section 2.4).
func checkSPF(ctx context.Context, r *resolver, env mail.Envelope) (mail.Result, string) {
	domain := senderDomain(env.From)
	local := "postmaster"
	if domain == "" {
		domain = env.Hello
	} else if l := env.From[:strings.LastIndexByte(env.From, '@')]; l != "" && !strings.Contains(l, "@") {
		local = l // the library divides at the first "@"
	}
	d, err := name.Parse(domain)
	if err != nil || !env.Remote.IsValid() {
		return mail.None, "" // RFC 7208 section 4.3: no name to check
	}
	hello := env.Hello
	if _, err := name.Parse(hello); err != nil {
		hello = "unknown"
	}
	res, _ := spf.CheckHostWithSender(net.IP(env.Remote.Unmap().AsSlice()), hello, local+"@"+d.String(), spf.WithContext(ctx), spf.WithResolver(r))
	out := mail.Result(res)
	if ctx.Err() != nil && out != mail.Pass { // an end of our time is no answer of theirs
		out = mail.TempError
	}
	return out, d.String()
}

// checkDKIM verifies the first few signatures (RFC 6376).
func (s *Server) checkDKIM(ctx context.Context, r *resolver, h header, raw []byte) []mail.Signature {
	var out []mail.Signature
	if h.signatures > 0 {
		verified, err := dkim.VerifyWithOptions(presented(h, raw), &dkim.VerifyOptions{
			MaxVerifications: maxSignatures,
			LookupTXT:        func(d string) ([]string, error) { return r.key(ctx, d) },
		})
		for _, v := range verified {
			out = append(out, s.signature(v))
		}
		if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
			out = append(out, mail.Signature{Result: mail.PermError, Why: text.Line(err.Error(), 200)})
		}
		if n := h.signatures - maxSignatures; n > 0 {
			out = append(out, mail.Signature{Result: mail.Policy, Why: "more than 5 signatures; the others were not verified"})
		}
	}
	if len(h.long) > 0 {
		out = append(out, mail.Signature{Result: mail.Policy, Why: "a signature is longer than 8192 octets and was not verified"})
	}
	return out
}

// presented is a mail as it is given to be verified: without signatures that
// are too long, and with the empty line that ends a header.
func presented(h header, raw []byte) io.Reader {
	var parts []io.Reader
	at := 0
	for _, l := range h.long {
		parts = append(parts, bytes.NewReader(raw[at:l[0]]))
		at = l[1]
	}
	parts = append(parts, bytes.NewReader(raw[at:]))
	if !h.ended {
		parts = append(parts, strings.NewReader("\r\n"))
	}
	return io.MultiReader(parts...)
}

// signature puts a verification into the words of RFC 8601 section 2.7.1. A
// signature that may be right and is not good enough is "policy": one that
// covers only the beginning of the body (l=), a key under 1024 bits or a hash
// of yesterday (RFC 8301).
func (s *Server) signature(v *dkim.Verification) mail.Signature {
	out := mail.Signature{Domain: strings.ToLower(text.Line(v.Domain, 253)), Result: mail.Pass}
	if d, err := name.Parse(v.Domain); err == nil {
		out.Domain = d.String()
	} else if v.Err == nil {
		out.Result, out.Why = mail.PermError, "the domain is not a name"
		return out
	}
	if v.Err == nil {
		if !v.Expiration.IsZero() && s.conf.Clock.Now().After(v.Expiration) {
			out.Result, out.Why = mail.Fail, "signature has expired"
		}
		return out
	}
	why := strings.TrimPrefix(v.Err.Error(), "dkim: ")
	out.Why = text.Line(why, 200)
	switch {
	case dkim.IsTempFail(v.Err):
		out.Result = mail.TempError
	case strings.Contains(why, "too weak"), strings.Contains(why, "too short"), strings.Contains(why, "body length"):
		out.Result = mail.Policy
	case strings.Contains(why, "expired"):
		out.Result = mail.Fail
	case dkim.IsPermFail(v.Err):
		out.Result = mail.PermError
	default:
		out.Result = mail.Fail
	}
	return out
}

// checkDMARC says whether the author's domain vouches for the mail (RFC 7489
// section 6.6): SPF or DKIM passed for a domain aligned with it. The second
// result is what the domain wants done otherwise.
func (s *Server) checkDMARC(ctx context.Context, r *resolver, a mail.Auth, author name.Domain, one bool) (mail.Result, string) {
	if !one {
		return mail.PermError, ""
	}
	org := s.organisation(author)
	rec, res := policy(ctx, r, author)
	wants := ""
	switch {
	case rec != nil:
		wants = string(rec.Policy)
	case res == mail.None && org != author:
		if rec, res = policy(ctx, r, org); rec != nil {
			wants = string(rec.Policy)
			if rec.SubdomainPolicy != "" {
				wants = string(rec.SubdomainPolicy)
			}
		}
	}
	if rec == nil {
		return res, ""
	}
	aligned := func(domain string, mode dmarc.AlignmentMode) bool {
		d, err := name.Parse(domain)
		if err != nil {
			return false
		}
		return d == author || mode != dmarc.AlignmentStrict && s.organisation(d) == org
	}
	late := false // a check that would have counted came to no end
	count := func(res mail.Result, domain string, mode dmarc.AlignmentMode) bool {
		if res != mail.Pass && res != mail.TempError || !aligned(domain, mode) {
			return false
		}
		late = late || res == mail.TempError
		return res == mail.Pass
	}
	pass := count(a.SPF, a.SPFDomain, rec.SPFAlignment)
	for _, sig := range a.DKIM {
		pass = count(sig.Result, sig.Domain, rec.DKIMAlignment) || pass
	}
	switch {
	case pass:
		return mail.Pass, wants
	case late:
		return mail.TempError, wants
	}
	return mail.Fail, wants
}

// policy looks up a domain's DMARC record. Without one the result is "none",
// "temperror", or "permerror" for a record that cannot be read.
func policy(ctx context.Context, r *resolver, d name.Domain) (*dmarc.Record, mail.Result) {
	all, err := r.LookupTXT(ctx, "_dmarc."+d.String())
	if err != nil {
		if notFound(err) {
			return nil, mail.None
		}
		return nil, mail.TempError
	}
	var records []string
	for _, t := range all {
		if v, _, _ := strings.Cut(t, ";"); strings.ReplaceAll(strings.TrimSpace(v), " ", "") == "v=DMARC1" {
			records = append(records, t)
		}
	}
	if len(records) != 1 { // RFC 7489 section 6.6.3: of several none counts
		return nil, mail.None
	}
	rec, err := dmarc.Parse(records[0])
	if err != nil {
		return nil, mail.PermError
	}
	return rec, ""
}

// organisation is the organisational domain of d (RFC 7489 section 3.2). The
// private section of the list counts too: the customers of one platform do not
// vouch for each other. A suffix is its own organisation.
func (s *Server) organisation(d name.Domain) name.Domain {
	p := s.conf.Suffixes.Split(d)
	switch {
	case !p.Customer.IsZero():
		return p.Customer
	case !p.Platform.IsZero(), p.Registered.IsZero():
		return d
	}
	return p.Registered
}

// resolver asks for one mail: so many questions and no more, errors always of
// the kind that the libraries read.
type resolver struct {
	r     spf.DNSResolver
	asked atomic.Int64
}

func ask[T any](r *resolver, n string, f func() ([]T, error)) ([]T, error) {
	if r.asked.Add(1) > maxLookups {
		return nil, &net.DNSError{Err: "too many questions for one mail", Name: n}
	}
	out, err := f()
	if err == nil {
		return out, nil
	}
	var de *net.DNSError
	if errors.As(err, &de) {
		return nil, de
	}
	return nil, &net.DNSError{Err: text.Line(err.Error(), 100), Name: n, IsTemporary: true}
}

func notFound(err error) bool {
	var de *net.DNSError
	return errors.As(err, &de) && de.IsNotFound
}

// LookupTXT implements spf.DNSResolver.
func (r *resolver) LookupTXT(ctx context.Context, n string) ([]string, error) {
	out, err := ask(r, n, func() ([]string, error) { return r.r.LookupTXT(ctx, n) })
	return out[:min(len(out), maxTXT)], err
}

// LookupMX implements spf.DNSResolver.
func (r *resolver) LookupMX(ctx context.Context, n string) ([]*net.MX, error) {
	return ask(r, n, func() ([]*net.MX, error) { return r.r.LookupMX(ctx, n) })
}

// LookupIPAddr implements spf.DNSResolver.
func (r *resolver) LookupIPAddr(ctx context.Context, n string) ([]net.IPAddr, error) {
	return ask(r, n, func() ([]net.IPAddr, error) { return r.r.LookupIPAddr(ctx, n) })
}

// LookupAddr implements spf.DNSResolver.
func (r *resolver) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return ask(r, addr, func() ([]string, error) { return r.r.LookupAddr(ctx, addr) })
}

// key looks up a DKIM key record. One of a size that no honest key has would
// make the arithmetic dear.
func (r *resolver) key(ctx context.Context, n string) ([]string, error) {
	out, err := r.LookupTXT(ctx, n)
	for _, t := range out {
		if len(t) > maxKeyRecord {
			return nil, &net.DNSError{Err: "the key record is too long", Name: n}
		}
	}
	return out, err
}
