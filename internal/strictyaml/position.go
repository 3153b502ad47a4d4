package strictyaml

import (
	"fmt"
	"strings"
)

// Position is a place in a file; line and column (in characters) count from 1.
type Position struct{ Line, Column int }

// ErrorAt returns a mistake at a place of the document. A nil document has no places.
func (d *Document) ErrorAt(pos Position, path, hint, format string, args ...any) *Error {
	e := &Error{Path: path, Hint: hint, Message: fmt.Sprintf(format, args...)}
	if d == nil {
		return e
	}
	e.File, e.Line, e.Column = d.file, pos.Line, pos.Column
	if pos.Line >= 1 && pos.Line <= len(d.lines) && !d.secret(path) {
		e.Text = d.lines[pos.Line-1]
	}
	return e
}

// Errorf returns a mistake at the value of the field at path, or of its closest parent that was written.
func (d *Document) Errorf(path, hint, format string, args ...any) *Error {
	if d == nil {
		return d.ErrorAt(Position{}, path, hint, format, args...)
	}
	return d.ErrorAt(d.Position(path), path, hint, format, args...)
}

// Given says whether the field was written in the file.
func (d *Document) Given(path string) bool {
	if d == nil {
		return false
	}
	_, ok := d.at[path]
	return ok
}

// Position returns the place of the field at path, or of its closest parent that was written.
func (d *Document) Position(path string) Position {
	for p := path; p != ""; p = parentPath(p) {
		if pos, ok := d.at[p]; ok {
			return pos
		}
		if pos, ok := d.keys[p]; ok {
			return pos
		}
	}
	return d.Start()
}

// Where returns "file:line:column" of the field at path (as spec.workers.count), of its closest parent if it was left
// out, or "" for a nil document.
func (d *Document) Where(path string) string {
	if d == nil {
		return ""
	}
	pos := d.Position(path)
	return fmt.Sprintf("%s:%d:%d", d.file, pos.Line, pos.Column)
}

// parentPath cuts the last step from a path, or returns "".
func parentPath(path string) string {
	if strings.HasSuffix(path, "]") {
		return path[:strings.LastIndexByte(path, '[')]
	}
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}

// Within says whether path is the field at parent, or below it.
func Within(path, parent string) bool {
	for ; path != ""; path = parentPath(path) {
		if path == parent {
			return true
		}
	}
	return parent == ""
}

// File returns the name of the file that the document is in.
func (d *Document) File() string { return d.file }
