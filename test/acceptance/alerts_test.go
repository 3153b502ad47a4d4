package acceptance

import (
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// send posts a form to one of the demos and does not follow where that leads.
func (c *chain) send(name, path string, form url.Values, want int) {
	c.t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(c.Addresses[name]+path, form)
	if err != nil {
		c.t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != want {
		c.t.Fatalf("POST %s of %s: %s, want %d", path, name, response.Status, want)
	}
}

// fires reports whether an alert of that name is firing, in the server's own series.
func (c *chain) fires(alert string) bool {
	c.t.Helper()
	v, _ := c.query(fmt.Sprintf(`count(ALERTS{alertname=%q, alertstate="firing"})`, alert))
	return v > 0
}

func (c *chain) awaitFiring(alert string, want bool) {
	c.t.Helper()
	eventually(c.t, 2*patience, func() bool { return c.fires(alert) == want }, func() string {
		return fmt.Sprintf("%s fires: %v, want %v", alert, !want, want)
	})
}
