package traffic

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// maxVisitors bounds how many visits are under way; more do not begin.
const maxVisitors = 50

// Visit asks for opts.URL again and again, opts.Rate times a second on average, until ctx is done: a gentle load for the
// latency demo. Visitors know nothing of each other, so that a slow answer to one does not keep the next from asking: who
// waits for each answer before the next question measures a slow service too rarely. How it is answered is the service's business.
func Visit(ctx context.Context, opts Options) error {
	if err := opts.check(); err != nil {
		return err
	}
	opts = opts.withDefaults()
	if opts.Rate == 0 {
		<-ctx.Done()
		return nil
	}
	client := &http.Client{Transport: opts.Transport, Timeout: 30 * time.Second}
	var visits sync.WaitGroup
	defer visits.Wait()
	places := make(chan struct{}, maxVisitors)
	timer := time.NewTimer(interval(opts.Rand, opts.Rate))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		timer.Reset(interval(opts.Rand, opts.Rate))
		select {
		case places <- struct{}{}:
			visits.Go(func() {
				visitOnce(ctx, client, opts.URL)
				<-places
			})
		default:
		}
	}
}

// visitOnce asks as a person with a browser who leaves when ctx is done. An error is seen in the service's own metrics.
func visitOnce(ctx context.Context, client *http.Client, url string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	response, err := client.Do(request)
	if err != nil {
		return
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
}

// interval makes events independent of one another: arrivals that know nothing of each other are exponentially apart.
func interval(r *rand.Rand, rate float64) time.Duration {
	return time.Duration(min(r.ExpFloat64(), 5) / rate * float64(time.Second))
}
