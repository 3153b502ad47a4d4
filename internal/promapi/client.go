package promapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/truecount/truecount/internal/hint"
)

// Defaults of [Options].
const (
	DefaultTimeout   = 30 * time.Second
	DefaultMaxBytes  = 256 << 20
	DefaultMaxSeries = 500_000
	DefaultMaxPoints = 10_000_000
)

// Options say which server is asked, and how much it may answer. Only URL must be given.
type Options struct {
	// URL is where the API is, without /api/v1: http://prometheus:9090, or https://mimir/prometheus. Its parameters, if it
	// has any, are sent with every question.
	URL string
	// Transport carries the requests, with TLS and credentials; nil means one of our own without either. It should not be
	// shared with a client that follows redirects.
	Transport http.RoundTripper
	// Header is sent with every request, as X-Scope-OrgID for Mimir.
	Header http.Header
	// Method is GET or POST. Left out it is POST, and GET from the moment on that a server does not take POST.
	Method string
	// Timeout bounds each request, from the connection to the last byte; the context may be shorter.
	Timeout time.Duration
	// MaxBytes bounds an answer, after decompression.
	MaxBytes int64
	// MaxSeries bounds the series of an answer.
	MaxSeries int
	// MaxPoints bounds the points of a range query, of all its parts together.
	MaxPoints int
	// AllowPartial makes an answer that lacks a part of the data a warning instead of an error.
	AllowPartial bool
	// Warn is told what a server remarks about a question that it answered; nil: nobody. It may be called concurrently.
	Warn func(text string)
}

// Client asks one server. It may be used concurrently.
type Client struct {
	options Options
	base    *url.URL // without credentials and parameters
	params  url.Values
	server  string // for errors
	http    *http.Client
	getOnly atomic.Bool // the server was found not to take POST
	exact   atomic.Bool // it was found to move the times of range queries
}

// New checks the options. It sends nothing.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		// What was given is not repeated: it may hold a password.
		return nil, hint.Errorf("write it as http://prometheus:9090", "the address of the Prometheus API is no http or https URL")
	}
	switch o.Method {
	case "", http.MethodGet, http.MethodPost:
	default:
		return nil, hint.Errorf("use GET or POST", "a Prometheus API is not asked by %s", o.Method)
	}
	setDefault(&o.Timeout, DefaultTimeout)
	setDefault(&o.MaxBytes, DefaultMaxBytes)
	setDefault(&o.MaxSeries, DefaultMaxSeries)
	setDefault(&o.MaxPoints, DefaultMaxPoints)
	if o.Header = o.Header.Clone(); o.Header == nil {
		o.Header = http.Header{}
	}
	if user := base.User; user != nil && o.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		basic := http.Request{Header: o.Header}
		basic.SetBasicAuth(user.Username(), password)
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	c := &Client{options: o, params: base.Query()}
	c.base = &url.URL{Scheme: base.Scheme, Host: base.Host, Path: strings.TrimRight(base.Path, "/")}
	c.server = c.base.String()
	c.http = &http.Client{Transport: o.Transport, CheckRedirect: c.redirect}
	c.getOnly.Store(o.Method == http.MethodGet)
	return c, nil
}

// Server returns the address that is asked, without credentials and parameters.
func (c *Client) Server() string { return c.server }

// Close closes connections that are not in use. The client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// redirect follows a server that moves a question about within itself. Another host, port or scheme would get the
// credentials that were meant for this one.
func (c *Client) redirect(to *http.Request, via []*http.Request) error {
	switch {
	case to.URL.Scheme != c.base.Scheme || to.URL.Host != c.base.Host:
		return faultf(NotUnderstood, "redirects to %s://%s, which is not followed", to.URL.Scheme, to.URL.Host).
			with("if that is the server, give its address; if it asks for a login, give credentials")
	case to.Method != via[0].Method:
		return faultf(NotUnderstood, "redirects to another path in a way that loses the question").
			with("give the address that it redirects to")
	case len(via) > 5:
		return faultf(NotUnderstood, "redirects in a circle")
	}
	return nil
}

func setDefault[T int | int64 | time.Duration](value *T, def T) {
	if *value <= 0 {
		*value = def
	}
}

// sizeOf writes a number of bytes for people.
func sizeOf(n int64) string {
	for _, unit := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.size {
			return fmt.Sprintf("%.4g %s", float64(n)/float64(unit.size), unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
