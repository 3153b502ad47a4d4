package goredismetrics_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// startCluster runs a cluster of one server, which clients reach by TCP only, and says where.
func startCluster(t *testing.T) (address string) {
	t.Helper()
	bin := redisServer(t)
	ports := freePorts(t, 2)
	address = fmt.Sprintf("127.0.0.1:%d", ports[0])
	s := &server{dir: t.TempDir()}
	s.process = exec.Command(bin, "--bind", "127.0.0.1", "--port", fmt.Sprint(ports[0]), "--cluster-port", fmt.Sprint(ports[1]),
		"--cluster-enabled", "yes", "--dir", s.dir, "--save", "")
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	client := redis.NewClient(&redis.Options{Addr: address})
	defer func() { _ = client.Close() }()
	eventually(t, func(ctx context.Context) error { return client.Ping(ctx).Err() })
	must(t, client.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err())
	eventually(t, func(ctx context.Context) error {
		info, err := client.ClusterInfo(ctx).Result()
		if err == nil && !strings.Contains(info, "cluster_state:ok") {
			err = fmt.Errorf("the cluster is not ready: %s", info)
		}
		return err
	})
	return address
}

// freePorts returns ports that were free a moment ago.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// eventually tries until it succeeds.
func eventually(t *testing.T, try func(ctx context.Context) error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		err := try(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// redisServer finds the program. Without it on this machine the test is skipped.
func redisServer(t *testing.T) string {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err == nil {
		return bin
	}
	const missing = "redis-server is not installed: run scripts/tools.sh"
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

func TestClustersAndRingsCountOnce(t *testing.T) {
	address := startCluster(t)
	for name, client := range map[string]redis.UniversalClient{
		"cluster": redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{address}}),
		"ring":    redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": address}}),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() { must(t, client.Close()) }()
			k := observe(t, client)
			ctx := t.Context()
			must(t, client.Set(ctx, "Rex", "7", 0).Err())
			must(t, client.Get(ctx, "Rex").Err())
			k.expect(t, counts{gets: 1, hits: 1})
			must(t, client.MGet(ctx, "{Rex}", "{Rex}:age").Err())
			k.expect(t, counts{gets: 2, misses: 2})
			_, _ = client.Pipelined(ctx, func(p redis.Pipeliner) error {
				for _, dog := range []string{"Rex", "Bo", "Cy", "Dee"} { // in several slots
					p.Get(ctx, dog)
				}
				return nil
			})
			k.expect(t, counts{gets: 4, hits: 1, misses: 3})
			_, _ = client.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Get(ctx, "Rex")
				return p.Get(ctx, "{Rex}:age").Err()
			})
			k.expect(t, counts{gets: 2, hits: 1, misses: 1})
		})
	}
}
