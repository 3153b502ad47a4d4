package metricsapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"k8s.io/apiserver/pkg/server/healthz"

	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/metricrule"
)

// API answers requests for metrics. Its methods may be called concurrently once Run runs.
type API struct {
	o          Options
	ctx        context.Context // of all that goes on behind requests; end ends it
	end        context.CancelFunc
	watches    *watches
	configMaps *configMaps // nil: none are read
	relist     *relister
	changed    chan struct{} // asks for the sources to be read again

	rules *rules          // of the goroutine that reads sources
	told  map[string]bool // problems that were logged; of the same goroutine
	model model

	publishing sync.Mutex
	published  atomic.Pointer[published]

	slots   chan struct{} // of requests for values
	lists   *flights[*answer]
	queries *flights[[]promapi.Sample]
}

// New checks the options and reads the files with rules: one that cannot be read is an error. A rule with a mistake is not, it
// is logged and left out.
func New(o Options) (*API, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	a := &API{o: o, changed: make(chan struct{}, 1), told: map[string]bool{}, slots: make(chan struct{}, o.MaxRequests)}
	a.rules = newRules(metricrule.Options{NamedServers: o.ConfigMapServers})
	a.ctx, a.end = context.WithCancel(context.Background())
	a.watches = newWatches(a.ctx, o.Metadata, o.Resources.Mapper, o.Logger)
	// Each a little shorter than the one that waits for it, which so hears why there is no answer.
	a.lists = newFlights[*answer](a.ctx, o.ValueTimeout*19/20, o.MaxRequests, o.Logger)
	a.queries = newFlights[[]promapi.Sample](a.ctx, o.ValueTimeout*18/20, o.MaxRequests, o.Logger)
	a.relist = newRelister(a)
	a.model.set = a.rules.set
	if o.ConfigMaps != nil {
		a.configMaps = newConfigMaps(o.Kubernetes, o.ConfigMaps, o.Namespaces, o.Logger, a.reload)
	}
	if _, _, err := a.readSources(); err != nil {
		return nil, err
	}
	if o.Registerer != nil {
		if err := o.Registerer.Register(watchCollector{a.watches}); err != nil {
			return nil, err
		}
	}
	a.publish()
	a.load()
	return a, nil
}

// Install adds the APIs and the probe to a server.
func (a *API) Install(server *genericapiserver.GenericAPIServer) error {
	if err := installCustom(server, &storage{answer: a.custom}, a.listCustom); err != nil {
		return err
	}
	if a.o.External {
		if err := installExternal(server, a); err != nil {
			return err
		}
	}
	return server.AddReadyzChecks(healthz.NamedCheck("metrics", func(*http.Request) error { return a.ready() }))
}

// ready says whether the rules and pods are known, and which series there are, as far as servers say it. Once it is nil it stays so: it
// does not depend on what servers say later, nor on whether they do.
func (a *API) ready() error {
	switch {
	case !closed(a.relist.read):
		return errors.New("the ConfigMaps with rules have not been listed yet")
	case !closed(a.relist.settled):
		return errors.New("the servers have not been asked yet which series there are")
	}
	of, err := a.watches.begin(pods)
	if err != nil {
		return err
	}
	if !closed(of.listed) {
		return of.whyNotListed(pods)
	}
	return nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Run keeps rules, series and objects up to date until ctx is done, and then waits for what is under way.
func (a *API) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, a.end)
	defer stop()
	defer a.end()
	var group sync.WaitGroup
	group.Go(func() { a.relist.run(a.ctx) })
	group.Go(func() { a.read(a.ctx) })
	group.Go(func() { a.o.Resources.Run(a.ctx, a.o.ResourcesEvery, a.publish) })
	group.Go(func() {
		watchFiles(a.ctx, slices.Concat(a.o.Files, a.o.Applications), a.o.Logger, a.reload)
	})
	if a.configMaps != nil {
		group.Go(func() { a.configMaps.run(a.ctx) })
	}
	if _, err := a.watches.begin(pods); err != nil {
		a.o.Logger.Error("pods cannot be watched", "err", err)
	}
	<-a.ctx.Done()
	group.Wait()
	a.lists.close()
	a.queries.close()
	a.watches.wait()
	return nil
}

// reload asks for the sources to be read.
func (a *API) reload() { signal(a.changed) }

// read reads the sources when it is asked to.
func (a *API) read(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.changed:
			a.load()
		}
	}
}
