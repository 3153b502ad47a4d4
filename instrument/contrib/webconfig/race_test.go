package webconfig_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truecount/truecount/instrument/contrib/webconfig"
	"golang.org/x/crypto/bcrypt"
)

func writeOver(file, content string) error { return os.WriteFile(file, []byte(content), 0o600) }

// An editor, a script or a ConfigMap without links empties a file before it writes it. In that moment
// exporter-toolkit sees a file without users, which asks nobody for a password.
func TestAFileThatIsBeingWrittenLetsNobodyIn(t *testing.T) {
	content := users(t)
	file := written(t, content)
	m := newMetrics(t)
	h := guarded(t, webconfig.Options{File: file, Metrics: m}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }))
	var stop atomic.Bool
	var writing sync.WaitGroup
	writing.Go(func() {
		for !stop.Load() {
			if err := writeOver(file, content); err != nil {
				t.Error(err)
				return
			}
		}
	})
	statuses := map[int]int{}
	// Some must have met the whole file, and some an empty or a half one; a busy machine takes longer for that.
	answers, enough := make(chan int), make(chan struct{})
	var asking sync.WaitGroup
	for range 50 { // most of the time of each is a wait for the file to settle
		asking.Go(func() {
			for {
				select {
				case answers <- ask(h, "", "").Code:
				case <-enough:
					return
				}
			}
		})
	}
	for deadline := time.Now().Add(time.Minute); statuses[401] < 1000 || statuses[500] < 100; {
		if statuses[<-answers]++; statuses[200] > 0 || time.Now().After(deadline) {
			break
		}
	}
	close(enough)
	asking.Wait()
	stop.Store(true)
	writing.Wait()
	if statuses[200] > 0 {
		t.Errorf("a request without a password was served: %v", statuses)
	}
	if statuses[401] == 0 || statuses[500] == 0 {
		t.Errorf("the file was never met whole, or always: %v", statuses)
	}
	if w := ask(h, user, password); w.Code != 200 {
		t.Errorf("the right password afterwards: %d", w.Code)
	}
}

// TestE6AFloodOfWrongPasswordsDoesNotKeepOutWhoIsKnown floods with passwords that are all different, so that each
// needs a comparison at the price of real hashes, and evicts others from exporter-toolkit's cache.
func TestE6AFloodOfWrongPasswordsDoesNotKeepOutWhoIsKnown(t *testing.T) {
	file := written(t, "basic_auth_users: {"+user+": "+hash(t, password, bcrypt.DefaultCost)+"}\n")
	m := newMetrics(t)
	h := guarded(t, webconfig.Options{File: file, Metrics: m}, m.Handler())
	if w := ask(h, user, password); w.Code != 200 {
		t.Fatal(w.Code)
	}
	var stop atomic.Bool
	var flood sync.WaitGroup
	var counts [600]atomic.Int64
	refused := make(chan struct{}) // closed when the flood is more than is compared
	var once sync.Once
	for i := range 50 {
		flood.Go(func() {
			for n := 0; !stop.Load(); n++ {
				status := ask(h, []string{user, "root"}[n%2], fmt.Sprint("guess ", i, n)).Code
				counts[status].Add(1)
				if status == 503 {
					once.Do(func() { close(refused) })
				}
			}
		})
	}
	<-refused
	for range 5 {
		w := ask(h, user, password)
		if w.Code != 200 || !bytes.Contains(w.Body.Bytes(), []byte("clicks_total 0")) {
			t.Errorf("who is known is answered %d", w.Code)
		}
	}
	stop.Store(true)
	flood.Wait()
	if counts[200].Load() != 0 {
		t.Errorf("the flood: 401 %d times, 503 %d times, 200 %d times", counts[401].Load(), counts[503].Load(), counts[200].Load())
	}
	expect(t, m, fmt.Sprintf(`instrument_web_config_requests_total{outcome="busy"} %v`, number(counts[503].Load())))
}

func number(n int64) string { return fmt.Sprint(float64(n)) }
