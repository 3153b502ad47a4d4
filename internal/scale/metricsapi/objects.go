package metricsapi

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// objects are the names and labels of all objects of one resource. A reflector keeps them as the cluster has them; what
// else an object has is dropped before it is stored. Its methods may be called concurrently.
type objects struct {
	mu          sync.RWMutex
	byNamespace map[string]*group

	listed   chan struct{} // closed by the first Replace
	listOnce sync.Once
}

func newObjects() *objects {
	return &objects{byNamespace: map[string]*group{}, listed: make(chan struct{})}
}

// stripped drops everything of an object that nobody asks for, before a reflector keeps it anywhere.
func stripped(obj any) (any, error) {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, fmt.Errorf("an object without metadata: %w", err)
	}
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: accessor.GetNamespace(), Name: accessor.GetName(), Labels: accessor.GetLabels(), ResourceVersion: accessor.GetResourceVersion(),
	}}, nil
}

// Transformer implements [cache.TransformingStore].
func (o *objects) Transformer() cache.TransformFunc { return stripped }

// Add implements [cache.ReflectorStore].
func (o *objects) Add(obj any) error { return o.Update(obj) }

// Update implements [cache.ReflectorStore].
func (o *objects) Update(obj any) error {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return fmt.Errorf("an object without metadata: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	g := o.byNamespace[accessor.GetNamespace()]
	if g == nil {
		g = newGroup()
		o.byNamespace[accessor.GetNamespace()] = g
	}
	g.put(accessor.GetName(), accessor.GetLabels())
	return nil
}

// Delete implements [cache.ReflectorStore].
func (o *objects) Delete(obj any) error {
	if gone, isTombstone := obj.(cache.DeletedFinalStateUnknown); isTombstone {
		obj = gone.Obj
	}
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return fmt.Errorf("an object without metadata: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if g := o.byNamespace[accessor.GetNamespace()]; g != nil {
		g.remove(accessor.GetName())
		if len(g.labels) == 0 {
			delete(o.byNamespace, accessor.GetNamespace())
		}
	}
	return nil
}

// Replace implements [cache.ReflectorStore].
func (o *objects) Replace(list []any, _ string) error {
	fresh := map[string]*group{}
	for _, obj := range list {
		accessor, err := meta.Accessor(obj)
		if err != nil {
			return fmt.Errorf("an object without metadata: %w", err)
		}
		g := fresh[accessor.GetNamespace()]
		if g == nil {
			g = newGroup()
			fresh[accessor.GetNamespace()] = g
		}
		g.put(accessor.GetName(), accessor.GetLabels())
	}
	o.mu.Lock()
	o.byNamespace = fresh
	o.mu.Unlock()
	o.listOnce.Do(func() { close(o.listed) })
	return nil
}

// Resync implements [cache.ReflectorStore].
func (o *objects) Resync() error { return nil }

// count returns how many objects there are in all namespaces.
func (o *objects) count() int {
	o.mu.RLock()
	defer o.mu.RUnlock()
	n := 0
	for _, g := range o.byNamespace {
		n += len(g.labels)
	}
	return n
}
