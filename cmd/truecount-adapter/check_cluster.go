package main

import (
	"context"
	"io"
	"log/slog"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/metricsapi"
)

// checkCluster asks the API server, and returns the cluster's resources, or nil if they are not known.
func (f *checkFlags) checkCluster(ctx context.Context, r *report) meta.RESTMapper {
	klog.SetLogger(klog.NewKlogr())
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	config, err := f.cluster.config()
	if err != nil {
		r.fail("cluster", hint.Errorf("give --lister-kubeconfig FILE, or --rules-only", "%w", err))
		return nil
	}
	config.Timeout, config.ContentType = patience, "application/json" // a few small questions
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		r.fail("cluster", err)
		return nil
	}
	var mapper meta.RESTMapper
	discover, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		r.fail("cluster", err)
		return nil
	}
	resources, err := metricsapi.NewResources(discover, slog.New(slog.DiscardHandler))
	if err != nil {
		r.fail("cluster", hint.Errorf("check --lister-kubeconfig", "%s: %w", config.Host, err))
		return nil
	}
	mapper = resources.Mapper()
	r.add(levelOK, "cluster", "", "%s answers", config.Host)
	f.checkAPIServices(ctx, r, client)
	f.checkAccess(ctx, r, client)
	return mapper
}

// right is something that the adapter has to be allowed.
type right struct {
	verb, group, resource, namespace, name string
	why                                    string
}

// rights lists what serve needs with these flags.
func (f *checkFlags) rights() []right {
	all := []right{
		{"list", "", "pods", "", "", "which pods there are"},
		{"watch", "", "pods", "", "", "which pods there are"},
		{"create", "authentication.k8s.io", "tokenreviews", "", "", "who asks: bind the role system:auth-delegator"},
		{"create", "authorization.k8s.io", "subjectaccessreviews", "", "", "what they may: bind the role system:auth-delegator"},
		{"get", "", "configmaps", metav1.NamespaceSystem, "extension-apiserver-authentication", "how the API server shows who it is: bind the role extension-apiserver-authentication-reader"},
	}
	if f.rules.selectorText == "" {
		return all
	}
	namespaces := f.rules.namespaces
	if len(namespaces) == 0 {
		namespaces = []string{""}
	}
	for _, namespace := range namespaces {
		for _, verb := range []string{"list", "watch"} {
			all = append(all, right{verb, "", "configmaps", namespace, "", "the rules in them"})
		}
	}
	return all
}

func (f *checkFlags) checkAccess(ctx context.Context, r *report, client kubernetes.Interface) {
	whose, ask := "you", f.self
	if f.subject.account != "" {
		namespace, name, found := strings.Cut(f.subject.account, "/")
		if !found {
			r.add(levelError, "access", "write it as truecount/truecount-adapter", "--service-account %q is no namespace and name", f.subject.account)
			return
		}
		whose = "the service account " + f.subject.account
		user := "system:serviceaccount:" + namespace + ":" + name
		groups := []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}
		ask = func(ctx context.Context, client kubernetes.Interface, a *authorizationv1.ResourceAttributes) (bool, error) {
			review, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
				Spec: authorizationv1.SubjectAccessReviewSpec{User: user, Groups: groups, ResourceAttributes: a},
			}, metav1.CreateOptions{})
			return err == nil && review.Status.Allowed, err
		}
	}
	missing := 0
	for _, need := range f.rights() {
		allowed, err := ask(ctx, client, &authorizationv1.ResourceAttributes{
			Verb: need.verb, Group: need.group, Resource: need.resource, Namespace: need.namespace, Name: need.name,
		})
		where := "in all namespaces"
		if need.namespace != "" {
			where = "in namespace " + need.namespace
		}
		switch {
		case err != nil:
			r.add(levelError, "access", "", "whether %s may %s %s cannot be found out: %v", whose, need.verb, need.resource, err)
			return
		case !allowed:
			missing++
			r.add(levelError, "access", "deploy/adapter/kubernetes has the roles", "%s may not %s %s %s, and so does not learn %s", whose, need.verb, need.resource, where, need.why)
		}
	}
	if missing == 0 {
		r.add(levelOK, "access", "", "%s may do all that serve needs for pods; objects of other kinds need list and watch, too", whose)
	}
}

func (f *checkFlags) self(ctx context.Context, client kubernetes.Interface, a *authorizationv1.ResourceAttributes) (bool, error) {
	review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: a},
	}, metav1.CreateOptions{})
	return err == nil && review.Status.Allowed, err
}
