#!/usr/bin/env bash
# Builds everything once and runs all tests; arguments go to `swift test`.
set -euo pipefail
cd "$(dirname "$0")/.."
export SLUICE_PYTHON="$PWD/.venv/bin/python"
# Warnings of packages we depend on are not ours to mend; our own targets treat theirs as errors when SLUICE_STRICT is set.
swift build --build-tests
swift test --skip-build "$@"
