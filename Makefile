# Two commands start everything: `make run` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOFLAGS_BUILD := -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
TOOL := go tool -modfile=.ci/tools.mod
WEB := ui/web
WEB_SOURCES := $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
EXAMPLE_PACKAGES := $(wildcard examples/*/package-lock.json)

.PHONY: help
help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

.PHONY: run
run: build examples ## Build everything and start a server with the example functions
	exec bin/hadron serve --dev --demo

.PHONY: build
build: $(WEB)/dist/index.html ## Build bin/hadron with the web app in it
	CGO_ENABLED=0 go build $(GOFLAGS_BUILD) -o bin/hadron ./cmd/hadron

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json $(WEB)/package.json
	cd $(WEB) && npm ci --no-audit --no-fund
	touch $@

$(WEB)/dist/index.html: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	cd $(WEB) && npm run build
	touch $@

.PHONY: examples
examples: $(EXAMPLE_PACKAGES:package-lock.json=node_modules/.package-lock.json) ## Install what the example functions import from npm

examples/%/node_modules/.package-lock.json: examples/%/package-lock.json
	cd examples/$* && npm ci --no-audit --no-fund
	touch $@

.PHONY: generate
generate: ## Make the web app's TypeScript from ui/wire
	go generate ./...

# The stories of cmd/hadron take longest and mostly wait: they begin first, beside the other packages.
.PHONY: test
test: $(WEB)/dist/index.html examples ## Run every test, with the race detector
	@.ci/requirements
	cd $(WEB) && npm test
	HADRON_CONTRACTS=$${HADRON_CONTRACTS:-$$( [ -d ../shared/contracts ] && cd ../shared/contracts && pwd || true )} \
		CGO_ENABLED=1 go test -race -timeout 30m ./cmd/hadron ./...

.PHONY: lint
lint: $(WEB)/node_modules/.package-lock.json ## Check formatting, vet, linters, import rules, types and known vulnerabilities
	@unformatted=$$(CGO_ENABLED=0 $(TOOL) gofumpt -l $$(git ls-files '*.go')); \
		if [ -n "$$unformatted" ]; then echo "run 'make format'; not formatted:"; echo "$$unformatted"; exit 1; fi
	CGO_ENABLED=0 go vet ./...
	CGO_ENABLED=0 $(TOOL) golangci-lint run
	cd $(WEB) && npm run check && npm run lint
	@.ci/vulnerabilities

.PHONY: format
format: $(WEB)/node_modules/.package-lock.json ## Format Go and TypeScript
	CGO_ENABLED=0 $(TOOL) gofumpt -w $$(git ls-files '*.go')
	cd $(WEB) && npm run format

.PHONY: bench
bench: ## Run every benchmark once with allocations
	CGO_ENABLED=0 go test -run '^$$' -bench . -benchmem ./...

bench/peers/node_modules/.package-lock.json: bench/peers/package-lock.json
	cd bench/peers && npm ci --no-audit --no-fund
	touch $@

.PHONY: bench-runtime
bench-runtime: build bench/peers/node_modules/.package-lock.json ## Measure Hadron beside its peers, into docs/performance.md; FLAGS="-systems hadron,node" narrows and only prints
	CGO_ENABLED=0 go build -o bin/bench-ceiling ./bench/ceiling
	CGO_ENABLED=0 go run ./bench/compare $(or $(FLAGS),-write docs/performance.md)

.PHONY: bench-density
bench-density: build ## Measure what many functions cost, into docs/performance.md; FLAGS="-functions 100,10000" narrows and only prints
	CGO_ENABLED=0 go run ./bench/density $(or $(FLAGS),-write docs/performance.md)

.PHONY: bench-alerts
bench-alerts: ## Judge alerts over simulated histories beside sloth's rules, and time them; FLAGS="-each 2" narrows and only prints
	CGO_ENABLED=0 go build -o bin/bench-alerts ./bench/alerts
	cd bench/alerts/sloth && CGO_ENABLED=0 go build -o $(CURDIR)/bin/bench-sloth .
	bin/bench-alerts -sloth bin/bench-sloth $(or $(FLAGS),-write docs/alerting.md)
	$(if $(FLAGS),true,bin/bench-alerts -scale 10,1000,10000 -write docs/performance.md)

.PHONY: bench-live
bench-live: ## Measure what watching costs, into docs/performance.md; FLAGS="-only broadcast" narrows and only prints
	CGO_ENABLED=0 go build -o bin/bench-live ./bench/live
	bin/bench-live $(or $(FLAGS),-write docs/performance.md)

.PHONY: bench-collector
bench-collector: ## Measure collecting and querying, into docs/performance.md; FLAGS="-parts query,replay -functions 1000" narrows and only prints
	CGO_ENABLED=0 go run ./bench/collector $(or $(FLAGS),-write docs/performance.md)

.PHONY: delivery-sim
delivery-sim: ## Simulate deployments by canary through the real analysis, into docs/delivery.md; FLAGS="-runs 20" only prints
	CGO_ENABLED=0 go run ./bench/rollouts $(or $(FLAGS),-write docs/delivery.md)

.PHONY: fuzz
fuzz: ## Run each fuzz target for ten seconds
	.ci/fuzz 10s

.PHONY: chaos
chaos: ## Run the hostile functions and write what came of it into docs/reliability.md
	CGO_ENABLED=0 HADRON_CHAOS=$(CURDIR)/docs/reliability.md go test -count=1 -timeout 9m -run TestHostileFunctions -v ./cmd/hadron

.PHONY: repoints
repoints: ## Deploy 500 times, with 500 repoints, splits and rollbacks among them, under constant load
	CGO_ENABLED=0 HADRON_DEPLOYS=500 go test -count=1 -timeout 9m -run TestRepointsUnderLoad -v ./cmd/hadron

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin $(WEB)/dist/assets $(WEB)/dist/index.html
