// Package read picks the decoder for a report by its content. The list of
// decoders is in this file and nowhere else.
package read

import (
	"strings"

	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/internal/jsontree"
	"bailiwick/report/native"
	"bailiwick/report/xarf"
)

// decoder is one format that is read.
type decoder struct {
	format string
	is     func(*jsontree.Document) bool
	read   func(*jsontree.Document) (report.Report, []report.Finding, error)
}

// decoders are asked in this order; the first that knows its format reads it.
var decoders = [...]decoder{
	{xarf.Format4, xarf.IsV4, xarf.V4},
	{xarf.Format3, xarf.IsV3, xarf.V3},
	{native.Format, native.Is, native.Tree},
}

// Report reads a report of any supported format. declared is a format name
// ("xarf4", "xarf3", "json") that overrules the content, or anything else, such
// as a media type, or nothing, which does not.
//
// The report is returned with an error too, as far as it was read: its Format
// says which format it was taken for, "" for none. An error is Invalid or
// TooLarge and names fields; findings are warnings to the reporter.
func Report(raw []byte, declared string) (report.Report, []report.Finding, error) {
	d, err := jsontree.Parse(raw)
	if err != nil {
		return report.Report{}, nil, err
	}
	declared = strings.ToLower(strings.TrimSpace(declared))
	for _, dec := range decoders {
		if dec.format == declared {
			return dec.read(d)
		}
	}
	for _, dec := range decoders {
		if dec.is(d) {
			return dec.read(d)
		}
	}
	return report.Report{}, nil, problem.New(problem.Invalid,
		"this is no report of a format that is known: XARF v4 has xarf_version, XARF v3 has ReporterInfo and Report, our own has type")
}
