package centre

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/survey"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
	"bailiwick/verify"
)

// What this centre verified is known to its surveys: that the holder of a sampled
// name returned a code is an affirmative answer for the value that was verified.
// What is known is fixed when the sample is drawn, and kept beside it as digests
// under the centre's key: a survey that is taken up again finds the same answers,
// whatever was verified since, and no contact is stored.

// answerChunk is how many names are looked for in one query.
const answerChunk = 400

// hasVerifications says whether this centre verified anything of its own.
func hasVerifications(ctx context.Context, tx *store.Tx) (bool, error) {
	n, err := tx.VerifiedNames(ctx, nil, 1)
	return len(n) > 0, err
}

// surveyAnswers are the answers about units of a sample that this centre had by
// the end of a survey's day. What members verified is theirs, and not among them.
func (c *Centre) surveyAnswers(ctx context.Context, tx *store.Tx, at time.Time, units []store.SurveyUnit) ([]store.SurveyAnswer, error) {
	number := make(map[string]int, len(units))
	var out []store.SurveyAnswer
	for chunk := range slices.Chunk(units, answerChunk) {
		names := make([]string, len(chunk))
		for i, u := range chunk {
			names[i], number[u.Unit] = u.Unit, u.N
		}
		known, err := tx.VerifiedNames(ctx, names, answerChunk)
		if err != nil {
			return nil, err
		}
		for _, d := range known {
			row, ok, err := tx.VerificationOf(ctx, "", d, string(verify.Registrant))
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			v, err := unpackVerification(row)
			if err != nil {
				return nil, err
			}
			for _, k := range []verify.Claim{verify.Email, verify.Phone} {
				r, has := v.Verified[k]
				rev := v.Contact[k]
				switch {
				case !has || rev == "" || r.Revisions[k] != rev || r.Result != verify.Pass || !slices.Contains(byCode, r.Method):
					continue
				case !r.PerformedAt.Before(at.Add(24*time.Hour)) || !r.ValidUntil.IsZero() && !r.ValidUntil.After(at):
					continue // after the day that the frame stands for, or lapsed before it
				}
				sum, err := hex.DecodeString(string(rev))
				if err != nil {
					return nil, problem.Wrap(err, problem.Corrupt, "a revision of the verification %s does not parse", v.ID)
				}
				out = append(out, store.SurveyAnswer{N: number[d], Path: registration.ContactPath(string(verify.Registrant), claimFields[k]), Revision: sum, At: r.PerformedAt})
			}
		}
	}
	slices.SortFunc(out, func(a, b store.SurveyAnswer) int {
		if a.N != b.N {
			return a.N - b.N
		}
		return strings.Compare(a.Path, b.Path)
	})
	return out, nil
}

// known fixes what is known of the units that are to be tested, and notes in the
// counts how much that is and its digest.
func (s *surveying) known(ctx context.Context, units []store.SurveyUnit) (as []store.SurveyAnswer, err error) {
	if !s.plan.Verified {
		return nil, nil
	}
	if err := s.c.Store.View(ctx, func(tx *store.Tx) error {
		as, err = s.c.surveyAnswers(ctx, tx, s.plan.At, units)
		return err
	}); err != nil {
		return nil, err
	}
	h := sha256.New()
	for _, a := range as {
		fmt.Fprintf(h, "%d %s %x %s\n", a.N, a.Path, a.Revision, a.At.UTC().Format(time.RFC3339Nano))
	}
	s.state.Counts.Answers, s.state.Counts.AnswersDigest = len(as), ""
	if len(as) > 0 {
		s.state.Counts.AnswersDigest = hex.EncodeToString(h.Sum(nil))
	}
	return as, nil
}

// recall reads what was known when the sample was drawn, by unit.
func (s *surveying) recall(ctx context.Context) error {
	if !s.plan.Verified || s.answers != nil {
		return nil
	}
	return s.c.Store.View(ctx, func(tx *store.Tx) error {
		units, as, err := tx.SurveyAnswers(ctx, s.ID)
		if err != nil {
			return err
		}
		s.answers = map[string][]store.SurveyAnswer{}
		for i, u := range units {
			s.answers[u] = append(s.answers[u], as[i])
		}
		if len(as) != s.state.Counts.Answers {
			return problem.New(problem.Corrupt, "%d answers are kept with survey %s, and %d were known when it was drawn", len(as), s.ID, s.state.Counts.Answers)
		}
		return nil
	})
}

// answered are the affirmative answers about the values of a record: where the
// record shows another value than the one that was verified there is none. A
// survey knows days: an answer of its day is one of the day's beginning.
func (s *surveying) answered(id string, rec registration.Record) (out []accuracy.Answer) {
	for _, a := range s.answers[id] {
		for k, field := range claimFields {
			if registration.ContactPath(string(verify.Registrant), field) != a.Path {
				continue
			}
			value := rec.Contacts[string(verify.Registrant)].Field(field)
			if value == "" {
				continue
			}
			rev, err := verify.Revise(s.c.revisionKey(), k, value)
			if err != nil || string(rev) != hex.EncodeToString(a.Revision) {
				continue
			}
			at := a.At
			if at.After(s.plan.At) {
				at = s.plan.At
			}
			out = append(out, accuracy.Answer{Path: a.Path, Value: value, Method: "code", OK: true, At: at})
		}
	}
	return out
}

// planVerified says in a plan whether this centre's verifications are read.
func planVerified(ctx context.Context, tx *store.Tx, p *survey.Plan) (err error) {
	p.Verified, err = hasVerifications(ctx, tx)
	return err
}
