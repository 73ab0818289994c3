package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/clock"
	"bailiwick/config"
	"bailiwick/problem"
)

// labProfileID is the id of labProfile.
const labProfileID = "lab"

// labProfile is the verification profile of a lab's TLD: as WAPS has it, but in
// days instead of two weeks, and with a hold of its own (docs/verification.md).
const labProfile = `id: lab
name: Synthetic TLD that requires verification
about: Holders of the names of the lab's TLDs that require verification. Nothing of it is anybody's rule.
rules:
  - on: [registered, transferred, changed, doubted]
    verify: [email]
    need: one
    due: {within: 72h, basis: ours, read: 2026-11-26}
    reminders: {at: [0s, 24h], basis: ours, read: 2026-11-26}
    hold: {within: 96h, basis: ours, read: 2026-11-26}
    registrant: hold
    account_holder: hand
codes: {life: 360h, attempts: 5, apart: 1h, basis: ours, read: 2026-11-26}
notice: {within: 24h, basis: ours, read: 2026-11-26}
statuses: [clientHold]
`

// verifying lets the centre of a lab whose holders are verified do so: by the
// lab's profile, with the registrars' gateway at orders as the system that holds
// and releases. Its files go to dir. It gives the secret that orders are signed
// with; nil where nobody is verified (orders is empty).
func verifying(cfg *config.Config, orders, dir string) ([]byte, error) {
	if orders == "" {
		return nil, nil
	}
	secret := []byte(hex.EncodeToString([]byte(rand.Text())))
	profile, file := filepath.Join(dir, "lab-profile.yaml"), filepath.Join(dir, "hook-secret")
	for path, text := range map[string][]byte{profile: []byte(labProfile), file: secret} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, problem.Wrap(err, problem.Unavailable, "the lab's settings of verification cannot be written")
		}
	}
	v := &cfg.Verify
	v.Profile, v.Profiles = labProfileID, []string{profile}
	v.HookURL, v.HookSecretFile = orders, file
	return secret, nil
}

// The lab's registrars as a person of the centre; a key is made at each start, and
// none stays for good.
const (
	registrarsLogin = "lab-registrars"
	registrarsKey   = 30 * 24 * time.Hour
)

// registrars is a key of a centre's API by which a lab's registrars have their
// holders verified; "" where nobody is (secret is nil).
func registrars(ctx context.Context, a *app.App, secret []byte) (string, error) {
	if secret == nil {
		return "", nil
	}
	p, err := a.Access.PersonByLogin(ctx, registrarsLogin)
	if problem.CodeOf(err) == problem.NotFound {
		p, err = a.Access.AddPerson(ctx, access.Console, access.NewPerson{Login: registrarsLogin, Name: "The lab's registrars", Roles: []access.Role{access.Registrar}})
	}
	if err != nil {
		return "", err
	}
	key, _, err := a.Access.NewKey(ctx, access.Console, p.ID, "verification of holders", []access.Role{access.Registrar}, clock.Real{}.Now().Add(registrarsKey))
	return key, err
}
