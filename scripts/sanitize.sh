#!/usr/bin/env bash
# Tests of the pure modules, which work on raw memory, under the sanitizers: address and thread (both, or the one named).
# Swift has no sanitizer of undefined behaviour for Linux; overflows and bounds trap by themselves.
#
# A package of these modules alone is made in .build/sanitize: the whole one would compile BoringSSL and NIO once more for each.
# SLUICE_FUZZ_SECONDS says how long the fuzzers of the pattern engine and of the readers run, each (60).
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
export SLUICE_FUZZ_SECONDS=${SLUICE_FUZZ_SECONDS:-60}
export SLUICE_PYTHON=${SLUICE_PYTHON:-$root/.venv/bin/python}

package=$root/.build/sanitize
mkdir -p "$package"
ln -sfn "$root/Sources" "$package/Sources"
# Limits of time are for what hangs: under a sanitizer everything takes many times as long.
rm -rf "$package/Tests"
cp -Rp "$root/Tests" "$package/Tests"
grep -rl --include='*.swift' 'timeLimit(.minutes(' "$package/Tests" | xargs sed -i 's/timeLimit(\.minutes(/&20 * /'
cat >"$package/Package.swift" <<'EOF'
// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
let package = Package(
    name: "sluice",
    targets: [
        .systemLibrary(name: "CSnappy"),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .target(name: "CLinux"),
        .target(name: "CivilCalendar", swiftSettings: settings),
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        .target(name: "FunctionJSON", swiftSettings: settings),
        .target(name: "Schedules", dependencies: ["CivilCalendar"], swiftSettings: settings),
        .target(name: "EventPatterns", dependencies: ["CivilCalendar", "CLinux", "Schedules"], swiftSettings: settings),
        .target(
            name: "Columnar", dependencies: ["CivilCalendar", "CSnappy", "CZstd", "CZlib", "CLinux"],
            swiftSettings: settings),
        .testTarget(name: "FunctionJSONTests", dependencies: ["FunctionJSON"], swiftSettings: settings),
        .testTarget(
            name: "EventPatternsTests", dependencies: ["EventPatterns", "CAllocations", "CLinux"],
            exclude: ["Conformance"], swiftSettings: settings),
        // Masks need swift-crypto.
        .testTarget(
            name: "ColumnarTests", dependencies: ["Columnar", "CLinux"], exclude: ["MaskingTests.swift"],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
EOF

export ASAN_OPTIONS=detect_leaks=0
for sanitizer in "${@:-address thread}"; do
    for one in $sanitizer; do
        echo "sanitize: $one"
        # Optimised, as it ships: what is not takes ten times as long, so that nobody would wait for it.
        build=(-c release --package-path "$package" --scratch-path "$root/.build/sanitize-$one" --sanitize="$one"
            --no-color-diagnostics)
        swift build --build-tests "${build[@]}"
        swift test --skip-build "${build[@]}" --experimental-maximum-parallelization-width 2
    done
done
