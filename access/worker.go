package access

import (
	"context"

	"bailiwick/problem"
)

// Worker gives the reference of somebody a case can be given to: "" is nobody,
// "me" whoever asks, else a login name. Who may not work cases, or may not sign in,
// gets none.
func (d *Desk) Worker(ctx context.Context, p Person, login string) (ref string, err error) {
	var a Account
	switch {
	case login == "":
		return "", nil
	case login == "me" && !p.Known():
		return "", problem.BadField("to", "you are nobody in particular: name somebody")
	case login == "me":
		a, err = d.Person(ctx, p.ID)
	default:
		a, err = d.PersonByLogin(ctx, login)
	}
	switch {
	case err != nil && problem.CodeOf(err) == problem.NotFound:
		return "", problem.BadField("to", "there is nobody with the login name %.40q", login)
	case err != nil:
		return "", err
	case !a.Works():
		return "", problem.BadField("to", "%s may not work cases", a.Login)
	}
	return a.Person().Actor(), nil
}

// Works says whether somebody may sign in and work cases.
func (a Account) Works() bool {
	return a.Disabled.IsZero() && Decide(a.Person(), Work, Object{Kind: Case}).Allowed
}
