package frame

import (
	"fmt"
	"strings"
	"testing"
)

// TestTableTwice: a name that stands in a table again, in whatever letters, is told
// by its line and given once; so is a contact. Beyond what memory holds it is told
// that this is not noticed any more.
func TestTableTwice(t *testing.T) {
	m := &Mapping{Columns: map[string]string{"d": "domain", "n": "contacts.registrant.name"}}
	got := print(t, Source{Name: "f", Format: CSV, Mapping: m}, []byte("d,n\na.example,Ada\nb.example,Bob\nA.Example.,Eve\na.example,Dan\nno name,Max\nno name,Max\n"))
	for _, want := range []string{"a.example line 2", "b.example line 3", "error f:4: a.example stands here again: the first row counts", "error f:5: a.example stands here again"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "Eve") || strings.Count(got, "stands here again") != 2 {
		t.Errorf("the second row counts, too:\n%s", got)
	}
	people := &Mapping{Columns: map[string]string{"h": "contacts.registrant.handle", "n": "contacts.registrant.name"}}
	if got := print(t, Source{Name: "f", Format: CSV, Mapping: people}, []byte("h,n\nC1,Ada\nC2,Bob\nC1,Eve\n")); strings.Count(got, "stands here again") != 1 || strings.Contains(got, "Eve") {
		t.Errorf("%s", got)
	}

	var rows strings.Builder
	rows.WriteString("d,n\n")
	const n = 2000
	for range 2 {
		for i := range n {
			fmt.Fprintf(&rows, "n%d.example,x\n", i)
		}
	}
	for memory, want := range map[int]struct{ units, again, full int }{0: {n, n, 0}, 1: {2*n - 768, 768, 1}} {
		units, again, full := 0, 0, 0
		for _, err := range Read(Source{Name: "f", Format: CSV, Mapping: m, Memory: memory}, strings.NewReader(rows.String())) {
			switch {
			case err == nil:
				units++
			case strings.Contains(err.Error(), "is not noticed"):
				full++
			case strings.Contains(err.Error(), "stands here again"):
				again++
			default:
				t.Fatal(err)
			}
		}
		if units != want.units || again != want.again || full != want.full {
			t.Errorf("with %d octets: %d units, %d told again, %d told full; want %+v", memory, units, again, full, want)
		}
	}
}
