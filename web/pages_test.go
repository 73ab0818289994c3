package web_test

import (
	"slices"
	"testing"

	"bailiwick/casework"
	"bailiwick/store"
)

// pagesOf are the addresses of every page of a world that is under way, by
// name.
func pagesOf(t testing.TB, w *world) map[string]string {
	t.Helper()
	out := map[string]string{"home": "/", "report": "/report", "figures": "/figures", "queue": "/desk", "closed": "/desk?state=closed", "handoffs": "/desk/handoffs",
		"parties": "/parties", "missing": "/report/none", "preferences": "/preferences"}
	cases, err := w.Centre.Cases(t.Context(), store.CaseFilter{})
	if err != nil {
		t.Fatal(err)
	}
	best := map[string]int{}
	put := func(name string, c casework.Case) {
		if best[name] < c.Seq {
			best[name] = c.Seq
			out[name] = "/cases/" + c.ID
		}
	}
	for _, c := range cases {
		switch c.State {
		case casework.Coordinating:
			put("case", c)
			if c.Class == casework.Malicious && c.GoneSince.IsZero() && slices.ContainsFunc(c.Obligations, func(o casework.Obligation) bool { return o.Status == casework.Running }) {
				put("case-clock", c)
			}
			for _, o := range c.Obligations {
				if c.ForPerson(o) {
					out["handoff"] = "/cases/" + c.ID + "/handoff/" + o.ID
				}
			}
		case casework.Closed:
			put("case-closed", c)
			out["name"] = "/names/" + c.Subject.Key()
		case casework.Unconfirmed, casework.Investigating:
			put("case-"+string(c.State), c)
		}
		if c.Look != nil && len(c.Look.Blobs) > 0 {
			out["evidence"] = "/cases/" + c.ID + "/evidence/" + c.Look.Blobs[0]
		}
		for _, o := range c.Obligations {
			if !o.Delivered.IsZero() && o.Action.Asks() {
				out["party"] = "/parties/" + o.Party.ID
			}
		}
		if len(c.Reports) > 0 {
			if err := w.Store.View(t.Context(), func(tx *store.Tx) error {
				r, err := tx.Report(t.Context(), c.Reports[0].ID)
				out["status"] = "/report/" + r.Receipt
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}
