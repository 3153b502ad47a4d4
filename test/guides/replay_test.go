package guides

import (
	"errors"
	"strings"
	"testing"

	"github.com/truecount/truecount/test/tool"
)

// TestTheGuideReplayIsTrue walks through the page. What it shows of a written history is exact; what depends on the clock is claimed.
func TestTheGuideReplayIsTrue(t *testing.T) {
	for _, name := range []string{"bash", "curl", "awk"} {
		tool.Need(t, name)
	}
	t.Parallel()
	newShell(t).walkPage("replay.md", claims{"the record of this machine is found": func(outputs []string) error {
		if !strings.Contains(outputs[0], "spec.replicas: truecount_scale_desired_replicas") {
			return errors.New("what truecount recorded of itself is not used")
		}
		return nil
	}})
}
