package replay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// lines reads a text line by line, and counts them.
type lines struct {
	scanner *bufio.Scanner
	text    []byte // of the line, good until the next
	number  int
	err     error
}

func newLines(r io.Reader, longest int) *lines {
	s := bufio.NewScanner(r)
	s.Buffer(nil, longest)
	return &lines{scanner: s}
}

func (l *lines) next() bool {
	l.number++
	if !l.scanner.Scan() {
		if l.err = l.scanner.Err(); errors.Is(l.err, bufio.ErrTooLong) {
			l.err = fmt.Errorf("the line is too long")
		}
		return false
	}
	l.text = l.scanner.Bytes()
	return true
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
