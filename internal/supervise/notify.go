package supervise

import (
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
)

// notifySocket is the datagram socket on which one worker says READY=1 and STOPPING=1 (sd_notify(3)).
type notifySocket struct {
	path            string
	conn            *net.UnixConn
	ready, stopping atomic.Bool
	done            chan struct{}
}

// maxNotification is longer than any datagram of the convention needs; the rest of a longer one is cut off.
const maxNotification = 4096

// listenNotify opens the socket; changed is called whenever the worker said something. close has to be called.
func listenNotify(path string, changed func()) (*notifySocket, error) {
	os.Remove(path)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	n := &notifySocket{path: path, conn: conn, done: make(chan struct{})}
	go n.read(changed)
	return n, nil
}

func (n *notifySocket) read(changed func()) {
	defer close(n.done)
	buf := make([]byte, maxNotification)
	for {
		length, err := n.conn.Read(buf)
		if err != nil {
			return
		}
		n.heed(buf[:length])
		changed()
	}
}

// heed takes one datagram: assignments, one per line, of which most are of no concern here.
func (n *notifySocket) heed(datagram []byte) {
	for line := range strings.SplitSeq(string(datagram), "\n") {
		switch line {
		case "READY=1":
			n.ready.Store(true)
		case "STOPPING=1":
			n.stopping.Store(true)
		}
	}
}

// close heeds what the worker, which has exited, said last, and removes the socket.
func (n *notifySocket) close() {
	if raw, err := n.conn.SyscallConn(); err == nil {
		buf := make([]byte, maxNotification)
		raw.Control(func(fd uintptr) {
			for {
				length, _, err := syscall.Recvfrom(int(fd), buf, 0) // does not wait: the socket is non-blocking
				if err != nil || length < 0 {
					return
				}
				n.heed(buf[:length])
			}
		})
	}
	n.conn.Close()
	<-n.done
	os.Remove(n.path)
}
