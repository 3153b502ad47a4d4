package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/truecount/truecount/test/kubeapi"
	"github.com/truecount/truecount/test/promqlserver"
	"github.com/truecount/truecount/test/script"
)

var update = flag.Bool("update", false, "write docs/reference/adapter.md")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"truecount-adapter": main})
}

type kubeKey struct{}
type promKey struct{}

// TestScripts runs the adapter as an operator does, before a Kubernetes API and a Prometheus of the test: testdata/script has a
// file for each subject. The variables KUBECONFIG and PROMETHEUS lead to them.
func TestScripts(t *testing.T) {
	commands := script.Commands("truecount-adapter")
	commands["kube"], commands["store"], commands["get"], commands["prometheus"], commands["await-get"] = kube, store, get, prometheusDoes, awaitGet
	commands["unpack"], commands["apiservice"] = unpack, expects
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                commands,
		Setup: func(env *testscript.Env) error {
			t := env.T().(testing.TB)
			cluster, prom := kubeapi.New(), promqlserver.New(t)
			env.Defer(cluster.Close)
			env.Values[kubeKey{}], env.Values[promKey{}] = cluster, prom
			cluster.Put("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication", kubeapi.Object{"data": kubeapi.Object{}})
			kubeconfig, err := cluster.Kubeconfig(env.WorkDir)
			if err != nil {
				return err
			}
			env.Setenv("KUBECONFIG", kubeconfig)
			env.Setenv("PROMETHEUS", prom.URL)
			// What every adapter of the scripts is started with.
			env.Setenv("CLUSTER", fmt.Sprintf("--lister-kubeconfig=%[1]s --authentication-kubeconfig=%[1]s --authorization-kubeconfig=%[1]s", kubeconfig))
			return script.Setup(env)
		},
	})
}

// kube changes the cluster: put PATH JSON, remove PATH, fail CODE, silence, deny PATTERN; or tells what it was asked since forget:
// asked NUMBER PREFIX.
func kube(ts *testscript.TestScript, _ bool, args []string) {
	cluster := ts.Value(kubeKey{}).(*kubeapi.Server)
	switch args[0] {
	case "put":
		o := kubeapi.Object{}
		ts.Check(json.Unmarshal([]byte(args[2]), &o))
		cluster.Put(args[1], o)
	case "putfile":
		cluster.Put(args[1], kubeapi.Object{"metadata": kubeapi.Object{"labels": kubeapi.Object{"truecount/rules": "true"}},
			"data": kubeapi.Object{"rules.yaml": ts.ReadFile(args[2])}})
	case "remove":
		cluster.Remove(args[1])
	case "fail":
		code, err := strconv.Atoi(args[1])
		ts.Check(err)
		cluster.Fail(code)
	case "silence":
		cluster.Silence(true)
	case "forget":
		cluster.Forget()
	case "asked":
		if got := cluster.Requests(args[2]); fmt.Sprint(len(got)) != args[1] {
			ts.Fatalf("the cluster was asked %d times: %q", len(got), got)
		}
	case "deny":
		cluster.Allow(func(user, verb, path string) bool {
			return !regexp.MustCompile(args[1]).MatchString(user + " " + verb + " " + path)
		})
	default:
		ts.Fatalf("kube %s?", args[0])
	}
}

// unpack writes the certificate and key of a directory's secret.yaml into files, as a mounted Secret has them.
func unpack(ts *testscript.TestScript, _ bool, args []string) {
	var secret corev1.Secret
	ts.Check(yaml.UnmarshalStrict([]byte(ts.ReadFile(args[0]+"/secret.yaml")), &secret))
	for name, data := range secret.Data {
		ts.Check(os.WriteFile(ts.MkAbs(filepath.Join(args[0], name)), data, 0o600))
	}
}

// expects gives the cluster our APIService with the caBundle of a patch.
func expects(ts *testscript.TestScript, _ bool, args []string) {
	var patch []struct{ Value string }
	ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(args[0])), &patch))
	ts.Value(kubeKey{}).(*kubeapi.Server).Put("/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.custom.metrics.k8s.io", kubeapi.Object{
		"spec": kubeapi.Object{"caBundle": patch[0].Value, "service": kubeapi.Object{"namespace": "truecount", "name": "truecount-adapter"}},
	})
}

// store gives Prometheus a counter that has grown steadily in the last minutes: store SERIES PER_SECOND. With a time at the end,
// as 10m, it goes on for that long, so that its rate is the same however late it is asked.
func store(ts *testscript.TestScript, _ bool, args []string) {
	prom := ts.Value(promKey{}).(*promqlserver.Server)
	rate, err := strconv.ParseFloat(args[1], 64)
	ts.Check(err)
	var ahead time.Duration
	if len(args) > 2 {
		ahead, err = time.ParseDuration(args[2])
		ts.Check(err)
	}
	now := time.Now().Truncate(time.Second)
	begin := now.Add(-3 * time.Minute)
	for at := begin; !at.After(now.Add(ahead)); at = at.Add(15 * time.Second) {
		ts.Check(prom.Append(args[0], rate*at.Sub(begin).Seconds(), at))
	}
}

// prometheusDoes makes Prometheus fail: status CODE, hang, or nothing, which ends that.
func prometheusDoes(ts *testscript.TestScript, _ bool, args []string) {
	prom := ts.Value(promKey{}).(*promqlserver.Server)
	switch args[0] {
	case "status":
		code, err := strconv.Atoi(args[1])
		ts.Check(err)
		prom.Fail(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true })
	case "hang":
		prom.Fail(func(_ http.ResponseWriter, req *http.Request) bool { <-req.Context().Done(); return true })
	case "nothing":
		prom.Fail(nil)
	default:
		ts.Fatalf("prometheus %s?", args[0])
	}
}

// The adapter's certificate is its own here; whose it is, is the subject of other tests.
var secure = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

func fetch(url, user string) (int, string, error) {
	req, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	if user != "" {
		req.Header.Set("Authorization", "Bearer "+user)
	}
	resp, err := secure.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// get asks as a user, or as nobody (-): get USER URL STATUS PATTERN...
func get(ts *testscript.TestScript, _ bool, args []string) {
	status, body, err := fetch(args[1], strings.TrimPrefix(args[0], "-"))
	ts.Check(err)
	if fmt.Sprint(status) != args[2] {
		ts.Fatalf("%s: status %d, want %s: %s", args[1], status, args[2], body)
	}
	for _, pattern := range args[3:] {
		negative := strings.HasPrefix(pattern, "!")
		if regexp.MustCompile(strings.TrimPrefix(pattern, "!")).MatchString(body) == negative {
			ts.Fatalf("%s: %s does not match %s", args[1], body, pattern)
		}
	}
}

// awaitGet asks until the answer is as wanted.
func awaitGet(ts *testscript.TestScript, _ bool, args []string) {
	deadline, tick := time.NewTimer(time.Minute), time.NewTicker(20*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for {
		status, body, err := fetch(args[1], strings.TrimPrefix(args[0], "-"))
		if err == nil && fmt.Sprint(status) == args[2] && (len(args) < 4 || regexp.MustCompile(args[3]).MatchString(body)) {
			return
		}
		select {
		case <-deadline.C:
			ts.Fatalf("%s: %d %s %v", args[1], status, body, err)
		case <-tick.C:
		}
	}
}
