#!/usr/bin/env bash
# Runs every fuzz target of this module and of signaling/nats for the given time each: fuzz.sh 10m
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
time=${1:?usage: fuzz.sh TIME, for instance 10m}

for module in . signaling/nats; do
cd "$root/$module"
go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | while read -r pkg; do
	go test -list '^Fuzz' "$pkg" | grep '^Fuzz' | while read -r target; do
		echo "== $pkg $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 5s "$pkg" </dev/null
	done || true
done
done
