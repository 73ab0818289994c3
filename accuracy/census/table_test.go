package census

import (
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// known finds which entries follow from those that are shown, by solving the
// system of all sums with Gauss's elimination in exact numbers: the check of
// PublishTable by a way that shares nothing with it.
func known(cells []Cell, t Table) map[[2]string]bool {
	at := map[[2]string]int{}
	var keys [][2]string
	of := func(k [2]string) int {
		if _, ok := at[k]; !ok {
			at[k] = len(keys)
			keys = append(keys, k)
		}
		return at[k]
	}
	sums := map[[2]string][]int{}
	for _, c := range cells {
		e := of([2]string{c.Row, c.Column})
		for _, k := range [][2]string{{c.Row, ""}, {"", c.Column}} {
			if sums[k] == nil {
				all := [2]string{"", "rows"}
				if k[0] == "" {
					all = [2]string{"columns", ""}
				}
				sums[all] = append(sums[all], of(k))
			}
			sums[k] = append(sums[k], e)
		}
	}
	// A row of the system holds the hidden entries only: what is shown is a number.
	var rows [][]*big.Rat
	for k, parts := range sums {
		row := make([]*big.Rat, len(keys))
		for i := range row {
			row[i] = new(big.Rat)
		}
		for _, e := range parts {
			if !t.Shown(keys[e][0], keys[e][1]) {
				row[e].SetInt64(1)
			}
		}
		if e, ok := at[k]; ok && !t.Shown(k[0], k[1]) {
			row[e].SetInt64(-1)
		}
		rows = append(rows, row)
	}
	for col, done := 0, 0; col < len(keys) && done < len(rows); col++ {
		p := done
		for p < len(rows) && rows[p][col].Sign() == 0 {
			p++
		}
		if p == len(rows) {
			continue
		}
		rows[done], rows[p] = rows[p], rows[done]
		inv := new(big.Rat).Inv(rows[done][col])
		for j := range rows[done] {
			rows[done][j].Mul(rows[done][j], inv)
		}
		for i := range rows {
			if f := new(big.Rat).Set(rows[i][col]); i != done && f.Sign() != 0 {
				for j := range rows[i] {
					rows[i][j].Sub(rows[i][j], new(big.Rat).Mul(f, rows[done][j]))
				}
			}
		}
		done++
	}
	out := map[[2]string]bool{}
	for _, row := range rows {
		one, n := -1, 0
		for j := range row {
			if row[j].Sign() != 0 {
				one, n = j, n+1
			}
		}
		if n == 1 {
			out[keys[one]] = true
		}
	}
	return out
}

// checkTable says what is wrong with what is published.
func checkTable(cells []Cell, t Table) error {
	rows, columns := map[string]int{}, map[string]int{}
	hidden := map[[2]string]int{} // names in hidden parts of a row or column, or of all
	for _, c := range cells {
		rows[c.Row] += c.N
		columns[c.Column] += c.N
		if !t.Shown(c.Row, c.Column) {
			hidden[[2]string{c.Row, ""}] += c.N
			hidden[[2]string{"", c.Column}] += c.N
		} else if c.N < MinGroup {
			return fmt.Errorf("%+v is shown", c)
		}
	}
	far := map[string]int{}
	for by, sums := range map[string]map[string]int{"row": rows, "column": columns} {
		for k, n := range sums {
			key := [2]string{k, ""}
			if by == "column" {
				key = [2]string{"", k}
			}
			shown := t.Shown(key[0], key[1])
			if shown && n < MinGroup {
				return fmt.Errorf("the %s %q of %d is shown", by, k, n)
			}
			if h := hidden[key]; shown && h > 0 && h < MinGroup {
				return fmt.Errorf("the %s %q is shown, and %d are hidden in it", by, k, h)
			}
			if !shown {
				far[by] += n
			}
		}
	}
	for by, n := range far {
		if n > 0 && n < MinGroup {
			return fmt.Errorf("%d are hidden in sums by %s", n, by)
		}
	}
	if out := known(cells, t); len(out) > 0 {
		return fmt.Errorf("%v follow from what is shown", out)
	}
	return nil
}

// TestPublishTable: nothing small is shown, and nothing hidden follows from what
// is shown, whatever is added and subtracted; where nothing is small everything
// is shown.
func TestPublishTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cells []Cell
		total, small := 0, false
		most := rapid.SampledFrom([]int{60, 120, 1000, 100_000}).Draw(t, "most")
		for r := range rapid.IntRange(1, 6).Draw(t, "rows") {
			for c := range rapid.IntRange(1, 6).Draw(t, "columns") {
				if rapid.IntRange(0, 3).Draw(t, "empty") == 0 {
					continue
				}
				n := rapid.IntRange(1, most).Draw(t, "n")
				cells = append(cells, Cell{fmt.Sprintf("r%d", r), fmt.Sprintf("c%d", c), n})
				total, small = total+n, small || n < MinGroup
			}
		}
		if total < MinGroup {
			return // of which nothing is published at all
		}
		table := PublishTable(cells)
		if table.shown == nil && small {
			return // everything is hidden
		}
		if err := checkTable(cells, table); err != nil {
			t.Fatalf("%v: %+v", err, cells)
		}
		for _, c := range cells {
			if !small && !table.Shown(c.Row, c.Column) {
				t.Fatalf("%+v is hidden, and nothing is small", c)
			}
		}
	})
	for _, c := range []struct {
		name   string
		cells  []Cell
		shown  [][2]string
		hidden [][2]string
	}{
		{"a small TLD goes with the next, which has no page of its own", []Cell{{"big", "a", 200}, {"big", "b", 100}, {"mid", "a", 60}, {"tiny", "a", 5}},
			[][2]string{{"big", ""}, {"", ""}}, [][2]string{{"tiny", ""}, {"mid", ""}, {"mid", "a"}, {"tiny", "a"}}},
		{"one TLD, one registrar", []Cell{{"big", "a", 200}}, [][2]string{{"big", ""}, {"", "a"}, {"big", "a"}}, nil},
		{"all are small", []Cell{{"x", "a", 40}, {"y", "b", 40}}, nil, [][2]string{{"x", ""}, {"", "a"}, {"y", "b"}}},
		{"only whole columns are large", []Cell{{"x", "a", 40}, {"y", "a", 40}, {"z", "a", 40}}, [][2]string{{"", "a"}}, [][2]string{{"x", ""}, {"y", "a"}}},
	} {
		got := PublishTable(c.cells)
		for i, keys := range [][][2]string{c.hidden, c.shown} {
			for _, k := range keys {
				if got.Shown(k[0], k[1]) != (i == 1) {
					t.Errorf("%s: %q is shown: %v", c.name, k, i == 0)
				}
			}
		}
	}
}

// BenchmarkPublishTable measures a table of the size of a large frame, which each
// public page goes through.
func BenchmarkPublishTable(b *testing.B) {
	var cells []Cell
	for r := range 50 {
		for c := range 1000 {
			cells = append(cells, Cell{fmt.Sprint("t", r), fmt.Sprint("r", c), 1 + (r*7919+c*104729)%400})
		}
	}
	for b.Loop() {
		PublishTable(cells)
	}
}
