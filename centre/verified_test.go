package centre_test

import (
	"slices"
	"strings"
	"testing"

	"bailiwick/access"
	"bailiwick/accuracy"
	"bailiwick/accuracy/census"
	"bailiwick/centre"
	"bailiwick/inaccuracy"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/verify"
)

// TestVerifiedIsKnown: what a holder answered to this centre is known where its
// data are assessed, for the value that was verified and no other; and once a
// person has a registrar asked about that value, the answer is in doubt.
func TestVerifiedIsKnown(t *testing.T) {
	r, _, to := newVerifier(t, engines[0].dsn(t, false), nil)
	ctx := t.Context()
	const subject, gone = "aurora-b.shopx", "holder@gone.example"
	d, err := name.Parse(subject)
	if err != nil {
		t.Fatal(err)
	}
	shows := func(mail string) {
		r.answered(subject, func(k *registration.Contact) {
			*k = registration.Contact{Name: "Marta Lind", Street: []string{"12 Harbour Road"}, City: "London", PostalCode: "SW1A 1AA", Country: "GB", Email: mail, Phone: "+44.2079460123"}
		})
	}
	// unanswered says whether the mail address is one that nobody has answered from.
	unanswered := func() bool {
		t.Helper()
		if _, err := r.Centre.Assess(ctx, subject); err != nil {
			t.Fatal(err)
		}
		all, err := r.Centre.AccuracyOf(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(n centre.NameAccuracy) bool { return n.Set.Profile == "gtld-rdp-2025" })
		if i < 0 {
			t.Fatalf("no set under the profile: %+v", all)
		}
		f := slices.IndexFunc(all[i].Outcome.Fields, func(f census.Field) bool { return strings.HasSuffix(f.Path, "registrant.email") })
		if f < 0 {
			t.Fatalf("%+v", all[i].Outcome)
		}
		return slices.ContainsFunc(all[i].Outcome.Fields[f].Codes, func(c census.Code) bool { return c.Check == "email.answered" })
	}
	shows(to)
	v := r.open(centre.VerificationDraft{Name: subject, Email: to})
	r.until(hour)
	if !unanswered() {
		t.Error("an answer before there is one")
	}
	if _, err := r.Centre.ReturnCode(ctx, v.ID, "person:ann", r.codes(to, v.ID)[0]); err != nil {
		t.Fatal(err)
	}
	r.until(26 * hour) // what shows nothing new is assessed once a day
	shows(to)
	if unanswered() {
		t.Error("the holder's answer is not known")
	}
	r.until(27 * hour)
	shows("other@" + strings.SplitN(to, "@", 2)[1])
	if !unanswered() {
		t.Error("an answer counts for another address")
	}

	// The address of a mail domain that is not there, shown by a document.
	r.until(28 * hour)
	shows(gone)
	v = r.open(centre.VerificationDraft{Name: subject, Email: gone})
	a := verify.Attest{By: "person:ann", Claims: []verify.Claim{verify.Email}, Level: verify.V2, Method: "documents", Evidence: "correspondence", HeldBy: "registrar:9999", Audit: "ticket-7", Result: verify.Pass}
	if v, _, err = r.Centre.AttestVerification(ctx, v.ID, 0, a, strings.NewReader("a letter")); err != nil || !v.State.Done() {
		t.Fatalf("%+v %v", v, err)
	}
	c, err := r.Centre.OpenInaccuracy(ctx, centre.InaccuracyDraft{Name: subject, Profile: "waps-raa-2013"}, "person:ann")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(c.Findings, func(f inaccuracy.Finding) bool {
		return f.Path == "contacts.registrant.email" && f.Level == accuracy.V2
	}) {
		t.Fatalf("%+v", c.Findings)
	}
	if v = r.verification(v.ID); !v.State.Done() {
		t.Errorf("in doubt before anybody confirmed anything: %s", v.State)
	}
	if _, err := r.Centre.SendInaccuracy(ctx, c.ID, c.Seq, "person:ann", ""); err != nil {
		t.Fatal(err)
	}
	if v = r.verification(v.ID); v.State.Done() || !v.InDoubt || !strings.Contains(r.journal(v.ID), "doubt") {
		t.Errorf("after the finding was confirmed: %s %+v", v.State, v)
	}

	// The file for ICANN holds what the centre itself asked the registrant, and the
	// answers; where it went is for a reader who may see that, and is logged.
	other := r.open(centre.VerificationDraft{Name: subject, Email: "stranger@gone.example", Org: "o1"}) // a member's own
	r.until(30 * hour)
	f, err := r.Centre.InaccuracyFile(ctx, nil, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	text := f.Text()
	for _, want := range []string{"a code by mail to the registrant (withheld): taken by the receiving side", "confirmed by its code 2026-01-05", "of the registrant, a person compared documents: pass", "where verification messages went: withheld"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the file:\n%s", want, text)
		}
	}
	if strings.Contains(text, to) || strings.Contains(text, gone) {
		t.Errorf("a file without personal data names an address:\n%s", text)
	}
	if f, err = r.Centre.InaccuracyFile(ctx, &centre.Reader{}, c.ID); err != nil || !strings.Contains(f.Text(), gone+"): ") || strings.Contains(f.Text(), "stranger@") {
		t.Errorf("%v\n%s", err, f.Text())
	}
	for id, want := range map[string]int{v.ID: 1, other.ID: 0} {
		if es, err := r.Access.Entries(ctx, access.EntryFilter{Kind: access.VerifiedContact, Object: id}); err != nil || len(es) != want {
			t.Errorf("%d looks are logged, not %d: %v", len(es), want, err)
		}
	}
	viewer := access.Person{ID: "v", Roles: []access.Role{access.Viewer}}
	if _, err := r.Centre.InaccuracyFile(ctx, &centre.Reader{Desk: r.Access, Person: viewer, Purpose: access.Work}, c.ID); problem.CodeOf(err) != problem.Refused {
		t.Errorf("without the role: %v", err)
	}
}
