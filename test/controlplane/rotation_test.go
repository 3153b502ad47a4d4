package controlplane

import (
	"testing"
	"time"

	"github.com/truecount/truecount/test/controlplane/cluster"
	"github.com/truecount/truecount/test/pki"
)

func TestK9ANewServingCertificateIsTakenWithoutARestart(t *testing.T) {
	t.Parallel()
	c := running(t)
	a := theAdapter(t, c)
	alone(t)
	renewed, err := pki.NewAuthority("adapter-adapter-2")
	if err != nil {
		t.Fatal(err)
	}
	before := podUIDs(t, a)
	unavailable := watchAvailability(t, c)
	old := a.authority
	// First both are trusted, then the certificate changes, then the old one is no longer trusted.
	a.bundle = append(append([]byte{}, old.PEM...), renewed.PEM...)
	registerAPI(t, a, v1beta1, v1beta2)
	a.certify(t, renewed)
	a.awaitCertificate(t, renewed)
	a.authority, a.bundle = renewed, nil
	registerAPI(t, a, v1beta1, v1beta2)
	discoveryOf(t, c, v1beta1)
	if lost := unavailable(); len(lost) > 0 {
		t.Errorf("not available: %v", lost)
	}

	// The API server checks: what has expired is not taken when it connects anew, which a change of the authorities makes it do.
	t.Cleanup(func() { // the others need it
		if t.Failed() {
			a.bundle = nil
			a.certify(t, renewed)
			registerAPI(t, a, v1beta1, v1beta2)
		}
	})
	a.certifyUntil(t, renewed, time.Now().Add(-time.Minute))
	await(t, "the expired certificate is served", func() bool {
		for _, address := range a.podAddresses(t) {
			if certificate := servedCertificate(t, address); certificate == nil || certificate.NotAfter.After(time.Now()) {
				return false
			}
		}
		return true
	})
	a.bundle = append(append([]byte{}, renewed.PEM...), old.PEM...)
	apply(t, c, apiService(a, v1beta1)+apiService(a, v1beta2), "-f", "-")
	kubectl(t, c, "wait", "--for=condition=Available=False", "apiservice/"+v1beta1, "--timeout=5m")
	a.certify(t, renewed)
	a.awaitCertificate(t, renewed)
	a.bundle = nil
	registerAPI(t, a, v1beta1, v1beta2)
	discoveryOf(t, c, v1beta1)
	if after := podUIDs(t, a); after != before {
		t.Errorf("the adapter was restarted: %s, before %s", after, before)
	}
}

// awaitCertificate returns when all pods show one of an authority that has not expired.
func (a *adapter) awaitCertificate(t *testing.T, authority *pki.Authority) {
	t.Helper()
	await(t, "the new certificate", func() bool {
		for _, address := range a.podAddresses(t) {
			if certificate := servedCertificate(t, address); certificate == nil || certificate.CheckSignatureFrom(authority.Certificate) != nil || certificate.NotAfter.Before(time.Now()) {
				return false
			}
		}
		return true
	})
}

// discoveryOf waits until the API server passes on requests for a version again.
func discoveryOf(t *testing.T, c *cluster.Cluster, apiService string) {
	t.Helper()
	version, group := apiService[:len("v1beta1")], apiService[len("v1beta1."):]
	await(t, apiService+" answers", func() bool {
		_, err := c.Client.Discovery().RESTClient().Get().AbsPath("/apis/" + group + "/" + version).DoRaw(t.Context())
		return err == nil
	})
}
