# make run    the showcase: sample_data/ -> out/medical (train/val/test JSONL and a report)
# make test   the gate: format, lint, types, layers, tests
# make bench  throughput on corpora it makes itself
# make acceptance  the trainers' own loaders on datakit's output, each in a venv made here (nightly)
# make clean  away with everything made here
# Needs: Python 3.11 or newer, make; packages come from the configured pip index.

.DEFAULT_GOAL := run
.PHONY: run test bench acceptance clean

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3 python; do \
            $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
            && { echo $$p; break; }; done)
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet install
SOURCES := pyproject.toml $(shell find datakit -name '*.py' -o -name '*.toml')
# Test processes; more than the machine has cores does not help.
WORKERS ?= 2

run: $(VENV)/.run
	$(BIN)/datakit run pipelines/medical.toml

# $(call check,NAME,COMMAND): one line when it passes, its whole output when it does not.
check = @printf '%-14s' '$(1)'; if out=$$($(2) 2>&1); then echo ok; else echo FAILED; echo "$$out"; exit 1; fi

test: $(VENV)/.test
	$(call check,ruff format,$(BIN)/ruff format --check .)
	$(call check,ruff check,$(BIN)/ruff check .)
	$(call check,mypy,$(BIN)/mypy)
	$(call check,lint-imports,$(BIN)/lint-imports)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup $(PYTEST)

bench: $(VENV)/.test
	@set -e; for bench in tests/bench/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench; done

# Trainers whose loaders are run, of: datasets llamafactory trl torchtune mds swift axolotl nemo;
# DATA=FOLDER takes conversations from published data sets.
ACCEPTANCE ?= datasets llamafactory trl torchtune mds

acceptance: $(VENV)/.test $(patsubst %,.acceptance/%/.ready,$(filter-out datasets,$(ACCEPTANCE)))
	@set -e; for name in $(ACCEPTANCE); do \
	  python=.acceptance/$$name/bin/python; test -x $$python || python=$(BIN)/python; \
	  $(BIN)/python tests/acceptance/run_acceptance.py --target $$name --python $$python \
	    $(if $(DATA),--data $(DATA)); done
	$(if $(filter llamafactory,$(ACCEPTANCE)),$(BIN)/python tests/acceptance/check_preflight.py \
	  --python .acceptance/llamafactory/bin/python)
	DATAKIT_ROUND_TRIPS=all $(BIN)/python -m pytest -q tests/test_round_trips.py

.acceptance/%/.ready: tests/acceptance/requirements/%.txt | $(BIN)/python
	@echo "installing $* into .acceptance/$*"
	@$(BIN)/python -m venv .acceptance/$*
	@.acceptance/$*/bin/python -m pip --disable-pip-version-check --no-input --quiet install -r $<
	@# What asks for packages that need a GPU is installed without them.
	@alone=tests/acceptance/requirements/$*.alone.txt; test ! -e $$alone || .acceptance/$*/bin/python \
	  -m pip --disable-pip-version-check --no-input --quiet install --no-deps -r $$alone
	@touch $@

clean:
	rm -rf $(VENV) .acceptance out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find datakit tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "datakit needs Python 3.11 or newer with the module venv; name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

# The stamps keep a second call from installing again. What is installed for the tests is editable
# and serves `run` as well.
$(VENV)/.run: $(SOURCES) | $(BIN)/python
	@if [ -e $(VENV)/.test ]; then $(MAKE) --no-print-directory $(VENV)/.test; \
	else echo "installing datakit into $(VENV)"; $(PIP) .; fi
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo "installing datakit and its test tools into $(VENV)"
	@$(PIP) --editable '.[test]'
	@touch $@
