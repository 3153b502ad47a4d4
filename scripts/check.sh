#!/bin/sh
# Static checks: formatting, vet, staticcheck, cross-compilation, each library module without the workspace.
set -eu
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l $(git ls-files '*.go'))
if [ -n "$unformatted" ]; then
	echo "not formatted (run gofmt -w):" >&2
	echo "$unformatted" >&2
	exit 1
fi

echo "== vet"
go vet work

echo "== staticcheck"
go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 work

echo "== each library module alone"
for module in instrument instrument/contrib/*/; do
	(cd "$module" && GOWORK=off go vet ./...)
done

echo "== the benchmark beside the library's peers, a module of its own"
(cd bench/instrument && GOWORK=off go vet ./...)

echo "== the comparison with Kubernetes' controller, a module of its own"
(cd test/hpadiff && GOWORK=off go vet ./...)

echo "== the comparison with prometheus-adapter, a module of its own"
(cd test/ruledifference && GOWORK=off go vet ./...)

echo "== the tests on a control plane, a module of its own"
(cd test/controlplane && GOWORK=off go vet ./...)

# The commands and what they link; tests of the other platforms are not compiled here. Nothing of it is run, so the
# optimiser, which takes most of the time, is off.
others() {
	echo "== $1"
	platform=$1
	shift
	GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 go build -gcflags='all=-N -l' "$@"
}
# Clusters run on Linux; on macOS people try `truecount up` and write services.
others linux/arm64 ./cmd/... ./demo/... ./instrument/...
others darwin/arm64 ./cmd/truecount ./demo/... ./instrument/...
