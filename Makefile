# `make demo` shows it, `make test` proves it. Needs python3 >= 3.11 with venv, make, and a package index.
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
PYTEST_ARGS ?= -n 2 --dist worksteal
UV ?= uv
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The first interpreter that is new enough; empty when there is none.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help install install-run browser clients beside demo test check docs format bench fuzz soak lock wheel clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 18

install: $(VENV)/.installed-dev ## everything for working on Tallyway, in .venv

install-run: $(VENV)/.installed-run ## only what running needs, in .venv

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 found. Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

# Hashes are checked by pip; the project itself is built by the pinned hatchling that was just installed.
$(VENV)/.installed-run: requirements/run.txt requirements/build.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --only-binary :all: -r requirements/run.txt
	$(PIP) install --require-hashes -r requirements/build.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements/dev.txt $(VENV)/.installed-run
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

browser: tests/browser/node_modules/.installed ## npm modules of the browser tests (tests only; needs npm)

tests/browser/node_modules/.installed: tests/browser/package-lock.json
	npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund
	@touch $@

CLIENTS := tests/clients
clients: $(CLIENTS)/pirsch/node_modules/.installed $(CLIENTS)/plausible/node_modules/.installed $(CLIENTS)/plausible/.venv/.installed ## published clients of the vendors (tests only; needs npm)

tests/clients/pirsch/node_modules/.installed: tests/clients/pirsch/package-lock.json
	npm ci --prefix tests/clients/pirsch --ignore-scripts --no-audit --no-fund
	@touch $@

$(CLIENTS)/plausible/node_modules/.installed: $(CLIENTS)/plausible/package-lock.json
	npm ci --prefix $(CLIENTS)/plausible --ignore-scripts --no-audit --no-fund
	@touch $@

$(CLIENTS)/plausible/.venv/.installed: $(CLIENTS)/plausible/requirements.txt | $(BIN)/python
	$(BIN)/python -m venv $(CLIENTS)/plausible/.venv
	$(CLIENTS)/plausible/.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary :all: -r $(CLIENTS)/plausible/requirements.txt
	@touch $@

demo: install-run ## sample sites on five backends at http://127.0.0.1:8000 (PORT=...)
	@$(BIN)/tallyway demo --port $(PORT)

test: check beside ## all checks and all tests; browser and client tests where there is npm (and Chromium)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# What browser and client tests need, where the machine can install it; without it they are skipped.
NPM ?= $(shell command -v npm)
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser)
beside:
	@if [ -z "$(NPM)" ]; then echo "no npm here: browser and client tests are skipped"; else \
	[ -n "$(CHROMIUM)" ] || echo "no Chromium here: browser tests are skipped"; \
	$(MAKE) --no-print-directory clients $(if $(CHROMIUM),browser) || echo "npm installed nothing: the tests that need it are skipped"; fi

check: install ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: install ## write the generated pages in docs/
	$(BIN)/python -m tests.contract.evidence
	$(BIN)/tallyway capabilities --markdown > docs/capabilities.md
	$(BIN)/tallyway check --reference > docs/configuration.md
	$(BIN)/tallyway check --errors > docs/errors.md

format: install ## write the format and the safe lint fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## ratios against a bare baseline in one run
	$(BIN)/python -m bench

fuzz: install ## long property and API fuzzing with a fixed seed
	TALLYWAY_FUZZ_EXAMPLES=5000 $(BIN)/python -m pytest $(PYTEST_ARGS) --timeout 0 --hypothesis-seed=0 -m hypothesis

soak: install ## minutes of load and faults
	$(BIN)/python -m pytest -m soak --timeout 0

lock: ## pin requirements/*.txt again (needs uv; UPGRADE=--upgrade for newer versions)
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header $(UPGRADE) pyproject.toml -o requirements/run.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header $(UPGRADE) requirements/build.in -o requirements/build.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header $(UPGRADE) --group dev pyproject.toml -c requirements/run.txt -c requirements/build.txt -o requirements/dev.txt

wheel: install ## dist/tallyway-*.whl
	$(BIN)/python -m build --wheel --no-isolation

clean: ## remove what was installed, built and cached
	rm -rf $(VENV) dist build tests/browser/node_modules tests/clients/*/node_modules tests/clients/*/.venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
