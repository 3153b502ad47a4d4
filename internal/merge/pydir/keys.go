package pydir

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
)

// sampleKey is the key of an entry: what json.dumps([metric, sample, labels, help], sort_keys=True) wrote. The client
// before 0.16 wrote no help.
type sampleKey struct {
	metric, sample, help string
	labels               []*dto.LabelPair // good until the parser reads another key
}

var errKey = errors.New("its key is not the JSON that the client writes")

// keyParser reads keys, JSON from left to right. encoding/json reads the same (a fuzz target holds the two together), at a
// tenth of the speed, which a first scrape of many series would show. After a mistake it has failed, and whatever it
// returns is of no use.
type keyParser struct {
	rest   string
	failed bool
	labels []*dto.LabelPair // of the key
	pairs  []*dto.LabelPair // used again: most keys have the labels of a series that is known
}

// keptPairs is how many labels are used again. No key that is taken in has more; one that a worker made up may.
const keptPairs = 1024

// parse reads a key. The texts of the result are parts of the key's own, but for those with escapes.
func (p *keyParser) parse(text string) (sampleKey, error) {
	p.rest, p.failed, p.labels = text, false, p.labels[:0]
	if len(p.pairs) > keptPairs {
		p.pairs, p.labels = nil, nil
	}
	var k sampleKey
	p.expect('[')
	k.metric = p.text()
	p.expect(',')
	k.sample = p.text()
	p.expect(',')
	p.readLabels()
	k.labels = p.labels
	if p.take(',') {
		k.help = p.text()
	}
	p.expect(']')
	p.space()
	if p.failed || len(p.rest) > 0 {
		return sampleKey{}, errKey
	}
	return k, nil
}

func (p *keyParser) space() {
	for len(p.rest) > 0 && (p.rest[0] == ' ' || p.rest[0] == '\t' || p.rest[0] == '\r' || p.rest[0] == '\n') {
		p.rest = p.rest[1:]
	}
}

func (p *keyParser) take(c byte) bool {
	p.space()
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *keyParser) expect(c byte) {
	if !p.take(c) {
		p.failed = true
	}
}

func (p *keyParser) readLabels() {
	p.expect('{')
	if p.failed || p.take('}') {
		return
	}
	for !p.failed {
		name := p.text()
		p.expect(':')
		p.add(name, p.text())
		if !p.take(',') {
			p.expect('}')
			break
		}
	}
}

func (p *keyParser) add(name, value string) {
	n := len(p.labels)
	if n == len(p.pairs) {
		p.pairs = append(p.pairs, &dto.LabelPair{Name: new(string), Value: new(string)})
	}
	*p.pairs[n].Name, *p.pairs[n].Value = name, value
	p.labels = append(p.labels, p.pairs[n])
}

// ownLabels copies labels, which may be a parser's.
func ownLabels(labels []*dto.LabelPair) []*dto.LabelPair {
	out, pairs, texts := make([]*dto.LabelPair, len(labels)), make([]dto.LabelPair, len(labels)), make([]string, 2*len(labels))
	for i, l := range labels {
		texts[2*i], texts[2*i+1] = l.GetName(), l.GetValue()
		pairs[i].Name, pairs[i].Value = &texts[2*i], &texts[2*i+1]
		out[i] = &pairs[i]
	}
	return out
}

func (p *keyParser) text() string {
	p.expect('"')
	end := strings.IndexByte(p.rest, '"')
	if p.failed || end < 0 {
		p.failed = true
		return ""
	}
	plain := p.rest[:end]
	if strings.IndexByte(plain, '\\') >= 0 {
		return p.escaped()
	}
	p.rest = p.rest[end+1:]
	if !clean(plain) {
		p.failed = true
	}
	return plain
}

// clean tells whether text may stand in a JSON string as it is.
func clean(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' {
			return false
		}
	}
	return utf8.ValidString(text)
}

func (p *keyParser) escaped() string {
	var out []byte
	for len(p.rest) > 0 {
		c := p.rest[0]
		switch {
		case c == '"':
			p.rest = p.rest[1:]
			if !utf8.Valid(out) {
				p.failed = true
			}
			return string(out)
		case c == '\\':
			out = p.escape(out)
			if p.failed {
				return ""
			}
		case c < ' ':
			p.failed = true
			return ""
		default:
			out = append(out, c)
			p.rest = p.rest[1:]
		}
	}
	p.failed = true
	return ""
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (p *keyParser) escape(out []byte) []byte {
	if len(p.rest) < 2 {
		p.failed = true
		return out
	}
	c := p.rest[1]
	if plain, ok := escapes[c]; ok {
		p.rest = p.rest[2:]
		return append(out, plain)
	}
	r, ok := p.codeUnit()
	if !ok {
		p.failed = true
		return out
	}
	if utf16.IsSurrogate(r) {
		// Half a pair is what encoding/json makes of it: the replacement character. Python can write one, for a text that
		// was not valid.
		before := p.rest
		low, isUnit := p.codeUnit()
		if both := utf16.DecodeRune(r, low); isUnit && both != utf8.RuneError {
			r = both
		} else {
			r, p.rest = utf8.RuneError, before
		}
	}
	return utf8.AppendRune(out, r)
}

// codeUnit reads \uXXXX, or nothing.
func (p *keyParser) codeUnit() (rune, bool) {
	if len(p.rest) < 6 || p.rest[0] != '\\' || p.rest[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(p.rest[2:6], 16, 16)
	if err != nil {
		return 0, false
	}
	p.rest = p.rest[6:]
	return rune(n), true
}
