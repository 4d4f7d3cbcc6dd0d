#!/usr/bin/env bash
# The readers that check what Sluice writes, in a virtual environment of this folder.
set -euo pipefail
cd "$(dirname "$0")/.."
# fastparquet for parquet.thrift, and thriftpy2 to read by it.
wanted="pyarrow duckdb polars numpy vega_datasets boto3 fastparquet thriftpy2"
stamp=.venv/.installed
[[ -f $stamp && $(<"$stamp") == "$wanted" ]] && exit 0
if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    root=()
    ((EUID == 0)) || root=(sudo)
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
fi
echo "python: installing $wanted into .venv"
python3 -m venv .venv
# shellcheck disable=SC2086
.venv/bin/python -m pip install --quiet --disable-pip-version-check $wanted
echo "$wanted" >"$stamp"
