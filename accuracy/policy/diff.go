package policy

import (
	"slices"
	"strings"

	"bailiwick/registration"
)

// Change is one difference between two profiles.
type Change struct {
	// Part is "profile", "check", "duty", "skip" or "rule".
	Part string `json:"part"`
	// What is a field of the profile; a contact and check
	// ("registrant email.syntax"); a trigger, actor and action ("transfer:
	// registrar verify"); a condition; a rule's id.
	What string `json:"what"`
	A    string `json:"a,omitempty"` // "" where the first profile has nothing
	B    string `json:"b,omitempty"`
}

// Diff tells what differs between two profiles: what each is, what each result
// means for whom, who has to do what by when, and their rules. Words that say
// the same do not count: two profiles of other rules that ask for the same
// differ in their rules alone.
func Diff(a, b Profile) []Change {
	var out []Change
	for _, part := range []struct {
		name string
		of   func(Profile) map[string]string
	}{{"profile", headOf}, {"check", checksOf}, {"duty", dutiesOf}, {"skip", skipsOf}, {"rule", rulesOf}} {
		x, y := part.of(a), part.of(b)
		keys := map[string]bool{}
		for k := range x {
			keys[k] = true
		}
		for k := range y {
			keys[k] = true
		}
		var sorted []string
		for k := range keys {
			if x[k] != y[k] {
				sorted = append(sorted, k)
			}
		}
		slices.SortFunc(sorted, func(p, q string) int { return strings.Compare(order(p), order(q)) })
		for _, k := range sorted {
			out = append(out, Change{part.name, k, x[k], y[k]})
		}
	}
	return out
}

// order puts contacts in their usual order.
func order(k string) string {
	role, rest, _ := strings.Cut(k, " ")
	if i := slices.Index([]string{registration.Registrant, registration.Admin, registration.Tech, registration.Billing}, role); i >= 0 {
		return string(rune('0'+i)) + " " + rest
	}
	return "9" + k
}

func headOf(p Profile) map[string]string {
	return map[string]string{"status": string(p.Status), "from": p.From, "until": p.Until, "names": strings.Join(p.Names, " "), "extends": strings.Join(p.Extends, " "),
		"contacts": strings.Join(p.Contacts, " "), "optional": strings.Join(p.Optional, " "), "uncollected": strings.Join(p.Uncollected, " ")}
}

// checksOf are the meanings of each check's results for each contact: the
// strictest of the rules that name it.
func checksOf(p Profile) map[string]string {
	out := map[string]string{}
	for _, key := range p.keys() {
		uses := p.index[key[0]][key[1]]
		fail, warn, basis := MeansIgnore, MeansIgnore, Ours
		var reasons []string
		for _, u := range uses {
			fail = stricter(fail, orElse(u.use.Fail, MeansFail))
			warn = stricter(warn, orElse(u.use.Warn, MeansWarn))
			for r, m := range u.use.Reasons {
				if w := r + ": " + string(m); !slices.Contains(reasons, w) {
					reasons = append(reasons, w)
				}
			}
			if slices.Index(bases, u.rule.Basis) < slices.Index(bases, basis) {
				basis = u.rule.Basis
			}
		}
		slices.Sort(reasons)
		w := "a failure: " + string(fail) + "; a warning: " + string(warn)
		if len(reasons) > 0 {
			w += "; " + strings.Join(reasons, "; ")
		}
		out[key[0]+" "+key[1]] = w + " (" + string(basis) + ")"
	}
	return out
}

// keys are the contacts and checks that the profile joins.
func (p Profile) keys() (out [][2]string) {
	for role, checks := range p.index {
		for c := range checks {
			out = append(out, [2]string{role, c})
		}
	}
	return out
}

func orElse(m, or Meaning) Meaning {
	if m == "" {
		return or
	}
	return m
}

func stricter(a, b Meaning) Meaning {
	rank := []Meaning{MeansIgnore, MeansPass, MeansWarn, MeansFail}
	if slices.Index(rank, b) > slices.Index(rank, a) {
		return b
	}
	return a
}

func dutiesOf(p Profile) map[string]string {
	out := map[string]string{}
	for _, r := range p.Rules {
		for _, d := range r.Duties {
			for _, t := range d.Triggers {
				k := string(t) + ": " + string(d.Actor) + " " + string(d.Action)
				w := d.Words() + " (" + string(r.Basis) + ")"
				if out[k] != "" {
					w = out[k] + " | " + w
				}
				out[k] = w
			}
		}
	}
	return out
}

// Words says what a duty asks, without its trigger, actor and action.
func (d Duty) Words() string {
	var w []string
	if len(d.Claims) > 0 {
		and := " and "
		if d.Any {
			and = " or "
		}
		w = append(w, strings.Join(d.Claims, and))
	}
	if d.Within.IsZero() {
		w = append(w, d.Within.Words())
	} else {
		w = append(w, "within "+d.Within.Words())
	}
	if len(d.Remind) > 0 {
		var r []string
		for _, t := range d.Remind {
			r = append(r, t.String())
		}
		w = append(w, "reminders at "+strings.Join(r, ", "))
	}
	if d.OnExpiry != "" {
		w = append(w, "then "+d.OnExpiry.Words())
	}
	if !d.Quarantine.IsZero() {
		w = append(w, "quarantine of "+d.Quarantine.Words())
	}
	if d.Final != "" {
		w = append(w, "at last "+d.Final.Words())
	}
	if d.Risk != "" {
		w = append(w, "if "+d.Risk)
	}
	return strings.Join(w, ", ")
}

func skipsOf(p Profile) map[string]string {
	out := map[string]string{}
	for c, r := range p.Skips() {
		out[string(c)] = r.Clause + " (" + string(r.Basis) + ")"
	}
	return out
}

func rulesOf(p Profile) map[string]string {
	out := map[string]string{}
	for _, r := range p.Rules {
		out[r.ID] = r.Clause + " [" + string(r.Basis) + "] " + r.Text
	}
	return out
}
