package acceptance

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestTheTutorialsScaling follows the tutorial: target 10m over a window of 2m, from idle.
func TestTheTutorialsScaling(t *testing.T) {
	t.Parallel()
	c := startUp(t, "--traffic", "0", "--log.level", "info")
	wanted := func() int { return c.application("clicks").Strip.Scale.Wanted }
	describe := func() string { return fmt.Sprintf("%+v", *c.application("clicks").Strip.Scale) }

	// steady waits until the rate shows the clicks and the autoscaler has decided some more times on it.
	steady := func(clicks float64, want int) {
		t.Helper()
		eventually(t, patience, func() bool {
			rate, found := c.query(`sum(rate(demo_app_button_clicks_total[2m]))`)
			return found && rate > 0.9*clicks/120
		}, func() string { return "the rate does not show the clicks" })
		decisions := func() float64 {
			n, _ := c.query(`sum(truecount_scale_decisions_total{application="clicks"})`)
			return n
		}
		before := decisions()
		eventually(t, patience, func() bool { return decisions() >= before+4 }, describe)
		if got := wanted(); got != want {
			t.Fatalf("after %v clicks %d replicas are wanted, want %d: %s", clicks, got, want, describe())
		}
	}

	eventually(t, patience, func() bool {
		_, found := c.query(`rate(demo_app_button_clicks_total{pod="clicks-0"}[2m])`)
		return found
	}, func() string { return "clicks-0 has no rate yet" })
	c.click(1)
	steady(1, 1)
	c.click(1)
	steady(2, 2)

	// A burst: the maximum in steps of at most max(2 × current, 4), as Kubernetes limits them: 4 first. A scrape may fall into
	// the burst, so the steps may be smaller. The log has every decision; somebody who looks now and then may miss one.
	c.click(60)
	eventually(t, patience, func() bool { return wanted() == 10 }, describe)
	current := 1
	for _, next := range c.scaledTo() {
		if next > max(2*current, 4) {
			t.Errorf("a step from %d to %d replicas is larger than Kubernetes allows: %v", current, next, c.scaledTo())
		}
		current = next
	}
	if current != 10 {
		t.Errorf("the log of decisions ends at %d replicas, want 10: %v", current, c.scaledTo())
	}
	eventually(t, patience, func() bool { return c.application("clicks").Strip.Scale.Ready == 10 }, describe)

	// Silence: after the window and the stabilisation it is 1 again, and nothing was lost on the way.
	eventually(t, 5*time.Minute, func() bool { return wanted() == 1 && c.application("clicks").Strip.Scale.Running == 1 }, describe)
	if got := c.merged(); got != 62 {
		t.Errorf("merged count %v after scaling to 10 and back, want the 62 clicks that were made", got)
	}
}

// scaledTo lists the numbers of replicas that the autoscaler asked for, in their order.
func (c *chain) scaledTo() []int {
	c.t.Helper()
	var numbers []int
	for line := range strings.Lines(c.log.String()) {
		if strings.Contains(line, "event=scaledUp") || strings.Contains(line, "event=scaledDown") {
			_, rest, _ := strings.Cut(line, " desired=")
			text, _, _ := strings.Cut(rest, " ")
			number, err := strconv.Atoi(text)
			if err != nil {
				c.t.Fatalf("the log says %q", line)
			}
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// TestAThousandPostsUnderTwoHundredScrapes counts exactly, whoever looks meanwhile.
func TestAThousandPostsUnderTwoHundredScrapes(t *testing.T) {
	t.Parallel()
	c := startUp(t, "--traffic", "0")
	const posts, scrapers, posters = 1000, 200, 20
	// On a busy machine a worker may be taken for ready before it can be read.
	eventually(t, patience, func() bool { return c.merged() == 0 },
		func() string { return fmt.Sprintf("merged count %v, want 0 clicks, read from the workers", c.merged()) })

	var down atomic.Value
	stop := make(chan struct{})
	var scraping sync.WaitGroup
	transport := &http.Transport{MaxIdleConnsPerHost: scrapers}
	defer transport.CloseIdleConnections()
	client := &http.Client{Timeout: time.Minute, Transport: transport}
	for range scrapers {
		scraping.Go(func() {
			last := 0.0
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := scrapeClicks(client, c.URL+"/services/default/clicks/metrics")
				if err != nil || got < last {
					down.Store(fmt.Sprintf("from %v to %v, %v", last, got, err))
					return
				}
				last = got
			}
		})
	}
	var posting sync.WaitGroup
	for range posters {
		posting.Go(func() {
			for range posts / posters {
				response, err := client.Post(c.Addresses["clicks"]+"/click-button", "", nil)
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Errorf("POST: %s", response.Status)
				}
			}
		})
	}
	posting.Wait()
	eventually(t, patience, func() bool { return c.merged() >= posts }, func() string { return fmt.Sprint("merged count ", c.merged()) })
	close(stop)
	scraping.Wait()
	if d := down.Load(); d != nil {
		t.Errorf("the count went down under scrapes: %v", d)
	}
	if got := c.merged(); got != posts {
		t.Errorf("merged count %v, want exactly %d", got, posts)
	}
	// The database has the same, over all replicas that there were.
	eventually(t, patience, func() bool {
		stored, found := c.query(`merged:demo_app_button_clicks_total`)
		return found && stored == posts
	}, func() string { return "the database has another count" })
}

// TestClicksOnANewReplicaAreInItsRate: a replica may count before it is first scraped. Its counter tells when it was created,
// so the database knows that it was 0 then; otherwise the rate would miss those clicks.
func TestClicksOnANewReplicaAreInItsRate(t *testing.T) {
	t.Parallel()
	c := startUp(t, "--traffic", "0")
	// Click on while replicas come, so that some of them are hit at once.
	clicks := 0.0
	for c.application("clicks").Strip.Scale.Ready < 10 {
		c.click(5)
		clicks += 5
	}
	eventually(t, patience, func() bool { stored, _ := c.query(`sum(demo_app_button_clicks_total)`); return stored == clicks },
		func() string { return "the clicks are not stored" })
	inRate, _ := c.query(`sum(rate(demo_app_button_clicks_total[1h])) * 3600`) // however long the replicas took to come
	if inRate < 0.95*clicks {
		t.Errorf("the rate over 1h knows of %v clicks, %v were made", inRate, clicks)
	}
}

// scrapeClicks reads the button's counter from a text exposition.
func scrapeClicks(client *http.Client, url string) (float64, error) {
	response, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s, %v", response.Status, err)
	}
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(line, "demo_app_button_clicks_total "); ok {
			var value float64
			_, err := fmt.Sscan(rest, &value)
			return value, err
		}
	}
	return math.NaN(), fmt.Errorf("no demo_app_button_clicks_total in %d bytes", len(body))
}

func TestDogsAreWalkedByTheBuiltInTraffic(t *testing.T) {
	t.Parallel()
	c := startUp(t, "--traffic", "5")
	eventually(t, patience, func() bool {
		started, _ := c.query(`sum(walks_started_total)`)
		return started >= 3
	}, func() string { return "no walks are started" })
	var clicks float64
	eventually(t, patience, func() (found bool) {
		clicks, found = c.query(`sum(demo_app_button_clicks_total)`)
		return found
	}, func() string { return "clicks is not scraped" })
	if clicks != 0 {
		t.Errorf("%v clicks: the traffic must never click the button", clicks)
	}
}
