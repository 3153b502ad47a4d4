package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/truecount/truecount/internal/hint"
)

// apiService is what is looked at of an APIService.
type apiService struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Service *struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"service"`
		InsecureSkipTLSVerify bool   `json:"insecureSkipTLSVerify"`
		CABundle              []byte `json:"caBundle"`
	} `json:"spec"`
	Status struct {
		Conditions []metav1.Condition `json:"conditions"`
	} `json:"status"`
}

func (f *checkFlags) checkAPIServices(ctx context.Context, r *report, client kubernetes.Interface) {
	names := []string{"v1beta1.custom.metrics.k8s.io", "v1beta2.custom.metrics.k8s.io"}
	if f.values.external {
		names = append(names, "v1beta1.external.metrics.k8s.io")
	}
	for _, name := range names {
		data, err := client.Discovery().RESTClient().Get().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices/" + name).Do(ctx).Raw()
		if apierrors.IsNotFound(err) {
			r.add(levelWarning, "apiservice", "apply deploy/adapter/kubernetes; until then nobody answers for it", "%s does not exist", name)
			continue
		}
		var s apiService
		if err == nil {
			err = json.Unmarshal(data, &s)
		}
		if err != nil {
			r.add(levelError, "apiservice", "", "%s cannot be read: %v", name, err)
			continue
		}
		f.checkAPIService(r, name, &s)
	}
}

func (f *checkFlags) checkAPIService(r *report, name string, s *apiService) {
	if s.Spec.Service == nil {
		r.add(levelError, "apiservice", "delete it, or let its owner do so", "%s is served by the API server itself (%s)", name, owner(s))
		return
	}
	if service := s.Spec.Service.Namespace + "/" + s.Spec.Service.Name; service != f.subject.service {
		r.add(levelError, "apiservice", "a cluster has one server for an API: uninstall the other one first, or keep it; if this is ours, give --service "+service,
			"%s leads to the service %s of somebody else: %s", name, service, owner(s))
		return
	}
	r.add(levelOK, "apiservice", "", "%s leads to %s (%s)", name, f.subject.service, owner(s))
	for _, c := range s.Status.Conditions {
		if c.Type == "Available" && c.Status != metav1.ConditionTrue {
			r.add(levelWarning, "apiservice", "", "%s is not available: %s: %s", name, c.Reason, c.Message)
		}
	}
	f.checkTrust(r, name, s)
}

// checkTrust says whether the API server can tell the adapter from another program.
func (f *checkFlags) checkTrust(r *report, name string, s *apiService) {
	if s.Spec.InsecureSkipTLSVerify {
		r.add(levelWarning, "certificate", "write caBundle, and delete insecureSkipTLSVerify: truecount-adapter certificate makes both halves",
			"%s has insecureSkipTLSVerify: whoever answers at the service's address is believed", name)
		return
	}
	roots := x509.NewCertPool()
	if len(s.Spec.CABundle) == 0 {
		r.add(levelWarning, "certificate", "write caBundle: truecount-adapter certificate makes it", "%s has no caBundle: the adapter's certificate must come from an authority that the API server's machine trusts", name)
		return
	}
	if !roots.AppendCertsFromPEM(s.Spec.CABundle) {
		r.add(levelError, "certificate", "it is the base64 of a PEM file", "the caBundle of %s has no certificate", name)
		return
	}
	if f.subject.certificate == "" {
		return
	}
	host := s.Spec.Service.Name + "." + s.Spec.Service.Namespace + ".svc"
	if err := trusted(f.subject.certificate, roots, host); err != nil {
		r.add(levelError, "certificate", hint.Of(err), "%s: %v", name, err)
		return
	}
	r.add(levelOK, "certificate", "", "%s is for %s and comes from an authority in the caBundle of %s", f.subject.certificate, host, name)
}

func trusted(file string, roots *x509.CertPool, host string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var chain []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return hint.Errorf("give a PEM file", "%s has no certificate", file)
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: between}); err != nil {
		return hint.Errorf("truecount-adapter certificate makes one that is", "the API server will not accept %s: %w", file, err)
	}
	return nil
}

// owner says who has made an APIService, as far as it tells.
func owner(s *apiService) string {
	var service string
	if s.Spec.Service != nil {
		service = s.Spec.Service.Name
	}
	all := strings.ToLower(service + " " + fmt.Sprint(s.Labels) + " " + fmt.Sprint(s.Annotations["meta.helm.sh/release-name"]))
	program := "a program that is not known here"
	switch {
	case strings.Contains(all, "keda"):
		program = "KEDA"
	case strings.Contains(all, "truecount"):
		program = "Truecount"
	case strings.Contains(all, "prometheus-adapter"), strings.Contains(all, "custom-metrics-apiserver"), strings.Contains(all, "k8s-prometheus-adapter"):
		program = "prometheus-adapter"
	case strings.Contains(all, "kube-metrics-adapter"):
		program = "kube-metrics-adapter"
	case strings.Contains(all, "datadog"):
		program = "Datadog's cluster agent"
	}
	var managers []string
	for _, m := range s.ManagedFields {
		if m.Subresource == "" && !slices.Contains(managers, m.Manager) {
			managers = append(managers, m.Manager)
		}
	}
	if len(managers) > 0 {
		program += ", written by " + strings.Join(managers, ", ")
	}
	if release := s.Annotations["meta.helm.sh/release-name"]; release != "" {
		program += ", Helm release " + s.Annotations["meta.helm.sh/release-namespace"] + "/" + release
	}
	return program
}
