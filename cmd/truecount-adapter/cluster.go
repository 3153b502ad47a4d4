package main

import (
	"errors"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/truecount/truecount/internal/hint"
)

// clusterFlags say which cluster's objects the metrics describe.
type clusterFlags struct {
	kubeconfig string
	discovery  time.Duration
}

func (f *clusterFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.kubeconfig, "lister-kubeconfig", "", "kubeconfig `FILE` for watching the objects that metrics describe; left out in a pod, its service account is used")
	set.DurationVar(&f.discovery, "discovery-interval", 10*time.Minute, "`TIME` after which the cluster's resources are read again")
}

// config is for clients without a limit of their own: the API server has better ones.
func (f *clusterFlags) config() (*rest.Config, error) {
	config, err := clusterConfig(f.kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.UserAgent = "truecount-adapter"
	return config, nil
}

// clusterConfig reads a kubeconfig, or without one what a pod has.
func clusterConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if errors.Is(err, rest.ErrNotInCluster) {
			return nil, hint.Errorf("outside of a cluster give --lister-kubeconfig, --authentication-kubeconfig and --authorization-kubeconfig", "this is no pod of a cluster, and no kubeconfig is given")
		}
		return config, err
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(&clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig}, &clientcmd.ConfigOverrides{})
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, hint.Errorf("give the path of a kubeconfig", "%s: %w", kubeconfig, err)
	}
	return config, nil
}
