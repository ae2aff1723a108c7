# Needs Python 3.12 or newer, git and make; everything else is installed on the first call.
# Without make: README.md, "Without make", lists what each target runs.
.DEFAULT_GOAL := help
.PHONY: help setup demo run check test test-all format bench clean

PYTHON_BIN := .venv/bin/python
ARGS ?=
TESTS ?= tests
NOT_NOW ?= and not campaign

# One thread a process: two torch threads, or two threads of the software rasteriser, on a busy two-core machine make
# a call up to fifty times slower.
export OMP_NUM_THREADS ?= 1
export LP_NUM_THREADS ?= 1
ifeq ($(shell uname -s),Linux)
export MUJOCO_GL ?= egl
ifeq ($(DISPLAY)$(WAYLAND_DISPLAY),)
export QT_QPA_PLATFORM ?= offscreen
endif
endif

help:
	@echo "make setup   make or reuse .venv, install what is missing"
	@echo "make demo    record, train, deploy and try on the simulated rig, unattended; ARGS=--fast for the short one"
	@echo "make run     the window on the simulated rig"
	@echo "make test    format, lint, types, import rules, tests; TESTS=tests/control for some, make test-all for the long ones too"
	@echo "make format  put the sources into the form that make test asks for"
	@echo "make bench   the figures of docs/benchmarks.md"
	@echo "make clean   remove caches, builds and demo/ (keeps .venv and workspaces)"

setup:
	@sh scripts/setup.sh

demo: setup
	$(PYTHON_BIN) -m teleop_studio demo $(ARGS)

run: setup
	$(PYTHON_BIN) -m teleop_studio gui $(ARGS)

# Tests marked `alone` start the processes of the app or watch the clock: they run one at a time, after the others,
# so that nothing but the test itself decides how they end. 5 means that TESTS named a folder without such a test.
test: check
	QT_QPA_PLATFORM=offscreen $(PYTHON_BIN) -m pytest -p no:cacheprovider -n 2 -m "not alone $(NOT_NOW)" $(TESTS) || [ $$? = 5 ]
	QT_QPA_PLATFORM=offscreen $(PYTHON_BIN) -m pytest -p no:cacheprovider -m "alone $(NOT_NOW)" $(TESTS) || [ $$? = 5 ]

# With the campaigns: much of the same again and again, and a lesson from end to end.
test-all: NOT_NOW =
test-all: test

# The types beside the rest: each needs one core.
check: setup
	$(PYTHON_BIN) -m mypy & types=$$!; \
	$(PYTHON_BIN) -m ruff format --check . && $(PYTHON_BIN) -m ruff check . && .venv/bin/lint-imports; rest=$$?; \
	wait $$types && exit $$rest

format: setup
	$(PYTHON_BIN) -m ruff format .
	$(PYTHON_BIN) -m ruff check --fix .

# Each benchmark is a module with a `main` that prints its rows; a process of its own each, so that none warms another.
# Those of policies need trained runs or hours: their own first lines say how they are started.
NEED_A_RUN := tests/benchmarks/bench_lesson.py tests/benchmarks/bench_shift.py
BENCHMARKS := $(filter-out $(NEED_A_RUN),$(wildcard tests/benchmarks/bench_*.py))

bench: setup
	@set -e; for file in $(BENCHMARKS); do \
		$(PYTHON_BIN) -m tests.benchmarks.$$(basename $$file .py) $(ARGS); \
	done

clean:
	rm -rf build dist demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
