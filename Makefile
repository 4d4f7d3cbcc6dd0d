# Everything a newcomer needs: `make demo` shows the main job at work, `make test` proves it.
SHELL := /bin/bash
SWIFT ?= swift
PREFIX ?= /usr/local
# Without it SwiftPM asks for colours in a terminal and not in a pipe, and compiles everything again for the difference.
SWIFT_FLAGS := --no-color-diagnostics

.PHONY: help setup build install demo test unit format format-check python bench soak fuzz sanitize clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 14

setup: ## install missing system packages, check the Swift version
	@scripts/setup.sh

build: setup ## the release binaries: .build/release/sluice, sluice-worker and the functions
	@$(SWIFT) build -c release $(SWIFT_FLAGS)

install: build ## programs and functions into PREFIX/lib/sluice, and a link to sluice into PREFIX/bin
	@scripts/install.sh "$(DESTDIR)$(PREFIX)"

demo: setup ## drop a CSV, get a Parquet table; break something, redrive it
	@scripts/demo.sh

python: ## pyarrow, DuckDB and Polars in .venv, which only tests need
	@scripts/python.sh

test: setup python ## all tests: unit, integration with real workers, checks by pyarrow, DuckDB and Polars
	@scripts/test.sh

unit: setup ## only what needs neither host nor Python
	@$(SWIFT) test $(SWIFT_FLAGS) --skip IntegrationTests --skip FunctionsTests

format: ## reformat all Swift sources
	@swift-format format --in-place --parallel --recursive Sources Functions Tests Package.swift

format-check: ## fail if a source is not formatted, or a line of comment longer than 120 columns
	@swift-format lint --strict --parallel --recursive Sources Functions Tests Package.swift
	@# The formatter leaves comments alone.
	@! LC_ALL=C.UTF-8 git grep -nE '^.{121,}$$' -- '*.swift' | grep -E '^[^:]*:[0-9]+: *//'

bench: build ## the figures of docs/performance.md
	@for b in patterns columnar journal invoke drop pipeline streams redrive recovery; do .build/release/sluice bench $$b; done

soak: setup python ## the long versions of the fault tests (an hour)
	@SLUICE_SOAK=200 scripts/test.sh --filter IntegrationTests
	@SLUICE_HISTORIES=5000 scripts/test.sh --filter SimulationTests

fuzz: setup ## the seeded fuzzers for minutes instead of seconds
	@SLUICE_FUZZ_SECONDS=540 $(SWIFT) test $(SWIFT_FLAGS) --filter Fuzz

sanitize: setup python ## tests of patterns, JSON and Parquet under the address and thread sanitizers
	@scripts/sanitize.sh

clean:
	@rm -rf .build .build-* .venv
