package evidence

import (
	"strings"
	"unicode"
)

// secret is what a form field asks for.
type secret uint8

const (
	asksPassword secret = 1 << iota
	asksCard
	asksOTP
)

// autofill are the tokens of HTML's autocomplete attribute that name a secret
// (HTML standard, section 4.10.18.7).
var autofill = map[string]secret{
	"current-password": asksPassword, "new-password": asksPassword, "one-time-code": asksOTP,
	"cc-number": asksCard, "cc-csc": asksCard, "cc-exp": asksCard, "cc-exp-month": asksCard,
	"cc-exp-year": asksCard, "cc-name": asksCard, "cc-type": asksCard,
}

// whole are short words that count only when they stand alone: they occur
// inside others ("button" has no TAN in it, but "standard" has).
var whole = map[string]secret{
	"pass": asksPassword, "pwd": asksPassword, "pw": asksPassword, "pin": asksPassword, "psw": asksPassword,
	"cvv": asksCard, "cvv2": asksCard, "cvc": asksCard, "cvc2": asksCard, "csc": asksCard, "ccnum": asksCard,
	"otp": asksOTP, "tan": asksOTP, "2fa": asksOTP, "mfa": asksOTP, "totp": asksOTP, "smstan": asksOTP,
}

// parts are words that count wherever they occur, written without spaces and
// marks. They are the common words of the languages most phishing is in.
var parts = []struct {
	word string
	asks secret
}{
	{"password", asksPassword}, {"passwd", asksPassword}, {"passcode", asksPassword}, {"passphrase", asksPassword},
	{"passwort", asksPassword}, {"kennwort", asksPassword}, {"motdepasse", asksPassword}, {"codesecret", asksPassword},
	{"contraseña", asksPassword}, {"contrasena", asksPassword}, {"clavedeacceso", asksPassword},
	{"senha", asksPassword}, {"palavrapasse", asksPassword}, {"parolachiave", asksPassword}, {"parola", asksPassword},
	{"wachtwoord", asksPassword}, {"hasło", asksPassword}, {"haslo", asksPassword}, {"heslo", asksPassword},
	{"jelszó", asksPassword}, {"jelszo", asksPassword}, {"lösenord", asksPassword}, {"losenord", asksPassword},
	{"adgangskode", asksPassword}, {"passord", asksPassword}, {"salasana", asksPassword}, {"κωδικόςπρόσβασης", asksPassword},
	{"пароль", asksPassword}, {"şifre", asksPassword}, {"sifre", asksPassword}, {"katasandi", asksPassword},
	{"mậtkhẩu", asksPassword}, {"matkhau", asksPassword}, {"รหัสผ่าน", asksPassword}, {"كلمةالمرور", asksPassword},
	{"كلمةالسر", asksPassword}, {"סיסמה", asksPassword}, {"密码", asksPassword}, {"密碼", asksPassword},
	{"パスワード", asksPassword}, {"暗証番号", asksPassword}, {"비밀번호", asksPassword},

	{"cardnumber", asksCard}, {"creditcard", asksCard}, {"debitcard", asksCard}, {"cardnum", asksCard}, {"cardno", asksCard},
	{"ccnumber", asksCard}, {"securitycode", asksCard}, {"cardexp", asksCard}, {"cardholder", asksCard},
	{"kartennummer", asksCard}, {"kreditkarte", asksCard}, {"prüfziffer", asksCard}, {"numérodecarte", asksCard},
	{"numerodecarte", asksCard}, {"cartebancaire", asksCard}, {"cryptogramme", asksCard}, {"númerodetarjeta", asksCard},
	{"numerodetarjeta", asksCard}, {"númerodocartão", asksCard}, {"numerodocartao", asksCard}, {"numerodicarta", asksCard},
	{"cartadicredito", asksCard}, {"kaartnummer", asksCard}, {"numerkarty", asksCard}, {"номеркарты", asksCard},
	{"kartnumarası", asksCard}, {"nomorkartu", asksCard}, {"sốthẻ", asksCard}, {"卡号", asksCard}, {"卡號", asksCard},
	{"カード番号", asksCard}, {"카드번호", asksCard}, {"رقمالبطاقة", asksCard},

	{"onetimecode", asksOTP}, {"onetimepass", asksOTP}, {"smscode", asksOTP}, {"codesms", asksOTP}, {"verificationcode", asksOTP},
	{"verifycode", asksOTP}, {"authcode", asksOTP}, {"authenticationcode", asksOTP}, {"twofactor", asksOTP},
	{"bestätigungscode", asksOTP}, {"sicherheitscode", asksOTP}, {"codedevérification", asksOTP},
	{"codedeverification", asksOTP}, {"codedeconfirmation", asksOTP}, {"códigodeverificación", asksOTP},
	{"codigodeverificacion", asksOTP}, {"códigosms", asksOTP}, {"códigodeverificação", asksOTP}, {"codicediverifica", asksOTP},
	{"codiceotp", asksOTP}, {"verificatiecode", asksOTP}, {"kodsms", asksOTP}, {"кодизсмс", asksOTP}, {"кодподтверждения", asksOTP},
	{"doğrulamakodu", asksOTP}, {"onaykodu", asksOTP}, {"kodeverifikasi", asksOTP}, {"kodeotp", asksOTP}, {"mãotp", asksOTP},
	{"验证码", asksOTP}, {"驗證碼", asksOTP}, {"認証コード", asksOTP}, {"認証番号", asksOTP}, {"인증번호", asksOTP}, {"رمزالتحقق", asksOTP},
}

// asks says which secrets the words of a form field ask for: its name, id,
// placeholder or label.
func asks(text string) secret {
	if text == "" {
		return 0
	}
	var found secret
	var squashed, word strings.Builder
	end := func() {
		found |= whole[word.String()]
		word.Reset()
	}
	lower := false // the last letter was lower case: an upper-case one begins a word ("userPin")
	for _, r := range text {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if unicode.IsUpper(r) && lower {
				end()
			}
			lower = unicode.IsLower(r)
			l := unicode.ToLower(r)
			word.WriteRune(l)
			squashed.WriteRune(l)
		default:
			end()
			lower = false
		}
	}
	end()
	s := squashed.String()
	for _, p := range parts {
		if found&p.asks == 0 && strings.Contains(s, p.word) {
			found |= p.asks
		}
	}
	return found
}
