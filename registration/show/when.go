package show

import (
	"strconv"
	"time"

	"bailiwick/registration"
)

// When writes a date as it looks at the time now, first in words and then
// exactly: "8 years ago (2018-02-09 11:59:43 UTC)". A day without a time is
// counted in days. It is "" for the zero date.
func When(d registration.Date, now time.Time) string {
	if d.IsZero() {
		return ""
	}
	exact := d.UTC().Format("2006-01-02 15:04:05 UTC")
	if d.DayOnly {
		exact = d.UTC().Format(time.DateOnly)
	}
	return Relative(d, now) + " (" + exact + ")"
}

// Relative writes how far a date is from now in words: "8 years ago",
// "in 3 days", "today", "just now". Of years and months whole ones count.
func Relative(d registration.Date, now time.Time) string {
	t, now := d.UTC(), now.UTC()
	if d.DayOnly {
		now = now.Truncate(24 * time.Hour)
		t = t.Truncate(24 * time.Hour)
		switch int(t.Sub(now) / (24 * time.Hour)) {
		case 0:
			return "today"
		case 1:
			return "tomorrow"
		case -1:
			return "yesterday"
		}
	}
	from, to, past := t, now, true
	if t.After(now) {
		from, to, past = now, t, false
	}
	n, unit := between(from, to)
	if n == 0 {
		return "just now"
	}
	s := strconv.Itoa(n) + " " + unit
	if n != 1 {
		s += "s"
	}
	if past {
		return s + " ago"
	}
	return "in " + s
}

// between counts from one time to a later one in the largest unit that has at
// least two, or one of the smallest.
func between(from, to time.Time) (n int, unit string) {
	months := (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month())
	if from.AddDate(0, months, 0).After(to) {
		months--
	}
	d := to.Sub(from)
	switch {
	case months >= 24:
		return months / 12, "year"
	case months >= 2:
		return months, "month"
	case d >= 48*time.Hour:
		return int(d / (24 * time.Hour)), "day"
	case d >= 2*time.Hour:
		return int(d / time.Hour), "hour"
	case d >= time.Minute:
		return int(d / time.Minute), "minute"
	}
	return 0, ""
}
