package namespace_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/truecount/truecount/test/controlplane/namespace"
	"github.com/truecount/truecount/test/tool"
)

const helper = "NAMESPACE_TEST_HELPER"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(helper) == "":
		os.Exit(m.Run())
	case namespace.Inside():
		inside()
	default:
		code, err := namespace.Run()
		fmt.Fprintln(os.Stderr, err)
		os.Exit(code)
	}
}

// inside leaves a child that would run for long, in a session of its own, and waits.
func inside() {
	child := exec.Command("setsid", "sleep", "1000")
	child.Stdout = os.Stdout
	if err := child.Start(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(os.Getpid())
	child.Wait()
}

func TestNothingOutlivesAProgramThatIsKilled(t *testing.T) {
	for _, name := range []string{"unshare", "ip", "setsid"} {
		tool.Need(t, name)
	}
	tool.Allowed(t, namespace.Check())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), helper+"=1")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close() // those who run have it
	lines := bufio.NewReader(read)
	if line, err := lines.ReadString('\n'); err != nil || line != "1\n" {
		t.Fatalf("the program is process %q inside, want 1 (%v)", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if err := read.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Errorf("something still runs after the kill: %v", err)
	}
}
