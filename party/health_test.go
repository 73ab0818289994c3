package party

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestVerdict(t *testing.T) {
	now := day("2026-06-01")
	for _, tc := range []struct {
		what    string
		f       Figures
		verdict Verdict
		words   string
		health  Health
		score   int
	}{
		{"nothing", Figures{}, Untried, "unknown: nothing was sent to it", Health{}, 50},
		{"accepted once", Figures{Accepted: 1, LastAccepted: day("2026-05-30"), Asks: 1}, Untried, "accepts; no ask has run its time yet", Health{}, 50},
		{"greylisted", Figures{Temporary: 2}, Untried, "refused for a time; nothing was accepted yet", Health{}, 50},
		{"answered by a person", Figures{Accepted: 9, LastAccepted: day("2026-05-30"), Asks: 4, Answered: 2, Missed: 2, Silent: 1, LastPerson: day("2026-05-20"), LastMachine: day("2026-05-30")},
			Works, "works: last answered by a person on 2026-05-20", Health{Silent: 1}, 50},
		{"acts and says nothing", Figures{Accepted: 3, LastAccepted: day("2026-05-30"), Asks: 3, Acted: 3}, Works, "works: 3 of 3 asks were acted on or answered", Health{}, 80},
		{"a machine only", Figures{Accepted: 2, LastAccepted: day("2026-05-30"), Asks: 2, Missed: 2, Silent: 2, LastMachine: day("2026-05-29")},
			MachineOnly, "accepts, answered by a machine only, last on 2026-05-29", Health{Silent: 2}, 25},
		{"silent so far", Figures{Accepted: 2, LastAccepted: day("2026-05-30"), Asks: 2, Missed: 2, Silent: 2}, Silent, "accepts, never answered: 2 of 2 asks", Health{Silent: 2}, 25},
		{"silent three times", Figures{Accepted: 3, LastAccepted: day("2026-05-30"), Asks: 3, Missed: 3, Silent: 3, SilentSince: day("2026-03-01")},
			Silent, "accepts, never answered: 3 asks in a row, since 2026-03-01", Health{Silent: 3}, 20},
		{"silent of late", Figures{Accepted: 9, LastAccepted: day("2026-05-30"), Asks: 9, Answered: 4, Missed: 5, Silent: 5, SilentSince: day("2026-04-01"), LastPerson: day("2026-03-01")},
			Silent, "accepts, no answer to 5 asks in a row, since 2026-04-01", Health{Silent: 5}, 45},
		{"bounces", Figures{Accepted: 3, LastAccepted: day("2026-05-01"), Refused: 1, LastRefused: day("2026-05-20")}, Bounces, "bounces since 2026-05-20", Health{Bounced: true, At: day("2026-05-20")}, 0},
		{"bounced, and works again", Figures{Accepted: 3, LastAccepted: day("2026-05-21"), Refused: 1, LastRefused: day("2026-05-20"), Asks: 1, Answered: 1, LastPerson: day("2026-05-22")},
			Works, "works: last answered by a person on 2026-05-22", Health{}, 66},
		{"bounced long ago", Figures{Refused: 2, LastRefused: day("2026-05-01")}, Untried, "bounced on 2026-05-01, long ago: it is tried again", Health{}, 50},
	} {
		t.Run(tc.what, func(t *testing.T) {
			v, words := tc.f.Verdict(now)
			if v != tc.verdict || words != tc.words {
				t.Errorf("%s: %q", v, words)
			}
			if h := tc.f.Health(now); h != tc.health {
				t.Errorf("%+v", h)
			}
			if s := tc.f.Score(now); s != tc.score {
				t.Errorf("score %d", s)
			}
		})
	}
}

// A bounce is believed for BounceMemory and not a moment longer.
func TestBounceMemory(t *testing.T) {
	f := Figures{Refused: 1, LastRefused: day("2026-05-01")}
	if !f.Health(f.LastRefused.Add(BounceMemory-time.Second)).Bounced || f.Health(f.LastRefused.Add(BounceMemory)).Bounced {
		t.Error("a bounce is believed too long or too short")
	}
}

func TestScoreProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, RecentAsks).Draw(t, "asks")
		good := rapid.IntRange(0, n).Draw(t, "good")
		f := Figures{Accepted: n, Asks: n, Answered: good, Missed: n - good}
		s := f.Score(day("2026-06-01"))
		if s < 0 || s > 100 {
			t.Fatalf("score %d", s)
		}
		if good < n {
			f.Answered, f.Missed = good+1, n-good-1
			if f.Score(day("2026-06-01")) < s {
				t.Fatal("an answer lowers the score")
			}
		}
	})
}
