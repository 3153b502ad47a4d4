package app

import (
	"strconv"
	"time"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/scale/controller"
	"github.com/truecount/truecount/internal/supervise"
	"github.com/truecount/truecount/internal/web"
)

// page is one service as the pages show it.
func (s *service) page(asked askedReadings) web.Application {
	view := web.Application{
		ID:       web.ID(s.id()),
		URL:      s.url(),
		CanKill:  s.workers != nil,
		Panels:   s.panels(),
		Settings: s.settings(),
		Replicas: []web.Replica{},
	}
	if try := s.application.Spec.Try; try != nil {
		view.Try = &web.Try{Label: try.Label, Request: try.Method + " " + try.Path}
	}
	var count merge.Count
	metric := s.application.StripMetric()
	if s.merges() {
		count = s.group.Counter(metric)
	}
	if s.workers != nil {
		for _, replica := range s.workers.Snapshot().Replicas {
			view.Replicas = append(view.Replicas, replicaView(replica, s.forked(replica), count))
		}
	}
	if metric != "" && s.merges() {
		view.Strip = s.strip(metric, count, asked)
	}
	return view
}

func (s *service) strip(metric string, count merge.Count, asked askedReadings) *web.Strip {
	scrape := s.local.ScrapeInterval.Std().Seconds()
	merged := web.Reading{Value: web.NoValue(), EverySeconds: s.local.ReadInterval.Std().Seconds()}
	if count.Found {
		merged.Value, merged.AgeSeconds = web.Value(count.Total), count.Age.Seconds()
	}
	return &web.Strip{
		Metric:         metric,
		Merged:         merged,
		PerSecond:      asked.perSecond.view(scrape),
		PerSecondQuery: s.perSecondQuery(),
		Naive:          asked.naive.view(scrape),
		NaiveQuery:     s.comparedQuery(naivePrefix),
		MergedQuery:    s.comparedQuery(mergedPrefix),
		Scale:          s.decision(),
	}
}

func (r askedReading) view(every float64) web.Reading {
	if r.at.IsZero() {
		return web.Reading{Value: web.NoValue(), EverySeconds: every}
	}
	view := web.Reading{Value: web.Value(r.value), AgeSeconds: time.Since(r.at).Seconds(), EverySeconds: every}
	if r.err != nil {
		view.Error = r.err.Error()
	}
	return view
}

// decision is the autoscaler's last one, or, for a fixed number of replicas, nothing.
func (s *service) decision() *web.Scale {
	if s.scaler == nil {
		return nil
	}
	snapshot := s.workers.Snapshot()
	least, most := s.application.Replicas()
	view := &web.Scale{Wanted: snapshot.Desired, Min: least, Max: most, Value: web.NoValue(), Target: web.NoValue()}
	for _, replica := range snapshot.Replicas {
		if replica.State != supervise.Draining {
			view.Running++
		}
		if replica.Ready {
			view.Ready++
		}
	}
	if status, decided := s.scaler.Last(); decided {
		showDecision(view, status)
	}
	return view
}

// showDecision shows a decision and its reason: the words that the log, the events and a replay have as well.
func showDecision(view *web.Scale, status controller.Status) {
	view.AgeSeconds, view.EverySeconds = time.Since(status.At).Seconds(), status.SyncPeriod.Seconds()
	view.Reason = status.Reason()
	if status.Err != nil {
		view.Error = status.Reason()
	}
	if i := max(status.Chosen, 0); i < len(status.Metrics) {
		metric := status.Metrics[i]
		view.Metric, view.Target = metric.Name, web.Value(metric.Target.Float())
		if metric.Err == nil {
			view.Value = web.Value(metric.Current.Float())
		}
	}
}

func replicaView(replica supervise.Replica, forked []merge.Worker, count merge.Count) web.Replica {
	view := web.Replica{Name: replica.Name, State: string(replica.State), Ready: replica.Ready, Workers: []web.Worker{}}
	if replica.State == supervise.Ready {
		view.State = "serving"
	}
	for i, worker := range forked {
		view.Workers = append(view.Workers, forkedView(replica, i, worker, count))
	}
	if len(forked) > 0 {
		return view
	}
	for _, worker := range replica.Workers {
		view.Workers = append(view.Workers, workerView(replica.Name, worker, count))
	}
	return view
}

// forkedView is a worker that the program itself started: what is known of it is what it counts.
func forkedView(replica supervise.Replica, index int, worker merge.Worker, count merge.Count) web.Worker {
	view := web.Worker{
		ID:    replica.Name + "/" + strconv.Itoa(worker.PID) + "/" + strconv.FormatInt(replica.StartedAt.UnixMilli(), 36),
		Index: index,
		PID:   worker.PID,
		State: "serving",
		Value: web.NoValue(),
		Error: worker.Error,
	}
	if replica.State == supervise.Draining {
		view.State = string(supervise.Draining)
	}
	if !worker.Up {
		view.State = "down"
	}
	counted(&view, count)
	view.Up = worker.Up
	return view
}

func workerView(replica string, worker supervise.Worker, count merge.Count) web.Worker {
	view := web.Worker{
		ID:    replica + "/" + strconv.Itoa(worker.Index) + "/" + strconv.FormatInt(worker.StartedAt.UnixMilli(), 36),
		Index: worker.Index,
		PID:   worker.PID,
		State: string(worker.State),
		Value: web.NoValue(),
		Error: worker.Reason,
	}
	if worker.State == supervise.Ready {
		view.State, view.Error = "serving", ""
	}
	if counted(&view, count) && !view.Up {
		view.State = "down"
	}
	return view
}

// counted fills in what the worker has counted. It is false if that is not known.
func counted(view *web.Worker, count merge.Count) (found bool) {
	for _, c := range count.Workers {
		if c.PID == view.PID && c.PID != 0 {
			view.Up, view.Value, view.AgeSeconds = c.Up, web.Value(c.Value), c.Age.Seconds()
			found = true
		}
	}
	return found
}
