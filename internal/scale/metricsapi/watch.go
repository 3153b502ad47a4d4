package metricsapi

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/truecount/truecount/internal/hint"
)

var pods = schema.GroupResource{Resource: "pods"}

// watches know the objects of every resource that somebody asked for: one watch each, begun when the first asks.
type watches struct {
	client metadata.Interface
	mapper func() meta.RESTMapper
	logger *slog.Logger
	ctx    context.Context // ends the watches
	group  sync.WaitGroup

	mu         sync.Mutex
	byResource map[schema.GroupVersionResource]*watched
}

type watched struct {
	*objects
	mu      sync.Mutex
	err     error         // of the last attempt to list or watch; nil while it works
	refused bool          // the last attempt to list was forbidden
	noted   chan struct{} // closed when err and refused change, and replaced
}

func newWatches(ctx context.Context, client metadata.Interface, mapper func() meta.RESTMapper, logger *slog.Logger) *watches {
	return &watches{client: client, mapper: mapper, logger: logger, ctx: ctx, byResource: map[schema.GroupVersionResource]*watched{}}
}

// wait returns when all watches have ended, which they do when their context does.
func (w *watches) wait() { w.group.Wait() }

// of returns the objects of a resource, when they have been listed once. The error says why they have not been; where the cluster
// forbids it, nobody waits.
func (w *watches) of(ctx context.Context, resource schema.GroupResource) (*objects, error) {
	of, err := w.begin(resource)
	if err != nil {
		return nil, err
	}
	for {
		refused, noted := of.state()
		switch {
		case closed(of.listed):
			return of.objects, nil
		case refused:
			return nil, of.whyNotListed(resource)
		}
		select {
		case <-of.listed:
		case <-noted:
		case <-ctx.Done():
			return nil, of.whyNotListed(resource)
		case <-w.ctx.Done():
			return nil, errEnding
		}
	}
}

// state says whether listing is forbidden, and when it has to be looked at again.
func (of *watched) state() (refused bool, noted <-chan struct{}) {
	of.mu.Lock()
	defer of.mu.Unlock()
	return of.refused, of.noted
}

// begin starts the watch of a resource that has none.
func (w *watches) begin(resource schema.GroupResource) (*watched, error) {
	gvr, err := w.mapper().ResourceFor(resource.WithVersion(""))
	if err != nil {
		return nil, fmt.Errorf("the cluster has no resource %s: %w", resource, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if of := w.byResource[gvr]; of != nil {
		return of, nil
	}
	of := &watched{objects: newObjects(), noted: make(chan struct{})}
	w.byResource[gvr] = of
	reflector := cache.NewReflectorWithOptions(w.listerWatcher(gvr, of), &metav1.PartialObjectMetadata{}, of.objects, cache.ReflectorOptions{
		Name: "names and labels of " + gvr.GroupResource().String(),
	})
	w.group.Go(func() { reflector.RunWithContext(w.ctx) })
	return of, nil
}

// listerWatcher asks for metadata only, and of pods for the running ones: the others measure nothing.
func (w *watches) listerWatcher(gvr schema.GroupVersionResource, of *watched) cache.ListerWatcher {
	client := w.client.Resource(gvr)
	running := fields.OneTermEqualSelector("status.phase", "Running").String()
	narrow := func(options *metav1.ListOptions) {
		if gvr.GroupResource() == pods {
			options.FieldSelector = running
		}
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			narrow(&options)
			list, err := client.List(ctx, options)
			w.note(gvr, of, err, true)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			narrow(&options)
			events, err := client.Watch(ctx, options)
			w.note(gvr, of, err, false)
			return events, err
		},
	}
}

// note keeps why a resource cannot be watched, and says it when it begins and ends. That it may not be listed is known only from an
// attempt to: a reflector that may not watch tries it.
func (w *watches) note(gvr schema.GroupVersionResource, of *watched, err error, listing bool) {
	if w.ctx.Err() != nil || reasksOn(err) {
		return
	}
	of.mu.Lock()
	before := of.err
	of.err = err
	if listing || err == nil {
		of.refused = apierrors.IsForbidden(err)
	}
	close(of.noted)
	of.noted = make(chan struct{})
	of.mu.Unlock()
	switch {
	case err != nil && before == nil:
		w.logger.Warn("the cluster's objects cannot be watched", "resource", gvr.GroupResource().String(), "err", err)
	case err == nil && before != nil:
		w.logger.Info("the cluster's objects are watched again", "resource", gvr.GroupResource().String())
	}
}

// reasksOn says whether a reflector asks again at once in another way after this error: for the present state when the old one
// is forgotten, or for a list where the server can't stream one.
func reasksOn(err error) bool { return apierrors.IsResourceExpired(err) || apierrors.IsInvalid(err) }

func (of *watched) whyNotListed(resource schema.GroupResource) error {
	of.mu.Lock()
	err := of.err
	of.mu.Unlock()
	if apierrors.IsForbidden(err) {
		return hint.Errorf("allow the adapter's service account to list and watch "+resource.String(), "%s cannot be listed: %w", resource, err)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be listed: %w", resource, err)
	}
	return fmt.Errorf("%s have not been listed yet", resource)
}

// watchState is what is known of one resource.
type watchState struct {
	resource string
	objects  int
	working  bool
}

func (w *watches) states() []watchState {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []watchState
	for gvr, of := range w.byResource {
		of.mu.Lock()
		err := of.err
		of.mu.Unlock()
		all = append(all, watchState{gvr.GroupResource().String(), of.count(), err == nil})
	}
	return all
}
