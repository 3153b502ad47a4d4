package deploy_test

import (
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/dogwalk"
	"github.com/truecount/truecount/test/tool"
)

// TestTheWorkersAskForThePasswordOfTheSecret gives dogwalk the very file that the script makes, as the Deployment mounts it.
func TestTheWorkersAskForThePasswordOfTheSecret(t *testing.T) {
	tool.Need(t, "htpasswd")
	secret := generated(t, "dogwalk/kubernetes-auth/basic-auth.sh")
	file := filepath.Join(t.TempDir(), "web-config.yml")
	write(t, file, secret.Data["web-config.yml"])
	app, err := dogwalk.New(t.Context(), dogwalk.Options{Database: database.SQLite(filepath.Join(t.TempDir(), "d.db")), MetricsWebConfig: file})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	handler := app.Handler()
	for _, c := range []struct {
		path, password string
		status         int
	}{
		{"/metrics", "", 401}, {"/metrics", "guess", 401}, {"/metrics", string(secret.Data["password"]), 200}, {"/health/", "", 200},
	} {
		request := httptest.NewRequest(http.MethodGet, c.path, nil)
		if c.password != "" {
			request.SetBasicAuth(string(secret.Data["username"]), c.password)
		}
		answer := httptest.NewRecorder()
		if handler.ServeHTTP(answer, request); answer.Code != c.status {
			t.Errorf("GET %s: status %d, want %d", c.path, answer.Code, c.status)
		}
	}
}

func TestTheDeploymentMountsTheFileThatTheWorkersRead(t *testing.T) {
	for _, v := range variants(t) {
		var file string
		app := v.container(t, v.app)
		for _, e := range app.Env {
			if e.Name == "METRICS_WEB_CONFIG" {
				file = e.Value
			}
		}
		if want := v.auth && !v.nginx; want != (file != "") {
			t.Errorf("%s: METRICS_WEB_CONFIG is %q", v.folder, file)
		}
		if file == "" {
			continue
		}
		source, item := mounted(t, v, app, path.Dir(file))
		if source.SecretName != v.monitor.Spec.Endpoints[0].BasicAuth.Password.Name || item.Path != path.Base(file) || !strings.HasSuffix(item.Key, ".yml") {
			t.Errorf("%s: %s is %s of the Secret %s", v.folder, file, item.Key, source.SecretName)
		}
		if group := v.deployment.Spec.Template.Spec.SecurityContext.FSGroup; *source.DefaultMode != 0o440 || group == nil || *group != 65532 {
			t.Errorf("%s: the file has mode %o and group %v: the workers could not read it, or others could", v.folder, *source.DefaultMode, group)
		}
	}
}

// mounted is the only item of the Secret that is mounted, read-only, at a folder.
func mounted(t *testing.T, v *variant, c corev1.Container, folder string) (*corev1.SecretVolumeSource, corev1.KeyToPath) {
	t.Helper()
	for _, m := range c.VolumeMounts {
		for _, volume := range v.deployment.Spec.Template.Spec.Volumes {
			if m.Name == volume.Name && m.MountPath == folder && m.ReadOnly && volume.Secret != nil && len(volume.Secret.Items) == 1 {
				return volume.Secret, volume.Secret.Items[0]
			}
		}
	}
	t.Fatalf("%s: nothing is mounted at %s", v.folder, folder)
	return nil, corev1.KeyToPath{}
}
