package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// known are the lines that are known not to be what the world's parties wrote
// down, by scenario, subject and statement, and why. It is a list of limits,
// not of tolerances: anything beside it fails, and so does a line of it that
// is no longer so.
var known = map[string]string{
	"cloaking parcelwing-local.onlinex outcome": "a page that answers 404 to everybody here looks the same as one that is gone",

	// Not known counts as compromised: without a registration's dates, or at a
	// bare address, nothing says more, and nobody is asked for the name.
	"faults aurora-a.htmlx judgement":         "RDAP is a web page",
	"faults aurora-b.endlessx judgement":      "RDAP never ends",
	"faults aurora-c.mutex judgement":         "there is no RDAP",
	"faults aurora-d.slowx judgement":         "RDAP is throttled",
	"faults aurora-g.shopx judgement":         "the RDAP answer has no dates",
	"whois aurora-page.htmlx judgement":       "WHOIS is a web page",
	"whois aurora-noise.noisex judgement":     "WHOIS is no text",
	"whois aurora-endless.endlessx judgement": "WHOIS never ends",
	"whois aurora-error.errorx judgement":     "WHOIS says that it failed",
	"whois aurora-wait.throttledx judgement":  "WHOIS is throttled",
	"shop-behind-cdn 192.0.2.60 judgement":    "an address with a file deep inside has no age and no front page",
}

// Scenario files run unchanged, and what the centre measured from outside is
// what the world's parties wrote down.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "docs", "scenarios", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in docs: %v", err)
	}
	own, err := filepath.Glob(filepath.Join("testdata", "scenarios", "*.yaml"))
	if err != nil || len(own) == 0 {
		t.Fatalf("no scenarios in testdata: %v", err)
	}
	for _, file := range append(files, own...) {
		scenario := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if scenario == "verification" || scenario == "inaccuracy" {
			continue // TestHoldersAreVerified and TestRegistrarsAreTold run them
		}
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			b := demo(t, nil, "--scenario", file)
			n, wrong := b.against(t)
			if b.sum.Cases == 0 {
				t.Error("no case came of it")
			}
			left := map[string]bool{}
			for k := range known {
				if strings.HasPrefix(k, scenario+" ") {
					left[k] = true
				}
			}
			for _, d := range wrong {
				k := scenario + " " + d.subject + " " + d.what
				if known[k] == "" {
					t.Errorf("%v", d)
				}
				delete(left, k)
			}
			for k := range left {
				t.Errorf("%s agrees now: take it off the list", k)
			}
			t.Logf("%d cases in %s; compared %+v, known not to agree: %v", b.sum.Cases, b.took, n, wrong)
			if check := expected[scenario]; check != nil {
				check(t, b)
			}
		})
	}
}

// expected is what a person who coordinates for a living expects of the
// scenarios here, beyond agreement with the truth.
var expected = map[string]func(*testing.T, batch){
	"night-watch": func(t *testing.T, b batch) {
		if b.sum.Cases != 3 || b.sum.Duplicates != 2 {
			t.Errorf("three names, one of them in three spellings, made %d cases and %d duplicates", b.sum.Cases, b.sum.Duplicates)
		}
		jade := b.about(t, "jade-river-verify.qz")
		jade.asked(t, "Registry of Qz", "registry_procedure", true)
		jade.never(t, "compliance", "")
		jade.ends(t, "stopped", "Registry of Qz")
		if a := jade.ask("CERT-XF"); a != nil && a.Action != "inform" {
			t.Errorf("a national CERT was asked for %s", a.Action)
		}
		b.about(t, "xn--ksehaus-konto-bfb.webb").ends(t, "stopped", "Lindgren Names")
		b.about(t, "xn--rhtw3c31muk6c.webb").never(t, "registrar", "")
	},
	"slow-desks": func(t *testing.T, b batch) {
		page := b.about(t, "tidewater-restore.leafpages.sitex")
		page.asked(t, "Leafpages", "suspend_customer", true)
		page.never(t, "registrar", "")
		page.never(t, "registry", "")
		page.ends(t, "stopped", "Leafpages")
		mail := b.about(t, "tidewater-restore.sitex")
		mail.asked(t, "Returned Mail Registrar", "suspend_name", false)
		mail.never(t, "registry", "") // silence counts only after a server accepted the notice
		mail.ends(t, "open", "")
		late := b.about(t, "tidewater-gift.sitex")
		late.never(t, "registry", "") // it was late, not missing
		late.ends(t, "stopped", "Late Names")
		b.about(t, "potters-guild.leafpages.sitex").ends(t, "not confirmed", "")
	},
	"shop-behind-cdn": func(t *testing.T, b batch) {
		for _, shop := range []string{"oak-and-wool.shopx", "mill-street-bikes.dotx", "wool-fair.shopx", "192.0.2.60"} {
			c := b.about(t, shop)
			c.never(t, "registrar", "")
			c.never(t, "registry", "")
		}
		b.about(t, "oak-and-wool.shopx").asked(t, "Passalong", "remove_content", true)
		b.about(t, "192.0.2.60").ends(t, "stopped", "Elmhost")
		b.about(t, "wool-fair.shopx").ends(t, "not confirmed", "")
	},
	"whois": func(t *testing.T, b batch) {
		for subject, want := range map[string]registrarLine{
			"aurora-one.labelx":    {"Quickname", "9001", "abuse@quickname.example"},
			"aurora-two.blockx":    {"Quickname", "", "abuse@quickname.example"},
			"aurora-three.dottedx": {"Quickname", "", "abuse@quickname.example"},
			"aurora-four.columnx":  {"Quickname", "", "abuse@quickname.example"},
			"aurora-five.thinx":    {"Quickname", "9001", "abuse@quickname.example"}, // the registrar's answer holds the desk
			"aurora-six.thinx":     {"Roundabout", "9002", ""},
			"aurora-nine.insteadx": {"Quickname", "9001", "abuse@quickname.example"},
			"river-lamps.rawx":     {"Quickname", "9001", ""},
		} {
			if got := b.about(t, subject).Registrar; got == nil || *got != want {
				t.Errorf("%s: registrar %+v, not %+v", subject, got, want)
			}
		}
		for _, held := range []string{"aurora-one.labelx", "aurora-two.blockx", "aurora-three.dottedx", "aurora-four.columnx", "aurora-five.thinx", "aurora-nine.insteadx"} {
			b.about(t, held).ends(t, "stopped", "Quickname")
		}
		for _, nothing := range []string{"aurora-page.htmlx", "aurora-noise.noisex", "aurora-endless.endlessx", "aurora-error.errorx", "aurora-wait.throttledx", "old-violins.blockx"} {
			b.about(t, nothing).never(t, "registrar", "")
			b.about(t, nothing).never(t, "registry", "")
		}
		if b.sum.Centre.WHOIS == 0 || !b.sum.CountsEqual {
			t.Errorf("the centre and the lab's servers counted %+v and %+v", b.sum.Centre, b.sum.Lab)
		}
	},
	"escalation": func(t *testing.T, b batch) {
		c := b.about(t, "aurora-konto.qz")
		c.never(t, "compliance", "") // a ccTLD: never ICANN
		c.asked(t, "Registry qz", "registry_procedure", true)
		b.about(t, "aurora-alert.clubx").never(t, "registry", "")
		b.about(t, "aurora-help.pagebox.clubx").never(t, "registrar", "")
	},
}

// about is the one case about a subject.
func (b batch) about(t *testing.T, subject string) caseLine {
	t.Helper()
	var found []caseLine
	for _, c := range b.cases {
		if c.Subject == subject {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d cases are about %s", len(found), subject)
	}
	return found[0]
}

// ask is the first ask of a party; nil if there is none.
func (c caseLine) ask(party string) *askLine {
	for i := range c.Asked {
		if c.Asked[i].Party == party {
			return &c.Asked[i]
		}
	}
	return nil
}

func (c caseLine) asked(t *testing.T, party, action string, delivered bool) {
	t.Helper()
	if a := c.ask(party); a == nil || a.Action != action || a.Delivered != delivered {
		t.Errorf("%s: %s was to be asked for %s (delivered: %t): %+v", c.Subject, party, action, delivered, c.Asked)
	}
}

// never checks that nobody in a role was asked, or not for one action.
func (c caseLine) never(t *testing.T, role, action string) {
	t.Helper()
	for _, a := range c.Asked {
		if a.Role == role && (action == "" || a.Action == action) {
			t.Errorf("%s: the %s %s was asked for %s", c.Subject, a.Role, a.Party, a.Action)
		}
	}
}

func (c caseLine) ends(t *testing.T, outcome, actor string) {
	t.Helper()
	if c.Outcome != outcome || c.Actor != actor {
		t.Errorf("%s: %q by %q, not %q by %q", c.Subject, c.Outcome, c.Actor, outcome, actor)
	}
}
