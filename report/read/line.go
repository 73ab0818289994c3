package read

import (
	"errors"

	"bailiwick/mail"
	"bailiwick/mail/dsn"
	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/arf"
	"bailiwick/report/message"
	"bailiwick/report/xarf"
)

// Line is what `bailiwick parse report` prints for one file, as one JSON
// object on one line (DESIGN section 7).
type Line struct {
	File string `json:"file"`
	// OK says that the centre can work on the report.
	OK bool `json:"ok"`
	// Format is "xarf4", "xarf3", "json", "arf", "mail", or "" when none was
	// recognised.
	Format string `json:"format"`
	// SchemaValid is the verdict of the XARF v4 schemas alone, for XARF v4: a
	// valid report may still be one that the centre cannot work on.
	SchemaValid *bool `json:"schema_valid,omitempty"`
	// Errors say why not; Warnings what is odd all the same.
	Errors   []problem.Field  `json:"errors"`
	Warnings []report.Finding `json:"warnings"`
	// Report is left out unless OK.
	Report *report.Report `json:"report,omitempty"`
	// Mail says what kind of mail a mail is, also one that is no report.
	Mail *About `json:"mail,omitempty"`
}

// About is what is known about a mail beside the report in it.
type About struct {
	mail.Class
	// Feedback is what a feedback report says, Delivery what a delivery report
	// does.
	Feedback *arf.Feedback `json:"feedback,omitempty"`
	Delivery *dsn.Report   `json:"delivery,omitempty"`
	Defects  []string      `json:"defects,omitempty"` // what is wrong with the mail as a mail
}

// Parse reads one file for `bailiwick parse report`.
func Parse(file string, raw []byte) Line {
	var (
		r        report.Report
		findings []report.Finding
		err      error
		about    *About
	)
	if isMail(raw, "") {
		r, findings, about, err = parseMail(raw)
	} else {
		r, findings, err = Report(raw, "")
	}
	l := Line{File: file, OK: err == nil, Format: r.Format, Errors: []problem.Field{}, Warnings: findings, Mail: about}
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

// parseMail is Mail with what is known beside the report.
func parseMail(raw []byte) (report.Report, []report.Finding, *About, error) {
	m, err := mail.Read(raw)
	if err != nil {
		return report.Report{Format: message.Format}, nil, nil, err
	}
	about := &About{Class: mail.Classify(&m, mail.Envelope{}), Defects: m.Defects}
	switch {
	case about.Kind == mail.Feedback:
		r, f, findings, err := arf.Read(&m)
		about.Feedback = &f
		return r, findings, about, err
	case about.Kind.DeliveryReport():
		d, err := dsn.Read(&m)
		about.Delivery = &d
		if err != nil {
			return report.Report{Format: message.Format}, nil, about, err
		}
	}
	r, findings, err := message.Read(&m)
	return r, findings, about, err
}
