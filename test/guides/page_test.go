package guides

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// command is one command of a page, with the output that the page shows.
type command struct {
	text  string
	shown string
}

// block is a console block: what a reader types is behind "$ ", and behind "> " where it goes on.
type block struct {
	claim    string // of the comment above it, or ""
	commands []command
}

var claimLine = regexp.MustCompile(`^<!-- claim: (.*) -->$`)

// blocks reads the console blocks of a page of docs/guides.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", page))
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	claim, inside := "", false
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		switch found := claimLine.FindStringSubmatch(line); {
		case found != nil:
			claim = found[1]
		case line == "```console":
			all = append(all, block{claim: claim})
			claim, inside = "", true
		case line == "```":
			inside = false
		case inside:
			all[len(all)-1].add(t, line)
		}
	}
	return all
}

func (b *block) add(t *testing.T, line string) {
	t.Helper()
	text, begins := strings.CutPrefix(line, "$ ")
	if begins {
		b.commands = append(b.commands, command{text: text})
		return
	}
	if len(b.commands) == 0 {
		t.Fatalf("a console block begins with output: %q", line)
	}
	last := &b.commands[len(b.commands)-1]
	if text, goesOn := strings.CutPrefix(line, "> "); goesOn {
		last.text += "\n" + text
		return
	}
	last.shown += line + "\n"
}
