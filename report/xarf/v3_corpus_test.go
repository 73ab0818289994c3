package xarf

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTmpV3(t *testing.T) {
	for _, v := range []string{"positive", "negative"} {
		fs, _ := filepath.Glob(corpus + "/abusix-samples/" + v + "/*/*.json")
		ok := 0
		for _, f := range fs {
			raw, _ := os.ReadFile(f)
			_, fi, err := Read3(raw)
			if err == nil {
				ok++
			}
			if (err == nil) != (v == "positive") {
				t.Log(f[len(corpus)+16:], err, fi)
			}
		}
		t.Log(v, ok, len(fs))
	}
	fs, _ := filepath.Glob(corpus + "/*/samples/v3/*.json")
	for _, f := range fs {
		raw, _ := os.ReadFile(f)
		_, fi, err := Read3(raw)
		t.Log(f, err, fi)
	}
}
