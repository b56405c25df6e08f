#!/usr/bin/env bash
# Runs every fuzz target of the project, or those below the given folders, for the given time or number of inputs each:
# fuzz.sh 30s, fuzz.sh 3000x edge lang/sigv4.
# What must be green asks for a number: go's fuzzer at times reports its own time limit as a failure
# ("context deadline exceeded", golang/go#75804), which a run bounded by count cannot meet.
set -euo pipefail
cd "$(dirname "$0")/../.."
time=${1:-30s}
shift || true
git grep -lE '^func Fuzz' -- "${@:-.}" | grep '_test\.go$' | xargs -n1 dirname | sort -u | while read -r dir; do
	for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | sed 's/func //'); do
		echo "fuzz ./$dir $target for $time"
		go test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1x </dev/null
	done
done
