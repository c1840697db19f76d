# Everything here needs only Go, unless its line says otherwise.

GO      ?= go
FUZZTIME ?= 60s
SCENARIOS ?= 10000
SEED     ?= 1
BENCHRUNS ?= 5

# Packages that open no socket and read no clock; they also build where there is no UDP.
PURE := ./proto/... ./crypto ./crypto/pki ./crypto/certfile ./config/... ./reliability/... ./snp/... ./internal/mono/... \
	./internal/bufpool/... ./internal/rendezvous/... ./internal/udpwire/... ./internal/linkstats/... ./internal/impair/... ./internal/conn/... \
	./internal/simnet/... ./internal/dice/... ./internal/traffic/...

.PHONY: help build test race lint fuzz sim interop losstable demo bench bench-quick bench-parts bench-test proto proto-check cross hammer lua api-names \
	api-names-check nat nats natsload interop-soak libgns libgns-bench libgns-test libgns-windows

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## build the commands into bin/
	CGO_ENABLED=0 $(GO) build -o bin/ ./cmd/...

test: ## run all tests that need nothing but Go
	CGO_ENABLED=0 $(GO) test -shuffle=on ./...

race: ## run them under the race detector (needs a C compiler, as Go's race detector does)
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout 30m ./...

lint: ## check formatting, vet, staticcheck and the import arrows
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "run gofmt -w on:" >&2; echo "$$files" >&2; exit 1; fi
	$(GO) vet ./...
	cd interop && $(GO) vet ./... && $(GO) tool -modfile=../internal/tools/go.mod staticcheck ./...
	cd bench && $(GO) vet ./... && $(GO) tool -modfile=../internal/tools/go.mod staticcheck ./...
	cd signaling/nats && $(GO) vet ./... && $(GO) tool -modfile=../../internal/tools/go.mod staticcheck ./...
	cd lua && $(GO) vet ./... && $(GO) tool -modfile=../internal/tools/go.mod staticcheck ./...
	$(GO) tool -modfile=internal/tools/go.mod staticcheck ./...
	$(GO) test -run 'TestImports|TestOptional|TestPurity' ./internal/arch

fuzz: ## run every fuzz target for FUZZTIME (default 60s) each
	./internal/tools/fuzz.sh $(FUZZTIME)

sim: ## run SCENARIOS (default 10000) random connections over bad networks, from SEED (default 1) on: the core, and the API
	$(GO) test -count=1 -timeout 30m ./internal/sim -run TestScenarios -v -scenarios $(SCENARIOS) -seed $(SEED)
	$(GO) test -count=1 -timeout 30m . -run 'TestScenarios$$' -scenarios $(SCENARIOS) -seed $(SEED)

hammer: ## call everything from 50 goroutines for a minute, under the race detector
	CGO_ENABLED=1 $(GO) test -race -count=1 -timeout 10m -run TestHammer -v . -hammer 60s

nats: ## test signaling over NATS, which is a module of its own
	cd signaling/nats && CGO_ENABLED=0 $(GO) test -shuffle=on ./...

natsload: ## measure a NATS server with 10,000 peers that find each other through it (NATSLOAD="-peers 1000": fewer; needs ulimit -n 25000)
	cd signaling/nats && CGO_ENABLED=0 $(GO) run ./cmd/natsload $(NATSLOAD)

LIBGNS := bin/libgns/libGameNetworkingSockets.so

libgns: ## build bin/libgns: libGameNetworkingSockets.so and its headers for programs in other languages (needs a C compiler)
	cd cmd/libgns && CGO_ENABLED=1 $(GO) build -buildmode=c-shared $(LIBGNSFLAGS) -o ../../$(LIBGNS) \
		-ldflags '-s -w -extldflags "-Wl,-soname,libGameNetworkingSockets.so -Wl,--version-script=$(CURDIR)/cmd/libgns/exports.map"' .
	rm -f bin/libgns/libGameNetworkingSockets.h
	cp cmd/libgns/include/*.h bin/libgns/

libgns-windows: ## build bin/libgns/GameNetworkingSockets.dll on Linux (needs MinGW-w64)
	cd cmd/libgns && CGO_ENABLED=1 GOOS=windows GOARCH=amd64 CC=x86_64-w64-mingw32-gcc $(GO) build -buildmode=c-shared \
		-o ../../bin/libgns/GameNetworkingSockets.dll \
		-ldflags '-s -w -extldflags "-static -Wl,--out-implib,$(CURDIR)/bin/libgns/libGameNetworkingSockets.dll.a"' .
	rm -f bin/libgns/GameNetworkingSockets.h
	cp cmd/libgns/include/*.h bin/libgns/

libgns-test: libgns ## test them with programs in C and C++, and in Rust and C# where rustc, mcs and mono are; GNS_LIBRARY: compare with that of Valve (Linux)
	cd cmd/libgns && CGO_ENABLED=1 $(GO) vet ./... && $(GO) tool -modfile=../../internal/tools/go.mod staticcheck ./...
	cd cmd/libgns && CGO_ENABLED=1 $(GO) test -count=1 ./...

libgns-bench: libgns build ## compare W1 to W4 through the C API with the Go API (LIBGNSBENCH="-runs 9"; needs a C compiler; 7 minutes)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -o bin/libgns-bench cmd/libgns/bench/*.c -Lbin/libgns -lGameNetworkingSockets -lm -Wl,-rpath,'$$ORIGIN/libgns'
	cd cmd/libgns && CGO_ENABLED=0 $(GO) run ./bench/run -c ../../bin/libgns-bench -go ../../bin/snpcat $(LIBGNSBENCH)

lua: ## build bin/snplua, and run the tests of the Lua binding, which is a module of its own
	cd lua && CGO_ENABLED=0 $(GO) build -o ../bin/ ./cmd/snplua
	cd lua && CGO_ENABLED=0 $(GO) test -shuffle=on ./...

interop: ## run against Valve's library: GNS_LIBRARY names libGameNetworkingSockets.so, GNS_LIBRARY_OWN_CA a build that trusts the test authority (optional, see interop/doc.go)
	cd interop && CGO_ENABLED=0 $(GO) test -count=1 -timeout 20m ./...

interop-soak: ## run against it under bad conditions for ten minutes; FIGURES names a file for the tables
	cd interop && CGO_ENABLED=0 $(GO) test -count=1 -timeout 60m -v \
		-run 'TestLanesUnderConditions|TestScenarios|TestConditionsChange' -soak -soak-figures "$(abspath $(FIGURES))" .

nat: ## connect peers through real NATs in network namespaces (root on Linux; needs iproute2, nftables, procps, coturn; 3 minutes)
	CGO_ENABLED=0 $(GO) test -count=1 -timeout 20m -parallel 4 -v ./internal/natlab -natlab

losstable: ## measure loss recovery against Valve's library (12 minutes; LOSSTABLE="-loss 5 -rtt 50": less)
	cd interop && CGO_ENABLED=0 $(GO) build -o ../bin/ ./cmd/losstable
	rm -f bin/losstable.jsonl
	bin/losstable $(LOSSTABLE) -o bin/losstable.jsonl
	bin/losstable -table bin/losstable.jsonl

demo: ## a server and a client talk over a lossy link, with live figures
	CGO_ENABLED=0 $(GO) run ./cmd/snpcat demo

bench: build ## measure against Valve's library, quic-go and bare UDP into docs/bench (BENCHRUNS repetitions, default 5; GNS_LIBRARY; half an hour)
	rm -f bin/bench.jsonl
	cd bench && CGO_ENABLED=0 $(GO) build -o ../bin/ ./cmd/bench
	bin/bench -snpcat bin/snpcat -runs $(BENCHRUNS) $(BENCH) -o bin/bench.jsonl
	bin/bench -render bin/bench.jsonl -md docs/bench/results.md -svg docs/bench/results.svg

bench-quick: build ## the same in three minutes, once, into bin/
	rm -f bin/bench-quick.jsonl
	cd bench && CGO_ENABLED=0 $(GO) build -o ../bin/ ./cmd/bench
	bin/bench -snpcat bin/snpcat -runs 1 -duration 1s $(BENCH) -o bin/bench-quick.jsonl \
		-md bin/bench-quick.md -svg bin/bench-quick.svg

bench-parts: ## run the benchmarks of the parts
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench . -benchmem ./...

bench-test: ## test the programs that measure
	cd bench && CGO_ENABLED=0 $(GO) vet ./... && CGO_ENABLED=0 $(GO) test ./...

proto: ## regenerate proto/*.pb.go
	cd internal/tools && $(GO) run ./protogen

proto-check: ## fail if proto/*.pb.go are not what make proto generates
	cd internal/tools && $(GO) run ./protogen -check

api-names: ## write docs/api-names.md from testdata/api-names.tsv
	cd internal/tools && $(GO) run ./apinames

api-names-check: ## fail if docs/api-names.md is not what make api-names writes
	cd internal/tools && $(GO) run ./apinames -check

cross: ## build for every supported system, and the pure packages for js/wasm
	@set -e; for target in linux/amd64 linux/arm64 linux/386 windows/amd64 windows/arm64 \
		darwin/amd64 darwin/arm64 freebsd/amd64 freebsd/arm64; do \
		echo "build $$target"; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build ./...; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) vet ./... ; done
	@echo "build js/wasm (pure packages)"; GOOS=js GOARCH=wasm $(GO) build $(PURE)
