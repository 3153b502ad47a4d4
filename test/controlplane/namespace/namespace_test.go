package namespace_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
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
	case namespace.Inside() && os.Getenv(helper) == "bridge":
		printBridge()
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

// printBridge prints the bridge's address alone, with a pod whose address is lower than any other, and when that pod has gone.
func printBridge() {
	steps := []func() error{
		namespace.SetUp,
		func() error {
			return errors.Join(
				namespace.IP("link", "add", "name", "lowest", "address", "00:00:00:00:00:01", "type", "veth", "peer", "name", "other"),
				namespace.IP("link", "set", "dev", "lowest", "master", namespace.Bridge, "up"),
			)
		},
		func() error { return namespace.IP("link", "delete", "lowest") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		bridge, err := net.InterfaceByName(namespace.Bridge)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(bridge.HardwareAddr)
	}
}

// Pods remember the address of their gateway. If it went with one of them, the others would reach nobody until they forget it.
func TestThePodsGatewayKeepsItsAddressWhenAPodEnds(t *testing.T) {
	for _, name := range []string{"unshare", "ip"} {
		tool.Need(t, name)
	}
	tool.Allowed(t, namespace.Check())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), helper+"=bridge")
	out, err := cmd.Output()
	addresses := strings.Fields(string(out))
	if err != nil || len(addresses) != 3 {
		t.Fatalf("%v: %s", err, out)
	}
	if addresses[0] != addresses[1] || addresses[1] != addresses[2] {
		t.Errorf("alone, with a pod and without it again the gateway is at %v", addresses)
	}
}
