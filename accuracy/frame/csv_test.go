package frame

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"testing/fstest"
)

// describe writes the description of a table, with all fields that RFC 9022 section 5
// gives it, as "prefix:field" or "prefix:field ATTRIBUTES".
func describe(name, file string, fields ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<rdeCsv:csv name="%s"><rdeCsv:fields>`, name)
	for _, f := range fields {
		fmt.Fprintf(&b, "<%s/>", f)
	}
	return b.String() + "</rdeCsv:fields><rdeCsv:files>\n<rdeCsv:file " + file + "\n</rdeCsv:file></rdeCsv:files></rdeCsv:csv>\n"
}

// model is a deposit in the CSV model with the tables in it.
func model(header string, tables map[string][]string) string {
	var b strings.Builder
	b.WriteString(`<rde:deposit type="FULL" id="1" xmlns:rde="` + nsRDE + `" xmlns:rdeHeader="` + nsHeader + `" xmlns:rdeCsv="urn:ietf:params:xml:ns:rdeCsv-1.0" xmlns:csvDomain="` + nsCSVDomain +
		`" xmlns:csvContact="` + nsCSVPerson + `" xmlns:csvHost="` + nsCSVHost + `" xmlns:csvRegistrar="` + nsCSVReg + `"><rde:contents>` + header)
	for _, of := range []string{"csvDomain", "csvHost", "csvContact", "csvRegistrar"} {
		fmt.Fprintf(&b, "<%s:contents>%s</%s:contents>\n", of, strings.Join(tables[of], ""), of)
	}
	return b.String() + "</rde:contents></rde:deposit>"
}

// TestCSVModel: the tables and fields of RFC 9022 sections 5.1.2 to 5.4.2, each in
// its own form: registrars by their number only, name servers with addresses, the
// lines of a street in another order than their columns, a grace period, and the
// counts of parts in the header, which are none of the whole.
func TestCSVModel(t *testing.T) {
	domain := []string{"csvDomain:fName", "rdeCsv:fRoid", "rdeCsv:fIdnTableId", "csvDomain:fOriginalName", "rdeCsv:fRegistrant", "csvRegistrar:fGurid", "rdeCsv:fCrRr", "rdeCsv:fCrID", "rdeCsv:fCrDate", "rdeCsv:fUpRr", "rdeCsv:fUpID", "rdeCsv:fUpDate", "rdeCsv:fExDate", "rdeCsv:fTrDate", `rdeCsv:fCustom name="colour"`}
	tables := map[string][]string{
		"csvDomain": {
			describe("domain", ">d.csv", domain...),
			describe("domainContacts", ">dc.csv", `csvDomain:fName parent="true"`, "csvContact:fId", "csvDomain:fContactType"),
			describe("domainStatuses", ">ds.csv", `csvDomain:fName parent="true"`, "csvDomain:fStatus", "rdeCsv:fStatusDescription", "rdeCsv:fLang", "csvDomain:fRgpStatus"),
			describe("domainNameServersAddresses", ">dn.csv", `csvDomain:fName parent="true"`, "csvHost:fName", "csvHost:fAddr", "csvHost:fAddrVersion"),
			describe("domainNameServers", ">dr.csv", `csvDomain:fName parent="true"`, "rdeCsv:fRoid"),
			describe("dnssec", ">none.csv", `csvDomain:fName parent="true"`),
		},
		"csvHost": {describe("host", ">none.csv", "csvHost:fName", "rdeCsv:fRoid")},
		"csvContact": {
			describe("contact", ">c.csv", "csvContact:fId", "rdeCsv:fRoid", "csvContact:fVoice", "csvContact:fVoiceExt", "csvContact:fFax", "csvContact:fFaxExt", "csvContact:fEmail", "csvRegistrar:fGurid", "rdeCsv:fCrRr"),
			describe("contactPostal", ">cp.csv", `csvContact:fId parent="true"`, "csvContact:fPostalType", "csvContact:fName", "csvContact:fOrg", `csvContact:fStreet index="2"`, `csvContact:fStreet index="0"`, `csvContact:fStreet index="1"`, "csvContact:fCity", "csvContact:fSp", "csvContact:fPc", "csvContact:fCc"),
			describe("contactDisclose", ">none.csv", "csvContact:fId", "csvContact:fDiscloseFlag"),
		},
		"csvRegistrar": {describe("registrar", ">r.csv", "csvRegistrar:fGurid", `csvRegistrar:fName isLoc="false"`, "csvRegistrar:fStatus", `csvContact:fStreet isLoc="false" index="0"`, `csvContact:fEmail isRequired="false"`, "rdeCsv:fUrl", "csvRegistrar:fWhoisUrl")},
	}
	files := fstest.MapFS{}
	for name, rows := range map[string]string{
		"d.csv":  "one.example,D1-EX,,,C1,9991,9991,jo,2020-01-02T03:04:05.0Z,,,,2027-01-02T03:04:05.0Z,,red\ntwo.example,D2-EX,LANG-1,one.example,C1,9992,9991,jo,2021-01-02T03:04:05.0Z,,,,2027-01-02T03:04:05.0Z,,\n",
		"dc.csv": "one.example,C1,admin\none.example,C1,tech\none.example,C1,billing\n",
		"ds.csv": "one.example,pendingDelete,\"by request\",en,redemptionPeriod\ntwo.example,ok,,,\n",
		"dn.csv": "one.example,ns1.one.example,192.0.2.1,v4\none.example,ns1.one.example,2001:db8::1,v6\none.example,ns2.one.example,,\n",
		"dr.csv": "two.example,H1-EX\n",
		"c.csv":  "C1,C1-EX,+46.4012345,12,,,marta@lind.example,9991,9991\n",
		"cp.csv": "C1,int,Marta Lind,,third,first,second,Malmo,,211 22,SE\n",
		"r.csv":  "9991,First Registrar,ok,1 Road,jo@registrar.example,https://registrar.example,\n",
	} {
		files[name] = &fstest.MapFile{Data: []byte(rows)}
	}
	header := `<rdeHeader:header><rdeHeader:tld>example</rdeHeader:tld>` +
		`<rdeHeader:count uri="` + nsCSVDomain + `">2</rdeHeader:count><rdeHeader:count uri="` + nsCSVDomain + `" rcdn="co.example">0</rdeHeader:count><rdeHeader:count uri="` + nsCSVDomain + `" registrarId="9991">1</rdeHeader:count>` +
		`<rdeHeader:count uri="` + nsCSVPerson + `">1</rdeHeader:count><rdeHeader:count uri="` + nsCSVHost + `">3</rdeHeader:count><rdeHeader:count uri="` + nsCSVReg + `">1</rdeHeader:count></rdeHeader:header>`
	got := print(t, Source{Name: "f", Format: EscrowCSV, Files: files}, []byte(model(header, tables)))
	for _, want := range []string{
		`one.example line 1 registrar "9991" created 2020-01-02`,
		`"registrar":{"name":"First Registrar","iana_id":"9991","url":"https://registrar.example"}`,
		`"statuses":["pendingDelete","redemptionPeriod"],"nameservers":["ns1.one.example","ns2.one.example"]`,
		`"street":["first","second","third"],"city":"Malmo","postal_code":"211 22","country":"SE","email":"marta@lind.example","phone":"+46.4012345x12"`,
		`two.example line 2 registrar "9992" created 2021-01-02`,
		`"registrar":{"iana_id":"9992"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "error") || strings.Contains(got, "flaw") || strings.Count(got, `"email":"marta@lind.example"`) != 5 {
		t.Errorf("it reads as\n%s", got)
	}
	// The whole's count still counts.
	got = print(t, Source{Name: "f", Format: EscrowCSV, Files: files}, []byte(model(strings.Replace(header, ">2<", ">3<", 1), tables)))
	if !strings.Contains(got, "fatal error f: the header says 3 names, and there are 2") {
		t.Errorf("another count reads as\n%s", got)
	}
}

// TestChecksum: a file whose checksum is another is told by its name and read all
// the same. The first sum is a known answer: RFC 9022 section 5.3.2.1.5 gives it
// for its example, the line without its end.
func TestChecksum(t *testing.T) {
	if got := crc32.ChecksumIEEE([]byte("xnabc123admin,0,0,0,0,0,0,0,1,1,1")); got != 0x1141EFD4 {
		t.Errorf("the RFC's example has %08X", got)
	}
	rows := []byte("a.example,r1\n")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(rows)
	z.Close()
	crc := func(b []byte) string { return fmt.Sprintf("%08X", crc32.ChecksumIEEE(b)) }
	sha := func(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
	files := fstest.MapFS{"a.csv": {Data: rows}, "a.csv.gz": {Data: zipped.Bytes()}}
	// One whose number begins with zeros.
	short := 0
	for crc32.ChecksumIEEE(fmt.Appendf(nil, "a.example,r1,%d\n", short)) > 0xFFFFFF {
		short++
	}
	files["short.csv"] = &fstest.MapFile{Data: fmt.Appendf(nil, "a.example,r1,%d\n", short)}
	const another = "error a.csv: the file's checksum (CRC32) is not the one that the XML part gives"
	for _, c := range []struct{ file, want string }{
		{`cksum="` + crc(rows) + `">a.csv`, ""},
		{`cksum=" ` + strings.ToLower(crc(rows)) + ` " cksumAlg="CRC32">a.csv`, ""},
		{`cksum="` + sha(rows) + `" cksumAlg="SHA256">a.csv`, ""},
		{`cksum="` + strings.ToUpper(sha(rows)) + `" cksumAlg="sha-256">a.csv`, ""},
		{`cksum="" >a.csv`, ""},
		{fmt.Sprintf(`cksum="%X">short.csv`, crc32.ChecksumIEEE(files["short.csv"].Data)), ""},
		{`compression="gzip" cksum="` + crc(rows) + `">a.csv.gz`, ""},
		{`compression="gzip" cksum="` + crc(zipped.Bytes()) + `">a.csv.gz`, ""},
		{`compression="gzip" cksum="` + sha(zipped.Bytes()) + `" cksumAlg="SHA256">a.csv.gz`, ""},
		{`compression="gzip" cksum="00000001">a.csv.gz`, "error a.csv.gz: the file's checksum (CRC32) is not"},
		{`cksum="00000001">a.csv`, another},
		{`cksum="1">a.csv`, another},
		{`cksum="` + sha(rows) + `">a.csv`, another}, // of another kind than it says
		{`cksum="no number">a.csv`, another},
		{`cksum="` + strings.Repeat("f", 1<<16) + `">a.csv`, another},
		{`cksum="00" cksumAlg="MD5">a.csv`, "error a.csv: the XML part gives a checksum of a kind that is not known here (MD5)"},
	} {
		fields := []string{"csvDomain:fName", "rdeCsv:fClID"}
		if strings.HasSuffix(c.file, "short.csv") {
			fields = append(fields, "rdeCsv:fCustom")
		}
		part := model("", map[string][]string{"csvDomain": {describe("domain", c.file, fields...)}})
		got := print(t, Source{Name: "f", Format: EscrowCSV, Files: files}, []byte(part))
		if !strings.Contains(got, "a.example line 1 registrar \"r1\"") || strings.Contains(got, "fatal") {
			t.Errorf("%.80s: the file is not read: %.300s", c.file, got)
		}
		if n := strings.Count(got, "error"); c.want == "" && n != 0 || c.want != "" && (n != 1 || !strings.Contains(got, c.want)) {
			t.Errorf("%.80s: %q is not what is told in %.300s", c.file, c.want, got)
		}
	}
}
