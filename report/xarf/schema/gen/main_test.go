package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// schemas is a master, core and one type schema, the latter's second part
// given.
func schemas(part string) fstest.MapFS {
	return fstest.MapFS{
		"xarf-v4-master.json": {Data: []byte(`{"type":"object","allOf":[{"$ref":"xarf-core.json"},
			{"anyOf":[{"properties":{"category":{"const":"c"},"type":{"enum":["t"]}}}]},
			{"if":{"properties":{"category":{"const":"c"},"type":{"const":"t"}}},"then":{"$ref":"types/t.json"}}]}`)},
		"xarf-core.json": {Data: []byte(`{"type":"object","required":["category","type"],"properties":{"category":{"type":"string","enum":["c"]},
			"type":{"type":"string"},"who":{"$ref":"#/$defs/who"}},"$defs":{"who":{"type":"object","required":["org"],"properties":{"org":{"type":"string"}},"additionalProperties":false}}}`)},
		"types/t.json": {Data: []byte(`{"allOf":[{"$ref":"../xarf-core.json"},` + part + `]}`)},
	}
}

func TestGenerate(t *testing.T) {
	out, err := generate(schemas(`{"required":["n"],"properties":{"n":{"type":"integer","minimum":1.0},"who":{"properties":{"org":{"maxLength":9},"not_allowed":{"type":"string"}}}},
		"if":{"properties":{"n":{"const":"x"}}},"then":{"required":["who"]}}`), "xarf-v4-master.json")
	if err != nil {
		t.Fatal(err)
	}
	src := string(out)
	for _, want := range []string{`{"c", "t", `, "min: bound{1, true}", "maxLength: bound{9, true}", `when: []when{{0, "x", 0x2}}`, "closed: true"} {
		if !strings.Contains(src, want) {
			t.Errorf("%q is missing in\n%s", want, src)
		}
	}
	if strings.Contains(src, "not_allowed") {
		t.Error("a property that a closed object does not list is let in by a merge")
	}
}

// TestGenerateRefuses: what the validator would not carry out stops the
// generator.
func TestGenerateRefuses(t *testing.T) {
	for _, part := range []string{
		`{"properties":{"n":{"minLength":1}}}`,
		`{"properties":{"n":{"type":["string","null"]}}}`,
		`{"properties":{"n":{"enum":[1,2]}}}`,
		`{"properties":{"n":{"const":true}}}`,
		`{"properties":{"n":{"minimum":0.5}}}`,
		`{"properties":{"n":{"type":"array","uniqueItems":true,"items":{"type":"integer"}}}}`,
		`{"properties":{"n":{"additionalProperties":{"type":"string"}}}}`,
		`{"properties":{"category":{"type":"integer"}}}`,
		`{"properties":{"category":{"const":"other"}}}`,
		`{"anyOf":[{"required":["a"]},{"properties":{"b":{"type":"string"}}}]}`,
		`{"if":{"required":["a"]},"then":{"required":["b"]}}`,
		`{"if":{"properties":{"a":{"const":"x"}}},"then":{"required":["b"]},"else":{"required":["c"]}}`,
		`{"not":{"required":["a"]}}`,
		`{"$ref":"missing.json"}`,
		`{"$ref":"../xarf-core.json#/$defs/nobody"}`,
		`{"properties":{"who":{"required":["phone"]}}}`,
	} {
		if _, err := generate(schemas(part), "xarf-v4-master.json"); err == nil {
			t.Errorf("%s is let pass", part)
		}
	}
	// A pair without a schema of its own.
	fs := schemas(`{}`)
	fs["xarf-v4-master.json"].Data = []byte(strings.Replace(string(fs["xarf-v4-master.json"].Data), `["t"]`, `["t","u"]`, 1))
	if _, err := generate(fs, "xarf-v4-master.json"); err == nil {
		t.Error("a pair without a schema is let pass")
	}
	// More properties than a mask holds.
	var many strings.Builder
	for i := range 65 {
		fmt.Fprintf(&many, `"p%d":{},`, i)
	}
	if _, err := generate(schemas(`{"properties":{`+strings.TrimSuffix(many.String(), ",")+`}}`), "xarf-v4-master.json"); err == nil {
		t.Error("65 properties are let pass")
	}
}
