package worker

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// asking is how many ports are asked at a time.
const asking = 16

// kind is who has a port.
type kind int

const (
	stranger  kind = iota // another program, or a worker that does not answer
	neighbour             // a worker of another range
	sibling               // a worker of the same range
)

// holder is who has one port of the range.
type holder struct {
	port int
	kind
	ports portRange // its own, unless it is a stranger
}

func (h holder) is(k kind) bool { return h.kind == k }

// findHolders asks all ports of the range whose they are. The answer has one holder for each, in order.
func findHolders(ctx context.Context, r portRange, patience time.Duration) []holder {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, end := rangeClient()
	defer end()
	found := make([]holder, r.count)
	next := make(chan int)
	var askers sync.WaitGroup
	for range min(asking, r.count) {
		askers.Go(func() {
			for i := range next {
				found[i] = ask(ctx, client, r, r.start+i)
			}
		})
	}
	for i := range found {
		next <- i
	}
	close(next)
	askers.Wait()
	return found
}

// ask tells whose a port is. Whatever does not answer as a worker does, in full and in time, is a stranger.
func ask(ctx context.Context, client *http.Client, r portRange, port int) holder {
	h := holder{port: port}
	response, err := request(ctx, client, http.MethodGet, r, port)
	if err != nil {
		return h
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || !strings.HasSuffix(response.Header.Get(HeaderWorker), "state=serving") {
		return h
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 32))
	if err != nil {
		return h
	}
	if h.ports, err = parseRange(string(body)); err != nil {
		return h
	}
	h.kind = neighbour
	if h.ports.same(r) {
		h.kind = sibling
	}
	return h
}

// tell has exactly one worker count that the range is exhausted: the first of the same range, or, if there is none, the
// first of another. It returns that worker's port. A worker that was asked and does not answer may have counted, so
// nobody else is asked after it: what is counted twice would be worse than what is not.
func tell(ctx context.Context, r portRange, holders []holder, patience time.Duration) (port int, told bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, end := rangeClient()
	defer end()
	for _, k := range []kind{sibling, neighbour} {
		for _, h := range holders {
			if !h.is(k) {
				continue
			}
			response, err := request(ctx, client, http.MethodPost, r, h.port)
			if err != nil {
				return 0, false
			}
			_ = response.Body.Close()
			if response.StatusCode == http.StatusNoContent {
				return h.port, true
			}
		}
	}
	return 0, false
}

func request(ctx context.Context, client *http.Client, method string, r portRange, port int) (*http.Response, error) {
	where := url.URL{
		Scheme: "http", Host: net.JoinHostPort(r.dialHost(), strconv.Itoa(port)), Path: rangePath,
		RawQuery: url.Values{"ports": {r.ports()}}.Encode(),
	}
	request, err := http.NewRequestWithContext(ctx, method, where.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set(HeaderWorker, fmt.Sprintf("pid=%d; state=without-port", os.Getpid()))
	return client.Do(request)
}

// rangeClient asks programs that may be anything: it goes where it is told and nowhere else, and takes little.
func rangeClient() (client *http.Client, end func()) {
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 16 << 10}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, transport.CloseIdleConnections
}
