package kubelet

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// projection is a volume of files that come from the API server. They change all at once: the link ..data is replaced.
type projection struct {
	worker  *worker
	dir     string
	sources []corev1.VolumeProjection
	token   string
	written map[string]string
	turn    int
}

// await writes the files as soon as all that they come from exists.
func (p *projection) await(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := p.write(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-p.worker.deleting:
			return err
		case <-tick.C:
		}
	}
}

func (p *projection) write(ctx context.Context) error {
	files := map[string]string{}
	for i := range p.sources {
		if err := p.read(ctx, &p.sources[i], files); err != nil {
			return err
		}
	}
	if p.written != nil && maps.Equal(files, p.written) {
		return nil
	}
	if err := p.replace(files); err != nil {
		return err
	}
	p.written = files
	return nil
}

func (p *projection) read(ctx context.Context, source *corev1.VolumeProjection, files map[string]string) error {
	client, namespace := p.worker.kubelet.opts.Client, p.worker.pod.Namespace
	switch {
	case source.ConfigMap != nil:
		object, err := client.CoreV1().ConfigMaps(namespace).Get(ctx, source.ConfigMap.Name, metav1.GetOptions{})
		if err != nil {
			return unlessOptional(err, source.ConfigMap.Optional)
		}
		return pick(object.Data, source.ConfigMap.Items, files)
	case source.Secret != nil:
		object, err := client.CoreV1().Secrets(namespace).Get(ctx, source.Secret.Name, metav1.GetOptions{})
		if err != nil {
			return unlessOptional(err, source.Secret.Optional)
		}
		data := map[string]string{}
		for key, value := range object.Data {
			data[key] = string(value)
		}
		return pick(data, source.Secret.Items, files)
	case source.DownwardAPI != nil:
		for _, item := range source.DownwardAPI.Items {
			value, err := p.worker.field(item.FieldRef)
			if err != nil {
				return err
			}
			files[item.Path] = value
		}
		return nil
	case source.ServiceAccountToken != nil:
		token, err := p.serviceAccountToken(ctx, source.ServiceAccountToken)
		files[source.ServiceAccountToken.Path] = token
		return err
	}
	return fmt.Errorf("a kind of projection that this kubelet does not have")
}

func unlessOptional(err error, optional *bool) error {
	if optional != nil && *optional && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func pick(data map[string]string, items []corev1.KeyToPath, files map[string]string) error {
	if items == nil {
		maps.Copy(files, data)
		return nil
	}
	for _, item := range items {
		value, exists := data[item.Key]
		if !exists {
			return fmt.Errorf("there is no key %s", item.Key)
		}
		files[item.Path] = value
	}
	return nil
}

// serviceAccountToken asks for one, once: it is valid for longer than a test.
func (p *projection) serviceAccountToken(ctx context.Context, source *corev1.ServiceAccountTokenProjection) (string, error) {
	if p.token != "" {
		return p.token, nil
	}
	pod := p.worker.pod
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: source.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
	}}
	if source.Audience != "" {
		request.Spec.Audiences = []string{source.Audience}
	}
	answer, err := p.worker.kubelet.opts.Client.CoreV1().ServiceAccounts(pod.Namespace).
		CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	p.token = answer.Status.Token
	return p.token, nil
}

func (p *projection) replace(files map[string]string) error {
	p.turn++
	version := fmt.Sprintf("..%d", p.turn)
	for path, text := range files {
		file := filepath.Join(p.dir, version, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(p.dir, version), 0o755); err != nil {
		return err
	}
	next, data := filepath.Join(p.dir, "..next"), filepath.Join(p.dir, "..data")
	old, _ := os.Readlink(data)
	if err := os.Symlink(version, next); err != nil {
		return err
	}
	if err := os.Rename(next, data); err != nil {
		return err
	}
	for path := range files {
		first, _, _ := strings.Cut(path, "/")
		if err := os.Symlink(filepath.Join("..data", first), filepath.Join(p.dir, first)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	if old != "" {
		return os.RemoveAll(filepath.Join(p.dir, old))
	}
	return nil
}
