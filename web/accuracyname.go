package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/accuracy"
	"bailiwick/accuracy/census"
	"bailiwick/accuracy/policy"
	"bailiwick/centre"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
)

// nameAccuracyView is the page of what was found of one name.
type nameAccuracyView struct {
	Name      string
	Known     bool
	At        time.Time
	Gone      bool
	Registrar string
	RegLink   string
	Set       string // what it was counted in
	Profile   ownProfile
	Until     time.Time // kept until; zero: without end
	Choice    []accuracyTab2
	Result    badge
	Reach     badge
	Roles     []nameAccuracyRole
	// Values are shown: the reading is in the access log. Ask is the address
	// that shows them, Note says how it stands with them.
	Shown   bool
	Ask     string
	Note    string
	Version int
	// Case says that a case about it may be opened, by the form.
	Case bool
	CSRF string
	Now  time.Time
}

type accuracyTab2 struct {
	Word, Link string
	Here       bool
}

type nameAccuracyRole struct {
	Role   string
	Result badge
	Fields []nameAccuracyField
}

type nameAccuracyField struct {
	Field    string
	Result   badge
	Level    string
	Means    string // what the level says
	Value    []string
	Findings []nameAccuracyFinding
}

// nameAccuracyFinding is one finding that is no pass, with what to change and
// who asks.
type nameAccuracyFinding struct {
	Badge  badge
	Quiet  bool // not testable: nothing to change
	Check  string
	Asks   string
	Reason string
	Change string
	Rules  []nameAccuracyRule
}

type nameAccuracyRule struct {
	ID, Clause string
	Of         string // the profile that it stands in
	Basis      badge
	Caveat     string
}

// levelMeans says what a level is.
var levelMeans = map[accuracy.Level]string{
	accuracy.V0: "nothing was found right", accuracy.V1: "the form is right", accuracy.V2: "it works", accuracy.V3: "it is theirs",
}

// nameAccuracyTwin is its machine-readable twin.
type nameAccuracyTwin struct {
	Name       string               `json:"name"`
	Frame      string               `json:"frame"`
	Source     census.Source        `json:"source"`
	Profile    string               `json:"profile"`
	Hash       string               `json:"profile_hash"`
	At         time.Time            `json:"at"`
	Until      time.Time            `json:"kept_until,omitzero"`
	Registered bool                 `json:"registered"`
	Registrar  string               `json:"registrar"`
	Metrics    map[string]string    `json:"metrics,omitempty"`
	Fields     []nameAccuracyOfJSON `json:"fields,omitempty"`
}

type nameAccuracyOfJSON struct {
	Field    string          `json:"field"`
	Result   accuracy.Result `json:"result"`
	Reached  accuracy.Level  `json:"reached"`
	Findings []census.Code   `json:"findings,omitempty"`
}

// name is the page of what was found of a name, field by field. It holds results
// and reasons; values are on it only when they are asked for by somebody who may
// see them, and that is logged before.
func (a accuracyDesk) name(w http.ResponseWriter, r *request) error {
	asked, err := name.ParseAny(r.PathValue("name"))
	if err != nil {
		return problem.New(problem.NotFound, "%q is no name", visible(cut(r.PathValue("name"), 80)))
	}
	d := a.s.c.Suffixes.Split(asked).Registered
	if d.IsZero() {
		d = asked
	}
	if v := a.s.may(r, access.Registration, d.String()); !v.Allowed {
		return v.Err(r.person)
	}
	all, err := a.s.c.AccuracyOf(r.Context(), d)
	if err != nil {
		return err
	}
	at := "/accuracy/names/" + segment(d.String())
	v := nameAccuracyView{Name: d.String(), Known: len(all) > 0, CSRF: r.csrf, Now: a.s.c.Clock.Now()}
	if !v.Known {
		if wantsJSON(r) {
			return problem.New(problem.NotFound, "nothing was found of this name")
		}
		return a.s.render(w, r, http.StatusOK, "accuracyname", page{Title: "Accuracy of " + name.Defang(d.String()), Here: "accuracy", Wide: true, Body: v})
	}
	i := 0
	if q := r.URL.Query().Get("set"); q != "" {
		if i = slices.IndexFunc(all, func(x centre.NameAccuracy) bool { return strconv.FormatInt(x.Set.ID, 10) == q }); i < 0 {
			return problem.New(problem.NotFound, "nothing was found of this name under that number")
		}
	}
	x := all[i]
	query := "?set=" + strconv.FormatInt(x.Set.ID, 10)
	if wantsJSON(r) {
		return twin(w, nameTwin(x))
	}
	for j, o := range all {
		v.Choice = append(v.Choice, accuracyTab2{setWord(o.Set), at + "?set=" + strconv.FormatInt(o.Set.ID, 10), j == i})
	}
	own, err := a.s.c.OwnProfiles(r.Context())
	if err != nil {
		return err
	}
	v.At, v.Until, v.Gone, v.Set, v.Profile = x.At, x.Until, x.Gone, setWord(x.Set), profileWord(x.Set, own)
	if v.Registrar = x.Called; v.Registrar == "" {
		v.Registrar = registrarWord(x.Registrar)
	}
	v.RegLink = accuracyPath(x.TLD, x.Registrar) + query
	v.Result = accuracyResults[x.Outcome.Result(census.Record)]
	v.Reach = reachBadge(x.Outcome.Result(census.Reach))
	contacts, err := a.values(r, &v, d, x, at+query)
	if err != nil {
		return err
	}
	if !v.Gone {
		p, known := policyOf(a.set, x.Set.Profile, x.Set.Hash)
		if v.Profile.Own {
			if _, p, _, err = a.s.c.OwnProfileOf(r.Context(), x.Set.Hash); err != nil {
				return err
			}
			known = p.ID != ""
		}
		v.Roles = a.roles(x, contacts, p, known)
	}
	// Registrars are asked under built-in profiles only.
	v.Case = !v.Profile.Own && x.Outcome.Result(census.Record) == accuracy.Fail && a.s.mayLookup(r, d).Allowed
	return a.s.render(w, r, http.StatusOK, "accuracyname", page{Title: "Accuracy of " + name.Defang(d.String()), Here: "accuracy", Wide: true, Twin: at + query + "&format=json", Body: v})
}

// reachBadge says whether the holder can be reached.
func reachBadge(r accuracy.Result) badge {
	switch r {
	case accuracy.Pass:
		return badge{"ok", "can be reached, as far as tested"}
	case accuracy.Fail:
		return badge{"bad", "cannot be reached"}
	}
	return badge{"quiet", "not known whether reachable"}
}

// values reads the contacts of the registration, when they are asked for by
// somebody who may see them. A frame's values are not kept.
func (a accuracyDesk) values(r *request, v *nameAccuracyView, d name.Domain, x centre.NameAccuracy, at string) (map[string]registration.Contact, error) {
	if x.Set.Frame.Source != census.LookedUp {
		v.Note = "The values are where they were read from: nothing of them was kept here."
		return nil, nil
	}
	k, err := a.s.registrationOf(r, d)
	if err != nil {
		return nil, err
	}
	switch {
	case len(k.versions) == 0 || k.versions[k.at].Contacts == centre.ContactsExpired || k.versions[k.at].Contacts == centre.ContactsNone:
		v.Note = "The values are not kept any more, or there were none."
	case k.shown:
		v.Shown, v.Version, v.Note = true, k.versions[k.at].Number, "This reading is in the access log."
		return k.versions[k.at].Record.Contacts, nil
	case k.may:
		v.Ask, v.Note = at+"&contacts=1", "Values are personal data, and not loaded. Showing them is logged."
	default:
		v.Note = "Values are personal data: withheld from you, as your roles do not need them."
	}
	return nil, nil
}

// roles are the contacts with their fields, and what was found.
func (a accuracyDesk) roles(x centre.NameAccuracy, contacts map[string]registration.Contact, p policy.Profile, known bool) (out []nameAccuracyRole) {
	rank := func(f census.Field) int {
		_, field, _ := strings.Cut(f.Path, ".")
		return slices.IndexFunc(regContactFields, func(c struct{ field, label string }) bool { return c.field == field })
	}
	fields := slices.Clone(x.Outcome.Fields)
	slices.SortStableFunc(fields, func(a, b census.Field) int { return rank(a) - rank(b) })
	for _, f := range fields {
		role, field, _ := strings.Cut(f.Path, ".")
		i := slices.IndexFunc(out, func(o nameAccuracyRole) bool { return o.Role == regRole(role) })
		if i < 0 {
			i, out = len(out), append(out, nameAccuracyRole{Role: regRole(role), Result: accuracyResults[accuracy.Untestable]})
		}
		y := nameAccuracyField{Field: contactField(field), Result: accuracyResults[f.Result], Level: f.Level.String(), Means: levelMeans[f.Level]}
		if c, ok := contacts[role]; ok && field != "" {
			if s := c.Field(field); s != "" {
				y.Value = append(y.Value, outside(s, regValue))
			}
		}
		seen := map[string]bool{}
		for _, c := range f.Codes {
			key := c.Check + "|" + c.Reason
			if c.Result == accuracy.Untestable {
				key = c.Reason // one reason for many checks is told once
			}
			if seen[key] {
				continue
			}
			seen[key] = true
			g := nameAccuracyFinding{Badge: accuracyResults[c.Result], Quiet: c.Result == accuracy.Untestable, Check: c.Check, Asks: a.about(c.Check), Reason: words(c.Reason), Change: a.change(c.Check, c.Reason)}
			if c.Unmarked {
				g.Change = policy.Unmarked
			}
			if known && c.Result != accuracy.Untestable {
				g.Rules = rulesOf(p, role, c)
			}
			y.Findings = append(y.Findings, g)
		}
		out[i].Fields = append(out[i].Fields, y)
		if worseThan(f.Result, out[i].Result) {
			out[i].Result = accuracyResults[f.Result]
		}
	}
	return out
}

// worseThan says whether a result is worse than the one of a badge.
func worseThan(r accuracy.Result, b badge) bool {
	rank := func(w string) int {
		return slices.Index([]string{accuracyResults[accuracy.Untestable].Word, accuracyResults[accuracy.Pass].Word, accuracyResults[accuracy.Warn].Word, accuracyResults[accuracy.Fail].Word}, w)
	}
	return rank(accuracyResults[r].Word) > rank(b.Word)
}

// policyOf is the profile that something was assessed under, if it is still that
// version.
func policyOf(set *policy.Set, id, hash string) (policy.Profile, bool) {
	p, err := set.Get(id)
	return p, err == nil && p.Hash() == hash
}

// rulesOf are the rules of a profile that ask a check of a contact, and to which
// the finding matters.
func rulesOf(p policy.Profile, role string, c census.Code) (out []nameAccuracyRule) {
	for _, r := range p.Rules {
		if len(r.Contacts) > 0 && !slices.Contains(r.Contacts, role) {
			continue
		}
		for _, u := range r.Checks {
			if u.Check != c.Check || u.Reasons[c.Reason] == policy.MeansIgnore || u.Reasons[c.Reason] == policy.MeansPass || len(out) == 3 {
				continue
			}
			out = append(out, nameAccuracyRule{r.ID, r.Clause, r.Of, policyBases[r.Basis], r.Basis.Caveat()})
		}
	}
	return out
}

func nameTwin(x centre.NameAccuracy) nameAccuracyTwin {
	t := nameAccuracyTwin{Name: x.AccuracyName.Name, Frame: x.Set.Frame.Name, Source: x.Set.Frame.Source, Profile: x.Set.Profile, Hash: x.Set.Hash, At: x.At, Until: x.Until, Registered: !x.Gone, Registrar: x.Registrar}
	if x.Gone {
		return t
	}
	t.Metrics = map[string]string{}
	for _, m := range census.Metrics() {
		if r := x.Outcome.Result(m.ID); r != "" {
			t.Metrics[m.ID] = string(r)
		}
	}
	for _, f := range x.Outcome.Fields {
		t.Fields = append(t.Fields, nameAccuracyOfJSON{f.Path, f.Result, f.Level, f.Codes})
	}
	return t
}
