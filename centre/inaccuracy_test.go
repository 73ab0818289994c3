package centre_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/inaccuracy"
	"bailiwick/name"
	"bailiwick/notify/email"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
)

func (r *rig) inaccuracy(id string) inaccuracy.Case {
	r.t.Helper()
	c, err := r.Centre.Inaccuracy(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// answered puts an answer about a name into the history, as if somebody had just
// asked about it.
func (r *rig) answered(n string, change func(*registration.Contact)) {
	r.t.Helper()
	d, err := name.Parse(n)
	if err != nil {
		r.t.Fatal(err)
	}
	rec, err := r.Centre.Lookup(r.t.Context(), d, 400*day, "")
	if err != nil {
		r.t.Fatal(err)
	}
	c := rec.Contacts[registration.Registrant]
	change(&c)
	rec.Contacts = map[string]registration.Contact{registration.Registrant: c}
	r.update(func(ctx context.Context, tx *store.Tx) error {
		_, err := r.Centre.Remember(ctx, tx, d, rec, false)
		return err
	})
}

// TestInaccuracy takes a finding to its correction: opened on what the registry
// answers, sent by a person, known when the server took it, answered by the link,
// checked again, and closed; then what a careless or hostile hand may try. One
// engine is enough: what differs between them is the store's, and tested there.
func TestInaccuracy(t *testing.T) {
	r := newRig(t, engines[0].dsn(t, false), askWorld, options{drive: swept, change: func(c *config.Config) {
		c.Inaccuracy.PerDay, c.Retention.Personal, c.Accuracy.Observe = 2, 30*day, false
	}})
	ctx := t.Context()
	const person, subject, profile = "person:ann", "aurora-login.shopx", "waps-raa-2013"
	for _, bad := range []struct {
		d     centre.InaccuracyDraft
		field string
	}{{centre.InaccuracyDraft{Name: "not a name", Profile: profile}, "name"}, {centre.InaccuracyDraft{Name: "shopx", Profile: profile}, "name"},
		{centre.InaccuracyDraft{Name: subject, Profile: "none"}, "profile"}, {centre.InaccuracyDraft{Name: subject, Profile: profile, PartyEmail: "x"}, "party_email"}} {
		if _, err := r.Centre.OpenInaccuracy(ctx, bad.d, person); !strings.HasPrefix(problem.DocumentOf(err).Detail, bad.field+": ") {
			t.Errorf("%+v: %v", bad.d, err)
		}
	}
	if _, err := r.Centre.OpenInaccuracy(ctx, centre.InaccuracyDraft{Name: "aurora-bank.shopx", Profile: profile}, person); problem.CodeOf(err) != problem.Refused || !strings.Contains(err.Error(), "constituent") {
		t.Errorf("a constituent's own name: %v", err)
	}
	c, err := r.Centre.OpenInaccuracy(ctx, centre.InaccuracyDraft{Name: "www." + subject, Profile: profile}, person)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != subject || c.Party.Name != "Mute Names" || c.State != inaccuracy.Found || len(c.Findings) == 0 || !c.GTLD || c.Version != 1 {
		t.Fatalf("%+v", c)
	}
	if again, err := r.Centre.OpenInaccuracy(ctx, centre.InaccuracyDraft{Name: subject, Profile: profile}, person); problem.CodeOf(err) != problem.Conflict || again.ID != c.ID {
		t.Errorf("opened twice: %v", err)
	}
	sent := len(r.world.Mails())
	r.until(2 * hour)
	if len(r.world.Mails()) != sent || r.inaccuracy(c.ID).State != inaccuracy.Found {
		t.Fatal("something left that nobody sent")
	}
	for _, by := range []string{"person:ann/key:1", casework.Centre} {
		if _, err := r.Centre.SendInaccuracy(ctx, c.ID, 0, by, ""); problem.CodeOf(err) != problem.Refused {
			t.Errorf("sent by %s: %v", by, err)
		}
	}
	if _, err := r.Centre.SendInaccuracy(ctx, c.ID, c.Seq+1, person, ""); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("somebody acted meanwhile, and it is sent: %v", err)
	}
	if _, err := r.Centre.SendInaccuracy(ctx, c.ID, c.Seq, person, ""); err != nil {
		t.Fatal(err)
	}
	r.until(4 * hour)
	c = r.inaccuracy(c.ID)
	ns, err := r.Centre.InaccuracyNotices(ctx, c)
	if err != nil || len(ns) != 1 || ns[0].State != store.NoticeAccepted || len(r.world.Mails()) != sent+1 || c.State != inaccuracy.Asked || c.Known.IsZero() {
		t.Fatalf("%+v %+v %v", c, ns, err)
	}
	raw, _, err := r.Store.Blob(ctx, ns[0].Blob)
	if err != nil || !strings.Contains(string(raw), "/inaccuracy/answer/") || !strings.Contains(string(raw), "no time is set") {
		t.Errorf("%v\n%s", err, raw)
	}
	// No value of the registration is in the mail, the projection, or the export.
	var values []string
	told, err := r.Centre.ReadInaccuracy(ctx, centre.Reader{}, c.ID)
	if err != nil || told.Values == nil {
		t.Fatalf("%+v %v", told, err)
	}
	for p, v := range told.Values.Fields {
		if !strings.HasSuffix(p, ".country") {
			values = append(values, v)
		}
	}
	var export bytes.Buffer
	if err := r.Centre.ExportInaccuracy(ctx, &export, c.ID); err != nil {
		t.Fatal(err)
	}
	row, _ := json.Marshal(c)
	for _, v := range values {
		for where, s := range map[string]string{"the mail": string(raw), "the projection": string(row), "the export": export.String()} {
			if strings.Contains(s, v) {
				t.Errorf("%s holds %q", where, v)
			}
		}
	}
	if _, err := casework.VerifyExport(&export, nil); err != nil {
		t.Error(err)
	}
	// To read them one needs the role; the console's look is logged as others are.
	viewer := access.Person{ID: "v", Roles: []access.Role{access.Viewer, access.Auditor, access.Admin}}
	if _, err := r.Centre.ReadInaccuracy(ctx, centre.Reader{Desk: r.Access, Person: viewer, Purpose: access.Work}, c.ID); problem.CodeOf(err) != problem.Refused {
		t.Errorf("without the role: %v", err)
	}
	looks, err := r.Access.Entries(ctx, access.EntryFilter{Kind: access.Registration, Object: subject})
	if err != nil || !slices.ContainsFunc(looks, func(e access.Entry) bool { return strings.Contains(e.Detail, c.ID) }) {
		t.Errorf("%+v %v", looks, err)
	}

	// Mail of a person is for a person; a token of another thing opens nothing.
	to := email.ReplyAddress(r.Centre.ReplyKey, "centre.example", c.ID, email.InaccuracyRef)
	r.receive(vouched("desk@mute.example", to), mailOf("Desk <desk@mute.example>", "fixed", "All corrected."))
	if c = r.inaccuracy(c.ID); c.Mailed != 1 || c.State != inaccuracy.Asked || c.Answer != "" {
		t.Fatalf("after the mail: %+v", c)
	}
	for _, ref := range []string{email.DisclosureRef, email.InaccuracyCopyRef} {
		if _, err := r.Centre.AnswerInaccuracy(ctx, email.AnswerToken(r.Centre.ReplyKey, c.ID, ref), centre.InaccuracyAnswer{Answer: inaccuracy.SaidCorrect}); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("the token of %s: %v", ref, err)
		}
	}
	token := email.AnswerToken(r.Centre.ReplyKey, c.ID, email.InaccuracyRef)
	if _, err := r.Centre.AnswerInaccuracy(ctx, token, centre.InaccuracyAnswer{Answer: inaccuracy.SaidNo}); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("refused without a reason: %v", err)
	}
	if c, err = r.Centre.AnswerInaccuracy(ctx, token, centre.InaccuracyAnswer{Answer: inaccuracy.SaidCorrect, Text: "secret-word"}); err != nil || c.State != inaccuracy.Answered {
		t.Fatalf("%+v %v", c, err)
	}
	// They say so, and the sweep looks: the registry answers as before.
	r.until(8 * hour)
	if c = r.inaccuracy(c.ID); c.State != inaccuracy.Failing || c.Recheck.Result != inaccuracy.Fails {
		t.Fatalf("%s %+v", c.State, c.Recheck)
	}
	if _, err := r.Centre.ActInaccuracy(ctx, c.ID, 0, inaccuracy.Close{By: person, Outcome: inaccuracy.WasCorrected}); problem.CodeOf(err) != problem.Refused {
		t.Errorf("closed as corrected: %v", err)
	}
	r.answered(subject, func(k *registration.Contact) {
		*k = registration.Contact{Name: "Marta Lind", Street: []string{"12 Harbour Road"}, City: "London", PostalCode: "SW1A 1AA", Country: "GB", Email: "marta@mail.example.com", Phone: "+44.2079460123"}
	})
	if c, err = r.Centre.RecheckInaccuracy(ctx, c.ID, person); err != nil || c.State != inaccuracy.Corrected {
		t.Fatalf("%s %+v %v", c.State, c.Recheck, err)
	}
	if c, err = r.Centre.ActInaccuracy(ctx, c.ID, c.Seq, inaccuracy.Close{By: person, Outcome: inaccuracy.WasCorrected}); err != nil || c.State != inaccuracy.Closed {
		t.Fatalf("%+v %v", c, err)
	}
	if _, err := r.Centre.AnswerInaccuracy(ctx, token, centre.InaccuracyAnswer{Answer: inaccuracy.SaidNo, Text: "no"}); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("an answer to a closed case: %v", err)
	}
	f, err := r.Centre.InaccuracyFile(ctx, nil, c.ID)
	if err != nil || strings.Contains(f.Text(), "secret-word") || len(f.Enquiries) != 1 || len(f.Answers) != 1 {
		t.Errorf("%v\n%s", err, f.Text())
	}
	if f, err = r.Centre.InaccuracyFile(ctx, &centre.Reader{}, c.ID); err != nil || !strings.Contains(f.Text(), "secret-word") {
		t.Errorf("%v\n%s", err, f.Text())
	}

	// What was held too long is not sent; the caps hold; the switch stops it.
	d, err := r.Centre.OpenInaccuracy(ctx, centre.InaccuracyDraft{Name: "aurora-b.shopx", Profile: profile, Party: "Some Desk", PartyEmail: "desk@some.example"}, person)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Centre.OpenInaccuracy(ctx, centre.InaccuracyDraft{Name: "aurora-c.shopx", Profile: profile}, person); problem.CodeOf(err) != problem.RateLimited {
		t.Errorf("over the cap: %v", err)
	}
	stopped := func(v string) {
		r.update(func(ctx context.Context, tx *store.Tx) error {
			return tx.PutSetting(ctx, centre.SettingStop, []byte(v))
		})
	}
	stopped("on")
	if _, err := r.Centre.SendInaccuracy(ctx, d.ID, d.Seq, person, ""); err != nil {
		t.Fatal(err)
	}
	r.until(9 * day)
	stopped("")
	r.until(9*day + 4*hour)
	if d = r.inaccuracy(d.ID); d.State != inaccuracy.Sent || !d.ByHand || !d.Known.IsZero() || len(r.world.Mails()) != sent+1 {
		t.Errorf("%d mails, %+v", len(r.world.Mails())-sent, d)
	}
	if _, err := r.Centre.SendInaccuracy(ctx, d.ID, 0, person, ""); problem.CodeOf(err) != problem.Refused {
		t.Errorf("sent on a look of nine days ago: %v", err)
	}

	// Personal payloads go a time after the last event, and the chain stands.
	r.until(12 * day)
	if err := r.Centre.Retain(ctx); err != nil {
		t.Fatal(err)
	}
	if told, err = r.Centre.ReadInaccuracy(ctx, centre.Reader{}, c.ID); err != nil || told.Values == nil {
		t.Errorf("gone before its time: %v", err)
	}
	r.clock.Set(r.clock.Now().Add(40 * day))
	if err := r.Centre.Retain(ctx); err != nil {
		t.Fatal(err)
	}
	if told, err = r.Centre.ReadInaccuracy(ctx, centre.Reader{}, c.ID); err != nil || told.Values != nil || len(told.Words) != 0 {
		t.Errorf("%+v %v", told, err)
	}
	export.Reset()
	if err := r.Centre.ExportInaccuracy(ctx, &export, c.ID); err != nil {
		t.Error(err)
	}
}
