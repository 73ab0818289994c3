package lab

import (
	"encoding/json"
	"encoding/pem"
	"net/netip"
	"time"

	"bailiwick/clock"
)

// About is what a centre in another process must know of a world to look at
// it: what package gateway hands out.
type About struct {
	Parties               Config
	Registries            []ConfigParty
	Suffixes              []string
	GTLDs, CCTLDs         []string
	Vantages              []Vantage
	Roots                 []netip.AddrPort
	CA                    string // PEM
	RDAPDNS, RDAP4, RDAP6 json.RawMessage
	// MailDomain is the centre's domain in the lab's DNS, ReportTo where
	// reporters send their mails.
	MailDomain, ReportTo string
	// Orders is where the registrars' systems take orders to hold and release, in
	// the world; "" where nobody's holders are verified.
	Orders string
	// Pace is how the world's time goes; nil: as the machine's.
	Pace *Pace
}

// Pace ties a world's time to the machine's: at Real it was Virtual, and it runs
// Speed times as fast.
type Pace struct {
	Real, Virtual time.Time
	Speed         float64
}

// At is the world's time at a time of the machine's.
func (p Pace) At(now time.Time) time.Time {
	return clock.Truncate(p.Virtual.Add(time.Duration(float64(now.Sub(p.Real)) * p.Speed)))
}

// Now implements clock.Clock.
func (p Pace) Now() time.Time { return p.At(time.Now()) }

// About describes the world.
func (w *World) About() (About, error) {
	dns, v4, v6, err := w.BootstrapFiles()
	return About{Parties: w.Parties(), Registries: w.Registries(), Suffixes: w.PrivateSuffixes(), GTLDs: w.GTLDs(), CCTLDs: w.CCTLDs(),
		Vantages: StandardVantages(), Roots: w.Roots(), RDAPDNS: dns, RDAP4: v4, RDAP6: v6,
		MailDomain: CentreDomain, ReportTo: ReportAddress, Orders: w.ProvisioningURL(""),
		CA: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.ca.cert.Raw}))}, err
}
