# Everything sets itself up: `make run` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := engine api arrpush tests benchmarks

.PHONY: run test soak bench bench-api conformance lint format clean

run: $(READY)
	$(BIN)/alldebrid-client serve --local

test: $(READY)
	$(BIN)/pytest $(ARGS)

# Every fault with 100 seeds, every system call interrupted: about a quarter of an hour.
soak: $(READY)
	SOAK_SEEDS=$${SOAK_SEEDS:-100} $(BIN)/pytest tests/engine/transfer tests/whole/test_killed_steps.py $(ARGS)

# For example: make bench ARGS='--only 1,3 --size 512M --runs 1'
bench: $(READY)
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python -m benchmarks $(ARGS)

# The API beside a real qbittorrent-nox only: two or three minutes.
bench-api: $(READY)
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python -m benchmarks --only 12 $(ARGS)

# Beside a real qbittorrent-nox, which it does not install: it says what is missing.
# For example: make conformance ARGS='--only torrents/add* --differing'
conformance: $(READY)
	$(BIN)/python -m tests.conformance $(ARGS)

lint: $(READY)
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

# A set-up that failed half-way has no .ready and is gone on with.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; PYTHON=/path/to/python3.11 make ... names another."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing: apt install python3-venv (Debian, Ubuntu)."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
