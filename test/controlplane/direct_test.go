package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/test/controlplane/cluster"
	"github.com/truecount/truecount/test/pki"
)

// caller asks an adapter's pod itself, past the API server.
type caller struct {
	client  *http.Client
	address string
	headers map[string]string
}

// direct calls the first of the adapter's pods with a client certificate, or none, and headers.
func (a *adapter) direct(t *testing.T, certificate *pki.Pair, headers map[string]string) *caller {
	t.Helper()
	return a.callers(t, certificate, headers)[0]
}

// callers has one for each of the adapter's pods.
func (a *adapter) callers(t *testing.T, certificate *pki.Pair, headers map[string]string) (all []*caller) {
	t.Helper()
	config := &tls.Config{RootCAs: a.authority.Pool(), ServerName: a.serverName()}
	if certificate != nil {
		pair, err := certificate.TLS()
		if err != nil {
			t.Fatal(err)
		}
		// Not Certificates: from those only one is chosen that the server says it would take.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: answerLimit}
	for _, address := range a.podAddresses(t) {
		all = append(all, &caller{client, net.JoinHostPort(address, "6443"), headers})
	}
	return all
}

// asFrontProxy are callers whom the adapter takes for the API server, for an administrator.
func (a *adapter) asFrontProxy(t *testing.T) []*caller {
	t.Helper()
	pair, err := a.cluster.PKI.FrontProxy.Client(cluster.FrontProxy)
	if err != nil {
		t.Fatal(err)
	}
	return a.callers(t, &pair, masters)
}

// podAddresses are those of the adapter's pods, once all of them are ready.
func (a *adapter) podAddresses(t *testing.T) (all []string) {
	t.Helper()
	await(t, "the adapter's pods are ready", func() bool {
		pods, err := a.cluster.Client.CoreV1().Pods(a.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=truecount-adapter"})
		if err != nil {
			return false
		}
		all = nil
		for _, pod := range pods.Items {
			if pod.DeletionTimestamp != nil {
				continue
			}
			if !slices.ContainsFunc(pod.Status.Conditions, func(condition corev1.PodCondition) bool {
				return condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
			}) {
				return false
			}
			all = append(all, pod.Status.PodIP)
		}
		return len(all) > 0
	})
	return all
}

// get returns the status, or 0 with what is wrong with the connection.
func (c *caller) get(ctx context.Context, path string) (status int, said string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+c.address+path, nil)
	if err != nil {
		return 0, err.Error()
	}
	for name, value := range c.headers {
		request.Header.Set(name, value)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(body)
}

// getDecided is get, repeated as long as the API server cannot be asked who somebody is or what they may.
func (c *caller) getDecided(t *testing.T, path string) (status int, said string) {
	t.Helper()
	await(t, "a decision about "+path, func() bool {
		status, said = c.get(t.Context(), path)
		return status < http.StatusInternalServerError
	})
	return status, said
}

// servedCertificate is what the adapter's pod shows.
func servedCertificate(t *testing.T, address string) *x509.Certificate {
	t.Helper()
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second}, Config: &tls.Config{InsecureSkipVerify: true}} // looked at, not trusted
	conn, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(address, "6443"))
	if err != nil {
		return nil
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
}
