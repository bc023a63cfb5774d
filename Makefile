# Nothing but Python 3.11, Java 17 and Maven need be there; everything else comes into .venv and .local.

PYTHON ?= python3

export PIP_ROOT_USER_ACTION = ignore
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# The tests start hundreds of processes: none of them compiles what another one has compiled.
unexport PYTHONDONTWRITEBYTECODE

# More processes than cores: most tests on a broker wait.
WORKERS ?= 3
PYTEST = .venv/bin/pytest --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: docs help demo test test-fast soak simulate bench bench-check check fuzz sbom screenshots lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s%s\n", $$1, $$2 }' Makefile

demo: .venv/.ready ## purchases in, webhooks out, on a local Kafka; QUICK=1: few of them; KEEP=1 stays up afterwards
	@.venv/bin/loyalty demo $(if $(QUICK),--quick) $(if $(KEEP),--keep)

.PHONY: shell
shell: .venv/.ready ## a shell in which `loyalty` is a command; `exit` leaves it
	@PATH="$(CURDIR)/.venv/bin:$$PATH" $${SHELL:-/bin/sh}

test: .venv/.ready ## all tests, the ones on a real broker and in a browser included, in WORKERS=3 processes
	@.venv/bin/python -m tests.browser.chromium
	@$(PYTEST) -n $(WORKERS)

test-fast: .venv/.ready ## all tests that need neither a broker nor a browser
	@$(PYTEST) -n 2 -m 'not kafka and not crash and not soak'

soak: .venv/.ready ## 200 kills at random moments, compared with the model; SEED= sees a run again, CLUSTER=3
	@.venv/bin/python -m tests.crash --kills 200 $(if $(SEED),--seed $(SEED)) $(if $(CLUSTER),--brokers $(CLUSTER))
	@.venv/bin/pytest -m soak

simulate: .venv/.ready ## SEEDS=1000000 runs on a simulated cluster, FROM= a first seed; SEED= shows one step by step
	@.venv/bin/python -m tests.simulated --processes $(or $(PROCESSES),1) \
		$(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000000) --from $(or $(FROM),0))

bench: .venv/.ready ## how fast it is here, beside the machine's own limits; QUICK=1 only sees it run
	@.venv/bin/python -m tests.bench $(if $(QUICK),--quick)

bench-check: .venv/.ready ## whether a record costs more CPU time than the baseline says; WRITE=1 makes a new one
	@.venv/bin/python -m tests.bench.check $(if $(WRITE),--write)

check: .venv/.ready ## lint, format, types and released schemas
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy streams connectors api tests
	@.venv/bin/python -m schemas.check

fuzz: .venv/.ready ## look for bytes that no reader foresaw, SECONDS= for each; a minute unless said
	@.venv/bin/python -m tests.fuzz --seconds $(if $(SECONDS),$(SECONDS),60)

sbom: .venv/.ready ## what is installed, as a CycloneDX document in .local/sbom.cdx.json
	@$(PYTHON) -m venv --clear .local/cyclonedx
	@.local/cyclonedx/bin/pip install --quiet cyclonedx-bom
	@.local/cyclonedx/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--of JSON -o .local/sbom.cdx.json .venv/bin/python
	@rm -rf .local/cyclonedx

docs: .venv/.ready ## the webhooks' documentation as pages that open from the disk, in build/docs
	@.venv/bin/loyalty webhooks docs --output build/docs

screenshots: .venv/.ready ## the README's pictures of the panel, made anew
	@KEEP_SCREENSHOTS=1 .venv/bin/pytest -q tests/browser/test_screenshots.py

lock: ## pin every dependency anew, by hash, in requirements.lock
	@$(PYTHON) -m venv --clear .local/uv
	@.local/uv/bin/pip install --quiet uv
	@.local/uv/bin/uv pip compile --quiet pyproject.toml --group dev --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade -o requirements.lock
	@rm -rf .local/uv

clean: ## remove the virtual environment and all caches
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp comes last: an environment cut short is made again, from nothing.
.venv/.ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || \
		{ echo "$(PYTHON) is not there: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$$($(PYTHON) --version) is too old: this needs 3.11 or newer, e.g. make PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module: install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 2; }
	@echo "creating the virtual environment in .venv …"
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/pip install --quiet --require-hashes -r requirements.lock
	@.venv/bin/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
