#!/usr/bin/env bash
# Builds everything once and runs all tests; arguments go to `swift test`.
#
# Tests that start processes run by themselves and one after the other: on two cores they would otherwise wait for each
# other's compilers and hosts, and a wait has a limit that only a failure may reach.
set -euo pipefail
cd "$(dirname "$0")/.."
export SLUICE_PYTHON="$PWD/.venv/bin/python"
swift build --build-tests --no-color-diagnostics
if (($#)); then
    exec swift test --no-color-diagnostics --skip-build "$@"
fi
# What failed is told again at the end, where it is seen.
log=$(mktemp)
# Tests keep the Parquet files there that they write (Tests/WrittenFiles).
SLUICE_WRITTEN=$(mktemp -d)
export SLUICE_WRITTEN
trap 'rm -rf "$log" "$SLUICE_WRITTEN"' EXIT
tests() {
    swift test --no-color-diagnostics --skip-build "$@" 2>&1 | tee "$log" && return
    echo "== what failed in: swift test $*"
    grep -aE 'recorded an issue|^↳|Fatal error|unexpected signal' "$log" | cut -c 1-400 | head -n 14
    exit 1
}
# All of them, not a sample: thousands take a minute or two. Our own reader's part runs in one process, as a test.
written() {
    echo "== files that tests wrote, read by pyarrow, DuckDB, Polars and Sluice"
    # In this order: the second assignment would see the first.
    SLUICE_WRITTEN_READ="$SLUICE_WRITTEN" SLUICE_WRITTEN='' \
        swift test --no-color-diagnostics --skip-build --filter WrittenFilesTests >"$log" 2>&1 || { tail -n 20 "$log"; exit 1; }
    "$SLUICE_PYTHON" Tests/Tools/verify_written.py "$SLUICE_WRITTEN"
    find "$SLUICE_WRITTEN" -mindepth 1 -delete
}
# At most a few at once: a test's time limit counts while it waits for a core, and hundreds would wait for minutes.
tests --experimental-maximum-parallelization-width 4 \
    --skip SluiceRuntimeTests --skip IntegrationTests --skip FunctionsTests
written
tests --no-parallel --filter SluiceRuntimeTests
tests --no-parallel --filter FunctionsTests
tests --no-parallel --filter IntegrationTests
written
