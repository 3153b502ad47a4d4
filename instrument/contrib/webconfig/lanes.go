package webconfig

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
)

const (
	// maxComparing is how many requests may wait for a comparison whose password is not known to be right.
	// exporter-toolkit compares one at a time.
	maxComparing = 4
	// maxKnown is how many right passwords are remembered, as digests with a key of this process.
	maxKnown = 16
)

// lanes keep requests whose password was right before apart from all others, so that these can't be in their way.
type lanes struct {
	key   []byte
	slots chan struct{}

	mu    sync.Mutex
	known [][sha256.Size]byte // the oldest first
}

// ticket is a place in a lane.
type ticket struct {
	digest    [sha256.Size]byte
	anonymous bool  // nothing to compare
	slot      *bool // held; nil in the lane of those who are known
}

func newLanes() *lanes {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return &lanes{key: key, slots: make(chan struct{}, maxComparing)}
}

func (l *lanes) enter(authorization string, s state) (ticket, bool) {
	if authorization == "" || !s.users {
		return ticket{anonymous: true}, true
	}
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(authorization))
	t := ticket{digest: [sha256.Size]byte(mac.Sum(nil))}
	if l.knows(t.digest) {
		return t, true
	}
	select {
	case l.slots <- struct{}{}:
		held := true
		t.slot = &held
		return t, true
	default:
		return ticket{}, false
	}
}

// leave gives the place back. It may be called again.
func (l *lanes) leave(t ticket) {
	if t.slot != nil && *t.slot {
		*t.slot = false
		<-l.slots
	}
}

func (l *lanes) knows(digest [sha256.Size]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, known := range l.known {
		if hmac.Equal(known[:], digest[:]) {
			return true
		}
	}
	return false
}

// remember keeps a password that was right. One that is no longer right keeps its lane, which opens nothing: it is
// compared like any other.
func (l *lanes) remember(t ticket) {
	if t.anonymous || l.knows(t.digest) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.known) == maxKnown {
		l.known = append(l.known[:0], l.known[1:]...)
	}
	l.known = append(l.known, t.digest)
}
