package guides

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/truecount/truecount/test/tool"
)

var ofPython = claims{
	"each worker has its files": func(o []string) error {
		return equal(o[0], "      4 counter_PID.db\n      4 histogram_PID.db\n")
	},
	"one hundred":         func(o []string) error { return requests(o[0], 100) },
	"one hundred and ten": func(o []string) error { return requests(o[0], 110) },
	"the files of the dead one are final": func(o []string) error {
		return equal(o[0], "      4 counter_PID.db\n      1 counter_PID.retired-TIME.db\n      4 histogram_PID.db\n      1 histogram_PID.retired-TIME.db\n")
	},
}

func equal(got, want string) error {
	if got != want {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	return nil
}

func requests(output string, want int) error {
	found := regexp.MustCompile(`(?m)^django_http_re(?:quests|sponses)_\S+view="start-walk"\} (\d+)$`).FindAllStringSubmatch(output, -1)
	if len(found) != 2 || found[0][1] != fmt.Sprint(want) || found[1][1] != fmt.Sprint(want) {
		return fmt.Errorf("want %d requests and responses, got %q", want, output)
	}
	return nil
}

func TestB2TheGuidePythonIsTrue(t *testing.T) {
	for _, name := range []string{"bash", "curl", "gunicorn"} {
		tool.Need(t, name)
	}
	interpreter := tool.Python(t, "django", "django_prometheus")
	t.Parallel()
	s := newShell(t)
	// What the page calls python3 is the one that has Django.
	path := t.TempDir()
	if err := os.Symlink(interpreter, filepath.Join(path, "python3")); err != nil {
		t.Fatal(err)
	}
	s.run("PATH=" + path + ":$PATH; export PYTHONDONTWRITEBYTECODE=1; unset METRICS_START_PORT")
	s.walkPage("python.md", ofPython)
}

// TestTheGuideQuotesTheExamples holds the lines in Python that the page quotes against the files.
func TestTheGuideQuotesTheExamples(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", "python.md"))
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, file := range []string{"django/gunicorn.conf.py", "flask/uwsgi_hooks.py"} {
		source, err := os.ReadFile(filepath.Join("..", "..", "examples", "python", file))
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(source)
	}
	quotes := regexp.MustCompile("(?s)```python\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(quotes) != 3 {
		t.Errorf("the page has %d quotes, want 3", len(quotes))
	}
	for _, quote := range quotes {
		if !strings.Contains(sources.String(), quote[1]) {
			t.Errorf("no example has\n%s", quote[1])
		}
	}
}
