package lab

import (
	"encoding/json"
	"encoding/pem"
	"net/netip"
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
}

// About describes the world.
func (w *World) About() (About, error) {
	dns, v4, v6, err := w.BootstrapFiles()
	return About{Parties: w.Parties(), Registries: w.Registries(), Suffixes: w.PrivateSuffixes(), GTLDs: w.GTLDs(), CCTLDs: w.CCTLDs(),
		Vantages: StandardVantages(), Roots: w.Roots(), RDAPDNS: dns, RDAP4: v4, RDAP6: v6,
		MailDomain: CentreDomain, ReportTo: ReportAddress,
		CA: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.ca.cert.Raw}))}, err
}
