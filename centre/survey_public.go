package centre

import (
	"context"

	"bailiwick/accuracy/survey"
	"bailiwick/store"
)

// PublicForm is a survey as anybody may see it: without the seed, which would
// tell who has the frame what the sample was, and without the numbers that are not
// fit to be published or are of a cycle that is not published
// (survey.Report.Public). Its Digest is that of the report in this form. Whether
// the survey itself is published is for the caller to see.
func (c *Centre) PublicForm(ctx context.Context, s Survey) (Survey, error) {
	var shown []survey.Cycle
	if s.Plan.Earlier != nil || len(s.Plan.Targets) > 0 {
		all, err := c.Surveys(ctx, store.SurveyFilter{Name: s.Plan.Name, State: SurveyDone, PublishedOnly: true})
		if err != nil {
			return s, err
		}
		for _, x := range all {
			shown = append(shown, survey.Cycle{Cycle: x.Plan.Cycle, At: x.Plan.At})
		}
	}
	s.Plan, s.Fault = s.Plan.Public(shown), ""
	if s.Report != nil {
		r := s.Report.Public(shown)
		s.Report = &r
		var err error
		if s.Digest, err = r.Digest(); err != nil {
			return s, err
		}
	}
	return s, nil
}
