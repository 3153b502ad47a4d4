package instrument

import (
	"maps"
	"mime"
	"strings"
	"sync"
	"sync/atomic"
)

// charsetNone is the label value of responses whose Content-Type names no charset: pictures, JSON.
const charsetNone = "none"

// knownCharsets are those of the WHATWG's Encoding standard by their usual names; whatever else a header has is "other".
const knownCharsets = " utf-8 utf-16 utf-16le utf-16be utf-32 us-ascii " +
	"iso-8859-1 iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-9 iso-8859-10 " +
	"iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 windows-874 windows-1250 windows-1251 windows-1252 windows-1253 " +
	"windows-1254 windows-1255 windows-1256 windows-1257 windows-1258 macintosh koi8-r koi8-u ibm866 " +
	"gbk gb2312 gb18030 big5 shift_jis euc-jp iso-2022-jp euc-kr "

// charsetOf returns the label value for a header Content-Type.
func charsetOf(contentType string) string {
	if contentType == "" {
		return charsetNone
	}
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return labelOther
	}
	name, given := parameters["charset"]
	if !given {
		return charsetNone
	}
	name = strings.ToLower(name)
	if name == "" || strings.Contains(name, " ") || !strings.Contains(knownCharsets, " "+name+" ") {
		return labelOther
	}
	return name
}

// charsets remembers the charsets of the types that it has seen: a service sends a few over and over, and parsing one
// costs more than all the rest of a request's measuring.
type charsets struct {
	seen atomic.Pointer[map[string]string]
	grow sync.Mutex
}

// Limits of what is remembered: types may be made of what clients send.
const (
	maxContentTypes     = 100
	maxContentTypeBytes = 200
)

func newCharsets() *charsets {
	c := &charsets{}
	c.seen.Store(&map[string]string{})
	return c
}

func (c *charsets) of(contentType string) string {
	seen := *c.seen.Load()
	if charset, ok := seen[contentType]; ok {
		return charset
	}
	charset := charsetOf(contentType)
	if len(seen) >= maxContentTypes || len(contentType) > maxContentTypeBytes {
		return charset
	}
	c.grow.Lock()
	defer c.grow.Unlock()
	seen = *c.seen.Load()
	if len(seen) < maxContentTypes {
		grown := make(map[string]string, len(seen)+1)
		maps.Copy(grown, seen)
		grown[strings.Clone(contentType)] = strings.Clone(charset)
		c.seen.Store(&grown)
	}
	return charset
}
