package app

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/application"
)

func TestTwoConcurrentInstances(t *testing.T) {
	one := launch(t, Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), AnyApplicationPort: true,
		Applications: []*application.Application{button(t, "clicks", freePort(t))}})
	two := launch(t, Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), AnyApplicationPort: true,
		Applications: []*application.Application{button(t, "clicks", freePort(t))}})
	one.click("clicks", 3)
	two.click("clicks", 5)
	one.eventuallyValue("sum(demo_app_button_clicks_total)", "3")
	two.eventuallyValue("sum(demo_app_button_clicks_total)", "5")

	// The end of one is not the end of the other.
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	two.click("clicks", 2)
	two.eventuallyValue("sum(demo_app_button_clicks_total)", "7")
	if _, _, err := one.send(http.MethodGet, one.URL()); err == nil {
		t.Error("the stopped one still answers")
	}
}

func TestOneNameInTwoNamespacesIsTwoApplications(t *testing.T) {
	inShops, inStalls := button(t, "clicks", freePort(t)), button(t, "clicks", freePort(t))
	inShops.Metadata.Namespace, inStalls.Metadata.Namespace = "shops", "stalls"
	r := launch(t, Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), AnyApplicationPort: true,
		Applications: []*application.Application{inShops, inStalls}})
	r.eventuallyValue(`count(up{job="clicks", pod="clicks-0"} == 1)`, "2")
	r.eventuallyValue(`truecount_supervise_replicas_ready{application="clicks", namespace="shops"}`, "1")
	for _, namespace := range []string{"shops", "stalls"} {
		if body := r.get("/replicas/" + namespace + "/clicks-0/metrics"); !strings.Contains(body, "demo_app_button_clicks_total 0") {
			t.Errorf("the replica in %s has no count:\n%s", namespace, body)
		}
	}
}

func TestAnApplicationMayBeNamedLikeThisProgram(t *testing.T) {
	r := launch(t, Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), AnyApplicationPort: true,
		Applications: []*application.Application{button(t, "truecount", freePort(t))}})
	r.eventuallyValue(`up{job="truecount", pod="truecount-0"}`, "1")
}

func TestTrafficGetsTheAddressesOnceEverythingServes(t *testing.T) {
	given := make(chan map[string]string, 1)
	r := launch(t, Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), AnyApplicationPort: true,
		Applications: []*application.Application{button(t, "clicks", freePort(t))},
		Traffic: func(ctx context.Context, addresses map[string]string) error {
			given <- addresses
			<-ctx.Done()
			return nil
		}})
	addresses := soon(t, "traffic starts", given)
	if status, _, err := r.send(http.MethodGet, addresses["clicks"]+"/health/"); err != nil || status != http.StatusOK {
		t.Errorf("the application does not serve when the traffic begins: %d %v", status, err)
	}
}

func TestAPartThatFailsEndsAllOfIt(t *testing.T) {
	port := freePort(t)
	fail := make(chan struct{})
	a, err := New(Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), readyAfter: notified,
		Applications: []*application.Application{button(t, "clicks", port)},
		Traffic: func(context.Context, map[string]string) error {
			<-fail
			return errors.New("the dogs are tired")
		}})
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, a)
	soon(t, "ready", a.Ready())
	close(fail)
	soon(t, "Run returns", r.ended)
	if err := r.stop(); err == nil || err.Error() != "traffic: the dogs are tired" {
		t.Errorf("Run says %v", err)
	}
	heldNothing(t, a, port)
}
