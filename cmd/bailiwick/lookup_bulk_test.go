package main

import (
	"context"
	"fmt"
	"testing"

	"bailiwick/collect"

	"pgregory.net/rapid"
)

// TestHalfwayIsBounded: answers that are kept take no more than their bound, in
// octets and in number, whatever servers send; and the latest are those kept.
func TestHalfwayIsBounded(t *testing.T) {
	ctx := context.Background()
	held := func(h *halfway) (n int) {
		for _, k := range h.kept {
			n += cap(k.Raw)
		}
		return n
	}
	h := &halfway{kept: map[string]collect.Kept{}}
	for i := range 2 * keptHalf {
		h.Put(ctx, "rdap.example:443", fmt.Sprint(i), collect.Kept{Raw: make([]byte, 100_000)})
	}
	if n := held(h); n > keptAll || n < keptAll/2 {
		t.Errorf("%d octets are kept", n)
	}
	if _, ok := h.Get(ctx, "rdap.example:443", fmt.Sprint(2*keptHalf-1)); !ok {
		t.Error("the latest answer is not kept")
	}
	h.Put(ctx, "rdap.example:443", "endless", collect.Kept{Raw: make([]byte, 4<<20)})
	if _, ok := h.Get(ctx, "rdap.example:443", "endless"); ok {
		t.Error("an answer of 4 MiB is kept")
	}
	for i := range 2 * keptHalf {
		h.Put(ctx, "whois.example:43", fmt.Sprint(i), collect.Kept{Raw: []byte("short")})
	}
	if len(h.kept) != keptHalf {
		t.Errorf("%d short answers are kept, not %d", len(h.kept), keptHalf)
	}
	rapid.Check(t, func(t *rapid.T) {
		h := &halfway{kept: map[string]collect.Kept{}}
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{0, 10, 200_000, keptOne, 1 << 20}), 1, 600).Draw(t, "sizes")
		for i, n := range sizes {
			key := fmt.Sprint(i % 500)
			h.Put(ctx, "s", key, collect.Kept{Raw: make([]byte, n)})
			if _, ok := h.Get(ctx, "s", key); ok != (n < keptOne) {
				t.Fatalf("answer %d of %d octets: kept is %v", i, n, ok)
			}
		}
		sum, keys := 0, 0
		for key, k := range h.kept {
			sum += keptOctets(key, k)
		}
		for _, key := range h.ring {
			if key != "" {
				keys++
			}
		}
		if sum != h.octets || sum > keptAll || keys != len(h.kept) {
			t.Fatalf("%d octets are kept in %d answers; it counts %d, and %d keys", sum, len(h.kept), h.octets, keys)
		}
	})
}
