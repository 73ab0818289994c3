package frame

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"io"
	"iter"
	"slices"

	"bailiwick/problem"
)

// File is a file that a join lays something down in: written once from its
// start, then read from its start. Close removes it. An *os.File that is
// removed when it is closed will do.
type File interface {
	io.ReadWriteSeeker
	io.Closer
}

// Spill makes an empty file. What is laid down are contacts, personal data:
// nobody else should be able to read the file, and it should not stay.
type Spill func() (File, error)

// The defaults of Source.
const (
	DefaultMemory   = 64 << 20
	DefaultMaxSpill = 256 << 30
)

const (
	maxRuns   = 256       // files of a sorter that are merged at once
	runBuffer = 64 << 10  // of each, when merging
	outBuffer = 256 << 10 // of the one that is written
)

// sorter sorts pairs of a key and a value by key, and pairs of one key in the
// order in which they came. Over its budget it lays sorted runs down in files.
type sorter struct {
	budget int
	spill  Spill
	left   *int64 // octets that may still be laid down
	arena  []byte // the pairs: length and key, length and value
	starts []int  // of the pairs in arena
	runs   []laid
}

// laid is a run that was laid down.
type laid struct {
	File
	size int64
}

// add takes a pair.
func (s *sorter) add(key string, value []byte) error {
	need := len(key) + len(value) + 2*binary.MaxVarintLen32
	if len(s.starts) > 0 && len(s.arena)+need+8*len(s.starts) > s.budget {
		if err := s.lay(); err != nil {
			return err
		}
	}
	s.starts = append(s.starts, len(s.arena))
	s.arena = binary.AppendUvarint(s.arena, uint64(len(key)))
	s.arena = append(s.arena, key...)
	s.arena = binary.AppendUvarint(s.arena, uint64(len(value)))
	s.arena = append(s.arena, value...)
	return nil
}

// cut takes the first pair off b, which holds whole pairs.
func cut(b []byte) (key, value []byte, size int) {
	n, w := binary.Uvarint(b)
	key = b[w : w+int(n)]
	at := w + int(n)
	n, w = binary.Uvarint(b[at:])
	at += w
	return key, b[at : at+int(n)], at + int(n)
}

func (s *sorter) sort() {
	slices.SortFunc(s.starts, func(a, b int) int {
		x, _, _ := cut(s.arena[a:])
		y, _, _ := cut(s.arena[b:])
		return cmp.Or(bytes.Compare(x, y), cmp.Compare(a, b))
	})
}

// lay writes what is in memory to a file, sorted.
func (s *sorter) lay() error {
	if s.spill == nil {
		return problem.New(problem.TooLarge, "the frame is larger than the memory that joining it may take (%d octets), and there is no place to lay it down", s.budget)
	}
	s.sort()
	err := s.write(func(yield func(b []byte) bool) {
		for _, at := range s.starts {
			_, _, n := cut(s.arena[at:])
			if !yield(s.arena[at : at+n]) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	s.arena, s.starts = s.arena[:0], s.starts[:0]
	if len(s.runs) < maxRuns {
		return nil
	}
	// Many runs become one, so that merging needs buffers for a few only.
	old := s.runs
	s.runs = nil
	var buf []byte
	var failed error
	err = s.write(func(yield func(b []byte) bool) {
		for p, err := range merge(old) {
			if err != nil {
				failed = err
				return
			}
			buf = binary.AppendUvarint(buf[:0], uint64(len(p.key)))
			buf = append(buf, p.key...)
			buf = binary.AppendUvarint(buf, uint64(len(p.value)))
			if !yield(append(buf, p.value...)) {
				return
			}
		}
	})
	for _, f := range old {
		*s.left += f.size
		f.Close()
	}
	return cmp.Or(failed, err)
}

// write makes a run of pairs that come sorted.
func (s *sorter) write(pairs iter.Seq[[]byte]) error {
	f, err := s.spill()
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "there is no place to lay the frame down")
	}
	s.runs = append(s.runs, laid{File: f})
	size := &s.runs[len(s.runs)-1].size
	w := bufio.NewWriterSize(f, min(outBuffer, max(s.budget, 16)))
	for b := range pairs {
		*size += int64(len(b))
		if *s.left -= int64(len(b)); *s.left < 0 {
			return problem.New(problem.TooLarge, "joining the frame lays down more than is allowed")
		}
		if _, err = w.Write(b); err != nil {
			break
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "the frame cannot be laid down")
	}
	return nil
}

// pair is a key and a value, good until the next.
type pair struct{ key, value []byte }

// all gives the pairs in order. Nothing may be added afterwards.
func (s *sorter) all() iter.Seq2[pair, error] {
	if len(s.runs) > 0 && len(s.starts) > 0 {
		if err := s.lay(); err != nil {
			return func(yield func(pair, error) bool) { yield(pair{}, err) }
		}
	}
	if len(s.runs) > 0 {
		s.arena, s.starts = nil, nil
		return merge(s.runs)
	}
	s.sort()
	return func(yield func(pair, error) bool) {
		for _, at := range s.starts {
			k, v, _ := cut(s.arena[at:])
			if !yield(pair{k, v}, nil) {
				return
			}
		}
	}
}

// close gives everything back.
func (s *sorter) close() {
	for _, f := range s.runs {
		f.Close()
	}
	s.runs, s.arena, s.starts = nil, nil, nil
}

// run reads a laid-down run.
type run struct {
	r    *bufio.Reader
	buf  []byte
	pair pair
	n    int // of the runs, so that the order of coming holds
}

// next reads the next pair; io.EOF at the end.
func (x *run) next() error {
	k, err := binary.ReadUvarint(x.r)
	if err != nil {
		return err // io.EOF between pairs is the end
	}
	if k > 4*MaxRow {
		return io.ErrUnexpectedEOF
	}
	x.buf = slices.Grow(x.buf[:0], int(k))[:k]
	if _, err = io.ReadFull(x.r, x.buf); err != nil {
		return io.ErrUnexpectedEOF
	}
	v, err := binary.ReadUvarint(x.r)
	if err != nil || v > 16*MaxRow {
		return io.ErrUnexpectedEOF
	}
	x.buf = slices.Grow(x.buf, int(v))[:k+v]
	if _, err = io.ReadFull(x.r, x.buf[k:]); err != nil {
		return io.ErrUnexpectedEOF
	}
	x.pair = pair{x.buf[:k:k], x.buf[k:]}
	return nil
}

type runs []*run

func (h runs) Len() int { return len(h) }
func (h runs) Less(i, j int) bool {
	return cmp.Or(bytes.Compare(h[i].pair.key, h[j].pair.key), cmp.Compare(h[i].n, h[j].n)) < 0
}
func (h runs) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *runs) Push(x any)   { *h = append(*h, x.(*run)) }
func (h *runs) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// merge gives the pairs of sorted runs in order.
func merge(files []laid) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		lost := func(err error) {
			yield(pair{}, problem.Wrap(err, problem.Unavailable, "what was laid down of the frame cannot be read again"))
		}
		h := make(runs, 0, len(files))
		for i, f := range files {
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				lost(err)
				return
			}
			x := &run{r: bufio.NewReaderSize(f, int(min(runBuffer, f.size))), n: i}
			switch err := x.next(); err {
			case nil:
				h = append(h, x)
			case io.EOF:
			default:
				lost(err)
				return
			}
		}
		heap.Init(&h)
		for len(h) > 0 {
			if !yield(h[0].pair, nil) {
				return
			}
			switch err := h[0].next(); err {
			case nil:
				heap.Fix(&h, 0)
			case io.EOF:
				heap.Pop(&h)
			default:
				lost(err)
				return
			}
		}
	}
}
