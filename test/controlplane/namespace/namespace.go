// Package namespace runs this program a second time where nobody else is: with a network, processes and mounts of its own.
//
// The addresses of a cluster then exist nowhere else, its ports are free, nothing that is sent to an address without a
// route leaves the machine, and all that it started ends with it, however it ends: the program is process 1 of its
// namespace, and the kernel kills the others when it dies.
package namespace

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// The addresses inside. They are those that Kubernetes' own tools take by default, where they have one.
var (
	// Host is the address of the machine as the cluster sees it. It may not be a loopback address, which Kubernetes refuses
	// in an EndpointSlice.
	Host = netip.MustParseAddr("10.99.0.1")
	// Services has the ClusterIPs. All of them are addresses of this machine.
	Services = netip.MustParsePrefix("10.96.0.0/12")
	// Pods has the addresses of pods, which are on a bridge.
	Pods = netip.MustParsePrefix("10.244.0.0/16")
	// Gateway is this machine's own address on that bridge.
	Gateway = netip.MustParseAddr("10.244.0.1")
)

// Bridge joins the pods' networks.
const Bridge = "pods"

// bridgeAddress is the bridge's own, locally administered. Without one Linux gives it the lowest of its ports': when that pod ends,
// every other pod goes on sending to an address that nobody has, for up to a minute.
const bridgeAddress = "02:00:0a:f4:00:01"

const marker = "TRUECOUNT_CONTROLPLANE_INSIDE"

// Inside says whether this process is one that [Run] started, or a child of it.
func Inside() bool { return os.Getenv(marker) != "" }

// ErrNotAllowed is returned by [Check] where neither root nor others may make namespaces.
var ErrNotAllowed = errors.New("may not make network, process and mount namespaces: run as root, or allow unprivileged user namespaces")

// unshare is the command that enters fresh namespaces. Whoever isn't root takes a user namespace as well.
func unshare() []string {
	args := []string{"unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"}
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--map-root-user")
	}
	return args
}

// Check says why namespaces cannot be made, nil when they can. The programs unshare and ip must be installed.
func Check() error {
	command := append(unshare(), "ip", "link", "add", "probe", "type", "veth", "peer", "name", "peer")
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w (%s: %s)", ErrNotAllowed, strings.Join(command, " "), strings.TrimSpace(string(out)))
	}
	return nil
}

// Run starts this program again, inside, with the same arguments and streams, and returns its exit code.
func Run() (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	// The signal of the parent's death is that of the thread which started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	command := append(append(unshare(), self), os.Args[1:]...)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), marker+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

// SetUp gives the fresh network its addresses. Call it once, inside.
func SetUp() error {
	// Where ip keeps the names of the pods' networks. The mounts are ours alone.
	if err := syscall.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	for _, args := range []string{
		"link set lo up",
		"address add " + Host.String() + "/32 dev lo",
		"route add local " + Services.String() + " dev lo",
		"link add " + Bridge + " address " + bridgeAddress + " type bridge",
		fmt.Sprintf("address add %s/%d dev %s", Gateway, Pods.Bits(), Bridge),
		"link set " + Bridge + " up",
	} {
		if err := IP(strings.Fields(args)...); err != nil {
			return err
		}
	}
	return nil
}

// IP runs iproute2's ip.
func IP(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
