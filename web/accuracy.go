package web

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bailiwick/access"
	"bailiwick/accuracy"
	"bailiwick/accuracy/census"
	"bailiwick/accuracy/policy"
	"bailiwick/centre"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
)

// accuracyPages adds the pages of what was counted of the accuracy of
// registration data. The sums of frames that are published are for everybody;
// all others, and single names, are for the desk.
func (s *site) accuracyPages(public, desk func(pattern string, h handler)) error {
	set := s.c.Settings().Accuracy.Policies
	if set == nil {
		var err error
		if set, err = policy.Shipped(); err != nil {
			return err
		}
	}
	a := accuracyDesk{s, set, &publicTables{at: map[int64]publicTable{}}}
	public("GET /accuracy", a.overview)
	public("GET /accuracy/tlds/{tld}", a.tld)
	public("GET /accuracy/registrars/{key}", a.registrar)
	public("GET /accuracy/tlds/{tld}/registrars/{key}", a.cell)
	if desk != nil {
		desk("GET /accuracy/names/{name}", a.name)
	}
	return nil
}

type accuracyDesk struct {
	s   *site
	set *policy.Set // what checks and rules say
	// tables are what may be published of sets, which is not found out anew for
	// each reader.
	tables *publicTables
}

type publicTables struct {
	sync.Mutex
	at map[int64]publicTable
}

// publicTable is what may be published of a set, for as long as it counts the same.
type publicTable struct {
	census.Table
	last, made time.Time
	counts     census.Counts
}

// How many tables are kept, and for how long where the sum of everything stays as
// it was while parts of it change.
const (
	tablesKept = 16
	tableAge   = time.Minute
)

// table says what may be published of a set.
func (a accuracyDesk) table(r *request, set store.AccuracySet) (census.Table, error) {
	whole, err := a.s.c.AccuracyWhole(r.Context(), set.ID)
	if err != nil {
		return census.Table{}, err
	}
	now := a.s.c.Clock.Now()
	a.tables.Lock()
	defer a.tables.Unlock()
	t, ok := a.tables.at[set.ID]
	if ok && t.last.Equal(set.Last) && t.counts == whole.Counts && now.Sub(t.made).Abs() < tableAge {
		return t.Table, nil
	}
	t = publicTable{last: set.Last, made: now, counts: whole.Counts}
	if t.Table, err = a.s.c.AccuracyTable(r.Context(), set.ID); err != nil {
		return census.Table{}, err
	}
	if len(a.tables.at) >= tablesKept {
		clear(a.tables.at)
	}
	a.tables.at[set.ID] = t
	return t.Table, nil
}

// How much a page of figures shows.
const (
	accuracyRows    = 200 // registrars or TLDs; all are in the CSV
	accuracyReasons = 12  // in each of failures, warnings, not testable
	accuracyNames   = 100 // on one page
)

// accuracySource says in words what names were counted, and what that allows
// to be said.
var accuracySource = map[census.Source]struct{ word, says string }{
	census.LookedUp: {"looked up here", "These are names that this centre looked up, most of them because they were reported. They are a sample of nothing: no figure here says anything about other names of a TLD or registrar."},
	census.Own:      {"own data", "This is a registry’s or registrar’s own data, all that was read in: what is missing in it is missing."},
	census.Public:   {"public data", "This is what servers show to anybody. What they withhold is not testable, which is never a failure."},
}

// accuracyView is a page of figures: of everything, of a TLD, of a registrar, or
// of a registrar in a TLD.
type accuracyView struct {
	Kind           string       // "all", "tld", "registrar" or "cell"
	TLD, Key, Name string       // of the registrar: key and name
	Public         bool         // without single names, and with small groups folded
	table          census.Table // of what is public
	Set            store.AccuracySet
	Choice         []accuracyChoice
	Source, Says   string
	Profile        ownProfile
	Keep           string // how long verdicts on single names are kept
	Spent          bool   // they have expired: what is left are the months
	Metric         census.Metric
	Metrics        []accuracyTab
	Fig            census.Figure // of the metric
	N              int
	Bounds         bool
	Title          string // of the table of groups
	Groups         []accuracyRow
	Why            string // nothing is ranked, because
	Folded         int    // groups that are shown as one
	FoldedRow      *accuracyRow
	More           int    // groups that are not shown
	Least          int    // of names, for a rank
	Whole          string // the share of what this is a part of
	Untried        bool   // who cannot be reached is told by the form alone
	Of             string // what the groups are: "registrar" or "TLD"
	All            []accuracyMetric
	Fields         []accuracyField
	Reasons        []accuracyReasonGroup
	Months         template.HTML
	MonthRows      []accuracyMonth
	Names          []accuracyName
	NamesOf        string // result that Names are of
	NamesMore      string // address of the next
	Empty          bool
	Withheld       string // why nothing of this is published
	Now            time.Time
	At             string // address of the page without query
	Query          string // "set=3", to be added to addresses within
}

type accuracyChoice struct {
	ID       int64
	Word     string
	Selected bool
}

type accuracyTab struct {
	census.Metric
	Link string
	Here bool
}

// accuracyRow is a group in a table.
type accuracyRow struct {
	Key, Name, Link string
	N               int
	Fig             census.Figure
	Rank            int
	Unranked        string
	Share           string // with its interval; "" where only bounds may be said
	Bar             template.HTML
	// Whole is the share of what the group is compared with.
	Whole string
}

type accuracyMetric struct {
	census.Metric
	Fig   census.Figure
	Share string
	Bar   template.HTML
	Why   string // there is no share, because
}

type accuracyField struct {
	Role, Field string
	Fig         census.Figure
	Share       string
	Bar         template.HTML
}

type accuracyReasonGroup struct {
	Badge badge
	Title string
	Rows  []accuracyReason
	More  int
}

type accuracyReason struct {
	Where, Check, Reason, Change string
	N                            int
	Of                           string
}

type accuracyMonth struct {
	Month  string
	N      int
	Fig    census.Figure
	Share  string
	Bounds bool
}

type accuracyName struct {
	Name  string
	At    time.Time
	Until time.Time // kept until; zero: without end
	Codes []string
}

// accuracyTwin is the machine-readable twin of a page of figures.
type accuracyTwin struct {
	TLD        string               `json:"tld,omitempty"`
	Registrar  string               `json:"registrar,omitempty"`
	Called     string               `json:"registrar_name,omitempty"`
	Frame      string               `json:"frame"`
	Source     census.Source        `json:"source"`
	Says       string               `json:"source_says"`
	Profile    string               `json:"profile"`
	Hash       string               `json:"profile_hash"`
	Own        bool                 `json:"profile_own,omitempty"` // the operator's
	Version    int                  `json:"profile_version,omitempty"`
	SHA        string               `json:"profile_file_sha256,omitempty"`
	At         time.Time            `json:"at"`
	Names      int                  `json:"names"`
	Metric     string               `json:"metric"`
	NoRanking  string               `json:"no_ranking,omitempty"`
	BoundsOnly bool                 `json:"bounds_only,omitempty"`
	Metrics    []accuracyMetricTwin `json:"metrics"`
	Groups     []accuracyGroupTwin  `json:"groups,omitempty"`
	Folded     int                  `json:"groups_folded,omitempty"`
	Fields     []census.FieldCount  `json:"fields,omitempty"`
	Reasons    []census.ReasonCount `json:"reasons,omitempty"`
	Months     []accuracyMonthTwin  `json:"months,omitempty"`
}

type accuracyMetricTwin struct {
	census.Metric
	census.Figure
	Unpublished string `json:"unpublished,omitempty"`
}

type accuracyGroupTwin struct {
	TLD       string `json:"tld,omitempty"`
	Registrar string `json:"registrar,omitempty"`
	Called    string `json:"registrar_name,omitempty"`
	Names     int    `json:"names"`
	Rank      int    `json:"rank,omitempty"`
	Unranked  string `json:"unranked,omitempty"`
	census.Figure
}

type accuracyMonthTwin struct {
	Month string `json:"month"`
	Names int    `json:"names"`
	census.Figure
}

// sees says whether the reader sees everything that was counted.
func (a accuracyDesk) sees(r *request) bool {
	return r.person.Known() && a.s.may(r, access.Registration, "").Allowed
}

// pick finds the set that a page is about: the one asked for, else the first
// that the reader may see. ok is false when there is none at all.
func (a accuracyDesk) pick(r *request) (sets []store.AccuracySet, at store.AccuracySet, ok bool, err error) {
	if v := access.Decide(r.person, access.Statistics, access.Object{Kind: access.Figures}); !v.Allowed {
		return nil, at, false, v.Err(r.person)
	}
	all, err := a.s.c.AccuracySets(r.Context())
	if err != nil {
		return nil, at, false, err
	}
	for _, x := range all {
		if a.sees(r) || x.Frame.Published && x.Frame.Source != census.LookedUp {
			sets = append(sets, x)
		}
	}
	want := r.URL.Query().Get("set")
	for i, x := range sets {
		if want == "" && i == 0 || want == strconv.FormatInt(x.ID, 10) {
			return sets, x, true, nil
		}
	}
	if want != "" {
		return nil, at, false, problem.New(problem.NotFound, "there is nothing counted under that number")
	}
	return nil, at, false, nil
}

// ownProfile is the profile of a set, with what pages say of one that is the
// operator's own.
type ownProfile struct {
	ID, Link string
	Own      bool
	Version  int
	SHA      string // of its file, in hex
}

func profileWord(set store.AccuracySet, own map[string]store.AccuracyProfile) ownProfile {
	p := ownProfile{ID: set.Profile, Link: "/policies/" + segment(set.Profile)}
	if o, ok := own[set.Hash]; ok {
		p.Own, p.Version, p.SHA, p.Link = true, o.Version, o.SHA, p.Link+"?hash="+set.Hash
	}
	return p
}

// daysWord is a time of keeping in words.
func daysWord(d time.Duration) string {
	if d < 0 {
		return "without end"
	}
	return "for " + count(int(d/(24*time.Hour)), "day", "days")
}

func setWord(x store.AccuracySet) string {
	return fmt.Sprintf("%s, under %s (%s)", outside(x.Frame.Name, 80), x.Profile, short(x.Hash))
}

func (a accuracyDesk) overview(w http.ResponseWriter, r *request) error {
	return a.figures(w, r, "all", "", "")
}

func (a accuracyDesk) tld(w http.ResponseWriter, r *request) error {
	tld, err := tldOf(r)
	if err != nil {
		return err
	}
	return a.figures(w, r, "tld", tld, "")
}

func (a accuracyDesk) registrar(w http.ResponseWriter, r *request) error {
	return a.figures(w, r, "registrar", "", r.PathValue("key"))
}

func (a accuracyDesk) cell(w http.ResponseWriter, r *request) error {
	tld, err := tldOf(r)
	if err != nil {
		return err
	}
	return a.figures(w, r, "cell", tld, r.PathValue("key"))
}

// tldOf reads the TLD of an address.
func tldOf(r *request) (string, error) {
	d, err := name.ParseAny(r.PathValue("tld"))
	if err != nil || strings.Contains(d.String(), ".") {
		return "", problem.New(problem.NotFound, "%q is no top-level domain", visible(cut(r.PathValue("tld"), 80)))
	}
	return d.String(), nil
}

func (a accuracyDesk) figures(w http.ResponseWriter, r *request, kind, tld, key string) error {
	sets, set, ok, err := a.pick(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	v := accuracyView{Kind: kind, TLD: tld, Key: key, Public: !a.sees(r), Set: set, Least: census.MinGroup, Now: a.s.c.Clock.Now(), At: accuracyPath(tld, key), Empty: !ok}
	v.Metric, ok = census.MetricOf(cmp.Or(q.Get("metric"), census.Reach))
	if !ok {
		return problem.New(problem.NotFound, "there is no figure %q", visible(cut(q.Get("metric"), 40)))
	}
	if v.Empty {
		if kind != "all" {
			return problem.New(problem.NotFound, "nothing was counted of this")
		}
		if wantsJSON(r) {
			return twin(w, struct{}{})
		}
		return a.s.render(w, r, http.StatusOK, "accuracy", page{Title: "Accuracy of registration data", Here: "accuracy", Wide: true, Body: v})
	}
	v.Query = "set=" + strconv.FormatInt(set.ID, 10)
	for _, x := range sets {
		v.Choice = append(v.Choice, accuracyChoice{x.ID, setWord(x), x.ID == set.ID})
	}
	src := accuracySource[set.Frame.Source]
	own, err := a.s.c.OwnProfiles(r.Context())
	if err != nil {
		return err
	}
	v.Source, v.Says, v.Profile, v.Keep = src.word, src.says, profileWord(set, own), daysWord(a.s.c.AccuracyKeep())
	sums, err := a.s.c.Accuracy(r.Context(), set.ID, tld, key)
	if err != nil {
		return err
	}
	if sums.All.Counts.N == 0 && kind != "all" {
		return problem.New(problem.NotFound, "no name of this is counted")
	}
	if v.Name = sums.Names[key]; v.Name == "" {
		v.Name = registrarWord(key)
	}
	v.N = sums.All.Counts.N
	v.Spent = kind == "all" && len(sums.Months) > 0 && (v.N == 0 || v.Public && v.N < census.MinGroup)
	if v.Public {
		if err := a.publishable(r, &v); err != nil {
			return err
		}
		if sums.Months, err = a.s.c.PublicMonths(r.Context(), set.ID, tld, key, sums.Months); err != nil {
			return err
		}
	}
	a.fill(&v, sums)
	if q.Get("format") == "csv" {
		return a.csv(w, v, sums, q.Get("figure"))
	}
	if wantsJSON(r) {
		return twin(w, a.twin(v, sums))
	}
	if n := len(v.Groups); n > accuracyRows {
		v.More, v.Groups = n-accuracyRows, v.Groups[:accuracyRows]
	}
	if kind == "cell" && !v.Public {
		if err := a.names(r, &v); err != nil {
			return err
		}
	}
	title := "Accuracy of registration data"
	switch kind {
	case "tld":
		title = "." + tld + ", accuracy"
	case "registrar":
		title = outside(v.Name, 60) + ", accuracy"
	case "cell":
		title = outside(v.Name, 60) + " in ." + tld + ", accuracy"
	}
	self := v.At + "?" + v.Query + "&metric=" + url.QueryEscape(v.Metric.ID)
	return a.s.render(w, r, http.StatusOK, "accuracy", page{Title: title, Here: "accuracy", Wide: true, Twin: self + "&format=json", Body: v})
}

// publishable says of what is too small to be published why it is not, and
// keeps it from being found by subtraction.
func (a accuracyDesk) publishable(r *request, v *accuracyView) (err error) {
	if v.Spent {
		return nil
	}
	if v.N < census.MinGroup {
		return problem.New(problem.NotFound, "fewer than %d names are counted here: too few to be published", census.MinGroup)
	}
	if v.table, err = a.table(r, v.Set); err != nil {
		return err
	}
	if !v.table.Shown(v.TLD, v.Key) {
		return problem.New(problem.NotFound, "this is published only together with others: alone, smaller ones could be found by subtraction")
	}
	return nil
}

// registrarWord is what a registrar is called whose name is not known.
func registrarWord(key string) string {
	switch word, named := strings.CutPrefix(key, "name:"); {
	case key == store.AccuracyNobody:
		return "registrar not said"
	case named:
		return word
	}
	return "IANA ID " + key
}

// accuracyPath is the address of a page of figures.
func accuracyPath(tld, key string) string {
	out := "/accuracy"
	if tld != "" {
		out += "/tlds/" + segment(tld)
	}
	if key != "" {
		out += "/registrars/" + segment(key)
	}
	return out
}

// fill makes the figures of a page.
func (a accuracyDesk) fill(v *accuracyView, sums centre.AccuracySums) {
	src := v.Set.Frame.Source
	v.Fig = sums.All.Counts.Of(v.Metric.ID).Figure()
	v.Bounds = v.Fig.Bounds(src)
	for _, m := range census.Metrics() {
		f := sums.All.Counts.Of(m.ID).Figure()
		if v.Spent {
			v.Metrics = append(v.Metrics, accuracyTab{m, v.At + "?" + v.Query + "&metric=" + url.QueryEscape(m.ID), m.ID == v.Metric.ID})
		}
		if f.Asked() == 0 || v.Spent {
			continue
		}
		x := accuracyMetric{Metric: m, Fig: f}
		x.Share, x.Bar, x.Why = v.share(f)
		v.All = append(v.All, x)
		v.Metrics = append(v.Metrics, accuracyTab{m, v.At + "?" + v.Query + "&metric=" + url.QueryEscape(m.ID), m.ID == v.Metric.ID})
	}
	groups := sums.Registrars
	v.Of, v.Title = "registrar", "Registrars"
	if v.Kind == "all" || v.Kind == "registrar" {
		groups, v.Of, v.Title = sums.TLDs, "TLD", "TLDs"
	}
	switch {
	case v.Metric.ID != census.Reach:
		v.Title += ": “" + v.Metric.Title + "” fails"
	default:
		v.Title += " whose holders cannot be reached"
	}
	if v.Kind != "cell" && !v.Spent {
		v.groups(groups, sums)
	}
	if w := sums.All.Counts.Of(census.EmailWorks).Figure(); w.Tested.Of < 0.05 && v.Metric.ID == census.Reach {
		v.Untried = true
	}
	if v.Kind == "registrar" || v.Kind == "cell" && (!v.Public || v.table.Shown(v.TLD, "")) {
		v.Whole, _, _ = v.share(sums.Whole.Counts.Of(v.Metric.ID).Figure())
	}
	if !v.Spent {
		a.details(v, sums.All)
	}
	v.months(sums.Months)
}

// share is the failing share of a figure in words and as a bar, or why there is
// none.
func (v *accuracyView) share(f census.Figure) (string, template.HTML, string) {
	switch {
	case f.Asked() == 0:
		return "", "", census.NotAsked
	case f.Bounds(v.Set.Frame.Source):
		return "", boundsBar(f.Least, f.Most), "only bounds: under half could be tested"
	case v.Public && f.Testable() < census.MinGroup:
		return "", "", census.TooFew
	case f.Testable() == 0:
		return "", boundsBar(f.Least, f.Most), "nothing could be tested"
	}
	return shareWord(f.Failing), intervalBar(f.Failing.Of, f.Failing.Low, f.Failing.High), ""
}

// shareWord is a share with its interval.
func shareWord(s census.Share) string {
	return fmt.Sprintf("%s (%s–%s)", pct1(s.Of), num1(s.Low), num1(s.High))
}

// pct1 is a share in per cent with one decimal where it is small or nearly all,
// so that few are not shown as none.
func pct1(f float64) string { return num1(f) + "\u202f%" }

func num1(f float64) string {
	p := 100 * f
	if p > 0 && p < 10 || p > 90 && p < 100 {
		return strconv.FormatFloat(p, 'f', 1, 64)
	}
	return strconv.FormatFloat(p, 'f', 0, 64)
}

// groups makes the table of registrars or TLDs.
func (v *accuracyView) groups(in []store.AccuracyCount, sums centre.AccuracySums) {
	shown, folded := in, []store.AccuracyCount(nil)
	rest := sums.All.Counts
	if v.Public {
		shown = nil
		for _, c := range in {
			if v.table.Shown(cmp.Or(c.TLD, v.TLD), cmp.Or(c.Registrar, v.Key)) && c.Counts.N >= census.MinGroup {
				shown = append(shown, c)
				rest.Minus(c.Counts)
			} else {
				folded = append(folded, c)
			}
		}
	}
	of := map[string]store.AccuracyCount{}
	var gs []census.Group
	for _, c := range shown {
		key := cmp.Or(v.groupKey(c), "-")
		of[key] = c
		gs = append(gs, census.Group{Key: key, Figure: c.Counts.Of(v.Metric.ID).Figure()})
	}
	v.Why = census.Rank(v.Set.Frame.Source, v.Fig, gs)
	whole := map[string]string{}
	for _, c := range sums.Others {
		if v.Public && !v.table.Shown(c.TLD, "") {
			continue
		}
		whole[c.TLD], _, _ = v.share(c.Counts.Of(v.Metric.ID).Figure())
	}
	for _, g := range gs {
		c := of[g.Key]
		row := accuracyRow{Key: g.Key, N: c.Counts.N, Fig: g.Figure, Rank: g.Rank, Unranked: g.Unranked, Name: "." + g.Key, Link: accuracyPath(g.Key, "") + "?" + v.Query}
		switch v.Kind {
		case "tld":
			row.Name, row.Link = cmp.Or(sums.Names[g.Key], registrarWord(g.Key)), accuracyPath(v.TLD, g.Key)+"?"+v.Query
		case "registrar":
			row.Link, row.Whole = accuracyPath(g.Key, v.Key)+"?"+v.Query, whole[g.Key]
		}
		if v.Kind == "all" && v.Metric.ID == census.Reach {
			row.Link += "#groups"
		}
		row.Share, row.Bar, _ = v.share(g.Figure)
		v.Groups = append(v.Groups, row)
	}
	if v.Folded = len(folded); v.Folded > 0 {
		// All that is not shown, also what a list is too long for.
		row := accuracyRow{Name: "others together", N: rest.N, Fig: rest.Of(v.Metric.ID).Figure()}
		row.Share, row.Bar, _ = v.share(row.Fig)
		v.FoldedRow = &row
	}
}

func (v *accuracyView) groupKey(c store.AccuracyCount) string {
	if v.Kind == "tld" {
		return c.Registrar
	}
	return c.TLD
}

// accuracyCommon explains the reasons that every check may give; those of single
// checks are the checks' own.
var accuracyCommon = map[string]string{
	accuracy.Redacted: "Withheld: nothing is said about whether it is right.",
	accuracy.Proxy:    "A privacy or proxy service stands in.",
	accuracy.Policy:   "The registry does not collect or publish it.",
	accuracy.Unparsed: "There, but not readable by this program.",
	accuracy.NoFact:   "It was not tried whether it works.",
}

// change says what a finding means, or what to change.
func (a accuracyDesk) change(check, reason string) string {
	if c, ok := a.set.Known(check); ok && c.Reasons[reason] != "" {
		return c.Reasons[reason]
	}
	return accuracyCommon[reason]
}

// about says what a check asks.
func (a accuracyDesk) about(check string) string {
	c, _ := a.set.Known(check)
	return c.About
}

// accuracyResults are the results as badges.
var accuracyResults = map[accuracy.Result]badge{
	accuracy.Pass: {"ok", "passes"}, accuracy.Warn: {"wait", "warning"}, accuracy.Fail: {"bad", "fails"}, accuracy.Untestable: {"quiet", "not testable"},
}

// details are the fields and the reasons.
func (a accuracyDesk) details(v *accuracyView, c store.AccuracyCount) {
	for _, f := range c.Detail.Fields() {
		role, field, _ := strings.Cut(f.Path, ".")
		x := accuracyField{Role: regRole(role), Field: contactField(field), Fig: f.Figure()}
		x.Share, x.Bar, _ = v.share(x.Fig)
		v.Fields = append(v.Fields, x)
	}
	asked := map[string]int{}
	for _, f := range c.Detail.Fields() {
		asked[f.Path] = f.Asked()
	}
	// What is not testable is so for one reason, whatever the check: it is told
	// once for each field.
	hidden := map[string]int{}
	groups := []accuracyReasonGroup{{Badge: accuracyResults[accuracy.Fail], Title: "What fails"}, {Badge: accuracyResults[accuracy.Warn], Title: "What warns"}, {Badge: accuracyResults[accuracy.Untestable], Title: "Why it could not be tested"}}
	for _, x := range c.Detail.Reasons() {
		i := slices.Index([]accuracy.Result{accuracy.Fail, accuracy.Warn, accuracy.Untestable}, x.Result)
		if i < 0 {
			continue
		}
		g := &groups[i]
		if x.Result == accuracy.Untestable {
			if _, told := hidden[x.Path+x.Reason]; told {
				continue
			}
			if hidden[x.Path+x.Reason] = x.N; accuracyCommon[x.Reason] != "" {
				x.Check = ""
			}
		}
		if len(g.Rows) == accuracyReasons {
			g.More++
			continue
		}
		g.Rows = append(g.Rows, accuracyReason{Where: accuracyWhere(x.Path), Check: x.Check, Reason: words(x.Reason), Change: a.change(x.Check, x.Reason), N: x.N,
			Of: pct1(float64(x.N) / float64(max(1, asked[x.Path])))})
	}
	for _, g := range groups {
		if len(g.Rows) > 0 {
			v.Reasons = append(v.Reasons, g)
		}
	}
}

// contactField is a field of a contact in words.
func contactField(field string) string {
	for _, f := range regContactFields {
		if f.field == field {
			return f.label
		}
	}
	if field == "" {
		return "the contact as a whole"
	}
	return field
}

func accuracyWhere(path string) string {
	role, field, _ := strings.Cut(path, ".")
	return regRole(role) + ", " + contactField(field)
}

// monthWord is "Nov 2026" of 202611.
func monthWord(m int) string {
	return time.Date(m/100, time.Month(m%100), 1, 0, 0, 0, 0, time.UTC).Format("Jan 2006")
}

// months are the months that have something, and the chart of them.
func (v *accuracyView) months(in []store.AccuracyCount) {
	var points []chartPoint
	for _, c := range in {
		f := c.Counts.Of(v.Metric.ID).Figure()
		row := accuracyMonth{Month: monthWord(c.Month), N: c.Counts.N, Fig: f, Bounds: f.Bounds(v.Set.Frame.Source)}
		row.Share, _, _ = v.share(f)
		v.MonthRows = append(v.MonthRows, row)
		p := chartPoint{At: c.Month/100*12 + c.Month%100 - 1, Word: monthWord(c.Month)}
		switch {
		case row.Share != "":
			p.Share, p.Low, p.High, p.Known = f.Failing.Of, f.Failing.Low, f.Failing.High, true
		case f.Asked() > 0 && (!v.Public || v.N >= census.MinGroup):
			p.Low, p.High = f.Least, f.Most
		default:
			continue
		}
		points = append(points, p)
	}
	if len(points) > 0 {
		v.Months = pointsChart("months", points, fmt.Sprintf("Share of names of which “%s” fails, by month", v.Metric.Title))
	}
}

// names lists names of a registrar in a TLD.
func (a accuracyDesk) names(r *request, v *accuracyView) error {
	q := r.URL.Query()
	v.NamesOf = cmp.Or(q.Get("reach"), string(accuracy.Fail))
	if _, ok := accuracyResults[accuracy.Result(v.NamesOf)]; !ok {
		return problem.New(problem.NotFound, "there is no result %q", visible(cut(v.NamesOf, 40)))
	}
	rows, err := a.s.c.AccuracyNames(r.Context(), v.Set.ID, store.AccuracyFilter{TLD: v.TLD, Registrar: v.Key, Reach: v.NamesOf, After: cut(q.Get("after"), 255), Limit: accuracyNames + 1})
	if err != nil {
		return err
	}
	if len(rows) > accuracyNames {
		rows = rows[:accuracyNames]
		v.NamesMore = v.At + "?" + v.Query + "&reach=" + url.QueryEscape(v.NamesOf) + "&after=" + url.QueryEscape(rows[len(rows)-1].Name) + "#names"
	}
	for _, n := range rows {
		x := accuracyName{Name: n.Name, At: n.At, Until: a.s.c.AccuracyUntil(n.At)}
		for _, f := range n.Outcome.Fields {
			if f.Path != registration.Registrant+".email" && f.Path != registration.Registrant+".phone" {
				continue
			}
			for _, c := range f.Codes {
				if string(c.Result) == v.NamesOf && len(x.Codes) < 6 {
					_, field, _ := strings.Cut(f.Path, ".")
					if w := contactField(field) + ": " + words(cmp.Or(c.Reason, c.Check)); !slices.Contains(x.Codes, w) {
						x.Codes = append(x.Codes, w)
					}
				}
			}
		}
		v.Names = append(v.Names, x)
	}
	return nil
}

// only leaves out of a figure what may not be said.
func (v *accuracyView) only(f census.Figure) census.Figure {
	if share, _, _ := v.share(f); share == "" {
		f.Failing, f.Right = census.Share{}, census.Share{}
	}
	return f
}

func (a accuracyDesk) twin(v accuracyView, sums centre.AccuracySums) accuracyTwin {
	t := accuracyTwin{TLD: v.TLD, Registrar: v.Key, Frame: v.Set.Frame.Name, Source: v.Set.Frame.Source, Says: v.Says, Profile: v.Profile.ID, Own: v.Profile.Own, Version: v.Profile.Version, SHA: v.Profile.SHA, Hash: v.Set.Hash, At: v.Set.Last,
		Names: v.N, Metric: v.Metric.ID, NoRanking: v.Why, BoundsOnly: v.Bounds, Folded: v.Folded, Fields: sums.All.Detail.Fields(), Reasons: sums.All.Detail.Reasons()}
	if v.Spent {
		t.Names, t.Fields, t.Reasons = 0, nil, nil
	}
	if v.Key != "" {
		t.Called = v.Name
	}
	for _, m := range v.All {
		t.Metrics = append(t.Metrics, accuracyMetricTwin{m.Metric, v.only(m.Fig), m.Why})
	}
	for _, g := range v.Groups {
		x := accuracyGroupTwin{Names: g.N, Rank: g.Rank, Unranked: g.Unranked, Figure: v.only(g.Fig), TLD: g.Key}
		if v.Kind == "tld" {
			x.TLD, x.Registrar, x.Called = "", g.Key, g.Name
		}
		t.Groups = append(t.Groups, x)
	}
	for _, m := range v.MonthRows {
		t.Months = append(t.Months, accuracyMonthTwin{m.Month, m.N, v.only(m.Fig)})
	}
	return t
}

// csv writes one figure of a page.
func (a accuracyDesk) csv(w http.ResponseWriter, v accuracyView, sums centre.AccuracySums, figure string) error {
	n := strconv.Itoa
	num := func(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }
	head := []string{"names", "pass", "warn", "fail", "not_testable", "failing_share_of_testable", "low95", "high95", "testable_share", "failing_at_least", "failing_at_most", "note"}
	figures := func(names int, f census.Figure, note string) []string {
		out := []string{n(names), n(f.Pass), n(f.Warn), n(f.Fail), n(f.Untestable)}
		if f.Bounds(v.Set.Frame.Source) || f.Testable() == 0 || v.Public && f.Testable() < census.MinGroup {
			out = append(out, "", "", "")
		} else {
			out = append(out, num(f.Failing.Of), num(f.Failing.Low), num(f.Failing.High))
		}
		return append(out, num(f.Tested.Of), num(f.Least), num(f.Most), note)
	}
	if v.Spent && figure != "months" {
		return problem.New(problem.NotFound, "what was found of single names has expired: the months are what is left")
	}
	var rows [][]string
	switch figure {
	case "groups":
		rows = append(rows, append([]string{v.Of, "name", "metric", "rank"}, head...))
		for _, g := range v.Groups {
			rank := ""
			if g.Rank > 0 {
				rank = n(g.Rank)
			}
			rows = append(rows, append([]string{spreadsheet(g.Key), spreadsheet(g.Name), v.Metric.ID, rank}, figures(g.N, g.Fig, g.Unranked)...))
		}
		if g := v.FoldedRow; g != nil {
			rows = append(rows, append([]string{"", g.Name, v.Metric.ID, ""}, figures(g.N, g.Fig, fmt.Sprintf("%d too small to be published alone", v.Folded))...))
		}
	case "metrics":
		rows = append(rows, append([]string{"metric", "definition"}, head...))
		for _, m := range v.All {
			rows = append(rows, append([]string{m.ID, m.Asks}, figures(v.N, m.Fig, m.Why)...))
		}
	case "fields":
		rows = append(rows, append([]string{"field"}, head...))
		for _, f := range sums.All.Detail.Fields() {
			rows = append(rows, append([]string{f.Path}, figures(f.Asked(), f.Figure(), "")...))
		}
	case "reasons":
		rows = append(rows, []string{"field", "check", "reason", "result", "names"})
		for _, x := range sums.All.Detail.Reasons() {
			rows = append(rows, []string{x.Path, x.Check, x.Reason, string(x.Result), n(x.N)})
		}
	case "months":
		rows = append(rows, append([]string{"month", "metric"}, head...))
		for _, m := range v.MonthRows {
			rows = append(rows, append([]string{m.Month, v.Metric.ID}, figures(m.N, m.Fig, "")...))
		}
	default:
		return problem.New(problem.NotFound, "there is no figure %.40q: groups, metrics, fields, reasons or months", visible(figure))
	}
	return writeCSV(w, "accuracy-"+figure, rows)
}

// spreadsheet keeps a text from outside from being read as a formula.
func spreadsheet(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// writeCSV answers with a table.
func writeCSV(w http.ResponseWriter, file string, rows [][]string) error {
	headers(w)
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+file+`.csv"`)
	_ = csv.NewWriter(w).WriteAll(rows) // who has gone is not told
	return nil
}
