package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/hpa"
)

// Sync is what a controller saw when it decided: one line of a file of recorded syncs.
type Sync struct {
	// At is when the controller decided.
	At time.Time `json:"at"`
	// SpecReplicas is the scale's spec.replicas before the decision.
	SpecReplicas *int32 `json:"specReplicas"`
	// StatusReplicas is the scale's status.replicas; left out, the pods that are not being deleted are counted.
	StatusReplicas *int32 `json:"statusReplicas,omitempty"`
	// Pods are those that the target's selector matched.
	Pods []SyncPod `json:"pods"`
	// Desired is what the controller asked for; left out, it is the next line's specReplicas.
	Desired *int32 `json:"desired,omitempty"`
}

// SyncPod is a pod as the controller saw it.
type SyncPod struct {
	// Name is the pod's name.
	Name string `json:"name"`
	// Phase is status.phase: Pending, Running, Succeeded, Failed or Unknown.
	Phase string `json:"phase"`
	// Ready is the status of the condition Ready: True, False or Unknown; left out while there is none.
	Ready string `json:"ready,omitempty"`
	// ReadyChanged is the condition's lastTransitionTime.
	ReadyChanged time.Time `json:"readyChanged,omitzero"`
	// Started is status.startTime.
	Started time.Time `json:"started,omitzero"`
	// Deleting is true once metadata.deletionTimestamp is set.
	Deleting bool `json:"deleting,omitempty"`
}

// maxSyncLine bounds a line: 10,000 pods.
const maxSyncLine = 4 << 20

// ReadSyncs reads recorded syncs: JSON, one object per line, in the order of time. Errors name the line.
func ReadSyncs(name string, r io.Reader) ([]Sync, error) {
	var all []Sync
	lines := newLines(r, maxSyncLine)
	for lines.next() {
		if len(bytes.TrimSpace(lines.text)) == 0 {
			continue
		}
		s, err := decodeSync(lines.text)
		if err == nil && len(all) > 0 && !s.At.After(all[len(all)-1].At) {
			err = errors.New("at is not after that of the line before")
		}
		if err != nil {
			return nil, hint.Errorf("each line is one sync: see docs/reference/replay.md", "%s:%d: %w", name, lines.number, err)
		}
		all = append(all, s)
	}
	if lines.err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, lines.number, lines.err)
	}
	if len(all) == 0 {
		return nil, hint.Errorf("each line is one sync: see docs/reference/replay.md", "%s: there is no sync in it", name)
	}
	return all, nil
}

func decodeSync(line []byte) (s Sync, err error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return s, readable(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return s, errors.New("more than one object")
	}
	switch {
	case s.At.IsZero():
		return s, errors.New("at is missing: the time of the sync")
	case s.SpecReplicas == nil:
		return s, errors.New("specReplicas is missing")
	case *s.SpecReplicas < 0, s.StatusReplicas != nil && *s.StatusReplicas < 0, s.Desired != nil && *s.Desired < 0:
		return s, errors.New("a number of replicas is negative")
	}
	seen := map[string]bool{}
	for _, p := range s.Pods {
		if p.Name == "" || seen[p.Name] {
			return s, fmt.Errorf("a pod's name is missing or there twice: %q", p.Name)
		}
		seen[p.Name] = true
		switch corev1.PodPhase(p.Phase) {
		case corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed, corev1.PodUnknown:
		default:
			return s, fmt.Errorf("pod %s: %q is no phase", p.Name, p.Phase)
		}
		switch corev1.ConditionStatus(p.Ready) {
		case "", corev1.ConditionTrue, corev1.ConditionFalse, corev1.ConditionUnknown:
		default:
			return s, fmt.Errorf("pod %s: ready is %q, not True, False or Unknown", p.Name, p.Ready)
		}
	}
	return s, nil
}

// readable takes the Go out of what encoding/json says.
func readable(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("%s is a %s, which it cannot be", kind.Field, kind.Value)
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("this is not JSON")
	}
	text := err.Error()
	if _, field, found := cutLast(text, "unknown field "); found {
		return fmt.Errorf("unknown field %s", field)
	}
	return errors.New("a time is not written as 2006-01-02T15:04:05Z")
}

// syncs is the record that recorded syncs are.
type syncs struct{ left []Sync }

func (s *syncs) window(context.Context, []time.Time) (past, error) { return s, nil }

func (s *syncs) at(at time.Time) situation {
	for len(s.left) > 0 && s.left[0].At.Before(at) {
		s.left = s.left[1:]
	}
	now := s.left[0] // the instants are those of the syncs
	out := situation{replicas: *now.SpecReplicas, podsKnown: true, desired: -1}
	for _, p := range now.Pods {
		out.pods = append(out.pods, hpa.Pod{
			Name: p.Name, Phase: corev1.PodPhase(p.Phase), Ready: corev1.ConditionStatus(p.Ready),
			ReadyChanged: p.ReadyChanged, Started: p.Started, Deleting: p.Deleting,
		})
	}
	out.observed = existing(out.pods)
	if now.StatusReplicas != nil {
		out.observed = *now.StatusReplicas
	}
	if now.Desired != nil {
		out.desired = *now.Desired
	}
	return out
}

func (s *syncs) inputs() []Input {
	return []Input{{"sync instants, spec.replicas, pods and readiness", "recorded syncs"}}
}
