package python

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truecount/truecount/test/await"
)

// client makes a connection for each request, as sync workers keep none: so a request is sent at most once, and whichever worker is free
// answers it.
var client = &http.Client{
	Timeout:       time.Minute,
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// load is a bounded number of visits by several visitors at once.
type load struct {
	t       *testing.T
	base    string
	account *account
	cancel  context.CancelFunc
	ctx     context.Context
	gate    sync.RWMutex // read by a visit
	left    atomic.Int64
	done    atomic.Int64
	ended   sync.WaitGroup
}

// visitor makes one visit, of one request or several, as often as it is asked to.
type visitor func(l *load, visit int)

// startLoad lets the visitors come until all visits are made, which they must be before patience ends.
func startLoad(t *testing.T, base string, a *account, visits int, visitors ...visitor) *load {
	t.Helper()
	l := &load{t: t, base: base, account: a}
	l.ctx, l.cancel = context.WithTimeout(t.Context(), 2*patience)
	l.left.Store(int64(visits))
	for _, visit := range visitors {
		l.ended.Go(func() {
			for l.ctx.Err() == nil {
				left := l.left.Add(-1)
				if left < 0 {
					return
				}
				l.gate.RLock()
				visit(l, int(left))
				l.gate.RUnlock()
				l.done.Add(1)
			}
		})
	}
	t.Cleanup(func() {
		l.cancel()
		l.ended.Wait()
	})
	return l
}

// proceed waits until so many more visits were made.
func (l *load) proceed(visits int64) {
	l.t.Helper()
	until := l.done.Load() + visits
	await.True(l.t, fmt.Sprintf("%d more visits are made", visits), func() bool {
		if l.left.Load() <= 0 {
			l.t.Fatal("all visits were made before the test was over")
		}
		return l.done.Load() >= until
	})
}

// pause does something while no request is under way.
func (l *load) pause(do func()) {
	l.gate.Lock()
	defer l.gate.Unlock()
	do()
}

// stop makes no more visits than those that have begun.
func (l *load) stop() {
	l.left.Store(0)
	l.ended.Wait()
}

// finish waits for the last visit.
func (l *load) finish() {
	l.t.Helper()
	l.ended.Wait()
	if l.left.Load() > 0 {
		l.t.Fatalf("%d visits were not made in time", l.left.Load())
	}
}

// answer is what a request came to.
type answer struct {
	status   int
	location string
	body     string
}

// ask sends a request and books what it counts, if it is answered by that status. Without an answer it returns nil: what was sent and
// cut off may have been counted, and what found nobody listening was not.
func (l *load) ask(method, path string, header http.Header, form url.Values, status int, counts series) *answer {
	l.t.Helper()
	var body io.Reader = http.NoBody
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(l.ctx, method, l.base+path, body)
	if err != nil {
		l.t.Error(err)
		return nil
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := client.Do(request)
	if err != nil {
		var failed *net.OpError
		if !errors.As(err, &failed) || failed.Op != "dial" {
			l.account.add(counts, false)
		}
		return nil
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		l.account.add(counts, false)
		return nil
	}
	if response.StatusCode != status {
		l.t.Errorf("%s %s: status %d, want %d: %.300s", method, path, response.StatusCode, status, content)
		return nil
	}
	l.account.add(counts, true)
	return &answer{status: response.StatusCode, location: response.Header.Get("Location"), body: string(content)}
}
