package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"bailiwick/access"
	"bailiwick/centre"
	"bailiwick/store"
	"bailiwick/verify"

	"github.com/danielgtaylor/huma/v2"
)

// verifications adds the routes of affirmative verification, for a registrar's
// system: it says what its registrations say and hears what came of it. What a
// person decides (evidence, complaints, holds by hand) is decided at the desk, and
// a contact's values are read nowhere here.
func (a *API) verifications(h huma.API, failures func(...int) map[string]*huma.Response) {
	if a.desk == nil {
		return
	}
	huma.Register(h, huma.Operation{OperationID: "verification-open", Method: http.MethodPost, Path: "/api/v1/verifications", Summary: "Verify a contact of a registration",
		Description: "For a registrar's system, at registration, transfer and change: says what the contact says now. Codes go out by the profile's schedule. " +
			"The same again changes nothing and gives the same verification; other values are a change. Needs a key with the role registrar (of the centre itself, or of a member organisation, which sees its own) or analyst.",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: 16 << 10, BodyReadTimeout: bodyTime, Security: needsKey, Responses: failures(400, 401, 403, 404, 409, 413, 422, 429)}, a.openVerification)
	huma.Register(h, huma.Operation{OperationID: "verifications", Method: http.MethodGet, Path: "/api/v1/verifications", Summary: "List verifications", Description: "Newest first, without personal data; of the own organisation where the key is one's.",
		Security: needsKey, Responses: failures(401, 403, 404, 422)}, a.listVerifications)
	huma.Register(h, huma.Operation{OperationID: "verification", Method: http.MethodGet, Path: "/api/v1/verifications/{id}", Summary: "One verification",
		Security: needsKey, Responses: failures(401, 403, 404)}, a.getVerification)
	huma.Register(h, huma.Operation{OperationID: "verification-answer", Method: http.MethodPost, Path: "/api/v1/verifications/{id}/answer", Summary: "Return a code that the holder typed in at the registrar's",
		MaxBodyBytes: 16 << 10, BodyReadTimeout: bodyTime, Security: needsKey, Responses: failures(400, 401, 403, 404, 409, 413, 422)}, a.answerVerification)
	huma.Register(h, huma.Operation{OperationID: "verification-gone", Method: http.MethodPost, Path: "/api/v1/verifications/{id}/gone", Summary: "Say that the registration is gone",
		Description:  "It was deleted, expired or transferred away: no code, reminder or hold follows any more, and whoever registers the name next begins anew. Twice is once.",
		MaxBodyBytes: 16 << 10, BodyReadTimeout: bodyTime, Security: needsKey, Responses: failures(400, 401, 403, 404, 409, 413, 422)}, a.goneVerification)
	huma.Register(h, huma.Operation{OperationID: "verification-again", Method: http.MethodPost, Path: "/api/v1/verifications/{id}/again", Summary: "Send another code by mail",
		Description: "Beside the schedule, as far apart as the profile says.", Security: needsKey, Responses: failures(401, 403, 404, 409, 429)}, a.againVerification)
}

// verificationView is a verification. It holds no personal data.
type verificationView struct {
	ID        string             `json:"id"`
	Name      string             `json:"name"`
	Role      string             `json:"role" enum:"registrant,account_holder"`
	State     string             `json:"state" doc:"new, transferred, changed, doubted, malformed, pending, overdue, verified, manual, hold or terminated"`
	InDoubt   bool               `json:"in_doubt,omitempty" doc:"Something speaks against the contact: a message came back, or what was verified is doubted."`
	Registrar string             `json:"registrar,omitempty"`
	Ref       string             `json:"ref,omitempty"`
	Org       string             `json:"org,omitempty"`
	Profile   string             `json:"profile"`
	Caveat    string             `json:"caveat,omitempty" doc:"What its times are not for."`
	Trigger   string             `json:"trigger"`
	Seq       int                `json:"seq"`
	Opened    time.Time          `json:"opened"`
	Due       time.Time          `json:"due" doc:"When the answer is due."`
	HoldAt    time.Time          `json:"hold_at,omitzero" doc:"Before this no clock holds."`
	Holds     bool               `json:"holds" doc:"Whether a clock may put the name on hold."`
	ByPerson  bool               `json:"by_person,omitempty" doc:"Nothing moves any more unless a person acts."`
	Reached   time.Time          `json:"reached,omitzero" doc:"When the receiving side first spoke about a code."`
	Verified  []verificationDone `json:"verified,omitempty"`
	Statuses  []string           `json:"statuses,omitempty" doc:"EPP statuses of the hold that is on."`
	Kept      bool               `json:"contact_kept" doc:"Whether the contact's values are still here: once they are not, give them again to have a code sent."`
}

type verificationDone struct {
	Claim      string    `json:"claim"`
	Ref        string    `json:"ref"`
	Level      string    `json:"level"`
	Method     string    `json:"method"`
	At         time.Time `json:"at"`
	ValidUntil time.Time `json:"valid_until,omitzero"`
}

func verificationOf(v centre.Verification) verificationView {
	out := verificationView{ID: v.ID, Name: v.Name, Role: string(v.Role), State: string(v.State), InDoubt: v.InDoubt, Registrar: v.Registrar, Ref: v.Ref, Org: v.Org, Profile: v.Terms.Profile.ID,
		Caveat: v.Caveat(), Trigger: string(v.Trigger), Seq: v.Seq, Opened: v.Opened, Due: v.Due, HoldAt: v.HoldAt, Holds: v.Holds(), ByPerson: v.ByPerson(), Reached: v.Reached, Kept: v.Kept}
	for _, c := range slices.Sorted(maps.Keys(v.Verified)) {
		r := v.Verified[c]
		out.Verified = append(out.Verified, verificationDone{string(c), r.Ref, string(r.Level), string(r.Method), r.PerformedAt, r.ValidUntil})
	}
	if v.Hold != nil {
		out.Statuses = v.Hold.Statuses
	}
	return out
}

type verificationOut struct{ Body verificationView }

func verified(v centre.Verification, err error) (*verificationOut, error) {
	if err != nil {
		return nil, fail(err)
	}
	return &verificationOut{verificationOf(v)}, nil
}

type openVerificationIn struct {
	Body struct {
		Name      string `json:"name" minLength:"1" maxLength:"255"`
		Email     string `json:"email,omitempty" maxLength:"320"`
		Phone     string `json:"phone,omitempty" maxLength:"40" doc:"With + and the country code."`
		Role      string `json:"role,omitempty" enum:"registrant,account_holder"`
		Trigger   string `json:"trigger,omitempty" enum:"registered,transferred" doc:"What begins it: with another ref (or registrar) than before it is another registration of the name, and what was under way about the one before ends. Leave it out for a change of data: its clock runs on."`
		Registrar string `json:"registrar,omitempty" maxLength:"200"`
		Ref       string `json:"ref,omitempty" maxLength:"200" doc:"What your system calls it. Put no personal data here."`
		Profile   string `json:"profile,omitempty" maxLength:"32" doc:"For the centre's own people and systems; a member's are under the operator's profile."`
	}
}

func (a *API) openVerification(ctx context.Context, in *openVerificationIn) (*verificationOut, error) {
	p := person(ctx)
	if _, err := a.may(ctx, access.Work, access.Object{Kind: access.Verification, Org: p.Org}); err != nil {
		return nil, fail(err)
	}
	b := in.Body
	return verified(a.c.OpenVerification(ctx, centre.VerificationDraft{Name: b.Name, Email: b.Email, Phone: b.Phone, Role: verify.Role(b.Role), Trigger: verify.Trigger(b.Trigger),
		Registrar: b.Registrar, Ref: b.Ref, Profile: b.Profile, Org: p.Org}, p.Actor()))
}

type verificationsIn struct {
	Group string `query:"group" enum:"open,doubt,hold,done"`
	State string `query:"state" maxLength:"40"`
	Name  string `query:"name" maxLength:"255"`
	After string `query:"after" maxLength:"64" doc:"The next of the page before."`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

type verificationsOut struct {
	Body struct {
		Verifications []verificationView `json:"verifications"`
		Next          string             `json:"next,omitempty"`
	}
}

func (a *API) listVerifications(ctx context.Context, in *verificationsIn) (*verificationsOut, error) {
	p := person(ctx)
	f := store.VerificationFilter{Group: in.Group, State: in.State, Name: in.Name, After: in.After, Limit: in.Limit}
	if _, err := a.may(ctx, access.Read, access.Object{Kind: access.Verification, Org: p.Org}); err != nil {
		return nil, fail(err)
	}
	if !access.Decide(p, access.Read, access.Object{Kind: access.Verification, Org: "\x00another"}).Allowed {
		f.Own, f.Org = true, p.Org
	}
	if f.After != "" { // whose page it was is not told by where it ends
		if _, err := a.oneVerification(ctx, access.Read, f.After); err != nil {
			return nil, fail(err)
		}
	}
	vs, err := a.c.Verifications(ctx, f)
	if err != nil {
		return nil, fail(err)
	}
	out := &verificationsOut{}
	out.Body.Verifications = []verificationView{}
	for _, v := range vs {
		out.Body.Verifications = append(out.Body.Verifications, verificationOf(v))
	}
	if len(vs) == in.Limit {
		out.Body.Next = vs[len(vs)-1].ID
	}
	return out, nil
}

type verificationIn struct {
	ID string `path:"id" maxLength:"64"`
}

// oneVerification reads a verification that the sender may see or work: whose it
// is decides.
func (a *API) oneVerification(ctx context.Context, purpose access.Purpose, id string) (centre.Verification, error) {
	// Who may do this with nothing is not told what is there.
	if _, err := a.may(ctx, purpose, access.Object{Kind: access.Verification, ID: id, Org: person(ctx).Org}); err != nil {
		return centre.Verification{}, err
	}
	v, err := a.c.Verification(ctx, id)
	if err != nil {
		return v, err
	}
	_, err = a.may(ctx, purpose, access.Object{Kind: access.Verification, ID: id, Org: v.Org})
	return v, err
}

func (a *API) getVerification(ctx context.Context, in *verificationIn) (*verificationOut, error) {
	return verified(a.oneVerification(ctx, access.Read, in.ID))
}

type answerVerificationIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"200"`
	}
}

func (a *API) answerVerification(ctx context.Context, in *answerVerificationIn) (*verificationOut, error) {
	if _, err := a.oneVerification(ctx, access.Work, in.ID); err != nil {
		return nil, fail(err)
	}
	return verified(a.c.ReturnCode(ctx, in.ID, person(ctx).Actor(), in.Body.Code))
}

type goneVerificationIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		How string `json:"how" enum:"deleted,transferred" doc:"deleted: or expired. transferred: to another registrar or holder."`
	}
}

func (a *API) goneVerification(ctx context.Context, in *goneVerificationIn) (*verificationOut, error) {
	if _, err := a.oneVerification(ctx, access.Work, in.ID); err != nil {
		return nil, fail(err)
	}
	return verified(a.c.LeaveVerification(ctx, in.ID, 0, person(ctx).Actor(), verify.Departure(in.Body.How)))
}

func (a *API) againVerification(ctx context.Context, in *verificationIn) (*verificationOut, error) {
	if _, err := a.oneVerification(ctx, access.Work, in.ID); err != nil {
		return nil, fail(err)
	}
	return verified(a.c.SendCode(ctx, in.ID, 0, person(ctx).Actor(), verify.ByMail))
}
