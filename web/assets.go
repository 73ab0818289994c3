package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// assets are the files that pages load: each under a name that holds a digest
// of its content, so that a browser may keep it for ever and still sees a new
// one at once.
type assets struct {
	path map[string]string // file -> path of its address
	data map[string]asset  // last part of the address -> file
}

type asset struct {
	media string
	data  []byte
}

const assetPath = "/assets/"

func loadAssets() (assets, error) {
	a := assets{path: map[string]string{}, data: map[string]asset{}}
	var sheets []string
	err := fs.WalkDir(assetFiles, "assets", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(p, "assets/")
		if path.Ext(name) == ".css" {
			sheets = append(sheets, name) // last: they name the others
			return nil
		}
		b, err := assetFiles.ReadFile(p)
		a.put(name, b)
		return err
	})
	if err != nil {
		return a, err
	}
	for _, name := range sheets {
		b, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			return a, err
		}
		for file, to := range a.path {
			b = bytes.ReplaceAll(b, []byte("url("+file+")"), []byte("url("+to+")"))
		}
		a.put(name, b)
	}
	return a, nil
}

func (a assets) put(name string, b []byte) {
	sum := sha256.Sum256(b)
	ext := path.Ext(name)
	hashed := strings.TrimSuffix(path.Base(name), ext) + "." + hex.EncodeToString(sum[:6]) + ext
	media := mime.TypeByExtension(ext)
	switch ext {
	case ".woff2":
		media = "font/woff2"
	case ".txt":
		media = "text/plain; charset=utf-8"
	}
	a.path[name] = assetPath + hashed
	a.data[hashed] = asset{media, b}
}

// ServeHTTP implements http.Handler.
func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.data[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.media)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(f.data) // who has gone is not told
}
