package whois

import (
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"testing"
)

const corpus = "../../../shared/corpus/registration"

// corpusFiles reads the WHOIS files of the shared corpus, or skips.
func corpusFiles(t testing.TB) map[string][]byte {
	files := corpusIfHere(t)
	if len(files) == 0 {
		t.Skip("the shared corpus is not here")
	}
	return files
}

func corpusIfHere(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	root := filepath.Join(filepath.FromSlash(corpus), "whois")
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(filepath.Dir(root), p)
		files[filepath.ToSlash(rel)] = b
		return err
	})
	if err != nil {
		return nil
	}
	return files
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// testdataAnswers are the hand-made answers.
func testdataAnswers(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "answers", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(p)] = b
	}
	return out
}
