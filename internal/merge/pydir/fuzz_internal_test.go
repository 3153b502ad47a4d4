package pydir

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzKeysAreReadAsJSON holds the parser of keys together with encoding/json: what it accepts is JSON with the same
// meaning, and what is JSON of the shape that the client writes is accepted.
func FuzzKeysAreReadAsJSON(f *testing.F) {
	for _, key := range []string{
		`["walks", "walks_total", {}, "Help."]`, `["walks", "walks_total", {"dog": "rex"}]`, `["a","b",{"c":"d","e":"f"},"g"]`,
		`["\"\\\/\b\f\n\r\t", "\u00e9", {"\ud83d\udc15": "\ud83d", "x": "\udc15\ud83d"}, "\u0000"]`,
		` [ "é" , "b" , { "c" : "d" , "c" : "e" } , "" ] `, `["a", "b", {"c": 1}, "d"]`, `["a", "b", {}, "c", "d"]`, `["a", "b", {},]`, `[`, `["a\`, "[\"\xff\", \"\", {}]", `["\u12", "", {}]`, `["a", "b", {"c": "d",}]`,
	} {
		f.Add([]byte(key))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var p keyParser
		if _, err := p.parse(`["before", "before_total", {"dog": "\u00e9", "cat": ""}, "Help."]`); err != nil { // whose memory is used again
			t.Fatal(err)
		}
		got, err := p.parse(string(text))
		var want []any
		jsonErr := json.Unmarshal(text, &want)
		metric, sample, help, labels, ok := shape(want)
		ok = ok && jsonErr == nil
		switch {
		case err == nil && !ok:
			t.Fatalf("%q is read as %v, and encoding/json says %v, %v", text, got, want, jsonErr)
		case err != nil && ok && utf8.Valid(text):
			t.Fatalf("%q is refused, and encoding/json says %v", text, want)
		case err != nil:
			return
		}
		read := map[string]any{}
		for _, l := range got.labels {
			read[l.GetName()] = l.GetValue() // of a doubled one the last, as there
		}
		if got.metric != metric || got.sample != sample || got.help != help || len(read) != len(labels) {
			t.Fatalf("%q is read as %v, want %v", text, got, want)
		}
		for name, value := range labels {
			if read[name] != value {
				t.Fatalf("%q has label %q as %v, want %v", text, name, read[name], value)
			}
		}
	})
}

// shape takes a decoded key apart, if it is one.
func shape(key []any) (metric, sample, help string, labels map[string]any, ok bool) {
	if len(key) < 3 || len(key) > 4 {
		return
	}
	metric, ok1 := key[0].(string)
	sample, ok2 := key[1].(string)
	labels, ok3 := key[2].(map[string]any)
	ok = ok1 && ok2 && ok3
	for _, value := range labels {
		_, isText := value.(string)
		ok = ok && isText
	}
	if len(key) == 4 {
		var isText bool
		help, isText = key[3].(string)
		ok = ok && isText
	}
	return
}
