package frame

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkRead reads names with one contact each, in every format; rows/s are
// names. "laid down" joins with a hundredth of the memory that it would need.
func BenchmarkRead(b *testing.B) {
	const n = 20_000
	var escrow, epp, table, names strings.Builder
	escrow.WriteString(`<rde:deposit type="FULL" xmlns:rde="` + nsRDE + `" xmlns:rdeDomain="` + nsRDEDomain + `" xmlns:rdeContact="` + nsRDEPerson + `" xmlns:contact="` + nsPerson + `"><rde:contents>` + "\n")
	table.WriteString("Domain;Registrar;Created;Owner;Company;Street 1;Street 2;City;Zip;Country;Phone;Mail;Tech name;Remarks\n")
	for i := range n {
		d := fmt.Sprintf("name-%07d.example", i*7919%n)
		domain := func(p string) string {
			return fmt.Sprintf("<%[1]s:name>%[2]s</%[1]s:name><%[1]s:roid>D%[3]d-EX</%[1]s:roid><%[1]s:status s=\"ok\"/><%[1]s:registrant>C%[3]d</%[1]s:registrant><%[1]s:contact type=\"admin\">C%[3]d</%[1]s:contact><%[1]s:contact type=\"tech\">C%[3]d</%[1]s:contact><%[1]s:clID>reg-%[4]d</%[1]s:clID><%[1]s:crDate>2020-02-03T04:05:06.0Z</%[1]s:crDate><%[1]s:exDate>2027-02-03T04:05:06.0Z</%[1]s:exDate>\n", p, d, i, i%50)
		}
		contact := func(p string) string {
			return fmt.Sprintf("<%[1]s:id>C%[2]d</%[1]s:id><%[1]s:postalInfo type=\"int\"><contact:name>Marta Lind</contact:name><contact:org>Lind &amp; Daughters</contact:org><contact:addr><contact:street>Hamngatan %[2]d</contact:street><contact:city>Malmo</contact:city><contact:pc>211 22</contact:pc><contact:cc>SE</contact:cc></contact:addr></%[1]s:postalInfo><%[1]s:voice>+46.4012345</%[1]s:voice><%[1]s:email>p%[2]d@lind.example</%[1]s:email>\n", p, i)
		}
		escrow.WriteString("<rdeDomain:domain>" + domain("rdeDomain") + "</rdeDomain:domain><rdeContact:contact>" + contact("rdeContact") + "</rdeContact:contact>\n")
		epp.WriteString(`<epp xmlns="urn:ietf:params:xml:ns:epp-1.0"><response><resData><domain:infData xmlns:domain="` + nsDomain + `">` + domain("domain") + `</domain:infData></resData></response></epp>` +
			`<epp xmlns="urn:ietf:params:xml:ns:epp-1.0"><response><resData><contact:infData xmlns:contact="` + nsPerson + `">` + contact("contact") + `</contact:infData></resData></response></epp>` + "\n")
		fmt.Fprintf(&table, "%s;reg-%d;03.02.2020;Marta Lind;\"Lind & Daughters\";Hamngatan %d;;Malmö;211 22;Sweden;+46.4012345;p%d@lind.example;;\n", d, i%50, i, i)
		names.WriteString(d + "\n")
	}
	escrow.WriteString("</rde:contents></rde:deposit>")
	m := mapping(b, string(open(b, "table.yaml")))
	var sp spills
	for _, c := range []struct {
		name string
		src  Source
		in   string
	}{
		{"escrow-xml", Source{Format: EscrowXML}, escrow.String()},
		{"escrow-xml, laid down", Source{Format: EscrowXML, Memory: 100_000, Spill: sp.spill}, escrow.String()},
		{"epp", Source{Format: EPP}, epp.String()},
		{"csv", Source{Format: CSV, Mapping: m}, table.String()},
		{"names", Source{Format: Names}, names.String()},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.in)))
			b.ReportAllocs()
			for b.Loop() {
				got := 0
				for _, err := range Read(c.src, strings.NewReader(c.in)) {
					if err != nil {
						b.Fatal(err)
					}
					got++
				}
				if got != n {
					b.Fatal(got)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
