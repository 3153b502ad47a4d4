// Package kubeapi speaks as much of Kubernetes' API over HTTP as programs that watch objects and delegate authentication
// need, without a cluster: discovery, lists, streamed lists and watches with selectors, and reviews of access. What it says is
// set by the test, and it can be made to fail. test/controlplane has the real thing.
package kubeapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Object is an object as JSON has it.
type Object = map[string]any

// Server is the API. Its methods may be called concurrently.
type Server struct {
	*httptest.Server

	mu       sync.Mutex
	version  int
	objects  map[string]Object // by path, as /api/v1/namespaces/default/pods/clicks-0
	watchers map[*watcher]bool
	requests []string // method and path, in the order that they came
	down     int      // status to answer all with; 0: none
	silent   bool     // nothing is answered
	barred   string   // the collection that nobody may read; "": none
	allow    func(user, verb, path string) bool
	stopped  chan struct{}
}

// resources are the resources that discovery lists.
var resources = map[string][]metav1.APIResource{
	"v1": {
		{Name: "pods", SingularName: "pod", Namespaced: true, Kind: "Pod", Verbs: metav1.Verbs{"get", "list", "watch"}},
		{Name: "services", SingularName: "service", Namespaced: true, Kind: "Service", Verbs: metav1.Verbs{"get", "list", "watch"}},
		{Name: "namespaces", SingularName: "namespace", Kind: "Namespace", Verbs: metav1.Verbs{"get", "list", "watch"}},
		{Name: "nodes", SingularName: "node", Kind: "Node", Verbs: metav1.Verbs{"get", "list", "watch"}},
		{Name: "configmaps", SingularName: "configmap", Namespaced: true, Kind: "ConfigMap", Verbs: metav1.Verbs{"get", "list", "watch"}},
	},
	"apps/v1": {
		{Name: "deployments", SingularName: "deployment", Namespaced: true, Kind: "Deployment", Verbs: metav1.Verbs{"get", "list", "watch"}},
	},
	"networking.k8s.io/v1": {
		{Name: "ingresses", SingularName: "ingress", Namespaced: true, Kind: "Ingress", Verbs: metav1.Verbs{"get", "list", "watch"}},
	},
}

// New starts a server that allows everybody everything. Close ends it.
func New() *Server {
	s := &Server{objects: map[string]Object{}, watchers: map[*watcher]bool{}, stopped: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// Close ends watches, and then the server.
func (s *Server) Close() {
	close(s.stopped)
	s.CloseClientConnections()
	s.Server.Close()
}

// Put creates or changes an object. The path is its own: /api/v1/namespaces/default/pods/clicks-0.
func (s *Server) Put(at string, o Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	parts := strings.Split(strings.Trim(at, "/"), "/")
	meta, _ := o["metadata"].(Object)
	if meta == nil {
		meta = Object{}
	}
	meta["name"], meta["resourceVersion"] = parts[len(parts)-1], fmt.Sprint(s.version)
	if i := slices.Index(parts, "namespaces"); i >= 0 && i+2 < len(parts) {
		meta["namespace"] = parts[i+1]
	}
	o["metadata"] = meta
	if kind, apiVersion := kindOf(path.Dir(at)); kind != "" {
		o["kind"], o["apiVersion"] = kind, apiVersion
	}
	old, existed := s.objects[at]
	s.objects[at] = o
	for w := range s.watchers {
		w.changed(at, old, existed, o, true)
	}
}

// Remove deletes an object.
func (s *Server) Remove(at string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	old, existed := s.objects[at]
	delete(s.objects, at)
	for w := range s.watchers {
		w.changed(at, old, existed, old, false)
	}
}

// Fail answers everything with an HTTP status from now on, and ends watches; 0 ends that.
func (s *Server) Fail(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = code
	if code != 0 {
		for w := range s.watchers {
			close(w.events)
			delete(s.watchers, w)
		}
	}
}

// Silence answers nothing from now on, until it is ended.
func (s *Server) Silence(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = silent
}

// Forbid refuses to list and watch a collection, as /api/v1/services, from now on; "" ends that.
func (s *Server) Forbid(collection string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.barred = collection
}

// Allow says who may do what: it decides SubjectAccessReviews. The path is that of the request, or namespace/resource/subresource.
func (s *Server) Allow(allow func(user, verb, path string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allow = allow
}

// Requests returns what has been asked whose method and path begin with prefix, as "GET /api/v1/pods".
func (s *Server) Requests(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.requests {
		if strings.HasPrefix(r, prefix) {
			out = append(out, r)
		}
	}
	return out
}

// Forget begins the list of requests anew.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Kubeconfig writes a file that leads here, and returns its path.
func (s *Server) Kubeconfig(dir string) (string, error) {
	file := filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: %q}}]
users: [{name: test, user: {token: not-a-secret}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
current-context: test
`, s.URL)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

func (s *Server) serve(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, req.Method+" "+req.URL.Path)
	down, silent, barred := s.down, s.silent, s.barred
	s.mu.Unlock()
	asked := req.URL.Path
	switch {
	case silent:
		select {
		case <-req.Context().Done():
		case <-s.stopped:
		}
	case down != 0:
		fail(w, down, "the API server is made to fail")
	case barred != "" && asked == barred:
		fail(w, http.StatusForbidden, path.Base(asked)+" is forbidden")
	case req.Method == http.MethodPost:
		s.review(w, req)
	case asked == "/version":
		answer(w, Object{"major": "1", "minor": "36", "gitVersion": "v1.36.0"})
	case asked == "/api":
		answer(w, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
	case asked == "/apis":
		answer(w, groups())
	default:
		group := strings.TrimPrefix(strings.TrimPrefix(asked, "/apis/"), "/api/")
		if list, known := resources[group]; known {
			answer(w, metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: group, APIResources: list})
			return
		}
		s.read(w, req)
	}
}

func groups() metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for gv := range resources {
		group, version, found := strings.Cut(gv, "/")
		if !found {
			continue
		}
		v := metav1.GroupVersionForDiscovery{GroupVersion: gv, Version: version}
		list.Groups = append(list.Groups, metav1.APIGroup{Name: group, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v})
	}
	slices.SortFunc(list.Groups, func(a, b metav1.APIGroup) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, code int, message string) {
	reason := map[int]metav1.StatusReason{404: metav1.StatusReasonNotFound, 403: metav1.StatusReasonForbidden, 503: metav1.StatusReasonServiceUnavailable}[code]
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code), Reason: reason, Message: message})
}
