// Package machine names the machine that measured: a figure without it says nothing.
package machine

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Describe returns one line each for the processor, the system, the toolchain, the commit and the load. What cannot be
// found out on a system is left out or said.
func Describe(ctx context.Context) []string {
	return []string{
		fmt.Sprintf("cpu:    %s, %d cores", cpuModel(ctx), runtime.NumCPU()),
		fmt.Sprintf("system: %s %s/%s%s", output(ctx, "uname", "-sr"), runtime.GOOS, runtime.GOARCH, memory()),
		"go:     " + runtime.Version(),
		"commit: " + commit(ctx),
		"load:   " + Load(),
		"time:   " + time.Now().UTC().Format("2006-01-02 15:04 MST"),
	}
}

// Load returns the load averages over 1, 5 and 15 minutes; how far figures of a shared machine can be trusted.
func Load() string {
	content, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(content))
	if err != nil || len(fields) < 3 {
		return "not known"
	}
	return strings.Join(fields[:3], " ")
}

func cpuModel(ctx context.Context) string {
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		return model
	}
	if model := output(ctx, "sysctl", "-n", "machdep.cpu.brand_string"); model != "" {
		return model
	}
	return "model not known"
}

func memory() string {
	if total := field("/proc/meminfo", "MemTotal"); total != "" {
		return ", memory " + total
	}
	return ""
}

// commit names what was measured, and says so if it is not what the commit holds.
func commit(ctx context.Context) string {
	hash := output(ctx, "git", "rev-parse", "--short=12", "HEAD")
	if hash == "" {
		return "not known"
	}
	if changed := output(ctx, "git", "status", "--porcelain", "--untracked-files=no"); changed != "" {
		return fmt.Sprintf("%s and uncommitted changes in %d files", hash, len(strings.Split(changed, "\n")))
	}
	return hash
}

// field returns the first "name : value" of a file as /proc has them.
func field(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func output(ctx context.Context, name string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
