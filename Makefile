# make serve    build Settle and serve databases under ./data on http://127.0.0.1:5984 (admin:admin)
# make test     build and run every test
# make check    the whole gate: what a change must pass
# make man      write the manual pages anew from the commands
# On a bare Debian each of them first installs the system packages that it lacks.

SHELL := bash
MAKEFLAGS += --no-print-directory
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

# What `serve` uses: make serve DATA=/srv/settle ADMIN=me:secret LISTEN=0.0.0.0:5984
DATA ?= data
ADMIN ?= admin:admin
LISTEN ?= 127.0.0.1:5984

LIBRARIES := liblmdb-dev zlib1g-dev libicu-dev libjavascriptcoregtk-4.1-dev
TEST_TOOLS := gcc libc6-dev python3
SWIFT ?= swift

.PHONY: help serve test check man format lint unsafe imports manual libraries tools

help:
	@sed -n '/^$$/q; s/^# //p' Makefile

serve: libraries
	$(SWIFT) build -c release --product settle
	exec .build/release/settle serve --data '$(DATA)' --listen '$(LISTEN)' --admin '$(ADMIN)'

test: libraries tools
	$(SWIFT) test

check: libraries tools lint unsafe imports
	@data=$$(mktemp -d); trap 'rm -rf "$$data"' EXIT
	SETTLE_TEST_DATA="$$data" $(SWIFT) test
	find "$$data" -name '*.settle' -prune -print0 | sort -z | xargs -0 -r .build/debug/settle check --
	$(MAKE) manual

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

# Raw memory is touched in two targets only.
unsafe:
	@! grep -rnE 'Unsafe(Mutable)?(Raw)?(Buffer)?Pointer|unsafeBitCast|withUnsafe|@unsafe' Sources \
	    --include='*.swift' --exclude-dir=SettleStorage --exclude-dir=SettleJavaScript

# Every module that a file imports stands among its target's dependencies.
imports: libraries
	$(SWIFT) build --explicit-target-dependency-import-check error

man: libraries tools
	$(SWIFT) build --product settle
	man/generate.py .build/debug/settle man

# The pages in man/ say what the commands say.
manual: libraries tools
	$(SWIFT) build --product settle
	man/generate.py --check .build/debug/settle man

# Installs the Debian packages named in $(1) that are not there; elsewhere it only says what is needed.
define install
	missing=(); for package in $(1); do \
	  dpkg-query -W -f '$${db:Status-Status}' "$$package" 2>/dev/null | grep -qx installed || missing+=("$$package"); done; \
	if ((!$${#missing[@]})); then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "needs: $${missing[*]} (macOS: brew install lmdb icu4c)" >&2; exit 0; fi; \
	run=(); if ((EUID)); then run=(sudo); fi; \
	echo "installing $${missing[*]}" >&2; \
	"$${run[@]}" apt-get update -qq; \
	DEBIAN_FRONTEND=noninteractive "$${run[@]}" apt-get install -qq -y --no-install-recommends "$${missing[@]}" >/dev/null
endef

libraries:
	@$(call install,$(LIBRARIES))

tools:
	@$(call install,$(TEST_TOOLS))
