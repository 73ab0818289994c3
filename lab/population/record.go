package population

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"bailiwick/registration"
)

// Seen is what somebody finds out who tries a contact's values: what a survey
// takes for its facts.
type Seen struct {
	// MailDomain is the domain of the mail address; "" without a well-formed
	// one. Registered, MX and NullMX (RFC 7505) are what DNS says of it.
	MailDomain string
	Registered bool
	MX         []string
	NullMX     bool
	// Answered, Connected and Delivered say whether a mail was answered, a call
	// connected and a letter arrived. They are false without a value.
	Answered, Connected, Delivered bool
}

// Seen is what trying this one's values shows.
func (r Registration) Seen() Seen {
	s := Seen{Answered: r.Truth.Email.Works(), Connected: r.Truth.Phone.Works(), Delivered: r.Truth.Postal.Works()}
	if !r.Truth.Email.WellFormed() {
		return s
	}
	_, s.MailDomain, _ = strings.Cut(r.contact().Email, "@")
	s.Registered = r.Truth.Email != EmailNoDomain
	s.NullMX = r.Truth.Email == EmailNoServer
	if s.Registered && !s.NullMX {
		s.MX = []string{"mail." + s.MailDomain}
	}
	return s
}

// Record is the registration as its registry holds it: the same contact for
// registrant, admin and tech, and nothing withheld. A name or organisation that
// a proxy service covers is marked as the readers mark it.
func (r Registration) Record() registration.Record {
	rec := r.record(r.contact())
	if r.Truth.Proxy {
		for _, role := range roles {
			rec.Fields[registration.ContactPath(role, "name")] = registration.Proxy
			rec.Fields[registration.ContactPath(role, "organization")] = registration.Proxy
		}
	}
	return rec
}

// Public is the registration as RDAP or WHOIS shows it to anybody: a redacted
// one shows the country alone.
func (r Registration) Public() registration.Record {
	if !r.Truth.Redacted {
		return r.Record()
	}
	rec := r.record(registration.Contact{Country: r.Country})
	for _, role := range roles {
		for _, f := range []string{"name", "organization", "street", "city", "region", "postal_code", "email", "phone"} {
			rec.Fields[registration.ContactPath(role, f)] = registration.Redacted
		}
	}
	return rec
}

var roles = []string{registration.Registrant, registration.Admin, registration.Tech}

func (r Registration) record(c registration.Contact) registration.Record {
	rec := registration.Record{State: registration.Registered, Domain: r.Name, Registrar: registration.Registrar{Name: r.Registrar},
		Created: registration.Date{Time: r.Created}, Statuses: []string{"ok"},
		Contacts: make(map[string]registration.Contact, len(roles)), Fields: map[string]registration.FieldState{}}
	for _, role := range roles {
		rec.Contacts[role] = c
	}
	return rec
}

// land is how contacts of a country are written: cities with their region and
// postal code, and numbers of a plan with one "#" for each digit that is drawn.
// Where a country keeps numbers or codes for invention, they are those.
type land struct {
	places []place
	phone  string // in the form of EPP (RFC 5733 section 2.5)
	short  string // the same, with too few digits
	badZIP string // of no form that the country has
}

type place struct{ city, region, zip string }

var lands = map[string]land{
	"US": {[]place{{"Denver", "CO", "80202"}, {"Portland", "OR", "97205"}, {"Albany", "NY", "12207"}}, "+1.202555010#", "+1.20255501", "8020"},
	"CA": {[]place{{"Ottawa", "ON", "K1P 5M7"}, {"Halifax", "NS", "B3J 1M3"}}, "+1.613555010#", "+1.61355501", "K1P 5M"},
	"GB": {[]place{{"Leeds", "", "LS1 4DY"}, {"Bristol", "", "BS1 5TR"}, {"Cardiff", "", "CF10 3AT"}}, "+44.2079460###", "+44.20794", "1S1 4DY"},
	"DE": {[]place{{"Bremen", "", "28195"}, {"Leipzig", "", "04109"}, {"Kassel", "", "34117"}}, "+49.3023125###", "+49.30", "2819"},
	"FR": {[]place{{"Lyon", "", "69002"}, {"Nantes", "", "44000"}}, "+33.19900####", "+33.19900", "6900"},
	"ES": {[]place{{"Sevilla", "Sevilla", "41001"}, {"Bilbao", "Bizkaia", "48001"}}, "+34.9112#####", "+34.91123", "4100"},
	"PT": {[]place{{"Porto", "", "4000-066"}, {"Coimbra", "", "3000-150"}}, "+351.2123#####", "+351.21234", "40-066"},
	"BR": {[]place{{"Curitiba", "PR", "80010-010"}, {"Recife", "PE", "50030-230"}}, "+55.1132######", "+55.1132", "8001-010"},
	"MX": {[]place{{"Guadalajara", "Jalisco", "44100"}, {"Puebla", "Puebla", "72000"}}, "+52.3336######", "+52.33361", "4410"},
	"JP": {[]place{{"Osaka-shi", "Osaka", "530-0001"}, {"Sendai-shi", "Miyagi", "980-0021"}}, "+81.632######", "+81.6321", "53-0001"},
	"IN": {[]place{{"Pune", "Maharashtra", "411001"}, {"Chennai", "Tamil Nadu", "600001"}}, "+91.2025######", "+91.20251", "41100"},
	"CN": {[]place{{"Nanjing", "Jiangsu", "210000"}, {"Guangzhou", "Guangdong", "510000"}}, "+86.2583######", "+86.25831", "21000"},
	"ZA": {[]place{{"Cape Town", "", "8001"}, {"Durban", "", "4001"}}, "+27.2142#####", "+27.214", "800"},
	"MA": {[]place{{"Rabat", "", "10000"}, {"Agadir", "", "80000"}}, "+212.5225#####", "+212.52251", "1000"},
}

// proxyLand is where the proxy service is.
const proxyLand = "US"

var (
	given   = []string{"Anna", "Carla", "David", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Lena", "Marta", "Milan", "Nora", "Oskar", "Petra", "Wei"}
	family  = []string{"Albers", "Brandt", "Costa", "Dahl", "Fontaine", "Gruber", "Holm", "Jansen", "Keller", "Lindqvist", "Moreau", "Novak", "Okafor", "Pires", "Tanaka", "Zhang"}
	streets = []string{"Mill Lane", "Station Road", "Harbour Street", "Garden Row", "Church Walk", "Bridge Street"}
	trades  = []string{"Trading", "Crafts", "Garden Supplies", "Books", "Cycles", "Interiors"}
	mails   = []string{"post.example.org", "mail.example.net", "letters.example.com", "box.example.org", "inbox.example.net"}
)

func choose(rnd *rand.Rand, s []string) string { return s[rnd.IntN(len(s))] }

// contact writes the contact that the truth is about.
func (r Registration) contact() registration.Contact {
	a, b := mix(r.seed, uint64(r.Index), 2)
	rnd := rand.New(rand.NewPCG(a, b))
	code := r.Country
	if r.Truth.Proxy {
		code = proxyLand
	}
	l := lands[code]
	p := l.places[rnd.IntN(len(l.places))]
	first, last := choose(rnd, given), choose(rnd, family)
	c := registration.Contact{Name: first + " " + last, Street: []string{strconv.Itoa(1+rnd.IntN(180)) + " " + choose(rnd, streets)},
		City: p.city, Region: p.region, PostalCode: p.zip, Country: code}
	if rnd.IntN(3) == 0 {
		c.Organization = last + " " + choose(rnd, trades)
	}
	local := strings.ToLower(first) + "." + strings.ToLower(last) + strconv.Itoa(rnd.IntN(1000))
	// A domain of each one's own now and then, as small firms have.
	domain := choose(rnd, mails)
	if rnd.IntN(4) == 0 {
		domain = strings.ToLower(last) + strconv.Itoa(r.Index) + ".example.org"
	}
	c.Phone = digits(rnd, l.phone)
	if r.Truth.Proxy {
		c.Name, c.Organization, c.Street = "", "", []string{"100 Curtain Row"}
		local, domain = strconv.Itoa(r.Index)+"-relay", "curtain-privacy.example.net"
	}
	c.Email = local + "@" + domain
	switch r.Truth.Email {
	case EmailMissing:
		c.Email = ""
	case EmailMalformed:
		c.Email = []string{local, local + "@@" + domain, local + " @ " + domain, local + "@localhost"}[rnd.IntN(4)]
	case EmailNoDomain:
		c.Email = local + "@gone" + strconv.Itoa(r.Index) + ".example.com"
	case EmailNoServer:
		c.Email = local + "@nomail" + strconv.Itoa(r.Index) + ".example.com"
	}
	switch r.Truth.Phone {
	case PhoneMissing:
		c.Phone = ""
	case PhoneNoCode:
		_, c.Phone, _ = strings.Cut(c.Phone, ".")
	case PhoneShort:
		c.Phone = l.short
	case PhoneLetters:
		c.Phone += " call at night"
	}
	switch r.Truth.Postal {
	case PostalNoStreet:
		c.Street = nil
	case PostalNoCity:
		c.City = ""
	case PostalNoCode:
		c.PostalCode = ""
	case PostalBadCode:
		c.PostalCode = l.badZIP
	}
	return c
}

func digits(rnd *rand.Rand, form string) string {
	b := []byte(form)
	for i := range b {
		if b[i] == '#' {
			b[i] = byte('0' + rnd.IntN(10))
		}
	}
	return string(b)
}
