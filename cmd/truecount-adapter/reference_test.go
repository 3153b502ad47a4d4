package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/scale/metricsapi"
)

const referenceOpening = `# truecount-adapter

<!-- Written by: go test ./cmd/truecount-adapter -update -->

The help of every command as the program prints it. Standard output carries what a command was asked to say, standard error the
log and, at an error, one message: ` + "`truecount-adapter: …`" + ` and mostly a line ` + "`hint: …`" + `. The exit code is 0, or 1 after an error.

The flags under *Serving* are those of Kubernetes' own API server library, and prometheus-adapter's. Flags of prometheus-adapter that mean nothing
here (` + "`--client-qps`, `--client-burst`, `--logtostderr`" + ` and those of Kubernetes' logging) are taken and have no effect.
`

func TestTheReferenceOfTheAdapterIsCurrent(t *testing.T) {
	page := bytes.NewBufferString(referenceOpening)
	for _, cmd := range append([]*cobra.Command{newRoot()}, newRoot().Commands()...) {
		if cmd.Hidden || cmd.Name() == "serve" { // the root command's flags are those of serve
			continue
		}
		page.WriteString("\n## " + cmd.CommandPath() + "\n\n```text\n" + help(t, cmd) + "```\n")
	}
	page.WriteString("\n## What it says of itself\n\nOn /metrics, beside those of Kubernetes' API server library, Go and the process:\n\n| metric | labels | |\n|---|---|---|\n")
	page.WriteString(ownMetrics(t))
	file := filepath.Join("..", "..", "docs", "reference", "adapter.md")
	if *update {
		if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, page.Bytes()) {
		t.Errorf("%s is not what the command says of itself (%v); write it with: go test ./cmd/truecount-adapter -update", file, err)
	}
}

// ownMetrics is a row for each of the adapter's metrics.
func ownMetrics(t *testing.T) string {
	t.Helper()
	m, err := metricsapi.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`fqName: "([^"]+)", help: "([^"]+)", (?:unit: "[^"]*", )?constLabels: {}, variableLabels: {([^}]*)}`)
	descs := make(chan *prometheus.Desc, 100)
	for _, c := range m.Collectors() {
		c.Describe(descs)
	}
	close(descs)
	var rows []string
	for d := range descs {
		found := shown.FindStringSubmatch(d.String())
		if found == nil {
			t.Fatalf("%s is not understood", d)
		}
		rows = append(rows, "| `"+found[1]+"` | "+strings.ReplaceAll(found[3], ",", ", ")+" | "+found[2]+" |\n")
	}
	slices.Sort(rows)
	return strings.Join(rows, "")
}

// help runs the command line itself with --help.
func help(t *testing.T, cmd *cobra.Command) string {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs(append(strings.Fields(cmd.CommandPath())[1:], "--help"))
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestEveryExampleIsACommandLine(t *testing.T) {
	for _, cmd := range append([]*cobra.Command{newRoot()}, newRoot().Commands()...) {
		_, examples, found := strings.Cut(cmd.Long, "Examples:\n")
		if !found {
			if cmd.Name() != "version" && !cmd.Hidden {
				t.Errorf("%s has no examples", cmd.CommandPath())
			}
			continue
		}
		examples, _, _ = strings.Cut(strings.ReplaceAll(examples, "\\\n", " "), "\n\n")
		for line := range strings.Lines(examples) {
			words := strings.Fields(line)
			found, rest, err := newRoot().Find(words[1:])
			if err != nil {
				t.Errorf("%q: %v", line, err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%q: %v", line, err)
			}
			if err := found.Args(found, found.Flags().Args()); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
	}
}

// TestFlagsOfPrometheusAdapterAreTaken holds the command lines that there are in clusters: the community chart's, kube-prometheus', and
// those of prometheus-adapter's own documentation.
func TestFlagsOfPrometheusAdapterAreTaken(t *testing.T) {
	for name, line := range map[string]string{
		"the chart": "/adapter --secure-port=6443 --tls-cert-file=/var/run/serving-cert/tls.crt --tls-private-key-file=/var/run/serving-cert/tls.key --cert-dir=/tmp/cert " +
			"--logtostderr=true --prometheus-url=http://prometheus.default.svc:9090 --metrics-relist-interval=1m --v=4 --config=/etc/adapter/config.yaml",
		"kube-prometheus": "--cert-dir=/var/run/serving-cert --config=/etc/adapter/config.yaml --metrics-relist-interval=1m --prometheus-url=https://prometheus-k8s.monitoring.svc:9090/ " +
			"--secure-port=6443 --tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		"all others": "--prometheus-auth-incluster --prometheus-auth-config=a --prometheus-ca-file=b --prometheus-client-tls-cert-file=c --prometheus-client-tls-key-file=d " +
			"--prometheus-token-file=e --prometheus-header=X-Scope-OrgID:1 --prometheus-verb=POST --metrics-max-age=10m --lister-kubeconfig=f --disable-http2 --discovery-interval=5m " +
			"--client-qps=20 --client-burst=40 --authentication-kubeconfig=g --authorization-kubeconfig=h --client-ca-file=i --requestheader-client-ca-file=j " +
			"--requestheader-allowed-names=k --requestheader-username-headers=l --audit-log-path=m --bind-address=::1 --profiling=false --logtostderr --vmodule=a=1",
	} {
		cmd := newRoot()
		if err := cmd.ParseFlags(strings.Fields(line)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := cmd.Args(cmd, cmd.Flags().Args()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
