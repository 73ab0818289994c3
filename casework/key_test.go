package casework

import (
	"crypto/ed25519"
	"crypto/sha256"
)

// testKey is a key that depends on the name only.
func testKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}
