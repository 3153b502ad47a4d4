package up

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Application is the part of the first page's answer that is measured.
type Application struct {
	Name  string
	Strip *struct {
		Scale *struct {
			Wanted, Running, Ready int
			Reason                 string
		}
	}
	Replicas []struct{ Name string }
}

// Application asks what the first page shows of an application that scales.
func (u *Up) Application(ctx context.Context, name string) (Application, error) {
	var answer struct{ Applications []Application }
	if err := u.get(ctx, "/api/truecount/v1/applications", &answer); err != nil {
		return Application{}, err
	}
	for _, a := range answer.Applications {
		if a.Name == name && a.Strip != nil && a.Strip.Scale != nil {
			return a, nil
		}
	}
	return Application{}, fmt.Errorf("no application %s that scales", name)
}

// Query asks PromQL for one value; found is false for an empty answer.
func (u *Up) Query(ctx context.Context, promql string) (value float64, found bool, err error) {
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := u.get(ctx, "/api/v1/query?query="+url.QueryEscape(promql), &answer); err != nil {
		return 0, false, err
	}
	if len(answer.Data.Result) == 0 {
		return 0, false, nil
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	value, err = strconv.ParseFloat(text, 64)
	return value, err == nil, err
}

// Exposed reads the first series of a name from a text exposition that has the label, written as `name="value"`; "" is
// any.
func (u *Up) Exposed(ctx context.Context, path, name, label string) (float64, error) {
	body, err := read(ctx, u.api, u.URL+path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(body)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || (rest[0] != '{' && rest[0] != ' ') || !strings.Contains(rest, label) {
			continue
		}
		return strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' ')+1:]), 64)
	}
	return 0, fmt.Errorf("%s has no %s{%s}", path, name, label)
}

// get decodes an answer of 200.
func (u *Up) get(ctx context.Context, path string, into any) error {
	return Get(ctx, u.api, u.URL+path, into)
}

// Get decodes a JSON answer of 200 from any server.
func Get(ctx context.Context, client *http.Client, address string, into any) error {
	body, err := read(ctx, client, address)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

func read(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", address, response.Status)
	}
	return io.ReadAll(response.Body)
}

// Samples returns how many samples of a metric's first series the Prometheus API at address has for a chart of the last
// minute. It asks query_range as a chart does; counted are stored samples, not the points between them that a chart
// would repeat.
func Samples(ctx context.Context, client *http.Client, address, metric string) (int, error) {
	now := strconv.FormatFloat(float64(time.Now().UnixMilli())/1000, 'f', 3, 64)
	parameters := url.Values{
		"query": {"count_over_time(" + metric + "[1m])"},
		"start": {now},
		"end":   {now},
		"step":  {"1"},
	}
	var answer struct {
		Data struct{ Result []struct{ Values [][2]any } }
	}
	if err := Get(ctx, client, address+"/api/v1/query_range?"+parameters.Encode(), &answer); err != nil {
		return 0, err
	}
	if len(answer.Data.Result) == 0 || len(answer.Data.Result[0].Values) == 0 {
		return 0, nil
	}
	text, _ := answer.Data.Result[0].Values[0][1].(string)
	return strconv.Atoi(text)
}

// Click hits the button once, over a connection of its own as another person would, and waits for the acknowledgement.
func (u *Up) Click(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.Addresses["clicks"]+"/click-button", http.NoBody)
	if err != nil {
		return err
	}
	response, err := u.button.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("POST /click-button: %s", response.Status)
	}
	return nil
}

// Patience bounds how long is waited for what must come. It is no expectation of speed.
const Patience = 2 * time.Minute

// Await asks again and again until holds says yes, and returns the time of the answer that did. It asks at once and then
// every so often; of its answers only the last is measured, so it errs by at most that period and one answer's time.
func Await(ctx context.Context, every time.Duration, what string, holds func() (bool, error)) (time.Time, error) {
	patience := time.NewTimer(Patience)
	defer patience.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ok, err := holds()
		if err != nil {
			return time.Time{}, fmt.Errorf("wait for %s: %w", what, err)
		}
		if ok {
			return time.Now(), nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-patience.C:
			return time.Time{}, fmt.Errorf("no %s within %v", what, Patience)
		case <-tick.C:
		}
	}
}
