package app

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

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
		SyncPeriod: time.Duration(in.local.SyncPeriod),
		Settings:   settings,
		Logger:     s.logger,
		Registerer: in.registerer,
	})
	s.scaler = scaler
	return err
}

// scale runs the autoscaler once the database answers: what cannot be asked yet is no reason to complain.
func (s *service) scale(ctx context.Context) error {
	select {
	case <-s.answers:
		return s.scaler.Run(ctx)
	case <-ctx.Done():
		return nil
	}
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
