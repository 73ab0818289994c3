package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/netip"
	"time"

	"bailiwick/app"
	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/evidence"
	"bailiwick/lab"
	"bailiwick/lab/gateway"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/registration/bootstrap"
)

// labWorld puts a lab's world between a centre and the Internet: its dialer is
// the only way out.
func labWorld(w *lab.World, c clock.Clock) (app.World, error) {
	about, err := w.About()
	if err != nil {
		return app.World{}, err
	}
	out, err := worldOf(about, w.Dial)
	out.Clock, out.TLSTime, out.ByHand = c, c.Now, true
	out.MailFrom = func(c net.Conn) netip.Addr { // the world's address of the sender
		at, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if err != nil {
			return netip.Addr{}
		}
		if source, ok := w.SourceOf(at); ok {
			return source
		}
		return at.Addr().Unmap()
	}
	return out, err
}

// remoteWorld is a lab's world in another process, reached through its
// gateway, at the machine's own time.
func remoteWorld(ctx context.Context, addr string) (app.World, error) {
	_, _, w, err := connectLab(ctx, addr)
	return w, err
}

// connectLab gives a lab's gateway, its description and what follows from it.
func connectLab(ctx context.Context, addr string) (*gateway.Client, lab.About, app.World, error) {
	var about lab.About
	g, raw, err := gateway.Connect(ctx, addr)
	if err != nil {
		return nil, about, app.World{}, err
	}
	if err := json.Unmarshal(raw, &about); err != nil {
		return nil, about, app.World{}, problem.Wrap(err, problem.Unavailable, "the lab's description does not parse")
	}
	w, err := worldOf(about, g.Dial)
	if about.Pace != nil {
		w.Clock, w.TLSTime = about.Pace, about.Pace.Now
	}
	w.MailFrom = func(c net.Conn) netip.Addr { // the world's address of the sender
		at, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if err != nil {
			return netip.Addr{}
		}
		ctx, cancel := context.WithTimeout(context.Background(), gatewayTime)
		defer cancel()
		if source, ok := g.SourceOf(ctx, netip.AddrPortFrom(at.Addr().Unmap(), at.Port())); ok {
			return source
		}
		return at.Addr().Unmap()
	}
	return g, about, w, err
}

// gatewayTime bounds a question to a lab's gateway.
const gatewayTime = 10 * time.Second

// worldOf makes of a lab's description what an operator of a centre in it
// would configure.
func worldOf(f lab.About, dial collect.Dial) (app.World, error) {
	out := app.World{Dial: dial, Roots: f.Roots, AllowDocumentation: true, Synthetic: "Synthetic: everything here is made up and runs on this machine only.",
		// Politeness to real servers is of no use to servers of our own.
		Limits: collect.Limits{RDAPRate: 1e6, RDAPBurst: 1e6, WHOISRate: 1e6, WHOISBurst: 1e6},
		Jitter: func() float64 { return 0 }} // the same seed gives the same lines
	out.TLSRoots = x509.NewCertPool()
	if !out.TLSRoots.AppendCertsFromPEM([]byte(f.CA)) {
		return out, problem.New(problem.Unavailable, "the lab's certificate authority does not parse")
	}
	var err error
	if out.RDAP, err = app.Servers(bootstrap.Files{DNS: f.RDAPDNS, IPv4: f.RDAP4, IPv6: f.RDAP6}); err != nil {
		return out, err
	}
	return out, configure(&out, f)
}

func configure(out *app.World, f lab.About) error {
	domains := func(in []string) ([]name.Domain, error) {
		var ds []name.Domain
		for _, s := range in {
			d, err := name.ParseAny(s)
			if err != nil {
				return nil, problem.Wrap(err, problem.Invalid, "the lab's world")
			}
			ds = append(ds, d)
		}
		return ds, nil
	}
	var err error
	if out.Suffixes, err = domains(f.Suffixes); err != nil {
		return err
	}
	kind := map[string]bool{}
	for _, t := range f.CCTLDs {
		kind[t] = false
	}
	for _, t := range f.GTLDs {
		kind[t] = true
	}
	out.GTLD = func(tld string) (known, gtld bool) {
		gtld, known = kind[tld]
		return known, gtld
	}
	all, err := bootstrap.DefaultTLDs()
	if err != nil {
		return err
	}
	if out.TLDs, err = all.With(f.GTLDs, append([]string{"example"}, f.CCTLDs...)); err != nil { // the parties' domains are under example
		return err
	}
	for _, v := range f.Vantages {
		out.Vantages = append(out.Vantages, evidence.Vantage{ID: v.ID, UserAgent: v.UserAgent, Language: v.Language, Referer: v.Referer, Source: v.Source})
	}
	var data party.Data
	p := f.Parties
	for _, b := range p.BlockLists {
		data.BlockLists = append(data.BlockLists, party.KnownBlockList{Name: b.Name, Email: b.Mail, Form: b.Form})
	}
	for _, b := range p.CERTs {
		data.CERTs = append(data.CERTs, party.KnownCERT{Name: b.Name, Email: b.Mail, Country: b.Country})
	}
	for _, b := range p.Platforms {
		d, err := name.ParseAny(b.Suffix)
		if err != nil {
			return problem.Wrap(err, problem.Invalid, "the lab's platform %s", b.Name)
		}
		data.Platforms = append(data.Platforms, party.KnownPlatform{Suffix: d, Name: b.Name, Email: b.Mail, Form: b.Form})
	}
	for _, b := range p.CDNs {
		data.CDNs = append(data.CDNs, party.KnownCDN{Name: b.Name, Email: b.Mail, Form: b.Form, Prefixes: b.Prefixes})
	}
	for _, b := range p.Constituents {
		ds, err := domains(b.Domains)
		if err != nil {
			return err
		}
		data.Constituents = append(data.Constituents, party.KnownConstituent{Name: b.Name, Email: b.Mail, Form: b.Form, Domains: ds, Brands: b.Brands})
	}
	for _, r := range f.Registries {
		d, err := name.ParseAny(r.Suffix)
		if err != nil {
			return problem.Wrap(err, problem.Invalid, "the lab's registry %s", r.Name)
		}
		data.Registries = append(data.Registries, party.KnownRegistry{TLD: d, Name: r.Name, Email: r.Mail, Form: r.Form})
	}
	data.Self = party.Centre{Name: "Lab Coordination Centre", Email: "desk@centre.example"}
	out.Parties = &data
	if out.Known.SinkholeServers, err = domains(p.Sinkholes); err != nil {
		return err
	}
	if out.Known.ParkingServers, err = domains(p.Parking); err != nil {
		return err
	}
	for _, a := range p.SinkholeAddrs {
		out.Known.Sinkholes = append(out.Known.Sinkholes, netip.PrefixFrom(a, a.BitLen()))
	}
	return nil
}
