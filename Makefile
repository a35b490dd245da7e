# Each target does its own set-up on a fresh Debian 12 machine with Swift 6.3.
# Build folders live outside the clone, one per flag set, so that a new clone builds quickly.
CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/switchboard
SHELL := /bin/bash
# The compiler's flags are the same each time, or modules are built anew: swift build would ask for colours in a
# terminal, and writes the defines of packages in an order that its hashing decides.
SWIFT_BUILD := env SWIFT_DETERMINISTIC_HASHING=1 swift build --no-color-diagnostics
# The program has Swift's run time inside: it runs where no Swift is installed, and its calls into it are direct.
RELEASE := $(SWIFT_BUILD) -c release --static-swift-stdlib --scratch-path $(CACHE)/release
ROOT := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: run console build test bench format packages test-packages

run: build
	$(CACHE)/release/release/switchboard serve Queues --demo --data $(CACHE)/demo

# The demo's agent console, beside `make run`.
console:
	@$(CACHE)/release/release/switchboard console --token-file $(CACHE)/demo/demo.token

build: packages
	@[ -e $(CACHE)/release/release/switchboard ] || \
	  echo "First build in release mode: about 8 minutes on two cores. Later builds take seconds."
	@mkdir -p $(CACHE)
	flock $(CACHE)/release.lock $(RELEASE) --product switchboard

test: packages test-packages build
	swift format lint -r -s Sources Tests Benchmarks Package.swift
	@mkdir -p $(CACHE)
	@[ -e $(CACHE)/debug/debug ] || echo "First build of the tests: about 6 minutes on two cores."
	SWITCHBOARD_STRICT=1 flock $(CACHE)/debug.lock $(SWIFT_BUILD) --build-tests --scratch-path $(CACHE)/debug \
	  --explicit-target-dependency-import-check error
	# Virtual time first. Sockets and browsers have deadlines, which they would miss beside it, and beside the
	# conformance suites and the swarm, which keep all cores busy for minutes.
	SWITCHBOARD_STRICT=1 swift test --skip-build --scratch-path $(CACHE)/debug \
	  --skip EndToEndTests --skip '^(Drivers|Web)Tests\.' --skip Conformance --skip SwarmTests
	SWITCHBOARD_STRICT=1 swift test --skip-build --scratch-path $(CACHE)/debug --filter '^(Drivers|Web)Tests\.' \
	  --skip Conformance
	SWITCHBOARD_STRICT=1 swift test --skip-build --scratch-path $(CACHE)/debug --filter 'Conformance|SwarmTests'
	# Real peers live in real time: they get the machine to themselves, and a network of their own.
	SWITCHBOARD_STRICT=1 SWITCHBOARD=$(CACHE)/release/release/switchboard \
	  Tests/isolated.sh swift test --skip-build --scratch-path $(CACHE)/debug --filter EndToEndTests

bench: packages test-packages
	@mkdir -p $(CACHE)
	flock $(CACHE)/release.lock $(RELEASE) --product Benchmarks
	$(CACHE)/release/release/Benchmarks

format:
	swift format -i -r Sources Tests Benchmarks Package.swift

# Installs what a list names and this machine has not, and says so first.
define install
	@missing=$$(for p in $$(grep -v '^#' $(1)); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  echo "Installing Debian packages:" $$missing; \
	  $(ROOT) apt-get update -qq && $(ROOT) env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

packages:
	$(call install,packages/build.txt)

test-packages:
	$(call install,packages/test.txt)
