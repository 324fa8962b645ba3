# Everything there is to do here, each a line of real command. `make` alone lists it.
OVERLAY ?= local
BENCHTIME ?= 1s
BENCHCOUNT ?= 6
BENCHDOC ?= docs/benchmarks.md
TILT    ?= $(shell command -v tilt)
export OVERLAY TILT KIND_IMAGE

.DEFAULT_GOAL := help
.PHONY: help run test lint bench overhead callercost experiments vendor ui-test docs-test screenshots e2e images up down status reset doctor

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## both services and the live page on this machine; needs Go and nothing else
	go run ./cmd/lab

test: ## all tests that need Go and nothing else
	go test ./...

lint: ## golangci-lint, at the version that tools/go.mod pins
	go tool -modfile=tools/go.mod golangci-lint run ./...
	cd bench && go tool -modfile=../tools/go.mod golangci-lint run ./...
	cd e2e && go tool -modfile=../tools/go.mod golangci-lint run ./...

bench: ## the library beside its peers, into docs/benchmarks.md (BENCHTIME=1s BENCHCOUNT=6 BENCHDOC=)
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) ./pkg/resilience/...
	cd bench && go test -c -o bench.test . && : > bench.txt
	@# The whole set again and again, not each benchmark: a noisy minute hits all contenders alike.
	@cd bench && for run in $$(seq $(BENCHCOUNT)); do echo "run $$run of $(BENCHCOUNT)"; \
		./bench.test -test.run '^$$' -test.bench . -test.benchtime $(BENCHTIME) >> bench.txt || { cat bench.txt; exit 1; }; done
	cd bench && go run ./cmd/table $(BENCHDOC:%=../%) < bench.txt

overhead: ## flaky beside a bare Gin handler, and with 10,000 hanging requests, into docs/flaky.md
	cd bench && go run ./cmd/overhead ../docs/flaky.md

callercost: ## caller beside a plain client, with 1,000 readers, and with broken upstreams, into docs/caller.md; 11 minutes
	cd bench && go run ./cmd/callercost ../docs/caller.md

experiments: ## every claim, measured here and in the cluster, into docs/experiments.md, docs/scale.md and what quotes them; needs make up
	go run ./cmd/lab experiment all --docs docs --world local --caller http://127.0.0.1:8088 --kube-context kind-reliability

vendor: ## the page's chart library again from npm, at the version that internal/dashboard/vendor.sh pins
	./internal/dashboard/vendor.sh

ui-test: e2e/ui/node_modules/.package-lock.json ## the page, in a real browser; needs Chromium (CHROME=) and npm
	cd e2e && go test -count=1 -timeout=10m -v ./lab/... ./browser/... ./cmd/...
	cd e2e && go test -count=1 -timeout=10m -parallel=2 -v ./ui/...

# npm writes this file last.
e2e/ui/node_modules/.package-lock.json: e2e/ui/package-lock.json
	cd e2e/ui && npm ci --ignore-scripts --no-audit --no-fund

docs-test: ## the documents: links, and every command that needs no cluster (DOCS=-update writes what they print)
	cd e2e && go test -count=1 -timeout=25m -v ./documents/... $(DOCS)

screenshots: ## the page's pictures and film, into docs/page; needs Chromium (CHROME=) and img2webp; 3 minutes
	cd e2e && go run ./cmd/screenshots

e2e: ## the manifests, and the cluster, tested as a user would; creates it if there is none
	cd e2e && go test -count=1 ./manifests/...
	cd e2e && go test -count=1 -timeout=40m -v ./cluster/...

images: ## compile, build and load both images; restarts what runs if they changed
	./deploy/images.sh

up: ## cluster, images, manifests, first call (OVERLAY=ci, KIND_IMAGE=…; TILT= to do without Tilt)
	./deploy/up.sh

down: ## delete the cluster and everything that was built for it
	./deploy/down.sh

status: ## what runs, and what caller thinks of it
	./deploy/status.sh

reset: ## every dial back: replicas, environment, ConfigMap, faults, policy, load, breakers
	./deploy/reset.sh

doctor: ## is everything here that the cluster needs?
	@./deploy/doctor.sh
