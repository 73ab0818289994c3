package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bailiwick/casework"
	"bailiwick/name"
	"bailiwick/problem"
)

// Limits on a holder.
const (
	MaxText     = 8000 // octets of a text that somebody wrote
	MaxShort    = 200  // octets of a reference
	MaxFailures = 40   // of the format
	MaxEarlier  = 20   // verifications that are offered for reuse
	MaxLive     = 8    // codes that can be returned at one time
)

// Command is something that somebody or something wants done.
type Command interface {
	decide(h Holder, now time.Time) ([]Event, error)
}

// Decide says which events a command causes on a holder at a time. It changes
// nothing. A command that the state does not allow gives a Conflict, one that a
// rule forbids gives Refused, a value that is wrong gives Invalid with its field.
func Decide(h Holder, cmd Command, now time.Time) ([]Event, error) {
	_, opens := cmd.(Open)
	now, err := machine.Begin(h, opens, now)
	if err != nil {
		return nil, err
	}
	switch cmd.(type) {
	case Note, Noticed, SettleOrder: // news can come late
	default:
		if h.State == Terminated {
			return nil, problem.New(problem.Conflict, "the registration of verification %s was ended", h.ID)
		}
	}
	return cmd.decide(h, now)
}

// actor checks a reference to whoever gave a command: "centre", or a kind and an
// id such as "person:7". Names do not belong into a log that outlives them.
func actor(e *problem.Error, by string) *problem.Error {
	if by != casework.Centre && !casework.Reference(by) {
		return e.Add("by", "%.40q is not a reference such as person:7", by)
	}
	return e
}

// inPerson checks that a person acts, in person.
func inPerson(by, what string) error {
	if err := actor(nil, by).OrNil(); err != nil {
		return err
	}
	if !casework.InPerson(by) {
		return problem.New(problem.Refused, "a person %s, in person", what)
	}
	return nil
}

func written(e *problem.Error, field, s string, must bool) *problem.Error {
	switch {
	case must && strings.TrimSpace(s) == "":
		return e.Add(field, "is missing")
	case len(s) > MaxText:
		return e.Add(field, "is over %d octets", MaxText)
	case !utf8.ValidString(s):
		return e.Add(field, "is no text")
	}
	return e
}

// with puts what somebody wrote after the event it was written with.
func with(ev Event, text string, more ...Event) []Event {
	out := []Event{ev}
	if strings.TrimSpace(text) != "" {
		out = append(out, Event{Kind: KindWords, Actor: ev.Actor, Body: Wrote{With: ev.Kind, Text: text}})
	}
	return append(out, more...)
}

func (c Contact) check(e *problem.Error) *problem.Error {
	if len(c) == 0 {
		return e.Add("contact", "is empty")
	}
	for _, k := range slices.Sorted(maps.Keys(c)) {
		if !claims.Has(string(k)) || !c[k].valid() {
			e = e.Add("contact", "%.40q is no claim, or has no revision", k)
		}
	}
	return e
}

// round is the time to answer that begins now.
func round(p Profile, t Trigger, now time.Time) Round {
	r := p.Rule(t)
	out := Round{Trigger: t, Due: r.Due.From(now)}
	if !r.Hold.IsZero() {
		out.HoldAt = r.Hold.From(now)
	}
	return out
}

// pinned is round with the profile it is under.
func pinned(p Profile, t Trigger, now time.Time) *Round {
	r := round(p, t, now)
	r.Terms = &Terms{Profile: p, Hash: p.Hash()}
	return &r
}

// Open begins: a name was registered, or transferred in.
type Open struct {
	By      string
	Name    name.Domain
	Role    Role
	Trigger Trigger // Registered or Transferred
	Contact Contact
	Profile Profile
}

func (cmd Open) decide(_ Holder, now time.Time) ([]Event, error) {
	var e *problem.Error
	e = actor(e, cmd.By)
	if cmd.Name.IsZero() {
		e = e.Add("name", "is missing")
	}
	e = roles.Check(e, "role", string(cmd.Role))
	if cmd.Trigger != Registered && cmd.Trigger != Transferred {
		e = e.Add("trigger", "is neither registered nor transferred: nothing else begins a verification")
	}
	e = cmd.Contact.check(e)
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	if err := cmd.Profile.Validate(); err != nil {
		return nil, err
	}
	b := Opening{Name: cmd.Name.String(), Role: cmd.Role, Contact: maps.Clone(cmd.Contact), Round: *pinned(cmd.Profile, cmd.Trigger, now)}
	return []Event{{Kind: KindOpened, Actor: cmd.By, Body: b}}, nil
}

// Change says what the contact says now. Where it was verified a time to answer
// begins; one that runs already runs on, so that nobody changes their data again
// and again to be never verified. The same data again is no change, and a
// renewal is none.
type Change struct {
	By      string
	Contact Contact
	Profile Profile
}

func (cmd Change) decide(h Holder, now time.Time) ([]Event, error) {
	if err := cmd.Contact.check(actor(nil, cmd.By)).OrNil(); err != nil {
		return nil, err
	}
	if maps.Equal(cmd.Contact, h.Contact) {
		return nil, nil
	}
	b := NewContact{Contact: maps.Clone(cmd.Contact)}
	if h.State.Done() {
		if err := cmd.Profile.Validate(); err != nil {
			return nil, err
		}
		b.Round = pinned(cmd.Profile, ChangedData, now)
	}
	return []Event{{Kind: KindChanged, Actor: cmd.By, Body: b}}, nil
}

// Earlier is a verification of another holder that may stand for this one.
type Earlier struct {
	Record Record
	// Doubted says that it is in doubt today, or that its holder is.
	Doubted bool
}

// Validate is what the checks of the format found: nothing, or what is wrong.
// Where identical data is verified already and not in doubt, no code is sent
// (WAPS section 3). Earlier are the verifications of other holders that say the
// same; those that do not fit are passed over.
type Validate struct {
	By       string
	Failures []Failure
	Earlier  []Earlier
}

func (cmd Validate) decide(h Holder, now time.Time) ([]Event, error) {
	e := actor(nil, cmd.By)
	if len(cmd.Failures) > MaxFailures {
		e = e.Add("failures", "are over %d", MaxFailures)
	}
	if len(cmd.Earlier) > MaxEarlier {
		e = e.Add("earlier", "are over %d", MaxEarlier)
	}
	for i, f := range cmd.Failures[:min(len(cmd.Failures), MaxFailures)] {
		if !claims.Has(string(f.Claim)) || f.Reason == "" || len(f.Reason) > 64 || strings.Trim(f.Reason, "abcdefghijklmnopqrstuvwxyz0123456789_.-") != "" {
			e = e.Add(fmt.Sprintf("failures[%d]", i), "names no claim, or its reason is not a code")
		}
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	if h.State.Done() || h.Valid {
		return nil, problem.New(problem.Conflict, "the format was checked: verification %s is %s", h.ID, h.State)
	}
	if failures := append(slices.Clone(cmd.Failures), h.absent()...); len(failures) > 0 {
		return []Event{{Kind: KindFormatBad, Actor: cmd.By, Body: Format{Failures: failures}}}, nil
	}
	next := h.clone()
	next.Valid = true
	var records []Record
	for _, c := range h.rule().Verify {
		if h.has(c, now) {
			// Its own, from before a change of something else.
			r := h.Verified[c]
			r.Claims, r.Revisions = []Claim{c}, Contact{c: h.Contact[c]}
			records = next.reuse(now, records, r, cmd.By)
			continue
		}
		for _, x := range cmd.Earlier {
			if r, ok := h.usable(x, c, now); ok {
				records = next.reuse(now, records, r, cmd.By)
				break
			}
		}
	}
	if !next.Answered(now) {
		return []Event{{Kind: KindFormatGood, Actor: cmd.By, Body: Format{Remind: now}}}, nil
	}
	out := []Event{{Kind: KindFormatGood, Actor: cmd.By, Body: Format{}}, {Kind: KindReused, Actor: cmd.By, Body: Reused{Records: records}}}
	return append(out, release(next, now)...), nil
}

// absent are the claims that the contact would need so that it can be verified.
func (h Holder) absent() []Failure {
	var out []Failure
	r := h.rule()
	for _, c := range r.Verify {
		if h.Contact[c] == "" {
			out = append(out, Failure{Claim: c, Reason: "absent"})
		}
	}
	if r.Need == "one" && len(out) < len(r.Verify) {
		return nil
	}
	return out
}

// reuse adds a record that rests on another to a list, and to the holder as if
// it were recorded.
func (h *Holder) reuse(now time.Time, list []Record, r Record, by string) []Record {
	r.Reuses, r.Ref, r.Subject = r.Ref, fmt.Sprintf("%s#%d", h.ID, h.Records+len(list)+1), h.ID
	r.Verifier, r.Policy = by, h.Terms.Profile.ID
	for _, c := range r.Claims {
		h.put(now, c, r)
	}
	return append(list, r)
}

// usable says whether an earlier verification can stand for a claim, and gives
// what of it does.
func (h Holder) usable(x Earlier, c Claim, now time.Time) (Record, bool) {
	r := x.Record
	rev := h.Contact[c]
	if x.Doubted || !r.counts(c, rev, h.Since, now) || r.PerformedAt.After(now) || !h.Since.IsZero() && !r.PerformedAt.After(h.Since) || !refOK(r.Ref) {
		return Record{}, false
	}
	r.Claims, r.Revisions = []Claim{c}, Contact{c: rev}
	return r, true
}

func refOK(s string) bool { return s != "" && len(s) <= MaxShort }

// release is the event that takes a hold away once the answer is there. A hold
// for a ground needs a person for that.
func release(h Holder, now time.Time) []Event {
	if h.State != OnHold || h.Hold.Cause != NoAnswer || !h.Valid || !h.Answered(now) {
		return nil
	}
	return []Event{{Kind: KindReleased, Actor: casework.Centre, Body: Released{Statuses: h.Hold.Statuses}}}
}

// Reuse lets a verification of another holder with the same data stand for this
// one, where it was done meanwhile: one answer is enough for all names of a
// holder. After a doubt or a hold only one done later does.
type Reuse struct {
	By      string
	Earlier Earlier
}

func (cmd Reuse) decide(h Holder, now time.Time) ([]Event, error) {
	if err := actor(nil, cmd.By).OrNil(); err != nil {
		return nil, err
	}
	if !h.sends() {
		return nil, problem.New(problem.Conflict, "verification %s is %s, or its format is not checked", h.ID, h.State)
	}
	next := h.clone()
	var records []Record
	for _, c := range h.rule().Verify {
		if r, ok := h.usable(cmd.Earlier, c, now); ok && !h.has(c, now) {
			records = next.reuse(now, records, r, cmd.By)
		}
	}
	if len(records) == 0 {
		return nil, problem.New(problem.Refused, "it is of other data, in doubt, too old, or was not asked for")
	}
	return append([]Event{{Kind: KindReused, Actor: cmd.By, Body: Reused{Records: records}}}, release(next, now)...), nil
}

// Issue sends a code beside the schedule: the holder asks for another one, or a
// person sends one.
type Issue struct {
	By     string
	Method Method
}

func (cmd Issue) decide(h Holder, now time.Time) ([]Event, error) {
	e := actor(nil, cmd.By)
	claim, ok := cmd.Method.code()
	if !ok {
		e = e.Add("method", "%.40q sends no code", cmd.Method)
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	if !h.sends() {
		return nil, problem.New(problem.Conflict, "verification %s is %s, or its format is not checked: no code is sent", h.ID, h.State)
	}
	if !slices.Contains(h.rule().Verify, claim) {
		return nil, problem.New(problem.Refused, "the %s is not what has to be verified", claim)
	}
	live := 0
	for _, w := range h.Codes {
		if w.live(now, h.attempts()) {
			live++
		}
		if w.Claim == claim && now.Sub(w.At) < time.Duration(h.Terms.Profile.Codes.Apart) {
			return nil, problem.New(problem.RateLimited, "the last code was sent under %s ago", time.Duration(h.Terms.Profile.Codes.Apart))
		}
	}
	if live >= MaxLive {
		return nil, problem.New(problem.RateLimited, "%d codes can be returned already", live)
	}
	ev, err := h.send(cmd.By, claim, cmd.Method, now)
	if err != nil {
		return nil, err
	}
	return []Event{ev}, nil
}

// send is the event of a code.
func (h Holder) send(by string, claim Claim, m Method, now time.Time) (Event, error) {
	rev := h.Contact[claim]
	if rev == "" {
		return Event{}, problem.New(problem.Conflict, "the contact has no %s", claim)
	}
	return Event{Kind: KindIssued, Actor: by, Body: Issued{N: h.Issued + 1, Claim: claim, Revision: rev, Method: m, Expires: now.Add(time.Duration(h.Terms.Profile.Codes.Life))}}, nil
}

// Make fixes code N when its message is about to leave. Before that there is none,
// so nobody can read it where it waits; its digest is on the log before anybody has
// it, so whatever was sent can be returned. A message that is tried again carries
// another code, and the one before it counts no more.
type Make struct {
	By   string // the centre, or who fetches the code to send it
	N    int
	Code Code
}

func (cmd Make) decide(h Holder, now time.Time) ([]Event, error) {
	e := actor(nil, cmd.By)
	if !cmd.Code.made || h.selects(cmd.Code.selector()) {
		e = e.Add("code", "is missing or was used before")
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(h.Codes, func(w Waiting) bool { return w.N == cmd.N })
	if i < 0 {
		return nil, problem.New(problem.NotFound, "verification %s has no code %d", h.ID, cmd.N)
	}
	w := h.Codes[i]
	if !h.Sends(w, now) {
		return nil, problem.New(problem.Conflict, "code %d is not good any more", cmd.N)
	}
	return []Event{{Kind: KindMade, Actor: cmd.By, Body: Made{N: w.N, Selector: cmd.Code.selector(), Digest: cmd.Code.digest(h.ID, w.N, w.Claim, w.Revision)}}}, nil
}

// Sends says whether the message of a code still has a point at a time: the code
// could be returned, for what the contact says now.
func (h Holder) Sends(w Waiting, at time.Time) bool {
	return inPlace[KindMade](h.State) && w.live(at, h.attempts()) && w.Revision == h.Contact[w.Claim]
}

// Noticed is what became of the message that carried code N.
type Noticed struct {
	N        int
	Result   casework.Result
	Response string
	// Full says that the mailbox was full (RFC 3463, X.2.2). One that was is no
	// fault of the address; one that stays so is (Holder.StaysFull).
	Full bool
}

func (cmd Noticed) decide(h Holder, _ time.Time) ([]Event, error) {
	if cmd.N < 1 || cmd.N > h.Issued {
		return nil, problem.New(problem.NotFound, "verification %s has no code %d", h.ID, cmd.N)
	}
	// What a server says may name the address: its first words are enough, and
	// they are kept only where it refused in numbers (RFC 5321 section 4.2).
	b := Message{N: cmd.N, Response: replyCode(cmd.Response), Bounced: cmd.Result == casework.Bounced}
	switch cmd.Result {
	case casework.Accepted:
		return []Event{{Kind: KindDelivered, Actor: casework.Centre, Body: b}}, nil
	case casework.Undelivered, casework.Bounced:
		b.Full = cmd.Full
		return []Event{{Kind: KindFailed, Actor: casework.Centre, Body: b}}, nil
	case casework.Doubtful:
		return []Event{{Kind: KindInDoubt, Actor: casework.Centre, Body: b}}, nil
	}
	return nil, problem.New(problem.Internal, "%q is not a result of a message", cmd.Result)
}

// replyCode is the number at the beginning of a server's reply, with the
// enhanced one if there is one (RFC 3463); "" if there is none.
func replyCode(s string) string {
	var out []string
	for i, f := range strings.Fields(s[:min(len(s), 64)]) {
		f, _, _ = strings.Cut(f, "-")
		if i > 1 || f == "" || strings.Trim(f, "0123456789.") != "" || len(f) > 11 {
			break
		}
		out = append(out, f)
	}
	return strings.Join(out, " ")
}

// Answer returns a code. A wrong secret is an event too, as attempts count:
// Right says which it was.
type Answer struct {
	By   string // "holder:ID", or whoever typed it
	Code string
}

func (cmd Answer) decide(h Holder, now time.Time) ([]Event, error) {
	e := actor(nil, cmd.By)
	c, ok := ParseCode(cmd.Code)
	if !ok {
		e = e.Add("code", "is not a verification code: look for a letter too many or too few")
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(h.Codes, func(w Waiting) bool { return w.Selector == c.selector() })
	if i < 0 {
		return nil, problem.New(problem.Refused, "there is no such code here: ask for a new one")
	}
	w := h.Codes[i]
	left := h.attempts() - w.Wrong
	switch {
	case w.Used:
		return nil, problem.New(problem.Conflict, "this code was returned already")
	case w.Revision != h.Contact[w.Claim]:
		return nil, problem.New(problem.Conflict, "this code was for data that has changed")
	case w.Void || h.State.Done():
		return nil, problem.New(problem.Conflict, "this code is not needed any more")
	case !now.Before(w.Expires):
		return nil, problem.New(problem.Conflict, "this code is too old: ask for a new one")
	case left <= 0:
		return nil, problem.New(problem.Refused, "this code was tried too often: ask for a new one")
	}
	if !same(w.Digest, c.digest(h.ID, w.N, w.Claim, w.Revision)) {
		return []Event{{Kind: KindWrong, Actor: cmd.By, Body: WrongCode{N: w.N, Left: left - 1}}}, nil
	}
	r := h.record(now)
	r.Claims, r.Revisions, r.Level, r.Method, r.Result, r.Verifier = []Claim{w.Claim}, Contact{w.Claim: w.Revision}, V2, w.Method, Pass, cmd.By
	out := []Event{{Kind: KindReturned, Actor: cmd.By, Body: Returned{N: w.N, Record: r}}}
	return append(out, release(h.assuming(now, r), now)...), nil
}

// Right says whether the events of an Answer are of the right code. The second
// result is how many attempts are left where it was not.
func Right(evs []Event) (ok bool, left int) {
	for _, ev := range evs {
		switch b := ev.Body.(type) {
		case Returned:
			return true, 0
		case WrongCode:
			return false, b.Left
		}
	}
	return false, 0
}

// Tried says whether a code is one that was issued here with another secret, and
// how many attempts that leaves.
func (h Holder) Tried(c Code) (left int, wrong bool) {
	for _, w := range h.Codes {
		if w.Selector == c.selector() && !w.Used && !same(w.Digest, c.digest(h.ID, w.N, w.Claim, w.Revision)) {
			return max(0, h.attempts()-w.Wrong), true
		}
	}
	return 0, false
}

// record is the next record of a holder, with what all have.
func (h Holder) record(at time.Time) Record {
	r := Record{Ref: fmt.Sprintf("%s#%d", h.ID, h.Records+1), Subject: h.ID, PerformedAt: at, Policy: h.Terms.Profile.ID}
	if v := h.Terms.Profile.ValidFor; !v.IsZero() {
		r.ValidUntil = v.From(at)
	}
	return r
}

// assuming is the holder as if a record were kept.
func (h Holder) assuming(at time.Time, r Record) Holder {
	next := h.clone()
	for _, c := range r.Claims {
		next.put(at, c, r)
	}
	return next
}

// Attest records what a person found by hand: the record of section 1.2 of the
// accuracy rules, never a document. Evidence that a document is needs its digest
// (DigestOf) and who holds it. A finding against the data puts it in doubt.
type Attest struct {
	By       string // a person
	Claims   []Claim
	Level    Level
	Method   Method
	Evidence Evidence
	Digest   string // of the document, salted; hex
	HeldBy   string // a reference, such as "registrar:9999"
	// Framework is the trust framework, such as "eidas-high"; Audit a ticket.
	Framework  string
	Audit      string
	Result     Result
	At         time.Time // when it was done; now if zero
	ValidUntil time.Time // as the profile says if zero
	Text       string    // personal
}

func (cmd Attest) decide(h Holder, now time.Time) ([]Event, error) {
	if err := inPerson(cmd.By, "attests what they saw"); err != nil {
		return nil, err
	}
	var e *problem.Error
	list := slices.Clone(cmd.Claims)
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) == 0 || len(list) > len(claims) {
		e = e.Add("claims", "name at least one")
	}
	rev := Contact{}
	for _, c := range list {
		if rev[c] = h.Contact[c]; rev[c] == "" {
			e = e.Add("claims", "%.40q is nothing that the contact says", c)
		}
	}
	if cmd.Level != V1 && cmd.Level != V2 && cmd.Level != V3 {
		e = e.Add("level", "is not V1, V2 or V3")
	}
	e = methods.Check(e, "method", string(cmd.Method))
	if _, ok := cmd.Method.code(); ok {
		e = e.Add("method", "is by a code: only its return shows that")
	}
	e = evidence.Check(e, "evidence", string(cmd.Evidence))
	switch {
	case cmd.Evidence.document() && !hexDigest(cmd.Digest):
		e = e.Add("digest", "is missing or not a SHA-256 in hex: the salted digest of the document")
	case cmd.Evidence.document() && !casework.Reference(cmd.HeldBy):
		e = e.Add("held_by", "is missing or not a reference such as registrar:9999: who holds the document?")
	case !cmd.Evidence.document() && (cmd.Digest != "" || cmd.HeldBy != ""):
		e = e.Add("evidence", "is none, and somebody holds it")
	}
	for _, f := range []struct {
		path, v string
		must    bool
	}{{"framework", cmd.Framework, false}, {"audit", cmd.Audit, true}} {
		// A token has no room for a name or the number of a document.
		if f.must && f.v == "" || len(f.v) > 64 || strings.ContainsFunc(f.v, func(r rune) bool {
			return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.:/#", r)
		}) {
			e = e.Add(f.path, "is missing, over 64 letters, or not a token such as ticket-42")
		}
	}
	if cmd.Result != Pass && cmd.Result != Fail && cmd.Result != Inconclusive {
		e = e.Add("result", "is not pass, fail or inconclusive")
	}
	at := now
	if !cmd.At.IsZero() {
		at = cmd.At.Round(0).UTC().Truncate(time.Microsecond)
	}
	if at.After(now) {
		e = e.Add("at", "is in the future")
	}
	r := h.record(at)
	if !cmd.ValidUntil.IsZero() {
		r.ValidUntil = cmd.ValidUntil.Round(0).UTC().Truncate(time.Microsecond)
	}
	if !r.ValidUntil.IsZero() && !r.ValidUntil.After(now) {
		e = e.Add("valid_until", "is over")
	}
	e = written(e, "text", cmd.Text, cmd.Method == "other")
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	r.Claims, r.Revisions, r.Level, r.Method, r.Evidence, r.Digest, r.HeldBy = list, rev, cmd.Level, cmd.Method, cmd.Evidence, cmd.Digest, cmd.HeldBy
	r.Framework, r.Verifier, r.Audit, r.Result = cmd.Framework, cmd.By, cmd.Audit, cmd.Result
	ev := Event{Kind: KindAttested, Actor: cmd.By, Body: Attested{Record: r}}
	if r.Result == Fail {
		return with(ev, cmd.Text, h.doubt(InDoubt{Cause: Contrary, Claim: list[0], Revision: rev[list[0]], Evidence: r.Ref}, cmd.By, now)), nil
	}
	return with(ev, cmd.Text, release(h.assuming(now, r), now)...), nil
}

// doubt is the event of a doubt. Where the data was verified it begins a time to
// answer, under the profile that the holder has.
func (h Holder) doubt(b InDoubt, by string, now time.Time) Event {
	if h.State.Done() {
		r := round(h.Terms.Profile, DoubtedData, now)
		b.Round = &r
	}
	return Event{Kind: KindDoubted, Actor: by, Body: b}
}

// Doubt says that data may be wrong: mail came back, or a person upheld a
// complaint (WAPS section 4). A time to answer that runs already runs on.
type Doubt struct {
	By    string
	Cause Cause // Bounce, Full or Complaint
	Claim Claim
	// Revision is of the value that it is about: of one that has changed since,
	// nothing follows.
	Revision Revision
	Evidence string // a reference, such as "mail:7"
	Text     string // personal
}

func (cmd Doubt) decide(h Holder, now time.Time) ([]Event, error) {
	var e *problem.Error
	e = actor(e, cmd.By)
	if cmd.Cause != Bounce && cmd.Cause != Full && cmd.Cause != Complaint {
		e = e.Add("cause", "is none of bounce, full and complaint")
	}
	if !claims.Has(string(cmd.Claim)) || cmd.Cause != Complaint && cmd.Claim != Email {
		e = e.Add("claim", "is none, or mail to it does not come back")
	}
	if !cmd.Revision.valid() {
		e = e.Add("revision", "is missing: what did the data say that is in doubt?")
	}
	if !casework.Reference(cmd.Evidence) {
		e = e.Add("evidence", "is not a reference such as mail:7: a doubt needs one")
	}
	e = written(e, "text", cmd.Text, false)
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	if cmd.Cause == Complaint && !casework.InPerson(cmd.By) {
		return nil, problem.New(problem.Refused, "a person upholds a complaint, in person")
	}
	if h.Contact[cmd.Claim] != cmd.Revision {
		return nil, nil // news about the past
	}
	return with(h.doubt(InDoubt{Cause: cmd.Cause, Claim: cmd.Claim, Revision: cmd.Revision, Evidence: cmd.Evidence}, cmd.By, now), cmd.Text), nil
}

// Suspend puts a registration on hold whose time to answer is over, where no
// clock does it.
type Suspend struct {
	By   string // a person
	Text string // why; personal
}

func (cmd Suspend) decide(h Holder, now time.Time) ([]Event, error) {
	if err := inPerson(cmd.By, "suspends a registration"); err != nil {
		return nil, err
	}
	if err := written(nil, "text", cmd.Text, true).OrNil(); err != nil {
		return nil, err
	}
	if h.State != Overdue {
		return nil, problem.New(problem.Conflict, "verification %s is %s: the time to answer is not over", h.ID, h.State)
	}
	ev, err := h.held(cmd.By, now)
	if err != nil {
		return nil, err
	}
	return with(ev, cmd.Text), nil
}

// held is the event of a hold because no answer came.
func (h Holder) held(by string, now time.Time) (Event, error) {
	p := h.Terms.Profile
	if len(p.Statuses) == 0 {
		return Event{}, problem.New(problem.Refused, "the profile %s puts nobody on hold", p.ID)
	}
	b := Held{Cause: NoAnswer, Statuses: p.Statuses}
	if !p.Quarantine.IsZero() {
		b.Until = p.Quarantine.From(now)
	}
	return Event{Kind: KindHeld, Actor: by, Body: b}, nil
}

// Sanction holds or ends a registration for a ground of the profile (WAPS
// section 5), in any state, or ends one whose quarantine is over. Only a person
// does, with a reason.
type Sanction struct {
	By     string // a person
	Ground Ground
	End    bool   // end it; else hold it
	Text   string // why; personal
}

func (cmd Sanction) decide(h Holder, _ time.Time) ([]Event, error) {
	if err := inPerson(cmd.By, "decides that"); err != nil {
		return nil, err
	}
	if err := written(grounds.Check(nil, "ground", string(cmd.Ground)), "text", cmd.Text, true).OrNil(); err != nil {
		return nil, err
	}
	s := h.Terms.Profile.Sanction
	switch {
	case cmd.Ground == AfterQuarantine && !cmd.End:
		return nil, problem.New(problem.Refused, "what is over its quarantine is on hold already")
	case cmd.Ground == AfterQuarantine && (h.Hold == nil || !h.Hold.Over):
		return nil, problem.New(problem.Conflict, "no quarantine is over")
	case cmd.Ground != AfterQuarantine && !slices.Contains(s.Grounds, cmd.Ground):
		return nil, problem.New(problem.Refused, "the profile %s knows no such ground", h.Terms.Profile.ID)
	case cmd.Ground != AfterQuarantine && cmd.End && !s.Terminate:
		return nil, problem.New(problem.Refused, "the profile %s ends no registration", h.Terms.Profile.ID)
	}
	if cmd.End {
		return with(Event{Kind: KindTerminated, Actor: cmd.By, Body: Ending{Ground: cmd.Ground}}, cmd.Text), nil
	}
	return with(Event{Kind: KindHeld, Actor: cmd.By, Body: Held{Cause: string(cmd.Ground), Statuses: s.Statuses}}, cmd.Text), nil
}

// Leave says that the registration is gone: it was deleted, expired, was transferred
// away, or its name is another registration now. Nothing is verified, counted or held
// under it any more. Unlike the end of a registration (Sanction) it is no decision
// but news, so whoever keeps the registrations says it.
type Leave struct {
	By  string
	How Departure
}

func (cmd Leave) decide(_ Holder, _ time.Time) ([]Event, error) {
	if err := departures.Check(actor(nil, cmd.By), "how", string(cmd.How)).OrNil(); err != nil {
		return nil, err
	}
	return []Event{{Kind: KindGone, Actor: cmd.By, Body: Gone{How: cmd.How}}}, nil
}

// Disown says that whoever reads mail at an address knows nothing of the name. The
// times run on, and what was verified stands until a person has looked into it: it
// is in doubt, and nobody is put on hold by a stranger's word.
type Disown struct {
	By       string
	Revision Revision // of the address: of one that the contact does not have any more nothing follows
}

func (cmd Disown) decide(h Holder, _ time.Time) ([]Event, error) {
	if err := actor(nil, cmd.By).OrNil(); err != nil {
		return nil, err
	}
	if cmd.Revision == "" || cmd.Revision != h.Contact[Email] || !h.Disowned.IsZero() {
		return nil, nil
	}
	return []Event{{Kind: KindDisowned, Actor: cmd.By, Body: Disowned{Revision: cmd.Revision}}}, nil
}

// Allow takes that back: a person spoke with who reads mail there.
type Allow struct {
	By   string // a person
	Text string // why; personal
}

func (cmd Allow) decide(h Holder, _ time.Time) ([]Event, error) {
	if err := inPerson(cmd.By, "looks into it"); err != nil {
		return nil, err
	}
	if err := written(nil, "text", cmd.Text, true).OrNil(); err != nil {
		return nil, err
	}
	if h.Contact[Email] == "" {
		return nil, problem.New(problem.Conflict, "verification %s has no mail address", h.ID)
	}
	return with(Event{Kind: KindAllowed, Actor: cmd.By, Body: Disowned{Revision: h.Contact[Email]}}, cmd.Text), nil
}

// Release takes a hold away that a person put on for a ground. The data must
// have been verified since.
type Release struct {
	By   string // a person
	Text string // why; personal
}

func (cmd Release) decide(h Holder, now time.Time) ([]Event, error) {
	if err := inPerson(cmd.By, "releases a hold"); err != nil {
		return nil, err
	}
	if err := written(nil, "text", cmd.Text, true).OrNil(); err != nil {
		return nil, err
	}
	switch {
	case h.State != OnHold:
		return nil, problem.New(problem.Conflict, "verification %s is %s", h.ID, h.State)
	case !h.Valid || !h.Answered(now):
		return nil, problem.New(problem.Refused, "nothing was verified since the hold")
	}
	return with(Event{Kind: KindReleased, Actor: cmd.By, Body: Released{Statuses: h.Hold.Statuses}}, cmd.Text), nil
}

// Tick settles what time has settled: codes that are due, times that are over.
type Tick struct{}

func (cmd Tick) decide(h Holder, now time.Time) ([]Event, error) {
	if h.State.Done() {
		if t := h.lapses(); !t.IsZero() && !t.After(now) {
			return []Event{h.doubt(InDoubt{Cause: Expired}, casework.Centre, now)}, nil
		}
		return nil, nil
	}
	out, err := h.remind(now)
	if err != nil {
		return nil, err
	}
	if h.State.running() && !h.Late && !h.Due.After(now) {
		out = append(out, Event{Kind: KindOver, Actor: casework.Centre, Body: TimeOver{Of: "answer", Due: h.Due}})
		h.State, h.Late = Overdue, true
	}
	if t := h.holdDue(); !t.IsZero() && !t.After(now) {
		ev, err := h.held(casework.Centre, now)
		if err != nil {
			return nil, err
		}
		return append(out, ev), nil
	}
	if h.State == OnHold && !h.Hold.Over && !h.Hold.Until.IsZero() && !h.Hold.Until.After(now) {
		out = append(out, Event{Kind: KindOver, Actor: casework.Centre, Body: TimeOver{Of: "quarantine", Due: h.Hold.Until}})
	}
	return out, nil
}

// remind is the messages that are due: one for each claim that is still to be
// answered, or for the first that can be where one is enough. Who was asleep
// over several sends one, not all.
func (h Holder) remind(now time.Time) ([]Event, error) {
	if !h.sends() || h.Remind.IsZero() || h.Remind.After(now) {
		return nil, nil
	}
	var out []Event
	r := h.rule()
	next := r.next(h.Began, now)
	for _, c := range r.Verify {
		if h.Contact[c] == "" || h.has(c, now) {
			continue
		}
		m := ByMail
		if c == Phone {
			m = ByMessage
		}
		ev, err := h.send(casework.Centre, c, m, now)
		if err != nil {
			return nil, err
		}
		b := ev.Body.(Issued)
		h.Issued = b.N
		out = append(out, ev)
		if r.Need == "one" {
			break
		}
	}
	if len(out) > 0 {
		last := out[len(out)-1].Body.(Issued)
		last.BySchedule, last.Remind = true, next
		out[len(out)-1].Body = last
	}
	return out, nil
}

// Sent says which code an event orders to be sent, and in which way.
func Sent(ev Event) (n int, m Method, ok bool) {
	b, ok := ev.Body.(Issued)
	return b.N, b.Method, ok
}

// SettleOrder is what became of an order to the registrar's system, that follows
// from a hold, its release, or the end of the registration. It changes nothing else: whether the registration is
// on hold is said by the log, and an order that failed is somebody's task.
type SettleOrder struct {
	By     string
	Ref    string // the order's id
	Order  string // "hold", "release" or "terminate"
	Result OrderResult
}

func (cmd SettleOrder) decide(_ Holder, _ time.Time) ([]Event, error) {
	e := actor(nil, cmd.By)
	if cmd.Order != "hold" && cmd.Order != "release" && cmd.Order != "terminate" {
		e = e.Add("order", "is none of hold, release and terminate")
	}
	if !refOK(cmd.Ref) {
		e = e.Add("ref", "is missing or over %d octets", MaxShort)
	}
	if !slices.Contains([]OrderResult{OrderDone, OrderAlready, OrderByHand, OrderDropped, OrderLetGo}, cmd.Result) {
		e = e.Add("result", "is not done, already, by_hand, dropped or let_go")
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	return []Event{{Kind: KindOrder, Actor: cmd.By, Body: Settled{Ref: cmd.Ref, Order: cmd.Order, Result: cmd.Result}}}, nil
}

// Note is a remark of somebody who works on it. Personal.
type Note struct{ By, Text string }

func (cmd Note) decide(_ Holder, _ time.Time) ([]Event, error) {
	if err := actor(written(nil, "text", cmd.Text, true), cmd.By).OrNil(); err != nil {
		return nil, err
	}
	return []Event{{Kind: KindWords, Actor: cmd.By, Body: Wrote{Text: cmd.Text}}}, nil
}
