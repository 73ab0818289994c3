package web_test

import (
	"fmt"
	"net/http"
	"testing"

	"bailiwick/store"
)

// BenchmarkSurveyPages measures the server's time of public pages of surveys: a
// series of ten cycles of 100,000 drawn and 20,000 tested units each.
func BenchmarkSurveyPages(b *testing.B) {
	d := newDeskOn(b, "sqlite:"+b.TempDir()+"/state.db")
	nobody := visitor()
	s := surveyed(b, d.Centre, "people", 3, 300, false)
	if err := d.Centre.PublishSurvey(b.Context(), s.ID, true); err != nil {
		b.Fatal(err)
	}
	if err := d.Centre.Store.Update(b.Context(), func(tx *store.Tx) error {
		q := tx.SQL()
		for i := range 9 {
			id := fmt.Sprintf("copy%d", i)
			if _, err := q.ExecContext(b.Context(), `INSERT INTO surveys (id, name, cycle, state, published, created, changed, ended, expired, plan, source, progress, report, digest, fault)
SELECT $1, name, $2, state, published, created, changed, ended, expired, plan, source, progress, report, digest, fault FROM surveys WHERE id = $3`, id, i+2, s.ID); err != nil {
				return err
			}
			if _, err := q.ExecContext(b.Context(), `WITH RECURSIVE k(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM k WHERE n < 99999) INSERT INTO survey_units (survey_id, n, phase, done, stratum, outcome)
SELECT $1, n, CASE WHEN n < 20000 THEN 2 ELSE 1 END, 1, 'europe/new', (SELECT outcome FROM survey_units WHERE survey_id = $2 AND n = 0) FROM k`, id, s.ID); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	for name, p := range map[string]string{"list": "/surveys", "survey": "/surveys/" + s.ID} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if a := d.get(nobody, p); a.code != http.StatusOK {
					b.Fatal(a.code)
				}
			}
		})
	}
}
