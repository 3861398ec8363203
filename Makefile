# QMT Desk. `make run` starts everything, `make test` proves everything.
# Needs make and Python 3.11-3.13 with venv; nothing else has to be installed or running.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV ?= .venv
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
PY := $(VENV)/bin/python
STAMPS := $(VENV)/.stamps

export TZ := Asia/Shanghai

.PHONY: help run test test-all lint faults bench proto screenshots docs-pictures audit clean

help: ## Show what can be typed
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(STAMPS)/run ## Start everything on this machine (PORT=8010 make run for another port)
	@exec $(PY) manage.py up --prepare

test: $(STAMPS)/dev ## Everything that must hold: style, types, layers, tests, tests on PostgreSQL
	@$(PY) tests/run_all.py

test-all: $(STAMPS)/dev ## make test, and the slow tests
	@$(PY) tests/run_all.py --slow

lint: $(STAMPS)/dev ## Style, types, layers and missing migrations only
	@$(PY) tests/run_all.py --lint-only

faults: $(STAMPS)/dev ## Break things on purpose: 420 composed faults in process, 64 with real processes, outages of a whole platform, and one at work for 5 minutes (SEED=137 for one)
	@$(PY) -m tests.faults.run $(if $(SEED),--seed $(SEED))

bench: $(STAMPS)/dev ## Measure: the store beside its best-known peer, orders end to end, socket clients
	@PYTHONPATH=platform:. $(PY) -m benchmarks.store.run
	@PYTHONPATH=platform:. $(PY) -m benchmarks.marketdata.repair --symbols 100
	@PYTHONPATH=platform:. $(PY) -m benchmarks.marketdata.gapscan
	@PYTHONPATH=platform:. $(PY) -m benchmarks.strategies.backtest --skip-peer-minutes
	@PYTHONPATH=platform:. $(PY) -m benchmarks.orders.latency
	@PYTHONPATH=platform:. $(PY) -m benchmarks.orders.throughput
	@PYTHONPATH=platform:. $(PY) -m benchmarks.orders.recovery
	@PYTHONPATH=platform:. $(PY) -m benchmarks.operate.kills --times 1
	@PYTHONPATH=platform:. $(PY) -m benchmarks.orders.risk
	@PYTHONPATH=platform:. $(PY) -m benchmarks.signals.engine screen
	@PYTHONPATH=platform:. $(PY) -m benchmarks.signals.engine live
	@PYTHONPATH=platform:. $(PY) benchmarks/live/sockets.py --clients 200 500
	@PYTHONPATH=platform:. $(PY) -m benchmarks.rpc.stream
	@PYTHONPATH=platform:. $(PY) -m benchmarks.live.snapshot --minutes 10
	@PYTHONPATH=platform:client:. $(PY) -m benchmarks.rest.bars
	@PYTHONPATH=platform:. $(PY) -m benchmarks.rest.small_reads
	@PYTHONPATH=platform:. DJANGO_SETTINGS_MODULE=desk.settings $(PY) -m benchmarks.portal.dashboard
	@PYTHONPATH=platform:. DJANGO_SETTINGS_MODULE=desk.settings $(PY) -m benchmarks.portal.heatmap
	@PYTHONPATH=platform:. $(PY) -m benchmarks.operate.restore
	@PYTHONPATH=platform:. $(PY) -m benchmarks.operate.restore --postgres

proto: $(STAMPS)/dev ## What is generated from the .proto files of gRPC, into the tree
	@PYTHONPATH=platform $(PY) -m rpc.generate

screenshots: $(STAMPS)/dev ## Every screen in both themes and languages, into var/screenshots
	@PYTHONPATH=platform:. DJANGO_SETTINGS_MODULE=desk.settings $(PY) -m tests.e2e.screenshots

docs-pictures: $(STAMPS)/dev ## The pictures in the README and the guides, taken again into docs/images
	@PYTHONPATH=platform:. DJANGO_SETTINGS_MODULE=desk.settings $(PY) -m tests.e2e.docs_pictures

audit: $(STAMPS)/dev ## Known vulnerabilities among the pinned packages (asks a public database: needs the network)
	@$(PY) -m pip_audit --strict --requirement requirements-dev.txt --no-deps --disable-pip --progress-spinner off

clean: ## Remove caches (keeps the virtual environment and var/)
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis htmlcov .coverage

$(PY):
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found (PYTHON=/path/to/python make run)."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The stamp is the requirements file itself: unchanged requirements cost nothing.
$(STAMPS)/run: requirements.txt | $(PY)
	@mkdir -p $(STAMPS)
	@cmp -s requirements.txt $@ || { echo "Installing packages (once; about a minute) ..."; $(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt && cp requirements.txt $@; }
	@touch $@

$(STAMPS)/dev: requirements-dev.txt | $(PY)
	@mkdir -p $(STAMPS)
	@cmp -s requirements-dev.txt $@ || { echo "Installing packages for development (once; about a minute) ..."; $(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt && cp requirements-dev.txt $@; }
	@touch $@
