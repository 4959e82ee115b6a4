# The verbs of this repository. `make demo` and `make test` do all the set-up they need; `make help` lists the rest.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
SEEDS ?= 1000
PYTEST ?=
# Tests share nothing, so they run in one process more than there are cores: many wait for a server of theirs.
PARALLEL := -n $(shell expr $$(nproc 2>/dev/null || echo 2) + 1) --maxprocesses 5 --dist worksteal

# What is downloaded is kept outside the clone, so a second clone installs from the cache.
CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/procession
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --cache-dir "$(CACHE)/pip"
# The build backend comes from the lock file, hence no isolation.
EDITABLE := $(PIP) install --quiet --no-deps --no-build-isolation --editable .

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
# Tests start a thousand processes: each would compile all that it imports where the environment keeps no bytecode.
export PYTHONDONTWRITEBYTECODE :=

# $(call locked,file): installs what a lock file names. uv takes seconds where pip takes most of a minute; where it cannot
# (an index or a certificate that pip alone was told of), pip does.
define locked
@{ $(PIP) install --quiet --require-hashes --requirement requirements/lock.txt && $(BIN)/uv pip install --quiet \
	--compile-bytecode --python $(BIN)/python --cache-dir "$(CACHE)/uv" --require-hashes --requirement $(1); } || \
	{ echo "uv did not install $(1): pip does" >&2; $(PIP) install --quiet --require-hashes --requirement $(1); }
endef

# $(call timed,name,budget in seconds,command): runs it, and says what it cost.
define timed
start=$$(date +%s); { $(3); } || { echo "==> $(1): FAILED" >&2; exit 1; }; \
	spent=$$(( $$(date +%s) - start )); echo "==> $(1): $$spent s of a budget of $(2) s"
endef

.PHONY: help demo test check lint types imports fmt temporal test-unit sim test-large bench bench-feel bench-start \
	bench-check bench-growth bench-temporal bench-celery bench-moving bench-storm bench-server docs golden replay reference lock clean

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## the main job: 1,000 instances, the engine killed half-way, nothing lost
	@$(BIN)/python -m examples.demo

test: check temporal ## everything that must be green: check, then all suites but the large ones (15 to 18 min)
	@$(BIN)/python -m pytest $(PARALLEL) $(PYTEST)

check: lint types imports ## formatting, lint, both type checkers, import contracts

lint: $(VENV)/.dev
	@$(call timed,ruff,10,$(BIN)/ruff check . && $(BIN)/ruff format --check .)

# Each uses one core, so they run side by side.
types: $(VENV)/.dev
	@{ $(call timed,mypy,90,$(BIN)/mypy src tests $(wildcard bench examples tools)); } & mypy=$$!; \
	{ $(call timed,pyright,90,$(BIN)/pyright --project pyproject.toml); } && wait $$mypy

imports: $(VENV)/.dev
	@$(call timed,import contracts,20,$(BIN)/lint-imports --no-logo)

fmt: $(VENV)/.dev ## format, and fix what ruff can fix
	@$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format .

temporal: $(VENV)/.dev ## the Temporal servers that tests use, built with Go into the user's cache (minutes, once)
	@$(BIN)/python -m tools.temporal

test-unit: $(VENV)/.dev ## the fast suite alone
	@$(BIN)/python -m pytest tests/unit $(PARALLEL) $(PYTEST)

sim: $(VENV)/.dev ## the simulator with SEEDS=... seeds in all (default 1000)
	@PROCESSION_SIM_SEEDS=$(SEEDS) $(BIN)/python -m pytest tests/simulation -o faulthandler_timeout=3600 $(PYTEST)

test-large: $(VENV)/.dev temporal ## 10,000 items, a million rows, many seeds
	@$(BIN)/python -m pytest -m large -o faulthandler_timeout=3600 $(PARALLEL) $(PYTEST)

bench: $(VENV)/.dev ## the workloads of docs/benchmarks.md on this machine (a minute)
	@$(BIN)/python -m bench

bench-feel: $(VENV)/.dev ## expressions and decision tables: evaluations a second, compile time, import (half a minute)
	@$(BIN)/python -m bench.feel

bench-start: $(VENV)/.dev ## how fast a process starts, how much is installed (a minute)
	@$(BIN)/python -m bench.start

bench-check: $(VENV)/.dev ## `procession check` on models of 1,000 nodes (a minute)
	@$(BIN)/python -m bench.check

bench-growth: $(VENV)/.dev ## how cost grows: a million instances in the file, 10,000 items, 100,000 that wait (two minutes)
	@$(BIN)/python -m bench.growth

bench-temporal: $(VENV)/.dev temporal ## instances on Temporal beside workflows written by hand (three minutes)
	@$(BIN)/python -m bench.temporal

bench-celery: $(VENV)/.dev ## processes on Celery beside chains written by hand (two minutes; needs redis-server)
	@$(BIN)/python -m bench.celery

bench-moving: $(VENV)/.dev temporal ## instances that batches move to Temporal and back, and how long nobody has them (three minutes)
	@$(BIN)/python -m bench.moving

bench-storm: $(VENV)/.dev temporal ## 10,000 instances moved there and back while everything is killed (half an hour; needs redis-server)
	@$(BIN)/python -m bench.storm

bench-server: $(VENV)/.dev ## REST, workers in other processes, tenants, kills, on a PostgreSQL of its own (four minutes)
	@$(BIN)/python -m bench.server

docs: $(VENV)/.dev ## execute every code block of README.md and docs/
	@$(BIN)/python -m pytest tests/tidy/test_docs.py $(PYTEST)

golden: $(VENV)/.dev temporal ## record what all hosts do and store anew, for the release under way (two minutes)
	@$(BIN)/python -m tests.replay.record
	@$(BIN)/python -m tests.replay.record_stores

replay: $(VENV)/.dev ## the gate of a release: what every release before did, on all hosts, done again by this code
	@$(BIN)/procession replay --histories tests/replay/histories

reference: $(VENV)/.dev ## write what is generated of the documentation anew from the code
	@$(BIN)/python -m tools.reference
	@$(BIN)/python -m tools.conformance
	@$(BIN)/python -m tools.coverage
	@$(BIN)/python -m tools.typescript
	@$(BIN)/python -m tools.form_schema

# --- the environment --------------------------------------------------------------------------------------------------

$(VENV)/bin/python:
	@sh tools/venv.sh $(VENV)

# A stamp is newer than what it was made from, so a second run installs nothing.
$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the demo needs into $(VENV) ..."
	$(call locked,requirements/demo.txt)
	@$(EDITABLE)
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the tests need into $(VENV) ..."
	$(call locked,requirements/dev.txt)
	@$(EDITABLE)
	@touch $@

# dev is solved first and constrains the others: one environment can hold all of them.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --upgrade --custom-compile-command "make lock"

lock: | $(VENV)/bin/python ## solve and pin the dependencies anew (requirements/*.txt)
	@$(PIP) install --quiet --require-hashes --requirement requirements/lock.txt
	@$(COMPILE) pyproject.toml --extra cli --extra temporal --extra celery --extra codec-server --extra otel --extra postgres --extra server --extra zeebe --extra client --extra js --extra deno --extra player --group build --group test --group lint --output-file requirements/dev.txt
	@$(COMPILE) pyproject.toml --extra cli --group build --constraint requirements/dev.txt --output-file requirements/demo.txt
	@$(COMPILE) pyproject.toml --constraint requirements/dev.txt --output-file requirements/base.txt
	@$(COMPILE) --group lock --output-file requirements/lock.txt

clean: ## remove the environment and every cache in the clone
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
