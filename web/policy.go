package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"bailiwick/access"
	"bailiwick/accuracy/census"
	"bailiwick/accuracy/policy"
	"bailiwick/problem"
	"bailiwick/store"
)

// policies adds the pages of policy profiles: what the built-in ones say, with
// their sources. They are public, and hold nobody's data.
func (s *site) policies(public func(pattern string, h handler)) error {
	set, err := policy.Shipped()
	if err != nil {
		return err
	}
	b := policyBrowser{s, set}
	s.profiles = set
	public("GET /policies", b.list)
	public("GET /policies/{id}", b.profile)
	return nil
}

// shipped says whether a profile is a built-in one, which has a page.
func (s *site) shipped(id string) bool {
	_, err := s.profiles.Get(id)
	return err == nil
}

type policyBrowser struct {
	s   *site
	set *policy.Set
}

var policyStatuses = map[policy.Status]badge{
	policy.InForce: {"ok", "in force"}, policy.Guidance: {"wait", "guidance"}, policy.Historical: {"quiet", "historical"},
	policy.Hints: {"quiet", "hints"}, policy.Own: {"quiet", "own"},
}

var policyBases = map[policy.Basis]badge{policy.Primary: {"ok", "primary"}, policy.Secondary: {"wait", "secondary"}, policy.Ours: {"quiet", "ours"}}

type policyRow struct {
	ID, Title, About string
	Status           badge
	Rules, Primary   int
}

// policyTwin is what the list is as JSON.
type policyTwin struct {
	Profile string        `json:"profile"`
	Title   string        `json:"title"`
	Status  policy.Status `json:"status"`
	Rules   int           `json:"rules"`
	Primary int           `json:"primary_rules"`
	Hash    string        `json:"hash"`
}

func (b policyBrowser) list(w http.ResponseWriter, r *request) error {
	var rows []policyRow
	var twins []policyTwin
	for _, p := range b.set.All() {
		n := 0
		for _, x := range p.Rules {
			if x.Basis == policy.Primary {
				n++
			}
		}
		rows = append(rows, policyRow{p.ID, p.Title, p.About, policyStatuses[p.Status], len(p.Rules), n})
		twins = append(twins, policyTwin{p.ID, p.Title, p.Status, len(p.Rules), n, p.Hash()})
	}
	if wantsJSON(r) {
		return twin(w, twins)
	}
	return b.s.render(w, r, http.StatusOK, "policies", page{Title: "Policy profiles", Here: "policies", Wide: true, Twin: "/policies?format=json", Body: rows})
}

type policyView struct {
	P        policy.Profile
	Status   badge
	Hash     string
	Caveat   bool // not all of it may be used for compliance
	Own      []policyRule
	Of       []policyParent
	Others   []policyRow
	Against  string
	File     *store.AccuracyProfile // of the operator's own, as it was read in
	Other    policy.Profile
	Changes  []policyPart
	Same     bool
	Contacts string
}

// policyParent are the rules that come from another profile.
type policyParent struct {
	ID, Title string
	Rules     []policyRule
}

type policyRule struct {
	R      policy.Rule
	Basis  badge
	Caveat string
	Who    string
	Checks []policyCheck
	Duties []policyDuty
	Skip   []string
}

type policyCheck struct {
	ID, About  string
	Fail, Warn policy.Meaning
	Reasons    []policyReason
}

type policyReason struct {
	Word  string
	Means policy.Meaning
}

type policyDuty struct {
	On, Actor, Action, Words, By string
	Notices                      []string
}

type policyPart struct {
	Title string
	Rows  []policy.Change
}

var policyParts = []struct{ part, title string }{
	{"profile", "The profiles themselves"}, {"check", "What a result means for whom"}, {"duty", "Who has to do what, and when"},
	{"skip", "When nothing needs to be verified"}, {"rule", "Rules"},
}

func (b policyBrowser) profile(w http.ResponseWriter, r *request) error {
	p, err := b.set.Get(r.PathValue("id"))
	var own *store.AccuracyProfile
	if hash := r.URL.Query().Get("hash"); hash != "" {
		p, own, err = b.own(r, r.PathValue("id"), hash)
	}
	if err != nil {
		if code := problem.CodeOf(err); code != problem.NotFound && code != problem.Conflict {
			return err
		}
		return problem.New(problem.NotFound, "there is no such policy profile")
	}
	against := r.URL.Query().Get("against")
	v := policyView{P: p, Status: policyStatuses[p.Status], Hash: p.Hash(), Against: against, Contacts: strings.Join(p.Contacts, ", ")}
	at := "/policies/" + segment(p.ID)
	pg := page{Title: p.ID + ", policy profile", Here: "policies", Wide: true, Twin: at + "?format=json"}
	if own != nil {
		v.File = own
		at += "?hash=" + segment(own.Hash)
		pg.Twin = at + "&format=json"
	}
	if against != "" && own == nil {
		if v.Other, err = b.set.Get(against); err != nil {
			return problem.New(problem.NotFound, "there is no such policy profile to compare with")
		}
		changes := policy.Diff(p, v.Other)
		if wantsJSON(r) {
			return twin(w, changes)
		}
		pg.Title, pg.Twin = p.ID+" and "+v.Other.ID, at+"?against="+segment(v.Other.ID)+"&format=json"
		v.Same = len(changes) == 0
		for _, part := range policyParts {
			var rows []policy.Change
			for _, c := range changes {
				if c.Part == part.part {
					rows = append(rows, c)
				}
			}
			if len(rows) > 0 {
				v.Changes = append(v.Changes, policyPart{part.title, rows})
			}
		}
	} else if wantsJSON(r) {
		return twin(w, struct {
			policy.Profile
			Hash string `json:"hash"`
		}{p, v.Hash})
	}
	for _, o := range b.set.All() {
		if o.ID != p.ID {
			v.Others = append(v.Others, policyRow{ID: o.ID, Title: o.Title})
		}
	}
	for _, x := range p.Rules {
		rule := b.rule(p, x)
		v.Caveat = v.Caveat || rule.Caveat != ""
		if x.Of == p.ID {
			v.Own = append(v.Own, rule)
			continue
		}
		i := slices.IndexFunc(v.Of, func(o policyParent) bool { return o.ID == x.Of })
		if i < 0 {
			i = len(v.Of)
			up, _ := b.set.Get(x.Of)
			v.Of = append(v.Of, policyParent{ID: x.Of, Title: up.Title})
		}
		v.Of[i].Rules = append(v.Of[i].Rules, rule)
	}
	return b.s.render(w, r, http.StatusOK, "policy", withBody(pg, v))
}

// own is a profile of the operator's own by its hash: for the desk, and for
// everybody where figures are published that were held against it.
func (b policyBrowser) own(r *request, id, hash string) (policy.Profile, *store.AccuracyProfile, error) {
	none := problem.New(problem.NotFound, "there is no such policy profile")
	row, p, ok, err := b.s.c.OwnProfileOf(r.Context(), cut(hash, 100))
	if err != nil {
		return p, nil, err
	}
	if !ok || row.Profile != id || p.ID == "" {
		return p, nil, none
	}
	if r.person.Known() && b.s.may(r, access.Registration, "").Allowed {
		return p, &row, nil
	}
	sets, err := b.s.c.AccuracySets(r.Context())
	if err != nil {
		return p, nil, err
	}
	if !slices.ContainsFunc(sets, func(x store.AccuracySet) bool {
		return x.Hash == hash && x.Frame.Published && x.Frame.Source != census.LookedUp
	}) {
		return p, nil, none
	}
	return p, &row, nil
}

func withBody(p page, v any) page { p.Body = v; return p }

func (b policyBrowser) rule(p policy.Profile, r policy.Rule) policyRule {
	out := policyRule{R: r, Basis: policyBases[r.Basis], Caveat: r.Basis.Caveat()}
	if len(r.Contacts) > 0 && !slices.Equal(r.Contacts, p.Contacts) || len(r.Contacts) > 0 && len(p.Optional) > 0 {
		out.Who = strings.Join(r.Contacts, ", ")
	}
	for _, u := range r.Checks {
		c, _ := b.set.Known(u.Check)
		x := policyCheck{ID: u.Check, About: c.About, Fail: cmp.Or(u.Fail, policy.MeansFail), Warn: cmp.Or(u.Warn, policy.MeansWarn)}
		for _, k := range slices.Sorted(maps.Keys(u.Reasons)) {
			x.Reasons = append(x.Reasons, policyReason{words(k), u.Reasons[k]})
		}
		out.Checks = append(out.Checks, x)
	}
	for _, d := range r.Duties {
		var on, by []string
		for _, t := range d.Triggers {
			on = append(on, words(string(t)))
		}
		for _, m := range d.Methods {
			by = append(by, words(string(m)))
		}
		x := policyDuty{On: strings.Join(on, ", "), Actor: string(d.Actor), Action: d.Action.Words(), Words: d.Words(), By: strings.Join(by, " or ")}
		for _, n := range d.Notices {
			x.Notices = append(x.Notices, strings.Join(n.To, ", ")+": "+n.When)
		}
		out.Duties = append(out.Duties, x)
	}
	for _, c := range r.Skip {
		out.Skip = append(out.Skip, words(string(c)))
	}
	return out
}

// words is a code as words.
func words(code string) string { return strings.ReplaceAll(code, "-", " ") }
