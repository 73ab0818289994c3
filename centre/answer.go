package centre

import (
	"context"

	"bailiwick/casework"
	"bailiwick/notify/email"
	"bailiwick/problem"
)

// AnswerLink records what the holder of an answer link says. The link is the
// credential: it names one obligation and binds that alone.
func (c *Centre) AnswerLink(ctx context.Context, token, answer, note string) error {
	id, obligation, ok := email.ParseAnswerToken(c.ReplyKey, token)
	if !ok {
		return problem.New(problem.NotFound, "this link is not one of ours")
	}
	_, err := c.Act(ctx, id, casework.Answer{Obligation: obligation, By: "party:" + obligation, Answer: answer, Note: note})
	return err
}

// Answerable says whether an answer link is one of ours.
func (c *Centre) Answerable(token string) bool {
	_, _, ok := email.ParseAnswerToken(c.ReplyKey, token)
	return ok
}
