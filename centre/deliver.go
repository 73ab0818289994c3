package centre

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/name"
	"bailiwick/notify"
	"bailiwick/notify/email"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/report/read"
	"bailiwick/report/xarf"
	"bailiwick/store"
)

// noticeID names a notice by what it is, so that ordering it twice is one
// notice.
func noticeID(obligation string, n int) string { return fmt.Sprintf("%s.%d", obligation, n) }

// retries are the waits after a temporary failure; after the last the notice
// has failed.
var retries = []time.Duration{10 * time.Minute, 20 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour}

// stopGrace is how long a message that is on its way may still take when its
// worker is asked to stop.
const stopGrace = 25 * time.Second

// finishing is a context that outlives ctx by stopGrace: a restart cuts no
// message off between the last octet and the answer, which would leave it in
// doubt.
func finishing(ctx context.Context) (context.Context, func()) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(stopGrace):
			cancel()
		case <-out.Done():
		}
	})
	return out, func() { stop(); cancel() }
}

// intend claims a notice and commits the intent to send it, if it may be sent
// now. At most one worker gets ok.
func (c *Centre) intend(ctx context.Context, id string) (msg email.Message, n store.Notice, ok bool, err error) {
	err = retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			ok = false
			now := c.Clock.Now()
			if n, err = tx.Notice(ctx, id); err != nil {
				return err
			}
			if n.State != store.NoticeDue || n.Due.After(now) {
				return nil
			}
			compose, err := c.prepare(ctx, tx, n, now)
			if err != nil || compose == nil {
				return err
			}
			sent, err := c.countDesk(ctx, tx, n, now.Add(-24*time.Hour))
			if err != nil {
				return err
			}
			all, err := tx.CountNotices(ctx, "", now.Add(-24*time.Hour))
			if err != nil {
				return err
			}
			if n.Kind == kindVerify { // codes have a cap of their own
				all = 0
			}
			policy := c.set.Policy
			if stop, has, err := tx.Setting(ctx, SettingStop); err != nil {
				return err
			} else if has && len(stop) > 0 {
				policy.Stop = true
			}
			if d := notify.Gate(policy, notify.Counts{Channel: n.Channel, Party: sent, All: all}, now); !d.Allowed {
				n.Due, n.Response = d.Retry, d.Reason
				if !n.Due.After(now) {
					n.Due = now.Add(time.Hour)
				}
				return tx.FinishNotice(ctx, n)
			}
			if msg, err = compose(); errors.Is(err, errNotWritten) {
				return err
			} else if err != nil {
				return c.failed(ctx, tx, n, "the message could not be made: "+err.Error())
			}
			kept := msg.Raw
			if msg.Copy != nil {
				kept = msg.Copy
			}
			n.Blob, err = tx.PutBlob(ctx, "message/rfc822", kept)
			if err != nil {
				return err
			}
			n.MessageID, n.Worker, n.Intended = msg.ID, c.set.Worker, time.Now()
			ok, err = tx.IntendNotice(ctx, n.ID, c.set.Worker, msg.ID, n.Blob, n.Intended)
			if err == nil && !ok { // what was written for this message must not stand
				return problem.Wrap(errRace, problem.Conflict, "another worker sends notice %s", id)
			}
			return err
		})
	})
	return msg, n, ok && err == nil, err
}

// errNotWritten marks an error of the database while a message was made, as against
// a message that cannot be made.
var errNotWritten = errors.New("not written")

// prepare says how the message of a notice is made; nil where it does not leave
// now, which is then written on the notice.
func (c *Centre) prepare(ctx context.Context, tx *store.Tx, n store.Notice, now time.Time) (func() (email.Message, error), error) {
	if n.Kind == kindReceipt {
		return c.prepareReceipt(ctx, tx, n, now)
	}
	if n.Kind == kindDisclosure {
		return c.prepareDisclosure(ctx, tx, n, now)
	}
	if n.Kind == kindInaccuracy {
		return c.prepareInaccuracy(ctx, tx, n, now)
	}
	if n.Kind == kindVerify {
		return c.prepareVerification(ctx, tx, n, now)
	}
	cs, err := c.load(ctx, tx, n.Case)
	if err != nil {
		return nil, err
	}
	ob, has := cs.Obligation(n.Obligation)
	if !has || !wanted(cs, ob) {
		n.State, n.Done, n.Response = store.NoticeStopped, now, "no longer wanted: the case or the obligation has ended"
		return nil, tx.FinishNotice(ctx, n)
	}
	if !cs.GoneSince.IsZero() { // it seems gone: nobody is asked until that is certain or it is back
		n.Due, n.Response = now.Add(time.Hour), "held: the abuse was not seen at the latest look"
		return nil, tx.FinishNotice(ctx, n)
	}
	if n.To == "" {
		why := "no mail address is known"
		if ob.Party.Form != "" {
			why += "; a person can hand it over at " + ob.Party.Form
		}
		return nil, c.failed(ctx, tx, n, why)
	}
	pb, err := c.playbook(ctx, tx, cs.Playbook)
	if err != nil {
		return nil, err
	}
	earlier, err := tx.Notices(ctx, cs.ID)
	if err != nil {
		return nil, err
	}
	return func() (email.Message, error) { return c.compose(cs, pb, ob, n, earlier, now) }, nil
}

// prepareReceipt is prepare for what a reporter by mail gets.
func (c *Centre) prepareReceipt(ctx context.Context, tx *store.Tx, n store.Notice, now time.Time) (func() (email.Message, error), error) {
	_, id, _ := strings.Cut(n.Obligation, "/")
	r, err := tx.Report(ctx, id)
	if err != nil {
		return nil, err
	}
	m, _, err := tx.MailOfReport(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.State == store.ReportWithheld || m.Blob == "" {
		n.State, n.Done, n.Response = store.NoticeStopped, now, "the report is not kept"
		return nil, tx.FinishNotice(ctx, n)
	}
	return func() (email.Message, error) {
		raw, _, err := tx.Blob(ctx, m.Blob)
		if err != nil {
			return email.Message{}, err
		}
		rep, _, _ := read.Report(raw, r.Format) // as far as it reads: who sent one that does not is told so
		kind := "a report by mail"
		if rep.Format == "arf" {
			kind = "a complaint in ARF"
		}
		return email.ComposeReceipt(email.Receipt{ID: r.Receipt, To: n.To, Kind: kind, Type: rep.Abuse, URLs: rep.URLs, StatusURL: c.set.BaseURL + "/report/" + r.Receipt,
			MessageID: m.MessageID, CentreName: c.set.Name, CentreContact: c.set.Contact, Received: r.Received, Date: now},
			email.ComposeOptions{From: c.set.From, FromName: c.set.Name, ReplyTo: email.ReceiptAddress(c.ReplyKey, c.set.ReplyDomain, r.Receipt), DKIM: c.DKIM})
	}, nil
}

// SettingStop is the setting that holds all sending when it is not empty.
const SettingStop = "stop"

// wanted says whether a notice about an obligation still has a point: the
// obligation stands, or it is news for somebody who is only told.
func wanted(cs casework.Case, o casework.Obligation) bool {
	if cs.State != casework.Coordinating || o.Round != cs.Round {
		return false
	}
	switch o.Status {
	case casework.Pending, casework.Running, casework.Missed, casework.Acted:
		return true
	}
	return false
}

func (c *Centre) failed(ctx context.Context, tx *store.Tx, n store.Notice, why string) error {
	n.State, n.Done, n.Response = store.NoticeFailed, c.Clock.Now(), why
	if err := tx.FinishNotice(ctx, n); err != nil {
		return err
	}
	return c.told(ctx, tx, n, casework.Undelivered, why)
}

// sent writes the result of a notice and what it means for the case, in one
// transaction.
func (c *Centre) sent(ctx context.Context, n store.Notice, res email.Result) error {
	return retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			now := c.Clock.Now()
			n := n
			n.Attempts++
			n.Response, n.Recoverable, n.Done = res.Response, res.Recoverable, now
			if n.Response == "" && res.Err != nil {
				n.Response = res.Err.Error()
			}
			if n.Kind == kindVerify {
				n.Response = plainReply(n.Response) // its words may name the address
			}
			var result casework.Result
			switch {
			case res.Accepted:
				n.State, result = store.NoticeAccepted, casework.Accepted
			case res.InDoubt:
				n.State, result = store.NoticeInDoubt, casework.Doubtful
			case res.Recoverable && n.Attempts <= len(retries):
				n.State, n.Due, n.Done = store.NoticeDue, now.Add(retries[n.Attempts-1]), time.Time{}
				return tx.FinishNotice(ctx, n)
			default:
				n.State, result = store.NoticeFailed, casework.Undelivered
			}
			if err := tx.FinishNotice(ctx, n); err != nil {
				return err
			}
			return c.told(ctx, tx, n, result, n.Response)
		})
	})
}

// compose writes the message of a notice.
func (c *Centre) compose(cs casework.Case, pb casework.Playbook, o casework.Obligation, n store.Notice, earlier []store.Notice, now time.Time) (email.Message, error) {
	a, err := c.draft(cs, pb, o, n, earlier, now)
	if err != nil {
		return email.Message{}, err
	}
	opt := c.composing(n.ID, c.set.From, email.ReplyAddress(c.ReplyKey, c.set.ReplyDomain, cs.ID, o.ID))
	opt.PGPFallback = c.set.PGPFallback
	return email.Compose(a, opt)
}

// draft gathers what a notice says.
func (c *Centre) draft(cs casework.Case, pb casework.Playbook, o casework.Obligation, n store.Notice, earlier []store.Notice, now time.Time) (email.Ask, error) {
	urls := make([]name.URL, 0, len(cs.URLs()))
	for _, s := range cs.URLs() {
		u, err := name.ParseURL(s)
		if err != nil {
			return email.Ask{}, err
		}
		urls = append(urls, name.StripTokens(u))
	}
	step, _ := pb.Step(o.Step)
	due := o.Due
	if due.IsZero() && step.Within > 0 {
		due = now.Add(time.Duration(step.Within))
	}
	answer := ""
	if o.Action.Asks() {
		answer = c.set.BaseURL + "/answer/" + email.AnswerToken(c.ReplyKey, cs.ID, o.ID)
	}
	x, err := xarf.Write(c.outgoing(cs, o, urls))
	if err != nil {
		return email.Ask{}, err
	}
	a := email.Ask{CaseID: cs.ID, ObligationID: o.ID, NoticeID: n.ID, Kind: n.Kind, Action: string(o.Action), Role: o.Party.Role, PartyName: o.Party.Name, To: n.To, Basis: o.Party.Basis,
		AbuseType: cs.Type, TLDKind: c.Directory.TLDKind(cs.Subject.Name.TLD()), URLs: urls, Domain: cs.Subject.Name, Due: due, Asked: asks[o.Action], Why: cs.Reasons, Seen: c.observations(cs),
		Collateral: c.Directory.Collateral(cs.Subject), XARF: x, AnswerURL: answer, CentreName: c.set.Name, CentreContact: c.set.Contact, Date: now, PGPKey: c.Directory.PGPKey(n.To)}
	if cs.Subject.Kind == party.Address {
		a.Subject = cs.Subject.Key()
	}
	if cs.Look != nil {
		a.Registrar, a.IANAID = cs.Look.Registrar, cs.Look.IANAID
	}
	for _, e := range earlier {
		if e.Obligation == o.ID && e.State == store.NoticeAccepted {
			a.Earlier = append(a.Earlier, e.Done)
			a.PreviousMessageIDs = append(a.PreviousMessageIDs, e.MessageID)
		}
	}
	return a, nil
}

// asks say what each action asks for, in words.
var asks = map[casework.Action]string{
	casework.Inform:            "We tell you because it concerns you. Nothing is asked of you.",
	casework.List:              "Please consider warning your users about it.",
	casework.RemoveContent:     "Please look at it and stop it from being served.",
	casework.SuspendCustomer:   "Please look at your customer's page or account and stop the abuse.",
	casework.SuspendName:       "Please look at the registration and stop the abuse of the name, for example with clientHold or serverHold.",
	casework.RegistryProcedure: "Please look at the registration under your own procedure for abuse of names.",
}

// observations are the requests of the looks an ask rests on: the first that
// saw the abuse, and the latest.
func (c *Centre) observations(cs casework.Case) []email.Observation {
	var out []email.Observation
	add := func(f *casework.Finding) {
		s, err := snapshot(f)
		if err != nil || s == nil {
			return // what cannot be read is not quoted
		}
		for _, v := range s.Sight.Views {
			vp := c.vantage(v.Vantage)
			from := vp.Country
			if from == "" {
				from = v.Vantage
			}
			out = append(out, email.Observation{At: s.Sight.At, URL: name.StripTokens(v.URL), UserAgent: vp.UserAgent, Language: vp.Language, From: from, Status: v.Status, Result: v.Reason})
		}
	}
	add(cs.Base)
	if cs.Look != nil && (cs.Base == nil || !cs.Look.At.Equal(cs.Base.At)) {
		add(cs.Look)
	}
	return out
}

// outgoing is the machine-readable copy of an ask.
func (c *Centre) outgoing(cs casework.Case, o casework.Obligation, urls []name.URL) xarf.Outgoing {
	us := xarf.Contact{Org: c.set.Name, Contact: c.set.Contact, Domain: c.set.ReplyDomain}
	out := xarf.Outgoing{ID: uuidOf(o.ID), Abuse: cs.Type, Source: cs.Subject.Key(), At: cs.Opened, Reporter: us, Sender: us,
		TargetBrand: cs.Brand(), Description: "Confirmed by our own live capture.",
		Bailiwick: xarf.Extension{Case: cs.ID, Obligation: o.ID, Role: string(o.Party.Role), Action: string(o.Action)}}
	if cs.Base != nil {
		out.At = cs.Base.At
	}
	if len(urls) > 0 {
		out.URL = urls[0]
	}
	return out
}

// uuidOf makes a UUID (RFC 9562, version 8) of an obligation's id, so that
// every notice about it carries the same report.
func uuidOf(id string) string {
	h := sha256.Sum256([]byte("bailiwick obligation " + id))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
