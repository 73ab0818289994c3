package centre_test

import (
	"errors"
	"testing"
	"time"

	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
)

// submitted files a report in a centre without a network and gives its case.
func submitted(t *testing.T, a *app.App, url string) casework.Case {
	t.Helper()
	rc, err := a.Centre.Submit(t.Context(), centre.Submission{Source: "test", Body: []byte(claimOf("phishing", url))})
	if err != nil {
		t.Fatal(err)
	}
	var id string
	if err := a.Store.View(t.Context(), func(tx *store.Tx) error {
		r, err := tx.ReportByReceipt(t.Context(), rc.Receipt)
		id = r.ID
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := a.Centre.Triage(t.Context(), []string{id}); err != nil {
		t.Fatal(err)
	}
	if rc, err = a.Centre.ReportState(t.Context(), rc.Receipt); err != nil || len(rc.Cases) != 1 {
		t.Fatalf("%+v %v", rc, err)
	}
	c, err := a.Centre.Case(t.Context(), rc.Cases[0])
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestActSince acts on a case as it stood before: what others did meanwhile
// stops it, what happens all the time does not.
func TestActSince(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		c := submitted(t, a, "http://bad.example.com/")
		seen := c.Seq
		submitted(t, a, "http://bad.example.com/2") // joins it
		after, err := a.Centre.ActSince(t.Context(), c.ID, seen, casework.AddNote{By: "person:1", Text: "mine"})
		if err != nil || after.Seq <= seen {
			t.Fatalf("a report stops a person: %v", err)
		}
		_, err = a.Centre.ActSince(t.Context(), c.ID, seen, casework.Close{By: "person:2", Reason: "theirs"})
		var m *centre.Meanwhile
		if !errors.As(err, &m) || problem.CodeOf(err) != problem.Conflict || m.Events[len(m.Events)-1].Actor != "person:1" {
			t.Fatalf("%v %+v", err, m)
		}
		if now, err := a.Centre.Case(t.Context(), c.ID); err != nil || now.Seq != after.Seq {
			t.Errorf("something was done: %d %v", now.Seq, err)
		}
		if err := a.Centre.Unchanged(t.Context(), c.ID, seen); !errors.As(err, &m) {
			t.Errorf("%v", err)
		}
		if err := a.Centre.Unchanged(t.Context(), c.ID, after.Seq); err != nil {
			t.Errorf("%v", err)
		}
		if _, err := a.Centre.ActSince(t.Context(), c.ID, after.Seq, casework.Close{By: "person:2", Reason: "theirs"}); err != nil {
			t.Errorf("%v", err)
		}
		if err := a.Centre.Unchanged(t.Context(), "none", 1); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("%v", err)
		}
	})
}

// TestDossier reads what a case page, a queue, a name's page and a party's page
// show.
func TestDossier(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		ctx := t.Context()
		c := submitted(t, a, "http://bad.example.com/")
		submitted(t, a, "http://worse.example.net/")
		plan := casework.Plan{TLD: "gtld", Parties: []party.Party{{ID: "host:1", Role: party.Host, Name: "Northbox", Email: "abuse@northbox.example", Reachable: true, PGPKey: "key"}}}
		c, err := a.Centre.Act(ctx, c.ID, casework.Look{Finding: casework.Finding{At: a.Centre.Clock.Now(), Live: true, Claimed: true, Class: casework.Compromised}, Plan: plan}, casework.Confirm{By: "person:1", Plan: plan})
		if err != nil {
			t.Fatal(err)
		}
		sha, err := a.Store.PutBlob(ctx, "text/html", []byte("a page"))
		if err == nil {
			err = a.Store.Update(ctx, func(tx *store.Tx) error { return tx.RefBlob(ctx, sha, store.OwnerCase, c.ID) })
		}
		other, oerr := a.Store.PutBlob(ctx, "text/html", []byte("of nobody"))
		if err = errors.Join(err, oerr); err != nil {
			t.Fatal(err)
		}
		d, err := a.Centre.Dossier(ctx, c.ID, 0, 2, 10)
		if err != nil || d.Case.Seq != c.Seq || len(d.Events) != 2 || d.Earlier != c.Seq-2 || d.Events[1].Seq != c.Seq || len(d.Notices) != 1 || d.EvidenceAll != 1 || d.Evidence[0].SHA != sha || d.Playbook.Hash() != c.Playbook {
			t.Errorf("%+v %v", d, err)
		}
		if d, err = a.Centre.Dossier(ctx, c.ID, 3, 10, 0); err != nil || len(d.Events) != 2 || d.Earlier != 0 {
			t.Errorf("before event 3: %d, %d earlier: %v", len(d.Events), d.Earlier, err)
		}
		if _, err := a.Centre.Dossier(ctx, "none", 0, 1, 1); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("no case: %v", err)
		}
		if b, media, err := a.Centre.Evidence(ctx, c.ID, sha); err != nil || string(b) != "a page" || media != "text/html" {
			t.Errorf("%q %s %v", b, media, err)
		}
		for _, s := range []string{other, "", "nonsense"} {
			if _, _, err := a.Centre.Evidence(ctx, c.ID, s); err == nil {
				t.Errorf("%q is shown as evidence of a case that it is not of", s)
			}
		}
		p, err := a.Centre.Queue(ctx, store.QueueFilter{State: "open", Limit: 1})
		if err != nil || len(p.Cases) != 1 || p.Found != 2 || p.Next == nil {
			t.Fatalf("%+v %v", p, err)
		}
		if p, err = a.Centre.Queue(ctx, store.QueueFilter{State: "open", Limit: 1, After: p.Next}); err != nil || len(p.Cases) != 1 || p.Cases[0].ID != c.ID || p.Next != nil || p.Found != 2 {
			t.Errorf("%+v %v", p, err)
		}
		if ns, err := a.Centre.CountQueues(ctx, store.QueueFilter{State: "open"}, store.QueueFilter{State: "closed"}); err != nil || ns[0] != 2 || ns[1] != 0 {
			t.Errorf("%v %v", ns, err)
		}
		if cs, err := a.Centre.CasesOfName(ctx, "BAD-not"); err != nil || len(cs) != 0 {
			t.Errorf("%v %v", cs, err)
		}
		if cs, err := a.Centre.CasesOfName(ctx, c.Subject.Key()); err != nil || len(cs) == 0 {
			t.Errorf("%v %v", cs, err)
		}
		asks, err := a.Centre.PartyAsks(ctx, "host:1", 10)
		if err != nil || len(asks) != 1 || asks[0].Case != c.ID || asks[0].Obligation.Party.Name != "Northbox" || asks[0].Obligation.Party.PGPKey != "" {
			t.Errorf("%+v %v", asks, err)
		}
		f, err := centre.NewFiguresDesk(a.Centre).Figures(ctx)
		if err != nil || f.Cases.All != 2 || f.Cases.Confirmed != 1 || f.Reports.All != 2 || time.Since(f.At) > time.Minute {
			t.Errorf("%+v %v", f, err)
		}
	})
}
