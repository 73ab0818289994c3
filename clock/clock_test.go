package clock

import (
	"sync"
	"testing"
	"time"
)

func TestVirtual(t *testing.T) {
	start := time.Date(2026, 11, 2, 9, 15, 30, 123456789, time.FixedZone("CET", 3600))
	v := NewVirtual(start)
	want := time.Date(2026, 11, 2, 8, 15, 30, 123456000, time.UTC)
	if got := v.Now(); got != want {
		t.Errorf("Now = %v, want %v in UTC and whole microseconds", got, want)
	}
	v.Set(want.Add(-time.Hour))
	if v.Now() != want {
		t.Error("the clock ran backwards")
	}
	v.Set(want.Add(time.Hour))
	if v.Now() != want.Add(time.Hour) {
		t.Error("the clock did not move")
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			before := v.Now()
			v.Set(want.Add(time.Duration(i) * time.Minute))
			if v.Now().Before(before) {
				t.Error("the clock ran backwards")
			}
		})
	}
	wg.Wait()
}

func TestReal(t *testing.T) {
	var c Clock = Real{}
	before := time.Now()
	got := c.Now()
	if got.Location() != time.UTC || got.Nanosecond()%1000 != 0 || got.Before(before.Add(-time.Microsecond)) || got != got.Round(0) {
		t.Errorf("Now = %v", got)
	}
}
