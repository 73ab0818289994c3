package policy

import (
	"slices"
	"strings"
	"testing"

	"bailiwick/accuracy"
	"bailiwick/registration"
)

// verdictsOf gives one verdict of each check of the levels on the field that it
// looks at, all with one result.
func verdictsOf(p Profile, result accuracy.Result, levels ...accuracy.Level) (out []accuracy.Verdict) {
	for _, c := range p.Checks() {
		if !slices.Contains(levels, c.Level) {
			continue
		}
		for _, role := range append(slices.Clone(p.Contacts), p.Optional...) {
			for _, f := range append([]string{""}, registration.ContactFields()...) {
				out = append(out, accuracy.Verdict{Check: c.ID, Level: c.Level, Path: registration.ContactPath(role, f), Result: result, Reason: "other", Detail: "Wrong."})
			}
		}
	}
	return out
}

// TestNoHarm: whatever is primary in a shipped profile, the form of values, what
// warns and what is not testable propose nothing that takes a name out of the DNS
// or from its holder; and only what binds is proposed at all.
func TestNoHarm(t *testing.T) {
	s, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	rec := registration.Record{State: registration.Registered, Domain: "shop.example"}
	for _, p := range s.All() {
		for _, c := range []struct {
			name    string
			vs      []accuracy.Verdict
			nothing bool
		}{
			{"form", verdictsOf(p, accuracy.Fail, accuracy.V0, accuracy.V1), false},
			{"warnings", verdictsOf(p, accuracy.Warn, accuracy.V0, accuracy.V1, accuracy.V2, accuracy.V3), true},
			{"not testable", verdictsOf(p, accuracy.Untestable, accuracy.V0, accuracy.V1, accuracy.V2, accuracy.V3), true},
		} {
			a := p.Assess(c.vs, rec)
			if p.ID == "waps-raa-2013" && (len(a.Duties) == 0) != c.nothing {
				t.Errorf("%s: %s propose %d duties", p.ID, c.name, len(a.Duties))
			}
			for _, d := range append(slices.Clone(a.Duties), a.Withheld...) {
				if c.nothing {
					t.Errorf("%s: %s propose %s", p.ID, c.name, d.Duty)
				}
				if d.Action.Suspends() || d.OnExpiry.Suspends() || d.Final.Suspends() || !d.Quarantine.IsZero() {
					t.Errorf("%s: %s may end with a suspension (%s)", p.ID, c.name, d.Duty)
				}
			}
		}
		// At any level: what is opened by a finding does not suspend in any profile
		// that is shipped, since nobody was asked yet.
		a := p.Assess(verdictsOf(p, accuracy.Fail, accuracy.V0, accuracy.V1, accuracy.V2, accuracy.V3), rec)
		for _, d := range a.Duties {
			if p.Status != InForce || d.Basis != Primary || d.OnExpiry.Suspends() || d.Action.Suspends() || d.Final.Suspends() {
				t.Errorf("%s: %s is opened by a finding: %+v", p.ID, d.Duty, d)
			}
		}
	}
}

// TestWAPSLive: what became live with the clauses that were read, clause by clause.
func TestWAPSLive(t *testing.T) {
	p := shippedProfile(t, "waps-raa-2013")
	for trigger, want := range map[Trigger]string{
		OnRegistration:  "waps-validate waps-verify",
		OnTransfer:      "waps-validate waps-verify",
		OnHolderChange:  "waps-validate waps-verify",
		OnContactChange: "", // WAPS 2 was not read
		OnDoubt:         "waps-verify-mail",
		OnFinding:       "waps-verify-mail raa-investigate",
		OnSilence:       "waps-suspend-unverified",
		OnWilful:        "", // WAPS 5 was read in part
		OnComplaint:     "raa-investigate",
		OnAge:           "wdrp-remind",
	} {
		open, withheld := p.Duties(trigger)
		var got []string
		for _, d := range open {
			got = append(got, d.Duty.ID)
			if d.Duty.Actor != ByRegistrar {
				t.Errorf("%s is %s's", d.Duty.ID, d.Duty.Actor)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s opens %v, want %s", trigger, got, want)
		}
		for _, d := range withheld {
			if d.Rule.Basis.Caveat() == "" {
				t.Errorf("%s is withheld and says not why", d.Duty.ID)
			}
		}
	}
	open, _ := p.Duties(OnRegistration)
	for _, d := range open {
		if d.Duty.Within != (Term{15, "d"}) {
			t.Errorf("%s within %s", d.Duty.ID, d.Duty.Within)
		}
		if d.Duty.ID == "waps-verify" && (!d.Duty.Any || d.Duty.OnExpiry != HoldOrHand || d.Duty.Quarantine != (Term{}) || d.Duty.Final != "") {
			t.Errorf("%+v", d.Duty) // by hand is always the other way, and nothing follows on a hold
		}
	}
	// No time and no suspension on a finding of ours or a doubt.
	for _, trigger := range []Trigger{OnFinding, OnDoubt, OnComplaint} {
		open, _ := p.Duties(trigger)
		for _, d := range open {
			if !d.Duty.Within.IsZero() || d.Duty.Suspends() {
				t.Errorf("%s on %s: %+v", d.Duty.ID, trigger, d.Duty)
			}
		}
	}
	// What was read in a copy names it, beside the address of ICANN.
	for _, r := range p.Rules {
		if r.Basis == Primary && strings.Contains(r.Address, "approved-with-specs") && !strings.Contains(r.Note, "http") {
			t.Errorf("%s does not say which copy was read", r.ID)
		}
	}
}

// TestNIS2AsksNobody: a directive binds member states, so that the article is
// shown as read and opens nothing, alone and below each registry's profile.
func TestNIS2AsksNobody(t *testing.T) {
	for _, id := range []string{"nis2-art28", "de", "dk", "eu", "nl", "ee", "nis2-guidance-2025"} {
		p := shippedProfile(t, id)
		for _, trigger := range triggers {
			open, _ := p.Duties(trigger)
			for _, d := range open {
				if d.Rule.Of == "nis2-art28" {
					t.Errorf("%s: %s opens %s", id, trigger, d.Duty.ID)
				}
			}
		}
	}
	p := shippedProfile(t, "nis2-art28")
	for _, id := range []string{"art28.1", "art28.2", "art28.3", "art28.4", "art28.5", "art28.6"} {
		if r, ok := p.Rule(id); !ok || r.Basis != Primary || !strings.HasPrefix(r.Address, "https://eur-lex.europa.eu/") {
			t.Errorf("%s: %+v", id, r)
		}
	}
}
