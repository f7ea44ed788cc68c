SHELL := /bin/bash -euo pipefail
.DEFAULT_GOAL := help

PKG     := github.com/drover-db/drover
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
BIN     := $(CURDIR)/.bin

# Tools by exact version. They are installed one by one and not by a tools module:
# buf's dependencies and those of the others do not agree in one module graph.
BUF                := github.com/bufbuild/buf/cmd/buf@v1.75.0
PROTOC_GEN_GO      := google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
PROTOC_GEN_GO_GRPC := google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
GOLANGCI_LINT      := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: build
build: ## build bin/drover, one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/drover ./cmd/drover

.PHONY: demo
demo: build ## move a generated shop database of 300,000 rows between two SQLite files
	bin/drover demo

.PHONY: test
test: ## install and start the databases, run every test, stop what was started
	scripts/test

.PHONY: e2e-full
e2e-full: ## the end-to-end tests with 4 million rows
	DROVER_TEST_ROWS=4000000 scripts/test -count=1 -v $(PKG)/test/e2e

.PHONY: pausepoints
pausepoints: ## every point of the code with every fault, on real servers; DROVER_PAUSEPOINTS=50 for fifty drawn cases
	DROVER_PAUSEPOINTS=$${DROVER_PAUSEPOINTS:-all} scripts/test -count=1 -timeout 180m -v $(PKG)/test/pausepoints

SEEDS ?= 1000000
.PHONY: simulate
simulate: ## play SEEDS= (1000000) migrations from FROM= (0) on in virtual time while everything goes wrong
	go run ./test/cmd/simulate -from $(or $(FROM),0) -seeds $(SEEDS)

.PHONY: mutations
mutations: ## take each guard of the protocol away and have the simulator find the damage
	go run -tags mutation ./test/cmd/simulate -mutations -seeds 200000

.PHONY: race
race: ## every test under the race detector
	scripts/test -race work

.PHONY: bench
bench: build ## time validated copies of 4 million rows (ROWS=) against COPY pipes, pgloader, mydumper and myloader
	scripts/bench

.PHONY: soak
soak: build ## copy for MINUTES= while everything is killed, cut and wiped (SEED=, FROM=postgres or mysql)
	scripts/soak $(or $(MINUTES),30) $(or $(SEED),1) $(or $(FROM),postgres)

.PHONY: check
check: ## formatting, vet, golangci-lint, shell and proto lint
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these'; exit 1; }
	go vet work
	go vet -tags faultpoint work
	go vet -tags mutation ./internal/guard ./test/cmd/simulate
	@if command -v shellcheck >/dev/null; then shellcheck scripts/* .ci/run; fi
	@if [ -x $(BIN)/golangci-lint ]; then $(BIN)/golangci-lint run ./... ./test/...; else echo 'golangci-lint left out: make tools installs it'; fi
	@if [ -x $(BIN)/buf ]; then $(BIN)/buf lint; else echo 'buf lint left out: make tools installs it'; fi

.PHONY: tools
tools: $(BIN)/buf $(BIN)/protoc-gen-go $(BIN)/protoc-gen-go-grpc $(BIN)/golangci-lint ## install buf, the protoc plugins and golangci-lint into .bin

$(BIN)/buf:
	GOWORK=off GOBIN=$(BIN) go install $(BUF)
$(BIN)/protoc-gen-go:
	GOWORK=off GOBIN=$(BIN) go install $(PROTOC_GEN_GO)
$(BIN)/protoc-gen-go-grpc:
	GOWORK=off GOBIN=$(BIN) go install $(PROTOC_GEN_GO_GRPC)
$(BIN)/golangci-lint:
	GOWORK=off GOBIN=$(BIN) go install $(GOLANGCI_LINT)

.PHONY: gen
gen: $(BIN)/buf $(BIN)/protoc-gen-go $(BIN)/protoc-gen-go-grpc ## generate gen/ from proto/, and docs/types.md from the type matrix
	$(BIN)/buf lint
	$(BIN)/buf generate
	go run ./test/cmd/typesdoc docs/types.md

.PHONY: tidy
tidy: ## tidy both modules
	GOWORK=off go mod tidy
	cd test && GOWORK=off go mod tidy

.PHONY: clean
clean: ## remove what make build made
	rm -rf bin
