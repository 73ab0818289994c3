package centre_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/store"
)

// deskWorld has registrars that the contact list of the tests knows.
const deskWorld = `
days: 60
tlds: [{name: shopx}]
registrars:
  - {name: Desk One, iana_id: 7001, behaviour: silent}
  - {name: Desk Two, iana_id: 7002, mail: abuse@desk-one.example, behaviour: silent}
  - {name: Gone Names, iana_id: 7003, behaviour: bouncing}
  - {name: Form Names, iana_id: 7004, mail: none}
hosts: [{name: Quietrack, behaviour: silent}]
constituents: [{name: Aurora Bank, domains: [aurora-bank.shopx], behaviour: silent}]
names:
  - {name: aurora-login.shopx, site: {kind: phishing, path: /verify/}, registrar: Form Names}
  - {name: aurora-a.shopx, registrar: Desk One}
  - {name: aurora-b.shopx, registrar: Desk Two}
  - {name: aurora-c.shopx, registrar: Desk One}
  - {name: aurora-d.shopx, registrar: Gone Names}
  - {name: aurora-e.shopx, registrar: Gone Names}
`

const deskList = `iana_id,name,site,email,form,api,notes,as_of
7001,Desk One,desk-one.example,abuse@desk-one.example,,,,2026-01-01
7002,Desk Two,desk-one.example,abuse@desk-one.example,,,,2026-01-01
7003,Gone Names,,abuse@desk-one.example,,,,2026-01-01
7004,Form Names,,,https://form-names.example/abuse,,Use the English page,2026-01-01
`

// withList gives the centre the contact list above.
func withList(t *testing.T) func(*app.World) {
	return func(w *app.World) {
		list, err := party.ReadContacts([]byte(deskList), nil, name.DefaultSuffixes())
		if err != nil {
			t.Fatal(err)
		}
		w.Parties.Contacts = list
	}
}

func (r *rig) obligation(subject, step string) casework.Obligation {
	r.t.Helper()
	c := r.only(subject)
	i := slices.IndexFunc(c.Obligations, func(o casework.Obligation) bool { return o.Step == step })
	if i < 0 {
		r.t.Fatalf("%s: no obligation of step %s", subject, step)
	}
	return c.Obligations[i]
}

// TestHandOff carries an ask to a registrar that only a form reaches: the task,
// its text, the proof, the clock, the escalation, and what is erased in the end.
func TestHandOff(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), deskWorld, options{drive: swept, world: withList(t)})
		ctx := t.Context()
		r.filed(claimOf("phishing", "https://aurora-login.shopx/verify/?e=victim@bank.example"))
		r.until(hour)
		c := r.only("aurora-login.shopx")
		o := r.obligation("aurora-login.shopx", "registrar")
		if o.Status != casework.HandOff || o.Party.Form != "https://form-names.example/abuse" || !strings.Contains(o.Party.Basis, "contact list of 2026-01-01") {
			t.Fatalf("%+v", o)
		}
		tasks, err := r.Centre.HandOffs(ctx)
		if err != nil || len(tasks) != 1 || tasks[0].Obligation != o.ID || tasks[0].Note != "Use the English page" || tasks[0].Wait != "" || tasks[0].Why == "" {
			t.Fatalf("%+v %v", tasks, err)
		}

		x, err := r.Centre.HandOffText(ctx, c.ID, o.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"hxxps://aurora-login[.]shopx/verify/", "WHAT IS ASKED", x.ReplyTo, x.AnswerURL, "IANA ID 7004", "Or write to this address"} {
			if !strings.Contains(x.Text, want) {
				t.Errorf("%q is not in the text:\n%s", want, x.Text)
			}
		}
		for _, not := range []string{"https://aurora-login.shopx", "victim@", "?e=", "reply to this message", "attached", "handoff.invalid"} {
			if strings.Contains(x.Text+x.Title+strings.Join(x.URLs, " "), not) {
				t.Errorf("%q is in the text:\n%s", not, x.Text)
			}
		}
		if !strings.Contains(x.Title, c.ID) || len(x.URLs) != 1 || !strings.HasPrefix(x.URLs[0], "hxxps://aurora-login[.]shopx/verify/") {
			t.Errorf("%q %q", x.Title, x.URLs)
		}

		// A slip of the hand changes nothing.
		for _, bad := range []struct {
			how   string
			proof []byte
			want  problem.Code
		}{{" ", nil, problem.Invalid}, {"form", make([]byte, centre.MaxProof+1), problem.TooLarge}} {
			if err := r.Centre.HandedWithProof(ctx, c.ID, o.ID, "person:1", bad.how, bad.proof); problem.CodeOf(err) != bad.want {
				t.Errorf("%q: %v", bad.how, err)
			}
		}
		if _, _, err := r.Centre.Proof(ctx, c.ID, o.ID); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("a proof of nothing: %v", err)
		}

		picture := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{7}, 3<<20)...) // large: a file
		if err := r.Centre.HandedWithProof(ctx, c.ID, o.ID, "person:1", "web form, ticket 4711", picture); err != nil {
			t.Fatal(err)
		}
		got, media, err := r.Centre.Proof(ctx, c.ID, o.ID)
		if err != nil || media != "image/png" || !bytes.Equal(got, picture) {
			t.Fatalf("%d octets of %s: %v", len(got), media, err)
		}
		handed := r.obligation("aurora-login.shopx", "registrar")
		if handed.Status != casework.Running || !handed.Delivered.Equal(r.clock.Now()) || handed.Due.Sub(handed.Delivered) != 48*hour {
			t.Fatalf("%+v", handed)
		}
		es, err := r.Centre.Events(ctx, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		last := es[len(es)-1]
		var b casework.Delivered
		if err := json.Unmarshal(last.Payload.Body, &b); err != nil || last.Actor != "person:1" || b.Proof != handed.Proof || !strings.Contains(b.Response, "ticket 4711") {
			t.Errorf("%s: %+v %v", last.Actor, b, err)
		}
		if tasks, err := r.Centre.HandOffs(ctx); err != nil || len(tasks) != 0 {
			t.Errorf("still to do: %+v %v", tasks, err)
		}

		// The clock runs, nothing is mailed to a form, and the next party is asked.
		r.until(3 * day)
		if o := r.obligation("aurora-login.shopx", "registrar"); o.Status != casework.Missed || o.Notices != 0 {
			t.Errorf("%+v", o)
		}
		r.obligation("aurora-login.shopx", "registry")
		if x, err := r.Centre.HandOffText(ctx, c.ID, o.ID); err != nil || !strings.Contains(x.Title, "Still seen") {
			t.Errorf("%q %v", x.Title, err)
		}
		for _, n := range r.notices(c) {
			if n.Obligation == o.ID {
				t.Errorf("a notice to a form: %+v", n)
			}
		}
		r.check()

		// An unreferenced blob goes after a day; this one is evidence of the case.
		if err := r.Centre.Retain(ctx); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Centre.Proof(ctx, c.ID, o.ID); err != nil {
			t.Errorf("the proof is gone: %v", err)
		}
		if _, err := r.Centre.Purge(ctx, c.ID, "person:1"); err != nil {
			t.Fatal(err)
		}
		if b, _, err := r.Centre.Proof(ctx, c.ID, o.ID); err == nil {
			t.Errorf("%d octets of the proof outlive the purge", len(b))
		}
		if _, err := r.Centre.HandOffText(ctx, c.ID, o.ID); problem.CodeOf(err) != problem.Conflict {
			t.Errorf("a text about a closed case: %v", err)
		}
	})
}

// TestHandOffWaits: what seems gone, or is no longer judged malicious, is
// handed over to nobody.
func TestHandOffWaits(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), strings.Replace(deskWorld, "registrar: Form Names}", "registrar: Form Names, then: [{at: 2h, do: remove}]}", 1), options{drive: swept, world: withList(t)})
		r.ask("aurora-login.shopx")
		r.until(4 * hour)
		tasks, err := r.Centre.HandOffs(t.Context())
		if err != nil || len(tasks) != 1 || !strings.Contains(tasks[0].Wait, "not seen at the latest look") {
			t.Fatalf("%+v %v", tasks, err)
		}
	})
}

// TestDeskCap asks two accreditations of one desk: the cap of a party is the
// desk's.
func TestDeskCap(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), deskWorld, options{drive: swept, world: withList(t), change: func(c *config.Config) { c.Mail.PerPartyPerDay = 2 }})
		for _, n := range []string{"aurora-a.shopx", "aurora-b.shopx", "aurora-c.shopx"} {
			r.ask(n)
		}
		r.until(12 * hour)
		sent := 0
		for _, m := range r.world.Mails() {
			if m.To == "abuse@desk-one.example" {
				sent++
			}
		}
		if sent != 2 {
			t.Errorf("%d messages reached the desk", sent)
		}
		held := false
		for _, n := range r.notices(r.only("aurora-c.shopx")) {
			held = held || n.To == "abuse@desk-one.example" && n.State == store.NoticeDue && strings.Contains(n.Response, "to this party in 24 hours, the cap is 2")
		}
		if !held {
			t.Error("the third ask does not say what it waits for")
		}
		for _, n := range []string{"aurora-a.shopx", "aurora-b.shopx"} {
			if o := r.obligation(n, "registrar"); o.Party.Desk != "abuse@desk-one.example" {
				t.Errorf("%s: desk %q", n, o.Party.Desk)
			}
		}
	})
}

// TestHealthDecides has a registrar whose mailbox refuses for good. The next
// name of the same registrar goes to the next contact at once, and the party
// says why; silence is told, and the figures are those of the logs.
func TestHealthDecides(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), deskWorld, options{drive: swept, world: withList(t)})
		ctx := t.Context()
		r.ask("aurora-d.shopx")
		const first = "abuse@gone-names.example"
		// The ask that bounced goes to the next contact at the next look.
		r.until(3 * hour)
		if o := r.obligation("aurora-d.shopx", "registrar"); o.Status != casework.Running || o.Party.Email != "abuse@desk-one.example" || o.Notices != 2 {
			t.Errorf("%+v", o)
		}
		r.ask("aurora-e.shopx")
		p := r.obligation("aurora-e.shopx", "registrar").Party
		if p.Email != "abuse@desk-one.example" || !strings.Contains(p.Passed, "bounced on 2026-01-05") || !strings.Contains(p.Basis, "contact list of 2026-01-01") {
			t.Fatalf("%+v", p)
		}
		known, err := r.Centre.Party(ctx, "registrar:7003")
		if err != nil || known.Name != "Gone Names" || known.Verdict == party.Bounces || len(known.Contacts) != 2 {
			t.Fatalf("%+v %v", known, err)
		}
		r.ask("aurora-a.shopx")
		r.until(10 * day)
		byMail, err := r.Centre.Party(ctx, "Abuse@desk-one.example")
		if err != nil || byMail.Desk == nil || len(byMail.Contacts) != 1 {
			t.Fatalf("%+v %v", byMail, err)
		}
		if f := byMail.Contacts[0]; f.Silent < 2 || f.Answered != 0 || f.Accepted < f.Asks || f.Verdict != party.Silent || !strings.Contains(f.Words, "never answered") {
			t.Errorf("%+v", f)
		}
		// An answer ends the silence.
		o := r.obligation("aurora-a.shopx", "registrar")
		if _, err := r.Centre.Act(ctx, r.only("aurora-a.shopx").ID, casework.Answer{Obligation: o.ID, By: "party:" + o.ID, Answer: "received"}); err != nil {
			t.Fatal(err)
		}
		all, err := r.Centre.Contacts(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]centre.Contact{}
		for _, c := range all {
			seen[c.Address] = c
		}
		if c := seen["abuse@desk-one.example"]; c.Verdict != party.Works || !c.LastPerson.Equal(r.clock.Now()) || !slices.Contains(c.Parties, "registrar:7001") {
			t.Errorf("%+v", c)
		}
		if c := seen[first]; c.Verdict != party.Bounces || c.Score != 0 || c.Refusal == "" {
			t.Errorf("%s: %+v", first, c)
		}
		if _, err := r.Centre.Party(ctx, "registrar:1"); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("an unknown party: %v", err)
		}
	})
}
