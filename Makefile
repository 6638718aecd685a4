# The verbs of this project. Continuous integration calls the same ones.
# Everything is set up on demand, and done again only when what it depends on changed.
SHELL := /bin/bash -o pipefail
.SHELLFLAGS := -ec
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
.DEFAULT_GOAL := help

PACKAGES := runc nftables iptables ipset conntrack iproute2 util-linux mount procps kmod \
	curl bind9-dnsutils tcpdump hey jq busybox-static chromium fonts-dejavu-core python3-venv

# What only these two verbs need: Pods' programs for one, a virtual machine for the other.
CONFORMANCE_PACKAGES := netcat-openbsd
VM_PACKAGES := qemu-system-x86 mmdebstrap e2fsprogs debian-archive-keyring

.PHONY: help lab test check book bench soak conformance test-vm record up down clean

help: ## Show the verbs.
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: .system .venv/ready ## Start a cluster and open JupyterLab on the first page.
	@python -m kubehop.cli lab

test: .system .venv/ready ## Check everything: what `check` does, then every chapter and lab on a real cluster.
	@kubehop doctor --quiet
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m tests.run

check: .venv/ready .node ## Check what needs neither root nor a cluster: lint, types, units, the site.
	@ruff check . && ruff format --check . && mypy && lint-imports --no-logo
	@cd widgets && npm run --silent check
	@pytest -q -n logical tests/unit
	@pytest -q tests/book -m "not cluster"
	@pytest -q tests/site

hostile: .system .venv/ready ## Try everything that can go wrong with a cluster: about an hour.
	@KUBEHOP_HOSTILE=long $(BIN)/python -m pytest -q -s -p no:cacheprovider tests/cluster/test_hostile.py tests/cluster/test_pause.py

book: .venv/ready ## Build the site from recorded outputs and serve it.
	@jupyter-book build . -W -n --keep-going --all --path-output _build/book --quiet
	@cd _build/book/_build/html && python -m http.server --bind 127.0.0.1 $(PORT)

bench: .system .venv/ready ## Measure, and write docs/benchmarks.md.
	@python -m tests.bench

soak: .venv/ready ## Run the whole book ten times two at once on the running cluster, and keep count.
	@python -m tests.soak --rounds 10

conformance: .system .venv/ready ## Run Kubernetes' own conformance tests of the network, and write docs/conformance.md.
	@$(call install,nc,$(CONFORMANCE_PACKAGES))
	@python -m tests.conformance

test-vm: .system .venv/ready ## Try the cluster in a virtual machine with cgroup version 2, and write docs/vm.md.
	@$(call install,qemu-system-x86_64 mmdebstrap mke2fs,$(VM_PACKAGES))
	@python -m tests.vm

record: .venv/ready ## Run every chapter and lab on the cluster, store what they print, and compare it with another run.
	@python -m kubehop.labs generate
	@kubehop record chapters labs/*/first-sight.ipynb
	@python -m kubehop.labs selftest --results traces/lab-results.json
	@pytest -q --nbval chapters labs/*/first-sight.ipynb --write-checks

up: .system .venv/ready ## Start a cluster.
	@kubehop up

down: .venv/ready ## Remove the cluster.
	@kubehop down

clean: ## Remove what was built inside this folder.
	@rm -rf _build .venv widgets/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# System packages: asked of the package manager only where a program is missing.
# $(call install,PROGRAMS,PACKAGES)
define install
missing=; for program in $(1); do \
	PATH=$$PATH:/usr/sbin:/sbin command -v $$program >/dev/null || missing="$$missing $$program"; done; \
if [ -n "$$missing" ]; then \
	command -v apt-get >/dev/null || { echo "Missing programs:$$missing. Install them with your package manager (Debian's names: $(2)), then run this again."; exit 1; }; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	echo "Installing system packages for:$$missing"; \
	$$sudo apt-get update -qq; \
	DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $(2) >/dev/null; \
fi
endef

.PHONY: .system
.system:
	@$(call install,runc nft iptables ipset conntrack ip nsenter curl dig tcpdump hey jq busybox chromium,$(PACKAGES))

# The Python environment, exactly as locked. uv installs it; pip brings uv, by the same lock.
.venv/ready: requirements.lock pyproject.toml
	@echo "Setting up Python packages in .venv"
	@$(PYTHON) -m venv .venv
	@awk '/^[a-z]/{on=/^uv==/} on' requirements.lock > .venv/uv.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@$(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements >/dev/null 2>&1
	@touch $@

.PHONY: .node
.node: widgets/node_modules/.package-lock.json
widgets/node_modules/.package-lock.json: widgets/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing, which checks and builds the widgets. Install Node.js 20 or newer, then run this again."; exit 1; }
	@echo "Setting up Node packages in widgets/node_modules"
	@cd widgets && npm ci --silent --no-audit --no-fund --prefer-offline
	@touch $@
