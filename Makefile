# Two commands do everything on a fresh machine: `make run` and `make test`.

PYTHON ?= python3
PORT ?= 8080
BIN := .venv/bin
# Many tests wait for a process to die or to come back: twice as many as there are cores keep the cores busy.
TEST_PROCESSES ?= $(shell $(PYTHON) -c "import os; print(2 * (os.cpu_count() or 1))")
INSTALLED := .venv/installed

.PHONY: install run test lint bench lock clean

install: $(INSTALLED)

$(INSTALLED): requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

run: install
	$(BIN)/afflux demo --data data --port $(PORT) --statement tests/connectors/files/samples/mt940/rabobank-iban.sta

# The tests start many processes from the same sources: what one has compiled is there for all, even where Python is told
# not to keep it.
test: install lint
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2

bench: install
	$(BIN)/python -m benchmarks

# Writes the pinned requirements anew, with hashes and without download addresses.
lock: install
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --constraint requirements.txt --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements-dev.txt

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
