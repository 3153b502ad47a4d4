package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// MaxSize bounds a file, in bytes. The largest sensible file is a hundredth of it; a ConfigMap can't be larger.
const MaxSize = 1 << 20

// Document is one document of a file, and where its fields were written. It is not safe for concurrent use while it decodes, and
// safe afterwards.
type Document struct {
	// Secrets says which fields may hold a secret: their values are then in no message and no excerpt. It may be nil.
	Secrets func(path string) bool
	// Places is a pointer to the struct that an unknown field may belong to, for hints; nil is the one that is decoded.
	Places any
	// NullIsLeftOut takes a field without a value for one that is left out, as most programs do, instead of refusing it.
	NullIsLeftOut bool

	file  string
	lines []string // of the whole file; shared by its documents
	root  *yaml.Node
	// at holds the place of each field's value by path. A path that was not written is at its closest parent.
	at map[string]Position
	// keys holds the place of each field's name.
	keys map[string]Position
	// mistakes is after how many of them the rest is not read.
	mistakes int
}

// Root returns the document's value. It must not be changed.
func (d *Document) Root() *yaml.Node { return d.root }

// Start returns where the document begins.
func (d *Document) Start() Position { return Position{d.root.Line, d.root.Column} }

func (d *Document) secret(path string) bool { return d.Secrets != nil && d.Secrets(path) }

// Decode reads the document into the struct that out points to, whose defaults it sets before, and returns the mistakes.
func (d *Document) Decode(out any) Errors {
	return d.DecodeField(d.root, "", out)
}

// DecodeField reads a value of the document into what out points to; path is what messages call it.
func (d *Document) DecodeField(n *yaml.Node, path string, out any) Errors {
	dec := &decoder{doc: d, places: reflect.TypeOf(out).Elem()}
	if d.Places != nil {
		dec.places = reflect.TypeOf(d.Places).Elem()
	}
	dec.document(n, path, out)
	return dec.errs
}

// Part returns the document for reading one of very many values in it: where its fields are is remembered apart, and forgotten with it.
// After so many mistakes the rest is not read.
func (d *Document) Part(mistakes int) *Document {
	part := *d
	part.mistakes = min(mistakes, MaxErrors)
	part.at, part.keys = map[string]Position{}, map[string]Position{}
	return &part
}

// Text returns the text of a field of the root, if it is there and one; what kind of document this is can be asked without knowing.
func (d *Document) Text(name string) (string, *yaml.Node) {
	if n := d.Field(name); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value, n
	}
	return "", nil
}

// Field returns the value of a field of the root, or nil.
func (d *Document) Field(name string) *yaml.Node {
	if d.root.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		if d.root.Content[i].Value == name {
			return d.root.Content[i+1]
		}
	}
	return nil
}

// At returns the place of a value of the document.
func At(n *yaml.Node) Position { return Position{n.Line, n.Column} }

// Parse takes data, the content of the file called name, apart into documents (JSON is YAML, too). Documents that hold nothing are
// left out. What was read before a mistake is returned with it.
func Parse(name string, data []byte) ([]*Document, Errors) {
	p := &parser{file: name}
	data, err := p.readable(data)
	if err != nil {
		return nil, Errors{err}
	}
	p.lines = strings.Split(string(data), "\n")
	for i, line := range p.lines {
		p.lines[i] = strings.TrimSuffix(line, "\r")
	}
	return p.documents(data)
}

type parser struct {
	file  string
	lines []string
}

func (p *parser) document(root *yaml.Node) *Document {
	return &Document{file: p.file, lines: p.lines, root: root, at: map[string]Position{}, keys: map[string]Position{}, mistakes: MaxErrors}
}

func (p *parser) errorAt(pos Position, hint, format string, args ...any) *Error {
	return p.document(nil).ErrorAt(pos, "", hint, format, args...)
}

// readable refuses what is not text of a sensible size, and takes off a byte order mark.
func (p *parser) readable(data []byte) ([]byte, *Error) {
	if len(data) > MaxSize {
		return nil, p.errorAt(Position{1, 1}, "name one file of this kind; it is usually a few kilobytes", "the file is larger than 1 MiB")
	}
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil, p.errorAt(Position{1, 1}, "save the file as UTF-8", "the file is UTF-16")
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	pos := Position{1, 1}
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			return nil, p.errorAt(pos, "save the file as UTF-8", "the byte 0x%02x is not UTF-8", rest[0])
		case r == 0:
			return nil, p.errorAt(pos, "is this a text file?", "there is a NUL character")
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f, r >= 0x80 && r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff:
			return nil, p.errorAt(pos, "take it out", "there is a control character (U+%04X)", r)
		}
		rest = rest[size:]
		pos.Column++
		if r == '\n' {
			pos = Position{pos.Line + 1, 1}
		}
	}
	return data, nil
}

// documents reads the documents one by one until the end or a mistake of the syntax.
func (p *parser) documents(data []byte) ([]*Document, Errors) {
	var docs []*Document
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, Errors{p.syntaxError(err)}
		}
		if node.Kind != yaml.DocumentNode || len(node.Content) != 1 || isEmpty(node.Content[0]) {
			continue // only comments, as after a last "---"
		}
		docs = append(docs, p.document(node.Content[0]))
	}
}

// isEmpty says whether a document holds nothing.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" && n.Value == ""
}

// syntaxError says where and why a file is not YAML.
func (p *parser) syntaxError(err error) *Error {
	pos, message, advice := Position{1, 1}, err.Error(), ""
	var load *yaml.LoadError
	if errors.As(err, &load) {
		message = load.Message
		if load.Mark.Line > 0 {
			pos = Position{load.Mark.Line, max(load.Mark.Column, 1)}
		}
		if load.ContextMsg != "" {
			message += " " + load.ContextMsg
			if load.ContextMark.Line > 0 && load.ContextMark.Line != pos.Line {
				message += fmt.Sprintf(" that begins at line %d", load.ContextMark.Line)
			}
		}
	}
	pos = p.inside(pos)
	text := []rune(p.lines[pos.Line-1])
	switch {
	case pos.Column <= len(text) && text[pos.Column-1] == '\t':
		message, advice = "there is a tab where YAML wants spaces", "indent by spaces"
	case pos.Column <= len(text) && strings.ContainsRune("@`%", text[pos.Column-1]):
		advice = "put the value in quotes"
	case strings.HasPrefix(message, "mapping values are not allowed"):
		message, advice = `there is a ":" where no field can begin`, `check the indentation, or put a text that has ": " in it in quotes`
	}
	return p.errorAt(pos, advice, "not valid YAML: %s", message)
}

// inside moves a place that is behind the end of the text to its last character.
func (p *parser) inside(pos Position) Position {
	if pos.Line > len(p.lines) {
		pos.Line = len(p.lines)
		pos.Column = utf8.RuneCountInString(p.lines[pos.Line-1]) + 1
	}
	for pos.Line > 1 && strings.TrimSpace(p.lines[pos.Line-1]) == "" {
		pos.Line--
		pos.Column = utf8.RuneCountInString(p.lines[pos.Line-1]) + 1
	}
	return pos
}
