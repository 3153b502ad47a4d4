package app

import (
	"testing"
	"time"

	"github.com/truecount/truecount/internal/application"
)

// A scrape of one of its replicas has a service decide; nobody else's does, nor what is scraped for the first page's lines.
func TestAStoredScrapeWakesTheAutoscalerOfItsService(t *testing.T) {
	a, err := New(Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), AnyApplicationPort: true,
		Applications: []*application.Application{button(t, "clicks", freePort(t)), button(t, "more", freePort(t))}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	stored := a.stored()
	for _, tt := range []struct {
		name   string
		labels map[string]string
		woken  bool
	}{
		{"a replica", map[string]string{"namespace": "default", "service": "clicks", "pod": "clicks-0"}, true},
		{"a replica of another service", map[string]string{"namespace": "default", "service": "more", "pod": "more-0"}, false},
		{"of that name in another namespace", map[string]string{"namespace": "shops", "service": "clicks", "pod": "clicks-0"}, false},
		{"the server itself", map[string]string{"job": "truecount"}, false},
		{"a line of the first page", map[string]string{"instance": "default/clicks"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 3 { // it never blocks, however often
				stored(func(label string) string { return tt.labels[label] })
			}
			woken := 0
			for len(a.services[0].wake) > 0 {
				<-a.services[0].wake
				woken++
			}
			if woken > 1 || (woken == 1) != tt.woken {
				t.Errorf("woken %d times", woken)
			}
		})
	}
}

func TestAScrapeBringsADecisionForwardByOneScrapeIntervalAtMost(t *testing.T) {
	for _, tt := range []struct{ period, scrape, want time.Duration }{
		{time.Second, time.Second, 250 * time.Millisecond},
		{15 * time.Second, time.Second, 14 * time.Second},
		{15 * time.Second, 15 * time.Second, 3750 * time.Millisecond},
		{time.Second, time.Minute, 250 * time.Millisecond},
	} {
		local := application.DefaultLocal()
		local.SyncPeriod, local.ScrapeInterval = application.Duration(tt.period), application.Duration(tt.scrape)
		if got := leastBetweenSyncs(local); got != tt.want {
			t.Errorf("decisions every %v, scrapes every %v: at least %v between decisions, want %v", tt.period, tt.scrape, got, tt.want)
		}
	}
}
