package accuracy

// memo is what several checks of one contact need and is dear to find out
// twice.
type memo struct {
	valueMemo           // of email.go, phone.go, country.go and postal.go
	names     namesMemo // of names.go, placeholder.go and proxy.go
}
