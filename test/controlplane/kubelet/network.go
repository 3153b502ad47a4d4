package kubelet

import (
	"fmt"
	"net/netip"

	"github.com/truecount/truecount/test/controlplane/namespace"
)

// network is a pod's: a network namespace joined to the bridge by a pair of virtual Ethernet devices.
type network struct{ name string }

func newNetwork(address netip.Addr) (*network, error) {
	bytes := address.As4()
	n := &network{name: fmt.Sprintf("pod-%d-%d", bytes[2], bytes[3])}
	outside := fmt.Sprintf("pod%d.%d", bytes[2], bytes[3])
	for _, args := range [][]string{
		{"netns", "add", n.name},
		{"link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", n.name},
		{"link", "set", outside, "master", namespace.Bridge, "up"},
		{"-n", n.name, "link", "set", "lo", "up"},
		{"-n", n.name, "address", "add", fmt.Sprintf("%s/%d", address, namespace.Pods.Bits()), "dev", "eth0"},
		{"-n", n.name, "link", "set", "eth0", "up"},
		{"-n", n.name, "route", "add", "default", "via", namespace.Gateway.String()},
	} {
		if err := namespace.IP(args...); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// enter is the beginning of a command line that runs in this network.
func (n *network) enter() []string { return []string{"nsenter", "--net=/run/netns/" + n.name} }

// remove takes away both devices: they go with the namespace.
func (n *network) remove() error { return namespace.IP("netns", "delete", n.name) }
