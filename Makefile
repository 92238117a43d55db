# servlab: make help lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help study test lint validation lab lock clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## ?(.*)/  make \1\t\2/' | expand -t 20

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "servlab needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

study: $(STAMP)  ## run the example studies (ABC real, SERVQUAL simulated; English and Chinese)
	@$(BIN)/python -m servlab study-examples --out reports

test: $(STAMP)  ## lint, types, layers, tests with doctests, notebooks, a study end to end
	@$(BIN)/python tests/run_all.py

lint: $(STAMP)  ## lint, types and the layer contract only
	@$(BIN)/python tests/run_all.py lint

validation: $(STAMP)  ## run the golden tests and make docs/validation.md from what they found
	@OPENBLAS_NUM_THREADS=1 SERVLAB_VALIDATION=docs/validation.md $(BIN)/python -m pytest -q -n auto --dist loadfile -m golden

lab: $(STAMP)  ## open JupyterLab in notebooks/
	@cd notebooks && ../$(BIN)/jupyter lab

lock:  ## make requirements.lock anew from pyproject.toml (fetches uv)
	@$(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv
	.venv-lock/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-strip-extras --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock
	@rm -rf .venv-lock

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
