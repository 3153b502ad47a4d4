// Package services makes a cluster's services work on one machine: their addresses forward to the pods behind them, as
// kube-proxy's did in its first mode, and their names are answered, as by CoreDNS.
//
// All addresses of services must be addresses of this machine. Only TCP is forwarded.
package services

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// DNS is the address of the server that knows the services' names.
var DNS = netip.MustParseAddr("10.96.0.10")

// Start watches services and their endpoints until stop is called, which closes all connections.
func Start(ctx context.Context, client kubernetes.Interface) (stop func(), err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	factory := informers.NewSharedInformerFactory(client, 0)
	known := factory.Core().V1().Services()
	slices := factory.Discovery().V1().EndpointSlices()
	p := &proxy{services: known.Lister(), slices: slices.Lister(), ports: map[portKey]*port{}}
	known.Informer().AddEventHandler(onEvery(func(object any) {
		service := object.(*corev1.Service)
		p.sync(service.Namespace, service.Name)
	}))
	slices.Informer().AddEventHandler(onEvery(func(object any) {
		slice := object.(*discoveryv1.EndpointSlice)
		p.sync(slice.Namespace, slice.Labels[discoveryv1.LabelServiceName])
	}))
	names, err := listenDNS(known.Lister(), p.addresses)
	if err != nil {
		cancel()
		return nil, err
	}
	stop = func() {
		cancel()
		factory.Shutdown()
		names.stop()
		p.stop()
	}
	factory.Start(ctx.Done())
	synced, cancelSync := context.WithTimeout(ctx, time.Minute)
	defer cancelSync()
	if !cache.WaitForCacheSync(synced.Done(), known.Informer().HasSynced, slices.Informer().HasSynced) {
		stop()
		return nil, fmt.Errorf("services and endpoints cannot be listed")
	}
	return stop, nil
}

func onEvery(sync func(object any)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    sync,
		UpdateFunc: func(_, object any) { sync(object) },
		DeleteFunc: func(object any) {
			if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = unknown.Obj
			}
			sync(object)
		},
	}
}
