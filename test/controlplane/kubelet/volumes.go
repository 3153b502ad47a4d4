package kubelet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// volumes are a pod's, each a directory that its containers see.
type volumes struct {
	worker *worker
	dirs   map[string]string // by name; empty for a kind that this kubelet does not have
	fresh  []*projection
}

// How often volumes follow their ConfigMaps and Secrets. A kubelet takes up to a minute and a half.
const refreshInterval = time.Second

// mountVolumes waits, as a kubelet does, for what a volume needs and is not there yet.
func (w *worker) mountVolumes(ctx context.Context) (*volumes, error) {
	v := &volumes{worker: w, dirs: map[string]string{}}
	for i := range w.pod.Spec.Volumes {
		volume := &w.pod.Spec.Volumes[i]
		dir := filepath.Join(w.dir(), "volume-"+volume.Name)
		switch {
		case volume.HostPath != nil:
			v.dirs[volume.Name] = volume.HostPath.Path
			if err := os.MkdirAll(volume.HostPath.Path, 0o777); err != nil {
				return nil, err
			}
			continue
		case volume.EmptyDir != nil:
			v.dirs[volume.Name] = dir
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return nil, err
			}
			if err := os.Chmod(dir, 0o777); err != nil { // whatever the umask
				return nil, err
			}
			continue
		}
		sources := projected(volume)
		if sources == nil {
			continue
		}
		v.dirs[volume.Name] = dir
		p := &projection{worker: w, dir: dir, sources: sources}
		v.fresh = append(v.fresh, p)
		if err := p.await(ctx); err != nil {
			return nil, fmt.Errorf("volume %s: %w", volume.Name, err)
		}
	}
	return v, nil
}

// projected says what a volume of files is made from; nil if it is none.
func projected(volume *corev1.Volume) []corev1.VolumeProjection {
	switch {
	case volume.Projected != nil:
		return volume.Projected.Sources
	case volume.ConfigMap != nil:
		return []corev1.VolumeProjection{{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: volume.ConfigMap.LocalObjectReference, Items: volume.ConfigMap.Items, Optional: volume.ConfigMap.Optional,
		}}}
	case volume.Secret != nil:
		return []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: volume.Secret.SecretName}, Items: volume.Secret.Items, Optional: volume.Secret.Optional,
		}}}
	case volume.DownwardAPI != nil:
		return []corev1.VolumeProjection{{DownwardAPI: &corev1.DownwardAPIProjection{Items: volume.DownwardAPI.Items}}}
	}
	return nil
}

// keepFresh lets the volumes follow what they are made from until ctx is done.
func (v *volumes) keepFresh(ctx context.Context) {
	tick := time.NewTicker(refreshInterval)
	defer tick.Stop()
	for len(v.fresh) > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, p := range v.fresh {
			// What cannot be read now stays as it was.
			if err := p.write(ctx); err != nil && ctx.Err() == nil {
				v.worker.log().Debug("a volume is not renewed", "error", err)
			}
		}
	}
}

// mounts are a container's.
func (v *volumes) mounts(container *corev1.Container) ([]mount, error) {
	var all []mount
	for _, m := range container.VolumeMounts {
		dir, known := v.dirs[m.Name]
		if !known {
			return nil, fmt.Errorf("volume %s is of a kind that this kubelet does not have", m.Name)
		}
		all = append(all, mount{Source: filepath.Join(dir, m.SubPath), Target: m.MountPath, ReadOnly: m.ReadOnly})
	}
	return all, nil
}
