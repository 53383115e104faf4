#!/usr/bin/env bash
# Installs what the tests of redirected connections need (ip and nft) when this is a Debian or Ubuntu, we are root, and they
# are missing. Without them the tests say SKIP; this script never fails.
command -v ip >/dev/null && command -v nft >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo 'scripts/redirect.sh: install iproute2 and nftables to test redirected connections' >&2
    exit 0
fi
echo 'installing iproute2 and nftables' >&2
{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends iproute2 nftables; } >/dev/null 2>&1 ||
    echo 'scripts/redirect.sh: iproute2 and nftables could not be installed' >&2
exit 0
