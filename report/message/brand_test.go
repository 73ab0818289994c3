package message

import "testing"

func TestBrandOf(t *testing.T) {
	for text, want := range map[string]string{
		"The page imitates Aurora Bank and asks for a password.": "Aurora Bank",
		"It pretends to be the Example Post, please remove it.":  "Example Post",
		"It imitates a bank.":                                                          "",
		"It imitates our customers. Brand: Example Bank":                               "Example Bank",
		"Faz-se passar por Aurora Bank.\nLink in a mail.":                              "Aurora Bank",
		"Die Seite gibt sich als Beispiel Bank aus.":                                   "Beispiel Bank",
		"Le site se fait passer pour La Banque Exemple.":                               "Banque Exemple",
		"Se hace pasar por Banco Ejemplo; gracias":                                     "Banco Ejemplo",
		"该网站冒充示例银行。":                                                                   "示例银行",
		"phishing against Example Bank at hxxps://a[.]example":                         "Example Bank",
		"Nothing of the kind.":                                                         "",
		"It imitates https://www.example.example/ which is bad":                        "",
		"impersonating Xxxxxxxxxx Xxxxxxxxxx Xxxxxxxxxx Xxxxxxxxxx Xxxxxxxxxx Xxxxxxx": "",
		"limitates Aurora Bank":                                                        "",
	} {
		if got := brandOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
