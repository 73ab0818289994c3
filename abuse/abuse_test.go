package abuse

import "testing"

func TestTypes(t *testing.T) {
	for typ, inScope := range map[Type]bool{
		Phishing: true, Malware: true, Botnet: true, Pharming: true, Spam: true,
		Fraud: false, Copyright: false, Trademark: false, Compromised: false, Attack: false, Vulnerability: false, SuspiciousDomain: false, Other: false, CSAM: false,
	} {
		if !typ.Known() || typ.InContractScope() != inScope || typ.NeverKept() != (typ == CSAM) {
			t.Errorf("%s: known %v, in scope %v, never kept %v", typ, typ.Known(), typ.InContractScope(), typ.NeverKept())
		}
	}
	for _, typ := range []Type{"", "Phishing", "weather"} {
		if typ.Known() || typ.InContractScope() || typ.NeverKept() {
			t.Errorf("%q is known", typ)
		}
	}
}
