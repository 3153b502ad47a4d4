package metricsapi

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints"
	"k8s.io/apiserver/pkg/endpoints/discovery"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver/installer"
)

// listing answers with the resources of one version of the API.
type listing func() []metav1.APIResource

// ListAPIResources implements [discovery.APIResourceLister].
func (l listing) ListAPIResources() []metav1.APIResource { return l() }

// installCustom serves custom.metrics.k8s.io in all its versions. The library's own way lists only the first of them in the
// group, and has no room for a storage of ours.
func installCustom(server *genericapiserver.GenericAPIServer, s *storage, list listing) error {
	info := genericapiserver.NewDefaultAPIGroupInfo(custom_metrics.GroupName, apiserver.Scheme, runtime.NewParameterCodec(apiserver.Scheme), apiserver.Codecs)
	group := metav1.APIGroup{Name: custom_metrics.GroupName}
	for _, version := range info.PrioritizedVersions {
		api := &installer.MetricsAPIGroupVersion{
			DynamicStorage:  s,
			APIGroupVersion: groupVersion(&info, version),
			ResourceLister:  list,
			Handlers:        &installer.CMHandlers{},
		}
		if err := api.InstallREST(server.Handler.GoRestfulContainer); err != nil {
			return fmt.Errorf("installing %s: %w", version, err)
		}
		group.Versions = append(group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: version.String(), Version: version.Version})
	}
	announce(server, group)
	return nil
}

func groupVersion(info *genericapiserver.APIGroupInfo, version schema.GroupVersion) *endpoints.APIGroupVersion {
	return &endpoints.APIGroupVersion{
		Root:             genericapiserver.APIGroupPrefix,
		GroupVersion:     version,
		MetaGroupVersion: info.MetaGroupVersion,
		ParameterCodec:   info.ParameterCodec,
		Serializer:       info.NegotiatedSerializer,
		Creater:          info.Scheme,
		Convertor:        info.Scheme,
		UnsafeConvertor:  runtime.UnsafeObjectConvertor(info.Scheme),
		Typer:            info.Scheme,
		Namer:            runtime.Namer(meta.NewAccessor()),
	}
}

// announce lists the group; the first version is the preferred one.
func announce(server *genericapiserver.GenericAPIServer, group metav1.APIGroup) {
	group.PreferredVersion = group.Versions[0]
	server.DiscoveryGroupManager.AddGroup(group)
	server.Handler.GoRestfulContainer.Add(discovery.NewAPIGroupHandler(server.Serializer, group).WebService())
}
