# What people and CI run. `make help` lists it.

CARGO ?= cargo
RUST_FILES = git ls-files '*.rs'
.DEFAULT_GOAL := help
.PHONY: help demo test lint fmt bench generate docs image cluster-up cluster-down

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | awk -F'\t' '{ printf "  %-14s %s\n", $$1, $$2 }'

demo: ## Build meshctl and analyze examples/bookinfo, which has planted mistakes
	@$(CARGO) build --locked --quiet
	@echo '$$ meshctl analyze examples/bookinfo' >&2
	@$(CARGO) run --locked --quiet -- analyze examples/bookinfo; code=$$?; \
	if [ $$code -gt 1 ]; then exit $$code; fi; \
	echo "(exit $$code: the mistakes are planted. \`meshctl explain CODE\` tells more about each.)" >&2

test: ## Run all tests; says what this machine lacks for some of them
	@scripts/skips.sh
	$(CARGO) test --workspace --locked

lint: ## Formatting, clippy with warnings as errors, crates that must stay out
	$(RUST_FILES) | xargs rustfmt --check --edition 2024
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@scripts/absent-crate.sh meshctl ring
	@scripts/absent-crate.sh embedded-proxy kube
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check bans licenses sources; \
	else echo 'SKIP licences and duplicate crates: cargo-deny is not installed'; fi

fmt: ## Format every Rust file (cargo fmt does not see files declared by the commands! list)
	$(RUST_FILES) | xargs rustfmt --edition 2024

bench: ## Measure analyze on generated input: time, memory, documents a second
	$(CARGO) bench --workspace --locked

generate: ## Rewrite the checked-in files that are made from the code
	UPDATE=1 $(CARGO) test --locked --test runner generated

docs: ## Build the book into docs/book (needs mdbook: cargo install mdbook)
	@command -v mdbook >/dev/null || { echo 'make docs: mdbook is not installed; run: cargo install mdbook' >&2; exit 1; }
	mdbook build docs

image: ## (not there yet) Build the container image
	@echo 'make image: there is no image yet. It comes with `meshctl image save`, together with the control plane.' >&2; exit 1

cluster-up: ## (not there yet) Start a test cluster
	@echo 'make cluster-up: no test needs a cluster yet. tests/cluster comes with the commands that talk to one.' >&2; exit 1

cluster-down: ## (not there yet) Stop the test cluster
	@echo 'make cluster-down: there is no test cluster yet, so there is nothing to stop.' >&2; exit 1
