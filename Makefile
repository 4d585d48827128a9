# make serve        set everything up and serve on http://127.0.0.1:8000
# make test         set everything up and run the tests
# make test-vllm    drive the agent through a real vLLM on the CPU
# make semantic-router   install the package that the routing is compared with
# make lint         ruff, mypy, import-linter
#
# VOICES=en leaves out what speaks other languages than English.
#
# After the first run nothing here reaches for a network, until a lock changes.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
VLLM := .venv-vllm
VLLM_MODEL := qwen2.5-coder-0.5b-instruct
TORCH_VERSION := 2.13.0
# Another index for torch alone, such as PyTorch's own CPU or CUDA one.
TORCH_INDEX ?=
VOICES ?= all
LOCKS := requirements.lock $(if $(filter-out en,$(VOICES)),requirements-voices.lock)
SWITCHBOARD_HOME ?= .switchboard
PYTEST_ARGS ?=

.PHONY: help setup semantic-router serve models handbook shop test test-vllm chromium lint lock clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

## The environment: one stamp a stage, so that only what changed is done again.

$(VENV)/.created:
	@python=$$(command -v python3.11 || command -v python3 || true); \
	if [ -z "$$python" ] || ! "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
	  echo "Switchboard needs Python 3.11, with venv: install the packages python3.11 and python3.11-venv, or put python3.11 on the PATH." >&2; exit 1; \
	fi; \
	echo "==> creating $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV)
	@touch $@

# torch comes first and stays out of the hashed lock: which build fits depends on the machine.
$(VENV)/.torch-$(TORCH_VERSION): $(VENV)/.created
	@echo "==> installing torch $(TORCH_VERSION)"
	$(PIP) install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==$(TORCH_VERSION)
	@touch $@

$(VENV)/.locked-%: %.lock $(VENV)/.torch-$(TORCH_VERSION)
	@echo "==> installing $$(grep -c '^[a-z0-9].*==' $<) packages of $<"
	$(PIP) install --require-hashes --no-deps --use-pep517 -r $<
	@touch $@

$(VENV)/.installed: pyproject.toml $(LOCKS:%.lock=$(VENV)/.locked-%)
	@echo "==> installing switchboard"
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.installed

semantic-router: setup $(VENV)/.locked-requirements-semantic-router

## Models and sample knowledge

# `pull` looks at what is there and fetches the rest, so it needs no stamp.
models: setup
	@$(BIN)/switchboard models pull

$(SWITCHBOARD_HOME)/.handbook: $(shell find examples/shop/handbook -type f 2>/dev/null) | models
	@echo "==> loading the sample handbook"
	$(BIN)/switchboard kb add examples/shop/handbook
	@mkdir -p $(@D) && touch $@

handbook: $(SWITCHBOARD_HOME)/.handbook

$(SWITCHBOARD_HOME)/.shop: examples/shop/items.csv examples/shop/interactions.csv | models
	@echo "==> loading the sample shop"
	$(BIN)/switchboard recommend import examples/shop/items.csv examples/shop/interactions.csv
	@mkdir -p $(@D) && touch $@

shop: $(SWITCHBOARD_HOME)/.shop

serve: models handbook shop
	$(BIN)/switchboard serve

## Checks

chromium:
	@if command -v chromium >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "==> installing chromium"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	else \
	  echo "The browser tests need Debian's package 'chromium': sudo apt-get install chromium" >&2; exit 1; \
	fi

test: models chromium
	$(BIN)/pytest -m "not vllm" $(PYTEST_ARGS)

# vLLM wants other versions than the service, so it has an environment and a lock of its own. The
# lock leaves out torch and its companions: they are of no use to text, and their CUDA builds crash.
$(VLLM)/.locked: requirements-vllm.lock | setup
	@echo "==> installing vLLM: $$(grep -c '^[a-z0-9].*==' $<) locked packages into $(VLLM)"
	$(BIN)/python -m venv --clear $(VLLM)
	$(VLLM)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps \
	  $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==$(TORCH_VERSION)
	$(VLLM)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r $<
	@touch $@

test-vllm: models $(VLLM)/.locked
	@$(BIN)/switchboard models pull $(VLLM_MODEL)
	$(BIN)/pytest -m vllm tests/contract $(PYTEST_ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## Upkeep

# uv lives in an environment of its own, for as long as it takes. torch is installed before the
# lock, with the CUDA packages that its build wants, if any: they stay out of it too.
lock:
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && \
	python3.11 -m venv "$$tmp" && "$$tmp/bin/pip" install --quiet uv && \
	compile="$$tmp/bin/uv pip compile --python-version 3.11 --no-header --quiet" && \
	echo torch==$(TORCH_VERSION) > "$$tmp/torch.in" && \
	cuda=$$($$compile --no-annotate "$$tmp/torch.in" | grep -oE '^(nvidia|cuda|triton)[a-z0-9-]*' || true) && \
	$$compile pyproject.toml --extra dev --generate-hashes \
	  $$(printf -- '--no-emit-package %s ' torch $$cuda) -o requirements.lock && \
	locked=$$(grep -oE '^[a-z0-9._-]+==' requirements.lock | tr -d =) && \
	$$compile pyproject.toml --extra dev --extra voices --generate-hashes -c requirements.lock \
	  $$(printf -- '--no-emit-package %s ' torch $$cuda $$locked) -o requirements-voices.lock && \
	$$compile pyproject.toml --extra dev --extra semantic-router --generate-hashes \
	  -c requirements.lock -c requirements-voices.lock \
	  $$(printf -- '--no-emit-package %s ' torch $$cuda $$locked) -o requirements-semantic-router.lock
	@echo "the locks are compiled; review them, then make setup"

clean:
	rm -rf $(VENV) .venv-vllm build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
