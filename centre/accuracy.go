package centre

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"bailiwick/accuracy"
	"bailiwick/accuracy/census"
	"bailiwick/accuracy/frame"
	"bailiwick/accuracy/policy"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
	"bailiwick/text"
)

// AccuracySettings say what registration data is held against.
type AccuracySettings struct {
	// Policies are the profiles there are; nil assesses nothing.
	Policies *policy.Set
	// Profiles are the yardsticks of every name that is looked up, so that TLDs
	// can be compared; a profile in force that is for a name's own TLD is used
	// beside them. The first is what pages show first.
	Profiles []string
	// Observe says whether DNS is asked if the domains of mail addresses take
	// mail. Nothing is sent to them.
	Observe bool
}

// LookedUp is the name of the frame of what this centre looked up.
const LookedUp = "looked up here"

// Limits of assessing.
const (
	assessBatch   = 100             // names of one pass of the sweep
	observeTime   = 2 * time.Second // for the mail domains of one record; real time
	observeAll    = 8 * time.Second // for those of a batch
	observers     = 4               // asked at the same time
	importBatch   = 2000            // rows of one transaction
	maxFrameName  = 80              // characters
	maxRegistrar  = 120             // characters of a registrar's key and name
	accuracyFresh = 24 * time.Hour  // an answer that says nothing new is assessed again after this
)

// assessLater notes that a name has an answer to be assessed.
func (c *Centre) assessLater(ctx context.Context, tx *store.Tx, d string) error {
	if c.set.Accuracy.Policies == nil {
		return nil
	}
	return tx.MarkAccuracy(ctx, d, c.Clock.Now())
}

// stale says whether an answer that shows what was known is assessed again: in
// another month, which counts it anew, and when the last one is a day old.
func stale(last, now time.Time) bool {
	return store.AccuracyMonth(last) != store.AccuracyMonth(now) || now.Sub(last) >= accuracyFresh
}

// profilesOf are the profiles that a looked-up name is held against.
func (c *Centre) profilesOf(tld string) (out []policy.Profile, err error) {
	set := c.set.Accuracy
	for _, id := range set.Profiles {
		p, err := set.Policies.Get(id)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	for _, p := range set.Policies.All() {
		if p.Status == policy.InForce && slices.Contains(p.Names, tld) && !slices.Contains(set.Profiles, p.ID) {
			out = append(out, p)
		}
	}
	// One order for all, so that two writers never wait for each other.
	slices.SortFunc(out, func(a, b policy.Profile) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// registrarOf is the key and the name of a registrar: its IANA ID where that is
// known, else what it is called.
func registrarOf(r registration.Registrar, id string) (key, called string) {
	called = text.Line(cmp.Or(r.Name, id), maxRegistrar)
	if n := r.IANAID; n != "" && len(n) <= 10 && strings.Trim(n, "0123456789") == "" {
		return n, cmp.Or(called, "IANA ID "+n)
	}
	if called == "" {
		return store.AccuracyNobody, ""
	}
	return "name:" + strings.ToLower(strings.Join(strings.Fields(called), " ")), called
}

// tldOf is the last label of a name.
func tldOf(d string) string { return d[strings.LastIndexByte(d, '.')+1:] }

// assessed is a name whose record is ready to be held against profiles.
type assessed struct {
	due   store.AccuracyDue
	rec   registration.Record
	at    time.Time
	gone  bool // no longer registered
	skip  bool // its contacts are not here: nothing can be said
	facts accuracy.Facts
}

// Assess holds the newest answers of names against the profiles, and counts what
// comes out: names that are due, or (only) those given. It says how many were
// done.
func (c *Centre) Assess(ctx context.Context, only ...string) (int, error) {
	if c.set.Accuracy.Policies == nil {
		return 0, nil
	}
	var batch []assessed
	if err := c.Store.View(ctx, func(tx *store.Tx) error {
		batch = nil
		due, err := tx.DueAccuracy(ctx, assessBatch, only...)
		if err != nil {
			return err
		}
		for _, d := range due {
			a := assessed{due: d}
			row, known, err := tx.LastRegistration(ctx, d.Name)
			if err != nil {
				return err
			}
			if a.skip = !known; known {
				v, err := c.version(ctx, tx, row, true)
				switch problem.CodeOf(err) {
				case problem.Corrupt:
					// One record that cannot be read stops nothing: it is assessed
					// again when another answer comes.
					c.Log.Warn("a registration cannot be read, and is not assessed", "name", d.Name, "err", err)
					a.skip = true
					batch = append(batch, a)
					continue
				case problem.NotFound: // expired since
				default:
					if err != nil {
						return err
					}
				}
				a.rec, a.at = v.Record, row.Last
				a.gone = a.rec.State != registration.Registered
				a.skip = !a.gone && (row.Bare || err != nil)
				if !a.skip && !a.gone {
					if a.facts.Answers, err = c.affirmed(ctx, tx, a.rec); err != nil {
						return err
					}
				}
			}
			batch = append(batch, a)
		}
		return nil
	}); err != nil || len(batch) == 0 {
		return 0, err
	}
	if c.set.Accuracy.Observe && c.Collect != nil {
		c.observe(ctx, batch)
	}
	err := c.Store.Update(ctx, func(tx *store.Tx) error { return c.count(ctx, tx, batch) })
	if problem.CodeOf(err) != problem.Corrupt {
		return len(batch), err
	}
	// What is kept of one of them cannot be read: it must not hold up the others.
	for _, a := range batch {
		one := []assessed{a}
		err := c.Store.Update(ctx, func(tx *store.Tx) error { return c.count(ctx, tx, one) })
		if problem.CodeOf(err) == problem.Corrupt {
			c.Log.Warn("a registration cannot be counted", "name", a.due.Name, "err", err)
			one[0].skip = true
			err = c.Store.Update(ctx, func(tx *store.Tx) error { return c.count(ctx, tx, one) })
		}
		if err != nil {
			return 0, err
		}
	}
	return len(batch), nil
}

// count writes what comes out of a batch.
func (c *Centre) count(ctx context.Context, tx *store.Tx, batch []assessed) error {
	byProfile := map[string][]store.AccuracyName{}
	profiles := map[string]policy.Profile{}
	called := map[string]string{}
	for _, a := range batch {
		if a.skip {
			continue
		}
		n := store.AccuracyName{Name: a.due.Name, TLD: tldOf(a.due.Name), At: a.at, Gone: a.gone}
		var word string
		if n.Registrar, word = registrarOf(a.rec.Registrar, ""); word != "" {
			called[n.Registrar] = word
		}
		ps, err := c.profilesOf(n.TLD)
		if err != nil {
			return err
		}
		for _, p := range ps {
			if !a.gone {
				as, _, err := p.Examine(a.rec, a.facts, a.at)
				if err != nil { // beyond the limits of what is examined
					c.Log.Warn("a registration could not be assessed", "name", a.due.Name, "profile", p.ID, "err", err)
					continue
				}
				n.Outcome, _ = census.Of(as)
			}
			byProfile[p.ID] = append(byProfile[p.ID], n)
			profiles[p.ID] = p
		}
	}
	now := c.Clock.Now()
	if err := tx.PutAccuracyFrame(ctx, store.AccuracyFrame{Name: LookedUp, Source: census.LookedUp, Created: now}); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(byProfile)) {
		set, err := tx.TakeAccuracySet(ctx, LookedUp, id, profiles[id].Hash(), now)
		if err != nil {
			return err
		}
		if _, err := tx.AddAccuracy(ctx, set, byProfile[id]); err != nil {
			return err
		}
	}
	if err := tx.NameRegistrars(ctx, called, now); err != nil {
		return err
	}
	for _, a := range batch {
		if err := tx.DoneAccuracy(ctx, a.due); err != nil {
			return err
		}
	}
	return nil
}

// mailDomains are the domains of a record's mail addresses.
func mailDomains(rec registration.Record) (out []name.Domain) {
	for _, role := range slices.Sorted(maps.Keys(rec.Contacts)) {
		mail := rec.Contacts[role].Email
		at := strings.LastIndexByte(mail, '@')
		if at < 0 || len(mail) > 320 || len(out) >= accuracy.MaxRoles {
			continue
		}
		if d, err := name.ParseAny(strings.TrimSpace(mail[at+1:])); err == nil && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// observe asks DNS whether mail domains take mail, a few at a time and each once
// in a batch. What is not answered in time is not known, and not held against
// anybody.
func (c *Centre) observe(ctx context.Context, batch []assessed) {
	ctx, cancel := context.WithTimeout(ctx, observeAll)
	defer cancel()
	var want []name.Domain
	for i := range batch {
		if !batch[i].skip && !batch[i].gone {
			want = append(want, mailDomains(batch[i].rec)...)
		}
	}
	slices.SortFunc(want, func(a, b name.Domain) int { return strings.Compare(a.String(), b.String()) })
	facts := c.mailFacts(ctx, slices.Compact(want))
	for i := range batch {
		for _, d := range mailDomains(batch[i].rec) {
			if f, ok := facts[d.String()]; ok {
				if batch[i].facts.Mail == nil {
					batch[i].facts.Mail = map[string]accuracy.MailFact{}
				}
				batch[i].facts.Mail[d.String()] = f
			}
		}
	}
}

// mailFacts asks about domains, each once.
func (c *Centre) mailFacts(ctx context.Context, ds []name.Domain) map[string]accuracy.MailFact {
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := map[string]accuracy.MailFact{}
	work := make(chan name.Domain)
	for range min(observers, len(ds)) {
		wg.Go(func() {
			for d := range work {
				one, cancel := context.WithTimeout(ctx, observeTime)
				f := c.Collect.MailFact(one, d, c.Suffixes.Split(d).Registered)
				cancel()
				mu.Lock()
				out[d.String()] = f
				mu.Unlock()
			}
		})
	}
	for _, d := range ds {
		select {
		case work <- d:
		case <-ctx.Done():
		}
	}
	close(work)
	wg.Wait()
	return out
}

// AssessAll notes that every name whose registration is known is to be assessed
// again: after a profile changed, or when the sums are doubted. The sweep does
// it.
func (c *Centre) AssessAll(ctx context.Context) (n int64, err error) {
	if c.set.Accuracy.Policies == nil {
		return 0, problem.New(problem.Refused, "this centre assesses nothing: no profile is set")
	}
	err = c.Store.Update(ctx, func(tx *store.Tx) error {
		n, err = tx.MarkAllAccuracy(ctx, c.Clock.Now())
		return err
	})
	return n, err
}

// AccuracyFrame says what is read into which frame, and what it is held against.
type AccuracyFrame struct {
	Name    string        // of the frame
	Source  census.Source // Own or Public
	Profile string        // by name, where Own is nil
	// Own is a profile of the operator's own. It is kept as it was read, under its
	// digest, with the sums that are held against it.
	Own *OwnProfile
	// TLD, if given, is the only one that names may be under: others are bad
	// rows.
	TLD string
	// SHA is the SHA-256 of what is read, in hex: reading the same into the same
	// frame under the same profile goes on where it stopped.
	SHA     string
	Observe bool // ask DNS about mail domains
	// Whole says that this is all there is of the TLDs whose names are in it: names
	// of theirs that were counted before and are not in it are gone.
	Whole bool
	// Batch is how many rows are made durable at once; 0: 2000.
	Batch int
}

// OwnProfile is the file of a profile of the operator's own.
type OwnProfile struct {
	File string // what it is called, without its folder
	Body []byte // at most policy.MaxBytes
}

// AccuracyRead is how far a frame was read.
type AccuracyRead struct {
	Frame   string    `json:"frame"`
	At      time.Time `json:"at"`      // the time of all its outcomes
	Rows    int       `json:"rows"`    // in all
	Skipped int       `json:"skipped"` // of them read by an earlier run
	Bad     int       `json:"bad"`     // that could not be read
	Written int       `json:"written"` // outcomes of this run
	// Gone are names that were counted before this run and are not in the whole
	// deposit any more.
	Gone    int    `json:"gone"`
	Done    bool   `json:"done"`
	Profile string `json:"profile"`
	Hash    string `json:"profile_hash"`
}

// ReadAccuracy holds the units of a frame against a profile and counts what comes
// out. Nothing of a person is kept. It writes in batches, each with how far it
// is, so that a run that was stopped goes on; an outcome is of the time when
// reading the file began. bad, if not nil, is told of each row that could not
// be read; told is told after each batch.
func (c *Centre) ReadAccuracy(ctx context.Context, f AccuracyFrame, units iter.Seq2[frame.Unit, error], bad func(error), told func(AccuracyRead)) (AccuracyRead, error) {
	out := AccuracyRead{Frame: f.Name}
	set := c.set.Accuracy
	switch {
	case set.Policies == nil:
		return out, problem.New(problem.Refused, "this centre assesses nothing: no profile is set")
	case strings.TrimSpace(f.Name) == "" || utf8.RuneCountInString(f.Name) > maxFrameName || text.Line(f.Name, maxFrameName) != f.Name:
		return out, problem.BadField("frame", "must be a name of at most %d characters in one line", maxFrameName)
	case f.Source != census.Own && f.Source != census.Public:
		return out, problem.BadField("source", "must be %q or %q", census.Own, census.Public)
	case f.Name == LookedUp:
		return out, problem.BadField("frame", "%q is what this centre looked up", LookedUp)
	}
	var p policy.Profile
	var err error
	if f.Own == nil {
		p, err = set.Policies.Get(f.Profile)
	} else {
		_, p, err = set.Policies.With(text.Line(f.Own.File, maxFrameName), f.Own.Body)
	}
	if err != nil {
		return out, err
	}
	out.Profile, out.Hash = p.ID, p.Hash()
	tld := strings.ToLower(strings.Trim(f.TLD, "."))
	r := &accuracyReading{c: c, f: f, p: p, tlds: map[string]bool{}}
	this := store.AccuracyImport{Frame: f.Name, SHA: f.SHA, Profile: p.ID, Hash: p.Hash(), TLD: tld}
	if err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		r.at, r.known, err = tx.AccuracyImport(ctx, this)
		return err
	}); err != nil {
		return out, err
	}
	if r.at.Done {
		return out, problem.New(problem.Conflict, "this file was read into %q already under this state of %s, on %s", f.Name, p.ID, r.at.At.Format(time.DateOnly))
	}
	if keep := c.AccuracyKeep(); r.known && keep >= 0 && !r.at.At.After(c.Clock.Now().Add(-keep)) {
		return out, problem.New(problem.Conflict, "reading this file began on %s, and what was found then is not kept any more: give another name with --frame, or drop %q first", r.at.At.Format(time.DateOnly), f.Name)
	}
	if !r.known {
		r.at = this
		r.at.At = c.Clock.Now()
	}
	out.At, out.Skipped = r.at.At, r.at.Units
	tell := func() {
		out.Rows, out.Bad, out.Written, out.Gone, out.Done = r.at.Units, r.at.Bad, r.written, r.gone, r.at.Done
		if told != nil {
			told(out)
		}
	}
	row := 0
	for u, err := range units {
		if frame.Fatal(err) {
			return out, errors.Join(err, r.flush(ctx, false))
		}
		if f.Whole && err == nil && strings.Contains(u.ID, ".") && (tld == "" || tldOf(u.ID) == tld) {
			if r.tlds[tldOf(u.ID)] = true; len(r.tlds) > maxWholeTLDs {
				return out, problem.New(problem.TooLarge, "the deposit has names under over %d TLDs: it is not one whole", maxWholeTLDs)
			}
		}
		if row++; row <= out.Skipped {
			continue
		}
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err == nil && !strings.Contains(u.ID, ".") {
			err = problem.New(problem.Invalid, "line %d: %s is no registered name: contacts alone are nobody's registration", u.Line, text.Line(u.ID, 80))
		}
		if err == nil && tld != "" && tldOf(u.ID) != tld {
			err = problem.New(problem.Invalid, "line %d: %s is not under .%s", u.Line, text.Line(u.ID, 80), tld)
		}
		if err == nil && u.Record.State == "" {
			err = problem.New(problem.Invalid, "line %d: a list of names holds no registration data to be checked", u.Line)
		}
		if err != nil && bad != nil {
			bad(err)
		}
		r.add(u, err)
		if r.rows >= cmp.Or(f.Batch, importBatch) {
			if err := r.flush(ctx, false); err != nil {
				return out, err
			}
			tell()
		}
	}
	if row < out.Skipped {
		return out, problem.New(problem.Conflict, "the file ends after %d rows, and %d were read before: it is another one", row, out.Skipped)
	}
	if f.Whole {
		// Before the end is noted, so that a run that is stopped here goes on.
		if err := r.flush(ctx, false); err != nil {
			return out, err
		}
		if err := r.leave(ctx); err != nil {
			return out, err
		}
	}
	if err := r.flush(ctx, true); err != nil {
		return out, err
	}
	tell()
	return out, nil
}

// maxWholeTLDs is how many TLDs a whole deposit may hold.
const maxWholeTLDs = 2000

// leave notes that names are gone that were counted before this reading began,
// under a TLD that is read as a whole, and are not in it.
func (r *accuracyReading) leave(ctx context.Context) error {
	tlds := slices.Sorted(maps.Keys(r.tlds))
	for after := ""; len(tlds) > 0; {
		var set int64
		var page []store.AccuracyName
		if err := r.c.Store.Update(ctx, func(tx *store.Tx) (err error) {
			if set, err = tx.TakeAccuracySet(ctx, r.f.Name, r.p.ID, r.p.Hash(), r.at.At); err != nil {
				return err
			}
			if page, err = tx.AccuracyBefore(ctx, set, tlds, r.at.At, after); err != nil {
				return err
			}
			for i := range page {
				page[i].At, page[i].Gone, page[i].Outcome = r.at.At, true, census.Outcome{}
			}
			_, err = tx.AddAccuracy(ctx, set, page)
			return err
		}); err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		after = page[len(page)-1].Name
		r.gone += len(page)
	}
	return nil
}

// accuracyReading is a run of ReadAccuracy.
type accuracyReading struct {
	c       *Centre
	f       AccuracyFrame
	p       policy.Profile
	at      store.AccuracyImport
	known   bool // noted in the database
	batch   []assessed
	rows    int
	bad     int
	written int
	gone    int
	tlds    map[string]bool // of the names that are read, where that is the whole of them
	mail    map[string]accuracy.MailFact
}

// add takes a row, or notes that it could not be read.
func (r *accuracyReading) add(u frame.Unit, err error) {
	r.rows++
	if err != nil {
		r.bad++
		return
	}
	if r.f.Source == census.Own {
		// Records of one's own have no source: what they lack is missing.
		u.Record.Sources, u.Record.Answers = nil, nil
	} else if u.Record.Sources[""].Protocol == "" {
		u.Record.Sources = map[string]registration.Source{"": {Protocol: "unknown"}}
	}
	if u.Record.Registrar.Name == "" {
		u.Record.Registrar.Name = u.Registrar
	}
	r.batch = append(r.batch, assessed{due: store.AccuracyDue{Name: u.ID}, rec: u.Record, gone: u.Record.State != registration.Registered})
}

// maxMailFacts is how many mail domains a run remembers.
const maxMailFacts = 100_000

// observe asks about the mail domains of the batch that were not asked about.
func (r *accuracyReading) observe(ctx context.Context) {
	if len(r.mail) > maxMailFacts || r.mail == nil {
		r.mail = map[string]accuracy.MailFact{} // to forget is better than to grow
	}
	want := map[string]name.Domain{}
	for _, a := range r.batch {
		for _, d := range mailDomains(a.rec) {
			if _, ok := r.mail[d.String()]; !ok {
				want[d.String()] = d
			}
		}
	}
	maps.Copy(r.mail, r.c.mailFacts(ctx, slices.Collect(maps.Values(want))))
	for i := range r.batch {
		r.batch[i].facts.Mail = map[string]accuracy.MailFact{}
		for _, d := range mailDomains(r.batch[i].rec) {
			r.batch[i].facts.Mail[d.String()] = r.mail[d.String()]
		}
	}
}

// flush writes the batch and how far the file is read, in one transaction.
func (r *accuracyReading) flush(ctx context.Context, last bool) error {
	if r.f.Observe && r.c.Collect != nil {
		r.observe(ctx)
	}
	names, called := make([]store.AccuracyName, 0, len(r.batch)), map[string]string{}
	for _, a := range r.batch {
		n := store.AccuracyName{Name: a.due.Name, TLD: tldOf(a.due.Name), At: r.at.At, Gone: a.gone}
		var word string
		if n.Registrar, word = registrarOf(a.rec.Registrar, ""); word != "" {
			called[n.Registrar] = word
		}
		if !a.gone {
			as, _, err := r.p.Examine(a.rec, a.facts, r.at.At)
			if err != nil {
				r.bad++
				continue
			}
			n.Outcome, _ = census.Of(as)
		}
		names = append(names, n)
	}
	now := r.c.Clock.Now()
	next := r.at
	next.Units, next.Bad, next.Done = r.at.Units+r.rows, r.at.Bad+r.bad, last
	if err := r.c.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.PutAccuracyFrame(ctx, store.AccuracyFrame{Name: r.f.Name, Source: r.f.Source, Created: now}); err != nil {
			return err
		}
		if err := tx.PutAccuracyImport(ctx, next, r.at.Units, !r.known, now); err != nil {
			return err
		}
		set, err := tx.TakeAccuracySet(ctx, r.f.Name, r.p.ID, r.p.Hash(), r.at.At)
		if err != nil {
			return err
		}
		if o := r.f.Own; o != nil {
			sum := sha256.Sum256(o.Body)
			if _, err := tx.PutAccuracyProfile(ctx, store.AccuracyProfile{Hash: r.p.Hash(), Profile: r.p.ID, File: text.Line(o.File, maxFrameName), SHA: hex.EncodeToString(sum[:]), Body: o.Body, Added: now}); err != nil {
				return err
			}
		}
		if _, err := tx.AddAccuracy(ctx, set, names); err != nil {
			return err
		}
		return tx.NameRegistrars(ctx, called, now)
	}); err != nil {
		return err
	}
	r.written += len(names)
	r.at, r.known, r.rows, r.bad, r.batch = next, true, 0, 0, r.batch[:0]
	return nil
}

// AccuracyKeep is how long verdicts on single names are kept; below zero without
// end.
func (c *Centre) AccuracyKeep() time.Duration {
	return cmp.Or(c.set.Retention.Accuracy, store.DefaultRetention().Accuracy)
}

// AccuracyUntil is until when a verdict is kept that was found at a time; zero
// where it is kept without end.
func (c *Centre) AccuracyUntil(at time.Time) time.Time {
	if keep := c.AccuracyKeep(); keep >= 0 {
		return at.Add(keep)
	}
	return time.Time{}
}

// OwnProfileOf reads the profile of the operator's own that a set was held
// against, with what is known of it as it is read now; ok is false for a set under
// a built-in one. The profile is empty where the file does not read the same any
// more, as when a built-in one changed that it extends.
func (c *Centre) OwnProfileOf(ctx context.Context, hash string) (row store.AccuracyProfile, p policy.Profile, ok bool, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		row, err = tx.AccuracyProfile(ctx, hash)
		return err
	})
	if problem.CodeOf(err) == problem.NotFound {
		return row, p, false, nil
	}
	if err != nil || c.set.Accuracy.Policies == nil {
		return row, p, err == nil, err
	}
	if _, read, err := c.set.Accuracy.Policies.With(row.File, row.Body); err == nil && read.Hash() == row.Hash {
		p = read
	}
	return row, p, true, nil
}

// OwnProfiles lists the profiles of the operator's own by hash, without their
// files.
func (c *Centre) OwnProfiles(ctx context.Context) (map[string]store.AccuracyProfile, error) {
	out := map[string]store.AccuracyProfile{}
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.AccuracyProfiles(ctx)
		for _, r := range rows {
			out[r.Hash] = r
		}
		return err
	})
	return out, err
}

// PublishAccuracy says whether the public sees the sums of a frame.
func (c *Centre) PublishAccuracy(ctx context.Context, frame string, on bool) error {
	return c.Store.Update(ctx, func(tx *store.Tx) error { return tx.PublishAccuracy(ctx, frame, on) })
}

// DropAccuracy deletes a frame with everything that was counted in it.
func (c *Centre) DropAccuracy(ctx context.Context, frame string) error {
	return c.Store.Update(ctx, func(tx *store.Tx) error { return tx.DropAccuracy(ctx, frame) })
}

// AccuracySets lists what was counted: each frame under each version of a
// profile, with the yardstick of this centre first, and else the one that was
// written last.
func (c *Centre) AccuracySets(ctx context.Context) (out []store.AccuracySet, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		out, err = tx.AccuracySets(ctx)
		return err
	})
	first := ""
	if ps := c.set.Accuracy.Profiles; len(ps) > 0 {
		first = ps[0]
	}
	slices.SortStableFunc(out, func(a, b store.AccuracySet) int {
		switch x, y := a.Profile == first, b.Profile == first; {
		case x && !y:
			return -1
		case y && !x:
			return 1
		}
		return 0
	})
	return out, err
}

// AccuracySums are what was counted in a set: of everything, of a TLD, of a
// registrar, or of a registrar in a TLD.
type AccuracySums struct {
	All        store.AccuracyCount   // with detail
	Whole      store.AccuracyCount   // of what it is a part of: the TLD of a registrar in it, else the whole set
	TLDs       []store.AccuracyCount // of which All is made up, where it is not of one TLD
	Registrars []store.AccuracyCount // where it is not of one registrar
	// Others are the TLDs of a registrar with the sums of all registrars there.
	Others []store.AccuracyCount
	Months []store.AccuracyCount // the latest AccuracyMonths
	Names  map[string]string     // what the registrars are called, by key
}

// AccuracyMonths is how many months are given.
const AccuracyMonths = 24

// Accuracy reads sums; tld and registrar are "" for all.
func (c *Centre) Accuracy(ctx context.Context, set int64, tld, registrar string) (s AccuracySums, err error) {
	// From the first day of this month: from its 31st others would be skipped.
	now := c.Clock.Now().UTC()
	from := store.AccuracyMonth(time.Date(now.Year(), now.Month()-AccuracyMonths+1, 1, 0, 0, 0, 0, time.UTC))
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		s = AccuracySums{}
		if s.All, err = tx.AccuracyCount(ctx, set, store.AccuracyNow, tld, registrar); err != nil {
			return err
		}
		whole := tld
		if registrar == "" {
			whole = ""
		}
		if s.Whole, err = tx.AccuracyCount(ctx, set, store.AccuracyNow, whole, ""); err != nil {
			return err
		}
		keys := map[string]bool{registrar: registrar != ""}
		if tld == "" {
			if s.TLDs, err = tx.AccuracyTLDs(ctx, set, registrar); err != nil {
				return err
			}
			if registrar != "" {
				if s.Others, err = tx.AccuracyTLDs(ctx, set, ""); err != nil {
					return err
				}
			}
		}
		if registrar == "" {
			if s.Registrars, err = tx.AccuracyRegistrars(ctx, set, tld); err != nil {
				return err
			}
			for _, r := range s.Registrars {
				keys[r.Registrar] = true
			}
		}
		if s.Months, err = tx.AccuracyMonths(ctx, set, tld, registrar, from); err != nil {
			return err
		}
		s.Names, err = tx.RegistrarNames(ctx, slices.Sorted(maps.Keys(keys)))
		return err
	})
	return s, err
}

// AccuracyTable says what may be published of a set: of TLDs, of registrars, and
// of registrars in TLDs. Where there are too many to be looked through it is the
// sum of everything alone.
func (c *Centre) AccuracyTable(ctx context.Context, set int64) (census.Table, error) {
	var sizes []store.AccuracySize
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		sizes, err = tx.AccuracySizes(ctx, set)
		return err
	})
	if problem.CodeOf(err) == problem.TooLarge {
		return census.Table{}, nil
	}
	if err != nil {
		return census.Table{}, err
	}
	cells := make([]census.Cell, len(sizes))
	for i, s := range sizes {
		cells[i] = census.Cell{Row: s.TLD, Column: s.Registrar, N: s.N}
	}
	return census.PublishTable(cells), nil
}

// AccuracyWhole is the sum of everything that is counted in a set today, with
// detail.
func (c *Centre) AccuracyWhole(ctx context.Context, set int64) (out store.AccuracyCount, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		out, err = tx.AccuracyCount(ctx, set, store.AccuracyNow, "", "")
		return err
	})
	return out, err
}

// PublicMonths are those months of a sum that may be published: of everything, of
// a TLD or of a registrar; of a registrar in a TLD there are none. Left out is
// what is of few names, what would give a small TLD or registrar of the same month
// by subtraction, and, the latest first, what would give a month that is left out
// from what is counted today.
func (c *Centre) PublicMonths(ctx context.Context, set int64, tld, registrar string, in []store.AccuracyCount) ([]store.AccuracyCount, error) {
	if tld != "" && registrar != "" || len(in) == 0 {
		return nil, nil
	}
	next := map[int]int{}
	if tld != "" || registrar != "" {
		months := make([]int, len(in))
		for i, m := range in {
			months[i] = m.Month
		}
		if err := c.Store.View(ctx, func(tx *store.Tx) error {
			folds, err := tx.AccuracyFolds(ctx, set, registrar != "", months, census.MinGroup)
			for _, f := range folds {
				if f.Small > 0 && f.Small < census.MinGroup {
					next[f.Month] = f.Next // goes with the small ones, which are too few
				}
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	hidden, out := 0, make([]store.AccuracyCount, 0, len(in))
	for _, m := range in {
		if n := m.Counts.N; n < census.MinGroup || n == next[m.Month] {
			hidden += n
		} else {
			out = append(out, m)
		}
	}
	for hidden > 0 && hidden < census.MinGroup && len(out) > 0 {
		hidden += out[len(out)-1].Counts.N
		out = out[:len(out)-1]
	}
	return out, nil
}

// AccuracyNames lists names of a registrar in a TLD by whether their holders can
// be reached.
func (c *Centre) AccuracyNames(ctx context.Context, set int64, f store.AccuracyFilter) (out []store.AccuracyName, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		out, err = tx.AccuracyNames(ctx, set, f)
		return err
	})
	return out, err
}

// NameAccuracy is the latest outcome of a name in one set.
type NameAccuracy struct {
	Set store.AccuracySet
	store.AccuracyName
	Called string    // the registrar
	Until  time.Time // until when it is kept; zero: without end
}

// AccuracyOf gives what was found of a name, in each set that holds it, in the
// order of AccuracySets.
func (c *Centre) AccuracyOf(ctx context.Context, d name.Domain) (out []NameAccuracy, err error) {
	sets, err := c.AccuracySets(ctx)
	if err != nil {
		return nil, err
	}
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		out = nil
		have, err := tx.AccuracySetsOf(ctx, d.String())
		if err != nil {
			return err
		}
		for _, s := range sets {
			if !slices.Contains(have, s.ID) {
				continue
			}
			n, ok, err := tx.AccuracyOf(ctx, s.ID, d.String())
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			called, err := tx.RegistrarNames(ctx, []string{n.Registrar})
			if err != nil {
				return err
			}
			out = append(out, NameAccuracy{s, n, called[n.Registrar], c.AccuracyUntil(n.At)})
		}
		return nil
	})
	return out, err
}
