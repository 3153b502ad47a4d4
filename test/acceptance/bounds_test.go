package acceptance

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestA9TheAverageWalkDistanceLeavesItsBandAndReturns walks dogs too short, as they should, too far, and as they should
// again: the alerts of demo/dogwalk/truecount.yaml fire and resolve, judged by the embedded server from what it scraped.
func TestA9TheAverageWalkDistanceLeavesItsBandAndReturns(t *testing.T) {
	t.Parallel()
	k := &kennel{chain: startUp(t, "--traffic", "0")}
	k.awaitCounts()
	k.wantAlert("AverageWalkTooShort", false) // nobody walked: the average is no number, and below nothing
	k.wantAlert("AverageWalkTooLong", false)

	k.walk(10, 50) // metres; the band is 200 to 2000
	k.awaitAlert("AverageWalkTooShort", true)
	k.wantAlert("AverageWalkTooLong", false)
	k.walk(20, 1000) // 683 on average
	k.awaitAlert("AverageWalkTooShort", false)

	k.post("/alerts/long-walks", nil) // 20 times 9 km: 4010 on average
	k.awaitAlert("AverageWalkTooLong", true)
	k.wantAlert("AverageWalkTooShort", false)
	k.walk(150, 500) // 1378 on average
	k.awaitAlert("AverageWalkTooLong", false)
}

// TestA9TheNewestWalkGetsTooOldAndANewOneIsStarted closes the kennel, as a visitor does on the page of the alerts.
func TestA9TheNewestWalkGetsTooOldAndANewOneIsStarted(t *testing.T) {
	t.Parallel()
	k := &kennel{chain: startUpWith(t, []string{"LAST_WALK_MAX_AGE=5s"}, "--traffic", "0")}
	k.awaitCounts()
	k.wantAlert("NewestWalkTooOld", false) // there is none yet: that is not old

	k.walk(1, 500)
	k.post("/alerts/close", nil)
	if status, _ := k.post("/walks/start", url.Values{"dog": {"1"}, "walker": {"1"}}); status != http.StatusConflict {
		t.Fatalf("a walk from the closed kennel: status %d, want 409", status)
	}
	k.awaitAlert("NewestWalkTooOld", true)
	k.post("/alerts/open", nil)
	eventually(t, patience, func() bool {
		k.walk(1, 500) // again: a busy machine may look at one when that is old, too
		return k.alertIs("NewestWalkTooOld", false)
	}, func() string { return "NewestWalkTooOld still fires; " + k.numbers() })
}

// kennel is dogwalk within a running chain.
type kennel struct{ *chain }

// post submits a form as a page would, and does not follow where it leads.
func (k *kennel) post(path string, form url.Values) (status int, location string) {
	k.t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(k.Addresses["dogwalk"]+path, form)
	if err != nil {
		k.t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode >= 500 {
		k.t.Fatalf("POST %s: %s: %s", path, response.Status, body)
	}
	return response.StatusCode, response.Header.Get("Location")
}

// walk starts and completes so many walks.
func (k *kennel) walk(times, metres int) {
	k.t.Helper()
	for range times {
		_, started := k.post("/walks/start", url.Values{"dog": {"1"}, "walker": {"1"}})
		id, found := strings.CutPrefix(started, "/?walk=")
		if !found {
			k.t.Fatalf("a walk did not start: sent to %q", started)
		}
		k.post("/walks/"+id+"/complete", url.Values{"distance": {fmt.Sprint(metres)}})
	}
}

// awaitCounts waits until the counts of 0 are stored, from which the first walks are a rise.
func (k *kennel) awaitCounts() {
	k.t.Helper()
	eventually(k.t, patience, func() bool {
		samples, _ := k.query(`sum(count_over_time(walk_distance_count[5m]))`)
		return samples >= 2
	}, func() string { return "dogwalk is not scraped" })
}

// firing reports whether the server says that an alert of that name is firing, in its API and in its own series.
func (k *kennel) firing(name string) bool {
	k.t.Helper()
	var answer struct {
		Data struct {
			Alerts []struct {
				State  string
				Labels map[string]string
			}
		}
	}
	if err := json.Unmarshal(k.get("/api/v1/alerts"), &answer); err != nil {
		k.t.Fatal(err)
	}
	for _, a := range answer.Data.Alerts {
		if a.Labels["alertname"] == name && a.State == "firing" {
			return true
		}
	}
	return false
}

func (k *kennel) alertIs(name string, firing bool) bool {
	k.t.Helper()
	series, found := k.query(fmt.Sprintf(`ALERTS{alertname=%q, alertstate="firing"}`, name))
	return k.firing(name) == firing && found == firing && (!found || series == 1)
}

func (k *kennel) wantAlert(name string, firing bool) {
	k.t.Helper()
	if got := k.firing(name); got != firing {
		k.t.Errorf("%s fires: %v, want %v; %s", name, got, firing, k.numbers())
	}
}

func (k *kennel) awaitAlert(name string, firing bool) {
	k.t.Helper()
	eventually(k.t, patience, func() bool { return k.alertIs(name, firing) },
		func() string { return fmt.Sprintf("%s does not change to firing %v; %s", name, firing, k.numbers()) })
}

// numbers are what the rules compare.
func (k *kennel) numbers() string {
	k.t.Helper()
	average, _ := k.query(`sum(rate(walk_distance_sum[5m])) / sum(rate(walk_distance_count[5m]))`)
	age, _ := k.query(`time() - max(last_walk_started_timestamp_seconds)`)
	return fmt.Sprintf("the average walk is %.0f m, the newest is %.0f s old", average, age)
}
