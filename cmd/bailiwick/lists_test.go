package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAccuracyLists(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	n := 0
	lists := func(disposable, proxies string) *env {
		n++
		return &env{config: write(fmt.Sprint("c", n, ".yaml"), "files:\n  disposable: "+disposable+"\n  proxies: "+proxies+"\n")}
	}
	domains := write("domains", "throw.example\n")
	services := write("services", "name\tElm Privacy\tElm\tours\tgeneral knowledge\t2026-11-26\n")
	l, err := accuracyLists(lists(domains, services))
	if err != nil || !l.Disposable.Has("a.throw.example") || l.Proxies.Len() != 1 {
		t.Errorf("%+v %v", l, err)
	}
	if l, err := accuracyLists(&env{config: write("empty.yaml", "{}\n")}); err != nil || l.Disposable != nil || l.Proxies != nil {
		t.Errorf("without a list: %+v %v", l, err)
	}
	for _, c := range []struct {
		e    *env
		want string
	}{
		{lists(write("bad", "throw.example\nno domain\n"), services), "files.disposable"},
		{lists(domains, write("worse", "name\tElm\n")), "line 1"},
		{lists(filepath.Join(dir, "none"), services), "cannot be opened"},
	} {
		if _, err := accuracyLists(c.e); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
