package judge

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"bailiwick/abuse"
	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/party"
)

// page is a fetched page made ready for the rules: folded once.
type page struct {
	*evidence.Page
	title, text string // folded
	all         string // both
	grams       *grams // of all
	first       string // the first label of holder, in Unicode
	url         name.URL
	holder      name.Domain // of the final host; zero for an address
	label       string      // the label of holder, folded, without hyphens
	subs        []string    // the labels in front of it, in Unicode
	path        string      // letters and digits of the path
	weighed     *imitation
	posts       []name.URL // targets of its forms
	mails       bool       // a form sends mail
	declared    string     // the media type the server declares
}

func (e eye) read(f evidence.Fetch, p *evidence.Page) page {
	pg := page{Page: p, title: fold(bounded(p.Title, maxTitle)), text: fold(bounded(p.Text, maxText)), url: f.Final(), weighed: &imitation{}}
	pg.all = pg.title + " . " + pg.text
	pg.grams = gramsOf(pg.all)
	if d := pg.url.Domain; !d.IsZero() {
		pg.holder = e.known.holder(d)
		pg.first = firstLabel(pg.holder)
		pg.label = compact(fold(pg.first))
	}
	pg.path = compact(strings.ToLower(bounded(pg.url.Path, 512)))
	if rest := strings.TrimSuffix(pg.url.Domain.String(), pg.holder.String()); rest != "" {
		for l := range strings.SplitSeq(strings.TrimSuffix(rest, "."), ".") {
			if d, err := name.ParseAny(l); err == nil {
				pg.subs = append(pg.subs, d.Unicode())
			}
		}
	}
	pg.declared, _, _ = strings.Cut(strings.ToLower(f.ContentType), ";")
	pg.declared = strings.TrimSpace(pg.declared)
	for _, t := range p.Forms[:min(len(p.Forms), 32)] {
		if strings.HasPrefix(strings.ToLower(t), "mailto:") {
			pg.mails = true
		} else if u, err := name.ParseURL(t); err == nil {
			pg.posts = append(pg.posts, u)
		}
	}
	return pg
}

// firstLabel is the first label of d in Unicode.
func firstLabel(d name.Domain) string {
	u := d.Unicode()
	if i := strings.IndexByte(u, '.'); i >= 0 {
		return u[:i]
	}
	return u
}

// asks says whether its forms ask for secrets.
func (p page) asks() bool { return p.Password || p.Card || p.OTP }

// postsAway says whether a form sends what is typed to somebody else.
func (p page) postsAway(k Known) bool {
	if p.mails && p.asks() {
		return true
	}
	for _, u := range p.posts {
		if u.Addr.IsValid() && u.Addr != p.url.Addr {
			return true
		}
		if !u.Domain.IsZero() && k.holder(u.Domain) != p.holder {
			return true
		}
	}
	return false
}

// named says whether the page goes by the name it is served under.
func (p page) named() bool {
	if len(p.label) < 4 {
		return len(p.label) >= 2 && has(p.title, p.label)
	}
	return strings.Contains(compact(p.title), p.label) || strings.Contains(compact(p.text), p.label)
}

// short says whether the page is small enough to be a notice.
func (p page) short() bool { return len(p.text) <= 1500 }

// notice says whether the page is a notice in place of another.
func (p page) notice(known []Notice) (Notice, bool) {
	for _, n := range known {
		if w := fold(n.Phrase); w != "" && (strings.Contains(p.title, w) || strings.Contains(p.text, w)) {
			return n, true
		}
	}
	if !p.short() || p.Kind != "html" && p.Kind != "text" {
		return Notice{}, false
	}
	if p.begins(demands) {
		return Notice{}, false
	}
	if p.has(warnActs) && p.begins(warnCauses) && p.begins(warnThings) && !p.has(takenAway) {
		return Notice{Kind: Warning}, true
	}
	if p.begins(domainThings) {
		return Notice{Kind: DomainSuspended}, true
	}
	if slices.Contains(suspendedTitles, p.title) {
		return Notice{Kind: Suspended}, true
	}
	if strings.Contains(p.all, "your account") && !strings.Contains(p.all, "your hosting") && len(p.Forms) > 0 {
		return Notice{}, false
	}
	if len(p.text) > 800 || len(p.Links) > 8 {
		return Notice{}, false
	}
	if !p.begins(noticeCauses) {
		return Notice{}, false
	}
	for s := range strings.FieldsFuncSeq(p.all, func(r rune) bool { return strings.ContainsRune(".!?。！？|;", r) }) {
		if contains(s, noticeActs) && contains(s, noticeThings) {
			return Notice{Kind: Suspended}, true
		}
	}
	return Notice{}, false
}

// has says whether the page holds one of the phrases, as words of their own.
func (p page) has(phrases []string) bool {
	return slices.ContainsFunc(phrases, func(w string) bool { return p.grams.may(w) && has(p.all, w) })
}

// begins says whether the page holds one of the phrases at the beginning of a
// word, which may go on: words inflect.
func (p page) begins(phrases []string) bool {
	return slices.ContainsFunc(phrases, func(w string) bool { return p.grams.may(w) && begins(p.all, w) })
}

func (p page) parked() bool {
	if !p.short() {
		return false
	}
	return p.has(parkedPhrases)
}

func (p page) serverDefault() bool {
	if p.Kind != "html" && p.Kind != "text" {
		return false
	}
	for _, t := range defaultTitles {
		if strings.HasPrefix(p.title, t) || p.title == "" && strings.HasPrefix(p.text, t) && len(p.text) <= 800 {
			return true
		}
	}
	return false
}

func (p page) placeholder() bool {
	if len(p.text) > 600 {
		return false
	}
	return p.has(placeholderPhrases)
}

// abuse judges whether the page is the claimed thing, and fills v if it is.
func (e eye) abuse(p page, v *View) bool {
	switch e.claim.Type {
	case abuse.Malware:
		return e.malware(p, v)
	case abuse.Phishing, abuse.Pharming, abuse.Fraud, abuse.Spam, abuse.SuspiciousDomain, abuse.Compromised, abuse.Trademark:
		return e.phishing(p, v)
	}
	return false
}

// malware: the claimed URL itself delivers a program, a script or an archive.
func (e eye) malware(p page, v *View) bool {
	if v.Status >= 400 || !p.delivers() {
		return false
	}
	for _, b := range e.known.Brands {
		if owns(b.Domains, p.url.Domain) {
			v.doubt(CauseBrandOwn, "delivers a program (%s) from a domain of %s: a person has to look", p.Kind, b.Name)
			return true
		}
	}
	if p.Kind == evidence.KindScript && webScript(p.url) {
		v.doubt(CauseByPerson, "delivers a web script, as most sites do: a person has to look")
		return true
	}
	v.is(ShowsAbuse, CauseProgram, "the claimed URL delivers a program (%s)", p.Kind)
	return true
}

// delivers says whether the body is a program, a script or an archive: by
// content, or, where the content leaves it open, by the declared type and the
// ending of the path.
func (p page) delivers() bool {
	switch p.Kind {
	case evidence.KindExecutable, evidence.KindArchive, evidence.KindScript:
		return true
	case evidence.KindText, evidence.KindOther:
	default:
		return false
	}
	if slices.Contains(programTypes, p.declared) {
		return true
	}
	ending := strings.ToLower(path.Ext(p.url.Path))
	return slices.Contains(scriptEndings, ending) || p.declared == "application/octet-stream" && slices.Contains(programEndings, ending)
}

var (
	programTypes = []string{"application/x-msdownload", "application/x-msdos-program", "application/vnd.microsoft.portable-executable", "application/x-dosexec", "application/x-executable", "application/x-elf",
		"application/vnd.android.package-archive", "application/java-archive", "application/x-msi", "application/x-apple-diskimage", "application/hta", "application/x-powershell", "application/x-sh", "application/x-bat"}
	scriptEndings  = []string{".ps1", ".psm1", ".bat", ".cmd", ".vbs", ".vbe", ".jse", ".wsf", ".hta", ".sh"}
	programEndings = []string{".exe", ".dll", ".scr", ".com", ".msi", ".msix", ".apk", ".jar", ".dmg", ".iso", ".img", ".lnk", ".cab", ".bin", ".elf", ".zip", ".rar", ".7z", ".pif", ".cpl", ".xll"}
)

// webScript: a script whose name is that of a part of web pages.
func webScript(u name.URL) bool {
	switch strings.ToLower(path.Ext(u.Path)) {
	case ".js", ".mjs", ".css":
		return true
	}
	return false
}

// live judges a page that is there and was not seen to be the claimed thing.
func (e eye) live(p page, v *View) {
	switch e.claim.Type {
	case abuse.Malware:
		switch {
		case len(p.Downloads) > 0:
			v.doubt(CauseWeak, "the page links to programs, but the claimed URL delivers none")
		case p.Kind == "other" || p.Kind == "document":
			v.doubt(CauseByPerson, "delivers a file (%s) that this rule cannot judge", p.Kind)
		default:
			v.is(ShowsOther, CauseNoMark, "a live page that delivers no program")
		}
	case abuse.Phishing:
		e.notPhishing(p, v)
	default:
		v.doubt(CauseByPerson, "the page is live; %s is for a person to judge", cmp.Or(string(e.claim.Type), "this claim"))
	}
}

// owns says whether d is one of the domains or below one.
func owns(domains []name.Domain, d name.Domain) bool {
	return !d.IsZero() && slices.ContainsFunc(domains, d.Under)
}

// by is the role that a notice without a configured one speaks for.
func by(n NoticeKind, platform bool) party.Role {
	switch {
	case n == Warning:
		return party.CDN
	case n == DomainSuspended:
		return party.Registrar
	case platform:
		return party.Platform
	}
	return party.Host
}
