package lab

// Registries are those of the scenario's TLDs, as an operator would take them
// from the list of the root zone: Suffix is the TLD.
func (w *World) Registries() []ConfigParty {
	var out []ConfigParty
	for _, t := range w.s.TLDs {
		out = append(out, ConfigParty{Name: t.Registry, Mail: published(t.Mail), Form: t.Form, Country: t.Country, Suffix: t.Name})
	}
	return out
}
