# One command each: run, test, lint, fmt, generate, bench.

CARGO ?= cargo

.PHONY: run test lint fmt generate bench

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
