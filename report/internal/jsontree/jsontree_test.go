package jsontree

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"bailiwick/problem"

	"github.com/go-json-experiment/json/jsontext"
)

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, "line 1, column 1"},
		{`{"a":1,"a":2}`, `"a" is given twice`},
		{`{"a":1,"\u0061":2}`, `"a" is given twice`},
		{`{"x":{"a":1,"b":{"a":1},"a":2}}`, `"a" is given twice`},
		{"{\n \"a\": }", "line 2, column 7"},
		{`[1,]`, "value should be here"},
		{`[1 2]`, "a comma or ]"},
		{`{"a" 1}`, "a colon"},
		{`{"a":1,}`, "a name in quotes"},
		{`{"a":1 "b":2}`, "a comma or }"},
		{`[01]`, "begin with 0"},
		{`[1.]`, "a digit"},
		{`[-]`, "a digit"},
		{`[1e]`, "a digit"},
		{`["` + "\x01" + `"]`, "control character"},
		{`["\x"]`, "not an escape"},
		{`["\ud800"]`, "surrogate"},
		{`["\udc00"]`, "surrogate"},
		{"[\"\xff\"]", "not UTF-8"},
		{`"abc`, "ends inside a string"},
		{`[1] 2`, "something follows"},
		{`tru`, "a value should be here"},
		{strings.Repeat("[", 33) + strings.Repeat("]", 33), "nested more than 32"},
		{strings.Repeat(`{"a":`, 40), "nested more than 32"},
	} {
		_, err := Parse([]byte(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%.40q) = %v, want %q", c.in, err, c.want)
		}
	}
}

func TestParseBounds(t *testing.T) {
	if _, err := Parse([]byte(strings.Repeat("[", 32) + strings.Repeat("]", 32))); err != nil {
		t.Errorf("32 levels: %v", err)
	}
	if _, err := Parse(append([]byte(`"`), bytes.Repeat([]byte("a"), MaxBytes)...)); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("too long a text: %v", err)
	}
	many := "[" + strings.Repeat("0,", MaxValues) + "0]"
	if _, err := Parse([]byte(many)); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("too many values: %v", err)
	}
	// Many names in one object take the map, and a late duplicate is still seen.
	var b strings.Builder
	b.WriteByte('{')
	for i := range 5000 {
		fmt.Fprintf(&b, `"k%d":0,`, i)
	}
	if _, err := Parse([]byte(b.String() + `"z":0}`)); err != nil {
		t.Errorf("many names: %v", err)
	}
	for _, dup := range []string{"k0", "k30", "k4999"} {
		if _, err := Parse([]byte(b.String() + `"` + dup + `":0}`)); err == nil {
			t.Errorf("%s given twice is not seen", dup)
		}
	}
}

func TestWalk(t *testing.T) {
	d, err := Parse([]byte("\xef\xbb\xbf" + `{"a":[1,"x\n\u00e9\ud83d\ude00",{}],"b":{"c":true},"d":null}`))
	if err != nil {
		t.Fatal(err)
	}
	r := d.Root()
	if r.Kind() != Object || r.Len() != 3 {
		t.Fatalf("root is %v of %d", r.Kind(), r.Len())
	}
	var kinds []string
	for _, it := range r.Member("a").Items() {
		kinds = append(kinds, it.Kind().String()+"="+string(it.Raw()))
	}
	if got := strings.Join(kinds, " "); got != `a number=1 a string=x\n\u00e9\ud83d\ude00 an object={}` {
		t.Errorf("items: %s", got)
	}
	s := r.Member("a").First().Next()
	if s.Text() != "x\né😀" || s.Runes() != 4 || !s.Is("x\né😀") {
		t.Errorf("text %q, %d runes", s.Text(), s.Runes())
	}
	if r.Member("b").Member("c").Kind() != True || r.Member("d").Kind() != Null {
		t.Error("members")
	}
	if z := r.Member("nope").Member("x"); z.Kind() != Invalid || z.Len() != 0 || z.Text() != "" || z.Raw() != nil {
		t.Error("a missing member is not the zero Value")
	}
	var names []string
	for k, v := range r.Members() {
		names = append(names, k.Text()+":"+v.Kind().String())
	}
	if got := strings.Join(names, " "); got != "a:an array b:an object d:null" {
		t.Errorf("members: %s", got)
	}
}

// FuzzParse holds the parser against jsontext: what one accepts, so does the
// other, but for the bounds of ours.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"x\u00e9"],"b":null}`, `[]`, `"\ud83d\ude00"`, `{"a":1,"a":2}`, "[\"\xc3\xa9\"]", `-0.1`, `{"\u0061":1,"a":2}`, ` true `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
			return
		}
		d, err := Parse(raw)
		if problem.CodeOf(err) == problem.TooLarge {
			return
		}
		if want := jsontext.Value(raw).IsValid(); want != (err == nil) {
			t.Fatalf("jsontext says %v, ours %v for %q", want, err, raw)
		}
		if err == nil {
			check(t, d.Root())
		}
	})
}

// check walks the whole tree and compares every string with jsontext's.
func check(t *testing.T, v Value) {
	switch v.Kind() {
	case String:
		want, err := jsontext.AppendUnquote(nil, append(append([]byte{'"'}, v.Raw()...), '"'))
		if err != nil || !bytes.Equal(want, v.Bytes()) {
			t.Fatalf("string %q: %q, want %q (%v)", v.Raw(), v.Bytes(), want, err)
		}
	case Array:
		for _, it := range v.Items() {
			check(t, it)
		}
	case Object:
		for k, it := range v.Members() {
			check(t, k)
			check(t, it)
		}
	}
}
