package main

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestRegistrarsAreTold: registrars of every temper are told of wrong data over
// real mail and answer in theirs. What they say ends no case; what the centre sees
// does, and is held against the world's own account afterwards.
func TestRegistrarsAreTold(t *testing.T) {
	t.Parallel()
	sc := scenario(t, "../../docs/scenarios/inaccuracy.yaml")
	var out bytes.Buffer
	e := &env{ctx: t.Context(), out: &out, errs: io.Discard, log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	r, err := newRun(e, &demoCmd{Listen: "127.0.0.1:0"}, sc, sc.Start, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	end := sc.Start.Add(time.Duration(sc.Days) * 24 * time.Hour)
	if err := r.until(end, func(time.Time) {}); err != nil {
		t.Fatal(err)
	}
	sum, err := r.summary(end)
	if err != nil {
		t.Fatal(err)
	}
	c := sum.Inaccuracy
	if c == nil {
		t.Fatal("nothing is summed up")
	}
	if err := r.print(sum); err != nil || !strings.Contains(out.String(), "Wrong registration data (synthetic): 23 names") {
		t.Errorf("%v\n%s", err, &out)
	}
	n := r.world.Counts()
	t.Logf("%+v\n%s", n, &out)
	if !sum.CountsEqual || !c.ChainsOK || n.SMTPInner == 0 || n.AnswersFailed != 0 || n.SMTPNowhere != 0 || n.Refused != 0 {
		t.Errorf("logs verify: %t; the lab counted %+v, the centre %+v; %+v", c.ChainsOK, sum.Lab, sum.Centre, n)
	}
	// A constituent's own name is nobody's to ask about; a mailbox that is gone, and
	// letters where no telephone URI can hold them, show nothing; and nothing that
	// was right is held to be wrong.
	if c.Wrong != 23 || c.Found != 20 || c.Unseen != 2 || c.Spared != 1 || c.Mistaken != 0 || c.Synthetic == "" {
		t.Errorf("%+v", c)
	}
	// Two are right as far as a check sees, and one way is wrong still; nothing that
	// was corrected is missed.
	if c.SeenRight == 0 || c.SeenWrong != 2 || c.Missed != 0 {
		t.Errorf("seen as corrected %d, not so %d, missed %d", c.SeenRight, c.SeenWrong, c.Missed)
	}
	by := map[string]temperLine{}
	for _, l := range c.Tempers {
		by[l.Temper] = l
	}
	for temper, want := range map[string]temperLine{
		"corrects":       {Cases: 7, Notices: 10, Answered: 7, Corrected: 4, Files: 3, Right: 2, Untrue: 3},
		"suspends":       {Cases: 3, Notices: 3, Answered: 3, Corrected: 2, Held: 1, Right: 2},
		"verifies":       {Cases: 2, Notices: 4, Answered: 2, Files: 2, Untrue: 2},
		"wants_evidence": {Cases: 2, Notices: 4, Answered: 2, Corrected: 2, Right: 2},
		"claims":         {Cases: 2, Notices: 4, Answered: 2, Files: 2, Untrue: 2},
		"refuses":        {Cases: 1, Notices: 2, Answered: 1, Files: 1},
		"refers":         {Cases: 1, Notices: 2, Answered: 1, Files: 1},
		"ticket":         {Cases: 1, Notices: 2, Receipts: 1, Files: 1},
		"silent":         {Cases: 1, Notices: 2, Files: 1},
	} {
		got := by[temper]
		if (got.MedianDays != nil) != (want.Corrected > 0) {
			t.Errorf("%s: %d corrected, median %v", temper, got.Corrected, got.MedianDays)
		}
		want.Temper, want.Registrars, want.MedianDays = temper, 1, got.MedianDays
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", temper, got, want)
		}
	}
}
