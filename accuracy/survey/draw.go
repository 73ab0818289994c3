package survey

import (
	"cmp"
	"container/heap"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"
	"slices"
	"strconv"

	"bailiwick/problem"
)

// MaxDrawn bounds a first phase.
const MaxDrawn = 5_000_000

// Unit is one drawn unit of the frame: a registered name, in its stratum.
type Unit struct {
	ID      string `json:"id"`
	Stratum string `json:"stratum"`
	rank    uint64
}

// Drawer draws a simple random sample without replacement from a frame that
// is streamed by, of a size not known beforehand. Each unit has a rank that
// hangs on the seed and its ID alone, and the lowest ranks are the sample
// (bottom-k). So the same seed draws the same units in whatever order, and in
// however many runs or parts, the frame is read; a unit met twice is drawn at
// most once.
type Drawer struct {
	mac    hash.Hash
	sum    []byte
	want   int
	heap   ranks
	member map[string]bool
	seen   int
	again  int
}

// NewDrawer draws want units. The error names what cannot be drawn.
func NewDrawer(seed uint64, want int) (*Drawer, error) {
	if want < 1 || want > MaxDrawn {
		return nil, problem.BadField("size", "is %d; a sample has 1 to %d units", want, MaxDrawn)
	}
	return &Drawer{mac: hmac.New(sha256.New, key(seed, "first phase")), want: want, member: map[string]bool{}}, nil
}

func key(seed uint64, phase string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, seed), phase...)
}

// rank is the first octets of HMAC-SHA-256 of an ID; buf is written over.
func rank(m hash.Hash, buf []byte, id string) (uint64, []byte) {
	m.Reset()
	m.Write(append(buf[:0], id...))
	buf = m.Sum(buf[:0])
	return binary.BigEndian.Uint64(buf), buf
}

// Offer shows a unit of the frame to the drawer.
func (d *Drawer) Offer(id, stratum string) {
	d.seen++
	var r uint64
	r, d.sum = rank(d.mac, d.sum, id)
	if d.member[id] {
		d.again++
		return
	}
	if len(d.heap) == d.want && r >= d.heap[0].rank {
		return
	}
	d.member[id] = true
	heap.Push(&d.heap, Unit{ID: id, Stratum: stratum, rank: r})
	if len(d.heap) > d.want {
		delete(d.member, heap.Pop(&d.heap).(Unit).ID)
	}
}

// Seen is how many units were offered, repeats among them.
func (d *Drawer) Seen() int { return d.seen }

// Repeats is how often a unit was offered that was in the sample at that
// moment. In a frame where units repeat, that of a few of them is noticed.
func (d *Drawer) Repeats() int { return d.again }

// Drawn gives the sample by rank: any first part of it is a sample as well.
// The error says that the frame was too small for what was wanted; the units
// are then all there are.
func (d *Drawer) Drawn() ([]Unit, error) {
	out := slices.SortedFunc(slices.Values(d.heap), byRank)
	if len(out) < d.want {
		return out, problem.BadField("size", "asks for %d units of a frame that holds %d", d.want, len(out))
	}
	return out, nil
}

func byRank(a, b Unit) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.ID, b.ID)) }

type ranks []Unit // a heap with the highest rank first

func (h ranks) Len() int           { return len(h) }
func (h ranks) Less(i, j int) bool { return byRank(h[i], h[j]) > 0 }
func (h ranks) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *ranks) Push(x any)        { *h = append(*h, x.(Unit)) }
func (h *ranks) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// Quota is how many units of a stratum are to be tested.
type Quota struct {
	Key   string `json:"key"`
	Drawn int    `json:"drawn"`
	// Guess is the share expected, from an earlier cycle; 0.5 asks for the
	// most.
	Guess float64 `json:"guess"`
	// Floor is the least that is tested, if so many were drawn.
	Floor int `json:"floor"`
	Test  int `json:"test"` // filled in by Allocate
}

// Allocate divides total tests among strata in proportion to
// w·√(p(1−p)) (Neyman, 1934), with at least Floor and at most Drawn in each;
// what a full stratum cannot take goes to the others. The error names the
// stratum that is in the way.
func Allocate(quotas []Quota, total int) ([]Quota, error) {
	out := slices.Clone(quotas)
	if total < 1 {
		return nil, problem.BadField("test", "is %d", total)
	}
	drawn, floors := 0, 0
	for i := range out {
		q := &out[i]
		switch {
		case q.Drawn < 1:
			return nil, problem.BadField("strata["+q.Key+"]", "has no unit to test")
		case q.Floor < 0:
			return nil, problem.BadField("strata["+q.Key+"]", "has a negative floor")
		case math.IsNaN(q.Guess) || q.Guess < 0 || q.Guess > 1:
			return nil, problem.BadField("strata["+q.Key+"]", "guesses a share of %g", q.Guess)
		}
		q.Test = min(max(q.Floor, min(2, q.Drawn)), q.Drawn) // two are needed for a variance
		drawn += q.Drawn
		floors += q.Test
	}
	if total > drawn {
		return nil, problem.BadField("test", "is %d, of %d units drawn: larger than its population", total, drawn)
	}
	if floors > total {
		return nil, problem.BadField("test", "is %d, and the floors of the strata ask for %d", total, floors)
	}
	need := func(q Quota) float64 {
		p := min(max(q.Guess, 0.02), 0.98) // a guess of none or all is not to be trusted
		return float64(q.Drawn) * math.Sqrt(p*(1-p))
	}
	// Fix at their floor those whose share is below it, then divide the rest.
	share := make([]float64, len(out))
	fixed := make([]bool, len(out))
	for {
		rest, sum := float64(total), 0.0
		for i, q := range out {
			if fixed[i] {
				rest -= share[i]
			} else {
				sum += need(q)
			}
		}
		changed := false
		low, high := 0.0, 0.0
		for i, q := range out {
			if fixed[i] {
				continue
			}
			share[i] = rest * need(q) / sum
			low += max(float64(q.Test)-share[i], 0)
			high += max(share[i]-float64(q.Drawn), 0)
		}
		for i, q := range out {
			if fixed[i] {
				continue
			}
			if low >= high && share[i] < float64(q.Test) {
				share[i], fixed[i], changed = float64(q.Test), true, true
			} else if low < high && share[i] > float64(q.Drawn) {
				share[i], fixed[i], changed = float64(q.Drawn), true, true
			}
		}
		if !changed {
			break
		}
	}
	// Whole numbers, the largest remainders first.
	order := make([]int, len(out))
	left := total
	for i := range out {
		order[i] = i
		out[i].Test = min(max(int(share[i]), out[i].Test), out[i].Drawn)
		left -= out[i].Test
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(share[b]-math.Floor(share[b]), share[a]-math.Floor(share[a]))
	})
	for left > 0 {
		for _, i := range order {
			if left > 0 && out[i].Test < out[i].Drawn {
				out[i].Test++
				left--
			}
		}
	}
	return out, nil
}

// Floor is the largest floor up to want that total tests have room for in all
// strata; 0 when not even the two that a variance needs fit.
func Floor(quotas []Quota, want, total int) int {
	low, high := 0, max(want, 0)
	for low < high {
		f := (low + high + 1) / 2
		sum := 0
		for _, q := range quotas {
			sum += min(max(f, min(2, q.Drawn)), q.Drawn)
		}
		if sum <= total {
			low = f
		} else {
			high = f - 1
		}
	}
	return low
}

// Second picks from a first phase the units to test, by a second rank of the
// same seed, in the order of testing within each stratum. A stratum without a
// quota is an error.
func Second(seed uint64, drawn []Unit, quotas []Quota) ([]Unit, error) {
	want := map[string]int{}
	for _, q := range quotas {
		want[q.Key] = q.Test
	}
	m, buf := hmac.New(sha256.New, key(seed, "second phase")), []byte(nil)
	by := map[string][]Unit{}
	for _, u := range drawn {
		if _, ok := want[u.Stratum]; !ok {
			return nil, problem.BadField("strata["+u.Stratum+"]", "has drawn units and no quota")
		}
		u.rank, buf = rank(m, buf, u.ID)
		by[u.Stratum] = append(by[u.Stratum], u)
	}
	var out []Unit
	for _, q := range quotas {
		us := by[q.Key]
		slices.SortFunc(us, byRank)
		if q.Test > len(us) {
			return nil, problem.BadField("strata["+q.Key+"]", "asks for %d tests of %d drawn units", q.Test, len(us))
		}
		out = append(out, us[:q.Test]...)
	}
	return out, nil
}

// Size is how many units of a simple random sample give a half-width (0 to 1)
// at a share: n = z² p(1−p)/e², 9,604 for one point at one half.
func Size(share, halfWidth float64) (int, error) {
	if !(halfWidth > 0 && halfWidth < 1) {
		return 0, problem.BadField("half_width", "is %s; it lies between 0 and 1", strconv.FormatFloat(halfWidth, 'g', -1, 64))
	}
	if !(share >= 0 && share <= 1) {
		return 0, problem.BadField("share", "is %s; it lies between 0 and 1", strconv.FormatFloat(share, 'g', -1, 64))
	}
	return int(math.Ceil(Z*Z*share*(1-share)/(halfWidth*halfWidth) - 1e-9)), nil
}
