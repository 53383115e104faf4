#!/usr/bin/env bash
# Runs the mesh of examples/mesh on this machine and shows, with real requests, what it does. Fails when it does not.
set -euo pipefail
cd "$(dirname "$0")/.."
meshctl=${MESHCTL:-target/debug/meshctl}
work=$(mktemp -d)
up=
end() {
    if [ -n "$up" ]; then kill "$up" 2>/dev/null || true; wait "$up" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap end EXIT
trap 'echo "demo: line $LINENO failed" >&2' ERR

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
step() { printf '\n%s== %s%s\n' "$bold" "$1" "$plain"; }
local_() { "$meshctl" local "$@" --state "$work/state"; }
call() { echo "\$ meshctl local call $*" | cut -c1-100; local_ call "$@"; }
must() { if ! grep -q -- "$1" <<<"$2"; then echo "demo: expected '$1' in the lines above" >&2; exit 1; fi; }
# What matters of one answer: the calls, without headers.
brief() { grep -v '^ *[a-z-]*: \|^request,\|^headers of\|^  [A-Z]* /' | sed 's/ (mTLS as spiffe:..cluster.local/\n      (mTLS as /'; }

step "The mesh: a control plane, six proxies and six applications in one process"
cp -r examples/mesh "$work/mesh"
"$meshctl" local up -f "$work/mesh" --state "$work/state" >"$work/up" 2>"$work/notes" &
up=$!
for _ in $(seq 200); do [ -S "$work/state/control.sock" ] && break; sleep 0.1; done
local_ status

step "One request from the product page: routed, encrypted, and both ends know who the other is"
out=$(call --from productpage-v1 http://reviews:9080/reviews/0 | brief); echo "$out"
must 'mTLS as /ns/default/sa/bookinfo-productpage' "$out"

step "Canary: 90 of 100 requests go to v1, 10 to v2"
out=$(call --from productpage-v1 http://reviews:9080/reviews/0 -n 1000); echo "$out"
must 'reviews-v1' "$out"; must 'reviews-v2' "$out"

step "Faults: a tenth of the ratings is aborted, and the user jason waits two seconds"
out=$(call --from reviews-v2 http://ratings:9080/ratings/0 -n 500); echo "$out"
must '500 ' "$out"
out=$(call --from reviews-v2 http://ratings:9080/ratings/0 -H 'end-user: jason' | brief); echo "$out"
must ' in 2[0-9][0-9][0-9] ms' "$out"

step "Retries: the application fails twice, the caller sees one good answer"
out=$(call --from productpage-v1 http://details:9080/details/0 -H 'x-local-fail-first: 2'); echo "$out" | brief
echo "$out" | grep 'x-envoy-attempt-count'
must 'attempt-count: 3' "$out"

step "Access: nobody, by a policy that is copied into the directory of the running mesh"
cp examples/mesh-policies/deny-all.yaml "$work/mesh/"
out=$(call --from productpage-v1 http://reviews:9080/ --until 403 | brief); echo "$out"
must '403' "$out"

step "Access: the product page may read reviews, the details may not"
cp examples/mesh-policies/allow-productpage.yaml "$work/mesh/"
out=$(call --from productpage-v1 http://reviews:9080/ --until 200 | brief); echo "$out"
must ' 200 ' "$out"
out=$(call --from details-v1 http://reviews:9080/ | brief); echo "$out"
must ' 403 ' "$out"

step "Who called whom"
local_ graph
echo
local_ graph -o mermaid

step "The end"
local_ stop
wait "$up"; up=
tail -1 "$work/up"
