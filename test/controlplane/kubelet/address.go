package kubelet

import (
	"encoding/binary"
	"net/netip"
	"sync"

	"github.com/truecount/truecount/test/controlplane/namespace"
)

// addresses hands out the pods' addresses in turn. None is used twice: a test has fewer pods than there are.
type addresses struct {
	mu   sync.Mutex
	last uint32
}

func (a *addresses) next() netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	base := namespace.Gateway.As4()
	var address [4]byte
	binary.BigEndian.PutUint32(address[:], binary.BigEndian.Uint32(base[:])+a.last)
	return netip.AddrFrom4(address)
}
