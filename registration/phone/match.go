package phone

import (
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// The library asks a number of each of a country's ranges by regular
// expressions, which takes longer than all other checks of four contacts. The
// same ranges as tables of states over the ten digits give the same answers (a
// property holds the two together) at a step per digit.

// dfa is a pattern over digits as states; 0 is the one that nothing leads out
// of, 1 the first.
type dfa struct {
	next   [][10]uint16
	accept []bool
}

// maxStates bounds one pattern. The largest of the plans has a few hundred.
const maxStates = 8192

// compile makes the table of a pattern that is to match a whole number; nil
// when it is beyond what a table holds.
func compile(pattern string) *dfa {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil || len(prog.Inst) > 1<<14 {
		return nil
	}
	d := &dfa{next: make([][10]uint16, 1), accept: make([]bool, 1)}
	ids := map[string]uint16{}
	var sets [][]uint32 // by state, from 1
	seen := make([]int, len(prog.Inst))
	stamp := 0
	plain := true
	var follow func(set []uint32, pc uint32) []uint32
	follow = func(set []uint32, pc uint32) []uint32 {
		if seen[pc] == stamp {
			return set
		}
		seen[pc] = stamp
		switch in := &prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			return follow(follow(set, in.Out), in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			return follow(set, in.Out)
		case syntax.InstEmptyWidth: // no plan has any
			plain = false
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL, syntax.InstMatch:
			return append(set, pc)
		}
		return set
	}
	state := func(set []uint32) uint16 {
		if len(set) == 0 {
			return 0
		}
		var key strings.Builder
		for _, pc := range set {
			key.WriteByte(byte(pc))
			key.WriteByte(byte(pc >> 8))
		}
		if id, ok := ids[key.String()]; ok {
			return id
		}
		id := uint16(len(d.next))
		ids[key.String()] = id
		sets = append(sets, set)
		final := false
		for _, pc := range set {
			final = final || prog.Inst[pc].Op == syntax.InstMatch
		}
		d.next, d.accept = append(d.next, [10]uint16{}), append(d.accept, final)
		return id
	}
	stamp++
	if state(follow(nil, uint32(prog.Start))) == 0 {
		return nil
	}
	for id := 1; id < len(d.next); id++ {
		if id > maxStates {
			return nil
		}
		for c := range 10 {
			stamp++
			var to []uint32
			for _, pc := range sets[id-1] {
				if in := &prog.Inst[pc]; in.Op != syntax.InstMatch && in.MatchRune(rune('0'+c)) {
					to = follow(to, in.Out)
				}
			}
			next := state(to)
			d.next[id][c] = next
		}
	}
	if !plain {
		return nil
	}
	return d
}

// match says whether digits, all of them, are of the pattern; with prefix,
// whether they begin with something that is.
func (d *dfa) match(digits string, prefix bool) bool {
	s := uint16(1)
	for i := 0; i < len(digits); i++ {
		if prefix && d.accept[s] {
			return true
		}
		c := digits[i] - '0'
		if c > 9 {
			return false
		}
		if s = d.next[s][c]; s == 0 {
			return false
		}
	}
	return d.accept[s]
}

// ranges are the numbers of one kind in a plan.
type ranges struct {
	lengths uint32 // a bit for each; 0 when the general ones hold
	dfa     *dfa
}

func (r *ranges) holds(digits string) bool {
	return (r.lengths == 0 || r.lengths>>len(digits)&1 == 1) && r.dfa.match(digits, false)
}

func rangesOf(d *phonenumbers.PhoneNumberDesc) (r ranges, ok bool) {
	for _, n := range d.GetPossibleLength() {
		if n < 0 || n > 31 { // -1 says that there are none
			n = 31
		}
		r.lengths |= 1 << n
	}
	r.dfa = compile(d.GetNationalNumberPattern())
	return r, r.dfa != nil
}

// plan is the numbering plan of a region.
type plan struct {
	region  string // "001" for a code of no country
	leading *dfa   // of several regions with one code: numbers that begin so are this one's
	general ranges
	// In the order in which the library asks; the rest are numbers too, of a
	// kind that is Plain.
	premium, free, shared ranges
	rest                  []ranges
}

// plans gives the plans of each country code, the code's main one first; nil
// for a code with one that a table cannot hold.
type plans [1000]func() []plan

// all are the tables, each made when it is first asked for: all of them take
// some tens of milliseconds.
var all = sync.OnceValue(func() *plans {
	var t plans
	coll, err := phonenumbers.MetadataCollection()
	if err != nil {
		return &t
	}
	byRegion := map[string]*phonenumbers.PhoneMetadata{}
	byCode := map[int]*phonenumbers.PhoneMetadata{}
	for _, m := range coll.GetMetadata() {
		if m.GetId() == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
			byCode[int(m.GetCountryCode())] = m
		} else {
			byRegion[m.GetId()] = m
		}
	}
	for code := range phonenumbers.GetSupportedCallingCodes() {
		if code < 1 || code >= len(t) {
			continue
		}
		var of []*phonenumbers.PhoneMetadata
		for _, region := range phonenumbers.GetRegionCodesForCountryCode(code) {
			m := byRegion[region]
			if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
				m = byCode[code]
			}
			of = append(of, m)
		}
		t[code] = sync.OnceValue(func() []plan { return plansOf(of) })
	}
	return &t
})

func plansOf(of []*phonenumbers.PhoneMetadata) []plan {
	out := make([]plan, 0, len(of))
	for _, m := range of {
		if m == nil {
			return nil
		}
		p := plan{region: m.GetId()}
		ok := true
		take := func(d *phonenumbers.PhoneNumberDesc) ranges {
			r, good := rangesOf(d)
			ok = ok && good
			return r
		}
		p.general = take(m.GetGeneralDesc())
		p.premium, p.free, p.shared = take(m.GetPremiumRate()), take(m.GetTollFree()), take(m.GetSharedCost())
		for _, d := range []*phonenumbers.PhoneNumberDesc{m.GetVoip(), m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail(), m.GetFixedLine(), m.GetMobile()} {
			p.rest = append(p.rest, take(d))
		}
		if l := m.GetLeadingDigits(); l != "" {
			p.leading = compile(l)
			ok = ok && p.leading != nil
		}
		if !ok {
			return nil
		}
		out = append(out, p)
	}
	return out
}

// kind is what a number is for; ok is false for one that the plan does not hold.
func (p *plan) kind(digits string) (Kind, bool) {
	switch {
	case !p.general.holds(digits):
		return Plain, false
	case p.premium.holds(digits):
		return Premium, true
	case p.free.holds(digits):
		return Plain, true
	case p.shared.holds(digits):
		return Shared, true
	}
	for i := range p.rest {
		if p.rest[i].holds(digits) {
			return Plain, true
		}
	}
	return Plain, false
}

// lookup finds the region and the kind of a national number. known is false
// when there is no table to ask.
func lookup(code int, digits string) (region string, kind Kind, valid, known bool) {
	if code < 1 || code > 999 || all()[code] == nil {
		return "", Plain, false, false
	}
	ps := all()[code]()
	if len(ps) == 0 {
		return "", Plain, false, false
	}
	for i := range ps {
		p := &ps[i]
		if len(ps) > 1 && p.leading != nil {
			if p.leading.match(digits, true) {
				kind, valid = p.kind(digits)
				return p.region, kind, valid, true
			}
			continue
		}
		if kind, valid = p.kind(digits); valid || len(ps) == 1 {
			return p.region, kind, valid, true
		}
	}
	return "", Plain, false, true
}
