#!/usr/bin/env bash
# absent-crate.sh PACKAGE CRATE: fails if CRATE is in the dependency tree of PACKAGE.
# ring: a second TLS provider beside aws-lc-rs makes rustls panic at first use.
# kube in embedded-proxy: the proxy must not know Kubernetes.
set -euo pipefail
package=$1 crate=$2
if tree=$(cargo tree --locked --package "$package" --target all --edges normal,build --invert "$crate" 2>&1); then
    case $tree in
        *'nothing to print'*) ;;
        *) printf '%s must not depend on %s:\n%s\n' "$package" "$crate" "$tree" >&2; exit 1 ;;
    esac
else
    # cargo fails with this message when the crate is nowhere; anything else is a real failure.
    case $tree in
        *"\`$crate\` did not match any packages"*) ;;
        *) printf 'cargo tree failed:\n%s\n' "$tree" >&2; exit 1 ;;
    esac
fi
echo "ok: $package does not depend on $crate"
