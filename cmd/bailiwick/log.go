package main

import (
	"fmt"
	"io"

	"bailiwick/casework"
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
