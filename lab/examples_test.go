package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestExamples runs every documented scenario with a centre that asks
// everybody at once, and checks what became of the subjects the comments in
// the files speak of.
func TestExamples(t *testing.T) {
	want := map[string]map[string]string{
		"minimal.yaml": {"aurora-login.shopx": "stopped malicious", "old-bakery.qz": "stopped compromised", "river-books.qz": "not confirmed innocent"},
		"escalation.yaml": {"aurora-secure.shopx": "stopped malicious", "aurora-alert.clubx": "open malicious", "aurora-konto.qz": "stopped malicious",
			"aurora-verify.shopx": "stopped malicious", "aurora-help.pagebox.clubx": "stopped platform"},
		"cloaking.yaml": {"parcelwing-phone.onlinex": "stopped malicious", "parcelwing-shy.onlinex": "cloaked malicious", "parcelwing-local.onlinex": "not seen from here malicious",
			"parcelwing-fee.onlinex": "stopped malicious"},
		"lives.yaml": {"meridian-fast.shopx": "down before asked malicious", "meridian-lapsed.shopx": "stopped malicious", "meridian-again.shopx": "back up malicious",
			"meridian-hops.shopx": "open malicious", "meridian-one.shopx": "moved malicious", "meridian-two.shopx": "open malicious",
			"meridian-bonus.shopx": "stopped malicious", "parked-meridian.shopx": "parked or sinkholed innocent", "river-cycles.shopx": "stopped compromised",
			"free-driver.shopx": "stopped malicious", "198.51.100.77": "stopped malicious"},
		"whois.yaml": {"aurora-one.labelx": "stopped malicious", "aurora-two.blockx": "stopped malicious", "aurora-three.dottedx": "stopped malicious",
			"aurora-four.columnx": "stopped malicious", "aurora-five.thinx": "stopped malicious", "old-violins.blockx": "stopped compromised", "river-books.dottedx": "not confirmed innocent"},
		"faults.yaml": {"aurora-a.htmlx": "stopped malicious", "aurora-e.shopx": "open malicious", "aurora-f.shopx": "down before asked malicious"},
	}
	files, err := filepath.Glob("../docs/scenarios/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			fh, err := os.Open(f)
			if err != nil {
				t.Fatal(err)
			}
			defer fh.Close()
			s, err := Load(fh, f)
			if err != nil {
				t.Fatal(err)
			}
			c := start(t, s)
			c.run(s, time.Hour)
			got := map[string]string{}
			for _, tr := range c.w.Truth() {
				got[tr.Subject] = tr.Outcome + " " + tr.Class
			}
			for subject, w := range want[filepath.Base(f)] {
				if got[subject] != w {
					t.Errorf("%s: %q, want %q\n%+v", subject, got[subject], w, fmt.Sprintf("%+v", truthOf(t, c.w, subject)))
				}
			}
			if n := c.w.Counts(); n.Refused != 0 || n.AnswersFailed != 0 {
				t.Errorf("%+v", n)
			}
		})
	}
}
