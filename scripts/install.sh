#!/usr/bin/env bash
# Puts the release binaries that belong together into one folder below a prefix, and a link where shells look for it.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=${1:?usage: install.sh PREFIX}
place=$prefix/lib/sluice
mkdir -p "$place" "$prefix/bin"
for file in sluice sluice-worker lib{CSVToParquet,ValidateCSV,EnrichOrders,StreamToParquet}.so; do
    install -m 755 ".build/release/$file" "$place/$file"
done
# What `sluice bench` runs is nobody's to deploy. Earlier installations had it among the functions.
mkdir -p "$place/bench"
for file in lib{BenchEcho,BenchCounter,BenchStream}.so; do
    install -m 755 ".build/release/$file" "$place/bench/$file"
    rm -f "$place/$file"
done
# Where `sluice new` finds what functions are built against.
printf '%s\n' "$PWD" >"$place/sources"
ln -sfn ../lib/sluice/sluice "$prefix/bin/sluice"
echo "installed: $prefix/bin/sluice"
