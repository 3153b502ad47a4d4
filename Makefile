# The five habits: check, test, gen, demo, bench. Each is a plain command that can be typed as well.
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: check test race gen demo bench ui tools

check: ## gofmt, vet, staticcheck, and the other platforms compile
	scripts/check.sh

test: ## the tests as the README has them
	go test work

race: ## the same with the race detector, each library module also on its own
	go test -race $$(go list work | grep -v -e /test/acceptance -e /test/guides -e /test/python)
	for module in instrument instrument/contrib/*/; do (cd $$module && GOWORK=off go test -race ./...) || exit 1; done

gen: ## generated references and the page's built assets
	go test ./internal/application ./cmd/truecount ./cmd/truecount-sidecar ./cmd/truecount-adapter -update
	$(MAKE) ui

ui: ## build the pages (needs Node 20)
	cd internal/web/ui && npm ci && npm run check && npm run build

demo: ## the main job
	go run ./cmd/truecount up

bench: ## every number that the docs claim
	bench/run

tools: ## what the tests use beside Go (Debian)
	scripts/tools.sh
