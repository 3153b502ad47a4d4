package application

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/truecount/truecount/internal/hint"
)

// maxSize bounds a file, in bytes. The largest sensible file is a hundredth of it.
const maxSize = 1 << 20

// Load reads the file at path and checks it; see [Parse].
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.Errorf("name the file with -f, or write one: docs/reference/application.md", "%s: no such file", path)
	}
	if err != nil {
		return nil, hint.Errorf("the file must be readable by the user that runs truecount", "%s: %w", path, plainCause(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, hint.Errorf("name one file, not a folder", "%s: %w", path, plainCause(err))
	}
	return Parse(path, data)
}

// plainCause takes the operation and the path off an error of package os: the caller has said both.
func plainCause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Parse reads data, the content of the file called name: YAML documents of the kinds Application and Local (JSON is
// YAML, too). Fields that are left out get their defaults. A file with mistakes returns [Errors], all of them; time and
// memory are bounded whatever the data.
func Parse(name string, data []byte) (*File, error) {
	p := &fileParser{file: &File{Name: name}}
	data, err := p.readable(data)
	if err != nil {
		return nil, Errors{err}
	}
	p.lines = strings.Split(string(data), "\n")
	for i, line := range p.lines {
		p.lines[i] = strings.TrimSuffix(line, "\r")
	}
	p.documents(data)
	if len(p.errs) == 0 && len(p.file.Applications) == 0 && p.file.Local == nil {
		p.add(p.newSource(position{1, 1}).errorAt(position{1, 1}, "", "begin with: apiVersion: "+APIVersion, "the file is empty"))
	}
	p.uniqueNames()
	if err := p.errs.orNil(); err != nil {
		return nil, err
	}
	return p.file, nil
}

// fileParser collects what one file says, and its mistakes.
type fileParser struct {
	file  *File
	lines []string
	errs  Errors
	local *source // of the first document of kind Local, even a wrong one
}

func (p *fileParser) add(e *Error) { p.errs = append(p.errs, e) }

func (p *fileParser) newSource(start position) *source {
	return &source{file: p.file.Name, lines: p.lines, start: start, at: map[string]position{}, keys: map[string]position{}}
}

// readable refuses what is not text of a sensible size, and takes off a byte order mark.
func (p *fileParser) readable(data []byte) ([]byte, *Error) {
	refuse := func(pos position, hint, format string, args ...any) *Error {
		return p.newSource(pos).errorAt(pos, "", hint, format, args...)
	}
	if len(data) > maxSize {
		return nil, refuse(position{1, 1}, "name one application file; it is usually a few kilobytes", "the file is larger than 1 MiB")
	}
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil, refuse(position{1, 1}, "save the file as UTF-8", "the file is UTF-16")
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	pos := position{1, 1}
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			return nil, refuse(pos, "save the file as UTF-8", "the byte 0x%02x is not UTF-8", rest[0])
		case r == 0:
			return nil, refuse(pos, "is this a text file?", "there is a NUL character")
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f, r >= 0x80 && r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff:
			return nil, refuse(pos, "take it out", "there is a control character (U+%04X)", r)
		}
		rest = rest[size:]
		pos.column++
		if r == '\n' {
			pos = position{pos.line + 1, 1}
		}
	}
	return data, nil
}

// documents reads the documents one by one until the end or a mistake of the syntax.
func (p *fileParser) documents(data []byte) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for len(p.errs) <= maxErrors {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			p.add(p.syntaxError(err))
			return
		}
		if node.Kind != yaml.DocumentNode || len(node.Content) != 1 || isEmpty(node.Content[0]) {
			continue // only comments, as after a last "---"
		}
		p.document(node.Content[0])
	}
}

// isEmpty says whether a document holds nothing.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" && n.Value == ""
}

// syntaxError says where and why a file is not YAML.
func (p *fileParser) syntaxError(err error) *Error {
	pos, message, advice := position{1, 1}, err.Error(), ""
	var load *yaml.LoadError
	if errors.As(err, &load) {
		message = load.Message
		if load.Mark.Line > 0 {
			pos = position{load.Mark.Line, max(load.Mark.Column, 1)}
		}
		if load.ContextMsg != "" {
			message += " " + load.ContextMsg
			if load.ContextMark.Line > 0 && load.ContextMark.Line != pos.line {
				message += fmt.Sprintf(" that begins at line %d", load.ContextMark.Line)
			}
		}
	}
	pos = p.inside(pos)
	text := []rune(p.lines[pos.line-1])
	switch {
	case pos.column <= len(text) && text[pos.column-1] == '\t':
		message, advice = "there is a tab where YAML wants spaces", "indent by spaces"
	case pos.column <= len(text) && strings.ContainsRune("@`%", text[pos.column-1]):
		advice = "put the value in quotes"
	case strings.HasPrefix(message, "mapping values are not allowed"):
		message, advice = `there is a ":" where no field can begin`, `check the indentation, or put a text that has ": " in it in quotes`
	}
	return p.newSource(pos).errorAt(pos, "", advice, "not valid YAML: %s", message)
}

// inside moves a place that is behind the end of the text to its last character.
func (p *fileParser) inside(pos position) position {
	if pos.line > len(p.lines) {
		pos.line = len(p.lines)
		pos.column = utf8.RuneCountInString(p.lines[pos.line-1]) + 1
	}
	for pos.line > 1 && strings.TrimSpace(p.lines[pos.line-1]) == "" {
		pos.line--
		pos.column = utf8.RuneCountInString(p.lines[pos.line-1]) + 1
	}
	return pos
}

// document decodes and checks one document by its kind.
func (p *fileParser) document(root *yaml.Node) {
	src := p.newSource(position{root.Line, root.Column})
	d := &decoder{source: src}
	kind, ok := d.kind(root)
	switch {
	case !ok:
	case kind == "Local":
		p.localDocument(d, root)
	default:
		a := &Application{source: src}
		d.document(root, a)
		d.errs = withMeaning(d.errs, a.check())
		p.file.Applications = append(p.file.Applications, a)
	}
	p.errs = append(p.errs, d.errs...)
}

func (p *fileParser) localDocument(d *decoder, root *yaml.Node) {
	if p.local != nil {
		d.fail(root, "kind", "leave one", "there is a second document of kind Local; the first one is at line %d", p.local.start.line)
		return
	}
	p.local = d.source
	var doc localDocument
	d.document(root, &doc)
	doc.Spec.source = d.source
	p.file.Local = &doc.Spec
	d.errs = withMeaning(d.errs, doc.Spec.check())
}

// withMeaning adds to the mistakes of form those of meaning, except where a value is wrong in form already.
func withMeaning(form, meaning Errors) Errors {
	touches := func(m *Error) bool {
		return slices.ContainsFunc(form, func(f *Error) bool { return within(m.Path, f.Path) || within(f.Path, m.Path) })
	}
	return append(form, slices.DeleteFunc(meaning, touches)...)
}

// within says whether path is the field at parent, or below it.
func within(path, parent string) bool {
	for ; path != ""; path = parentPath(path) {
		if path == parent {
			return true
		}
	}
	return parent == ""
}

// uniqueNames refuses two applications of one name.
func (p *fileParser) uniqueNames() {
	p.errs = append(p.errs, duplicateNames(p.file.Applications)...)
}

// fileDir returns the folder that relative paths of the application start at: its file's, or "" if it has none.
func (a *Application) fileDir() string {
	if a.source == nil {
		return ""
	}
	return filepath.Dir(a.source.file)
}
