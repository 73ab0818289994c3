package store

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/clock"
	"bailiwick/party"
)

// TestSearchFilledIn brings a database of before up to date: its cases are found
// by parts of their names, what waits for a person is in the list, and what parties
// were told is known.
func TestSearchFilledIn(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s := &Store{clock: clock.Real{}, log: slog.New(slog.DiscardHandler), retries: 10}
			var err error
			if engine == SQLite {
				err = s.openSQLite(ctx, strings.TrimPrefix(dsn(t), "sqlite:"))
			} else {
				err = s.openPostgres(ctx, dsn(t))
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			steps, err := readMigrations(migrations, engine)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Update(ctx, func(tx *Tx) error { return tx.migrate(ctx, steps[:searchVersion-1]) }); err != nil {
				t.Fatal(err)
			}
			waits := casework.Case{ID: "c2", State: casework.Coordinating, Round: 2, Obligations: []casework.Obligation{
				{ID: "c2-1", Round: 1, Status: casework.HandOff}, // of a round that is over
				{ID: "c2-2", Round: 2, Status: casework.HandOff, Opened: time.UnixMicro(7)},
				{ID: "c2-3", Round: 2, Status: casework.Running, Party: party.Party{ID: "host:1"}, Action: casework.RemoveContent, Delivered: time.UnixMicro(8).UTC(), Due: time.UnixMicro(9).UTC()},
			}}
			body, err := json.Marshal(waits)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Update(ctx, func(tx *Tx) error {
				for _, c := range []struct {
					id, key, state string
					body           []byte
				}{{"c1", "one.example", "closed", []byte("{}")}, {"c2", "two.example", "coordinating", body}, {"c3", "xn--bcher-kva.example", "coordinating", []byte("torn")}, {"c4", "one.example", "open", nil}} {
					if _, err := tx.exec(ctx, `INSERT INTO cases (id, subject_key, subject_search, subject_kind, type, state, opened, seq, head, judgement, outcome, actor, playbook, body)
VALUES ($1, $2, $2, 'domain', 'phishing', $3, 1, 1, $4, '', '', '', '', $5)`, c.id, c.key, c.state, make([]byte, 32), append([]byte{}, c.body...)); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if err := s.migrate(ctx); err != nil {
				t.Fatal(err)
			}
			if err := s.View(ctx, func(tx *Tx) error {
				for part, want := range map[string][]string{"one.ex": {"c1", "c4"}, "wo.": {"c2"}, "bücher": {"c3"}, "three": nil} {
					cs, err := tx.Queue(ctx, QueueFilter{Contains: part})
					var got []string
					for _, c := range cs {
						got = append(got, c.ID)
					}
					if slices.Sort(got); err != nil || !slices.Equal(got, want) {
						t.Errorf("%q: %v, not %v: %v", part, got, want, err)
					}
				}
				hs, err := tx.HandOffs(ctx, nil, 10)
				if len(hs) != 1 || hs[0] != (HandOff{"c2-2", "c2", 7}) {
					t.Errorf("%+v", hs)
				}
				told, terr := list(ctx, tx, scanShare, "SELECT obligation, case_id, party, told, due FROM shares")
				if want := (Share{"c2-3", "c2", "host:1", time.UnixMicro(8).UTC(), time.UnixMicro(9).UTC()}); terr != nil || len(told) != 1 || told[0] != want {
					t.Errorf("%+v %v", told, terr)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestParts: the range of a part holds the places that begin with it, and no
// others.
func TestParts(t *testing.T) {
	for _, tc := range []struct {
		part, place string
		within      bool
	}{
		{"a", "a", true}, {"a", "ab", true}, {"a", "b", false}, {"b", "a", false}, {"ab", "a", false}, {"abcdef", "abcdefg", true}, {"abcdefg", "abcdefz", true}, // told apart by comparing
		{"abcdef", "abcde", false}, {"é", "él", true}, {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf\xf4\x8f", true},
	} {
		first, last := part(tc.part)
		at, _ := part(tc.place)
		if got := first <= at && at <= last; got != tc.within {
			t.Errorf("%q within %q: %v", tc.place, tc.part, got)
		}
	}
	if got := parts("aaaaaaaaaa", ""); len(got) != 6 { // five ends, and the same five times
		t.Errorf("%x", got)
	}
	if got := pieces("abcdefghij"); len(got) > maxPieces || got[0] != "efghij" {
		t.Errorf("%q", got)
	}
	if got := pieces(strings.Repeat("a", 300)); len(got) > maxPieces {
		t.Errorf("%d pieces", len(got))
	}
}
