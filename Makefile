# SPDX-License-Identifier: Apache-2.0
# `make simulate` and `make test` set everything up on first use and need no network afterwards.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
SCENARIO ?= black-thursday

export VVM_BINARY_PATH := $(CURDIR)/$(VENV)/vvm
export APE_DATA_FOLDER := $(CURDIR)/$(VENV)/ape

.PHONY: help setup compile simulate test check gas bench clean

help:
	@echo 'make simulate   set up, compile, run SCENARIO=$(SCENARIO); writes runs/$(SCENARIO)/report.html'
	@echo 'make test       the whole suite through Ape, WORKERS=$(WORKERS)'
	@echo 'make check      formatting, lint, types, layers'
	@echo 'make gas        receipt gas of every external function against the committed baseline'
	@echo 'make bench      speed against the bare EVM and against peers'
	@echo 'make clean      everything that was generated, except $(VENV)'

setup:
	@if [ -z "$(PYTHON)" ]; then echo 'set-up: Python 3.11 or newer is needed, none was found' >&2; exit 1; fi
	@$(PYTHON) scripts/setup.py

compile: setup
	@$(BIN)/python -m simulation.chain.artifacts

simulate: compile
	@$(BIN)/plimsoll run $(SCENARIO)

test: compile
	@$(BIN)/ape test -n $(WORKERS) --dist worksteal -q

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

gas: compile
	@$(BIN)/python -m benchmarks.gas

bench: compile
	@$(BIN)/python -m benchmarks.speed

clean:
	rm -rf .build build runs native/target .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
