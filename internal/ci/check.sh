#!/usr/bin/env bash
# Format, vet and lint. Prints what to mend, and fails. "check.sh vet" leaves out the lint, "check.sh lint" all else.
# With -race, as the tests are compiled: what one of them compiles, all find in the cache.
set -euo pipefail
cd "$(dirname "$0")/../.."
what=${1:-all}
if [ "$what" != lint ]; then
	unformatted=$(gofmt -l $(git ls-files '*.go'))
	if [ -n "$unformatted" ]; then
		printf 'not formatted (run gofmt -w):\n%s\n' "$unformatted"
		exit 1
	fi
	go vet -race ./...
fi
if [ "$what" != vet ]; then
	tools=$(mktemp -d)
	trap 'rm -rf "$tools"' EXIT
	go build -o "$tools" honnef.co/go/tools/cmd/staticcheck
	GOFLAGS=-race "$tools/staticcheck" ./...
fi
