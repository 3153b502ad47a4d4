package python

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/truecount/truecount/test/tool"
)

const examples = "../../examples/python"

func TestTheExamplesOwnTestsPass(t *testing.T) {
	t.Parallel()
	ran := regexp.MustCompile(`(?m)^Ran [1-9]\d* tests`)
	for _, test := range []struct {
		program program
		command []string
	}{
		{programs[0], []string{"manage.py", "test"}},
		{programs[1], []string{"-m", "unittest"}},
	} {
		s := need(t, test.program)
		cmd := exec.CommandContext(t.Context(), s.interpreter, test.command...)
		cmd.Dir, cmd.Env = s.dir, environment(s.env)
		if out, err := cmd.CombinedOutput(); err != nil || !ran.Match(out) {
			t.Errorf("%s: %v\n%s", test.program.example, err, out)
		}
	}
}

func TestTheMigrationsAreThoseOfTheModels(t *testing.T) {
	t.Parallel()
	s := need(t, programs[0])
	if out := s.manage(t, "makemigrations", "--check", "--dry-run"); !strings.Contains(out, "No changes detected") {
		t.Error(out)
	}
}

func TestThePythonIsAsItsStyleGuideHasIt(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{{"pycodestyle", "--exclude=migrations"}, {"pyflakes3"}} {
		path := tool.Need(t, command[0])
		for _, dir := range []string{examples, "testdata"} {
			if out, err := exec.CommandContext(t.Context(), path, append(command[1:], dir)...).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", command[0], err, out)
			}
		}
	}
}

// TestTheExamplesShareTwoFiles holds the copies together: each example is to be taken alone.
func TestTheExamplesShareTwoFiles(t *testing.T) {
	for _, name := range []string{"jsonlog.py", "multiproc.py"} {
		django, err := os.ReadFile(filepath.Join(examples, "django", name))
		if err != nil {
			t.Fatal(err)
		}
		flask, err := os.ReadFile(filepath.Join(examples, "flask", name))
		if err != nil || !bytes.Equal(django, flask) {
			t.Errorf("%s differs (%v)", name, err)
		}
	}
}

// TestTheExamplesKnowNothingOfUs: what is merged is what any team has.
func TestTheExamplesKnowNothingOfUs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "*", "*.py"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	more, err := filepath.Glob(filepath.Join(examples, "*", "*", "*.py"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, more...) {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(bytes.ToLower(source), []byte("truecount")) {
			t.Errorf("%s names us", file)
		}
	}
}
