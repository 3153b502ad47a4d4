package guides

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/test/tool"
)

// clicked is how often the page hits the button, twice.
const clicked = 100

// claims are what a page says of the output of its commands, by the comment above the block. Each is demanded of what
// the commands print now, and of what the page shows.
type claims map[string]func(outputs []string) error

var ofNaiveAndTrue = claims{
	"every answer is one worker's":                       answersOfOneWorker,
	"rate sees clicks that nobody made":                  clicksThatNobodyMade,
	"the ports add up":                                   portsAddUp,
	"both say one hundred":                               func(o []string) error { return sums(o[0], clicked, clicked) },
	"a range that is too small is an error and a metric": errorAndMetric,
	"the alert fires":                                    alertFires,
	"the sum falls and the sidecar stands":               sumFalls,
}

func TestB1TheGuideNaiveAndTrueIsTrue(t *testing.T) {
	for _, name := range []string{"bash", "curl", "promtool"} {
		tool.Need(t, name)
	}
	t.Parallel()
	newShell(t).walkPage("naive-and-true.md", ofNaiveAndTrue)
}

// walkPage walks through a whole page and demands its claims.
func (s *shell) walkPage(page string, claims claims) {
	t := s.t
	t.Helper()
	seen := map[string]bool{}
	for _, b := range blocks(t, page) {
		outputs, shown := s.walk(b)
		if b.claim == "" {
			continue
		}
		claim := claims[b.claim]
		if claim == nil {
			t.Fatalf("nothing checks the claim %q", b.claim)
		}
		seen[b.claim] = true
		if err := claim(shown); err != nil {
			t.Errorf("%s: the page shows something else: %v", b.claim, err)
		}
		// What depends on scrapes may take some more of them.
		for deadline := time.Now().Add(time.Minute); ; {
			err := claim(outputs)
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %v; the output was:\n%s", b.claim, err, strings.Join(outputs, "\n"))
			}
			if last := b.commands[len(b.commands)-1]; strings.Contains(last.text, "promtool ") {
				s.run("sleep 0.5")
				outputs = s.queries(b)
			} else {
				outputs, _ = s.walk(b)
			}
		}
	}
	for name := range claims {
		if !seen[name] {
			t.Errorf("the page no longer claims %q", name)
		}
	}
	if left, _ := s.run("jobs -r"); strings.TrimSpace(left) != "" {
		t.Errorf("the page leaves programs running:\n%s", left)
	}
}

// walk runs the commands of a block; the outputs are of those that the page shows output of.
func (s *shell) walk(b block) (outputs, shown []string) {
	s.t.Helper()
	for _, c := range b.commands {
		out, status := s.run(c.text)
		if fails := strings.Contains(c.shown, "clicks: no free port"); (status != 0) != fails && !strings.HasSuffix(c.text, "wait") {
			s.t.Fatalf("$ %s\nends with status %d:\n%s", c.text, status, out)
		}
		if c.shown == "" {
			continue
		}
		if b.claim == "" && out != c.shown {
			s.t.Errorf("$ %s\nprints %q, and the page shows %q", c.text, out, c.shown)
		}
		outputs, shown = append(outputs, out), append(shown, c.shown)
	}
	return outputs, shown
}

// queries runs the commands of a block again that only ask.
func (s *shell) queries(b block) (outputs []string) {
	s.t.Helper()
	for _, c := range b.commands {
		if strings.Contains(c.text, "promtool ") {
			out, _ := s.run(c.text)
			outputs = append(outputs, out)
		}
	}
	return outputs
}

var counted = regexp.MustCompile(`(?m)^(?: *(\d+) )?demo_app_button_clicks_total (\d+)$`)

// answersOfOneWorker wants several answers, none of which is the truth.
func answersOfOneWorker(outputs []string) error {
	answers := counted.FindAllStringSubmatch(outputs[0], -1)
	asked, total := 0, 0
	for _, answer := range answers {
		times, _ := strconv.Atoi(answer[1])
		clicks, _ := strconv.Atoi(answer[2])
		if clicks >= clicked {
			return fmt.Errorf("one worker has all clicks")
		}
		asked += times
		total += clicks
	}
	if len(answers) < 2 || len(answers) > 4 || asked != 30 {
		return fmt.Errorf("want answers of 2 to 4 workers in 30, got %d in %d", len(answers), asked)
	}
	if len(answers) == 4 && total != clicked {
		return fmt.Errorf("the four workers have %d clicks together, want %d", total, clicked)
	}
	return nil
}

// clicksThatNobodyMade wants resets, and a rate far from the truth, which is 0.
func clicksThatNobodyMade(outputs []string) error {
	resets, err := values(outputs[0])
	if err != nil {
		return err
	}
	rate, err := values(outputs[1])
	if err != nil {
		return err
	}
	if resets["naive"] < 1 || rate["naive"] < 1 {
		return fmt.Errorf("want resets and a rate, got %v and %v", resets, rate)
	}
	return nil
}

func portsAddUp(outputs []string) error {
	total, answers := 0, counted.FindAllStringSubmatch(outputs[0], -1)
	for _, answer := range answers {
		clicks, _ := strconv.Atoi(answer[2])
		total += clicks
	}
	if len(answers) != 5 || total != clicked {
		return fmt.Errorf("want 5 workers with %d clicks, got %d with %d", clicked, len(answers), total)
	}
	return nil
}

func errorAndMetric(outputs []string) error {
	said, metrics := outputs[0], outputs[1]
	if !regexp.MustCompile(`^clicks: no free port for metrics: ports \d+ to \d+ of .* are all in use: 5 by workers of this range; raise WEB_CONCURRENCY .*\n$`).MatchString(said) {
		return fmt.Errorf("the error is %q", said)
	}
	// It may have been run more than once, if the machine was too busy to answer in time.
	if !regexp.MustCompile(`^worker_port_range_exhausted_total\{range="overlapping"\} 0\nworker_port_range_exhausted_total\{range="own"\} [1-9]\n$`).MatchString(metrics) {
		return fmt.Errorf("the merged metrics are %q", metrics)
	}
	return nil
}

func alertFires(outputs []string) error {
	of, err := values(outputs[0])
	if err != nil {
		return err
	}
	if of["ports"] <= 0 || of["sidecar"] <= 0 {
		return fmt.Errorf("want an increase in both jobs, got %v", of)
	}
	return nil
}

func sumFalls(outputs []string) error {
	of, err := values(outputs[0])
	if err != nil {
		return err
	}
	if of["sidecar"] != clicked || of["ports"] >= clicked {
		return fmt.Errorf("want a sum of ports below %d and %[1]d of the sidecar, got %v", clicked, of)
	}
	return nil
}

func sums(output string, ports, sidecar float64) error {
	of, err := values(output)
	if err != nil {
		return err
	}
	if of["ports"] != ports || of["sidecar"] != sidecar {
		return fmt.Errorf("want %v of the ports and %v of the sidecar, got %v", ports, sidecar, of)
	}
	return nil
}

var sample = regexp.MustCompile(`(?m)^\{.*job="(\w+)"\} => (\S+) @`)

// values reads promtool's answer by job.
func values(output string) (map[string]float64, error) {
	of := map[string]float64{}
	for _, found := range sample.FindAllStringSubmatch(output, -1) {
		value, err := strconv.ParseFloat(found[2], 64)
		if err != nil {
			return nil, err
		}
		of[found[1]] = value
	}
	if len(of) == 0 {
		return nil, fmt.Errorf("no sample in %q", output)
	}
	return of, nil
}
