package lab

import (
	"bytes"
	"reflect"
	"testing"
	"time"
)

func TestGenerateIsTheSameForOneSeed(t *testing.T) {
	for seed := range uint64(12) {
		a, b := Generate(seed, 30), Generate(seed, 30)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d gives two scenarios", seed)
		}
		if !a.completed {
			c := *a
			t.Fatalf("seed %d does not hold: %v", seed, (&c).Complete())
		}
		var buf bytes.Buffer
		if err := a.Write(&buf); err != nil {
			t.Fatal(err)
		}
		c, err := Load(bytes.NewReader(buf.Bytes()), "printed.yaml")
		if err != nil {
			t.Fatalf("seed %d, printed and read back: %v", seed, err)
		}
		if !reflect.DeepEqual(a, c) {
			t.Fatalf("seed %d is another scenario once printed and read back", seed)
		}
	}
	if reflect.DeepEqual(Generate(1, 30), Generate(2, 30)) {
		t.Error("two seeds give one scenario")
	}
}

func TestGeneratedMixture(t *testing.T) {
	s := Generate(7, 30)
	if n := len(s.TLDs); n < 4 {
		t.Errorf("%d TLDs", n)
	}
	class := map[string]int{}
	names := map[string]*Name{}
	for i := range s.Names {
		names[s.Names[i].Name] = &s.Names[i]
	}
	subjects := map[string]bool{}
	for _, r := range s.Reports {
		if n := names[r.Name]; n != nil && !subjects[r.Name] {
			subjects[r.Name] = true
			class[n.Class]++
		}
		if r.At != nil && r.At.D() > time.Duration(s.Days)*Day {
			t.Errorf("a report about %s after the end", r.Name)
		}
	}
	t.Logf("%d subjects, %d reports, %v", len(subjects), len(s.Reports), class)
	if len(subjects) < 60 || len(subjects) > 130 {
		t.Errorf("%d subjects in 30 days", len(subjects))
	}
	for _, c := range []string{"malicious", "compromised", "platform", "innocent"} {
		if class[c] < 3 {
			t.Errorf("%d %s subjects", class[c], c)
		}
	}
}
