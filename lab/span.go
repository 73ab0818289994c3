package lab

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Span is a length of time as scenario files write it: "90m", "36h", "2d",
// "1d12h", "-3d". One day is 24 hours.
type Span time.Duration

// Day is 24 hours.
const Day = 24 * time.Hour

var spanRE = regexp.MustCompile(`^-?(?:(\d{1,6})d)?(?:(\d{1,7})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?$`)

// ParseSpan reads a Span.
func ParseSpan(s string) (Span, error) {
	t := strings.TrimSpace(s)
	if t == "0" {
		return 0, nil
	}
	m := spanRE.FindStringSubmatch(t)
	if m == nil || strings.Join(m[1:], "") == "" {
		return 0, fmt.Errorf("%q is not a length of time such as 90m, 36h, 2d or 1d12h", s)
	}
	var d time.Duration
	for i, unit := range []time.Duration{Day, time.Hour, time.Minute, time.Second} {
		if m[i+1] != "" {
			n, err := strconv.Atoi(m[i+1])
			if err != nil {
				return 0, fmt.Errorf("%q is not a length of time", s)
			}
			d += time.Duration(n) * unit
		}
	}
	if t[0] == '-' {
		d = -d
	}
	return Span(d), nil
}

// String writes s as ParseSpan reads it; parts of a second are dropped.
func (s Span) String() string {
	d, out := time.Duration(s), ""
	if d < 0 {
		d, out = -d, "-"
	}
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{Day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.unit; n > 0 {
			out += strconv.FormatInt(int64(n), 10) + u.name
			d -= n * u.unit
		}
	}
	if out == "" || out == "-" {
		return "0"
	}
	return out
}

// D is s as a time.Duration.
func (s Span) D() time.Duration { return time.Duration(s) }

// MarshalYAML implements yaml.Marshaler.
func (s Span) MarshalYAML() (any, error) { return s.String(), nil }

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *Span) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: a length of time such as 36h or 2d is wanted here", n.Line)
	}
	v, err := ParseSpan(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	*s = v
	return nil
}

// Range is a length of time drawn evenly between two bounds. It is written as
// one Span ("3h") or two ("[2h, 9h]").
type Range struct{ Min, Max Span }

// MarshalYAML implements yaml.Marshaler.
func (r Range) MarshalYAML() (any, error) {
	if r.Min == r.Max {
		return r.Min.String(), nil
	}
	return &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{
		{Kind: yaml.ScalarNode, Value: r.Min.String()}, {Kind: yaml.ScalarNode, Value: r.Max.String()}}}, nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *Range) UnmarshalYAML(n *yaml.Node) error {
	switch {
	case n.Kind == yaml.ScalarNode:
		if err := r.Min.UnmarshalYAML(n); err != nil {
			return err
		}
		r.Max = r.Min
		return nil
	case n.Kind == yaml.SequenceNode && len(n.Content) == 2:
		if err := r.Min.UnmarshalYAML(n.Content[0]); err != nil {
			return err
		}
		return r.Max.UnmarshalYAML(n.Content[1])
	}
	return fmt.Errorf("line %d: a length of time (3h) or two ([2h, 9h]) are wanted here", n.Line)
}

// When is a moment: a Span from the start of the scenario ("-3d" is three days
// before it), a date ("2019-04-02" or RFC 3339), or "when moved to": the
// moment another name's site moves here.
type When struct {
	Set     bool
	Rel     Span
	Date    time.Time // zero unless a date was given
	MovedTo bool
}

// whenMovedTo is the third form of When.
const whenMovedTo = "when moved to"

// After is the moment d from the start.
func After(d time.Duration) When { return When{Set: true, Rel: Span(d)} }

// At is the moment when w is, in a scenario that starts at start; zero for
// "when moved to".
func (w When) At(start time.Time) time.Time {
	switch {
	case w.MovedTo:
		return time.Time{}
	case !w.Date.IsZero():
		return w.Date
	}
	return start.Add(w.Rel.D())
}

// IsZero says that nothing was given.
func (w When) IsZero() bool { return !w.Set }

// MarshalYAML implements yaml.Marshaler.
func (w When) MarshalYAML() (any, error) {
	switch {
	case w.MovedTo:
		return whenMovedTo, nil
	case !w.Date.IsZero():
		return w.Date.Format(time.RFC3339), nil
	}
	return w.Rel.String(), nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (w *When) UnmarshalYAML(n *yaml.Node) error {
	bad := fmt.Errorf("line %d: %q is not a moment: write a time from the start (-3d, 36h), a date (2019-04-02) or %q", n.Line, n.Value, whenMovedTo)
	if n.Kind != yaml.ScalarNode {
		return bad
	}
	v := When{Set: true}
	switch s, err := ParseSpan(n.Value); {
	case n.Value == whenMovedTo:
		v.MovedTo = true
	case err == nil:
		v.Rel = s
	default:
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if t, err := time.Parse(layout, n.Value); err == nil {
				v.Date = t.UTC()
				*w = v
				return nil
			}
		}
		return bad
	}
	*w = v
	return nil
}

// List is one text or several: "zh" or [zh, ja].
type List []string

// MarshalYAML implements yaml.Marshaler.
func (l List) MarshalYAML() (any, error) {
	if len(l) == 1 {
		return l[0], nil
	}
	return []string(l), nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *List) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = List{n.Value}
		return nil
	}
	var s []string
	if err := n.Decode(&s); err != nil {
		return fmt.Errorf("line %d: one text or a list of texts is wanted here", n.Line)
	}
	*l = s
	return nil
}

// Prefixes is one network or several: "192.0.2.0/26" or a list. An address
// alone is the network of that one address.
type Prefixes []netip.Prefix

// UnmarshalYAML implements yaml.Unmarshaler.
func (p *Prefixes) UnmarshalYAML(n *yaml.Node) error {
	var texts List
	if err := texts.UnmarshalYAML(n); err != nil {
		return err
	}
	*p = nil
	for _, t := range texts {
		v, err := netip.ParsePrefix(t)
		if a, aerr := netip.ParseAddr(t); aerr == nil {
			v, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %q is not a network such as 192.0.2.0/26", n.Line, t)
		}
		*p = append(*p, v)
	}
	return nil
}
