# Everything one does with this project; `make help` lists it.
#
# Needs: Python 3.11 or newer with its venv module, make, git, and a package index that pip
# reaches. All that is installed goes into .venv, except Chromium and Redis, which `make test` uses.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Set by `make test-min`, and by nothing in the environment.
OLDEST :=
# Those that `make test-pythons` tries, if they are here; a path is as good as a name.
PYTHONS ?= python3.11 python3.12 python3.13 python3.14
CATALOGUE := flask_workos_sessions/ui/translations/workos_sessions.pot
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

# pyright's wheel and its "nodejs" extra bring all it needs: no npm, no download at run time, and
# no look at the index for a newer release.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-min test-pythons faults bench mutations lint format messages assets docs
.PHONY: build clean chromium redis short

help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

demo: $(VENV)/.stamp-demo ## Run the sample app against a local WorkOS
	$(BIN)/python -m examples.demo $(ARGS)

# Many tests wait for a browser or a process: two for each core keep the cores busy.
TWICE := $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))

# The tests marked "idle" wait for answers that are late, several at once. Those marked "alone"
# measure time or take the machine's cores: they come one by one. Then all others.
test: lint chromium redis ## Run every check: what has to pass before a change is merged
	$(BIN)/python -m pytest -n 3 --dist worksteal -m idle --no-skips $(ARGS) || [ $$? -eq 5 ]
	$(BIN)/python -m pytest -m "alone and not idle" --no-skips $(ARGS) || [ $$? -eq 5 ]
	$(BIN)/python -m pytest -n $(TWICE) --dist worksteal -m "not alone and not idle" --no-skips $(ARGS)

test-min: redis ## Run the tests with the oldest versions allowed; no browser, nothing that takes time
	$(MAKE) --no-print-directory VENV=$(VENV)/min OLDEST=yes short

test-pythons: redis ## The same with the newest versions and each Python from 3.11 on that is here
	@.ci/pythons "$(VENV)" $(PYTHONS)

short: $(VENV)/.stamp-test
	$(BIN)/python -m pytest -n $(TWICE) --dist worksteal -m "not browser and not alone and not idle" --no-skips $(ARGS)

bench: $(VENV)/.stamp-bench chromium redis ## Measure speed, sizes and memory; fails when a limit is broken
	$(BIN)/python tests/benchmarks/run.py $(ARGS)

faults: $(VENV)/.stamp-test redis ## Try every fault of docs/faults.md, and print the table
	$(BIN)/python -m pytest tests/faults -q --no-skips --faults-table=faults.md
	@cat faults.md

mutations: $(VENV)/.stamp-test redis ## Take away one rule after the other: does a test notice?
	$(BIN)/python tests/mutations/run.py

lint: $(VENV)/.stamp-test ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/.stamp-test ## Rewrite the sources in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(VENV)/.stamp-test ## Collect the texts of our pages, for translators
	$(BIN)/pybabel -q extract --mapping pyproject.toml --keywords message \
		--add-comments "Translators:" --sort-by-file --add-location file --width 100 --omit-header \
		--output $(CATALOGUE) flask_workos_sessions

assets: $(VENV)/.stamp-test ## Make the script and the styles that are served, out of ui/source
	$(BIN)/python .ci/assets.py

docs: $(VENV)/.stamp-test ## Make the site of the documentation, in build/docs
	rm -rf build/docs
	$(BIN)/python -m sphinx -q -n -W --keep-going docs build/docs
	@echo "Open build/docs/index.html in a browser."

build: $(VENV)/.stamp-test ## Make the source distribution and the wheel, in dist/
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

clean: ## Remove everything that these commands have made
	rm -rf $(VENV) faults.md build dist *.egg-info instance .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

chromium:
	@.ci/chromium

redis:
	@.ci/redis

# Dependency groups (PEP 735) need pip 25.1; a new environment has the one that came with Python.
$(VENV)/.stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed. Name it: make PYTHON=python3.12 $(MAKECMDGOALS)"; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.stamp-demo: $(VENV)/.stamp-venv setup.cfg pyproject.toml
	$(PIP) install --editable .
	@touch $@

$(VENV)/.stamp-test: $(VENV)/.stamp-venv setup.cfg pyproject.toml $(if $(OLDEST),$(VENV)/oldest.txt)
	$(PIP) install $(if $(OLDEST),--constraint $(VENV)/oldest.txt) --editable . --group test --group lint --group docs \
		--group build
	@touch $@

$(VENV)/oldest.txt: $(VENV)/.stamp-venv setup.cfg pyproject.toml
	$(BIN)/python .ci/oldest.py >$@

$(VENV)/.stamp-bench: $(VENV)/.stamp-test
	$(PIP) install --group bench
	@touch $@
