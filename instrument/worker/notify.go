package worker

import (
	"fmt"
	"net"
	"time"
)

// notify sends one state of sd_notify(3) to a datagram socket; Go reads a leading @ as an abstract name, as systemd does.
func notify(socket, state string) error {
	if socket == "" {
		return nil
	}
	conn, err := net.DialTimeout("unixgram", socket, time.Second)
	if err != nil {
		return fmt.Errorf("can't tell the supervisor %s: %w", state, err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return fmt.Errorf("can't tell the supervisor %s: %w", state, err)
	}
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("can't tell the supervisor %s: %w", state, err)
	}
	return nil
}
