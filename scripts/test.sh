#!/usr/bin/env bash
# Builds everything once and runs all tests; arguments go to `swift test`.
#
# Tests that start processes run by themselves and one after the other: on two cores they would otherwise wait for each
# other's compilers and hosts, and a wait has a limit that only a failure may reach.
set -euo pipefail
cd "$(dirname "$0")/.."
export SLUICE_PYTHON="$PWD/.venv/bin/python"
swift build --build-tests
if (($#)); then
    exec swift test --skip-build "$@"
fi
# At most a few at once: a test's time limit counts while it waits for a core, and hundreds would wait for minutes.
swift test --skip-build --experimental-maximum-parallelization-width 4 \
    --skip SluiceRuntimeTests --skip IntegrationTests --skip FunctionsTests
swift test --skip-build --no-parallel --filter SluiceRuntimeTests
swift test --skip-build --no-parallel --filter FunctionsTests
swift test --skip-build --no-parallel --filter IntegrationTests
