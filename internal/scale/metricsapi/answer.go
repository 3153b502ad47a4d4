package metricsapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/handlers/negotiation"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
)

// answer is a list of values that several requests share: it is encoded once for each version and format that is asked
// for, and all of them write the same bytes. A list of 5,000 pods has more than a megabyte.
type answer struct {
	list *custom_metrics.MetricValueList

	mu      sync.Mutex
	encoded map[encoding][]byte
}

// bytesPerValue is about what a value of a pod takes in JSON, so that the buffer of a long list does not grow often.
const bytesPerValue = 240

type encoding struct {
	version schema.GroupVersion
	format  string
}

// GetObjectKind implements [runtime.Object].
func (a *answer) GetObjectKind() schema.ObjectKind { return a.list.GetObjectKind() }

// DeepCopyObject implements [runtime.Object].
func (a *answer) DeepCopyObject() runtime.Object { return &answer{list: a.list.DeepCopy()} }

// InputStream implements the API server's ResourceStreamer: the bytes to write for a version, as "custom.metrics.k8s.io/v1beta1",
// and what the client accepts.
func (a *answer) InputStream(_ context.Context, version, accept string) (stream io.ReadCloser, flush bool, mediaType string, err error) {
	gv, err := schema.ParseGroupVersion(version)
	if err != nil {
		return nil, false, "", err
	}
	formats := apiserver.Codecs.SupportedMediaTypes()
	chosen, ok := negotiation.NegotiateMediaTypeOptions(accept, formats, negotiation.DefaultEndpointRestrictions)
	if !ok {
		var all []string
		for _, f := range formats {
			all = append(all, f.MediaType)
		}
		return nil, false, "", negotiation.NewNotAcceptableError(all)
	}
	data, err := a.encode(gv, chosen.Accepted)
	if err != nil {
		return nil, false, "", fmt.Errorf("encoding %d values as %s: %w", len(a.list.Items), strings.TrimPrefix(chosen.Accepted.MediaType, "application/"), err)
	}
	return io.NopCloser(bytes.NewReader(data)), false, chosen.Accepted.MediaType, nil
}

// encode holds the lock meanwhile: whoever wants the same bytes waits for them.
func (a *answer) encode(gv schema.GroupVersion, info runtime.SerializerInfo) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := encoding{gv, info.MediaType}
	if data := a.encoded[key]; data != nil {
		return data, nil
	}
	var buffer bytes.Buffer
	buffer.Grow(bytesPerValue * len(a.list.Items))
	if err := apiserver.Codecs.EncoderForVersion(info.Serializer, gv).Encode(a.list, &buffer); err != nil {
		return nil, err
	}
	if a.encoded == nil {
		a.encoded = map[encoding][]byte{}
	}
	a.encoded[key] = buffer.Bytes()
	return buffer.Bytes(), nil
}
