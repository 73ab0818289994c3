package survey

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"bailiwick/problem"
)

// Columns are the columns of WriteCSV.
func Columns() []string {
	return []string{"test", "by", "key", "tested", "testable", "testable_low", "testable_high", "accurate", "accurate_low", "accurate_high", "accurate_method", "effective",
		"lower", "lower_low", "upper", "upper_high", "bounds_only", "not_published_because", "change", "change_low", "change_high"}
}

// WriteCSV writes the results of a report as a table: a row for each test, and
// one for each subgroup of it. What is not fit to be published has its reason and
// no number. Shares lie between 0 and 1.
func WriteCSV(w io.Writer, r Report) error {
	c := csv.NewWriter(w)
	rows := [][]string{Columns()}
	for _, t := range r.Tests {
		rows = append(rows, row(t.Test, "", "", t.Result.Tested, &t.Result, t.Result.Unpublished, t.Change))
		for _, s := range t.Subgroups {
			rows = append(rows, row(t.Test, s.By, s.Key, s.Tested, s.Result, s.Unpublished, nil))
		}
	}
	if r.NORC != nil {
		for _, g := range r.NORC.Groups {
			rows = append(rows, row("group: "+string(g.Group), "", "", g.Result.Tested, &g.Result, g.Result.Unpublished, nil))
		}
	}
	if err := c.WriteAll(rows); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the table cannot be written")
	}
	return nil
}

func row(test, by, key string, tested int, res *Result, why string, ch *ChangeOf) []string {
	out := make([]string, len(Columns()))
	out[0], out[1], out[2], out[3], out[17] = test, by, Plain(key), strconv.Itoa(tested), why
	if res == nil || why != "" {
		return out
	}
	out[4], out[5], out[6] = share(res.Testable.Share), share(res.Testable.Low), share(res.Testable.High)
	if a := res.Accurate; a != nil {
		out[7], out[8], out[9], out[10], out[11] = share(a.Share), share(a.Low), share(a.High), a.Method, share(a.Effective)
	}
	out[12], out[13], out[14], out[15] = share(res.Lower.Share), share(res.Lower.Low), share(res.Upper.Share), share(res.Upper.High)
	out[16] = strconv.FormatBool(res.BoundsOnly)
	if ch != nil {
		out[18], out[19], out[20] = share(ch.Diff), share(ch.Low), share(ch.High)
	}
	return out
}

func share(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// Plain is a foreign text for a table that a person may open in a program that
// takes cells for formulas: such a cell begins with an apostrophe.
func Plain(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
