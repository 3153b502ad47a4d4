package metricsapi

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// configMaps are the ConfigMaps that a selector chooses, of all namespaces or of some. A reflector for each namespace keeps
// them as the cluster has them. Its methods may be called concurrently.
type configMaps struct {
	client     kubernetes.Interface
	selector   labels.Selector
	namespaces []string // "" alone: all
	changed    func()
	logger     *slog.Logger

	mu  sync.Mutex
	all map[string]map[string]*corev1.ConfigMap // by namespace of the watch, then by namespace/name
	// failing has why a namespace cannot be watched.
	failing map[string]error
	listed  map[string]bool
}

func newConfigMaps(client kubernetes.Interface, selector labels.Selector, namespaces []string, logger *slog.Logger, changed func()) *configMaps {
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	return &configMaps{
		client: client, selector: selector, namespaces: namespaces, changed: changed, logger: logger,
		all: map[string]map[string]*corev1.ConfigMap{}, failing: map[string]error{}, listed: map[string]bool{},
	}
}

// run watches until ctx is done.
func (c *configMaps) run(ctx context.Context) {
	var group sync.WaitGroup
	for _, namespace := range c.namespaces {
		reflector := cache.NewReflectorWithOptions(c.listerWatcher(namespace), &corev1.ConfigMap{}, &configMapStore{c, namespace}, cache.ReflectorOptions{
			Name: "configmaps with rules " + namespace,
		})
		group.Go(func() { reflector.RunWithContext(ctx) })
	}
	group.Wait()
}

func (c *configMaps) listerWatcher(namespace string) cache.ListerWatcher {
	client := c.client.CoreV1().ConfigMaps(namespace)
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector = c.selector.String()
			list, err := client.List(ctx, options)
			c.note(ctx, namespace, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = c.selector.String()
			events, err := client.Watch(ctx, options)
			c.note(ctx, namespace, err)
			return events, err
		},
	}
}

// note says when a watch begins to fail and when it works again.
func (c *configMaps) note(ctx context.Context, namespace string, err error) {
	if ctx.Err() != nil || reasksOn(err) {
		return
	}
	c.mu.Lock()
	before := c.failing[namespace]
	c.failing[namespace] = err
	c.mu.Unlock()
	in := namespace
	if in == "" {
		in = "all"
	}
	switch {
	case err != nil && before == nil:
		c.logger.Warn("ConfigMaps with rules cannot be watched; what was read before holds", "namespace", in, "err", err)
		c.changed() // nobody waits for them any longer
	case err == nil && before != nil:
		c.logger.Info("ConfigMaps with rules are watched again", "namespace", in)
	}
}

// texts returns the data of all ConfigMaps, key by key, in the order of their names.
func (c *configMaps) texts() []text {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []text
	for _, of := range c.all {
		for _, m := range of {
			for _, key := range slices.Sorted(maps.Keys(m.Data)) {
				all = append(all, text{name: fmt.Sprintf("configmap %s/%s: %s", m.Namespace, m.Name, key), namespace: m.Namespace, data: []byte(m.Data[key])})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b text) int { return strings.Compare(a.name, b.name) })
	return all
}

// text is one text with rules.
type text struct {
	name      string
	namespace string // the only one that it may speak of; "" for the operator's own
	data      []byte
}

func (t text) key() sourceKey { return sourceKey{t.namespace, t.name} }

// ready says whether all namespaces have been listed once, or could not be.
func (c *configMaps) ready() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, namespace := range c.namespaces {
		if !c.listed[namespace] && c.failing[namespace] == nil {
			return false
		}
	}
	return true
}

// configMapStore is the store of one watch.
type configMapStore struct {
	of    *configMaps
	watch string
}

// Transformer implements [cache.TransformingStore]: managed fields are often larger than the rest.
func (s *configMapStore) Transformer() cache.TransformFunc {
	return func(obj any) (any, error) {
		if m, ok := obj.(*corev1.ConfigMap); ok {
			return &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name, ResourceVersion: m.ResourceVersion}, Data: m.Data,
			}, nil
		}
		return obj, nil
	}
}

// Add implements [cache.ReflectorStore].
func (s *configMapStore) Add(obj any) error { return s.Update(obj) }

// Update implements [cache.ReflectorStore].
func (s *configMapStore) Update(obj any) error {
	m, ok := obj.(*corev1.ConfigMap)
	if !ok {
		return nil
	}
	s.change(func(all map[string]*corev1.ConfigMap) { all[m.Namespace+"/"+m.Name] = m })
	return nil
}

// Delete implements [cache.ReflectorStore].
func (s *configMapStore) Delete(obj any) error {
	if m, ok := obj.(*corev1.ConfigMap); ok {
		s.change(func(all map[string]*corev1.ConfigMap) { delete(all, m.Namespace+"/"+m.Name) })
	}
	return nil
}

// Replace implements [cache.ReflectorStore].
func (s *configMapStore) Replace(list []any, _ string) error {
	s.change(func(all map[string]*corev1.ConfigMap) {
		clear(all)
		for _, obj := range list {
			if m, ok := obj.(*corev1.ConfigMap); ok {
				all[m.Namespace+"/"+m.Name] = m
			}
		}
	})
	return nil
}

// Resync implements [cache.ReflectorStore].
func (s *configMapStore) Resync() error { return nil }

func (s *configMapStore) change(by func(map[string]*corev1.ConfigMap)) {
	s.of.mu.Lock()
	all := s.of.all[s.watch]
	if all == nil {
		all = map[string]*corev1.ConfigMap{}
		s.of.all[s.watch] = all
	}
	by(all)
	s.of.listed[s.watch] = true
	s.of.mu.Unlock()
	s.of.changed()
}
