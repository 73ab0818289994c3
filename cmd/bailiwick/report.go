package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"bailiwick/centre"
	"bailiwick/problem"
	rdapread "bailiwick/registration/read"
	"bailiwick/report/read"
)

type parseCmd struct {
	Report parseReportCmd `cmd:"" help:"Read abuse reports of any supported format, mails among them: one JSON object per file."`
	RDAP   parseRDAPCmd   `cmd:"" name:"rdap" help:"Read RDAP answers: one JSON object per file."`
	WHOIS  parseWHOISCmd  `cmd:"" name:"whois" help:"Read WHOIS answers: one JSON object per file."`
}

// maxFile is the longest input file that a parse command reads, in octets: more
// than any reader takes, so that the reader's own limit is what is told.
const maxFile = 32 << 20

// file reads a file within bounds; "-" is standard input.
func file(path string) ([]byte, error) {
	r, err := openInput(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return whole(path, r)
}

// openInput opens a file, or standard input for "-".
func openInput(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "%s cannot be opened", path)
	}
	return f, nil
}

// whole reads a file to its end.
func whole(path string, r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "%s cannot be read", path)
	}
	if len(b) > maxFile {
		return nil, problem.New(problem.TooLarge, "%s is over %d octets", path, maxFile)
	}
	return b, nil
}

type parseReportCmd struct {
	Files []string `arg:"" help:"Files, or - for standard input."`
	JSON  bool     `help:"JSON is what is printed in any case."`
}

// Run parses reports. The status is 1 if any file is not a valid report.
func (p *parseReportCmd) Run(e *env) error {
	enc := json.NewEncoder(e.out)
	enc.SetEscapeHTML(false)
	bad := false
	for _, f := range p.Files {
		b, err := file(f)
		if err != nil {
			return err
		}
		line := read.Parse(f, b)
		bad = bad || !line.OK
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	if bad {
		return errNegative
	}
	return nil
}

type parseRDAPCmd struct {
	Files []string `arg:"" help:"Files, or - for standard input."`
	JSON  bool     `help:"JSON is what is printed in any case."`
}

// Run parses RDAP answers. The status is 1 if any file holds none.
func (p *parseRDAPCmd) Run(e *env) error { return parseAnswers(e, "rdap", p.Files) }

type parseWHOISCmd struct {
	Files []string `arg:"" help:"Files, or - for standard input."`
	JSON  bool     `help:"JSON is what is printed in any case."`
}

// Run parses WHOIS answers. The status is 1 if any file holds none.
func (p *parseWHOISCmd) Run(e *env) error { return parseAnswers(e, "whois", p.Files) }

// parseAnswers prints a line for each file of registration data.
func parseAnswers(e *env, format string, files []string) error {
	enc := json.NewEncoder(e.out)
	enc.SetEscapeHTML(false)
	bad := false
	for _, f := range files {
		b, err := file(f)
		if err != nil {
			return err
		}
		line, err := rdapread.File(f, format, b)
		bad = bad || err != nil
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	if bad {
		return errNegative
	}
	return nil
}

type reportCmd struct {
	Files  []string `arg:"" help:"Report files (the API's JSON form, XARF v4 or v3), or - for standard input."`
	Server string   `help:"Where the centre is." default:"http://127.0.0.1:8053" placeholder:"URL"`
	Bulk   bool     `help:"The files hold one report per line."`
	Key    string   `help:"Idempotency key, for one file: sent again with the same key, a report is not filed twice."`
	DryRun bool     `help:"Only check the files, as 'parse report' does."`
	JSON   bool     `help:"Print each answer as one JSON object."`
}

// Run submits reports. The status is 1 if one was not accepted.
func (r *reportCmd) Run(e *env) error {
	if r.DryRun {
		return (&parseReportCmd{Files: r.Files}).Run(e)
	}
	bad := false
	for _, f := range r.Files {
		b, err := file(f)
		if err != nil {
			return err
		}
		ok, err := r.submit(e, f, b)
		if err != nil {
			return err
		}
		bad = bad || !ok
	}
	if bad {
		return errNegative
	}
	return nil
}

func (r *reportCmd) submit(e *env, f string, b []byte) (bool, error) {
	ctx, cancel := context.WithTimeout(e.ctx, 5*time.Minute)
	defer cancel()
	url, media := strings.TrimSuffix(r.Server, "/")+"/api/v1/reports", "application/json"
	if r.Bulk {
		url, media = url+"/bulk", "application/x-ndjson"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return false, problem.Wrap(err, problem.Invalid, "--server is not a URL")
	}
	req.Header.Set("Content-Type", media)
	if r.Key != "" {
		req.Header.Set("Idempotency-Key", r.Key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, problem.Wrap(err, problem.Unavailable, "no centre answers at %s", r.Server)
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(io.LimitReader(resp.Body, centre.MaxBulk))
	ok := resp.StatusCode < 300
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err == io.EOF {
			return ok, nil
		} else if err != nil {
			return false, problem.Wrap(err, problem.Unavailable, "the answer of %s breaks off", r.Server)
		}
		var a struct {
			centre.Receipt
			Line    int               `json:"line"`
			Problem *problem.Document `json:"problem"`
			Title   string            `json:"title"`
			Inner   *centre.Receipt   `json:"-"`
		}
		_ = json.Unmarshal(raw, &a)
		if a.Problem != nil || a.State == "rejected" {
			ok = false
		}
		if r.JSON {
			fmt.Fprintf(e.out, "%s\n", raw)
			continue
		}
		where := f
		if a.Line > 0 {
			where = fmt.Sprintf("%s:%d", f, a.Line)
		}
		switch {
		case a.Problem != nil:
			fmt.Fprintf(e.out, "%s: not stored: %s %s\n", where, a.Problem.Title, a.Problem.Detail)
		case !ok && a.Line == 0:
			fmt.Fprintf(e.out, "%s: %s: %s\n", where, a.Title, a.Detail)
			for _, fe := range a.Errors {
				fmt.Fprintf(e.out, "  %s: %s\n", fe.Path, fe.Reason)
			}
		default:
			fmt.Fprintf(e.out, "%s: %s, receipt %s\n", where, a.State, a.Receipt.Receipt)
		}
	}
}
