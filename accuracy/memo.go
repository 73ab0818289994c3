package accuracy

// memo is what several checks of one contact need and is dear to find out
// twice.
type memo struct{}
