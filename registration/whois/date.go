package whois

import (
	"strings"
	"time"
	"unicode/utf8"

	"bailiwick/registration"
)

// The years that a registration's dates can have: the first .com was
// registered in 1985; a date before is a null that was printed.
const firstYear, lastYear = 1984, 2200

// dateOrder says how "01/02/2003" is meant.
type dateOrder uint8

const (
	dayFirst dateOrder = iota // nearly everywhere
	monthFirst
)

// zone is a registry's own time, for dates that name none.
type zone struct {
	minutes int  // east of UTC
	summer  bool // one hour more from the last Sunday of March to that of October, 01:00 UTC
}

// parseDate reads a date in any of the forms of the world: year first, day
// first, month first (where the order is known or can be told), months by
// name, with or without a time, a zone or words around it. ok is false when no
// day can be told.
func parseDate(s string, order dateOrder, z zone) (d registration.Date, ok bool) {
	if d, ok := isoDate(s); ok {
		return d, true
	}
	if len(s) > 80 {
		s = s[:80]
	}
	var p dateParts
	p.read(s)
	return p.date(order, z)
}

// isoDate reads the form that most registries have, "2011-01-02T03:04:05Z", with
// a fraction or without.
func isoDate(s string) (d registration.Date, ok bool) {
	n := len(s)
	if n < 20 || n > 31 || s[n-1] != 'Z' || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return d, false
	}
	if n > 20 {
		if s[19] != '.' || !allDigits(s[20:n-1]) {
			return d, false
		}
	}
	two := func(i int) int {
		a, b := s[i]-'0', s[i+1]-'0'
		if a > 9 || b > 9 {
			return -10000
		}
		return int(a)*10 + int(b)
	}
	y, m, day, h, mi, sec := two(0)*100+two(2), two(5), two(8), two(11), two(14), two(17)
	if y < firstYear || y > lastYear || m < 1 || m > 12 || day < 1 || day > daysIn(y, m) || h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 59 {
		return d, false
	}
	return registration.Date{Time: time.Date(y, time.Month(m), day, h, mi, sec, 0, time.UTC)}, true
}

// dateParts are the numbers and words of a date as they come.
type dateParts struct {
	num      [3]int
	digits   [3]int
	n        int
	month    int // by name
	monthPos int // numbers before it
	sep      byte
	hour     int
	min, sec int
	hasTime  bool
	pm, am   bool
	offset   int
	hasZone  bool
	bad      bool
	before   bool // "before Aug-1996": the month is enough
}

func (p *dateParts) read(s string) {
	i := 0
	for i < len(s) && !p.bad {
		c := s[i]
		switch {
		case isDigit(c):
			j, v := i, 0
			for j < len(s) && isDigit(s[j]) {
				if j-i < 15 {
					v = v*10 + int(s[j]-'0')
				}
				j++
			}
			i = p.number(s, i, j, v)
		case c == '(' || c == '[':
			// "(YYYY-MM-DD)", "(JST)", "(GMT+0:00)", "(2003-01-01)": a zone
			// counts, the rest does not.
			end := strings.IndexAny(s[i:], ")]")
			if end < 0 {
				end = len(s) - i
			}
			inner := s[i+1 : i+end]
			if off, ok := zoneOf(inner); ok && !p.hasZone {
				p.offset, p.hasZone = off, true
			}
			i += end + 1
		case c == '+' || c == '-' && p.hasTime:
			if off, n, ok := offsetOf(s[i:]); ok && p.hasTime {
				p.offset, p.hasZone = off, true
				i += n
				continue
			}
			i++
		case c == '#':
			return // "19990518 #162310": a ticket
		case c|0x20 >= 'a' && c|0x20 <= 'z' || c >= utf8.RuneSelf:
			j := i
			for j < len(s) && (s[j]|0x20 >= 'a' && s[j]|0x20 <= 'z' || s[j] >= utf8.RuneSelf) {
				j++
			}
			i = p.word(s, i, j)
		default:
			if p.n > 0 && p.n < 3 && p.sep == 0 && (c == '-' || c == '/' || c == '.') {
				p.sep = c
			}
			i++
		}
	}
}

// number takes the digits s[i:j], of value v, and gives where to go on.
func (p *dateParts) number(s string, i, j, v int) int {
	l := j - i
	switch {
	case p.n == 0 && p.month == 0 && (l == 8 || l == 12 || l == 14):
		if l == 14 {
			p.hour, p.min, p.sec, p.hasTime = v/10000%100, v/100%100, v%100, true
			v /= 1000000
		} else if l == 12 {
			p.hour, p.min, p.hasTime = v/100%100, v%100, true
			v /= 10000
		}
		p.num, p.digits, p.n = [3]int{v / 10000, v / 100 % 100, v % 100}, [3]int{4, 2, 2}, 3
		return j
	case !p.hasTime && l <= 2 && j+2 < len(s) && (s[j] == ':' || s[j] == '.' && p.full() && j+3 <= len(s) && strings.Count(s[j:], ".") >= 2) && isDigit(s[j+1]):
		p.time(s, &j, v)
		return j
	case p.full():
		// "20031231 235959", "2003-12-31 2359"
		if !p.hasTime && l == 6 {
			p.hour, p.min, p.sec, p.hasTime = v/10000, v/100%100, v%100, true
		}
		return j
	case l > 4:
		p.bad = p.n > 0 || p.month > 0
		return j
	}
	p.num[p.n], p.digits[p.n] = v, l
	p.n++
	return j
}

// full says whether the day, month and year are there.
func (p *dateParts) full() bool { return p.n == 3 || p.n == 2 && p.month > 0 }

// time reads "14:05:06.123" from the hour on; *j is after the hour.
func (p *dateParts) time(s string, j *int, hour int) {
	p.hour, p.hasTime = hour, true
	field := func() (v int, ok bool) {
		k := *j
		if k+1 >= len(s) || s[k] != ':' && s[k] != '.' || !isDigit(s[k+1]) {
			return 0, false
		}
		k++
		for k < len(s) && isDigit(s[k]) && k-*j <= 2 {
			v = v*10 + int(s[k]-'0')
			k++
		}
		*j = k
		return v, true
	}
	p.min, _ = field()
	p.sec, _ = field()
	// Fractions of a second are finer than what is kept.
	if *j < len(s) && (s[*j] == '.' || s[*j] == ',') {
		k := *j + 1
		for k < len(s) && isDigit(s[k]) {
			k++
		}
		if k > *j+1 {
			*j = k
		}
	}
}

// word takes the letters s[i:j].
func (p *dateParts) word(s string, i, j int) int {
	w := s[i:j]
	if m := monthOf(w); m > 0 {
		if p.month == 0 && p.n < 3 {
			p.month, p.monthPos = m, p.n
		}
		return j
	}
	switch len(w) {
	case 1:
		switch w[0] {
		case 'Z', 'z':
			if p.full() {
				p.hasZone = true
			}
		case 'T', 't':
		default:
		}
		return j
	case 2:
		switch w {
		case "AM", "am", "Am":
			p.am = p.hasTime
			return j
		case "PM", "pm", "Pm":
			p.pm = p.hasTime
			return j
		case "st", "nd", "rd", "th", "ST", "ND", "RD", "TH":
			return j
		}
	}
	if len(w) == 6 && p.n == 0 && strings.EqualFold(w, "before") {
		p.before = true
	}
	if (p.full() || p.hasTime && p.month > 0) && !p.hasZone {
		// A zone, with its offset: "GMT+02:00".
		if off, ok := zoneOf(w); ok {
			p.offset, p.hasZone = off, true
			if j < len(s) && (s[j] == '+' || s[j] == '-') {
				if o, n, ok := offsetOf(s[j:]); ok {
					p.offset = o
					return j + n
				}
			}
		}
	}
	return j
}

func (p *dateParts) date(order dateOrder, z zone) (d registration.Date, ok bool) {
	if p.bad {
		return d, false
	}
	var y, m, day int
	switch {
	case p.month > 0 && p.n >= 2:
		m = p.month
		a, b := 0, 1
		switch {
		case p.digits[0] == 4:
			y, day = p.num[a], p.num[b]
		case p.digits[1] == 4 || p.digits[1] <= 2:
			day, y = p.num[a], p.num[b]
		}
	case p.month > 0 && p.before && p.n == 1 && p.digits[0] == 4:
		y, m, day = p.num[0], p.month, 1
	case p.month > 0:
		return d, false
	case p.n < 3:
		return d, false
	case p.digits[0] == 4:
		y, m, day = p.num[0], p.num[1], p.num[2]
		if m > 12 && day <= 12 {
			m, day = day, m
		}
	case p.digits[2] == 4 || p.digits[2] == 2:
		y = p.num[2]
		a, b := p.num[0], p.num[1]
		switch {
		case p.digits[2] == 2 && a > 31:
			y, m, day = a, b, p.num[2] // "03-12-31" is told apart by its first number only when it is no day
		case a > 12:
			day, m = a, b
		case b > 12:
			m, day = a, b
		case order == monthFirst && p.sep != '.':
			m, day = a, b
		default:
			day, m = a, b
		}
	default:
		return d, false
	}
	if y < 100 {
		if y >= 70 {
			y += 1900
		} else {
			y += 2000
		}
	}
	if y < firstYear || y > lastYear || m < 1 || m > 12 || day < 1 || day > daysIn(y, m) {
		return d, false
	}
	if !p.hasTime {
		return registration.Date{Time: time.Date(y, time.Month(m), day, 0, 0, 0, 0, time.UTC), DayOnly: true}, true
	}
	h := p.hour
	switch {
	case p.pm && h < 12:
		h += 12
	case p.am && h == 12:
		h = 0
	}
	sec := min(p.sec, 59) // a leap second is one that the machine does not have
	if h > 24 || p.min > 59 || p.sec > 60 {
		return registration.Date{Time: time.Date(y, time.Month(m), day, 0, 0, 0, 0, time.UTC), DayOnly: true}, true
	}
	if h == 0 && p.min == 0 && sec == 0 && (p.offset != 0 || !p.hasZone) {
		// A registry that keeps days prints its own midnight. In UTC that
		// could be the day before, which nobody said.
		return registration.Date{Time: time.Date(y, time.Month(m), day, 0, 0, 0, 0, time.UTC), DayOnly: true}, true
	}
	t := time.Date(y, time.Month(m), day, h, p.min, sec, 0, time.UTC)
	if p.hasZone {
		t = t.Add(-time.Duration(p.offset) * time.Minute)
	} else {
		t = z.utc(t)
	}
	return registration.Date{Time: t}, true
}

// utc takes a registry's own time to UTC.
func (z zone) utc(t time.Time) time.Time {
	u := t.Add(-time.Duration(z.minutes) * time.Minute)
	if z.summer && u.After(lastSunday(u.Year(), time.March)) && u.Before(lastSunday(u.Year(), time.October)) {
		u = u.Add(-time.Hour)
	}
	return u
}

// lastSunday is 01:00 UTC on the last Sunday of a month of 31 days.
func lastSunday(year int, m time.Month) time.Time {
	t := time.Date(year, m, 31, 1, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, -int(t.Weekday()))
}

func daysIn(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// offsetOf reads "+0200", "-07:00", "+3" at the start of s; n is its length.
func offsetOf(s string) (minutes, n int, ok bool) {
	i := 1
	v, l := 0, 0
	for i < len(s) && isDigit(s[i]) && l < 4 {
		v = v*10 + int(s[i]-'0')
		i++
		l++
	}
	switch l {
	case 1, 2:
		v *= 60
		if i+2 < len(s) && s[i] == ':' && isDigit(s[i+1]) && isDigit(s[i+2]) {
			v += int(s[i+1]-'0')*10 + int(s[i+2]-'0')
			i += 3
		}
	case 4:
		v = v/100*60 + v%100
	default:
		return 0, 0, false
	}
	if v > 14*60 {
		return 0, 0, false
	}
	if s[0] == '-' {
		v = -v
	}
	return v, i, true
}

// zoneOf reads a zone by its name: those that mean one offset where registries
// print them.
func zoneOf(s string) (minutes int, ok bool) {
	w := strings.Trim(s, " .")
	if len(w) < 2 || len(w) > 12 {
		return 0, false
	}
	if i := strings.IndexAny(w, "+-"); i == 3 && (strings.EqualFold(w[:3], "GMT") || strings.EqualFold(w[:3], "UTC")) {
		off, _, ok := offsetOf(w[i:])
		return off, ok
	}
	var buf [12]byte
	n := copy(buf[:], w)
	for i := range n {
		buf[i] &^= 0x20 // upper case, of letters
	}
	switch string(buf[:n]) {
	case "UTC", "GMT", "UCT", "WET", "UT":
		return 0, true
	case "CET", "MET", "BST", "WEST", "WAT":
		return 60, true
	case "CEST", "MEST", "EET", "SAST", "CAT", "MESZ":
		return 120, true
	case "EEST", "MSK", "EAT", "TRT":
		return 180, true
	case "MSD":
		return 240, true
	case "UZT":
		return 300, true
	case "ICT", "WIB":
		return 420, true
	case "CST": // of China where registries print it; America's is told by its offset
		return 480, true
	case "HKT", "SGT", "MYT", "AWST":
		return 480, true
	case "JST", "KST":
		return 540, true
	case "AEST":
		return 600, true
	case "AEDT":
		return 660, true
	case "NZST":
		return 720, true
	case "NZDT":
		return 780, true
	case "BRT", "CLST", "ART":
		return -180, true
	case "EST":
		return -300, true
	case "EDT", "CLT", "VET", "AST":
		return -240, true
	case "CDT", "PET", "COT":
		return -300, true
	case "MST", "PDT":
		return -420, true
	case "MDT":
		return -360, true
	case "PST":
		return -480, true
	}
	return 0, false
}

// monthOf gives the number of a month written in letters, of which the first
// three or four tell it: English, and the other languages of registries.
func monthOf(w string) int {
	if len(w) < 3 {
		return 0
	}
	if w[0] < utf8.RuneSelf && w[1] < utf8.RuneSelf && w[2] < utf8.RuneSelf {
		var k [3]byte
		for i := range k {
			k[i] = w[i] | 0x20
		}
		switch string(k[:]) {
		case "jan", "ene", "gen":
			return 1
		case "feb", "fev":
			return 2
		case "mar":
			return 3
		case "apr", "abr", "avr":
			return 4
		case "may", "mai", "mei", "mag", "maj":
			return 5
		case "jun", "giu":
			return 6
		case "jul", "lug":
			return 7
		case "aug", "ago", "aou":
			return 8
		case "sep", "set":
			return 9
		case "oct", "okt", "out", "ott":
			return 10
		case "nov":
			return 11
		case "dec", "dez", "dic", "des":
			return 12
		case "jui":
			if len(w) > 3 && w[3]|0x20 == 'l' {
				return 7
			}
			return 6
		}
		return 0
	}
	switch strings.ToLower(w) {
	case "janv", "янв", "января", "січня", "ocak":
		return 1
	case "févr", "février", "фев", "февраля", "лютого", "şubat":
		return 2
	case "märz", "mär", "мар", "марта", "березня":
		return 3
	case "апр", "апреля", "квітня":
		return 4
	case "мая", "май", "травня":
		return 5
	case "июн", "июня", "червня":
		return 6
	case "июл", "июля", "липня":
		return 7
	case "août", "авг", "августа", "серпня", "ağustos":
		return 8
	case "сен", "сентября", "вересня", "eylül":
		return 9
	case "окт", "октября", "жовтня":
		return 10
	case "ноя", "ноября", "листопада":
		return 11
	case "déc", "décembre", "дек", "декабря", "грудня":
		return 12
	}
	return 0
}
