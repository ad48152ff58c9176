# Two commands need nothing but Python 3.11 or newer and make: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
# A file's tests share what they convert, so that files go to the cores as a whole.
TESTS := --numprocesses=auto --dist=loadfile
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check-all lint format bench docs support recurrent clean
.DEFAULT_GOAL := test

demo: .venv/demo  ## train, convert, check, evaluate, report
	$(BIN)/tflite-audit demo -o tflite-audit-demo

test: .venv/dev  ## the quick tests
	$(BIN)/python -m pytest -q $(TESTS)

check-all: .venv/dev lint  ## everything, the slow tests too
	$(BIN)/python -m pytest -q -m "" $(TESTS)

lint: .venv/dev  ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

format: .venv/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/dev  ## the pages that are generated from the code
	$(BIN)/python docs/generate.py
	$(BIN)/python -m tflite_audit.reports.document
	$(BIN)/python -m tests.threads.table
	$(BIN)/python -m tests.floats.table
	$(BIN)/python -m tests.recurrent.page

support: .venv/dev  ## measure the support matrix again, with the TensorFlow and the LiteRT that are installed
	$(BIN)/python -m tflite_audit.analyzer.support.measure

recurrent: .venv/dev  ## measure again what recurrent layers convert to, half an hour or more
	$(BIN)/python -m tests.recurrent.measure
	$(BIN)/python -m tests.recurrent.page

bench: .venv/dev  ## see benchmarks/README.md
	for program in benchmarks/[a-z]*.py; do echo "== $$program"; $(BIN)/python $$program || exit 1; done

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tflite-audit needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv .venv

.venv/demo: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[tensorflow-cpu,demo]'
	@touch $@

# tf-keras asks for the full `tensorflow` wheel, which would stand over tensorflow-cpu: it is installed without.
.venv/dev: .venv/demo
	$(PIP) --editable '.[tensorflow-cpu,demo,dev]'
	$(PIP) --no-deps tf-keras
	@touch $@

clean:
	rm -rf .venv tflite-audit-demo
