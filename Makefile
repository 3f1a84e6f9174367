# Every target sets up what it needs: .venv from the lock, system packages when root (else it names them).
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
JOBS ?= 2
ARGS ?=
comma := ,

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: ## set up .venv
	@.ci/venv

demo: venv ## build the fixture project to an image from a base made on the spot, run it, and build it again from the cache
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh fixtures/demo.sh

test: venv ## run the whole suite
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

e2e-buildkit: venv ## build the fixture project here and by a real BuildKit, against one cache
	@$(BIN)/python -m pytest tests/e2e $(ARGS)

lint: venv ## rules, format of imports, layers
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-cache

type: venv ## mypy, strict, code and tests
	@$(BIN)/mypy

bench: venv ## measure: medians and ratios to a bare interpreter
	@$(BIN)/python benchmarks/compile.py $(ARGS)

update: venv ## rewrite the expectations of the case files and everything generated; then read the diff
	@$(BIN)/python -m pytest -q --update $(ARGS)

fuzz: venv ## search for inputs that crash or hang, a minute a target (SECONDS=600 for longer)
	@$(BIN)/python -m tests.fuzz.run --seconds $${SECONDS:-60} $(ARGS)

image: venv ## build the frontend's image to build/frontend.tar (ARGS="-t NAME --push" for a registry instead)
	@mkdir -p build && $(BIN)/dfc build . -f packaging/Dockerfile $(or $(ARGS),-o type=oci$(comma)dest=build/frontend.tar)

lock: venv ## write requirements-dev.lock anew (needs uv)
	uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements-dev.lock
	@$(BIN)/python packaging/requirements.py

.PHONY: help venv demo test e2e-buildkit lint type bench update fuzz image lock
