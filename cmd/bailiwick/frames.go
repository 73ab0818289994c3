package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"

	"bailiwick/accuracy/frame"
	"bailiwick/problem"
	"bailiwick/text"
)

// openedFrame is a frame's file, and how to read it.
type openedFrame struct {
	src   frame.Source
	in    *bufio.Reader
	is    bool // it is a frame, and not one of the files that other commands read
	close func()
}

// openFrame opens a file that may be a frame; "-" is standard input. The format
// is guessed where it is "", and a mapping is a file. What a frame needs beside
// it is found there: the files of a deposit beside its XML part, and room for
// joining in the directory for temporary files.
func openFrame(path, format, mapping string) (*openedFrame, error) {
	o := &openedFrame{src: frame.Source{Name: text.Line(path, 200), Spill: spillFile}, close: func() {}}
	in := io.Reader(os.Stdin)
	if path == "-" {
		o.src.Name = "standard input"
	} else {
		f, err := os.Open(path)
		if err != nil {
			return nil, problem.Wrap(err, problem.Invalid, "%s cannot be opened", path)
		}
		in, o.close = f, func() { f.Close() }
	}
	o.in = bufio.NewReaderSize(in, frame.SniffSize)
	head, err := o.in.Peek(frame.SniffSize)
	if err != nil && err != io.EOF {
		o.close()
		return nil, problem.Wrap(err, problem.Unavailable, "%s cannot be read", path)
	}
	o.src.Format, o.is = frame.Sniff(head, path)
	switch {
	case format != "":
		o.src.Format, o.is = frame.Format(format), true
	case mapping != "" && (!o.is || o.src.Format == frame.Names):
		o.src.Format, o.is = frame.CSV, true
	}
	if o.src.Format == frame.CSV && o.is {
		if mapping == "" {
			o.close()
			return nil, problem.BadField("--mapping", "is needed to read %s: which column is which field?", path)
		}
		m, err := readMapping(mapping)
		if err != nil {
			o.close()
			return nil, err
		}
		o.src.Mapping = &m
	}
	if o.src.Format == frame.EscrowCSV && path != "-" {
		// A root of its own: the XML part was written by somebody else, and its
		// files lie beside it or nowhere.
		root, err := os.OpenRoot(filepath.Dir(path))
		if err != nil {
			o.close()
			return nil, problem.Wrap(err, problem.Unavailable, "the files beside %s cannot be read", path)
		}
		file := o.close
		o.src.Files, o.close = root.FS(), func() { file(); root.Close() }
	}
	return o, nil
}

// readMapping reads the file of a mapping.
func readMapping(path string) (frame.Mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return frame.Mapping{}, problem.Wrap(err, problem.Invalid, "--mapping: %s cannot be opened", path)
	}
	defer f.Close()
	m, err := frame.LoadMapping(f)
	if err != nil {
		doc := problem.DocumentOf(err)
		e := problem.New(problem.CodeOf(err), "--mapping: %s: %s", text.Line(path, 200), doc.Detail)
		if len(doc.Errors) > 1 {
			e.Fields = doc.Errors[1:]
		}
		return m, e
	}
	return m, nil
}

// spilled is a file for joining a frame. What is in it is personal data, so
// that nobody else can open it and its name is gone at once where the system
// lets it, and with Close in any case.
type spilled struct {
	*os.File
}

func (s spilled) Close() error {
	err := s.File.Close()
	_ = os.Remove(s.Name())
	return err
}

func spillFile() (frame.File, error) {
	f, err := os.CreateTemp("", "bailiwick-frame-*") // mode 0600
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name())
	return spilled{f}, nil
}
