package read

import (
	"errors"

	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/xarf"
)

// Line is what `bailiwick parse report` prints for one file, as one JSON
// object on one line (DESIGN section 7).
type Line struct {
	File string `json:"file"`
	// OK says that the centre can work on the report.
	OK bool `json:"ok"`
	// Format is "xarf4", "xarf3", "json", or "" when none was recognised.
	Format string `json:"format"`
	// SchemaValid is the verdict of the XARF v4 schemas alone, for XARF v4: a
	// valid report may still be one that the centre cannot work on.
	SchemaValid *bool `json:"schema_valid,omitempty"`
	// Errors say why not; Warnings what is odd all the same.
	Errors   []problem.Field  `json:"errors"`
	Warnings []report.Finding `json:"warnings"`
	// Report is left out unless OK.
	Report *report.Report `json:"report,omitempty"`
}

// Parse reads one file for `bailiwick parse report`.
func Parse(file string, raw []byte) Line {
	r, findings, err := Report(raw, "")
	l := Line{File: file, OK: err == nil, Format: r.Format, Errors: []problem.Field{}, Warnings: findings}
	if findings == nil {
		l.Warnings = []report.Finding{}
	}
	if r.Format == xarf.Format4 {
		valid := err == nil || xarf.Validate(raw) == nil
		l.SchemaValid = &valid
	}
	if err == nil {
		l.Report = &r
		return l
	}
	var e *problem.Error
	switch {
	case errors.As(err, &e) && len(e.Fields) > 0:
		l.Errors = e.Fields
	case e != nil && e.Code != problem.Internal:
		l.Errors = []problem.Field{{Reason: e.Detail}}
	default:
		l.Errors = []problem.Field{{Reason: "the report could not be read"}}
	}
	return l
}
