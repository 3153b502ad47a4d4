package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// front asks an adapter as the API server's aggregation layer does: one connection of HTTP/2, known by a client certificate,
// on behalf of a user that a header names.
type front struct {
	address string
	client  *http.Client
}

func (c *cluster) newFront(address string) (*front, error) {
	pair, err := c.front.Client(frontProxy)
	if err != nil {
		return nil, err
	}
	certificate, err := pair.TLS()
	if err != nil {
		return nil, err
	}
	return &front{address: "https://" + address, client: &http.Client{
		Timeout: 90 * time.Second, // beyond the minute that the server allows itself
		Transport: &http.Transport{
			TLSClientConfig:    &tls.Config{RootCAs: c.authority.Pool(), Certificates: []tls.Certificate{certificate}},
			ForceAttemptHTTP2:  true,
			DisableCompression: true, // as between machines that are near one another; both would compress alike
		},
	}}, nil
}

// errTimeout is the answer that the time the server allows for one is over: a minute, by default.
var errTimeout = errors.New("504 Gateway Timeout")

func (f *front) close() { f.client.CloseIdleConnections() }

// get returns the whole answer to the autoscaler.
func (f *front) get(ctx context.Context, path string) ([]byte, error) {
	return f.getAs(ctx, path, autoscaler, "system:serviceaccounts", "system:authenticated")
}

// getAs returns the whole answer to a user with groups.
func (f *front) getAs(ctx context.Context, path, user string, groups ...string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.address+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Remote-User", user)
	for _, group := range groups {
		request.Header.Add("X-Remote-Group", group)
	}
	request.Header.Set("Accept", "application/json")
	response, err := f.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusGatewayTimeout {
		return nil, errTimeout
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %.500s", path, response.Status, body)
	}
	return body, nil
}
