#!/bin/sh
# Builds the fuzz targets with libFuzzer and runs them one after the other: scripts/fuzz.sh [TARGET...]
# SECONDS_EACH (30) is how long each runs. Without TARGET: all of the proxy's. FEATURES=manifests builds the target that
# needs the whole of meshctl, too. What it finds lies in fuzz/artifacts/TARGET, with the command that plays it again.
#
# The flags are those of `cargo fuzz` without a sanitizer: there is no unsafe code of ours to look into, and stable Rust
# will do. Needs a C++ compiler for libFuzzer.
set -eu
cd "$(dirname "$0")/../fuzz"
seconds=${SECONDS_EACH:-30}
host=$(rustc -vV | sed -n 's/^host: //p')
coverage='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters'
coverage="$coverage -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
coverage="$coverage -Cllvm-args=-simplifycfg-branch-fold-threshold=0"
export RUSTFLAGS="$coverage --cfg fuzzing"
cargo build --release --target "$host" ${FEATURES:+--features "$FEATURES"}
[ $# -gt 0 ] || set -- $(sed -n 's/^name = "\(proxy_[a-z0-9_]*\)"/\1/p' Cargo.toml)
for target in "$@"; do
    mkdir -p "corpus/$target" "artifacts/$target"
    echo "== $target, $seconds s"
    "target/$host/release/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix="artifacts/$target/" "corpus/$target" 2>"artifacts/$target.log" || {
        tail -30 "artifacts/$target.log" >&2
        exit 1
    }
    sed -n 's/^stat::number_of_executed_units: */runs: /p; s/^stat::peak_rss_mb: */peak RSS, MB: /p' "artifacts/$target.log"
done
