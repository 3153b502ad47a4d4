package worker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
)

// portRange is count ports from start on; count 0 is no range.
type portRange struct {
	host         string
	start, count int
}

func (r portRange) last() int { return r.start + r.count - 1 }

func (r portRange) String() string {
	if r.count == 1 {
		return fmt.Sprintf("port %d of %s", r.start, r.host)
	}
	return fmt.Sprintf("ports %d to %d of %s", r.start, r.last(), r.host)
}

// ports is the range without its host, as labels and workers among themselves have it: 5001-5005.
func (r portRange) ports() string { return fmt.Sprintf("%d-%d", r.start, r.last()) }

// parseRange is the reverse of ports.
func parseRange(ports string) (portRange, error) {
	first, last, found := strings.Cut(ports, "-")
	start, err1 := strconv.Atoi(first)
	end, err2 := strconv.Atoi(last)
	if !found || err1 != nil || err2 != nil || start < 1 || end < start || end > highPort || end-start >= mostPorts {
		return portRange{}, fmt.Errorf("%q is no port range such as 5001-5005", ports)
	}
	return portRange{start: start, count: end - start + 1}, nil
}

// same says that the workers of both ranges are those of one service: a service knows one start, while its number of
// workers may just be changing.
func (r portRange) same(other portRange) bool { return r.start == other.start }

func (r portRange) overlaps(other portRange) bool {
	return r.start <= other.last() && other.start <= r.last()
}

// dialHost is where a connection to a listener on the range's address goes.
func (r portRange) dialHost() string {
	if ip := net.ParseIP(r.host); ip != nil && ip.IsUnspecified() {
		if ip.To4() == nil {
			return "::1"
		}
		return "127.0.0.1"
	}
	return r.host
}

// listenRange listens on the first free port, as each worker of a service does. If there is none it finds out whose
// they are, for its error, and has one of the range's workers count it.
func (w *worker) listenRange(ctx context.Context, r portRange) (net.Listener, error) {
	for port := r.start; port <= r.last(); port++ {
		l, err := net.Listen("tcp", net.JoinHostPort(r.host, strconv.Itoa(port)))
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("can't serve metrics on port %d of %s: %w", port, r.host, err)
		}
	}
	holders := findHolders(ctx, r, w.opts.rangePatience)
	if port, told := tell(ctx, r, holders, w.opts.rangePatience); told {
		w.log.Info("no free port for metrics; another worker counts it", "told", net.JoinHostPort(r.host, strconv.Itoa(port)), "metric", exhaustedName)
	} else {
		w.log.Warn("no free port for metrics, and no other worker could be told to count it")
	}
	return nil, exhausted(r, holders)
}

// exhausted words the error for an operator: who has the ports decides what to do.
func exhausted(r portRange, holders []holder) error {
	var siblings int
	var others, foreign []string
	for _, h := range holders {
		switch port := strconv.Itoa(h.port); {
		case h.is(sibling):
			siblings++
		case h.is(neighbour):
			others = append(others, fmt.Sprintf("%s by a worker of the range %s", port, h.ports.ports()))
		default:
			foreign = append(foreign, port)
		}
	}
	var who, do []string
	if siblings > 0 {
		who = append(who, fmt.Sprintf("%d by workers of this range", siblings))
		do = append(do, "raise WEB_CONCURRENCY to the number of workers")
	}
	if len(others) > 0 {
		who = append(who, abridged(others))
		do = append(do, "give each service a range of its own")
	}
	if len(foreign) > 0 {
		who = append(who, abridged(foreign)+" by other programs, or by workers that do not answer")
		do = append(do, "end those programs")
	}
	all := "are all in use"
	if r.count == 1 {
		all = "is in use"
	}
	return fmt.Errorf("no free port for metrics: %v (METRICS_START_PORT=%d, WEB_CONCURRENCY=%d) %s: %s; %s, or choose another METRICS_START_PORT",
		r, r.start, r.count, all, strings.Join(who, ", "), strings.Join(do, ", "))
}

// abridged lists at most a few.
func abridged(list []string) string {
	const few = 5
	if more := len(list) - few; more > 0 {
		return strings.Join(list[:few], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(list, ", ")
}
