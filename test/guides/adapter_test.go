package guides

import (
	"testing"

	"github.com/truecount/truecount/test/tool"
)

func TestTheGuideFromPrometheusAdapterIsTrue(t *testing.T) {
	for _, name := range []string{"bash", "curl"} {
		tool.Need(t, name)
	}
	t.Parallel()
	// Every block of the page shows the whole output.
	newShell(t).walkPage("from-prometheus-adapter.md", nil)
}
