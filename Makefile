# SPDX-License-Identifier: Apache-2.0
# What a newcomer needs; the build itself is Meson's (meson.build). Each target installs the Debian packages it needs
# first (see tests/setup/packages), asking nothing as root and through sudo otherwise.

BUILD ?= build
PYTHON ?= /usr/bin/python3
JOBS ?= $(shell nproc)
INSTALL = tests/setup/install

# What `make run` serves, and where.
DIR ?= docs/sample-site
HTTP ?= localhost:8080
HTTPS ?= localhost:8443

# On a terminal Ctrl-C is for the server alone, which ends in order; Make would call it a failure. Dies with Make all the same.
OWN_GROUP = bash -c 'if [ -t 0 ]; then set -m; setpriv --pdeathsig TERM "$$@"; else exec "$$@"; fi' run

.PHONY: help run build test test-quick test-system test-vm soak bench fuzz deb deps clean

help: ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

run: build ## serve DIR (default: a sample site) on http://localhost:8080 and https://localhost:8443
	@$(OWN_GROUP) $(BUILD)/src/cli/ccodesctl run --dir "$(DIR)" --http "$(HTTP)" --https "$(HTTPS)"

build: ## build the programs in build/
	@$(INSTALL) build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) -Dtests=false >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@ninja -C $(BUILD) -j $(JOBS)

test: ## run every test; prints the time of each ring
	@$(INSTALL) build test deb fuzz
	@$(PYTHON) tests/run --jobs $(JOBS)

test-quick: ## run the tests that take seconds: style, units, fuzz seeds, integration
	@$(INSTALL) build test
	@$(PYTHON) tests/run --jobs $(JOBS) static unit integration

test-system: ## run the system tests on a Debian booted in a container, with the package
	@$(INSTALL) build test deb
	@$(PYTHON) tests/run --jobs $(JOBS) package system

test-vm: ## run the system tests in a virtual machine under Debian's own kernel
	@$(INSTALL) build test vm
	@$(PYTHON) tests/run --jobs $(JOBS) package vm

soak: ## kill, restart and replace the server 200 times under load, in a container
	@$(INSTALL) build test deb
	@$(PYTHON) tests/run --jobs $(JOBS) package soak

bench: ## measure against the floor and the peers, and print the tables
	@$(INSTALL) build bench
	@$(PYTHON) tests/bench/run

fuzz: ## fuzz every parser for SECONDS each (default 600)
	@$(INSTALL) build fuzz
	@$(PYTHON) tests/fuzz/run --seconds $(or $(SECONDS),600)

deb: ## build the Debian package in build/deb/
	@$(INSTALL) build deb
	@debian/build $(abspath $(BUILD))/deb

deps: ## only install the packages that building and testing need
	@$(INSTALL) build test vm bench fuzz deb

clean: ## remove what was built
	rm -rf $(BUILD) build-*
