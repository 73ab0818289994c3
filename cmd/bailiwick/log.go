package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/text"
)

// printLog prints the log of a request, a verification or a correction, a line an
// event. Personal payloads are named only unless personal is true.
func printLog(w io.Writer, es []casework.Entry, personal bool) {
	for _, x := range es {
		body := "(erased)"
		switch {
		case x.Payload == nil:
		case x.Payload.Personal && !personal:
			body = "(personal)"
		default:
			body = text.Line(string(x.Payload.Body), 2000)
		}
		fmt.Fprintf(w, "%4d  %s  %-26s %-20s %s\n", x.Seq, stamp(x.At), x.Kind, x.Actor, body)
	}
}

// onCentre runs f on the centre's state.
func onCentre(e *env, f func(*centre.Centre) error) error {
	a, err := desk(e)
	if err != nil {
		return err
	}
	defer a.Stop(e.ctx)
	return f(a.Centre)
}

// acted does something to what the centre keeps, and says how that stands.
func acted[T any](e *env, f func(*centre.Centre) (T, error), say func(T) string) error {
	return onCentre(e, func(ctr *centre.Centre) error {
		t, err := f(ctr)
		if err != nil {
			return err
		}
		fmt.Fprintln(e.out, say(t))
		return nil
	})
}

// logged prints a log, a line an event.
func logged(e *env, id string, events func(context.Context, string) ([]casework.Entry, error), personal bool) error {
	es, err := events(e.ctx, id)
	if err != nil {
		return err
	}
	printLog(e.out, es, personal)
	return nil
}

// sheet prints one thing, a line for each thing to say of it.
type sheet struct{ *tabwriter.Writer }

func newSheet(e *env) sheet { return sheet{tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)} }

// line prints what is to say of it, and nothing where that is nothing.
func (s sheet) line(what, v string) {
	if v != "" {
		fmt.Fprintf(s, "%s\t%s\n", what, v)
	}
}

// table prints things, a line each under a head, or as JSON. none is what it says
// where there are none.
func table[T any](e *env, asJSON bool, all []T, none, head string, row func(T) []any) error {
	switch {
	case asJSON:
		return jsonLines(e.out, all)
	case len(all) == 0 && none != "":
		fmt.Fprintln(e.out, none)
		return nil
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.ReplaceAll(head, "|", "\t"))
	for _, t := range all {
		for i, cell := range row(t) {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, cell)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// printWords prints what people wrote.
func printWords(e *env, words []centre.Word) {
	for _, x := range words {
		fmt.Fprintf(e.out, "\n%s  %s  %s\n%s\n", stamp(x.At), x.By, dash(string(x.With)), indented(x.Text))
	}
}
