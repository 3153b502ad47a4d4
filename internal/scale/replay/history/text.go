package history

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
)

const (
	pieceSize = 1 << 20 // of text that is parsed at once
	maxLine   = 1 << 20
	contents  = "application/openmetrics-text; version=1.0.0; charset=utf-8"
)

// text is one file of OpenMetrics while it is read.
type text struct {
	history *History
	name    string
	symbols *labels.SymbolTable
	known   map[string]*series // by how it is written
	line    int                // the first of the piece
}

// readText reads OpenMetrics with timestamps, in pieces: a file may be larger than memory allows for its text.
func (h *History) readText(name string, in *bufio.Reader) error {
	t := &text{history: h, name: name, symbols: labels.NewSymbolTable(), known: map[string]*series{}, line: 1}
	var piece []byte
	count := 0
	for {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return at(name, t.line+count, err)
		}
		end := errors.Is(err, io.EOF) || string(bytes.TrimSpace(line)) == "# EOF"
		if !end {
			piece = append(append(piece, bytes.TrimRight(line, "\r\n")...), '\n')
			count++
		}
		if end || len(piece) >= pieceSize {
			if err := t.parse(piece); err != nil {
				return err
			}
			t.line += count
			piece, count = piece[:0], 0
		}
		if end {
			break
		}
	}
	for _, s := range t.known {
		if slices.IsSortedFunc(s.points, func(a, b promapi.Point) int { return int(min(1, max(-1, a.Time-b.Time))) }) {
			markEnds(s.points)
		}
	}
	return nil
}

func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, errors.New("the line is too long")
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		default:
			return line, err
		}
	}
}

// parse takes in whole lines. If one is wrong, it is found by itself.
func (t *text) parse(piece []byte) error {
	err := t.take(piece)
	if err == nil || errors.Is(err, errTooMany) {
		return err
	}
	number := t.line
	for line := range bytes.Lines(piece) {
		scratch := &text{history: New(), symbols: labels.NewSymbolTable(), known: map[string]*series{}}
		if err := scratch.take(line); err != nil {
			return at(t.name, number, err)
		}
		number++
	}
	return fmt.Errorf("%s: %w", t.name, err)
}

func (t *text) take(piece []byte) error {
	parser, err := textparse.New(append(slices.Clip(piece), "# EOF\n"...), contents, t.symbols, textparse.ParserOptions{})
	if err != nil {
		return err
	}
	for {
		entry, err := parser.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return hint.Errorf("it is written as by promtool tsdb dump-openmetrics: name{label=\"value\"} 1.5 1795158991.404", "this is no OpenMetrics: %s", err)
		case entry != textparse.EntrySeries:
			continue
		}
		written, ms, v := parser.Series()
		if ms == nil {
			return hint.Errorf("a page of /metrics has none: take promtool tsdb dump-openmetrics", "the sample has no timestamp")
		}
		s := t.known[string(written)]
		if s == nil {
			var l labels.Labels
			parser.Labels(&l)
			s = t.history.of(l)
			t.known[string(written)] = s
		}
		if err := t.history.add(s, promapi.Point{Time: *ms, Value: v}); err != nil {
			return err
		}
	}
}
