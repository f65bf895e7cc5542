# Two commands set everything up: `make run` serves a populated auction house, `make test` runs the tests.
# Both install what is missing into .venv first; everything else is `.venv/bin/auction --help`.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
ARGS ?=
AUCTION := $(if $(COMPILED),build/compiled/bin/auction,$(BIN)/auction)
HISTORIES = $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000)) $(if $(VERBOSE),--verbose)

.PHONY: run demo compiled sim sim-agreement sim-mutants test test-slow test-external check lint types lock clean help

run: $(INSTALLED) $(if $(COMPILED),compiled)  ## serve a populated auction house (ARGS="--port 8000" passes options on)
	@$(AUCTION) run --data data $(ARGS)

demo: $(INSTALLED) $(if $(COMPILED),compiled)  ## three nodes, one killed while bots trade, then the audit; under a minute
	@$(AUCTION) demo $(ARGS)

compiled: $(INSTALLED)  ## compile what a bid goes through, where there is a C compiler (COMPILED=1 then runs it)
	@$(BIN)/python -m shardnode.ops.build_compiled

sim: $(INSTALLED)  ## whole simulated houses through faults (SEEDS=1000; or SEED=42 VERBOSE=1 tells one)
	@$(BIN)/python -m tests.simulation.command play nodes $(HISTORIES)

sim-agreement: $(INSTALLED)  ## the agreement alone through faults (SEEDS=100000; or SEED=42 VERBOSE=1)
	@$(BIN)/python -m tests.simulation.command play agreement $(HISTORIES)

sim-mutants: $(INSTALLED)  ## plant bugs, and show how many histories it takes to find each
	@$(BIN)/python -m tests.simulation.command mutants

test: $(INSTALLED)  ## run the tests (ARGS="-k bids" passes options on)
	$(BIN)/python -m pytest -m "not slow and not external" $(ARGS)

test-slow: $(INSTALLED)  ## the suites that take long by nature: crashes, long fuzzing
	$(BIN)/python -m pytest -m slow $(ARGS)

test-external: $(INSTALLED)  ## the suites that need tools which are not Python packages (node and npm)
	$(BIN)/python -m pytest -m external $(ARGS)

check: lint types test  ## what CI runs: lint, types and tests

lint: $(INSTALLED)  ## rules and format of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)  ## static types, strictly
	$(BIN)/mypy

lock: $(INSTALLED)  ## resolve pyproject.toml's dependencies anew into requirements.lock
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--upgrade --group dev pyproject.toml --output-file requirements.lock

clean:  ## remove what was installed and measured, but no data
	rm -rf .venv build results .mypy_cache .pytest_cache .ruff_cache .hypothesis

help:  ## these lines
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
