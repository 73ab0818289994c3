package lab

import (
	"bailiwick/problem"
)

func ptr[T any](v T) *T { return &v }

func hours(lo, hi int) *Range {
	return &Range{Min: Span(lo) * Span(3600e9), Max: Span(hi) * Span(3600e9)}
}

func minutes(lo, hi int) *Range {
	return &Range{Min: Span(lo) * Span(60e9), Max: Span(hi) * Span(60e9)}
}

// builtin gives a built-in behaviour; docs/scenarios.md lists them.
func builtin(name string) (Behaviour, bool) {
	b := Behaviour{Mailbox: "accept", GreylistFor: Span(15 * 60e9), Acts: ptr(1.0), After: hours(1, 6), Notices: 1,
		Says: "received", SaysAfter: minutes(1, 30), Reports: ptr(true), Careless: ptr(false), TipsOff: ptr(false), Forged: ptr(false), Lies: ptr(false)}
	switch name {
	case "prompt":
	case "slow":
		b.Acts, b.After, b.Says, b.Reports = ptr(0.9), hours(30, 80), "none", ptr(false)
	case "silent":
		b.Acts, b.Says, b.Reports = ptr(0.0), "none", ptr(false)
	case "bouncing":
		b.Mailbox, b.Acts, b.Says = "bounce", ptr(0.0), "none"
	case "full":
		b.Mailbox, b.Acts, b.Says = "full", ptr(0.0), "none"
	case "greylisting":
		b.Mailbox = "greylist"
	case "form-only":
		b.Mailbox, b.Acts, b.Says = "form", ptr(0.0), "none"
	case "referring":
		b.Acts, b.Says, b.SaysAfter = ptr(0.0), "referred", hours(1, 8)
	case "refusing":
		b.Acts, b.Says, b.SaysAfter = ptr(0.0), "refused", hours(2, 20)
	case "hostile":
		b.Acts, b.Says, b.SaysAfter, b.TipsOff = ptr(0.0), "refused", hours(2, 20), ptr(true)
	case "lying":
		b.Acts, b.Lies = ptr(0.0), ptr(true)
	case "partial":
		b.Acts = ptr(0.5)
	case "reminded":
		b.Notices, b.Says = 2, "none"
	case "careless":
		b.Careless = ptr(true)
	case "late-bouncing":
		b.Mailbox, b.Acts, b.Says, b.Reports = "late_bounce", ptr(0.0), "none", ptr(false)
	case "duelling":
		b.Mailbox, b.Acts, b.Says, b.Reports = "rude_ticket", ptr(0.0), "none", ptr(false)
	default:
		return Behaviour{}, false
	}
	return b, true
}

var builtins = []string{"prompt", "slow", "silent", "bouncing", "full", "greylisting", "form-only", "referring", "refusing",
	"hostile", "lying", "partial", "reminded", "careless", "late-bouncing", "duelling"}

// over lays what b says over base.
func (b Behaviour) over(base Behaviour) Behaviour {
	out := base
	out.Like = ""
	set(&b.Mailbox, base.Mailbox)
	out.Mailbox = b.Mailbox
	set(&b.GreylistFor, base.GreylistFor)
	out.GreylistFor = b.GreylistFor
	set(&b.Notices, base.Notices)
	out.Notices = b.Notices
	set(&b.Says, base.Says)
	out.Says = b.Says
	set(&b.Answers, base.Answers)
	out.Answers = b.Answers
	set(&b.Language, base.Language)
	out.Language = b.Language
	for _, p := range []struct{ from, to **Range }{{&b.After, &out.After}, {&b.SaysAfter, &out.SaysAfter}} {
		if *p.from != nil {
			*p.to = *p.from
		}
	}
	for _, p := range []struct{ from, to **bool }{{&b.Reports, &out.Reports}, {&b.Careless, &out.Careless},
		{&b.TipsOff, &out.TipsOff}, {&b.Forged, &out.Forged}, {&b.Lies, &out.Lies}} {
		if *p.from != nil {
			*p.to = *p.from
		}
	}
	if b.Acts != nil {
		out.Acts = b.Acts
	}
	return out
}

// resolve gives the whole behaviour of b: def where it says nothing. The
// scenario's own behaviours may start from the built-in ones and from each
// other.
func (s *Scenario) resolve(b Behaviour, def string) Behaviour {
	like := b.Like
	if like == "" {
		like = def
	}
	return b.over(s.named(like, 0))
}

func (s *Scenario) named(name string, depth int) Behaviour {
	if own, ok := s.Behaviours[name]; ok && depth < 16 {
		like := own.Like
		if like == "" {
			like = "prompt"
		}
		return own.over(s.named(like, depth+1))
	}
	if b, ok := builtin(name); ok {
		return b
	}
	b, _ := builtin("prompt")
	return b
}

// checkBehaviour adds what is wrong with b.
func (s *Scenario) checkBehaviour(e *problem.Error, path string, b Behaviour) *problem.Error {
	if b.Like != "" {
		if _, ok := s.Behaviours[b.Like]; !ok {
			known := append([]string(nil), builtins...)
			for k := range s.Behaviours {
				known = append(known, k)
			}
			e = oneOf(e, path, b.Like, sorted(known)...)
		}
	}
	e = oneOf(e, path+".mailbox", b.Mailbox, append([]string{"", "accept", "greylist", "bounce", "form", "full"}, machines...)...)
	e = oneOf(e, path+".answers", b.Answers, "", "link", "mail", "both")
	e = oneOf(e, path+".language", b.Language, append([]string{""}, tongues...)...)
	e = oneOf(e, path+".says", b.Says, "", "received", "referred", "refused", "need_more", "not_ours", "none")
	if b.Acts != nil && (*b.Acts < 0 || *b.Acts > 1) {
		e = e.Add(path+".acts", "%g is not a probability from 0 to 1", *b.Acts)
	}
	for _, r := range []struct {
		name string
		r    *Range
	}{{"after", b.After}, {"says_after", b.SaysAfter}} {
		if r.r != nil && (r.r.Min < 0 || r.r.Max < r.r.Min) {
			e = e.Add(path+"."+r.name, "the range must not be negative nor run backwards")
		}
	}
	if b.Notices < 0 || b.Notices > 100 {
		e = e.Add(path+".notices", "%d is not 1 to 100", b.Notices)
	}
	if b.GreylistFor < 0 {
		e = e.Add(path+".greylist_for", "must not be negative")
	}
	return e
}
