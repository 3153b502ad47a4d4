package kubeapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

// watcher is one watch under way.
type watcher struct {
	wanted chooser
	events chan Object
}

// chooser says which objects a request is about.
type chooser struct {
	collection string // of a namespace, as /api/v1/namespaces/default/pods; or of all: /api/v1/pods
	label      labels.Selector
	field      fields.Selector
	metadata   bool
}

func (c chooser) has(at string, o Object) bool {
	folder := path.Dir(at)
	if folder != c.collection {
		parts := strings.Split(folder, "/")
		i := slices.Index(parts, "namespaces")
		if i < 0 || i+2 >= len(parts) || strings.Join(slices.Concat(parts[:i], parts[i+2:]), "/") != c.collection {
			return false
		}
	}
	meta, _ := o["metadata"].(Object)
	set := labels.Set{}
	if all, ok := meta["labels"].(Object); ok {
		for k, v := range all {
			set[k] = fmt.Sprint(v)
		}
	}
	status, _ := o["status"].(Object)
	of := fields.Set{"metadata.name": fmt.Sprint(meta["name"]), "status.phase": fmt.Sprint(status["phase"])}
	return c.label.Matches(set) && c.field.Matches(of)
}

// shown is the object as the request wants it.
func (c chooser) shown(o Object) Object {
	if !c.metadata {
		return o
	}
	return Object{"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": o["metadata"]}
}

func (w *watcher) changed(at string, old Object, existed bool, now Object, exists bool) {
	before, after := existed && w.wanted.has(at, old), exists && w.wanted.has(at, now)
	kind := ""
	switch {
	case before && after:
		kind = "MODIFIED"
	case after:
		kind = "ADDED"
	case before:
		kind = "DELETED"
	default:
		return
	}
	w.events <- Object{"type": kind, "object": w.wanted.shown(now)}
}

func (s *Server) read(w http.ResponseWriter, req *http.Request) {
	q := req.URL.Query()
	label, err := labels.Parse(q.Get("labelSelector"))
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	field, err := fields.ParseSelector(q.Get("fieldSelector"))
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	c := chooser{req.URL.Path, label, field, strings.Contains(req.Header.Get("Accept"), "as=PartialObjectMetadata")}
	s.mu.Lock()
	if o, single := s.objects[req.URL.Path]; single {
		s.mu.Unlock()
		answer(w, c.shown(o))
		return
	}
	items := []Object{}
	for at, o := range s.objects {
		if c.has(at, o) {
			items = append(items, c.shown(o))
		}
	}
	version := fmt.Sprint(s.version)
	if q.Get("watch") != "" {
		watching := &watcher{c, make(chan Object, 100_000)}
		s.watchers[watching] = true
		s.mu.Unlock()
		if q.Get("sendInitialEvents") != "true" {
			items = nil
		}
		s.stream(w, req, watching, items, version)
		return
	}
	s.mu.Unlock()
	kind, apiVersion := kindOf(req.URL.Path)
	if kind == "" {
		fail(w, http.StatusNotFound, req.URL.Path+" is not found")
		return
	}
	if c.metadata {
		kind, apiVersion = "PartialObjectMetadata", "meta.k8s.io/v1"
	}
	answer(w, Object{"apiVersion": apiVersion, "kind": kind + "List", "metadata": Object{"resourceVersion": version}, "items": items})
}

// kindOf returns what a collection has, or "" for what is none.
func kindOf(collection string) (kind, apiVersion string) {
	for gv, list := range resources {
		for _, r := range list {
			if path.Base(collection) == r.Name && strings.Contains(collection, "/"+gv+"/") {
				return r.Kind, gv
			}
		}
	}
	return "", ""
}

// stream writes events until the client leaves or the server ends.
func (s *Server) stream(w http.ResponseWriter, req *http.Request, watching *watcher, first []Object, version string) {
	defer func() {
		s.mu.Lock()
		delete(s.watchers, watching)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	encoder := json.NewEncoder(w)
	for _, o := range first {
		encoder.Encode(Object{"type": "ADDED", "object": o})
	}
	if req.URL.Query().Get("sendInitialEvents") == "true" {
		kind, apiVersion := kindOf(req.URL.Path)
		if watching.wanted.metadata {
			kind, apiVersion = "PartialObjectMetadata", "meta.k8s.io/v1"
		}
		encoder.Encode(Object{"type": "BOOKMARK", "object": Object{"apiVersion": apiVersion, "kind": kind, "metadata": Object{
			"resourceVersion": version, "annotations": Object{"k8s.io/initial-events-end": "true"},
		}}})
	}
	w.(http.Flusher).Flush()
	for {
		select {
		case <-req.Context().Done():
			return
		case <-s.stopped:
			return
		case event, more := <-watching.events:
			if !more {
				return
			}
			encoder.Encode(event)
			w.(http.Flusher).Flush()
		}
	}
}
