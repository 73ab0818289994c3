package centre

import (
	"context"
	"errors"
	"slices"

	"bailiwick/accuracy"
	"bailiwick/inaccuracy"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
	"bailiwick/verify"
)

// claimFields are the contact fields that verifications are about.
var claimFields = map[verify.Claim]string{verify.Email: "email", verify.Phone: "phone"}

// byCode are the ways in which a holder answered themselves.
var byCode = []verify.Method{verify.ByMail, verify.ByMessage, verify.ByCall, verify.ByAsking}

// verificationOf gives the centre's own verification of a record's registrant,
// with the claims whose values are those that the record shows. What a member
// verified is the member's.
func (c *Centre) verificationOf(ctx context.Context, tx *store.Tx, rec registration.Record) (v Verification, same []verify.Claim, err error) {
	holder, has := rec.Contacts[string(verify.Registrant)]
	if !has || rec.Domain == "" {
		return v, nil, nil
	}
	row, ok, err := tx.VerificationOf(ctx, "", rec.Domain, string(verify.Registrant))
	if err != nil || !ok {
		return v, nil, err
	}
	if v, err = unpackVerification(row); err != nil {
		return v, nil, err
	}
	for _, k := range []verify.Claim{verify.Email, verify.Phone} {
		value := holder.Field(claimFields[k])
		if value == "" || v.Contact[k] == "" {
			continue
		}
		if rev, err := verify.Revise(c.revisionKey(), k, value); err == nil && rev == v.Contact[k] {
			same = append(same, k)
		}
	}
	return v, same, nil
}

// affirmed are the affirmative answers that this centre has from the registrant
// of a record, for the values that stand there now.
func (c *Centre) affirmed(ctx context.Context, tx *store.Tx, rec registration.Record) ([]accuracy.Answer, error) {
	v, same, err := c.verificationOf(ctx, tx, rec)
	if err != nil {
		return nil, err
	}
	var out []accuracy.Answer
	for _, k := range same {
		r, has := v.Verified[k]
		if !has || r.Result != verify.Pass || !slices.Contains(byCode, r.Method) {
			continue
		}
		field := claimFields[k]
		out = append(out, accuracy.Answer{Path: registration.ContactPath(string(verify.Registrant), field), Value: rec.Contacts[string(verify.Registrant)].Field(field),
			Method: "code", OK: true, At: r.PerformedAt})
	}
	return out, nil
}

// upheld casts doubt on what was verified about a registrant, when a person
// confirms that it does not reach them: findings that were tried (V2 and above),
// about the value that was verified and no other.
func (c *Centre) upheld(ctx context.Context, tx *store.Tx, p *prompts, cs inaccuracy.Case, rec registration.Record, by string) error {
	v, same, err := c.verificationOf(ctx, tx, rec)
	if err != nil || v.ID == "" {
		return err
	}
	for _, k := range same {
		path := registration.ContactPath(string(verify.Registrant), claimFields[k])
		tried := slices.ContainsFunc(cs.Findings, func(f inaccuracy.Finding) bool {
			return f.Path == path && f.Level != accuracy.V1 && f.Result == accuracy.Fail
		})
		if !tried {
			continue
		}
		next, err := c.stepVerification(ctx, tx, p, v, verify.Doubt{By: by, Cause: verify.Complaint, Claim: k, Revision: v.Contact[k], Evidence: "inaccuracy:" + cs.ID})
		switch code := problem.CodeOf(err); {
		case err == nil:
			v = next
		case errors.Is(err, errRace) || code != problem.Refused && code != problem.Conflict: // else in doubt already, or over
			return err
		}
	}
	return nil
}
