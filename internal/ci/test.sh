#!/usr/bin/env bash
# Everything that must be green, on a machine that has Go and git.
set -euo pipefail
cd "$(dirname "$0")/../.."
echo "== format, vet"
./internal/ci/check.sh vet
echo "== tests, with the lint beside them: it computes while they wait"
found=$(mktemp)
trap 'rm -f "$found"' EXIT
./internal/ci/check.sh lint >"$found" 2>&1 &
lint=$!
go test -race -vet=off -timeout 10m ./... # vet has just run
echo "== lint"
wait "$lint" || { cat "$found"; exit 1; }
echo "== fuzzing, briefly, what meets strangers' bytes first (make fuzz: everything, for longer)"
./internal/ci/fuzz.sh 1000x edge/request edge/socket lang/expr lang/sigv4 config
