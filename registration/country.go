package registration

import "strings"

// CountryCode gives the ISO 3166-1 alpha-2 code of a country written as a code
// in either case or as a name that means one country only. "UK" is GB. ok is
// false when it cannot be told ("Korea", "Congo", "Virgin Islands", and
// "Georgia", which is also a state).
func CountryCode(s string) (code string, ok bool) {
	if len(s) == 2 {
		a, b := s[0]&^0x20, s[1]&^0x20 // upper case, of letters
		if a < 'A' || a > 'Z' || b < 'A' || b > 'Z' {
			return "", false
		}
		if a == 'U' && b == 'K' {
			return "GB", true
		}
		if i := countryAt[a-'A'][b-'A']; i > 0 {
			return countryCodes[i-1 : i+1], true
		}
		return "", false
	}
	if len(s) > 64 {
		return "", false
	}
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	return countryOf(s)
}

// countryCodes are the officially assigned alpha-2 codes, one after the other.
const countryCodes = "" +
	"ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCR" +
	"CUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHU" +
	"IDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQ" +
	"MRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI" +
	"SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW"

// countryAt gives the place of a code in countryCodes, plus one.
var countryAt = func() (t [26][26]uint16) {
	for i := 0; i < len(countryCodes); i += 2 {
		t[countryCodes[i]-'A'][countryCodes[i+1]-'A'] = uint16(i + 1)
	}
	return t
}()

// countryOf maps lower-case English short names and common other names.
func countryOf(name string) (string, bool) {
	switch name {
	case "andorra":
		return "AD", true
	case "united arab emirates":
		return "AE", true
	case "afghanistan":
		return "AF", true
	case "antigua and barbuda":
		return "AG", true
	case "anguilla":
		return "AI", true
	case "albania":
		return "AL", true
	case "armenia":
		return "AM", true
	case "angola":
		return "AO", true
	case "antarctica":
		return "AQ", true
	case "argentina":
		return "AR", true
	case "american samoa":
		return "AS", true
	case "austria", "österreich":
		return "AT", true
	case "australia":
		return "AU", true
	case "aruba":
		return "AW", true
	case "åland islands", "aland islands":
		return "AX", true
	case "azerbaijan":
		return "AZ", true
	case "bosnia and herzegovina":
		return "BA", true
	case "barbados":
		return "BB", true
	case "bangladesh":
		return "BD", true
	case "belgium", "belgië", "belgique":
		return "BE", true
	case "burkina faso":
		return "BF", true
	case "bulgaria":
		return "BG", true
	case "bahrain":
		return "BH", true
	case "burundi":
		return "BI", true
	case "benin":
		return "BJ", true
	case "saint barthélemy", "saint barthelemy":
		return "BL", true
	case "bermuda":
		return "BM", true
	case "brunei darussalam", "brunei":
		return "BN", true
	case "bolivia", "bolivia, plurinational state of", "bolivia (plurinational state of)":
		return "BO", true
	case "bonaire, sint eustatius and saba":
		return "BQ", true
	case "brazil", "brasil":
		return "BR", true
	case "bahamas", "the bahamas":
		return "BS", true
	case "bhutan":
		return "BT", true
	case "bouvet island":
		return "BV", true
	case "botswana":
		return "BW", true
	case "belarus":
		return "BY", true
	case "belize":
		return "BZ", true
	case "canada":
		return "CA", true
	case "cocos (keeling) islands", "cocos islands":
		return "CC", true
	case "democratic republic of the congo", "congo, the democratic republic of the", "congo (democratic republic of the)":
		return "CD", true
	case "central african republic":
		return "CF", true
	case "republic of the congo":
		return "CG", true
	case "switzerland", "schweiz", "suisse":
		return "CH", true
	case "côte d'ivoire", "cote d'ivoire", "ivory coast":
		return "CI", true
	case "cook islands":
		return "CK", true
	case "chile":
		return "CL", true
	case "cameroon":
		return "CM", true
	case "china", "people's republic of china", "p.r. china", "pr china":
		return "CN", true
	case "colombia":
		return "CO", true
	case "costa rica":
		return "CR", true
	case "cuba":
		return "CU", true
	case "cabo verde", "cape verde":
		return "CV", true
	case "curaçao", "curacao":
		return "CW", true
	case "christmas island":
		return "CX", true
	case "cyprus":
		return "CY", true
	case "czechia", "czech republic":
		return "CZ", true
	case "germany", "deutschland":
		return "DE", true
	case "djibouti":
		return "DJ", true
	case "denmark", "danmark":
		return "DK", true
	case "dominica":
		return "DM", true
	case "dominican republic":
		return "DO", true
	case "algeria":
		return "DZ", true
	case "ecuador":
		return "EC", true
	case "estonia":
		return "EE", true
	case "egypt":
		return "EG", true
	case "western sahara":
		return "EH", true
	case "eritrea":
		return "ER", true
	case "spain", "españa":
		return "ES", true
	case "ethiopia":
		return "ET", true
	case "finland", "suomi":
		return "FI", true
	case "fiji":
		return "FJ", true
	case "falkland islands", "falkland islands (malvinas)":
		return "FK", true
	case "micronesia", "micronesia, federated states of", "micronesia (federated states of)":
		return "FM", true
	case "faroe islands":
		return "FO", true
	case "france":
		return "FR", true
	case "gabon":
		return "GA", true
	case "united kingdom", "great britain", "united kingdom of great britain and northern ireland", "england", "scotland", "wales":
		return "GB", true
	case "grenada":
		return "GD", true
	case "french guiana":
		return "GF", true
	case "guernsey":
		return "GG", true
	case "ghana":
		return "GH", true
	case "gibraltar":
		return "GI", true
	case "greenland":
		return "GL", true
	case "gambia", "the gambia":
		return "GM", true
	case "guinea":
		return "GN", true
	case "guadeloupe":
		return "GP", true
	case "equatorial guinea":
		return "GQ", true
	case "greece":
		return "GR", true
	case "south georgia and the south sandwich islands":
		return "GS", true
	case "guatemala":
		return "GT", true
	case "guam":
		return "GU", true
	case "guinea-bissau":
		return "GW", true
	case "guyana":
		return "GY", true
	case "hong kong", "hong kong sar":
		return "HK", true
	case "heard island and mcdonald islands":
		return "HM", true
	case "honduras":
		return "HN", true
	case "croatia":
		return "HR", true
	case "haiti":
		return "HT", true
	case "hungary":
		return "HU", true
	case "indonesia":
		return "ID", true
	case "ireland":
		return "IE", true
	case "israel":
		return "IL", true
	case "isle of man":
		return "IM", true
	case "india":
		return "IN", true
	case "british indian ocean territory":
		return "IO", true
	case "iraq":
		return "IQ", true
	case "iran", "iran, islamic republic of", "iran (islamic republic of)":
		return "IR", true
	case "iceland":
		return "IS", true
	case "italy", "italia":
		return "IT", true
	case "jersey":
		return "JE", true
	case "jamaica":
		return "JM", true
	case "jordan":
		return "JO", true
	case "japan":
		return "JP", true
	case "kenya":
		return "KE", true
	case "kyrgyzstan":
		return "KG", true
	case "cambodia":
		return "KH", true
	case "kiribati":
		return "KI", true
	case "comoros":
		return "KM", true
	case "saint kitts and nevis", "st. kitts and nevis":
		return "KN", true
	case "north korea", "korea, democratic people's republic of", "democratic people's republic of korea":
		return "KP", true
	case "south korea", "korea, republic of", "republic of korea":
		return "KR", true
	case "kuwait":
		return "KW", true
	case "cayman islands":
		return "KY", true
	case "kazakhstan":
		return "KZ", true
	case "laos", "lao people's democratic republic":
		return "LA", true
	case "lebanon":
		return "LB", true
	case "saint lucia", "st. lucia":
		return "LC", true
	case "liechtenstein":
		return "LI", true
	case "sri lanka":
		return "LK", true
	case "liberia":
		return "LR", true
	case "lesotho":
		return "LS", true
	case "lithuania":
		return "LT", true
	case "luxembourg":
		return "LU", true
	case "latvia":
		return "LV", true
	case "libya":
		return "LY", true
	case "morocco":
		return "MA", true
	case "monaco":
		return "MC", true
	case "moldova", "moldova, republic of", "republic of moldova":
		return "MD", true
	case "montenegro":
		return "ME", true
	case "saint martin (french part)":
		return "MF", true
	case "madagascar":
		return "MG", true
	case "marshall islands":
		return "MH", true
	case "north macedonia", "macedonia":
		return "MK", true
	case "mali":
		return "ML", true
	case "myanmar", "burma":
		return "MM", true
	case "mongolia":
		return "MN", true
	case "macao", "macau":
		return "MO", true
	case "northern mariana islands":
		return "MP", true
	case "martinique":
		return "MQ", true
	case "mauritania":
		return "MR", true
	case "montserrat":
		return "MS", true
	case "malta":
		return "MT", true
	case "mauritius":
		return "MU", true
	case "maldives":
		return "MV", true
	case "malawi":
		return "MW", true
	case "mexico", "méxico":
		return "MX", true
	case "malaysia":
		return "MY", true
	case "mozambique":
		return "MZ", true
	case "namibia":
		return "NA", true
	case "new caledonia":
		return "NC", true
	case "niger":
		return "NE", true
	case "norfolk island":
		return "NF", true
	case "nigeria":
		return "NG", true
	case "nicaragua":
		return "NI", true
	case "netherlands", "the netherlands", "nederland", "netherlands (kingdom of the)":
		return "NL", true
	case "norway", "norge":
		return "NO", true
	case "nepal":
		return "NP", true
	case "nauru":
		return "NR", true
	case "niue":
		return "NU", true
	case "new zealand":
		return "NZ", true
	case "oman":
		return "OM", true
	case "panama":
		return "PA", true
	case "peru":
		return "PE", true
	case "french polynesia":
		return "PF", true
	case "papua new guinea":
		return "PG", true
	case "philippines", "the philippines":
		return "PH", true
	case "pakistan":
		return "PK", true
	case "poland", "polska":
		return "PL", true
	case "saint pierre and miquelon":
		return "PM", true
	case "pitcairn":
		return "PN", true
	case "puerto rico":
		return "PR", true
	case "palestine", "palestine, state of":
		return "PS", true
	case "portugal":
		return "PT", true
	case "palau":
		return "PW", true
	case "paraguay":
		return "PY", true
	case "qatar":
		return "QA", true
	case "réunion", "reunion":
		return "RE", true
	case "romania":
		return "RO", true
	case "serbia":
		return "RS", true
	case "russia", "russian federation":
		return "RU", true
	case "rwanda":
		return "RW", true
	case "saudi arabia":
		return "SA", true
	case "solomon islands":
		return "SB", true
	case "seychelles":
		return "SC", true
	case "sudan":
		return "SD", true
	case "sweden", "sverige":
		return "SE", true
	case "singapore":
		return "SG", true
	case "saint helena, ascension and tristan da cunha", "saint helena":
		return "SH", true
	case "slovenia":
		return "SI", true
	case "svalbard and jan mayen":
		return "SJ", true
	case "slovakia", "slovak republic":
		return "SK", true
	case "sierra leone":
		return "SL", true
	case "san marino":
		return "SM", true
	case "senegal":
		return "SN", true
	case "somalia":
		return "SO", true
	case "suriname":
		return "SR", true
	case "south sudan":
		return "SS", true
	case "sao tome and principe":
		return "ST", true
	case "el salvador":
		return "SV", true
	case "sint maarten (dutch part)", "sint maarten":
		return "SX", true
	case "syria", "syrian arab republic":
		return "SY", true
	case "eswatini", "swaziland":
		return "SZ", true
	case "turks and caicos islands":
		return "TC", true
	case "chad":
		return "TD", true
	case "french southern territories":
		return "TF", true
	case "togo":
		return "TG", true
	case "thailand":
		return "TH", true
	case "tajikistan":
		return "TJ", true
	case "tokelau":
		return "TK", true
	case "timor-leste", "east timor":
		return "TL", true
	case "turkmenistan":
		return "TM", true
	case "tunisia":
		return "TN", true
	case "tonga":
		return "TO", true
	case "turkey", "türkiye", "turkiye":
		return "TR", true
	case "trinidad and tobago":
		return "TT", true
	case "tuvalu":
		return "TV", true
	case "taiwan", "taiwan, province of china":
		return "TW", true
	case "tanzania", "tanzania, united republic of":
		return "TZ", true
	case "ukraine":
		return "UA", true
	case "uganda":
		return "UG", true
	case "united states minor outlying islands":
		return "UM", true
	case "united states", "united states of america", "usa", "u.s.a.":
		return "US", true
	case "uruguay":
		return "UY", true
	case "uzbekistan":
		return "UZ", true
	case "holy see", "vatican city", "holy see (vatican city state)":
		return "VA", true
	case "saint vincent and the grenadines", "st. vincent and the grenadines":
		return "VC", true
	case "venezuela", "venezuela, bolivarian republic of", "venezuela (bolivarian republic of)":
		return "VE", true
	case "british virgin islands", "virgin islands, british", "virgin islands (british)":
		return "VG", true
	case "united states virgin islands", "virgin islands, u.s.", "virgin islands (u.s.)":
		return "VI", true
	case "vietnam", "viet nam":
		return "VN", true
	case "vanuatu":
		return "VU", true
	case "wallis and futuna":
		return "WF", true
	case "samoa":
		return "WS", true
	case "yemen":
		return "YE", true
	case "mayotte":
		return "YT", true
	case "south africa":
		return "ZA", true
	case "zambia":
		return "ZM", true
	case "zimbabwe":
		return "ZW", true
	}
	return "", false
}
