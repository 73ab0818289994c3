package web_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy/census"
	"bailiwick/accuracy/frame"
	"bailiwick/centre"
	"bailiwick/clock"
	"bailiwick/lab/population"
)

// TestAccuracyPublic: a TLD or registrar that is shown to everybody only with
// others has no page of its own, is in no table, and follows from no two of them;
// a month of few names is shown nowhere, nor the one beside it that would give it.
func TestAccuracyPublic(t *testing.T) {
	d := newDesk(t)
	nobody := visitor()
	regs := []population.Registrar{{Name: "Wide Names", Weight: 1}}
	in := func(tld string, n int, seed uint64) iter.Seq2[frame.Unit, error] {
		return units(t, seed, n, population.Options{TLDs: []string{tld}, Registrars: regs}, false)
	}
	join := func(in ...iter.Seq2[frame.Unit, error]) iter.Seq2[frame.Unit, error] {
		return func(yield func(frame.Unit, error) bool) {
			for _, s := range in {
				for u, err := range s {
					if !yield(u, err) {
						return
					}
				}
			}
		}
	}
	set := counted(t, d, centre.AccuracyFrame{Name: "registry", Source: census.Own}, join(in("bigx", 300, 1), in("midx", 60, 2), in("tinyx", 5, 3)))
	d.Centre.Clock = clock.NewVirtual(time.Now().Add(40 * 24 * time.Hour))
	counted(t, d, centre.AccuracyFrame{Name: "registry", Source: census.Own, SHA: strings.Repeat("c", 64)}, in("bigx", 3, 99))
	if err := d.Centre.PublishAccuracy(t.Context(), "registry", true); err != nil {
		t.Fatal(err)
	}
	q := fmt.Sprintf("?set=%d", set.ID)
	for path, code := range map[string]int{"/accuracy": 200, "/accuracy/tlds/bigx": 200, "/accuracy/tlds/midx": 404, "/accuracy/tlds/tinyx": 404, "/accuracy/registrars/name:wide%20names": 200,
		"/accuracy/tlds/midx/registrars/name:wide%20names": 404, "/accuracy/tlds/tinyx/registrars/name:wide%20names": 404} {
		for _, form := range []string{"", "&format=json", "&format=csv&figure=metrics", "&format=csv&figure=groups", "&format=csv&figure=months"} {
			a := d.get(nobody, path+q+form)
			if a.code != code || code == 200 && (strings.Contains(a.body, "tlds/midx") || strings.Contains(a.body, "midx,.midx") || strings.Contains(a.body, `"tld":"midx"`)) {
				t.Errorf("%s%s: %d, want %d, and nothing of .midx", path, form, a.code, code)
			}
		}
	}
	for _, path := range []string{"/accuracy", "/accuracy/tlds/bigx"} {
		var twin struct {
			Names  int
			Months []struct{ Names int }
		}
		if err := json.Unmarshal([]byte(d.get(nobody, path+q+"&format=json").body), &twin); err != nil {
			t.Fatal(err)
		}
		// 300 of .bigx in the first month, and three in the second: today less the
		// first would be the three.
		if twin.Names < 300 || len(twin.Months) != 0 {
			t.Errorf("%s: %+v", path, twin)
		}
	}
	if body := d.get(nobody, "/accuracy"+q).body; !strings.Contains(body, "2 groups together") {
		t.Errorf("what is folded is not shown together: %.3000s", body)
	}
}
