# One command each: run, test, lint, fmt, generate, bench.

CARGO ?= cargo
VENV ?= .venv
PYTHON ?= python3
MYPY = MYPYPATH=spikard-py/python:spikard-py/tests $(VENV)/bin/mypy --config-file spikard-py/pyproject.toml
PYTHON_FILES = spikard-py benches/python benches/gateways benches/soak examples
# Those whose modules are all files: what protobuf makes for `grpc` is not there to be checked.
EXAMPLES = $(filter-out examples/grpc/,$(wildcard examples/*/))

.PHONY: run test test-python test-versions lint fmt generate bench bench-python bench-gateways soak python wheels

## Starts the example gateway and the upstream behind it, and says what to try.
run:
	$(CARGO) build -p spikard-core --bin spikard --example upstream
	@./config-examples/run.sh

## Runs every test; installs what the tests need.
test:
	./tests/install.sh
	$(CARGO) test --workspace --no-fail-fast
	$(MAKE) test-python

## Builds the Python package and runs its tests.
test-python: python
	$(VENV)/bin/python -m pytest -c spikard-py/pyproject.toml --rootdir . -q -rs -n 2 --dist loadgroup spikard-py/tests

## The same on every supported CPython of this machine, each in an environment of its own.
test-versions:
	for python in $$(./tests/pythons.sh); do \
		version=$$($$python -c "import sys; print('%d.%d' % sys.version_info[:2])"); \
		$(MAKE) test-python VENV=.venv-$$version PYTHON=$$python || exit 1; \
	done

## Checks format, lints and docs.
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet
	./tests/install.sh
	$(VENV)/bin/ruff format --check --quiet $(PYTHON_FILES)
	$(VENV)/bin/ruff check --quiet $(PYTHON_FILES)
	$(MYPY) -p spikard
	$(MYPY) --python-version 3.12 -p support -p cases -p reference -p behaviour -p differential -p examples -p openapi -p pages
	@for example in $(EXAMPLES); do $(MYPY) $$example || exit 1; done  # each has an `app` of its own
	$(VENV)/bin/pyright --project spikard-py --pythonpath $(VENV)/bin/python

fmt:
	$(CARGO) fmt --all
	$(VENV)/bin/ruff format --quiet $(PYTHON_FILES)

## Writes the generated files: schema and configuration reference. A test checks that they are fresh.
generate:
	SPIKARD_GENERATE=1 $(CARGO) test -p spikard-tests --test generated

## CPU time per request beside bare hyper, bare axum, nginx and HAProxy.
bench:
	./benches/run.sh

## The same for the Python package, beside django-bolt, FastAPI and granian.
bench-python:
	./benches/python/run.sh

## The gateway beside nginx, HAProxy, Caddy, Envoy and Traefik.
bench-gateways:
	./benches/gateways/run.sh

## An hour of load while upstreams, the Redis, certificates and the configuration fail and change.
soak:
	./benches/soak/run.sh

## Builds wheels and the source distribution into target/wheels, installs and tries each;
## PROFILE=dev does so with quick builds.
wheels:
	./tests/wheels.sh

## Builds the Python package into a virtual environment: .venv, or the one that VENV names.
PROFILE ?= dev
python:
	@VENV=$(VENV) PYTHON=$(PYTHON) ./tests/install.sh
	. $(VENV)/bin/activate && maturin develop --quiet --profile $(PROFILE) --manifest-path spikard-py/Cargo.toml
