#!/usr/bin/env bash
# Says which tests cannot run here and why; they pass without doing anything.
cd "$(dirname "$0")/.." || exit 1
[ -d ../shared/corpus ] || echo 'SKIP conformance corpus: ../shared/corpus is not there'
[ -f ../shared/seed/service-mesh-guide.md ] || echo 'SKIP guide findings: ../shared/seed/service-mesh-guide.md is not there'
[ -f "${ENVOY:-${CARGO_TARGET_DIR:-target}/tools/envoy/envoy/_bin/envoy}" ] || echo 'SKIP differential suite: Envoy is not there (scripts/envoy.sh)'
unshare --net sh -c "ip -V && nft 'add table ip t; add chain ip t o { type nat hook output priority -100; }'" >/dev/null 2>&1 ||
    echo 'SKIP redirected connections: root, unshare, ip, nft and a kernel with nat are needed (scripts/redirect.sh)'
exit 0
