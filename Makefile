# One page of commands. Each makes the virtual environment it needs; nothing is to be set up before.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt

CODE := mmgraph tests setup.py $(wildcard graphs) $(wildcard benchmarks)
SPEED := $(sort $(wildcard benchmarks/speed_*.py))

# Two worker processes; each keeps to itself, so that a busy machine slows the tests and changes nothing else.
# Each file's tests stay in one process and in order: fixtures and compiled kernels are reused.
WORKERS ?= 2
TEST_ENV := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=2 MPLBACKEND=agg
PYTEST := $(TEST_ENV) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile
FUZZ := tests/datasets/test_broken_input.py tests/features/test_bad_input.py tests/features/test_bad_files.py
SHAPES := --jaxtyping-packages=mmgraph,typeguard.typechecked

# script, name of the results, options
DEVICE ?= cuda
RESULTS ?= benchmarks/results
speed = PYTHONPATH=. $(PYTHON) benchmarks/speed_$(1).py --device $(DEVICE) $(3) $(SPEED_OPTIONS) --json $(RESULTS)/$(DEVICE)_$(2).json

.PHONY: help install demo test fuzz lint bench cuda scatter clean
.DELETE_ON_ERROR:

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | column -t -s:

install: $(VENV)/.installed ## the package, in a virtual environment

demo: $(VENV)/.installed ## train on the data that comes with the package, write figures and the page to demo-out/
	$(BIN)/mmgraph demo --out demo-out --seed 0

test: lint ## every check: lint, doctests, tests; shapes are checked while they run
	$(PYTEST) -m unchecked
	$(PYTEST) -m "not unchecked" $(SHAPES)

fuzz: $(VENV)/.installed-dev ## 2,400 cases of bad input for all readers and front ends (200 of them in make test)
	$(PYTEST) $(FUZZ) --hypothesis-profile=fuzz

lint: $(VENV)/.installed-dev ## ruff, mypy, import-linter
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy mmgraph $(wildcard graphs)
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed ## every speed benchmark, benchmarks/speed_*.py
	@test -n "$(SPEED)" || { echo "no benchmarks/speed_*.py here: nothing to measure" >&2; exit 1; }
	@set -e; for script in $(SPEED); do echo "== $$script"; $(BIN)/python $$script; done

cuda: ## on a GPU, with the packages of PYTHON: tests, then speed benchmarks to benchmarks/results/cuda_*.json
	PYTHONPATH=. $(PYTHON) -m pytest tests/ops tests/graph tests/nn tests/training
	$(call speed,layers,layers,--compiled)
	$(call speed,layers,nodes,--scaling --nodes 200 2000 20000)
	$(call speed,layers,scaling,--scaling)
	$(call speed,epoch,epoch)
	$(call speed,loading,loading)
	$(call speed,building,building)

scatter: $(VENV)/.scatter ## torch-scatter from source (about five minutes once, then from pip's cache)

clean: ## remove what make and the tests wrote
	rm -rf $(VENV) build dist *.egg-info demo-out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mmgraph needs Python 3.11 or newer; say where: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt setup.py | $(BIN)/python
	$(PIP) -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) -e ".[dev]"
	touch $@

# A wheel in pip's cache may have been built for another torch: then it does not import, and is built again.
$(VENV)/.scatter: $(VENV)/.installed
	$(PIP) setuptools wheel ninja
	$(PIP) --no-build-isolation "torch-scatter>=2.1"
	$(BIN)/python -c "import torch_scatter" || \
		$(PIP) --no-build-isolation --no-deps --no-cache-dir --force-reinstall "torch-scatter>=2.1"
	$(BIN)/python -c "import torch_scatter"
	touch $@
