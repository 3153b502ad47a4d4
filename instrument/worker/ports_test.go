package worker

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestB1EachWorkerTakesTheFirstFreePortOfTheRange(t *testing.T) {
	const workers = 3
	ports := portRange{"127.0.0.1", freePort(t, workers), workers}
	opts := func(n int) Options {
		return Options{Handler: answering(""), MetricsHandler: answering(strconv.Itoa(n)), Addr: "127.0.0.1:0", HandoverTimeout: time.Millisecond,
			rangePatience: time.Minute} // a busy machine answers late
	}
	var all []*running
	for n := range workers {
		all = append(all, runWorker(t, opts(n), environment{metricsPorts: ports}))
	}
	for n := range workers {
		_, body, err := scrape("tcp", net.JoinHostPort(ports.host, strconv.Itoa(ports.start+n)), "")
		if err != nil || body != strconv.Itoa(n) {
			t.Errorf("port %d: %q, %v", n, body, err)
		}
	}
	err := run(t.Context(), opts(workers), environment{metricsPorts: ports})
	want := fmt.Sprintf("no free port for metrics: ports %d to %d of 127.0.0.1 (METRICS_START_PORT=%d, WEB_CONCURRENCY=3) are all in use: "+
		"3 by workers of this range; raise WEB_CONCURRENCY to the number of workers", ports.start, ports.last(), ports.start)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("one worker too many: got %v\nwant %s", err, want)
	}
	all[1].end()
	if err := all[1].wait(); err != nil {
		t.Fatal(err)
	}
	again := runWorker(t, opts(7), environment{metricsPorts: ports})
	if _, body, err := scrape("tcp", net.JoinHostPort(ports.host, strconv.Itoa(ports.start+1)), ""); err != nil || body != "7" {
		t.Errorf("the port that came free: %q, %v", body, err)
	}
	for _, w := range []*running{all[0], all[2], again} {
		w.end()
		if err := w.wait(); err != nil {
			t.Error(err)
		}
	}
}
