package controlplane

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// apiService is the registration of one version of one API, with the authority of the adapter's certificate.
func apiService(a *adapter, name string) string {
	version, group, _ := strings.Cut(name, ".")
	bundle := a.bundle
	if bundle == nil {
		bundle = a.authority.PEM
	}
	return fmt.Sprintf(`apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: %s}
spec:
  group: %s
  version: %s
  groupPriorityMinimum: 100
  versionPriority: %s
  service: {name: truecount-adapter, namespace: %s, port: 443}
  caBundle: %s
---
`, name, group, version, map[string]string{"v1beta1": "100", "v1beta2": "200"}[version], a.namespace, base64.StdEncoding.EncodeToString(bundle))
}

// registerAPI makes the API server send requests to the adapter, and waits until it says that it does.
func registerAPI(t *testing.T, a *adapter, names ...string) {
	t.Helper()
	var text strings.Builder
	for _, name := range names {
		text.WriteString(apiService(a, name))
	}
	apply(t, a.cluster, text.String(), "-f", "-")
	for _, name := range names {
		kubectl(t, a.cluster, "wait", "--for=condition=Available", "apiservice/"+name, "--timeout=5m")
	}
}

func unregisterAPI(t *testing.T, a *adapter, names ...string) {
	t.Helper()
	kubectl(t, a.cluster, append([]string{"delete", "apiservice"}, names...)...)
}
