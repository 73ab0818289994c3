package survey

// Group is one of the five groups of the study of 2010 for ICANN on the
// accuracy of WHOIS registrant contact information (NORC, University of
// Chicago).
type Group string

// The groups, from good to bad.
const (
	NoFailure          Group = "no failure"
	MinimalFailure     Group = "minimal failure"
	LimitedFailure     Group = "limited failure"
	SubstantialFailure Group = "substantial failure"
	FullFailure        Group = "full failure"
)

// Findings are what the study established of one registration.
type Findings struct {
	Deliverable bool `json:"deliverable"` // the address can be delivered to
	Linked      bool `json:"linked"`      // independent records link the name with the address
	Located     bool `json:"located"`     // the registrant was found
	Interviewed bool `json:"interviewed"` // and acknowledged the registration
	Faults      int  `json:"faults"`      // details that the registrant did not confirm
}

// NORC puts findings into their group. The definitions leave some
// combinations open and make others overlap; Combinations names them, with
// the reading taken here.
func NORC(f Findings) Group {
	switch {
	case f.Interviewed && f.Deliverable && f.Linked && f.Faults == 0:
		return NoFailure
	case f.Interviewed && f.Deliverable:
		return MinimalFailure
	case f.Interviewed: // not deliverable; full failure needs "not located"
		return SubstantialFailure
	case f.Deliverable && (f.Linked || f.Located):
		return LimitedFailure
	case f.Located, f.Deliverable:
		return SubstantialFailure
	}
	return FullFailure
}

// Combination is one of the sixteen combinations of the four findings, with
// its group when the interview showed no fault.
type Combination struct {
	Findings
	Group Group  `json:"group"`
	Open  string `json:"open,omitempty"` // why the definitions do not settle it
}

// Combinations lists all sixteen.
func Combinations() []Combination {
	var out []Combination
	for i := range 16 {
		f := Findings{Deliverable: i&8 == 0, Linked: i&4 == 0, Located: i&2 == 0, Interviewed: i&1 == 0}
		c := Combination{Findings: f, Group: NORC(f)}
		switch {
		case f.Interviewed && !f.Located:
			c.Open = "who was interviewed was located: the findings contradict each other; read as located"
		case f.Interviewed && !f.Deliverable:
			c.Open = "interviewed at an address that cannot be delivered to: full failure needs \"not located\", no other group fits; read as substantial"
		case f.Deliverable && !f.Linked && f.Located:
			c.Open = "both limited (deliverable, located) and substantial (unlinkable, located, no interview) fit; read as limited, which is defined first"
		case !f.Deliverable && f.Linked && !f.Located:
			c.Open = "full failure needs an unlinkable name, no other group fits; read as full"
		}
		out = append(out, c)
	}
	return out
}
