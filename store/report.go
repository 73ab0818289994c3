package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"bailiwick/problem"
)

// ReportState says how far a report has come.
type ReportState string

// The states of a report.
const (
	ReportReceived  ReportState = "received"  // stored, to be filed; has a due time
	ReportAccepted  ReportState = "accepted"  // filed under at least one case
	ReportDuplicate ReportState = "duplicate" // filed; it brought nothing new
	ReportRejected  ReportState = "rejected"  // cannot be worked on; Detail and Fields say why
	ReportWithheld  ReportState = "withheld"  // content that is never kept
)

// Report is one report as it arrived and what became of it.
type Report struct {
	ID      string
	Receipt string // what its sender asks by
	// Scope and Key are the idempotency key and whose it is; an empty Key is
	// none.
	Scope, Key string
	// Digest is the SHA-256 (hex) of what arrived: a key used again with other
	// content shows in it. It may be empty.
	Digest   string
	Source   string // "api", "cli", "lab"
	Received time.Time
	// Blob is the SHA-256 (hex) of the blob that holds it, "" for none; it
	// takes up Length octets from Offset, being one of many in a bulk.
	Blob           string
	Offset, Length int64
	Format         string
	State          ReportState
	Detail         string
	Fields         []problem.Field
	Cases          []string // filed under; in order
	DuplicateOf    string
	Due            time.Time // zero: nothing is due
	Attempts       int

	// read is what FinishReport compares with: the row as it was when read.
	read *readReport
}

type readReport struct {
	state    ReportState
	attempts int
}

const (
	insertReport = `INSERT INTO reports (id, receipt, scope, idem, digest, source, received, blob, part_offset, part_length, format, state, detail, fields, duplicate_of, due, attempts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
ON CONFLICT (scope, idem) WHERE idem <> '' DO NOTHING`

	// On PostgreSQL one statement takes a whole batch as one array per column.
	insertReports = `INSERT INTO reports (id, receipt, scope, idem, digest, source, received, blob, part_offset, part_length, format, state, detail, fields, duplicate_of, due, attempts)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::bigint[], $8::bytea[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::bigint[])
ON CONFLICT (scope, idem) WHERE idem <> '' DO NOTHING RETURNING id`

	selectReport = `SELECT id, receipt, scope, idem, digest, source, received, blob, part_offset, part_length, format, state, detail, fields, duplicate_of, due, attempts,
(SELECT string_agg(c.case_id, ' ' ORDER BY c.n) FROM report_cases c WHERE c.report_id = reports.id) FROM reports `
)

// flat is a report as one row: cleaned text, digests as bytes.
type flat struct {
	text   [9]string // id, receipt, scope, idem, source, format, state, detail, duplicate_of
	fields string
	digest []byte
	blob   []byte
	due    *int64
}

func flatten(r *Report) (f flat, err error) {
	if r.ID == "" || r.Receipt == "" || r.State == "" || r.Received.IsZero() {
		return f, problem.New(problem.Internal, "a report needs an id, a receipt, a state and a time")
	}
	for i, s := range []string{r.ID, r.Receipt, r.Scope, r.Key, r.Source, r.Format, string(r.State), r.Detail, r.DuplicateOf} {
		f.text[i] = clean(s)
	}
	if f.digest, err = digest("digest", r.Digest); err != nil {
		return f, err
	}
	if f.blob, err = digest("blob", r.Blob); err != nil {
		return f, err
	}
	f.due = micros(r.Due)
	f.fields, err = packFields(r.Fields)
	return f, err
}

func packFields(fs []problem.Field) (string, error) {
	if len(fs) == 0 {
		return "", nil
	}
	b, err := json.Marshal(fs) // makes bad UTF-8 good, and escapes NUL
	return string(b), err
}

// MaxReportBatch is how many rows AddReports takes at once.
const MaxReportBatch = 5000

// AddReports writes reports. Where the idempotency key of a row is taken,
// nothing is written and existing has the report that took it, which may be an
// earlier row of the same call; existing is as long as rows and nil elsewhere.
// Blobs must be stored before (PutBlob): a row that names another is refused.
// Cases of a new report are written as given.
func (tx *Tx) AddReports(ctx context.Context, rows []Report) (existing []*Report, err error) {
	if len(rows) > MaxReportBatch {
		return nil, problem.New(problem.TooLarge, "over %d reports at once", MaxReportBatch)
	}
	existing = make([]*Report, len(rows))
	flats := make([]flat, len(rows))
	for i := range rows {
		if flats[i], err = flatten(&rows[i]); err != nil {
			return nil, err
		}
	}
	var taken []int
	if tx.s.engine == PostgreSQL {
		taken, err = tx.addMany(ctx, rows, flats)
	} else {
		taken, err = tx.addEach(ctx, rows, flats)
	}
	if err != nil {
		return nil, err
	}
	for _, i := range taken {
		r, err := tx.oneReport(ctx, "WHERE scope = $1 AND idem = $2 AND idem <> ''", flats[i].text[2], flats[i].text[3])
		if err != nil {
			return nil, err
		}
		existing[i] = &r
	}
	for i := range rows {
		if existing[i] == nil && len(rows[i].Cases) > 0 {
			if err := tx.putReportCases(ctx, rows[i].ID, rows[i].Cases); err != nil {
				return nil, err
			}
		}
	}
	return existing, nil
}

func (tx *Tx) addEach(ctx context.Context, rows []Report, flats []flat) (taken []int, err error) {
	for i := range rows {
		r, f := &rows[i], &flats[i]
		n, err := tx.exec(ctx, insertReport, f.text[0], f.text[1], f.text[2], f.text[3], f.digest, f.text[4], instant(r.Received), f.blob,
			r.Offset, r.Length, f.text[5], f.text[6], f.text[7], f.fields, f.text[8], f.due, int64(r.Attempts))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			taken = append(taken, i)
		}
	}
	return taken, nil
}

func (tx *Tx) addMany(ctx context.Context, rows []Report, flats []flat) (taken []int, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	// In the order of their keys, so that two batches with the same keys do
	// not lock each other out.
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if c := strings.Compare(flats[a].text[2], flats[b].text[2]); c != 0 {
			return c
		}
		return strings.Compare(flats[a].text[3], flats[b].text[3])
	})
	n := len(rows)
	var text [9][]string
	for k := range text {
		text[k] = make([]string, n)
	}
	fields, digests, blobs := make([]string, n), make([][]byte, n), make([][]byte, n)
	received, offset, length, attempts := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	due := make([]*int64, n)
	for at, i := range order {
		r, f := &rows[i], &flats[i]
		for k := range text {
			text[k][at] = f.text[k]
		}
		fields[at], digests[at], blobs[at], due[at] = f.fields, f.digest, f.blob, f.due
		received[at], offset[at], length[at], attempts[at] = instant(r.Received), r.Offset, r.Length, int64(r.Attempts)
	}
	ids, err := list(ctx, tx, scanString, insertReports, text[0], text[1], text[2], text[3], digests, text[4], received, blobs, offset, length,
		text[5], text[6], text[7], fields, text[8], due, attempts)
	if err != nil {
		return nil, err
	}
	if len(ids) == n {
		return nil, nil
	}
	written := make(map[string]bool, len(ids))
	for _, id := range ids {
		written[id] = true
	}
	for i := range rows {
		if !written[flats[i].text[0]] {
			taken = append(taken, i)
		}
	}
	return taken, nil
}

func scanReport(s scanner) (Report, error) {
	var r Report
	var digest, blob []byte
	var due sql.NullInt64
	var received int64
	var fields string
	var cases sql.NullString
	if err := s.Scan(&r.ID, &r.Receipt, &r.Scope, &r.Key, &digest, &r.Source, &received, &blob, &r.Offset, &r.Length, &r.Format, &r.State,
		&r.Detail, &fields, &r.DuplicateOf, &due, &r.Attempts, &cases); err != nil {
		return r, err
	}
	r.Digest, r.Blob, r.Due = hex.EncodeToString(digest), hex.EncodeToString(blob), fromMicros(due)
	r.Received = time.UnixMicro(received).UTC()
	if fields != "" {
		if err := json.Unmarshal([]byte(fields), &r.Fields); err != nil {
			return r, problem.Wrap(err, problem.Corrupt, "the fields of report %s do not parse", r.ID)
		}
	}
	if cases.String != "" {
		r.Cases = strings.Split(cases.String, " ")
	}
	r.read = &readReport{r.State, r.Attempts}
	return r, nil
}

func (tx *Tx) oneReport(ctx context.Context, where string, args ...any) (Report, error) {
	r, err := scanReport(tx.row(ctx, selectReport+where, args...))
	return r, tx.s.wrap(err, "read a report")
}

// Report reads one report by its id.
func (tx *Tx) Report(ctx context.Context, id string) (Report, error) {
	return tx.oneReport(ctx, "WHERE id = $1", clean(id))
}

// ReportByReceipt reads one report by its receipt.
func (tx *Tx) ReportByReceipt(ctx context.Context, receipt string) (Report, error) {
	return tx.oneReport(ctx, "WHERE receipt = $1", clean(receipt))
}

// idChunk is how many ids one statement names: under SQLite's bound of
// variables, and few enough shapes of statement to keep them prepared.
const idChunk = 500

// ReportsByID reads reports, ordered by id. Ids that name none are left out.
func (tx *Tx) ReportsByID(ctx context.Context, ids []string) ([]Report, error) {
	ids = slices.Clone(ids)
	for i := range ids {
		ids[i] = clean(ids[i])
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var out []Report
	for chunk := range slices.Chunk(ids, idChunk) {
		rs, err := list(ctx, tx, scanReport, selectReport+"WHERE id IN ("+in(1, len(chunk))+") ORDER BY id", anys(chunk)...)
		if err != nil {
			return nil, err
		}
		out = append(out, rs...)
	}
	return out, nil
}

// DueReports reads reports whose due time has come, the longest due first.
func (tx *Tx) DueReports(ctx context.Context, now time.Time, limit int) ([]Report, error) {
	return list(ctx, tx, scanReport, selectReport+"WHERE due <= $1 ORDER BY due, id LIMIT $2", instant(now), limit)
}

// FinishReport writes what became of a report: format, state, detail, fields,
// cases, duplicate of, due time, attempts. If r was read from the store and
// state or attempts have changed there since, somebody was first, and the
// error is a Conflict.
func (tx *Tx) FinishReport(ctx context.Context, r Report) error {
	fields, err := packFields(r.Fields)
	if err != nil {
		return err
	}
	query := "UPDATE reports SET format = $1, state = $2, detail = $3, fields = $4, duplicate_of = $5, due = $6, attempts = $7 WHERE id = $8"
	args := []any{clean(r.Format), clean(string(r.State)), clean(r.Detail), fields, clean(r.DuplicateOf), micros(r.Due), int64(r.Attempts), clean(r.ID)}
	if r.read != nil {
		query += " AND state = $9 AND attempts = $10"
		args = append(args, string(r.read.state), int64(r.read.attempts))
	}
	n, err := tx.exec(ctx, query, args...)
	if err != nil {
		return err
	}
	if n == 0 {
		if _, err := tx.Report(ctx, r.ID); err != nil {
			return err
		}
		return problem.New(problem.Conflict, "report %s was changed by somebody else first", r.ID)
	}
	if _, err := tx.exec(ctx, "DELETE FROM report_cases WHERE report_id = $1", clean(r.ID)); err != nil {
		return err
	}
	return tx.putReportCases(ctx, r.ID, r.Cases)
}

func (tx *Tx) putReportCases(ctx context.Context, report string, cases []string) error {
	for chunk, at := cases, 0; len(chunk) > 0; {
		n := min(len(chunk), 200)
		args := make([]any, 0, 3*n)
		for i, c := range chunk[:n] {
			if c == "" || strings.ContainsAny(c, " \x00") {
				return problem.New(problem.Internal, "%q is not the id of a case", c)
			}
			args = append(args, clean(report), int64(at+i), clean(c))
		}
		if _, err := tx.exec(ctx, "INSERT INTO report_cases (report_id, n, case_id) VALUES "+values(n, 3), args...); err != nil {
			return err
		}
		chunk, at = chunk[n:], at+n
	}
	return nil
}

// CountReports counts all reports by state.
func (tx *Tx) CountReports(ctx context.Context) (map[ReportState]int, error) {
	type count struct {
		state ReportState
		n     int
	}
	cs, err := list(ctx, tx, func(s scanner) (count, error) {
		var c count
		err := s.Scan(&c.state, &c.n)
		return c, err
	}, "SELECT state, count(*) FROM reports GROUP BY state")
	out := map[ReportState]int{}
	for _, c := range cs {
		out[c.state] = c.n
	}
	return out, err
}
