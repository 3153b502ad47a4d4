package acceptance

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
)

// TestA5BreakingTheServiceFiresItsAlertsAndARepairResolvesThem breaks latency for all visitors, as its page does, and repairs it:
// the alerts of demo/latency/truecount.yaml follow, judged by the embedded server from what it scraped.
func TestA5BreakingTheServiceFiresItsAlertsAndARepairResolvesThem(t *testing.T) {
	t.Parallel()
	c := startUpWith(t, []string{"RESPONSE_TIME_MEDIAN=20ms", "RESPONSE_TIME_P99=40ms", "BROKEN_SLOWDOWN=100"}, "--traffic", "3")
	eventually(t, patience, func() bool {
		v, _ := c.query(`sum(http_requests_total{service="latency", status="200"})`)
		return v > 50
	},
		func() string { return "nobody visits" })
	if c.fires("AnswersAreErrors") {
		t.Error("AnswersAreErrors fires while all is well")
	}
	for _, alert := range []string{"AnswersAreSlow", "UptimeStandsStill"} { // a busy machine may be slow for a while
		c.awaitFiring(alert, false)
	}
	c.send("latency", "/break", nil, http.StatusOK)
	c.awaitFiring("AnswersAreErrors", true)
	c.awaitFiring("AnswersAreSlow", true)
	if p95, _ := c.query(`latency_p95_seconds`); p95 <= 1 {
		t.Errorf("the signal says %v s, want what the alert sees", p95)
	}
	c.send("latency", "/repair", nil, http.StatusOK)
	c.awaitFiring("AnswersAreErrors", false)
	c.awaitFiring("AnswersAreSlow", false)
}

// TestA5TheUptimeOfTwoWorkersAdvancesByOneASecondAndOutlivesThem kills the worker that counts it, and the other.
func TestA5TheUptimeOfTwoWorkersAdvancesByOneASecondAndOutlivesThem(t *testing.T) {
	t.Parallel()
	c := startUp(t, "--traffic", "0")
	const total = `sum(service_uptime_seconds_total)`
	uptime := func() float64 { v, _ := c.query(total); return v }
	eventually(t, patience, func() bool { return uptime() > 15 }, func() string { return fmt.Sprintf("the uptime is %v", uptime()) })
	var perSecond float64
	eventually(t, patience, func() bool {
		perSecond, _ = c.query(`sum(rate(service_uptime_seconds_total[10s]))`)
		return perSecond >= 0.5 && perSecond <= 1.5
	}, func() string { return fmt.Sprintf("it advances by %v a second, want 1", perSecond) })
	for _, worker := range c.application("latency").Replicas[0].Workers { // one of them counts
		if err := syscall.Kill(worker.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	before := uptime()
	eventually(t, patience, func() bool {
		now, found := c.query(total)
		if found && now < before { // there is none after a scrape that failed
			t.Fatalf("the uptime fell from %v to %v", before, now)
		}
		return now > before+5
	}, func() string { return fmt.Sprintf("the uptime stands at %v, %v before the kill", uptime(), before) })
}
