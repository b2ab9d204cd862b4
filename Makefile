# A door: each target is one word for people and for CI.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The tests start many processes; none shall compile again what another has.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run demo test check fix bench peers fuzz crash planted mutants findings docs clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/run  ## serve on http://127.0.0.1:8000, or at HOST and PORT
	@exec $(BIN)/workflow-fsm serve

demo: .venv/run  ## serve a store of its own, and let a believable day come in
	@export WORKFLOW_DATABASE_URL=$${WORKFLOW_DATABASE_URL:-sqlite:///demo.db}; \
	url=http://$${HOST:-127.0.0.1}:$${PORT:-8000}; \
	$(BIN)/workflow-fsm serve > demo.log & server=$$!; \
	trap 'kill $$server 2> /dev/null; wait $$server' EXIT; trap 'exit 0' INT TERM; \
	echo "serving at $$url, logging to demo.log; Ctrl-C ends it"; \
	$(BIN)/workflow-fsm simulate --url $$url && \
	echo "the day is in, and some deadlines pass within minutes: look at $$url" && wait $$server

# A worker more than two cores have: tests that start processes wait for a fifth of their time.
test: check  ## lint, types, imports and the whole suite
	$(BIN)/pytest -n 3 --dist worksteal -q

check: .venv/ready  ## lint, format, types and imports
	$(BIN)/ruff check -q
	$(BIN)/ruff format -q --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

fix: .venv/ready  ## mend what ruff can mend, and format
	$(BIN)/ruff check -q --fix
	$(BIN)/ruff format -q

bench: .venv/ready  ## events and webhooks a second, beside what the machine can do; and what grows with a store
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.postgres
	$(BIN)/python -m tests.bench.large
	$(BIN)/python -m tests.bench.growth
	$(BIN)/python -m tests.bench.bytes
	$(BIN)/python -m tests.bench.check
	$(BIN)/python -m tests.bench.waiting
	$(BIN)/python -m tests.bench.dashboard
	$(BIN)/python -m tests.bench.watchers
	$(BIN)/python -m tests.bench.stages
	$(BIN)/python -m tests.bench.beside

peers: .venv/ready  ## this project beside others' libraries, on the same work: minutes, and the registry once
	$(BIN)/python -m tests.bench.peers

FUZZED := tests/machine tests/fuzz tests/audit/test_audit.py tests/audit/test_acts.py \
    tests/webapp/routes/test_schemathesis.py tests/webapp/http/test_forged_signatures.py \
    tests/webapp/http/test_tokens.py
SIMULATED := tests/simulate/test_seeds.py tests/simulate/test_concurrent.py
fuzz: .venv/ready  ## 1,000 simulated days over bad lines; the state machine of the tests, all orders and all damage: hours
	WORKFLOW_FUZZ_SEEDS=1000 $(BIN)/pytest $(SIMULATED) -q --timeout=0
	HYPOTHESIS_PROFILE=long $(BIN)/pytest $(FUZZED) -q --timeout=0

CRASHED := tests/crash tests/stores/test_interrupts.py tests/stores/test_forks.py tests/stores/sqlite/test_files.py \
    tests/effects/test_clocks.py
crash: .venv/ready  ## kill -9 1,000 times on both stores, cut the power 400 times; bad disks, clocks that jump, forks: hours
	WORKFLOW_CRASH_KILLS=300 WORKFLOW_CRASH_POWER_CUTS=100 $(BIN)/pytest $(CRASHED) -q -p no:xdist --timeout=0

planted: .venv/ready  ## plant each of the bugs of tests/planted in a copy, and see by which test it is found
	$(BIN)/python -m tests.planted

mutants: .venv/ready  ## change the core here and there in a copy, and list the changes that no test notices: an hour
	@$(BIN)/pip install -qq -e '.[mutants]'
	$(BIN)/python -m tests.mutants

findings:  ## what others' libraries do otherwise than one would guess, each seen again: minutes, and the registries
	@findings/shared/table.sh

docs: .venv/ready  ## run the examples in the docs, compare the generated pages
	$(BIN)/pytest tests/docs -q

clean:  ## remove the environment, builds and caches; stores stay
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: .venv/run has what serves, .venv/ready what builds and tests too.
.venv/ready: .venv/run
	@echo "installing the tools for tests into .venv"
	@$(BIN)/pip install -qq -e '.[web,postgres,dev]'
	@touch $@

.venv/run: setup.cfg pyproject.toml
	@for python in '$(PYTHON)' python3.13 python3.12 python3.11; do \
	    if "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "installing the service into .venv"; \
	        "$$python" -m venv .venv; exit; \
	    fi; \
	done; \
	echo "No Python 3.11 or newer that can make a virtual environment was found: install one" \
	    "(on Debian with python3-venv), or name it by make PYTHON=/path/to/python3." >&2; exit 1
	@$(BIN)/pip install -qq -e '.[web,postgres]'
	@touch $@
