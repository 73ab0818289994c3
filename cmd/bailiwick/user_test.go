package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiwick/access"
	"bailiwick/clock"
	"bailiwick/problem"
	"bailiwick/store"
)

// TestUser keeps people, keys and organisations from the command line.
func TestUser(t *testing.T) {
	dir := t.TempDir()
	dsn := "sqlite:" + filepath.Join(dir, "state.db")
	t.Setenv("BAILIWICK_DATABASE", dsn)
	t.Setenv("BAILIWICK_BLOBS", filepath.Join(dir, "blobs"))
	t.Setenv("BAILIWICK_BASE_URL", "https://desk.example/")
	user := func(status int, args ...string) (string, string) {
		t.Helper()
		var out, errs bytes.Buffer
		if got := program(t.Context(), append([]string{"user"}, args...), &out, &errs); got != status {
			t.Fatalf("user %s: status %d, not %d\n%s%s", strings.Join(args, " "), got, status, &out, &errs)
		}
		return out.String(), errs.String()
	}
	if out, _ := user(0, "list"); !strings.Contains(out, "nobody yet") {
		t.Error(out)
	}
	user(2, "add", "ada", "--role", "root")
	user(2, "add", "ada", "--role", "member")
	user(2, "add", "ada", "--role", "member", "--org", "Example Bank")
	user(0, "org", "Example Bank")
	user(1, "org", "example bank")
	if out, _ := user(0, "org"); !strings.Contains(out, "Example Bank") {
		t.Error(out)
	}
	out, errs := user(0, "add", "Ada", "--name", "Ada E.", "--role", "admin,analyst", "--role", "member", "--org", "example bank")
	link, ok := strings.CutPrefix(strings.TrimSpace(out), "https://desk.example"+access.WelcomePath)
	if !ok || len(link) != 22 || !strings.Contains(errs, "24 hours") {
		t.Fatalf("%s%s", out, errs)
	}
	user(1, "add", "ada", "--role", "viewer")
	has(t, "a person", objects(t, first(user(0, "list", "--json")))[0], "id", "login", "name", "org", "roles", "created", "waiting")

	st, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	desk := access.New(st.Access(), access.Options{Clock: clock.Real{}, NewID: func() string { return "x" }, Params: access.Params{Time: 1, Memory: 64, Threads: 1}})
	token, p, err := desk.Redeem(t.Context(), link, "correct horse battery")
	if err != nil || p.Login != "ada" {
		t.Fatalf("%+v %v", p, err)
	}

	user(2, "key", "ada", "--name", "feeder", "--role", "viewer")
	user(2, "key", "ada", "--name", "feeder", "--days", "-1")
	user(1, "key", "bob", "--name", "feeder")
	secret, errs := user(0, "key", "ada", "--name", "feeder", "--role", "analyst,api", "--days", "30")
	if who, err := desk.Identify(t.Context(), strings.TrimSpace(secret)); err != nil || !who.Has(access.Analyst) || strings.Contains(errs, "bw_") {
		t.Errorf("%+v %v %s", who, err, errs)
	}
	keys := objects(t, first(user(0, "keys", "ada", "--json")))
	has(t, "a key", keys[0], "id", "name", "owner", "roles", "created", "expires")
	if strings.Contains(first(user(0, "keys")), strings.TrimSpace(secret)) {
		t.Error("the key is shown again")
	}
	id := strings.Trim(string(keys[0]["id"]), `"`)
	user(0, "revoke", id)
	user(1, "revoke", id)

	user(1, "disable", "ada") // the only administrator
	user(0, "add", "root", "--role", "admin")
	if out, _ := user(0, "link", "root"); !strings.HasPrefix(out, "https://desk.example"+access.WelcomePath) {
		t.Error(out)
	}
	user(1, "disable", "ada") // root has no password yet
	root, err := desk.PersonByLogin(t.Context(), "root")
	if err != nil {
		t.Fatal(err)
	}
	if err := desk.SetPassword(t.Context(), access.Console, root.ID, "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	user(0, "roles", "ada", "--role", "viewer")
	user(0, "disable", "ADA")
	if _, _, err := desk.Lookup(t.Context(), token); !access.Unknown(err) {
		t.Errorf("%v", err)
	}
	if out, _ := user(0, "list"); !strings.Contains(out, "disabled") || !strings.Contains(out, "viewer") || strings.Contains(out, "argon2") {
		t.Error(out)
	}
	user(0, "enable", "ada")
	user(0, "delete", "ada")
	user(1, "delete", "ada")
	log := first(user(0, "log", "--who", "person:"+p.ID, "--json"))
	has(t, "a line of the log", objects(t, log)[0], "id", "at", "actor", "act", "kind", "object")
	if !strings.Contains(first(user(0, "log", "--who", "console")), "person deleted") || !strings.Contains(log, "signed in") {
		t.Error(log)
	}
}

func first(a, _ string) string { return a }

func TestReadPassword(t *testing.T) {
	for in, want := range map[string]string{"correct horse battery\n": "correct horse battery", "no end of line": "no end of line", " kept as it is \r\nmore\n": " kept as it is ", "": "!"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.WriteString(in); err != nil {
			t.Fatal(err)
		}
		w.Close()
		got, err := readPassword(&env{errs: &bytes.Buffer{}}, r)
		r.Close()
		if want == "!" {
			if problem.CodeOf(err) != problem.Invalid {
				t.Errorf("%q: %q %v", in, got, err)
			}
		} else if got != want || err != nil {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
}
