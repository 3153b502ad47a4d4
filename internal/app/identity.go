package app

import "net/http"

// serviceID names a service and everything that is named after it.
type serviceID struct{ Namespace, Name string }

func (id serviceID) String() string   { return id.Namespace + "/" + id.Name }
func (id serviceID) fileName() string { return id.Namespace + "_" + id.Name }

// jobName is the label job, as the Prometheus operator gives it: the name of the service. Other namespaces may have it
// too, and so may this server: what is unique, as the configuration demands of job_name, is scrapeName.
func (id serviceID) jobName() string    { return id.Name }
func (id serviceID) scrapeName() string { return id.String() }

// replicaPath is where one replica's merged metrics are.
func (id serviceID) replicaPath(replica string) string {
	return "/replicas/" + id.Namespace + "/" + replica + "/metrics"
}

// servicePath is where the metrics of all replicas together are, with the counts of those that were scaled away.
func (id serviceID) servicePath() string {
	return "/services/" + id.Namespace + "/" + id.Name + "/metrics"
}

// naivePath is what a scrape would see without a merge: one worker, another one each time.
func (id serviceID) naivePath() string {
	return "/services/" + id.Namespace + "/" + id.Name + "/naive"
}

// mountMetrics serves what is merged of every service.
func mountMetrics(mux *http.ServeMux, services []*service) {
	byID := map[serviceID]*service{}
	for _, s := range services {
		if s.merges() {
			byID[s.id()] = s
			mux.Handle("GET "+s.id().servicePath(), s.group)
			mux.Handle("GET "+s.id().naivePath(), s.group.NaiveHandler())
		}
	}
	mux.HandleFunc("GET "+serviceID{Namespace: "{namespace}"}.replicaPath("{replica}"), func(w http.ResponseWriter, r *http.Request) {
		for id, s := range byID {
			if merger := s.merger(r.PathValue("replica")); id.Namespace == r.PathValue("namespace") && merger != nil {
				merger.ServeHTTP(w, r)
				return
			}
		}
		http.Error(w, "no such replica", http.StatusNotFound)
	})
}
