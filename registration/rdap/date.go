package rdap

import (
	"time"

	"bailiwick/registration"
)

// looseDates are ways of writing dates seen beside RFC 3339, all with the year
// first, so that day and month cannot be mistaken. Without a zone UTC is
// taken.
var looseDates = [...]string{
	"2006-01-02T15:04:05",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05Z07",
	"2006-01-02 15:04:05 Z0700",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04:05 UTC",
	"2006-01-02 15:04:05 GMT",
	"2006/01/02 15:04:05",
	"20060102T150405Z",
	"20060102150405",
}

var looseDays = [...]string{"2006-01-02", "2006/01/02", "2006.01.02", "20060102", "2006-01-02Z"}

// The years that a registration's dates can have: the first .com was
// registered in 1985, and a date before is a null that was printed.
const firstYear, lastYear = 1984, 2200

// parseDate reads a date; exact says whether it is RFC 3339. Seconds are the
// finest that is kept.
func parseDate(s string) (d registration.Date, exact, ok bool) {
	if len(s) < 8 || len(s) > 40 {
		return d, false, false
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return keep(t, false, true)
	}
	if i := len("2006-01-02T15:04:"); len(s) > i+2 && s[i:i+2] == "60" {
		// A leap second (RFC 3339 section 5.6), which the machine does not have.
		if t, err := time.Parse(time.RFC3339, s[:i]+"59"+s[i+2:]); err == nil {
			return keep(t, false, true)
		}
	}
	for _, l := range looseDates {
		if t, err := time.Parse(l, s); err == nil {
			return keep(t, false, false)
		}
	}
	for _, l := range looseDays {
		if t, err := time.Parse(l, s); err == nil {
			return keep(t, true, false)
		}
	}
	return d, false, false
}

func keep(t time.Time, day, exact bool) (registration.Date, bool, bool) {
	t = t.UTC().Truncate(time.Second)
	if y := t.Year(); y < firstYear || y > lastYear {
		return registration.Date{}, false, false
	}
	return registration.Date{Time: t, DayOnly: day}, exact, true
}
