package application

import (
	"fmt"
	"strings"
)

// position is a place in a file; line and column (in characters) count from 1.
type position struct{ line, column int }

// source remembers where the fields of one document were written, so that a mistake that is found later still has its
// place.
type source struct {
	file  string
	lines []string // of the whole file; shared by its documents
	start position // of the document
	// at holds the place of each field's value by path. A path that was not written is at its closest parent.
	at map[string]position
	// keys holds the place of each field's name.
	keys map[string]position
}

// given says whether the field was written in the file.
func (s *source) given(path string) bool {
	if s == nil {
		return false
	}
	_, ok := s.at[path]
	return ok
}

// where returns the place of the field at path, or of the closest parent that was written.
func (s *source) where(path string) position {
	for p := path; p != ""; p = parentPath(p) {
		if pos, ok := s.at[p]; ok {
			return pos
		}
		if pos, ok := s.keys[p]; ok {
			return pos
		}
	}
	return s.start
}

// parentPath cuts the last step from a path, or returns "".
func parentPath(path string) string {
	if strings.HasSuffix(path, "]") {
		return path[:strings.LastIndexByte(path, '[')]
	}
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}

// errorAt returns a mistake at a place.
func (s *source) errorAt(pos position, path, hint, format string, args ...any) *Error {
	e := &Error{Path: path, Hint: hint, Message: fmt.Sprintf(format, args...)}
	if s == nil {
		return e
	}
	e.File, e.Line, e.Column = s.file, pos.line, pos.column
	if pos.line >= 1 && pos.line <= len(s.lines) && !mayBeSecret(path) {
		e.Text = s.lines[pos.line-1]
	}
	return e
}

// mayBeSecret says whether the value of a field may be a secret, which is then not shown.
func mayBeSecret(path string) bool {
	return within(path, "spec.env") || within(path, "spec.workers.metrics.endpoint")
}

// errorf returns a mistake at the value of the field at path.
func (s *source) errorf(path, hint, format string, args ...any) *Error {
	if s == nil {
		return s.errorAt(position{}, path, hint, format, args...)
	}
	return s.errorAt(s.where(path), path, hint, format, args...)
}

// Where returns "file:line:column" of the field at path (as spec.workers.count), of its closest parent if it was left
// out, or "" if the application did not come from a file.
func (a *Application) Where(path string) string {
	if a.source == nil {
		return ""
	}
	pos := a.source.where(path)
	return fmt.Sprintf("%s:%d:%d", a.source.file, pos.line, pos.column)
}

// Errorf returns a mistake of the field at path that a later stage found, with its place in the file.
func (a *Application) Errorf(path, hint, format string, args ...any) error {
	return Errors{a.source.errorf(path, hint, format, args...)}
}
