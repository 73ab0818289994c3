package centre

import (
	"context"
	"slices"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/accuracy"
	"bailiwick/casework"
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
		switch {
		case err == nil:
			v = next
		case !declined(err): // else in doubt already, or over
			return err
		}
	}
	return nil
}

// filedVerifications is how many verifications of a name a compliance file tells of.
const filedVerifications = 20

// verifiedHere is how this centre itself asked the contacts of a name, and what they
// answered: the messages that left, with their dates and results, and the evidence
// that people saw. With a reader who may see it, it says where messages went, as far
// as that is kept, and the look is in the access log. What a member verified is the
// member's.
func (c *Centre) verifiedHere(ctx context.Context, r *Reader, domain string) ([]inaccuracy.Verification, error) {
	vs, err := c.Verifications(ctx, store.VerificationFilter{Name: domain, Own: true, Limit: filedVerifications})
	if err != nil {
		return nil, err
	}
	var out []inaccuracy.Verification
	for _, v := range vs {
		es, err := c.VerificationEvents(ctx, v.ID)
		if err != nil {
			return nil, err
		}
		values, err := c.valuesFor(ctx, r, v)
		if err != nil {
			return nil, err
		}
		one, err := filed(v, es, values)
		if err != nil {
			return nil, err
		}
		out = append(out, one...)
	}
	slices.SortStableFunc(out, func(a, b inaccuracy.Verification) int { return a.At.Compare(b.At) })
	return out, nil
}

// valuesFor reads a contact's values for the reader of a compliance file; none for
// no reader, for one who may not see them, and once they are erased.
func (c *Centre) valuesFor(ctx context.Context, r *Reader, v Verification) (contactValues, error) {
	if r == nil || !v.Kept {
		return contactValues{}, nil
	}
	actor := access.Console
	if r.Desk != nil {
		if access.Decide(r.Person, access.Work, access.Object{Kind: access.VerifiedContact, ID: v.ID, Personal: true}).Err(r.Person) != nil {
			return contactValues{}, nil
		}
		actor = r.Person.Actor()
	}
	if err := c.logLook(ctx, actor, access.Work, access.VerifiedContact, v.ID, "compliance file of "+v.Name); err != nil {
		return contactValues{}, err
	}
	values, err := c.values(ctx, v)
	if problem.CodeOf(err) == problem.NotFound {
		err = nil
	}
	return values, err
}

// filed are the messages and the evidence on the log of a verification.
func filed(v Verification, es []casework.Entry, values contactValues) ([]inaccuracy.Verification, error) {
	role := strings.ReplaceAll(string(v.Role), "_", " ")
	var out []inaccuracy.Verification
	issued := map[int]verify.Issued{}
	sent := map[int]int{} // code to its place in out
	// message is what is said of the message with a code; it begins when it left.
	message := func(n int, at time.Time) *inaccuracy.Verification {
		i, ok := sent[n]
		if !ok {
			b := issued[n]
			m := inaccuracy.Verification{At: at, Message: true, Way: "a code by telephone", Of: role, Result: "made"}
			if b.Method == verify.ByMail {
				m.Way, m.Result = "a code by mail", "sent"
			}
			if b.Revision == v.Contact[b.Claim] { // else it went to what the contact said before
				m.To = values.of(b.Claim)
			}
			i, sent[n] = len(out), len(out)
			out = append(out, m)
		}
		return &out[i]
	}
	for _, e := range es {
		if e.Payload == nil {
			continue
		}
		var err error
		switch e.Kind {
		case verify.KindIssued:
			var b verify.Issued
			b, err = casework.Read[verify.Issued](e)
			issued[b.N] = b
		case verify.KindMade:
			var b verify.Made
			if b, err = casework.Read[verify.Made](e); err == nil {
				message(b.N, e.At).At = e.At // of the last attempt
			}
		case verify.KindDelivered, verify.KindFailed, verify.KindInDoubt:
			var b verify.Message
			if b, err = casework.Read[verify.Message](e); err != nil {
				break
			}
			m := message(b.N, e.At)
			m.ResultAt, m.Response = e.At, b.Response
			switch {
			case e.Kind == verify.KindDelivered:
				m.Result = "taken by the receiving side"
			case e.Kind == verify.KindInDoubt:
				m.Result = "in doubt"
			case b.Bounced:
				m.Result = "taken, and sent back"
			default:
				m.Result = "not delivered"
			}
			if b.Full {
				m.Result += ": the mailbox was full"
			}
		case verify.KindReturned:
			var b verify.Returned
			if b, err = casework.Read[verify.Returned](e); err == nil {
				message(b.N, e.At).Affirmed = e.At
			}
		case verify.KindAttested:
			var b verify.Attested
			if b, err = casework.Read[verify.Attested](e); err == nil {
				out = append(out, inaccuracy.Verification{At: b.Record.PerformedAt, Way: verify.Methods().Means(string(b.Record.Method)), Of: role, Result: string(b.Record.Result)})
			}
		}
		if err != nil {
			return nil, unreadable(err, verifications.what, e)
		}
	}
	return out, nil
}
