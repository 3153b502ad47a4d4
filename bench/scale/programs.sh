#!/bin/sh
# Builds what `bench/run scale` measures between and beside: a control plane in one file, from the published modules of
# Kubernetes (test/controlplane/kubeone), and prometheus-adapter v0.12.0 from its own module, with the versions that it asks
# for. The first build takes minutes and downloads 4 GB of modules; both are kept in the user's cache directory, the same one
# as that of test/controlplane.
#
#   bench/scale/programs.sh     prints the directory
set -eu
cd "$(dirname "$0")/../.."

peer=sigs.k8s.io/prometheus-adapter
version=v0.12.0
kubernetes=v1.36.3

cache=${XDG_CACHE_HOME:-$HOME/.cache}/truecount-controlplane
mkdir -p "$cache"
export GOWORK=off CGO_ENABLED=0

(cd test/controlplane/kubeone &&
	go build -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes" -o "$cache/kubeone" .)
if [ ! -x "$cache/prometheus-adapter-$version" ]; then
	# In a directory of its own, so that no module is changed by it. The module cache is read only: it is built where it lies.
	empty=$(mktemp -d)
	trap 'rm -rf "$empty"' EXIT
	source=$(cd "$empty" && go mod download -json "$peer@$version" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')
	(cd "$source" && go build -trimpath -ldflags "-s -w" -o "$cache/prometheus-adapter-$version" ./cmd/adapter)
fi
echo "$cache"
