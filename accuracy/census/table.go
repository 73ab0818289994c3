package census

import (
	"cmp"
	"slices"
)

// Cell is how many names are in one row and one column of a table, such as a TLD
// and a registrar.
type Cell struct {
	Row, Column string
	N           int
}

// Table says what may be published of a table with its sums by row and by column.
// The zero Table publishes the sum of everything alone.
type Table struct{ shown map[[2]string]bool }

// Shown says whether the count of a cell may be published; of a whole row or
// column where the other is "". The sum of everything always is.
func (t Table) Shown(row, column string) bool {
	return row == "" && column == "" || t.shown[[2]string{row, column}]
}

// tableRounds bounds how often what can be found out is looked for.
const tableRounds = 100

// entry is a cell, or the sum of a row or of a column.
type entry struct {
	key    [2]string
	ends   [2]int // the lines it stands in: a row and a column
	n      int
	hidden bool
}

// line is a row or a column, or the one of sums: its entries add up to its sum.
type line struct {
	parts []int // entries, the smallest first
	sum   int   // the entry of its sum; -1 where that is the sum of everything
	next  int   // the first part that may still be shown
	some  bool  // parts are hidden
	names int   // in hidden parts
}

// PublishTable hides what counts fewer than MinGroup names, and with it so much
// that none of it can be found out from what is shown: in no row, column or list
// of sums do the hidden parts of a shown sum count fewer than MinGroup, and no
// system of sums and parts gives a hidden entry. For the latter the hidden entries
// are the edges of a graph whose nodes are the lines: an entry can be computed
// exactly if its edge is a bridge (Gusfield, A graph theoretic approach to
// statistical data security, SIAM J. Comput. 17, 1988).
func PublishTable(cells []Cell) Table {
	cells = slices.Clone(cells)
	slices.SortFunc(cells, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Column, b.Column))
	})
	const ofRows, ofColumns = 0, 1 // the lines of the rows' sums and of the columns'
	lines := []line{{sum: -1}, {sum: -1}}
	var entries []entry
	at := [2]map[string]int{{}, {}} // the lines of rows and columns
	of := func(sums int, word string) int {
		i, ok := at[sums][word]
		if !ok {
			i = len(lines)
			at[sums][word] = i
			key := [2]string{word, ""}
			if sums == ofColumns {
				key = [2]string{"", word}
			}
			lines = append(lines, line{sum: len(entries)})
			lines[sums].parts = append(lines[sums].parts, len(entries))
			entries = append(entries, entry{key: key, ends: [2]int{i, sums}})
		}
		return i
	}
	for _, c := range cells {
		r, k := of(ofRows, c.Row), of(ofColumns, c.Column)
		entries[lines[r].sum].n += c.N
		entries[lines[k].sum].n += c.N
		lines[r].parts, lines[k].parts = append(lines[r].parts, len(entries)), append(lines[k].parts, len(entries))
		entries = append(entries, entry{key: [2]string{c.Row, c.Column}, ends: [2]int{r, k}, n: c.N})
	}
	for i := range lines {
		slices.SortStableFunc(lines[i].parts, func(a, b int) int { return cmp.Compare(entries[a].n, entries[b].n) })
	}
	var changed []int
	hide := func(e int) {
		x := &entries[e]
		if x.hidden {
			return
		}
		x.hidden = true
		for _, i := range x.ends {
			changed = append(changed, i)
			if l := &lines[i]; l.sum != e {
				l.some, l.names = true, l.names+x.n
			}
		}
	}
	// smallest is the smallest part of a line that is shown; -1 if none is.
	smallest := func(i int) int {
		l := &lines[i]
		for l.next < len(l.parts) && entries[l.parts[l.next]].hidden {
			l.next++
		}
		if l.next == len(l.parts) {
			return -1
		}
		return l.parts[l.next]
	}
	settle := func() {
		for len(changed) > 0 {
			i := changed[len(changed)-1]
			changed = changed[:len(changed)-1]
			l := lines[i]
			switch sum := l.sum; {
			case sum >= 0 && entries[sum].hidden:
				if e := smallest(i); !l.some && e >= 0 {
					hide(e)
				}
			case l.some && l.names < MinGroup:
				if e := smallest(i); e >= 0 {
					hide(e)
				} else if sum >= 0 {
					hide(sum)
				}
			}
		}
	}
	for e := range entries {
		if entries[e].n < MinGroup {
			hide(e)
		}
	}
	settle()
	for range tableRounds {
		found := bridges(entries, lines)
		if len(found) == 0 {
			t := Table{make(map[[2]string]bool, len(entries))}
			for _, e := range entries {
				if !e.hidden {
					t.shown[e.key] = true
				}
			}
			return t
		}
		for _, e := range found {
			best := -1
			for _, i := range entries[e].ends {
				also := []int{smallest(i)}
				if s := lines[i].sum; s >= 0 && !entries[s].hidden {
					also = append(also, s)
				}
				for _, x := range also {
					if x >= 0 && (best < 0 || entries[x].n < entries[best].n) {
						best = x
					}
				}
			}
			if best < 0 {
				return Table{} // nothing is left to hide it behind
			}
			hide(best)
			settle()
		}
	}
	return Table{}
}

// bridges are the hidden entries that can be computed from what is shown.
func bridges(entries []entry, lines []line) (out []int) {
	near := make([][]int, len(lines))
	for e := range entries {
		if entries[e].hidden {
			for _, i := range entries[e].ends {
				near[i] = append(near[i], e)
			}
		}
	}
	// Tarjan's, without recursion: a table may be one long chain.
	type step struct{ line, by, next int }
	seen, low, n := make([]int, len(lines)), make([]int, len(lines)), 0
	for start := range lines {
		if seen[start] > 0 || len(near[start]) == 0 {
			continue
		}
		n++
		seen[start], low[start] = n, n
		for stack := []step{{start, -1, 0}}; len(stack) > 0; {
			s := &stack[len(stack)-1]
			if s.next == len(near[s.line]) {
				done := *s
				stack = stack[:len(stack)-1]
				if len(stack) > 0 {
					up := stack[len(stack)-1].line
					low[up] = min(low[up], low[done.line])
					if low[done.line] > seen[up] {
						out = append(out, done.by)
					}
				}
				continue
			}
			e := near[s.line][s.next]
			s.next++
			if e == s.by {
				continue
			}
			to := entries[e].ends[0] + entries[e].ends[1] - s.line
			if seen[to] > 0 {
				low[s.line] = min(low[s.line], seen[to])
				continue
			}
			n++
			seen[to], low[to] = n, n
			stack = append(stack, step{to, e, 0})
		}
	}
	return out
}
