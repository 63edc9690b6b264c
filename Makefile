# One command each: run, test, lint, fmt, generate, bench.

CARGO ?= cargo

.PHONY: run test lint fmt generate bench bench-python python

## Starts the example gateway and the upstream behind it, and says what to try.
run:
	$(CARGO) build -p spikard-core --bin spikard --example upstream
	@./config-examples/run.sh

## Runs every test; installs what the tests need.
test:
	./tests/install.sh
	$(CARGO) test --workspace --no-fail-fast

## Checks format, lints and docs.
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet

fmt:
	$(CARGO) fmt --all

## Writes the generated files: schema and configuration reference. A test checks that they are fresh.
generate:
	SPIKARD_GENERATE=1 $(CARGO) test -p spikard-tests --test generated

## CPU time per request beside bare hyper, bare axum, nginx and HAProxy.
bench:
	./benches/run.sh

## The same for the Python package, beside django-bolt, FastAPI and granian.
bench-python:
	./benches/python/run.sh

## Builds the Python package into a virtual environment: .venv, or the one that VENV names.
VENV ?= .venv
PYTHON ?= python3
PROFILE ?= dev
python:
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -c "import maturin" 2>/dev/null || $(VENV)/bin/pip install --quiet --disable-pip-version-check "maturin>=1.16,<2" "msgspec>=0.20"
	. $(VENV)/bin/activate && maturin develop --quiet --profile $(PROFILE) --manifest-path spikard-py/Cargo.toml
