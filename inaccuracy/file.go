package inaccuracy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"bailiwick/accuracy/policy"
	"bailiwick/casework"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/text"
)

// ComplianceFile is what ICANN Contractual Compliance asks for in a matter of
// inaccurate registration data: what is wrong and how that is known, the
// enquiries with their answers and dates, and the action taken (RAA 2013,
// 3.7.8, as ICANN's notices to registrars list it). A person reads it and takes
// it to ICANN, or does not: nothing here submits anything, and it says who was
// asked, never who is in breach.
type ComplianceFile struct {
	What      string    `json:"what"`
	Case      string    `json:"case"`
	Made      time.Time `json:"made"`
	Domain    string    `json:"domain"`
	Registrar struct {
		Name  string `json:"name"`
		ID    string `json:"id"` // "registrar:" and the IANA ID
		Basis string `json:"known_by"`
	} `json:"registrar"`
	Terms     Terms         `json:"rules"`
	Findings  []FileFinding `json:"inaccurate"`
	Enquiries []Enquiry     `json:"enquiries"`
	Answers   []FileAnswer  `json:"answers"`
	// Verifications are how the centre itself asked the contacts of the name, and
	// what they answered.
	Verifications []Verification `json:"verifications"`
	Actions       []FileAction   `json:"actions"`
	Duties        []Duty         `json:"duties,omitempty"`
	// Missing are what ICANN asks for and this file does not hold.
	Missing []string `json:"missing"`
	Note    string   `json:"note"`
}

// FileFinding is a finding with the value, where that is still kept.
type FileFinding struct {
	Finding
	Value string `json:"value,omitempty"`
	Seen  string `json:"seen,omitempty"`
}

// Enquiry is one ask, and what became of it.
type Enquiry struct {
	At       time.Time `json:"at"`
	Way      string    `json:"way"` // "mail", or by hand in which way
	To       string    `json:"to,omitempty"`
	Result   string    `json:"result"`
	ResultAt time.Time `json:"result_at,omitzero"`
	Response string    `json:"response,omitempty"`
}

// FileAnswer is one answer.
type FileAnswer struct {
	At     time.Time `json:"at"`
	Answer string    `json:"answer"`
	Words  string    `json:"words,omitempty"`
	By     string    `json:"recorded_by"`
}

// Verification is one message by which the centre itself asked a contact of the
// name to confirm that it reaches them, or evidence of that which a person saw.
type Verification struct {
	At      time.Time `json:"at"`
	Message bool      `json:"message"` // else evidence
	Way     string    `json:"way"`     // "a code by mail"
	// To is where it went; "" where that is withheld, or not kept any more.
	To       string    `json:"to,omitempty"`
	Of       string    `json:"of"` // whose contact: "registrant"
	Result   string    `json:"result"`
	ResultAt time.Time `json:"result_at,omitzero"`
	Response string    `json:"response,omitempty"`
	// Affirmed is when the holder confirmed by it; zero for not.
	Affirmed time.Time `json:"affirmed,omitzero"`
}

// FileAction is what was seen to happen.
type FileAction struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// The standing words of a file.
const (
	fileWhat = "Registration data found inaccurate: file for ICANN Contractual Compliance"
	fileNote = "Made by a coordination centre from its log. It was not submitted by a machine. It says who was asked and what was seen; it claims no breach of any agreement."
)

// File makes the compliance file of a case from its log, for names under gTLDs
// only (Refused). Personal payloads that are not among the entries are left out
// and named as missing. The verifications are the centre's own of the name, in the
// order of their times.
func File(entries []casework.Entry, verifications []Verification, now time.Time) (ComplianceFile, error) {
	c, err := Replay(entries)
	if err != nil {
		return ComplianceFile{}, err
	}
	if !c.GTLD {
		return ComplianceFile{}, problem.New(problem.Refused, "ICANN's agreements bind registrars of generic top-level domains: %s is under none", c.Name)
	}
	f := ComplianceFile{What: fileWhat, Case: c.ID, Made: now.UTC().Truncate(time.Second), Domain: c.Name, Terms: c.Terms, Duties: c.Duties, Note: fileNote,
		Findings: []FileFinding{}, Enquiries: []Enquiry{}, Answers: []FileAnswer{}, Actions: []FileAction{}, Missing: []string{}, Verifications: append([]Verification{}, verifications...)}
	f.Registrar.Name, f.Registrar.ID, f.Registrar.Basis = c.Party.Name, c.Party.ID, c.Party.Basis
	var values Values
	kept, wordsGone := false, false
	asked := map[int]int{} // notice to enquiry
	for _, e := range entries {
		if e.Payload == nil {
			wordsGone = wordsGone || e.Kind == KindWords
			if e.Kind == KindValues {
				kept = false
			}
			continue
		}
		if err := f.event(e, asked, &values, &kept); err != nil {
			return f, problem.Wrap(err, problem.Corrupt, "event %d of inaccuracy case %s does not parse", e.Seq, c.ID)
		}
	}
	for _, x := range c.Findings {
		o := FileFinding{Finding: x}
		if kept {
			o.Value, o.Seen = values.Fields[x.Path], values.Seen[x.Key()]
		}
		f.Findings = append(f.Findings, o)
	}
	miss := func(when bool, what string) {
		if when {
			f.Missing = append(f.Missing, what)
		}
	}
	miss(c.Party.Role != party.Registrar, "the registrar: who was asked is the "+string(c.Party.Role))
	miss(!kept, "the values of the fields: withheld here, or not kept any more")
	miss(wordsGone, "words that were written: withheld here, or not kept any more")
	miss(c.More > 0, fmt.Sprintf("%d more findings", c.More))
	miss(len(f.Enquiries) == 0, "an enquiry: nobody was asked yet")
	miss(c.Known.IsZero(), "a document that the registrar knows of it")
	miss(len(f.Answers) == 0, "an answer")
	if len(verifications) == 0 {
		miss(true, "the verification messages and affirmative answers of the registrant: they are with the registrar")
	} else {
		miss(true, "the registrar's own verification messages and the answers to them: they are with the registrar")
		miss(slices.ContainsFunc(verifications, func(v Verification) bool { return v.Message && v.To == "" }), "where verification messages went: withheld here, or not kept any more")
	}
	miss(c.Recheck == nil, "a look at the data after the first")
	miss(!slices.ContainsFunc(c.Duties, func(d Duty) bool { return d.Binding }), "a rule that was read at its source: every rule here is "+policy.NotForCompliance)
	return f, nil
}

func (f *ComplianceFile) event(e casework.Entry, asked map[int]int, values *Values, kept *bool) error {
	act := func(format string, args ...any) {
		f.Actions = append(f.Actions, FileAction{e.At, fmt.Sprintf(format, args...)})
	}
	switch e.Kind {
	case KindValues:
		b, err := casework.Read[Values](e)
		*values, *kept = b, err == nil
		return err
	case KindSent:
		b, err := casework.Read[SentOut](e)
		for _, o := range b.Orders {
			way := "mail"
			if o.Copy {
				way = "mail, a copy to the registry"
			}
			asked[o.N] = len(f.Enquiries)
			f.Enquiries = append(f.Enquiries, Enquiry{At: e.At, Way: way, To: o.To, Result: "ordered"})
		}
		return err
	case KindDelivered, KindFailed, KindDoubt:
		b, err := casework.Read[Message](e)
		if err != nil {
			return err
		}
		if b.N == 0 {
			f.Enquiries = append(f.Enquiries, Enquiry{At: e.At, Way: b.How, Result: "brought by hand", ResultAt: e.At})
			return nil
		}
		i, ok := asked[b.N]
		if !ok {
			return problem.New(problem.Corrupt, "a notice nobody ordered")
		}
		q := &f.Enquiries[i]
		q.ResultAt, q.Response = e.At, b.Response
		switch {
		case e.Kind == KindDelivered:
			q.Result = "taken by the receiving server"
		case e.Kind == KindDoubt:
			q.Result = "in doubt"
		case b.Bounced:
			q.Result = "taken, and sent back"
		default:
			q.Result = "not delivered"
		}
	case KindAnswered:
		b, err := casework.Read[Reply](e)
		f.Answers = append(f.Answers, FileAnswer{At: e.At, Answer: answers.Means(string(b.Answer)), By: e.Actor})
		return err
	case KindWords:
		b, err := casework.Read[Wrote](e)
		if n := len(f.Answers); err == nil && b.With == KindAnswered && n > 0 {
			f.Answers[n-1].Words = b.Text
		}
		return err
	case KindChecked:
		b, err := casework.Read[CheckedAgain](e)
		act("checked again: %s", b.Words())
		return err
	case KindOver:
		b, err := casework.Read[TimeOver](e)
		act("no answer by %s (%s)", stamp(b.Due), b.of())
		return err
	case KindClosed:
		b, err := casework.Read[Closing](e)
		act("closed by the centre: %s", outcomes.Means(string(b.Outcome)))
		return err
	case KindReopened:
		act("opened again by the centre: the checks fail again, or still")
	}
	return nil
}

// of says which time was over.
func (t TimeOver) of() string {
	if t.Of == "duty" {
		return "the time of a duty"
	}
	return "the time the centre waits, which is no deadline"
}

// Words says a re-check in a sentence.
func (r Recheck) Words() string {
	out := map[CheckResult]string{
		AllPass: "the same checks pass now",
		Fails:   fmt.Sprintf("%d of %d checks fail still", r.Failing, r.Failing+r.Passed+r.Untested),
		CantSay: fmt.Sprintf("none fails, and %d of %d cannot be tested now: that is no correction", r.Untested, r.Failing+r.Passed+r.Untested),
		Gone:    "the name is not registered any more",
	}[r.Result]
	if r.Held {
		out += "; the name is on hold"
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// fileLine is the longest line of a value in the text, in runes.
const fileLine = 400

// Text is the file for a person to read.
func (f ComplianceFile) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) {
		for i, a := range args {
			if s, ok := a.(string); ok {
				args[i] = text.Line(s, fileLine)
			}
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
	}
	line("%s", f.What)
	line("")
	line("Domain name   %s", f.Domain)
	line("Registrar     %s (%s, known by %s)", f.Registrar.Name, f.Registrar.ID, cmp.Or(f.Registrar.Basis, "the registration"))
	line("Our case      %s", f.Case)
	line("Made          %s", stamp(f.Made))
	line("Rules         %s (%s, %s)", f.Terms.Title, f.Terms.Profile, string(f.Terms.Status))
	line("\n1. WHAT IS INACCURATE")
	for _, x := range f.Findings {
		line("- %s: %s (%s, %s)", x.Path, cmp.Or(x.Detail, x.Reason, "the check fails"), x.Check, x.Level.String())
		if x.Value != "" {
			line("  it says: %s", x.Value)
		}
		if x.OfProxy {
			line("  it is the data of a privacy or proxy service, which is the holder on record")
		}
		line("  seen %s; SHA-256 of salt and value %s", stamp(x.Observed), cmp.Or(x.Digest, "none: there is no value"))
		for _, r := range x.Rules {
			line("  %s, basis %s %s", r.Clause, string(r.Basis), aside(r.Caveat))
		}
	}
	line("\n2. ENQUIRIES")
	for _, q := range f.Enquiries {
		line("- %s by %s to %s: %s %s %s", stamp(q.At), q.Way, cmp.Or(q.To, "the registrar"), q.Result, when(q.ResultAt), q.Response)
	}
	line("\n3. ANSWERS")
	for _, a := range f.Answers {
		line("- %s: %s (recorded by %s)", stamp(a.At), a.Answer, a.By)
		if a.Words != "" {
			line("  %s", a.Words)
		}
	}
	line("\n4. VERIFICATION BY THE CENTRE")
	for _, v := range f.Verifications {
		if !v.Message {
			line("- %s of the %s, %s: %s", stamp(v.At), v.Of, v.Way, v.Result)
			continue
		}
		line("- %s %s to the %s (%s): %s %s %s", stamp(v.At), v.Way, v.Of, cmp.Or(v.To, "withheld"), v.Result, when(v.ResultAt), v.Response)
		if !v.Affirmed.IsZero() {
			line("  confirmed by its code %s", stamp(v.Affirmed))
		}
	}
	if len(f.Verifications) == 0 {
		line("- none")
	}
	line("\n5. WHAT WAS SEEN SINCE")
	for _, a := range f.Actions {
		line("- %s: %s", stamp(a.At), a.What)
	}
	line("\n6. WHAT THE RULES SAY")
	for _, d := range f.Duties {
		line("- %s: the %s to %s, %s %s", d.Clause, string(d.Actor), d.Action.Words(), d.Within.Words(), aside(d.Caveat))
		if !d.Due.IsZero() {
			line("  counted from documented knowledge: %s", stamp(d.Due))
		}
	}
	line("\n7. NOT IN THIS FILE")
	for _, m := range f.Missing {
		line("- %s", m)
	}
	line("\n%s", f.Note)
	return b.String()
}

func aside(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t)
}
