package hint_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/hint"
)

func TestAnErrorIsPrintedWithItsHintOnALineOfItsOwn(t *testing.T) {
	cause := hint.Errorf("create it, or name another with --file", "clicks.yaml: %w", fs.ErrNotExist)
	wrapped := fmt.Errorf("load: %w", cause)

	var out strings.Builder
	hint.Print(&out, "truecount", wrapped)
	want := "truecount: load: clicks.yaml: file does not exist\nhint: create it, or name another with --file\n"
	if out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
	if !errors.Is(wrapped, fs.ErrNotExist) {
		t.Error("the cause was lost")
	}
}

func TestAnErrorWithoutHintIsOneLine(t *testing.T) {
	var out strings.Builder
	hint.Print(&out, "truecount", errors.New("no"))
	if out.String() != "truecount: no\n" {
		t.Errorf("printed %q", out.String())
	}
}
