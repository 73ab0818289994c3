package main

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"

	"bailiwick/access"
	"bailiwick/config"
	"bailiwick/lab"
	"bailiwick/problem"
)

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
// lab's profile, with the registrars' gateway as the system that holds and
// releases. It gives the secret that orders are signed with; nil where nobody is
// verified.
func (r *run) verifying(cfg *config.Config) ([]byte, error) {
	if !r.world.Verifies() {
		return nil, nil
	}
	secret := []byte(hex.EncodeToString([]byte(rand.Text())))
	profile, file := filepath.Join(r.dir, "lab-profile.yaml"), filepath.Join(r.dir, "hook-secret")
	for path, text := range map[string][]byte{profile: []byte(labProfile), file: secret} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, problem.Wrap(err, problem.Unavailable, "the demo's settings of verification cannot be written")
		}
	}
	v := &cfg.Verify
	v.Profile, v.Profiles = "lab", []string{profile}
	v.HookURL, v.HookSecretFile = r.world.ProvisioningURL(""), file
	return secret, nil
}

// registrars gives the lab's registrars a key of the centre's API, by which
// they have their holders verified.
func (r *run) registrars(secret []byte) error {
	if secret == nil {
		return nil
	}
	p, err := r.app.Access.AddPerson(r.e.ctx, access.Console, access.NewPerson{Login: "registrars", Name: "The lab's registrars", Roles: []access.Role{access.Registrar}})
	if err != nil {
		return err
	}
	key, _, err := r.app.Access.NewKey(r.e.ctx, access.Console, p.ID, "verification of holders", []access.Role{access.Registrar}, time.Time{})
	if err != nil {
		return err
	}
	return r.world.SetVerifier(lab.Verifier{Secret: secret, Key: key, Profile: "lab"})
}
