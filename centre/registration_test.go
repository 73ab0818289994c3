package centre

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/clock"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
)

func TestRegistrationHistory(t *testing.T) {
	ctx := t.Context()
	clk := clock.NewVirtual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	st, err := store.Open(ctx, "sqlite:"+t.TempDir()+"/a.db", store.Options{Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	c := &Centre{Parts: Parts{Store: st, Clock: clk}}
	d, err := name.Parse("shop.example")
	if err != nil {
		t.Fatal(err)
	}
	sha, err := st.PutBlob(ctx, "application/rdap+json", []byte("raw"))
	if err != nil {
		t.Fatal(err)
	}
	rec := func(server, who string) registration.Record {
		r := registration.Record{State: registration.Registered, Domain: d.String(), Nameservers: []string{server},
			Contacts: map[string]registration.Contact{"registrant": {Name: who, Country: "DE"}}, Fields: map[string]registration.FieldState{"contacts.registrant.email": registration.Redacted},
			Sources: map[string]registration.Source{"": {Protocol: "rdap", Server: "https://rdap.example/", Role: "registry", At: clk.Now(), Blob: sha}}}
		return r
	}
	hear := func(r registration.Record, plain bool, want int) {
		t.Helper()
		clk.Set(clk.Now().Add(time.Hour))
		var got int
		if err := st.Update(ctx, func(tx *store.Tx) error {
			got, err = c.Remember(ctx, tx, d, r, plain)
			return err
		}); err != nil || got != want {
			t.Fatalf("version %d %v, want %d", got, err, want)
		}
	}
	if _, err := c.Registration(ctx, d); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("got %v", err)
	}
	hear(rec("ns1.example", "Ada Example"), false, 1)
	hear(rec("ns1.example", "Ada Example"), false, 1)
	hear(registration.Record{State: registration.Throttled}, false, 0)
	hear(rec("ns2.example", "Ada Example"), true, 2)   // another name server; contacts were not asked for
	hear(rec("ns2.example", "Ada Example"), false, 2)  // and now they are
	hear(rec("ns2.example", "Eve Elsewhere"), true, 2) // without contacts nothing changed
	hear(rec("ns2.example", "Eve Elsewhere"), false, 3)
	hear(registration.Record{State: registration.Available, Domain: d.String()}, false, 4)

	all, err := c.RegistrationHistory(ctx, d)
	if err != nil || len(all) != 4 {
		t.Fatalf("%d versions, %v", len(all), err)
	}
	for i, v := range all {
		if v.Number != 4-i || v.Record.Contacts != nil {
			t.Errorf("%+v", v)
		}
	}
	if v := all[3]; v.Seen != 2 || len(v.Answers) != 1 || v.Answers[0].Blob != sha || v.Contacts != ContactsKept || v.Record.Fields["contacts.registrant.email"] != registration.Redacted {
		t.Errorf("%+v", v)
	}
	if v := all[1]; len(v.Changes) != 1 || v.Changes[0].Path != "contacts.registrant.name" || v.Changes[0].From+v.Changes[0].To != "" {
		t.Errorf("the change of a person shows too much, or nothing: %+v", v.Changes)
	}
	if v := all[0]; v.Record.State != registration.Available || v.Contacts != ContactsNone {
		t.Errorf("%+v", v)
	}

	// A piece of it is as the whole has it.
	for skip := range len(all) + 1 {
		for limit := 1; limit < 6; limit++ {
			page, n, err := c.RegistrationPage(ctx, d, skip, limit)
			want := all[skip:min(len(all), skip+limit)]
			if err != nil || n != len(all) || len(page) != len(want) || len(want) > 0 && !reflect.DeepEqual(page, want) {
				t.Errorf("%d behind %d: %+v of %d, %v", limit, skip, page, n, err)
			}
		}
	}

	// Contacts are for who may see them, and the look is logged.
	desk := access.New(st.Access(), access.Options{Clock: clk, NewID: func() string { return "id" }})
	analyst, viewer := access.Person{ID: "a", Roles: []access.Role{access.Analyst}}, access.Person{ID: "v", Roles: []access.Role{access.Viewer}}
	v, err := c.RegistrationContacts(ctx, Reader{desk, analyst, access.Work}, d, 3)
	if err != nil || v.Record.Contacts["registrant"].Name != "Eve Elsewhere" {
		t.Errorf("%+v %v", v, err)
	}
	for _, r := range []Reader{{desk, viewer, access.Work}, {desk, viewer, access.Read}, {desk, analyst, access.Read}, {desk, access.Person{}, access.Work}} {
		if v, err := c.RegistrationContacts(ctx, r, d, 3); err == nil {
			t.Errorf("%v for %s saw %+v", r.Person.Roles, r.Purpose, v)
		}
	}
	entries := 0
	if err := st.Access().UpdateAccess(ctx, func(rows access.Rows) error {
		es, err := rows.Entries(ctx, access.EntryFilter{})
		for _, e := range es {
			if e.Kind == access.Registration && e.Object == d.String() && e.Actor == "person:a" {
				entries++
			}
		}
		return err
	}); err != nil || entries != 1 {
		t.Errorf("%d looks are logged, %v", entries, err)
	}

	// They expire, and come back when they are answered again.
	clk.Set(clk.Now().Add(200 * 24 * time.Hour))
	if _, err := st.Sweep(ctx, clk.Now(), store.Retention{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RegistrationContacts(ctx, Reader{desk, analyst, access.Work}, d, 3); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("expired contacts: %v", err)
	}
	if all, err = c.RegistrationHistory(ctx, d); err != nil || all[1].Contacts != ContactsExpired || !all[1].Answers[0].Gone || len(all[1].Record.Nameservers) != 1 {
		t.Errorf("%+v %v", all, err)
	}
	hear(rec("ns2.example", "Eve Elsewhere"), false, 5)
	hear(rec("ns2.example", "Eve Elsewhere"), false, 5)
	if v, err := c.RegistrationContacts(context.WithoutCancel(ctx), Reader{desk, analyst, access.Work}, d, 0); err != nil || v.Number != 5 || len(v.Record.Contacts) == 0 {
		t.Errorf("%+v %v", v, err)
	}

	// Who looks a name up for an open case keeps what came out, as a look does; for a
	// case about another name, or none, nothing is kept.
	subject := func(id, n string) store.Case {
		other, err := name.Parse(n)
		if err != nil {
			t.Fatal(err)
		}
		row, err := pack(casework.Case{ID: id, Subject: party.Subject{Kind: party.RegisteredDomain, Name: other}, Type: "phishing", State: casework.Coordinating, Opened: clk.Now(), Seq: 1})
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	if err := st.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.PutCase(ctx, subject("c1", "shop.example"), 0), tx.PutCase(ctx, subject("c2", "other.example"), 0))
	}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]problem.Code{"c1": "", "c2": problem.Invalid, "none": problem.NotFound} {
		if err := c.HoldRegistration(ctx, d, id); want == "" && err != nil || want != "" && problem.CodeOf(err) != want {
			t.Errorf("held for %s: %v", id, err)
		}
	}
	clk.Set(clk.Now().Add(400 * 24 * time.Hour))
	if _, err := st.Sweep(ctx, clk.Now(), store.Retention{}); err != nil {
		t.Fatal(err)
	}
	if v, err := c.RegistrationContacts(ctx, Reader{desk, analyst, access.Work}, d, 5); err != nil || len(v.Record.Contacts) == 0 {
		t.Errorf("what a case rests on expired: %+v %v", v, err)
	}
}

// TestContactsApart: everything that is a contact's goes into what expires, and
// comes back from it.
func TestContactsApart(t *testing.T) {
	rec := registration.Record{
		State: registration.Registered, Domain: "shop.example",
		Contacts: map[string]registration.Contact{registration.Registrant: {Name: "Alice Example", Country: "DE"}},
		Unread:   map[string]string{"contacts.registrant.phone": "call us", "created": "long ago"},
		Given:    map[string]string{"contacts.registrant.country": "Germany"},
	}
	left, err := json.Marshal(bare(rec))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"Alice", "call us", "Germany"} {
		if strings.Contains(string(left), s) {
			t.Errorf("%q is left in %s", s, left)
		}
	}
	sealed, err := personal(rec)
	if err != nil {
		t.Fatal(err)
	}
	again, err := whole(bare(rec), sealed)
	if err != nil || !reflect.DeepEqual(again, rec) {
		t.Errorf("%+v, %v; want %+v", again, err, rec)
	}
}
