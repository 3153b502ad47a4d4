package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestA6AComponentThatIsAddedIsStoredAndAlertedOnAndGoesWhenItIsDeleted adds a component that is never in its window at the time
// of the test, with the labels that the alert of demo/servicewindow/truecount.yaml looks for.
func TestA6AComponentThatIsAddedIsStoredAndAlertedOnAndGoesWhenItIsDeleted(t *testing.T) {
	t.Parallel()
	c := startUp(t, "--traffic", "0")
	eventually(t, patience, func() bool { v, _ := c.query(`checkout_service_window_in_window{tier="1"}`); return v == 1 },
		func() string { return "the components of a new table are missing" })
	begins := time.Now().UTC().Add(12 * time.Hour)
	day := strings.ToLower(begins.Format("Mon"))
	c.send("servicewindow", "/components", url.Values{"name": {"web-shop"}, "labels": {"tier=1, team=web"}, "day": {day},
		"start": {begins.Format("15:04")}, "hours": {"1"}, "zone": {"UTC"}}, http.StatusSeeOther)
	series := `web_shop_service_window_in_window{team="web", tier="1", pod="servicewindow-0"}`
	eventually(t, patience, func() bool { v, found := c.query(series); return found && v == 0 }, func() string { return "it is not stored" })
	next, _ := c.query(`web_shop_service_window_next_start`)
	if last, _ := c.query(`web_shop_service_window_last_end`); int64(next) != begins.Truncate(time.Minute).Unix() || last > next-6*24*3600 {
		t.Errorf("it starts at %v, want %v; the last end is %v", next, begins.Truncate(time.Minute).Unix(), last)
	}
	eventually(t, patience, func() bool {
		v, _ := c.query(`ALERTS{alertname="CoreComponentOutOfService", component="web_shop", alertstate="firing"}`)
		return v == 1
	}, func() string { return "no alert" })

	body, _, err := fetch(c.Addresses["servicewindow"] + "/components.json")
	if err != nil {
		t.Fatal(err)
	}
	var components []struct {
		ID   int64
		Name string
	}
	if err := json.Unmarshal(body, &components); err != nil {
		t.Fatal(err)
	}
	for _, component := range components {
		if component.Name == "web-shop" {
			c.send("servicewindow", fmt.Sprintf("/components/%d/delete", component.ID), nil, http.StatusSeeOther)
		}
	}
	eventually(t, patience, func() bool { _, found := c.query(series); return !found }, func() string { return "it is still there" })
	c.awaitFiring("CoreComponentOutOfService", false)
}
