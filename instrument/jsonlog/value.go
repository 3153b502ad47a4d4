package jsonlog

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// appendValue appends a resolved value.
func appendValue(line []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendString(line, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(line, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(line, v.Uint64(), 10)
	case slog.KindFloat64:
		return appendFloat(line, v.Float64())
	case slog.KindBool:
		return strconv.AppendBool(line, v.Bool())
	case slog.KindDuration:
		return appendFloat(line, v.Duration().Seconds())
	case slog.KindTime:
		return appendTime(line, v.Time())
	case slog.KindGroup:
		return appendGroup(line, v.Group())
	default:
		return appendAny(line, v.Any())
	}
}

// appendAny appends a value that has its own idea of its text, or none. It is asked before anything is appended, so
// that a panic leaves no half of it.
func appendAny(line []byte, v any) (result []byte) {
	defer func() {
		if p := recover(); p != nil {
			result = appendString(line, panicText(v, p))
		}
	}()
	switch v := v.(type) {
	case nil:
		return append(line, "null"...)
	case json.Marshaler, encoding.TextMarshaler: // below; a time is one
	case error:
		return appendString(line, v.Error())
	case fmt.Stringer:
		return appendString(line, v.String())
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return appendString(line, "!ERROR:"+err.Error())
	}
	return appendJSON(line, bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

// panicText says what a value that can't be asked looks like: a nil pointer is just nil, as in package fmt.
func panicText(v, p any) (text string) {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
		return "<nil>"
	}
	defer func() {
		if recover() != nil {
			text = "!PANIC:" // what was thrown can't be asked either
		}
	}()
	return fmt.Sprintf("!PANIC: %v", p)
}

func appendTime(line []byte, t time.Time) []byte {
	line = append(line, '"')
	line = t.UTC().AppendFormat(line, timestampLayout)
	return append(line, '"')
}

// appendFloat appends a number, or a string for what JSON has no number for.
func appendFloat(line []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendString(line, strconv.FormatFloat(f, 'g', -1, 64))
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) { // as ECMAScript and encoding/json
		format = 'e'
	}
	return strconv.AppendFloat(line, f, format, -1, 64)
}

const hex = "0123456789abcdef"

// appendString appends s as a JSON string. Beyond what JSON asks for it escapes what breaks lines or steers
// terminals.
func appendString(line []byte, s string) []byte {
	line = append(line, '"')
	start := 0
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if !escaped(r) && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		line = append(line, s[start:i]...)
		line = appendEscape(line, r)
		i += size
		start = i
	}
	line = append(line, s[start:]...)
	return append(line, '"')
}

// escaped reports whether r is a quote, a backslash, a control character (C0, DEL, C1), a separator of lines or
// paragraphs, or a mark that reverses the direction of what follows.
func escaped(r rune) bool {
	switch {
	case r < ' ' || r == '"' || r == '\\' || r >= 0x7f && r <= 0x9f:
		return true
	case r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069':
		return true
	}
	return false
}

func appendEscape(line []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(line, '\\', byte(r))
	case '\n':
		return append(line, `\n`...)
	case '\r':
		return append(line, `\r`...)
	case '\t':
		return append(line, `\t`...)
	}
	return append(line, '\\', 'u', hex[r>>12&0xf], hex[r>>8&0xf], hex[r>>4&0xf], hex[r&0xf])
}

// appendJSON appends what encoding/json made. It lets bytes of a Marshaler pass that are no UTF-8; outside of strings
// there are none beyond ASCII, so the same escapes may be used.
func appendJSON(line, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1, r >= 0x7f && escaped(r):
			line = appendEscape(line, r)
		default:
			line = append(line, text[:size]...)
		}
		text = text[size:]
	}
	return line
}
