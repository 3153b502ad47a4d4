package metricsapi

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/restmapper"
)

// Resources know the cluster's resources by their names, as the cluster's own discovery lists them. The list is read again at
// an interval: a resource definition that was added is found then.
type Resources struct {
	client  discovery.DiscoveryInterface
	logger  *slog.Logger
	current atomic.Pointer[meta.RESTMapper]

	mu   sync.Mutex
	hash string // of what current was made of
}

// resourcesTimeout bounds reading the list, of which a server with many resource definitions is asked in some requests.
const resourcesTimeout = 32 * time.Second

// NewResources reads the list once. It fails when the API server cannot be asked.
func NewResources(client discovery.DiscoveryInterface, logger *slog.Logger) (*Resources, error) {
	r := &Resources{client: client, logger: logger}
	if _, err := r.read(context.Background()); err != nil {
		return nil, fmt.Errorf("asking the cluster for its resources: %w", err)
	}
	return r, nil
}

// Run reads the list at each interval until ctx is done, and calls changed after it has changed.
func (r *Resources) Run(ctx context.Context, interval time.Duration, changed func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		switch news, err := r.read(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil:
			r.logger.Warn("the cluster's resources could not be read again; what was read before holds", "err", err)
		case news:
			changed()
		}
	}
}

// read asks the cluster and says whether the answer is another one. Groups that do not answer, as of an APIService whose pods
// are away, are left out.
func (r *Resources) read(ctx context.Context) (changed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, resourcesTimeout)
	defer cancel()
	groups, err := restmapper.GetAPIGroupResourcesWithContext(ctx, discovery.ToDiscoveryInterfaceWithContext(r.client))
	if err != nil {
		return false, err
	}
	hash := fingerprint(groups)
	r.mu.Lock()
	defer r.mu.Unlock()
	if hash == r.hash {
		return false, nil
	}
	mapper := restmapper.NewDiscoveryRESTMapper(groups)
	r.current.Store(&mapper)
	r.hash = hash
	return true, nil
}

// fingerprint has all that a mapper is made of, in a fixed order.
func fingerprint(groups []*restmapper.APIGroupResources) string {
	var all []string
	for _, g := range groups {
		for version, resources := range g.VersionedResources {
			for _, r := range resources {
				all = append(all, fmt.Sprint(g.Group.Name, g.Group.PreferredVersion.Version, version, r.Name, r.SingularName, r.Kind, r.Namespaced))
			}
		}
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte(strings.Join(all, "\n")))
	return string(sum[:])
}

// Mapper returns what was read last. It does not change.
func (r *Resources) Mapper() meta.RESTMapper { return *r.current.Load() }
