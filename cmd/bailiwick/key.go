package main

import (
	"crypto/ed25519"
	"encoding/hex"

	"bailiwick/problem"
)

// publicKey reads an Ed25519 public key in hex; "" is none.
func publicKey(s string) (ed25519.PublicKey, error) {
	if s == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, problem.BadField("key", "is not %d hex digits", 2*ed25519.PublicKeySize)
	}
	return b, nil
}
