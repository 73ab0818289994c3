//go:build unix

package whois

import (
	"fmt"
	"strings"
	"testing"

	"bailiwick/registration"
)

// hostileShapes are texts that, said again and again, ask most of a reader: "%" is
// a number that counts up.
func hostileShapes() map[string]string {
	var hosts strings.Builder
	hosts.WriteString("nserver:")
	for i := range 250 {
		fmt.Fprintf(&hosts, " a%03d.example", i)
	}
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	return map[string]string{
		"roles":          "registrant: a%\n",
		"handles":        "admin-c: EX%-EX\n",
		"objects":        "Domain: a.example\n\nnic-hdl: A%-EX\nperson: x\n\n",
		"hosts":          "nserver: ns%.shop.example\n",
		"hosts again":    hosts.String() + "\n",
		"chain, marked":  "# whois.a%.example\nDomain: shop.example\nCreated: 2001-01-01\nStatus: s%\nNserver: ns%.example\n\n",
		"chain, not":     "Domain: shop.example\nCreated: 2001-01-01\nStatus: s%\nNserver: ns%.example\nRegistrar: r%\nRegistrant Name: n%\n\n",
		"long name":      "Domain: " + many("ä", 1000) + ".example\n",
		"names":          "Domain: ä%.example\n",
		"withheld":       "Registrant Name: privacy " + many("redac private ", 250) + "\n",
		"withheld lines": "Registrant Street: privacy registry public %\n",
		"statuses":       "Status: " + many("x%,", 300) + "\n",
		"octets":         "\xe9",
		"octets, lines":  "äää\n\xe9\xe9\n",
		"returns":        "a\r",
		"spaces":         many(" ", 4000) + "\n",
		"dots":           many(". ", 2000) + "\n",
		"colons":         many("a:", 2000) + "\n",
		"slashes":        many("a/", 100) + ": x\n",
		"brackets":       many("[", 4000) + "\n",
		"pairs":          many("()", 30) + ": x\n",
		"phrases":        many("the domain name ", 20) + "\n",
		"asked":          "for a%.example to b.example whois c.example\n",
		"ats":            "Registrant Email: " + many("@", 3000) + "\n",
		"addresses":      "Registrant:\n" + many(" "+many("a@b.example ", 300)+"\n", 14) + "\n",
		"at, in words":   "Registrant Email: " + many("a AT ", 700) + "\n",
		"dates":          "Created: " + many("1 2 ", 900) + "\n",
		"blocks":         "Registrant:\n a\n b\n c\n d, US\n\n",
		"urls":           "Registrar: http " + many("http", 900) + "\n",
		"fax":            "Registrant:\n  1" + many("2fax", 900) + "\n\n",
		"escapes":        "\x1b$B\n",
		"wide":           "\xff\xfea",
		"tags":           "<br<",
		"tags, open":     many("<", 4000) + "</\n",
		"entities":       "<br>&amp&#x41;&#65\n",
		"borders":        many("|", 4000) + "\n",
		"signs":          "registrant = a%\n",
		"affixes":        many("domain name ", 8) + "x%: y\n",
		"scripts":        "域名域名域名域名域名域名域名\n",
		"one line":       "x",
	}
}

// No answer takes much longer than its size explains, and four times the octets
// do not take many times four times as long. What is compared is the processor
// time of one run, so the bounds are wide; what is quadratic is far beyond them.
func TestHostileTime(t *testing.T) {
	var r Reader
	spent := func(b []byte) float64 {
		best := 1e9
		for range 2 {
			start := cpu()
			for range 2 {
				r.Domain(b, registration.Source{})
			}
			best = min(best, (cpu()-start)/2)
		}
		return max(best, 1e-6)
	}
	words() // what is read once at the start belongs to no answer
	profiles()
	answers := testdataAnswers(t)
	ordinary := func() float64 { // seconds per octet
		spent, octets := 0.0, 0
		for _, raw := range answers {
			start := cpu()
			for range 8 {
				r.Domain(raw, registration.Source{})
			}
			spent += cpu() - start
			octets += 8 * len(raw)
		}
		return spent / float64(octets)
	}
	const size = 64 << 10
	for name, shape := range hostileShapes() {
		var text strings.Builder
		for i := 0; text.Len() < size; i++ {
			text.WriteString(strings.ReplaceAll(shape, "%", fmt.Sprint(i)))
		}
		all := []byte(text.String()[:size])
		// What else the process does at the moment (it may collect garbage) counts
		// too, so what is too slow is measured again: what is quadratic stays so.
		var each, growth float64
		for range 5 {
			// The ordinary ones are read beside it, on the same machine at the same load.
			whole, part := spent(all), spent(all[:size/4])
			each, growth = whole/size/ordinary(), 0
			if whole > 0.005 {
				growth = whole / part
			}
			if each <= 3 && growth <= 12 {
				break
			}
		}
		if each > 3 {
			t.Errorf("%s: an octet takes %.0f times as long as of an ordinary answer", name, each)
		}
		if growth > 12 {
			t.Errorf("%s: four times the octets take %.0f times as long", name, growth)
		}
	}
}
