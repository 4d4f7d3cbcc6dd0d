#!/usr/bin/env bash
# The main job, seen end to end: a CSV becomes a Parquet table; what fails is dead-lettered and redriven.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$plain"; "$@"; }

say "Building (minutes the first time, seconds later)"
# The flag is the Makefile's: built without it, `make build` in a terminal would compile everything again.
swift build -c release --no-color-diagnostics 2>&1 | grep -E '^(error|.*: error:)|Compiling|Build' | tail -n 1
bin=.build/release/sluice

folder=$(mktemp -d "${TMPDIR:-/tmp}/sluice-demo.XXXXXX")
export SLUICE_DATA=$folder/data
app=$folder/app
log=$folder/host.log
sluice() { "$bin" "$@"; }

# The app of this repository, copied, so that the demo can change its configuration.
mkdir -p "$app/.build/release"
cp -r sluice.yaml Functions Events "$app/"
ln -s "$PWD"/.build/release/lib*.so "$app/.build/release/"

say "Starting a host on $SLUICE_DATA"
mkfifo "$folder/ready"
"$bin" up --app "$app" >"$folder/ready" 2>"$log" &
host=$!
stop() {
    kill -TERM "$host" 2>/dev/null || true
    wait "$host" 2>/dev/null || true
}
trap stop EXIT
exec 3<"$folder/ready"
if ! read -r line <&3; then
    echo "The host did not start:" >&2
    cat "$log" >&2
    exit 1
fi
echo "$line"
landing=$SLUICE_DATA/buckets/landing-zone
clean=$SLUICE_DATA/buckets/clean-zone

# Waits until a command prints something, a minute at the most.
wait_for() {
    local what=$1 result
    shift
    for _ in $(seq 600); do
        result=$("$@" 2>/dev/null) || true
        if [[ -n $result ]]; then return 0; fi
        sleep 0.1
    done
    echo "Waited in vain for $what; the host's log:" >&2
    tail -n 20 "$log" >&2
    exit 1
}
parquet_files() { find "$clean/$1" -name '*.parquet' 2>/dev/null; }
letters() { sluice dlq list --json 2>/dev/null | grep -F "$1"; }

say "1. Drop a CSV into the landing zone: plain cp"
mkdir -p "$landing/cleanzonedb/csvtoparquet"
show cp Tests/Fixtures/data/test.csv "$landing/cleanzonedb/csvtoparquet/test.csv"
wait_for "the Parquet file" parquet_files cleanzonedb/csvtoparquet
file=$(parquet_files cleanzonedb/csvtoparquet)
wait_for "the catalog entry" sluice catalog show cleanzonedb.csvtoparquet
echo "The rule csv-landed sent it to CSVToParquet, which wrote"
echo "  ${file#"$SLUICE_DATA/buckets/"}"
show sluice parquet head --rows 5 "$file"
show sluice catalog show cleanzonedb.csvtoparquet

say "2. Drop what cannot work: a key with too few folders, and a file with a malformed row"
mkdir -p "$landing/a" "$landing/shop/orders"
show cp Tests/Fixtures/data/test.csv "$landing/a/b.csv"
printf 'id,item,price\n1,lamp,12.5\n2,desk\n3,chair,40.0\n' >"$folder/orders.csv"
show cp "$folder/orders.csv" "$landing/shop/orders/orders.csv"
wait_for "the dead letters" letters InvalidKey
wait_for "the dead letters" letters MalformedRow
show sluice dlq list
id=$(sluice dlq list --letters --json | sed -nE '/MalformedRow/s/.*"id":([0-9]+).*/\1/p' | head -n 1)
show sluice dlq show "$id"

say "3. Correct the cause (pad such rows instead of refusing the file), deploy, redrive"
sed -i 's/^configuration:$/&\n  malformedRows: pad/' "$app/Functions/CSVToParquet/function.yaml"
show grep -A 2 '^configuration:' "$app/Functions/CSVToParquet/function.yaml"
show sluice deploy --app "$app"
show sluice dlq redrive "$id" --wait
wait_for "the redriven file" parquet_files shop/orders
show sluice parquet head "$(parquet_files shop/orders)"

say "4. Everything is accounted for"
show sluice doctor

stop
trap - EXIT
say "Done. Everything is still there to look at:"
echo "  buckets   $SLUICE_DATA/buckets"
echo "  journal   $SLUICE_DATA/journal"
echo "  logs      $SLUICE_DATA/logs"
echo "  host log  $log"
echo "Go on with it:"
echo "  $PWD/$bin up --data $SLUICE_DATA --app $app"
echo "and in another terminal:"
echo "  export SLUICE_DATA=$SLUICE_DATA; alias sluice=$PWD/$bin"
echo "Remove it:"
echo "  rm -r $folder"
