package services

import (
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
)

// proxy has a listener for every port of every service that has an address.
type proxy struct {
	services corelisters.ServiceLister
	slices   discoverylisters.EndpointSliceLister

	mu    sync.Mutex
	ports map[portKey]*port
}

type portKey struct {
	namespace, service string
	listen             string // address and port
}

// sync makes one service's listeners and backends what the API server says.
func (p *proxy) sync(namespace, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted := map[portKey][]string{}
	service, err := p.services.Services(namespace).Get(name)
	if err == nil && service.Spec.ClusterIP != "" && service.Spec.ClusterIP != corev1.ClusterIPNone {
		for _, servicePort := range service.Spec.Ports {
			key := portKey{namespace, name, net.JoinHostPort(service.Spec.ClusterIP, strconv.Itoa(int(servicePort.Port)))}
			wanted[key] = p.backends(namespace, name, servicePort.Name)
		}
	}
	for key, running := range p.ports {
		if _, stays := wanted[key]; !stays && key.namespace == namespace && key.service == name {
			running.stop()
			delete(p.ports, key)
		}
	}
	for key, backends := range wanted {
		if p.ports[key] == nil {
			started, err := listen(key.listen)
			if err != nil {
				slog.Error("a service has no listener", "service", namespace+"/"+name, "error", err)
				continue
			}
			p.ports[key] = started
		}
		p.ports[key].use(backends)
	}
}

// backends are the addresses of a service's port that are ready.
func (p *proxy) backends(namespace, service, portName string) (found []string) {
	p.each(namespace, service, func(slice *discoveryv1.EndpointSlice, address string) {
		for _, port := range slice.Ports {
			if port.Port != nil && (port.Name == nil && portName == "" || port.Name != nil && *port.Name == portName) {
				found = append(found, net.JoinHostPort(address, strconv.Itoa(int(*port.Port))))
			}
		}
	})
	slices.Sort(found)
	return found
}

// addresses are those of a service's endpoints that are ready.
func (p *proxy) addresses(namespace, service string) (found []string) {
	p.each(namespace, service, func(_ *discoveryv1.EndpointSlice, address string) { found = append(found, address) })
	slices.Sort(found)
	return slices.Compact(found)
}

func (p *proxy) each(namespace, service string, yield func(slice *discoveryv1.EndpointSlice, address string)) {
	all, err := p.slices.EndpointSlices(namespace).List(labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: service}))
	if err != nil {
		return // a lister reads a cache; it has no errors
	}
	for _, slice := range all {
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				for _, address := range endpoint.Addresses {
					yield(slice, address)
				}
			}
		}
	}
}

func (p *proxy) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, running := range p.ports {
		running.stop()
	}
}
