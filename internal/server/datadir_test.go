package server

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/hint"
)

func TestASecondServerOnADataDirectoryIsRefused(t *testing.T) {
	config, dir := configuration(t, "scrape.yml", "target.invalid:1", "127.0.0.1:1"), t.TempDir()
	in := run(t, config, func(o *Options) { o.DataDir = dir })
	_, err := New(Options{ConfigFile: config, DataDir: dir})
	if err == nil || err.Error() != "data directory "+dir+" is in use by another server" {
		t.Errorf("New = %v", err)
	}
	if got := hint.Of(err); got != "stop the other server, or choose another data directory" {
		t.Errorf("hint = %q", got)
	}
	in.eventuallyValue(t, "up", "0") // the first one goes on
	in.stop()
	run(t, config, func(o *Options) { o.DataDir = dir }).eventuallyValue(t, "up", "0")
}

func TestAnUnusableDataDirectoryIsExplained(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "file"), "")
	for name, c := range map[string]struct{ dir, want string }{
		"a file":              {file, file + " cannot be used: not a directory"},
		"below a file":        {file + "/data", "data cannot be used: "},
		"where nothing grows": {"/proc/truecount", "/proc/truecount cannot be used: no such file or directory"},
		"none":                {"", "no data directory given"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Options{ConfigFile: configuration(t, "scrape.yml"), DataDir: c.dir})
			if err == nil || !strings.Contains(err.Error(), c.want) || hint.Of(err) == "" {
				t.Errorf("New = %v, hint %q; want %q", err, hint.Of(err), c.want)
			}
		})
	}
}

func TestSamplesAreThereAfterARestart(t *testing.T) {
	tg, dir := newTarget(t, "clicks_total 7\n"), t.TempDir()
	config := configuration(t, "scrape.yml", "target.invalid:1", tg.addr())
	in := run(t, config, func(o *Options) { o.DataDir = dir })
	in.eventuallyValue(t, "clicks_total", "7")
	in.stop()
	tg.Close()
	again := run(t, config, func(o *Options) { o.DataDir = dir })
	if got := again.value(t, "max_over_time(clicks_total[5m])"); got != "7" {
		t.Errorf("after the restart: %q", got)
	}
}

func TestACanceledContextEndsAStartAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tg := newTarget(t, "clicks_total 7\n")
	config := configuration(t, "rules.yml", "target.invalid:1", tg.addr(), "alertmanager.invalid:1", "127.0.0.1:1")
	withRules(t, config, "rules_clicks.yml")
	for range 5 {
		s, err := New(Options{ConfigFile: config, DataDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
