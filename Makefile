# GNU make 3.81 (as macOS has it) is enough. `make` alone lists what there is.

PORT ?= 8000
MINUTES ?= 30
UV ?= uv
PYTHON_IN = .venv/bin/python
PIP = $(PYTHON_IN) -m pip --disable-pip-version-check install -qq --require-hashes
LOCK = UV_PYTHON_DOWNLOADS=never $(UV) pip compile --quiet --universal --python-version 3.12 \
	--generate-hashes --no-header --no-annotate

.PHONY: help demo test soak lint texts bench lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s  %s\n", $$1, $$2 }' Makefile

demo: .venv/.run ## a whole Courant on this machine: web, worker, beat, outbox (PORT=8000)
	@$(PYTHON_IN) manage.py demo --port $(PORT)

test: .venv/.test ## the suite on SQLite, and beside it on PostgreSQL and Redis (ARGS='-k name' is for pytest)
	@$(PYTHON_IN) scripts/suites.py $(ARGS)

soak: .venv/.test ## faults, one seed after the other, on PostgreSQL and Redis (MINUTES=30, ARGS='--seed 7')
	@$(PYTHON_IN) -m tests.faults.soak --minutes $(MINUTES) $(ARGS)

lint: .venv/.test ## formatting, types, import rules, migrations, deploy check, templates, spelling
	@$(PYTHON_IN) scripts/lint.py

texts: .venv/.test ## takes what readers are told today into locale/, compiles, and says what lacks a translation
	@DEBUG=1 $(PYTHON_IN) scripts/translations.py update

bench: .venv/.test ## measures the promises of speed, about 25 minutes (ARGS='--readers 10000', ARGS=--strict)
	@for program in daily.py by_smtp.py by_slots.py by_bodies.py growth.py 'growth.py --way smtp' desk.py door.py; do \
		echo "== benchmarks/$$program"; $(PYTHON_IN) benchmarks/$$program $(ARGS) || exit 1; \
	done

lock: ## pins requirements.in and requirements-test.in anew (needs uv; UV=/path/to/uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-test.in -o requirements-test.txt

clean: ## removes .venv and all caches; your data/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: an install runs again only when its lock is newer than its last success.
.venv/.run: requirements.txt
	@python=$$(scripts/find-python) || exit 1; \
	echo "Making .venv with $$python"; \
	"$$python" -m venv .venv
	@echo "Installing the locked packages (about a minute the first time) ..."
	@$(PIP) -r requirements.txt
	@touch .venv/.run

.venv/.test: .venv/.run requirements-test.txt
	@echo "Installing what tests and linters need (about another minute the first time) ..."
	@$(PIP) -r requirements-test.txt
	@touch .venv/.test
