package controlplane

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Autoscalers as they were written before autoscaling/v2, which API servers take no more.
var oldAutoscalers = map[string]string{
	"v2beta1": `apiVersion: autoscaling/v2beta1
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}
  minReplicas: 1
  maxReplicas: 3
  metrics:
    - type: Pods
      pods: {metricName: migrated_load, targetAverageValue: "1"}
`,
	"v2beta2": `apiVersion: autoscaling/v2beta2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}
  minReplicas: 1
  maxReplicas: 3
  metrics:
    - type: Pods
      pods: {metric: {name: migrated_load}, target: {type: AverageValue, averageValue: "1"}}
`,
}

func TestAutoscalersThatWereConvertedScale(t *testing.T) {
	t.Parallel()
	c := running(t)
	theAdapter(t, c)
	together(t)
	for version, manifest := range oldAutoscalers {
		t.Run(version, func(t *testing.T) {
			tn := newTenant(t, c, "migrated-"+version, 1, "migrated_load")
			if _, problem := tryKubectl(t, c, manifest, "apply", "--server-side", "-n", tn.namespace, "-f", "-"); !strings.Contains(problem, "no matches for kind") {
				t.Fatalf("the API server still takes it: %s", problem)
			}
			expose(t, tn.series("migrated_load", 3, "3")...)
			tn.awaitValues(t, "migrated_load", 1)
			cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "truecount-adapter"), "migrate", "-o", "manifests", "-")
			var stdout, stderr bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(manifest), &stdout, &stderr
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			tn.apply(t, stdout.String())
			await(t, "three replicas", func() bool { return tn.wanted(t) == 3 })
		})
	}
}
