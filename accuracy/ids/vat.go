package ids

import "strings"

// vat reads a VAT number with its prefix.
func vat(v string) (country string, why Reason) {
	if len(v) < 4 {
		return "", Form
	}
	country = v[:2]
	rule := vatRule(country)
	if rule == nil {
		return "", Form
	}
	if country == "EL" {
		country = "GR"
	}
	if strings.Trim(v[2:], "0") == "" { // right by most rules, and nobody's
		return country, Form
	}
	return country, rule(v[2:])
}

// Members are the VAT prefixes of the member states.
func Members() []string { return strings.Fields(members) }

const members = "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"

// vatRule is the rule of a prefix; GR is taken for EL. Each rule sees what
// follows the prefix, which Normal has made ASCII.
func vatRule(prefix string) func(string) Reason {
	switch prefix {
	case "AT":
		return vatAT
	case "BE":
		return vatBE
	case "BG":
		return vatBG
	case "CY":
		return vatCY
	case "CZ":
		return vatCZ
	case "DE":
		return vatDE
	case "DK":
		return vatDK
	case "EE":
		return vatEE
	case "EL", "GR":
		return vatEL
	case "ES":
		return vatES
	case "FI":
		return vatFI
	case "FR":
		return vatFR
	case "HR":
		return vatHR
	case "HU":
		return vatHU
	case "IE":
		return vatIE
	case "IT":
		return vatIT
	case "LT":
		return vatLT
	case "LU":
		return vatLU
	case "LV":
		return vatLV
	case "MT":
		return vatMT
	case "NL":
		return vatNL
	case "PL":
		return vatPL
	case "PT":
		return vatPT
	case "RO":
		return vatRO
	case "SE":
		return vatSE
	case "SI":
		return vatSI
	case "SK":
		return vatSK
	}
	return nil
}

// number is digits as a number; callers bound the length to 13.
func number(s string) (n int) {
	for i := 0; i < len(s); i++ {
		n = n*10 + at(s, i)
	}
	return n
}

// luhn says whether the last digit is right by Luhn's rule (ISO/IEC 7812-1).
func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := at(s, len(s)-1-i)
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// mod1110 is ISO 7064 MOD 11,10.
func mod1110(s string) bool {
	p := 10
	for i := range len(s) - 1 {
		if p = (p + at(s, i)) % 10; p == 0 {
			p = 10
		}
		p = p * 2 % 11
	}
	return (p+at(s, len(s)-1))%10 == 1
}

func vatAT(v string) Reason {
	if len(v) != 9 || v[0] != 'U' || !digits(v[1:]) {
		return Form
	}
	sum := 4
	for i := range 7 {
		d := at(v, i+1)
		if i%2 == 1 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return when((10-sum%10)%10 == at(v, 8))
}

func vatBE(v string) Reason {
	if len(v) == 9 {
		v = "0" + v // from before 2008
	}
	if len(v) != 10 || !digits(v) || v[0] > '1' {
		return Form
	}
	return when((number(v[:8])+number(v[8:]))%97 == 0)
}

func vatBG(v string) Reason {
	if !digits(v) {
		return Form
	}
	switch len(v) {
	case 9: // companies
		c := weighted(v, 1, 2, 3, 4, 5, 6, 7, 8) % 11
		if c == 10 {
			c = weighted(v, 3, 4, 5, 6, 7, 8, 9, 10) % 11 % 10
		}
		return when(c == at(v, 8))
	case 10: // people, foreigners, others: each with a rule
		last := at(v, 9)
		other := 11 - weighted(v, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11
		return when(weighted(v, 2, 4, 8, 5, 10, 9, 7, 3, 6)%11%10 == last ||
			weighted(v, 21, 19, 17, 13, 11, 9, 7, 3, 1)%10 == last ||
			other%11 == last)
	}
	return Form
}

func vatCY(v string) Reason {
	if len(v) != 9 || !digits(v[:8]) || !letter(v[8]) || v[:2] == "12" {
		return Form
	}
	odd := [10]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21}
	sum := 0
	for i := range 8 {
		if i%2 == 0 {
			sum += odd[at(v, i)]
		} else {
			sum += at(v, i)
		}
	}
	return when(byte('A'+sum%26) == v[8])
}

func vatCZ(v string) Reason {
	if !digits(v) {
		return Form
	}
	switch {
	case len(v) == 8 && v[0] != '9': // companies
		c := (11 - weighted(v, 8, 7, 6, 5, 4, 3, 2)%11) % 11
		if c == 0 {
			c = 1
		}
		return when(c%10 == at(v, 7))
	case len(v) == 9 && v[0] == '6': // special cases
		c := weighted(v[1:], 8, 7, 6, 5, 4, 3, 2) % 11
		return when(8-(21-c)%11 == at(v, 8))
	case len(v) == 9 || len(v) == 10:
		return birthNumber(v)
	}
	return Form
}

// birthNumber is the Czech and Slovak number of a person. Those from before
// 1954 have nine digits and no check digit.
func birthNumber(v string) Reason {
	month := number(v[2:4]) % 50
	if month > 20 {
		month -= 20
	}
	if day := number(v[4:6]); month < 1 || month > 12 || day < 1 || day > 31 {
		return Form
	}
	if len(v) == 9 {
		return Right
	}
	return when(number(v[:9])%11%10 == at(v, 9))
}

func vatDE(v string) Reason {
	if len(v) != 9 || !digits(v) || v[0] == '0' {
		return Form
	}
	return when(mod1110(v))
}

func vatDK(v string) Reason {
	if len(v) != 8 || !digits(v) || v[0] == '0' {
		return Form
	}
	return when(weighted(v, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0)
}

func vatEE(v string) Reason {
	if len(v) != 9 || !digits(v) {
		return Form
	}
	return when(weighted(v, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 == 0)
}

func vatEL(v string) Reason {
	if len(v) == 8 {
		v = "0" + v // older numbers
	}
	if len(v) != 9 || !digits(v) {
		return Form
	}
	return when(weighted(v, 256, 128, 64, 32, 16, 8, 4, 2)%11%10 == at(v, 8))
}

const spanishLetters = "TRWAGMYFPDXBNJZSQVHLCKE"

func vatES(v string) Reason {
	if len(v) != 9 || !digits(v[1:8]) {
		return Form
	}
	last := v[8]
	switch c := v[0]; {
	case digit(c): // citizens
		if !letter(last) {
			return Form
		}
		return when(spanishLetters[number(v[:8])%23] == last)
	case c >= 'X' && c <= 'Z': // foreigners
		if !letter(last) {
			return Form
		}
		return when(spanishLetters[(int(c-'X')*10000000+number(v[1:8]))%23] == last)
	case c == 'K' || c == 'L' || c == 'M': // people without either
		if !letter(last) {
			return Form
		}
		return when(spanishLetters[number(v[1:8])%23] == last)
	case strings.IndexByte("ABCDEFGHJNPQRSUVW", c) >= 0: // companies
		sum := 0
		for i := range 7 {
			d := at(v, i+1)
			if i%2 == 0 {
				d = d*2/10 + d*2%10
			}
			sum += d
		}
		check := (10 - sum%10) % 10
		// Which kinds of company have a letter is told in more than one way.
		switch {
		case letter(last):
			return when("JABCDEFGHI"[check] == last)
		case digit(last):
			return when(check == int(last-'0'))
		}
	}
	return Form
}

func vatFI(v string) Reason {
	if len(v) != 8 || !digits(v) {
		return Form
	}
	return when(weighted(v, 7, 9, 10, 5, 8, 4, 2, 1)%11 == 0)
}

// frenchAlphabet has no I and no O.
const frenchAlphabet = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"

func vatFR(v string) Reason {
	if len(v) != 11 || !digits(v[2:]) {
		return Form
	}
	a, b := strings.IndexByte(frenchAlphabet, v[0]), strings.IndexByte(frenchAlphabet, v[1])
	if a < 0 || b < 0 {
		return Form
	}
	siren := v[2:]
	if siren[:3] != "000" && !luhn(siren) { // Monaco has 000 and no check digit there
		return CheckDigit
	}
	n := number(siren)
	switch {
	case a < 10 && b < 10:
		return when((n*100+12)%97 == a*10+b)
	case a < 10:
		a = a*24 + b - 10
	default:
		a = a*34 + b - 100
	}
	return when((n+1+a/11)%11 == a%11)
}

func vatHR(v string) Reason {
	if len(v) != 11 || !digits(v) {
		return Form
	}
	return when(mod1110(v))
}

func vatHU(v string) Reason {
	if len(v) != 8 || !digits(v) {
		return Form
	}
	return when(weighted(v, 9, 7, 3, 1, 9, 7, 3, 1)%10 == 0)
}

const irishLetters = "WABCDEFGHIJKLMNOPQRSTUV"

func vatIE(v string) Reason {
	if len(v) != 8 && len(v) != 9 || !digit(v[0]) || !digits(v[2:7]) || !letter(v[7]) {
		return Form
	}
	extra := 0
	switch {
	case !digit(v[1]): // until 2013: a letter, "+" or "*" in the second place
		if len(v) != 8 {
			return Form
		}
		return when(irishLetters[weighted("0"+v[2:7]+v[:1], 8, 7, 6, 5, 4, 3, 2)%23] == v[7])
	case len(v) == 9:
		i := strings.IndexByte(irishLetters, v[8])
		if i < 0 {
			return Form
		}
		extra = 9 * i
	}
	return when(irishLetters[(weighted(v, 8, 7, 6, 5, 4, 3, 2)+extra)%23] == v[7])
}

func vatIT(v string) Reason {
	if len(v) != 11 || !digits(v) || v[:7] == "0000000" {
		return Form
	}
	return when(luhn(v))
}

func vatLT(v string) Reason {
	if len(v) != 9 && len(v) != 12 || !digits(v) || v[len(v)-2] != '1' {
		return Form
	}
	n := len(v) - 1
	a, b := 0, 0
	for i := range n {
		a += at(v, i) * (1 + i%9)
		b += at(v, i) * (1 + (i+2)%9)
	}
	c := a % 11
	if c == 10 {
		c = b % 11 % 10
	}
	return when(c == at(v, n))
}

func vatLU(v string) Reason {
	if len(v) != 8 || !digits(v) {
		return Form
	}
	return when(number(v[:6])%89 == number(v[6:]))
}

func vatLV(v string) Reason {
	if len(v) != 11 || !digits(v) {
		return Form
	}
	if v[0] > '3' { // companies
		return when(weighted(v, 9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1)%11 == 3)
	}
	if v[:2] == "32" { // people, since 2017: no date, no published rule
		return Right
	}
	if day, month := number(v[:2]), number(v[2:4]); day < 1 || day > 31 || month < 1 || month > 12 {
		return Form
	}
	return when((1+weighted(v, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9))%11%10 == at(v, 10))
}

func vatMT(v string) Reason {
	if len(v) != 8 || !digits(v) || v[0] == '0' {
		return Form
	}
	return when(weighted(v, 3, 4, 6, 7, 8, 9, 10, 1)%37 == 0)
}

// vatNL takes both rules: sole traders got numbers of the second kind in 2020.
func vatNL(v string) Reason {
	if len(v) != 12 || !digits(v[:9]) || v[9] != 'B' || !digits(v[10:]) || v[10:] == "00" {
		return Form
	}
	if s := weighted(v, 9, 8, 7, 6, 5, 4, 3, 2) - at(v, 8); s != 0 && s%11 == 0 {
		return Right
	}
	m, _ := mod97("NL" + v)
	return when(m == 1)
}

func vatPL(v string) Reason {
	if len(v) != 10 || !digits(v) {
		return Form
	}
	return when(weighted(v, 6, 5, 7, 2, 3, 4, 5, 6, 7)%11 == at(v, 9))
}

func vatPT(v string) Reason {
	if len(v) != 9 || !digits(v) || v[0] == '0' {
		return Form
	}
	return when((11-weighted(v, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11%10 == at(v, 8))
}

func vatRO(v string) Reason {
	if !digits(v) || v[0] == '0' {
		return Form
	}
	switch {
	case len(v) >= 2 && len(v) <= 10:
		last := at(v, len(v)-1)
		body := strings.Repeat("0", 10-len(v)) + v[:len(v)-1]
		return when(10*weighted(body, 7, 5, 3, 2, 1, 7, 5, 3, 2)%11%10 == last)
	case len(v) == 13: // people
		if month, day := number(v[3:5]), number(v[5:7]); month < 1 || month > 12 || day < 1 || day > 31 {
			return Form
		}
		c := weighted(v, 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9) % 11
		if c == 10 {
			c = 1
		}
		return when(c == at(v, 12))
	}
	return Form
}

func vatSE(v string) Reason {
	if len(v) != 12 || !digits(v) || v[10:] == "00" {
		return Form
	}
	return when(luhn(v[:10]))
}

func vatSI(v string) Reason {
	if len(v) != 8 || !digits(v) || v[0] == '0' {
		return Form
	}
	c := 11 - weighted(v, 8, 7, 6, 5, 4, 3, 2)%11
	if c == 10 {
		c = 0
	}
	return when(c == at(v, 7)) // 11 is given to nobody
}

func vatSK(v string) Reason {
	if len(v) != 10 || !digits(v) || v[0] == '0' {
		return Form
	}
	if number(v)%11 == 0 {
		return Right
	}
	// People may have their number of birth; what is not one is judged as a
	// company's.
	return when(birthNumber(v) == Right)
}
