package accesslog

import (
	"strings"
	"unicode/utf8"
)

// maxValueBytes bounds what one value of a client takes in a line.
const maxValueBytes = 1024

// clean makes a client's text safe in any line: bounded, of one line, of printable characters.
func clean(s string) string { return escaped(s, func(rune) bool { return false }) }

// quoted makes a client's text safe between double quotes, as Apache and nginx escape it.
func quoted(s string) string { return escaped(s, func(r rune) bool { return r == '"' || r == '\\' }) }

// word makes a client's text safe between blanks.
func word(s string) string {
	return escaped(s, func(r rune) bool { return r == '"' || r == '\\' || r == ' ' || r == '[' || r == ']' })
}

// escaped cuts s and escapes unsafe characters in it, and those that also says.
func escaped(s string, also func(rune) bool) string {
	if len(s) > maxValueBytes {
		cut := maxValueBytes
		for cut > maxValueBytes-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	var b *strings.Builder
	done := 0
	for i, r := range s {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, size = utf8.DecodeRuneInString(s[i:])
		}
		if !unsafe(r) && !also(r) && (r != utf8.RuneError || size > 1) {
			continue
		}
		if b == nil {
			b = new(strings.Builder)
		}
		b.WriteString(s[done:i])
		for _, c := range []byte(s[i : i+size]) {
			b.WriteString(`\x`)
			b.WriteByte("0123456789abcdef"[c>>4])
			b.WriteByte("0123456789abcdef"[c&0xf])
		}
		done = i + size
	}
	if b == nil {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// unsafe reports whether r ends a line, steers a terminal or turns the text after it around.
func unsafe(r rune) bool {
	return r < ' ' || r >= 0x7f && r <= 0x9f || r == '\u2028' || r == '\u2029' ||
		r == '\u200e' || r == '\u200f' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
