package promapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/truecount/truecount/internal/hint"
)

// question is one request to the API.
type question struct {
	path string // below /api/v1
	form url.Values
	read func(*answer) error // takes in the data; called at most once
}

// ask sends a question, reads its answer and says what went wrong, for callers and their users.
func (c *Client) ask(ctx context.Context, q question) error {
	within, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	err := c.exchange(within, q)
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err() // the caller gave up: nothing is known about the server
	}
	var f *fault
	if !errors.As(err, &f) {
		return err // the caller's own, from what is told of each series
	}
	e := &Error{Kind: f.kind, Server: c.server, Status: f.status, text: f.text, cause: f.cause}
	if f.hint != "" {
		return hint.Errorf(f.hint, "%w", e)
	}
	return e
}

// exchange asks by POST and, if the server does not take that, by GET.
func (c *Client) exchange(ctx context.Context, q question) error {
	if deadline, ok := ctx.Deadline(); ok {
		// The server can stop working when nobody waits any more.
		q.form.Set("timeout", strconv.FormatFloat(max(0.001, time.Until(deadline).Seconds()), 'f', 3, 64))
	}
	for name, values := range c.params {
		q.form[name] = append(q.form[name], values...)
	}
	byGet := c.getOnly.Load()
	response, err := c.send(ctx, q, byGet)
	if err == nil && !byGet && c.options.Method == "" &&
		(response.StatusCode == http.StatusMethodNotAllowed || response.StatusCode == http.StatusNotImplemented) {
		response.Body.Close()
		if response, err = c.send(ctx, q, true); err == nil && response.StatusCode < 300 {
			c.getOnly.Store(true)
		}
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return refusal(response)
	}
	if err := notJSON(response); err != nil {
		return err
	}
	return c.take(response, q.read)
}

func (c *Client) send(ctx context.Context, q question, byGet bool) (*http.Response, error) {
	to := *c.base
	to.Path += "/api/v1/" + q.path
	method, body := http.MethodPost, io.Reader(strings.NewReader(q.form.Encode()))
	if byGet {
		method, body = http.MethodGet, nil
		to.RawQuery = q.form.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return nil, network(err, "cannot be asked")
	}
	request.Header = c.options.Header.Clone()
	if !byGet {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "truecount")
	if c.base.Scheme == "http" {
		// Nobody speaks plain HTTP over far networks, and over near ones packing and unpacking takes longer than sending.
		request.Header.Set("Accept-Encoding", "identity")
	}
	response, err := c.http.Do(request)
	if err != nil {
		if response != nil {
			response.Body.Close()
		}
		if f := (*fault)(nil); errors.As(err, &f) {
			return nil, f // a redirect
		}
		return nil, network(err, "cannot be reached")
	}
	return response, nil
}

// take reads a successful answer.
func (c *Client) take(response *http.Response, read func(*answer) error) error {
	a := newAnswer(response.Body, &c.options)
	end, err := a.envelope(read)
	if err != nil {
		if f := (*fault)(nil); errors.As(err, &f) {
			f.status = response.StatusCode
		}
		return err
	}
	if end.status != "success" {
		return end.refusal(response.StatusCode)
	}
	return end.remarks(&c.options)
}

// maxRefusal bounds what is read of an answer that refuses: it is for people.
const maxRefusal = 64 << 10

// refusal says why a server did not answer.
func refusal(response *http.Response) *fault {
	if to := response.Header.Get("Location"); response.StatusCode/100 == 3 && to != "" {
		return &fault{kind: NotUnderstood, status: response.StatusCode, text: fmt.Sprintf("answered %s", response.Status)}
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal)) // what there is will do
	if notJSON(response) == nil {
		a := newAnswer(bytes.NewReader(body), &Options{MaxBytes: maxRefusal})
		if end, err := a.envelope(func(a *answer) error { return a.skip() }); err == nil && end.status == "error" {
			return end.refusal(response.StatusCode)
		}
	}
	f := &fault{kind: kindOfStatus(response.StatusCode), status: response.StatusCode, text: "answered " + response.Status}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind == "text/plain" && len(body) > 0 {
		f.text += ": " + oneLine(string(body)) // written for people
	}
	return f.withHint()
}

func (f *fault) withHint() *fault {
	switch {
	case f.kind == TimedOut:
		f.cause = context.DeadlineExceeded
	case f.status == http.StatusNotFound:
		f.hint = "is the address that of the API? Mimir's ends in /prometheus, VictoriaMetrics' cluster has /select/TENANT/prometheus"
	case f.kind == Denied:
		f.hint = "are the credentials right, and may they read?"
	}
	return f
}

func kindOfStatus(status int) Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return Denied
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return TimedOut
	case status == http.StatusTooManyRequests, status >= 500:
		return Unavailable
	case status == http.StatusNotFound, status < 400:
		return NotUnderstood
	}
	return Rejected
}

// notJSON tells an answer that says of itself that it is something else.
func notJSON(response *http.Response) *fault {
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || kind == "application/json" || kind == "text/plain" {
		return nil // none or a vague one: the content will show
	}
	f := faultf(NotUnderstood, "answered with %s instead of JSON", kind).
		with("is the address that of a Prometheus API, and does something in between ask for a login?")
	f.status = response.StatusCode
	return f
}

// oneLine keeps what a server says from forging lines of a log, or filling it.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	const most = 500
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + " …"
	}
	return text
}
