package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	openapicommon "k8s.io/kube-openapi/pkg/common"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/cmd/options"
	generatedcore "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/core"
	generatedcustommetrics "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/custommetrics"
	generatedexternalmetrics "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/externalmetrics"

	"github.com/truecount/truecount/internal/hint"
)

// servingFlags are those of every aggregated API server: where it listens, and whom it lets in.
type servingFlags struct {
	options       *options.CustomMetricsAdapterServerOptions
	disableHTTP2  bool
	requests      int
	shutdownDelay time.Duration
}

// How long and how often the API server is asked who somebody is and what they may do. Whoever cannot be told is refused. The time is
// that of each question about rights, and that of all tries together to learn who somebody is (k8s.io/apiserver,
// WebhookTokenAuthenticator): with the pauses all take less than the 5 s that an answer may take.
const accessTimeout = time.Second

var accessBackoff = wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 3}

func (f *servingFlags) register(set *pflag.FlagSet) {
	o := options.NewCustomMetricsAdapterServerOptions()
	o.SecureServing.BindPort = 6443
	o.Features.EnableProfiling = false
	o.EnableMetrics = false // they have a handler of ours, which has our own metrics, too
	o.Authentication.WithCustomRetryBackoff(accessBackoff)
	o.Authentication.WithRequestTimeout(accessTimeout)
	o.Authorization.WithCustomRetryBackoff(accessBackoff)
	o.Authorization.WithClientTimeout(accessTimeout)
	f.options = o
	o.AddFlags(set)
	set.BoolVar(&f.disableHTTP2, "disable-http2", false, "serve without HTTP/2")
	set.IntVar(&f.requests, "max-requests-inflight", 200, "`NUMBER` of requests for values that are answered at once; more get 429")
	set.DurationVar(&f.shutdownDelay, "shutdown-delay-duration", 5*time.Second, "`TIME` to go on serving after a signal to end, until nobody is sent here any more")
}

// server assembles the API server without its APIs. Certificates, the authorities of clients and the names that kube-apiserver
// comes under are read again when they change.
func (f *servingFlags) server(client *rest.Config, external bool) (*genericapiserver.GenericAPIServer, error) {
	o := f.options
	o.SecureServing.DisableHTTP2Serving = o.SecureServing.DisableHTTP2Serving || f.disableHTTP2
	definitions := openAPI(external)
	namer := openapinamer.NewDefinitionNamer(apiserver.Scheme)
	o.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(definitions, namer)
	o.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(definitions, namer)
	for _, info := range []*openapicommon.Config{o.OpenAPIConfig} {
		info.Info.Title, info.Info.Version = "truecount-adapter", "1"
	}
	o.OpenAPIV3Config.Info.Title, o.OpenAPIV3Config.Info.Version = "truecount-adapter", "1"
	if errs := o.Validate(); len(errs) > 0 {
		return nil, hint.Errorf("see: truecount-adapter --help", "%w", utilerrors.NewAggregate(errs))
	}
	clientset, err := kubernetes.NewForConfig(client)
	if err != nil {
		return nil, err
	}
	config := genericapiserver.NewRecommendedConfig(apiserver.Codecs)
	config.ClientConfig = client
	config.SharedInformerFactory = informers.NewSharedInformerFactory(clientset, 0)
	if err := o.ApplyTo(config); err != nil {
		return nil, servingError(err)
	}
	config.ShutdownDelayDuration = f.shutdownDelay
	config.MaxRequestsInFlight = 2 * f.requests // values have a limit of their own; discovery and probes are not held up by it
	config.EnableIndex = false
	chain := config.BuildHandlerChainFunc
	config.BuildHandlerChainFunc = func(next http.Handler, c *genericapiserver.Config) http.Handler {
		return withoutRedirects(chain(next, c))
	}
	server, err := (&apiserver.Config{GenericConfig: &config.Config}).Complete(config.SharedInformerFactory).New("truecount-adapter", nil, nil)
	if err != nil {
		return nil, fmt.Errorf("assembling the API server: %w", err)
	}
	return server.GenericAPIServer, nil
}

// servingError adds what the operator can do about what the library says.
func servingError(err error) error {
	return hint.Errorf("see the flags --secure-port, --tls-cert-file, --authentication-kubeconfig and --authorization-kubeconfig", "%w", err)
}

func openAPI(external bool) openapicommon.GetOpenAPIDefinitions {
	return func(ref openapicommon.ReferenceCallback) map[string]openapicommon.OpenAPIDefinition {
		all := generatedcore.GetOpenAPIDefinitions(ref)
		for name, definition := range generatedcustommetrics.GetOpenAPIDefinitions(ref) {
			all[name] = definition
		}
		if external {
			for name, definition := range generatedexternalmetrics.GetOpenAPIDefinitions(ref) {
				all[name] = definition
			}
		}
		return all
	}
}
