package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/truecount/truecount/demo/clicks"
	"github.com/truecount/truecount/test/script"
)

var update = flag.Bool("update", false, "write docs/reference/sidecar.md")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"truecount-sidecar": main, "clicks": button})
}

// button is the demo application, which starts its workers as processes of this very binary.
func button() {
	if err := clicks.Command(context.Background(), os.Args[1:], os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "clicks:", err)
		os.Exit(1)
	}
}

// TestScripts runs the sidecar as an operator does, beside real workers: testdata/script has a file for each subject.
func TestScripts(t *testing.T) {
	commands := script.Commands("truecount-sidecar")
	commands["overfill"] = overfill
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               script.Setup,
		Cmds:                commands,
	})
}

// overfill starts one worker more than the range has ports, as somebody else would, until it has found all the others and told one:
// overfill VARIABLE. It waits for a moment only, and a busy machine may answer later. The variable gets how many of those that were
// started may have been counted.
func overfill(ts *testscript.TestScript, _ bool, args []string) {
	spare := append(strings.Fields(ts.Getenv("ENVIRONMENT")), "TRUECOUNT_WORKER=3", "clicks")
	counted := 0
	for late := time.Now().Add(time.Minute); time.Now().Before(late); {
		var exit *exec.ExitError
		if err := ts.Exec("env", spare...); !errors.As(err, &exit) || exit.ExitCode() != 1 {
			ts.Fatalf("one worker too many: %v", err)
		}
		said := ts.ReadFile("stderr")
		if strings.Contains(said, "by workers of this range") { // who finds one asks it to count
			counted++
		}
		if strings.Contains(said, ": 3 by workers of this range") && strings.Contains(said, "another worker counts it") {
			ts.Setenv(args[0], fmt.Sprint(counted))
			return
		}
	}
	ts.Fatalf("no other worker could be told")
}

func TestTheReferenceOfTheSidecarIsCurrent(t *testing.T) {
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"--help"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	want := "# truecount-sidecar\n\n<!-- Written by: go test ./cmd/truecount-sidecar -update -->\n\n```text\n" + out.String() + "```\n"
	file := filepath.Join("..", "..", "docs", "reference", "sidecar.md")
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("%s is not what the command says of itself (%v); write it with: go test ./cmd/truecount-sidecar -update", file, err)
	}
}

// TestTheSidecarStaysSmall asks the Go command what is linked. What is linked here is part of this test binary, too, so
// the answer is never an old one.
func TestTheSidecarStaysSmall(t *testing.T) {
	list, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.Lines(string(list)) {
		pkg = strings.TrimSpace(pkg)
		for _, unwanted := range []string{
			"k8s.io/", "sigs.k8s.io/", "google.golang.org/grpc", "github.com/prometheus/alertmanager", "github.com/aws/", "cloud.google.com/",
			"github.com/prometheus/prometheus/tsdb", "github.com/prometheus/prometheus/scrape", "github.com/prometheus/prometheus/promql",
			"github.com/prometheus/prometheus/storage", "github.com/prometheus/prometheus/discovery", "github.com/prometheus/prometheus/web",
			"github.com/truecount/truecount/internal/server", "github.com/truecount/truecount/internal/app",
		} {
			if strings.HasPrefix(pkg, unwanted) {
				t.Errorf("the sidecar links %s", pkg)
			}
		}
	}
	if !strings.Contains(string(list), "github.com/truecount/truecount/internal/merge\n") {
		t.Errorf("that is no list of what the sidecar links:\n%s", list)
	}
}
