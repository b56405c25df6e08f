#!/usr/bin/env bash
# Format, vet and lint. Prints what to mend, and fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
unformatted=$(gofmt -l $(git ls-files '*.go'))
if [ -n "$unformatted" ]; then
	printf 'not formatted (run gofmt -w):\n%s\n' "$unformatted"
	exit 1
fi
go vet ./...
go tool staticcheck ./...
