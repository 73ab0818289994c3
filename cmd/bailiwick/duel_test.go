package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// duelWorld is a year in which every party and every reporter has a machine
// that answers each mail it gets, or nothing that answers.
func duelWorld(tb testing.TB, mailboxes ...string) string {
	tb.Helper()
	kind := func(i int) string { return mailboxes[i%len(mailboxes)] }
	text := fmt.Sprintf(`
name: a year of machines
days: 365
tlds:
  - {name: shopx, behaviour: {like: silent, mailbox: %s}}
registrars:
  - {name: Muted Registrations, behaviour: {like: silent, mailbox: %s}}
hosts:
  - {name: Quietrack, behaviour: {like: silent, mailbox: %s}}
blocklists:
  - {name: Safe Lists, behaviour: {like: silent, mailbox: %s}}
constituents:
  - {name: Aurora Bank, domains: [aurora-bank.shopx], behaviour: {like: silent, mailbox: %s}}
reporters:
  - {name: Hosting Desk, format: mail_html, behaviour: {like: silent, mailbox: %s}}
  - {name: Second Desk, format: forward, behaviour: {like: silent, mailbox: %s}}
names:
  - {name: aurora-login.shopx, site: {kind: phishing, brand: Aurora Bank, path: /verify/}}
reports:
  - {at: 1h, name: aurora-login.shopx, from: Hosting Desk}
  - {at: 2h, name: aurora-login.shopx, from: Second Desk}
  - {at: 30d, name: aurora-login.shopx, from: Hosting Desk}
`, kind(0), kind(1), kind(2), kind(3), kind(4), kind(5), kind(6))
	file := filepath.Join(tb.TempDir(), "duel.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

// Over a year the centre sends machines that answer everything no message more
// than it sends mailboxes that answer nothing: no message of ours is caused by
// one of theirs.
func TestYearOfMachines(t *testing.T) {
	t.Parallel()
	quiet := demo(t, nil, "--scenario", duelWorld(t, "accept"))
	if quiet.sum.Lab.SMTP < 10 {
		t.Fatalf("only %d messages were sent in a year", quiet.sum.Lab.SMTP)
	}
	for _, machines := range [][]string{{"rude_ticket", "ticket", "autoreply", "rude_autoreply", "vacation", "rude_ticket", "rude_autoreply"}} {
		loud := demo(t, nil, "--scenario", duelWorld(t, machines...))
		if loud.sum.Lab.SMTP != quiet.sum.Lab.SMTP {
			t.Errorf("%v: %d messages were sent; to mailboxes that answer nothing, %d", machines, loud.sum.Lab.SMTP, quiet.sum.Lab.SMTP)
		}
		if m := loud.sum.Mail; m == nil || m.Taken < quiet.sum.Lab.SMTP/2 {
			t.Errorf("%v: the machines were hardly heard: %+v", machines, m)
		} else {
			t.Logf("%v: %d messages sent, %d machines' mails and reports came in, %d receipts", machines, loud.sum.Lab.SMTP, m.Taken, m.Receipts)
		}
		if loud.sum.Cases != quiet.sum.Cases || loud.sum.Reports != quiet.sum.Reports {
			t.Errorf("%v: %d cases and %d reports; to mailboxes that answer nothing, %d and %d", machines, loud.sum.Cases, loud.sum.Reports, quiet.sum.Cases, quiet.sum.Reports)
		}
	}
}
