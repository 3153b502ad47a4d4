package traffic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

// errUnanswered means that nobody knows whether the request was served.
var errUnanswered = errors.New("no answer")

// visitor fills in dogwalk's forms.
type visitor struct {
	base   string
	client *http.Client
}

func newVisitor(base string, transport http.RoundTripper) *visitor {
	return &visitor{
		base: strings.TrimSuffix(base, "/"),
		client: &http.Client{
			Transport: transport,
			Timeout:   10 * time.Second,
			// Where a form leads to says which walk it was.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// kennel is who can walk.
type kennel struct{ Dogs, Walkers []int64 }

func (k kennel) empty() bool { return len(k.Dogs) == 0 || len(k.Walkers) == 0 }

func (v *visitor) kennel(ctx context.Context) (kennel, error) {
	answer, err := v.send(ctx, http.MethodGet, "/kennel.json", nil)
	if err != nil {
		return kennel{}, err
	}
	if answer.status != http.StatusOK {
		return kennel{}, answer.unexpected()
	}
	type named struct {
		ID int64 `json:"id"`
	}
	var list struct{ Dogs, Walkers []named }
	if err := json.Unmarshal(answer.body, &list); err != nil {
		return kennel{}, fmt.Errorf("/kennel.json: %w", err)
	}
	var k kennel
	for _, d := range list.Dogs {
		k.Dogs = append(k.Dogs, d.ID)
	}
	for _, w := range list.Walkers {
		k.Walkers = append(k.Walkers, w.ID)
	}
	return k, nil
}

// start starts a walk and returns the path of the form that completes it.
func (v *visitor) start(ctx context.Context, dog, walker int64) (path string, err error) {
	answer, err := v.send(ctx, http.MethodPost, "/walks/start", url.Values{
		"dog": {strconv.FormatInt(dog, 10)}, "walker": {strconv.FormatInt(walker, 10)},
	})
	if err != nil {
		return "", err
	}
	if answer.status != http.StatusSeeOther {
		return "", answer.unexpected()
	}
	target, err := url.Parse(answer.location)
	if err != nil {
		return "", fmt.Errorf("the walk started at no valid address: %w", err)
	}
	id, err := strconv.ParseInt(target.Query().Get("walk"), 10, 64)
	if err != nil {
		return "", fmt.Errorf("the walk that started has no number: %w", err)
	}
	return fmt.Sprintf("/walks/%d/complete", id), nil
}

// forget posts the form without a walker, which must be refused.
func (v *visitor) forget(ctx context.Context, dog int64) error {
	answer, err := v.send(ctx, http.MethodPost, "/walks/start", url.Values{"dog": {strconv.FormatInt(dog, 10)}})
	if err != nil {
		return err
	}
	if answer.status != http.StatusBadRequest {
		return answer.unexpected()
	}
	return nil
}

func (v *visitor) complete(ctx context.Context, path string, metres int) error {
	answer, err := v.send(ctx, http.MethodPost, path, url.Values{"distance": {strconv.Itoa(metres)}})
	if err != nil {
		return err
	}
	switch {
	case answer.status == http.StatusSeeOther:
		return nil
	case answer.status == http.StatusNotFound, answer.status == http.StatusBadRequest:
		return nil // somebody deleted the dog, or completed its walk
	case answer.status >= http.StatusInternalServerError:
		return fmt.Errorf("%w: %w", errUnanswered, answer.unexpected())
	}
	return answer.unexpected()
}

type answer struct {
	request  string
	status   int
	location string
	body     []byte
}

func (a answer) unexpected() error {
	return fmt.Errorf("%s answered %d %s", a.request, a.status, http.StatusText(a.status))
}

func (v *visitor) send(ctx context.Context, method, path string, form url.Values) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := v.client.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	return answer{method + " " + path, response.StatusCode, response.Header.Get("Location"), body}, nil
}
