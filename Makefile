# egate: every target sets up what it needs. Nothing but Python >= 3.11 with venv and make is assumed.
#
#   make demo          a hall on simulated gates; ONCE=1 ends by itself
#   make test          lint, types, import contracts, tests
#   make bench         benchmarks per layer, peers beside ours
#   make fuzz, soak    long campaigns

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c .ci/constraints.txt
PYTEST := $(BIN)/python -m pytest
# The last of all. A session of its own, since processors are shared by sessions first. Not the idle class: beside it, with one more
# busy process, the kernel's workers that hand on what ptys carry came up to 2.5 s late.
LAST := setsid sh -c 'echo 19 2>/dev/null >/proc/self/autogroup; exec nice -n 19 "$$@"' last
SOURCES := egate hw bench tests proto

# Hundreds of daemons and simulators are started by the tests: compiling our modules and rewriting the tests' assertions once is enough.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check lint bench fuzz soak peer clean

demo: $(VENV)/.models
	$(BIN)/egate demo $(if $(ONCE),--once --json demo.json)

# Lint runs beside the tests that wait for nobody. Whole daemons leave two thirds of the processors: the searches take that, and little
# when it is wanted.
test: $(VENV)/.dev $(VENV)/.models
	@mkdir -p var
	@$(MAKE) --no-print-directory lint >var/lint.log 2>&1 & beside=$$!; \
	$(PYTEST) -n auto --dist loadfile -m "not soak and not realtime and not devices and not exhaustive" || \
		{ kill $$beside; exit 1; }; \
	wait $$beside || { cat var/lint.log; exit 1; }; cat var/lint.log
	@$(LAST) $(PYTEST) --timeout=1800 -m "exhaustive and not soak" >var/exhaustive.log 2>&1 & beside=$$!; \
	trap "kill $$beside 2>/dev/null" EXIT; trap "exit 1" INT TERM; \
	$(PYTEST) -m "realtime and not soak" || exit 1; \
	wait $$beside || { cat var/exhaustive.log; exit 1; }; cat var/exhaustive.log
	$(PYTEST) -n 4 --dist loadfile -m "devices and not soak"

lint: $(VENV)/.dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev $(VENV)/.models
	$(BIN)/python -m pytest bench --benchmark-only
	$(BIN)/python -m bench.bench_osdp
	$(BIN)/python -m bench.bench_journal
	$(BIN)/python -m bench.bench_crossing
	$(BIN)/python -m bench.bench_start
	$(BIN)/python -m bench.document.bench_chip_access
	$(BIN)/python -m bench.document.bench_document
	$(BIN)/python -m bench.document.bench_passive
	$(BIN)/python -m bench.document.bench_trust
	$(BIN)/python -m bench.document.bench_mrz_image
	mkdir -p var
	$(BIN)/egate bench latency --json var/latency.json

fuzz: $(VENV)/.dev $(VENV)/.models
	mkdir -p var
	$(BIN)/python -m tests.fuzz --runs 10000000 --json var/fuzz.json
	$(BIN)/python -m pytest tests -m hypothesis --hypothesis-profile=fuzz --timeout=0

soak: $(VENV)/.dev $(VENV)/.models
	$(BIN)/python -m pytest tests -m soak --timeout=0

# Independent implementations that some tests and benchmarks compare with. face_recognition comes without its dependencies:
# they would build dlib from source.
peer: $(VENV)/.dev
	$(PIP) -e '.[peer]'
	$(PIP) -e '.[pcsc]' || echo "no PC/SC binding: it needs swig, gcc and libpcsclite-dev"
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps face_recognition==1.3.0
	@# Imports as libosdp does, so it lives in a folder of its own.
	$(BIN)/python -m pip install --disable-pip-version-check -c .ci/constraints.txt --upgrade --target var/peers/osdp osdp==1.6

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "egate needs Python 3.11 or newer; set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(BIN)/python pyproject.toml .ci/constraints.txt
	$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.models: $(VENV)/.base models/manifest.toml
	$(BIN)/egate models install
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks .import_linter_cache
