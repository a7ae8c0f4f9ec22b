# Everything here needs python3 (3.11 or newer) and make; the rest goes into .venv.

PYTHON ?= python3
# Tests wait for other processes often: two of them leave two cores idle half the time.
PYTEST ?= --numprocesses=3
BIN := .venv/bin
READY := .venv/.ready
# In a container one often is, and JupyterLab would refuse.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: lab tour test check fix notebooks reference binder release-check canary bench programs clean

lab: $(READY) ## the first lesson in JupyterLab
	$(BIN)/jupyter lab --ip=127.0.0.1 $(AS_ROOT) --notebook-dir=notebooks \
	  --LabApp.default_url=/lab/tree/01_crash_and_resume.ipynb

tour: $(READY) ## the same lesson without a browser: killed, resumed, checked
	@$(BIN)/python notebooks/tour.py

test: $(READY) programs ## every test
	$(BIN)/python -m pytest $(PYTEST)

check: $(READY) ## the static half
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

fix: $(READY) ## what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

notebooks: $(READY) ## run the lessons and keep their outputs; LESSON=03 for one
	$(BIN)/python notebooks/lessons.py $(LESSON)

reference: $(READY) ## write the reference from the docstrings
	$(BIN)/python -m tests.documents.reference

binder: $(READY) ## pin what a Binder installs, and run lesson 1 on exactly that
	@$(BIN)/python -m tests.release.binder

release-check: $(READY) ## build the wheel, and run lesson 1 on it in an empty environment
	@$(BIN)/python -m tests.release.check

canary: $(READY) ## what would break with newer releases of what we build upon
	@$(BIN)/python -m tests.release.canary $(CANARY)

bench: .venv-bench/.ready .venv-bench-peer/.ready ## what durability costs, beside others: some minutes
	@.venv-bench/bin/python -m tests.benchmarks $(BENCH)

# Browser tests need Chromium, those of completion the shells. Without the rights to
# install them they are skipped, with the reason; in CI that is a failure.
PROGRAMS := chromium zsh fish
programs:
	@(for each in $(PROGRAMS); do command -v $$each || exit 1; done) >/dev/null || \
	  [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
	  { apt-get update -q && apt-get install -y -q $(PROGRAMS); } >/dev/null

# Held to what a Binder has; `make canary` tries what is newer.
$(READY): pyproject.toml binder/pins.txt
	@echo "Setting up .venv (a minute, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed.")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/pip install -q --editable '.[lab]' --group test --group check --constraint binder/pins.txt
	@touch $(READY)

# The peer is in an environment of its own: nothing else here may come to need it.
.venv-bench/.ready: pyproject.toml
	@echo "Setting up .venv-bench (a minute, once) ..."
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
	@.venv-bench/bin/pip install -q --editable '.[server]' --group bench
	@touch $@

# Its server is measured on the dbos that it was made for.
.venv-bench-peer/.ready: pyproject.toml
	@echo "Setting up .venv-bench-peer (a minute, once) ..."
	@$(PYTHON) -m venv .venv-bench-peer
	@.venv-bench-peer/bin/pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
	@.venv-bench-peer/bin/pip install -q --group bench-peer
	@touch $@

clean: ## remove what the targets above made
	rm -rf .venv .venv-bench .venv-bench-peer .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
