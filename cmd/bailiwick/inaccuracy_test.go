package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiwick/app"
	"bailiwick/config"
	"bailiwick/name"
	"bailiwick/registration"
	"bailiwick/store"
)

// TestInaccuracyCommands takes a case from its opening to its file at the command
// line, on a registration that is known already: nothing is asked of anybody.
func TestInaccuracyCommands(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("BAILIWICK_DATABASE", "sqlite:"+filepath.Join(dir, "state.db"))
	t.Setenv("BAILIWICK_BLOBS", filepath.Join(dir, "blobs"))
	t.Setenv("BAILIWICK_ACCURACY_OBSERVE", "false")
	cfg, err := config.Load("", os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), cfg, app.World{ByHand: true, Dial: func(context.Context, netip.Addr, string, string) (net.Conn, error) {
		return nil, errors.New("there is no network here")
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d, err := name.Parse("example.com")
	if err != nil {
		t.Fatal(err)
	}
	rec := registration.Record{Domain: "example.com", State: registration.Registered, Registrar: registration.Registrar{Name: "Example Registrar", IANAID: "9999", AbuseEmail: "desk@registrar.example"},
		Contacts: map[string]registration.Contact{registration.Registrant: {Name: "Ann Odd", Email: "zanzibar", Phone: "+44.2079460123", Street: []string{"1 Long Lane"}, City: "London", PostalCode: "SW1A 1AA", Country: "GB"}}}
	err = a.Store.Update(t.Context(), func(tx *store.Tx) error {
		_, err := a.Centre.Remember(t.Context(), tx, d, rec, false)
		return err
	})
	if err := errors.Join(err, a.Stop(t.Context())); err != nil {
		t.Fatal(err)
	}
	run := func(status int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := program(t.Context(), append([]string{"inaccuracy"}, args...), &out, &errs); got != status {
			t.Fatalf("inaccuracy %s: status %d, not %d\n%s%s", strings.Join(args, " "), got, status, &out, &errs)
		}
		return out.String()
	}
	run(2, "open", "example.com", "--policy", "none")
	run(2, "list", "--state", "nonsense")
	run(1, "show", "nothing")
	var c struct{ ID, State string }
	if err := json.Unmarshal([]byte(run(0, "open", "www.example.com", "--policy", "waps-raa-2013", "--json")), &c); err != nil || c.State != "found" {
		t.Fatalf("%+v %v", c, err)
	}
	run(1, "open", "example.com", "--policy", "waps-raa-2013") // is open already
	if out := run(0, "show", c.ID); strings.Contains(out, "zanzibar") || !strings.Contains(out, "no clock runs") {
		t.Error(out)
	}
	if out := run(0, "show", c.ID, "--values"); !strings.Contains(out, "it said: zanzibar") {
		t.Error(out)
	}
	if out := run(0, "send", c.ID, "--by", "ann"); !strings.Contains(out, "is sent") {
		t.Error(out)
	}
	if out := run(0, "answer", c.ID, "refused", "--text", "The holder says it is right.", "--by", "ann"); !strings.Contains(out, "is answered") {
		t.Error(out)
	}
	run(1, "close", c.ID, "corrected")
	if out := run(0, "compliance-file", c.ID); strings.Contains(out, "zanzibar") || !strings.Contains(out, "nothing will be done") || !strings.Contains(out, "not submitted by a machine") {
		t.Error(out)
	}
	if out := run(0, "log", c.ID); strings.Contains(out, "zanzibar") || strings.Contains(out, "holder says") {
		t.Error(out)
	}
	export := filepath.Join(dir, "chain.jsonl")
	if err := os.WriteFile(export, []byte(run(0, "log", c.ID, "--export")), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if got := program(t.Context(), []string{"verify", export}, &out, &out); got != 0 {
		t.Errorf("the export does not verify: %s", &out)
	}
	run(0, "close", c.ID, "unresolved")
	if out := run(0, "list", "--json"); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"outcome":"unresolved"`) {
		t.Error(out)
	}
}
