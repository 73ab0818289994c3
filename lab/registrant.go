package lab

import (
	"fmt"
	"strings"
)

// place is a real city with its country, dialling code, the shape of its
// postal codes and the beginning of its numbers: what an honest registrant's
// address agrees with.
type place struct {
	city, country, dial, postal string
	area                        string
	digits                      int // that follow the area
}

// places: where a country keeps numbers free for stories, the areas are those.
func places() []place {
	return []place{{"Leeds", "GB", "44", "LS1 4DY", "1134960", 3}, {"Bremen", "DE", "49", "28195", "421", 7}, {"Lyon", "FR", "33", "69002", "46571", 4},
		{"Seville", "ES", "34", "41001", "95", 7}, {"Porto", "PT", "351", "4000-066", "22", 7}, {"Tampere", "FI", "358", "33100", "3", 7},
		{"Denver", "US", "1", "80202", "30355501", 2}, {"Osaka", "JP", "81", "530-0001", "6", 8}, {"Graz", "AT", "43", "8010", "316", 6}}
}

var (
	givenNames  = []string{"Anna", "Bela", "Carla", "David", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Lena", "Milan", "Nora", "Oskar", "Petra"}
	familyNames = []string{"Albers", "Brandt", "Costa", "Dahl", "Egger", "Fontaine", "Gruber", "Holm", "Ivanova", "Jansen", "Keller", "Lindqvist", "Moreau", "Novak", "Okafor", "Pires"}
	streets     = []string{"Mill Lane", "Station Road", "Harbour Street", "Garden Row", "Church Walk", "Bridge Street"}
)

// drawRegistrant fills in what the scenario leaves open about who registered a
// name. Names of one operator share parts of an identity, as real campaigns
// do.
func (s *Scenario) drawRegistrant(n *Name) {
	r := &n.Registrant
	who := n.Name
	if n.Operator != "" {
		who = "operator " + n.Operator
	}
	rnd := draw(s.Seed, "registrant", who)
	p := pick(rnd, places())
	given, family := pick(rnd, givenNames), pick(rnd, familyNames)
	number := 1 + rnd.IntN(180)
	if r.Kind == "fabricated" {
		// The parts do not fit each other: another country's postal code, a
		// number of the wrong length, a mailbox made in bulk.
		own := draw(s.Seed, "fabricated", n.Name)
		other := pick(rnd, places())
		set(&r.Name, given+" "+family)
		set(&r.Email, fmt.Sprintf("%s%s%d@mail-free.example", strings.ToLower(given), strings.ToLower(family[:1]), 100+own.IntN(900)))
		set(&r.Phone, fmt.Sprintf("+%s.%d", other.dial, 1000+own.IntN(9000)))
		set(&r.Street, fmt.Sprintf("%d %s", number, pick(rnd, streets)))
		set(&r.City, p.city)
		set(&r.PostalCode, "00000")
		set(&r.Country, other.country)
		return
	}
	set(&r.Name, given+" "+family)
	if n.Class == "innocent" || n.Class == "compromised" {
		set(&r.Organization, family+" "+pick(rnd, []string{"Trading", "Crafts", "Garden Supplies", "Books", "Cycles", "Interiors"}))
	}
	set(&r.Email, strings.ToLower(given)+"@"+mailDomain(n.Name))
	number9 := fmt.Sprint(201000000 + rnd.IntN(700000000))
	set(&r.Phone, "+"+p.dial+"."+p.area+number9[len(number9)-p.digits:])
	set(&r.Street, fmt.Sprintf("%d %s", number, pick(rnd, streets)))
	set(&r.City, p.city)
	set(&r.PostalCode, p.postal)
	set(&r.Country, p.country)
}

func mailDomain(n string) string {
	if isAddr(n) {
		return "mail-free.example"
	}
	return n
}
