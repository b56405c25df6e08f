# make alone prints the targets.
.DEFAULT_GOAL := help
GO ?= go
FUZZTIME ?= 30s

help: ## print this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: ## start a gateway with the chat example; Ctrl-C ends it
	$(GO) build -o bin/ ./cmd/sockgate ./examples/chat && exec bin/chat -sockgate bin/sockgate

build: ## build bin/sockgate
	$(GO) build -o bin/sockgate ./cmd/sockgate

test: ## everything that must be green: format, vet, lint, generated files, tests under -race, a few seconds of fuzzing
	./internal/ci/test.sh

check: ## format, vet and lint only
	./internal/ci/check.sh

race: ## the tests alone, under the race detector
	$(GO) test -race ./...

fuzz: ## every fuzz target for FUZZTIME each (default 30s)
	./internal/ci/fuzz.sh $(FUZZTIME)

generate: ## regenerate docs/configuration.md and the like
	$(GO) generate ./...

golden: ## rewrite golden files; review the diff
	$(GO) test ./lang/... ./gateway/... -update

bench: ## measure the gateway against the machine's own limits
	$(GO) run ./bench
	$(GO) test -run '^$$' -bench Key ./gateway/usage

.PHONY: help run build test check race fuzz generate golden bench
