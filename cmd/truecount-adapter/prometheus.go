package main

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	commonconfig "github.com/prometheus/common/config"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v2"
	"k8s.io/client-go/rest"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
)

// prometheusFlags say which servers are asked, and how. Those of the first server are prometheus-adapter's own.
type prometheusFlags struct {
	url, verb           string
	headers             []string
	inCluster           bool
	kubeconfig          string
	ca, cert, key       string
	tokenFile           string
	servers, httpConfig []string
	allowPartial        bool
}

// defaultServer is what the first server is called where servers have names.
const defaultServer = "default"

func (f *prometheusFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.url, "prometheus-url", "https://localhost", "`URL` of the Prometheus server, or of another one with its API")
	set.StringVar(&f.verb, "prometheus-verb", http.MethodGet, "`METHOD` to ask with: GET or POST")
	set.StringArrayVar(&f.headers, "prometheus-header", nil, "`NAME:VALUE` of a header to send, as X-Scope-OrgID:shop; repeatable")
	set.BoolVar(&f.inCluster, "prometheus-auth-incluster", false, "send the token of the pod's service account")
	set.StringVar(&f.kubeconfig, "prometheus-auth-config", "", "kubeconfig `FILE` with the credentials to send")
	set.StringVar(&f.ca, "prometheus-ca-file", "", "`FILE` with the authorities that the server's certificate may come from; read again when it changes")
	set.StringVar(&f.cert, "prometheus-client-tls-cert-file", "", "`FILE` with a client certificate; read again when it changes")
	set.StringVar(&f.key, "prometheus-client-tls-key-file", "", "`FILE` with its key")
	set.StringVar(&f.tokenFile, "prometheus-token-file", "", "`FILE` with the bearer token to send; read again at each request")
	set.StringArrayVar(&f.servers, "prometheus-server", nil, "`NAME=URL` of another server, for rules with server: NAME; repeatable")
	set.StringArrayVar(&f.httpConfig, "prometheus-http-config", nil,
		"`NAME=FILE` with TLS and credentials for a server, as promtool's --http.config.file; read at the start, the files that it names when they change; repeatable")
	set.BoolVar(&f.allowPartial, "prometheus-allow-partial", false, "take answers of which the server says that a part of its data is missing")
}

// clients returns a client for each server by its name; the first one's name is "".
func (f *prometheusFlags) clients(timeout time.Duration, wrap func(server string, next http.RoundTripper) http.RoundTripper, warn func(server, text string)) (map[string]*promapi.Client, error) {
	transports, err := f.transports()
	if err != nil {
		return nil, err
	}
	urls, err := f.urls()
	if err != nil {
		return nil, err
	}
	clients := map[string]*promapi.Client{}
	for name, url := range urls {
		o := promapi.Options{
			URL: url, Method: f.verb, Timeout: timeout, AllowPartial: f.allowPartial,
			Transport: wrap(shown(name), transports[name]), Warn: func(text string) { warn(shown(name), text) },
		}
		if name == "" {
			if o.Header, err = f.header(); err != nil {
				return nil, err
			}
		}
		if clients[name], err = promapi.New(o); err != nil {
			return nil, hint.Errorf(hint.Of(err), "Prometheus server %s: %w", shown(name), err)
		}
	}
	return clients, nil
}

func shown(server string) string {
	if server == "" {
		return defaultServer
	}
	return server
}

func (f *prometheusFlags) urls() (map[string]string, error) {
	urls := map[string]string{"": f.url}
	for _, pair := range f.servers {
		name, url, found := strings.Cut(pair, "=")
		if !found || name == "" || url == "" {
			return nil, hint.Errorf("write it as --prometheus-server logs=http://thanos:9090", "--prometheus-server has no name or no URL")
		}
		if _, twice := urls[name]; twice || name == defaultServer {
			return nil, hint.Errorf("give each server a name of its own; the one of --prometheus-url is "+defaultServer, "--prometheus-server: the name %s is taken", name)
		}
		urls[name] = url
	}
	return urls, nil
}

// header reads the headers of the first server. What is sent may be secret and is not in the errors.
func (f *prometheusFlags) header() (http.Header, error) {
	header := http.Header{}
	for _, text := range f.headers {
		name, value, found := strings.Cut(text, ":")
		if name = strings.TrimSpace(name); !found || name == "" {
			return nil, hint.Errorf("write it as --prometheus-header X-Scope-OrgID:shop", "--prometheus-header has no name or no colon")
		}
		header.Add(name, strings.TrimSpace(value))
	}
	return header, nil
}

// transports returns what carries the requests to each server.
func (f *prometheusFlags) transports() (map[string]http.RoundTripper, error) {
	urls, err := f.urls()
	if err != nil {
		return nil, err
	}
	first, err := f.first()
	if err != nil {
		return nil, err
	}
	transports := map[string]http.RoundTripper{"": first}
	configured := map[string]bool{}
	for _, pair := range f.httpConfig {
		name, file, found := strings.Cut(pair, "=")
		if name == defaultServer {
			name = ""
		}
		if _, known := urls[name]; !found || !known || file == "" {
			return nil, hint.Errorf("write it as --prometheus-http-config logs=FILE, with a name of --prometheus-server or "+defaultServer,
				"--prometheus-http-config: %q names no server", pair)
		}
		if configured[name] {
			return nil, hint.Errorf("give one file for each server", "--prometheus-http-config: two files for %s", shown(name))
		}
		if name == "" && f.authenticates() {
			return nil, hint.Errorf("put all of it into the file", "--prometheus-http-config %s= and flags as --prometheus-ca-file or --prometheus-token-file are both given", defaultServer)
		}
		configured[name] = true
		if transports[name], err = fileTransport(name, file); err != nil {
			return nil, err
		}
	}
	for name := range urls {
		if transports[name] == nil {
			if transports[name], err = roundTripper(shown(name), commonconfig.DefaultHTTPClientConfig); err != nil {
				return nil, err
			}
		}
	}
	return transports, nil
}

func (f *prometheusFlags) authenticates() bool {
	return f.inCluster || slices.ContainsFunc([]string{f.kubeconfig, f.ca, f.cert, f.key, f.tokenFile}, func(s string) bool { return s != "" })
}

// first is the transport that prometheus-adapter's flags describe. A kubeconfig and the files beside it work together.
func (f *prometheusFlags) first() (http.RoundTripper, error) {
	if f.inCluster && f.kubeconfig != "" {
		return nil, hint.Errorf("give one of them", "--prometheus-auth-incluster and --prometheus-auth-config are both given")
	}
	if (f.cert == "") != (f.key == "") {
		return nil, hint.Errorf("give both or none", "--prometheus-client-tls-cert-file and --prometheus-client-tls-key-file belong together")
	}
	for flag, path := range map[string]string{
		"prometheus-ca-file": f.ca, "prometheus-client-tls-cert-file": f.cert, "prometheus-client-tls-key-file": f.key,
		"prometheus-token-file": f.tokenFile, "prometheus-auth-config": f.kubeconfig,
	} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			return nil, hint.Errorf("give the path of a file that can be read", "--%s: %w", flag, err)
		}
	}
	if f.inCluster || f.kubeconfig != "" {
		return f.kubernetesTransport()
	}
	config := commonconfig.DefaultHTTPClientConfig
	config.TLSConfig = commonconfig.TLSConfig{CAFile: f.ca, CertFile: f.cert, KeyFile: f.key}
	if f.tokenFile != "" {
		config.Authorization = &commonconfig.Authorization{Type: "Bearer", CredentialsFile: f.tokenFile}
	}
	return roundTripper(defaultServer, config)
}

func (f *prometheusFlags) kubernetesTransport() (http.RoundTripper, error) {
	config, err := clusterConfig(f.kubeconfig)
	if err != nil {
		return nil, err
	}
	if f.ca != "" {
		config.CAFile, config.CAData = f.ca, nil
	}
	if f.cert != "" {
		config.CertFile, config.KeyFile, config.CertData, config.KeyData = f.cert, f.key, nil, nil
	}
	if f.tokenFile != "" {
		config.BearerTokenFile, config.BearerToken = f.tokenFile, ""
	}
	return rest.TransportFor(config)
}

// fileTransport reads a file in the form of Prometheus' http client configuration.
func fileTransport(name, path string) (http.RoundTripper, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, hint.Errorf("give the path of a file that can be read", "--prometheus-http-config %s: %w", shown(name), err)
	}
	config := commonconfig.DefaultHTTPClientConfig
	if err := yaml.UnmarshalStrict(data, &config); err != nil {
		// The library's words repeat lines of the file, which has secrets.
		return nil, hint.Errorf("https://prometheus.io/docs/prometheus/latest/configuration/promtool/#http-configuration has its fields",
			"--prometheus-http-config %s: %s is no HTTP configuration", shown(name), path)
	}
	if err := config.Validate(); err != nil {
		return nil, hint.Errorf("https://prometheus.io/docs/prometheus/latest/configuration/promtool/#http-configuration has its fields",
			"--prometheus-http-config %s: %s: %w", shown(name), path, err)
	}
	return roundTripper(shown(name), config)
}

func roundTripper(name string, config commonconfig.HTTPClientConfig) (http.RoundTripper, error) {
	config.FollowRedirects = false // the client decides
	transport, err := commonconfig.NewRoundTripperFromConfig(config, "truecount-adapter "+name, commonconfig.WithIdleConnTimeout(5*time.Minute))
	if err != nil {
		return nil, hint.Errorf("see the flags that begin with --prometheus", "Prometheus server %s: %w", name, err)
	}
	return transport, nil
}
