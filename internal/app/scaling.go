package app

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/scale/controller"
	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/supervise"
)

func (s *service) prepareScaler(in surroundings) error {
	settings := hpa.DefaultSettings()
	settings.DownscaleStabilization = time.Duration(in.local.DownscaleStabilization)
	scaler, err := controller.New(controller.Options{
		Name:       s.application.Metadata.Name,
		Namespace:  s.application.Metadata.Namespace,
		Spec:       s.application.HPASpec(),
		Queries:    s.application.Queries(),
		Query:      in.query,
		Target:     replicas{s.workers},
		SyncPeriod: in.local.SyncPeriod.Std(),
		MinSyncGap: leastBetweenSyncs(in.local),
		Wake:       s.wake,
		Settings:   settings,
		Logger:     s.logger,
		Registerer: in.registerer,
	})
	s.scaler = scaler
	return err
}

// leastBetweenSyncs is how long after a decision a scrape may bring about the next. The period stays what the file says, but for one scrape
// interval at most, and many replicas, each scraped at a time of its own, cause four decisions in it at most.
func leastBetweenSyncs(local *application.Local) time.Duration {
	period := local.SyncPeriod.Std()
	return max(period/4, period-local.ScrapeInterval.Std())
}

// wakeScaler asks for a decision now and returns at once.
func (s *service) wakeScaler() {
	select {
	case s.wake <- struct{}{}:
	default: // it has been asked already
	}
}

// startPatience is how many scrapes the autoscaler waits for the first value of its signals. A rate needs two samples; what
// is not there yet is no reason to complain.
const startPatience = 10

// scale runs the autoscaler once the database answers and knows the signals, and a replica serves that they can be of:
// right after a restart the database still has those of the replicas before, which had the same names.
func (s *service) scale(ctx context.Context) error {
	select {
	case <-s.answers:
	case <-ctx.Done():
		return nil
	}
	ticker := time.NewTicker(s.local.ScrapeInterval.Std())
	defer ticker.Stop()
	for range startPatience {
		if s.serves() && s.signalsKnown(ctx) {
			break
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
	return s.scaler.Run(ctx)
}

func (s *service) serves() bool {
	return slices.ContainsFunc(s.workers.Snapshot().Replicas, func(r supervise.Replica) bool { return r.Ready })
}

func (s *service) signalsKnown(ctx context.Context) bool {
	for _, query := range s.application.Queries() {
		if samples, err := s.query(ctx, query, time.Now()); err != nil || len(samples) == 0 {
			return false
		}
	}
	return true
}

// replicas shows the groups of workers on this machine to the autoscaler as it would see pods.
type replicas struct{ *supervise.Service }

func (r replicas) Desired() int { return r.Snapshot().Desired }

func (r replicas) Pods() []hpa.Pod {
	var pods []hpa.Pod
	for _, replica := range r.Snapshot().Replicas {
		pod := hpa.Pod{
			Name:     replica.Name,
			Phase:    corev1.PodRunning,
			Ready:    corev1.ConditionTrue,
			Started:  replica.StartedAt,
			Deleting: replica.State == supervise.Draining,
		}
		if !replica.Ready {
			pod.Ready = corev1.ConditionFalse
			if replica.State == supervise.Starting {
				pod.Phase = corev1.PodPending
			}
		}
		pods = append(pods, pod)
	}
	return pods
}
