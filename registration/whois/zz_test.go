package whois

import "testing"

func TestZZ(t *testing.T) {
	if len(plainLatin) != 0x180-0xC0 {
		t.Fatal(len(plainLatin))
	}
	for i, r := range plainLatin {
		t.Logf("%c %c", 0xC0+i, r)
	}
}
