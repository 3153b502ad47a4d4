package history

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
)

// ReadFile reads a file; its name may be written NAME=FILE, which gives series without a name (the answer to an expression)
// that name.
func (h *History) ReadFile(file string) error {
	name, path, renamed := strings.Cut(file, "=")
	if !renamed || strings.ContainsAny(name, "/.") {
		name, path = "", file
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	return h.Read(path, name, in)
}

// Read reads a file of either kind, told apart by its content. Errors carry the file's name and, for text, the line.
func (h *History) Read(file, name string, r io.Reader) error {
	before := h.samples
	in := bufio.NewReaderSize(r, 64<<10)
	first, err := firstByte(in)
	switch {
	case err != nil:
		return hint.Errorf("export it again", "%s: there is nothing in it", file)
	case first == '{':
		err = h.readAnswers(file, name, in)
	default:
		err = h.readText(file, in)
	}
	if err == nil && h.samples == before {
		return hint.Errorf("export it again", "%s: there is no sample in it", file)
	}
	return err
}

// firstByte returns the first that is no space, and leaves it to be read.
func firstByte(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(b)) {
			return b, in.UnreadByte()
		}
	}
}

// maxAnswer bounds a saved answer.
const maxAnswer = 2 << 30

func (h *History) readAnswers(file, name string, in io.Reader) error {
	found, err := promapi.ReadRange(in, maxAnswer)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	step := stepOf(found)
	for _, answered := range found {
		l := answered.Labels
		if l.Get(model.MetricNameLabel) == "" {
			if name == "" {
				return withoutName(file)
			}
			b := labels.NewBuilder(l)
			b.Set(model.MetricNameLabel, name)
			l = b.Labels()
		}
		s := h.of(l)
		for i, p := range answered.Points {
			if err := h.add(s, p); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			last := i+1 == len(answered.Points)
			if step > 0 && (last || answered.Points[i+1].Time-p.Time > step) {
				if err := h.add(s, promapi.Point{Time: p.Time + step, Value: stale}); err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
			}
		}
	}
	return nil
}

// stepOf is the least distance between two points: that of the query, unless nothing was ever there twice in a row.
func stepOf(found []promapi.Series) int64 {
	var distances []int64
	for _, s := range found {
		for i := 1; i < len(s.Points); i++ {
			distances = append(distances, s.Points[i].Time-s.Points[i-1].Time)
		}
	}
	if len(distances) == 0 {
		return 0
	}
	return slices.Min(distances)
}
