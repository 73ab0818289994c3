package centre

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/read"
	"bailiwick/store"
)

// Limits of intake.
const (
	MaxReport     = 8 << 20   // octets of one report
	MaxKey        = 200       // octets of an idempotency key
	MaxBulk       = 256 << 20 // octets of one bulk submission
	MaxBulkLines  = 1_000_000
	bulkChunk     = 500     // lines committed together
	bulkChunkSize = 4 << 20 // or octets
	groupCommit   = 256     // single submissions committed together
)

// Submission is one report as it arrived.
type Submission struct {
	Source string // "api", "cli", "mail", "lab"
	Scope  string // whose idempotency keys these are: the API key, or the address
	Key    string // the idempotency key; "" for none
	// Declared is the format or media type the sender declared; "" lets the
	// content decide.
	Declared string
	Body     []byte
}

// Receipt is what the sender gets: proof that the report is stored, or why it
// is not worked on. In a BulkResult with a Problem it is empty.
type Receipt struct {
	Receipt  string            `json:"receipt,omitempty"`
	State    store.ReportState `json:"state,omitempty"`
	Received time.Time         `json:"received,omitzero"`
	SHA256   string            `json:"sha256,omitempty"` // of the bytes received
	Format   string            `json:"format,omitempty"`
	Detail   string            `json:"detail,omitempty"`
	Errors   []problem.Field   `json:"errors,omitempty"`
	Warnings []report.Finding  `json:"warnings,omitempty"`
	Cases    []string          `json:"cases,omitempty"`
	Repeated bool              `json:"repeated,omitempty"` // the same idempotency key was used before
}

// Submit stores one report and gives its receipt after the commit. A report
// that is not valid is stored too, and its receipt says what is wrong; the
// error is for what could not be stored at all, and for an idempotency key
// used before with other content.
func (c *Centre) Submit(ctx context.Context, s Submission) (Receipt, error) {
	if len(s.Body) > MaxReport {
		return Receipt{}, problem.New(problem.TooLarge, "the report is over %d octets", MaxReport)
	}
	if len(bytes.TrimSpace(s.Body)) == 0 {
		return Receipt{}, problem.New(problem.Invalid, "the report is empty")
	}
	if len(s.Key) > MaxKey {
		return Receipt{}, problem.BadField("Idempotency-Key", "is over %d octets", MaxKey)
	}
	row, warnings := c.read(s)
	a := add{row: row, done: make(chan added, 1)}
	switch {
	case row.State == store.ReportWithheld:
	case len(s.Body) > inlineBlob:
		sha, err := c.Store.PutBlob(ctx, "application/json", s.Body) // synced before a row names it
		switch {
		case err == nil:
			a.row.Blob = sha
		case problem.CodeOf(err) == problem.Refused:
			a.row = c.withhold(row)
		default:
			return Receipt{}, err
		}
	default:
		// A copy: who hangs up takes the body along, and the commit goes on.
		a.raw = bytes.Clone(s.Body)
	}
	select {
	case c.adds <- a:
	case <-ctx.Done():
		return Receipt{}, problem.Wrap(ctx.Err(), problem.Unavailable, "the centre is busy")
	}
	select {
	case r := <-a.done:
		return receiptOf(r, warnings)
	case <-ctx.Done():
		return Receipt{}, problem.Wrap(ctx.Err(), problem.Unavailable, "the commit did not finish in time; ask again with the same key")
	}
}

const inlineBlob = 64 << 10

func receiptOf(r added, warnings []report.Finding) (Receipt, error) {
	if r.err != nil {
		return Receipt{}, r.err
	}
	if r.existing != nil {
		if r.existing.Digest != r.row.Digest {
			return Receipt{}, problem.New(problem.Conflict, "this idempotency key was used before with other content; its receipt is %s", r.existing.Receipt)
		}
		rc := Row(*r.existing)
		rc.Repeated = true
		return rc, nil
	}
	rc := Row(r.row)
	rc.Warnings = warnings
	return rc, nil
}

// Row is the receipt of a stored report.
func Row(r store.Report) Receipt {
	return Receipt{Receipt: r.Receipt, State: r.State, Received: r.Received, SHA256: r.Digest, Format: r.Format, Detail: r.Detail, Errors: r.Fields, Cases: r.Cases}
}

// read parses a submission far enough to say whether it is valid, and makes
// its row. Bytes that declare child sexual abuse material are not kept
// (DESIGN section 8): the row has their digest and nothing else.
func (c *Centre) read(s Submission) (store.Report, []report.Finding) {
	now := c.Clock.Now()
	sum := sha256.Sum256(s.Body)
	row := store.Report{ID: c.NewID(), Receipt: c.NewID(), Scope: s.Scope, Key: s.Key, Digest: hex.EncodeToString(sum[:]), Source: s.Source,
		Received: now, Length: int64(len(s.Body)), State: store.ReportReceived, Due: now}
	if t, declared := read.Declared(s.Body); declared && t.NeverKept() {
		return c.withhold(row), nil
	}
	rep, warnings, err := read.Report(s.Body, s.Declared)
	if err == nil && rep.Abuse.NeverKept() {
		return c.withhold(row), nil
	}
	if err == nil {
		row.Format = rep.Format
		_, _, err = c.subjects(rep.URLs, rep.Domains, rep.IPs)
	}
	if err != nil {
		reject(&row, err)
	}
	return row, warnings
}

func (c *Centre) withhold(row store.Report) store.Report {
	row.State, row.Due, row.Length = store.ReportWithheld, time.Time{}, 0
	row.Detail = "Reports of child sexual abuse material are not kept here, nor is what came with them."
	if c.set.Hotline != "" {
		row.Detail += " Please report it to " + c.set.Hotline + "."
	}
	return row
}

func reject(row *store.Report, err error) {
	row.State, row.Due = store.ReportRejected, time.Time{}
	row.Detail = "The report cannot be read."
	var e *problem.Error
	if errors.As(err, &e) {
		row.Detail, row.Fields = e.Detail, e.Fields
	}
}

// add is one row on its way into the next commit.
type add struct {
	row  store.Report
	raw  []byte // goes into the same transaction; nil if the blob is there already
	done chan added
}

// added is what became of it: the row as it was written, or the one that took
// its key before.
type added struct {
	row      store.Report
	existing *store.Report
	err      error
}

// committer writes single submissions in groups: whatever has arrived while
// the last commit was under way goes into the next one, so that one sync to
// disk serves many clients, and each gets its receipt after it.
func (c *Centre) committer(ctx context.Context) {
	batch := make([]add, 0, groupCommit)
	for {
		batch = batch[:0]
		select {
		case a := <-c.adds:
			batch = append(batch, a)
		case <-ctx.Done():
			for { // what was accepted before the stop is still committed
				select {
				case a := <-c.adds:
					batch = append(batch, a)
					continue
				default:
				}
				break
			}
			if len(batch) > 0 {
				c.commit(batch)
			}
			return
		}
	fill:
		for len(batch) < groupCommit {
			select {
			case a := <-c.adds:
				batch = append(batch, a)
			default:
				break fill
			}
		}
		c.commit(batch)
	}
}

// commit writes a batch; the clients' contexts do not reach it, so that one
// that hangs up does not undo the others. A report that cannot be written does
// not cost the others theirs: each is then written on its own. Bytes that were
// barred (a person marked them as never to be kept) leave a receipt only.
func (c *Centre) commit(batch []add) {
	existing, err := c.write(batch)
	switch {
	case err == nil || problem.CodeOf(err) == problem.Unavailable:
	case len(batch) > 1:
		for i := range batch {
			c.commit(batch[i : i+1])
		}
		return
	case problem.CodeOf(err) == problem.Refused && batch[0].raw != nil:
		batch[0].row, batch[0].raw = c.withhold(batch[0].row), nil
		existing, err = c.write(batch)
	}
	for i := range batch {
		r := added{row: batch[i].row, err: err}
		if err == nil {
			r.existing = existing[i]
		}
		batch[i].done <- r
	}
}

// write writes a batch in one transaction.
func (c *Centre) write(batch []add) (existing []*store.Report, err error) {
	ctx := context.Background()
	rows := make([]store.Report, len(batch))
	var blobs []store.NewBlob
	for i, a := range batch {
		rows[i] = a.row
		if a.raw != nil {
			blobs = append(blobs, store.NewBlob{Media: "application/json", Data: a.raw, SHA: a.row.Digest})
			rows[i].Blob = a.row.Digest
		}
	}
	err = c.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.PutBlobs(ctx, blobs); err != nil {
			return err
		}
		var err error
		if existing, err = tx.AddReports(ctx, rows); err != nil {
			return err
		}
		return tx.Enqueue(ctx, JobTriage, due(rows, existing)...)
	})
	return existing, err
}

// due are the ids of new rows that wait for triage.
func due(rows []store.Report, existing []*store.Report) []string {
	var ids []string
	for i, r := range rows {
		if existing[i] == nil && r.State == store.ReportReceived {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// BulkResult is the result of one line of a bulk submission.
type BulkResult struct {
	Line int `json:"line"`
	Receipt
	Problem *problem.Document `json:"problem,omitempty"` // set when the line could not be stored
}

// SubmitBulk reads one report per line and hands each line's result to emit,
// in order, after its commit. Lines are committed in chunks; the raw bytes of
// a chunk are one blob, which each row names a part of. One bad line stops
// nothing. With a key, line n of a repeated submission meets its first
// receipt.
func (c *Centre) SubmitBulk(ctx context.Context, s Submission, r io.Reader, emit func(BulkResult) error) error {
	if len(s.Key) > MaxKey {
		return problem.BadField("Idempotency-Key", "is over %d octets", MaxKey)
	}
	br := bufio.NewReaderSize(io.LimitReader(r, MaxBulk+1), 256<<10)
	var total int64
	chunk := newChunk()
	flush := func() error {
		if len(chunk.rows) == 0 && len(chunk.bad) == 0 {
			return nil
		}
		// What came in whole is stored, also if its sender has gone meanwhile.
		err := c.commitChunk(context.WithoutCancel(ctx), chunk, emit)
		chunk = newChunk()
		return err
	}
	for line := 1; ; line++ {
		raw, n, err := readLine(br, MaxReport+len("\r\n"))
		total += n
		if total > MaxBulk || line > MaxBulkLines {
			if err := flush(); err != nil {
				return err
			}
			return problem.New(problem.TooLarge, "the submission is over %d octets or %d lines: the lines answered so far are stored", MaxBulk, MaxBulkLines)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			// A line that was cut is not stored: it would take the key that the
			// whole one comes with when the submission is sent again.
			if ferr := flush(); ferr != nil {
				return ferr
			}
			return problem.Wrap(err, problem.Unavailable, "the submission broke off after line %d", line-1)
		}
		raw = bytes.TrimSpace(raw)
		switch {
		case len(raw) > MaxReport || n > MaxReport+int64(len("\r\n")):
			chunk.bad = append(chunk.bad, BulkResult{Line: line, Problem: doc(problem.New(problem.TooLarge, "the line is over %d octets", MaxReport))})
		case len(raw) > 0:
			sub := s
			sub.Body = raw
			if s.Key != "" {
				sub.Key = s.Key + "#" + strconv.Itoa(line)
			}
			row, warnings := c.read(sub)
			chunk.put(line, row, raw, warnings)
		}
		if len(chunk.rows) >= bulkChunk || chunk.raw.Len() >= bulkChunkSize {
			if err := flush(); err != nil {
				return err
			}
		}
		if err != nil {
			return flush()
		}
	}
}

func doc(err error) *problem.Document {
	d := problem.DocumentOf(err)
	return &d
}

type chunk struct {
	raw      bytes.Buffer
	rows     []store.Report
	lines    []int
	warnings [][]report.Finding
	bad      []BulkResult
}

func newChunk() *chunk { return &chunk{} }

func (k *chunk) put(line int, row store.Report, raw []byte, w []report.Finding) {
	if row.State != store.ReportWithheld {
		row.Offset, row.Length = int64(k.raw.Len()), int64(len(raw))
		k.raw.Write(raw)
		k.raw.WriteByte('\n')
	}
	k.rows, k.lines, k.warnings = append(k.rows, row), append(k.lines, line), append(k.warnings, w)
}

func (c *Centre) commitChunk(ctx context.Context, k *chunk, emit func(BulkResult) error) error {
	var existing []*store.Report
	if len(k.rows) > 0 {
		raw := k.raw.Bytes()
		sha := ""
		if len(raw) > inlineBlob {
			var err error
			if sha, err = c.Store.PutBlob(ctx, "application/x-ndjson", raw); err != nil {
				return err
			}
		}
		err := c.Store.Update(ctx, func(tx *store.Tx) error {
			if sha == "" && len(raw) > 0 {
				var err error
				if sha, err = tx.PutBlob(ctx, "application/x-ndjson", raw); err != nil {
					return err
				}
			}
			for i := range k.rows {
				if k.rows[i].State != store.ReportWithheld {
					k.rows[i].Blob = sha
				}
			}
			var err error
			if existing, err = tx.AddReports(ctx, k.rows); err != nil {
				return err
			}
			return tx.Enqueue(ctx, JobTriage, due(k.rows, existing)...)
		})
		if err != nil {
			return err
		}
	}
	bad := k.bad
	for i, row := range k.rows {
		for len(bad) > 0 && bad[0].Line < k.lines[i] {
			if err := emit(bad[0]); err != nil {
				return err
			}
			bad = bad[1:]
		}
		res := BulkResult{Line: k.lines[i]}
		var err error
		if res.Receipt, err = receiptOf(added{row: row, existing: existing[i]}, k.warnings[i]); err != nil {
			res.Problem = doc(err)
		}
		if err := emit(res); err != nil {
			return err
		}
	}
	for _, b := range bad {
		if err := emit(b); err != nil {
			return err
		}
	}
	return nil
}

// readLine reads up to and with a newline and says how long the line is; one
// over limit is skipped to its end, and line is nil.
func readLine(br *bufio.Reader, limit int) (line []byte, n int64, err error) {
	for {
		part, err := br.ReadSlice('\n')
		if n += int64(len(part)); n > int64(limit) {
			line = nil
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, n, err
		}
	}
}

// ReportState answers for a receipt.
func (c *Centre) ReportState(ctx context.Context, receipt string) (Receipt, error) {
	var rc Receipt
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		r, err := tx.ReportByReceipt(ctx, receipt)
		if err != nil {
			return err
		}
		rc = Row(r)
		return nil
	})
	return rc, err
}

// hostsOf names the URLs in one string each.
func hostsOf(urls []name.URL) []string {
	out := make([]string, len(urls))
	for i, u := range urls {
		out[i] = u.String()
	}
	return out
}
