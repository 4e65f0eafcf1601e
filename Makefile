# Tairyu: `make` lists what there is to do. Both `demo` and `test` set everything up by themselves.
.DEFAULT_GOAL := help
.PHONY: help demo test lint chaos bench bench-history soak kafka-jars asyncapi-schema lock generate clean
PYTHON ?= python3
SEED ?= 1
FAULTS ?= 40
HISTORIES ?= 20000
PY := .venv/bin/python
export TAIRYU_KAFKA_JARS ?= $(CURDIR)/.cache/kafka

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tairyu needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	@echo "Installing the locked dependencies into .venv (about a minute or two) ..."
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: .venv/ready ## The Soka case, from the first held application to the report, through the real stages
	.venv/bin/tairyu demo $(ARGS)

test: .venv/ready lint kafka-jars asyncapi-schema ## Everything: ruff, mypy, import-linter, pytest; real Kafka where java and mvn are there
	$(PY) -m pytest -n 2 --dist loadfile --cov --cov-report=term $(ARGS)

lint: .venv/ready ## ruff, mypy --strict, import-linter, cards and generated files
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m schemas.lint
	$(PY) -m schemas.generate --check
	$(PY) -m sinks.schema_page --check

chaos: .venv/ready kafka-jars ## Faults at random on three Kafka brokers: make chaos SEED=7 FAULTS=40 [KEEP=DIR]
	$(PY) -m tests.chaos --seed $(SEED) --faults $(FAULTS) $(if $(KEEP),--keep $(KEEP))

bench: .venv/ready kafka-jars ## Speed beside its peers on real Kafka: make bench [QUICK=1] [SEED=1] [JSON=FILE]
	$(PY) -m tests.bench --seed $(SEED) $(if $(QUICK),--quick) $(if $(JSON),--json $(JSON)) $(ARGS)

bench-history: .venv/ready ## A history of 100,000,000 events, and every named query asked of it: make bench-history [QUICK=1] [JSON=FILE]
	$(PY) -m tests.bench_history $(if $(QUICK),--quick) $(if $(JSON),--json $(JSON)) $(ARGS)

soak: .venv/ready ## 20,000 random histories against the second judge: make soak SEED=1
	TAIRYU_TEST_HISTORIES=$(HISTORIES) $(PY) -m pytest tests/properties -q --hypothesis-seed=$(SEED)

kafka-jars: .venv/ready ## Apache Kafka's jars, once, where java and mvn are there
	@$(PY) -c 'from streams.brokers.jars import main; main()'

asyncapi-schema: ## The official schema of AsyncAPI documents, once, where npm is there
	@mkdir -p .cache/asyncapi && cp tests/asyncapi/package.json tests/asyncapi/package-lock.json .cache/asyncapi/
	@test -f .cache/asyncapi/node_modules/@asyncapi/specs/schemas/3.0.0.json || ! command -v npm > /dev/null || \
	    npm ci --prefix .cache/asyncapi --ignore-scripts --no-audit --no-fund --loglevel=error || true

generate: .venv/ready ## Write the JSON Schemas, docs/asyncapi.yaml and the pages made from data anew
	$(PY) -m schemas.generate
	$(PY) -m sinks.schema_page

LOCK := .cache/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links \
	    --no-annotate --no-header

lock: ## Write requirements.lock anew from pyproject.toml, and the bench's from its requirements.in
	$(PYTHON) -m venv .cache/lock && .cache/lock/bin/pip install --quiet pip-tools
	$(LOCK) --extra test --output-file requirements.lock pyproject.toml
	$(LOCK) --output-file tests/bench/requirements.lock tests/bench/requirements.in
	$(LOCK) --output-file tests/bench_history/requirements.lock tests/bench_history/requirements.in

clean: ## Remove what can be made again
	rm -rf .venv .cache .coverage .mypy_cache .ruff_cache .pytest_cache
