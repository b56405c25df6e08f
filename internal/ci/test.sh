#!/usr/bin/env bash
# Everything that must be green, on a machine that has Go and git.
set -euo pipefail
cd "$(dirname "$0")/../.."
echo "== format, vet, lint"
./internal/ci/check.sh
echo "== tests"
go test -race -timeout 8m ./...
echo "== fuzzing, briefly, what meets strangers' bytes first (make fuzz: everything, for longer)"
./internal/ci/fuzz.sh 3000x edge lang/expr lang/sigv4 config service/tunnel
