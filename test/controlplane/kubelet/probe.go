package kubelet

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/truecount/truecount/test/process"
)

func (c *container) hasReadiness() bool {
	return c.spec.ReadinessProbe != nil || c.spec.StartupProbe != nil
}

// probe asks the container how it is until ctx is done: whether it has started, and then whether it is ready and alive.
func (c *container) probe(ctx context.Context, p *process.Process) {
	restart := func(string) { p.SignalGroup(syscall.SIGTERM) } // the container's loop starts it again
	if c.spec.StartupProbe != nil && !c.untilStarted(ctx, restart) {
		return
	}
	var probing sync.WaitGroup
	defer probing.Wait()
	if c.spec.ReadinessProbe != nil {
		probing.Go(func() { c.keepAsking(ctx, c.spec.ReadinessProbe, c.setReady) })
	} else {
		c.setReady(ctx, true)
	}
	if c.spec.LivenessProbe != nil {
		probing.Go(func() {
			c.keepAsking(ctx, c.spec.LivenessProbe, func(_ context.Context, alive bool) {
				if !alive {
					restart("not alive")
				}
			})
		})
	}
}

func (c *container) untilStarted(ctx context.Context, restart func(string)) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started := false
	c.keepAsking(ctx, c.spec.StartupProbe, func(_ context.Context, succeeded bool) {
		if started = succeeded; !started {
			restart("not started")
		}
		cancel()
	})
	return started
}

func (c *container) setReady(ctx context.Context, ready bool) {
	c.mu.Lock()
	changed := c.ready != ready
	if changed {
		c.ready, c.since = ready, metav1.Now()
	}
	c.mu.Unlock()
	if changed {
		c.worker.report(ctx)
	}
}

// keepAsking calls decide whenever enough answers in a row were the same.
func (c *container) keepAsking(ctx context.Context, probe *corev1.Probe, decide func(context.Context, bool)) {
	// What the API server fills in is there: periods and thresholds are never 0.
	tick := time.NewTimer(time.Duration(probe.InitialDelaySeconds) * time.Second)
	defer tick.Stop()
	successes, failures := int32(0), int32(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := c.ask(ctx, probe); err == nil {
			successes, failures = successes+1, 0
		} else {
			successes, failures = 0, failures+1
			if ctx.Err() == nil {
				c.worker.log().Debug("a probe failed", "container", c.spec.Name, "error", err)
			}
		}
		if ctx.Err() != nil {
			return
		}
		if successes >= max(probe.SuccessThreshold, 1) {
			decide(ctx, true)
		} else if failures >= max(probe.FailureThreshold, 1) {
			decide(ctx, false)
		}
		tick.Reset(time.Duration(max(probe.PeriodSeconds, 1)) * time.Second)
	}
}

func (c *container) ask(ctx context.Context, probe *corev1.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(probe.TimeoutSeconds, 1))*time.Second)
	defer cancel()
	switch {
	case probe.HTTPGet != nil:
		return c.askHTTP(ctx, probe.HTTPGet)
	case probe.TCPSocket != nil:
		address, err := c.portAddress(probe.TCPSocket.Port)
		if err != nil {
			return err
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			conn.Close()
		}
		return err
	}
	return fmt.Errorf("a kind of probe that this kubelet does not have")
}

// prober asks as a kubelet does: new connections, whatever the certificate.
var prober = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (c *container) askHTTP(ctx context.Context, get *corev1.HTTPGetAction) error {
	address, err := c.portAddress(get.Port)
	if err != nil {
		return err
	}
	url := strings.ToLower(string(get.Scheme)) + "://" + address + "/" + strings.TrimPrefix(get.Path, "/")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	for _, header := range get.HTTPHeaders {
		request.Header.Add(header.Name, header.Value)
	}
	response, err := prober.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}

func (c *container) portAddress(port intstr.IntOrString) (string, error) {
	number := port.IntValue()
	if port.Type == intstr.String {
		for _, named := range c.spec.Ports {
			if named.Name == port.StrVal {
				number = int(named.ContainerPort)
			}
		}
	}
	if number == 0 {
		return "", fmt.Errorf("the container has no port %s", port.String())
	}
	return net.JoinHostPort(c.worker.address.String(), strconv.Itoa(number)), nil
}
