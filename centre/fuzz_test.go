package centre_test

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"

	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/store"
)

// FuzzSubmitBulk submits anything: every line that is not blank is answered
// once, in order, with a receipt, and the same submission meets the same
// receipts again.
func FuzzSubmitBulk(f *testing.F) {
	for _, s := range []string{own, own + "\n" + v3 + "\r\n\r\n" + v4("https://bad.example.com/"), "\n\n", "\x00\xff\xfe", `{"type":"csam"}` + "\n{", "[[[[\n]]]]", "\u0085\n\u00a0\n", own + "\r" + own,
		`{"type":"phishing","url":"http://[::1]/"}`, `{"type":"phishing","urls":["https://a.bad.example.com/","https://b.pagebox.shopx/"]}`, "\xef\xbb\xbf" + own} {
		f.Add([]byte(s))
	}
	a := newApp(f, settings(f, engines[0].dsn(f, false)), app.World{})
	var n atomic.Int64
	f.Fuzz(func(t *testing.T, body []byte) {
		var want []int
		for i, l := range bytes.Split(body, []byte("\n")) {
			if len(bytes.TrimSpace(l)) > 0 {
				want = append(want, i+1)
			}
		}
		sub := centre.Submission{Source: "fuzz", Scope: "fuzz", Key: fmt.Sprint(n.Add(1))}
		var first, again []centre.BulkResult
		for _, out := range []*[]centre.BulkResult{&first, &again} {
			if err := a.Centre.SubmitBulk(t.Context(), sub, bytes.NewReader(body), func(r centre.BulkResult) error { *out = append(*out, r); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if len(first) != len(want) || len(again) != len(want) {
			t.Fatalf("%d and %d results for %d lines", len(first), len(again), len(want))
		}
		for i, r := range first {
			if r.Line != want[i] || r.Problem != nil || r.Receipt.Receipt == "" || r.State != store.ReportReceived && r.State != store.ReportRejected && r.State != store.ReportWithheld {
				t.Fatalf("%+v for line %d", r, want[i])
			}
			if r.State == store.ReportRejected && r.Detail == "" {
				t.Fatalf("line %d is turned down without a reason", r.Line)
			}
			if o := again[i]; !o.Repeated || o.Receipt.Receipt != r.Receipt.Receipt || o.Line != r.Line {
				t.Fatalf("%+v, first %+v", o, r)
			}
		}
	})
}

// FuzzSubmit submits anything singly, and has what was taken filed: a report
// ends in a case or with a reason.
func FuzzSubmit(f *testing.F) {
	for _, s := range []string{own, v3, v4("https://bad.example.com/"), `{"type":"phishing","urls":["https://a.bad.example.com/","https://b.bad2.example.org/"],"ips":["8.8.4.4"]}`,
		`{"type":"botnet","ips":["2606:4700::1111"]}`, `{"type":"phishing","domains":["xn--bcher-kva.example.com"]}`, "{", `{"type":"csam","url":"x"}`} {
		f.Add([]byte(s))
	}
	a := newApp(f, settings(f, engines[0].dsn(f, false)), app.World{})
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(bytes.TrimSpace(body)) == 0 {
			return
		}
		rc, err := a.Centre.Submit(t.Context(), centre.Submission{Source: "fuzz", Body: body})
		if err != nil {
			t.Fatal(err)
		}
		var row store.Report
		if err := a.Store.View(t.Context(), func(tx *store.Tx) (err error) { row, err = tx.ReportByReceipt(t.Context(), rc.Receipt); return err }); err != nil {
			t.Fatal(err)
		}
		if err := a.Centre.Triage(t.Context(), []string{row.ID}); err != nil {
			t.Fatal(err)
		}
		after, err := a.Centre.ReportState(t.Context(), rc.Receipt)
		if err != nil {
			t.Fatal(err)
		}
		switch after.State {
		case store.ReportAccepted, store.ReportDuplicate:
			if len(after.Cases) == 0 {
				t.Fatalf("%s, and on no case", after.State)
			}
		case store.ReportRejected, store.ReportWithheld:
			if after.Detail == "" || len(after.Cases) > 0 {
				t.Fatalf("%+v", after)
			}
		default:
			t.Fatalf("still %s", after.State)
		}
	})
}
