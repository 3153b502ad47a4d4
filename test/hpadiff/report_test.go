package hpadiff

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// report says where a history differs, and what leads there.
func (d *difference) report(h history) string {
	var b strings.Builder
	fmt.Fprintf(&b, "differs: run it again with -history %d; what is left of it is %s\n", h.seed, h)
	fmt.Fprintf(&b, "(- Kubernetes, + ours)\n%s", cmp.Diff(d.theirs, d.ours))
	fmt.Fprintf(&b, "our reason: %s\n", d.explanation)
	spec, err := yaml.Marshal(d.in.Spec)
	if err != nil {
		return err.Error()
	}
	fmt.Fprintf(&b, "%s", spec)
	fmt.Fprintf(&b, "settings: %+v\nnow %s, replicas %d, observed %d\n", d.in.Settings, d.in.Now, d.in.Replicas, d.in.Observed)
	for _, p := range d.in.Pods {
		fmt.Fprintf(&b, "pod %+v\n", p)
	}
	for i, r := range d.in.Readings {
		fmt.Fprintf(&b, "reading %d: %+v\n", i, r)
	}
	fmt.Fprintf(&b, "remembered: recommendations %v\nups %v\ndowns %v\n", d.before.Recommendations, d.before.ScaleUps, d.before.ScaleDowns)
	return b.String()
}
