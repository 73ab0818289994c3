package centre

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"

	"bailiwick/store"
)

// capture gathers the raw bytes of one look, so that they are written in the
// transaction of the event that names them: one sync to disk for a look, and
// never an event without its evidence.
type capture struct {
	mu    sync.Mutex
	blobs []store.NewBlob
	shas  []string
	told  looked // of the registration
}

type captureKey struct{}

// Keep is how the collector keeps raw bytes: with the look that ctx belongs
// to, or on their own.
func (c *Centre) Keep(ctx context.Context, media string, data []byte) (string, error) {
	k, ok := ctx.Value(captureKey{}).(*capture)
	if !ok || len(data) > inlineBlob {
		sha, err := c.Store.PutBlob(ctx, media, data)
		if ok && err == nil {
			k.add(sha)
		}
		return sha, err
	}
	sum := sha256.Sum256(data)
	sha := hex.EncodeToString(sum[:])
	if k.add(sha) {
		k.mu.Lock()
		k.blobs = append(k.blobs, store.NewBlob{Media: media, Data: slices.Clone(data), SHA: sha})
		k.mu.Unlock()
	}
	return sha, nil
}

// add says whether sha is new to the capture.
func (k *capture) add(sha string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(k.shas, sha) {
		return false
	}
	k.shas = append(k.shas, sha)
	return true
}

// write puts the capture into tx as evidence of a case.
func (k *capture) write(ctx context.Context, tx *store.Tx, caseID string) error {
	if err := tx.PutBlobs(ctx, k.blobs); err != nil {
		return err
	}
	return tx.RefBlobs(ctx, k.shas, store.OwnerCase, caseID)
}
