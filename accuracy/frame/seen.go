package frame

import "hash/maphash"

// seen remembers which names a table gave, as far as a bound of memory goes: by a
// hash of 64 bits under a key of its own, so that nobody can make two names that
// are taken for one, and by chance two of ten million are so once in some hundred
// thousand frames.
type seen struct {
	seed  maphash.Seed
	slots []uint64 // open addressing; 0 is empty
	n     int
	most  int // slots
	full  bool
}

func newSeen(memory int) *seen {
	s := &seen{seed: maphash.MakeSeed(), slots: make([]uint64, 1<<10), most: 1 << 10}
	for s.most*2*8 <= memory {
		s.most *= 2
	}
	return s
}

// add notes a name; again says that it was noted before. Once it is full nothing
// more is noted.
func (s *seen) add(name string) (again bool) {
	h := max(maphash.String(s.seed, name), 1)
	if s.put(h) {
		return true
	}
	if s.n++; 4*s.n < 3*len(s.slots) || s.full {
		return false
	}
	if s.full = len(s.slots) >= s.most; !s.full {
		old := s.slots
		s.slots = make([]uint64, 2*len(old))
		for _, h := range old {
			if h != 0 {
				s.put(h)
			}
		}
	}
	return false
}

// put finds a hash, or notes it while there is room.
func (s *seen) put(h uint64) (found bool) {
	mask := uint64(len(s.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case h:
			return true
		case 0:
			if !s.full {
				s.slots[i] = h
			}
			return false
		}
	}
}
