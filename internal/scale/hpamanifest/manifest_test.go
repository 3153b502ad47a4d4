package hpamanifest_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/hpamanifest"
	"github.com/truecount/truecount/internal/strictyaml"
)

var update = flag.Bool("update", false, "write the golden files")

// TestEveryVersionIsReadAndConverted compares each file in testdata with what it is in autoscaling/v2 and the list of changes.
func TestEveryVersionIsReadAndConverted(t *testing.T) {
	paths, err := filepath.Glob("testdata/*")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, ".golden") {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			found := read(t, path)
			var got strings.Builder
			for _, m := range found {
				got.WriteString("# " + m.Where + " " + m.Version + "\n")
				for _, c := range m.Changes {
					got.WriteString("# " + c.String() + "\n")
				}
				text, err := m.YAML()
				if err != nil {
					t.Fatal(err)
				}
				got.Write(text)
				if err := hpa.Validate(&m.HPA.Spec); err != nil {
					t.Errorf("what was converted is not valid: %v", err)
				}
				again, err := hpamanifest.Read("again.yaml", text)
				if err != nil || len(again) != 1 {
					t.Fatalf("what was written is not read: %v", err)
				}
				if diff := cmp.Diff(m.HPA, again[0].HPA); diff != "" || len(again[0].Changes) > 0 {
					t.Errorf("read again it has changes %v and differs:\n%s", again[0].Changes, diff)
				}
			}
			golden(t, path+".golden", got.String())
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update writes it):\n%s", path, diff)
	}
}

func read(t *testing.T, path string) []*hpamanifest.Manifest {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found, err := hpamanifest.Read(path, data)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheTutorialsManifestIsReadUnchanged(t *testing.T) {
	found := read(t, "../../../deploy/clicks/kubernetes/hpa.yaml")
	if len(found) != 1 || found[0].HPA.Name != "clicks" || len(found[0].Changes) != 0 || found[0].Version != "autoscaling/v2" {
		t.Fatalf("got %+v", found)
	}
	if q := found[0].HPA.Spec.Metrics[0].Pods.Target.AverageValue; q.String() != "10m" {
		t.Errorf("the target is %s", q)
	}
}

func TestMistakesHaveTheirPlaceAndAHint(t *testing.T) {
	const head = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: shop}\nspec:\n  scaleTargetRef: {kind: Deployment, name: shop}\n"
	beta1 := strings.Replace(head, "v2", "v2beta1", 1)
	first := strings.Replace(head, "v2", "v1", 1)
	for _, test := range []struct{ name, text, want string }{
		{"a field that is not known", head + "  maxReplica: 3\n", "shop.yaml:6:3: spec.maxReplica: unknown field\nhint: did you mean maxReplicas?"},
		{"a version that never was", strings.Replace(head, "v2", "v3", 1) + "  maxReplicas: 3\n",
			`shop.yaml:1:13: apiVersion: want one of autoscaling/v2, autoscaling/v2beta2, autoscaling/v2beta1, autoscaling/v1, got "autoscaling/v3"` + "\nhint: write autoscaling/v2"},
		{"text for a number", head + "  maxReplicas: \"3\"\n", "shop.yaml:6:16: spec.maxReplicas: want a whole number, got the text \"3\"\nhint: leave the quotes out"},
		{"no quantity", head + "  maxReplicas: 3\n  metrics: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, averageValue: ten}}}]\n",
			"shop.yaml:7:95: spec.metrics[0].pods.target.averageValue: want a quantity, got the text \"ten\"\nhint: write a number, with a suffix if you like: 10m is 0.01, 2k is 2000"},
		{"an exponent without end", head + "  maxReplicas: 3\n  metrics: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, averageValue: 1e999999999}}}]\n",
			"spec.metrics[0].pods.target.averageValue: want a quantity, got the text"},
		{"a type without its field", head + "  maxReplicas: 3\n  metrics: [{type: Pods}]\n",
			"shop.yaml:7:13: spec.metrics[0]: the metric of type Pods has no pods\nhint: add it: pods: {…}"},
		{"a field of another type", head + "  maxReplicas: 3\n  metrics: [{type: Pods, pods: &p {metric: {name: a}, target: {type: AverageValue, averageValue: 1}}, external: *p}]\n",
			"spec.metrics[0].external: the metric is of type Pods\nhint: leave it out, or change the type"},
		{"two targets in v2beta1", beta1 + "  maxReplicas: 3\n  metrics: [{type: External, external: {metricName: a, targetValue: 1, targetAverageValue: 1}}]\n",
			"shop.yaml:7:40: spec.metrics[0].external: want exactly one of targetValue and targetAverageValue, got both\nhint: leave one"},
		{"no target in v2beta1", beta1 + "  maxReplicas: 3\n  metrics: [{type: Resource, resource: {name: cpu}}]\n",
			"want exactly one of targetAverageUtilization and targetAverageValue, got none"},
		{"a field of v2 in v2beta1", beta1 + "  maxReplicas: 3\n  metrics: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, averageValue: 1}}}]\n",
			"spec.metrics[0].pods.metric: unknown field"},
		{"a bad annotation in v1", first + "  maxReplicas: 3\n---\n" + strings.Replace(first, "{name: shop}", `{name: shop, annotations: {autoscaling.alpha.kubernetes.io/metrics: '[{"type":"Pods","pods":{}}]'}}`, 1) + "  maxReplicas: 3\n",
			`metadata.annotations."autoscaling.alpha.kubernetes.io/metrics": metrics[0].pods.metricName: is missing`},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := hpamanifest.Read("shop.yaml", []byte(test.text))
			var mistakes strictyaml.Errors
			if !errors.As(err, &mistakes) {
				t.Fatalf("got %v, %v; want mistakes", found, err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := hpamanifest.Read("fuzz.yaml", data)
		if err != nil {
			var mistakes strictyaml.Errors
			if !errors.As(err, &mistakes) || len(mistakes) == 0 {
				t.Fatalf("an error that is no mistake of the file: %v", err)
			}
			return
		}
		for _, m := range found {
			text, err := m.YAML()
			if err != nil {
				t.Fatal(err)
			}
			again, err := hpamanifest.Read("again.yaml", text)
			if err != nil || len(again) != 1 {
				t.Fatalf("what was written is not read: %v\n%s", err, text)
			}
			if diff := cmp.Diff(m.HPA, again[0].HPA); diff != "" {
				t.Errorf("read again it differs:\n%s", diff)
			}
		}
	})
}
